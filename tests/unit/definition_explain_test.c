/* Every finding is explained, and its example is one: the wrong form has this finding and no other, its near twin has
 * none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "definition/definition.h"
#include "definition/explanations.h"

/* What is found in an example that is made a whole file; "" if nothing. */
static void find_in(const char *example, char *ret, size_t size)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_definition *definition = NULL;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    bool steps = strncmp(example, "  - ", 4) == 0;
    struct saga_slice text = saga_arena_printf(&arena, "%s%s%s", steps ? saga_explanation_head : "",
                                               example, steps ? "" : saga_explanation_tail);
    saga_definition_load(text, "example", &findings, &definition);
    ret[0] = '\0';
    for (size_t i = 0; i < findings.count; i++)
        snprintf(ret + strlen(ret), size - strlen(ret), "%s ", findings.items[i].code);
    saga_definition_free(definition);
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

static void every_example_shows_its_finding(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAGA_FINDING_COUNT; i++) {
        const struct saga_explanation *e = &saga_explanations[i];
        char wrong[128] = "", right[128] = "", want[16];
        assert_non_null(e->text);
        check_lines(e->text);
        assert_int_equal(e->wrong == NULL, e->right == NULL);
        if (!e->wrong) {
            /* of these a file alone shows nothing */
            assert_true(i == SAGA_FINDING_NO_FILE || i >= SAGA_FINDING_SCHEMA);
            continue;
        }
        check_lines(e->wrong);
        check_lines(e->right);
        find_in(e->wrong, wrong, sizeof wrong);
        find_in(e->right, right, sizeof right);
        snprintf(want, sizeof want, "%s ", saga_finding_kinds[i].code);
        if (strcmp(wrong, want) != 0 || right[0])
            fail_msg("%s: its example has %s, the twin has %s", want, wrong, right);
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
