#include "engine/fits.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/fits_internal.h"

/* ---- numbers ---- */

/* What is counted goes on being counted, and is written as Avro's int. */
static bool is_count(uint32_t number)
{
    return number <= INT32_MAX / 2;
}

static bool is_long_count(uint64_t number)
{
    return number <= INT64_MAX / 2;
}

static bool head_fits(struct saga_fitting *f)
{
    const struct saga_state *s = f->state;
    if (!is_long_count(s->sequence) || !is_long_count(s->ended_steps) || !is_count(s->scope_ids))
        return NOT(f, "it counts further than any saga has come");
    if (!saga_is_time(s->started_ms) || !saga_is_time(s->changed_ms) || !saga_is_time(s->ended_ms))
        return NOT(f, "it began, changed or ended at no time");
    if (s->trace.size != 0 && s->trace.size != 32)
        return NOT(f, "its trace has %zu digits, a trace has 32", s->trace.size);
    if (saga_state_bytes(s) > SAGA_STATE_CHECKED_MAX)
        return NOT(f, "it has %zu bytes, the limit is %d", saga_state_bytes(s),
                   SAGA_STATE_CHECKED_MAX);
    if (s->timer_count > SAGA_STATE_TIMERS_MAX)
        return NOT(f, "it has %zu alarms, the limit is %d", s->timer_count, SAGA_STATE_TIMERS_MAX);
    for (size_t i = 0; i < s->timer_count; i++)
        if (!saga_is_time(s->timers[i].due_ms))
            return NOT(f, "its alarm %.*s rings at no time", SAGA_SLICE_ARG(s->timers[i].name));
    return true;
}

static bool timers_are_different(struct saga_fitting *f)
{
    struct saga_slice *names =
        SAGA_NEW_ARRAY(f->arena, struct saga_slice, f->state->timer_count + 1);
    for (size_t i = 0; i < f->state->timer_count; i++) names[i] = f->state->timers[i].name;
    return !saga_some_are_same(names, f->state->timer_count) || NOT(f, "it has an alarm twice");
}

static bool is_named_right(struct saga_fitting *f)
{
    const struct saga_state *s = f->state;
    if (saga_key_fault(s->key) || s->name.size > SAGA_NAME_BYTES_MAX ||
        s->run.size > SAGA_NAME_BYTES_MAX)
        return NOT(f, "its key, its run or its definition's name can be none");
    if (!saga_slice_equal(s->id, saga_arena_join(f->arena, s->name, '/', s->key)))
        return NOT(f, "its id %.*s is not that of its definition and key", SAGA_SLICE_ARG(s->id));
    if (s->parent_id.size && (!saga_is_id(s->parent_id) || s->parent_run.size == 0))
        return NOT(f, "it names a parent that is no saga");
    return true;
}

/* ---- scopes ---- */

static bool scope_counts_fit(struct saga_fitting *f, size_t i)
{
    const struct saga_scope *scope = &f->state->scopes[i];
    if (i == 0 ? scope->id != SAGA_SCOPE_ROOT : scope->id <= f->state->scopes[i - 1].id)
        return NOT(f, "its lists of blocks are not in order");
    if (!is_count(scope->index) || !is_count(scope->position) || !is_count(scope->open) ||
        !is_count(scope->next) || !is_count(scope->total))
        return NOT(f, "list %u of it counts further than any can", scope->id);
    if (i == 0) return !scope->loop || NOT(f, "its outermost list is a loop");
    size_t parent = saga_scope_index(f->state, scope->parent); /* of a list before it */
    if (parent >= i) return NOT(f, "list %u of it stands in none", scope->id);
    f->open[parent] += !scope->ended;
    return true;
}

static int by_place(const void *left, const void *right)
{
    const struct saga_scope *a = *(const struct saga_scope *const *)left,
                            *b = *(const struct saga_scope *const *)right;
    if (a->parent != b->parent) return a->parent < b->parent ? -1 : 1;
    if (a->block != b->block) return a->block < b->block ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* A branch, or a round, is opened once. */
static bool scopes_are_different(struct saga_fitting *f)
{
    size_t count = f->state->scope_count - 1;
    const struct saga_scope **scopes =
        SAGA_NEW_ARRAY(f->arena, const struct saga_scope *, count + 1);
    for (size_t i = 0; i < count; i++) scopes[i] = &f->state->scopes[i + 1];
    qsort(scopes, count, sizeof *scopes, by_place);
    for (size_t i = 1; i < count; i++)
        if (by_place(&scopes[i - 1], &scopes[i]) == 0)
            return NOT(f, "lists %u and %u of it are the same branch", scopes[i - 1]->id,
                       scopes[i]->id);
    return true;
}

static bool open_counts_fit(struct saga_fitting *f)
{
    for (size_t i = 0; i < f->state->scope_count; i++)
        if (f->open[i] != f->state->scopes[i].open)
            return NOT(f, "list %u of it says that %u are open of those that it opened, but %u are",
                       f->state->scopes[i].id, f->state->scopes[i].open, f->open[i]);
    return true;
}

static bool scopes_fit(struct saga_fitting *f)
{
    f->open = SAGA_NEW_ARRAY(f->arena, uint32_t, f->state->scope_count);
    for (size_t i = 0; i < f->state->scope_count; i++)
        if (!scope_counts_fit(f, i)) return false;
    return scopes_are_different(f) && open_counts_fit(f);
}

/* ---- steps ---- */

static bool is_done(const struct saga_step_state *step)
{
    return step->status == SAGA_STEP_SUCCEEDED || step->status == SAGA_STEP_UNKNOWN;
}

/* What only commands do: they are tried again after a while, and their outcome may stay unknown. */
static bool is_command_only(const struct saga_step_state *step)
{
    return step->status == SAGA_STEP_BACKOFF || step->status == SAGA_STEP_UNKNOWN ||
           step->compensation == SAGA_COMPENSATION_BACKOFF ||
           step->compensation == SAGA_COMPENSATION_EXHAUSTED;
}

static bool step_fits(struct saga_fitting *f, const struct saga_step_state *step)
{
    struct saga_slice path = step->path;
    if (!is_count(step->attempt) || !is_count(step->first_attempt) ||
        !is_count(step->compensation_attempt) || !is_count(step->compensation_first_attempt))
        return NOT(f, "%.*s counts more attempts than can be", SAGA_SLICE_ARG(path));
    if (!saga_is_time(step->begun_ms) || !saga_is_time(step->sent_ms) ||
        !saga_is_time(step->answered_ms) || !saga_is_time(step->compensation_begun_ms) ||
        !saga_is_time(step->compensation_sent_ms))
        return NOT(f, "%.*s was sent or answered at no time", SAGA_SLICE_ARG(path));
    if (saga_state_scope(f->state, step->scope)->loop)
        return NOT(f, "%.*s stands in a loop, but in no round of it", SAGA_SLICE_ARG(path));
    if (step->kind != SAGA_STEP_COMMAND && is_command_only(step))
        return NOT(f, "%.*s waits as only a command does", SAGA_SLICE_ARG(path));
    bool targeted = step->kind != SAGA_STEP_COMMAND;
    if (targeted ? !saga_is_id(step->target) : step->target.size > 0)
        return NOT(f, "%.*s waits for something that can be none", SAGA_SLICE_ARG(path));
    if (saga_was_sent_back(step)
            ? step->compensation_attempt == 0
            : step->compensation == SAGA_COMPENSATION_NONE && step->compensation_attempt > 0)
        return NOT(f, "the compensation of %.*s has another status than its attempts say",
                   SAGA_SLICE_ARG(path));
    return true;
}

static bool steps_fit(struct saga_fitting *f)
{
    const struct saga_state *s = f->state;
    struct saga_slice *paths = SAGA_NEW_ARRAY(f->arena, struct saga_slice, s->step_count + 1);
    size_t open = 0;
    for (size_t i = 0; i < s->step_count; i++) {
        if (!step_fits(f, &s->steps[i])) return false;
        open += saga_step_is_open(&s->steps[i]);
        paths[i] = s->steps[i].path;
    }
    if (saga_some_are_same(paths, s->step_count)) return NOT(f, "it has a step twice");
    return open <= SAGA_OPEN_STEPS_MAX ||
           NOT(f, "%zu of its steps wait, the limit is %d", open, SAGA_OPEN_STEPS_MAX);
}

/* ---- which way it goes ---- */

static bool goes_back(const struct saga_state *state)
{
    return state->status == SAGA_COMPENSATING ||
           (state->status == SAGA_STUCK && !state->stuck_forward);
}

static bool goes_forward(const struct saga_state *state)
{
    return state->status == SAGA_RUNNING || (state->status == SAGA_STUCK && state->stuck_forward);
}

/* A pivot that was sent ends before the saga goes back; behind it there is no way back. */
static bool step_goes_its_way(struct saga_fitting *f, const struct saga_step_state *step)
{
    bool waits = saga_step_is_open(step);
    if (goes_forward(f->state) && step->compensation != SAGA_COMPENSATION_NONE)
        return NOT(f, "%.*s is compensated, but the saga goes forward", SAGA_SLICE_ARG(step->path));
    if (goes_back(f->state) && (step->status == SAGA_STEP_BACKOFF ||
                                (step->pivot && (waits || step->status == SAGA_STEP_UNKNOWN))))
        return NOT(f, "%.*s may yet succeed, but the saga is compensated",
                   SAGA_SLICE_ARG(step->path));
    return !step->pivot || step->status != SAGA_STEP_SUCCEEDED || f->state->pivoted ||
           NOT(f, "its pivot %.*s has succeeded, and it does not know", SAGA_SLICE_ARG(step->path));
}

/* What `retry`, `skip` and `resolve` look up. */
static bool stuck_step_fits(struct saga_fitting *f)
{
    const struct saga_state *s = f->state;
    const struct saga_step_state *step = saga_state_step(s, s->stuck_step);
    switch (s->stuck_on) {
    case SAGA_STUCK_ON_STEP:
        return s->stuck_forward && step && !step->pivot && step->scope == s->stuck_scope &&
               (step->status == SAGA_STEP_FAILED || step->status == SAGA_STEP_UNKNOWN);
    case SAGA_STUCK_ON_PIVOT:
        return s->stuck_forward && step && step->pivot && step->status == SAGA_STEP_UNKNOWN;
    case SAGA_STUCK_ON_BODY: return s->stuck_forward;
    case SAGA_STUCK_ON_COMPENSATION:
        return !s->stuck_forward && step && step->kind != SAGA_STEP_AWAIT && is_done(step) &&
               (step->compensation == SAGA_COMPENSATION_NONE ||
                step->compensation == SAGA_COMPENSATION_FAILED ||
                step->compensation == SAGA_COMPENSATION_EXHAUSTED);
    default: return true;
    }
}

/* `skip` passes over the block where the list is. */
static bool stuck_scope_fits(const struct saga_state *state)
{
    if (state->stuck_on != SAGA_STUCK_ON_STEP && state->stuck_on != SAGA_STUCK_ON_BODY) return true;
    const struct saga_scope *scope = saga_state_scope(state, state->stuck_scope);
    return scope && !scope->loop && !scope->ended && scope->open == 0;
}

/* `skip` ends a saga whose last event could not be made. */
static bool is_undone(const struct saga_state *state)
{
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *step = &state->steps[i];
        bool undone = step->compensation == SAGA_COMPENSATION_DONE ||
                      step->compensation == SAGA_COMPENSATION_NOT_NEEDED ||
                      step->compensation == SAGA_COMPENSATION_SKIPPED;
        if (is_done(step) && step->kind != SAGA_STEP_AWAIT && !undone) return false;
    }
    return true;
}

static bool way_fits(struct saga_fitting *f)
{
    const struct saga_state *s = f->state;
    for (size_t i = 0; i < s->step_count; i++)
        if (!step_goes_its_way(f, &s->steps[i])) return false;
    if (goes_back(s) && s->pivoted) return NOT(f, "it goes back, and has its pivot behind it");
    if (s->has_deferred && (s->pivoted || !goes_forward(s)))
        return NOT(f, "it waits for a pivot, and has none before it");
    if (s->status != SAGA_STUCK)
        return (!s->stuck_forward && s->stuck_step.size == 0) ||
               NOT(f, "it is not stuck, and says on what");
    bool ends_undone = s->stuck_on != SAGA_STUCK_ON_PUBLISH || s->stuck_forward || is_undone(s);
    return (stuck_step_fits(f) && stuck_scope_fits(s) && ends_undone) ||
           NOT(f, "it is stuck on a %s that is not so", saga_stuck_on_name(s->stuck_on));
}

/* ---- timers ---- */

static bool is_for(struct saga_slice timer, const char *kind, struct saga_slice *ret_path)
{
    size_t size = strlen(kind);
    if (timer.size <= size + 1 || !saga_slice_starts_with(timer, kind) || timer.data[size] != '/')
        return false;
    *ret_path = saga_slice_skip(timer, size + 1);
    return true;
}

/* Does what it is an alarm of wait? */
static bool timer_fits(const struct saga_state *state, struct saga_slice name)
{
    struct saga_slice path;
    bool ended = saga_status_has_ended(state->status);
    if (saga_slice_is(name, SAGA_TIMER_KEEP) || ended)
        return ended && saga_slice_is(name, SAGA_TIMER_KEEP);
    if (is_for(name, SAGA_TIMER_STEP, &path)) {
        const struct saga_step_state *step = saga_state_step(state, path);
        return step && step->kind != SAGA_STEP_CHILD && saga_step_is_open(step);
    }
    if (is_for(name, SAGA_TIMER_COMPENSATION, &path)) {
        const struct saga_step_state *step = saga_state_step(state, path);
        return step && step->kind == SAGA_STEP_COMMAND &&
               (step->compensation == SAGA_COMPENSATION_SENT ||
                step->compensation == SAGA_COMPENSATION_BACKOFF);
    }
    return is_for(name, SAGA_TIMER_WAIT, &path) || saga_slice_is(name, SAGA_TIMER_DEADLINE) ||
           saga_slice_is(name, SAGA_TIMER_GO_ON);
}

static bool timers_fit(struct saga_fitting *f)
{
    for (size_t i = 0; i < f->state->timer_count; i++)
        if (!timer_fits(f->state, f->state->timers[i].name))
            return NOT(f, "its alarm %.*s is of nothing that waits",
                       SAGA_SLICE_ARG(f->state->timers[i].name));
    return true;
}

/* ---- all of it ---- */

static bool is_of_definition(struct saga_fitting *f)
{
    const struct saga_definition *d = f->definition;
    return (f->state->version == d->version && saga_slice_equal(f->state->name, d->name)) ||
           NOT(f, "it is on %.*s version %u, not on %.*s version %u",
               SAGA_SLICE_ARG(f->state->name), f->state->version, SAGA_SLICE_ARG(d->name),
               d->version);
}

static bool saga_fits(struct saga_fitting *f)
{
    if (f->state->waiter_count || f->state->kept_count)
        return NOT(f, "it is a saga, and has what only an entry has");
    if (!is_named_right(f) || !scopes_fit(f) || !steps_fit(f) || !way_fits(f) || !timers_fit(f))
        return false;
    return !f->definition || (is_of_definition(f) && saga_places_fit(f));
}

bool saga_state_fits(const struct saga_state *state, const struct saga_definition *definition,
                     struct saga_arena *arena, struct saga_diagnostic *ret)
{
    struct saga_fitting f = { state, definition, arena, ret, NULL };
    if (!head_fits(&f) || !timers_are_different(&f)) return false;
    return state->kind == SAGA_KIND_SAGA ? saga_fits(&f)
                                         : saga_entry_fits(state, definition, arena, ret);
}

bool saga_state_fits_as(const struct saga_state *state, struct saga_slice id,
                        const struct saga_definition *definition, struct saga_arena *arena,
                        struct saga_diagnostic *ret)
{
    if (!saga_slice_equal(id, state->id))
        return saga_fits_not(arena, ret, "it is the state of %.*s", SAGA_SLICE_ARG(state->id));
    return saga_state_fits(state, definition, arena, ret);
}
