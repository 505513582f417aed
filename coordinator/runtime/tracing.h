/* What the workers hand their spans to, and what sends them to a collector by OTLP/HTTP (JSON). Workers never wait for it: what
 * there is no room for is dropped and counted. Spans that were handed over and not sent are lost with the process; the journal
 * loses nothing. */
#ifndef SAGA_RUNTIME_TRACING_H
#define SAGA_RUNTIME_TRACING_H

#include <stdatomic.h>

#include "runtime/config.h"
#include "traces/span.h"

/* Since the start; of spans. */
struct saga_tracing_counts {
    atomic_ullong sent;    /* a collector has taken them */
    atomic_ullong dropped; /* there was no room */
    atomic_ullong failed;  /* a collector refused them, or could not be had for too long */
};

struct saga_tracing;
/* The settings' texts are the caller's. Before there are other threads. Freed with saga_tracing_free. */
struct saga_tracing *saga_tracing_new(const struct saga_traces_config *config,
                                      const char *instance);
void saga_tracing_free(struct saga_tracing *tracing);

/* ---- from any thread ---- */

/* Of saga_trace_is_sampled. */
uint64_t saga_tracing_threshold(const struct saga_tracing *tracing);
/* Is there no room? Then spans need not be made (saga_spans.full). */
bool saga_tracing_is_full(struct saga_tracing *tracing);
/* Takes them over, NULL too. Never waits for a disk or a network. */
void saga_tracing_offer(struct saga_tracing *tracing, struct saga_spans *spans);
const struct saga_tracing_counts *saga_tracing_counted(const struct saga_tracing *tracing);
/* From now on there are so many milliseconds to send what is left: what does not answer is given up. */
void saga_tracing_end_in(struct saga_tracing *tracing, int64_t ms);

/* ---- the sending thread ---- */

/* Can spans be sent: is the file of headers one? Logs what is so. */
void saga_tracing_look(struct saga_tracing *tracing);
/* Sends what is enough for a request, or has waited for a second; `all`: whatever there is. Tries again as the protocol says, for
 * about a minute. */
void saga_tracing_send(struct saga_tracing *tracing, bool all);

#endif
