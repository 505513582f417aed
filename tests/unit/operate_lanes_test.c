/* How far a lane in Redis is believed, and what is said of one that is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "operate/lanes.h"

static const int64_t now_ms = 1795437000000;

static const struct saga_lane_status
    confirmed = { .present = true, .applied = 7, .heartbeat_ms = 1795436999000 },
    silent = { .present = true, .applied = 7, .heartbeat_ms = 1795435800000 },
    building = { .present = true, .applied = -3, .heartbeat_ms = 1795436999000 },
    missing = { .present = false };

static void a_lane_is_believed_while_somebody_confirms_it(void **state)
{
    (void)state;
    assert_int_equal(saga_lane_standing(&confirmed, now_ms), SAGA_LANE_CONFIRMED);
    assert_int_equal(saga_lane_standing(&silent, now_ms), SAGA_LANE_SILENT);
    assert_int_equal(saga_lane_standing(&building, now_ms), SAGA_LANE_BUILDING);
    assert_int_equal(saga_lane_standing(&missing, now_ms), SAGA_LANE_MISSING);
}

static void expect_warning(const struct saga_lane_status *lanes, uint32_t count, const char *words)
{
    struct saga_arena arena;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    saga_arena_init(&arena);
    saga_lanes_warn(lanes, count, now_ms, &arena, out);
    fclose(out);
    if (*words ? !strstr(text, words) : size > 0) fail_msg("expected \"%s\" in:\n%s", words, text);
    free(text);
    saga_arena_free(&arena);
}

static void lanes_that_are_not_whole_are_named(void **state)
{
    const struct saga_lane_status well[] = { confirmed, confirmed },
                                  bad[] = { confirmed, missing, building, silent, missing };
    (void)state;
    expect_warning(well, 2, "");
    expect_warning(bad, 5, "warning: lanes 1, 4 are not in Redis at present");
    expect_warning(bad, 5, "warning: lane 2 is being built anew");
    expect_warning(bad, 5, "warning: lane 3 is not confirmed by anybody for 20m");
}

static void many_lanes_are_counted(void **state)
{
    struct saga_lane_status lanes[12];
    (void)state;
    for (int i = 0; i < 12; i++) lanes[i] = missing;
    expect_warning(lanes, 12, "lanes 0, 1, 2, 3, 4, 5, 6, 7 and 4 more are not in Redis");
}

static void a_coordinator_that_is_not_there_is_told_once(void **state)
{
    const struct saga_lane_status lanes[] = { silent, silent };
    (void)state;
    expect_warning(lanes, 2, "warning: nobody has worked on any lane for 20m: so they stood then");
}

static void a_saga_of_such_a_lane_may_be_old(void **state)
{
    struct saga_arena arena;
    (void)state;
    saga_arena_init(&arena);
    assert_null(saga_lane_doubt(&confirmed, now_ms, &arena));
    assert_non_null(strstr(saga_lane_doubt(&silent, now_ms, &arena), "confirmed its lane for 20m"));
    assert_non_null(strstr(saga_lane_doubt(&building, now_ms, &arena), "built anew"));
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_is_believed_while_somebody_confirms_it),
        cmocka_unit_test(lanes_that_are_not_whole_are_named),
        cmocka_unit_test(many_lanes_are_counted),
        cmocka_unit_test(a_coordinator_that_is_not_there_is_told_once),
        cmocka_unit_test(a_saga_of_such_a_lane_may_be_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
