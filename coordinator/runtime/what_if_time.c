/* Timers. Their rings are recorded at the times at which they rang by the recorded version; a timeout, a deadline or a wait
 * that has another length rings at another time, and what is recorded next may then have come before it or behind it. */
#include "base/assert.h"
#include "base/time.h"
#include "runtime/what_if_internal.h"

#define WAIT "wait/"
#define DEADLINE "deadline"
#define KEEP "keep"

static bool is_wait(struct saga_slice name)
{
    return saga_slice_starts_with(name, WAIT);
}

static bool are_alike(const struct saga_timer *a, const struct saga_timer *b)
{
    return is_wait(b->name) && a->armed == b->armed && a->due_ms == b->due_ms;
}

/* The wait of that rank among those that are like `timer`, in the order in which they were armed; NULL: there are fewer. */
static const struct saga_timer *alike(const struct saga_state *state,
                                      const struct saga_timer *timer, size_t rank)
{
    for (size_t i = 0; i < state->timer_count; i++)
        if (are_alike(timer, &state->timers[i]) && rank-- == 0) return &state->timers[i];
    return NULL;
}

static const struct saga_timer *only_wait_of(const struct saga_state *state, uint64_t armed)
{
    const struct saga_timer *found = NULL;
    for (size_t i = 0; i < state->timer_count; i++) {
        const struct saga_timer *timer = &state->timers[i];
        if (!is_wait(timer->name) || timer->armed != armed) continue;
        if (found) return NULL;
        found = timer;
    }
    return found;
}

/* The timer of `state` in the `other` one. That of a block that waits is called by the block's place in the file, which
 * another version may have moved: it is known by the record at which it was armed and by when it is due, and of several
 * alike by their order; one that has another length by its name, or as the only one. */
static const struct saga_timer *find_pair(const struct saga_state *state,
                                          const struct saga_timer *timer,
                                          const struct saga_state *other)
{
    const struct saga_timer *exact = saga_state_timer(other, timer->name);
    size_t rank = 0;
    if (!is_wait(timer->name)) return exact;
    while (alike(state, timer, rank) != timer) rank++;
    const struct saga_timer *pair = alike(other, timer, rank);
    if (pair) return pair;
    if (exact && exact->armed == timer->armed) return exact;
    return only_wait_of(other, timer->armed);
}

/* What rings without any consequence. */
static bool is_idle(const struct saga_state *state, const struct saga_timer *timer)
{
    bool alarm_only = state->pivoted || state->status != SAGA_RUNNING;
    return timer->held || saga_slice_is(timer->name, KEEP) ||
           (alarm_only && saga_slice_is(timer->name, DEADLINE));
}

/* "step/reserve[2]" -> "reserve"; of a block that waits the place in the file says nothing */
static struct saga_slice step_of(struct saga_slice name)
{
    const char *slash = name.size ? memchr(name.data, '/', name.size) : NULL;
    if (!slash || is_wait(name)) return SAGA_SLICE_NONE;
    return saga_what_if_step(saga_slice_skip(name, (size_t)(slash - name.data) + 1));
}

static const char *kind_of(struct saga_slice name)
{
    if (saga_slice_starts_with(name, "step/")) return "the timer of the step";
    if (saga_slice_starts_with(name, "compensation/")) return "the timer of the compensation";
    if (is_wait(name)) return "a wait";
    return saga_slice_is(name, DEADLINE) ? "the deadline" : "going on";
}

static struct saga_slice due_words(const struct saga_timer *timer, struct saga_arena *arena)
{
    char due[SAGA_TIME_TEXT_BYTES];
    if (!timer) return SAGA_SLICE("no such timer");
    saga_time_format(timer->due_ms, due);
    return saga_arena_printf(arena, "%.*s is due at %s", SAGA_SLICE_ARG(timer->name), due);
}

static struct saga_parting parting_of(const struct saga_timer *timer,
                                      const struct saga_timer *recorded, const char *how,
                                      struct saga_arena *arena)
{
    struct saga_slice name = timer ? timer->name : recorded->name;
    return (struct saga_parting){
        .class = SAGA_WHAT_IF_OTHER_TIME,
        .step = step_of(name),
        .what = saga_arena_printf(arena, "%s %s", kind_of(name), how),
        .recorded.words = due_words(recorded, arena),
        .instead.words = due_words(timer, arena),
    };
}

/* A timer of the new state, but for `ringing`, that is due before `time_ms` and in the record is not, or otherwise. Those
 * that are due alike ring late alike. */
static bool find_earlier(const struct saga_what_if_saga *saga, const struct saga_timer *ringing,
                         int64_t time_ms, struct saga_arena *arena, struct saga_parting *ret)
{
    const struct saga_state *state = saga->state;
    for (size_t i = 0; i < state->timer_count; i++) {
        const struct saga_timer *timer = &state->timers[i];
        if (timer == ringing || timer->due_ms >= time_ms || is_idle(state, timer)) continue;
        const struct saga_timer *recorded = find_pair(state, timer, saga->recorded);
        if (recorded && recorded->due_ms == timer->due_ms) continue;
        *ret = parting_of(timer, recorded, "rings before", arena);
        return true;
    }
    return false;
}

bool saga_what_if_other_time(const struct saga_what_if_saga *saga, struct saga_event *event,
                             struct saga_arena *arena, struct saga_parting *ret)
{
    const struct saga_timer *recorded =
        event->kind == SAGA_EVENT_TIMER ? saga_state_timer(saga->recorded, event->timer) : NULL;
    bool rings = recorded && recorded->armed == event->armed && !recorded->held; /* R16 */
    const struct saga_timer *timer =
        rings ? find_pair(saga->recorded, recorded, saga->state) : NULL;
    bool later = timer && timer->due_ms > event->time_ms && !is_idle(saga->state, timer);
    if (later || (rings && !timer && !is_idle(saga->recorded, recorded))) {
        *ret = parting_of(timer, recorded, timer ? "rings later" : "is not there", arena);
        return true;
    }
    if (timer) {
        event->timer = timer->name;
        event->armed = timer->armed;
    }
    return find_earlier(saga, timer, event->time_ms, arena, ret);
}

bool saga_what_if_rings_before(const struct saga_what_if_saga *saga, int64_t time_ms,
                               struct saga_arena *arena, struct saga_parting *ret)
{
    return find_earlier(saga, NULL, time_ms, arena, ret);
}
