/* Where a block stands: the loops around it, its path, and what an expression sees there. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "engine/engine_internal.h"

/* The loops around a place, outermost first, and in which round of each it is. */
struct rounds {
    size_t count;
    uint32_t block[SAGA_NESTING_MAX], index[SAGA_NESTING_MAX];
};

static const struct saga_block *opener(const struct saga_decision *d,
                                       const struct saga_scope *scope)
{
    SAGA_ASSERT(scope->block < d->definition->block_count);
    return d->definition->blocks[scope->block];
}

static bool is_loop(const struct saga_block *block)
{
    return block->kind == SAGA_BLOCK_FOR_EACH || block->kind == SAGA_BLOCK_REPEAT;
}

/* The scope around; NULL around the root. */
static const struct saga_scope *around(const struct saga_decision *d,
                                       const struct saga_scope *scope)
{
    return scope->id == SAGA_SCOPE_ROOT ? NULL : saga_state_scope(d->state, scope->parent);
}

static bool is_round(const struct saga_decision *d, const struct saga_scope *scope)
{
    return scope->id != SAGA_SCOPE_ROOT && !scope->loop && is_loop(opener(d, scope));
}

static struct rounds rounds_around(const struct saga_decision *d, const struct saga_scope *scope)
{
    struct rounds reversed, rounds;
    reversed.count = rounds.count = 0;
    for (; scope; scope = around(d, scope)) {
        if (!is_round(d, scope)) continue;
        SAGA_ASSERT(reversed.count < SAGA_NESTING_MAX);
        reversed.block[reversed.count] = scope->block;
        reversed.index[reversed.count++] = scope->index;
    }
    for (size_t i = reversed.count; i > 0; i--) {
        rounds.block[rounds.count] = reversed.block[i - 1];
        rounds.index[rounds.count++] = reversed.index[i - 1];
    }
    return rounds;
}

const struct saga_block_list *saga_scope_blocks(const struct saga_decision *d,
                                                const struct saga_scope *scope)
{
    if (scope->id == SAGA_SCOPE_ROOT) return &d->definition->root;
    const struct saga_block *block = opener(d, scope);
    size_t branch = is_loop(block) ? 0 : scope->index;
    SAGA_ASSERT(!scope->loop && branch < block->branch_count);
    return &block->branches[branch].blocks;
}

struct saga_slice saga_path(const struct saga_decision *d, const struct saga_scope *scope,
                            struct saga_slice label)
{
    struct saga_buffer path;
    if (scope->id == SAGA_SCOPE_ROOT) return label;
    struct rounds rounds = rounds_around(d, scope);
    if (rounds.count == 0) return label;
    saga_buffer_init(&path, d->arena);
    saga_buffer_add(&path, label);
    for (size_t i = 0; i < rounds.count; i++) saga_buffer_printf(&path, "[%u]", rounds.index[i]);
    return saga_buffer_slice(&path);
}

/* ---- .steps ---- */

/* What one step kept, in which round of the loops that are not around the reader. */
struct kept {
    uint32_t index[SAGA_NESTING_MAX];
    struct saga_slice result;
};

/* A step that is read from outside of `loop_count` loops. */
struct collected {
    const struct saga_block *loops[SAGA_NESTING_MAX];
    size_t loop_count;
    struct kept *items;
    size_t count, capacity;
};

/* The indexes behind a path's name. */
static size_t indexes_of(struct saga_slice path, size_t name_size, uint32_t *ret)
{
    size_t count = 0;
    const char *at = path.data + name_size, *end = path.data + path.size;
    while (at < end && count < SAGA_NESTING_MAX) {
        uint32_t index = 0;
        for (at++; at < end && *at != ']'; at++) index = index * 10 + (uint32_t)(*at - '0');
        ret[count++] = index;
        at++;
    }
    return count;
}

static size_t loops_around(const struct saga_block *block, const struct saga_block **ret)
{
    const struct saga_block *reversed[SAGA_NESTING_MAX];
    size_t count = 0;
    for (block = block->parent; block; block = block->parent) {
        if (!is_loop(block)) continue;
        SAGA_ASSERT(count < SAGA_NESTING_MAX);
        reversed[count++] = block;
    }
    for (size_t i = 0; i < count; i++) ret[i] = reversed[count - 1 - i];
    return count;
}

static int compare_rounds(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    for (size_t i = 0; i < SAGA_NESTING_MAX; i++)
        if (x->index[i] != y->index[i]) return x->index[i] < y->index[i] ? -1 : 1;
    return 0;
}

/* items [from, to) have the same indexes below `level`: a list of a `for-each`, the last round of a `repeat`. */
static void add_rounds(struct saga_buffer *json, const struct collected *c, size_t from, size_t to,
                       size_t level)
{
    if (level == c->loop_count) {
        struct saga_slice result = c->items[to - 1].result;
        saga_buffer_add(json, result.data ? result : SAGA_SLICE("null"));
        return;
    }
    bool list = c->loops[level]->kind == SAGA_BLOCK_FOR_EACH;
    uint32_t next = 0;
    if (list) saga_buffer_add_char(json, '[');
    for (size_t i = from, end; i < to; i = end) {
        for (end = i + 1; end < to && c->items[end].index[level] == c->items[i].index[level];)
            end++;
        if (!list && end < to) continue;
        for (; list && next < c->items[i].index[level]; next++)
            saga_buffer_printf(json, "%snull", next ? "," : "");
        if (list && next++) saga_buffer_add_char(json, ',');
        add_rounds(json, c, i, end, level + 1);
    }
    if (list) saga_buffer_add_char(json, ']');
}

/* What a step inside of loops kept, seen from a place in `here`: of the same round where that place is in it, else of all
 * rounds. */
static struct saga_slice collect(const struct saga_decision *d, const struct saga_block *block,
                                 const struct saga_block *const *loops, size_t loop_count,
                                 const struct rounds *here)
{
    struct collected c = { 0 };
    size_t common = 0;
    while (common < loop_count && common < here->count && here->block[common] == loops[common]->id)
        common++;
    c.loop_count = loop_count - common;
    memcpy(c.loops, loops + common, c.loop_count * sizeof loops[0]);
    for (size_t i = 0; i < d->state->step_count; i++) {
        const struct saga_step_state *step = &d->state->steps[i];
        uint32_t index[SAGA_NESTING_MAX];
        struct kept kept = { .result = step->result };
        if (step->block != block->id) continue;
        size_t count = indexes_of(step->path, block->label.size, index);
        if (count != loop_count || memcmp(index, here->index, common * sizeof index[0]) != 0)
            continue;
        memcpy(kept.index, index + common, c.loop_count * sizeof index[0]);
        SAGA_PUSH(d->arena, c.items, c.count, c.capacity, kept);
    }
    if (c.count == 0)
        return c.loop_count > 0 && c.loops[0]->kind == SAGA_BLOCK_FOR_EACH ? SAGA_SLICE("[]")
                                                                           : SAGA_SLICE_NONE;
    qsort(c.items, c.count, sizeof *c.items, compare_rounds);
    struct saga_buffer json;
    saga_buffer_init(&json, d->arena);
    add_rounds(&json, &c, 0, c.count, 0);
    return saga_buffer_slice(&json);
}

static void add_steps(const struct saga_decision *d, const struct saga_scope *scope,
                      struct saga_bindings *bindings)
{
    const struct saga_state *state = d->state;
    const struct saga_definition *definition = d->definition;
    size_t count = 0;
    struct saga_binding *steps =
        SAGA_NEW_ARRAY(d->arena, struct saga_binding, state->step_count + definition->block_count);
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_block *block = definition->blocks[state->steps[i].block];
        if (block->label.size == state->steps[i].path.size) /* outside of all loops */
            steps[count++] = (struct saga_binding){ block->label, state->steps[i].result };
    }
    for (size_t i = 0; i < definition->block_count; i++) {
        const struct saga_block *loops[SAGA_NESTING_MAX], *block = definition->blocks[i];
        size_t loop_count = saga_block_is_named(block) ? loops_around(block, loops) : 0;
        if (loop_count == 0) continue;
        struct rounds here = rounds_around(d, scope);
        steps[count++] =
            (struct saga_binding){ block->label, collect(d, block, loops, loop_count, &here) };
    }
    bindings->steps = steps;
    bindings->step_count = count;
}

/* ---- the other members ---- */

static struct saga_slice saga_member(const struct saga_decision *d)
{
    char started[SAGA_TIME_TEXT_BYTES];
    struct saga_buffer json;
    saga_buffer_init(&json, d->arena);
    saga_time_format(d->state->started_ms, started);
    saga_buffer_add(&json, SAGA_SLICE("{\"id\":"));
    saga_buffer_add_json_string(&json, d->state->id);
    saga_buffer_add(&json, SAGA_SLICE(",\"key\":"));
    saga_buffer_add_json_string(&json, d->state->key);
    saga_buffer_add(&json, SAGA_SLICE(",\"name\":"));
    saga_buffer_add_json_string(&json, d->state->name);
    saga_buffer_printf(&json, ",\"version\":%u,\"started\":\"%s\"}", d->state->version, started);
    return saga_buffer_slice(&json);
}

struct saga_slice saga_error_json(const struct saga_decision *d)
{
    struct saga_buffer json;
    saga_buffer_init(&json, d->arena);
    saga_buffer_printf(&json, "{\"step\":");
    if (d->state->error.step.size)
        saga_buffer_add_json_string(&json, d->state->error.step);
    else
        saga_buffer_printf(&json, "null");
    saga_buffer_printf(&json, ",\"type\":");
    saga_buffer_add_json_string(&json, d->state->error.type);
    saga_buffer_printf(&json, ",\"message\":");
    saga_buffer_add_json_string(&json, d->state->error.message);
    saga_buffer_add_char(&json, '}');
    return saga_buffer_slice(&json);
}

/* .item, .index and .items: of the innermost loops, and of all by name. Errors: SAGA_E_INVALID, an element is not there. */
static int add_elements(const struct saga_decision *d, const struct saga_scope *scope,
                        struct saga_bindings *bindings)
{
    struct saga_buffer items;
    saga_buffer_init(&items, d->arena);
    for (; scope; scope = around(d, scope)) {
        struct saga_slice element;
        if (!is_round(d, scope)) continue;
        if (!bindings->index.data)
            bindings->index = saga_arena_printf(d->arena, "%u", scope->index);
        const struct saga_block *block = opener(d, scope);
        if (block->kind != SAGA_BLOCK_FOR_EACH) continue;
        if (saga_json_element(around(d, scope)->items, (long)scope->index, &element) < 0)
            return SAGA_E_INVALID; /* sealed, and the key is gone */
        if (!bindings->item.data) bindings->item = element;
        if (block->for_each.item.size == 0) continue;
        saga_buffer_add_char(&items, items.size ? ',' : '{');
        saga_buffer_add_json_string(&items, block->for_each.item);
        saga_buffer_add_char(&items, ':');
        saga_buffer_add(&items, element);
    }
    if (items.size == 0) return SAGA_OK;
    saga_buffer_add_char(&items, '}');
    bindings->items = saga_buffer_slice(&items);
    return SAGA_OK;
}

int saga_evaluate(const struct saga_decision *d, const struct saga_scope *scope,
                  struct saga_expression *expression, struct saga_slice reply,
                  struct saga_slice *ret_json, struct saga_slice *ret_message)
{
    if (!expression) {
        *ret_json = SAGA_SLICE("{}");
        return SAGA_OK;
    }
    struct saga_bindings bindings = { .input = d->state->input,
                                      .vars = d->state->vars,
                                      .reply = reply };
    if (saga_expression_reads(expression, "steps")) add_steps(d, scope, &bindings);
    if (scope && scope->id != SAGA_SCOPE_ROOT && add_elements(d, scope, &bindings) < 0) {
        *ret_message = SAGA_SLICE("the elements of its loop cannot be read");
        return SAGA_E_INVALID;
    }
    if (saga_expression_reads(expression, "saga")) bindings.saga = saga_member(d);
    if (d->state->has_error && saga_expression_reads(expression, "error"))
        bindings.error = saga_error_json(d);
    return saga_expression_eval(expression, &bindings, d->arena, ret_json, ret_message);
}
