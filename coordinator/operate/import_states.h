/* Building states and views in Redis from a journal that was imported: by the coordinator's own recovery (R8 to R12), run
 * beside any consumer group and ended before it would decide anything. */
#ifndef SAGA_OPERATE_IMPORT_STATES_H
#define SAGA_OPERATE_IMPORT_STATES_H

#include "operate/command.h"

/* The name that the lanes bear as their owner's. */
#define SAGA_IMPORT_OWNER "import"

/* Builds these lanes, whose journals have a record. What is said on the way goes to the log. A lane whose journal cannot be
 * believed is left out, with words there. An exit code, words said. */
int saga_import_states(struct saga_call *call, const uint32_t *lanes, size_t count);

#endif
