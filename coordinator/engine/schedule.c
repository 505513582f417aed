/* Schedules: entries that start a definition at its times. One entry a definition, in the lane of its name: so one run a
 * tick, however many coordinators there are. The entry follows the definition's newest version, of which a deploy tells
 * it. */
#include "definition/schedule.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mutation.h"
#include "base/time.h"
#include "engine/engine_internal.h"

uint32_t saga_schedule_version(const struct saga_event *event)
{
    struct saga_slice value;
    unsigned long long version;
    if (!event->body.data || saga_json_member(event->body, SAGA_SLICE("version"), &value) < 0 ||
        saga_slice_to_u64(saga_json_trim(value), &version) < 0 || version > UINT32_MAX)
        return 0;
    return (uint32_t)version;
}

/* ---- all schedules of the definition together ---- */

static int64_t next_tick(const struct saga_decision *d, int64_t after_ms)
{
    int64_t first_ms = SAGA_SCHEDULE_NEVER;
    for (size_t i = 0; i < d->definition->start_count; i++) {
        const struct saga_start *start = &d->definition->starts[i];
        if (!saga_start_is_scheduled(start)) continue;
        int64_t tick_ms = saga_schedule_next(start, after_ms);
        if (tick_ms < first_ms) first_ms = tick_ms;
    }
    SAGA_ASSERT(first_ms != SAGA_SCHEDULE_NEVER); /* the loader refuses what never comes */
    return first_ms;
}

/* ---- ticks ---- */

struct tick {
    int64_t time_ms;
    bool starts;
};

struct ticks {
    struct tick items[SAGA_STARTS_MAX]; /* the newest one of each schedule, the first first */
    size_t count;
};

/* Two schedules may tick at the same time: that is one tick. */
static void add_tick(struct ticks *ticks, struct tick tick)
{
    size_t place = ticks->count;
    for (size_t i = 0; i < ticks->count; i++)
        if (ticks->items[i].time_ms == tick.time_ms) {
            ticks->items[i].starts |= tick.starts;
            return;
        }
    for (; place > 0 && ticks->items[place - 1].time_ms > tick.time_ms; place--)
        ticks->items[place] = ticks->items[place - 1];
    ticks->items[place] = tick;
    ticks->count++;
}

/* Of ticks that came while nobody looked only the newest one starts something, and that only in time or where the
 * definition says so. */
static void find_ticks(const struct saga_decision *d, int64_t due_ms, struct ticks *ret)
{
    int64_t now_ms = d->event->time_ms;
    *ret = (struct ticks){ .count = 0 };
    for (size_t i = 0; i < d->definition->start_count; i++) {
        const struct saga_start *start = &d->definition->starts[i];
        if (!saga_start_is_scheduled(start)) continue;
        int64_t newest_ms = saga_schedule_newest(start, due_ms, now_ms);
        bool in_time = now_ms - newest_ms <= SAGA_SCHEDULE_GRACE_MS;
        if (newest_ms != SAGA_SCHEDULE_NEVER)
            add_tick(ret,
                     (struct tick){ newest_ms, in_time || start->missed == SAGA_MISSED_RUN_ONCE });
    }
}

static uint32_t count_missed(const struct saga_decision *d, int64_t due_ms,
                             const struct ticks *ticks)
{
    uint32_t count = 0;
    int64_t tick_ms = next_tick(d, due_ms - 1);
    for (; tick_ms <= d->event->time_ms && count < SAGA_SCHEDULE_MISSED_MAX;
         tick_ms = next_tick(d, tick_ms)) {
        bool starts = false;
        for (size_t i = 0; i < ticks->count; i++)
            starts |= ticks->items[i].time_ms == tick_ms && ticks->items[i].starts;
        count += !starts;
    }
    return count;
}

/* RFC 3339 without the milliseconds, which are none. It is the key of the run, so that a tick starts one at most. */
static struct saga_slice text_of(struct saga_decision *d, int64_t time_ms)
{
    char text[SAGA_TIME_TEXT_BYTES];
    saga_time_format(time_ms, text);
    return saga_arena_printf(d->arena, "%.19sZ", text);
}

static void tick(struct saga_decision *d, const struct tick *tick, uint32_t missed, int64_t next_ms)
{
    struct saga_slice time = text_of(d, tick->time_ms);
    saga_emit(d, (struct saga_fact){
                     .kind = SAGA_FACT_SCHEDULE_TICKED,
                     .text = time,
                     .reason = tick->starts ? SAGA_SLICE("started") : SAGA_SLICE("skipped"),
                     .total = missed,
                     .due_ms = next_ms,
                 });
    if (!tick->starts) return;
    saga_emit(d,
              (struct saga_fact){
                  .kind = SAGA_FACT_NOTE_SENT,
                  .note = SAGA_NOTE_SCHEDULE_START,
                  .id = saga_arena_printf(d->arena, "%.*s/%.*s", SAGA_SLICE_ARG(d->state->name),
                                          SAGA_SLICE_ARG(time)),
                  .value = saga_arena_printf(d->arena, "{\"tick\":\"%.*s\"}", SAGA_SLICE_ARG(time)),
              });
}

/* R19: the tick keeps its time and is looked at again, until its definition is there. */
static void hold(struct saga_decision *d)
{
    const struct saga_timer *tick = saga_state_timer(d->state, SAGA_SLICE(SAGA_TIMER_TICK));
    if (!tick->held)
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_TIMER_HELD, .name = tick->name });
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_TIMER_ARMED,
                                     .name = SAGA_SLICE(SAGA_TIMER_TICK_AGAIN),
                                     .due_ms = d->event->time_ms + SAGA_SCHEDULE_AGAIN_MS });
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_TIMER_IGNORED,
                                     .reason = SAGA_SLICE("no-definition"),
                                     .message = SAGA_SLICE("the definition is not to be had") });
}

static void set(struct saga_decision *d, int64_t after_ms)
{
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SCHEDULE_SET,
                                     .version = d->definition->version,
                                     .sha256 = saga_slice_of(d->definition->sha256),
                                     .due_ms = next_tick(d, after_ms) });
}

static void timer_rang(struct saga_decision *d)
{
    struct ticks ticks;
    const struct saga_timer *timer = saga_state_timer(d->state, d->event->timer),
                            *tick_timer = saga_state_timer(d->state, SAGA_SLICE(SAGA_TIMER_TICK));
    bool stale = timer && timer->armed != d->event->armed && !SAGA_WITHOUT(STALE_TICKS); /* R16 */
    bool rings = timer && !stale && !timer->held;
    if (!rings || !tick_timer) {
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_TIMER_IGNORED,
                                         .reason = SAGA_SLICE("stale"),
                                         .message = SAGA_SLICE("an alarm of something older") });
        return;
    }
    if (!d->definition) {
        hold(d);
        return;
    }
    int64_t due_ms = tick_timer->due_ms;
    int64_t next_ms = next_tick(d, SAGA_WITHOUT(TICKS_ONCE) ? due_ms : d->event->time_ms);
    find_ticks(d, due_ms, &ticks);
    if (ticks.count == 0) /* whoever armed it had another version of the zone database */
        set(d, d->event->time_ms);
    uint32_t missed = count_missed(d, due_ms, &ticks);
    for (size_t i = 0; i < ticks.count; i++) tick(d, &ticks.items[i], i == 0 ? missed : 0, next_ms);
}

/* ---- which version is in force ---- */

static void begin(struct saga_decision *d)
{
    struct saga_slice id = d->event->target, name = saga_id_entry_name(id);
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_ENTRY_STARTED,
                                     .entry = SAGA_KIND_SCHEDULE,
                                     .id = id,
                                     .run = saga_entry_run(d),
                                     .key = name,
                                     .name = name });
}

static void deployed(struct saga_decision *d)
{
    uint32_t version = saga_schedule_version(d->event);
    bool older = version < d->state->version && !SAGA_WITHOUT(NEWEST_SCHEDULE);
    if (older || !d->definition || d->definition->version != version) {
        saga_ignore_note(d, older ? "older" : "no-definition",
                         older ? "a newer version is in force" : "its definition is not to be had");
        return;
    }
    const struct saga_timer *timer = saga_state_timer(d->state, SAGA_SLICE(SAGA_TIMER_TICK));
    bool ticks = timer && !timer->held;
    bool due = timer && timer->due_ms <= d->event->time_ms && !SAGA_WITHOUT(TICKS_DUE);
    bool will_tick = saga_definition_is_scheduled(d->definition);
    if (version == d->state->version && ticks == will_tick)
        saga_ignore_note(d, "unchanged", "this version is in force already");
    else if (will_tick)
        set(d, due ? timer->due_ms - 1 : d->event->time_ms); /* what is due is not passed over */
    else
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SCHEDULE_ENDED,
                                         .version = version,
                                         .sha256 = saga_slice_of(d->definition->sha256) });
}

void saga_decide_schedule(struct saga_decision *d)
{
    bool begins = d->state->status == SAGA_STATUS_NONE;
    if (begins) begin(d);
    if (d->event->kind == SAGA_EVENT_TIMER)
        timer_rang(d);
    else if (d->event->kind == SAGA_EVENT_NOTE && d->event->note == SAGA_NOTE_SCHEDULE_SET)
        deployed(d);
    else if (d->event->kind == SAGA_EVENT_OPERATOR)
        saga_emit(d, (struct saga_fact){
                         .kind = SAGA_FACT_OPERATOR_REFUSED,
                         .reason = SAGA_SLICE("no-saga"),
                         .message = SAGA_SLICE("this is a schedule; a deployed version without "
                                               "one ends it"),
                     });
    else
        saga_ignore_note(d, "no-saga", "this is a schedule, no saga");
    /* An entry that knows a version stays, also one that has ended, or never began: what is said late of an older version
     * must not begin it anew. */
    if (begins && d->state->version == 0)
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SAGA_FORGOTTEN });
}
