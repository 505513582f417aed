/* What a saga leaves as it is when an operator says how it ends: the steps that nobody took back,
 * and those of which nobody knows whether they were done. Somebody has to look at them by hand. */
#ifndef SAGA_OPERATE_LEFT_H
#define SAGA_OPERATE_LEFT_H

#include "definition/definition.h"
#include "engine/state.h"

struct saga_left {
    struct saga_slice step;
    const char *what; /* one word for scripts: "unknown", "stands", "taken-back" ... */
    struct saga_slice words;
};

/* `state` is the saga's before or after it was resolved as `end` (completed, compensated or
 * abandoned). `definition` names the steps that never began; NULL: they are left out. In the order
 * of the steps; texts are in `arena`. */
void saga_left_as_it_is(const struct saga_state *state, const struct saga_definition *definition,
                        enum saga_status end, struct saga_arena *arena, struct saga_left **ret,
                        size_t *ret_count);

#endif
