/* Evolving: a fact that cannot follow on a state is refused, so that a journal that was altered is
 * found and not believed. What facts do where they may follow, the other tests of the engine show:
 * they evolve every fact twice. */
#include "base/error.h"
#include "unit/engine_world.h"

#define FACT(...) ((struct saga_fact){ __VA_ARGS__ })
#define A .step = SAGA_SLICE("a")

/* Tries the fact on a copy; what is refused leaves the saga as it was. */
static int try(struct world *w, struct saga_fact fact)
{
    struct saga_state *copy = saga_state_clone(w->state);
    saga_evolve_begin(copy, &(struct saga_event){ .time_ms = w->time_ms });
    int error = saga_evolve(copy, &fact);
    if (error == SAGA_OK) saga_state_check(copy);
    saga_state_free(copy);
    return error;
}

static void refuse_at(struct world *w, struct saga_fact fact, int line)
{
    if (try(w, fact) == SAGA_E_INVALID) return;
    bool known = fact.kind < SAGA_FACT_KIND_COUNT;
    print_error("%s is taken though it cannot follow\n",
                known ? saga_fact_types[fact.kind].name : "a fact of no kind");
    _fail(__FILE__, line);
}
#define REFUSE(w, ...) refuse_at((w), FACT(__VA_ARGS__), __LINE__)
#define TAKE(w, ...) assert_int_equal(try((w), FACT(__VA_ARGS__)), SAGA_OK)

static void before_its_start_a_saga_takes_nothing_else(void **state)
{
    struct world *w = *state;
    for (int kind = 0; kind < SAGA_FACT_KIND_COUNT; kind++)
        REFUSE(w, .kind = (enum saga_fact_kind)kind);
    TAKE(w, .kind = SAGA_FACT_SAGA_STARTED, .id = SAGA_SLICE("s/k"), .run = SAGA_SLICE("r"),
         .name = SAGA_SLICE("s"));
    REFUSE(w, .kind = SAGA_FACT_SAGA_STARTED, .id = SAGA_SLICE("s/k"), .name = SAGA_SLICE("s"));
}

static void a_running_saga(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    TAKE(w, .kind = SAGA_FACT_STEP_SENT, A, .attempt = 2, .due_ms = 1);
    REFUSE(w, .kind = SAGA_FACT_STEP_SENT, A, .attempt = 3);
    REFUSE(w, .kind = SAGA_FACT_STEP_SENT, A, .attempt = 2, .scope = 9);
    REFUSE(w, .kind = SAGA_FACT_STEP_SENT, .attempt = 1);
    REFUSE(w, .kind = SAGA_FACT_STEP_SUCCEEDED, .step = SAGA_SLICE("b"));
    REFUSE(w, .kind = SAGA_FACT_STEP_RETRY_SCHEDULED, .step = SAGA_SLICE("b"));
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_SENT, A, .attempt = 1);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_SUCCEEDED, A);
    REFUSE(w, .kind = SAGA_FACT_SAGA_STARTED, .id = SAGA_SLICE("s/k"), .run = SAGA_SLICE("r"),
           .name = SAGA_SLICE("s"));
    REFUSE(w, .kind = SAGA_FACT_SAGA_STUCK);
    REFUSE(w, .kind = SAGA_FACT_SAGA_CONTINUED, .status = SAGA_RUNNING);
    REFUSE(w, .kind = SAGA_FACT_SAGA_CONTINUED, .status = SAGA_COMPENSATING);
    REFUSE(w, .kind = SAGA_FACT_SAGA_COMPENSATED);
    REFUSE(w, .kind = SAGA_FACT_SAGA_ABANDONED);
    REFUSE(w, .kind = SAGA_FACT_SAGA_FORGOTTEN);
    REFUSE(w, .kind = SAGA_FACT_TIMER_HELD, .name = SAGA_SLICE("step/b"));
    REFUSE(w, .kind = SAGA_FACT_TIMER_ARMED, .name = SAGA_SLICE("step/b"));
    REFUSE(w, .kind = SAGA_FACT_TIMER_ARMED);
    REFUSE(w, .kind = SAGA_FACT_LANE_OPENED);
    REFUSE(w, .kind = SAGA_FACT_KIND_COUNT);
}

static void a_step_that_succeeded(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    REFUSE(w, .kind = SAGA_FACT_STEP_SENT, A, .attempt = 2);
    REFUSE(w, .kind = SAGA_FACT_STEP_SUCCEEDED, A);
    REFUSE(w, .kind = SAGA_FACT_STEP_FAILED, A);
    REFUSE(w, .kind = SAGA_FACT_STEP_UNKNOWN, A);
    REFUSE(w, .kind = SAGA_FACT_STEP_SKIPPED, A);
    REFUSE(w, .kind = SAGA_FACT_STEP_RETRY_SCHEDULED, A);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_SENT, A, .attempt = 1); /* the saga is running */
}

static void a_compensation(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "A");
    reply(w, "BNo", "b", 1);
    REFUSE(w, .kind = SAGA_FACT_STEP_SENT, .step = SAGA_SLICE("c"), .attempt = 1);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_SENT, A, .attempt = 2); /* the first is still open */
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_NOT_NEEDED, A);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_SKIPPED, A);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_SENT, .step = SAGA_SLICE("b"), .attempt = 1);
    REFUSE(w, .kind = SAGA_FACT_SAGA_COMPLETED);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_STARTED);
    TAKE(w, .kind = SAGA_FACT_COMPENSATION_SUCCEEDED, A);
    reply_back(w, "Unavailable", "a", 1);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_SENT, A, .attempt = 3);
    TAKE(w, .kind = SAGA_FACT_COMPENSATION_SENT, A, .attempt = 2);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_RETRY_SCHEDULED, A);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_EXHAUSTED, A);
    reply_back(w, "ACannot", "a", 1);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_SUCCEEDED, A);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_SENT, A, .attempt = 2); /* the saga is stuck */
    REFUSE(w, .kind = SAGA_FACT_SAGA_CONTINUED, .status = SAGA_COMPLETED);
}

static void an_unknown_step_whose_compensation_was_sent(void **state)
{
    struct world *w = define(state, THREE);
    go_to(w, "");
    for (int i = 0; i < 3; i++) ring(w, "step/a");
    assert_int_equal(step_of(w, "a")->status, SAGA_STEP_UNKNOWN);
    REFUSE(w, .kind = SAGA_FACT_STEP_SUCCEEDED, A);
    REFUSE(w, .kind = SAGA_FACT_STEP_FAILED, A);
}

static void behind_the_pivot(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "AV");
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_STARTED, .type = SAGA_SLICE("Cancelled"));
    reply(w, "ZNo", "z", 1);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_STARTED, .type = SAGA_SLICE("Cancelled"));
    REFUSE(w, .kind = SAGA_FACT_SAGA_CONTINUED, .status = SAGA_COMPENSATING);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_NOT_NEEDED, .step = SAGA_SLICE("v"));
    TAKE(w, .kind = SAGA_FACT_SAGA_CONTINUED, .status = SAGA_RUNNING);
}

static void the_pivot_is_never_skipped(void **state)
{
    struct world *w = define(state, PIVOTED);
    go_to(w, "A");
    REFUSE(w, .kind = SAGA_FACT_STEP_SKIPPED, .step = SAGA_SLICE("v"), .position = 1);
}

static void an_ended_saga(void **state)
{
    struct world *w = define(state, HEAD "steps:\n" STEP_C);
    go_to(w, "C");
    REFUSE(w, .kind = SAGA_FACT_SAGA_COMPLETED);
    REFUSE(w, .kind = SAGA_FACT_SAGA_STUCK, .stuck_on = SAGA_STUCK_ON_STEP);
    REFUSE(w, .kind = SAGA_FACT_COMPENSATION_STARTED);
    REFUSE(w, .kind = SAGA_FACT_STEP_SENT, .step = SAGA_SLICE("d"), .attempt = 1);
    ring(w, "keep");
    assert_int_equal(saga_evolve(w->state, &FACT(.kind = SAGA_FACT_SAGA_PAUSED)), SAGA_E_INVALID);
}

/* Every edge of the drawing in state.h, and no other. */
static void statuses_follow_the_drawing(void **state)
{
    static const char *const edges[] = {
        "none>running",      "running>compensating", "running>stuck",
        "running>completed", "compensating>stuck",   "compensating>compensated",
        "stuck>running",     "stuck>compensating",   "stuck>completed",
        "stuck>compensated", "stuck>abandoned",      "completed>compensating",
    };
    size_t found = 0;
    (void)state;
    for (int from = 0; from < SAGA_STATUS_COUNT; from++) {
        for (int to = 0; to < SAGA_STATUS_COUNT; to++) {
            char edge[64];
            bool drawn = false;
            snprintf(edge, sizeof edge, "%s>%s", saga_status_name((enum saga_status)from),
                     saga_status_name((enum saga_status)to));
            for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
                drawn = drawn || strcmp(edge, edges[i]) == 0;
            if (saga_status_may_become((enum saga_status)from, (enum saga_status)to) != drawn)
                fail_msg("%s", edge);
            found += drawn;
        }
    }
    assert_int_equal(found, sizeof edges / sizeof edges[0]);
}

static void names_are_read_back(void **state)
{
    (void)state;
    for (int i = 0; i < SAGA_STATUS_COUNT; i++)
        assert_int_equal(saga_status_of(saga_slice_of(saga_status_name((enum saga_status)i))), i);
    assert_int_equal(saga_status_of(SAGA_SLICE("Running")), SAGA_STATUS_COUNT);
    for (int i = SAGA_VERB_CANCEL; i < SAGA_VERB_COUNT; i++)
        assert_int_equal(saga_verb_of(saga_slice_of(saga_verb_name((enum saga_verb)i))), i);
    assert_int_equal(saga_verb_of(SAGA_SLICE("none")), SAGA_VERB_COUNT);
}

static void every_fact_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < SAGA_FACT_KIND_COUNT; i++) {
        assert_non_null(saga_fact_types[i].name);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(saga_fact_types[i].name, saga_fact_types[k].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(before_its_start_a_saga_takes_nothing_else),
        WORLD_TEST(a_running_saga),
        WORLD_TEST(a_step_that_succeeded),
        WORLD_TEST(a_compensation),
        WORLD_TEST(an_unknown_step_whose_compensation_was_sent),
        WORLD_TEST(behind_the_pivot),
        WORLD_TEST(the_pivot_is_never_skipped),
        WORLD_TEST(an_ended_saga),
        cmocka_unit_test(statuses_follow_the_drawing),
        cmocka_unit_test(names_are_read_back),
        cmocka_unit_test(every_fact_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests_name("evolving", tests, NULL, NULL);
}
