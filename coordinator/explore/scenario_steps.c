/* Reading the steps of a scenario: what is expected, answered, said and waited for, in their order. */
#include <string.h>

#include "base/time.h"
#include "explore/scenario_internal.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* `participant/Command`, `topic/Event` or the type alone. */
static void load_address(struct saga_scenario_loading *l, struct fy_node *node,
                         struct saga_scenario_message *ret)
{
    struct saga_slice text;
    if (!saga_scenario_text(l, node, "what is expected", &text)) return;
    const char *slash = memchr(text.data, '/', text.size);
    ret->type = text;
    if (!slash) return;
    ret->to = (struct saga_slice){ text.data, (size_t)(slash - text.data) };
    ret->type = saga_slice_skip(text, ret->to.size + 1);
}

static void load_expect(struct saga_scenario_loading *l, struct fy_node *step, struct fy_node *node,
                        struct saga_scenario_step *ret)
{
    ret->kind = SAGA_SCENARIO_EXPECT;
    if (saga_slice_is(saga_yaml_scalar(node), "nothing")) {
        ret->kind = SAGA_SCENARIO_EXPECT_NOTHING;
        return;
    }
    load_address(l, node, &ret->expect);
    ret->expect.body = saga_scenario_json(l, saga_yaml_get(step, "body"));
    if (saga_yaml_get(step, "exact-body")) {
        ret->expect.body = saga_scenario_json(l, saga_yaml_get(step, "exact-body"));
        ret->expect.exactly = true;
    }
    saga_yaml_whole(&l->yaml, saga_yaml_get(step, "attempt"), "`attempt`", 1, UINT32_MAX,
                    &ret->expect.attempt);
    saga_scenario_text(l, saga_yaml_get(step, "step"), "`step`", &ret->expect.step);
    ret->has_reply = saga_yaml_get(step, "reply") != NULL;
    saga_scenario_load_reply(l, saga_yaml_get(step, "reply"), &ret->reply);
}

static void load_reply(struct saga_scenario_loading *l, struct fy_node *step, struct fy_node *node,
                       struct saga_scenario_step *ret)
{
    (void)step;
    ret->kind = SAGA_SCENARIO_REPLY;
    ret->has_reply = true;
    saga_scenario_load_reply(l, node, &ret->reply);
    if (!fy_node_is_mapping(node)) return;
    saga_scenario_text(l, saga_yaml_get(node, "to"), "`to`", &ret->to);
    saga_yaml_whole(&l->yaml, saga_yaml_get(node, "attempt"), "`attempt`", 1, UINT32_MAX,
                    &ret->attempt);
}

static void load_after(struct saga_scenario_loading *l, struct fy_node *step, struct fy_node *node,
                       struct saga_scenario_step *ret)
{
    (void)step;
    ret->kind = SAGA_SCENARIO_AFTER;
    saga_yaml_duration(&l->yaml, node, "`after`", &ret->after_ms);
}

static void load_ring(struct saga_scenario_loading *l, struct fy_node *step, struct fy_node *node,
                      struct saga_scenario_step *ret)
{
    (void)step;
    ret->kind = SAGA_SCENARIO_RING;
    saga_scenario_text(l, node, "`ring`", &ret->timer);
}

static void load_operator(struct saga_scenario_loading *l, struct fy_node *step,
                          struct fy_node *node, struct saga_scenario_step *ret)
{
    static const char *const names[] = { "verb", "as", "who", "reason" };
    (void)step;
    ret->kind = SAGA_SCENARIO_OPERATOR;
    ret->who = SAGA_SLICE("operator");
    ret->reason = SAGA_SLICE("because");
    struct fy_node *verb = node;
    if (!fy_node_is_scalar(node)) {
        if (!saga_yaml_check_mapping(&l->yaml, node, "`operator`", names, COUNT_OF(names))) return;
        verb = saga_yaml_need(&l->yaml, node, "verb", "`operator`");
        saga_scenario_text(l, saga_yaml_get(node, "as"), "`as`", &ret->as);
        saga_scenario_text(l, saga_yaml_get(node, "who"), "`who`", &ret->who);
        saga_scenario_text(l, saga_yaml_get(node, "reason"), "`reason`", &ret->reason);
    }
    struct saga_slice word = saga_yaml_scalar(verb);
    ret->verb = saga_verb_of(word);
    if (verb && ret->verb == SAGA_VERB_COUNT)
        saga_yaml_find(&l->yaml, verb, SAGA_FINDING_WRONG_VALUE, "an operator cannot say `%.*s`",
                       SAGA_SLICE_ARG(saga_slice_clip(word, 60)))
            ->mend = SAGA_SLICE("cancel, retry, skip, resolve, pause or resume");
}

static void load_event(struct saga_scenario_loading *l, struct fy_node *step, struct fy_node *node,
                       struct saga_scenario_step *ret)
{
    static const char *const names[] = { "topic", "type", "body", "taken", "to" };
    bool taken = true;
    (void)step;
    ret->kind = SAGA_SCENARIO_EVENT;
    ret->event.body = SAGA_SLICE("null");
    if (!saga_yaml_check_mapping(&l->yaml, node, "`event`", names, COUNT_OF(names))) return;
    saga_scenario_text(l, saga_yaml_get(node, "topic"), "`topic`", &ret->event.topic);
    saga_scenario_text(l, saga_yaml_need(&l->yaml, node, "type", "`event`"), "`type`",
                       &ret->event.type);
    if (saga_yaml_get(node, "body"))
        ret->event.body = saga_scenario_json(l, saga_yaml_get(node, "body"));
    saga_yaml_bool(&l->yaml, saga_yaml_get(node, "taken"), "`taken`", &taken);
    saga_scenario_text(l, saga_yaml_get(node, "to"), "`to`", &ret->event.to);
    ret->event.not_taken = !taken;
}

static void load_expected_state(struct saga_scenario_loading *l, struct fy_node *step,
                                struct fy_node *node, struct saga_scenario_step *ret)
{
    (void)step;
    ret->kind = SAGA_SCENARIO_STATE;
    saga_scenario_load_state(l, node, &ret->state);
}

static void load_again(struct saga_scenario_loading *l, struct fy_node *step, struct fy_node *node,
                       struct saga_scenario_step *ret)
{
    (void)step;
    ret->kind = SAGA_SCENARIO_START;
    saga_scenario_load_start(l, node, &ret->start);
}

/* By the word that a step begins with. The first row that the mapping has a member of counts; then only its other
 * members may stand there. */
static const struct {
    const char *word;
    void (*load)(struct saga_scenario_loading *l, struct fy_node *step, struct fy_node *node,
                 struct saga_scenario_step *ret);
    const char *names[6];
    size_t count;
} kinds[] = {
    { "expect", load_expect, { "expect", "body", "exact-body", "attempt", "step", "reply" }, 6 },
    { "reply", load_reply, { "reply" }, 1 },
    { "after", load_after, { "after" }, 1 },
    { "ring", load_ring, { "ring" }, 1 },
    { "operator", load_operator, { "operator" }, 1 },
    { "event", load_event, { "event" }, 1 },
    { "expect-state", load_expected_state, { "expect-state" }, 1 },
    { "start", load_again, { "start" }, 1 },
};

static void load_step(struct saga_scenario_loading *l, struct fy_node *node,
                      struct saga_scenario_step *ret)
{
    const char *words[COUNT_OF(kinds)];
    ret->place = saga_scenario_place_of(l, node);
    ret->start = l->start;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        words[i] = kinds[i].word;
        if (!saga_yaml_key(node, kinds[i].word)) continue;
        saga_yaml_check_mapping(&l->yaml, node, "this step of a scenario", kinds[i].names,
                                kinds[i].count);
        struct fy_node *value = saga_yaml_get(node, kinds[i].word);
        if (value)
            kinds[i].load(l, node, value, ret);
        else
            saga_yaml_find(&l->yaml, saga_yaml_key(node, kinds[i].word), SAGA_FINDING_WRONG_VALUE,
                           "`%s` says nothing", kinds[i].word);
        return;
    }
    size_t errors = l->yaml.diagnostics->errors;
    saga_yaml_check_mapping(&l->yaml, node, "a step of a scenario", words, COUNT_OF(words));
    if (l->yaml.diagnostics->errors == errors)
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_LACKING, "a step of a scenario says nothing");
}

void saga_scenario_load_steps(struct saga_scenario_loading *l, struct fy_node *node,
                              struct saga_scenario *ret)
{
    struct saga_scenario_step *steps = NULL;
    size_t capacity = 0;
    void *iterator = NULL;
    if (!node) return;
    if (!fy_node_is_sequence(node)) {
        saga_yaml_find(&l->yaml, node, SAGA_FINDING_WRONG_VALUE, "`steps` must be a list");
        return;
    }
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &iterator));) {
        struct saga_scenario_step step = { 0 };
        load_step(l, item, &step);
        SAGA_PUSH(l->arena, steps, ret->step_count, capacity, step);
    }
    ret->steps = steps;
}
