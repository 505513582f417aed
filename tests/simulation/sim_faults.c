/* The faults of a history: drawn before it begins, so that one can be left out and the others stay as they were. */
#include <string.h>

#include "base/assert.h"
#include "sim_world.h"

enum { FAULTS_MIN = 8, FAULTS_MAX = 18 };

/* In every second history, and last: the others stay as they were. */
static void draw_foreign_record(struct sim_world *world, struct sim_random *random,
                                int64_t within_us)
{
    if (sim_random_chance(random, 500)) return;
    world->faults[world->fault_count++] =
        (struct sim_fault){ .kind = SIM_FOREIGN_RECORD,
                            .at_us = sim_random_between(random, 0, within_us),
                            .detail = sim_random_next(random) >> 8 };
}

void sim_faults_draw(struct sim_world *world)
{
    struct sim_random random;
    sim_random_init(&random, world->sim.seed ^ 0x6661756c7473u);
    world->fault_count = (size_t)sim_random_between(&random, FAULTS_MIN, FAULTS_MAX);
    int64_t within_us = sim_random_between(&random, 5, 40) * SIM_SECOND;
    SAGA_ASSERT(world->fault_count < SIM_FAULTS_MAX);
    for (size_t i = 0; i < world->fault_count; i++) {
        struct sim_fault *fault = &world->faults[i];
        fault->kind = (enum sim_count)sim_random_below(&random, SIM_FOREIGN_RECORD);
        fault->at_us = sim_random_between(&random, 0, within_us);
        /* mostly short; sometimes longer than the session, and than a transaction may last */
        int64_t most_ms = sim_random_chance(&random, 300) ? 20000 : 3000;
        fault->for_us = sim_random_between(&random, 50, most_ms) * SIM_MS;
        fault->worker = (unsigned)sim_random_below(&random, SIM_WORKERS);
        fault->detail = sim_random_next(&random) >> 8;
    }
    draw_foreign_record(world, &random, within_us);
    world->calm_at_us = within_us + 2 * SIM_SECOND;
}

static void stand_still(struct sim_worker *w, const struct sim_fault *fault, bool heartbeats)
{
    w->still_until_us = w->sim->now_us + fault->for_us;
    w->heartbeats = heartbeats;
}

static void fail_commit(struct sim_worker *w, enum sim_commit_fault fault)
{
    if (w->alive) w->commit_fault = fault; /* counted when it happens */
}

static void throw_out(struct sim_world *world, const struct sim_fault *fault)
{
    struct sim_worker *w = &world->workers[fault->worker];
    if (!w->alive || !sim_group_member(&world->kafka, w->client.member)) return;
    sim_count(&world->sim, REBALANCE);
    sim_group_leave(&world->kafka, w->client.member);
}

static void go_back(void *context, uint64_t unused_a, uint64_t unused_b)
{
    struct sim_world *world = context;
    (void)unused_a, (void)unused_b;
    if (world->sim.calm) return;
    sim_count(&world->sim, REDIS_BACK);
    sim_tell(&world->sim, "redis: a replica takes over that lacks the newest writes");
    sim_redis_go_back(&world->redis);
}

/* To another time of the day, too: schedules go by it. */
static void jump_clocks(struct sim_world *world, const struct sim_fault *fault)
{
    static const int64_t day_ms = INT64_C(86400000);
    int64_t far_ms = day_ms + (int64_t)(fault->detail % (uint64_t)(5 * day_ms));
    sim_count(&world->sim, CLOCK_FAR_JUMP);
    for (int i = 0; i < SIM_WORKERS; i++) world->workers[i].wall_offset_ms += far_ms;
}

static bool is_planned(const struct sim_world *world, enum sim_count kind)
{
    for (size_t i = 0; i < world->fault_count; i++)
        if (world->faults[i].kind == kind) return true;
    return false;
}

/* Deep: where only Redis has what was cut, so nothing of Redis may be lost in such a history. */
static void cut_journals(struct sim_world *world, const struct sim_fault *fault, bool deep)
{
    struct sim_topic *journal = sim_kafka_topic(&world->kafka, SAGA_SLICE("saga.journal"));
    bool cut = false;
    if (deep && (is_planned(world, SIM_REDIS_EMPTIED) || is_planned(world, SIM_REDIS_BACK) ||
                 is_planned(world, SIM_REDIS_HALF_BUILT)))
        return;
    for (uint32_t n = 0; n < SIM_LANES; n++) {
        const struct sim_lane *lane = &world->redis.lanes[n];
        int64_t most = sim_check_marked(world->check, n);
        int64_t low = journal->partitions[n].low;
        if (deep && lane->present && lane->chain[0] && sim_lane_is_whole(lane))
            most = lane->applied;
        if (most <= low) continue;
        cut = true;
        sim_kafka_cut(&journal->partitions[n],
                      fault->detail & (1u << n) ? most : low + (most - low) / 2);
        sim_tell(&world->sim, "the journal of lane %u is cut at %lld", n,
                 (long long)journal->partitions[n].low);
    }
    if (!cut) return;
    if (deep)
        sim_count(&world->sim, JOURNAL_CUT_DEEP);
    else
        sim_count(&world->sim, JOURNAL_CUT);
}

static void compact(struct sim_world *world)
{
    struct sim_topic *snapshots = sim_kafka_topic(&world->kafka, SAGA_SLICE("saga.snapshots"));
    sim_count(&world->sim, COMPACTED);
    struct sim_topic *keys = sim_kafka_topic(&world->kafka, SAGA_SLICE("saga.keys"));
    for (int32_t p = 0; p < snapshots->partition_count; p++)
        sim_kafka_compact(&snapshots->partitions[p]);
    for (int32_t p = 0; p < keys->partition_count; p++) sim_kafka_compact(&keys->partitions[p]);
}

static void happen(void *context, uint64_t index, uint64_t unused)
{
    struct sim_world *world = context;
    const struct sim_fault *fault = &world->faults[index];
    struct sim *sim = &world->sim;
    struct sim_worker *w = &world->workers[fault->worker];
    int64_t until_us = sim->now_us + fault->for_us;
    (void)unused;
    sim_tell(sim, "FAULT %zu, worker %u, %.3f s: %s", (size_t)index, fault->worker,
             (double)fault->for_us / 1e6, sim_count_words(fault->kind));
    switch (fault->kind) {
    case SIM_CRASH: /* counted when it happens */
        if (w->alive) w->crash_in = 1 + (int64_t)(fault->detail % 60);
        return;
    case SIM_CRASH_IN_COMMIT: w->dies_in_commit = w->alive; return;
    case SIM_STOP:
        if (w->alive) sim_count(sim, STOP);
        w->stopping = w->alive;
        return;
    case SIM_ZOMBIE:
        sim_count(sim, ZOMBIE);
        stand_still(w, fault, false);
        return;
    case SIM_STALL:
        sim_count(sim, STALL);
        stand_still(w, fault, true);
        return;
    case SIM_CLOCK_JUMP:
        sim_count(sim, CLOCK_JUMP);
        w->wall_offset_ms += (int64_t)(fault->detail % 120000) - 60000;
        return;
    case SIM_CLOCK_FAR_JUMP: jump_clocks(world, fault); return;
    case SIM_CUT_KAFKA:
        sim_count(sim, CUT_KAFKA);
        w->kafka_cut_until_us = until_us;
        return;
    case SIM_DEAF_KAFKA:
        sim_count(sim, DEAF_KAFKA);
        w->kafka_deaf_until_us = until_us;
        return;
    case SIM_BROKER_RESTART:
        sim_count(sim, BROKER_RESTART);
        world->kafka.away_until_us = until_us;
        return;
    case SIM_REBALANCE: throw_out(world, fault); return;
    case SIM_COMMIT_DELAYED: fail_commit(w, SIM_COMMIT_LATE); return;
    case SIM_COMMIT_LOST: fail_commit(w, SIM_COMMIT_GONE); return;
    case SIM_COMMIT_UNHEARD: fail_commit(w, SIM_COMMIT_SILENT); return;
    case SIM_DELIVERY_FAILED: w->deliveries_to_fail = 1 + (unsigned)(fault->detail % 6); return;
    case SIM_TIGHT: /* counted when it is felt */ world->kafka.tight_until_us = until_us; return;
    case SIM_MARKERS_SLOW:
        sim_count(sim, MARKERS_SLOW);
        world->kafka.markers_slow_until_us = until_us;
        return;
    case SIM_REDIS_AWAY:
        sim_count(sim, REDIS_AWAY);
        world->redis.away_until_us = until_us;
        return;
    case SIM_REDIS_SLOW:
        sim_count(sim, REDIS_SLOW);
        world->redis.slow_until_us = until_us;
        return;
    case SIM_REDIS_CUT:
        sim_count(sim, REDIS_CUT);
        w->redis_cut_until_us = until_us;
        return;
    case SIM_REDIS_EMPTIED:
        sim_count(sim, REDIS_EMPTIED);
        sim_redis_empty(&world->redis);
        return;
    case SIM_REDIS_BACK:
        sim_redis_keep(&world->redis);
        sim_plan(sim, fault->for_us, go_back, world, 0, 0);
        return;
    case SIM_REDIS_HALF_BUILT: /* counted when it happens */
        world->redis.back_to_building = true;
        sim_redis_empty(&world->redis);
        return;
    case SIM_JOURNAL_CUT: cut_journals(world, fault, false); return;
    case SIM_JOURNAL_CUT_DEEP: cut_journals(world, fault, true); return;
    case SIM_COMPACTED: compact(world); return;
    case SIM_FOREIGN_RECORD: sim_people_write_journal(world, fault->detail); return;
    case SIM_SERVICE_SILENT: sim_services_be_silent(world->services, until_us); return;
    case SIM_POISON:
        sim_count(sim, POISON);
        sim_people_send_poison(world);
        return;
    case SIM_UNSENDABLE:
        sim_count(sim, UNSENDABLE);
        sim_people_send_unsendable(world);
        return;
    case SIM_REPLY_DUPLICATED:
        sim_services_trouble(world->services, SIM_TWICE, 1 + (unsigned)(fault->detail % 4));
        return;
    case SIM_REPLY_LATE:
        sim_services_trouble(world->services, SIM_LATE, 1 + (unsigned)(fault->detail % 4));
        return;
    case SIM_REPLY_ELSEWHERE:
        sim_services_trouble(world->services, SIM_ELSEWHERE, 1 + (unsigned)(fault->detail % 4));
        return;
    case SIM_COMMAND_REDELIVERED:
        sim_services_trouble(world->services, SIM_REDELIVERED, 1 + (unsigned)(fault->detail % 4));
        return;
    case SIM_START_DUPLICATED: return; /* the customers do it */
    case SIM_OPERATOR: sim_people_operate(world); return;
    case SIM_DEPLOY:
        world->texts_late_until_us[fault->worker] = until_us;
        sim_deploy(world, fault->detail);
        return;
    default: SAGA_ASSERT(false);
    }
}

void sim_faults_plan(struct sim_world *world)
{
    for (size_t i = 0; i < world->fault_count; i++)
        if (!(world->history.without & (1u << i)))
            sim_plan(&world->sim, world->faults[i].at_us, happen, world, i, 0);
}

void sim_faults_calm(struct sim_world *world)
{
    world->sim.calm = true;
    sim_tell(&world->sim, "all faults have stopped");
    world->kafka.away_until_us = world->kafka.markers_slow_until_us = 0;
    world->kafka.tight_until_us = 0;
    world->redis.back_to_building = false;
    world->redis.away_until_us = world->redis.slow_until_us = 0;
    memset(world->texts_late_until_us, 0, sizeof world->texts_late_until_us);
    sim_services_be_silent(world->services, 0);
    for (int t = 0; t < SIM_TROUBLES; t++)
        sim_services_trouble(world->services, (enum sim_trouble)t, 0);
    for (int i = 0; i < SIM_WORKERS; i++) {
        struct sim_worker *w = &world->workers[i];
        w->still_until_us = w->kafka_cut_until_us = w->kafka_deaf_until_us = 0;
        w->redis_cut_until_us = 0;
        w->crash_in = 0;
        w->dies_in_commit = false;
        w->commit_fault = SIM_COMMIT_FINE;
        w->deliveries_to_fail = 0;
    }
}
