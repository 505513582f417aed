/* Time zones: what a clock on the wall shows in a place, from the zone database of the machine (IANA; TZif files as in
 * RFC 9636). Read once and never changed, so that many threads may ask; the environment (TZ) plays no part. */
#ifndef SAGA_DEFINITION_ZONE_H
#define SAGA_DEFINITION_ZONE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

struct saga_zone;

/* Reads a zone by its name (`Europe/Berlin`); UTC needs no file. `*ret` is in the arena.
 * Errors: SAGA_E_NOT_FOUND (no such zone on this machine), SAGA_E_INVALID (its file is none, or damaged). */
int saga_zone_load(struct saga_slice name, struct saga_arena *arena, const struct saga_zone **ret);
/* The same from a file's bytes, which need not outlive it. */
int saga_zone_read(struct saga_slice bytes, struct saga_arena *arena, struct saga_zone **ret);

/* Its name in the database. */
struct saga_slice saga_zone_name(const struct saga_zone *zone);

/* Seconds that the zone's clocks are ahead of UTC at that time (seconds since 1970), and the stretch of time
 * [from, until) in which that holds; INT64_MIN, INT64_MAX: for ever. */
int32_t saga_zone_offset(const struct saga_zone *zone, int64_t time_s, int64_t *ret_from_s,
                         int64_t *ret_until_s);

#endif
