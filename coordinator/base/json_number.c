/* Which numbers survive libjq, which keeps every number as a double and writes the shortest text that reads
 * back as the same double. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum {
    DIGITS_ALWAYS_KEPT = 15, /* of any decimal, DBL_DIG */
    DIGITS_EVER_KEPT = 17,   /* of the longest shortest text of a double */
    EXPONENT_ALWAYS_KEPT = 290,
    EXPONENT_MAX = 100000
};

/* A decimal value: its digits without the zeros around them, and the power of ten of the first one. */
struct decimal {
    char digits[DIGITS_EVER_KEPT + 1];
    size_t count; /* 0: the value is zero; may be more than `digits` holds */
    long exponent;
    bool integer; /* written without a point and without an exponent */
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

static struct decimal read_decimal(struct saga_slice number)
{
    struct decimal value = { .integer = true };
    const char *at = number.data, *end = number.data + number.size;
    long before_point = 0;
    size_t since_first = 0;
    bool fraction = false, started = false;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') fraction = true;
        if (!is_digit(*at)) continue;
        if (!started && *at == '0') {
            before_point -= fraction ? 1 : 0;
            continue;
        }
        started = true;
        before_point += fraction ? 0 : 1;
        if (since_first < sizeof value.digits) value.digits[since_first] = *at;
        since_first++;
        if (*at != '0') value.count = since_first;
    }
    value.integer = !fraction && at == end;
    value.exponent = before_point - 1;
    if (at < end) value.exponent += read_exponent(at + 1, end);
    return value;
}

static bool same_decimal(const struct decimal *a, const struct decimal *b)
{
    return a->count == b->count && a->exponent == b->exponent &&
           memcmp(a->digits, b->digits, a->count) == 0;
}

/* Is the shortest text of the nearest double the same number? */
static bool survives_a_double(const struct decimal *value)
{
    char text[64];
    snprintf(text, sizeof text, "%.*se%ld", (int)value->count, value->digits,
             value->exponent - (long)value->count + 1);
    double nearest = strtod(text, NULL);
    for (int digits = 1; digits <= DIGITS_EVER_KEPT; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, nearest);
        if (strtod(text, NULL) < nearest || strtod(text, NULL) > nearest) continue;
        struct decimal shortest = read_decimal((struct saga_slice){ text, strlen(text) });
        return same_decimal(value, &shortest);
    }
    return false;
}

static bool number_is_safe(struct saga_slice number)
{
    struct decimal value = read_decimal(number);
    if (value.count == 0) return true;
    if (value.count > DIGITS_EVER_KEPT) return false;
    if (value.integer) {
        /* 2^53 has 16 digits; beyond it neighbours fall together as soon as one calculates */
        unsigned long long whole = 0;
        if (value.exponent > DIGITS_ALWAYS_KEPT) return false;
        for (size_t i = 0; i <= (size_t)value.exponent; i++)
            whole = whole * 10 + (i < value.count ? (unsigned)(value.digits[i] - '0') : 0);
        return whole <= 1ULL << 53;
    }
    if (value.count <= DIGITS_ALWAYS_KEPT && labs(value.exponent) <= EXPONENT_ALWAYS_KEPT)
        return true;
    return survives_a_double(&value);
}

static const char *behind_string(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\\') at++;
    return at + 1;
}

bool saga_json_has_unsafe_number(struct saga_slice json, struct saga_slice *ret_number)
{
    const char *at = json.data, *end = json.data + json.size;
    while (at < end) {
        if (*at == '"') {
            at = behind_string(at);
        } else if (*at == '-' || is_digit(*at)) {
            const char *from = at;
            while (at < end && (is_digit(*at) || memchr("+-.eE", *at, 5))) at++;
            struct saga_slice number = { from, (size_t)(at - from) };
            if (!number_is_safe(number)) {
                if (ret_number) *ret_number = number;
                return true;
            }
        } else {
            at++;
        }
    }
    return false;
}
