/* Replaying a part of a journal: what is not in it; what a record says of its place; and what is asked of a replay on its
 * way. */
#include <string.h>

#include "base/error.h"
#include "engine/engine.h"
#include "runtime/replay_internal.h"

void saga_replay_expect_lanes(struct saga_replay *replay, uint32_t lanes)
{
    replay->lanes = lanes;
}

void saga_replay_leave_out(struct saga_replay *replay, const uint8_t chain[SAGA_SHA256_BYTES])
{
    static const uint8_t beginning[SAGA_SHA256_BYTES];
    if (chain) memcpy(replay->chain, chain, sizeof replay->chain);
    /* what stood in front of the first record was none of the journal's */
    if (!chain || memcmp(chain, beginning, sizeof beginning) != 0) replay->begun = true;
}

/* ---- the place of a record ---- */

static bool is_journal_id(struct saga_slice id)
{
    return saga_is_lower_hex(id, sizeof((struct saga_replay *)0)->journal - 1);
}

/* NULL: it is as it must be. */
static const char *why_not_opening(const struct saga_replay *replay,
                                   const struct saga_journal_record *record)
{
    if (replay->begun) return "it opens a journal, and there is a record before it";
    if (record->fact_count != 1 || record->facts[0].kind != SAGA_FACT_LANE_OPENED ||
        !is_journal_id(record->facts[0].text))
        return "it is of the kind that opens a journal, and does not";
    if (replay->lanes && record->facts[0].lanes != replay->lanes)
        return "it opens a journal of another number of lanes";
    return NULL;
}

static void look_at_opening(struct saga_replay *replay, int64_t offset,
                            const struct saga_journal_record *record)
{
    const char *why = why_not_opening(replay, record);
    if (why)
        saga_replay_differ(replay, SAGA_DIFFERENCE_OPENING, offset, SAGA_SLICE_NONE, "%s", why);
    const struct saga_fact *fact = record->facts;
    if (record->fact_count == 1 && fact->kind == SAGA_FACT_LANE_OPENED && is_journal_id(fact->text))
        memcpy(replay->journal, fact->text.data, sizeof replay->journal - 1);
}

/* The key in a saga's id, which says its lane: what stands behind the first '/'. */
static struct saga_slice key_of(struct saga_slice id)
{
    const char *slash = id.size ? memchr(id.data, '/', id.size) : NULL;
    return slash ? saga_slice_skip(id, (size_t)(slash - id.data) + 1) : SAGA_SLICE("");
}

/* Kafka's key is in no hash, and who looks for a saga's records looks for its key. */
static void look_at_key(struct saga_replay *replay, const struct saga_message *message,
                        const struct saga_journal_record *record)
{
    if (!saga_slice_equal(message->key, record->key))
        saga_replay_differ(replay, SAGA_DIFFERENCE_KEY, message->offset, record->saga_id,
                           "its key in Kafka is not the one that it says: who looks for its saga "
                           "does not find it");
}

void saga_replay_look_at(struct saga_replay *replay, const struct saga_message *message,
                         const struct saga_journal_record *record)
{
    int64_t offset = message->offset;
    bool begun = replay->begun;
    look_at_key(replay, message, record);
    saga_replay_log_take(replay, message, record);
    if (record->cause.kind == SAGA_EVENT_LANE) look_at_opening(replay, offset, record);
    replay->begun = true;
    if (record->cause.kind == SAGA_EVENT_LANE) return;
    if (!begun)
        saga_replay_differ(replay, SAGA_DIFFERENCE_OPENING, offset, record->saga_id,
                           "the journal begins with it, and not with the record that opens one");
    uint32_t lane =
        replay->lanes ? saga_lane_of_key(key_of(record->saga_id), replay->lanes) : replay->lane;
    if (lane != replay->lane)
        saga_replay_differ(replay, SAGA_DIFFERENCE_LANE, offset, record->saga_id,
                           "it belongs to lane %u", lane);
}

/* An entry needs none as long as it has no version of one. */
static bool needs_definition(const struct saga_journal_record *record)
{
    return !saga_id_is_entry(record->saga_id) || record->version != 0;
}

bool saga_replay_has_definition(struct saga_replay *replay, const struct saga_message *message,
                                const struct saga_journal_record *record)
{
    const struct saga_definition *definition =
        saga_catalog_find(replay->catalog, record->name, record->version);
    if (!record->sha256.size && !needs_definition(record)) return true;
    if (definition && saga_slice_is(record->sha256, definition->sha256)) return true;
    if (!record->sha256.size)
        saga_replay_differ(replay, SAGA_DIFFERENCE_DEFINITION, message->offset, record->saga_id,
                           "it does not say by which definition this was decided");
    else
        saga_replay_differ(
            replay, SAGA_DIFFERENCE_DEFINITION, message->offset, record->saga_id,
            "definition %.*s version %u %s", SAGA_SLICE_ARG(record->name), record->version,
            definition ? "has another content than when this was decided" : "is not to be had");
    return false;
}

void saga_replay_pass_over(struct saga_replay *replay, struct saga_slice saga_id, int64_t until)
{
    saga_replay_find_or_add(replay, saga_id, saga_replay_hash(saga_id))->as_of = until;
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

void saga_replay_mark(struct saga_replay *replay,
                      bool (*is)(struct saga_slice saga_id, void *context), void *context)
{
    struct saga_replayed *saga;
    for (size_t place = 0; (saga = saga_replay_table_next(&replay->sagas, &place));)
        if (saga_resting_status(&saga->at) != SAGA_STATUS_NONE)
            saga->marked = is((struct saga_slice){ saga->id, saga->id_size }, context);
}

void saga_replay_visit_marked(const struct saga_replay *replay,
                              void (*visit)(struct saga_slice saga_id, void *context),
                              void *context)
{
    const struct saga_replayed *saga;
    for (size_t place = 0; (saga = saga_replay_table_next(&replay->sagas, &place));)
        if (saga->marked) visit((struct saga_slice){ saga->id, saga->id_size }, context);
}

void saga_replay_expect_views(struct saga_replay *replay)
{
    replay->with_views = true;
}

void saga_replay_keys(struct saga_replay *replay, const struct saga_keyring *keys)
{
    replay->keys = keys;
}
