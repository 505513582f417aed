/* A worker: takes batches of records for its lanes, decides them, commits one transaction a batch and applies
 * the result to Redis. It runs on any bus, store and clock, one step at a time, so that the simulation drives the
 * same code as a thread of the daemon does.
 *
 *     joining --assigned--> recovering --all lanes ready--> running
 *        ^                    ^    |                           |
 *        |  revoked, fenced   |    +-- Redis or Kafka away: tries again
 *        +--------------------+-------- unknown outcome, Redis elsewhere
 */
#ifndef SAGA_RUNTIME_WORKER_H
#define SAGA_RUNTIME_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "bus/bus.h"
#include "runtime/clock.h"
#include "runtime/lane_heads.h"
#include "runtime/metrics.h"
#include "runtime/registry.h"
#include "runtime/schemas.h"
#include "runtime/standing.h"
#include "runtime/tracing.h"
#include "runtime/wrapping.h"
#include "store/store.h"

enum saga_worker_phase { SAGA_WORKER_JOINING, SAGA_WORKER_RECOVERING, SAGA_WORKER_RUNNING };
enum { SAGA_WORKER_PHASES = SAGA_WORKER_RUNNING + 1 };

/* Counted since the start; read from other threads. */
struct saga_worker_counts {
    atomic_ullong events, batches, commands, hops, dead_letters, ignored, aborts, recoveries,
        timers;
    atomic_ullong sagas_started, sagas_ended;
    atomic_ullong snapshots, snapshot_states;
    atomic_ullong made_smaller; /* batches that had no room for their states */
    atomic_ullong unfit;        /* states that were read, and do not fit their definition */
    atomic_ullong foreign;      /* records read in journals that are none of the coordinator's */
};

/* Settings that may change while workers run; they take them at their next step. */
struct saga_live_settings {
    atomic_size_t batch_max, cache_bytes;
    atomic_llong snapshot_records, snapshot_interval_ms;
};

struct saga_worker_config {
    struct saga_slice inbox, journal, dead_letters, snapshots; /* topics */
    struct saga_slice keys; /* topic of the sagas' keys; absent: nothing is sealed */
    const struct saga_wrapping
        *wrapping; /* what they are wrapped with; shared; NULL: not to be had */
    uint32_t lanes;
    size_t batch_max;         /* records a batch */
    size_t cache_bytes;       /* of states, over all lanes */
    size_t load_bytes;        /* of states that a batch reads beside those: SAGA_LOAD_BYTES_MAX */
    int64_t snapshot_records; /* a lane's snapshot is due when its journal has grown by so many */
    size_t snapshot_portion;  /* states in one transaction, at most SAGA_SNAPSHOT_PORTION_MAX */
    int64_t snapshot_interval_ms; /* or when the last one is so old and anything has come since */
    int64_t
        long_recovery; /* a lane that has more records to read is recovered while the others work */
    int64_t beside_ms; /* so long a batch of the others waits for that, each time */
    struct saga_slice owner; /* name of this worker, shown with its lanes */
    struct saga_bus bus;     /* taken over: closed by saga_worker_free */
    struct saga_store store; /* taken over */
    struct saga_clock clock;
    struct saga_registry *registry;    /* shared */
    struct saga_schema_store *schemas; /* shared; NULL: there are none */
    struct saga_lane_heads *heads;     /* shared: is told where the lanes stand; NULL: nobody is */
    struct saga_tracing *tracing; /* shared: gets spans of what was committed; NULL: nobody does */
    void (*random_bytes)(void *context, uint8_t *bytes,
                         size_t size); /* for the id of a new journal */
    void *random_context;
    struct saga_worker_counts *counts; /* the caller's, zero at first */
    struct saga_worker_metrics
        *metrics;                   /* the caller's, this worker's alone; NULL: none are kept */
    struct saga_standing *standing; /* the caller's; NULL: nobody looks */
    const struct saga_live_settings *live; /* the caller's; NULL: what is above stays */
};

struct saga_worker;

/* Subscribes at its first step. `*ret` is freed with saga_worker_free. */
int saga_worker_new(const struct saga_worker_config *config, struct saga_worker **ret);

/* Does the next thing: serves the group, recovers, or takes a batch; waits at most `timeout_ms` for work.
 * SAGA_E_AGAIN: what it has in hand must wait a moment, and nothing was waited for; call again soon.
 * Errors: SAGA_E_STOP when it can never go on (saga_worker_problem says why); everything else it handles itself. */
int saga_worker_step(struct saga_worker *worker, int timeout_ms);

enum saga_worker_phase saga_worker_phase(const struct saga_worker *worker);
/* Why it waits or stopped, in words; "" when all is well. Only from the worker's own thread. */
const char *saga_worker_problem(const struct saga_worker *worker);

/* Leaves the group and frees everything. What was in hand is not lost: it was not committed. */
void saga_worker_free(struct saga_worker *worker);

#endif
