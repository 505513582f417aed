#include "api_wrk.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench_support.h"

#define SCRIPT SAGA_SOURCE_DIR "/tests/bench/api.lua"

void bench_wrk_init(struct bench_wrk *wrk, int port, unsigned connections, const char *folder,
                    bench_request *make, unsigned count)
{
    *wrk = (struct bench_wrk){ .port = port, .connections = connections };
    snprintf(wrk->requests, sizeof wrk->requests, "%s/requests", folder);
    FILE *file = fopen(wrk->requests, "w");
    if (!file) bench_stop("%s cannot be written", wrk->requests);
    for (unsigned i = 0; i < count; i++) {
        char request[1024], path[512];
        make(request, sizeof request, i);
        if (sscanf(request, "GET %511s ", path) != 1) bench_stop("no GET: %s", request);
        fprintf(file, "%s\n", path);
    }
    if (fclose(file) != 0) bench_stop("%s cannot be written", wrk->requests);
}

struct bench_wrk_asked bench_wrk_ask(const struct bench_wrk *wrk, unsigned seconds)
{
    struct bench_wrk_asked asked;
    char command[2048], line[512];
    double count = 0, took_s = 0;
    bool said = false;
    snprintf(command, sizeof command,
             "wrk --threads 1 --connections %u --duration %us --script '%s' http://127.0.0.1:%d -- "
             "'%s' 2>&1",
             wrk->connections, seconds, SCRIPT, wrk->port, wrk->requests);
    FILE *output = popen(command, "r");
    if (!output) bench_stop("a shell cannot be started");
    while (!said && fgets(line, sizeof line, output))
        said = sscanf(line, "asked %lf %lf %lf %lf %zu", &count, &took_s, &asked.p50_ms,
                      &asked.p99_ms, &asked.refused) == 5;
    if (pclose(output) != 0 || !said || took_s <= 0)
        bench_stop("wrk gives no figures; is it there? apt-get install wrk");
    asked.per_s = count / took_s;
    return asked;
}
