/* What the benchmarks without servers share: an end with words, and a clock of the processor's time, in which other work on
 * the machine shows less. */
#ifndef SAGA_BENCH_ALONE_H
#define SAGA_BENCH_ALONE_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline _Noreturn void stop(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static inline double processor_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

#endif
