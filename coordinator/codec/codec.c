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

/* ---- schemas: read once for all codecs ---- */

struct shared_schema {
    avro_schema_t schema;
    avro_value_iface_t *iface; /* never changes: any thread may make values of it */
    uint64_t fingerprint;
};

enum { JOURNAL, STATE, SNAPSHOT, MARKER, SCHEMAS };

static struct {
    pthread_mutex_t lock;
    size_t codecs; /* the last one gives the schemas back */
    struct shared_schema schemas[SCHEMAS];
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void read_schema(struct shared_schema *schema, const char *text)
{
    saga_memory_watch();
    int failed = avro_schema_from_json_length(text, strlen(text), &schema->schema);
    if (failed) saga_memory_check("reading a schema, in avro-c");
    SAGA_ASSERT(!failed); /* the schemas are part of the binary */
    schema->iface = avro_generic_class_from_schema(schema->schema);
    SAGA_ASSERT(schema->iface);
    schema->fingerprint = fingerprint_of(text);
}

static void hold_schemas(void)
{
    const char *const texts[SCHEMAS] = { saga_schema_journal, saga_schema_state,
                                         saga_schema_snapshot, saga_schema_marker };
    pthread_mutex_lock(&shared.lock);
    for (int i = 0; i < SCHEMAS && shared.codecs == 0; i++)
        read_schema(&shared.schemas[i], texts[i]);
    shared.codecs++;
    pthread_mutex_unlock(&shared.lock);
}

static void let_schemas_go(void)
{
    pthread_mutex_lock(&shared.lock);
    shared.codecs--;
    for (int i = 0; i < SCHEMAS && shared.codecs == 0; i++) {
        avro_value_iface_decref(shared.schemas[i].iface);
        avro_schema_decref(shared.schemas[i].schema);
    }
    pthread_mutex_unlock(&shared.lock);
}

/* ---- codecs ---- */

static void open_type(struct saga_avro_type *type, const struct shared_schema *schema)
{
    type->schema = schema->schema;
    type->fingerprint = schema->fingerprint;
    int failed = avro_generic_value_new(schema->iface, &type->writing) |
                 avro_generic_value_new(schema->iface, &type->reading);
    SAGA_ASSERT(!failed);
}

static void close_type(struct saga_avro_type *type)
{
    avro_value_decref(&type->writing);
    avro_value_decref(&type->reading);
}

int saga_codec_new(struct saga_codec **ret)
{
    struct saga_codec *codec = saga_memory_zeroed(1, sizeof *codec);
    hold_schemas();
    open_type(&codec->journal, &shared.schemas[JOURNAL]);
    open_type(&codec->state, &shared.schemas[STATE]);
    open_type(&codec->snapshot, &shared.schemas[SNAPSHOT]);
    open_type(&codec->marker, &shared.schemas[MARKER]);
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
    let_schemas_go();
    free(codec);
}
