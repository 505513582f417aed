#include "codec/avro_fields.h"

#include "base/assert.h"

static bool is_of(enum saga_avro_kind kind, avro_schema_t schema)
{
    switch (kind) {
    case SAGA_AVRO_STRING:
    case SAGA_AVRO_NAME: return avro_typeof(schema) == AVRO_STRING;
    case SAGA_AVRO_BYTES:
        return avro_typeof(schema) == AVRO_UNION && avro_schema_union_size(schema) == 2 &&
               avro_typeof(avro_schema_union_branch(schema, 0)) == AVRO_NULL &&
               avro_typeof(avro_schema_union_branch(schema, 1)) == AVRO_BYTES;
    case SAGA_AVRO_INT: return avro_typeof(schema) == AVRO_INT32;
    case SAGA_AVRO_LONG: return avro_typeof(schema) == AVRO_INT64;
    case SAGA_AVRO_BOOL: return avro_typeof(schema) == AVRO_BOOLEAN;
    }
    return false;
}

void saga_avro_check(avro_schema_t record, size_t first, const struct saga_avro_field *fields,
                     size_t count)
{
    SAGA_ASSERT(avro_typeof(record) == AVRO_RECORD);
    SAGA_ASSERT(first + count <= avro_schema_record_size(record));
    for (size_t i = 0; i < count; i++)
        SAGA_ASSERT(
            is_of(fields[i].kind, avro_schema_record_field_get_by_index(record, (int)(first + i))));
}

void saga_avro_check_all(avro_schema_t record, const struct saga_avro_field *fields, size_t count)
{
    if (avro_typeof(record) == AVRO_LINK) record = avro_schema_link_target(record);
    SAGA_ASSERT(avro_schema_record_size(record) == count);
    saga_avro_check(record, 0, fields, count);
}
