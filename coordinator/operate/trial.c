#include "operate/trial.h"

#include <string.h>

#include "base/monotonic.h"
#include "base/nearest.h"
#include "operate/opening.h"

#define UNREADABLE "unreadable"

/* A record has its time from when it is sent, a start its own from when its batch began. Who looks at sagas since a moment
 * reads from so long before it by the broker's time. */
enum { SINCE_MARGIN_MS = 600000 };
enum { TELL_EVERY_MS = 250 };

/* ---- what is accepted ---- */

static int refuse_class(struct saga_call *call, struct saga_slice name)
{
    const char *names[SAGA_WHAT_IF_CLASS_COUNT];
    size_t count = 0;
    for (int i = SAGA_WHAT_IF_SAME + 1; i < SAGA_WHAT_IF_CLASS_COUNT; i++)
        names[count++] = saga_what_if_class_name((enum saga_what_if_class)i);
    names[count++] = UNREADABLE;
    const char *near = saga_nearest(name, names, count);
    const char *mend =
        near ? saga_arena_printf(call->arena, "did you mean \"%s\"?", near).data
             : "some of ended-otherwise, other-commands, stuck, unhandled-event, other-time, "
               "not-started, not-judged, unreadable, with commas between";
    return saga_call_fail(call, SAGA_EXIT_USAGE, mend, "there is no class \"%.*s\" to accept",
                          SAGA_SLICE_ARG(name));
}

int saga_trial_accept(struct saga_call *call, const char *text, struct saga_trial_asked *ret)
{
    while (text) {
        const char *comma = strchr(text, ',');
        struct saga_slice name = { text, comma ? (size_t)(comma - text) : strlen(text) };
        enum saga_what_if_class class = saga_what_if_class_of(name);
        if (saga_slice_is(name, UNREADABLE))
            ret->unreadable_accepted = true;
        else if (class != SAGA_WHAT_IF_CLASS_COUNT)
            ret->accepted[class] = true;
        else
            return refuse_class(call, name);
        text = comma ? comma + 1 : NULL;
    }
    return SAGA_EXIT_DONE;
}

bool saga_trial_differs(const struct saga_trial *t)
{
    for (int i = SAGA_WHAT_IF_SAME + 1; i < SAGA_WHAT_IF_CLASS_COUNT; i++)
        if (t->counts.by_class[i] && !t->asked.accepted[i]) return true;
    return t->counts.unreadable > 0 && !t->asked.unreadable_accepted;
}

bool saga_trial_passed(const struct saga_trial *t)
{
    return t->counts.sagas > 0 && !saga_trial_differs(t);
}

/* ---- how far it is ---- */

double saga_trial_part(const struct saga_trial *t)
{
    int64_t all = 0, done = 0;
    uint64_t records = 0;
    for (uint32_t i = 0; i < t->call->config.lanes; i++) {
        const struct saga_trial_lane *lane = &t->lanes[i];
        all += lane->end - lane->from;
        done += i < t->lane ? lane->end - lane->from : lane->to - lane->from;
        records += lane->records;
    }
    double part = all > 0 ? (double)done / (double)all : 1;
    double bounded = t->asked.records_max ? (double)records / (double)t->asked.records_max : 0;
    return bounded > part ? bounded : part;
}

/* Tells, and gives back which bound has been met. */
static enum saga_trial_bound look(struct saga_trial *t)
{
    const struct saga_trial_asked *asked = &t->asked;
    if (asked->records_max && t->lanes[t->lane].records >= t->lane_records_max)
        return SAGA_TRIAL_RECORDS;
    if (asked->bytes_max && saga_what_if_held_bytes(t->what_if) > asked->bytes_max)
        return SAGA_TRIAL_MEMORY;
    if (!asked->ms_max && !asked->tell) return SAGA_TRIAL_WHOLE;
    int64_t now_ms = saga_monotonic_ms();
    if (asked->tell && now_ms - t->told_ms >= TELL_EVERY_MS) {
        t->told_ms = now_ms;
        saga_what_if_count(t->what_if, &t->counts);
        asked->tell(t, asked->context);
    }
    return asked->ms_max && now_ms >= t->lane_until_ms ? SAGA_TRIAL_TIME : SAGA_TRIAL_WHOLE;
}

static bool goes_on(void *context)
{
    struct saga_trial *t = context;
    struct saga_trial_lane *lane = &t->lanes[t->lane];
    lane->bound = look(t);
    return lane->bound == SAGA_TRIAL_WHOLE && !saga_call_is_given_up(t->call);
}

/* Of a record that takes long. */
static bool is_given_up(void *context)
{
    return !goes_on(context);
}

/* What is left, evenly over the lanes that are left. */
static void give_share(struct saga_trial *t, uint32_t lane)
{
    uint64_t records = 0;
    int64_t left = t->call->config.lanes - lane, now_ms = saga_monotonic_ms();
    for (uint32_t i = 0; i < lane; i++) records += t->lanes[i].records;
    t->lane = lane;
    t->lane_records_max = (t->asked.records_max - records + (uint64_t)left - 1) / (uint64_t)left;
    t->lane_until_ms = now_ms + (t->began_ms + t->asked.ms_max - now_ms) / left;
}

/* ---- reading ---- */

static bool take(const struct saga_message *record, void *context)
{
    struct saga_trial *t = context;
    struct saga_trial_lane *lane = &t->lanes[t->lane];
    if (!goes_on(t) || !saga_what_if_record(t->what_if, record)) return false;
    lane->records++;
    lane->to = record->offset + 1;
    lane->last_ms = record->timestamp_ms;
    return true;
}

/* A journal that was cut is read from where it begins, not from a snapshot: a state of then is the old version's, and what a
 * new one would have made of the events before nobody knows. */
static int find_bounds(struct saga_trial *t, uint32_t number)
{
    struct saga_trial_lane *lane = &t->lanes[number];
    int64_t low, since = 0;
    int code = saga_lane_bounds(t->call, number, &low, &lane->end);
    if (code == SAGA_EXIT_DONE && t->asked.since_ms)
        code = saga_lane_offset_at(t->call, number, t->asked.since_ms - SINCE_MARGIN_MS, &since);
    lane->from = since < low ? low : since < lane->end ? since : lane->end;
    lane->to = lane->from;
    lane->last_ms = -1;
    lane->skipped = lane->from > low;
    t->cut_lanes += low > 0 && !lane->skipped;
    return code;
}

static int begin(struct saga_trial *t)
{
    struct saga_call *call = t->call;
    uint32_t lanes = call->config.lanes;
    uint64_t expected = 0;
    int code = saga_call_pinned(call);
    if (code == SAGA_EXIT_DONE) code = saga_call_codec(call);
    if (code != SAGA_EXIT_DONE) return code;
    t->lanes = SAGA_NEW_ARRAY(call->arena, struct saga_trial_lane, lanes);
    for (uint32_t i = 0; i < lanes && code == SAGA_EXIT_DONE; i++) {
        code = find_bounds(t, i);
        expected += (uint64_t)(t->lanes[i].end - t->lanes[i].from);
    }
    if (code == SAGA_EXIT_DONE) saga_lane_reading_begin_with(&t->reading, call, expected);
    return code;
}

static int try_lane(struct saga_trial *t, uint32_t number)
{
    struct saga_call *call = t->call;
    struct saga_trial_lane *lane = &t->lanes[number];
    const struct saga_keyring *keys;
    give_share(t, number);
    int code = saga_call_keys(call, number, &keys);
    if (code != SAGA_EXIT_DONE) return code;
    saga_what_if_lane_begin(t->what_if, number);
    if (lane->skipped) saga_what_if_skipped(t->what_if);
    saga_what_if_keys(t->what_if, keys);
    saga_expression_give_up_by(is_given_up, t);
    code = saga_lane_read(&t->reading, number, lane->from, lane->end, take, t);
    saga_expression_give_up_by(NULL, NULL);
    saga_what_if_lane_end(t->what_if);
    saga_call_keys_drop(call, number);
    if (lane->bound == SAGA_TRIAL_WHOLE) lane->to = lane->end;
    if (code == SAGA_EXIT_DONE && saga_call_is_given_up(call))
        code = saga_call_fail(call, SAGA_EXIT_FAILED, NULL, "it was given up");
    return code;
}

int saga_trial_run(struct saga_call *call, const struct saga_trial_asked *asked,
                   struct saga_trial *ret)
{
    *ret = (struct saga_trial){ .call = call, .asked = *asked, .began_ms = saga_monotonic_ms() };
    ret->options = (struct saga_what_if_options){
        .name = asked->name.data ? asked->name : asked->definition->name,
        .since_ms = asked->since_ms,
        .inbox = call->topics.inbox,
        .schemas = call->schemas,
    };
    int code = begin(ret);
    if (code != SAGA_EXIT_DONE) return code;
    saga_what_if_new(call->codec, asked->definition, &ret->options, &ret->what_if);
    ret->reading.goes_on = goes_on;
    ret->reading.goes_on_context = ret;
    for (uint32_t lane = 0; lane < call->config.lanes && code == SAGA_EXIT_DONE; lane++)
        code = try_lane(ret, lane);
    saga_lane_reading_end(&ret->reading);
    saga_what_if_count(ret->what_if, &ret->counts);
    ret->group_count = saga_what_if_groups(ret->what_if, &ret->groups);
    return code;
}

void saga_trial_free(struct saga_trial *trial)
{
    saga_what_if_free(trial->what_if);
    trial->what_if = NULL;
}
