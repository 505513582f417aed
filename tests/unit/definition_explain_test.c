/* Every finding is explained, and its example is one: the wrong form has this finding and no other, its near twin has
 * none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "definition/check_together.h"
#include "definition/definition.h"
#include "definition/explanations.h"

enum { FILES_MAX = 4 };

/* What is found in an example that is made whole files; "" if nothing. */
static void find_in(const char *example, char *ret, size_t size)
{
    static const char *const names[FILES_MAX] = { "a.yaml", "b.yaml", "c.yaml", "d.yaml" };
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_definition *definitions[FILES_MAX] = { NULL };
    struct saga_checked files[FILES_MAX];
    size_t count = 0;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    char *text = saga_arena_string(&arena, saga_explanation_files(example, &arena));
    for (char *next; text; text = next) {
        next = strstr(text, "\n---\n");
        if (next) {
            next[1] = '\0';
            next += 5;
        }
        assert_true(count < FILES_MAX);
        if (saga_definition_load(saga_slice_of(text), names[count], &findings,
                                 &definitions[count]) == SAGA_OK) {
            files[count] = (struct saga_checked){ names[count], definitions[count] };
            count++;
        }
    }
    saga_check_together(files, count, NULL, &findings);
    ret[0] = '\0';
    for (size_t i = 0; i < findings.count; i++)
        snprintf(ret + strlen(ret), size - strlen(ret), "%s ", findings.items[i].code);
    for (size_t i = 0; i < count; i++) saga_definition_free(definitions[i]);
    saga_arena_free(&arena);
}

static void check_lines(const char *text)
{
    for (const char *end; *text; text = end) {
        end = strchr(text, '\n');
        assert_non_null(end); /* every line ends */
        end++;
        if (end - text > 100) fail_msg("too long to be read: %.*s", (int)(end - text), text);
    }
}

/* A finding of files that are not definitions. */
static bool needs_a_folder(size_t i)
{
    return i == SAGA_FINDING_NO_FILE || (i >= SAGA_FINDING_SCHEMA && i <= SAGA_FINDING_BODY_MISFIT);
}

static void every_example_shows_its_finding(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAGA_FINDING_COUNT; i++) {
        struct saga_arena arena;
        saga_arena_init(&arena);
        struct saga_explanation e = saga_explanation_of((enum saga_finding)i, &arena);
        char wrong[128] = "", right[128] = "", want[16];
        assert_non_null(e.text);
        check_lines(e.text);
        assert_int_equal(e.wrong == NULL, e.right == NULL);
        if (!e.wrong) {
            if (!needs_a_folder(i)) fail_msg("%s has no example", saga_finding_kinds[i].code);
            saga_arena_free(&arena);
            continue;
        }
        check_lines(e.wrong);
        check_lines(e.right);
        find_in(e.wrong, wrong, sizeof wrong);
        find_in(e.right, right, sizeof right);
        snprintf(want, sizeof want, "%s ", saga_finding_kinds[i].code);
        if (strcmp(wrong, want) != 0 || right[0])
            fail_msg("%s: its example has %s, the twin has %s", want, wrong, right);
        saga_arena_free(&arena);
    }
}

static void codes_stand_in_order(void **state)
{
    (void)state;
    for (size_t i = 1; i < SAGA_FINDING_COUNT; i++)
        assert_true(strcmp(saga_finding_kinds[i - 1].code, saga_finding_kinds[i].code) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_shows_its_finding),
        cmocka_unit_test(codes_stand_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
