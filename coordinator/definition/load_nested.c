/* Blocks that are made of lists of blocks: `choose`, `parallel`, `for-each`, `repeat`; and `catch`. */
#include <stdio.h>

#include "base/limits.h"
#include "definition/load_internal.h"

/* Room for the branches of a block, as many as the node has members or items; NULL with a finding. */
static struct saga_branch *make_branches(struct saga_loading *l, struct fy_node *node, int count,
                                         const char *what)
{
    if (count >= 1 && count <= SAGA_BRANCHES_MAX)
        return SAGA_NEW_ARRAY(saga_loading_arena(l), struct saga_branch, (size_t)count);
    if (count < 1)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LACKING, "`%s` needs at least one branch", what)
            ->mend = SAGA_SLICE("write what is done there, or take it out");
    else
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LIMIT, "`%s` has %d branches; %d are possible",
                       what, count, SAGA_BRANCHES_MAX);
    l->partial = true;
    return NULL;
}

/* The next branch of a block that stands at `node`. */
static struct saga_branch *begin_branch(struct saga_loading *l, struct fy_node *node,
                                        struct saga_block *block, struct saga_branch *branches)
{
    struct saga_branch *branch = &branches[block->branch_count++];
    block->branches = branches;
    saga_yaml_position(&l->yaml, node, &branch->position.line, &branch->position.column);
    return branch;
}

void saga_load_branch(struct saga_loading *l, struct fy_node *node, const char *name,
                      struct saga_block *block)
{
    struct saga_branch *branch = SAGA_NEW(saga_loading_arena(l), struct saga_branch);
    branch = begin_branch(l, saga_yaml_key(node, name), block, branch);
    saga_load_blocks(l, saga_yaml_get(node, name), name, block, 0, &branch->blocks);
}

/* ---- choose ---- */

static void load_when(struct saga_loading *l, struct fy_node *node, struct saga_block *block,
                      struct saga_branch *branches, bool last)
{
    static const char *const names[] = { "when", "steps", "else" };
    struct fy_node *otherwise = saga_yaml_key(node, "else"), *when = saga_yaml_get(node, "when");
    struct saga_branch *branch = begin_branch(l, node, block, branches);
    bool mapping = saga_yaml_check_mapping(&l->yaml, node, "a branch of `choose`", names,
                                           SAGA_COUNT_OF(names));
    if (!mapping) {
        l->partial = true;
        return;
    }
    struct fy_node *beside = otherwise && when ? saga_yaml_key(node, "when") : NULL;
    if (otherwise && !beside) beside = saga_yaml_key(node, "steps");
    if (beside)
        saga_yaml_find(&l->yaml, beside, SAGA_FINDING_UNKNOWN_FIELD,
                       "`else` has its blocks in itself and no `%.*s`",
                       SAGA_SLICE_ARG(saga_yaml_scalar(beside)))
            ->mend = SAGA_SLICE("write it as `- else: [...]`, or as `- when: ...` with `steps:`");
    else if (otherwise && !last)
        saga_yaml_find(&l->yaml, otherwise, SAGA_FINDING_WRONG_VALUE,
                       "`else` must be the last branch of its `choose`")
            ->mend = SAGA_SLICE("move it to the end: what stands behind it is never chosen");
    if (otherwise) {
        saga_load_blocks(l, saga_yaml_get(node, "else"), "else", block,
                         (uint32_t)block->branch_count - 1, &branch->blocks);
        return;
    }
    branch->when = saga_load_expression(
        l, saga_yaml_need(&l->yaml, node, "when", "a branch of `choose`"), "`when`");
    saga_load_blocks(l, saga_yaml_need(&l->yaml, node, "steps", "a branch of `choose`"), "steps",
                     block, (uint32_t)block->branch_count - 1, &branch->blocks);
}

void saga_load_choose(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    static const char *const names[] = { "choose" };
    void *iterator = NULL;
    struct fy_node *list = saga_yaml_get(node, "choose");
    saga_yaml_check_mapping(&l->yaml, node, "`choose`", names, SAGA_COUNT_OF(names));
    if (!list || !fy_node_is_sequence(list)) {
        saga_yaml_find(&l->yaml, saga_yaml_key(node, "choose"), SAGA_FINDING_WRONG_VALUE,
                       "`choose` must be a list of branches")
            ->mend = SAGA_SLICE("as in - when: .input.total > 100, with `steps:`");
        l->partial = true;
        return;
    }
    int count = fy_node_sequence_item_count(list);
    struct saga_branch *branches = make_branches(l, list, count, "choose");
    for (int i = 0; branches && i < count; i++)
        load_when(l, fy_node_sequence_iterate(list, &iterator), block, branches, i + 1 == count);
}

/* ---- parallel, catch: lists of blocks by name ---- */

typedef bool load_word(struct saga_loading *l, struct fy_node *node, const char *what,
                       struct saga_slice *ret);

static void load_named(struct saga_loading *l, struct fy_node *node, const char *field,
                       load_word *load_branch_name, const char *what, struct saga_block *block)
{
    void *iterator = NULL;
    struct fy_node *lists = saga_yaml_get(node, field);
    if (!lists || !fy_node_is_mapping(lists)) {
        saga_yaml_find(&l->yaml, saga_yaml_key(node, field), SAGA_FINDING_WRONG_VALUE,
                       "`%s` must be a mapping of names to lists of blocks", field)
            ->mend =
            saga_slice_of(lists && fy_node_is_sequence(lists)
                              ? "give each list a name: payment: [ ... ], courier: [ ... ]"
                              : "names with lists below them: payment: [ ... ], courier: [ ... ]");
        l->partial = true;
        return;
    }
    struct saga_branch *branches =
        make_branches(l, lists, fy_node_mapping_item_count(lists), field);
    if (!branches) return;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(lists, &iterator));) {
        struct fy_node *key = fy_node_pair_key(pair), *list = fy_node_pair_value(pair);
        struct saga_branch *branch = begin_branch(l, key, block, branches);
        char shown[SAGA_NAME_BYTES_MAX + 1] = "";
        load_branch_name(l, key, what, &branch->name);
        snprintf(shown, sizeof shown, "%.*s", SAGA_SLICE_ARG(branch->name));
        saga_load_blocks(l, list, shown, block, (uint32_t)block->branch_count - 1, &branch->blocks);
    }
}

/* A branch that does nothing is a slip. (A `catch` that does nothing passes over the failure.) */
static void check_branches(struct saga_loading *l, struct fy_node *lists)
{
    void *iterator = NULL;
    if (!lists || !fy_node_is_mapping(lists)) return;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(lists, &iterator));) {
        struct fy_node *list = fy_node_pair_value(pair);
        struct saga_slice name = saga_yaml_scalar(fy_node_pair_key(pair));
        if (!list || !fy_node_is_sequence(list) || fy_node_sequence_item_count(list) > 0) continue;
        saga_yaml_find(&l->yaml, list, SAGA_FINDING_LACKING,
                       "branch `%.*s` of `parallel` has no block",
                       SAGA_SLICE_ARG(saga_slice_clip(name, 60)))
            ->mend = SAGA_SLICE("begin it with `- step: name`, or take the branch out");
    }
}

void saga_load_parallel(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    static const char *const names[] = { "parallel" };
    saga_yaml_check_mapping(&l->yaml, node, "`parallel`", names, SAGA_COUNT_OF(names));
    load_named(l, node, "parallel", saga_load_name, "a branch", block);
    check_branches(l, saga_yaml_get(node, "parallel"));
}

void saga_load_catch(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    if (saga_yaml_key(node, "catch"))
        load_named(l, node, "catch", saga_load_type, "a failure", block);
}

/* ---- for-each, repeat ---- */

/* `steps` of a loop: one branch, which must not be empty. */
static void load_body(struct saga_loading *l, struct fy_node *node, const char *what,
                      struct saga_block *block)
{
    struct fy_node *steps = saga_yaml_need(&l->yaml, node, "steps", what);
    if (!steps) {
        l->partial = true;
        return;
    }
    saga_load_branch(l, node, "steps", block);
    if (fy_node_is_sequence(steps) && fy_node_sequence_item_count(steps) == 0)
        saga_yaml_find(&l->yaml, steps, SAGA_FINDING_LACKING, "%s needs at least one block", what)
            ->mend = SAGA_SLICE("begin it with `- step: name`");
}

void saga_load_for_each(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    static const char *const outer[] = { "for-each", "steps" }, *const names[] = { "item", "in",
                                                                                   "at-once" };
    static const char what[] = "`for-each`";
    struct fy_node *loop = saga_yaml_get(node, "for-each"), *item = saga_yaml_get(loop, "item");
    struct saga_for_each *each = &block->for_each;
    each->at_once = 1;
    saga_yaml_check_mapping(&l->yaml, node, what, outer, SAGA_COUNT_OF(outer));
    if (saga_yaml_check_mapping(&l->yaml, loop ? loop : node, what, names, SAGA_COUNT_OF(names))) {
        each->in = saga_load_expression(l, saga_yaml_need(&l->yaml, loop, "in", what), "`in`");
        if (item && !saga_load_type(l, item, "an element", &each->item)) l->partial = true;
        saga_yaml_whole(&l->yaml, saga_yaml_get(loop, "at-once"), "`at-once`", 1, SAGA_AT_ONCE_MAX,
                        &each->at_once);
    }
    load_body(l, node, what, block);
}

void saga_load_repeat(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    static const char *const outer[] = { "repeat", "steps" }, *const names[] = { "until",
                                                                                 "at-most" };
    static const char what[] = "`repeat`";
    struct fy_node *loop = saga_yaml_get(node, "repeat");
    struct saga_repeat *repeat = &block->repeat;
    saga_yaml_check_mapping(&l->yaml, node, what, outer, SAGA_COUNT_OF(outer));
    if (saga_yaml_check_mapping(&l->yaml, loop ? loop : node, what, names, SAGA_COUNT_OF(names))) {
        repeat->until =
            saga_load_expression(l, saga_yaml_need(&l->yaml, loop, "until", what), "`until`");
        saga_yaml_whole(&l->yaml, saga_yaml_get(loop, "at-most"), "`at-most`", 1, SAGA_ROUNDS_MAX,
                        &repeat->at_most);
        if (!saga_yaml_key(loop, "at-most"))
            saga_yaml_find(&l->yaml, loop, SAGA_FINDING_NO_BOUND,
                           "`repeat` does not say `at-most`");
    }
    load_body(l, node, what, block);
}
