/* `saga list`: what there is, newest first, and how many of each. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "operate/lanes.h"
#include "operate/output.h"
#include "operate/sagas.h"
#include "operate/words.h"

enum { KEY_DEFINITION = 'd', KEY_STATUS = 's', KEY_LIMIT = 'n', KEY_SEARCH = 256 };
enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 100000 };

int saga_state_read(struct saga_call *call, const struct saga_address *address, bool quiet,
                    struct saga_state **ret)
{
    struct saga_slice bytes;
    struct saga_diagnostic diagnostic = { 0 };
    int code = saga_call_codec(call);
    if (code != SAGA_EXIT_DONE) return code;
    int error = saga_views_state(call->views, address->lane, address->saga_id, call->arena, &bytes);
    if (error == SAGA_E_NOT_FOUND && quiet) return SAGA_EXIT_NOT_FOUND;
    if (error == SAGA_E_NOT_FOUND)
        return saga_call_no_such_saga(call, address->lane, address->saga_id);
    if (error < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga doctor` says more", "%s",
                              saga_views_problem(call->views));
    if (saga_state_decode(call->codec, bytes, call->arena, ret, &diagnostic) == SAGA_OK)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED,
                          "saga history reads the journal instead; a coordinator that meets the "
                          "state builds its lane anew",
                          "a state in Redis cannot be read: %.*s", SAGA_SLICE_ARG(diagnostic.what));
}

/* ---- what is asked for ---- */

int saga_list_status(struct saga_call *call, const char *status, struct saga_slice *ret)
{
    const char *names[SAGA_STATUS_COUNT];
    size_t count = 0;
    *ret = saga_slice_of(status);
    if (!status || saga_status_of(*ret) < SAGA_STATUS_COUNT) return SAGA_EXIT_DONE;
    for (int i = SAGA_RUNNING; i < SAGA_STATUS_COUNT; i++)
        names[count++] = saga_status_name((enum saga_status)i);
    const char *near = saga_nearest(*ret, names, count);
    const char *mend = near ? saga_arena_printf(call->arena, "did you mean \"%s\"?", near).data
                            : "one of running, compensating, stuck, completed, compensated, "
                              "abandoned";
    return saga_call_fail(call, SAGA_EXIT_USAGE, mend, "there is no status \"%s\"", status);
}

int saga_list_filter(struct saga_call *call, struct saga_view_filter *ret)
{
    unsigned long long limit;
    const char *search = saga_call_option(call, KEY_SEARCH);
    *ret = (struct saga_view_filter){
        .name = saga_slice_of(saga_call_option(call, KEY_DEFINITION)),
    };
    int code = saga_list_status(call, saga_call_option(call, KEY_STATUS), &ret->status);
    if (code == SAGA_EXIT_DONE)
        code = saga_call_number(call, KEY_LIMIT, LIMIT_DEFAULT, LIMIT_MAX, &limit);
    if (code != SAGA_EXIT_DONE) return code;
    ret->limit = (size_t)limit;
    if (!search) return SAGA_EXIT_DONE;
    if (!strpbrk(search, ":="))
        return saga_call_fail(call, SAGA_EXIT_USAGE, "write it as --search customer:c-17",
                              "\"%s\" names no value", search);
    char *copy = saga_arena_string(call->arena, saga_slice_of(search));
    copy[strcspn(copy, ":=")] = ':';
    ret->search = saga_slice_of(copy);
    return SAGA_EXIT_DONE;
}

/* ---- what there is ---- */

static json_t *error_json(const struct saga_state *state)
{
    if (!state->has_error) return json_null();
    return json_pack("{s:o, s:o, s:o}", "step", saga_json_string(state->error.step), "type",
                     saga_json_string(state->error.type), "message",
                     saga_json_string(state->error.message));
}

json_t *saga_list_json(const struct saga_state *state, struct saga_arena *arena)
{
    return json_pack(
        "{s:o, s:o, s:I, s:s, s:b, s:o, s:o, s:o, s:o}", "id", saga_json_string(state->id),
        "definition", saga_json_string(state->name), "version", (json_int_t)state->version,
        "status", saga_status_name(state->status), "paused", state->paused, "at",
        saga_json_string(saga_standing(state, arena)), "started", saga_json_time(state->started_ms),
        "changed", saga_json_time(state->changed_ms), "error", error_json(state));
}

/* Calls `visit` for each row's state; a saga that left between the two reads is passed over. */
static int visit_rows(struct saga_call *call, uint32_t lanes, const struct saga_view_filter *filter,
                      void (*visit)(const struct saga_state *state, void *context), void *context)
{
    struct saga_view_row *rows;
    size_t count;
    int code = SAGA_EXIT_DONE;
    if (saga_views_list(call->views, lanes, filter, call->arena, &rows, &count) < 0)
        return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga doctor` says more", "%s",
                              saga_views_problem(call->views));
    for (size_t i = 0; i < count; i++) {
        struct saga_address address = { .saga_id = rows[i].saga_id, .lane = rows[i].lane };
        struct saga_state *state;
        code = saga_state_read(call, &address, true, &state);
        if (code == SAGA_EXIT_NOT_FOUND) continue;
        if (code != SAGA_EXIT_DONE) return code;
        visit(state, context);
        saga_state_free(state);
    }
    return SAGA_EXIT_DONE;
}

struct listing {
    struct saga_call *call;
    struct saga_table table; /* as text */
    json_t *rows;            /* as JSON */
    int64_t now_ms;
};

void saga_list_table(struct saga_table *table, struct saga_arena *arena)
{
    saga_table_init(table, arena, "SAGA", "STATUS", "AT", "CHANGED", "TROUBLE", NULL);
}

void saga_list_add(struct saga_table *table, const struct saga_state *state, int64_t now_ms)
{
    struct saga_arena *arena = table->arena;
    saga_table_add(table, saga_arena_string(arena, state->id), saga_status_name(state->status),
                   saga_standing(state, arena).data, saga_age(arena, state->changed_ms, now_ms),
                   saga_trouble(state, arena).data);
}

static void add_text_row(const struct saga_state *state, void *context)
{
    struct listing *l = context;
    saga_list_add(&l->table, state, l->now_ms);
}

static void add_json_row(const struct saga_state *state, void *context)
{
    struct listing *l = context;
    json_array_append_new(l->rows, saga_list_json(state, l->call->arena));
}

static int fail_to_count(struct saga_call *call)
{
    return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga doctor` says more", "%s",
                          saga_views_problem(call->views));
}

static int print_counts(struct saga_call *call, FILE *out, uint32_t lanes,
                        const struct saga_view_filter *filter)
{
    struct saga_view_count *counts;
    size_t count;
    if (saga_views_counts(call->views, lanes, filter, call->arena, &counts, &count) < 0)
        return fail_to_count(call);
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || !saga_slice_equal(counts[i].name, counts[i - 1].name);
        if (first) fprintf(out, "\n%.*s:", SAGA_SLICE_ARG(counts[i].name));
        fprintf(out, "%s %" PRIu64 " %.*s", first ? "" : ",", counts[i].count,
                SAGA_SLICE_ARG(counts[i].status));
    }
    if (count) fputc('\n', out);
    return SAGA_EXIT_DONE;
}

void saga_list_hint(const struct saga_view_filter *filter, const struct saga_view_count *counts,
                    size_t count, struct saga_arena *arena, FILE *out)
{
    const char **names = SAGA_NEW_ARRAY(arena, const char *, count);
    bool known = !filter->name.data;
    for (size_t i = 0; i < count; i++) {
        names[i] = saga_arena_string(arena, counts[i].name);
        known = known || saga_slice_equal(counts[i].name, filter->name);
    }
    if (!known) {
        const char *near = saga_nearest(filter->name, names, count);
        fprintf(out, "  there is no saga of a definition \"%.*s\"", SAGA_SLICE_ARG(filter->name));
        if (near) fprintf(out, "; did you mean \"%s\"?", near);
        fputc('\n', out);
    } else if (filter->search.data) {
        fputs("  --search finds what a definition names under `search`, by its whole value\n", out);
    }
}

/* Why there may be none, where that can be seen. */
static int print_none(struct saga_call *call, uint32_t lanes, const struct saga_view_filter *filter,
                      FILE *out)
{
    struct saga_view_count *counts;
    size_t count;
    fputs("no such sagas\n", out);
    if (saga_views_counts(call->views, lanes, NULL, call->arena, &counts, &count) < 0)
        return fail_to_count(call);
    saga_list_hint(filter, counts, count, call->arena, out);
    return SAGA_EXIT_DONE;
}

/* Behind what was printed, where it is seen. */
static int warn_of_lanes(struct saga_call *call, uint32_t lanes, FILE *warnings)
{
    if (warnings == stderr) fflush(stdout);
    return saga_call_warn_of_lanes(call, lanes, warnings);
}

int saga_list_print(struct saga_call *call, uint32_t lanes, const struct saga_view_filter *filter,
                    FILE *rows, FILE *counts, FILE *warnings)
{
    struct listing text = { .call = call, .now_ms = saga_now_ms() };
    saga_list_table(&text.table, call->arena);
    int code = visit_rows(call, lanes, filter, add_text_row, &text);
    if (code != SAGA_EXIT_DONE) return code;
    if (text.table.count > 1)
        saga_table_print(&text.table, rows);
    else
        code = print_none(call, lanes, filter, rows);
    if (code == SAGA_EXIT_DONE) code = print_counts(call, counts, lanes, filter);
    return code == SAGA_EXIT_DONE ? warn_of_lanes(call, lanes, warnings) : code;
}

static int run(struct saga_call *call)
{
    uint32_t lanes;
    struct saga_view_filter filter;
    int code = saga_list_filter(call, &filter);
    if (code == SAGA_EXIT_DONE) code = saga_call_lanes(call, &lanes);
    if (code != SAGA_EXIT_DONE) return code;
    if (call->output == SAGA_OUTPUT_TEXT)
        return saga_list_print(call, lanes, &filter, stdout, stdout, stderr);
    struct listing listing = { .call = call, .rows = json_array() };
    code = visit_rows(call, lanes, &filter, add_json_row, &listing);
    if (code != SAGA_EXIT_DONE) {
        json_decref(listing.rows);
        return code;
    }
    saga_print_rows(call, listing.rows);
    return warn_of_lanes(call, lanes, stderr);
}

const struct argp_option saga_list_options[] = {
    { "definition", KEY_DEFINITION, "NAME", 0, "only sagas of this definition", 0 },
    { "status", KEY_STATUS, "STATUS", 0,
      "only running, compensating, stuck, completed, compensated or abandoned ones", 0 },
    { "search", KEY_SEARCH, "NAME:VALUE", 0, "only those with this search attribute", 0 },
    { "limit", KEY_LIMIT, "NUMBER", 0, "at most so many, the newest (default 20)", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_list = {
    .name = "list",
    .summary = "list sagas, the newest first, and count them",
    .details = "What is counted is what the options ask for, also beyond --limit. CHANGED says how "
               "long ago something last happened to the saga that the journal "
               "keeps: also what changed nothing, like an answer that came twice or an "
               "operator's command that was refused. `saga history` tells what it was. Lanes whose "
               "sagas are not all in Redis at present are warned of.",
    .examples = "  saga list\n"
                "  saga list --status stuck\n"
                "  saga list --search customer:c-17 --limit 5 -o jsonl",
    .options = saga_list_options,
    .configured = true,
    .has_output = true,
    .run = run,
};
