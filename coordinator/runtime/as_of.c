#include "runtime/as_of.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/table.h"
#include "engine/engine.h"
#include "runtime/resting.h"

struct as_of_saga {
    UT_hash_handle hh;
    struct saga_resting
        at; /* its state, at rest when it has ended; nothing: there is none, or it is not known */
    struct saga_slice
        snapshot; /* a state as bytes, which contains all records before `snapshot_at`; absent: none */
    int64_t snapshot_at, series, snapshot_started_ms;
    bool lost; /* it is there, and its records are not */
    /* since the mark */
    bool touched, was_unknown;
    struct saga_state *before; /* NULL: it was not there */
    size_t id_size;
    char id[];
};

struct saga_as_of {
    struct saga_codec *codec;
    struct saga_arena arena; /* a record's */
    struct saga_slice only;
    struct saga_as_of_moment moment;
    struct as_of_saga *sagas;
    bool has_marker, marked;
    int64_t marker_at, series; /* of the lane's last snapshot */
    int64_t position;          /* behind the last record taken; 0: none */
    int64_t last_ms;           /* of it */
    uint64_t records, unreadable;
};

void saga_as_of_new(struct saga_codec *codec, struct saga_slice only, struct saga_as_of **ret)
{
    struct saga_as_of *a = saga_memory_zeroed(1, sizeof *a);
    a->codec = codec;
    a->only = only;
    a->moment = (struct saga_as_of_moment){ INT64_MAX, INT64_MAX };
    a->last_ms = INT64_MIN;
    saga_arena_init(&a->arena);
    *ret = a;
}

static void free_bytes(struct saga_slice *bytes)
{
    free((char *)(uintptr_t)bytes->data);
    *bytes = SAGA_SLICE_NONE;
}

static struct saga_slice copy_bytes(struct saga_slice bytes)
{
    return (struct saga_slice){ memcpy(saga_memory_take(bytes.size), bytes.data, bytes.size),
                                bytes.size };
}

static void drop(struct saga_as_of *a, struct as_of_saga *saga)
{
    HASH_DEL(a->sagas, saga);
    saga_resting_set(&saga->at, NULL);
    free_bytes(&saga->snapshot);
    saga_state_free(saga->before);
    free(saga);
}

void saga_as_of_free(struct saga_as_of *a)
{
    struct as_of_saga *saga, *next;
    if (!a) return;
    HASH_ITER(hh, a->sagas, saga, next) drop(a, saga);
    saga_arena_free(&a->arena);
    free(a);
}

static struct as_of_saga *find(const struct saga_as_of *a, struct saga_slice id)
{
    struct as_of_saga *saga;
    HASH_FIND(hh, a->sagas, id.data, id.size, saga);
    return saga;
}

static struct as_of_saga *find_or_add(struct saga_as_of *a, struct saga_slice id)
{
    struct as_of_saga *saga = find(a, id);
    if (saga) return saga;
    saga = saga_memory_zeroed(1, sizeof *saga + id.size);
    memcpy(saga->id, id.data, id.size);
    saga->id_size = id.size;
    HASH_ADD_KEYPTR(hh, a->sagas, saga->id, saga->id_size, saga);
    return saga;
}

static bool is_wanted(const struct saga_as_of *a, struct saga_slice id)
{
    return a->only.size == 0 || saga_slice_equal(a->only, id);
}

/* ---- snapshots ---- */

static void take_marker(struct saga_as_of *a, const struct saga_message *message)
{
    struct saga_marker marker;
    struct saga_diagnostic ignored = { 0 };
    if (saga_marker_decode(a->codec, message->value, &a->arena, &marker, &ignored) < 0) return;
    a->has_marker = true;
    a->marker_at = marker.offset;
    a->series = marker.series;
}

void saga_as_of_snapshot(struct saga_as_of *a, const struct saga_message *message)
{
    struct saga_snapshot snapshot = { 0 };
    struct saga_diagnostic ignored = { 0 };
    struct saga_state *state = NULL;
    saga_arena_reset(&a->arena);
    if (saga_slice_equal(message->key, SAGA_MARKER_KEY)) {
        take_marker(a, message);
        return;
    }
    if (saga_slice_equal(message->key, SAGA_LOG_KEY) || !is_wanted(a, message->key)) return;
    struct as_of_saga *saga = find(a, message->key);
    if (saga) drop(a, saga);
    /* one that cannot be read is as if it were not there: its saga is then unknown */
    if (!message->value.data ||
        saga_snapshot_decode(a->codec, message->value, &a->arena, &snapshot, &ignored) < 0 ||
        !snapshot.state.data ||
        saga_state_decode(a->codec, snapshot.state, &a->arena, &state, &ignored) < 0)
        return;
    saga = find_or_add(a, message->key);
    saga->snapshot = copy_bytes(snapshot.state);
    saga->snapshot_at = snapshot.as_of;
    saga->series = snapshot.series;
    saga->snapshot_started_ms = state->started_ms;
    saga_state_free(state);
}

bool saga_as_of_begin(struct saga_as_of *a, int64_t low)
{
    struct as_of_saga *saga, *next;
    bool whole = a->has_marker && a->marker_at >= low; /* R12 */
    HASH_ITER(hh, a->sagas, saga, next)
    {
        if (!whole || saga->series != a->series) drop(a, saga);
    }
    return whole;
}

/* ---- one record ---- */

void saga_as_of_set(struct saga_as_of *a, struct saga_as_of_moment moment)
{
    a->moment = moment;
}

static bool begins(const struct saga_journal_record *record)
{
    if (record->sequence != 1 || record->fact_count == 0) return false;
    enum saga_fact_kind kind = record->facts[0].kind;
    return kind == SAGA_FACT_SAGA_STARTED || kind == SAGA_FACT_ENTRY_STARTED;
}

static bool is_known(const struct as_of_saga *saga)
{
    return saga->at.state || saga->at.bytes.data;
}

/* NULL: they are none. */
static struct saga_state *read_state(struct saga_as_of *a, struct saga_slice bytes)
{
    struct saga_state *state = NULL;
    struct saga_diagnostic ignored = { 0 };
    return saga_state_decode(a->codec, bytes, &a->arena, &state, &ignored) < 0 ? NULL : state;
}

/* Bytes that have been read before. */
static struct saga_state *decode(struct saga_as_of *a, struct saga_slice bytes)
{
    struct saga_state *state = read_state(a, bytes);
    SAGA_ASSERT(state);
    return state;
}

static void lose(struct as_of_saga *saga)
{
    saga_resting_set(&saga->at, NULL);
    saga->lost = true;
}

/* A journal that was changed may have facts that add up to no state: then the saga is not known. */
static void rest(struct saga_as_of *a, struct as_of_saga *saga)
{
    if (!saga->at.state || !saga_status_has_ended(saga->at.state->status)) return;
    saga_state_free(saga_resting_lay(&saga->at, a->codec, &a->arena));
    if (!saga->at.bytes.data) return;
    struct saga_state *state = read_state(a, saga->at.bytes);
    if (!state) lose(saga);
    saga_state_free(state);
}

static void rouse(struct saga_as_of *a, struct as_of_saga *saga)
{
    if (saga->at.bytes.data) saga_resting_set(&saga->at, decode(a, saga->at.bytes));
}

/* The time of the moment; of a place before which there is no record, whenever. */
static int64_t moment_ms(const struct saga_as_of *a)
{
    if (a->moment.time_ms != INT64_MAX) return a->moment.time_ms;
    return a->last_ms == INT64_MIN ? INT64_MAX : a->last_ms;
}

static bool is_unknown(const struct saga_as_of *a, const struct as_of_saga *saga)
{
    if (is_known(saga)) return false;
    if (saga->lost) return true;
    /* the snapshot is of later than the moment; a saga that began behind it was not there yet */
    return saga->snapshot.data && saga->snapshot_started_ms <= moment_ms(a);
}

/* The snapshot's state is the saga's from where it was taken until its next record. */
static void take_snapshot(struct saga_as_of *a, struct as_of_saga *saga, int64_t position)
{
    if (is_known(saga) || !saga->snapshot.data || saga->snapshot_at > position) return;
    saga_resting_set(&saga->at, decode(a, saga->snapshot));
    free_bytes(&saga->snapshot);
    saga->lost = false;
}

/* What the saga was at the mark is kept before anything else becomes of it. */
static void touch(const struct saga_as_of *a, struct as_of_saga *saga)
{
    if (!a->marked || saga->touched) return;
    saga->touched = true;
    saga->before = saga->at.state ? saga_state_clone(saga->at.state) : NULL;
}

static bool evolve(struct saga_state *state, const struct saga_journal_record *record)
{
    saga_evolve_begin(state, &record->cause);
    if (state->sequence != record->sequence) return false;
    for (size_t i = 0; i < record->fact_count; i++)
        if (saga_evolve(state, &record->facts[i]) < 0) return false;
    return state->status != SAGA_STATUS_NONE;
}

static void take_facts(struct saga_as_of *a, struct as_of_saga *saga,
                       const struct saga_journal_record *record)
{
    if (begins(record)) {
        free_bytes(&saga->snapshot);
        saga_resting_set(&saga->at, saga_state_new());
        saga->lost = false;
    }
    bool forgotten = false;
    for (size_t i = 0; i < record->fact_count; i++)
        forgotten |= record->facts[i].kind == SAGA_FACT_SAGA_FORGOTTEN;
    if (!saga->at.state || !evolve(saga->at.state, record)) lose(saga);
    if (!forgotten) {
        rest(a, saga);
        return;
    }
    saga_resting_set(&saga->at, NULL);
    saga->lost = false;
    if (!saga->touched && !saga->snapshot.data) drop(a, saga);
}

bool saga_as_of_record(struct saga_as_of *a, const struct saga_message *message)
{
    struct saga_journal_record record;
    struct saga_diagnostic ignored = { 0 };
    saga_arena_reset(&a->arena);
    if (message->offset > a->moment.offset) return false;
    bool readable =
        saga_journal_decode(a->codec, message->value, &a->arena, &record, &ignored) == SAGA_OK;
    if (readable && record.cause.time_ms > a->moment.time_ms) return false;
    a->records++;
    a->unreadable += !readable;
    a->position = message->offset + 1;
    if (!readable) return true;
    a->last_ms = record.cause.time_ms;
    if (record.cause.kind == SAGA_EVENT_LANE || !is_wanted(a, record.saga_id)) return true;
    struct as_of_saga *saga = find_or_add(a, record.saga_id);
    bool begun = begins(&record);
    rouse(a, saga);
    if (!begun) take_snapshot(a, saga, message->offset);
    if (a->marked && !begun && !saga->at.state) saga->was_unknown = true;
    touch(a, saga);
    take_facts(a, saga, &record);
    return true;
}

void saga_as_of_stand(struct saga_as_of *a)
{
    for (struct as_of_saga *saga = a->sagas; saga; saga = saga->hh.next) {
        saga_arena_reset(&a->arena);
        take_snapshot(a, saga, a->position);
        rest(a, saga);
    }
}

/* ---- what is asked ---- */

void saga_as_of_count(const struct saga_as_of *a, struct saga_as_of_counts *ret)
{
    *ret = (struct saga_as_of_counts){ .records = a->records, .unreadable = a->unreadable };
    for (const struct as_of_saga *saga = a->sagas; saga; saga = saga->hh.next) {
        struct saga_slice id = { saga->id, saga->id_size };
        if (!saga_id_is_entry(id)) ret->unknown += saga->was_unknown || is_unknown(a, saga);
        if (!is_known(saga)) continue;
        if (saga->at.state && saga->at.state->kind != SAGA_KIND_SAGA) {
            ret->entries++;
            continue;
        }
        ret->sagas++;
        ret->by_status[saga_resting_status(&saga->at)]++;
    }
}

int64_t saga_as_of_time(const struct saga_as_of *a)
{
    return a->last_ms;
}

struct saga_state *saga_as_of_find(struct saga_as_of *a, struct saga_slice saga_id,
                                   bool *ret_unknown)
{
    const struct as_of_saga *saga = find(a, saga_id);
    *ret_unknown = saga && (saga->was_unknown || is_unknown(a, saga));
    if (!saga || !is_known(saga)) return NULL;
    saga_arena_reset(&a->arena);
    return saga->at.state ? saga_state_clone(saga->at.state) : decode(a, saga->at.bytes);
}

void saga_as_of_each(struct saga_as_of *a,
                     void (*visit)(const struct saga_state *state, void *context), void *context)
{
    for (const struct as_of_saga *saga = a->sagas; saga; saga = saga->hh.next) {
        if (saga->at.state && saga->at.state->kind == SAGA_KIND_SAGA)
            visit(saga->at.state, context);
        if (!saga->at.bytes.data) continue;
        saga_arena_reset(&a->arena);
        struct saga_state *state = decode(a, saga->at.bytes);
        visit(state, context);
        saga_state_free(state);
    }
}

void saga_as_of_mark(struct saga_as_of *a)
{
    SAGA_ASSERT(!a->marked);
    saga_as_of_stand(a);
    for (struct as_of_saga *saga = a->sagas; saga; saga = saga->hh.next)
        saga->was_unknown = is_unknown(a, saga);
    a->marked = true;
}

void saga_as_of_changes(struct saga_as_of *a,
                        void (*visit)(const struct saga_state *before,
                                      const struct saga_state *after, void *context),
                        void *context)
{
    for (struct as_of_saga *saga = a->sagas; saga; saga = saga->hh.next) {
        if (!saga->touched || saga->was_unknown || saga->lost) continue;
        saga_arena_reset(&a->arena);
        rouse(a, saga);
        const struct saga_state *any = saga->at.state ? saga->at.state : saga->before;
        if (any && any->kind == SAGA_KIND_SAGA) visit(saga->before, saga->at.state, context);
    }
}
