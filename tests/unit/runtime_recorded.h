/* A lane's journal, made by the engine: one saga after the other by a definition, event by event. */
#ifndef SAGA_TESTS_UNIT_RUNTIME_RECORDED_H
#define SAGA_TESTS_UNIT_RUNTIME_RECORDED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "codec/codec.h"
#include "engine/engine.h"

#define RECORDED_INBOX "saga.inbox"

struct recorded {
    struct saga_arena arena; /* the records' */
    struct saga_codec *codec;
    struct saga_definition *definition;
    struct saga_state *state; /* of the saga that is told of now */
    uint8_t chain[SAGA_SHA256_BYTES];
    int64_t time_ms, offset;
    struct saga_message *records;
    size_t count, capacity;
};

static inline struct saga_definition *recorded_load(const char *yaml)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    if (saga_definition_load(saga_slice_of(yaml), "recorded", &findings, &definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("the definition does not load");
    }
    saga_arena_free(&arena);
    return definition;
}

static inline void recorded_begin(struct recorded *r, const char *yaml)
{
    *r = (struct recorded){ .time_ms = 1750000000000 };
    saga_arena_init(&r->arena);
    assert_int_equal(saga_codec_new(&r->codec), 0);
    r->definition = recorded_load(yaml);
    r->state = saga_state_new();
}

static inline void recorded_end(struct recorded *r)
{
    saga_state_free(r->state);
    saga_definition_free(r->definition);
    saga_codec_free(r->codec);
    saga_arena_free(&r->arena);
}

/* A record of these bytes at the lane's next offset. */
static inline void recorded_push(struct recorded *r, struct saga_slice bytes)
{
    SAGA_PUSH(&r->arena, r->records, r->count, r->capacity,
              (struct saga_message){ .topic = SAGA_SLICE("saga.journal"),
                                     .offset = r->offset,
                                     .key = saga_arena_copy(&r->arena, r->state->key),
                                     .value = saga_arena_copy(&r->arena, bytes) });
    r->offset++;
}

/* Decides the event on a state and gives the record; in `arena`. */
static inline struct saga_slice recorded_decide(struct recorded *r, struct saga_state *state,
                                                struct saga_event event, struct saga_arena *arena)
{
    struct saga_facts facts = { 0 };
    struct saga_slice bytes;
    event.time_ms = r->time_ms;
    saga_decide(r->definition, state, &event, arena, &facts);
    struct saga_journal_record record = saga_journal_record_of(state, &event, &facts);
    assert_int_equal(saga_journal_encode(r->codec, &record, r->chain, arena, &bytes, r->chain),
                     SAGA_OK);
    return bytes;
}

/* The record that opens the lane's journal under this id. */
static inline void recorded_open(struct recorded *r, const char *journal)
{
    struct saga_fact fact = { .kind = SAGA_FACT_LANE_OPENED,
                              .lanes = 1,
                              .text = saga_slice_of(journal) };
    const struct saga_journal_record record = { .cause = { .kind = SAGA_EVENT_LANE,
                                                           .time_ms = r->time_ms,
                                                           .source = { .partition = -1,
                                                                       .offset = -1 } },
                                                .facts = &fact,
                                                .fact_count = 1 };
    struct saga_slice bytes;
    assert_int_equal(saga_journal_encode(r->codec, &record, r->chain, &r->arena, &bytes, r->chain),
                     SAGA_OK);
    recorded_push(r, bytes);
}

static inline void recorded_take(struct recorded *r, struct saga_event event)
{
    recorded_push(r, recorded_decide(r, r->state, event, &r->arena));
}

/* A record as somebody wrote it who can write to Kafka: these facts, whatever the cause. */
static inline void recorded_forge(struct recorded *r, struct saga_fact *facts, size_t count)
{
    struct saga_event cause = { .kind = SAGA_EVENT_REPLY, .time_ms = r->time_ms };
    struct saga_facts forged = { .items = facts, .count = count };
    struct saga_slice bytes;
    r->state->sequence++;
    struct saga_journal_record record = saga_journal_record_of(r->state, &cause, &forged);
    assert_int_equal(saga_journal_encode(r->codec, &record, r->chain, &r->arena, &bytes, r->chain),
                     SAGA_OK);
    recorded_push(r, bytes);
}

/* The next saga begins; `topic` NULL: the start topic of the tests. */
static inline struct saga_event recorded_start(struct recorded *r, const char *key,
                                               const char *body)
{
    return (struct saga_event){ .kind = SAGA_EVENT_START,
                                .source = { SAGA_SLICE("t"), 0, r->offset },
                                .type = SAGA_SLICE("Go"),
                                .key = saga_slice_of(key),
                                .body = saga_slice_of(body) };
}

static inline void start(struct recorded *r, const char *key, const char *body)
{
    saga_state_free(r->state);
    r->state = saga_state_new();
    recorded_take(r, recorded_start(r, key, body));
}

/* `step` with ! behind it: the answer to its compensation. */
static inline void reply(struct recorded *r, const char *type, const char *step, const char *body)
{
    struct saga_slice path = saga_slice_of(step);
    bool compensation = path.size && path.data[path.size - 1] == '!';
    path.size -= compensation;
    recorded_take(r, (struct saga_event){ .kind = SAGA_EVENT_REPLY,
                                          .source = { SAGA_SLICE("r"), 0, r->offset },
                                          .type = saga_slice_of(type),
                                          .run = r->state->run,
                                          .step = path,
                                          .compensation = compensation,
                                          .body = saga_slice_of(body) });
}

static inline void pass(struct recorded *r, int64_t ms)
{
    r->time_ms += ms;
}

/* Rings when it is due. */
static inline void ring(struct recorded *r, const char *name)
{
    const struct saga_timer *timer = saga_state_timer(r->state, saga_slice_of(name));
    assert_non_null(timer);
    if (r->time_ms < timer->due_ms) r->time_ms = timer->due_ms;
    recorded_take(r, (struct saga_event){ .kind = SAGA_EVENT_TIMER,
                                          .source = { SAGA_SLICE_NONE, -1, -1 },
                                          .timer = saga_slice_of(name),
                                          .armed = timer->armed });
}

static inline void operate(struct recorded *r, enum saga_verb verb, const char *as)
{
    recorded_take(r, (struct saga_event){ .kind = SAGA_EVENT_OPERATOR,
                                          .source = { SAGA_SLICE(RECORDED_INBOX), 0, r->offset },
                                          .type = saga_slice_of(saga_verb_name(verb)),
                                          .verb = verb,
                                          .as = saga_slice_of(as),
                                          .who = SAGA_SLICE("anna"),
                                          .reason = SAGA_SLICE("test") });
}

#endif
