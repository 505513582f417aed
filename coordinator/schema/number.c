#include "schema/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"

enum {
    EXPONENT_MAX = 100000000, /* beyond every range, and far from overflow in sums */
    WHOLE_DIGITS_MAX = 19,    /* of a 64-bit number */
    /* two's-complement bytes of SAGA_DECIMAL_DIGITS_MAX digits: 8 bits are more than 2.4 digits */
    DECIMAL_BYTES_MAX = SAGA_DECIMAL_DIGITS_MAX * 10 / 24 + 2
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static long read_exponent(const char *at, const char *end)
{
    bool negative = *at == '-';
    long exponent = 0;
    for (; at < end; at++)
        if (is_digit(*at) && exponent < EXPONENT_MAX) exponent = exponent * 10 + (*at - '0');
    return negative ? -exponent : exponent;
}

/* Takes the zeros off both ends: those at the back count for the exponent. */
static void trim(struct saga_number *number)
{
    struct saga_slice *digits = &number->digits;
    while (digits->size && digits->data[0] == '0') *digits = saga_slice_skip(*digits, 1);
    while (digits->size && digits->data[digits->size - 1] == '0') {
        digits->size--;
        number->exponent++;
    }
    if (digits->size == 0) *number = (struct saga_number){ .digits = SAGA_SLICE("") };
}

int saga_number_read(struct saga_slice text, struct saga_arena *arena, struct saga_number *ret)
{
    struct saga_number number = { 0 };
    size_t offset;
    const char *why;
    if (saga_json_validate(text, &offset, &why) < 0 || saga_json_kind(text) != SAGA_JSON_NUMBER)
        return SAGA_E_INVALID;
    text = saga_json_trim(text);
    const char *at = text.data, *end = text.data + text.size;
    char *digits = saga_arena_alloc(arena, text.size);
    bool fraction = false;
    number.negative = *at == '-';
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') fraction = true;
        if (!is_digit(*at)) continue;
        digits[number.digits.size++] = *at;
        if (fraction) number.exponent--;
    }
    if (at < end) number.exponent += read_exponent(at + 1, end);
    number.digits.data = digits;
    trim(&number);
    *ret = number;
    return SAGA_OK;
}

int saga_number_to_whole(const struct saga_number *number, int64_t min, int64_t max, int64_t *ret)
{
    uint64_t value = 0;
    if (number->exponent < 0) return SAGA_E_INVALID;
    if ((long)number->digits.size + number->exponent > WHOLE_DIGITS_MAX) return SAGA_E_LIMIT;
    for (size_t i = 0; i < number->digits.size; i++)
        value = value * 10 + (uint64_t)(number->digits.data[i] - '0');
    for (long i = 0; i < number->exponent; i++) value *= 10;
    /* 19 digits never overflow an unsigned number of 64 bits */
    uint64_t magnitude_max = number->negative ? 0 - (uint64_t)min : (uint64_t)max;
    if (value > magnitude_max) return SAGA_E_LIMIT;
    *ret = (int64_t)(number->negative ? 0 - value : value);
    return SAGA_OK;
}

/* ---- decimals ---- */

/* Sign bit apart: the magnitude of a negative number is its complement plus one. */
static void negate(uint8_t *bytes, size_t size)
{
    unsigned carry = 1;
    for (size_t i = size; i-- > 0;) {
        carry += (uint8_t)~bytes[i];
        bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

static void multiply_add(uint8_t *bytes, size_t size, unsigned factor, unsigned add)
{
    for (size_t i = size; i-- > 0;) {
        add += bytes[i] * factor;
        bytes[i] = (uint8_t)add;
        add >>= 8;
    }
}

/* Divides by 10 in place; gives the remainder. */
static unsigned divide_by_ten(uint8_t *bytes, size_t size)
{
    unsigned remainder = 0;
    for (size_t i = 0; i < size; i++) {
        remainder = remainder << 8 | bytes[i];
        bytes[i] = (uint8_t)(remainder / 10);
        remainder %= 10;
    }
    return remainder;
}

/* Leading bytes that only repeat the sign say nothing. */
static struct saga_slice without_sign_bytes(struct saga_slice bytes)
{
    while (bytes.size > 1) {
        uint8_t first = (uint8_t)bytes.data[0], second = (uint8_t)bytes.data[1];
        if (first != (second & 0x80 ? 0xff : 0)) break;
        bytes = saga_slice_skip(bytes, 1);
    }
    return bytes;
}

int saga_number_to_decimal(const struct saga_number *number, uint32_t precision, uint32_t scale,
                           struct saga_arena *arena, struct saga_slice *ret_bytes)
{
    long zeros = number->exponent + (long)scale;
    bool zero = number->digits.size == 0;
    if (!zero && zeros < 0) return SAGA_E_INVALID;
    if (!zero && (long)number->digits.size + zeros > (long)precision) return SAGA_E_LIMIT;
    uint8_t *bytes = saga_arena_alloc(arena, DECIMAL_BYTES_MAX);
    for (size_t i = 0; i < number->digits.size; i++)
        multiply_add(bytes, DECIMAL_BYTES_MAX, 10, (unsigned)(number->digits.data[i] - '0'));
    for (long i = 0; !zero && i < zeros; i++) multiply_add(bytes, DECIMAL_BYTES_MAX, 10, 0);
    if (number->negative) negate(bytes, DECIMAL_BYTES_MAX);
    *ret_bytes = without_sign_bytes((struct saga_slice){ (const char *)bytes, DECIMAL_BYTES_MAX });
    return SAGA_OK;
}

int saga_decimal_write(struct saga_slice bytes, uint32_t precision, uint32_t scale,
                       struct saga_buffer *out)
{
    uint8_t number[DECIMAL_BYTES_MAX];
    char digits[SAGA_DECIMAL_DIGITS_MAX + 3];
    size_t count = 0, significant = 0;
    if (bytes.size == 0) return SAGA_E_INVALID;
    bytes = without_sign_bytes(bytes);
    if (bytes.size > sizeof number) return SAGA_E_LIMIT;
    memcpy(number, bytes.data, bytes.size);
    bool negative = number[0] & 0x80;
    if (negative) negate(number, bytes.size);
    for (size_t from = 0; from < bytes.size || count <= scale;) { /* the last digit first */
        if (count >= sizeof digits) return SAGA_E_LIMIT;
        digits[count] = (char)('0' + divide_by_ten(number + from, bytes.size - from));
        if (digits[count++] != '0') significant = count;
        while (from < bytes.size && number[from] == 0) from++;
    }
    if (significant > precision) return SAGA_E_LIMIT;
    if (negative) saga_buffer_add_char(out, '-');
    while (count > 0) {
        if (count == scale) saga_buffer_add_char(out, '.');
        saga_buffer_add_char(out, digits[--count]);
    }
    return SAGA_OK;
}

/* ---- binary fractions ---- */

int saga_double_write(double value, struct saga_buffer *out)
{
    char text[32];
    if (!isfinite(value)) return SAGA_E_INVALID;
    for (int digits = 15; digits <= 17; digits++) { /* 15 always survive, 17 are always enough */
        snprintf(text, sizeof text, "%.*g", digits, value);
        double back = strtod(text, NULL);
        if (back == value) break;
    }
    saga_buffer_add(out, saga_slice_of(text));
    return SAGA_OK;
}

int saga_float_write(float value, struct saga_buffer *out)
{
    char text[32];
    if (!isfinite(value)) return SAGA_E_INVALID;
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        float back = strtof(text, NULL);
        if (back == value) break;
    }
    saga_buffer_add(out, saga_slice_of(text));
    return SAGA_OK;
}

/* Is it a whole number, and does `written`, the text of what was made of it, say another one? */
static bool loses_digits(struct saga_slice text, struct saga_slice written,
                         struct saga_arena *arena)
{
    struct saga_number number, other;
    if (saga_number_read(text, arena, &number) < 0 || number.exponent < 0) return false;
    return saga_number_read(written, arena, &other) < 0 || number.exponent != other.exponent ||
           !saga_slice_equal(number.digits, other.digits);
}

int saga_number_to_double(struct saga_slice text, struct saga_arena *arena, double *ret)
{
    struct saga_buffer written;
    double value = strtod(saga_arena_string(arena, text), NULL);
    saga_buffer_init(&written, arena);
    if (saga_double_write(value, &written) < 0 ||
        loses_digits(text, saga_buffer_slice(&written), arena))
        return SAGA_E_LIMIT;
    *ret = value;
    return SAGA_OK;
}

int saga_number_to_float(struct saga_slice text, struct saga_arena *arena, float *ret)
{
    struct saga_buffer written;
    float value = strtof(saga_arena_string(arena, text), NULL);
    saga_buffer_init(&written, arena);
    if (saga_float_write(value, &written) < 0 ||
        loses_digits(text, saga_buffer_slice(&written), arena))
        return SAGA_E_LIMIT;
    *ret = value;
    return SAGA_OK;
}
