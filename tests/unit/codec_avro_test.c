/* Avro: bytes from outside that lie, and that what was
 * written is read again, whatever it was. Worth most under the address sanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <avro.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "codec/avro_walk.h"
#include "codec/codec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
    struct saga_codec *codec;
    struct saga_arena arena;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    saga_arena_init(&fixture.arena);
    *state = &fixture;
    return saga_codec_new(&fixture.codec);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    saga_codec_free(f->codec);
    saga_arena_free(&f->arena);
    return 0;
}

/* ---- the walk ---- */

static const char *walk(const char *schema_text, struct saga_slice bytes, size_t *ret_offset)
{
    avro_schema_t schema;
    const char *why = NULL;
    assert_int_equal(avro_schema_from_json_length(schema_text, strlen(schema_text), &schema), 0);
    char *own = malloc(bytes.size ? bytes.size : 1); /* a read behind the end must show */
    assert_non_null(own);
    memcpy(own, bytes.data, bytes.size);
    *ret_offset = 0;
    int error = saga_avro_walk(schema, (struct saga_slice){ own, bytes.size }, ret_offset, &why);
    assert_int_equal(error, why ? SAGA_E_INVALID : SAGA_OK);
    free(own);
    avro_schema_decref(schema);
    return why;
}

#define ENUM "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}"
#define INTS "{\"type\":\"array\",\"items\":\"int\"}"
#define NULLS "{\"type\":\"array\",\"items\":\"null\"}"
#define LIST                                                                                       \
    "{\"type\":\"record\",\"name\":\"L\",\"fields\":"                                              \
    "[{\"name\":\"next\",\"type\":[\"null\",\"L\"]}]}"

static void bytes_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        struct saga_slice bytes;
        const char *why; /* NULL: they fit */
        size_t offset;
    } cases[] = {
        { "\"null\"", { "", 0 }, NULL, 0 },
        { "\"null\"", { "\0", 1 }, "behind the end", 0 },
        { "\"boolean\"", { "\1", 1 }, NULL, 0 },
        { "\"boolean\"", { "\2", 1 }, "boolean", 0 },
        { "\"boolean\"", { "", 0 }, "boolean", 0 },
        { "\"int\"", { "\xfe\xff\xff\xff\x0f", 5 }, NULL, 0 },
        { "\"int\"", { "\x80\x80\x80\x80\x10", 5 }, "32 bits", 5 },
        { "\"int\"", { "\x80", 1 }, "does not end", 1 },
        { "\"long\"", { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 }, NULL, 0 },
        { "\"long\"", { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 }, "64 bits", 10 },
        { "\"long\"", { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11 }, "64 bits", 10 },
        { "\"float\"", { "abc", 3 }, "length", 0 },
        { "\"double\"", { "abcdefgh", 8 }, NULL, 0 },
        { "\"string\"", { "\4ab", 3 }, NULL, 0 },
        { "\"string\"", { "\6ab", 3 }, "length", 1 },
        { "\"bytes\"", { "\1", 1 }, "length", 1 },
        { "\"string\"", { "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1", 10 }, "length", 10 },
        { ENUM, { "\2", 1 }, NULL, 0 },
        { ENUM, { "\4", 1 }, "index", 1 },
        { ENUM, { "\1", 1 }, "index", 1 },
        { "[\"null\",\"int\"]", { "\2\2", 2 }, NULL, 0 },
        { "[\"null\",\"int\"]", { "\4\2", 2 }, "index", 1 },
        { "{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}", { "ab", 2 }, "length", 0 },
        { INTS, { "\4\2\2\0", 4 }, NULL, 0 },
        { INTS, { "\3\4\2\2\0", 5 }, NULL, 0 }, /* count -2, 2 bytes */
        { INTS, { "\4\2\2", 3 }, "does not end", 3 },
        { INTS, { "\3\x7e\2\2\0", 5 }, "block", 2 },
        { INTS, { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0", 11 }, "block", 10 },
        { INTS, { "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1\0", 11 }, "does not end", 11 },
        { NULLS, { "\x80\x10\0", 3 }, NULL, 0 },
        { NULLS, { "\x82\x10\0", 3 }, "empty", 2 },
        { NULLS, { "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1\0", 11 }, "empty", 10 },
        { "{\"type\":\"map\",\"values\":\"int\"}", { "\2\2a\2\0", 5 }, NULL, 0 },
        { "{\"type\":\"map\",\"values\":\"int\"}",
          { "\2\x08"
            "a\2\0",
            5 },
          "length",
          2 },
        { LIST, { "\2\2\2\0", 4 }, NULL, 0 },
        { LIST, { "\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\0", 21 }, "deep", 0 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t offset;
        const char *why = walk(cases[i].schema, cases[i].bytes, &offset);
        if (!why != !cases[i].why || (why && !strstr(why, cases[i].why)) ||
            (why && cases[i].offset && offset != cases[i].offset))
            fail_msg("case %zu, %s: %s at %zu", i, cases[i].schema, why ? why : "fits", offset);
    }
}

/* ---- records ---- */

/* A text of its own in memory of exactly its size, so that a read behind it shows. */
static struct saga_slice text(const char *prefix, size_t number)
{
    static char *kept[4096];
    static size_t count;
    char all[64];
    size_t size = (size_t)snprintf(all, sizeof all, "%s-%zu\xc3\xb6", prefix, number);
    assert_true(count < COUNT(kept));
    /* what is kept in `kept` is no leak */
    char *own = kept[count++] = malloc(size);
    assert_non_null(own);
    memcpy(own, all, size);
    return (struct saga_slice){ own, size };
}

static void fill(struct saga_fact *fact, size_t salt)
{
    const struct saga_fact_type *type = &saga_fact_types[fact->kind];
    for (size_t i = 0; i < type->field_count; i++) {
        void *at = (char *)fact + type->fields[i].offset;
        size_t n = salt * 100 + i + 1;
        switch (type->fields[i].type) {
        case SAGA_FIELD_STRING: *(struct saga_slice *)at = text(type->fields[i].name, n); break;
        case SAGA_FIELD_BYTES: *(struct saga_slice *)at = SAGA_SLICE("{\"a\":\"\\u0000\"}"); break;
        case SAGA_FIELD_INT: *(uint32_t *)at = (uint32_t)n; break;
        case SAGA_FIELD_BOOL: *(bool *)at = true; break;
        case SAGA_FIELD_TIME: *(int64_t *)at = 1700000000000 + (int64_t)n; break;
        case SAGA_FIELD_STATUS: *(enum saga_status *)at = SAGA_COMPENSATED; break;
        case SAGA_FIELD_STUCK_ON: *(enum saga_stuck_on *)at = SAGA_STUCK_ON_PUBLISH; break;
        case SAGA_FIELD_NOTE: *(enum saga_note *)at = SAGA_NOTE_AWAIT_MATCH; break;
        case SAGA_FIELD_ENTRY: *(enum saga_state_kind *)at = SAGA_KIND_SCHEDULE; break;
        }
    }
    fact->value_from_cause = false; /* has a test of its own */
}

static void assert_slices(struct saga_slice a, struct saga_slice b)
{
    assert_int_equal(a.data == NULL, b.data == NULL);
    assert_true(saga_slice_equal(a, b));
}

static void assert_same_field(const struct saga_fact *a, const struct saga_fact *b,
                              const struct saga_fact_field *field)
{
    const void *x = (const char *)a + field->offset, *y = (const char *)b + field->offset;
    switch (field->type) {
    case SAGA_FIELD_STRING:
    case SAGA_FIELD_BYTES:
        assert_slices(*(const struct saga_slice *)x, *(const struct saga_slice *)y);
        return;
    case SAGA_FIELD_INT: assert_int_equal(*(const uint32_t *)x, *(const uint32_t *)y); return;
    case SAGA_FIELD_BOOL: assert_int_equal(*(const bool *)x, *(const bool *)y); return;
    case SAGA_FIELD_TIME: assert_int_equal(*(const int64_t *)x, *(const int64_t *)y); return;
    case SAGA_FIELD_STATUS:
        assert_int_equal(*(const enum saga_status *)x, *(const enum saga_status *)y);
        return;
    case SAGA_FIELD_STUCK_ON:
        assert_int_equal(*(const enum saga_stuck_on *)x, *(const enum saga_stuck_on *)y);
        return;
    case SAGA_FIELD_NOTE:
        assert_int_equal(*(const enum saga_note *)x, *(const enum saga_note *)y);
        return;
    case SAGA_FIELD_ENTRY:
        assert_int_equal(*(const enum saga_state_kind *)x, *(const enum saga_state_kind *)y);
        return;
    }
    fail();
}

/* One fact of each kind, and every field of the head and of the cause. */
static struct saga_journal_record full_record(struct saga_fact facts[SAGA_FACT_KIND_COUNT])
{
    for (int kind = 0; kind < SAGA_FACT_KIND_COUNT; kind++) {
        facts[kind] = (struct saga_fact){ .kind = (enum saga_fact_kind)kind };
        fill(&facts[kind], (size_t)kind);
    }
    return (struct saga_journal_record){
        .saga_id = text("id", 0),
        .run = text("run", 0),
        .key = text("key", 0),
        .name = text("name", 0),
        .version = 4000000000,
        .sha256 = text("sha", 0),
        .sequence = 1234567890123,
        .cause = { .kind = SAGA_EVENT_OPERATOR,
                   .time_ms = 1700000000000,
                   .source = { text("topic", 0), 7, 8000000000 },
                   .type = text("type", 0),
                   .id = text("event", 0),
                   .content_type = text("content", 0),
                   .body = SAGA_SLICE("{\"n\":9007199254740993}"),
                   .traceparent = text("trace", 0),
                   .key = text("cause-key", 0),
                   .run = text("cause-run", 0),
                   .step = text("step", 0),
                   .attempt = 3,
                   .compensation = true,
                   .timer = text("timer", 0),
                   .armed = 17,
                   .verb = SAGA_VERB_RESOLVE,
                   .as = text("as", 0),
                   .who = text("who", 0),
                   .from = text("from", 0),
                   .reason = text("reason", 0) },
        .facts = facts,
        .fact_count = SAGA_FACT_KIND_COUNT,
    };
}

static void assert_same_cause(const struct saga_event *a, const struct saga_event *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_slices(a->source.topic, b->source.topic);
    assert_int_equal(a->source.partition, b->source.partition);
    assert_int_equal(a->source.offset, b->source.offset);
    const struct saga_slice x[] = { a->type, a->id,   a->content_type, a->body,  a->traceparent,
                                    a->key,  a->run,  a->step,         a->timer, a->as,
                                    a->who,  a->from, a->reason };
    const struct saga_slice y[] = { b->type, b->id,   b->content_type, b->body,  b->traceparent,
                                    b->key,  b->run,  b->step,         b->timer, b->as,
                                    b->who,  b->from, b->reason };
    for (size_t i = 0; i < COUNT(x); i++) assert_slices(x[i], y[i]);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->compensation, b->compensation);
    assert_int_equal(a->armed, b->armed);
    assert_int_equal(a->verb, b->verb);
}

static void assert_same_record(const struct saga_journal_record *a,
                               const struct saga_journal_record *b)
{
    assert_slices(a->saga_id, b->saga_id);
    assert_slices(a->run, b->run);
    assert_slices(a->key, b->key);
    assert_slices(a->name, b->name);
    assert_slices(a->sha256, b->sha256);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->sequence, b->sequence);
    assert_same_cause(&a->cause, &b->cause);
    assert_int_equal(a->fact_count, b->fact_count);
    for (size_t i = 0; i < a->fact_count; i++) {
        const struct saga_fact_type *type = &saga_fact_types[a->facts[i].kind];
        assert_int_equal(a->facts[i].kind, b->facts[i].kind);
        for (size_t j = 0; j < type->field_count; j++)
            assert_same_field(&a->facts[i], &b->facts[i], &type->fields[j]);
    }
}

static struct saga_slice encode(struct fixture *f, const struct saga_journal_record *record)
{
    static const uint8_t zero[SAGA_SHA256_BYTES];
    uint8_t chain[SAGA_SHA256_BYTES];
    struct saga_slice bytes;
    assert_int_equal(saga_journal_encode(f->codec, record, zero, &f->arena, &bytes, chain),
                     SAGA_OK);
    return bytes;
}

static void every_kind_of_fact_is_read_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct saga_fact facts[SAGA_FACT_KIND_COUNT];
    struct saga_journal_record record = full_record(facts), got;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice bytes = encode(f, &record);
    assert_int_equal(saga_journal_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_same_record(&record, &got);
    /* the same again gives the same bytes, from values that were used before */
    assert_true(saga_slice_equal(encode(f, &got), bytes));
    struct saga_slice json = saga_journal_json(&got, true, &f->arena);
    assert_int_equal(saga_json_validate(json, NULL, NULL), SAGA_OK);
}

static void what_is_absent_stays_absent(void **state)
{
    struct fixture *f = *state;
    struct saga_fact facts[SAGA_FACT_KIND_COUNT] = { { .kind = SAGA_FACT_LANE_OPENED } };
    struct saga_journal_record record = { .facts = facts, .fact_count = SAGA_FACT_KIND_COUNT }, got;
    struct saga_diagnostic diagnostic = { 0 };
    record.cause.source = (struct saga_position){ SAGA_SLICE_NONE, -1, -1 };
    record.cause.type = SAGA_SLICE(""); /* read as absent */
    record.cause.body = SAGA_SLICE(""); /* bytes know the difference */
    for (int i = 0; i < SAGA_FACT_KIND_COUNT; i++) facts[i].kind = (enum saga_fact_kind)i;
    struct saga_slice bytes = encode(f, &record);
    record.cause.type = SAGA_SLICE_NONE;
    assert_int_equal(saga_journal_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_same_record(&record, &got);
    record.facts = NULL;
    record.fact_count = 0;
    bytes = encode(f, &record);
    assert_int_equal(saga_journal_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_int_equal(got.fact_count, 0);
}

static void a_value_that_is_the_causes_is_written_once(void **state)
{
    struct fixture *f = *state;
    char body[5000] = "\"";
    memset(body + 1, 'x', sizeof body - 3);
    body[sizeof body - 2] = '"';
    struct saga_slice value = { body, sizeof body - 1 };
    struct saga_fact fact = { .kind = SAGA_FACT_STEP_SUCCEEDED,
                              .step = SAGA_SLICE("a"),
                              .value = value,
                              .value_from_cause = true };
    struct saga_journal_record record = { .cause = { .kind = SAGA_EVENT_REPLY, .body = value },
                                          .facts = &fact,
                                          .fact_count = 1 };
    struct saga_journal_record got;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice bytes = encode(f, &record);
    assert_true(bytes.size > value.size && bytes.size < value.size + 300);
    assert_int_equal(saga_journal_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_same_record(&record, &got);
    assert_true(fact.value.data == body); /* the caller's fact is as it was */
}

static void a_record_over_the_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    static const uint8_t zero[SAGA_SHA256_BYTES];
    uint8_t chain[SAGA_SHA256_BYTES] = { 1 };
    struct saga_slice bytes = SAGA_SLICE("untouched");
    char *body = calloc(1, SAGA_JOURNAL_RECORD_BYTES_MAX);
    assert_non_null(body);
    struct saga_journal_record record = { .cause.body = { body, SAGA_JOURNAL_RECORD_BYTES_MAX } };
    assert_int_equal(saga_journal_encode(f->codec, &record, zero, &f->arena, &bytes, chain),
                     SAGA_E_LIMIT);
    assert_true(saga_slice_is(bytes, "untouched"));
    assert_int_equal(chain[0], 1);
    free(body);
}

/* ---- the chain ---- */

static void each_record_is_chained_to_the_one_before(void **state)
{
    struct fixture *f = *state;
    struct saga_fact facts[SAGA_FACT_KIND_COUNT];
    struct saga_journal_record record = full_record(facts), got;
    struct saga_diagnostic diagnostic = { 0 };
    uint8_t chains[3][SAGA_SHA256_BYTES] = { { 0 } }, want[SAGA_SHA256_BYTES];
    struct saga_slice bytes;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            saga_journal_encode(f->codec, &record, chains[i], &f->arena, &bytes, chains[i + 1]),
            SAGA_OK);
        /* SHA-256 over the chain before and all but the chain field, which stands last */
        saga_sha256((struct saga_slice){ (const char *)chains[i], SAGA_SHA256_BYTES },
                    (struct saga_slice){ bytes.data, bytes.size - SAGA_SHA256_BYTES }, want);
        assert_memory_equal(chains[i + 1], want, sizeof want);
        assert_memory_equal(bytes.data + bytes.size - sizeof want, want, sizeof want);
        assert_int_equal(saga_journal_decode(f->codec, bytes, &f->arena, &got, &diagnostic),
                         SAGA_OK);
        assert_memory_equal(got.chain, want, sizeof want);
        uint8_t again[SAGA_SHA256_BYTES];
        assert_int_equal(saga_journal_chain(bytes, chains[i], again), SAGA_OK);
        assert_memory_equal(again, want, sizeof want);
    }
    assert_memory_not_equal(chains[1], chains[2], SAGA_SHA256_BYTES);
    /* the new chain may be written where the old one is read */
    uint8_t own[SAGA_SHA256_BYTES];
    memcpy(own, chains[1], sizeof own);
    assert_int_equal(saga_journal_encode(f->codec, &record, own, &f->arena, &bytes, own), SAGA_OK);
    assert_memory_equal(own, chains[2], sizeof own);
    assert_int_equal(saga_journal_chain(SAGA_SLICE("short"), own, own), SAGA_E_INVALID);
}

/* ---- states ---- */

static struct saga_state *rich_state(void)
{
    struct saga_state *s = saga_state_new();
    const struct saga_state all = {
        .id = text("id", 1),
        .run = text("run", 1),
        .key = text("key", 1),
        .name = text("name", 1),
        .version = 3,
        .sha256 = text("sha", 1),
        .trace = text("trace", 1),
        .sequence = 40,
        .status = SAGA_STUCK,
        .paused = true,
        .deadline_passed = true,
        .forgotten = true,
        .resolved = true,
        .has_error = true,
        .has_deferred = true,
        .started_ms = 1700000000001,
        .changed_ms = 1700000000002,
        .input = SAGA_SLICE("{\"a\":[1,2]}"),
        .vars = SAGA_SLICE("{}"),
        .error = { text("error-step", 1), text("error-type", 1), text("error-message", 1) },
        .deferred = { SAGA_SLICE_NONE, text("deferred-type", 1), text("deferred-message", 1) },
        .stuck_on = SAGA_STUCK_ON_COMPENSATION,
        .stuck_step = text("stuck-step", 1),
        .stuck_message = text("stuck-message", 1),
        .stuck_forward = true,
        .ended_steps = 9,
        .scope_count = 2,
        .step_count = SAGA_STEP_STATUS_COUNT + SAGA_COMPENSATION_STATUS_COUNT,
        .timer_count = 2,
        .search_count = 2,
        .waiter_count = 1,
        .kept_count = 1,
        .kind = SAGA_KIND_SCHEDULE,
        .parent_id = text("parent", 1),
        .parent_run = text("parent-run", 1),
        .parent_step = text("parent-step", 1),
        .released = true,
        .reported = true,
        .scope_ids = 1,
        .stuck_scope = 1,
    };
    struct saga_arena arena = s->arena;
    *s = all;
    s->arena = arena;
    s->scopes = SAGA_NEW_ARRAY(&s->arena, struct saga_scope, s->scope_count);
    s->scopes[1] = (struct saga_scope){ .id = 1,
                                        .block = 3,
                                        .index = 4,
                                        .position = 5,
                                        .entered = true,
                                        .loop = true,
                                        .open = 6,
                                        .next = 7,
                                        .total = 8,
                                        .items = SAGA_SLICE("[1]") };
    s->waiters = SAGA_NEW_ARRAY(&s->arena, struct saga_waiter, s->waiter_count);
    s->waiters[0] = (struct saga_waiter){ text("waiter", 1), text("waiter-run", 1),
                                          text("waiter-step", 1), text("offered", 1) };
    s->kept = SAGA_NEW_ARRAY(&s->arena, struct saga_kept_event, s->kept_count);
    s->kept[0] = (struct saga_kept_event){ text("event", 1), text("event-type", 1),
                                           SAGA_SLICE("{}"), SAGA_KEPT_OFFERED, 1700000000003 };
    s->steps = SAGA_NEW_ARRAY(&s->arena, struct saga_step_state, s->step_count);
    for (size_t i = 0; i < s->step_count; i++) {
        bool compensated = i >= SAGA_STEP_STATUS_COUNT;
        enum saga_step_status status = compensated ? SAGA_STEP_UNKNOWN : (enum saga_step_status)i;
        bool done = status == SAGA_STEP_SUCCEEDED || status == SAGA_STEP_UNKNOWN;
        s->steps[i] = (struct saga_step_state){
            .path = text("path", i),
            .kind = SAGA_STEP_CHILD,
            .target = text("target", i),
            .error_type = text("error-type", i),
            .error_message = text("error-message", i),
            .scope = (uint32_t)i % 2,
            .block = (uint32_t)i + 100,
            .status = status,
            .attempt = (uint32_t)i + 1,
            .unanswered = i % 2,
            .ended_order = done ? i % 9 + 1 : 0,
            .topic = text("topic", i),
            .type = text("type", i),
            .reply_topic = text("reply", i),
            .body = i % 2 ? SAGA_SLICE("{}") : SAGA_SLICE_NONE,
            .result = i % 3 ? SAGA_SLICE("[1]") : SAGA_SLICE_NONE,
            .compensation = compensated
                                ? (enum saga_compensation_status)(i - SAGA_STEP_STATUS_COUNT)
                                : SAGA_COMPENSATION_NONE,
            .compensation_attempt = (uint32_t)i + 7,
            .compensation_topic = text("compensation-topic", i),
            .compensation_type = text("compensation-type", i),
            .compensation_reply_topic = text("compensation-reply", i),
            .compensation_body = i % 2 ? SAGA_SLICE("{\"u\":1}") : SAGA_SLICE_NONE,
        };
        s->steps[i].pivot = s->steps[i].compensation == SAGA_COMPENSATION_NONE && i % 2;
    }
    s->timers = SAGA_NEW_ARRAY(&s->arena, struct saga_timer, s->timer_count);
    s->timers[0] = (struct saga_timer){ text("timer", 0), 1700000000003, 40, true };
    s->timers[1] = (struct saga_timer){ text("timer", 1), 1, 1, false };
    s->search = SAGA_NEW_ARRAY(&s->arena, struct saga_search_value, s->search_count);
    s->search[0] = (struct saga_search_value){ text("attribute", 0), text("value", 0) };
    s->search[1] = (struct saga_search_value){ text("attribute", 1), SAGA_SLICE_NONE };
    saga_state_check(s);
    return s;
}

static struct saga_slice encode_state(struct fixture *f, const struct saga_state *s)
{
    struct saga_slice bytes;
    assert_int_equal(saga_state_encode(f->codec, s, &f->arena, &bytes), SAGA_OK);
    return bytes;
}

static void assert_same_step(const struct saga_step_state *a, const struct saga_step_state *b)
{
    const struct saga_slice x[] = { a->path,
                                    a->topic,
                                    a->type,
                                    a->reply_topic,
                                    a->body,
                                    a->result,
                                    a->compensation_topic,
                                    a->compensation_type,
                                    a->compensation_reply_topic,
                                    a->compensation_body };
    const struct saga_slice y[] = { b->path,
                                    b->topic,
                                    b->type,
                                    b->reply_topic,
                                    b->body,
                                    b->result,
                                    b->compensation_topic,
                                    b->compensation_type,
                                    b->compensation_reply_topic,
                                    b->compensation_body };
    for (size_t i = 0; i < COUNT(x); i++) assert_slices(x[i], y[i]);
    assert_int_equal(a->scope, b->scope);
    assert_int_equal(a->block, b->block);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->pivot, b->pivot);
    assert_int_equal(a->unanswered, b->unanswered);
    assert_int_equal(a->ended_order, b->ended_order);
    assert_int_equal(a->compensation, b->compensation);
    assert_int_equal(a->compensation_attempt, b->compensation_attempt);
}

static void assert_same_head(const struct saga_state *a, const struct saga_state *b)
{
    const struct saga_slice x[] = { a->id,
                                    a->run,
                                    a->key,
                                    a->name,
                                    a->sha256,
                                    a->trace,
                                    a->input,
                                    a->vars,
                                    a->error.step,
                                    a->error.type,
                                    a->error.message,
                                    a->deferred.step,
                                    a->deferred.type,
                                    a->deferred.message,
                                    a->stuck_step,
                                    a->stuck_message };
    const struct saga_slice y[] = { b->id,
                                    b->run,
                                    b->key,
                                    b->name,
                                    b->sha256,
                                    b->trace,
                                    b->input,
                                    b->vars,
                                    b->error.step,
                                    b->error.type,
                                    b->error.message,
                                    b->deferred.step,
                                    b->deferred.type,
                                    b->deferred.message,
                                    b->stuck_step,
                                    b->stuck_message };
    for (size_t i = 0; i < COUNT(x); i++) assert_slices(x[i], y[i]);
    const int64_t n[] = {
        a->version,   (int64_t)a->sequence, a->status,        a->paused,
        a->pivoted,   a->deadline_passed,   a->forgotten,     a->resolved,
        a->has_error, a->has_deferred,      a->started_ms,    a->changed_ms,
        a->ended_ms,  a->stuck_on,          a->stuck_forward, (int64_t)a->ended_steps
    };
    const int64_t m[] = {
        b->version,   (int64_t)b->sequence, b->status,        b->paused,
        b->pivoted,   b->deadline_passed,   b->forgotten,     b->resolved,
        b->has_error, b->has_deferred,      b->started_ms,    b->changed_ms,
        b->ended_ms,  b->stuck_on,          b->stuck_forward, (int64_t)b->ended_steps
    };
    assert_memory_equal(n, m, sizeof n);
}

static void assert_same_state(const struct saga_state *a, const struct saga_state *b)
{
    assert_same_head(a, b);
    assert_int_equal(a->scope_count, b->scope_count);
    assert_int_equal(a->step_count, b->step_count);
    assert_int_equal(a->timer_count, b->timer_count);
    assert_int_equal(a->search_count, b->search_count);
    for (size_t i = 0; i < a->scope_count; i++) {
        const struct saga_scope *x = &a->scopes[i], *y = &b->scopes[i];
        const uint32_t n[] = { x->id, x->parent, x->block, x->index, x->position, x->entered };
        const uint32_t m[] = { y->id, y->parent, y->block, y->index, y->position, y->entered };
        assert_memory_equal(n, m, sizeof n);
    }
    for (size_t i = 0; i < a->step_count; i++) assert_same_step(&a->steps[i], &b->steps[i]);
    for (size_t i = 0; i < a->timer_count; i++) {
        assert_slices(a->timers[i].name, b->timers[i].name);
        assert_int_equal(a->timers[i].due_ms, b->timers[i].due_ms);
        assert_int_equal(a->timers[i].armed, b->timers[i].armed);
        assert_int_equal(a->timers[i].held, b->timers[i].held);
    }
    for (size_t i = 0; i < a->search_count; i++) {
        assert_slices(a->search[i].name, b->search[i].name);
        assert_slices(a->search[i].value, b->search[i].value);
    }
}

static void a_state_is_read_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_state *rich = rich_state(), *got = NULL, *clone = saga_state_clone(rich);
    struct saga_slice bytes = encode_state(f, rich);
    assert_int_equal(saga_state_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_same_state(rich, got);
    assert_true(saga_slice_equal(encode_state(f, got), bytes));
    assert_true(saga_slice_equal(encode_state(f, clone), bytes));
    struct saga_slice json = saga_state_json(got, true, &f->arena);
    assert_int_equal(saga_json_validate(json, NULL, NULL), SAGA_OK);
    saga_state_free(clone);
    saga_state_free(got);
    /* other flags and a state with little in it: nothing stays from the one before */
    rich->status = SAGA_RUNNING;
    rich->pivoted = true;
    rich->paused = rich->forgotten = rich->has_error = rich->has_deferred = false;
    rich->stuck_on = SAGA_STUCK_ON_NOTHING;
    rich->step_count = rich->timer_count = rich->search_count = 0;
    rich->error = rich->deferred = (struct saga_error_value){ .step = SAGA_SLICE_NONE };
    rich->input = rich->vars = SAGA_SLICE_NONE;
    bytes = encode_state(f, rich);
    assert_int_equal(saga_state_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_same_state(rich, got);
    saga_state_free(got);
    saga_state_free(rich);
}

static void a_state_that_no_saga_can_be_in_is_refused(void **state)
{
    struct fixture *f = *state;
    struct saga_state *rich = rich_state(), *got = NULL;
    const struct saga_state kept = *rich;
    for (int i = 0; i < 8; i++) {
        struct saga_diagnostic diagnostic = { 0 };
        *rich = kept;
        if (i == 0) rich->status = SAGA_STATUS_NONE;
        if (i == 1) rich->run = SAGA_SLICE_NONE;
        if (i == 2) rich->scope_count = 0;
        if (i == 3) rich->stuck_on = SAGA_STUCK_ON_NOTHING;
        if (i == 4) rich->ended_ms = 1;
        if (i == 5) rich->sequence = 39; /* before a timer's */
        if (i == 6) rich->ended_steps = 1;
        if (i == 7) rich->timers[0].name = SAGA_SLICE_NONE;
        int error =
            saga_state_decode(f->codec, encode_state(f, rich), &f->arena, &got, &diagnostic);
        if (error != SAGA_E_INVALID || got || diagnostic.what.size == 0) fail_msg("case %d", i);
    }
    *rich = kept;
    saga_state_free(rich);
}

/* ---- damaged bytes ---- */

/* Decodes a copy in memory of exactly its size. Either it is refused with words, or it can be
 * shown. */
static bool try(struct fixture *f, struct saga_slice bytes, bool is_state)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_journal_record record;
    struct saga_state *s = NULL;
    struct saga_slice json;
    char *own = malloc(bytes.size ? bytes.size : 1);
    assert_non_null(own);
    memcpy(own, bytes.data, bytes.size);
    bytes.data = own;
    struct saga_arena arena;
    saga_arena_init(&arena);
    int error = is_state ? saga_state_decode(f->codec, bytes, &arena, &s, &diagnostic)
                         : saga_journal_decode(f->codec, bytes, &arena, &record, &diagnostic);
    free(own); /* what was read is a copy */
    if (error == SAGA_OK) {
        if (is_state) saga_state_check(s);
        json =
            is_state ? saga_state_json(s, true, &arena) : saga_journal_json(&record, true, &arena);
        assert_int_equal(saga_json_validate(json, NULL, NULL), SAGA_OK);
    } else {
        assert_int_equal(error, SAGA_E_INVALID);
        assert_true(diagnostic.what.size > 0);
    }
    saga_state_free(s);
    saga_arena_free(&arena);
    return error == SAGA_OK;
}

static void damage(struct fixture *f, struct saga_slice bytes, bool is_state)
{
    static const unsigned char flips[] = { 0x01, 0x02, 0x80, 0xff };
    char *copy = saga_arena_string(&f->arena, bytes);
    assert_true(try(f, bytes, is_state));
    for (size_t i = 0; i < bytes.size; i++)
        assert_false(try(f, (struct saga_slice){ bytes.data, i }, is_state));
    for (size_t i = 0; i < bytes.size; i++) {
        for (size_t k = 0; k < COUNT(flips); k++) {
            copy[i] = (char)((unsigned char)bytes.data[i] ^ flips[k]);
            bool taken = try(f, (struct saga_slice){ copy, bytes.size }, is_state);
            if (i < 10) assert_false(taken);
        }
        copy[i] = bytes.data[i];
    }
    char *longer = saga_arena_alloc(&f->arena, bytes.size + 1);
    memcpy(longer, bytes.data, bytes.size);
    assert_false(try(f, (struct saga_slice){ longer, bytes.size + 1 }, is_state));
}

static void a_damaged_record_is_refused_or_read(void **state)
{
    struct fixture *f = *state;
    struct saga_fact facts[SAGA_FACT_KIND_COUNT];
    struct saga_journal_record record = full_record(facts);
    damage(f, encode(f, &record), false);
}

static void a_damaged_state_is_refused_or_read(void **state)
{
    struct fixture *f = *state;
    struct saga_state *rich = rich_state();
    damage(f, encode_state(f, rich), true);
    saga_state_free(rich);
}

static void an_unknown_schema_is_told(void **state)
{
    struct fixture *f = *state;
    struct saga_fact facts[SAGA_FACT_KIND_COUNT];
    struct saga_journal_record record = full_record(facts), got;
    struct saga_state *s = NULL;
    struct saga_diagnostic diagnostic = { 0 };
    char *bytes = saga_arena_string(&f->arena, encode(f, &record));
    size_t size = encode(f, &record).size;
    memcpy(bytes + 2, "\1\2\3\4\5\6\7\x08", 8);
    struct saga_slice other = { bytes, size };
    assert_int_equal(saga_journal_decode(f->codec, other, &f->arena, &got, &diagnostic),
                     SAGA_E_INVALID);
    const char *words = saga_arena_string(&f->arena, diagnostic.what);
    assert_non_null(strstr(words, "0807060504030201"));
    assert_non_null(strstr(words, "newer"));
    /* a journal's record is no state */
    assert_int_equal(saga_state_decode(f->codec, encode(f, &record), &f->arena, &s, &diagnostic),
                     SAGA_E_INVALID);
    bytes[0] = '{';
    assert_int_equal(saga_journal_decode(f->codec, other, &f->arena, &got, &diagnostic),
                     SAGA_E_INVALID);
    assert_non_null(strstr(saga_arena_string(&f->arena, diagnostic.what), "single-object"));
}

static void codecs_are_freed_whole(void **state)
{
    (void)state;
    saga_codec_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_that_lie_are_refused),
        cmocka_unit_test_setup_teardown(every_kind_of_fact_is_read_as_it_was_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_absent_stays_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_value_that_is_the_causes_is_written_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_over_the_limit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_record_is_chained_to_the_one_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_state_is_read_as_it_was_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_state_that_no_saga_can_be_in_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_record_is_refused_or_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_state_is_refused_or_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_schema_is_told, set_up, tear_down),
        cmocka_unit_test(codecs_are_freed_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
