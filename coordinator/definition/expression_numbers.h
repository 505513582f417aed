/* Values on their way into libjq and out of it, with every digit of their numbers.
 *
 * jq computes with doubles. A number of the data that no double holds digit for digit, or from 2^53 on, is shown to it as
 * a marker: a double of about 1e302, where neither data nor anything that jq computes here can be. Markers are passed on,
 * compared for equality and, those of numbers from 2^53 on, ordered as what they stand for; the definitions of
 * expression_guards.c keep jq from computing with one, and give its text where it becomes a text. What comes out has
 * the number's own text again.
 *
 * The numbers themselves are the same double in every version of jq: no value is made by jq's own parser. */
#ifndef SAGA_DEFINITION_EXPRESSION_NUMBERS_H
#define SAGA_DEFINITION_EXPRESSION_NUMBERS_H

#include <jv.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

/* From here on a double no longer tells whole numbers apart, so that what was computed may be another number. */
#define SAGA_WHOLE_NUMBERS_END 9007199254740992.0
/* The markers of whole numbers and of others: ±(2^52 + n) times these, n their place among the texts. As jq is told, in
 * expression_guards.c. */
#define SAGA_MARKER_WHOLE_EXPONENT 952
#define SAGA_MARKER_OTHER_EXPONENT 954

struct saga_marked; /* one number */

/* Names of members as jq has them, so that those of a list's objects, and of the next evaluation's, are not made again:
 * jq checks and copies each. Belongs to one thread at a time; freed with saga_kept_names_free. */
struct saga_kept_names;
struct saga_kept_names *saga_kept_names_new(void);
void saga_kept_names_free(struct saga_kept_names *kept);

/* The numbers of one evaluation. Zeroed with its arena to begin with. */
struct saga_numbers {
    struct saga_arena *arena;
    struct saga_kept_names *names; /* may be NULL */
    struct saga_marked *items;
    size_t count, capacity;
    bool ordered; /* all are known: values are made with markers */
    double size;  /* of what was parsed: values, and texts in units of 16 bytes */
};

/* The value of valid JSON. As long as the numbers are not ordered, one that jq cannot hold is added to them, and what is
 * returned is of no use if there is any. */
jv saga_numbers_parse(struct saga_numbers *numbers, struct saga_slice json);
/* Between the two ways of parsing: all data is parsed again behind it. */
void saga_numbers_order(struct saga_numbers *numbers);
/* Their texts without signs, by place: what jq is shown beside the data. */
jv saga_numbers_texts(const struct saga_numbers *numbers);
/* The first of them as written. There must be one. */
struct saga_slice saga_numbers_first(const struct saga_numbers *numbers);

/* The value as compact JSON in `arena`, numbers with their digits. Borrows `value`. Errors: SAGA_E_INVALID (a number
 * from 2^53 on that was computed), SAGA_E_LIMIT (too large, too deep); `*ret_why` says it. */
int saga_numbers_write(const struct saga_numbers *numbers, jv value, struct saga_arena *arena,
                       struct saga_slice *ret_json, struct saga_slice *ret_why);

#endif
