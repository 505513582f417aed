/* `saga manual`: the pages of the manual, made of what --help is made of, in the language of man(7). */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "operate/commands.h"
#include "operate/options.h"

enum { KEY_TO = 't' };

/* ---- text in roff ---- */

/* A line that begins with a dot or a quote would be a request; hyphens of options must not become typographic ones. */
static void add_text(struct saga_buffer *out, struct saga_slice text)
{
    bool at_start = true;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (at_start && (c == '.' || c == '\'')) saga_buffer_add(out, SAGA_SLICE("\\&"));
        if (c == '\\')
            saga_buffer_add(out, SAGA_SLICE("\\e"));
        else if (c == '-')
            saga_buffer_add(out, SAGA_SLICE("\\-"));
        else
            saga_buffer_add_char(out, c);
        at_start = c == '\n';
    }
}

static void add_words(struct saga_buffer *out, const char *words)
{
    add_text(out, saga_slice_of(words));
}

/* Paragraphs are apart by empty lines; lines that are indented stay as they are. */
static void add_paragraphs(struct saga_buffer *out, const char *text)
{
    bool as_it_is = false;
    while (*text) {
        size_t size = strcspn(text, "\n");
        bool indented = text[0] == ' ';
        if (indented != as_it_is) saga_buffer_printf(out, indented ? ".PP\n.nf\n" : ".fi\n");
        as_it_is = indented;
        if (size == 0)
            saga_buffer_add(out, SAGA_SLICE(".PP"));
        else
            add_text(out, (struct saga_slice){ text, size });
        saga_buffer_add_char(out, '\n');
        text += size + (text[size] == '\n');
    }
    if (as_it_is) saga_buffer_add(out, SAGA_SLICE(".fi\n"));
}

/* saga-topics-create */
static const char *page_name(const struct saga_subcommand *command, struct saga_arena *arena)
{
    char *name =
        saga_arena_string(arena, saga_arena_printf(arena, "saga-%s", command ? command->name : ""));
    if (!command) name[4] = '\0';
    for (char *c = name; *c; c++)
        if (*c == ' ') *c = '-';
    return name;
}

static void add_title(struct saga_buffer *out, const char *page, const char *summary)
{
    char upper[128];
    size_t size = strlen(page);
    for (size_t i = 0; i <= size && i < sizeof upper; i++)
        upper[i] = (char)toupper((unsigned char)page[i]);
    upper[sizeof upper - 1] = '\0';
    saga_buffer_printf(out, ".TH \"%s\" 1 \"\" \"saga %s\" \"saga\"\n.SH NAME\n", upper,
                       SAGA_VERSION);
    add_words(out, page);
    saga_buffer_printf(out, " \\- ");
    add_words(out, summary);
    saga_buffer_add_char(out, '\n');
}

static void add_exit_status(struct saga_buffer *out)
{
    static const struct {
        const char *code, *words;
    } codes[] = {
        { "0", "done" },
        { "1", "failed" },
        { "2", "wrong usage, or a configuration that cannot be read" },
        { "3", "what was asked for is not there" },
        { "10", "unhealthy: something is wrong with the surroundings" },
        { "71", "memory came to its end" },
    };
    saga_buffer_printf(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        saga_buffer_printf(out, ".TP\n.B %s\n%s\n", codes[i].code, codes[i].words);
}

/* ---- the page of one command ---- */

static void add_option(struct saga_buffer *out, const struct saga_option *option)
{
    saga_buffer_printf(out, ".TP\n");
    if (option->letter) saga_buffer_printf(out, "\\fB\\-%c\\fR", option->letter);
    if (option->letter && option->name) saga_buffer_printf(out, ", ");
    if (option->name) {
        saga_buffer_printf(out, "\\fB\\-\\-");
        add_words(out, option->name);
        saga_buffer_printf(out, "\\fR");
    }
    if (option->argument) {
        saga_buffer_printf(out, "%s\\fI", option->name ? "=" : " ");
        add_words(out, option->argument);
        saga_buffer_printf(out, "\\fR");
    }
    saga_buffer_add_char(out, '\n');
    add_words(out, option->words);
    saga_buffer_add_char(out, '\n');
}

static void add_options(struct saga_buffer *out, const struct saga_subcommand *command)
{
    struct saga_option *options;
    size_t count;
    bool settings = false;
    saga_options_of(command, out->arena, &options, &count);
    saga_buffer_printf(out, ".SH OPTIONS\n");
    for (size_t i = 0; i < count; i++) {
        if (options[i].is_setting && !settings)
            saga_buffer_printf(out, ".SS \"Settings, also in the file and as SAGA_...\"\n");
        settings = options[i].is_setting;
        add_option(out, &options[i]);
    }
    if (settings) saga_buffer_printf(out, ".SS \"Help\"\n");
    saga_buffer_printf(out, ".TP\n\\fB\\-?\\fR, \\fB\\-\\-help\\fR\nshow this\n");
}

static void add_page(struct saga_buffer *out, const struct saga_subcommand *command)
{
    add_title(out, page_name(command, out->arena), command->summary);
    saga_buffer_printf(out, ".SH SYNOPSIS\n.B saga %s\n[\\fIOPTION\\fR...]", command->name);
    if (command->arguments) {
        saga_buffer_printf(out, " \\fI");
        add_words(out, command->arguments);
        saga_buffer_printf(out, "\\fR");
    }
    saga_buffer_printf(out, "\n.SH DESCRIPTION\n");
    add_paragraphs(out, command->details ? command->details : command->summary);
    add_options(out, command);
    saga_buffer_printf(out, ".SH EXAMPLES\n.nf\n");
    add_words(out, command->examples);
    saga_buffer_printf(out, "\n.fi\n");
    add_exit_status(out);
    saga_buffer_printf(out, ".SH SEE ALSO\n.BR saga (1)\n");
}

/* ---- the page of them all ---- */

static void add_commands(struct saga_buffer *out)
{
    saga_buffer_printf(out, ".SH COMMANDS\n");
    for (size_t g = 0; g < saga_subcommand_group_count; g++) {
        const struct saga_subcommand_group *group = &saga_subcommand_groups[g];
        saga_buffer_printf(out, ".SS \"%s\"\n", group->title);
        for (size_t i = 0; i < group->count; i++) {
            saga_buffer_printf(out, ".TP\n.BR ");
            add_words(out, page_name(group->commands[i], out->arena));
            saga_buffer_printf(out, " (1)\n");
            add_words(out, group->commands[i]->summary);
            saga_buffer_add_char(out, '\n');
        }
    }
}

static void add_overview(struct saga_buffer *out)
{
    add_title(out, "saga", "coordinates sagas over Kafka and Redis");
    saga_buffer_printf(
        out, ".SH SYNOPSIS\n.B saga\n\\fICOMMAND\\fR [\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n"
             ".SH DESCRIPTION\n");
    add_words(out, "Coordinates business processes between services that talk through Kafka: one "
                   "YAML file says which command goes to which service, what every answer leads "
                   "to, and how each step is taken back. Kafka and Redis are all it needs.\n");
    add_commands(out);
    saga_buffer_printf(out, ".SH FILES\n.TP\n.I /etc/saga/saga.yaml\n");
    add_words(out, "the configuration of the service that the package brings; elsewhere saga.yaml "
                   "in the current folder, or what --config or SAGA_CONFIG names\n");
    saga_buffer_printf(out, ".SH ENVIRONMENT\n.TP\n.B SAGA_...\n");
    add_words(out, "a setting: redis.host is SAGA_REDIS_HOST. `saga config` shows what is in force "
                   "and where each value came from\n");
    add_exit_status(out);
}

/* ---- the command ---- */

static struct saga_slice page_of(const struct saga_subcommand *command, struct saga_arena *arena)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    if (command)
        add_page(&out, command);
    else
        add_overview(&out);
    return saga_buffer_slice(&out);
}

static int write_page(const struct saga_call *call, const char *folder,
                      const struct saga_subcommand *command)
{
    struct saga_slice page = page_of(command, call->arena);
    const char *path =
        saga_arena_printf(call->arena, "%s/%s.1", folder, page_name(command, call->arena)).data;
    FILE *file = fopen(path, "we");
    bool written = file && fwrite(page.data, 1, page.size, file) == page.size;
    if (file && fclose(file) != 0) written = false;
    if (written) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s cannot be written: %s", path,
                          strerror(errno));
}

static int write_all(const struct saga_call *call, const char *folder)
{
    const struct saga_subcommand *commands[SAGA_SUBCOMMANDS_MAX];
    size_t count = saga_subcommand_all(commands);
    if (mkdir(folder, 0777) < 0 && errno != EEXIST)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "%s cannot be made: %s", folder,
                              strerror(errno));
    int code = write_page(call, folder, NULL);
    for (size_t i = 0; i < count && code == SAGA_EXIT_DONE; i++)
        code = write_page(call, folder, commands[i]);
    return code;
}

static int run(struct saga_call *call)
{
    const char *folder = saga_call_option(call, KEY_TO);
    const struct saga_subcommand *command = NULL;
    int words = 0;
    if (folder) return write_all(call, folder);
    if (call->argument_count) {
        command = saga_subcommand_find((int)call->argument_count,
                                       (char *const *)(uintptr_t)call->arguments, &words);
        if (!command)
            return saga_call_fail(call, SAGA_EXIT_NOT_FOUND, "`saga help` lists all commands",
                                  "there is no command \"%s\"", call->arguments[0]);
    }
    struct saga_slice page = page_of(command, call->arena);
    fwrite(page.data, 1, page.size, stdout);
    return SAGA_EXIT_DONE;
}

static const struct argp_option options[] = {
    { "to", KEY_TO, "FOLDER", 0, "write all pages there, a file each", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_manual = {
    .name = "manual",
    .arguments = "[COMMAND]",
    .summary = "print a page of the manual",
    .details = "Says what --help says, in the form that man(1) shows. The package has all pages "
               "installed.",
    .examples = "  saga manual run | man -l -\n"
                "  saga manual --to share/man/man1",
    .options = options,
    .arguments_max = 2,
    .run = run,
};
