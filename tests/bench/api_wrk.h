/* The HTTP API asked by wrk, a client that is not ours. */
#ifndef SAGA_BENCH_API_WRK_H
#define SAGA_BENCH_API_WRK_H

#include <stddef.h>

#include "api_client.h"

struct bench_wrk {
    char requests[512]; /* a file: the paths that are asked for, a line each */
    int port;
    unsigned connections;
};
/* Writes the first `count` requests of `make`, each a GET, into a file in `folder`. */
void bench_wrk_init(struct bench_wrk *wrk, int port, unsigned connections, const char *folder,
                    bench_request *make, unsigned count);

struct bench_wrk_asked {
    double per_s, p50_ms, p99_ms;
    size_t refused; /* or lost */
};
/* Asks for so long without a pause, over connections with keep-alive, in one thread of wrk's. Ends the program with words where
 * there is no wrk. */
struct bench_wrk_asked bench_wrk_ask(const struct bench_wrk *wrk, unsigned seconds);

#endif
