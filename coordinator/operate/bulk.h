/* An operator's command for all sagas that a filter means: shown first, then asked for as a job, and watched (BULK.md). */
#ifndef SAGA_OPERATE_BULK_H
#define SAGA_OPERATE_BULK_H

#include "operate/jobs.h"

struct saga_bulk {
    struct saga_event event; /* verb, who, from, reason */
    struct saga_slice where;
    unsigned rate;
    bool dry_run;
    bool yes;        /* nobody is asked */
    int64_t wait_ms; /* for a coordinator to take the job; 0: it is only asked for */
};
/* An exit code, words said. */
int saga_bulk_run(struct saga_call *call, const struct saga_bulk *bulk);

/* All that an option was given, which may be more than once, as one filter; absent where it was not. */
struct saga_slice saga_where_option(const struct saga_call *call, int key);

/* Watches a job until it has ended, with a line of how far it is where a person looks on; text says nothing else. Where nobody
 * has begun with it within `wait_ms` that is a failure. `*ret` lives in `jobs`, which the caller frees. */
int saga_job_follow(struct saga_call *call, struct saga_slice id, int64_t wait_ms,
                    struct saga_jobs *jobs, struct saga_job **ret);
/* How it ended, as a sentence. */
const char *saga_job_words(const struct saga_job *job, struct saga_arena *arena);

#endif
