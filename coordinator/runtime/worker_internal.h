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
#include "runtime/lane.h"
#include "runtime/log.h"
#include "runtime/worker.h"

/* Records that were read and are not done yet. A batch that must be decided again starts from here (R6). */
struct saga_retained {
    struct saga_bus_records records;
    size_t done;           /* the first of them that is still to be done */
    size_t window;         /* how many are taken at a time: halved after three aborts (R24) */
    unsigned aborts;       /* in a row, of this window */
    unsigned refusals;     /* those among them that a record of it is to blame for */
    bool last_is_poison;   /* the record alone in its window does it: it goes to the dead letters */
    int64_t not_before_ms; /* monotonic: when to try again */
    uint64_t definition_round; /* registry round to wait for; 0: none wanted */
};

enum saga_recovery_stage {
    SAGA_RECOVERY_PRODUCERS,
    SAGA_RECOVERY_OFFSETS,
    SAGA_RECOVERY_BEGINNINGS,
    SAGA_RECOVERY_LANE,
    SAGA_RECOVERY_FIRST_RECORD,
    SAGA_RECOVERY_JOURNAL,
    SAGA_RECOVERY_FETCH
};

struct saga_recovery {
    enum saga_recovery_stage stage;
    bool renew;                     /* the producers must be made anew first (R5) */
    size_t next;                    /* of the assigned partitions: whose lane is being recovered */
    int64_t low, high;              /* watermarks of the lane's journal */
    int64_t position;               /* of the reader */
    bool reading;                   /* a reader is open */
    bool from_redis;                /* the lane began with what Redis holds */
    struct saga_lane_status status; /* what Redis said; texts in `arena` */
    struct saga_arena arena;
    size_t records;        /* replayed, for the log */
    int64_t not_before_ms; /* monotonic: when to try again */
};

struct saga_worker {
    struct saga_worker_config config;
    struct saga_codec *codec;
    struct saga_catalog *catalog;
    size_t catalog_seen;
    bool subscribed;
    enum saga_worker_phase phase;
    struct saga_position *assigned; /* what this worker reads, with the offset of the next record */
    size_t assigned_count;
    struct saga_lane *lanes; /* all N; those that are not ours are not ready */
    struct saga_recovery recovery;
    struct saga_retained retained;
    struct saga_arena arena; /* a batch's */
    struct saga_clock_guard guard;
    int64_t time_ms; /* of the last batch (R17) */
    int64_t last_logged_ms, last_unexpected_ms;
    unsigned recoveries_in_row; /* since the last batch that was done */
    char problem[512];
};

#define SAGA_COUNT(worker, name, by)                                                               \
    atomic_fetch_add_explicit(&(worker)->config.counts->name, (unsigned long long)(by),            \
                              memory_order_relaxed)

void saga_worker_note(struct saga_worker *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int64_t saga_worker_monotonic(struct saga_worker *w);

/* Leaves `running`: working copies and caches go, nothing is fetched until the lanes are recovered again. `renew`: the
 * outcome of a commit is unknown (R5). */
void saga_worker_recover(struct saga_worker *w, bool renew);
/* Drops everything and waits for the next assignment (R6: fenced). */
void saga_worker_wait_for_assignment(struct saga_worker *w);
void saga_retained_drop(struct saga_worker *w);

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

/* ---- batch.c ---- */
/* Decides and commits the next window of what is retained, and the timers that are due. SAGA_OK when it is done (or
 * there was nothing to do); any other: what saga_transact or the store said, and nothing has happened. */
int saga_batch_run(struct saga_worker *w);
/* When the earliest timer of all lanes rings. */
int64_t saga_worker_next_due(const struct saga_worker *w);

/* ---- recovery.c ---- */
void saga_recovery_begin(struct saga_worker *w, bool renew);
/* The next bounded piece. SAGA_OK: go on at once; AGAIN: later; INVALID: a lane was left out, whose journal cannot be
 * believed; FENCED, STOP as usual. Sets the phase to running at the end. */
int saga_recovery_step(struct saga_worker *w);
void saga_recovery_end(struct saga_worker *w);

#endif
