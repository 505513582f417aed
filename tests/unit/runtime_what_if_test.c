/* What would have been (runtime/what_if.h): recorded sagas, decided by another version, of which it is known where the ways
 * part. */
#include "runtime_recorded.h"

#include <stdlib.h>

#include "runtime/what_if.h"

#define HEAD                                                                                       \
    "saga: s\nparticipants: { p: { commands: c, replies: r } }\nstart: { topic: t, event: Go, "    \
    "key: .k }\nkeep: 1h\ndefaults: { timeout: 10s, retry: { attempts: 2, backoff: 1s, jitter: "   \
    "false } }\n"
#define STEP_A                                                                                     \
    "  - { step: a, send: p/A, body: '{n: .input.n}', success: ADone, failure: ANo,\n"             \
    "      compensate: { send: p/UndoA } }\n"
#define STEP_B                                                                                     \
    "  - { step: b, send: p/B, body: '{a: .steps.a.id}', success: BDone, failure: BNo,\n"          \
    "      compensate: none }\n"
#define OLD HEAD "version: 1\nsteps:\n" STEP_A STEP_B
#define DONE "on-completed: { publish: e/Done, body: '{k: .saga.key}' }\n"

static struct recorded r;
static struct saga_definition *definition;
static struct saga_what_if *what_if;
static struct saga_what_if_counts counts;
static const struct saga_what_if_group *const *groups;
static size_t group_count;

static int set_up(void **state)
{
    (void)state;
    definition = NULL;
    what_if = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    saga_what_if_free(what_if);
    saga_definition_free(definition);
    recorded_end(&r);
    return 0;
}

static void begin(const char *yaml, int64_t since_ms)
{
    const struct saga_what_if_options options = { .name = SAGA_SLICE("s"),
                                                  .since_ms = since_ms,
                                                  .inbox = SAGA_SLICE(RECORDED_INBOX) };
    definition = recorded_load(yaml);
    saga_what_if_new(r.codec, definition, &options, &what_if);
    saga_what_if_lane_begin(what_if, 3);
}

static void end(void)
{
    uint64_t sum = 0;
    saga_what_if_lane_end(what_if);
    saga_what_if_count(what_if, &counts);
    group_count = saga_what_if_groups(what_if, &groups);
    for (int i = 0; i < SAGA_WHAT_IF_CLASS_COUNT; i++) sum += counts.by_class[i];
    assert_int_equal(sum, counts.sagas);
}

/* Of the records so far, all but the first `cut`. */
static void judge_from(size_t cut, const char *yaml, int64_t since_ms)
{
    begin(yaml, since_ms);
    for (size_t i = cut; i < r.count; i++) saga_what_if_record(what_if, &r.records[i]);
    end();
}

static void judge(const char *yaml)
{
    judge_from(0, yaml, 0);
}

/* All sagas are of one class, and of one group. */
static const struct saga_what_if_example *all_part(enum saga_what_if_class class, const char *step,
                                                   const char *what)
{
    if (group_count != 1) {
        for (size_t i = 0; i < group_count; i++)
            print_message("%s, step %.*s: %.*s\n", saga_what_if_class_name(groups[i]->class),
                          SAGA_SLICE_ARG(groups[i]->step), SAGA_SLICE_ARG(groups[i]->what));
        for (int i = 0; i < SAGA_WHAT_IF_CLASS_COUNT; i++)
            print_message("%s: %llu\n", saga_what_if_class_name((enum saga_what_if_class)i),
                          (unsigned long long)counts.by_class[i]);
    }
    assert_int_equal(group_count, 1);
    assert_string_equal(saga_what_if_class_name(groups[0]->class), saga_what_if_class_name(class));
    assert_int_equal(counts.by_class[class], counts.sagas);
    assert_int_equal(groups[0]->count, counts.sagas);
    if (!saga_slice_is(groups[0]->what, what) || !saga_slice_is(groups[0]->step, step))
        fail_msg("%.*s: %.*s", SAGA_SLICE_ARG(groups[0]->step), SAGA_SLICE_ARG(groups[0]->what));
    return &groups[0]->examples[0];
}

static void all_same(uint64_t sagas)
{
    if (counts.by_class[SAGA_WHAT_IF_SAME] != counts.sagas) all_part(SAGA_WHAT_IF_SAME, "", "");
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_SAME], sagas);
    assert_int_equal(counts.sagas, sagas);
}

static void record_one(const char *yaml)
{
    recorded_begin(&r, yaml);
    start(&r, "k1", "{\"k\":\"k1\",\"n\":1}");
}

static void completes(void)
{
    reply(&r, "ADone", "a", "{\"id\":7}");
    reply(&r, "BDone", "b", "{}");
}

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

/* ---- what is asked for, and what is not there ---- */

static void since_leaves_older_sagas_out(void **state)
{
    (void)state;
    record_one(OLD);
    int64_t since_ms = r.time_ms + 1000;
    pass(&r, 2000);
    completes();
    start(&r, "k2", "{\"k\":\"k2\",\"n\":1}");
    completes();
    judge_from(0, OLD, since_ms);
    all_same(1);
    saga_what_if_free(what_if);
    saga_definition_free(definition);
    judge_from(1, OLD, since_ms); /* the first of its records is too late to tell when it began */
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_NOT_JUDGED], 1);
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_SAME], 1);
    saga_what_if_free(what_if);
    saga_definition_free(definition);
    judge_from(1, OLD, since_ms + 5000);
    all_same(0);
}

static void other_definitions_are_left_alone(void **state)
{
    const struct saga_what_if_options options = { .name = SAGA_SLICE("other") };
    (void)state;
    record_one(OLD);
    definition = recorded_load(OLD);
    saga_what_if_new(r.codec, definition, &options, &what_if);
    saga_what_if_lane_begin(what_if, 0);
    for (size_t i = 0; i < r.count; i++) saga_what_if_record(what_if, &r.records[i]);
    end();
    assert_int_equal(counts.sagas, 0);
    assert_int_equal(counts.records, 1);
}

static void a_cut_journal_is_not_judged_where_it_was_cut(void **state)
{
    (void)state;
    record_one(OLD);
    completes();
    reply(&r, "BDone", "b", "{}"); /* an echo */
    start(&r, "k2", "{\"k\":\"k2\",\"n\":1}");
    completes();
    judge_from(1, OLD, 0);
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_NOT_JUDGED], 1);
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_SAME], 1);
    assert_true(saga_slice_is(groups[0]->what, "its beginning is not in the journal"));
    saga_what_if_free(what_if);
    saga_definition_free(definition);
    judge_from(3, OLD, 0); /* nothing is left of the first but the echo */
    all_same(1);
}

static void records_that_are_none_are_counted(void **state)
{
    const struct saga_what_if_unreadable *unreadable;
    (void)state;
    record_one(OLD);
    recorded_push(&r, SAGA_SLICE("somebody's"));
    completes();
    recorded_push(&r, SAGA_SLICE_NONE);
    judge(OLD);
    all_same(1);
    assert_int_equal(counts.unreadable, 2);
    assert_int_equal(saga_what_if_unreadable(what_if, &unreadable), 2);
    assert_int_equal(unreadable[0].offset, 1);
    assert_int_equal(unreadable[0].lane, 3);
    assert_int_equal(unreadable[1].offset, 4);
}

static void a_record_that_was_taken_out_is_seen(void **state)
{
    (void)state;
    record_one(OLD);
    completes();
    r.records[1].value = SAGA_SLICE("gone");
    judge(OLD);
    all_part(SAGA_WHAT_IF_NOT_JUDGED, "",
             "a record is missing before this one, or does not follow on it");
}

static void a_body_that_is_no_json_is_not_decided(void **state)
{
    (void)state;
    record_one(OLD);
    reply(&r, "ADone", "a", "{\"id\":7}");
    char *bytes = (char *)(uintptr_t)r.records[1].value.data;
    char *body = memmem(bytes, r.records[1].value.size, "{\"id\":7}", 8);
    assert_non_null(body);
    memcpy(body, "{\"id\"\":\"", 8);
    judge(OLD);
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_NOT_JUDGED], 1);
}

/* Whatever stands in a record: each saga is still in one class, and nothing crashes. */
static void damage_is_borne(void **state)
{
    static const unsigned char flips[] = { 0x01, 0x80, 0xff };
    (void)state;
    record_one(OLD DONE);
    reply(&r, "ADone", "a", "{\"id\":7}");
    ring(&r, "step/b");
    operate(&r, SAGA_VERB_PAUSE, NULL);
    operate(&r, SAGA_VERB_RESUME, NULL);
    operate(&r, SAGA_VERB_CANCEL, NULL);
    begin(HEAD "version: 2\nsteps:\n  - set: { x: .input.n }\n" STEP_A STEP_B DONE, 0);
    for (size_t i = 0; i < r.count; i++)
        for (size_t byte = 0; byte < r.records[i].value.size; byte++)
            for (size_t f = 0; f < sizeof flips; f++) {
                char *at = (char *)(uintptr_t)r.records[i].value.data + byte;
                *at = (char)(*at ^ flips[f]);
                for (size_t n = 0; n < r.count; n++)
                    saga_what_if_record(what_if, &r.records[n]);
                *at = (char)(*at ^ flips[f]);
                saga_what_if_lane_end(what_if);
                saga_what_if_lane_begin(what_if, 3);
            }
    end();
    assert_true(counts.unreadable > 0);
    assert_true(counts.by_class[SAGA_WHAT_IF_NOT_JUDGED] > 0);
}

/* ---- many ---- */

#define BRANCHES(version, limit)                                                                   \
    HEAD                                                                                           \
        "version: " version "\nsteps:\n"                                                           \
        "  - { step: reserve, send: p/Reserve, body: '{k: .input.k}', success: Reserved,\n"        \
        "      failure: OutOfStock, compensate: { send: p/Release } }\n"                           \
        "  - choose:\n"                                                                            \
        "      - when: .input.amount > " limit "\n"                                                \
        "        steps: [{ step: review, send: p/Review, body: '{k: .input.k}', success: "         \
        "Reviewed, compensate: none }]\n"                                                          \
        "      - else: []\n"                                                                       \
        "  - { step: charge, send: p/Charge, body: '{amount: .input.amount}', success: Charged,\n" \
        "      failure: Declined, compensate: { send: p/Refund } }\n"                              \
        "on-completed: { publish: e/Done, body: '{k: .saga.key}' }\n"

#ifdef __SANITIZE_ADDRESS__
enum { SAGAS = 10000 };
#else
enum { SAGAS = 100000 };
#endif
enum { AT_ONCE = 500, AMOUNTS = 200 };

static unsigned amount_of(unsigned number)
{
    return number % AMOUNTS;
}

static bool is_out_of_stock(unsigned number)
{
    return number % 7 == 0;
}

static bool is_declined(unsigned number)
{
    return number % 11 == 0;
}

/* What comes next for the saga; false: it has ended. */
static bool next_event(const struct saga_state *state, unsigned number, struct saga_event *ret)
{
    static const struct {
        const char *step, *type, *no;
    } steps[] = { { "reserve", "Reserved", "OutOfStock" },
                  { "review", "Reviewed", NULL },
                  { "charge", "Charged", "Declined" } };
    *ret = (struct saga_event){ .kind = SAGA_EVENT_REPLY,
                                .run = state->run,
                                .source = { SAGA_SLICE("r"), 0, 0 },
                                .body = SAGA_SLICE("{\"ok\":true}") };
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *step = &state->steps[i];
        ret->step = step->path;
        ret->compensation = step->compensation == SAGA_COMPENSATION_SENT;
        ret->type = SAGA_SLICE("Undone");
        if (ret->compensation) return true;
        if (step->status != SAGA_STEP_SENT) continue;
        for (size_t s = 0; s < 3; s++) {
            if (!saga_slice_is(step->path, steps[s].step)) continue;
            bool no = s == 0 ? is_out_of_stock(number) : s == 2 && is_declined(number);
            ret->type = saga_slice_of(no ? steps[s].no : steps[s].type);
        }
        return true;
    }
    return false;
}

static void record_many(unsigned first)
{
    static struct saga_state *states[AT_ONCE];
    struct saga_arena arena;
    struct saga_event event;
    saga_arena_init(&arena);
    for (unsigned round = 0, open = AT_ONCE; open; round++) {
        open = 0;
        for (unsigned i = 0; i < AT_ONCE; i++) {
            unsigned number = first + i;
            char key[32], body[128];
            saga_arena_reset(&arena);
            if (round == 0) {
                snprintf(key, sizeof key, "k%u", number);
                snprintf(body, sizeof body, "{\"k\":\"%s\",\"amount\":%u}", key, amount_of(number));
                states[i] = saga_state_new();
                event = recorded_start(&r, key, body);
            } else if (!next_event(states[i], number, &event)) {
                continue;
            }
            open++;
            r.time_ms++;
            const struct saga_message message = {
                .offset = r.offset++,
                .value = recorded_decide(&r, states[i], event, &arena),
            };
            saga_what_if_record(what_if, &message);
        }
    }
    for (unsigned i = 0; i < AT_ONCE; i++) saga_state_free(states[i]);
    saga_arena_free(&arena);
}

/* Those with an amount from 51 to 100 are reviewed by the new version, if they come so far. */
static void many_sagas_give_exactly_the_known_numbers(void **state)
{
    uint64_t other = 0;
    (void)state;
    recorded_begin(&r, BRANCHES("1", "100"));
    begin(BRANCHES("2", "50"), 0);
    for (unsigned first = 0; first < SAGAS; first += AT_ONCE) record_many(first);
    for (unsigned i = 0; i < SAGAS; i++)
        other += !is_out_of_stock(i) && amount_of(i) > 50 && amount_of(i) <= 100;
    end();
    assert_int_equal(counts.sagas, SAGAS);
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_OTHER_COMMANDS], other);
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_SAME], SAGAS - other);
    assert_int_equal(counts.open, 0);
    assert_int_equal(counts.open_max, AT_ONCE); /* so much is held, however many there are */
    assert_int_equal(group_count, 1);
    assert_true(saga_slice_is(groups[0]->step, "review"));
    assert_true(saga_slice_is(groups[0]->what, "sends Review instead of Charge"));
    assert_int_equal(groups[0]->count, other);
    assert_int_equal(groups[0]->example_count, SAGA_WHAT_IF_EXAMPLES_MAX);
    for (size_t i = 0; i < groups[0]->example_count; i++) {
        unsigned number =
            (unsigned)strtoul(groups[0]->examples[i].saga_id.data + strlen("s/k"), NULL, 10);
        assert_true(amount_of(number) > 50 && amount_of(number) <= 100);
    }
}

static void classes_have_their_names(void **state)
{
    (void)state;
    for (int i = 0; i < SAGA_WHAT_IF_CLASS_COUNT; i++) {
        const char *name = saga_what_if_class_name((enum saga_what_if_class)i);
        assert_int_equal(saga_what_if_class_of(saga_slice_of(name)), i);
    }
    assert_int_equal(saga_what_if_class_of(SAGA_SLICE("nothing")), SAGA_WHAT_IF_CLASS_COUNT);
    recorded_begin(&r, OLD);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_version_goes_the_same_way),
        TEST(what_is_not_sent_makes_no_difference),
        TEST(the_order_of_members_makes_no_difference),
        TEST(another_body_parts_at_its_step),
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
        TEST(since_leaves_older_sagas_out),
        TEST(other_definitions_are_left_alone),
        TEST(a_cut_journal_is_not_judged_where_it_was_cut),
        TEST(records_that_are_none_are_counted),
        TEST(a_record_that_was_taken_out_is_seen),
        TEST(a_body_that_is_no_json_is_not_decided),
        TEST(damage_is_borne),
        TEST(many_sagas_give_exactly_the_known_numbers),
        TEST(classes_have_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
