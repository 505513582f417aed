/* Whether the lists and steps of a state that was read stand where its definition has them (fits.h). */
#include "engine/fits_internal.h"

#include "base/limits.h"

/* ---- lists ---- */

static bool is_loop(const struct saga_block *block)
{
    return block->kind == SAGA_BLOCK_FOR_EACH || block->kind == SAGA_BLOCK_REPEAT;
}

static const struct saga_scope *parent_of(const struct saga_fitting *f,
                                          const struct saga_scope *scope)
{
    return &f->state->scopes[saga_scope_index(f->state, scope->parent)];
}

/* The list that it runs; it has been found to be in its place, and is no loop's. */
static const struct saga_block_list *list_of(const struct saga_fitting *f,
                                             const struct saga_scope *scope)
{
    if (scope->id == SAGA_SCOPE_ROOT) return &f->definition->root;
    const struct saga_block *block = f->definition->blocks[scope->block];
    return &block->branches[is_loop(block) ? 0 : scope->index].blocks;
}

/* Where the block stands in the list that the scope runs; its count: nowhere. */
static size_t place_in(const struct saga_fitting *f, const struct saga_scope *scope,
                       const struct saga_block *block)
{
    const struct saga_block_list *list = list_of(f, scope);
    size_t place = 0;
    while (place < list->count && list->items[place] != block) place++;
    return place;
}

/* A round of a `for-each`, which its loop has opened. */
static bool round_is_placed(struct saga_fitting *f, const struct saga_scope *scope,
                            const struct saga_scope *loop)
{
    return (scope->block == loop->block && !scope->loop && scope->index < loop->next) ||
           NOT(f, "list %u of it is no round of its loop", scope->id);
}

static bool scope_is_placed(struct saga_fitting *f, const struct saga_scope *scope)
{
    const struct saga_scope *parent = parent_of(f, scope);
    if (scope->block >= f->definition->block_count)
        return NOT(f, "list %u of it belongs to block %u, the definition has %zu", scope->id,
                   scope->block, f->definition->block_count);
    const struct saga_block *block = f->definition->blocks[scope->block];
    if (parent->loop) return round_is_placed(f, scope, parent);
    size_t place = place_in(f, parent, block), branch = is_loop(block) ? 0 : scope->index;
    if (place == list_of(f, parent)->count || branch >= block->branch_count ||
        scope->loop != (block->kind == SAGA_BLOCK_FOR_EACH))
        return NOT(f, "list %u of it is none that %.*s opens there", scope->id,
                   SAGA_SLICE_ARG(block->label));
    bool now = place == parent->position && parent->entered && scope->index < parent->next;
    return now || (place < parent->position && scope->ended) ||
           NOT(f, "list %u of it belongs to %.*s, which is not run", scope->id,
               SAGA_SLICE_ARG(block->label));
}

/* How many branches, or rounds, the block may have opened when it is entered. */
static bool opens_so_many(const struct saga_block *block, uint32_t count)
{
    switch (block->kind) {
    case SAGA_BLOCK_STEP:
    case SAGA_BLOCK_AWAIT:
    case SAGA_BLOCK_CHILD: return count <= block->branch_count;
    case SAGA_BLOCK_CHOOSE:
    case SAGA_BLOCK_PARALLEL: return count > 0 && count <= block->branch_count;
    case SAGA_BLOCK_FOR_EACH: return count == 1;
    case SAGA_BLOCK_REPEAT: return count > 0 && count <= block->repeat.at_most;
    case SAGA_BLOCK_WAIT: return count == 0;
    default: return false; /* done as soon as it is begun */
    }
}

static bool loop_stands_right(struct saga_fitting *f, const struct saga_scope *loop)
{
    return (!loop->entered && loop->position == 0 && loop->total > 0 &&
            loop->total <= SAGA_ROUNDS_MAX && loop->next <= loop->total) ||
           NOT(f, "loop %u of it is in no round that it has", loop->id);
}

static bool scope_stands_right(struct saga_fitting *f, const struct saga_scope *scope)
{
    if (scope->loop) return loop_stands_right(f, scope);
    const struct saga_block_list *list = list_of(f, scope);
    if (scope->position > list->count || (scope->entered && scope->position == list->count))
        return NOT(f, "list %u of it is at block %u of %zu", scope->id, scope->position + 1,
                   list->count);
    if (!scope->entered)
        return scope->next == 0 || NOT(f, "list %u of it has opened lists for no block", scope->id);
    return opens_so_many(list->items[scope->position], scope->next) ||
           NOT(f, "list %u of it has opened %u lists for %.*s", scope->id, scope->next,
               SAGA_SLICE_ARG(list->items[scope->position]->label));
}

static bool scopes_are_placed(struct saga_fitting *f)
{
    for (size_t i = 0; i < f->state->scope_count; i++) { /* what is around a scope comes first */
        const struct saga_scope *scope = &f->state->scopes[i];
        if (i > 0 && !scope_is_placed(f, scope)) return false;
        if (!scope_stands_right(f, scope)) return false;
    }
    return true;
}

/* ---- steps ---- */

static bool is_of_kind(const struct saga_step_state *step, const struct saga_block *block)
{
    if (step->attempt == 0) return saga_block_is_named(block); /* it was skipped before it began */
    return (step->kind == SAGA_STEP_COMMAND && block->kind == SAGA_BLOCK_STEP) ||
           (step->kind == SAGA_STEP_AWAIT && block->kind == SAGA_BLOCK_AWAIT) ||
           (step->kind == SAGA_STEP_CHILD && block->kind == SAGA_BLOCK_CHILD);
}

/* What an attempt sends is what the first one sent; so it must be the definition's. */
static bool command_fits(struct saga_fitting *f, const struct saga_step_state *step,
                         const struct saga_step *declared)
{
    const struct saga_participant *to = declared->command.participant;
    const struct saga_compensate *compensate = &declared->compensate;
    if (step->pivot != declared->pivot)
        return NOT(f, "%.*s is %s pivot in the definition", SAGA_SLICE_ARG(step->path),
                   declared->pivot ? "a" : "no");
    if (!saga_slice_equal(step->topic, to->commands) ||
        !saga_slice_equal(step->type, declared->command.type) ||
        !saga_slice_equal(step->reply_topic, to->replies))
        return NOT(f, "%.*s was sent elsewhere than the definition says",
                   SAGA_SLICE_ARG(step->path));
    if (!saga_was_sent_back(step)) return true;
    to = compensate->command.participant;
    return (compensate->kind == SAGA_COMPENSATE_COMMAND &&
            saga_slice_equal(step->compensation_topic, to->commands) &&
            saga_slice_equal(step->compensation_type, compensate->command.type) &&
            saga_slice_equal(step->compensation_reply_topic, to->replies)) ||
           NOT(f, "the compensation of %.*s was sent elsewhere than the definition says",
               SAGA_SLICE_ARG(step->path));
}

/* A step that waits, or whose outcome is not known, is where its list is; what ended is there, or behind. */
static bool is_where_its_list_is(const struct saga_step_state *step, const struct saga_scope *scope,
                                 size_t place)
{
    bool now = place == scope->position && scope->entered, before = place < scope->position;
    switch (step->status) {
    case SAGA_STEP_SENT:
    case SAGA_STEP_BACKOFF:
    case SAGA_STEP_UNKNOWN: return now && scope->next == 0;
    case SAGA_STEP_FAILED: return now || before;
    default: return before;
    }
}

static bool step_is_placed(struct saga_fitting *f, const struct saga_decision *d,
                           const struct saga_step_state *step)
{
    const struct saga_scope *scope = &f->state->scopes[saga_scope_index(f->state, step->scope)];
    if (step->block >= f->definition->block_count)
        return NOT(f, "%.*s is block %u, the definition has %zu", SAGA_SLICE_ARG(step->path),
                   step->block, f->definition->block_count);
    const struct saga_block *block = f->definition->blocks[step->block];
    if (!is_of_kind(step, block))
        return NOT(f, "%.*s is %s, the definition has %.*s there", SAGA_SLICE_ARG(step->path),
                   saga_step_kind_name(step->kind), SAGA_SLICE_ARG(block->label));
    size_t place = place_in(f, scope, block);
    if (place == list_of(f, scope)->count)
        return NOT(f, "%.*s stands in a list that does not have it", SAGA_SLICE_ARG(step->path));
    if (!saga_slice_equal(step->path, saga_path(d, scope, block->label)))
        return NOT(f, "%.*s is called otherwise than the definition does",
                   SAGA_SLICE_ARG(step->path));
    if (!is_where_its_list_is(step, scope, place))
        return NOT(f, "%.*s is %s, but its list is elsewhere", SAGA_SLICE_ARG(step->path),
                   saga_step_status_name(step->status));
    return block->kind != SAGA_BLOCK_STEP || step->attempt == 0 ||
           command_fits(f, step, &block->step);
}

/* A block that keeps something, and was entered, has begun its step. */
static bool has_begun(struct saga_fitting *f, const struct saga_decision *d,
                      const struct saga_scope *scope)
{
    if (scope->loop || !scope->entered) return true;
    const struct saga_block *block = list_of(f, scope)->items[scope->position];
    return !saga_block_is_named(block) ||
           saga_state_step(f->state, saga_path(d, scope, block->label)) ||
           NOT(f, "%.*s is under way, but was never begun", SAGA_SLICE_ARG(block->label));
}

static bool steps_are_placed(struct saga_fitting *f)
{
    /* read only: it is what paths are made by */
    const struct saga_decision d = { .definition = f->definition,
                                     .state = (struct saga_state *)(uintptr_t)f->state,
                                     .arena = f->arena };
    for (size_t i = 0; i < f->state->step_count; i++)
        if (!step_is_placed(f, &d, &f->state->steps[i])) return false;
    for (size_t i = 0; i < f->state->scope_count; i++)
        if (!has_begun(f, &d, &f->state->scopes[i])) return false;
    return true;
}

bool saga_places_fit(struct saga_fitting *f)
{
    return scopes_are_placed(f) && steps_are_placed(f);
}
