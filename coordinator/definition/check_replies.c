/* The types of replies: that each means one thing, and that `catch` catches what can come. */
#include "definition/check_internal.h"

/* How a child saga's block can fail. */
static const struct saga_slice child_failures[] = {
    { "compensated", 11 }, { "abandoned", 9 }, { "AlreadyExists", 13 }, { "NoSuchSaga", 10 }
};
static const struct saga_names of_children = { child_failures, SAGA_COUNT_OF(child_failures) };

struct fy_node *saga_yaml_type_node(struct fy_node *field, struct saga_slice type)
{
    void *iterator = NULL;
    if (!field || !fy_node_is_sequence(field)) return field;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(field, &iterator));)
        if (saga_slice_equal(saga_yaml_scalar(item), type)) return item;
    return field;
}

static void find_clash(struct saga_loading *l, struct fy_node *field,
                       const struct saga_names *names, const struct saga_names *others,
                       enum saga_finding kind, const char *words)
{
    for (size_t i = 0; i < names->count; i++)
        if (saga_names_contain(others, names->items[i]))
            saga_yaml_find(&l->yaml, saga_yaml_type_node(field, names->items[i]), kind,
                           "`%.*s` is %s", SAGA_SLICE_ARG(names->items[i]), words);
}

static void check_types(struct saga_loading *l, struct fy_node *node,
                        const struct saga_names *success, const struct saga_names *failure,
                        const struct saga_names *retried)
{
    struct fy_node *successes = saga_yaml_get(node, "success"),
                   *failures = saga_yaml_get(node, "failure");
    find_clash(l, failures, failure, success, SAGA_FINDING_TYPE_CLASH, "a success and a failure");
    find_clash(l, successes, success, retried, SAGA_FINDING_RETRY_CLASH,
               "a success and a reason to try again");
    find_clash(l, failures, failure, retried, SAGA_FINDING_RETRY_CLASH,
               "a failure and a reason to try again");
}

/* ---- catch ---- */

static void check_catch(struct saga_loading *l, const struct saga_block *block,
                        const struct saga_names *failures, const char *mend)
{
    void *iterator = NULL;
    struct fy_node *caught = saga_yaml_get(l->block_nodes[block->id], "catch");
    struct fy_node_pair *pair;
    for (size_t i = 0; i < block->branch_count; i++) {
        struct saga_slice type = block->branches[i].name;
        pair = fy_node_mapping_iterate(caught, &iterator);
        if (type.size == 0 || saga_names_contain(failures, type)) continue;
        struct saga_diagnostic *finding = saga_yaml_find(
            &l->yaml, fy_node_pair_key(pair), SAGA_FINDING_NEVER_CAUGHT,
            "`%.*s` does not fail with `%.*s`", SAGA_SLICE_ARG(block->label), SAGA_SLICE_ARG(type));
        if (mend) finding->mend = saga_slice_of(mend);
    }
}

bool saga_check_can_fail(const struct saga_block *block)
{
    const struct saga_names *failures = block->kind == SAGA_BLOCK_STEP    ? &block->step.failure
                                        : block->kind == SAGA_BLOCK_CHILD ? &of_children
                                                                          : NULL;
    size_t count = block->kind == SAGA_BLOCK_CHILD ? 2 : failures ? failures->count : 0;
    for (size_t i = 0; i < count; i++)
        if (saga_block_catch(block, failures->items[i]) == block->branch_count) return true;
    return false;
}

void saga_check_replies(struct saga_loading *l, const struct saga_block *block)
{
    struct fy_node *node = l->block_nodes[block->id];
    if (block->kind == SAGA_BLOCK_CHILD)
        check_catch(l, block, &of_children,
                    "a child ends with compensated or abandoned, or does not begin: AlreadyExists, "
                    "NoSuchSaga");
    if (block->kind != SAGA_BLOCK_STEP) return;
    const struct saga_step *step = &block->step;
    const struct saga_compensate *compensate = &step->compensate;
    check_types(l, node, &step->success, &step->failure, &step->retry.on);
    check_catch(l, block, &step->failure, NULL);
    if (compensate->kind == SAGA_COMPENSATE_COMMAND)
        check_types(l, saga_yaml_get(node, "compensate"), &compensate->success,
                    &compensate->failure, &compensate->retry.on);
}
