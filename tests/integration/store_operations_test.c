/* The lanes' logs of what operators said, on a real Redis: kept in order, told once, and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "harness/lane.h"

static struct saga_test_redis *redis;
static struct saga_views *views;
static struct saga_arena arena;

static int setup(void **state)
{
    (void)state;
    redis = saga_test_redis_start(NULL);
    saga_arena_init(&arena);
    return saga_views_new(saga_test_redis_config(redis), &views);
}

static int teardown(void **state)
{
    (void)state;
    saga_views_free(views);
    saga_arena_free(&arena);
    saga_test_redis_free(redis);
    return 0;
}

/* Entries from `first` on, one a millisecond and offset, `step` apart. */
static int tell(struct saga_test_lane *lane, int64_t first, size_t count, int64_t step)
{
    int64_t next_due_ms;
    struct saga_operation_write *operations =
        SAGA_NEW_ARRAY(&arena, struct saga_operation_write, count);
    for (size_t i = 0; i < count; i++) {
        int64_t number = first + (int64_t)i * step;
        operations[i] = (struct saga_operation_write){
            number, 1000 + number, saga_arena_printf(&arena, "{\"n\":%lld}", (long long)number)
        };
    }
    struct saga_apply apply = saga_test_lane_apply_of(lane, lane->applied + 1, NULL, 0);
    apply.operations = operations;
    apply.operation_count = count;
    apply.log_from = lane->applied;
    apply.log_from_ms = 77;
    int error = lane->store.apply(lane->store.self, &apply);
    if (error == SAGA_OK)
        error = lane->store.apply_wait(lane->store.self, lane->lane, &next_due_ms);
    if (error == SAGA_OK) lane->applied++;
    return error;
}

static size_t read_all(size_t limit, char *ret, size_t size)
{
    struct saga_view_operations_page page = { .until_ms = INT64_MAX, .limit = limit };
    size_t all = 0, used = 0;
    bool more = true;
    while (more) {
        struct saga_view_operation *items;
        size_t count;
        assert_int_equal(
            saga_views_operations(views, SAGA_TEST_LANES, &page, &arena, &items, &count, &more),
            SAGA_OK);
        assert_true(count <= limit);
        for (size_t i = 0; i < count; i++) {
            if (ret)
                used += (size_t)snprintf(ret + used, size - used, "%u:%lld ", items[i].lane,
                                         (long long)items[i].offset);
            page.has_after = true;
            page.after_ms = items[i].time_ms;
            page.after_lane = items[i].lane;
            page.after_offset = items[i].offset;
        }
        all += count;
        if (count == 0) break;
    }
    return all;
}

/* Catches a page that loses what has the time of its last entry, and an entry of a batch that is told once more. */
static void pages_have_each_entry_once_the_newest_first(void **state)
{
    struct saga_test_lane lanes[2];
    char words[256];
    (void)state;
    saga_test_lane_open(&lanes[0], redis, NULL, 0);
    saga_test_lane_open(&lanes[1], redis, NULL, 1);
    assert_int_equal(tell(&lanes[0], 1, 3, 2), SAGA_OK);
    assert_int_equal(tell(&lanes[1], 1, 4, 1), SAGA_OK);
    assert_int_equal(tell(&lanes[1], 3, 2, 1), SAGA_OK);
    for (size_t limit = 1; limit < 9; limit++) {
        assert_int_equal(read_all(limit, words, sizeof words), 7);
        assert_string_equal(words, "0:5 1:4 1:3 0:3 1:2 1:1 0:1 ");
    }
    lanes[1].applied--; /* as of an owner that was held up */
    assert_int_equal(tell(&lanes[1], 9, 1, 1), SAGA_E_CONFLICT);
    assert_int_equal(read_all(100, NULL, 0), 7);
    saga_test_lane_close(&lanes[0]);
    saga_test_lane_close(&lanes[1]);
}

static void only_the_newest_are_kept_and_the_log_says_so(void **state)
{
    struct saga_view_log logs[SAGA_TEST_LANES];
    struct saga_test_lane lane;
    (void)state;
    saga_test_lane_open(&lane, redis, NULL, 0);
    saga_arena_reset(&arena);
    assert_int_equal(tell(&lane, 0, SAGA_OPERATIONS_MAX - 1, 1), SAGA_OK);
    assert_int_equal(saga_views_logs(views, SAGA_TEST_LANES, &arena, logs), SAGA_OK);
    assert_false(logs[0].full);
    assert_int_equal(tell(&lane, SAGA_OPERATIONS_MAX - 1, 50, 1), SAGA_OK);
    assert_int_equal(saga_views_logs(views, SAGA_TEST_LANES, &arena, logs), SAGA_OK);
    assert_true(logs[0].full);
    assert_int_equal(logs[0].oldest_ms, 1000 + 49);
    saga_test_lane_close(&lane);
}

static void a_log_knows_where_it_begins(void **state)
{
    struct saga_view_log logs[SAGA_TEST_LANES];
    struct saga_test_lane lane;
    (void)state;
    saga_test_lane_open(&lane, redis, NULL, 2);
    assert_int_equal(saga_views_logs(views, SAGA_TEST_LANES, &arena, logs), SAGA_OK);
    assert_false(logs[2].known); /* emptied, and nobody has told it */
    assert_int_equal(tell(&lane, 5, 1, 1), SAGA_OK);
    assert_int_equal(tell(&lane, 6, 1, 1), SAGA_OK);
    assert_int_equal(saga_views_logs(views, SAGA_TEST_LANES, &arena, logs), SAGA_OK);
    assert_true(logs[2].known);
    assert_int_equal(logs[2].from, 1); /* what was said first stands */
    assert_int_equal(logs[2].from_ms, 77);
    saga_test_lane_close(&lane);
}

/* For a snapshot. Catches one that takes what it reads for all. */
static void a_log_is_read_the_newest_first(void **state)
{
    struct saga_test_lane lane;
    struct saga_lane_log log;
    (void)state;
    saga_test_lane_open(&lane, redis, NULL, 2);
    struct saga_store *store = &lane.store;
    assert_int_equal(tell(&lane, 5, 3, 1), SAGA_OK);
    assert_int_equal(store->log_read(store->self, 2, lane.applied, 10, &arena, &log), SAGA_OK);
    assert_true(log.known);
    assert_int_equal(log.from, 1);
    assert_int_equal(log.count, 3);
    assert_int_equal(log.operations[0].offset, 7);
    assert_int_equal(log.operations[2].time_ms, 1005);
    assert_true(saga_slice_is(log.operations[1].entry, "{\"n\":6}"));
    assert_int_equal(store->log_read(store->self, 2, lane.applied, 2, &arena, &log), SAGA_OK);
    assert_int_equal(log.count, 2);
    assert_int_equal(log.from, 6);
    assert_int_equal(log.from_ms, 1006);
    assert_int_equal(store->log_read(store->self, 2, lane.applied + 1, 2, &arena, &log),
                     SAGA_E_CONFLICT);
    saga_test_lane_close(&lane);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_have_each_entry_once_the_newest_first, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_the_newest_are_kept_and_the_log_says_so, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_log_knows_where_it_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_is_read_the_newest_first, setup, teardown),
    };
    return cmocka_run_group_tests_name("store_operations", tests, NULL, NULL);
}
