/* What people look at: over all lanes of a real Redis. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "harness/lane.h"

static struct saga_test_redis *redis;
static struct saga_views *views;
static struct saga_arena arena;

static int start_redis(void **state)
{
    (void)state;
    redis = saga_test_redis_start(NULL);
    return 0;
}

static int stop_redis(void **state)
{
    (void)state;
    saga_test_redis_free(redis);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    saga_test_redis_flushall(redis);
    saga_arena_init(&arena);
    return saga_views_new(saga_test_redis_config(redis), &views);
}

static int finish(void **state)
{
    (void)state;
    saga_views_free(views);
    saga_arena_free(&arena);
    return 0;
}

/* order/0 ... order/11 over four lanes, number i changed at time 100 + i; every third is
 * completed, and a payment/x/1 stands in lane 3. Customers 0 and 1 in turn. */
static void fill(void)
{
    for (uint32_t n = 0; n < SAGA_TEST_LANES; n++) {
        struct saga_test_lane lane;
        struct saga_state_write writes[4];
        struct saga_slice customers[] = { SAGA_SLICE("customer:0"), SAGA_SLICE("customer:1") };
        static char ids[12][16];
        size_t count = 0;
        saga_test_lane_open(&lane, redis, NULL, n);
        for (unsigned i = n; i < 12; i += SAGA_TEST_LANES) {
            snprintf(ids[i], sizeof ids[i], "order/%u", i);
            writes[count] = saga_test_start_of(ids[i], ids[i], i % 3 ? "running" : "completed",
                                               100 + (int64_t)i);
            writes[count].search = &customers[i % 2];
            writes[count++].search_count = 1;
        }
        if (n == 3) {
            writes[count] = saga_test_start_of("payment/x/1", "p", "running", 50);
            writes[count++].name = SAGA_SLICE("payment/x");
        }
        assert_int_equal(saga_test_lane_apply(&lane, writes, count), SAGA_OK);
        saga_test_lane_close(&lane);
    }
}

/* The rows of a list as one text: "order/1 running 101 lane 1, ..." */
static const char *list(struct saga_view_filter filter)
{
    static char text[1024];
    struct saga_view_row *rows;
    size_t count, used = 0;
    text[0] = '\0';
    assert_int_equal(saga_views_list(views, SAGA_TEST_LANES, &filter, &arena, &rows, &count), 0);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s %.*s %lld lane %u",
                                 i ? ", " : "", SAGA_SLICE_ARG(rows[i].saga_id),
                                 SAGA_SLICE_ARG(rows[i].status), (long long)rows[i].changed_ms,
                                 rows[i].lane);
    assert_true(used < sizeof text);
    return text;
}

static void lanes_are_known_from_any_lane(void **state)
{
    struct saga_test_lane lane;
    uint32_t lanes = 9;
    (void)state;
    assert_int_equal(saga_views_lanes(views, &lanes), SAGA_OK);
    assert_int_equal(lanes, 0);
    saga_test_lane_open(&lane, redis, NULL, 2);
    assert_int_equal(saga_views_lanes(views, &lanes), SAGA_OK);
    assert_int_equal(lanes, SAGA_TEST_LANES);
    saga_test_lane_close(&lane);
}

static void a_lane_and_a_saga_are_shown(void **state)
{
    struct saga_lane_status status;
    struct saga_slice found = SAGA_SLICE("untouched");
    (void)state;
    fill();
    assert_int_equal(saga_views_lane(views, 1, &arena, &status), SAGA_OK);
    assert_true(status.present);
    assert_int_equal(status.applied, 2);
    assert_int_equal(saga_views_lane(views, 17, &arena, &status), SAGA_OK);
    assert_false(status.present);
    assert_int_equal(saga_views_state(views, 1, SAGA_SLICE("order/2"), &arena, &found),
                     SAGA_E_NOT_FOUND);
    assert_true(saga_slice_is(found, "untouched"));
    assert_non_null(strstr(saga_views_problem(views), "order/2"));
    assert_int_equal(saga_views_state(views, 2, SAGA_SLICE("order/2"), &arena, &found), SAGA_OK);
    assert_true(saga_slice_is(found, "order/2"));
}

static void a_history_ascends(void **state)
{
    int64_t offsets[] = { 4, 9, 1700000000000 }, *found;
    size_t count;
    struct saga_test_lane lane;
    struct saga_state_write write = saga_test_start_of("order/1", "s", "running", 1);
    (void)state;
    saga_test_lane_open(&lane, redis, NULL, 0);
    write.history = offsets;
    write.history_count = 3;
    assert_int_equal(saga_test_lane_apply(&lane, &write, 1), SAGA_OK);
    saga_test_lane_close(&lane);
    assert_int_equal(saga_views_history(views, 0, SAGA_SLICE("order/1"), &arena, &found, &count),
                     SAGA_OK);
    assert_int_equal(count, 3);
    assert_memory_equal(found, offsets, sizeof offsets);
    assert_int_equal(saga_views_history(views, 0, SAGA_SLICE("order/2"), &arena, &found, &count),
                     SAGA_OK);
    assert_int_equal(count, 0);
}

static void a_list_is_newest_first_over_all_lanes(void **state)
{
    (void)state;
    assert_string_equal(list((struct saga_view_filter){ .limit = 5 }), "");
    fill();
    assert_string_equal(list((struct saga_view_filter){ .limit = 3 }),
                        "order/11 running 111 lane 3, order/10 running 110 lane 2, "
                        "order/9 completed 109 lane 1");
    assert_string_equal(list((struct saga_view_filter){ .limit = 0 }), "");
    assert_string_equal(
        list((struct saga_view_filter){ .limit = 9, .status = SAGA_SLICE("completed") }),
        "order/9 completed 109 lane 1, order/6 completed 106 lane 2, "
        "order/3 completed 103 lane 3, order/0 completed 100 lane 0");
    assert_string_equal(
        list((struct saga_view_filter){ .limit = 9, .name = SAGA_SLICE("payment/x") }),
        "payment/x/1 running 50 lane 3");
    assert_string_equal(list((struct saga_view_filter){ .limit = 9,
                                                        .name = SAGA_SLICE("payment/x"),
                                                        .status = SAGA_SLICE("completed") }),
                        "");
}

static void a_search_finds_by_value(void **state)
{
    struct saga_view_filter filter = { .limit = 2, .search = SAGA_SLICE("customer:1") };
    (void)state;
    fill();
    assert_string_equal(list(filter), "order/11 running 111 lane 3, order/9 completed 109 lane 1");
    filter.status = SAGA_SLICE("completed");
    assert_string_equal(list(filter), "order/9 completed 109 lane 1, order/3 completed 103 lane 3");
    filter.search = SAGA_SLICE("customer:2");
    assert_string_equal(list(filter), "");
}

static void counts_add_up_over_lanes(void **state)
{
    struct saga_view_count *counts;
    size_t count;
    struct saga_test_lane lane;
    struct saga_state_write write = saga_test_leave_of("payment/x/1", "running");
    (void)state;
    fill();
    assert_int_equal(saga_views_counts(views, SAGA_TEST_LANES, NULL, &arena, &counts, &count),
                     SAGA_OK);
    assert_int_equal(count, 3);
    assert_true(saga_slice_is(counts[0].name, "order"));
    assert_true(saga_slice_is(counts[0].status, "completed"));
    assert_int_equal(counts[0].count, 4);
    assert_true(saga_slice_is(counts[1].status, "running"));
    assert_int_equal(counts[1].count, 8);
    assert_true(saga_slice_is(counts[2].name, "payment/x"));
    assert_int_equal(counts[2].count, 1);
    saga_test_lane_open(&lane, redis, NULL, 3); /* empties it: order/3, 7, 11 and the payment */
    write = saga_test_start_of("order/3", "s", "running", 1);
    assert_int_equal(saga_test_lane_apply(&lane, &write, 1), SAGA_OK);
    saga_test_lane_close(&lane);
    assert_int_equal(saga_views_counts(views, SAGA_TEST_LANES, NULL, &arena, &counts, &count),
                     SAGA_OK);
    assert_int_equal(count, 2);
    assert_int_equal(counts[0].count, 3);
    assert_int_equal(counts[1].count, 7);
}

static void counts_are_of_what_is_asked_for(void **state)
{
    struct saga_view_count *counts;
    struct saga_view_filter filter = { .name = SAGA_SLICE("order"),
                                       .status = SAGA_SLICE("running") };
    size_t count;
    (void)state;
    fill();
    assert_int_equal(saga_views_counts(views, SAGA_TEST_LANES, &filter, &arena, &counts, &count),
                     SAGA_OK);
    assert_int_equal(count, 1);
    assert_int_equal(counts[0].count, 8);
    filter.search = SAGA_SLICE("customer:1"); /* 1, 5, 7, 11 run; 3 and 9 are completed */
    assert_int_equal(saga_views_counts(views, SAGA_TEST_LANES, &filter, &arena, &counts, &count),
                     SAGA_OK);
    assert_int_equal(count, 1);
    assert_int_equal(counts[0].count, 4);
}

static void all_lanes_are_read_at_once(void **state)
{
    struct saga_lane_status lanes[SAGA_TEST_LANES + 1];
    (void)state;
    fill();
    assert_int_equal(saga_views_every_lane(views, SAGA_TEST_LANES + 1, &arena, lanes), SAGA_OK);
    for (uint32_t lane = 0; lane < SAGA_TEST_LANES; lane++) assert_true(lanes[lane].present);
    assert_int_equal(lanes[1].applied, 2);
    assert_false(lanes[SAGA_TEST_LANES].present);
}

static void a_scan_gives_every_saga_of_the_lane(void **state)
{
    enum { SAGAS = 6000 };
    static struct saga_state_write writes[SAGAS];
    static char ids[SAGAS][20], seen[SAGAS];
    struct saga_test_lane lane;
    struct saga_scan scan = { 0 };
    size_t all = 0;
    (void)state;
    fill();
    for (int i = 0; i < SAGAS; i++) {
        snprintf(ids[i], sizeof ids[i], "order/%d", i);
        writes[i] = saga_test_start_of(ids[i], "s", "running", i);
    }
    saga_test_lane_open(&lane, redis, NULL, 0);
    assert_int_equal(saga_test_lane_apply(&lane, writes, SAGAS), SAGA_OK);
    saga_test_lane_close(&lane);
    do {
        struct saga_slice *found;
        size_t count;
        assert_int_equal(saga_views_scan(views, 0, &scan, &arena, &found, &count), SAGA_OK);
        for (size_t i = 0; i < count; i++) {
            unsigned long long number;
            assert_true(saga_slice_starts_with(found[i], "order/"));
            assert_int_equal(saga_slice_to_u64(saga_slice_skip(found[i], 6), &number), 0);
            assert_true(number < SAGAS);
            all += !seen[number];
            seen[number] = 1;
        }
    } while (scan.cursor != 0);
    assert_int_equal(all, SAGAS);
}

static void views_say_when_redis_is_away_and_come_back(void **state)
{
    uint32_t lanes = 9;
    (void)state;
    assert_int_equal(saga_views_lanes(views, &lanes), SAGA_OK);
    saga_test_redis_stop(redis);
    assert_int_equal(saga_views_lanes(views, &lanes), SAGA_E_AGAIN);
    assert_non_null(strstr(saga_views_problem(views), "cannot be reached"));
    saga_test_redis_restart(redis);
    assert_int_equal(saga_views_lanes(views, &lanes), SAGA_OK);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(lanes_are_known_from_any_lane),
        TEST(a_lane_and_a_saga_are_shown),
        TEST(a_history_ascends),
        TEST(a_list_is_newest_first_over_all_lanes),
        TEST(a_search_finds_by_value),
        TEST(counts_add_up_over_lanes),
        TEST(counts_are_of_what_is_asked_for),
        TEST(all_lanes_are_read_at_once),
        TEST(a_scan_gives_every_saga_of_the_lane),
        TEST(views_say_when_redis_is_away_and_come_back),
    };
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    return cmocka_run_group_tests_name("views", tests, start_redis, stop_redis);
}
