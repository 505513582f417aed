#include <stdlib.h>

#include "definition/definition.h"

bool saga_names_contain(const struct saga_names *names, struct saga_slice name)
{
    for (size_t i = 0; i < names->count; i++)
        if (saga_slice_equal(names->items[i], name)) return true;
    return false;
}

void saga_definition_free(struct saga_definition *definition)
{
    if (!definition) return;
    for (size_t i = 0; i < definition->expression_count; i++)
        saga_expression_free(definition->expressions[i]);
    saga_arena_free(&definition->arena);
    free(definition);
}

bool saga_block_is_named(const struct saga_block *block)
{
    return block->kind == SAGA_BLOCK_STEP || block->kind == SAGA_BLOCK_AWAIT ||
           block->kind == SAGA_BLOCK_CHILD;
}

size_t saga_block_catch(const struct saga_block *block, struct saga_slice type)
{
    size_t i = 0;
    while (i < block->branch_count && !saga_slice_equal(block->branches[i].name, type)) i++;
    return i;
}

const struct saga_block *saga_definition_step(const struct saga_definition *definition,
                                              struct saga_slice name)
{
    for (size_t i = 0; i < definition->block_count; i++)
        if (saga_block_is_named(definition->blocks[i]) &&
            saga_slice_equal(definition->blocks[i]->label, name))
            return definition->blocks[i];
    return NULL;
}

void saga_definition_topics(const struct saga_definition *definition,
                            void (*visit)(struct saga_slice topic, enum saga_topic_use use,
                                          void *context),
                            void *context)
{
    for (size_t i = 0; i < definition->start_count; i++)
        if (definition->starts[i].topic.size)
            visit(definition->starts[i].topic, SAGA_TOPIC_STARTS, context);
    for (size_t i = 0; i < definition->participant_count; i++) {
        visit(definition->participants[i].commands, SAGA_TOPIC_COMMANDS, context);
        visit(definition->participants[i].replies, SAGA_TOPIC_REPLIES, context);
    }
    for (size_t i = 0; i < definition->block_count; i++) {
        const struct saga_block *block = definition->blocks[i];
        if (block->kind == SAGA_BLOCK_PUBLISH)
            visit(block->publish.topic, SAGA_TOPIC_PUBLISHED, context);
        else if (block->kind == SAGA_BLOCK_AWAIT)
            visit(block->await.topic, SAGA_TOPIC_AWAITED, context);
    }
    if (definition->on_completed.present)
        visit(definition->on_completed.topic, SAGA_TOPIC_PUBLISHED, context);
    if (definition->on_compensated.present)
        visit(definition->on_compensated.topic, SAGA_TOPIC_PUBLISHED, context);
}
