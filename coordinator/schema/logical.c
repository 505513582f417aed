#include "schema/logical.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/time.h"

enum family { FAMILY_NONE, FAMILY_DATE, FAMILY_TIME, FAMILY_TIMESTAMP, FAMILY_LOCAL };

static const struct {
    enum family family;
    unsigned decimals;
    int64_t per_second;
    const char *example;
} kinds[] = {
    [SAGA_LOGICAL_DATE] = { FAMILY_DATE, 0, 1, "a date as \"2026-11-23\"" },
    [SAGA_LOGICAL_TIME_MILLIS] = { FAMILY_TIME, 3, 1000, "a time of day as \"12:13:14.015\"" },
    [SAGA_LOGICAL_TIME_MICROS] = { FAMILY_TIME, 6, 1000000,
                                   "a time of day as \"12:13:14.015926\"" },
    [SAGA_LOGICAL_TIMESTAMP_MILLIS] = { FAMILY_TIMESTAMP, 3, 1000,
                                        "a time as \"2026-11-23T12:13:14.015Z\"" },
    [SAGA_LOGICAL_TIMESTAMP_MICROS] = { FAMILY_TIMESTAMP, 6, 1000000,
                                        "a time as \"2026-11-23T12:13:14.015926Z\"" },
    [SAGA_LOGICAL_TIMESTAMP_NANOS] = { FAMILY_TIMESTAMP, 9, 1000000000,
                                       "a time as \"2026-11-23T12:13:14.015926535Z\"" },
    [SAGA_LOGICAL_LOCAL_TIMESTAMP_MILLIS] = { FAMILY_LOCAL, 3, 1000,
                                              "a local time as \"2026-11-23T12:13:14.015\"" },
    [SAGA_LOGICAL_LOCAL_TIMESTAMP_MICROS] = { FAMILY_LOCAL, 6, 1000000,
                                              "a local time as \"2026-11-23T12:13:14.015926\"" },
    [SAGA_LOGICAL_LOCAL_TIMESTAMP_NANOS] = { FAMILY_LOCAL, 9, 1000000000,
                                             "a local time as \"2026-11-23T12:13:14.015926535\"" },
    [SAGA_LOGICAL_DURATION] = { FAMILY_NONE, 0, 0, "" },
};
static const int64_t day_s = 86400;

bool saga_logical_is_time(enum saga_schema_logical logical)
{
    return kinds[logical].family != FAMILY_NONE;
}

bool saga_logical_is_same_family(enum saga_schema_logical a, enum saga_schema_logical b)
{
    return kinds[a].family != FAMILY_NONE && kinds[a].family == kinds[b].family;
}

const char *saga_logical_example(enum saga_schema_logical logical)
{
    return kinds[logical].example;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

/* ---- to text ---- */

static int format_date(int64_t days, char *ret, size_t size)
{
    static const int64_t year_0_days = -719528, year_10000_days = 2932897;
    int64_t year;
    unsigned month, day;
    if (days < year_0_days || days >= year_10000_days) return SAGA_E_LIMIT;
    saga_date_of_days(days, &year, &month, &day);
    snprintf(ret, size, "%04u-%02u-%02u", (unsigned)year, month, day);
    return SAGA_OK;
}

static void format_clock(int64_t second, int64_t part, unsigned decimals, char *ret, size_t size)
{
    snprintf(ret, size, "%02u:%02u:%02u.%0*" PRId64, (unsigned)(second / 3600),
             (unsigned)(second / 60 % 60), (unsigned)(second % 60), (int)decimals, part);
}

int saga_logical_format(enum saga_schema_logical logical, int64_t value,
                        char ret[SAGA_LOGICAL_TEXT_BYTES])
{
    enum family family = kinds[logical].family;
    char date[16] = "", clock[24];
    if (family == FAMILY_DATE) return format_date(value, ret, SAGA_LOGICAL_TEXT_BYTES);
    int64_t seconds = floor_divide(value, kinds[logical].per_second);
    int64_t part = value - seconds * kinds[logical].per_second;
    int64_t days = floor_divide(seconds, day_s);
    format_clock(seconds - days * day_s, part, kinds[logical].decimals, clock, sizeof clock);
    if (family == FAMILY_TIME && days != 0) return SAGA_E_LIMIT;
    if (family != FAMILY_TIME && format_date(days, date, sizeof date) < 0) return SAGA_E_LIMIT;
    snprintf(ret, SAGA_LOGICAL_TEXT_BYTES, "%s%s%s%s", date, date[0] ? "T" : "", clock,
             family == FAMILY_TIMESTAMP ? "Z" : "");
    return SAGA_OK;
}

/* ---- from text ---- */

static bool parse_date(struct saga_slice *text, int64_t *ret_days)
{
    unsigned year, month, day;
    return saga_slice_take_digits(text, 4, &year) && saga_slice_take_any(text, "-") &&
           saga_slice_take_digits(text, 2, &month) && saga_slice_take_any(text, "-") &&
           saga_slice_take_digits(text, 2, &day) &&
           saga_days_of_date(year, month, day, ret_days) == SAGA_OK;
}

/* Decimals behind the point as a number of 1/10^decimals. SAGA_E_LIMIT: more that are not zero. */
static int parse_part(struct saga_slice *text, unsigned decimals, int64_t *ret)
{
    unsigned digit, count = 0;
    *ret = 0;
    if (saga_slice_take_any(text, ".")) {
        if (!saga_slice_take_digits(text, 1, &digit)) return SAGA_E_INVALID;
        do {
            if (count++ < decimals)
                *ret = *ret * 10 + digit;
            else if (digit)
                return SAGA_E_LIMIT;
        } while (saga_slice_take_digits(text, 1, &digit));
    }
    for (; count < decimals; count++) *ret *= 10;
    return SAGA_OK;
}

static int parse_clock(struct saga_slice *text, unsigned decimals, int64_t *ret_seconds,
                       int64_t *ret_part)
{
    unsigned hour, minute, second = 0;
    if (!saga_slice_take_digits(text, 2, &hour) || !saga_slice_take_any(text, ":") ||
        !saga_slice_take_digits(text, 2, &minute) || hour > 23 || minute > 59)
        return SAGA_E_INVALID;
    if (saga_slice_take_any(text, ":") &&
        (!saga_slice_take_digits(text, 2, &second) || second > 59))
        return SAGA_E_INVALID;
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return parse_part(text, decimals, ret_part);
}

static bool parse_offset(struct saga_slice *text, int64_t *ret_seconds)
{
    unsigned hours, minutes;
    *ret_seconds = 0;
    if (saga_slice_take_any(text, "Zz")) return true;
    int sign = text->size && text->data[0] == '-' ? -1 : 1;
    if (!saga_slice_take_any(text, "+-") || !saga_slice_take_digits(text, 2, &hours) ||
        !saga_slice_take_any(text, ":") || !saga_slice_take_digits(text, 2, &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *ret_seconds = sign * (int64_t)(hours * 3600 + minutes * 60);
    return true;
}

int saga_logical_parse(enum saga_schema_logical logical, struct saga_slice text, int64_t *ret)
{
    enum family family = kinds[logical].family;
    int64_t days = 0, seconds = 0, part = 0, offset = 0, value;
    if (family != FAMILY_TIME && !parse_date(&text, &days)) return SAGA_E_INVALID;
    if (family == FAMILY_DATE) {
        if (text.size) return SAGA_E_INVALID;
        *ret = days;
        return SAGA_OK;
    }
    if (family != FAMILY_TIME && !saga_slice_take_any(&text, "Tt ")) return SAGA_E_INVALID;
    int error = parse_clock(&text, kinds[logical].decimals, &seconds, &part);
    if (error < 0) return error;
    if (family == FAMILY_TIMESTAMP && !parse_offset(&text, &offset)) return SAGA_E_INVALID;
    if (text.size) return SAGA_E_INVALID;
    if (__builtin_mul_overflow(days * day_s + seconds - offset, kinds[logical].per_second,
                               &value) ||
        __builtin_add_overflow(value, part, &value))
        return SAGA_E_LIMIT;
    *ret = value;
    return SAGA_OK;
}

/* ---- uuid and base64 ---- */

int saga_uuid_parse(struct saga_slice text, uint8_t ret[16])
{
    char hex[32];
    size_t count = 0;
    if (text.size != 36) return SAGA_E_INVALID;
    for (size_t i = 0; i < text.size; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text.data[i] == '-')) return SAGA_E_INVALID;
        if (!dash) hex[count++] = text.data[i];
    }
    return saga_unhex((struct saga_slice){ hex, sizeof hex }, ret, 16);
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct saga_slice saga_base64(struct saga_slice bytes, struct saga_arena *arena)
{
    size_t size = (bytes.size + 2) / 3 * 4;
    char *text = saga_arena_alloc(arena, size + 1);
    for (size_t i = 0, at = 0; i < bytes.size; i += 3, at += 4) {
        size_t left = bytes.size - i;
        unsigned group = (unsigned)(unsigned char)bytes.data[i] << 16;
        if (left > 1) group |= (unsigned)(unsigned char)bytes.data[i + 1] << 8;
        if (left > 2) group |= (unsigned char)bytes.data[i + 2];
        text[at] = base64_digits[group >> 18];
        text[at + 1] = base64_digits[group >> 12 & 63];
        text[at + 2] = left > 1 ? base64_digits[group >> 6 & 63] : '=';
        text[at + 3] = left > 2 ? base64_digits[group & 63] : '=';
    }
    return (struct saga_slice){ text, size };
}

int saga_base64_read(struct saga_slice text, struct saga_arena *arena, struct saga_slice *ret)
{
    size_t size = text.size, bits = 0, count = 0;
    unsigned group = 0;
    if (size % 4) return SAGA_E_INVALID;
    while (size && text.size - size < 2 && text.data[size - 1] == '=') size--;
    char *bytes = saga_arena_alloc(arena, text.size / 4 * 3 + 1);
    for (size_t i = 0; i < size; i++) {
        const char *digit = text.data[i] ? strchr(base64_digits, text.data[i]) : NULL;
        if (!digit) return SAGA_E_INVALID;
        group = group << 6 | (unsigned)(digit - base64_digits);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes[count++] = (char)(group >> bits & 0xff);
    }
    if (group & ((1U << bits) - 1)) return SAGA_E_INVALID; /* bits that no byte has */
    *ret = (struct saga_slice){ bytes, count };
    return SAGA_OK;
}
