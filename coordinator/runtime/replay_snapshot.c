/* A journal whose beginning was cut off: the replay begins with what the lane's snapshots say of it. */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "engine/fits.h"
#include "runtime/replay_internal.h"

static void take_marker(struct saga_replay *replay, const struct saga_message *message)
{
    struct saga_marker marker;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_marker_decode(replay->codec, message->value, &replay->arena, &marker, &diagnostic) < 0)
        return; /* as if it were not there, which is reported if there is no other */
    replay->marked = true;
    replay->marked_at = marker.offset;
    replay->series = marker.series;
    memcpy(replay->journal, marker.journal.data, sizeof replay->journal - 1);
    int error = saga_unhex(marker.chain, replay->chain, sizeof replay->chain);
    SAGA_ASSERT(error == SAGA_OK); /* the codec has looked */
}

void saga_replay_snapshot(struct saga_replay *replay, const struct saga_message *message)
{
    struct saga_snapshot snapshot = { 0 };
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_reset(&replay->arena);
    if (saga_slice_equal(message->key, SAGA_MARKER_KEY)) {
        take_marker(replay, message);
        return;
    }
    if (saga_slice_equal(message->key, SAGA_LOG_KEY)) { /* is no state */
        saga_replay_log_snapshot(replay, message);
        return;
    }
    struct saga_replayed *saga = saga_replay_find(replay, message->key);
    if (!message->value.data) {
        if (saga) saga_replay_table_remove(&replay->sagas, saga);
        return;
    }
    if (!saga) saga = saga_replay_find_or_add(replay, message->key, saga_replay_hash(message->key));
    struct saga_state *state = NULL;
    int error =
        saga_snapshot_decode(replay->codec, message->value, &replay->arena, &snapshot, &diagnostic);
    if (error == SAGA_OK && snapshot.state.data)
        error =
            saga_state_decode(replay->codec, snapshot.state, &replay->arena, &state, &diagnostic);
    if (error < 0)
        saga_replay_differ(replay, SAGA_DIFFERENCE_SNAPSHOT, -1, message->key,
                           "its record %lld in the snapshots cannot be read: %.*s",
                           (long long)message->offset, SAGA_SLICE_ARG(diagnostic.what));
    saga_resting_set(&saga->at, state ? state : saga_state_new());
    saga->as_of = snapshot.as_of;
    saga->series = snapshot.series;
}

/* Those of an earlier series of snapshots, and those that have left by this one's marker. */
static void free_unneeded(struct saga_replay *replay)
{
    struct saga_replayed *saga;
    size_t place = 0;
    while ((saga = saga_replay_table_next(&replay->sagas, &place))) {
        SAGA_ASSERT(saga->at.state); /* none has been taken from the journal yet */
        bool gone = saga->at.state->status == SAGA_STATUS_NONE && saga->as_of <= replay->marked_at;
        if (saga->series == replay->series && !gone) continue;
        saga_replay_table_remove(&replay->sagas, saga);
        place--; /* another may stand there now */
    }
}

/* What the snapshots have of a saga is decided on from here, so it must fit its definition. What does not is told of, and goes
 * on by what the journal says of it. */
static void look_at_states(struct saga_replay *replay)
{
    struct saga_replayed *saga;
    for (size_t place = 0; (saga = saga_replay_table_next(&replay->sagas, &place));) {
        const struct saga_state *state = saga->at.state;
        struct saga_slice id = { saga->id, saga->id_size };
        struct saga_diagnostic diagnostic = { 0 };
        if (state->status == SAGA_STATUS_NONE || state->forgotten) continue;
        saga_arena_reset(&replay->arena);
        const struct saga_definition *definition =
            saga_catalog_find(replay->catalog, state->name, state->version);
        bool sealed = saga_state_is_sealed(state);
        if (saga_state_fits_as(state, id, definition, &replay->arena, &diagnostic) &&
            (sealed || saga_state_values_fit(state, &replay->arena, &diagnostic)))
            continue;
        saga->doubted = true;
        saga_replay_differ(replay, SAGA_DIFFERENCE_SNAPSHOT, -1, id,
                           "its state in the snapshots does not fit its definition: %.*s",
                           SAGA_SLICE_ARG(diagnostic.what));
    }
}

int64_t saga_replay_begin(struct saga_replay *replay, int64_t low)
{
    saga_arena_reset(&replay->arena);
    replay->begun = true;
    free_unneeded(replay);
    saga_replay_log_begin(replay);
    look_at_states(replay);
    if (replay->marked && replay->marked_at >= low) {
        replay->applied = replay->marked_at;
        return replay->marked_at;
    }
    saga_replay_differ(
        replay, SAGA_DIFFERENCE_SNAPSHOT, -1, SAGA_SLICE_NONE,
        "the journal's beginning was cut off, and there is no snapshot from which to go on");
    return -1;
}
