/* What can be known of a definition before anything runs (language.md, What `saga check` must find). */
#include "definition/load_internal.h"

/* Checking the expressions of one place: which steps have run there, which members are there. */
struct place {
    struct saga_loading *l;
    struct fy_node *node;
    size_t steps_before; /* steps [0, n) have run when it is evaluated */
    const char *what;
};

static void check_step_read(struct saga_slice name, void *context)
{
    struct place *place = context;
    struct saga_loading *l = place->l;
    for (size_t i = 0; i < l->block_count; i++) {
        if (!saga_slice_equal(l->blocks[i]->step.name, name)) continue;
        if (i < place->steps_before) return;
        saga_yaml_find(&l->yaml, place->node, SAGA_SEVERITY_ERROR, "SG203",
                       "%s reads step `%.*s`, which has not run at that place", place->what,
                       SAGA_SLICE_ARG(name))
            ->why = SAGA_SLICE("its value would always be null");
        return;
    }
    saga_yaml_find(&l->yaml, place->node, SAGA_SEVERITY_ERROR, "SG202",
                   "%s reads step `%.*s`, which there is not", place->what, SAGA_SLICE_ARG(name));
}

static void check_member(struct place *place, const struct saga_expression *expression,
                         const char *member, bool allowed, const char *mend)
{
    if (allowed || !saga_expression_names(expression, member)) return;
    saga_yaml_find(&place->l->yaml, place->node, SAGA_SEVERITY_ERROR, "SG204",
                   "%s reads .%s, which is not there", place->what, member)
        ->mend = saga_slice_of(mend);
}

static void check_expression(struct saga_loading *l, struct fy_node *parent, const char *field,
                             const struct saga_expression *expression, size_t steps_before,
                             bool reply, bool error)
{
    struct place place = { l, saga_yaml_get(parent, field), steps_before, field };
    if (!expression) return;
    saga_expression_steps(expression, check_step_read, &place);
    check_member(&place, expression, "reply", reply,
                 "only `keep` sees the reply; later steps see what was kept");
    check_member(&place, expression, "error", error, "it is there once the saga compensates");
}

/* ---- steps ---- */

static bool overlap(const struct saga_names *a, const struct saga_names *b, struct saga_slice *ret)
{
    for (size_t i = 0; i < a->count; i++) {
        *ret = a->items[i];
        if (saga_names_contain(b, a->items[i])) return true;
    }
    return false;
}

static void check_types(struct saga_loading *l, struct fy_node *node,
                        const struct saga_names *success, const struct saga_names *failure,
                        const struct saga_names *retried)
{
    struct saga_slice type;
    if (overlap(success, failure, &type))
        saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG401",
                       "`%.*s` is a success and a failure", SAGA_SLICE_ARG(type));
    if (overlap(success, retried, &type) || overlap(failure, retried, &type))
        saga_yaml_find(&l->yaml, node, SAGA_SEVERITY_ERROR, "SG401",
                       "`%.*s` is an answer and a reason to try again", SAGA_SLICE_ARG(type))
            ->mend = SAGA_SLICE("take it out of `retry.on`, or out of `success` and `failure`");
}

struct own_read {
    struct saga_slice name;
    bool found;
};

static void note_own(struct saga_slice step, void *context)
{
    struct own_read *own = context;
    own->found = own->found || saga_slice_equal(step, own->name);
}

/* With outcome unknown there is no reply to make the body from. */
static void check_unknown(struct saga_loading *l, struct fy_node *node,
                          const struct saga_step *step)
{
    struct own_read own = { step->name, false };
    const struct saga_compensate *compensate = &step->compensate;
    if (compensate->kind != SAGA_COMPENSATE_COMMAND || step->unknown_by_key ||
        compensate->unknown_body)
        return;
    if (compensate->command.body) saga_expression_steps(compensate->command.body, note_own, &own);
    if (!own.found) return;
    struct saga_diagnostic *finding = saga_yaml_find(
        &l->yaml, saga_yaml_get(saga_yaml_get(node, "compensate"), "body"), SAGA_SEVERITY_ERROR,
        "SG305", "the compensation of `%.*s` needs the reply of its own step",
        SAGA_SLICE_ARG(step->name));
    finding->why = SAGA_SLICE("when no answer came in time the step's outcome is unknown: it is "
                              "compensated, and there is "
                              "no reply");
    finding->mend = SAGA_SLICE(
        "give another body under `compensate.unknown-body`, or say `unknown: by-key` on the step: "
        "its service finds what to undo by the header ce_sagacompensates");
}

static void check_way_back(struct saga_loading *l, struct fy_node *node,
                           const struct saga_step *step)
{
    enum saga_compensate_kind kind = step->compensate.kind;
    if (step->pivot && step->behind_pivot)
        saga_yaml_find(&l->yaml, saga_yaml_get(node, "pivot"), SAGA_SEVERITY_ERROR, "SG302",
                       "a second pivot")
            ->why = SAGA_SLICE("behind the first one there is no way back any more");
    if ((step->pivot || step->behind_pivot) && kind != SAGA_COMPENSATE_UNDECLARED)
        saga_yaml_find(&l->yaml, saga_yaml_get(node, "compensate"), SAGA_SEVERITY_ERROR, "SG303",
                       "`%.*s` %s and is never compensated", SAGA_SLICE_ARG(step->name),
                       step->pivot ? "is the pivot" : "stands behind the pivot")
            ->mend = SAGA_SLICE("take `compensate` away");
    if (!step->pivot && !step->behind_pivot && kind == SAGA_COMPENSATE_UNDECLARED) {
        struct saga_diagnostic *finding = saga_yaml_find(
            &l->yaml, saga_yaml_get(node, "step"), SAGA_SEVERITY_ERROR, "SG301",
            "step `%.*s` does not say how it is compensated", SAGA_SLICE_ARG(step->name));
        finding->why = SAGA_SLICE("when a later step fails, what this one did would stay done");
        finding->mend = SAGA_SLICE("add `compensate: {send: participant/Command}`, or write "
                                   "`compensate: none` to say that "
                                   "there is nothing to take back");
    }
    if (step->behind_pivot && step->failure.count) {
        struct saga_diagnostic *finding = saga_yaml_find(
            &l->yaml, saga_yaml_get(node, "failure"), SAGA_SEVERITY_WARNING, "SG304",
            "step `%.*s` stands behind the pivot and can fail", SAGA_SLICE_ARG(step->name));
        finding->why =
            SAGA_SLICE("there is no way back: the saga would be stuck until an operator acts");
        finding->mend = SAGA_SLICE("let the service answer Unavailable, so that it is tried again");
    }
}

static void check_step(struct saga_loading *l, size_t index)
{
    const struct saga_step *step = &l->blocks[index]->step;
    struct fy_node *node = l->block_nodes[index], *compensate = saga_yaml_get(node, "compensate");
    for (size_t i = 0; i < index; i++)
        if (saga_slice_equal(l->blocks[i]->step.name, step->name)) {
            struct saga_diagnostic *finding =
                saga_yaml_find(&l->yaml, saga_yaml_get(node, "step"), SAGA_SEVERITY_ERROR, "SG104",
                               "there is a step `%.*s` already", SAGA_SLICE_ARG(step->name));
            saga_diagnostic_mend(finding, l->yaml.diagnostics->arena,
                                 "give it another name than the one on line %u",
                                 l->blocks[i]->position.line);
            break;
        }
    check_types(l, saga_yaml_get(node, "success"), &step->success, &step->failure, &step->retry.on);
    check_way_back(l, node, step);
    check_unknown(l, node, step);
    check_expression(l, node, "body", step->command.body, index, false, false);
    check_expression(l, node, "keep", step->keep, index, true, false);
    if (step->compensate.kind != SAGA_COMPENSATE_COMMAND) return;
    check_types(l, saga_yaml_get(compensate, "send"), &step->compensate.success,
                &step->compensate.failure, &step->compensate.retry.on);
    check_expression(l, compensate, "body", step->compensate.command.body, index + 1, false, true);
    check_expression(l, compensate, "unknown-body", step->compensate.unknown_body, index, false,
                     true);
}

void saga_check_definition(struct saga_loading *l)
{
    const struct saga_definition *d = l->definition;
    struct fy_node *root = l->yaml.root, *search = saga_yaml_get(root, "search");
    for (size_t i = 0; i < l->block_count; i++) check_step(l, i);
    for (size_t i = 0; i < d->search_count; i++) {
        char name[SAGA_SHA256_BYTES * 8];
        snprintf(name, sizeof name, "%.*s", SAGA_SLICE_ARG(d->search[i].name));
        check_expression(l, search, name, d->search[i].value, 0, false, false);
    }
    check_expression(l, saga_yaml_get(root, "on-completed"), "body", d->on_completed.body,
                     l->block_count, false, false);
    check_expression(l, saga_yaml_get(root, "on-compensated"), "body", d->on_compensated.body,
                     l->block_count, false, true);
}
