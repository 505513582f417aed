/* What is named to an operator who ends a saga by hand: every step that nobody looks after any
 * more, and no other. */
#include "unit/engine_world.h"

#include "operate/left.h"

/* c needs no taking back, b does; z is behind the pivot v */
#define STEPS_AROUND_A_PIVOT HEAD RETRY "steps:\n" STEP_C STEP_B PIVOT BEHIND

static void expect_left_at(struct world *w, const struct saga_definition *definition,
                           enum saga_status end, const char *expected, const char *file, int line)
{
    struct saga_left *left;
    struct saga_buffer out;
    size_t count;
    saga_buffer_init(&out, &w->arena);
    saga_left_as_it_is(w->state, definition, end, &w->arena, &left, &count);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(strstr(left[i].words.data, saga_arena_string(&w->arena, left[i].step)));
        saga_buffer_printf(&out, "%s%.*s %s", i ? "; " : "", SAGA_SLICE_ARG(left[i].step),
                           left[i].what);
    }
    expect_text_at(saga_buffer_slice(&out), expected, file, line);
}
#define EXPECT_LEFT(w, end, words)                                                                 \
    expect_left_at((w), (w)->definition, (end), (words), __FILE__, __LINE__)

static void to_unknown_pivot(struct world *w)
{
    go_to(w, "CB");
    ring(w, "step/v");
    ring(w, "step/v");
    ring(w, "step/v");
    EXPECT(w, "StepUnknown v; SagaStuck v on pivot");
}

static void an_unknown_pivot_is_named_whatever_the_end(void **state)
{
    struct world *w = define(state, STEPS_AROUND_A_PIVOT);
    to_unknown_pivot(w);
    EXPECT_LEFT(w, SAGA_COMPLETED, "v unknown; z never-began");
    EXPECT_LEFT(w, SAGA_COMPENSATED, "b stands; v unknown");
    EXPECT_LEFT(w, SAGA_ABANDONED, "b stands; v unknown");
}

static void the_state_after_tells_the_same(void **state)
{
    struct world *w = define(state, STEPS_AROUND_A_PIVOT);
    to_unknown_pivot(w);
    say_as(w, SAGA_VERB_RESOLVE, "compensated");
    EXPECT_LEFT(w, SAGA_COMPENSATED, "b stands; v unknown");
}

static void the_words_say_what_was_sent_where(void **state)
{
    struct world *w = define(state, STEPS_AROUND_A_PIVOT);
    struct saga_left *left;
    size_t count;
    to_unknown_pivot(w);
    saga_left_as_it_is(w->state, NULL, SAGA_COMPLETED, &w->arena, &left, &count);
    assert_int_equal(count, 1);
    EXPECT_TEXT(left[0].words, "nobody knows whether v, the pivot, was done: V was sent to c 2 "
                               "times and not answered");
}

static void without_the_definition_more_is_named_not_less(void **state)
{
    struct world *w = define(state, STEPS_AROUND_A_PIVOT);
    to_unknown_pivot(w);
    expect_left_at(w, NULL, SAGA_COMPENSATED, "c stands; b stands; v unknown", __FILE__, __LINE__);
    expect_left_at(w, NULL, SAGA_COMPLETED, "v unknown", __FILE__, __LINE__);
}

static void a_refused_compensation_is_named(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "AB");
    reply(w, "CNo", "c", 1);
    reply_back(w, "BCannot", "b", 1);
    assert_int_equal(w->state->status, SAGA_STUCK);
    EXPECT_LEFT(w, SAGA_COMPENSATED, "a stands; b refused");
    EXPECT_LEFT(w, SAGA_COMPLETED, "b refused; c failed");
}

static void what_was_taken_back_is_missing_from_a_completed_saga(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "AB");
    reply(w, "CNo", "c", 1);
    reply_back(w, "Undone", "b", 1);
    reply_back(w, "ACannot", "a", 1);
    assert_int_equal(w->state->status, SAGA_STUCK);
    EXPECT_LEFT(w, SAGA_COMPLETED, "a refused; b taken-back; c failed");
    EXPECT_LEFT(w, SAGA_COMPENSATED, "a refused");
}

static void a_compensation_without_an_answer_is_named(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    reply(w, "BNo", "b", 1);
    ring(w, "compensation/a");
    ring(w, "compensation/a");
    ring(w, "compensation/a");
    assert_int_equal(w->state->status, SAGA_STUCK);
    EXPECT_LEFT(w, SAGA_COMPENSATED, "a half-way");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(an_unknown_pivot_is_named_whatever_the_end),
        WORLD_TEST(the_state_after_tells_the_same),
        WORLD_TEST(the_words_say_what_was_sent_where),
        WORLD_TEST(without_the_definition_more_is_named_not_less),
        WORLD_TEST(a_refused_compensation_is_named),
        WORLD_TEST(what_was_taken_back_is_missing_from_a_completed_saga),
        WORLD_TEST(a_compensation_without_an_answer_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
