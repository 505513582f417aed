/* The smallest parts of Avro bytes. Every read is checked against the end of the bytes. */
#include <inttypes.h>

#include "base/error.h"
#include "schema/decode_internal.h"

bool saga_decode_long(struct decoding *d, place_t place, int64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (d->at == d->end) return REFUSE(d, place, "the bytes end within a number");
        uint8_t byte = *d->at++;
        if (shift == 63 && byte > 1) break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        *ret = (int64_t)(value >> 1 ^ (0 - (value & 1)));
        return true;
    }
    return REFUSE(d, place, "a number of more than 64 bits");
}

bool saga_decode_int(struct decoding *d, place_t place, int64_t *ret)
{
    if (!saga_decode_long(d, place, ret)) return false;
    return (*ret >= INT32_MIN && *ret <= INT32_MAX) ||
           REFUSE(d, place, "an int of more than 32 bits");
}

bool saga_decode_bytes(struct decoding *d, place_t place, size_t size, struct saga_slice *ret)
{
    if (size > (size_t)(d->end - d->at))
        return REFUSE(d, place, "%zu bytes are announced, %zu are left", size,
                      (size_t)(d->end - d->at));
    *ret = (struct saga_slice){ (const char *)d->at, size };
    d->at += size;
    return true;
}

bool saga_decode_sized(struct decoding *d, place_t place, struct saga_slice *ret)
{
    int64_t size;
    if (!saga_decode_long(d, place, &size)) return false;
    if (size < 0) return REFUSE(d, place, "a length of %" PRId64, size);
    return saga_decode_bytes(d, place, (size_t)size, ret);
}

bool saga_decode_index(struct decoding *d, place_t place, size_t count, const char *what,
                       size_t *ret)
{
    int64_t index;
    if (!saga_decode_long(d, place, &index)) return false;
    if (index < 0 || (uint64_t)index >= count)
        return REFUSE(d, place, "%s %" PRId64 ", the writer's schema has %zu", what, index, count);
    *ret = (size_t)index;
    return true;
}

bool saga_decode_boolean(struct decoding *d, place_t place, bool *ret)
{
    struct saga_slice byte;
    if (!saga_decode_bytes(d, place, 1, &byte)) return false;
    *ret = byte.data[0] != 0;
    return (uint8_t)byte.data[0] <= 1 || REFUSE(d, place, "a boolean that is neither 0 nor 1");
}

bool saga_decode_bits(struct decoding *d, place_t place, size_t size, uint64_t *ret)
{
    struct saga_slice bytes;
    if (!saga_decode_bytes(d, place, size, &bytes)) return false;
    *ret = 0;
    for (size_t i = size; i-- > 0;) *ret = *ret << 8 | (uint8_t)bytes.data[i];
    return true;
}

/* A negative count has the block's bytes behind it. */
bool saga_decode_block(struct decoding *d, place_t place, uint64_t *ret_count)
{
    int64_t count, size;
    if (!saga_decode_long(d, place, &count)) return false;
    *ret_count = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    if (count >= 0) return true;
    if (!saga_decode_long(d, place, &size)) return false;
    return (size >= 0 && size <= d->end - d->at) ||
           REFUSE(d, place, "a block of %" PRId64 " bytes, %zu are left", size,
                  (size_t)(d->end - d->at));
}
