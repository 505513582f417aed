/* The bus on a real broker: what a transaction shows and hides, where a reader stands, and that no outcome is guessed
 * when the broker goes away in the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "harness/bus.h"
#include "harness/kafka.h"
#include "harness/process.h"

enum { READ_MS = 100 };

/* kafka-clients 4.1: Utils.toPositive(Utils.murmur2("order-4711")) % 8 */
enum { ORDER_4711_OF_8 = 3 };

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

static const char *content(const char *topic, int32_t partition)
{
    return saga_test_content(client, &arena, topic, partition);
}

/* Reads until `count` records came or the position is at `until`; gives back how many came. */
static size_t read_until(struct saga_test_bus *b, size_t count, int64_t until,
                         int64_t *ret_position)
{
    size_t total = 0;
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    *ret_position = -1;
    while (total < count && *ret_position < until && saga_test_now_ms() < until_ms) {
        struct saga_bus_records records;
        assert_bus(b, b->bus.reader_read(b->bus.self, READ_MS, 100, &records, ret_position),
                   SAGA_OK);
        total += records.count;
        b->bus.release(b->bus.self, &records);
    }
    return total;
}

static void committed_records_show_and_aborted_ones_do_not(void **state)
{
    struct saga_test_bus b;
    enum { HIGH = 8 }; /* four records and their markers */
    int64_t offsets[2] = { -1, -1 }, position;
    (void)state;
    saga_test_topic(client, "visible", 2);
    saga_test_bus_open(&b, kafka.servers, "visible", "a", NULL, 0);
    for (unsigned round = 1; round <= 4; round++) { /* each producer has both kinds */
        assert_bus(&b, b.bus.begin(b.bus.self), SAGA_OK);
        assert_bus(&b, saga_test_bus_send(&b, "visible", 0, "a", round, &offsets[0]), SAGA_OK);
        assert_bus(&b, saga_test_bus_send(&b, "visible", 1, "b", round, &offsets[1]), SAGA_OK);
        assert_bus(&b, b.bus.flush(b.bus.self), SAGA_OK);
        /* a record and a marker in each round before, but the broker may not have written the last marker yet */
        assert_in_range(offsets[0], 2 * (round - 1) - (round > 1), 2 * (round - 1));
        assert_in_range(offsets[1], 2 * (round - 1) - (round > 1), 2 * (round - 1));
        if (round == 2 || round == 3)
            assert_bus(&b, b.bus.commit(b.bus.self), SAGA_OK);
        else
            assert_bus(&b, b.bus.abort(b.bus.self), SAGA_OK);
    }
    assert_string_equal(content("visible", 0), "a2 a3");
    assert_string_equal(content("visible", 1), "b2 b3");
    /* R8: what the reader is asked to reach is behind the last marker, and it gets there without a record */
    saga_test_bus_wait_high(&b, "visible", 0, HIGH);
    saga_test_bus_wait_high(&b, "visible", 1, HIGH);
    assert_bus(&b,
               b.bus.reader_open(b.bus.self, SAGA_SLICE("visible"), 0, 6, SAGA_READING_WAITED_FOR),
               SAGA_OK);
    assert_int_equal(read_until(&b, 1, HIGH, &position), 0);
    assert_int_equal(position, HIGH);
    /* another partition on the same reader */
    assert_bus(&b,
               b.bus.reader_open(b.bus.self, SAGA_SLICE("visible"), 1, 1, SAGA_READING_WAITED_FOR),
               SAGA_OK);
    assert_int_equal(read_until(&b, 3, HIGH, &position), 2);
    assert_int_equal(position, HIGH);
    b.bus.reader_close(b.bus.self);
    saga_test_bus_close(&b);
}

static void a_record_keeps_its_parts(void **state)
{
    struct saga_test_bus b;
    struct saga_header headers[] = { { SAGA_SLICE("ce_type"), SAGA_SLICE("X") },
                                     { SAGA_SLICE("ce_type"), SAGA_SLICE("Y") },
                                     { SAGA_SLICE("empty"), SAGA_SLICE("") },
                                     { SAGA_SLICE("none"), SAGA_SLICE_NONE } };
    struct saga_message full = { .topic = SAGA_SLICE("parts"),
                                 .partition = SAGA_PARTITION_BY_KEY,
                                 .key = SAGA_SLICE("order-4711"),
                                 .value = SAGA_SLICE("a\0b"),
                                 .headers = headers,
                                 .header_count = 4 };
    struct saga_message empty = { .topic = full.topic, .partition = 2, .value = SAGA_SLICE("") };
    struct saga_message tombstone = { .topic = full.topic, .partition = 2, .key = full.key };
    struct saga_bus_records records;
    int64_t position, until_ms;
    (void)state;
    saga_test_topic(client, "parts", 8);
    saga_test_bus_open(&b, kafka.servers, "parts", "a", NULL, 0);
    assert_bus(&b, b.bus.begin(b.bus.self), SAGA_OK);
    assert_bus(&b, b.bus.send(b.bus.self, &full, NULL), SAGA_OK);
    assert_bus(&b, b.bus.send(b.bus.self, &empty, NULL), SAGA_OK);
    assert_bus(&b, b.bus.send(b.bus.self, &tombstone, NULL), SAGA_OK);
    assert_bus(&b, b.bus.flush(b.bus.self), SAGA_OK);
    assert_bus(&b, b.bus.commit(b.bus.self), SAGA_OK);
    assert_bus(
        &b, b.bus.reader_open(b.bus.self, full.topic, ORDER_4711_OF_8, 0, SAGA_READING_WAITED_FOR),
        SAGA_OK);
    for (until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;;) {
        assert_bus(&b, b.bus.reader_read(b.bus.self, READ_MS, 9, &records, &position), SAGA_OK);
        if (records.count || saga_test_now_ms() >= until_ms) break;
        b.bus.release(b.bus.self, &records);
    }
    assert_int_equal(records.count, 1);
    const struct saga_message *got = &records.items[0];
    assert_true(saga_slice_equal(got->topic, full.topic));
    assert_true(saga_slice_equal(got->key, full.key));
    assert_true(saga_slice_equal(got->value, full.value));
    assert_int_equal(got->header_count, 4);
    assert_true(saga_slice_is(saga_message_header(got, "ce_type"), "Y"));
    assert_non_null(got->headers[2].value.data);
    assert_null(got->headers[3].value.data);
    assert_true(got->timestamp_ms > 1600000000000);
    b.bus.release(b.bus.self, &records);
    assert_bus(&b, b.bus.reader_open(b.bus.self, full.topic, 2, 0, SAGA_READING_WAITED_FOR),
               SAGA_OK);
    size_t seen = 0;
    for (until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
         seen < 2 && saga_test_now_ms() < until_ms;) {
        assert_bus(&b, b.bus.reader_read(b.bus.self, READ_MS, 1, &records, &position), SAGA_OK);
        if (records.count) {
            assert_int_equal(records.items[0].value.size, 0);
            assert_true((records.items[0].value.data == NULL) == (seen == 1));
            assert_true((records.items[0].key.data == NULL) == (seen == 0));
            seen++;
        }
        b.bus.release(b.bus.self, &records);
    }
    assert_int_equal(seen, 2);
    saga_test_bus_close(&b);
}

/* R8: what is not decided yet holds the reader, and the watermark says that there is more. */
static void a_reader_waits_for_an_open_transaction(void **state)
{
    enum { HIGH = 3 }; /* a record, its marker, and the record that is pending */
    struct saga_test_bus writer, reader;
    int64_t position = -1;
    struct saga_bus_records records;
    (void)state;
    saga_test_topic(client, "pending", 1);
    saga_test_bus_open(&writer, kafka.servers, "pending", "a", NULL, 0);
    saga_test_bus_open(&reader, kafka.servers, "pending", "b", NULL, 0);
    saga_test_bus_commit_one(&writer, "pending", 0, "a", 1);
    saga_test_bus_wait_high(&writer, "pending", 0, HIGH - 1);
    assert_bus(&writer, writer.bus.begin(writer.bus.self), SAGA_OK);
    assert_bus(&writer, saga_test_bus_send(&writer, "pending", 0, "a", 2, NULL), SAGA_OK);
    assert_bus(&writer, writer.bus.flush(writer.bus.self), SAGA_OK);
    struct saga_bus *bus = &reader.bus;
    saga_test_bus_wait_high(&reader, "pending", 0, HIGH);
    assert_bus(&reader,
               bus->reader_open(bus->self, SAGA_SLICE("pending"), 0, 0, SAGA_READING_WAITED_FOR),
               SAGA_OK);
    assert_int_equal(read_until(&reader, 2, 2, &position), 1);
    for (int i = 0; i < 10; i++) {
        assert_bus(&reader, bus->reader_read(bus->self, READ_MS, 9, &records, &position), SAGA_OK);
        assert_int_equal(records.count, 0);
        assert_true(position <= 2);
        bus->release(bus->self, &records);
    }
    assert_bus(&writer, writer.bus.commit(writer.bus.self), SAGA_OK);
    assert_int_equal(read_until(&reader, 1, HIGH, &position), 1);
    saga_test_bus_close(&writer);
    saga_test_bus_close(&reader);
}

/* R5: who is newest under a transactional id is the only one. */
static void the_older_of_two_with_one_id_is_dead(void **state)
{
    struct saga_test_bus old, new;
    (void)state;
    saga_test_topic(client, "twins", 1);
    saga_test_bus_open(&old, kafka.servers, "twins", "a", NULL, 0);
    saga_test_bus_commit_one(&old, "twins", 0, "old", 1);
    assert_bus(&old, old.bus.begin(old.bus.self), SAGA_OK);
    assert_bus(&old, saga_test_bus_send(&old, "twins", 0, "old", 2, NULL), SAGA_OK);
    assert_bus(&old, old.bus.flush(old.bus.self), SAGA_OK);
    saga_test_bus_open(&new, kafka.servers, "twins", "a", NULL, 0);
    assert_bus(&old, old.bus.commit(old.bus.self), SAGA_E_RECOVER);
    assert_bus(&old, old.bus.abort(old.bus.self), SAGA_OK); /* nothing is open any more */
    saga_test_bus_commit_one(&new, "twins", 0, "new", 1);
    saga_test_bus_commit_one(&new, "twins", 0, "new", 2);
    saga_test_bus_renew(&old);
    assert_bus(&new, new.bus.begin(new.bus.self), SAGA_OK);
    int error = saga_test_bus_send(&new, "twins", 0, "new", 3, NULL);
    if (error == SAGA_OK) error = new.bus.flush(new.bus.self);
    if (error == SAGA_OK) error = new.bus.commit(new.bus.self);
    if (error == SAGA_E_ABORT) error = new.bus.abort(new.bus.self);
    assert_bus(&new, error, SAGA_E_RECOVER);
    saga_test_bus_commit_one(&old, "twins", 0, "old", 3);
    saga_test_bus_commit_one(&old, "twins", 0, "old", 4);
    assert_string_equal(content("twins", 0), "old1 new1 new2 old3 old4");
    saga_test_bus_close(&new);
    saga_test_bus_close(&old);
}

/* A record that is refused takes its transaction with it, and only that. */
static void a_record_that_is_too_large_aborts(void **state)
{
    static char large[9 * 1024 * 1024];
    static const struct saga_kafka_setting small[] = { { "max.message.bytes", "1000" } };
    struct saga_topic_spec spec = {
        .name = "narrow", .partitions = 1, .settings = small, .setting_count = 1
    };
    struct saga_test_bus b;
    struct saga_message message = { .topic = SAGA_SLICE("narrow"),
                                    .value = { large, sizeof large } };
    unsigned aborts = 0;
    bool created;
    (void)state;
    for (size_t i = 0; i < sizeof large; i++) large[i] = (char)(i * 2654435761u >> 13);
    assert_int_equal(saga_client_create_topic(client, &spec, SAGA_TEST_CALL_MS, &created), SAGA_OK);
    saga_test_bus_open(&b, kafka.servers, "narrow", "a", NULL, 0);
    /* by the client itself */
    assert_bus(&b, b.bus.begin(b.bus.self), SAGA_OK);
    assert_bus(&b, saga_test_bus_send(&b, "narrow", 0, "a", 1, NULL), SAGA_OK);
    assert_bus(&b, b.bus.send(b.bus.self, &message, NULL),
               SAGA_E_AGAIN); /* with the other it is much */
    assert_bus(&b, b.bus.flush(b.bus.self), SAGA_OK);
    assert_bus(&b, b.bus.send(b.bus.self, &message, NULL), SAGA_E_INVALID);
    assert_non_null(strstr(b.bus.problem(b.bus.self), "narrow"));
    assert_bus(&b, b.bus.abort(b.bus.self), SAGA_OK);
    /* by the broker: flush is where it is known */
    message.value.size = 5000;
    assert_bus(&b, b.bus.begin(b.bus.self), SAGA_OK);
    assert_bus(&b, saga_test_bus_send(&b, "narrow", 0, "a", 2, NULL), SAGA_OK);
    assert_bus(&b, b.bus.send(b.bus.self, &message, NULL), SAGA_OK);
    assert_bus(&b, b.bus.flush(b.bus.self), SAGA_E_INVALID);
    assert_non_null(strstr(b.bus.problem(b.bus.self), "narrow"));
    assert_bus(&b, b.bus.abort(b.bus.self), SAGA_OK);
    /* the producer that was refused has a gap in its sequence and aborts once more, with words of its own */
    for (unsigned i = 3; i <= 6; i++) {
        assert_bus(&b, b.bus.begin(b.bus.self), SAGA_OK);
        assert_bus(&b, saga_test_bus_send(&b, "narrow", 0, "a", i, NULL), SAGA_OK);
        if (b.bus.flush(b.bus.self) == SAGA_E_ABORT) {
            assert_null(strstr(b.bus.problem(b.bus.self), "too large"));
            assert_bus(&b, b.bus.abort(b.bus.self), SAGA_OK);
            saga_test_bus_commit_one(&b, "narrow", 0, "a", i);
            aborts++;
        } else {
            assert_bus(&b, b.bus.commit(b.bus.self), SAGA_OK);
        }
    }
    assert_in_range(aborts, 0, 1);
    assert_string_equal(content("narrow", 0), "a3 a4 a5 a6");
    saga_test_bus_close(&b);
}

/* Records under way when a transaction is aborted do not show, and cost the next ones nothing. */
static void an_abort_with_records_under_way_leaves_no_trace(void **state)
{
    struct saga_test_bus b;
    (void)state;
    saga_test_topic(client, "underway", 1);
    saga_test_bus_open(&b, kafka.servers, "underway", "a", NULL, 0);
    saga_test_bus_commit_one(&b, "underway", 0, "a", 1);
    saga_test_bus_commit_one(&b, "underway", 0, "a", 2);
    for (unsigned round = 0; round < 20; round++) {
        assert_bus(&b, b.bus.begin(b.bus.self), SAGA_OK);
        for (unsigned i = 0; i < 300; i++) {
            assert_bus(&b, saga_test_bus_send(&b, "underway", 0, "lost", i, NULL), SAGA_OK);
            if (i == 100) saga_test_sleep_ms((int)round); /* some are queued, some sent */
        }
        assert_bus(&b, b.bus.abort(b.bus.self), SAGA_OK);
    }
    saga_test_bus_commit_one(&b, "underway", 0, "a", 3);
    saga_test_bus_commit_one(&b, "underway", 0, "a", 4);
    assert_string_equal(content("underway", 0), "a1 a2 a3 a4");
    saga_test_bus_close(&b);
}

/* ---- the broker goes away ---- */

static void *thaw_later(void *milliseconds)
{
    saga_test_sleep_ms(*(int *)milliseconds);
    saga_test_kafka_thaw(&kafka);
    return NULL;
}

/* The answer to a commit that takes longer than one call is waited for, not guessed. */
static void a_commit_outlasts_a_stopped_broker(void **state)
{
    struct saga_test_bus b;
    pthread_t thread;
    int wait_ms = 7000;
    (void)state;
    saga_test_topic(client, "stopped", 1);
    saga_test_bus_open(&b, kafka.servers, "stopped", "a", NULL, 0);
    assert_bus(&b, b.bus.begin(b.bus.self), SAGA_OK);
    assert_bus(&b, saga_test_bus_send(&b, "stopped", 0, "a", 1, NULL), SAGA_OK);
    assert_bus(&b, b.bus.flush(b.bus.self), SAGA_OK);
    saga_test_kafka_freeze(&kafka);
    assert_int_equal(pthread_create(&thread, NULL, thaw_later, &wait_ms), 0);
    assert_bus(&b, b.bus.commit(b.bus.self), SAGA_OK);
    pthread_join(thread, NULL);
    saga_test_bus_commit_one(&b, "stopped", 0, "a", 2);
    assert_string_equal(content("stopped", 0), "a1 a2");
    saga_test_bus_close(&b);
}

/* Producers cannot be made while nobody answers; nothing is lost by asking again. */
static void producers_are_made_anew_when_the_broker_is_back(void **state)
{
    struct saga_test_bus b;
    (void)state;
    saga_test_topic(client, "away", 1);
    saga_test_bus_open(&b, kafka.servers, "away", "a", NULL, 0);
    assert_bus(&b, b.bus.begin(b.bus.self), SAGA_OK);
    assert_bus(&b, saga_test_bus_send(&b, "away", 0, "a", 1, NULL), SAGA_OK);
    assert_bus(&b, b.bus.flush(b.bus.self), SAGA_OK);
    saga_test_kafka_kill(&kafka);
    assert_bus(&b, b.bus.renew(b.bus.self), SAGA_E_AGAIN);
    assert_bus(&b, b.bus.begin(b.bus.self), SAGA_E_RECOVER);
    assert_int_equal(saga_test_kafka_restart(&kafka), 0);
    saga_test_bus_renew(&b);
    saga_test_bus_commit_one(&b, "away", 0, "a", 2);
    assert_string_equal(content("away", 0), "a2");
    saga_test_bus_close(&b);
}

/* ---- a copy loop, as a worker does it, with a broker that is killed at every step ---- */

enum { COPIED = 240, BATCH = 10 };
enum step { AFTER_BEGIN, AFTER_SEND, AFTER_FLUSH, AFTER_OFFSETS, AFTER_COMMIT, NOWHERE };

static void kill_and_restart(void)
{
    saga_test_kafka_kill(&kafka);
    assert_int_equal(saga_test_kafka_restart(&kafka), 0);
}

/* One transaction: these records and the position behind them. */
static int copy(struct saga_test_bus *b, const struct saga_bus_records *records, enum step trouble)
{
    struct saga_bus *bus = &b->bus;
    struct saga_position behind = { SAGA_SLICE("copy-in"), 0,
                                    records->items[records->count - 1].offset + 1 };
    int error = bus->begin(bus->self);
    if (error < 0) return error;
    if (trouble == AFTER_BEGIN) kill_and_restart();
    for (size_t i = 0; i < records->count && error == SAGA_OK; i++) {
        struct saga_message message = { .topic = SAGA_SLICE("copy-out"),
                                        .value = records->items[i].value };
        error = bus->send(bus->self, &message, NULL);
    }
    if (trouble == AFTER_SEND) kill_and_restart();
    if (error == SAGA_OK) error = bus->flush(bus->self);
    if (trouble == AFTER_FLUSH) kill_and_restart();
    if (error == SAGA_OK) error = bus->send_offsets(bus->self, &behind, 1);
    if (trouble == AFTER_OFFSETS) kill_and_restart();
    if (error == SAGA_OK) error = bus->commit(bus->self);
    if (trouble == AFTER_COMMIT) kill_and_restart();
    if (error == SAGA_OK || error == SAGA_E_RECOVER) return error;
    return bus->abort(bus->self) < 0 ? SAGA_E_RECOVER : error;
}

/* Begins to fetch where the group stands, as after an assignment. */
static void start_over(struct saga_test_bus *b, bool renew)
{
    if (renew) saga_test_bus_renew(b);
    int64_t offset = saga_test_bus_committed(b, "copy-in", 0);
    saga_test_bus_fetch(b, "copy-in", 0, offset == SAGA_OFFSET_NONE ? 0 : offset);
}

static void a_copy_loop_survives_a_killed_broker(void **state)
{
    struct saga_test_bus b;
    char expected[COPIED * 8] = "";
    unsigned batches = 0, errors = 0, seen_assignments;
    (void)state;
    saga_test_topic(client, "copy-in", 1);
    saga_test_topic(client, "copy-out", 1);
    saga_test_fill(client, "copy-in", 0, "r", COPIED);
    for (unsigned i = 1, at = 0; i <= COPIED; i++)
        at += (unsigned)snprintf(expected + at, sizeof expected - at, i > 1 ? " r%u" : "r%u", i);
    saga_test_bus_open(&b, kafka.servers, "copy", "a", NULL, 0);
    saga_test_bus_join(&b, "copy-in");
    start_over(&b, false);
    seen_assignments = b.assignments;
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    while (saga_test_now_ms() < until_ms) {
        struct saga_bus_records records = { 0 };
        int error = b.bus.poll(b.bus.self, 100, BATCH, &records);
        if (b.assignments != seen_assignments && b.assigned_count) {
            b.bus.release(b.bus.self, &records);
            seen_assignments = b.assignments;
            start_over(&b, false);
            continue;
        }
        if (error == SAGA_E_AGAIN) continue;
        assert_bus(&b, error, SAGA_OK);
        if (records.count == 0) {
            b.bus.release(b.bus.self, &records);
            if (b.assigned_count && saga_test_bus_committed(&b, "copy-in", 0) == COPIED) break;
            continue;
        }
        batches++;
        until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
        error = copy(&b, &records, batches % 4 == 2 ? (enum step)(batches / 4 % NOWHERE) : NOWHERE);
        b.bus.release(b.bus.self, &records);
        if (error == SAGA_OK) continue;
        errors++;
        assert_true(error == SAGA_E_ABORT || error == SAGA_E_FENCED || error == SAGA_E_RECOVER);
        /* fenced: until the next assignment nothing is read (R6) */
        if (error == SAGA_E_FENCED)
            assert_bus(&b, b.bus.fetch(b.bus.self, NULL, 0), SAGA_OK);
        else
            start_over(&b, error == SAGA_E_RECOVER);
    }
    print_message("%u batches, %u of them in trouble, %u assignments\n", batches, errors,
                  b.assignments);
    assert_true(batches >= COPIED / BATCH);
    assert_string_equal(content("copy-out", 0), expected);
    saga_test_bus_close(&b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committed_records_show_and_aborted_ones_do_not),
        cmocka_unit_test(a_record_keeps_its_parts),
        cmocka_unit_test(a_reader_waits_for_an_open_transaction),
        cmocka_unit_test(the_older_of_two_with_one_id_is_dead),
        cmocka_unit_test(a_record_that_is_too_large_aborts),
        cmocka_unit_test(an_abort_with_records_under_way_leaves_no_trace),
        cmocka_unit_test(a_commit_outlasts_a_stopped_broker),
        cmocka_unit_test(producers_are_made_anew_when_the_broker_is_back),
        cmocka_unit_test(a_copy_loop_survives_a_killed_broker),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* one of them, by its name */
    return cmocka_run_group_tests_name("the bus on a real broker", tests, start_broker,
                                       stop_broker);
}
