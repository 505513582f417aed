/* What may happen to a saga next, whatever services, clocks and people do: every kind of answer to every command, also
 * late and twice, every alarm at any time, an operator's words. The coordinator may have been away for long and services
 * may be slow, so alarms come in any order. */
#ifndef SAGA_EXPLORE_MOVES_H
#define SAGA_EXPLORE_MOVES_H

#include "engine/engine.h"

struct saga_move {
    struct saga_event event;
    /* Not 0: it should change nothing, as what it is for has ended; a hash of how. Once for each hash will do. */
    uint64_t closed;
};

struct saga_moves {
    struct saga_move *items; /* in the arena given */
    size_t count, capacity;
};

/* In an order that the state alone decides. `pauses`: an operator may pause and resume too. A state of no saga: its
 * start, with that input (absent: `{}`). Texts are the state's, the definition's, the arena's or static. */
void saga_moves_of(const struct saga_definition *definition, const struct saga_state *state,
                   struct saga_slice input, bool pauses, struct saga_arena *arena,
                   struct saga_moves *ret);

#endif
