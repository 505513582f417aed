/* Broken definitions: each finding has its code, stands where the mistake is, and says what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "definition/definition.h"
#include "definition_findings_cases.h"

/* Replaces the first `find`, takes the mark out and tells where it stood; 0, 0: there is none. */
static char *break_it(const struct broken *c, unsigned *ret_line, unsigned *ret_column)
{
    const char *at = strstr(good, c->find);
    assert_non_null(at);
    char *text = malloc(sizeof good + strlen(c->replace));
    assert_non_null(text);
    sprintf(text, "%.*s%s%s", (int)(at - good), good, c->replace, at + strlen(c->find));
    char *mark = strstr(text, "@@");
    *ret_line = *ret_column = 0;
    if (!mark) return text;
    *ret_line = *ret_column = 1;
    for (const char *p = text; p < mark; p++) {
        if ((*p & 0xc0) != 0x80) ++*ret_column;
        if (*p != '\n') continue;
        ++*ret_line;
        *ret_column = 1;
    }
    memmove(mark, mark + 2, strlen(mark + 2) + 1);
    return text;
}

static bool check_case(const struct broken *c)
{
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition = NULL;
    unsigned line, column;
    char *text = break_it(c, &line, &column);
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    int error = saga_definition_load(saga_slice_of(text), "x.yaml", &found, &definition);
    const struct saga_diagnostic *f = found.items;
    bool right = error == SAGA_E_INVALID && !definition && found.count == 1 && found.errors == 1 &&
                 strcmp(f->code, c->code) == 0 && strcmp(f->file, "x.yaml") == 0 &&
                 (line == 0 || (f->line == line && f->column == column)) && f->why.size > 0 &&
                 f->mend.size > 0 && f->width > 0;
    if (right && c->mend)
        right = memmem(f->mend.data, f->mend.size, c->mend, strlen(c->mend)) != NULL;
    if (!right) {
        saga_diagnostics_print(&found, stderr);
        print_error("%s: want %s at %u:%u with mend \"%s\", error %d, %zu findings\n\n", c->name,
                    c->code, line, column, c->mend ? c->mend : "", error, found.count);
    }
    saga_definition_free(definition);
    saga_arena_free(&arena);
    free(text);
    return right;
}

static void every_mistake_is_found_where_it_stands(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) wrong += !check_case(&cases[i]);
    assert_int_equal(wrong, 0);
}

/* ---- what is fine ---- */

static size_t findings_of(const char *find, const char *replace, const char *code)
{
    const struct broken c = { "", code, find, replace, NULL };
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition = NULL;
    unsigned line, column;
    char *text = break_it(&c, &line, &column);
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    saga_definition_load(saga_slice_of(text), "x.yaml", &found, &definition);
    size_t count = 0;
    for (size_t i = 0; i < found.count; i++)
        count += !code || strcmp(found.items[i].code, code) == 0;
    if (!code && count) saga_diagnostics_print(&found, stderr);
    saga_definition_free(definition);
    saga_arena_free(&arena);
    free(text);
    return count;
}

static void what_is_right_has_no_finding(void **state)
{
    (void)state;
    static const char *const fine[][2] = {
        { "deadline: 30m", "deadline: 1h30m" },
        { "deadline: 30m", "redact: [.input.name, '.input.guests[].name', "
                           "'.steps[\"reserve\"].code', .vars.note, .input.customers]" },
        { "step: tell", "step: '12'" },
        { "step: tell", "step: 1-2" },
        { "keep: .reply.charge", "keep: true" },
        { "failure: [NoStock, Sold]", "failure: Unavailable\n    retry: { on: [] }" },
        { "start: { topic: orders, event: Placed, key: .id }", "start: { every: 1h }" },
        { "key: .id", "key: '.steps.none // .reply // .anything'" }, /* the event is `.` */
        { "    body: '{id: .input.id, \"ö\": .input.lines}'",
          "    body: '{id: (.input | .id), n: [.input.lines[] | {a: .sku}]}'" },
        { ".input.lines}", "(reduce .input.lines[] as $l (0; . + $l.price))}" },
        { ".input.lines}", "(.input.lines | map(.reply))}" },
        { ".input.lines}", ".input.steps.nowhere}" },
        { ".input.lines}", "[.input.lines[] | .steps.x]}" },
        { "'{id: .input.id, \"ö\": .input.lines}'", "'def f: .anything; .input | f'" },
        { "'{id: .input.id, \"ö\": .input.lines}'", "'{input, saga}'" },
        { "'{id: .input.id, \"ö\": .input.lines}'", "'{a: .input | .x, b: .input.y}'" },
        { "'{id: .input.id, \"ö\": .input.lines}'", "'.input.x as $x | {$x, y: .input.y}'" },
        { "'{id: .input.id, \"ö\": .input.lines}'", "'try .input.x catch .message'" },
        { "      body: '{id: .input.id}'", "      body: '{id: .steps.reserve.id, why: .error.type}'"
                                           "\n      unknown-body: '{id: .input.id}'" },
        { "    compensate:\n      send: stock/Release\n      body: '{id: .input.id}'",
          "    unknown: by-key\n    compensate:\n      send: stock/Release\n"
          "      body: '{id: .steps.reserve.id}'" },
    };
    assert_int_equal(findings_of("saga: order", "saga: order", NULL), 0);
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        if (findings_of(fine[i][0], fine[i][1], NULL) != 0) fail_msg("%s", fine[i][1]);
}

/* ---- several at once, limits, the table ---- */

static void a_schedule_is_told_all_that_is_wrong_with_it(void **state)
{
    (void)state;
    static const char find[] = "start: { topic: orders, event: Placed, key: .id }",
                      replace[] = "start: { cron: \"61 6 * * *\", zone: Europe/Berlim }";
    assert_int_equal(findings_of(find, replace, "SG111"), 1);
    assert_int_equal(findings_of(find, replace, "SG112"), 1);
}

static void one_run_finds_several_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition = NULL;
    static const char text[] = "saga: Order\n"
                               "version: 1\n"
                               "colour: red\n"
                               "participants: { stock: { commands: a, replies: b } }\n"
                               "start: { topic: orders, event: Placed, key: .id }\n"
                               "steps:\n"
                               "  - step: reserve\n"
                               "    send: stok/Reserve\n"
                               "    timeout: 0s\n"
                               "    body: .lines\n"
                               "    success: Reserved\n"
                               "on-completed: {}\n";
    static const struct {
        unsigned line, column;
        const char *code;
    } want[] = { { 1, 7, "SG107" },  { 3, 1, "SG101" },   { 7, 11, "SG301" }, { 8, 11, "SG105" },
                 { 9, 14, "SG102" }, { 10, 12, "SG205" }, { 12, 1, "SG103" } };
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    int error = saga_definition_load(saga_slice_of(text), "x.yaml", &found, &definition);
    assert_int_equal(error, SAGA_E_INVALID);
    assert_int_equal(found.count, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < found.count; i++) {
        assert_string_equal(found.items[i].code, want[i].code);
        assert_int_equal(found.items[i].line, want[i].line);
        assert_int_equal(found.items[i].column, want[i].column);
    }
    assert_int_equal(found.items[6].width, strlen("on-completed"));
    assert_true(saga_slice_is(found.items[3].source_line, "    send: stok/Reserve"));
    saga_arena_free(&arena);
}

static void a_failure_behind_the_pivot_is_a_warning(void **state)
{
    (void)state;
    char text[sizeof good + 64];
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition = NULL;
    const char *at = strstr(good, "    success: Told");
    snprintf(text, sizeof text, "%.*s    failure: NotTold\n%s", (int)(at - good), good, at);
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    assert_int_equal(saga_definition_load(saga_slice_of(text), "x", &found, &definition), SAGA_OK);
    assert_non_null(definition);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.errors, 0);
    assert_int_equal(found.items[0].severity, SAGA_SEVERITY_WARNING);
    assert_string_equal(found.items[0].code, "SG304");
    assert_int_equal(found.items[0].line, 32);
    assert_int_equal(found.items[0].column, 14);
    saga_definition_free(definition);
    saga_arena_free(&arena);
}

static char *repeat(const char *before, const char *format, size_t count, const char *behind)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fputs(before, out);
    for (size_t i = 0; i < count; i++) {
        char item[128];
        sprintf(item, "%zu", i);
        for (const char *p = format; *p; p++)
            if (*p == '#')
                fputs(item, out);
            else
                fputc(*p, out);
    }
    fputs(behind, out);
    fclose(out);
    return text;
}

static void check_limit(const char *find, const char *before, const char *item, size_t most,
                        const char *behind)
{
    for (size_t more = 0; more <= 1; more++) {
        char *replace = repeat(before, item, most + more, behind);
        size_t count = findings_of(find, replace, "SG108");
        if (count != more) fail_msg("%s: %zu findings with %zu of them", find, count, most + more);
        free(replace);
    }
}

static void limits_hold_exactly(void **state)
{
    (void)state;
    check_limit("  - step: tell", "", "  - {step: s#, send: cash/A, success: B}\n",
                SAGA_DEFINITION_BLOCKS_MAX - 3, "  - step: tell");
    check_limit("[NoStock, Sold]", "[", "T#, ", SAGA_TYPES_MAX, "]");
    check_limit("{ customer: .input.customer }", "{", "a#: .input.a, ", SAGA_SEARCH_MAX, "}");
    check_limit("  cash: {", "", "  p#: { commands: a, replies: b }\n", SAGA_PARTICIPANTS_MAX - 2,
                "  cash: {");
    check_limit("Größe", "", "x", SAGA_MESSAGE_BYTES_MAX - sizeof " zählt." + 1, "");
}

static void every_code_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAGA_FINDING_COUNT; i++) {
        const struct saga_finding_kind *kind = &saga_finding_kinds[i];
        assert_non_null(kind->code);
        assert_true(strlen(kind->title) > 0 && strlen(kind->why) > 0 && strlen(kind->mend) > 0);
        if (i) assert_true(strcmp(saga_finding_kinds[i - 1].code, kind->code) < 0);
        assert_ptr_equal(saga_finding_kind(saga_slice_of(kind->code)), kind);
    }
    assert_string_equal(saga_finding_kind(SAGA_SLICE("sg301"))->code, "SG301");
    assert_null(saga_finding_kind(SAGA_SLICE("SG3010")));
    assert_null(saga_finding_kind(SAGA_SLICE("SG999")));
    assert_null(saga_finding_kind(SAGA_SLICE_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_found_where_it_stands),
        cmocka_unit_test(what_is_right_has_no_finding),
        cmocka_unit_test(a_schedule_is_told_all_that_is_wrong_with_it),
        cmocka_unit_test(one_run_finds_several_in_the_order_of_the_file),
        cmocka_unit_test(a_failure_behind_the_pivot_is_a_warning),
        cmocka_unit_test(limits_hold_exactly),
        cmocka_unit_test(every_code_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
