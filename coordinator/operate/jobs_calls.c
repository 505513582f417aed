/* Jobs for who has a call: reading what there is, asking for one, stopping one; which sagas a filter means. */
#include "base/assert.h"
#include "base/error.h"
#include "operate/jobs.h"
#include "operate/lanes.h"
#include "operate/output.h"
#include "operate/reading.h"

enum { COUNT_PORTION = 1000 };

/* ---- the topic ---- */

/* A record that cannot be understood is another program's, or a later version's: it is no job here. */
static bool take(const struct saga_message *record, void *context)
{
    (void)saga_jobs_take(context, record->key, record->value);
    return true;
}

int saga_jobs_read(struct saga_call *call, struct saga_jobs *ret)
{
    struct saga_jobs jobs = { 0 };
    struct saga_topic_state state;
    int code = saga_call_topic(call, call->topics.jobs, &state);
    if (code == SAGA_EXIT_DONE)
        code = saga_read_to_end(call, call->topics.jobs, 0, SAGA_READ_BEGINNING, take, &jobs);
    if (code == SAGA_EXIT_DONE)
        *ret = jobs;
    else
        saga_jobs_free(&jobs);
    return code;
}

static int send(struct saga_call *call, const struct saga_message *message, const char *mend)
{
    struct saga_position position;
    if (saga_client_send(call->client, message, SAGA_CALL_TIMEOUT_MS, &position) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, mend, "it was not sent: %s",
                          saga_client_problem(call->client));
}

int saga_job_submit(struct saga_call *call, const struct saga_job *job)
{
    struct saga_jobs jobs;
    int code = saga_jobs_read(call, &jobs);
    if (code != SAGA_EXIT_DONE) return code;
    size_t open = saga_jobs_open(&jobs);
    saga_jobs_free(&jobs);
    if (open >= SAGA_JOBS_OPEN_MAX)
        return saga_call_fail(call, SAGA_EXIT_USAGE,
                              "wait for some of them, or stop them: saga jobs list",
                              "%zu jobs have not ended yet", open);
    struct saga_message message = saga_job_order_message(call->topics.jobs, job, call->arena);
    return send(call, &message,
                saga_arena_printf(call->arena,
                                  "`saga jobs show %.*s` says whether it stands all the same",
                                  SAGA_SLICE_ARG(job->id))
                    .data);
}

int saga_job_stop(struct saga_call *call, const struct saga_job *job, struct saga_slice who)
{
    struct saga_job stopped = *job;
    stopped.stop_who = who;
    stopped.stop_ms = saga_now_ms();
    struct saga_message message = saga_job_stop_message(call->topics.jobs, &stopped, call->arena);
    return send(call, &message, "say it again");
}

/* ---- which sagas ---- */

int saga_where_read(struct saga_call *call, struct saga_slice text, int64_t now_ms,
                    struct saga_filter *ret)
{
    struct saga_filter_fault fault;
    if (saga_filter_parse(text, now_ms, call->arena, ret, &fault) == SAGA_OK) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_USAGE, fault.mend, "%s",
                          saga_filter_fault_words(text, &fault, call->arena));
}

struct counting {
    saga_visit_state *visit;
    void *context;
    uint64_t count;
    size_t shown;
};

static void count_one(const struct saga_state *state, void *context)
{
    struct counting *counting = context;
    if (counting->count++ < counting->shown) counting->visit(state, counting->context);
}

/* What was said of a failure, out of an arena that goes. */
static void keep_words(const struct saga_call *call, struct saga_arena *arena)
{
    struct saga_call_problem *problem = call->problem;
    if (!problem || !problem->what) return;
    problem->what = saga_arena_string(arena, saga_slice_of(problem->what));
    if (problem->mend) problem->mend = saga_arena_string(arena, saga_slice_of(problem->mend));
}

/* One portion of it, in an arena of its own: there may be millions. */
static int count_portion(struct saga_call *call, uint32_t lanes, struct saga_wanted *wanted,
                         struct counting *counting, struct saga_arena *place, bool *ret_more)
{
    struct saga_view_row last = { 0 };
    struct saga_arena arena, *whole = call->arena;
    saga_arena_init(&arena);
    call->arena = &arena;
    int code = saga_find(call, lanes, wanted, count_one, counting, ret_more, &last);
    call->arena = whole;
    keep_words(call, whole);
    saga_arena_reset(place);
    if (last.saga_id.data) {
        wanted->page.has_after = true;
        wanted->page.after_ms = last.changed_ms;
        wanted->page.after_id = saga_arena_copy(place, last.saga_id);
    } else {
        *ret_more = false;
    }
    saga_arena_free(&arena);
    return code;
}

int saga_where_count(struct saga_call *call, const struct saga_filter *filter, size_t shown,
                     size_t portions_max, saga_visit_state *visit, void *context,
                     uint64_t *ret_count, bool *ret_more)
{
    struct saga_wanted wanted = { .page.until_ms = INT64_MAX,
                                  .page.limit = COUNT_PORTION,
                                  .filter = filter };
    struct counting counting = { visit, context, 0, shown };
    struct saga_arena places[2];
    uint32_t lanes;
    bool more = saga_filter_narrow(filter, call->arena, &wanted.page);
    int code = saga_call_lanes(call, &lanes);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    for (size_t i = 0; i < 2; i++) saga_arena_init(&places[i]);
    for (size_t turn = 0; code == SAGA_EXIT_DONE && more && turn < portions_max; turn++)
        code = count_portion(call, lanes, &wanted, &counting, &places[turn % 2], &more);
    for (size_t i = 0; i < 2; i++) saga_arena_free(&places[i]);
    *ret_count = counting.count;
    *ret_more = more;
    return code;
}
