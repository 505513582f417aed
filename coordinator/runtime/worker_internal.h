/* What worker.c, batch.c, transaction.c and recovery.c share. */
#ifndef SAGA_RUNTIME_WORKER_INTERNAL_H
#define SAGA_RUNTIME_WORKER_INTERNAL_H

#include "base/assert.h"
#include "base/error.h"
#include "codec/codec.h"
#include "codec/message.h"
#include "definition/catalog.h"
#include "engine/engine.h"
#include "runtime/intake.h"
#include "runtime/keyring.h"
#include "runtime/lane.h"
#include "runtime/log.h"
#include "runtime/worker.h"

/* Records that were read and are not done yet. A batch that must be decided again starts from here (R6). */
struct saga_retained {
    struct saga_bus_records records;
    size_t done;           /* the first of them that is still to be done */
    unsigned aborts;       /* in a row */
    bool last_is_poison;   /* the record at `done` does it: it goes to the dead letters (R24) */
    int64_t not_before_ms; /* monotonic: when to try again */
};

/* How many records, or alarms, a batch takes at most (R24). */
struct saga_window {
    size_t size;
    unsigned refusals;         /* in a row, of what is in it */
    int64_t small_until_ms;    /* monotonic: its states were too many bytes; 0: they were not */
    uint64_t definition_round; /* registry round that what is in it waits for; 0: none (R19) */
};

/* An alarm that waits, because what it leads to was refused. */
enum { SAGA_SKIPPED_MAX = 16 };
struct saga_skipped {
    uint64_t alarm;
    int64_t until_ms; /* monotonic */
};

/* The search for a lane's last marker: from the end of saga.snapshots backwards, further each time. */
struct saga_marker_search {
    bool begun;
    int64_t low, high; /* watermarks of saga.snapshots */
    int64_t window;    /* records before the end that are looked at */
};

enum saga_recovery_stage {
    SAGA_RECOVERY_PRODUCERS,
    SAGA_RECOVERY_OFFSETS,
    SAGA_RECOVERY_BEGINNINGS,
    SAGA_RECOVERY_LANE,
    SAGA_RECOVERY_FIRST_RECORD,
    SAGA_RECOVERY_MARKER,
    SAGA_RECOVERY_SNAPSHOT,
    SAGA_RECOVERY_JOURNAL,
    SAGA_RECOVERY_KEYS,
    SAGA_RECOVERY_FETCH,
    SAGA_RECOVERY_DONE
};

/* A state out of a snapshot that contains more of the journal than its marker says. */
struct saga_ahead {
    UT_hash_handle hh;
    struct saga_slice id; /* in the rebuild's arena */
    int64_t as_of;
};

/* Building a lane from its snapshot (R11). */
struct saga_rebuild {
    struct saga_arena arena; /* as long as the rebuild */
    struct saga_ahead *ahead;
    uint64_t *filter; /* bits: which sagas are in Redis already, perhaps a few more */
    uint64_t filter_bits;
    int64_t begun_ms, told_ms; /* monotonic */
    size_t states;             /* loaded, for the log */
};

struct saga_recovery {
    enum saga_recovery_stage stage;
    bool renew;        /* the producers must be made anew first (R5) */
    size_t next;       /* of the assigned partitions: whose lane is being recovered */
    int64_t low, high; /* watermarks of the lane's journal */
    int64_t first;     /* offset of the journal's opening record; -1: it is gone (R12) */
    uint8_t first_chain[SAGA_SHA256_BYTES];
    int64_t keys_low, keys_high; /* watermarks of the lane's saga.keys */
    int64_t keys_begun_ms;       /* monotonic */
    bool beside;                 /* the other lanes are at work: these were deferred */
    bool from_redis;             /* the lane began with what Redis holds */
    struct saga_marker_search search;
    struct saga_rebuild rebuild;
    struct saga_lane_status status; /* what Redis said; texts in `arena` */
    struct saga_arena arena;
    size_t records;        /* replayed, for the log */
    int64_t not_before_ms; /* monotonic: when to try again */
};

/* ---- snapshots (R12) ---- */

enum saga_snapshot_stage {
    SAGA_SNAPSHOT_REST, /* no lane is due */
    SAGA_SNAPSHOT_FIND, /* looks for the lane's last marker */
    SAGA_SNAPSHOT_SCAN, /* reads the journal behind it: whose states have changed? */
    SAGA_SNAPSHOT_LIST, /* the journal was cut behind it: all sagas that Redis has */
    SAGA_SNAPSHOT_WRITE
};

/* A saga that the snapshot in hand must hold. */
struct saga_changed {
    UT_hash_handle hh;
    struct saga_slice id; /* in the snapshot's arena */
    bool forgotten;       /* by its last record before the new marker */
    bool leaves;          /* and is gone indeed: a tombstone */
};

/* The snapshot in hand, of one lane at a time. */
struct saga_snapshots {
    enum saga_snapshot_stage stage;
    uint32_t lane;
    struct saga_marker_search search;
    struct saga_lane_marker marker; /* that it will end with */
    bool whole;                     /* of all sagas of the lane: it begins a series */
    bool listing;                   /* and not all of them are written */
    bool acted;                     /* operators said something since the last one */
    size_t mean_bytes;              /* of the states that were written last; 0: none were */
    struct saga_scan scan;
    struct saga_arena arena;
    struct saga_changed *changed, *next; /* all; the first that is not written yet */
    int64_t not_before_ms;               /* monotonic */
};

struct saga_worker {
    struct saga_worker_config config;
    struct saga_codec *codec;
    struct saga_catalog *catalog;
    struct saga_schemas *schemas; /* the share in use, by the catalog too; NULL: there are none */
    size_t catalog_seen;
    uint64_t catalog_rounds; /* of the registry, that the catalog has */
    size_t subscribed;       /* topics; 0: not in the group yet */
    enum saga_worker_phase phase;
    struct saga_position *assigned; /* what this worker reads, with the offset of the next record */
    size_t assigned_count;
    uint32_t own_lanes;      /* how many of them are inboxes */
    struct saga_lane *lanes; /* all N; those that are not ours are not ready */
    struct saga_keyring *
        *keyrings; /* of the lanes: keys of the runs that stand there; NULL: none */
    struct saga_recovery recovery;
    struct saga_snapshots snapshots;
    bool reading;     /* the bus's reader is open */
    int64_t position; /* where it stands */
    struct saga_retained retained;
    struct saga_window record_window, alarm_window;
    size_t taken_records, taken_alarms; /* by the last batch */
    uint64_t last_alarm;                /* fingerprint of one of those */
    bool alarms_turn;                   /* while records and alarms are taken apart */
    struct saga_skipped skipped[SAGA_SKIPPED_MAX];
    size_t skipped_next;
    struct saga_arena arena; /* a batch's */
    struct saga_clock_guard guard;
    int64_t time_ms; /* of the last batch (R17) */
    int64_t last_logged_ms, last_unexpected_ms, last_untyped_ms, last_snapshot_log_ms,
        last_sealed_ms, last_unfit_ms, last_foreign_ms;
    int64_t anchors_due_ms;     /* monotonic: when to say again where the lanes stand */
    unsigned recoveries_in_row; /* since the last batch that was done */
    char problem[512];
};

#define SAGA_COUNT(worker, name, by)                                                               \
    atomic_fetch_add_explicit(&(worker)->config.counts->name, (unsigned long long)(by),            \
                              memory_order_relaxed)

/* From here on bodies are read and written by the schemas that are in force now. */
void saga_worker_take_schemas(struct saga_worker *w);
void saga_worker_note(struct saga_worker *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int64_t saga_worker_monotonic(struct saga_worker *w);

/* Leaves `running`: working copies and caches go, nothing is fetched until the lanes are recovered again. `renew`: the
 * outcome of a commit is unknown (R5). */
void saga_worker_recover(struct saga_worker *w, bool renew);
/* Drops everything and waits for the next assignment (R6: fenced). */
void saga_worker_wait_for_assignment(struct saga_worker *w);
void saga_retained_drop(struct saga_worker *w);

/* Opens the bus's reader at `offset` of the lane's partition of a topic, and closes it. Errors: as reader_open, noted. */
int saga_worker_read_from(struct saga_worker *w, struct saga_slice topic, uint32_t lane,
                          int64_t offset);
void saga_worker_end_reading(struct saga_worker *w);
/* Its next records, and where it stands then in w->position. Errors: as reader_read, noted. */
int saga_worker_read(struct saga_worker *w, size_t max, struct saga_bus_records *ret);

/* ---- journal_reading.c ---- */
/* The same of a journal, without the records that are none of it: these are counted and logged (R8). There may be none left
 * although w->position has moved on. */
int saga_worker_read_journal(struct saga_worker *w, size_t max, struct saga_bus_records *ret);

/* ---- storing.c ---- */
/* Tells Redis all that the lane has committed, and `more`; cuts the lane's cache to its share. Its arena is the worker's.
 * `tally`: what `more` counts as; NULL: nothing. Errors: as of saga_lane_writes and saga_lane_apply, noted. */
int saga_worker_store(struct saga_worker *w, struct saga_lane *lane,
                      const struct saga_state_write *more, size_t more_count,
                      struct saga_tally *tally);
/* Is it enough, or long enough ago? */
bool saga_worker_store_is_due(struct saga_worker *w, const struct saga_lane *lane);
bool saga_worker_has_unstored(const struct saga_worker *w);
/* Of all lanes. Errors: SAGA_E_CONFLICT, recover. */
int saga_worker_store_all(struct saga_worker *w);

/* ---- transaction.c ---- */
struct saga_outgoing {
    struct saga_message message;
    int64_t *offset; /* where its offset goes, or NULL */
};
/* R2, R3: one transaction with these records and these positions, in the right order. On any error it has been
 * aborted, unless the error is RECOVER or STOP. */
int saga_transact(struct saga_worker *w, const struct saga_outgoing *outgoing,
                  size_t outgoing_count, const struct saga_position *positions,
                  size_t position_count);

/* ---- refusal.c (R24) ---- */
void saga_refusals_init(struct saga_worker *w);
/* Are records and alarms to be taken apart? */
bool saga_refusals_suspected(const struct saga_worker *w);
/* The last batch was refused for what it holds; it was committed, or there was nothing to take. */
void saga_refusals_note(struct saga_worker *w);
void saga_refusals_end(struct saga_worker *w);
/* Its states were too many bytes: it is to be made smaller, and the next ones for a while. */
void saga_refusals_too_large(struct saga_worker *w);
uint64_t saga_alarm_fingerprint(const struct saga_due_timer *alarm, struct saga_arena *arena);
/* For how long the alarm is still to wait; 0: it need not. */
int64_t saga_alarm_skipped_ms(struct saga_worker *w, uint64_t alarm);

/* ---- batch.c ---- */
/* Decides and commits the next window of what is retained, and the timers that are due. SAGA_OK when it is done (or
 * there was nothing to do); LIMIT: there is no room for its states; any other: what saga_transact or the store said. Nothing has
 * happened then. */
int saga_batch_run(struct saga_worker *w);
/* When the earliest timer of all lanes rings. */
int64_t saga_worker_next_due(const struct saga_worker *w);

/* ---- marker.c (R12) ---- */
/* The next piece of a search, which begins as { 0 }. When `*ret_done`, the lane's marker is known. Errors: as reading. */
int saga_marker_find(struct saga_worker *w, struct saga_lane *lane,
                     struct saga_marker_search *search, bool *ret_done);

/* ---- keys.c ---- */
/* Forgets the keys of a lane. */
void saga_keys_drop(struct saga_worker *w, const struct saga_lane *lane);
/* A batch ends, its working copies are still there: of the sagas that it touched the keys of those runs stay that stand then.
 * The key of a run that left goes, and of one that began in a batch that is not committed. */
void saga_keys_keep(struct saga_worker *w, const struct saga_lane *lane, bool committed);
/* The keys of a lane, made where there are none. */
struct saga_keyring *saga_keys_of_lane(struct saga_worker *w, const struct saga_lane *lane);

/* ---- snapshot.c (R12) ---- */
/* The next piece of a snapshot, when one is due: little, and seldom, so that batches hardly wait for it. Errors: as
 * saga_batch_run. */
int saga_snapshots_step(struct saga_worker *w);
/* What is in hand is dropped: the lanes are not ours any more, or not ready. */
void saga_snapshots_drop(struct saga_worker *w);

/* ---- recovery.c ---- */
void saga_recovery_begin(struct saga_worker *w, bool renew);
/* The next bounded piece. SAGA_OK: go on at once; AGAIN: later; INVALID: a lane was left out, whose journal cannot be
 * believed; FENCED, STOP as usual. Sets the phase to running when all lanes are ready but those that take long; these go
 * on to be recovered by further calls, until saga_recovery_is_done. */
int saga_recovery_step(struct saga_worker *w);
bool saga_recovery_is_done(const struct saga_worker *w);
void saga_recovery_end(struct saga_worker *w);

#endif
