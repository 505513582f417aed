/* The counts, durations and lists of a lane in Redis, held against the states that lie beside them. The states are held against the
 * journal for themselves, so the tables are what the journal comes to. */
#include "base/error.h"
#include "runtime/tallying.h"
#include "sim_check_internal.h"

static int64_t value_of(const struct sim_lane *lane, const struct saga_tally_sum *sum)
{
    for (size_t i = 0; i < lane->sum_count; i++)
        if (lane->sums[i].table == sum->table && saga_slice_is(sum->field, lane->sums[i].field))
            return lane->sums[i].value;
    return 0;
}

/* They live as long as what was tallied of them. */
struct states {
    struct saga_state **items;
    size_t count, capacity;
};

static bool tally_lane(struct sim_check *check, const struct sim_lane *lane,
                       struct saga_tally *tally, struct states *states)
{
    for (size_t i = 0; i < lane->saga_count; i++) {
        const struct sim_saga *saga = &lane->sagas[i];
        struct saga_diagnostic diagnostic = { 0 };
        struct saga_state *state;
        if (saga_state_decode(check->codec, (struct saga_slice){ saga->state, saga->state_bytes },
                              &check->scratch, &state, &diagnostic) < 0)
            return false; /* a switched-off rule has made it; told of where it is held against the journal */
        SAGA_PUSH(&check->scratch, states->items, states->count, states->capacity, state);
        saga_tally_state(tally, state);
    }
    return true;
}

static bool is_among(const struct saga_tally_sum *sums, size_t count, const struct sim_sum *held)
{
    for (size_t i = 0; i < count; i++)
        if (sums[i].table == held->table && saga_slice_is(sums[i].field, held->field)) return true;
    return false;
}

/* With a field for each saga in a list. */
static const struct saga_tally_sum *add_lists(const struct saga_tally_sum *sums, size_t *count,
                                              struct saga_arena *arena)
{
    struct saga_tally_sum *all = NULL;
    size_t kept = 0, capacity = 0;
    for (size_t i = 0; i < *count; i++) {
        SAGA_PUSH(arena, all, kept, capacity, sums[i]);
        for (size_t m = 0; m < sums[i].entered_count; m++)
            SAGA_PUSH(arena, all, kept, capacity,
                      ((struct saga_tally_sum){
                          .table = sums[i].table,
                          .field = sim_list_field(arena, sums[i].field, &sums[i].entered[m]),
                          .by = 1 }));
    }
    *count = kept;
    return all;
}

static void compare(struct sim_check *check, uint32_t number, const struct saga_tally_sum *sums,
                    size_t count)
{
    const struct sim_lane *lane = &check->redis->lanes[number];
    for (size_t i = 0; i < count; i++) {
        int64_t value = value_of(lane, &sums[i]);
        if (value == sums[i].by) continue;
        sim_violate(check->sim, "Redis' lane %u says %lld of %.*s in %.*s, its states come to %lld",
                    number, (long long)value, SAGA_SLICE_ARG(sums[i].field),
                    SAGA_SLICE_ARG(saga_tally_table_name(sums[i].table)), (long long)sums[i].by);
    }
    for (size_t i = 0; i < lane->sum_count; i++)
        if (!is_among(sums, count, &lane->sums[i]))
            sim_violate(check->sim, "Redis' lane %u says %lld of %s in %.*s, its states know none",
                        number, (long long)lane->sums[i].value, lane->sums[i].field,
                        SAGA_SLICE_ARG(saga_tally_table_name(lane->sums[i].table)));
}

void sim_check_sums(struct sim_check *check, uint32_t number)
{
    const struct sim_lane *lane = &check->redis->lanes[number];
    struct saga_tally tally;
    struct states states = { 0 };
    size_t count = 0;
    saga_arena_reset(&check->scratch);
    saga_tally_init(&tally, &check->scratch);
    bool readable = tally_lane(check, lane, &tally, &states);
    const struct saga_tally_sum *sums = saga_tally_sums(&tally, &count);
    sums = add_lists(sums, &count, &check->scratch);
    saga_tally_free(&tally);
    if (readable) compare(check, number, sums, count);
    for (size_t i = 0; i < states.count; i++) saga_state_free(states.items[i]);
}
