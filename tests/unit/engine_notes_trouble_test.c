/* Awaited events and child sagas where something comes between: operators, retries, notes by hand. */
#include "base/limits.h"
#include "engine_office.h"

#define BEHIND_THE_PIVOT PARENT "  - { step: v, send: p/V, success: VDone, pivot: true }\n"

/* Catches a child that is kept for ever, because its parent asked for another one in its place. */
static void a_retry_lets_go_of_the_child_before(void **state)
{
    struct office *o = *state;
    deploy(o, BEHIND_THE_PIVOT "  - { saga: child, as: kid, input: '{k: 1}' }\n");
    deploy(o, WORKS);
    start(o, "parent/1", "{}");
    reply_to(o, "parent/1", "VDone", "v", false);
    deliver(o);
    const char *first = saga_arena_string(
        &o->arena, saga_state_step(state_of(o, "parent/1"), SAGA_SLICE("kid"))->target);
    reply_to(o, first, "XNo", "x", false);
    deliver(o);
    assert_int_equal(state_of(o, "parent/1")->stuck_on, SAGA_STUCK_ON_STEP);
    say(o, "parent/1", SAGA_VERB_RETRY);
    deliver(o);
    const char *second = saga_arena_string(
        &o->arena, saga_state_step(state_of(o, "parent/1"), SAGA_SLICE("kid"))->target);
    assert_string_not_equal(first, second);
    assert_true(state_of(o, first)->released);
    assert_false(state_of(o, second)->released);
    reply_to(o, second, "XDone", "x", false);
    deliver(o);
    assert_int_equal(state_of(o, "parent/1")->status, SAGA_COMPLETED);
    assert_true(state_of(o, second)->released);
}

/* Catches a crash: what was skipped before it began is in the state as a step, but no service answers it. */
static void what_was_skipped_takes_no_replies(void **state)
{
    struct office *o = *state;
    deploy(
        o, BEHIND_THE_PIVOT
        "  - { await: decision, topic: decisions, event: Decided, match: .loan, with: .input.no, "
        "timeout: 1h }\n  - { saga: child, as: kid, key: .input.no }\n"
        "  - { step: b, send: p/B, success: BDone }\n");
    start(o, "parent/1", "{}");
    reply_to(o, "parent/1", "VDone", "v", false);
    assert_int_equal(state_of(o, "parent/1")->stuck_on, SAGA_STUCK_ON_BODY);
    say(o, "parent/1", SAGA_VERB_SKIP);
    say(o, "parent/1", SAGA_VERB_RETRY); /* the child's key cannot be made either */
    say(o, "parent/1", SAGA_VERB_SKIP);
    saga_buffer_init(&o->told, &o->arena);
    reply_to(o, "parent/1", "BDone", "decision", false);
    reply_to(o, "parent/1", "BDone", "kid", true);
    EXPECT(o,
           "parent ReplyIgnored decision (unknown-step); parent ReplyIgnored kid (unknown-step)");
    reply_to(o, "parent/1", "BDone", "", false); /* by its type alone */
    EXPECT(o, "parent StepSucceeded b; parent SagaCompleted");
    deliver(o);
}

static void open_waits_are_paused_and_resumed_with_the_saga(void **state)
{
    struct office *o = waiting(state, "parent/1");
    deliver(o);
    say(o, "parent/1", SAGA_VERB_PAUSE);
    saga_buffer_init(&o->told, &o->arena);
    event_came(o, ENTRY, "e1", "{}");
    deliver(o); /* it is taken, but nothing is sent */
    EXPECT(o, "parent EventKept; parent EventOffered decision; parent StepSucceeded decision; "
              "parent WaiterRemoved (taken); parent EventTaken");
    say(o, "parent/1", SAGA_VERB_RESUME);
    EXPECT(o, "parent SagaUnpaused; parent StepSent b");
}

/* Catches an event that two sagas take: the one that gave up meanwhile, and waits again, and the one that it went to. */
static void a_retry_waits_anew(void **state)
{
    struct office *o = *state;
    deploy(o, BEHIND_THE_PIVOT "  - await: decision\n    topic: decisions\n    event: Decided\n"
                               "    match: .loan\n    with: .input.loan\n    timeout: 1h\n");
    for (int i = 1; i <= 2; i++) {
        const char *id = i == 1 ? "parent/1" : "parent/2";
        start(o, id, "{\"loan\":\"L-1\"}");
        reply_to(o, id, "VDone", "v", false);
        deliver(o);
    }
    event_came(o, ENTRY, "e1", "{}");     /* sent to parent/1 ... */
    ring(o, "parent/1", "step/decision"); /* ... which has given up, and is stuck */
    say(o, "parent/1", SAGA_VERB_RETRY);
    deliver(o);
    assert_int_equal(state_of(o, "parent/1")->status, SAGA_RUNNING);
    assert_int_equal(state_of(o, "parent/2")->status, SAGA_COMPLETED);
    event_came(o, ENTRY, "e2", "{}");
    deliver(o);
    assert_int_equal(state_of(o, "parent/1")->status, SAGA_COMPLETED);
    assert_int_equal(state_of(o, ENTRY)->waiter_count, 0);
}

/* ---- more than an entry holds ---- */

/* Waiters of half the size again and again, until not even the smallest fits. */
static void fill_with_waiters(struct office *o)
{
    static char step[SAGA_STATE_BYTES_MAX];
    memset(step, 's', sizeof step);
    for (size_t size = sizeof step / 2; size > 0; size /= 2)
        decide(o, SAGA_SLICE(ENTRY),
               (struct saga_event){ .kind = SAGA_EVENT_NOTE,
                                    .note = SAGA_NOTE_AWAIT_OPEN,
                                    .target = SAGA_SLICE(ENTRY),
                                    .from_id = SAGA_SLICE("other/1"),
                                    .from_run = SAGA_SLICE("r"),
                                    .from_step = { step, size } });
    assert_true(state_of(o, ENTRY)->waiter_count > 1);
    o->first = o->last; /* other/1 is of no interest */
}

/* Catches a saga that waits for ever, because nobody told it that its entry knows nothing of it; and on-timeout's blocks as
 * the answer to something else. */
static void who_cannot_wait_hears_of_it(void **state)
{
    struct office *o = *state;
    fill_with_waiters(o);
    deploy(o, AWAITS "    on-timeout: [{ set: { late: 'true' } }]\n" THEN);
    waiting(state, "parent/1");
    deliver(o);
    EXPECT(o, "parent NoteIgnored (over-a-limit); parent StepFailed decision; "
              "parent CompensationStarted decision; parent CompensationSent a");
    assert_true(saga_slice_is(state_of(o, "parent/1")->error.type, "TooManyWait"));
    reply_to(o, "parent/1", "Undone", "a", true);
    deliver(o);
    assert_int_equal(state_of(o, "parent/1")->status, SAGA_COMPENSATED);
}

static void an_event_without_room_says_so(void **state)
{
    static char body[SAGA_STATE_BYTES_MAX + 3];
    struct office *o = *state;
    memset(body, 'x', sizeof body - 1);
    body[0] = body[sizeof body - 2] = '"';
    event_came(o, ENTRY, "e1", body);
    EXPECT(o, "parent EntryStarted; parent NoteIgnored (over-a-limit); parent SagaForgotten");
}

/* ---- what comes from outside ---- */

static int open_note(struct office *o, const char *note, const char *to)
{
    struct saga_header headers[] = {
        { SAGA_SLICE("saga_kind"), SAGA_SLICE("note") },
        { SAGA_SLICE("saga_note"), saga_slice_of(note) },
        { SAGA_SLICE("saga_to"), saga_slice_of(to) },
        { SAGA_SLICE("saga_from"), SAGA_SLICE("parent/1") },
        { SAGA_SLICE("saga_from_run"), SAGA_SLICE("r") },
    };
    struct saga_message message = { .topic = SAGA_SLICE("in"),
                                    .headers = headers,
                                    .header_count = sizeof headers / sizeof headers[0] };
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_event event;
    struct saga_slice id;
    return saga_note_open(&message, &o->arena, &id, &event, &diagnostic);
}

/* Catches a note by hand that would begin an entry under a saga's id, or a saga under an entry's. */
static void a_note_for_what_cannot_take_it_is_refused(void **state)
{
    struct office *o = *state;
    static const char *const to_entries[] = { "await-open", "await-close", "await-taken",
                                              "await-returned", "schedule-set" };
    static const char *const to_sagas[] = { "child-start",   "child-cancel", "child-compensate",
                                            "child-release", "child-ended",  "child-compensated",
                                            "child-refused", "await-match",  "schedule-start",
                                            "await-refused" };
    for (size_t i = 0; i < sizeof to_entries / sizeof to_entries[0]; i++) {
        assert_int_equal(open_note(o, to_entries[i], "parent/1"), SAGA_E_INVALID);
        assert_int_equal(open_note(o, to_entries[i], ENTRY), SAGA_OK);
    }
    for (size_t i = 0; i < sizeof to_sagas / sizeof to_sagas[0]; i++) {
        assert_int_equal(open_note(o, to_sagas[i], "parent/1"), SAGA_OK);
        assert_int_equal(open_note(o, to_sagas[i], ENTRY), SAGA_E_INVALID);
    }
    assert_int_equal(open_note(o, "await-event", ENTRY), SAGA_E_INVALID); /* only by its topic */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTES_TEST(a_retry_waits_anew),
        NOTES_TEST(who_cannot_wait_hears_of_it),
        NOTES_TEST(an_event_without_room_says_so),
        NOTES_TEST(a_retry_lets_go_of_the_child_before),
        NOTES_TEST(what_was_skipped_takes_no_replies),
        NOTES_TEST(open_waits_are_paused_and_resumed_with_the_saga),
        NOTES_TEST(a_note_for_what_cannot_take_it_is_refused),
    };
    return cmocka_run_group_tests_name("engine: notes and trouble", tests, NULL, NULL);
}
