/* W3C Trace Context (https://www.w3.org/TR/trace-context/): which trace something belongs to, which span caused it, and
 * whether that trace is recorded. What comes from outside is taken whole or not at all: as the specification asks, a context
 * that is none is as if it were not there. */
#ifndef SAGA_BASE_TRACE_CONTEXT_H
#define SAGA_BASE_TRACE_CONTEXT_H

#include "base/arena.h"
#include "base/slice.h"

enum { SAGA_TRACE_ID_DIGITS = 32, SAGA_SPAN_ID_DIGITS = 16, SAGA_TRACEPARENT_BYTES = 55 };

struct saga_trace_context {
    struct saga_slice trace;  /* 32 lower-case hexadecimal digits, not all zero */
    struct saga_slice parent; /* 16 of them: the span that caused this */
    struct saga_slice state;  /* tracestate; absent: none */
    bool sampled;             /* the caller may have recorded it */
};

/* Reads a traceparent. One of a later version is read as far as version 00 goes. Slices point into `text`. False: it is
 * none. */
bool saga_traceparent_read(struct saga_slice text, struct saga_trace_context *ret);

/* One text of the two headers, as events and journals keep it: the traceparent in the form of version 00, with no flag but
 * `sampled`, and where there is a tracestate, that behind a space. A tracestate that is none is left out, one that is too
 * long loses members as the specification says. Absent: there is no traceparent, or it is none. */
struct saga_slice saga_trace_context_join(struct saga_slice traceparent,
                                          struct saga_slice tracestate, struct saga_arena *arena);
/* Takes such a text apart, or a traceparent alone. False: it is none. */
bool saga_trace_context_split(struct saga_slice text, struct saga_trace_context *ret);

/* The traceparent for what `parent` causes. */
struct saga_slice saga_traceparent_make(struct saga_slice trace, struct saga_slice parent,
                                        bool sampled, struct saga_arena *arena);

#endif
