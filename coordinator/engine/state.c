#include "engine/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/memory.h"

enum { BLOCK_STEP = 1024 };

struct status_row {
    const char *name;
    bool ended;
    unsigned next; /* bits of the statuses that may follow */
};

#define TO(status) (1u << (status))

static const struct status_row status_table[SAGA_STATUS_COUNT] = {
    [SAGA_STATUS_NONE] = { "none", false, TO(SAGA_RUNNING) },
    [SAGA_RUNNING] = { "running", false,
                       TO(SAGA_COMPENSATING) | TO(SAGA_STUCK) | TO(SAGA_COMPLETED) },
    [SAGA_COMPENSATING] = { "compensating", false, TO(SAGA_STUCK) | TO(SAGA_COMPENSATED) },
    [SAGA_STUCK] = { "stuck", false,
                     TO(SAGA_RUNNING) | TO(SAGA_COMPENSATING) | TO(SAGA_COMPLETED) |
                         TO(SAGA_COMPENSATED) | TO(SAGA_ABANDONED) },
    [SAGA_COMPLETED] = { "completed", true, TO(SAGA_COMPENSATING) }, /* a child only */
    [SAGA_COMPENSATED] = { "compensated", true, 0 },
    [SAGA_ABANDONED] = { "abandoned", true, 0 },
};

const char *saga_status_name(enum saga_status status)
{
    SAGA_ASSERT(status < SAGA_STATUS_COUNT);
    return status_table[status].name;
}

enum saga_status saga_status_of(struct saga_slice name)
{
    int status = 0;
    while (status < SAGA_STATUS_COUNT && !saga_slice_is(name, status_table[status].name)) status++;
    return (enum saga_status)status;
}

bool saga_status_has_ended(enum saga_status status)
{
    SAGA_ASSERT(status < SAGA_STATUS_COUNT);
    return status_table[status].ended;
}

bool saga_status_may_become(enum saga_status from, enum saga_status to)
{
    SAGA_ASSERT(from < SAGA_STATUS_COUNT && to < SAGA_STATUS_COUNT);
    return (status_table[from].next & TO(to)) != 0;
}

const char *saga_step_status_name(enum saga_step_status status)
{
    static const char *const names[SAGA_STEP_STATUS_COUNT] = {
        [SAGA_STEP_SENT] = "sent",           [SAGA_STEP_BACKOFF] = "backoff",
        [SAGA_STEP_SUCCEEDED] = "succeeded", [SAGA_STEP_FAILED] = "failed",
        [SAGA_STEP_UNKNOWN] = "unknown",     [SAGA_STEP_SKIPPED] = "skipped",
    };
    SAGA_ASSERT(status < SAGA_STEP_STATUS_COUNT);
    return names[status];
}

const char *saga_compensation_status_name(enum saga_compensation_status status)
{
    static const char *const names[SAGA_COMPENSATION_STATUS_COUNT] = {
        [SAGA_COMPENSATION_NONE] = "none",
        [SAGA_COMPENSATION_SENT] = "sent",
        [SAGA_COMPENSATION_BACKOFF] = "backoff",
        [SAGA_COMPENSATION_DONE] = "done",
        [SAGA_COMPENSATION_NOT_NEEDED] = "not-needed",
        [SAGA_COMPENSATION_FAILED] = "failed",
        [SAGA_COMPENSATION_EXHAUSTED] = "exhausted",
        [SAGA_COMPENSATION_SKIPPED] = "skipped",
    };
    SAGA_ASSERT(status < SAGA_COMPENSATION_STATUS_COUNT);
    return names[status];
}

const char *saga_state_kind_name(enum saga_state_kind kind)
{
    static const char *const names[SAGA_KIND_COUNT] = { "saga", "correlation", "schedule",
                                                        "forgetting" };
    SAGA_ASSERT(kind < SAGA_KIND_COUNT);
    return names[kind];
}

const char *saga_step_kind_name(enum saga_step_kind kind)
{
    static const char *const names[SAGA_STEP_KIND_COUNT] = { "command", "await", "child" };
    SAGA_ASSERT(kind < SAGA_STEP_KIND_COUNT);
    return names[kind];
}

const char *saga_kept_status_name(enum saga_kept_status status)
{
    static const char *const names[SAGA_KEPT_STATUS_COUNT] = { "early", "offered", "taken" };
    SAGA_ASSERT(status < SAGA_KEPT_STATUS_COUNT);
    return names[status];
}

const char *saga_stuck_on_name(enum saga_stuck_on on)
{
    static const char *const names[SAGA_STUCK_ON_COUNT] = {
        [SAGA_STUCK_ON_NOTHING] = "nothing",
        [SAGA_STUCK_ON_STEP] = "step",
        [SAGA_STUCK_ON_PIVOT] = "pivot",
        [SAGA_STUCK_ON_BODY] = "body",
        [SAGA_STUCK_ON_COMPENSATION] = "compensation",
        [SAGA_STUCK_ON_PUBLISH] = "publish",
        [SAGA_STUCK_ON_LIMIT] = "limit",
        [SAGA_STUCK_ON_DEFINITION] = "definition",
    };
    SAGA_ASSERT(on < SAGA_STUCK_ON_COUNT);
    return names[on];
}

struct saga_state *saga_state_new(void)
{
    return saga_state_new_for(2 * BLOCK_STEP - sizeof(struct saga_state));
}

struct saga_state *saga_state_new_for(size_t bytes)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    arena.first_block_bytes = sizeof(struct saga_state) + bytes;
    struct saga_state *state = SAGA_NEW(&arena, struct saga_state);
    state->arena = arena;
    return state;
}

struct saga_state *saga_state_renew(struct saga_state *state)
{
    struct saga_arena arena = state->arena; /* the state lives in its own arena */
    saga_arena_reset(&arena);
    state = SAGA_NEW(&arena, struct saga_state);
    state->arena = arena;
    return state;
}

void saga_state_free(struct saga_state *state)
{
    if (!state) return;
    struct saga_arena arena = state->arena; /* the state lives in its own arena */
    saga_arena_free(&arena);
}

/* ---- copying ---- */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define STATE(member) offsetof(struct saga_state, member)
#define STEP(member) offsetof(struct saga_step_state, member)

/* Where the texts stand in each struct. */
static const size_t state_texts[] = {
    STATE(id),
    STATE(run),
    STATE(key),
    STATE(name),
    STATE(sha256),
    STATE(trace),
    STATE(trace_parent),
    STATE(trace_state),
    STATE(input),
    STATE(vars),
    STATE(stuck_step),
    STATE(stuck_message),
    STATE(parent_id),
    STATE(parent_run),
    STATE(parent_step),
    STATE(error.step),
    STATE(error.type),
    STATE(error.message),
    STATE(deferred.step),
    STATE(deferred.type),
    STATE(deferred.message),
};
static const size_t scope_texts[] = { offsetof(struct saga_scope, items) };
static const size_t step_texts[] = {
    STEP(path),
    STEP(target),
    STEP(error_type),
    STEP(error_message),
    STEP(topic),
    STEP(type),
    STEP(reply_topic),
    STEP(body),
    STEP(result),
    STEP(compensation_topic),
    STEP(compensation_type),
    STEP(compensation_reply_topic),
    STEP(compensation_body),
};
static const size_t timer_texts[] = { offsetof(struct saga_timer, name) };
static const size_t search_texts[] = { offsetof(struct saga_search_value, name),
                                       offsetof(struct saga_search_value, value) };
static const size_t waiter_texts[] = { offsetof(struct saga_waiter, id),
                                       offsetof(struct saga_waiter, run),
                                       offsetof(struct saga_waiter, step),
                                       offsetof(struct saga_waiter, offered) };
static const size_t kept_texts[] = { offsetof(struct saga_kept_event, id),
                                     offsetof(struct saga_kept_event, type),
                                     offsetof(struct saga_kept_event, body) };

/* Its texts, which are the original's so far, become copies. */
static inline void own_texts(struct saga_arena *arena, void *item, const size_t *texts,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct saga_slice *text = (struct saga_slice *)(void *)((char *)item + texts[i]);
        if (text->data) *text = saga_arena_copy(arena, *text);
    }
}

static void *copy_array(struct saga_arena *arena, const void *items, size_t count, size_t item_size,
                        const size_t *texts, size_t text_count)
{
    if (count == 0) return NULL;
    char *copy = memcpy(saga_arena_take(arena, count * item_size), items, count * item_size);
    for (size_t i = 0; i < count; i++) own_texts(arena, copy + i * item_size, texts, text_count);
    return copy;
}

/* A state is copied for every event, and the one before it is freed: blocks of few different sizes are used again at once. */
static size_t round_up(size_t bytes)
{
    return (bytes + BLOCK_STEP - 1) / BLOCK_STEP * BLOCK_STEP;
}

struct saga_state *saga_state_clone(const struct saga_state *state)
{
#define COPY(items, count, capacity, texts)                                                        \
    copy->items =                                                                                  \
        copy_array(&arena, state->items, state->count, sizeof *state->items, texts, COUNT(texts)); \
    copy->capacity = state->count
    struct saga_arena arena;
    saga_arena_init(&arena);
    arena.first_block_bytes = round_up(sizeof *state + saga_state_bytes(state) * 2 + 512);
    struct saga_state *copy = saga_arena_take(&arena, sizeof *copy);
    *copy = *state;
    own_texts(&arena, copy, state_texts, COUNT(state_texts));
    COPY(scopes, scope_count, scope_capacity, scope_texts);
    COPY(steps, step_count, step_capacity, step_texts);
    COPY(timers, timer_count, timer_capacity, timer_texts);
    COPY(search, search_count, search_capacity, search_texts);
    COPY(waiters, waiter_count, waiter_capacity, waiter_texts);
    COPY(kept, kept_count, kept_capacity, kept_texts);
    copy->arena = arena;
    return copy;
#undef COPY
}

/* ---- going back ---- */

/* The struct as it was, and what stood in its lists. */
struct saga_state_mark {
    struct saga_state was;
    const void *scopes, *steps, *timers, *search, *waiters, *kept;
};

static const void *keep_items(struct saga_arena *arena, const void *items, size_t bytes)
{
    return bytes ? memcpy(saga_arena_take(arena, bytes), items, bytes) : NULL;
}

const struct saga_state_mark *saga_state_mark(const struct saga_state *state,
                                              struct saga_arena *arena)
{
#define KEEP(items, count)                                                                         \
    mark->items = keep_items(arena, state->items, state->count * sizeof *state->items)
    struct saga_state_mark *mark = saga_arena_take(arena, sizeof *mark);
    mark->was = *state;
    KEEP(scopes, scope_count);
    KEEP(steps, step_count);
    KEEP(timers, timer_count);
    KEEP(search, search_count);
    KEEP(waiters, waiter_count);
    KEEP(kept, kept_count);
    return mark;
#undef KEEP
}

static void put_items(void *items, const void *kept, size_t bytes)
{
    if (bytes) memcpy(items, kept, bytes);
}

void saga_state_go_back(struct saga_state *state, const struct saga_state_mark *mark)
{
#define PUT(items, count) put_items(state->items, mark->items, state->count * sizeof *state->items)
    struct saga_arena arena = state->arena;
    *state = mark->was;
    state->arena = arena;
    PUT(scopes, scope_count);
    PUT(steps, step_count);
    PUT(timers, timer_count);
    PUT(search, search_count);
    PUT(waiters, waiter_count);
    PUT(kept, kept_count);
#undef PUT
}

void saga_state_fetch_lists(const struct saga_state *state)
{
    saga_fetch(state->steps, state->step_count * sizeof *state->steps);
    saga_fetch(state->scopes, state->scope_count * sizeof *state->scopes);
    saga_fetch(state->timers, state->timer_count * sizeof *state->timers);
    saga_fetch(state->input.data, state->input.size);
}

struct saga_step_state *saga_state_step(const struct saga_state *state, struct saga_slice path)
{
    for (size_t i = state->step_count; i > 0; i--)
        if (saga_slice_equal(state->steps[i - 1].path, path)) return &state->steps[i - 1];
    return NULL;
}

/* Ids rise: those that are run are mostly the newest. */
struct saga_scope *saga_state_scope(const struct saga_state *state, uint32_t id)
{
    for (size_t i = state->scope_count; i > 0; i--)
        if (state->scopes[i - 1].id == id) return &state->scopes[i - 1];
    return NULL;
}

size_t saga_scope_index(const struct saga_state *state, uint32_t id)
{
    size_t low = 0, high = state->scope_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->scopes[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < state->scope_count && state->scopes[low].id == id ? low : state->scope_count;
}

struct saga_timer *saga_state_timer(const struct saga_state *state, struct saga_slice name)
{
    for (size_t i = 0; i < state->timer_count; i++)
        if (saga_slice_equal(state->timers[i].name, name)) return &state->timers[i];
    return NULL;
}

/* Fixed parts are counted generously: the limit is a guard, not an account. */
size_t saga_state_bytes(const struct saga_state *state)
{
    size_t bytes = 256 + state->id.size + state->run.size + state->key.size + state->name.size +
                   state->input.size + state->vars.size + state->error.message.size +
                   state->deferred.message.size + state->stuck_message.size +
                   state->trace_state.size;
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *step = &state->steps[i];
        bytes += 64 + step->path.size + step->topic.size + step->type.size +
                 step->reply_topic.size + step->body.size + step->result.size +
                 step->compensation_topic.size + step->compensation_type.size +
                 step->compensation_reply_topic.size + step->compensation_body.size +
                 step->target.size + step->error_message.size;
    }
    for (size_t i = 0; i < state->timer_count; i++) bytes += 32 + state->timers[i].name.size;
    for (size_t i = 0; i < state->search_count; i++)
        bytes += 16 + state->search[i].name.size + state->search[i].value.size;
    for (size_t i = 0; i < state->scope_count; i++) bytes += 32 + state->scopes[i].items.size;
    for (size_t i = 0; i < state->waiter_count; i++)
        bytes += 32 + state->waiters[i].id.size + state->waiters[i].run.size +
                 state->waiters[i].step.size + state->waiters[i].offered.size;
    for (size_t i = 0; i < state->kept_count; i++)
        bytes += 48 + state->kept[i].id.size + state->kept[i].type.size + state->kept[i].body.size;
    return bytes;
}

static void check_scope(const struct saga_state *state, const struct saga_scope *scope)
{
    SAGA_ASSERT(scope->id <= state->scope_ids);
    SAGA_ASSERT(!scope->ended || (!scope->entered && scope->open == 0));
    SAGA_ASSERT(scope->loop == (scope->items.data != NULL));
    SAGA_ASSERT(scope->id == SAGA_SCOPE_ROOT ||
                (scope->parent < scope->id && saga_state_scope(state, scope->parent)));
}

static void check_step(const struct saga_state *state, const struct saga_step_state *step)
{
    SAGA_ASSERT(step->kind < SAGA_STEP_KIND_COUNT && saga_state_scope(state, step->scope));
    SAGA_ASSERT(step->path.size > 0);
    SAGA_ASSERT(step->attempt > 0 || step->status == SAGA_STEP_SKIPPED);
    SAGA_ASSERT(step->status < SAGA_STEP_STATUS_COUNT);
    SAGA_ASSERT(step->compensation < SAGA_COMPENSATION_STATUS_COUNT);
    SAGA_ASSERT(step->ended_order <= state->ended_steps);
    bool done = step->status == SAGA_STEP_SUCCEEDED || step->status == SAGA_STEP_UNKNOWN;
    SAGA_ASSERT(done || step->compensation == SAGA_COMPENSATION_NONE);
    SAGA_ASSERT(step->kind != SAGA_STEP_AWAIT || step->compensation == SAGA_COMPENSATION_NONE);
    SAGA_ASSERT(!done || step->ended_order > 0);
    SAGA_ASSERT(!(step->pivot && step->compensation != SAGA_COMPENSATION_NONE));
}

void saga_state_check(const struct saga_state *state)
{
    SAGA_ASSERT(state->status < SAGA_STATUS_COUNT);
    if (state->status == SAGA_STATUS_NONE) return;
    SAGA_ASSERT(state->id.size > 0 && state->run.size > 0 && state->name.size > 0);
    SAGA_ASSERT(state->sequence > 0);
    SAGA_ASSERT(state->scope_count > 0 || state->kind != SAGA_KIND_SAGA);
    SAGA_ASSERT((state->status == SAGA_STUCK) == (state->stuck_on != SAGA_STUCK_ON_NOTHING));
    SAGA_ASSERT(saga_status_has_ended(state->status) == (state->ended_ms != 0));
    SAGA_ASSERT(!(state->pivoted && state->status == SAGA_COMPENSATING));
    for (size_t i = 0; i < state->scope_count; i++) check_scope(state, &state->scopes[i]);
    for (size_t i = 0; i < state->step_count; i++) check_step(state, &state->steps[i]);
    for (size_t i = 0; i < state->timer_count; i++) {
        SAGA_ASSERT(state->timers[i].name.size > 0);
        SAGA_ASSERT(state->timers[i].armed > 0 && state->timers[i].armed <= state->sequence);
    }
    if (state->status != SAGA_COMPENSATED) return;
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *step = &state->steps[i];
        bool done = step->status == SAGA_STEP_SUCCEEDED || step->status == SAGA_STEP_UNKNOWN;
        bool undone = step->compensation == SAGA_COMPENSATION_DONE ||
                      step->compensation == SAGA_COMPENSATION_NOT_NEEDED ||
                      step->compensation == SAGA_COMPENSATION_SKIPPED;
        SAGA_ASSERT(!done || undone || step->kind == SAGA_STEP_AWAIT || state->resolved);
    }
}
