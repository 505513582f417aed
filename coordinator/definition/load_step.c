/* The blocks of a definition. This release builds `step`; the others are known by name and refused. */
#include <string.h>

#include "base/limits.h"
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
    struct saga_slice word;
    size_t size;
    bool attempts;
    if (!node) return;
    if (fy_node_is_scalar(node)) {
        word = saga_slice_of(NULL);
        word.data = fy_node_get_scalar(node, &size);
        word.size = word.data ? size : 0;
        if (saga_slice_is(word, "none")) {
            ret->kind = SAGA_COMPENSATE_NONE;
            return;
        }
    }
    if (!saga_yaml_check_mapping(&l->yaml, node, "`compensate`", names, SAGA_COUNT_OF(names)))
        return;
    ret->kind = SAGA_COMPENSATE_COMMAND;
    ret->timeout_ms = l->timeout_ms;
    ret->retry = compensate_retry_default;
    saga_load_send(l, saga_yaml_need(&l->yaml, node, "send", "`compensate`"), &ret->command);
    ret->command.body = saga_load_expression(l, saga_yaml_get(node, "body"), "`body`");
    ret->unknown_body =
        saga_load_expression(l, saga_yaml_get(node, "unknown-body"), "`unknown-body`");
    saga_load_types(l, saga_yaml_get(node, "success"), "reply", &ret->success);
    saga_load_types(l, saga_yaml_get(node, "failure"), "reply", &ret->failure);
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
        saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG102",
                       "`unknown` can only be by-key");
}

static void load_step(struct saga_loading *l, struct fy_node *node, struct saga_step *step)
{
    static const char *const names[] = { "step",    "send",    "body",       "success",
                                         "failure", "timeout", "retry",      "keep",
                                         "pivot",   "unknown", "compensate", "catch" };
    struct fy_node *caught = saga_yaml_get(node, "catch"), *name = saga_yaml_get(node, "step");
    bool attempts;
    saga_yaml_check_mapping(&l->yaml, node, "a step", names, SAGA_COUNT_OF(names));
    if (caught)
        saga_yaml_find(&l->yaml, caught, SAGA_SEVERITY_ERROR, "SG106", "`catch` is not built yet")
            ->mend = SAGA_SLICE("without it the saga compensates");
    step->timeout_ms = l->timeout_ms;
    step->retry = l->retry;
    step->behind_pivot = pivot_before(l);
    if (saga_load_name(l, name, "step", &step->name) && saga_slice_is(step->name, "compensate"))
        saga_yaml_find(&l->yaml, name, SAGA_SEVERITY_ERROR, "SG107",
                       "a step cannot be called compensate")
            ->why = SAGA_SLICE("the word tells a compensation's id from a command's");
    saga_load_send(l, saga_yaml_need(&l->yaml, node, "send", "a step"), &step->command);
    step->command.body = saga_load_expression(l, saga_yaml_get(node, "body"), "`body`");
    saga_load_types(l, saga_yaml_need(&l->yaml, node, "success", "a step"), "reply",
                    &step->success);
    saga_load_types(l, saga_yaml_get(node, "failure"), "reply", &step->failure);
    saga_yaml_duration(&l->yaml, saga_yaml_get(node, "timeout"), "`timeout`", &step->timeout_ms);
    saga_load_retry(l, saga_yaml_get(node, "retry"), &step->retry, &attempts);
    step->keep = saga_load_expression(l, saga_yaml_get(node, "keep"), "`keep`");
    saga_yaml_bool(&l->yaml, saga_yaml_get(node, "pivot"), "`pivot`", &step->pivot);
    load_unknown(l, saga_yaml_get(node, "unknown"), step);
    load_compensate(l, saga_yaml_get(node, "compensate"), &step->compensate);
    if (step->behind_pivot && !attempts)
        step->retry.attempts = 0; /* only forward: until it succeeds */
}

static bool refuse_other(struct saga_loading *l, struct fy_node *node)
{
    for (size_t i = 0; i < SAGA_COUNT_OF(other_blocks); i++) {
        if (!saga_yaml_get(node, other_blocks[i])) continue;
        saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG106", "block `%s` is not built yet",
                       other_blocks[i])
            ->mend = SAGA_SLICE("this version runs sequences of `step`");
        return true;
    }
    return false;
}

void saga_load_blocks(struct saga_loading *l, struct fy_node *node, struct saga_block_list *ret)
{
    void *iterator = NULL;
    const struct saga_block **items = NULL;
    size_t count = 0, capacity = 0;
    if (!node) return;
    if (!fy_node_is_sequence(node)) {
        saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG102",
                       "`steps` must be a list of blocks");
        return;
    }
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iterator));) {
        if (refuse_other(l, item)) continue;
        if (!saga_yaml_get(item, "step")) {
            saga_yaml_find(&l->yaml, item, SAGA_SEVERITY_ERROR, "SG103", "a block that is none")
                ->mend = SAGA_SLICE("begin it with `- step: name`");
            continue;
        }
        if (l->block_count == SAGA_DEFINITION_STEPS_MAX) {
            saga_yaml_find(&l->yaml, item, SAGA_SEVERITY_ERROR, "SG108", "more than %d steps",
                           SAGA_DEFINITION_STEPS_MAX);
            break;
        }
        struct saga_block *block = SAGA_NEW(saga_loading_arena(l), struct saga_block);
        block->id = (uint32_t)l->block_count;
        block->kind = SAGA_BLOCK_STEP;
        saga_yaml_position(item, &block->position.line, &block->position.column);
        load_step(l, item, &block->step);
        size_t node_count = l->block_count;
        SAGA_PUSH(saga_loading_arena(l), l->block_nodes, node_count, l->node_capacity, item);
        SAGA_PUSH(saga_loading_arena(l), l->blocks, l->block_count, l->block_capacity, block);
        SAGA_PUSH(saga_loading_arena(l), items, count, capacity, block);
    }
    if (count == 0 && l->yaml.diagnostics->errors == 0)
        saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG103",
                       "a definition needs at least one step");
    *ret = (struct saga_block_list){ items, count };
}
