/* The ids of a saga's spans: W3C ids, each a hash of what the span is of. So whoever owns the lane gives a span the same id, and
 * what a command carries is known before any span is sent. */
#ifndef SAGA_CODEC_TRACE_H
#define SAGA_CODEC_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/message.h"
#include "base/trace_context.h"
#include "engine/state.h"

struct saga_span_id {
    char digits[SAGA_SPAN_ID_DIGITS];
};

/* Of the saga as a whole: a hash of its id and run. */
struct saga_span_id saga_span_of_saga(const struct saga_state *state, struct saga_arena *arena);
/* Of a step, or of its compensation: a hash of the idempotency key and of the attempt that it was begun with, since a step that
 * has ended may be begun anew by an operator. */
struct saga_span_id saga_span_of_step(const struct saga_state *state, struct saga_slice path,
                                      bool compensation, uint32_t first_attempt,
                                      struct saga_arena *arena);
/* Of a command's attempt or a published event: a hash of its ce_id. */
struct saga_span_id saga_span_of_message(struct saga_slice id);

/* How many of the sagas are recorded whose start names no trace: of their trace ids' last 56 bits those below `threshold`.
 * OpenTelemetry's TraceIdRatioBased. */
#define SAGA_TRACE_ALL (1ULL << 56)
/* Is the saga's trace recorded? One that its start names, if the start says so; else by the threshold. */
bool saga_trace_is_sampled(const struct saga_state *state, uint64_t threshold);

/* Adds traceparent and tracestate to a message that `span` sends; nothing where the saga has no trace. The flag is the start's,
 * of a trace of its own set. The message has room for two headers. */
enum { SAGA_TRACE_HEADERS = 2 };
void saga_message_add_trace(struct saga_message *message, const struct saga_state *state,
                            struct saga_span_id span, struct saga_arena *arena);
/* Takes the flag back: this coordinator does not record the trace. */
void saga_message_unsample(struct saga_message *message, struct saga_arena *arena);

#endif
