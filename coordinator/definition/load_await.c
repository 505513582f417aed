/* Blocks with a name that are no steps: an outside event, and a child saga. */
#include "base/limits.h"
#include "definition/load_internal.h"

static const int64_t keep_early_default_ms = 3600000;

/* ---- await ---- */

static void load_on_timeout(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    struct fy_node *way = saga_yaml_get(node, "on-timeout");
    if (!way) return;
    if (fy_node_is_sequence(way)) {
        saga_load_branch(l, node, "on-timeout", block);
    } else if (!saga_slice_is(saga_yaml_scalar(way), "compensate")) {
        saga_yaml_find(&l->yaml, way, SAGA_FINDING_WRONG_VALUE,
                       "`on-timeout` must be a list of blocks or the word compensate");
        l->partial = true;
    }
    if (!saga_yaml_key(node, "timeout"))
        saga_yaml_find(&l->yaml, saga_yaml_key(node, "on-timeout"), SAGA_FINDING_LACKING,
                       "`on-timeout` without a `timeout` never counts")
            ->mend = SAGA_SLICE("add `timeout:`, as in timeout: 2h");
}

void saga_load_await(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    static const char *const names[] = { "await",      "topic",      "event", "type",
                                         "match",      "with",       "keep",  "timeout",
                                         "on-timeout", "keep-early", "from",  "format" };
    static const char what[] = "`await`";
    struct saga_yaml *yaml = &l->yaml;
    struct saga_await *await = &block->await;
    saga_yaml_check_mapping(yaml, node, what, names, SAGA_COUNT_OF(names));
    if (!saga_load_name(l, saga_yaml_need(yaml, node, "await", what), "an awaited event",
                        &await->name))
        l->partial = true;
    saga_load_topic(l, saga_yaml_need(yaml, node, "topic", what), &await->topic);
    saga_load_type(l, saga_yaml_need(yaml, node, "event", what), "an event", &await->event);
    await->type = saga_load_expression(l, saga_yaml_get(node, "type"), "`type`");
    await->match = saga_load_expression(l, saga_yaml_need(yaml, node, "match", what), "`match`");
    await->with = saga_load_expression(l, saga_yaml_need(yaml, node, "with", what), "`with`");
    await->keep = saga_load_expression(l, saga_yaml_get(node, "keep"), "`keep`");
    await->format = saga_load_format(l, saga_yaml_get(node, "format"));
    await->from = SAGA_BEGIN_LATEST;
    saga_load_from(l, saga_yaml_get(node, "from"), &await->from);
    await->keep_early_ms = keep_early_default_ms;
    saga_yaml_duration(yaml, saga_yaml_get(node, "timeout"), "`timeout`", &await->timeout_ms);
    saga_yaml_duration(yaml, saga_yaml_get(node, "keep-early"), "`keep-early`",
                       &await->keep_early_ms);
    load_on_timeout(l, node, block);
}

/* ---- saga ---- */

void saga_load_child(struct saga_loading *l, struct fy_node *node, struct saga_block *block)
{
    static const char *const names[] = { "saga", "as", "key", "input", "keep", "catch" };
    static const char what[] = "`saga`";
    struct saga_child *child = &block->child;
    struct fy_node *as = saga_yaml_get(node, "as");
    saga_yaml_check_mapping(&l->yaml, node, what, names, SAGA_COUNT_OF(names));
    bool named =
        saga_load_name(l, saga_yaml_need(&l->yaml, node, "saga", what), "a saga", &child->saga);
    child->name = child->saga;
    if (saga_yaml_key(node, "as")) named = as && saga_load_name(l, as, "a child", &child->name);
    if (!named) l->partial = true;
    child->key = saga_load_expression(l, saga_yaml_get(node, "key"), "`key`");
    child->input = saga_load_expression(l, saga_yaml_get(node, "input"), "`input`");
    child->keep = saga_load_expression(l, saga_yaml_get(node, "keep"), "`keep`");
    saga_load_catch(l, node, block);
}
