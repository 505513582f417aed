/* The block `step` and everything in it. */
#include "definition/load_internal.h"

static const struct saga_slice unavailable[] = { { "Unavailable", 11 } };
/* Without end: a saga that cannot go back must not give up by itself. */
static const struct saga_retry compensate_retry_default = { .attempts = 0,
                                                            .backoff_ms = 1000,
                                                            .factor = 2,
                                                            .max_ms = 300000,
                                                            .jitter = true,
                                                            .on = { unavailable, 1 } };

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
    saga_load_types(l, saga_yaml_get(node, "success"), "`success`", &ret->success);
    saga_load_types(l, saga_yaml_get(node, "failure"), "`failure`", &ret->failure);
    saga_yaml_duration(&l->yaml, saga_yaml_get(node, "timeout"), "`timeout`", &ret->timeout_ms);
    saga_load_retry(l, saga_yaml_get(node, "retry"), &ret->retry, &attempts);
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

void saga_load_step(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    static const char *const names[] = { "step",    "send",    "body",       "success",
                                         "failure", "timeout", "retry",      "keep",
                                         "pivot",   "unknown", "compensate", "catch" };
    struct fy_node *name = saga_yaml_get(node, "step"), *pivot = saga_yaml_get(node, "pivot");
    struct saga_step *step = &block->step;
    saga_yaml_check_mapping(&l->yaml, node, "a step", names, SAGA_COUNT_OF(names));
    step->timeout_ms = l->timeout_ms;
    step->retry = l->retry;
    if (!saga_load_name(l, name, "a step", &step->name)) l->partial = true;
    saga_load_send(l, saga_yaml_need(&l->yaml, node, "send", "a step"), &step->command);
    step->command.body = saga_load_expression(l, saga_yaml_get(node, "body"), "`body`");
    saga_load_types(l, saga_yaml_need(&l->yaml, node, "success", "a step"), "`success`",
                    &step->success);
    saga_load_types(l, saga_yaml_get(node, "failure"), "`failure`", &step->failure);
    saga_yaml_duration(&l->yaml, saga_yaml_get(node, "timeout"), "`timeout`", &step->timeout_ms);
    saga_load_retry(l, saga_yaml_get(node, "retry"), &step->retry, &step->attempts_given);
    step->keep = saga_load_expression(l, saga_yaml_get(node, "keep"), "`keep`");
    if (pivot && !saga_yaml_bool(&l->yaml, pivot, "`pivot`", &step->pivot))
        step->pivot = true; /* probably meant: no findings that follow from it */
    load_unknown(l, saga_yaml_get(node, "unknown"), step);
    load_compensate(l, saga_yaml_get(node, "compensate"), &step->compensate);
    saga_load_catch(l, node, block);
}
