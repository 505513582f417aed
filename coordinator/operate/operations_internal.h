/* What operations.c and operations_job.c share. */
#ifndef SAGA_OPERATE_OPERATIONS_INTERNAL_H
#define SAGA_OPERATE_OPERATIONS_INTERNAL_H

#include "operate/jobs.h"
#include "operate/operations.h"

struct saga_operations_reading {
    struct saga_call *call;
    const struct saga_operations_wanted *wanted;
    struct saga_operations *list;
};

/* ---- operations.c ---- */
bool saga_operation_is_wanted(const struct saga_operations_wanted *wanted,
                              const struct saga_operation *operation);
/* Adds it to the list if it is wanted. */
bool saga_operations_add(struct saga_operations_reading *r, const struct saga_operation *operation);
/* The job, and that it shall stop. */
void saga_operations_add_job(struct saga_operations_reading *r, const struct saga_job *job);
/* What an entry of a lane's log says. False: it is none that this version of the program writes. */
bool saga_operation_read(const struct saga_view_operation *entry, struct saga_arena *arena,
                         struct saga_operation *ret);

/* ---- operations_job.c ---- */
/* The wanted job with all that it said to its sagas, as far as it is on the page. An exit code, words said. */
int saga_operations_read_job(struct saga_operations_reading *r);

#endif
