/* Placing records at given offsets (bus/placer.h) on a real broker: whatever stood between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "bus/client.h"
#include "bus/placer.h"
#include "harness/kafka.h"

#define TOPIC "placed"
enum { CALL_MS = 120000, PARTITIONS = 4, MANY = 5000 };

static struct {
    struct saga_test_kafka kafka;
    struct saga_kafka_config config;
    struct saga_arena arena;
    struct saga_client *client;
    struct saga_placer *placer;
} t;

static int set_up(void **state)
{
    static const struct saga_topic_spec spec = { .name = TOPIC, .partitions = PARTITIONS };
    struct saga_diagnostic diagnostic = { 0 };
    bool created;
    (void)state;
    saga_arena_init(&t.arena);
    assert_int_equal(saga_test_kafka_start(&t.kafka), 0);
    t.config = (struct saga_kafka_config){ .bootstrap_servers = t.kafka.servers,
                                           .group = "placing",
                                           .instance = "test",
                                           .session_timeout_ms = 6000,
                                           .transaction_timeout_ms = 120000 };
    assert_int_equal(saga_client_new(&t.config, &t.arena, &t.client, &diagnostic), 0);
    assert_int_equal(saga_client_create_topic(t.client, &spec, CALL_MS, &created), 0);
    assert_int_equal(saga_placer_open(&t.config, CALL_MS, &t.arena, &t.placer, &diagnostic), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    saga_placer_close(t.placer);
    saga_client_free(t.client);
    saga_test_kafka_stop(&t.kafka);
    saga_arena_free(&t.arena);
    return 0;
}

static struct saga_message record_of(int64_t offset, char *text)
{
    int size = snprintf(text, 32, "record %lld", (long long)offset);
    return (struct saga_message){ .offset = offset,
                                  .timestamp_ms = 1764400000000 + offset,
                                  .key = offset % 2 ? SAGA_SLICE("odd") : SAGA_SLICE_NONE,
                                  .value = { text, (size_t)size } };
}

static void place(int32_t partition, const int64_t *offsets, size_t count)
{
    char text[32];
    for (size_t i = 0; i < count; i++) {
        struct saga_message record = record_of(offsets[i], text);
        if (saga_placer_put(t.placer, &record) < 0)
            fail_msg("partition %d: %s", (int)partition, saga_placer_problem(t.placer));
    }
    if (saga_placer_end(t.placer) < 0) fail_msg("%s", saga_placer_problem(t.placer));
}

static void expect_placed(int32_t partition, const int64_t *offsets, size_t count)
{
    struct saga_reader *reader;
    struct saga_bus_records records;
    int64_t position;
    size_t found = 0;
    bool end = false;
    char text[32];
    assert_int_equal(
        saga_reader_open(t.client, SAGA_SLICE(TOPIC), partition, SAGA_READ_BEGINNING, &reader), 0);
    while (!end) {
        int error = saga_reader_read(reader, 500, 1000, &records, &position, &end);
        if (error == SAGA_E_AGAIN) continue;
        assert_int_equal(error, 0);
        for (size_t i = 0; i < records.count; i++, found++) {
            assert_true(found < count);
            struct saga_message record = record_of(offsets[found], text);
            assert_int_equal(records.items[i].offset, record.offset);
            assert_int_equal(records.items[i].timestamp_ms, record.timestamp_ms);
            assert_true(saga_slice_equal(records.items[i].value, record.value));
            assert_true(!records.items[i].key.data == !record.key.data);
        }
        saga_reader_release(reader, &records);
    }
    assert_int_equal(found, count);
    saga_reader_close(reader);
}

/* Catches a record that does not stand where it is to stand, and one that nobody has put: behind gaps of every kind, a run that is
 * longer than is held, and a beginning that is gone. */
static void records_stand_where_they_are_put(void **state)
{
    static const int64_t gaps[] = { 0, 1, 2, 4, 7, 11, 12, 14, 15, 18, 20100, 20101, 60200, 65202 };
    static const int64_t late[] = { 2, 5 };
    static const int64_t cut[] = { 1234, 1236, 1237, 1240 };
    static int64_t many[MANY + 1];
    (void)state;
    const size_t count = sizeof gaps / sizeof gaps[0];
    saga_placer_begin(t.placer, TOPIC, 0);
    place(0, gaps, count);
    expect_placed(0, gaps, count);
    for (int64_t i = 0; i < MANY; i++) many[i] = i;
    many[MANY] = MANY + 1;
    saga_placer_begin(t.placer, TOPIC, 1);
    place(1, many, MANY + 1);
    expect_placed(1, many, MANY + 1);
    saga_placer_begin(t.placer, TOPIC, 2);
    place(2, late, 2);
    expect_placed(2, late, 2);
    saga_placer_begin(t.placer, TOPIC, 3);
    assert_int_equal(saga_placer_skip(t.placer, cut[0]), 0);
    place(3, cut, 4);
    expect_placed(3, cut, 4);
    int64_t low, high;
    assert_int_equal(saga_client_watermarks(t.client, SAGA_SLICE(TOPIC), 3, CALL_MS, &low, &high),
                     0);
    assert_int_equal(low, cut[0]);
}

/* Catches records that are put among others' without a word. */
static void what_cannot_be_is_refused(void **state)
{
    char text[32];
    struct saga_message record = record_of(1, text);
    (void)state;
    saga_placer_begin(t.placer, TOPIC, 0);
    assert_int_equal(saga_placer_put(t.placer, &record), SAGA_E_INVALID);
    record.offset = 0;
    assert_int_equal(saga_placer_put(t.placer, &record), SAGA_OK); /* where others stand already */
    assert_int_equal(saga_placer_put(t.placer, &record), SAGA_E_INVALID);
    assert_true(saga_placer_end(t.placer) < 0);
    assert_non_null(strstr(saga_placer_problem(t.placer), "somebody else writes there"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_stand_where_they_are_put),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("placer", tests, set_up, tear_down);
}
