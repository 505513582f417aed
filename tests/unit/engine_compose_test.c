/* Blocks that hold lists of blocks: choose, parallel, for-each, repeat, catch, one inside the other, forward and back. */
#include "unit/engine_world.h"

#define DEF HEAD RETRY "steps:\n"

/* A step of that name, on one line, at an indentation; taken back by Undo<NAME>. */
#define STEP_AT(indent, name, NAME)                                                                \
    indent "- { step: " name ", send: p/" NAME ", success: " NAME "Done, failure: " NAME           \
           "No,\n" indent "    compensate: { send: p/Undo" NAME " } }\n"
/* The same inside of a loop. */
#define ROUND_STEP(indent, name, NAME)                                                             \
    indent "- { step: " name ", send: p/" NAME                                                     \
           ", body: '{i: .index, item: .item}', success: " NAME "Done, failure: " NAME             \
           "No,\n" indent "    compensate: { send: p/Undo" NAME                                    \
           ", body: '{item: .item, mine: .steps[\"" name "\"]}', unknown-body: '{}' } }\n"

static void go(struct world *w, const char *input)
{
    start(w, input);
}

/* ---- choose ---- */

#define CHOICE                                                                                     \
    DEF "  - choose:\n"                                                                            \
        "      - when: .input.n > 10\n        steps:\n" STEP_AT(                                   \
            "          ", "a",                                                                     \
            "A") "      - when: .input.n > 5\n        steps:\n" STEP_AT("          ", "b",         \
                                                                        "B") "      - else: "      \
                                                                             "[]\n" STEP_AT(       \
                                                                                 "  ", "c", "C")

static void the_first_true_branch_is_taken(void **state)
{
    struct world *w = define(state, CHOICE);
    go(w, "{\"n\":7}");
    EXPECT(w, "SagaStarted; BranchStarted choose#1; StepSent b#1");
    reply(w, "BDone", "b", 1);
    EXPECT(w, "StepSucceeded b; BranchEnded; BlockPassed choose#1; StepSent c#1");
    reply(w, "CNo", "c", 1);
    EXPECT(w, "StepFailed c <CNo>; CompensationStarted c <CNo>; CompensationSent b#1");
}

static void an_empty_branch_is_passed(void **state)
{
    struct world *w = define(state, CHOICE);
    go(w, "{\"n\":1}");
    EXPECT(w,
           "SagaStarted; BranchStarted choose#1; BranchEnded; BlockPassed choose#1; StepSent c#1");
    assert_int_equal(w->state->scope_count, 1); /* it left nothing behind */
}

static void a_choice_that_cannot_be_made_compensates(void **state)
{
    struct world *w = define(state, DEF STEP_AT("  ", "c", "C") "  - choose:\n"
                                                                "      - when: .input.n.m\n"
                                                                "        steps: []\n"
                                                                "      - else: []\n");
    go(w, "{\"n\":1}");
    reply(w, "CDone", "c", 1);
    EXPECT(w, "StepSucceeded c; CompensationStarted choose#2 <ExpressionFailed>; "
              "CompensationSent c#1");
}

/* ---- parallel ---- */

#define BRANCHES                                                                                   \
    DEF STEP_AT("  ", "a", "A") "  - parallel:\n      left:\n" STEP_AT("        ", "b", "B")       \
        STEP_AT("        ", "c", "C") "      right:\n" STEP_AT("        ", "d", "D")               \
            STEP_AT("  ", "e", "E")

static void branches_run_side_by_side(void **state)
{
    struct world *w = define(state, BRANCHES);
    go(w, "{}");
    reply(w, "ADone", "a", 1);
    EXPECT(w, "StepSucceeded a; BranchStarted parallel#2; BranchStarted parallel#2; StepSent b#1; "
              "StepSent d#1");
    reply(w, "DDone", "d", 1);
    EXPECT(w, "StepSucceeded d; BranchEnded");
    reply(w, "BDone", "b", 1);
    EXPECT(w, "StepSucceeded b; StepSent c#1");
    reply(w, "CDone", "c", 1);
    EXPECT(w, "StepSucceeded c; BranchEnded; BlockPassed parallel#2; StepSent e#1");
    reply(w, "EDone", "e", 1);
    EXPECT(w, "StepSucceeded e; SagaCompleted");
}

static void what_is_in_flight_is_waited_for_before_anything_is_taken_back(void **state)
{
    struct world *w = define(state, BRANCHES);
    go(w, "{}");
    reply(w, "ADone", "a", 1);
    reply(w, "BNo", "b", 1);
    EXPECT(w, "StepFailed b <BNo>; CompensationStarted b <BNo>");
    reply(w, "DDone", "d", 1);
    EXPECT(w, "StepSucceeded d; CompensationSent d#1");
    reply_back(w, "Ok", "d", 1);
    EXPECT(w, "CompensationSucceeded d; CompensationSent a#1");
    reply_back(w, "Ok", "a", 1);
    EXPECT(w, "CompensationSucceeded a; SagaCompensated");
}

static void branches_are_taken_back_side_by_side_and_what_was_before_after_them(void **state)
{
    struct world *w = define(state, BRANCHES);
    go(w, "{}");
    reply(w, "ADone", "a", 1);
    reply(w, "DDone", "d", 1);
    reply(w, "BDone", "b", 1);
    reply(w, "CDone", "c", 1);
    reply(w, "ENo", "e", 1);
    EXPECT(w, "StepFailed e <ENo>; CompensationStarted e <ENo>; CompensationSent c#1; "
              "CompensationSent d#1");
    reply_back(w, "Ok", "d", 1);
    EXPECT(w, "CompensationSucceeded d");
    reply_back(w, "Ok", "c", 1);
    EXPECT(w, "CompensationSucceeded c; CompensationSent b#1");
    reply_back(w, "Ok", "b", 1);
    EXPECT(w, "CompensationSucceeded b; CompensationSent a#1");
}

static void a_refused_compensation_leaves_the_other_branch_to_its_answer(void **state)
{
    struct world *w = define(
        state, DEF "  - parallel:\n      left:\n"
                   "        - { step: a, send: p/A, success: ADone, compensate: { send: p/UndoA, "
                   "failure: No } }\n"
                   "      right:\n"
                   "        - { step: b, send: p/B, success: BDone, compensate: { send: p/UndoB, "
                   "failure: No } }\n"
                   "  - { step: c, send: p/C, success: CDone, failure: CNo, compensate: none }\n");
    go(w, "{}");
    reply(w, "ADone", "a", 1);
    reply(w, "BDone", "b", 1);
    reply(w, "CNo", "c", 1);
    reply_back(w, "No", "a", 1);
    EXPECT(w, "CompensationFailed a <No>; SagaStuck a on compensation");
    reply_back(w, "No", "b", 1);
    EXPECT(w, "CompensationFailed b <No>");
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "SagaContinued compensating (skip); CompensationSkipped a; "
              "SagaStuck b on compensation");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued compensating (retry); CompensationSent b#2");
    reply_back(w, "Ok", "b", 2);
    EXPECT(w, "CompensationSucceeded b; SagaCompensated");
}

/* In rounds that run at the same time, b[0] ended before all others: beside c[0], but not beside b[1]. */
static void what_waits_itself_is_waited_for(void **state)
{
    struct world *w =
        define(state, DEF
               "  - for-each: { in: .input.list, at-once: 2 }\n    steps:\n"
               "      - parallel:\n          left:\n" STEP_AT(
                   "            ", "b", "B") "          right:\n" STEP_AT("            ", "c", "C")
                   STEP_AT("  ", "e", "E"));
    start(w, "{\"list\":[1,2]}");
    reply(w, "BDone", "b[0]", 1);
    reply(w, "BDone", "b[1]", 1);
    reply(w, "CDone", "c[1]", 1);
    reply(w, "CDone", "c[0]", 1);
    reply(w, "ENo", "e", 1);
    EXPECT(w, "StepFailed e <ENo>; CompensationStarted e <ENo>; CompensationSent c[0]#1");
    reply_back(w, "Ok", "c[0]", 1);
    EXPECT(w, "CompensationSucceeded c[0]; CompensationSent c[1]#1; CompensationSent b[1]#1");
    reply_back(w, "Ok", "b[1]", 1);
    EXPECT(w, "CompensationSucceeded b[1]");
    reply_back(w, "Ok", "c[1]", 1);
    EXPECT(w, "CompensationSucceeded c[1]; CompensationSent b[0]#1");
}

/* ---- for-each ---- */

#define LOOP(at_once)                                                                              \
    DEF "  - for-each: { item: line, in: .input.lines, at-once: " at_once                          \
        " }\n    steps:\n" ROUND_STEP("      ", "a", "A")                                          \
            ROUND_STEP("      ", "b", "B") "  - { step: c, send: p/C, body: '{all: .steps.a}', "   \
                                           "success: CDone, failure: CNo,\n"                       \
                                           "      compensate: none }\n"

static void a_loop_runs_its_blocks_for_every_element(void **state)
{
    struct world *w = define(state, LOOP("1"));
    go(w, "{\"lines\":[\"x\",{\"y\":1}]}");
    EXPECT(w, "SagaStarted; LoopStarted for-each#1; BranchStarted for-each#1; StepSent a[0]#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"i\":0,\"item\":\"x\"}");
    reply(w, "ADone", "a[0]", 1);
    EXPECT(w, "StepSucceeded a[0]; StepSent b[0]#1");
    reply(w, "BDone", "b[0]", 1);
    EXPECT(w, "StepSucceeded b[0]; BranchEnded; BranchStarted for-each#1; StepSent a[1]#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"i\":1,\"item\":{\"y\":1}}");
    reply(w, "ADone", "a[1]", 1);
    reply(w, "BDone", "b[1]", 1);
    EXPECT(w, "StepSucceeded b[1]; BranchEnded; BranchEnded; BlockPassed for-each#1; StepSent c#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value,
                "{\"all\":[{\"id\":\"i-1\"},{\"id\":\"i-1\"}]}");
    reply(w, "CNo", "c", 1);
    EXPECT(w, "StepFailed c <CNo>; CompensationStarted c <CNo>; CompensationSent b[1]#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_COMPENSATION_SENT)->value,
                "{\"item\":{\"y\":1},\"mine\":{\"id\":\"i-1\"}}"); /* its own round's */
    reply_back(w, "Ok", "b[1]", 1);
    reply_back(w, "Ok", "a[1]", 1);
    EXPECT(w, "CompensationSucceeded a[1]; CompensationSent b[0]#1");
}

static void at_once_bounds_what_is_open(void **state)
{
    struct world *w = define(state, LOOP("2"));
    go(w, "{\"lines\":[1,2,3]}");
    EXPECT(w, "SagaStarted; LoopStarted for-each#1; BranchStarted for-each#1; "
              "BranchStarted for-each#1; StepSent a[0]#1; StepSent a[1]#1");
    reply(w, "ADone", "a[1]", 1);
    reply(w, "BDone", "b[1]", 1);
    EXPECT(w, "StepSucceeded b[1]; BranchEnded; BranchStarted for-each#1; StepSent a[2]#1");
}

static void no_elements_no_rounds(void **state)
{
    struct world *w = define(state, LOOP("1"));
    go(w, "{\"lines\":[]}");
    EXPECT(w, "SagaStarted; BlockPassed for-each#1 (no-elements); StepSent c#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"all\":[]}");
}

static void what_is_no_list_fails(void **state)
{
    struct world *w = define(state, LOOP("1"));
    go(w, "{\"lines\":{\"a\":1}}");
    EXPECT(w, "SagaStarted; CompensationStarted for-each#1 <ExpressionFailed>; SagaCompensated");
    EXPECT_TEXT(w->state->error.message, "`.input.lines` gives {\"a\":1}, which is no list");
}

static void loops_inside_of_loops_have_an_index_each(void **state)
{
    struct world *w = define(
        state, DEF
        "  - for-each: { item: row, in: .input.rows }\n    steps:\n"
        "      - for-each: { item: cell, in: .item }\n        steps:\n"
        "          - { step: a, send: p/A, body: '{i: .index, row: .items.row, cell: "
        ".items.cell}',\n"
        "              success: ADone, compensate: none }\n"
        "  - { step: c, send: p/C, body: '{all: .steps.a}', success: CDone, compensate: none }\n");
    go(w, "{\"rows\":[[1],[],[2,3]]}");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"i\":0,\"row\":[1],\"cell\":1}");
    reply(w, "ADone", "a[0][0]", 1);
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->step, "a[2][0]");
    decide(w, a_reply(w, "ADone", "a[2][0]", 1, "2"));
    decide(w, a_reply(w, "ADone", "a[2][1]", 1, "3"));
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value,
                "{\"all\":[[{\"id\":\"i-1\"}],null,[2,3]]}");
}

/* ---- repeat ---- */

#define REPEAT                                                                                     \
    DEF "  - repeat: { until: '.steps.a.id == \"ready\"', at-most: 3 }\n    steps:\n"              \
        "      - { step: a, send: p/A, body: '{i: .index}', success: ADone, compensate: none }\n"  \
        "  - { step: c, send: p/C, body: '{last: .steps.a}', success: CDone, compensate: none }\n"

static void rounds_are_repeated_until_the_expression_is_true(void **state)
{
    struct world *w = define(state, REPEAT);
    go(w, "{}");
    EXPECT(w, "SagaStarted; BranchStarted repeat#1; StepSent a[0]#1");
    reply(w, "ADone", "a[0]", 1);
    EXPECT(w, "StepSucceeded a[0]; BranchEnded; BranchStarted repeat#1; StepSent a[1]#1");
    decide(w, a_reply(w, "ADone", "a[1]", 1, "{\"id\":\"ready\"}"));
    EXPECT(w, "StepSucceeded a[1]; BranchEnded; BlockPassed repeat#1 (until); StepSent c#1");
    EXPECT_TEXT(fact_of(w, SAGA_FACT_STEP_SENT)->value, "{\"last\":{\"id\":\"ready\"}}");
}

static void too_many_rounds_are_a_failure(void **state)
{
    struct world *w = define(state, REPEAT);
    go(w, "{}");
    reply(w, "ADone", "a[0]", 1);
    reply(w, "ADone", "a[1]", 1);
    reply(w, "ADone", "a[2]", 1);
    EXPECT(w, "StepSucceeded a[2]; BranchEnded; CompensationStarted repeat#1 <RepeatExceeded>; "
              "CompensationNotNeeded a[2]; CompensationNotNeeded a[1]; CompensationNotNeeded a[0]; "
              "SagaCompensated");
}

/* A loop of blocks that wait for nothing lets others go first, and ends all the same. */
static void a_long_loop_goes_on_in_records_of_its_own(void **state)
{
    struct world *w =
        define(state, DEF "  - repeat: { until: '.vars.n >= 2000', at-most: 5000 }\n    steps:\n"
                          "      - set: { n: '(.vars.n // 0) + 1' }\n");
    size_t records = 1;
    go(w, "{}");
    for (; saga_state_timer(w->state, SAGA_SLICE("go-on")); records++) {
        assert_true(w->facts.count < 1100);
        ring(w, "go-on");
    }
    assert_int_equal(w->state->status, SAGA_COMPLETED);
    assert_true(records > 4);
}

/* ---- catch ---- */

#define CAUGHT                                                                                     \
    DEF STEP_AT(                                                                                   \
        "  ", "a",                                                                                 \
        "A") "  - step: b\n    send: p/B\n    success: BDone\n    failure: [BNo, BNever]\n"        \
             "    compensate: none\n    catch:\n      BNo:\n" STEP_AT("        ", "d", "D")        \
                 STEP_AT("  ", "c", "C")

static void a_caught_failure_is_not_the_end(void **state)
{
    struct world *w = define(state, CAUGHT);
    go(w, "{}");
    reply(w, "ADone", "a", 1);
    reply(w, "BNo", "b", 1);
    EXPECT(w, "StepFailed b <BNo>; BranchStarted b; StepSent d#1");
    reply(w, "BDone", "b", 1);
    EXPECT(w, "ReplyIgnored b (contradiction)");
    reply(w, "DDone", "d", 1);
    EXPECT(w, "StepSucceeded d; BranchEnded; BlockPassed b (caught); StepSent c#1");
    reply(w, "CNo", "c", 1);
    EXPECT(w, "StepFailed c <CNo>; CompensationStarted c <CNo>; CompensationSent d#1");
}

static void another_failure_is_not_caught(void **state)
{
    struct world *w = define(state, CAUGHT);
    go(w, "{}");
    reply(w, "ADone", "a", 1);
    reply(w, "BNever", "b", 1);
    EXPECT(w, "StepFailed b <BNever>; CompensationStarted b <BNever>; CompensationSent a#1");
}

/* Catches a type of the engine's own that hides a service's of the same name. */
static void a_failure_may_be_called_as_one_of_the_engine(void **state)
{
    struct world *w = define(
        state, DEF "  - step: b\n    send: p/B\n    success: BDone\n    failure: TooManyWait\n"
                   "    compensate: none\n    catch:\n"
                   "      TooManyWait: [{ set: { b: '1' } }]\n");
    go(w, "{}");
    reply(w, "TooManyWait", "b", 1);
    EXPECT(w, "StepFailed b <TooManyWait>; BranchStarted b; VariablesSet set#2; BranchEnded; "
              "BlockPassed b (caught); SagaCompleted");
}

static void a_step_that_failed_while_the_saga_was_stuck_is_looked_at_later(void **state)
{
    struct world *w = define(
        state, DEF
        "  - { step: v, send: p/V, success: VDone, failure: VNo, pivot: true }\n"
        "  - parallel:\n      left:\n"
        "        - { step: a, send: p/A, success: ADone, failure: ANo }\n"
        "      right:\n"
        "        - step: b\n          send: p/B\n          success: BDone\n          failure: BNo\n"
        "          catch:\n            BNo:\n              - set: { b: '1' }\n");
    go(w, "{}");
    reply(w, "VDone", "v", 1);
    reply(w, "ANo", "a", 1);
    EXPECT(w, "StepFailed a <ANo>; SagaStuck a on step");
    reply(w, "BNo", "b", 1);
    EXPECT(w, "StepFailed b <BNo>");
    say(w, SAGA_VERB_RETRY);
    EXPECT(w, "SagaContinued running (retry); StepSent a#2; BranchStarted b; VariablesSet set#5; "
              "BranchEnded; BlockPassed b (caught); BranchEnded");
}

static void while_one_step_is_stuck_the_timers_of_others_wait(void **state)
{
    struct world *w =
        define(state, DEF "  - { step: v, send: p/V, success: VDone, failure: VNo, pivot: true }\n"
                          "  - parallel:\n      left:\n"
                          "        - { step: a, send: p/A, success: ADone, failure: ANo }\n"
                          "      right:\n"
                          "        - { step: b, send: p/B, success: BDone, failure: BNo }\n");
    go(w, "{}");
    reply(w, "VDone", "v", 1);
    reply(w, "ANo", "a", 1);
    ring(w, "step/b");
    EXPECT(w, "TimerHeld step/b");
    say(w, SAGA_VERB_SKIP);
    EXPECT(w, "SagaContinued running (skip); TimerArmed step/b; StepSkipped a; BranchEnded");
    ring(w, "step/b");
    EXPECT(w, "StepRetryScheduled b (timeout)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_first_true_branch_is_taken),
        WORLD_TEST(an_empty_branch_is_passed),
        WORLD_TEST(a_choice_that_cannot_be_made_compensates),
        WORLD_TEST(branches_run_side_by_side),
        WORLD_TEST(what_is_in_flight_is_waited_for_before_anything_is_taken_back),
        WORLD_TEST(branches_are_taken_back_side_by_side_and_what_was_before_after_them),
        WORLD_TEST(what_waits_itself_is_waited_for),
        WORLD_TEST(a_refused_compensation_leaves_the_other_branch_to_its_answer),
        WORLD_TEST(a_loop_runs_its_blocks_for_every_element),
        WORLD_TEST(at_once_bounds_what_is_open),
        WORLD_TEST(no_elements_no_rounds),
        WORLD_TEST(what_is_no_list_fails),
        WORLD_TEST(loops_inside_of_loops_have_an_index_each),
        WORLD_TEST(rounds_are_repeated_until_the_expression_is_true),
        WORLD_TEST(too_many_rounds_are_a_failure),
        WORLD_TEST(a_long_loop_goes_on_in_records_of_its_own),
        WORLD_TEST(a_caught_failure_is_not_the_end),
        WORLD_TEST(another_failure_is_not_caught),
        WORLD_TEST(a_failure_may_be_called_as_one_of_the_engine),
        WORLD_TEST(a_step_that_failed_while_the_saga_was_stuck_is_looked_at_later),
        WORLD_TEST(while_one_step_is_stuck_the_timers_of_others_wait),
    };
    return cmocka_run_group_tests_name("engine: blocks inside of blocks", tests, NULL, NULL);
}
