/* What a worker needs of Redis, as a struct of functions: the real one is store/redis.h, the
 * simulation has another. One store a worker; used by its thread alone. Everything of lane p has
 * the hash tag {p} (architecture.md, Redis). A batch is written in one transaction a lane,
 * which does nothing unless the lane is where the caller says (R9).
 *
 * Errors of every function: SAGA_E_AGAIN (Redis is away or busy; nothing is known about what was
 * asked; connects again by itself), SAGA_E_CONFLICT (the lane's `applied`, or its journal, is
 * not what the caller said; nothing was written), SAGA_E_STOP (wrong password, eviction policy,
 * version). `problem` has the words. */
#ifndef SAGA_STORE_STORE_H
#define SAGA_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "store/scan.h"
#include "store/tally.h"

/* What is known of a lane. */
struct saga_lane_status {
    bool present;              /* false: Redis has nothing of the lane (R11) */
    struct saga_slice journal; /* id of the journal that it was built from */
    int64_t applied;           /* journal offset behind the last applied record */
    struct saga_slice chain;   /* 64 hexadecimal digits: the chain's value there */
    struct saga_slice owner;
    int64_t heartbeat_ms;
};

struct saga_timer_write {
    struct saga_slice name;
    uint64_t armed;
    int64_t due_ms; /* not read when removing */
};

/* All that a batch changed of one saga. A saga that leaves and starts again within the batch is
 * named twice, leaving first. */
struct saga_state_write {
    struct saga_slice saga_id;
    struct saga_slice name; /* definition */
    uint32_t version;       /* of it */
    struct saga_slice
        state; /* encoded; absent: the saga leaves Redis, with its indexes and history */
    struct saga_slice status_before; /* name of the status it had in Redis; absent: in no index */
    struct saga_slice status_after;  /* absent: leaves its index */
    bool timers_only; /* nothing but timers: the saga's state and views stay as they are */
    int64_t changed_ms;
    const struct saga_timer_write *timers_removed;
    size_t timers_removed_count;
    const struct saga_timer_write *timers_added;
    size_t timers_added_count;
    /* search values: given once, when the saga starts; given again when it leaves, to be removed */
    const struct saga_slice *search; /* "<attribute>:<value>" */
    size_t search_count;
    const int64_t *history; /* journal offsets to be added */
    size_t history_count;
};

/* An entry of the lane's log of what operators said: the same record gives the same entry (runtime/operations.h), so that telling
 * it twice is telling it once. */
struct saga_operation_write {
    int64_t offset; /* of its record in the journal */
    int64_t time_ms;
    struct saga_slice entry;
};

/* The log as Redis has it. */
struct saga_lane_log {
    bool known;   /* from where on it is whole: */
    int64_t from; /* this journal offset */
    int64_t from_ms;
    struct saga_operation_write *operations; /* the newest first */
    size_t count;
};

struct saga_apply {
    uint32_t lane;
    struct saga_slice journal;
    int64_t expected; /* what `applied` must be */
    int64_t applied;  /* what it becomes */
    struct saga_slice chain;
    struct saga_slice owner;
    int64_t now_ms; /* heartbeat */
    const struct saga_state_write *writes;
    size_t write_count;
    /* What the writes come to at steps, with errors and in durations; how many sagas are in a status follows from the writes. */
    const struct saga_tally_sum *sums;
    size_t sum_count;
    /* To be added to the log, of which the newest SAGA_OPERATIONS_MAX stay. */
    const struct saga_operation_write *operations;
    size_t operation_count;
    /* From where on the log is whole, if Redis does not know it; in place of what it knows, where `log_is_known`. */
    bool log_is_known;
    int64_t log_from; /* a journal offset */
    int64_t log_from_ms;
};

struct saga_due_timer {
    struct saga_slice saga_id;
    struct saga_slice name;
    uint64_t armed;
    int64_t due_ms;
};

#define SAGA_TIMER_NEVER INT64_MAX

struct saga_store {
    void *self;
    const char *(*problem)(void *self);

    int (*lane_read)(void *self, uint32_t lane, struct saga_arena *arena,
                     struct saga_lane_status *ret);
    /* Empties the lane, which must still stand where lane_read has found it, and opens it at `applied` of `journal` with
     * nothing in it: before a rebuild (R11). Deletes in portions, so that Redis is not held up; until it is done the lane
     * is absent to everybody. CONFLICT: it stands elsewhere, another owner began to empty it too, or Redis was emptied
     * meanwhile; look at the lane again. */
    int (*lane_reset)(void *self, uint32_t lane, const struct saga_lane_status *found,
                      struct saga_slice journal, int64_t applied, uint32_t lanes);
    /* The end of building a lane from a snapshot, which began with a lane_reset to a journal of a made-up id, so that
     * nobody takes it for whole: from now on it belongs to `journal` and stands at `applied`. CONFLICT unless it belongs
     * to `token` and stands at `expected`. */
    int (*lane_built)(void *self, uint32_t lane, struct saga_slice token, int64_t expected,
                      struct saga_slice journal, int64_t applied);
    /* The ids of all sagas of a lane, in portions, until the cursor of `scan` is 0 again. While sagas come and go, one that
     * is there all the time is given at least once. */
    int (*ids_scan)(void *self, uint32_t lane, struct saga_scan *scan, struct saga_arena *arena,
                    struct saga_slice **ret_ids, size_t *ret_count);
    /* States of these sagas: absent slices for those that are not there. CONFLICT unless
     * `applied` is `expected` (R10). `ret_states` has `count` places; the bytes are in `arena`. */
    int (*states_read)(void *self, uint32_t lane, int64_t expected, const struct saga_slice *ids,
                       size_t count, struct saga_arena *arena, struct saga_slice *ret_states);
    /* The newest `max` entries of the lane's log; where it has as many, it is whole from the oldest of these on. CONFLICT as above. */
    int (*log_read)(void *self, uint32_t lane, int64_t expected, size_t max,
                    struct saga_arena *arena, struct saga_lane_log *ret);
    /* Sends what the batch changed; its answer is awaited by apply_wait. At most one a lane is under
     * way. Slices may go when it returns. */
    int (*apply)(void *self, const struct saga_apply *apply);
    /* Waits for the answer to the lane's last apply; 0 at once where none is under way.
     * `*ret_next_due_ms`: when the lane's earliest timer rings, or SAGA_TIMER_NEVER. */
    int (*apply_wait)(void *self, uint32_t lane, int64_t *ret_next_due_ms);
    /* Timers with due_ms <= now_ms, earliest first, at most `max`; `*ret_next_due_ms` is that of
     * the first timer that was not given. Reads only: a timer goes when its event was applied.
     * CONFLICT as above. */
    int (*timers_due)(void *self, uint32_t lane, int64_t expected, int64_t now_ms, size_t max,
                      struct saga_arena *arena, struct saga_due_timer **ret, size_t *ret_count,
                      int64_t *ret_next_due_ms);
    /* An idle lane confirms `applied` and renews its heartbeat (R9). CONFLICT: recover. */
    int (*heartbeat)(void *self, uint32_t lane, int64_t expected, struct saga_slice owner,
                     int64_t now_ms);
    void (*close)(void *self);
};

#endif
