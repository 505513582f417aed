/* Ids of commands and runs, and the waits that are derived from them (R15). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/limits.h"
#include "engine/engine.h"
#include "in_arena.h"

#define EXPECT_SLICE(slice, text) assert_true(saga_slice_is((slice), (text)))

static const struct saga_state saga = { .id = { "order/4711/a", 12 },
                                        .run = { "0123456789ab", 12 } };

static void ids_are_made_of_saga_run_step_and_attempt(void **state)
{
    (void)state;
    struct saga_slice step = SAGA_SLICE("pay[3]");
    EXPECT_SLICE(saga_command_id(&arena, &saga, step, false, 2),
                 "order/4711/a/0123456789ab/pay[3]/2");
    EXPECT_SLICE(saga_command_id(&arena, &saga, step, true, 12),
                 "order/4711/a/0123456789ab/pay[3]/compensate/12");
    EXPECT_SLICE(saga_idempotency_key(&arena, &saga, step, false),
                 "order/4711/a/0123456789ab/pay[3]");
    EXPECT_SLICE(saga_idempotency_key(&arena, &saga, step, true),
                 "order/4711/a/0123456789ab/pay[3]/compensate");
}

static void an_id_is_taken_apart_again(void **state)
{
    (void)state;
    static const struct {
        const char *step;
        bool compensation;
        uint32_t attempt;
    } rows[] = {
        { "a", false, 1 }, { "a", true, 1 }, { "1", false, 2 }, { "pay[3]", true, UINT32_MAX }
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct saga_command_parts parts;
        struct saga_slice id = saga_command_id(&arena, &saga, saga_slice_of(rows[i].step),
                                               rows[i].compensation, rows[i].attempt);
        assert_int_equal(saga_command_id_parse(id, &parts), SAGA_OK);
        EXPECT_SLICE(parts.saga_id, "order/4711/a");
        EXPECT_SLICE(parts.run, "0123456789ab");
        EXPECT_SLICE(parts.step, rows[i].step);
        assert_int_equal(parts.compensation, rows[i].compensation);
        assert_int_equal(parts.attempt, rows[i].attempt);
    }
}

static void what_is_no_id_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "/",
        "1",
        "a/1",
        "s/k/a/1",
        "s/k/r/a/0",
        "s/k/r/a/",
        "s/k/r/a/x",
        "s/k/r/a/1x",
        "s/k/r/a/-1",
        "s/k/r//1",
        "s/k//a/1",
        "k/r/a/1",
        "r/a/compensate/1",
        "s/k/r/a/4294967296",
        "s/k/r/a/99999999999999999999999",
        "s/k/r/a/ 1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct saga_command_parts parts = { .attempt = 77 };
        if (saga_command_id_parse(saga_slice_of(texts[i]), &parts) == SAGA_OK)
            fail_msg("\"%s\" is taken for an id", texts[i]);
        assert_int_equal(parts.attempt, 77);
    }
}

#define JOURNAL SAGA_SLICE("00112233445566778899aabbccddeeff")

/* Catches a run that comes again where topics are made anew: services would take its commands for those of the first. */
static void a_run_is_of_its_journal(void **state)
{
    (void)state;
    const struct saga_position at = { SAGA_SLICE("orders"), 3, 17 };
    struct saga_slice run = saga_run_of(&arena, JOURNAL, &at);
    EXPECT_SLICE(run, "341992c0ef72"); /* journals hold it: it must never be made in another way */
    assert_false(saga_slice_equal(
        run, saga_run_of(&arena, SAGA_SLICE("00112233445566778899aabbccddeefe"), &at)));
    assert_false(saga_slice_equal(run, saga_run_of(&arena, SAGA_SLICE_NONE, &at)));
}

static void a_run_is_a_function_of_the_start_s_position(void **state)
{
    (void)state;
    const struct saga_position at = { SAGA_SLICE("orders"), 3, 17 };
    const struct saga_position others[] = { { SAGA_SLICE("orders"), 3, 18 },
                                            { SAGA_SLICE("orders"), 4, 17 },
                                            { SAGA_SLICE("order"), 3, 17 } };
    struct saga_slice run = saga_run_of(&arena, SAGA_SLICE_NONE, &at);
    assert_int_equal(run.size, 12);
    assert_true(saga_slice_equal(run, saga_run_of(&arena, SAGA_SLICE_NONE, &at)));
    EXPECT_SLICE(run, "264ca98372ac"); /* journals hold it: it must never be made in another way */
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(saga_slice_equal(run, saga_run_of(&arena, SAGA_SLICE_NONE, &others[i])));
}

static void waits_grow_by_the_factor_up_to_the_maximum(void **state)
{
    static const int64_t waits[] = { 500, 750, 1125, 1687, 2000, 2000 };
    const struct saga_retry retry = { .backoff_ms = 500, .factor = 1.5, .max_ms = 2000 };
    (void)state;
    for (uint32_t i = 0; i < sizeof waits / sizeof waits[0]; i++)
        assert_int_equal(saga_backoff_ms(&retry, i + 2, SAGA_SLICE("id")), waits[i]);
    assert_int_equal(saga_backoff_ms(&retry, UINT32_MAX, SAGA_SLICE("id")), 2000);
    const struct saga_retry over = { .backoff_ms = 5000, .factor = 2, .max_ms = 2000 };
    assert_int_equal(saga_backoff_ms(&over, 2, SAGA_SLICE("id")), 2000);
}

static void jitter_is_between_half_and_all_and_always_the_same(void **state)
{
    const struct saga_retry retry = {
        .backoff_ms = 1001, .factor = 2, .max_ms = 60000, .jitter = true
    };
    int64_t least = INT64_MAX, most = 0;
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct saga_slice id = saga_arena_printf(&arena, "s/k/r/a/%d", i);
        int64_t wait = saga_backoff_ms(&retry, 2, id);
        assert_int_equal(wait, saga_backoff_ms(&retry, 2, id));
        if (wait < least) least = wait;
        if (wait > most) most = wait;
    }
    assert_true(least >= 501 && least < 520); /* they are spread over the whole of it */
    assert_true(most <= 1001 && most > 980);
    const struct saga_retry tiny = { .backoff_ms = 1, .factor = 2, .max_ms = 1, .jitter = true };
    assert_int_equal(saga_backoff_ms(&tiny, 5, SAGA_SLICE("id")), 1);
}

static void a_key_says_its_limit(void **state)
{
    static const char long_key[SAGA_KEY_BYTES_MAX + 1];
    (void)state;
    assert_string_equal(saga_key_fault((struct saga_slice){ long_key, sizeof long_key }),
                        "is longer than 512 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_says_its_limit),
        cmocka_unit_test_setup_teardown(ids_are_made_of_saga_run_step_and_attempt, setup, teardown),
        cmocka_unit_test_setup_teardown(an_id_is_taken_apart_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_id_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_is_of_its_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_is_a_function_of_the_start_s_position, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(waits_grow_by_the_factor_up_to_the_maximum, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(jitter_is_between_half_and_all_and_always_the_same, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("command ids", tests, NULL, NULL);
}
