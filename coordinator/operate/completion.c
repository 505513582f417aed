/* `saga completion`: what shells complete, made of the table of commands and their options. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "operate/commands.h"
#include "operate/options.h"

/* All that a shell's script is made of. */
struct all {
    const struct saga_subcommand *commands[SAGA_SUBCOMMANDS_MAX];
    size_t count;
};

static bool is_of_two_words(const struct saga_subcommand *command)
{
    return strchr(command->name, ' ') != NULL;
}

static struct saga_slice first_word(const struct saga_subcommand *command)
{
    return (struct saga_slice){ command->name, strcspn(command->name, " ") };
}

static const char *second_word(const struct saga_subcommand *command)
{
    return strchr(command->name, ' ') + 1;
}

/* Is it the first command of this word? The others stand behind it. */
static bool is_first_of_word(const struct all *all, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (saga_slice_equal(first_word(all->commands[i]), first_word(all->commands[index])))
            return false;
    return true;
}

/* In single quotes of a POSIX shell or of fish: a quote ends them for a moment. `colons`: zsh's specifications end words at
 * colons and brackets. */
static void add_quoted(struct saga_buffer *out, const char *words, bool colons)
{
    for (const char *c = words; *c; c++) {
        if (*c == '\'')
            saga_buffer_add(out, SAGA_SLICE("'\\''"));
        else if (colons && strchr(":[]\\", *c))
            saga_buffer_printf(out, "\\%c", *c);
        else
            saga_buffer_add_char(out, *c == '\n' ? ' ' : *c);
    }
}

/* ---- bash ---- */

static void bash_command(struct saga_buffer *out, const struct saga_subcommand *command)
{
    struct saga_option *options;
    size_t count;
    saga_options_of(command, out->arena, &options, &count);
    saga_buffer_printf(out, "        '%s'%s)\n            options='", command->name,
                       is_of_two_words(command) ? "" : "*");
    for (size_t i = 0; i < count; i++) {
        if (options[i].letter) saga_buffer_printf(out, "-%c ", options[i].letter);
        if (options[i].name)
            saga_buffer_printf(out, "--%s%s ", options[i].name, options[i].argument ? "=" : "");
    }
    saga_buffer_printf(out, "--help'\n            case \"$option\" in\n");
    for (size_t i = 0; i < count; i++) {
        const char *choices = saga_option_choices(command, &options[i], out->arena);
        const char *name = options[i].name;
        if (!options[i].argument) continue;
        saga_buffer_printf(out, "                ");
        if (options[i].letter)
            saga_buffer_printf(out, "-%c%s", options[i].letter, name ? " | " : "");
        if (name) saga_buffer_printf(out, "--%s", name);
        if (choices)
            saga_buffer_printf(out, ") values='%s' ;;\n", choices);
        else
            saga_buffer_printf(out, ") values=%s ;;\n",
                               saga_option_is_path(&options[i]) ? "@files" : "@none");
    }
    saga_buffer_printf(out, "            esac\n            files=%s ;;\n",
                       saga_subcommand_takes_files(command) ? "yes" : "");
}

static void bash_words(struct saga_buffer *out, const struct all *all)
{
    saga_buffer_printf(out, "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                            "        COMPREPLY=($(compgen -W 'help");
    for (size_t i = 0; i < all->count; i++)
        if (is_first_of_word(all, i))
            saga_buffer_printf(out, " %.*s", SAGA_SLICE_ARG(first_word(all->commands[i])));
    saga_buffer_printf(out, "' -- \"$word\"))\n        return\n    fi\n");
    for (size_t i = 0; i < all->count; i++) {
        if (!is_of_two_words(all->commands[i]) || !is_first_of_word(all, i)) continue;
        struct saga_slice first = first_word(all->commands[i]);
        saga_buffer_printf(out,
                           "    if [ \"$COMP_CWORD\" -eq 2 ] && [ \"$first\" = '%.*s' ]; then\n"
                           "        COMPREPLY=($(compgen -W '",
                           SAGA_SLICE_ARG(first));
        for (size_t j = i; j < all->count; j++)
            if (is_of_two_words(all->commands[j]) &&
                saga_slice_equal(first, first_word(all->commands[j])))
                saga_buffer_printf(out, "%s ", second_word(all->commands[j]));
        saga_buffer_printf(out, "' -- \"$word\"))\n        return\n    fi\n");
    }
}

static void bash(struct saga_buffer *out, const struct all *all)
{
    saga_buffer_printf(
        out, "# bash completion for saga; made by `saga completion bash`\n"
             "_saga() {\n"
             "    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}\n"
             "    local first=${COMP_WORDS[1]:-} options='--help' values='' files=''\n"
             "    COMPREPLY=()\n"
             "    # --name=value comes as three words\n"
             "    if [ \"$word\" = '=' ]; then word=''; \n"
             "    elif [ \"$option\" = '=' ]; then option=${COMP_WORDS[COMP_CWORD - 2]}; fi\n");
    bash_words(out, all);
    saga_buffer_printf(out, "    case \"$first ${COMP_WORDS[2]:-}\" in\n");
    for (size_t i = 0; i < all->count; i++)
        if (is_of_two_words(all->commands[i])) bash_command(out, all->commands[i]);
    saga_buffer_printf(out, "        *) case \"$first\" in\n");
    for (size_t i = 0; i < all->count; i++)
        if (!is_of_two_words(all->commands[i])) bash_command(out, all->commands[i]);
    saga_buffer_printf(
        out,
        "        esac ;;\n    esac\n"
        "    case \"$values\" in\n"
        "        @none) return ;;\n"
        "        @files) COMPREPLY=($(compgen -f -- \"$word\")); compopt -o filenames; return ;;\n"
        "        ?*) COMPREPLY=($(compgen -W \"$values\" -- \"$word\")); return ;;\n"
        "    esac\n"
        "    if [ \"${word#-}\" != \"$word\" ]; then\n"
        "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
        "        case \"${COMPREPLY[*]}\" in *=) compopt -o nospace ;; esac\n"
        "    elif [ -n \"$files\" ]; then\n"
        "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
        "        compopt -o filenames\n"
        "    fi\n"
        "}\n"
        "complete -F _saga saga\n");
}

/* ---- zsh ---- */

static void zsh_option(struct saga_buffer *out, const struct saga_subcommand *command,
                       const struct saga_option *option)
{
    const char *choices = saga_option_choices(command, option, out->arena);
    const char *forms[2] = { NULL, option->name };
    char letter[] = { option->letter, '\0' };
    if (option->letter) forms[0] = letter;
    for (size_t f = 0; f < 2; f++) {
        if (!forms[f]) continue;
        saga_buffer_printf(out, " \\\n                '%s%s%s[", f ? "--" : "-", forms[f],
                           !option->argument ? ""
                           : f               ? "="
                                             : "+");
        add_quoted(out, option->words, true);
        saga_buffer_add_char(out, ']');
        if (option->argument) {
            saga_buffer_add_char(out, ':');
            add_quoted(out, option->argument, true);
            saga_buffer_add_char(out, ':');
        }
        if (choices)
            saga_buffer_printf(out, "(%s)", choices);
        else if (saga_option_is_path(option))
            saga_buffer_printf(out, "_files");
        saga_buffer_add_char(out, '\'');
    }
}

static void zsh_command(struct saga_buffer *out, const struct saga_subcommand *command)
{
    struct saga_option *options;
    size_t count;
    saga_options_of(command, out->arena, &options, &count);
    saga_buffer_printf(out, "        '%s')\n            _arguments -s", command->name);
    for (size_t i = 0; i < count; i++) zsh_option(out, command, &options[i]);
    saga_buffer_printf(out, " \\\n                '--help[show help]'%s ;;\n",
                       saga_subcommand_takes_files(command) ? " \\\n                '*:file:_files'"
                                                            : "");
}

static void zsh_words(struct saga_buffer *out, const struct all *all, struct saga_slice first)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct saga_subcommand *command = all->commands[i];
        bool second = first.size > 0;
        if (second && (!is_of_two_words(command) || !saga_slice_equal(first_word(command), first)))
            continue;
        if (!second && !is_first_of_word(all, i)) continue;
        struct saga_slice word = second ? saga_slice_of(second_word(command)) : first_word(command);
        saga_buffer_printf(out, " \\\n            '%.*s:", SAGA_SLICE_ARG(word));
        add_quoted(out, second || !is_of_two_words(command) ? command->summary : "further commands",
                   false);
        saga_buffer_add_char(out, '\'');
    }
}

static void zsh(struct saga_buffer *out, const struct all *all)
{
    saga_buffer_printf(out, "#compdef saga\n# made by `saga completion zsh`\n"
                            "_saga() {\n    local -a names\n    local command\n"
                            "    if (( CURRENT == 2 )); then\n        names=(");
    zsh_words(out, all, SAGA_SLICE_NONE);
    saga_buffer_printf(out, ")\n        _describe command names\n        return\n    fi\n"
                            "    command=$words[2]\n    case $command in\n");
    for (size_t i = 0; i < all->count; i++) {
        if (!is_of_two_words(all->commands[i]) || !is_first_of_word(all, i)) continue;
        struct saga_slice first = first_word(all->commands[i]);
        saga_buffer_printf(out,
                           "    %.*s)\n        if (( CURRENT == 3 )); then\n            names=(",
                           SAGA_SLICE_ARG(first));
        zsh_words(out, all, first);
        saga_buffer_printf(out, ")\n            _describe command names\n            return\n"
                                "        fi\n        command=\"$words[2] $words[3]\"\n"
                                "        shift words; (( CURRENT-- )) ;;\n");
    }
    saga_buffer_printf(out, "    esac\n    shift words; (( CURRENT-- ))\n    case $command in\n");
    for (size_t i = 0; i < all->count; i++) zsh_command(out, all->commands[i]);
    saga_buffer_printf(out,
                       "    esac\n}\n"
                       "if [ \"$funcstack[1]\" = _saga ]; then _saga; else compdef _saga saga; "
                       "fi\n");
}

/* ---- fish ---- */

static void fish_option(struct saga_buffer *out, const struct saga_subcommand *command,
                        const struct saga_option *option)
{
    const char *choices = saga_option_choices(command, option, out->arena);
    saga_buffer_printf(out, "complete -c saga -n '__saga_at %s'", command->name);
    if (option->letter) saga_buffer_printf(out, " -s %c", option->letter);
    if (option->name) saga_buffer_printf(out, " -l %s", option->name);
    if (option->argument) saga_buffer_printf(out, saga_option_is_path(option) ? " -r -F" : " -x");
    if (choices) saga_buffer_printf(out, " -a '%s'", choices);
    saga_buffer_printf(out, " -d '");
    add_quoted(out, option->words, false);
    saga_buffer_printf(out, "'\n");
}

static void fish_command(struct saga_buffer *out, const struct all *all, size_t index)
{
    const struct saga_subcommand *command = all->commands[index];
    struct saga_slice first = first_word(command);
    struct saga_option *options;
    size_t count;
    if (is_first_of_word(all, index)) {
        saga_buffer_printf(out, "complete -c saga -n __fish_use_subcommand -a %.*s -d '",
                           SAGA_SLICE_ARG(first));
        add_quoted(out, is_of_two_words(command) ? "further commands" : command->summary, false);
        saga_buffer_printf(out, "'\n");
    }
    if (is_of_two_words(command)) {
        saga_buffer_printf(out, "complete -c saga -n '__saga_after %.*s' -a %s -d '",
                           SAGA_SLICE_ARG(first), second_word(command));
        add_quoted(out, command->summary, false);
        saga_buffer_printf(out, "'\n");
    }
    saga_options_of(command, out->arena, &options, &count);
    for (size_t i = 0; i < count; i++) fish_option(out, command, &options[i]);
    if (saga_subcommand_takes_files(command))
        saga_buffer_printf(out, "complete -c saga -n '__saga_at %s' -F\n", command->name);
}

static void fish(struct saga_buffer *out, const struct all *all)
{
    saga_buffer_printf(out, "# made by `saga completion fish`\n"
                            "# is the command that is being written the one of these words?\n"
                            "function __saga_at\n"
                            "    set -l words (commandline -opc)\n"
                            "    set -e words[1]\n"
                            "    string match -q -- \"$argv *\" \"$words \"\n"
                            "end\n"
                            "# is this its first word, and the second not there yet?\n"
                            "function __saga_after\n"
                            "    set -l words (commandline -opc)\n"
                            "    test (count $words) -eq 2; and test \"$words[2]\" = $argv[1]\n"
                            "end\n"
                            "complete -c saga -f\n");
    for (size_t i = 0; i < all->count; i++) fish_command(out, all, i);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    void (*print)(struct saga_buffer *out, const struct all *all);
} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

static int run(struct saga_call *call)
{
    struct all all;
    struct saga_buffer out;
    all.count = saga_subcommand_all(all.commands);
    saga_buffer_init(&out, call->arena);
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(shells[i].name, call->arguments[0]) != 0) continue;
        shells[i].print(&out, &all);
        fwrite(out.data, 1, out.size, stdout);
        return SAGA_EXIT_DONE;
    }
    return saga_call_fail(call, SAGA_EXIT_USAGE, "it is bash, zsh or fish",
                          "there is no completion for the shell \"%s\"", call->arguments[0]);
}

const struct saga_subcommand saga_subcommand_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "print what makes a shell complete commands and options",
    .details = "The package has it installed for all three.",
    .examples = "  source <(saga completion bash)\n"
                "  saga completion zsh > ~/.zfunc/_saga\n"
                "  saga completion fish > ~/.config/fish/completions/saga.fish",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
