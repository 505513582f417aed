/* What the facts of blocks do to a state: places, branches, loops, variables, waits. */
#include "engine/evolve_internal.h"

struct saga_scope *saga_scope_at(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_scope *scope = saga_state_scope(state, fact->scope);
    bool there = state->status == SAGA_RUNNING && scope && !scope->ended && !scope->loop &&
                 scope->position == fact->position;
    return there && fact->step.size ? scope : NULL;
}

void saga_leave_block(struct saga_scope *scope)
{
    scope->position++;
    scope->entered = false;
    scope->open = scope->next = 0;
}

static int evolve_passed(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_scope *scope = saga_scope_at(state, fact);
    if (!scope || scope->open > 0) return SAGA_E_INVALID;
    saga_disarm_path(state, SAGA_TIMER_WAIT, fact->step);
    saga_leave_block(scope);
    return SAGA_OK;
}

static int evolve_variables(struct saga_state *state, const struct saga_fact *fact)
{
    if (evolve_passed(state, fact) < 0) return SAGA_E_INVALID;
    state->vars = saga_kept(state, fact->value);
    return SAGA_OK;
}

static int evolve_wait(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_scope *scope = saga_scope_at(state, fact);
    if (!scope || scope->entered) return SAGA_E_INVALID;
    scope->entered = true;
    saga_arm_path(state, SAGA_TIMER_WAIT, fact);
    return SAGA_OK;
}

/* ---- branches and loops ---- */

static struct saga_scope *open_scope(struct saga_state *state, struct saga_scope *parent,
                                     const struct saga_fact *fact)
{
    parent->entered = !parent->loop;
    parent->open++;
    parent->next = fact->index + 1;
    struct saga_scope scope = {
        .id = ++state->scope_ids, .parent = parent->id, .block = fact->block, .index = fact->index
    };
    SAGA_PUSH(&state->arena, state->scopes, state->scope_count, state->scope_capacity, scope);
    return &state->scopes[state->scope_count - 1];
}

static int evolve_branch_started(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_scope *parent = saga_state_scope(state, fact->scope);
    if (parent && parent->loop) {
        if (state->status != SAGA_RUNNING || parent->ended || parent->next >= parent->total)
            return SAGA_E_INVALID;
    } else if (!saga_scope_at(state, fact)) {
        return SAGA_E_INVALID;
    }
    open_scope(state, parent, fact);
    return SAGA_OK;
}

static int evolve_loop_started(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_scope *parent = saga_scope_at(state, fact);
    if (!parent || parent->entered || fact->total == 0 || !fact->value.data) return SAGA_E_INVALID;
    struct saga_scope *loop = open_scope(state, parent, fact);
    loop->loop = true;
    loop->total = fact->total;
    loop->items = saga_kept(state, fact->value);
    return SAGA_OK;
}

static bool is_needed(const struct saga_state *state, uint32_t id)
{
    for (size_t i = 0; i < state->step_count; i++)
        if (state->steps[i].scope == id) return true;
    for (size_t i = 0; i < state->scope_count; i++)
        if (state->scopes[i].id != SAGA_SCOPE_ROOT && state->scopes[i].parent == id) return true;
    return false;
}

/* What ended without a step in it leaves nothing to compensate, so it need not be remembered. */
static void forget_scope(struct saga_state *state, const struct saga_scope *scope)
{
    size_t index = (size_t)(scope - state->scopes);
    for (size_t i = index + 1; i < state->scope_count; i++) state->scopes[i - 1] = state->scopes[i];
    state->scope_count--;
}

static int evolve_branch_ended(struct saga_state *state, const struct saga_fact *fact)
{
    struct saga_scope *scope = saga_state_scope(state, fact->scope);
    if (state->status != SAGA_RUNNING || !scope || scope->id == SAGA_SCOPE_ROOT || scope->ended)
        return SAGA_E_INVALID;
    struct saga_scope *parent = saga_state_scope(state, scope->parent);
    if (scope->entered || scope->open > 0 || !parent || parent->open == 0) return SAGA_E_INVALID;
    scope->ended = true;
    parent->open--;
    if (!is_needed(state, scope->id)) forget_scope(state, scope);
    return SAGA_OK;
}

int saga_evolve_block(struct saga_state *state, const struct saga_fact *fact)
{
    switch (fact->kind) {
    case SAGA_FACT_VARIABLES_SET: return evolve_variables(state, fact);
    case SAGA_FACT_WAIT_STARTED: return evolve_wait(state, fact);
    case SAGA_FACT_EVENT_PUBLISHED:
    case SAGA_FACT_BLOCK_PASSED: return evolve_passed(state, fact);
    case SAGA_FACT_BRANCH_STARTED: return evolve_branch_started(state, fact);
    case SAGA_FACT_LOOP_STARTED: return evolve_loop_started(state, fact);
    case SAGA_FACT_BRANCH_ENDED: return evolve_branch_ended(state, fact);
    default: return SAGA_E_INVALID;
    }
}
