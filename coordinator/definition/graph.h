/* A definition as a graph: boxes and arrows of the forward way, of what goes wrong, and of the way back. Written as a Mermaid
 * flowchart or for Graphviz (DOT), with marks where a saga stands. */
#ifndef SAGA_DEFINITION_GRAPH_H
#define SAGA_DEFINITION_GRAPH_H

#include "definition/definition.h"

enum saga_graph_shape {
    SAGA_SHAPE_START,
    SAGA_SHAPE_STEP,
    SAGA_SHAPE_PIVOT,
    SAGA_SHAPE_BACK, /* a compensation */
    SAGA_SHAPE_EVENT,
    SAGA_SHAPE_CHILD,
    SAGA_SHAPE_SET,
    SAGA_SHAPE_PUBLISH,
    SAGA_SHAPE_WAIT,
    SAGA_SHAPE_FAIL,
    SAGA_SHAPE_CHOICE,
    SAGA_SHAPE_FORK, /* and join */
    SAGA_SHAPE_LOOP,
    SAGA_SHAPE_END,
    SAGA_SHAPE_COUNT
};

struct saga_graph_node {
    struct saga_slice id; /* letters and digits */
    enum saga_graph_shape shape;
    struct saga_slice text;         /* lines, ended by \n but for the last */
    const struct saga_block *block; /* NULL: of the saga itself */
};

struct saga_graph_edge {
    struct saga_slice from, to; /* ids */
    struct saga_slice text;     /* may be empty */
    bool dashed;                /* not the forward way */
};

struct saga_graph {
    struct saga_arena *arena;
    struct saga_graph_node *nodes;
    size_t node_count, node_capacity;
    struct saga_graph_edge *edges;
    size_t edge_count, edge_capacity;
};

/* How far a block has come in a saga that is looked at. */
enum saga_mark {
    SAGA_MARK_NONE, /* not begun */
    SAGA_MARK_DONE,
    SAGA_MARK_FAILED,
    SAGA_MARK_UNKNOWN,
    SAGA_MARK_OPEN, /* in some round of a loop at least */
    SAGA_MARK_COUNT
};
extern const char *const saga_mark_names[SAGA_MARK_COUNT];

struct saga_block_mark {
    enum saga_mark forward; /* of the block */
    enum saga_mark back;    /* of its compensation */
};

/* Everything is in `arena`. */
void saga_graph_build(const struct saga_definition *definition, struct saga_arena *arena,
                      struct saga_graph *ret);

/* As text, in the graph's arena. `marks`: by block id; NULL: no saga is looked at. */
struct saga_slice saga_graph_mermaid(const struct saga_graph *graph,
                                     const struct saga_block_mark *marks);
struct saga_slice saga_graph_dot(const struct saga_graph *graph, struct saga_slice title,
                                 const struct saga_block_mark *marks);

#endif
