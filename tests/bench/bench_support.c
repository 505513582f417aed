#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct saga_test_cluster bench_cluster;
static bool complete, is_quiet;

double bench_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void bench_stop(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

/* The harness calls exit where it has no test to fail, so every failure comes by here. The servers'
 * data goes, the logs stay; where the servers did not start, their folders are the logs. */
static void end_early(void)
{
    if (complete) return;
    fflush(NULL);
    if (bench_cluster.folder)
        fprintf(stderr, "bench: no figures; logs are in %s\n", bench_cluster.folder);
    setenv("SAGA_TEST_KEEP", "1", 1);
    if (bench_cluster.client) saga_test_cluster_stop(&bench_cluster);
    _exit(1);
}

void bench_begin(bool quiet)
{
    is_quiet = quiet;
    atexit(end_early);
}

void bench_end(void)
{
    saga_test_cluster_stop(&bench_cluster);
    complete = true;
}

void bench_say(const char *words)
{
    if (!is_quiet) fprintf(stderr, "%s\n", words);
}
