/* What operators say: put into the inbox of the saga's lane, and answered by the record that it led to. */
#include "operate/orders.h"

#include "base/error.h"
#include "base/monotonic.h"
#include "codec/message.h"
#include "http/known.h"
#include "http/story.h"
#include "http/waiting.h"
#include "operate/answer.h"
#include "operate/opening.h"
#include "operate/sagas.h"

enum { WAIT_MS = 10000 };

/* Between the handler and the answer; in the exchange's arena. */
struct ordering {
    struct saga_address address;
    struct saga_event event;
    int64_t wait_ms;
    int64_t until_ms; /* monotonic */
    int64_t from;     /* the saga's records from this offset on are looked at */
};

static void answer_sent(struct saga_exchange *x, const struct ordering *o)
{
    saga_exchange_answer_json(x, 202,
                              saga_order_json(o->address.saga_id, o->event.verb, NULL, &x->arena));
}

/* ---- the record that it led to ---- */

/* Of a saga that was resolved to its end: nobody will look after its steps any more. */
static void add_left(struct saga_exchange *x, const struct ordering *o, json_t *answer)
{
    enum saga_status end = saga_status_of(o->event.as);
    struct saga_state *state;
    struct saga_left *items = NULL;
    size_t count = 0;
    if (end != SAGA_STATUS_COUNT &&
        saga_state_read(x->call, &o->address, true, &state) == SAGA_EXIT_DONE) {
        const struct saga_known_item *item =
            saga_known_find(x->http->known, state->name, state->version);
        saga_left_as_it_is(state, item ? item->definition : NULL, end, &x->arena, &items, &count);
        saga_state_free(state);
    }
    json_object_set_new(answer, "left", saga_left_json(items, count));
}

static void answer_record(struct saga_exchange *x, const struct ordering *o,
                          const struct saga_journal_record *record)
{
    json_t *answer = saga_order_json(o->address.saga_id, o->event.verb, record, &x->arena);
    bool refused = strcmp(saga_order_outcome(record), "refused") == 0;
    if (o->event.verb == SAGA_VERB_RESOLVE && !refused) add_left(x, o, answer);
    if (!refused) {
        saga_exchange_answer_json(x, 200, answer);
        return;
    }
    saga_exchange_problem_with(x, 409, "refused", NULL,
                               record->fact_count ? saga_order_words(record, 0, &x->arena)
                                                  : SAGA_SLICE("it was refused"),
                               json_pack("{s:o}", "order", answer));
}

/* Looks through the saga's records that are new. `*ret_next`: behind the last of them. An exit code. */
static int find_record(struct saga_exchange *x, const struct ordering *o, const int64_t *offsets,
                       size_t count, struct saga_journal_record *ret, bool *ret_found)
{
    struct saga_call *call = x->call;
    struct saga_picker *picker;
    int64_t low, high;
    int code = saga_call_client(call);
    if (code != SAGA_EXIT_DONE) return code;
    if (saga_picker_open(call->client, call->topics.journal, (int32_t)o->address.lane,
                         SAGA_CALL_TIMEOUT_MS, &picker, &low, &high) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "the journal cannot be read: %s",
                              saga_client_problem(call->client));
    for (size_t i = 0; i < count && !*ret_found; i++) {
        struct saga_bus_records records;
        struct saga_diagnostic diagnostic = { 0 };
        if (saga_picker_read(picker, offsets[i], SAGA_CALL_TIMEOUT_MS, &records) < 0) break;
        if (records.count == 1 &&
            saga_journal_decode(call->codec, saga_arena_copy(&x->arena, records.items[0].value),
                                &x->arena, ret, &diagnostic) == SAGA_OK)
            *ret_found = saga_slice_equal(ret->cause.id, o->event.id);
        saga_picker_release(picker, &records);
    }
    saga_picker_close(picker);
    return SAGA_EXIT_DONE;
}

static void look(struct saga_exchange *x, bool over)
{
    struct ordering *o = x->handling;
    struct saga_journal_record record;
    int64_t *offsets = NULL;
    size_t count = 0;
    bool found = false;
    int code = saga_call_views(x->call);
    if (code == SAGA_EXIT_DONE &&
        saga_views_history(x->call->views, o->address.lane, o->address.saga_id, &x->arena, &offsets,
                           &count) == SAGA_OK) {
        for (; count && *offsets < o->from; offsets++) count--;
        if (count) code = find_record(x, o, offsets, count, &record, &found);
        if (count) o->from = offsets[count - 1] + 1;
    }
    if (found) {
        saga_open_record_for_people(x->call, o->address.lane, &record, &x->arena);
        answer_record(x, o, &record);
        return;
    }
    *x->later = true;
    if (code == SAGA_EXIT_DONE && !over &&
        saga_waiting_for_record(x, &o->address, o->from, o->until_ms, look))
        return;
    *x->later = false;
    answer_sent(x, o);
}

/* ---- sending ---- */

static void on_sent(void *context, int error, const char *words)
{
    struct saga_exchange *x = context;
    struct ordering *o = x->handling;
    if (error < 0) {
        x->retry_after_s = 1;
        saga_exchange_problem(x, 503, "not-acknowledged",
                              "say it again: doing it twice is doing it once",
                              "it is not known whether the inbox has it: %s", words);
    } else if (o->wait_ms > 0 &&
               saga_waiting_for_record(x, &o->address, o->from, o->until_ms, look)) {
        return;
    } else {
        answer_sent(x, o);
    }
    saga_exchange_complete(x);
}

static void send(struct saga_exchange *x, struct ordering *o)
{
    struct saga_message message;
    const char *words = "";
    bool *later = x->later;
    saga_operator_message(x->http->topics.inbox, o->address.lane, o->address.saga_id,
                          o->address.key, &o->event, &x->arena, &message);
    x->handling = o;
    *later = true; /* the answer may come before the call returns */
    if (saga_sender_send(x->http->sender, &message, on_sent, x, &words) == SAGA_OK) return;
    *later = false;
    x->retry_after_s = 1;
    saga_exchange_problem(x, 503, "not-sent", "say it again: doing it twice is doing it once",
                          "it was not sent: %s", words);
}

/* ---- what is asked for ---- */

static enum saga_verb verb_of(const struct saga_exchange *x)
{
    struct saga_slice word = x->target.segments[x->target.segment_count - 1];
    for (int verb = SAGA_VERB_NONE + 1; verb < SAGA_VERB_FORGET; verb++)
        if (saga_slice_is(word, saga_verb_name((enum saga_verb)verb))) return (enum saga_verb)verb;
    return SAGA_VERB_NONE;
}

static bool read_as(struct saga_exchange *x, struct saga_slice as)
{
    static const char *const outcomes[] = { "completed", "compensated", "abandoned", "succeeded",
                                            "failed" };
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        if (saga_slice_is(as, outcomes[i])) return true;
    saga_exchange_problem(x, 400, "bad-body",
                          "completed, compensated or abandoned; of a pivot whose outcome is "
                          "unknown, succeeded or failed",
                          "a saga cannot be resolved like that");
    return false;
}

static bool read_order(struct saga_exchange *x, struct ordering *o)
{
    static const char *const names[] = { "reason", "as" };
    struct saga_slice members[2], reason, as;
    enum saga_verb verb = verb_of(x);
    size_t count = verb == SAGA_VERB_RESOLVE ? 2 : 1;
    if (!saga_exchange_address(x, &o->address) ||
        !saga_exchange_duration(x, "wait", WAIT_MS, &o->wait_ms) ||
        !saga_exchange_members(x, names, count, count, members) ||
        !saga_exchange_text(x, "reason", members[0], 1, SAGA_MESSAGE_BYTES_MAX, &reason) ||
        (count == 2 && (!saga_exchange_text(x, "as", members[1], 1, 16, &as) || !read_as(x, as))))
        return false;
    o->event = (struct saga_event){
        .kind = SAGA_EVENT_OPERATOR,
        .verb = verb,
        .type = saga_slice_of(saga_verb_name(verb)),
        .who = x->identity.subject,
        .from = saga_arena_copy(&x->arena, saga_slice_of(x->peer)),
        .reason = reason,
        .as = count == 2 ? as : SAGA_SLICE_NONE,
        .id = saga_new_id(&x->arena),
    };
    return true;
}

void saga_http_order(struct saga_exchange *x)
{
    struct ordering *o = SAGA_NEW(&x->arena, struct ordering);
    struct saga_state *state;
    int64_t *offsets = NULL;
    size_t count = 0;
    if (!read_order(x, o) || !saga_exchange_state(x, &o->address, false, &state)) return;
    saga_state_free(state);
    if (saga_views_history(x->call->views, o->address.lane, o->address.saga_id, &x->arena, &offsets,
                           &count) == SAGA_OK &&
        count)
        o->from = offsets[count - 1] + 1;
    o->until_ms = saga_monotonic_ms() + o->wait_ms;
    send(x, o);
}
