/* Writing Avro: what avro-c would write for the same values, straight from the structs. */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "codec/avro_fields.h"

enum {
    LONG_BYTES_MAX = 10,
    FIRST_CAPACITY = 4096,
    KEPT_CAPACITY_MAX = 256 * 1024 /* what one large record took is given back */
};

/* A number more than bytes_max may be written: what is over is found out at the end, or here, before memory is taken for
 * many bodies that cannot be kept. */
static bool grow(struct saga_avro_out *out, size_t size)
{
    size_t capacity = out->capacity ? out->capacity : FIRST_CAPACITY;
    if (out->over || size > out->bytes_max || out->size > out->bytes_max + LONG_BYTES_MAX - size) {
        out->over = true;
        return false;
    }
    while (capacity - out->size < size) capacity *= 2;
    out->bytes = saga_memory_grow(out->bytes, capacity);
    out->capacity = capacity;
    return true;
}

static inline bool has_room(struct saga_avro_out *out, size_t size)
{
    return out->capacity - out->size >= size || grow(out, size);
}

/* Zigzag, then seven bits a byte. Returns the place behind it. */
static inline char *write_long(char *at, int64_t value)
{
    uint64_t rest = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
    for (; rest > 0x7f; rest >>= 7) *at++ = (char)((rest & 0x7f) | 0x80);
    *at++ = (char)rest;
    return at;
}

void saga_avro_put_long(struct saga_avro_out *out, int64_t value)
{
    if (!has_room(out, LONG_BYTES_MAX)) return;
    out->size = (size_t)(write_long(out->bytes + out->size, value) - out->bytes);
}

void saga_avro_put_fixed(struct saga_avro_out *out, const void *bytes, size_t size)
{
    if (!has_room(out, size)) return;
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static inline void put_sized(struct saga_avro_out *out, struct saga_slice bytes)
{
    saga_avro_put_long(out, (int64_t)bytes.size);
    if (bytes.size) saga_avro_put_fixed(out, bytes.data, bytes.size);
}

static void put_bool(struct saga_avro_out *out, bool value)
{
    if (has_room(out, 1)) out->bytes[out->size++] = value;
}

static void put_name(struct saga_avro_out *out, const struct saga_avro_names *names, int value)
{
    SAGA_ASSERT(value >= 0 && value < names->count);
    put_sized(out, names->names[value]);
}

void saga_avro_put(struct saga_avro_out *out, const struct saga_avro_field *fields, size_t count,
                   const void *from)
{
    for (size_t i = 0; i < count; i++) {
        const void *at = (const char *)from + fields[i].offset;
        const struct saga_slice *slice = at;
        switch (fields[i].kind) {
        case SAGA_AVRO_STRING: put_sized(out, *slice); break;
        case SAGA_AVRO_BYTES:
            saga_avro_put_long(out, slice->data ? 1 : 0);
            if (slice->data) put_sized(out, *slice);
            break;
        case SAGA_AVRO_INT: saga_avro_put_long(out, *(const int32_t *)at); break;
        case SAGA_AVRO_LONG: saga_avro_put_long(out, *(const int64_t *)at); break;
        case SAGA_AVRO_BOOL: put_bool(out, *(const bool *)at); break;
        case SAGA_AVRO_NAME: put_name(out, fields[i].names, *(const int *)at); break;
        }
    }
}

void saga_avro_begin(struct saga_avro_out *out, uint64_t fingerprint, size_t bytes_max)
{
    char head[SAGA_AVRO_HEAD_BYTES] = { (char)0xC3, 0x01 };
    for (unsigned i = 0; i < 8; i++) head[2 + i] = (char)(fingerprint >> 8 * i & 0xff);
    out->size = 0;
    out->bytes_max = bytes_max;
    out->over = false;
    saga_avro_put_fixed(out, head, sizeof head);
}

int saga_avro_end(struct saga_avro_out *out, struct saga_arena *arena, struct saga_slice *ret)
{
    bool fits = !out->over && out->size <= out->bytes_max;
    if (fits) {
        char *bytes = saga_arena_take(arena, out->size);
        memcpy(bytes, out->bytes, out->size);
        *ret = (struct saga_slice){ bytes, out->size };
    }
    if (out->capacity > KEPT_CAPACITY_MAX) {
        out->bytes = saga_memory_grow(out->bytes, KEPT_CAPACITY_MAX);
        out->capacity = KEPT_CAPACITY_MAX;
    }
    return fits ? SAGA_OK : SAGA_E_LIMIT;
}
