/* Time as the worker sees it: a wall clock and a monotonic one behind functions, so that the simulation has its own. */
#ifndef SAGA_RUNTIME_CLOCK_H
#define SAGA_RUNTIME_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct saga_clock {
    void *context;
    int64_t (*wall_ms)(void *context);      /* since 1970-01-01 UTC; may jump */
    int64_t (*monotonic_ms)(void *context); /* never jumps */
};

/* The machine's clocks. */
struct saga_clock saga_clock_system(void);

/* R17: notices jumps of the wall clock and holds timers back for a while after one, so that a clock that is
 * set wrong for a moment does not time out everything. */
struct saga_clock_guard {
    int64_t last_wall_ms, last_monotonic_ms;
    int64_t hold_until_ms; /* monotonic; 0: timers ring */
};

/* Looks at the clock. `*ret_jump_ms` gets the size of a jump of more than 5 s, else 0. Returns the wall time. */
int64_t saga_clock_guard_look(struct saga_clock_guard *guard, const struct saga_clock *clock,
                              int64_t *ret_jump_ms);
/* May timers ring now? */
bool saga_clock_guard_allows_timers(const struct saga_clock_guard *guard,
                                    const struct saga_clock *clock);

#endif
