/* Single records of a partition, picked by their offsets on a real broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "harness/bus.h"
#include "harness/kafka.h"
#include "harness/process.h"

enum { RECORDS = 2500, CALL_MS = 20000, CUT = 100 };

static struct saga_test_kafka kafka;
static struct saga_client *client;
static struct saga_arena arena;

static int start_broker(void **state)
{
    (void)state;
    saga_arena_init(&arena);
    if (saga_test_kafka_start(&kafka) != 0) return -1;
    client = saga_test_client(kafka.servers, &arena);
    return 0;
}

static int stop_broker(void **state)
{
    (void)state;
    saga_client_free(client);
    saga_test_kafka_stop(&kafka);
    saga_arena_free(&arena);
    return 0;
}

static struct saga_picker *open_picker(const char *topic, int64_t *ret_low, int64_t *ret_high)
{
    struct saga_picker *picker;
    if (saga_picker_open(client, saga_slice_of(topic), 0, CALL_MS, &picker, ret_low, ret_high) < 0)
        fail_msg("%s", saga_client_problem(client));
    return picker;
}

/* What stands at the offset, as text; "" where nothing does. */
static const char *pick(struct saga_picker *picker, int64_t offset, int64_t *ret_offset)
{
    struct saga_bus_records records;
    if (saga_picker_read(picker, offset, CALL_MS, &records) < 0)
        fail_msg("%s", saga_client_problem(client));
    const char *text = records.count ? saga_arena_string(&arena, records.items[0].value) : "";
    *ret_offset = records.count ? records.items[0].offset : -1;
    assert_true(records.count <= 1);
    saga_picker_release(picker, &records);
    return text;
}

/* Catches a record that is taken for another, and one that is missed because it came along with its neighbours. */
static void records_are_picked_near_and_far(void **state)
{
    static const int64_t wanted[] = { 0, 1, 2, 9, 300, 301, 2400, 2402, RECORDS - 1 };
    struct saga_picker *picker;
    int64_t low, high, offset;
    char expected[32];
    (void)state;
    saga_test_topic(client, "picked", 1);
    saga_test_fill(client, "picked", 0, "r", RECORDS);
    picker = open_picker("picked", &low, &high);
    assert_int_equal(low, 0);
    assert_int_equal(high, RECORDS);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        snprintf(expected, sizeof expected, "r%lld", (long long)wanted[i] + 1);
        assert_string_equal(pick(picker, wanted[i], &offset), expected);
        assert_int_equal(offset, wanted[i]);
    }
    assert_string_equal(pick(picker, RECORDS, &offset), "");
    saga_picker_close(picker);
}

/* Catches a story of records that retention has deleted, told with what stands there now. */
static void what_was_deleted_is_not_picked(void **state)
{
    struct saga_picker *picker;
    struct saga_bus_records records;
    int64_t low, high, offset;
    (void)state;
    assert_int_equal(saga_test_kafka_cut(&kafka, "picked", 0, CUT), 0);
    picker = open_picker("picked", &low, &high);
    assert_int_equal(low, CUT);
    assert_true(saga_picker_read(picker, CUT / 2, CALL_MS, &records) < 0);
    saga_picker_close(picker);
    picker = open_picker("picked", &low, &high);
    assert_string_equal(pick(picker, CUT, &offset), "r101");
    saga_picker_close(picker);
}

/* Kafka's own markers take offsets: behind them the next record is given, which the caller sees by its offset. */
static void a_marker_is_no_record(void **state)
{
    struct saga_test_bus bus;
    struct saga_picker *picker;
    int64_t low, high = 0, offset;
    (void)state;
    saga_test_topic(client, "marked", 1);
    saga_test_bus_open(&bus, kafka.servers, "g-marked", "i", NULL, 0);
    saga_test_bus_commit_one(&bus, "marked", 0, "t", 1);
    for (int i = 0; high < 2; i++) { /* the broker may write the marker late */
        assert_true(i < CALL_MS / 10);
        saga_test_sleep_ms(10);
        assert_bus(&bus,
                   bus.bus.watermarks(bus.bus.self, SAGA_SLICE("marked"), 0, CALL_MS, &low, &high),
                   SAGA_OK);
    }
    saga_test_bus_commit_one(&bus, "marked", 0, "t", 2);
    saga_test_bus_close(&bus);
    picker = open_picker("marked", &low, &high);
    assert_string_equal(pick(picker, 0, &offset), "t1");
    assert_string_equal(pick(picker, 1, &offset), "t2");
    assert_int_equal(offset, 2);
    assert_string_equal(pick(picker, 3, &offset), "");
    saga_picker_close(picker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_picked_near_and_far),
        cmocka_unit_test(what_was_deleted_is_not_picked),
        cmocka_unit_test(a_marker_is_no_record),
    };
    return cmocka_run_group_tests_name("single records on a real broker", tests, start_broker,
                                       stop_broker);
}
