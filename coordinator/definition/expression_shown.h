/* What of the data jq is shown: an object of the places that an expression can read, and nothing else, since making
 * values takes as long as evaluating them. */
#ifndef SAGA_DEFINITION_EXPRESSION_SHOWN_H
#define SAGA_DEFINITION_EXPRESSION_SHOWN_H

#include <jv.h>

#include "definition/expression_internal.h"
#include "definition/expression_numbers.h"

/* The places as a tree. Belongs to one thread at a time, as a jq_state. */
struct saga_shown;

/* Of `reads`, which must outlive it. Freed with saga_shown_free. */
struct saga_shown *saga_shown_new(const struct saga_reads *reads);
void saga_shown_free(struct saga_shown *shown);
/* The value of `.` for an evaluation. */
jv saga_shown_make(const struct saga_shown *shown, const struct saga_bindings *bindings,
                   struct saga_numbers *numbers);

#endif
