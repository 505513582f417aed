/* Reading scenarios from YAML. Mistakes are found as those of a definition are: all in one run, each at its place. */
#include "base/error.h"
#include "base/time.h"
#include "explore/body.h"
#include "explore/explore.h"
#include "explore/scenario.h"
#include "explore/scenario_internal.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct saga_scenario_place saga_scenario_place_of(struct saga_scenario_loading *l,
                                                  struct fy_node *node)
{
    struct saga_scenario_place place;
    saga_yaml_position(&l->yaml, node, &place.line, &place.column);
    return place;
}

bool saga_scenario_text(struct saga_scenario_loading *l, struct fy_node *node, const char *what,
                        struct saga_slice *ret)
{
    if (!saga_yaml_text(&l->yaml, node, what, ret)) return false;
    *ret = saga_arena_copy(l->arena, *ret);
    return true;
}

struct saga_slice saga_scenario_json(struct saga_scenario_loading *l, struct fy_node *node)
{
    struct saga_buffer json;
    if (!node) return SAGA_SLICE_NONE;
    saga_buffer_init(&json, l->arena);
    saga_body_of_yaml(node, &json);
    return saga_buffer_slice(&json);
}

/* ---- starts ---- */

void saga_scenario_load_start(struct saga_scenario_loading *l, struct fy_node *node,
                              struct saga_scenario_start *ret)
{
    static const char *const names[] = { "topic", "event", "body", "key" };
    if (!saga_yaml_check_mapping(&l->yaml, node, "`start`", names, COUNT_OF(names))) return;
    saga_scenario_text(l, saga_yaml_get(node, "topic"), "`topic`", &ret->topic);
    saga_scenario_text(l, saga_yaml_get(node, "event"), "`event`", &ret->event);
    saga_scenario_text(l, saga_yaml_get(node, "key"), "`key`", &ret->key);
    if (saga_yaml_get(node, "body")) ret->body = saga_scenario_json(l, saga_yaml_get(node, "body"));
}

/* ---- what services answer ---- */

static struct saga_expression *load_jq(struct saga_scenario_loading *l, struct fy_node *node)
{
    struct saga_expression *expression;
    struct saga_diagnostic why = { 0 };
    struct saga_slice source;
    if (!saga_scenario_text(l, node, "`jq`", &source)) return NULL;
    if (saga_expression_compile(source, l->arena, &why, &expression) < 0) {
        struct saga_diagnostic *finding = saga_yaml_find(&l->yaml, node, SAGA_FINDING_EXPRESSION,
                                                         "%.*s", SAGA_SLICE_ARG(why.what));
        if (why.mend.size) finding->mend = why.mend;
        return NULL;
    }
    SAGA_PUSH(l->arena, l->scenarios->expressions, l->scenarios->expression_count,
              l->scenarios->expression_capacity, expression);
    return expression;
}

void saga_scenario_load_reply(struct saga_scenario_loading *l, struct fy_node *node,
                              struct saga_scenario_reply *ret)
{
    static const char *const names[] = { "type", "body", "jq", "to", "attempt" };
    if (!node) return;
    if (fy_node_is_scalar(node)) {
        saga_scenario_text(l, node, "a reply", &ret->type);
        ret->silent = saga_slice_is(ret->type, "no-answer");
        return;
    }
    if (!saga_yaml_check_mapping(&l->yaml, node, "a reply", names, COUNT_OF(names))) return;
    struct fy_node *type = saga_yaml_need(&l->yaml, node, "type", "a reply");
    saga_scenario_text(l, type, "`type`", &ret->type);
    ret->body = saga_scenario_json(l, saga_yaml_get(node, "body"));
    ret->jq = load_jq(l, saga_yaml_get(node, "jq"));
    if (ret->jq && ret->body.data)
        saga_yaml_find(&l->yaml, saga_yaml_key(node, "jq"), SAGA_FINDING_WRONG_VALUE,
                       "a reply has either `body` or `jq`");
}

static void load_answer(struct saga_scenario_loading *l, struct fy_node_pair *pair,
                        struct saga_scenario_answer *ret)
{
    struct saga_scenario_reply *replies = NULL;
    struct fy_node *node = fy_node_pair_value(pair);
    size_t capacity = 0;
    void *iterator = NULL;
    ret->place = saga_scenario_place_of(l, fy_node_pair_key(pair));
    ret->key = saga_arena_copy(l->arena, saga_yaml_scalar(fy_node_pair_key(pair)));
    if (!node || (fy_node_is_sequence(node) && fy_node_sequence_item_count(node) == 0)) {
        saga_yaml_find(&l->yaml, fy_node_pair_key(pair), SAGA_FINDING_WRONG_VALUE,
                       "an answer is a type, a mapping with `type`, or a list of these");
        return;
    }
    bool list = fy_node_is_sequence(node);
    struct fy_node *item = list ? fy_node_sequence_iterate(node, &iterator) : node;
    while (item) {
        struct saga_scenario_reply reply = { 0 };
        saga_scenario_load_reply(l, item, &reply);
        SAGA_PUSH(l->arena, replies, ret->count, capacity, reply);
        item = list ? fy_node_sequence_iterate(node, &iterator) : NULL;
    }
    ret->replies = replies;
}

/* Appends to what is there: the first of a key counts. */
static void load_answers(struct saga_scenario_loading *l, struct fy_node *node,
                         struct saga_scenario_answers *answers)
{
    void *iterator = NULL;
    if (!node) return;
    if (!fy_node_is_mapping(node)) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                       "`answers` must be a mapping of commands to what is answered");
        return;
    }
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &iterator));) {
        struct saga_scenario_answer answer = { 0 };
        load_answer(l, pair, &answer);
        SAGA_PUSH(l->arena, answers->items, answers->count, answers->capacity, answer);
    }
}

/* ---- where the saga stands ---- */

static void load_error(struct saga_scenario_loading *l, struct fy_node *node,
                       struct saga_scenario_state *ret)
{
    static const char *const names[] = { "type", "step" };
    if (!node) return;
    if (fy_node_is_scalar(node)) {
        saga_scenario_text(l, node, "`error`", &ret->error_type);
        return;
    }
    if (!saga_yaml_check_mapping(&l->yaml, node, "`error`", names, COUNT_OF(names))) return;
    saga_scenario_text(l, saga_yaml_get(node, "type"), "`type`", &ret->error_type);
    saga_scenario_text(l, saga_yaml_get(node, "step"), "`step`", &ret->error_step);
}

static void load_status(struct saga_scenario_loading *l, struct fy_node *node,
                        struct saga_scenario_state *ret)
{
    if (!saga_scenario_text(l, node, "the status", &ret->status)) return;
    bool known = saga_slice_is(ret->status, SAGA_SCENARIO_NOT_STARTED) ||
                 (saga_status_of(ret->status) != SAGA_STATUS_COUNT &&
                  saga_status_of(ret->status) != SAGA_STATUS_NONE);
    if (!known)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE, "there is no status `%.*s`",
                       SAGA_SLICE_ARG(saga_slice_clip(ret->status, 60)))
            ->mend = SAGA_SLICE("completed, compensated, stuck, running, compensating, abandoned "
                                "or not-started");
}

static const struct saga_slice *load_texts(struct saga_scenario_loading *l, struct fy_node *node,
                                           const char *what, size_t *ret_count)
{
    struct saga_slice *items = NULL, text = SAGA_SLICE_NONE;
    size_t capacity = 0;
    void *iterator = NULL;
    if (!fy_node_is_sequence(node)) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE, "%s must be a list", what);
        return NULL;
    }
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iterator));)
        if (saga_scenario_text(l, item, what, &text))
            SAGA_PUSH(l->arena, items, *ret_count, capacity, text);
    return items;
}

void saga_scenario_load_state(struct saga_scenario_loading *l, struct fy_node *node,
                              struct saga_scenario_state *ret)
{
    static const char *const names[] = { "status", "error", "stuck-on", "paused",
                                         "vars",   "steps", "input",    "waiting" };
    if (!node) return;
    if (fy_node_is_scalar(node)) {
        load_status(l, node, ret);
        return;
    }
    if (!saga_yaml_check_mapping(&l->yaml, node, "a state", names, COUNT_OF(names))) return;
    if (saga_yaml_get(node, "status")) load_status(l, saga_yaml_get(node, "status"), ret);
    load_error(l, saga_yaml_get(node, "error"), ret);
    saga_scenario_text(l, saga_yaml_get(node, "stuck-on"), "`stuck-on`", &ret->stuck_on);
    ret->has_paused =
        saga_yaml_bool(&l->yaml, saga_yaml_get(node, "paused"), "`paused`", &ret->paused);
    ret->vars = saga_scenario_json(l, saga_yaml_get(node, "vars"));
    ret->steps = saga_scenario_json(l, saga_yaml_get(node, "steps"));
    ret->input = saga_scenario_json(l, saga_yaml_get(node, "input"));
    ret->has_waiting = saga_yaml_get(node, "waiting") != NULL;
    if (ret->has_waiting)
        ret->waiting =
            load_texts(l, saga_yaml_get(node, "waiting"), "`waiting`", &ret->waiting_count);
}

/* ---- scenarios ---- */

static void load_names(struct saga_scenario_loading *l, struct fy_node *scenario, const char *field,
                       struct saga_scenario_names *ret)
{
    struct fy_node *node = saga_yaml_get(scenario, field);
    if (!saga_yaml_key(scenario, field)) return;
    ret->given = true;
    ret->place = saga_scenario_place_of(l, saga_yaml_key(scenario, field));
    if (node)
        ret->items =
            load_texts(l, node, saga_arena_printf(l->arena, "`%s`", field).data, &ret->count);
}

static void load_time(struct saga_scenario_loading *l, struct fy_node *node, int64_t *ret_ms)
{
    struct saga_slice text;
    if (!node) return;
    if (!saga_yaml_text(&l->yaml, node, "`at`", &text)) return;
    if (saga_time_parse(text, ret_ms) < 0)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE,
                       "`at` must be a time, as 2030-12-31T23:59:00Z");
}

static void load_explored(struct saga_scenario_loading *l, struct fy_node *node,
                          struct saga_scenario *ret)
{
    static const char *const names[] = { "choices", "rounds", "attempts", "input" };
    if (!saga_yaml_check_mapping(&l->yaml, node, "`explored`", names, COUNT_OF(names))) return;
    ret->bounds = saga_explore_default.bounds;
    saga_yaml_bool(&l->yaml, saga_yaml_get(node, "input"), "`input`", &ret->bounds.with_input);
    saga_yaml_whole(&l->yaml, saga_yaml_get(node, "rounds"), "`rounds`", 1, 100,
                    &ret->bounds.rounds);
    saga_yaml_whole(&l->yaml, saga_yaml_get(node, "attempts"), "`attempts`", 1, 100,
                    &ret->bounds.attempts);
    struct fy_node *choices = saga_yaml_need(&l->yaml, node, "choices", "`explored`");
    if (!choices) return;
    if (fy_node_is_sequence(choices))
        ret->choices = saga_scenario_json(l, choices);
    else
        saga_yaml_find(&l->yaml, choices, SAGA_FINDING_WRONG_VALUE, "`choices` must be a list");
}

/* `--only` and the reports of CI servers know scenarios by their names alone. */
static void check_name(struct saga_scenario_loading *l, struct fy_node *node,
                       struct saga_slice name)
{
    for (size_t i = 0; name.size && i < l->scenarios->count; i++) {
        if (!saga_slice_equal(l->scenarios->items[i].name, name)) continue;
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE, "two scenarios are called `%.*s`",
                       SAGA_SLICE_ARG(saga_slice_clip(name, 60)))
            ->mend = SAGA_SLICE("give each a name of its own");
        return;
    }
}

static void load_scenario(struct saga_scenario_loading *l, struct fy_node *node)
{
    static const char *const names[] = { "name",      "at",  "start", "answers", "steps",   "sends",
                                         "publishes", "end", "trace", "strict",  "explored" };
    static const char what[] = "a scenario";
    struct saga_scenario s = { .strict = l->strict, .begin_ms = l->begin_ms, .start = l->start };
    struct saga_scenario_answers answers = { 0 };
    if (!saga_yaml_check_mapping(&l->yaml, node, what, names, COUNT_OF(names))) return;
    s.place = saga_scenario_place_of(l, node);
    saga_scenario_text(l, saga_yaml_need(&l->yaml, node, "name", what), "`name`", &s.name);
    check_name(l, saga_yaml_get(node, "name"), s.name);
    saga_yaml_bool(&l->yaml, saga_yaml_get(node, "strict"), "`strict`", &s.strict);
    load_time(l, saga_yaml_get(node, "at"), &s.begin_ms);
    if (saga_yaml_get(node, "start"))
        saga_scenario_load_start(l, saga_yaml_get(node, "start"), &s.start);
    load_answers(l, saga_yaml_get(node, "answers"), &answers);
    for (size_t i = 0; i < l->answers.count; i++)
        SAGA_PUSH(l->arena, answers.items, answers.count, answers.capacity, l->answers.items[i]);
    s.answers = answers.items;
    s.answer_count = answers.count;
    saga_scenario_load_steps(l, saga_yaml_get(node, "steps"), &s);
    load_names(l, node, "sends", &s.sends);
    load_names(l, node, "publishes", &s.publishes);
    struct fy_node *end = saga_yaml_need(&l->yaml, node, "end", what);
    if (end) {
        s.end_place = saga_scenario_place_of(l, end);
        saga_scenario_load_state(l, end, &s.end);
    }
    saga_scenario_text(l, saga_yaml_get(node, "trace"), "`trace`", &s.trace);
    load_explored(l, saga_yaml_get(node, "explored"), &s);
    SAGA_PUSH(l->arena, l->scenarios->items, l->scenarios->count, l->scenarios->capacity, s);
}

/* A definition is told as one, not by what it lacks as a file of scenarios. */
static bool is_definition(struct saga_scenario_loading *l)
{
    struct fy_node *root = l->yaml.root;
    if (!fy_node_is_mapping(root) || saga_yaml_get(root, "scenarios")) return false;
    if (!saga_yaml_get(root, "steps") && !saga_yaml_get(root, "participants")) return false;
    saga_yaml_find(&l->yaml, root, SAGA_FINDING_WRONG_VALUE,
                   "this is a definition, not a file of scenarios")
        ->mend = SAGA_SLICE("scenarios stand in a file of their own beside it, called *.test.yaml, "
                            "which names the definition: `saga: order.yaml`, `scenarios: ...`");
    return true;
}

static void load_top(struct saga_scenario_loading *l)
{
    static const char *const names[] = { "saga", "at", "start", "answers", "strict", "scenarios" };
    static const char what[] = "a file of scenarios";
    struct fy_node *root = l->yaml.root;
    void *iterator = NULL;
    if (is_definition(l)) return;
    saga_yaml_check_mapping(&l->yaml, root, what, names, COUNT_OF(names));
    struct fy_node *saga = saga_yaml_need(&l->yaml, root, "saga", what);
    if (saga_scenario_text(l, saga, "`saga`", &l->scenarios->saga))
        l->scenarios->saga_place = saga_scenario_place_of(l, saga);
    saga_yaml_bool(&l->yaml, saga_yaml_get(root, "strict"), "`strict`", &l->strict);
    load_time(l, saga_yaml_get(root, "at"), &l->begin_ms);
    if (saga_yaml_get(root, "start"))
        saga_scenario_load_start(l, saga_yaml_get(root, "start"), &l->start);
    load_answers(l, saga_yaml_get(root, "answers"), &l->answers);
    struct fy_node *list = saga_yaml_need(&l->yaml, root, "scenarios", what);
    if (!list) return;
    if (!fy_node_is_sequence(list) || fy_node_sequence_item_count(list) == 0) {
        saga_yaml_find(&l->yaml, list, SAGA_FINDING_WRONG_VALUE,
                       "`scenarios` must be a list of at least one scenario");
        return;
    }
    for (struct fy_node *item; (item = fy_node_sequence_iterate(list, &iterator));)
        load_scenario(l, item);
}

int saga_scenarios_load(struct saga_slice text, const char *file, struct saga_arena *arena,
                        struct saga_diagnostics *diagnostics, struct saga_scenarios *ret)
{
    struct saga_scenario_loading l = { .arena = arena,
                                       .scenarios = ret,
                                       .strict = true,
                                       .begin_ms = SAGA_PLAY_BEGIN_MS,
                                       .start = { .body = SAGA_SLICE("{}") } };
    size_t errors = diagnostics->errors;
    *ret = (struct saga_scenarios){ .arena = arena };
    if (saga_yaml_open(text, file, diagnostics, &l.yaml) == SAGA_OK) load_top(&l);
    saga_yaml_close(&l.yaml);
    return diagnostics->errors == errors ? SAGA_OK : SAGA_E_INVALID;
}

void saga_scenarios_close(struct saga_scenarios *scenarios)
{
    for (size_t i = 0; i < scenarios->expression_count; i++)
        saga_expression_free(scenarios->expressions[i]);
    scenarios->expression_count = 0;
}
