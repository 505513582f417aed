#include "runtime/audit_snapshots.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/table.h"

/* What the snapshots say last of a saga. */
struct snapped {
    UT_hash_handle hh;
    char journal[33];
    int64_t as_of, series;
    char *state; /* as the journal must give it; NULL: there is no such saga */
    size_t state_size;
    size_t id_size;
    char id[];
};

struct saga_audit_snapshots {
    struct saga_codec *codec;
    struct snapped *sagas;
    struct saga_marker marker; /* with texts below */
    char marker_journal[33];
    uint8_t marker_chain[SAGA_SHA256_BYTES];
    bool marked, marker_seen, ordered;
    struct snapped *next; /* to be looked at */
};

struct saga_audit_snapshots *saga_audit_snapshots_new(struct saga_codec *codec)
{
    struct saga_audit_snapshots *snapshots = saga_memory_zeroed(1, sizeof *snapshots);
    snapshots->codec = codec;
    return snapshots;
}

static void drop(struct saga_audit_snapshots *snapshots, struct snapped *saga)
{
    HASH_DEL(snapshots->sagas, saga);
    free(saga->state);
    free(saga);
}

void saga_audit_snapshots_free(struct saga_audit_snapshots *snapshots)
{
    struct snapped *saga, *next;
    if (!snapshots) return;
    HASH_ITER(hh, snapshots->sagas, saga, next) drop(snapshots, saga);
    free(snapshots);
}

static void keep(struct saga_audit_snapshots *snapshots, struct saga_slice id,
                 const struct saga_snapshot *snapshot)
{
    struct snapped *saga = saga_memory_zeroed(1, sizeof *saga + id.size);
    memcpy(saga->id, id.data, id.size);
    saga->id_size = id.size;
    saga->as_of = snapshot->as_of;
    saga->series = snapshot->series;
    struct saga_slice journal = saga_slice_clip(snapshot->journal, sizeof saga->journal - 1);
    memcpy(saga->journal, journal.data, journal.size);
    if (snapshot->state.data) {
        saga->state = saga_memory_take(snapshot->state.size);
        memcpy(saga->state, snapshot->state.data, snapshot->state.size);
        saga->state_size = snapshot->state.size;
    }
    HASH_ADD_KEYPTR(hh, snapshots->sagas, saga->id, saga->id_size, saga);
}

int saga_audit_snapshots_take(struct saga_audit_snapshots *snapshots,
                              const struct saga_message *message, struct saga_arena *arena,
                              struct saga_slice *ret_words)
{
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_snapshot snapshot;
    struct snapped *before;
    int error = SAGA_OK;
    if (saga_slice_equal(message->key, SAGA_MARKER_KEY)) {
        error = saga_marker_decode(snapshots->codec, message->value, arena, &snapshots->marker,
                                   &diagnostic);
        if (error == SAGA_OK) {
            snapshots->marked = true;
            memcpy(snapshots->marker_journal, snapshots->marker.journal.data,
                   sizeof snapshots->marker_journal - 1);
            error = saga_unhex(snapshots->marker.chain, snapshots->marker_chain,
                               sizeof snapshots->marker_chain);
        }
        *ret_words = diagnostic.what;
        return error;
    }
    if (saga_slice_equal(message->key, SAGA_LOG_KEY)) return SAGA_OK; /* is no state */
    HASH_FIND(hh, snapshots->sagas, message->key.data, message->key.size, before);
    if (before) drop(snapshots, before);
    if (!message->value.data) return SAGA_OK; /* it was forgotten */
    error = saga_snapshot_decode(snapshots->codec, message->value, arena, &snapshot, &diagnostic);
    if (error == SAGA_OK) keep(snapshots, message->key, &snapshot);
    *ret_words = diagnostic.what;
    return error;
}

static int by_offset(const struct snapped *a, const struct snapped *b)
{
    return (a->as_of > b->as_of) - (a->as_of < b->as_of);
}

/* NULL: it is as it must be. */
static const char *compare(struct saga_replay *replay, const struct snapped *saga,
                           struct saga_arena *arena)
{
    const struct saga_slice id = { saga->id, saga->id_size };
    struct saga_slice given;
    if (saga_replay_state_bytes(replay, id, arena, &given) < 0)
        return "the journal gives a state over the limit";
    if (!given.data && saga->state)
        return "the snapshots have a saga that the journal does not know";
    if (given.data && !saga->state) return "the snapshots know no such saga, but the journal does";
    if (saga_slice_equal(given, (struct saga_slice){ saga->state, saga->state_size })) return NULL;
    return "the snapshots have another state than the journal gives";
}

/* R12: up to where the marker stands, the snapshots have the states of all. */
static bool is_lacking(struct saga_slice id, void *context)
{
    const struct saga_audit_snapshots *snapshots = context;
    struct snapped *saga;
    HASH_FIND(hh, snapshots->sagas, id.data, id.size, saga);
    return !saga || saga->series != snapshots->marker.series ||
           strcmp(saga->journal, snapshots->marker_journal) != 0;
}

struct lacking {
    int64_t as_of;
    void (*report)(const struct saga_audit_snapshot_fault *fault, void *context);
    void *context;
};

static void tell_lacking(struct saga_slice id, void *context)
{
    const struct lacking *lacking = context;
    const struct saga_audit_snapshot_fault fault = {
        lacking->as_of, id,
        SAGA_SLICE(
            "the snapshots lack the saga: once the journal is cut, a lane that is built from "
            "them would not have it")
    };
    lacking->report(&fault, lacking->context);
}

void saga_audit_snapshots_end(struct saga_audit_snapshots *snapshots, struct saga_replay *replay,
                              void (*report)(const struct saga_audit_snapshot_fault *fault,
                                             void *context),
                              void *context)
{
    struct lacking lacking = { snapshots->marker.offset, report, context };
    saga_replay_visit_marked(replay, tell_lacking, &lacking);
}

static uint64_t check_marker(struct saga_audit_snapshots *snapshots, struct saga_replay *replay,
                             const uint8_t *chain, int64_t until,
                             void (*report)(const struct saga_audit_snapshot_fault *fault,
                                            void *context),
                             void *context)
{
    if (!snapshots->marked || snapshots->marker_seen || snapshots->marker.offset > until) return 0;
    snapshots->marker_seen = true;
    if (strcmp(snapshots->marker_journal, saga_replay_journal(replay)) != 0 || !chain) return 0;
    saga_replay_mark(replay, is_lacking, snapshots);
    if (memcmp(chain, snapshots->marker_chain, sizeof snapshots->marker_chain) == 0) return 1;
    const struct saga_audit_snapshot_fault fault = {
        snapshots->marker.offset, SAGA_SLICE_NONE,
        SAGA_SLICE("the snapshot's marker says another chain value than the journal has there")
    };
    report(&fault, context);
    return 0;
}

uint64_t saga_audit_snapshots_check(
    struct saga_audit_snapshots *snapshots, struct saga_replay *replay, const uint8_t *chain,
    int64_t until, struct saga_arena *arena,
    void (*report)(const struct saga_audit_snapshot_fault *fault, void *context), void *context)
{
    if (!snapshots->ordered) {
        HASH_SORT(snapshots->sagas, by_offset);
        snapshots->next = snapshots->sagas;
        snapshots->ordered = true;
    }
    uint64_t good = check_marker(snapshots, replay, chain, until, report, context);
    for (; snapshots->next && snapshots->next->as_of <= until;
         snapshots->next = snapshots->next->hh.next) {
        const struct snapped *saga = snapshots->next;
        bool counts = snapshots->marked && saga->series == snapshots->marker.series &&
                      strcmp(saga->journal, saga_replay_journal(replay)) == 0;
        if (!counts) continue; /* R12: of an earlier series, or of a journal that was before */
        const char *why = compare(replay, saga, arena);
        const struct saga_audit_snapshot_fault fault = { saga->as_of,
                                                         { saga->id, saga->id_size },
                                                         saga_slice_of(why) };
        if (why)
            report(&fault, context);
        else
            good++;
    }
    return good;
}
