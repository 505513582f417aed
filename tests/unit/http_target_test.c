/* Targets and cursors of the HTTP API: what is taken apart, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/error.h"
#include "http/exchange.h"

static struct saga_arena arena;

static int set_up(void **state)
{
    (void)state;
    saga_arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    saga_arena_free(&arena);
    return 0;
}

static int parse(const char *raw, struct saga_target *ret)
{
    const char *why = NULL;
    int error = saga_target_parse(saga_slice_of(raw), &arena, ret, &why);
    assert_true(error == SAGA_OK || why != NULL);
    return error;
}

/* An escaped slash stays in its segment: else a key could lead to another path. */
static void a_path_is_cut_before_it_is_unescaped(void **state)
{
    struct saga_target target;
    (void)state;
    assert_int_equal(parse("/api/v1/sagas/order/a%2Fb%20c?bodies=true&x=1%26+2&x", &target), 0);
    assert_int_equal(target.segment_count, 5);
    assert_true(saga_slice_is(target.segments[4], "a/b c"));
    assert_int_equal(target.parameter_count, 3);
    assert_true(saga_slice_is(target.parameters[1].value, "1& 2"));
    assert_true(target.parameters[2].value.size == 0);
    assert_int_equal(parse("/", &target), 0);
    assert_int_equal(target.segment_count, 0);
}

static void what_can_be_written_in_two_ways_is_refused(void **state)
{
    static const char *const bad[] = {
        "",       "api",     "//api",   "/api//v1", "/api/",
        "/a/./b", "/a/../b", "/a/%",    "/a/%2",    "/a/%zz",
        "/a/%00", "/a?b=%",  "/a?b=%0", "/a?b=%00", "/a/b/c/d/e/f/g/h/i",
        "*",
    };
    struct saga_target target;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i], &target), SAGA_E_INVALID);
}

static void there_are_limits(void **state)
{
    struct saga_target target;
    struct saga_buffer out;
    (void)state;
    saga_buffer_init(&out, &arena);
    saga_buffer_add(&out, SAGA_SLICE("/a?"));
    for (int i = 0; i <= SAGA_HTTP_PARAMETERS_MAX; i++) saga_buffer_printf(&out, "p%d=1&", i);
    assert_int_equal(parse(saga_buffer_slice(&out).data, &target), SAGA_E_INVALID);
    saga_buffer_init(&out, &arena);
    saga_buffer_add_char(&out, '/');
    for (int i = 0; i < SAGA_HTTP_TARGET_BYTES_MAX; i++) saga_buffer_add_char(&out, 'a');
    assert_int_equal(parse(saga_buffer_slice(&out).data, &target), SAGA_E_LIMIT);
}

/* Any key comes back as it was, whatever bytes it has. */
static void what_is_escaped_is_what_is_parsed(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char key[] = { (char)c, '.', (char)c, '\0' };
        struct saga_target target;
        struct saga_buffer out;
        saga_buffer_init(&out, &arena);
        saga_buffer_add_char(&out, '/');
        saga_target_escape(saga_slice_of(key), &out);
        assert_int_equal(parse(saga_buffer_slice(&out).data, &target), 0);
        assert_int_equal(target.segment_count, 1);
        assert_true(saga_slice_is(target.segments[0], key));
    }
    for (const char *dots = "..", *end = dots + 2; dots < end; dots++) {
        struct saga_target target;
        struct saga_buffer out;
        saga_buffer_init(&out, &arena);
        saga_buffer_add_char(&out, '/');
        saga_target_escape(saga_slice_of(dots), &out);
        assert_int_equal(parse(saga_buffer_slice(&out).data, &target), 0);
        assert_true(saga_slice_is(target.segments[0], dots));
    }
}

static void a_cursor_comes_back(void **state)
{
    int64_t number = 0;
    struct saga_slice text, cursor;
    (void)state;
    cursor = saga_cursor_write(&arena, 's', 1234567890123, SAGA_SLICE("order/a:b\xff"));
    assert_int_equal(saga_cursor_read(cursor, 's', &arena, &number, &text), 0);
    assert_true(number == 1234567890123);
    assert_true(saga_slice_is(text, "order/a:b\xff"));
    assert_int_equal(saga_cursor_read(cursor, 'd', &arena, &number, &text), SAGA_E_INVALID);
    cursor = saga_cursor_write(&arena, 'h', 0, SAGA_SLICE_NONE);
    assert_int_equal(saga_cursor_read(cursor, 'h', &arena, &number, &text), 0);
    assert_true(number == 0 && text.size == 0);
}

static void what_is_no_cursor_is_refused(void **state)
{
    static const char *const bad[] = { "",
                                       "7",
                                       "73",
                                       "zz31",
                                       "733a",
                                       "7331",
                                       "733a31",
                                       "732d313a",
                                       "73313a3",
                                       "7331783a",
                                       "73393939393939393939393939393939393939393939393a" };
    int64_t number = 5;
    struct saga_slice text;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(saga_cursor_read(saga_slice_of(bad[i]), 's', &arena, &number, &text),
                         SAGA_E_INVALID);
    assert_true(number == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_path_is_cut_before_it_is_unescaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_can_be_written_in_two_ways_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(there_are_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_escaped_is_what_is_parsed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cursor_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_cursor_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
