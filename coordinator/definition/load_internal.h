/* What the files that load a definition share. */
#ifndef SAGA_DEFINITION_LOAD_INTERNAL_H
#define SAGA_DEFINITION_LOAD_INTERNAL_H

#include "definition/definition.h"
#include "definition/flow.h"
#include "definition/yaml.h"

#define SAGA_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* One run of the loader. */
struct saga_loading {
    struct saga_yaml yaml;
    struct saga_definition *definition;
    const struct saga_schemas *schemas; /* NULL: types and bodies are not checked against any */
    int64_t timeout_ms;                 /* of defaults: */
    struct saga_retry retry;            /* of defaults: */
    struct saga_block **blocks;
    struct fy_node **block_nodes; /* for findings of the checks behind loading */
    size_t block_count, block_capacity, node_capacity;
    struct saga_flows flows;   /* once all blocks are there */
    unsigned depth;            /* blocks around the list that is being loaded */
    bool full;                 /* no block more may be loaded */
    bool partial;              /* blocks are missing: what a name may refer to is not known */
    bool partial_participants; /* the same of participants */
};

struct saga_arena *saga_loading_arena(struct saga_loading *l);

/* ---- load_words.c. `what` names the thing with its article: "a step" ---- */

/* A name of a saga, step or participant: [a-z0-9][a-z0-9-]*. */
bool saga_load_name(struct saga_loading *l, struct fy_node *node, const char *what,
                    struct saga_slice *ret);
/* A type of command, reply or event: [A-Za-z][A-Za-z0-9._-]*. */
bool saga_load_type(struct saga_loading *l, struct fy_node *node, const char *what,
                    struct saga_slice *ret);
bool saga_load_topic(struct saga_loading *l, struct fy_node *node, struct saga_slice *ret);
/* One reply type or a list of them, which must not be empty and names none twice: with `success: []` no answer could
 * ever be the right one. */
void saga_load_types(struct saga_loading *l, struct fy_node *node, const char *what,
                     struct saga_names *ret);
/* expression_mends.c: what to do about a source of which jq says `message`; absent where nothing better than to try it with jq
 * is known. Texts are in `arena`. */
struct saga_slice saga_expression_mend(struct saga_slice source, struct saga_slice message,
                                       struct saga_arena *arena);
/* Compiles an expression; NULL with a finding, or where there is no node. */
struct saga_expression *saga_load_expression(struct saga_loading *l, struct fy_node *node,
                                             const char *what);
/* `participant/Command` */
bool saga_load_send(struct saga_loading *l, struct fy_node *node, struct saga_command *ret);
/* `topic/Event` */
bool saga_load_event(struct saga_loading *l, struct fy_node *node, struct saga_slice *ret_topic,
                     struct saga_slice *ret_event);
/* Overlays `retry:` on what is in `*ret`; `*ret_attempts` tells whether it says attempts itself. */
void saga_load_retry(struct saga_loading *l, struct fy_node *node, struct saga_retry *ret,
                     bool *ret_attempts);

/* `from: latest|earliest` */
void saga_load_from(struct saga_loading *l, struct fy_node *node, enum saga_begin *ret);

/* load.c: `format:` of a participant or an event; JSON where it says none. */
enum saga_body_format saga_load_format(struct saga_loading *l, struct fy_node *node);
/* load.c: `publish` and `body`, at the saga's end and as a block. */
void saga_load_publish(struct saga_loading *l, struct fy_node *node, const char *what,
                       struct saga_publish *ret);
/* load_start.c: one start, or a list of them. */
void saga_load_starts(struct saga_loading *l, struct fy_node *node);
/* load_redact.c */
void saga_load_redact(struct saga_loading *l, struct fy_node *node);
/* load_step.c */
void saga_load_step(struct saga_loading *l, struct fy_node *node, struct saga_block *block);
/* load_await.c: blocks with a name that are no steps. */
void saga_load_await(struct saga_loading *l, struct fy_node *node, struct saga_block *block);
void saga_load_child(struct saga_loading *l, struct fy_node *node, struct saga_block *block);
/* load_nested.c: blocks that are made of lists of blocks, and `catch`. */
void saga_load_choose(struct saga_loading *l, struct fy_node *node, struct saga_block *block);
void saga_load_parallel(struct saga_loading *l, struct fy_node *node, struct saga_block *block);
void saga_load_for_each(struct saga_loading *l, struct fy_node *node, struct saga_block *block);
void saga_load_repeat(struct saga_loading *l, struct fy_node *node, struct saga_block *block);
void saga_load_catch(struct saga_loading *l, struct fy_node *node, struct saga_block *block);
/* Gives a block its only branch: the list under `name`. */
void saga_load_branch(struct saga_loading *l, struct fy_node *node, const char *name,
                      struct saga_block *block);
/* load_block.c: the list under `field`, and everything in it. `parent` NULL: the saga's own list; else the list is that of
 * its branch `branch`. */
void saga_load_blocks(struct saga_loading *l, struct fy_node *node, const char *field,
                      const struct saga_block *parent, uint32_t branch,
                      struct saga_block_list *ret);
/* check.c: what can be known of the whole. Takes what loading left of a broken file too. */
void saga_check_definition(struct saga_loading *l);

/* ---- check_expression.c ---- */

/* The place of an expression: what is there when it is evaluated. */
struct saga_place {
    const char *field;
    const struct saga_block *block; /* that it belongs to; NULL: to the saga */
    const struct saga_flow *flow;   /* what has run */
    const struct saga_block *own;   /* has run too; NULL: nothing more */
    bool reply, error;              /* .reply, .error are there */
    bool inside;                    /* in the rounds of the block, which is a loop */
    bool back;                      /* once compensating: what comes later may have run */
    bool tests;                     /* null is as good as false here: asking is all it does */
};
/* Finds reads of what is not there. `expression` NULL: nothing to check. */
void saga_check_expression(struct saga_loading *l, struct fy_node *node,
                           const struct saga_expression *expression,
                           const struct saga_place *place);
/* Does it read what step `name` kept, and without a way out where that is null? */
bool saga_check_needs_step(struct saga_loading *l, const struct saga_expression *expression,
                           struct saga_slice name);

#endif
