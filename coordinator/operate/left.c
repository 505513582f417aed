#include "operate/left.h"

#include "base/assert.h"
#include "operate/to_come.h"

struct gathering {
    struct saga_arena *arena;
    const struct saga_definition *definition; /* may be NULL */
    enum saga_status end;
    struct saga_left *items;
    size_t count, capacity;
};

static void add(struct gathering *g, struct saga_slice step, const char *what,
                struct saga_slice words)
{
    struct saga_left left = { saga_arena_copy(g->arena, step), what, words };
    SAGA_PUSH(g->arena, g->items, g->count, g->capacity, left);
}

static const char *times(const struct gathering *g, uint32_t attempts)
{
    return attempts > 1 ? saga_arena_printf(g->arena, " %u times", attempts).data : "";
}

static void add_unknown(struct gathering *g, const struct saga_step_state *s)
{
    add(g, s->path, "unknown",
        saga_arena_printf(g->arena,
                          "nobody knows whether %.*s%s was done: %.*s was sent to %.*s%s and not "
                          "answered",
                          SAGA_SLICE_ARG(s->path), s->pivot ? ", the pivot," : "",
                          SAGA_SLICE_ARG(s->type), SAGA_SLICE_ARG(s->topic), times(g, s->attempt)));
}

/* A compensation that was sent, and what is known of it. */
static void add_half_way(struct gathering *g, const struct saga_step_state *s)
{
    bool refused = s->compensation == SAGA_COMPENSATION_FAILED;
    if (s->kind == SAGA_STEP_CHILD) {
        add(g, s->path, refused ? "refused" : "half-way",
            saga_arena_printf(g->arena, "the child saga %.*s %s", SAGA_SLICE_ARG(s->target),
                              refused ? "refused to be compensated"
                                      : "is being compensated, and goes on by itself"));
        return;
    }
    add(g, s->path, refused ? "refused" : "half-way",
        saga_arena_printf(g->arena, "%s: %.*s was sent to %.*s%s and %s",
                          saga_arena_printf(g->arena,
                                            refused ? "%.*s was not taken back"
                                                    : "nobody knows whether %.*s was taken back",
                                            SAGA_SLICE_ARG(s->path))
                              .data,
                          SAGA_SLICE_ARG(s->compensation_type),
                          SAGA_SLICE_ARG(s->compensation_topic), times(g, s->compensation_attempt),
                          refused ? "refused" : "not answered"));
}

static bool needs_no_taking_back(const struct gathering *g, struct saga_slice path)
{
    size_t size = 0;
    while (size < path.size && path.data[size] != '[') size++; /* the round of a loop */
    const struct saga_block *block =
        g->definition ? saga_definition_step(g->definition, (struct saga_slice){ path.data, size })
                      : NULL;
    if (block && block->kind == SAGA_BLOCK_AWAIT) return true;
    return block && block->kind == SAGA_BLOCK_STEP &&
           block->step.compensate.kind == SAGA_COMPENSATE_NONE;
}

/* What was done and stands: wanted where the saga counts as completed. */
static void look_at_done(struct gathering *g, const struct saga_step_state *s)
{
    if (g->end == SAGA_COMPLETED || needs_no_taking_back(g, s->path)) return;
    bool skipped = s->status == SAGA_STEP_SKIPPED;
    add(g, s->path, "stands",
        saga_arena_printf(g->arena, "%.*s %s, and nobody took it back", SAGA_SLICE_ARG(s->path),
                          skipped ? "was skipped as done" : "was done"));
}

/* What is waited for is not always a service. */
static void look_at_open(struct gathering *g, const struct saga_step_state *s)
{
    if (s->kind == SAGA_STEP_COMMAND)
        add_unknown(g, s);
    else if (s->kind == SAGA_STEP_CHILD)
        add(g, s->path, "goes-on",
            saga_arena_printf(g->arena, "the child saga %.*s goes on by itself",
                              SAGA_SLICE_ARG(s->target)));
}

static void look_at_failed(struct gathering *g, const struct saga_step_state *s)
{
    const char *words = s->kind == SAGA_STEP_COMMAND ? "its service did nothing"
                        : s->kind == SAGA_STEP_AWAIT ? "the event did not come"
                                                     : "the child saga did not complete";
    if (g->end == SAGA_COMPLETED)
        add(g, s->path, "failed",
            saga_arena_printf(g->arena, "%.*s failed: %s", SAGA_SLICE_ARG(s->path), words));
}

static void look_at_step(struct gathering *g, const struct saga_step_state *s)
{
    switch (s->compensation) {
    case SAGA_COMPENSATION_SENT:
    case SAGA_COMPENSATION_BACKOFF:
    case SAGA_COMPENSATION_EXHAUSTED:
    case SAGA_COMPENSATION_FAILED: add_half_way(g, s); return;
    case SAGA_COMPENSATION_DONE:
    case SAGA_COMPENSATION_SKIPPED:
        if (g->end == SAGA_COMPLETED)
            add(g, s->path, "taken-back",
                saga_arena_printf(
                    g->arena, "%.*s was taken back%s", SAGA_SLICE_ARG(s->path),
                    s->compensation == SAGA_COMPENSATION_SKIPPED ? ", as an operator said" : ""));
        return;
    case SAGA_COMPENSATION_NOT_NEEDED: return;
    case SAGA_COMPENSATION_NONE:
    case SAGA_COMPENSATION_STATUS_COUNT: break;
    }
    switch (s->status) {
    case SAGA_STEP_SENT:
    case SAGA_STEP_BACKOFF:
    case SAGA_STEP_UNKNOWN: look_at_open(g, s); return;
    case SAGA_STEP_SUCCEEDED:
    case SAGA_STEP_SKIPPED: look_at_done(g, s); return;
    case SAGA_STEP_FAILED: look_at_failed(g, s); return;
    case SAGA_STEP_STATUS_COUNT: break;
    }
    SAGA_ASSERT(!"a status of a step");
}

void saga_left_as_it_is(const struct saga_state *state, const struct saga_definition *definition,
                        enum saga_status end, struct saga_arena *arena, struct saga_left **ret,
                        size_t *ret_count)
{
    struct gathering g = { .arena = arena, .definition = definition, .end = end };
    for (size_t i = 0; i < state->step_count; i++) look_at_step(&g, &state->steps[i]);
    bool wanted = definition && end == SAGA_COMPLETED;
    for (size_t i = 0; wanted && i < definition->block_count; i++) {
        const struct saga_block *block = definition->blocks[i];
        if (saga_block_is_named(block) && saga_to_come(state, definition, block) == SAGA_WILL_COME)
            add(&g, block->label, "never-began",
                saga_arena_printf(arena, "%.*s never began", SAGA_SLICE_ARG(block->label)));
    }
    *ret = g.items;
    *ret_count = g.count;
}
