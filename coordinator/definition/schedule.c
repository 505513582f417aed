#include "definition/schedule.h"

#include <strings.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/time.h"

enum {
    MINUTES_A_DAY = 1440,
    DAYS_MAX =
        41 * 366, /* a 29th of February that is a Sunday comes again after 40 years at most */
    SHIFT_S_MAX = 27 * 3600 /* clocks differ by less */
};

enum field { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

struct saga_schedule {
    struct saga_slice text;
    const struct saga_zone *zone;
    uint64_t allowed[FIELDS]; /* bit n: the value n */
    bool open[FIELDS];        /* begins with * or ?: of two days the other one says it */
};

static const char *const months[] = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC" };
static const char *const weekdays[] = { "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT" };

static const struct {
    const char *name;
    unsigned min, max;
    const char *const *words; /* of the values from `min` on */
    size_t word_count;
} fields[FIELDS] = {
    [MINUTE] = { "minute", 0, 59, NULL, 0 },
    [HOUR] = { "hour", 0, 23, NULL, 0 },
    [DAY] = { "day of the month", 1, 31, NULL, 0 },
    [MONTH] = { "month", 1, 12, months, 12 },
    [WEEKDAY] = { "day of the week", 0, 7, weekdays, 7 },
};

static const struct {
    const char *name, *fields;
} nicknames[] = {
    { "@yearly", "0 0 1 1 *" }, { "@annually", "0 0 1 1 *" }, { "@monthly", "0 0 1 * *" },
    { "@weekly", "0 0 * * 0" }, { "@daily", "0 0 * * *" },    { "@midnight", "0 0 * * *" },
    { "@hourly", "0 * * * *" },
};

/* ---- reading ---- */

struct parser {
    struct saga_arena *arena;
    struct saga_slice rest; /* of the field */
    enum field field;
    struct saga_slice message;
};

static bool complain(struct parser *p, struct saga_slice message)
{
    p->message = message;
    return false;
}

static bool take(struct parser *p, char c)
{
    if (p->rest.size == 0 || p->rest.data[0] != c) return false;
    p->rest = saga_slice_skip(p->rest, 1);
    return true;
}

static bool is_word_end(struct saga_slice rest, size_t at)
{
    return at == rest.size || rest.data[at] == ',' || rest.data[at] == '-' || rest.data[at] == '/';
}

static bool take_word(struct parser *p, unsigned *ret)
{
    for (size_t i = 0; i < fields[p->field].word_count; i++) {
        const char *word = fields[p->field].words[i];
        if (p->rest.size < 3 || strncasecmp(p->rest.data, word, 3) != 0 || !is_word_end(p->rest, 3))
            continue;
        *ret = fields[p->field].min + (unsigned)i;
        p->rest = saga_slice_skip(p->rest, 3);
        return true;
    }
    return false;
}

static bool take_number(struct parser *p, unsigned min, unsigned max, unsigned *ret)
{
    unsigned long long number;
    size_t size = 0;
    while (!is_word_end(p->rest, size)) size++;
    struct saga_slice word = { p->rest.data, size };
    if (saga_slice_to_u64(word, &number) < 0 || number < min || number > max)
        return complain(p, saga_arena_printf(p->arena, "\"%.*s\" is no %s from %u to %u%s",
                                             SAGA_SLICE_ARG(saga_slice_clip(word, 40)),
                                             fields[p->field].name, min, max,
                                             fields[p->field].words ? ", and no name of one" : ""));
    *ret = (unsigned)number;
    p->rest = saga_slice_skip(p->rest, size);
    return true;
}

static bool take_value(struct parser *p, unsigned *ret)
{
    return take_word(p, ret) || take_number(p, fields[p->field].min, fields[p->field].max, ret);
}

/* `*`, 5, 1-5, each with a step: so many further. `5/15` goes on from 5 to the end. */
static bool take_range(struct parser *p, uint64_t *allowed)
{
    unsigned from = fields[p->field].min, to = fields[p->field].max, step = 1;
    if (!take(p, '*') && !take(p, '?')) {
        if (!take_value(p, &from)) return false;
        bool range = take(p, '-');
        if (range && !take_value(p, &to)) return false;
        if (p->field == WEEKDAY && range && to == 0 && from > 0) to = 7; /* FRI-SUN */
        if (!range && (p->rest.size == 0 || p->rest.data[0] != '/')) to = from;
    }
    if (from > to)
        return complain(p, saga_arena_printf(p->arena, "the range %u-%u of the %s runs backwards",
                                             from, to, fields[p->field].name));
    if (take(p, '/') && !take_number(p, 1, fields[p->field].max, &step)) return false;
    for (unsigned value = from; value <= to; value += step) *allowed |= UINT64_C(1) << value;
    return true;
}

static bool read_field(struct parser *p, struct saga_schedule *schedule)
{
    uint64_t *allowed = &schedule->allowed[p->field];
    schedule->open[p->field] = p->rest.data[0] == '*' || p->rest.data[0] == '?';
    do {
        if (!take_range(p, allowed)) return false;
    } while (take(p, ','));
    if (p->rest.size)
        return complain(p, saga_arena_printf(p->arena, "\"%.*s\" cannot follow in the %s",
                                             SAGA_SLICE_ARG(saga_slice_clip(p->rest, 40)),
                                             fields[p->field].name));
    if (p->field == WEEKDAY && *allowed >> 7 & 1) *allowed |= 1; /* 7 is Sunday too */
    return true;
}

static size_t split(struct saga_slice text, struct saga_slice *words, size_t max)
{
    size_t count = 0;
    for (size_t i = 0, from; i < text.size;) {
        while (i < text.size && (text.data[i] == ' ' || text.data[i] == '\t')) i++;
        for (from = i; i < text.size && text.data[i] != ' ' && text.data[i] != '\t';) i++;
        if (i == from) break;
        if (count < max) words[count] = (struct saga_slice){ text.data + from, i - from };
        count++;
    }
    return count;
}

static bool find_nickname(struct parser *p, struct saga_slice *text)
{
    if (text->size == 0 || text->data[0] != '@') return true;
    for (size_t i = 0; i < sizeof nicknames / sizeof nicknames[0]; i++) {
        if (!saga_slice_is(*text, nicknames[i].name)) continue;
        *text = saga_slice_of(nicknames[i].fields);
        return true;
    }
    return complain(p, SAGA_SLICE("of the names with @ there are @yearly, @monthly, @weekly, "
                                  "@daily and @hourly; @every is written `every: 1h`"));
}

static bool read_fields(struct parser *p, struct saga_slice text, struct saga_schedule *schedule)
{
    struct saga_slice words[FIELDS];
    if (text.size > SAGA_CRON_BYTES_MAX)
        return complain(
            p, saga_arena_printf(p->arena, "it is longer than %d bytes", SAGA_CRON_BYTES_MAX));
    if (!find_nickname(p, &text)) return false;
    size_t count = split(text, words, FIELDS);
    if (count == FIELDS + 1)
        return complain(p, SAGA_SLICE("it has six fields: a cron without seconds has five"));
    if (count != FIELDS)
        return complain(p, saga_arena_printf(p->arena,
                                             "it has %zu fields: minute, hour, day of the month, "
                                             "month and day of the week are five",
                                             count));
    for (p->field = MINUTE; p->field < FIELDS; p->field++) {
        p->rest = words[p->field];
        if (!read_field(p, schedule)) return false;
    }
    return true;
}

int saga_schedule_parse(struct saga_slice text, const struct saga_zone *zone,
                        struct saga_arena *arena, const struct saga_schedule **ret,
                        struct saga_slice *ret_message)
{
    struct parser p = { .arena = arena };
    struct saga_schedule *schedule = SAGA_NEW(arena, struct saga_schedule);
    if (!read_fields(&p, text, schedule)) {
        *ret_message = p.message;
        return SAGA_E_INVALID;
    }
    schedule->text = saga_arena_copy(arena, text);
    schedule->zone = zone;
    *ret = schedule;
    return SAGA_OK;
}

struct saga_slice saga_schedule_text(const struct saga_schedule *schedule)
{
    return schedule->text;
}

struct saga_slice saga_schedule_zone(const struct saga_schedule *schedule)
{
    return saga_zone_name(schedule->zone);
}

bool saga_start_is_scheduled(const struct saga_start *start)
{
    return start->every_ms > 0 || start->cron;
}

bool saga_definition_is_scheduled(const struct saga_definition *definition)
{
    for (size_t i = 0; i < definition->start_count; i++)
        if (saga_start_is_scheduled(&definition->starts[i])) return true;
    return false;
}

/* ---- on the wall: minutes since 1970-01-01 00:00 of the zone's own clock ---- */

static bool allows(const struct saga_schedule *s, enum field field, unsigned value)
{
    return s->allowed[field] >> value & 1;
}

static bool allows_day(const struct saga_schedule *s, int64_t day)
{
    int64_t year;
    unsigned month, day_of_month;
    saga_date_of_days(day, &year, &month, &day_of_month);
    if (!allows(s, MONTH, month)) return false;
    unsigned weekday = (unsigned)(((day + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    bool by_month = allows(s, DAY, day_of_month), by_week = allows(s, WEEKDAY, weekday);
    bool either = !s->open[DAY] && !s->open[WEEKDAY]; /* cron(5) */
    return either ? by_month || by_week : by_month && by_week;
}

static int64_t next_minute_of_day(const struct saga_schedule *s, int64_t from)
{
    for (int64_t minute = from; minute < MINUTES_A_DAY; minute++) {
        if (!allows(s, HOUR, (unsigned)(minute / 60)))
            minute += 59 - minute % 60;
        else if (allows(s, MINUTE, (unsigned)(minute % 60)))
            return minute;
    }
    return MINUTES_A_DAY;
}

/* The first minute that it allows, from that one on. */
static int64_t next_on_wall(const struct saga_schedule *s, int64_t from)
{
    int64_t first = saga_floor_divide(from, MINUTES_A_DAY);
    for (int64_t day = first; day < first + DAYS_MAX; day++) {
        if (!allows_day(s, day)) continue;
        int64_t minute = next_minute_of_day(s, day == first ? from - first * MINUTES_A_DAY : 0);
        if (minute < MINUTES_A_DAY) return day * MINUTES_A_DAY + minute;
    }
    return SAGA_SCHEDULE_NEVER;
}

/* When the clock on the wall shows that minute for the first time, or has passed over it. */
static int64_t time_of(const struct saga_zone *zone, int64_t minute)
{
    int64_t time_s = minute * 60 - SHIFT_S_MAX, from_s, until_s;
    for (;;) {
        int64_t at_s = minute * 60 - saga_zone_offset(zone, time_s, &from_s, &until_s);
        if (at_s < until_s) return at_s > from_s ? at_s : from_s;
        time_s = until_s;
    }
}

/* What says an hour comes once a day, however long that day is. */
static int64_t next_by_wall(const struct saga_schedule *s, int64_t after_s)
{
    int64_t from_s, until_s;
    int64_t wall_s = after_s + saga_zone_offset(s->zone, after_s, &from_s, &until_s);
    int64_t minute = saga_floor_divide(wall_s, 60);
    for (;;) {
        minute = next_on_wall(s, minute + 1);
        if (minute == SAGA_SCHEDULE_NEVER) return SAGA_SCHEDULE_NEVER;
        int64_t at_s = time_of(s->zone, minute);
        if (at_s > after_s) return at_s;
    }
}

/* What comes in every hour: from change to change of the clocks. */
static int64_t next_by_hours(const struct saga_schedule *s, int64_t after_s)
{
    int64_t first_s = after_s + 1, from_s, until_s;
    for (;;) {
        int64_t offset_s = saga_zone_offset(s->zone, first_s, &from_s, &until_s);
        int64_t minute = next_on_wall(s, saga_floor_divide(first_s + offset_s + 59, 60));
        if (minute == SAGA_SCHEDULE_NEVER) return SAGA_SCHEDULE_NEVER;
        int64_t at_s = minute * 60 - offset_s;
        if (at_s < until_s) return at_s;
        first_s = at_s - SHIFT_S_MAX > until_s ? at_s - SHIFT_S_MAX : until_s;
    }
}

static int64_t next_by_cron(const struct saga_schedule *s, int64_t after_ms)
{
    const uint64_t all_hours = (UINT64_C(1) << 24) - 1;
    int64_t after_s = saga_floor_divide(after_ms, 1000);
    int64_t at_s =
        s->allowed[HOUR] == all_hours ? next_by_hours(s, after_s) : next_by_wall(s, after_s);
    return at_s == SAGA_SCHEDULE_NEVER ? SAGA_SCHEDULE_NEVER : at_s * 1000;
}

int64_t saga_schedule_next(const struct saga_start *start, int64_t after_ms)
{
    SAGA_ASSERT(saga_start_is_scheduled(start));
    if (start->cron) return next_by_cron(start->cron, after_ms);
    return (saga_floor_divide(after_ms, start->every_ms) + 1) * start->every_ms;
}

/* The later a time is, the later is the tick after it: so the last time is looked for whose tick has come. */
int64_t saga_schedule_newest(const struct saga_start *start, int64_t from_ms, int64_t until_ms)
{
    int64_t low_ms = from_ms - 1, high_ms = until_ms;
    if (saga_schedule_next(start, low_ms) > until_ms) return SAGA_SCHEDULE_NEVER;
    while (high_ms - low_ms >
           1) { /* the tick after `low_ms` has come, the one after `high_ms` not */
        int64_t middle_ms = low_ms + (high_ms - low_ms) / 2;
        if (saga_schedule_next(start, middle_ms) <= until_ms)
            low_ms = middle_ms;
        else
            high_ms = middle_ms;
    }
    return saga_schedule_next(start, low_ms);
}
