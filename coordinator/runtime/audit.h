/* Proving a lane, record by record, all that there is to prove: the replay's proof (replay.h), what became of its hash
 * chain where that is broken (chain.h), signed anchors (anchor.h), and snapshots against the journal. The records come
 * from Kafka or from an export; it may be a part of the lane's journal. */
#ifndef SAGA_RUNTIME_AUDIT_H
#define SAGA_RUNTIME_AUDIT_H

#include "runtime/anchors.h"
#include "runtime/replay.h"

struct saga_audit_config {
    struct saga_codec *codec;
    struct saga_catalog *catalog;
    uint32_t lane;
    uint32_t lanes;                     /* of the journal */
    const struct saga_anchors *anchors; /* NULL: none are to be looked at */
    /* as in replay.h */
    void (*report)(const struct saga_difference *difference, void *context);
    void *context;
};

struct saga_audit_counts {
    uint64_t records;
    uint64_t differences;
    uint64_t snapshots;       /* states in the snapshots that the journal gives too */
    uint64_t anchors_held;    /* anchors whose record is there with that chain value */
    uint64_t anchors_outside; /* whose record is not in this part of the journal */
    uint64_t
        anchors_behind; /* whose record is as it was, but behind a break of the chain: they prove nothing */
    int64_t anchored; /* offset of the last record under an anchor that holds; -1: none */
};

struct saga_audit;
/* Codec, catalog and anchors are the caller's, and belong to its thread. */
struct saga_audit *saga_audit_new(const struct saga_audit_config *config);
void saga_audit_free(struct saga_audit *audit);
/* What is proved with: for what it gives beside records (snapshots of a journal that was cut, Redis). The audit's. */
struct saga_replay *saga_audit_replay(struct saga_audit *audit);

/* A record of the lane's saga.snapshots, in order, to be held against the journal, which must be read from its first
 * record on. Before the first saga_audit_record. */
void saga_audit_snapshot(struct saga_audit *audit, const struct saga_message *message);

/* What was before the next record is not here. `chain`: the chain's value before it, NULL: not known, so that the next
 * record itself is not proved to be the one. */
void saga_audit_leave_out(struct saga_audit *audit, const uint8_t chain[SAGA_SHA256_BYTES]);
/* The replay begins with a snapshot (saga_replay_begin) at this offset: records before it are checked for the chain
 * alone. */
void saga_audit_begin_at(struct saga_audit *audit, int64_t offset);

/* Takes the next record, in order. */
void saga_audit_record(struct saga_audit *audit, const struct saga_message *message);
/* There are no more. `to_end`: here the journal ends, too. */
void saga_audit_end(struct saga_audit *audit, bool to_end);

/* The chain's value behind the last record; NULL: not known. */
const uint8_t *saga_audit_chain(const struct saga_audit *audit);
void saga_audit_count(const struct saga_audit *audit, struct saga_audit_counts *ret);

#endif
