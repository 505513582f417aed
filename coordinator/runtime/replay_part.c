/* Replaying a part of a journal: what is not in it; and what is asked of a replay on its way. */
#include <string.h>

#include "base/error.h"

#include "runtime/replay_internal.h"

void saga_replay_leave_out(struct saga_replay *replay, const uint8_t chain[SAGA_SHA256_BYTES])
{
    memcpy(replay->chain, chain, sizeof replay->chain);
}

void saga_replay_pass_over(struct saga_replay *replay, struct saga_slice saga_id, int64_t until)
{
    saga_replay_find_or_add(replay, saga_id)->as_of = until;
}

const char *saga_replay_journal(const struct saga_replay *replay)
{
    return replay->journal;
}

int saga_replay_state_bytes(struct saga_replay *replay, struct saga_slice saga_id,
                            struct saga_arena *arena, struct saga_slice *ret)
{
    const struct saga_replayed *saga = saga_replay_find(replay, saga_id);
    *ret = SAGA_SLICE_NONE;
    if (!saga) return SAGA_OK;
    if (!saga->at.state) {
        *ret = saga->at.bytes;
        return SAGA_OK;
    }
    if (saga->at.state->status == SAGA_STATUS_NONE) return SAGA_OK;
    return saga_state_encode(replay->codec, saga->at.state, arena, ret);
}
