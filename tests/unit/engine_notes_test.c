/* Sagas that tell each other something: awaited events (R21) and child sagas (R22). */
#include "engine_office.h"

/* ---- awaited events ---- */

static void an_event_that_comes_is_taken(void **state)
{
    struct office *o = waiting(state, "parent/1");
    deliver(o);
    EXPECT(o, "parent EntryStarted; parent WaiterAdded decision");
    event_came(o, ENTRY, "e1", "{\"loan\":\"L-1\",\"ok\":true}");
    EXPECT(o, "parent EventKept; parent EventOffered decision");
    deliver(o);
    EXPECT(o, "parent StepSucceeded decision; parent StepSent b; "
              "parent WaiterRemoved (taken); parent EventTaken");
    assert_true(
        saga_slice_is(saga_state_step(state_of(o, "parent/1"), SAGA_SLICE("decision"))->result,
                      "{\"loan\":\"L-1\",\"ok\":true}"));
    event_came(o, ENTRY, "e1", "{}");
    EXPECT(o, "parent NoteIgnored (duplicate)");
    ring(o, ENTRY, "expire");
    EXPECT(o, "parent EventDropped (taken); parent SagaForgotten");
}

static void an_event_that_came_early_is_kept(void **state)
{
    struct office *o = *state;
    event_came(o, ENTRY, "e1", "{}");
    waiting(state, "parent/1");
    deliver(o);
    EXPECT(o, "parent WaiterAdded decision; parent EventOffered decision; "
              "parent StepSucceeded decision; parent StepSent b; "
              "parent WaiterRemoved (taken); parent EventTaken");
}

static void an_event_that_came_too_early_is_not(void **state)
{
    struct office *o = *state;
    event_came(o, ENTRY, "e1", "{}");
    EXPECT(o, "parent EntryStarted; parent EventKept");
    ring(o, ENTRY, "expire");
    EXPECT(o, "parent EventDropped (nobody-asked); parent SagaForgotten");
    waiting(state, "parent/1");
    deliver(o);
    EXPECT(o, "parent EntryStarted; parent WaiterAdded decision");
}

static void an_event_is_for_one_saga_the_one_that_has_waited_longest(void **state)
{
    struct office *o = waiting(state, "parent/1");
    deliver(o);
    waiting(state, "parent/2");
    deliver(o);
    saga_buffer_init(&o->told, &o->arena);
    event_came(o, ENTRY, "e1", "{}");
    event_came(o, ENTRY, "e2", "{}");
    deliver(o);
    assert_int_equal(saga_state_step(state_of(o, "parent/1"), SAGA_SLICE("decision"))->status,
                     SAGA_STEP_SUCCEEDED);
    assert_int_equal(saga_state_step(state_of(o, "parent/2"), SAGA_SLICE("decision"))->status,
                     SAGA_STEP_SUCCEEDED);
    assert_int_equal(state_of(o, ENTRY)->waiter_count, 0);
}

static void no_event_in_time_compensates(void **state)
{
    struct office *o = waiting(state, "parent/1");
    deliver(o);
    saga_buffer_init(&o->told, &o->arena);
    ring(o, "parent/1", "step/decision");
    EXPECT(o, "parent StepFailed decision; parent CompensationStarted decision; "
              "parent CompensationSent a");
    deliver(o);
    EXPECT(o, "parent WaiterRemoved (closed); parent SagaForgotten");
}

static void what_meets_a_saga_that_waits_no_more_is_given_back(void **state)
{
    struct office *o = waiting(state, "parent/1");
    deliver(o);
    waiting(state, "parent/2");
    deliver(o);
    saga_buffer_init(&o->told, &o->arena);
    event_came(o, ENTRY, "e1", "{}"); /* offered to parent/1 ... */
    cancel(o, "parent/1");            /* ... which is undone meanwhile */
    saga_buffer_init(&o->told, &o->arena);
    deliver(o);
    EXPECT(o,
           "parent NoteIgnored (not-waiting); parent WaiterRemoved (closed); "
           "parent EventReturned; parent EventOffered decision; parent NoteIgnored (not-waiting); "
           "parent StepSucceeded decision; parent StepSent b; "
           "parent WaiterRemoved (taken); parent EventTaken");
}

static void on_timeout_may_be_blocks(void **state)
{
    struct office *o = *state;
    deploy(o, AWAITS "    on-timeout:\n      - { step: remind, send: p/R, success: RDone, "
                     "compensate: none }\n" THEN);
    waiting(state, "parent/1");
    deliver(o);
    saga_buffer_init(&o->told, &o->arena);
    ring(o, "parent/1", "step/decision");
    EXPECT(o, "parent StepFailed decision; parent BranchStarted decision; parent StepSent remind");
    reply_to(o, "parent/1", "RDone", "remind", false);
    EXPECT(o,
           "parent StepSucceeded remind; parent BlockPassed decision (caught); parent StepSent b");
}

/* ---- child sagas ---- */

static void a_child_completes(void **state)
{
    struct office *o = family(state, WORKS);
    reply_to(o, "child/K", "XDone", "x", false);
    EXPECT(o, "child StepSucceeded x; child EventPublished; child SagaCompleted");
    assert_null(saga_state_timer(state_of(o, "child/K"), SAGA_SLICE("keep"))); /* for its parent */
    deliver(o);
    EXPECT(o, "parent StepSucceeded kid; parent StepSent b");
    struct saga_slice kept = saga_state_step(state_of(o, "parent/1"), SAGA_SLICE("kid"))->result;
    assert_true(saga_slice_is(
        kept, "{\"id\":\"child/K\",\"status\":\"completed\",\"result\":{\"n\":1},\"error\":null}"));
    reply_to(o, "parent/1", "BDone", "b", false);
    deliver(o);
    EXPECT(o, "parent StepSucceeded b; parent SagaCompleted; child ChildReleased");
    assert_non_null(saga_state_timer(state_of(o, "child/K"), SAGA_SLICE("keep")));
}

static void a_completed_child_is_taken_back_with_its_parent(void **state)
{
    struct office *o = family(state, WORKS);
    reply_to(o, "child/K", "XDone", "x", false);
    deliver(o);
    saga_buffer_init(&o->told, &o->arena);
    reply_to(o, "parent/1", "BNo", "b", false);
    EXPECT(o, "parent StepFailed b; parent CompensationStarted b; parent CompensationSent kid");
    deliver(o);
    EXPECT(o, "child CompensationStarted; child CompensationSent x");
    reply_to(o, "child/K", "Ok", "x", true);
    deliver(o);
    EXPECT(o, "child CompensationSucceeded x; child SagaCompensated; "
              "parent CompensationSucceeded kid; parent SagaCompensated; child ChildReleased");
}

static void a_child_that_fails_fails_the_step(void **state)
{
    struct office *o = family(state, WORKS);
    reply_to(o, "child/K", "XNo", "x", false);
    deliver(o);
    EXPECT(o, "child StepFailed x; child CompensationStarted x; child SagaCompensated; "
              "parent StepFailed kid; parent CompensationStarted kid; parent SagaCompensated; "
              "child ChildReleased");
    assert_true(saga_slice_is(state_of(o, "parent/1")->error.type, "compensated"));
}

static void cancelling_the_parent_reaches_a_running_child(void **state)
{
    struct office *o = family(state, WORKS);
    cancel(o, "parent/1");
    EXPECT(o, "parent CompensationStarted");
    deliver(o);
    EXPECT(o, "child CompensationStarted");
    reply_to(o, "child/K", "XDone", "x", false); /* it was in flight */
    EXPECT(o, "child StepSucceeded x; child CompensationSent x");
    reply_to(o, "child/K", "Ok", "x", true);
    deliver(o);
    EXPECT(o, "child CompensationSucceeded x; child SagaCompensated; parent StepFailed kid; "
              "parent SagaCompensated; child ChildReleased");
}

static void a_child_with_its_pivot_behind_it_cannot_be_taken_back(void **state)
{
    struct office *o =
        family(state, CHILD
               "steps:\n  - { step: x, send: p/X, success: XDone, pivot: true, failure: XNo }\n");
    reply_to(o, "child/K", "XDone", "x", false);
    deliver(o);
    saga_buffer_init(&o->told, &o->arena);
    reply_to(o, "parent/1", "BNo", "b", false);
    deliver(o);
    EXPECT(o, "parent StepFailed b; parent CompensationStarted b; parent CompensationSent kid; "
              "parent CompensationFailed kid; parent SagaStuck kid");
}

static void a_child_of_another_parent_is_a_failure(void **state)
{
    struct office *o = family(state, WORKS);
    start(o, "parent/2", "{\"kid\":\"K\"}");
    deliver(o);
    EXPECT(o, "parent SagaStarted; parent ChildStarted kid; child StartIgnored (already-running); "
              "parent StepFailed kid; parent CompensationStarted kid; parent SagaCompensated");
    assert_true(saga_slice_is(state_of(o, "parent/2")->error.type, "AlreadyExists"));
    saga_buffer_init(&o->told, &o->arena);
    reply_to(o, "child/K", "XDone", "x", false);
    deliver(o); /* its own parent hears of its end all the same */
    EXPECT(o, "child StepSucceeded x; child EventPublished; child SagaCompleted; "
              "parent StepSucceeded kid; parent StepSent b");
}

/* The child's end comes while the parent's definition is nowhere to be had (R19). */
static struct office *deaf(void **state)
{
    struct office *o = family(state, WORKS);
    struct saga_definition *parent = o->definitions[0];
    reply_to(o, "child/K", "XDone", "x", false);
    o->definitions[0] = o->definitions[1]; /* so that the parent's is not found */
    deliver(o);
    EXPECT(o, "child StepSucceeded x; child EventPublished; child SagaCompleted; "
              "parent SagaStuck; parent NoteIgnored (no-definition)");
    o->definitions[0] = parent;
    return o;
}

static void a_retry_asks_for_what_was_missed(void **state)
{
    struct office *o = deaf(state);
    decide(o, SAGA_SLICE("parent/1"),
           (struct saga_event){ .kind = SAGA_EVENT_OPERATOR, .verb = SAGA_VERB_RETRY });
    deliver(o);
    EXPECT(o, "parent SagaContinued (retry); child StartIgnored (already-ended); "
              "parent StepSucceeded kid; parent StepSent b");
}

static void a_cancel_asks_for_what_was_missed(void **state)
{
    struct office *o = deaf(state);
    cancel(o, "parent/1");
    deliver(o);
    EXPECT(o, "parent CompensationStarted; child StartIgnored (already-ended); "
              "child NoteIgnored (goes-its-way); parent StepSucceeded kid; "
              "parent CompensationSent kid; child CompensationStarted; child CompensationSent x");
}

static void a_child_that_is_asked_for_anew_lets_the_old_one_go(void **state)
{
    struct office *o = *state;
    deploy(o, PARENT "  - { step: v, send: p/V, success: VDone, pivot: true }\n"
                     "  - { saga: child, as: kid }\n");
    deploy(o, WORKS);
    start(o, "parent/1", "{}");
    reply_to(o, "parent/1", "VDone", "v", false);
    deliver(o);
    struct saga_slice first = saga_state_step(state_of(o, "parent/1"), SAGA_SLICE("kid"))->target;
    const char *child = saga_arena_string(&o->arena, first);
    reply_to(o, child, "XNo", "x", false);
    deliver(o);
    saga_buffer_init(&o->told, &o->arena);
    decide(o, SAGA_SLICE("parent/1"),
           (struct saga_event){ .kind = SAGA_EVENT_OPERATOR, .verb = SAGA_VERB_RETRY });
    deliver(o);
    EXPECT(o, "parent SagaContinued (retry); parent ChildStarted kid; child ChildReleased; "
              "child SagaStarted; child StepSent x");
    assert_true(state_of(o, child)->released);
}

static void asking_twice_is_asking_once(void **state)
{
    struct office *o = family(state, WORKS);
    struct saga_message asked = o->notes[0];
    o->notes[o->last++] = asked;
    deliver(o);
    EXPECT(o, "child StartIgnored (already-running)");
    reply_to(o, "child/K", "XDone", "x", false);
    o->notes[o->last++] = asked;
    deliver(o); /* it hears of the end once more, which changes nothing */
    EXPECT(o, "child StepSucceeded x; child EventPublished; child SagaCompleted; "
              "parent StepSucceeded kid; parent StepSent b; child StartIgnored (already-ended); "
              "parent NoteIgnored (nothing-open)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTES_TEST(an_event_that_comes_is_taken),
        NOTES_TEST(an_event_that_came_early_is_kept),
        NOTES_TEST(an_event_that_came_too_early_is_not),
        NOTES_TEST(an_event_is_for_one_saga_the_one_that_has_waited_longest),
        NOTES_TEST(no_event_in_time_compensates),
        NOTES_TEST(what_meets_a_saga_that_waits_no_more_is_given_back),
        NOTES_TEST(on_timeout_may_be_blocks),
        NOTES_TEST(a_child_completes),
        NOTES_TEST(a_completed_child_is_taken_back_with_its_parent),
        NOTES_TEST(a_child_that_fails_fails_the_step),
        NOTES_TEST(cancelling_the_parent_reaches_a_running_child),
        NOTES_TEST(a_child_with_its_pivot_behind_it_cannot_be_taken_back),
        NOTES_TEST(a_child_of_another_parent_is_a_failure),
        NOTES_TEST(a_retry_asks_for_what_was_missed),
        NOTES_TEST(a_cancel_asks_for_what_was_missed),
        NOTES_TEST(a_child_that_is_asked_for_anew_lets_the_old_one_go),
        NOTES_TEST(asking_twice_is_asking_once),
    };
    return cmocka_run_group_tests_name("engine: awaited events and children", tests, NULL, NULL);
}
