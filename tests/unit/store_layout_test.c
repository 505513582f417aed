/* How a lane lies in Redis, without one: names, patterns, members, numbers as servers write
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

#include "base/error.h"
#include "in_arena.h"
#include "store/layout.h"

static void keys_carry_the_lane_as_their_tag(void **state)
{
    (void)state;
    struct saga_slice key = saga_layout_key(&arena, "saga:", 7, "state:", SAGA_SLICE("order/{1}"));
    assert_true(saga_slice_is(key, "saga:{7}:state:order/{1}"));
    assert_int_equal(saga_layout_key_prefix_bytes("saga:", 7, "state:"), strlen("saga:{7}:state:"));
    assert_int_equal(saga_layout_key_prefix_bytes("", 4095, "state:"), strlen("{4095}:state:"));
}

static void a_prefix_is_no_pattern(void **state)
{
    (void)state;
    assert_true(saga_slice_is(saga_layout_pattern(&arena, "a*b?[c]\\d", 1, "state:"),
                              "a\\*b\\?\\[c\\]\\\\d{1}:state:*"));
    assert_true(saga_slice_is(saga_layout_lanes_pattern(&arena, "s*:"), "s\\*:{*}:lane"));
}

static void an_index_is_named_as_its_count(void **state)
{
    struct saga_tally_place place;
    struct saga_slice label;
    (void)state;
    label = saga_layout_index(&arena, SAGA_SLICE("order"), 12, SAGA_SLICE("running"));
    assert_true(saga_slice_is(label, "order@12:running"));
    assert_int_equal(saga_tally_read(SAGA_TALLY_COUNTS, label, &place, NULL), SAGA_OK);
    assert_true(saga_slice_is(place.name, "order"));
    assert_int_equal(place.version, 12);
    assert_true(saga_slice_is(place.word, "running"));
}

static void timers_come_back_and_never_meet(void **state)
{
    const struct saga_due_timer timers[] = {
        { .saga_id = SAGA_SLICE("o/1"), .name = SAGA_SLICE("t"), .armed = 1 },
        { .saga_id = SAGA_SLICE("o/1t"), .name = SAGA_SLICE(""), .armed = 1 },
        { .saga_id = SAGA_SLICE("o/"), .name = SAGA_SLICE("1t"), .armed = 1 },
        { .saga_id = SAGA_SLICE("1:3:o/1"), .name = SAGA_SLICE("t"), .armed = UINT64_MAX },
        { .saga_id = SAGA_SLICE(""), .name = SAGA_SLICE(":\n \xff"), .armed = 0 },
    };
    enum { TIMERS = sizeof timers / sizeof *timers };
    struct saga_slice members[TIMERS];
    (void)state;
    for (size_t i = 0; i < TIMERS; i++) {
        struct saga_due_timer back = { .due_ms = 5 };
        char room[SAGA_LAYOUT_TIMER_HEAD];
        struct saga_slice head =
            saga_layout_timer_head(room, timers[i].armed, timers[i].saga_id.size);
        members[i] =
            saga_arena_printf(&arena, "%.*s%.*s%.*s", SAGA_SLICE_ARG(head),
                              SAGA_SLICE_ARG(timers[i].saga_id), SAGA_SLICE_ARG(timers[i].name));
        assert_int_equal(saga_layout_timer_split(members[i], &back), SAGA_OK);
        assert_true(saga_slice_equal(back.saga_id, timers[i].saga_id));
        assert_true(saga_slice_equal(back.name, timers[i].name));
        assert_true(back.armed == timers[i].armed);
        for (size_t other = 0; other < i; other++)
            assert_false(saga_slice_equal(members[i], members[other]));
    }
}

static void an_errors_member_is_read_as_it_was_written(void **state)
{
    const struct saga_slice ids[] = { SAGA_SLICE("o/1"), SAGA_SLICE("3:o/1"), SAGA_SLICE("") };
    const struct saga_slice texts[] = { SAGA_SLICE("Declined\nno money"), SAGA_SLICE(""),
                                        SAGA_SLICE(":\n \xff") };
    (void)state;
    for (size_t i = 0; i < 9; i++) {
        struct saga_slice id, text, wrote = ids[i / 3], said = texts[i % 3];
        char room[SAGA_LAYOUT_ERROR_HEAD];
        struct saga_slice head = saga_layout_error_head(room, wrote.size);
        struct saga_slice member = saga_arena_printf(&arena, "%.*s%.*s%.*s", SAGA_SLICE_ARG(head),
                                                     SAGA_SLICE_ARG(wrote), SAGA_SLICE_ARG(said));
        assert_int_equal(saga_layout_error_split(member, &id, &text), SAGA_OK);
        assert_true(saga_slice_equal(id, wrote));
        assert_true(saga_slice_equal(text, said));
    }
    static const char *const damaged[] = { "", "1", ":", "2:a", "x:a", "99999999999999999999:a" };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct saga_slice id, text;
        assert_int_equal(saga_layout_error_split(saga_slice_of(damaged[i]), &id, &text),
                         SAGA_E_INVALID);
    }
}

static void damaged_members_are_refused(void **state)
{
    static const char *const members[] = {
        "", "1", "1:", "1:2", "1:2:x", "x:1:a", "1:-1:a", "::", "1:99999999999999999999:a"
    };
    struct saga_due_timer timer;
    (void)state;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        assert_int_equal(saga_layout_timer_split(saga_slice_of(members[i]), &timer),
                         SAGA_E_INVALID);
}

static bool number(const char *text, int64_t *ret)
{
    redisReply reply = { .type = REDIS_REPLY_STRING };
    reply.str = (char *)(uintptr_t)text;
    reply.len = strlen(text);
    return saga_layout_number(&reply, ret);
}

static void numbers_are_read_as_servers_write_them(void **state)
{
    int64_t found = 0;
    (void)state;
    assert_true(number("1700000000123", &found));
    assert_true(found == 1700000000123);
    assert_true(number("-5", &found));
    assert_true(found == -5);
    assert_true(number("1.7e+12", &found));
    assert_true(found == 1700000000000);
    found = 3;
    assert_false(number("", &found));
    assert_false(number("12 ", &found));
    assert_false(number("inf", &found));
    assert_false(number("x", &found));
    assert_true(found == 3);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(keys_carry_the_lane_as_their_tag),
        TEST(a_prefix_is_no_pattern),
        TEST(an_index_is_named_as_its_count),
        TEST(timers_come_back_and_never_meet),
        TEST(an_errors_member_is_read_as_it_was_written),
        TEST(numbers_are_read_as_servers_write_them),
        TEST(damaged_members_are_refused),
        TEST(numbers_are_read_as_servers_write_them),
    };
    return cmocka_run_group_tests_name("store layout", tests, NULL, NULL);
}
