/* A way that the explorer found, as a scenario to keep (scenario.h). */
#ifndef SAGA_EXPLORE_WAY_H
#define SAGA_EXPLORE_WAY_H

#include "explore/abstract.h"
#include "explore/play.h"

/* The play as one scenario of `saga test`, YAML that belongs under `scenarios:`. Its data is left out: `choices`, a JSON
 * list, says what was chosen on the way (saga_explore_play gives it). In `arena`. */
struct saga_slice saga_way_scenario(const struct saga_play *play, struct saga_slice name,
                                    struct saga_slice choices,
                                    const struct saga_abstract_bounds *bounds,
                                    struct saga_arena *arena);

#endif
