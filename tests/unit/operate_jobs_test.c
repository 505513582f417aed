/* Jobs as their records tell of them, in whatever order these come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "operate/jobs.h"
#include "unit/in_arena.h"

static struct saga_job example(const char *id)
{
    return (struct saga_job){ .id = saga_slice_of(id),
                              .verb = SAGA_VERB_RETRY,
                              .where = SAGA_SLICE("status=stuck error~\"a \\\"b\\\"\""),
                              .reason = SAGA_SLICE("bank is back"),
                              .who = SAGA_SLICE("ada"),
                              .from = SAGA_SLICE("host"),
                              .rate = 50,
                              .expected = 12,
                              .created_ms = 1000 };
}

static int take(struct saga_jobs *jobs, struct saga_message message)
{
    return saga_jobs_take(jobs, message.key, message.value);
}

static void what_is_written_is_read(void **state)
{
    struct saga_jobs jobs = { 0 };
    struct saga_slice topic = SAGA_SLICE("saga.jobs");
    struct saga_job job = example("a-1");
    (void)state;
    assert_int_equal(take(&jobs, saga_job_order_message(topic, &job, &arena)), 0);
    struct saga_job *is = saga_jobs_find(&jobs, SAGA_SLICE("a-1"));
    assert_non_null(is);
    assert_true(saga_slice_equal(is->where, job.where));
    assert_true(saga_slice_is(is->reason, "bank is back"));
    assert_int_equal(is->verb, SAGA_VERB_RETRY);
    assert_int_equal(is->rate, 50);
    assert_int_equal(is->expected, 12);
    assert_int_equal(is->status, SAGA_JOB_WAITING);
    assert_int_equal(saga_job_lists(is), 0);
    job.status = SAGA_JOB_RUNNING;
    job.sent = 7;
    job.selected = 1001;
    job.position = 9;
    job.why = SAGA_SLICE("lane 3");
    assert_int_equal(take(&jobs, saga_job_progress_message(topic, &job, &arena)), 0);
    is = saga_jobs_find(&jobs, SAGA_SLICE("a-1"));
    assert_int_equal(is->sent, 7);
    assert_int_equal(is->status, SAGA_JOB_RUNNING);
    assert_int_equal(is->selected, 1001);
    assert_int_equal(is->position, 9);
    assert_int_equal(saga_job_lists(is), 3);
    assert_true(saga_slice_is(is->why, "lane 3"));
    assert_true(saga_slice_equal(is->where, job.where));
    saga_jobs_free(&jobs);
}

static void a_stop_stays_whatever_comes_behind_it(void **state)
{
    struct saga_jobs jobs = { 0 };
    struct saga_slice topic = SAGA_SLICE("saga.jobs");
    struct saga_job job = example("a");
    (void)state;
    job.stop_ms = 5;
    job.stop_who = SAGA_SLICE("bob");
    assert_int_equal(take(&jobs, saga_job_stop_message(topic, &job, &arena)), 0);
    assert_null(saga_jobs_find(&jobs, SAGA_SLICE("a"))); /* nobody has asked for it yet */
    assert_null(saga_jobs_next(&jobs, NULL));
    assert_int_equal(take(&jobs, saga_job_order_message(topic, &job, &arena)), 0);
    assert_int_equal(take(&jobs, saga_job_progress_message(topic, &job, &arena)), 0);
    struct saga_job *is = saga_jobs_find(&jobs, SAGA_SLICE("a"));
    assert_int_equal(is->stop_ms, 5);
    assert_true(saga_slice_is(is->stop_who, "bob"));
    saga_jobs_free(&jobs);
}

static void the_first_order_stands(void **state)
{
    struct saga_jobs jobs = { 0 };
    struct saga_slice topic = SAGA_SLICE("saga.jobs");
    struct saga_job job = example("a"), other = example("a");
    (void)state;
    other.verb = SAGA_VERB_CANCEL;
    assert_int_equal(take(&jobs, saga_job_order_message(topic, &job, &arena)), 0);
    assert_int_equal(take(&jobs, saga_job_order_message(topic, &other, &arena)), 0);
    assert_int_equal(saga_jobs_find(&jobs, SAGA_SLICE("a"))->verb, SAGA_VERB_RETRY);
    saga_jobs_free(&jobs);
    /* also where compaction has left the later one: the progress has the order that was taken */
    assert_int_equal(take(&jobs, saga_job_progress_message(topic, &job, &arena)), 0);
    assert_int_equal(take(&jobs, saga_job_order_message(topic, &other, &arena)), 0);
    assert_int_equal(saga_jobs_find(&jobs, SAGA_SLICE("a"))->verb, SAGA_VERB_RETRY);
    assert_int_equal(
        take(&jobs, saga_job_tombstone(topic, SAGA_SLICE("a"), SAGA_JOB_ORDER, &arena)), 0);
    assert_null(saga_jobs_find(&jobs, SAGA_SLICE("a")));
    assert_null(saga_jobs_next(&jobs, NULL));
}

static void what_cannot_be_a_job_is_none(void **state)
{
    static const char *const values[] = {
        "",
        "{",
        "[]",
        "7",
        "{}",
        "{\"verb\":\"resolve\",\"where\":\"status=stuck\",\"reason\":\"r\",\"created\":1}",
        "{\"verb\":\"retry\",\"where\":\"\",\"reason\":\"r\",\"created\":1}",
        "{\"verb\":\"retry\",\"where\":\"status=stuck\",\"reason\":\"\",\"created\":1}",
        "{\"verb\":\"retry\",\"where\":\"status=stuck\",\"reason\":\"r\"}",
        "{\"verb\":\"retry\",\"where\":7,\"reason\":\"r\",\"created\":1}",
        "{\"verb\":\"retry\",\"verb\":\"retry\",\"where\":\"a\",\"reason\":\"r\",\"created\":1}",
    };
    static const char *const keys[] = { "",
                                        "/",
                                        "-a",
                                        "A",
                                        "a/b",
                                        "a/stop/x",
                                        "../a",
                                        "\xff",
                                        "a/progress ",
                                        "0123456789012345678901234567890123456789"
                                        "0123456789012345678901234567890123456789" };
    const char *good = "{\"verb\":\"retry\",\"where\":\"x\",\"reason\":\"r\",\"created\":1}";
    struct saga_jobs jobs = { 0 };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_int_equal(saga_jobs_take(&jobs, SAGA_SLICE("a"), saga_slice_of(values[i])),
                         SAGA_E_INVALID);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_int_equal(saga_jobs_take(&jobs, saga_slice_of(keys[i]), saga_slice_of(good)),
                         SAGA_E_INVALID);
    assert_null(saga_jobs_next(&jobs, NULL));
    assert_int_equal(saga_jobs_take(&jobs, SAGA_SLICE("a"), saga_slice_of(good)), 0);
    assert_int_equal(saga_jobs_find(&jobs, SAGA_SLICE("a"))->rate, SAGA_JOB_RATE_DEFAULT);
    saga_jobs_free(&jobs);
}

static void lists_are_known_by_their_keys(void **state)
{
    struct saga_slice id;
    size_t list;
    (void)state;
    struct saga_message message = saga_job_list_message(SAGA_SLICE("saga.jobs"), SAGA_SLICE("a-1"),
                                                        12, SAGA_SLICE("order/x\n"), &arena);
    assert_int_equal(message.partition, SAGA_JOB_LISTS_PARTITION);
    assert_int_equal(saga_job_list_key_read(message.key, &id, &list), 0);
    assert_true(saga_slice_is(id, "a-1"));
    assert_int_equal(list, 12);
    static const char *const keys[] = { "", "a", "a/", "a/x", "A/1", "a/1/2", "/1", "a/-1" };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_int_equal(saga_job_list_key_read(saga_slice_of(keys[i]), &id, &list),
                         SAGA_E_INVALID);
}

static void jobs_are_listed_newest_first(void **state)
{
    struct saga_jobs jobs = { 0 };
    struct saga_slice topic = SAGA_SLICE("saga.jobs");
    struct saga_job **list;
    size_t count;
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct saga_job job = example(saga_arena_printf(&arena, "j%d", i).data);
        job.created_ms = 10 + (i == 1 ? 100 : i);
        job.status = i == 2 ? SAGA_JOB_DONE : SAGA_JOB_WAITING;
        assert_int_equal(take(&jobs, saga_job_progress_message(topic, &job, &arena)), 0);
    }
    saga_jobs_sorted(&jobs, &arena, &list, &count);
    assert_int_equal(count, 3);
    assert_true(saga_slice_is(list[0]->id, "j1"));
    assert_true(saga_slice_is(list[1]->id, "j2"));
    assert_true(saga_slice_is(list[2]->id, "j0"));
    assert_int_equal(saga_jobs_open(&jobs), 2);
    saga_jobs_free(&jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_stays_whatever_comes_behind_it, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_order_stands, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_a_job_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_are_known_by_their_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(jobs_are_listed_newest_first, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
