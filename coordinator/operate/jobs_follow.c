/* Watching a job. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/time.h"
#include "operate/answer.h"
#include "operate/bulk.h"
#include "operate/output.h"

enum { POLL_MS = 200, RECORDS_MAX = 500, BAR = 30 };

static const char *passed_over(const struct saga_job *job, struct saga_arena *arena)
{
    uint64_t count = job->position - job->sent;
    if (count == 0) return "";
    return saga_arena_printf(arena, "; %" PRIu64 " did not match any more", count).data;
}

const char *saga_job_words(const struct saga_job *job, struct saga_arena *arena)
{
    char took[SAGA_TIME_TEXT_BYTES] = "";
    int64_t from_ms = job->began_ms, to_ms = job->ended_ms ? job->ended_ms : job->progress_ms;
    if (from_ms && to_ms >= from_ms) saga_duration_format(to_ms - from_ms, took);
    return saga_arena_printf(
               arena, "job %.*s is %s%s%s: %" PRIu64 " saga%s sent %s%s%s%s%s%s",
               SAGA_SLICE_ARG(job->id), saga_job_status_name(job->status),
               job->why.size ? ", as " : "", saga_printable(arena, job->why), job->sent,
               job->sent == 1 ? " was" : "s were", saga_verb_name(job->verb),
               took[0] ? " within " : "", took, passed_over(job, arena),
               job->sent ? "; `saga history ID` tells what each made of it" : "",
               job->stop_ms && !saga_job_has_ended(job->status) ? "; it shall stop" : "")
        .data;
}

/* One line that is written over and over. */
static void draw(struct saga_call *call, const struct saga_job *job)
{
    struct saga_buffer line;
    saga_buffer_init(&line, call->arena);
    uint64_t full = job->selected ? job->position * BAR / job->selected : 0;
    for (uint64_t i = 0; i < BAR; i++) saga_buffer_add_char(&line, i < full ? '#' : '.');
    if (job->began_ms)
        saga_buffer_printf(&line, " %" PRIu64 " of %" PRIu64, job->position, job->selected);
    else
        saga_buffer_add(&line, SAGA_SLICE(" its sagas are looked for"));
    if (job->why.size)
        saga_buffer_printf(&line, "; waits: %s", saga_printable(call->arena, job->why));
    fprintf(stderr, "\r%.*s\033[K", SAGA_SLICE_ARG(saga_buffer_slice(&line)));
}

static int fail_to_read(struct saga_call *call)
{
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "the job goes on all the same: `saga jobs list` shows it",
                          "the jobs cannot be read: %s", saga_client_problem(call->client));
}

/* Follows what the reader tells, until the job has ended. */
static int follow(struct saga_call *call, struct saga_reader *reader, struct saga_slice id,
                  int64_t wait_ms, struct saga_jobs *jobs, struct saga_job **ret)
{
    bool drawn = call->output == SAGA_OUTPUT_TEXT && isatty(STDERR_FILENO);
    int64_t until_ms = saga_now_ms() + wait_ms, position;
    int code = SAGA_EXIT_DONE;
    struct saga_job *job = NULL;
    while (code == SAGA_EXIT_DONE && !(job && saga_job_has_ended(job->status))) {
        struct saga_bus_records records = { 0 };
        bool end = false;
        int error = saga_reader_read(reader, POLL_MS, RECORDS_MAX, &records, &position, &end);
        if (error < 0 && error != SAGA_E_AGAIN) code = fail_to_read(call);
        for (size_t i = 0; i < records.count; i++)
            (void)saga_jobs_take(jobs, records.items[i].key, records.items[i].value);
        if (error == SAGA_OK) saga_reader_release(reader, &records);
        job = saga_jobs_find(jobs, id);
        if (drawn && job && end) draw(call, job);
        bool taken = job && (job->began_ms || job->why.size || saga_job_has_ended(job->status));
        if (code == SAGA_EXIT_DONE && !taken && saga_now_ms() > until_ms) {
            saga_answer_missed(call, wait_ms);
            code = SAGA_EXIT_FAILED;
        }
    }
    if (drawn && job) fputc('\n', stderr);
    *ret = job;
    return code;
}

int saga_job_follow(struct saga_call *call, struct saga_slice id, int64_t wait_ms,
                    struct saga_jobs *jobs, struct saga_job **ret)
{
    struct saga_reader *reader;
    if (saga_reader_open(call->client, call->topics.jobs, 0, SAGA_READ_BEGINNING, &reader) < 0)
        return fail_to_read(call);
    int code = follow(call, reader, id, wait_ms, jobs, ret);
    saga_reader_close(reader);
    return code;
}
