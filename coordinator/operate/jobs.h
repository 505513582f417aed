/* Jobs: one operator's command for all sagas that a filter means (BULK.md). Their records in the topic of jobs, and what these
 * say together. A job has three records, each with one writer, under keys of their own: what is to be done (`ID`, by who
 * asked for it), how far it has come (`ID/progress`, by the process that does it), and that it shall stop (`ID/stop`). */
#ifndef SAGA_OPERATE_JOBS_H
#define SAGA_OPERATE_JOBS_H

#include <jansson.h>

#include "engine/event.h"
#include "operate/command.h"
#include "operate/sagas.h"

enum saga_job_status {
    SAGA_JOB_WAITING, /* nobody has begun with it */
    SAGA_JOB_RUNNING,
    SAGA_JOB_DONE,    /* every saga that was meant was sent the command */
    SAGA_JOB_STOPPED, /* as somebody said so */
    SAGA_JOB_FAILED,  /* it cannot be done: `why` */
    SAGA_JOB_STATUS_COUNT
};
const char *saga_job_status_name(enum saga_job_status status);
bool saga_job_has_ended(enum saga_job_status status);

/* Texts are the job's own. */
struct saga_job {
    struct saga_slice id;
    /* what is to be done */
    enum saga_verb verb;
    struct saga_slice where; /* the filter; ages count back from `created_ms` */
    struct saga_slice reason, who, from;
    unsigned rate;     /* sagas a second */
    uint64_t expected; /* so many matched when it was asked for; 0: not counted */
    int64_t created_ms;
    /* how far it has come */
    enum saga_job_status status;
    uint64_t selected; /* sagas that it is about, once it has begun */
    uint64_t position; /* so many of them are dealt with */
    uint64_t sent;     /* so many were sent the command; others did not match any more */
    int64_t began_ms, progress_ms, ended_ms; /* 0: not yet */
    struct saga_slice why; /* why it failed, or what it waits for; absent: all is well */
    /* that it shall stop */
    int64_t stop_ms; /* 0: nobody said so */
    struct saga_slice stop_who;
};

/* All jobs that the topic has told of, in the order in which they were asked for. */
struct saga_jobs {
    struct saga_job_entry *entries; /* by id; private */
};
void saga_jobs_free(struct saga_jobs *jobs);
/* The next behind `last`, the first for NULL; NULL behind the last. Valid until records are taken. */
struct saga_job *saga_jobs_next(const struct saga_jobs *jobs, const struct saga_job *last);
/* NULL: there is none. */
struct saga_job *saga_jobs_find(const struct saga_jobs *jobs, struct saga_slice id);
/* How many have not ended. */
size_t saga_jobs_open(const struct saga_jobs *jobs);
/* All of them, the newest first; the list is in `arena`. */
void saga_jobs_sorted(const struct saga_jobs *jobs, struct saga_arena *arena,
                      struct saga_job ***ret, size_t *ret_count);

/* The topic's partitions: the records of jobs, and the lists of their sagas. */
enum { SAGA_JOBS_PARTITION, SAGA_JOB_LISTS_PARTITION, SAGA_JOBS_PARTITIONS };

enum saga_job_part { SAGA_JOB_ORDER, SAGA_JOB_PROGRESS, SAGA_JOB_STOP };
/* Which job, and which of its records. Errors: SAGA_E_INVALID (a key that is none). */
int saga_job_key_read(struct saga_slice key, struct saga_slice *ret_id,
                      enum saga_job_part *ret_part);
/* Takes a record of the topic; an absent value forgets the job. Of two orders of one id the first stands. Errors:
 * SAGA_E_INVALID (it says nothing that can be understood; nothing is taken). */
int saga_jobs_take(struct saga_jobs *jobs, struct saga_slice key, struct saga_slice value);

/* The records, for the topic of jobs. In `arena`. */
struct saga_message saga_job_order_message(struct saga_slice topic, const struct saga_job *job,
                                           struct saga_arena *arena);
struct saga_message saga_job_progress_message(struct saga_slice topic, const struct saga_job *job,
                                              struct saga_arena *arena);
struct saga_message saga_job_stop_message(struct saga_slice topic, const struct saga_job *job,
                                          struct saga_arena *arena);
struct saga_message saga_job_tombstone(struct saga_slice topic, struct saga_slice id,
                                       enum saga_job_part part, struct saga_arena *arena);

/* A job's sagas are listed in records of SAGA_JOB_PORTION_MAX ids each, a line an id, under `ID/0`, `ID/1` ... in a partition
 * of their own. How many there are. */
size_t saga_job_lists(const struct saga_job *job);
/* `lines` absent: it is not needed any more. */
struct saga_message saga_job_list_message(struct saga_slice topic, struct saga_slice id,
                                          size_t list, struct saga_slice lines,
                                          struct saga_arena *arena);
/* Errors: SAGA_E_INVALID (a key that is none). */
int saga_job_list_key_read(struct saga_slice key, struct saga_slice *ret_id, size_t *ret_list);

/* ---- whole jobs ---- */

/* 1 to 64 small letters, digits and dashes, a letter or digit first? */
bool saga_job_is_id(struct saga_slice id);
struct saga_slice saga_job_new_id(struct saga_arena *arena);
/* The verbs that a job may have: all but resolve. */
bool saga_job_is_verb(enum saga_verb verb);
/* The id under which the command for a saga is journaled: `<job>/<saga id>`. */
struct saga_slice saga_job_order_id(struct saga_arena *arena, struct saga_slice job,
                                    struct saga_slice saga_id);

/* As told to people and programs. */
json_t *saga_job_json(const struct saga_job *job);

/* ---- for who has a call ---- */

/* Reads the topic to its end. An exit code, words said; where the topic is not there that is a failure. */
int saga_jobs_read(struct saga_call *call, struct saga_jobs *ret);
/* Asks for a job: `job` has what is to be done. It is taken by a coordinator from then on. SAGA_EXIT_USAGE where there are
 * SAGA_JOBS_OPEN_MAX already. */
int saga_job_submit(struct saga_call *call, const struct saga_job *job);
/* Says that it shall stop. */
int saga_job_stop(struct saga_call *call, const struct saga_job *job, struct saga_slice who);

/* Which sagas a filter means: `text` is kept as it is. SAGA_EXIT_USAGE with the fault in words. */
int saga_where_read(struct saga_call *call, struct saga_slice text, int64_t now_ms,
                    struct saga_filter *ret);
/* How many there are, `visit` for the first `shown` of them (what it keeps is in an arena of its own). Looks at `portions_max`
 * portions of some thousands; `*ret_more`: there are more to be looked at. */
int saga_where_count(struct saga_call *call, const struct saga_filter *filter, size_t shown,
                     size_t portions_max, saga_visit_state *visit, void *context,
                     uint64_t *ret_count, bool *ret_more);

extern const struct saga_subcommand saga_subcommand_jobs_list;
extern const struct saga_subcommand saga_subcommand_jobs_show;
extern const struct saga_subcommand saga_subcommand_jobs_stop;

#endif
