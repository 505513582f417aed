/* What the benchmarks share: the servers, a clock, and an end with words where something goes wrong. */
#ifndef SAGA_BENCH_SUPPORT_H
#define SAGA_BENCH_SUPPORT_H

#include <stdbool.h>

#include "harness/cluster.h"

extern struct saga_test_cluster bench_cluster; /* the caller's to start */

/* From here on every end of the process that is not bench_end's says where the logs are. `quiet`: bench_say prints
 * nothing. */
void bench_begin(bool quiet);
/* Stops the servers; the figures may be printed. */
void bench_end(void);

double bench_now_ms(void); /* monotonic */
void bench_say(const char *words);
_Noreturn void bench_stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
