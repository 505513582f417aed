/* The long form of every finding (`saga explain CODE`): what it means, when it is right to be found, and an example of
 * the mistake and of its mend. */
#ifndef SAGA_DEFINITION_EXPLANATIONS_H
#define SAGA_DEFINITION_EXPLANATIONS_H

#include "definition/findings.h"

struct saga_explanation {
    const char *text;  /* paragraphs, lines of at most 80 characters */
    const char *wrong; /* files or a part of one that have this finding; NULL: none can be shown */
    const char *right; /* the same without it */
};

/* In `arena`. */
struct saga_explanation saga_explanation_of(enum saga_finding finding, struct saga_arena *arena);

/* An example as whole files, with `---` between several, in `arena`. */
struct saga_slice saga_explanation_files(const char *example, struct saga_arena *arena);

#endif
