/* What is told of a saga's facts stands on those before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "in_arena.h"
#include "operate/dead_letters.h"
#include "operate/teller.h"
#include "operate/words.h"

/* One line a fact that is told. */
static const char *tell(bool whole, const struct saga_fact *facts, size_t count)
{
    struct saga_teller teller;
    struct saga_buffer text;
    saga_teller_begin(&teller, whole, &arena);
    saga_buffer_init(&text, &arena);
    for (size_t i = 0; i < count; i++)
        if (saga_teller_tell(&teller, &facts[i], 0, &text)) saga_buffer_add_char(&text, '\n');
    return saga_arena_string(&arena, saga_buffer_slice(&text));
}

static void a_part_that_has_ended_is_named(void **state)
{
    const struct saga_fact facts[] = {
        { .kind = SAGA_FACT_BRANCH_STARTED, .step = SAGA_SLICE("parallel#2"), .index = 0 },
        { .kind = SAGA_FACT_BRANCH_STARTED, .step = SAGA_SLICE("parallel#2"), .index = 1 },
        { .kind = SAGA_FACT_LOOP_STARTED, .step = SAGA_SLICE("for-each#4"), .total = 1 },
        { .kind = SAGA_FACT_BRANCH_ENDED, .scope = 2 },
        { .kind = SAGA_FACT_BRANCH_ENDED, .scope = 3 },
    };
    (void)state;
    const char *told = tell(true, facts, 5);
    assert_non_null(strstr(told, "\npart 2 of parallel#2 has ended\n"));
    assert_non_null(strstr(told, "\nall parts of for-each#4 have ended\n"));
    assert_non_null(strstr(told, "for-each#4 begins, over 1 element\n"));
    assert_non_null(strstr(tell(false, facts, 5), "\na part has ended\na part has ended\n"));
}

static void a_story_that_was_cut_names_none(void **state)
{
    const struct saga_fact ended = { .kind = SAGA_FACT_BRANCH_ENDED, .scope = 2 };
    (void)state;
    assert_string_equal(tell(false, &ended, 1), "a part has ended\n");
    assert_string_equal(tell(true, &ended, 1), "a part has ended\n");
}

static void a_child_is_asked_for_once(void **state)
{
    (void)state;
    const struct saga_fact asked[] = {
        { .kind = SAGA_FACT_CHILD_STARTED,
          .step = SAGA_SLICE("bill"),
          .target = SAGA_SLICE("bill/1") },
        { .kind = SAGA_FACT_NOTE_SENT, .note = SAGA_NOTE_CHILD_START, .id = SAGA_SLICE("bill/1") },
        { .kind = SAGA_FACT_NOTE_SENT,
          .note = SAGA_NOTE_CHILD_START,
          .id = SAGA_SLICE("bill/1") }, /* once more: its definition was not there */
    };
    assert_string_equal(tell(true, asked, 3),
                        "bill asks for the child saga bill/1\nbill/1 is asked for\n");
}

static void a_letter_names_its_saga(void **state)
{
    struct saga_header header = { SAGA_SLICE("ce_sagacommandid"),
                                  SAGA_SLICE("order/o/1/299ef6c0e99a/pay/2") };
    const struct saga_message letter = { .headers = &header, .header_count = 1 };
    (void)state;
    assert_true(saga_slice_is(saga_letter_saga(&letter, &arena), "order/o/1"));
    header = (struct saga_header){ SAGA_SLICE("ce_subject"), SAGA_SLICE("order/o-2") };
    assert_true(saga_slice_is(saga_letter_saga(&letter, &arena), "order/o-2"));
    header.value = SAGA_SLICE("a customer");
    assert_int_equal(saga_letter_saga(&letter, &arena).size, 0);
    header.name = SAGA_SLICE("ce_id");
    assert_int_equal(saga_letter_saga(&letter, &arena).size, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_part_that_has_ended_is_named),
        TEST(a_story_that_was_cut_names_none),
        TEST(a_child_is_asked_for_once),
        TEST(a_letter_names_its_saga),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
