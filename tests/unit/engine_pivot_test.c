/* The pivot: before it a saga can go back, behind it only forward, and nobody guesses whether it
 * was done (language.md, Pivot). PIVOTED is a, then the pivot v, then z. */
#include "unit/engine_world.h"

static void silence(struct world *w, const char *timer)
{
    ring(w, timer);
    ring(w, timer);
    ring(w, timer);
}

static struct world *at_the_pivot(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "A");
    EXPECT(w, "StepSucceeded a; StepSent v#1");
    assert_false(w->state->pivoted);
    return w;
}

static struct world *behind_the_pivot(void **state)
{
    struct world *w = at_the_pivot(state);
    reply(w, "VDone", "v", 1);
    EXPECT(w, "StepSucceeded v; StepSent z#1");
    assert_true(w->state->pivoted);
    return w;
}

static struct world *pivot_unknown(void **state)
{
    struct world *w = at_the_pivot(state);
    silence(w, "step/v");
    EXPECT(w, "StepUnknown v; SagaStuck v on pivot");
    EXPECT_TEXT(w->state->stuck_message, "no answer in time");
    return w;
}

static void a_pivot_that_refuses_is_a_failure(void **state)
{
    struct world *w = at_the_pivot(state);
    reply(w, "VNo", "v", 1);
    EXPECT(w, "StepFailed v <VNo>; CompensationStarted v <VNo>; CompensationSent a#1");
}

static void a_pivot_that_was_never_available_is_a_failure(void **state)
{
    struct world *w = at_the_pivot(state);
    reply(w, "Unavailable", "v", 1);
    ring(w, "step/v");
    reply(w, "Unavailable", "v", 2);
    EXPECT(w,
           "StepFailed v <Unavailable>; CompensationStarted v <Unavailable>; CompensationSent a#1");
}

/* ---- behind it ---- */

static void behind_it_steps_are_tried_without_end(void **state)
{
    struct world *w = behind_the_pivot(state);
    for (int i = 0; i < 30; i++) {
        ring(w, "step/z");
        EXPECT(w, "StepRetryScheduled z (timeout)");
        ring(w, "step/z");
        reply(w, "Unavailable", "z", 0);
        EXPECT(w, "StepRetryScheduled z (Unavailable)");
        ring(w, "step/z");
    }
    reply(w, "ZDone", "z", 1);
    EXPECT(w, "StepSucceeded z; EventPublished Done; SagaCompleted");
}

static void behind_it_the_deadline_is_an_alarm(void **state)
{
    struct world *w = behind_the_pivot(state);
    ring(w, "deadline");
    EXPECT(w, "DeadlinePassed");
    assert_int_equal(w->state->status, SAGA_RUNNING);
    assert_true(w->state->deadline_passed);
    assert_int_equal(due_in(w, "deadline"), -1);
}

static void behind_it_cancel_is_refused(void **state)
{
    struct world *w = behind_the_pivot(state);
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "OperatorRefused (behind-the-pivot)");
}

static void behind_it_a_failure_is_stuck(void **state)
{
    struct world *w = behind_the_pivot(state);
    reply(w, "ZNo", "z", 1);
    EXPECT(w, "StepFailed z <ZNo>; SagaStuck z on step");
    EXPECT_TEXT(w->state->stuck_message, "its service answered ZNo");
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "OperatorRefused (behind-the-pivot)");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued running (retry); StepSent z#2");
    reply(w, "ZNo", "z", 2);
    say_as(w, SAGA_VERB_RESOLVE, "compensated");
    EXPECT(w, "OperatorRefused (behind-the-pivot)");
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "SagaContinued running (skip); StepSkipped z; EventPublished Done; SagaCompleted");
    assert_int_equal(step_of(w, "z")->status, SAGA_STEP_SKIPPED);
    assert_null(step_of(w, "z")->body.data);
}

static void behind_it_used_up_attempts_are_stuck(void **state)
{
    struct world *w = define(state, HEAD RETRY "steps:\n" PIVOT "  - { step: z, send: p/Z, "
                                               "success: ZDone, retry: { attempts: 2 } }\n");
    go_to(w, "V");
    silence(w, "step/z");
    EXPECT(w, "StepUnknown z; SagaStuck z on step");
    reply(w, "ZDone", "z", 1);
    EXPECT(w, "StepSucceeded z; SagaContinued running (late-answer); SagaCompleted");
}

static void a_late_failure_of_a_stuck_step_is_noted(void **state)
{
    struct world *w =
        define(state, HEAD RETRY "steps:\n" PIVOT "  - { step: z, send: p/Z, success: "
                                 "ZDone, failure: ZNo, retry: { attempts: 1 } }\n");
    go_to(w, "V");
    ring(w, "step/z");
    reply(w, "ZNo", "z", 1);
    EXPECT(w, "StepFailed z <ZNo>");
    assert_int_equal(w->state->status, SAGA_STUCK);
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued running (retry); StepSent z#2");
}

/* ---- unknown ---- */

static void an_unknown_pivot_is_stuck_and_never_taken_back_by_guess(void **state)
{
    struct world *w = pivot_unknown(state);
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "OperatorRefused (pivot-unknown)");
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "OperatorRefused (pivot-unknown)");
    ring(w, "deadline");
    EXPECT(w, "DeadlinePassed");
    assert_int_equal(w->state->status, SAGA_STUCK);
}

static void an_operator_knows_that_it_was_done(void **state)
{
    struct world *w = pivot_unknown(state);
    say_as(w, SAGA_VERB_RESOLVE, "succeeded");
    EXPECT(w, "StepSucceeded v; SagaContinued running (resolved); StepSent z#1");
    assert_true(w->state->pivoted);
}

static void an_operator_knows_that_it_was_not_done(void **state)
{
    struct world *w = pivot_unknown(state);
    say_as(w, SAGA_VERB_RESOLVE, "failed");
    EXPECT(w, "StepFailed v <ResolvedAsFailed>; CompensationStarted v <ResolvedAsFailed>; "
              "CompensationSent a#1");
    reply(w, "VDone", "v", 1);
    EXPECT(w, "ReplyIgnored v (contradiction)");
}

static void an_unknown_pivot_can_be_asked_again(void **state)
{
    struct world *w = pivot_unknown(state);
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued running (retry); StepSent v#3");
    reply(w, "Unavailable", "v", 3); /* that it did nothing now says nothing of attempt 1 */
    EXPECT(w, "StepUnknown v; SagaStuck v on pivot");
    EXPECT_TEXT(w->state->stuck_message, "its service answered Unavailable");
    say(w, SAGA_VERB_RETRY);
    reply(w, "VDone", "v", 4);
    EXPECT(w, "StepSucceeded v; StepSent z#1");
}

static void a_late_answer_tells(void **state)
{
    struct world *w = pivot_unknown(state);
    reply(w, "VDone", "v", 1);
    EXPECT(w, "StepSucceeded v; SagaContinued running (late-answer); StepSent z#1");
}

static void a_late_refusal_tells_too(void **state)
{
    struct world *w = pivot_unknown(state);
    reply(w, "VNo", "v", 1);
    EXPECT(w, "ReplyIgnored v (late)"); /* attempt 2 was the newest */
    reply(w, "VNo", "v", 2);
    EXPECT(w, "StepFailed v <VNo>; CompensationStarted v <VNo>; CompensationSent a#1");
}

static void a_late_answer_waits_for_the_resume(void **state)
{
    struct world *w = pivot_unknown(state);
    say(w, SAGA_VERB_PAUSE);
    reply(w, "VDone", "v", 1);
    EXPECT(w, "StepSucceeded v; SagaContinued running (late-answer)");
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; StepSent z#1");
}

/* ---- a reason to compensate while it is in flight ---- */

static struct world *cancelled_in_flight(void **state)
{
    struct world *w = at_the_pivot(state);
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "CompensationDeferred <Cancelled>");
    assert_int_equal(w->state->status, SAGA_RUNNING);
    return w;
}

static void cancelling_twice_is_cancelling_once(void **state)
{
    struct world *w = cancelled_in_flight(state);
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "OperatorIgnored (already-compensating)");
    ring(w, "deadline");
    EXPECT(w, "DeadlinePassed");
}

static void a_pivot_that_succeeds_drops_the_cancel(void **state)
{
    struct world *w = cancelled_in_flight(state);
    reply(w, "VDone", "v", 1);
    EXPECT(w, "StepSucceeded v; CompensationDropped; StepSent z#1");
    reply(w, "Unavailable", "z", 1);
    EXPECT(w, "StepRetryScheduled z (Unavailable)");
}

static void a_pivot_that_refuses_lets_the_cancel_go_on(void **state)
{
    struct world *w = cancelled_in_flight(state);
    reply(w, "VNo", "v", 1);
    EXPECT(w, "StepFailed v <VNo>; CompensationStarted <Cancelled>; CompensationSent a#1");
}

static void a_cancelled_pivot_that_was_not_done_is_not_tried_again(void **state)
{
    struct world *w = cancelled_in_flight(state);
    reply(w, "Unavailable", "v", 1);
    EXPECT(w, "StepFailed v <Unavailable>; CompensationStarted <Cancelled>; CompensationSent a#1");
}

static void a_cancelled_pivot_that_is_silent_is_asked_again(void **state)
{
    struct world *w = cancelled_in_flight(state);
    ring(w, "step/v");
    EXPECT(w, "StepRetryScheduled v (timeout)");
    ring(w, "step/v");
    EXPECT(w, "StepSent v#2");
    ring(w, "step/v");
    EXPECT(w, "StepUnknown v; SagaStuck v on pivot");
    say_as(w, SAGA_VERB_RESOLVE, "failed");
    EXPECT(
        w,
        "StepFailed v <ResolvedAsFailed>; CompensationStarted <Cancelled>; CompensationSent a#1");
}

static void a_pivot_that_waits_and_was_not_done_is_not_in_flight(void **state)
{
    struct world *w = at_the_pivot(state);
    reply(w, "Unavailable", "v", 1);
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w,
           "StepFailed v <NotTriedAgain>; CompensationStarted <Cancelled>; CompensationSent a#1");
    assert_int_equal(due_in(w, "step/v"), -1);
}

static void a_pivot_that_waits_after_a_silence_may_be_done(void **state)
{
    struct world *w = at_the_pivot(state);
    ring(w, "step/v");
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "CompensationDeferred <Cancelled>");
    ring(w, "step/v");
    EXPECT(w, "StepSent v#2");
}

static void the_deadline_waits_for_the_pivot_too(void **state)
{
    struct world *w = at_the_pivot(state);
    const struct saga_timer *deadline = saga_state_timer(w->state, SAGA_SLICE("deadline"));
    decide(w, (struct saga_event){ .kind = SAGA_EVENT_TIMER,
                                   .timer = SAGA_SLICE("deadline"),
                                   .armed = deadline->armed });
    EXPECT(w, "DeadlinePassed; CompensationDeferred <DeadlineExceeded>");
    reply(w, "VNo", "v", 1);
    EXPECT(w, "StepFailed v <VNo>; CompensationStarted <DeadlineExceeded>; CompensationSent a#1");
}

static void a_dropped_cancel_is_dropped_though_the_reply_cannot_be_kept(void **state)
{
    struct world *w = define(
        state, HEAD
        "steps:\n" STEP_A
        "  - { step: v, send: p/V, success: VDone, keep: '.reply.id / 2', pivot: true }\n" BEHIND);
    go_to(w, "A");
    say(w, SAGA_VERB_CANCEL);
    reply(w, "VDone", "v", 1);
    EXPECT(w, "StepSucceeded v; CompensationDropped; SagaStuck v on body");
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "OperatorRefused (behind-the-pivot)");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued running (retry); StepSent z#1");
    reply(w, "Unavailable", "z", 1);
    EXPECT(w, "StepRetryScheduled z (Unavailable)");
}

static void a_late_answer_that_cannot_be_kept_is_stuck_on_that(void **state)
{
    struct world *w =
        define(state, HEAD RETRY "steps:\n" STEP_A "  - { step: v, send: p/V, success: "
                                 "VDone, keep: '.reply.id / 2', pivot: true }\n" BEHIND);
    go_to(w, "A");
    silence(w, "step/v");
    reply(w, "VDone", "v", 1);
    EXPECT(w, "StepSucceeded v; SagaContinued running (late-answer); SagaStuck v on body");
}

/* Catches a cancel that takes a pivot back of which nobody knows whether it was done: it became so while the saga hung on
 * something else. */
static void an_unknown_pivot_beside_what_is_stuck_is_not_taken_back(void **state)
{
    struct world *w =
        define(state, HEAD RETRY
               "steps:\n" STEP_A "  - parallel:\n      left:\n      " PIVOT "      right:\n"
               "        - { step: b, send: p/B, success: BDone, compensate: none }\n"
               "        - set: { x: .input.big, y: .input.big }\n");
    char *body = saga_arena_alloc(&w->arena, 256 * 1024);
    memset(body, 'x', 256 * 1024 - 1);
    memcpy(body, "{\"big\":\"", 8);
    memcpy(body + 200 * 1024, "\"}", 3);
    start(w, body);
    reply(w, "ADone", "a", 1);
    EXPECT(w, "StepSucceeded a; BranchStarted parallel#2; BranchStarted parallel#2; "
              "StepSent v#1; StepSent b#1");
    ring(w, "step/v");
    ring(w, "step/v");
    reply(w, "BDone", "b", 1);
    assert_int_equal(w->state->stuck_on, SAGA_STUCK_ON_LIMIT);
    reply(w, "Unavailable", "v", 2);
    EXPECT(w, "StepUnknown v");
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "OperatorRefused (pivot-unknown)");
    say(w, SAGA_VERB_RETRY);
    assert_int_equal(w->state->stuck_on, SAGA_STUCK_ON_PIVOT);
    say_as(w, SAGA_VERB_RESOLVE, "failed");
    assert_int_equal(w->state->status, SAGA_COMPENSATING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_pivot_that_refuses_is_a_failure),
        WORLD_TEST(a_pivot_that_was_never_available_is_a_failure),
        WORLD_TEST(behind_it_steps_are_tried_without_end),
        WORLD_TEST(behind_it_the_deadline_is_an_alarm),
        WORLD_TEST(behind_it_cancel_is_refused),
        WORLD_TEST(behind_it_a_failure_is_stuck),
        WORLD_TEST(behind_it_used_up_attempts_are_stuck),
        WORLD_TEST(a_late_failure_of_a_stuck_step_is_noted),
        WORLD_TEST(an_unknown_pivot_is_stuck_and_never_taken_back_by_guess),
        WORLD_TEST(an_operator_knows_that_it_was_done),
        WORLD_TEST(an_operator_knows_that_it_was_not_done),
        WORLD_TEST(an_unknown_pivot_can_be_asked_again),
        WORLD_TEST(a_late_answer_tells),
        WORLD_TEST(a_late_refusal_tells_too),
        WORLD_TEST(a_late_answer_waits_for_the_resume),
        WORLD_TEST(cancelling_twice_is_cancelling_once),
        WORLD_TEST(a_pivot_that_succeeds_drops_the_cancel),
        WORLD_TEST(a_pivot_that_refuses_lets_the_cancel_go_on),
        WORLD_TEST(a_cancelled_pivot_that_was_not_done_is_not_tried_again),
        WORLD_TEST(a_cancelled_pivot_that_is_silent_is_asked_again),
        WORLD_TEST(a_pivot_that_waits_and_was_not_done_is_not_in_flight),
        WORLD_TEST(a_pivot_that_waits_after_a_silence_may_be_done),
        WORLD_TEST(the_deadline_waits_for_the_pivot_too),
        WORLD_TEST(a_dropped_cancel_is_dropped_though_the_reply_cannot_be_kept),
        WORLD_TEST(a_late_answer_that_cannot_be_kept_is_stuck_on_that),
        WORLD_TEST(an_unknown_pivot_beside_what_is_stuck_is_not_taken_back),
    };
    return cmocka_run_group_tests_name("the engine and the pivot", tests, NULL, NULL);
}
