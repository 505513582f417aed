/* Whether entries, values and causes of records that were read from outside can be decided on (fits.h). */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "definition/schedule.h"
#include "engine/engine_internal.h"
#include "engine/fits.h"

bool saga_fits_not(struct saga_arena *arena, struct saga_diagnostic *ret, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ret->what = saga_arena_vprintf(arena, format, arguments);
    va_end(arguments);
    ret->why = SAGA_SLICE("no event leads to such a state, so that nothing can be decided on it");
    return false;
}

static int by_bytes(const void *left, const void *right)
{
    return saga_slice_compare(*(const struct saga_slice *)left, *(const struct saga_slice *)right);
}

bool saga_some_are_same(struct saga_slice *texts, size_t count)
{
    qsort(texts, count, sizeof *texts, by_bytes);
    for (size_t i = 1; i < count; i++)
        if (saga_slice_equal(texts[i - 1], texts[i])) return true;
    return false;
}

bool saga_is_id(struct saga_slice id)
{
    const char *slash = id.size ? memchr(id.data, '/', id.size) : NULL;
    return slash && slash > id.data && slash < id.data + id.size - 1;
}

bool saga_is_time(int64_t time_ms)
{
    return time_ms >= -INT64_MAX / 4 && time_ms <= INT64_MAX / 4;
}

/* ---- correlation entries (R21) ---- */

static bool kept_fit(const struct saga_state *state, struct saga_arena *arena,
                     struct saga_diagnostic *ret, bool *ret_early)
{
    struct saga_slice *ids = SAGA_NEW_ARRAY(arena, struct saga_slice, state->kept_count + 1);
    *ret_early = false;
    for (size_t i = 0; i < state->kept_count; i++) {
        const struct saga_kept_event *event = &state->kept[i];
        if (event->id.size == 0 || !saga_is_time(event->expires_ms))
            return saga_fits_not(arena, ret, "it keeps an event without an id or a time");
        *ret_early |= event->status == SAGA_KEPT_EARLY;
        ids[i] = event->id;
    }
    return !saga_some_are_same(ids, state->kept_count) ||
           saga_fits_not(arena, ret, "it keeps an event twice");
}

/* What it was sent is kept until it says what became of it. */
static bool is_kept_for(const struct saga_state *state, const struct saga_waiter *waiter)
{
    if (waiter->offered.size == 0) return true;
    const struct saga_kept_event *event = saga_state_kept_event(state, waiter->offered);
    return event && event->status == SAGA_KEPT_OFFERED;
}

static bool waiters_fit(const struct saga_state *state, bool early, struct saga_arena *arena,
                        struct saga_diagnostic *ret)
{
    size_t offered = 0;
    struct saga_slice *names = SAGA_NEW_ARRAY(arena, struct saga_slice, state->waiter_count + 1);
    struct saga_slice *events = SAGA_NEW_ARRAY(arena, struct saga_slice, state->waiter_count + 1);
    for (size_t i = 0; i < state->waiter_count; i++) {
        const struct saga_waiter *waiter = &state->waiters[i];
        if (!saga_is_id(waiter->id)) return saga_fits_not(arena, ret, "one that waits is no saga");
        if (!is_kept_for(state, waiter))
            return saga_fits_not(arena, ret, "%.*s was sent an event that is not kept",
                                 SAGA_SLICE_ARG(waiter->id));
        if (waiter->offered.size) events[offered++] = waiter->offered;
        if (waiter->offered.size == 0 && early)
            return saga_fits_not(arena, ret, "%.*s waits for an event that is there",
                                 SAGA_SLICE_ARG(waiter->id));
        names[i] = saga_arena_printf(arena, "%zu/%zu/%.*s%.*s%.*s", waiter->id.size,
                                     waiter->run.size, SAGA_SLICE_ARG(waiter->id),
                                     SAGA_SLICE_ARG(waiter->run), SAGA_SLICE_ARG(waiter->step));
    }
    if (saga_some_are_same(names, state->waiter_count))
        return saga_fits_not(arena, ret, "the same saga waits twice");
    return !saga_some_are_same(events, offered) ||
           saga_fits_not(arena, ret, "an event was sent to two sagas");
}

static bool correlation_fits(const struct saga_state *state, struct saga_arena *arena,
                             struct saga_diagnostic *ret)
{
    bool early;
    for (size_t i = 0; i < state->timer_count; i++)
        if (!saga_slice_is(state->timers[i].name, SAGA_TIMER_EXPIRE))
            return saga_fits_not(arena, ret, "it has an alarm that no entry has");
    return kept_fit(state, arena, ret, &early) && waiters_fit(state, early, arena, ret);
}

/* ---- schedules ---- */

static bool schedule_fits(const struct saga_state *state, const struct saga_definition *definition,
                          struct saga_arena *arena, struct saga_diagnostic *ret)
{
    if (state->waiter_count || state->kept_count)
        return saga_fits_not(arena, ret, "it is a schedule, and has what others wait for");
    for (size_t i = 0; i < state->timer_count; i++)
        if (!saga_slice_is(state->timers[i].name, SAGA_TIMER_TICK) &&
            !saga_slice_is(state->timers[i].name, SAGA_TIMER_TICK_AGAIN))
            return saga_fits_not(arena, ret, "it has an alarm that no schedule has");
    bool same = definition && definition->version == state->version;
    bool ticks = saga_state_timer(state, SAGA_SLICE(SAGA_TIMER_TICK));
    return !same || !ticks || saga_definition_is_scheduled(definition) ||
           saga_fits_not(arena, ret, "it ticks, but its definition has no schedule");
}

bool saga_entry_fits(const struct saga_state *state, const struct saga_definition *definition,
                     struct saga_arena *arena, struct saga_diagnostic *ret)
{
    if (state->step_count || state->scope_count || state->status != SAGA_RUNNING)
        return saga_fits_not(arena, ret, "it is an entry, and has what only a saga has");
    if (!saga_is_id(state->id) || !saga_id_is_entry(state->id) ||
        !saga_slice_equal(state->name, saga_id_entry_name(state->id)))
        return saga_fits_not(arena, ret, "its id %.*s is not that of an entry",
                             SAGA_SLICE_ARG(state->id));
    if (state->kind == SAGA_KIND_CORRELATION) return correlation_fits(state, arena, ret);
    if (state->kind == SAGA_KIND_SCHEDULE) return schedule_fits(state, definition, arena, ret);
    return saga_fits_not(arena, ret, "it is an entry of a kind that does not stay");
}

/* ---- values ---- */

static bool is_json(struct saga_slice value)
{
    return !value.data || saga_json_validate(value, NULL, NULL) == SAGA_OK;
}

static bool is_json_of(struct saga_slice value, enum saga_json_kind kind)
{
    return !value.data || (is_json(value) && saga_json_kind(value) == kind);
}

bool saga_state_values_fit(const struct saga_state *state, struct saga_arena *arena,
                           struct saga_diagnostic *ret)
{
    if (!is_json(state->input) || !is_json_of(state->vars, SAGA_JSON_OBJECT))
        return saga_fits_not(arena, ret, "its input or its variables are not JSON");
    for (size_t i = 0; i < state->scope_count; i++) {
        const struct saga_scope *scope = &state->scopes[i];
        if (scope->loop && (!is_json_of(scope->items, SAGA_JSON_ARRAY) ||
                            saga_json_count(scope->items) != scope->total))
            return saga_fits_not(arena, ret, "loop %u of it has no list of %u elements", scope->id,
                                 scope->total);
    }
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *step = &state->steps[i];
        if (!is_json(step->body) || !is_json(step->result) || !is_json(step->compensation_body))
            return saga_fits_not(arena, ret, "what %.*s sent or keeps is not JSON",
                                 SAGA_SLICE_ARG(step->path));
    }
    for (size_t i = 0; i < state->kept_count; i++)
        if (!is_json(state->kept[i].body))
            return saga_fits_not(arena, ret, "an event that it keeps is not JSON");
    return true;
}

/* ---- causes ---- */

/* Can a start say that it begins this run? */
static bool is_run(struct saga_slice run)
{
    return run.size == 0 || saga_is_lower_hex(run, SAGA_RUN_DIGITS);
}

/* Whom a note, or the order to forget, may begin, and whether a start says what can be. */
static bool begins_right(const struct saga_event *event)
{
    if (event->kind == SAGA_EVENT_START) return event->key.size > 0 && is_run(event->run);
    return saga_is_id(event->target) && saga_id_is_entry(event->target) &&
           saga_id_entry_name(event->target).size > 0;
}

bool saga_event_fits(const struct saga_event *event)
{
    if (event->kind == SAGA_EVENT_LANE || event->kind >= SAGA_EVENT_KIND_COUNT) return false;
    if (saga_event_begins(event) && !begins_right(event)) return false;
    return saga_is_time(event->time_ms) && saga_is_time(event->keep_ms) && is_json(event->body);
}
