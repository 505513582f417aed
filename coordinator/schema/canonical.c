/* Parsing Canonical Form and fingerprints. */
#include "base/buffer.h"
#include "base/hash.h"
#include "schema/schema.h"

struct writing {
    struct saga_buffer out;
    const struct saga_schema **seen; /* named types are written out once, then by name */
    size_t seen_count, seen_capacity;
};

static void write_type(struct writing *w, const struct saga_schema *schema);

static bool is_seen(struct writing *w, const struct saga_schema *schema)
{
    for (size_t i = 0; i < w->seen_count; i++)
        if (saga_slice_equal(w->seen[i]->name, schema->name)) return true;
    SAGA_PUSH(w->out.arena, w->seen, w->seen_count, w->seen_capacity, schema);
    return false;
}

static void write_fields(struct writing *w, const struct saga_schema *schema)
{
    saga_buffer_add(&w->out, SAGA_SLICE(",\"fields\":["));
    for (size_t i = 0; i < schema->field_count; i++) {
        saga_buffer_printf(&w->out, "%s{\"name\":\"%.*s\",\"type\":", i ? "," : "",
                           SAGA_SLICE_ARG(schema->fields[i].name));
        write_type(w, schema->fields[i].type);
        saga_buffer_add_char(&w->out, '}');
    }
    saga_buffer_add_char(&w->out, ']');
}

static void write_symbols(struct writing *w, const struct saga_schema *schema)
{
    saga_buffer_add(&w->out, SAGA_SLICE(",\"symbols\":["));
    for (size_t i = 0; i < schema->symbols.count; i++)
        saga_buffer_printf(&w->out, "%s\"%.*s\"", i ? "," : "",
                           SAGA_SLICE_ARG(schema->symbols.items[i]));
    saga_buffer_add_char(&w->out, ']');
}

static void write_named(struct writing *w, const struct saga_schema *schema)
{
    static const char *const types[] = {
        [SAGA_SCHEMA_FIXED] = "fixed", [SAGA_SCHEMA_ENUM] = "enum", [SAGA_SCHEMA_RECORD] = "record"
    };
    if (is_seen(w, schema)) {
        saga_buffer_printf(&w->out, "\"%.*s\"", SAGA_SLICE_ARG(schema->name));
        return;
    }
    saga_buffer_printf(&w->out, "{\"name\":\"%.*s\",\"type\":\"%s\"", SAGA_SLICE_ARG(schema->name),
                       types[schema->kind]);
    if (schema->kind == SAGA_SCHEMA_RECORD) write_fields(w, schema);
    if (schema->kind == SAGA_SCHEMA_ENUM) write_symbols(w, schema);
    if (schema->kind == SAGA_SCHEMA_FIXED)
        saga_buffer_printf(&w->out, ",\"size\":%zu", schema->size);
    saga_buffer_add_char(&w->out, '}');
}

static void write_union(struct writing *w, const struct saga_schema *schema)
{
    saga_buffer_add_char(&w->out, '[');
    for (size_t i = 0; i < schema->branch_count; i++) {
        if (i) saga_buffer_add_char(&w->out, ',');
        write_type(w, schema->branches[i]);
    }
    saga_buffer_add_char(&w->out, ']');
}

static void write_type(struct writing *w, const struct saga_schema *schema)
{
    static const char *const primitives[SAGA_SCHEMA_PRIMITIVES] = { "null",  "boolean", "int",
                                                                    "long",  "float",   "double",
                                                                    "bytes", "string" };
    switch (schema->kind) {
    case SAGA_SCHEMA_ARRAY:
        saga_buffer_add(&w->out, SAGA_SLICE("{\"type\":\"array\",\"items\":"));
        write_type(w, schema->item);
        saga_buffer_add_char(&w->out, '}');
        break;
    case SAGA_SCHEMA_MAP:
        saga_buffer_add(&w->out, SAGA_SLICE("{\"type\":\"map\",\"values\":"));
        write_type(w, schema->item);
        saga_buffer_add_char(&w->out, '}');
        break;
    case SAGA_SCHEMA_UNION: write_union(w, schema); break;
    case SAGA_SCHEMA_FIXED:
    case SAGA_SCHEMA_ENUM:
    case SAGA_SCHEMA_RECORD: write_named(w, schema); break;
    default: saga_buffer_printf(&w->out, "\"%s\"", primitives[schema->kind]);
    }
}

struct saga_slice saga_schema_canonical(const struct saga_schema *schema, struct saga_arena *arena)
{
    struct writing w = { 0 };
    saga_buffer_init(&w.out, arena);
    write_type(&w, schema);
    return saga_buffer_slice(&w.out);
}

uint64_t saga_schema_fingerprint(const struct saga_schema *schema)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    uint64_t fingerprint = saga_crc64_avro(saga_schema_canonical(schema, &arena));
    saga_arena_free(&arena);
    return fingerprint;
}
