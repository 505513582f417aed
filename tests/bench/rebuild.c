/* How long a lane takes that is built from its snapshot (./dev bench rebuild): one lane is given a million sagas that
 * wait, the coordinator takes its snapshots; then it is killed, Redis is emptied, the journal is cut to where the last
 * snapshot begins, and the coordinator starts again while the other lanes are given work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "bench_records.h"
#include "bench_support.h"
#include "codec/codec.h"
#include "harness/process.h"

#define HELD SAGA_SOURCE_DIR "/tests/bench/rebuild.yaml"
#define WORKING SAGA_SOURCE_DIR "/tests/bench/three-steps.yaml"

enum {
    THE_LANE = 0,
    PATIENCE_MS = 3600000,
    LOOK_MS = 200,
    BAR = 40,
    LAST_RECORDS = 50, /* of the snapshots: a marker is among them */
    PAUSE_MS = 20,     /* between two starts in the other lanes */
    SAGAS_MAX = 100000000
};

static struct {
    unsigned sagas, bytes;
    bool json;
} options = { .sagas = 1000000, .bytes = 850 };

static atomic_bool ends;

/* ---- progress, for people ---- */

static void show_progress(const char *what, double done, double all, double began_ms)
{
    static double shown_ms;
    double now_ms = bench_now_ms(), share = all > 0 ? done / all : 0;
    if (share > 1) share = 1;
    if (options.json || (now_ms - shown_ms < 1000 && share < 1)) return;
    shown_ms = now_ms;
    char bar[BAR + 1];
    for (int i = 0; i < BAR; i++) bar[i] = i < (int)(share * BAR) ? '#' : '.';
    bar[BAR] = '\0';
    double took_s = (now_ms - began_ms) / 1e3;
    fprintf(stderr, "%s%-22s [%s] %3.0f %%  %5.0f s, %5.0f s to go%s", isatty(2) ? "\r" : "", what,
            bar, 100 * share, took_s, share > 0 ? took_s * (1 - share) / share : 0,
            isatty(2) && share < 1 ? "" : "\n");
}

/* ---- the sagas ---- */

static void send_held(void)
{
    const struct bench_starts starts = { .topic = "bench.held",
                                         .type = "Held",
                                         .prefix = "h-",
                                         .count = options.sagas,
                                         .lane = THE_LANE,
                                         .text_bytes = options.bytes };
    bench_send_starts(&starts);
}

/* The size of a state in Redis. */
static double bytes_of_a_state(void)
{
    char key[BENCH_KEY_BYTES];
    unsigned number = 0;
    do snprintf(key, sizeof key, "h-%u", number++);
    while (saga_lane_of_key(saga_slice_of(key), BENCH_LANES) != THE_LANE);
    return bench_redis_number("STRLEN saga:{0}:state:held/%s", key);
}

/* Sagas of the other lanes, for as long as the rebuild takes. */
static void *keep_others_busy(void *client)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    for (unsigned i = 0; !atomic_load(&ends); i++) {
        struct saga_header header = { SAGA_SLICE("ce_type"), SAGA_SLICE("Asked") };
        struct saga_slice key = saga_arena_printf(&arena, "o-%u", i);
        struct saga_message message = { .topic = SAGA_SLICE("bench.starts"),
                                        .partition = SAGA_PARTITION_BY_KEY,
                                        .key = key,
                                        .headers = &header,
                                        .header_count = 1 };
        struct saga_position at;
        if (saga_lane_of_key(key, BENCH_LANES) == THE_LANE) continue;
        message.value =
            saga_arena_printf(&arena, "{\"id\":\"%.*s\",\"text\":\"x\"}", SAGA_SLICE_ARG(key));
        if (saga_client_send(client, &message, BENCH_CALL_MS, &at) < 0)
            bench_stop("%s", saga_client_problem(client));
        saga_arena_reset(&arena);
        saga_test_sleep_ms(PAUSE_MS);
    }
    saga_arena_free(&arena);
    return NULL;
}

/* ---- looking ---- */

static double held(void)
{
    return bench_redis_number("HGET saga:{0}:counts held@1:running");
}

static int64_t records_of(const char *topic, int32_t lane)
{
    int64_t low, high;
    if (saga_client_watermarks(bench_cluster.client, saga_slice_of(topic), lane, BENCH_CALL_MS,
                               &low, &high) < 0)
        bench_stop("%s", saga_client_problem(bench_cluster.client));
    return high;
}

/* Where the lane's last snapshot begins, in the journal; 0 if there is none. */
static int64_t last_marker(struct saga_codec *codec, struct saga_arena *arena)
{
    int64_t high = records_of("saga.snapshots", THE_LANE), position, found = 0;
    struct saga_reader *reader;
    bool end = high == 0;
    saga_arena_reset(arena);
    if (end) return 0;
    if (saga_reader_open(bench_cluster.client, SAGA_SLICE("saga.snapshots"), THE_LANE,
                         high > LAST_RECORDS ? high - LAST_RECORDS : 0, &reader) < 0)
        bench_stop("%s", saga_client_problem(bench_cluster.client));
    while (!end) {
        struct saga_bus_records records = { 0 };
        struct saga_marker marker;
        struct saga_diagnostic diagnostic = { 0 };
        if (saga_reader_read(reader, 1000, 1000, &records, &position, &end) < 0) continue;
        for (size_t i = 0; i < records.count; i++)
            if (saga_slice_equal(records.items[i].key, SAGA_MARKER_KEY) &&
                saga_marker_decode(codec, records.items[i].value, arena, &marker, &diagnostic) ==
                    SAGA_OK)
                found = marker.offset;
        saga_reader_release(reader, &records);
    }
    saga_reader_close(reader);
    return found;
}

/* ---- the run ---- */

static void fill(void)
{
    double began_ms = bench_now_ms(), there = 0;
    saga_test_coordinator_start(&bench_cluster, 0);
    send_held();
    while (there < options.sagas) {
        there = held();
        show_progress("starting sagas", there, options.sagas, began_ms);
        saga_test_sleep_ms(LOOK_MS);
        if (bench_now_ms() - began_ms > PATIENCE_MS) bench_stop("the sagas do not start");
    }
}

/* Waits until a snapshot has all but as many records as make the next one due; returns where it begins. */
static int64_t wait_for_snapshot(void)
{
    struct saga_codec *codec;
    struct saga_arena arena;
    double began_ms = bench_now_ms();
    int64_t high = records_of("saga.journal", THE_LANE), marker = 0, spare = 50000;
    saga_arena_init(&arena);
    if (saga_codec_new(&codec) < 0) bench_stop("no codec");
    if (high < 2 * spare) spare = high / 10 + 10; /* a small run waits for the interval */
    while (high - marker > spare) {
        marker = last_marker(codec, &arena);
        show_progress("taking snapshots", (double)marker, (double)(high - spare), began_ms);
        saga_test_sleep_ms(5 * LOOK_MS);
        if (bench_now_ms() - began_ms > PATIENCE_MS) bench_stop("no snapshot is taken");
    }
    saga_codec_free(codec);
    saga_arena_free(&arena);
    return marker;
}

static bool is_built(void)
{
    const char *journal = saga_test_redis_ask(bench_cluster.redis, "HGET saga:{0}:lane journal");
    return journal && strlen(journal) == 32 && strncmp(journal, "built-", 6) != 0;
}

static double rebuild(void)
{
    double began_ms = bench_now_ms();
    saga_test_coordinator_start(&bench_cluster, 0);
    while (!is_built()) {
        show_progress("rebuilding the lane", held(), options.sagas, began_ms);
        saga_test_sleep_ms(LOOK_MS);
        if (!saga_test_running(bench_cluster.coordinators[0])) bench_stop("the coordinator ended");
        if (bench_now_ms() - began_ms > PATIENCE_MS) bench_stop("the lane is not rebuilt");
    }
    return (bench_now_ms() - began_ms) / 1e3;
}

/* ---- the whole ---- */

static unsigned number_of(const char *argument, unsigned max, struct argp_state *state)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(argument, &end, 10);
    if (errno || *end || number < 1 || number > max)
        argp_error(state, "'%s' is not a number from 1 to %u", argument, max);
    return (unsigned)number;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 's': options.sagas = number_of(argument, SAGAS_MAX, state); return 0;
    case 'b': options.bytes = number_of(argument, 100000, state); return 0;
    case 'o':
        if (strcmp(argument, "json") != 0 && strcmp(argument, "text") != 0)
            argp_error(state, "-o takes text or json");
        options.json = strcmp(argument, "json") == 0;
        return 0;
    case ARGP_KEY_ARG: argp_error(state, "what is '%s' for?", argument); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void print(double took_s, double state_bytes, double tail, double others, double peak)
{
    if (options.json) {
        json_t *object = json_pack("{s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "rebuild_s", took_s, "sagas",
                                   (double)options.sagas, "state_bytes", state_bytes,
                                   "states_per_s", options.sagas / took_s, "journal_records", tail,
                                   "others_completed_per_s", others / took_s, "rss_peak_kb", peak);
        json_dumpf(object, stdout, JSON_REAL_PRECISION(6));
        printf("\n");
        json_decref(object);
        return;
    }
    printf("rebuild_s              %10.1f  from starting the coordinator to the lane's work\n",
           took_s);
    printf("sagas                  %10u  of the lane, waiting\n", options.sagas);
    printf("state_bytes            %10.0f  of one of them, in Redis\n", state_bytes);
    printf("states_per_s           %10.0f\n", options.sagas / took_s);
    printf("journal_records        %10.0f  read behind the snapshot\n", tail);
    printf("others_completed_per_s %10.1f  sagas of the other lanes, meanwhile\n", others / took_s);
    printf("rss_peak_kb            %10.0f  of the coordinator\n", peak);
}

int main(int argc, char **argv)
{
    static const struct argp_option rows[] = {
        { "sagas", 's', "NUMBER", 0, "of the lane (default 1,000,000)", 0 },
        { "bytes", 'b', "NUMBER", 0, "of each one's text (default 850, for a state of 1 KB)", 0 },
        { "output", 'o', "FORMAT", 0, "text or json", 0 },
        { 0 },
    };
    const struct argp argp = { .options = rows,
                               .parser = parse,
                               .doc = "Measures how long a lane takes that is built from its "
                                      "snapshot, after Redis has lost everything." };
    char words[4096];
    pthread_t load;
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    setenv("SAGA_WORKERS", "2", 1);
    setenv("SAGA_SNAPSHOT_INTERVAL", "5s", 1);
    bench_begin(options.json);
    saga_test_cluster_start(&bench_cluster, WORKING, BENCH_LANES);
    if (saga_test_cli(&bench_cluster, NULL, 0, "topics create %s", HELD) != 0 ||
        saga_test_cli(&bench_cluster, NULL, 0, "deploy %s", HELD) != 0)
        bench_stop("the saga cannot be deployed");
    saga_test_participants(&bench_cluster, NULL, 0);
    fill();
    int64_t marker = wait_for_snapshot();
    double state_bytes = bytes_of_a_state();
    saga_test_coordinator_signal(&bench_cluster, 0, SIGKILL);
    saga_test_redis_flushall(bench_cluster.redis);
    if (saga_test_kafka_cut(&bench_cluster.kafka, "saga.journal", THE_LANE, marker) < 0)
        bench_stop("the journal cannot be cut");
    double tail = (double)(records_of("saga.journal", THE_LANE) - marker);
    struct saga_kafka_config config = { .bootstrap_servers = bench_cluster.kafka.servers };
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_client *client;
    if (saga_client_new(&config, &bench_cluster.arena, &client, &diagnostic) < 0 ||
        pthread_create(&load, NULL, keep_others_busy, client) != 0)
        bench_stop("no load for the other lanes");
    double took_s = rebuild(), others = 0;
    for (int lane = 1; lane < BENCH_LANES; lane++)
        others += bench_redis_number("HGET saga:{%d}:counts three-steps@1:completed", lane);
    double peak = (double)bench_status(bench_cluster.coordinators[0], "VmHWM");
    atomic_store(&ends, true);
    pthread_join(load, NULL);
    saga_client_free(client);
    show_progress("rebuilding the lane", 1, 1, bench_now_ms() - took_s * 1e3);
    if (held() != options.sagas) bench_stop("of %u sagas %.0f are there", options.sagas, held());
    bench_say("looking at all of it (saga replay --verify)");
    if (saga_test_cli(&bench_cluster, words, sizeof words, "replay --verify") != 0)
        bench_stop("saga replay --verify is not content:\n%s", words);
    bench_end();
    print(took_s, state_bytes, tail, others, peak);
    return 0;
}
