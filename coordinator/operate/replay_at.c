/* saga replay --at: where sagas stood at a moment (runtime/as_of.h). */
#include <inttypes.h>
#include <stdlib.h>

#include "operate/past.h"
#include "operate/replay.h"
#include "operate/sagas.h"

/* ---- one saga ---- */

static int miss(const struct saga_past *past, bool unknown)
{
    const char *id = saga_printable(past->call->arena, past->address.saga_id);
    const char *when = saga_past_words(past, 0);
    if (unknown)
        return saga_call_fail(past->call, SAGA_EXIT_FAILED, "`saga history` tells what is left",
                              "%s was there at %s, but where it stood is not known: its records "
                              "are not all in the journal, and no snapshot is old enough",
                              id, when);
    return saga_call_fail(past->call, SAGA_EXIT_NOT_FOUND,
                          past->cut_lanes
                              ? "its lane's journal was cut: what had left before that is gone"
                              : "`saga history ID --scan` tells all that the journal has of it",
                          "there was no saga %s at %s", id, when);
}

static int show(const struct saga_past *past, bool bodies)
{
    struct saga_call *call = past->call;
    bool unknown;
    const struct saga_state *state =
        saga_as_of_find(past->lanes[0], past->address.saga_id, &unknown);
    if (!state) return miss(past, unknown);
    if (call->output != SAGA_OUTPUT_TEXT) {
        struct saga_slice json = saga_state_json(state, bodies, call->arena);
        printf("%.*s\n", SAGA_SLICE_ARG(json));
        return SAGA_EXIT_DONE;
    }
    struct saga_view view = { .bodies = bodies, .now_ms = saga_past_time(past, 0) };
    printf("as of %s\n", saga_past_words(past, 0));
    saga_state_print(call, state, &view, stdout);
    return SAGA_EXIT_DONE;
}

/* ---- all sagas ---- */

struct gathering {
    struct saga_arena *arena;
    struct saga_slice name, status; /* absent: any */
    const struct saga_state **states;
    size_t count, capacity;
};

static void gather(const struct saga_state *state, void *context)
{
    struct gathering *g = context;
    if (g->name.data && !saga_slice_equal(g->name, state->name)) return;
    if (g->status.data && !saga_slice_is(g->status, saga_status_name(state->status))) return;
    SAGA_PUSH(g->arena, g->states, g->count, g->capacity, state);
}

static int newest_first(const void *left, const void *right)
{
    const struct saga_state *a = *(const struct saga_state *const *)left;
    const struct saga_state *b = *(const struct saga_state *const *)right;
    if (a->changed_ms != b->changed_ms) return a->changed_ms > b->changed_ms ? -1 : 1;
    return saga_slice_compare(a->id, b->id);
}

static void print_counts(const struct gathering *g)
{
    size_t by_status[SAGA_STATUS_COUNT] = { 0 };
    for (size_t i = 0; i < g->count; i++) by_status[g->states[i]->status]++;
    printf("\n%zu %s", g->count, g->count == 1 ? "saga" : "sagas");
    for (int i = SAGA_RUNNING; i < SAGA_STATUS_COUNT; i++)
        if (by_status[i]) printf(", %zu %s", by_status[i], saga_status_name((enum saga_status)i));
    putchar('\n');
}

static void print_text(const struct saga_past *past, const struct gathering *g, size_t count)
{
    struct saga_table table;
    int64_t now_ms = saga_past_time(past, 0);
    printf("as of %s\n", saga_past_words(past, 0));
    saga_list_table(&table, past->call->arena);
    for (size_t i = 0; i < count; i++) saga_list_add(&table, g->states[i], now_ms);
    if (count) saga_table_print(&table, stdout);
    if (count < g->count) printf("... and %zu more (--limit)\n", g->count - count);
    print_counts(g);
}

static int list(const struct saga_past *past, const struct saga_replay_at *asked)
{
    struct saga_call *call = past->call;
    struct gathering g = { .arena = call->arena, .name = saga_slice_of(asked->name) };
    int code = saga_list_status(call, asked->status, &g.status);
    if (code != SAGA_EXIT_DONE) return code;
    for (uint32_t i = 0; i < past->lane_count; i++) saga_as_of_each(past->lanes[i], gather, &g);
    if (g.count) qsort(g.states, g.count, sizeof(const struct saga_state *), newest_first);
    size_t count = asked->limit && asked->limit < g.count ? (size_t)asked->limit : g.count;
    if (call->output == SAGA_OUTPUT_TEXT) {
        print_text(past, &g, count);
        return SAGA_EXIT_DONE;
    }
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, saga_list_json(g.states[i], call->arena));
    saga_print_rows(call, rows);
    return SAGA_EXIT_DONE;
}

int saga_replay_at(struct saga_call *call, const struct saga_replay_at *asked)
{
    struct saga_past past;
    int code = saga_past_read(call, asked->moments, 1, asked->id, &past);
    if (code == SAGA_EXIT_DONE) {
        code = asked->id ? show(&past, asked->bodies) : list(&past, asked);
        if (!asked->id && code == SAGA_EXIT_DONE) saga_past_warn(&past);
    }
    saga_past_free(&past);
    return code;
}
