/* What can be known of a definition before anything runs (language.md, What `saga check` must find): goes through all blocks.
 * check_replies.c, check_pivot.c, check_blocks.c, check_expression.c and check_redact.c look at what they are named after. */
#include <stdio.h>

#include "definition/check_internal.h"

/* ---- names ---- */

static struct fy_node *name_node(struct saga_loading *l, const struct saga_block *block)
{
    struct fy_node *node = l->block_nodes[block->id];
    if (block->kind == SAGA_BLOCK_STEP) return saga_yaml_get(node, "step");
    if (block->kind == SAGA_BLOCK_AWAIT) return saga_yaml_get(node, "await");
    struct fy_node *as = saga_yaml_get(node, "as");
    return as ? as : saga_yaml_get(node, "saga");
}

static void check_name(struct saga_loading *l, const struct saga_block *block)
{
    struct saga_slice name = block->label;
    if (saga_slice_is(name, "compensate"))
        saga_yaml_find(&l->yaml, name_node(l, block), SAGA_FINDING_NO_NAME,
                       "a step cannot be called compensate")
            ->why = SAGA_SLICE("the word tells a compensation's id from a command's");
    for (size_t i = 0; i < block->id && name.size; i++) {
        const struct saga_block *other = l->blocks[i];
        if (!saga_block_is_named(other) || !saga_slice_equal(other->label, name)) continue;
        struct saga_diagnostic *finding =
            saga_yaml_find(&l->yaml, name_node(l, block), SAGA_FINDING_STEP_TWICE,
                           "there is a step `%.*s` already", SAGA_SLICE_ARG(name));
        saga_diagnostic_mend(finding, l->yaml.diagnostics->arena,
                             block->kind == SAGA_BLOCK_CHILD
                                 ? "give it a name with `as:`, another than the one on line %u"
                                 : "give it another name than the one on line %u",
                             other->position.line);
        return;
    }
}

/* ---- the expressions of a block ---- */

/* An expression in the member `field` of `node`, seen from a place. */
static void look(struct saga_loading *l, struct fy_node *node, const char *field,
                 const struct saga_expression *expression, struct saga_place place)
{
    place.field = field;
    saga_check_expression(l, saga_yaml_get(node, field), expression, &place);
    if (place.error) saga_check_errors(l, saga_yaml_get(node, field), expression);
}

static void look_at_step(struct saga_loading *l, struct fy_node *node,
                         const struct saga_block *block, struct saga_place place)
{
    const struct saga_step *step = &block->step;
    const struct saga_compensate *compensate = &step->compensate;
    struct fy_node *undo = saga_yaml_get(node, "compensate");
    look(l, node, "body", step->command.body, place);
    struct saga_place answer = place, back = place;
    answer.reply = true;
    look(l, node, "keep", step->keep, answer);
    back.error = back.back = true;
    if (compensate->kind != SAGA_COMPENSATE_COMMAND) return;
    look(l, undo, "unknown-body", compensate->unknown_body, back);
    back.own = block;
    look(l, undo, "body", compensate->command.body, back);
}

static void look_at_await(struct saga_loading *l, struct fy_node *node,
                          const struct saga_block *block, struct saga_place place)
{
    look(l, node, "with", block->await.with, place);
    place.reply = true;
    look(l, node, "keep", block->await.keep, place);
}

static void look_at_child(struct saga_loading *l, struct fy_node *node,
                          const struct saga_block *block, struct saga_place place)
{
    look(l, node, "key", block->child.key, place);
    look(l, node, "input", block->child.input, place);
    place.reply = true;
    look(l, node, "keep", block->child.keep, place);
}

static void look_at_set(struct saga_loading *l, struct fy_node *node,
                        const struct saga_block *block, struct saga_place place)
{
    void *iterator = NULL;
    const struct saga_set *set = &block->set;
    struct fy_node *values = saga_yaml_get(node, "set");
    struct fy_node_pair *pair;
    place.field = "set";
    for (size_t i = 0; i < set->count && (pair = fy_node_mapping_iterate(values, &iterator)); i++)
        saga_check_expression(l, fy_node_pair_value(pair), set->items[i].value, &place);
}

static void look_at_choose(struct saga_loading *l, struct fy_node *node,
                           const struct saga_block *block, struct saga_place place)
{
    void *iterator = NULL;
    struct fy_node *list = saga_yaml_get(node, "choose");
    place.tests = true;
    for (size_t i = 0; i < block->branch_count; i++)
        look(l, fy_node_sequence_iterate(list, &iterator), "when", block->branches[i].when, place);
}

static void look_at_repeat(struct saga_loading *l, struct fy_node *node,
                           const struct saga_block *block, struct saga_place place)
{
    place.flow = &l->flows.exits[block->id];
    place.inside = place.tests = true;
    if (place.flow->reached)
        look(l, saga_yaml_get(node, "repeat"), "until", block->repeat.until, place);
}

static void look_at_expressions(struct saga_loading *l, const struct saga_block *block)
{
    struct fy_node *node = l->block_nodes[block->id];
    const struct saga_place place = { .block = block, .flow = &l->flows.entries[block->id] };
    switch (block->kind) {
    case SAGA_BLOCK_STEP: look_at_step(l, node, block, place); return;
    case SAGA_BLOCK_AWAIT: look_at_await(l, node, block, place); return;
    case SAGA_BLOCK_CHILD: look_at_child(l, node, block, place); return;
    case SAGA_BLOCK_SET: look_at_set(l, node, block, place); return;
    case SAGA_BLOCK_PUBLISH: look(l, node, "body", block->publish.body, place); return;
    case SAGA_BLOCK_WAIT: look(l, node, "wait-until", block->wait.until, place); return;
    case SAGA_BLOCK_CHOOSE: look_at_choose(l, node, block, place); return;
    case SAGA_BLOCK_FOR_EACH:
        look(l, saga_yaml_get(node, "for-each"), "in", block->for_each.in, place);
        return;
    case SAGA_BLOCK_REPEAT: look_at_repeat(l, node, block, place); return;
    case SAGA_BLOCK_PARALLEL:
    case SAGA_BLOCK_FAIL:
    case SAGA_BLOCK_KIND_COUNT: return;
    }
}

/* ---- the whole ---- */

static void look_at_the_saga(struct saga_loading *l)
{
    const struct saga_definition *d = l->definition;
    const struct saga_flow start = { .reached = true };
    struct fy_node *root = l->yaml.root;
    const struct saga_place first = { .field = "search", .flow = &start },
                            done = { .flow = &l->flows.end },
                            undone = { .flow = &start, .error = true, .back = true };
    for (size_t i = 0; i < d->search_count; i++) {
        char name[SAGA_NAME_BYTES_MAX + 1];
        snprintf(name, sizeof name, "%.*s", SAGA_SLICE_ARG(d->search[i].name));
        saga_check_expression(l, saga_yaml_get(saga_yaml_get(root, "search"), name),
                              d->search[i].value, &first);
    }
    if (l->flows.end.reached)
        look(l, saga_yaml_get(root, "on-completed"), "body", d->on_completed.body, done);
    look(l, saga_yaml_get(root, "on-compensated"), "body", d->on_compensated.body, undone);
}

void saga_check_definition(struct saga_loading *l)
{
    for (size_t i = 0; i < l->block_count; i++) {
        const struct saga_block *block = l->blocks[i];
        if (saga_block_is_named(block)) check_name(l, block);
        if (!l->flows.entries[i].reached) continue; /* said of the first that is not */
        saga_check_replies(l, block);
        saga_check_way_back(l, block);
        saga_check_block(l, block);
        look_at_expressions(l, block);
    }
    look_at_the_saga(l);
    saga_check_redact(l);
    saga_check_schemas(l);
}
