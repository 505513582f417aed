/* What a state counts as, in the tables of its lane (store/tally.h). A function of the state alone: whoever has the states
 * has the tables, so a lane that is built anew from a snapshot has them too, however much of its journal was cut. */
#ifndef SAGA_RUNTIME_TALLYING_H
#define SAGA_RUNTIME_TALLYING_H

#include "engine/state.h"
#include "store/tally.h"

/* What the steps, errors and durations of a saga come to where `after` takes the place of `before`. NULL: there was none, or is none
 * any more; so is one that is forgotten. How many sagas are in a status is counted by the store (store.h). */
void saga_tally_change(struct saga_tally *tally, const struct saga_state *before,
                       const struct saga_state *after);
/* All that one state counts as, its status as well. */
void saga_tally_state(struct saga_tally *tally, const struct saga_state *state);

#endif
