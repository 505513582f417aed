/* The keys of a lane's sagas. In memory are those of the runs that stand in the lane: open, or ended and kept. A key goes with
 * its saga, and stays in saga.keys until it is destroyed.
 *
 * They are read when the lane is recovered, after its journal. That is behind the committed offsets (R8), so that whatever a
 * former owner has committed is there; and the lane is whole, so that Redis says of each key whether its run stands. Nothing
 * begins or leaves meanwhile: the lane is not ready. */
#include "base/mutation.h"
#include "base/table.h"
#include "runtime/recovery_internal.h"

/* A saga that Redis is asked for, once for all of its runs in a portion. */
struct asked {
    UT_hash_handle hh;
    struct saga_slice id;
    struct saga_slice run; /* that stands; absent: none */
};

void saga_keys_drop(struct saga_worker *w, const struct saga_lane *lane)
{
    saga_keyring_free(w->keyrings[lane->number]);
    w->keyrings[lane->number] = NULL;
}

void saga_keys_keep(struct saga_worker *w, const struct saga_lane *lane, bool committed)
{
    struct saga_keyring *ring = w->keyrings[lane->number];
    if (saga_keyring_count(ring) == 0 || SAGA_WITHOUT(KEYS_LEAVING)) return;
    for (const struct saga_resident *r = lane->touched; r; r = r->next_touched) {
        const struct saga_state *state = committed ? r->working : r->clean;
        bool stands = state && state->status != SAGA_STATUS_NONE && !state->forgotten;
        saga_keyring_keep(ring, r->id, stands ? state->run : SAGA_SLICE_NONE);
    }
}

struct saga_keyring *saga_keys_of_lane(struct saga_worker *w, const struct saga_lane *lane)
{
    struct saga_keyring **ring = &w->keyrings[lane->number];
    if (!*ring) *ring = saga_keyring_new(w->config.wrapping);
    return *ring;
}

int saga_keys_begin(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_recovery *r = &w->recovery;
    struct saga_bus *bus = &w->config.bus;
    int64_t low = 0;
    r->keys_high = 0;
    saga_keys_drop(w, lane);
    if (w->config.keys.size) {
        int error = bus->watermarks(bus->self, w->config.keys, (int32_t)lane->number,
                                    SAGA_RECOVERY_CALL_MS, &low, &r->keys_high);
        if (error < 0) saga_worker_note(w, "%s", bus->problem(bus->self));
        if (error < 0) return saga_recovery_lane_again(w, error);
    }
    if (low >= r->keys_high) {
        saga_recovery_lane_done(w, lane);
        return SAGA_OK;
    }
    if (saga_recovery_put_off(w, lane, r->keys_high - low)) return SAGA_OK;
    r->keys_low = low;
    r->keys_begun_ms = saga_worker_monotonic(w);
    saga_rebuild_drop(w); /* how long it takes is reckoned anew */
    saga_worker_end_reading(w);
    r->stage = SAGA_RECOVERY_KEYS;
    int error = saga_worker_read_from(w, w->config.keys, lane->number, low);
    return error < 0 ? saga_recovery_lane_again(w, error) : SAGA_OK;
}

/* ---- a portion ---- */

struct portion {
    struct saga_key_record *keys;
    size_t count;
    struct asked *asked;
};

static void note(struct saga_worker *w, struct portion *portion, const struct saga_key_record *key)
{
    struct asked *asked;
    portion->keys[portion->count++] = *key;
    HASH_FIND(hh, portion->asked, key->saga_id.data, key->saga_id.size, asked);
    if (asked) return;
    asked = SAGA_NEW(&w->arena, struct asked);
    asked->id = key->saga_id;
    HASH_ADD_KEYPTR(hh, portion->asked, asked->id.data, asked->id.size, asked);
}

static void read_portion(struct saga_worker *w, const struct saga_lane *lane,
                         const struct saga_bus_records *records, struct portion *portion)
{
    portion->keys = SAGA_NEW_ARRAY(&w->arena, struct saga_key_record, records->count);
    for (size_t i = 0; i < records->count; i++) {
        const struct saga_message *message = &records->items[i];
        struct saga_diagnostic diagnostic = { 0 };
        struct saga_key_record key;
        if (saga_keyring_read(w->codec, message, &w->arena, &key, &diagnostic) == SAGA_OK)
            note(w, portion, &key);
        else
            saga_log(SAGA_LOG_WARNING, "a record of saga.keys cannot be read: it is left out",
                     "lane=%u offset=%lld words=\"%.*s\"", lane->number, (long long)message->offset,
                     SAGA_SLICE_ARG(diagnostic.what));
    }
}

/* INVALID, with words: what Redis has of a saga cannot be read. */
static int find_runs(struct saga_worker *w, const struct saga_lane *lane, struct portion *portion,
                     struct saga_diagnostic *diagnostic)
{
    struct saga_store *store = &w->config.store;
    size_t count = HASH_COUNT(portion->asked), next = 0;
    struct saga_slice *ids = SAGA_NEW_ARRAY(&w->arena, struct saga_slice, count),
                      *states = SAGA_NEW_ARRAY(&w->arena, struct saga_slice, count);
    if (count == 0) return SAGA_OK;
    for (const struct asked *asked = portion->asked; asked; asked = asked->hh.next)
        ids[next++] = asked->id;
    int error = store->states_read(store->self, lane->number, saga_lane_applied_in_redis(lane), ids,
                                   count, &w->arena, states);
    next = 0;
    for (struct asked *asked = portion->asked; asked && error == SAGA_OK; asked = asked->hh.next) {
        struct saga_slice bytes = states[next++];
        struct saga_state *state;
        if (!bytes.data) continue;
        error = saga_state_decode(w->codec, bytes, &w->arena, &state, diagnostic);
        if (error < 0) break;
        asked->run = saga_arena_copy(&w->arena, state->run);
        saga_state_free(state);
    }
    return error;
}

/* Runs come one after the other, and so do their keys; of one run the later word counts, a key or that it is destroyed. */
static void take_standing(struct saga_worker *w, const struct saga_lane *lane,
                          const struct portion *portion)
{
    for (size_t i = 0; i < portion->count; i++) {
        const struct saga_key_record *key = &portion->keys[i];
        const struct asked *asked;
        HASH_FIND(hh, portion->asked, key->saga_id.data, key->saga_id.size, asked);
        if (saga_slice_equal(asked->run, key->run) || SAGA_WITHOUT(STANDING_KEYS))
            saga_keyring_put(saga_keys_of_lane(w, lane), key);
    }
}

static int take_portion(struct saga_worker *w, struct saga_lane *lane,
                        const struct saga_bus_records *records, struct saga_diagnostic *diagnostic)
{
    struct portion portion = { 0 };
    saga_arena_reset(&w->arena);
    read_portion(w, lane, records, &portion);
    int error = find_runs(w, lane, &portion, diagnostic);
    if (error == SAGA_OK) take_standing(w, lane, &portion);
    HASH_CLEAR(hh, portion.asked);
    return error;
}

int saga_keys_step(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_recovery *r = &w->recovery;
    struct saga_bus_records records = { 0 };
    struct saga_diagnostic diagnostic = { 0 };
    if (w->position < r->keys_high) {
        int error = saga_worker_read(w, SAGA_RECOVERY_CHUNK, &records);
        if (error < 0) return saga_recovery_lane_again(w, error);
        error = take_portion(w, lane, &records, &diagnostic);
        w->config.bus.release(w->config.bus.self, &records);
        if (error == SAGA_E_INVALID)
            return saga_recovery_damaged(w, lane, lane->applied, diagnostic.what);
        if (error < 0) return saga_recovery_store_error(w, lane, error);
        saga_recovery_tell(w, lane, "keys", w->position - r->keys_low, r->keys_high - r->keys_low);
    }
    if (w->position < r->keys_high) return SAGA_OK;
    saga_log(SAGA_LOG_INFO, "keys read", "lane=%u read=%lld kept=%zu took_ms=%lld", lane->number,
             (long long)(r->keys_high - r->keys_low), saga_keyring_count(w->keyrings[lane->number]),
             (long long)(saga_worker_monotonic(w) - r->keys_begun_ms));
    saga_recovery_lane_done(w, lane);
    return SAGA_OK;
}
