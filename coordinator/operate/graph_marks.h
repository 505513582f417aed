/* Where a saga stands in the graph of its definition, and that graph as JSON. */
#ifndef SAGA_OPERATE_GRAPH_MARKS_H
#define SAGA_OPERATE_GRAPH_MARKS_H

#include <jansson.h>

#include "definition/graph.h"
#include "engine/state.h"

/* By block id, in `arena`. Of several rounds the one that is the least far. */
struct saga_block_mark *saga_graph_marks(const struct saga_definition *definition,
                                         const struct saga_state *state, struct saga_arena *arena);
/* {"nodes": [...], "edges": [...]}; `state`: with marks of how far it is; NULL: without. */
json_t *saga_graph_json(const struct saga_definition *definition, const struct saga_state *state,
                        struct saga_arena *arena);

#endif
