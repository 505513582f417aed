/* The explorer finds what is planted: each test takes a sound definition, plants one fault that the loader would refuse or
 * that only the engine's run shows, and looks for the finding. The definitions are changed behind the loader's back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "explore/explore.h"

#define TOP                                                                                        \
    "saga: planted\nversion: 1\n"                                                                  \
    "participants:\n  s: { commands: s.commands, replies: s.replies }\n"                           \
    "start: { topic: t, event: Started, key: .id }\n"
#define STEP(name, rest)                                                                           \
    "  - { step: " name                                                                            \
    ", send: s/Do, success: Done, failure: Refused, compensate: { send: s/Undo }" rest " }\n"
#define PIVOT(name)                                                                                \
    "  - { step: " name ", send: s/Do, success: Done, failure: Refused, pivot: true }\n"

struct explored {
    struct saga_arena arena;
    struct saga_definition *definition;
    struct saga_explored result;
};

static void load(struct explored *e, const char *text)
{
    struct saga_diagnostics findings;
    saga_arena_init(&e->arena);
    saga_diagnostics_init(&findings, &e->arena);
    if (saga_definition_load(saga_slice_of(text), "planted", &findings, &e->definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("the definition does not load");
    }
}

static struct saga_block *block(struct explored *e, size_t id)
{
    assert_true(id < e->definition->block_count);
    return (struct saga_block *)e->definition->blocks[id];
}

static void run(struct explored *e)
{
    saga_explore(e->definition, &saga_explore_default, &e->arena, &e->result);
}

static void end(struct explored *e)
{
    saga_definition_free(e->definition);
    saga_arena_free(&e->arena);
}

static const struct saga_explore_finding *find(const struct explored *e, enum saga_flaw flaw)
{
    for (size_t i = 0; i < e->result.finding_count; i++)
        if (e->result.findings[i].flaw == flaw) return &e->result.findings[i];
    return NULL;
}

/* The finding is there, about that block, and its way can be played. */
static void must_find(struct explored *e, enum saga_flaw flaw, const char *subject)
{
    const struct saga_explore_finding *found = find(e, flaw);
    struct saga_play play;
    if (!found) fail_msg("%s is not found", saga_flaw_kinds[flaw].title);
    if (subject) assert_string_equal(found->subject.data, subject);
    if (found->way_count == 0) return;
    size_t decided = found->way_count - (flaw == SAGA_FLAW_ENGINE);
    saga_explore_play(e->definition, &saga_explore_default, found->way, found->way_count, decided,
                      &e->arena, &play);
    assert_int_equal(play.count, found->way_count);
    saga_play_end(&play);
}

static void must_be_sound(struct explored *e)
{
    assert_null(e->result.cut);
    for (size_t i = 0; i < e->result.finding_count; i++)
        fail_msg("found: %s", saga_flaw_kinds[e->result.findings[i].flaw].title);
}

/* ---- sound ones: the explorer does not cry wolf ---- */

static void finds_nothing_in_sound_definitions(void **state)
{
    static const char *const texts[] = {
        TOP "steps:\n" STEP("one", "") STEP("two", "") PIVOT("three"),
        TOP
        "steps:\n  - parallel:\n      a:\n    " STEP("one", "") "      b:\n    " STEP("two", ""),
        TOP "steps:\n  - for-each: { in: .input.x, at-once: 2 }\n    steps:\n    " STEP("one", ""),
        TOP
        "deadline: 1d\nsteps:\n  - repeat: { until: .input.x, at-most: 5 }\n    steps:\n    " STEP(
            "one", ""),
        TOP "steps:\n" STEP("one", ", catch: { Refused: [set: { x: '1' }] }") STEP("two", ""),
        TOP "deadline: 1d\nsteps:\n" STEP("one", "") "  - { await: two, topic: t2, event: E, "
                                                     "match: .id, with: .input.id, timeout: 1h }\n"
                                                     "  - { saga: other }\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct explored e;
        load(&e, texts[i]);
        run(&e);
        must_be_sound(&e);
        end(&e);
    }
}

/* ---- planted faults ---- */

/* No answer is the right one: the step is silent in the end, and is taken back. */
static void explores_a_step_without_success(void **state)
{
    struct explored e;
    (void)state;
    load(&e, TOP "steps:\n" STEP("one", "") STEP("two", ""));
    block(&e, 0)->step.success = (struct saga_names){ NULL, 0 };
    run(&e);
    assert_null(e.result.cut);
    end(&e);
}

static void finds_what_is_not_taken_back(void **state)
{
    struct explored e;
    (void)state;
    load(&e, TOP "steps:\n" STEP("one", "") STEP("two", ""));
    block(&e, 0)->step.compensate.kind = SAGA_COMPENSATE_UNDECLARED;
    run(&e);
    must_find(&e, SAGA_FLAW_NOT_TAKEN_BACK, "one");
    end(&e);
}

static void finds_what_a_catch_swallows(void **state)
{
    struct explored e;
    (void)state;
    load(&e,
         TOP "steps:\n" STEP(
             "one", "") "  - step: two\n    send: s/Do\n    success: Done\n    failure: Refused\n"
                        "    compensate: { send: s/Undo }\n    catch:\n      Refused:\n    "
                        "    " STEP("instead", "") STEP("three", ""));
    block(&e, 2)->step.compensate.kind = SAGA_COMPENSATE_UNDECLARED;
    run(&e);
    must_find(&e, SAGA_FLAW_NOT_TAKEN_BACK, "instead");
    end(&e);
}

static void finds_what_a_loop_leaves(void **state)
{
    struct explored e;
    (void)state;
    load(&e, TOP "steps:\n  - for-each: { in: .input.x }\n    steps:\n    " STEP("one", "")
                 STEP("two", ""));
    block(&e, 1)->step.compensate.kind = SAGA_COMPENSATE_UNDECLARED;
    run(&e);
    must_find(&e, SAGA_FLAW_NOT_TAKEN_BACK, "one[0]");
    end(&e);
}

/* A pivot that is not known to be one: what it did is not undone, though the saga ends compensated. */
static void finds_a_pivot_that_lost_its_word(void **state)
{
    struct explored e;
    (void)state;
    load(&e, TOP "steps:\n" STEP("one", "")
                 PIVOT("two") "  - { step: three, send: s/Do, success: Done, failure: Refused }\n");
    block(&e, 1)->step.pivot = false;
    run(&e);
    must_find(&e, SAGA_FLAW_NOT_TAKEN_BACK, "two");
    end(&e);
}

static void finds_steps_of_one_name(void **state)
{
    struct explored e;
    (void)state;
    load(&e, TOP "steps:\n" STEP("one", "") STEP("two", ""));
    block(&e, 1)->label = block(&e, 1)->step.name = block(&e, 0)->label;
    run(&e);
    assert_true(find(&e, SAGA_FLAW_SAME_COMMAND) || find(&e, SAGA_FLAW_ENGINE));
    if (find(&e, SAGA_FLAW_ENGINE)) must_find(&e, SAGA_FLAW_ENGINE, NULL);
    end(&e);
}

static void finds_a_wait_without_end(void **state)
{
    struct explored e;
    (void)state;
    load(&e,
         TOP "steps:\n" STEP(
             "one", "") "  - { await: two, topic: t2, event: E, match: .id, with: .input.id }\n");
    run(&e);
    must_find(&e, SAGA_FLAW_WAITS_FOR_EVER, "two");
    end(&e);
}

static void finds_trying_without_end(void **state)
{
    struct explored e;
    (void)state;
    load(&e, TOP "steps:\n" STEP("one", "") STEP("two", ""));
    block(&e, 1)->step.retry.attempts = 0;
    run(&e);
    must_find(&e, SAGA_FLAW_TRIES_FOR_EVER, "two");
    end(&e);
}

static void finds_a_deadline_that_ends_trying(void **state)
{
    struct explored e;
    (void)state;
    load(&e, TOP "deadline: 1h\nsteps:\n" STEP("one", ""));
    block(&e, 0)->step.retry.attempts = 0;
    run(&e);
    assert_null(find(&e, SAGA_FLAW_TRIES_FOR_EVER));
    end(&e);
}

static void finds_a_saga_that_never_completes(void **state)
{
    struct explored e;
    (void)state;
    load(&e, TOP "steps:\n" STEP("one", "") "  - choose:\n      - { when: .input.x, steps: [fail: "
                                            "{ type: No }] }\n      - else: []\n");
    struct saga_block *choose = block(&e, 1);
    ((struct saga_branch *)choose->branches)[1].blocks = choose->branches[0].blocks;
    run(&e);
    must_find(&e, SAGA_FLAW_NEVER_COMPLETES, NULL);
    end(&e);
}

static void finds_blocks_that_are_never_reached(void **state)
{
    struct explored e;
    (void)state;
    load(&e, TOP "steps:\n" STEP("one", "") "  - set: { x: '1' }\n");
    e.definition->root.count = 1;
    run(&e);
    must_find(&e, SAGA_FLAW_NEVER_REACHED, "set#2");
    end(&e);
}

/* A child whose compensation is refused hangs, but is no fault; an operator ends it. */
static void sagas_come_to_rest_where_they_are_stuck(void **state)
{
    struct explored e;
    bool stuck = false;
    (void)state;
    load(&e, TOP "deadline: 1d\nsteps:\n  - { saga: other }\n" STEP("one", ""));
    run(&e);
    must_be_sound(&e);
    for (size_t i = 0; i < e.result.rest_count; i++)
        stuck = stuck || e.result.rests[i].status == SAGA_STUCK;
    assert_true(stuck);
    end(&e);
}

/* The pivot's outcome is unknown, the deadline has passed, and then its failure comes, for which it has a catch: such a
 * saga went on forward and hung. */
static void a_catch_of_a_pivot_does_not_keep_a_saga_that_is_to_be_compensated(void **state)
{
    struct explored e;
    (void)state;
    load(&e, TOP
         "deadline: 1h\nsteps:\n" STEP("one", "") "  - step: two\n    send: s/Do\n    success: "
                                                  "Done\n    failure: Refused\n    pivot: true\n"
                                                  "    catch: { Refused: [fail: { type: No }] }\n");
    run(&e);
    must_be_sound(&e);
    end(&e);
}

static void says_when_it_was_cut_short(void **state)
{
    struct saga_explore_options options = saga_explore_default;
    struct explored e;
    (void)state;
    load(&e, TOP "steps:\n" STEP("one", "") STEP("two", ""));
    options.states_max = 5;
    saga_explore(e.definition, &options, &e.arena, &e.result);
    assert_non_null(e.result.cut);
    assert_int_equal(e.result.states, 5);
    end(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_nothing_in_sound_definitions),
        cmocka_unit_test(explores_a_step_without_success),
        cmocka_unit_test(finds_what_is_not_taken_back),
        cmocka_unit_test(finds_what_a_catch_swallows),
        cmocka_unit_test(finds_what_a_loop_leaves),
        cmocka_unit_test(finds_a_pivot_that_lost_its_word),
        cmocka_unit_test(finds_steps_of_one_name),
        cmocka_unit_test(finds_a_wait_without_end),
        cmocka_unit_test(finds_trying_without_end),
        cmocka_unit_test(finds_a_deadline_that_ends_trying),
        cmocka_unit_test(finds_a_saga_that_never_completes),
        cmocka_unit_test(finds_blocks_that_are_never_reached),
        cmocka_unit_test(sagas_come_to_rest_where_they_are_stuck),
        cmocka_unit_test(a_catch_of_a_pivot_does_not_keep_a_saga_that_is_to_be_compensated),
        cmocka_unit_test(says_when_it_was_cut_short),
    };
    return cmocka_run_group_tests_name("explore: planted faults", tests, NULL, NULL);
}
