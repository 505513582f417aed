/* One transaction, in the order that the rules ask for. */
#include "base/monotonic.h"
#include "base/mutation.h"
#include "runtime/worker_internal.h"

static int send_all(struct saga_bus *bus, const struct saga_outgoing *outgoing, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int error = bus->send(bus->self, &outgoing[i].message, outgoing[i].offset);
        if (error == SAGA_E_AGAIN) { /* the queue is full: what is in it goes out first */
            error = bus->flush(bus->self);
            if (error == SAGA_OK)
                error = bus->send(bus->self, &outgoing[i].message, outgoing[i].offset);
            if (error == SAGA_E_AGAIN) error = SAGA_E_ABORT;
        }
        if (error < 0) return error;
    }
    return SAGA_OK;
}

int saga_transact(struct saga_worker *w, const struct saga_outgoing *outgoing,
                  size_t outgoing_count, const struct saga_position *positions,
                  size_t position_count)
{
    struct saga_bus *bus = &w->config.bus;
    SAGA_ASSERT(position_count > 0 || SAGA_WITHOUT(FENCING)); /* R2: an empty list fences nobody */
    int64_t begun_us = saga_monotonic_us();
    int error = bus->begin(bus->self);
    if (error < 0) {
        saga_worker_note(w, "%s", bus->problem(bus->self));
        return error;
    }
    /* R3: produce, flush, no delivery failed, send offsets, commit */
    error = send_all(bus, outgoing, outgoing_count);
    if (error == SAGA_OK && outgoing_count) error = bus->flush(bus->self);
    if (error == SAGA_OK && position_count)
        error = bus->send_offsets(bus->self, positions, position_count);
    if (error == SAGA_OK) error = bus->commit(bus->self);
    if (error == SAGA_OK) {
        saga_metrics_transaction(w->config.metrics, begun_us);
        return SAGA_OK;
    }
    saga_worker_note(w, "%s", bus->problem(bus->self));
    if (error == SAGA_E_RECOVER || error == SAGA_E_STOP) return error;
    SAGA_COUNT(w, aborts, 1);
    int abort_error = bus->abort(bus->self);
    if (abort_error < 0) return abort_error == SAGA_E_STOP ? SAGA_E_STOP : SAGA_E_RECOVER;
    return error == SAGA_E_FENCED || error == SAGA_E_INVALID ? error : SAGA_E_ABORT;
}
