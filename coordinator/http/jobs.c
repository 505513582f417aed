/* Jobs: one command for all sagas that a filter means, asked for, looked at and stopped. */
#include "operate/jobs.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/json.h"
#include "http/server.h"
#include "operate/output.h"

/* Portions of some thousands that are looked at to say how many there are, while somebody waits. */
enum { SHOWN = 20, PORTIONS_MAX = 20, JOBS_MAX = 1000 };

/* ---- filters ---- */

bool saga_exchange_where(struct saga_exchange *x, struct saga_slice text, int64_t now_ms,
                         struct saga_filter *ret)
{
    struct saga_filter_fault fault;
    if (saga_filter_parse(text, now_ms, &x->arena, ret, &fault) == SAGA_OK) return true;
    json_t *members =
        json_pack("{s:I, s:I}", "column", (json_int_t)saga_filter_fault_column(text, &fault),
                  "width", (json_int_t)(fault.size ? fault.size : 1));
    saga_exchange_problem_with(x, 400, "bad-filter", fault.mend, saga_slice_of(fault.what),
                               members);
    return false;
}

/* ---- asking for one ---- */

enum { VERB, WHERE, REASON, RATE, ID, MEMBERS };
static const char *const member_names[MEMBERS] = { "verb", "where", "reason", "rate", "id" };

static bool bad_member(struct saga_exchange *x, const char *name, const char *mend)
{
    saga_exchange_problem(x, 400, "bad-body", mend, "the member \"%s\" cannot be that", name);
    return false;
}

static bool read_rate(struct saga_exchange *x, struct saga_slice json, unsigned *ret)
{
    unsigned long long rate = SAGA_JOB_RATE_DEFAULT;
    bool good = !json.data || (saga_slice_to_u64(json, &rate) == SAGA_OK && rate >= 1 &&
                               rate <= SAGA_JOB_RATE_MAX);
    *ret = (unsigned)rate;
    return good || bad_member(x, "rate", "sagas a second, from 1 to 5000");
}
_Static_assert(SAGA_JOB_RATE_MAX == 5000, "what read_rate says");

static bool read_job(struct saga_exchange *x, bool dry_run, struct saga_job *ret)
{
    struct saga_slice members[MEMBERS], verb, id;
    *ret = (struct saga_job){ .created_ms = saga_now_ms(),
                              .who = x->identity.subject,
                              .from = saga_arena_copy(&x->arena, saga_slice_of(x->peer)) };
    if (!saga_exchange_members(x, member_names, MEMBERS, dry_run ? REASON : RATE, members) ||
        !saga_exchange_text(x, "verb", members[VERB], 1, 16, &verb) ||
        !saga_exchange_text(x, "where", members[WHERE], 1, SAGA_FILTER_BYTES_MAX, &ret->where) ||
        !saga_exchange_text(x, "reason", members[REASON], 1, SAGA_MESSAGE_BYTES_MAX,
                            &ret->reason) ||
        !saga_exchange_text(x, "id", members[ID], 1, 64, &id) ||
        !read_rate(x, members[RATE], &ret->rate))
        return false;
    ret->verb = saga_verb_of(verb);
    ret->id = id.data ? id : saga_job_new_id(&x->arena);
    if (!saga_job_is_verb(ret->verb))
        return bad_member(x, "verb", "cancel, retry, skip, pause or resume");
    return saga_job_is_id(ret->id) ||
           bad_member(x, "id", "1 to 64 small letters, digits and `-`, the first no `-`");
}

struct found {
    struct saga_arena *arena;
    json_t *items;
};

static void add_found(const struct saga_state *state, void *context)
{
    struct found *found = context;
    json_array_append_new(found->items, saga_list_json(state, found->arena));
}

static void answer_dry_run(struct saga_exchange *x, const struct saga_job *job, json_t *items,
                           uint64_t count, bool more)
{
    saga_exchange_answer_json(x, 200,
                              json_pack("{s:s, s:o, s:I, s:b, s:O}", "verb",
                                        saga_verb_name(job->verb), "where",
                                        saga_json_string(job->where), "count", (json_int_t)count,
                                        "more", more, "items", items));
}

static void answer_job(struct saga_exchange *x, unsigned status, const struct saga_job *job)
{
    x->location = saga_arena_printf(&x->arena, "/api/v1/jobs/%.*s", SAGA_SLICE_ARG(job->id));
    saga_exchange_answer_json(x, status, saga_job_json(job));
}

static bool is_same(const struct saga_job *a, const struct saga_job *b)
{
    return a->verb == b->verb && a->rate == b->rate && saga_slice_equal(a->where, b->where) &&
           saga_slice_equal(a->reason, b->reason) && saga_slice_equal(a->who, b->who);
}

/* True: there is one of that name, so that this is the same request once more, or another one. It has answered. */
static bool is_there(struct saga_exchange *x, const struct saga_job *job)
{
    struct saga_jobs jobs;
    int code = saga_jobs_read(x->call, &jobs);
    if (code != SAGA_EXIT_DONE) {
        saga_exchange_failed(x, SAGA_EXIT_FAILED, 503, "kafka");
        return true;
    }
    const struct saga_job *other = saga_jobs_find(&jobs, job->id);
    if (other && is_same(other, job))
        answer_job(x, 200, other);
    else if (other)
        saga_exchange_problem(x, 409, "job-exists", "take another id, or none",
                              "there is another job of that id");
    saga_jobs_free(&jobs);
    return other != NULL;
}

static void submit(struct saga_exchange *x, const struct saga_job *job)
{
    int code = saga_job_submit(x->call, job);
    if (code == SAGA_EXIT_USAGE)
        saga_exchange_failed(x, SAGA_EXIT_FAILED, 409, "too-many-jobs");
    else if (code != SAGA_EXIT_DONE)
        saga_exchange_failed(x, SAGA_EXIT_FAILED, 503, "kafka");
    else
        answer_job(x, 201, job);
}

void saga_http_start_job(struct saga_exchange *x)
{
    struct saga_filter filter;
    struct saga_job job;
    uint64_t count = 0;
    bool dry_run, more = false;
    if (!saga_exchange_bool(x, "dryRun", false, &dry_run) || !read_job(x, dry_run, &job) ||
        !saga_exchange_where(x, job.where, job.created_ms, &filter))
        return;
    if (!dry_run && is_there(x, &job)) return;
    struct found found = { .arena = &x->arena, .items = json_array() };
    int code =
        saga_where_count(x->call, &filter, SHOWN, PORTIONS_MAX, add_found, &found, &count, &more);
    job.expected = more ? 0 : count;
    if (code != SAGA_EXIT_DONE)
        saga_exchange_failed(x, code, 503, "redis");
    else if (dry_run)
        answer_dry_run(x, &job, found.items, count, more);
    else
        submit(x, &job);
    json_decref(found.items);
}

/* ---- those that there are ---- */

static bool read_jobs(struct saga_exchange *x, struct saga_jobs *ret)
{
    if (saga_jobs_read(x->call, ret) == SAGA_EXIT_DONE) return true;
    saga_exchange_failed(x, SAGA_EXIT_FAILED, 503, "kafka");
    return false;
}

void saga_http_jobs(struct saga_exchange *x)
{
    struct saga_jobs jobs;
    struct saga_job **list;
    size_t count;
    if (!read_jobs(x, &jobs)) return;
    json_t *items = json_array();
    saga_jobs_sorted(&jobs, &x->arena, &list, &count);
    for (size_t i = 0; i < count && i < JOBS_MAX; i++)
        json_array_append_new(items, saga_job_json(list[i]));
    saga_jobs_free(&jobs);
    saga_exchange_answer_json(x, 200, json_pack("{s:o}", "items", items));
}

/* The job that the path names, in `jobs`. False: it has answered. */
static bool find_job(struct saga_exchange *x, struct saga_jobs *jobs, struct saga_job **ret)
{
    if (!read_jobs(x, jobs)) return false;
    *ret = saga_jobs_find(jobs, x->path_values[0]);
    if (*ret) return true;
    saga_jobs_free(jobs);
    saga_exchange_problem(x, 404, "not-found", "/api/v1/jobs lists those that there are",
                          "there is no such job");
    return false;
}

void saga_http_job(struct saga_exchange *x)
{
    struct saga_jobs jobs;
    struct saga_job *job;
    if (!find_job(x, &jobs, &job)) return;
    saga_exchange_answer_json(x, 200, saga_job_json(job));
    saga_jobs_free(&jobs);
}

/* It ends a moment later, by whoever does it. */
void saga_http_stop_job(struct saga_exchange *x)
{
    struct saga_jobs jobs;
    struct saga_job *job;
    if (!find_job(x, &jobs, &job)) return;
    bool ended = saga_job_has_ended(job->status);
    int code = ended ? SAGA_EXIT_DONE : saga_job_stop(x->call, job, x->identity.subject);
    if (!ended) job->stop_ms = saga_now_ms();
    if (!ended) job->stop_who = x->identity.subject;
    if (code == SAGA_EXIT_DONE)
        saga_exchange_answer_json(x, ended ? 200 : 202, saga_job_json(job));
    else
        saga_exchange_failed(x, SAGA_EXIT_FAILED, 503, "kafka");
    saga_jobs_free(&jobs);
}
