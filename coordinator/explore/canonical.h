/* What of a state decides about its future, as a hash: states of one hash are explored once. */
#ifndef SAGA_EXPLORE_CANONICAL_H
#define SAGA_EXPLORE_CANONICAL_H

#include "engine/engine.h"

struct saga_canonical {
    uint64_t low, high;
};

/* Left out are: times (alarms come in any order), positions and sequences, the order in which things were written down,
 * texts that only people read, attempts of what has ended, and how often something was tried that is tried without end
 * (beyond: more than once). For an abstract definition (abstract.h): its data is always the same. */
struct saga_canonical saga_canonical_of(const struct saga_definition *definition,
                                        const struct saga_state *state);

#endif
