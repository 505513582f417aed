/* What the journal gives, against what Redis holds of the lane. */
#include "base/error.h"
#include "runtime/replay_internal.h"

/* Sagas of which Redis is asked at once. */
enum { PORTION = 500 };

static int look_at_lane(struct saga_replay *replay, struct saga_views *views, bool final,
                        int64_t *ret_applied)
{
    struct saga_lane_status status;
    int error = saga_views_lane(views, replay->lane, &replay->arena, &status);
    if (error < 0) return error;
    *ret_applied = status.present ? status.applied : -1;
    bool same_journal = status.present && saga_slice_is(status.journal, replay->journal);
    if (same_journal && status.applied == replay->applied) return SAGA_OK;
    if (!final) return SAGA_E_AGAIN;
    if (!same_journal)
        saga_replay_differ(replay, SAGA_DIFFERENCE_REDIS, -1, SAGA_SLICE_NONE,
                           status.present ? "Redis belongs to another journal"
                                          : "Redis has nothing of the lane");
    else
        saga_replay_differ(replay, SAGA_DIFFERENCE_REDIS, -1, SAGA_SLICE_NONE,
                           "Redis stands at offset %lld, the journal at %lld",
                           (long long)status.applied, (long long)replay->applied);
    return SAGA_OK;
}

/* Compares one saga with what Redis holds of it; returns whether it fits. Reports only when `final`. */
static bool compare_saga(struct saga_replay *replay, struct saga_slice id, struct saga_slice held,
                         bool final)
{
    struct saga_slice bytes;
    struct saga_replayed *saga = saga_replay_find(replay, id);
    if (saga) saga->seen = true;
    if (!saga || (saga->at.state && saga->at.state->status == SAGA_STATUS_NONE)) {
        if (held.data && final)
            saga_replay_differ(replay, SAGA_DIFFERENCE_REDIS, -1, id,
                               "Redis has a saga that the journal does not know");
        return !held.data;
    }
    if (saga->at.state) {
        if (saga_state_encode(replay->codec, saga->at.state, &replay->arena, &bytes) < 0)
            return false;
    } else {
        bytes = saga->at.bytes;
    }
    if (held.data && saga_slice_equal(held, bytes)) return true;
    if (final)
        saga_replay_differ(replay, SAGA_DIFFERENCE_REDIS, -1, id, "%s",
                           held.data ? "Redis holds another state than the journal gives"
                                     : "Redis has lost the saga");
    return false;
}

static int compare_some(struct saga_replay *replay, struct saga_views *views,
                        const struct saga_slice *ids, size_t count, bool final, bool *fits)
{
    struct saga_slice held[PORTION];
    for (size_t from = 0; from < count; from += PORTION) {
        size_t portion = count - from < PORTION ? count - from : PORTION;
        int error =
            saga_views_states(views, replay->lane, ids + from, portion, &replay->arena, held);
        if (error < 0) return error;
        for (size_t i = 0; i < portion; i++)
            if (!compare_saga(replay, ids[from + i], held[i], final)) *fits = false;
    }
    return SAGA_OK;
}

/* What the journal knows and the scan did not give. */
static int compare_unseen(struct saga_replay *replay, struct saga_views *views, bool final,
                          bool *fits)
{
    struct saga_slice ids[PORTION];
    size_t count = 0;
    for (struct saga_replayed *saga = replay->sagas; saga; saga = saga->hh.next) {
        if (!saga->seen) ids[count++] = (struct saga_slice){ saga->id, saga->id_size };
        if (count < PORTION && saga->hh.next) continue;
        saga_arena_reset(&replay->arena);
        int error = compare_some(replay, views, ids, count, final, fits);
        if (error < 0) return error;
        count = 0;
    }
    return SAGA_OK;
}

static int compare_all(struct saga_replay *replay, struct saga_views *views, bool final,
                       bool *ret_fits)
{
    struct saga_scan scan = { 0 };
    *ret_fits = true;
    for (struct saga_replayed *saga = replay->sagas; saga; saga = saga->hh.next) saga->seen = false;
    do {
        struct saga_slice *ids;
        size_t count;
        saga_arena_reset(&replay->arena);
        int error = saga_views_scan(views, replay->lane, &scan, &replay->arena, &ids, &count);
        if (error == SAGA_OK) error = compare_some(replay, views, ids, count, final, ret_fits);
        if (error < 0) return error;
    } while (scan.cursor != 0);
    return compare_unseen(replay, views, final, ret_fits);
}

int saga_replay_compare(struct saga_replay *replay, struct saga_views *views, bool final,
                        int64_t *ret_applied)
{
    bool fits;
    saga_arena_reset(&replay->arena);
    int error = look_at_lane(replay, views, final, ret_applied);
    if (error < 0) return error;
    error = compare_all(replay, views, final, &fits);
    if (error < 0 || fits || final) return error;
    return SAGA_E_AGAIN; /* it may have moved meanwhile: look again */
}
