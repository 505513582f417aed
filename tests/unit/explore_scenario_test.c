/* Scenarios: that what is as expected passes, and that everything else fails at its place and with words that help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "explore/body.h"
#include "explore/scenario.h"

static const char saga[] =
    "saga: order\nversion: 1\n"
    "participants:\n"
    "  stock: { commands: stock.commands, replies: stock.replies }\n"
    "  cash: { commands: cash.commands, replies: cash.replies }\n"
    "start: { topic: orders, event: Placed, key: .id, when: .total > 0 }\n"
    "deadline: 1h\n"
    "defaults: { timeout: 10s, retry: { attempts: 2, backoff: 1s, jitter: false } }\n"
    "steps:\n"
    "  - step: reserve\n    send: stock/Reserve\n    body: '{id: .input.id}'\n"
    "    success: Reserved\n    failure: OutOfStock\n"
    "    compensate: { send: stock/Release, body: '{id: .input.id}' }\n"
    "  - step: pay\n    send: cash/Pay\n    body: '{amount: .input.total}'\n"
    "    success: Paid\n    failure: Declined\n    compensate: none\n"
    "on-completed: { publish: order-events/Sold, body: '{id: .input.id}' }\n";

struct tested {
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_scenarios scenarios;
    struct saga_scenario_failure failure;
    enum saga_status status;
    int loaded, result;
};

/* Plays one scenario: its lines stand under `scenarios: - name: it`. */
static void play(struct tested *t, const char *lines)
{
    struct saga_definition *definition;
    struct saga_play played;
    memset(t, 0, sizeof *t);
    saga_arena_init(&t->arena);
    saga_diagnostics_init(&t->findings, &t->arena);
    struct saga_slice text =
        saga_arena_printf(&t->arena,
                          "saga: order.yaml\nstart: { body: { id: o-1, total: 12.50 } }\n"
                          "scenarios:\n  - name: it\n%s",
                          lines);
    t->loaded = saga_scenarios_load(text, "it", &t->arena, &t->findings, &t->scenarios);
    if (t->loaded < 0) return;
    assert_int_equal(saga_definition_load(saga_slice_of(saga), "order", &t->findings, &definition),
                     SAGA_OK);
    t->result =
        saga_scenario_run(&t->scenarios.items[0], definition, &t->arena, &played, &t->failure);
    t->status = played.state->status;
    saga_play_end(&played);
    saga_definition_free(definition);
}

static void end(struct tested *t)
{
    saga_scenarios_close(&t->scenarios);
    saga_arena_free(&t->arena);
}

static void must_pass(const char *lines)
{
    struct tested t;
    play(&t, lines);
    if (t.loaded < 0) saga_diagnostics_print(&t.findings, stderr);
    assert_int_equal(t.loaded, SAGA_OK);
    if (t.result < 0) fail_msg("%.*s", SAGA_SLICE_ARG(t.failure.what));
    end(&t);
}

static bool holds(struct saga_slice text, const char *part)
{
    return text.size && memmem(text.data, text.size, part, strlen(part));
}

/* Fails on that line, and says so; `part` is in what was expected, came, or differs. */
static void must_fail(const char *lines, unsigned line, const char *what, const char *part)
{
    struct tested t;
    play(&t, lines);
    if (t.loaded < 0) saga_diagnostics_print(&t.findings, stderr);
    assert_int_equal(t.loaded, SAGA_OK);
    assert_int_equal(t.result, SAGA_E_INVALID);
    assert_int_equal(t.failure.place.line, line);
    if (!holds(t.failure.what, what)) fail_msg("%.*s", SAGA_SLICE_ARG(t.failure.what));
    bool there = !part || holds(t.failure.came, part) || holds(t.failure.expected, part) ||
                 holds(t.failure.difference, part) || holds(t.failure.mend, part);
    if (!there)
        fail_msg("expected %.*s came %.*s differs %.*s", SAGA_SLICE_ARG(t.failure.expected),
                 SAGA_SLICE_ARG(t.failure.came), SAGA_SLICE_ARG(t.failure.difference));
    end(&t);
}

static void must_not_load(const char *lines, const char *code, unsigned line)
{
    struct tested t;
    play(&t, lines);
    assert_int_equal(t.loaded, SAGA_E_INVALID);
    assert_string_equal(t.findings.items[0].code, code);
    if (line) assert_int_equal(t.findings.items[0].line, line);
    end(&t);
}

#define ANSWERS "    answers: { Reserve: Reserved, Pay: Paid, Release: Released }\n"

static void what_is_as_expected_passes(void **state)
{
    (void)state;
    must_pass(ANSWERS
              "    sends: [Reserve, cash/Pay]\n    publishes: [Sold]\n    end: completed\n");
    must_pass("    answers: { '*': success, Pay: failure }\n    sends: [Reserve, Pay, Release]\n"
              "    end: { status: compensated, error: { type: Declined, step: pay } }\n");
    must_pass("    steps:\n      - expect: stock/Reserve\n        exact-body: { id: o-1 }\n"
              "        reply: Reserved\n      - reply: Paid\n      - expect: order-events/Sold\n"
              "    end: completed\n");
    must_pass("    start: { body: { id: o-2, total: 0 } }\n    end: not-started\n");
}

static void a_command_that_nobody_expects_fails(void **state)
{
    (void)state;
    must_fail("    answers: { Reserve: Reserved }\n    end: running\n", 6,
              "neither expects nor answers", "cash/Pay for pay");
    must_pass("    strict: false\n    answers: { Reserve: Reserved }\n    end: running\n");
}

static void what_does_not_come_fails(void **state)
{
    (void)state;
    must_fail(ANSWERS "    steps:\n      - expect: Release\n    end: completed\n", 7,
              "was not sent", "stock/Reserve");
    must_fail(ANSWERS "    steps:\n      - expect: Pay\n        attempt: 2\n    end: completed\n",
              7, "was not sent", "attempt 2");
    must_fail(ANSWERS "    sends: [Pay, Reserve]\n    end: completed\n", 6, "sent something else",
              "number 1: expected Pay, came Reserve");
    must_fail(ANSWERS "    publishes: []\n    end: completed\n", 6, "published something else",
              "Sold");
    must_fail(ANSWERS "    end: compensated\n", 6, "status", "completed");
}

static void a_body_that_differs_fails_and_says_where(void **state)
{
    (void)state;
    must_pass(
        ANSWERS
        "    steps:\n      - expect: Pay\n        body: { amount: 12.5 }\n    end: completed\n");
    must_fail(ANSWERS
              "    steps:\n      - expect: Pay\n        body: { amount: 13 }\n    end: completed\n",
              7, "another body", ".amount: expected 13, came 12.50");
    must_fail(ANSWERS
              "    steps:\n      - expect: Pay\n        exact-body: {}\n    end: completed\n",
              7, "another body", ".amount: expected nothing");
}

static void time_passes_and_alarms_ring_in_their_order(void **state)
{
    (void)state;
    must_pass("    answers: { Reserve: [no-answer, Reserved], Pay: Paid }\n    steps:\n"
              "      - after: 9s\n      - expect-state: { waiting: [reserve] }\n      - after: 2s\n"
              "      - expect: Reserve\n      - expect: Reserve\n        attempt: 2\n    end: "
              "completed\n");
    must_pass("    answers: { Reserve: no-answer, Release: Released }\n    steps:\n"
              "      - ring: deadline\n      - expect-state: compensating\n"
              "    end: { status: compensated, error: DeadlineExceeded }\n");
    must_fail(
        "    answers: { Reserve: no-answer }\n    steps:\n      - ring: wait/x\n    end: running\n",
        7, "no timer", "step/reserve");
}

static void replies_go_to_what_they_name(void **state)
{
    (void)state;
    must_pass("    answers: { Reserve: no-answer, Pay: Paid, Release: Released }\n    steps:\n     "
              " - after: 15s\n"
              "      - reply: { to: reserve, attempt: 1, type: Reserved }\n    end: completed\n");
    must_pass(ANSWERS "    steps:\n      - expect: Pay\n        reply: Declined\n"
                      "      - expect: stock/Release\n    end: compensated\n");
    must_fail("    answers: { Reserve: Reserved }\n    steps:\n"
              "      - reply: { to: pay/compensate, type: Paid }\n    end: completed\n",
              7, "goes by `pay/compensate`", NULL);
}

static void a_name_that_the_definition_has_not_fails(void **state)
{
    (void)state;
    must_fail("    answers: { Resreve: Reserved, Pay: Paid }\n    end: completed\n", 5,
              "no command or step `Resreve`", "did you mean `Reserve`?");
    must_fail(ANSWERS "    steps:\n      - expect: nobody/Pay\n    end: completed\n", 7,
              "no command or event `nobody/Pay`", NULL);
    must_fail(ANSWERS "    steps:\n      - reply: { to: reserv, type: Paid }\n    end: completed\n",
              7, "no command or step `reserv`", "did you mean `reserve`?");
    must_fail(ANSWERS "    sends: [Foo]\n    end: completed\n", 6, "no command `Foo`", NULL);
    must_fail(ANSWERS "    publishes: [Reserve]\n    end: completed\n", 6, "no event `Reserve`",
              NULL);
    must_pass("    answers: { '*': success, 'pay[0]': Paid, reserve/compensate: Released }\n"
              "    publishes: [order-events/Sold]\n    end: completed\n");
}

static void a_definition_is_told_as_one(void **state)
{
    struct tested t = { 0 };
    (void)state;
    saga_arena_init(&t.arena);
    saga_diagnostics_init(&t.findings, &t.arena);
    assert_int_equal(
        saga_scenarios_load(saga_slice_of(saga), "it", &t.arena, &t.findings, &t.scenarios),
        SAGA_E_INVALID);
    assert_int_equal(t.findings.count, 1);
    assert_true(holds(t.findings.items[0].what, "this is a definition"));
    assert_true(holds(t.findings.items[0].mend, "*.test.yaml"));
    end(&t);
}

static void operators_are_heard(void **state)
{
    (void)state;
    must_pass("    answers: { Reserve: Reserved, Pay: no-answer, Release: Released }\n    steps:\n"
              "      - operator: pause\n      - expect-state: { paused: true }\n      - operator: "
              "resume\n"
              "      - operator: { verb: cancel, who: ada, reason: why not }\n"
              "      - reply: { to: pay, type: Declined }\n"
              "    end: { status: compensated, error: Cancelled }\n");
}

/* A compensation that nobody answers is tried again without end. */
static void a_saga_without_rest_fails(void **state)
{
    (void)state;
    must_fail("    strict: false\n    answers: { Reserve: Reserved, Pay: Declined }\n"
              "    end: compensated\n",
              7, "did not come to rest", "again and again");
}

static void mistakes_in_the_file_are_found_at_their_place(void **state)
{
    (void)state;
    must_not_load("    answerz: {}\n    end: completed\n", "SG101", 5);
    must_not_load("    steps: []\n", "SG103", 4);
    must_not_load("    end: complete\n", "SG102", 5);
    must_not_load("    steps:\n      - expects: Pay\n    end: completed\n", "SG101", 6);
    must_not_load("    steps:\n      - after: soon\n    end: completed\n", "SG102", 6);
    must_not_load("    steps:\n      - operator: shout\n    end: completed\n", "SG102", 6);
    must_not_load("    answers: { Pay: { type: Paid, jq: '{a' } }\n    end: completed\n", "SG201",
                  5);
    must_not_load("    answers: { Pay: [] }\n    end: completed\n", "SG102", 5);
    must_not_load("    steps:\n      -\n    end: completed\n", "SG102", 0);
    must_not_load("    end: completed\n  - name: it\n    end: completed\n", "SG102", 6);
}

/* As the explorer keeps what it found: no data, every choice said. */
static void a_way_of_the_explorer_is_played_without_data(void **state)
{
    (void)state;
    must_pass(
        "    strict: false\n    start: { key: k }\n    explored: { choices: [] }\n    steps:\n"
        "      - reply: { to: reserve, type: Reserved, attempt: 1 }\n"
        "      - reply: { to: pay, type: Declined, attempt: 1 }\n    end: compensating\n");
}

static void bodies_are_compared_by_what_they_mean(void **state)
{
    struct saga_arena arena;
    (void)state;
    saga_arena_init(&arena);
#define SAME(a, b, exactly)                                                                        \
    (saga_body_differences(SAGA_SLICE(a), SAGA_SLICE(b), exactly, &arena).size == 0)
    assert_true(SAME("{\"a\":1}", "{\"b\":2,\"a\":1.0}", false));
    assert_false(SAME("{\"a\":1}", "{\"b\":2,\"a\":1.0}", true));
    assert_true(SAME("{\"a\":[{\"x\":1}]}", "{\"a\":[{\"x\":1,\"y\":2}]}", false));
    assert_false(SAME("{\"a\":[1]}", "{\"a\":[1,2]}", false));
    assert_true(SAME("\"\\u0041\"", "\"A\"", true));
    assert_false(SAME("null", "0", false));
#undef SAME
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_as_expected_passes),
        cmocka_unit_test(a_command_that_nobody_expects_fails),
        cmocka_unit_test(what_does_not_come_fails),
        cmocka_unit_test(a_body_that_differs_fails_and_says_where),
        cmocka_unit_test(time_passes_and_alarms_ring_in_their_order),
        cmocka_unit_test(replies_go_to_what_they_name),
        cmocka_unit_test(a_name_that_the_definition_has_not_fails),
        cmocka_unit_test(a_definition_is_told_as_one),
        cmocka_unit_test(operators_are_heard),
        cmocka_unit_test(a_saga_without_rest_fails),
        cmocka_unit_test(mistakes_in_the_file_are_found_at_their_place),
        cmocka_unit_test(a_way_of_the_explorer_is_played_without_data),
        cmocka_unit_test(bodies_are_compared_by_what_they_mean),
    };
    return cmocka_run_group_tests_name("explore: scenarios", tests, NULL, NULL);
}
