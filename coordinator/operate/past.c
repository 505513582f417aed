#include "operate/past.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "operate/output.h"

/* ---- what is asked for ---- */

/* Which lane, or all of them: by the saga, or by the place. */
static int choose_lanes(struct saga_past *past, const char *id)
{
    struct saga_call *call = past->call;
    int64_t lane = past->moments[0].lane;
    past->lane_count = call->config.lanes;
    if (id) {
        int code = saga_address_parse(call, id, call->config.lanes, &past->address);
        if (code != SAGA_EXIT_DONE) return code;
        past->has_address = true;
        if (lane >= 0 && lane != past->address.lane)
            return saga_call_fail(call, SAGA_EXIT_USAGE, NULL, "%s is in lane %u, not in lane %lld",
                                  id, past->address.lane, (long long)lane);
        lane = past->address.lane;
    } else if (past->moments[0].is_place && lane < 0) {
        return saga_call_fail(
            call, SAGA_EXIT_USAGE, "write it as LANE/OFFSET, or name the saga whose lane is meant",
            "each lane has its own offset %lld", (long long)past->moments[0].offset);
    }
    if (lane < 0) return SAGA_EXIT_DONE;
    past->lane = (uint32_t)lane;
    past->lane_count = 1;
    return SAGA_EXIT_DONE;
}

/* Two moments are of one kind, so that it can be seen which is the earlier. */
static int check_order(const struct saga_past *past)
{
    const struct saga_moment *a = &past->moments[0], *b = &past->moments[1];
    if (past->moment_count < 2) return SAGA_EXIT_DONE;
    if (a->is_place != b->is_place || a->lane != b->lane)
        return saga_call_fail(past->call, SAGA_EXIT_USAGE, NULL,
                              "two times can be compared, or two places of one lane");
    if (a->is_place ? a->offset <= b->offset : a->time_ms <= b->time_ms) return SAGA_EXIT_DONE;
    return saga_call_fail(past->call, SAGA_EXIT_USAGE, "say the earlier one first",
                          "the second moment is before the first");
}

/* ---- reading ---- */

struct lane_past {
    struct saga_past *past;
    struct saga_as_of *as_of;
    size_t moment; /* that is read for */
};

static struct saga_as_of_moment limit_of(const struct saga_moment *moment)
{
    if (moment->is_place) return (struct saga_as_of_moment){ INT64_MAX, moment->offset };
    return (struct saga_as_of_moment){ moment->time_ms, INT64_MAX };
}

/* The next moment; false: there is none. */
static bool go_on(struct lane_past *l)
{
    if (l->moment + 1 == l->past->moment_count) return false;
    saga_as_of_mark(l->as_of);
    saga_as_of_set(l->as_of, limit_of(&l->past->moments[++l->moment]));
    return true;
}

static bool take(const struct saga_message *record, void *context)
{
    struct lane_past *l = context;
    while (!saga_as_of_record(l->as_of, record))
        if (!go_on(l)) return false;
    return true;
}

static bool take_snapshot(const struct saga_message *record, void *context)
{
    saga_as_of_snapshot(context, record);
    return true;
}

static int read_snapshots(struct saga_past *past, uint32_t lane, int64_t low,
                          struct saga_as_of *as_of)
{
    struct saga_call *call = past->call;
    int code = saga_read_to_end(call, call->topics.snapshots, (int32_t)lane, SAGA_READ_BEGINNING,
                                take_snapshot, as_of);
    if (code != SAGA_EXIT_DONE) return code;
    past->cut_lanes++;
    past->bare_lanes += !saga_as_of_begin(as_of, low);
    return SAGA_EXIT_DONE;
}

/* A place must be there. */
static int check_place(const struct saga_past *past, uint32_t lane, int64_t low, int64_t high)
{
    for (size_t i = 0; i < past->moment_count; i++) {
        const struct saga_moment *moment = &past->moments[i];
        if (!moment->is_place || (moment->offset >= low && moment->offset < high)) continue;
        return saga_call_fail(past->call, SAGA_EXIT_NOT_FOUND, NULL,
                              "the journal of lane %u has no offset %lld: it is there from %lld up "
                              "to before %lld",
                              lane, (long long)moment->offset, (long long)low, (long long)high);
    }
    return SAGA_EXIT_DONE;
}

static int read_lane(struct saga_past *past, uint32_t lane, struct saga_as_of *as_of)
{
    struct lane_past l = { past, as_of, 0 };
    int64_t low, high;
    int code = saga_lane_bounds(past->reading.call, lane, &low, &high);
    if (code == SAGA_EXIT_DONE) code = check_place(past, lane, low, high);
    if (code == SAGA_EXIT_DONE && low > 0) code = read_snapshots(past, lane, low, as_of);
    if (code != SAGA_EXIT_DONE) return code;
    saga_as_of_set(as_of, limit_of(&past->moments[0]));
    code = saga_lane_read(&past->reading, lane, low, high, take, &l);
    while (go_on(&l)) continue;
    saga_as_of_stand(as_of);
    return code;
}

int saga_past_read(struct saga_call *call, const char *const *moments, size_t count, const char *id,
                   struct saga_past *ret)
{
    *ret = (struct saga_past){ .call = call, .moment_count = count };
    int code = SAGA_EXIT_DONE;
    for (size_t i = 0; i < count && code == SAGA_EXIT_DONE; i++)
        code = saga_moment_parse(call, moments[i], &ret->moments[i]);
    if (code == SAGA_EXIT_DONE) code = check_order(ret);
    if (code == SAGA_EXIT_DONE) code = choose_lanes(ret, id);
    if (code == SAGA_EXIT_DONE) code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code == SAGA_EXIT_DONE)
        code = saga_lane_reading_begin(&ret->reading, call, ret->lane, ret->lane_count);
    if (code != SAGA_EXIT_DONE) return code;
    ret->lanes = SAGA_NEW_ARRAY(call->arena, struct saga_as_of *, ret->lane_count);
    for (uint32_t i = 0; i < ret->lane_count && code == SAGA_EXIT_DONE; i++) {
        struct saga_slice only = ret->has_address ? ret->address.saga_id : SAGA_SLICE_NONE;
        saga_as_of_new(call->codec, only, &ret->lanes[i]);
        code = read_lane(ret, ret->lane + i, ret->lanes[i]);
    }
    saga_lane_reading_end(&ret->reading);
    return code;
}

void saga_past_free(struct saga_past *past)
{
    for (uint32_t i = 0; past->lanes && i < past->lane_count; i++) saga_as_of_free(past->lanes[i]);
}

/* ---- what it gave ---- */

const char *saga_past_words(const struct saga_past *past, size_t moment)
{
    const struct saga_moment *m = &past->moments[moment];
    char time[SAGA_TIME_TEXT_BYTES];
    if (m->is_place)
        return saga_arena_printf(past->call->arena, "lane %u, offset %lld", past->lane,
                                 (long long)m->offset)
            .data;
    saga_time_format(m->time_ms, time);
    return saga_arena_string(past->call->arena, saga_slice_of(time));
}

int64_t saga_past_time(const struct saga_past *past, size_t moment)
{
    const struct saga_moment *m = &past->moments[moment];
    return m->is_place ? saga_as_of_time(past->lanes[0]) : m->time_ms;
}

void saga_past_count(const struct saga_past *past, struct saga_as_of_counts *ret)
{
    struct saga_as_of_counts counts;
    *ret = (struct saga_as_of_counts){ 0 };
    for (uint32_t i = 0; i < past->lane_count; i++) {
        saga_as_of_count(past->lanes[i], &counts);
        ret->records += counts.records;
        ret->unreadable += counts.unreadable;
        ret->unknown += counts.unknown;
        ret->sagas += counts.sagas;
        ret->entries += counts.entries;
        for (int s = 0; s < SAGA_STATUS_COUNT; s++) ret->by_status[s] += counts.by_status[s];
    }
}

void saga_past_warn(const struct saga_past *past)
{
    struct saga_as_of_counts counts;
    saga_past_count(past, &counts);
    fflush(stdout);
    if (counts.unreadable)
        fprintf(
            stderr,
            "warning: %llu %s of the journal cannot be read; `saga replay --verify` says more\n",
            (unsigned long long)counts.unreadable, counts.unreadable == 1 ? "record" : "records");
    if (counts.unknown)
        fprintf(stderr,
                "warning: where %llu more %s stood is not known: their records are not all in the "
                "journal, and no snapshot is old enough\n",
                (unsigned long long)counts.unknown, counts.unknown == 1 ? "saga" : "sagas");
    if (past->cut_lanes)
        fprintf(stderr,
                "warning: the journal of %u %s cut: sagas that had begun before and have left "
                "since are missing\n",
                past->cut_lanes, past->cut_lanes == 1 ? "lane was" : "lanes were");
    if (past->bare_lanes)
        fprintf(stderr, "warning: of %u of them there is no snapshot of the time before\n",
                past->bare_lanes);
}
