/* One lane of a real store, for its tests: applies batches one behind the other and remembers
 * where it is. */
#ifndef SAGA_TEST_LANE_H
#define SAGA_TEST_LANE_H

#include "harness/redis.h"
#include "store/redis.h"

#define SAGA_TEST_JOURNAL "4f1c0e7a"
#define SAGA_TEST_CHAIN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SAGA_TEST_LANES 4u

struct saga_test_lane {
    struct saga_redis_config config;
    struct saga_store store;
    struct saga_arena arena;
    uint32_t lane;
    int64_t applied;
    int64_t next_due_ms; /* as the last apply said */
};

/* Opens a store on the server and empties the lane, which then stands at offset 1. NULL config:
 * the server's. */
void saga_test_lane_open(struct saga_test_lane *lane, const struct saga_test_redis *redis,
                         const struct saga_redis_config *config, uint32_t number);
void saga_test_lane_close(struct saga_test_lane *lane);

/* What an apply of these writes looks like, from where the lane is to `applied`. */
struct saga_apply saga_test_lane_apply_of(const struct saga_test_lane *lane, int64_t applied,
                                          const struct saga_state_write *writes, size_t count);
/* Applies and waits; the lane moves on by one record where that succeeds. */
int saga_test_lane_apply(struct saga_test_lane *lane, const struct saga_state_write *writes,
                         size_t count);
/* The state of one saga, absent where it is not there. Fails the test on an error. */
struct saga_slice saga_test_lane_state(struct saga_test_lane *lane, struct saga_slice saga_id);

/* A saga that starts, and one that leaves; more is set by the caller. */
struct saga_state_write saga_test_start_of(const char *saga_id, const char *state,
                                           const char *status, int64_t changed_ms);
struct saga_state_write saga_test_leave_of(const char *saga_id, const char *status_before);

#endif
