/* A lane's records as an Avro object container file, for tools that read those: each decoded, under the journal's schema.
 * AUDIT.md has the form. */
#ifndef SAGA_OPERATE_EXPORT_AVRO_H
#define SAGA_OPERATE_EXPORT_AVRO_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/message.h"

struct saga_export_avro;
/* Begins a file, which must not be there. Errors of open and close: SAGA_E_INVALID with words in `arena`. */
int saga_export_avro_open(const char *path, struct saga_arena *arena, struct saga_export_avro **ret,
                          struct saga_diagnostic *diagnostic);
/* The next record. `readable`: its value is a journal record; else it goes into the file as it is. What fails is told when
 * the file is closed. */
void saga_export_avro_add(struct saga_export_avro *avro, const struct saga_message *message,
                          bool readable);
/* Ends the file and frees; NULL is fine. */
int saga_export_avro_close(struct saga_export_avro *avro, struct saga_arena *arena,
                           struct saga_diagnostic *diagnostic);

#endif
