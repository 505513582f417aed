/* `saga jobs`: what was asked for of many sagas at once, and how far it has come. */
#include <inttypes.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/time.h"
#include "operate/answer.h"
#include "operate/bulk.h"
#include "operate/output.h"

enum { KEY_FOLLOW = 'f', KEY_AS_USER = 256, KEY_WAIT };
enum { WAIT_MS = 10000 };

/* ---- list ---- */

static const char *status_words(const struct saga_job *job)
{
    bool ended = saga_job_has_ended(job->status);
    if (!ended && job->stop_ms) return "stopping";
    return !ended && job->why.size ? "held up" : saga_job_status_name(job->status);
}

static void print_list(struct saga_call *call, struct saga_job **list, size_t count)
{
    struct saga_table table;
    struct saga_arena *arena = call->arena;
    int64_t now_ms = saga_now_ms();
    saga_table_init(&table, arena, "JOB", "COMMAND", "STATUS", "SENT", "ASKED FOR", "BY", "WHERE",
                    NULL);
    for (size_t i = 0; i < count; i++) {
        const struct saga_job *job = list[i];
        const char *sent = saga_arena_printf(arena, "%" PRIu64, job->sent).data;
        if (job->began_ms)
            sent = saga_arena_printf(arena, "%s of %" PRIu64, sent, job->selected).data;
        saga_table_add(&table, saga_arena_string(arena, job->id), saga_verb_name(job->verb),
                       status_words(job), sent, saga_age(arena, job->created_ms, now_ms),
                       saga_printable(arena, job->who), saga_printable(arena, job->where));
    }
    if (count)
        saga_table_print(&table, stdout);
    else
        puts("no jobs");
}

static int run_list(struct saga_call *call)
{
    struct saga_jobs jobs;
    struct saga_job **list;
    size_t count;
    int code = saga_jobs_read(call, &jobs);
    if (code != SAGA_EXIT_DONE) return code;
    saga_jobs_sorted(&jobs, call->arena, &list, &count);
    if (call->output == SAGA_OUTPUT_TEXT) {
        print_list(call, list, count);
    } else {
        json_t *rows = json_array();
        for (size_t i = 0; i < count; i++) json_array_append_new(rows, saga_job_json(list[i]));
        saga_print_rows(call, rows);
    }
    saga_jobs_free(&jobs);
    return SAGA_EXIT_DONE;
}

/* ---- one of them ---- */

static int find(struct saga_call *call, struct saga_jobs *jobs, struct saga_job **ret)
{
    const char *id = call->arguments[0];
    int code = saga_jobs_read(call, jobs);
    if (code != SAGA_EXIT_DONE) return code;
    *ret = saga_jobs_find(jobs, saga_slice_of(id));
    if (*ret) return SAGA_EXIT_DONE;
    saga_jobs_free(jobs);
    return saga_call_fail(call, SAGA_EXIT_NOT_FOUND, "`saga jobs list` shows those that there are",
                          "there is no job \"%s\"", saga_printable(call->arena, saga_slice_of(id)));
}

static void print_time(const char *name, int64_t time_ms)
{
    char text[SAGA_TIME_TEXT_BYTES];
    if (!time_ms) return;
    saga_time_format(time_ms, text);
    printf("%-10s %s\n", name, text);
}

static void print_job(struct saga_call *call, const struct saga_job *job)
{
    struct saga_arena *arena = call->arena;
    puts(saga_job_words(job, arena));
    printf("%-10s %s\n", "where", saga_printable(arena, job->where));
    printf("%-10s %s\n", "reason", saga_printable(arena, job->reason));
    printf("%-10s %s at %s\n", "by", saga_printable(arena, job->who),
           saga_printable(arena, job->from));
    printf("%-10s at most %u a second\n", "rate", job->rate);
    if (job->began_ms)
        printf("%-10s %" PRIu64 " sagas, %" PRIu64 " dealt with\n", "selected", job->selected,
               job->position);
    print_time("asked for", job->created_ms);
    print_time("began", job->began_ms);
    print_time("ended", job->ended_ms);
    if (job->stop_who.size)
        printf("%-10s by %s\n", "stopped", saga_printable(arena, job->stop_who));
}

static int tell(struct saga_call *call, const struct saga_job *job)
{
    if (call->output == SAGA_OUTPUT_TEXT)
        print_job(call, job);
    else
        saga_print_object(call, saga_job_json(job));
    return job->status == SAGA_JOB_FAILED ? SAGA_EXIT_FAILED : SAGA_EXIT_DONE;
}

/* Follows a job that is there; then tells of it. */
static int follow(struct saga_call *call, int64_t wait_ms)
{
    struct saga_jobs jobs = { 0 };
    struct saga_job *job;
    int code = saga_job_follow(call, saga_slice_of(call->arguments[0]), wait_ms, &jobs, &job);
    if (code == SAGA_EXIT_DONE) code = tell(call, job);
    saga_jobs_free(&jobs);
    return code;
}

static int run_show(struct saga_call *call)
{
    struct saga_jobs jobs;
    struct saga_job *job;
    int64_t wait_ms;
    int code = saga_call_duration(call, KEY_WAIT, WAIT_MS, &wait_ms);
    if (code == SAGA_EXIT_DONE) code = find(call, &jobs, &job);
    if (code != SAGA_EXIT_DONE) return code;
    bool wait = saga_call_has(call, KEY_FOLLOW) && !saga_job_has_ended(job->status);
    if (!wait) code = tell(call, job);
    saga_jobs_free(&jobs);
    return wait ? follow(call, wait_ms) : code;
}

static int run_stop(struct saga_call *call)
{
    struct saga_jobs jobs;
    struct saga_job *job;
    int64_t wait_ms;
    const char *who = saga_call_option(call, KEY_AS_USER);
    int code = saga_call_duration(call, KEY_WAIT, WAIT_MS, &wait_ms);
    if (code == SAGA_EXIT_DONE) code = find(call, &jobs, &job);
    if (code != SAGA_EXIT_DONE) return code;
    bool ended = saga_job_has_ended(job->status);
    if (ended)
        code = tell(call, job);
    else
        code = saga_job_stop(call, job,
                             saga_slice_of(who && *who ? who : saga_user_name(call->arena)));
    saga_jobs_free(&jobs);
    return ended || code != SAGA_EXIT_DONE ? code : follow(call, wait_ms);
}

/* ---- the commands ---- */

#define WAIT_OPTION                                                                                \
    {                                                                                              \
        "timeout", KEY_WAIT, "DURATION", 0,                                                        \
            "how long to wait for a coordinator to take it (default 10s)", 0                       \
    }

static const struct argp_option show_options[] = {
    { "follow", KEY_FOLLOW, NULL, 0, "wait until it has ended", 0 },
    WAIT_OPTION,
    { 0 },
};
static const struct argp_option stop_options[] = {
    { "as-user", KEY_AS_USER, "NAME", 0, "who says so; default: $USER", 0 },
    WAIT_OPTION,
    { 0 },
};

const struct saga_subcommand saga_subcommand_jobs_list = {
    .name = "jobs list",
    .summary = "list jobs: commands for many sagas at once",
    .details = "The newest first. What retry, skip, cancel, pause and resume are told with --where "
               "is done by the coordinator as a job. Jobs that have ended are kept for 30 days.",
    .examples = "  saga jobs list\n"
                "  saga jobs list -o json",
    .configured = true,
    .has_output = true,
    .run = run_list,
};

const struct saga_subcommand saga_subcommand_jobs_show = {
    .name = "jobs show",
    .arguments = "JOB",
    .summary = "show how far a job has come",
    .examples = "  saga jobs show 3f9a0c1d2e4b\n"
                "  saga jobs show 3f9a0c1d2e4b --follow",
    .options = show_options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = run_show,
};

const struct saga_subcommand saga_subcommand_jobs_stop = {
    .name = "jobs stop",
    .arguments = "JOB",
    .summary = "stop a job",
    .details = "Sagas that were sent the command keep it; no further one is sent it.",
    .examples = "  saga jobs stop 3f9a0c1d2e4b",
    .options = stop_options,
    .arguments_min = 1,
    .arguments_max = 1,
    .configured = true,
    .has_output = true,
    .run = run_stop,
};
