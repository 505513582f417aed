/* What the journal says of schedules (R28), held against what was deployed: when which tick must come, and what becomes of
 * it, is worked out here once more, by other means than the engine's. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/limits.h"
#include "base/time.h"
#include "engine/engine.h"
#include "sim_check_internal.h"

#define ENTRY SAGA_SLICE("report~schedule/report")

static const struct sim_schedule no_schedule;

/* ---- what was deployed ---- */

void sim_check_deployed(struct sim_check *check, uint32_t version,
                        const struct sim_schedule *schedule)
{
    struct schedule *s = &check->schedule;
    SAGA_ASSERT(version < SIM_VERSIONS_MAX);
    s->versions[version] = schedule;
}

static const struct sim_schedule *schedule_of(const struct sim_check *check, uint32_t version)
{
    const struct sim_schedule *schedule =
        version < SIM_VERSIONS_MAX ? check->schedule.versions[version] : NULL;
    return schedule ? schedule : &no_schedule;
}

static const struct sim_schedule *in_force(const struct sim_check *check)
{
    return schedule_of(check, check->schedule.version);
}

/* ---- when ticks come ---- */

static int64_t next_tick(const struct sim_schedule *schedule, int64_t after_ms)
{
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < schedule->source_count; i++) {
        int64_t period_ms = schedule->sources[i].period_ms;
        int64_t tick_ms = after_ms - after_ms % period_ms + period_ms;
        if (tick_ms < next_ms) next_ms = tick_ms;
    }
    return next_ms;
}

static bool is_newest_of(const struct sim_tick_source *source, int64_t tick_ms, int64_t now_ms)
{
    return tick_ms % source->period_ms == 0 && tick_ms + source->period_ms > now_ms;
}

/* Does the tick start a run, decided at `now_ms`? Only the newest one of a source, and that in time or where the source does
 * not skip. */
static bool starts(const struct sim_schedule *schedule, int64_t tick_ms, int64_t now_ms)
{
    for (size_t i = 0; i < schedule->source_count; i++) {
        const struct sim_tick_source *source = &schedule->sources[i];
        bool in_time = now_ms - tick_ms <= SAGA_SCHEDULE_GRACE_MS;
        if (is_newest_of(source, tick_ms, now_ms) && (in_time || !source->skips)) return true;
    }
    return false;
}

/* The first tick from then on that has a fact of its own: the newest one of a source. INT64_MAX: none until now. */
static int64_t next_told(const struct sim_schedule *schedule, int64_t from_ms, int64_t now_ms)
{
    for (int64_t tick_ms = next_tick(schedule, from_ms - 1); tick_ms <= now_ms;
         tick_ms = next_tick(schedule, tick_ms))
        for (size_t i = 0; i < schedule->source_count; i++)
            if (is_newest_of(&schedule->sources[i], tick_ms, now_ms)) return tick_ms;
    return INT64_MAX;
}

/* Of the ticks from the one that was due until now: how many start nothing. */
static uint32_t count_missed(const struct sim_schedule *schedule, int64_t due_ms, int64_t now_ms)
{
    uint32_t missed = 0;
    for (int64_t tick_ms = due_ms; tick_ms <= now_ms && missed < SAGA_SCHEDULE_MISSED_MAX;
         tick_ms = next_tick(schedule, tick_ms))
        missed += !starts(schedule, tick_ms, now_ms);
    return missed;
}

/* ---- ticks and their runs ---- */

static struct tick *tick_of(struct sim_check *check, struct saga_slice time)
{
    struct tick *tick;
    HASH_FIND(hh, check->ticks, time.data, time.size, tick);
    if (tick) return tick;
    tick = SAGA_NEW(&check->arena, struct tick);
    tick->name = saga_arena_string(&check->arena, time);
    HASH_ADD_KEYPTR(hh, check->ticks, tick->name, time.size, tick);
    return tick;
}

/* One fact of an alarm: it is of the tick at `expected_ms`. */
static void take_tick(struct sim_check *check, const struct saga_fact *fact, int64_t expected_ms,
                      int64_t now_ms, uint32_t missed)
{
    const struct sim_schedule *schedule = in_force(check);
    bool started = saga_slice_is(fact->reason, "started");
    int64_t time_ms;
    if (saga_time_parse(fact->text, &time_ms) < 0 || time_ms != expected_ms)
        sim_violate(check->sim, "%.*s is not the tick that comes now", SAGA_SLICE_ARG(fact->text));
    else if (started != starts(schedule, time_ms, now_ms))
        sim_violate(check->sim, "the tick %.*s was %.*s, against what its schedule says",
                    SAGA_SLICE_ARG(fact->text), SAGA_SLICE_ARG(fact->reason));
    else if (fact->total != missed)
        sim_violate(check->sim, "at the tick %.*s %u ticks were missed, it says %u",
                    SAGA_SLICE_ARG(fact->text), missed, fact->total);
    else if (fact->due_ms != next_tick(schedule, now_ms))
        sim_violate(check->sim, "the tick behind %.*s comes at another time",
                    SAGA_SLICE_ARG(fact->text));
    check->schedule.ticked_when_calm = check->sim->calm;
    if (!started) {
        sim_count(check->sim, TICK_SKIPPED);
        return;
    }
    tick_of(check, fact->text)->ticked++;
    sim_count(check->sim, TICKED);
    if (missed) sim_count(check->sim, TICKS_MISSED);
}

static void take_alarm(struct sim_check *check, const struct saga_journal_record *record)
{
    struct schedule *s = &check->schedule;
    int64_t now_ms = record->cause.time_ms;
    int64_t expected_ms = next_told(in_force(check), s->due_ms, now_ms);
    uint32_t missed = count_missed(in_force(check), s->due_ms, now_ms);
    if (record->fact_count == 1 && saga_slice_is(record->facts[0].reason, "stale")) {
        sim_count(check->sim, TIMER_IGNORED);
        return;
    }
    for (size_t i = 0; i < record->fact_count; i++) {
        const struct saga_fact *fact = &record->facts[i];
        if (fact->kind == SAGA_FACT_NOTE_SENT) continue;
        if (fact->kind != SAGA_FACT_SCHEDULE_TICKED) {
            sim_violate(check->sim, "an alarm of the schedule led to %s",
                        saga_fact_types[fact->kind].name);
            return;
        }
        take_tick(check, fact, expected_ms, now_ms, missed);
        missed = 0; /* the first one says it */
        expected_ms = next_told(in_force(check), expected_ms + 1, now_ms);
    }
    if (expected_ms <= now_ms)
        sim_violate(check->sim, "a tick of version %u was passed over", s->version);
    s->due_ms = next_tick(in_force(check), now_ms);
}

void sim_check_scheduled_start(struct sim_check *check, const struct saga_journal_record *record)
{
    char input[64];
    if (!saga_slice_is(record->name, "report")) return;
    struct tick *tick = tick_of(check, record->key);
    snprintf(input, sizeof input, "{\"tick\":\"%s\"}", tick->name);
    if (++tick->started > 1)
        sim_violate(check->sim, "the tick %s started %u runs", tick->name, tick->started);
    if (!saga_slice_is(record->cause.body, input))
        sim_violate(check->sim, "the run of the tick %s has another input", tick->name);
}

void sim_check_ticks(struct sim_check *check)
{
    for (const struct tick *tick = check->ticks; tick; tick = tick->hh.next)
        if (tick->ticked != 1 || tick->started != 1)
            sim_violate(check->sim, "the tick %s was decided %u times and started %u runs",
                        tick->name, tick->ticked, tick->started);
}

/* ---- deploys ---- */

static void count_change(struct sim_check *check, bool ticks, bool due)
{
    struct schedule *s = &check->schedule;
    if (!ticks) {
        sim_count(check->sim, SCHEDULE_ENDED);
    } else if (!s->ticks && s->version) {
        sim_count(check->sim, SCHEDULE_AGAIN);
    } else if (!s->ticks) {
        sim_count(check->sim, SCHEDULE_SET);
    } else {
        sim_count(check->sim, SCHEDULE_CHANGED);
        if (due) sim_count(check->sim, SCHEDULE_DUE);
    }
}

/* The newest version counts, whenever it is told; of one that was due the tick is not passed over. */
static void take_version(struct sim_check *check, const struct saga_fact *fact, uint32_t version,
                         int64_t now_ms)
{
    struct schedule *s = &check->schedule;
    const struct sim_schedule *schedule = schedule_of(check, version);
    bool ticks = schedule->source_count > 0, due = s->ticks && s->due_ms <= now_ms;
    int64_t due_ms = ticks ? next_tick(schedule, due ? s->due_ms - 1 : now_ms) : 0;
    if (version <= s->version)
        sim_violate(check->sim, "version %u of the schedule is in force behind version %u", version,
                    s->version);
    else if (ticks != (fact->kind == SAGA_FACT_SCHEDULE_SET) || fact->version != version)
        sim_violate(check->sim, "the schedule of version %u is not what was deployed", version);
    else if (fact->due_ms != due_ms)
        sim_violate(check->sim, "the schedule of version %u ticks first at another time", version);
    count_change(check, ticks, due);
    s->version = version;
    s->ticks = ticks;
    s->due_ms = due_ms;
}

static void take_deploy(struct sim_check *check, const struct saga_journal_record *record)
{
    struct schedule *s = &check->schedule;
    uint32_t version = saga_schedule_version(&record->cause);
    for (size_t i = 0; i < record->fact_count; i++) {
        const struct saga_fact *fact = &record->facts[i];
        if (fact->kind == SAGA_FACT_SCHEDULE_SET || fact->kind == SAGA_FACT_SCHEDULE_ENDED)
            take_version(check, fact, version, record->cause.time_ms);
        if (fact->kind != SAGA_FACT_NOTE_IGNORED) continue;
        if (version > s->version)
            sim_violate(check->sim, "version %u of the schedule was ignored (%.*s), in force is %u",
                        version, SAGA_SLICE_ARG(fact->reason), s->version);
        else if (version < s->version)
            sim_count(check->sim, SCHEDULE_OLDER);
        else
            sim_count(check->sim, SCHEDULE_TWICE);
    }
}

bool sim_check_schedule(struct sim_check *check, const struct saga_journal_record *record)
{
    if (!saga_slice_equal(record->saga_id, ENTRY)) return false;
    if (record->cause.kind == SAGA_EVENT_TIMER)
        take_alarm(check, record);
    else
        take_deploy(check, record);
    return true;
}

/* ---- the end ---- */

bool sim_check_has_ticked(const struct sim_check *check)
{
    return check->schedule.ticks && check->schedule.ticked_when_calm;
}

bool sim_check_schedule_is_done(const struct sim_check *check, char *ret_words, size_t size)
{
    const struct schedule *s = &check->schedule;
    if (s->ticks)
        snprintf(ret_words, size, "the schedule of version %u %s", s->version,
                 s->ticked_when_calm ? "has not ended" : "does not tick");
    return !s->ticks;
}

size_t sim_check_schedule_entries(const struct sim_check *check, uint32_t lane)
{
    return saga_replay_state(check->lanes[lane].replay, ENTRY) != NULL;
}
