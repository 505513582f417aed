#include "operate/job_runner_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "operate/output.h"
#include "operate/reading.h"
#include "runtime/log.h"
#include "store/instance.h"

/* The lease is longer than a pause of the process that anybody would call none; a process that ended without a word is
 * followed after that, on the same machine at once. */
enum { HOLD_MS = 15000, RENEW_MS = 3000, ASK_MS = 1000 };
enum { TURN_MS = 100, IDLE_MS = 500, CALL_MS = 5000, LOG_MS = 30000, RECORDS_MAX = 500 };
enum { PRUNE_MS = 3600000 };

/* The name of the lease, which no instance can have. */
#define LEASE "*jobs"
/* What follows the group in the transactional id: no worker's (R5) ends like that. */
#define OUTBOX "jobs"

/* What functions of the commands call themselves where they say something. */
static const struct saga_subcommand runner_command = { .name = "jobs", .is_daemon = true };

static void rest(struct saga_job_runner *runner, int ms)
{
    for (int rested_ms = 0; rested_ms < ms && !atomic_load(&runner->stopping); rested_ms += TURN_MS)
        saga_sleep_ms(TURN_MS);
}

static void complain(struct saga_job_runner *runner, const char *words)
{
    saga_log_seldom(&runner->log_ms, LOG_MS, SAGA_LOG_WARNING, "jobs wait", "words=\"%s\"", words);
}

/* ---- the lease ---- */

/* False: another process does the jobs, or it is not known. */
static bool hold(struct saga_job_runner *runner)
{
    const struct saga_config *config = &runner->call.config;
    struct saga_diagnostic diagnostic = { 0 };
    int64_t now_ms = saga_monotonic_ms();
    if (runner->held_ms && now_ms - runner->held_ms < RENEW_MS) return true;
    int error = saga_instance_hold(&config->redis, config->kafka.group, LEASE,
                                   saga_daemon_holder(runner->daemon), HOLD_MS, runner->call.arena,
                                   &diagnostic);
    if (error == SAGA_OK) {
        if (!runner->held_ms) saga_log(SAGA_LOG_INFO, "this process does the jobs", NULL);
        runner->held_ms = now_ms;
    } else if (error == SAGA_E_CONFLICT || now_ms - runner->held_ms >= HOLD_MS) {
        runner->held_ms = 0;
    }
    return runner->held_ms != 0;
}

/* ---- taking them over ---- */

static void lay_down(struct saga_job_runner *runner)
{
    saga_outbox_close(runner->outbox);
    runner->outbox = NULL;
    if (runner->reader) saga_reader_close(runner->reader);
    runner->reader = NULL;
    saga_jobs_free(&runner->jobs);
    saga_job_hands_free(runner);
}

static void take_record(struct saga_job_runner *runner, const struct saga_message *record)
{
    if (saga_jobs_take(&runner->jobs, record->key, record->value) < 0)
        saga_log(SAGA_LOG_WARNING, "a record in the topic of jobs is left out",
                 "offset=%lld key=\"%.*s\"", (long long)record->offset,
                 SAGA_SLICE_ARG(saga_slice_clip(record->key, 100)));
}

/* One of the lists of a job that has begun; of two of one number the later stands. */
static void take_list(struct saga_job_runner *runner, const struct saga_message *record)
{
    struct saga_slice id;
    size_t list;
    if (saga_job_list_key_read(record->key, &id, &list) < 0) return;
    const struct saga_job *job = saga_jobs_find(&runner->jobs, id);
    if (!job || job->status != SAGA_JOB_RUNNING || list >= saga_job_lists(job)) return;
    struct saga_job_hand *hand = saga_job_hand_of(runner, id);
    if (!hand->lists)
        hand->lists = SAGA_NEW_ARRAY(&hand->arena, struct saga_slice, saga_job_lists(job));
    hand->lists[list] = saga_arena_copy(&hand->arena, record->value);
}

static void read_lists(struct saga_job_hand *hand, size_t count)
{
    for (size_t i = 0; hand->lists && i < count; i++) {
        struct saga_slice rest = hand->lists[i];
        const char *end;
        while (rest.size && (end = memchr(rest.data, '\n', rest.size)) != NULL) {
            struct saga_slice id = { rest.data, (size_t)(end - rest.data) };
            SAGA_PUSH(&hand->arena, hand->ids, hand->count, hand->capacity, id);
            rest = saga_slice_skip(rest, id.size + 1);
        }
    }
}

/* R8: all that stands when the outbox was opened; what its holder before us had under way is ended by then. */
static int read_all(struct saga_job_runner *runner, int32_t partition,
                    void (*take)(struct saga_job_runner *, const struct saga_message *),
                    struct saga_reader **ret)
{
    struct saga_call *call = &runner->call;
    struct saga_reader *reader;
    int64_t low, high, position = 0;
    int error =
        saga_client_watermarks(call->client, call->topics.jobs, partition, CALL_MS, &low, &high);
    if (error == SAGA_OK)
        error = saga_reader_open(call->client, call->topics.jobs, partition, SAGA_READ_BEGINNING,
                                 &reader);
    if (error < 0) return error;
    while (error == SAGA_OK && position < high && !atomic_load(&runner->stopping)) {
        struct saga_bus_records records = { 0 };
        bool end;
        error = saga_reader_read(reader, TURN_MS, RECORDS_MAX, &records, &position, &end);
        if (error < 0) break;
        for (size_t i = 0; i < records.count; i++) take(runner, &records.items[i]);
        saga_reader_release(reader, &records);
    }
    if (error == SAGA_OK && position < high) error = SAGA_E_AGAIN;
    if (error == SAGA_OK && ret)
        *ret = reader;
    else
        saga_reader_close(reader);
    return error;
}

static int read_what_stands(struct saga_job_runner *runner)
{
    int error = read_all(runner, SAGA_JOBS_PARTITION, take_record, &runner->reader);
    if (error == SAGA_OK) error = read_all(runner, SAGA_JOB_LISTS_PARTITION, take_list, NULL);
    if (error < 0) return error;
    for (const struct saga_job *job = NULL; (job = saga_jobs_next(&runner->jobs, job)) != NULL;)
        if (job->status == SAGA_JOB_RUNNING)
            read_lists(saga_job_hand_of(runner, job->id), saga_job_lists(job));
    return SAGA_OK;
}

static bool topic_is_there(struct saga_job_runner *runner)
{
    struct saga_call *call = &runner->call;
    struct saga_topic_state state = { 0 };
    runner->problem = (struct saga_call_problem){ 0 };
    if (saga_call_topic(call, call->topics.jobs, &state) == SAGA_EXIT_DONE) return true;
    complain(runner, runner->problem.what);
    return false;
}

static bool take_over(struct saga_job_runner *runner)
{
    struct saga_call *call = &runner->call;
    struct saga_diagnostic diagnostic = { 0 };
    if (!topic_is_there(runner) || saga_call_views(call) != SAGA_EXIT_DONE) return false;
    if (saga_outbox_open(&call->config.kafka, OUTBOX, CALL_MS, call->arena, &runner->outbox,
                         &diagnostic) < 0) {
        complain(runner, saga_arena_string(call->arena, diagnostic.what));
        return false;
    }
    if (read_what_stands(runner) == SAGA_OK) return true;
    if (!atomic_load(&runner->stopping)) complain(runner, saga_client_problem(call->client));
    lay_down(runner);
    return false;
}

/* ---- doing them ---- */

static bool is_ours(const struct saga_message *record)
{
    struct saga_slice id;
    enum saga_job_part part;
    return saga_job_key_read(record->key, &id, &part) == SAGA_OK &&
           (part == SAGA_JOB_PROGRESS || !record->value.data);
}

/* What others have written since. Of ours the newest is at hand already: an older one must not take its place. */
static int take_news(struct saga_job_runner *runner, int timeout_ms)
{
    struct saga_bus_records records = { 0 };
    int64_t position;
    bool end;
    int error =
        saga_reader_read(runner->reader, timeout_ms, RECORDS_MAX, &records, &position, &end);
    if (error < 0) return error == SAGA_E_AGAIN ? SAGA_OK : error;
    for (size_t i = 0; i < records.count; i++)
        if (!is_ours(&records.items[i])) take_record(runner, &records.items[i]);
    saga_reader_release(runner->reader, &records);
    return SAGA_OK;
}

/* Jobs that ended long ago are forgotten. */
static int prune(struct saga_job_runner *runner)
{
    struct saga_call *call = &runner->call;
    int64_t now_ms = saga_monotonic_ms();
    if (runner->pruned_ms && now_ms - runner->pruned_ms < PRUNE_MS) return SAGA_OK;
    struct saga_job *next, *job = saga_jobs_next(&runner->jobs, NULL);
    for (; job; job = next) {
        next = saga_jobs_next(&runner->jobs, job);
        if (!saga_job_has_ended(job->status) || saga_now_ms() - job->ended_ms < SAGA_JOB_KEPT_MS)
            continue;
        struct saga_message gone[SAGA_JOB_STOP + 1];
        for (int part = SAGA_JOB_ORDER; part <= SAGA_JOB_STOP; part++)
            gone[part] = saga_job_tombstone(call->topics.jobs, job->id, (enum saga_job_part)part,
                                            call->arena);
        int error = saga_outbox_commit(runner->outbox, gone, SAGA_JOB_STOP + 1);
        if (error == SAGA_OK)
            error = saga_jobs_take(&runner->jobs, gone[SAGA_JOB_ORDER].key, SAGA_SLICE_NONE);
        if (error < 0) return error;
    }
    runner->pruned_ms = now_ms;
    return SAGA_OK;
}

static int work(struct saga_job_runner *runner)
{
    size_t open = saga_jobs_open(&runner->jobs);
    int error = take_news(runner, open ? TURN_MS : IDLE_MS);
    if (error == SAGA_OK) error = prune(runner);
    struct saga_job *next, *job = saga_jobs_next(&runner->jobs, NULL);
    for (; job && error != SAGA_E_RECOVER && error != SAGA_E_STOP; job = next) {
        next = saga_jobs_next(&runner->jobs, job);
        if (atomic_load(&runner->stopping)) break;
        if (!saga_job_has_ended(job->status)) error = saga_job_step(runner, job);
    }
    return error == SAGA_E_ABORT || error == SAGA_E_AGAIN ? SAGA_OK : error;
}

/* One turn; false: there is nothing for this process to do just now. */
static bool turn(struct saga_job_runner *runner)
{
    if (!saga_daemon_has_good_surroundings(runner->daemon) || !hold(runner)) {
        lay_down(runner);
        return false;
    }
    if (!runner->outbox && !take_over(runner)) return false;
    if (work(runner) == SAGA_OK) return true;
    /* another process may have taken over, or the outcome of a portion is not known (R5): what stands is read anew */
    saga_log(SAGA_LOG_WARNING, "jobs are read anew", "words=\"%s\"",
             saga_outbox_problem(runner->outbox));
    lay_down(runner);
    runner->held_ms = 0;
    return false;
}

static void *runner_main(void *context)
{
    struct saga_job_runner *runner = context;
    while (!atomic_load(&runner->stopping)) {
        saga_arena_reset(&runner->turn);
        runner->problem = (struct saga_call_problem){ 0 };
        if (!turn(runner)) rest(runner, ASK_MS);
    }
    lay_down(runner);
    return NULL;
}

int saga_job_runner_start(const struct saga_config *config, struct saga_daemon *daemon,
                          struct saga_job_runner **ret)
{
    struct saga_job_runner *runner = saga_memory_zeroed(1, sizeof *runner);
    struct saga_call *call = &runner->call;
    saga_arena_init(&runner->turn);
    runner->daemon = daemon;
    call->command = &runner_command;
    call->arena = &runner->turn;
    call->problem = &runner->problem;
    call->config = *config;
    call->has_settings = true;
    if (saga_codec_new(&call->codec) < 0) {
        free(runner);
        return SAGA_E_STOP;
    }
    saga_topics_name(config->topic_prefix, &runner->names, &call->topics);
    int failed = pthread_create(&runner->thread, NULL, runner_main, runner);
    SAGA_ASSERT(!failed);
    *ret = runner;
    return SAGA_OK;
}

void saga_job_runner_stop(struct saga_job_runner *runner)
{
    if (!runner) return;
    struct saga_call *call = &runner->call;
    atomic_store(&runner->stopping, true);
    pthread_join(runner->thread, NULL);
    if (runner->held_ms)
        saga_instance_release(&call->config.redis, call->config.kafka.group, LEASE,
                              saga_daemon_holder(runner->daemon));
    saga_client_free(call->client);
    saga_views_free(call->views);
    saga_codec_free(call->codec);
    saga_arena_free(&runner->names);
    saga_arena_free(&runner->turn);
    free(runner);
}
