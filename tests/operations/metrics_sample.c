/* All metrics as a coordinator prints them that has met everything once: what dashboard and alerts are held against. */
#include <stdio.h>

#include "runtime/batch_figures.h"
#include "runtime/metrics_print.h"

static void fill(struct saga_worker_metrics *worker)
{
    unsigned place = saga_metric_names_place(worker->definition_names, SAGA_SLICE("order"));
    struct saga_definition_metrics *definition = &worker->definitions[place];
    for (unsigned k = 0; k < SAGA_EVENT_KIND_COUNT; k++)
        saga_metrics_add(&definition->events[k], 1);
    for (unsigned c = 0; c < SAGA_DEFINITION_COUNTERS; c++)
        saga_metrics_add(&definition->counters[c], 1);
    for (unsigned o = 0; o < SAGA_OUTCOMES; o++)
        saga_metric_histogram_observe(&definition->durations[o], &saga_scale_sagas, 1000000);
    place = saga_metric_names_place(worker->step_names, SAGA_SLICE("order/charge"));
    for (unsigned o = 0; o < SAGA_STEP_OUTCOMES; o++)
        saga_metric_histogram_observe(&worker->steps[place].durations[o], &saga_scale_steps, 20000);
    saga_metrics_add(&worker->dead_letters[SAGA_LETTER_UNREADABLE], 1);
    saga_metric_histogram_observe(&worker->batch_events, &saga_scale_events, 20);
    saga_metric_histogram_observe(&worker->transactions, &saga_scale_calls, 4000);
    saga_metric_histogram_observe(&worker->late, &saga_scale_late, 20000);
    for (unsigned c = 0; c < SAGA_REDIS_CALLS; c++)
        saga_metric_histogram_observe(&worker->redis[c], &saga_scale_calls, 700);
}

int main(void)
{
    int64_t lags[] = { 0, 17 };
    struct saga_view_count sagas[] = { { SAGA_SLICE("order"), SAGA_SLICE("running"), 5 },
                                       { SAGA_SLICE("order"), SAGA_SLICE("stuck"), 1 } };
    struct saga_arena arena;
    struct saga_buffer out;
    struct saga_metrics_figures figures = {
        .metrics = saga_metrics_new(1),
        .known = { lags, 2, sagas, 2 },
        .ready = true,
        .lanes = 2,
        .lanes_ready = 2,
        .reloaded_seconds = 1700000000,
    };
    saga_arena_init(&arena);
    saga_buffer_init(&out, &arena);
    fill(&figures.metrics->workers[0]);
    saga_process_figures_read(&figures.process);
    saga_metrics_print(&figures, &out);
    fwrite(out.data, 1, out.size, stdout);
    saga_metrics_free(figures.metrics);
    saga_arena_free(&arena);
    return 0;
}
