/* The commands of `saga`: one row of a table each, and what they share: options, surroundings, exit
 * codes.
 *
 * A new command is a file with its run function, its `struct saga_subcommand`, and a line in
 * commands.c. */
#ifndef SAGA_OPERATE_COMMAND_H
#define SAGA_OPERATE_COMMAND_H

#include <argp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "bus/client.h"
#include "codec/codec.h"
#include "runtime/config.h"
#include "runtime/topics.h"
#include "schema/schemas.h"
#include "store/views.h"

enum saga_exit {
    SAGA_EXIT_DONE = 0,
    SAGA_EXIT_FAILED = 1,
    SAGA_EXIT_USAGE = 2,
    SAGA_EXIT_NOT_FOUND = 3,
    SAGA_EXIT_UNHEALTHY = 10
    /* and SAGA_EXIT_MEMORY of base/memory.h, from anywhere */
};

enum saga_output {
    SAGA_OUTPUT_TEXT,
    SAGA_OUTPUT_JSON,
    SAGA_OUTPUT_JSONL,
    SAGA_OUTPUT_SARIF,
    SAGA_OUTPUT_JUNIT,
    SAGA_OUTPUT_MERMAID,
    SAGA_OUTPUT_HTML
};

/* How long a command waits for a broker's answer. */
#define SAGA_CALL_TIMEOUT_MS 10000

struct saga_call;

struct saga_subcommand {
    const char *name;      /* one word, or two: "topics create" */
    const char *arguments; /* for the help: "FILE..."; NULL: none */
    const char *summary;   /* one line */
    const char *details;   /* further paragraphs; may be NULL */
    const char *examples;  /* lines, each indented by two spaces */
    /* Of this command alone; ends with a zero row. Keys are letters, or from 256 on for long
     * options only. */
    const struct argp_option *options;
    unsigned arguments_min, arguments_max;
    bool configured;                    /* reads the configuration, takes its flags */
    bool settings_late;                 /* does so when it calls saga_call_settings */
    bool has_output;                    /* takes -o */
    bool has_sarif;                     /* takes -o sarif too */
    bool has_junit;                     /* takes -o junit too */
    bool has_drawn;                     /* takes -o mermaid and -o html too */
    bool all_settings;                  /* the help shows every setting's flag */
    bool own_servers;                   /* the help shows no flag of a server's address */
    bool is_daemon;                     /* runs on: the lines of librdkafka belong into its log */
    int (*run)(struct saga_call *call); /* returns an exit code */
};

/* Rows of the help: a heading, then what belongs under it. */
struct saga_subcommand_group {
    const char *title;
    const struct saga_subcommand *const *commands;
    size_t count;
};
extern const struct saga_subcommand_group saga_subcommand_groups[];
extern const size_t saga_subcommand_group_count;

/* All rows; how many. */
enum { SAGA_SUBCOMMANDS_MAX = 64 };
size_t saga_subcommand_all(const struct saga_subcommand *ret[SAGA_SUBCOMMANDS_MAX]);
/* The options that commands share, each list ending with a zero row: -o, and every setting's flag, those that the command's
 * help does not show hidden. */
const struct argp_option *saga_output_options(const struct saga_subcommand *command);
struct argp_option *saga_common_options(const struct saga_subcommand *command,
                                        struct saga_arena *arena);
/* What -o takes, with spaces between. */
const char *saga_output_formats(const struct saga_subcommand *command);

/* One option that was given, in order. */
struct saga_given {
    int key;
    const char *value; /* NULL: it takes none */
};

/* The first thing that went wrong in a call that keeps it instead of saying it; texts in the call's arena. */
struct saga_call_problem {
    const char *what, *mend; /* NULL: nothing went wrong; nothing to be done about it */
};

/* One run of a command. */
struct saga_call {
    const struct saga_subcommand *command;
    struct saga_arena *arena; /* for all that the command builds */
    const char **arguments;
    size_t argument_count, argument_capacity;
    struct saga_given *given;
    size_t given_count, given_capacity;
    struct saga_config_flag *flags;
    size_t flag_count, flag_capacity;
    const char *config_path;
    enum saga_output output;
    FILE *words;                       /* where it is said what went wrong; NULL: standard error */
    struct saga_call_problem *problem; /* instead of saying it there; NULL: it is said */
    const atomic_bool
        *given_up; /* true: nobody waits for it any more, so what takes long may end; NULL: never */

    struct saga_config config; /* where the command is `configured` */
    bool has_settings;         /* `config` and `topics` are there */
    struct saga_topics topics;
    unsigned readers;             /* calls of the process that read at the same time; 0: it alone */
    struct saga_client *client;   /* opened by saga_call_client */
    struct saga_views *views;     /* opened by saga_call_views */
    struct saga_codec *codec;     /* opened by saga_call_codec */
    struct saga_schemas *schemas; /* read by saga_call_schemas */
    struct saga_openings *openings;       /* keys of sealed values, by saga_call_keys */
    const struct saga_wrapping *wrapping; /* what those are wrapped with; NULL: by the settings */
    bool covers_values; /* whoever asks may not see sealed values, key or no key */
};

/* Value of an option, NULL if it was not given (the last one stands). */
const char *saga_call_option(const struct saga_call *call, int key);
bool saga_call_has(const struct saga_call *call, int key);
/* An option's duration in milliseconds, `otherwise` where it was not given. SAGA_EXIT_USAGE with
 * words. */
int saga_call_duration(const struct saga_call *call, int key, int64_t otherwise, int64_t *ret_ms);
/* An option's whole number from 1 to `max`. */
int saga_call_number(const struct saga_call *call, int key, unsigned long long otherwise,
                     unsigned long long max, unsigned long long *ret);
/* An option that is NAME or NAME@VERSION; an absent name where it was not given, and 0: any version. SAGA_EXIT_USAGE with words. */
int saga_call_definition(const struct saga_call *call, int key, struct saga_slice *ret_name,
                         uint32_t *ret_version);

/* Says in the call's words what went wrong and what to do (NULL: nothing); gives `code` back. */
int saga_call_fail(const struct saga_call *call, enum saga_exit code, const char *mend,
                   const char *what_format, ...) __attribute__((format(printf, 4, 5)));
int saga_call_fail_with(const struct saga_call *call, enum saga_exit code,
                        const struct saga_diagnostic *diagnostic);
bool saga_call_is_given_up(const struct saga_call *call);
/* Where that is said. */
FILE *saga_call_words(const struct saga_call *call);

/* Reads the configuration of a command that does so late; twice is once. An exit code, words said. */
int saga_call_settings(struct saga_call *call);
/* Opens what a command needs; SAGA_EXIT_DONE, or a code when words have been said. Twice is once.
 * */
int saga_call_client(struct saga_call *call);
int saga_call_views(struct saga_call *call);
int saga_call_codec(struct saga_call *call);
int saga_call_schemas(struct saga_call *call);
/* The views, and how many lanes Redis has heard of; none is a failure. */
int saga_call_lanes(struct saga_call *call, uint32_t *ret_lanes);
/* The client, and that the inbox has as many partitions as `lanes` says: what is sent to another
 * lane than its owner's would be lost on the way. */
int saga_call_pinned(struct saga_call *call);
/* Opens the client and looks at a topic of ours, which must be there. Returns an exit code; words have been said. */
int saga_call_topic(struct saga_call *call, struct saga_slice name, struct saga_topic_state *ret);

/* The command line as a whole; an exit code. argv[0] is the program. */
int saga_main(int argc, char **argv);
/* The command of these words; `*ret_words` says how many of them its name takes. NULL: none. */
const struct saga_subcommand *saga_subcommand_find(int argc, char *const *argv, int *ret_words);
/* The name that is nearest to what was typed, NULL if none is near. */
const char *saga_subcommand_nearest(const char *typed);

#endif
