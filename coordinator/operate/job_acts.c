#include "operate/job_acts.h"

#include <string.h>

#include "base/error.h"
#include "operate/lane_reading.h"
#include "operate/reading.h"
#include "runtime/operations.h"

/* The times of brokers, coordinators and who asked differ; and a command is taken a moment after it was sent. */
enum { MARGIN_MS = 600000 };

/* A part of a lane's journal. */
struct part {
    int64_t from, to;
};

struct looking {
    struct saga_call *call;
    const struct saga_job *job;
    struct saga_slice head; /* of a command's id: JOB/ */
    saga_visit_job_act *visit;
    void *context;
    struct saga_arena arena; /* of a record */
    uint64_t found;
    uint32_t lane;
    int64_t to;
};

/* Most records are other ones: nothing is read of those that do not have the id in them. */
static void look_at(struct looking *l, const struct saga_message *record)
{
    struct saga_journal_record read;
    struct saga_diagnostic diagnostic = { 0 };
    if (!memmem(record->value.data, record->value.size, l->head.data, l->head.size)) return;
    saga_arena_reset(&l->arena);
    if (saga_journal_decode(l->call->codec, record->value, &l->arena, &read, &diagnostic) < 0)
        return;
    if (!saga_slice_equal(saga_operation_job(&read, &l->arena), l->job->id)) return;
    l->found++;
    l->visit(l->lane, record->offset, read.cause.time_ms, saga_operation_text(&read, &l->arena),
             l->context);
}

/* Each command is taken once. */
static bool is_wanted(const struct looking *l, int64_t offset)
{
    return offset < l->to && !(saga_job_has_ended(l->job->status) && l->found >= l->job->sent);
}

static bool take(const struct saga_message *record, void *context)
{
    struct looking *l = context;
    if (record->offset < l->to) look_at(l, record);
    return is_wanted(l, record->offset + 1);
}

static int read_parts(struct looking *l, const struct part *parts)
{
    struct saga_call *call = l->call;
    int code = SAGA_EXIT_DONE;
    for (l->lane = 0; l->lane < call->config.lanes && code == SAGA_EXIT_DONE; l->lane++) {
        const struct part *part = &parts[l->lane];
        l->to = part->to;
        if (is_wanted(l, part->from))
            code =
                saga_read_to_end(call, call->topics.journal, (int32_t)l->lane, part->from, take, l);
    }
    return code;
}

static int64_t within(int64_t offset, int64_t low, int64_t high)
{
    return offset < low ? low : offset > high ? high : offset;
}

/* The job's time, and what is behind it. */
static int find_parts(struct looking *l, struct part *of_job, struct part *behind, bool *ret_whole)
{
    const struct saga_job *job = l->job;
    for (uint32_t lane = 0; lane < l->call->config.lanes; lane++) {
        int64_t low, high, begin, end = INT64_MAX;
        int code = saga_lane_bounds(l->call, lane, &low, &high);
        if (code == SAGA_EXIT_DONE)
            code = saga_lane_offset_at(l->call, lane, job->created_ms - MARGIN_MS, &begin);
        if (code == SAGA_EXIT_DONE && job->ended_ms)
            code = saga_lane_offset_at(l->call, lane, job->ended_ms + MARGIN_MS, &end);
        if (code != SAGA_EXIT_DONE) return code;
        of_job[lane] = (struct part){ within(begin, low, high), within(end, low, high) };
        if (of_job[lane].to < of_job[lane].from)
            of_job[lane].to = high; /* a broker without times */
        behind[lane] = (struct part){ of_job[lane].to, high };
        if (low > 0 && of_job[lane].from == low) *ret_whole = false;
    }
    return SAGA_EXIT_DONE;
}

static uint64_t sum(const struct part *parts, uint32_t count)
{
    uint64_t records = 0;
    for (uint32_t i = 0; i < count; i++) records += (uint64_t)(parts[i].to - parts[i].from);
    return records;
}

static int read_within(struct looking *l, const struct part *parts, uint64_t *left, bool bounded)
{
    uint64_t records = sum(parts, l->call->config.lanes);
    if (bounded && records > *left)
        return saga_call_fail(l->call, SAGA_EXIT_USAGE, "`saga operations --job` has no bound",
                              "the journals have %llu more records of the time of this job",
                              (unsigned long long)records);
    *left -= bounded ? records : 0;
    return read_parts(l, parts);
}

int saga_job_acts_visit(struct saga_call *call, const struct saga_job *job, uint64_t records_max,
                        saga_visit_job_act *visit, void *context, bool *ret_whole)
{
    uint32_t lanes = call->config.lanes;
    uint64_t left = records_max;
    struct looking l = { .call = call, .job = job, .visit = visit, .context = context };
    struct part *of_job = SAGA_NEW_ARRAY(call->arena, struct part, lanes);
    struct part *behind = SAGA_NEW_ARRAY(call->arena, struct part, lanes);
    *ret_whole = true;
    l.head = saga_job_order_id(call->arena, job->id, SAGA_SLICE(""));
    int code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code == SAGA_EXIT_DONE) code = find_parts(&l, of_job, behind, ret_whole);
    if (code != SAGA_EXIT_DONE || job->sent == 0) return code;
    saga_arena_init(&l.arena);
    code = read_within(&l, of_job, &left, records_max > 0);
    if (code == SAGA_EXIT_DONE && l.found < job->sent)
        code = read_within(&l, behind, &left, records_max > 0);
    saga_arena_free(&l.arena);
    return code;
}
