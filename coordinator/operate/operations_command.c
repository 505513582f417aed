/* `saga operations`: what operators did, the newest first. */
#include <inttypes.h>

#include "base/time.h"
#include "codec/message.h"
#include "operate/lanes.h"
#include "operate/moment.h"
#include "operate/operations.h"
#include "operate/output.h"

enum {
    KEY_DEFINITION = 'd',
    KEY_LIMIT = 'n',
    KEY_BY = 256,
    KEY_VERB,
    KEY_SAGA,
    KEY_JOB,
    KEY_SINCE,
    KEY_UNTIL
};
enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 100000 };

/* ---- what is asked for ---- */

static int read_time(struct saga_call *call, int key, int64_t otherwise, int64_t *ret)
{
    const char *text = saga_call_option(call, key);
    *ret = otherwise;
    return text ? saga_moment_parse_time(call, text, ret) : SAGA_EXIT_DONE;
}

static int read_wanted(struct saga_call *call, struct saga_operations_wanted *ret)
{
    unsigned long long limit;
    struct saga_slice name, key;
    const char *verb = saga_call_option(call, KEY_VERB);
    *ret = (struct saga_operations_wanted){
        .who = saga_slice_of(saga_call_option(call, KEY_BY)),
        .verb = saga_slice_of(verb),
        .saga_id = saga_slice_of(saga_call_option(call, KEY_SAGA)),
        .job = saga_slice_of(saga_call_option(call, KEY_JOB)),
    };
    if (verb && !saga_operation_is_verb(ret->verb))
        return saga_call_fail(call, SAGA_EXIT_USAGE, "one of " SAGA_OPERATION_VERBS,
                              "operators have no command \"%s\"",
                              saga_printable(call->arena, ret->verb));
    if (ret->saga_id.data && saga_id_parse(ret->saga_id, &name, &key) < 0)
        return saga_call_fail(
            call, SAGA_EXIT_USAGE, "write it as DEFINITION/KEY, as `saga list` does",
            "\"%s\" is not a saga's id", saga_printable(call->arena, ret->saga_id));
    int code = saga_call_definition(call, KEY_DEFINITION, &ret->definition, &ret->version);
    if (code == SAGA_EXIT_DONE) code = read_time(call, KEY_SINCE, 0, &ret->since_ms);
    if (code == SAGA_EXIT_DONE) code = read_time(call, KEY_UNTIL, INT64_MAX, &ret->until_ms);
    if (code == SAGA_EXIT_DONE)
        code = saga_call_number(call, KEY_LIMIT, LIMIT_DEFAULT, LIMIT_MAX, &limit);
    if (code == SAGA_EXIT_DONE) ret->limit = (size_t)limit;
    if (ret->since_ms < 0) ret->since_ms = 0;
    return code;
}

/* ---- telling it ---- */

/* On what: a saga's id, or what else it is about. */
static const char *subject_of(const struct saga_operation *o, struct saga_arena *arena)
{
    switch (o->on) {
    case SAGA_OPERATION_ON_JOB:
        return saga_arena_printf(arena, "job %s: %s", saga_printable(arena, o->job),
                                 saga_printable(arena, o->where))
            .data;
    case SAGA_OPERATION_ON_DEFINITION:
        return saga_arena_printf(arena, "%s version %" PRIu32, saga_printable(arena, o->definition),
                                 o->version)
            .data;
    case SAGA_OPERATION_ON_LETTER:
        return saga_arena_printf(arena, "dead letter %d/%" PRId64, (int)o->partition, o->offset)
            .data;
    case SAGA_OPERATION_ON_SAGA:
    case SAGA_OPERATION_ON_COUNT: break;
    }
    return saga_printable(arena, o->saga_id);
}

static const char *outcome_of(const struct saga_operation *o, struct saga_arena *arena)
{
    const char *outcome = saga_printable(arena, o->outcome);
    bool sends = o->on == SAGA_OPERATION_ON_JOB && !saga_slice_is(o->verb, "stop");
    if (sends) outcome = saga_arena_printf(arena, "%s, %" PRIu64 " sent", outcome, o->sent).data;
    if (o->words.size == 0) return outcome;
    return saga_arena_printf(arena, "%s: %s", outcome, saga_printable(arena, o->words)).data;
}

static const char *who_of(const struct saga_operation *o, struct saga_arena *arena)
{
    const char *who = o->who.size ? saga_printable(arena, o->who) : "somebody";
    if (o->from.size == 0) return who;
    return saga_arena_printf(arena, "%s at %s", who, saga_printable(arena, o->from)).data;
}

static const char *verb_of(const struct saga_operation *o, struct saga_arena *arena)
{
    const char *verb = saga_printable(arena, o->verb);
    if (o->as.size == 0) return verb;
    return saga_arena_printf(arena, "%s --as %s", verb, saga_printable(arena, o->as)).data;
}

static void print_list(struct saga_call *call, const struct saga_operations *list)
{
    struct saga_table table;
    struct saga_arena *arena = call->arena;
    saga_table_init(&table, arena, "WHEN", "WHO", "SAID", "TO", "REASON", "OUTCOME", NULL);
    for (size_t i = 0; i < list->count; i++) {
        const struct saga_operation *o = &list->items[i];
        char time[SAGA_TIME_TEXT_BYTES];
        saga_time_format(o->time_ms, time);
        saga_table_add(&table, time, who_of(o, arena), verb_of(o, arena), subject_of(o, arena),
                       saga_printable(arena, o->reason), outcome_of(o, arena));
    }
    if (list->count)
        saga_table_print(&table, stdout);
    else
        puts("operators said nothing like that");
}

static void print_json(struct saga_call *call, const struct saga_operations *list)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(rows, saga_operation_json(&list->items[i]));
    saga_print_rows(call, rows);
}

/* What the list cannot know, so that nobody takes it for all. */
static void warn(const struct saga_operations *list)
{
    char time[SAGA_TIME_TEXT_BYTES];
    if (list->more) fputs("there may be more: --limit, --since, --until\n", stderr);
    if (list->whole) return;
    saga_time_format(list->since_ms, time);
    if (list->since_known)
        fprintf(stderr,
                "what was said to sagas before %s is not in the log of every lane: it stands in "
                "their histories\n",
                time);
    else
        fputs("what was said to sagas before this log was begun stands in their histories\n",
              stderr);
}

static int run(struct saga_call *call)
{
    struct saga_operations_wanted wanted;
    struct saga_operations list;
    int code = read_wanted(call, &wanted);
    if (code == SAGA_EXIT_DONE) code = saga_operations_read(call, &wanted, &list);
    if (code != SAGA_EXIT_DONE) return code;
    if (call->output == SAGA_OUTPUT_TEXT)
        print_list(call, &list);
    else
        print_json(call, &list);
    warn(&list);
    return saga_call_warn_of_lanes(call, list.lanes, stderr);
}

static const struct argp_option options[] = {
    { "by", KEY_BY, "NAME", 0, "only what this one said", 0 },
    { "verb", KEY_VERB, "VERB", 0, "only this command: " SAGA_OPERATION_VERBS, 0 },
    { "saga", KEY_SAGA, "ID", 0, "only what was said to this saga", 0 },
    { "job", KEY_JOB, "ID", 0, "this job, and what it said to each of its sagas", 0 },
    { "definition", KEY_DEFINITION, "NAME[@VERSION]", 0,
      "only what was said to its sagas, and its deploys", 0 },
    { "since", KEY_SINCE, "TIME", 0, "from then on: RFC 3339, or how long ago", 0 },
    { "until", KEY_UNTIL, "TIME", 0, "before then", 0 },
    { "limit", KEY_LIMIT, "NUMBER", 0, "at most so many (default 50)", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_operations = {
    .name = "operations",
    .summary = "list what operators did",
    .details =
        "The newest first: every command to a saga with who said it, from where, why, and what "
        "became of it; jobs with how many sagas they were for; deploys; dead letters sent "
        "again or dropped.",
    .examples = "  saga operations\n"
                "  saga operations --by anna --since 7d\n"
                "  saga operations --saga order-fulfilment/o-17 -o json",
    .options = options,
    .configured = true,
    .has_output = true,
    .run = run,
};
