/* Replaying one lane's journal in memory, and proving it: sequences are unbroken, the hash chain holds, deciding again
 * from the causes gives the recorded facts, and evolving the facts gives the states that Redis holds. */
#ifndef SAGA_RUNTIME_REPLAY_H
#define SAGA_RUNTIME_REPLAY_H

#include "base/message.h"
#include "codec/codec.h"
#include "definition/catalog.h"
#include "runtime/keyring.h"
#include "store/views.h"

enum saga_difference_kind {
    SAGA_DIFFERENCE_UNREADABLE, /* a record that is none of ours, or was changed beyond reading */
    SAGA_DIFFERENCE_CHAIN,      /* the hash chain is broken at this record */
    SAGA_DIFFERENCE_SEQUENCE,   /* a saga's records do not follow one on another */
    SAGA_DIFFERENCE_FACTS, /* deciding the cause again gives other facts, or they cannot follow */
    SAGA_DIFFERENCE_DEFINITION, /* the definition is not to be had, or has another content */
    SAGA_DIFFERENCE_REDIS,      /* Redis holds another state, has one too many or one too few */
    SAGA_DIFFERENCE_SNAPSHOT, /* the journal was cut, and no snapshot says what came before; a snapshot that the journal
                                 does not give */
    SAGA_DIFFERENCE_OPENING, /* the lane does not begin with the record that opens it, or that stands elsewhere */
    SAGA_DIFFERENCE_LANE,   /* the record's saga belongs to another lane */
    SAGA_DIFFERENCE_KEY,    /* the record's key in Kafka is not the one that it says */
    SAGA_DIFFERENCE_ANCHOR, /* what was signed is not what is there, or not signed so (anchor.h) */
    SAGA_DIFFERENCE_KIND_COUNT
};
const char *saga_difference_name(enum saga_difference_kind kind);

struct saga_difference {
    enum saga_difference_kind kind;
    uint32_t lane;
    int64_t offset;            /* of the record; -1: no record's */
    struct saga_slice saga_id; /* may be absent */
    struct saga_slice words;
};

struct saga_replay_counts {
    uint64_t records;
    uint64_t sagas;                        /* that are still kept */
    uint64_t entries;                      /* beside them: correlation, schedules */
    uint64_t forgotten;                    /* that have left */
    uint64_t by_status[SAGA_STATUS_COUNT]; /* of those that are kept */
    uint64_t differences[SAGA_DIFFERENCE_KIND_COUNT];
    /* records whose decision was not proved, as their values are sealed: their saga was forgotten, or its key is not here. Chain,
     * sequence and what follows from their facts were. */
    uint64_t unproved_forgotten, unproved_sealed;
};

struct saga_replay;

/* A replay of lane `lane`. `report` is called for each difference as it is found; its slices are valid during the call.
 * Codec and catalog are the caller's and belong to its thread. */
int saga_replay_new(struct saga_codec *codec, struct saga_catalog *catalog, uint32_t lane,
                    void (*report)(const struct saga_difference *difference, void *context),
                    void *context, struct saga_replay **ret);
void saga_replay_free(struct saga_replay *replay);

/* The keys of the lane's sagas, with which sealed values are opened where deciding is proved. The caller's, and may grow; NULL:
 * there are none. */
void saga_replay_keys(struct saga_replay *replay, const struct saga_keyring *keys);

/* For a journal whose beginning was cut off: takes the records of the lane's saga.snapshots first, all of them in order,
 * then begins at the last marker; records that a state contains already are checked for the chain alone. Returns the
 * journal offset to begin at, or -1 with a difference reported: there is no snapshot. */
void saga_replay_snapshot(struct saga_replay *replay, const struct saga_message *message);
int64_t saga_replay_begin(struct saga_replay *replay, int64_t low);

/* How many lanes the journal has; then each record is asked whether it belongs to this one, and the first one whether it says
 * that number. Before the first record. */
void saga_replay_expect_lanes(struct saga_replay *replay, uint32_t lanes);

/* For a part of a journal (an export): records were left out before the next one, behind which the chain had this value
 * (NULL: not known); and a saga of which nothing is known before this offset, so that its records there are checked for the chain alone. */
void saga_replay_leave_out(struct saga_replay *replay, const uint8_t chain[SAGA_SHA256_BYTES]);
void saga_replay_pass_over(struct saga_replay *replay, struct saga_slice saga_id, int64_t until);

/* What a record says of its place, by itself: does it open the lane, or follow on a record that did; does its saga live here; is
 * its key in Kafka the saga's? For one that is not given to saga_replay_record, which asks it too. */
void saga_replay_look_at(struct saga_replay *replay, const struct saga_message *message,
                         const struct saga_journal_record *record);
/* Is the definition that a record names there, with the content that it had when this was decided? Else that is a difference.
 * For a record that is not decided again, where nothing else would tell: deciding asks it too. */
bool saga_replay_has_definition(struct saga_replay *replay, const struct saga_message *message,
                                const struct saga_journal_record *record);

/* Takes the next record of the lane, in order. Goes on after a difference as well as can be. */
void saga_replay_record(struct saga_replay *replay, const struct saga_message *message);
/* The same for the next `count` of them, which is faster: what the later ones need is fetched while the first are proved. */
void saga_replay_records(struct saga_replay *replay, const struct saga_message *messages,
                         size_t count);

/* Where Redis is to stand: behind the last record taken that may be the coordinator's, as foreign ones are passed over; 0 before
 * the first. */
int64_t saga_replay_applied(const struct saga_replay *replay);

/* In place of the offset at which Redis stands: it has nothing of the lane; it did not answer. */
enum { SAGA_REPLAY_APPLIED_NOTHING = -1, SAGA_REPLAY_APPLIED_UNKNOWN = -2 };

/* Holds the states that came out against Redis. SAGA_E_AGAIN: Redis stands elsewhere (`*ret_applied`), because the lane
 * is at work, or did not answer: take the records up to there, or wait, and ask again; nothing was reported. Other errors
 * as in views.h.
 * With `final`, whatever does not fit is reported as a difference. */
int saga_replay_compare(struct saga_replay *replay, struct saga_views *views, bool final,
                        int64_t *ret_applied);
/* From now on that also looks at what follows from the states: alarms, indexes, search values. It asks Redis as much again. */
void saga_replay_expect_views(struct saga_replay *replay);

/* The state of a saga as Redis would have it, as of the last record taken; absent if there is none. In `arena`, or the
 * replay's until the next record. Errors: SAGA_E_LIMIT. */
int saga_replay_state_bytes(struct saga_replay *replay, struct saga_slice saga_id,
                            struct saga_arena *arena, struct saga_slice *ret);

/* Marks those of the sagas that are there now of which `is` says so. A mark goes when its saga leaves: a later run has none. */
void saga_replay_mark(struct saga_replay *replay,
                      bool (*is)(struct saga_slice saga_id, void *context), void *context);
void saga_replay_visit_marked(const struct saga_replay *replay,
                              void (*visit)(struct saga_slice saga_id, void *context),
                              void *context);

/* Id of the journal, "" as long as it is not known. The replay's. */
const char *saga_replay_journal(const struct saga_replay *replay);

void saga_replay_count(const struct saga_replay *replay, struct saga_replay_counts *ret);

/* The state of a saga as of the last record taken, NULL if there is none. The replay's, until the next record. */
const struct saga_state *saga_replay_state(struct saga_replay *replay, struct saga_slice saga_id);

#endif
