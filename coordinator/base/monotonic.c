#include "base/monotonic.h"

#include <time.h>

int64_t saga_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t saga_monotonic_ms(void)
{
    return saga_monotonic_us() / 1000;
}

void saga_sleep_ms(int ms)
{
    const struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };
    nanosleep(&pause, NULL);
}
