#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "runtime/daemon_internal.h"
#include "runtime/log.h"
#include "runtime/timed_store.h"
#include "store/instance.h"
#include "store/redis.h"

enum {
    PAUSE_MS = 2,
    LONG_RECOVERY = 20000, /* records: some seconds */
    BESIDE_MS = 100,
    TURN_MS_MAX = 10000
};

void saga_daemon_moved(atomic_llong *moved_ms)
{
    atomic_store(moved_ms, saga_clock_system().monotonic_ms(NULL));
}

/* Whoever reads only the end of the log sees why there is no more of it. */
static void stop_for(struct saga_daemon *daemon, const char *what)
{
    if (atomic_exchange(&daemon->failed, true)) return;
    saga_log(SAGA_LOG_ERROR, "the process stops", "cause=\"%s\" words=\"%s\"", what,
             "nothing is lost: started again it goes on where it stood");
}

void saga_daemon_fail(struct saga_daemon *daemon, const char *what, const char *words)
{
    saga_log(SAGA_LOG_ERROR, what, "words=\"%s\"", words);
    stop_for(daemon, what);
}

void saga_daemon_fail_diagnostic(struct saga_daemon *daemon, const char *what,
                                 const struct saga_diagnostic *diagnostic)
{
    saga_log(SAGA_LOG_ERROR, what, "words=\"%.*s\" mend=\"%.*s\"", SAGA_SLICE_ARG(diagnostic->what),
             SAGA_SLICE_ARG(diagnostic->mend));
    stop_for(daemon, what);
}

static void random_bytes(void *context, uint8_t *bytes, size_t size)
{
    (void)context;
    int done = RAND_bytes(bytes, (int)size);
    SAGA_ASSERT(done == 1);
}

/* Opens the bus, waiting for the broker. False when it is told to stop before, or never can. */
static bool open_bus(struct worker_thread *thread, struct saga_bus *ret)
{
    struct saga_daemon *daemon = thread->daemon;
    int64_t last_log_ms = 0;
    struct saga_arena arena;
    saga_arena_init(&arena);
    int error = SAGA_E_AGAIN;
    while (!atomic_load(&daemon->stopping)) {
        struct saga_diagnostic diagnostic = { 0 };
        saga_daemon_moved(&thread->moved_ms);
        saga_arena_reset(&arena);
        error = saga_kafka_open(&daemon->config.kafka, thread->number, SAGA_DAEMON_CALL_MS, &arena,
                                ret, &diagnostic);
        if (error == SAGA_OK) break;
        if (error != SAGA_E_AGAIN) {
            saga_daemon_fail_diagnostic(daemon, "kafka", &diagnostic);
            break;
        }
        saga_log_seldom(&last_log_ms, SAGA_DAEMON_LOG_EVERY_MS, SAGA_LOG_WARNING,
                        "waiting for the broker", "words=\"%.*s\"",
                        SAGA_SLICE_ARG(diagnostic.what));
        saga_sleep_ms(SAGA_DAEMON_RETRY_MS);
    }
    saga_arena_free(&arena);
    return error == SAGA_OK;
}

static bool open_worker(struct worker_thread *thread)
{
    struct saga_daemon *daemon = thread->daemon;
    const struct saga_config *config = &daemon->config;
    struct saga_worker_config worker_config = {
        .inbox = daemon->topics.inbox,
        .journal = daemon->topics.journal,
        .dead_letters = daemon->topics.dead_letters,
        .snapshots = daemon->topics.snapshots,
        .keys = daemon->topics.keys,
        .wrapping = daemon->wrapping,
        .lanes = config->lanes,
        .batch_max = config->batch_max,
        .cache_bytes = config->cache_bytes,
        .load_bytes = SAGA_LOAD_BYTES_MAX,
        .snapshot_records = config->snapshot_records,
        .snapshot_portion = SAGA_SNAPSHOT_PORTION_MAX,
        .snapshot_interval_ms = config->snapshot_interval_ms,
        .long_recovery = LONG_RECOVERY,
        .beside_ms = BESIDE_MS,
        .clock = saga_clock_system(),
        .registry = daemon->registry,
        .schemas = daemon->schemas,
        .heads = saga_anchoring_heads(daemon->anchoring),
        .tracing = daemon->tracing,
        .random_bytes = random_bytes,
        .counts = &thread->counts,
        .metrics = &daemon->metrics->workers[thread->number],
        .standing = &daemon->standings[thread->number],
        .live = &daemon->live,
    };
    worker_config.owner = saga_slice_of(thread->owner);
    if (!open_bus(thread, &worker_config.bus)) return false;
    if (saga_redis_open(&config->redis, config->lanes, &worker_config.store) < 0) {
        saga_daemon_fail(daemon, "redis", "no connection could be made ready");
        worker_config.bus.close(worker_config.bus.self);
        return false;
    }
    worker_config.store = saga_timed_store(worker_config.store, worker_config.metrics);
    saga_worker_new(&worker_config, &thread->worker);
    return true;
}

/* One behind the other into the group. Who comes while another is just being given its partitions makes that one's
 * answer void, and librdkafka waits up to two seconds before it asks again; and a broker waits once more
 * (group.initial.rebalance.delay.ms) for each that comes while it waits for the first. */
static void wait_for_turn(const struct worker_thread *thread)
{
    struct saga_daemon *daemon = thread->daemon;
    if (thread->number == 0) return;
    const struct worker_thread *before = &daemon->workers[thread->number - 1];
    for (int waited_ms = 0; waited_ms < TURN_MS_MAX && !atomic_load(&daemon->stopping) &&
                            atomic_load(&before->phase) == SAGA_WORKER_JOINING;
         waited_ms += PAUSE_MS)
        saga_sleep_ms(PAUSE_MS);
}

static void *worker_main(void *context)
{
    struct worker_thread *thread = context;
    struct saga_daemon *daemon = thread->daemon;
    while (!atomic_load(&daemon->surroundings_good) && !atomic_load(&daemon->stopping)) {
        saga_daemon_moved(&thread->moved_ms);
        saga_sleep_ms(PAUSE_MS);
    }
    if (!atomic_load(&daemon->stopping) && open_worker(thread)) {
        struct saga_worker *worker = thread->worker;
        wait_for_turn(thread);
        while (!atomic_load(&daemon->stopping)) {
            saga_daemon_moved(&thread->moved_ms);
            int error = saga_worker_step(worker, SAGA_DAEMON_STEP_MS);
            atomic_store(&thread->phase, (int)saga_worker_phase(worker));
            if (error == SAGA_E_AGAIN) saga_sleep_ms(PAUSE_MS);
            if (error != SAGA_E_STOP) continue;
            saga_daemon_fail(daemon, "a worker cannot go on", saga_worker_problem(worker));
            break;
        }
        /* R27: nothing is in hand between two steps, and closing leaves the group */
        saga_worker_free(worker);
    }
    atomic_fetch_sub(&daemon->running_workers, 1);
    atomic_fetch_sub(&daemon->running_threads, 1);
    return NULL;
}

/* ---- the daemon ---- */

static void make_metrics(struct saga_daemon *daemon)
{
    unsigned workers = daemon->config.workers;
    daemon->metrics = saga_metrics_new(workers);
    daemon->standings = saga_memory_zeroed(workers, sizeof *daemon->standings);
    for (unsigned i = 0; i < workers; i++) saga_standing_init(&daemon->standings[i]);
    daemon->watch = saga_metrics_watch_new(&daemon->config, daemon->standings);
}

static void free_metrics(struct saga_daemon *daemon)
{
    saga_metrics_watch_free(daemon->watch);
    for (unsigned i = 0; i < daemon->config.workers; i++) saga_standing_free(&daemon->standings[i]);
    free(daemon->standings);
    saga_metrics_free(daemon->metrics);
}

static int start_worker(struct saga_daemon *daemon, unsigned number)
{
    struct worker_thread *thread = &daemon->workers[number];
    thread->daemon = daemon;
    thread->number = number;
    snprintf(thread->owner, sizeof thread->owner, "%s/%u", daemon->config.kafka.instance, number);
    saga_daemon_moved(&thread->moved_ms);
    return pthread_create(&thread->thread, NULL, worker_main, thread);
}

static void release(struct saga_daemon *daemon)
{
    saga_anchoring_free(daemon->anchoring);
    saga_tracing_free(daemon->tracing);
    saga_registry_free(daemon->registry);
    saga_schema_store_close(daemon->schemas);
    if (daemon->metrics) free_metrics(daemon);
    saga_wrapping_free(daemon->wrapping);
    free(daemon->workers);
    saga_arena_free(&daemon->arena);
    free(daemon);
}

int saga_daemon_new(const struct saga_config *config, struct saga_arena *arena,
                    struct saga_daemon **ret, struct saga_diagnostic *diagnostic)
{
    saga_memory_share_pools();
    struct saga_daemon *daemon = saga_memory_zeroed(1, sizeof *daemon);
    daemon->config = *config;
    saga_arena_init(&daemon->arena);
    saga_topics_name(config->topic_prefix, &daemon->arena, &daemon->topics);
    daemon->config.kafka.compressed_topic =
        saga_arena_string(&daemon->arena, daemon->topics.journal);
    saga_daemon_name_holder(daemon);
    int error = saga_redis_settings_check(&config->redis, arena, diagnostic);
    if (error == SAGA_OK)
        error = saga_schema_store_open(config->schemas, arena, &daemon->schemas, diagnostic);
    if (error == SAGA_OK)
        error = saga_wrapping_read(config->privacy_key_file, config->privacy_key_command, arena,
                                   &daemon->wrapping, diagnostic);
    if (error == SAGA_OK)
        error = saga_client_new(&config->kafka, arena, &daemon->client, diagnostic);
    if (error < 0) {
        release(daemon);
        return error;
    }
    daemon->registry = saga_registry_new();
    daemon->workers = saga_memory_zeroed(config->workers, sizeof *daemon->workers);
    if (config->anchors.every_ms)
        daemon->anchoring = saga_anchoring_new(&daemon->config.anchors, config->lanes);
    make_metrics(daemon);
    saga_daemon_reload(daemon, config);
    if (config->traces.endpoint)
        daemon->tracing = saga_tracing_new(&daemon->config.traces, daemon->config.kafka.instance);
    *ret = daemon;
    return SAGA_OK;
}

void saga_daemon_free(struct saga_daemon *daemon)
{
    if (!daemon) return;
    saga_client_free(daemon->client);
    release(daemon);
}

void saga_daemon_start(struct saga_daemon *daemon)
{
    unsigned workers = daemon->config.workers;
    saga_daemon_moved(&daemon->moved_ms);
    atomic_store(&daemon->running_workers, workers);
    atomic_store(&daemon->running_threads,
                 workers + 1 + (daemon->anchoring != NULL) + (daemon->tracing != NULL));
    int failed = pthread_create(&daemon->surroundings, NULL, saga_daemon_surroundings, daemon);
    if (daemon->anchoring && !failed)
        failed = pthread_create(&daemon->anchors, NULL, saga_daemon_anchors, daemon);
    if (daemon->tracing && !failed)
        failed = pthread_create(&daemon->traces, NULL, saga_daemon_traces, daemon);
    for (unsigned i = 0; i < workers && !failed; i++) failed = start_worker(daemon, i);
    SAGA_ASSERT(!failed);
}

const struct saga_wrapping *saga_daemon_wrapping(const struct saga_daemon *daemon)
{
    return daemon->wrapping;
}

bool saga_daemon_is_ready(struct saga_daemon *daemon)
{
    for (unsigned i = 0; i < daemon->config.workers; i++)
        if (atomic_load(&daemon->workers[i].phase) != SAGA_WORKER_RUNNING) return false;
    return true;
}

bool saga_daemon_has_good_surroundings(struct saga_daemon *daemon)
{
    return atomic_load(&daemon->surroundings_good);
}

bool saga_daemon_has_failed(struct saga_daemon *daemon)
{
    return atomic_load(&daemon->failed);
}

const char *saga_daemon_holder(const struct saga_daemon *daemon)
{
    return daemon->holder;
}

void saga_daemon_count(struct saga_daemon *daemon, struct saga_daemon_counts *ret)
{
    *ret = (struct saga_daemon_counts){ 0 };
    for (unsigned i = 0; i < daemon->config.workers; i++) {
        const struct saga_worker_counts *counts = &daemon->workers[i].counts;
        ret->events += counts->events;
        ret->batches += counts->batches;
        ret->commands += counts->commands;
        ret->hops += counts->hops;
        ret->dead_letters += counts->dead_letters;
        ret->ignored += counts->ignored;
        ret->aborts += counts->aborts;
        ret->recoveries += counts->recoveries;
        ret->sagas_started += counts->sagas_started;
        ret->sagas_ended += counts->sagas_ended;
        ret->snapshots += counts->snapshots;
        ret->snapshot_states += counts->snapshot_states;
        ret->made_smaller += counts->made_smaller;
        ret->unfit += counts->unfit;
        ret->foreign += counts->foreign;
    }
}

int saga_daemon_stop(struct saga_daemon *daemon)
{
    struct saga_clock clock = saga_clock_system();
    int64_t until_ms = clock.monotonic_ms(NULL) + atomic_load(&daemon->stop_timeout_ms);
    atomic_store(&daemon->stopping, true);
    if (daemon->tracing)
        saga_tracing_end_in(daemon->tracing, atomic_load(&daemon->stop_timeout_ms) / 4);
    while (atomic_load(&daemon->running_threads) > 0) {
        if (clock.monotonic_ms(NULL) >= until_ms) return SAGA_E_AGAIN;
        saga_sleep_ms(PAUSE_MS);
    }
    pthread_join(daemon->surroundings, NULL);
    if (daemon->anchoring) pthread_join(daemon->anchors, NULL);
    if (daemon->tracing) pthread_join(daemon->traces, NULL);
    for (unsigned i = 0; i < daemon->config.workers; i++) {
        pthread_join(daemon->workers[i].thread, NULL);
    }
    if (daemon->held_ms)
        saga_instance_release(&daemon->config.redis, daemon->config.kafka.group,
                              daemon->config.kafka.instance, daemon->holder);
    release(daemon);
    return SAGA_OK;
}
