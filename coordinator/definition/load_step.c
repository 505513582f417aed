/* The blocks of a definition. This release builds `step`; the others are known by name and
 * refused. */
#include <string.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "definition/load_internal.h"

static const struct saga_slice unavailable[] = { { "Unavailable", 11 } };
/* Without end: a saga that cannot go back must not give up by itself. */
static const struct saga_retry compensate_retry_default = { .attempts = 0,
                                                            .backoff_ms = 1000,
                                                            .factor = 2,
                                                            .max_ms = 300000,
                                                            .jitter = true,
                                                            .on = { unavailable, 1 } };

static const char *const other_blocks[] = { "choose", "parallel",   "for-each", "repeat",
                                            "wait",   "wait-until", "await",    "saga",
                                            "set",    "publish",    "fail" };

static void load_compensate(struct saga_loading *l, struct fy_node *node,
                            struct saga_compensate *ret)
{
    static const char *const names[] = { "send",    "body",    "unknown-body", "success",
                                         "failure", "timeout", "retry" };
    bool attempts;
    if (!node) return;
    if (fy_node_is_scalar(node)) {
        ret->kind = SAGA_COMPENSATE_NONE;
        if (saga_slice_is(saga_yaml_scalar(node), "none")) return;
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                       "`compensate` must be a mapping of fields or the word none")
            ->mend = saga_slice_of(saga_finding_kinds[SAGA_FINDING_NO_WAY_BACK].mend);
        return;
    }
    ret->kind = SAGA_COMPENSATE_COMMAND;
    if (!saga_yaml_check_mapping(&l->yaml, node, "`compensate`", names, SAGA_COUNT_OF(names)))
        return;
    ret->timeout_ms = l->timeout_ms;
    ret->retry = compensate_retry_default;
    saga_load_send(l, saga_yaml_need(&l->yaml, node, "send", "`compensate`"), &ret->command);
    ret->command.body = saga_load_expression(l, saga_yaml_get(node, "body"), "`body`");
    ret->unknown_body =
        saga_load_expression(l, saga_yaml_get(node, "unknown-body"), "`unknown-body`");
    saga_load_types(l, saga_yaml_get(node, "success"), &ret->success);
    saga_load_types(l, saga_yaml_get(node, "failure"), &ret->failure);
    saga_yaml_duration(&l->yaml, saga_yaml_get(node, "timeout"), "`timeout`", &ret->timeout_ms);
    saga_load_retry(l, saga_yaml_get(node, "retry"), &ret->retry, &attempts);
}

static bool pivot_before(const struct saga_loading *l)
{
    for (size_t i = 0; i < l->block_count; i++)
        if (l->blocks[i]->step.pivot) return true;
    return false;
}

static void load_unknown(struct saga_loading *l, struct fy_node *node, struct saga_step *step)
{
    struct saga_slice word;
    if (!node || !saga_yaml_text(&l->yaml, node, "`unknown`", &word)) return;
    step->unknown_by_key = saga_slice_is(word, "by-key");
    if (!step->unknown_by_key)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE, "`unknown` can only be by-key")
            ->mend = SAGA_SLICE("by-key says that the service finds what to undo by the header "
                                "ce_sagacompensates");
}

static void load_step(struct saga_loading *l, struct fy_node *node, struct saga_step *step)
{
    static const char *const names[] = { "step",    "send",    "body",       "success",
                                         "failure", "timeout", "retry",      "keep",
                                         "pivot",   "unknown", "compensate", "catch" };
    struct fy_node *caught = saga_yaml_key(node, "catch"), *name = saga_yaml_get(node, "step"),
                   *pivot = saga_yaml_get(node, "pivot");
    bool attempts;
    saga_yaml_check_mapping(&l->yaml, node, "a step", names, SAGA_COUNT_OF(names));
    if (caught) {
        saga_yaml_find(&l->yaml, caught, SAGA_FINDING_NOT_YET, "`catch` is not built yet")->mend =
            SAGA_SLICE("without it a failure compensates the saga");
        l->partial = true;
    }
    step->timeout_ms = l->timeout_ms;
    step->retry = l->retry;
    step->behind_pivot = pivot_before(l);
    if (!saga_load_name(l, name, "a step", &step->name)) l->partial = true;
    if (saga_slice_is(step->name, "compensate"))
        saga_yaml_find(&l->yaml, name, SAGA_FINDING_NO_NAME, "a step cannot be called compensate")
            ->why = SAGA_SLICE("the word tells a compensation's id from a command's");
    saga_load_send(l, saga_yaml_need(&l->yaml, node, "send", "a step"), &step->command);
    step->command.body = saga_load_expression(l, saga_yaml_get(node, "body"), "`body`");
    saga_load_types(l, saga_yaml_need(&l->yaml, node, "success", "a step"), &step->success);
    saga_load_types(l, saga_yaml_get(node, "failure"), &step->failure);
    saga_yaml_duration(&l->yaml, saga_yaml_get(node, "timeout"), "`timeout`", &step->timeout_ms);
    saga_load_retry(l, saga_yaml_get(node, "retry"), &step->retry, &attempts);
    step->keep = saga_load_expression(l, saga_yaml_get(node, "keep"), "`keep`");
    if (pivot && !saga_yaml_bool(&l->yaml, pivot, "`pivot`", &step->pivot))
        step->pivot = true; /* probably meant: no findings that follow from it */
    load_unknown(l, saga_yaml_get(node, "unknown"), step);
    load_compensate(l, saga_yaml_get(node, "compensate"), &step->compensate);
    if (step->behind_pivot && !attempts)
        step->retry.attempts = 0; /* only forward: until it succeeds */
}

/* What is no step: known by name, or a mistake. */
static void refuse_block(struct saga_loading *l, struct fy_node *node)
{
    void *iterator = NULL;
    l->partial = true;
    for (size_t i = 0; i < SAGA_COUNT_OF(other_blocks); i++) {
        struct fy_node *key = saga_yaml_key(node, other_blocks[i]);
        if (!key) continue;
        saga_yaml_find(&l->yaml, key, SAGA_FINDING_NOT_YET, "block `%s` is not built yet",
                       other_blocks[i])
            ->mend = SAGA_SLICE("this version runs sequences of `step`");
        return;
    }
    struct saga_diagnostic *finding =
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LACKING, "this is no block");
    finding->mend = SAGA_SLICE("begin it with `- step: name`");
    if (!fy_node_is_mapping(node)) return;
    struct fy_node_pair *first = fy_node_mapping_iterate(node, &iterator);
    static const char *const step[] = { "step" };
    if (first && saga_nearest(saga_yaml_scalar(fy_node_pair_key(first)), step, 1))
        finding->mend = SAGA_SLICE("did you mean `step`?");
}

static void load_block(struct saga_loading *l, struct fy_node *node)
{
    struct saga_block *block = SAGA_NEW(saga_loading_arena(l), struct saga_block);
    size_t node_count = l->block_count;
    block->id = (uint32_t)l->block_count;
    block->kind = SAGA_BLOCK_STEP;
    saga_yaml_position(&l->yaml, node, &block->position.line, &block->position.column);
    load_step(l, node, &block->step);
    SAGA_PUSH(saga_loading_arena(l), l->block_nodes, node_count, l->node_capacity, node);
    SAGA_PUSH(saga_loading_arena(l), l->blocks, l->block_count, l->block_capacity, block);
}

void saga_load_blocks(struct saga_loading *l, struct fy_node *node, struct saga_block_list *ret)
{
    void *iterator = NULL;
    l->partial = !node || !fy_node_is_sequence(node);
    if (!node) return;
    if (l->partial) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE, "`steps` must be a list of blocks")
            ->mend = SAGA_SLICE("begin each with `- step: name`");
        return;
    }
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iterator));) {
        if (l->block_count == SAGA_DEFINITION_STEPS_MAX) {
            saga_yaml_find(&l->yaml, item, SAGA_FINDING_LIMIT, "more than %d steps",
                           SAGA_DEFINITION_STEPS_MAX);
            l->partial = true;
            break;
        }
        if (saga_yaml_key(item, "step"))
            load_block(l, item);
        else
            refuse_block(l, item);
        if (l->yaml.diagnostics->cut) break;
    }
    if (l->block_count == 0 && !l->partial)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LACKING, "a definition needs at least one step")
            ->mend = SAGA_SLICE("begin it with `- step: name`");
    *ret = (struct saga_block_list){ (const struct saga_block *const *)l->blocks, l->block_count };
}
