/* What `saga replay` is asked, as far as no server is needed; and how two states are told apart. */
#include "operate_run.h"

#include "operate/json_diff.h"
#include "operate/moment.h"
#include "operate/output.h"

/* ---- what is asked ---- */

static void one_thing_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(saga("replay"), SAGA_EXIT_USAGE);
    assert_says("say --verify, --at MOMENT");
    assert_int_equal(saga("replay --verify --at 1h"), SAGA_EXIT_USAGE);
    assert_says("--verify and --at are two things");
    assert_int_equal(saga("replay --verify order/1"), SAGA_EXIT_USAGE);
    assert_says("--verify takes no argument");
    assert_int_equal(saga("replay --diff 1h"), SAGA_EXIT_USAGE);
    assert_says("--diff takes two moments");
}

static void what_cannot_be_understood_is_said_before_anything_is_read(void **state)
{
    (void)state;
    assert_int_equal(saga("replay --at yesterday"), SAGA_EXIT_USAGE);
    assert_says("\"yesterday\" is neither a time nor a place");
    assert_int_equal(saga("replay --at 17"), SAGA_EXIT_USAGE);
    assert_says("each lane has its own offset 17");
    assert_int_equal(saga("replay --at 8/17"), SAGA_EXIT_USAGE);
    assert_says("there is no lane 8: they are 0 to 7");
    assert_int_equal(saga("replay --at 1h order"), SAGA_EXIT_USAGE);
    assert_says("is not a saga's id");
    assert_int_equal(saga("replay --diff 1h 2h"), SAGA_EXIT_USAGE);
    assert_says("the second moment is before the first");
    assert_int_equal(saga("replay --diff 1h 1/2"), SAGA_EXIT_USAGE);
    assert_says("two times can be compared, or two places of one lane");
    assert_int_equal(saga("replay --at 1h --status stack"), SAGA_EXIT_USAGE);
    assert_says("did you mean \"stuck\"?");
    assert_int_equal(saga("replay --diff 1h 0s --status stack"), SAGA_EXIT_USAGE);
    assert_says("did you mean \"stuck\"?");
    assert_int_equal(saga("replay --with x.yaml --accept other-comands"), SAGA_EXIT_USAGE);
    assert_says("did you mean \"other-commands\"?");
    assert_int_equal(saga("replay --with x.yaml --accept unreadable,"), SAGA_EXIT_USAGE);
    assert_int_equal(saga("replay --with x.yaml --since 3/4"), SAGA_EXIT_USAGE);
    assert_says("\"3/4\" is not a time");
    assert_int_equal(saga("replay --with /nowhere.yaml"), SAGA_EXIT_USAGE);
    assert_says("/nowhere.yaml");
}

/* ---- moments ---- */

static void moments_are_read(void **state)
{
    const struct saga_call call = { .config.lanes = 4, .words = stdout };
    struct saga_moment moment;
    (void)state;
    assert_int_equal(saga_moment_parse(&call, "2026-11-23T12:13:14Z", &moment), 0);
    assert_false(moment.is_place);
    assert_int_equal(moment.time_ms, 1795435994000);
    int64_t before_ms = saga_now_ms();
    assert_int_equal(saga_moment_parse(&call, "1h30m", &moment), 0);
    assert_false(moment.is_place);
    assert_in_range(moment.time_ms + 5400000, before_ms, saga_now_ms());
    assert_int_equal(saga_moment_parse(&call, "3/17", &moment), 0);
    assert_true(moment.is_place && moment.lane == 3 && moment.offset == 17);
    assert_int_equal(saga_moment_parse(&call, "0", &moment), 0);
    assert_true(moment.is_place && moment.lane == -1 && moment.offset == 0);
}

/* ---- two states ---- */

static struct saga_arena arena;
static struct saga_json_change *items;
static size_t count;

static void diff(const char *before, const char *after)
{
    saga_json_diff(saga_slice_of(before), saga_slice_of(after), &arena, &items, &count);
}

static void assert_item(size_t index, const char *path, const char *before, const char *after)
{
    assert_true(index < count);
    if (!saga_slice_is(items[index].path, path))
        fail_msg("%.*s", SAGA_SLICE_ARG(items[index].path));
    assert_int_equal(items[index].before.data == NULL, before == NULL);
    assert_int_equal(items[index].after.data == NULL, after == NULL);
    assert_true(!before || saga_slice_is(items[index].before, before));
    assert_true(!after || saga_slice_is(items[index].after, after));
}

static void members_are_told_by_their_path(void **state)
{
    (void)state;
    saga_arena_init(&arena);
    diff("{\"a\":1,\"b\":{\"c\":2,\"d\":3},\"e\":[]}", "{\"b\":{\"d\":4,\"c\":2},\"f\":null}");
    assert_int_equal(count, 4);
    assert_item(0, "a", "1", NULL);
    assert_item(1, "b.d", "3", "4");
    assert_item(2, "e", "[]", NULL);
    assert_item(3, "f", NULL, "null");
    diff("{\"a\":1}", "{\"a\":1}");
    assert_int_equal(count, 0);
    saga_arena_free(&arena);
}

static void steps_are_told_by_their_name_and_what_bodies_hold_by_its_place(void **state)
{
    (void)state;
    saga_arena_init(&arena);
    diff("{\"steps\":[{\"path\":\"a\",\"n\":1},{\"path\":\"b\",\"r\":[{\"k\":\"x\"},{\"k\":\"x\"}]}"
         "]}",
         "{\"steps\":[{\"path\":\"b\",\"r\":[{\"k\":\"x\"},{\"k\":\"y\"},1]}]}");
    assert_int_equal(count, 3);
    assert_item(0, "steps[a]", "{\"path\":\"a\",\"n\":1}", NULL);
    assert_item(1, "steps[b].r[1].k", "\"x\"", "\"y\"");
    assert_item(2, "steps[b].r[2]", NULL, "1");
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thing_at_a_time),
        cmocka_unit_test(what_cannot_be_understood_is_said_before_anything_is_read),
        cmocka_unit_test(moments_are_read),
        cmocka_unit_test(members_are_told_by_their_path),
        cmocka_unit_test(steps_are_told_by_their_name_and_what_bodies_hold_by_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
