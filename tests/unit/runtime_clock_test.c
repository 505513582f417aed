/* R17: jumps of the wall clock are noticed and hold timers back for a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "runtime/clock.h"

struct fake {
    int64_t wall_ms, monotonic_ms;
};

static int64_t wall(void *context)
{
    return ((struct fake *)context)->wall_ms;
}

static int64_t monotonic(void *context)
{
    return ((struct fake *)context)->monotonic_ms;
}

static int64_t look_after(struct saga_clock_guard *guard, struct fake *fake, int64_t wall_ms,
                          int64_t monotonic_ms)
{
    const struct saga_clock clock = { fake, wall, monotonic };
    int64_t jump_ms;
    fake->wall_ms += wall_ms;
    fake->monotonic_ms += monotonic_ms;
    saga_clock_guard_look(guard, &clock, &jump_ms);
    return jump_ms;
}

static void jumps_hold_timers(void **state)
{
    struct fake fake = { 1000000, 500 };
    const struct saga_clock clock = { &fake, wall, monotonic };
    struct saga_clock_guard guard = { 0 };
    (void)state;
    assert_int_equal(look_after(&guard, &fake, 0, 0), 0);
    assert_int_equal(look_after(&guard, &fake, 60000, 60000), 0); /* a minute is a minute */
    assert_int_equal(look_after(&guard, &fake, 5400, 1000), 0);   /* slewing */
    assert_true(saga_clock_guard_allows_timers(&guard, &clock));
    assert_int_equal(look_after(&guard, &fake, 3601000, 1000), 3600000);
    assert_false(saga_clock_guard_allows_timers(&guard, &clock));
    assert_int_equal(look_after(&guard, &fake, 9000, 9000), 0);
    assert_false(saga_clock_guard_allows_timers(&guard, &clock));
    assert_int_equal(look_after(&guard, &fake, 1000, 1000), 0);
    assert_true(saga_clock_guard_allows_timers(&guard, &clock));
    assert_int_equal(look_after(&guard, &fake, -3600000, 0), -3600000);
    assert_false(saga_clock_guard_allows_timers(&guard, &clock));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(jumps_hold_timers) };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
