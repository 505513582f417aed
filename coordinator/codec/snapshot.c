/* Snapshots as Avro (schemas/snapshot.avsc, schemas/marker.avsc). The tables are in the order of the schemas. */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "codec/codec_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct saga_avro_field state_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_snapshot, journal), NULL, 0 },
    { SAGA_AVRO_LONG, offsetof(struct saga_snapshot, as_of), NULL, 0 },
    { SAGA_AVRO_LONG, offsetof(struct saga_snapshot, series), NULL, 0 },
    { SAGA_AVRO_BYTES, offsetof(struct saga_snapshot, state), NULL, 0 },
};

static const struct saga_avro_field marker_fields[] = {
    { SAGA_AVRO_STRING, offsetof(struct saga_marker, journal), NULL, 0 },
    { SAGA_AVRO_INT, offsetof(struct saga_marker, lanes), NULL, 0 },
    { SAGA_AVRO_LONG, offsetof(struct saga_marker, offset), NULL, 0 },
    { SAGA_AVRO_LONG, offsetof(struct saga_marker, series), NULL, 0 },
    { SAGA_AVRO_STRING, offsetof(struct saga_marker, chain), NULL, 0 },
    { SAGA_AVRO_LONG, offsetof(struct saga_marker, time_ms), NULL, 0 },
};

int saga_snapshot_encode(struct saga_codec *codec, const struct saga_snapshot *snapshot,
                         struct saga_arena *arena, struct saga_slice *ret_bytes)
{
    avro_value_t *value = &codec->snapshot.writing;
    avro_value_reset(value);
    saga_avro_put(value, 0, state_fields, COUNT(state_fields), snapshot);
    return saga_avro_encode(value, codec->snapshot.fingerprint, SAGA_SNAPSHOT_BYTES_MAX, arena,
                            ret_bytes);
}

int saga_snapshot_decode(struct saga_codec *codec, struct saga_slice bytes,
                         struct saga_arena *arena, struct saga_snapshot *ret,
                         struct saga_diagnostic *diagnostic)
{
    avro_value_t *value = &codec->snapshot.reading;
    if (saga_avro_decode(bytes, codec->snapshot.fingerprint, codec->snapshot.schema, value, arena,
                         &diagnostic->what) < 0)
        return SAGA_E_INVALID;
    return saga_avro_get(value, 0, state_fields, COUNT(state_fields), arena, ret);
}

int saga_marker_encode(struct saga_codec *codec, const struct saga_marker *marker,
                       struct saga_arena *arena, struct saga_slice *ret_bytes)
{
    avro_value_t *value = &codec->marker.writing;
    avro_value_reset(value);
    saga_avro_put(value, 0, marker_fields, COUNT(marker_fields), marker);
    return saga_avro_encode(value, codec->marker.fingerprint, SAGA_SNAPSHOT_BYTES_MAX, arena,
                            ret_bytes);
}

int saga_marker_decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                       struct saga_marker *ret, struct saga_diagnostic *diagnostic)
{
    avro_value_t *value = &codec->marker.reading;
    struct saga_marker marker;
    if (saga_avro_decode(bytes, codec->marker.fingerprint, codec->marker.schema, value, arena,
                         &diagnostic->what) < 0)
        return SAGA_E_INVALID;
    int error = saga_avro_get(value, 0, marker_fields, COUNT(marker_fields), arena, &marker);
    uint8_t chain[SAGA_SHA256_BYTES];
    if (error < 0 || marker.journal.size != 32 || marker.offset < 0 ||
        saga_unhex(marker.chain, chain, sizeof chain) < 0) {
        diagnostic->what = SAGA_SLICE("it is a marker that no snapshot ends with");
        return SAGA_E_INVALID;
    }
    *ret = marker;
    return SAGA_OK;
}
