/* Made-up values, for services that are only simulated. */
#include "base/buffer.h"
#include "schema/body.h"
#include "schema/logical.h"

enum {
    DEPTH_MAX = 6, /* beyond, what may be null or empty is */
    BYTES_MAX = 65536
};

static void write_value(struct saga_buffer *out, const struct saga_schema *schema,
                        struct saga_slice name, int depth);

static void write_whole(struct saga_buffer *out, const struct saga_schema *schema)
{
    static const int64_t of_kind = 1;
    char text[SAGA_LOGICAL_TEXT_BYTES];
    if (!saga_logical_is_time(schema->logical)) {
        saga_buffer_add(out, SAGA_SLICE("1"));
    } else if (saga_logical_format(schema->logical, of_kind, text) == 0) {
        saga_buffer_printf(out, "\"%s\"", text);
    }
}

static void write_bytes(struct saga_buffer *out, const struct saga_schema *schema)
{
    static const char *const of_logical[] = {
        [SAGA_LOGICAL_DECIMAL] = "0",
        [SAGA_LOGICAL_UUID] = "\"00000000-0000-4000-8000-000000000000\"",
        [SAGA_LOGICAL_DURATION] = "{\"months\":0,\"days\":0,\"millis\":0}",
    };
    if (schema->logical != SAGA_LOGICAL_NONE) {
        saga_buffer_add(out, saga_slice_of(of_logical[schema->logical]));
        return;
    }
    struct saga_slice zeros = { saga_arena_alloc(out->arena, schema->size), schema->size };
    saga_buffer_printf(out, "\"%.*s\"", SAGA_SLICE_ARG(saga_base64(zeros, out->arena)));
}

static void write_record(struct saga_buffer *out, const struct saga_schema *schema, int depth)
{
    bool first = true;
    saga_buffer_add_char(out, '{');
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct saga_schema_field *field = &schema->fields[i];
        if (field->default_json.data) continue;
        saga_buffer_printf(out, "%s\"%.*s\":", first ? "" : ",", SAGA_SLICE_ARG(field->name));
        write_value(out, field->type, field->name, depth + 1);
        first = false;
    }
    saga_buffer_add_char(out, '}');
}

/* The first branch that says something. */
static void write_union(struct saga_buffer *out, const struct saga_schema *schema,
                        struct saga_slice name, int depth)
{
    const struct saga_schema *chosen = schema->branch_count ? schema->branches[0] : NULL;
    for (size_t i = 0; i < schema->branch_count; i++) {
        bool null = schema->branches[i]->kind == SAGA_SCHEMA_NULL;
        if (null != (depth >= DEPTH_MAX)) continue;
        chosen = schema->branches[i];
        break;
    }
    if (chosen) write_value(out, chosen, name, depth + 1);
}

static void write_value(struct saga_buffer *out, const struct saga_schema *schema,
                        struct saga_slice name, int depth)
{
    /* a record that contains itself whatever one does, or far too often */
    if (depth > 2 * DEPTH_MAX || out->size > BYTES_MAX) {
        saga_buffer_add(out, SAGA_SLICE("null"));
        return;
    }
    switch (schema->kind) {
    case SAGA_SCHEMA_NULL: saga_buffer_add(out, SAGA_SLICE("null")); break;
    case SAGA_SCHEMA_BOOLEAN: saga_buffer_add(out, SAGA_SLICE("true")); break;
    case SAGA_SCHEMA_INT:
    case SAGA_SCHEMA_LONG: write_whole(out, schema); break;
    case SAGA_SCHEMA_FLOAT:
    case SAGA_SCHEMA_DOUBLE: saga_buffer_add(out, SAGA_SLICE("1")); break;
    case SAGA_SCHEMA_STRING:
        if (schema->logical == SAGA_LOGICAL_UUID)
            write_bytes(out, schema);
        else
            saga_buffer_printf(out, "\"%.*s-%%s\"", SAGA_SLICE_ARG(name));
        break;
    case SAGA_SCHEMA_BYTES:
    case SAGA_SCHEMA_FIXED: write_bytes(out, schema); break;
    case SAGA_SCHEMA_ENUM:
        saga_buffer_printf(
            out, "\"%.*s\"",
            SAGA_SLICE_ARG(schema->symbols.count ? schema->symbols.items[0] : SAGA_SLICE("")));
        break;
    case SAGA_SCHEMA_ARRAY:
        saga_buffer_add_char(out, '[');
        if (depth < DEPTH_MAX) write_value(out, schema->item, name, depth + 1);
        saga_buffer_add_char(out, ']');
        break;
    case SAGA_SCHEMA_MAP: saga_buffer_add(out, SAGA_SLICE("{}")); break;
    case SAGA_SCHEMA_UNION: write_union(out, schema, name, depth); break;
    case SAGA_SCHEMA_RECORD: write_record(out, schema, depth); break;
    }
}

struct saga_slice saga_schema_example(const struct saga_schema *schema, struct saga_arena *arena)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    write_value(&out, schema, SAGA_SLICE("value"), 0);
    return saga_buffer_slice(&out);
}
