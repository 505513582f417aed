/* `saga list`: what there is, newest first, and how many of each. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "operate/bulk.h"
#include "operate/lanes.h"
#include "operate/opening.h"
#include "operate/output.h"
#include "operate/sagas.h"
#include "operate/words.h"

enum {
    KEY_DEFINITION = 'd',
    KEY_STATUS = 's',
    KEY_LIMIT = 'n',
    KEY_SEARCH = 256,
    KEY_STEP,
    KEY_ERROR,
    KEY_WHERE
};
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
    if (saga_state_decode(call->codec, bytes, call->arena, ret, &diagnostic) == SAGA_OK) {
        if (quiet) saga_cover_state(*ret);
        return SAGA_EXIT_DONE;
    }
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
    *ret = (struct saga_view_filter){ 0 };
    int code = saga_call_definition(call, KEY_DEFINITION, &ret->name, &ret->version);
    if (code == SAGA_EXIT_DONE)
        code = saga_list_status(call, saga_call_option(call, KEY_STATUS), &ret->status);
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

/* What no index knows: states are looked through, the newest first. */
static int visit_found(struct saga_call *call, uint32_t lanes,
                       const struct saga_view_filter *filter, saga_visit_state *visit,
                       void *context)
{
    struct saga_view_row last = { 0 };
    bool more;
    const struct saga_wanted wanted = { .page = { .name = filter->name,
                                                  .version = filter->version,
                                                  .status = filter->status,
                                                  .search = &filter->search,
                                                  .search_count = filter->search.data != NULL,
                                                  .until_ms = INT64_MAX,
                                                  .limit = filter->limit },
                                        .step = saga_slice_of(saga_call_option(call, KEY_STEP)),
                                        .error = saga_slice_of(saga_call_option(call, KEY_ERROR)) };
    return saga_find(call, lanes, &wanted, visit, context, &more, &last);
}

/* Calls `visit` for each row's state; a saga that left between the two reads is passed over. */
static int visit_rows(struct saga_call *call, uint32_t lanes, const struct saga_view_filter *filter,
                      saga_visit_state *visit, void *context)
{
    struct saga_view_row *rows;
    size_t count;
    int code = SAGA_EXIT_DONE;
    if (saga_call_has(call, KEY_STEP) || saga_call_has(call, KEY_ERROR))
        return visit_found(call, lanes, filter, visit, context);
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
    size_t found;
};

static void add_text_row(const struct saga_state *state, void *context)
{
    struct listing *l = context;
    saga_list_add(&l->table, state, l->now_ms);
    l->found++;
}

static void add_json_row(const struct saga_state *state, void *context)
{
    struct listing *l = context;
    json_array_append_new(l->rows, saga_list_json(state, l->call->arena));
    l->found++;
}

static int fail_to_count(struct saga_call *call)
{
    return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga doctor` says more", "%s",
                          saga_views_problem(call->views));
}

static int by_status_and_step(const void *left, const void *right)
{
    const struct saga_view_standing *a = left, *b = right;
    int order = saga_slice_compare(a->status, b->status);
    return order ? order : saga_slice_compare(a->step, b->step);
}

/* "  stuck at ship 3; running at charge 7, ship 5", each over all versions of a definition. */
static void print_steps(FILE *out, const struct saga_view_standing *items, size_t count,
                        struct saga_arena *arena)
{
    struct saga_view_standing *merged = SAGA_NEW_ARRAY(arena, struct saga_view_standing, count);
    struct saga_slice status = SAGA_SLICE_NONE;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        if (!items[i].step.data) continue;
        while (same < kept && (!saga_slice_equal(merged[same].status, items[i].status) ||
                               !saga_slice_equal(merged[same].step, items[i].step)))
            same++;
        if (same < kept)
            merged[same].count += items[i].count;
        else
            merged[kept++] = items[i];
    }
    if (kept) qsort(merged, kept, sizeof *merged, by_status_and_step);
    for (size_t i = 0; i < kept; i++) {
        bool again = saga_slice_equal(status, merged[i].status);
        if (!again) fprintf(out, "%s%.*s at", i ? "; " : "  ", SAGA_SLICE_ARG(merged[i].status));
        status = merged[i].status;
        fprintf(out, "%s %s %" PRIu64, again ? "," : "", saga_arena_string(arena, merged[i].step),
                merged[i].count);
    }
    if (kept) fputc('\n', out);
}

/* The part of `standings` that is of that definition. */
static void print_steps_of(FILE *out, const struct saga_view_standing *standings, size_t count,
                           struct saga_slice name, struct saga_arena *arena)
{
    size_t from = 0, end;
    while (from < count && !saga_slice_equal(standings[from].name, name)) from++;
    for (end = from; end < count && saga_slice_equal(standings[end].name, name);) end++;
    print_steps(out, standings + from, end - from, arena);
}

/* How many of each status are at that step, over all versions. */
static size_t counts_at(const struct saga_view_standing *standings, size_t standing_count,
                        struct saga_slice step, struct saga_arena *arena,
                        struct saga_view_count **ret)
{
    struct saga_view_count *counts = SAGA_NEW_ARRAY(arena, struct saga_view_count, standing_count);
    size_t count = 0;
    for (size_t i = 0; i < standing_count; i++) {
        const struct saga_view_standing *s = &standings[i];
        size_t same = 0;
        if (!saga_slice_equal(s->step, step)) continue;
        while (same < count && (!saga_slice_equal(counts[same].name, s->name) ||
                                !saga_slice_equal(counts[same].status, s->status)))
            same++;
        if (same < count)
            counts[same].count += s->count;
        else
            counts[count++] = (struct saga_view_count){ s->name, s->status, s->count };
    }
    *ret = counts;
    return count;
}

static int print_counts(struct saga_call *call, FILE *out, uint32_t lanes,
                        const struct saga_view_filter *filter)
{
    struct saga_view_count *counts;
    struct saga_view_standing *standings = NULL;
    struct saga_slice step = saga_slice_of(saga_call_option(call, KEY_STEP));
    size_t count, standing_count = 0;
    /* of a search value it is not known at which steps its sagas are */
    if (step.data && filter->search.data) return SAGA_EXIT_DONE;
    if (!filter->search.data && saga_views_standings(call->views, lanes, filter, call->arena,
                                                     &standings, &standing_count) < 0)
        return fail_to_count(call);
    if (step.data)
        count = counts_at(standings, standing_count, step, call->arena, &counts);
    else if (saga_views_counts(call->views, lanes, filter, call->arena, &counts, &count) < 0)
        return fail_to_count(call);
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || !saga_slice_equal(counts[i].name, counts[i - 1].name);
        bool last = i + 1 == count || !saga_slice_equal(counts[i].name, counts[i + 1].name);
        if (first) fprintf(out, "\n%.*s:", SAGA_SLICE_ARG(counts[i].name));
        fprintf(out, "%s %" PRIu64 " %.*s", first ? "" : ",", counts[i].count,
                SAGA_SLICE_ARG(counts[i].status));
        if (last && step.data)
            fprintf(out, " at %s\n", saga_arena_string(call->arena, step));
        else if (last)
            fputc('\n', out);
        if (last && !step.data)
            print_steps_of(out, standings, standing_count, counts[i].name, call->arena);
    }
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
    /* of a part of an error's text it is not known how many there are */
    if (code == SAGA_EXIT_DONE && !saga_call_has(call, KEY_ERROR))
        code = print_counts(call, counts, lanes, filter);
    return code == SAGA_EXIT_DONE ? warn_of_lanes(call, lanes, warnings) : code;
}

/* ---- by a filter ---- */

static void add_row(const struct saga_state *state, void *context)
{
    struct listing *l = context;
    if (l->rows)
        add_json_row(state, l);
    else
        add_text_row(state, l);
}

/* As many as are asked for, however many have to be looked at. */
static int visit_where(struct saga_call *call, uint32_t lanes, struct saga_wanted *wanted,
                       struct listing *listing, bool *ret_more)
{
    struct saga_view_row last = { 0 };
    size_t limit = wanted->page.limit;
    int code = SAGA_EXIT_DONE;
    *ret_more = saga_filter_narrow(wanted->filter, call->arena, &wanted->page);
    while (code == SAGA_EXIT_DONE && *ret_more && listing->found < limit) {
        size_t before = listing->found;
        last.saga_id = SAGA_SLICE_NONE;
        wanted->page.limit = limit - before;
        code = saga_find(call, lanes, wanted, add_row, listing, ret_more, &last);
        if (!last.saga_id.data) *ret_more = false;
        wanted->page.has_after = true;
        wanted->page.after_ms = last.changed_ms;
        wanted->page.after_id = last.saga_id;
    }
    return code;
}

static int run_where(struct saga_call *call, const struct saga_view_filter *given,
                     struct saga_slice where)
{
    uint32_t lanes;
    struct listing listing = { .call = call, .now_ms = saga_now_ms() };
    struct saga_filter filter;
    struct saga_wanted wanted = { .filter = &filter,
                                  .step = saga_slice_of(saga_call_option(call, KEY_STEP)),
                                  .error = saga_slice_of(saga_call_option(call, KEY_ERROR)),
                                  .page = { .name = given->name,
                                            .version = given->version,
                                            .status = given->status,
                                            .search = &given->search,
                                            .search_count = given->search.data ? 1 : 0,
                                            .until_ms = INT64_MAX,
                                            .limit = given->limit } };
    bool more;
    int code = saga_where_read(call, where, listing.now_ms, &filter);
    if (code == SAGA_EXIT_DONE) code = saga_call_lanes(call, &lanes);
    if (code != SAGA_EXIT_DONE) return code;
    saga_list_table(&listing.table, call->arena);
    if (call->output != SAGA_OUTPUT_TEXT) listing.rows = json_array();
    code = visit_where(call, lanes, &wanted, &listing, &more);
    if (code != SAGA_EXIT_DONE) {
        json_decref(listing.rows);
        return code;
    }
    if (listing.rows)
        saga_print_rows(call, listing.rows);
    else if (listing.found)
        saga_table_print(&listing.table, stdout);
    else
        puts("no such sagas");
    if (!listing.rows && more) puts("and there may be more: --limit");
    return warn_of_lanes(call, lanes, stderr);
}

static int run(struct saga_call *call)
{
    uint32_t lanes;
    struct saga_view_filter filter;
    struct saga_slice where = saga_where_option(call, KEY_WHERE);
    int code = saga_list_filter(call, &filter);
    if (code == SAGA_EXIT_DONE && where.data) return run_where(call, &filter, where);
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

#define LIST_OPTIONS                                                                               \
    { "definition", KEY_DEFINITION, "NAME[@VERSION]", 0, "only sagas of this definition", 0 },     \
        { "status",                                                                                \
          KEY_STATUS,                                                                              \
          "STATUS",                                                                                \
          0,                                                                                       \
          "only running, compensating, stuck, completed, compensated or abandoned ones",           \
          0 },                                                                                     \
        { "search", KEY_SEARCH, "NAME:VALUE", 0, "only those with this search attribute", 0 },     \
        { "step", KEY_STEP, "NAME", 0, "only those that are at this step, or hang on it", 0 },     \
        { "error",                                                                                 \
          KEY_ERROR,                                                                               \
          "TEXT",                                                                                  \
          0,                                                                                       \
          "only those with this in their error, whatever its case; of those with an error the "    \
          "newest 10000 are looked through",                                                       \
          0 },                                                                                     \
    {                                                                                              \
        "limit", KEY_LIMIT, "NUMBER", 0, "at most so many, the newest (default 20)", 0             \
    }

const struct argp_option saga_list_options[] = { LIST_OPTIONS, { 0 } };

static const struct argp_option own_options[] = {
    LIST_OPTIONS,
    { "where", KEY_WHERE, "FILTER", 0,
      "only those like this, as in 'status=stuck step=charge-card error~timeout changed<-1h'", 0 },
    { 0 },
};

const struct saga_subcommand saga_subcommand_list = {
    .name = "list",
    .summary = "list sagas, the newest first, and count them",
    .details = "What is counted is what the options ask for, also beyond --limit. CHANGED says how "
               "long ago something last happened to the saga that the journal "
               "keeps: also what changed nothing, like an answer that came twice or an "
               "operator's command that was refused. `saga history` tells what it was. Lanes whose "
               "sagas are not all in Redis at present are warned of. Below the counts stands at "
               "which steps sagas are; one that is at several is counted at each. With --where, "
               "nothing is counted.",
    .examples = "  saga list\n"
                "  saga list --status stuck\n"
                "  saga list --definition order-fulfilment@2 --step charge\n"
                "  saga list --search customer:c-17 --limit 5 -o jsonl\n"
                "  saga list --where 'status=stuck version<3 error~timeout changed<-1h'",
    .options = own_options,
    .configured = true,
    .has_output = true,
    .run = run,
};
