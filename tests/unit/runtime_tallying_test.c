/* What states count as, and that what changes from one to the next adds up to the last one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/error.h"
#include "engine/places.h"
#include "runtime/tallying.h"

static struct saga_arena arena;
static struct saga_state *saga;
static struct saga_tally tally;

static int setup(void **state)
{
    (void)state;
    saga_arena_init(&arena);
    saga_tally_init(&tally, &arena);
    saga = saga_state_new();
    saga->id = SAGA_SLICE("order/1");
    saga->run = SAGA_SLICE("r1");
    saga->name = SAGA_SLICE("order");
    saga->version = 3;
    saga->status = SAGA_RUNNING;
    saga->started_ms = 1000;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    saga_state_free(saga);
    saga_tally_free(&tally);
    saga_arena_free(&arena);
    return 0;
}

static struct saga_step_state *add_step(const char *path, enum saga_step_status status,
                                        int64_t sent_ms, int64_t answered_ms)
{
    SAGA_PUSH(&saga->arena, saga->steps, saga->step_count, saga->step_capacity,
              ((struct saga_step_state){ .path = saga_slice_of(path),
                                         .status = status,
                                         .sent_ms = sent_ms,
                                         .answered_ms = answered_ms }));
    return &saga->steps[saga->step_count - 1];
}

static int64_t sum_of(enum saga_tally_table table, const char *field)
{
    size_t count;
    const struct saga_tally_sum *sums = saga_tally_sums(&tally, &count);
    for (size_t i = 0; i < count; i++)
        if (sums[i].table == table && saga_slice_is(sums[i].field, field)) return sums[i].by;
    return 0;
}

/* Of those that do not come to 0. */
static size_t sum_count(void)
{
    size_t count, all = 0;
    const struct saga_tally_sum *sums = saga_tally_sums(&tally, &count);
    for (size_t i = 0; i < count; i++) all += sums[i].by != 0;
    return all;
}

static const char *ids(const struct saga_tally_member *members, size_t count)
{
    static char text[200];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i ? " " : "",
                                 SAGA_SLICE_ARG(members[i].id));
    return text;
}

/* Who came into a list, or left it, as words; "" where it is not named. */
static const char *moved(enum saga_tally_table table, const char *field, bool entered)
{
    size_t count;
    const struct saga_tally_sum *sums = saga_tally_sums(&tally, &count);
    for (size_t i = 0; i < count; i++)
        if (sums[i].table == table && saga_slice_is(sums[i].field, field))
            return entered ? ids(sums[i].entered, sums[i].entered_count)
                           : ids(sums[i].left, sums[i].left_count);
    return "";
}

static void a_saga_counts_once_at_each_of_its_places(void **state)
{
    (void)state;
    add_step("pack[0]", SAGA_STEP_SENT, 1100, 0);
    add_step("charge", SAGA_STEP_BACKOFF, 1100, 0);
    add_step("pack[1]", SAGA_STEP_SENT, 1100, 0);
    add_step("reserve", SAGA_STEP_SUCCEEDED, 1000, 1064);
    SAGA_PUSH(&saga->arena, saga->timers, saga->timer_count, saga->timer_capacity,
              ((struct saga_timer){ .name = SAGA_SLICE("wait/cool-off[2]"), .armed = 1 }));
    SAGA_PUSH(&saga->arena, saga->timers, saga->timer_count, saga->timer_capacity,
              ((struct saga_timer){ .name = SAGA_SLICE("step/charge"), .armed = 1 }));
    saga_tally_state(&tally, saga);
    assert_int_equal(sum_count(), 5);
    assert_int_equal(sum_of(SAGA_TALLY_COUNTS, "order@3:running"), 1);
    assert_int_equal(sum_of(SAGA_TALLY_STEPS, "order@3:running:pack"), 1);
    assert_int_equal(sum_of(SAGA_TALLY_STEPS, "order@3:running:charge"), 1);
    assert_int_equal(sum_of(SAGA_TALLY_STEPS, "order@3:running:cool-off"), 1);
    assert_int_equal(sum_of(SAGA_TALLY_DURATIONS, "order@3:succeeded:32:reserve"), 1);
}

static void what_it_hangs_on_is_a_place(void **state)
{
    (void)state;
    saga->status = SAGA_STUCK;
    saga->stuck_step = SAGA_SLICE("ship[4]");
    add_step("charge", SAGA_STEP_SUCCEEDED, 1, 1)->compensation = SAGA_COMPENSATION_EXHAUSTED;
    saga_tally_state(&tally, saga);
    assert_int_equal(sum_of(SAGA_TALLY_STEPS, "order@3:stuck:ship"), 1);
    assert_int_equal(sum_of(SAGA_TALLY_STEPS, "order@3:stuck:charge"), 1);
    assert_int_equal(sum_count(), 4);
}

/* From one state to the next, told of alone. */
static void change(const struct saga_state *before, const struct saga_state *after)
{
    saga_tally_free(&tally);
    saga_tally_init(&tally, &arena);
    saga_tally_change(&tally, before, after);
}

static void a_saga_is_in_the_lists_of_its_steps(void **state)
{
    (void)state;
    add_step("pack[0]", SAGA_STEP_SENT, 1100, 0);
    add_step("pack[1]", SAGA_STEP_SENT, 1100, 0);
    add_step("charge", SAGA_STEP_SENT, 1100, 0);
    saga->changed_ms = 1100;
    change(NULL, saga);
    assert_string_equal(moved(SAGA_TALLY_STEPS, "order@3:running:pack", true), "order/1");
    assert_string_equal(moved(SAGA_TALLY_STEPS, "order@3:running:charge", true), "order/1");
    struct saga_state *next = saga_state_clone(saga);
    next->steps[0].status = SAGA_STEP_SUCCEEDED;
    next->steps[2].status = SAGA_STEP_SUCCEEDED;
    next->steps[1].status = SAGA_STEP_BACKOFF; /* still there */
    change(saga, next);
    assert_string_equal(moved(SAGA_TALLY_STEPS, "order@3:running:charge", false), "order/1");
    assert_int_equal(sum_of(SAGA_TALLY_STEPS, "order@3:running:charge"), -1);
    assert_string_equal(moved(SAGA_TALLY_STEPS, "order@3:running:pack", false), "");
    assert_int_equal(sum_of(SAGA_TALLY_STEPS, "order@3:running:pack"), 0);
    next->status = SAGA_COMPENSATING; /* another list, of the same step */
    change(saga, next);
    assert_string_equal(moved(SAGA_TALLY_STEPS, "order@3:running:pack", false), "order/1");
    assert_string_equal(moved(SAGA_TALLY_STEPS, "order@3:compensating:pack", true), "order/1");
    change(next, NULL);
    assert_string_equal(moved(SAGA_TALLY_STEPS, "order@3:compensating:pack", false), "order/1");
    saga_state_free(next);
}

static void a_saga_with_an_error_is_in_a_list_of_its_status(void **state)
{
    (void)state;
    change(NULL, saga);
    assert_int_equal(sum_of(SAGA_TALLY_ERRORS, "order@3:running"), 0);
    struct saga_state *back = saga_state_clone(saga), *stuck, *resumed;
    back->status = SAGA_COMPENSATING;
    back->has_error = true;
    back->error.type = SAGA_SLICE("Declined");
    change(saga, back);
    assert_string_equal(moved(SAGA_TALLY_ERRORS, "order@3:compensating", true), "order/1");
    assert_int_equal(sum_of(SAGA_TALLY_ERRORS, "order@3:compensating"), 1);
    stuck = saga_state_clone(saga);
    stuck->status = SAGA_STUCK;
    stuck->stuck_message = SAGA_SLICE("no answer");
    change(saga, stuck);
    assert_string_equal(moved(SAGA_TALLY_ERRORS, "order@3:stuck", true), "order/1");
    resumed = saga_state_clone(stuck);
    resumed->status = SAGA_RUNNING;
    resumed->stuck_message = SAGA_SLICE_NONE;
    change(stuck, resumed);
    assert_string_equal(moved(SAGA_TALLY_ERRORS, "order@3:stuck", false), "order/1");
    assert_int_equal(sum_of(SAGA_TALLY_ERRORS, "order@3:running"), 0);
    struct saga_state *otherwise = saga_state_clone(stuck);
    otherwise->stuck_message = SAGA_SLICE("no money"); /* another text in the same list */
    change(stuck, otherwise);
    assert_string_equal(moved(SAGA_TALLY_ERRORS, "order@3:stuck", false), "order/1");
    assert_string_equal(moved(SAGA_TALLY_ERRORS, "order@3:stuck", true), "order/1");
    assert_int_equal(sum_of(SAGA_TALLY_ERRORS, "order@3:stuck"), 0);
    saga_state_free(otherwise);
    stuck->sequence++; /* something happened that changed neither */
    change(stuck, stuck);
    assert_int_equal(sum_count(), 0);
    assert_string_equal(moved(SAGA_TALLY_ERRORS, "order@3:stuck", false), "");
    saga_state_free(back);
    saga_state_free(stuck);
    saga_state_free(resumed);
}

/* Its time in the list is its own. */
static void another_run_comes_into_the_lists_anew(void **state)
{
    (void)state;
    saga->status = SAGA_STUCK;
    saga->stuck_message = SAGA_SLICE("no answer");
    saga->stuck_step = SAGA_SLICE("ship");
    struct saga_state *next = saga_state_clone(saga);
    next->run = SAGA_SLICE("r2");
    change(saga, next);
    assert_string_equal(moved(SAGA_TALLY_ERRORS, "order@3:stuck", false), "order/1");
    assert_string_equal(moved(SAGA_TALLY_ERRORS, "order@3:stuck", true), "order/1");
    assert_string_equal(moved(SAGA_TALLY_STEPS, "order@3:stuck:ship", true), "order/1");
    assert_int_equal(sum_count(), 0);
    saga_state_free(next);
}

/* An operator gave it up: it waits for nothing any more, whatever its steps look like. */
static void a_saga_that_has_ended_is_nowhere(void **state)
{
    (void)state;
    saga->status = SAGA_ABANDONED;
    saga->ended_ms = 61000;
    add_step("charge", SAGA_STEP_SUCCEEDED, 1, 1)->compensation = SAGA_COMPENSATION_FAILED;
    add_step("ship", SAGA_STEP_SENT, 1, 0);
    saga_tally_state(&tally, saga);
    assert_int_equal(sum_of(SAGA_TALLY_COUNTS, "order@3:abandoned"), 1);
    assert_int_equal(sum_of(SAGA_TALLY_DURATIONS, "order@3:abandoned:110"), 1);
    assert_int_equal(sum_of(SAGA_TALLY_DURATIONS, "order@3:succeeded:0:charge"), 1);
    assert_int_equal(sum_count(), 3);
}

static void changes_add_up_to_the_last_state(void **state)
{
    (void)state;
    add_step("reserve", SAGA_STEP_SENT, 1000, 0);
    saga_tally_change(&tally, NULL, saga);
    assert_int_equal(sum_of(SAGA_TALLY_STEPS, "order@3:running:reserve"), 1);
    struct saga_state *first = saga_state_clone(saga);
    saga->steps[0].status = SAGA_STEP_UNKNOWN;
    saga->steps[0].answered_ms = 1005;
    add_step("charge", SAGA_STEP_SENT, 1005, 0);
    saga_tally_change(&tally, first, saga);
    assert_int_equal(sum_of(SAGA_TALLY_STEPS, "order@3:running:reserve"), 0);
    assert_int_equal(sum_of(SAGA_TALLY_DURATIONS, "order@3:unknown:5:reserve"), 1);
    struct saga_state *second = saga_state_clone(saga);
    saga->steps[0].status = SAGA_STEP_SUCCEEDED; /* the late answer */
    saga->steps[0].answered_ms = 1007;
    saga->steps[1].status = SAGA_STEP_SUCCEEDED;
    saga->steps[1].answered_ms = 1006;
    saga->status = SAGA_COMPLETED;
    saga->ended_ms = 1007;
    saga_tally_change(&tally, second, saga);
    assert_int_equal(sum_of(SAGA_TALLY_DURATIONS, "order@3:unknown:5:reserve"), 0);
    assert_int_equal(sum_of(SAGA_TALLY_DURATIONS, "order@3:succeeded:7:reserve"), 1);
    assert_int_equal(sum_of(SAGA_TALLY_DURATIONS, "order@3:succeeded:1:charge"), 1);
    assert_int_equal(sum_of(SAGA_TALLY_DURATIONS, "order@3:completed:7"), 1);
    assert_int_equal(sum_count(), 3); /* its status is the store's to count */
    saga->forgotten = true;
    saga_tally_change(&tally, saga, NULL);
    assert_int_equal(sum_count(), 3); /* it was gone already */
    saga->forgotten = false;
    saga_tally_change(&tally, saga, NULL);
    assert_int_equal(sum_count(), 0);
    saga_state_free(first);
    saga_state_free(second);
}

/* Another run has steps of its own in the same places. */
static void another_run_is_another_saga(void **state)
{
    (void)state;
    add_step("reserve", SAGA_STEP_SUCCEEDED, 1000, 1005);
    struct saga_state *next = saga_state_clone(saga);
    next->run = SAGA_SLICE("r2");
    next->version = 4;
    saga_tally_change(&tally, saga, next);
    assert_int_equal(sum_of(SAGA_TALLY_DURATIONS, "order@3:succeeded:5:reserve"), -1);
    assert_int_equal(sum_of(SAGA_TALLY_DURATIONS, "order@4:succeeded:5:reserve"), 1);
    saga_state_free(next);
}

static void entries_count_as_nothing(void **state)
{
    (void)state;
    saga->kind = SAGA_KIND_CORRELATION;
    saga_tally_state(&tally, saga);
    saga_tally_change(&tally, NULL, saga);
    assert_int_equal(sum_count(), 0);
}

static void fields_are_read_as_they_were_written(void **state)
{
    static const char *const damaged[] = {
        "", "order", "order@", "order@3", "order@x:running", "order@99999999999:running"
    };
    struct saga_tally_place place;
    unsigned bucket;
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++)
        assert_int_equal(
            saga_tally_read(SAGA_TALLY_COUNTS, saga_slice_of(damaged[i]), &place, NULL),
            SAGA_E_INVALID);
    assert_int_equal(saga_tally_read(SAGA_TALLY_STEPS, SAGA_SLICE("a@1:running"), &place, NULL),
                     SAGA_E_INVALID);
    assert_int_equal(
        saga_tally_read(SAGA_TALLY_DURATIONS, SAGA_SLICE("a@1:failed:304:x"), &place, &bucket),
        SAGA_E_INVALID);
    assert_int_equal(
        saga_tally_read(SAGA_TALLY_DURATIONS, SAGA_SLICE("a@1:failed:303"), &place, &bucket),
        SAGA_OK);
    assert_null(place.step.data);
    assert_int_equal(bucket, 303);
    assert_int_equal(
        saga_tally_read(SAGA_TALLY_DURATIONS, SAGA_SLICE("a@1:failed:0:x:y"), &place, &bucket),
        SAGA_OK);
    assert_true(saga_slice_is(place.step, "x:y"));
    assert_true(saga_slice_is(place.word, "failed"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_saga_counts_once_at_each_of_its_places),
        TEST(what_it_hangs_on_is_a_place),
        TEST(a_saga_is_in_the_lists_of_its_steps),
        TEST(a_saga_with_an_error_is_in_a_list_of_its_status),
        TEST(another_run_comes_into_the_lists_anew),
        TEST(a_saga_that_has_ended_is_nowhere),
        TEST(changes_add_up_to_the_last_state),
        TEST(another_run_is_another_saga),
        TEST(entries_count_as_nothing),
        TEST(fields_are_read_as_they_were_written),
    };
    return cmocka_run_group_tests_name("tallying", tests, NULL, NULL);
}
