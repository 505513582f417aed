/* Graphs of blocks inside of blocks: every way forward and back is an arrow, and marks colour what they stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "definition/graph.h"

#define HEAD                                                                                       \
    "saga: s\nversion: 1\nparticipants: { a: { commands: c, replies: r } }\n"                      \
    "start: { topic: t, event: E, key: .id }\ndeadline: 1d\nsteps:\n"
#define STEP(name) "{ step: " name ", send: a/Do, success: Ok, compensate: { send: a/Undo } }"

struct drawn {
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition;
    struct saga_graph graph;
    const char *text;
};

static void draw(struct drawn *d, const char *steps, const struct saga_block_mark *marks)
{
    saga_arena_init(&d->arena);
    saga_diagnostics_init(&d->found, &d->arena);
    struct saga_slice text = saga_arena_printf(&d->arena, HEAD "%s", steps);
    int error = saga_definition_load(text, "x.yaml", &d->found, &d->definition);
    saga_diagnostics_print(&d->found, stderr);
    assert_int_equal(error, SAGA_OK);
    saga_graph_build(d->definition, &d->arena, &d->graph);
    d->text = saga_arena_string(&d->arena, saga_graph_mermaid(&d->graph, marks));
}

static void drop(struct drawn *d)
{
    saga_definition_free(d->definition);
    saga_arena_free(&d->arena);
}

/* All lines of `want`, each once, are lines of what is drawn. */
static void expect(const char *steps, const char *const *want, size_t count)
{
    struct drawn d;
    draw(&d, steps, NULL);
    for (size_t i = 0; i < count; i++) {
        const char *line = saga_arena_printf(&d.arena, "    %s\n", want[i]).data;
        const char *at = strstr(d.text, line);
        if (!at || strstr(at + 1, line)) fail_msg("\"%s\" not once in\n%s", want[i], d.text);
    }
    drop(&d);
}
#define EXPECT(steps, ...)                                                                         \
    expect(steps, (const char *const[]){ __VA_ARGS__ },                                            \
           sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void choose_has_an_arrow_for_each_branch(void **state)
{
    (void)state;
    EXPECT(
        "  - choose:\n    - { when: .input.n > 1, steps: [" STEP("one") "] }\n    - { else: [] }\n"
                                                                        "  - " STEP("two") "\n",
        "s0{\"choose\"}", "s0 -- \".input.n #gt; 1\" --> s1", "s1 -- \"Ok\" --> s2",
        "s0 -- \"else\" --> s2", "s2 -. \"unknown\" .-> c2", "c2 -.-> c1", "c2 -.-> compensated",
        "c1 -.-> compensated");
}

static void parallel_is_forked_and_joined(void **state)
{
    (void)state;
    EXPECT("  - " STEP("zero") "\n"
                               "  - parallel: { l: [" STEP(
                                   "one") "], r: [{ step: two, send: a/Do, success: Ok, failure: "
                                          "No, compensate: { send: a/Undo } }] }\n  - " STEP(
                                              "three") "\n",
           "s1 -- \"l\" --> s2", "s1 -- \"r\" --> s3", "s2 -- \"Ok\" --> j1", "j1 --> s4",
           "s3 -. \"No\" .-> c2" /* what was done beside it */, "c4 -.-> c2", "c4 -.-> c3",
           "c2 -.-> c0", "c3 -.-> c0");
}

static void loops_come_back(void **state)
{
    (void)state;
    EXPECT(
        "  - for-each: { item: line, in: .input.lines, at-once: 3 }\n    steps: [" STEP(
            "one") "]\n"
                   "  - repeat: { until: .input.done, at-most: 9 }\n    steps: [" STEP("two") "]\n",
        "s0[\\\"for each line in<br/>.input.lines<br/>3 at once\"/]", "s0 -- \"each\" --> s1",
        "s1 -- \"Ok\" --> s0", "s0 -- \"all done\" --> s3", "s3 -- \"Ok\" --> s2",
        "s2 -- \"not yet\" --> s3", "s2 -- \"true\" --> completed", "s2 -. \"9 rounds\" .-> c1");
}

static void events_children_and_catches_have_their_ways(void **state)
{
    (void)state;
    EXPECT("  - { await: paid, topic: t, event: Paid, match: .id, with: .input.id, timeout: 1h,\n"
           "      on-timeout: [" STEP("remind") "] }\n"
                                                "  - { saga: bill, catch: { compensated: [] } }\n"
                                                "  - { step: one, send: a/Do, success: Ok, "
                                                "failure: [No, Never], compensate: none,\n"
                                                "      catch: { No: [fail: { type: Out }] } }\n",
           "s0[/\"await paid<br/>Paid\"\\]", "s0 -. \"timeout\" .-> s1", "s0 --> s2",
           "s1 -- \"Ok\" --> s2", "c2([\"take back bill\"])", "s2 -- \"completed\" --> s3",
           "s2 -. \"compensated\" .-> s3", "s3 -. \"No\" .-> s4", "s4 -.-> c2",
           "s3 -. \"Never or unknown\" .-> c2");
}

static void a_saga_colours_what_it_has_done(void **state)
{
    (void)state;
    static const struct saga_block_mark marks[] = { { SAGA_MARK_DONE, SAGA_MARK_DONE },
                                                    { SAGA_MARK_DONE, SAGA_MARK_OPEN },
                                                    { SAGA_MARK_UNKNOWN, SAGA_MARK_FAILED },
                                                    { SAGA_MARK_NONE, SAGA_MARK_NONE } };
    struct drawn d;
    draw(&d, "  - " STEP("a") "\n  - " STEP("b") "\n  - " STEP("c") "\n  - " STEP("d") "\n", marks);
    assert_non_null(strstr(d.text, "    class s0,s1 done\n"));
    assert_non_null(strstr(d.text, "    class c0 compensated\n"));
    assert_non_null(strstr(d.text, "    class s2 unknown\n"));
    assert_non_null(strstr(d.text, "    class c1 open\n"));
    assert_non_null(strstr(d.text, "    class c2 failed\n"));
    assert_null(strstr(d.text, "class s3"));
    const char *dot =
        saga_arena_string(&d.arena, saga_graph_dot(&d.graph, SAGA_SLICE("a \"title\" \\"), marks));
    assert_non_null(strstr(dot, "label=\"a \\\"title\\\" \\\\\";"));
    assert_non_null(strstr(dot, "s0 [label=\"a\\nDo\", shape=box, style=\"filled\""));
    assert_non_null(strstr(dot, "tooltip=\"compensated\""));
    assert_non_null(strstr(dot, "s0 -> s1 [label=\"Ok\"];"));
    assert_non_null(strstr(dot, "c1 -> c0 [label=\"\", style=dashed"));
    drop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choose_has_an_arrow_for_each_branch),
        cmocka_unit_test(parallel_is_forked_and_joined),
        cmocka_unit_test(loops_come_back),
        cmocka_unit_test(events_children_and_catches_have_their_ways),
        cmocka_unit_test(a_saga_colours_what_it_has_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
