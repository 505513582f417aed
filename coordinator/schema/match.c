/* Which types go together, and what is said of a body that does not fit. */
#include "base/error.h"
#include "base/limits.h"
#include "schema/schema_internal.h"

enum { NO_MATCH, MATCH_PROMOTED, MATCH_ALIAS, MATCH_SHORT_NAME, MATCH_SAME };

static bool is_promoted(enum saga_schema_kind writer, enum saga_schema_kind reader)
{
    switch (writer) {
    case SAGA_SCHEMA_INT:
        return reader == SAGA_SCHEMA_LONG || reader == SAGA_SCHEMA_FLOAT ||
               reader == SAGA_SCHEMA_DOUBLE;
    case SAGA_SCHEMA_LONG: return reader == SAGA_SCHEMA_FLOAT || reader == SAGA_SCHEMA_DOUBLE;
    case SAGA_SCHEMA_FLOAT: return reader == SAGA_SCHEMA_DOUBLE;
    case SAGA_SCHEMA_STRING: return reader == SAGA_SCHEMA_BYTES;
    case SAGA_SCHEMA_BYTES: return reader == SAGA_SCHEMA_STRING;
    default: return false;
    }
}

static int match_names(const struct saga_schema *writer, const struct saga_schema *reader)
{
    if (saga_slice_equal(writer->name, reader->name)) return MATCH_SAME;
    if (saga_slice_equal(saga_schema_short_name(writer->name),
                         saga_schema_short_name(reader->name)))
        return MATCH_SHORT_NAME;
    for (size_t i = 0; i < reader->aliases.count; i++)
        if (saga_slice_equal(reader->aliases.items[i], writer->name)) return MATCH_ALIAS;
    return NO_MATCH;
}

int saga_schema_match(const struct saga_schema *writer, const struct saga_schema *reader)
{
    if (writer->kind != reader->kind)
        return is_promoted(writer->kind, reader->kind) ? MATCH_PROMOTED : NO_MATCH;
    switch (writer->kind) {
    case SAGA_SCHEMA_UNION: return NO_MATCH;
    case SAGA_SCHEMA_FIXED:
        return writer->size == reader->size ? match_names(writer, reader) : NO_MATCH;
    case SAGA_SCHEMA_ENUM:
    case SAGA_SCHEMA_RECORD: return match_names(writer, reader);
    default: return MATCH_SAME;
    }
}

const struct saga_schema_field *saga_schema_field_read(const struct saga_schema *reader,
                                                       struct saga_slice writers_name)
{
    for (size_t i = 0; i < reader->field_count; i++)
        if (saga_slice_equal(reader->fields[i].name, writers_name)) return &reader->fields[i];
    for (size_t i = 0; i < reader->field_count; i++)
        for (size_t a = 0; a < reader->fields[i].aliases.count; a++)
            if (saga_slice_equal(reader->fields[i].aliases.items[a], writers_name))
                return &reader->fields[i];
    return NULL;
}

/* ---- walking a body ---- */

void saga_body_walk_init(struct saga_body_walk *walk, struct saga_arena *arena)
{
    *walk = (struct saga_body_walk){ .arena = arena,
                                     .out_max = SAGA_PAYLOAD_BYTES_MAX,
                                     .values = SAGA_BODY_VALUES_MAX };
    saga_buffer_init(&walk->out, arena);
}

/* How many of the outer names words repeat: enough to find a place by. */
enum { PLACES_MAX = 12 };

static void add_place(struct saga_buffer *out, const struct saga_place_in_body *place, int more)
{
    if (place->up && more) add_place(out, place->up, more - 1);
    if (place->up && !more) saga_buffer_add(out, SAGA_SLICE("..."));
    if (!place->name.data) {
        saga_buffer_printf(out, "[%zu]", place->index);
        return;
    }
    if (out->size) saga_buffer_add_char(out, '.');
    saga_buffer_add(out, saga_slice_clip(place->name, 80));
}

bool saga_body_refuse(struct saga_body_walk *walk, int error,
                      const struct saga_place_in_body *place, const char *format, ...)
{
    va_list arguments;
    struct saga_buffer where;
    if (walk->error) return false;
    walk->error = error;
    if (walk->quiet) return false;
    va_start(arguments, format);
    struct saga_slice words = saga_arena_vprintf(walk->arena, format, arguments);
    va_end(arguments);
    saga_buffer_init(&where, walk->arena);
    if (place) add_place(&where, place, PLACES_MAX);
    walk->words =
        place ? saga_arena_printf(walk->arena, "field %.*s: %.*s",
                                  SAGA_SLICE_ARG(saga_buffer_slice(&where)), SAGA_SLICE_ARG(words))
              : words;
    return false;
}

bool saga_body_enter(struct saga_body_walk *walk, const struct saga_place_in_body *place,
                     size_t cost)
{
    if (walk->depth >= SAGA_JSON_DEPTH_MAX)
        return saga_body_refuse(walk, SAGA_E_LIMIT, place, "nested more than %d deep",
                                SAGA_JSON_DEPTH_MAX);
    if (walk->values < cost)
        return saga_body_refuse(walk, SAGA_E_LIMIT, place, "more than %d values",
                                SAGA_BODY_VALUES_MAX);
    if (walk->out.size > walk->out_max)
        return saga_body_refuse(walk, SAGA_E_LIMIT, place,
                                "it would be over the limit of %zu bytes", walk->out_max);
    walk->values -= cost;
    walk->depth++;
    return true;
}

void saga_body_leave(struct saga_body_walk *walk)
{
    walk->depth--;
}
