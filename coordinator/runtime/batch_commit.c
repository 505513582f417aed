/* The end of a batch: one transaction, then the working copies count and Redis is told. */
#include <string.h>

#include "base/mutation.h"
#include "runtime/batch_internal.h"

/* The arrays have their final place now: each journal record gets the place where its offset is noted. */
static void wire_offsets(struct saga_batch *b)
{
    size_t next = 0;
    for (size_t i = 0; i < b->outgoing_count; i++)
        if (saga_slice_equal(b->outgoing[i].message.topic, b->w->config.journal))
            b->outgoing[i].offset = &b->noted[next++].offset;
    SAGA_ASSERT(next == b->noted_count);
}

static struct saga_position *find_position(struct saga_worker *w, struct saga_slice topic,
                                           int32_t partition)
{
    for (size_t i = 0; i < w->assigned_count; i++)
        if (w->assigned[i].partition == partition && saga_slice_equal(w->assigned[i].topic, topic))
            return &w->assigned[i];
    return NULL;
}

/* R2: of everything that was consumed, and of the inbox of every lane that is written, moved or not. */
static struct saga_position *positions_of(struct saga_batch *b, size_t *ret_count)
{
    struct saga_worker *w = b->w;
    struct saga_position *positions =
        SAGA_NEW_ARRAY(b->arena, struct saga_position, w->assigned_count);
    bool *touched = SAGA_NEW_ARRAY(b->arena, bool, w->assigned_count);
    size_t count = 0;
    memcpy(positions, w->assigned, w->assigned_count * sizeof *positions);
    for (size_t i = b->from; i < b->to; i++) {
        const struct saga_message *record = &w->retained.records.items[i];
        struct saga_position *position = find_position(w, record->topic, record->partition);
        SAGA_ASSERT(position);
        size_t index = (size_t)(position - w->assigned);
        SAGA_ASSERT(record->offset >= w->assigned[index].offset);
        positions[index].offset = record->offset + 1;
        touched[index] = true;
    }
    for (size_t i = 0; i < w->assigned_count; i++) {
        bool inbox = saga_slice_equal(w->assigned[i].topic, w->config.inbox);
        if (!touched[i] && !(inbox && b->written[w->assigned[i].partition])) continue;
        positions[count++] = positions[i];
    }
    *ret_count = count;
    return positions;
}

/* What takes away alarms of the lane that no state knows of. */
static struct saga_state_write *orphan_writes(struct saga_batch *b, const struct saga_lane *lane,
                                              size_t *ret_count)
{
    struct saga_state_write *writes =
        SAGA_NEW_ARRAY(b->arena, struct saga_state_write, b->orphan_count);
    size_t count = 0;
    for (size_t i = 0; i < b->orphan_count; i++) {
        const struct saga_orphan *orphan = &b->orphans[i];
        if (orphan->lane != lane) continue;
        writes[count++] = (struct saga_state_write){ .saga_id = orphan->saga_id,
                                                     .timers_removed = &orphan->timer,
                                                     .timers_removed_count = !orphan->later,
                                                     .timers_added = &orphan->timer,
                                                     .timers_added_count = orphan->later,
                                                     .timers_only = true };
    }
    *ret_count = count;
    return writes;
}

static int publish_lane(struct saga_batch *b, struct saga_lane *lane)
{
    size_t orphan_count = 0;
    struct saga_state_write *orphans =
        b->orphan_count ? orphan_writes(b, lane, &orphan_count) : NULL;
    saga_keys_keep(b->w, lane, true);
    saga_lane_publish(lane, saga_worker_monotonic(b->w));
    lane->time_ms = b->time_ms;
    if (orphan_count == 0 && !saga_worker_store_is_due(b->w, lane)) return SAGA_OK;
    return saga_worker_store(b->w, lane, orphans, orphan_count, NULL);
}

static void advance_positions(struct saga_batch *b, const struct saga_position *positions,
                              size_t count)
{
    for (size_t i = 0; i < count; i++)
        find_position(b->w, positions[i].topic, positions[i].partition)->offset =
            positions[i].offset;
}

/* R6: the commit is definite; now the working copies count, and Redis may be told. */
static int publish(struct saga_batch *b)
{
    struct saga_worker *w = b->w;
    int result = SAGA_OK;
    for (size_t i = 0; i < b->noted_count; i++) {
        const struct saga_noted *noted = &b->noted[i];
        SAGA_ASSERT(noted->offset >= 0);
        noted->lane->position = noted->offset + 1;
        if (noted->run == noted->resident->working) /* else it has left, and its history with it */
            saga_lane_note_history(noted->resident, b->arena, noted->offset);
        if (noted->operation.data)
            saga_lane_note_operation(noted->lane, noted->offset, b->time_ms, noted->operation);
    }
    saga_batch_keys_destroyed(b);
    for (size_t i = 0; i < b->orphan_count; i++) b->written[b->orphans[i].lane->number] = true;
    for (uint32_t n = 0; n < w->config.lanes; n++) {
        if (!b->written[n]) continue;
        int error = publish_lane(b, &w->lanes[n]);
        if (error < 0 && result == SAGA_OK) result = error;
    }
    return result == SAGA_OK ? SAGA_OK
                             : SAGA_E_CONFLICT; /* committed, but Redis is not told: recover */
}

static void count(struct saga_batch *b)
{
    struct saga_worker *w = b->w;
    SAGA_COUNT(w, events, b->events);
    SAGA_COUNT(w, batches, 1);
    SAGA_COUNT(w, commands, b->commands);
    SAGA_COUNT(w, hops, b->hops);
    SAGA_COUNT(w, dead_letters, b->dead_letters);
    SAGA_COUNT(w, ignored, b->ignored);
    SAGA_COUNT(w, timers, b->timers);
    SAGA_COUNT(w, sagas_started, b->started);
    SAGA_COUNT(w, sagas_ended, b->ended);
    saga_batch_figures_commit(&b->figures, w->config.metrics);
}

void saga_batch_abandon(struct saga_worker *w)
{
    for (uint32_t n = 0; n < w->config.lanes; n++) {
        saga_keys_keep(w, &w->lanes[n], false);
        saga_lane_abandon(&w->lanes[n]);
    }
}

int saga_batch_commit(struct saga_batch *b)
{
    struct saga_position *positions;
    size_t position_count;
    wire_offsets(b);
    positions = positions_of(b, &position_count);
    if (position_count == 0) return publish(b); /* only alarms to be taken away, if anything */
    bool unfenced = SAGA_WITHOUT(FENCING) && b->from == b->to;
    int error = saga_transact(b->w, b->outgoing, b->outgoing_count, positions,
                              unfenced ? 0 : position_count);
    if (error < 0) {
        saga_batch_abandon(b->w);
        return error;
    }
    advance_positions(b, positions, position_count);
    b->w->retained.done = b->to;
    b->w->time_ms = b->time_ms;
    count(b);
    if (b->w->config.tracing) saga_tracing_offer(b->w->config.tracing, b->spans);
    b->spans = NULL;
    return publish(b);
}
