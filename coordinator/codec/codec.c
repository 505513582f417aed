#include "codec/codec.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "codec/codec_internal.h"
#include "schema/schema.h"

extern const char saga_schema_journal[], saga_schema_state[], saga_schema_snapshot[],
    saga_schema_marker[];

static uint64_t fingerprint_of(const char *text)
{
    struct saga_arena arena;
    struct saga_slice words;
    struct saga_schema_scope scope = { .arena = &arena };
    const struct saga_schema *schema;
    saga_arena_init(&arena);
    int error = saga_schema_read(&scope, saga_slice_of(text), &schema, &words);
    SAGA_ASSERT(error == SAGA_OK);
    uint64_t fingerprint = saga_schema_fingerprint(schema);
    saga_arena_free(&arena);
    return fingerprint;
}

static void open_type(struct saga_avro_type *type, const char *text)
{
    saga_memory_watch();
    int failed = avro_schema_from_json_length(text, strlen(text), &type->schema);
    if (failed) saga_memory_check("reading a schema, in avro-c");
    SAGA_ASSERT(!failed); /* the schemas are part of the binary */
    type->iface = avro_generic_class_from_schema(type->schema);
    SAGA_ASSERT(type->iface);
    failed = avro_generic_value_new(type->iface, &type->writing) |
             avro_generic_value_new(type->iface, &type->reading);
    SAGA_ASSERT(!failed);
    type->fingerprint = fingerprint_of(text);
}

static void close_type(struct saga_avro_type *type)
{
    avro_value_decref(&type->writing);
    avro_value_decref(&type->reading);
    avro_value_iface_decref(type->iface);
    avro_schema_decref(type->schema);
}

int saga_codec_new(struct saga_codec **ret)
{
    struct saga_codec *codec = saga_memory_zeroed(1, sizeof *codec);
    open_type(&codec->journal, saga_schema_journal);
    open_type(&codec->state, saga_schema_state);
    open_type(&codec->snapshot, saga_schema_snapshot);
    open_type(&codec->marker, saga_schema_marker);
    *ret = codec;
    return SAGA_OK;
}

void saga_codec_free(struct saga_codec *codec)
{
    if (!codec) return;
    close_type(&codec->journal);
    close_type(&codec->state);
    close_type(&codec->snapshot);
    close_type(&codec->marker);
    free(codec);
}
