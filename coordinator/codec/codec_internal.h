/* What codec.c, journal.c, state.c, snapshot.c and key_record.c share. */
#ifndef SAGA_CODEC_CODEC_INTERNAL_H
#define SAGA_CODEC_CODEC_INTERNAL_H

#include <avro.h>

#include "codec/avro_fields.h"
#include "codec/codec.h"

/* CRC-64-AVRO of the schemas in canonical form. */
struct saga_fingerprints {
    uint64_t journal, state, snapshot, marker, key;
};

struct saga_codec {
    struct saga_fingerprints fingerprints;
    struct saga_avro_out out;
};

/* Assert that the tables of those files say what the schemas say; by the first codec. The journal's
 * tables of facts are made by it. */
void saga_journal_take_schema(avro_schema_t schema);
void saga_state_take_schema(avro_schema_t schema);
void saga_snapshot_take_schema(avro_schema_t schema);
void saga_marker_take_schema(avro_schema_t schema);
void saga_key_take_schema(avro_schema_t schema);

#endif
