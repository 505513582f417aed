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
#include "runtime/operations.h"
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

static struct saga_wrapping *kept_wrapping;

static void free_kept_wrapping(void)
{
    saga_wrapping_free(kept_wrapping);
}

const struct saga_wrapping *sim_check_wrapping(void)
{
    static const char key[] = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
    struct saga_arena arena;
    struct saga_diagnostic diagnostic = { 0 };
    if (kept_wrapping) return kept_wrapping;
    saga_arena_init(&arena);
    int error = saga_wrapping_of(saga_slice_of(key), &arena, &kept_wrapping, &diagnostic);
    SAGA_ASSERT(error == SAGA_OK);
    saga_arena_free(&arena);
    atexit(free_kept_wrapping);
    return kept_wrapping;
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
    for (uint32_t n = 0; n < SIM_LANES; n++) {
        check->lanes[n].keys = saga_keyring_new(sim_check_wrapping());
        saga_replay_keys(check->lanes[n].replay, check->lanes[n].keys);
    }
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
    for (uint32_t n = 0; n < SIM_LANES; n++) {
        saga_replay_free(check->lanes[n].replay);
        saga_keyring_free(check->lanes[n].keys);
    }
    saga_arena_free(&check->arena);
    saga_arena_free(&check->scratch);
    free(check);
}

static void note_destroyed(struct sim_check *check, uint32_t lane,
                           const struct saga_key_record *record)
{
    const struct saga_state *state = saga_replay_state(check->lanes[lane].replay, record->saga_id);
    sim_count(check->sim, KEY_DESTROYED);
    if (!state || !saga_slice_equal(state->run, record->run))
        sim_count(check->sim, KEY_DESTROYED_LATE);
}

void sim_check_key(struct sim_check *check, uint32_t lane, const struct saga_message *message)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_key_record record;
    saga_arena_reset(&check->scratch);
    int error = saga_keyring_take(check->lanes[lane].keys, check->codec, message, &check->scratch,
                                  &diagnostic);
    if (error == SAGA_OK)
        error =
            saga_key_decode(check->codec, message->value, &check->scratch, &record, &diagnostic);
    if (error < 0)
        sim_violate(check->sim, "a record of saga.keys cannot be read: %.*s",
                    SAGA_SLICE_ARG(diagnostic.what));
    else if (record.wrapped.data)
        sim_count(check->sim, KEY_MADE);
    else
        note_destroyed(check, lane, &record);
}

void sim_check_keys(const struct sim_check *check, struct saga_slice saga_id,
                    void (*visit)(const struct saga_key_record *key, void *context), void *context)
{
    struct saga_slice name, key;
    int error = saga_id_parse(saga_id, &name, &key);
    SAGA_ASSERT(error == SAGA_OK);
    saga_keyring_each(check->lanes[saga_lane_of_key(key, SIM_LANES)].keys, saga_id, visit, context);
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

/* `entry`: of the log, absent where there is none. */
static void add_milestone(struct sim_check *check, uint32_t number, int64_t offset,
                          const struct saga_journal_record *record, struct saga_slice entry)
{
    struct lane *lane = &check->lanes[number];
    struct saga_replay_counts counts;
    const struct saga_state *state = saga_replay_state(lane->replay, record->saga_id);
    struct milestone milestone = { .offset = offset, .present = state != NULL };
    if (lane->milestone_count) {
        const struct milestone *last = &lane->milestones[lane->milestone_count - 1];
        milestone.operation_count = last->operation_count;
        milestone.operations = last->operations;
    }
    if (entry.data) {
        milestone.operation_count++;
        milestone.operations += sim_check_operation(offset, record->cause.time_ms, entry);
    }
    milestone.saga_id = saga_arena_string(&check->arena, record->saga_id);
    if (state) {
        struct saga_slice bytes;
        int error = saga_state_encode(check->codec, state, &check->scratch, &bytes);
        SAGA_ASSERT(error == SAGA_OK);
        milestone.state = sim_check_fingerprint(bytes);
    }
    saga_replay_count(lane->replay, &counts);
    milestone.saga_count = counts.sagas + counts.entries;
    saga_hex(record->chain, sizeof record->chain, milestone.chain);
    SAGA_PUSH(&check->arena, lane->milestones, lane->milestone_count, lane->milestone_capacity,
              milestone);
    check->digest = check->digest * 1099511628211u +
                    sim_check_fingerprint(
                        (struct saga_slice){ (const char *)record->chain, sizeof record->chain });
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

/* Of a saga that has a key nothing stands in the open. It is opened for whoever looks at it next, unless it was forgotten. */
static void check_sealed(struct sim_check *check, uint32_t number,
                         struct saga_journal_record *record)
{
    const struct saga_keyring *keys = check->lanes[number].keys;
    struct saga_data_key key;
    bool open = record->cause.body.size && !saga_is_sealed(record->cause.body);
    if (!saga_keyring_find(keys, record->saga_id, record->run, &check->scratch)) return;
    for (size_t i = 0; i < record->fact_count; i++)
        open = open || (record->facts[i].value.size && !saga_is_sealed(record->facts[i].value));
    if (open)
        sim_violate(check->sim, "a value of %.*s is not sealed", SAGA_SLICE_ARG(record->saga_id));
    if (saga_keyring_open(keys, record->saga_id, record->run, &check->scratch, &key) == SAGA_OK &&
        saga_open_record(&key, record, &check->scratch) < 0)
        sim_violate(check->sim, "what %.*s has sealed does not open",
                    SAGA_SLICE_ARG(record->saga_id));
}

/* R15: the same place in another journal is another run. */
static void check_run(struct sim_check *check, uint32_t number,
                      const struct saga_journal_record *record)
{
    if (record->fact_count == 0 || record->facts[0].kind != SAGA_FACT_SAGA_STARTED) return;
    struct saga_slice journal = saga_slice_of(saga_replay_journal(check->lanes[number].replay));
    struct saga_slice run = saga_run_of(&check->scratch, journal, &record->cause.source);
    if (!saga_slice_equal(record->run, run))
        sim_violate(check->sim, "the run %.*s of %.*s is not of its journal",
                    SAGA_SLICE_ARG(record->run), SAGA_SLICE_ARG(record->saga_id));
}

void sim_check_journal(struct sim_check *check, uint32_t number, const struct saga_message *message)
{
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    struct lane *lane = &check->lanes[number];
    if (!saga_codec_is_encoded(message->value)) return; /* of somebody else */
    saga_arena_reset(&check->scratch);
    bool readable = saga_journal_decode(check->codec, message->value, &check->scratch, &record,
                                        &diagnostic) == SAGA_OK;
    if (readable) check_alarm(check, number, &record);
    saga_replay_record(lane->replay, message);
    if (!readable) return; /* the replay has said so */
    tell_record(check, number, message->offset, &record);
    struct saga_slice entry = saga_operation_entry(&record, &check->scratch);
    if (record.cause.time_ms < lane->time_ms)
        sim_violate(check->sim, "the time of lane %u goes back at offset %lld", number,
                    (long long)message->offset);
    lane->time_ms = record.cause.time_ms;
    if (record.cause.kind != SAGA_EVENT_LANE) {
        check_sealed(check, number, &record);
        take_cause(check, &record);
        check_run(check, number, &record);
        sim_check_facts(check, &record, saga_replay_state(lane->replay, record.saga_id));
    }
    add_milestone(check, number, message->offset, &record, entry);
    sim_check_settle(check, number);
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
    for (uint32_t n = 0; n < SIM_LANES; n++) {
        struct saga_replay_counts counts;
        saga_replay_count(check->lanes[n].replay, &counts);
        if (counts.unproved_sealed)
            sim_violate(check->sim, "lane %u: the key of %llu sealed records is nowhere", n,
                        (unsigned long long)counts.unproved_sealed);
    }
}

uint64_t sim_check_digest(const struct sim_check *check)
{
    return check->digest;
}
