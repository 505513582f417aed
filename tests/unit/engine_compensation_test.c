/* The way back: what is compensated, in which order, and when that is stuck (language.md,
 * Compensation). */
#include "unit/engine_world.h"

/* a and b are done, c refused: b is being taken back. */
static void fail_at_c(struct world *w)
{
    go_to(w, "AB");
    reply(w, "CNo", "c", 1);
    EXPECT(w, "StepFailed c <CNo>; CompensationStarted c <CNo>; CompensationSent b#1");
}

static void steps_are_taken_back_one_after_another_in_reverse(void **state)
{
    struct world *w = define(state, THREE);
    fail_at_c(w);
    reply_back(w, "AnyAnswer", "b", 1);
    EXPECT(w, "CompensationSucceeded b; CompensationSent a#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_COMPENSATION_SENT)->value, "{\"a\":\"i-1\"}");
    reply_back(w, "AnyAnswer", "a", 1);
    EXPECT(w, "CompensationSucceeded a; EventPublished Undone; SagaCompensated");
}

static void a_step_that_only_reads_needs_nothing(void **state)
{
    struct world *w = define(state, HEAD "steps:\n" STEP_A STEP_C STEP_B);
    go_to(w, "AC");
    reply(w, "BNo", "b", 1);
    EXPECT(w, "StepFailed b <BNo>; CompensationStarted b <BNo>; CompensationNotNeeded c; "
              "CompensationSent a#1");
}

static void commands_in_flight_are_waited_for(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "CompensationStarted <Cancelled>");
    reply(w, "BNo", "b", 1);
    EXPECT(w, "StepFailed b <BNo>; CompensationSent a#1");
    EXPECT_TEXT(w->state->error.type, "Cancelled"); /* what began it, not what came later */
}

static void a_command_in_flight_is_not_tried_again(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    say(w, SAGA_VERB_CANCEL);
    ring(w, "step/b");
    EXPECT(w, "StepUnknown b; CompensationSent b#1");
}

static void unavailable_in_flight_is_unknown(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    say(w, SAGA_VERB_CANCEL);
    reply(w, "Unavailable", "b", 1);
    EXPECT(w, "StepUnknown b; CompensationSent b#1");
}

static void a_wait_after_a_silence_ends_as_unknown(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    ring(w, "step/b");
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "StepUnknown b; CompensationStarted <Cancelled>; CompensationSent b#1");
}

static void an_unknown_step_has_a_body_of_its_own(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    for (int i = 0; i < 3; i++) ring(w, "step/a");
    EXPECT(w, "StepUnknown a; CompensationStarted a <Timeout>; CompensationSent a#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_COMPENSATION_SENT)->value, "{\"n\":7}");
}

/* ---- late answers ---- */

/* a is unknown and, because the saga is paused, its compensation has not been sent. */
static struct world *unknown_and_paused(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    ring(w, "step/a");
    say(w, SAGA_VERB_PAUSE);
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "StepUnknown a; CompensationStarted <Cancelled>");
    return w;
}

static void a_late_success_gives_the_compensation_its_data(void **state)
{
    struct world *w = unknown_and_paused(state);
    reply(w, "ADone", "a", 1);
    EXPECT(w, "StepSucceeded a");
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; CompensationSent a#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_COMPENSATION_SENT)->value, "{\"a\":\"i-1\"}");
}

static void a_late_failure_leaves_nothing_to_compensate(void **state)
{
    struct world *w = unknown_and_paused(state);
    reply(w, "ANo", "a", 1);
    EXPECT(w, "StepFailed a <ANo>");
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; EventPublished Undone; SagaCompensated");
}

static void a_late_unavailable_says_nothing(void **state)
{
    struct world *w = unknown_and_paused(state);
    reply(w, "Unavailable", "a", 1);
    EXPECT(w, "ReplyIgnored a (late)");
    assert_int_equal(step_of(w, "a")->status, SAGA_STEP_UNKNOWN);
}

static void behind_its_compensation_a_late_answer_is_only_recorded(void **state)
{
    struct world *w = unknown_and_paused(state);
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; CompensationSent a#1");
    reply(w, "ADone", "a", 1);
    EXPECT(w, "ReplyIgnored a (late)");
    reply(w, "ANo", "a", 1);
    EXPECT(w, "ReplyIgnored a (late)");
}

/* ---- a compensation's attempts ---- */

static void by_default_a_compensation_is_tried_without_end(void **state)
{
    struct world *w = define(state, THREE);
    fail_at_c(w);
    for (int i = 0; i < 40; i++) {
        ring(w, "compensation/b");
        EXPECT(w, "CompensationRetryScheduled b (timeout)");
        uint32_t next = step_of(w, "b")->compensation_attempt + 1;
        struct saga_slice id = saga_command_id(&w->arena, w->state, SAGA_SLICE("b"), true, next);
        int64_t wait = saga_backoff_ms(&w->definition->blocks[1]->step.compensate.retry, next, id);
        assert_int_equal(due_in(w, "compensation/b"), wait);
        assert_true(wait <= 300000);
        ring(w, "compensation/b");
        assert_int_equal(step_of(w, "b")->compensation_attempt, next);
    }
    const struct saga_fact *sent = fact_of(w, SAGA_FACT_COMPENSATION_SENT);
    assert_null(sent->value.data); /* the state has it */
    EXPECT_TEXT(step_of(w, "b")->compensation_body, "{}");
    EXPECT_TEXT(sent->topic, "c");
    EXPECT_TEXT(sent->type, "UndoB");
    EXPECT_TEXT(sent->reply_topic, "r");
}

static void unavailable_tries_a_compensation_again(void **state)
{
    struct world *w = define(state, THREE);
    fail_at_c(w);
    reply_back(w, "Unavailable", "b", 1);
    EXPECT(w, "CompensationRetryScheduled b (Unavailable)");
    reply_back(w, "Unavailable", "b", 1);
    EXPECT(w, "ReplyIgnored b (duplicate)");
    ring(w, "compensation/b");
    reply_back(w, "Unavailable", "b", 1);
    EXPECT(w, "ReplyIgnored b (superseded-attempt)");
    reply_back(w, "BCannot", "b", 1);
    EXPECT(w, "ReplyIgnored b (superseded-attempt)");
    reply_back(w, "Done", "b", 3);
    EXPECT(w, "ReplyIgnored b (unknown-attempt)");
    reply_back(w, "Done", "b", 1);
    EXPECT(w, "CompensationSucceeded b; CompensationSent a#1");
    reply_back(w, "Done", "b", 2);
    EXPECT(w, "ReplyIgnored b (duplicate)");
    reply_back(w, "BCannot", "b", 2);
    EXPECT(w, "ReplyIgnored b (contradiction)");
}

static void a_named_success_is_the_only_one(void **state)
{
    struct world *w =
        define(state, HEAD "steps:\n  - { step: a, send: p/A, success: ADone,\n"
                           "      compensate: { send: p/UndoA, success: AUndone } }\n" STEP_C);
    go_to(w, "A");
    reply(w, "CNo", "c", 1);
    reply_back(w, "Whatever", "a", 1);
    EXPECT(w, "ReplyIgnored a (unexpected-type)");
    reply_back(w, "AUndone", "a", 1);
    EXPECT(w, "CompensationSucceeded a; SagaCompensated");
}

/* ---- stuck ---- */

static void a_refused_compensation_is_stuck_at_once(void **state)
{
    struct world *w = define(state, THREE);
    fail_at_c(w);
    reply_back(w, "BCannot", "b", 1);
    EXPECT(w, "CompensationFailed b <BCannot>; SagaStuck b on compensation");
    assert_int_equal(w->state->timer_count, 0);
    EXPECT_TEXT(step_of(w, "b")->compensation_body, "{}"); /* for a retry */
    reply_back(w, "Done", "b", 1);
    EXPECT(w, "ReplyIgnored b (contradiction)");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued compensating (retry); CompensationSent b#2");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "OperatorRefused (not-stuck)");
    reply_back(w, "BCannot", "b", 2);
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "SagaContinued compensating (skip); CompensationSkipped b; CompensationSent a#1");
    assert_null(step_of(w, "b")->compensation_body.data);
    reply_back(w, "Done", "b", 2);
    EXPECT(w, "ReplyIgnored b (skipped)");
    reply_back(w, "Done", "a", 1);
    EXPECT(w, "CompensationSucceeded a; EventPublished Undone; SagaCompensated");
    assert_false(w->state->resolved);
}

/* a's compensation has two attempts. */
static struct world *exhausted(void **state)
{
    struct world *w = define(state, HEAD RETRY "steps:\n" STEP_A STEP_C);
    go_to(w, "A");
    reply(w, "CNo", "c", 1);
    ring(w, "compensation/a");
    ring(w, "compensation/a");
    ring(w, "compensation/a");
    EXPECT(w, "CompensationExhausted a; SagaStuck a on compensation");
    return w;
}

static void used_up_attempts_are_stuck(void **state)
{
    struct world *w = exhausted(state);
    reply_back(w, "ACannot", "a", 2);
    EXPECT(w, "ReplyIgnored a (late)");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued compensating (retry); CompensationSent a#3");
    reply_back(w, "Unavailable", "a", 3);
    EXPECT(w, "CompensationExhausted a; SagaStuck a on compensation");
    EXPECT_TEXT(w->state->stuck_message, "its 3 attempts are used up; the last: Unavailable");
}

static void expect_refusal(struct world *w, const char *words)
{
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "OperatorRefused (not-stuck)");
    struct saga_slice message = fact_of(w, SAGA_FACT_OPERATOR_REFUSED)->message;
    if (!memmem(message.data, message.size, words, strlen(words)))
        fail_msg("\"%.*s\" lacks \"%s\"", SAGA_SLICE_ARG(message), words);
}

/* Whoever would act on a saga that is not stuck is told for how long it is still none of his business. */
static void a_refused_verb_tells_when_the_saga_goes_on(void **state)
{
    struct world *w = define(state, HEAD RETRY "steps:\n" STEP_A STEP_C);
    go_to(w, "");
    expect_refusal(w, "; a waits for its answer until 1970");
    expect_refusal(w, "Z (attempt 1 of 2, after which the saga is compensated)");
    reply(w, "ADone", "a", 1);
    reply(w, "CNo", "c", 1);
    expect_refusal(w, "; the compensation of a waits for its answer until 1970");
    expect_refusal(w, "Z (attempt 1 of 2, after which the saga is stuck)");
    ring(w, "compensation/a");
    expect_refusal(w, "; the compensation of a is tried again at 1970");
    expect_refusal(w, "Z (the last attempt, after which the saga is stuck)");
    say(w, SAGA_VERB_PAUSE);
    expect_refusal(w, "paused: resume it");
}

static void a_refused_verb_tells_that_it_is_tried_without_end(void **state)
{
    struct world *w = define(
        state, HEAD "steps:\n"
                    "  - { step: a, send: p/A, success: ADone, compensate: { send: p/UndoA } }\n"
                    "  - fail: { type: No }\n");
    go_to(w, "A");
    expect_refusal(w, "Z (attempt 1, of as many as it takes)");
}

static void a_late_success_is_good_news(void **state)
{
    struct world *w = exhausted(state);
    reply_back(w, "AUndone", "a", 1);
    EXPECT(w, "CompensationSucceeded a; SagaContinued compensating (late-answer); SagaCompensated");
}

/* The compensation's body cannot be made from what is known of an unknown step. */
#define NEEDS_REPLY                                                                                \
    HEAD RETRY                                                                                     \
        "steps:\n  - { step: a, send: p/A, success: ADone, failure: ANo, unknown: by-key,\n"       \
        "      compensate: { send: p/UndoA, body: '{a: (.steps.a.id | ascii_downcase)}' } }\n"

static struct world *stuck_on_a_body(void **state)
{
    struct world *w = define(state, NEEDS_REPLY);
    go_to(w, "");
    for (int i = 0; i < 3; i++) ring(w, "step/a");
    EXPECT(w, "StepUnknown a; CompensationStarted a <Timeout>; SagaStuck a on compensation");
    return w;
}

static void a_compensation_without_a_body_can_be_skipped(void **state)
{
    struct world *w = stuck_on_a_body(state);
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued compensating (retry); SagaStuck a on compensation");
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "SagaContinued compensating (skip); CompensationSkipped a; SagaCompensated");
}

static void a_late_success_mends_a_body(void **state)
{
    struct world *w = stuck_on_a_body(state);
    reply(w, "ADone", "a", 1);
    EXPECT(w, "StepSucceeded a; SagaContinued compensating (late-answer); CompensationSent a#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_COMPENSATION_SENT)->value, "{\"a\":\"i-1\"}");
}

static void a_late_failure_mends_a_body_too(void **state)
{
    struct world *w = stuck_on_a_body(state);
    reply(w, "ANo", "a", 2);
    EXPECT(w, "StepFailed a <ANo>; SagaContinued compensating (late-answer); SagaCompensated");
    EXPECT_TEXT(w->state->error.type, "Timeout");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(steps_are_taken_back_one_after_another_in_reverse),
        WORLD_TEST(a_step_that_only_reads_needs_nothing),
        WORLD_TEST(commands_in_flight_are_waited_for),
        WORLD_TEST(a_command_in_flight_is_not_tried_again),
        WORLD_TEST(unavailable_in_flight_is_unknown),
        WORLD_TEST(a_wait_after_a_silence_ends_as_unknown),
        WORLD_TEST(an_unknown_step_has_a_body_of_its_own),
        WORLD_TEST(a_late_success_gives_the_compensation_its_data),
        WORLD_TEST(a_late_failure_leaves_nothing_to_compensate),
        WORLD_TEST(a_late_unavailable_says_nothing),
        WORLD_TEST(behind_its_compensation_a_late_answer_is_only_recorded),
        WORLD_TEST(by_default_a_compensation_is_tried_without_end),
        WORLD_TEST(unavailable_tries_a_compensation_again),
        WORLD_TEST(a_named_success_is_the_only_one),
        WORLD_TEST(a_refused_compensation_is_stuck_at_once),
        WORLD_TEST(used_up_attempts_are_stuck),
        WORLD_TEST(a_refused_verb_tells_when_the_saga_goes_on),
        WORLD_TEST(a_refused_verb_tells_that_it_is_tried_without_end),
        WORLD_TEST(a_late_success_is_good_news),
        WORLD_TEST(a_compensation_without_a_body_can_be_skipped),
        WORLD_TEST(a_late_success_mends_a_body),
        WORLD_TEST(a_late_failure_mends_a_body_too),
    };
    return cmocka_run_group_tests_name("the engine's way back", tests, NULL, NULL);
}
