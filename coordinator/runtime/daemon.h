/* The coordinator as a process: checks its surroundings, reads the definitions, runs the workers until it is
 * told to stop. Used by `saga run` and, with a mock endpoint, by `saga dev`. */
#ifndef SAGA_RUNTIME_DAEMON_H
#define SAGA_RUNTIME_DAEMON_H

#include "base/buffer.h"
#include "base/diagnostic.h"
#include "runtime/config.h"

struct saga_daemon;

/* Looks at all that the settings name and the lanes need: schemas, keys, certificates, options of the clients. Nothing runs yet,
 * and no server is asked. Errors: negative, with words in `diagnostic`. Then freed with saga_daemon_free, or started. */
int saga_daemon_new(const struct saga_config *config, struct saga_arena *arena,
                    struct saga_daemon **ret, struct saga_diagnostic *diagnostic);
/* One that was never started. NULL is fine. */
void saga_daemon_free(struct saga_daemon *daemon);
/* Starts the threads and returns. Brokers and Redis that are not there yet are waited for (R25). Ended with
 * saga_daemon_stop. */
void saga_daemon_start(struct saga_daemon *daemon);
/* Are all workers in the group with their lanes recovered? */
bool saga_daemon_is_ready(struct saga_daemon *daemon);
/* Was everything around it found as it must be (topics, lanes, Redis), so that what is sent to the inbox goes to the right
 * lane? */
bool saga_daemon_has_good_surroundings(struct saga_daemon *daemon);
/* Has a worker met something with which it cannot go on? Then stop and exit with 1. */
bool saga_daemon_has_failed(struct saga_daemon *daemon);
/* What this process is known by where it holds something (store/instance.h); the daemon's. */
const char *saga_daemon_holder(const struct saga_daemon *daemon);
/* R27: finishes what is in hand, leaves the group, joins the threads. Errors: SAGA_E_AGAIN when
 * `stop_timeout` was not enough. Frees the daemon. */
int saga_daemon_stop(struct saga_daemon *daemon);

/* Numbers since the start, for metrics, `saga dev` and the benchmark. */
struct saga_daemon_counts {
    uint64_t events, batches, commands, hops, dead_letters, ignored, aborts, recoveries;
    uint64_t sagas_started, sagas_ended;
    uint64_t snapshots, snapshot_states;
    uint64_t made_smaller; /* batches that had no room for their states */
    uint64_t unfit;        /* states that do not fit their definition */
    uint64_t foreign;      /* records in journals that are none of the coordinator's */
};
void saga_daemon_count(struct saga_daemon *daemon, struct saga_daemon_counts *ret);
/* What the keys of sagas that redact are wrapped with; the daemon's. NULL: there are no keys. */
const struct saga_wrapping *saga_daemon_wrapping(const struct saga_daemon *daemon);

/* ---- daemon_watch.c ---- */
/* Appends all metrics as text (runtime/metrics_print.h) to `out`, for /metrics. From any thread; waits for nobody. */
void saga_daemon_metrics(struct saga_daemon *daemon, struct saga_buffer *out);
/* How it stands, on one line, for people: "4 lanes ready". `text` has `size` places. */
void saga_daemon_status(struct saga_daemon *daemon, char *text, size_t size);
/* Have all its threads come round within so many milliseconds? When not, `*ret_who` says which one did not. */
bool saga_daemon_is_alive(struct saga_daemon *daemon, int64_t within_ms, const char **ret_who);
/* From now on with those settings of `config` that may change while it runs (runtime/settings.h: `live`); the others are
 * not looked at. NULL: the configuration could not be read, and what is in force stays. */
void saga_daemon_reload(struct saga_daemon *daemon, const struct saga_config *config);

#endif
