/* The coordinator as a process: checks its surroundings, reads the definitions, runs the workers until it is
 * told to stop. Used by `saga run` and, with a mock endpoint, by `saga dev`. */
#ifndef SAGA_RUNTIME_DAEMON_H
#define SAGA_RUNTIME_DAEMON_H

#include "base/diagnostic.h"
#include "runtime/config.h"

struct saga_daemon;

/* Starts the threads and returns. Brokers and Redis that are not there yet are waited for (R25).
 * Errors: SAGA_E_STOP (wrong surroundings), with words in `diagnostic`. */
int saga_daemon_start(const struct saga_config *config, struct saga_arena *arena,
                      struct saga_daemon **ret, struct saga_diagnostic *diagnostic);
/* Are all workers in the group with their lanes recovered? */
bool saga_daemon_is_ready(struct saga_daemon *daemon);
/* Has a worker met something with which it cannot go on? Then stop and exit with 1. */
bool saga_daemon_has_failed(struct saga_daemon *daemon);
/* R27: finishes what is in hand, leaves the group, joins the threads. Errors: SAGA_E_AGAIN when
 * `stop_timeout` was not enough. Frees the daemon. */
int saga_daemon_stop(struct saga_daemon *daemon);

/* Numbers since the start, for metrics, `saga dev` and the benchmark. */
struct saga_daemon_counts {
    uint64_t events, batches, commands, hops, dead_letters, ignored, aborts, recoveries;
    uint64_t sagas_started, sagas_ended;
};
void saga_daemon_count(struct saga_daemon *daemon, struct saga_daemon_counts *ret);

#endif
