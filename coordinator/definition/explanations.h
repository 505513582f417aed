/* The long form of every finding (`saga explain CODE`): what it means, when it is right to be found, and an example of
 * the mistake and of its mend. */
#ifndef SAGA_DEFINITION_EXPLANATIONS_H
#define SAGA_DEFINITION_EXPLANATIONS_H

#include "definition/findings.h"

struct saga_explanation {
    const char *text;  /* paragraphs, lines of at most 80 characters */
    const char *wrong; /* a file or a part of one that has this finding; NULL: none can be shown */
    const char *right; /* the same without it */
};

/* By enum saga_finding. */
extern const struct saga_explanation saga_explanations[SAGA_FINDING_COUNT];

/* What examples that begin with "  - " stand under: they are the list of `steps`. The others are a whole file but for
 * what examples of a whole file end with. */
extern const char saga_explanation_head[];
extern const char saga_explanation_tail[];

#endif
