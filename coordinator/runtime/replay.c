#include "runtime/replay.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "engine/engine.h"
#include "runtime/replay_internal.h"

const char *saga_difference_name(enum saga_difference_kind kind)
{
    static const char *const names[SAGA_DIFFERENCE_KIND_COUNT] = {
        [SAGA_DIFFERENCE_UNREADABLE] = "unreadable", [SAGA_DIFFERENCE_CHAIN] = "chain",
        [SAGA_DIFFERENCE_SEQUENCE] = "sequence",     [SAGA_DIFFERENCE_FACTS] = "facts",
        [SAGA_DIFFERENCE_DEFINITION] = "definition", [SAGA_DIFFERENCE_REDIS] = "redis",
        [SAGA_DIFFERENCE_SNAPSHOT] = "snapshot",     [SAGA_DIFFERENCE_ANCHOR] = "anchor",
    };
    SAGA_ASSERT(kind < SAGA_DIFFERENCE_KIND_COUNT);
    return names[kind];
}

void saga_replay_differ(struct saga_replay *replay, enum saga_difference_kind kind, int64_t offset,
                        struct saga_slice saga_id, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct saga_difference difference = { kind, replay->lane, offset, saga_id,
                                          saga_arena_vprintf(&replay->arena, format, arguments) };
    va_end(arguments);
    replay->differences[kind]++;
    replay->report(&difference, replay->context);
}

int saga_replay_new(struct saga_codec *codec, struct saga_catalog *catalog, uint32_t lane,
                    void (*report)(const struct saga_difference *difference, void *context),
                    void *context, struct saga_replay **ret)
{
    struct saga_replay *replay = saga_memory_zeroed(1, sizeof *replay);
    SAGA_ASSERT(report);
    replay->codec = codec;
    replay->catalog = catalog;
    replay->lane = lane;
    replay->report = report;
    replay->context = context;
    saga_arena_init(&replay->arena);
    *ret = replay;
    return SAGA_OK;
}

static void free_replayed(struct saga_replay *replay, struct saga_replayed *saga)
{
    HASH_DEL(replay->sagas, saga);
    saga_resting_set(&saga->at, NULL);
    free(saga);
}

void saga_replay_free(struct saga_replay *replay)
{
    struct saga_replayed *saga, *next;
    if (!replay) return;
    HASH_ITER(hh, replay->sagas, saga, next) free_replayed(replay, saga);
    saga_arena_free(&replay->arena);
    free(replay);
}

struct saga_replayed *saga_replay_find(const struct saga_replay *replay, struct saga_slice id)
{
    struct saga_replayed *saga;
    HASH_FIND(hh, replay->sagas, id.data, id.size, saga);
    return saga;
}

struct saga_replayed *saga_replay_find_or_add(struct saga_replay *replay, struct saga_slice id)
{
    struct saga_replayed *saga;
    unsigned hash;
    HASH_VALUE(id.data, id.size, hash);
    HASH_FIND_BYHASHVALUE(hh, replay->sagas, id.data, id.size, hash, saga);
    if (saga) return saga;
    saga = saga_memory_zeroed(1, sizeof *saga + id.size);
    memcpy(saga->id, id.data, id.size);
    saga->id_size = id.size;
    saga->at.state = saga_state_new();
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, replay->sagas, saga->id, saga->id_size, hash, saga);
    return saga;
}

/* ---- sagas that rest ---- */

struct saga_state *saga_replay_wake(struct saga_replay *replay, struct saga_replayed *saga)
{
    struct saga_diagnostic diagnostic = { 0 };
    int error = saga_resting_wake(&saga->at, replay->codec, &replay->arena, &diagnostic);
    if (error < 0) { /* facts before it were not ours, and have made a state that is none */
        saga_replay_differ(
            replay, SAGA_DIFFERENCE_FACTS, -1, (struct saga_slice){ saga->id, saga->id_size },
            "they add up to a state that cannot be: %.*s", SAGA_SLICE_ARG(diagnostic.what));
        saga_resting_set(&saga->at, saga_state_new());
    }
    return saga->at.state;
}

const struct saga_state *saga_replay_state(struct saga_replay *replay, struct saga_slice saga_id)
{
    struct saga_replayed *saga = saga_replay_find(replay, saga_id);
    return saga ? saga_replay_wake(replay, saga) : NULL;
}

/* ---- one record ---- */

static void check_chain(struct saga_replay *replay, const struct saga_message *message,
                        const struct saga_journal_record *record)
{
    uint8_t chain[SAGA_SHA256_BYTES];
    saga_journal_chain(message->value, replay->chain, chain);
    if (memcmp(chain, record->chain, sizeof chain) != 0)
        saga_replay_differ(
            replay, SAGA_DIFFERENCE_CHAIN, message->offset, record->saga_id,
            "the record does not follow on the one before it: one of them was changed, taken "
            "out or put in");
    memcpy(replay->chain, record->chain, sizeof chain); /* so that one fault is reported once */
}

static bool may_be_decided(const struct saga_event *cause, const struct saga_state *state)
{
    if (cause->kind == SAGA_EVENT_LANE) return false;
    if (state->status != SAGA_STATUS_NONE) return true;
    return saga_event_begins(cause) &&
           (cause->kind == SAGA_EVENT_START ? cause->key.size : cause->target.size) > 0;
}

/* A record's head repeats what its saga's state says. */
static bool is_of_run(const struct saga_journal_record *record, const struct saga_state *state)
{
    return saga_slice_equal(record->run, state->run) && saga_slice_equal(record->key, state->key);
}

/* Does deciding the cause again give this record, byte for byte? `ret_chain`: the chain's value that it then must have. */
static bool decides_the_same(struct saga_replay *replay, const struct saga_message *message,
                             const struct saga_journal_record *record,
                             const struct saga_state *state,
                             const struct saga_definition *definition,
                             const struct saga_schemas *schemas, const uint8_t *chain,
                             uint8_t ret_chain[SAGA_SHA256_BYTES])
{
    struct saga_definition used = definition ? *definition : (struct saga_definition){ 0 };
    struct saga_state *working = saga_state_clone(state);
    struct saga_facts facts = { 0 };
    struct saga_journal_record again = *record;
    struct saga_slice bytes;
    used.schemas = schemas;
    saga_decide(definition ? &used : NULL, working, &record->cause, &replay->arena, &facts);
    again.facts = facts.items;
    again.fact_count = facts.count;
    int error =
        saga_journal_encode(replay->codec, &again, chain, &replay->arena, &bytes, ret_chain);
    size_t body = message->value.size - SAGA_SHA256_BYTES;
    bool same = error == SAGA_OK && bytes.size == message->value.size &&
                memcmp(bytes.data, message->value.data, body) == 0;
    saga_state_free(working);
    return same;
}

/* How it is with nearly every record: deciding its cause on the saga itself gives the very bytes of its facts, which need
 * not be read then, and the chain goes on. False: all is as it was before. */
static bool is_proved(struct saga_replay *replay, const struct saga_message *message,
                      const struct saga_journal_record *record, struct saga_slice facts_bytes,
                      struct saga_state *state)
{
    const struct saga_definition *definition =
        saga_catalog_find(replay->catalog, record->name, record->version);
    struct saga_facts facts = { 0 };
    uint8_t chain[SAGA_SHA256_BYTES];
    if (!definition || !saga_slice_is(record->sha256, definition->sha256)) return false;
    if (record->sequence != state->sequence + 1 || !may_be_decided(&record->cause, state))
        return false;
    saga_journal_chain(message->value, replay->chain, chain);
    if (memcmp(chain, record->chain, sizeof chain) != 0) return false;
    struct saga_definition used = *definition;
    used.schemas = NULL; /* the causes' bodies have been read by them */
    const struct saga_state_mark *mark = saga_state_mark(state, &replay->arena);
    saga_decide(&used, state, &record->cause, &replay->arena, &facts);
    if (!saga_journal_are_facts(replay->codec, &facts, facts_bytes) || !is_of_run(record, state)) {
        saga_state_go_back(state, mark);
        return false;
    }
    memcpy(replay->chain, chain, sizeof chain);
    return true;
}

/* False: it is not, and words have been said. */
static bool decide_again(struct saga_replay *replay, const struct saga_message *message,
                         const struct saga_journal_record *record, const struct saga_state *state,
                         const uint8_t *chain)
{
    const struct saga_definition *definition =
        saga_catalog_find(replay->catalog, record->name, record->version);
    uint8_t ignored[SAGA_SHA256_BYTES];
    if (definition && !saga_slice_is(record->sha256, definition->sha256)) {
        saga_replay_differ(
            replay, SAGA_DIFFERENCE_DEFINITION, message->offset, record->saga_id,
            "definition %.*s version %u has another content than when this was decided",
            SAGA_SLICE_ARG(record->name), record->version);
        return false;
    }
    if (definition &&
        decides_the_same(replay, message, record, state, definition, NULL, chain, ignored))
        return true;
    /* a body that did not fit its schema: by the schemas that are there now, as well as can be */
    const struct saga_schemas *schemas = saga_catalog_schemas(replay->catalog);
    if (definition && schemas &&
        decides_the_same(replay, message, record, state, definition, schemas, chain, ignored))
        return true;
    /* an entry needs none; R19: it was decided while the definition was nowhere to be had */
    bool without = state->status != SAGA_STATUS_NONE || record->cause.kind == SAGA_EVENT_NOTE;
    if (without && decides_the_same(replay, message, record, state, NULL, NULL, chain, ignored))
        return true;
    if (definition)
        saga_replay_differ(replay, SAGA_DIFFERENCE_FACTS, message->offset, record->saga_id,
                           "deciding its cause again gives other facts");
    else
        saga_replay_differ(
            replay, SAGA_DIFFERENCE_DEFINITION, message->offset, record->saga_id,
            "definition %.*s version %u is not to be had, so it cannot be decided again",
            SAGA_SLICE_ARG(record->name), record->version);
    return false;
}

static void evolve(struct saga_replay *replay, const struct saga_message *message,
                   const struct saga_journal_record *record, struct saga_replayed *saga)
{
    saga_evolve_begin(saga->at.state, record->cause.time_ms);
    if (saga->at.state->sequence != record->sequence) {
        saga_replay_differ(replay, SAGA_DIFFERENCE_SEQUENCE, message->offset, record->saga_id,
                           "sequence %llu where %llu belongs", (unsigned long long)record->sequence,
                           (unsigned long long)saga->at.state->sequence);
        saga->at.state->sequence = record->sequence;
    }
    for (size_t i = 0; i < record->fact_count; i++) {
        if (saga_evolve(saga->at.state, &record->facts[i]) == SAGA_OK) continue;
        saga_replay_differ(replay, SAGA_DIFFERENCE_FACTS, message->offset, record->saga_id,
                           "%s cannot follow on the saga's state",
                           saga_fact_types[record->facts[i].kind].name);
        return;
    }
    if (!saga_slice_equal(record->run, saga->at.state->run))
        saga_replay_differ(replay, SAGA_DIFFERENCE_SEQUENCE, message->offset, record->saga_id,
                           "run %.*s where %.*s belongs", SAGA_SLICE_ARG(record->run),
                           SAGA_SLICE_ARG(saga->at.state->run));
    else if (!is_of_run(record, saga->at.state))
        saga_replay_differ(replay, SAGA_DIFFERENCE_SEQUENCE, message->offset, record->saga_id,
                           "key %.*s where %.*s belongs", SAGA_SLICE_ARG(record->key),
                           SAGA_SLICE_ARG(saga->at.state->key));
}

/* ---- a journal whose beginning was cut off ---- */

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
    struct saga_replayed *saga = saga_replay_find(replay, message->key);
    if (!message->value.data) {
        if (saga) free_replayed(replay, saga);
        return;
    }
    if (!saga) saga = saga_replay_find_or_add(replay, message->key);
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

int64_t saga_replay_begin(struct saga_replay *replay, int64_t low)
{
    struct saga_replayed *saga, *next;
    saga_arena_reset(&replay->arena);
    HASH_ITER(hh, replay->sagas, saga, next)
    {
        SAGA_ASSERT(saga->at.state); /* none has been taken from the journal yet */
        bool gone = saga->at.state->status == SAGA_STATUS_NONE && saga->as_of <= replay->marked_at;
        if (saga->series != replay->series || gone) free_replayed(replay, saga);
    }
    if (replay->marked && replay->marked_at >= low) {
        replay->applied = replay->marked_at;
        return replay->marked_at;
    }
    saga_replay_differ(
        replay, SAGA_DIFFERENCE_SNAPSHOT, -1, SAGA_SLICE_NONE,
        "the journal's beginning was cut off, and there is no snapshot from which to go on");
    return -1;
}

/* Proves a record of a saga that is not as nearly all are, and takes its facts. */
static void prove(struct saga_replay *replay, const struct saga_message *message,
                  const struct saga_journal_record *record, struct saga_replayed *saga)
{
    uint8_t chain[SAGA_SHA256_BYTES];
    memcpy(chain, replay->chain, sizeof chain);
    check_chain(replay, message, record);
    if (!may_be_decided(&record->cause, saga->at.state)) {
        saga_replay_differ(replay, SAGA_DIFFERENCE_FACTS, message->offset, record->saga_id,
                           "an event of kind %s cannot come at this place",
                           saga_event_kind_name(record->cause.kind));
        return;
    }
    bool proved = decide_again(replay, message, record, saga->at.state, chain);
    evolve(replay, message, record, saga);
    if (proved || saga->at.state->status == SAGA_STATUS_NONE) return;
    /* facts that were not ours may make a state that is none: it is read as one that comes from outside */
    saga_resting_lay(&saga->at, replay->codec, &replay->arena);
    saga_replay_wake(replay, saga);
}

static void take_first(struct saga_replay *replay, const struct saga_message *message,
                       const struct saga_journal_record *record)
{
    bool opens = record->fact_count == 1 && record->facts[0].kind == SAGA_FACT_LANE_OPENED &&
                 record->facts[0].text.size == sizeof replay->journal - 1;
    if (opens)
        memcpy(replay->journal, record->facts[0].text.data, sizeof replay->journal - 1);
    else
        saga_replay_differ(replay, SAGA_DIFFERENCE_UNREADABLE, message->offset, record->saga_id,
                           "the journal does not begin with the record that opens it");
}

/* Is the saga to be kept, after a record of it? */
static void keep_or_free(struct saga_replay *replay, struct saga_replayed *saga, bool proved)
{
    if (!saga->at.state->forgotten && saga->at.state->status != SAGA_STATUS_NONE) {
        if (proved && saga_status_has_ended(saga->at.state->status))
            saga_resting_lay(&saga->at, replay->codec, &replay->arena);
        return;
    }
    replay->forgotten += saga->at.state->forgotten && saga->at.state->kind == SAGA_KIND_SAGA;
    free_replayed(replay, saga);
}

/* All of the record is read, and whatever there is to be said is said. */
static void take_whole(struct saga_replay *replay, const struct saga_message *message)
{
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_journal_decode(replay->codec, message->value, &replay->arena, &record, &diagnostic) <
        0) {
        saga_replay_differ(replay, SAGA_DIFFERENCE_UNREADABLE, message->offset, SAGA_SLICE_NONE,
                           "%.*s", SAGA_SLICE_ARG(diagnostic.what));
        return;
    }
    if (record.cause.kind == SAGA_EVENT_LANE) {
        check_chain(replay, message, &record);
        take_first(replay, message, &record);
        return;
    }
    struct saga_replayed *saga = saga_replay_find_or_add(replay, record.saga_id);
    if (message->offset < saga->as_of) { /* a snapshot has it already */
        check_chain(replay, message, &record);
        return;
    }
    saga->as_of = 0;
    saga_replay_wake(replay, saga);
    prove(replay, message, &record, saga);
    keep_or_free(replay, saga, false);
}

void saga_replay_record(struct saga_replay *replay, const struct saga_message *message)
{
    struct saga_journal_record record;
    struct saga_slice facts;
    struct saga_diagnostic ignored = { 0 };
    saga_arena_reset(&replay->arena);
    replay->records++;
    replay->applied = message->offset + 1;
    bool common = saga_journal_decode_cause(replay->codec, message->value, &replay->arena, &record,
                                            &facts, &ignored) == SAGA_OK &&
                  record.cause.kind != SAGA_EVENT_LANE;
    struct saga_replayed *saga = common ? saga_replay_find_or_add(replay, record.saga_id) : NULL;
    if (saga && message->offset >= saga->as_of &&
        is_proved(replay, message, &record, facts, saga_replay_wake(replay, saga))) {
        saga->as_of = 0;
        keep_or_free(replay, saga, true);
        return;
    }
    if (saga && saga->at.state && saga->at.state->status == SAGA_STATUS_NONE && saga->as_of == 0)
        free_replayed(replay, saga); /* it may be none at all */
    take_whole(replay, message);
}

int64_t saga_replay_applied(const struct saga_replay *replay)
{
    return replay->applied;
}

void saga_replay_count(const struct saga_replay *replay, struct saga_replay_counts *ret)
{
    *ret =
        (struct saga_replay_counts){ .records = replay->records, .forgotten = replay->forgotten };
    for (const struct saga_replayed *saga = replay->sagas; saga; saga = saga->hh.next) {
        enum saga_status status = saga_resting_status(&saga->at);
        if (status == SAGA_STATUS_NONE) continue; /* left while its snapshot was taken */
        if (saga->at.state && saga->at.state->kind != SAGA_KIND_SAGA) {
            ret->entries++;
            continue;
        }
        ret->sagas++;
        ret->by_status[status]++;
    }
    memcpy(ret->differences, replay->differences, sizeof ret->differences);
}
