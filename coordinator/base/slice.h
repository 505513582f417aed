/* A view of bytes that somebody else owns. Not terminated: print it with "%.*s", SAGA_SLICE_ARG(s). */
#ifndef SAGA_BASE_SLICE_H
#define SAGA_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct saga_slice {
    const char *data; /* NULL: absent, which is not the same as empty */
    size_t size;      /* bytes */
};

#define SAGA_SLICE(literal) ((struct saga_slice){ "" literal, sizeof(literal) - 1 })
#define SAGA_SLICE_NONE ((struct saga_slice){ NULL, 0 })
#define SAGA_SLICE_ARG(s) (int)(s).size, ((s).data ? (s).data : "")

/* A view of a terminated string; NULL gives an absent slice. This and the next two are here so that a literal's length is
 * known where it stands. */
static inline struct saga_slice saga_slice_of(const char *text)
{
    return (struct saga_slice){ text, text ? strlen(text) : 0 };
}

/* Same bytes? Absent and empty are equal here, as both hold none. */
static inline bool saga_slice_equal(struct saga_slice a, struct saga_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool saga_slice_is(struct saga_slice a, const char *text)
{
    return saga_slice_equal(a, saga_slice_of(text));
}

/* Byte order, shorter first; never the locale's. */
int saga_slice_compare(struct saga_slice a, struct saga_slice b);

bool saga_slice_starts_with(struct saga_slice s, const char *prefix);
struct saga_slice saga_slice_skip(struct saga_slice s, size_t bytes);

/* Cuts a text to at most `bytes_max` bytes without splitting a UTF-8 sequence. */
struct saga_slice saga_slice_clip(struct saga_slice s, size_t bytes_max);

/* Take something off the front of a text: exactly so many decimal digits, or one of the characters. False: they are not
 * there, nothing is taken. */
bool saga_slice_take_digits(struct saga_slice *text, unsigned count, unsigned *ret);
bool saga_slice_take_any(struct saga_slice *text, const char *any_of);

/* A number in decimal digits, in `digits`. */
enum { SAGA_DECIMAL_BYTES = 20 };
struct saga_slice saga_slice_of_number(int64_t number, char digits[SAGA_DECIMAL_BYTES]);

/* Reads a whole slice as a decimal number. Errors: SAGA_E_INVALID (not a number, or too large). */
int saga_slice_to_u64(struct saga_slice s, unsigned long long *ret);

#endif
