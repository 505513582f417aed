/* A long run (./dev soak): two coordinators under a constant load, and what they and Redis take of the machine, sampled.
 * Nothing but the topics may grow. What comes and goes is no growth: of each of PORTIONS portions of the run the least
 * value counts, which is what remains. A line is laid through those of the last two thirds, and it must not rise by more
 * than they scatter around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_support.h"
#include "harness/process.h"

#define SAGA SAGA_SOURCE_DIR "/tests/bench/soak.yaml"
#define SNAPSHOT_RECORDS "5000" /* so that the first snapshots come before what is judged */

enum {
    LANES = 4,
    COORDINATORS = 2,
    CALL_MS = 20000,
    MINUTES_MAX = 10000,
    PORTIONS = 30, /* of 20 minutes: longer than it takes until freed memory is given back */
    PANEL_HEIGHT = 130,
    WIDTH = 860
};
enum metric { RSS_KB, DESCRIPTORS, THREADS, REDIS_KB, REDIS_KEYS, JOURNAL_RECORDS, METRICS };

static const struct {
    const char *name;
    bool grows; /* by its nature: shown, not judged */
} metrics[METRICS] = { { "memory of the coordinators, KiB", false },
                       { "their file descriptors", false },
                       { "their threads", false },
                       { "memory of Redis, KiB", false },
                       { "keys in Redis", false },
                       { "records in the journal", true } };

static struct {
    unsigned minutes, per_second;
    const char *svg;
} options = { .minutes = 20, .per_second = 50, .svg = "soak.svg" };

struct sample {
    double at_s, values[METRICS];
};

static struct sample *samples;
static size_t sample_count, sample_capacity;
static atomic_bool ends;
static atomic_ullong started;

/* ---- the load ---- */

static void *send_starts(void *client)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    double began_ms = bench_now_ms();
    for (unsigned long long i = 0; !atomic_load(&ends); i++) {
        struct saga_header header = { SAGA_SLICE("ce_type"), SAGA_SLICE("Asked") };
        struct saga_slice key = saga_arena_printf(&arena, "s-%llu", i);
        struct saga_message message = { .topic = SAGA_SLICE("bench.starts"),
                                        .partition = SAGA_PARTITION_BY_KEY,
                                        .key = key,
                                        .headers = &header,
                                        .header_count = 1 };
        struct saga_position at;
        message.value = saga_arena_printf(&arena, "{\"id\":\"%.*s\"}", SAGA_SLICE_ARG(key));
        if (saga_client_send(client, &message, CALL_MS, &at) < 0)
            bench_stop("%s", saga_client_problem(client));
        saga_arena_reset(&arena);
        atomic_store(&started, i + 1);
        double wait_ms = began_ms + (double)(i + 1) * 1e3 / options.per_second - bench_now_ms();
        if (wait_ms > 0) saga_test_sleep_ms((int)wait_ms);
    }
    saga_arena_free(&arena);
    return NULL;
}

/* ---- samples ---- */

static double descriptors_of(pid_t pid)
{
    char path[64];
    double count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (!folder) bench_stop("a coordinator ended by itself");
    for (const struct dirent *entry; (entry = readdir(folder));) count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static double redis_number(const char *section, const char *field)
{
    const char *answer = saga_test_redis_ask(bench_cluster.redis, "INFO %s", section);
    const char *at = answer ? strstr(answer, field) : NULL;
    return at ? strtod(at + strlen(field), NULL) : 0;
}

static void take_sample(double at_s)
{
    struct sample sample = { .at_s = at_s };
    for (unsigned i = 0; i < COORDINATORS; i++) {
        pid_t pid = bench_cluster.coordinators[i];
        sample.values[RSS_KB] += (double)bench_status(pid, "VmRSS");
        sample.values[THREADS] += (double)bench_status(pid, "Threads");
        sample.values[DESCRIPTORS] += descriptors_of(pid);
    }
    sample.values[REDIS_KB] = redis_number("memory", "used_memory:") / 1024;
    sample.values[REDIS_KEYS] = redis_number("keyspace", "keys=");
    for (int32_t lane = 0; lane < LANES; lane++) {
        int64_t low, high;
        if (saga_client_watermarks(bench_cluster.client, SAGA_SLICE("saga.journal"), lane, CALL_MS,
                                   &low, &high) < 0)
            bench_stop("%s", saga_client_problem(bench_cluster.client));
        sample.values[JOURNAL_RECORDS] += (double)(high - low);
    }
    if (sample_count == sample_capacity) {
        sample_capacity = sample_capacity ? 2 * sample_capacity : 1024;
        samples = realloc(samples, sample_capacity * sizeof *samples);
        if (!samples) bench_stop("no memory for samples");
    }
    samples[sample_count++] = sample;
}

/* ---- the verdict ---- */

struct line {
    double rise;    /* from the first to the last sample that is judged */
    double scatter; /* of the samples around it: twice the standard deviation */
    double mean;
};

/* The sample of each portion that has the least of this metric. */
static size_t find_leasts(enum metric metric, size_t ret[PORTIONS])
{
    double all_s = samples[sample_count - 1].at_s + 1;
    size_t count = 0;
    int portion = -1;
    for (size_t i = 0; i < sample_count; i++) {
        int its = (int)(samples[i].at_s * PORTIONS / all_s);
        if (its != portion)
            ret[count++] = i;
        else if (samples[i].values[metric] < samples[ret[count - 1]].values[metric])
            ret[count - 1] = i;
        portion = its;
    }
    return count;
}

static struct line lay_line(enum metric metric)
{
    size_t at[PORTIONS], count = find_leasts(metric, at), from = count / 3;
    double n = (double)(count - from), st = 0, sv = 0, stt = 0, stv = 0, sr = 0;
    for (size_t i = from; i < count; i++) {
        double t = samples[at[i]].at_s, v = samples[at[i]].values[metric];
        st += t, sv += v, stt += t * t, stv += t * v;
    }
    double slope = (n * stv - st * sv) / (n * stt - st * st), zero = (sv - slope * st) / n;
    for (size_t i = from; i < count; i++) {
        double rest = samples[at[i]].values[metric] - zero - slope * samples[at[i]].at_s;
        sr += rest * rest;
    }
    return (struct line){ slope * (samples[at[count - 1]].at_s - samples[at[from]].at_s),
                          2 * sqrt(sr / n), sv / n };
}

/* Growth is a rise beyond the scatter, and beyond a hundredth of the whole. */
static bool judge(void)
{
    bool good = true;
    printf("%-34s %12s %12s %12s\n", "the least of each portion", "mean", "rise", "scatter");
    for (int m = 0; m < METRICS; m++) {
        struct line line = lay_line((enum metric)m);
        bool grows = line.rise > line.scatter && line.rise > line.mean / 100;
        const char *words = metrics[m].grows ? "grows by its nature" : grows ? "GROWS" : "steady";
        printf("%-34s %12.0f %12.1f %12.1f  %s\n", metrics[m].name, line.mean, line.rise,
               line.scatter, words);
        if (grows && !metrics[m].grows) good = false;
    }
    return good;
}

/* ---- the picture ---- */

static void draw_panel(FILE *file, enum metric metric)
{
    double low = samples[0].values[metric], high = low;
    double top = PANEL_HEIGHT * (double)metric + 30, height = PANEL_HEIGHT - 50.0;
    for (size_t i = 0; i < sample_count; i++) {
        if (samples[i].values[metric] < low) low = samples[i].values[metric];
        if (samples[i].values[metric] > high) high = samples[i].values[metric];
    }
    double span_s = samples[sample_count - 1].at_s, span = high > 0 ? high : 1;
    fprintf(file, "<text x=\"60\" y=\"%.0f\">%s: %.0f to %.0f</text>\n", top - 8,
            metrics[metric].name, low, high);
    fprintf(file,
            "<path class=\"axis\" d=\"M60 %.0fV%.0fH%d\"/><text x=\"52\" y=\"%.0f\" "
            "text-anchor=\"end\">0</text>"
            "<text x=\"52\" y=\"%.0f\" text-anchor=\"end\">%.0f</text>\n<polyline points=\"",
            top, top + height, WIDTH - 20, top + height, top + 8, high);
    for (size_t i = 0; i < sample_count; i++)
        fprintf(file, "%.1f,%.1f ", 60 + (WIDTH - 80) * samples[i].at_s / span_s,
                top + height - height * samples[i].values[metric] / span);
    fprintf(file, "\"/>\n");
}

static void draw(void)
{
    FILE *file = fopen(options.svg, "w");
    if (!file) bench_stop("%s cannot be written: %s", options.svg, strerror(errno));
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" "
            "font-size=\"12\"><style>polyline{fill:none;stroke:#06c}.axis{fill:none;stroke:#888}"
            "text{fill:#333}"
            "</style><rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            WIDTH, PANEL_HEIGHT * METRICS + 30);
    for (int m = 0; m < METRICS; m++) draw_panel(file, (enum metric)m);
    fprintf(file, "<text x=\"60\" y=\"%d\">0 to %.0f minutes, %u sagas a second</text></svg>\n",
            PANEL_HEIGHT * METRICS + 20, samples[sample_count - 1].at_s / 60, options.per_second);
    if (fclose(file) != 0) bench_stop("%s cannot be written", options.svg);
}

/* ---- the whole ---- */

static unsigned number(const char *text, unsigned max, struct argp_state *state)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > max)
        argp_error(state, "'%s' is not a number from 1 to %u", text, max);
    return (unsigned)value;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 'm': options.minutes = number(argument, MINUTES_MAX, state); return 0;
    case 'p': options.per_second = number(argument, 100000, state); return 0;
    case 's': options.svg = argument; return 0;
    case ARGP_KEY_ARG: argp_error(state, "what is '%s' for?", argument); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void watch(void)
{
    double began_ms = bench_now_ms(), every_ms = options.minutes < 10 ? 1000 : 5000;
    for (;;) {
        double at_ms = bench_now_ms() - began_ms;
        if (at_ms > options.minutes * 60e3) return;
        take_sample(at_ms / 1e3);
        saga_test_sleep_ms((int)every_ms);
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option rows[] = {
        { "minutes", 'm', "NUMBER", 0, "how long (default 20)", 0 },
        { "per-second", 'p', "NUMBER", 0, "sagas a second (default 50)", 0 },
        { "svg", 's', "FILE", 0, "where the picture goes (default soak.svg)", 0 },
        { 0 },
    };
    const struct argp argp = {
        .options = rows,
        .parser = parse,
        .doc = "Runs for long under a constant load and judges whether anything grows."
    };
    struct saga_kafka_config config = { 0 };
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_client *client;
    pthread_t load;
    char words[4096];
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    setenv("SAGA_SNAPSHOT_RECORDS", SNAPSHOT_RECORDS, 1);
    bench_begin(false);
    saga_test_cluster_start(&bench_cluster, SAGA, LANES);
    /* Redis keeps what was slow, up to 128 commands: that is its own book, and fills up while the machine is busy */
    saga_test_redis_ask(bench_cluster.redis, "CONFIG SET slowlog-max-len 0");
    saga_test_participants(&bench_cluster, NULL, 0);
    for (unsigned i = 0; i < COORDINATORS; i++) saga_test_coordinator_start(&bench_cluster, i);
    config.bootstrap_servers = bench_cluster.kafka.servers;
    if (saga_client_new(&config, &bench_cluster.arena, &client, &diagnostic) < 0)
        bench_stop("%.*s", SAGA_SLICE_ARG(diagnostic.what));
    if (pthread_create(&load, NULL, send_starts, client) != 0) bench_stop("no thread for the load");
    watch();
    atomic_store(&ends, true);
    pthread_join(load, NULL);
    saga_client_free(client);
    draw();
    printf("%llu sagas in %u minutes\n", (unsigned long long)atomic_load(&started),
           options.minutes);
    bool good = judge();
    if (saga_test_cli(&bench_cluster, words, sizeof words, "replay --verify") != 0)
        bench_stop("saga replay --verify is not content:\n%s", words);
    printf("%sthe picture is %s\n", words, options.svg);
    bench_end();
    return good ? 0 : 1;
}
