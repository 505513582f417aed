#include "operate/against.h"

#include <string.h>

#include "base/error.h"
#include "definition/compare.h"
#include "operate/output.h"
#include "operate/sagas.h"

/* Sagas whose states are looked at; of more the first so many. */
enum { SAGAS_LOOKED_AT_MAX = 10000 };

/* What runs on the old version. */
struct running {
    bool known;
    const char *why_not;
    size_t sagas, concerned; /* all; those that stand at a place that changed */
    size_t *standing;        /* by change */
};

/* ---- where a saga stands ---- */

static bool is_at_step(const struct saga_step_state *s, const struct saga_block *block)
{
    bool open = s->status == SAGA_STEP_SENT || s->status == SAGA_STEP_BACKOFF ||
                s->compensation == SAGA_COMPENSATION_SENT ||
                s->compensation == SAGA_COMPENSATION_BACKOFF ||
                s->compensation == SAGA_COMPENSATION_FAILED ||
                s->compensation == SAGA_COMPENSATION_EXHAUSTED;
    return open && s->block == block->id;
}

/* The list that a scope runs; NULL: none, as it only keeps a loop's elements. */
static const struct saga_block_list *list_of(const struct saga_definition *d,
                                             const struct saga_scope *scope)
{
    const struct saga_block *block = scope->block < d->block_count ? d->blocks[scope->block] : NULL;
    if (scope->id == SAGA_SCOPE_ROOT) return &d->root;
    if (!block || scope->loop || block->branch_count == 0) return NULL;
    bool loop = block->kind == SAGA_BLOCK_FOR_EACH || block->kind == SAGA_BLOCK_REPEAT;
    uint32_t branch = loop ? 0 : scope->index;
    return branch < block->branch_count ? &block->branches[branch].blocks : NULL;
}

/* Does the saga stand at the block: is a step of it open, or does a list wait at it? */
static bool stands_at(const struct saga_definition *d, const struct saga_state *state,
                      const struct saga_block *block)
{
    for (size_t i = 0; i < state->step_count; i++)
        if (is_at_step(&state->steps[i], block)) return true;
    for (size_t i = 0; i < state->scope_count; i++) {
        const struct saga_scope *scope = &state->scopes[i];
        const struct saga_block_list *list = list_of(d, scope);
        if (!scope->ended && list && scope->position < list->count &&
            list->items[scope->position] == block)
            return true;
    }
    return false;
}

/* ---- the running sagas ---- */

static void look_at(struct running *r, const struct saga_definition *before,
                    const struct saga_change *changes, size_t count, const struct saga_state *state)
{
    bool concerned = false;
    if (state->version != before->version || saga_status_has_ended(state->status) ||
        state->kind != SAGA_KIND_SAGA)
        return;
    r->sagas++;
    for (size_t i = 0; i < count; i++) {
        if (!changes[i].block || !stands_at(before, state, changes[i].block)) continue;
        r->standing[i]++;
        concerned = true;
    }
    r->concerned += concerned;
}

static int look_at_status(struct saga_call *call, struct running *r, uint32_t lanes,
                          enum saga_status status, const struct saga_definition *before,
                          const struct saga_change *changes, size_t count)
{
    const struct saga_view_filter filter = { .name = before->name,
                                             .status = saga_slice_of(saga_status_name(status)),
                                             .limit = SAGAS_LOOKED_AT_MAX };
    struct saga_view_row *rows;
    size_t row_count;
    if (saga_views_list(call->views, lanes, &filter, call->arena, &rows, &row_count) < 0)
        return SAGA_EXIT_FAILED;
    for (size_t i = 0; i < row_count; i++) {
        const struct saga_address address = { .saga_id = rows[i].saga_id, .lane = rows[i].lane };
        struct saga_state *state;
        int code = saga_state_read(call, &address, true, &state);
        if (code == SAGA_EXIT_NOT_FOUND) continue;
        if (code != SAGA_EXIT_DONE) return code;
        look_at(r, before, changes, count, state);
        saga_state_free(state);
    }
    return SAGA_EXIT_DONE;
}

static struct running find_running(struct saga_call *call, const struct saga_definition *before,
                                   const struct saga_change *changes, size_t count)
{
    static const enum saga_status open[] = { SAGA_RUNNING, SAGA_COMPENSATING, SAGA_STUCK };
    struct running r = { .standing = SAGA_NEW_ARRAY(call->arena, size_t, count ? count : 1) };
    uint32_t lanes = 0;
    int code = saga_call_settings(call);
    if (code == SAGA_EXIT_DONE && saga_call_views(call) == SAGA_EXIT_DONE &&
        saga_views_lanes(call->views, &lanes) == SAGA_OK) {
        for (size_t i = 0; i < sizeof open / sizeof open[0] && code == SAGA_EXIT_DONE; i++)
            code = look_at_status(call, &r, lanes, open[i], before, changes, count);
        r.known = code == SAGA_EXIT_DONE;
    }
    if (!r.known)
        r.why_not =
            call->views ? saga_views_problem(call->views) : "there are no settings of Redis";
    return r;
}

/* ---- printing ---- */

static void print_change(const struct saga_change *change, size_t standing)
{
    printf("  %.*s %s", SAGA_SLICE_ARG(change->place), change->kind);
    if (change->what.size) {
        printf(": %.*s", SAGA_SLICE_ARG(change->what));
        if (change->before.size) printf(" was %.*s,", SAGA_SLICE_ARG(change->before));
        printf(" %s %.*s", change->before.size ? "is now" : "is", SAGA_SLICE_ARG(change->after));
        if (!change->after.size) printf("no more");
    }
    if (standing) printf("  (%zu running %s there)", standing, standing == 1 ? "stands" : "stand");
    putchar('\n');
}

static void print_text(const struct saga_definition *before, const struct saga_definition *after,
                       const struct saga_change *changes, size_t count, const struct running *r)
{
    printf("%.*s: version %u against version %u: ", SAGA_SLICE_ARG(after->name), after->version,
           before->version);
    if (strcmp(before->sha256, after->sha256) == 0)
        puts("the same file");
    else if (count == 0)
        puts("nothing that a saga would do otherwise");
    else
        printf("%zu %s\n", count, count == 1 ? "change" : "changes");
    for (size_t i = 0; i < count; i++) print_change(&changes[i], r->standing[i]);
    if (!r->known)
        printf("How many sagas run on version %u is not known: %s\n", before->version, r->why_not);
    else if (r->sagas == 0)
        printf("No saga runs on version %u.\n", before->version);
    else
        printf("%zu %s on version %u, and %s on it to the end; %zu of them %s at a place that "
               "changed.\n",
               r->sagas, r->sagas == 1 ? "saga runs" : "sagas run", before->version,
               r->sagas == 1 ? "stays" : "stay", r->concerned,
               r->concerned == 1 ? "stands" : "stand");
}

json_t *saga_change_json(const struct saga_change *change)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "kind", change->kind, "place",
                     saga_json_string(change->place), "field", saga_json_string(change->what),
                     "before", saga_json_string(change->before), "after",
                     saga_json_string(change->after));
}

static json_t *comparison_json(const struct saga_definition *before,
                               const struct saga_definition *after,
                               const struct saga_change *changes, size_t count,
                               const struct running *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *change = saga_change_json(&changes[i]);
        json_object_set_new(change, "standing", json_integer((json_int_t)r->standing[i]));
        json_array_append_new(list, change);
    }
    return json_pack("{s:o, s:I, s:I, s:o, s:o, s:o}", "definition", saga_json_string(after->name),
                     "before", (json_int_t)before->version, "after", (json_int_t)after->version,
                     "changes", list, "running",
                     r->known ? json_integer((json_int_t)r->sagas) : json_null(), "concerned",
                     r->known ? json_integer((json_int_t)r->concerned) : json_null());
}

/* ---- the whole ---- */

static void compare(struct saga_call *call, const struct saga_definition *before,
                    const struct saga_definition *after, json_t *ret_json)
{
    struct saga_change *changes;
    size_t count;
    saga_definition_compare(before, after, call->arena, &changes, &count);
    struct running r = find_running(call, before, changes, count);
    if (ret_json)
        json_array_append_new(ret_json, comparison_json(before, after, changes, count, &r));
    else
        print_text(before, after, changes, count, &r);
}

/* One content too many of a version is a finding there (SG801). */
static void compare_deployed(struct saga_call *call, const struct saga_definition *after,
                             const struct saga_catalog *deployed, json_t *ret_json)
{
    const struct saga_definition *before = saga_catalog_find(deployed, after->name, after->version);
    if (!before) before = saga_catalog_newest(deployed, after->name);
    if (before)
        compare(call, before, after, ret_json);
    else if (!ret_json)
        printf("%.*s: nothing of that name is deployed, so nothing runs on it\n",
               SAGA_SLICE_ARG(after->name));
}

static int compare_file(struct saga_call *call, const struct saga_definition *before,
                        const struct saga_definition *after, json_t *ret_json)
{
    if (!saga_slice_equal(before->name, after->name)) {
        if (!ret_json)
            printf("%.*s is another saga than %.*s: nothing to compare\n",
                   SAGA_SLICE_ARG(after->name), SAGA_SLICE_ARG(before->name));
        return SAGA_EXIT_DONE;
    }
    compare(call, before, after, ret_json);
    if (before->version != after->version || strcmp(before->sha256, after->sha256) == 0)
        return SAGA_EXIT_DONE;
    return saga_call_fail(call, SAGA_EXIT_FAILED, "give the new one another `version`",
                          "%.*s version %u has two contents", SAGA_SLICE_ARG(after->name),
                          after->version);
}

int saga_compare_against(struct saga_call *call, const char *against,
                         struct saga_definition *const *definitions, size_t count,
                         const struct saga_catalog *deployed, json_t *ret_json)
{
    int worst = SAGA_EXIT_DONE;
    struct saga_definition *before = NULL;
    if (!deployed) {
        int code = saga_load_files(call, NULL, &against, 1, &before);
        if (code != SAGA_EXIT_DONE) return code;
    }
    for (size_t i = 0; i < count; i++) {
        int code = SAGA_EXIT_DONE;
        if (deployed)
            compare_deployed(call, definitions[i], deployed, ret_json);
        else
            code = compare_file(call, before, definitions[i], ret_json);
        if (code != SAGA_EXIT_DONE) worst = code;
    }
    saga_definition_free(before);
    return worst;
}
