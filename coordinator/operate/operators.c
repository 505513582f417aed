/* cancel, retry, skip, resolve, pause, resume: sent to the saga's lane, journaled with who said it
 * and why. */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "codec/message.h"
#include "operate/answer.h"
#include "operate/bulk.h"
#include "operate/commands.h"
#include "operate/definitions.h"
#include "operate/imported.h"
#include "operate/left.h"
#include "operate/orders.h"
#include "operate/output.h"
#include "operate/sagas.h"
#include "operate/words.h"

enum {
    KEY_REASON = 'r',
    KEY_AS = 256,
    KEY_AS_USER,
    KEY_NO_WAIT,
    KEY_WAIT,
    KEY_WHERE,
    KEY_DRY_RUN,
    KEY_RATE,
    KEY_YES
};
enum { WAIT_MS = 10000, IDS_MAX = 1000 };

struct order {
    struct saga_call *call;
    struct saga_event event; /* all but the id */
    int64_t wait_ms;         /* 0: do not wait */
    json_t *rows;
};

static bool is_refused(const struct saga_journal_record *record)
{
    return strcmp(saga_order_outcome(record), "refused") == 0;
}

/* What was decided, in words: one line for a refusal, else a line a fact. */
static void print_answer(struct order *order, const struct saga_address *address,
                         const struct saga_journal_record *record)
{
    printf("%.*s: %s %s\n", SAGA_SLICE_ARG(address->saga_id), saga_verb_name(order->event.verb),
           saga_order_outcome(record));
    for (size_t i = 0; i < record->fact_count; i++)
        printf("  %.*s\n", SAGA_SLICE_ARG(saga_order_words(record, i, order->call->arena)));
}

/* ---- what is left as it is ---- */

struct remains {
    struct saga_left *items;
    size_t count;
    const char *why_no_definition; /* NULL: it was there, or is not needed */
};

/* The state that the record led to, where Redis has it; else the one that was seen before. */
static struct saga_state *state_after(struct order *order, const struct saga_address *address,
                                      struct saga_state *before)
{
    struct saga_state *state;
    if (saga_state_read(order->call, address, true, &state) != SAGA_EXIT_DONE) return before;
    saga_state_free(before);
    return state;
}

/* Of a saga that was resolved to its end: nobody will look after its steps any more. */
static void find_remains(struct order *order, const struct saga_state *state, struct remains *ret)
{
    struct saga_call *call = order->call;
    enum saga_status end = saga_status_of(order->event.as);
    *ret = (struct remains){ 0 };
    if (end == SAGA_STATUS_COUNT) return; /* succeeded, failed: of a pivot, and the saga goes on */
    struct saga_definition *definition =
        saga_definition_of_state(call, state, &ret->why_no_definition);
    saga_left_as_it_is(state, definition, end, call->arena, &ret->items, &ret->count);
    saga_definition_free(definition);
}

static void print_remains(struct order *order, const struct remains *remains)
{
    struct saga_arena *arena = order->call->arena;
    if (remains->count) puts("  left as it is, to be looked at by hand:");
    for (size_t i = 0; i < remains->count; i++)
        printf("    %s\n", saga_printable(arena, remains->items[i].words));
    if (remains->why_no_definition)
        printf("  steps that never began are not named, as the definition cannot be read: %s\n",
               saga_printable(arena, saga_slice_of(remains->why_no_definition)));
}

/* ---- answers ---- */

static int report(struct order *order, const struct saga_address *address,
                  const struct saga_journal_record *record, const struct remains *remains)
{
    bool resolve = order->event.verb == SAGA_VERB_RESOLVE;
    if (order->call->output == SAGA_OUTPUT_TEXT) {
        print_answer(order, address, record);
        print_remains(order, remains);
    } else {
        json_t *row =
            saga_order_json(address->saga_id, order->event.verb, record, order->call->arena);
        if (resolve)
            json_object_set_new(row, "left", saga_left_json(remains->items, remains->count));
        json_array_append_new(order->rows, row);
    }
    return is_refused(record) ? SAGA_EXIT_FAILED : SAGA_EXIT_DONE;
}

/* Takes over the state. */
static int answered(struct order *order, const struct saga_address *address,
                    const struct saga_journal_record *record, struct saga_state *before)
{
    struct remains remains = { 0 };
    struct saga_state *state = before;
    if (order->event.verb == SAGA_VERB_RESOLVE && !is_refused(record)) {
        state = state_after(order, address, before);
        find_remains(order, state, &remains);
    }
    saga_state_free(state);
    return report(order, address, record, &remains);
}

static int send(struct order *order, const struct saga_address *address, struct saga_slice id,
                struct saga_answer *answer)
{
    struct saga_message message;
    struct saga_event event = order->event;
    struct saga_call *call = order->call;
    event.id = id;
    saga_operator_message(call->topics.inbox, address->lane, address->saga_id, address->key, &event,
                          call->arena, &message);
    if (saga_client_send(call->client, &message, SAGA_CALL_TIMEOUT_MS, &answer->sent) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "say it again: doing it twice is doing it once",
                          "it was not sent: %s", saga_client_problem(call->client));
}

static int report_sent(struct order *order, const struct saga_address *address)
{
    if (order->call->output == SAGA_OUTPUT_TEXT)
        printf("%.*s: %s sent\n", SAGA_SLICE_ARG(address->saga_id),
               saga_verb_name(order->event.verb));
    else
        json_array_append_new(order->rows, saga_order_json(address->saga_id, order->event.verb,
                                                           NULL, order->call->arena));
    return SAGA_EXIT_DONE;
}

/* Sends the order and waits for what becomes of it; `*ret_found` is false where nobody waits. */
static int order_and_wait(struct order *order, const struct saga_address *address,
                          struct saga_journal_record *ret, bool *ret_found)
{
    struct saga_call *call = order->call;
    struct saga_answer answer;
    struct saga_slice id = saga_new_id(call->arena);
    *ret_found = false;
    int code = saga_answer_prepare(call, address->lane, &answer);
    if (code == SAGA_EXIT_DONE) code = send(order, address, id, &answer);
    if (code != SAGA_EXIT_DONE) return code;
    if (order->wait_ms == 0) return report_sent(order, address);
    code = saga_answer_wait(call, &answer, id, order->wait_ms, ret, ret_found);
    if (code != SAGA_EXIT_DONE || *ret_found) return code;
    saga_answer_missed(call, order->wait_ms);
    return SAGA_EXIT_FAILED;
}

static int give_order(struct order *order, const char *saga_id)
{
    struct saga_address address;
    struct saga_journal_record record;
    struct saga_state *state;
    bool found;
    int code = saga_address_parse(order->call, saga_id, order->call->config.lanes, &address);
    if (code == SAGA_EXIT_DONE) code = saga_state_read(order->call, &address, false, &state);
    if (code != SAGA_EXIT_DONE) return code;
    code = order_and_wait(order, &address, &record, &found);
    if (found) return answered(order, &address, &record, state);
    saga_state_free(state);
    return code;
}

static int read_outcome(struct saga_call *call, struct saga_event *event)
{
    static const char *const outcomes[] = { "completed", "compensated", "abandoned", "succeeded",
                                            "failed" };
    const char *as = saga_call_option(call, KEY_AS);
    if (event->verb != SAGA_VERB_RESOLVE) return SAGA_EXIT_DONE;
    for (size_t i = 0; as && i < sizeof outcomes / sizeof outcomes[0]; i++) {
        if (strcmp(as, outcomes[i]) != 0) continue;
        event->as = saga_slice_of(as);
        return SAGA_EXIT_DONE;
    }
    return saga_call_fail(call, SAGA_EXIT_USAGE,
                          "--as completed, compensated or abandoned; for a pivot whose outcome is "
                          "unknown, --as succeeded or failed",
                          as ? "a saga cannot be resolved as \"%s\"" : "it needs --as%s",
                          as ? as : "");
}

static int read_order(struct saga_call *call, enum saga_verb verb, struct order *ret)
{
    const char *reason = saga_call_option(call, KEY_REASON);
    const char *who = saga_call_option(call, KEY_AS_USER);
    *ret = (struct order){ .call = call };
    ret->event = (struct saga_event){
        .kind = SAGA_EVENT_OPERATOR,
        .verb = verb,
        .type = saga_slice_of(saga_verb_name(verb)),
        .who = saga_slice_of(who && *who ? who : saga_user_name(call->arena)),
        .from = saga_slice_of(saga_host_name(call->arena)),
        .reason = saga_slice_of(reason),
    };
    bool needs_reason = !saga_call_has(call, KEY_DRY_RUN);
    if (needs_reason && (!reason || !*reason))
        return saga_call_fail(call, SAGA_EXIT_USAGE,
                              "--reason 'what you know of it', as the journal keeps it for ever",
                              "it needs --reason");
    if (reason && strlen(reason) > SAGA_MESSAGE_BYTES_MAX)
        return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "the reason is longer than %d bytes",
                              SAGA_MESSAGE_BYTES_MAX);
    int code = read_outcome(call, &ret->event);
    if (code == SAGA_EXIT_DONE) code = saga_call_duration(call, KEY_WAIT, WAIT_MS, &ret->wait_ms);
    if (saga_call_has(call, KEY_NO_WAIT)) ret->wait_ms = 0;
    return code;
}

/* ---- many sagas ---- */

/* "100" or "100/s" */
static int read_rate(struct saga_call *call, unsigned *ret)
{
    const char *text = saga_call_option(call, KEY_RATE);
    unsigned long long rate = SAGA_JOB_RATE_DEFAULT;
    struct saga_slice number = saga_slice_of(text);
    if (number.size > 2 && strcmp(text + number.size - 2, "/s") == 0) number.size -= 2;
    bool good = !text || (saga_slice_to_u64(number, &rate) == SAGA_OK && rate >= 1 &&
                          rate <= SAGA_JOB_RATE_MAX);
    *ret = (unsigned)rate;
    if (good) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_USAGE, "sagas a second, as in --rate 100/s",
                          "\"%s\" is no rate from 1/s to %d/s", text, SAGA_JOB_RATE_MAX);
}

static int run_job(struct saga_call *call, enum saga_verb verb)
{
    struct order order;
    struct saga_bulk bulk = { .where = saga_where_option(call, KEY_WHERE),
                              .dry_run = saga_call_has(call, KEY_DRY_RUN),
                              .yes = saga_call_has(call, KEY_YES) };
    if (call->argument_count)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "leave one of them out",
                              "sagas are named, or meant by --where");
    int code = read_order(call, verb, &order);
    if (code == SAGA_EXIT_DONE) code = read_rate(call, &bulk.rate);
    if (code != SAGA_EXIT_DONE) return code;
    bulk.event = order.event;
    bulk.wait_ms = order.wait_ms;
    return saga_bulk_run(call, &bulk);
}

/* What means something with --where only. */
static int refuse_without_where(struct saga_call *call, enum saga_verb verb)
{
    static const int keys[] = { KEY_DRY_RUN, KEY_RATE, KEY_YES };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (saga_call_has(call, keys[i]))
            return saga_call_fail(call, SAGA_EXIT_USAGE, "name the sagas by --where 'status=stuck'",
                                  "--dry-run, --rate and --yes go with --where");
    if (call->argument_count) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_USAGE,
                          saga_job_is_verb(verb) ? "name them by their ids, or by --where FILTER"
                                                 : "name it by its id",
                          "it says for no saga");
}

/* Every saga that is named is dealt with; the worst that happened is the exit code. */
static int run_verb(struct saga_call *call, enum saga_verb verb)
{
    struct order order;
    if (saga_call_has(call, KEY_WHERE)) return run_job(call, verb);
    int code = refuse_without_where(call, verb);
    if (code == SAGA_EXIT_DONE) code = read_order(call, verb, &order);
    if (code == SAGA_EXIT_DONE) code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_imported_refuse(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_views(call);
    if (code != SAGA_EXIT_DONE) return code;
    order.rows = json_array();
    for (size_t i = 0; i < call->argument_count; i++) {
        int one = give_order(&order, call->arguments[i]);
        if (one != SAGA_EXIT_DONE && code != SAGA_EXIT_FAILED) code = one;
    }
    if (call->output == SAGA_OUTPUT_TEXT)
        json_decref(order.rows);
    else
        saga_print_rows(call, order.rows);
    return code;
}

#define COMMON_OPTIONS                                                                              \
    { "reason", KEY_REASON, "TEXT", 0, "why; asked for, and kept in the journal", 0 },              \
        { "as-user", KEY_AS_USER, "NAME", 0, "who says so; default: $USER", 0 },                    \
        { "timeout", KEY_WAIT, "DURATION", 0, "how long to wait for the answer (default 10s)", 0 }, \
        { "wait", 0, NULL, OPTION_ALIAS, NULL, 0 },                                                 \
    {                                                                                               \
        "no-wait", KEY_NO_WAIT, NULL, 0, "only send it", 0                                          \
    }

static const struct argp_option options[] = {
    { "where", KEY_WHERE, "FILTER", 0,
      "instead of ids: all sagas like this, as in 'status=stuck step=charge-card error~timeout'",
      0 },
    { "dry-run", KEY_DRY_RUN, NULL, 0, "with --where: only show how many and which", 0 },
    { "rate", KEY_RATE, "NUMBER/s", 0, "with --where: sagas a second (default 100/s)", 0 },
    { "yes", KEY_YES, NULL, 0, "with --where: do not ask", 0 },
    COMMON_OPTIONS,
    { 0 },
};
static const struct argp_option resolve_options[] = {
    { "as", KEY_AS, "OUTCOME", 0,
      "completed, compensated or abandoned; for a pivot: succeeded or failed", 0 },
    COMMON_OPTIONS,
    { 0 },
};

#define VERB(word, constant, its_options, its_summary, its_details, its_examples)                  \
    static int run_##word(struct saga_call *call)                                                  \
    {                                                                                              \
        return run_verb(call, constant);                                                           \
    }                                                                                              \
    const struct saga_subcommand saga_subcommand_##word = {                                        \
        .name = #word,                                                                             \
        .arguments = constant == SAGA_VERB_RESOLVE ? "ID..." : "[ID...]",                          \
        .summary = its_summary,                                                                    \
        .details = its_details,                                                                    \
        .examples = its_examples,                                                                  \
        .options = its_options,                                                                    \
        .arguments_min = constant == SAGA_VERB_RESOLVE,                                            \
        .arguments_max = IDS_MAX,                                                                  \
        .configured = true,                                                                        \
        .has_output = true,                                                                        \
        .run = run_##word,                                                                         \
    }

VERB(cancel, SAGA_VERB_CANCEL, options, "end a saga and compensate what it did",
     "Refused once the pivot has succeeded: from there a saga can only go forward.",
     "  saga cancel order-fulfilment/o-4711 --reason 'customer withdrew'");
VERB(retry, SAGA_VERB_RETRY, options, "try again what a stuck saga hangs on",
     "With --where it is done by the coordinator, as a job that goes on without this command: it "
     "shows first which sagas are "
     "meant, and asks. `saga jobs` tells how far it is, and stops it.",
     "  saga retry order-fulfilment/o-4711 --reason 'warehouse is back'\n"
     "  saga retry --where 'status=stuck step=charge-card error~timeout' --dry-run\n"
     "  saga retry --where 'status=stuck' --rate 50/s --reason 'the bank is back'");
VERB(skip, SAGA_VERB_SKIP, options, "count what a stuck saga hangs on as done",
     "For what was done by hand. A pivot is not skipped but resolved.",
     "  saga skip order-fulfilment/o-4711 --reason 'refunded by hand, ticket 12'");
VERB(resolve, SAGA_VERB_RESOLVE, resolve_options,
     "say how a stuck saga ends, or what became of its pivot",
     "Ending a saga sends nothing to any service: what is left as it is, steps that nobody took "
     "back or of which nobody knows whether they were done, is named in the answer.",
     "  saga resolve order-fulfilment/o-4711 --as abandoned --reason 'test order'\n"
     "  saga resolve order-fulfilment/o-4711 --as succeeded --reason 'seen there'");
VERB(pause, SAGA_VERB_PAUSE, options, "stop a saga from sending anything new",
     "Replies are still taken; timers wait.",
     "  saga pause order-fulfilment/o-4711 --reason 'looking into it'");
VERB(resume, SAGA_VERB_RESUME, options, "let a paused saga go on", NULL,
     "  saga resume order-fulfilment/o-4711 --reason 'all is well'");
