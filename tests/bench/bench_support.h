/* What the benchmarks share: the servers, a clock, what processes use, and an end with words where something goes
 * wrong. */
#ifndef SAGA_BENCH_SUPPORT_H
#define SAGA_BENCH_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/cluster.h"

extern struct saga_test_cluster bench_cluster; /* the caller's to start */

/* From here on every end of the process that is not bench_done's says where the logs are. `quiet`: bench_say prints
 * nothing. */
void bench_begin(bool quiet);
/* Stops the servers, which may be started again. */
void bench_end_servers(void);
/* Stops the servers; the figures may be printed. */
void bench_end(void);
/* No servers run; the figures may be printed. */
void bench_done(void);

double bench_now_ms(void);    /* monotonic */
int64_t bench_clock_ms(void); /* since 1970 */
void bench_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void bench_stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For qsort of doubles. */
int bench_by_value(const void *a, const void *b);
/* A number of what Redis answers to a command; 0 where it is none. */
double bench_redis_number(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A number of /proc/PID/status: "Threads", or in KiB "VmRSS". Ends the program if the process is gone. */
long bench_status(pid_t pid, const char *field);
/* Processor time of a process so far, in seconds; of all its threads. */
double bench_processor_s(pid_t pid);
/* Processor time that all processes of the machine have used so far, in seconds. */
double bench_machine_s(void);

#endif
