/* What a new version of a definition changes. Running sagas stay on the version that they started with, so this is for people:
 * what a saga that starts from now on does otherwise. */
#ifndef SAGA_DEFINITION_COMPARE_H
#define SAGA_DEFINITION_COMPARE_H

#include "definition/definition.h"

struct saga_change {
    const char *kind;         /* "added", "removed", "moved", "changed" */
    struct saga_slice place;  /* "step debit", "wait in the list of choose", "start" */
    struct saga_slice what;   /* the field, or absent */
    struct saga_slice before; /* its text there; may be absent */
    struct saga_slice after;
    const struct saga_block *block; /* of the old definition; NULL: it had none */
};

/* In the order of the old file, then what is new. Texts are in `arena`. */
void saga_definition_compare(const struct saga_definition *before,
                             const struct saga_definition *after, struct saga_arena *arena,
                             struct saga_change **ret, size_t *ret_count);

#endif
