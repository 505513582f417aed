#include "explore/explore.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "explore/explore_internal.h"

const struct saga_explore_options saga_explore_default = { .states_max = 1000000,
                                                           .depth_max = 10000,
                                                           .seconds_max = 60,
                                                           .bounds = { .rounds = 2,
                                                                       .attempts = 2 } };

/* ---- states that were seen ---- */

static void grow_table(struct saga_exploration *x)
{
    size_t size = x->table_size ? 2 * x->table_size : 1024;
    free(x->table);
    x->table = saga_memory_take(size * sizeof *x->table);
    memset(x->table, 0xff, size * sizeof *x->table); /* SAGA_EXPLORE_NONE */
    x->table_size = size;
    for (size_t i = 0; i < x->node_count; i++) {
        size_t place = x->nodes[i].hash.low & (size - 1);
        while (x->table[place] != SAGA_EXPLORE_NONE) place = (place + 1) & (size - 1);
        x->table[place] = (uint32_t)i;
    }
}

/* The place of a hash in the table: of its node, or where it belongs. */
static size_t place_of(const struct saga_exploration *x, struct saga_canonical hash)
{
    size_t place = hash.low & (x->table_size - 1);
    while (x->table[place] != SAGA_EXPLORE_NONE) {
        const struct saga_explore_node *node = &x->nodes[x->table[place]];
        if (node->hash.low == hash.low && node->hash.high == hash.high) break;
        place = (place + 1) & (x->table_size - 1);
    }
    return place;
}

static uint32_t add_node(struct saga_exploration *x, struct saga_explore_node node,
                         struct saga_state *state)
{
    if (x->node_count == x->node_capacity) {
        x->node_capacity = x->node_capacity ? 2 * x->node_capacity : 1024;
        x->nodes = saga_memory_grow(x->nodes, x->node_capacity * sizeof *x->nodes);
        x->states = saga_memory_grow(x->states, x->node_capacity * sizeof *x->states);
    }
    uint32_t index = (uint32_t)x->node_count++;
    x->nodes[index] = node;
    x->states[index] = state;
    x->table[place_of(x, node.hash)] = index;
    if (node.depth > x->result->depth) x->result->depth = node.depth;
    return index;
}

static void add_edge(struct saga_exploration *x, uint32_t from, uint32_t to)
{
    if (from == to) return;
    if (x->edge_count == x->edge_capacity) {
        x->edge_capacity = x->edge_capacity ? 2 * x->edge_capacity : 4096;
        x->edges = saga_memory_grow(x->edges, x->edge_capacity * sizeof *x->edges);
    }
    x->edges[x->edge_count++] = (struct saga_explore_edge){ from, to };
}

static bool is_rest(const struct saga_state *state)
{
    return state->forgotten || saga_status_has_ended(state->status) || state->status == SAGA_STUCK;
}

static void note_rest(struct saga_exploration *x, const struct saga_state *state, uint32_t node)
{
    struct saga_explored *result = x->result;
    if (!is_rest(state) || state->forgotten) return;
    for (size_t i = 0; i < result->rest_count; i++) {
        struct saga_explore_rest *rest = &result->rests[i];
        if (rest->status != state->status || rest->stuck_on != state->stuck_on ||
            !saga_slice_equal(rest->stuck_step, state->stuck_step))
            continue;
        rest->states++;
        return;
    }
    struct saga_explore_rest rest = { .status = state->status,
                                      .stuck_on = state->stuck_on,
                                      .stuck_step = saga_arena_copy(x->arena, state->stuck_step),
                                      .states = 1 };
    rest.way = saga_explore_way(x, node, NULL, &rest.way_count);
    SAGA_PUSH(x->arena, result->rests, result->rest_count, result->rest_capacity, rest);
}

/* ---- expanding ---- */

static void arrive(struct saga_exploration *x, struct saga_transition *t, struct saga_state *after)
{
    struct saga_canonical hash = saga_canonical_of(x->definition, after);
    if (2 * (x->node_count + 1) > x->table_size) grow_table(x);
    uint32_t there = x->table[place_of(x, hash)];
    saga_explore_check_transition(x, t);
    if (there != SAGA_EXPLORE_NONE) {
        add_edge(x, t->from, there);
        saga_state_free(after);
        return;
    }
    if (x->node_count >= x->options->states_max) {
        x->result->cut = "the limit of states is reached (--max-states)";
        saga_state_free(after);
        return;
    }
    saga_explore_check_state(x, t);
    uint32_t node =
        add_node(x,
                 (struct saga_explore_node){ .hash = hash,
                                             .parent = t->from,
                                             .move = t->step.move,
                                             .choices = t->step.choices,
                                             .choice_count = (uint8_t)t->step.choice_count,
                                             .sent = { t->sent[0], t->sent[1] },
                                             .rests = is_rest(after),
                                             .depth = x->nodes[t->from].depth + 1 },
                 after);
    add_edge(x, t->from, node);
    note_rest(x, after, node);
}

/* One event in all ways that its choices can go. */
static void take(struct saga_exploration *x, uint32_t from, const struct saga_state *before,
                 const struct saga_event *event, uint32_t move)
{
    struct saga_explore_step step = { .move = move };
    do {
        struct saga_facts facts = { 0 };
        struct saga_state *after = saga_state_clone(before);
        saga_arena_reset(&x->decision);
        saga_abstract_choose(x->abstract, step.choices, step.choice_count);
        x->from = from;
        x->step = step;
        x->decided = after;
        saga_decide(x->definition, after, event, &x->decision, &facts);
        x->decided = NULL;
        x->result->transitions++;
        if (saga_abstract_was_cut(x->abstract))
            x->result->cut = "one event has more choices than are explored";
        struct saga_transition t = { .from = from,
                                     .step = step,
                                     .before = before,
                                     .event = event,
                                     .facts = &facts,
                                     .after = after };
        arrive(x, &t, after);
    } while (saga_abstract_next(x->abstract, &step.choices, &step.choice_count));
}

/* Has nothing that ended this way been answered once more yet? */
static bool is_new(struct saga_exploration *x, uint64_t closed)
{
    if (2 * (x->closed_count + 1) > x->closed_size) {
        uint64_t *before = x->closed;
        size_t size = x->closed_size;
        x->closed_size = size ? 2 * size : 256;
        x->closed = saga_memory_zeroed(x->closed_size, sizeof *x->closed);
        x->closed_count = 0;
        for (size_t i = 0; i < size; i++)
            if (before[i]) (void)is_new(x, before[i]);
        free(before);
    }
    size_t place = closed & (x->closed_size - 1);
    while (x->closed[place] && x->closed[place] != closed)
        place = (place + 1) & (x->closed_size - 1);
    if (x->closed[place]) return false;
    x->closed[place] = closed;
    x->closed_count++;
    return true;
}

static void expand(struct saga_exploration *x, uint32_t node)
{
    struct saga_state *state = x->states[node];
    struct saga_moves moves;
    x->states[node] = NULL;
    x->expanded = state;
    saga_arena_reset(&x->expansion);
    saga_moves_of(x->definition, state, x->options->input, x->options->pauses, &x->expansion,
                  &moves);
    for (size_t i = 0; i < moves.count; i++)
        if (!moves.items[i].closed || is_new(x, moves.items[i].closed))
            take(x, node, state, &moves.items[i].event, (uint32_t)i);
    x->expanded = NULL;
    saga_state_free(state);
}

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void explore_all(struct saga_exploration *x, double began)
{
    for (uint32_t node = 0; node < x->node_count; node++) {
        bool late = node % 64 == 0 && x->options->seconds_max > 0 &&
                    processor_seconds() - began > x->options->seconds_max;
        if (late) x->result->cut = "the time is up (--seconds)";
        if (late) return;
        if (x->nodes[node].depth >= x->options->depth_max) {
            x->result->cut = "the limit of events in a row is reached (--depth)";
            return;
        }
        expand(x, node);
    }
}

/* ---- checks of the engine that fail ---- */

static sigjmp_buf back;

static void engine_failed(int number)
{
    (void)number;
    siglongjmp(back, 1);
}

static void find_engine_failed(struct saga_exploration *x)
{
    saga_explore_find(x, SAGA_FLAW_ENGINE, SAGA_SLICE_NONE, NULL, x->from, &x->step);
    x->result->cut = "a check of the engine failed";
}

/* A check of the engine that fails ends a process by abort; here it is a finding, and the end of exploring: what it left
 * behind is not looked at any more. */
static void explore_guarded(struct saga_exploration *x, double began)
{
    struct sigaction guarded = { .sa_handler = engine_failed };
    sigaction(SIGABRT, &guarded, NULL);
    if (sigsetjmp(back, 1) == 0)
        explore_all(x, began);
    else
        find_engine_failed(x);
    signal(SIGABRT, SIG_DFL);
}

/* ---- */

static void free_all(struct saga_exploration *x)
{
    for (size_t i = 0; i < x->node_count; i++) saga_state_free(x->states[i]);
    saga_state_free(x->expanded);
    saga_state_free(x->decided);
    saga_arena_free(&x->expansion);
    saga_arena_free(&x->decision);
    saga_abstract_free(x->abstract);
    free(x->nodes);
    free(x->states);
    free(x->table);
    free(x->edges);
    free(x->reached);
    free(x->closed);
}

void saga_explore(struct saga_definition *definition, const struct saga_explore_options *options,
                  struct saga_arena *arena, struct saga_explored *ret)
{
    double began = processor_seconds();
    struct saga_exploration x = {
        .definition = definition, .options = options, .arena = arena, .result = ret
    };
    *ret = (struct saga_explored){ 0 };
    saga_arena_init(&x.expansion);
    saga_arena_init(&x.decision);
    x.abstract = saga_abstract_new(definition, &options->bounds);
    x.reached = saga_memory_zeroed(definition->block_count + 1, sizeof *x.reached);
    grow_table(&x);
    struct saga_state *none = saga_state_new();
    add_node(&x,
             (struct saga_explore_node){ .hash = saga_canonical_of(definition, none),
                                         .parent = SAGA_EXPLORE_NONE },
             none);
    explore_guarded(&x, began);
    if (!ret->cut) saga_explore_check_whole(&x);
    ret->states = (uint32_t)x.node_count;
    free_all(&x);
    ret->seconds = processor_seconds() - began;
}

struct saga_slice saga_explore_play(struct saga_definition *definition,
                                    const struct saga_explore_options *options,
                                    const struct saga_explore_step *way, size_t count,
                                    size_t decided, struct saga_arena *arena, struct saga_play *ret)
{
    struct saga_abstract *abstract = saga_abstract_new(definition, &options->bounds);
    struct saga_buffer choices;
    saga_buffer_init(&choices, arena);
    saga_play_begin(ret, definition, SAGA_PLAY_BEGIN_MS, arena);
    for (size_t i = 0; i < count; i++) {
        struct saga_moves moves;
        saga_moves_of(definition, ret->state, options->input, options->pauses, arena, &moves);
        SAGA_ASSERT(way[i].move < moves.count);
        struct saga_event event = moves.items[way[i].move].event;
        const struct saga_timer *timer = saga_state_timer(ret->state, event.timer);
        bool rings = event.kind == SAGA_EVENT_TIMER && timer && timer->armed == event.armed;
        saga_abstract_choose(abstract, way[i].choices, way[i].choice_count);
        if (i >= decided)
            saga_play_note(ret, event);
        else if (rings)
            saga_play_ring(ret, event.timer);
        else
            saga_play_event(ret, event);
        saga_abstract_tell(abstract, &choices);
    }
    saga_abstract_free(abstract);
    struct saga_slice list = saga_slice_skip(saga_buffer_slice(&choices), choices.size ? 2 : 0);
    return saga_arena_printf(arena, "[%.*s]", SAGA_SLICE_ARG(list));
}
