#include "codec/trace.h"

#include "base/hash.h"
#include "engine/engine.h"

enum { RATIO_DIGITS = 14 }; /* 56 bits */

struct saga_span_id saga_span_of_message(struct saga_slice id)
{
    struct saga_span_id span;
    saga_sha256_digits(id, sizeof span.digits, span.digits);
    return span;
}

struct saga_span_id saga_span_of_saga(const struct saga_state *state, struct saga_arena *arena)
{
    return saga_span_of_message(saga_arena_join(arena, state->id, '/', state->run));
}

struct saga_span_id saga_span_of_step(const struct saga_state *state, struct saga_slice path,
                                      bool compensation, uint32_t first_attempt,
                                      struct saga_arena *arena)
{
    char digits[SAGA_DECIMAL_BYTES];
    struct saga_slice key = saga_idempotency_key(arena, state, path, compensation);
    return saga_span_of_message(
        saga_arena_join(arena, key, '#', saga_slice_of_number(first_attempt, digits)));
}

bool saga_trace_is_sampled(const struct saga_state *state, uint64_t threshold)
{
    uint8_t bytes[RATIO_DIGITS / 2];
    uint64_t number = 0;
    if (state->trace.size != SAGA_TRACE_ID_DIGITS) return false;
    if (state->trace_parent.size) return !state->trace_unsampled;
    struct saga_slice last = saga_slice_skip(state->trace, SAGA_TRACE_ID_DIGITS - RATIO_DIGITS);
    if (saga_unhex(last, bytes, sizeof bytes) < 0) return false;
    for (size_t i = 0; i < sizeof bytes; i++) number = number << 8 | bytes[i];
    return number < threshold;
}

static void add(struct saga_message *message, const char *name, struct saga_slice value)
{
    message->headers[message->header_count++] = (struct saga_header){ saga_slice_of(name), value };
}

void saga_message_add_trace(struct saga_message *message, const struct saga_state *state,
                            struct saga_span_id span, struct saga_arena *arena)
{
    struct saga_slice parent = { span.digits, sizeof span.digits };
    if (state->trace.size == 0) return;
    add(message, "traceparent",
        saga_traceparent_make(state->trace, parent, !state->trace_unsampled, arena));
    if (state->trace_state.size) add(message, "tracestate", state->trace_state);
}

void saga_message_unsample(struct saga_message *message, struct saga_arena *arena)
{
    for (size_t i = 0; i < message->header_count; i++) {
        struct saga_trace_context context;
        struct saga_header *header = &message->headers[i];
        if (!saga_slice_is(header->name, "traceparent")) continue;
        if (saga_traceparent_read(header->value, &context))
            header->value = saga_traceparent_make(context.trace, context.parent, false, arena);
    }
}
