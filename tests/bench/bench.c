/* The benchmark (./dev bench): a real broker, a real Redis, the coordinator as a process of its own and participants that
 * only answer, all on one machine; and beside it, in the same run, the plain loop of raw_loop.c on the same broker. What
 * the figures mean stands in tests/bench/README.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <argp.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/cluster.h"
#include "harness/process.h"

#define SAGA SAGA_SOURCE_DIR "/tests/bench/three-steps.yaml"

enum { LANES = 4, STEPS = 3, ALONE = 200, CALL_MS = 20000, TEXT_BYTES = 200 };

static struct {
    unsigned sagas, workers;
    bool json;
} options = { .sagas = 20000, .workers = 2 };

struct figures {
    double raw_events_per_s, raw_round_trip_ms, steps_per_s, ratio, saga_p50_ms, saga_p99_ms;
    long rss_idle_kb, rss_peak_kb;
};

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static _Noreturn void stop(const char *words)
{
    fprintf(stderr, "bench: %s\n", words);
    exit(1);
}

static void say(const char *words)
{
    if (!options.json) fprintf(stderr, "%s\n", words);
}

/* ---- the plain loop ---- */

static void run_raw_loop(struct saga_test_cluster *cluster, struct figures *figures)
{
    char path[512], line[4096] = "", workers[16], partitions[16];
    char bootstrap[64];
    pid_t pid;
    say("raw: a plain librdkafka loop on the same broker");
    snprintf(path, sizeof path, "%s/raw", cluster->folder);
    snprintf(bootstrap, sizeof bootstrap, "--bootstrap=%s", cluster->kafka.servers);
    snprintf(workers, sizeof workers, "--workers=%u", options.workers);
    snprintf(partitions, sizeof partitions, "--partitions=%d", LANES);
    char *arguments[] = { SAGA_BINARY_DIR "/tests/raw_loop", bootstrap, workers, partitions, NULL };
    if (saga_test_spawn(arguments, path, &pid) != 0) stop("raw_loop does not start");
    if (saga_test_stop(pid, 0, 300000) != 0) stop("raw_loop failed");
    FILE *file = fopen(path, "r");
    size_t got = file ? fread(line, 1, sizeof line - 1, file) : 0;
    line[got] = '\0';
    if (file) fclose(file);
    json_t *object =
        json_loads(strchr(line, '{') ? strchr(line, '{') : line, JSON_DISABLE_EOF_CHECK, NULL);
    if (!object) stop("raw_loop printed no JSON");
    figures->raw_events_per_s = json_number_value(json_object_get(object, "raw_events_per_s"));
    figures->raw_round_trip_ms = json_number_value(json_object_get(object, "raw_round_trip_ms"));
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
static void fill_starts(struct saga_test_cluster *cluster, struct saga_bus *bus)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    (void)cluster;
    for (unsigned i = 0; i < options.sagas;) {
        if (bus->begin(bus->self) < 0) stop(bus->problem(bus->self));
        for (unsigned end = i + 1000; i < end && i < options.sagas; i++) {
            struct saga_header header;
            struct saga_message message = start_of(&arena, "load-", i, &header);
            if (bus->send(bus->self, &message, NULL) < 0) stop(bus->problem(bus->self));
        }
        if (bus->flush(bus->self) < 0 || bus->commit(bus->self) < 0) stop(bus->problem(bus->self));
        saga_arena_reset(&arena);
    }
    saga_arena_free(&arena);
}

/* Timestamps of the first and last committed record of a topic. */
static uint64_t read_span(struct saga_test_cluster *cluster, const char *topic, int64_t *first_ms,
                          int64_t *last_ms)
{
    uint64_t count = 0;
    for (int32_t p = 0; p < LANES; p++) {
        struct saga_reader *reader;
        int64_t position;
        bool end = false;
        if (saga_reader_open(cluster->client, saga_slice_of(topic), p, SAGA_READ_BEGINNING,
                             &reader) < 0)
            stop(saga_client_problem(cluster->client));
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

static long read_status(pid_t pid, const char *field)
{
    char path[64], line[256];
    long value = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtol(line + strlen(field) + 1, NULL, 10);
    if (file) fclose(file);
    return value;
}

static void measure_throughput(struct saga_test_cluster *cluster, struct figures *figures)
{
    int64_t first_ms = 0, last_ms = 0, ignored_ms = 0;
    say("throughput: all starts are there, then the coordinator begins");
    saga_test_coordinator_start(cluster, 0);
    saga_test_wait_status(cluster, "completed", options.sagas, 600000);
    read_span(cluster, "bench.commands", &first_ms, &ignored_ms);
    uint64_t done = read_span(cluster, "bench.done", &ignored_ms, &last_ms);
    if (done != options.sagas) stop("not every saga is done exactly once");
    double seconds = (double)(last_ms - first_ms) / 1e3;
    figures->steps_per_s = (double)options.sagas * STEPS / seconds;
    figures->ratio = figures->steps_per_s / figures->raw_events_per_s;
    figures->rss_peak_kb = read_status(cluster->coordinators[0], "VmHWM");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One saga at a time, from sending its start to reading its last event. */
static void measure_latency(struct saga_test_cluster *cluster, struct figures *figures)
{
    double took[ALONE];
    struct saga_reader *readers[LANES];
    struct saga_arena arena;
    saga_arena_init(&arena);
    say("latency: one saga at a time");
    for (int32_t p = 0; p < LANES; p++) {
        int64_t position;
        bool end = false;
        if (saga_reader_open(cluster->client, SAGA_SLICE("bench.done"), p, SAGA_READ_END,
                             &readers[p]) < 0)
            stop(saga_client_problem(cluster->client));
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
        double begin = now_ms();
        if (saga_client_send(cluster->client, &message, CALL_MS, &at) < 0)
            stop(saga_client_problem(cluster->client));
        bool done = false;
        while (!done && now_ms() - begin < CALL_MS) {
            struct saga_bus_records records = { 0 };
            int64_t position;
            bool end; /* its last event has its key, so it comes on the same partition */
            if (saga_reader_read(readers[at.partition], 100, 10, &records, &position, &end) < 0)
                continue;
            done = records.count > 0;
            saga_reader_release(readers[at.partition], &records);
        }
        if (!done) stop("a saga alone did not end");
        took[i] = now_ms() - begin;
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
            "{s:f,s:f,s:f,s:f,s:f,s:f,s:I,s:I,s:I,s:I}", "raw_events_per_s", f->raw_events_per_s,
            "steps_per_s", f->steps_per_s, "ratio", f->ratio, "saga_p50_ms", f->saga_p50_ms,
            "saga_p99_ms", f->saga_p99_ms, "raw_round_trip_ms", f->raw_round_trip_ms, "rss_peak_kb",
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
    printf("rss_peak_kb        %10ld  of the coordinator\n", f->rss_peak_kb);
    printf("rss_idle_kb        %10ld  before its first saga\n", f->rss_idle_kb);
}

static void measure_idle(struct saga_test_cluster *cluster, struct figures *figures)
{
    saga_test_coordinator_start(cluster, 0);
    for (int i = 0; i < 300; i++) {
        char words[4096];
        if (saga_test_cli(cluster, words, sizeof words, "doctor") == 0 && strstr(words, "c0/"))
            break;
        saga_test_sleep_ms(100);
    }
    figures->rss_idle_kb = read_status(cluster->coordinators[0], "VmRSS");
    saga_test_coordinator_signal(cluster, 0, SIGTERM);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 'n': options.sagas = (unsigned)strtoul(argument, NULL, 10); break;
    case 'w': options.workers = (unsigned)strtoul(argument, NULL, 10); break;
    case 'o':
        if (strcmp(argument, "json") != 0 && strcmp(argument, "text") != 0)
            argp_error(state, "-o takes text or json");
        options.json = strcmp(argument, "json") == 0;
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    if (options.sagas == 0 || options.workers == 0) argp_error(state, "numbers from 1 on");
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
    struct saga_test_cluster cluster;
    struct figures figures = { 0 };
    struct saga_bus bus;
    struct saga_diagnostic diagnostic = { 0 };
    char workers[16], words[4096];
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    snprintf(workers, sizeof workers, "%u", options.workers);
    setenv("SAGA_WORKERS", workers, 1);
    saga_test_cluster_start(&cluster, SAGA, LANES);
    run_raw_loop(&cluster, &figures);
    measure_idle(&cluster, &figures);
    struct saga_kafka_config config = { .bootstrap_servers = cluster.kafka.servers,
                                        .group = "bench-filler",
                                        .instance = "bench",
                                        .session_timeout_ms = 6000,
                                        .transaction_timeout_ms = 60000 };
    if (saga_kafka_open(&config, 0, CALL_MS, &cluster.arena, &bus, &diagnostic) < 0)
        stop("no producer");
    fill_starts(&cluster, &bus);
    bus.close(bus.self);
    saga_test_participants(&cluster, NULL, 0);
    measure_throughput(&cluster, &figures);
    measure_latency(&cluster, &figures);
    if (saga_test_cli(&cluster, words, sizeof words, "replay --verify") != 0) {
        fputs(words, stderr);
        stop("the journal does not verify");
    }
    saga_test_cluster_stop(&cluster);
    print(&figures);
    return 0;
}
