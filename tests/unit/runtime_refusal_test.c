/* What the broker refuses is narrowed down until it is alone (R24); what has no room in memory is made smaller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/worker_internal.h"

enum { MAX = 8 };

static int64_t now_ms;

static int64_t clock_ms(void *context)
{
    (void)context;
    return now_ms;
}

static int set_up(void **state)
{
    static struct saga_worker w;
    static struct saga_worker_counts counts;
    w = (struct saga_worker){
        .config = { .batch_max = MAX, .counts = &counts, .clock = { NULL, clock_ms, clock_ms } }
    };
    saga_refusals_init(&w);
    now_ms = 1000;
    *state = &w;
    return 0;
}

static void refuse(struct saga_worker *w, size_t records, size_t alarms, int times)
{
    w->taken_records = records;
    w->taken_alarms = alarms;
    while (times-- > 0) saga_refusals_note(w);
}

static void a_record_is_narrowed_down(void **state)
{
    struct saga_worker *w = *state;
    assert_false(saga_refusals_suspected(w));
    refuse(w, MAX, 0, 2);
    assert_true(saga_refusals_suspected(w));
    assert_int_equal(w->record_window.size, MAX); /* twice may be chance */
    refuse(w, MAX, 0, 1);
    assert_int_equal(w->record_window.size, MAX / 2);
    refuse(w, MAX / 2, 0, 3);
    refuse(w, 2, 0, 3);
    assert_int_equal(w->record_window.size, 1);
    assert_false(w->retained.last_is_poison);
    refuse(w, 1, 0, 2);
    assert_false(w->retained.last_is_poison);
    refuse(w, 1, 0, 1);
    assert_true(w->retained.last_is_poison);
}

/* The last of three records is alone although the window is larger. */
static void what_is_taken_counts_not_the_window(void **state)
{
    struct saga_worker *w = *state;
    refuse(w, 1, 0, 3);
    assert_true(w->retained.last_is_poison);
}

static void together_neither_is_blamed(void **state)
{
    struct saga_worker *w = *state;
    refuse(w, 1, 1, 10);
    assert_false(w->retained.last_is_poison);
    assert_int_equal(saga_alarm_skipped_ms(w, w->last_alarm), 0);
    assert_true(saga_refusals_suspected(w)); /* so the next batches take them apart */
}

static void an_alarm_alone_waits(void **state)
{
    struct saga_worker *w = *state;
    struct saga_due_timer alarm = { SAGA_SLICE("order/1"), SAGA_SLICE("step/pay"), 3, 0 };
    struct saga_arena arena;
    saga_arena_init(&arena);
    w->last_alarm = saga_alarm_fingerprint(&alarm, &arena);
    refuse(w, 0, 1, 3);
    assert_false(w->retained.last_is_poison);
    assert_int_equal(saga_alarm_skipped_ms(w, w->last_alarm), 60000);
    alarm.armed = 4; /* armed anew, it is another one */
    assert_int_equal(saga_alarm_skipped_ms(w, saga_alarm_fingerprint(&alarm, &arena)), 0);
    now_ms += 60000;
    assert_int_equal(saga_alarm_skipped_ms(w, w->last_alarm), 0);
    saga_arena_free(&arena);
}

static void what_is_committed_widens_again(void **state)
{
    struct saga_worker *w = *state;
    refuse(w, MAX, 0, 3);
    refuse(w, 0, 4, 3);
    w->taken_records = 4;
    w->taken_alarms = 0;
    saga_refusals_end(w);
    assert_int_equal(w->record_window.size, MAX);
    assert_true(saga_refusals_suspected(w)); /* of the alarms nothing is known yet */
    w->taken_records = 0;
    for (w->taken_alarms = 2; w->alarm_window.size < MAX;) saga_refusals_end(w);
    assert_false(saga_refusals_suspected(w));
}

static void make_smaller(struct saga_worker *w, size_t records, size_t alarms)
{
    w->taken_records = records;
    w->taken_alarms = alarms;
    saga_refusals_too_large(w);
}

static void end(struct saga_worker *w, size_t records, size_t alarms)
{
    w->taken_records = records;
    w->taken_alarms = alarms;
    saga_refusals_end(w);
}

/* Catches a batch that is read in vain again and again, and one that stays small for good. */
static void what_is_too_large_is_halved_for_a_while(void **state)
{
    struct saga_worker *w = *state;
    make_smaller(w, MAX, 0);
    assert_int_equal(w->record_window.size, MAX / 2); /* at once: it is not by chance */
    make_smaller(w, MAX / 2, 0);
    end(w, MAX / 4, 0);
    assert_int_equal(w->record_window.size, MAX / 4);
    now_ms += 10000;
    end(w, MAX / 4, 0);
    assert_int_equal(w->record_window.size, MAX / 2);
    end(w, MAX / 2, 0);
    assert_false(saga_refusals_suspected(w));
}

/* Catches a record and an alarm that are too large together, and are taken together for ever. */
static void one_of_each_are_taken_apart(void **state)
{
    struct saga_worker *w = *state;
    make_smaller(w, 1, 1);
    assert_true(saga_refusals_suspected(w));
    assert_int_equal(w->record_window.size, MAX);
    end(w, 1, 0);
    assert_true(saga_refusals_suspected(w));
}

/* Catches a worker that takes records and alarms apart for as long as no alarm rings. */
static void alarms_that_do_not_come_are_forgotten(void **state)
{
    struct saga_worker *w = *state;
    make_smaller(w, 0, MAX);
    end(w, 0, 0);
    assert_int_equal(w->alarm_window.size, MAX / 2);
    now_ms += 10000;
    end(w, 1, 0); /* no alarms were looked for */
    assert_true(saga_refusals_suspected(w));
    end(w, 0, 0);
    assert_false(saga_refusals_suspected(w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_record_is_narrowed_down, set_up),
        cmocka_unit_test_setup(what_is_taken_counts_not_the_window, set_up),
        cmocka_unit_test_setup(together_neither_is_blamed, set_up),
        cmocka_unit_test_setup(an_alarm_alone_waits, set_up),
        cmocka_unit_test_setup(what_is_committed_widens_again, set_up),
        cmocka_unit_test_setup(what_is_too_large_is_halved_for_a_while, set_up),
        cmocka_unit_test_setup(one_of_each_are_taken_apart, set_up),
        cmocka_unit_test_setup(alarms_that_do_not_come_are_forgotten, set_up),
    };
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
