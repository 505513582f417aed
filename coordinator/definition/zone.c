/* Reads TZif files (RFC 9636): a table of changes, and behind it a rule in the form of POSIX TZ for all times after. */
#include "definition/zone.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/time.h"

#define ZONES "/usr/share/zoneinfo/"

enum {
    NAME_BYTES_MAX = 64,
    HEADER_BYTES = 44,
    TYPE_BYTES = 6,
    DAY_S = 86400,
    OFFSET_S_MAX = 26 * 3600,    /* RFC 9636: more than -25 h, less than 26 h */
    RULE_TIME_S_MAX = 167 * 3600 /* RFC 9636, 3.3.1 */
};

/* A day of every year, and the time on the wall at which clocks are changed. */
struct rule {
    enum { RULE_MONTH_WEEK_DAY, RULE_DAY_WITHOUT_29_FEBRUARY, RULE_DAY_FROM_0 } kind;
    int month, week, day;
    int32_t time_s;
};

struct change {
    int64_t at_s;
    int32_t offset_s; /* from then on */
};

struct saga_zone {
    struct saga_slice name;
    int32_t first_s; /* before the first change */
    struct change *changes;
    size_t count;
    bool has_rules; /* behind the last change */
    bool has_summer;
    int32_t standard_s, summer_s;
    struct rule begins, ends; /* summer time */
};

static const struct saga_zone utc = { .name = { "UTC", 3 } };

/* ---- the rule behind the table ---- */

static bool take_char(struct saga_slice *text, char c)
{
    if (text->size == 0 || text->data[0] != c) return false;
    *text = saga_slice_skip(*text, 1);
    return true;
}

static bool take_number(struct saga_slice *text, int max, int *ret)
{
    int value = 0;
    size_t digits = 0;
    while (digits < text->size && text->data[digits] >= '0' && text->data[digits] <= '9') {
        value = 10 * value + (text->data[digits++] - '0');
        if (value > max) return false;
    }
    *text = saga_slice_skip(*text, digits);
    *ret = value;
    return digits > 0;
}

/* CET, or <+03> */
static bool take_zone_name(struct saga_slice *text)
{
    size_t size = 0;
    bool quoted = take_char(text, '<');
    while (size < text->size) {
        char c = text->data[size];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool more = (c >= '0' && c <= '9') || c == '+' || c == '-';
        if (!letter && !(quoted && more)) break;
        size++;
    }
    *text = saga_slice_skip(*text, size);
    return size > 0 && (!quoted || take_char(text, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct saga_slice *text, int32_t *ret_s)
{
    int hours, minutes = 0, seconds = 0;
    bool minus = take_char(text, '-');
    if (!minus) take_char(text, '+');
    if (!take_number(text, RULE_TIME_S_MAX / 3600, &hours)) return false;
    if (take_char(text, ':') && !take_number(text, 59, &minutes)) return false;
    if (take_char(text, ':') && !take_number(text, 59, &seconds)) return false;
    *ret_s = (hours * 3600 + minutes * 60 + seconds) * (minus ? -1 : 1);
    return true;
}

/* ,M3.5.0/2 */
static bool take_rule(struct saga_slice *text, struct rule *ret)
{
    *ret = (struct rule){ .time_s = 2 * 3600 };
    if (!take_char(text, ',')) return false;
    if (take_char(text, 'M')) {
        ret->kind = RULE_MONTH_WEEK_DAY;
        if (!take_number(text, 12, &ret->month) || ret->month < 1 || !take_char(text, '.') ||
            !take_number(text, 5, &ret->week) || ret->week < 1 || !take_char(text, '.') ||
            !take_number(text, 6, &ret->day))
            return false;
    } else if (take_char(text, 'J')) {
        ret->kind = RULE_DAY_WITHOUT_29_FEBRUARY;
        if (!take_number(text, 365, &ret->day) || ret->day < 1) return false;
    } else {
        ret->kind = RULE_DAY_FROM_0;
        if (!take_number(text, 365, &ret->day)) return false;
    }
    return !take_char(text, '/') || take_time(text, &ret->time_s);
}

/* `CET-1CEST,M3.5.0,M10.5.0/3`: hours are counted west of Greenwich. */
static bool read_rules(struct saga_slice text, struct saga_zone *zone)
{
    int32_t west_s;
    if (!take_zone_name(&text) || !take_time(&text, &west_s)) return false;
    zone->has_rules = true;
    zone->standard_s = -west_s;
    if (abs(west_s) >= OFFSET_S_MAX) return false;
    if (text.size == 0) return true;
    if (!take_zone_name(&text)) return false;
    zone->has_summer = true;
    zone->summer_s = zone->standard_s + 3600;
    if (text.size && text.data[0] != ',') {
        if (!take_time(&text, &west_s)) return false;
        zone->summer_s = -west_s;
    }
    return abs(zone->summer_s) < OFFSET_S_MAX && take_rule(&text, &zone->begins) &&
           take_rule(&text, &zone->ends) && text.size == 0;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    int64_t days = 0;
    int error = saga_days_of_date(year, month, day, &days);
    SAGA_ASSERT(error == SAGA_OK); /* firsts of months are dates */
    return days;
}

/* The day of that year, in days since 1970. */
static int64_t day_of_rule(const struct rule *rule, int64_t year)
{
    int64_t first = days_of(year, 1, 1);
    if (rule->kind == RULE_DAY_FROM_0) return first + rule->day;
    if (rule->kind == RULE_DAY_WITHOUT_29_FEBRUARY)
        return first + rule->day - 1 + (rule->day >= 60 && is_leap(year));
    unsigned month = (unsigned)rule->month;
    int64_t begin = days_of(year, month, 1);
    int64_t end = days_of(year + (month == 12), month % 12 + 1, 1);
    int64_t weekday = (begin + 4) % 7; /* 1970-01-01 was a Thursday; no year here is before that */
    if (weekday < 0) weekday += 7;
    int64_t day = begin + (rule->day - weekday + 7) % 7 + 7 * (rule->week - 1);
    while (day >= end) day -= 7; /* the fifth week is the last one */
    return day;
}

static struct change change_of(const struct rule *rule, int64_t year, int32_t before_s,
                               int32_t after_s)
{
    return (struct change){ day_of_rule(rule, year) * DAY_S + rule->time_s - before_s, after_s };
}

static int32_t offset_by_rules(const struct saga_zone *zone, int64_t time_s, int64_t *from_s,
                               int64_t *until_s)
{
    enum { YEARS = 3 };
    struct change changes[2 * YEARS], *last = changes;
    int64_t year;
    unsigned month, day;
    if (!zone->has_summer) return zone->standard_s;
    saga_date_of_days(saga_floor_divide(time_s, DAY_S), &year, &month, &day);
    size_t count = 0;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        struct change both[] = {
            change_of(&zone->begins, y, zone->standard_s, zone->summer_s),
            change_of(&zone->ends, y, zone->summer_s, zone->standard_s),
        };
        for (size_t i = 0; i < 2; i++) {
            size_t place = count++;
            for (; place > 0 && changes[place - 1].at_s > both[i].at_s; place--)
                changes[place] = changes[place - 1];
            changes[place] = both[i];
        }
    }
    while (last + 1 < changes + count && last[1].at_s <= time_s) last++;
    if (last->at_s > *from_s) *from_s = last->at_s;
    *until_s = last + 1 < changes + count ? last[1].at_s : INT64_MAX;
    return last->offset_s;
}

int32_t saga_zone_offset(const struct saga_zone *zone, int64_t time_s, int64_t *ret_from_s,
                         int64_t *ret_until_s)
{
    size_t low = 0, high = zone->count; /* so many changes are not later than `time_s` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at_s <= time_s)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_from_s = low > 0 ? zone->changes[low - 1].at_s : INT64_MIN;
    *ret_until_s = low < zone->count ? zone->changes[low].at_s : INT64_MAX;
    if (low == zone->count && zone->has_rules)
        return offset_by_rules(zone, time_s, ret_from_s, ret_until_s);
    return low > 0 ? zone->changes[low - 1].offset_s : zone->first_s;
}

/* ---- the table ---- */

struct header {
    char version;
    uint32_t utc_marks, standard_marks, leaps, times, types, chars;
};

static uint32_t number_at(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t long_at(const char *bytes)
{
    return (int64_t)((uint64_t)number_at(bytes) << 32 | number_at(bytes + 4));
}

static bool take_header(struct saga_slice *bytes, struct header *ret)
{
    if (bytes->size < HEADER_BYTES || memcmp(bytes->data, "TZif", 4) != 0) return false;
    const char *at = bytes->data + 20;
    *ret = (struct header){ bytes->data[4],    number_at(at),      number_at(at + 4),
                            number_at(at + 8), number_at(at + 12), number_at(at + 16),
                            number_at(at + 20) };
    *bytes = saga_slice_skip(*bytes, HEADER_BYTES);
    return ret->types >= 1 && ret->types <= 256;
}

/* Bytes of the data behind a header whose times have `width` bytes; the numbers are 32 bits wide, so no sum overflows. */
static uint64_t data_bytes(const struct header *h, uint64_t width)
{
    return h->times * (width + 1) + h->types * (uint64_t)TYPE_BYTES + h->chars +
           h->leaps * (width + 4) + h->standard_marks + h->utc_marks;
}

static bool offset_of_type(const struct header *h, const char *types, unsigned type, int32_t *ret)
{
    if (type >= h->types) return false;
    *ret = (int32_t)number_at(types + type * TYPE_BYTES);
    return *ret > -OFFSET_S_MAX && *ret < OFFSET_S_MAX;
}

static bool read_changes(const struct header *h, const char *bytes, size_t width,
                         struct saga_arena *arena, struct saga_zone *zone)
{
    const char *indexes = bytes + h->times * width, *types = indexes + h->times;
    zone->changes = SAGA_NEW_ARRAY(arena, struct change, h->times + 1);
    if (!offset_of_type(h, types, 0, &zone->first_s)) return false;
    for (size_t i = 0; i < h->times; i++) {
        struct change *change = &zone->changes[i];
        const char *time = bytes + i * width;
        change->at_s = width == 8 ? long_at(time) : (int32_t)number_at(time);
        bool in_order = i == 0 || change[-1].at_s < change->at_s;
        if (!in_order || !offset_of_type(h, types, (unsigned char)indexes[i], &change->offset_s))
            return false;
    }
    zone->count = h->times;
    return true;
}

/* \n rule \n */
static bool read_footer(struct saga_slice bytes, struct saga_zone *zone)
{
    if (!take_char(&bytes, '\n') || bytes.size == 0) return false;
    const char *end = memchr(bytes.data, '\n', bytes.size);
    if (!end) return false;
    struct saga_slice text = { bytes.data, (size_t)(end - bytes.data) };
    return text.size == 0 || read_rules(text, zone);
}

int saga_zone_read(struct saga_slice bytes, struct saga_arena *arena, struct saga_zone **ret)
{
    struct header header;
    size_t width = 4;
    struct saga_zone *zone = SAGA_NEW(arena, struct saga_zone);
    if (!take_header(&bytes, &header) || data_bytes(&header, width) > bytes.size)
        return SAGA_E_INVALID;
    if (header.version >= '2') { /* the same once more, with wider times */
        bytes = saga_slice_skip(bytes, (size_t)data_bytes(&header, width));
        width = 8;
        if (!take_header(&bytes, &header) || data_bytes(&header, width) > bytes.size)
            return SAGA_E_INVALID;
    }
    /* with leap seconds it counts another time than everybody else ("right/") */
    if (header.leaps || !read_changes(&header, bytes.data, width, arena, zone))
        return SAGA_E_INVALID;
    bytes = saga_slice_skip(bytes, (size_t)data_bytes(&header, width));
    if (width == 8 && !read_footer(bytes, zone)) return SAGA_E_INVALID;
    *ret = zone;
    return SAGA_OK;
}

/* ---- files ---- */

/* Names are parts of a path: letters, digits, and no way out of the folder. */
static bool is_name(struct saga_slice name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-";
    char before = '/';
    if (name.size == 0 || name.size > NAME_BYTES_MAX) return false;
    for (size_t i = 0; i < name.size; before = name.data[i++])
        if (name.data[i] == '/' ? before == '/'
                                : !memchr(letters, name.data[i], sizeof letters - 1))
            return false;
    return before != '/';
}

int saga_zone_load(struct saga_slice name, struct saga_arena *arena, const struct saga_zone **ret)
{
    char path[sizeof ZONES + NAME_BYTES_MAX];
    struct saga_zone *zone;
    if (saga_slice_is(name, "UTC")) {
        *ret = &utc;
        return SAGA_OK;
    }
    /* what the machine's own clock shows is another zone on every machine */
    if (!is_name(name) || saga_slice_is(name, "localtime") || saga_slice_is(name, "posixrules"))
        return SAGA_E_NOT_FOUND;
    snprintf(path, sizeof path, ZONES "%.*s", SAGA_SLICE_ARG(name));
    saga_memory_watch();
    FILE *file = fopen(path, "rb");
    saga_memory_check("opening a file");
    if (!file) return SAGA_E_NOT_FOUND;
    char *bytes = saga_memory_take(SAGA_ZONE_BYTES_MAX);
    size_t size = fread(bytes, 1, SAGA_ZONE_BYTES_MAX, file);
    bool is_folder = ferror(file) && errno == EISDIR;
    fclose(file);
    int error = saga_zone_read((struct saga_slice){ bytes, size }, arena, &zone);
    free(bytes);
    if (error < 0) return is_folder ? SAGA_E_NOT_FOUND : error;
    zone->name = saga_arena_copy(arena, name);
    *ret = zone;
    return SAGA_OK;
}

struct saga_slice saga_zone_name(const struct saga_zone *zone)
{
    return zone->name;
}
