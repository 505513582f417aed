/* Buses under test: each with a listener that notes what it was told. Trouble fails the test at once, with the words
 * of the bus. */
#ifndef SAGA_TEST_BUS_H
#define SAGA_TEST_BUS_H

#include "bus/client.h"

enum {
    SAGA_TEST_PARTITIONS_MAX = 16,
    SAGA_TEST_SESSION_MS = 6000,
    /* longer than a slow machine takes for any transaction that a test leaves open on purpose */
    SAGA_TEST_TRANSACTION_MS = 120000,
    SAGA_TEST_CALL_MS = 60000 /* one call to a broker that is there */
};

struct saga_test_bus {
    struct saga_bus bus;
    struct saga_kafka_config config;
    struct saga_arena arena;
    /* the last assignment; the topics are in the arena */
    struct saga_position assigned[SAGA_TEST_PARTITIONS_MAX];
    size_t assigned_count;
    unsigned assignments, revocations, losses; /* how often the listener was told */
    size_t refused;                            /* how many polls said that the broker is away */
};

/* A bus with SAGA_TEST_SESSION_MS and SAGA_TEST_TRANSACTION_MS, worker 0. `settings` may be NULL. */
void saga_test_bus_open(struct saga_test_bus *b, const char *servers, const char *group,
                        const char *instance, const struct saga_kafka_setting *settings,
                        size_t setting_count);
void saga_test_bus_close(struct saga_test_bus *b);

/* Fails the test unless the bus answered with `expected`; says what it answered, and its words. */
void saga_test_bus_answers(struct saga_test_bus *b, int answer, int expected, const char *file,
                           int line);
#define assert_bus(b, call, expected)                                                              \
    saga_test_bus_answers((b), (call), (expected), __FILE__, __LINE__)

/* Polls once and gives back how many records came, which are dropped; a broker that is away is none. */
size_t saga_test_bus_poll(struct saga_test_bus *b, int timeout_ms);
/* Polls until the listener was told of `assignments` assignments in all. */
void saga_test_bus_wait_assigned(struct saga_test_bus *b, unsigned assignments);
/* Subscribes to one topic and waits for the first assignment. */
void saga_test_bus_join(struct saga_test_bus *b, const char *topic);
/* Has this partition in its assignment? */
bool saga_test_bus_owns(const struct saga_test_bus *b, const char *topic, int32_t partition);
/* Fetches this partition alone. */
void saga_test_bus_fetch(struct saga_test_bus *b, const char *topic, int32_t partition,
                         int64_t offset);

/* Queues a record whose value is "<text><number>". */
int saga_test_bus_send(struct saga_test_bus *b, const char *topic, int32_t partition,
                       const char *text, unsigned number, int64_t *ret_offset);
/* A whole transaction of one record, without offsets. */
void saga_test_bus_commit_one(struct saga_test_bus *b, const char *topic, int32_t partition,
                              const char *text, unsigned number);
/* Committed offset of a partition in this bus's group; SAGA_OFFSET_NONE where there is none. */
int64_t saga_test_bus_committed(struct saga_test_bus *b, const char *topic, int32_t partition);
/* Makes the producers anew (R5), however long the broker takes. */
void saga_test_bus_renew(struct saga_test_bus *b);
/* Waits until the high watermark is there: a broker may write the marker of a transaction after it has answered the commit. */
void saga_test_bus_wait_high(struct saga_test_bus *b, const char *topic, int32_t partition,
                             int64_t high);

/* Makes a topic. */
void saga_test_topic(struct saga_client *client, const char *topic, int32_t partitions);
/* Writes "<text>1" ... "<text>count" into a partition, outside any transaction. */
void saga_test_fill(struct saga_client *client, const char *topic, int32_t partition,
                    const char *text, unsigned count);
/* What stands committed in a partition, as "a1 a2 b1", in the arena; read to its end. */
const char *saga_test_content(struct saga_client *client, struct saga_arena *arena,
                              const char *topic, int32_t partition);
struct saga_client *saga_test_client(const char *servers, struct saga_arena *arena);

#endif
