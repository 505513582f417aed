/* Fields of records and states by the names that the schemas give them: filled with anything, and compared with what avro-c
 * finds under the name. Written beside the codec's own tables, which know the order alone. */
#ifndef SAGA_TESTS_UNIT_CODEC_AVRO_NAMED_H
#define SAGA_TESTS_UNIT_CODEC_AVRO_NAMED_H

#include <avro.h>

#include "codec_avro_records.h"

struct named {
    const char *name;
    size_t offset;
    enum { TEXT, BYTES, INT, LONG, BOOL } kind;
};

#define ROW(type, name, member, kind)                                                              \
    {                                                                                              \
        name, offsetof(struct type, member), kind                                                  \
    }

#define OF(name, member, kind) ROW(saga_journal_record, name, member, kind)
static const struct named record_fields[] = {
    OF("sagaId", saga_id, TEXT),    OF("run", run, TEXT),
    OF("key", key, TEXT),           OF("definition", name, TEXT),
    OF("version", version, INT),    OF("sha256", sha256, TEXT),
    OF("sequence", sequence, LONG), OF("time", cause.time_ms, LONG),
};
#undef OF

#define OF(name, member, kind) ROW(saga_event, name, member, kind)
static const struct named cause_fields[] = {
    OF("topic", source.topic, TEXT),
    OF("partition", source.partition, INT),
    OF("offset", source.offset, LONG),
    OF("type", type, TEXT),
    OF("id", id, TEXT),
    OF("contentType", content_type, TEXT),
    OF("body", body, BYTES),
    OF("traceparent", traceparent, TEXT),
    OF("key", key, TEXT),
    OF("run", run, TEXT),
    OF("step", step, TEXT),
    OF("attempt", attempt, INT),
    OF("compensation", compensation, BOOL),
    OF("timer", timer, TEXT),
    OF("armed", armed, LONG),
    OF("as", as, TEXT),
    OF("who", who, TEXT),
    OF("from", from, TEXT),
    OF("reason", reason, TEXT),
    OF("fromId", from_id, TEXT),
    OF("fromRun", from_run, TEXT),
    OF("fromStep", from_step, TEXT),
    OF("target", target, TEXT),
    OF("keepMs", keep_ms, LONG),
};
#undef OF

/* Without what saga_state_check has a word in: those are the test's. */
#define OF(name, member, kind) ROW(saga_state, name, member, kind)
static const struct named state_fields[] = {
    OF("key", key, TEXT),
    OF("version", version, INT),
    OF("sha256", sha256, TEXT),
    OF("trace", trace, TEXT),
    OF("paused", paused, BOOL),
    OF("pivoted", pivoted, BOOL),
    OF("deadlinePassed", deadline_passed, BOOL),
    OF("forgotten", forgotten, BOOL),
    OF("resolved", resolved, BOOL),
    OF("started", started_ms, LONG),
    OF("changed", changed_ms, LONG),
    OF("input", input, BYTES),
    OF("vars", vars, BYTES),
    OF("parentId", parent_id, TEXT),
    OF("parentRun", parent_run, TEXT),
    OF("parentStep", parent_step, TEXT),
    OF("released", released, BOOL),
    OF("reported", reported, BOOL),
    OF("stuckStep", stuck_step, TEXT),
    OF("stuckMessage", stuck_message, TEXT),
    OF("stuckForward", stuck_forward, BOOL),
    OF("stuckScope", stuck_scope, INT),
    OF("traceParent", trace_parent, TEXT),
    OF("traceState", trace_state, TEXT),
    OF("traceUnsampled", trace_unsampled, BOOL),
};
#undef OF

#define OF(name, member, kind) ROW(saga_error_value, name, member, kind)
static const struct named error_fields[] = {
    OF("step", step, TEXT),
    OF("type", type, TEXT),
    OF("message", message, TEXT),
};
#undef OF

#define OF(name, member, kind) ROW(saga_scope, name, member, kind)
static const struct named scope_fields[] = {
    OF("block", block, INT), OF("index", index, INT), OF("position", position, INT),
    OF("open", open, INT),   OF("next", next, INT),   OF("total", total, INT),
};
#undef OF

#define OF(name, member, kind) ROW(saga_step_state, name, member, kind)
static const struct named step_fields[] = {
    OF("block", block, INT),
    OF("pivot", pivot, BOOL),
    OF("unanswered", unanswered, BOOL),
    OF("topic", topic, TEXT),
    OF("type", type, TEXT),
    OF("replyTopic", reply_topic, TEXT),
    OF("body", body, BYTES),
    OF("result", result, BYTES),
    OF("compensationAttempt", compensation_attempt, INT),
    OF("compensationTopic", compensation_topic, TEXT),
    OF("compensationType", compensation_type, TEXT),
    OF("compensationReplyTopic", compensation_reply_topic, TEXT),
    OF("compensationBody", compensation_body, BYTES),
    OF("target", target, TEXT),
    OF("errorType", error_type, TEXT),
    OF("errorMessage", error_message, TEXT),
    OF("firstAttempt", first_attempt, INT),
    OF("begun", begun_ms, LONG),
    OF("sent", sent_ms, LONG),
    OF("compensationFirstAttempt", compensation_first_attempt, INT),
    OF("compensationBegun", compensation_begun_ms, LONG),
    OF("compensationSent", compensation_sent_ms, LONG),
};
#undef OF

#define OF(name, member, kind) ROW(saga_timer, name, member, kind)
static const struct named timer_fields[] = { OF("due", due_ms, LONG), OF("held", held, BOOL) };
#undef OF

#define OF(name, member, kind) ROW(saga_search_value, name, member, kind)
static const struct named search_fields[] = { OF("name", name, TEXT), OF("value", value, TEXT) };
#undef OF

#define OF(name, member, kind) ROW(saga_waiter, name, member, kind)
static const struct named waiter_fields[] = {
    OF("id", id, TEXT),
    OF("run", run, TEXT),
    OF("step", step, TEXT),
    OF("offered", offered, TEXT),
};
#undef OF

#define OF(name, member, kind) ROW(saga_kept_event, name, member, kind)
static const struct named kept_fields[] = {
    OF("id", id, TEXT),
    OF("type", type, TEXT),
    OF("body", body, BYTES),
    OF("expires", expires_ms, LONG),
};
#undef OF

/* ---- anything ---- */

static inline uint64_t any(void)
{
    static uint64_t state = 20240229;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 16;
}

static inline size_t below(size_t bound)
{
    return (size_t)(any() % bound);
}

/* Of any length, negative half the time. */
static inline int64_t any_number(void)
{
    int64_t value = (int64_t)((any() << 32 ^ any()) >> below(64));
    return below(2) ? value : -value;
}

/* Any bytes, NUL as well; often few or none, now and then more than a length of one byte tells. */
static inline struct saga_slice any_text(struct saga_arena *arena)
{
    size_t size = below(below(8) ? 20 : 300);
    if (size == 0) return SAGA_SLICE_NONE;
    char *bytes = saga_arena_take(arena, size);
    for (size_t i = 0; i < size; i++) bytes[i] = (char)any();
    return (struct saga_slice){ bytes, size };
}

static inline void fill_named(void *to, const struct named *fields, size_t count,
                              struct saga_arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        void *at = (char *)to + fields[i].offset;
        switch (fields[i].kind) {
        case TEXT: *(struct saga_slice *)at = any_text(arena); break;
        case BYTES:
            *(struct saga_slice *)at = below(4) ? any_text(arena) : SAGA_SLICE(""); /* not null */
            break;
        case INT: *(int32_t *)at = (int32_t)any_number(); break;
        case LONG: *(int64_t *)at = any_number(); break;
        case BOOL: *(bool *)at = below(2); break;
        }
    }
}

/* ---- what avro-c finds ---- */

static inline avro_value_t field_of(avro_value_t *record, const char *name)
{
    avro_value_t field;
    if (avro_value_get_by_name(record, name, &field, NULL)) fail_msg("there is no field %s", name);
    return field;
}

static inline void assert_text(avro_value_t *record, const char *name, struct saga_slice want)
{
    avro_value_t field = field_of(record, name);
    const char *text;
    size_t size;
    assert_int_equal(avro_value_get_string(&field, &text, &size), 0);
    if (!saga_slice_equal((struct saga_slice){ text, size - 1 }, want)) fail_msg("%s", name);
}

static inline void assert_bytes(avro_value_t *record, const char *name, struct saga_slice want)
{
    avro_value_t field = field_of(record, name), branch;
    const void *bytes;
    size_t size;
    int discriminant;
    assert_int_equal(avro_value_get_discriminant(&field, &discriminant), 0);
    assert_int_equal(discriminant, want.data != NULL);
    if (!want.data) return;
    assert_int_equal(avro_value_get_current_branch(&field, &branch), 0);
    assert_int_equal(avro_value_get_bytes(&branch, &bytes, &size), 0);
    if (!saga_slice_equal((struct saga_slice){ bytes, size }, want)) fail_msg("%s", name);
}

static inline void assert_number(avro_value_t *record, const char *name, int64_t want)
{
    avro_value_t field = field_of(record, name);
    int64_t large = 0;
    int32_t small = 0;
    int truth = 0;
    bool found = avro_value_get_long(&field, &large) == 0 ||
                 avro_value_get_int(&field, &small) == 0 ||
                 avro_value_get_boolean(&field, &truth) == 0;
    if (!found || large + small + truth != want) fail_msg("%s", name);
}

static inline void assert_named(avro_value_t *record, const struct named *fields, size_t count,
                                const void *from)
{
    for (size_t i = 0; i < count; i++) {
        const void *at = (const char *)from + fields[i].offset;
        const char *name = fields[i].name;
        switch (fields[i].kind) {
        case TEXT: assert_text(record, name, *(const struct saga_slice *)at); break;
        case BYTES: assert_bytes(record, name, *(const struct saga_slice *)at); break;
        case INT: assert_number(record, name, *(const int32_t *)at); break;
        case LONG: assert_number(record, name, *(const int64_t *)at); break;
        case BOOL: assert_number(record, name, *(const bool *)at); break;
        }
    }
}

#endif
