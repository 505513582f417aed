/* Properties of the engine over generated definitions and events. A failing seed is printed; SAGA_SEED=n runs that one
 * alone. What must hold after each event:
 *   - the state is a valid one, and evolving all recorded facts from nothing gives the same state;
 *   - deciding the same event on the same state again gives the same facts;
 *   - no command id is used twice; nothing is sent while paused or after the end; behind a pivot nothing is compensated;
 *   - compensations go in the reverse order of completion;
 *   - a saga that ends compensated (not by an operator's word) has taken back all that was done or is unknown;
 *   - every saga can be driven to its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "codec/codec.h"
#include "engine/engine.h"

enum { SEEDS = 1500, EVENTS_MAX = 80, DRIVE_MAX = 600, IDS_MAX = 2048, STEPS_MAX = 6 };

struct world {
    uint64_t random;
    unsigned seed;
    struct saga_arena arena;
    struct saga_codec *codec;
    struct saga_definition *definition;
    struct saga_state *state;    /* as decide leaves it */
    struct saga_state *replayed; /* as the facts alone give it */
    int64_t time_ms, offset;
    const char *ids[IDS_MAX];
    size_t id_count;
    bool resolved; /* an operator ended it by word, or skipped a compensation */
};

static unsigned dice(struct world *w, unsigned sides)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (unsigned)(w->random >> 11) % sides;
}

/* ---- a definition ---- */

static void write_step(struct world *w, struct saga_buffer *yaml, unsigned i, unsigned pivot)
{
    saga_buffer_printf(yaml, "  - step: s%u\n    send: p/C%u\n    success: D%u\n    timeout: %us\n",
                       i, i, i, 1 + dice(w, 20));
    if (i <= pivot || dice(w, 4) == 0) saga_buffer_printf(yaml, "    failure: F%u\n", i);
    if (i <= pivot && dice(w, 2))
        saga_buffer_printf(yaml, "    retry: { attempts: %u, backoff: %us }\n", 1 + dice(w, 3),
                           1 + dice(w, 5));
    if (i > pivot && dice(w, 3) == 0)
        saga_buffer_printf(yaml, "    retry: { attempts: %u }\n", 1 + dice(w, 2));
    if (dice(w, 3) == 0) saga_buffer_printf(yaml, "    body: '{a: .input.a, b: .steps.s0.x}'\n");
    if (i == pivot) {
        saga_buffer_printf(yaml, "    pivot: true\n");
    } else if (i < pivot && dice(w, 4) == 0) {
        saga_buffer_printf(yaml, "    compensate: none\n");
    } else if (i < pivot) {
        saga_buffer_printf(yaml, "    compensate: { send: p/U%u, failure: G%u", i, i);
        if (dice(w, 2)) saga_buffer_printf(yaml, ", retry: { attempts: %u }", 1 + dice(w, 3));
        saga_buffer_printf(yaml, " }\n");
    }
}

static void make_definition(struct world *w)
{
    struct saga_buffer yaml;
    struct saga_diagnostics findings;
    unsigned steps = 1 + dice(w, STEPS_MAX), pivot = dice(w, 2) ? dice(w, steps) : steps;
    saga_buffer_init(&yaml, &w->arena);
    saga_buffer_printf(&yaml,
                       "saga: made\nversion: 1\nparticipants: { p: { commands: c, replies: r } }\n"
                       "start: { topic: t, event: Go, key: .k }\n");
    if (dice(w, 2)) saga_buffer_printf(&yaml, "deadline: %um\n", 1 + dice(w, 5));
    if (dice(w, 2))
        saga_buffer_printf(&yaml, "on-compensated: { publish: e/Undone, body: '{e: .error}' }\n");
    saga_buffer_printf(&yaml, "steps:\n");
    for (unsigned i = 0; i < steps; i++) write_step(w, &yaml, i, pivot);
    struct saga_slice text = saga_buffer_slice(&yaml);
    /* the body may read a step that has not run: the loader says so, then it is left out */
    saga_diagnostics_init(&findings, &w->arena);
    if (saga_definition_load(text, "made", &findings, &w->definition) == 0) return;
    char *again = saga_arena_string(&w->arena, text);
    for (char *at; (at = strstr(again, ", b: .steps.s0.x"));)
        memset(at, ' ', strlen(", b: .steps.s0.x"));
    saga_diagnostics_init(&findings, &w->arena);
    if (saga_definition_load(saga_slice_of(again), "made", &findings, &w->definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("seed %u: %s", w->seed, again);
    }
}

/* ---- checking ---- */

static struct saga_slice encoded(struct world *w, const struct saga_state *state)
{
    struct saga_slice bytes;
    assert_int_equal(saga_state_encode(w->codec, state, &w->arena, &bytes), 0);
    return bytes;
}

static void note_id(struct world *w, struct saga_slice id)
{
    for (size_t i = 0; i < w->id_count; i++)
        if (saga_slice_is(id, w->ids[i]))
            fail_msg("seed %u: command %s was sent twice", w->seed, w->ids[i]);
    assert_true(w->id_count < IDS_MAX);
    w->ids[w->id_count++] = saga_arena_string(&w->arena, id);
}

/* Everything done after this step must have been taken back, or need nothing, before its own compensation is sent. */
static void check_order(struct world *w, const struct saga_state *state, struct saga_slice path)
{
    const struct saga_step_state *step = saga_state_step(state, path);
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *other = &state->steps[i];
        bool done = other->status == SAGA_STEP_SUCCEEDED || other->status == SAGA_STEP_UNKNOWN;
        if (!done || other->ended_order <= step->ended_order) continue;
        if (other->compensation < SAGA_COMPENSATION_DONE ||
            other->compensation == SAGA_COMPENSATION_FAILED ||
            other->compensation == SAGA_COMPENSATION_EXHAUSTED)
            fail_msg("seed %u: %.*s is taken back before %.*s", w->seed, SAGA_SLICE_ARG(path),
                     SAGA_SLICE_ARG(other->path));
    }
}

static void check_fact(struct world *w, const struct saga_fact *fact, bool was_paused,
                       bool had_ended)
{
    bool step = fact->kind == SAGA_FACT_STEP_SENT, back = fact->kind == SAGA_FACT_COMPENSATION_SENT;
    if (fact->kind == SAGA_FACT_COMPENSATION_SKIPPED) w->resolved = true;
    if (!step && !back) return;
    assert_false(was_paused && w->state->paused);
    assert_false(had_ended);
    assert_false(back && w->state->pivoted);
    note_id(w, saga_command_id(&w->arena, w->state, fact->step, back, fact->attempt));
    if (back) check_order(w, w->state, fact->step);
}

static void check_end(struct world *w)
{
    if (w->state->status != SAGA_COMPENSATED || w->state->resolved) return;
    for (size_t i = 0; i < w->state->step_count; i++) {
        const struct saga_step_state *step = &w->state->steps[i];
        bool done = step->status == SAGA_STEP_SUCCEEDED || step->status == SAGA_STEP_UNKNOWN;
        bool undone = step->compensation == SAGA_COMPENSATION_DONE ||
                      step->compensation == SAGA_COMPENSATION_NOT_NEEDED ||
                      step->compensation == SAGA_COMPENSATION_SKIPPED;
        if (done && !undone)
            fail_msg("seed %u: %.*s was not taken back", w->seed, SAGA_SLICE_ARG(step->path));
    }
}

static void decide(struct world *w, struct saga_event *event)
{
    struct saga_facts facts = { 0 }, again = { 0 };
    bool was_paused = w->state->paused, had_ended = saga_status_has_ended(w->state->status);
    struct saga_state *copy = saga_state_clone(w->state);
    event->time_ms = w->time_ms;
    event->source = (struct saga_position){ SAGA_SLICE("t"), 0, w->offset++ };
    saga_decide(w->definition, w->state, event, &w->arena, &facts);
    saga_decide(w->definition, copy, event, &w->arena, &again);
    assert_int_equal(facts.count, again.count);
    assert_true(saga_slice_equal(encoded(w, w->state), encoded(w, copy)));
    saga_state_free(copy);
    saga_evolve_begin(w->replayed, event->time_ms);
    for (size_t i = 0; i < facts.count; i++) {
        if (saga_evolve(w->replayed, &facts.items[i]) < 0)
            fail_msg("seed %u: a fact cannot follow", w->seed);
        check_fact(w, &facts.items[i], was_paused, had_ended);
    }
    if (!saga_slice_equal(encoded(w, w->state), encoded(w, w->replayed)))
        fail_msg("seed %u: the facts give another state", w->seed);
    check_end(w);
}

/* ---- events ---- */

static void reply(struct world *w, unsigned step, char letter, uint32_t attempt, bool compensation)
{
    struct saga_event event = { .kind = SAGA_EVENT_REPLY,
                                .attempt = attempt,
                                .compensation = compensation };
    event.type = letter == 'X' ? SAGA_SLICE("Unavailable")
                               : saga_arena_printf(&w->arena, "%c%u", letter, step);
    event.step = dice(w, 10) ? saga_arena_printf(&w->arena, "s%u", step) : SAGA_SLICE_NONE;
    event.body = dice(w, 2) ? SAGA_SLICE("{\"x\":1}") : SAGA_SLICE_NONE;
    event.run = w->state->run;
    decide(w, &event);
}

static void ring(struct world *w, const struct saga_timer *timer, uint64_t armed)
{
    struct saga_event event = { .kind = SAGA_EVENT_TIMER,
                                .timer = saga_arena_copy(&w->arena, timer->name),
                                .armed = armed };
    if (timer->due_ms > w->time_ms) w->time_ms = timer->due_ms;
    decide(w, &event);
}

static void say(struct world *w, enum saga_verb verb, const char *as)
{
    struct saga_event event = { .kind = SAGA_EVENT_OPERATOR,
                                .verb = verb,
                                .as = saga_slice_of(as) };
    decide(w, &event);
}

static void anything(struct world *w)
{
    static const char *const outcomes[] = { "succeeded", "failed", "completed", "compensated",
                                            "nonsense" };
    unsigned kind = dice(w, 20);
    w->time_ms += dice(w, 3000);
    if (kind < 12) {
        reply(w, dice(w, STEPS_MAX), "DDDFFXGUZ"[dice(w, 9)], dice(w, 4), dice(w, 3) == 0);
    } else if (kind < 16 && w->state->timer_count) {
        const struct saga_timer *timer =
            &w->state->timers[dice(w, (unsigned)w->state->timer_count)];
        if (!saga_slice_is(timer->name, "keep"))
            ring(w, timer, dice(w, 5) ? timer->armed : timer->armed + 1);
    } else if (kind == 16) {
        say(w, dice(w, 2) ? SAGA_VERB_PAUSE : SAGA_VERB_RESUME, NULL);
    } else if (kind == 17) {
        say(w, SAGA_VERB_CANCEL, NULL);
    } else if (kind == 18) {
        say(w, dice(w, 2) ? SAGA_VERB_RETRY : SAGA_VERB_SKIP, NULL);
    } else if (kind == 19 && dice(w, 4) == 0) {
        say(w, SAGA_VERB_RESOLVE, outcomes[dice(w, 5)]);
    }
}

/* Answers everything that is open, rings what is armed, mends what is stuck. */
static void drive(struct world *w)
{
    if (w->state->paused) {
        say(w, SAGA_VERB_RESUME, NULL);
        return;
    }
    if (w->state->status == SAGA_STUCK) {
        if (w->state->stuck_on == SAGA_STUCK_ON_PIVOT)
            say(w, SAGA_VERB_RESOLVE, dice(w, 2) ? "succeeded" : "failed");
        else
            say(w, dice(w, 2) ? SAGA_VERB_RETRY : SAGA_VERB_SKIP, NULL);
        return;
    }
    for (size_t i = 0; i < w->state->step_count; i++) {
        const struct saga_step_state *step = &w->state->steps[i];
        if (step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF) {
            reply(w, step->block, 'D', step->attempt, false);
            return;
        }
        if (step->compensation == SAGA_COMPENSATION_SENT ||
            step->compensation == SAGA_COMPENSATION_BACKOFF) {
            reply(w, step->block, 'Z', step->compensation_attempt, true);
            return;
        }
    }
    if (w->state->timer_count) ring(w, &w->state->timers[0], w->state->timers[0].armed);
}

static void live(struct world *w)
{
    struct saga_event start = { .kind = SAGA_EVENT_START,
                                .key = SAGA_SLICE("a/b"),
                                .body = SAGA_SLICE("{\"k\":\"a/b\",\"a\":7}") };
    decide(w, &start);
    unsigned events = dice(w, EVENTS_MAX);
    for (unsigned i = 0; i < events; i++) anything(w);
    for (unsigned i = 0; i < DRIVE_MAX && !saga_status_has_ended(w->state->status); i++) drive(w);
    if (!saga_status_has_ended(w->state->status))
        fail_msg("seed %u: the saga does not end, it is %s", w->seed,
                 saga_status_name(w->state->status));
    struct saga_timer keep = w->state->timers[0];
    assert_int_equal(w->state->timer_count, 1);
    ring(w, &keep, keep.armed);
    assert_true(w->state->forgotten);
}

static void run_seed(struct saga_codec *codec, unsigned seed)
{
    struct world w = {
        .random = seed * 0x9E3779B97F4A7C15ULL + 1, .seed = seed, .codec = codec, .time_ms = 1000000
    };
    saga_arena_init(&w.arena);
    make_definition(&w);
    w.state = saga_state_new();
    w.replayed = saga_state_new();
    live(&w);
    saga_state_free(w.state);
    saga_state_free(w.replayed);
    saga_definition_free(w.definition);
    saga_arena_free(&w.arena);
}

static void properties_hold(void **state)
{
    struct saga_codec *codec;
    const char *one = getenv("SAGA_SEED");
    (void)state;
    assert_int_equal(saga_codec_new(&codec), 0);
    if (one)
        run_seed(codec, (unsigned)strtoul(one, NULL, 10));
    else
        for (unsigned seed = 1; seed <= SEEDS; seed++) run_seed(codec, seed);
    saga_codec_free(codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(properties_hold) };
    return cmocka_run_group_tests_name("properties of the engine", tests, NULL, NULL);
}
