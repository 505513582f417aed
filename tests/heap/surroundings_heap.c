/* What has to do with others: bus, store, runtime, operate. The store is asked against a real Redis, the bus against
 * librdkafka's mock cluster in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "bus/client.h"
#include "bus/endpoint.h"
#include "codec/message.h"
#include "engine/engine.h"
#include "harness/lane.h"
#include "harness/redis.h"
#include "heap.h"
#include "operate/command.h"
#include "runtime/config.h"
#include "runtime/intake.h"
#include "runtime/replay.h"
#include "store/instance.h"
#include "store/redis.h"

#define EXAMPLE SAGA_SOURCE_DIR "/sagas/order-fulfilment.yaml"
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- bus ---- */

enum { CALL_MS = 60000 };

static char servers[64];

/* The mock cluster's threads must not be in the process that is forked for every run. */
static void prepare_bus(void)
{
    int ends[2];
    struct saga_endpoint *endpoint;
    if (servers[0]) return;
    int failed = pipe(ends);
    SAGA_ASSERT(!failed);
    pid_t child = fork();
    SAGA_ASSERT(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int error = saga_endpoint_start(&endpoint);
        if (error == SAGA_OK) error = saga_endpoint_create_topic(endpoint, "t", 1);
        SAGA_ASSERT(error == SAGA_OK);
        const char *address = saga_endpoint_servers(endpoint);
        ssize_t written = write(ends[1], address, strlen(address));
        SAGA_ASSERT(written > 0);
        for (;;) pause();
    }
    ssize_t got = read(ends[0], servers, sizeof servers - 1);
    SAGA_ASSERT(got > 0);
    close(ends[0]);
    close(ends[1]);
}

static struct saga_kafka_config kafka_config(void)
{
    return (struct saga_kafka_config){ .bootstrap_servers = servers,
                                       .group = "g",
                                       .instance = "i",
                                       .session_timeout_ms = 6000,
                                       .transaction_timeout_ms = 10000,
                                       .mock = true };
}

static int run_client(void)
{
    struct saga_kafka_config config = kafka_config();
    struct saga_arena arena;
    struct saga_client *client;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_header header = { SAGA_SLICE("h"), SAGA_SLICE("v") };
    struct saga_message message = { .topic = SAGA_SLICE("t"),
                                    .value = SAGA_SLICE("value"),
                                    .headers = &header,
                                    .header_count = 1 };
    struct saga_position where;
    saga_arena_init(&arena);
    int error = saga_client_new(&config, &arena, &client, &diagnostic);
    if (error < 0) return error;
    error = saga_client_send(client, &message, CALL_MS, &where);
    heap_tell("%d %d", error, error == SAGA_OK && where.partition == 0 && where.offset >= 0);
    saga_client_free(client);
    saga_arena_free(&arena);
    return error;
}

static int run_transaction(void)
{
    struct saga_kafka_config config = kafka_config();
    struct saga_arena arena;
    struct saga_bus bus;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_message message = { .topic = SAGA_SLICE("t"), .value = SAGA_SLICE("value") };
    int64_t offset = -1, low, high;
    saga_arena_init(&arena);
    int error = saga_kafka_open(&config, 0, CALL_MS, &arena, &bus, &diagnostic);
    if (error < 0) return error;
    error = bus.begin(bus.self);
    if (error == SAGA_OK) error = bus.send(bus.self, &message, &offset);
    if (error == SAGA_OK) error = bus.flush(bus.self);
    if (error == SAGA_OK) error = bus.commit(bus.self);
    if (error == SAGA_OK) error = bus.watermarks(bus.self, message.topic, 0, CALL_MS, &low, &high);
    heap_tell("%d %d", error, error == SAGA_OK && offset >= 0 && high > offset);
    bus.close(bus.self);
    saga_arena_free(&arena);
    return error;
}

static const struct heap_scenario bus_scenarios[] = {
    { .name = "bus: a record sent by a command",
      .prepare = prepare_bus,
      .run = run_client,
      .errors = { SAGA_E_STOP, SAGA_E_AGAIN },
      .slow = true },
    { .name = "bus: a record, librdkafka aside",
      .prepare = prepare_bus,
      .run = run_client,
      .not_of = "librdkafka" },
    { .name = "bus: a transaction, librdkafka aside",
      .prepare = prepare_bus,
      .run = run_transaction,
      .not_of = "librdkafka" },
};
const struct heap_module heap_bus = { "bus", bus_scenarios, COUNT(bus_scenarios) };

/* ---- store ---- */

static struct saga_test_redis *redis;

static void stop_redis(void)
{
    saga_test_redis_free(redis);
}

static void prepare_store(void)
{
    if (redis) return;
    redis = saga_test_redis_start(NULL);
    atexit(stop_redis);
}

static int apply_two(struct saga_store *store)
{
    struct saga_timer_write timers[] = { { SAGA_SLICE("step/a"), 1, 5000 },
                                         { SAGA_SLICE("deadline"), 1, 9000 } };
    struct saga_slice search[] = { SAGA_SLICE("customer:c-1") };
    int64_t history[] = { 1, 2 }, next_due_ms;
    struct saga_state_write writes[] = {
        saga_test_start_of("order/1", "state of the first", "running", 1000),
        saga_test_start_of("order/2", "state of the second", "stuck", 2000),
    };
    writes[0].timers_added = timers;
    writes[0].timers_added_count = COUNT(timers);
    writes[0].search = search;
    writes[0].search_count = COUNT(search);
    writes[0].history = history;
    writes[0].history_count = COUNT(history);
    struct saga_apply apply = { .journal = SAGA_SLICE(SAGA_TEST_JOURNAL),
                                .expected = 1,
                                .applied = 2,
                                .chain = SAGA_SLICE(SAGA_TEST_CHAIN),
                                .owner = SAGA_SLICE("worker-1"),
                                .now_ms = 1700000000000,
                                .writes = writes,
                                .write_count = COUNT(writes) };
    int error = store->apply(store->self, &apply);
    if (error == SAGA_OK) error = store->apply_wait(store->self, 0, &next_due_ms);
    if (error == SAGA_OK) heap_tell("next %lld;", (long long)next_due_ms);
    return error;
}

static int ask_store(struct saga_store *store, struct saga_arena *arena)
{
    struct saga_slice ids[] = { SAGA_SLICE("order/1"), SAGA_SLICE("order/2"),
                                SAGA_SLICE("order/3") },
                      states[3];
    struct saga_lane_status status;
    struct saga_due_timer *due;
    int64_t next_due_ms;
    size_t count;
    int error = store->lane_read(store->self, 0, arena, &status);
    if (error < 0) return error;
    heap_tell("applied %lld;", (long long)status.applied);
    error = store->states_read(store->self, 0, 2, ids, 3, arena, states);
    if (error < 0) return error;
    for (size_t i = 0; i < 3; i++) heap_tell_slice(states[i]);
    error = store->timers_due(store->self, 0, 2, 6000, 10, arena, &due, &count, &next_due_ms);
    if (error < 0) return error;
    heap_tell("%zu due, next %lld;", count, (long long)next_due_ms);
    return store->heartbeat(store->self, 0, 2, SAGA_SLICE("worker-1"), 1700000000000);
}

static int run_store(void)
{
    struct saga_store store;
    struct saga_lane_status found;
    struct saga_arena arena;
    saga_arena_init(&arena);
    int error = saga_redis_open(saga_test_redis_config(redis), SAGA_TEST_LANES, &store);
    if (error == SAGA_OK) error = store.lane_read(store.self, 0, &arena, &found);
    if (error == SAGA_OK)
        error = store.lane_reset(store.self, 0, &found, SAGA_SLICE(SAGA_TEST_JOURNAL), 1,
                                 SAGA_TEST_LANES);
    if (error == SAGA_OK) error = apply_two(&store);
    if (error == SAGA_OK) error = ask_store(&store, &arena);
    store.close(store.self);
    saga_arena_free(&arena);
    return error;
}

static int run_views(void)
{
    struct saga_views *views;
    struct saga_view_row *rows;
    struct saga_view_count *counts;
    struct saga_slice state;
    int64_t *offsets;
    size_t count;
    uint32_t lanes;
    struct saga_arena arena;
    saga_arena_init(&arena);
    int error = saga_views_new(saga_test_redis_config(redis), &views);
    if (error == SAGA_OK) error = saga_views_lanes(views, &lanes);
    if (error == SAGA_OK) error = saga_views_state(views, 0, SAGA_SLICE("order/1"), &arena, &state);
    if (error == SAGA_OK) heap_tell_slice(state);
    if (error == SAGA_OK)
        error = saga_views_history(views, 0, SAGA_SLICE("order/1"), &arena, &offsets, &count);
    if (error == SAGA_OK) heap_tell("%zu records;", count);
    struct saga_view_filter filter = { .limit = 10 };
    if (error == SAGA_OK) error = saga_views_list(views, lanes, &filter, &arena, &rows, &count);
    for (size_t i = 0; error == SAGA_OK && i < count; i++) heap_tell_slice(rows[i].saga_id);
    if (error == SAGA_OK) error = saga_views_counts(views, lanes, NULL, &arena, &counts, &count);
    if (error == SAGA_OK) heap_tell("%zu counts;", count);
    saga_views_free(views);
    saga_arena_free(&arena);
    return error;
}

static void prepare_views(void)
{
    prepare_store();
    int error = run_store();
    SAGA_ASSERT(error == SAGA_OK);
}

static int run_check(void)
{
    struct saga_arena arena;
    struct saga_diagnostic diagnostic = { 0 };
    const struct saga_redis_config *config = saga_test_redis_config(redis);
    saga_arena_init(&arena);
    int error = saga_redis_check(config, &arena, &diagnostic);
    if (error == SAGA_OK)
        error = saga_instance_hold(config, "g", "i", "host 1 x", 1000, &arena, &diagnostic);
    if (error == SAGA_OK) saga_instance_release(config, "g", "i", "host 1 x");
    heap_tell_slice(diagnostic.what);
    saga_arena_free(&arena);
    return error;
}

static const struct heap_scenario store_scenarios[] = {
    { .name = "store: what a worker asks",
      .prepare = prepare_store,
      .run = run_store,
      .errors = { SAGA_E_AGAIN } },
    { .name = "store: what commands ask",
      .prepare = prepare_views,
      .run = run_views,
      .errors = { SAGA_E_AGAIN } },
    { .name = "store: looking at the server, a name",
      .prepare = prepare_store,
      .run = run_check,
      .errors = { SAGA_E_AGAIN } },
};
const struct heap_module heap_store = { "store", store_scenarios, COUNT(store_scenarios) };

/* ---- runtime ---- */

static const char *config_path;

static void remove_config(void)
{
    unlink(config_path);
}

static void prepare_config(void)
{
    static char path[] = "/tmp/saga-heap-XXXXXX";
    static const char text[] = "lanes: 4\nkafka:\n  bootstrap.servers: [a:1, b:2]\nredis:\n"
                               "  host: \"h\\x6f\"\n  timeout: 2s\ncache: 32MiB\n";
    int file = mkstemp(path);
    ssize_t written = write(file, text, sizeof text - 1);
    SAGA_ASSERT(written == (ssize_t)sizeof text - 1 && close(file) == 0);
    config_path = path;
    atexit(remove_config);
}

static int run_config(void)
{
    static char workers[] = "SAGA_WORKERS=3", *environment[] = { workers, NULL };
    const struct saga_config_flag flag = { "batch-max", "10", "--batch-max" };
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_config config;
    struct saga_setting_source *sources;
    size_t count = 0;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    int error = saga_config_load(config_path, environment, &flag, 1, &arena, &findings, &config);
    if (error == SAGA_OK) {
        heap_tell("%u %zu %s;", config.workers, config.batch_max, config.redis.host);
        error = saga_config_sources(config_path, environment, &flag, 1, &arena, &findings, &sources,
                                    &count);
    }
    for (size_t i = 0; error == SAGA_OK && i < count; i++)
        heap_tell("%s=%s %s;", sources[i].name, sources[i].value, sources[i].source);
    saga_diagnostics_print(&findings, stdout);
    saga_arena_free(&arena);
    return error;
}

static struct saga_catalog *catalog;
static struct saga_codec *codec;
static struct saga_definition *example;

static void prepare_catalog(void)
{
    static struct saga_arena arena;
    struct saga_diagnostics findings;
    saga_diagnostics_init(&findings, &arena);
    int error = saga_catalog_new(&catalog);
    if (error == SAGA_OK) error = saga_codec_new(&codec);
    if (error == SAGA_OK) error = saga_definition_load_file(EXAMPLE, NULL, &findings, &example);
    if (error == SAGA_OK) error = saga_catalog_add(catalog, example);
    SAGA_ASSERT(error == SAGA_OK);
}

static int run_intake(void)
{
    struct saga_arena arena;
    struct saga_intake intake = { catalog, SAGA_SLICE("saga.inbox"), 8, &arena };
    struct saga_header go = { SAGA_SLICE("ce_type"), SAGA_SLICE("OrderPlaced") };
    struct saga_header reply[] = { { SAGA_SLICE("ce_type"), SAGA_SLICE("StockReserved") },
                                   { SAGA_SLICE("ce_sagacommandid"),
                                     SAGA_SLICE("order-fulfilment/o-1/run/reserve-stock/1") } };
    struct saga_message records[] = {
        { .topic = SAGA_SLICE("shop.orders"),
          .value = SAGA_SLICE("{\"orderId\":\"o-1\",\"total\":9}"),
          .headers = &go,
          .header_count = 1 },
        { .topic = SAGA_SLICE("shop.orders"),
          .value = SAGA_SLICE("{"),
          .headers = &go,
          .header_count = 1 },
        { .topic = SAGA_SLICE("inventory.replies"),
          .value = SAGA_SLICE("{}"),
          .headers = reply,
          .header_count = 2 },
    };
    saga_arena_init(&arena);
    for (size_t i = 0; i < COUNT(records); i++) {
        struct saga_intake_item *items;
        size_t count;
        saga_intake_read(&intake, &records[i], &items, &count);
        for (size_t n = 0; n < count; n++) {
            heap_tell("%d ", (int)items[n].fate);
            heap_tell_slice(items[n].saga_id);
            heap_tell("%s ", saga_letter_reasons[items[n].reason].word);
            heap_tell_slice(items[n].words);
        }
    }
    saga_arena_free(&arena);
    return SAGA_OK;
}

static struct saga_message journal[8];
static size_t journal_count;

static void write_record(struct saga_state *state, struct saga_event event, uint8_t *chain)
{
    static struct saga_arena arena;
    struct saga_facts facts = { 0 };
    event.time_ms = 1750000000000 + 1000 * (int64_t)journal_count;
    event.source = (struct saga_position){ SAGA_SLICE("t"), 0, (int64_t)journal_count };
    saga_decide(example, state, &event, &arena, &facts);
    struct saga_journal_record record = saga_journal_record_of(state, &event, &facts);
    struct saga_message *message = &journal[journal_count];
    message->offset = (int64_t)journal_count++;
    int error = saga_journal_encode(codec, &record, chain, &arena, &message->value, chain);
    SAGA_ASSERT(error == SAGA_OK);
}

static void prepare_replay(void)
{
    uint8_t chain[SAGA_SHA256_BYTES] = { 0 };
    struct saga_state *state = saga_state_new();
    prepare_catalog();
    write_record(state,
                 (struct saga_event){ .kind = SAGA_EVENT_START,
                                      .type = SAGA_SLICE("OrderPlaced"),
                                      .key = SAGA_SLICE("o-1"),
                                      .body = SAGA_SLICE("{\"orderId\":\"o-1\",\"total\":9}") },
                 chain);
    write_record(state,
                 (struct saga_event){ .kind = SAGA_EVENT_REPLY,
                                      .type = SAGA_SLICE("StockReserved"),
                                      .body = SAGA_SLICE("{}"),
                                      .run = state->run,
                                      .step = SAGA_SLICE("reserve-stock"),
                                      .attempt = 1 },
                 chain);
    saga_state_free(state);
}

static void on_difference(const struct saga_difference *difference, void *context)
{
    (void)context;
    heap_tell_slice(difference->words);
}

static int run_replay(void)
{
    struct saga_replay *replay;
    struct saga_replay_counts counts;
    int error = saga_replay_new(codec, catalog, 0, on_difference, NULL, &replay);
    for (size_t i = 0; i < journal_count && error == SAGA_OK; i++)
        saga_replay_record(replay, &journal[i]);
    saga_replay_count(replay, &counts);
    heap_tell("%llu records, %llu sagas", (unsigned long long)counts.records,
              (unsigned long long)counts.sagas);
    saga_replay_free(replay);
    return error;
}

static const struct heap_scenario runtime_scenarios[] = {
    { .name = "runtime: the configuration",
      .prepare = prepare_config,
      .run = run_config,
      .own_stdout = true },
    { .name = "runtime: intake", .prepare = prepare_catalog, .run = run_intake },
    { .name = "runtime: replay", .prepare = prepare_replay, .run = run_replay },
};
const struct heap_module heap_runtime = { "runtime", runtime_scenarios, COUNT(runtime_scenarios) };

/* ---- operate ---- */

static int run_command(int count, const char *const *words)
{
    static char texts[8][256];
    char *line[9] = { NULL };
    for (int i = 0; i < count; i++) {
        snprintf(texts[i], sizeof texts[i], "%s", words[i]);
        line[i] = texts[i];
    }
    heap_tell("exit code %d\n", saga_main(count, line));
    return SAGA_OK;
}
#define RUN(...)                                                                                   \
    run_command(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(const char *),                    \
                (const char *[]){ __VA_ARGS__ })

static int run_saga_check(void)
{
    return RUN("saga", "check", "-o", "json", EXAMPLE, "/nonexistent.yaml");
}

static int run_saga_graph(void)
{
    return RUN("saga", "graph", EXAMPLE);
}

static int run_saga_config(void)
{
    return RUN("saga", "config", "-o", "json", "--workers", "3");
}

static int run_saga_help(void)
{
    return RUN("saga", "list", "--help");
}

static const struct heap_scenario operate_scenarios[] = {
    { .name = "operate: saga check", .run = run_saga_check, .own_stdout = true },
    { .name = "operate: saga graph", .run = run_saga_graph, .own_stdout = true },
    { .name = "operate: saga config", .run = run_saga_config, .own_stdout = true },
    { .name = "operate: help", .run = run_saga_help, .own_stdout = true },
};
const struct heap_module heap_operate = { "operate", operate_scenarios, COUNT(operate_scenarios) };
