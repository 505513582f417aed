/* Files of lines that may hold anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/lines.h"

static FILE *file_of(const char *bytes, size_t size)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    rewind(file);
    return file;
}

static void expect(struct saga_lines *lines, struct saga_slice text, bool whole)
{
    struct saga_slice line;
    bool is_whole;
    assert_true(saga_lines_next(lines, &line, &is_whole));
    assert_int_equal(line.size, text.size);
    assert_memory_equal(line.data, text.data, text.size);
    assert_int_equal(is_whole, whole);
}

static void expect_end(struct saga_lines *lines)
{
    struct saga_slice line;
    bool whole;
    assert_false(saga_lines_next(lines, &line, &whole));
}

/* Catches a NUL byte that ends a line, an empty line or a last one that is lost, and what is too long taken for whole or
 * for two lines. */
static void lines_are_what_stands_between_newlines(void **state)
{
    static const char bytes[] = "one\n\ntw\0o\n123456789\n12345678\nlast";
    struct saga_lines lines;
    (void)state;
    FILE *file = file_of(bytes, sizeof bytes - 1);
    saga_lines_init(&lines, file, 8);
    expect(&lines, SAGA_SLICE("one"), true);
    expect(&lines, SAGA_SLICE(""), true);
    expect(&lines, SAGA_SLICE("tw\0o"), true);
    expect(&lines, SAGA_SLICE("12345678"), false);
    assert_int_equal(lines.line, 4);
    expect(&lines, SAGA_SLICE("12345678"), true);
    expect(&lines, SAGA_SLICE("last"), true);
    assert_int_equal(lines.line, 6);
    expect_end(&lines);
    saga_lines_free(&lines);
    fclose(file);
}

/* Catches room that is not made. */
static void long_lines_are_whole(void **state)
{
    enum { SIZE = 100000 };
    static char bytes[SIZE + 1];
    struct saga_lines lines;
    (void)state;
    for (size_t i = 0; i < SIZE; i++) bytes[i] = (char)('a' + i % 26);
    bytes[SIZE] = '\n';
    FILE *file = file_of(bytes, sizeof bytes);
    saga_lines_init(&lines, file, SIZE);
    expect(&lines, (struct saga_slice){ bytes, SIZE }, true);
    expect_end(&lines);
    saga_lines_free(&lines);
    fclose(file);
}

static void an_empty_file_has_no_line(void **state)
{
    struct saga_lines lines;
    (void)state;
    FILE *file = file_of("", 0);
    saga_lines_init(&lines, file, 8);
    expect_end(&lines);
    saga_lines_free(&lines);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_what_stands_between_newlines),
        cmocka_unit_test(long_lines_are_whole),
        cmocka_unit_test(an_empty_file_has_no_line),
    };
    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
