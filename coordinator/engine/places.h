/* Where a saga is: the blocks that something is waited for at. Lists, counts and people call them by their names,
 * without the indexes of loops. */
#ifndef SAGA_ENGINE_PLACES_H
#define SAGA_ENGINE_PLACES_H

#include "engine/state.h"

/* A path without its loop indexes: `pay` of `pay[3]`. A view of it. */
struct saga_slice saga_place_of(struct saga_slice path);
/* The next place of the saga, absent behind the last one; `*at` begins at 0. Steps that wait for an answer or to be tried
 * again, that are being taken back or could not be; blocks that wait for a time; and what a stuck saga hangs on. The
 * same name may come several times. A saga that has ended is nowhere. */
struct saga_slice saga_place_next(const struct saga_state *state, size_t *at);

#endif
