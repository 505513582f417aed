/* Message types and their schemas: types that have none, bodies that do not fit theirs. */
#include "base/error.h"
#include "definition/check_internal.h"
#include "definition/schedule.h"

/* A type that is read: without a schema it can still come as JSON, or from a writer whose schema is added later. */
static void check_read(struct saga_loading *l, struct fy_node *node, enum saga_body_format format,
                       struct saga_slice type)
{
    const struct saga_schema *schema;
    struct saga_slice words;
    if (format == SAGA_FORMAT_JSON || !type.size) return;
    if (saga_schemas_type(l->schemas, type, l->yaml.diagnostics->arena, &schema, &words) < 0)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_READ_WITHOUT_SCHEMA, "%.*s",
                       SAGA_SLICE_ARG(words));
}

static void check_read_all(struct saga_loading *l, struct fy_node *field,
                           enum saga_body_format format, const struct saga_names *types)
{
    for (size_t i = 0; i < types->count; i++)
        check_read(l, saga_yaml_type_node(field, types->items[i]), format, types->items[i]);
}

/* A type that is written, and its body as far as it is written out in the expression. */
static void check_written(struct saga_loading *l, struct fy_node *node, struct fy_node *body,
                          enum saga_body_format format, struct saga_slice type,
                          const struct saga_expression *expression)
{
    struct saga_arena *arena = l->yaml.diagnostics->arena;
    struct saga_slice words, shape = SAGA_SLICE("{}");
    if (format == SAGA_FORMAT_JSON || !type.size) return;
    if (body && !expression) return; /* it was found wrong already */
    if (expression) shape = saga_expression_shape(expression, arena);
    int error = saga_body_check(l->schemas, format, type, shape, arena, &words);
    if (error == SAGA_E_INVALID || error == SAGA_E_LIMIT)
        saga_yaml_find(&l->yaml, body ? body : node, SAGA_FINDING_BODY_MISFIT, "%.*s",
                       SAGA_SLICE_ARG(words));
    else if (error < 0)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_NO_SCHEMA, "%.*s", SAGA_SLICE_ARG(words));
}

static void check_command(struct saga_loading *l, struct fy_node *node, const char *body,
                          const struct saga_command *command, struct saga_expression *expression)
{
    if (!command->participant) return; /* there is none of that name */
    check_written(l, saga_yaml_get(node, "send"), saga_yaml_get(node, body),
                  command->participant->format, command->type, expression);
}

static void check_step(struct saga_loading *l, struct fy_node *node, const struct saga_step *step)
{
    const struct saga_compensate *compensate = &step->compensate;
    struct fy_node *undo = saga_yaml_get(node, "compensate");
    if (!step->command.participant) return;
    enum saga_body_format format = step->command.participant->format;
    check_command(l, node, "body", &step->command, step->command.body);
    check_read_all(l, saga_yaml_get(node, "success"), format, &step->success);
    check_read_all(l, saga_yaml_get(node, "failure"), format, &step->failure);
    if (compensate->kind != SAGA_COMPENSATE_COMMAND || !compensate->command.participant) return;
    check_command(l, undo, "body", &compensate->command, compensate->command.body);
    if (compensate->unknown_body)
        check_command(l, undo, "unknown-body", &compensate->command, compensate->unknown_body);
    format = compensate->command.participant->format;
    check_read_all(l, saga_yaml_get(undo, "success"), format, &compensate->success);
    check_read_all(l, saga_yaml_get(undo, "failure"), format, &compensate->failure);
}

static void check_publish(struct saga_loading *l, struct fy_node *node,
                          const struct saga_publish *publish)
{
    if (!publish->present) return;
    check_written(l, saga_yaml_get(node, "publish"), saga_yaml_get(node, "body"), publish->format,
                  publish->event, publish->body);
}

static void check_starts(struct saga_loading *l)
{
    void *iterator = NULL;
    struct fy_node *node = saga_yaml_get(l->yaml.root, "start");
    bool many = node && fy_node_is_sequence(node);
    for (size_t i = 0; i < l->definition->start_count; i++) {
        const struct saga_start *start = &l->definition->starts[i];
        struct fy_node *item = many ? fy_node_sequence_iterate(node, &iterator) : node;
        if (!saga_start_is_scheduled(start))
            check_read(l, saga_yaml_get(item, "event"), start->format, start->event);
    }
}

void saga_check_schemas(struct saga_loading *l)
{
    const struct saga_definition *d = l->definition;
    if (!l->schemas) return;
    check_starts(l);
    for (size_t i = 0; i < l->block_count; i++) {
        const struct saga_block *block = l->blocks[i];
        struct fy_node *node = l->block_nodes[i];
        if (block->kind == SAGA_BLOCK_STEP) check_step(l, node, &block->step);
        if (block->kind == SAGA_BLOCK_PUBLISH) check_publish(l, node, &block->publish);
        if (block->kind == SAGA_BLOCK_AWAIT)
            check_read(l, saga_yaml_get(node, "event"), block->await.format, block->await.event);
    }
    check_publish(l, saga_yaml_get(l->yaml.root, "on-completed"), &d->on_completed);
    check_publish(l, saga_yaml_get(l->yaml.root, "on-compensated"), &d->on_compensated);
}
