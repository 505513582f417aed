#include "runtime/tallying.h"

#include "base/buffer.h"
#include "codec/sealed.h"
#include "engine/places.h"

/* Entries are not among what people count. */
static bool counts(const struct saga_state *state)
{
    return state && state->kind == SAGA_KIND_SAGA && state->status != SAGA_STATUS_NONE &&
           !state->forgotten;
}

static struct saga_tally_place place_of(const struct saga_state *state)
{
    return (struct saga_tally_place){ .name = state->name,
                                      .version = state->version,
                                      .word = saga_slice_of(saga_status_name(state->status)) };
}

/* ---- where it is ---- */

struct names {
    struct saga_slice *items;
    size_t count, capacity;
};

static bool has(const struct names *names, struct saga_slice name)
{
    for (size_t i = names->count; i-- > 0;) /* elements of a loop come one behind the other */
        if (saga_slice_equal(names->items[i], name)) return true;
    return false;
}

static struct names places_of(const struct saga_state *state, struct saga_arena *arena)
{
    struct names names = { 0 };
    struct saga_slice name;
    size_t at = 0;
    while (state && (name = saga_place_next(state, &at)).data)
        if (!has(&names, name)) SAGA_PUSH(arena, names.items, names.count, names.capacity, name);
    return names;
}

typedef void move_fn(struct saga_tally *tally, enum saga_tally_table table,
                     const struct saga_tally_place *place, const struct saga_tally_member *member);

/* Moves the saga into, or out of, the lists of the steps that it is at and `other` is not; NULL: `other` is at none. */
static void move(struct saga_tally *tally, const struct saga_state *state,
                 const struct names *names, const struct saga_state *other,
                 const struct names *others, move_fn *into)
{
    if (!state) return;
    struct saga_tally_place place = place_of(state);
    const struct saga_tally_member member = { .id = state->id, .changed_ms = state->changed_ms };
    for (size_t i = 0; i < names->count; i++) {
        if (other && has(others, names->items[i])) continue;
        place.step = names->items[i];
        into(tally, SAGA_TALLY_STEPS, &place, &member);
    }
}

/* Do both stand in the same lists, as far as they are at the same steps and have the same error? */
static bool is_same_run(const struct saga_state *a, const struct saga_state *b)
{
    return a && b && a->status == b->status && a->version == b->version &&
           saga_slice_equal(a->run, b->run);
}

static void tally_places(struct saga_tally *tally, const struct saga_state *before,
                         const struct saga_state *after)
{
    struct names were = places_of(before, tally->arena), are = places_of(after, tally->arena);
    bool same = is_same_run(before, after);
    move(tally, before, &were, same ? after : NULL, &are, saga_tally_leave);
    move(tally, after, &are, same ? before : NULL, &were, saga_tally_enter);
}

/* ---- its error ---- */

/* What is sealed is not kept once more; who looks through finds that it is there, and looks at the state. */
static void add_text(struct saga_buffer *out, struct saga_slice text)
{
    if (saga_slice_starts_with(text, SAGA_SEALED_TEXT)) text = SAGA_SLICE(SAGA_SEALED_TEXT);
    if (out->size) saga_buffer_add_char(out, '\n');
    saga_buffer_add(out, text);
}

/* The texts that errors are looked for in (filter.h), a line each; absent where there is no error. */
static struct saga_slice error_of(const struct saga_state *state, struct saga_arena *arena)
{
    struct saga_buffer out;
    if (!state || (!state->has_error && !state->stuck_message.size)) return SAGA_SLICE_NONE;
    saga_buffer_init(&out, arena);
    if (state->has_error) {
        add_text(&out, state->error.type);
        add_text(&out, state->error.message);
    }
    if (!state->has_error || !saga_slice_equal(state->error.message, state->stuck_message))
        add_text(&out, state->stuck_message);
    return saga_buffer_slice(&out);
}

static void move_error(struct saga_tally *tally, const struct saga_state *state,
                       struct saga_slice text, move_fn *into)
{
    if (!text.data) return;
    const struct saga_tally_place place = place_of(state);
    const struct saga_tally_member member = { state->id, text, state->changed_ms };
    into(tally, SAGA_TALLY_ERRORS, &place, &member);
}

static void tally_error(struct saga_tally *tally, const struct saga_state *before,
                        const struct saga_state *after)
{
    struct saga_slice was = error_of(before, tally->arena), is = error_of(after, tally->arena);
    if (is_same_run(before, after) && saga_slice_equal(was, is)) return;
    move_error(tally, before, was, saga_tally_leave);
    move_error(tally, after, is, saga_tally_enter);
}

/* ---- how long it took ---- */

static void tally_whole(struct saga_tally *tally, const struct saga_state *state, int64_t by)
{
    struct saga_tally_place place = place_of(state);
    if (state->ended_ms) saga_tally_took(tally, &place, state->ended_ms - state->started_ms, by);
}

static void tally_step(struct saga_tally *tally, const struct saga_state *state, size_t index,
                       int64_t by)
{
    const struct saga_step_state *step = &state->steps[index];
    struct saga_tally_place place = place_of(state);
    if (!step->answered_ms) return;
    place.word = saga_slice_of(saga_step_status_name(step->status));
    place.step = saga_place_of(step->path);
    saga_tally_took(tally, &place, step->answered_ms - step->sent_ms, by);
}

static bool is_same_answer(const struct saga_step_state *a, const struct saga_step_state *b)
{
    return a->answered_ms == b->answered_ms && a->sent_ms == b->sent_ms && a->status == b->status;
}

/* Steps are never taken out of a run's state, so most of those of before stand where they stood, and count as they did. */
static size_t unchanged_steps(const struct saga_state *before, const struct saga_state *after)
{
    size_t count = 0;
    if (before->version != after->version || !saga_slice_equal(before->run, after->run)) return 0;
    while (count < before->step_count && count < after->step_count &&
           is_same_answer(&before->steps[count], &after->steps[count]))
        count++;
    return count;
}

static void tally_durations(struct saga_tally *tally, const struct saga_state *state,
                            size_t from_step, int64_t by)
{
    if (!state) return;
    tally_whole(tally, state, by);
    for (size_t i = from_step; i < state->step_count; i++) tally_step(tally, state, i, by);
}

void saga_tally_change(struct saga_tally *tally, const struct saga_state *before,
                       const struct saga_state *after)
{
    if (!counts(before)) before = NULL;
    if (!counts(after)) after = NULL;
    size_t from = before && after ? unchanged_steps(before, after) : 0;
    tally_places(tally, before, after);
    tally_error(tally, before, after);
    tally_durations(tally, before, from, -1);
    tally_durations(tally, after, from, 1);
}

void saga_tally_state(struct saga_tally *tally, const struct saga_state *state)
{
    if (!counts(state)) return;
    const struct saga_tally_place place = place_of(state);
    saga_tally_count(tally, &place, 1);
    saga_tally_change(tally, NULL, state);
}
