#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "harness/bus.h"
#include "harness/process.h"

enum { OPEN_MS = 120000, WAIT_STEP_MS = 100 };

/* ---- the listener ---- */

static void on_assigned(void *context, const struct saga_position *partitions, size_t count)
{
    struct saga_test_bus *b = context;
    assert_in_range(count, 0, SAGA_TEST_PARTITIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        b->assigned[i] = partitions[i];
        b->assigned[i].topic = saga_arena_copy(&b->arena, partitions[i].topic);
    }
    b->assigned_count = count;
    b->assignments++;
}

static void on_revoked(void *context, bool lost)
{
    struct saga_test_bus *b = context;
    b->assigned_count = 0;
    b->revocations++;
    b->losses += lost;
}

/* ---- buses ---- */

void saga_test_bus_open(struct saga_test_bus *b, const char *servers, const char *group,
                        const char *instance, const struct saga_kafka_setting *settings,
                        size_t setting_count)
{
    struct saga_diagnostic trouble = { 0 };
    *b = (struct saga_test_bus){ .config = { .bootstrap_servers = servers,
                                             .group = group,
                                             .instance = instance,
                                             .session_timeout_ms = SAGA_TEST_SESSION_MS,
                                             .transaction_timeout_ms = SAGA_TEST_TRANSACTION_MS,
                                             .settings = settings,
                                             .setting_count = setting_count } };
    saga_arena_init(&b->arena);
    int error = saga_kafka_open(&b->config, 0, OPEN_MS, &b->arena, &b->bus, &trouble);
    if (error < 0) fail_msg("%s: %.*s", saga_error_name(error), SAGA_SLICE_ARG(trouble.what));
    b->bus.listen(b->bus.self, (struct saga_bus_listener){ b, on_assigned, on_revoked });
}

void saga_test_bus_close(struct saga_test_bus *b)
{
    b->bus.close(b->bus.self);
    saga_arena_free(&b->arena);
}

void saga_test_bus_answers(struct saga_test_bus *b, int answer, int expected, const char *file,
                           int line)
{
    if (answer == expected) return;
    print_error("%s instead of %s: %s\n", saga_error_name(answer), saga_error_name(expected),
                b->bus.problem(b->bus.self));
    _fail(file, line);
}

size_t saga_test_bus_poll(struct saga_test_bus *b, int timeout_ms)
{
    struct saga_bus_records records;
    int error = b->bus.poll(b->bus.self, timeout_ms, 1000, &records);
    if (error == SAGA_E_AGAIN) {
        b->refused++;
        return 0;
    }
    assert_bus(b, error, SAGA_OK);
    size_t count = records.count;
    b->bus.release(b->bus.self, &records);
    return count;
}

void saga_test_bus_wait_assigned(struct saga_test_bus *b, unsigned assignments)
{
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    while (b->assignments < assignments && saga_test_now_ms() < until_ms)
        saga_test_bus_poll(b, WAIT_STEP_MS);
    if (b->assignments < assignments)
        fail_msg("%u assignments instead of %u", b->assignments, assignments);
}

void saga_test_bus_join(struct saga_test_bus *b, const char *topic)
{
    struct saga_slice name = saga_slice_of(topic);
    assert_bus(b, b->bus.subscribe(b->bus.self, &name, 1, 0), SAGA_OK);
    saga_test_bus_wait_assigned(b, 1);
}

bool saga_test_bus_owns(const struct saga_test_bus *b, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < b->assigned_count; i++)
        if (b->assigned[i].partition == partition && saga_slice_is(b->assigned[i].topic, topic))
            return true;
    return false;
}

void saga_test_bus_fetch(struct saga_test_bus *b, const char *topic, int32_t partition,
                         int64_t offset)
{
    struct saga_position position = { saga_slice_of(topic), partition, offset };
    assert_bus(b, b->bus.fetch(b->bus.self, &position, 1), SAGA_OK);
}

int saga_test_bus_send(struct saga_test_bus *b, const char *topic, int32_t partition,
                       const char *text, unsigned number, int64_t *ret_offset)
{
    struct saga_slice value = saga_arena_printf(&b->arena, "%s%u", text, number);
    struct saga_message message = { .topic = saga_slice_of(topic),
                                    .partition = partition,
                                    .value = value };
    return b->bus.send(b->bus.self, &message, ret_offset);
}

void saga_test_bus_commit_one(struct saga_test_bus *b, const char *topic, int32_t partition,
                              const char *text, unsigned number)
{
    assert_bus(b, b->bus.begin(b->bus.self), SAGA_OK);
    assert_bus(b, saga_test_bus_send(b, topic, partition, text, number, NULL), SAGA_OK);
    assert_bus(b, b->bus.flush(b->bus.self), SAGA_OK);
    assert_bus(b, b->bus.commit(b->bus.self), SAGA_OK);
}

int64_t saga_test_bus_committed(struct saga_test_bus *b, const char *topic, int32_t partition)
{
    struct saga_position position = { saga_slice_of(topic), partition, 12345 };
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    int error;
    do error = b->bus.committed(b->bus.self, &position, 1, SAGA_TEST_CALL_MS);
    while (error == SAGA_E_AGAIN && saga_test_now_ms() < until_ms);
    assert_bus(b, error, SAGA_OK);
    return position.offset;
}

void saga_test_bus_renew(struct saga_test_bus *b)
{
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    int error;
    do error = b->bus.renew(b->bus.self);
    while (error == SAGA_E_AGAIN && saga_test_now_ms() < until_ms);
    assert_bus(b, error, SAGA_OK);
}

void saga_test_bus_wait_high(struct saga_test_bus *b, const char *topic, int32_t partition,
                             int64_t high)
{
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS, low, seen = -1;
    for (; seen < high && saga_test_now_ms() < until_ms; saga_test_sleep_ms(10))
        assert_bus(b,
                   b->bus.watermarks(b->bus.self, saga_slice_of(topic), partition,
                                     SAGA_TEST_CALL_MS, &low, &seen),
                   SAGA_OK);
    assert_int_equal(seen, high);
}

/* ---- topics ---- */

struct saga_client *saga_test_client(const char *servers, struct saga_arena *arena)
{
    struct saga_kafka_config config = { .bootstrap_servers = servers,
                                        .group = "tests",
                                        .instance = "tests",
                                        .session_timeout_ms = 6000,
                                        .transaction_timeout_ms = 10000 };
    struct saga_diagnostic trouble = { 0 };
    struct saga_client *client;
    if (saga_client_new(&config, arena, &client, &trouble) < 0)
        fail_msg("%.*s", SAGA_SLICE_ARG(trouble.what));
    return client;
}

void saga_test_topic(struct saga_client *client, const char *topic, int32_t partitions)
{
    struct saga_topic_spec spec = { .name = topic, .partitions = partitions };
    bool created;
    if (saga_client_create_topic(client, &spec, SAGA_TEST_CALL_MS, &created) < 0 || !created)
        fail_msg("%s", saga_client_problem(client));
}

void saga_test_fill(struct saga_client *client, const char *topic, int32_t partition,
                    const char *text, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        char value[64];
        struct saga_position where;
        snprintf(value, sizeof value, "%s%u", text, i);
        struct saga_message message = { .topic = saga_slice_of(topic),
                                        .partition = partition,
                                        .value = saga_slice_of(value) };
        if (saga_client_send(client, &message, SAGA_TEST_CALL_MS, &where) < 0)
            fail_msg("%s", saga_client_problem(client));
    }
}

const char *saga_test_content(struct saga_client *client, struct saga_arena *arena,
                              const char *topic, int32_t partition)
{
    struct saga_reader *reader;
    struct saga_buffer content;
    int64_t position = 0, low, high = -1;
    bool end = false;
    saga_buffer_init(&content, arena);
    if (saga_client_watermarks(client, saga_slice_of(topic), partition, SAGA_TEST_CALL_MS, &low,
                               &high) < 0 ||
        saga_reader_open(client, saga_slice_of(topic), partition, SAGA_READ_BEGINNING, &reader) < 0)
        fail_msg("%s", saga_client_problem(client));
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    while (position < high && saga_test_now_ms() < until_ms) {
        struct saga_bus_records records;
        if (saga_reader_read(reader, WAIT_STEP_MS, 100, &records, &position, &end) < 0) continue;
        for (size_t r = 0; r < records.count; r++) {
            if (content.size) saga_buffer_add_char(&content, ' ');
            saga_buffer_add(&content, records.items[r].value);
        }
        saga_reader_release(reader, &records);
    }
    saga_reader_close(reader);
    if (position < high) fail_msg("%s is not read to its end", topic);
    return saga_arena_string(arena, saga_buffer_slice(&content));
}
