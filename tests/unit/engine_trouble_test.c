/* What goes wrong inside: expressions, limits (R23), a definition that is nowhere (R19). */
#include <stdlib.h>

#include "base/limits.h"
#include "unit/engine_world.h"

/* ---- expressions ---- */

static void a_body_that_cannot_be_made_is_a_failure(void **state)
{
    struct world *w =
        define(state, HEAD "steps:\n" STEP_A "  - { step: b, send: p/B, body: '{x: (.input.n | "
                           "keys)}', success: BDone, compensate: none }\n");
    go_to(w, "A");
    EXPECT(w, "StepSucceeded a; CompensationStarted b <ExpressionFailed>; CompensationSent a#1");
    assert_true(w->state->error.message.size > 0);
}

static void a_reply_that_cannot_be_kept_is_a_failure(void **state)
{
    struct world *w = define(
        state, HEAD
        "steps:\n  - { step: a, send: p/A, success: ADone, keep: '.reply.id / 2',\n"
        "      compensate: { send: p/UndoA, body: '{a: .steps.a.id}', unknown-body: '{}' } }\n");
    go_to(w, "A");
    EXPECT(w, "StepSucceeded a; CompensationStarted a <ExpressionFailed>; CompensationSent a#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_COMPENSATION_SENT)->value, "{\"a\":\"i-1\"}");
}

static void behind_the_pivot_a_body_that_cannot_be_made_is_stuck(void **state)
{
    struct world *w =
        define(state, HEAD "steps:\n" PIVOT "  - { step: z, send: p/Z, success: ZDone, "
                           "body: '{x: (.steps.v.id / 2)}' }\n");
    go_to(w, "V");
    EXPECT(w, "StepSucceeded v; SagaStuck z on body");
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "SagaContinued running (skip); StepSkipped z; SagaCompleted");
    assert_int_equal(step_of(w, "z")->attempt, 0);
}

static void an_end_that_cannot_be_told_is_stuck(void **state)
{
    struct world *w =
        define(state, HEAD "on-compensated: { publish: e/Undone, body: '.error.step / 2' }\n"
                           "steps:\n" STEP_A);
    go_to(w, "");
    reply(w, "ANo", "a", 1);
    EXPECT(w, "StepFailed a <ANo>; CompensationStarted a <ANo>; SagaStuck on publish");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued compensating (retry); SagaStuck on publish");
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "SagaCompensated (publish-skipped)");
}

static void a_search_value_that_cannot_be_made_is_left_out(void **state)
{
    struct world *w = define(state, HEAD "search: { x: '.input.n | keys' }\nsteps:\n" STEP_C);
    go_to(w, "");
    EXPECT(w, "SagaStarted; StepSent c#1");
}

/* ---- limits ---- */

/* {"id":"xxx..."} of that many bytes and a few. */
static const char *large(struct world *w, size_t bytes)
{
    char *text = saga_arena_alloc(&w->arena, bytes + 1);
    memset(text, 'x', bytes);
    return saga_arena_printf(&w->arena, "{\"id\":\"%s\"}", text).data;
}

enum { HALF = SAGA_STATE_BYTES_MAX / 2, SMALL = 1024 };

static void a_reply_that_is_too_large_is_not_kept(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    decide(w, a_reply(w, "ADone", "a", 1, large(w, SAGA_STATE_BYTES_MAX)));
    EXPECT(w, "StepSucceeded a; SagaStuck a on limit");
    assert_null(step_of(w, "a")->result.data);
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "OperatorRefused (over-a-limit)");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued running (retry); StepSent b#1");
}

static void a_saga_over_its_limit_can_be_cancelled(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    decide(w, a_reply(w, "ADone", "a", 1, large(w, SAGA_STATE_BYTES_MAX)));
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "CompensationStarted <Cancelled>; CompensationSent a#1");
}

static void a_compensation_does_not_silently_go_without_its_reply(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    say(w, SAGA_VERB_CANCEL);
    decide(w, a_reply(w, "ADone", "a", 1, large(w, SAGA_STATE_BYTES_MAX)));
    EXPECT(w, "StepSucceeded a; SagaStuck a on limit");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued compensating (retry); CompensationSent a#1");
}

static void a_command_that_is_too_large_is_not_sent(void **state)
{
    struct world *w =
        define(state, HEAD
               "steps:\n" STEP_A
               "  - { step: b, send: p/B, body: '{a: .steps.a, again: .steps.a}', success: BDone, "
               "compensate: none }\n");
    go_to(w, "");
    decide(w, a_reply(w, "ADone", "a", 1, large(w, HALF)));
    EXPECT(w, "StepSucceeded a; SagaStuck b on limit");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued running (retry); SagaStuck b on limit");
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "CompensationStarted <Cancelled>; SagaStuck a on compensation");
}

static void a_compensation_that_is_too_large_is_not_sent(void **state)
{
    struct world *w = define(
        state,
        HEAD "steps:\n  - { step: a, send: p/A, success: ADone, failure: ANo, unknown: by-key,\n"
             "      compensate: { send: p/UndoA, body: '{a: .steps.a, b: .steps.a}' } }\n" STEP_C);
    go_to(w, "");
    decide(w, a_reply(w, "ADone", "a", 1, large(w, HALF)));
    reply(w, "CNo", "c", 1);
    EXPECT(w, "StepFailed c <CNo>; CompensationStarted c <CNo>; SagaStuck a on compensation");
    assert_true(saga_state_bytes(w->state) <= SAGA_STATE_BYTES_MAX);
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "SagaContinued compensating (skip); CompensationSkipped a; SagaCompensated");
}

static void words_from_outside_are_cut(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    struct saga_slice words =
        saga_slice_skip(saga_slice_of(large(w, 4 * SMALL)), strlen("{\"id\":"));
    decide(w,
           a_reply(w, "ANo", "a", 1,
                   saga_arena_printf(&w->arena, "{\"message\":%.*s", SAGA_SLICE_ARG(words)).data));
    assert_int_equal(w->state->error.message.size, SAGA_MESSAGE_BYTES_MAX);
}

/* ---- without its definition ---- */

static struct world *lost(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "A");
    w->definition_missing = true;
    return w;
}

static void without_its_definition_a_timer_is_held(void **state)
{
    struct world *w = lost(state);
    ring(w, "step/v");
    EXPECT(w, "TimerHeld step/v; SagaStuck on definition");
    ring(w, "deadline");
    EXPECT(w, "TimerHeld deadline");
    reply(w, "VDone", "v", 1);
    EXPECT(w, "ReplyIgnored v (no-definition)");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "OperatorRefused (no-definition)");
    w->definition_missing = false;
    say(w, SAGA_VERB_RETRY);
    EXPECT(
        w,
        "SagaContinued running (retry); DeadlinePassed; CompensationDeferred <DeadlineExceeded>; "
        "TimerArmed step/v");
    ring(w, "step/v");
    EXPECT(w, "StepRetryScheduled v (timeout)");
}

static void without_its_definition_a_stale_alarm_holds_nothing(void **state)
{
    struct world *w = lost(state);
    decide(w, (struct saga_event){
                  .kind = SAGA_EVENT_TIMER, .timer = SAGA_SLICE("step/v"), .armed = 1 });
    EXPECT(w, "TimerIgnored (no-definition)");
    assert_false(saga_state_timer(w->state, SAGA_SLICE("step/v"))->held);
}

static void with_its_definition_found_it_goes_on_by_itself(void **state)
{
    struct world *w = lost(state);
    reply(w, "VNo", "v", 1);
    EXPECT(w, "SagaStuck on definition; ReplyIgnored v (no-definition)");
    w->definition_missing = false;
    ring(w, "step/v");
    EXPECT(w, "SagaContinued running (definition-found); StepRetryScheduled v (timeout)");
}

static void with_its_definition_found_an_answer_is_taken(void **state)
{
    struct world *w = lost(state);
    ring(w, "step/v");
    w->definition_missing = false;
    reply(w, "VDone", "v", 1);
    EXPECT(w, "SagaContinued running (definition-found); TimerArmed step/v; StepSucceeded v; "
              "StepSent z#1");
}

static void with_its_definition_found_a_held_alarm_rings_anew(void **state)
{
    struct world *w = lost(state);
    ring(w, "step/v");
    w->definition_missing = false;
    ring(w, "step/v");
    EXPECT(w, "SagaContinued running (definition-found); TimerArmed step/v; TimerIgnored (stale)");
    ring(w, "step/v");
    EXPECT(w, "StepRetryScheduled v (timeout)");
}

static void a_held_deadline_outlasts_a_pause_without_the_definition(void **state)
{
    struct world *w = lost(state);
    ring(w, "deadline");
    EXPECT(w, "TimerHeld deadline; SagaStuck on definition");
    say(w, SAGA_VERB_PAUSE);
    w->definition_missing = false;
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; TimerArmed deadline");
    ring(w, "deadline");
    EXPECT(w, "SagaContinued running (definition-found); DeadlinePassed; "
              "CompensationDeferred <DeadlineExceeded>");
}

static void compensation_goes_on_when_the_definition_is_found(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    reply(w, "BNo", "b", 1);
    reply_back(w, "Unavailable", "a", 1);
    w->definition_missing = true;
    ring(w, "compensation/a");
    EXPECT(w, "TimerHeld compensation/a; SagaStuck on definition");
    w->definition_missing = false;
    reply_back(w, "ACannot", "a", 1);
    EXPECT(w, "SagaContinued compensating (definition-found); TimerArmed compensation/a; "
              "CompensationFailed a <ACannot>; SagaStuck a on compensation");
}

static void resumed_without_its_definition_it_is_stuck(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    say(w, SAGA_VERB_PAUSE);
    reply(w, "BDone", "b", 1);
    w->definition_missing = true;
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; SagaStuck on definition"); /* nothing else would ever wake it */
    w->definition_missing = false;
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued running (retry); StepSent c#1");
}

static void without_its_definition_a_compensation_is_not_skipped(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "AB");
    reply(w, "CNo", "c", 1);
    reply_back(w, "BCannot", "b", 1);
    w->definition_missing = true;
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "OperatorRefused (no-definition)"); /* the next one could not be sent */
    say_as(w, SAGA_VERB_RESOLVE, "abandoned");
    EXPECT(w, "SagaAbandoned (resolved)");
}

static void without_its_definition_a_pivot_is_not_resolved(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "A");
    for (int i = 0; i < 3; i++) ring(w, "step/v");
    w->definition_missing = true;
    say_as(w, SAGA_VERB_RESOLVE, "succeeded");
    EXPECT(w, "OperatorRefused (no-definition)");
    say_as(w, SAGA_VERB_RESOLVE, "failed");
    EXPECT(w, "OperatorRefused (no-definition)");
    reply(w, "VDone", "v", 1);
    EXPECT(w, "ReplyIgnored v (no-definition)");
    w->definition_missing = false;
    reply(w, "VDone", "v", 1);
    EXPECT(w, "StepSucceeded v; SagaContinued running (late-answer); StepSent z#1");
}

static void an_ended_saga_needs_no_definition(void **state)
{
    struct world *w = define(state, HEAD "steps:\n" STEP_C);
    go_to(w, "C");
    w->definition_missing = true;
    start(w, "{}");
    EXPECT(w, "StartIgnored (already-ended)");
    reply(w, "CDone", "c", 1);
    EXPECT(w, "ReplyIgnored c (saga-ended)");
    ring(w, "keep");
    EXPECT(w, "SagaForgotten");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_body_that_cannot_be_made_is_a_failure),
        WORLD_TEST(a_reply_that_cannot_be_kept_is_a_failure),
        WORLD_TEST(behind_the_pivot_a_body_that_cannot_be_made_is_stuck),
        WORLD_TEST(an_end_that_cannot_be_told_is_stuck),
        WORLD_TEST(a_search_value_that_cannot_be_made_is_left_out),
        WORLD_TEST(a_reply_that_is_too_large_is_not_kept),
        WORLD_TEST(a_saga_over_its_limit_can_be_cancelled),
        WORLD_TEST(a_compensation_does_not_silently_go_without_its_reply),
        WORLD_TEST(a_command_that_is_too_large_is_not_sent),
        WORLD_TEST(a_compensation_that_is_too_large_is_not_sent),
        WORLD_TEST(words_from_outside_are_cut),
        WORLD_TEST(without_its_definition_a_timer_is_held),
        WORLD_TEST(without_its_definition_a_stale_alarm_holds_nothing),
        WORLD_TEST(with_its_definition_found_it_goes_on_by_itself),
        WORLD_TEST(with_its_definition_found_an_answer_is_taken),
        WORLD_TEST(with_its_definition_found_a_held_alarm_rings_anew),
        WORLD_TEST(a_held_deadline_outlasts_a_pause_without_the_definition),
        WORLD_TEST(compensation_goes_on_when_the_definition_is_found),
        WORLD_TEST(resumed_without_its_definition_it_is_stuck),
        WORLD_TEST(without_its_definition_a_compensation_is_not_skipped),
        WORLD_TEST(without_its_definition_a_pivot_is_not_resolved),
        WORLD_TEST(an_ended_saga_needs_no_definition),
    };
    return cmocka_run_group_tests_name("the engine in trouble", tests, NULL, NULL);
}
