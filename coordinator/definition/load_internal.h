/* What the files that load a definition share. */
#ifndef SAGA_DEFINITION_LOAD_INTERNAL_H
#define SAGA_DEFINITION_LOAD_INTERNAL_H

#include "definition/definition.h"
#include "definition/yaml.h"

#define SAGA_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* One run of the loader. */
struct saga_loading {
    struct saga_yaml yaml;
    struct saga_definition *definition;
    int64_t timeout_ms;      /* of defaults: */
    struct saga_retry retry; /* of defaults: */
    struct saga_block **blocks;
    struct fy_node **block_nodes; /* for findings of the checks behind loading */
    size_t block_count, block_capacity, node_capacity;
};

struct saga_arena *saga_loading_arena(struct saga_loading *l);

/* A name of a saga, step or participant: [a-z0-9][a-z0-9-]*. */
bool saga_load_name(struct saga_loading *l, struct fy_node *node, const char *what,
                    struct saga_slice *ret);
/* A type of command, reply or event: [A-Za-z][A-Za-z0-9._-]*. */
bool saga_load_type(struct saga_loading *l, struct fy_node *node, const char *what,
                    struct saga_slice *ret);
bool saga_load_topic(struct saga_loading *l, struct fy_node *node, const char *what,
                     struct saga_slice *ret);
/* One type or a list of them. */
bool saga_load_types(struct saga_loading *l, struct fy_node *node, const char *what,
                     struct saga_names *ret);
/* Compiles an expression; NULL with a finding, or where there is no node. */
struct saga_expression *saga_load_expression(struct saga_loading *l, struct fy_node *node,
                                             const char *what);
/* `participant/Command` */
bool saga_load_send(struct saga_loading *l, struct fy_node *node, struct saga_command *ret);
/* Overlays `retry:` on what is in `*ret`; `*ret_attempts` tells whether it says attempts itself. */
void saga_load_retry(struct saga_loading *l, struct fy_node *node, struct saga_retry *ret,
                     bool *ret_attempts);

/* load_step.c: the list under `steps:`, and everything in it. */
void saga_load_blocks(struct saga_loading *l, struct fy_node *node, struct saga_block_list *ret);
/* check.c: what can be known of the whole. */
void saga_check_definition(struct saga_loading *l);

#endif
