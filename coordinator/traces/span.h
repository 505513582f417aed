/* Spans of a saga's life, as OpenTelemetry has them, made of what a record of the journal says: the facts, the state that they
 * have led to, and the cause. All times are those of records, so whoever owns the lane makes the same spans.
 *
 *     saga order-fulfilment                         the whole saga, sent when it ends
 *       step reserve-stock                          from its first attempt to its end
 *         send inventory.commands                   one attempt: until it is answered, or not any more waited for
 *       compensate reserve-stock
 *         send inventory.commands
 *       send shop.order-events                      a published event
 */
#ifndef SAGA_TRACES_SPAN_H
#define SAGA_TRACES_SPAN_H

#include "base/arena.h"
#include "codec/trace.h"
#include "engine/engine.h"

/* As the protocol numbers them. */
enum saga_span_kind { SAGA_SPAN_INTERNAL = 1, SAGA_SPAN_PRODUCER = 4, SAGA_SPAN_CONSUMER = 5 };

enum { SAGA_SPAN_ATTRIBUTES_MAX = 12 };

struct saga_span_attribute {
    const char *key;        /* a literal */
    struct saga_slice text; /* absent: the number */
    int64_t number;
};

struct saga_span {
    struct saga_slice trace, trace_state;
    struct saga_span_id id;
    struct saga_slice parent; /* absent: it is the trace's first */
    bool parent_is_remote;
    struct saga_slice name;
    enum saga_span_kind kind;
    int64_t start_ms, end_ms;
    bool failed;
    struct saga_slice link_trace, link_span; /* of the reply that ended it; absent: none */
    struct saga_span_attribute attributes[SAGA_SPAN_ATTRIBUTES_MAX];
    size_t attribute_count;
};

/* Spans that go together to who sends them. */
struct saga_spans {
    struct saga_arena arena; /* everything in them */
    struct saga_span *items;
    size_t count, capacity;
    size_t dropped;          /* there was no room for them */
    bool full;               /* nor is there for any: they are only counted, roughly */
    struct saga_spans *next; /* in a queue */
};

struct saga_spans *saga_spans_new(void);
void saga_spans_free(struct saga_spans *spans);

/* Adds what has ended by the record. `state`: as the facts have left it; `facts`: as saga_decide gave them, with `before`.
 * `threshold` as of saga_trace_is_sampled. Everything is copied. More than SAGA_SPANS_BYTES_MAX is dropped, and counted. */
void saga_spans_add(struct saga_spans *spans, const struct saga_state *state,
                    const struct saga_event *cause, const struct saga_facts *facts,
                    uint64_t threshold);

#endif
