/* What daemon.c (the workers' threads) and daemon_surroundings.c (the thread that looks after everything else) share. */
#ifndef SAGA_RUNTIME_DAEMON_INTERNAL_H
#define SAGA_RUNTIME_DAEMON_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/anchoring.h"
#include "runtime/daemon.h"
#include "runtime/metrics_watch.h"
#include "runtime/topics.h"
#include "runtime/tracing.h"
#include "runtime/worker.h"

enum {
    SAGA_DAEMON_STEP_MS = 100,  /* the longest wait for records, before a look whether to stop */
    SAGA_DAEMON_RETRY_MS = 200, /* between two tries of something that is not there yet */
    SAGA_DAEMON_LOG_EVERY_MS = 5000, /* while it is not */
    SAGA_DAEMON_CALL_MS = 3000       /* a call to the broker */
};

struct worker_thread {
    struct saga_daemon *daemon;
    unsigned number;
    pthread_t thread;
    char owner[128];
    struct saga_worker *worker;
    atomic_int phase;
    atomic_llong moved_ms; /* monotonic: when it last came round */
    struct saga_worker_counts counts;
};

struct saga_daemon {
    struct saga_config config;
    char holder[320];        /* of the instance name: host, pid, something random */
    int64_t held_ms;         /* monotonic: when the name was last confirmed */
    int64_t redis_seen_ms;   /* monotonic: when Redis was last looked at */
    int64_t gave_back_ms;    /* monotonic: when freed memory was last given back */
    struct saga_arena arena; /* the topics' names */
    struct saga_topics topics;
    struct saga_registry *registry;
    struct saga_schema_store *schemas;
    struct saga_wrapping *wrapping; /* NULL: there are no keys for `redact:` */
    struct saga_client *client;     /* the surroundings thread's */
    pthread_t surroundings;
    struct saga_anchoring *anchoring; /* NULL: none are written */
    pthread_t anchors;                /* its thread */
    struct saga_tracing *tracing;     /* NULL: no spans are sent */
    pthread_t traces;                 /* its thread */
    atomic_bool surroundings_good;
    atomic_bool stopping;
    atomic_bool failed;
    atomic_uint running_threads, running_workers;
    struct worker_thread *workers;
    struct saga_live_settings live;
    atomic_llong stop_timeout_ms;
    atomic_llong moved_ms; /* monotonic: when the surroundings thread last came round */
    struct saga_metrics *metrics;
    struct saga_standing *standings; /* of the workers, by number */
    struct saga_metrics_watch *watch;
    atomic_bool reload_failed;
    atomic_llong reloaded_ms; /* since 1970: when the configuration in force was read */
};

/* A thread says that it goes round: the watchdog is fed as long as all do. */
void saga_daemon_moved(atomic_llong *moved_ms);
/* Logs why the process cannot go on; whoever runs the daemon stops it then. */
void saga_daemon_fail(struct saga_daemon *daemon, const char *what, const char *words);
void saga_daemon_fail_diagnostic(struct saga_daemon *daemon, const char *what,
                                 const struct saga_diagnostic *diagnostic);

/* The surroundings' thread; `context` is the daemon. Waits for broker, Redis, the instance's name and the topics
 * (R25), then follows the deployed definitions until the daemon stops. Frees the daemon's client. */
void *saga_daemon_surroundings(void *context);
/* The thread that writes anchors, where they are written; `context` is the daemon. */
void *saga_daemon_anchors(void *context);
/* The thread that sends spans, where they are sent; `context` is the daemon. */
void *saga_daemon_traces(void *context);
/* Makes up what this process is known by as the holder of its instance name: no other process ever has the same. */
void saga_daemon_name_holder(struct saga_daemon *daemon);

#endif
