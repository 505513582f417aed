#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench_support.h"
#include "harness/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int64_t bench_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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

void bench_end_servers(void)
{
    if (bench_cluster.client) saga_test_cluster_stop(&bench_cluster);
    memset(&bench_cluster, 0, sizeof bench_cluster);
}

void bench_done(void)
{
    complete = true;
}

void bench_end(void)
{
    bench_end_servers();
    bench_done();
}

void bench_say(const char *format, ...)
{
    va_list arguments;
    if (is_quiet) return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int bench_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_redis_number(const char *format, ...)
{
    char command[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    const char *answer = saga_test_redis_ask(bench_cluster.redis, "%s", command);
    return answer ? strtod(answer, NULL) : 0;
}

/* ---- what processes use ---- */

long bench_status(pid_t pid, const char *field)
{
    long value = saga_test_status(pid, field);
    if (value <= 0) bench_stop("a process is gone: /proc says nothing of its %s", field);
    return value;
}

/* The first line of a file, behind the last `behind` in it. */
static const char *first_line(const char *path, char behind, char *line, size_t size)
{
    FILE *file = fopen(path, "r");
    bool got = file && fgets(line, (int)size, file);
    if (file) fclose(file);
    const char *rest = got ? strrchr(line, behind) : NULL;
    if (!rest) bench_stop("%s cannot be read", path);
    return rest + 1;
}

double bench_processor_s(pid_t pid)
{
    enum { USER = 12, SYSTEM = 13 }; /* words behind the name, which may hold spaces: proc(5) */
    char path[64], line[1024];
    double ticks = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    char *word, *at = (char *)(uintptr_t)first_line(path, ')', line, sizeof line);
    for (int i = 1; (word = strtok_r(NULL, " ", &at)); i++)
        if (i == USER || i == SYSTEM) ticks += strtod(word, NULL);
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

double bench_machine_s(void)
{
    enum { IDLE = 4, WAITING = 5, KINDS = 8 }; /* from here on: guests, who are counted above */
    char line[1024];
    double ticks = 0;
    char *word, *at = (char *)(uintptr_t)first_line("/proc/stat", 'u', line, sizeof line);
    for (int i = 1; i <= KINDS && (word = strtok_r(NULL, " ", &at)); i++)
        if (i != IDLE && i != WAITING) ticks += strtod(word, NULL);
    return ticks / (double)sysconf(_SC_CLK_TCK);
}
