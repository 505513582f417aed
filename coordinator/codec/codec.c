#include "codec/codec.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "codec/codec_internal.h"
#include "schema/schema.h"

extern const char saga_schema_journal[], saga_schema_state[], saga_schema_snapshot[],
    saga_schema_marker[], saga_schema_key[];

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

/* ---- schemas: looked at once, by the first codec ---- */

static struct saga_fingerprints fingerprints;

/* What is written and read goes by tables: they must be the schema's. */
static uint64_t take_schema(const char *text, void (*take)(avro_schema_t schema))
{
    avro_schema_t schema;
    saga_memory_watch();
    int failed = avro_schema_from_json_length(text, strlen(text), &schema);
    if (failed) saga_memory_check("reading a schema, in avro-c");
    SAGA_ASSERT(!failed); /* the schemas are part of the binary */
    take(schema);
    avro_schema_decref(schema);
    return fingerprint_of(text);
}

static void take_schemas(void)
{
    saga_avro_names_read();
    fingerprints = (struct saga_fingerprints){
        .journal = take_schema(saga_schema_journal, saga_journal_take_schema),
        .state = take_schema(saga_schema_state, saga_state_take_schema),
        .snapshot = take_schema(saga_schema_snapshot, saga_snapshot_take_schema),
        .marker = take_schema(saga_schema_marker, saga_marker_take_schema),
        .key = take_schema(saga_schema_key, saga_key_take_schema),
    };
}

/* ---- codecs ---- */

int saga_codec_new(struct saga_codec **ret)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct saga_codec *codec = saga_memory_zeroed(1, sizeof *codec);
    pthread_once(&once, take_schemas);
    codec->fingerprints = fingerprints;
    *ret = codec;
    return SAGA_OK;
}

void saga_codec_free(struct saga_codec *codec)
{
    if (!codec) return;
    free(codec->out.bytes);
    free(codec);
}

bool saga_codec_is_encoded(struct saga_slice bytes)
{
    return saga_avro_is_single_object(bytes);
}
