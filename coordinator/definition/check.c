/* What can be known of a definition before anything runs (language.md, What `saga check` must
 * find). */
#include <stdio.h>

#include "definition/load_internal.h"

/* ---- the types of replies ---- */

/* The node of a type in a field that holds one or a list. */
static struct fy_node *node_of_type(struct fy_node *field, struct saga_slice type)
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
            saga_yaml_find(&l->yaml, node_of_type(field, names->items[i]), kind, "`%.*s` is %s",
                           SAGA_SLICE_ARG(names->items[i]), words);
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

/* ---- the way back ---- */

static void check_pivot(struct saga_loading *l, struct fy_node *node, const struct saga_step *step)
{
    if (step->pivot && step->behind_pivot)
        saga_yaml_find(&l->yaml, saga_yaml_get(node, "pivot"), SAGA_FINDING_SECOND_PIVOT,
                       "`%.*s` is a second pivot", SAGA_SLICE_ARG(step->name));
    if (step->compensate.kind != SAGA_COMPENSATE_UNDECLARED)
        saga_yaml_find(&l->yaml, saga_yaml_key(node, "compensate"), SAGA_FINDING_NEVER_COMPENSATED,
                       "`%.*s` %s and is never compensated", SAGA_SLICE_ARG(step->name),
                       step->behind_pivot ? "stands behind the pivot" : "is the pivot");
    if (step->behind_pivot && step->failure.count)
        saga_yaml_find(&l->yaml, saga_yaml_get(node, "failure"), SAGA_FINDING_FAILS_BEHIND_PIVOT,
                       "`%.*s` stands behind the pivot and can fail", SAGA_SLICE_ARG(step->name));
}

static void check_way_back(struct saga_loading *l, struct fy_node *node,
                           const struct saga_step *step)
{
    const struct saga_compensate *compensate = &step->compensate;
    if (step->pivot || step->behind_pivot) {
        check_pivot(l, node, step);
        return;
    }
    if (compensate->kind == SAGA_COMPENSATE_UNDECLARED && !saga_yaml_key(node, "compensate"))
        saga_yaml_find(&l->yaml, saga_yaml_get(node, "step"), SAGA_FINDING_NO_WAY_BACK,
                       "step `%.*s` does not say how it is compensated",
                       SAGA_SLICE_ARG(step->name));
    /* with outcome unknown there is no reply to make the body from */
    bool lost = compensate->kind == SAGA_COMPENSATE_COMMAND && !step->unknown_by_key &&
                !saga_yaml_key(saga_yaml_get(node, "compensate"), "unknown-body") &&
                saga_check_reads_step(l, compensate->command.body, step->name);
    if (lost)
        saga_yaml_find(&l->yaml, saga_yaml_get(saga_yaml_get(node, "compensate"), "body"),
                       SAGA_FINDING_NEEDS_OWN_REPLY,
                       "the compensation of `%.*s` needs the reply of its own step",
                       SAGA_SLICE_ARG(step->name));
}

/* ---- the whole ---- */

static void check_name(struct saga_loading *l, size_t index)
{
    struct saga_slice name = l->blocks[index]->label;
    for (size_t i = 0; i < index && name.size; i++) {
        if (!saga_slice_equal(l->blocks[i]->label, name)) continue;
        struct saga_diagnostic *finding = saga_yaml_find(
            &l->yaml, saga_yaml_get(l->block_nodes[index], "step"), SAGA_FINDING_STEP_TWICE,
            "there is a step `%.*s` already", SAGA_SLICE_ARG(name));
        saga_diagnostic_mend(finding, l->yaml.diagnostics->arena,
                             "give it another name than the one on line %u",
                             l->blocks[i]->position.line);
        return;
    }
}

static void check_step(struct saga_loading *l, size_t index)
{
    const struct saga_step *step = &l->blocks[index]->step;
    const struct saga_compensate *compensate = &step->compensate;
    struct fy_node *node = l->block_nodes[index], *undo = saga_yaml_get(node, "compensate");
    const struct saga_place before = { .field = "body", .steps_before = index },
                            answer = { .field = "keep", .steps_before = index, .reply = true },
                            back = { .field = "body", .steps_before = index + 1, .error = true },
                            unknown = { "unknown-body", index, false, true };
    check_name(l, index);
    check_types(l, node, &step->success, &step->failure, &step->retry.on);
    check_way_back(l, node, step);
    saga_check_expression(l, saga_yaml_get(node, "body"), step->command.body, &before);
    saga_check_expression(l, saga_yaml_get(node, "keep"), step->keep, &answer);
    if (compensate->kind != SAGA_COMPENSATE_COMMAND) return;
    check_types(l, undo, &compensate->success, &compensate->failure, &compensate->retry.on);
    saga_check_expression(l, saga_yaml_get(undo, "body"), compensate->command.body, &back);
    saga_check_expression(l, saga_yaml_get(undo, "unknown-body"), compensate->unknown_body,
                          &unknown);
}

static void check_set(struct saga_loading *l, size_t index, const struct saga_place *place)
{
    void *iterator = NULL;
    const struct saga_set *set = &l->blocks[index]->set;
    struct fy_node *values = saga_yaml_get(l->block_nodes[index], "set");
    struct fy_node_pair *pair;
    for (size_t i = 0; i < set->count && (pair = fy_node_mapping_iterate(values, &iterator)); i++)
        saga_check_expression(l, fy_node_pair_value(pair), set->items[i].value, place);
}

static void check_block(struct saga_loading *l, size_t index)
{
    const struct saga_block *block = l->blocks[index];
    struct fy_node *node = l->block_nodes[index];
    struct saga_place place = { .field = "body", .steps_before = index };
    switch (block->kind) {
    case SAGA_BLOCK_STEP: check_step(l, index); return;
    case SAGA_BLOCK_SET:
        place.field = "set";
        check_set(l, index, &place);
        return;
    case SAGA_BLOCK_PUBLISH:
        saga_check_expression(l, saga_yaml_get(node, "body"), block->publish.body, &place);
        return;
    case SAGA_BLOCK_WAIT:
        place.field = "wait-until";
        saga_check_expression(l, saga_yaml_get(node, "wait-until"), block->wait.until, &place);
        return;
    case SAGA_BLOCK_FAIL:
        if (block->fail.type.size && index + 1 < l->block_count)
            saga_yaml_find(&l->yaml, l->block_nodes[index + 1], SAGA_FINDING_NEVER_REACHED,
                           "nothing comes behind the `fail` on line %u", block->position.line);
        return;
    default: return;
    }
}

void saga_check_definition(struct saga_loading *l)
{
    const struct saga_definition *d = l->definition;
    struct fy_node *root = l->yaml.root;
    const struct saga_place first = { .field = "search", .steps_before = 0 },
                            done = { .field = "body", .steps_before = l->block_count },
                            undone = { .field = "body",
                                       .steps_before = l->block_count,
                                       .error = true };
    for (size_t i = 0; i < l->block_count; i++) check_block(l, i);
    for (size_t i = 0; i < d->search_count; i++) {
        char name[SAGA_NAME_BYTES_MAX + 1];
        snprintf(name, sizeof name, "%.*s", SAGA_SLICE_ARG(d->search[i].name));
        saga_check_expression(l, saga_yaml_get(saga_yaml_get(root, "search"), name),
                              d->search[i].value, &first);
    }
    saga_check_expression(l, saga_yaml_get(saga_yaml_get(root, "on-completed"), "body"),
                          d->on_completed.body, &done);
    saga_check_expression(l, saga_yaml_get(saga_yaml_get(root, "on-compensated"), "body"),
                          d->on_compensated.body, &undone);
}
