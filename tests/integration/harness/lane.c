#include "harness/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

void saga_test_lane_open(struct saga_test_lane *lane, const struct saga_test_redis *redis,
                         const struct saga_redis_config *config, uint32_t number)
{
    *lane = (struct saga_test_lane){ .config = config ? *config : *saga_test_redis_config(redis),
                                     .lane = number,
                                     .applied = 1 };
    saga_arena_init(&lane->arena);
    assert_int_equal(saga_redis_open(&lane->config, SAGA_TEST_LANES, &lane->store), SAGA_OK);
    struct saga_store *store = &lane->store;
    struct saga_lane_status found;
    int error = store->lane_read(store->self, number, &lane->arena, &found);
    if (error == SAGA_OK)
        error = store->lane_reset(store->self, number, &found, SAGA_SLICE(SAGA_TEST_JOURNAL),
                                  lane->applied, SAGA_TEST_LANES);
    if (error < 0)
        fail_msg("the lane cannot be emptied: %s", lane->store.problem(lane->store.self));
}

void saga_test_lane_close(struct saga_test_lane *lane)
{
    lane->store.close(lane->store.self);
    saga_arena_free(&lane->arena);
}

struct saga_apply saga_test_lane_apply_of(const struct saga_test_lane *lane, int64_t applied,
                                          const struct saga_state_write *writes, size_t count)
{
    return (struct saga_apply){ .lane = lane->lane,
                                .journal = SAGA_SLICE(SAGA_TEST_JOURNAL),
                                .expected = lane->applied,
                                .applied = applied,
                                .chain = SAGA_SLICE(SAGA_TEST_CHAIN),
                                .owner = SAGA_SLICE("worker-1"),
                                .now_ms = 1700000000000,
                                .writes = writes,
                                .write_count = count };
}

int saga_test_lane_apply(struct saga_test_lane *lane, const struct saga_state_write *writes,
                         size_t count)
{
    struct saga_store *store = &lane->store;
    struct saga_apply apply = saga_test_lane_apply_of(lane, lane->applied + 1, writes, count);
    int error = store->apply(store->self, &apply);

    if (error == SAGA_OK) error = store->apply_wait(store->self, lane->lane, &lane->next_due_ms);
    if (error == SAGA_OK) lane->applied++;
    return error;
}

struct saga_slice saga_test_lane_state(struct saga_test_lane *lane, struct saga_slice saga_id)
{
    struct saga_slice state;
    int error = lane->store.states_read(lane->store.self, lane->lane, lane->applied, &saga_id, 1,
                                        &lane->arena, &state);

    if (error < 0) fail_msg("no state: %s", lane->store.problem(lane->store.self));
    return state;
}

struct saga_state_write saga_test_start_of(const char *saga_id, const char *state,
                                           const char *status, int64_t changed_ms)
{
    return (struct saga_state_write){ .saga_id = saga_slice_of(saga_id),
                                      .name = SAGA_SLICE("order"),
                                      .version = 1,
                                      .state = saga_slice_of(state),
                                      .status_after = saga_slice_of(status),
                                      .changed_ms = changed_ms };
}

struct saga_state_write saga_test_leave_of(const char *saga_id, const char *status_before)
{
    return (struct saga_state_write){ .saga_id = saga_slice_of(saga_id),
                                      .name = SAGA_SLICE("order"),
                                      .version = 1,
                                      .status_before = saga_slice_of(status_before) };
}
