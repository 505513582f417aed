/* The snapshots of a lane held against its journal: each state must be the one that the journal gives at its offset, and
 * the marker's chain value the chain's. */
#ifndef SAGA_RUNTIME_AUDIT_SNAPSHOTS_H
#define SAGA_RUNTIME_AUDIT_SNAPSHOTS_H

#include "runtime/replay.h"

struct saga_audit_snapshot_fault {
    int64_t as_of;             /* the journal's offset */
    struct saga_slice saga_id; /* absent: the marker's */
    struct saga_slice words;
};

struct saga_audit_snapshots;
struct saga_audit_snapshots *saga_audit_snapshots_new(struct saga_codec *codec);
void saga_audit_snapshots_free(struct saga_audit_snapshots *snapshots);

/* The next record of the lane's saga.snapshots. Errors: SAGA_E_INVALID, words in `arena`. */
int saga_audit_snapshots_take(struct saga_audit_snapshots *snapshots,
                              const struct saga_message *message, struct saga_arena *arena,
                              struct saga_slice *ret_words);
/* Looks at those whose offset is not behind `until`; the replay has taken what stands before it, and `chain` is the
 * value there (NULL: not known). Gives back how many are as they must be. Nothing is taken any more after the first call. */
uint64_t saga_audit_snapshots_check(
    struct saga_audit_snapshots *snapshots, struct saga_replay *replay, const uint8_t *chain,
    int64_t until, struct saga_arena *arena,
    void (*report)(const struct saga_audit_snapshot_fault *fault, void *context), void *context);
/* The journal is at its end. Tells which sagas the snapshots lack: that were there at the marker's offset, have not left since, and are
 * not in them. */
void saga_audit_snapshots_end(struct saga_audit_snapshots *snapshots, struct saga_replay *replay,
                              void (*report)(const struct saga_audit_snapshot_fault *fault,
                                             void *context),
                              void *context);

#endif
