/* What the process counts and measures. Each worker has a part of its own, which it alone writes, with plain loads and
 * stores of atomics: no lock and no shared cache line on the way of an event. Whoever prints adds the parts up and may be a
 * batch behind. Events are counted when their batch is committed (batch_figures.h), so what is tried again counts once.
 *
 * Series are bounded: definitions beyond SAGA_METRICS_DEFINITIONS_MAX, and steps beyond their limit, count as "other". */
#ifndef SAGA_RUNTIME_METRICS_H
#define SAGA_RUNTIME_METRICS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/slice.h"
#include "engine/event.h"
#include "runtime/letter_reasons.h"

/* Counted for each definition; metrics_print.c has the names. */
enum saga_definition_counter {
    SAGA_COUNTS_NOTHING, /* of a fact that no counter is for */
    SAGA_COUNTS_STARTED,
    SAGA_COUNTS_COMPLETED,
    SAGA_COUNTS_COMPENSATED,
    SAGA_COUNTS_ABANDONED,
    SAGA_COUNTS_STUCK,
    SAGA_COUNTS_COMMANDS,
    SAGA_COUNTS_COMPENSATION_COMMANDS,
    SAGA_COUNTS_PUBLISHED,
    SAGA_COUNTS_STEP_SUCCEEDED,
    SAGA_COUNTS_STEP_FAILED,
    SAGA_COUNTS_STEP_UNKNOWN,
    SAGA_COUNTS_STEP_SKIPPED,
    SAGA_COUNTS_STEP_RETRIES,
    SAGA_COUNTS_COMPENSATION_SUCCEEDED,
    SAGA_COUNTS_COMPENSATION_FAILED,
    SAGA_COUNTS_COMPENSATION_EXHAUSTED,
    SAGA_COUNTS_COMPENSATION_SKIPPED,
    SAGA_COUNTS_COMPENSATION_RETRIES,
    SAGA_DEFINITION_COUNTERS
};

/* How a saga ended. */
enum saga_outcome {
    SAGA_OUTCOME_COMPLETED,
    SAGA_OUTCOME_COMPENSATED,
    SAGA_OUTCOME_ABANDONED,
    SAGA_OUTCOMES
};

/* How a step ended that was sent; those that were skipped took no time. */
enum saga_step_outcome {
    SAGA_STEP_OUTCOME_SUCCEEDED,
    SAGA_STEP_OUTCOME_FAILED,
    SAGA_STEP_OUTCOME_UNKNOWN,
    SAGA_STEP_OUTCOMES
};

/* Which calls of the store are told apart (store/store.h). */
enum saga_redis_call {
    SAGA_REDIS_LANE_READ,
    SAGA_REDIS_STATES_READ,
    SAGA_REDIS_APPLY,
    SAGA_REDIS_APPLY_WAIT,
    SAGA_REDIS_TIMERS_DUE,
    SAGA_REDIS_HEARTBEAT,
    SAGA_REDIS_CALLS
};

/* A scale: upper bounds of the buckets in whole units, rising. `unit` makes a bound what is printed: of microseconds
 * 1e-6, as Prometheus wants seconds. */
enum { SAGA_BOUNDS_MAX = 14 };
struct saga_scale {
    double unit;
    unsigned count;
    int64_t bounds[SAGA_BOUNDS_MAX];
};
extern const struct saga_scale saga_scale_calls;  /* of calls: 0.5 ms to 10 s */
extern const struct saga_scale saga_scale_late;   /* of alarms: 10 ms to 10 min */
extern const struct saga_scale saga_scale_sagas;  /* of sagas: 100 ms to 30 d */
extern const struct saga_scale saga_scale_steps;  /* of steps: 10 ms to 7 d */
extern const struct saga_scale saga_scale_events; /* in a batch: 1 to 10,000 */

struct saga_metric_histogram {
    atomic_ullong buckets[SAGA_BOUNDS_MAX + 1]; /* each alone; the last is above all bounds */
    atomic_ullong sum;                          /* in whole units */
};

/* Adds to what only the calling thread writes. */
static inline void saga_metrics_add(atomic_ullong *counter, uint64_t by)
{
    unsigned long long now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + by, memory_order_relaxed);
}
/* `value` in the scale's units; below 0 counts as 0. By the histogram's only writer. */
void saga_metric_histogram_observe(struct saga_metric_histogram *histogram,
                                   const struct saga_scale *scale, int64_t value);

/* Names that were met, at most `max`; what comes later has the place behind them. Safe from any thread: looking up takes no
 * lock. */
struct saga_metric_names {
    _Atomic(char *) *items; /* max + 1 of them; NULL: none yet; the last is "other" */
    unsigned max;
    pthread_mutex_t adding;
};
void saga_metric_names_init(struct saga_metric_names *names, unsigned max);
void saga_metric_names_free(struct saga_metric_names *names);
/* The place of a name, which is taken if there is one left. */
unsigned saga_metric_names_place(struct saga_metric_names *names, struct saga_slice name);

struct saga_definition_metrics {
    atomic_ullong events[SAGA_EVENT_KIND_COUNT];
    atomic_ullong counters[SAGA_DEFINITION_COUNTERS];
    struct saga_metric_histogram durations[SAGA_OUTCOMES];
};

struct saga_step_metrics {
    struct saga_metric_histogram durations[SAGA_STEP_OUTCOMES];
};

/* One worker's part. */
struct saga_worker_metrics {
    struct saga_metric_names *definition_names, *step_names; /* of the process */
    atomic_ullong dead_letters[SAGA_LETTER_REASON_COUNT];
    struct saga_definition_metrics *definitions; /* by place of the name */
    struct saga_step_metrics *steps;             /* by place of "<definition>/<step>" */
    struct saga_metric_histogram batch_events, transactions, late;
    struct saga_metric_histogram redis[SAGA_REDIS_CALLS];
    atomic_ullong redis_errors[SAGA_REDIS_CALLS];
};

struct saga_metrics {
    struct saga_metric_names definition_names, step_names;
    unsigned worker_count;
    struct saga_worker_metrics *workers;
};

/* Never NULL (base/memory.h); freed with saga_metrics_free when no worker runs any more. */
struct saga_metrics *saga_metrics_new(unsigned workers);
void saga_metrics_free(struct saga_metrics *metrics);

/* A transaction that began at `begun_us` was committed. `metrics` may be NULL. */
void saga_metrics_transaction(struct saga_worker_metrics *metrics, int64_t begun_us);

#endif
