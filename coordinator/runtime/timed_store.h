/* A store that measures how long the calls of another one take, for the metrics. Everything else is the other's. */
#ifndef SAGA_RUNTIME_TIMED_STORE_H
#define SAGA_RUNTIME_TIMED_STORE_H

#include "runtime/metrics.h"
#include "store/store.h"

/* Takes `store` over: closing the timed one closes it. `metrics` is written by the thread that calls, and outlives it. */
struct saga_store saga_timed_store(struct saga_store store, struct saga_worker_metrics *metrics);

#endif
