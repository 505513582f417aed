/* What the files of what_if.h share. */
#ifndef SAGA_RUNTIME_WHAT_IF_INTERNAL_H
#define SAGA_RUNTIME_WHAT_IF_INTERNAL_H

#include "base/table.h"
#include "engine/engine.h"
#include "runtime/what_if.h"

/* A saga that has not ended in the record. */
struct saga_what_if_saga {
    UT_hash_handle hh;
    bool judged;      /* the ways have parted, or it is none of the chosen: there are no states */
    bool passed_over; /* it is none of the chosen */
    /* By the new definition, and as recorded. While both came by the same facts they are one, and the second is NULL. */
    struct saga_state *state, *recorded;
    size_t bytes; /* that it was last found to take */
    size_t id_size;
    char id[];
};

struct saga_what_if_groups {
    struct saga_arena arena;
    struct saga_what_if_group **items;
    size_t count, capacity;
};

struct saga_what_if {
    struct saga_codec *codec;
    struct saga_definition definition; /* a copy of the struct, for its name and schemas */
    struct saga_what_if_options options;
    struct saga_arena arena; /* a record's */
    struct saga_what_if_saga *sagas;
    size_t held_bytes; /* of all of them */
    struct saga_what_if_groups groups;
    struct saga_what_if_counts counts;
    struct saga_what_if_unreadable unreadable[SAGA_WHAT_IF_EXAMPLES_MAX];
    uint32_t lane;
    const struct saga_keyring *keys; /* of the lane; NULL: there are none */
    int64_t first_ms, last_ms;       /* of the lane's records; -1: there was none */
};

/* Where and how a way parts. */
struct saga_parting {
    enum saga_what_if_class class;
    struct saga_slice step, what;
    struct saga_what_if_side recorded, instead;
};

/* ---- what_if_sagas.c ---- */
/* NULL: there is none of that id. */
struct saga_what_if_saga *saga_what_if_find(const struct saga_what_if *what_if,
                                            struct saga_slice id);
/* A further one, without states. */
struct saga_what_if_saga *saga_what_if_hold(struct saga_what_if *what_if, struct saga_slice id);
void saga_what_if_free_states(struct saga_what_if_saga *saga);
/* Counts anew what it takes. */
void saga_what_if_weigh(struct saga_what_if *what_if, struct saga_what_if_saga *saga);
void saga_what_if_drop(struct saga_what_if *what_if, struct saga_what_if_saga *saga);
void saga_what_if_drop_all(struct saga_what_if *what_if);

/* ---- what_if_start.c ---- */
/* Would the definition have been started by this event, under this key? False: with words. */
bool saga_what_if_starts(const struct saga_what_if *what_if, const struct saga_event *cause,
                         struct saga_arena *arena, struct saga_slice *ret_words);

/* ---- what_if_compare.c ---- */
/* Do the facts lead to the same state, but for the definition's version? */
bool saga_what_if_same_facts(const struct saga_journal_record *record,
                             const struct saga_facts *facts);
/* Did the record take an event that the new version does not? */
bool saga_what_if_unhandled(const struct saga_journal_record *record,
                            const struct saga_facts *facts, struct saga_arena *arena,
                            struct saga_parting *ret);
/* Are other messages sent? `of_the_end`: of those that tell how the saga ended, else of all others. */
bool saga_what_if_other_messages(const struct saga_journal_record *record,
                                 const struct saga_facts *facts, bool of_the_end,
                                 struct saga_arena *arena, struct saga_parting *ret);
/* Is the new one stuck where the recorded is not, or on something else? */
bool saga_what_if_stuck(const struct saga_state *state, const struct saga_state *recorded,
                        struct saga_arena *arena, struct saga_parting *ret);
/* A step's name, without rounds. Slice of `path`. */
struct saga_slice saga_what_if_step(struct saga_slice path);

/* ---- what_if_time.c ---- */
/* Does the new state's time part from the record's before this event? Else `event` becomes the event that it is for the new
 * state: a timer of a block may have another name there. */
bool saga_what_if_other_time(const struct saga_what_if_saga *saga, struct saga_event *event,
                             struct saga_arena *arena, struct saga_parting *ret);
/* The same at the end of the record, where nothing happens any more. */
bool saga_what_if_rings_before(const struct saga_what_if_saga *saga, int64_t time_ms,
                               struct saga_arena *arena, struct saga_parting *ret);

/* ---- what_if_groups.c ---- */
/* Counts a saga; `offset` -1: at the journal's end. */
void saga_what_if_add(struct saga_what_if *what_if, const struct saga_parting *parting,
                      struct saga_slice saga_id, struct saga_slice run, int64_t offset,
                      int64_t time_ms);
/* Counts a record of the lane that cannot be read. */
void saga_what_if_add_unreadable(struct saga_what_if *what_if, int64_t offset,
                                 struct saga_slice words);

#endif
