/* Reading Avro, straight into the structs. Bytes come from Kafka and Redis, where anything may have happened to them:
 * nothing is believed that was not looked at, and nothing is taken that the bytes could not fill. */
#include <string.h>

#include "base/error.h"
#include "codec/avro_fields.h"

/* Room for so many items of an array is made at once, if that many are said to come; for more when they have come. */
enum { ITEMS_AT_ONCE_MAX = 64 };

static bool refuse(struct saga_avro_in *in, const char *why)
{
    if (!in->why) in->why = why;
    return false;
}

static bool read_long_number(struct saga_avro_in *in, int64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (in->at == in->end) return refuse(in, "a number that does not end");
        unsigned char byte = *in->at++;
        if (shift == 63 && byte > 1) return refuse(in, "a number of more than 64 bits");
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret = (int64_t)(value >> 1 ^ (0 - (value & 1)));
            return true;
        }
    }
    return refuse(in, "a number of more than 64 bits");
}

/* Most are lengths and counts of one byte. */
static inline bool read_long(struct saga_avro_in *in, int64_t *ret)
{
    if (in->at == in->end || *in->at & 0x80) return read_long_number(in, ret);
    unsigned byte = *in->at++;
    *ret = (int64_t)(byte >> 1) ^ -(int64_t)(byte & 1);
    return true;
}

static bool read_int(struct saga_avro_in *in, int32_t *ret)
{
    int64_t value;
    if (!read_long(in, &value)) return false;
    if (value < INT32_MIN || value > INT32_MAX) return refuse(in, "an int of more than 32 bits");
    *ret = (int32_t)value;
    return true;
}

static bool read_bool(struct saga_avro_in *in, bool *ret)
{
    if (in->at == in->end || *in->at > 1) return refuse(in, "a boolean that is none");
    *ret = *in->at++ == 1;
    return true;
}

static inline bool take(struct saga_avro_in *in, int64_t size, struct saga_slice *ret)
{
    if (size < 0 || size > in->end - in->at) return refuse(in, "a length beyond the end");
    *ret = (struct saga_slice){ (const char *)in->at, (size_t)size };
    in->at += size;
    return true;
}

static inline bool read_sized(struct saga_avro_in *in, struct saga_slice *ret)
{
    int64_t size;
    return read_long(in, &size) && take(in, size, ret);
}

static bool read_string(struct saga_avro_in *in, struct saga_slice *ret)
{
    if (!read_sized(in, ret)) return false;
    if (ret->size == 0) *ret = SAGA_SLICE_NONE;
    return true;
}

static bool read_bytes(struct saga_avro_in *in, struct saga_slice *ret)
{
    size_t branch;
    if (!saga_avro_get_branch(in, 2, &branch)) return false;
    *ret = SAGA_SLICE_NONE;
    return branch == 0 || read_sized(in, ret);
}

static bool read_name(struct saga_avro_in *in, const struct saga_avro_names *names, int *ret)
{
    struct saga_slice name;
    if (!read_sized(in, &name)) return false;
    if (!saga_avro_name_find(names, name, ret)) in->unnamed = true;
    return true;
}

bool saga_avro_get_branch(struct saga_avro_in *in, size_t count, size_t *ret)
{
    int64_t index;
    if (!read_long(in, &index)) return false;
    if (index < 0 || (uint64_t)index >= count)
        return refuse(in, "an index that the schema does not have");
    *ret = (size_t)index;
    return true;
}

bool saga_avro_get_fixed(struct saga_avro_in *in, void *ret, size_t size)
{
    struct saga_slice bytes;
    if (!take(in, (int64_t)size, &bytes)) return false;
    memcpy(ret, bytes.data, size);
    return true;
}

static bool get_field(struct saga_avro_in *in, const struct saga_avro_field *field, void *at)
{
    switch (field->kind) {
    case SAGA_AVRO_STRING: return read_string(in, at);
    case SAGA_AVRO_BYTES: return read_bytes(in, at);
    case SAGA_AVRO_INT: return read_int(in, at);
    case SAGA_AVRO_LONG: return read_long(in, at);
    case SAGA_AVRO_BOOL: return read_bool(in, at);
    case SAGA_AVRO_NAME: return read_name(in, field->names, at);
    }
    return false;
}

bool saga_avro_get(struct saga_avro_in *in, const struct saga_avro_field *fields, size_t count,
                   void *to)
{
    for (size_t i = 0; i < count; i++)
        if (!get_field(in, &fields[i], (char *)to + fields[i].offset)) return false;
    return true;
}

/* ---- arrays ---- */

/* The count of the next block; a negative one is followed by the block's size, which a reader may use to pass over it. */
static bool read_block(struct saga_avro_in *in, int64_t *ret)
{
    int64_t count, size;
    if (!read_long(in, &count)) return false;
    if (count < 0) {
        if (count == INT64_MIN || !read_long(in, &size) || size < 0 || size > in->end - in->at)
            return refuse(in, "a block beyond the end");
        count = -count;
    }
    *ret = count;
    return true;
}

static void make_room(struct saga_avro_items *items, struct saga_arena *arena)
{
    if (items->capacity > 0) {
        saga_arena_grow(arena, &items->items, items->count, &items->capacity, items->item_size);
        return;
    }
    items->capacity = items->left < ITEMS_AT_ONCE_MAX ? (size_t)items->left : ITEMS_AT_ONCE_MAX;
    items->items = saga_arena_take(arena, items->capacity * items->item_size);
}

void *saga_avro_next(struct saga_avro_in *in, struct saga_avro_items *items,
                     struct saga_arena *arena)
{
    if (in->why) return NULL;
    if (items->left == 0 && (!read_block(in, &items->left) || items->left == 0)) return NULL;
    make_room(items, arena);
    items->left--;
    return memset((char *)items->items + items->count++ * items->item_size, 0, items->item_size);
}

/* ---- single-object encoding ---- */

static uint64_t fingerprint_of(struct saga_slice bytes)
{
    uint64_t fingerprint = 0;
    for (unsigned i = 0; i < 8; i++)
        fingerprint |= (uint64_t)(unsigned char)bytes.data[2 + i] << 8 * i;
    return fingerprint;
}

bool saga_avro_is_single_object(struct saga_slice bytes)
{
    return bytes.size >= SAGA_AVRO_HEAD_BYTES && (unsigned char)bytes.data[0] == 0xC3 &&
           bytes.data[1] == 0x01;
}

int saga_avro_open(struct saga_avro_in *in, struct saga_slice bytes, uint64_t fingerprint,
                   struct saga_arena *arena, struct saga_slice *ret_words)
{
    if (!saga_avro_is_single_object(bytes)) {
        *ret_words = SAGA_SLICE("it is not in Avro's single-object encoding (C3 01)");
        return SAGA_E_INVALID;
    }
    if (fingerprint_of(bytes) != fingerprint) {
        *ret_words = saga_arena_printf(
            arena,
            "its schema has the fingerprint %016llx, which this version does not know "
            "(it knows %016llx): was it written by a newer one?",
            (unsigned long long)fingerprint_of(bytes), (unsigned long long)fingerprint);
        return SAGA_E_INVALID;
    }
    const unsigned char *from = (const unsigned char *)bytes.data;
    *in =
        (struct saga_avro_in){ from, from + SAGA_AVRO_HEAD_BYTES, from + bytes.size, NULL, false };
    return SAGA_OK;
}

int saga_avro_close(struct saga_avro_in *in, struct saga_arena *arena, struct saga_slice *ret_words)
{
    if (in->at != in->end) refuse(in, "bytes behind the end");
    if (!in->why) return SAGA_OK;
    *ret_words = saga_arena_printf(arena, "its bytes do not fit their schema at %zu: %s",
                                   (size_t)(in->at - in->from), in->why);
    return SAGA_E_INVALID;
}
