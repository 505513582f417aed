/* Blocks that may wait for ever, that choose nothing, or that no way leads to. */
#include "definition/check_internal.h"

/* Does the saga's deadline end a wait at this place? Behind a pivot it is only noted. */
static bool has_deadline(const struct saga_loading *l, const struct saga_block *block)
{
    return saga_yaml_key(l->yaml.root, "deadline") && !l->flows.entries[block->id].pivot_may;
}

static void check_waiting(struct saga_loading *l, struct fy_node *node,
                          const struct saga_block *block)
{
    if (block->kind == SAGA_BLOCK_AWAIT && !saga_yaml_key(node, "timeout") &&
        !has_deadline(l, block))
        saga_yaml_find(&l->yaml, saga_yaml_get(node, "await"), SAGA_FINDING_AWAITS_FOR_EVER,
                       "`%.*s` may be awaited for ever", SAGA_SLICE_ARG(block->label));
    if (block->kind == SAGA_BLOCK_WAIT && block->wait.until &&
        !saga_yaml_key(l->yaml.root, "deadline"))
        saga_yaml_find(&l->yaml, saga_yaml_key(node, "wait-until"), SAGA_FINDING_WAITS_FOR_EVER,
                       "`wait-until` may wait for ever");
}

static void check_choose(struct saga_loading *l, struct fy_node *node,
                         const struct saga_block *block)
{
    if (block->branch_count && block->branches[block->branch_count - 1].when)
        saga_yaml_find(&l->yaml, saga_yaml_key(node, "choose"), SAGA_FINDING_NO_ELSE,
                       "`choose` has no `else`");
}

/* The first block of a list that no way leads to, though one leads to the block before it. */
static void check_behind(struct saga_loading *l, const struct saga_block *block)
{
    const struct saga_block_list *list =
        block->parent ? &block->parent->branches[block->branch].blocks : &l->definition->root;
    size_t i = 0;
    while (i < list->count && list->items[i] != block) i++;
    bool broken = block->kind == SAGA_BLOCK_FAIL && block->fail.type.size == 0;
    if (broken || i + 1 >= list->count || l->flows.exits[block->id].reached) return;
    saga_yaml_find(&l->yaml, l->block_nodes[list->items[i + 1]->id], SAGA_FINDING_NEVER_REACHED,
                   block->kind == SAGA_BLOCK_FAIL
                       ? "nothing comes behind the `fail` on line %u"
                       : "nothing comes behind the block on line %u: every way through it ends",
                   block->position.line);
}

static bool is_in_loop(const struct saga_block *block)
{
    for (block = block->parent; block; block = block->parent)
        if (block->kind == SAGA_BLOCK_FOR_EACH || block->kind == SAGA_BLOCK_REPEAT) return true;
    return false;
}

/* Can the expression give another value in another round? What comes from steps or variables may be of the round. */
static bool may_differ(const struct saga_expression *expression)
{
    static const char *const members[] = { "item", "index", "items", "steps", "vars" };
    for (size_t i = 0; i < SAGA_COUNT_OF(members); i++)
        if (saga_expression_reads(expression, members[i])) return true;
    return false;
}

static void check_child(struct saga_loading *l, struct fy_node *node,
                        const struct saga_block *block)
{
    if (block->child.key && is_in_loop(block) && !may_differ(block->child.key))
        saga_yaml_find(&l->yaml, saga_yaml_get(node, "key"), SAGA_FINDING_CHILD_TWICE,
                       "every round starts `%.*s` under the same key",
                       SAGA_SLICE_ARG(block->child.saga));
    if (saga_slice_equal(block->child.saga, l->definition->name) && block->child.saga.size)
        saga_yaml_find(&l->yaml, saga_yaml_get(node, "saga"), SAGA_FINDING_RING,
                       "`%.*s` starts itself as its child", SAGA_SLICE_ARG(block->child.saga));
}

void saga_check_block(struct saga_loading *l, const struct saga_block *block)
{
    struct fy_node *node = l->block_nodes[block->id];
    check_waiting(l, node, block);
    if (block->kind == SAGA_BLOCK_CHOOSE) check_choose(l, node, block);
    if (block->kind == SAGA_BLOCK_CHILD) check_child(l, node, block);
    check_behind(l, block);
}
