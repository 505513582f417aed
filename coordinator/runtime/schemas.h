/* The schemas in force, shared by the workers: read from the folder when the process starts, and again whenever a file of
 * it changed. Safe from any thread. */
#ifndef SAGA_RUNTIME_SCHEMAS_H
#define SAGA_RUNTIME_SCHEMAS_H

#include <stdbool.h>

#include "base/diagnostic.h"
#include "schema/schemas.h"

struct saga_schema_store;

/* Reads the folder; one that is not there has no schemas (and may come later).
 * Errors: SAGA_E_INVALID with the first finding in `*diagnostic`. */
int saga_schema_store_open(const char *folder, struct saga_arena *arena,
                           struct saga_schema_store **ret, struct saga_diagnostic *diagnostic);
void saga_schema_store_close(struct saga_schema_store *store);

/* Looks whether the folder has changed, unless that was done less than `age_ms` ago, and reads it then. What cannot be
 * read is logged, and what was there stays in force. True: others are in force now. */
bool saga_schema_store_look(struct saga_schema_store *store, int64_t age_ms);

/* The schemas in force as a share of the caller's, in place of `*held` (NULL: none yet), which is given back; where it
 * is those already nothing changes. */
void saga_schema_store_take(struct saga_schema_store *store, struct saga_schemas **held);

#endif
