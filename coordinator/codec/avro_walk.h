/* Walks bytes from outside against a schema before avro-c reads them: lengths, enum indexes, union branches, block
 * counts and depth are within bounds, and nothing is left over. */
#ifndef SAGA_CODEC_AVRO_WALK_H
#define SAGA_CODEC_AVRO_WALK_H

#include <avro.h>

#include "base/slice.h"

/* Do the bytes hold exactly one datum of the schema? On SAGA_E_INVALID `*ret_offset` is where they stop fitting and
 * `*ret_why` a static phrase. */
int saga_avro_walk(avro_schema_t schema, struct saga_slice bytes, size_t *ret_offset,
                   const char **ret_why);

#endif
