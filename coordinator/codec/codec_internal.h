/* What codec.c, journal.c, state.c and snapshot.c share. */
#ifndef SAGA_CODEC_CODEC_INTERNAL_H
#define SAGA_CODEC_CODEC_INTERNAL_H

#include <avro.h>

#include "codec/avro_fields.h"
#include "codec/codec.h"

/* CRC-64-AVRO of the schemas in canonical form. */
struct saga_fingerprints {
    uint64_t journal, state, snapshot, marker;
};

struct saga_codec {
    struct saga_fingerprints fingerprints;
    struct saga_avro_out out;
};

/* Assert that the tables of journal.c, state.c and snapshot.c say what the schemas say. */
void saga_journal_check_schema(avro_schema_t schema);
void saga_state_check_schema(avro_schema_t schema);
void saga_snapshot_check_schema(avro_schema_t schema);
void saga_marker_check_schema(avro_schema_t schema);

#endif
