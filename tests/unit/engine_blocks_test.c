/* Blocks that wait for no service: set, publish, wait, wait-until, fail (language.md, Blocks). */
#include "base/error.h"
#include "codec/message.h"
#include "unit/engine_world.h"

#define SET_N "  - set: { n: .input.n, twice: '.input.n * 2' }\n"
#define SEND_VARS                                                                                  \
    "  - { step: c, send: p/C, body: .vars, success: CDone, failure: CNo, compensate: none }\n"

static void set_puts_values_into_vars(void **state)
{
    struct world *w = define(state, HEAD "steps:\n" SET_N SEND_VARS);
    go_to(w, "");
    EXPECT(w, "SagaStarted; VariablesSet set#1; StepSent c#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"n\":7,\"twice\":14}");
}

static void a_value_is_replaced_and_the_others_stay(void **state)
{
    struct world *w = define(state, HEAD "steps:\n" SET_N STEP_C
                                         "  - set: { n: '.vars.twice + 1', id: .steps.c.id }\n"
                                         "  - { step: d, send: p/D, body: .vars, success: DDone, "
                                         "compensate: none }\n");
    go_to(w, "C");
    EXPECT(w, "StepSucceeded c; VariablesSet set#3; StepSent d#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"twice\":14,\"n\":15,\"id\":\"i-1\"}");
}

/* Money and ids: what is only passed on keeps its digits. */
static void a_number_keeps_its_digits(void **state)
{
    struct world *w = define(state, HEAD "steps:\n  - set: { id: .input.id }\n" SEND_VARS);
    start(w, "{\"k\":1,\"id\":90071992547409931234.50}");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"id\":90071992547409931234.50}");
}

/* All values of one block are made from what was there before it. */
static void values_of_one_block_do_not_see_each_other(void **state)
{
    struct world *w = define(state, HEAD "steps:\n  - set: { a: 1, b: 2 }\n"
                                         "  - set: { a: .vars.b, b: .vars.a }\n" SEND_VARS);
    go_to(w, "");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"a\":2,\"b\":1}");
}

static void a_value_that_cannot_be_made_compensates(void **state)
{
    struct world *w =
        define(state, HEAD RETRY "steps:\n" STEP_A "  - set: { n: '.input.k | keys' }\n" STEP_B);
    go_to(w, "A");
    EXPECT(w,
           "StepSucceeded a; CompensationStarted set#2 <ExpressionFailed>; CompensationSent a#1");
}

static void behind_the_pivot_it_is_stuck_and_can_be_skipped(void **state)
{
    struct world *w =
        define(state, HEAD "steps:\n" PIVOT "  - set: { n: '.input.k | keys' }\n" BEHIND);
    go_to(w, "V");
    EXPECT(w, "StepSucceeded v; SagaStuck set#2 on body");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued running (retry); SagaStuck set#2 on body");
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "SagaContinued running (skip); BlockPassed set#2 (skip); StepSent z#1");
    assert_null(w->state->vars.data);
}

static void too_much_is_stuck_on_the_limit(void **state)
{
    struct world *w =
        define(state, HEAD "steps:\n  - set: { x: '[range(100000)] | tostring' }\n" STEP_C);
    go_to(w, "");
    EXPECT(w, "SagaStarted; SagaStuck set#1 on limit");
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "CompensationStarted <Cancelled>; SagaCompensated");
}

/* Two in one decision: each has an id of its own, the same whenever it is decided again. */
static void events_are_published_under_ids_of_their_own(void **state)
{
    struct world *w = define(state, HEAD "steps:\n"
                                         "  - { publish: e/First, body: '{n: .input.n}' }\n"
                                         "  - publish: e/Second\n" STEP_C);
    struct saga_message message[2];
    go_to(w, "");
    EXPECT(w, "SagaStarted; EventPublished publish#1 First; EventPublished publish#2 Second; "
              "StepSent c#1");
    for (size_t i = 0; i < 2; i++)
        saga_fact_message(&w->facts.items[1 + i], w->state, w->time_ms, &w->arena, &message[i]);
    EXPECT_TEXT(message[0].value, "{\"n\":7}");
    EXPECT_TEXT(message[1].value, "{}");
    struct saga_slice first = message[0].headers[1].value, second = message[1].headers[1].value;
    assert_true(saga_slice_is(message[0].headers[1].name, "ce_id"));
    assert_false(saga_slice_equal(first, second));
    assert_true(saga_slice_starts_with(first, "s/k/1/"));
}

static void an_event_that_cannot_be_made_compensates(void **state)
{
    struct world *w =
        define(state, HEAD RETRY "steps:\n" STEP_A
                                 "  - { publish: e/X, body: '.input.k | keys' }\n" STEP_B);
    go_to(w, "A");
    EXPECT(w, "StepSucceeded a; CompensationStarted publish#2 <ExpressionFailed>; CompensationSent "
              "a#1");
}

/* ---- wait ---- */

#define WAITING HEAD RETRY "deadline: 30m\nsteps:\n" STEP_A "  - wait: 10m\n" STEP_B

static void wait_goes_on_when_its_time_is_over(void **state)
{
    struct world *w = define(state, WAITING);
    go_to(w, "A");
    EXPECT(w, "StepSucceeded a; WaitStarted wait#2");
    assert_int_equal(due_in(w, "wait/wait#2"), 600000);
    ring(w, "wait/wait#2");
    EXPECT(w, "BlockPassed wait#2; StepSent b#1");
    assert_int_equal(due_in(w, "wait/wait#2"), -1);
}

static void a_wait_ends_with_the_forward_way(void **state)
{
    struct world *w = define(state, WAITING);
    go_to(w, "A");
    say(w, SAGA_VERB_CANCEL);
    EXPECT(w, "CompensationStarted <Cancelled>; CompensationSent a#1");
    assert_int_equal(due_in(w, "wait/wait#2"), -1);
    decide(w, (struct saga_event){
                  .kind = SAGA_EVENT_TIMER, .timer = SAGA_SLICE("wait/wait#2"), .armed = 2 });
    EXPECT(w, "TimerIgnored (stale)");
}

static void the_deadline_ends_a_wait(void **state)
{
    struct world *w =
        define(state, HEAD RETRY "deadline: 5m\nsteps:\n" STEP_A "  - wait: 10m\n" STEP_B);
    go_to(w, "A");
    ring(w, "deadline");
    EXPECT(w, "DeadlinePassed; CompensationStarted <DeadlineExceeded>; CompensationSent a#1");
    assert_int_equal(due_in(w, "wait/wait#2"), -1);
}

static void a_wait_that_is_over_in_a_pause_ends_with_it(void **state)
{
    struct world *w = define(state, WAITING);
    go_to(w, "A");
    say(w, SAGA_VERB_PAUSE);
    ring(w, "wait/wait#2");
    EXPECT(w, "TimerHeld wait/wait#2");
    say(w, SAGA_VERB_RESUME);
    EXPECT(w, "SagaUnpaused; TimerArmed wait/wait#2");
    ring(w, "wait/wait#2");
    EXPECT(w, "BlockPassed wait#2; StepSent b#1");
}

/* R19: its definition is not there when the time is over. */
static void a_wait_goes_on_when_its_definition_is_found(void **state)
{
    struct world *w = define(state, WAITING);
    go_to(w, "A");
    w->definition_missing = true;
    ring(w, "wait/wait#2");
    EXPECT(w, "TimerHeld wait/wait#2; SagaStuck on definition");
    w->definition_missing = false;
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued running (retry); TimerArmed wait/wait#2");
    ring(w, "wait/wait#2");
    EXPECT(w, "BlockPassed wait#2; StepSent b#1");
}

#define UNTIL HEAD RETRY "steps:\n" STEP_A "  - wait-until: .input.at\n" STEP_B

static void wait_until_takes_texts_and_seconds(void **state)
{
    struct world *w = define(state, UNTIL);
    start(w, "{\"k\":1,\"n\":1,\"at\":\"1970-01-01T01:00:00Z\"}");
    reply(w, "ADone", "a", 1);
    EXPECT(w, "StepSucceeded a; WaitStarted wait-until#2");
    assert_int_equal(due_in(w, "wait/wait-until#2"), 3600000 - world_begin_ms);
    ring(w, "wait/wait-until#2");
    EXPECT(w, "BlockPassed wait-until#2; StepSent b#1");
}

static void seconds_may_have_a_fraction(void **state)
{
    struct world *w = define(state, UNTIL);
    start(w, "{\"k\":1,\"n\":1,\"at\":1000.5}");
    reply(w, "ADone", "a", 1);
    assert_int_equal(due_in(w, "wait/wait-until#2"), 500);
}

static void a_time_that_has_passed_is_not_waited_for(void **state)
{
    struct world *w = define(state, UNTIL);
    start(w, "{\"k\":1,\"n\":1,\"at\":12}");
    reply(w, "ADone", "a", 1);
    EXPECT(w, "StepSucceeded a; BlockPassed wait-until#2 (time-has-passed); StepSent b#1");
}

static void what_is_no_time_compensates(void **state)
{
    static const char *const starts[] = { "\"tomorrow\"", "null", "-1", "1e300", "[1]" };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        struct world *w = define(state, UNTIL);
        struct saga_slice body =
            saga_arena_printf(&w->arena, "{\"k\":1,\"n\":1,\"at\":%s}", starts[i]);
        start(w, body.data);
        reply(w, "ADone", "a", 1);
        EXPECT(w, "StepSucceeded a; CompensationStarted wait-until#2 <ExpressionFailed>; "
                  "CompensationSent a#1");
        const struct saga_fact *fact = fact_of(w, SAGA_FACT_COMPENSATION_STARTED);
        assert_non_null(strstr(saga_arena_string(&w->arena, fact->message), "is no time"));
        world_tear_down(state);
        world_set_up(state);
    }
}

/* ---- fail ---- */

static void fail_compensates(void **state)
{
    struct world *w = define(state, HEAD RETRY PUBLISH
                             "steps:\n" STEP_A "  - fail: { type: NotToday, message: closed }\n");
    go_to(w, "A");
    EXPECT(w, "StepSucceeded a; CompensationStarted <NotToday>; CompensationSent a#1");
    reply_back(w, "Undone", "a", 1);
    EXPECT_TEXT(fact_of(w, SAGA_FACT_EVENT_PUBLISHED)->value,
                "{\"why\":{\"step\":null,\"type\":\"NotToday\",\"message\":\"closed\"}}");
}

/* ---- a journal that was altered ---- */

static void what_cannot_follow_is_refused(void **state)
{
    struct world *w = define(state, WAITING);
    go_to(w, "A");
    const struct saga_fact facts[] = {
        { .kind = SAGA_FACT_BLOCK_PASSED, .step = SAGA_SLICE("wait#2"), .position = 0 },
        { .kind = SAGA_FACT_BLOCK_PASSED, .position = 1 },
        { .kind = SAGA_FACT_BLOCK_PASSED, .step = SAGA_SLICE("x"), .scope = 9, .position = 1 },
        { .kind = SAGA_FACT_WAIT_STARTED, .step = SAGA_SLICE("wait#2"), .position = 1 },
        { .kind = SAGA_FACT_VARIABLES_SET, .step = SAGA_SLICE("set#3"), .position = 2 },
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        assert_int_equal(saga_evolve(w->state, &facts[i]), SAGA_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(set_puts_values_into_vars),
        WORLD_TEST(a_value_is_replaced_and_the_others_stay),
        WORLD_TEST(a_number_keeps_its_digits),
        WORLD_TEST(values_of_one_block_do_not_see_each_other),
        WORLD_TEST(a_value_that_cannot_be_made_compensates),
        WORLD_TEST(behind_the_pivot_it_is_stuck_and_can_be_skipped),
        WORLD_TEST(too_much_is_stuck_on_the_limit),
        WORLD_TEST(events_are_published_under_ids_of_their_own),
        WORLD_TEST(an_event_that_cannot_be_made_compensates),
        WORLD_TEST(wait_goes_on_when_its_time_is_over),
        WORLD_TEST(a_wait_ends_with_the_forward_way),
        WORLD_TEST(the_deadline_ends_a_wait),
        WORLD_TEST(a_wait_that_is_over_in_a_pause_ends_with_it),
        WORLD_TEST(a_wait_goes_on_when_its_definition_is_found),
        WORLD_TEST(wait_until_takes_texts_and_seconds),
        WORLD_TEST(seconds_may_have_a_fraction),
        WORLD_TEST(a_time_that_has_passed_is_not_waited_for),
        WORLD_TEST(what_is_no_time_compensates),
        WORLD_TEST(fail_compensates),
        WORLD_TEST(what_cannot_follow_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
