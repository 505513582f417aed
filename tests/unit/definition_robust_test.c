/* Whatever a file holds, loading it ends with a definition or with findings: no crash, no leak, no
 * endless loop. Worth most under the address sanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "definition/check_together.h"
#include "definition/graph.h"

/* Loads a text, checks that the outcome is whole, and counts its findings of `code` (NULL: all). */
static size_t try(struct saga_slice text, const char *code)
{
    struct saga_arena arena;
    struct saga_diagnostics found;
    struct saga_definition *definition = NULL;
    saga_arena_init(&arena);
    saga_diagnostics_init(&found, &arena);
    int error = saga_definition_load(text, "x.yaml", &found, &definition);
    assert_true(error == SAGA_OK || error == SAGA_E_INVALID);
    assert_int_equal(error == SAGA_OK, definition != NULL);
    assert_int_equal(error == SAGA_OK, found.errors == 0);
    size_t count = 0;
    for (size_t i = 0; i < found.count; i++) {
        const struct saga_diagnostic *f = &found.items[i];
        assert_true(f->code && f->what.size > 0 && f->why.size > 0 && f->mend.size > 0);
        assert_true(f->line == 0 || (f->column > 0 && f->width > 0));
        if (f->source_line.size) assert_true(f->width <= f->source_line.size + 1);
        for (size_t c = 0; c < f->what.size; c++) assert_true((unsigned char)f->what.data[c] >= 32);
        count += !code || strcmp(f->code, code) == 0;
    }
    if (definition) {
        struct saga_graph graph;
        saga_check_together(&(struct saga_checked){ "x.yaml", definition }, 1, NULL, &found);
        saga_graph_build(definition, &arena, &graph);
        assert_true(saga_graph_mermaid(&graph, NULL).size > 0);
        assert_true(saga_graph_dot(&graph, definition->name, NULL).size > 0);
    }
    FILE *nowhere = fopen("/dev/null", "w");
    assert_non_null(nowhere);
    saga_diagnostics_print(&found, nowhere);
    fclose(nowhere);
    saga_definition_free(definition);
    saga_arena_free(&arena);
    return count;
}

static size_t try_text(const char *text, const char *code)
{
    return try(saga_slice_of(text), code);
}

/* ---- nasty files ---- */

static void nasty_files_are_refused_with_words(void **state)
{
    (void)state;
    static const char *const files[] = {
        "",
        " ",
        "\n\n\n",
        "# nothing\n",
        "\xef\xbb\xbf",
        "---",
        "...",
        "hello",
        "- a",
        "[]",
        "{}",
        "{",
        "}",
        "[[[[",
        ":",
        ": 1",
        "? ",
        "? \n: ",
        "? [a]\n: 1",
        "? {a: b}\n: 1",
        "\"\": 1",
        "!!map {}",
        "saga: !!binary x",
        "saga: &a *a",
        "&a saga: *a",
        "&a\nsaga: *a",
        "saga: &a [*a]",
        "saga: *nope",
        "*a : b",
        "? *a\n: b",
        "a: &a {b: &b {c: *a}}\nd: *b",
        "<<: {saga: x}",
        "x: &x {a: 1}\nsaga:\n  <<: *x",
        "%YAML 9.9\n---\nsaga: x",
        "%TAG ! tag:x\n---\nsaga: !y x",
        "saga: x\n...\nsaga: y",
        "saga: x\n---\n",
        "saga: |\n",
        "saga: >-\n\n\n",
        "saga: 'x",
        "saga: \"\\x\"",
        "saga: \"\\uD800\"",
        "saga: \"\\0\"",
        "saga: \"a\\nb\\e[31m\"",
        "saga: x: y",
        "saga:x",
        "saga: @x",
        "saga: `x`",
        "\tsaga: x",
        "saga: x\r\rversion: 1\r",
        "\xff\xfes\0a\0",
        "saga: \xc3",
        "saga: \xed\xa0\x80",
        "saga: \xc2\x9b"
        "31m",
        "saga:\nversion:\nparticipants:\nstart:\nsteps:\nsearch:\ndefaults:\non-completed:\n",
        "participants: {a: , b: {}, C: {commands: [], replies: {}, format: {}, correlate: [1]}}",
        "start: {topic: {}, event: [], key: {}, when: [], type: {a: b}, from: []}",
        "search: {a: {}, b: [], '': x, c: ''}",
        "defaults: {timeout: [], retry: {attempts: x, backoff: {}, factor: [], on: {}, jitter: "
        "{}}}",
        "steps: {}",
        "steps: [[], {}, '', ~, [step], {step: }, {step: []}, {step: {a: b}}, {: }]",
        "steps: [{step: a, send: {}, body: {}, success: {}, failure: [[], {}], timeout: {}}]",
        "steps: [{step: a, retry: [], keep: {}, pivot: {}, unknown: {}, compensate: []}]",
        "steps: [{step: a, compensate: {send: [], body: {}, unknown-body: [], success: {}}}]",
        "steps: [{step: a, pivot: true}, {step: a, pivot: true, compensate: {body: '.steps.a'}}]",
        "on-completed: [], on-compensated: {publish: {}, body: []}",
        "steps: [{choose: }, {choose: {}}, {choose: [~, [], {}, {when: }, {else: {}}]}]",
        "steps: [{parallel: }, {parallel: []}, {parallel: {'': [], a: {}, b: [{}], C: ~}}]",
        "steps: [{for-each: }, {for-each: []}, {for-each: {in: [], item: {}, at-once: x}, steps: "
        "{}}]",
        "steps: [{repeat: }, {repeat: []}, {repeat: {until: [], at-most: {}}, steps: [[], ~]}]",
        "steps: [{await: }, {await: [], topic: {}, event: [], match: {}, with: [], keep: {}, from: "
        "[], on-timeout: {}, timeout: [], keep-early: {}, type: []}]",
        "steps: [{saga: }, {saga: [], as: {}, key: [], input: {}, keep: [], catch: []}]",
        "steps: [{step: a, catch: }, {step: b, catch: {'': [], A: {}, B: [{}], ~: []}}]",
        "steps: [{choose: [{when: .a, steps: &x [{choose: *x}]}]}]",
        "steps: [{step: a, choose: [], parallel: {}, repeat: {}, await: b, saga: c}]",
        "start: {every: [], cron: {}, zone: [], missed: {}}",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (try_text(files[i], NULL) == 0) fail_msg("file %zu has no finding: %s", i, files[i]);
    assert_int_equal(try(SAGA_SLICE("saga: x\0\nversion: 1"), "SG001"), 1);
    assert_int_equal(try(SAGA_SLICE_NONE, "SG001"), 1);
}

/* `before`, `item` repeated to about `size` bytes, `behind` */
static size_t try_repeated(const char *before, const char *item, const char *behind, size_t size,
                           const char *code)
{
    size_t head = strlen(before), one = strlen(item), tail = strlen(behind);
    size_t count = size / one;
    char *text = malloc(head + count * one + tail);
    assert_non_null(text);
    memcpy(text, before, head);
    for (size_t i = 0; i < count; i++) memcpy(text + head + i * one, item, one);
    memcpy(text + head + count * one, behind, tail);
    size_t found = try((struct saga_slice){ text, head + count * one + tail }, code);
    free(text);
    return found;
}

#define HEAD "saga: s\nversion: 1\nparticipants: {}\nstart: { topic: t, event: E, key: .id }\n"

/* `depth` blocks in each other: findings of a limit. */
static size_t try_nested(const char *open, const char *close, size_t depth)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fputs(HEAD "steps: [", out);
    for (size_t i = 0; i < depth; i++) fputs(open, out);
    fputs("{wait: 1s}", out);
    for (size_t i = 0; i < depth; i++) fputs(close, out);
    fputs("]\n", out);
    fclose(out);
    size_t found = try((struct saga_slice){ text, size }, "SG108"),
           all = try((struct saga_slice){ text, size }, NULL);
    assert_true(found > 0 || all == 0);
    free(text);
    return found;
}

static void blocks_in_blocks_have_a_limit(void **state)
{
    (void)state;
    static const struct {
        const char *open, *close;
        size_t most;
    } forms[] = {
        { "{choose: [{when: .input.a, steps: [", "]}, {else: []}]}", 15 },
        { "{parallel: {a: [", "]}}", SAGA_NESTING_MAX },
        { "{for-each: {in: .input.a}, steps: [", "]}", SAGA_NESTING_MAX },
        { "{repeat: {until: .input.a, at-most: 2}, steps: [", "]}", SAGA_NESTING_MAX },
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_int_equal(try_nested(forms[i].open, forms[i].close, forms[i].most), 0);
        assert_int_equal(try_nested(forms[i].open, forms[i].close, forms[i].most + 1), 1);
        for (size_t depth = SAGA_NESTING_MAX + 2; depth < 2000; depth *= 3)
            assert_true(try_nested(forms[i].open, forms[i].close, depth) >= 1);
    }
}

static void large_files_end_soon(void **state)
{
    (void)state;
    enum { MOST = SAGA_DEFINITION_BYTES_MAX - 100 };
    assert_int_equal(try_repeated("#", "x", "", SAGA_DEFINITION_BYTES_MAX, "SG108"), 1);
    assert_int_equal(try_repeated("#", "x", "", SAGA_DEFINITION_BYTES_MAX - 1, "SG001"), 1);
    assert_int_equal(try_repeated("saga: ", "x", "", MOST, "SG107"), 1);
    assert_int_equal(try_repeated("", "x", ": 1", MOST, "SG001") +
                         try_repeated("", "x", ": 1", MOST, "SG101"),
                     1);
    assert_int_equal(try_repeated("a: ", "[", "", MOST, "SG108"), 1);
    assert_int_equal(try_repeated("a: ", "{a: ", "", MOST, "SG108"), 1);
    assert_int_equal(try_repeated("a: ", "[", "]", 70, NULL), 1);
    assert_int_equal(try_repeated("x: &x a\na: [", "*x,", "]", MOST, "SG001"),
                     SAGA_DIAGNOSTICS_MAX);
    assert_int_equal(try_repeated("#", "x", "", 10 * SAGA_DEFINITION_BYTES_MAX, "SG108"), 1);
    assert_int_equal(try_repeated("steps:\n", "- {step: a, send: b/C, success: D}\n", "",
                                  (size_t)10000 * 35, NULL),
                     SAGA_DIAGNOSTICS_MAX);
    assert_true(try_repeated(HEAD "steps:\n", "- {wait: 1s}\n", "", (size_t)10000 * 13, "SG108") ==
                1);
    assert_int_equal(try_repeated("steps: [", "{},", "]", MOST, NULL), SAGA_DIAGNOSTICS_MAX);
    assert_int_equal(try_repeated("steps:\n", "- pause: 1\n", "", MOST, NULL),
                     SAGA_DIAGNOSTICS_MAX);
    assert_int_equal(try_repeated("", "a: 1\n", "", 6000, "SG108"), 1);
    assert_int_equal(try_repeated("", "a: 1\n", "", 4000, NULL), SAGA_DIAGNOSTICS_MAX);
    assert_int_equal(try_repeated("start: {key: '", "(", "'}", MOST, "SG201"), 1);
    assert_int_equal(try_repeated("start: {key: '", "[", "'}", 8000, "SG201"), 1);
    assert_int_equal(try_repeated("start: {key: '.", "[.", "'}", 8000, "SG201"), 1);
}

/* ---- mutations ---- */

static char *read_example(size_t *ret_size)
{
    FILE *file = fopen(SAGA_SOURCE_DIR "/sagas/order-fulfilment.yaml", "rb");
    assert_non_null(file);
    char *text = malloc(65536);
    assert_non_null(text);
    *ret_size = fread(text, 1, 65535, file);
    assert_true(*ret_size > 1000 && *ret_size < 65535);
    text[*ret_size] = '\0';
    fclose(file);
    /* the one expression that needs jq, which takes long to begin: a plain one does here */
    char *when = strstr(text, ".total > 0");
    assert_non_null(when);
    memcpy(when, ".total    ", 10);
    return text;
}

static void the_example_may_end_at_any_byte(void **state)
{
    (void)state;
    size_t size;
    char *text = read_example(&size);
    for (size_t i = 0; i <= size; i++) {
        /* memory of its own: a read behind the end must show */
        char *cut = malloc(i ? i : 1);
        assert_non_null(cut);
        memcpy(cut, text, i);
        try((struct saga_slice){ cut, i }, NULL);
        free(cut);
    }
    free(text);
}

static void any_byte_of_the_example_may_be_another(void **state)
{
    (void)state;
    static const char others[] = "\n\t :-?*&!|>{}[],#'\"%@`\\/.~0aZ_\x01\x7f\x80\xc3\xff";
    size_t size, turn = 0;
    char *text = read_example(&size);
    for (size_t i = 0; i < size; i++) {
        char kept = text[i];
        text[i] = others[turn++ % (sizeof others)]; /* the NUL too */
        try((struct saga_slice){ text, size }, NULL);
        text[i] = kept;
    }
    free(text);
}

static void any_line_of_the_example_may_be_missing_or_twice(void **state)
{
    (void)state;
    size_t size;
    char *text = read_example(&size), *other = malloc(2 * size);
    assert_non_null(other);
    for (char *line = text; line < text + size;) {
        char *next = strchr(line, '\n') + 1;
        size_t before = (size_t)(line - text), length = (size_t)(next - line);
        memcpy(other, text, before);
        memcpy(other + before, next, size - before - length);
        try((struct saga_slice){ other, size - length }, NULL);
        memcpy(other, text, before + length);
        memcpy(other + before + length, line, size - before);
        try((struct saga_slice){ other, size + length }, NULL);
        line = next;
    }
    free(other);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nasty_files_are_refused_with_words),
        cmocka_unit_test(large_files_end_soon),
        cmocka_unit_test(blocks_in_blocks_have_a_limit),
        cmocka_unit_test(the_example_may_end_at_any_byte),
        cmocka_unit_test(any_byte_of_the_example_may_be_another),
        cmocka_unit_test(any_line_of_the_example_may_be_missing_or_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
