#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench_run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bench_support.h"
#include "definition/schema_folder.h"
#include "harness/process.h"
#include "schema/body.h"

#define FOLDER SAGA_SOURCE_DIR "/tests/bench/"

enum { READY_MS = 60000, PROGRAM_MS = 7200000, LOOK_MS = 50, READY_LOOK_MS = 5, WARM_UP = 50000 };

const struct bench_setup bench_plain = { .saga = "three-steps.yaml", .name = "three-steps" };

static const struct bench_setup *current; /* of the servers that run; NULL: none */
static struct saga_schemas *schemas;
static bool verified; /* nothing was written since */
static bool is_warm;  /* the broker */

/* ---- programs ---- */

static json_t *object_in(const char *path, const char *name)
{
    json_error_t error;
    static char text[65536];
    FILE *file = fopen(path, "r");
    size_t got = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) fclose(file);
    text[got] = '\0';
    const char *begin = strchr(text, '{');
    json_t *object = begin ? json_loads(begin, JSON_DISABLE_EOF_CHECK, &error) : NULL;
    if (!object) bench_stop("%s printed no JSON:\n%s", name, text);
    return object;
}

static void stop_with_output(const char *path, const char *name)
{
    char words[8192];
    FILE *file = fopen(path, "r");
    size_t got = file ? fread(words, 1, sizeof words - 1, file) : 0;
    if (file) fclose(file);
    words[got] = '\0';
    bench_stop("%s failed:\n%s", name, words);
}

json_t *bench_run_program(const char *const *arguments)
{
    enum { ARGUMENTS_MAX = 16 };
    char program[512], *all[ARGUMENTS_MAX] = { program };
    pid_t pid;
    size_t count = 1;
    char *folder = saga_test_temp_dir();
    if (!folder) bench_stop("no folder for what %s prints", arguments[0]);
    char *path = folder ? malloc(strlen(folder) + sizeof "/output") : NULL;
    if (!path) bench_stop("out of memory");
    sprintf(path, "%s/output", folder);
    snprintf(program, sizeof program, SAGA_BINARY_DIR "/%s", arguments[0]);
    for (; arguments[count]; count++) {
        if (count + 1 == ARGUMENTS_MAX) bench_stop("too many arguments for %s", arguments[0]);
        all[count] = (char *)(uintptr_t)arguments[count];
    }
    if (saga_test_spawn(all, path, &pid) != 0) bench_stop("%s does not start", arguments[0]);
    if (saga_test_stop(pid, 0, PROGRAM_MS) != 0) stop_with_output(path, arguments[0]);
    json_t *object = object_in(path, arguments[0]);
    saga_test_remove_dir(folder);
    free(folder);
    free(path);
    return object;
}

json_t *bench_verify(void)
{
    const char *const arguments[] = { "saga", "replay", "--verify", "-o", "json", NULL };
    bench_say("looking at all that was written (saga replay --verify)");
    verified = true;
    return bench_run_program(arguments);
}

/* ---- servers ---- */

static void read_schemas(const char *folder)
{
    struct saga_diagnostics findings;
    saga_diagnostics_init(&findings, &bench_cluster.arena);
    if (saga_schema_folder_read(folder, &findings, &schemas) < 0)
        bench_stop("the schemas in %s cannot be read", folder);
}

static void start_participants(void)
{
    struct saga_participants_config config = { .bootstrap_servers = bench_cluster.kafka.servers,
                                               .definitions = &bench_cluster.definition,
                                               .definition_count = 1,
                                               .schemas = schemas,
                                               .group = "bench-participants" };
    if (saga_participants_start(&config, &bench_cluster.participants) < 0)
        bench_stop("the participants do not start");
}

void bench_servers(const struct bench_setup *setup)
{
    char path[512], folder[512];
    if (current == setup) return;
    bench_servers_leave();
    bench_say("starting a broker and a Redis");
    snprintf(path, sizeof path, FOLDER "%s", setup->saga);
    snprintf(folder, sizeof folder, FOLDER "%s", setup->schemas ? setup->schemas : "");
    if (setup->schemas) setenv("SAGA_SCHEMAS", folder, 1);
    saga_test_cluster_start(&bench_cluster, path, (uint32_t)bench_lanes);
    if (setup->schemas) read_schemas(folder);
    if (setup->also &&
        (saga_test_cli(&bench_cluster, NULL, 0, "topics create " FOLDER "%s", setup->also) != 0 ||
         saga_test_cli(&bench_cluster, NULL, 0, "deploy " FOLDER "%s", setup->also) != 0))
        bench_stop("%s cannot be deployed", setup->also);
    start_participants();
    current = setup;
}

void bench_servers_leave(void)
{
    if (!current) return;
    if (!verified) json_decref(bench_verify());
    bench_end_servers();
    unsetenv("SAGA_SCHEMAS");
    saga_schemas_free(schemas);
    schemas = NULL;
    current = NULL;
    is_warm = false;
}

/* ---- the coordinator ---- */

/* Its worker has opened every lane, and said so in Redis, after that time. */
static bool has_all_lanes_since(int64_t since_ms)
{
    for (int lane = 0; lane < bench_lanes; lane++)
        if (bench_redis_number("HGET saga:{%d}:lane heartbeat", lane) < (double)since_ms)
            return false;
    return true;
}

double bench_coordinator(void)
{
    double begin_ms = bench_now_ms();
    int64_t since_ms = bench_clock_ms();
    if (bench_cluster.coordinators[0]) return 0;
    verified = false;
    saga_test_coordinator_start(&bench_cluster, 0);
    while (!has_all_lanes_since(since_ms)) {
        if (bench_now_ms() - begin_ms > READY_MS)
            bench_stop("the coordinator has not its lanes after %d s", READY_MS / 1000);
        saga_test_sleep_ms(READY_LOOK_MS);
    }
    return bench_now_ms() - begin_ms;
}

void bench_coordinator_stop(void)
{
    if (!bench_cluster.coordinators[0]) return;
    if (saga_test_coordinator_signal(&bench_cluster, 0, SIGTERM) != 0)
        bench_stop("the coordinator did not end well when told to");
}

/* ---- the plain loop ---- */

static json_t *run_raw_loop(const struct bench_raw *raw)
{
    char words[7][64];
    snprintf(words[0], sizeof words[0], "--bootstrap=%s", bench_cluster.kafka.servers);
    snprintf(words[1], sizeof words[1], "--workers=%u", bench_options.workers);
    snprintf(words[2], sizeof words[2], "--partitions=%d", bench_lanes);
    snprintf(words[3], sizeof words[3], "--events=%u", raw->events);
    snprintf(words[4], sizeof words[4], "--round-trips=%u", raw->round_trips);
    snprintf(words[5], sizeof words[5], "--rate=%u", raw->rate);
    snprintf(words[6], sizeof words[6], "--seconds=%u", raw->seconds ? raw->seconds : 1);
    const char *const arguments[] = { "tests/raw_loop",
                                      words[0],
                                      words[1],
                                      words[2],
                                      words[3],
                                      words[4],
                                      words[5],
                                      words[6],
                                      raw->headers ? "--headers" : NULL,
                                      NULL };
    return bench_run_program(arguments);
}

void bench_raw_add(json_t *figures, const struct bench_raw *raw)
{
    const char *name;
    json_t *number;
    bench_say("the plain loop on the same broker%s", raw->headers ? ", with headers" : "");
    json_t *object = run_raw_loop(raw);
    json_object_foreach(object, name, number)
    {
        if (strncmp(name, "raw_", 4) != 0) continue;
        double before = json_number_value(json_object_get(figures, name));
        bench_set(figures, name, before + json_number_value(number));
    }
    json_decref(object);
}

void bench_raw_mean(json_t *figures)
{
    const char *name;
    json_t *number;
    json_object_foreach(figures, name, number)
    {
        if (strncmp(name, "raw_", 4) == 0) json_real_set(number, json_real_value(number) / 2);
    }
}

/* ---- sagas of three steps ---- */

static double completed(void)
{
    double sum = 0;
    for (int lane = 0; lane < bench_lanes; lane++)
        sum += bench_redis_number("HGET saga:{%d}:counts %s@1:completed", lane, current->name);
    return sum;
}

static struct saga_slice make_body(struct saga_slice key, unsigned number, void *context,
                                   struct saga_arena *arena)
{
    struct saga_slice body, words;
    (void)number;
    (void)context;
    struct saga_slice json = bench_plain_body(key, 200, arena);
    if (!schemas) return json;
    if (saga_body_make(schemas, SAGA_FORMAT_AVRO, SAGA_SLICE("Asked"), json, arena, &body, &words) <
        0)
        bench_stop("a start is not made: %.*s", SAGA_SLICE_ARG(words));
    return body;
}

void bench_burst_begin(struct bench_burst *burst, const char *prefix, unsigned sagas)
{
    const struct bench_starts starts = { .topic = "bench.starts",
                                         .type = "Asked",
                                         .prefix = prefix,
                                         .count = sagas,
                                         .lane = BENCH_ANY_LANE,
                                         .body = make_body };
    *burst = (struct bench_burst){ .prefix = prefix,
                                   .sagas = sagas,
                                   .commands_mark = bench_mark_now("bench.commands"),
                                   .done_mark = bench_mark_now("bench.done"),
                                   .answered_before =
                                       saga_participants_answered(bench_cluster.participants),
                                   .completed_before = completed() };
    bench_send_starts(&starts);
}

/* Without a limit to the whole, which depends on how many there are; but something must move. */
void bench_burst_wait(const struct bench_burst *burst)
{
    uint64_t wanted = burst->answered_before + (uint64_t)burst->sagas * BENCH_STEPS, before = 0;
    double all = burst->completed_before + burst->sagas, moved_ms = bench_now_ms(), done = 0;
    for (;;) {
        uint64_t answered = saga_participants_answered(bench_cluster.participants);
        bool moves = answered != before;
        if (answered >= wanted) {
            double now_done = completed();
            if (now_done >= all) return;
            moves = moves || now_done != done;
            done = now_done;
        }
        if (moves) moved_ms = bench_now_ms();
        before = answered;
        if (!saga_test_running(bench_cluster.coordinators[0]))
            bench_stop("the coordinator ended by itself");
        if (bench_now_ms() - moved_ms > BENCH_STALL_MS)
            bench_stop("nothing moves any more: %llu of %llu commands were answered",
                       (unsigned long long)(answered - burst->answered_before),
                       (unsigned long long)burst->sagas * BENCH_STEPS);
        saga_test_sleep_ms(LOOK_MS);
    }
}

void bench_burst_count(struct bench_burst *burst)
{
    uint64_t steps = (uint64_t)burst->sagas * BENCH_STEPS;
    burst->commands = bench_times_since("bench.commands", &burst->commands_mark);
    burst->done = bench_times_since("bench.done", &burst->done_mark);
    if (burst->commands.count != steps || burst->done.count != burst->sagas)
        bench_stop("%u sagas were started: %zu commands instead of %llu, %zu of them completed",
                   burst->sagas, burst->commands.count, (unsigned long long)steps,
                   burst->done.count);
    if (burst->done.last_ms <= burst->commands.first_ms)
        bench_stop("too few sagas to measure a speed");
    burst->steps_per_s =
        (double)steps * 1e3 / (double)(burst->done.last_ms - burst->commands.first_ms);
}

void bench_burst_free(struct bench_burst *burst)
{
    bench_times_free(&burst->commands);
    bench_times_free(&burst->done);
}

void bench_warm_up(void)
{
    struct bench_burst burst;
    if (is_warm) return;
    bench_say("%u sagas to begin with, which are not measured", bench_options.sagas);
    json_decref(run_raw_loop(&(struct bench_raw){ .events = WARM_UP }));
    bench_burst_begin(&burst, "warm-", bench_options.sagas);
    bench_coordinator();
    bench_burst_wait(&burst);
    bench_burst_count(&burst);
    bench_coordinator_stop();
    bench_burst_free(&burst);
    is_warm = true;
}
