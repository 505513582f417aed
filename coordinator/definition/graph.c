/* From blocks to boxes and arrows. */
#include "definition/graph.h"
#include "definition/schedule.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "base/time.h"

enum { EXPRESSION_BYTES_SHOWN = 48 };

/* Where a list or block is left: arrows that still lack their point. */
struct end {
    struct saga_slice from, text;
    bool dashed;
};
struct ends {
    struct end *items;
    size_t count, capacity;
};

struct drawing {
    const struct saga_definition *definition;
    struct saga_graph *graph;
    bool sticks; /* something leads to `stuck` */
};

static struct saga_slice numbered(const struct drawing *d, char letter,
                                  const struct saga_block *block)
{
    return saga_arena_printf(d->graph->arena, "%c%u", letter, block->id);
}

static void add_node(struct drawing *d, struct saga_slice id, enum saga_graph_shape shape,
                     struct saga_slice text, const struct saga_block *block)
{
    struct saga_graph *g = d->graph;
    SAGA_PUSH(g->arena, g->nodes, g->node_count, g->node_capacity,
              (struct saga_graph_node){ id, shape, text, block });
}

static void add_edge(struct drawing *d, struct saga_slice from, struct saga_slice to,
                     struct saga_slice text, bool dashed)
{
    struct saga_graph *g = d->graph;
    SAGA_PUSH(g->arena, g->edges, g->edge_count, g->edge_capacity,
              (struct saga_graph_edge){ from, to, text, dashed });
}

static void add_end(struct drawing *d, struct ends *ends, struct saga_slice from,
                    struct saga_slice text, bool dashed)
{
    SAGA_PUSH(d->graph->arena, ends->items, ends->count, ends->capacity,
              (struct end){ from, text, dashed });
}

static void lead(struct drawing *d, struct ends *ends, struct saga_slice to)
{
    for (size_t i = 0; i < ends->count; i++)
        add_edge(d, ends->items[i].from, to, ends->items[i].text, ends->items[i].dashed);
    *ends = (struct ends){ 0 };
}

static void move_ends(struct drawing *d, struct ends *from, struct ends *to)
{
    for (size_t i = 0; i < from->count; i++)
        add_end(d, to, from->items[i].from, from->items[i].text, from->items[i].dashed);
}

/* ---- words ---- */

static struct saga_slice shown(const struct drawing *d, const struct saga_expression *expression)
{
    struct saga_slice source = expression ? saga_expression_source(expression) : SAGA_SLICE("");
    struct saga_slice clipped = saga_slice_clip(source, EXPRESSION_BYTES_SHOWN);
    return saga_arena_printf(d->graph->arena, "%.*s%s", SAGA_SLICE_ARG(clipped),
                             clipped.size < source.size ? "..." : "");
}

static struct saga_slice listed(const struct drawing *d, const struct saga_names *names,
                                const char *more)
{
    struct saga_buffer out;
    saga_buffer_init(&out, d->graph->arena);
    for (size_t i = 0; i < names->count; i++)
        saga_buffer_printf(&out, "%s%.*s", i ? " or " : "", SAGA_SLICE_ARG(names->items[i]));
    if (more) saga_buffer_printf(&out, "%s%s", names->count ? " or " : "", more);
    return saga_buffer_slice(&out);
}

static struct saga_slice text_of_set(const struct drawing *d, const struct saga_set *set)
{
    struct saga_buffer out;
    saga_buffer_init(&out, d->graph->arena);
    saga_buffer_printf(&out, "set ");
    for (size_t i = 0; i < set->count; i++)
        saga_buffer_printf(&out, "%s%.*s", i ? ", " : "", SAGA_SLICE_ARG(set->items[i].name));
    return saga_buffer_slice(&out);
}

static struct saga_slice text_of_wait(const struct drawing *d, const struct saga_wait *wait)
{
    char duration[SAGA_TIME_TEXT_BYTES];
    saga_duration_format(wait->duration_ms, duration);
    return wait->until ? SAGA_SLICE("wait until a time")
                       : saga_arena_printf(d->graph->arena, "wait %s", duration);
}

static struct saga_slice text_of_for_each(const struct drawing *d, const struct saga_for_each *each)
{
    struct saga_slice in = shown(d, each->in);
    struct saga_slice text =
        saga_arena_printf(d->graph->arena, "for each%s%.*s in\n%.*s", each->item.size ? " " : "",
                          SAGA_SLICE_ARG(each->item), SAGA_SLICE_ARG(in));
    return each->at_once == 1 ? text
                              : saga_arena_printf(d->graph->arena, "%.*s\n%u at once",
                                                  SAGA_SLICE_ARG(text), each->at_once);
}

static struct saga_slice text_of(const struct drawing *d, const struct saga_block *block)
{
    struct saga_arena *arena = d->graph->arena;
    switch (block->kind) {
    case SAGA_BLOCK_STEP:
        return saga_arena_printf(arena, "%s%.*s\n%.*s", block->step.pivot ? "pivot: " : "",
                                 SAGA_SLICE_ARG(block->step.name),
                                 SAGA_SLICE_ARG(block->step.command.type));
    case SAGA_BLOCK_AWAIT:
        return saga_arena_printf(arena, "await %.*s\n%.*s", SAGA_SLICE_ARG(block->await.name),
                                 SAGA_SLICE_ARG(block->await.event));
    case SAGA_BLOCK_CHILD:
        return saga_arena_printf(arena, "%.*s\nsaga %.*s", SAGA_SLICE_ARG(block->child.name),
                                 SAGA_SLICE_ARG(block->child.saga));
    case SAGA_BLOCK_SET: return text_of_set(d, &block->set);
    case SAGA_BLOCK_WAIT: return text_of_wait(d, &block->wait);
    case SAGA_BLOCK_PUBLISH:
        return saga_arena_printf(arena, "publish %.*s", SAGA_SLICE_ARG(block->publish.event));
    case SAGA_BLOCK_FAIL:
        return saga_arena_printf(arena, "fail %.*s", SAGA_SLICE_ARG(block->fail.type));
    case SAGA_BLOCK_CHOOSE: return SAGA_SLICE("choose");
    case SAGA_BLOCK_PARALLEL: return SAGA_SLICE("parallel");
    case SAGA_BLOCK_FOR_EACH: return text_of_for_each(d, &block->for_each);
    case SAGA_BLOCK_REPEAT: {
        struct saga_slice until = shown(d, block->repeat.until);
        return saga_arena_printf(arena, "repeat until\n%.*s", SAGA_SLICE_ARG(until));
    }
    case SAGA_BLOCK_KIND_COUNT: break;
    }
    return SAGA_SLICE("");
}

/* ---- what can go wrong ---- */

static bool has_compensation(const struct saga_block *block)
{
    if (block->kind == SAGA_BLOCK_CHILD) return !block->child.behind_pivot;
    return block->kind == SAGA_BLOCK_STEP && block->step.compensate.kind == SAGA_COMPENSATE_COMMAND;
}

/* Can the step end without an answer, in a way that makes the saga stuck? */
static bool sticks_unanswered(const struct saga_step *step)
{
    return step->pivot || (step->behind_pivot && step->attempts_given);
}

static bool compensation_sticks(const struct saga_step *step)
{
    return step->compensate.kind == SAGA_COMPENSATE_COMMAND &&
           (step->compensate.failure.count > 0 || step->compensate.retry.attempts > 0);
}

/* The failures that no `catch` takes. */
static struct saga_names uncaught(const struct drawing *d, const struct saga_block *block)
{
    static const struct saga_slice ends[] = { { "compensated", 11 }, { "abandoned", 9 } };
    struct saga_names all =
        block->kind == SAGA_BLOCK_CHILD ? (struct saga_names){ ends, 2 } : block->step.failure;
    struct saga_slice *items = SAGA_NEW_ARRAY(d->graph->arena, struct saga_slice, all.count);
    struct saga_names left = { items, 0 };
    for (size_t i = 0; i < all.count; i++)
        if (saga_block_catch(block, all.items[i]) == block->branch_count)
            items[left.count++] = all.items[i];
    return left;
}

/* ---- nodes ---- */

static const enum saga_graph_shape shapes[SAGA_BLOCK_KIND_COUNT] = {
    [SAGA_BLOCK_STEP] = SAGA_SHAPE_STEP,       [SAGA_BLOCK_AWAIT] = SAGA_SHAPE_EVENT,
    [SAGA_BLOCK_CHILD] = SAGA_SHAPE_CHILD,     [SAGA_BLOCK_SET] = SAGA_SHAPE_SET,
    [SAGA_BLOCK_PUBLISH] = SAGA_SHAPE_PUBLISH, [SAGA_BLOCK_WAIT] = SAGA_SHAPE_WAIT,
    [SAGA_BLOCK_FAIL] = SAGA_SHAPE_FAIL,       [SAGA_BLOCK_CHOOSE] = SAGA_SHAPE_CHOICE,
    [SAGA_BLOCK_PARALLEL] = SAGA_SHAPE_FORK,   [SAGA_BLOCK_FOR_EACH] = SAGA_SHAPE_LOOP,
    [SAGA_BLOCK_REPEAT] = SAGA_SHAPE_CHOICE,
};

static void add_nodes(struct drawing *d, const struct saga_block *block)
{
    bool pivot = block->kind == SAGA_BLOCK_STEP && block->step.pivot;
    add_node(d, numbered(d, 's', block), pivot ? SAGA_SHAPE_PIVOT : shapes[block->kind],
             text_of(d, block), block);
    if (block->kind == SAGA_BLOCK_PARALLEL)
        add_node(d, numbered(d, 'j', block), SAGA_SHAPE_FORK, SAGA_SLICE("all done"), NULL);
    if (!has_compensation(block)) return;
    add_node(d, numbered(d, 'c', block), SAGA_SHAPE_BACK,
             block->kind == SAGA_BLOCK_STEP ? block->step.compensate.command.type
                                            : saga_arena_printf(d->graph->arena, "take back %.*s",
                                                                SAGA_SLICE_ARG(block->child.saga)),
             block);
}

/* ---- the forward way ---- */

static void draw_list(struct drawing *d, const struct saga_block_list *list, struct ends *ends);

static void draw_choose(struct drawing *d, const struct saga_block *block, struct ends *ends)
{
    bool otherwise = false;
    for (size_t i = 0; i < block->branch_count; i++) {
        const struct saga_branch *branch = &block->branches[i];
        struct ends way = { 0 };
        otherwise = otherwise || !branch->when;
        add_end(d, &way, numbered(d, 's', block),
                branch->when ? shown(d, branch->when) : SAGA_SLICE("else"), false);
        draw_list(d, &branch->blocks, &way);
        move_ends(d, &way, ends);
    }
    if (!otherwise) add_end(d, ends, numbered(d, 's', block), SAGA_SLICE("else"), false);
}

static void draw_parallel(struct drawing *d, const struct saga_block *block, struct ends *ends)
{
    for (size_t i = 0; i < block->branch_count; i++) {
        struct ends way = { 0 };
        add_end(d, &way, numbered(d, 's', block), block->branches[i].name, false);
        draw_list(d, &block->branches[i].blocks, &way);
        lead(d, &way, numbered(d, 'j', block));
    }
    add_end(d, ends, numbered(d, 'j', block), SAGA_SLICE(""), false);
}

static void draw_for_each(struct drawing *d, const struct saga_block *block, struct ends *ends)
{
    struct ends round = { 0 };
    add_end(d, &round, numbered(d, 's', block), SAGA_SLICE("each"), false);
    if (block->branch_count) draw_list(d, &block->branches[0].blocks, &round);
    lead(d, &round, numbered(d, 's', block));
    add_end(d, ends, numbered(d, 's', block), SAGA_SLICE("all done"), false);
}

/* The first node of a list. */
static struct saga_slice first_of(const struct drawing *d, const struct saga_block_list *list)
{
    const struct saga_block *block = list->items[0];
    while (block->kind == SAGA_BLOCK_REPEAT && block->branch_count)
        block = block->branches[0].blocks.items[0];
    return numbered(d, 's', block);
}

/* The condition stands behind the round. */
static void draw_repeat(struct drawing *d, const struct saga_block *block, struct ends *ends)
{
    if (block->branch_count) draw_list(d, &block->branches[0].blocks, ends);
    lead(d, ends, numbered(d, 's', block));
    if (block->branch_count)
        add_edge(d, numbered(d, 's', block), first_of(d, &block->branches[0].blocks),
                 SAGA_SLICE("not yet"), false);
    add_end(d, ends, numbered(d, 's', block), SAGA_SLICE("true"), false);
}

static void draw_named(struct drawing *d, const struct saga_block *block, struct ends *ends)
{
    struct saga_slice self = numbered(d, 's', block);
    struct ends done = { 0 };
    add_end(d, &done, self,
            block->kind == SAGA_BLOCK_STEP    ? listed(d, &block->step.success, NULL)
            : block->kind == SAGA_BLOCK_CHILD ? SAGA_SLICE("completed")
                                              : SAGA_SLICE(""),
            false);
    for (size_t i = 0; i < block->branch_count; i++) {
        struct ends way = { 0 };
        add_end(d, &way, self,
                block->kind == SAGA_BLOCK_AWAIT ? SAGA_SLICE("timeout") : block->branches[i].name,
                true);
        draw_list(d, &block->branches[i].blocks, &way);
        move_ends(d, &way, &done);
    }
    move_ends(d, &done, ends);
}

/* ---- the way back ---- */

/* Calls for every compensation that a way back through the blocks [0, count) of a list begins with. True: some way back has none
 * there and goes on before the list. */
static bool last_of_list(const struct saga_block_list *list, size_t count,
                         void (*visit)(const struct saga_block *block, void *context),
                         void *context)
{
    bool through = true;
    for (size_t i = count; i-- > 0 && through;) {
        const struct saga_block *block = list->items[i];
        bool sure = has_compensation(block), any = false;
        if (sure) visit(block, context);
        through = !sure;
        for (size_t b = 0; b < block->branch_count; b++) {
            bool passes = last_of_list(&block->branches[b].blocks, block->branches[b].blocks.count,
                                       visit, context);
            any = any || !passes;
            if (!passes && block->kind != SAGA_BLOCK_CHOOSE && !saga_block_is_named(block))
                through = false;
        }
        bool otherwise = block->branch_count && !block->branches[block->branch_count - 1].when;
        if (block->kind == SAGA_BLOCK_CHOOSE && any && otherwise) {
            through = false;
            for (size_t b = 0; b < block->branch_count; b++)
                through = through || block->branches[b].blocks.count == 0;
        }
    }
    return through;
}

struct going_back {
    struct drawing *drawing;
    struct saga_slice from, text;
};

static void back_to(const struct saga_block *block, void *context)
{
    struct going_back *back = context;
    add_edge(back->drawing, back->from, numbered(back->drawing, 'c', block), back->text, true);
}

/* What was done beside `block`, in the other branches of its `parallel`. False: nothing was, on some way. */
static bool go_beside(const struct saga_block *block, struct going_back *back)
{
    const struct saga_block *outer = block->parent;
    bool any = false;
    if (!outer || outer->kind != SAGA_BLOCK_PARALLEL) return false;
    for (uint32_t i = 0; i < outer->branch_count; i++)
        if (i != block->branch)
            any = !last_of_list(&outer->branches[i].blocks, outer->branches[i].blocks.count,
                                back_to, back) ||
                  any;
    return any;
}

/* The way back from `block`: to what was done before it. From where it `fails`, also to what was done beside it; its
 * compensation leads on in its own branch only. */
static void go_back(struct drawing *d, const struct saga_block *block, bool fails,
                    struct saga_slice from, struct saga_slice text)
{
    struct going_back back = { .drawing = d, .from = from, .text = text };
    bool through = true, beside = false;
    for (; block && through && !beside; block = block->parent) {
        beside = fails && go_beside(block, &back);
        const struct saga_block_list *list =
            block->parent ? &block->parent->branches[block->branch].blocks : &d->definition->root;
        size_t i = 0;
        while (i < list->count && list->items[i] != block) i++;
        through = last_of_list(list, i, back_to, &back);
    }
    if (through && !beside) add_edge(d, from, SAGA_SLICE("compensated"), text, true);
}

static void stick(struct drawing *d, struct saga_slice from, struct saga_slice text)
{
    add_edge(d, from, SAGA_SLICE("stuck"), text, true);
    d->sticks = true;
}

/* Failures, and what comes of a step that was never answered. */
static void draw_step_trouble(struct drawing *d, const struct saga_block *block)
{
    const struct saga_step *step = &block->step;
    struct saga_slice self = numbered(d, 's', block);
    struct saga_names failures = uncaught(d, block);
    const char *unknown = step->compensate.kind == SAGA_COMPENSATE_NONE ? "unknown" : NULL;
    if (failures.count || unknown) {
        struct saga_slice text = listed(d, &failures, unknown);
        if (step->behind_pivot)
            stick(d, self, text);
        else
            go_back(d, block, true, self, text);
    }
    if (has_compensation(block))
        add_edge(d, self, numbered(d, 'c', block), SAGA_SLICE("unknown"), true);
    if (sticks_unanswered(step)) stick(d, self, SAGA_SLICE("unknown"));
}

static void draw_trouble(struct drawing *d, const struct saga_block *block)
{
    struct saga_slice self = numbered(d, 's', block);
    if (block->kind == SAGA_BLOCK_STEP) draw_step_trouble(d, block);
    if (block->kind == SAGA_BLOCK_REPEAT)
        go_back(d, block, true, self,
                saga_arena_printf(d->graph->arena, "%u rounds", block->repeat.at_most));
    if (block->kind == SAGA_BLOCK_AWAIT && block->await.timeout_ms && block->branch_count == 0)
        go_back(d, block, true, self, SAGA_SLICE("timeout"));
    if (block->kind != SAGA_BLOCK_CHILD) return;
    struct saga_names failures = uncaught(d, block);
    if (failures.count == 0) return;
    if (block->child.behind_pivot)
        stick(d, self, listed(d, &failures, NULL));
    else
        go_back(d, block, true, self, listed(d, &failures, NULL));
}

static void draw_back(struct drawing *d, const struct saga_block *block)
{
    if (!has_compensation(block)) return;
    struct saga_slice self = numbered(d, 'c', block);
    go_back(d, block, false, self, SAGA_SLICE(""));
    if (block->kind == SAGA_BLOCK_STEP && compensation_sticks(&block->step))
        stick(d, self,
              listed(d, &block->step.compensate.failure,
                     block->step.compensate.retry.attempts > 0 ? "no answer" : NULL));
}

/* ---- the whole ---- */

static void draw_block(struct drawing *d, const struct saga_block *block, struct ends *ends)
{
    struct saga_slice self = numbered(d, 's', block);
    if (block->kind == SAGA_BLOCK_REPEAT) {
        draw_repeat(d, block, ends);
        return;
    }
    lead(d, ends, self);
    switch (block->kind) {
    case SAGA_BLOCK_STEP:
    case SAGA_BLOCK_AWAIT:
    case SAGA_BLOCK_CHILD: draw_named(d, block, ends); return;
    case SAGA_BLOCK_CHOOSE: draw_choose(d, block, ends); return;
    case SAGA_BLOCK_PARALLEL: draw_parallel(d, block, ends); return;
    case SAGA_BLOCK_FOR_EACH: draw_for_each(d, block, ends); return;
    case SAGA_BLOCK_FAIL: go_back(d, block, true, self, SAGA_SLICE("")); return;
    default: add_end(d, ends, self, SAGA_SLICE(""), false); return;
    }
}

static void draw_list(struct drawing *d, const struct saga_block_list *list, struct ends *ends)
{
    for (size_t i = 0; i < list->count; i++) draw_block(d, list->items[i], ends);
}

/* What starts it: an event, or a schedule. */
static struct saga_slice start_text(struct drawing *d, const struct saga_start *start)
{
    char every[SAGA_TIME_TEXT_BYTES];
    if (start->cron) return saga_schedule_text(start->cron);
    if (start->every_ms == 0) return start->event;
    saga_duration_format(start->every_ms, every);
    return saga_arena_printf(d->graph->arena, "every %s", every);
}

static void draw_starts(struct drawing *d, struct ends *ends)
{
    const struct saga_definition *definition = d->definition;
    for (size_t i = 0; i < definition->start_count; i++) {
        const struct saga_start *start = &definition->starts[i];
        struct saga_slice id = definition->start_count > 1
                                   ? saga_arena_printf(d->graph->arena, "start%zu", i + 1)
                                   : SAGA_SLICE("start");
        add_node(d, id, SAGA_SHAPE_START, start_text(d, start), NULL);
        add_end(d, ends, id, SAGA_SLICE(""), false);
    }
}

void saga_graph_build(const struct saga_definition *definition, struct saga_arena *arena,
                      struct saga_graph *ret)
{
    struct drawing d = { .definition = definition, .graph = ret };
    struct ends ends = { 0 };
    *ret = (struct saga_graph){ .arena = arena };
    draw_starts(&d, &ends);
    for (size_t i = 0; i < definition->block_count; i++) add_nodes(&d, definition->blocks[i]);
    draw_list(&d, &definition->root, &ends);
    lead(&d, &ends, SAGA_SLICE("completed"));
    for (size_t i = 0; i < definition->block_count; i++) draw_trouble(&d, definition->blocks[i]);
    for (size_t i = definition->block_count; i-- > 0;) draw_back(&d, definition->blocks[i]);
    add_node(&d, SAGA_SLICE("completed"), SAGA_SHAPE_END, SAGA_SLICE("completed"), NULL);
    add_node(&d, SAGA_SLICE("compensated"), SAGA_SHAPE_END, SAGA_SLICE("compensated"), NULL);
    if (d.sticks) add_node(&d, SAGA_SLICE("stuck"), SAGA_SHAPE_END, SAGA_SLICE("stuck"), NULL);
}
