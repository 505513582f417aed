/* Replaying what the journal has behind the point where a lane stands (R8), into Redis. */
#include <string.h>

#include "base/mutation.h"
#include "runtime/operations.h"
#include "runtime/recovery_internal.h"

static int replay_record(struct saga_worker *w, struct saga_lane *lane,
                         const struct saga_message *message, struct saga_journal_record *record)
{
    uint8_t chain[SAGA_SHA256_BYTES];
    saga_journal_chain(message->value, lane->working_chain, chain);
    if (memcmp(chain, record->chain, sizeof chain) != 0)
        return saga_recovery_damaged(w, lane, message->offset,
                                     SAGA_SLICE("the hash chain is broken there"));
    memcpy(lane->working_chain, chain, sizeof chain);
    lane->time_ms = record->cause.time_ms;
    if (saga_rebuild_contains(w, record->saga_id, message->offset)) return SAGA_OK;
    struct saga_resident *resident = saga_lane_find(lane, record->saga_id);
    struct saga_state *state = saga_lane_work_on(lane, resident);
    resident->foreign = true; /* facts say what it is, and nobody has decided them again */
    saga_evolve_begin(state, &record->cause);
    if (state->sequence != record->sequence)
        return saga_recovery_damaged(
            w, lane, message->offset,
            saga_arena_printf(&w->arena, "sequence %llu of saga %.*s follows on %llu",
                              (unsigned long long)record->sequence, SAGA_SLICE_ARG(record->saga_id),
                              (unsigned long long)state->sequence - 1));
    for (size_t i = 0; i < record->fact_count; i++)
        if (saga_evolve(state, &record->facts[i]) < 0)
            return saga_recovery_damaged(
                w, lane, message->offset,
                saga_arena_printf(&w->arena, "%s cannot follow on the state of saga %.*s",
                                  saga_fact_types[record->facts[i].kind].name,
                                  SAGA_SLICE_ARG(record->saga_id)));
    saga_lane_note_history(resident, &w->arena, message->offset);
    return SAGA_OK;
}

/* Also of records that a snapshot contains: a state says nothing of who said what. */
static void note_operations(struct saga_worker *w, struct saga_lane *lane,
                            const struct saga_message *messages,
                            const struct saga_journal_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct saga_slice entry = saga_operation_entry(&records[i], &w->arena);
        if (entry.data)
            saga_lane_note_operation(lane, messages[i].offset, records[i].cause.time_ms, entry);
    }
}

static int apply_chunk(struct saga_worker *w, struct saga_lane *lane, int64_t position)
{
    lane->position = position;
    saga_lane_publish(lane, saga_worker_monotonic(w));
    int error = saga_worker_store(w, lane, NULL, 0, NULL);
    if (error == SAGA_E_LIMIT)
        return saga_recovery_damaged(w, lane, position,
                                     SAGA_SLICE("a state that follows from it is over the limit"));
    return error < 0 ? error : saga_lane_settle(lane, &w->config.store);
}

static int replay_chunk(struct saga_worker *w, struct saga_lane *lane,
                        const struct saga_bus_records *records)
{
    struct saga_journal_record *decoded =
        SAGA_NEW_ARRAY(&w->arena, struct saga_journal_record, records->count);
    struct saga_slice *ids = SAGA_NEW_ARRAY(&w->arena, struct saga_slice, records->count);
    struct saga_diagnostic diagnostic = { 0 };
    for (size_t i = 0; i < records->count; i++) {
        const struct saga_message *message = &records->items[i];
        if (saga_journal_decode(w->codec, message->value, &w->arena, &decoded[i], &diagnostic) < 0)
            return saga_recovery_damaged(w, lane, message->offset, diagnostic.what);
        ids[i] = decoded[i].saga_id;
    }
    memcpy(lane->working_chain, lane->chain, sizeof lane->chain);
    int error = saga_lane_load(lane, &w->config.store, w->codec, ids, records->count, NULL,
                               &w->arena, &diagnostic);
    if (error == SAGA_E_INVALID)
        return saga_recovery_damaged(w, lane, records->items[0].offset, diagnostic.what);
    for (size_t i = 0; i < records->count && error == SAGA_OK; i++)
        error = replay_record(w, lane, &records->items[i], &decoded[i]);
    if (error == SAGA_OK) note_operations(w, lane, records->items, decoded, records->count);
    if (error == SAGA_OK)
        error = apply_chunk(w, lane, records->items[records->count - 1].offset + 1);
    if (error < 0) saga_lane_abandon(lane);
    w->recovery.records += records->count;
    return error;
}

static int end(struct saga_worker *w, struct saga_lane *lane)
{
    int error = lane->building[0] ? saga_rebuild_end(w, lane) : SAGA_OK;
    if (error < 0) return error;
    saga_log(SAGA_LOG_INFO, "lane recovered", "lane=%u applied=%lld", lane->number,
             (long long)lane->applied);
    return saga_keys_begin(w, lane);
}

int saga_catch_up_step(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_recovery *r = &w->recovery;
    struct saga_bus_records records = { 0 };
    if (w->position >= r->high || SAGA_WITHOUT(CATCHING_UP)) return end(w, lane);
    int error = saga_worker_read_journal(w, SAGA_RECOVERY_CHUNK, &records);
    if (error < 0) return saga_recovery_lane_again(w, error);
    saga_arena_reset(&w->arena);
    if (records.count) error = replay_chunk(w, lane, &records);
    w->config.bus.release(w->config.bus.self, &records);
    saga_recovery_tell(w, lane, "journal", w->position - r->low, r->high - r->low);
    if (error == SAGA_E_INVALID || r->stage != SAGA_RECOVERY_JOURNAL) return error;
    /* a conflict: somebody was there */
    return error < 0 ? saga_recovery_store_error(w, lane, error) : SAGA_OK;
}
