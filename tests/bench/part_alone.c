/* Parts that are programs of their own: the engine without servers, and a lane that is built from its snapshot. */
#include <stdio.h>

#include "bench_run.h"
#include "bench_support.h"

/* Takes over the numbers that it prints. */
static void run(const char *const *arguments, json_t *figures)
{
    const char *name;
    json_t *number;
    bench_servers_leave();
    bench_say("build/%s alone", arguments[0]);
    json_t *said = bench_run_program(arguments);
    json_object_foreach(said, name, number)
    {
        if (json_is_number(number)) bench_set(figures, name, json_number_value(number));
    }
    json_decref(said);
}

void bench_engine(json_t *figures)
{
    char sagas[32];
    snprintf(sagas, sizeof sagas, "--sagas=%u", bench_options.sagas);
    const char *const arguments[] = { "tests/saga_engine", "-o", "json", sagas, NULL };
    run(arguments, figures);
}

void bench_rebuild(json_t *figures)
{
    char sagas[32];
    snprintf(sagas, sizeof sagas, "--sagas=%u", bench_options.waiting);
    const char *const arguments[] = { "tests/saga_rebuild", "-o", "json", sagas, NULL };
    run(arguments, figures);
}
