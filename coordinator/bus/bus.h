/* What a worker needs of Kafka, as a struct of functions, so that the same worker runs on the real broker
 * (bus/kafka.h) and on a simulated one. One bus a worker; used by its thread alone.
 *
 * Every function returns 0 or a saga_error with this meaning, whatever librdkafka called it (R26; the one
 * classification is bus/kafka_error.c):
 *   SAGA_E_AGAIN    not now; nothing happened; ask again later (broker away, committed offsets pending)
 *   SAGA_E_ABORT    the transaction must be aborted; after that the batch may be decided again
 *   SAGA_E_INVALID  as ABORT, and the broker refuses a record for what it is: it would do so again (R24)
 *   SAGA_E_FENCED   the assignment under which the batch was read is over: abort, drop the batch, wait
 *   SAGA_E_RECOVER  outcome unknown or producer dead: renew() and recover everything that was being read
 *   SAGA_E_STOP     nothing will ever work (authorization, wrong configuration): say so and stop
 * After an error `problem` says in words what happened. */
#ifndef SAGA_BUS_BUS_H
#define SAGA_BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/message.h"

#define SAGA_OFFSET_NONE (-1) /* no committed offset */

/* Records that one poll gave. Owned by the bus until `release`; slices point into Kafka's own memory. */
struct saga_bus_records {
    struct saga_message *items;
    size_t count;
    void *owner; /* the bus's own */
};

/* Called from inside poll only, so never while a transaction is open (R2). */
struct saga_bus_listener {
    void *context;
    /* The worker is assigned these partitions (possibly none). Nothing is fetched yet: the worker finds out the
     * offsets, recovers its lanes and calls `fetch`. Metadata for fencing has been snapshotted (R4).
     * The array is valid during the call; its offsets mean nothing. */
    void (*assigned)(void *context, const struct saga_position *partitions, size_t count);
    /* All partitions are taken away: whatever is buffered must be dropped (R4). `lost`: the group has
     * already given them to somebody else. Fetching has stopped. */
    void (*revoked)(void *context, bool lost);
};

/* Why a partition is read beside the group: how much memory is worth how much speed. */
enum saga_reading {
    SAGA_READING_WAITED_FOR, /* a lane stands still until it is read */
    SAGA_READING_BESIDE /* work goes on meanwhile, and is not held up: it is asked with a timeout of 0 */
};

struct saga_bus {
    void *self;
    /* Sets who is told of rebalances; by the worker, before the first poll. */
    void (*listen)(void *self, struct saga_bus_listener listener);

    /* Words for the last error that a function of this bus returned; valid until the next call. */
    const char *(*problem)(void *self);

    /* ---- consuming ---- */
    /* Joins the group with these topics, or changes them (which rebalances). All members subscribe to the same
     * topics (R7). Does not wait. Records of the last `patient` topics are given when there are few others, or none: with
     * starts among them a saga that has begun is ended before another begins. */
    int (*subscribe)(void *self, const struct saga_slice *topics, size_t count, size_t patient);
    /* Serves rebalances and gives up to `max` records; waits at most `timeout_ms` for the first, then takes
     * what is there. No records: count 0. Errors: AGAIN (broker away), STOP, and SAGA_E_NOT_FOUND when the position
     * of a partition no longer exists at the broker (R20: never a silent jump; problem() names it). */
    int (*poll)(void *self, int timeout_ms, size_t max, struct saga_bus_records *ret);
    void (*release)(void *self, struct saga_bus_records *records);
    /* Begins fetching exactly these partitions at these offsets; count 0 stops all fetching. What was
     * fetched before is dropped. */
    int (*fetch)(void *self, const struct saga_position *positions, size_t count);
    /* The group's committed offsets, read_committed: pending ones are waited for (R8), at most `timeout_ms`.
     * Fills in `offset` (SAGA_OFFSET_NONE where there is none). Errors: AGAIN. */
    int (*committed)(void *self, struct saga_position *positions, size_t count, int timeout_ms);
    /* Commits positions by themselves, in a transaction of their own: only for a partition never read before (R20).
     * Gives up when the group takes them not within `timeout_ms`. Errors: AGAIN, FENCED, RECOVER. */
    int (*commit_positions)(void *self, const struct saga_position *positions, size_t count,
                            int timeout_ms);
    /* Low watermark and high watermark (read_uncommitted: also what is not yet stable, R8). */
    int (*watermarks)(void *self, struct saga_slice topic, int32_t partition, int timeout_ms,
                      int64_t *ret_low, int64_t *ret_high);
    /* How many partitions a topic has; SAGA_E_NOT_FOUND where there is no such topic. */
    int (*partition_count)(void *self, struct saga_slice topic, int timeout_ms, int32_t *ret_count);

    /* ---- one transaction at a time (R3) ---- */
    int (*begin)(void *self);
    /* Queues a record. `ret_offset` (may be NULL) gets its offset when flush has returned 0; until then
     * it must stay valid. Slices may go after flush or abort. Errors: AGAIN (enough is queued: flush and go on), ABORT, INVALID
     * (also where the topic is not there: problem() names it). */
    int (*send)(void *self, const struct saga_message *message, int64_t *ret_offset);
    /* Waits until all are delivered. Any that failed: ABORT or INVALID (from delivery reports: flush alone lies). */
    int (*flush)(void *self);
    /* The consumed offsets (of the next record to read), with the assignment's metadata (R4). */
    int (*send_offsets)(void *self, const struct saga_position *positions, size_t count);
    /* Retries while the outcome can still be learned; SAGA_E_RECOVER when it gave up: never retry then (R5). */
    int (*commit)(void *self);
    int (*abort)(void *self);
    /* Drops the producers and makes them anew under the same transactional ids, which fences the old (R5). */
    int (*renew)(void *self);
    /* Asks for metadata of topics beforehand, on every producer: else the first record waits a second. */
    int (*warm)(void *self, const struct saga_slice *topics, size_t count);

    /* ---- reading a partition beside the group, read_committed (R8) ---- */
    int (*reader_open)(void *self, struct saga_slice topic, int32_t partition, int64_t offset,
                       enum saga_reading reading);
    /* Up to `max` records; `*ret_position` is where the reader stands, behind markers and aborted records, which
     * also moves when no record came. Errors: AGAIN, NOT_FOUND (the offset is gone). */
    int (*reader_read)(void *self, int timeout_ms, size_t max, struct saga_bus_records *ret,
                       int64_t *ret_position);
    void (*reader_close)(void *self);

    /* Leaves the group and frees everything. */
    void (*close)(void *self);
};

#endif
