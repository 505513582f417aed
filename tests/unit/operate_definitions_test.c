/* The topic of definitions: which records stand, and what is said of those that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "operate/definitions.h"

static void take(struct saga_deployment *deployment, struct saga_arena *arena, int64_t offset,
                 const char *key, const char *value)
{
    const struct saga_message record = { .offset = offset,
                                         .key = saga_slice_of(key),
                                         .value = saga_slice_of(value) };
    saga_deployment_take(deployment, &record, arena);
}

static void what_is_none_is_left_out_and_named(void **state)
{
    struct saga_deployment deployment = { 0 };
    struct saga_arena arena;
    (void)state;
    saga_arena_init(&arena);
    take(&deployment, &arena, 0, "order/1", "one");
    take(&deployment, &arena, 1, "order/1", "one"); /* two who deployed it at the same time */
    take(&deployment, &arena, 2, NULL, "garbage");
    take(&deployment, &arena, 3, "gar\nbage", "garbage");
    take(&deployment, &arena, 4, "order/1", "two");
    assert_int_equal(deployment.count, 1);
    assert_true(saga_slice_is(deployment.items[0].source, "one"));
    assert_int_equal(deployment.left_out_count, 3);
    assert_int_equal(deployment.left_out[0].offset, 2);
    assert_null(deployment.left_out[0].key);
    assert_non_null(strstr(deployment.left_out[1].why, "its key is not"));
    assert_null(strchr(deployment.left_out[1].key, '\n'));
    assert_int_equal(deployment.left_out[2].offset, 4);
    assert_non_null(strstr(deployment.left_out[2].why, "another content"));
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_none_is_left_out_and_named) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
