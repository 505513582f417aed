/* The sagas of a lane that is replayed, by their ids. Proving asks for one with every record, nearly always for memory that no
 * cache has: so a place of the table says enough to pass over others' without looking at them, and can be fetched before it is
 * needed. */
#ifndef SAGA_RUNTIME_REPLAY_TABLE_H
#define SAGA_RUNTIME_REPLAY_TABLE_H

#include "runtime/resting.h"

struct saga_replayed {
    struct saga_resting
        at; /* its state: at rest when it has ended, as comparing with Redis needs the bytes anyway */
    int64_t as_of; /* the journal offset up to which a snapshot's state has it; 0: no snapshot's */
    int64_t series;
    bool seen; /* in the scan of Redis that is under way */
    bool marked;
    /* A record of it was not proved: what its facts have made of the state may be what no definition makes, so nothing is decided
     * on it any more. */
    bool doubted;
    size_t id_size;
    char id[]; /* here, as every record looks for one */
};

struct saga_replay_place {
    uint32_t hash;              /* of the id */
    struct saga_replayed *saga; /* NULL: nobody's place */
};

/* Begins zeroed. */
struct saga_replay_table {
    struct saga_replay_place *places;
    size_t place_count; /* a power of 2; 0 at first */
    size_t count;
};

uint32_t saga_replay_hash(struct saga_slice id);

/* NULL where there is none of that id, whose hash is given. */
struct saga_replayed *saga_replay_table_find(const struct saga_replay_table *table,
                                             struct saga_slice id, uint32_t hash);
/* Makes one, zeroed, which must not be there; the table owns it. */
struct saga_replayed *saga_replay_table_add(struct saga_replay_table *table, struct saga_slice id,
                                            uint32_t hash);
/* Takes one out that is there, and frees it and its state. */
void saga_replay_table_remove(struct saga_replay_table *table, struct saga_replayed *saga);
/* Frees all. */
void saga_replay_table_free(struct saga_replay_table *table);

/* Where looking for that hash begins; there must be places. */
const struct saga_replay_place *saga_replay_table_place(const struct saga_replay_table *table,
                                                        uint32_t hash);

/* One saga after the other; `*place` is 0 at first. NULL: no more. */
struct saga_replayed *saga_replay_table_next(const struct saga_replay_table *table, size_t *place);

#endif
