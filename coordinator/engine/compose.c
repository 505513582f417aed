/* Blocks that hold lists of blocks: choose, parallel, for-each, repeat. */
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "engine/engine_internal.h"

static void start_branch(struct saga_decision *d, const struct saga_block *block,
                         const struct saga_scope *scope, size_t index)
{
    struct saga_fact fact = saga_fact_at(d, SAGA_FACT_BRANCH_STARTED, block, scope);
    fact.index = (uint32_t)index;
    saga_emit(d, fact);
}

void saga_start_catch(struct saga_decision *d, const struct saga_block *block,
                      const struct saga_scope *scope, size_t branch)
{
    start_branch(d, block, scope, branch);
}

/* The first branch whose `when` is true, or `else`. */
static void enter_choose(struct saga_decision *d, const struct saga_block *block,
                         const struct saga_scope *scope)
{
    for (size_t i = 0; i < block->branch_count; i++) {
        struct saga_slice json = SAGA_SLICE("true"), message;
        if (block->branches[i].when && saga_evaluate(d, scope, block->branches[i].when,
                                                     SAGA_SLICE_NONE, &json, &message) < 0) {
            saga_body_failed(d, scope, saga_path(d, scope, block->label), message);
            return;
        }
        if (!saga_json_is_true(json)) continue;
        start_branch(d, block, scope, i);
        return;
    }
    saga_pass_block(d, block, scope, "nothing-chosen");
}

static void enter_parallel(struct saga_decision *d, const struct saga_block *block,
                           const struct saga_scope *scope)
{
    for (size_t i = 0; i < block->branch_count; i++) start_branch(d, block, scope, i);
}

/* ---- for-each ---- */

static void enter_for_each(struct saga_decision *d, const struct saga_block *block,
                           const struct saga_scope *scope)
{
    struct saga_fact fact = saga_fact_at(d, SAGA_FACT_LOOP_STARTED, block, scope);
    struct saga_slice message, source = saga_expression_source(block->for_each.in);
    if (saga_evaluate(d, scope, block->for_each.in, SAGA_SLICE_NONE, &fact.value, &message) < 0) {
        saga_body_failed(d, scope, fact.step, message);
        return;
    }
    if (saga_json_kind(fact.value) != SAGA_JSON_ARRAY) {
        message = saga_arena_printf(d->arena, "`%.*s` gives %.*s, which is no list",
                                    SAGA_SLICE_ARG(saga_slice_clip(source, 200)),
                                    SAGA_SLICE_ARG(saga_slice_clip(fact.value, 100)));
        saga_body_failed(d, scope, fact.step, message);
        return;
    }
    size_t count = saga_json_count(fact.value);
    if (count > SAGA_ROUNDS_MAX) {
        message =
            saga_arena_printf(d->arena, "`%.*s` gives a list of %zu elements, the limit is %d",
                              SAGA_SLICE_ARG(saga_slice_clip(source, 200)), count, SAGA_ROUNDS_MAX);
        saga_body_failed(d, scope, fact.step, message);
    } else if (saga_is_over_limit(d, fact.value.size, &message)) {
        saga_stick(d, SAGA_STUCK_ON_LIMIT, scope->id, fact.step, message);
    } else if (count == 0) {
        saga_pass_block(d, block, scope, "no-elements");
    } else {
        fact.total = (uint32_t)count;
        saga_emit(d, fact);
    }
}

bool saga_move_loop(struct saga_decision *d, const struct saga_scope *loop)
{
    const struct saga_block *block = d->definition->blocks[loop->block];
    if (loop->next < loop->total && loop->open < block->for_each.at_once) {
        start_branch(d, block, loop, loop->next);
        return true;
    }
    if (loop->open > 0) return false;
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_BRANCH_ENDED, .scope = loop->id });
    return true;
}

/* ---- repeat ---- */

/* A round has ended: was it the last? `until` sees what the round saw. */
static void end_round(struct saga_decision *d, const struct saga_block *block,
                      const struct saga_scope *scope)
{
    const struct saga_repeat *repeat = &block->repeat;
    struct saga_scope round = { .id = d->state->scope_ids + 1, /* its own may be forgotten */
                                .parent = scope->id,
                                .block = block->id,
                                .index = scope->next - 1 };
    struct saga_slice json, message, path = saga_path(d, scope, block->label);
    if (saga_evaluate(d, &round, repeat->until, SAGA_SLICE_NONE, &json, &message) < 0) {
        saga_body_failed(d, scope, path, message);
    } else if (saga_json_is_true(json)) {
        saga_pass_block(d, block, scope, "until");
    } else if (scope->next < repeat->at_most) {
        start_branch(d, block, scope, scope->next);
    } else {
        message = saga_arena_printf(d->arena, "`%.*s` is not true after %u rounds",
                                    SAGA_SLICE_ARG(saga_expression_source(repeat->until)),
                                    repeat->at_most);
        saga_block_failed(d, scope, path, SAGA_SLICE("RepeatExceeded"), message);
    }
}

/* ---- */

void saga_enter_composite(struct saga_decision *d, const struct saga_block *block,
                          const struct saga_scope *scope)
{
    switch (block->kind) {
    case SAGA_BLOCK_CHOOSE: enter_choose(d, block, scope); return;
    case SAGA_BLOCK_PARALLEL: enter_parallel(d, block, scope); return;
    case SAGA_BLOCK_FOR_EACH: enter_for_each(d, block, scope); return;
    case SAGA_BLOCK_REPEAT: start_branch(d, block, scope, 0); return;
    default: SAGA_ASSERT(!"a block that holds lists");
    }
}

void saga_leave_composite(struct saga_decision *d, const struct saga_block *block,
                          const struct saga_scope *scope)
{
    if (block->kind == SAGA_BLOCK_REPEAT)
        end_round(d, block, scope);
    else
        saga_pass_block(d, block, scope, "");
}
