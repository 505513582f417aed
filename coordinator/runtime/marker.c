/* Finding a lane's last snapshot (R12). Every transaction of a snapshot ends with a marker, new or repeated, so that the
 * last record of saga.snapshots is one, but for the very first snapshot while it is being written. */
#include <string.h>

#include "runtime/worker_internal.h"

enum { WINDOW_RECORDS = 16, WINDOW_GROWTH = 16, CALL_TIMEOUT_MS = 1000, READ_RECORDS = 1000 };

static int begin(struct saga_worker *w, const struct saga_lane *lane,
                 struct saga_marker_search *search)
{
    struct saga_bus *bus = &w->config.bus;
    if (!search->begun) {
        int error = bus->watermarks(bus->self, w->config.snapshots, (int32_t)lane->number,
                                    CALL_TIMEOUT_MS, &search->low, &search->high);
        if (error < 0) {
            saga_worker_note(w, "%s", bus->problem(bus->self));
            return error;
        }
        search->begun = true;
        search->window = WINDOW_RECORDS;
    }
    int64_t from = search->high - search->window;
    return saga_worker_read_from(w, w->config.snapshots, lane->number,
                                 from > search->low ? from : search->low);
}

static void take(struct saga_worker *w, struct saga_lane_marker *ret,
                 const struct saga_message *message)
{
    struct saga_marker marker;
    struct saga_diagnostic diagnostic = { 0 };
    if (!saga_slice_equal(message->key, SAGA_MARKER_KEY)) return;
    if (saga_marker_decode(w->codec, message->value, &w->arena, &marker, &diagnostic) < 0) {
        saga_log(SAGA_LOG_WARNING, "a marker of a snapshot cannot be read: it counts for nothing",
                 "lane=%d offset=%lld words=\"%.*s\"", message->partition,
                 (long long)message->offset, SAGA_SLICE_ARG(diagnostic.what));
        return;
    }
    *ret = (struct saga_lane_marker){ .present = true,
                                      .distrusted = ret->distrusted,
                                      .lanes = marker.lanes,
                                      .offset = marker.offset,
                                      .series = marker.series,
                                      .time_ms = marker.time_ms };
    memcpy(ret->journal, marker.journal.data, sizeof ret->journal - 1);
    int error = saga_unhex(marker.chain, ret->chain, sizeof ret->chain);
    SAGA_ASSERT(error == SAGA_OK); /* the codec has looked */
}

int saga_marker_find(struct saga_worker *w, struct saga_lane *lane,
                     struct saga_marker_search *search, bool *ret_done)
{
    struct saga_lane_marker *marker = &lane->marker;
    struct saga_bus_records records = { 0 };
    int error = SAGA_OK;
    *ret_done = false;
    if (!w->reading) {
        *marker = (struct saga_lane_marker){ .distrusted = marker->distrusted };
        error = begin(w, lane, search);
        if (error < 0) return error;
    }
    if (w->position < search->high) {
        saga_arena_reset(&w->arena);
        error = saga_worker_read(w, READ_RECORDS, &records);
        for (size_t i = 0; i < records.count && error == SAGA_OK; i++)
            take(w, marker, &records.items[i]);
        w->config.bus.release(w->config.bus.self, &records);
        if (error < 0) return error;
    }
    if (w->position < search->high) return SAGA_OK;
    saga_worker_end_reading(w);
    if (!marker->present && search->high - search->window > search->low) {
        search->window *= WINDOW_GROWTH; /* further back */
        return SAGA_OK;
    }
    marker->known = true;
    marker->low = search->low;
    marker->high = search->high;
    marker->since_ms = saga_worker_monotonic(w);
    *ret_done = true;
    return SAGA_OK;
}
