/* Definitions that are checked together, and two versions of one that are compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "definition/check_together.h"
#include "definition/compare.h"

#define HEAD(name, version)                                                                        \
    "saga: " name "\nversion: " version "\n"                                                       \
    "participants:\n  cash: { commands: cash.commands, replies: cash.replies }\n"                  \
    "start: { topic: orders, event: Placed, key: .id }\ndeadline: 1h\n"
#define PAY "steps: [{ step: pay, send: cash/Pay, success: Paid, compensate: none }]\n"

struct files {
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_checked items[4];
    struct saga_definition *definitions[4];
    size_t count;
};

static void load(struct files *f, const char *const *texts, size_t count)
{
    static const char *const names[] = { "a.yaml", "b.yaml", "c.yaml", "d.yaml" };
    *f = (struct files){ .count = count };
    saga_arena_init(&f->arena);
    saga_diagnostics_init(&f->found, &f->arena);
    for (size_t i = 0; i < count; i++) {
        int error =
            saga_definition_load(saga_slice_of(texts[i]), names[i], &f->found, &f->definitions[i]);
        if (error < 0) saga_diagnostics_print(&f->found, stderr);
        assert_int_equal(error, SAGA_OK);
        f->items[i] = (struct saga_checked){ names[i], f->definitions[i] };
    }
    assert_int_equal(f->found.count, 0);
}

static void drop(struct files *f)
{
    for (size_t i = 0; i < f->count; i++) saga_definition_free(f->definitions[i]);
    saga_arena_free(&f->arena);
}

/* "file:line code" of each finding, in the order in which they were found. */
static void expect(const char *const *texts, size_t count, const char *want)
{
    struct files f;
    char got[512] = "";
    load(&f, texts, count);
    saga_check_together(f.items, count, NULL, &f.found);
    for (size_t i = 0; i < f.found.count; i++) {
        const struct saga_diagnostic *d = &f.found.items[i];
        assert_true(d->what.size && d->why.size && d->mend.size && d->source_line.size);
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s:%u %s", i ? ", " : "", d->file,
                 d->line, d->code);
    }
    if (strcmp(got, want) != 0) saga_diagnostics_print(&f.found, stderr);
    assert_string_equal(got, want);
    drop(&f);
}
#define EXPECT(want, ...)                                                                          \
    expect((const char *const[]){ __VA_ARGS__ },                                                   \
           sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *), want)

static void files_that_fit_have_no_finding(void **state)
{
    (void)state;
    EXPECT("", HEAD("a", "1") PAY);
    EXPECT("", HEAD("a", "1") PAY, HEAD("a", "2") PAY, HEAD("b", "1") PAY);
    EXPECT("", HEAD("a", "1") PAY, HEAD("a", "1") PAY);
    EXPECT("", HEAD("a", "1") "steps: [saga: elsewhere]\n"); /* alone: it may be anywhere */
    EXPECT("", HEAD("a", "1") "steps: [saga: b]\n", HEAD("b", "1") PAY);
}

static void one_version_has_one_content(void **state)
{
    (void)state;
    EXPECT("b.yaml:1 SG801", HEAD("a", "1") PAY, HEAD("a", "1") "keep: 1d\n" PAY);
}

static void commands_of_one_file_are_not_replies_of_another(void **state)
{
    (void)state;
    EXPECT("b.yaml:4 SG109", HEAD("a", "1") PAY,
           "saga: b\nversion: 1\nparticipants:\n  x: { commands: cash.replies, replies: r }\n"
           "start: { topic: orders, event: Placed, key: .id }\n"
           "steps: [{ step: pay, send: x/Pay, success: Paid, compensate: none }]\n");
}

static void answers_to_one_command_are_known_everywhere(void **state)
{
    (void)state;
    static const char knows[] = HEAD("b", "1") "steps:\n  - { step: pay, send: cash/Pay, success: "
                                               "Paid, failure: Refused, compensate: none }\n";
    EXPECT("a.yaml:7 SG406", HEAD("a", "1") PAY, knows);
    EXPECT("", knows,
           HEAD("a", "1") "steps:\n  - { step: pay, send: cash/Pay, success: [Paid, "
                          "Refused], compensate: none }\n");
    EXPECT("", knows,
           HEAD("a", "1") "steps:\n  - { step: pay, send: cash/PayAll, success: Paid, "
                          "compensate: none }\n");
}

static void children_are_among_the_files(void **state)
{
    (void)state;
    EXPECT("a.yaml:7 SG603", HEAD("a", "1") "steps: [saga: c]\n", HEAD("b", "1") PAY);
}

static void children_that_start_their_parents_go_in_a_ring(void **state)
{
    (void)state;
    EXPECT("a.yaml:8 SG602, b.yaml:7 SG602, c.yaml:7 SG602", HEAD("a", "1") "steps:\n  - saga: b\n",
           HEAD("b", "1") "steps: [saga: c]\n", HEAD("c", "1") "steps: [saga: a]\n");
    EXPECT("", HEAD("a", "1") "steps: [{ saga: b, as: x }]\n", HEAD("b", "1") PAY);
}

static void a_child_and_its_parent_end_some_time(void **state)
{
    (void)state;
    static const char parent[] =
        "saga: a\nversion: 1\nparticipants: {}\n"
        "start: { topic: orders, event: Placed, key: .id }\nsteps: [saga: b]\n";
    static const char child[] =
        "saga: b\nversion: 1\nparticipants: { cash: { commands: c, replies: r } }\n"
        "start: { topic: orders, event: Placed, key: .id }\n" PAY;
    EXPECT("a.yaml:5 SG503", parent, child);
    EXPECT("", parent, HEAD("b", "1") PAY);
}

static void a_child_that_cannot_be_taken_back_comes_behind_the_pivot(void **state)
{
    (void)state;
    static const char pivot[] =
        HEAD("b", "1") "steps: [{ step: pay, send: cash/Pay, success: Paid, pivot: true }]\n";
    EXPECT("a.yaml:7 SG604", HEAD("a", "1") "steps: [saga: b]\n", pivot);
    EXPECT("",
           HEAD("a", "1") "steps:\n  - { step: p, send: cash/P, success: Ok, pivot: true }\n"
                          "  - { saga: b, catch: { compensated: [], abandoned: [] } }\n",
           pivot);
}

/* Catches a parent that keeps in the open what its child encrypts. */
static void a_child_that_redacts_has_no_parent_that_does_not(void **state)
{
    (void)state;
    EXPECT("a.yaml:7 SG902", HEAD("a", "1") "steps: [saga: b]\n",
           HEAD("b", "1") "redact: [.input.name]\n" PAY);
}

/* ---- versions ---- */

static void compare(const char *before, const char *after, const char *want)
{
    struct files f;
    struct saga_change *changes;
    size_t count;
    char got[2048] = "";
    load(&f, (const char *const[]){ before, after }, 2);
    saga_definition_compare(f.definitions[0], f.definitions[1], &f.arena, &changes, &count);
    for (size_t i = 0; i < count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s %s%s%.*s: %.*s -> %.*s\n",
                 SAGA_SLICE_ARG(changes[i].place), changes[i].kind, changes[i].what.size ? " " : "",
                 SAGA_SLICE_ARG(changes[i].what), SAGA_SLICE_ARG(changes[i].before),
                 SAGA_SLICE_ARG(changes[i].after));
    assert_string_equal(got, want);
    drop(&f);
}

#define STEP(name, more)                                                                           \
    "  - { step: " name ", send: cash/Do, success: Ok, compensate: none" more " }\n"

static void what_a_version_changes_is_told_by_place(void **state)
{
    (void)state;
    compare(HEAD("a", "1") PAY, HEAD("a", "2") PAY, "");
    compare(HEAD("a", "1") "steps:\n" STEP("one", "") STEP("two", ""),
            HEAD("a", "2") "steps:\n" STEP("one", ", timeout: 5s") STEP("three", ""),
            "step one changed timeout: 30s -> 5s\nstep two removed:  -> \n"
            "step three added:  -> \n");
    compare(HEAD("a", "1") "steps:\n" STEP("one", "") STEP("two", ""),
            HEAD("a", "2") "steps:\n" STEP("two", "") STEP("one", ""),
            "step one moved:  -> \nstep two moved:  -> \n");
    compare(HEAD("a", "1") "keep: 1d\nsteps:\n  - wait: 1h\n" STEP("one", ""),
            HEAD("a", "2") "steps:\n  - wait: 2h\n" STEP("one", ""),
            "saga changed keep: 1d -> 7d\nwait on line 9 changed wait: 1h -> 2h\n");
    compare(HEAD("a",
                 "1") "steps:\n  - choose: [{ when: .input.a, steps: [wait: 1h] }, { else: [] }]\n",
            HEAD("a",
                 "2") "steps:\n  - choose: [{ when: .input.b, steps: [wait: 1h] }, { else: [] }]\n",
            "choose on line 8 changed when: .input.a | else -> .input.b | else\n");
}

static void topics_and_events_are_compared(void **state)
{
    (void)state;
    compare(
        HEAD("a", "1") PAY,
        "saga: a\nversion: 2\nparticipants:\n  cash: { commands: cash.commands, replies: other }\n"
        "start: { topic: orders, event: Placed, key: .id, when: .x }\ndeadline: 2h\n" PAY
        "on-completed: { publish: e/Done }\n",
        "participant cash changed replies: cash.replies -> other\n"
        "start changed when:  -> .x\n"
        "saga changed deadline: 1h -> 2h\n"
        "on-completed changed publish:  -> e/Done\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_fit_have_no_finding),
        cmocka_unit_test(one_version_has_one_content),
        cmocka_unit_test(commands_of_one_file_are_not_replies_of_another),
        cmocka_unit_test(answers_to_one_command_are_known_everywhere),
        cmocka_unit_test(children_are_among_the_files),
        cmocka_unit_test(children_that_start_their_parents_go_in_a_ring),
        cmocka_unit_test(a_child_and_its_parent_end_some_time),
        cmocka_unit_test(a_child_that_cannot_be_taken_back_comes_behind_the_pivot),
        cmocka_unit_test(a_child_that_redacts_has_no_parent_that_does_not),
        cmocka_unit_test(what_a_version_changes_is_told_by_place),
        cmocka_unit_test(topics_and_events_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
