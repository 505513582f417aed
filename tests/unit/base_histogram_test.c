/* Histograms of durations: which bucket, and what they say of their values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/histogram.h"

static void buckets_are_without_gaps(void **state)
{
    (void)state;
    assert_int_equal(saga_histogram_least_ms(0), 0);
    for (unsigned i = 0; i + 1 < SAGA_HISTOGRAM_BUCKETS; i++) {
        int64_t least = saga_histogram_least_ms(i), greatest = saga_histogram_greatest_ms(i);
        assert_true(least <= greatest);
        assert_int_equal(saga_histogram_bucket(least), i);
        assert_int_equal(saga_histogram_bucket(greatest), i);
        assert_int_equal(saga_histogram_least_ms(i + 1), greatest + 1);
        assert_true(greatest - least <= least / 8); /* known to within an eighth */
    }
}

static void values_out_of_range_have_a_place(void **state)
{
    (void)state;
    assert_int_equal(saga_histogram_bucket(-1), 0);
    assert_int_equal(saga_histogram_bucket(INT64_MIN), 0);
    assert_int_equal(saga_histogram_bucket((INT64_C(1) << 40) - 1), SAGA_HISTOGRAM_BUCKETS - 1);
    assert_int_equal(saga_histogram_bucket(INT64_MAX), SAGA_HISTOGRAM_BUCKETS - 1);
    assert_true(saga_histogram_greatest_ms(SAGA_HISTOGRAM_BUCKETS - 1) == INT64_MAX);
}

static void quantiles_are_of_all_values(void **state)
{
    struct saga_histogram h = { 0 }, other = { 0 };
    (void)state;
    assert_int_equal(saga_histogram_quantile_ms(&h, 500), 0);
    saga_histogram_add(&h, saga_histogram_bucket(3), 1);
    assert_int_equal(saga_histogram_quantile_ms(&h, 0), 3);
    assert_int_equal(saga_histogram_quantile_ms(&h, 1000), 3);
    saga_histogram_add(&other, saga_histogram_bucket(5), 98);
    saga_histogram_add(&other, saga_histogram_bucket(1000), 1);
    saga_histogram_merge(&h, &other);
    assert_int_equal(h.count, 100);
    assert_int_equal(saga_histogram_quantile_ms(&h, 10), 3);
    assert_int_equal(saga_histogram_quantile_ms(&h, 11), 5);
    assert_int_equal(saga_histogram_quantile_ms(&h, 990), 5);
    assert_int_equal(saga_histogram_quantile_ms(&h, 991), 1023);
    saga_histogram_add(&h, saga_histogram_bucket(INT64_MAX), UINT64_MAX / 2);
    assert_true(saga_histogram_quantile_ms(&h, 999) ==
                saga_histogram_least_ms(SAGA_HISTOGRAM_BUCKETS - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_without_gaps),
        cmocka_unit_test(values_out_of_range_have_a_place),
        cmocka_unit_test(quantiles_are_of_all_values),
    };
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
