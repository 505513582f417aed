/* What codec.c, journal.c, state.c and snapshot.c share. */
#ifndef SAGA_CODEC_CODEC_INTERNAL_H
#define SAGA_CODEC_CODEC_INTERNAL_H

#include <avro.h>

#include "codec/avro_fields.h"
#include "codec/codec.h"

/* A schema (shared by all codecs of the process) with one value to write and one to read, used again and again. */
struct saga_avro_type {
    avro_schema_t schema;
    avro_value_t writing, reading;
    uint64_t fingerprint;
};

struct saga_codec {
    struct saga_avro_type journal, state, snapshot, marker;
};

#endif
