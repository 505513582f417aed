/* The schemas of a folder: by the name of their message type, by fingerprint, by the id under which a schema registry
 * knows them. Pure: who reads the folder (definition/schema_folder.h) adds the files' texts.
 *
 * A file holds one record, or a union of them; it may name types that other files define. Where several files define
 * one record, the file that is called as the record is the current one (ChargeCard.avsc; the full name is as good), and
 * the others are earlier versions: what was written by them is read as the current one says. */
#ifndef SAGA_SCHEMA_SCHEMAS_H
#define SAGA_SCHEMA_SCHEMAS_H

#include "base/diagnostic.h"
#include "schema/schema.h"

/* Code of the findings about schema files (definition/findings.h). */
#define SAGA_SCHEMA_FINDING "SG701"

struct saga_schemas;

/* Counted: threads share it. The caller has the first share. */
struct saga_schemas *saga_schemas_new(void);
struct saga_schemas *saga_schemas_hold(struct saga_schemas *schemas);
/* Gives a share back; the last one frees it. NULL is fine. */
void saga_schemas_free(struct saga_schemas *schemas);

/* Adds a file: its path below the folder, and its text, both copied. */
void saga_schemas_add(struct saga_schemas *schemas, struct saga_slice path, struct saga_slice text);
/* Reads what was added, once; afterwards nothing of it changes, and any thread may look things up.
 * Errors: SAGA_E_INVALID with findings (`folder` in front of their files). */
int saga_schemas_read(struct saga_schemas *schemas, const char *folder,
                      struct saga_diagnostics *diagnostics);
/* Says under which id or fingerprint the schema of a file is known elsewhere, after reading. The id that is given last
 * is the one to write with. Errors: SAGA_E_NOT_FOUND (no such file), SAGA_E_CONFLICT (it is another file's). */
int saga_schemas_add_id(struct saga_schemas *schemas, uint32_t id, struct saga_slice path);
int saga_schemas_add_fingerprint(struct saga_schemas *schemas, uint64_t fingerprint,
                                 struct saga_slice path);

/* How many files there are. */
size_t saga_schemas_count(const struct saga_schemas *schemas);

/* The current record of a message type: by full name, else by the name without its namespace.
 * Errors: SAGA_E_NOT_FOUND; SAGA_E_CONFLICT (several namespaces have one); with words in `arena`. */
int saga_schemas_type(const struct saga_schemas *schemas, struct saga_slice type,
                      struct saga_arena *arena, const struct saga_schema **ret,
                      struct saga_slice *ret_words);
/* NULL where there is none. */
const struct saga_schema *saga_schemas_by_id(const struct saga_schemas *schemas, uint32_t id);
const struct saga_schema *saga_schemas_by_fingerprint(const struct saga_schemas *schemas,
                                                      uint64_t fingerprint);
/* Earlier versions of a current record, one a call: `*place` is 0 at first. NULL: no more. */
const struct saga_schema *saga_schemas_earlier(const struct saga_schemas *schemas,
                                               const struct saga_schema *current, size_t *place);
/* The id to write a current record with. Errors: SAGA_E_NOT_FOUND. */
int saga_schemas_id_of(const struct saga_schemas *schemas, const struct saga_schema *schema,
                       uint32_t *ret);
uint64_t saga_schemas_fingerprint_of(const struct saga_schemas *schemas,
                                     const struct saga_schema *schema);
/* What is read of a writer's schema: the current record of that name, or that has it as an alias; else itself. */
const struct saga_schema *saga_schemas_reader(const struct saga_schemas *schemas,
                                              const struct saga_schema *writer);

#endif
