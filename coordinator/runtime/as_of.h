/* Where the sagas of a lane stood at a moment of its journal, by their recorded facts alone: no event is decided, no
 * definition needed, no server asked.
 *
 * A saga that began before a journal that was cut is known from the lane's snapshot if that was taken before the moment.
 * Else it is known that it was there, and not where it stood: it is counted, and nothing is said of it. */
#ifndef SAGA_RUNTIME_AS_OF_H
#define SAGA_RUNTIME_AS_OF_H

#include "base/message.h"
#include "codec/codec.h"

/* Records up to both are taken: the last one is the last that was decided then, or stands there. */
struct saga_as_of_moment {
    int64_t time_ms; /* INT64_MAX: whenever */
    int64_t offset;  /* INT64_MAX: wherever */
};

struct saga_as_of_counts {
    uint64_t records;
    uint64_t unreadable; /* of them; a saga whose record this was is not known from there on */
    uint64_t unknown;    /* sagas of which it is only known that they were there */
    uint64_t sagas, entries;
    uint64_t by_status[SAGA_STATUS_COUNT];
};

struct saga_as_of;

/* `only`: the id of the one saga that is looked at; absent: all. The codec is the caller's. */
void saga_as_of_new(struct saga_codec *codec, struct saga_slice only, struct saga_as_of **ret);
void saga_as_of_free(struct saga_as_of *as_of);

/* Of a journal that was cut: all records of the lane's saga.snapshots first, in order. Begin takes what they say; false:
 * there is no snapshot that reaches the offset at which the journal begins, so what they say is worth nothing. */
void saga_as_of_snapshot(struct saga_as_of *as_of, const struct saga_message *message);
bool saga_as_of_begin(struct saga_as_of *as_of, int64_t low);

/* Up to where records are taken from now on. */
void saga_as_of_set(struct saga_as_of *as_of, struct saga_as_of_moment moment);
/* The next record of the lane, in order. False: it is behind the moment, and was not taken; all that follow are too. */
bool saga_as_of_record(struct saga_as_of *as_of, const struct saga_message *message);
/* No more is to come for the moment: what is asked below is as of it. */
void saga_as_of_stand(struct saga_as_of *as_of);

void saga_as_of_count(const struct saga_as_of *as_of, struct saga_as_of_counts *ret);
/* When the last record that was taken was decided; INT64_MIN: none was taken. */
int64_t saga_as_of_time(const struct saga_as_of *as_of);
/* A copy of the state, the caller's (saga_state_free). NULL: it was not there, or nothing is known of it. `*ret_unknown`:
 * where it stood is not known, or was not at the mark. */
struct saga_state *saga_as_of_find(struct saga_as_of *as_of, struct saga_slice saga_id,
                                   bool *ret_unknown);
/* All sagas whose states are known, in no order; entries are left out. A state is valid during the call. */
void saga_as_of_each(struct saga_as_of *as_of,
                     void (*visit)(const struct saga_state *state, void *context), void *context);

/* Remembers this moment, to tell what is another way at a later one: only states that change are kept twice. Once. */
void saga_as_of_mark(struct saga_as_of *as_of);
/* All sagas that took a record between the mark and the moment: NULL before it began, and when it has left. A saga that is
 * unknown at either is left out, and counted as that. The states are the as-of's. */
void saga_as_of_changes(struct saga_as_of *as_of,
                        void (*visit)(const struct saga_state *before,
                                      const struct saga_state *after, void *context),
                        void *context);

#endif
