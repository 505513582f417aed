/* What the files that write bodies share. */
#ifndef SAGA_SCHEMA_ENCODE_INTERNAL_H
#define SAGA_SCHEMA_ENCODE_INTERNAL_H

#include "schema/schema_internal.h"

typedef const struct saga_schema *schema_t;
typedef const struct saga_place_in_body *place_t;

/* Always false; said in a way that the compiler sees. */
#define REFUSE(e, place, ...) (saga_body_refuse((e), SAGA_E_INVALID, (place), __VA_ARGS__), false)

/* A long as Avro has it, and bytes behind their length. */
void saga_encode_long(struct saga_body_walk *e, int64_t value);
void saga_encode_sized(struct saga_body_walk *e, struct saga_slice bytes);

/* "must be a long, is the text ...": false. `wanted` in words, or what the schema is in words. */
bool saga_encode_wrong_kind(struct saga_body_walk *e, const char *wanted, struct saga_slice json,
                            place_t place);
bool saga_encode_wrong(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                       place_t place);

/* A value of a schema that is no array, map, record or union. False with words where it does not fit. */
bool saga_encode_scalar(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                        place_t place);

#endif
