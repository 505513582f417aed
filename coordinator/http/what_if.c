#include "http/what_if.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "http/known.h"
#include "http/stream.h"
#include "http/thread.h"
#include "operate/moment.h"
#include "operate/output.h"
#include "operate/trial.h"
#include "runtime/log.h"

/* Where there is not enough processor for all: no more than one of those who ask (pool.c), behind the network's thread. */
enum { NICE = 5 };

/* One run: its client's answer, and what it was asked. Belongs to both the thread and the request until they are done. */
struct run {
    struct saga_stream stream; /* first */
    atomic_bool given_up;      /* its client has gone, or the server stops */
    atomic_uint owners;
    struct saga_arena arena;
    struct saga_slice source, subject;
    struct saga_trial_asked asked;
};

struct saga_what_ifs {
    struct saga_http *http;
    struct saga_thread thread;
    struct run *run; /* that is asked for, or being done */
};

static void release(struct run *run)
{
    if (atomic_fetch_sub(&run->owners, 1) > 1) return;
    saga_stream_free(&run->stream);
    saga_arena_free(&run->arena);
    free(run);
}

static void on_close(struct saga_stream *stream)
{
    struct run *run = (struct run *)stream;
    atomic_store(&run->given_up, true);
    release(run);
}

/* ---- telling ---- */

/* Takes over the reference. */
static void tell_line(struct run *run, json_t *json)
{
    struct saga_arena arena;
    struct saga_buffer line;
    saga_arena_init(&arena);
    saga_buffer_init(&line, &arena);
    saga_buffer_add_json(&line, json);
    saga_buffer_add_char(&line, '\n');
    if (!saga_stream_tell(&run->stream, saga_buffer_slice(&line)))
        atomic_store(&run->given_up, true);
    saga_arena_free(&arena);
}

static void tell_progress(const struct saga_trial *trial, void *context)
{
    struct saga_pace pace = saga_lane_reading_pace(&trial->reading);
    tell_line(context,
              json_pack("{s:{s:f, s:I, s:I, s:f}}", "progress", "part", saga_trial_part(trial),
                        "records", (json_int_t)trial->counts.records, "sagas",
                        (json_int_t)trial->counts.sagas, "seconds", pace.seconds));
}

/* ---- the thread ---- */

/* `*ret_result` is the answer's last line. */
static int look(struct run *run, struct saga_call *call, struct saga_trial *trial,
                json_t **ret_result)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    int code = saga_call_schemas(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_client(call);
    if (code != SAGA_EXIT_DONE) return code;
    saga_client_read_ahead(call->client, SAGA_HTTP_WHAT_IF_AHEAD_KIB);
    saga_diagnostics_init(&findings, call->arena);
    if (saga_definition_load_with(run->source, run->asked.file, call->schemas, &findings,
                                  &definition) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, "ask again",
                              "the definition or the schemas have changed meanwhile");
    run->asked.definition = definition;
    if (!run->asked.name.data) run->asked.name = saga_arena_copy(&run->arena, definition->name);
    run->asked.tell = tell_progress;
    run->asked.context = run;
    code = saga_trial_run(call, &run->asked, trial);
    if (code == SAGA_EXIT_DONE) *ret_result = json_pack("{s:o}", "result", saga_trial_json(trial));
    saga_trial_free(trial);
    saga_definition_free(definition);
    return code;
}

static void log_end(const struct run *run, const struct saga_trial *trial, int code)
{
    const char *outcome = code == SAGA_EXIT_DONE        ? "done"
                          : atomic_load(&run->given_up) ? "given-up"
                                                        : "failed";
    saga_log(SAGA_LOG_INFO, "what-if",
             "subject=\"%.*s\" saga=\"%.*s\" sagas=%llu records=%llu outcome=%s",
             SAGA_SLICE_ARG(run->subject), SAGA_SLICE_ARG(trial->options.name),
             (unsigned long long)trial->counts.sagas, (unsigned long long)trial->counts.records,
             outcome);
}

/* Gives back the answer's last line. */
static json_t *do_run(struct saga_what_ifs *what_ifs, struct run *run)
{
    struct saga_call call;
    struct saga_call_problem problem = { 0 };
    struct saga_trial trial = { 0 };
    json_t *last = NULL;
    saga_http_call_init(what_ifs->http, &call);
    call.arena = &run->arena;
    call.problem = &problem;
    call.given_up = &run->given_up;
    int code = look(run, &call, &trial, &last);
    log_end(run, &trial, code);
    if (code != SAGA_EXIT_DONE)
        last =
            json_pack("{s:o}", "problem",
                      saga_problem_json(503, "what-if", problem.mend,
                                        saga_slice_of(problem.what ? problem.what : "it failed")));
    saga_http_call_free(&call);
    return last;
}

static struct run *take(struct saga_what_ifs *what_ifs)
{
    saga_thread_lock(&what_ifs->thread);
    while (!what_ifs->run && !what_ifs->thread.stopping) saga_thread_wait(&what_ifs->thread);
    struct run *run = what_ifs->run;
    saga_thread_unlock(&what_ifs->thread);
    return run;
}

/* Whoever has read the last line may ask for the next. */
static void end(struct saga_what_ifs *what_ifs, struct run *run, json_t *last)
{
    saga_thread_lock(&what_ifs->thread);
    what_ifs->run = NULL;
    saga_thread_unlock(&what_ifs->thread);
    tell_line(run, last);
    saga_stream_end(&run->stream);
    release(run);
    saga_memory_give_back();
}

static void *what_ifs_main(void *context)
{
    struct saga_what_ifs *what_ifs = context;
    struct run *run;
    saga_http_yield(NICE); /* librdkafka's threads, which it makes, too */
    while ((run = take(what_ifs)) != NULL) end(what_ifs, run, do_run(what_ifs, run));
    return NULL;
}

int saga_what_ifs_new(struct saga_http *http, struct saga_what_ifs **ret)
{
    struct saga_what_ifs *what_ifs = saga_memory_zeroed(1, sizeof *what_ifs);
    what_ifs->http = http;
    saga_thread_begin(&what_ifs->thread, what_ifs_main, what_ifs);
    *ret = what_ifs;
    return SAGA_OK;
}

void saga_what_ifs_stop(struct saga_what_ifs *what_ifs)
{
    saga_thread_stop(&what_ifs->thread); /* first: so that no other run comes */
    saga_thread_lock(&what_ifs->thread);
    if (what_ifs->run) atomic_store(&what_ifs->run->given_up, true);
    saga_thread_unlock(&what_ifs->thread);
}

void saga_what_ifs_free(struct saga_what_ifs *what_ifs)
{
    if (!what_ifs) return;
    saga_what_ifs_stop(what_ifs);
    saga_thread_end(&what_ifs->thread);
    free(what_ifs);
}

/* ---- asking ---- */

static bool read_by_command(struct saga_exchange *x, int code)
{
    const struct saga_call_problem *problem = x->call->problem;
    if (code == SAGA_EXIT_DONE) return true;
    saga_exchange_problem(x, 400, "bad-parameter", problem->mend, "%s", problem->what);
    return false;
}

static const char *parameter_text(struct saga_exchange *x, const char *name)
{
    struct saga_slice value = saga_exchange_parameter(x, name);
    return value.data ? saga_arena_string(&x->arena, saga_slice_clip(value, SAGA_MESSAGE_BYTES_MAX))
                      : NULL;
}

static bool read_asked(struct saga_exchange *x, struct saga_trial_asked *ret)
{
    const char *since = parameter_text(x, "since"), *accept = parameter_text(x, "accept");
    struct saga_slice name = saga_exchange_parameter(x, "saga");
    unsigned long long records;
    *ret = (struct saga_trial_asked){ .file = SAGA_BODY_FILE,
                                      .name = name,
                                      .bytes_max = SAGA_HTTP_WHAT_IF_BYTES_MAX };
    if ((name.data && !saga_exchange_name(x, name, "saga")) ||
        !saga_exchange_number(x, "limit", 1, SAGA_HTTP_WHAT_IF_RECORDS_MAX,
                              SAGA_HTTP_WHAT_IF_RECORDS_MAX, &records) ||
        !saga_exchange_duration(x, "within", SAGA_HTTP_WHAT_IF_MS_DEFAULT, &ret->ms_max) ||
        !read_by_command(x, saga_trial_accept(x->call, accept, ret)) ||
        (since && !read_by_command(x, saga_moment_parse_time(x->call, since, &ret->since_ms))))
        return false;
    ret->records_max = records;
    if (ret->ms_max > SAGA_HTTP_WHAT_IF_MS_MAX) ret->ms_max = SAGA_HTTP_WHAT_IF_MS_MAX;
    if (ret->ms_max < 1) ret->ms_max = 1;
    return true;
}

/* Mistakes are an answer that can still be given; the thread reads the text once more, as a definition belongs to one. */
static bool check_source(struct saga_exchange *x)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition = saga_exchange_load(x, &findings);
    if (!x->answered && !definition) saga_exchange_refuse_findings(x, &findings);
    saga_definition_free(definition);
    return !x->answered;
}

static struct run *make(struct saga_exchange *x, const struct saga_trial_asked *asked)
{
    struct run *run = saga_memory_zeroed(1, sizeof *run);
    saga_arena_init(&run->arena);
    run->asked = *asked;
    run->asked.name = saga_arena_copy(&run->arena, asked->name);
    run->source = saga_arena_copy(&run->arena, saga_buffer_slice(&x->body));
    run->subject = saga_arena_copy(&run->arena, x->identity.subject);
    atomic_init(&run->owners, 2);
    saga_stream_init(&run->stream, x, SAGA_HTTP_WHAT_IF_ANSWER_BYTES_MAX, on_close);
    return run;
}

/* False: there is one already. */
static bool hand_over(struct saga_what_ifs *what_ifs, struct run *run)
{
    saga_thread_lock(&what_ifs->thread);
    bool free_now = !what_ifs->run && !what_ifs->thread.stopping;
    if (free_now) what_ifs->run = run;
    saga_thread_wake(&what_ifs->thread);
    saga_thread_unlock(&what_ifs->thread);
    return free_now;
}

void saga_http_what_if(struct saga_exchange *x)
{
    struct saga_trial_asked asked;
    if (!read_asked(x, &asked) || !check_source(x)) return;
    struct run *run = make(x, &asked);
    if (hand_over(x->http->what_ifs, run)) {
        saga_exchange_stream(x, &run->stream, "application/jsonl");
        return;
    }
    atomic_store(&run->owners, 1);
    release(run);
    x->retry_after_s = 5;
    saga_exchange_problem(x, 429, "one-at-a-time",
                          "ask again when it has ended, or run saga replay --with elsewhere",
                          "this process is looking at a what-if already");
}
