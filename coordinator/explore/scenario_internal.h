/* What the files that read scenarios share. */
#ifndef SAGA_EXPLORE_SCENARIO_INTERNAL_H
#define SAGA_EXPLORE_SCENARIO_INTERNAL_H

#include "definition/yaml.h"
#include "explore/scenario.h"

/* As a status: the event started nothing. */
#define SAGA_SCENARIO_NOT_STARTED "not-started"

struct saga_scenario_answers {
    struct saga_scenario_answer *items;
    size_t count, capacity;
};

struct saga_scenario_loading {
    struct saga_yaml yaml;
    struct saga_arena *arena;
    struct saga_scenarios *scenarios;
    /* what the file says for all of its scenarios */
    bool strict;
    int64_t begin_ms;
    struct saga_scenario_start start;
    struct saga_scenario_answers answers;
};

struct saga_scenario_place saga_scenario_place_of(struct saga_scenario_loading *l,
                                                  struct fy_node *node);
/* A scalar's text, copied; as saga_yaml_text. */
bool saga_scenario_text(struct saga_scenario_loading *l, struct fy_node *node, const char *what,
                        struct saga_slice *ret);
/* A value as JSON; absent where there is no node. */
struct saga_slice saga_scenario_json(struct saga_scenario_loading *l, struct fy_node *node);
/* Overlays `start` on what is in `*ret`. */
void saga_scenario_load_start(struct saga_scenario_loading *l, struct fy_node *node,
                              struct saga_scenario_start *ret);
void saga_scenario_load_reply(struct saga_scenario_loading *l, struct fy_node *node,
                              struct saga_scenario_reply *ret);
void saga_scenario_load_state(struct saga_scenario_loading *l, struct fy_node *node,
                              struct saga_scenario_state *ret);
/* scenario_steps.c: the list under `steps`. */
void saga_scenario_load_steps(struct saga_scenario_loading *l, struct fy_node *node,
                              struct saga_scenario *ret);

#endif
