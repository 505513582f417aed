/* Exploring with an input: what reads nothing else goes the way of that input, everything else stays open, and the scenario
 * that a finding gives plays that way again. Each test plants one fault where only some inputs lead to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "explore/explore.h"
#include "explore/scenario.h"
#include "explore/way.h"

#define TOP                                                                                        \
    "saga: planted\nversion: 1\n"                                                                  \
    "participants:\n  s: { commands: s.commands, replies: s.replies }\n"                           \
    "start: { topic: t, event: Started, key: .id }\nsteps:\n"
#define STEP(name)                                                                                 \
    "{ step: " name ", send: s/Do, body: '{n: (.input.n + 1)}', success: Done, failure: Refused, " \
    "compensate: { send: s/Undo } }\n"

static struct saga_definition *load(const char *text, const char *faulty, struct saga_arena *arena)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    saga_diagnostics_init(&findings, arena);
    if (saga_definition_load(saga_slice_of(text), "planted", &findings, &definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("the definition does not load");
    }
    for (size_t i = 0; i < definition->block_count; i++) {
        struct saga_block *block = (struct saga_block *)definition->blocks[i];
        if (block->kind == SAGA_BLOCK_STEP && saga_slice_is(block->label, faulty))
            block->step.compensate.kind = SAGA_COMPENSATE_UNDECLARED;
    }
    return definition;
}

/* The scenario of the finding, played by a definition of its own: does it come to the same end? */
static void must_play_again(const char *text, const char *faulty, struct saga_slice scenario,
                            struct saga_arena *arena)
{
    struct saga_diagnostics findings;
    struct saga_scenarios scenarios;
    struct saga_scenario_failure failure;
    struct saga_play play;
    struct saga_definition *definition = load(text, faulty, arena);
    struct saga_slice file =
        saga_arena_printf(arena, "saga: planted.yaml\nscenarios:\n%.*s", SAGA_SLICE_ARG(scenario));
    saga_diagnostics_init(&findings, arena);
    if (saga_scenarios_load(file, "kept", arena, &findings, &scenarios) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("the scenario does not load: %.*s", SAGA_SLICE_ARG(scenario));
    }
    if (saga_scenario_run(&scenarios.items[0], definition, arena, &play, &failure) < 0)
        fail_msg("%.*s\n%.*s", SAGA_SLICE_ARG(failure.what), SAGA_SLICE_ARG(scenario));
    saga_play_end(&play);
    saga_scenarios_close(&scenarios);
    saga_definition_free(definition);
}

/* Is the fault of the step `faulty` met by a saga of that input? NULL: by one of any input. */
static bool is_met(const char *text, const char *faulty, const char *input)
{
    struct saga_explore_options options = saga_explore_default;
    struct saga_arena arena;
    struct saga_explored explored;
    bool met = false;
    saga_arena_init(&arena);
    if (input) options.input = saga_slice_of(input);
    options.bounds.with_input = input != NULL;
    struct saga_definition *definition = load(text, faulty, &arena);
    saga_explore(definition, &options, &arena, &explored);
    assert_null(explored.cut);
    for (size_t i = 0; i < explored.finding_count; i++) {
        const struct saga_explore_finding *found = &explored.findings[i];
        struct saga_play play;
        if (found->flaw != SAGA_FLAW_NOT_TAKEN_BACK)
            fail_msg("found: %s", saga_flaw_kinds[found->flaw].title);
        met = true;
        struct saga_slice choices = saga_explore_play(
            definition, &options, found->way, found->way_count, found->way_count, &arena, &play);
        struct saga_slice scenario =
            saga_way_scenario(&play, SAGA_SLICE("kept"), choices, &options.bounds, &arena);
        saga_play_end(&play);
        must_play_again(text, faulty, scenario, &arena);
    }
    saga_definition_free(definition);
    saga_arena_free(&arena);
    return met;
}

static void goes_the_way_of_the_input(void **state)
{
    static const char text[] =
        TOP "  - choose:\n"
            "    - when: .input.n > 100\n      steps:\n        - " STEP("dear") "    - else: []\n"
                                                                                "  - " STEP("last");
    (void)state;
    assert_true(is_met(text, "dear", NULL));
    assert_true(is_met(text, "dear", "{\"n\": 101,\n \"t\": \"a \\\"{\\\" b\"}"));
    assert_false(is_met(text, "dear", "{\"n\": 100}"));
}

static void loops_over_the_elements_of_the_input(void **state)
{
    static const char text[] = TOP "  - for-each: { in: .input.parts, item: part }\n    steps:\n"
                                   "      - choose:\n"
                                   "        - when: .item.dear and .index > 1\n          steps:\n"
                                   "            - " STEP("dear") "        - else: []\n"
                                                                 "  - " STEP("last");
    (void)state;
    assert_true(is_met(text, "dear", NULL));
    assert_true(is_met(text, "dear", "{\"n\":1,\"parts\":[{},{},{\"dear\":true}]}"));
    assert_false(is_met(text, "dear", "{\"n\":1,\"parts\":[{\"dear\":true},{},{\"dear\":false}]}"));
    assert_false(is_met(text, "dear", "{\"n\":1,\"parts\":[]}"));
}

/* Elements of what a service answers are nobody's to know, nor is what `set` put somewhere. */
static void what_is_not_of_the_input_stays_open(void **state)
{
    static const char text[] = TOP
        "  - " STEP("first") "  - for-each: { in: .steps.first.parts }\n    steps:\n"
                             "      - choose:\n"
                             "        - when: .item.dear\n          steps:\n            - " STEP(
                                 "dear") "        - else: []\n"
                                         "  - " STEP("last");
    (void)state;
    assert_true(is_met(text, "dear", "{\"n\":1}"));
}

/* A body that cannot be made of the input fails its step: what comes behind it is never done. */
static void a_body_that_fails_is_met(void **state)
{
    static const char text[] = TOP "  - " STEP("first") "  - " STEP("last");
    (void)state;
    assert_true(is_met(text, "first", "{\"n\":1}"));
    assert_false(is_met(text, "first", "{\"n\":\"a text\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_the_way_of_the_input),
        cmocka_unit_test(loops_over_the_elements_of_the_input),
        cmocka_unit_test(what_is_not_of_the_input_stays_open),
        cmocka_unit_test(a_body_that_fails_is_met),
    };
    return cmocka_run_group_tests_name("explore: with an input", tests, NULL, NULL);
}
