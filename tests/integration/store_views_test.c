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

/* "order@1 running 8, order@1 running at pay 1, ..." */
static const char *standings(const struct saga_view_filter *filter)
{
    static char text[1024];
    struct saga_view_standing *items;
    size_t count, used = 0;
    text[0] = '\0';
    assert_int_equal(saga_views_standings(views, SAGA_TEST_LANES, filter, &arena, &items, &count),
                     SAGA_OK);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s@%u %.*s%s%.*s %d",
                                 i ? ", " : "", SAGA_SLICE_ARG(items[i].name), items[i].version,
                                 SAGA_SLICE_ARG(items[i].status), items[i].step.data ? " at " : "",
                                 SAGA_SLICE_ARG(items[i].step), (int)items[i].count);
    assert_true(used < sizeof text);
    return text;
}

/* One more at its step in each lane, and one that took so long; `by` -1: one less. */
static void tell_sums(uint32_t number, int64_t by)
{
    static struct saga_test_lane lanes[SAGA_TEST_LANES];
    struct saga_test_lane *lane = &lanes[number];
    struct saga_tally tally;
    int64_t next_due_ms;
    const struct saga_tally_place pay = { SAGA_SLICE("order"), 2, SAGA_SLICE("running"),
                                          SAGA_SLICE("pay") };
    const struct saga_tally_place paid = { SAGA_SLICE("order"), 2, SAGA_SLICE("succeeded"),
                                           SAGA_SLICE("pay") };
    const struct saga_tally_place whole = { SAGA_SLICE("order"), 2, SAGA_SLICE("completed"),
                                            SAGA_SLICE_NONE };
    if (by > 0) saga_test_lane_open(lane, redis, NULL, number);
    const struct saga_tally_member member = { .id = SAGA_SLICE("order/9"), .changed_ms = 1 };
    saga_tally_init(&tally, &lane->arena);
    (by > 0 ? saga_tally_enter : saga_tally_leave)(&tally, SAGA_TALLY_STEPS, &pay, &member);
    saga_tally_took(&tally, &paid, 10 * (int64_t)number, by);
    saga_tally_took(&tally, &whole, 1000, by);
    struct saga_apply apply = saga_test_lane_apply_of(lane, lane->applied + 1, NULL, 0);
    apply.sums = saga_tally_sums(&tally, &apply.sum_count);
    saga_tally_free(&tally);
    assert_int_equal(lane->store.apply(lane->store.self, &apply), SAGA_OK);
    assert_int_equal(lane->store.apply_wait(lane->store.self, number, &next_due_ms), SAGA_OK);
    lane->applied++;
    if (by < 0) saga_test_lane_close(lane);
}

static void standings_are_by_version_status_and_step(void **state)
{
    struct saga_view_filter filter = { .name = SAGA_SLICE("order"), .version = 2 };
    (void)state;
    fill();
    assert_string_equal(standings(NULL),
                        "order@1 completed 4, order@1 running 8, payment/x@1 running 1");
    tell_sums(0, 1);
    tell_sums(1, 1);
    assert_string_equal(standings(&filter), "order@2 running at pay 2");
    tell_sums(0, -1);
    assert_string_equal(standings(&filter), "order@2 running at pay 1");
    tell_sums(1, -1);
    assert_string_equal(standings(&filter), "");
    assert_string_equal(saga_test_redis_ask(redis, "EXISTS saga:{1}:steps"), "0");
    filter.version = 1;
    filter.status = SAGA_SLICE("running");
    assert_string_equal(standings(&filter), "order@1 running 4"); /* lanes 0 and 1 were emptied */
}

static void durations_add_up_over_lanes(void **state)
{
    struct saga_view_duration *items;
    size_t count;
    (void)state;
    for (uint32_t n = 0; n < SAGA_TEST_LANES; n++) tell_sums(n, 1);
    assert_int_equal(saga_views_durations(views, SAGA_TEST_LANES, NULL, &arena, &items, &count),
                     SAGA_OK);
    assert_int_equal(count, 2);
    assert_null(items[0].step.data);
    assert_true(saga_slice_is(items[0].outcome, "completed"));
    assert_int_equal(items[0].histogram->count, 4);
    assert_true(saga_slice_is(items[1].step, "pay"));
    assert_int_equal(items[1].version, 2);
    assert_int_equal(items[1].histogram->count, 4);
    assert_int_equal(saga_histogram_quantile_ms(items[1].histogram, 500), 10);
    assert_int_equal(saga_histogram_quantile_ms(items[1].histogram, 1000), 31);
    for (uint32_t n = 0; n < SAGA_TEST_LANES; n++) tell_sums(n, -1);
    assert_int_equal(saga_views_durations(views, SAGA_TEST_LANES, NULL, &arena, &items, &count),
                     SAGA_OK);
    assert_int_equal(count, 0);
    assert_string_equal(saga_test_redis_ask(redis, "EXISTS saga:{1}:durations"), "0");
}

/* order/0 ... order/11, six in each of two lanes, changed at 100 + number. In each lane the first is at `ship`, the third and
 * the fifth at `pay`, all but the first at `pack`, and the last two have an error: since 200 - number. */
static void fill_lists(struct saga_test_lane lanes[2], int64_t by)
{
    static char ids[12][16];
    for (unsigned n = 0; n < 2; n++) {
        struct saga_state_write writes[6];
        struct saga_tally tally;
        int64_t next_due_ms;
        struct saga_test_lane *lane = &lanes[n];
        if (by > 0) saga_test_lane_open(lane, redis, NULL, n);
        saga_tally_init(&tally, &lane->arena);
        for (unsigned i = 0; i < 6; i++) {
            unsigned number = 6 * n + i;
            struct saga_tally_place place = { SAGA_SLICE("order"), 1, SAGA_SLICE("running"),
                                              SAGA_SLICE_NONE };
            snprintf(ids[number], sizeof ids[number], "order/%u", number);
            const struct saga_tally_member member = { saga_slice_of(ids[number]),
                                                      SAGA_SLICE("Declined\nno money"),
                                                      200 - number };
            writes[i] = by > 0 ? saga_test_start_of(ids[number], "s", "running", 100 + number)
                               : saga_test_leave_of(ids[number], "running");
            if (i >= 4)
                (by > 0 ? saga_tally_enter : saga_tally_leave)(&tally, SAGA_TALLY_ERRORS, &place,
                                                               &member);
            const struct saga_slice steps[] = { i == 0       ? SAGA_SLICE("ship")
                                                : i % 2 == 0 ? SAGA_SLICE("pay")
                                                             : SAGA_SLICE_NONE,
                                                i > 0 ? SAGA_SLICE("pack") : SAGA_SLICE_NONE };
            for (size_t k = 0; k < 2; k++) {
                place.step = steps[k];
                if (place.step.data)
                    (by > 0 ? saga_tally_enter : saga_tally_leave)(&tally, SAGA_TALLY_STEPS, &place,
                                                                   &member);
            }
        }
        struct saga_apply apply = saga_test_lane_apply_of(lane, lane->applied + 1, writes, 6);
        apply.sums = saga_tally_sums(&tally, &apply.sum_count);
        saga_tally_free(&tally);
        assert_int_equal(lane->store.apply(lane->store.self, &apply), SAGA_OK);
        assert_int_equal(lane->store.apply_wait(lane->store.self, n, &next_due_ms), SAGA_OK);
        lane->applied++;
        if (by < 0) saga_test_lane_close(lane);
    }
}

/* The ids of a page, and "..." where there may be more; the page then begins behind its last. */
static const char *page(struct saga_view_page *page)
{
    static char text[1024];
    struct saga_view_row *rows;
    size_t count, used = 0;
    bool more;
    assert_int_equal(saga_views_page(views, SAGA_TEST_LANES, page, &arena, &rows, &count, &more),
                     SAGA_OK);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i ? " " : "",
                                 SAGA_SLICE_ARG(saga_slice_skip(rows[i].saga_id, 6)));
    if (more) snprintf(text + used, sizeof text - used, " ...");
    if (count) {
        page->has_after = true;
        page->after_ms = rows[count - 1].changed_ms;
        page->after_id = rows[count - 1].saga_id;
    }
    return text;
}

static void pages_are_of_those_at_a_step(void **state)
{
    struct saga_test_lane lanes[2];
    struct saga_view_page all = { .step = SAGA_SLICE("pay"), .limit = 9, .until_ms = INT64_MAX };
    struct saga_view_page two = { .step = SAGA_SLICE("pay"), .limit = 2, .until_ms = INT64_MAX };
    struct saga_view_page none = { .step = SAGA_SLICE("load"), .limit = 9, .until_ms = INT64_MAX };
    struct saga_view_page early = { .step = SAGA_SLICE("pay"), .limit = 9, .until_ms = 104 };
    struct saga_view_page other = {
        .step = SAGA_SLICE("pay"), .limit = 9, .until_ms = INT64_MAX, .status = SAGA_SLICE("stuck")
    };
    (void)state;
    fill_lists(lanes, 1);
    assert_string_equal(page(&all), "10 8 4 2");
    assert_string_equal(page(&two), "10 8 ...");
    assert_string_equal(page(&two), "4 2");
    assert_string_equal(page(&two), "");
    assert_string_equal(page(&none), "");
    assert_string_equal(page(&early), "2");
    assert_string_equal(page(&other), "");
    fill_lists(lanes, -1);
    assert_string_equal(
        saga_test_redis_ask(redis, "EXISTS saga:{1}:steps:order@1:running:pay saga:{1}:errors"),
        "0");
}

/* Ten of twelve: the newest are looked at, and whoever asks passes over the others. */
static void where_many_are_at_a_step_a_page_holds_others_too(void **state)
{
    struct saga_test_lane lanes[2];
    struct saga_view_page three = { .step = SAGA_SLICE("pack"), .limit = 3, .until_ms = INT64_MAX };
    (void)state;
    fill_lists(lanes, 1);
    assert_string_equal(page(&three), "11 10 9 ...");
    assert_string_equal(page(&three), "8 7 6 ...");
    fill_lists(lanes, -1);
}

static void pages_are_of_those_with_an_error(void **state)
{
    struct saga_test_lane lanes[2];
    struct saga_view_page all = { .has_error = true, .limit = 9, .until_ms = INT64_MAX };
    struct saga_view_page three = { .has_error = true, .limit = 3, .until_ms = INT64_MAX };
    struct saga_view_page pay = {
        .has_error = true, .step = SAGA_SLICE("pay"), .limit = 9, .until_ms = INT64_MAX
    };
    struct saga_view_page ship = {
        .has_error = true, .step = SAGA_SLICE("ship"), .limit = 9, .until_ms = INT64_MAX
    };
    (void)state;
    fill_lists(lanes, 1);
    assert_string_equal(page(&all), "4 5 10 11");
    assert_string_equal(page(&three), "4 5 10 ...");
    assert_string_equal(page(&three), "11");
    assert_string_equal(page(&pay), "10 8 4 2"); /* by step; the states tell who has none */
    assert_string_equal(page(&ship), "6 0");
    fill_lists(lanes, -1);
    struct saga_view_page gone = { .has_error = true, .limit = 9, .until_ms = INT64_MAX };
    assert_string_equal(page(&gone), "");
    assert_string_equal(saga_test_redis_ask(redis, "EXISTS saga:{0}:errors:order@1:running"), "0");
}

static void lists_are_counted(void **state)
{
    struct saga_test_lane lanes[2];
    const struct saga_tally_sum pay = { .table = SAGA_TALLY_STEPS,
                                        .field = SAGA_SLICE("order@1:running:pay") };
    const struct saga_tally_sum errors = { .table = SAGA_TALLY_ERRORS,
                                           .field = SAGA_SLICE("order@1:running") };
    const struct saga_tally_sum none = { .table = SAGA_TALLY_ERRORS,
                                         .field = SAGA_SLICE("order@1:stuck") };
    const struct saga_tally_sum *const fields[] = { &pay, &errors, &none };
    int64_t sizes[3];
    (void)state;
    fill_lists(lanes, 1);
    assert_int_equal(saga_views_list_sizes(views, 1, fields, 3, &arena, sizes), SAGA_OK);
    assert_int_equal(sizes[0], 2);
    assert_int_equal(sizes[1], 2);
    assert_int_equal(sizes[2], 0);
    fill_lists(lanes, -1);
}

/* What another owner has done since is not undone, and not done once more. */
static void sums_of_an_apply_that_does_not_fit_are_not_told(void **state)
{
    struct saga_test_lane lane;
    struct saga_tally_sum sum = { .table = SAGA_TALLY_STEPS,
                                  .field = SAGA_SLICE("order@2:running:pay"),
                                  .by = 1 };
    int64_t next_due_ms;
    (void)state;
    saga_test_lane_open(&lane, redis, NULL, 0);
    struct saga_apply apply = saga_test_lane_apply_of(&lane, 2, NULL, 0);
    apply.sums = &sum;
    apply.sum_count = 1;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lane.store.apply(lane.store.self, &apply), SAGA_OK);
        assert_int_equal(lane.store.apply_wait(lane.store.self, 0, &next_due_ms),
                         i ? SAGA_E_CONFLICT : SAGA_OK);
    }
    saga_test_lane_close(&lane);
    assert_string_equal(standings(NULL), "order@2 running at pay 1");
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
        TEST(standings_are_by_version_status_and_step),
        TEST(durations_add_up_over_lanes),
        TEST(pages_are_of_those_at_a_step),
        TEST(where_many_are_at_a_step_a_page_holds_others_too),
        TEST(pages_are_of_those_with_an_error),
        TEST(lists_are_counted),
        TEST(sums_of_an_apply_that_does_not_fit_are_not_told),
        TEST(all_lanes_are_read_at_once),
        TEST(a_scan_gives_every_saga_of_the_lane),
        TEST(views_say_when_redis_is_away_and_come_back),
    };
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    return cmocka_run_group_tests_name("views", tests, start_redis, stop_redis);
}
