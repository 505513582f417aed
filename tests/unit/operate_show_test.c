/* `saga show`: the steps that have not begun stand behind those that have, while the saga can
 * still come to them and after. */
#include "unit/engine_world.h"

#include <stdlib.h>

#include "operate/sagas.h"

static const char *show(struct world *w, const struct saga_view *view)
{
    struct saga_call call = { .arena = &w->arena };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    saga_state_print(&call, w->state, view, out);
    fclose(out);
    const char *copy = saga_arena_string(&w->arena, (struct saga_slice){ text, size });
    free(text);
    return copy;
}

/* The row of a step, without the blanks between its cells. */
static void expect_row(const char *shown, const char *step, const char *expected)
{
    char row[160] = "", needle[64];
    snprintf(needle, sizeof needle, "\n%s ", step);
    const char *at = strstr(shown, needle);
    if (!at || strstr(at + 1, needle)) fail_msg("not one row of %s in:\n%s", step, shown);
    for (at++; *at && *at != '\n' && strlen(row) < sizeof row - 1; at++)
        if (*at != ' ' || (row[0] && row[strlen(row) - 1] != ' ')) strncat(row, at, 1);
    assert_string_equal(row, expected);
}

static void steps_to_come_are_named(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "A");
    const char *shown = show(w, &(struct saga_view){ .definition = w->definition });
    expect_row(shown, "a", "a succeeded 1 c/A");
    expect_row(shown, "v", "v (pivot) sent 1 c/V");
    expect_row(shown, "z", "z to come c/Z");
    assert_true(strstr(shown, "\nz ") > strstr(shown, "\nv "));
}

static void a_stuck_saga_still_comes_to_them(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "A");
    ring(w, "step/v");
    ring(w, "step/v");
    ring(w, "step/v");
    assert_int_equal(w->state->status, SAGA_STUCK);
    const char *shown = show(w, &(struct saga_view){ .definition = w->definition });
    expect_row(shown, "z", "z to come c/Z");
    assert_non_null(strstr(shown, "saga resolve --as succeeded|failed; or saga retry"));
    say_as(w, SAGA_VERB_RESOLVE, "compensated");
    assert_non_null(strstr(show(w, &(struct saga_view){ 0 }), "saga history tells by whom"));
}

static void on_the_way_back_they_never_begin(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "A");
    reply(w, "VNo", "v", 1);
    assert_int_equal(w->state->status, SAGA_COMPENSATING);
    expect_row(show(w, &(struct saga_view){ .definition = w->definition }), "z",
               "z never began c/Z");
}

static const char nested[] =
    "saga: order\nversion: 1\nparticipants: { s: { commands: c, replies: r } }\n"
    "start: { topic: t, event: E, key: .id }\ndeadline: 1d\nsteps:\n"
    "  - { step: a, send: s/A, success: AOk, compensate: none }\n"
    "  - choose: [{ when: .input.x, steps: [{ step: b, send: s/B, success: Ok, compensate: none }] "
    "}, "
    "{ else: [] }]\n"
    "  - for-each: { in: .input.lines }\n"
    "    steps: [{ step: l, send: s/L, success: Ok, compensate: none }]\n"
    "  - parallel: { p: [{ await: e, topic: t, event: Paid, match: .id, with: .input.id, timeout: "
    "1h "
    "}], q: [saga: bill] }\n";

static void blocks_in_blocks_come_too(void **state)
{
    struct world *w = define(state, nested);
    start(w, "{\"id\":1,\"lines\":[]}");
    const char *shown = show(w, &(struct saga_view){ .definition = w->definition });
    expect_row(shown, "a", "a sent 1 c/A");
    expect_row(shown, "b", "b may come c/B");
    expect_row(shown, "l[i]", "l[i] may come c/L");
    expect_row(shown, "e", "e to come t/Paid");
    expect_row(shown, "bill", "bill to come saga bill");
    reply(w, "AOk", "a", 1); /* no x, no lines: both are passed */
    shown = show(w, &(struct saga_view){ .definition = w->definition });
    assert_null(strstr(shown, "\nb "));
    assert_null(strstr(shown, "\nl"));
    expect_row(shown, "e", "e waiting 1 t/Paid");
    expect_row(shown, "bill", "bill asked for 1 saga bill/order/k/1/299ef6c0e99a/bill");
}

static void a_definition_that_is_not_to_be_had_is_said(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "A");
    const char *shown = show(w, &(struct saga_view){ .why_not = "the broker is away" });
    assert_non_null(strstr(shown, "cannot be read: the broker is away\n"));
    assert_null(strstr(shown, "\nz "));
    assert_null(strstr(show(w, &(struct saga_view){ 0 }), "cannot be read"));
}

static void what_may_be_old_is_said(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "A");
    const char *shown = show(w, &(struct saga_view){ .doubt = "nobody has confirmed its lane" });
    assert_non_null(strstr(shown, "\n  warning     nobody has confirmed its lane\n"));
    assert_null(strstr(show(w, &(struct saga_view){ 0 }), "warning"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(steps_to_come_are_named),
        WORLD_TEST(a_stuck_saga_still_comes_to_them),
        WORLD_TEST(on_the_way_back_they_never_begin),
        WORLD_TEST(blocks_in_blocks_come_too),
        WORLD_TEST(a_definition_that_is_not_to_be_had_is_said),
        WORLD_TEST(what_may_be_old_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
