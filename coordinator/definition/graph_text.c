/* Graphs as Mermaid and DOT. */
#include <string.h>

#include "base/buffer.h"
#include "definition/graph.h"

const char *const saga_mark_names[SAGA_MARK_COUNT] = {
    [SAGA_MARK_NONE] = "waiting",    [SAGA_MARK_DONE] = "done", [SAGA_MARK_FAILED] = "failed",
    [SAGA_MARK_UNKNOWN] = "unknown", [SAGA_MARK_OPEN] = "open",
};
static const char *const colours[SAGA_MARK_COUNT] = {
    [SAGA_MARK_DONE] = "#b7e4c7",
    [SAGA_MARK_FAILED] = "#f4a6a6",
    [SAGA_MARK_UNKNOWN] = "#ffd6a5",
    [SAGA_MARK_OPEN] = "#a9def9",
};
/* A compensation that is done is a step that is not. */
static const char compensated[] = "compensated", compensated_colour[] = "#d7c6f0";

static const struct {
    const char *open, *close; /* Mermaid */
    const char *dot;          /* attributes */
} forms[SAGA_SHAPE_COUNT] = {
    [SAGA_SHAPE_START] = { "([\"", "\"])", "shape=oval" },
    [SAGA_SHAPE_STEP] = { "[\"", "\"]", "shape=box" },
    [SAGA_SHAPE_PIVOT] = { "{{\"", "\"}}", "shape=hexagon, penwidth=3" },
    [SAGA_SHAPE_BACK] = { "([\"", "\"])", "shape=box, style=\"rounded,dashed\"" },
    [SAGA_SHAPE_EVENT] = { "[/\"", "\"\\]", "shape=trapezium" },
    [SAGA_SHAPE_CHILD] = { "[[\"", "\"]]", "shape=box, peripheries=2" },
    [SAGA_SHAPE_SET] = { "[/\"", "\"/]", "shape=parallelogram" },
    [SAGA_SHAPE_PUBLISH] = { ">\"", "\"]", "shape=cds" },
    [SAGA_SHAPE_WAIT] = { "(\"", "\")", "shape=box, style=rounded" },
    [SAGA_SHAPE_FAIL] = { "[\"", "\"]", "shape=octagon" },
    [SAGA_SHAPE_CHOICE] = { "{\"", "\"}", "shape=diamond" },
    [SAGA_SHAPE_FORK] = { "[[\"", "\"]]", "shape=box, height=0.2" },
    [SAGA_SHAPE_LOOP] = { "[\\\"", "\"/]", "shape=invtrapezium" },
    [SAGA_SHAPE_END] = { "((", "))", "shape=circle" },
};

static enum saga_mark mark_of(const struct saga_graph_node *node,
                              const struct saga_block_mark *marks)
{
    if (!marks || !node->block) return SAGA_MARK_NONE;
    const struct saga_block_mark *mark = &marks[node->block->id];
    return node->shape == SAGA_SHAPE_BACK ? mark->back : mark->forward;
}

/* ---- Mermaid ---- */

/* Mermaid takes quotes and angle brackets as entities only. */
static void write_entities(struct saga_buffer *out, struct saga_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '\n')
            saga_buffer_printf(out, "<br/>");
        else if (c == '"')
            saga_buffer_printf(out, "#quot;");
        else if (c == '<')
            saga_buffer_printf(out, "#lt;");
        else if (c == '>')
            saga_buffer_printf(out, "#gt;");
        else if (c == '#')
            saga_buffer_printf(out, "#35;");
        else
            saga_buffer_add_char(out, c);
    }
}

static void write_mermaid_node(struct saga_buffer *out, const struct saga_graph_node *node)
{
    saga_buffer_printf(out, "    %.*s%s", SAGA_SLICE_ARG(node->id), forms[node->shape].open);
    write_entities(out, node->text);
    saga_buffer_printf(out, "%s\n", forms[node->shape].close);
}

static void write_mermaid_edge(struct saga_buffer *out, const struct saga_graph_edge *edge)
{
    saga_buffer_printf(out, "    %.*s ", SAGA_SLICE_ARG(edge->from));
    if (edge->text.size) {
        saga_buffer_printf(out, "%s \"", edge->dashed ? "-." : "--");
        write_entities(out, edge->text);
        saga_buffer_printf(out, "\" ");
    }
    saga_buffer_printf(out, "%s %.*s\n",
                       !edge->dashed     ? "-->"
                       : edge->text.size ? ".->"
                                         : "-.->",
                       SAGA_SLICE_ARG(edge->to));
}

/* The class that a node has for what it is; NULL: none. */
static const char *kind_class(const struct saga_graph_node *node,
                              const struct saga_block_mark *marks)
{
    (void)marks;
    if (node->shape == SAGA_SHAPE_PIVOT) return "pivot";
    return node->shape == SAGA_SHAPE_BACK ? "back" : NULL;
}

/* The one it has for how far it is. */
static const char *mark_class(const struct saga_graph_node *node,
                              const struct saga_block_mark *marks)
{
    enum saga_mark mark = mark_of(node, marks);
    if (mark == SAGA_MARK_NONE) return NULL;
    return node->shape == SAGA_SHAPE_BACK && mark == SAGA_MARK_DONE ? compensated
                                                                    : saga_mark_names[mark];
}

typedef const char *class_of(const struct saga_graph_node *node,
                             const struct saga_block_mark *marks);

/* `class a,b name` for the nodes of that class. */
static void write_class(struct saga_buffer *out, const struct saga_graph *graph,
                        const struct saga_block_mark *marks, class_of *find, const char *name)
{
    const char *before = "    class ";
    for (size_t i = 0; i < graph->node_count; i++) {
        const char *its = find(&graph->nodes[i], marks);
        if (!its || strcmp(its, name) != 0) continue;
        saga_buffer_printf(out, "%s%.*s", before, SAGA_SLICE_ARG(graph->nodes[i].id));
        before = ",";
    }
    if (before[0] == ',') saga_buffer_printf(out, " %s\n", name);
}

static void write_marks(struct saga_buffer *out, const struct saga_graph *graph,
                        const struct saga_block_mark *marks)
{
    for (size_t i = SAGA_MARK_DONE; i < SAGA_MARK_COUNT; i++)
        saga_buffer_printf(out, "    classDef %s fill:%s,color:#000\n", saga_mark_names[i],
                           colours[i]);
    saga_buffer_printf(out, "    classDef %s fill:%s,color:#000\n", compensated,
                       compensated_colour);
    for (size_t i = SAGA_MARK_DONE; i < SAGA_MARK_COUNT; i++)
        write_class(out, graph, marks, mark_class, saga_mark_names[i]);
    write_class(out, graph, marks, mark_class, compensated);
}

struct saga_slice saga_graph_mermaid(const struct saga_graph *graph,
                                     const struct saga_block_mark *marks)
{
    struct saga_buffer out;
    saga_buffer_init(&out, graph->arena);
    saga_buffer_printf(&out, "flowchart TD\n");
    for (size_t i = 0; i < graph->node_count; i++) write_mermaid_node(&out, &graph->nodes[i]);
    for (size_t i = 0; i < graph->edge_count; i++) write_mermaid_edge(&out, &graph->edges[i]);
    saga_buffer_printf(&out, "    classDef pivot stroke-width:4px\n"
                             "    classDef back stroke-dasharray:5 5\n");
    write_class(&out, graph, marks, kind_class, "pivot");
    write_class(&out, graph, marks, kind_class, "back");
    if (marks) write_marks(&out, graph, marks);
    return saga_buffer_slice(&out);
}

struct saga_slice saga_definition_mermaid(const struct saga_definition *definition,
                                          struct saga_arena *arena)
{
    struct saga_graph graph;
    saga_graph_build(definition, arena, &graph);
    return saga_graph_mermaid(&graph, NULL);
}

/* ---- DOT ---- */

static void write_quoted(struct saga_buffer *out, struct saga_slice text)
{
    saga_buffer_add_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '"' || c == '\\') saga_buffer_add_char(out, '\\');
        if (c == '\n')
            saga_buffer_printf(out, "\\n");
        else
            saga_buffer_add_char(out, c);
    }
    saga_buffer_add_char(out, '"');
}

static void write_dot_node(struct saga_buffer *out, const struct saga_graph_node *node,
                           const struct saga_block_mark *marks)
{
    const char *mark = mark_class(node, marks);
    bool back = node->shape == SAGA_SHAPE_BACK;
    saga_buffer_printf(out, "  %.*s [label=", SAGA_SLICE_ARG(node->id));
    write_quoted(out, node->text);
    saga_buffer_printf(out, ", %s", forms[node->shape].dot);
    if (mark)
        saga_buffer_printf(out, ", style=\"filled%s\", fillcolor=\"%s\", tooltip=\"%s\"",
                           back ? ",rounded,dashed" : "",
                           mark == compensated ? compensated_colour : colours[mark_of(node, marks)],
                           mark);
    saga_buffer_printf(out, "];\n");
}

struct saga_slice saga_graph_dot(const struct saga_graph *graph, struct saga_slice title,
                                 const struct saga_block_mark *marks)
{
    struct saga_buffer out;
    saga_buffer_init(&out, graph->arena);
    saga_buffer_printf(&out, "digraph saga {\n  label=");
    write_quoted(&out, title);
    saga_buffer_printf(&out, ";\n  labelloc=t;\n  node [fontname=\"Helvetica\"];\n"
                             "  edge [fontname=\"Helvetica\", fontsize=10];\n");
    for (size_t i = 0; i < graph->node_count; i++) write_dot_node(&out, &graph->nodes[i], marks);
    for (size_t i = 0; i < graph->edge_count; i++) {
        const struct saga_graph_edge *edge = &graph->edges[i];
        saga_buffer_printf(&out, "  %.*s -> %.*s [label=", SAGA_SLICE_ARG(edge->from),
                           SAGA_SLICE_ARG(edge->to));
        write_quoted(&out, edge->text);
        saga_buffer_printf(&out, "%s];\n", edge->dashed ? ", style=dashed, constraint=false" : "");
    }
    saga_buffer_printf(&out, "}\n");
    return saga_buffer_slice(&out);
}
