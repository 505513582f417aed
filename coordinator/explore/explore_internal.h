/* What the files of the explorer share. */
#ifndef SAGA_EXPLORE_EXPLORE_INTERNAL_H
#define SAGA_EXPLORE_EXPLORE_INTERNAL_H

#include "explore/canonical.h"
#include "explore/explore.h"

#define SAGA_EXPLORE_NONE UINT32_MAX

/* A state that was seen: how it was reached first. Its state itself is kept only until it has been expanded. */
struct saga_explore_node {
    struct saga_canonical hash;
    uint32_t parent;
    uint32_t move;
    uint64_t choices;
    uint64_t sent[2]; /* hashes of the ids of commands sent on the way from the parent; 0: none */
    uint8_t choice_count;
    bool rests; /* an end, or stuck */
    uint32_t depth;
};

struct saga_explore_edge {
    uint32_t from, to;
};

struct saga_exploration {
    struct saga_definition *definition;
    const struct saga_explore_options *options;
    struct saga_abstract *abstract;
    struct saga_arena *arena;    /* of the result */
    struct saga_arena expansion; /* reset for every state that is expanded */
    struct saga_arena decision;  /* reset for every event that is decided */
    struct saga_explored *result;
    struct saga_explore_node *nodes;
    size_t node_count, node_capacity;
    struct saga_state **states; /* by node; NULL: expanded already */
    size_t state_capacity;
    uint32_t *table; /* open addressing: nodes by hash */
    size_t table_size;
    struct saga_explore_edge *edges;
    size_t edge_count, edge_capacity;
    bool *reached; /* by block */
    bool completes;
    /* what is being decided, should a check of the engine fail */
    uint32_t from;
    struct saga_explore_step step;
    struct saga_state *expanded, *decided;
    uint64_t
        *closed; /* what has ended and was answered once more: a set of hashes, 0 is a free place */
    size_t closed_count, closed_size;
};

/* One event that was decided. */
struct saga_transition {
    uint32_t from;
    struct saga_explore_step step;
    const struct saga_state *before;
    const struct saga_event *event;
    const struct saga_facts *facts;
    const struct saga_state *after;
    uint64_t sent[2];
};

/* ---- explore_checks.c ---- */
/* What must hold of every event. Fills in what was sent. */
void saga_explore_check_transition(struct saga_exploration *x, struct saga_transition *t);
/* What must hold of every state that is new, reached by `t`. */
void saga_explore_check_state(struct saga_exploration *x, const struct saga_transition *t);
/* What can be said when all has been explored: ends that are never reached, blocks neither. */
void saga_explore_check_whole(struct saga_exploration *x);
/* Adds a finding unless there is one of that kind and subject; the way leads to `node`, then takes `last` (NULL: no
 * further). */
void saga_explore_find(struct saga_exploration *x, enum saga_flaw flaw, struct saga_slice subject,
                       const struct saga_block *block, uint32_t node,
                       const struct saga_explore_step *last);
/* The way to a node, and one step further; in the result's arena. */
struct saga_explore_step *saga_explore_way(struct saga_exploration *x, uint32_t node,
                                           const struct saga_explore_step *last, size_t *ret_count);

#endif
