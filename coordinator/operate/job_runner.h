/* Jobs are done by one process of an installation, in a thread beside the workers: whoever holds the lease in Redis. That only
 * one does it at a time is Kafka's doing (bus/outbox.h): a process that comes too late commits nothing (BULK.md). */
#ifndef SAGA_OPERATE_JOB_RUNNER_H
#define SAGA_OPERATE_JOB_RUNNER_H

#include "runtime/config.h"
#include "runtime/daemon.h"

struct saga_job_runner;

/* Begins once the daemon has found its surroundings good. `config` and `daemon` must outlive it. Errors: SAGA_E_STOP (the
 * schemas cannot be read). */
int saga_job_runner_start(const struct saga_config *config, struct saga_daemon *daemon,
                          struct saga_job_runner **ret);
/* Ends what is in hand, gives the lease back, and frees it. NULL is fine. */
void saga_job_runner_stop(struct saga_job_runner *runner);

#endif
