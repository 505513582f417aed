/* What operators did, all of it in one list, the newest first (VIEWS.md, The log): what was said to sagas stands in the lanes'
 * logs in Redis, the rest in the topics of jobs, definitions and dead letters. */
#ifndef SAGA_OPERATE_OPERATIONS_H
#define SAGA_OPERATE_OPERATIONS_H

#include <jansson.h>

#include "operate/command.h"
#include "operate/definitions.h"

enum saga_operation_on {
    SAGA_OPERATION_ON_SAGA,
    SAGA_OPERATION_ON_JOB,
    SAGA_OPERATION_ON_DEFINITION,
    SAGA_OPERATION_ON_LETTER,
    SAGA_OPERATION_ON_COUNT
};

struct saga_operation {
    enum saga_operation_on on;
    int64_t time_ms;
    struct saga_slice place; /* tells it from others of the same time, in the order of bytes */
    struct saga_slice verb, who, from, reason; /* absent: not known */
    struct saga_slice outcome; /* "done", "nothing to do", "refused"; a job's status */
    struct saga_slice words;   /* why it was refused, or what holds a job up */
    struct saga_slice saga_id, as;
    struct saga_slice job, where;
    uint64_t sent; /* by the job, to so many sagas */
    struct saga_slice definition;
    uint32_t version;
    int32_t partition; /* of a dead letter */
    int64_t offset;
};

struct saga_operations_wanted {
    struct saga_slice who, verb, saga_id, definition; /* absent: any */
    uint32_t version;         /* on which the saga was, or that was deployed; 0: any */
    struct saga_slice job;    /* this one, and what it said to each saga; absent: jobs as a whole */
    uint64_t job_records_max; /* of the journals that may be read for that; 0: no bound */
    int64_t since_ms, until_ms; /* from, and before; INT64_MAX: no end */
    bool has_after;             /* begins behind this one */
    int64_t after_ms;
    struct saga_slice after_place;
    size_t limit;
    /* What is deployed, where somebody knows it already. */
    bool has_deployed;
    const struct saga_deployed **deployed;
    size_t deployed_count;
    /* What was done about dead letters, where somebody keeps it; may be NULL. */
    struct saga_letter_notes *notes;
};
struct saga_operations {
    uint32_t lanes;               /* of whose logs it is */
    struct saga_operation *items; /* the newest first */
    size_t count, capacity;
    bool more; /* behind `last`, the last that was looked at */
    int64_t last_ms;
    struct saga_slice last_place;
    bool whole;    /* the logs know all that the journals have; of a job: those have its time */
    bool too_many; /* there are more records than may be read */
    bool since_known;
    int64_t since_ms; /* else, and where that is known: from here on they do */
};
/* Looks at some thousands of entries at most, and gives fewer than it might then. An exit code, words said; all is in the call's
 * arena. SAGA_EXIT_USAGE: no place of this list, or `too_many`. SAGA_EXIT_NOT_FOUND: there is no such job. */
int saga_operations_read(struct saga_call *call, const struct saga_operations_wanted *wanted,
                         struct saga_operations *ret);
/* Is it a verb that the list has? All of them, for people. */
#define SAGA_OPERATION_VERBS                                                                       \
    "cancel, retry, skip, resolve, pause, resume, forget, stop (a job), deploy, resend, drop"
bool saga_operation_is_verb(struct saga_slice verb);
json_t *saga_operation_json(const struct saga_operation *operation);

extern const struct saga_subcommand saga_subcommand_operations;

#endif
