#include "operate/to_come.h"

/* `name`, or `name[2]` in loops. */
static bool is_path_of(struct saga_slice path, struct saga_slice name)
{
    return path.size >= name.size &&
           saga_slice_equal((struct saga_slice){ path.data, name.size }, name) &&
           (path.size == name.size || path.data[name.size] == '[');
}

static bool has_begun(const struct saga_state *state, const struct saga_block *block)
{
    for (size_t i = 0; i < state->step_count; i++)
        if (is_path_of(state->steps[i].path, block->label)) return true;
    return false;
}

/* Has the saga gone past the block in the list that it begins with? */
static bool is_past(const struct saga_state *state, const struct saga_definition *definition,
                    const struct saga_block *block)
{
    const struct saga_scope *root = saga_state_scope(state, SAGA_SCOPE_ROOT);
    while (block->parent) block = block->parent;
    for (size_t i = 0; root && i < definition->root.count && i < root->position; i++)
        if (definition->root.items[i] == block) return true;
    return false;
}

/* Does the block come only where something is so? */
static bool is_conditional(const struct saga_block *block)
{
    for (const struct saga_block *outer = block->parent; outer; outer = outer->parent)
        if (outer->kind != SAGA_BLOCK_PARALLEL && outer->kind != SAGA_BLOCK_REPEAT) return true;
    return false;
}

enum saga_to_come saga_to_come(const struct saga_state *state,
                               const struct saga_definition *definition,
                               const struct saga_block *block)
{
    if (has_begun(state, block) || is_past(state, definition, block)) return SAGA_HAS_BEGUN;
    return is_conditional(block) ? SAGA_MAY_COME : SAGA_WILL_COME;
}

struct saga_slice saga_path_to_come(const struct saga_block *block, struct saga_arena *arena)
{
    struct saga_slice path = block->label;
    for (const struct saga_block *outer = block->parent; outer; outer = outer->parent)
        if (outer->kind == SAGA_BLOCK_FOR_EACH || outer->kind == SAGA_BLOCK_REPEAT)
            path = saga_arena_printf(arena, "%.*s[i]", SAGA_SLICE_ARG(path));
    return path;
}
