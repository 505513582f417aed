#include "codec/avro_canonical.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"

static void write_schema(struct saga_buffer *out, struct saga_slice json, struct saga_slice space);

static bool member(struct saga_slice json, const char *name, struct saga_slice *ret)
{
    return saga_json_member(json, saga_slice_of(name), ret) == SAGA_OK;
}

static struct saga_slice text_of(struct saga_buffer *out, struct saga_slice json)
{
    struct saga_slice text = SAGA_SLICE_NONE;
    saga_json_text(json, out->arena, &text);
    return text;
}

static bool is_primitive(struct saga_slice name)
{
    static const char *const names[] = { "null",  "boolean", "int",   "long",
                                         "float", "double",  "bytes", "string" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (saga_slice_is(name, names[i])) return true;
    return false;
}

static void write_name(struct saga_buffer *out, struct saga_slice name, struct saga_slice space)
{
    bool full = name.size == 0 || memchr(name.data, '.', name.size) || space.size == 0 ||
                is_primitive(name);
    struct saga_slice whole = full ? name
                                   : saga_arena_printf(out->arena, "%.*s.%.*s",
                                                       SAGA_SLICE_ARG(space), SAGA_SLICE_ARG(name));
    saga_buffer_add_json_string(out, whole);
}

/* What names inside a named schema are relative to: the dots of its name tell it before
 * `namespace`. */
static struct saga_slice namespace_of(struct saga_slice name, struct saga_slice space)
{
    for (size_t i = name.size; i > 0; i--)
        if (name.data[i - 1] == '.') return (struct saga_slice){ name.data, i - 1 };
    return space;
}

static void write_list(struct saga_buffer *out, struct saga_slice json, struct saga_slice space)
{
    struct saga_json_walk walk;
    struct saga_slice name, value;
    bool first = true;
    saga_json_walk_init(&walk, json);
    saga_buffer_add_char(out, '[');
    for (; saga_json_walk_next(&walk, &name, &value); first = false) {
        if (!first) saga_buffer_add_char(out, ',');
        write_schema(out, value, space);
    }
    saga_buffer_add_char(out, ']');
}

static void write_fields(struct saga_buffer *out, struct saga_slice json, struct saga_slice space)
{
    struct saga_json_walk walk;
    struct saga_slice ignored, field, value;
    bool first = true;
    saga_json_walk_init(&walk, json);
    saga_buffer_add(out, SAGA_SLICE(",\"fields\":["));
    for (; saga_json_walk_next(&walk, &ignored, &field); first = false) {
        if (!first) saga_buffer_add_char(out, ',');
        saga_buffer_add(out, SAGA_SLICE("{\"name\":"));
        if (member(field, "name", &value)) saga_buffer_add_json_string(out, text_of(out, value));
        saga_buffer_add(out, SAGA_SLICE(",\"type\":"));
        if (member(field, "type", &value)) write_schema(out, value, space);
        saga_buffer_add_char(out, '}');
    }
    saga_buffer_add_char(out, ']');
}

static void write_object(struct saga_buffer *out, struct saga_slice json, struct saga_slice space)
{
    struct saga_slice value, type = SAGA_SLICE_NONE;
    if (member(json, "type", &value)) {
        if (saga_json_kind(value) !=
            SAGA_JSON_STRING) { /* {"type": {...}}: the inner one is meant */
            write_schema(out, value, space);
            return;
        }
        type = text_of(out, value);
    }
    if (is_primitive(type)) {
        write_name(out, type, SAGA_SLICE_NONE);
        return;
    }
    if (member(json, "namespace", &value)) space = text_of(out, value);
    saga_buffer_add_char(out, '{');
    if (member(json, "name", &value)) {
        struct saga_slice own = text_of(out, value);
        saga_buffer_add(out, SAGA_SLICE("\"name\":"));
        write_name(out, own, space);
        space = namespace_of(own, space);
        saga_buffer_add_char(out, ',');
    }
    saga_buffer_printf(out, "\"type\":\"%.*s\"", SAGA_SLICE_ARG(type));
    if (member(json, "fields", &value)) write_fields(out, value, space);
    if (member(json, "symbols", &value)) {
        saga_buffer_add(out, SAGA_SLICE(",\"symbols\":"));
        write_list(out, value, SAGA_SLICE_NONE);
    }
    if (member(json, "items", &value)) {
        saga_buffer_add(out, SAGA_SLICE(",\"items\":"));
        write_schema(out, value, space);
    }
    if (member(json, "values", &value)) {
        saga_buffer_add(out, SAGA_SLICE(",\"values\":"));
        write_schema(out, value, space);
    }
    if (member(json, "size", &value))
        saga_buffer_printf(out, ",\"size\":%.*s", SAGA_SLICE_ARG(value));
    saga_buffer_add_char(out, '}');
}

static void write_schema(struct saga_buffer *out, struct saga_slice json, struct saga_slice space)
{
    switch (saga_json_kind(json)) {
    case SAGA_JSON_STRING: write_name(out, text_of(out, json), space); break;
    case SAGA_JSON_ARRAY: write_list(out, json, space); break;
    case SAGA_JSON_OBJECT: write_object(out, json, space); break;
    default: saga_buffer_add(out, saga_json_trim(json)); break;
    }
}

struct saga_slice saga_avro_canonical(struct saga_slice schema, struct saga_arena *arena)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    write_schema(&out, schema, SAGA_SLICE_NONE);
    return saga_buffer_slice(&out);
}

uint64_t saga_avro_fingerprint(struct saga_slice schema)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    uint64_t fingerprint = saga_crc64_avro(saga_avro_canonical(schema, &arena));
    saga_arena_free(&arena);
    return fingerprint;
}
