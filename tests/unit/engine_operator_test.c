/* What operators say, in every state in which they can say it; pausing and going on. */
#include "unit/engine_world.h"

/* ---- every verb in every state ---- */

static struct world *running(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    return w;
}

static struct world *paused(void **state)
{
    struct world *w = running(state);
    say(w, SAGA_VERB_PAUSE);
    return w;
}

static struct world *compensating(void **state)
{
    struct world *w = running(state);
    reply(w, "BNo", "b", 1);
    return w;
}

static struct world *stuck_on_step(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "AV");
    reply(w, "ZNo", "z", 1);
    return w;
}

static struct world *stuck_on_pivot(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "A");
    for (int i = 0; i < 3; i++) ring(w, "step/v");
    return w;
}

static struct world *stuck_on_body(void **state)
{
    struct world *w =
        define(state, HEAD "steps:\n" PIVOT "  - { step: z, send: p/Z, success: ZDone, "
                           "body: '{x: (.input.n | keys)}' }\n");
    go_to(w, "V");
    return w;
}

static struct world *stuck_on_compensation(void **state)
{
    struct world *w = compensating(state);
    reply_back(w, "ACannot", "a", 1);
    return w;
}

static struct world *stuck_on_publish(void **state)
{
    struct world *w =
        define(state, HEAD "on-completed: { publish: e/Done, body: '.input.n | keys' }\n"
                           "steps:\n" STEP_A);
    go_to(w, "A");
    return w;
}

static struct world *stuck_on_publish_back(void **state)
{
    struct world *w =
        define(state, HEAD "on-compensated: { publish: e/Undone, body: '.input.n | keys' }\n"
                           "steps:\n" STEP_A);
    go_to(w, "");
    reply(w, "ANo", "a", 1);
    return w;
}

static struct world *stuck_on_definition(void **state)
{
    struct world *w = running(state);
    w->definition_missing = true;
    ring(w, "step/b");
    return w;
}

static struct world *ended(void **state)
{
    struct world *w = define(state, HEAD "steps:\n" STEP_C);
    go_to(w, "C");
    return w;
}

#define NOT_STUCK "OperatorRefused (not-stuck)"
#define NO_DEFINITION "OperatorRefused (no-definition)"
#define ENDED "OperatorRefused (saga-ended)"
#define NO_PIVOT "OperatorRefused (no-pivot)"
#define ABANDONED "SagaAbandoned (resolved)"

struct row {
    struct world *(*make)(void **state);
    const char *status;
    const char *cancel, *retry, *skip;
    const char *completed, *compensated, *abandoned, *succeeded;
    const char *pause, *resume;
};

static const struct row rows[] = {
    { running, "running", "CompensationStarted <Cancelled>", NOT_STUCK, NOT_STUCK, NOT_STUCK,
      NOT_STUCK, NOT_STUCK, NOT_STUCK, "SagaPaused", "OperatorIgnored (not-paused)" },
    { paused, "running", "CompensationStarted <Cancelled>", NOT_STUCK, NOT_STUCK, NOT_STUCK,
      NOT_STUCK, NOT_STUCK, NOT_STUCK, "OperatorIgnored (already-paused)", "SagaUnpaused" },
    { compensating, "compensating", "OperatorIgnored (already-compensating)", NOT_STUCK, NOT_STUCK,
      NOT_STUCK, NOT_STUCK, NOT_STUCK, NOT_STUCK, "SagaPaused", "OperatorIgnored (not-paused)" },
    { stuck_on_step, "stuck", "OperatorRefused (behind-the-pivot)",
      "SagaContinued running (retry); StepSent z#2",
      "SagaContinued running (skip); StepSkipped z; EventPublished Done; SagaCompleted",
      "EventPublished Done; SagaCompleted (resolved)", "OperatorRefused (behind-the-pivot)",
      ABANDONED, NO_PIVOT, "SagaPaused", "OperatorIgnored (not-paused)" },
    { stuck_on_pivot, "stuck", "OperatorRefused (pivot-unknown)",
      "SagaContinued running (retry); StepSent v#3", "OperatorRefused (pivot-unknown)",
      "EventPublished Done; SagaCompleted (resolved)",
      "EventPublished Undone; SagaCompensated (resolved)", ABANDONED,
      "StepSucceeded v; SagaContinued running (resolved); StepSent z#1", "SagaPaused",
      "OperatorIgnored (not-paused)" },
    { stuck_on_body, "stuck", "OperatorRefused (behind-the-pivot)",
      "SagaContinued running (retry); SagaStuck z on body",
      "SagaContinued running (skip); StepSkipped z; SagaCompleted", "SagaCompleted (resolved)",
      "OperatorRefused (behind-the-pivot)", ABANDONED, NO_PIVOT, "SagaPaused",
      "OperatorIgnored (not-paused)" },
    { stuck_on_compensation, "stuck", "OperatorIgnored (already-compensating)",
      "SagaContinued compensating (retry); CompensationSent a#2",
      "SagaContinued compensating (skip); CompensationSkipped a; EventPublished Undone; "
      "SagaCompensated",
      "EventPublished Done; SagaCompleted (resolved)",
      "EventPublished Undone; SagaCompensated (resolved)", ABANDONED, NO_PIVOT, "SagaPaused",
      "OperatorIgnored (not-paused)" },
    { stuck_on_publish, "stuck", "CompensationStarted <Cancelled>; CompensationSent a#1",
      "SagaContinued running (retry); SagaStuck on publish", "SagaCompleted (publish-skipped)",
      "SagaCompleted (resolved)", "SagaCompensated (resolved)", ABANDONED, NO_PIVOT, "SagaPaused",
      "OperatorIgnored (not-paused)" },
    { stuck_on_publish_back, "stuck", "OperatorIgnored (already-compensating)",
      "SagaContinued compensating (retry); SagaStuck on publish",
      "SagaCompensated (publish-skipped)", "SagaCompleted (resolved)", "SagaCompensated (resolved)",
      ABANDONED, NO_PIVOT, "SagaPaused", "OperatorIgnored (not-paused)" },
    { stuck_on_definition, "stuck", NO_DEFINITION, NO_DEFINITION, NO_DEFINITION,
      "SagaCompleted (resolved)", "SagaCompensated (resolved)", ABANDONED, NO_PIVOT, "SagaPaused",
      "OperatorIgnored (not-paused)" },
    { ended, "completed", ENDED, ENDED, ENDED, ENDED, ENDED, ENDED, ENDED, ENDED, ENDED },
};

struct said {
    enum saga_verb verb;
    const char *as, *expected;
};

static void every_verb_in_every_state(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        const struct said said[] = {
            { SAGA_VERB_CANCEL, NULL, row->cancel },
            { SAGA_VERB_RETRY, NULL, row->retry },
            { SAGA_VERB_SKIP, NULL, row->skip },
            { SAGA_VERB_RESOLVE, "completed", row->completed },
            { SAGA_VERB_RESOLVE, "compensated", row->compensated },
            { SAGA_VERB_RESOLVE, "abandoned", row->abandoned },
            { SAGA_VERB_RESOLVE, "succeeded", row->succeeded },
            { SAGA_VERB_PAUSE, NULL, row->pause },
            { SAGA_VERB_RESUME, NULL, row->resume },
        };
        for (size_t k = 0; k < sizeof said / sizeof said[0]; k++) {
            world_tear_down(state);
            world_set_up(state);
            struct world *w = row->make(state);
            assert_string_equal(saga_status_name(w->state->status), row->status);
            say_as(w, said[k].verb, said[k].as);
            EXPECT(w, said[k].expected);
        }
    }
}

/* ---- single things ---- */

static void who_knows_no_outcome_is_told_which_there_are(void **state)
{
    struct world *w = stuck_on_compensation(state);
    say_as(w, SAGA_VERB_RESOLVE, "perhaps");
    EXPECT(w, "OperatorRefused (unknown-outcome)");
    say(w, SAGA_VERB_RESOLVE);
    EXPECT(w, "OperatorRefused (unknown-outcome)");
    say(w, SAGA_VERB_NONE);
    EXPECT(w, "OperatorRefused (unknown-verb)");
}

static void what_an_operator_ends_is_marked(void **state)
{
    struct world *w = stuck_on_compensation(state);
    say(w, SAGA_VERB_PAUSE);
    say_as(w, SAGA_VERB_RESOLVE, "compensated");
    assert_true(w->state->resolved);
    assert_false(w->state->paused);
    assert_int_equal(w->state->status, SAGA_COMPENSATED);
    reply_back(w, "Done", "a", 1);
    EXPECT(w, "ReplyIgnored a (saga-ended)");
    say_as(w, SAGA_VERB_RESOLVE, "compensated");
    EXPECT(w, "OperatorIgnored (already-ended)"); /* doing it twice is doing it once */
    say_as(w, SAGA_VERB_RESOLVE, "completed");
    EXPECT(w, ENDED);
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "OperatorIgnored (already-ended)");
    ring(w, "keep");
    EXPECT(w, "SagaForgotten");
}

static void a_cancel_says_why(void **state)
{
    struct world *w = running(state);
    say(w, SAGA_VERB_CANCEL);
    EXPECT_TEXT(w->state->error.type, "Cancelled");
    EXPECT_TEXT(w->state->error.message, "because");
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "OperatorIgnored (already-compensating)");
    reply(w, "BNo", "b", 1);
    reply_back(w, "Done", "a", 1);
    EXPECT_TEXT(fact_of(w, SAGA_FACT_EVENT_PUBLISHED)->value,
                "{\"why\":{\"step\":null,\"type\":\"Cancelled\",\"message\":\"because\"}}");
}

static void what_ended_by_itself_was_not_resolved(void **state)
{
    struct world *w = ended(state);
    say_as(w, SAGA_VERB_RESOLVE, "completed");
    EXPECT(w, ENDED);
}

/* ---- pausing ---- */

static void while_paused_replies_are_taken_and_nothing_is_sent(void **state)
{
    struct world *w = paused(state);
    reply(w, "BDone", "b", 1);
    EXPECT(w, "StepSucceeded b");
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; StepSent c#1");
}

static void while_paused_a_failure_is_taken_and_nothing_is_sent(void **state)
{
    struct world *w = paused(state);
    reply(w, "BNo", "b", 1);
    EXPECT(w, "StepFailed b <BNo>; CompensationStarted b <BNo>");
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; CompensationSent a#1");
}

static void while_paused_the_end_waits(void **state)
{
    struct world *w = paused(state);
    reply(w, "BDone", "b", 1);
    say(w, SAGA_VERB_RESUME);
    say(w, SAGA_VERB_PAUSE);
    reply(w, "CDone", "c", 1);
    EXPECT(w, "StepSucceeded c");
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; EventPublished Done; SagaCompleted");
}

static void while_paused_timers_wait(void **state)
{
    struct world *w = paused(state);
    ring(w, "step/b");
    EXPECT(w, "TimerHeld step/b");
    ring(w, "step/b");
    EXPECT(w, "TimerIgnored (held)");
    w->time_ms += 5000;
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; TimerArmed step/b");
    assert_int_equal(due_in(w, "step/b"), 0);
    ring(w, "step/b");
    EXPECT(w, "StepRetryScheduled b (timeout)");
}

static void while_paused_a_held_timer_ends_with_its_step(void **state)
{
    struct world *w = paused(state);
    ring(w, "step/b");
    reply(w, "BDone", "b", 1);
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; StepSent c#1");
}

static void while_paused_no_attempt_is_sent(void **state)
{
    struct world *w = paused(state);
    reply(w, "Unavailable", "b", 1);
    EXPECT(w, "StepRetryScheduled b (Unavailable)");
    ring(w, "step/b");
    EXPECT(w, "TimerHeld step/b");
    say(w, SAGA_VERB_RESUME);
    ring(w, "step/b");
    EXPECT(w, "StepSent b#2");
}

static void while_paused_the_deadline_waits(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "");
    say(w, SAGA_VERB_PAUSE);
    ring(w, "deadline");
    EXPECT(w, "TimerHeld deadline");
    assert_false(w->state->deadline_passed);
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; DeadlinePassed; CompensationStarted <DeadlineExceeded>");
}

static void a_deadline_that_passed_in_the_pause_comes_before_the_next_step(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "");
    say(w, SAGA_VERB_PAUSE);
    reply(w, "ADone", "a", 1);
    ring(w, "deadline");
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; DeadlinePassed; CompensationStarted <DeadlineExceeded>; "
              "CompensationSent a#1");
}

static void while_paused_a_compensation_is_not_tried_again(void **state)
{
    struct world *w = compensating(state);
    reply_back(w, "Unavailable", "a", 1);
    say(w, SAGA_VERB_PAUSE);
    ring(w, "compensation/a");
    EXPECT(w, "TimerHeld compensation/a");
    say(w, SAGA_VERB_RESUME);
    ring(w, "compensation/a");
    EXPECT(w, "CompensationSent a#2");
}

static void while_paused_a_stuck_saga_sends_nothing(void **state)
{
    struct world *w = stuck_on_compensation(state);
    say(w, SAGA_VERB_PAUSE);
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "OperatorRefused (paused)");
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "SagaContinued compensating (skip); CompensationSkipped a");
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; EventPublished Undone; SagaCompensated");
}

static void while_paused_a_pivot_can_be_resolved(void **state)
{
    struct world *w = stuck_on_pivot(state);
    say(w, SAGA_VERB_PAUSE);
    say_as(w, SAGA_VERB_RESOLVE, "succeeded");
    EXPECT(w, "StepSucceeded v; SagaContinued running (resolved)");
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; StepSent z#1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(every_verb_in_every_state),
        WORLD_TEST(who_knows_no_outcome_is_told_which_there_are),
        WORLD_TEST(what_an_operator_ends_is_marked),
        WORLD_TEST(what_ended_by_itself_was_not_resolved),
        WORLD_TEST(a_cancel_says_why),
        WORLD_TEST(while_paused_replies_are_taken_and_nothing_is_sent),
        WORLD_TEST(while_paused_a_failure_is_taken_and_nothing_is_sent),
        WORLD_TEST(while_paused_the_end_waits),
        WORLD_TEST(while_paused_timers_wait),
        WORLD_TEST(while_paused_a_held_timer_ends_with_its_step),
        WORLD_TEST(while_paused_no_attempt_is_sent),
        WORLD_TEST(while_paused_the_deadline_waits),
        WORLD_TEST(a_deadline_that_passed_in_the_pause_comes_before_the_next_step),
        WORLD_TEST(while_paused_a_compensation_is_not_tried_again),
        WORLD_TEST(while_paused_a_stuck_saga_sends_nothing),
        WORLD_TEST(while_paused_a_pivot_can_be_resolved),
    };
    return cmocka_run_group_tests_name("the engine and its operators", tests, NULL, NULL);
}
