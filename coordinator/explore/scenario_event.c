/* Events of the outside world in a scenario: matched as the coordinator matches them (R21), kept for a saga that asks for
 * them later. */
#include "base/error.h"
#include "base/json.h"
#include "explore/scenario_run.h"

/* The value that the event is matched by, as the block has it. False: none. */
static bool value_of(struct saga_scenario_run *r, const struct saga_await *await,
                     struct saga_slice body, struct saga_slice *ret)
{
    struct saga_bindings bindings = { .root = body };
    struct saga_slice json, message;
    if (saga_expression_eval(await->match, &bindings, r->arena, &json, &message) < 0) return false;
    *ret = saga_json_trim(json);
    if (saga_json_kind(json) == SAGA_JSON_NUMBER) return true;
    return saga_json_kind(json) == SAGA_JSON_STRING &&
           saga_json_text(json, r->arena, ret) == SAGA_OK;
}

static bool waits_for(struct saga_scenario_run *r, const struct saga_step_state *step,
                      const struct saga_outside *outside)
{
    const struct saga_scenario_event *event = &outside->step->event;
    bool open = step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF;
    struct saga_slice value;
    if (step->kind != SAGA_STEP_AWAIT || !open) return false;
    const struct saga_await *await = &r->definition->blocks[step->block]->await;
    if (!saga_slice_equal(await->event, event->type)) return false;
    if (event->to.size) return saga_slice_equal(event->to, step->path);
    if (event->topic.size && !saga_slice_equal(await->topic, event->topic)) return false;
    if (r->play->time_ms - outside->time_ms > await->keep_early_ms) return false;
    if (!value_of(r, await, event->body, &value)) return false;
    struct saga_slice id =
        saga_correlation_id(r->arena, r->definition->name, await->topic, await->event, value);
    return saga_slice_equal(id, step->target);
}

static bool take(struct saga_scenario_run *r, struct saga_outside *outside)
{
    const struct saga_state *state = r->play->state;
    for (size_t i = 0; i < state->step_count && !outside->taken; i++) {
        const struct saga_step_state *step = &state->steps[i];
        if (!waits_for(r, step, outside)) continue;
        outside->taken = true;
        saga_play_event(r->play,
                        (struct saga_event){ .kind = SAGA_EVENT_NOTE,
                                             .note = SAGA_NOTE_AWAIT_MATCH,
                                             .run = saga_arena_copy(r->arena, state->run),
                                             .step = saga_arena_copy(r->arena, step->path),
                                             .from_id = saga_arena_copy(r->arena, step->target),
                                             .id = outside->id,
                                             .type = outside->step->event.type,
                                             .body = outside->step->event.body });
        return true;
    }
    return false;
}

bool saga_scenario_deliver(struct saga_scenario_run *r)
{
    for (size_t i = 0; i < r->outside_count; i++)
        if (!r->outside[i].taken && take(r, &r->outside[i])) return true;
    return false;
}

int saga_scenario_event(struct saga_scenario_run *r, const struct saga_scenario_step *step)
{
    struct saga_slice id = saga_arena_printf(r->arena, "event-%zu", r->outside_count + 1);
    SAGA_PUSH(r->arena, r->outside, r->outside_count, r->outside_capacity,
              (struct saga_outside){ .step = step, .id = id, .time_ms = r->play->time_ms });
    return saga_scenario_settle(r);
}

int saga_scenario_check_taken(struct saga_scenario_run *r)
{
    for (size_t i = 0; i < r->outside_count; i++) {
        const struct saga_outside *outside = &r->outside[i];
        const struct saga_scenario_event *event = &outside->step->event;
        if (outside->taken == !event->not_taken) continue;
        saga_scenario_fail(r, outside->step->place, "the saga %s %.*s",
                           outside->taken ? "took" : "never took", SAGA_SLICE_ARG(event->type));
        r->failure->came = event->body;
        if (!outside->taken)
            r->failure->mend = SAGA_SLICE(
                "does it wait for an event of this type, and does `match` over this body "
                "give what `with` gives? `taken: false` says that it is not for it");
        return SAGA_E_INVALID;
    }
    return SAGA_OK;
}
