/* Writing Avro: what avro-c would write for the same values, straight from the structs. */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "codec/avro_fields.h"

enum {
    LONG_BYTES_MAX = 10,
    FIELD_BYTES_MAX = 1 + LONG_BYTES_MAX, /* a union's branch, a number or a length */
    FIRST_CAPACITY = 4096,
    KEPT_CAPACITY_MAX = 256 * 1024 /* what one large record took is given back */
};

/* Room for `size` bytes from `at` on. NULL: `certain` bytes of them will come, and that is over the limit; no memory is taken
 * for those, since many facts may share one large body. */
static char *grow(struct saga_avro_out *out, char *at, size_t size, size_t certain)
{
    size_t capacity = out->capacity ? out->capacity : FIRST_CAPACITY;
    out->size = at ? (size_t)(at - out->bytes) : 0; /* none: the first time */
    if (out->over || certain > out->bytes_max || out->size > out->bytes_max - certain) {
        out->over = true;
        return NULL;
    }
    while (capacity - out->size < size) capacity *= 2;
    out->bytes = saga_memory_grow(out->bytes, capacity);
    out->capacity = capacity;
    return out->bytes + out->size;
}

static inline bool has_room(struct saga_avro_out *out, size_t size)
{
    return out->capacity - out->size >= size ||
           grow(out, out->bytes + out->size, size, size > LONG_BYTES_MAX ? size : 1);
}

/* Zigzag, then seven bits a byte. Returns the place behind it. */
static char *write_number(char *at, uint64_t rest)
{
    for (; rest > 0x7f; rest >>= 7) *at++ = (char)((rest & 0x7f) | 0x80);
    *at++ = (char)rest;
    return at;
}

/* Most are lengths and counts of one byte. */
static inline char *write_long(char *at, int64_t value)
{
    uint64_t zigzag = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
    if (zigzag > 0x7f) return write_number(at, zigzag);
    *at = (char)zigzag;
    return at + 1;
}

/* The place and the end stay in registers: a byte that is written might change `out` for all that the compiler knows. There
 * is always room for what all fields that are left take without the bytes of their texts. */
void saga_avro_put(struct saga_avro_out *out, const struct saga_avro_field *fields, size_t count,
                   const void *from)
{
    size_t left = count * FIELD_BYTES_MAX;
    char *to = out->bytes + out->size;
    if (out->capacity - out->size < left && !(to = grow(out, to, left, 0))) return;
    const char *end = out->bytes + out->capacity;
    for (const struct saga_avro_field *field = fields; field < fields + count; field++) {
        const void *at = (const char *)from + field->offset;
        struct saga_slice text;
        left -= FIELD_BYTES_MAX;
        switch (field->kind) {
        case SAGA_AVRO_INT: to = write_long(to, *(const int32_t *)at); continue;
        case SAGA_AVRO_LONG: to = write_long(to, *(const int64_t *)at); continue;
        case SAGA_AVRO_BOOL: *to++ = (char)*(const bool *)at; continue;
        case SAGA_AVRO_NAME: text = saga_avro_name_of(field->names, *(const int *)at); break;
        case SAGA_AVRO_BYTES:
            text = *(const struct saga_slice *)at;
            *to++ = text.data ? 2 : 0; /* the branch, 1 or 0 */
            if (!text.data) continue;
            break;
        case SAGA_AVRO_STRING:
        default: text = *(const struct saga_slice *)at; break;
        }
        if ((size_t)(end - to) < LONG_BYTES_MAX + text.size + left) {
            to = grow(out, to, LONG_BYTES_MAX + text.size + left, text.size);
            if (!to) return;
            end = out->bytes + out->capacity;
        }
        to = write_long(to, (int64_t)text.size);
        if (text.size) memcpy(to, text.data, text.size);
        to += text.size;
    }
    out->size = (size_t)(to - out->bytes);
}

void saga_avro_put_long(struct saga_avro_out *out, int64_t value)
{
    if (has_room(out, LONG_BYTES_MAX))
        out->size = (size_t)(write_long(out->bytes + out->size, value) - out->bytes);
}

void saga_avro_put_fixed(struct saga_avro_out *out, const void *bytes, size_t size)
{
    if (!has_room(out, size)) return;
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

void saga_avro_begin(struct saga_avro_out *out, uint64_t fingerprint, size_t bytes_max)
{
    char head[SAGA_AVRO_HEAD_BYTES] = { (char)0xC3, 0x01 };
    for (unsigned i = 0; i < 8; i++) head[2 + i] = (char)(fingerprint >> 8 * i & 0xff);
    out->size = 0;
    out->bytes_max = bytes_max;
    out->over = false;
    if (!out->bytes) grow(out, NULL, sizeof head, 0);
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
