#include "base/time.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static const struct {
    const char *suffix;
    int64_t ms;
} units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

enum { UNITS = sizeof units / sizeof units[0] };
/* 100 years: what is longer is a mistake, and sums of two never overflow */
static const int64_t duration_ms_max = 100LL * 366 * 86400000;

static int unit_at(struct saga_slice text, int64_t *ret_ms, size_t *ret_size)
{
    size_t letters = 0;
    while (letters < text.size && text.data[letters] >= 'a' && text.data[letters] <= 'z') letters++;
    for (int i = 0; i < UNITS; i++) {
        if (!saga_slice_is((struct saga_slice){ text.data, letters }, units[i].suffix)) continue;
        *ret_ms = units[i].ms;
        *ret_size = letters;
        return SAGA_OK;
    }
    return SAGA_E_INVALID;
}

int saga_duration_parse(struct saga_slice text, int64_t *ret_ms)
{
    int64_t total = 0, last_unit = INT64_MAX;
    if (text.size == 0) return SAGA_E_INVALID;
    while (text.size) {
        int64_t number = 0, unit;
        size_t digits = 0, letters;
        while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9') {
            number = number * 10 + (text.data[digits++] - '0');
            if (number > duration_ms_max) return SAGA_E_INVALID;
        }
        if (digits == 0 || unit_at(saga_slice_skip(text, digits), &unit, &letters) < 0)
            return SAGA_E_INVALID;
        if (unit >= last_unit || number > duration_ms_max / unit) return SAGA_E_INVALID;
        total += number * unit;
        if (total > duration_ms_max) return SAGA_E_INVALID;
        last_unit = unit;
        text = saga_slice_skip(text, digits + letters);
    }
    *ret_ms = total;
    return SAGA_OK;
}

void saga_duration_format(int64_t ms, char ret[SAGA_TIME_TEXT_BYTES])
{
    size_t size = 0;
    uint64_t rest = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    if (ms == 0) strcpy(ret, "0s");
    if (ms < 0) ret[size++] = '-';
    for (int i = 0; i < UNITS; i++) {
        uint64_t unit = (uint64_t)units[i].ms, count = rest / unit;
        if (count == 0) continue;
        rest -= count * unit;
        int written = snprintf(ret + size, SAGA_TIME_TEXT_BYTES - size, "%" PRIu64 "%s", count,
                               units[i].suffix);
        if (written < 0 || (size += (size_t)written) >= SAGA_TIME_TEXT_BYTES) return;
    }
}

int64_t saga_time_between(int64_t from_ms, int64_t to_ms)
{
    int64_t ms;
    if (!__builtin_sub_overflow(to_ms, from_ms, &ms)) return ms;
    return to_ms > from_ms ? INT64_MAX : -INT64_MAX;
}

/* Computed here because the C library's conversions read the locale's time zone. */
void saga_date_of_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

static int64_t days_of_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

int saga_days_of_date(int64_t year, unsigned month, unsigned day, int64_t *ret_days)
{
    int64_t check_year;
    unsigned check_month, check_day;
    if (month < 1 || month > 12 || day < 1 || day > 31) return SAGA_E_INVALID;
    int64_t days = days_of_civil(year, month, day);
    saga_date_of_days(days, &check_year, &check_month, &check_day);
    if (check_month != month || check_day != day) return SAGA_E_INVALID;
    *ret_days = days;
    return SAGA_OK;
}

int64_t saga_floor_divide(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

static char *write_digits(char *at, unsigned value, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--, value /= 10) at[i - 1] = (char)('0' + value % 10);
    return at + digits;
}

/* By hand, since every message has two of them. */
static void write_time(char *at, unsigned year, unsigned month, unsigned day, unsigned ms)
{
    at = write_digits(at, year, 4);
    *at++ = '-';
    at = write_digits(at, month, 2);
    *at++ = '-';
    at = write_digits(at, day, 2);
    *at++ = 'T';
    at = write_digits(at, ms / 3600000, 2);
    *at++ = ':';
    at = write_digits(at, ms / 60000 % 60, 2);
    *at++ = ':';
    at = write_digits(at, ms / 1000 % 60, 2);
    *at++ = '.';
    at = write_digits(at, ms % 1000, 3);
    *at++ = 'Z';
    *at = '\0';
}

void saga_time_format(int64_t time_ms, char ret[SAGA_TIME_TEXT_BYTES])
{
    int64_t days = saga_floor_divide(time_ms, 86400000), year;
    unsigned month, day, ms = (unsigned)(time_ms - days * 86400000);
    saga_date_of_days(days, &year, &month, &day);
    if (year >= 0 && year <= 9999) {
        write_time(ret, (unsigned)year, month, day, ms);
        return;
    }
    snprintf(ret, SAGA_TIME_TEXT_BYTES, "%04" PRId64 "-%02u-%02uT%02u:%02u:%02u.%03uZ", year, month,
             day, ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

void saga_time_format_clock(int64_t time_ms, char ret[SAGA_TIME_TEXT_BYTES])
{
    char full[SAGA_TIME_TEXT_BYTES];
    saga_time_format(time_ms, full);
    char *clock = strchr(full, 'T');
    size_t size = strlen(clock + 1) - 1;
    memcpy(ret, clock + 1, size);
    ret[size] = '\0';
}

static bool read_offset(struct saga_slice *text, int *ret_minutes)
{
    *ret_minutes = 0;
    if (saga_slice_take_any(text, "Zz")) return true;
    int sign = text->size && text->data[0] == '-' ? -1 : 1;
    unsigned hours, minutes;
    if (!saga_slice_take_any(text, "+-") || !saga_slice_take_digits(text, 2, &hours) ||
        !saga_slice_take_any(text, ":") || !saga_slice_take_digits(text, 2, &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *ret_minutes = sign * (int)(hours * 60 + minutes);
    return true;
}

int saga_time_parse(struct saga_slice text, int64_t *ret_ms)
{
    unsigned year, month, day, hour, minute, second, ms = 0;
    int offset_minutes;
    if (!saga_slice_take_digits(&text, 4, &year) || !saga_slice_take_any(&text, "-") ||
        !saga_slice_take_digits(&text, 2, &month) || !saga_slice_take_any(&text, "-") ||
        !saga_slice_take_digits(&text, 2, &day) || !saga_slice_take_any(&text, "Tt ") ||
        !saga_slice_take_digits(&text, 2, &hour) || !saga_slice_take_any(&text, ":") ||
        !saga_slice_take_digits(&text, 2, &minute) || !saga_slice_take_any(&text, ":") ||
        !saga_slice_take_digits(&text, 2, &second))
        return SAGA_E_INVALID;
    if (saga_slice_take_any(&text, ".")) {
        unsigned digit, scale = 100;
        if (!saga_slice_take_digits(&text, 1, &digit)) return SAGA_E_INVALID;
        do {
            ms += digit * scale;
            scale /= 10;
        } while (saga_slice_take_digits(&text, 1, &digit));
    }
    if (!read_offset(&text, &offset_minutes) || text.size) return SAGA_E_INVALID;
    int64_t days;
    if (hour > 23 || minute > 59 || second > 60 || saga_days_of_date(year, month, day, &days) < 0)
        return SAGA_E_INVALID;
    int64_t seconds =
        days * 86400 + hour * 3600 + minute * 60 + second - (int64_t)offset_minutes * 60;
    *ret_ms = seconds * 1000 + ms;
    return SAGA_OK;
}
