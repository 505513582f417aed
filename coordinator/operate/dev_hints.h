/* What `saga dev` prints for the terminal beside it: lines that can be pasted as they are. */
#ifndef SAGA_OPERATE_DEV_HINTS_H
#define SAGA_OPERATE_DEV_HINTS_H

#include <stdio.h>

#include "definition/definition.h"

/* How to start a saga of the definition, and how to send the events that it waits for: nobody
 * simulates the outside world. `program` is the name of this program; what an expression reads of a
 * body is named in a comment of the shell. */
void saga_dev_hints(const struct saga_definition *definition, const char *program,
                    struct saga_arena *arena, FILE *out);

#endif
