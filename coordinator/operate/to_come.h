/* Which blocks of its definition a saga has not come to yet. */
#ifndef SAGA_OPERATE_TO_COME_H
#define SAGA_OPERATE_TO_COME_H

#include "definition/definition.h"
#include "engine/state.h"

enum saga_to_come {
    SAGA_HAS_BEGUN, /* in some round, or the saga has gone past it without */
    SAGA_WILL_COME, /* on every way forward */
    SAGA_MAY_COME /* on some: in a branch of `choose`, in `catch` or `on-timeout`, in a `for-each` */
};

/* Of a step, an awaited event or a child. */
enum saga_to_come saga_to_come(const struct saga_state *state,
                               const struct saga_definition *definition,
                               const struct saga_block *block);

/* Its name, with [i] for each loop around it: `pay-supplier[i]`. In `arena`. */
struct saga_slice saga_path_to_come(const struct saga_block *block, struct saga_arena *arena);

#endif
