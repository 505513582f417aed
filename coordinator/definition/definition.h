/* A loaded definition: the saga that a YAML file describes, as blocks. It never changes once
 * loaded. Blocks hold lists of blocks: every block has its `branches`, whatever its kind, so that who walks
 * a definition need not know which kinds there are.
 *
 * A definition holds compiled expressions, so it belongs to one thread (expression.h). */
#ifndef SAGA_DEFINITION_DEFINITION_H
#define SAGA_DEFINITION_DEFINITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/hash.h"
#include "base/slice.h"
#include "definition/expression.h"
#include "schema/body.h"

struct saga_schedule; /* schedule.h */

struct saga_names {
    const struct saga_slice *items;
    size_t count;
};
bool saga_names_contain(const struct saga_names *names, struct saga_slice name);

struct saga_source_position {
    unsigned line;   /* from 1 */
    unsigned column; /* from 1 */
};

struct saga_participant {
    struct saga_slice name;
    struct saga_slice commands; /* topic */
    struct saga_slice replies;  /* topic */
    enum saga_body_format format;
    struct saga_expression *correlate; /* over a reply's body, gives the business key; or NULL */
    struct saga_expression *type;      /* over a reply's body, gives its type; or NULL */
    struct saga_source_position position;
};

/* Where a topic of the outside world is begun that was never read (R20). */
enum saga_begin { SAGA_BEGIN_LATEST, SAGA_BEGIN_EARLIEST };

/* When a schedule starts sagas (`every`, `cron`). Ticks that came while no coordinator ran are made up for by one start
 * (`missed: run-once`), or not at all. */
enum saga_missed { SAGA_MISSED_RUN_ONCE, SAGA_MISSED_SKIP };

struct saga_start {
    struct saga_slice topic;      /* absent: a schedule */
    struct saga_slice event;      /* its type */
    struct saga_expression *key;  /* over the event's body: a string or a number */
    struct saga_expression *when; /* or NULL: always */
    struct saga_expression *type; /* over the body, for events without ce_type; or NULL */
    enum saga_begin from;
    enum saga_body_format
        format;       /* what `saga check` looks for; events are read by their first bytes */
    int64_t every_ms; /* a schedule: from tick to tick; 0: by `cron` */
    const struct saga_schedule *cron; /* or NULL */
    enum saga_missed missed;
};

struct saga_retry {
    uint32_t attempts; /* all attempts, the first too; 0: without end */
    int64_t backoff_ms;
    double factor;
    int64_t max_ms;
    bool jitter;
    struct saga_names on; /* reply types that are tried again, default [Unavailable] */
};

/* What is sent: to whom, of which type, with which body. */
struct saga_command {
    const struct saga_participant *participant;
    struct saga_slice type;
    struct saga_expression *body; /* NULL: the empty object */
};

enum saga_compensate_kind {
    SAGA_COMPENSATE_UNDECLARED, /* only behind a pivot, or the pivot itself */
    SAGA_COMPENSATE_NONE,       /* `compensate: none`: nothing to take back */
    SAGA_COMPENSATE_COMMAND
};

struct saga_compensate {
    enum saga_compensate_kind kind;
    struct saga_command command;
    struct saga_expression
        *unknown_body;         /* for a step whose outcome is unknown; NULL: command.body */
    struct saga_names success; /* empty: any answer that is neither in retry.on nor in failure */
    struct saga_names failure;
    int64_t timeout_ms;
    struct saga_retry retry;
};

struct saga_step {
    struct saga_slice name;
    struct saga_command command;
    struct saga_names success; /* at least one */
    struct saga_names failure;
    int64_t timeout_ms;
    struct saga_retry retry;
    struct saga_expression *keep; /* over .reply and the rest; NULL: the whole body */
    bool pivot;
    bool
        attempts_given; /* `retry.attempts` is said; else a saga that has its pivot behind it retries without end */
    bool behind_pivot; /* a pivot comes before it on every way there */
    bool
        unknown_by_key; /* `unknown: by-key`: the service finds what to undo by ce_sagacompensates */
    struct saga_compensate compensate;
};

/* `await: name`: an outside event (R21). It is kept as a step keeps its reply. */
struct saga_await {
    struct saga_slice name;
    struct saga_slice topic;
    struct saga_slice event;       /* its type */
    struct saga_expression *type;  /* over the event's body, for events without ce_type; or NULL */
    struct saga_expression *match; /* over the event's body: the value */
    struct saga_expression *with;  /* over the saga: what the value must equal */
    struct saga_expression *keep; /* over .reply, which is the event's body; NULL: the whole body */
    enum saga_begin from;         /* where its topic is begun that was never read (R20) */
    enum saga_body_format format; /* as of a start */
    int64_t timeout_ms;           /* 0: none */
    int64_t keep_early_ms; /* how long an event is kept that came before its saga asked for it */
    /* On timeout the block's only branch is run; without one the saga is compensated. */
};

/* `saga: name`: a child saga (R22). What it ended with is kept as a step keeps its reply. */
struct saga_child {
    struct saga_slice name;        /* `as`, else that of the child's definition */
    struct saga_slice saga;        /* definition */
    struct saga_expression *key;   /* NULL: follows from the parent */
    struct saga_expression *input; /* NULL: the empty object */
    struct saga_expression *keep;  /* over .reply; NULL: all of it */
    bool behind_pivot;
};

/* `for-each`: its only branch once for every element. */
struct saga_for_each {
    struct saga_slice item;     /* name of the element under `.items`; may be absent */
    struct saga_expression *in; /* gives a list */
    uint32_t at_once;           /* so many elements at a time, from 1 */
};

/* `repeat`: its only branch again, until the expression is true behind a round. */
struct saga_repeat {
    struct saga_expression *until;
    uint32_t at_most; /* rounds, from 1; one more is a failure (RepeatExceeded) */
};

/* on-completed, on-compensated, and the block */
struct saga_publish {
    bool present;
    struct saga_slice topic;
    struct saga_slice event;
    enum saga_body_format format;
    struct saga_expression *body; /* NULL: the empty object */
};

/* `set`: all values are made from what was there before the block. */
struct saga_assignment {
    struct saga_slice name; /* member of .vars */
    struct saga_expression *value;
};

struct saga_set {
    const struct saga_assignment *items;
    size_t count; /* at least one */
};

/* `wait`, `wait-until` */
struct saga_wait {
    int64_t duration_ms;           /* where `until` is NULL */
    struct saga_expression *until; /* gives a time */
};

struct saga_fail {
    struct saga_slice type;    /* .error.type */
    struct saga_slice message; /* .error.message; may be absent */
};

enum saga_block_kind {
    SAGA_BLOCK_STEP,
    SAGA_BLOCK_AWAIT,
    SAGA_BLOCK_CHILD,
    SAGA_BLOCK_SET,
    SAGA_BLOCK_PUBLISH,
    SAGA_BLOCK_WAIT,
    SAGA_BLOCK_FAIL,
    SAGA_BLOCK_CHOOSE,
    SAGA_BLOCK_PARALLEL,
    SAGA_BLOCK_FOR_EACH,
    SAGA_BLOCK_REPEAT,
    SAGA_BLOCK_KIND_COUNT
};

struct saga_block_list {
    const struct saga_block *const *items;
    size_t count;
};

/* A list of blocks inside a block. */
struct saga_branch {
    struct saga_slice
        name; /* of `parallel`: the branch's; of `catch`: the failure's type; else absent */
    struct saga_expression *when;  /* of `choose`; NULL: `else` */
    struct saga_block_list blocks; /* may be empty */
    struct saga_source_position position;
};

struct saga_block {
    uint32_t id; /* index into saga_definition.blocks, in the order of the file */
    enum saga_block_kind kind;
    struct saga_source_position position;
    /* What it is called in facts, timers and messages: the name of a step, an awaited event or a child; else the word it
     * begins with, # and its number in the file from 1, as in set#3. No step can be called so. */
    struct saga_slice label;
    const struct saga_block
        *parent;     /* it stands in one of whose branches; NULL: in the root list */
    uint32_t branch; /* in which */
    /* `choose`: one for each `when`, `else` last. `parallel`: one each. `for-each`, `repeat`: one. `step`, `saga`: one
     * for each type that `catch` names. `await`: `on-timeout`, if that is a list. */
    const struct saga_branch *branches;
    size_t branch_count;
    union {
        struct saga_step step;
        struct saga_await await;
        struct saga_child child;
        struct saga_for_each for_each;
        struct saga_repeat repeat;
        struct saga_set set;
        struct saga_publish publish;
        struct saga_wait wait;
        struct saga_fail fail;
    };
};

struct saga_search {
    struct saga_slice name;
    struct saga_expression *value;
};

/* A value that is personal (`redact`): a path that begins at .input, .steps or .vars. A saga of a definition that names any has
 * all its values sealed (codec/sealed.h). */
struct saga_redact {
    struct saga_slice path;         /* as written */
    const struct saga_slice *names; /* input, customer, email; "[]" for every element of a list */
    size_t name_count;
};

struct saga_definition {
    struct saga_arena arena; /* owns everything below */
    struct saga_slice name;
    uint32_t version; /* from 1 */
    struct saga_slice summary;
    struct saga_slice source;               /* the file's text */
    char sha256[2 * SAGA_SHA256_BYTES + 1]; /* of the source, hexadecimal */

    const struct saga_participant *participants;
    size_t participant_count;
    const struct saga_start *starts;
    size_t start_count;
    int64_t deadline_ms; /* 0: none */
    int64_t keep_ms;
    const struct saga_search *search;
    size_t search_count;
    const struct saga_redact *redact;
    size_t redact_count;

    const struct saga_block *const *blocks; /* all of them, by id */
    size_t block_count;
    struct saga_block_list root;
    struct saga_publish on_completed;
    struct saga_publish on_compensated;

    /* What bodies in Avro are made by: whoever decides with it says so (saga_catalog_use_schemas). NULL: who decides
     * sends nothing, and takes every body to fit. */
    const struct saga_schemas *schemas;

    struct saga_expression **expressions; /* all of them, to be freed */
    size_t expression_count;
    size_t expression_capacity;
};

/* Reads a definition from YAML. `file` names it in findings. Warnings do not fail it.
 * On success `*ret` is owned by the caller (saga_definition_free).
 * Errors: SAGA_E_INVALID with at least one error in `diagnostics`; `*ret` untouched. */
int saga_definition_load(struct saga_slice text, const char *file,
                         struct saga_diagnostics *diagnostics, struct saga_definition **ret);
/* The same, with message types and bodies checked against `schemas` (NULL: they are not). */
int saga_definition_load_with(struct saga_slice text, const char *file,
                              const struct saga_schemas *schemas,
                              struct saga_diagnostics *diagnostics, struct saga_definition **ret);
/* The same from a file; a file that cannot be read is a finding too. Message types and bodies are checked against
 * `schemas` (NULL: they are not). */
int saga_definition_load_file(const char *path, const struct saga_schemas *schemas,
                              struct saga_diagnostics *diagnostics, struct saga_definition **ret);
void saga_definition_free(struct saga_definition *definition);

/* Does the block keep something under `.steps`: a step, an awaited event, a child? */
bool saga_block_is_named(const struct saga_block *block);
/* The branch of `catch` for a failure of this type, its index; branch_count if there is none. */
size_t saga_block_catch(const struct saga_block *block, struct saga_slice type);

/* The step, awaited event or child of that name (without loop indexes), NULL if there is none. */
const struct saga_block *saga_definition_step(const struct saga_definition *definition,
                                              struct saga_slice name);

/* Every topic that the definition names, with what it is for. */
enum saga_topic_use {
    SAGA_TOPIC_COMMANDS,
    SAGA_TOPIC_REPLIES,
    SAGA_TOPIC_STARTS,
    SAGA_TOPIC_AWAITED,
    SAGA_TOPIC_PUBLISHED
};
void saga_definition_topics(const struct saga_definition *definition,
                            void (*visit)(struct saga_slice topic, enum saga_topic_use use,
                                          void *context),
                            void *context);

/* The saga as a Mermaid flowchart: forward way, failures, compensations, the pivot. Text in
 * `arena`. */
struct saga_slice saga_definition_mermaid(const struct saga_definition *definition,
                                          struct saga_arena *arena);

#endif
