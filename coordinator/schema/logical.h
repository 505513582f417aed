/* Dates, times and instants of Avro's logical types, and their text in JSON. */
#ifndef SAGA_SCHEMA_LOGICAL_H
#define SAGA_SCHEMA_LOGICAL_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/schema.h"

#define SAGA_LOGICAL_TEXT_BYTES 48

/* Is its JSON form the text of a date or time? */
bool saga_logical_is_time(enum saga_schema_logical logical);
/* Are both instants, or both local times, or both times of day, in whatever unit? */
bool saga_logical_is_same_family(enum saga_schema_logical a, enum saga_schema_logical b);

/* date 2026-11-23; time 12:13:14.015; timestamp 2026-11-23T12:13:14.015Z; local timestamp the same without Z; three,
 * six or nine decimals as the unit has. Errors: SAGA_E_LIMIT (outside the years 0000 to 9999, or of the day). */
int saga_logical_format(enum saga_schema_logical logical, int64_t value,
                        char ret[SAGA_LOGICAL_TEXT_BYTES]);
/* The other way. A timestamp takes any offset from UTC. Fewer decimals are fine, or none; more than the unit has
 * only if they are zeros. Errors: SAGA_E_INVALID (no such text), SAGA_E_LIMIT (more decimals; out of 64 bits). */
int saga_logical_parse(enum saga_schema_logical logical, struct saga_slice text, int64_t *ret);
/* What the text should have been, for words: "a date as 2026-11-23". */
const char *saga_logical_example(enum saga_schema_logical logical);

/* 8-4-4-4-12 hexadecimal digits, of either case. Errors: SAGA_E_INVALID. */
int saga_uuid_parse(struct saga_slice text, uint8_t ret[16]);

/* Standard base64 with padding (RFC 4648, section 4), in `arena`. */
struct saga_slice saga_base64(struct saga_slice bytes, struct saga_arena *arena);
int saga_base64_read(struct saga_slice text, struct saga_arena *arena, struct saga_slice *ret);

#endif
