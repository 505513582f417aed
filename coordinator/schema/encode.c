/* From JSON to Avro bytes. The same walk makes the bytes of a schema's defaults, whose JSON has rules of its own
 * (specification, Complex Types, Records). */

#include "base/error.h"
#include "base/json.h"
#include "schema/body.h"
#include "schema/encode_internal.h"
#include "schema/logical.h"

static bool encode(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                   place_t place);

/* ---- containers ---- */

static bool encode_items(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                         place_t place)
{
    struct saga_json_walk walk;
    struct saga_slice name, value;
    bool map = schema->kind == SAGA_SCHEMA_MAP;
    int64_t count = 0;
    if (saga_json_kind(json) != (map ? SAGA_JSON_OBJECT : SAGA_JSON_ARRAY))
        return saga_encode_wrong(e, schema, json, place);
    saga_json_walk_init(&walk, json);
    while (saga_json_walk_next(&walk, &name, &value)) count++;
    if (count) saga_encode_long(e, count);
    saga_json_walk_init(&walk, json);
    for (size_t i = 0; saga_json_walk_next(&walk, &name, &value); i++) {
        struct saga_place_in_body inside = { .up = place, .index = i };
        if (map) {
            (void)saga_json_text(name, e->arena, &inside.name);
            saga_encode_sized(e, inside.name);
        }
        if (!encode(e, schema->item, value, &inside)) return false;
    }
    saga_encode_long(e, 0);
    return true;
}

static size_t field_index(schema_t schema, struct saga_slice name)
{
    size_t i = 0;
    while (i < schema->field_count && !saga_slice_equal(schema->fields[i].name, name)) i++;
    return i;
}

/* The members of an object by the record's fields; of two with one name the last, as jq does it. */
static bool sort_members(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                         place_t place, struct saga_slice *values)
{
    struct saga_json_walk walk;
    struct saga_slice quoted, value, name;
    saga_json_walk_init(&walk, json);
    while (saga_json_walk_next(&walk, &quoted, &value)) {
        (void)saga_json_text(quoted, e->arena, &name);
        size_t index = field_index(schema, name);
        if (index == schema->field_count) {
            struct saga_place_in_body inside = { place, name, 0 };
            return REFUSE(e, &inside, "%.*s has no such field", SAGA_SLICE_ARG(schema->name));
        }
        values[index] = value;
    }
    return true;
}

static bool encode_default(struct saga_body_walk *e, struct saga_schema_field *field, place_t place)
{
    struct saga_slice words = SAGA_SLICE_NONE;
    if (!field->default_json.data) return REFUSE(e, place, "is missing and has no default");
    /* only while the defaults themselves are made are there any left to make */
    int error =
        field->default_bytes.data ? SAGA_OK : saga_schema_field_default(field, e->arena, &words);
    if (error < 0) return saga_body_refuse(e, error, place, "%.*s", SAGA_SLICE_ARG(words));
    saga_buffer_add(&e->out, field->default_bytes);
    return true;
}

static bool encode_record(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                          place_t place)
{
    if (saga_json_kind(json) != SAGA_JSON_OBJECT) return saga_encode_wrong(e, schema, json, place);
    struct saga_slice *values = SAGA_NEW_ARRAY(e->arena, struct saga_slice, schema->field_count);
    if (!sort_members(e, schema, json, place, values)) return false;
    for (size_t i = 0; i < schema->field_count; i++) {
        struct saga_schema_field *field = &schema->fields[i];
        struct saga_place_in_body inside = { place, field->name, 0 };
        bool good = values[i].data ? encode(e, field->type, values[i], &inside)
                                   : encode_default(e, field, &inside);
        if (!good) return false;
    }
    return true;
}

/* ---- unions ---- */

/* In which order the branches of a union are tried for a value, the narrowest first; 0: never. Whole numbers prefer
 * int and long, texts what has a form of its own. */
static int rank(schema_t branch, enum saga_schema_logical logical, enum saga_json_kind kind)
{
    bool time = saga_logical_is_time(logical);
    switch (branch->kind) {
    case SAGA_SCHEMA_NULL: return kind == SAGA_JSON_NULL;
    case SAGA_SCHEMA_BOOLEAN: return kind == SAGA_JSON_TRUE || kind == SAGA_JSON_FALSE;
    case SAGA_SCHEMA_INT:
    case SAGA_SCHEMA_LONG:
        if (time && kind == SAGA_JSON_STRING) return 3;
        if (kind != SAGA_JSON_NUMBER) return 0;
        return time ? 6 : branch->kind == SAGA_SCHEMA_INT ? 1 : 2;
    case SAGA_SCHEMA_DOUBLE: return kind == SAGA_JSON_NUMBER ? 4 : 0;
    case SAGA_SCHEMA_FLOAT: return kind == SAGA_JSON_NUMBER ? 5 : 0;
    case SAGA_SCHEMA_ENUM: return kind == SAGA_JSON_STRING ? 1 : 0;
    case SAGA_SCHEMA_STRING:
        if (kind != SAGA_JSON_STRING) return 0;
        return logical == SAGA_LOGICAL_UUID ? 2 : 4;
    case SAGA_SCHEMA_BYTES:
    case SAGA_SCHEMA_FIXED:
        if (logical == SAGA_LOGICAL_DECIMAL)
            return kind == SAGA_JSON_NUMBER ? 3 : kind == SAGA_JSON_STRING ? 7 : 0;
        if (logical == SAGA_LOGICAL_DURATION) return kind == SAGA_JSON_OBJECT ? 1 : 0;
        if (kind != SAGA_JSON_STRING) return 0;
        return logical == SAGA_LOGICAL_UUID ? 2 : branch->kind == SAGA_SCHEMA_FIXED ? 5 : 6;
    case SAGA_SCHEMA_ARRAY: return kind == SAGA_JSON_ARRAY;
    case SAGA_SCHEMA_RECORD: return kind == SAGA_JSON_OBJECT ? 2 : 0;
    case SAGA_SCHEMA_MAP: return kind == SAGA_JSON_OBJECT ? 3 : 0;
    case SAGA_SCHEMA_UNION: break;
    }
    return 0;
}

enum { RANK_MAX = 7 };

static int rank_of(const struct saga_body_walk *e, schema_t branch, struct saga_slice json)
{
    /* a default is of the first branch that takes it */
    if (e->as_default) return rank(branch, SAGA_LOGICAL_NONE, saga_json_kind(json)) != 0;
    return rank(branch, branch->logical, saga_json_kind(json));
}

static const char *branches_words(struct saga_body_walk *e, schema_t schema)
{
    enum { NAMED_MAX = 8 };
    struct saga_buffer words;
    if (e->quiet) return "";
    saga_buffer_init(&words, e->arena);
    for (size_t i = 0; i < schema->branch_count && i < NAMED_MAX; i++)
        saga_buffer_printf(&words, "%s%.*s", i ? " or " : "",
                           SAGA_SLICE_ARG(saga_schema_words(schema->branches[i], e->arena)));
    return saga_arena_string(e->arena, saga_buffer_slice(&words));
}

static bool encode_branch(struct saga_body_walk *e, schema_t schema, size_t index,
                          struct saga_slice json, place_t place)
{
    saga_encode_long(e, (int64_t)index);
    return encode(e, schema->branches[index], json, place);
}

/* As above, but what it wrote is taken back where it does not fit. */
static bool try_branch(struct saga_body_walk *e, schema_t schema, size_t index,
                       struct saga_slice json, place_t place, bool quiet)
{
    size_t size = e->out.size;
    unsigned depth = e->depth;
    bool was_quiet = e->quiet;
    e->quiet = quiet;
    bool good = encode_branch(e, schema, index, json, place);
    e->quiet = was_quiet;
    if (good || e->error == SAGA_E_LIMIT) return good;
    e->error = SAGA_OK;
    e->out.size = size;
    e->depth = depth;
    return false;
}

/* Says why the value fits no branch; `first` is the one that came into question first. */
static bool fits_none(struct saga_body_walk *e, schema_t schema, size_t first,
                      struct saga_slice json, place_t place)
{
    if (!e->quiet) (void)try_branch(e, schema, first, json, place, false);
    struct saga_slice words = e->words;
    return REFUSE(e, place, "fits none of %s (%.*s)", branches_words(e, schema),
                  SAGA_SLICE_ARG(words));
}

static bool try_branches(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                         place_t place)
{
    size_t first = schema->branch_count;
    for (int wanted = 1; wanted <= RANK_MAX; wanted++) {
        for (size_t i = 0; i < schema->branch_count; i++) {
            if (rank_of(e, schema->branches[i], json) != wanted) continue;
            if (first == schema->branch_count) first = i;
            if (try_branch(e, schema, i, json, place, true)) return true;
            if (e->error != SAGA_E_LIMIT) continue;
            e->error = SAGA_OK;
            return saga_body_refuse(e, SAGA_E_LIMIT, place, "too large, or too many values");
        }
    }
    return fits_none(e, schema, first, json, place);
}

static bool encode_union(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                         place_t place)
{
    size_t fitting = 0, only = 0;
    for (size_t i = 0; i < schema->branch_count; i++) {
        if (!rank_of(e, schema->branches[i], json)) continue;
        fitting++;
        only = i;
    }
    if (fitting == 1) return encode_branch(e, schema, only, json, place);
    if (fitting > 1) return try_branches(e, schema, json, place);
    return saga_encode_wrong_kind(e, branches_words(e, schema), json, place);
}

/* ---- the whole ---- */

static bool encode_kind(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                        place_t place)
{
    switch (schema->kind) {
    case SAGA_SCHEMA_ARRAY:
    case SAGA_SCHEMA_MAP: return encode_items(e, schema, json, place);
    case SAGA_SCHEMA_RECORD: return encode_record(e, schema, json, place);
    case SAGA_SCHEMA_UNION: return encode_union(e, schema, json, place);
    default: return saga_encode_scalar(e, schema, json, place);
    }
}

/* What looking at a value costs: trying the branches of unions may look at the same bytes again and again. */
static size_t cost_of(schema_t schema, struct saga_slice json)
{
    enum { BYTES_A_VALUE = 256 };
    return 1 + json.size / BYTES_A_VALUE + schema->field_count;
}

static bool encode(struct saga_body_walk *e, schema_t schema, struct saga_slice json, place_t place)
{
    if (e->holes && saga_slice_is(json, SAGA_SCHEMA_HOLE)) return true;
    if (!saga_body_enter(e, place, cost_of(schema, json))) return false;
    bool good = encode_kind(e, schema, json, place);
    saga_body_leave(e);
    return good;
}

int saga_schema_encode(const struct saga_schema *schema, struct saga_slice json, bool as_default,
                       size_t bytes_max, struct saga_arena *arena, struct saga_slice *ret_bytes,
                       struct saga_slice *ret_words)
{
    struct saga_body_walk e;
    saga_body_walk_init(&e, arena);
    e.as_default = as_default;
    e.out_max = bytes_max;
    bool good = encode(&e, schema, json, NULL);
    if (good && e.out.size > bytes_max)
        good = saga_body_refuse(&e, SAGA_E_LIMIT, NULL,
                                "as Avro it would be over the limit of %zu bytes", bytes_max);
    if (!good) {
        *ret_words = e.words;
        return e.error;
    }
    *ret_bytes = saga_buffer_slice(&e.out);
    return SAGA_OK;
}

int saga_schema_check(const struct saga_schema *schema, struct saga_slice json,
                      struct saga_arena *arena, struct saga_slice *ret_words)
{
    struct saga_body_walk e;
    saga_body_walk_init(&e, arena);
    e.holes = true;
    if (encode(&e, schema, json, NULL)) return SAGA_OK;
    *ret_words = e.words;
    return e.error;
}
