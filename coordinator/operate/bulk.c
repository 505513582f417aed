#include "operate/bulk.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/time.h"
#include "operate/lanes.h"
#include "operate/output.h"

/* So many are shown; a script that means more must say --yes. */
enum { SHOWN = 20 };

struct saga_slice saga_where_option(const struct saga_call *call, int key)
{
    struct saga_buffer text;
    bool given = false;
    saga_buffer_init(&text, call->arena);
    for (size_t i = 0; i < call->given_count; i++) {
        if (call->given[i].key != key) continue;
        if (given) saga_buffer_add_char(&text, ' ');
        if (call->given[i].value) saga_buffer_add(&text, saga_slice_of(call->given[i].value));
        given = true;
    }
    return given ? saga_buffer_slice(&text) : SAGA_SLICE_NONE;
}

/* ---- which sagas ---- */

struct shown {
    struct saga_arena *arena;
    struct saga_table table;
    json_t *rows;
    int64_t now_ms;
};

static void show_one(const struct saga_state *state, void *context)
{
    struct shown *shown = context;
    saga_list_add(&shown->table, state, shown->now_ms);
    json_array_append_new(shown->rows, saga_list_json(state, shown->arena));
}

static const char *sagas(struct saga_arena *arena, uint64_t count)
{
    return saga_arena_printf(arena, "%" PRIu64 " saga%s", count, count == 1 ? "" : "s").data;
}

static void print_shown(const struct shown *shown, uint64_t count)
{
    if (shown->table.count > 1) saga_table_print(&shown->table, stdout);
    if (count > SHOWN) printf("and %" PRIu64 " more\n", count - SHOWN);
}

static void tell_dry_run(struct saga_call *call, const struct saga_bulk *bulk, struct shown *shown,
                         uint64_t count)
{
    if (call->output != SAGA_OUTPUT_TEXT) {
        saga_print_object(call,
                          json_pack("{s:s, s:I, s:O}", "verb", saga_verb_name(bulk->event.verb),
                                    "count", (json_int_t)count, "items", shown->rows));
        return;
    }
    print_shown(shown, count);
    printf("%s would be sent %s; nothing was sent\n", sagas(call->arena, count),
           saga_verb_name(bulk->event.verb));
}

/* ---- asking ---- */

static bool answers_yes(void)
{
    char line[16] = "";
    if (!fgets(line, sizeof line, stdin)) return false;
    return line[0] == 'y' || line[0] == 'Y';
}

static int ask(struct saga_call *call, const struct saga_bulk *bulk, uint64_t count)
{
    const char *verb = saga_verb_name(bulk->event.verb);
    if (bulk->yes) return SAGA_EXIT_DONE;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        if (count <= SHOWN) return SAGA_EXIT_DONE;
        return saga_call_fail(call, SAGA_EXIT_USAGE,
                              "look at them with --dry-run, then say it with --yes",
                              "%s would be sent %s, and nobody is there to be asked",
                              sagas(call->arena, count), verb);
    }
    printf("%s: %s, at most %u a second? [y/N] ", verb, sagas(call->arena, count), bulk->rate);
    fflush(stdout);
    if (answers_yes()) return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "nothing was sent");
}

/* ---- the job ---- */

static int report(struct saga_call *call, const struct saga_job *job)
{
    if (call->output != SAGA_OUTPUT_TEXT)
        saga_print_object(call, saga_job_json(job));
    else
        puts(saga_job_words(job, call->arena));
    return job->status == SAGA_JOB_FAILED ? SAGA_EXIT_FAILED : SAGA_EXIT_DONE;
}

static int begin(struct saga_call *call, const struct saga_bulk *bulk, int64_t now_ms,
                 uint64_t count)
{
    struct saga_jobs jobs = { 0 };
    struct saga_job *followed, job = { .id = saga_job_new_id(call->arena),
                                       .verb = bulk->event.verb,
                                       .where = bulk->where,
                                       .reason = bulk->event.reason,
                                       .who = bulk->event.who,
                                       .from = bulk->event.from,
                                       .rate = bulk->rate,
                                       .expected = count,
                                       .created_ms = now_ms };
    int code = saga_job_submit(call, &job);
    if (code != SAGA_EXIT_DONE) return code;
    if (bulk->wait_ms == 0) return report(call, &job);
    if (call->output == SAGA_OUTPUT_TEXT)
        printf("job %.*s: it goes on without this command; `saga jobs stop %.*s` stops it\n",
               SAGA_SLICE_ARG(job.id), SAGA_SLICE_ARG(job.id));
    fflush(stdout);
    code = saga_job_follow(call, job.id, bulk->wait_ms, &jobs, &followed);
    if (code == SAGA_EXIT_DONE) code = report(call, followed);
    saga_jobs_free(&jobs);
    return code;
}

int saga_bulk_run(struct saga_call *call, const struct saga_bulk *bulk)
{
    struct shown shown = { .arena = call->arena, .rows = json_array(), .now_ms = saga_now_ms() };
    struct saga_filter filter;
    uint64_t count = 0;
    bool more;
    int code = saga_where_read(call, bulk->where, shown.now_ms, &filter);
    saga_list_table(&shown.table, call->arena);
    if (code == SAGA_EXIT_DONE) code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE)
        code = saga_where_count(call, &filter, SHOWN, SIZE_MAX, show_one, &shown, &count, &more);
    if (code == SAGA_EXIT_DONE)
        code = saga_call_warn_of_lanes(call, call->config.lanes, saga_call_words(call));
    if (code == SAGA_EXIT_DONE && bulk->dry_run) {
        tell_dry_run(call, bulk, &shown, count);
    } else if (code == SAGA_EXIT_DONE && count == 0) {
        if (call->output == SAGA_OUTPUT_TEXT) puts("no such sagas");
        code = SAGA_EXIT_NOT_FOUND;
    } else if (code == SAGA_EXIT_DONE) {
        if (call->output == SAGA_OUTPUT_TEXT) print_shown(&shown, count);
        code = ask(call, bulk, count);
        if (code == SAGA_EXIT_DONE) code = begin(call, bulk, shown.now_ms, count);
    }
    json_decref(shown.rows);
    return code;
}
