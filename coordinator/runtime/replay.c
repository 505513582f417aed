#include "runtime/replay.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/table.h"
#include "engine/engine.h"

/* Sagas of which Redis is asked at once. */
enum { PORTION = 500 };

struct replayed {
    UT_hash_handle hh;
    struct saga_state *state;
    int64_t as_of; /* the journal offset up to which a snapshot's state has it; 0: no snapshot's */
    int64_t series;
    bool seen; /* in the scan of Redis that is under way */
    size_t id_size;
    char id[]; /* here, as every record looks for one */
};

struct saga_replay {
    struct saga_codec *codec;
    struct saga_catalog *catalog;
    uint32_t lane;
    void (*report)(const struct saga_difference *difference, void *context);
    void *context;
    struct saga_arena arena; /* a record's */
    struct replayed *sagas;
    uint8_t chain[SAGA_SHA256_BYTES];
    char journal[33];
    int64_t applied;
    bool marked; /* a marker was taken */
    int64_t marked_at, series;
    uint64_t records, forgotten;
    uint64_t differences[SAGA_DIFFERENCE_KIND_COUNT];
};

const char *saga_difference_name(enum saga_difference_kind kind)
{
    static const char *const names[SAGA_DIFFERENCE_KIND_COUNT] = {
        [SAGA_DIFFERENCE_UNREADABLE] = "unreadable", [SAGA_DIFFERENCE_CHAIN] = "chain",
        [SAGA_DIFFERENCE_SEQUENCE] = "sequence",     [SAGA_DIFFERENCE_FACTS] = "facts",
        [SAGA_DIFFERENCE_DEFINITION] = "definition", [SAGA_DIFFERENCE_REDIS] = "redis",
        [SAGA_DIFFERENCE_SNAPSHOT] = "snapshot",
    };
    SAGA_ASSERT(kind < SAGA_DIFFERENCE_KIND_COUNT);
    return names[kind];
}

__attribute__((format(printf, 5, 6))) static void differ(struct saga_replay *replay,
                                                         enum saga_difference_kind kind,
                                                         int64_t offset, struct saga_slice saga_id,
                                                         const char *format, ...)
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

static void free_replayed(struct saga_replay *replay, struct replayed *saga)
{
    HASH_DEL(replay->sagas, saga);
    saga_state_free(saga->state);
    free(saga);
}

void saga_replay_free(struct saga_replay *replay)
{
    struct replayed *saga, *next;
    if (!replay) return;
    HASH_ITER(hh, replay->sagas, saga, next) free_replayed(replay, saga);
    saga_arena_free(&replay->arena);
    free(replay);
}

static struct replayed *find(const struct saga_replay *replay, struct saga_slice id)
{
    struct replayed *saga;
    HASH_FIND(hh, replay->sagas, id.data, id.size, saga);
    return saga;
}

static struct replayed *find_or_add(struct saga_replay *replay, struct saga_slice id)
{
    struct replayed *saga;
    unsigned hash;
    HASH_VALUE(id.data, id.size, hash);
    HASH_FIND_BYHASHVALUE(hh, replay->sagas, id.data, id.size, hash, saga);
    if (saga) return saga;
    saga = saga_memory_zeroed(1, sizeof *saga + id.size);
    memcpy(saga->id, id.data, id.size);
    saga->id_size = id.size;
    saga->state = saga_state_new();
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, replay->sagas, saga->id, saga->id_size, hash, saga);
    return saga;
}

const struct saga_state *saga_replay_state(const struct saga_replay *replay,
                                           struct saga_slice saga_id)
{
    const struct replayed *saga = find(replay, saga_id);
    return saga ? saga->state : NULL;
}

/* ---- one record ---- */

static void check_chain(struct saga_replay *replay, const struct saga_message *message,
                        const struct saga_journal_record *record)
{
    uint8_t chain[SAGA_SHA256_BYTES];
    saga_journal_chain(message->value, replay->chain, chain);
    if (memcmp(chain, record->chain, sizeof chain) != 0)
        differ(replay, SAGA_DIFFERENCE_CHAIN, message->offset, record->saga_id,
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

/* How it is with nearly every record: deciding again gives its very bytes and, with them, the chain's value, which need
 * not be computed a second time. */
static bool is_proved(struct saga_replay *replay, const struct saga_message *message,
                      const struct saga_journal_record *record, const struct saga_state *state,
                      const struct saga_definition *definition)
{
    uint8_t chain[SAGA_SHA256_BYTES];
    if (!definition || !saga_slice_is(record->sha256, definition->sha256)) return false;
    if (!decides_the_same(replay, message, record, state, definition, NULL, replay->chain, chain) ||
        memcmp(chain, record->chain, sizeof chain) != 0)
        return false;
    memcpy(replay->chain, chain, sizeof chain);
    return true;
}

/* A record that is not as nearly all are. */
static void decide_again(struct saga_replay *replay, const struct saga_message *message,
                         const struct saga_journal_record *record, const struct saga_state *state,
                         const struct saga_definition *definition, const uint8_t *chain)
{
    uint8_t ignored[SAGA_SHA256_BYTES];
    if (definition && !saga_slice_is(record->sha256, definition->sha256)) {
        differ(replay, SAGA_DIFFERENCE_DEFINITION, message->offset, record->saga_id,
               "definition %.*s version %u has another content than when this was decided",
               SAGA_SLICE_ARG(record->name), record->version);
        return;
    }
    if (definition &&
        decides_the_same(replay, message, record, state, definition, NULL, chain, ignored))
        return;
    /* a body that did not fit its schema: by the schemas that are there now, as well as can be */
    const struct saga_schemas *schemas = saga_catalog_schemas(replay->catalog);
    if (definition && schemas &&
        decides_the_same(replay, message, record, state, definition, schemas, chain, ignored))
        return;
    /* an entry needs none; R19: it was decided while the definition was nowhere to be had */
    bool without = state->status != SAGA_STATUS_NONE || record->cause.kind == SAGA_EVENT_NOTE;
    if (without && decides_the_same(replay, message, record, state, NULL, NULL, chain, ignored))
        return;
    if (definition)
        differ(replay, SAGA_DIFFERENCE_FACTS, message->offset, record->saga_id,
               "deciding its cause again gives other facts");
    else
        differ(replay, SAGA_DIFFERENCE_DEFINITION, message->offset, record->saga_id,
               "definition %.*s version %u is not to be had, so it cannot be decided again",
               SAGA_SLICE_ARG(record->name), record->version);
}

static void evolve(struct saga_replay *replay, const struct saga_message *message,
                   const struct saga_journal_record *record, struct replayed *saga)
{
    saga_evolve_begin(saga->state, record->cause.time_ms);
    if (saga->state->sequence != record->sequence) {
        differ(replay, SAGA_DIFFERENCE_SEQUENCE, message->offset, record->saga_id,
               "sequence %llu where %llu belongs", (unsigned long long)record->sequence,
               (unsigned long long)saga->state->sequence);
        saga->state->sequence = record->sequence;
    }
    for (size_t i = 0; i < record->fact_count; i++) {
        if (saga_evolve(saga->state, &record->facts[i]) == SAGA_OK) continue;
        differ(replay, SAGA_DIFFERENCE_FACTS, message->offset, record->saga_id,
               "%s cannot follow on the saga's state", saga_fact_types[record->facts[i].kind].name);
        return;
    }
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
    struct replayed *saga = find(replay, message->key);
    if (!message->value.data) {
        if (saga) free_replayed(replay, saga);
        return;
    }
    if (!saga) saga = find_or_add(replay, message->key);
    struct saga_state *state = NULL;
    int error =
        saga_snapshot_decode(replay->codec, message->value, &replay->arena, &snapshot, &diagnostic);
    if (error == SAGA_OK && snapshot.state.data)
        error =
            saga_state_decode(replay->codec, snapshot.state, &replay->arena, &state, &diagnostic);
    if (error < 0)
        differ(replay, SAGA_DIFFERENCE_SNAPSHOT, -1, message->key,
               "its record %lld in the snapshots cannot be read: %.*s", (long long)message->offset,
               SAGA_SLICE_ARG(diagnostic.what));
    saga_state_free(saga->state);
    saga->state = state ? state : saga_state_new();
    saga->as_of = snapshot.as_of;
    saga->series = snapshot.series;
}

int64_t saga_replay_begin(struct saga_replay *replay, int64_t low)
{
    struct replayed *saga, *next;
    saga_arena_reset(&replay->arena);
    HASH_ITER(hh, replay->sagas, saga, next)
    {
        bool gone = saga->state->status == SAGA_STATUS_NONE && saga->as_of <= replay->marked_at;
        if (saga->series != replay->series || gone) free_replayed(replay, saga);
    }
    if (replay->marked && replay->marked_at >= low) {
        replay->applied = replay->marked_at;
        return replay->marked_at;
    }
    differ(replay, SAGA_DIFFERENCE_SNAPSHOT, -1, SAGA_SLICE_NONE,
           "the journal's beginning was cut off, and there is no snapshot from which to go on");
    return -1;
}

/* Proves a record of a saga, and takes its facts. */
static void prove(struct saga_replay *replay, const struct saga_message *message,
                  const struct saga_journal_record *record, struct replayed *saga)
{
    const struct saga_definition *definition =
        saga_catalog_find(replay->catalog, record->name, record->version);
    uint8_t chain[SAGA_SHA256_BYTES];
    bool fits = may_be_decided(&record->cause, saga->state);
    if (!fits || !is_proved(replay, message, record, saga->state, definition)) {
        memcpy(chain, replay->chain, sizeof chain);
        check_chain(replay, message, record);
        if (fits) decide_again(replay, message, record, saga->state, definition, chain);
    }
    if (fits)
        evolve(replay, message, record, saga);
    else
        differ(replay, SAGA_DIFFERENCE_FACTS, message->offset, record->saga_id,
               "an event of kind %s cannot come at this place",
               saga_event_kind_name(record->cause.kind));
}

static void take_first(struct saga_replay *replay, const struct saga_message *message,
                       const struct saga_journal_record *record)
{
    bool opens = record->fact_count == 1 && record->facts[0].kind == SAGA_FACT_LANE_OPENED &&
                 record->facts[0].text.size == sizeof replay->journal - 1;
    if (opens)
        memcpy(replay->journal, record->facts[0].text.data, sizeof replay->journal - 1);
    else
        differ(replay, SAGA_DIFFERENCE_UNREADABLE, message->offset, record->saga_id,
               "the journal does not begin with the record that opens it");
}

void saga_replay_record(struct saga_replay *replay, const struct saga_message *message)
{
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_reset(&replay->arena);
    replay->records++;
    replay->applied = message->offset + 1;
    if (saga_journal_decode(replay->codec, message->value, &replay->arena, &record, &diagnostic) <
        0) {
        differ(replay, SAGA_DIFFERENCE_UNREADABLE, message->offset, SAGA_SLICE_NONE, "%.*s",
               SAGA_SLICE_ARG(diagnostic.what));
        return;
    }
    if (record.cause.kind == SAGA_EVENT_LANE) {
        check_chain(replay, message, &record);
        take_first(replay, message, &record);
        return;
    }
    struct replayed *saga = find_or_add(replay, record.saga_id);
    if (message->offset < saga->as_of) { /* a snapshot has it already */
        check_chain(replay, message, &record);
        return;
    }
    saga->as_of = 0;
    prove(replay, message, &record, saga);
    if (!saga->state->forgotten && saga->state->status != SAGA_STATUS_NONE) return;
    replay->forgotten += saga->state->forgotten && saga->state->kind == SAGA_KIND_SAGA;
    free_replayed(replay, saga);
}

int64_t saga_replay_applied(const struct saga_replay *replay)
{
    return replay->applied;
}

void saga_replay_count(const struct saga_replay *replay, struct saga_replay_counts *ret)
{
    *ret =
        (struct saga_replay_counts){ .records = replay->records, .forgotten = replay->forgotten };
    for (const struct replayed *saga = replay->sagas; saga; saga = saga->hh.next) {
        if (saga->state->status == SAGA_STATUS_NONE)
            continue; /* left while its snapshot was taken */
        if (saga->state->kind != SAGA_KIND_SAGA) {
            ret->entries++;
            continue;
        }
        ret->sagas++;
        ret->by_status[saga->state->status]++;
    }
    memcpy(ret->differences, replay->differences, sizeof ret->differences);
}

/* ---- against Redis ---- */

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
        differ(replay, SAGA_DIFFERENCE_REDIS, -1, SAGA_SLICE_NONE,
               status.present ? "Redis belongs to another journal"
                              : "Redis has nothing of the lane");
    else
        differ(replay, SAGA_DIFFERENCE_REDIS, -1, SAGA_SLICE_NONE,
               "Redis stands at offset %lld, the journal at %lld", (long long)status.applied,
               (long long)replay->applied);
    return SAGA_OK;
}

/* Compares one saga with what Redis holds of it; returns whether it fits. Reports only when `final`. */
static bool compare_saga(struct saga_replay *replay, struct saga_slice id, struct saga_slice held,
                         bool final)
{
    struct saga_slice bytes;
    struct replayed *saga = find(replay, id);
    if (saga) saga->seen = true;
    if (!saga || saga->state->status == SAGA_STATUS_NONE) {
        if (held.data && final)
            differ(replay, SAGA_DIFFERENCE_REDIS, -1, id,
                   "Redis has a saga that the journal does not know");
        return !held.data;
    }
    if (saga_state_encode(replay->codec, saga->state, &replay->arena, &bytes) < 0) return false;
    if (held.data && saga_slice_equal(held, bytes)) return true;
    if (final)
        differ(replay, SAGA_DIFFERENCE_REDIS, -1, id, "%s",
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
    for (struct replayed *saga = replay->sagas; saga; saga = saga->hh.next) {
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
    for (struct replayed *saga = replay->sagas; saga; saga = saga->hh.next) saga->seen = false;
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
