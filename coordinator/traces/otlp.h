/* Spans as OTLP's JSON form (opentelemetry-proto, ExportTraceServiceRequest): ids in hexadecimal, numbers of 64 bits as texts.
 * And what a collector answers. */
#ifndef SAGA_TRACES_OTLP_H
#define SAGA_TRACES_OTLP_H

#include "base/buffer.h"
#include "traces/span.h"

/* Who sends. */
struct saga_otlp_resource {
    struct saga_slice service, instance, version;
};

/* A request is begun, gets spans, and is ended; `*out` is the caller's. */
void saga_otlp_begin(struct saga_buffer *out, const struct saga_otlp_resource *resource);
/* `first`: of the request. */
void saga_otlp_add(struct saga_buffer *out, const struct saga_span *span, bool first);
void saga_otlp_end(struct saga_buffer *out);

/* How many spans the body of a good answer says were rejected; 0: none, or the body says nothing of the kind.
 * `*ret_words`: what it says of it, clipped; absent: nothing. */
uint64_t saga_otlp_rejected(struct saga_slice body, struct saga_arena *arena,
                            struct saga_slice *ret_words);

/* May a request with that answer be sent again, as the protocol says? */
bool saga_otlp_may_retry(long status);
/* How long a Retry-After asks to wait: seconds, or a date of HTTP. `now_s`: since 1970. -1: it says nothing that can be
 * understood. */
int64_t saga_otlp_retry_after_ms(struct saga_slice value, int64_t now_s);

#endif
