#include "schema/body.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "schema/schema_internal.h"

enum { CONFLUENT_HEAD = 5, SINGLE_OBJECT_HEAD = 10 };

static const char *const format_names[SAGA_FORMAT_COUNT] = {
    [SAGA_FORMAT_JSON] = "json",
    [SAGA_FORMAT_AVRO] = "avro",
    [SAGA_FORMAT_AVRO_SINGLE_OBJECT] = "avro-single-object",
};

const char *saga_body_format_name(enum saga_body_format format)
{
    return format_names[format];
}

enum saga_body_format saga_body_format_of(struct saga_slice name)
{
    size_t i = 0;
    while (i < SAGA_FORMAT_COUNT && !saga_slice_is(name, format_names[i])) i++;
    return (enum saga_body_format)i;
}

enum saga_body_format saga_body_format_by_bytes(struct saga_slice body)
{
    if (body.size >= 1 && body.data[0] == 0) return SAGA_FORMAT_AVRO;
    if (body.size >= 2 && memcmp(body.data, "\xC3\x01", 2) == 0)
        return SAGA_FORMAT_AVRO_SINGLE_OBJECT;
    return SAGA_FORMAT_JSON;
}

static uint64_t big_endian(const char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | (uint8_t)bytes[i];
    return value;
}

static uint64_t little_endian(const char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | (uint8_t)bytes[i];
    return value;
}

/* ---- in ---- */

/* Takes the head off; the schema that it names. */
static int writer_of(const struct saga_schemas *schemas, struct saga_slice *body,
                     struct saga_arena *arena, const struct saga_schema **ret,
                     struct saga_slice *ret_words)
{
    bool confluent = saga_body_format_by_bytes(*body) == SAGA_FORMAT_AVRO;
    size_t head = confluent ? CONFLUENT_HEAD : SINGLE_OBJECT_HEAD;
    if (body->size < head) {
        *ret_words =
            saga_arena_printf(arena, "Avro of %zu bytes, its head alone has %zu", body->size, head);
        return SAGA_E_INVALID;
    }
    uint64_t name = confluent ? big_endian(body->data + 1, 4) : little_endian(body->data + 2, 8);
    const struct saga_schema *schema = NULL;
    if (schemas)
        schema = confluent ? saga_schemas_by_id(schemas, (uint32_t)name)
                           : saga_schemas_by_fingerprint(schemas, name);
    if (!schema) {
        *ret_words = confluent
                         ? saga_arena_printf(arena,
                                             "Avro with schema id %u, which registry.yaml of the "
                                             "schema folder does not have",
                                             (unsigned)name)
                         : saga_arena_printf(arena,
                                             "Avro with fingerprint %016llx, which no file of the "
                                             "schema folder has",
                                             (unsigned long long)name);
        return SAGA_E_NOT_FOUND;
    }
    *body = saga_slice_skip(*body, head);
    *ret = schema;
    return SAGA_OK;
}

int saga_body_from_avro(const struct saga_schemas *schemas, struct saga_slice body,
                        struct saga_arena *arena, struct saga_slice *ret_json,
                        struct saga_slice *ret_type, struct saga_slice *ret_words)
{
    const struct saga_schema *writer;
    struct saga_slice json, words = SAGA_SLICE_NONE;
    int error = writer_of(schemas, &body, arena, &writer, ret_words);
    if (error < 0) return error;
    const struct saga_schema *reader = saga_schemas_reader(schemas, writer);
    error = saga_schema_decode(writer, reader, &body, arena, &json, &words);
    if (error == SAGA_OK && body.size) {
        words = saga_arena_printf(arena, "%zu bytes too many behind its end", body.size);
        error = SAGA_E_INVALID;
    }
    if (error < 0) {
        *ret_words = saga_arena_printf(arena, "the body does not fit the schema of %.*s: %.*s",
                                       SAGA_SLICE_ARG(writer->name), SAGA_SLICE_ARG(words));
        return error;
    }
    *ret_json = json;
    *ret_type = saga_schema_short_name(reader->name);
    return SAGA_OK;
}

/* ---- out ---- */

static int make_head(const struct saga_schemas *schemas, enum saga_body_format format,
                     const struct saga_schema *schema, struct saga_buffer *out,
                     struct saga_slice *ret_words)
{
    uint32_t id;
    if (format == SAGA_FORMAT_AVRO) {
        if (saga_schemas_id_of(schemas, schema, &id) < 0) {
            *ret_words = saga_arena_printf(out->arena,
                                           "the file of %.*s has no id in registry.yaml of the "
                                           "schema folder",
                                           SAGA_SLICE_ARG(schema->name));
            return SAGA_E_NOT_FOUND;
        }
        char head[CONFLUENT_HEAD] = { 0, (char)(id >> 24), (char)(id >> 16 & 0xff),
                                      (char)(id >> 8 & 0xff), (char)(id & 0xff) };
        saga_buffer_append(out, head, sizeof head);
        return SAGA_OK;
    }
    uint64_t fingerprint = saga_schemas_fingerprint_of(schemas, schema);
    saga_buffer_append(out, "\xC3\x01", 2);
    for (int i = 0; i < 8; i++, fingerprint >>= 8)
        saga_buffer_add_char(out, (char)(fingerprint & 0xff));
    return SAGA_OK;
}

static int make_by(const struct saga_schemas *schemas, enum saga_body_format format,
                   const struct saga_schema *schema, struct saga_slice json,
                   struct saga_arena *arena, struct saga_slice *ret_body,
                   struct saga_slice *ret_words)
{
    struct saga_slice datum, words = SAGA_SLICE_NONE;
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    int error = make_head(schemas, format, schema, &out, ret_words);
    if (error < 0) return error;
    error = saga_schema_encode(schema, json, false, SAGA_PAYLOAD_BYTES_MAX - SINGLE_OBJECT_HEAD,
                               arena, &datum, &words);
    if (error < 0) {
        *ret_words = saga_arena_printf(arena, "the body does not fit the schema of %.*s: %.*s",
                                       SAGA_SLICE_ARG(schema->name), SAGA_SLICE_ARG(words));
        return error;
    }
    saga_buffer_add(&out, datum);
    *ret_body = saga_buffer_slice(&out);
    return SAGA_OK;
}

static int type_of(const struct saga_schemas *schemas, struct saga_slice type,
                   struct saga_arena *arena, const struct saga_schema **ret,
                   struct saga_slice *ret_words)
{
    if (schemas) return saga_schemas_type(schemas, type, arena, ret, ret_words);
    *ret_words = SAGA_SLICE("there is no folder of schemas");
    return SAGA_E_NOT_FOUND;
}

int saga_body_make(const struct saga_schemas *schemas, enum saga_body_format format,
                   struct saga_slice type, struct saga_slice json, struct saga_arena *arena,
                   struct saga_slice *ret_body, struct saga_slice *ret_words)
{
    const struct saga_schema *schema;
    if (format == SAGA_FORMAT_JSON) {
        *ret_body = json;
        return SAGA_OK;
    }
    int error = type_of(schemas, type, arena, &schema, ret_words);
    if (error == SAGA_OK)
        error = make_by(schemas, format, schema, json, arena, ret_body, ret_words);
    return error;
}

int saga_body_make_as_before(const struct saga_schemas *schemas, enum saga_body_format format,
                             struct saga_slice type, struct saga_slice json,
                             struct saga_arena *arena, struct saga_slice *ret_body,
                             struct saga_slice *ret_words)
{
    const struct saga_schema *current, *earlier;
    struct saga_slice words;
    size_t place = 0;
    int error = saga_body_make(schemas, format, type, json, arena, ret_body, ret_words);
    if (error == SAGA_OK || type_of(schemas, type, arena, &current, &words) < 0) return error;
    while ((earlier = saga_schemas_earlier(schemas, current, &place)))
        if (make_by(schemas, format, earlier, json, arena, ret_body, &words) == SAGA_OK)
            return SAGA_OK;
    return error;
}

int saga_body_check(const struct saga_schemas *schemas, enum saga_body_format format,
                    struct saga_slice type, struct saga_slice json, struct saga_arena *arena,
                    struct saga_slice *ret_words)
{
    const struct saga_schema *schema;
    struct saga_slice words = SAGA_SLICE_NONE;
    struct saga_buffer head;
    int error = type_of(schemas, type, arena, &schema, ret_words);
    saga_buffer_init(&head, arena);
    if (error == SAGA_OK) error = make_head(schemas, format, schema, &head, ret_words);
    if (error < 0) return error;
    error = saga_schema_check(schema, json, arena, &words);
    if (error < 0)
        *ret_words = saga_arena_printf(arena, "the body does not fit the schema of %.*s: %.*s",
                                       SAGA_SLICE_ARG(schema->name), SAGA_SLICE_ARG(words));
    return error;
}
