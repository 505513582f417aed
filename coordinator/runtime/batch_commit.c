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

static void add_orphans(struct saga_batch *b, struct saga_lane *lane,
                        struct saga_state_write **writes, size_t *count)
{
    struct saga_state_write *all =
        SAGA_NEW_ARRAY(b->arena, struct saga_state_write, *count + b->orphan_count);
    if (*count) memcpy(all, *writes, *count * sizeof *all);
    for (size_t i = 0; i < b->orphan_count; i++) {
        if (b->orphans[i].lane != lane) continue;
        all[(*count)++] = (struct saga_state_write){ .saga_id = b->orphans[i].saga_id,
                                                     .timers_removed = &b->orphans[i].timer,
                                                     .timers_removed_count = 1,
                                                     .timers_only = true };
    }
    *writes = all;
}

static int apply_lane(struct saga_batch *b, struct saga_lane *lane, int64_t applied)
{
    struct saga_worker *w = b->w;
    struct saga_store *store = &w->config.store;
    struct saga_state_write *writes;
    size_t count;
    saga_lane_writes(lane, b->arena, &writes, &count);
    if (b->orphan_count) add_orphans(b, lane, &writes, &count);
    int error = saga_lane_apply(lane, store, w->config.owner, applied, b->time_ms, writes, count);
    lane->time_ms = b->time_ms;
    lane->last_contact_ms = saga_worker_monotonic(w);
    if (error < 0) saga_worker_note(w, "lane %u: %s", lane->number, store->problem(store->self));
    return error;
}

static void advance_positions(struct saga_batch *b, const struct saga_position *positions,
                              size_t count)
{
    for (size_t i = 0; i < count; i++)
        find_position(b->w, positions[i].topic, positions[i].partition)->offset =
            positions[i].offset;
}

/* R6: the commit is definite; now the working copies count and Redis is told. */
static int publish(struct saga_batch *b)
{
    struct saga_worker *w = b->w;
    int result = SAGA_OK;
    int64_t *applied = SAGA_NEW_ARRAY(b->arena, int64_t, w->config.lanes);
    for (size_t i = 0; i < b->noted_count; i++) {
        SAGA_ASSERT(b->noted[i].offset >= 0);
        saga_lane_note_history(b->noted[i].resident, b->arena, b->noted[i].offset);
        applied[b->noted[i].lane->number] = b->noted[i].offset + 1;
    }
    for (size_t i = 0; i < b->orphan_count; i++) {
        uint32_t n = b->orphans[i].lane->number;
        if (!b->written[n]) applied[n] = b->orphans[i].lane->applied;
        b->written[n] = true;
    }
    for (uint32_t n = 0; n < w->config.lanes; n++) {
        if (!b->written[n]) continue;
        int error = apply_lane(b, &w->lanes[n], applied[n]);
        if (error < 0 && result == SAGA_OK) result = error;
        saga_lane_publish(&w->lanes[n], w->config.cache_bytes / w->config.lanes);
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
}

void saga_batch_abandon(struct saga_worker *w)
{
    for (uint32_t n = 0; n < w->config.lanes; n++) saga_lane_abandon(&w->lanes[n]);
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
    return publish(b);
}
