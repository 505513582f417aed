/* Pictures on a terminal: what they look like is judged on a small terminal of the test's own,
 * which notices scrolling and wrapping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "in_arena.h"
#include "operate/screen.h"

enum { ROWS_MAX = 12, COLUMNS_MAX = 40 };

static struct {
    struct saga_screen_size size;
    char cells[ROWS_MAX][COLUMNS_MAX + 1];
    size_t row, column;
    bool wraps, scrolled, wrapped;
} terminal;

/* A window full of what was there before. */
static void open_window(size_t rows, size_t columns)
{
    memset(&terminal, 0, sizeof terminal);
    terminal.size = (struct saga_screen_size){ rows, columns };
    terminal.wraps = true;
    for (size_t r = 0; r < rows; r++) memset(terminal.cells[r], '#', columns);
}

static void erase(size_t row, size_t from)
{
    memset(terminal.cells[row] + from, ' ', terminal.size.columns - from);
}

static void obey(const char *parameter, char command)
{
    size_t last = terminal.size.columns - 1;
    switch (command) {
    case 'H': terminal.row = terminal.column = 0; return;
    case 'h':
    case 'l':
        assert_memory_equal(parameter, "?7", 2);
        terminal.wraps = command == 'h';
        return;
    case 'J':
        for (size_t r = terminal.row + 1; r < terminal.size.rows; r++) erase(r, 0);
        /* fall through */
    case 'K': erase(terminal.row, terminal.column < last ? terminal.column : last); return;
    default: fail_msg("the terminal does not know ESC[%s", parameter);
    }
}

static void put(char c)
{
    if (c == '\r') {
        terminal.column = 0;
    } else if (c == '\n') {
        if (terminal.row + 1 == terminal.size.rows)
            terminal.scrolled = true;
        else
            terminal.row++;
    } else {
        if (terminal.column == terminal.size.columns) {
            if (terminal.wraps) terminal.wrapped = true;
            terminal.column--;
        }
        terminal.cells[terminal.row][terminal.column++] = c;
    }
}

static void draw(const char *body, const char *foot)
{
    struct saga_buffer buffer;
    struct saga_picture picture = { saga_slice_of(body), saga_slice_of(foot), "sagas" };
    saga_buffer_init(&buffer, &arena);
    saga_screen_fit(&picture, terminal.size, &buffer);
    struct saga_slice bytes = saga_buffer_slice(&buffer);
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] != '\033') {
            put(bytes.data[i]);
            continue;
        }
        const char *parameter = bytes.data + i + 2;
        i += 2 + strspn(parameter, "?0123456789");
        obey(parameter, bytes.data[i]);
    }
    assert_false(terminal.scrolled);
    assert_false(terminal.wrapped);
    assert_true(terminal.wraps); /* as the shell wants it */
}

static void assert_row(size_t row, const char *text)
{
    char shown[COLUMNS_MAX + 1];
    size_t size = terminal.size.columns;
    memcpy(shown, terminal.cells[row], size);
    while (size && shown[size - 1] == ' ') size--;
    shown[size] = '\0';
    assert_string_equal(shown, text);
}

static void what_fits_is_shown_and_the_rest_erased(void **state)
{
    (void)state;
    open_window(6, 20);
    draw("SAGA\na\nb\n", "\n2 running\n");
    assert_row(0, "SAGA");
    assert_row(2, "b");
    assert_row(3, "");
    assert_row(4, "2 running");
    assert_row(5, "");
    draw("SAGA\n", NULL);
    assert_row(0, "SAGA");
    for (size_t r = 1; r < 6; r++) assert_row(r, "");
    draw("", NULL);
    assert_row(0, "");
}

static void a_picture_may_fill_the_window_to_its_last_character(void **state)
{
    (void)state;
    open_window(2, 5);
    draw("abcde\nfghij\n", NULL);
    assert_row(0, "abcde");
    assert_row(1, "fghij");
}

static void lines_end_at_the_edge_by_characters(void **state)
{
    (void)state;
    open_window(4, 6);
    draw("abcdefg\nabcdef\n", NULL);
    assert_row(0, "abcde>");
    assert_row(1, "abcdef");
    /* six characters of two bytes fit; the terminal here counts bytes, so the bytes are looked at */
    struct saga_buffer buffer;
    struct saga_picture picture = { SAGA_SLICE(
                                        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\n"
                                        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4x\n"),
                                    SAGA_SLICE_NONE, "lines" };
    saga_buffer_init(&buffer, &arena);
    saga_screen_fit(&picture, terminal.size, &buffer);
    const char *drawn = saga_buffer_slice(&buffer).data;
    assert_non_null(strstr(drawn, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\r\n"));
    assert_non_null(strstr(drawn, "\033[K\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4>"));
}

static void what_does_not_fit_is_counted_above_the_foot(void **state)
{
    (void)state;
    open_window(6, 40);
    draw("SAGA\na\nb\nc\nd\ne\n", "\n5 running\n");
    assert_row(0, "SAGA");
    assert_row(2, "b");
    assert_row(3, "3 more sagas: make the window higher");
    assert_row(4, "");
    assert_row(5, "5 running");
}

static void a_low_window_does_without_the_foot(void **state)
{
    (void)state;
    open_window(3, 40);
    draw("SAGA\na\nb\nc\n", "\n3 running\n");
    assert_row(1, "a");
    assert_row(2, "2 more sagas: make the window higher");
    open_window(1, 4);
    draw("SAGA\na\nb\nc\n", "\n3 running\n");
    assert_row(0, "4 m>");
    open_window(1, 1);
    draw("SAGA\na\n", NULL);
    assert_row(0, ">");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_fits_is_shown_and_the_rest_erased),
        TEST(a_picture_may_fill_the_window_to_its_last_character),
        TEST(lines_end_at_the_edge_by_characters),
        TEST(what_does_not_fit_is_counted_above_the_foot),
        TEST(a_low_window_does_without_the_foot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
