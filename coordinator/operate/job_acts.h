/* What a job said to each of its sagas, and what became of it: no log has it (VIEWS.md, The log), but the journals do, from when the job
 * began. */
#ifndef SAGA_OPERATE_JOB_ACTS_H
#define SAGA_OPERATE_JOB_ACTS_H

#include "operate/jobs.h"

/* `entry` as runtime/operations.h makes it; it is there during the call only. */
typedef void saga_visit_job_act(uint32_t lane, int64_t offset, int64_t time_ms,
                                struct saga_slice entry, void *context);
/* All of them, lane by lane, in the order in which they were taken. Reads the journals of the time of the job, and what is behind it
 * as long as some have not been taken; `records_max` (0: no bound) are read at most. An exit code, words said; SAGA_EXIT_USAGE where
 * there are more records. `*ret_whole`: no journal was cut behind the job's beginning. */
int saga_job_acts_visit(struct saga_call *call, const struct saga_job *job, uint64_t records_max,
                        saga_visit_job_act *visit, void *context, bool *ret_whole);

#endif
