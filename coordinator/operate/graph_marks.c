#include "operate/graph_marks.h"

#include "operate/output.h"

static enum saga_mark mark_of_step(const struct saga_step_state *s)
{
    switch (s->status) {
    case SAGA_STEP_SENT:
    case SAGA_STEP_BACKOFF: return SAGA_MARK_OPEN;
    case SAGA_STEP_SUCCEEDED:
    case SAGA_STEP_SKIPPED: return SAGA_MARK_DONE;
    case SAGA_STEP_FAILED: return SAGA_MARK_FAILED;
    case SAGA_STEP_UNKNOWN: return SAGA_MARK_UNKNOWN;
    case SAGA_STEP_STATUS_COUNT: break;
    }
    return SAGA_MARK_NONE;
}

static enum saga_mark mark_of_compensation(const struct saga_step_state *s)
{
    switch (s->compensation) {
    case SAGA_COMPENSATION_SENT:
    case SAGA_COMPENSATION_BACKOFF: return SAGA_MARK_OPEN;
    case SAGA_COMPENSATION_DONE:
    case SAGA_COMPENSATION_SKIPPED: return SAGA_MARK_DONE;
    case SAGA_COMPENSATION_FAILED:
    case SAGA_COMPENSATION_EXHAUSTED: return SAGA_MARK_FAILED;
    case SAGA_COMPENSATION_NONE:
    case SAGA_COMPENSATION_NOT_NEEDED:
    case SAGA_COMPENSATION_STATUS_COUNT: break;
    }
    return SAGA_MARK_NONE;
}

/* Of several rounds the one that matters most to who looks. */
static void raise_mark(enum saga_mark *mark, enum saga_mark other)
{
    if (other > *mark) *mark = other;
}

struct saga_block_mark *saga_graph_marks(const struct saga_definition *definition,
                                         const struct saga_state *state, struct saga_arena *arena)
{
    struct saga_block_mark *marks =
        SAGA_NEW_ARRAY(arena, struct saga_block_mark, definition->block_count);
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *s = &state->steps[i];
        if (s->block >= definition->block_count) continue;
        raise_mark(&marks[s->block].forward, mark_of_step(s));
        raise_mark(&marks[s->block].back, mark_of_compensation(s));
    }
    return marks;
}

/* ---- as JSON ---- */

static const char *const shape_names[SAGA_SHAPE_COUNT] = {
    [SAGA_SHAPE_START] = "start",   [SAGA_SHAPE_STEP] = "step",
    [SAGA_SHAPE_PIVOT] = "pivot",   [SAGA_SHAPE_BACK] = "compensation",
    [SAGA_SHAPE_EVENT] = "event",   [SAGA_SHAPE_CHILD] = "child",
    [SAGA_SHAPE_SET] = "set",       [SAGA_SHAPE_PUBLISH] = "publish",
    [SAGA_SHAPE_WAIT] = "wait",     [SAGA_SHAPE_FAIL] = "fail",
    [SAGA_SHAPE_CHOICE] = "choice", [SAGA_SHAPE_FORK] = "fork",
    [SAGA_SHAPE_LOOP] = "loop",     [SAGA_SHAPE_END] = "end",
};

static json_t *node_json(const struct saga_graph_node *node, const struct saga_block_mark *marks)
{
    const struct saga_block *block = node->block;
    json_t *json = json_pack("{s:o, s:s, s:o, s:o, s:o}", "id", saga_json_string(node->id), "shape",
                             shape_names[node->shape], "text", saga_json_string(node->text),
                             "block", block ? json_integer(block->id) : json_null(), "line",
                             block ? json_integer(block->position.line) : json_null());
    if (block) json_object_set_new(json, "name", saga_json_string(block->label));
    if (marks && block) {
        const struct saga_block_mark *mark = &marks[block->id];
        enum saga_mark far = node->shape == SAGA_SHAPE_BACK ? mark->back : mark->forward;
        json_object_set_new(json, "mark", json_string(saga_mark_names[far]));
    }
    return json;
}

json_t *saga_graph_json(const struct saga_definition *definition, const struct saga_state *state,
                        struct saga_arena *arena)
{
    struct saga_graph graph;
    struct saga_block_mark *marks = state ? saga_graph_marks(definition, state, arena) : NULL;
    json_t *nodes = json_array(), *edges = json_array();
    saga_graph_build(definition, arena, &graph);
    for (size_t i = 0; i < graph.node_count; i++)
        json_array_append_new(nodes, node_json(&graph.nodes[i], marks));
    for (size_t i = 0; i < graph.edge_count; i++) {
        const struct saga_graph_edge *edge = &graph.edges[i];
        json_array_append_new(
            edges, json_pack("{s:o, s:o, s:o, s:b}", "from", saga_json_string(edge->from), "to",
                             saga_json_string(edge->to), "text", saga_json_string(edge->text),
                             "dashed", edge->dashed));
    }
    return json_pack("{s:o, s:o}", "nodes", nodes, "edges", edges);
}
