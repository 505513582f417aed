/* A number on a benchmark's command line. */
#ifndef SAGA_BENCH_COUNT_H
#define SAGA_BENCH_COUNT_H

#include <argp.h>
#include <errno.h>
#include <stdlib.h>

/* Ends the program with words where the text is no number from `min` to `max`. */
static inline unsigned read_count(const char *text, unsigned min, unsigned max,
                                  struct argp_state *state)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < (long)min || value > (long)max)
        argp_error(state, "'%s' is not a number from %u to %u", text, min, max);
    return (unsigned)value;
}

#endif
