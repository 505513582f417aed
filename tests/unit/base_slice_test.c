/* Slices: equality, order, clipping at character borders, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/message.h"
#include "base/slice.h"

static void absent_and_empty_are_equal_but_differ_in_data(void **state)
{
    (void)state;
    assert_true(saga_slice_equal(SAGA_SLICE_NONE, SAGA_SLICE("")));
    assert_null(saga_slice_of(NULL).data);
    assert_non_null(saga_slice_of("").data);
    assert_true(saga_slice_is(SAGA_SLICE("abc"), "abc"));
    assert_false(saga_slice_is(SAGA_SLICE("abc"), "ab"));
    assert_false(saga_slice_is(SAGA_SLICE("ab\0c"), "ab"));
}

static void order_is_by_bytes_and_the_shorter_first(void **state)
{
    (void)state;
    assert_true(saga_slice_compare(SAGA_SLICE("a"), SAGA_SLICE("ab")) < 0);
    assert_true(saga_slice_compare(SAGA_SLICE("b"), SAGA_SLICE("ab")) > 0);
    assert_true(saga_slice_compare(SAGA_SLICE("Z"), SAGA_SLICE("a")) < 0);
    assert_true(saga_slice_compare(SAGA_SLICE("z"), SAGA_SLICE("\xC3\xA4")) < 0);
    assert_int_equal(saga_slice_compare(SAGA_SLICE("same"), SAGA_SLICE("same")), 0);
    assert_int_equal(saga_slice_compare(SAGA_SLICE_NONE, SAGA_SLICE("")), 0);
}

static void skipping_stops_at_the_end(void **state)
{
    (void)state;
    assert_true(saga_slice_is(saga_slice_skip(SAGA_SLICE("order-17"), 6), "17"));
    assert_int_equal(saga_slice_skip(SAGA_SLICE("ab"), 5).size, 0);
    assert_null(saga_slice_skip(SAGA_SLICE_NONE, 1).data);
    assert_true(saga_slice_starts_with(SAGA_SLICE("order-17"), "order-"));
    assert_false(saga_slice_starts_with(SAGA_SLICE("ord"), "order-"));
    assert_true(saga_slice_starts_with(SAGA_SLICE_NONE, ""));
}

static void clipping_never_splits_a_character(void **state)
{
    (void)state;
    struct saga_slice text = SAGA_SLICE("ab\xF0\x9F\x9A\x9A"
                                        "c");
    assert_int_equal(saga_slice_clip(text, 100).size, 7);
    assert_int_equal(saga_slice_clip(text, 6).size, 6);
    for (size_t bytes = 2; bytes < 6; bytes++)
        assert_int_equal(saga_slice_clip(text, bytes).size, 2);
    assert_int_equal(saga_slice_clip(text, 0).size, 0);
}

static void numbers_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    static const char *const wrong[] = { "",
                                         " 1",
                                         "1 ",
                                         "-1",
                                         "+1",
                                         "0x10",
                                         "1.0",
                                         "١",
                                         "18446744073709551616",
                                         "9999999999999999999999" };
    unsigned long long value = 42;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(saga_slice_to_u64(saga_slice_of(wrong[i]), &value), SAGA_E_INVALID);
        assert_int_equal(value, 42);
    }
    assert_int_equal(saga_slice_to_u64(SAGA_SLICE("0"), &value), SAGA_OK);
    assert_int_equal(value, 0);
    assert_int_equal(saga_slice_to_u64(SAGA_SLICE("007"), &value), SAGA_OK);
    assert_int_equal(value, 7);
    assert_int_equal(saga_slice_to_u64(SAGA_SLICE("18446744073709551615"), &value), SAGA_OK);
    assert_true(value == ~0ULL);
}

static void numbers_are_written_as_printf_does(void **state)
{
    (void)state;
    static const int64_t numbers[] = { 0, 7, 10, -1, -10, 4294967295, INT64_MAX, INT64_MIN };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char digits[SAGA_DECIMAL_BYTES], want[32];
        snprintf(want, sizeof want, "%" PRId64, numbers[i]);
        assert_true(saga_slice_is(saga_slice_of_number(numbers[i], digits), want));
    }
}

static void of_two_headers_the_last_counts(void **state)
{
    (void)state;
    struct saga_header headers[] = { { SAGA_SLICE("ce_type"), SAGA_SLICE("Old") },
                                     { SAGA_SLICE("ce_id"), SAGA_SLICE("1") },
                                     { SAGA_SLICE("ce_type"), SAGA_SLICE("New") } };
    struct saga_message message = { .headers = headers, .header_count = 3 };
    assert_true(saga_slice_is(saga_message_header(&message, "ce_type"), "New"));
    assert_null(saga_message_header(&message, "ce_source").data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_and_empty_are_equal_but_differ_in_data),
        cmocka_unit_test(order_is_by_bytes_and_the_shorter_first),
        cmocka_unit_test(skipping_stops_at_the_end),
        cmocka_unit_test(clipping_never_splits_a_character),
        cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
        cmocka_unit_test(numbers_are_written_as_printf_does),
        cmocka_unit_test(of_two_headers_the_last_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
