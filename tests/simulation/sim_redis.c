/* The simulated Redis itself: what the scripts of the real one do to a lane. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "sim_store.h"

enum { LANE_MAX = 100000 }; /* sagas, and timers, of a lane: far more than a history has */

static char *copy_bytes(struct saga_slice s)
{
    char *copy = malloc(s.size + 1);
    SAGA_ASSERT(copy);
    if (s.size) memcpy(copy, s.data, s.size);
    copy[s.size] = '\0';
    return copy;
}

static void free_saga(struct sim_saga *saga)
{
    free(saga->id);
    free(saga->state);
}

static void free_timer(struct sim_timer *timer)
{
    free(timer->saga_id);
    free(timer->name);
}

static void clear(struct sim_lane *lane)
{
    for (size_t i = 0; i < lane->sum_count; i++) free(lane->sums[i].field);
    free(lane->sums);
    for (size_t i = 0; i < lane->saga_count; i++) free_saga(&lane->sagas[i]);
    for (size_t i = 0; i < lane->timer_count; i++) free_timer(&lane->timers[i]);
    for (size_t i = 0; i < lane->operation_count; i++) free(lane->operations[i].entry);
    free(lane->operations);
    free(lane->sagas);
    free(lane->timers);
    *lane = (struct sim_lane){ 0 };
}

static void add_saga(struct sim_lane *lane, struct saga_slice id, struct saga_slice state)
{
    SAGA_ASSERT(lane->saga_count < LANE_MAX);
    lane->sagas = realloc(lane->sagas, (lane->saga_count + 1) * sizeof *lane->sagas);
    SAGA_ASSERT(lane->sagas);
    lane->sagas[lane->saga_count++] =
        (struct sim_saga){ copy_bytes(id), copy_bytes(state), state.size, true };
}

static void add_timer(struct sim_lane *lane, struct saga_slice saga_id, struct saga_slice name,
                      uint64_t armed, int64_t due_ms)
{
    SAGA_ASSERT(lane->timer_count < LANE_MAX);
    lane->timers = realloc(lane->timers, (lane->timer_count + 1) * sizeof *lane->timers);
    SAGA_ASSERT(lane->timers);
    lane->timers[lane->timer_count++] =
        (struct sim_timer){ copy_bytes(saga_id), copy_bytes(name), armed, due_ms };
}

/* As HINCRBY does, and then HDEL. */
static void add_sum(struct sim_lane *lane, enum saga_tally_table table, struct saga_slice field,
                    int64_t by)
{
    size_t i = 0;
    while (i < lane->sum_count &&
           (lane->sums[i].table != table || !saga_slice_is(field, lane->sums[i].field)))
        i++;
    if (i == lane->sum_count) {
        SAGA_ASSERT(lane->sum_count < LANE_MAX);
        lane->sums = realloc(lane->sums, (lane->sum_count + 1) * sizeof *lane->sums);
        SAGA_ASSERT(lane->sums);
        lane->sums[lane->sum_count++] = (struct sim_sum){ table, copy_bytes(field), 0 };
    }
    lane->sums[i].value += by;
    if (lane->sums[i].value) return;
    free(lane->sums[i].field);
    lane->sums[i] = lane->sums[--lane->sum_count];
}

/* As ZADD does: what is there already is not added. */
static void add_operation(struct sim_lane *lane, int64_t offset, int64_t time_ms,
                          struct saga_slice entry)
{
    for (size_t i = 0; i < lane->operation_count; i++)
        if (lane->operations[i].offset == offset && saga_slice_is(entry, lane->operations[i].entry))
            return;
    SAGA_ASSERT(lane->operation_count < LANE_MAX);
    lane->operations =
        realloc(lane->operations, (lane->operation_count + 1) * sizeof *lane->operations);
    SAGA_ASSERT(lane->operations);
    lane->operations[lane->operation_count++] =
        (struct sim_operation){ offset, time_ms, copy_bytes(entry) };
}

static void add_log(struct sim_lane *lane, const struct saga_apply *apply)
{
    for (size_t i = 0; i < apply->operation_count; i++)
        add_operation(lane, apply->operations[i].offset, apply->operations[i].time_ms,
                      apply->operations[i].entry);
    if (lane->log_known && !apply->log_is_known) return;
    lane->log_known = true;
    lane->log_from = apply->log_from;
    lane->log_from_ms = apply->log_from_ms;
}

static void copy_lane(struct sim_lane *to, const struct sim_lane *from)
{
    clear(to);
    *to = *from;
    to->sagas = NULL;
    to->timers = NULL;
    to->sums = NULL;
    to->operations = NULL;
    to->saga_count = to->timer_count = to->sum_count = to->operation_count = 0;
    for (size_t i = 0; i < from->operation_count; i++)
        add_operation(to, from->operations[i].offset, from->operations[i].time_ms,
                      saga_slice_of(from->operations[i].entry));
    for (size_t i = 0; i < from->sum_count; i++)
        add_sum(to, from->sums[i].table, saga_slice_of(from->sums[i].field), from->sums[i].value);
    for (size_t i = 0; i < from->saga_count; i++)
        add_saga(to, saga_slice_of(from->sagas[i].id),
                 (struct saga_slice){ from->sagas[i].state, from->sagas[i].state_bytes });
    for (size_t i = 0; i < from->timer_count; i++) {
        const struct sim_timer *timer = &from->timers[i];
        add_timer(to, saga_slice_of(timer->saga_id), saga_slice_of(timer->name), timer->armed,
                  timer->due_ms);
    }
}

void sim_redis_init(struct sim_redis *redis, struct sim *sim)
{
    memset(redis, 0, sizeof *redis);
    redis->sim = sim;
}

void sim_redis_empty(struct sim_redis *redis)
{
    for (int n = 0; n < SIM_LANES; n++) clear(&redis->lanes[n]);
    redis->losses++;
}

void sim_redis_free(struct sim_redis *redis)
{
    sim_redis_empty(redis);
    for (int n = 0; n < SIM_LANES; n++) clear(&redis->kept[n]);
}

void sim_redis_keep(struct sim_redis *redis)
{
    for (int n = 0; n < SIM_LANES; n++) copy_lane(&redis->kept[n], &redis->lanes[n]);
}

void sim_redis_go_back(struct sim_redis *redis)
{
    for (int n = 0; n < SIM_LANES; n++) copy_lane(&redis->lanes[n], &redis->kept[n]);
    redis->losses++;
}

const struct sim_saga *sim_lane_saga(const struct sim_lane *lane, struct saga_slice id)
{
    for (size_t i = 0; i < lane->saga_count; i++)
        if (saga_slice_is(id, lane->sagas[i].id)) return &lane->sagas[i];
    return NULL;
}

static void remove_saga(struct sim_lane *lane, struct saga_slice id)
{
    struct sim_saga *saga = (struct sim_saga *)sim_lane_saga(lane, id);
    if (!saga) return;
    free_saga(saga);
    *saga = lane->sagas[--lane->saga_count];
}

static void remove_timer(struct sim_lane *lane, struct saga_slice saga_id,
                         const struct saga_timer_write *write)
{
    for (size_t i = 0; i < lane->timer_count; i++) {
        struct sim_timer *timer = &lane->timers[i];
        if (timer->armed != write->armed || !saga_slice_is(saga_id, timer->saga_id) ||
            !saga_slice_is(write->name, timer->name))
            continue;
        free_timer(timer);
        *timer = lane->timers[--lane->timer_count];
        return;
    }
}

bool sim_lane_is_at(const struct sim_lane *lane, int64_t expected)
{
    return lane->present && lane->applied == expected;
}

int64_t sim_lane_next_due(const struct sim_lane *lane)
{
    int64_t next_ms = SAGA_TIMER_NEVER;
    for (size_t i = 0; i < lane->timer_count; i++)
        if (lane->timers[i].due_ms < next_ms) next_ms = lane->timers[i].due_ms;
    return next_ms;
}

static void set_text(char *to, size_t size, struct saga_slice text)
{
    SAGA_ASSERT(text.size < size);
    if (text.size) memcpy(to, text.data, text.size);
    to[text.size] = '\0';
}

/* How many sagas are in a status follows from the writes. */
static void count_statuses(struct sim_lane *lane, const struct saga_apply *apply)
{
    struct saga_arena arena;
    struct saga_tally tally;
    saga_arena_init(&arena);
    saga_tally_init(&tally, &arena);
    for (size_t i = 0; i < apply->write_count; i++) {
        const struct saga_state_write *write = &apply->writes[i];
        struct saga_tally_place place = { .name = write->name, .version = write->version };
        if (write->timers_only) continue;
        place.word = write->status_before;
        if (place.word.data) saga_tally_count(&tally, &place, -1);
        place.word = write->status_after;
        if (place.word.data) saga_tally_count(&tally, &place, 1);
    }
    size_t count;
    const struct saga_tally_sum *sums = saga_tally_sums(&tally, &count);
    for (size_t i = 0; i < count; i++) add_sum(lane, sums[i].table, sums[i].field, sums[i].by);
    saga_tally_free(&tally);
    saga_arena_free(&arena);
}

struct saga_slice sim_list_field(struct saga_arena *arena, struct saga_slice field,
                                 const struct saga_tally_member *member)
{
    return saga_arena_join(arena, saga_arena_join(arena, field, '=', member->id), '=',
                           member->text);
}

static void move_members(struct sim_lane *lane, const struct saga_tally_sum *sum,
                         const struct saga_tally_member *members, size_t count, int64_t by)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    for (size_t i = 0; i < count; i++)
        add_sum(lane, sum->table, sim_list_field(&arena, sum->field, &members[i]), by);
    saga_arena_free(&arena);
}

static void add_sums(struct sim_lane *lane, const struct saga_apply *apply)
{
    count_statuses(lane, apply);
    for (size_t i = 0; i < apply->sum_count; i++) {
        const struct saga_tally_sum *sum = &apply->sums[i];
        if (sum->by) add_sum(lane, sum->table, sum->field, sum->by);
        move_members(lane, sum, sum->left, sum->left_count, -1);
        move_members(lane, sum, sum->entered, sum->entered_count, 1);
    }
}

/* What removes comes first, as in the real script. */
bool sim_lane_apply(struct sim_redis *redis, const struct saga_apply *apply)
{
    struct sim_lane *lane = &redis->lanes[apply->lane];
    bool fits =
        sim_lane_is_at(lane, apply->expected) && saga_slice_is(apply->journal, lane->journal);
    bool blind = redis->sim->mutation == SIM_MUTATION_APPLY_BLIND && lane->present;
    if (!fits && !blind) {
        if (redis->sim->mutation == SIM_MUTATION_SUMS_APART) add_sums(lane, apply);
        return false;
    }
    for (size_t i = 0; i < apply->write_count; i++) {
        const struct saga_state_write *write = &apply->writes[i];
        if (!write->timers_only && !write->state.data) remove_saga(lane, write->saga_id);
        for (size_t t = 0; t < write->timers_removed_count; t++)
            remove_timer(lane, write->saga_id, &write->timers_removed[t]);
    }
    for (size_t i = 0; i < apply->write_count; i++) {
        const struct saga_state_write *write = &apply->writes[i];
        if (!write->timers_only && write->state.data) {
            remove_saga(lane, write->saga_id);
            add_saga(lane, write->saga_id, write->state);
        }
        for (size_t t = 0; t < write->timers_added_count; t++) {
            remove_timer(lane, write->saga_id, &write->timers_added[t]);
            add_timer(lane, write->saga_id, write->timers_added[t].name,
                      write->timers_added[t].armed, write->timers_added[t].due_ms);
        }
    }
    add_sums(lane, apply);
    add_log(lane, apply);
    lane->applied = apply->applied;
    lane->heartbeat_ms = apply->now_ms;
    set_text(lane->chain, sizeof lane->chain, apply->chain);
    set_text(lane->owner, sizeof lane->owner, apply->owner);
    if (redis->applied) redis->applied(redis->context, apply->lane);
    if (redis->back_to_building && !redis->kept_building && !sim_lane_is_whole(lane)) {
        sim_redis_keep(redis);
        redis->kept_building = true;
    }
    return true;
}

uint64_t sim_lane_reset_begin(struct sim_redis *redis, uint32_t number,
                              const struct saga_lane_status *found)
{
    struct sim_lane *lane = &redis->lanes[number];
    if (lane->present != found->present) return 0;
    if (lane->present &&
        (lane->applied != found->applied || !saga_slice_is(found->journal, lane->journal)))
        return 0;
    lane->present = false;
    lane->token = ++redis->tokens;
    return lane->token;
}

bool sim_lane_reset_end(struct sim_redis *redis, uint32_t number, uint64_t token,
                        struct saga_slice journal, int64_t applied)
{
    struct sim_lane *lane = &redis->lanes[number];
    if (lane->token != token) return false;
    clear(lane);
    lane->present = true;
    lane->applied = applied;
    set_text(lane->journal, sizeof lane->journal, journal);
    return true;
}

static void go_back(void *context, uint64_t unused_a, uint64_t unused_b)
{
    struct sim_redis *redis = context;
    (void)unused_a, (void)unused_b;
    if (!redis->kept_building || redis->sim->calm) return;
    redis->back_to_building = redis->kept_building = false;
    sim_count(redis->sim, REDIS_HALF_BUILT);
    sim_tell(redis->sim, "redis: a replica takes over where a lane is half-built");
    sim_redis_go_back(redis);
}

bool sim_lane_is_whole(const struct sim_lane *lane)
{
    return strncmp(lane->journal, "built-", 6) != 0;
}

bool sim_lane_built(struct sim_redis *redis, uint32_t number, struct saga_slice token,
                    int64_t expected, struct saga_slice journal, int64_t applied)
{
    struct sim_lane *lane = &redis->lanes[number];
    if (!sim_lane_is_at(lane, expected) || !saga_slice_is(token, lane->journal)) return false;
    set_text(lane->journal, sizeof lane->journal, journal);
    lane->applied = applied;
    for (size_t i = 0; i < lane->saga_count; i++) lane->sagas[i].changed = true;
    if (redis->applied) redis->applied(redis->context, number);
    if (redis->kept_building) sim_plan(redis->sim, 20 * SIM_MS, go_back, redis, 0, 0);
    return true;
}
