/* The way back: what is compensated, and that behind a pivot nothing has to be. */
#include "definition/check_internal.h"

/* ---- compensations ---- */

static void check_compensation(struct saga_loading *l, struct fy_node *node,
                               const struct saga_step *step)
{
    const struct saga_compensate *compensate = &step->compensate;
    struct fy_node *undo = saga_yaml_get(node, "compensate");
    if (compensate->kind == SAGA_COMPENSATE_UNDECLARED && !saga_yaml_key(node, "compensate"))
        saga_yaml_find(&l->yaml, saga_yaml_get(node, "step"), SAGA_FINDING_NO_WAY_BACK,
                       "step `%.*s` does not say how it is compensated",
                       SAGA_SLICE_ARG(step->name));
    /* with outcome unknown there is no reply to make the body from */
    if (compensate->kind == SAGA_COMPENSATE_COMMAND && !step->unknown_by_key &&
        !saga_yaml_key(undo, "unknown-body") &&
        saga_check_needs_step(l, compensate->command.body, step->name))
        saga_yaml_find(&l->yaml, saga_yaml_get(undo, "body"), SAGA_FINDING_NEEDS_OWN_REPLY,
                       "the compensation of `%.*s` needs the reply of its own step",
                       SAGA_SLICE_ARG(step->name));
}

static void find_never_compensated(struct saga_loading *l, struct fy_node *node,
                                   const struct saga_step *step)
{
    if (step->compensate.kind != SAGA_COMPENSATE_UNDECLARED)
        saga_yaml_find(&l->yaml, saga_yaml_key(node, "compensate"), SAGA_FINDING_NEVER_COMPENSATED,
                       "`%.*s` %s and is never compensated", SAGA_SLICE_ARG(step->name),
                       step->behind_pivot ? "stands behind the pivot" : "is the pivot");
}

/* ---- the pivot ---- */

static const struct saga_block *loop_around(const struct saga_block *block)
{
    for (block = block->parent; block; block = block->parent)
        if (block->kind == SAGA_BLOCK_FOR_EACH || block->kind == SAGA_BLOCK_REPEAT) return block;
    return NULL;
}

/* May it have to be taken back, or have the others taken back, once it has begun? */
static bool wants_a_way_back(const struct saga_block *block)
{
    if (block->kind == SAGA_BLOCK_STEP)
        return !block->step.pivot &&
               (block->step.compensate.kind != SAGA_COMPENSATE_NONE || saga_check_can_fail(block));
    return block->kind == SAGA_BLOCK_CHILD || block->kind == SAGA_BLOCK_FAIL;
}

static bool is_pivot(const struct saga_block *block)
{
    return block->kind == SAGA_BLOCK_STEP && block->step.pivot;
}

/* Does an earlier pivot run beside this one, in another branch of a `parallel`? */
static bool has_pivot_beside(struct saga_loading *l, const struct saga_block *pivot)
{
    for (size_t i = 0; i < pivot->id; i++) {
        const struct saga_block *common = saga_block_common(pivot, l->blocks[i]);
        if (is_pivot(l->blocks[i]) && common && common->kind == SAGA_BLOCK_PARALLEL) return true;
    }
    return false;
}

/* The first block that runs beside this one, in another branch of a `parallel`, and may have to be taken back. */
static const struct saga_block *taken_back_beside(struct saga_loading *l,
                                                  const struct saga_block *pivot)
{
    for (size_t i = 0; i < l->block_count; i++) {
        const struct saga_block *block = l->blocks[i], *common = saga_block_common(pivot, block);
        if (common && common->kind == SAGA_BLOCK_PARALLEL && wants_a_way_back(block)) return block;
    }
    return NULL;
}

static void check_pivot(struct saga_loading *l, struct fy_node *node,
                        const struct saga_block *block)
{
    const struct saga_step *step = &block->step;
    struct fy_node *pivot = saga_yaml_get(node, "pivot");
    const struct saga_block *loop = loop_around(block), *beside = taken_back_beside(l, block);
    if (l->flows.entries[block->id].pivot_may || has_pivot_beside(l, block))
        saga_yaml_find(&l->yaml, pivot, SAGA_FINDING_SECOND_PIVOT, "`%.*s` is a second pivot%s",
                       SAGA_SLICE_ARG(step->name),
                       l->flows.entries[block->id].pivot_may && !step->behind_pivot
                           ? " on one of the ways to it"
                           : "");
    if (loop)
        saga_yaml_find(&l->yaml, pivot, SAGA_FINDING_PIVOT_IN_LOOP,
                       "`%.*s` is a pivot in the loop on line %u", SAGA_SLICE_ARG(step->name),
                       loop->position.line);
    if (beside)
        saga_yaml_find(
            &l->yaml, pivot, SAGA_FINDING_PIVOT_BESIDE,
            "`%.*s` is a pivot beside `%.*s` on line %u, which may have to be taken back",
            SAGA_SLICE_ARG(step->name), SAGA_SLICE_ARG(beside->label), beside->position.line);
    if (l->flows.ends[block->id].reached)
        saga_yaml_find(&l->yaml, saga_yaml_key(node, "catch"), SAGA_FINDING_PIVOT_CAUGHT,
                       "`%.*s` is a pivot, and the saga goes on where it failed",
                       SAGA_SLICE_ARG(step->name));
}

/* ---- behind the pivot ---- */

static const char *stands(bool behind)
{
    return behind ? "stands behind the pivot" : "may stand behind a pivot";
}

static void check_failure(struct saga_loading *l, struct fy_node *node,
                          const struct saga_block *block, bool behind)
{
    if (!saga_check_can_fail(block)) return;
    struct saga_diagnostic *finding = saga_yaml_find(
        &l->yaml, block->kind == SAGA_BLOCK_STEP ? saga_yaml_get(node, "failure") : node,
        SAGA_FINDING_FAILS_BEHIND_PIVOT, "`%.*s` %s and can fail", SAGA_SLICE_ARG(block->label),
        stands(behind));
    if (block->kind == SAGA_BLOCK_CHILD)
        finding->mend = SAGA_SLICE("move it before the pivot, or say in its `catch` what follows "
                                   "when it is compensated or abandoned");
}

/* What ends by itself without having succeeded. */
static void check_giving_up(struct saga_loading *l, struct fy_node *node,
                            const struct saga_block *block, bool behind)
{
    const char *field = NULL;
    if (block->kind == SAGA_BLOCK_STEP && behind && block->step.attempts_given) field = "retry";
    if (block->kind == SAGA_BLOCK_AWAIT && block->await.timeout_ms && block->branch_count == 0)
        field = "timeout";
    if (block->kind == SAGA_BLOCK_REPEAT) field = "repeat";
    if (!field) return;
    struct fy_node *given = saga_yaml_get(node, field);
    if (block->kind != SAGA_BLOCK_AWAIT)
        given = saga_yaml_key(given, block->kind == SAGA_BLOCK_STEP ? "attempts" : "at-most");
    else
        given = saga_yaml_key(node, field);
    saga_yaml_find(&l->yaml, given ? given : node, SAGA_FINDING_GIVES_UP, "`%.*s` %s and gives up",
                   SAGA_SLICE_ARG(block->label), stands(behind));
}

static void check_behind(struct saga_loading *l, struct fy_node *node,
                         const struct saga_block *block, bool behind)
{
    if (block->kind == SAGA_BLOCK_FAIL && block->fail.type.size) {
        saga_yaml_find(&l->yaml, saga_yaml_key(node, "fail"),
                       behind ? SAGA_FINDING_FAIL_BLOCK : SAGA_FINDING_FAILS_PERHAPS, "`fail` %s",
                       stands(behind));
        return;
    }
    check_failure(l, node, block, behind);
    check_giving_up(l, node, block, behind);
}

void saga_check_way_back(struct saga_loading *l, const struct saga_block *block)
{
    struct fy_node *node = l->block_nodes[block->id];
    const struct saga_flow *flow = &l->flows.entries[block->id];
    if (block->kind == SAGA_BLOCK_STEP) {
        if (block->step.pivot) check_pivot(l, node, block);
        if (block->step.pivot || block->step.behind_pivot)
            find_never_compensated(l, node, &block->step);
        else
            check_compensation(l, node, &block->step);
    }
    if (flow->pivot_may && !is_pivot(block)) check_behind(l, node, block, flow->pivot_must);
}
