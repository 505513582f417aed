/* Records of saga.keys as Avro (schemas/key.avsc). The table is in the order of the schema. */
#include "base/error.h"
#include "codec/codec_internal.h"
#include "codec/sealed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Names, a business key, a reason and a wrapped key. */
enum { KEY_RECORD_BYTES_MAX = 16384 };

#define KEY(member, kind)                                                                          \
    {                                                                                              \
        kind, offsetof(struct saga_key_record, member), NULL                                       \
    }
static const struct saga_avro_field fields[] = {
    KEY(saga_id, SAGA_AVRO_STRING),  KEY(run, SAGA_AVRO_STRING),
    KEY(created_ms, SAGA_AVRO_LONG), KEY(wrapped_by, SAGA_AVRO_STRING),
    KEY(wrapped, SAGA_AVRO_BYTES),   KEY(forgotten_ms, SAGA_AVRO_LONG),
    KEY(who, SAGA_AVRO_STRING),      KEY(from, SAGA_AVRO_STRING),
    KEY(reason, SAGA_AVRO_STRING),
};

int saga_key_encode(struct saga_codec *codec, const struct saga_key_record *record,
                    struct saga_arena *arena, struct saga_slice *ret_bytes)
{
    saga_avro_begin(&codec->out, codec->fingerprints.key, KEY_RECORD_BYTES_MAX);
    saga_avro_put(&codec->out, fields, COUNT(fields), record);
    return saga_avro_end(&codec->out, arena, ret_bytes);
}

int saga_key_decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                    struct saga_key_record *ret, struct saga_diagnostic *diagnostic)
{
    struct saga_key_record record = { 0 };
    struct saga_avro_in in;
    int error = saga_avro_open(&in, bytes, codec->fingerprints.key, arena, &diagnostic->what);
    if (error < 0) return error;
    saga_avro_get(&in, fields, COUNT(fields), &record);
    error = saga_avro_close(&in, arena, &diagnostic->what);
    if (error < 0) return error;
    if (record.saga_id.size == 0 || record.run.size == 0 ||
        (record.wrapped.data == NULL) != (record.forgotten_ms != 0)) {
        diagnostic->what = SAGA_SLICE("it is the key of no saga");
        return SAGA_E_INVALID;
    }
    *ret = record;
    return SAGA_OK;
}

void saga_key_take_schema(avro_schema_t schema)
{
    saga_avro_check_all(schema, fields, COUNT(fields));
}
