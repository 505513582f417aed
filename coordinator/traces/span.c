#include "traces/span.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"
#include "codec/message.h"

/* What the functions of one record share. */
struct record {
    struct saga_spans *spans;
    struct saga_arena *arena;
    const struct saga_state *state;
    const struct saga_event *cause;
    const struct saga_facts *facts;
};

struct saga_spans *saga_spans_new(void)
{
    struct saga_spans *spans = saga_memory_zeroed(1, sizeof *spans);
    saga_arena_init(&spans->arena);
    return spans;
}

void saga_spans_free(struct saga_spans *spans)
{
    if (!spans) return;
    saga_arena_free(&spans->arena);
    free(spans);
}

/* ---- one span ---- */

static struct saga_slice kept(struct record *r, struct saga_slice text)
{
    return saga_arena_copy(r->arena, saga_slice_clip(text, SAGA_MESSAGE_BYTES_MAX));
}

static struct saga_slice digits_of(struct record *r, const struct saga_span_id *id)
{
    return saga_arena_copy(r->arena, (struct saga_slice){ id->digits, sizeof id->digits });
}

/* An absent text adds nothing. */
static void add_text(struct record *r, struct saga_span *span, const char *key,
                     struct saga_slice text)
{
    if (text.size == 0) return;
    SAGA_ASSERT(span->attribute_count < SAGA_SPAN_ATTRIBUTES_MAX);
    span->attributes[span->attribute_count++] =
        (struct saga_span_attribute){ .key = key, .text = kept(r, text) };
}

static void add_number(struct saga_span *span, const char *key, int64_t number)
{
    SAGA_ASSERT(span->attribute_count < SAGA_SPAN_ATTRIBUTES_MAX);
    span->attributes[span->attribute_count++] =
        (struct saga_span_attribute){ .key = key, .number = number };
}

/* A span that ends now. It counts when it is put. */
static struct saga_span begin(struct record *r, struct saga_span_id id, struct saga_slice name,
                              int64_t start_ms)
{
    int64_t end_ms = r->state->changed_ms;
    struct saga_span span = { .trace = kept(r, r->state->trace),
                              .trace_state = kept(r, r->state->trace_state),
                              .id = id,
                              .name = name,
                              .kind = SAGA_SPAN_INTERNAL,
                              .start_ms = start_ms < end_ms ? start_ms : end_ms,
                              .end_ms = end_ms };
    add_text(r, &span, "saga.id", r->state->id);
    return span;
}

static void put(struct record *r, const struct saga_span *span)
{
    SAGA_PUSH(r->arena, r->spans->items, r->spans->count, r->spans->capacity, *span);
}

static void fail(struct record *r, struct saga_span *span, struct saga_slice type)
{
    span->failed = true;
    add_text(r, span, "error.type", type.size ? type : SAGA_SLICE("_OTHER"));
}

static void under_saga(struct record *r, struct saga_span *span)
{
    struct saga_span_id id = saga_span_of_saga(r->state, r->arena);
    span->parent = digits_of(r, &id);
}

/* Names of spans are few: a path without its loops' indexes. */
static struct saga_slice name_of(struct record *r, const char *what, struct saga_slice path)
{
    const char *bracket = path.size ? memchr(path.data, '[', path.size) : NULL;
    if (bracket) path.size = (size_t)(bracket - path.data);
    return saga_arena_join(r->arena, saga_slice_of(what), ' ', path);
}

/* ---- steps and compensations, alike ---- */

/* One of the two, as it stood before it ended. */
struct work {
    bool compensation;
    enum saga_step_kind kind;
    struct saga_slice path, topic, type, target;
    uint32_t attempt, first_attempt;
    int64_t begun_ms, sent_ms;
    bool open, in_flight; /* it had not ended; its newest attempt had not */
};

static struct work step_work(const struct saga_step_state *step)
{
    bool sent = step->status == SAGA_STEP_SENT;
    return (struct work){ .kind = step->kind,
                          .path = step->path,
                          .topic = step->topic,
                          .type = step->type,
                          .target = step->target,
                          .attempt = step->attempt,
                          .first_attempt = step->first_attempt,
                          .begun_ms = step->begun_ms,
                          .sent_ms = step->sent_ms,
                          .open = sent || step->status == SAGA_STEP_BACKOFF,
                          .in_flight = sent };
}

static struct work compensation_work(const struct saga_step_state *step)
{
    bool sent = step->compensation == SAGA_COMPENSATION_SENT;
    return (struct work){ .compensation = true,
                          .kind = step->kind,
                          .path = step->path,
                          .topic = step->compensation_topic,
                          .type = step->compensation_type,
                          .target = step->target,
                          .attempt = step->compensation_attempt,
                          .first_attempt = step->compensation_first_attempt,
                          .begun_ms = step->compensation_begun_ms,
                          .sent_ms = step->compensation_sent_ms,
                          .open = sent || step->compensation == SAGA_COMPENSATION_BACKOFF,
                          .in_flight = sent };
}

/* How it ended. */
struct outcome {
    const char *word; /* an attribute */
    bool failed;
    struct saga_slice error; /* type */
};

static struct saga_span_id id_of(struct record *r, const struct work *work)
{
    return saga_span_of_step(r->state, work->path, work->compensation, work->first_attempt,
                             r->arena);
}

static void link_reply(struct record *r, struct saga_span *span)
{
    struct saga_trace_context context;
    if (r->cause->kind != SAGA_EVENT_REPLY) return;
    add_text(r, span, "saga.reply.type", r->cause->type);
    if (!saga_trace_context_split(r->cause->traceparent, &context)) return;
    span->link_trace = kept(r, context.trace);
    span->link_span = kept(r, context.parent);
}

/* Messaging spans of the semantic conventions: the command's message, and what became of it. */
static void put_attempt(struct record *r, const struct work *work, const struct outcome *outcome)
{
    struct saga_slice command =
        saga_command_id(r->arena, r->state, work->path, work->compensation, work->attempt);
    struct saga_span_id parent = id_of(r, work);
    struct saga_span span =
        begin(r, saga_span_of_message(command), name_of(r, "send", work->topic), work->sent_ms);
    span.kind = SAGA_SPAN_PRODUCER;
    span.parent = digits_of(r, &parent);
    add_text(r, &span, "messaging.system", SAGA_SLICE("kafka"));
    add_text(r, &span, "messaging.operation.name", SAGA_SLICE("send"));
    add_text(r, &span, "messaging.operation.type", SAGA_SLICE("send"));
    add_text(r, &span, "messaging.destination.name", work->topic);
    add_text(r, &span, "messaging.message.id", command);
    add_text(r, &span, "messaging.kafka.message.key", r->state->key);
    add_text(r, &span, "saga.command.type", work->type);
    add_number(&span, "saga.attempt", work->attempt);
    if (outcome->failed) fail(r, &span, outcome->error);
    link_reply(r, &span);
    put(r, &span);
}

static bool has_attempts(const struct work *work)
{
    return work->kind == SAGA_STEP_COMMAND && work->in_flight;
}

static void put_work(struct record *r, const struct work *work, const struct outcome *outcome)
{
    struct saga_slice name = name_of(r, work->compensation ? "compensate" : "step", work->path);
    struct saga_span span = begin(r, id_of(r, work), name, work->begun_ms);
    under_saga(r, &span);
    add_text(r, &span, "saga.step", work->path);
    add_text(r, &span, "saga.outcome", saga_slice_of(outcome->word));
    add_number(&span, "saga.attempts", work->attempt - work->first_attempt + 1);
    if (work->kind == SAGA_STEP_CHILD) add_text(r, &span, "saga.child.id", work->target);
    if (work->kind == SAGA_STEP_AWAIT) {
        span.kind = SAGA_SPAN_CONSUMER;
        add_text(r, &span, "messaging.system", SAGA_SLICE("kafka"));
        add_text(r, &span, "messaging.operation.name", SAGA_SLICE("await"));
        add_text(r, &span, "messaging.operation.type", SAGA_SLICE("receive"));
        add_text(r, &span, "messaging.destination.name", work->topic);
        add_text(r, &span, "saga.event.type", work->type);
    }
    if (outcome->failed) fail(r, &span, outcome->error);
    put(r, &span);
}

/* An answer that came after the step, or its compensation, had been given up. Its span has been sent then. */
static void put_late(struct record *r, const struct work *work, const struct outcome *outcome)
{
    struct saga_slice of = saga_idempotency_key(r->arena, r->state, work->path, work->compensation);
    struct saga_span_id parent = id_of(r, work);
    struct saga_span span =
        begin(r, saga_span_of_message(saga_arena_join(r->arena, of, '#', SAGA_SLICE("late"))),
              name_of(r, "late answer", work->path), r->state->changed_ms);
    span.parent = digits_of(r, &parent);
    add_text(r, &span, "saga.step", work->path);
    add_text(r, &span, "saga.outcome", saga_slice_of(outcome->word));
    if (outcome->failed) fail(r, &span, outcome->error);
    link_reply(r, &span);
    put(r, &span);
}

/* `answered`: by what may come late. What was skipped before anything was sent has no span. */
static void ended(struct record *r, const struct work *work, const struct outcome *outcome,
                  bool answered)
{
    if (work->begun_ms == 0) return;
    if (has_attempts(work)) put_attempt(r, work, outcome);
    if (work->open)
        put_work(r, work, outcome);
    else if (answered)
        put_late(r, work, outcome);
}

static void tried(struct record *r, const struct work *work, const struct saga_fact *fact)
{
    bool silent =
        saga_slice_is(fact->reason, "timeout"); /* a word there, a type of error elsewhere */
    const struct outcome outcome = { "tried-again", true,
                                     silent ? SAGA_SLICE("Timeout") : fact->reason };
    if (work->begun_ms && has_attempts(work)) put_attempt(r, work, &outcome);
}

/* ---- the saga ---- */

static bool tells_its_end(const struct saga_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++)
        if (facts->items[i].kind == SAGA_FACT_NOTE_SENT &&
            facts->items[i].note == SAGA_NOTE_CHILD_ENDED)
            return true;
    return false;
}

static void describe_saga(struct record *r, struct saga_span *span)
{
    const struct saga_state *state = r->state;
    add_text(r, span, "saga.run", state->run);
    add_text(r, span, "saga.definition", state->name);
    add_number(span, "saga.version", state->version);
    add_text(r, span, "saga.status", saga_slice_of(saga_status_name(state->status)));
    add_text(r, span, "saga.parent.id", state->parent_id);
    if (state->status == SAGA_COMPLETED) return;
    fail(r, span, state->error.type);
    add_text(r, span, "saga.error.step", state->error.step);
}

/* A child that had completed is compensated with its parent: the saga's span has been sent when it completed. */
static void put_compensated_after_all(struct record *r)
{
    int64_t start_ms = r->state->changed_ms;
    for (size_t i = 0; i < r->state->step_count; i++) {
        int64_t begun_ms = r->state->steps[i].compensation_begun_ms;
        if (begun_ms && begun_ms < start_ms) start_ms = begun_ms;
    }
    struct saga_slice of = saga_arena_join(r->arena, r->state->id, '/', r->state->run);
    struct saga_span span = begin(
        r, saga_span_of_message(saga_arena_join(r->arena, of, '#', SAGA_SLICE("compensated"))),
        name_of(r, "compensate saga", r->state->name), start_ms);
    under_saga(r, &span);
    describe_saga(r, &span);
    put(r, &span);
}

static void put_saga(struct record *r)
{
    struct saga_span span = begin(r, saga_span_of_saga(r->state, r->arena),
                                  name_of(r, "saga", r->state->name), r->state->started_ms);
    if (r->state->trace_parent.size) {
        span.parent = kept(r, r->state->trace_parent);
        span.parent_is_remote = true;
    }
    describe_saga(r, &span);
    put(r, &span);
}

/* What an operator's word for the saga's end has left open is not waited for any more. */
static void put_left_open(struct record *r)
{
    static const struct outcome left = { "left-open", true, { "left-open", 9 } };
    for (size_t i = 0; i < r->state->step_count; i++) {
        struct work forward = step_work(&r->state->steps[i]);
        struct work back = compensation_work(&r->state->steps[i]);
        if (forward.open) ended(r, &forward, &left, false);
        if (back.open) ended(r, &back, &left, false);
    }
}

static void saga_ended(struct record *r)
{
    bool again = r->state->parent_id.size && r->state->reported && !tells_its_end(r->facts);
    put_left_open(r);
    if (again)
        put_compensated_after_all(r);
    else
        put_saga(r);
}

static void published(struct record *r, const struct saga_fact *fact)
{
    struct saga_slice id = saga_published_id(fact, r->state, r->arena);
    struct saga_span span =
        begin(r, saga_span_of_message(id), name_of(r, "send", fact->topic), r->state->changed_ms);
    span.kind = SAGA_SPAN_PRODUCER;
    under_saga(r, &span);
    add_text(r, &span, "messaging.system", SAGA_SLICE("kafka"));
    add_text(r, &span, "messaging.operation.name", SAGA_SLICE("send"));
    add_text(r, &span, "messaging.operation.type", SAGA_SLICE("send"));
    add_text(r, &span, "messaging.destination.name", fact->topic);
    add_text(r, &span, "messaging.message.id", id);
    add_text(r, &span, "messaging.kafka.message.key", r->state->key);
    add_text(r, &span, "saga.event.type", fact->type);
    put(r, &span);
}

/* ---- facts ---- */

static void add_ending(struct record *r, const struct saga_fact *fact)
{
    const struct saga_slice none = SAGA_SLICE_NONE;
    struct work forward = step_work(fact->before), back = compensation_work(fact->before);
    switch (fact->kind) {
    case SAGA_FACT_STEP_RETRY_SCHEDULED: tried(r, &forward, fact); return;
    case SAGA_FACT_COMPENSATION_RETRY_SCHEDULED: tried(r, &back, fact); return;
    case SAGA_FACT_STEP_SUCCEEDED:
        ended(r, &forward, &(struct outcome){ "succeeded", false, none }, true);
        return;
    case SAGA_FACT_STEP_FAILED:
        ended(r, &forward, &(struct outcome){ "failed", true, fact->type }, true);
        return;
    case SAGA_FACT_STEP_UNKNOWN:
        ended(r, &forward, &(struct outcome){ "unknown", true, fact->type }, false);
        return;
    case SAGA_FACT_STEP_SKIPPED:
        ended(r, &forward, &(struct outcome){ "skipped", false, none }, false);
        return;
    case SAGA_FACT_AWAIT_CLOSED:
        ended(r, &forward, &(struct outcome){ "closed", false, none }, false);
        return;
    case SAGA_FACT_COMPENSATION_SUCCEEDED:
        ended(r, &back, &(struct outcome){ "compensated", false, none }, true);
        return;
    case SAGA_FACT_COMPENSATION_FAILED:
        ended(r, &back, &(struct outcome){ "failed", true, fact->type }, false);
        return;
    case SAGA_FACT_COMPENSATION_EXHAUSTED:
        ended(r, &back, &(struct outcome){ "exhausted", true, SAGA_SLICE("exhausted") }, false);
        return;
    case SAGA_FACT_COMPENSATION_SKIPPED:
        ended(r, &back, &(struct outcome){ "skipped", false, none }, false);
        return;
    default: return;
    }
}

static void add_fact(struct record *r, const struct saga_fact *fact)
{
    if (fact->before) add_ending(r, fact);
    if (fact->kind == SAGA_FACT_EVENT_PUBLISHED) published(r, fact);
    if (fact->kind == SAGA_FACT_SAGA_COMPLETED || fact->kind == SAGA_FACT_SAGA_COMPENSATED ||
        fact->kind == SAGA_FACT_SAGA_ABANDONED)
        saga_ended(r);
}

/* Does it lead to a span, as a rule? */
static bool is_told(const struct saga_fact *fact)
{
    return fact->before || fact->kind == SAGA_FACT_EVENT_PUBLISHED ||
           fact->kind == SAGA_FACT_SAGA_COMPLETED || fact->kind == SAGA_FACT_SAGA_COMPENSATED ||
           fact->kind == SAGA_FACT_SAGA_ABANDONED;
}

void saga_spans_add(struct saga_spans *spans, const struct saga_state *state,
                    const struct saga_event *cause, const struct saga_facts *facts,
                    uint64_t threshold)
{
    struct record r = { spans, &spans->arena, state, cause, facts };
    if (state->kind != SAGA_KIND_SAGA || !saga_trace_is_sampled(state, threshold)) return;
    for (size_t i = 0; i < facts->count; i++) {
        if (!is_told(&facts->items[i])) continue;
        if (spans->full || spans->arena.used_bytes > SAGA_SPANS_BYTES_MAX)
            spans->dropped++;
        else
            add_fact(&r, &facts->items[i]);
    }
}
