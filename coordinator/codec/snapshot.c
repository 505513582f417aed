/* Snapshots as Avro (schemas/snapshot.avsc, schemas/marker.avsc). The tables are in the order of the schemas. */
#include "base/error.h"
#include "base/limits.h"
#include "codec/codec_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct saga_avro_field state_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_snapshot, journal), NULL },
    { SAGA_AVRO_LONG, offsetof(struct saga_snapshot, as_of), NULL },
    { SAGA_AVRO_LONG, offsetof(struct saga_snapshot, series), NULL },
    { SAGA_AVRO_BYTES, offsetof(struct saga_snapshot, state), NULL },
};

static const struct saga_avro_field marker_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_marker, journal), NULL },
    { SAGA_AVRO_INT, offsetof(struct saga_marker, lanes), NULL },
    { SAGA_AVRO_LONG, offsetof(struct saga_marker, offset), NULL },
    { SAGA_AVRO_LONG, offsetof(struct saga_marker, series), NULL },
    { SAGA_AVRO_STRING, offsetof(struct saga_marker, chain), NULL },
    { SAGA_AVRO_LONG, offsetof(struct saga_marker, time_ms), NULL },
};

int saga_snapshot_encode(struct saga_codec *codec, const struct saga_snapshot *snapshot,
                         struct saga_arena *arena, struct saga_slice *ret_bytes)
{
    saga_avro_begin(&codec->out, codec->fingerprints.snapshot, SAGA_SNAPSHOT_BYTES_MAX);
    saga_avro_put(&codec->out, state_fields, COUNT(state_fields), snapshot);
    return saga_avro_end(&codec->out, arena, ret_bytes);
}

int saga_snapshot_decode(struct saga_codec *codec, struct saga_slice bytes,
                         struct saga_arena *arena, struct saga_snapshot *ret,
                         struct saga_diagnostic *diagnostic)
{
    struct saga_snapshot snapshot = { 0 };
    struct saga_avro_in in;
    struct saga_slice *words = &diagnostic->what;
    int error = saga_avro_open(&in, bytes, codec->fingerprints.snapshot, arena, words);
    if (error < 0) return error;
    saga_avro_get(&in, state_fields, COUNT(state_fields), &snapshot);
    error = saga_avro_close(&in, arena, words);
    if (error == SAGA_OK) *ret = snapshot;
    return error;
}

int saga_marker_encode(struct saga_codec *codec, const struct saga_marker *marker,
                       struct saga_arena *arena, struct saga_slice *ret_bytes)
{
    saga_avro_begin(&codec->out, codec->fingerprints.marker, SAGA_SNAPSHOT_BYTES_MAX);
    saga_avro_put(&codec->out, marker_fields, COUNT(marker_fields), marker);
    return saga_avro_end(&codec->out, arena, ret_bytes);
}

int saga_marker_decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                       struct saga_marker *ret, struct saga_diagnostic *diagnostic)
{
    struct saga_marker marker = { 0 };
    struct saga_avro_in in;
    uint8_t chain[SAGA_SHA256_BYTES];
    int error = saga_avro_open(&in, bytes, codec->fingerprints.marker, arena, &diagnostic->what);
    if (error < 0) return error;
    saga_avro_get(&in, marker_fields, COUNT(marker_fields), &marker);
    error = saga_avro_close(&in, arena, &diagnostic->what);
    if (error < 0) return error;
    if (marker.journal.size != 32 || marker.offset < 0 ||
        saga_unhex(marker.chain, chain, sizeof chain) < 0) {
        diagnostic->what = SAGA_SLICE("it is a marker that no snapshot ends with");
        return SAGA_E_INVALID;
    }
    *ret = marker;
    return SAGA_OK;
}

/* ---- the schemas ---- */

void saga_snapshot_take_schema(avro_schema_t schema)
{
    saga_avro_check_all(schema, state_fields, COUNT(state_fields));
}

void saga_marker_take_schema(avro_schema_t schema)
{
    saga_avro_check_all(schema, marker_fields, COUNT(marker_fields));
}
