/* From JSON to Avro bytes: what holds no other values. */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "schema/encode_internal.h"
#include "schema/logical.h"
#include "schema/number.h"

/* ---- bytes ---- */

void saga_encode_long(struct saga_body_walk *e, int64_t value)
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

void saga_encode_sized(struct saga_body_walk *e, struct saga_slice bytes)
{
    saga_encode_long(e, (int64_t)bytes.size);
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

bool saga_encode_wrong_kind(struct saga_body_walk *e, const char *wanted, struct saga_slice json,
                            place_t place)
{
    return REFUSE(e, place, "must be %s, is %.*s", wanted, SAGA_SLICE_ARG(words_of(e, json)));
}

bool saga_encode_wrong(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                       place_t place)
{
    if (e->quiet) return saga_encode_wrong_kind(e, "", json, place);
    struct saga_slice wanted = saga_schema_words(schema, e->arena);
    return saga_encode_wrong_kind(e, saga_arena_string(e->arena, wanted), json, place);
}

/* ---- numbers ---- */

static bool encode_whole(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                         place_t place)
{
    struct saga_number number;
    bool narrow = schema->kind == SAGA_SCHEMA_INT;
    int64_t value, min = narrow ? INT32_MIN : INT64_MIN, max = narrow ? INT32_MAX : INT64_MAX;
    if (saga_number_read(json, e->arena, &number) < 0)
        return saga_encode_wrong(e, schema, json, place);
    int error = saga_number_to_whole(&number, min, max, &value);
    if (error == SAGA_E_INVALID) return saga_encode_wrong_kind(e, "a whole number", json, place);
    if (error < 0)
        return REFUSE(e, place, "%.*s does not fit into an %s of %d bits",
                      SAGA_SLICE_ARG(words_of(e, json)), narrow ? "int" : "integer",
                      narrow ? 32 : 64);
    saga_encode_long(e, value);
    return true;
}

static bool encode_time(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                        place_t place)
{
    struct saga_slice text;
    const char *example = saga_logical_example(schema->logical);
    int64_t value;
    if (saga_json_kind(json) == SAGA_JSON_NUMBER) return encode_whole(e, schema, json, place);
    if (saga_json_text(json, e->arena, &text) < 0)
        return saga_encode_wrong_kind(e, example, json, place);
    int error = saga_logical_parse(schema->logical, text, &value);
    if (error == SAGA_E_INVALID) return saga_encode_wrong_kind(e, example, json, place);
    if (error < 0)
        return REFUSE(e, place, "%.*s is more exact than %s, or too far away",
                      SAGA_SLICE_ARG(words_of(e, json)), example);
    saga_encode_long(e, value);
    return true;
}

static bool encode_fraction(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                            place_t place)
{
    bool narrow = schema->kind == SAGA_SCHEMA_FLOAT;
    float single = 0;
    double value = 0;
    uint64_t bits = 0;
    if (saga_json_kind(json) != SAGA_JSON_NUMBER) return saga_encode_wrong(e, schema, json, place);
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
    if (saga_json_text(json, e->arena, &text) < 0) return saga_encode_wrong(e, schema, json, place);
    if (schema->logical == SAGA_LOGICAL_UUID && !e->as_default && saga_uuid_parse(text, uuid) < 0)
        return saga_encode_wrong_kind(e, "a uuid", json, place);
    saga_encode_sized(e, text);
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
    if (saga_number_read(text, e->arena, &number) < 0)
        return saga_encode_wrong(e, schema, json, place);
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
    if (saga_json_kind(json) != SAGA_JSON_OBJECT)
        return saga_encode_wrong_kind(e, wanted, json, place);
    for (size_t part = 0; part < 3; part++) {
        struct saga_slice value;
        struct saga_number number;
        int64_t whole;
        if (saga_json_member(json, saga_slice_of(names[part]), &value) < 0 ||
            saga_number_read(value, e->arena, &number) < 0 ||
            saga_number_to_whole(&number, 0, UINT32_MAX, &whole) < 0)
            return saga_encode_wrong_kind(e, wanted, json, place);
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
        return saga_encode_wrong_kind(e, "a uuid", json, place);
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
    if (saga_json_text(json, e->arena, &text) < 0) return saga_encode_wrong(e, schema, json, place);
    if (e->as_default)
        return bytes_of_characters(text, e->arena, ret) ||
               saga_encode_wrong(e, schema, json, place);
    return saga_base64_read(text, e->arena, ret) == SAGA_OK ||
           saga_encode_wrong_kind(e, "bytes as a base64 text", json, place);
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
    if (saga_json_text(json, e->arena, &text) < 0) return saga_encode_wrong(e, schema, json, place);
    for (size_t i = 0; i < schema->symbols.count; i++)
        if (saga_slice_equal(schema->symbols.items[i], text)) {
            saga_encode_long(e, (int64_t)i);
            return true;
        }
    return REFUSE(e, place, "%.*s is no symbol of %.*s", SAGA_SLICE_ARG(words_of(e, json)),
                  SAGA_SLICE_ARG(schema->name));
}

/* ---- the kinds ---- */

bool saga_encode_scalar(struct saga_body_walk *e, schema_t schema, struct saga_slice json,
                        place_t place)
{
    enum saga_json_kind kind = saga_json_kind(json);
    struct saga_slice bytes;
    switch (schema->kind) {
    case SAGA_SCHEMA_NULL:
        return kind == SAGA_JSON_NULL || saga_encode_wrong(e, schema, json, place);
    case SAGA_SCHEMA_BOOLEAN:
        if (kind != SAGA_JSON_TRUE && kind != SAGA_JSON_FALSE)
            return saga_encode_wrong(e, schema, json, place);
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
        saga_encode_sized(e, bytes);
        return true;
    case SAGA_SCHEMA_FIXED: return encode_fixed(e, schema, json, place);
    case SAGA_SCHEMA_ENUM: return encode_enum(e, schema, json, place);
    default: return false; /* encode.c has the others */
    }
}
