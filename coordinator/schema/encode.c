/* From JSON to Avro bytes. The same walk makes the bytes of a schema's defaults, whose JSON has rules of its own
 * (specification, Complex Types, Records). */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "schema/body.h"
#include "schema/logical.h"
#include "schema/number.h"
#include "schema/schema_internal.h"

typedef const struct saga_schema *schema_t;
typedef const struct saga_place_in_body *place_t;

static bool encode(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                   place_t place);

/* Always false; said in a way that the compiler sees. */
#define REFUSE(e, place, ...) (saga_body_refuse((e), SAGA_E_INVALID, (place), __VA_ARGS__), false)

/* ---- bytes ---- */

static void put_long(struct saga_body_walk *e, int64_t value)
{
    uint64_t rest = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
    for (; rest > 0x7f; rest >>= 7) saga_buffer_add_char(&e->out, (char)((rest & 0x7f) | 0x80));
    saga_buffer_add_char(&e->out, (char)rest);
}

static void put_bits(struct saga_body_walk *e, uint64_t bits, size_t size)
{
    for (size_t i = 0; i < size; i++, bits >>= 8)
        saga_buffer_add_char(&e->out, (char)(bits & 0xff));
}

static void put_sized(struct saga_body_walk *e, struct saga_slice bytes)
{
    put_long(e, (int64_t)bytes.size);
    saga_buffer_add(&e->out, bytes);
}

/* ---- words ---- */

/* What a value looks like, for words: its kind, and itself where it is short. */
static struct saga_slice words_of(struct saga_body_walk *e, struct saga_slice json)
{
    static const char *const names[] = { "null",      "",         "",         "the number ",
                                         "the text ", "an array", "an object" };
    enum saga_json_kind kind = saga_json_kind(json);
    if (e->quiet) return SAGA_SLICE_NONE;
    bool container = kind == SAGA_JSON_ARRAY || kind == SAGA_JSON_OBJECT;
    json = saga_json_trim(json);
    if (kind == SAGA_JSON_NULL || container) return saga_slice_of(names[kind]);
    return saga_arena_printf(e->arena, "%s%.*s%s", names[kind],
                             SAGA_SLICE_ARG(saga_slice_clip(json, 60)),
                             json.size > 60 ? "..." : "");
}

/* "must be a long, is the text ..." */
static bool wrong_kind(struct saga_body_walk *e, const char *wanted, struct saga_slice json,
                       place_t place)
{
    return REFUSE(e, place, "must be %s, is %.*s", wanted, SAGA_SLICE_ARG(words_of(e, json)));
}

static bool wrong(struct saga_body_walk *e, schema_t schema, struct saga_slice json, place_t place)
{
    if (e->quiet) return wrong_kind(e, "", json, place);
    struct saga_slice wanted = saga_schema_words(schema, e->arena);
    return wrong_kind(e, saga_arena_string(e->arena, wanted), json, place);
}

/* ---- numbers ---- */

static bool encode_whole(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                         place_t place)
{
    struct saga_number number;
    bool narrow = schema->kind == SAGA_SCHEMA_INT;
    int64_t value, min = narrow ? INT32_MIN : INT64_MIN, max = narrow ? INT32_MAX : INT64_MAX;
    if (saga_number_read(json, e->arena, &number) < 0) return wrong(e, schema, json, place);
    int error = saga_number_to_whole(&number, min, max, &value);
    if (error == SAGA_E_INVALID) return wrong_kind(e, "a whole number", json, place);
    if (error < 0)
        return REFUSE(e, place, "%.*s does not fit into an %s of %d bits",
                      SAGA_SLICE_ARG(words_of(e, json)), narrow ? "int" : "integer",
                      narrow ? 32 : 64);
    put_long(e, value);
    return true;
}

static bool encode_time(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                        place_t place)
{
    struct saga_slice text;
    const char *example = saga_logical_example(schema->logical);
    int64_t value;
    if (saga_json_kind(json) == SAGA_JSON_NUMBER) return encode_whole(e, schema, json, place);
    if (saga_json_text(json, e->arena, &text) < 0) return wrong_kind(e, example, json, place);
    int error = saga_logical_parse(schema->logical, text, &value);
    if (error == SAGA_E_INVALID) return wrong_kind(e, example, json, place);
    if (error < 0)
        return REFUSE(e, place, "%.*s is more exact than %s, or too far away",
                      SAGA_SLICE_ARG(words_of(e, json)), example);
    put_long(e, value);
    return true;
}

static bool encode_fraction(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                            place_t place)
{
    bool narrow = schema->kind == SAGA_SCHEMA_FLOAT;
    float single = 0;
    double value = 0;
    uint64_t bits = 0;
    if (saga_json_kind(json) != SAGA_JSON_NUMBER) return wrong(e, schema, json, place);
    struct saga_slice text = saga_json_trim(json);
    int error = narrow ? saga_number_to_float(text, e->arena, &single)
                       : saga_number_to_double(text, e->arena, &value);
    if (error < 0)
        return REFUSE(e, place, "a %s cannot hold %.*s", narrow ? "float" : "double",
                      SAGA_SLICE_ARG(words_of(e, json)));
    if (narrow) {
        uint32_t few;
        memcpy(&few, &single, sizeof few);
        bits = few;
    } else {
        memcpy(&bits, &value, sizeof bits);
    }
    put_bits(e, bits, narrow ? 4 : 8);
    return true;
}

/* ---- texts and bytes ---- */

static bool encode_string(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                          place_t place)
{
    struct saga_slice text;
    uint8_t uuid[16];
    if (saga_json_text(json, e->arena, &text) < 0) return wrong(e, schema, json, place);
    if (schema->logical == SAGA_LOGICAL_UUID && !e->as_default && saga_uuid_parse(text, uuid) < 0)
        return wrong_kind(e, "a uuid", json, place);
    put_sized(e, text);
    return true;
}

/* A default's bytes are a text whose characters, up to U+00FF, are the bytes. */
static bool bytes_of_characters(struct saga_slice text, struct saga_arena *arena,
                                struct saga_slice *ret)
{
    char *bytes = saga_arena_alloc(arena, text.size + 1);
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x80) {
            if (c > 0xc3) return false; /* beyond U+00FF; a JSON text is valid UTF-8 */
            c = (unsigned char)((c & 3) << 6 | ((unsigned char)text.data[++i] & 0x3f));
        }
        bytes[count++] = (char)c;
    }
    *ret = (struct saga_slice){ bytes, count };
    return true;
}

static bool take_decimal(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                         place_t place, struct saga_slice *ret)
{
    struct saga_number number;
    struct saga_slice text = json;
    if (saga_json_kind(json) == SAGA_JSON_STRING) (void)saga_json_text(json, e->arena, &text);
    if (saga_number_read(text, e->arena, &number) < 0) return wrong(e, schema, json, place);
    int error = saga_number_to_decimal(&number, schema->precision, schema->scale, e->arena, ret);
    if (error == SAGA_E_INVALID)
        return REFUSE(e, place, "%.*s has more than %u decimals", SAGA_SLICE_ARG(words_of(e, json)),
                      schema->scale);
    return error == SAGA_OK || REFUSE(e, place, "%.*s has more than %u digits",
                                      SAGA_SLICE_ARG(words_of(e, json)), schema->precision);
}

static bool take_duration(struct saga_body_walk *e, struct saga_slice json, place_t place,
                          struct saga_slice *ret)
{
    static const char *const names[] = { "months", "days", "millis" };
    static const char wanted[] = "a duration as {\"months\":1,\"days\":2,\"millis\":3}";
    char *bytes = saga_arena_alloc(e->arena, 12);
    if (saga_json_kind(json) != SAGA_JSON_OBJECT) return wrong_kind(e, wanted, json, place);
    for (size_t part = 0; part < 3; part++) {
        struct saga_slice value;
        struct saga_number number;
        int64_t whole;
        if (saga_json_member(json, saga_slice_of(names[part]), &value) < 0 ||
            saga_number_read(value, e->arena, &number) < 0 ||
            saga_number_to_whole(&number, 0, UINT32_MAX, &whole) < 0)
            return wrong_kind(e, wanted, json, place);
        for (size_t i = 0; i < 4; i++) bytes[part * 4 + i] = (char)(whole >> 8 * i & 0xff);
    }
    *ret = (struct saga_slice){ bytes, 12 };
    return true;
}

static bool take_uuid(struct saga_body_walk *e, struct saga_slice json, place_t place,
                      struct saga_slice *ret)
{
    struct saga_slice text;
    uint8_t *bytes = saga_arena_alloc(e->arena, 16);
    if (saga_json_text(json, e->arena, &text) < 0 || saga_uuid_parse(text, bytes) < 0)
        return wrong_kind(e, "a uuid", json, place);
    *ret = (struct saga_slice){ (const char *)bytes, 16 };
    return true;
}

/* The bytes that the JSON of a bytes or fixed stands for. */
static bool take_bytes(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                       place_t place, struct saga_slice *ret)
{
    struct saga_slice text;
    enum saga_schema_logical logical = e->as_default ? SAGA_LOGICAL_NONE : schema->logical;
    if (logical == SAGA_LOGICAL_DECIMAL) return take_decimal(e, schema, json, place, ret);
    if (logical == SAGA_LOGICAL_DURATION) return take_duration(e, json, place, ret);
    if (logical == SAGA_LOGICAL_UUID) return take_uuid(e, json, place, ret);
    if (saga_json_text(json, e->arena, &text) < 0) return wrong(e, schema, json, place);
    if (e->as_default)
        return bytes_of_characters(text, e->arena, ret) || wrong(e, schema, json, place);
    return saga_base64_read(text, e->arena, ret) == SAGA_OK ||
           wrong_kind(e, "bytes as a base64 text", json, place);
}

static bool encode_fixed(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                         place_t place)
{
    struct saga_slice bytes;
    bool decimal = schema->logical == SAGA_LOGICAL_DECIMAL && !e->as_default;
    if (!take_bytes(e, schema, json, place, &bytes)) return false;
    if (bytes.size > schema->size || (!decimal && bytes.size != schema->size))
        return REFUSE(e, place, "must be %zu bytes, is %zu", schema->size, bytes.size);
    char sign = (char)(bytes.size && bytes.data[0] & 0x80 ? 0xff : 0);
    for (size_t i = bytes.size; i < schema->size; i++) saga_buffer_add_char(&e->out, sign);
    saga_buffer_add(&e->out, bytes);
    return true;
}

static bool encode_enum(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                        place_t place)
{
    struct saga_slice text;
    if (saga_json_text(json, e->arena, &text) < 0) return wrong(e, schema, json, place);
    for (size_t i = 0; i < schema->symbols.count; i++)
        if (saga_slice_equal(schema->symbols.items[i], text)) {
            put_long(e, (int64_t)i);
            return true;
        }
    return REFUSE(e, place, "%.*s is no symbol of %.*s", SAGA_SLICE_ARG(words_of(e, json)),
                  SAGA_SLICE_ARG(schema->name));
}

/* ---- containers ---- */

static bool encode_items(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                         place_t place)
{
    struct saga_json_walk walk;
    struct saga_slice name, value;
    bool map = schema->kind == SAGA_SCHEMA_MAP;
    int64_t count = 0;
    if (saga_json_kind(json) != (map ? SAGA_JSON_OBJECT : SAGA_JSON_ARRAY))
        return wrong(e, schema, json, place);
    saga_json_walk_init(&walk, json);
    while (saga_json_walk_next(&walk, &name, &value)) count++;
    if (count) put_long(e, count);
    saga_json_walk_init(&walk, json);
    for (size_t i = 0; saga_json_walk_next(&walk, &name, &value); i++) {
        struct saga_place_in_body inside = { .up = place, .index = i };
        if (map) {
            (void)saga_json_text(name, e->arena, &inside.name);
            put_sized(e, inside.name);
        }
        if (!encode(e, schema->item, value, &inside)) return false;
    }
    put_long(e, 0);
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
    if (saga_json_kind(json) != SAGA_JSON_OBJECT) return wrong(e, schema, json, place);
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
    put_long(e, (int64_t)index);
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
    return wrong_kind(e, branches_words(e, schema), json, place);
}

/* ---- the whole ---- */

static bool encode_kind(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                        place_t place)
{
    enum saga_json_kind kind = saga_json_kind(json);
    struct saga_slice bytes;
    switch (schema->kind) {
    case SAGA_SCHEMA_NULL: return kind == SAGA_JSON_NULL || wrong(e, schema, json, place);
    case SAGA_SCHEMA_BOOLEAN:
        if (kind != SAGA_JSON_TRUE && kind != SAGA_JSON_FALSE) return wrong(e, schema, json, place);
        saga_buffer_add_char(&e->out, kind == SAGA_JSON_TRUE);
        return true;
    case SAGA_SCHEMA_INT:
    case SAGA_SCHEMA_LONG:
        return saga_logical_is_time(schema->logical) && !e->as_default
                   ? encode_time(e, schema, json, place)
                   : encode_whole(e, schema, json, place);
    case SAGA_SCHEMA_FLOAT:
    case SAGA_SCHEMA_DOUBLE: return encode_fraction(e, schema, json, place);
    case SAGA_SCHEMA_STRING: return encode_string(e, schema, json, place);
    case SAGA_SCHEMA_BYTES:
        if (!take_bytes(e, schema, json, place, &bytes)) return false;
        put_sized(e, bytes);
        return true;
    case SAGA_SCHEMA_FIXED: return encode_fixed(e, schema, json, place);
    case SAGA_SCHEMA_ENUM: return encode_enum(e, schema, json, place);
    case SAGA_SCHEMA_ARRAY:
    case SAGA_SCHEMA_MAP: return encode_items(e, schema, json, place);
    case SAGA_SCHEMA_RECORD: return encode_record(e, schema, json, place);
    case SAGA_SCHEMA_UNION: return encode_union(e, schema, json, place);
    }
    return false;
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
