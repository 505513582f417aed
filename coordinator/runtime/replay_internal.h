/* What replay.c and the files replay_*.c share. */
#ifndef SAGA_RUNTIME_REPLAY_INTERNAL_H
#define SAGA_RUNTIME_REPLAY_INTERNAL_H

#include "runtime/replay.h"
#include "runtime/replay_table.h"

/* States whose sagas have ended, for those that begin: nearly always one of the same definition, so that it has just the memory
 * that the next one needs, and the processor has it at hand. */
enum { SAGA_REPLAY_SPARE_MAX = 64, SAGA_REPLAY_SPARE_BYTES_MAX = 16 * 1024 };

/* What operators said, as the lane's log of it must have it. */
struct saga_replay_said;
struct saga_replay_log {
    struct saga_replay_said *items; /* in the order of their offsets */
    size_t count, capacity;
    int64_t from;   /* from here on it is known what was said; below 0: nothing is */
    int64_t series; /* of the snapshot that had the first of them */
};

struct saga_replay {
    struct saga_codec *codec;
    struct saga_catalog *catalog;
    uint32_t lane;
    void (*report)(const struct saga_difference *difference, void *context);
    void *context;
    struct saga_arena arena; /* a record's */
    struct saga_replay_table sagas;
    struct saga_state *spare[SAGA_REPLAY_SPARE_MAX];
    size_t spare_count;
    uint8_t chain[SAGA_SHA256_BYTES];
    char journal[33];
    int64_t applied;
    uint32_t lanes; /* of the journal; 0: not known */
    bool begun;     /* a record was read, or the lane's first ones are not there */
    bool marked;    /* a marker was taken */
    bool doubted;   /* the saga of the record under way is */
    int64_t marked_at, series;
    uint64_t records, forgotten;
    struct saga_replay_log log;
    bool with_views;                 /* they are compared too */
    const struct saga_keyring *keys; /* NULL: there are none */
    uint64_t unproved_forgotten, unproved_sealed;
    uint64_t differences[SAGA_DIFFERENCE_KIND_COUNT];
};

/* A record that is looked ahead at. */
struct saga_replay_ahead {
    struct saga_journal_record record; /* without its facts */
    struct saga_slice facts;           /* the bytes of those */
    bool common;                       /* it can be read, and is a saga's or an entry's */
    uint32_t hash;                     /* of its saga's id */
    uint8_t chain
        [SAGA_SHA256_BYTES]; /* what its chain value must be if `before` is the one before it */
    uint8_t before[SAGA_SHA256_BYTES];
};
/* So many at once: what they need is together no more than a cache holds. */
enum { SAGA_REPLAY_AHEAD_MAX = 16 };

/* The saga of that id, NULL where the journal has given none. */
struct saga_replayed *saga_replay_find(const struct saga_replay *replay, struct saga_slice id);
/* The state of a saga that may rest, made anew where it does. */
struct saga_state *saga_replay_wake(struct saga_replay *replay, struct saga_replayed *saga);
struct saga_replayed *saga_replay_find_or_add(struct saga_replay *replay, struct saga_slice id,
                                              uint32_t hash);
/* Decides the record's cause again on `state`. False: it gives other facts than the record has, and words have been said; or its
 * saga is doubted.
 * `message` has the record's bytes, `chain` is the chain's value before it. */
bool saga_replay_decide_again(struct saga_replay *replay, const struct saga_message *message,
                              const struct saga_journal_record *record,
                              const struct saga_state *state, const uint8_t *chain);

/* ---- replay_views.c ---- */
/* As saga_replay_compare, of what Redis has beside the states and the sums. `*ret_fits`: nothing is lacking. */
int saga_replay_compare_views(struct saga_replay *replay, struct saga_views *views, bool final,
                              bool *ret_fits);

/* ---- replay_log.c ---- */
/* Takes what an operator said, if the record is of that. */
void saga_replay_log_take(struct saga_replay *replay, const struct saga_message *message,
                          const struct saga_journal_record *record);
/* Takes the log of a snapshot instead of all before; then, when the last marker is known, that it is of its series. */
void saga_replay_log_snapshot(struct saga_replay *replay, const struct saga_message *message);
void saga_replay_log_begin(struct saga_replay *replay);
void saga_replay_log_free(struct saga_replay_log *log);
/* As saga_replay_compare_views, of the log. */
int saga_replay_compare_log(struct saga_replay *replay, struct saga_views *views, bool final,
                            bool *ret_fits);

/* ---- replay_ahead.c ---- */
/* Reads up to SAGA_REPLAY_AHEAD_MAX records, and has what they need fetched. Slices point into the messages. */
void saga_replay_look_ahead(struct saga_replay *replay, const struct saga_message *messages,
                            size_t count, struct saga_replay_ahead *ret);

/* ---- replay_sealed.c ---- */
/* The same for a record of a saga whose values are sealed. True also where it cannot be told. */
bool saga_replay_decide_sealed(struct saga_replay *replay, const struct saga_message *message,
                               const struct saga_journal_record *record,
                               const struct saga_state *state, const uint8_t *chain);

/* Counts and reports a difference; `offset`: -1 where it is at none. */
__attribute__((format(printf, 5, 6))) void
saga_replay_differ(struct saga_replay *replay, enum saga_difference_kind kind, int64_t offset,
                   struct saga_slice saga_id, const char *format, ...);

#endif
