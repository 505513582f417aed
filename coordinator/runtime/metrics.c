#include "runtime/metrics.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/memory.h"
#include "base/monotonic.h"

#define MS(n) ((n)*1000LL)
#define SECONDS(n) ((n)*1000000LL)

const struct saga_scale saga_scale_calls = {
    1e-6,
    14,
    { 500, MS(1), MS(2), MS(5), MS(10), MS(25), MS(50), MS(100), MS(250), MS(500), SECONDS(1),
      MS(2500), SECONDS(5), SECONDS(10) },
};
const struct saga_scale saga_scale_late = {
    1e-6,
    11,
    { MS(10), MS(50), MS(100), MS(250), MS(500), SECONDS(1), SECONDS(5), SECONDS(15), SECONDS(60),
      SECONDS(300), SECONDS(600) },
};
const struct saga_scale saga_scale_sagas = {
    1e-6,
    14,
    { MS(100), MS(250), MS(500), SECONDS(1), MS(2500), SECONDS(5), SECONDS(15), SECONDS(60),
      SECONDS(300), SECONDS(1800), SECONDS(7200), SECONDS(86400), SECONDS(7 * 86400),
      SECONDS(30 * 86400) },
};
const struct saga_scale saga_scale_steps = {
    1e-6,
    14,
    { MS(10), MS(25), MS(50), MS(100), MS(250), MS(500), SECONDS(1), MS(2500), SECONDS(5),
      SECONDS(15), SECONDS(60), SECONDS(600), SECONDS(86400), SECONDS(7 * 86400) },
};
const struct saga_scale saga_scale_events = {
    1,
    13,
    { 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000, 5000, 10000 },
};

void saga_metric_histogram_observe(struct saga_metric_histogram *histogram,
                                   const struct saga_scale *scale, int64_t value)
{
    unsigned bucket = 0;
    if (value < 0) value = 0;
    while (bucket < scale->count && value > scale->bounds[bucket]) bucket++;
    saga_metrics_add(&histogram->buckets[bucket], 1);
    saga_metrics_add(&histogram->sum, (uint64_t)value);
}

/* ---- names ---- */

void saga_metric_names_init(struct saga_metric_names *names, unsigned max)
{
    pthread_mutex_init(&names->adding, NULL);
    names->max = max;
    names->items = saga_memory_zeroed(max + 1, sizeof *names->items);
    for (unsigned i = 0; i < max; i++) atomic_init(&names->items[i], NULL);
    atomic_init(&names->items[max], saga_memory_text("other", 5));
}

void saga_metric_names_free(struct saga_metric_names *names)
{
    for (unsigned i = 0; i <= names->max; i++) free(atomic_load(&names->items[i]));
    free(names->items);
    pthread_mutex_destroy(&names->adding);
}

/* The place of the name; else false, with the first that is free from `from` on, or `max`. */
static bool look_up(struct saga_metric_names *names, unsigned from, struct saga_slice name,
                    unsigned *ret_place)
{
    for (unsigned i = from; i < names->max; i++) {
        const char *item = atomic_load_explicit(&names->items[i], memory_order_acquire);
        *ret_place = i;
        if (!item) return false;
        if (saga_slice_is(name, item)) return true;
    }
    *ret_place = names->max;
    return false;
}

unsigned saga_metric_names_place(struct saga_metric_names *names, struct saga_slice name)
{
    unsigned place;
    if (look_up(names, 0, name, &place)) return place;
    if (place == names->max) return place;
    pthread_mutex_lock(&names->adding);
    /* once more: another thread may have taken the place meanwhile, for this name or another */
    bool found = look_up(names, place, name, &place);
    if (!found && place < names->max)
        atomic_store_explicit(&names->items[place], saga_memory_text(name.data, name.size),
                              memory_order_release);
    pthread_mutex_unlock(&names->adding);
    return place;
}

/* ---- the whole ---- */

struct saga_metrics *saga_metrics_new(unsigned workers)
{
    struct saga_metrics *metrics = saga_memory_zeroed(1, sizeof *metrics);
    saga_metric_names_init(&metrics->definition_names, SAGA_METRICS_DEFINITIONS_MAX);
    saga_metric_names_init(&metrics->step_names, SAGA_METRICS_STEPS_MAX);
    metrics->worker_count = workers;
    metrics->workers = saga_memory_zeroed(workers, sizeof *metrics->workers);
    for (unsigned i = 0; i < workers; i++) {
        struct saga_worker_metrics *worker = &metrics->workers[i];
        worker->definition_names = &metrics->definition_names;
        worker->step_names = &metrics->step_names;
        worker->definitions =
            saga_memory_zeroed(SAGA_METRICS_DEFINITIONS_MAX + 1, sizeof *worker->definitions);
        worker->steps = saga_memory_zeroed(SAGA_METRICS_STEPS_MAX + 1, sizeof *worker->steps);
    }
    return metrics;
}

void saga_metrics_free(struct saga_metrics *metrics)
{
    if (!metrics) return;
    for (unsigned i = 0; i < metrics->worker_count; i++) {
        free(metrics->workers[i].definitions);
        free(metrics->workers[i].steps);
    }
    saga_metric_names_free(&metrics->definition_names);
    saga_metric_names_free(&metrics->step_names);
    free(metrics->workers);
    free(metrics);
}

void saga_metrics_transaction(struct saga_worker_metrics *metrics, int64_t begun_us)
{
    if (!metrics) return;
    saga_metric_histogram_observe(&metrics->transactions, &saga_scale_calls,
                                  saga_monotonic_us() - begun_us);
}
