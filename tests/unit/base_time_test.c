/* Durations as people write them, times as RFC 3339, never through the locale or a time zone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"

static void assert_duration(const char *text, int64_t ms)
{
    int64_t value = -1;
    assert_int_equal(saga_duration_parse(saga_slice_of(text), &value), SAGA_OK);
    assert_int_equal(value, ms);
}

static void durations_are_sums_of_falling_units(void **state)
{
    (void)state;
    assert_duration("0s", 0);
    assert_duration("200ms", 200);
    assert_duration("10s", 10000);
    assert_duration("5m", 300000);
    assert_duration("2h", 7200000);
    assert_duration("7d", 604800000);
    assert_duration("1h30m", 5400000);
    assert_duration("1d2h3m4s5ms", 93784005);
    assert_duration("36525d", 36525LL * 86400000);
}

static void what_is_no_duration_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",   "5",   "s",   "-5s", "5 s",   "1.5h",  "30m1h",  "1h1h",     "5sec",
        "5S", "1h ", " 1h", "1w",  "1s500", "1h-1m", "36601d", "36600d1s", "99999999999999999999s"
    };
    int64_t value = 42;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (saga_duration_parse(saga_slice_of(wrong[i]), &value) != SAGA_E_INVALID)
            fail_msg("'%s' was taken as a duration", wrong[i]);
        assert_int_equal(value, 42);
    }
}

static void a_duration_is_written_in_its_shortest_exact_form(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } known[] = { { 0, "0s" },         { 1, "1ms" },       { 90000, "1m30s" },
                  { 1500, "1s500ms" }, { 86400000, "1d" }, { 93784005, "1d2h3m4s5ms" },
                  { -90000, "-1m30s" } };
    char text[SAGA_TIME_TEXT_BYTES];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        saga_duration_format(known[i].ms, text);
        assert_string_equal(text, known[i].text);
    }
    saga_duration_format(INT64_MAX, text);
    assert_string_equal(text, "106751991167d7h12m55s807ms");
    saga_duration_format(INT64_MIN, text);
    assert_string_equal(text, "-106751991167d7h12m55s808ms");
}

static void times_are_never_too_far_apart(void **state)
{
    (void)state;
    assert_int_equal(saga_time_between(1000, 4500), 3500);
    assert_int_equal(saga_time_between(4500, 1000), -3500);
    assert_true(saga_time_between(INT64_MIN, INT64_MAX) == INT64_MAX);
    assert_true(saga_time_between(INT64_MAX, INT64_MIN) == -INT64_MAX);
    assert_true(saga_time_between(-2, INT64_MAX) == INT64_MAX);
}

static void assert_time(const char *text, int64_t ms)
{
    int64_t value = -1;
    if (saga_time_parse(saga_slice_of(text), &value) != SAGA_OK) fail_msg("'%s' was refused", text);
    assert_int_equal(value, ms);
}

static void times_are_read_with_any_offset(void **state)
{
    (void)state;
    assert_time("1970-01-01T00:00:00Z", 0);
    assert_time("2026-11-23T12:13:14.015Z", 1795435994015);
    assert_time("2026-11-23T13:13:14.015+01:00", 1795435994015);
    assert_time("2026-11-23t06:43:14.015-05:30", 1795435994015);
    assert_time("2026-11-23 12:13:14.0159999z", 1795435994015);
    assert_time("1969-12-31T23:59:59.999Z", -1);
    assert_time("2000-02-29T00:00:00Z", 951782400000);
    assert_time("0000-01-01T00:00:00Z", -62167219200000);
    assert_time("2016-12-31T23:59:60Z", 1483228800000);
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "2026-11-23",
        "2026-11-23T12:13:14",
        "2026-11-23T12:13Z",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T12:60:00Z",
        "2026-11-23T12:13:61Z",
        "2026-11-23T12:13:14.Z",
        "2026-11-23T12:13:14+24:00",
        "2026-11-23T12:13:14+0100",
        "2026-11-23T12:13:14Zx",
        "26-11-23T12:13:14Z",
    };
    int64_t value = 42;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (saga_time_parse(saga_slice_of(wrong[i]), &value) != SAGA_E_INVALID)
            fail_msg("'%s' was taken as a time", wrong[i]);
        assert_int_equal(value, 42);
    }
    assert_int_equal(saga_time_parse(SAGA_SLICE("2026\00011-23T12:13:14Z"), &value),
                     SAGA_E_INVALID);
    assert_int_equal(saga_time_parse(SAGA_SLICE("2026-11-23T12:13:14\0"), &value), SAGA_E_INVALID);
}

static void times_are_written_in_utc_whatever_the_zone(void **state)
{
    (void)state;
    char text[SAGA_TIME_TEXT_BYTES];
    setenv("TZ", "America/New_York", 1);
    saga_time_format(1795435994015, text);
    assert_string_equal(text, "2026-11-23T12:13:14.015Z");
    saga_time_format_clock(1795435994015, text);
    assert_string_equal(text, "12:13:14.015");
    saga_time_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    saga_time_format(-62167219200000, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
    saga_time_format(951782399999, text);
    assert_string_equal(text, "2000-02-28T23:59:59.999Z");
}

/* Every 37th hour of 800 years: a wrong leap rule shows as a day that does not come back. */
static void what_is_written_is_read_back(void **state)
{
    (void)state;
    char text[SAGA_TIME_TEXT_BYTES];
    for (int64_t ms = -12622780800000; ms < 12622780800000; ms += 37 * 3600000 + 1) {
        int64_t back;
        saga_time_format(ms, text);
        assert_int_equal(saga_time_parse(saga_slice_of(text), &back), SAGA_OK);
        assert_int_equal(back, ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_sums_of_falling_units),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(a_duration_is_written_in_its_shortest_exact_form),
        cmocka_unit_test(times_are_never_too_far_apart),
        cmocka_unit_test(times_are_read_with_any_offset),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(times_are_written_in_utc_whatever_the_zone),
        cmocka_unit_test(what_is_written_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
