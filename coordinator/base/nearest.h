/* "Did you mean ...?": which of several names a mistyped one is nearest to. */
#ifndef SAGA_BASE_NEAREST_H
#define SAGA_BASE_NEAREST_H

#include <stddef.h>

#include "base/slice.h"

/* How many letters must be put in, taken out or changed to make one of the other; names longer than
 * 63 bytes are compared in their first 63. */
size_t saga_edit_distance(struct saga_slice a, struct saga_slice b);

/* Is a candidate at that distance near enough to `name` to be what was meant? */
bool saga_is_near(struct saga_slice name, size_t distance);

/* The nearest of the candidates if it is near enough, else NULL. */
const char *saga_nearest(struct saga_slice name, const char *const *candidates, size_t count);

#endif
