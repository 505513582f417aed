/* What the journal is good for, once it is written: how fast it is proved, and decided by another version, and how soon one saga's
 * story is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "bench_run.h"
#include "bench_support.h"
#include "harness/process.h"

enum { ASKED = 51 };

/* Processor time of the children that have ended, in seconds. */
static double children_s(void)
{
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void prove(json_t *figures)
{
    double begin_ms = bench_now_ms(), begin_s = children_s();
    json_t *said = bench_verify();
    double took_s = (bench_now_ms() - begin_ms) / 1e3, used_s = children_s() - begin_s;
    double records = json_number_value(json_object_get(said, "records"));
    json_decref(said);
    bench_set(figures, "records", records);
    bench_set(figures, "records_per_core_s", records / used_s);
    bench_set(figures, "records_per_s", records / took_s);
}

/* By the definition that was in force: what it costs does not depend on that, and every saga must go the same way. */
static void decide_anew(json_t *figures)
{
    const char *const arguments[] = { "saga",   "replay",
                                      "--with", SAGA_SOURCE_DIR "/tests/bench/three-steps.yaml",
                                      "-o",     "json",
                                      NULL };
    bench_say("deciding all of it once more (saga replay --with)");
    double begin_s = children_s();
    json_t *said = bench_run_program(arguments);
    double used_s = children_s() - begin_s;
    double events = json_number_value(json_object_get(said, "events"));
    if (!json_is_true(json_object_get(said, "passed"))) bench_stop("a saga goes another way");
    json_decref(said);
    bench_set(figures, "what_if_events_per_core_s", events / used_s);
}

/* Milliseconds from starting the program to its end. */
static double ask_once(const char *log)
{
    char program[] = SAGA_BINARY_DIR "/saga", command[] = "history", id[] = "three-steps/load-0";
    char *arguments[] = { program, command, id, NULL };
    pid_t pid;
    int status = -1;
    double began_ms = bench_now_ms();
    if (saga_test_spawn(arguments, log, &pid) < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        bench_stop("saga history ended with %d: %s", status, log);
    return bench_now_ms() - began_ms;
}

static void tell(json_t *figures)
{
    double took_ms[ASKED];
    char log[512];
    char *folder = saga_test_temp_dir();
    if (!folder) bench_stop("no folder for what saga history prints");
    snprintf(log, sizeof log, "%s/output", folder);
    bench_say("one saga's history, %d times", ASKED);
    for (int i = 0; i < ASKED; i++) took_ms[i] = ask_once(log);
    qsort(took_ms, ASKED, sizeof took_ms[0], bench_by_value);
    bench_set(figures, "history_ms", took_ms[ASKED / 2]);
    bench_set(figures, "history_max_ms", took_ms[ASKED - 1]);
    saga_test_remove_dir(folder);
    free(folder);
}

void bench_replay(json_t *figures)
{
    bench_servers(&bench_plain);
    bench_coordinator_stop();
    prove(figures);
    decide_anew(figures);
    tell(figures);
}
