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
#include "store/redis.h"

enum { EVENTS = 4, BATCH_MAX = 100000, LANES = 2 };

static struct {
    unsigned batches, sagas, bytes;
} options = { .batches = 200, .sagas = 1000, .bytes = 1200 };

static struct saga_store store;
static struct saga_arena arena;
static int64_t applied[LANES];
static char *body; /* of a state */

static void check(int error)
{
    if (error < 0) stop(store.problem(store.self));
}

static void open_lanes(const struct saga_redis_config *config)
{
    if (saga_redis_open(config, LANES, &store) < 0) stop("the store does not open");
    for (uint32_t lane = 0; lane < LANES; lane++) {
        struct saga_lane_status found = { 0 };
        check(store.lane_read(store.self, lane, &arena, &found));
        check(store.lane_reset(store.self, lane, &found, SAGA_SLICE("journal"), 0, LANES));
    }
}

/* ---- what a worker writes ---- */

/* A timeout for the step that waits; at the end the one that lets the saga leave. */
static void move_timers(struct saga_state_write *write, unsigned event, int64_t now_ms)
{
    struct saga_timer_write *timers = SAGA_NEW_ARRAY(&arena, struct saga_timer_write, 3);
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
    struct saga_state_write write = { .name = SAGA_SLICE("three-steps"), .changed_ms = now_ms };
    write.saga_id = saga_arena_printf(&arena, "three-steps/order-%u", saga);
    memcpy(body, write.saga_id.data, write.saga_id.size);
    write.state = saga_arena_copy(&arena, (struct saga_slice){ body, options.bytes });
    if (event > 0) write.status_before = SAGA_SLICE("running");
    write.status_after = event + 1 < EVENTS ? SAGA_SLICE("running") : SAGA_SLICE("completed");
    move_timers(&write, event, now_ms);
    int64_t *history = SAGA_NEW(&arena, int64_t);
    *history = (*offset)++;
    write.history = history;
    write.history_count = 1;
    return write;
}

static double apply_batch(unsigned batch)
{
    uint32_t lane = batch % LANES;
    unsigned starts = options.sagas / EVENTS, first = batch / LANES * starts + starts * EVENTS;
    int64_t offset = applied[lane];
    struct saga_state_write *writes =
        SAGA_NEW_ARRAY(&arena, struct saga_state_write, options.sagas);
    size_t count = 0;
    for (unsigned event = 0; event < EVENTS; event++)
        for (unsigned i = 0; i < starts; i++)
            writes[count++] = write_of(first - event * starts + i, event, &offset);
    struct saga_apply apply = {
        .lane = lane,
        .journal = SAGA_SLICE("journal"),
        .expected = applied[lane],
        .applied = offset,
        .chain = SAGA_SLICE("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
        .owner = SAGA_SLICE("worker-1"),
        .now_ms = 1700000000000,
        .writes = writes,
        .write_count = count
    };
    int64_t next_due_ms;
    double began = processor_s();
    check(store.apply(store.self, &apply));
    check(store.apply_wait(store.self, lane, &next_due_ms));
    double took = processor_s() - began;
    applied[lane] = offset;
    saga_arena_reset(&arena);
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
    saga_arena_init(&arena);
    struct saga_test_redis *redis = saga_test_redis_start(NULL);
    open_lanes(saga_test_redis_config(redis));
    double before = redis_s(redis);
    for (unsigned batch = 0; batch < options.batches; batch++) worker += apply_batch(batch);
    double server = redis_s(redis) - before;
    unsigned whole = options.sagas / EVENTS * EVENTS; /* sagas, each with all of its events */
    double states = (double)whole * options.batches;
    printf("%.0f states of %u bytes: Redis %.2f us (%.0f/s), the worker %.2f us (%.0f/s) of a "
           "processor's time for each\n",
           states, options.bytes, server / states * 1e6, states / server, worker / states * 1e6,
           states / worker);
    store.close(store.self);
    saga_test_redis_free(redis);
    saga_arena_free(&arena);
    free(body);
    return 0;
}
