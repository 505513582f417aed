#include "sim_check_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/assert.h"
#include "base/error.h"
#include "codec/codec.h"
#include "codec/message.h"
#include "engine/engine.h"
#include "runtime/replay.h"

static void report(const struct saga_difference *difference, void *context)
{
    struct sim_check *check = context;
    sim_violate(check->sim, "journal of lane %u, offset %lld, saga %.*s: %s: %.*s",
                difference->lane, (long long)difference->offset,
                SAGA_SLICE_ARG(difference->saga_id), saga_difference_name(difference->kind),
                SAGA_SLICE_ARG(difference->words));
}

/* Kept from history to history. */
static struct saga_codec *kept_codec;

static void free_kept_codec(void)
{
    saga_codec_free(kept_codec);
}

static struct saga_codec *find_codec(void)
{
    if (kept_codec) return kept_codec;
    int error = saga_codec_new(&kept_codec);
    SAGA_ASSERT(error == SAGA_OK);
    atexit(free_kept_codec);
    return kept_codec;
}

struct sim_check *sim_check_new(struct sim *sim, struct sim_kafka *kafka, struct sim_redis *redis,
                                struct saga_catalog *catalog)
{
    struct sim_check *check = calloc(1, sizeof *check);
    int error = SAGA_OK;
    SAGA_ASSERT(check);
    check->sim = sim;
    check->kafka = kafka;
    check->redis = redis;
    saga_arena_init(&check->arena);
    saga_arena_init(&check->scratch);
    check->codec = find_codec();
    for (uint32_t n = 0; n < SIM_LANES && error == SAGA_OK; n++)
        error = saga_replay_new(check->codec, catalog, n, report, check, &check->lanes[n].replay);
    SAGA_ASSERT(error == SAGA_OK);
    return check;
}

void sim_check_free(struct sim_check *check)
{
    HASH_CLEAR(hh, check->inputs);
    HASH_CLEAR(hh, check->journaled);
    HASH_CLEAR(hh, check->commands);
    HASH_CLEAR(hh, check->failed);
    HASH_CLEAR(hh, check->kept);
    HASH_CLEAR(hh, check->runs);
    HASH_CLEAR(hh, check->ticks);
    for (uint32_t n = 0; n < SIM_LANES; n++) saga_replay_free(check->lanes[n].replay);
    saga_arena_free(&check->arena);
    saga_arena_free(&check->scratch);
    free(check);
}

/* ---- inputs ---- */

static char *position_name(struct saga_arena *arena, struct saga_slice topic, int32_t partition,
                           int64_t offset)
{
    return saga_arena_string(arena, saga_arena_printf(arena, "%.*s/%d/%lld", SAGA_SLICE_ARG(topic),
                                                      partition, (long long)offset));
}

void sim_check_expect(struct sim_check *check, struct sim_topic *topic, int32_t partition,
                      int64_t offset, unsigned count, bool at_least)
{
    struct input *input = SAGA_NEW(&check->arena, struct input);
    input->name = position_name(&check->arena, topic->name, partition, offset);
    input->expected = count;
    input->at_least = at_least;
    HASH_ADD_KEYPTR(hh, check->inputs, input->name, strlen(input->name), input);
    check->open_inputs++;
}

/* R24: only what the broker really refuses is put aside for it. */
static void check_refused(struct sim_check *check, const char *position)
{
    const struct input *input;
    HASH_FIND_STR(check->inputs, position, input);
    if (input && !input->at_least)
        sim_violate(check->sim, "%s was put aside, and nothing is wrong with it", position);
}

static void see_input(struct sim_check *check, const char *position, const char *where)
{
    struct input *input;
    HASH_FIND_STR(check->inputs, position, input);
    if (!input) {
        sim_violate(check->sim, "%s: %s was never written by anybody", where, position);
        return;
    }
    input->seen++;
    if (input->seen == input->expected) check->open_inputs--;
    if (input->seen > input->expected && !input->at_least)
        sim_violate(check->sim, "%s: the input %s was taken %u times, expected %u", where, position,
                    input->seen, input->expected);
}

bool sim_check_add_once(struct sim_check *check, struct once **set, struct saga_slice name)
{
    struct once *once;
    HASH_FIND(hh, *set, name.data, name.size, once);
    if (once) return false;
    once = SAGA_NEW(&check->arena, struct once);
    once->name = saga_arena_string(&check->arena, name);
    HASH_ADD_KEYPTR(hh, *set, once->name, name.size, once);
    return true;
}

void sim_check_dead_letter(struct sim_check *check, const struct saga_message *message)
{
    struct saga_slice reason = saga_message_header(message, "saga_reason");
    char name[160];
    snprintf(name, sizeof name, "%.*s/%.*s/%.*s",
             SAGA_SLICE_ARG(saga_message_header(message, "saga_source_topic")),
             SAGA_SLICE_ARG(saga_message_header(message, "saga_source_partition")),
             SAGA_SLICE_ARG(saga_message_header(message, "saga_source_offset")));
    sim_tell(check->sim, "dead letter of %s: %.*s", name, SAGA_SLICE_ARG(reason));
    sim_count(check->sim, DEAD_LETTER);
    if (saga_slice_is(reason, "cannot-be-committed")) check_refused(check, name);
    if (saga_slice_is(saga_message_header(message, "saga_note"), "schedule-set"))
        sim_violate(check->sim, "%s, a deploy, was put aside: %.*s", name, SAGA_SLICE_ARG(reason));
    see_input(check, name, "dead letters");
}

void sim_check_command(struct sim_check *check, const struct saga_message *message)
{
    struct saga_slice id = saga_message_header(message, "ce_id");
    if (!sim_check_add_once(check, &check->commands, id))
        sim_violate(check->sim, "command %.*s is there twice", SAGA_SLICE_ARG(id));
}

/* ---- the journal ---- */

/* R16: an alarm that counts was armed, and is due. */
static void check_alarm(struct sim_check *check, uint32_t number,
                        const struct saga_journal_record *record)
{
    const struct saga_state *state =
        saga_replay_state(check->lanes[number].replay, record->saga_id);
    const struct saga_timer *timer = state ? saga_state_timer(state, record->cause.timer) : NULL;
    if (record->cause.kind != SAGA_EVENT_TIMER || record->fact_count == 0 ||
        record->facts[0].kind == SAGA_FACT_TIMER_IGNORED)
        return;
    if (!timer || timer->due_ms > record->cause.time_ms)
        sim_violate(check->sim, "an alarm of %.*s rang before its time: %.*s",
                    SAGA_SLICE_ARG(record->saga_id), SAGA_SLICE_ARG(record->cause.timer));
}

static uint64_t fingerprint(struct saga_slice bytes)
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

static void settle_claims(struct sim_check *check, uint32_t number);

static void tell_record(struct sim_check *check, uint32_t lane, int64_t offset,
                        const struct saga_journal_record *record)
{
    struct saga_buffer words;
    if (!check->sim->trace) return;
    saga_buffer_init(&words, &check->scratch);
    for (size_t i = 0; i < record->fact_count; i++)
        saga_buffer_printf(&words, " %s%s%.*s", saga_fact_types[record->facts[i].kind].name,
                           record->facts[i].step.size ? " " : "",
                           SAGA_SLICE_ARG(record->facts[i].step));
    sim_tell(check->sim, "journal %u@%lld %.*s: %s %.*s ->%.*s", lane, (long long)offset,
             SAGA_SLICE_ARG(record->saga_id), saga_event_kind_name(record->cause.kind),
             SAGA_SLICE_ARG(record->cause.type), SAGA_SLICE_ARG(saga_buffer_slice(&words)));
}

static void add_milestone(struct sim_check *check, uint32_t number, int64_t offset,
                          const struct saga_journal_record *record)
{
    struct lane *lane = &check->lanes[number];
    struct saga_replay_counts counts;
    const struct saga_state *state = saga_replay_state(lane->replay, record->saga_id);
    struct milestone milestone = { .offset = offset, .present = state != NULL };
    milestone.saga_id = saga_arena_string(&check->arena, record->saga_id);
    if (state) {
        struct saga_slice bytes;
        int error = saga_state_encode(check->codec, state, &check->scratch, &bytes);
        SAGA_ASSERT(error == SAGA_OK);
        milestone.state = fingerprint(bytes);
    }
    saga_replay_count(lane->replay, &counts);
    milestone.saga_count = counts.sagas + counts.entries;
    saga_hex(record->chain, sizeof record->chain, milestone.chain);
    SAGA_PUSH(&check->arena, lane->milestones, lane->milestone_count, lane->milestone_capacity,
              milestone);
    check->digest =
        check->digest * 1099511628211u +
        fingerprint((struct saga_slice){ (const char *)record->chain, sizeof record->chain });
}

static void take_cause(struct sim_check *check, const struct saga_journal_record *record)
{
    const struct saga_position *source = &record->cause.source;
    if (source->topic.size == 0) return; /* a timer */
    char *position =
        position_name(&check->scratch, source->topic, source->partition, source->offset);
    struct saga_slice name =
        saga_arena_printf(&check->scratch, "%s %.*s", position, SAGA_SLICE_ARG(record->saga_id));
    if (!sim_check_add_once(check, &check->journaled, name))
        sim_violate(check->sim, "the input %s is journaled twice for saga %.*s", position,
                    SAGA_SLICE_ARG(record->saga_id));
    see_input(check, position, "journal");
}

void sim_check_journal(struct sim_check *check, uint32_t number, const struct saga_message *message)
{
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    struct lane *lane = &check->lanes[number];
    saga_arena_reset(&check->scratch);
    bool readable = saga_journal_decode(check->codec, message->value, &check->scratch, &record,
                                        &diagnostic) == SAGA_OK;
    if (readable) check_alarm(check, number, &record);
    saga_replay_record(lane->replay, message);
    if (!readable) return; /* the replay has said so */
    tell_record(check, number, message->offset, &record);
    if (record.cause.time_ms < lane->time_ms)
        sim_violate(check->sim, "the time of lane %u goes back at offset %lld", number,
                    (long long)message->offset);
    lane->time_ms = record.cause.time_ms;
    if (record.cause.kind != SAGA_EVENT_LANE) {
        take_cause(check, &record);
        sim_check_facts(check, &record, saga_replay_state(lane->replay, record.saga_id));
    }
    add_milestone(check, number, message->offset, &record);
    settle_claims(check, number);
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
    } else {
        const struct milestone *of = milestone_of(lane, claim->saga_id, claim->applied - 1);
        bool there = of && of->present;
        if (there == claim->absent || (there && of->state != claim->state))
            sim_violate(check->sim, "lane %u at %lld: Redis or a snapshot has another state of %s",
                        number, (long long)claim->applied, claim->saga_id);
    }
}

static void settle_claims(struct sim_check *check, uint32_t number)
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
    struct claim whole = { redis->applied, "", false, 0, redis->saga_count, "" };
    memcpy(whole.chain, redis->chain, sizeof whole.chain);
    SAGA_PUSH(&check->arena, lane->claims, lane->claim_count, lane->claim_capacity, whole);
    for (size_t i = 0; i < redis->saga_count; i++) {
        struct sim_saga *saga = &redis->sagas[i];
        if (!saga->changed) continue;
        saga->changed = false;
        struct claim claim = { .applied = redis->applied };
        claim.saga_id = saga_arena_string(&check->arena, saga_slice_of(saga->id));
        claim.state = fingerprint((struct saga_slice){ saga->state, saga->state_bytes });
        SAGA_PUSH(&check->arena, lane->claims, lane->claim_count, lane->claim_capacity, claim);
    }
    settle_claims(check, number);
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
    if (!claim.absent) claim.state = fingerprint(snapshot.state);
    SAGA_PUSH(&check->arena, lane->claims, lane->claim_count, lane->claim_capacity, claim);
    settle_claims(check, number);
}

int64_t sim_check_marked(const struct sim_check *check, uint32_t lane)
{
    return check->lanes[lane].marked;
}

/* ---- the end ---- */

static bool lane_is_done(const struct sim_check *check, uint32_t number)
{
    const struct lane *lane = &check->lanes[number];
    const struct sim_lane *redis = &check->redis->lanes[number];
    if (lane->claim_count) return false;
    return redis->present && sim_lane_is_whole(redis) &&
           redis->applied == saga_replay_applied(lane->replay);
}

bool sim_check_is_done(struct sim_check *check, char *ret_words, size_t size)
{
    if (check->open_inputs) {
        const struct input *input = check->inputs;
        while (input->seen >= input->expected) input = input->hh.next;
        snprintf(ret_words, size, "%zu inputs are not taken, the first %s", check->open_inputs,
                 input->name);
        return false;
    }
    for (const struct run *run = check->runs; run; run = run->hh.next) {
        if (saga_status_has_ended(run->told.status)) continue;
        snprintf(ret_words, size, "saga %s is %s%s", run->name, saga_status_name(run->told.status),
                 run->told.paused ? " and paused" : "");
        return false;
    }
    if (!sim_check_schedule_is_done(check, ret_words, size)) return false;
    for (uint32_t n = 0; n < SIM_LANES; n++) {
        struct saga_replay_counts counts;
        saga_replay_count(check->lanes[n].replay, &counts);
        counts.entries -= sim_check_schedule_entries(check, n);
        if (counts.sagas + counts.entries == 0) continue;
        snprintf(ret_words, size, "lane %u still keeps %llu ended sagas and %llu entries", n,
                 (unsigned long long)counts.sagas, (unsigned long long)counts.entries);
        return false;
    }
    for (uint32_t n = 0; n < SIM_LANES; n++) {
        if (lane_is_done(check, n)) continue;
        snprintf(ret_words, size, "Redis' lane %u is at %lld, its journal at %lld", n,
                 (long long)check->redis->lanes[n].applied,
                 (long long)saga_replay_applied(check->lanes[n].replay));
        return false;
    }
    return true;
}

void sim_check_end(struct sim_check *check)
{
    for (uint32_t n = 0; n < SIM_LANES; n++) {
        for (size_t i = 0; i < check->redis->lanes[n].saga_count; i++)
            check->redis->lanes[n].sagas[i].changed = true;
        sim_check_redis(check, n);
    }
}

uint64_t sim_check_digest(const struct sim_check *check)
{
    return check->digest;
}
