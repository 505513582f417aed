/* What the journal gives, against what Redis holds of the lane. */
#include <stdlib.h>

#include "base/error.h"
#include "runtime/replay_internal.h"
#include "runtime/tallying.h"

/* Sagas of which Redis is asked at once. */
enum { PORTION = 500 };

/* `*ret_here`: Redis stands where the replay does, or that it does not was reported. */
static int look_at_lane(struct saga_replay *replay, struct saga_views *views, bool final,
                        int64_t *ret_applied, bool *ret_here)
{
    struct saga_lane_status status;
    int error = saga_views_lane(views, replay->lane, &replay->arena, &status);
    if (error < 0) return error;
    *ret_applied = status.present ? status.applied : SAGA_REPLAY_APPLIED_NOTHING;
    bool same_journal = status.present && saga_slice_is(status.journal, replay->journal);
    bool none_yet = !status.present && replay->records == 0; /* there is no such lane yet */
    bool stands_here = none_yet || (same_journal && status.applied == replay->applied);
    *ret_here = final || stands_here;
    if (stands_here || !final) return SAGA_OK;
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
    const struct saga_replayed *saga;
    size_t place = 0;
    do {
        saga = saga_replay_table_next(&replay->sagas, &place);
        if (saga && !saga->seen) ids[count++] = (struct saga_slice){ saga->id, saga->id_size };
        if (count < PORTION && saga) continue;
        saga_arena_reset(&replay->arena);
        int error = compare_some(replay, views, ids, count, final, fits);
        if (error < 0) return error;
        count = 0;
    } while (saga);
    return SAGA_OK;
}

static int compare_all(struct saga_replay *replay, struct saga_views *views, bool final,
                       bool *ret_fits)
{
    struct saga_scan scan = { 0 };
    *ret_fits = true;
    struct saga_replayed *saga;
    for (size_t place = 0; (saga = saga_replay_table_next(&replay->sagas, &place));)
        saga->seen = false;
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

/* ---- counts and durations ---- */

/* What all states of the journal count as. Those at rest are made anew, one after the other; one that cannot be has been
 * told of where it was met. */
static void tally_sagas(struct saga_replay *replay, struct saga_tally *tally)
{
    struct saga_arena rest;
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_init(&rest);
    const struct saga_replayed *saga;
    for (size_t place = 0; (saga = saga_replay_table_next(&replay->sagas, &place));) {
        struct saga_state *state = saga->at.state;
        if (!state && (!saga->at.bytes.data || saga_state_decode(replay->codec, saga->at.bytes,
                                                                 &rest, &state, &diagnostic) < 0))
            continue;
        saga_tally_state(tally, state);
        if (!saga->at.state) saga_state_free(state);
        saga_arena_reset(&rest);
    }
    saga_arena_free(&rest);
}

static int by_field(const void *left, const void *right)
{
    const struct saga_tally_sum *a = left, *b = right;
    if (a->table != b->table) return a->table < b->table ? -1 : 1;
    return saga_slice_compare(a->field, b->field);
}

static void report_sum(struct saga_replay *replay, const struct saga_tally_sum *sum,
                       int64_t in_redis, int64_t by_journal)
{
    saga_replay_differ(replay, SAGA_DIFFERENCE_REDIS, -1, SAGA_SLICE_NONE,
                       "Redis' %.*s say %lld of %.*s, the journal gives %lld",
                       SAGA_SLICE_ARG(saga_tally_table_name(sum->table)), (long long)in_redis,
                       SAGA_SLICE_ARG(sum->field), (long long)by_journal);
}

/* Both in order: what one of them lacks is 0 there. */
static bool compare_sums(struct saga_replay *replay, const struct saga_tally_sum *held,
                         size_t held_count, const struct saga_tally_sum *want, size_t want_count,
                         bool final)
{
    size_t h = 0, w = 0;
    bool fits = true;
    while (h < held_count || w < want_count) {
        int order = h == held_count ? 1 : w == want_count ? -1 : by_field(&held[h], &want[w]);
        const struct saga_tally_sum *in_redis = order <= 0 ? &held[h++] : NULL;
        const struct saga_tally_sum *by_journal = order >= 0 ? &want[w++] : NULL;
        if (in_redis && by_journal && in_redis->by == by_journal->by) continue;
        fits = false;
        if (!final) break;
        report_sum(replay, in_redis ? in_redis : by_journal, in_redis ? in_redis->by : 0,
                   by_journal ? by_journal->by : 0);
    }
    return fits;
}

/* Do the lists have as many sagas as the journal gives? */
static int compare_lists(struct saga_replay *replay, struct saga_views *views,
                         const struct saga_tally_sum *want, size_t want_count, bool final,
                         bool *fits)
{
    const struct saga_tally_sum **fields =
        SAGA_NEW_ARRAY(&replay->arena, const struct saga_tally_sum *, want_count);
    size_t count = 0;
    for (size_t i = 0; i < want_count; i++)
        if (saga_tally_has_lists(want[i].table)) fields[count++] = &want[i];
    int64_t *sizes = SAGA_NEW_ARRAY(&replay->arena, int64_t, count);
    int error = saga_views_list_sizes(views, replay->lane, fields, count, &replay->arena, sizes);
    if (error < 0) return error;
    for (size_t i = 0; i < count; i++) {
        if (sizes[i] == fields[i]->by) continue;
        *fits = false;
        if (final)
            saga_replay_differ(
                replay, SAGA_DIFFERENCE_REDIS, -1, SAGA_SLICE_NONE,
                "Redis' list of the %.*s %.*s has %lld sagas, the journal gives %lld",
                SAGA_SLICE_ARG(saga_tally_table_name(fields[i]->table)),
                SAGA_SLICE_ARG(fields[i]->field), (long long)sizes[i], (long long)fields[i]->by);
    }
    return SAGA_OK;
}

static int compare_tables(struct saga_replay *replay, struct saga_views *views, bool final,
                          bool *fits)
{
    struct saga_tally tally;
    struct saga_tally_sum *held, *want;
    size_t held_count, want_count;
    saga_arena_reset(&replay->arena);
    saga_tally_init(&tally, &replay->arena);
    tally_sagas(replay, &tally);
    want = saga_tally_sums(&tally, &want_count);
    saga_tally_free(&tally);
    int error = saga_views_sums(views, replay->lane, &replay->arena, &held, &held_count);
    if (error < 0) return error;
    if (held_count) qsort(held, held_count, sizeof *held, by_field);
    if (want_count) qsort(want, want_count, sizeof *want, by_field);
    if (!compare_sums(replay, held, held_count, want, want_count, final)) *fits = false;
    return compare_lists(replay, views, want, want_count, final, fits);
}

int saga_replay_compare(struct saga_replay *replay, struct saga_views *views, bool final,
                        int64_t *ret_applied)
{
    bool here, fits, log_fits = true;
    int64_t applied;
    saga_arena_reset(&replay->arena);
    *ret_applied = SAGA_REPLAY_APPLIED_UNKNOWN;
    int error = look_at_lane(replay, views, final, &applied, &here);
    if (error < 0) return error;
    if (!here) {
        *ret_applied = applied;
        return SAGA_E_AGAIN;
    }
    error = compare_all(replay, views, final, &fits);
    /* where states differ, what they count as does too */
    if (error == SAGA_OK && fits) error = compare_tables(replay, views, final, &fits);
    if (error == SAGA_OK && fits && replay->with_views)
        error = saga_replay_compare_views(replay, views, final, &fits);
    if (error == SAGA_OK && (fits || final))
        error = saga_replay_compare_log(replay, views, final, &log_fits);
    if (error < 0) return error;
    *ret_applied = applied;
    fits = fits && log_fits;
    return fits || final ? SAGA_OK : SAGA_E_AGAIN; /* it may have moved meanwhile: look again */
}
