#include "base/slice.h"

#include <string.h>

#include "base/error.h"

int saga_slice_compare(struct saga_slice a, struct saga_slice b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    if (order != 0) return order;
    return (a.size > b.size) - (a.size < b.size);
}

bool saga_slice_starts_with(struct saga_slice s, const char *prefix)
{
    size_t size = strlen(prefix);
    return s.size >= size && (size == 0 || memcmp(s.data, prefix, size) == 0);
}

struct saga_slice saga_slice_skip(struct saga_slice s, size_t bytes)
{
    if (bytes > s.size) bytes = s.size;
    return (struct saga_slice){ s.data ? s.data + bytes : NULL, s.size - bytes };
}

struct saga_slice saga_slice_clip(struct saga_slice s, size_t bytes_max)
{
    if (s.size <= bytes_max) return s;
    size_t size = bytes_max;
    while (size > 0 && ((unsigned char)s.data[size] & 0xC0) == 0x80) size--;
    return (struct saga_slice){ s.data, size };
}

bool saga_slice_take_digits(struct saga_slice *text, unsigned count, unsigned *ret)
{
    unsigned value = 0;
    if (text->size < count) return false;
    for (unsigned i = 0; i < count; i++) {
        char c = text->data[i];
        if (c < '0' || c > '9') return false;
        value = value * 10 + (unsigned)(c - '0');
    }
    *text = saga_slice_skip(*text, count);
    *ret = value;
    return true;
}

bool saga_slice_take_any(struct saga_slice *text, const char *any_of)
{
    if (text->size == 0 || !memchr(any_of, text->data[0], strlen(any_of))) return false;
    *text = saga_slice_skip(*text, 1);
    return true;
}

struct saga_slice saga_slice_of_number(int64_t number, char digits[SAGA_DECIMAL_BYTES])
{
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char *at = digits + SAGA_DECIMAL_BYTES;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0) *--at = '-';
    return (struct saga_slice){ at, (size_t)(digits + SAGA_DECIMAL_BYTES - at) };
}

int saga_slice_to_u64(struct saga_slice s, unsigned long long *ret)
{
    if (s.size == 0 || s.size > 20) return SAGA_E_INVALID;
    unsigned long long value = 0;
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') return SAGA_E_INVALID;
        unsigned digit = (unsigned)(s.data[i] - '0');
        if (value > (~0ULL - digit) / 10) return SAGA_E_INVALID;
        value = value * 10 + digit;
    }
    *ret = value;
    return SAGA_OK;
}
