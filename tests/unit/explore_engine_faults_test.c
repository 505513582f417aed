/* What no definition can have, because the engine forbids it, the explorer would find all the same: here the engine itself
 * has a fault (the linker puts this file's saga_decide in the place of the real one), once for each finding that is about
 * the engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "explore/explore.h"

static const char saga[] =
    "saga: planted\nversion: 1\n"
    "participants: { s: { commands: s.commands, replies: s.replies } }\n"
    "start: { topic: t, event: Started, key: .id }\n"
    "steps:\n"
    "  - { step: one, send: s/Do, success: Done, failure: Refused, compensate: { send: s/Undo } }\n"
    "  - { step: two, send: s/Do, success: Done, failure: Refused, pivot: true }\n"
    "  - { step: three, send: s/Do, success: Done, failure: Refused }\n";

typedef void decide(const struct saga_definition *definition, struct saga_state *state,
                    const struct saga_event *event, struct saga_arena *arena,
                    struct saga_facts *ret);
decide __real_saga_decide, __wrap_saga_decide;

static decide *faulty;

void __wrap_saga_decide(const struct saga_definition *definition, struct saga_state *state,
                        const struct saga_event *event, struct saga_arena *arena,
                        struct saga_facts *ret)
{
    (faulty ? faulty : __real_saga_decide)(definition, state, event, arena, ret);
}

static bool is_reply(const struct saga_event *event, const char *step)
{
    return event->kind == SAGA_EVENT_REPLY && !event->compensation &&
           saga_slice_is(event->step, step);
}

static bool is(const struct saga_state *state, const char *step, enum saga_step_status status)
{
    const struct saga_step_state *found = saga_state_step(state, saga_slice_of(step));
    return found && found->status == status;
}

static void add_fact(struct saga_facts *facts, struct saga_arena *arena, struct saga_fact fact)
{
    SAGA_PUSH(arena, facts->items, facts->count, facts->capacity, fact);
}

/* ---- engines with a fault ---- */

static void end_compensated(struct saga_state *state)
{
    state->status = SAGA_COMPENSATED;
    state->ended_ms = state->started_ms + 1;
    state->stuck_on = SAGA_STUCK_ON_NOTHING;
    state->stuck_step = SAGA_SLICE_NONE;
}

/* Takes a step back although the pivot is done. */
static void takes_back_after_the_pivot(const struct saga_definition *definition,
                                       struct saga_state *state, const struct saga_event *event,
                                       struct saga_arena *arena, struct saga_facts *ret)
{
    bool refused = is_reply(event, "three") && saga_slice_is(event->type, "Refused");
    __real_saga_decide(definition, state, event, arena, ret);
    if (refused && state->pivoted)
        add_fact(ret, arena,
                 (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_SENT,
                                     .step = SAGA_SLICE("one"),
                                     .attempt = 1 });
}

/* Ends compensated although the pivot is done, without having sent anything. */
static void is_compensated_after_the_pivot(const struct saga_definition *definition,
                                           struct saga_state *state, const struct saga_event *event,
                                           struct saga_arena *arena, struct saga_facts *ret)
{
    __real_saga_decide(definition, state, event, arena, ret);
    if (state->status == SAGA_STUCK && state->pivoted) end_compensated(state);
}

/* Ends compensated although nobody knows whether the pivot is done. */
static void compensates_an_unknown_pivot(const struct saga_definition *definition,
                                         struct saga_state *state, const struct saga_event *event,
                                         struct saga_arena *arena, struct saga_facts *ret)
{
    __real_saga_decide(definition, state, event, arena, ret);
    if (is(state, "two", SAGA_STEP_UNKNOWN)) end_compensated(state);
}

/* Sends a command once more under the same id. */
static void sends_a_command_twice(const struct saga_definition *definition,
                                  struct saga_state *state, const struct saga_event *event,
                                  struct saga_arena *arena, struct saga_facts *ret)
{
    __real_saga_decide(definition, state, event, arena, ret);
    if (is_reply(event, "one") && is(state, "two", SAGA_STEP_SENT))
        add_fact(ret, arena,
                 (struct saga_fact){
                     .kind = SAGA_FACT_STEP_SENT, .step = SAGA_SLICE("one"), .attempt = 1 });
}

/* Does not know an answer that the definition declares. */
static void ignores_an_answer(const struct saga_definition *definition, struct saga_state *state,
                              const struct saga_event *event, struct saga_arena *arena,
                              struct saga_facts *ret)
{
    if (!is_reply(event, "three"))
        __real_saga_decide(definition, state, event, arena, ret);
    else
        add_fact(ret, arena,
                 (struct saga_fact){ .kind = SAGA_FACT_REPLY_IGNORED,
                                     .reason = SAGA_SLICE("unexpected-type") });
}

/* Has forgotten a timer when it rings. */
static void ignores_an_alarm(const struct saga_definition *definition, struct saga_state *state,
                             const struct saga_event *event, struct saga_arena *arena,
                             struct saga_facts *ret)
{
    const struct saga_timer *timer =
        event->kind == SAGA_EVENT_TIMER ? saga_state_timer(state, event->timer) : NULL;
    if (!timer || timer->armed != event->armed)
        __real_saga_decide(definition, state, event, arena, ret);
    else
        add_fact(ret, arena,
                 (struct saga_fact){ .kind = SAGA_FACT_TIMER_IGNORED,
                                     .reason = SAGA_SLICE("unknown-timer") });
}

/* Runs into one of its own checks. */
static void fails_a_check(const struct saga_definition *definition, struct saga_state *state,
                          const struct saga_event *event, struct saga_arena *arena,
                          struct saga_facts *ret)
{
    if (is_reply(event, "two")) abort();
    __real_saga_decide(definition, state, event, arena, ret);
}

/* Hears nothing any more once a step is under way. */
static void hears_nothing(const struct saga_definition *definition, struct saga_state *state,
                          const struct saga_event *event, struct saga_arena *arena,
                          struct saga_facts *ret)
{
    if (!is(state, "three", SAGA_STEP_SENT))
        __real_saga_decide(definition, state, event, arena, ret);
}

/* ---- what is found ---- */

static const struct fault {
    decide *decide;
    enum saga_flaw flaw;
    const char *subject;
} faults[] = {
    { takes_back_after_the_pivot, SAGA_FLAW_TAKEN_BACK_AFTER, "one" },
    { is_compensated_after_the_pivot, SAGA_FLAW_TAKEN_BACK_AFTER, "two" },
    { compensates_an_unknown_pivot, SAGA_FLAW_PIVOT_UNKNOWN, "two" },
    { sends_a_command_twice, SAGA_FLAW_SAME_COMMAND, "one" },
    { ignores_an_answer, SAGA_FLAW_NOT_HANDLED, "unexpected-type" },
    { ignores_an_alarm, SAGA_FLAW_NOT_HANDLED, "unknown-timer" },
    { fails_a_check, SAGA_FLAW_ENGINE, "" },
    { hears_nothing, SAGA_FLAW_NO_END, "" },
};

static bool is_found(const struct saga_explored *explored, const struct fault *fault)
{
    for (size_t i = 0; i < explored->finding_count; i++)
        if (explored->findings[i].flaw == fault->flaw &&
            saga_slice_is(explored->findings[i].subject, fault->subject))
            return explored->findings[i].way_count > 0;
    return false;
}

static void explore(decide *engine, struct saga_arena *arena, struct saga_explored *ret)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    saga_diagnostics_init(&findings, arena);
    if (saga_definition_load(saga_slice_of(saga), "planted", &findings, &definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("the definition does not load");
    }
    faulty = engine;
    saga_explore(definition, &saga_explore_default, arena, ret);
    faulty = NULL;
    saga_definition_free(definition);
}

static void finds_faults_of_the_engine(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct saga_arena arena;
        struct saga_explored explored;
        saga_arena_init(&arena);
        explore(faults[i].decide, &arena, &explored);
        if (!is_found(&explored, &faults[i]))
            fail_msg("number %zu: not found: %s", i, saga_flaw_kinds[faults[i].flaw].title);
        saga_arena_free(&arena);
    }
}

/* The definition itself has none of these. */
static void finds_nothing_where_the_engine_is_right(void **state)
{
    struct saga_arena arena;
    struct saga_explored explored;
    (void)state;
    saga_arena_init(&arena);
    explore(NULL, &arena, &explored);
    assert_null(explored.cut);
    assert_int_equal(explored.finding_count, 0);
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_faults_of_the_engine),
        cmocka_unit_test(finds_nothing_where_the_engine_is_right),
    };
    return cmocka_run_group_tests_name("explore: faults of the engine", tests, NULL, NULL);
}
