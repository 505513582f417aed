/* What can be known of several definitions that is not known of each alone: that their topics and commands fit together, and that
 * child sagas are there and do not go in a ring. A further check over files is a function in the table at the end of the
 * source file. */
#ifndef SAGA_DEFINITION_CHECK_TOGETHER_H
#define SAGA_DEFINITION_CHECK_TOGETHER_H

#include "definition/catalog.h"

struct saga_checked {
    const char *file;
    const struct saga_definition *definition;
};

/* Adds what it finds. `deployed`: what else is there; NULL: that is not known. */
void saga_check_together(const struct saga_checked *files, size_t count,
                         const struct saga_catalog *deployed, struct saga_diagnostics *diagnostics);

#endif
