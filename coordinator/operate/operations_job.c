/* One job with what it said to each of its sagas: of up to a million acts the newest are kept that a page has room for. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "operate/job_acts.h"
#include "operate/operations_internal.h"
#include "operate/output.h"

struct collecting {
    struct saga_operations_reading *r;
    struct saga_arena arena;          /* of the act that is looked at */
    struct saga_view_operation *acts; /* each has its entry for itself */
    size_t count, room;
};

/* As their places in the list say it. */
static int by_time(const void *left, const void *right)
{
    const struct saga_view_operation *a = left, *b = right;
    if (a->time_ms != b->time_ms) return a->time_ms > b->time_ms ? -1 : 1;
    if (a->lane != b->lane) return a->lane > b->lane ? -1 : 1;
    return (a->offset < b->offset) - (a->offset > b->offset);
}

/* One more than the page has, which shows that there are further ones. */
static void keep_newest(struct collecting *c)
{
    size_t kept = c->r->wanted->limit + 1;
    if (c->count) qsort(c->acts, c->count, sizeof *c->acts, by_time);
    while (c->count > kept) free((char *)(uintptr_t)c->acts[--c->count].entry.data);
}

static bool read_act(const struct collecting *c, const struct saga_view_operation *act,
                     struct saga_arena *arena, struct saga_operation *ret)
{
    if (!saga_operation_read(act, arena, ret)) return false;
    ret->job = c->r->wanted->job;
    return true;
}

static void collect(uint32_t lane, int64_t offset, int64_t time_ms, struct saga_slice entry,
                    void *context)
{
    struct collecting *c = context;
    struct saga_operation operation;
    struct saga_view_operation act = {
        .lane = lane, .offset = offset, .time_ms = time_ms, .entry = entry
    };
    saga_arena_reset(&c->arena);
    if (!read_act(c, &act, &c->arena, &operation) ||
        !saga_operation_is_wanted(c->r->wanted, &operation))
        return;
    if (c->count == c->room) {
        keep_newest(c);
        if (c->count >= c->room / 2) {
            c->room = c->room ? 2 * c->room : 64;
            c->acts = saga_memory_grow(c->acts, c->room * sizeof *c->acts);
        }
    }
    act.entry.data = saga_memory_text(entry.data, entry.size);
    c->acts[c->count++] = act;
}

static int add_acts(struct saga_operations_reading *r, const struct saga_job *job)
{
    struct collecting c = { .r = r };
    saga_arena_init(&c.arena);
    int code =
        saga_job_acts_visit(r->call, job, r->wanted->job_records_max, collect, &c, &r->list->whole);
    r->list->too_many = code == SAGA_EXIT_USAGE;
    keep_newest(&c);
    for (size_t i = 0; i < c.count; i++) {
        struct saga_operation operation;
        if (read_act(&c, &c.acts[i], r->call->arena, &operation))
            (void)saga_operations_add(r, &operation);
        free((char *)(uintptr_t)c.acts[i].entry.data);
    }
    free(c.acts);
    saga_arena_free(&c.arena);
    return code;
}

int saga_operations_read_job(struct saga_operations_reading *r)
{
    struct saga_jobs jobs;
    int code = saga_jobs_read(r->call, &jobs);
    if (code != SAGA_EXIT_DONE) return code;
    const struct saga_job *job = saga_jobs_find(&jobs, r->wanted->job);
    if (job) {
        saga_operations_add_job(r, job);
        code = add_acts(r, job);
    } else {
        code = saga_call_fail(
            r->call, SAGA_EXIT_NOT_FOUND, "`saga jobs list` shows those that there are",
            "there is no job \"%s\"", saga_printable(r->call->arena, r->wanted->job));
    }
    saga_jobs_free(&jobs);
    return code;
}
