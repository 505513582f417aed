/* What the tests of awaited events and child sagas share. A post office holds every saga and entry, and brings each note to
 * whom it is for, through the codec as the inbox would. */
#ifndef SAGA_TESTS_UNIT_ENGINE_OFFICE_H
#define SAGA_TESTS_UNIT_ENGINE_OFFICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "codec/codec.h"
#include "codec/message.h"
#include "engine/engine.h"
#include "engine/fits.h"

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

static inline int set_up(void **state)
{
    static struct office office;
    office = (struct office){ .time_ms = 1000000 };
    saga_arena_init(&office.arena);
    saga_buffer_init(&office.told, &office.arena);
    assert_int_equal(saga_codec_new(&office.codec), 0);
    *state = &office;
    return 0;
}

static inline int tear_down(void **state)
{
    struct office *o = *state;
    for (size_t i = 0; i < o->box_count; i++) saga_state_free(o->boxes[i].state);
    for (size_t i = 0; i < o->definition_count; i++) saga_definition_free(o->definitions[i]);
    saga_codec_free(o->codec);
    saga_arena_free(&o->arena);
    return 0;
}

static inline void deploy(struct office *o, const char *yaml)
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

static inline const struct saga_definition *definition_of(struct office *o, struct saga_slice id)
{
    struct saga_slice name, key;
    assert_int_equal(saga_id_parse(id, &name, &key), 0);
    for (size_t i = 0; i < o->definition_count; i++)
        if (saga_slice_equal(o->definitions[i]->name, name)) return o->definitions[i];
    return NULL;
}

static inline struct box *box_of(struct office *o, struct saga_slice id)
{
    for (size_t i = 0; i < o->box_count; i++)
        if (saga_slice_is(id, o->boxes[i].id)) return &o->boxes[i];
    assert_true(o->box_count < BOXES_MAX);
    o->boxes[o->box_count] = (struct box){ saga_arena_string(&o->arena, id), saga_state_new() };
    return &o->boxes[o->box_count++];
}

static inline const struct saga_state *state_of(struct office *o, const char *id)
{
    return box_of(o, saga_slice_of(id))->state;
}

/* What is worth telling of a fact. */
static inline void tell(struct office *o, const struct saga_state *state,
                        const struct saga_fact *fact)
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
static inline void decide(struct office *o, struct saga_slice id, struct saga_event event)
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
    saga_evolve_begin(replayed, &event);
    for (size_t i = 0; i < facts.count; i++)
        assert_int_equal(saga_evolve(replayed, &facts.items[i]), 0);
    assert_int_equal(saga_state_encode(o->codec, box->state, &o->arena, &one), 0);
    assert_int_equal(saga_state_encode(o->codec, replayed, &o->arena, &other), 0);
    assert_true(saga_slice_equal(one, other));
    assert_int_equal(saga_state_encode(o->codec, copy, &o->arena, &other), 0);
    assert_true(saga_slice_equal(one, other));
    saga_state_free(copy);
    saga_state_free(replayed);
    struct saga_diagnostic misfit = { 0 };
    if (!box->state->forgotten && !saga_state_fits(box->state, definition, &o->arena, &misfit))
        fail_msg("%.*s", SAGA_SLICE_ARG(misfit.what));
    for (size_t i = 0; i < facts.count; i++) {
        tell(o, box->state, &facts.items[i]);
        if (facts.items[i].kind != SAGA_FACT_NOTE_SENT) continue;
        assert_true(o->last < NOTES_MAX);
        saga_note_message(SAGA_SLICE("in"), LANES, &facts.items[i], box->state, &o->arena,
                          &o->notes[o->last++]);
    }
}

static inline void deliver_one(struct office *o)
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

static inline void deliver(struct office *o)
{
    while (o->first < o->last) deliver_one(o);
}

static inline void start(struct office *o, const char *id, const char *body)
{
    decide(o, saga_slice_of(id),
           (struct saga_event){ .kind = SAGA_EVENT_START,
                                .type = SAGA_SLICE("Go"),
                                .key = saga_slice_of(strchr(id, '/') + 1),
                                .body = saga_slice_of(body) });
}

static inline void reply_to(struct office *o, const char *id, const char *type, const char *step,
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

static inline void ring(struct office *o, const char *id, const char *name)
{
    const struct saga_timer *timer = saga_state_timer(state_of(o, id), saga_slice_of(name));
    if (!timer) fail_msg("%s has no timer %s", id, name);
    if (timer->due_ms > o->time_ms) o->time_ms = timer->due_ms;
    decide(o, saga_slice_of(id),
           (struct saga_event){
               .kind = SAGA_EVENT_TIMER, .timer = saga_slice_of(name), .armed = timer->armed });
}

static inline void cancel(struct office *o, const char *id)
{
    decide(o, saga_slice_of(id),
           (struct saga_event){ .kind = SAGA_EVENT_OPERATOR,
                                .verb = SAGA_VERB_CANCEL,
                                .who = SAGA_SLICE("ada"),
                                .reason = SAGA_SLICE("because") });
}

/* An event of the outside, with an id. */
static inline void event_came(struct office *o, const char *entry, const char *event_id,
                              const char *body)
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

static inline void expect_at(struct office *o, const char *expected, const char *file, int line)
{
    struct saga_slice told = saga_buffer_slice(&o->told);
    bool same = saga_slice_is(told, expected);
    if (!same) print_error("decided:  %.*s\nexpected: %s\n", SAGA_SLICE_ARG(told), expected);
    saga_buffer_init(&o->told, &o->arena);
    if (!same) _fail(file, line);
}
#define EXPECT(o, words) expect_at((o), (words), __FILE__, __LINE__)

/* ---- a saga that waits, a parent with its child ---- */

#define ENTRY "parent~decisions~Decided/L-1"
#define AWAITS                                                                                     \
    PARENT                                                                                         \
    "  - { step: a, send: p/A, success: ADone, failure: ANo, compensate: { send: p/UndoA } "       \
    "}\n"                                                                                          \
    "  - await: decision\n    topic: decisions\n    event: Decided\n    match: .loan\n"            \
    "    with: .input.loan\n    timeout: 1h\n    keep-early: 1h\n"
#define THEN "  - { step: b, send: p/B, success: BDone, compensate: none }\n"

static inline struct office *waiting(void **state, const char *id)
{
    struct office *o = *state;
    if (o->definition_count == 0) deploy(o, AWAITS THEN);
    start(o, id, "{\"loan\":\"L-1\"}");
    reply_to(o, id, "ADone", "a", false);
    saga_buffer_init(&o->told, &o->arena);
    return o;
}

#define ASKS                                                                                       \
    PARENT "  - { saga: child, as: kid, key: .input.kid, input: '{k: .input.kid, n: 1}' }\n"       \
           "  - { step: b, send: p/B, success: BDone, failure: BNo, compensate: none }\n"
#define WORKS                                                                                      \
    CHILD "steps:\n  - { step: x, send: p/X, success: XDone, failure: XNo,\n"                      \
          "      compensate: { send: p/UndoX } }\n"                                                \
          "on-completed: { publish: e/Grown, body: '{n: .input.n}' }\n"

static inline struct office *family(void **state, const char *child)
{
    struct office *o = *state;
    deploy(o, ASKS);
    deploy(o, child);
    start(o, "parent/1", "{\"kid\":\"K\"}");
    deliver(o);
    EXPECT(o, "parent SagaStarted; parent ChildStarted kid; child SagaStarted; child StepSent x");
    return o;
}

static inline void say(struct office *o, const char *id, enum saga_verb verb)
{
    decide(o, saga_slice_of(id),
           (struct saga_event){ .kind = SAGA_EVENT_OPERATOR,
                                .verb = verb,
                                .who = SAGA_SLICE("ada"),
                                .reason = SAGA_SLICE("because") });
}

#define NOTES_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
