#include "explore/play.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "definition/schedule.h"

void saga_play_begin(struct saga_play *play, const struct saga_definition *definition,
                     int64_t begin_ms, struct saga_arena *arena)
{
    *play = (struct saga_play){ .definition = definition,
                                .arena = arena,
                                .state = saga_state_new(),
                                .begin_ms = begin_ms,
                                .time_ms = begin_ms };
}

void saga_play_end(struct saga_play *play)
{
    saga_state_free(play->state);
    play->state = NULL;
}

static const struct saga_timer *copy_timers(struct saga_play *play)
{
    size_t count = play->state->timer_count;
    if (count == 0) return NULL;
    struct saga_timer *timers = SAGA_NEW_ARRAY(play->arena, struct saga_timer, count);
    memcpy(timers, play->state->timers, count * sizeof *timers);
    for (size_t i = 0; i < count; i++)
        timers[i].name = saga_arena_copy(play->arena, timers[i].name);
    return timers;
}

const struct saga_play_record *saga_play_event(struct saga_play *play, struct saga_event event)
{
    bool starts = saga_event_begins(&event);
    if (play->state->forgotten && starts) {
        saga_state_free(play->state);
        play->state = saga_state_new();
    }
    if (play->state->forgotten || (play->state->status == SAGA_STATUS_NONE && !starts)) return NULL;
    event.time_ms = play->time_ms;
    if (event.kind == SAGA_EVENT_TIMER)
        event.source = (struct saga_position){ SAGA_SLICE_NONE, -1, -1 };
    else
        event.source = (struct saga_position){ SAGA_SLICE("topic"), 0, play->offset++ };
    SAGA_PUSH(play->arena, play->records, play->count, play->capacity,
              (struct saga_play_record){ .event = event });
    struct saga_play_record *record = &play->records[play->count - 1];
    saga_decide(play->definition, play->state, &record->event, play->arena, &record->facts);
    record->status = play->state->status;
    record->paused = play->state->paused;
    record->timers = copy_timers(play);
    record->timer_count = play->state->timer_count;
    return record;
}

void saga_play_note(struct saga_play *play, struct saga_event event)
{
    event.time_ms = play->time_ms;
    struct saga_play_record record = { .event = event, .status = play->state->status };
    SAGA_PUSH(play->arena, play->records, play->count, play->capacity, record);
}

const struct saga_play_record *saga_play_ring(struct saga_play *play, struct saga_slice timer)
{
    const struct saga_timer *armed = saga_state_timer(play->state, timer);
    if (!armed) return NULL;
    if (armed->due_ms > play->time_ms) play->time_ms = armed->due_ms;
    return saga_play_event(play,
                           (struct saga_event){ .kind = SAGA_EVENT_TIMER,
                                                .timer = saga_arena_copy(play->arena, armed->name),
                                                .armed = armed->armed });
}

const struct saga_timer *saga_play_next_timer(const struct saga_play *play)
{
    const struct saga_timer *next = NULL;
    for (size_t i = 0; i < play->state->timer_count; i++) {
        const struct saga_timer *timer = &play->state->timers[i];
        if (!timer->held && (!next || timer->due_ms < next->due_ms)) next = timer;
    }
    return next;
}

/* ---- starts ---- */

static int eval_text(struct saga_expression *expression, struct saga_slice body,
                     struct saga_arena *arena, struct saga_slice *ret,
                     struct saga_slice *ret_message)
{
    struct saga_bindings bindings = { .root = body };
    struct saga_slice json;
    if (saga_expression_eval(expression, &bindings, arena, &json, ret_message) < 0)
        return SAGA_E_INVALID;
    enum saga_json_kind kind = saga_json_kind(json);
    *ret = saga_json_trim(json);
    if (kind == SAGA_JSON_STRING) return saga_json_text(json, arena, ret);
    if (kind == SAGA_JSON_NUMBER) return SAGA_OK;
    struct saga_slice source = saga_slice_clip(saga_expression_source(expression), 200),
                      given = saga_slice_clip(*ret, 100);
    *ret_message = saga_arena_printf(arena, "%.*s gives %.*s, which is no text and no number",
                                     SAGA_SLICE_ARG(source), SAGA_SLICE_ARG(given));
    return SAGA_E_INVALID;
}

static int key_of(const struct saga_start *start, struct saga_slice body, struct saga_arena *arena,
                  struct saga_slice *ret, struct saga_slice *ret_message)
{
    if (eval_text(start->key, body, arena, ret, ret_message) < 0) return SAGA_E_INVALID;
    if (ret->size >= 1 && ret->size <= SAGA_KEY_BYTES_MAX) return SAGA_OK;
    *ret_message = saga_arena_printf(arena, "a key has 1 to %d bytes, this one %zu",
                                     SAGA_KEY_BYTES_MAX, ret->size);
    return SAGA_E_INVALID;
}

static bool has_type(const struct saga_start *start, struct saga_slice type, struct saga_slice body,
                     struct saga_arena *arena)
{
    struct saga_slice message;
    if (type.size == 0 && start->type && eval_text(start->type, body, arena, &type, &message) < 0)
        return false;
    return saga_slice_equal(type, start->event);
}

int saga_play_start(const struct saga_definition *definition, struct saga_slice topic,
                    struct saga_slice type, struct saga_slice body, struct saga_arena *arena,
                    const struct saga_start **ret_start, struct saga_slice *ret_key,
                    struct saga_slice *ret_message)
{
    struct saga_bindings bindings = { .root = body };
    for (size_t i = 0; i < definition->start_count; i++) {
        const struct saga_start *start = &definition->starts[i];
        struct saga_slice json = SAGA_SLICE("true");
        if (saga_start_is_scheduled(start)) continue; /* no event starts it */
        if (topic.size && !saga_slice_equal(topic, start->topic)) continue;
        if (!has_type(start, type, body, arena)) continue;
        if (start->when &&
            saga_expression_eval(start->when, &bindings, arena, &json, ret_message) < 0)
            return SAGA_E_INVALID;
        if (!saga_json_is_true(json)) continue;
        if (key_of(start, body, arena, ret_key, ret_message) < 0) return SAGA_E_INVALID;
        *ret_start = start;
        return SAGA_OK;
    }
    *ret_message = saga_arena_printf(arena, "no start of %.*s takes this %.*s",
                                     SAGA_SLICE_ARG(definition->name), SAGA_SLICE_ARG(type));
    return SAGA_E_NOT_FOUND;
}
