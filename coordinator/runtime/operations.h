/* A lane's log of what operators said (VIEWS.md): each entry is a function of one journal record, so that a lane which is
 * built anew has the same ones. */
#ifndef SAGA_RUNTIME_OPERATIONS_H
#define SAGA_RUNTIME_OPERATIONS_H

#include "codec/codec.h"
#include "store/store.h"

/* The entry of a record: JSON, as docs say it (VIEWS.md). Absent where the record is no operator's command, or one that a job has
 * sent: a job is told of as a whole, else a large one would drive all others out. In `arena`. */
struct saga_slice saga_operation_entry(const struct saga_journal_record *record,
                                       struct saga_arena *arena);
/* The same of any operator's command. */
struct saga_slice saga_operation_text(const struct saga_journal_record *record,
                                      struct saga_arena *arena);
/* The job that has sent the record's command; absent: none has. A part of the command's id. */
struct saga_slice saga_operation_job(const struct saga_journal_record *record,
                                     struct saga_arena *arena);

/* A log as a snapshot has it (R12): lines of text, the newest entries that fit into `bytes_max`; where not all do, it is whole
 * from the oldest of them on. In `arena`. */
struct saga_slice saga_operations_write(const struct saga_lane_log *log, size_t bytes_max,
                                        struct saga_arena *arena);
/* Entries are views of `text`. Errors: SAGA_E_INVALID. */
int saga_operations_read_log(struct saga_slice text, struct saga_arena *arena,
                             struct saga_lane_log *ret);

#endif
