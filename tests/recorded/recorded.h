/* Journals that were recorded (golden/journals/README.md): one file a lane, the definitions by which they were decided, and
 * what they add up to. Trouble fails the test at once, with words. */
#ifndef SAGA_TESTS_RECORDED_H
#define SAGA_TESTS_RECORDED_H

#include <stdio.h>

#include "base/message.h"
#include "definition/catalog.h"
#include "runtime/replay.h"

#define RECORDED_FOLDER SAGA_SOURCE_DIR "/tests/golden/journals"

/* The folder's name for the format that this program writes: the fingerprint of schemas/journal.avsc. */
void recorded_format(char ret[17]);

/* One record as a line. */
void recorded_write(FILE *file, const struct saga_message *record);
/* Every record of a lane, in order; a record's memory goes after the call. False: there is no such lane. */
bool recorded_lane(const char *folder, uint32_t lane,
                   void (*visit)(const struct saga_message *record, void *context), void *context);

/* The same of any file of records, which are given this partition. */
bool recorded_file(const char *folder, const char *name, uint32_t partition,
                   void (*visit)(const struct saga_message *record, void *context), void *context);

/* What the folder's definitions/ and schemas/ hold. The caller frees both, the catalog first. */
void recorded_catalog(const char *folder, struct saga_catalog **ret,
                      struct saga_schemas **ret_schemas);

/* Replays all lanes; every difference is printed. */
void recorded_replay(const char *folder, struct saga_replay_counts *ret);
/* What a replay gave, as the text of expected.json. The caller frees it. */
char *recorded_counts(const struct saga_replay_counts *counts);
/* A whole file, which the caller frees. */
char *recorded_text(const char *folder, const char *name);

#endif
