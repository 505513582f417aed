#include "engine/places.h"

#include <string.h>

#include "engine/engine_internal.h"

struct saga_slice saga_place_of(struct saga_slice path)
{
    const char *mark = path.size ? memchr(path.data, '[', path.size) : NULL;
    return (struct saga_slice){ path.data, mark ? (size_t)(mark - path.data) : path.size };
}

static bool is_waited_for(const struct saga_step_state *step)
{
    switch (step->compensation) {
    case SAGA_COMPENSATION_SENT:
    case SAGA_COMPENSATION_BACKOFF:
    case SAGA_COMPENSATION_FAILED:
    case SAGA_COMPENSATION_EXHAUSTED: return true;
    default: return step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF;
    }
}

struct saga_slice saga_place_next(const struct saga_state *state, size_t *at)
{
    static const struct saga_slice wait = { SAGA_TIMER_WAIT "/", sizeof SAGA_TIMER_WAIT "/" - 1 };
    if (saga_status_has_ended(state->status)) return SAGA_SLICE_NONE;
    while (*at < state->step_count) {
        const struct saga_step_state *step = &state->steps[(*at)++];
        if (is_waited_for(step)) return saga_place_of(step->path);
    }
    while (*at < state->step_count + state->timer_count) {
        struct saga_slice timer = state->timers[(*at)++ - state->step_count].name;
        if (timer.size > wait.size && memcmp(timer.data, wait.data, wait.size) == 0)
            return saga_place_of(saga_slice_skip(timer, wait.size));
    }
    if ((*at)++ > state->step_count + state->timer_count) return SAGA_SLICE_NONE;
    return state->stuck_step.size ? saga_place_of(state->stuck_step) : SAGA_SLICE_NONE;
}
