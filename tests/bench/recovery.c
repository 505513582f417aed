/* How long lanes stand still (./dev bench recovery): three coordinators under a steady load; one is killed with SIGKILL,
 * later one is stopped with SIGTERM, round after round. Each lane's journal is watched; a lane that stands still is
 * one whose journal does not grow. What is printed is the longest standstill of any lane after each stroke. */
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

#include "bench_support.h"
#include "harness/process.h"

#define SAGA SAGA_SOURCE_DIR "/tests/bench/three-steps.yaml"

enum {
    LANES = 6,
    COORDINATORS = 3,
    CALL_MS = 20000,
    PAUSE_MS = 10, /* between two starts */
    LOOK_MS = 20,
    WATCH_MS = 30000,   /* after a stroke */
    STEADY_MS = 3000,   /* every lane moves for so long before the next stroke */
    BUSY_GAP_MS = 1500, /* a lane without a record for so long does not move */
    PATIENCE_MS = 120000,
    ROUNDS_MAX = 1000
};

static struct {
    unsigned rounds;
    bool json;
} options = { .rounds = 5 };

static int64_t highs[LANES];
static double moved_ms[LANES];
static atomic_bool ends;

/* ---- the load ---- */

static void *send_starts(void *client)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    for (unsigned i = 0; !atomic_load(&ends); i++) {
        struct saga_header header = { SAGA_SLICE("ce_type"), SAGA_SLICE("Asked") };
        struct saga_slice key = saga_arena_printf(&arena, "r-%u", i);
        struct saga_message message = { .topic = SAGA_SLICE("bench.starts"),
                                        .partition = SAGA_PARTITION_BY_KEY,
                                        .key = key,
                                        .headers = &header,
                                        .header_count = 1 };
        struct saga_position at;
        message.value =
            saga_arena_printf(&arena, "{\"id\":\"%.*s\",\"text\":\"x\"}", SAGA_SLICE_ARG(key));
        if (saga_client_send(client, &message, CALL_MS, &at) < 0)
            bench_stop("%s", saga_client_problem(client));
        saga_arena_reset(&arena);
        saga_test_sleep_ms(PAUSE_MS);
    }
    saga_arena_free(&arena);
    return NULL;
}

/* ---- watching ---- */

/* Looks at every lane once; returns the longest standstill that has just ended, or still lasts. */
static double look(void)
{
    double longest_ms = 0;
    for (int32_t lane = 0; lane < LANES; lane++) {
        int64_t low, high;
        if (saga_client_watermarks(bench_cluster.client, SAGA_SLICE("saga.journal"), lane, CALL_MS,
                                   &low, &high) < 0)
            bench_stop("%s", saga_client_problem(bench_cluster.client));
        double now_ms = bench_now_ms(), still_ms = now_ms - moved_ms[lane];
        if (still_ms > longest_ms) longest_ms = still_ms;
        if (high != highs[lane]) moved_ms[lane] = now_ms;
        highs[lane] = high;
    }
    return longest_ms;
}

/* Until no lane has stood still for a while. */
static void wait_until_steady(void)
{
    double began_ms = bench_now_ms(), steady_ms = began_ms;
    while (bench_now_ms() - steady_ms < STEADY_MS) {
        if (look() > BUSY_GAP_MS) steady_ms = bench_now_ms();
        if (bench_now_ms() - began_ms > PATIENCE_MS) bench_stop("the lanes do not come to work");
        saga_test_sleep_ms(LOOK_MS);
    }
}

/* Strikes one coordinator, watches the longest standstill, starts the coordinator again. */
static double stroke(unsigned number, int signal_number)
{
    double began_ms = bench_now_ms(), longest_ms = 0, quiet_ms = began_ms;
    for (unsigned lane = 0; lane < LANES; lane++) moved_ms[lane] = began_ms;
    saga_test_coordinator_signal(&bench_cluster, number, signal_number);
    while (bench_now_ms() - began_ms < WATCH_MS || bench_now_ms() - quiet_ms < STEADY_MS) {
        double still_ms = look();
        if (still_ms > longest_ms) longest_ms = still_ms;
        if (still_ms > BUSY_GAP_MS) quiet_ms = bench_now_ms();
        if (bench_now_ms() - began_ms > PATIENCE_MS) bench_stop("a lane does not work again");
        saga_test_sleep_ms(LOOK_MS);
    }
    saga_test_coordinator_start(&bench_cluster, number);
    wait_until_steady();
    return longest_ms / 1e3;
}

/* ---- the whole ---- */

static error_t parse(int key, char *argument, struct argp_state *state)
{
    char *end;
    switch (key) {
    case 'r':
        errno = 0;
        options.rounds = (unsigned)strtoul(argument, &end, 10);
        if (errno || *end || options.rounds < 1 || options.rounds > ROUNDS_MAX)
            argp_error(state, "'%s' is not a number from 1 to %d", argument, ROUNDS_MAX);
        return 0;
    case 'o':
        if (strcmp(argument, "json") != 0 && strcmp(argument, "text") != 0)
            argp_error(state, "-o takes text or json");
        options.json = strcmp(argument, "json") == 0;
        return 0;
    case ARGP_KEY_ARG: argp_error(state, "what is '%s' for?", argument); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void print(double *killed_s, double *stopped_s)
{
    unsigned last = options.rounds - 1;
    qsort(killed_s, options.rounds, sizeof *killed_s, bench_by_value);
    qsort(stopped_s, options.rounds, sizeof *stopped_s, bench_by_value);
    if (options.json) {
        json_t *object =
            json_pack("{s:f,s:f,s:f,s:f,s:I}", "killed_median_s", killed_s[last / 2],
                      "killed_max_s", killed_s[last], "stopped_median_s", stopped_s[last / 2],
                      "stopped_max_s", stopped_s[last], "rounds", (json_int_t)options.rounds);
        json_dumpf(object, stdout, JSON_REAL_PRECISION(4));
        printf("\n");
        json_decref(object);
        return;
    }
    printf("killed_median_s    %8.2f  the longest standstill of a lane after kill -9 of one of "
           "three\n",
           killed_s[last / 2]);
    printf("killed_max_s       %8.2f\n", killed_s[last]);
    printf("stopped_median_s   %8.2f  after SIGTERM\n", stopped_s[last / 2]);
    printf("stopped_max_s      %8.2f  of %u rounds\n", stopped_s[last], options.rounds);
}

int main(int argc, char **argv)
{
    static const struct argp_option rows[] = {
        { "rounds", 'r', "NUMBER", 0, "how often each stroke is measured (default 5)", 0 },
        { "output", 'o', "FORMAT", 0, "text or json", 0 },
        { 0 },
    };
    const struct argp argp = { .options = rows,
                               .parser = parse,
                               .doc =
                                   "Measures how long lanes stand still when a coordinator dies." };
    static double killed_s[ROUNDS_MAX], stopped_s[ROUNDS_MAX];
    char words[4096];
    pthread_t load;
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    setenv("SAGA_WORKERS", "2", 1);
    bench_begin(options.json);
    saga_test_cluster_start(&bench_cluster, SAGA, LANES);
    saga_test_participants(&bench_cluster, NULL, 0);
    for (unsigned i = 0; i < COORDINATORS; i++) saga_test_coordinator_start(&bench_cluster, i);
    struct saga_kafka_config config = { .bootstrap_servers = bench_cluster.kafka.servers };
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_client *client;
    if (saga_client_new(&config, &bench_cluster.arena, &client, &diagnostic) < 0)
        bench_stop("%.*s", SAGA_SLICE_ARG(diagnostic.what));
    if (pthread_create(&load, NULL, send_starts, client) != 0) bench_stop("no thread for the load");
    wait_until_steady();
    for (unsigned round = 0; round < options.rounds; round++) {
        killed_s[round] = stroke(round % COORDINATORS, SIGKILL);
        stopped_s[round] = stroke((round + 1) % COORDINATORS, SIGTERM);
        if (!options.json)
            fprintf(stderr, "round %u: killed %.2f s, stopped %.2f s\n", round + 1, killed_s[round],
                    stopped_s[round]);
    }
    atomic_store(&ends, true);
    pthread_join(load, NULL);
    saga_client_free(client);
    if (saga_test_cli(&bench_cluster, words, sizeof words, "replay --verify") != 0)
        bench_stop("saga replay --verify is not content:\n%s", words);
    bench_end();
    print(killed_s, stopped_s);
    return 0;
}
