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

enum { RECORDS = 2500, CALL_MS = 60000, CUT = 100 };

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

/* The consumer of a picker is the next one's. Catches a record that came for a picker before, on its way when that was closed. */
static void a_picker_has_nothing_of_the_one_before(void **state)
{
    enum { ROUNDS = 200, FAR = 1000 };
    static const char *const topics[] = { "left", "right" };
    int64_t low, high, offset;
    char expected[32];
    (void)state;
    for (int t = 0; t < 2; t++) {
        saga_test_topic(client, topics[t], 1);
        saga_test_fill(client, topics[t], 0, topics[t], RECORDS);
    }
    for (int i = 0; i < ROUNDS; i++) {
        int64_t at = i % 2 ? i : RECORDS - 1 - i;
        struct saga_picker *picker = open_picker(topics[i % 2], &low, &high);
        for (int64_t wanted = at; wanted < RECORDS; wanted += FAR) {
            snprintf(expected, sizeof expected, "%s%lld", topics[i % 2], (long long)wanted + 1);
            assert_string_equal(pick(picker, wanted, &offset), expected);
            assert_int_equal(offset, wanted);
        }
        saga_picker_close(picker);
    }
}

static void two_pickers_are_open_at_once(void **state)
{
    int64_t low, high, offset;
    (void)state;
    struct saga_picker *left = open_picker("left", &low, &high);
    assert_string_equal(pick(left, 1, &offset), "left2");
    struct saga_picker *right = open_picker("right", &low, &high);
    assert_string_equal(pick(right, 0, &offset), "right1");
    assert_string_equal(pick(left, 2, &offset), "left3");
    saga_picker_close(left);
    assert_string_equal(pick(right, 2000, &offset), "right2001");
    saga_picker_close(right);
    left = open_picker("left", &low, &high);
    assert_string_equal(pick(left, 7, &offset), "left8");
    saga_picker_close(left);
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
    int64_t low, high, offset;
    (void)state;
    saga_test_topic(client, "marked", 1);
    saga_test_bus_open(&bus, kafka.servers, "g-marked", "i", NULL, 0);
    for (unsigned i = 1; i <= 2; i++) {
        saga_test_bus_commit_one(&bus, "marked", 0, "t", i);
        saga_test_bus_wait_high(&bus, "marked", 0, 2 * i);
    }
    saga_test_bus_close(&bus);
    picker = open_picker("marked", &low, &high);
    assert_string_equal(pick(picker, 0, &offset), "t1");
    assert_string_equal(pick(picker, 1, &offset), "t2");
    assert_int_equal(offset, 2);
    assert_string_equal(pick(picker, 3, &offset), "");
    saga_picker_close(picker);
}

/* Catches that what is older is read, and that what is as old is not. */
static void an_offset_is_found_by_its_time(void **state)
{
    int64_t low, high, offset;
    (void)state;
    saga_test_topic(client, "timed", 1);
    saga_test_fill(client, "timed", 0, "r", 5);
    struct saga_slice topic = SAGA_SLICE("timed");
    struct saga_reader *reader;
    struct saga_bus_records records = { 0 };
    bool end;
    saga_test_sleep_ms(20);
    saga_test_fill(client, "timed", 0, "s", 5);
    assert_int_equal(saga_client_watermarks(client, topic, 0, CALL_MS, &low, &high), 0);
    assert_int_equal(high, 10);
    assert_int_equal(saga_reader_open(client, topic, 0, 5, &reader), 0);
    while (records.count == 0)
        if (saga_reader_read(reader, CALL_MS, 1, &records, &offset, &end) == SAGA_OK &&
            records.count == 0)
            saga_reader_release(reader, &records);
    int64_t time_ms = records.items[0].timestamp_ms;
    saga_reader_release(reader, &records);
    saga_reader_close(reader);
    assert_int_equal(saga_client_offset_at(client, topic, 0, 0, CALL_MS, &offset), 0);
    assert_int_equal(offset, 0);
    assert_int_equal(saga_client_offset_at(client, topic, 0, time_ms, CALL_MS, &offset), 0);
    assert_int_equal(offset, 5);
    assert_int_equal(saga_client_offset_at(client, topic, 0, time_ms + 3600000, CALL_MS, &offset),
                     0);
    assert_true(offset == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offset_is_found_by_its_time),
        cmocka_unit_test(records_are_picked_near_and_far),
        cmocka_unit_test(what_was_deleted_is_not_picked),
        cmocka_unit_test(a_picker_has_nothing_of_the_one_before),
        cmocka_unit_test(two_pickers_are_open_at_once),
        cmocka_unit_test(a_marker_is_no_record),
    };
    return cmocka_run_group_tests_name("single records on a real broker", tests, start_broker,
                                       stop_broker);
}
