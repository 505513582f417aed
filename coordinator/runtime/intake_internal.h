/* What the files of intake.h share. */
#ifndef SAGA_RUNTIME_INTAKE_INTERNAL_H
#define SAGA_RUNTIME_INTAKE_INTERNAL_H

#include "runtime/intake.h"

/* One record. */
struct saga_intake_reading {
    const struct saga_intake *intake;
    struct saga_intake_item common; /* what every item of the record shares */
    struct saga_intake_item *items;
    size_t count, capacity;
    bool typed;   /* an expression found the type of an event that says none */
    bool untyped; /* an event that nobody takes, and that says no type */
};

/* Is this part of a hop for the inbox that it came by? Other parts were sent to theirs. */
static inline bool saga_intake_is_here(const struct saga_intake_reading *r, uint32_t lane)
{
    return !r->common.from_inbox || r->common.inbox_lane == lane;
}

/* ---- intake.c ---- */
/* A further item, to be filled in. */
struct saga_intake_item *saga_intake_add(struct saga_intake_reading *r, enum saga_intake_fate fate);
void saga_intake_add_dead_letter(struct saga_intake_reading *r, enum saga_letter_reason reason,
                                 struct saga_slice words);
void saga_intake_add_start(struct saga_intake_reading *r, struct saga_definition *definition,
                           struct saga_slice key);
/* Errors: SAGA_E_INVALID with words. */
int saga_intake_check_key(const struct saga_intake_reading *r, struct saga_slice key,
                          struct saga_slice *ret_message);

/* ---- intake_inbox.c ---- */
void saga_intake_read_note(struct saga_intake_reading *r);
void saga_intake_read_start(struct saga_intake_reading *r);
void saga_intake_read_operator(struct saga_intake_reading *r);

#endif
