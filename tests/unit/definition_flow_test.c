/* What is found by following the ways through a definition: what has run at a place, what stands behind a pivot, what may
 * wait for ever. Each mistake stands beside a near twin that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "definition/check_together.h"
#include "definition/flow.h"

static const char head[] = "saga: order\nversion: 1\n"
                           "participants: { s: { commands: c, replies: r } }\n"
                           "start: { topic: orders, event: Placed, key: .id }\n"
                           "deadline: 1d\n"
                           "steps:\n";
enum { HEAD_LINES = 6 };

/* Findings as "line code", lines counted from the first of the steps. */
static void find_in(const char *first, const char *steps, char *ret, size_t size)
{
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition = NULL;
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    struct saga_slice text = saga_arena_printf(&arena, "%s%s", first, steps);
    ret[0] = '\0';
    if (saga_definition_load(text, "x.yaml", &found, &definition) == SAGA_OK)
        saga_check_together(&(struct saga_checked){ "x.yaml", definition }, 1, NULL, &found);
    for (size_t i = 0; i < found.count; i++)
        snprintf(ret + strlen(ret), size - strlen(ret), "%s%u %s", i ? ", " : "",
                 found.items[i].line - HEAD_LINES, found.items[i].code);
    saga_definition_free(definition);
    saga_arena_free(&arena);
}

struct found {
    const char *want, *steps;
};

static void check_all(const struct found *cases, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        char got[512];
        find_in(head, cases[i].steps, got, sizeof got);
        if (strcmp(got, cases[i].want) == 0) continue;
        print_error("want \"%s\", got \"%s\" in\n%s\n", cases[i].want, got, cases[i].steps);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}
#define CHECK(cases) check_all(cases, sizeof(cases) / sizeof(cases)[0])

#define STEP(name) "{ step: " name ", send: s/Do, success: Ok, compensate: none }"
#define READ(body)                                                                                 \
    "  - { step: last, send: s/Last, success: Ok, compensate: none, body: '" body "' }\n"
#define CHOOSE "  - choose: [{ when: .input.a, steps: [" STEP("one") "] }, { else: [] }]\n"
#define BOTH                                                                                       \
    "  - choose: [{ when: .input.a, steps: [" STEP("one") "] }, { else: [" STEP("two") "] }]\n"
#define PARALLEL "  - parallel: { left: [" STEP("one") "], right: [" STEP("two") "] }\n"
#define EACH "  - for-each: { item: line, in: .input.lines }\n    steps: [" STEP("one") "]\n"
#define EACH2 "  - for-each: { in: .input.lines }\n    steps: [" STEP("three") "]\n"
#define REPEAT "  - repeat: { until: .steps.one.ready, at-most: 3 }\n    steps: [" STEP("one") "]\n"

static void what_has_run_is_known(void **state)
{
    (void)state;
    static const struct found cases[] = {
        /* a branch of choose */
        { "2 SG206", CHOOSE READ("{id: .steps.one.id}") },
        { "", CHOOSE READ("{id: (.steps.one.id // 0)}") },
        { "", CHOOSE READ("{id: .steps.one?.id}") },
        { "", CHOOSE READ("if .steps.one then {id: .steps.one.id} else {} end") },
        { "2 SG206", CHOOSE READ("if .input.a then {id: .steps.one.id} else {} end") },
        { "", CHOOSE READ("{done: (.steps.one != null)}") },
        { "", CHOOSE READ("{done: (.steps.one | not)}") },
        { "2 SG206", CHOOSE READ("{id: .steps.one.id, b: (.input.b // 0)}") },
        { "", CHOOSE "  - choose: [{ when: .steps.one.ok, steps: [] }, { else: [] }]\n" },
        { "1 SG203",
          "  - choose: [{ when: .input.a, steps: [" STEP(
              "one") "] }, { else: [{ step: two, "
                     "send: s/Two, success: Ok, compensate: none, body: .steps.one.id }] }]\n" },
        /* both branches run at the same time */
        { "", PARALLEL READ("{a: .steps.one.id, b: .steps.two.id}") },
        { "1 SG203", "  - parallel: { left: [" STEP(
                         "one") "], right: [{ step: two, send: s/Two, "
                                "success: Ok, compensate: none, body: .steps.one.id }] }\n" },
        { "",
          "  - parallel: { left: [" STEP("one") ", { step: two, send: s/Two, success: Ok, "
                                                "compensate: none, body: .steps.one.id }] }\n" },
        /* loops */
        { "", EACH READ("{all: .steps.one}") },
        { "", REPEAT READ("{id: .steps.one.id}") },
        { "1 SG203", "  - for-each: { in: .steps.one.lines }\n    steps: [" STEP("one") "]\n" },
        /* catch and on-timeout: the step has kept nothing there */
        { "2 SG206", "  - { step: one, send: s/Do, success: Ok, failure: No, compensate: none, "
                     "catch: { No: [] } }\n" READ("{id: .steps.one.id}") },
        { "", "  - { step: one, send: s/Do, success: Ok, failure: No, compensate: none, "
              "catch: { No: [fail: { type: Out }] } }\n" READ("{id: .steps.one.id}") },
        { "1 SG203", "  - { step: one, send: s/Do, success: Ok, failure: No, compensate: none, "
                     "catch: { No: [set: { a: .steps.one.id }] } }\n" },
        { "2 SG206", "  - { await: one, topic: t, event: E, match: .id, with: .input.id, "
                     "timeout: 1h, on-timeout: [] }\n" READ("{id: .steps.one.id}") },
        { "",
          "  - { await: one, topic: t, event: E, match: .id, with: .input.id, timeout: 1h }\n" READ(
              "{id: .steps.one.id}") },
        { "", "  - { saga: bill, as: one }\n" READ("{id: .steps.one.id}") },
        /* compensations see what came before, and perhaps more */
        { "2 SG206",
          CHOOSE "  - { step: two, send: s/Two, success: Ok, compensate: { send: s/Undo, "
                 "body: '{id: .steps.one.id}' } }\n" },
        { "1 SG206", "  - { step: two, send: s/Two, success: Ok, compensate: { send: s/Undo, body: "
                     "'{id: .steps.one.id}' } }\n  - " STEP("one") "\n" },
        { "1 SG305", "  - { step: one, send: s/Do, success: Ok, compensate: { send: s/Undo, body: "
                     "'{id: .steps.one.id}' } }\n" },
        { "", "  - { step: one, send: s/Do, success: Ok, compensate: { send: s/Undo, body: "
              "'{id: (.steps.one.id // null)}' } }\n" },
        /* what sets set */
        { "", "  - parallel: { left: [set: { a: 1 }], right: [set: { b: .vars.a }] }\n" },
        { "2 SG204", "  - for-each: { in: .input.lines }\n    steps: [set: { b: .reply.a }]\n" },
        { "2 SG205", "  - for-each: { in: .input.lines }\n    steps: [set: { b: .vars.c }]\n" },
        { "", "  - for-each: { in: .input.lines }\n    steps: [set: { b: .vars.b }]\n" },
    };
    CHECK(cases);
}

#define PIVOT(name) "{ step: " name ", send: s/Pivot, success: Ok, pivot: true }"
#define AFTER(more) "{ step: after, send: s/After, success: Ok" more " }"
#define PERHAPS "  - choose: [{ when: .input.a, steps: [" PIVOT("p") "] }, { else: [] }]\n"

static void behind_a_pivot_there_is_no_way_back(void **state)
{
    (void)state;
    static const struct found cases[] = {
        { "", "  - " PIVOT("p") "\n  - " AFTER("") "\n" },
        { "2 SG301", PERHAPS "  - " AFTER("") "\n" },
        { "2 SG304", PERHAPS "  - " AFTER(", failure: No, compensate: none") "\n" },
        { "", PERHAPS "  - " AFTER(", failure: No, compensate: none, catch: { No: [] }") "\n" },
        { "", "  - choose: [{ when: .input.a, steps: [" PIVOT("p") "] }, { else: [" PIVOT(
                  "q") "] }]\n  - " AFTER("") "\n" },
        { "2 SG302", "  - " PIVOT("p") "\n  - " PIVOT("q") "\n" },
        { "2 SG302", PERHAPS "  - " PIVOT("q") "\n" },
        { "1 SG302", "  - parallel: { l: [" PIVOT("p") "], r: [" PIVOT("q") "] }\n" },
        { "2 SG308", "  - for-each: { in: .input.lines }\n    steps: [" PIVOT("p") "]\n" },
        { "2 SG308", "  - repeat: { until: .input.a, at-most: 2 }\n    steps: [" PIVOT("p") "]\n" },
        { "1 SG309", "  - parallel: { l: [" PIVOT("p") "], r: [{ step: o, send: s/O, success: Ok, "
                                                       "compensate: { send: s/U } }] }\n" },
        { "1 SG309", "  - parallel: { l: [" PIVOT("p") "], r: [{ step: o, send: s/O, success: Ok, "
                                                       "failure: No, compensate: none }] }\n" },
        { "", "  - parallel: { l: [" PIVOT("p") "], r: [" STEP("one") "] }\n  - " AFTER("") "\n" },
        { "1 SG310",
          "  - { step: p, send: s/P, success: Ok, pivot: true, failure: No, catch: { No: [] "
          "} }\n" },
        { "",
          "  - { step: p, send: s/P, success: Ok, pivot: true, failure: No, catch: { No: [fail: { "
          "type: Out }] } }\n  - " AFTER("") "\n" },
        { "2 SG311", "  - " PIVOT("p") "\n  - " AFTER(", retry: { attempts: 2 }") "\n" },
        { "", "  - " PIVOT("p") "\n  - " AFTER(", retry: { max: 2m }") "\n" },
        { "2 SG311", "  - " PIVOT("p") "\n  - { await: e, topic: t, event: E, match: .id, with: "
                                       ".input.id, timeout: 1h }\n" },
        { "",
          "  - " PIVOT("p") "\n  - { await: e, topic: t, event: E, match: .id, with: .input.id, "
                            "timeout: 1h, on-timeout: [] }\n" },
        { "2 SG304", "  - " PIVOT("p") "\n  - saga: bill\n" },
        { "2 SG306", "  - " PIVOT("p") "\n  - fail: { type: Out }\n" },
        { "2 SG312", PERHAPS "  - fail: { type: Out }\n" },
        { "2 SG303", "  - " PIVOT("p") "\n  - " AFTER(", compensate: none") "\n" },
    };
    CHECK(cases);
}

static void what_waits_and_what_is_never_reached(void **state)
{
    (void)state;
    static const struct found cases[] = {
        { "2 SG501", "  - " PIVOT("p") "\n  - { await: e, topic: t, event: E, match: .id, with: "
                                       ".input.id }\n" },
        { "", "  - { await: e, topic: t, event: E, match: .id, with: .input.id }\n" },
        { "1 SG404", "  - choose: [{ when: .input.a, steps: [" STEP("one") "] }]\n" },
        { "2 SG307",
          "  - choose: [{ when: .input.a, steps: [fail: { type: A }] }, { else: [fail: { "
          "type: B }] }]\n  - " STEP("one") "\n" },
        { "",
          "  - choose: [{ when: .input.a, steps: [fail: { type: A }] }, { else: [] }]\n  - " STEP(
              "one") "\n" },
        { "2 SG307",
          "  - parallel: { l: [fail: { type: A }], r: [" STEP("two") "] }\n  - " STEP("one") "\n" },
        { "1 SG405",
          "  - { step: one, send: s/Do, success: Ok, failure: No, compensate: { send: s/U, "
          "body: '{x: (.error.type == \"Nope\")}' } }\n" },
        { "",
          "  - { step: one, send: s/Do, success: Ok, failure: No, compensate: { send: s/U, body: "
          "'{x: (.error.type == \"No\")}' } }\n" },
        { "2 SG406",
          "  - { step: one, send: s/Do, success: Ok, failure: No, compensate: none }\n  - " STEP(
              "two") "\n" },
        { "1 SG601", "  - repeat: { until: .input.a }\n    steps: [" STEP("one") "]\n" },
        { "1 SG602", "  - saga: order\n" },
        { "", "  - saga: bill\n" },
        { "2 SG605",
          "  - for-each: { in: .input.lines }\n    steps: [{ saga: bill, key: .input.id }]\n" },
        { "", "  - for-each: { in: .input.lines }\n    steps: [{ saga: bill, key: .item.id }]\n" },
        { "", "  - for-each: { in: .input.lines }\n    steps: [saga: bill]\n" },
    };
    CHECK(cases);
}

/* ---- the flows themselves ---- */

static void every_place_knows_its_ways(void **state)
{
    (void)state;
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *d = NULL;
    struct saga_flows flows;
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    struct saga_slice text = saga_arena_printf(
        &arena, "%s%s", head, BOTH EACH2 PERHAPS "  - " AFTER(", compensate: none") "\n");
    assert_int_equal(saga_definition_load(text, "x.yaml", &found, &d), SAGA_OK);
    saga_flow_find(d, &arena, &flows);
    const struct saga_block *one = saga_definition_step(d, SAGA_SLICE("one")),
                            *two = saga_definition_step(d, SAGA_SLICE("two")),
                            *three = saga_definition_step(d, SAGA_SLICE("three"));
    assert_true(flows.end.reached && flows.end.pivot_may && !flows.end.pivot_must);
    assert_true(saga_flow_may(&flows.end, one) && !saga_flow_must(&flows.end, one));
    assert_true(saga_flow_must(&flows.end, three)); /* a list, perhaps an empty one */
    assert_false(saga_flow_may(&flows.entries[two->id], one));
    assert_ptr_equal(saga_block_common(one, two), d->root.items[0]);
    assert_null(saga_block_common(one, three));
    assert_true(saga_block_is_in(two, d->root.items[0], 1));
    assert_false(saga_block_is_in(two, d->root.items[0], 0));
    saga_definition_free(d);
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_run_is_known),
        cmocka_unit_test(behind_a_pivot_there_is_no_way_back),
        cmocka_unit_test(what_waits_and_what_is_never_reached),
        cmocka_unit_test(every_place_knows_its_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
