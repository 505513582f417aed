/* Walks bytes against a schema, as avro-c has parsed it: the second opinion on which bytes fit. It knows nothing of the
 * tables by which records and states are read. avro-c must not be asked itself, since 1.11.1 crashes on a bad enum index
 * and on a huge count of an array of nulls. */
#ifndef SAGA_TESTS_UNIT_CODEC_AVRO_WALK_H
#define SAGA_TESTS_UNIT_CODEC_AVRO_WALK_H

#include <avro.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/slice.h"

/* Items without bytes of their own (nulls) cost nothing on the wire: their count is what must be bounded. */
enum { EMPTY_ITEMS_MAX = 1024 };

struct walk {
    const unsigned char *from, *at, *end;
    const char *why;
};

static bool refuse(struct walk *w, const char *why)
{
    if (!w->why) w->why = why;
    return false;
}

static bool read_long(struct walk *w, int64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (w->at == w->end) return refuse(w, "a number that does not end");
        unsigned char byte = *w->at++;
        if (shift == 63 && byte > 1) return refuse(w, "a number of more than 64 bits");
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret = (int64_t)(value >> 1 ^ (0 - (value & 1)));
            return true;
        }
    }
    return refuse(w, "a number of more than 64 bits");
}

static bool skip_bytes(struct walk *w, int64_t size)
{
    if (size < 0 || size > w->end - w->at) return refuse(w, "a length beyond the end");
    w->at += size;
    return true;
}

static bool walk_value(struct walk *w, avro_schema_t schema, int depth);

static bool walk_int(struct walk *w)
{
    int64_t value;
    if (!read_long(w, &value)) return false;
    return (value >= INT32_MIN && value <= INT32_MAX) || refuse(w, "an int of more than 32 bits");
}

static bool walk_boolean(struct walk *w)
{
    if (w->at == w->end || *w->at > 1) return refuse(w, "a boolean that is none");
    w->at++;
    return true;
}

static bool walk_sized(struct walk *w)
{
    int64_t size;
    return read_long(w, &size) && skip_bytes(w, size);
}

static bool walk_index(struct walk *w, size_t count, size_t *ret)
{
    int64_t index;
    if (!read_long(w, &index)) return false;
    if (index < 0 || (uint64_t)index >= count)
        return refuse(w, "an index that the schema does not have");
    *ret = (size_t)index;
    return true;
}

static bool walk_blocks(struct walk *w, avro_schema_t item, bool keyed, int depth)
{
    int64_t empty_items = 0;
    for (;;) {
        int64_t count, size;
        if (!read_long(w, &count)) return false;
        if (count == 0) return true;
        if (count < 0) {
            if (count == INT64_MIN || !read_long(w, &size) || size < 0 || size > w->end - w->at)
                return refuse(w, "a block beyond the end");
            count = -count;
        }
        for (int64_t i = 0; i < count; i++) {
            const unsigned char *before = w->at;
            if (keyed && !walk_sized(w)) return false;
            if (!walk_value(w, item, depth)) return false;
            if (w->at == before && ++empty_items > EMPTY_ITEMS_MAX)
                return refuse(w, "too many empty items");
        }
    }
}

static bool walk_record(struct walk *w, avro_schema_t schema, int depth)
{
    size_t count = avro_schema_record_size(schema);
    for (size_t i = 0; i < count; i++)
        if (!walk_value(w, avro_schema_record_field_get_by_index(schema, (int)i), depth))
            return false;
    return true;
}

static bool walk_value(struct walk *w, avro_schema_t schema, int depth)
{
    size_t index;
    int64_t number;
    if (depth > SAGA_NESTING_MAX) return refuse(w, "nested too deeply");
    switch (avro_typeof(schema)) {
    case AVRO_NULL: return true;
    case AVRO_BOOLEAN: return walk_boolean(w);
    case AVRO_INT32: return walk_int(w);
    case AVRO_INT64: return read_long(w, &number);
    case AVRO_FLOAT: return skip_bytes(w, 4);
    case AVRO_DOUBLE: return skip_bytes(w, 8);
    case AVRO_STRING:
    case AVRO_BYTES: return walk_sized(w);
    case AVRO_FIXED: return skip_bytes(w, avro_schema_fixed_size(schema));
    case AVRO_ENUM:
        return walk_index(w, (size_t)avro_schema_enum_number_of_symbols(schema), &index);
    case AVRO_ARRAY: return walk_blocks(w, avro_schema_array_items(schema), false, depth + 1);
    case AVRO_MAP: return walk_blocks(w, avro_schema_map_values(schema), true, depth + 1);
    case AVRO_UNION:
        return walk_index(w, avro_schema_union_size(schema), &index) &&
               walk_value(w, avro_schema_union_branch(schema, (int)index), depth + 1);
    case AVRO_RECORD: return walk_record(w, schema, depth + 1);
    case AVRO_LINK: return walk_value(w, avro_schema_link_target(schema), depth + 1);
    default: return refuse(w, "a type that is not known");
    }
}

/* Do the bytes hold exactly one datum of the schema? If not, `*ret_offset` is where they stop fitting; returns why. */
static const char *walk_bytes(avro_schema_t schema, struct saga_slice bytes, size_t *ret_offset)
{
    const unsigned char *from = (const unsigned char *)bytes.data;
    struct walk w = { from, from, from + bytes.size, NULL };
    if (walk_value(&w, schema, 0) && w.at != w.end) refuse(&w, "bytes behind the end");
    *ret_offset = (size_t)(w.at - w.from);
    return w.why;
}

#endif
