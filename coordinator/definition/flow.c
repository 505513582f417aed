#include "definition/flow.h"

static const uint32_t NO_BRANCH = UINT32_MAX - 1; /* no block has as many */

struct walk {
    const struct saga_definition *definition;
    struct saga_flows *flows;
};

/* ---- where blocks stand ---- */

bool saga_block_is_in(const struct saga_block *block, const struct saga_block *outer,
                      uint32_t branch)
{
    for (; block->parent; block = block->parent)
        if (block->parent == outer) return branch == SAGA_ANY_BRANCH || block->branch == branch;
    return false;
}

const struct saga_block *saga_block_common(const struct saga_block *a, const struct saga_block *b)
{
    for (a = a->parent; a; a = a->parent)
        if (saga_block_is_in(b, a, SAGA_ANY_BRANCH)) return a;
    return NULL;
}

/* ---- flows ---- */

static void add(uint64_t *bits, const struct saga_block *block)
{
    bits[block->id / 64] |= UINT64_C(1) << block->id % 64;
}

static bool has(const uint64_t *bits, const struct saga_block *block)
{
    return bits[block->id / 64] >> block->id % 64 & 1;
}

bool saga_flow_must(const struct saga_flow *flow, const struct saga_block *block)
{
    return has(flow->must, block);
}

bool saga_flow_may(const struct saga_flow *flow, const struct saga_block *block)
{
    return has(flow->may, block);
}

static void run(struct saga_flow *flow, const struct saga_block *block)
{
    add(flow->must, block);
    add(flow->may, block);
}

/* Two ways meet. */
static void meet(struct saga_flow *flow, const struct saga_flow *other)
{
    if (!other->reached) return;
    if (!flow->reached) {
        *flow = *other;
        return;
    }
    flow->pivot_must = flow->pivot_must && other->pivot_must;
    flow->pivot_may = flow->pivot_may || other->pivot_may;
    for (size_t i = 0; i < SAGA_FLOW_WORDS; i++) {
        flow->must[i] &= other->must[i];
        flow->may[i] |= other->may[i];
    }
}

/* Two ways are both gone. */
static void join(struct saga_flow *flow, const struct saga_flow *other)
{
    flow->reached = flow->reached && other->reached;
    flow->pivot_must = flow->pivot_must || other->pivot_must;
    flow->pivot_may = flow->pivot_may || other->pivot_may;
    for (size_t i = 0; i < SAGA_FLOW_WORDS; i++) {
        flow->must[i] |= other->must[i];
        flow->may[i] |= other->may[i];
    }
}

/* Every `set` in the block: .vars is one for the whole saga, so what another branch or an earlier round sets may be there.
 * `but`: not in this branch. */
static void add_sets(const struct walk *w, struct saga_flow *flow, const struct saga_block *outer,
                     uint32_t but)
{
    const struct saga_definition *d = w->definition;
    for (size_t i = outer->id + 1; i < d->block_count; i++) {
        if (!saga_block_is_in(d->blocks[i], outer, SAGA_ANY_BRANCH)) break;
        if (d->blocks[i]->kind == SAGA_BLOCK_SET && !saga_block_is_in(d->blocks[i], outer, but))
            add(flow->may, d->blocks[i]);
    }
}

/* ---- blocks ---- */

static void walk_list(struct walk *w, const struct saga_block_list *list, struct saga_flow *flow);

/* A step, an awaited event, a child: done, or gone on with in one of its branches (`catch`, `on-timeout`), and then it has
 * kept nothing. */
static void walk_named(struct walk *w, const struct saga_block *block, struct saga_flow *flow)
{
    const struct saga_flow before = *flow;
    run(flow, block);
    if (block->kind == SAGA_BLOCK_STEP && block->step.pivot)
        flow->pivot_must = flow->pivot_may = true;
    struct saga_flow caught = { .reached = false };
    for (size_t i = 0; i < block->branch_count; i++) {
        struct saga_flow branch = before;
        walk_list(w, &block->branches[i].blocks, &branch);
        meet(&caught, &branch);
    }
    w->flows->ends[block->id] = caught;
    meet(flow, &caught);
}

static void walk_choose(struct walk *w, const struct saga_block *block, struct saga_flow *flow)
{
    const struct saga_flow before = *flow;
    bool otherwise = block->branch_count && !block->branches[block->branch_count - 1].when;
    *flow = (struct saga_flow){ .reached = false };
    for (size_t i = 0; i < block->branch_count; i++) {
        struct saga_flow branch = before;
        walk_list(w, &block->branches[i].blocks, &branch);
        meet(flow, &branch);
    }
    if (!otherwise) meet(flow, &before);
}

static void walk_parallel(struct walk *w, const struct saga_block *block, struct saga_flow *flow)
{
    const struct saga_flow before = *flow;
    for (size_t i = 0; i < block->branch_count; i++) {
        struct saga_flow branch = before;
        add_sets(w, &branch, block, (uint32_t)i);
        walk_list(w, &block->branches[i].blocks, &branch);
        join(flow, &branch);
    }
}

static void walk_for_each(struct walk *w, const struct saga_block *block, struct saga_flow *flow)
{
    const struct saga_definition *d = w->definition;
    struct saga_flow round = *flow;
    if (block->branch_count == 0) return;
    add_sets(w, &round, block, NO_BRANCH);
    walk_list(w, &block->branches[0].blocks, &round);
    flow->pivot_may = flow->pivot_may || round.pivot_may;
    for (size_t i = 0; i < SAGA_FLOW_WORDS; i++) flow->may[i] |= round.may[i];
    /* there are no rounds, perhaps, and still a list of what was kept in each */
    for (size_t i = block->id + 1; i < d->block_count; i++) {
        if (!saga_block_is_in(d->blocks[i], block, SAGA_ANY_BRANCH)) break;
        if (saga_block_is_named(d->blocks[i])) run(flow, d->blocks[i]);
    }
}

static void walk_repeat(struct walk *w, const struct saga_block *block, struct saga_flow *flow)
{
    if (block->branch_count == 0) return;
    add_sets(w, flow, block, NO_BRANCH);
    walk_list(w, &block->branches[0].blocks, flow);
}

static void walk_block(struct walk *w, const struct saga_block *block, struct saga_flow *flow)
{
    switch (block->kind) {
    case SAGA_BLOCK_STEP:
    case SAGA_BLOCK_AWAIT:
    case SAGA_BLOCK_CHILD: walk_named(w, block, flow); return;
    case SAGA_BLOCK_CHOOSE: walk_choose(w, block, flow); return;
    case SAGA_BLOCK_PARALLEL: walk_parallel(w, block, flow); return;
    case SAGA_BLOCK_FOR_EACH: walk_for_each(w, block, flow); return;
    case SAGA_BLOCK_REPEAT: walk_repeat(w, block, flow); return;
    case SAGA_BLOCK_SET: run(flow, block); return;
    case SAGA_BLOCK_FAIL: flow->reached = false; return;
    case SAGA_BLOCK_PUBLISH:
    case SAGA_BLOCK_WAIT:
    case SAGA_BLOCK_KIND_COUNT: return;
    }
}

static void walk_list(struct walk *w, const struct saga_block_list *list, struct saga_flow *flow)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct saga_block *block = list->items[i];
        w->flows->entries[block->id] = *flow;
        walk_block(w, block, flow);
        w->flows->exits[block->id] = *flow;
    }
}

void saga_flow_find(const struct saga_definition *definition, struct saga_arena *arena,
                    struct saga_flows *ret)
{
    struct walk w = { definition, ret };
    size_t count = definition->block_count;
    ret->entries = SAGA_NEW_ARRAY(arena, struct saga_flow, count);
    ret->exits = SAGA_NEW_ARRAY(arena, struct saga_flow, count);
    ret->ends = SAGA_NEW_ARRAY(arena, struct saga_flow, count);
    ret->end = (struct saga_flow){ .reached = true };
    walk_list(&w, &definition->root, &ret->end);
}
