#include "runtime/clock.h"

#include <time.h>

#include "base/monotonic.h"

enum { JUMP_MS = 5000, HOLD_MS = 10000 };

static int64_t wall_ms(void *context)
{
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t monotonic_ms(void *context)
{
    (void)context;
    return saga_monotonic_ms();
}

struct saga_clock saga_clock_system(void)
{
    return (struct saga_clock){ .wall_ms = wall_ms, .monotonic_ms = monotonic_ms };
}

int64_t saga_clock_guard_look(struct saga_clock_guard *guard, const struct saga_clock *clock,
                              int64_t *ret_jump_ms)
{
    int64_t wall = clock->wall_ms(clock->context), monotonic = clock->monotonic_ms(clock->context);
    *ret_jump_ms = 0;
    if (guard->last_wall_ms) {
        int64_t jump = (wall - guard->last_wall_ms) - (monotonic - guard->last_monotonic_ms);
        if (jump > JUMP_MS || jump < -JUMP_MS) {
            *ret_jump_ms = jump;
            guard->hold_until_ms = monotonic + HOLD_MS;
        }
    }
    guard->last_wall_ms = wall;
    guard->last_monotonic_ms = monotonic;
    return wall;
}

bool saga_clock_guard_allows_timers(const struct saga_clock_guard *guard,
                                    const struct saga_clock *clock)
{
    return clock->monotonic_ms(clock->context) >= guard->hold_until_ms;
}
