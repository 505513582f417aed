/* From the command line to a command's run function: argp for each command, the help over all of
 * them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "operate/command.h"
#include "operate/libraries.h"
#include "operate/opening.h"
#include "runtime/log.h"
#include "runtime/settings.h"

enum { KEY_CONFIG = 10000, KEY_SET, KEY_SETTINGS /* and one a setting behind it */ };
enum { WIDTH_OF_NAMES = 20 };

/* ---- the table ---- */

size_t saga_subcommand_all(const struct saga_subcommand *ret[SAGA_SUBCOMMANDS_MAX])
{
    size_t count = 0;
    for (size_t g = 0; g < saga_subcommand_group_count; g++)
        for (size_t i = 0; i < saga_subcommand_groups[g].count; i++) {
            SAGA_ASSERT(count < SAGA_SUBCOMMANDS_MAX);
            ret[count++] = saga_subcommand_groups[g].commands[i];
        }
    return count;
}

static bool is_named(const char *name, int argc, char *const *argv, int *ret_words)
{
    const char *space = strchr(name, ' ');
    size_t first = space ? (size_t)(space - name) : strlen(name);
    if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], name, first) != 0) return false;
    if (space && (argc < 2 || strcmp(argv[1], space + 1) != 0)) return false;
    *ret_words = space ? 2 : 1;
    return true;
}

const struct saga_subcommand *saga_subcommand_find(int argc, char *const *argv, int *ret_words)
{
    const struct saga_subcommand *commands[SAGA_SUBCOMMANDS_MAX];
    size_t count = saga_subcommand_all(commands);
    for (size_t i = 0; i < count; i++)
        if (is_named(commands[i]->name, argc, argv, ret_words)) return commands[i];
    return NULL;
}

const char *saga_subcommand_nearest(const char *typed)
{
    const struct saga_subcommand *commands[SAGA_SUBCOMMANDS_MAX];
    const char *names[SAGA_SUBCOMMANDS_MAX];
    size_t count = saga_subcommand_all(commands);
    for (size_t i = 0; i < count; i++) names[i] = commands[i]->name;
    return saga_nearest(saga_slice_of(typed), names, count);
}

/* ---- one command's line ---- */

static void add_flag(struct saga_call *call, const char *name, const char *value,
                     const char *source)
{
    SAGA_PUSH(call->arena, call->flags, call->flag_count, call->flag_capacity,
              (struct saga_config_flag){ name, value, source });
}

/* name=value of --set and -X */
static void add_pair(struct saga_call *call, const char *pair, const char *prefix,
                     const char *option, struct argp_state *state)
{
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair) {
        argp_error(state, "%s takes name=value, not \"%s\"", option, pair);
        return;
    }
    struct saga_slice name = { pair, (size_t)(equals - pair) };
    bool has_prefix = saga_slice_starts_with(name, prefix);
    const char *full =
        saga_arena_printf(call->arena, "%s%.*s", has_prefix ? "" : prefix, SAGA_SLICE_ARG(name))
            .data;
    add_flag(call, full, equals + 1, option);
}

static error_t parse_common(int key, char *argument, struct argp_state *state)
{
    struct saga_call *call = state->input;
    size_t setting = (size_t)(key - KEY_SETTINGS);
    if (key == KEY_CONFIG) {
        call->config_path = argument;
    } else if (key == 'X') {
        add_pair(call, argument, "kafka.", "-X", state);
    } else if (key == KEY_SET) {
        add_pair(call, argument, "", "--set", state);
    } else if (key >= KEY_SETTINGS && setting < saga_settings_count) {
        const char *flag = saga_arena_printf(call->arena, "--%s", saga_settings[setting].flag).data;
        add_flag(call, saga_settings[setting].name, argument, flag);
    } else {
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const char *saga_output_formats(const struct saga_subcommand *command)
{
    return command->has_sarif   ? "text json jsonl sarif"
           : command->has_junit ? "text json jsonl junit"
           : command->has_drawn ? "text json jsonl mermaid html"
                                : "text json jsonl";
}

/* "text, json or jsonl" */
static const char *formats_in_words(const struct saga_call *call)
{
    const char *formats = saga_output_formats(call->command), *last = strrchr(formats, ' ');
    struct saga_buffer words;
    saga_buffer_init(&words, call->arena);
    for (const char *c = formats; *c; c++)
        if (*c == ' ')
            saga_buffer_printf(&words, c == last ? " or " : ", ");
        else
            saga_buffer_add_char(&words, *c);
    return saga_buffer_slice(&words).data;
}

static error_t parse_output(int key, char *argument, struct argp_state *state)
{
    static const char *const names[] = {
        [SAGA_OUTPUT_TEXT] = "text",   [SAGA_OUTPUT_JSON] = "json",
        [SAGA_OUTPUT_JSONL] = "jsonl", [SAGA_OUTPUT_SARIF] = "sarif",
        [SAGA_OUTPUT_JUNIT] = "junit", [SAGA_OUTPUT_MERMAID] = "mermaid",
        [SAGA_OUTPUT_HTML] = "html",
    };
    struct saga_call *call = state->input;
    if (key != 'o') return ARGP_ERR_UNKNOWN;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], argument) != 0) continue;
        if (i == SAGA_OUTPUT_SARIF && !call->command->has_sarif) break;
        if (i == SAGA_OUTPUT_JUNIT && !call->command->has_junit) break;
        if (i >= SAGA_OUTPUT_MERMAID && !call->command->has_drawn) break;
        call->output = (enum saga_output)i;
        return 0;
    }
    argp_error(state, "-o takes %s, not \"%s\"", formats_in_words(call), argument);
    return EINVAL;
}

static bool is_own_option(const struct saga_subcommand *command, int key)
{
    for (const struct argp_option *option = command->options;
         option && (option->name || option->key); option++)
        if (option->key == key) return true;
    return false;
}

static error_t parse_command(int key, char *argument, struct argp_state *state)
{
    struct saga_call *call = state->input;
    const struct saga_subcommand *command = call->command;
    if (key == ARGP_KEY_INIT) {
        for (int i = 0; i < 2; i++) state->child_inputs[i] = call;
    } else if (key == ARGP_KEY_ARG) {
        if (call->argument_count >= command->arguments_max)
            argp_error(state, "\"%s\" is too much: it takes %s", argument,
                       command->arguments ? command->arguments : "no arguments");
        SAGA_PUSH(call->arena, call->arguments, call->argument_count, call->argument_capacity,
                  argument);
    } else if (key == ARGP_KEY_END) {
        if (call->argument_count < command->arguments_min)
            argp_error(state, "it takes %s", command->arguments);
    } else if (is_own_option(command, key)) {
        SAGA_PUSH(call->arena, call->given, call->given_count, call->given_capacity,
                  (struct saga_given){ key, argument });
    } else {
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static bool is_shown(const struct saga_subcommand *command, const char *flag)
{
    static const char *const shown[] = { "bootstrap-servers", "redis-host", "redis-port" };
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (strcmp(shown[i], flag) == 0) return !command->own_servers;
    return command->all_settings;
}

struct argp_option *saga_common_options(const struct saga_subcommand *command,
                                        struct saga_arena *arena)
{
    struct argp_option *options =
        SAGA_NEW_ARRAY(arena, struct argp_option, saga_settings_count + 4);
    size_t count = 0;
    for (size_t i = 0; i < saga_settings_count; i++) {
        bool shown = is_shown(command, saga_settings[i].flag);
        options[count++] = (struct argp_option){
            .name = saga_settings[i].flag,
            .key = KEY_SETTINGS + (int)i,
            .arg = saga_settings[i].argument,
            .flags = shown ? 0 : OPTION_HIDDEN,
            .doc = saga_settings[i].summary,
        };
    }
    options[count++] = (struct argp_option){
        "config", KEY_CONFIG, "FILE", 0, "default: $SAGA_CONFIG, else saga.yaml", 0
    };
    options[count++] = (struct argp_option){
        "set", KEY_SET, "NAME=VALUE", 0, "a setting, named as in the file (see `saga config`)", 0
    };
    options[count++] = (struct argp_option){
        NULL, 'X', "OPTION=VALUE", 0, "an option of librdkafka, as kafka.* in the file", 0
    };
    options[count] = (struct argp_option){ 0 };
    return options;
}

static const struct argp_option output_options[] = {
    { "output", 'o', "FORMAT", 0, "text, json (one document) or jsonl (a line each)", -1 },
    { 0 },
};
static const struct argp_option sarif_options[] = {
    { "output", 'o', "FORMAT", 0,
      "text, json (one document), jsonl (a line each) or sarif (2.1.0, for editors and CI)", -1 },
    { 0 },
};

static const struct argp_option junit_options[] = {
    { "output", 'o', "FORMAT", 0,
      "text, json (one document), jsonl (a line each) or junit (XML that CI servers read)", -1 },
    { 0 },
};

static const struct argp_option drawn_options[] = {
    { "output", 'o', "FORMAT", 0,
      "text, json (one document), jsonl (a line each), mermaid (a sequence diagram) or html (a "
      "page by itself)",
      -1 },
    { 0 },
};

const struct argp_option *saga_output_options(const struct saga_subcommand *command)
{
    if (command->has_sarif) return sarif_options;
    if (command->has_drawn) return drawn_options;
    return command->has_junit ? junit_options : output_options;
}

static const char *documentation(const struct saga_call *call)
{
    const struct saga_subcommand *command = call->command;
    return saga_arena_printf(call->arena, "%s\v%s%s%s%s", command->summary,
                             command->details ? command->details : "",
                             command->details ? "\n\n" : "", "Examples:\n", command->examples)
        .data;
}

static void parse_line(struct saga_call *call, int argc, char **argv)
{
    const struct argp output = { .options = saga_output_options(call->command),
                                 .parser = parse_output };
    const struct argp common = { .options = saga_common_options(call->command, call->arena),
                                 .parser = parse_common };
    struct argp_child children[3] = { { 0 } };
    size_t count = 0;
    if (call->command->has_output) children[count++] = (struct argp_child){ &output, 0, NULL, 0 };
    if (call->command->configured)
        children[count++] =
            (struct argp_child){ &common, 0, "Settings, also in the file and as SAGA_...:", 1 };
    const struct argp argp = {
        .options = call->command->options,
        .parser = parse_command,
        .args_doc = call->command->arguments,
        .doc = documentation(call),
        .children = children,
    };
    argp_err_exit_status = SAGA_EXIT_USAGE;
    /* leaves by itself after --help and mistakes */
    if (argp_parse(&argp, argc, argv, 0, NULL, call) == ENOMEM)
        saga_memory_exhausted("the command line");
}

/* ---- the whole ---- */

static void log_of_kafka(int level, const char *text, void *context)
{
    enum saga_log_level ours = level <= 3   ? SAGA_LOG_ERROR
                               : level == 4 ? SAGA_LOG_WARNING
                               : level <= 6 ? SAGA_LOG_INFO
                                            : SAGA_LOG_DEBUG;
    (void)context;
    saga_log(ours, "kafka", "text=\"%s\"", text);
}

static void no_log_of_kafka(int level, const char *text, void *context)
{
    (void)level;
    (void)text;
    (void)context;
}

int saga_call_settings(struct saga_call *call)
{
    extern char **environ;
    struct saga_diagnostics diagnostics;
    enum saga_log_level level = SAGA_LOG_INFO;
    if (call->has_settings) return SAGA_EXIT_DONE;
    saga_diagnostics_init(&diagnostics, call->arena);
    int error = saga_config_load(call->config_path, environ, call->flags, call->flag_count,
                                 call->arena, &diagnostics, &call->config);
    saga_diagnostics_print(&diagnostics, stderr);
    if (error < 0) return SAGA_EXIT_USAGE;
    saga_topics_name(call->config.topic_prefix, call->arena, &call->topics);
    (void)saga_log_level_of(call->config.log_level, &level); /* checked as it was loaded */
    saga_log_open(call->config.log_format, level);
    /* a command says in its own words what went wrong; a daemon's log is where librdkafka's lines
     * belong */
    bool wanted = call->command->is_daemon || level == SAGA_LOG_DEBUG;
    call->config.kafka.log = wanted ? log_of_kafka : no_log_of_kafka;
    call->has_settings = true;
    return SAGA_EXIT_DONE;
}

static int run(const struct saga_subcommand *command, int argc, char **argv)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    struct saga_call call = { .command = command, .arena = &arena };
    argv[0] = saga_arena_string(
        &arena, saga_arena_printf(&arena, "saga %s", command->name)); /* as argp names it */
    parse_line(&call, argc, argv);
    bool settings = command->configured && !command->settings_late;
    int code = settings ? saga_call_settings(&call) : SAGA_EXIT_DONE;
    if (code == SAGA_EXIT_DONE) code = command->run(&call);
    saga_client_free(call.client);
    saga_views_free(call.views);
    saga_openings_free(call.openings);
    saga_codec_free(call.codec);
    saga_schemas_free(call.schemas);
    saga_arena_free(&arena);
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    if (errno != EPIPE)
        fprintf(stderr, "saga: the output cannot be written: %s\n", strerror(errno));
    return code == SAGA_EXIT_DONE ? SAGA_EXIT_FAILED : code; /* what was asked for is not written */
}

static void print_overview(FILE *out)
{
    fprintf(out,
            "saga %s: coordinates sagas over Kafka and Redis\n\n"
            "Usage: saga COMMAND [ARGUMENT...] [OPTION...]\n",
            SAGA_VERSION);
    for (size_t g = 0; g < saga_subcommand_group_count; g++) {
        fprintf(out, "\n%s\n", saga_subcommand_groups[g].title);
        for (size_t i = 0; i < saga_subcommand_groups[g].count; i++)
            fprintf(out, "  %-*s %s\n", WIDTH_OF_NAMES, saga_subcommand_groups[g].commands[i]->name,
                    saga_subcommand_groups[g].commands[i]->summary);
    }
    fprintf(out, "\n`saga COMMAND --help` says more, with examples. Example:\n"
                 "  saga check order-fulfilment.saga.yaml\n");
}

static void print_beginning_with(const char *word, FILE *out)
{
    const struct saga_subcommand *commands[SAGA_SUBCOMMANDS_MAX];
    size_t count = saga_subcommand_all(commands), size = strlen(word);
    for (size_t i = 0; i < count; i++)
        if (strncmp(commands[i]->name, word, size) == 0 && commands[i]->name[size] == ' ')
            fprintf(out, "  saga %-*s %s\n", WIDTH_OF_NAMES, commands[i]->name,
                    commands[i]->summary);
}

static bool begins_a_command(const char *word)
{
    const struct saga_subcommand *commands[SAGA_SUBCOMMANDS_MAX];
    size_t count = saga_subcommand_all(commands), size = strlen(word);
    for (size_t i = 0; i < count; i++)
        if (strncmp(commands[i]->name, word, size) == 0 && commands[i]->name[size] == ' ')
            return true;
    return false;
}

static int refuse_unknown(int argc, char **argv)
{
    char typed[128];
    if (begins_a_command(argv[0])) {
        if (argc > 1 && argv[1][0] != '-')
            fprintf(stderr, "saga: there is no command \"%s %s\"; there are\n", argv[0], argv[1]);
        else
            fprintf(stderr, "saga: \"%s\" takes a further word\n", argv[0]);
        print_beginning_with(argv[0], stderr);
        return SAGA_EXIT_USAGE;
    }
    if (argv[0][0] == '-') {
        fprintf(
            stderr,
            "saga: there is no option %s here; options come behind the command, as in `saga list "
            "--limit 5`\n",
            argv[0]);
        return SAGA_EXIT_USAGE;
    }
    fprintf(stderr, "saga: there is no command \"%s\"", argv[0]);
    snprintf(typed, sizeof typed, "%s %s", argv[0], argc > 1 ? argv[1] : "");
    const char *near = saga_subcommand_nearest(argv[0]);
    if (!near && argc > 1) near = saga_subcommand_nearest(typed);
    if (near) fprintf(stderr, "; did you mean \"%s\"?", near);
    fprintf(stderr, "\n  `saga help` lists all commands\n");
    return SAGA_EXIT_USAGE;
}

static int help(int argc, char **argv)
{
    static char flag[] = "--help";
    char *line[] = { NULL, flag, NULL };
    int words;
    if (argc == 0) {
        print_overview(stdout);
        return SAGA_EXIT_DONE;
    }
    const struct saga_subcommand *command = saga_subcommand_find(argc, argv, &words);
    if (command) return run(command, 2, line);
    if (argc == 1 && begins_a_command(argv[0])) {
        print_beginning_with(argv[0], stdout);
        return SAGA_EXIT_DONE;
    }
    return refuse_unknown(argc, argv);
}

static bool is_any(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

int saga_main(int argc, char **argv)
{
    int words;
    saga_tell_libraries();
    if (argc < 2) {
        print_overview(stderr);
        return SAGA_EXIT_USAGE;
    }
    if (is_any(argv[1], "help", "--help", "-?") || strcmp(argv[1], "-h") == 0)
        return help(argc - 2, argv + 2);
    static char version[] = "version";
    if (is_any(argv[1], "--version", "-V", "-v")) argv[1] = version;
    const struct saga_subcommand *command = saga_subcommand_find(argc - 1, argv + 1, &words);
    if (!command) return refuse_unknown(argc - 1, argv + 1);
    return run(command, argc - words, argv + words);
}
