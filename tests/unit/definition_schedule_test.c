/* When schedules tick. What cron and the clocks of the world do is known from elsewhere: the expected times were
 * computed with another implementation of the zones (Python's zoneinfo), minute by minute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/error.h"
#include "base/time.h"
#include "definition/schedule.h"

struct known {
    const char *zone, *cron, *after, *ticks[4];
};

static const struct known knowns[] = {
    { "UTC",
      "*/15 * * * *",
      "2030-01-01T00:00:00Z",
      { "2030-01-01T00:15:00Z", "2030-01-01T00:30:00Z", "2030-01-01T00:45:00Z",
        "2030-01-01T01:00:00Z" } },
    /* the time itself is over, and a millisecond before it is not */
    { "UTC", "0 6 * * *", "2030-01-01T06:00:00Z", { "2030-01-02T06:00:00Z" } },
    { "UTC", "0 6 * * *", "2030-01-01T05:59:59.999Z", { "2030-01-01T06:00:00Z" } },
    /* Friday the 4th: over the weekend */
    { "UTC",
      "0 6 * * 1-5",
      "2030-01-04T07:00:00Z",
      { "2030-01-07T06:00:00Z", "2030-01-08T06:00:00Z" } },
    { "UTC", "0 6 * * MON-fri", "2030-01-04T07:00:00Z", { "2030-01-07T06:00:00Z" } },
    { "UTC",
      "0 6 * * sat-SUN",
      "2030-01-04T07:00:00Z",
      { "2030-01-05T06:00:00Z", "2030-01-06T06:00:00Z", "2030-01-12T06:00:00Z" } },
    { "UTC",
      "0 6 ? * 7",
      "2030-01-04T07:00:00Z",
      { "2030-01-06T06:00:00Z", "2030-01-13T06:00:00Z" } },
    { "UTC", "0 6 ? * 0", "2030-01-04T07:00:00Z", { "2030-01-06T06:00:00Z" } },
    /* both days are said: either will do */
    { "UTC",
      "0 0 13 * 5",
      "2030-09-01T00:00:00Z",
      { "2030-09-06T00:00:00Z", "2030-09-13T00:00:00Z", "2030-09-20T00:00:00Z" } },
    { "UTC",
      "0 0 13 * 5",
      "2030-10-11T00:00:00Z",
      { "2030-10-13T00:00:00Z", "2030-10-18T00:00:00Z" } },
    /* one begins with a star: both must fit */
    { "UTC",
      "0 0 */2 * 1",
      "2030-01-01T00:00:00Z",
      { "2030-01-07T00:00:00Z", "2030-01-21T00:00:00Z", "2030-02-11T00:00:00Z" } },
    { "UTC",
      "5/20 10-12/2 1,15 JAN,Jul *",
      "2030-01-15T10:30:00Z",
      { "2030-01-15T10:45:00Z", "2030-01-15T12:05:00Z", "2030-01-15T12:25:00Z",
        "2030-01-15T12:45:00Z" } },
    { "UTC",
      "  0\t0  31 * * ",
      "2030-01-31T00:00:00Z",
      { "2030-03-31T00:00:00Z", "2030-05-31T00:00:00Z" } },
    { "UTC",
      "0 0 29 2 *",
      "2028-02-29T00:00:00Z",
      { "2032-02-29T00:00:00Z", "2036-02-29T00:00:00Z" } },
    { "UTC", "0 0 29 2 *", "2096-03-01T00:00:00Z", { "2104-02-29T00:00:00Z" } },
    { "UTC", "0 0 29 2 */7", "2088-03-01T00:00:00Z", { "2128-02-29T00:00:00Z" } },
    { "UTC", "@hourly", "2030-01-01T00:30:00Z", { "2030-01-01T01:00:00Z" } },
    { "UTC", "@daily", "2030-01-01T00:30:00Z", { "2030-01-02T00:00:00Z" } },
    { "UTC", "@weekly", "2030-01-01T00:30:00Z", { "2030-01-06T00:00:00Z" } },
    { "UTC", "@monthly", "2030-01-01T00:30:00Z", { "2030-02-01T00:00:00Z" } },
    { "UTC", "@yearly", "2030-01-01T00:30:00Z", { "2031-01-01T00:00:00Z" } },
    /* Berlin, 2030-03-31: 02:00 is 03:00 */
    { "Europe/Berlin",
      "0 6 * * *",
      "2030-03-30T00:00:00Z",
      { "2030-03-30T05:00:00Z", "2030-03-31T04:00:00Z", "2030-04-01T04:00:00Z" } },
    { "Europe/Berlin",
      "30 2 * * *",
      "2030-03-30T00:00:00Z",
      { "2030-03-30T01:30:00Z", "2030-03-31T01:00:00Z", "2030-04-01T00:30:00Z" } },
    { "Europe/Berlin",
      "0,30 2,3 * * *",
      "2030-03-31T00:00:00Z",
      { "2030-03-31T01:00:00Z", "2030-03-31T01:30:00Z", "2030-04-01T00:00:00Z" } },
    { "Europe/Berlin",
      "30 * * * *",
      "2030-03-31T00:00:00Z",
      { "2030-03-31T00:30:00Z", "2030-03-31T01:30:00Z", "2030-03-31T02:30:00Z" } },
    /* Berlin, 2030-10-27: 03:00 is 02:00 again */
    { "Europe/Berlin",
      "30 2 * * *",
      "2030-10-26T00:00:00Z",
      { "2030-10-26T00:30:00Z", "2030-10-27T00:30:00Z", "2030-10-28T01:30:00Z" } },
    { "Europe/Berlin", "30 2 * * *", "2030-10-27T01:00:00Z", { "2030-10-28T01:30:00Z" } },
    { "Europe/Berlin",
      "30 * * * *",
      "2030-10-27T00:00:00Z",
      { "2030-10-27T00:30:00Z", "2030-10-27T01:30:00Z", "2030-10-27T02:30:00Z" } },
    /* New York, 2030-03-10 and 2030-11-03 */
    { "America/New_York",
      "30 2 * * *",
      "2030-03-09T12:00:00Z",
      { "2030-03-10T07:00:00Z", "2030-03-11T06:30:00Z" } },
    { "America/New_York",
      "30 1 * * *",
      "2030-11-02T12:00:00Z",
      { "2030-11-03T05:30:00Z", "2030-11-04T06:30:00Z" } },
    { "America/New_York",
      "*/30 * * * *",
      "2030-11-03T05:00:00Z",
      { "2030-11-03T05:30:00Z", "2030-11-03T06:00:00Z", "2030-11-03T06:30:00Z",
        "2030-11-03T07:00:00Z" } },
    /* half an hour, quarters, a summer time that is the standard one, and a day that never was */
    { "Australia/Lord_Howe",
      "15 2 * * *",
      "2030-10-05T00:00:00Z",
      { "2030-10-05T15:30:00Z", "2030-10-06T15:15:00Z" } },
    { "Asia/Kathmandu", "0 0 * * *", "2030-01-01T00:00:00Z", { "2030-01-01T18:15:00Z" } },
    { "Europe/Dublin", "30 1 * * *", "2030-03-30T12:00:00Z", { "2030-03-31T01:00:00Z" } },
    { "Pacific/Apia", "0 12 30 12 *", "2011-12-29T12:00:00Z", { "2011-12-30T10:00:00Z" } },
};

static const char *shown(int64_t time_ms)
{
    static char text[SAGA_TIME_TEXT_BYTES];
    if (time_ms == SAGA_SCHEDULE_NEVER) return "never";
    saga_time_format(time_ms, text);
    return text;
}

static int64_t ms(const char *text)
{
    int64_t time_ms;
    assert_int_equal(saga_time_parse(saga_slice_of(text), &time_ms), 0);
    return time_ms;
}

static struct saga_start cron(struct saga_arena *arena, const char *zone_name, const char *text)
{
    const struct saga_zone *zone;
    struct saga_slice message;
    struct saga_start start = { .every_ms = 0 };
    if (saga_zone_load(saga_slice_of(zone_name), arena, &zone) < 0) fail_msg("no %s", zone_name);
    if (saga_schedule_parse(saga_slice_of(text), zone, arena, &start.cron, &message) < 0)
        fail_msg("%s: %.*s", text, SAGA_SLICE_ARG(message));
    return start;
}

static void test_known(void **state)
{
    (void)state;
    struct saga_arena arena;
    saga_arena_init(&arena);
    for (size_t i = 0; i < sizeof knowns / sizeof knowns[0]; i++) {
        const struct known *known = &knowns[i];
        struct saga_start start = cron(&arena, known->zone, known->cron);
        int64_t at_ms = ms(known->after), first_ms = at_ms + 1;
        for (size_t t = 0; t < 4 && known->ticks[t]; t++) {
            int64_t next_ms = saga_schedule_next(&start, at_ms);
            if (next_ms != ms(known->ticks[t]))
                fail_msg("%s in %s after %s: %s, not %s", known->cron, known->zone, shown(at_ms),
                         shown(next_ms), known->ticks[t]);
            /* the newest one is this from its time on, up to the next */
            assert_true(saga_schedule_newest(&start, first_ms, next_ms) == next_ms);
            int64_t later_ms = saga_schedule_next(&start, next_ms) - 1;
            assert_true(saga_schedule_newest(&start, first_ms, later_ms) == next_ms);
            assert_true(saga_schedule_newest(&start, at_ms + 1, next_ms - 1) ==
                        SAGA_SCHEDULE_NEVER);
            at_ms = next_ms;
        }
    }
    saga_arena_free(&arena);
}

static void test_every(void **state)
{
    (void)state;
    struct saga_start start = { .every_ms = 3600000 };
    int64_t six_ms = ms("2030-01-01T06:00:00Z");
    assert_true(saga_schedule_next(&start, six_ms) == six_ms + 3600000);
    assert_true(saga_schedule_next(&start, six_ms - 1) == six_ms);
    assert_true(saga_schedule_newest(&start, six_ms - 7200000, six_ms + 1) == six_ms);
    assert_true(saga_schedule_newest(&start, six_ms + 1, six_ms + 5) == SAGA_SCHEDULE_NEVER);
    start.every_ms = 7 * 86400000LL; /* since a Thursday */
    assert_string_equal(shown(saga_schedule_next(&start, six_ms)), "2030-01-03T00:00:00.000Z");
}

static void test_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * 0 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "*/ * * * *",
        "1,, * * * *",
        "1- * * * *",
        "a * * * *",
        "1a * * * *",
        "* * * JANU *",
        "* * * * SU",
        "-1 * * * *",
        "* * * * MON#1",
        "* * L * *",
        "@reboot",
        "@every 1h",
        "**  * * * *",
        "1//2 * * * *",
        "1-2-3 * * * *",
        "99999999999999999999 * * * *",
    };
    (void)state;
    struct saga_arena arena;
    const struct saga_zone *zone;
    saga_arena_init(&arena);
    assert_int_equal(saga_zone_load(SAGA_SLICE("UTC"), &arena, &zone), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct saga_schedule *schedule;
        struct saga_slice message = SAGA_SLICE_NONE;
        if (saga_schedule_parse(saga_slice_of(wrong[i]), zone, &arena, &schedule, &message) == 0)
            fail_msg("\"%s\" is taken for a cron", wrong[i]);
        assert_true(message.size > 0);
    }
    saga_arena_free(&arena);
}

/* Whatever a file of the zone database was cut to or turned into, reading it comes to an end. */
static void test_damaged_zone(void **state)
{
    (void)state;
    static char bytes[65536], bad[65536];
    struct saga_arena arena;
    struct saga_zone *zone;
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    saga_arena_init(&arena);
    assert_int_equal(saga_zone_read((struct saga_slice){ bytes, size }, &arena, &zone), 0);
    for (size_t cut = 0; cut < size; cut++) {
        saga_arena_reset(&arena);
        assert_int_equal(saga_zone_read((struct saga_slice){ bytes, cut }, &arena, &zone),
                         SAGA_E_INVALID);
    }
    for (size_t place = 0; place < size; place++) {
        int64_t from_s, until_s;
        saga_arena_reset(&arena);
        for (size_t i = 0; i < size; i++) bad[i] = bytes[i];
        bad[place] = (char)(bad[place] ^ 0xff);
        if (saga_zone_read((struct saga_slice){ bad, size }, &arena, &zone) < 0) continue;
        int32_t offset_s = saga_zone_offset(zone, 1900000000, &from_s, &until_s);
        assert_true(offset_s > -26 * 3600 && offset_s < 26 * 3600);
        assert_true(from_s <= 1900000000 && until_s > 1900000000);
    }
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_every),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damaged_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
