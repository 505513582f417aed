/* The forward way: starts, attempts, answers, what does not fit (language.md, A saga's life). */
#include "unit/engine_world.h"

static void a_saga_completes(void **state)
{
    struct world *w = define(state, THREE);
    start(w, "{\"k\":\"k/1\",\"n\":7}");
    EXPECT(w, "SagaStarted; StepSent a#1");
    EXPECT_TEXT(w->state->id, "s/k/1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"n\":7}");
    assert_int_equal(due_in(w, "step/a"), 10000);
    reply(w, "ADone", "a", 1);
    EXPECT(w, "StepSucceeded a; StepSent b#1");
    assert_int_equal(due_in(w, "step/a"), -1);
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{}");
    reply(w, "BDone", "b", 1);
    EXPECT(w, "StepSucceeded b; StepSent c#1");
    reply(w, "CDone", "c", 1);
    EXPECT(w, "StepSucceeded c; EventPublished Done; SagaCompleted");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_EVENT_PUBLISHED)->value, "{\"k\":\"k/1\"}");
    assert_int_equal(w->state->timer_count, 1);
    assert_int_equal(due_in(w, "keep"), 7 * 86400000LL);
}

static void a_second_start_starts_nothing(void **state)
{
    struct world *w = define(state, HEAD "steps:\n" STEP_C);
    go_to(w, "");
    start(w, "{}");
    EXPECT(w, "StartIgnored (already-running)");
    reply(w, "CDone", "c", 1);
    start(w, "{}");
    EXPECT(w, "StartIgnored (already-ended)");
    ring(w, "keep");
    EXPECT(w, "SagaForgotten");
    assert_true(w->state->forgotten);
    assert_int_equal(w->state->timer_count, 0);
}

static void a_kept_saga_takes_nothing(void **state)
{
    struct world *w = define(state, HEAD "keep: 2h\nsteps:\n" STEP_C);
    go_to(w, "C");
    assert_int_equal(due_in(w, "keep"), 2 * 3600000);
    reply(w, "CDone", "c", 1);
    EXPECT(w, "ReplyIgnored c (saga-ended)");
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "OperatorRefused (saga-ended)");
    say(w, SAGA_VERB_PAUSE);
    EXPECT(w, "OperatorRefused (saga-ended)");
}

static void the_trace_of_the_start_goes_on(void **state)
{
    struct world *w = define(state, HEAD "steps:\n" STEP_C);
    decide(w,
           (struct saga_event){ .kind = SAGA_EVENT_START,
                                .key = SAGA_SLICE("k"),
                                .traceparent = SAGA_SLICE(
                                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") });
    EXPECT_TEXT(w->state->trace, "0af7651916cd43dd8448eb211c80319c");
}

static void a_bad_trace_is_replaced(void **state)
{
    struct world *w = define(state, HEAD "steps:\n" STEP_C);
    decide(w,
           (struct saga_event){ .kind = SAGA_EVENT_START,
                                .key = SAGA_SLICE("k"),
                                .traceparent = SAGA_SLICE(
                                    "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01") });
    assert_int_equal(w->state->trace.size, 32);
    assert_false(saga_slice_is(w->state->trace, "0AF7651916CD43DD8448EB211C80319C"));
}

static void search_values_are_texts(void **state)
{
    struct world *w = define(state, HEAD "search: { name: .input.name, n: .input.n, o: .input.o,\n"
                                         "  none: .input.none }\nsteps:\n" STEP_C);
    start(w, "{\"k\":\"k\",\"name\":\"a \\u00e4\",\"n\":12.50,\"o\":{}}");
    EXPECT(w, "SagaStarted; SearchValueSet name; SearchValueSet n; StepSent c#1");
    EXPECT_TEXT(w->state->search[0].value, "a \xc3\xa4");
    EXPECT_TEXT(w->state->search[1].value, "12.50");
}

/* ---- attempts ---- */

static void a_timeout_is_tried_again_with_the_same_body(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    ring(w, "step/a");
    EXPECT(w, "StepRetryScheduled a (timeout)");
    assert_int_equal(due_in(w, "step/a"), 1000);
    ring(w, "step/a");
    EXPECT(w, "StepSent a#2");
    const struct saga_fact *sent = fact_of(w, SAGA_FACT_STEP_SENT);
    assert_null(sent->value.data); /* the state has it */
    EXPECT_TEXT(sent->topic, "c");
    EXPECT_TEXT(sent->type, "A");
    EXPECT_TEXT(sent->reply_topic, "r");
    EXPECT_TEXT(step_of(w, "a")->body, "{\"n\":7}");
    assert_int_equal(due_in(w, "step/a"), 10000);
}

static void backoff_grows_up_to_its_maximum(void **state)
{
    static const int64_t waits[] = { 1000, 3000, 9000, 10000, 10000 };
    struct world *w =
        define(state, HEAD
               "steps:\n  - { step: a, send: p/A, success: ADone, compensate: none, timeout: 5s,\n"
               "      retry: { attempts: 6, backoff: 1s, factor: 3, max: 10s, jitter: false } }\n");
    go_to(w, "");
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        ring(w, "step/a");
        EXPECT(w, "StepRetryScheduled a (timeout)");
        assert_int_equal(due_in(w, "step/a"), waits[i]);
        ring(w, "step/a");
        assert_int_equal(step_of(w, "a")->attempt, i + 2);
    }
    ring(w, "step/a");
    EXPECT(w, "StepUnknown a; CompensationStarted a <Timeout>; CompensationNotNeeded a; "
              "SagaCompensated");
}

static void the_last_timeout_is_unknown_and_compensated(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    ring(w, "step/b");
    ring(w, "step/b");
    ring(w, "step/b");
    EXPECT(w, "StepUnknown b; CompensationStarted b <Timeout>; CompensationSent b#1"); /* R18 */
    assert_int_equal(step_of(w, "b")->status, SAGA_STEP_UNKNOWN);
}

static void unavailable_is_tried_again_then_unknown(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    reply(w, "Unavailable", "b", 1);
    EXPECT(w, "StepRetryScheduled b (Unavailable)");
    reply(w, "Unavailable", "b", 1);
    EXPECT(w, "ReplyIgnored b (duplicate)");
    ring(w, "step/b");
    reply(w, "Unavailable", "b", 1);
    EXPECT(w, "ReplyIgnored b (superseded-attempt)");
    reply(w, "Unavailable", "b", 2); /* a command that is delivered once more may still be done */
    EXPECT(w, "StepUnknown b; CompensationStarted b <Unavailable>; CompensationSent b#1");
}

static void unavailable_after_a_silence_is_unknown(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    ring(w, "step/b");
    ring(w, "step/b");
    reply(w, "Unavailable", "b", 2); /* but what of attempt 1? */
    EXPECT(w, "StepUnknown b; CompensationStarted b <Unavailable>; CompensationSent b#1");
}

static void types_to_try_again_on_can_be_named(void **state)
{
    struct world *w =
        define(state, HEAD "steps:\n  - { step: a, send: p/A, success: ADone, compensate: none,\n"
                           "      retry: { attempts: 2, on: [Busy] } }\n");
    go_to(w, "");
    reply(w, "Unavailable", "a", 1);
    EXPECT(w, "ReplyIgnored a (unexpected-type)");
    reply(w, "Busy", "a", 1);
    EXPECT(w, "StepRetryScheduled a (Busy)");
}

static void jitter_comes_from_the_command_id(void **state)
{
    struct world *w =
        define(state, HEAD "steps:\n  - { step: a, send: p/A, success: ADone, compensate: none,\n"
                           "      retry: { attempts: 3, backoff: 8s } }\n");
    go_to(w, "");
    reply(w, "Unavailable", "a", 1);
    struct saga_slice id = saga_command_id(&w->arena, w->state, SAGA_SLICE("a"), false, 2);
    int64_t wait = saga_backoff_ms(&w->definition->root.items[0]->step.retry, 2, id);
    assert_int_equal(due_in(w, "step/a"), wait);
    assert_true(wait >= 4000 && wait <= 8000);
}

/* ---- answers ---- */

static void a_success_of_any_attempt_counts(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    ring(w, "step/a");
    ring(w, "step/a");
    reply(w, "ADone", "a", 1);
    EXPECT(w, "StepSucceeded a; StepSent b#1");
    assert_int_equal(due_in(w, "step/a"), -1);
    reply(w, "ADone", "a", 2);
    EXPECT(w, "ReplyIgnored a (duplicate)");
}

static void a_success_while_waiting_for_the_next_attempt_counts(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    ring(w, "step/a");
    reply(w, "ADone", "a", 1);
    EXPECT(w, "StepSucceeded a; StepSent b#1");
}

static void a_failure_counts_only_for_the_newest_attempt(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    ring(w, "step/a");
    ring(w, "step/a");
    reply(w, "ANo", "a", 1);
    EXPECT(w, "ReplyIgnored a (superseded-attempt)");
    reply(w, "ANo", "a", 2);
    EXPECT(w, "StepFailed a <ANo>; CompensationStarted a <ANo>; EventPublished Undone; "
              "SagaCompensated");
}

static void a_failure_while_waiting_for_the_next_attempt_counts(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    ring(w, "step/b");
    reply(w, "BNo", "b", 1);
    EXPECT(w, "StepFailed b <BNo>; CompensationStarted b <BNo>; CompensationSent a#1");
    assert_int_equal(due_in(w, "step/b"), -1);
}

static void the_first_of_two_contradicting_answers_stands(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    reply(w, "ANo", "a", 1);
    EXPECT(w, "ReplyIgnored a (contradiction)");
    reply(w, "BNo", "b", 1);
    reply(w, "BDone", "b", 1);
    EXPECT(w, "ReplyIgnored b (contradiction)");
    reply(w, "BNo", "b", 1);
    EXPECT(w, "ReplyIgnored b (duplicate)");
}

static void answers_that_fit_nothing_change_nothing(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    reply(w, "Whatever", "a", 1);
    EXPECT(w, "ReplyIgnored a (unexpected-type)");
    reply(w, "ADone", "a", 2);
    EXPECT(w, "ReplyIgnored a (unknown-attempt)");
    reply(w, "BDone", "b", 1);
    EXPECT(w, "ReplyIgnored b (unknown-step)");
    reply_back(w, "AUndone", "a", 0);
    EXPECT(w, "ReplyIgnored a (not-sent)");
    struct saga_event other = a_reply(w, "ADone", "a", 1, NULL);
    other.run = SAGA_SLICE("0123456789ab");
    decide(w, other);
    EXPECT(w, "ReplyIgnored a (other-run)");
    assert_int_equal(step_of(w, "a")->status, SAGA_STEP_SENT);
}

static void an_answer_without_a_command_goes_by_its_type(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    struct saga_event by_type = a_reply(w, "BDone", NULL, 0, NULL);
    by_type.run = SAGA_SLICE_NONE;
    decide(w, by_type);
    EXPECT(w, "ReplyIgnored (nothing-open)");
    by_type.type = SAGA_SLICE("ADone");
    decide(w, by_type);
    EXPECT(w, "StepSucceeded a; StepSent b#1");
    decide(w, by_type);
    EXPECT(w, "ReplyIgnored (nothing-open)");
}

static void a_stray_answer_does_not_end_a_compensation(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    reply(w, "BNo", "b", 1);
    EXPECT(w, "StepFailed b <BNo>; CompensationStarted b <BNo>; CompensationSent a#1");
    decide(w, a_reply(w, "ADone", NULL, 0, NULL)); /* a duplicate of a's own answer */
    EXPECT(w, "ReplyIgnored (nothing-open)");
    decide(w, a_reply(w, "BNo", NULL, 0, NULL));
    EXPECT(w, "ReplyIgnored (nothing-open)");
    decide(w, a_reply(w, "AUndone", NULL, 0, NULL));
    EXPECT(w, "CompensationSucceeded a; EventPublished Undone; SagaCompensated");
}

static void an_answer_without_an_attempt_is_for_the_newest(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    ring(w, "step/a");
    ring(w, "step/a");
    reply(w, "ANo", "a", 0);
    EXPECT(w, "StepFailed a <ANo>; CompensationStarted a <ANo>; EventPublished Undone; "
              "SagaCompensated");
}

static void a_failure_says_why(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    decide(w, a_reply(w, "BNo", "b", 1, "{\"message\":5,\"reason\":\"sold \\u0022out\\u0022\"}"));
    EXPECT_TEXT(w->state->error.message, "sold \"out\"");
    EXPECT_TEXT(w->state->error.step, "b");
    EXPECT_TEXT(w->state->error.type, "BNo");
    reply_back(w, "AUndone", "a", 1);
    EXPECT_TEXT(fact_of(w, SAGA_FACT_EVENT_PUBLISHED)->value,
                "{\"why\":{\"step\":\"b\",\"type\":\"BNo\",\"message\":\"sold \\\"out\\\"\"}}");
}

static void keep_says_what_stays_of_a_reply(void **state)
{
    struct world *w = define(
        state, HEAD
        "steps:\n"
        "  - { step: a, send: p/A, success: ADone, keep: '{it: .reply.id}', compensate: none }\n"
        "  - { step: c, send: p/C, success: CDone, body: '{a: .steps.a}', compensate: none }\n");
    go_to(w, "A");
    EXPECT_TEXT(step_of(w, "a")->result, "{\"it\":\"i-1\"}");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"a\":{\"it\":\"i-1\"}}");
    assert_false(fact_of(w, SAGA_FACT_STEP_SUCCEEDED)->value_from_cause);
}

static void expressions_see_the_saga(void **state)
{
    struct world *w =
        define(state, HEAD "on-completed: { publish: e/Done, body: .saga }\nsteps:\n" STEP_C);
    go_to(w, "C");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_EVENT_PUBLISHED)->value,
                "{\"id\":\"s/k/1\",\"key\":\"k/1\",\"name\":\"s\",\"version\":1,"
                "\"started\":\"1970-01-01T00:16:40.000Z\"}");
}

/* ---- timers ---- */

static void an_alarm_that_is_not_armed_changes_nothing(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    struct saga_event old = { .kind = SAGA_EVENT_TIMER, .timer = SAGA_SLICE("step/a"), .armed = 1 };
    ring(w, "step/a");
    decide(w, old); /* R16: rings once more, or late */
    EXPECT(w, "TimerIgnored (stale)");
    old.timer = SAGA_SLICE("step/none");
    decide(w, old);
    EXPECT(w, "TimerIgnored (stale)");
}

static void the_deadline_compensates(void **state)
{
    struct world *w = define(state, HEAD RETRY "deadline: 5s\nsteps:\n" STEP_A STEP_B);
    go_to(w, "A");
    ring(w, "deadline");
    EXPECT(w, "DeadlinePassed; CompensationStarted <DeadlineExceeded>");
    assert_int_equal(w->state->status, SAGA_COMPENSATING); /* b is in flight: it is waited for */
    reply(w, "BDone", "b", 1);
    EXPECT(w, "StepSucceeded b; CompensationSent b#1");
}

static void the_deadline_ends_a_wait_for_the_next_attempt(void **state)
{
    struct world *w = define(state, HEAD RETRY "deadline: 12s\nsteps:\n" STEP_A STEP_B);
    go_to(w, "A");
    reply(w, "Unavailable", "b", 1);
    ring(w, "deadline");
    EXPECT(w, "DeadlinePassed; StepUnknown b; CompensationStarted <DeadlineExceeded>; "
              "CompensationSent b#1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_saga_completes),
        WORLD_TEST(a_second_start_starts_nothing),
        WORLD_TEST(a_kept_saga_takes_nothing),
        WORLD_TEST(the_trace_of_the_start_goes_on),
        WORLD_TEST(a_bad_trace_is_replaced),
        WORLD_TEST(search_values_are_texts),
        WORLD_TEST(a_timeout_is_tried_again_with_the_same_body),
        WORLD_TEST(backoff_grows_up_to_its_maximum),
        WORLD_TEST(the_last_timeout_is_unknown_and_compensated),
        WORLD_TEST(unavailable_is_tried_again_then_unknown),
        WORLD_TEST(unavailable_after_a_silence_is_unknown),
        WORLD_TEST(types_to_try_again_on_can_be_named),
        WORLD_TEST(jitter_comes_from_the_command_id),
        WORLD_TEST(a_success_of_any_attempt_counts),
        WORLD_TEST(a_success_while_waiting_for_the_next_attempt_counts),
        WORLD_TEST(a_failure_counts_only_for_the_newest_attempt),
        WORLD_TEST(a_failure_while_waiting_for_the_next_attempt_counts),
        WORLD_TEST(the_first_of_two_contradicting_answers_stands),
        WORLD_TEST(answers_that_fit_nothing_change_nothing),
        WORLD_TEST(an_answer_without_a_command_goes_by_its_type),
        WORLD_TEST(a_stray_answer_does_not_end_a_compensation),
        WORLD_TEST(an_answer_without_an_attempt_is_for_the_newest),
        WORLD_TEST(a_failure_says_why),
        WORLD_TEST(keep_says_what_stays_of_a_reply),
        WORLD_TEST(expressions_see_the_saga),
        WORLD_TEST(an_alarm_that_is_not_armed_changes_nothing),
        WORLD_TEST(the_deadline_compensates),
        WORLD_TEST(the_deadline_ends_a_wait_for_the_next_attempt),
    };
    return cmocka_run_group_tests_name("the engine's forward way", tests, NULL, NULL);
}
