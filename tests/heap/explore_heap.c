/* Exploring: every way of a small saga (`saga check --explore`). */
#include "explore/explore.h"
#include "heap.h"

static const char text[] =
    "saga: small\nversion: 1\n"
    "participants: { a: { commands: a.c, replies: a.r } }\n"
    "start: { topic: t, event: Go, key: .id }\n"
    "defaults: { timeout: 1s, retry: { attempts: 1 } }\n"
    "steps:\n"
    "  - { step: one, send: a/One, success: OneDone, failure: OneNo, compensate: { send: a/UndoOne "
    "} }\n"
    "  - { step: two, send: a/Two, success: TwoDone, failure: TwoNo, compensate: none }\n";

static int run_explore(void)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    struct saga_explored explored = { 0 };
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    int error = saga_definition_load(saga_slice_of(text), "small.yaml", &findings, &definition);
    if (error == 0) {
        saga_explore(definition, &saga_explore_default, &arena, &explored);
        heap_tell("%u states, %llu transitions, depth %u, %zu findings, %zu ends; ",
                  explored.states, (unsigned long long)explored.transitions, explored.depth,
                  explored.finding_count, explored.rest_count);
        for (size_t i = 0; i < explored.finding_count; i++)
            heap_tell("%s ", saga_flaw_kinds[explored.findings[i].flaw].code);
        saga_definition_free(definition);
    }
    saga_arena_free(&arena);
    return error;
}

static const struct heap_scenario explore_scenarios[] = {
    { .name = "explore: all ways of a small saga", .run = run_explore },
};
const struct heap_module heap_explore = { "explore", explore_scenarios, 1 };
