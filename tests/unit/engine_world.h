/* What the engine's tests share: one saga in a world of its own. Every event is decided, then
 * proved: the facts alone give the same state, and deciding again gives the same facts. What was
 * decided is compared as one line of words,
 *
 *   StepSucceeded a; StepSent b#1
 *
 * with #N for an attempt, (word) for a reason and <type> for what went wrong. */
#ifndef SAGA_TESTS_UNIT_ENGINE_WORLD_H
#define SAGA_TESTS_UNIT_ENGINE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "codec/codec.h"
#include "engine/engine.h"
#include "engine/fits.h"

struct world {
    struct saga_arena arena;
    struct saga_codec *codec;
    struct saga_definition *definition;
    struct saga_state *state;
    struct saga_state *replayed; /* what the facts alone give */
    struct saga_facts facts;     /* of the last event */
    int64_t time_ms, offset;
    bool definition_missing; /* from now on */
};

static const int64_t world_begin_ms = 1000000;

#define HEAD                                                                                       \
    "saga: s\nversion: 1\nparticipants: { p: { commands: c, replies: r } }\n"                      \
    "start: { topic: t, event: Go, key: .k }\n"
#define RETRY "defaults: { timeout: 10s, retry: { attempts: 2, backoff: 1s, jitter: false } }\n"

/* a and b are taken back by a command that may be refused; c only reads. */
#define STEP_A                                                                                     \
    "  - { step: a, send: p/A, body: '{n: .input.n}', success: ADone, failure: ANo,\n"             \
    "      compensate: { send: p/UndoA, body: '{a: .steps.a.id}', unknown-body: '{n: "             \
    ".input.n}',\n"                                                                                \
    "        failure: ACannot, retry: { attempts: 2, backoff: 1s, jitter: false } } }\n"
#define STEP_B                                                                                     \
    "  - { step: b, send: p/B, success: BDone, failure: BNo,\n"                                    \
    "      compensate: { send: p/UndoB, failure: BCannot } }\n"
#define STEP_C "  - { step: c, send: p/C, success: CDone, failure: CNo, compensate: none }\n"
#define PIVOT "  - { step: v, send: p/V, success: VDone, failure: VNo, pivot: true }\n"
#define BEHIND "  - { step: z, send: p/Z, success: ZDone, failure: ZNo }\n"
#define PUBLISH                                                                                    \
    "on-completed: { publish: e/Done, body: '{k: .saga.key}' }\n"                                  \
    "on-compensated: { publish: e/Undone, body: '{why: .error}' }\n"
#define THREE HEAD RETRY PUBLISH "steps:\n" STEP_A STEP_B STEP_C
#define PIVOTED HEAD RETRY PUBLISH "deadline: 10m\nsteps:\n" STEP_A PIVOT BEHIND

/* ---- set up ---- */

static int world_set_up(void **state)
{
    static struct world world;
    world = (struct world){ .time_ms = world_begin_ms };
    saga_arena_init(&world.arena);
    assert_int_equal(saga_codec_new(&world.codec), 0);
    world.state = saga_state_new();
    world.replayed = saga_state_new();
    *state = &world;
    return 0;
}

static int world_tear_down(void **state)
{
    struct world *w = *state;
    saga_state_free(w->state);
    saga_state_free(w->replayed);
    saga_definition_free(w->definition);
    saga_codec_free(w->codec);
    saga_arena_free(&w->arena);
    return 0;
}

#define WORLD_TEST(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, world_set_up, world_tear_down)

static inline struct world *define(void **state, const char *yaml)
{
    struct world *w = *state;
    struct saga_diagnostics findings;
    saga_diagnostics_init(&findings, &w->arena);
    if (saga_definition_load(saga_slice_of(yaml), "world", &findings, &w->definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("the definition does not load");
    }
    return w;
}

/* ---- deciding, and what must hold of every decision ---- */

static inline struct saga_slice world_encoded(struct world *w, const struct saga_state *state)
{
    struct saga_slice bytes;
    assert_int_equal(saga_state_encode(w->codec, state, &w->arena, &bytes), 0);
    return bytes;
}

/* A worker that finds the state in Redis takes it for one that it can go on with. */
static inline void world_fits(struct world *w, const struct saga_definition *definition)
{
    struct saga_diagnostic diagnostic = { 0 };
    if (w->state->forgotten) return;
    if (!saga_state_fits(w->state, definition, &w->arena, &diagnostic) ||
        !saga_state_values_fit(w->state, &w->arena, &diagnostic))
        fail_msg("%.*s", SAGA_SLICE_ARG(diagnostic.what));
}

static inline void decide(struct world *w, struct saga_event event)
{
    struct saga_facts again = { 0 };
    struct saga_state *copy = saga_state_clone(w->state);
    bool missing = w->definition_missing && w->state->status != SAGA_STATUS_NONE;
    const struct saga_definition *definition = missing ? NULL : w->definition;
    event.time_ms = w->time_ms;
    event.source = (struct saga_position){ SAGA_SLICE("t"), 0, w->offset++ };
    w->facts = (struct saga_facts){ 0 };
    saga_decide(definition, w->state, &event, &w->arena, &w->facts);
    saga_decide(definition, copy, &event, &w->arena, &again);
    assert_int_equal(again.count, w->facts.count);
    assert_true(saga_slice_equal(world_encoded(w, copy), world_encoded(w, w->state)));
    saga_state_free(copy);
    saga_evolve_begin(w->replayed, &event);
    for (size_t i = 0; i < w->facts.count; i++)
        assert_int_equal(saga_evolve(w->replayed, &w->facts.items[i]), 0);
    assert_true(saga_slice_equal(world_encoded(w, w->replayed), world_encoded(w, w->state)));
    world_fits(w, definition);
}

/* ---- events ---- */

static inline void start(struct world *w, const char *body)
{
    decide(w, (struct saga_event){ .kind = SAGA_EVENT_START,
                                   .type = SAGA_SLICE("Go"),
                                   .key = SAGA_SLICE("k/1"),
                                   .body = saga_slice_of(body) });
}

static inline struct saga_event a_reply(struct world *w, const char *type, const char *step,
                                        uint32_t attempt, const char *body)
{
    return (struct saga_event){ .kind = SAGA_EVENT_REPLY,
                                .type = saga_slice_of(type),
                                .step = saga_slice_of(step),
                                .attempt = attempt,
                                .run = w->state->run,
                                .body = saga_slice_of(body) };
}

/* To a step's attempt; attempt 0 means that the reply does not say which. */
static inline void reply(struct world *w, const char *type, const char *step, uint32_t attempt)
{
    decide(w, a_reply(w, type, step, attempt, "{\"id\":\"i-1\"}"));
}

static inline void reply_back(struct world *w, const char *type, const char *step, uint32_t attempt)
{
    struct saga_event event = a_reply(w, type, step, attempt, NULL);
    event.compensation = true;
    decide(w, event);
}

/* The armed timer of that name rings when it is due. */
static inline void ring(struct world *w, const char *name)
{
    const struct saga_timer *timer = saga_state_timer(w->state, saga_slice_of(name));
    if (!timer) fail_msg("no timer %s is armed", name);
    if (timer->due_ms > w->time_ms) w->time_ms = timer->due_ms;
    decide(w, (struct saga_event){
                  .kind = SAGA_EVENT_TIMER, .timer = saga_slice_of(name), .armed = timer->armed });
}

static inline void say_as(struct world *w, enum saga_verb verb, const char *as)
{
    decide(w, (struct saga_event){ .kind = SAGA_EVENT_OPERATOR,
                                   .verb = verb,
                                   .as = saga_slice_of(as),
                                   .who = SAGA_SLICE("ada"),
                                   .reason = SAGA_SLICE("because") });
}

static inline void say(struct world *w, enum saga_verb verb)
{
    say_as(w, verb, NULL);
}

/* ---- what was decided ---- */

static inline void tell_fact(const struct saga_fact *fact, struct saga_buffer *out)
{
    enum saga_fact_kind kind = fact->kind;
    bool sends = kind == SAGA_FACT_STEP_SENT || kind == SAGA_FACT_COMPENSATION_SENT;
    bool fails = kind == SAGA_FACT_STEP_FAILED || kind == SAGA_FACT_COMPENSATION_FAILED ||
                 kind == SAGA_FACT_COMPENSATION_STARTED || kind == SAGA_FACT_COMPENSATION_DEFERRED;
    saga_buffer_printf(out, "%s", saga_fact_types[kind].name);
    if (fact->step.size) saga_buffer_printf(out, " %.*s", SAGA_SLICE_ARG(fact->step));
    if (sends) saga_buffer_printf(out, "#%u", fact->attempt);
    if (fails) saga_buffer_printf(out, " <%.*s>", SAGA_SLICE_ARG(fact->type));
    if (fact->name.size && kind != SAGA_FACT_SAGA_STARTED)
        saga_buffer_printf(out, " %.*s", SAGA_SLICE_ARG(fact->name));
    if (kind == SAGA_FACT_EVENT_PUBLISHED)
        saga_buffer_printf(out, " %.*s", SAGA_SLICE_ARG(fact->type));
    if (kind == SAGA_FACT_SAGA_STUCK)
        saga_buffer_printf(out, " on %s", saga_stuck_on_name(fact->stuck_on));
    if (kind == SAGA_FACT_SAGA_CONTINUED)
        saga_buffer_printf(out, " %s", saga_status_name(fact->status));
    if (fact->reason.size) saga_buffer_printf(out, " (%.*s)", SAGA_SLICE_ARG(fact->reason));
}

static inline void expect_at(struct world *w, const char *expected, const char *file, int line)
{
    struct saga_buffer out;
    saga_buffer_init(&out, &w->arena);
    for (size_t i = 0; i < w->facts.count; i++) {
        if (i) saga_buffer_printf(&out, "; ");
        tell_fact(&w->facts.items[i], &out);
    }
    struct saga_slice told = saga_buffer_slice(&out);
    if (saga_slice_is(told, expected)) return;
    print_error("decided:  %.*s\nexpected: %s\n", SAGA_SLICE_ARG(told), expected);
    _fail(file, line);
}
#define EXPECT(w, words) expect_at((w), (words), __FILE__, __LINE__)

static inline void expect_text_at(struct saga_slice text, const char *expected, const char *file,
                                  int line)
{
    if (saga_slice_is(text, expected)) return;
    print_error("is:       %.*s\nexpected: %s\n", SAGA_SLICE_ARG(text), expected);
    _fail(file, line);
}
#define EXPECT_TEXT(text, words) expect_text_at((text), (words), __FILE__, __LINE__)

/* The first fact of that kind that the last event gave. */
static inline const struct saga_fact *fact_of(const struct world *w, enum saga_fact_kind kind)
{
    for (size_t i = 0; i < w->facts.count; i++)
        if (w->facts.items[i].kind == kind) return &w->facts.items[i];
    fail_msg("there is no %s", saga_fact_types[kind].name);
    return NULL;
}

/* Milliseconds from now until the timer is due, -1 if it is not armed. */
static inline int64_t due_in(const struct world *w, const char *name)
{
    const struct saga_timer *timer = saga_state_timer(w->state, saga_slice_of(name));
    return timer ? timer->due_ms - w->time_ms : -1;
}

static inline const struct saga_step_state *step_of(const struct world *w, const char *path)
{
    const struct saga_step_state *step = saga_state_step(w->state, saga_slice_of(path));
    assert_non_null(step);
    return step;
}

/* Through the definition's first steps, each answered with <LETTER>Done. */
static inline void go_to(struct world *w, const char *letters)
{
    start(w, "{\"k\":\"k/1\",\"n\":7}");
    for (const char *at = letters; *at; at++) {
        char type[] = { *at, 'D', 'o', 'n', 'e', '\0' };
        char step[] = { (char)(*at - 'A' + 'a'), '\0' };
        reply(w, type, step, 1);
    }
}

#endif
