/* What the facts of entries do to a state: correlation (R21) and schedules. */
#include "engine/evolve_internal.h"

static int evolve_started(struct saga_state *state, const struct saga_fact *fact)
{
    if (state->status != SAGA_STATUS_NONE || fact->entry == SAGA_KIND_SAGA) return SAGA_E_INVALID;
    if (fact->id.size == 0 || fact->run.size == 0 || fact->name.size == 0) return SAGA_E_INVALID;
    if (saga_move_to(state, SAGA_RUNNING) < 0) return SAGA_E_INVALID;
    state->kind = fact->entry;
    state->id = saga_kept(state, fact->id);
    state->run = saga_kept(state, fact->run);
    state->key = saga_kept(state, fact->key);
    state->name = saga_kept(state, fact->name);
    state->started_ms = state->changed_ms;
    return SAGA_OK;
}

/* ---- correlation ---- */

struct saga_waiter *saga_state_waiter(const struct saga_state *state, struct saga_slice id,
                                      struct saga_slice run, struct saga_slice step)
{
    for (size_t i = 0; i < state->waiter_count; i++) {
        struct saga_waiter *waiter = &state->waiters[i];
        if (saga_slice_equal(waiter->id, id) && saga_slice_equal(waiter->run, run) &&
            saga_slice_equal(waiter->step, step))
            return waiter;
    }
    return NULL;
}

struct saga_kept_event *saga_state_kept_event(const struct saga_state *state, struct saga_slice id)
{
    for (size_t i = 0; i < state->kept_count; i++)
        if (saga_slice_equal(state->kept[i].id, id)) return &state->kept[i];
    return NULL;
}

static struct saga_waiter *waiter_of(const struct saga_state *state, const struct saga_fact *fact)
{
    return saga_state_waiter(state, fact->id, fact->run, fact->step);
}

/* One alarm for the first event that is kept no longer. One that was offered is waited for. */
static void arm_expiry(struct saga_state *state)
{
    const struct saga_timer *timer = saga_state_timer(state, SAGA_SLICE(SAGA_TIMER_EXPIRE));
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < state->kept_count; i++)
        if (state->kept[i].status != SAGA_KEPT_OFFERED && state->kept[i].expires_ms < first)
            first = state->kept[i].expires_ms;
    if (first == INT64_MAX)
        saga_disarm(state, SAGA_SLICE(SAGA_TIMER_EXPIRE));
    else if (!timer || timer->due_ms != first)
        saga_arm(state, SAGA_SLICE(SAGA_TIMER_EXPIRE), first);
}

static int evolve_waiter_added(struct saga_state *state, const struct saga_fact *fact)
{
    if (fact->id.size == 0 || waiter_of(state, fact)) return SAGA_E_INVALID;
    SAGA_PUSH(&state->arena, state->waiters, state->waiter_count, state->waiter_capacity,
              ((struct saga_waiter){ saga_kept(state, fact->id), saga_kept(state, fact->run),
                                     saga_kept(state, fact->step), SAGA_SLICE_NONE }));
    return SAGA_OK;
}

static int evolve_waiter_removed(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_waiter *waiter = waiter_of(state, fact);
    if (!waiter) return SAGA_E_INVALID;
    size_t index = (size_t)(waiter - state->waiters);
    for (size_t i = index + 1; i < state->waiter_count; i++)
        state->waiters[i - 1] = state->waiters[i];
    state->waiter_count--;
    return SAGA_OK;
}

static int evolve_kept(struct saga_state *state, const struct saga_fact *fact)
{
    if (fact->text.size == 0 || saga_state_kept_event(state, fact->text)) return SAGA_E_INVALID;
    SAGA_PUSH(&state->arena, state->kept, state->kept_count, state->kept_capacity,
              ((struct saga_kept_event){ .id = saga_kept(state, fact->text),
                                         .type = saga_kept(state, fact->type),
                                         .body = saga_kept(state, fact->value),
                                         .expires_ms = fact->due_ms }));
    return SAGA_OK;
}

static int evolve_dropped(struct saga_state *state, const struct saga_kept_event *event)
{
    if (event->status == SAGA_KEPT_OFFERED) return SAGA_E_INVALID;
    size_t index = (size_t)(event - state->kept);
    for (size_t i = index + 1; i < state->kept_count; i++) state->kept[i - 1] = state->kept[i];
    state->kept_count--;
    return SAGA_OK;
}

static int evolve_offered(struct saga_state *state, struct saga_kept_event *event,
                          const struct saga_fact *fact)
{
    struct saga_waiter *waiter = waiter_of(state, fact);
    if (!waiter || waiter->offered.size || event->status != SAGA_KEPT_EARLY) return SAGA_E_INVALID;
    waiter->offered = event->id;
    event->status = SAGA_KEPT_OFFERED;
    return SAGA_OK;
}

static int evolve_event(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_kept_event *event = saga_state_kept_event(state, fact->text);
    if (!event) return SAGA_E_INVALID;
    switch (fact->kind) {
    case SAGA_FACT_EVENT_OFFERED: return evolve_offered(state, event, fact);
    case SAGA_FACT_EVENT_DROPPED: return evolve_dropped(state, event);
    case SAGA_FACT_EVENT_TAKEN:
        event->status = SAGA_KEPT_TAKEN;
        event->body = SAGA_SLICE_NONE;
        return SAGA_OK;
    case SAGA_FACT_EVENT_RETURNED: event->status = SAGA_KEPT_EARLY; return SAGA_OK;
    default: return SAGA_E_INVALID;
    }
}

static int evolve_correlation(struct saga_state *state, const struct saga_fact *fact)
{
    int error;
    if (state->kind != SAGA_KIND_CORRELATION) return SAGA_E_INVALID;
    switch (fact->kind) {
    case SAGA_FACT_WAITER_ADDED: return evolve_waiter_added(state, fact);
    case SAGA_FACT_WAITER_REMOVED: return evolve_waiter_removed(state, fact);
    case SAGA_FACT_EVENT_KEPT: error = evolve_kept(state, fact); break;
    default: error = evolve_event(state, fact); break;
    }
    if (error == SAGA_OK) arm_expiry(state);
    return error;
}

/* ---- schedules ---- */

static int evolve_schedule(struct saga_state *state, const struct saga_fact *fact)
{
    if (state->kind != SAGA_KIND_SCHEDULE) return SAGA_E_INVALID;
    if (fact->kind != SAGA_FACT_SCHEDULE_TICKED) {
        state->version = fact->version;
        state->sha256 = saga_kept(state, fact->sha256);
    }
    saga_disarm(state, SAGA_SLICE(SAGA_TIMER_TICK_AGAIN));
    if (fact->kind == SAGA_FACT_SCHEDULE_ENDED)
        saga_disarm(state, SAGA_SLICE(SAGA_TIMER_TICK));
    else
        saga_arm(state, SAGA_SLICE(SAGA_TIMER_TICK), fact->due_ms);
    return SAGA_OK;
}

int saga_evolve_entry(struct saga_state *state, const struct saga_fact *fact)
{
    switch (fact->kind) {
    case SAGA_FACT_ENTRY_STARTED: return evolve_started(state, fact);
    case SAGA_FACT_SCHEDULE_SET:
    case SAGA_FACT_SCHEDULE_TICKED:
    case SAGA_FACT_SCHEDULE_ENDED: return evolve_schedule(state, fact);
    default: return evolve_correlation(state, fact);
    }
}
