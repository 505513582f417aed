#include "runtime/daemon.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "runtime/log.h"
#include "runtime/topics.h"
#include "runtime/worker.h"
#include "store/instance.h"
#include "store/redis.h"

enum {
    STEP_TIMEOUT_MS = 100,
    RETRY_MS = 200,
    PAUSE_MS = 2,
    LOG_EVERY_MS = 5000,
    LONG_RECOVERY = 20000, /* records: some seconds */
    BESIDE_MS = 100,
    HOLD_MS = 15000,
    RENEW_MS = 3000,
    REDIS_LOOK_MS = 5000,
    GIVE_BACK_MS = 30000, /* memory that nobody uses any more */
    SCHEMAS_LOOK_MS = 5000,
    TURN_MS_MAX = 10000,
    CALL_TIMEOUT_MS = 3000
};

struct worker_thread {
    struct saga_daemon *daemon;
    unsigned number;
    pthread_t thread;
    char owner[128];
    struct saga_worker *worker;
    atomic_int phase;
    struct saga_worker_counts counts;
};

struct saga_daemon {
    struct saga_config config;
    char holder[320];        /* of the instance name: host, pid, something random */
    int64_t held_ms;         /* monotonic: when the name was last confirmed */
    int64_t redis_seen_ms;   /* monotonic: when Redis was last looked at */
    int64_t gave_back_ms;    /* monotonic: when freed memory was last given back */
    struct saga_arena arena; /* the topics' names */
    struct saga_topics topics;
    struct saga_registry *registry;
    struct saga_schema_store *schemas;
    struct saga_client *client; /* the surroundings thread's */
    pthread_t surroundings;
    atomic_bool surroundings_good;
    atomic_bool stopping;
    atomic_bool failed;
    atomic_uint running_threads;
    struct worker_thread *workers;
};

static void sleep_ms(int ms)
{
    struct timespec wait = { ms / 1000, (long)(ms % 1000) * 1000000L };
    nanosleep(&wait, NULL);
}

static void fail(struct saga_daemon *daemon, const char *what, const char *words)
{
    saga_log(SAGA_LOG_ERROR, what, "words=\"%s\"", words);
    atomic_store(&daemon->failed, true);
}

static void fail_diagnostic(struct saga_daemon *daemon, const char *what,
                            const struct saga_diagnostic *diagnostic)
{
    saga_log(SAGA_LOG_ERROR, what, "words=\"%.*s\" mend=\"%.*s\"", SAGA_SLICE_ARG(diagnostic->what),
             SAGA_SLICE_ARG(diagnostic->mend));
    atomic_store(&daemon->failed, true);
}

/* ---- the surroundings: broker, Redis, topics, definitions ---- */

/* Asks until the answer is definite. `check` is one of the looks below. */
static bool wait_for(struct saga_daemon *daemon, const char *what,
                     int (*check)(struct saga_daemon *, struct saga_arena *,
                                  struct saga_diagnostic *))
{
    int64_t last_log_ms = 0;
    struct saga_arena arena;
    saga_arena_init(&arena);
    int error = SAGA_E_AGAIN;
    while (!atomic_load(&daemon->stopping)) {
        struct saga_diagnostic diagnostic = { 0 };
        saga_arena_reset(&arena);
        error = check(daemon, &arena, &diagnostic);
        if (error == SAGA_OK) break;
        if (error != SAGA_E_AGAIN) {
            fail_diagnostic(daemon, what, &diagnostic);
            break;
        }
        saga_log_seldom(&last_log_ms, LOG_EVERY_MS, SAGA_LOG_WARNING, what,
                        "words=\"%.*s\" mend=\"%.*s\"", SAGA_SLICE_ARG(diagnostic.what),
                        SAGA_SLICE_ARG(diagnostic.mend));
        sleep_ms(RETRY_MS);
    }
    saga_arena_free(&arena);
    return error == SAGA_OK;
}

static int look_at_broker(struct saga_daemon *daemon, struct saga_arena *arena,
                          struct saga_diagnostic *diagnostic)
{
    return saga_client_check_broker(daemon->client, CALL_TIMEOUT_MS, arena, diagnostic);
}

static int look_at_redis(struct saga_daemon *daemon, struct saga_arena *arena,
                         struct saga_diagnostic *diagnostic)
{
    return saga_redis_check(&daemon->config.redis, arena, diagnostic);
}

static int check_partitions(struct saga_daemon *daemon, const struct saga_topic_spec *spec,
                            const struct saga_topic_state *state, struct saga_arena *arena,
                            struct saga_diagnostic *diagnostic)
{
    if (!state->exists) {
        saga_diagnostic_set(diagnostic, arena, "topic %s does not exist", spec->name);
        saga_diagnostic_mend(diagnostic, arena, "make the topics: saga topics create");
        return SAGA_E_AGAIN;
    }
    if (state->partitions == spec->partitions) return SAGA_OK;
    saga_diagnostic_set(diagnostic, arena,
                        "topic %s has %d partitions and %d are needed: %u lanes are configured",
                        spec->name, state->partitions, spec->partitions, daemon->config.lanes);
    saga_diagnostic_mend(
        diagnostic, arena,
        "set lanes to the partitions of %s, or use another topics.prefix; lanes cannot be "
        "changed once there are sagas",
        spec->name);
    return SAGA_E_STOP;
}

static int look_at_topics(struct saga_daemon *daemon, struct saga_arena *arena,
                          struct saga_diagnostic *diagnostic)
{
    struct saga_topic_spec *specs;
    size_t count;
    saga_topics_specs(&daemon->topics, daemon->config.lanes, arena, &specs, &count);
    for (size_t i = 0; i < count; i++) {
        struct saga_topic_state state;
        int error =
            saga_client_describe_topic(daemon->client, &specs[i], CALL_TIMEOUT_MS, arena, &state);
        if (error < 0) {
            saga_diagnostic_set(diagnostic, arena, "%s", saga_client_problem(daemon->client));
            return error == SAGA_E_STOP ? SAGA_E_STOP : SAGA_E_AGAIN;
        }
        error = check_partitions(daemon, &specs[i], &state, arena, diagnostic);
        if (error < 0) return error;
    }
    return SAGA_OK;
}

/* ---- the instance's name ---- */

static int hold_name(struct saga_daemon *daemon, struct saga_arena *arena,
                     struct saga_diagnostic *diagnostic)
{
    struct saga_clock clock = saga_clock_system();
    int error = saga_instance_hold(&daemon->config.redis, daemon->config.kafka.group,
                                   daemon->config.kafka.instance, daemon->holder, HOLD_MS, arena,
                                   diagnostic);
    if (error == SAGA_OK) daemon->held_ms = clock.monotonic_ms(NULL);
    return error;
}

/* At start: who held it may just have died on another machine, so its hold is waited for. */
static int take_name(struct saga_daemon *daemon, struct saga_arena *arena,
                     struct saga_diagnostic *diagnostic)
{
    struct saga_clock clock = saga_clock_system();
    if (daemon->held_ms == 0) daemon->held_ms = clock.monotonic_ms(NULL);
    int64_t since_ms = daemon->held_ms;
    int error = hold_name(daemon, arena, diagnostic);
    if (error != SAGA_E_CONFLICT) return error;
    if (clock.monotonic_ms(NULL) - since_ms > HOLD_MS + RENEW_MS) return SAGA_E_STOP;
    saga_diagnostic_mend(diagnostic, arena,
                         "it may have just died: this is tried for up to %d s after the start",
                         (HOLD_MS + RENEW_MS) / 1000);
    return SAGA_E_AGAIN;
}

static void keep_name(struct saga_daemon *daemon)
{
    struct saga_clock clock = saga_clock_system();
    if (clock.monotonic_ms(NULL) - daemon->held_ms < RENEW_MS) return;
    struct saga_arena arena;
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_init(&arena);
    int error = hold_name(daemon, &arena, &diagnostic);
    if (error == SAGA_E_CONFLICT) fail_diagnostic(daemon, "instance", &diagnostic);
    if (error < 0)
        daemon->held_ms = clock.monotonic_ms(NULL) - RENEW_MS + RETRY_MS; /* soon again */
    saga_arena_free(&arena);
}

/* A policy that was changed while we run would lose sagas without a word: a state that was evicted looks like one that
 * never was. Stopping keeps them, the journal has everything. */
static void watch_redis(struct saga_daemon *daemon)
{
    struct saga_clock clock = saga_clock_system();
    if (clock.monotonic_ms(NULL) - daemon->redis_seen_ms < REDIS_LOOK_MS) return;
    struct saga_arena arena;
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_init(&arena);
    if (look_at_redis(daemon, &arena, &diagnostic) == SAGA_E_STOP)
        fail_diagnostic(daemon, "redis", &diagnostic);
    daemon->redis_seen_ms = clock.monotonic_ms(NULL);
    saga_arena_free(&arena);
}

static void give_memory_back(struct saga_daemon *daemon)
{
    struct saga_clock clock = saga_clock_system();
    if (clock.monotonic_ms(NULL) - daemon->gave_back_ms < GIVE_BACK_MS) return;
    saga_memory_give_back();
    daemon->gave_back_ms = clock.monotonic_ms(NULL);
}

static void name_holder(struct saga_daemon *daemon)
{
    unsigned char random[8];
    char hex[17], host[256];
    int done = RAND_bytes(random, sizeof random);
    SAGA_ASSERT(done == 1);
    saga_hex(random, sizeof random, hex);
    if (gethostname(host, sizeof host) != 0) strcpy(host, "unknown");
    host[sizeof host - 1] = '\0';
    snprintf(daemon->holder, sizeof daemon->holder, "%s %ld %s", host, (long)getpid(), hex);
}

/* ---- definitions ---- */

static void take_definitions(struct saga_daemon *daemon, const struct saga_bus_records *records)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    for (size_t i = 0; i < records->count; i++) {
        struct saga_diagnostic diagnostic = { 0 };
        int error =
            saga_registry_offer(daemon->registry, records->items[i].value, &arena, &diagnostic);
        if (error < 0)
            saga_log(SAGA_LOG_WARNING, "a deployed definition is left out",
                     "offset=%lld words=\"%.*s\"", (long long)records->items[i].offset,
                     SAGA_SLICE_ARG(diagnostic.what));
        else
            saga_log(SAGA_LOG_INFO, "definition in force", "name=%.*s",
                     SAGA_SLICE_ARG(records->items[i].key));
        saga_arena_reset(&arena);
    }
    saga_arena_free(&arena);
}

/* Reads saga.definitions from its beginning and goes on for ever: what is deployed is in force within a second. */
static void follow_definitions(struct saga_daemon *daemon)
{
    struct saga_reader *reader = NULL;
    int64_t position, last_log_ms = 0;
    while (!atomic_load(&daemon->stopping)) {
        struct saga_bus_records records = { 0 };
        bool end = false;
        int error = SAGA_OK;
        keep_name(daemon);
        watch_redis(daemon);
        give_memory_back(daemon);
        saga_schema_store_look(daemon->schemas, SCHEMAS_LOOK_MS);
        if (!reader)
            error = saga_reader_open(daemon->client, daemon->topics.definitions, 0,
                                     SAGA_READ_BEGINNING, &reader);
        if (error == SAGA_OK)
            error = saga_reader_read(reader, STEP_TIMEOUT_MS, 100, &records, &position, &end);
        if (error < 0) {
            saga_log_seldom(&last_log_ms, LOG_EVERY_MS, SAGA_LOG_WARNING,
                            "definitions cannot be read", "words=\"%s\"",
                            saga_client_problem(daemon->client));
            sleep_ms(RETRY_MS);
            continue;
        }
        take_definitions(daemon, &records);
        saga_reader_release(reader, &records);
        if (end) saga_registry_end_reached(daemon->registry);
    }
    saga_reader_close(reader);
}

static void *surroundings_main(void *context)
{
    struct saga_daemon *daemon = context;
    bool good =
        wait_for(daemon, "broker", look_at_broker) && wait_for(daemon, "redis", look_at_redis) &&
        wait_for(daemon, "instance", take_name) && wait_for(daemon, "topics", look_at_topics);
    if (good) {
        atomic_store(&daemon->surroundings_good, true);
        follow_definitions(daemon);
    }
    saga_client_free(daemon->client);
    atomic_fetch_sub(&daemon->running_threads, 1);
    return NULL;
}

/* ---- workers ---- */

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
        saga_arena_reset(&arena);
        error = saga_kafka_open(&daemon->config.kafka, thread->number, CALL_TIMEOUT_MS, &arena, ret,
                                &diagnostic);
        if (error == SAGA_OK) break;
        if (error != SAGA_E_AGAIN) {
            fail_diagnostic(daemon, "kafka", &diagnostic);
            break;
        }
        saga_log_seldom(&last_log_ms, LOG_EVERY_MS, SAGA_LOG_WARNING, "waiting for the broker",
                        "words=\"%.*s\"", SAGA_SLICE_ARG(diagnostic.what));
        sleep_ms(RETRY_MS);
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
        .lanes = config->lanes,
        .batch_max = config->batch_max,
        .cache_bytes = config->cache_bytes,
        .snapshot_records = config->snapshot_records,
        .snapshot_portion = SAGA_SNAPSHOT_PORTION_MAX,
        .snapshot_interval_ms = config->snapshot_interval_ms,
        .long_recovery = LONG_RECOVERY,
        .beside_ms = BESIDE_MS,
        .clock = saga_clock_system(),
        .registry = daemon->registry,
        .schemas = daemon->schemas,
        .random_bytes = random_bytes,
        .counts = &thread->counts,
    };
    snprintf(thread->owner, sizeof thread->owner, "%s/%u", config->kafka.instance, thread->number);
    worker_config.owner = saga_slice_of(thread->owner);
    if (!open_bus(thread, &worker_config.bus)) return false;
    if (saga_redis_open(&config->redis, config->lanes, &worker_config.store) < 0) {
        fail(daemon, "redis", "no connection could be made ready");
        worker_config.bus.close(worker_config.bus.self);
        return false;
    }
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
        sleep_ms(PAUSE_MS);
}

static void *worker_main(void *context)
{
    struct worker_thread *thread = context;
    struct saga_daemon *daemon = thread->daemon;
    while (!atomic_load(&daemon->surroundings_good) && !atomic_load(&daemon->stopping))
        sleep_ms(PAUSE_MS);
    if (!atomic_load(&daemon->stopping) && open_worker(thread)) {
        struct saga_worker *worker = thread->worker;
        wait_for_turn(thread);
        while (!atomic_load(&daemon->stopping)) {
            int error = saga_worker_step(worker, STEP_TIMEOUT_MS);
            atomic_store(&thread->phase, (int)saga_worker_phase(worker));
            if (error == SAGA_E_AGAIN) sleep_ms(PAUSE_MS);
            if (error != SAGA_E_STOP) continue;
            fail(daemon, "a worker cannot go on", saga_worker_problem(worker));
            break;
        }
        /* R27: nothing is in hand between two steps, and closing leaves the group */
        saga_worker_free(worker);
    }
    atomic_fetch_sub(&daemon->running_threads, 1);
    return NULL;
}

/* ---- the daemon ---- */

int saga_daemon_start(const struct saga_config *config, struct saga_arena *arena,
                      struct saga_daemon **ret, struct saga_diagnostic *diagnostic)
{
    struct saga_daemon *daemon = saga_memory_zeroed(1, sizeof *daemon);
    daemon->config = *config;
    saga_arena_init(&daemon->arena);
    saga_topics_name(config->topic_prefix, &daemon->arena, &daemon->topics);
    daemon->config.kafka.compressed_topic =
        saga_arena_string(&daemon->arena, daemon->topics.journal);
    name_holder(daemon);
    int error = saga_schema_store_open(config->schemas, arena, &daemon->schemas, diagnostic);
    if (error == SAGA_OK)
        error = saga_client_new(&config->kafka, arena, &daemon->client, diagnostic);
    if (error < 0) {
        saga_schema_store_close(daemon->schemas);
        saga_arena_free(&daemon->arena);
        free(daemon);
        return error;
    }
    daemon->registry = saga_registry_new();
    daemon->workers = saga_memory_zeroed(config->workers, sizeof *daemon->workers);
    atomic_store(&daemon->running_threads, config->workers + 1);
    int failed = pthread_create(&daemon->surroundings, NULL, surroundings_main, daemon);
    for (unsigned i = 0; i < config->workers && !failed; i++) {
        daemon->workers[i].daemon = daemon;
        daemon->workers[i].number = i;
        failed = pthread_create(&daemon->workers[i].thread, NULL, worker_main, &daemon->workers[i]);
    }
    SAGA_ASSERT(!failed);
    *ret = daemon;
    return SAGA_OK;
}

bool saga_daemon_is_ready(struct saga_daemon *daemon)
{
    for (unsigned i = 0; i < daemon->config.workers; i++)
        if (atomic_load(&daemon->workers[i].phase) != SAGA_WORKER_RUNNING) return false;
    return true;
}

bool saga_daemon_has_failed(struct saga_daemon *daemon)
{
    return atomic_load(&daemon->failed);
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
    }
}

int saga_daemon_stop(struct saga_daemon *daemon)
{
    struct saga_clock clock = saga_clock_system();
    int64_t until_ms = clock.monotonic_ms(NULL) + daemon->config.stop_timeout_ms;
    atomic_store(&daemon->stopping, true);
    while (atomic_load(&daemon->running_threads) > 0) {
        if (clock.monotonic_ms(NULL) >= until_ms) return SAGA_E_AGAIN;
        sleep_ms(PAUSE_MS);
    }
    pthread_join(daemon->surroundings, NULL);
    for (unsigned i = 0; i < daemon->config.workers; i++) {
        pthread_join(daemon->workers[i].thread, NULL);
    }
    if (daemon->held_ms)
        saga_instance_release(&daemon->config.redis, daemon->config.kafka.group,
                              daemon->config.kafka.instance, daemon->holder);
    saga_registry_free(daemon->registry);
    saga_schema_store_close(daemon->schemas);
    free(daemon->workers);
    saga_arena_free(&daemon->arena);
    free(daemon);
    return SAGA_OK;
}
