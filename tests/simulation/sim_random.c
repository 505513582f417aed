#include "sim_random.h"

#include "base/assert.h"

/* SplitMix64: small, and good enough to draw what happens next. */
uint64_t sim_random_next(struct sim_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

void sim_random_init(struct sim_random *random, uint64_t seed)
{
    random->state = seed * 0x2545f4914f6cdd1dULL + 0x1234567;
    for (int i = 0; i < 4; i++) (void)sim_random_next(random);
}

uint64_t sim_random_below(struct sim_random *random, uint64_t limit)
{
    SAGA_ASSERT(limit > 0);
    return sim_random_next(random) % limit;
}

int64_t sim_random_between(struct sim_random *random, int64_t low, int64_t high)
{
    SAGA_ASSERT(low <= high);
    return low + (int64_t)sim_random_below(random, (uint64_t)(high - low) + 1);
}

bool sim_random_chance(struct sim_random *random, unsigned per_mille)
{
    return sim_random_below(random, 1000) < per_mille;
}
