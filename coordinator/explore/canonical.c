#include "explore/canonical.h"

#include <string.h>

/* ---- hashing ---- */

/* Two lanes of 64 bits that share nothing but what goes in. Parts of a state that have no order are summed up. */
static uint64_t mix(uint64_t x)
{
    /* splitmix64, Steele, Lea and Flood 2014 */
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

static void put(struct saga_canonical *h, uint64_t value)
{
    h->low = mix(h->low + value + 0x9e3779b97f4a7c15ULL);
    h->high =
        mix((h->high ^ (h->high << 7)) + value * 0xd6e8feb86659fd93ULL + 0x632be59bd9b4e019ULL);
}

static void put_text(struct saga_canonical *h, struct saga_slice text)
{
    put(h, text.size);
    while (text.size) {
        uint64_t word = 0;
        size_t size = text.size < sizeof word ? text.size : sizeof word;
        memcpy(&word, text.data, size);
        put(h, word);
        text = saga_slice_skip(text, size);
    }
}

static void sum(struct saga_canonical *all, struct saga_canonical part)
{
    all->low += part.low;
    all->high += part.high;
}

/* ---- scopes ---- */

/* Ids are given in the order in which scopes were opened; what they stand for is where they are. */
static void put_place(struct saga_canonical *h, const struct saga_state *state, uint32_t id)
{
    for (size_t depth = 0; depth <= state->scope_count; depth++) {
        const struct saga_scope *scope = saga_state_scope(state, id);
        if (!scope || id == SAGA_SCOPE_ROOT) return;
        put(h, ((uint64_t)scope->block << 32 | scope->index) * 2 + scope->loop);
        id = scope->parent;
    }
}

static struct saga_canonical scope_of(const struct saga_state *state,
                                      const struct saga_scope *scope)
{
    struct saga_canonical h = { 1, 1 };
    put_place(&h, state, scope->id);
    put(&h, scope->ended);
    if (scope->ended) return h;
    put(&h, (uint64_t)scope->position << 1 | scope->entered);
    put(&h, (uint64_t)scope->open << 32 | scope->next);
    put(&h, scope->total);
    put_text(&h, scope->items);
    return h;
}

/* ---- steps ---- */

static bool is_to_be_compensated(const struct saga_step_state *step)
{
    bool done = step->status == SAGA_STEP_SUCCEEDED || step->status == SAGA_STEP_UNKNOWN;
    return done && step->compensation != SAGA_COMPENSATION_DONE &&
           step->compensation != SAGA_COMPENSATION_NOT_NEEDED &&
           step->compensation != SAGA_COMPENSATION_SKIPPED;
}

static const struct saga_scope *around(const struct saga_state *state,
                                       const struct saga_scope *scope)
{
    return scope->id == SAGA_SCOPE_ROOT ? NULL : saga_state_scope(state, scope->parent);
}

/* In different branches of one `parallel`: these are taken back side by side, in whatever order they ended. */
static bool are_side_by_side(const struct saga_definition *definition,
                             const struct saga_state *state, uint32_t a, uint32_t b)
{
    const struct saga_scope *one = a == b ? NULL : saga_state_scope(state, a);
    for (; one && one->id != SAGA_SCOPE_ROOT; one = around(state, one)) {
        if (definition->blocks[one->block]->kind != SAGA_BLOCK_PARALLEL) continue;
        const struct saga_scope *other = saga_state_scope(state, b);
        for (; other && other->id != SAGA_SCOPE_ROOT; other = around(state, other))
            if (other->parent == one->parent && other->block == one->block)
                return other->index != one->index;
    }
    return false;
}

/* The order matters among what may have to be taken back one after another. */
static uint64_t rank_of(const struct saga_definition *definition, const struct saga_state *state,
                        const struct saga_step_state *step)
{
    uint64_t rank = 1;
    if (!is_to_be_compensated(step)) return 0;
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *other = &state->steps[i];
        rank += is_to_be_compensated(other) && other->ended_order < step->ended_order &&
                !are_side_by_side(definition, state, step->scope, other->scope);
    }
    return rank;
}

/* Beyond the limit nothing changes with further attempts; that there are older ones does. */
static uint32_t attempt_of(uint32_t attempt, uint32_t limit)
{
    uint32_t most = limit < 2 ? 2 : limit;
    return attempt < most ? attempt : most;
}

static void put_command(struct saga_canonical *h, const struct saga_definition *definition,
                        const struct saga_state *state, const struct saga_step_state *step)
{
    const struct saga_block *block = definition->blocks[step->block];
    bool retried = block->kind == SAGA_BLOCK_STEP;
    bool open = step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF;
    bool may_be_sent = open || step->status == SAGA_STEP_FAILED ||
                       (step->status == SAGA_STEP_UNKNOWN && state->status == SAGA_STUCK);
    bool endless = retried && state->pivoted && !block->step.attempts_given;
    uint32_t limit = retried && !endless ? block->step.retry.attempts : 0;
    put(h, may_be_sent ? attempt_of(step->attempt, limit) : step->attempt > 0);
    put(h, open && step->unanswered);
    /* which list of blocks its failure runs, where that has not been done yet */
    if (step->status == SAGA_STEP_FAILED && block->branch_count) put_text(h, step->error_type);
}

static void put_compensation(struct saga_canonical *h, const struct saga_definition *definition,
                             const struct saga_step_state *step)
{
    const struct saga_block *block = definition->blocks[step->block];
    uint32_t limit = block->kind == SAGA_BLOCK_STEP ? block->step.compensate.retry.attempts : 0;
    bool ended = step->compensation == SAGA_COMPENSATION_DONE ||
                 step->compensation == SAGA_COMPENSATION_SKIPPED;
    put(h, step->compensation);
    put(h, ended ? 0 : attempt_of(step->compensation_attempt, limit));
}

static struct saga_canonical step_of(const struct saga_definition *definition,
                                     const struct saga_state *state,
                                     const struct saga_step_state *step)
{
    struct saga_canonical h = { 2, 2 };
    put_text(&h, step->path);
    put(&h, step->status);
    put(&h, rank_of(definition, state, step));
    put_command(&h, definition, state, step);
    put_compensation(&h, definition, step);
    put_text(&h, step->result);
    return h;
}

/* ---- */

static struct saga_canonical timer_of(const struct saga_timer *timer)
{
    struct saga_canonical h = { 3, 3 };
    put_text(&h, timer->name);
    put(&h, timer->held);
    return h;
}

static struct saga_canonical whole_of(const struct saga_state *state)
{
    struct saga_canonical h = { 4, 4 };
    put(&h, state->status);
    put(&h, (uint64_t)state->paused | (uint64_t)state->pivoted << 1 |
                (uint64_t)state->forgotten << 2 | (uint64_t)state->resolved << 3 |
                (uint64_t)state->has_deferred << 4 | (uint64_t)state->stuck_forward << 5);
    put(&h, state->stuck_on);
    put_text(&h, state->stuck_step);
    put_text(&h, state->vars);
    put_text(&h, state->input);
    return h;
}

struct saga_canonical saga_canonical_of(const struct saga_definition *definition,
                                        const struct saga_state *state)
{
    struct saga_canonical all = whole_of(state);
    for (size_t i = 0; i < state->scope_count; i++) sum(&all, scope_of(state, &state->scopes[i]));
    for (size_t i = 0; i < state->step_count; i++)
        sum(&all, step_of(definition, state, &state->steps[i]));
    for (size_t i = 0; i < state->timer_count; i++) sum(&all, timer_of(&state->timers[i]));
    all.low = mix(all.low);
    all.high = mix(all.high);
    return all;
}
