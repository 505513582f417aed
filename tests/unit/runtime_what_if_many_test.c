/* Which sagas another version is asked about (runtime/what_if.h), what of a journal cannot be judged, and many sagas of which
 * it is known how many part. */
#include "runtime_trial.h"

#include <stdlib.h>

/* ---- what is asked for, and what is not there ---- */

/* Two sagas that complete; gives a time between their beginnings. */
static int64_t record_an_old_and_a_new(void)
{
    record_one(OLD);
    int64_t since_ms = r.time_ms + 1000;
    pass(&r, 2000);
    completes();
    start(&r, "k2", "{\"k\":\"k2\",\"n\":1}");
    completes();
    return since_ms;
}

static void since_leaves_older_sagas_out(void **state)
{
    (void)state;
    int64_t since_ms = record_an_old_and_a_new();
    judge_from(0, OLD, since_ms);
    all_same(1);
    assert_int_equal(counts.events,
                     3); /* of the second: those of the first are not unknown, but none of its */
    assert_int_equal(counts.decided, 3);
    saga_what_if_free(what_if);
    saga_definition_free(definition);
    judge_from(1, OLD, since_ms); /* the first of its records is too late to tell when it began */
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_NOT_JUDGED], 1);
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_SAME], 1);
    saga_what_if_free(what_if);
    saga_definition_free(definition);
    judge_from(1, OLD, since_ms + 5000);
    all_same(0);
    assert_int_equal(counts.events, 0);
}

/* Catches that what was not read, as it is too old, is told as missing. */
static void what_was_not_read_is_older(void **state)
{
    (void)state;
    int64_t since_ms = record_an_old_and_a_new();
    begin(OLD, since_ms);
    saga_what_if_skipped(what_if);
    for (size_t i = 1; i < r.count; i++) saga_what_if_record(what_if, &r.records[i]);
    end();
    all_same(1);
}

/* Catches a bound on memory that is never met, or that stays met. */
static void what_is_held_is_weighed(void **state)
{
    (void)state;
    record_one(OLD);
    for (int i = 2; i < 100; i++) {
        char key[16], body[32];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(body, sizeof body, "{\"k\":\"%s\",\"n\":1}", key);
        start(&r, key, body);
    }
    begin(OLD, 0);
    assert_int_equal(saga_what_if_held_bytes(what_if), 0);
    saga_what_if_record(what_if, &r.records[0]);
    size_t one = saga_what_if_held_bytes(what_if);
    assert_true(one > 500);
    for (size_t i = 1; i < r.count; i++) saga_what_if_record(what_if, &r.records[i]);
    assert_true(saga_what_if_held_bytes(what_if) > 90 * one);
    assert_true(saga_what_if_held_bytes(what_if) < 110 * one);
    end();
    assert_int_equal(saga_what_if_held_bytes(what_if), 0);
    all_same(99);
}

/* ---- what is given up ---- */

#define SUMS                                                                                       \
    "saga: s\nparticipants: { p: { commands: c, replies: r } }\nstart: { topic: t, event: Go, "    \
    "key: .k, when: .n + 0 == 1 }\nkeep: 1h\ndefaults: { timeout: 10s, retry: { attempts: 2, "     \
    "backoff: 1s, jitter: false } }\nversion: 2\nsteps:\n"                                         \
    "  - { step: a, send: p/A, body: '{n: (.input.n + 0)}', success: ADone, failure: ANo,\n"       \
    "      compensate: { send: p/UndoA } }\n"                                                      \
    "  - { step: b, send: p/B, body: '{a: (.steps.a.id + 0)}', success: BDone, failure: BNo,\n"    \
    "      compensate: none }\n"

static bool is_given_up(void *context)
{
    unsigned *left = context;
    return *left == 0 || --*left == 0;
}

/* Gives up at the `at`th expression that is not plain. One saga goes the same way for so many of its records. */
static void give_up_at(unsigned at, const char *yaml, uint64_t records)
{
    begin(yaml, 0);
    saga_expression_give_up_by(is_given_up, &at);
    size_t i = 0;
    while (i < r.count && saga_what_if_record(what_if, &r.records[i])) i++;
    saga_expression_give_up_by(NULL, NULL);
    end();
    assert_int_equal(i, records);
    assert_int_equal(counts.records, records);
    assert_int_equal(counts.events, records);
    assert_int_equal(counts.decided, records);
    assert_int_equal(counts.open, records > 0 && records < r.count);
    all_same(records > 0);
    saga_what_if_free(what_if);
    saga_definition_free(definition);
    what_if = NULL;
    definition = NULL;
}

/* Catches that a record of which an expression is given up is judged by what it then gives, or leaves something behind. */
static void a_record_that_is_given_up_is_as_if_it_was_not_there(void **state)
{
    (void)state;
    record_one(OLD);
    completes();
    give_up_at(1, SUMS, 0); /* `when` */
    give_up_at(2, SUMS, 0);
    give_up_at(3, SUMS, 1);
    give_up_at(4, SUMS, 3); /* there is none */
}

/* The same where the states are two, and the recorded one is a record further when the new one is decided once more: an
 * operator's act may have found the definition. */
static void a_state_that_is_given_up_is_left_with_the_recorded_one(void **state)
{
    (void)state;
    record_one(OLD DONE);
    struct saga_definition *kept = r.definition;
    r.definition = NULL;
    reply(&r, "ADone", "a", "{\"id\":7}");
    r.definition = kept;
    operate(&r, SAGA_VERB_RESOLVE, "completed");
    give_up_at(2,
               HEAD "version: 2\nsteps:\n  - set: { x: .input.n + 0 }\n" STEP_A STEP_B
                    "on-completed: { publish: e/Done, body: '{k: (.saga.key + \"\")}' }\n",
               2);
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

/* Catches that an echo of a saga that is known no more is told as an event behind a place where ways part. */
static void an_echo_behind_the_end_is_no_event(void **state)
{
    (void)state;
    record_one(OLD);
    completes();
    reply(&r, "BDone", "b", "{}");
    judge(OLD);
    all_same(1);
    assert_int_equal(counts.events, counts.decided);
    saga_what_if_free(what_if);
    saga_definition_free(definition);
    judge_from(0, OLD, r.time_ms + 1000);
    all_same(0);
    assert_int_equal(counts.events, 0);
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
                for (size_t n = 0; n < r.count; n++) saga_what_if_record(what_if, &r.records[n]);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(since_leaves_older_sagas_out),
        TEST(what_was_not_read_is_older),
        TEST(what_is_held_is_weighed),
        TEST(a_record_that_is_given_up_is_as_if_it_was_not_there),
        TEST(a_state_that_is_given_up_is_left_with_the_recorded_one),
        TEST(other_definitions_are_left_alone),
        TEST(a_cut_journal_is_not_judged_where_it_was_cut),
        TEST(an_echo_behind_the_end_is_no_event),
        TEST(records_that_are_none_are_counted),
        TEST(a_record_that_was_taken_out_is_seen),
        TEST(a_body_that_is_no_json_is_not_decided),
        TEST(damage_is_borne),
        TEST(many_sagas_give_exactly_the_known_numbers),
        TEST(classes_have_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
