/* Reads the folder of schemas: every *.avsc below it, and what registry.yaml says of them:
 *
 *     ids:                # under which a schema registry knows a file; the last one of a file is written with
 *       17: invoicing/CreateInvoice.avsc
 *     fingerprints:       # by which it is known elsewhere, beside its own; 16 hexadecimal digits
 *       3ab5c2a06a79d63d: invoicing/CreateInvoice-1.avsc
 *
 * Names that begin with a dot are left out. */
#ifndef SAGA_DEFINITION_SCHEMA_FOLDER_H
#define SAGA_DEFINITION_SCHEMA_FOLDER_H

#include "base/diagnostic.h"
#include "schema/schemas.h"

/* A folder that is not there has no schemas. `*ret` is the caller's share (saga_schemas_free).
 * Errors: SAGA_E_INVALID with findings. */
int saga_schema_folder_read(const char *folder, struct saga_diagnostics *diagnostics,
                            struct saga_schemas **ret);
/* A number that changes when a file of the folder does (name, size, time of change); no file is read for it. */
uint64_t saga_schema_folder_look(const char *folder);

#endif
