/* Where and how the ways of recorded sagas part by another version (runtime/what_if.h). */
#include "runtime_trial.h"

/* ---- the same way ---- */

static void the_same_version_goes_the_same_way(void **state)
{
    (void)state;
    record_one(OLD);
    completes();
    start(&r, "k2", "{\"k\":\"k2\"}");
    reply(&r, "ADone", "a", "{}");
    ring(&r, "step/b");
    ring(&r, "step/b");
    ring(&r, "step/b");
    reply(&r, "AUndone", "a!", "{}");
    start(&r, "k3", "{\"k\":\"k3\"}");
    judge(OLD);
    all_same(3);
    assert_int_equal(counts.open, 1);
    assert_int_equal(counts.events, counts.decided);
}

static void what_is_not_sent_makes_no_difference(void **state)
{
    (void)state;
    record_one(OLD DONE);
    completes();
    judge(HEAD "version: 2\nsearch: { n: .input.n }\nsteps:\n"
               "  - set: { x: .input.n }\n"
               "  - { step: a, send: p/A, body: '{n: .vars.x}', success: ADone, failure: ANo,\n"
               "      keep: '{id: .reply.id}', compensate: { send: p/UndoA } }\n" STEP_B DONE);
    all_same(1);
}

static void the_order_of_members_makes_no_difference(void **state)
{
    (void)state;
    recorded_begin(&r, HEAD "version: 1\nsteps:\n  - { step: a, send: p/A, body: '{a: .input.n, b: "
                            "{c: 1, d: [1, {e: 2, f: 3}]}}', success: ADone, compensate: none }\n");
    start(&r, "k1", "{\"k\":\"k1\",\"n\":1}");
    judge(HEAD "version: 2\nsteps:\n  - { step: a, send: p/A, body: '{b: {d: [1, {f: 3, e: 2}], c: "
               "1}, a: .input.n}', success: ADone, compensate: none }\n");
    all_same(1);
}

/* R19: what happened while the definition was not to be had would have happened to any version. */
static void a_definition_that_was_missing_was_missing_for_both(void **state)
{
    (void)state;
    record_one(OLD);
    struct saga_definition *kept = r.definition;
    r.definition = NULL;
    reply(&r, "ADone", "a", "{\"id\":7}");
    assert_int_equal(r.state->stuck_on, SAGA_STUCK_ON_DEFINITION);
    ring(&r, "step/a");
    r.definition = kept;
    reply(&r, "ADone", "a", "{\"id\":7}");
    reply(&r, "BDone", "b", "{}");
    assert_int_equal(r.state->status, SAGA_COMPLETED);
    judge(HEAD "version: 2\nsteps:\n  - set: { x: '1' }\n" STEP_A STEP_B);
    all_same(1);
}

/* An operator says how it ends while it is missing, or when it was found again: the record does not tell which it was. */
static void a_saga_without_definition_is_ended_by_an_operator(void **state)
{
    (void)state;
    record_one(OLD DONE);
    struct saga_definition *kept = r.definition;
    for (int found = 0; found < 2; found++) {
        if (found) start(&r, "k2", "{\"k\":\"k2\",\"n\":1}");
        r.definition = NULL;
        reply(&r, "ADone", "a", "{\"id\":7}");
        if (found) r.definition = kept;
        operate(&r, SAGA_VERB_RESOLVE, "completed");
        r.definition = kept;
        assert_int_equal(r.state->status, SAGA_COMPLETED);
    }
    judge(HEAD "version: 2\nsteps:\n  - set: { x: '1' }\n" STEP_A STEP_B DONE);
    all_same(2);
}

/* ---- other commands ---- */

static void another_body_parts_at_its_step(void **state)
{
    (void)state;
    record_one(OLD);
    completes();
    judge(HEAD "version: 2\nsteps:\n" STEP_A
               "  - { step: b, send: p/B, body: '{a: .steps.a.id, new: 1}', success: BDone,\n"
               "      compensate: none }\n");
    const struct saga_what_if_example *example =
        all_part(SAGA_WHAT_IF_OTHER_COMMANDS, "b", "sends another body of B");
    assert_true(saga_slice_is(example->saga_id, "s/k1"));
    assert_int_equal(example->lane, 3);
    assert_int_equal(example->offset, 1);
    assert_true(saga_slice_is(example->recorded.body, "{\"a\":7}"));
    assert_true(saga_slice_is(example->instead.body, "{\"a\":7,\"new\":1}"));
    assert_true(saga_slice_is(example->instead.words, "B to c"));
    assert_int_equal(counts.decided, 2); /* the tail is not judged */
    assert_int_equal(counts.events, 3);
}

static void what_parts_alike_is_counted_together(void **state)
{
    (void)state;
    record_one(OLD);
    completes();
    for (int i = 2; i <= 5; i++) {
        char key[8], body[32];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(body, sizeof body, "{\"k\":\"%s\",\"n\":2}", key);
        start(&r, key, body);
        completes();
    }
    judge(HEAD
          "version: 2\nsteps:\n" STEP_A "  - choose:\n      - { when: .input.n == 1, steps: [] "
          "}\n      - else:\n          - { step: b, send: p/B, body: '{new: 1}', success: BDone,"
          " compensate: none }\n");
    assert_int_equal(group_count, 2);
    assert_true(saga_slice_is(groups[0]->what, "sends another body of B"));
    assert_int_equal(groups[0]->count, 4);
    assert_int_equal(groups[0]->example_count, 3);
    assert_true(saga_slice_is(groups[0]->examples[0].saga_id, "s/k2"));
    assert_true(saga_slice_is(groups[1]->what, "does not send B"));
    assert_int_equal(groups[1]->count, 1);
}

static void another_order_is_other_commands(void **state)
{
    (void)state;
    record_one(OLD);
    completes();
    judge(HEAD "version: 2\nsteps:\n  - { step: b, send: p/B, success: BDone, compensate: none "
               "}\n" STEP_A);
    all_part(SAGA_WHAT_IF_OTHER_COMMANDS, "b", "sends B instead of A");
}

static void a_step_more_and_a_step_less(void **state)
{
    (void)state;
    record_one(OLD);
    completes();
    judge(OLD "  - { step: c, send: p/C, success: CDone, compensate: none }\n");
    all_part(SAGA_WHAT_IF_OTHER_COMMANDS, "c", "sends C besides");
}

static void a_step_less_is_seen_where_it_was_sent(void **state)
{
    (void)state;
    record_one(OLD);
    completes();
    judge(HEAD "version: 2\nsteps:\n" STEP_A);
    all_part(SAGA_WHAT_IF_OTHER_COMMANDS, "b", "does not send B");
}

static void the_event_of_the_end_counts(void **state)
{
    (void)state;
    record_one(OLD DONE);
    completes();
    judge(HEAD "version: 2\nsteps:\n" STEP_A STEP_B
               "on-completed: { publish: e/Ended, body: '{k: .saga.key}' }\n");
    all_part(SAGA_WHAT_IF_OTHER_COMMANDS, "", "sends Ended instead of Done");
}

/* ---- another end ---- */

static void the_same_commands_may_end_otherwise(void **state)
{
    (void)state;
    recorded_begin(&r, HEAD "version: 1\nsteps:\n" STEP_A DONE);
    start(&r, "k1", "{\"k\":\"k1\"}");
    reply(&r, "ANo", "a", "{}");
    judge(HEAD "version: 2\nsteps:\n  - { step: a, send: p/A, body: '{n: .input.n}', success: "
               "[ADone, ANo], compensate: { send: p/UndoA } }\n" DONE);
    all_part(SAGA_WHAT_IF_ENDED_OTHERWISE, "", "completed instead of compensated");
}

/* ---- stuck, and not taken ---- */

static void a_body_that_fails_behind_the_pivot_is_stuck(void **state)
{
    (void)state;
#define PIVOT "  - { step: v, send: p/V, success: VDone, failure: VNo, pivot: true }\n"
    recorded_begin(&r, HEAD "version: 1\nsteps:\n" PIVOT
                            "  - { step: z, send: p/Z, body: '{n: .input.n}', success: ZDone }\n");
    start(&r, "k1", "{\"k\":\"k1\",\"n\":1}");
    reply(&r, "VDone", "v", "{}");
    reply(&r, "ZDone", "z", "{}");
    judge(HEAD "version: 2\nsteps:\n" PIVOT
               "  - { step: z, send: p/Z, body: '{n: (.input.n | keys)}', success: ZDone }\n");
    const struct saga_what_if_example *example = all_part(SAGA_WHAT_IF_STUCK, "z", "on body");
    assert_non_null(memmem(example->instead.words.data, example->instead.words.size, "keys", 4));
}

static void an_answer_that_it_does_not_know_is_unhandled(void **state)
{
    (void)state;
    record_one(OLD);
    reply(&r, "ANo", "a", "{\"why\":1}");
    judge(HEAD
          "version: 2\nsteps:\n  - { step: a, send: p/A, body: '{n: .input.n}', success: ADone,"
          " compensate: { send: p/UndoA } }\n" STEP_B);
    const struct saga_what_if_example *example =
        all_part(SAGA_WHAT_IF_UNHANDLED, "a", "ANo: unexpected-type");
    assert_true(saga_slice_is(example->recorded.body, "{\"why\":1}"));
}

static void an_operators_act_may_be_refused(void **state)
{
    (void)state;
    recorded_begin(&r, HEAD "version: 1\nsteps:\n" STEP_A STEP_B);
    start(&r, "k1", "{\"k\":\"k1\"}");
    reply(&r, "ADone", "a", "{}");
    operate(&r, SAGA_VERB_CANCEL, NULL);
    judge(HEAD
          "version: 2\nsteps:\n  - { step: a, send: p/A, body: '{n: .input.n}', success: ADone,"
          " failure: ANo, pivot: true }\n  - { step: b, send: p/B, body: '{a: .steps.a.id}',"
          " success: BDone, failure: BNo }\n");
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_UNHANDLED], 1);
    assert_true(saga_slice_starts_with(groups[0]->what, "cancel: "));
}

/* ---- time ---- */

static void an_answer_behind_the_new_timeout_is_not_taken(void **state)
{
    (void)state;
    record_one(OLD);
    pass(&r, 7000);
    completes();
    judge(HEAD
          "version: 2\nsteps:\n  - { step: a, send: p/A, body: '{n: .input.n}', success: ADone,"
          " timeout: 5s, compensate: { send: p/UndoA } }\n" STEP_B);
    all_part(SAGA_WHAT_IF_OTHER_TIME, "a", "the timer of the step rings before");
}

static void an_answer_before_the_new_timeout_is(void **state)
{
    (void)state;
    record_one(OLD);
    pass(&r, 4000);
    completes();
    judge(HEAD "version: 2\ndeadline: 1h\nsteps:\n  - { step: a, send: p/A, body: '{n: .input.n}', "
               "success: ADone, timeout: 5s, compensate: { send: p/UndoA } }\n" STEP_B);
    all_same(1);
}

static void a_timeout_that_became_longer_parts_when_it_rang(void **state)
{
    (void)state;
    record_one(OLD);
    ring(&r, "step/a");
    ring(&r, "step/a");
    completes();
    judge(HEAD
          "version: 2\nsteps:\n  - { step: a, send: p/A, body: '{n: .input.n}', success: ADone,"
          " timeout: 15s, compensate: { send: p/UndoA } }\n" STEP_B);
    all_part(SAGA_WHAT_IF_OTHER_TIME, "a", "the timer of the step rings later");
}

static void a_deadline_that_would_have_passed_parts(void **state)
{
    (void)state;
    record_one(OLD);
    pass(&r, 5000);
    completes();
    judge(HEAD "version: 2\ndeadline: 2s\nsteps:\n" STEP_A STEP_B);
    all_part(SAGA_WHAT_IF_OTHER_TIME, "", "the deadline rings before");
}

static void an_open_saga_whose_timer_would_have_rung_parts(void **state)
{
    (void)state;
    record_one(OLD);
    struct saga_state *first = saga_state_clone(r.state);
    pass(&r, 8000);
    start(&r, "k2", "{\"k\":\"k2\",\"n\":1}");
    saga_state_free(first);
    judge(HEAD
          "version: 2\nsteps:\n  - { step: a, send: p/A, body: '{n: .input.n}', success: ADone,"
          " timeout: 5s, compensate: { send: p/UndoA } }\n" STEP_B);
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_OTHER_TIME], 1);
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_SAME], 1);
    assert_int_equal(groups[0]->examples[0].offset, -1);
}

/* The wait's timer is called by its place in the file. */
static void a_wait_that_moved_in_the_file_is_the_same(void **state)
{
    (void)state;
#define WAITS(version, before, wait)                                                               \
    HEAD "version: " version "\nsteps:\n" before STEP_A "  - wait: " wait "\n" STEP_B
    recorded_begin(&r, WAITS("1", "", "5s"));
    start(&r, "k1", "{\"k\":\"k1\"}");
    reply(&r, "ADone", "a", "{}");
    ring(&r, "wait/wait#2");
    reply(&r, "BDone", "b", "{}");
    judge(WAITS("2", "  - set: { x: '1' }\n", "5s"));
    all_same(1);
}

static void a_wait_of_another_length_parts(void **state)
{
    (void)state;
    recorded_begin(&r, WAITS("1", "", "5s"));
    start(&r, "k1", "{\"k\":\"k1\"}");
    reply(&r, "ADone", "a", "{}");
    ring(&r, "wait/wait#2");
    judge(WAITS("2", "  - set: { x: '1' }\n", "6s"));
    all_part(SAGA_WHAT_IF_OTHER_TIME, "", "a wait rings later");
}

static void a_wait_less_at_the_end_ends_earlier(void **state)
{
    (void)state;
    recorded_begin(&r, HEAD "version: 1\nsteps:\n" STEP_A "  - wait: 5s\n" DONE);
    start(&r, "k1", "{\"k\":\"k1\"}");
    reply(&r, "ADone", "a", "{}");
    ring(&r, "wait/wait#2");
    judge(HEAD "version: 2\nsteps:\n" STEP_A DONE);
    all_part(SAGA_WHAT_IF_OTHER_TIME, "", "ends earlier, with the same commands");
}

/* ---- starts ---- */

static void a_start_that_when_refuses_starts_nothing(void **state)
{
    (void)state;
    record_one(OLD);
    completes();
    judge("saga: s\nversion: 2\nparticipants: { p: { commands: c, replies: r } }\n"
          "start: { topic: t, event: Go, key: .k, when: .n > 1 }\nsteps:\n" STEP_A STEP_B);
    all_part(SAGA_WHAT_IF_NOT_STARTED, "", "`when` is not true of the start event");
}

static void another_event_another_key_and_a_start_by_hand(void **state)
{
    struct saga_event by_hand;
    (void)state;
    recorded_begin(&r, OLD);
    by_hand = recorded_start(&r, "k1", "{\"k\":\"k1\",\"n\":1}");
    by_hand.source.topic = SAGA_SLICE(RECORDED_INBOX);
    recorded_take(&r, by_hand);
    completes();
    start(&r, "k2", "{\"k\":\"k2\",\"n\":1}");
    judge("saga: s\nversion: 2\nparticipants: { p: { commands: c, replies: r } }\n"
          "start: { topic: t, event: Went, key: .k }\nsteps:\n" STEP_A STEP_B);
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_NOT_STARTED], 1);
    assert_true(saga_slice_is(groups[0]->what, "does not start on Go of t"));
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_SAME], 1);
}

static void another_key_is_another_saga(void **state)
{
    (void)state;
    record_one(OLD);
    judge("saga: s\nversion: 2\nparticipants: { p: { commands: c, replies: r } }\n"
          "start: { topic: t, event: Go, key: .n }\nsteps:\n" STEP_A STEP_B);
    all_part(SAGA_WHAT_IF_NOT_STARTED, "", "`key` finds another one in the start event");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_version_goes_the_same_way),
        TEST(what_is_not_sent_makes_no_difference),
        TEST(the_order_of_members_makes_no_difference),
        TEST(a_definition_that_was_missing_was_missing_for_both),
        TEST(a_saga_without_definition_is_ended_by_an_operator),
        TEST(another_body_parts_at_its_step),
        TEST(what_parts_alike_is_counted_together),
        TEST(another_order_is_other_commands),
        TEST(a_step_more_and_a_step_less),
        TEST(a_step_less_is_seen_where_it_was_sent),
        TEST(the_event_of_the_end_counts),
        TEST(the_same_commands_may_end_otherwise),
        TEST(a_body_that_fails_behind_the_pivot_is_stuck),
        TEST(an_answer_that_it_does_not_know_is_unhandled),
        TEST(an_operators_act_may_be_refused),
        TEST(an_answer_behind_the_new_timeout_is_not_taken),
        TEST(an_answer_before_the_new_timeout_is),
        TEST(a_timeout_that_became_longer_parts_when_it_rang),
        TEST(a_deadline_that_would_have_passed_parts),
        TEST(an_open_saga_whose_timer_would_have_rung_parts),
        TEST(a_wait_that_moved_in_the_file_is_the_same),
        TEST(a_wait_of_another_length_parts),
        TEST(a_wait_less_at_the_end_ends_earlier),
        TEST(a_start_that_when_refuses_starts_nothing),
        TEST(another_event_another_key_and_a_start_by_hand),
        TEST(another_key_is_another_saga),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
