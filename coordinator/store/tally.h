/* What a batch changes in the counts and the durations of a lane, summed up: so many sagas more or less at a step, so many
 * durations more or less in a bucket; and which sagas these are, where there is a list of them. They are functions of the
 * states that Redis holds, so each write of a state brings what the new one counts as, less what the old one did. */
#ifndef SAGA_STORE_TALLY_H
#define SAGA_STORE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/* Each is a hash of the lane; a field that comes to 0 is not there. Those with lists have the sagas that a field counts below
 * a key of its own, named like the field: STEPS a set of ids, ERRORS a sorted set by when a saga came into it, with texts. */
enum saga_tally_table {
    SAGA_TALLY_COUNTS, /* "<definition>@<version>:<status>": how many sagas are in the index of that name */
    SAGA_TALLY_STEPS, /* "<definition>@<version>:<status>:<step>": how many sagas of it are at that step */
    SAGA_TALLY_ERRORS, /* "<definition>@<version>:<status>": how many of its sagas have an error */
    SAGA_TALLY_DURATIONS, /* "<definition>@<version>:<outcome>:<bucket>[:<step>]": how many sagas, or steps, took so long */
    SAGA_TALLY_TABLE_COUNT
};
/* The kind of the key (layout.h). */
struct saga_slice saga_tally_table_name(enum saga_tally_table table);

/* Has the table lists? */
bool saga_tally_has_lists(enum saga_tally_table table);

/* A saga that comes into a list, or leaves it. */
struct saga_tally_member {
    struct saga_slice id;
    struct saga_slice text; /* of ERRORS: what is looked through */
    int64_t changed_ms;
};

struct saga_tally_sum {
    enum saga_tally_table table;
    struct saga_slice field;
    int64_t by; /* may be 0 where some leave and as many come */
    const struct saga_tally_member *left, *entered;
    size_t left_count, entered_count;
};

/* What a field is about. */
struct saga_tally_place {
    struct saga_slice name; /* definition */
    uint32_t version;
    struct saga_slice word; /* status, or outcome */
    struct saga_slice step; /* without loop indexes; absent: the saga as a whole */
};

struct saga_tally_entry;
struct saga_tally {
    struct saga_arena *arena; /* whose the fields are */
    struct saga_tally_entry *entries;
};
void saga_tally_init(struct saga_tally *tally, struct saga_arena *arena);
void saga_tally_free(struct saga_tally *tally);

/* So many sagas more (or less) are in that status. */
void saga_tally_count(struct saga_tally *tally, const struct saga_tally_place *place, int64_t by);
/* A saga is now at that step, or has an error in that status; and the other way round. Of each list a saga may be told once
 * that it leaves and once that it enters, and has left before it enters. Id and text are kept as views. */
void saga_tally_enter(struct saga_tally *tally, enum saga_tally_table table,
                      const struct saga_tally_place *place, const struct saga_tally_member *member);
void saga_tally_leave(struct saga_tally *tally, enum saga_tally_table table,
                      const struct saga_tally_place *place, const struct saga_tally_member *member);
/* So many sagas, or steps, more have ended so, and took so long. */
void saga_tally_took(struct saga_tally *tally, const struct saga_tally_place *place, int64_t ms,
                     int64_t by);
/* What does not come to 0 or has changed a list, in the order in which it was first counted. In the arena. */
struct saga_tally_sum *saga_tally_sums(const struct saga_tally *tally, size_t *ret_count);

/* Reads a field; the slices are views of it. `*ret_bucket` is set for durations alone. Errors: SAGA_E_INVALID. */
int saga_tally_read(enum saga_tally_table table, struct saga_slice field,
                    struct saga_tally_place *ret, unsigned *ret_bucket);

#endif
