/* What the tests of Avro share: a codec, records with a fact of every kind, a state with something everywhere. */
#ifndef SAGA_TESTS_UNIT_CODEC_AVRO_RECORDS_H
#define SAGA_TESTS_UNIT_CODEC_AVRO_RECORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "codec/codec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
    struct saga_codec *codec;
    struct saga_arena arena;
};

static inline int set_up(void **state)
{
    static struct fixture fixture;
    saga_arena_init(&fixture.arena);
    *state = &fixture;
    return saga_codec_new(&fixture.codec);
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    saga_codec_free(f->codec);
    saga_arena_free(&f->arena);
    return 0;
}

/* ---- records ---- */

/* A text of its own in memory of exactly its size, so that a read behind it shows. */
static inline struct saga_slice text(const char *prefix, size_t number)
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

static inline void fill(struct saga_fact *fact, size_t salt)
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

/* One fact of each kind, and every field of the head and of the cause. */
static inline struct saga_journal_record full_record(struct saga_fact facts[SAGA_FACT_KIND_COUNT])
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

static inline struct saga_slice encode(struct fixture *f, const struct saga_journal_record *record)
{
    static const uint8_t zero[SAGA_SHA256_BYTES];
    uint8_t chain[SAGA_SHA256_BYTES];
    struct saga_slice bytes;
    assert_int_equal(saga_journal_encode(f->codec, record, zero, &f->arena, &bytes, chain),
                     SAGA_OK);
    return bytes;
}

/* ---- states ---- */

static inline struct saga_state *rich_state(void)
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
        .trace_parent = text("trace-parent", 1),
        .trace_state = text("trace-state", 1),
        .trace_unsampled = true,
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
            .first_attempt = (uint32_t)i + 8,
            .begun_ms = 1700000000010 + (int64_t)i,
            .compensation_first_attempt = (uint32_t)i + 9,
            .compensation_begun_ms = 1700000000050 + (int64_t)i,
            .compensation_sent_ms = 1700000000070 + (int64_t)i,
            .compensation_topic = text("compensation-topic", i),
            .compensation_type = text("compensation-type", i),
            .compensation_reply_topic = text("compensation-reply", i),
            .compensation_body = i % 2 ? SAGA_SLICE("{\"u\":1}") : SAGA_SLICE_NONE,
            .sent_ms = 1700000000000 + (int64_t)i,
            .answered_ms = done ? 1700000001000 + (int64_t)i : 0,
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

static inline struct saga_slice encode_state(struct fixture *f, const struct saga_state *s)
{
    struct saga_slice bytes;
    assert_int_equal(saga_state_encode(f->codec, s, &f->arena, &bytes), SAGA_OK);
    return bytes;
}

#endif
