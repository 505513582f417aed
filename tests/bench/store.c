/* What applying batches costs, in Redis and in the worker, without Kafka: sagas of three steps
 * as a worker writes them, with a redis-server of this program's own. Each batch has as many
 * sagas that start as such that end; all together have four events a saga. Time is that of the
 * processors, each by itself. */
#include <argp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alone.h"
#include "harness/redis.h"
#include "store_lanes.h"

enum { EVENTS = 4, BATCH_MAX = 100000, LANES = 2 };

static struct {
    unsigned batches, sagas, bytes;
} options = { .batches = 200, .sagas = 1000, .bytes = 1200 };

static struct bench_store store;
static char *body; /* of a state */

/* ---- what a worker writes ---- */

/* A timeout for the step that waits; at the end the one that lets the saga leave. */
static void move_timers(struct saga_state_write *write, unsigned event, int64_t now_ms)
{
    struct saga_timer_write *timers = SAGA_NEW_ARRAY(&store.arena, struct saga_timer_write, 3);
    struct saga_slice steps[] = { SAGA_SLICE("timeout/first"), SAGA_SLICE("timeout/second"),
                                  SAGA_SLICE("timeout/third"), SAGA_SLICE("keep") };
    if (event > 0) {
        timers[0] = (struct saga_timer_write){ steps[event - 1], event, now_ms + 30000 };
        write->timers_removed = timers;
        write->timers_removed_count = 1;
    }
    timers[1] = (struct saga_timer_write){ steps[event], event + 1, now_ms + 30000 };
    write->timers_added = timers + 1;
    write->timers_added_count = 1;
}

static struct saga_state_write write_of(unsigned saga, unsigned event, int64_t *offset)
{
    int64_t now_ms = 1700000000000 + *offset;
    struct saga_state_write write = { .name = SAGA_SLICE("three-steps"),
                                      .version = 1,
                                      .changed_ms = now_ms };
    write.saga_id = saga_arena_printf(&store.arena, "three-steps/order-%u", saga);
    memcpy(body, write.saga_id.data, write.saga_id.size);
    write.state = saga_arena_copy(&store.arena, (struct saga_slice){ body, options.bytes });
    if (event > 0) write.status_before = SAGA_SLICE("running");
    write.status_after = event + 1 < EVENTS ? SAGA_SLICE("running") : SAGA_SLICE("completed");
    move_timers(&write, event, now_ms);
    int64_t *history = SAGA_NEW(&store.arena, int64_t);
    *history = (*offset)++;
    write.history = history;
    write.history_count = 1;
    return write;
}

/* From one step to the next; durations are those of an office with busy and idle hours. */
static void tally(struct saga_tally *sums, unsigned saga, unsigned event, struct saga_slice id)
{
    struct saga_slice steps[] = { SAGA_SLICE("first"), SAGA_SLICE("second"), SAGA_SLICE("third") };
    struct saga_tally_place place = { SAGA_SLICE("three-steps"), 1, SAGA_SLICE("running"),
                                      SAGA_SLICE_NONE };
    const struct saga_tally_member member = { .id = id };
    if (event + 1 < EVENTS) {
        place.step = steps[event];
        saga_tally_enter(sums, SAGA_TALLY_STEPS, &place, &member);
    }
    if (event > 0) {
        place.step = steps[event - 1];
        saga_tally_leave(sums, SAGA_TALLY_STEPS, &place, &member);
        place.word = SAGA_SLICE("succeeded");
        saga_tally_took(sums, &place, 20 + saga % 97 * (saga % 13), 1);
    }
    if (event + 1 < EVENTS) return;
    place.word = SAGA_SLICE("completed");
    place.step = SAGA_SLICE_NONE;
    saga_tally_took(sums, &place, 60 + saga % 89 * (saga % 17), 1);
}

static double apply_batch(unsigned batch)
{
    uint32_t lane = batch % LANES;
    unsigned starts = options.sagas / EVENTS, first = batch / LANES * starts + starts * EVENTS;
    int64_t offset = bench_store_applied(&store, lane);
    struct saga_state_write *writes =
        SAGA_NEW_ARRAY(&store.arena, struct saga_state_write, options.sagas);
    struct saga_tally sums;
    size_t count = 0;
    for (unsigned event = 0; event < EVENTS; event++)
        for (unsigned i = 0; i < starts; i++)
            writes[count++] = write_of(first - event * starts + i, event, &offset);
    double began = processor_s();
    saga_tally_init(&sums, &store.arena);
    for (unsigned event = 0; event < EVENTS; event++)
        for (unsigned i = 0; i < starts; i++)
            tally(&sums, first - event * starts + i, event, writes[event * starts + i].saga_id);
    bench_store_apply(&store, lane, writes, count, &sums, offset);
    saga_tally_free(&sums);
    double took = processor_s() - began;
    saga_arena_reset(&store.arena);
    return took;
}

/* ---- figures ---- */

static double redis_s(struct saga_test_redis *redis)
{
    double sum = 0;
    const char *fields[] = { "used_cpu_sys:", "used_cpu_user:" };
    const char *info = saga_test_redis_ask(redis, "INFO cpu");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *at = strstr(info, fields[i]);
        if (!at) stop("INFO cpu does not say how much time Redis used");
        sum += strtod(at + strlen(fields[i]), NULL);
    }
    return sum;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    if (key == 'b') options.batches = (unsigned)strtoul(argument, NULL, 10);
    if (key == 's') options.sagas = (unsigned)strtoul(argument, NULL, 10);
    if (key == 'y') options.bytes = (unsigned)strtoul(argument, NULL, 10);
    if (key != ARGP_KEY_END) return strchr("bsy", key) ? 0 : ARGP_ERR_UNKNOWN;
    if (options.batches == 0 || options.sagas < EVENTS || options.sagas > BATCH_MAX ||
        options.bytes < 64)
        argp_error(state, "nothing to do, or too much");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp_option flags[] = {
        { "batches", 'b', "N", 0, "how many batches (200)", 0 },
        { "sagas", 's', "N", 0, "sagas of a batch (1000)", 0 },
        { "bytes", 'y', "N", 0, "of a state (1200)", 0 },
        { 0 },
    };
    static const struct argp about = { .options = flags, .parser = parse };
    double worker = 0;
    argp_parse(&about, argc, argv, 0, NULL, NULL);
    body = malloc(options.bytes);
    if (!body) stop("out of memory");
    memset(body, 'x', options.bytes);
    struct saga_test_redis *redis = saga_test_redis_start(NULL);
    bench_store_open(&store, saga_test_redis_config(redis), LANES, true);
    double before = redis_s(redis);
    for (unsigned batch = 0; batch < options.batches; batch++) worker += apply_batch(batch);
    double server = redis_s(redis) - before;
    unsigned whole = options.sagas / EVENTS * EVENTS; /* sagas, each with all of its events */
    double states = (double)whole * options.batches;
    printf("%.0f states of %u bytes: Redis %.2f us (%.0f/s), the worker %.2f us (%.0f/s) of a "
           "processor's time for each\n",
           states, options.bytes, server / states * 1e6, states / server, worker / states * 1e6,
           states / worker);
    bench_store_close(&store);
    saga_test_redis_free(redis);
    free(body);
    return 0;
}
