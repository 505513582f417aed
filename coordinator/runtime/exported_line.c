#include "runtime/exported_line.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "schema/logical.h"

enum { FIELD_OFFSET, FIELD_TIME, FIELD_BEFORE, FIELD_KEY, FIELD_VALUE, FIELD_SHA256, FIELD_COUNT };

/* A text without escapes. */
static bool take_text(struct saga_slice json, struct saga_slice *ret)
{
    if (json.size < 2 || json.data[0] != '"' || memchr(json.data, '\\', json.size)) return false;
    *ret = (struct saga_slice){ json.data + 1, json.size - 2 };
    return true;
}

static bool take_bytes(struct saga_slice json, struct saga_arena *arena, struct saga_slice *ret)
{
    struct saga_slice text;
    *ret = SAGA_SLICE_NONE;
    if (saga_slice_is(json, "null")) return true;
    return take_text(json, &text) && saga_base64_read(text, arena, ret) == SAGA_OK;
}

static bool take_number(struct saga_slice json, int64_t *ret)
{
    unsigned long long number;
    bool negative = json.size && json.data[0] == '-'; /* a time that a foreign producer set */
    if (saga_slice_to_u64(saga_slice_skip(json, negative), &number) < 0 || number > INT64_MAX)
        return false;
    *ret = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static bool take_before(struct saga_slice json, struct saga_exported_line *ret)
{
    struct saga_slice text;
    ret->before = SAGA_EXPORTED_FOLLOWS;
    if (!json.data) return true;
    ret->before = SAGA_EXPORTED_UNKNOWN;
    if (saga_slice_is(json, "null")) return true;
    ret->before = SAGA_EXPORTED_AFTER;
    return take_text(json, &text) && saga_is_lower_hex(text, 2 * sizeof ret->chain) &&
           saga_unhex(text, ret->chain, sizeof ret->chain) == SAGA_OK;
}

bool saga_exported_line_parse(struct saga_slice text, struct saga_arena *arena,
                              struct saga_exported_line *ret)
{
    const struct saga_slice names[FIELD_COUNT] = {
        [FIELD_OFFSET] = SAGA_SLICE("offset"), [FIELD_TIME] = SAGA_SLICE("time"),
        [FIELD_BEFORE] = SAGA_SLICE("before"), [FIELD_KEY] = SAGA_SLICE("key"),
        [FIELD_VALUE] = SAGA_SLICE("value"),   [FIELD_SHA256] = SAGA_SLICE("sha256"),
    };
    struct saga_slice values[FIELD_COUNT];
    size_t offset;
    const char *why;
    *ret = (struct saga_exported_line){ 0 };
    return saga_json_validate(text, &offset, &why) == SAGA_OK &&
           saga_json_members(text, names, FIELD_COUNT, values) &&
           take_number(values[FIELD_OFFSET], &ret->message.offset) && ret->message.offset >= 0 &&
           take_number(values[FIELD_TIME], &ret->message.timestamp_ms) &&
           take_before(values[FIELD_BEFORE], ret) &&
           take_bytes(values[FIELD_KEY], arena, &ret->message.key) &&
           take_bytes(values[FIELD_VALUE], arena, &ret->message.value) &&
           (!values[FIELD_SHA256].data || take_text(values[FIELD_SHA256], &ret->sha256));
}
