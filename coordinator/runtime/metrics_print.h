/* The metrics as text, in the exposition format of Prometheus (version 0.0.4). */
#ifndef SAGA_RUNTIME_METRICS_PRINT_H
#define SAGA_RUNTIME_METRICS_PRINT_H

#include "base/buffer.h"
#include "runtime/daemon.h"
#include "runtime/metrics.h"
#include "runtime/metrics_watch.h"
#include "runtime/tracing.h"
#include "runtime/worker.h"

/* Of that text, for an answer's Content-Type. */
#define SAGA_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Of the process, from /proc; what cannot be read is below 0. */
struct saga_process_figures {
    double cpu_seconds;
    double start_seconds; /* since 1970 */
    int64_t resident_bytes, virtual_bytes;
    int64_t open_files, max_files;
};
void saga_process_figures_read(struct saga_process_figures *ret);

/* All that is printed. */
struct saga_metrics_figures {
    struct saga_metrics *metrics;
    struct saga_daemon_counts counts;
    struct saga_metrics_known known;
    struct saga_process_figures process;
    bool ready;
    unsigned workers[SAGA_WORKER_PHASES]; /* in each phase */
    uint32_t lanes;                       /* configured */
    uint32_t lanes_ready, lanes_recovering;
    uint64_t cache_bytes, unstored;
    bool reload_failed;
    double reloaded_seconds; /* since 1970: when the configuration in force was read */
    const struct saga_tracing_counts *spans; /* NULL: none are made */
};
void saga_metrics_print(const struct saga_metrics_figures *figures, struct saga_buffer *out);

#endif
