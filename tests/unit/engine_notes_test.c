/* Sagas that tell each other something: awaited events (R21) and child sagas (R22). A post office holds every saga and
 * entry, and brings each note to whom it is for, through the codec as the inbox would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "codec/codec.h"
#include "codec/message.h"
#include "engine/engine.h"

enum { BOXES_MAX = 16, NOTES_MAX = 256, LANES = 4 };

struct box {
    const char *id;
    struct saga_state *state;
};

struct office {
    struct saga_arena arena;
    struct saga_codec *codec;
    struct saga_definition *definitions[4];
    size_t definition_count;
    struct box boxes[BOXES_MAX];
    size_t box_count;
    struct saga_message notes[NOTES_MAX];
    size_t first, last; /* those that are still to be delivered */
    struct saga_buffer told;
    int64_t time_ms, offset;
};

#define PARENT                                                                                     \
    "saga: parent\nversion: 1\nparticipants: { p: { commands: c, replies: r } }\n"                 \
    "start: { topic: t, event: Go, key: .k }\nsteps:\n"
#define CHILD                                                                                      \
    "saga: child\nversion: 1\nparticipants: { p: { commands: c, replies: r } }\n"                  \
    "start: { topic: u, event: GoChild, key: .k }\n"

static int set_up(void **state)
{
    static struct office office;
    office = (struct office){ .time_ms = 1000000 };
    saga_arena_init(&office.arena);
    saga_buffer_init(&office.told, &office.arena);
    assert_int_equal(saga_codec_new(&office.codec), 0);
    *state = &office;
    return 0;
}

static int tear_down(void **state)
{
    struct office *o = *state;
    for (size_t i = 0; i < o->box_count; i++) saga_state_free(o->boxes[i].state);
    for (size_t i = 0; i < o->definition_count; i++) saga_definition_free(o->definitions[i]);
    saga_codec_free(o->codec);
    saga_arena_free(&o->arena);
    return 0;
}

static void deploy(struct office *o, const char *yaml)
{
    struct saga_diagnostics findings;
    saga_diagnostics_init(&findings, &o->arena);
    if (saga_definition_load(saga_slice_of(yaml), "x", &findings,
                             &o->definitions[o->definition_count]) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("it does not load");
    }
    o->definition_count++;
}

static const struct saga_definition *definition_of(struct office *o, struct saga_slice id)
{
    struct saga_slice name, key;
    assert_int_equal(saga_id_parse(id, &name, &key), 0);
    for (size_t i = 0; i < o->definition_count; i++)
        if (saga_slice_equal(o->definitions[i]->name, name)) return o->definitions[i];
    return NULL;
}

static struct box *box_of(struct office *o, struct saga_slice id)
{
    for (size_t i = 0; i < o->box_count; i++)
        if (saga_slice_is(id, o->boxes[i].id)) return &o->boxes[i];
    assert_true(o->box_count < BOXES_MAX);
    o->boxes[o->box_count] = (struct box){ saga_arena_string(&o->arena, id), saga_state_new() };
    return &o->boxes[o->box_count++];
}

static const struct saga_state *state_of(struct office *o, const char *id)
{
    return box_of(o, saga_slice_of(id))->state;
}

/* What is worth telling of a fact. */
static void tell(struct office *o, const struct saga_state *state, const struct saga_fact *fact)
{
    if (fact->kind == SAGA_FACT_BRANCH_ENDED || fact->kind == SAGA_FACT_NOTE_SENT) return;
    saga_buffer_printf(&o->told, "%s%.*s %s", o->told.size ? "; " : "",
                       (int)(strcspn(state->id.data ? state->id.data : "", "~/")), state->id.data,
                       saga_fact_types[fact->kind].name);
    if (fact->step.size && fact->kind != SAGA_FACT_WAITER_REMOVED)
        saga_buffer_printf(&o->told, " %.*s", SAGA_SLICE_ARG(fact->step));
    if (fact->reason.size) saga_buffer_printf(&o->told, " (%.*s)", SAGA_SLICE_ARG(fact->reason));
}

/* Decides; the facts alone must give the same state, and deciding again the same bytes. */
static void decide(struct office *o, struct saga_slice id, struct saga_event event)
{
    struct box *box = box_of(o, id);
    struct saga_facts facts = { 0 }, again = { 0 };
    struct saga_slice one, other;
    if (box->state->forgotten) {
        saga_state_free(box->state);
        box->state = saga_state_new();
    }
    if (box->state->status == SAGA_STATUS_NONE && !saga_event_begins(&event)) fail_msg("nobody");
    event.time_ms = o->time_ms;
    event.source = (struct saga_position){ SAGA_SLICE("in"), 0, o->offset++ };
    struct saga_state *copy = saga_state_clone(box->state), *replayed = saga_state_clone(copy);
    const struct saga_definition *definition = saga_id_is_entry(id) ? NULL : definition_of(o, id);
    saga_decide(definition, box->state, &event, &o->arena, &facts);
    saga_decide(definition, copy, &event, &o->arena, &again);
    saga_evolve_begin(replayed, event.time_ms);
    for (size_t i = 0; i < facts.count; i++)
        assert_int_equal(saga_evolve(replayed, &facts.items[i]), 0);
    assert_int_equal(saga_state_encode(o->codec, box->state, &o->arena, &one), 0);
    assert_int_equal(saga_state_encode(o->codec, replayed, &o->arena, &other), 0);
    assert_true(saga_slice_equal(one, other));
    assert_int_equal(saga_state_encode(o->codec, copy, &o->arena, &other), 0);
    assert_true(saga_slice_equal(one, other));
    saga_state_free(copy);
    saga_state_free(replayed);
    for (size_t i = 0; i < facts.count; i++) {
        tell(o, box->state, &facts.items[i]);
        if (facts.items[i].kind != SAGA_FACT_NOTE_SENT) continue;
        assert_true(o->last < NOTES_MAX);
        saga_note_message(SAGA_SLICE("in"), LANES, &facts.items[i], box->state, &o->arena,
                          &o->notes[o->last++]);
    }
}

static void deliver_one(struct office *o)
{
    struct saga_event event;
    struct saga_slice id;
    struct saga_diagnostic diagnostic = { 0 };
    assert_true(o->first < o->last);
    struct saga_message note = o->notes[o->first++];
    if (saga_note_open(&note, &o->arena, &id, &event, &diagnostic) < 0)
        fail_msg("%.*s", SAGA_SLICE_ARG(diagnostic.what));
    decide(o, id, event);
}

static void deliver(struct office *o)
{
    while (o->first < o->last) deliver_one(o);
}

static void start(struct office *o, const char *id, const char *body)
{
    decide(o, saga_slice_of(id),
           (struct saga_event){ .kind = SAGA_EVENT_START,
                                .type = SAGA_SLICE("Go"),
                                .key = saga_slice_of(strchr(id, '/') + 1),
                                .body = saga_slice_of(body) });
}

static void reply_to(struct office *o, const char *id, const char *type, const char *step,
                     bool back)
{
    decide(o, saga_slice_of(id),
           (struct saga_event){ .kind = SAGA_EVENT_REPLY,
                                .type = saga_slice_of(type),
                                .run = state_of(o, id)->run,
                                .step = saga_slice_of(step),
                                .compensation = back,
                                .attempt = 1,
                                .body = SAGA_SLICE("{}") });
}

static void ring(struct office *o, const char *id, const char *name)
{
    const struct saga_timer *timer = saga_state_timer(state_of(o, id), saga_slice_of(name));
    if (!timer) fail_msg("%s has no timer %s", id, name);
    if (timer->due_ms > o->time_ms) o->time_ms = timer->due_ms;
    decide(o, saga_slice_of(id),
           (struct saga_event){
               .kind = SAGA_EVENT_TIMER, .timer = saga_slice_of(name), .armed = timer->armed });
}

static void cancel(struct office *o, const char *id)
{
    decide(o, saga_slice_of(id),
           (struct saga_event){ .kind = SAGA_EVENT_OPERATOR,
                                .verb = SAGA_VERB_CANCEL,
                                .who = SAGA_SLICE("ada"),
                                .reason = SAGA_SLICE("because") });
}

/* An event of the outside, with an id. */
static void event_came(struct office *o, const char *entry, const char *event_id, const char *body)
{
    decide(o, saga_slice_of(entry),
           (struct saga_event){ .kind = SAGA_EVENT_NOTE,
                                .note = SAGA_NOTE_AWAIT_EVENT,
                                .target = saga_slice_of(entry),
                                .type = SAGA_SLICE("Decided"),
                                .id = saga_slice_of(event_id),
                                .keep_ms = 3600000,
                                .body = saga_slice_of(body) });
}

static void expect_at(struct office *o, const char *expected, const char *file, int line)
{
    struct saga_slice told = saga_buffer_slice(&o->told);
    bool same = saga_slice_is(told, expected);
    if (!same) print_error("decided:  %.*s\nexpected: %s\n", SAGA_SLICE_ARG(told), expected);
    saga_buffer_init(&o->told, &o->arena);
    if (!same) _fail(file, line);
}
#define EXPECT(o, words) expect_at((o), (words), __FILE__, __LINE__)

/* ---- awaited events ---- */

#define ENTRY "parent~decisions~Decided/L-1"
#define AWAITS                                                                                     \
    PARENT                                                                                         \
    "  - { step: a, send: p/A, success: ADone, failure: ANo, compensate: { send: p/UndoA } "       \
    "}\n"                                                                                          \
    "  - await: decision\n    topic: decisions\n    event: Decided\n    match: .loan\n"            \
    "    with: .input.loan\n    timeout: 1h\n    keep-early: 1h\n"
#define THEN "  - { step: b, send: p/B, success: BDone, compensate: none }\n"

static struct office *waiting(void **state, const char *id)
{
    struct office *o = *state;
    if (o->definition_count == 0) deploy(o, AWAITS THEN);
    start(o, id, "{\"loan\":\"L-1\"}");
    reply_to(o, id, "ADone", "a", false);
    saga_buffer_init(&o->told, &o->arena);
    return o;
}

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

#define ASKS                                                                                       \
    PARENT "  - { saga: child, as: kid, key: .input.kid, input: '{k: .input.kid, n: 1}' }\n"       \
           "  - { step: b, send: p/B, success: BDone, failure: BNo, compensate: none }\n"
#define WORKS                                                                                      \
    CHILD "steps:\n  - { step: x, send: p/X, success: XDone, failure: XNo,\n"                      \
          "      compensate: { send: p/UndoX } }\n"                                                \
          "on-completed: { publish: e/Grown, body: '{n: .input.n}' }\n"

static struct office *family(void **state, const char *child)
{
    struct office *o = *state;
    deploy(o, ASKS);
    deploy(o, child);
    start(o, "parent/1", "{\"kid\":\"K\"}");
    deliver(o);
    EXPECT(o, "parent SagaStarted; parent ChildStarted kid; child SagaStarted; child StepSent x");
    return o;
}

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

#define NOTES_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

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
