/* A lane that this worker owns: where its journal and its Redis stand, and the states that are at hand.
 *
 * Working copies: the first event of a batch that touches a saga clones its clean state; the batch decides on
 * the clone. After a definite commit the clones become the clean states; after an abort they are dropped (R6). Redis is
 * told of clean states together for some batches (lane_store.c). */
#ifndef SAGA_RUNTIME_LANE_H
#define SAGA_RUNTIME_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/table.h"
#include "codec/codec.h"
#include "store/store.h"

/* A saga at hand. */
struct saga_resident {
    UT_hash_handle hh;
    struct saga_slice id;       /* owned */
    struct saga_state *clean;   /* as of the last committed batch; NULL: no such saga */
    struct saga_state *working; /* this batch's; NULL: not touched */
    struct saga_state *
        departed; /* the first that was forgotten in this batch, before a new run began in it; else NULL */
    int64_t *history; /* where the offsets of this batch's records will stand (batch's arena) */
    size_t history_count, history_capacity;
    size_t bytes; /* of memory, with the clean state's: for the cache's budget */
    bool foreign; /* its state was read, not decided here, and nobody has looked whether it fits */
    struct saga_resident *next_touched;
    /* Only while Redis has another state than the clean one: */
    bool is_unstored;
    struct saga_state *stored; /* what it has; NULL: no such saga */
    struct saga_state *left;   /* the run that it has, as it was forgotten meanwhile; else NULL */
    int64_t *unstored_history; /* offsets that it lacks (lane's arena) */
    size_t unstored_history_count, unstored_history_capacity;
    struct saga_resident *next_unstored;
};

/* The last snapshot of a lane (R12), as its marker says. */
struct saga_lane_marker {
    bool known;      /* it was looked for */
    bool present;    /* there is one; else the rest is 0 */
    bool distrusted; /* the snapshot does not fit the journal: nothing is built from it */
    char journal[33];
    uint32_t lanes;
    int64_t offset, series; /* in the journal */
    uint8_t chain[SAGA_SHA256_BYTES];
    int64_t time_ms;
    int64_t low, high; /* watermarks of saga.snapshots when it was looked for */
    int64_t since_ms;  /* monotonic: when it was taken, or found */
};

struct saga_lane {
    uint32_t number;
    bool ready; /* recovered: its events may be decided */
    bool
        distrusted; /* what Redis holds of it does not fit the journal: it is built anew from that */
    unsigned unfit_rebuilds; /* how often that was because of a state that did not fit; since the
                                lane is ours */
    bool deferred;    /* it takes long to recover: that goes on beside the batches of the others */
    char journal[33]; /* id of the journal: 32 hexadecimal digits */
    /* While the lane is built from a snapshot Redis has this instead of the journal's id, and instead of `applied` a
     * negative number that every apply lowers, so that nobody takes the lane for whole (R10, R11), and a Redis that went
     * back to an earlier part of the building is noticed; else empty. */
    char building[33];
    int64_t built; /* applies since the building began: no two states of it bear the same number */
    struct saga_lane_marker marker;
    int64_t position; /* journal offset behind the last committed record */
    int64_t applied;  /* as far as Redis was told: what lies between the two is at hand (R10) */
    uint8_t chain[SAGA_SHA256_BYTES];         /* after the last committed record */
    uint8_t applied_chain[SAGA_SHA256_BYTES]; /* at `applied` */
    uint8_t working_chain[SAGA_SHA256_BYTES]; /* after the last record of the batch in hand */
    int64_t time_ms;                          /* of its last batch: never goes back (R17) */
    int64_t next_due_ms;                      /* when its earliest timer rings */
    int64_t last_contact_ms;                  /* monotonic: when Redis last confirmed `applied` */
    bool apply_pending;                       /* the answer to the last apply is still to come */
    struct saga_resident *residents;          /* by id; least recently used first */
    size_t resident_bytes;
    size_t mean_bytes;             /* of the states that were read last; 0: none were */
    struct saga_resident *touched; /* in the order in which the batch touched them */
    struct saga_resident **touched_end;
    struct saga_state **passed; /* runs that began and were forgotten within the batch in hand */
    size_t passed_count, passed_capacity;
    struct saga_resident
        *unstored; /* what Redis is still to be told, in the order of first change */
    struct saga_resident **unstored_end;
    size_t unstored_count;
    size_t unstored_bytes;     /* of their states */
    int64_t unstored_since_ms; /* monotonic: when the first of them was published */
    int64_t unstored_due_ms;   /* the earliest of their timers */
    struct saga_arena unstored_arena;
    struct saga_operation_write *operations; /* what operators said meanwhile (unstored_arena) */
    size_t operation_count, operation_capacity;
    bool log_found; /* a snapshot said from where on, and Redis is to be told: */
    int64_t log_from, log_from_ms;
};

void saga_lane_init(struct saga_lane *lane, uint32_t number);
/* What Redis has as the lane's `applied`: it differs while the lane is being built. */
int64_t saga_lane_applied_in_redis(const struct saga_lane *lane);
/* Drops every state at hand. */
void saga_lane_clear(struct saga_lane *lane);

/* Awaits the answer to the lane's last apply, if one is under way. Errors: AGAIN, CONFLICT (recover). */
int saga_lane_settle(struct saga_lane *lane, struct saga_store *store);

/* The saga's place, made if there is none. Not loaded: see saga_lane_load. */
struct saga_resident *saga_lane_find(struct saga_lane *lane, struct saga_slice id);

/* Makes sure that the clean states of these sagas are at hand, reading what is missing from Redis at the lane's
 * watermark (R10). `room`: for so many bytes of them, as they are in memory; lowered by what was read; NULL: for all.
 * Errors: AGAIN, CONFLICT (recover the lane), INVALID with words (a state cannot be read), LIMIT (no room for the rest). */
int saga_lane_load(struct saga_lane *lane, struct saga_store *store, struct saga_codec *codec,
                   const struct saga_slice *ids, size_t count, size_t *room,
                   struct saga_arena *arena, struct saga_diagnostic *diagnostic);

/* The state to decide on; a new one where there is no such saga, or none any more. Touches the resident. */
struct saga_state *saga_lane_work_on(struct saga_lane *lane, struct saga_resident *resident);
/* Notes the offset of a journal record of this saga: it becomes part of its history when the batch is published. `arena` is
 * the batch's. */
void saga_lane_note_history(struct saga_resident *resident, struct saga_arena *arena,
                            int64_t offset);

/* An operator's command was journaled at that offset: Redis is to be told of it. Copies the entry (operations.h). */
void saga_lane_note_operation(struct saga_lane *lane, int64_t offset, int64_t time_ms,
                              struct saga_slice entry);
/* A snapshot has the log, or a part that begins later. */
void saga_lane_take_log(struct saga_lane *lane, const struct saga_lane_log *log);

/* What Redis is to be told of a saga that it does not have: all of its state, with its bytes; what it counts as is added to
 * `tally`. Slices live in `arena` and in what is given. For a rebuild, where nearly all are such, and a place at hand for each
 * would be made for nothing. */
struct saga_state_write saga_lane_write_fresh(struct saga_slice id, const struct saga_state *state,
                                              struct saga_slice bytes, struct saga_arena *arena,
                                              struct saga_tally *tally);
/* A state that comes from elsewhere becomes the working state, and is taken over; without one the saga leaves. For a
 * rebuild; nothing else may be under way in the lane. */
void saga_lane_put(struct saga_lane *lane, struct saga_resident *resident,
                   struct saga_state *state);

/* Before the commit, because nothing may fail after it: can every working state of the batch be encoded?
 * Errors: SAGA_E_LIMIT with the resident in `*ret_culprit`. */
int saga_lane_check(struct saga_lane *lane, struct saga_resident **ret_culprit);
/* The batch is committed: working copies become the clean states, and Redis is to be told of them. */
void saga_lane_publish(struct saga_lane *lane, int64_t monotonic_ms);
/* The batch is not committed: working copies are dropped. */
void saga_lane_abandon(struct saga_lane *lane);

/* ---- lane_store.c ---- */
/* What Redis is to be told: all that was published since the last apply; what that changes in counts and durations is added
 * to `tally`. Slices live in `arena` and the states. Errors: SAGA_E_LIMIT, of a state that does not come from a batch that was
 * checked. */
int saga_lane_writes(struct saga_lane *lane, struct saga_codec *codec, struct saga_arena *arena,
                     struct saga_tally *tally, struct saga_state_write **ret, size_t *ret_count);
/* Sends the lane's apply, up to where the lane stands. Its answer is awaited by saga_lane_settle. Whatever it is, the
 * journal is the truth. `tally`: what the writes count as; NULL: nothing. Errors: as of the store's apply. */
int saga_lane_apply(struct saga_lane *lane, struct saga_store *store, struct saga_slice owner,
                    int64_t now_ms, const struct saga_state_write *writes, size_t count,
                    const struct saga_tally *tally);
/* What was given by saga_lane_writes is on its way. */
void saga_lane_stored(struct saga_lane *lane);
/* Empties the list of what Redis is to be told; the residents are the caller's to look after. */
void saga_lane_none_unstored(struct saga_lane *lane);
/* Cuts the states at hand to `bytes_max`, the least recently used first; those that Redis lacks stay. */
void saga_lane_cut(struct saga_lane *lane, size_t bytes_max);
/* Drops one state; Redis must have it, or nothing of that saga. */
void saga_lane_drop(struct saga_lane *lane, struct saga_resident *resident);

#endif
