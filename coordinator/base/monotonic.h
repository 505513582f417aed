/* A clock that never jumps, for waits and for how long something took. What decides on sagas has its time from outside instead
 * (runtime/clock.h), so that it can be simulated and decided again. */
#ifndef SAGA_BASE_MONOTONIC_H
#define SAGA_BASE_MONOTONIC_H

#include <stdint.h>

/* Since some moment that is the same for all threads of the process. */
int64_t saga_monotonic_ms(void);
int64_t saga_monotonic_us(void);

/* A signal may end it early. */
void saga_sleep_ms(int ms);

#endif
