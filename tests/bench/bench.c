/* The benchmark (./dev bench): a real broker, a real Redis, the coordinator as a process of its own
 * and participants that only answer, all on one machine; and before it, in the same run, the plain
 * loop of raw_loop.c on the same broker. What the figures mean stands in tests/bench/README.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench_support.h"
#include "harness/cluster.h"
#include "harness/process.h"

#define SAGA SAGA_SOURCE_DIR "/tests/bench/three-steps.yaml"

enum {
    LANES = 4,
    STEPS = 3,
    ALONE = 200,
    SAGAS_MAX = 10000000,
    CALL_MS = 20000,
    RAW_MS = 300000,
    READY_MS = 30000,
    STALL_MS = 60000,
    LOOK_MS = 50,
    READY_LOOK_MS = 5,
    TEXT_BYTES = 200
};

static struct {
    unsigned sagas, workers;
    bool json;
} options = { .sagas = 20000, .workers = 2 };

struct figures {
    double raw_events_per_s, raw_round_trip_ms, steps_per_s, ratio, saga_p50_ms, saga_p99_ms,
        ready_ms;
    long rss_idle_kb, rss_peak_kb;
};

/* ---- the plain loop ---- */

static double number_of(const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);
    if (!json_is_number(number) || json_number_value(number) <= 0)
        bench_stop("raw_loop says nothing of %s", name);
    return json_number_value(number);
}

static void run_raw_loop(struct figures *figures)
{
    char path[512], said[4096] = "", bootstrap[64], workers[32], partitions[32];
    pid_t pid;
    bench_say("raw: a plain librdkafka loop on the same broker");
    snprintf(path, sizeof path, "%s/raw", bench_cluster.folder);
    snprintf(bootstrap, sizeof bootstrap, "--bootstrap=%s", bench_cluster.kafka.servers);
    snprintf(workers, sizeof workers, "--workers=%u", options.workers);
    snprintf(partitions, sizeof partitions, "--partitions=%d", LANES);
    char *arguments[] = { SAGA_BINARY_DIR "/tests/raw_loop", bootstrap, workers, partitions, NULL };
    if (saga_test_spawn(arguments, path, &pid) != 0) bench_stop("raw_loop does not start");
    int status = saga_test_stop(pid, 0, RAW_MS);
    FILE *file = fopen(path, "r");
    size_t got = file ? fread(said, 1, sizeof said - 1, file) : 0;
    said[got] = '\0';
    if (file) fclose(file);
    if (status != 0) bench_stop("raw_loop failed:\n%s", said);
    const char *begin = strchr(said, '{');
    json_t *object = begin ? json_loads(begin, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    if (!object) bench_stop("raw_loop printed no JSON:\n%s", said);
    figures->raw_events_per_s = number_of(object, "raw_events_per_s");
    figures->raw_round_trip_ms = number_of(object, "raw_round_trip_ms");
    json_decref(object);
}

/* ---- records ---- */

static struct saga_message start_of(struct saga_arena *arena, const char *prefix, unsigned number,
                                    struct saga_header *header)
{
    char text[TEXT_BYTES + 1];
    memset(text, 'x', TEXT_BYTES);
    text[TEXT_BYTES] = '\0';
    *header = (struct saga_header){ SAGA_SLICE("ce_type"), SAGA_SLICE("Asked") };
    struct saga_slice key = saga_arena_printf(arena, "%s%u", prefix, number);
    return (struct saga_message){
        .topic = SAGA_SLICE("bench.starts"),
        .partition = SAGA_PARTITION_BY_KEY,
        .key = key,
        .value = saga_arena_printf(arena, "{\"id\":\"%.*s\",\"text\":\"%s\"}", SAGA_SLICE_ARG(key),
                                   text),
        .headers = header,
        .header_count = 1,
    };
}

/* In transactions of a thousand, since single sends would take longer than what is measured. */
static void fill_starts_on(struct saga_bus *bus)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    for (unsigned i = 0; i < options.sagas;) {
        if (bus->begin(bus->self) < 0) bench_stop("%s", bus->problem(bus->self));
        for (unsigned end = i + 1000; i < end && i < options.sagas; i++) {
            struct saga_header header;
            struct saga_message message = start_of(&arena, "load-", i, &header);
            if (bus->send(bus->self, &message, NULL) < 0) bench_stop("%s", bus->problem(bus->self));
        }
        if (bus->flush(bus->self) < 0 || bus->commit(bus->self) < 0)
            bench_stop("%s", bus->problem(bus->self));
        saga_arena_reset(&arena);
    }
    saga_arena_free(&arena);
}

static void fill_starts(void)
{
    struct saga_kafka_config config = { .bootstrap_servers = bench_cluster.kafka.servers,
                                        .group = "bench-filler",
                                        .instance = "bench",
                                        .session_timeout_ms = 6000,
                                        .transaction_timeout_ms = 60000 };
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_bus bus;
    if (saga_kafka_open(&config, 0, CALL_MS, &bench_cluster.arena, &bus, &diagnostic) < 0)
        bench_stop("no producer for the starts: %.*s", SAGA_SLICE_ARG(diagnostic.what));
    fill_starts_on(&bus);
    bus.close(bus.self);
}

/* Counts the committed records of a topic; their first and last timestamps widen the caller's. */
static uint64_t read_span(const char *topic, int64_t *first_ms, int64_t *last_ms)
{
    uint64_t count = 0;
    for (int32_t p = 0; p < LANES; p++) {
        struct saga_reader *reader;
        int64_t position;
        bool end = false;
        if (saga_reader_open(bench_cluster.client, saga_slice_of(topic), p, SAGA_READ_BEGINNING,
                             &reader) < 0)
            bench_stop("%s", saga_client_problem(bench_cluster.client));
        while (!end) {
            struct saga_bus_records records = { 0 };
            if (saga_reader_read(reader, 1000, 1000, &records, &position, &end) < 0) continue;
            for (size_t i = 0; i < records.count; i++, count++) {
                int64_t at = records.items[i].timestamp_ms;
                if (*first_ms == 0 || at < *first_ms) *first_ms = at;
                if (at > *last_ms) *last_ms = at;
            }
            saga_reader_release(reader, &records);
        }
        saga_reader_close(reader);
    }
    return count;
}

/* ---- the coordinator ---- */

static long read_status(const char *field)
{
    pid_t pid = bench_cluster.coordinators[0];
    char path[64], line[256];
    long value = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtol(line + strlen(field) + 1, NULL, 10);
    if (file) fclose(file);
    if (value <= 0) bench_stop("the coordinator is gone: /proc says nothing of its %s", field);
    return value;
}

/* Without a limit to the whole, which depends on --sagas; but something must move. */
static void wait_for_answers(uint64_t wanted)
{
    uint64_t before = 0;
    double moved_ms = bench_now_ms();
    for (;;) {
        uint64_t answered = saga_participants_answered(bench_cluster.participants);
        if (answered >= wanted) return;
        if (answered != before) moved_ms = bench_now_ms();
        before = answered;
        if (!saga_test_running(bench_cluster.coordinators[0]))
            bench_stop("the coordinator ended by itself");
        if (bench_now_ms() - moved_ms > STALL_MS)
            bench_stop("nothing moves any more: %llu of %llu commands were answered",
                       (unsigned long long)answered, (unsigned long long)wanted);
        saga_test_sleep_ms(LOOK_MS);
    }
}

static void measure_throughput(struct figures *figures)
{
    int64_t first_ms = 0, last_ms = 0, ignored_ms = 0;
    uint64_t steps = (uint64_t)options.sagas * STEPS;
    bench_say("throughput: all starts are there, then the coordinator begins");
    saga_test_coordinator_start(&bench_cluster, 0);
    wait_for_answers(steps);
    saga_test_wait_status(&bench_cluster, "completed", options.sagas, STALL_MS);
    figures->rss_peak_kb = read_status("VmHWM");
    uint64_t sent = read_span("bench.commands", &first_ms, &ignored_ms);
    uint64_t done = read_span("bench.done", &ignored_ms, &last_ms);
    if (sent != steps || done != options.sagas)
        bench_stop("%u sagas were started: %llu commands instead of %llu, %llu of them completed",
                   options.sagas, (unsigned long long)sent, (unsigned long long)steps,
                   (unsigned long long)done);
    if (last_ms <= first_ms) bench_stop("too few sagas to measure a speed");
    figures->steps_per_s = (double)steps * 1e3 / (double)(last_ms - first_ms);
    figures->ratio = figures->steps_per_s / figures->raw_events_per_s;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One saga at a time, from sending its start to reading its last event. */
static void measure_latency(struct figures *figures)
{
    double took[ALONE];
    struct saga_reader *readers[LANES];
    struct saga_arena arena;
    saga_arena_init(&arena);
    bench_say("latency: one saga at a time");
    for (int32_t p = 0; p < LANES; p++) {
        int64_t position;
        bool end = false;
        if (saga_reader_open(bench_cluster.client, SAGA_SLICE("bench.done"), p, SAGA_READ_END,
                             &readers[p]) < 0)
            bench_stop("%s", saga_client_problem(bench_cluster.client));
        while (!end) {
            struct saga_bus_records records = { 0 };
            if (saga_reader_read(readers[p], 100, 100, &records, &position, &end) < 0) continue;
            saga_reader_release(readers[p], &records);
        }
    }
    for (unsigned i = 0; i < ALONE; i++) {
        struct saga_header header;
        struct saga_position at;
        struct saga_message message = start_of(&arena, "alone-", i, &header);
        double begin = bench_now_ms();
        if (saga_client_send(bench_cluster.client, &message, CALL_MS, &at) < 0)
            bench_stop("%s", saga_client_problem(bench_cluster.client));
        bool done = false;
        while (!done && bench_now_ms() - begin < CALL_MS) {
            struct saga_bus_records records = { 0 };
            int64_t position;
            bool end; /* its last event has its key, so it comes on the same partition */
            if (saga_reader_read(readers[at.partition], 100, 10, &records, &position, &end) < 0)
                continue;
            done = records.count > 0;
            saga_reader_release(readers[at.partition], &records);
        }
        if (!done) bench_stop("a saga alone did not complete in %d s", CALL_MS / 1000);
        took[i] = bench_now_ms() - begin;
    }
    for (int32_t p = 0; p < LANES; p++) saga_reader_close(readers[p]);
    qsort(took, ALONE, sizeof took[0], by_value);
    figures->saga_p50_ms = took[ALONE / 2];
    figures->saga_p99_ms = took[ALONE * 99 / 100];
    saga_arena_free(&arena);
}

/* ---- the whole ---- */

static void print(const struct figures *f)
{
    if (options.json) {
        json_t *object = json_pack(
            "{s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:I,s:I,s:I,s:I}", "raw_events_per_s",
            f->raw_events_per_s, "steps_per_s", f->steps_per_s, "ratio", f->ratio, "saga_p50_ms",
            f->saga_p50_ms, "saga_p99_ms", f->saga_p99_ms, "raw_round_trip_ms",
            f->raw_round_trip_ms, "ready_ms", f->ready_ms, "rss_peak_kb",
            (json_int_t)f->rss_peak_kb, "rss_idle_kb", (json_int_t)f->rss_idle_kb, "sagas",
            (json_int_t)options.sagas, "workers", (json_int_t)options.workers);
        json_dumpf(object, stdout, JSON_REAL_PRECISION(6));
        printf("\n");
        json_decref(object);
        return;
    }
    printf("raw_events_per_s   %10.0f  a plain librdkafka loop\n", f->raw_events_per_s);
    printf("steps_per_s        %10.0f  of %u sagas of three steps, %u workers\n", f->steps_per_s,
           options.sagas, options.workers);
    printf("ratio              %10.3f\n", f->ratio);
    printf("saga_p50_ms        %10.1f  a saga alone\n", f->saga_p50_ms);
    printf("saga_p99_ms        %10.1f\n", f->saga_p99_ms);
    printf("raw_round_trip_ms  %10.1f  one transaction of the plain loop\n", f->raw_round_trip_ms);
    printf("ready_ms           %10.0f  from its start, with a running broker, to its lanes\n",
           f->ready_ms);
    printf("rss_peak_kb        %10ld  of the coordinator\n", f->rss_peak_kb);
    printf("rss_idle_kb        %10ld  before its first saga\n", f->rss_idle_kb);
}

/* Every lane is in Redis once its worker has opened it. */
static bool has_all_lanes(void)
{
    for (int lane = 0; lane < LANES; lane++)
        if (strcmp(saga_test_redis_ask(bench_cluster.redis, "EXISTS saga:{%d}:lane", lane), "1") !=
            0)
            return false;
    return true;
}

static void measure_idle(struct figures *figures)
{
    double begin_ms = bench_now_ms();
    saga_test_coordinator_start(&bench_cluster, 0);
    while (!has_all_lanes()) {
        if (bench_now_ms() - begin_ms > READY_MS)
            bench_stop("the coordinator has not its lanes after %d s", READY_MS / 1000);
        saga_test_sleep_ms(READY_LOOK_MS);
    }
    figures->ready_ms = bench_now_ms() - begin_ms;
    figures->rss_idle_kb = read_status("VmRSS");
    if (saga_test_coordinator_signal(&bench_cluster, 0, SIGTERM) != 0)
        bench_stop("the coordinator did not end well when told to");
}

static void verify(void)
{
    char words[4096];
    if (saga_test_cli(&bench_cluster, words, sizeof words, "replay --verify") != 0)
        bench_stop("saga replay --verify is not content:\n%s", words);
}

static unsigned read_count(const char *text, unsigned max, struct argp_state *state)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > (long)max)
        argp_error(state, "'%s' is not a number from 1 to %u", text, max);
    return (unsigned)value;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 'n': options.sagas = read_count(argument, SAGAS_MAX, state); break;
    case 'w': options.workers = read_count(argument, LANES, state); break;
    case 'o':
        if (strcmp(argument, "json") != 0 && strcmp(argument, "text") != 0)
            argp_error(state, "-o takes text or json");
        options.json = strcmp(argument, "json") == 0;
        break;
    case ARGP_KEY_ARG: argp_error(state, "what is '%s' for?", argument); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp_option rows[] = {
        { "sagas", 'n', "NUMBER", 0, "sagas of the throughput part (default 20000)", 0 },
        { "workers", 'w', "NUMBER", 0, "of the coordinator and of the plain loop (default 2)", 0 },
        { "output", 'o', "FORMAT", 0, "text or json", 0 },
        { 0 },
    };
    const struct argp argp = { .options = rows,
                               .parser = parse,
                               .doc = "Measures the coordinator beside a plain loop." };
    struct figures figures = { 0 };
    char workers[16];
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    snprintf(workers, sizeof workers, "%u", options.workers);
    setenv("SAGA_WORKERS", workers, 1);
    bench_begin(options.json);
    saga_test_cluster_start(&bench_cluster, SAGA, LANES);
    run_raw_loop(&figures);
    measure_idle(&figures);
    fill_starts();
    saga_test_participants(&bench_cluster, NULL, 0);
    measure_throughput(&figures);
    measure_latency(&figures);
    verify();
    bench_end();
    print(&figures);
    return 0;
}
