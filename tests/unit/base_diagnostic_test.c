/* What a person sees of a finding: the place, the line, a caret under the right character, the mend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diagnostic.h"
#include "base/error.h"
#include "base/limits.h"

static char *printed;

static const char *print(const struct saga_diagnostic *diagnostic)
{
    size_t size;
    free(printed);
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    saga_diagnostic_print(diagnostic, out);
    fclose(out);
    return printed;
}

static int forget_printed(void **state)
{
    (void)state;
    free(printed);
    printed = NULL;
    return 0;
}

static void a_finding_shows_place_line_caret_reason_and_mend(void **state)
{
    (void)state;
    struct saga_diagnostic finding = {
        .severity = SAGA_SEVERITY_ERROR,
        .code = "SG101",
        .file = "sagas/order.yaml",
        .line = 7,
        .column = 5,
        .width = 4,
        .source_line = SAGA_SLICE("  - stpe: reserve"),
        .what = SAGA_SLICE("'stpe' is no field of a block"),
        .why = SAGA_SLICE("the step would never run"),
        .mend = SAGA_SLICE("write 'step'"),
    };
    assert_string_equal(print(&finding),
                        "sagas/order.yaml:7:5: error: 'stpe' is no field of a block [SG101]\n"
                        "    7 |   - stpe: reserve\n"
                        "      |     ^~~~\n"
                        "  why:  the step would never run\n"
                        "  mend: write 'step'\n");
}

static void the_caret_stands_under_its_character(void **state)
{
    (void)state;
    struct saga_diagnostic finding = {
        .severity = SAGA_SEVERITY_WARNING,
        .file = "a.yaml",
        .line = 123,
        .column = 4,
        .width = 1,
        .source_line = SAGA_SLICE("\xC3\xBC\t\xC3\xA4x"),
        .what = SAGA_SLICE("odd"),
    };
    assert_string_equal(print(&finding), "a.yaml:123:4: warning: odd\n"
                                         "  123 | \xC3\xBC\t\xC3\xA4x\n"
                                         "      |  \t ^\n");
    finding.column = 7; /* behind the end of the line, where something is missing */
    assert_non_null(strstr(print(&finding), "\n      |  \t    ^\n"));
}

static void what_is_not_known_is_left_out(void **state)
{
    (void)state;
    struct saga_diagnostic finding = { .severity = SAGA_SEVERITY_ERROR,
                                       .what = SAGA_SLICE("no broker") };
    assert_string_equal(print(&finding), "error: no broker\n");
    finding.file = "saga.conf";
    assert_string_equal(print(&finding), "saga.conf: error: no broker\n");
    finding.line = 3;
    finding.column = 1;
    assert_string_equal(print(&finding), "saga.conf:3:1: error: no broker\n");
}

static void findings_past_the_limit_are_counted_not_kept(void **state)
{
    (void)state;
    struct saga_arena arena;
    struct saga_diagnostics findings;
    char *text;
    size_t size;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    for (int i = 0; i < SAGA_DIAGNOSTICS_MAX + 5; i++) {
        struct saga_diagnostic *added = saga_diagnostics_add(
            &findings, i % 2 ? SAGA_SEVERITY_WARNING : SAGA_SEVERITY_ERROR, "SG1", "finding %d", i);
        saga_diagnostic_mend(added, &arena, "mend %d", i);
    }
    assert_int_equal(findings.count, SAGA_DIAGNOSTICS_MAX);
    assert_int_equal(findings.cut, 5);
    assert_int_equal(findings.errors, (SAGA_DIAGNOSTICS_MAX + 5 + 1) / 2);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    saga_diagnostics_print(&findings, out);
    fclose(out);
    assert_ptr_equal(strstr(text, "error: finding 0 [SG1]\n  mend: mend 0\nwarning"), text);
    assert_non_null(
        strstr(text, "warning: finding 99 [SG1]\n  mend: mend 99\n... and 5 more findings\n"));
    assert_null(strstr(text, "finding 100"));
    free(text);
    saga_arena_free(&arena);
}

static void words_of_one_finding_can_be_set(void **state)
{
    (void)state;
    struct saga_arena arena;
    struct saga_diagnostic finding = { .severity = SAGA_SEVERITY_ERROR };
    saga_arena_init(&arena);
    saga_diagnostic_set(&finding, &arena, "topic %s has %d partitions", "saga.inbox", 3);
    saga_diagnostic_mend(&finding, &arena, "make it %d", 8);
    assert_string_equal(print(&finding),
                        "error: topic saga.inbox has 3 partitions\n  mend: make it 8\n");
    saga_arena_free(&arena);
}

static void every_error_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = SAGA_E_UNSUPPORTED; a <= 0; a++) {
        assert_string_not_equal(saga_error_name(a), "unknown error");
        for (int b = SAGA_E_UNSUPPORTED; b < a; b++)
            assert_string_not_equal(saga_error_name(a), saga_error_name(b));
    }
    assert_string_equal(saga_error_name(-999), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_finding_shows_place_line_caret_reason_and_mend, forget_printed),
        cmocka_unit_test_teardown(the_caret_stands_under_its_character, forget_printed),
        cmocka_unit_test_teardown(what_is_not_known_is_left_out, forget_printed),
        cmocka_unit_test(findings_past_the_limit_are_counted_not_kept),
        cmocka_unit_test_teardown(words_of_one_finding_can_be_set, forget_printed),
        cmocka_unit_test(every_error_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
