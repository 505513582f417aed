/* Redis and the snapshots, held against the journal: each says that it stands behind some record, which may become visible
 * only later. */
#include <string.h>

#include "base/error.h"
#include "sim_check_internal.h"

uint64_t sim_check_fingerprint(struct saga_slice bytes)
{
    uint64_t hash = bytes.size, word;
    for (size_t at = 0; at < bytes.size; at += sizeof word) {
        size_t left = bytes.size - at;
        word = 0;
        memcpy(&word, bytes.data + at, left < sizeof word ? left : sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    return hash;
}

uint64_t sim_check_operation(int64_t offset, int64_t time_ms, struct saga_slice entry)
{
    return sim_check_fingerprint(entry) ^
           sim_check_fingerprint((struct saga_slice){ (const char *)&offset, sizeof offset }) * 31 ^
           sim_check_fingerprint((struct saga_slice){ (const char *)&time_ms, sizeof time_ms }) *
               17;
}

/* ---- Redis ---- */

static const struct milestone *milestone_at(const struct lane *lane, int64_t offset)
{
    for (size_t i = lane->milestone_count; i-- > 0;)
        if (lane->milestones[i].offset <= offset)
            return lane->milestones[i].offset == offset ? &lane->milestones[i] : NULL;
    return NULL;
}

/* The newest milestone of a saga up to `offset`; NULL: none. */
static const struct milestone *milestone_of(const struct lane *lane, const char *saga_id,
                                            int64_t offset)
{
    for (size_t i = lane->milestone_count; i-- > 0;)
        if (lane->milestones[i].offset <= offset &&
            strcmp(lane->milestones[i].saga_id, saga_id) == 0)
            return &lane->milestones[i];
    return NULL;
}

/* Before that offset; NULL: there is none. */
static const struct milestone *milestone_before(const struct lane *lane, int64_t offset)
{
    for (size_t i = lane->milestone_count; i-- > 0;)
        if (lane->milestones[i].offset < offset) return &lane->milestones[i];
    return NULL;
}

static void settle_log(struct sim_check *check, uint32_t number, const struct claim *claim,
                       const struct milestone *end)
{
    const struct milestone *begin = milestone_before(&check->lanes[number], claim->log_from);
    size_t count = end->operation_count - (begin ? begin->operation_count : 0);
    uint64_t operations = end->operations - (begin ? begin->operations : 0);
    if (claim->operation_count != count || claim->operations != operations)
        sim_violate(
            check->sim,
            "the log of Redis' lane %u at %lld has %zu entries, its journal from %lld on %zu",
            number, (long long)claim->applied, claim->operation_count, (long long)claim->log_from,
            count);
}

static void settle_claim(struct sim_check *check, uint32_t number, const struct claim *claim)
{
    const struct lane *lane = &check->lanes[number];
    const struct milestone *end = milestone_at(lane, claim->applied - 1);
    if (!end) {
        sim_violate(check->sim, "Redis' lane %u stands at %lld, where no record ends", number,
                    (long long)claim->applied);
    } else if (claim->saga_id[0] == '\0') {
        /* a lane that was emptied has no chain until its first apply, and who takes it over builds it anew */
        if (claim->chain[0] && strcmp(end->chain, claim->chain) != 0)
            sim_violate(check->sim, "Redis' lane %u has another chain at %lld", number,
                        (long long)claim->applied);
        if (end->saga_count != claim->saga_count)
            sim_violate(check->sim, "Redis' lane %u has %zu sagas at %lld, the journal %zu", number,
                        claim->saga_count, (long long)claim->applied, end->saga_count);
        settle_log(check, number, claim, end);
    } else {
        const struct milestone *of = milestone_of(lane, claim->saga_id, claim->applied - 1);
        bool there = of && of->present;
        if (there == claim->absent || (there && of->state != claim->state))
            sim_violate(check->sim, "lane %u at %lld: Redis or a snapshot has another state of %s",
                        number, (long long)claim->applied, claim->saga_id);
    }
}

void sim_check_settle(struct sim_check *check, uint32_t number)
{
    struct lane *lane = &check->lanes[number];
    int64_t reached =
        lane->milestone_count ? lane->milestones[lane->milestone_count - 1].offset + 1 : 0;
    size_t kept = 0;
    for (size_t i = 0; i < lane->claim_count; i++) {
        if (lane->claims[i].applied <= reached)
            settle_claim(check, number, &lane->claims[i]);
        else
            lane->claims[kept++] = lane->claims[i];
    }
    lane->claim_count = kept;
}

/* Redis may be told of what is committed before its markers are there: then the journal says later whether it was so.
 * An open record of somebody else may stand before it, which will be aborted. */
static void count_early(struct sim_check *check, uint32_t number, int64_t applied)
{
    const struct sim_partition *journal =
        &sim_kafka_topic(check->kafka, SAGA_SLICE("saga.journal"))->partitions[number];
    if (sim_last_stable(journal) < applied) sim_count(check->sim, MARKERS_AFTER_REDIS);
}

void sim_check_redis(struct sim_check *check, uint32_t number)
{
    struct lane *lane = &check->lanes[number];
    struct sim_lane *redis = &check->redis->lanes[number];
    count_early(check, number, redis->applied);
    if (!sim_lane_is_whole(redis)) return; /* all of it is looked at when it is */
    struct claim whole = { .applied = redis->applied,
                           .saga_id = "",
                           .saga_count = redis->saga_count,
                           .operation_count = redis->operation_count,
                           .log_from = redis->log_from };
    memcpy(whole.chain, redis->chain, sizeof whole.chain);
    /* A lane that went back to where it was just emptied has nothing yet that a log could lack: the next apply says it. */
    if (!redis->log_known && redis->applied > 1)
        sim_violate(check->sim, "Redis' lane %u does not know where its log begins", number);
    for (size_t i = 0; i < redis->operation_count; i++)
        whole.operations +=
            sim_check_operation(redis->operations[i].offset, redis->operations[i].time_ms,
                                saga_slice_of(redis->operations[i].entry));
    SAGA_PUSH(&check->arena, lane->claims, lane->claim_count, lane->claim_capacity, whole);
    for (size_t i = 0; i < redis->saga_count; i++) {
        struct sim_saga *saga = &redis->sagas[i];
        if (!saga->changed) continue;
        saga->changed = false;
        struct claim claim = { .applied = redis->applied };
        claim.saga_id = saga_arena_string(&check->arena, saga_slice_of(saga->id));
        claim.state = sim_check_fingerprint((struct saga_slice){ saga->state, saga->state_bytes });
        SAGA_PUSH(&check->arena, lane->claims, lane->claim_count, lane->claim_capacity, claim);
    }
    sim_check_settle(check, number);
    sim_check_sums(check, number);
}

/* ---- snapshots ---- */

static void take_marker(struct sim_check *check, uint32_t number, struct saga_slice bytes)
{
    struct lane *lane = &check->lanes[number];
    struct saga_marker marker;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_marker_decode(check->codec, bytes, &check->scratch, &marker, &diagnostic) < 0) {
        sim_violate(check->sim, "a marker of lane %u: %.*s", number,
                    SAGA_SLICE_ARG(diagnostic.what));
        return;
    }
    if (marker.offset < lane->marked)
        sim_violate(check->sim, "the marker of lane %u goes back to %lld", number,
                    (long long)marker.offset);
    if (marker.offset > lane->marked) sim_count(check->sim, SNAPSHOT);
    if (marker.series > lane->series) sim_count(check->sim, SERIES);
    lane->marked = marker.offset;
    lane->series = marker.series;
    sim_tell(check->sim, "lane %u has a snapshot at %lld", number, (long long)marker.offset);
}

void sim_check_snapshot(struct sim_check *check, uint32_t number,
                        const struct saga_message *message)
{
    struct lane *lane = &check->lanes[number];
    struct saga_snapshot snapshot;
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_reset(&check->scratch);
    if (saga_slice_equal(message->key, SAGA_MARKER_KEY)) {
        take_marker(check, number, message->value);
        return;
    }
    if (saga_slice_equal(message->key, SAGA_LOG_KEY))
        return; /* what is built from it is looked at */
    if (!message->value.data) {
        sim_count(check->sim, LEFT_SNAPSHOT);
        sim_tell(check->sim, "snapshot of lane %u: %.*s leaves", number,
                 SAGA_SLICE_ARG(message->key));
        return;
    }
    if (saga_snapshot_decode(check->codec, message->value, &check->scratch, &snapshot,
                             &diagnostic) < 0) {
        sim_violate(check->sim, "a snapshot of lane %u: %.*s", number,
                    SAGA_SLICE_ARG(diagnostic.what));
        return;
    }
    struct claim claim = { .applied = snapshot.as_of, .absent = !snapshot.state.data };
    sim_tell(check->sim, "snapshot of lane %u: %.*s as of %lld%s", number,
             SAGA_SLICE_ARG(message->key), (long long)snapshot.as_of, claim.absent ? ", gone" : "");
    claim.saga_id = saga_arena_string(&check->arena, message->key);
    if (!claim.absent) claim.state = sim_check_fingerprint(snapshot.state);
    SAGA_PUSH(&check->arena, lane->claims, lane->claim_count, lane->claim_capacity, claim);
    sim_check_settle(check, number);
}

int64_t sim_check_marked(const struct sim_check *check, uint32_t lane)
{
    return check->lanes[lane].marked;
}
