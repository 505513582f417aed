/* saga replay --diff: what is another way at a second moment (runtime/as_of.h). */
#include <stdlib.h>

#include "base/buffer.h"
#include "operate/json_diff.h"
#include "operate/opening.h"
#include "operate/past.h"
#include "operate/replay.h"
#include "operate/sagas.h"
#include "operate/words.h"

struct change {
    const struct saga_state *before, *after;
};

struct gathering {
    const struct saga_replay_at *asked;
    struct saga_arena *arena;
    struct saga_slice status; /* absent: any */
    struct change *changes;
    size_t count, capacity;
};

static const struct saga_state *newer(const struct change *change)
{
    return change->after ? change->after : change->before;
}

/* A saga that left and came again is a new one. */
static bool is_new(const struct change *change)
{
    return !change->before ||
           (change->after && !saga_slice_equal(change->before->run, change->after->run));
}

static const char *kind_of(const struct change *change)
{
    if (!change->after) return "gone";
    return is_new(change) ? "new" : "changed";
}

static void gather(const struct saga_state *before, const struct saga_state *after, void *context)
{
    struct gathering *g = context;
    const struct change change = { before, after };
    const struct saga_state *state = newer(&change);
    if (g->asked->name && !saga_slice_is(state->name, g->asked->name)) return;
    if (g->status.data && !saga_slice_is(g->status, saga_status_name(state->status))) return;
    SAGA_PUSH(g->arena, g->changes, g->count, g->capacity, change);
}

static int newest_first(const void *left, const void *right)
{
    const struct saga_state *a = newer(left), *b = newer(right);
    if (a->changed_ms != b->changed_ms) return a->changed_ms > b->changed_ms ? -1 : 1;
    return saga_slice_compare(a->id, b->id);
}

/* ---- all sagas ---- */

/* "running at charge" */
static const char *stand_of(const struct saga_state *state, struct saga_arena *arena)
{
    if (!state) return "";
    struct saga_slice at = saga_standing(state, arena);
    return saga_arena_printf(arena, "%s%s%.*s", saga_status_name(state->status),
                             at.size ? " at " : "", SAGA_SLICE_ARG(at))
        .data;
}

static void print_text(const struct saga_past *past, const struct gathering *g, size_t count)
{
    struct saga_table table;
    struct saga_arena *arena = past->call->arena;
    size_t new = 0, gone = 0;
    printf("from %s to %s\n", saga_past_words(past, 0), saga_past_words(past, 1));
    saga_table_init(&table, arena, "SAGA", "", "BEFORE", "AFTER", "TROUBLE", NULL);
    for (size_t i = 0; i < count; i++) {
        const struct change *change = &g->changes[i];
        saga_table_add(&table, saga_arena_string(arena, newer(change)->id), kind_of(change),
                       stand_of(change->before, arena), stand_of(change->after, arena),
                       saga_trouble(newer(change), arena).data);
    }
    if (count) saga_table_print(&table, stdout);
    if (count < g->count) printf("... and %zu more (--limit)\n", g->count - count);
    for (size_t i = 0; i < g->count; i++) {
        new += g->changes[i].after &&is_new(&g->changes[i]);
        gone += !g->changes[i].after;
    }
    printf("\n%zu new, %zu changed, %zu gone\n", new, g->count - new - gone, gone);
}

static json_t *row_or_null(const struct saga_state *state, struct saga_arena *arena)
{
    return state ? saga_list_json(state, arena) : json_null();
}

static void print_json(const struct saga_past *past, const struct gathering *g, size_t count)
{
    struct saga_arena *arena = past->call->arena;
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct change *change = &g->changes[i];
        json_array_append_new(
            rows, json_pack("{s:o, s:s, s:o, s:o}", "id", saga_json_string(newer(change)->id),
                            "change", kind_of(change), "before", row_or_null(change->before, arena),
                            "after", row_or_null(change->after, arena)));
    }
    saga_print_rows(past->call, rows);
}

static void list(const struct saga_past *past, struct gathering *g)
{
    for (uint32_t i = 0; i < past->lane_count; i++) saga_as_of_changes(past->lanes[i], gather, g);
    if (g->count) qsort(g->changes, g->count, sizeof *g->changes, newest_first);
    size_t limit = (size_t)g->asked->limit;
    size_t count = limit && limit < g->count ? limit : g->count;
    if (past->call->output == SAGA_OUTPUT_TEXT)
        print_text(past, g, count);
    else
        print_json(past, g, count);
}

/* ---- one saga ---- */

static struct saga_slice json_of(const struct saga_past *past, const struct saga_state *state,
                                 bool bodies)
{
    struct saga_call *call = past->call;
    if (!state) return SAGA_SLICE("null");
    if (!saga_state_is_sealed(state)) return saga_state_json(state, bodies, call->arena);
    struct saga_state *opened = saga_state_clone(state);
    saga_open_state_for_people(call, past->address.lane, opened);
    struct saga_slice json = saga_state_json(opened, bodies, call->arena);
    saga_state_free(opened);
    return json;
}

static void print_side(const struct saga_past *past, struct saga_slice json)
{
    fputs(json.data ? saga_printable(past->call->arena, json) : "nothing", stdout);
}

static void tell_text(const struct saga_past *past, const struct change *change,
                      const struct saga_json_change *items, size_t count)
{
    printf("%s  %s from %s to %s\n", saga_printable(past->call->arena, newer(change)->id),
           kind_of(change), saga_past_words(past, 0), saga_past_words(past, 1));
    for (size_t i = 0; i < count; i++) {
        printf("  %s: ", saga_printable(past->call->arena, items[i].path));
        print_side(past, items[i].before);
        fputs(" -> ", stdout);
        print_side(past, items[i].after);
        putchar('\n');
    }
}

static void add_json(struct saga_buffer *json, const char *name, struct saga_slice value)
{
    saga_buffer_printf(json, ",\"%s\":", name);
    saga_buffer_add(json, value.data ? value : SAGA_SLICE("null"));
}

/* Made as text: the states' bodies keep every digit. */
static void tell_json(const struct saga_past *past, const struct change *change,
                      struct saga_slice before, struct saga_slice after,
                      const struct saga_json_change *items, size_t count)
{
    struct saga_buffer json;
    saga_buffer_init(&json, past->call->arena);
    saga_buffer_printf(&json, "{\"id\":");
    saga_buffer_add_json_string(&json, newer(change)->id);
    saga_buffer_printf(&json, ",\"change\":\"%s\"", kind_of(change));
    add_json(&json, "before", before);
    add_json(&json, "after", after);
    saga_buffer_printf(&json, ",\"differences\":[");
    for (size_t i = 0; i < count; i++) {
        saga_buffer_printf(&json, "%s{\"path\":", i ? "," : "");
        saga_buffer_add_json_string(&json, items[i].path);
        add_json(&json, "before", items[i].before);
        add_json(&json, "after", items[i].after);
        saga_buffer_add_char(&json, '}');
    }
    saga_buffer_printf(&json, "]}");
    printf("%.*s\n", SAGA_SLICE_ARG(saga_buffer_slice(&json)));
}

static void tell(const struct saga_past *past, const struct change *change, bool bodies)
{
    struct saga_arena *arena = past->call->arena;
    struct saga_slice before = json_of(past, change->before, bodies);
    struct saga_slice after = json_of(past, change->after, bodies);
    struct saga_json_change *items = NULL;
    size_t count = 0;
    if (change->before && change->after) saga_json_diff(before, after, arena, &items, &count);
    if (past->call->output == SAGA_OUTPUT_TEXT)
        tell_text(past, change, items, count);
    else
        tell_json(past, change, before, after, items, count);
}

/* Not among the changes: it stayed as it was, or it is not known. */
static int tell_unchanged(const struct saga_past *past)
{
    struct saga_call *call = past->call;
    const char *id = saga_printable(call->arena, past->address.saga_id);
    bool unknown;
    struct saga_state *state = saga_as_of_find(past->lanes[0], past->address.saga_id, &unknown);
    if (unknown) {
        saga_state_free(state);
        return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga history` tells what is left",
                              "where %s stood is not known: its records are not all in the "
                              "journal, and no snapshot is old enough",
                              id);
    }
    if (!state)
        return saga_call_fail(call, SAGA_EXIT_NOT_FOUND, NULL, "there was no saga %s at either",
                              id);
    const struct change same = { state, state };
    if (call->output == SAGA_OUTPUT_TEXT)
        printf("%s  unchanged from %s to %s\n", saga_printable(call->arena, state->id),
               saga_past_words(past, 0), saga_past_words(past, 1));
    else
        tell(past, &same, false);
    saga_state_free(state);
    return SAGA_EXIT_DONE;
}

int saga_replay_diff(struct saga_call *call, const struct saga_replay_at *asked)
{
    struct saga_past past;
    struct gathering g = { .asked = asked, .arena = call->arena };
    int code = saga_list_status(call, asked->status, &g.status);
    if (code != SAGA_EXIT_DONE) return code;
    code = saga_past_read(call, asked->moments, 2, asked->id, &past);
    if (code == SAGA_EXIT_DONE && !asked->id) {
        list(&past, &g);
        saga_past_warn(&past);
    } else if (code == SAGA_EXIT_DONE) {
        saga_as_of_changes(past.lanes[0], gather, &g);
        if (g.count)
            tell(&past, &g.changes[0], asked->bodies);
        else
            code = tell_unchanged(&past);
    }
    saga_past_free(&past);
    return code;
}
