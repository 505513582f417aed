/* What recovery.c (the stages), rebuild.c (loading a snapshot), catch_up.c (replaying the journal) and keys.c share. */
#ifndef SAGA_RUNTIME_RECOVERY_INTERNAL_H
#define SAGA_RUNTIME_RECOVERY_INTERNAL_H

#include "runtime/worker_internal.h"

enum { SAGA_RECOVERY_CALL_MS = 1000, SAGA_RECOVERY_CHUNK = 1000 };

/* All of these return the error that they are given, unless they say otherwise. */

/* Tries again a little later. */
int saga_recovery_again(struct saga_worker *w, int error);
/* Whatever went wrong with the lane in hand: it is looked at from the beginning, since what was learned may be over. */
int saga_recovery_lane_again(struct saga_worker *w, int error);
/* The same for an error of the store, whose words are noted. */
int saga_recovery_store_error(struct saga_worker *w, const struct saga_lane *lane, int error);
/* What was read does not follow on what is there. If that came from Redis or from a snapshot, the lane is built without
 * it; if the journal itself cannot be believed, the lane waits for an operator and the others go on. Returns AGAIN or
 * INVALID. */
int saga_recovery_damaged(struct saga_worker *w, struct saga_lane *lane, int64_t offset,
                          struct saga_slice words);
/* True: the lane has so many records to read that it was put off, and the next one's turn has come. */
bool saga_recovery_put_off(struct saga_worker *w, struct saga_lane *lane, int64_t records);
/* The lane is ready. */
void saga_recovery_lane_done(struct saga_worker *w, struct saga_lane *lane);
/* Empties the lane in Redis and opens it at `applied` with the chain that it has. */
int saga_recovery_reset_lane(struct saga_worker *w, struct saga_lane *lane, int64_t applied);

/* ---- rebuild.c ---- */
/* Begins to build the lane from the snapshot that its marker names. */
int saga_rebuild_begin(struct saga_worker *w, struct saga_lane *lane);
/* The next piece of the snapshot. */
int saga_rebuild_step(struct saga_worker *w, struct saga_lane *lane);
/* Does the snapshot contain this record of the saga already? */
bool saga_rebuild_contains(const struct saga_worker *w, struct saga_slice saga_id, int64_t offset);
/* The journal behind it is replayed too: the lane is whole. */
int saga_rebuild_end(struct saga_worker *w, struct saga_lane *lane);
void saga_rebuild_drop(struct saga_worker *w);
/* How far a long recovery is, now and then. `done` of `all` records. */
void saga_recovery_tell(struct saga_worker *w, const struct saga_lane *lane, const char *what,
                        int64_t done, int64_t all);

/* ---- keys.c ---- */
/* Reads the keys of the runs that stand in the lane, which is whole; with them it is ready. */
int saga_keys_begin(struct saga_worker *w, struct saga_lane *lane);
int saga_keys_step(struct saga_worker *w, struct saga_lane *lane);

/* ---- catch_up.c ---- */
/* The next piece of the journal behind what the lane has. */
int saga_catch_up_step(struct saga_worker *w, struct saga_lane *lane);

#endif
