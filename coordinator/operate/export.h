/* Writing an export of the journal into a folder (AUDIT.md has the form): the lanes' records, definitions, snapshots where
 * the journal's beginning is gone, anchors, the schema, and the manifest with a hash of each file.
 *
 * Who reads the journal says of each record, in order, whether it is taken or left out; how the lines then hang together
 * is known here. */
#ifndef SAGA_OPERATE_EXPORT_H
#define SAGA_OPERATE_EXPORT_H

#include <jansson.h>

#include "base/diagnostic.h"
#include "base/message.h"
#include "codec/codec.h"

struct saga_export;

/* What was asked for, for the manifest; NULL: not asked for. */
struct saga_export_selection {
    const char *since, *until; /* RFC 3339 */
    const char *saga, *search;
    bool whole_lane;
};

/* Begins an export in `folder`, which is made; one that is there must be empty. Freed with saga_export_free, which takes away
 * again what was written, and the folder if it was made here, unless the export was finished: so it can be tried once more.
 * Errors of all of these: SAGA_E_INVALID with words in `diagnostic` (a file cannot be made or written), which live until
 * the next call; those of saga_export_new in `arena`. */
int saga_export_new(const char *folder, uint32_t lanes,
                    const struct saga_export_selection *selection, struct saga_arena *arena,
                    struct saga_export **ret, struct saga_diagnostic *diagnostic);
void saga_export_free(struct saga_export *made);

/* The lanes' records also as Avro (export_avro.h). Before the first lane. */
void saga_export_use_avro(struct saga_export *made);

/* Begins a lane. `low` is the first offset that its journal still has. */
int saga_export_lane(struct saga_export *made, uint32_t lane, int64_t low,
                     struct saga_diagnostic *diagnostic);
/* The next record of its journal; `record` is NULL where it cannot be read as one. */
void saga_export_take(struct saga_export *made, const struct saga_message *message,
                      const struct saga_journal_record *record);
void saga_export_leave_out(struct saga_export *made, const struct saga_message *message,
                           const struct saga_journal_record *record);
/* A record of its saga.snapshots. */
int saga_export_snapshot(struct saga_export *made, const struct saga_message *message,
                         struct saga_diagnostic *diagnostic);
/* Ends the lane, of which there are no more records. */
int saga_export_lane_end(struct saga_export *made, struct saga_diagnostic *diagnostic);

/* A line of anchors, where they do not come from a file. */
int saga_export_anchor(struct saga_export *made, struct saga_slice line,
                       struct saga_diagnostic *diagnostic);

/* Records of the topic of definitions, in order, once; then what is left: a file of anchors (may be NULL), the schema and
 * the manifest. `ret_sha256`: the manifest's. */
void saga_export_definition(struct saga_export *made, const struct saga_message *message);
int saga_export_finish(struct saga_export *made, const char *anchors,
                       char ret_sha256[2 * SAGA_SHA256_BYTES + 1],
                       struct saga_diagnostic *diagnostic);

/* After the last lane: records in it, left out of it, and whether it is all that there was. */
uint64_t saga_export_records(const struct saga_export *made);
uint64_t saga_export_left_out(const struct saga_export *made);
bool saga_export_is_complete(const struct saga_export *made);

/* Names in the folder. */
#define SAGA_EXPORT_FORMAT "saga-audit-export"
enum { SAGA_EXPORT_VERSION = 1 };
#define SAGA_EXPORT_MANIFEST "manifest.json"
#define SAGA_EXPORT_DEFINITIONS "definitions.jsonl"
#define SAGA_EXPORT_ANCHORS "anchors.jsonl"
#define SAGA_EXPORT_SCHEMA "schemas/journal.avsc"

#endif
