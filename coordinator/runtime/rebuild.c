/* Building a lane from its snapshot (R11, R12): all states of saga.snapshots go into Redis, then the journal is replayed
 * from the marker on. A state may contain more of the journal than its marker says, as it was taken later: replay passes
 * over the records that it contains.
 *
 * Until all is done the lane belongs, in Redis, to a journal of a made-up id: neither another owner nor a late apply of
 * an earlier one can take it for whole. What breaks off is begun anew. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/mutation.h"
#include "engine/fits.h"
#include "runtime/operations.h"
#include "runtime/recovery_internal.h"

enum { FILTER_BITS_A_RECORD = 32, TELL_MS = 2000 };

/* The newest word on a saga in one piece of the topic. */
struct newest {
    UT_hash_handle hh;
    struct saga_slice id;
    struct saga_snapshot snapshot;
    bool was_there; /* in Redis, perhaps */
};

void saga_rebuild_drop(struct saga_worker *w)
{
    struct saga_rebuild *b = &w->recovery.rebuild;
    HASH_CLEAR(hh, b->ahead);
    free(b->filter);
    saga_arena_free(&b->arena);
    *b = (struct saga_rebuild){ 0 };
}

static void name_building(struct saga_worker *w, struct saga_lane *lane)
{
    uint8_t id[12];
    char hex[2 * sizeof id + 1];
    w->config.random_bytes(w->config.random_context, id, sizeof id);
    saga_hex(id, sizeof id, hex);
    snprintf(lane->building, sizeof lane->building, "built-%s", hex);
    lane->built = 0;
}

int saga_rebuild_begin(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_rebuild *b = &w->recovery.rebuild;
    int64_t low = lane->marker.low, high = lane->marker.high;
    saga_rebuild_drop(w);
    saga_arena_init(&b->arena);
    b->filter_bits = 64;
    while (b->filter_bits < (uint64_t)(high - low) * FILTER_BITS_A_RECORD) b->filter_bits *= 2;
    b->filter = saga_memory_zeroed(b->filter_bits / 64, sizeof *b->filter);
    b->begun_ms = b->told_ms = saga_worker_monotonic(w);
    if (!SAGA_WITHOUT(BUILDING_APART)) name_building(w, lane);
    memcpy(lane->chain, lane->marker.chain, sizeof lane->chain);
    lane->time_ms = lane->marker.time_ms;
    int error = saga_recovery_reset_lane(w, lane, lane->marker.offset);
    if (error < 0) return error;
    w->recovery.stage = SAGA_RECOVERY_SNAPSHOT;
    error = saga_worker_read_from(w, w->config.snapshots, lane->number, low);
    return error < 0 ? saga_recovery_lane_again(w, error) : SAGA_OK;
}

/* Whether the saga may have been put into Redis before; from now on it has. That it says so wrongly now and then costs a
 * read. */
static bool note_loaded(struct saga_rebuild *b, struct saga_slice id)
{
    uint64_t bit = saga_crc64_avro(id) & (b->filter_bits - 1), mask = UINT64_C(1) << (bit % 64);
    bool before = b->filter[bit / 64] & mask;
    b->filter[bit / 64] |= mask;
    return before;
}

static void note_ahead(struct saga_rebuild *b, struct saga_slice id, int64_t as_of, int64_t begun)
{
    struct saga_ahead *ahead;
    HASH_FIND(hh, b->ahead, id.data, id.size, ahead);
    if (!ahead && as_of <= begun) return;
    if (!ahead) {
        ahead = SAGA_NEW(&b->arena, struct saga_ahead);
        ahead->id = saga_arena_copy(&b->arena, id);
        HASH_ADD_KEYPTR(hh, b->ahead, ahead->id.data, ahead->id.size, ahead);
    }
    ahead->as_of = as_of;
}

bool saga_rebuild_contains(const struct saga_worker *w, struct saga_slice saga_id, int64_t offset)
{
    struct saga_ahead *ahead;
    HASH_FIND(hh, w->recovery.rebuild.ahead, saga_id.data, saga_id.size, ahead);
    return ahead && offset < ahead->as_of && !SAGA_WITHOUT(PASSING_OVER);
}

/* ---- a piece ---- */

/* Entries are the same whoever tells them, so that of several logs the newest is enough. */
static int take_log(struct saga_worker *w, struct saga_lane *lane, struct saga_slice text,
                    struct saga_diagnostic *diagnostic)
{
    struct saga_lane_log log;
    if (saga_operations_read_log(text, &w->arena, &log) == SAGA_OK) {
        saga_lane_take_log(lane, &log);
        return SAGA_OK;
    }
    diagnostic->what = SAGA_SLICE("its log of what operators said cannot be read");
    return SAGA_E_INVALID;
}

/* The newest record of each saga in the piece. Absent records are tombstones. */
static int sort_out(struct saga_worker *w, struct saga_lane *lane,
                    const struct saga_bus_records *records, struct newest **ret,
                    struct saga_diagnostic *diagnostic)
{
    struct saga_rebuild *b = &w->recovery.rebuild;
    for (size_t i = 0; i < records->count; i++) {
        const struct saga_message *message = &records->items[i];
        struct saga_snapshot snapshot = { .as_of = lane->marker.offset };
        struct newest *newest;
        if (saga_slice_equal(message->key, SAGA_MARKER_KEY)) continue;
        if (message->value.data &&
            saga_snapshot_decode(w->codec, message->value, &w->arena, &snapshot, diagnostic) < 0)
            return SAGA_E_INVALID;
        if (message->value.data && (snapshot.series != lane->marker.series ||
                                    !saga_slice_is(snapshot.journal, lane->journal)))
            continue; /* of an earlier series, whose end was never written */
        if (saga_slice_equal(message->key, SAGA_LOG_KEY)) {
            if (take_log(w, lane, snapshot.state, diagnostic) < 0) return SAGA_E_INVALID;
            continue;
        }
        HASH_FIND(hh, *ret, message->key.data, message->key.size, newest);
        if (!newest) {
            newest = SAGA_NEW(&w->arena, struct newest);
            newest->id = message->key;
            newest->was_there = note_loaded(b, message->key);
            HASH_ADD_KEYPTR(hh, *ret, newest->id.data, newest->id.size, newest);
        }
        newest->snapshot = snapshot;
        note_ahead(b, message->key, snapshot.as_of, lane->marker.offset);
        b->states++;
    }
    return SAGA_OK;
}

static int load_those_there(struct saga_worker *w, struct saga_lane *lane, struct newest *piece,
                            struct saga_diagnostic *diagnostic)
{
    struct saga_slice *ids = SAGA_NEW_ARRAY(&w->arena, struct saga_slice, HASH_COUNT(piece));
    size_t count = 0;
    for (const struct newest *newest = piece; newest; newest = newest->hh.next)
        if (newest->was_there) ids[count++] = newest->id;
    if (count == 0) return SAGA_OK;
    return saga_lane_load(lane, &w->config.store, w->codec, ids, count, NULL, &w->arena,
                          diagnostic);
}

/* What a piece comes to in Redis. */
struct portion {
    struct saga_state_write *writes;
    size_t count;
    struct saga_tally tally;    /* of `writes` */
    struct saga_state **states; /* that `writes` refers to */
    size_t state_count;
};

/* Does the state fit its definition, as far as that is known here? What is sealed in it is looked at when it is opened. */
static bool is_whole(struct saga_worker *w, struct saga_slice id, const struct saga_state *state,
                     struct saga_diagnostic *ret)
{
    const struct saga_definition *definition =
        saga_catalog_find(w->catalog, state->name, state->version);
    if (state->forgotten || saga_state_fits_as(state, id, definition, &w->arena, ret)) return true;
    ret->what = saga_arena_printf(&w->arena, "saga %.*s: %.*s", SAGA_SLICE_ARG(id),
                                  SAGA_SLICE_ARG(ret->what));
    SAGA_COUNT(w, unfit, 1);
    return false;
}

/* Sagas that Redis may have from an earlier piece go the way of a batch; the others, which are nearly all, are written as
 * they are. */
static int take_state(struct saga_worker *w, struct saga_lane *lane, const struct newest *newest,
                      struct portion *portion, struct saga_diagnostic *diagnostic)
{
    struct saga_state *state = NULL;
    struct saga_slice bytes = newest->snapshot.state;
    if (bytes.data) {
        int error = saga_state_decode(w->codec, bytes, &w->arena, &state, diagnostic);
        if (error < 0) return error;
        if (!is_whole(w, newest->id, state, diagnostic)) {
            saga_state_free(state);
            return SAGA_E_INVALID;
        }
    }
    if (newest->was_there) {
        saga_lane_put(lane, saga_lane_find(lane, newest->id), state);
    } else if (state) {
        portion->states[portion->state_count++] = state;
        if (!state->forgotten)
            portion->writes[portion->count++] =
                saga_lane_write_fresh(newest->id, state, bytes, &w->arena, &portion->tally);
    }
    return SAGA_OK;
}

static int take_all(struct saga_worker *w, struct saga_lane *lane, struct newest *piece,
                    struct portion *portion, struct saga_diagnostic *diagnostic)
{
    size_t places = HASH_COUNT(piece);
    int error = load_those_there(w, lane, piece, diagnostic);
    portion->writes = SAGA_NEW_ARRAY(&w->arena, struct saga_state_write, places);
    portion->states = SAGA_NEW_ARRAY(&w->arena, struct saga_state *, places);
    for (struct newest *newest = piece; newest && error == SAGA_OK; newest = newest->hh.next)
        error = take_state(w, lane, newest, portion, diagnostic);
    return error;
}

static int load_piece(struct saga_worker *w, struct saga_lane *lane,
                      const struct saga_bus_records *records)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct portion portion = { 0 };
    struct newest *piece = NULL;
    saga_tally_init(&portion.tally, &w->arena);
    int error = sort_out(w, lane, records, &piece, &diagnostic);
    if (error == SAGA_OK) error = take_all(w, lane, piece, &portion, &diagnostic);
    HASH_CLEAR(hh, piece);
    if (error == SAGA_OK) {
        memcpy(lane->working_chain, lane->chain, sizeof lane->chain);
        saga_lane_publish(lane, saga_worker_monotonic(w));
        /* its answer is awaited by the next */
        error = saga_worker_store(w, lane, portion.writes, portion.count, &portion.tally);
        saga_lane_cut(lane, 0); /* nothing of it is wanted soon */
    }
    saga_tally_free(&portion.tally);
    for (size_t i = 0; i < portion.state_count; i++) saga_state_free(portion.states[i]);
    if (error == SAGA_E_INVALID) {
        saga_lane_abandon(lane);
        return saga_recovery_damaged(w, lane, records->items[0].offset, diagnostic.what);
    }
    if (error < 0) {
        saga_lane_abandon(lane);
        return saga_recovery_store_error(w, lane, error);
    }
    return SAGA_OK;
}

int saga_rebuild_step(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_recovery *r = &w->recovery;
    struct saga_bus_records records = { 0 };
    if (w->position >= lane->marker.high) {
        int error = saga_lane_settle(lane, &w->config.store);
        if (error < 0) return saga_recovery_store_error(w, lane, error);
        r->stage = SAGA_RECOVERY_JOURNAL;
        error = saga_worker_read_from(w, w->config.journal, lane->number, lane->applied);
        return error < 0 ? saga_recovery_lane_again(w, error) : SAGA_OK;
    }
    int error = saga_worker_read(w, SAGA_RECOVERY_CHUNK, &records);
    if (error < 0) return saga_recovery_lane_again(w, error);
    saga_arena_reset(&w->arena);
    if (records.count) error = load_piece(w, lane, &records);
    w->config.bus.release(w->config.bus.self, &records);
    saga_recovery_tell(w, lane, "snapshot", w->position - lane->marker.low,
                       lane->marker.high - lane->marker.low);
    return error;
}

int saga_rebuild_end(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_store *store = &w->config.store;
    int error = saga_lane_settle(lane, store);
    if (error == SAGA_OK)
        error = store->lane_built(store->self, lane->number, saga_slice_of(lane->building),
                                  saga_lane_applied_in_redis(lane), saga_slice_of(lane->journal),
                                  lane->applied);
    if (error < 0) return saga_recovery_store_error(w, lane, error);
    lane->building[0] = '\0';
    saga_log(SAGA_LOG_INFO, "lane was built from its snapshot", "lane=%u states=%zu took_ms=%lld",
             lane->number, w->recovery.rebuild.states,
             (long long)(saga_worker_monotonic(w) - w->recovery.rebuild.begun_ms));
    saga_rebuild_drop(w);
    return SAGA_OK;
}

void saga_recovery_tell(struct saga_worker *w, const struct saga_lane *lane, const char *what,
                        int64_t done, int64_t all)
{
    struct saga_rebuild *b = &w->recovery.rebuild;
    int64_t now_ms = saga_worker_monotonic(w);
    if (b->begun_ms == 0) b->begun_ms = b->told_ms = now_ms;
    if (now_ms - b->told_ms < TELL_MS || done <= 0 || all <= 0) return;
    b->told_ms = now_ms;
    int64_t left_s = (now_ms - b->begun_ms) * (all - done) / done / 1000;
    saga_log(SAGA_LOG_INFO, "lane is being recovered",
             "lane=%u reading=%s done_percent=%lld left_s=%lld", lane->number, what,
             (long long)(100 * done / all), (long long)left_s);
}
