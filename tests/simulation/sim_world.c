#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

enum { TICK_US = 100000, HELP_US = 2000000 };
#define PATIENCE_US (900 * SIM_SECOND)

static const char *const commands[] = { "stock.commands", "bank.commands", "club.commands" };

/* ---- workers ---- */

/* Whoever waits for records looks again. */
static void wake(void *context)
{
    struct sim_world *world = context;
    for (int i = 0; i < SIM_WORKERS; i++) {
        struct sim_worker *w = &world->workers[i];
        int64_t in_us = w->alive && w->polling ? sim_between(&world->sim, 200, 2 * SIM_MS) : 0;
        if (in_us && world->sim.now_us + in_us < w->wake_us) w->wake_us = world->sim.now_us + in_us;
    }
}

static bool sends_heartbeats(void *context, unsigned number, int32_t member)
{
    const struct sim_world *world = context;
    const struct sim_worker *w = &world->workers[number];
    int64_t now_us = world->sim.now_us;
    if (!w->alive || w->dead || w->client.member != member) return false;
    if (now_us < w->still_until_us && !w->heartbeats) return false;
    return now_us >= w->kafka_cut_until_us && now_us >= world->kafka.away_until_us;
}

static void start_worker(void *context, uint64_t number, uint64_t unused)
{
    struct sim_world *world = context;
    struct sim_worker *w = &world->workers[number];
    (void)unused;
    world->texts_late_until_us[number] = 0;
    sim_read_definitions(world, (unsigned)number); /* to their end, before it works */
    sim_worker_start(w);
}

static void run_worker(struct sim_world *world, struct sim_worker *w)
{
    sim_worker_resume(w);
    if (w->alive) return;
    int64_t in_us = sim_between(&world->sim, 100, 4000) * SIM_MS;
    sim_plan(&world->sim, in_us, start_worker, world, w->number, 0);
}

/* ---- what has become visible ---- */

/* `first`: of the same partition of it all must have been seen before; NULL: of none. */
static void look_behind(struct sim_world *world, struct sim_topic *topic,
                        const struct sim_topic *first,
                        void (*see)(struct sim_world *world, const struct sim_entry *entry))
{
    for (int32_t p = 0; p < topic->partition_count; p++) {
        struct sim_partition *partition = &topic->partitions[p];
        if (partition->seen == sim_high(partition)) continue;
        if (first && first->partitions[p].seen < sim_high(&first->partitions[p])) continue;
        int64_t stable = sim_last_stable(partition);
        for (; partition->seen < stable; partition->seen++)
            if (partition->entries[partition->seen].state == SIM_ENTRY_COMMITTED)
                see(world, &partition->entries[partition->seen]);
    }
}

static void look_at(struct sim_world *world, struct sim_topic *topic,
                    void (*see)(struct sim_world *world, const struct sim_entry *entry))
{
    look_behind(world, topic, NULL, see);
}

static void see_journal(struct sim_world *world, const struct sim_entry *entry)
{
    sim_check_journal(world->check, (uint32_t)entry->message.partition, &entry->message);
}

static void see_key(struct sim_world *world, const struct sim_entry *entry)
{
    sim_check_key(world->check, (uint32_t)entry->message.partition, &entry->message);
}

static void see_command(struct sim_world *world, const struct sim_entry *entry)
{
    sim_check_command(world->check, &entry->message);
    sim_services_take(world->services, &entry->message);
}

static void see_dead_letter(struct sim_world *world, const struct sim_entry *entry)
{
    sim_check_dead_letter(world->check, &entry->message);
}

static void see_snapshot(struct sim_world *world, const struct sim_entry *entry)
{
    sim_check_snapshot(world->check, (uint32_t)entry->message.partition, &entry->message);
}

static void see_inbox(struct sim_world *world, const struct sim_entry *entry)
{
    struct saga_slice kind = saga_message_header(&entry->message, "saga_kind");
    if (saga_slice_is(kind, "hop")) sim_count(&world->sim, HOP);
    if (!saga_slice_is(kind, "note")) return;
    sim_tell(&world->sim, "note %d@%lld %.*s: %.*s to %.*s", entry->message.partition,
             (long long)entry->message.offset,
             SAGA_SLICE_ARG(saga_message_header(&entry->message, "saga_note")),
             SAGA_SLICE_ARG(saga_message_header(&entry->message, "saga_from")),
             SAGA_SLICE_ARG(saga_message_header(&entry->message, "saga_to")));
    /* R21, R22: each is taken once */
    sim_check_expect(world->check, sim_kafka_topic(&world->kafka, SAGA_SLICE("saga.inbox")),
                     entry->message.partition, entry->message.offset, 1, false);
}

static void look_around(struct sim_world *world)
{
    struct sim_kafka *kafka = &world->kafka;
    kafka->changed = false;
    look_at(world, sim_kafka_topic(kafka, SAGA_SLICE("saga.inbox")), see_inbox);
    struct sim_topic *keys = sim_kafka_topic(kafka, SAGA_SLICE("saga.keys"));
    look_at(world, keys, see_key);
    /* a record is opened with its saga's key, whose partition may be told later that it is committed */
    look_behind(world, sim_kafka_topic(kafka, SAGA_SLICE("saga.journal")), keys, see_journal);
    look_at(world, sim_kafka_topic(kafka, SAGA_SLICE("saga.snapshots")), see_snapshot);
    look_at(world, sim_kafka_topic(kafka, SAGA_SLICE("saga.dead-letters")), see_dead_letter);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        look_at(world, sim_kafka_topic(kafka, saga_slice_of(commands[i])), see_command);
}

static void redis_applied(void *context, uint32_t lane)
{
    struct sim_world *world = context;
    sim_check_redis(world->check, lane);
}

/* ---- time ---- */

static void tick(void *context, uint64_t unused_a, uint64_t unused_b)
{
    struct sim_world *world = context;
    (void)unused_a, (void)unused_b;
    sim_kafka_tick(&world->kafka);
    if (!world->sim.calm && world->sim.now_us >= world->calm_at_us && !world->orders_left)
        sim_faults_calm(world);
    if (world->sim.calm && world->sim.now_us >= world->next_help_us) {
        sim_deploys_calm(world);
        sim_people_help(world);
        world->next_help_us = world->sim.now_us + HELP_US;
    }
    sim_plan(&world->sim, TICK_US, tick, world, 0, 0);
}

static bool is_finished(struct sim_world *world)
{
    size_t busy = sim_services_busy(world->services);
    if (!world->sim.calm) return false;
    if (busy) {
        snprintf(world->waits_for, sizeof world->waits_for, "%zu commands or answers under way",
                 busy);
        return false;
    }
    return sim_check_is_done(world->check, world->waits_for, sizeof world->waits_for);
}

/* The next thing of all that wants to happen. */
static void step(struct sim_world *world)
{
    int64_t next_us = sim_next_event(&world->sim);
    struct sim_worker *chosen = NULL;
    for (int i = 0; i < SIM_WORKERS; i++) {
        int64_t due_us = sim_worker_due(&world->workers[i]);
        if (due_us >= next_us) continue;
        next_us = due_us;
        chosen = &world->workers[i];
    }
    SAGA_ASSERT(next_us < INT64_MAX);
    if (next_us > world->sim.now_us) world->sim.now_us = next_us;
    if (chosen)
        run_worker(world, chosen);
    else
        sim_run_event(&world->sim);
    if (world->kafka.changed) look_around(world);
}

/* What everybody waits for, for whoever reads the story of a history without an end. */
static void tell_stand(struct sim_world *world)
{
    static const char *const phases[] = { "joining", "recovering", "running" };
    for (int i = 0; i < SIM_WORKERS; i++) {
        const struct sim_worker *w = &world->workers[i];
        if (w->worker)
            sim_tell(&world->sim, "worker %d is %s: %s", i, phases[saga_worker_phase(w->worker)],
                     saga_worker_problem(w->worker));
        else
            sim_tell(&world->sim, "worker %d does not run", i);
    }
    for (int n = 0; n < SIM_LANES; n++) {
        const struct sim_lane *lane = &world->redis.lanes[n];
        sim_tell(&world->sim,
                 "Redis' lane %d is at %lld, owner %s, %zu sagas, %zu timers, next %lld", n,
                 (long long)lane->applied, lane->owner, lane->saga_count, lane->timer_count,
                 (long long)sim_lane_next_due(lane));
        const struct sim_partition *inbox =
            &sim_kafka_topic(&world->kafka, SAGA_SLICE("saga.inbox"))->partitions[n];
        sim_tell(&world->sim, "its inbox is read to %lld, stable to %lld, written to %lld",
                 (long long)inbox->committed, (long long)sim_last_stable(inbox),
                 (long long)sim_high(inbox));
    }
}

static void run(struct sim_world *world)
{
    int64_t looked_us = 0;
    while (!world->sim.violation[0]) {
        step(world);
        if (world->sim.now_us - looked_us < TICK_US) continue;
        looked_us = world->sim.now_us;
        if (is_finished(world)) break;
        if (world->sim.calm && world->sim.now_us - world->calm_at_us > PATIENCE_US)
            sim_violate(&world->sim, "it does not come to its end: %s", world->waits_for);
    }
    if (world->sim.violation[0]) {
        tell_stand(world);
        return;
    }
    sim_check_end(world->check);
    sim_check_families(world->check);
    sim_check_ticks(world->check);
    sim_services_check_books(world->services);
    sim_check_past(world->check, world->catalog);
}

/* ---- a history ---- */

static void make_topics(struct sim_world *world)
{
    static const char *const own[] = { "saga.inbox", "saga.journal", "saga.snapshots", "saga.keys",
                                       "saga.dead-letters" };
    static const char *const others[] = { "shop.orders",  "shop.events",   "stock.replies",
                                          "bank.replies", "club.replies",  "shop.trips",
                                          "shop.news",    "shop.news.out", "shop.errands" };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        sim_kafka_add_topic(&world->kafka, own[i], SIM_LANES);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        sim_kafka_add_topic(&world->kafka, commands[i], 2);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        sim_kafka_add_topic(&world->kafka, others[i],
                            sim_chance(&world->sim, 500)
                                ? SIM_LANES
                                : (int32_t)sim_between(&world->sim, 1, SIM_PARTITIONS_MAX));
}

static void begin(struct sim_world *world, const struct sim_history *history)
{
    memset(world, 0, sizeof *world);
    world->history = *history;
    sim_init(&world->sim, history->seed, history->trace, history->mutation);
    saga_arena_init(&world->arena);
    sim_kafka_init(&world->kafka, &world->sim);
    sim_redis_init(&world->redis, &world->sim);
    int error = saga_catalog_new(&world->catalog);
    SAGA_ASSERT(error == SAGA_OK);
    world->check = sim_check_new(&world->sim, &world->kafka, &world->redis, world->catalog);
    world->services = sim_services_new(&world->sim, &world->kafka, world->check);
    world->kafka.wake = wake;
    world->kafka.is_alive = sends_heartbeats;
    world->kafka.context = world;
    world->redis.applied = redis_applied;
    world->redis.context = world;
    make_topics(world);
    sim_deploys_plan(world);
    sim_faults_draw(world);
    sim_people_plan(world);
    sim_faults_plan(world);
    for (unsigned i = 0; i < SIM_WORKERS; i++) {
        struct sim_worker *w = &world->workers[i];
        *w = (struct sim_worker){ .sim = &world->sim,
                                  .kafka = &world->kafka,
                                  .redis = &world->redis,
                                  .registry = saga_registry_new(),
                                  .number = i,
                                  .scheduler = &world->scheduler };
        sim_plan(&world->sim, sim_between(&world->sim, 0, SIM_SECOND), start_worker, world, i, 0);
        sim_look_at_definitions(world, i);
    }
    sim_plan(&world->sim, TICK_US, tick, world, 0, 0);
}

/* Lets every worker come to its end, without any effect. */
static void unwind(struct sim_world *world)
{
    for (int i = 0; i < SIM_WORKERS; i++) {
        struct sim_worker *w = &world->workers[i];
        sim_worker_crash(w);
        while (w->alive) sim_worker_resume(w);
        saga_registry_free(w->registry);
    }
}

static void end(struct sim_world *world)
{
    world->sim.trace = false;
    unwind(world);
    sim_store_free_requests(&world->redis);
    sim_services_free(world->services);
    sim_check_free(world->check);
    saga_catalog_free(world->catalog);
    sim_redis_free(&world->redis);
    sim_kafka_free(&world->kafka);
    sim_free(&world->sim);
    saga_arena_free(&world->arena);
}

void sim_history_run(const struct sim_history *history, struct sim_result *ret)
{
    static struct sim_world world; /* large; histories run one after another */
    begin(&world, history);
    run(&world);
    memset(ret, 0, sizeof *ret);
    memcpy(ret->violation, world.sim.violation, sizeof ret->violation);
    memcpy(ret->counts, world.sim.counts, sizeof ret->counts);
    ret->digest = sim_check_digest(world.check);
    ret->faults_planned = (unsigned)world.fault_count;
    ret->orders = world.orders;
    ret->virtual_us = world.sim.now_us;
    end(&world);
}
