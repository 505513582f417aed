/* What job_runner.c (who does the jobs: the lease, the outbox, what the topic tells) and job_step.c (one portion of a job)
 * share. */
#ifndef SAGA_OPERATE_JOB_RUNNER_INTERNAL_H
#define SAGA_OPERATE_JOB_RUNNER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/table.h"
#include "bus/outbox.h"
#include "operate/job_runner.h"
#include "operate/jobs.h"

struct saga_job_runner {
    struct saga_call call; /* of this thread; its arena is `turn` */
    struct saga_call_problem problem;
    struct saga_daemon *daemon;
    struct saga_arena names; /* the topics' */
    struct saga_arena turn;  /* of what is in hand */
    int64_t held_ms;         /* monotonic: when the lease was last confirmed; 0: it is not ours */
    struct saga_outbox *outbox;  /* NULL: not open */
    struct saga_reader *reader;  /* of what is asked for from now on; NULL with the outbox */
    struct saga_jobs jobs;       /* as they stand: ours alone while the outbox is open */
    struct saga_job_hand *hands; /* by id */
    int64_t pruned_ms;           /* monotonic */
    int64_t log_ms;              /* of what repeats */
    pthread_t thread;
    atomic_bool stopping;
};

/* A job that is being done: what is not worth keeping, or stands written down. */
struct saga_job_hand {
    UT_hash_handle hh;
    char id[64];
    double
        tokens; /* sagas that may be sent the command now; whoever takes a job over begins with none */
    int64_t filled_ms;        /* monotonic */
    struct saga_arena arena;  /* of the list */
    struct saga_slice *lists; /* as they were written down; NULL: they were selected here */
    struct saga_slice *ids;   /* of its sagas: all of them, or those that were selected so far */
    size_t count, capacity;
    bool has_after; /* while they are selected: the last one that was looked at */
    int64_t after_ms;
    struct saga_slice after_id;
};
/* Makes one where there is none. */
struct saga_job_hand *saga_job_hand_of(struct saga_job_runner *runner, struct saga_slice id);
void saga_job_hands_free(struct saga_job_runner *runner);

/* Does what is to be done now of a job that has not ended: one portion at most. Errors: as saga_outbox_commit; after RECOVER
 * nothing is known of any job any more. */
int saga_job_step(struct saga_job_runner *runner, struct saga_job *job);

#endif
