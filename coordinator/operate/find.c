/* Sagas by what no index knows of them: their states are looked through, in portions that grow. */
#include "base/error.h"
#include "operate/opening.h"
#include "operate/sagas.h"

/* States that are read at once, at first and at most, and sagas that one question looks through: some 30 ms of Redis and
 * processor. Where rows have the texts of errors, more at first. Large states are read in smaller portions. */
enum { PORTION = 250, PORTION_OF_ERRORS = 2000, PORTION_MAX = 4000, LOOKED_AT_MAX = 10000 };
enum { PORTION_BYTES = 8 * 1024 * 1024 };

static bool is_by_state(const struct saga_wanted *wanted)
{
    return wanted->step.data || wanted->error.data || wanted->filter;
}

/* By what a glance shows. */
static bool may_be_wanted(const struct saga_wanted *wanted, const struct saga_state *state)
{
    return (!wanted->error.data || saga_filter_has_error(state, wanted->error)) &&
           (!wanted->filter || saga_filter_may_match(wanted->filter, state));
}

static bool is_wanted(const struct saga_wanted *wanted, const struct saga_state *state)
{
    return (!wanted->step.data || saga_filter_is_at(state, wanted->step)) &&
           (!wanted->error.data || saga_filter_has_error(state, wanted->error)) &&
           (!wanted->filter || saga_filter_matches(wanted->filter, state));
}

static int fail(struct saga_call *call, int error)
{
    if (error == SAGA_E_LIMIT)
        return saga_call_fail(call, SAGA_EXIT_USAGE, "ask for another search value as well",
                              "more than %d sagas have that search value", SAGA_SEARCH_HITS_MAX);
    return saga_call_fail(call, SAGA_EXIT_FAILED, "`saga doctor` says more", "%s",
                          saga_views_problem(call->views));
}

/* Most are not wanted, which a glance shows. */
static bool is_worth_reading(struct saga_call *call, struct saga_slice bytes,
                             const struct saga_wanted *wanted, struct saga_arena *arena)
{
    struct saga_state head;
    struct saga_diagnostic diagnostic = { 0 };
    if (!is_by_state(wanted)) return true;
    if (saga_state_glance(call->codec, bytes, arena, &head, &diagnostic) < 0) return false;
    saga_cover_state(&head);
    return may_be_wanted(wanted, &head);
}

/* A state that cannot be read is passed over here; asking for the saga says what is wrong with it. */
static bool visit_wanted(struct saga_call *call, struct saga_slice bytes,
                         const struct saga_wanted *wanted, struct saga_arena *arena,
                         saga_visit_state *visit, void *context)
{
    struct saga_state *state;
    struct saga_diagnostic diagnostic = { 0 };
    if (!bytes.data || !is_worth_reading(call, bytes, wanted, arena) ||
        saga_state_decode(call->codec, bytes, arena, &state, &diagnostic) < 0)
        return false;
    saga_cover_state(state);
    bool is = is_wanted(wanted, state);
    if (is) visit(state, context);
    saga_state_free(state);
    return is;
}

/* ---- portions ---- */

struct looking {
    struct saga_call *call;
    uint32_t lanes;
    const struct saga_wanted *wanted;
    saga_visit_state *visit;
    void *context;
    struct saga_view_page page; /* the next portion */
    size_t found, looked_at;
    size_t bytes, states;    /* of states that were read: how large are they? */
    struct saga_arena arena; /* of a portion */
};

/* As many as are wanted, or more of them where many have to be looked at; not much more memory than that. */
static size_t next_portion(const struct looking *l)
{
    size_t left = LOOKED_AT_MAX - l->looked_at, next = 2 * l->page.limit;
    size_t room = PORTION_BYTES / (l->states ? l->bytes / l->states + 1 : 1);
    if (!is_by_state(l->wanted)) return l->wanted->page.limit - l->found;
    if (next > PORTION_MAX) next = PORTION_MAX;
    if (next > room) next = room;
    if (next > left) next = left;
    return next ? next : 1;
}

/* By what the row says of its saga's error. */
static bool may_be_row_wanted(const struct saga_wanted *wanted, const struct saga_view_row *row)
{
    if (!row->error.data) return true;
    return (!wanted->error.size || saga_filter_may_have_error(row->error, wanted->error)) &&
           (!wanted->filter || saga_filter_may_have_errors(wanted->filter, row->error));
}

/* The rows whose states are worth reading, from `*at` on: all of them, or where most have been told apart already no more
 * than are still wanted. `*at` is behind the last one then. */
static size_t next_rows(const struct looking *l, const struct saga_view_row *rows, size_t count,
                        size_t *at, struct saga_view_row *ret)
{
    size_t kept = 0, most = l->page.has_error ? l->wanted->page.limit - l->found : count;
    for (; *at < count && kept < most; ++*at)
        if (may_be_row_wanted(l->wanted, &rows[*at])) ret[kept++] = rows[*at];
    return kept;
}

/* Visits those of the rows that are wanted; `*ret_looked_at` is how many were looked at until there were enough. Errors: as of the
 * views. */
static int visit_rows(struct looking *l, const struct saga_view_row *rows, size_t count,
                      size_t *ret_looked_at)
{
    struct saga_slice *states = SAGA_NEW_ARRAY(&l->arena, struct saga_slice, count);
    size_t i = 0;
    int error = saga_views_rows_states(l->call->views, l->lanes, rows, count, &l->arena, states);
    if (error < 0) return error;
    for (; i < count && l->found < l->wanted->page.limit; i++) {
        l->bytes += states[i].size;
        l->states++;
        l->found += visit_wanted(l->call, states[i], l->wanted, &l->arena, l->visit, l->context);
    }
    *ret_looked_at = i;
    return SAGA_OK;
}

/* The next portion begins behind it. */
static void keep_place(struct looking *l, const struct saga_view_row *last,
                       struct saga_view_row *ret_last)
{
    *ret_last = *last;
    ret_last->saga_id = saga_arena_copy(l->call->arena, last->saga_id);
    ret_last->error = SAGA_SLICE_NONE;
    l->page.has_after = true;
    l->page.after_ms = ret_last->changed_ms;
    l->page.after_id = ret_last->saga_id;
}

/* Looks through one portion. Errors: as of the views. */
static int look_at_portion(struct looking *l, bool *ret_more, struct saga_view_row *ret_last)
{
    struct saga_view_row *rows;
    size_t count, at = 0;
    saga_arena_reset(&l->arena);
    int error =
        saga_views_page(l->call->views, l->lanes, &l->page, &l->arena, &rows, &count, ret_more);
    if (error < 0) return error;
    struct saga_view_row *worth = SAGA_NEW_ARRAY(&l->arena, struct saga_view_row, count);
    const struct saga_view_row *last = NULL;
    while (at < count && l->found < l->wanted->page.limit) {
        size_t looked_at, kept = next_rows(l, rows, count, &at, worth);
        error = visit_rows(l, worth, kept, &looked_at);
        if (error < 0) return error;
        bool enough = l->found == l->wanted->page.limit;
        last = enough && looked_at ? &worth[looked_at - 1] : &rows[at - 1];
        if (enough && looked_at < kept) at = count - 1; /* some of the portion was not looked at */
    }
    if (last) keep_place(l, last, ret_last);
    if (at < count) *ret_more = true;
    if (count == 0) *ret_more = false;
    l->looked_at += count;
    l->page.limit = next_portion(l);
    return SAGA_OK;
}

int saga_find(struct saga_call *call, uint32_t lanes, const struct saga_wanted *wanted,
              saga_visit_state *visit, void *context, bool *ret_more,
              struct saga_view_row *ret_last)
{
    struct looking l = { .call = call,
                         .lanes = lanes,
                         .wanted = wanted,
                         .visit = visit,
                         .context = context,
                         .page = wanted->page };
    int code = saga_call_codec(call), error = SAGA_OK;
    *ret_more = code == SAGA_EXIT_DONE;
    if (wanted->step.data) l.page.step = wanted->step;
    if (wanted->error.size) l.page.has_error = true;
    if (is_by_state(wanted)) l.page.limit = l.page.has_error ? PORTION_OF_ERRORS : PORTION;
    saga_arena_init(&l.arena);
    while (code == SAGA_EXIT_DONE && error == SAGA_OK && *ret_more &&
           l.found < wanted->page.limit && l.looked_at < LOOKED_AT_MAX)
        error = look_at_portion(&l, ret_more, ret_last);
    saga_arena_free(&l.arena);
    return error < 0 ? fail(call, error) : code;
}
