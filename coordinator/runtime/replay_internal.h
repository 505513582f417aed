/* What replay.c, replay_redis.c and replay_part.c share. */
#ifndef SAGA_RUNTIME_REPLAY_INTERNAL_H
#define SAGA_RUNTIME_REPLAY_INTERNAL_H

#include "base/table.h"
#include "runtime/replay.h"
#include "runtime/resting.h"

struct saga_replayed {
    UT_hash_handle hh;
    struct saga_resting
        at; /* its state: at rest when it has ended, as comparing with Redis needs the bytes anyway */
    int64_t as_of; /* the journal offset up to which a snapshot's state has it; 0: no snapshot's */
    int64_t series;
    bool seen; /* in the scan of Redis that is under way */
    size_t id_size;
    char id[]; /* here, as every record looks for one */
};

struct saga_replay {
    struct saga_codec *codec;
    struct saga_catalog *catalog;
    uint32_t lane;
    void (*report)(const struct saga_difference *difference, void *context);
    void *context;
    struct saga_arena arena; /* a record's */
    struct saga_replayed *sagas;
    uint8_t chain[SAGA_SHA256_BYTES];
    char journal[33];
    int64_t applied;
    bool marked; /* a marker was taken */
    int64_t marked_at, series;
    uint64_t records, forgotten;
    uint64_t differences[SAGA_DIFFERENCE_KIND_COUNT];
};

/* The saga of that id, NULL where the journal has given none. */
struct saga_replayed *saga_replay_find(const struct saga_replay *replay, struct saga_slice id);
/* The state of a saga that may rest, made anew where it does. */
struct saga_state *saga_replay_wake(struct saga_replay *replay, struct saga_replayed *saga);
struct saga_replayed *saga_replay_find_or_add(struct saga_replay *replay, struct saga_slice id);
/* Counts and reports a difference; `offset`: -1 where it is at none. */
__attribute__((format(printf, 5, 6))) void
saga_replay_differ(struct saga_replay *replay, enum saga_difference_kind kind, int64_t offset,
                   struct saga_slice saga_id, const char *format, ...);

#endif
