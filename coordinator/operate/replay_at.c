/* saga replay --at: where sagas stood at a moment (runtime/as_of.h). */
#include <inttypes.h>
#include <stdlib.h>

#include "operate/opening.h"
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
    struct saga_state *state = saga_as_of_find(past->lanes[0], past->address.saga_id, &unknown);
    if (!state) return miss(past, unknown);
    saga_open_state_for_people(call, past->address.lane, state);
    if (call->output == SAGA_OUTPUT_TEXT) {
        struct saga_view view = { .bodies = bodies, .now_ms = saga_past_time(past, 0) };
        printf("as of %s\n", saga_past_words(past, 0));
        saga_state_print(call, state, &view, stdout);
    } else {
        printf("%.*s\n", SAGA_SLICE_ARG(saga_state_json(state, bodies, call->arena)));
    }
    saga_state_free(state);
    return SAGA_EXIT_DONE;
}

/* ---- all sagas ---- */

struct row {
    struct saga_slice id; /* in the call's arena */
    int64_t changed_ms;
    struct saga_as_of *lane;
};

struct gathering {
    struct saga_arena *arena;
    struct saga_slice name, status; /* absent: any */
    struct saga_as_of *lane;        /* that is gathered from */
    struct row *rows;
    size_t count, capacity;
    size_t by_status[SAGA_STATUS_COUNT];
};

static void gather(const struct saga_state *state, void *context)
{
    struct gathering *g = context;
    if (g->name.data && !saga_slice_equal(g->name, state->name)) return;
    if (g->status.data && !saga_slice_is(g->status, saga_status_name(state->status))) return;
    g->by_status[state->status]++;
    SAGA_PUSH(g->arena, g->rows, g->count, g->capacity,
              (struct row){ saga_arena_copy(g->arena, state->id), state->changed_ms, g->lane });
}

static int newest_first(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    if (a->changed_ms != b->changed_ms) return a->changed_ms > b->changed_ms ? -1 : 1;
    return saga_slice_compare(a->id, b->id);
}

static struct saga_state *state_of(const struct row *row)
{
    bool unknown;
    struct saga_state *state = saga_as_of_find(row->lane, row->id, &unknown);
    saga_cover_state(state);
    return state;
}

static void print_counts(const struct gathering *g)
{
    printf("\n%zu %s", g->count, g->count == 1 ? "saga" : "sagas");
    for (int i = SAGA_RUNNING; i < SAGA_STATUS_COUNT; i++)
        if (g->by_status[i])
            printf(", %zu %s", g->by_status[i], saga_status_name((enum saga_status)i));
    putchar('\n');
}

static void print_text(const struct saga_past *past, const struct gathering *g, size_t count)
{
    struct saga_table table;
    int64_t now_ms = saga_past_time(past, 0);
    printf("as of %s\n", saga_past_words(past, 0));
    saga_list_table(&table, past->call->arena);
    for (size_t i = 0; i < count; i++) {
        struct saga_state *state = state_of(&g->rows[i]);
        saga_list_add(&table, state, now_ms);
        saga_state_free(state);
    }
    if (count) saga_table_print(&table, stdout);
    if (count < g->count) printf("... and %zu more (--limit)\n", g->count - count);
    print_counts(g);
}

static void print_json(const struct saga_past *past, const struct gathering *g, size_t count)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        struct saga_state *state = state_of(&g->rows[i]);
        json_array_append_new(rows, saga_list_json(state, past->call->arena));
        saga_state_free(state);
    }
    saga_print_rows(past->call, rows);
}

static void list(const struct saga_past *past, const struct saga_replay_at *asked,
                 struct saga_slice status)
{
    struct saga_call *call = past->call;
    struct gathering g = { .arena = call->arena,
                           .name = saga_slice_of(asked->name),
                           .status = status };
    for (uint32_t i = 0; i < past->lane_count; i++) {
        g.lane = past->lanes[i];
        saga_as_of_each(g.lane, gather, &g);
    }
    if (g.count) qsort(g.rows, g.count, sizeof *g.rows, newest_first);
    size_t count = asked->limit && asked->limit < g.count ? (size_t)asked->limit : g.count;
    if (call->output == SAGA_OUTPUT_TEXT)
        print_text(past, &g, count);
    else
        print_json(past, &g, count);
}

int saga_replay_at(struct saga_call *call, const struct saga_replay_at *asked)
{
    struct saga_past past;
    struct saga_slice status;
    int code = saga_list_status(call, asked->status, &status);
    if (code != SAGA_EXIT_DONE) return code;
    code = saga_past_read(call, asked->moments, 1, asked->id, &past);
    if (code == SAGA_EXIT_DONE && asked->id) {
        code = show(&past, asked->bodies);
    } else if (code == SAGA_EXIT_DONE) {
        list(&past, asked, status);
        saga_past_warn(&past);
    }
    saga_past_free(&past);
    return code;
}
