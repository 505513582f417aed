/* Avro schemas in Parsing Canonical Form and their fingerprints (Avro 1.11 specification, Schema Fingerprints). */
#ifndef SAGA_CODEC_AVRO_CANONICAL_H
#define SAGA_CODEC_AVRO_CANONICAL_H

#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/* The canonical form of a schema, in `arena`. The schema is valid JSON. */
struct saga_slice saga_avro_canonical(struct saga_slice schema, struct saga_arena *arena);

/* CRC-64-AVRO of the canonical form. */
uint64_t saga_avro_fingerprint(struct saga_slice schema);

#endif
