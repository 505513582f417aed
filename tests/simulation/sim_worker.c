#include "sim_worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/error.h"
#include "sim_check.h"
#include "sim_keys.h"
#include "sim_stop.h"

enum { STACK_BYTES = 1024 * 1024, STEP_MS = 1000, BATCH_MAX = 64 };

const int64_t sim_epoch_ms = INT64_C(1767225600000);

/* ---- its clocks ---- */

static int64_t wall_ms(void *context)
{
    struct sim_worker *w = context;
    return sim_epoch_ms + w->sim->now_us / 1000 + w->wall_offset_ms;
}

static int64_t monotonic_ms(void *context)
{
    struct sim_worker *w = context;
    return 1000 + w->sim->now_us / 1000;
}

static void random_bytes(void *context, uint8_t *bytes, size_t size)
{
    struct sim_worker *w = context;
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)sim_below(w->sim, 256);
}

/* ---- the fiber ---- */

static void live(struct sim_worker *w)
{
    static const char *const owners[SIM_WORKERS] = { "w0/0", "w1/0", "w2/0" };
    struct saga_worker_config config = { .inbox = SAGA_SLICE("saga.inbox"),
                                         .journal = SAGA_SLICE("saga.journal"),
                                         .dead_letters = SAGA_SLICE("saga.dead-letters"),
                                         .snapshots = SAGA_SLICE("saga.snapshots"),
                                         .keys = SAGA_SLICE("saga.keys"),
                                         .wrapping = sim_check_wrapping(),
                                         .snapshot_records = w->sim->snapshot_records,
                                         .snapshot_interval_ms = w->sim->snapshot_interval_ms,
                                         .snapshot_portion = w->sim->snapshot_portion,
                                         .long_recovery = w->sim->long_recovery,
                                         .beside_ms = w->sim->long_recovery % 3 * 20,
                                         .lanes = SIM_LANES,
                                         .batch_max = BATCH_MAX,
                                         .cache_bytes = w->sim->cache_bytes,
                                         .load_bytes = w->sim->load_bytes,
                                         .owner = saga_slice_of(owners[w->number]),
                                         .clock = { w, wall_ms, monotonic_ms },
                                         .registry = w->registry,
                                         .random_bytes = random_bytes,
                                         .random_context = w,
                                         .counts = &w->worker_counts };
    struct sim_stop stop;
    if (!sim_bus_open(w, &config.bus)) return;
    sim_store_open(w, &config.store);
    int error = saga_worker_new(&config, &w->worker);
    SAGA_ASSERT(error == SAGA_OK);
    while (!w->dead && !w->stopping) {
        error = saga_worker_step(w->worker, STEP_MS);
        if (!w->dead) sim_keys_check(w);
        if (error == SAGA_E_STOP && !w->dead)
            sim_violate(w->sim, "worker %u stopped: %s", w->number, saga_worker_problem(w->worker));
        if (error == SAGA_E_STOP) break;
        if (error == SAGA_E_AGAIN) sim_worker_wait(w, 5 * SIM_MS);
    }
    w->sim->counts[SIM_MADE_SMALLER] += atomic_exchange(&w->worker_counts.made_smaller, 0);
    sim_stop_note(w, &stop);
    saga_worker_free(w->worker);
    w->worker = NULL;
    sim_stop_check(w, &stop);
}

static void fiber_main(void *context)
{
    struct sim_worker *w = context;
    live(w);
    w->alive = false;
    sim_tell(w->sim, "worker %u has ended", w->number);
    sim_fiber_switch(&w->fiber, w->scheduler);
}

void sim_worker_start(struct sim_worker *w)
{
    static void *stacks[SIM_WORKERS]; /* kept from history to history */
    SAGA_ASSERT(!w->alive);
    void **stack = &stacks[w->number];
    if (!*stack)
        *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    SAGA_ASSERT(*stack != MAP_FAILED);
    memset(&w->client, 0, sizeof w->client);
    memset(&w->connection, 0, sizeof w->connection);
    w->dead = w->stopping = w->dies_in_commit = w->polling = false;
    w->crash_in = w->still_until_us = 0;
    w->commit_fault = SIM_COMMIT_FINE;
    w->deliveries_to_fail = 0;
    w->alive = true;
    w->wake_us = w->sim->now_us;
    sim_fiber_make(&w->fiber, *stack, STACK_BYTES, fiber_main, w);
    sim_tell(w->sim, "worker %u starts", w->number);
}

void sim_worker_resume(struct sim_worker *w)
{
    w->wake_us = INT64_MAX;
    sim_fiber_switch(w->scheduler, &w->fiber);
}

void sim_worker_crash(struct sim_worker *w)
{
    if (!w->alive || w->dead) return;
    sim_tell(w->sim, "worker %u crashes", w->number);
    w->dead = true;
    w->still_until_us = 0;
    w->wake_us = w->sim->now_us;
}

int64_t sim_worker_due(const struct sim_worker *w)
{
    if (!w->alive) return INT64_MAX;
    return w->wake_us > w->still_until_us ? w->wake_us : w->still_until_us;
}

bool sim_worker_wait(struct sim_worker *w, int64_t us)
{
    if (w->dead) return false;
    w->wake_us = w->sim->now_us + us;
    sim_fiber_switch(&w->fiber, w->scheduler);
    return !w->dead;
}

bool sim_worker_enter(struct sim_worker *w)
{
    if (w->dead) return false;
    if (w->crash_in && --w->crash_in == 0) {
        sim_count(w->sim, CRASH);
        sim_worker_crash(w);
        return false;
    }
    int64_t us =
        sim_chance(w->sim, 20) ? sim_between(w->sim, 0, 30 * SIM_MS) : sim_between(w->sim, 1, 900);
    return sim_worker_wait(w, us);
}
