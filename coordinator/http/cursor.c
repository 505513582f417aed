/* Cursors: where a page ended, so that the next begins behind it whatever came or went meanwhile. Hexadecimal, so that
 * nobody is tempted to make one up; one that somebody did is a place in the list at most. */
#include <inttypes.h>

#include "base/error.h"
#include "base/hash.h"
#include "http/exchange.h"

struct saga_slice saga_cursor_write(struct saga_arena *arena, char list, int64_t number,
                                    struct saga_slice text)
{
    struct saga_slice place = saga_arena_printf(arena, "%c%" PRId64 ":", list, number);
    struct saga_slice plain = SAGA_CONCAT(arena, place, text); /* which may hold any byte */
    char *hex = saga_arena_take(arena, 2 * plain.size + 1);
    saga_hex((const uint8_t *)plain.data, plain.size, hex);
    return (struct saga_slice){ hex, 2 * plain.size };
}

int saga_cursor_read(struct saga_slice cursor, char list, struct saga_arena *arena,
                     int64_t *ret_number, struct saga_slice *ret_text)
{
    size_t size = cursor.size / 2;
    uint8_t *bytes = saga_arena_take(arena, size + 1);
    unsigned long long number;
    if (size < 3 || cursor.size % 2 || cursor.size > SAGA_HTTP_CURSOR_BYTES_MAX ||
        saga_unhex(cursor, bytes, size) < 0)
        return SAGA_E_INVALID;
    struct saga_slice plain = { (const char *)bytes, size };
    const char *colon = memchr(plain.data, ':', plain.size);
    if (plain.data[0] != list || !colon) return SAGA_E_INVALID;
    struct saga_slice digits = { plain.data + 1, (size_t)(colon - plain.data) - 1 };
    if (saga_slice_to_u64(digits, &number) < 0 || number > INT64_MAX) return SAGA_E_INVALID;
    *ret_number = (int64_t)number;
    *ret_text = saga_slice_skip(plain, digits.size + 2);
    return SAGA_OK;
}

bool saga_exchange_cursor(struct saga_exchange *x, char list, bool *ret_given, int64_t *ret_number,
                          struct saga_slice *ret_text)
{
    struct saga_slice cursor = saga_exchange_parameter(x, "cursor");
    *ret_given = cursor.data != NULL;
    *ret_number = 0;
    *ret_text = SAGA_SLICE_NONE;
    if (!*ret_given || saga_cursor_read(cursor, list, &x->arena, ret_number, ret_text) == SAGA_OK)
        return true;
    saga_exchange_problem(x, 400, "bad-cursor", "take the `next` of the page before, as it is",
                          "the cursor is none of this list's");
    return false;
}
