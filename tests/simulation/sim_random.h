/* The one source of chance of a history: everything that is drawn comes from its seed. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

void sim_random_init(struct sim_random *random, uint64_t seed);
uint64_t sim_random_next(struct sim_random *random);
/* From 0 to below `limit`, which is at least 1. */
uint64_t sim_random_below(struct sim_random *random, uint64_t limit);
/* From `low` to `high`, both included. */
int64_t sim_random_between(struct sim_random *random, int64_t low, int64_t high);
/* True `per_mille` times in 1000. */
bool sim_random_chance(struct sim_random *random, unsigned per_mille);

#endif
