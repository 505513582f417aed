/* A definition without data: its expressions are not evaluated, they are answered. What decides about the way (`when`,
 * `until`, `in`, a time to wait for) is answered with every value that makes a difference, one after another: each way
 * through an event is a list of choices. Everything else is answered with a value that is always the same. So what is
 * explored holds whatever the data is, and some ways that are explored no data can take.
 *
 * Where the input is given, expressions that need nothing else are evaluated: those that read `.input` alone, and the
 * elements of loops over lists of it. Times to wait for stay choices, since alarms come at any time. */
#ifndef SAGA_EXPLORE_ABSTRACT_H
#define SAGA_EXPLORE_ABSTRACT_H

#include "definition/definition.h"

/* Choices within one event; of more the first value is taken, and the exploration is not complete. */
#define SAGA_CHOICES_MAX 16

struct saga_abstract;

/* Makes the definition abstract; it must not be used for anything else then, and outlive `*ret`. Its loops are run at
 * most `rounds` times, and nothing is tried more often than `attempts` times unless that is without end: for good.
 * `failing`: every expression that is not evaluated may fail too. `with_input`: the saga starts with an input that is
 * meant. Never fails; the caller frees it. */
struct saga_abstract_bounds {
    uint32_t rounds, attempts;
    bool failing, with_input;
};
struct saga_abstract *saga_abstract_new(struct saga_definition *definition,
                                        const struct saga_abstract_bounds *bounds);
/* Gives the definition its expressions back. NULL is fine. */
void saga_abstract_free(struct saga_abstract *abstract);

/* Before an event is decided: the choices to make, four bits each from the lowest on; beyond `count` the first values. */
void saga_abstract_choose(struct saga_abstract *abstract, uint64_t choices, unsigned count);
/* Behind it: the next list of choices that leads another way, with its count. False: there is none. */
bool saga_abstract_next(struct saga_abstract *abstract, uint64_t *ret_choices, unsigned *ret_count);
/* For one play from beginning to end: every choice takes the next of a JSON list of values, then the first values. What is
 * chosen is one of the values that the explorer chooses from. */
void saga_abstract_follow(struct saga_abstract *abstract, struct saga_slice choices);
/* The first choice of the list that is none of those there; 0: there is none. */
unsigned saga_abstract_misled(const struct saga_abstract *abstract);
/* What was chosen since saga_abstract_choose, a JSON value each behind a comma. */
struct saga_buffer;
void saga_abstract_tell(const struct saga_abstract *abstract, struct saga_buffer *out);
/* Was there one choice too many? */
bool saga_abstract_was_cut(const struct saga_abstract *abstract);

#endif
