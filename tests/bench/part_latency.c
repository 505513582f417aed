/* How long a saga takes: alone, beside as many round trips of the plain loop as it has steps; and under a steady load. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_run.h"
#include "bench_support.h"
#include "harness/process.h"

enum { WARM_UP = 20, WARM_UP_S = 2, WORKING_MS = 100 };

static double number_in(const json_t *figures, const char *name)
{
    return json_real_value(json_object_get(figures, name));
}

static double *room_for(size_t count)
{
    double *numbers = calloc(count + 1, sizeof *numbers);
    if (!numbers) bench_stop("out of memory");
    return numbers;
}

/* Sorts. */
static void set_percentiles(json_t *figures, double *took_ms, size_t count)
{
    qsort(took_ms, count, sizeof *took_ms, bench_by_value);
    bench_set(figures, "saga_p50_ms", took_ms[count / 2]);
    bench_set(figures, "saga_p99_ms", took_ms[count * 99 / 100]);
    bench_set(figures, "saga_max_ms", took_ms[count - 1]);
}

static void set_memory(json_t *figures)
{
    bench_set(figures, "rss_peak_kb", (double)bench_status(bench_cluster.coordinators[0], "VmHWM"));
}

/* ---- alone ---- */

/* From sending its start to reading its last event. */
static double one_saga_ms(struct bench_sender *sender, struct bench_reader *reader, unsigned number,
                          struct saga_arena *arena)
{
    char key[BENCH_KEY_BYTES], done[BENCH_KEY_BYTES] = "";
    snprintf(key, sizeof key, "alone-%u", number);
    struct saga_slice body = bench_plain_body(saga_slice_of(key), 200, arena);
    double begin_ms = bench_now_ms();
    bench_sender_send(sender, saga_slice_of(key), body);
    while (strcmp(done, key) != 0)
        if (!bench_reader_next(reader, BENCH_CALL_MS, done))
            bench_stop("a saga alone did not complete in %d s", BENCH_CALL_MS / 1000);
    return bench_now_ms() - begin_ms;
}

static void measure_alone(json_t *figures)
{
    struct saga_arena arena;
    unsigned count = bench_options.alone;
    double *took_ms = room_for(count);
    struct bench_sender *sender = bench_sender_open("bench.starts", "Asked", false);
    struct bench_reader *reader = bench_reader_open("bench.done");
    saga_arena_init(&arena);
    bench_say("%u sagas, one at a time", count);
    for (unsigned i = 0; i < WARM_UP + count; i++) {
        double ms = one_saga_ms(sender, reader, i, &arena);
        if (i >= WARM_UP) took_ms[i - WARM_UP] = ms;
        saga_arena_reset(&arena);
    }
    set_percentiles(figures, took_ms, count);
    saga_arena_free(&arena);
    bench_sender_close(sender);
    bench_reader_close(reader);
    free(took_ms);
}

void bench_latency(json_t *figures)
{
    const struct bench_raw round_trips = { .round_trips = bench_options.round_trips };
    bench_servers(&bench_plain);
    bench_coordinator_stop();
    bench_warm_up();
    bench_raw_add(figures, &round_trips);
    bench_coordinator();
    measure_alone(figures);
    set_memory(figures);
    bench_coordinator_stop();
    bench_raw_add(figures, &round_trips);
    bench_raw_mean(figures);
    bench_set(figures, "saga_p50_ratio",
              number_in(figures, "saga_p50_ms") / number_in(figures, "raw_three_p50_ms"));
    bench_set(figures, "saga_p99_ratio",
              number_in(figures, "saga_p99_ms") / number_in(figures, "raw_three_p99_ms"));
}

/* ---- under load ---- */

static struct {
    unsigned count;
    double rate; /* a second */
    double begin_ms;
} load;

/* When the start with that number is sent: what a late sender adds counts, as its users would wait. */
static double due_ms(unsigned number)
{
    return load.begin_ms + number * 1e3 / load.rate;
}

static void *send_evenly(void *context)
{
    struct saga_arena arena;
    struct bench_sender *sender = context;
    saga_arena_init(&arena);
    for (unsigned i = 0; i < load.count; i++) {
        char key[BENCH_KEY_BYTES];
        snprintf(key, sizeof key, "paced-%u", i);
        while (bench_now_ms() < due_ms(i)) saga_test_sleep_ms(1);
        bench_sender_send(sender, saga_slice_of(key),
                          bench_plain_body(saga_slice_of(key), 200, &arena));
        if (i % 1000 == 0) saga_arena_reset(&arena);
    }
    saga_arena_free(&arena);
    return NULL;
}

/* Reads until all have ended; those of the first seconds do not count. Returns how many did. */
static size_t read_ends(struct bench_reader *reader, double *took_ms)
{
    size_t counted = 0;
    char key[BENCH_KEY_BYTES];
    for (unsigned ended = 0; ended < load.count; ended++) {
        unsigned number;
        if (!bench_reader_next(reader, BENCH_STALL_MS, key))
            bench_stop("nothing moves any more: %u of %u sagas have ended", ended, load.count);
        if (sscanf(key, "paced-%u", &number) != 1 || number >= load.count)
            bench_stop("nobody started the saga %s", key);
        if (number >= load.rate * WARM_UP_S) took_ms[counted++] = bench_now_ms() - due_ms(number);
    }
    return counted;
}

/* At as many events a second as the sagas will be: what a hop takes, of which each saga has one for its start and one for each
 * reply, where nothing but the plain loop is at work. */
static void measure_plain_loop(json_t *figures)
{
    const struct bench_raw steady = { .rate = (unsigned)(load.rate * (BENCH_STEPS + 1)),
                                      .seconds = bench_options.seconds,
                                      .headers = true };
    bench_raw_add(figures, &steady);
    bench_set(figures, "raw_four_hops_ms",
              (BENCH_STEPS + 1) * number_in(figures, "raw_hop_p50_ms"));
}

void bench_load(json_t *figures)
{
    pthread_t thread;
    load.rate =
        bench_options.rate > 0 ? bench_options.rate : bench_found_steps_per_s / BENCH_STEPS / 2;
    load.count = (unsigned)(load.rate * (WARM_UP_S + bench_options.seconds));
    if (load.count <= load.rate * WARM_UP_S) bench_stop("a rate of %g is too low", load.rate);
    double *took_ms = room_for(load.count);
    bench_servers(&bench_plain);
    bench_coordinator_stop();
    bench_warm_up();
    measure_plain_loop(figures);
    bench_coordinator();
    struct bench_sender *sender = bench_sender_open("bench.starts", "Asked", true);
    struct bench_reader *reader = bench_reader_open("bench.done");
    bench_say("%.0f sagas a second for %u s", load.rate, bench_options.seconds);
    load.begin_ms = bench_now_ms() + WORKING_MS;
    if (pthread_create(&thread, NULL, send_evenly, sender)) bench_stop("no thread for the load");
    size_t counted = read_ends(reader, took_ms);
    pthread_join(thread, NULL);
    bench_set(figures, "sagas_per_s", load.rate);
    set_percentiles(figures, took_ms, counted);
    set_memory(figures);
    bench_sender_close(sender);
    bench_reader_close(reader);
    bench_coordinator_stop();
    free(took_ms);
}
