/* The surroundings of the workers: broker, Redis, the instance's name, topics and definitions. */
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "runtime/daemon_internal.h"
#include "runtime/log.h"
#include "store/instance.h"
#include "store/redis.h"

enum {
    HOLD_MS = 15000,
    RENEW_MS = 3000,
    REDIS_LOOK_MS = 5000,
    GIVE_BACK_MS = 10000, /* memory that nobody uses any more */
    SCHEMAS_LOOK_MS = 5000
};

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
        saga_daemon_moved(&daemon->moved_ms);
        saga_arena_reset(&arena);
        error = check(daemon, &arena, &diagnostic);
        if (error == SAGA_OK) break;
        if (error != SAGA_E_AGAIN) {
            saga_daemon_fail_diagnostic(daemon, what, &diagnostic);
            break;
        }
        saga_log_seldom(&last_log_ms, SAGA_DAEMON_LOG_EVERY_MS, SAGA_LOG_WARNING, what,
                        "words=\"%.*s\" mend=\"%.*s\"", SAGA_SLICE_ARG(diagnostic.what),
                        SAGA_SLICE_ARG(diagnostic.mend));
        saga_sleep_ms(SAGA_DAEMON_RETRY_MS);
    }
    saga_arena_free(&arena);
    return error == SAGA_OK;
}

static int look_at_broker(struct saga_daemon *daemon, struct saga_arena *arena,
                          struct saga_diagnostic *diagnostic)
{
    return saga_client_check_broker(daemon->client, SAGA_DAEMON_CALL_MS, arena, diagnostic);
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

/* A journal that was imported for looking at has timers of the past: they would send commands that were sent long ago. Looked at
 * behind the others, which an import makes only when it has made its mark. */
static int look_for_import(struct saga_daemon *daemon, struct saga_arena *arena,
                           struct saga_diagnostic *diagnostic)
{
    const struct saga_topic_spec spec = { .name = daemon->topics.imported.data };
    struct saga_topic_state state;
    if (daemon->config.kafka.mock) return SAGA_OK;
    int error =
        saga_client_describe_topic(daemon->client, &spec, SAGA_DAEMON_CALL_MS, arena, &state);
    if (error == SAGA_E_STOP) return SAGA_OK; /* who may use the others alone has no import's */
    if (error < 0) {
        saga_diagnostic_set(diagnostic, arena, "%s", saga_client_problem(daemon->client));
        return SAGA_E_AGAIN;
    }
    if (!state.exists) return SAGA_OK;
    saga_diagnostic_set(diagnostic, arena,
                        "these topics were made by `saga audit import`, for looking at (topic %s): "
                        "the timers of the imported sagas would send commands",
                        spec.name);
    saga_diagnostic_mend(diagnostic, arena,
                         "run the coordinator with another topics.prefix and redis.prefix");
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
        int error = saga_client_describe_topic(daemon->client, &specs[i], SAGA_DAEMON_CALL_MS,
                                               arena, &state);
        if (error < 0) {
            saga_diagnostic_set(diagnostic, arena, "%s", saga_client_problem(daemon->client));
            return error == SAGA_E_STOP ? SAGA_E_STOP : SAGA_E_AGAIN;
        }
        if (!state.exists && saga_topics_is_optional(&daemon->topics, specs[i].name)) continue;
        error = check_partitions(daemon, &specs[i], &state, arena, diagnostic);
        if (error < 0) return error;
    }
    return look_for_import(daemon, arena, diagnostic);
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
    if (error == SAGA_E_CONFLICT) saga_daemon_fail_diagnostic(daemon, "instance", &diagnostic);
    if (error < 0)
        daemon->held_ms =
            clock.monotonic_ms(NULL) - RENEW_MS + SAGA_DAEMON_RETRY_MS; /* soon again */
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
        saga_daemon_fail_diagnostic(daemon, "redis", &diagnostic);
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

void saga_daemon_name_holder(struct saga_daemon *daemon)
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
        bool is_new = false;
        int error = saga_registry_offer(daemon->registry, records->items[i].value, &arena, &is_new,
                                        &diagnostic);
        if (error < 0)
            saga_log(SAGA_LOG_WARNING, "a deployed definition is left out",
                     "name=%.*s offset=%lld words=\"%.*s\"",
                     SAGA_SLICE_ARG(saga_slice_clip(records->items[i].key, 100)),
                     (long long)records->items[i].offset, SAGA_SLICE_ARG(diagnostic.what));
        else if (is_new)
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
        saga_daemon_moved(&daemon->moved_ms);
        keep_name(daemon);
        watch_redis(daemon);
        give_memory_back(daemon);
        saga_metrics_watch_look(daemon->watch, daemon->client,
                                saga_clock_system().monotonic_ms(NULL));
        saga_schema_store_look(daemon->schemas, SCHEMAS_LOOK_MS);
        if (!reader)
            error = saga_reader_open(daemon->client, daemon->topics.definitions, 0,
                                     SAGA_READ_BEGINNING, &reader);
        if (error == SAGA_OK)
            error = saga_reader_read(reader, SAGA_DAEMON_STEP_MS, 100, &records, &position, &end);
        if (error < 0) {
            saga_log_seldom(&last_log_ms, SAGA_DAEMON_LOG_EVERY_MS, SAGA_LOG_WARNING,
                            "definitions cannot be read", "words=\"%s\"",
                            saga_client_problem(daemon->client));
            saga_sleep_ms(SAGA_DAEMON_RETRY_MS);
            continue;
        }
        take_definitions(daemon, &records);
        saga_reader_release(reader, &records);
        if (end) saga_registry_end_reached(daemon->registry);
    }
    saga_reader_close(reader);
}

void *saga_daemon_surroundings(void *context)
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
