/* The bus in its consumer group, on a real broker: nothing is read before the worker says from where, a batch can only be
 * committed under the assignment it was read under, and a position that is gone is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "harness/bus.h"
#include "harness/kafka.h"
#include "harness/process.h"

enum { POLL_MS = 100 };

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

/* Reads records <text><from> ... <text><to> of one partition and nothing else. */
static void assert_reads(struct saga_test_bus *b, const char *text, unsigned from, unsigned to)
{
    char expected[32];
    unsigned next = from;
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    while (next <= to && saga_test_now_ms() < until_ms) {
        struct saga_bus_records records;
        assert_bus(b, b->bus.poll(b->bus.self, POLL_MS, 7, &records), SAGA_OK);
        for (size_t r = 0; r < records.count; r++) {
            snprintf(expected, sizeof expected, "%s%u", text, next++);
            if (!saga_slice_is(records.items[r].value, expected))
                fail_msg("%.*s instead of %s", SAGA_SLICE_ARG(records.items[r].value), expected);
        }
        b->bus.release(b->bus.self, &records);
    }
    assert_int_equal(next, to + 1);
}

static void assert_reads_nothing(struct saga_test_bus *b, int polls)
{
    for (int i = 0; i < polls; i++) assert_int_equal(saga_test_bus_poll(b, POLL_MS), 0);
}

static void nothing_is_fetched_before_it_is_asked_for(void **state)
{
    struct saga_test_bus b;
    struct saga_position both[] = { { SAGA_SLICE("asked"), 0, 290 },
                                    { SAGA_SLICE("asked"), 1, 0 } };
    (void)state;
    saga_test_topic(client, "asked", 2);
    saga_test_fill(client, "asked", 0, "r", 300);
    saga_test_bus_open(&b, kafka.servers, "asked", "a", NULL, 0);
    saga_test_bus_join(&b, "asked");
    assert_int_equal(b.assigned_count, 2);
    assert_int_equal(saga_test_bus_committed(&b, "asked", 0), SAGA_OFFSET_NONE);
    assert_reads_nothing(&b, 5);
    saga_test_bus_fetch(&b, "asked", 0, 10);
    assert_reads(&b, "r", 11, 24);
    saga_test_sleep_ms(300); /* the rest is in the client's queue by now */
    saga_test_bus_fetch(&b, "asked", 0, 5);
    assert_reads(&b, "r", 6, 12);
    saga_test_sleep_ms(300);
    assert_bus(&b, b.bus.fetch(b.bus.self, NULL, 0), SAGA_OK);
    assert_reads_nothing(&b, 5);
    assert_bus(&b, b.bus.fetch(b.bus.self, both, 2), SAGA_OK);
    assert_reads(&b, "r", 291, 300);
    /* longer than the session: heartbeats go on, and it is still the first assignment */
    assert_reads_nothing(&b, SAGA_TEST_SESSION_MS / POLL_MS + 20);
    assert_int_equal(b.assignments, 1);
    assert_int_equal(b.revocations, 0);
    saga_test_bus_close(&b);
}

/* ---- rebalances ---- */

enum { MEMBERS = 3, SHARED = 4 };

/* Everybody polls until each of the first `count` has a share, and each partition of both topics one owner among them; whoever
 * got an assignment fetches what it got, outside of the callback as a worker does. */
static void settle(struct saga_test_bus *members, size_t count, unsigned *fetched)
{
    static const char *const topics[] = { "shared-a", "shared-b" };
    unsigned quiet = 0;
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    while (quiet < 10 && saga_test_now_ms() < until_ms) {
        size_t owned = 0, owners = 0;
        for (size_t m = 0; m < count; m++) {
            struct saga_test_bus *b = &members[m];
            saga_test_bus_poll(b, 20);
            owned += b->assigned_count;
            owners += b->assigned_count > 0;
            if (fetched[m] == b->assignments || b->assignments == b->revocations) continue;
            for (size_t p = 0; p < b->assigned_count; p++) b->assigned[p].offset = 0;
            assert_bus(b, b->bus.fetch(b->bus.self, b->assigned, b->assigned_count), SAGA_OK);
            fetched[m] = b->assignments;
        }
        quiet = owned == 2 * SHARED && owners == count ? quiet + 1 : 0;
    }
    assert_int_equal(quiet, 10);
    for (int32_t p = 0; p < SHARED; p++) { /* R7 */
        size_t owners = 0;
        for (size_t m = 0; m < count; m++) {
            bool first = saga_test_bus_owns(&members[m], topics[0], p);
            assert_int_equal(first, saga_test_bus_owns(&members[m], topics[1], p));
            owners += first;
        }
        assert_int_equal(owners, 1);
    }
}

/* Polls until so many partitions are assigned. */
static void wait_for_count(struct saga_test_bus *b, size_t count)
{
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    while (b->assigned_count != count && saga_test_now_ms() < until_ms)
        saga_test_bus_poll(b, POLL_MS);
    assert_int_equal(b->assigned_count, count);
}

static void same_numbered_partitions_meet_in_one_member(void **state)
{
    struct saga_test_bus members[MEMBERS];
    struct saga_slice topics[] = { SAGA_SLICE("shared-b"), SAGA_SLICE("shared-a"),
                                   SAGA_SLICE("shared-b") };
    unsigned fetched[MEMBERS] = { 0 };
    char name[8];
    (void)state;
    saga_test_topic(client, "shared-a", SHARED);
    saga_test_topic(client, "shared-b", SHARED);
    for (int32_t p = 0; p < SHARED; p++) saga_test_fill(client, "shared-a", p, "r", 20);
    for (size_t m = 0; m < MEMBERS; m++) {
        snprintf(name, sizeof name, "m%zu", m);
        saga_test_bus_open(&members[m], kafka.servers, "shared", name, NULL, 0);
    }
    for (size_t m = 0; m < MEMBERS; m++) {
        struct saga_bus *bus = &members[m].bus;
        assert_bus(&members[m], bus->subscribe(bus->self, topics, 3, 0), SAGA_OK);
        settle(members, m + 1, fetched);
    }
    for (size_t left = MEMBERS; left > 1; left--) {
        saga_test_bus_close(&members[left - 1]);
        settle(members, left - 1, fetched);
    }
    /* one more topic is one more rebalance, and everything comes back */
    assert_bus(&members[0], members[0].bus.subscribe(members[0].bus.self, topics, 1, 0), SAGA_OK);
    wait_for_count(&members[0], SHARED);
    assert_int_equal(members[0].assignments, members[0].revocations + 1);
    saga_test_bus_close(&members[0]);
}

/* A worker changes what it fetches at any moment, also just when a rebalance begins: none may get stuck on that. */
static void fetching_at_any_moment_stops_no_rebalance(void **state)
{
    struct saga_test_bus a, b;
    struct saga_slice topic = SAGA_SLICE("restless");
    (void)state;
    saga_test_topic(client, "restless", 2);
    saga_test_bus_open(&a, kafka.servers, "restless", "a", NULL, 0);
    saga_test_bus_join(&a, "restless");
    for (int round = 0; round < 6; round++) {
        int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
        saga_test_bus_open(&b, kafka.servers, "restless", "b", NULL, 0);
        assert_bus(&b, b.bus.subscribe(b.bus.self, &topic, 1, 0), SAGA_OK);
        for (int i = 0;
             (b.assigned_count != 1 || a.assigned_count != 1) && saga_test_now_ms() < until_ms;
             i++) {
            assert_bus(&a, a.bus.fetch(a.bus.self, NULL, 0), SAGA_OK);
            saga_test_bus_poll(&a, i % 3 * 5);
            saga_test_bus_fetch(&a, "restless", 0, 0);
            saga_test_bus_poll(&b, 5);
        }
        assert_int_equal(b.assigned_count, 1);
        assert_int_equal(a.assigned_count, 1);
        saga_test_bus_close(&b);
        for (int i = 0; a.assigned_count != 2 && saga_test_now_ms() < until_ms; i++) {
            assert_bus(&a, a.bus.fetch(a.bus.self, NULL, 0), SAGA_OK);
            saga_test_bus_poll(&a, i % 3 * 5);
        }
        assert_int_equal(a.assigned_count, 2);
    }
    saga_test_bus_close(&a);
}

/* How many of the records are of `topic`. */
static size_t count_of(const struct saga_bus_records *records, const char *topic)
{
    size_t count = 0;
    for (size_t i = 0; i < records->count; i++)
        count += saga_slice_is(records->items[i].topic, topic);
    return count;
}

/* Starts wait for replies, but not for ever: an eighth of a batch is theirs. Both topics must have been fetched when it is
 * looked at, so it is tried until they were. */
static void patient_topics_come_last(void **state)
{
    enum { RECORDS = 100, MAX = 80, SHARE = 10, TRIES = 200 };
    struct saga_test_bus b;
    struct saga_slice topics[] = { SAGA_SLICE("hasty"), SAGA_SLICE("patient") };
    const struct saga_position from[] = { { topics[1], 0, 0 }, { topics[0], 0, 0 } };
    size_t hasty = 0, patient = 0;
    (void)state;
    for (int i = 0; i < 2; i++) {
        saga_test_topic(client, topics[i].data, 1);
        saga_test_fill(client, topics[i].data, 0, "r", RECORDS);
    }
    saga_test_bus_open(&b, kafka.servers, "patience", "a", NULL, 0);
    assert_bus(&b, b.bus.subscribe(b.bus.self, topics, 2, 1), SAGA_OK);
    saga_test_bus_wait_assigned(&b, 1);
    for (int i = 1; i <= TRIES && (hasty == 0 || patient == 0 || hasty + patient < MAX); i++) {
        struct saga_bus_records records;
        assert_bus(&b, b.bus.fetch(b.bus.self, from, 2), SAGA_OK);
        saga_test_sleep_ms(i * 5);
        assert_bus(&b, b.bus.poll(b.bus.self, 0, MAX, &records), SAGA_OK);
        hasty = count_of(&records, "hasty");
        patient = count_of(&records, "patient");
        b.bus.release(b.bus.self, &records);
    }
    assert_int_equal(hasty, MAX - SHARE);
    assert_int_equal(patient, SHARE);
    /* alone they need not wait */
    assert_bus(&b, b.bus.fetch(b.bus.self, from, 1), SAGA_OK);
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    while (patient < SHARE + RECORDS && saga_test_now_ms() < until_ms)
        patient += saga_test_bus_poll(&b, POLL_MS);
    assert_int_equal(patient, SHARE + RECORDS);
    saga_test_bus_close(&b);
}

/* ---- fencing ---- */

static int commit_with_offset(struct saga_test_bus *b, const char *topic, int64_t offset,
                              const char *text, unsigned number)
{
    struct saga_position position = { saga_slice_of(topic), 0, offset };
    struct saga_bus *bus = &b->bus;
    int error = bus->begin(bus->self);
    if (error == SAGA_OK) error = saga_test_bus_send(b, "effects", 0, text, number, NULL);
    if (error == SAGA_OK) error = bus->flush(bus->self);
    if (error == SAGA_OK) error = bus->send_offsets(bus->self, &position, 1);
    return error == SAGA_OK ? bus->commit(bus->self) : error;
}

/* R4: who was thought dead has lost its batch, however late it comes back. */
static void a_stale_assignment_is_refused(void **state)
{
    /* long enough for what comes before it falls silent */
    static const struct saga_kafka_setting impatient[] = { { "max.poll.interval.ms", "10000" } };
    struct saga_test_bus slow, other;
    struct saga_slice topic = SAGA_SLICE("stale");
    (void)state;
    saga_test_topic(client, "stale", 1);
    saga_test_topic(client, "effects", 1);
    saga_test_bus_open(&slow, kafka.servers, "stale", "slow", impatient, 1);
    /* never joined: no assignment, no transaction */
    assert_bus(&slow, commit_with_offset(&slow, "stale", 1, "none", 1), SAGA_E_FENCED);
    assert_bus(&slow, slow.bus.abort(slow.bus.self), SAGA_OK);
    saga_test_bus_join(&slow, "stale");
    assert_bus(&slow, commit_with_offset(&slow, "stale", 1, "slow", 1), SAGA_OK);
    saga_test_bus_open(&other, kafka.servers, "stale", "other", NULL, 0);
    assert_bus(&other, other.bus.subscribe(other.bus.self, &topic, 1, 0), SAGA_OK);
    wait_for_count(&other, 1); /* the slow one does not poll meanwhile */
    assert_bus(&other, commit_with_offset(&other, "stale", 2, "other", 1), SAGA_OK);
    assert_bus(&slow, commit_with_offset(&slow, "stale", 3, "slow", 2), SAGA_E_FENCED);
    assert_bus(&slow, slow.bus.abort(slow.bus.self), SAGA_OK);
    assert_int_equal(saga_test_bus_committed(&other, "stale", 0), 2);
    /* told that it is over, and before the next assignment there is nothing to commit under */
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    while (slow.revocations == 0 && saga_test_now_ms() < until_ms)
        saga_test_bus_poll(&slow, POLL_MS);
    assert_true(slow.revocations > 0);
    if (slow.assignments == 1) {
        assert_bus(&slow, commit_with_offset(&slow, "stale", 3, "slow", 3), SAGA_E_FENCED);
        assert_bus(&slow, slow.bus.abort(slow.bus.self), SAGA_OK);
    }
    saga_test_bus_close(&other);
    saga_test_bus_wait_assigned(&slow, 2);
    wait_for_count(&slow, 1);
    assert_bus(&slow, commit_with_offset(&slow, "stale", 3, "slow", 4), SAGA_OK);
    assert_int_equal(saga_test_bus_committed(&slow, "stale", 0), 3);
    assert_string_equal(saga_test_content(client, &arena, "effects", 0), "slow1 other1 slow4");
    saga_test_bus_close(&slow);
}

/* ---- positions ---- */

/* R8: an offset that is not decided yet is neither the old nor the new one. */
static void pending_offsets_are_waited_for(void **state)
{
    struct saga_test_bus a, b;
    struct saga_position seen = { SAGA_SLICE("waiting"), 0, 77 }, sent = seen;
    (void)state;
    saga_test_topic(client, "waiting", 1);
    saga_test_bus_open(&a, kafka.servers, "waiting", "a", NULL, 0);
    saga_test_bus_open(&b, kafka.servers, "waiting", "b", NULL, 0);
    saga_test_bus_join(&a, "waiting");
    for (int64_t round = 1; round <= 3; round++) {
        sent.offset = round;
        seen.offset = 77;
        assert_bus(&a, a.bus.begin(a.bus.self), SAGA_OK);
        assert_bus(&a, a.bus.send_offsets(a.bus.self, &sent, 1), SAGA_OK);
        assert_bus(&b, b.bus.committed(b.bus.self, &seen, 1, 300), SAGA_E_AGAIN);
        assert_int_equal(seen.offset, 77);
        if (round == 2) {
            assert_bus(&a, a.bus.abort(a.bus.self), SAGA_OK);
            assert_int_equal(saga_test_bus_committed(&b, "waiting", 0), 1);
        } else {
            assert_bus(&a, a.bus.commit(a.bus.self), SAGA_OK);
            assert_int_equal(saga_test_bus_committed(&b, "waiting", 0), round);
        }
    }
    /* who leaves with a transaction open does not leave the next one waiting for its timeout */
    sent.offset = 9;
    assert_bus(&a, a.bus.begin(a.bus.self), SAGA_OK);
    assert_bus(&a, a.bus.send_offsets(a.bus.self, &sent, 1), SAGA_OK);
    saga_test_bus_close(&a);
    assert_bus(&b, b.bus.committed(b.bus.self, &seen, 1, SAGA_TEST_TRANSACTION_MS / 2), SAGA_OK);
    assert_int_equal(seen.offset, 3);
    saga_test_bus_close(&b);
}

/* R20: it is named, once the broker says so, even when other partitions have plenty to read. */
static void a_position_that_is_gone_is_named(void **state)
{
    struct saga_test_bus b;
    struct saga_position positions[] = { { SAGA_SLICE("gone"), 0, 0 },
                                         { SAGA_SLICE("gone"), 1, 4711 } };
    struct saga_bus_records records;
    int64_t position;
    int error = SAGA_OK;
    size_t read = 0;
    (void)state;
    saga_test_topic(client, "gone", 2);
    saga_test_fill(client, "gone", 0, "r", 200);
    saga_test_bus_open(&b, kafka.servers, "gone", "a", NULL, 0);
    saga_test_bus_join(&b, "gone");
    assert_bus(&b, b.bus.fetch(b.bus.self, positions, 2), SAGA_OK);
    saga_test_sleep_ms(1000); /* records and the error wait in the queue together */
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_WAIT_MS;
    while (error == SAGA_OK && saga_test_now_ms() < until_ms) {
        error = b.bus.poll(b.bus.self, POLL_MS, 1000, &records);
        if (error != SAGA_OK) break;
        read += records.count;
        b.bus.release(b.bus.self, &records);
    }
    assert_bus(&b, error, SAGA_E_NOT_FOUND);
    assert_non_null(strstr(b.bus.problem(b.bus.self), "gone [1]"));
    assert_non_null(strstr(b.bus.problem(b.bus.self), "4711"));
    /* told once; what is fetched from a position that exists goes on */
    saga_test_bus_fetch(&b, "gone", 0, 195);
    assert_reads(&b, "r", 196, 200);
    assert_true(read <= 200);
    /* and by the reader */
    assert_bus(&b,
               b.bus.reader_open(b.bus.self, SAGA_SLICE("gone"), 1, 4711, SAGA_READING_WAITED_FOR),
               SAGA_OK);
    error = SAGA_OK;
    while (error == SAGA_OK && saga_test_now_ms() < until_ms) {
        error = b.bus.reader_read(b.bus.self, POLL_MS, 9, &records, &position);
        if (error == SAGA_OK) b.bus.release(b.bus.self, &records);
    }
    assert_bus(&b, error, SAGA_E_NOT_FOUND);
    assert_non_null(strstr(b.bus.problem(b.bus.self), "gone [1]"));
    assert_non_null(strstr(b.bus.problem(b.bus.self), "4711"));
    saga_test_bus_close(&b);
}

/* librdkafka 2.0.2 was seen to wait for a broker that froze in the middle of its call (kafka_producer.c): it goes on in the end. */
static void *thaw_in_the_end(void *given_up)
{
    int64_t until_ms = saga_test_now_ms() + SAGA_TEST_CALL_MS;
    while (!atomic_load((atomic_bool *)given_up) && saga_test_now_ms() < until_ms)
        saga_test_sleep_ms(POLL_MS);
    saga_test_kafka_thaw(&kafka);
    return NULL;
}

static void first_positions_are_committed_by_the_owner_only(void **state)
{
    struct saga_test_bus a, b;
    struct saga_position first = { SAGA_SLICE("first"), 0, 5 };
    (void)state;
    saga_test_topic(client, "first", 1);
    saga_test_bus_open(&a, kafka.servers, "first", "a", NULL, 0);
    saga_test_bus_open(&b, kafka.servers, "first", "b", NULL, 0);
    saga_test_bus_join(&a, "first");
    assert_bus(&a, a.bus.commit_positions(a.bus.self, &first, 1, SAGA_TEST_CALL_MS), SAGA_OK);
    assert_int_equal(saga_test_bus_committed(&a, "first", 0), 5);
    first.offset = 6;
    assert_bus(&b, b.bus.commit_positions(b.bus.self, &first, 1, SAGA_TEST_CALL_MS), SAGA_E_FENCED);
    assert_int_equal(saga_test_bus_committed(&a, "first", 0), 5);
    saga_test_bus_close(&b);
    /* the broker does not answer: given up in the end, the transaction closed or its producers to be made anew */
    atomic_bool given_up = false;
    pthread_t thread;
    saga_test_kafka_freeze(&kafka);
    int64_t since_ms = saga_test_now_ms();
    assert_int_equal(pthread_create(&thread, NULL, thaw_in_the_end, &given_up), 0);
    int error = a.bus.commit_positions(a.bus.self, &first, 1, 500);
    bool frozen = saga_test_now_ms() - since_ms < SAGA_TEST_CALL_MS;
    atomic_store(&given_up, true);
    pthread_join(thread, NULL);
    if (frozen) assert_true(error == SAGA_E_AGAIN || error == SAGA_E_RECOVER);
    saga_test_bus_close(&a);
}

/* Catches an assignment that takes away a partition whose stop is still under way: librdkafka would abort. */
static void fetching_anew_again_and_again(void **state)
{
    struct saga_test_bus b;
    (void)state;
    saga_test_topic(client, "anew", 1);
    saga_test_fill(client, "anew", 0, "r", 9);
    saga_test_bus_open(&b, kafka.servers, "anew", "a", NULL, 0);
    saga_test_bus_join(&b, "anew");
    for (int i = 0; i < 3000; i++) saga_test_bus_fetch(&b, "anew", 0, i % 5);
    saga_test_bus_fetch(&b, "anew", 0, 3);
    assert_reads(&b, "r", 4, 9);
    saga_test_bus_close(&b);
}

static void looking_at_a_topic_does_not_make_it(void **state)
{
    struct saga_test_bus b;
    int32_t count = -1;
    int64_t low, high;
    (void)state;
    saga_test_topic(client, "counted", 5);
    saga_test_bus_open(&b, kafka.servers, "counted", "a", NULL, 0);
    struct saga_slice names[] = { SAGA_SLICE("counted"), SAGA_SLICE("nowhere") };
    struct saga_bus *bus = &b.bus;
    assert_bus(&b, bus->warm(bus->self, names, 2), SAGA_OK);
    assert_bus(&b, bus->partition_count(bus->self, names[0], SAGA_TEST_CALL_MS, &count), SAGA_OK);
    assert_int_equal(count, 5);
    for (int i = 0; i < 3; i++)
        assert_bus(&b, bus->partition_count(bus->self, names[1], SAGA_TEST_CALL_MS, &count),
                   SAGA_E_NOT_FOUND);
    assert_true(bus->watermarks(bus->self, names[1], 0, 1000, &low, &high) < 0);
    assert_bus(&b, bus->partition_count(bus->self, names[1], SAGA_TEST_CALL_MS, &count),
               SAGA_E_NOT_FOUND);
    assert_int_equal(count, 5);
    /* a topic that does not exist yet holds up nobody else */
    assert_bus(&b, bus->subscribe(bus->self, names, 2, 0), SAGA_OK);
    wait_for_count(&b, 5);
    saga_test_bus_close(&b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_fetched_before_it_is_asked_for),
        cmocka_unit_test(same_numbered_partitions_meet_in_one_member),
        cmocka_unit_test(fetching_at_any_moment_stops_no_rebalance),
        cmocka_unit_test(patient_topics_come_last),
        cmocka_unit_test(a_stale_assignment_is_refused),
        cmocka_unit_test(pending_offsets_are_waited_for),
        cmocka_unit_test(a_position_that_is_gone_is_named),
        cmocka_unit_test(first_positions_are_committed_by_the_owner_only),
        cmocka_unit_test(fetching_anew_again_and_again),
        cmocka_unit_test(looking_at_a_topic_does_not_make_it),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* one of them, by its name */
    return cmocka_run_group_tests_name("the bus in its group", tests, start_broker, stop_broker);
}
