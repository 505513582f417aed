/* Looking ahead. One record after the other is of another saga, and the sagas that are under way are more than any cache holds:
 * each record alone would wait for memory at its saga's place in the table, at the saga, at its state and at what that holds,
 * one behind the other. So some records are read before the first of them is proved, and what they will need is fetched side by
 * side. Nothing is concluded from it: each record finds its saga anew, as those in front of it have left it. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "runtime/replay_internal.h"

static void read_ahead(struct saga_replay *replay, const struct saga_message *message,
                       struct saga_replay_ahead *ret)
{
    struct saga_diagnostic ignored = { 0 };
    ret->common = saga_journal_decode_cause(replay->codec, message->value, &replay->arena,
                                            &ret->record, &ret->facts, &ignored) == SAGA_OK &&
                  ret->record.cause.kind != SAGA_EVENT_LANE;
    if (ret->common) ret->hash = saga_replay_hash(ret->record.saga_id);
}

/* ---- what is fetched, stage by stage ---- */

static void fetch_place(const struct saga_replay *replay, const struct saga_replay_ahead *ahead)
{
    __builtin_prefetch(saga_replay_table_place(&replay->sagas, ahead->hash));
}

static void fetch_saga(const struct saga_replay *replay, const struct saga_replay_ahead *ahead)
{
    saga_fetch(saga_replay_table_place(&replay->sagas, ahead->hash)->saga,
               sizeof(struct saga_replayed) + ahead->record.saga_id.size);
}

static const struct saga_state *state_at_hand(const struct saga_replay *replay,
                                              const struct saga_replay_ahead *ahead)
{
    const struct saga_replayed *saga =
        saga_replay_table_find(&replay->sagas, ahead->record.saga_id, ahead->hash);
    return saga ? saga->at.state : NULL;
}

static void fetch_state(const struct saga_replay *replay, const struct saga_replay_ahead *ahead)
{
    const struct saga_state *state = state_at_hand(replay, ahead);
    if (state) saga_fetch(state, sizeof *state);
}

static void fetch_lists(const struct saga_replay *replay, const struct saga_replay_ahead *ahead)
{
    const struct saga_state *state = state_at_hand(replay, ahead);
    if (state) saga_state_fetch_lists(state);
}

static void
fetch(const struct saga_replay *replay, const struct saga_replay_ahead *aheads, size_t count,
      void (*stage)(const struct saga_replay *replay, const struct saga_replay_ahead *ahead))
{
    if (replay->sagas.count == 0) return;
    for (size_t i = 0; i < count; i++)
        if (aheads[i].common) stage(replay, &aheads[i]);
}

/* ---- the chain ---- */

/* What each record's chain value must be if the record in front of it says its own rightly, as nearly all do: whether it does is
 * asked when it is proved. */
static void chain_ahead(const struct saga_replay *replay, const struct saga_message *messages,
                        size_t count, struct saga_replay_ahead *ret)
{
    const uint8_t *before = replay->chain;
    for (size_t i = 0; i < count; i++) {
        struct saga_slice value = messages[i].value;
        memcpy(ret[i].before, before, sizeof ret[i].before);
        if (!ret[i].common) continue;
        saga_journal_chain(value, before, ret[i].chain);
        before = (const uint8_t *)value.data + value.size - SAGA_SHA256_BYTES;
    }
}

void saga_replay_look_ahead(struct saga_replay *replay, const struct saga_message *messages,
                            size_t count, struct saga_replay_ahead *ret)
{
    for (size_t i = 0; i < count; i++) read_ahead(replay, &messages[i], &ret[i]);
    fetch(replay, ret, count, fetch_place);
    fetch(replay, ret, count, fetch_saga);
    fetch(replay, ret, count, fetch_state);
    chain_ahead(replay, messages, count, ret);
    fetch(replay, ret, count, fetch_lists);
}
