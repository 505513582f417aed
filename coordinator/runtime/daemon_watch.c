/* The daemon as others see it: metrics, a line of status, whether its threads go on, and a configuration that was read
 * again. */
#include <stdio.h>

#include "base/error.h"
#include "runtime/daemon_internal.h"
#include "runtime/metrics_print.h"

static unsigned workers_in(struct saga_daemon *daemon, enum saga_worker_phase phase)
{
    unsigned count = 0;
    for (unsigned i = 0; i < daemon->config.workers; i++)
        count += atomic_load(&daemon->workers[i].phase) == (int)phase;
    return count;
}

/* Lanes and what they hold, as the workers said it last. */
static void add_standing(struct saga_standing *standing, struct saga_metrics_figures *figures)
{
    pthread_mutex_lock(&standing->lock);
    figures->lanes_ready += (uint32_t)standing->ready_count;
    figures->lanes_recovering += standing->own_lanes - (uint32_t)standing->ready_count;
    figures->cache_bytes += standing->cache_bytes;
    figures->unstored += standing->unstored;
    pthread_mutex_unlock(&standing->lock);
}

void saga_daemon_metrics(struct saga_daemon *daemon, struct saga_buffer *out)
{
    struct saga_metrics_figures figures = {
        .metrics = daemon->metrics,
        .ready = saga_daemon_is_ready(daemon),
        .lanes = daemon->config.lanes,
        .reload_failed = atomic_load(&daemon->reload_failed),
        .reloaded_seconds = (double)atomic_load(&daemon->reloaded_ms) / 1000,
        .spans = daemon->tracing ? saga_tracing_counted(daemon->tracing) : NULL,
    };
    for (unsigned p = 0; p < SAGA_WORKER_PHASES; p++)
        figures.workers[p] = workers_in(daemon, (enum saga_worker_phase)p);
    for (unsigned i = 0; i < daemon->config.workers; i++)
        add_standing(&daemon->standings[i], &figures);
    saga_daemon_count(daemon, &figures.counts);
    saga_metrics_watch_known(daemon->watch, out->arena, &figures.known);
    saga_process_figures_read(&figures.process);
    saga_metrics_print(&figures, out);
}

void saga_daemon_status(struct saga_daemon *daemon, char *text, size_t size)
{
    struct saga_metrics_figures figures = { 0 };
    unsigned joining = workers_in(daemon, SAGA_WORKER_JOINING);
    for (unsigned i = 0; i < daemon->config.workers; i++)
        add_standing(&daemon->standings[i], &figures);
    if (!atomic_load(&daemon->surroundings_good))
        snprintf(text, size, "waiting for Kafka, Redis and the topics; the log says for what");
    else if (joining)
        snprintf(text, size, "%u of %u workers wait for their lanes", joining,
                 daemon->config.workers);
    else if (figures.lanes_recovering)
        snprintf(text, size, "%u lanes ready, %u being recovered", figures.lanes_ready,
                 figures.lanes_recovering);
    else
        snprintf(text, size, "%u of %u lanes here, all ready", figures.lanes_ready,
                 daemon->config.lanes);
}

bool saga_daemon_is_alive(struct saga_daemon *daemon, int64_t within_ms, const char **ret_who)
{
    int64_t now_ms = saga_clock_system().monotonic_ms(NULL);
    *ret_who = "surroundings";
    if (now_ms - atomic_load(&daemon->moved_ms) > within_ms) return false;
    for (unsigned i = 0; i < daemon->config.workers; i++) {
        *ret_who = daemon->workers[i].owner;
        if (now_ms - atomic_load(&daemon->workers[i].moved_ms) > within_ms) return false;
    }
    return true;
}

void saga_daemon_reload(struct saga_daemon *daemon, const struct saga_config *config)
{
    atomic_store(&daemon->reload_failed, config == NULL);
    if (!config) return;
    atomic_store(&daemon->live.batch_max, config->batch_max);
    atomic_store(&daemon->live.cache_bytes, config->cache_bytes);
    atomic_store(&daemon->live.snapshot_records, config->snapshot_records);
    atomic_store(&daemon->live.snapshot_interval_ms, config->snapshot_interval_ms);
    atomic_store(&daemon->stop_timeout_ms, config->stop_timeout_ms);
    atomic_store(&daemon->reloaded_ms, saga_clock_system().wall_ms(NULL));
}
