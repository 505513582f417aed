/* traceparent, a line break, tracestate: what is taken is one text, and taken again it gives the same. And a collector's answer. */
#include <string.h>

#include "base/assert.h"
#include "base/limits.h"
#include "base/trace_context.h"
#include "fuzz.h"
#include "traces/otlp.h"

static void look_at_headers(struct saga_slice parent, struct saga_slice state,
                            struct saga_arena *arena)
{
    struct saga_trace_context context;
    struct saga_slice text = saga_trace_context_join(parent, state, arena);
    saga_trace_context_split(parent, &context);
    if (!text.data) return;
    SAGA_ASSERT(text.size <= SAGA_TRACEPARENT_BYTES + 1 + SAGA_TRACESTATE_BYTES_MAX);
    SAGA_ASSERT(saga_trace_context_split(text, &context));
    struct saga_slice made =
        saga_traceparent_make(context.trace, context.parent, context.sampled, arena);
    SAGA_ASSERT(saga_slice_equal(saga_trace_context_join(made, context.state, arena), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saga_slice words, all = fuzz_slice(data, size);
    const char *line = size ? memchr(all.data, '\n', size) : NULL;
    size_t first = line ? (size_t)(line - all.data) : size;
    struct saga_slice rest = saga_slice_skip(all, line ? first + 1 : first);
    struct saga_arena arena;
    saga_arena_init(&arena);
    look_at_headers((struct saga_slice){ all.data, first }, rest, &arena);
    saga_otlp_rejected(all, &arena, &words);
    saga_otlp_retry_after_ms(all, 0);
    saga_arena_free(&arena);
    return 0;
}
