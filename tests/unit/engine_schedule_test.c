/* Entries of schedules: one run a tick, whatever else happens. Each decision is made twice and replayed from its facts,
 * and each note goes through the codec as it would through the inbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/time.h"
#include "codec/codec.h"
#include "codec/message.h"
#include "engine/engine.h"

#define HEAD(version)                                                                              \
    "saga: report\nversion: " version "\nparticipants: { p: { commands: c, replies: r } }\n"
#define STEPS "steps:\n  - { step: s, send: p/S, success: Done, compensate: none }\n"
#define HOURLY HEAD("1") "start: { every: 1h }\n" STEPS

struct world {
    struct saga_arena arena;
    struct saga_codec *codec;
    struct saga_definition *definitions[8]; /* the newest last */
    size_t definition_count;
    struct saga_state *entry;
    struct saga_buffer told;
    struct saga_message starts[64];
    size_t start_count;
    int64_t time_ms, offset;
};

static int64_t ms(const char *text)
{
    int64_t time_ms;
    assert_int_equal(saga_time_parse(saga_slice_of(text), &time_ms), 0);
    return time_ms;
}

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){ .time_ms = ms("2030-01-01T06:30:00Z"), .entry = saga_state_new() };
    saga_arena_init(&world.arena);
    saga_buffer_init(&world.told, &world.arena);
    assert_int_equal(saga_codec_new(&world.codec), 0);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    saga_state_free(w->entry);
    for (size_t i = 0; i < w->definition_count; i++) saga_definition_free(w->definitions[i]);
    saga_codec_free(w->codec);
    saga_arena_free(&w->arena);
    return 0;
}

static struct saga_definition *load(struct world *w, const char *yaml)
{
    struct saga_diagnostics findings;
    struct saga_definition **place = &w->definitions[w->definition_count++];
    saga_diagnostics_init(&findings, &w->arena);
    if (saga_definition_load(saga_slice_of(yaml), "x", &findings, place) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("it does not load");
    }
    return *place;
}

static void tell(struct world *w, const struct saga_fact *fact)
{
    char due[SAGA_TIME_TEXT_BYTES];
    saga_buffer_printf(&w->told, "%s%s", w->told.size ? "; " : "",
                       saga_fact_types[fact->kind].name);
    if (fact->kind == SAGA_FACT_SCHEDULE_TICKED)
        saga_buffer_printf(&w->told, " %.*s", SAGA_SLICE_ARG(fact->text));
    if (fact->reason.size) saga_buffer_printf(&w->told, " %.*s", SAGA_SLICE_ARG(fact->reason));
    if (fact->total) saga_buffer_printf(&w->told, " missed %u", fact->total);
    if (fact->due_ms) {
        saga_time_format(fact->due_ms, due);
        saga_buffer_printf(&w->told, " next %.16s", due);
    }
}

static void check_same(struct world *w, const struct saga_state *state)
{
    struct saga_slice one, other;
    assert_int_equal(saga_state_encode(w->codec, w->entry, &w->arena, &one), 0);
    assert_int_equal(saga_state_encode(w->codec, state, &w->arena, &other), 0);
    assert_true(saga_slice_equal(one, other));
}

static void decide(struct world *w, const struct saga_definition *definition,
                   struct saga_event event)
{
    struct saga_facts facts = { 0 }, again = { 0 };
    event.time_ms = w->time_ms;
    event.source = (struct saga_position){ SAGA_SLICE("in"), 0, w->offset++ };
    if (w->entry->forgotten) {
        saga_state_free(w->entry);
        w->entry = saga_state_new();
    }
    struct saga_state *copy = saga_state_clone(w->entry), *replayed = saga_state_clone(w->entry);
    saga_decide(definition, w->entry, &event, &w->arena, &facts);
    saga_decide(definition, copy, &event, &w->arena, &again);
    saga_evolve_begin(replayed, &event);
    for (size_t i = 0; i < facts.count; i++)
        assert_int_equal(saga_evolve(replayed, &facts.items[i]), 0);
    check_same(w, copy);
    check_same(w, replayed);
    saga_state_free(copy);
    saga_state_free(replayed);
    for (size_t i = 0; i < facts.count; i++) {
        if (facts.items[i].kind != SAGA_FACT_NOTE_SENT) {
            tell(w, &facts.items[i]);
            continue;
        }
        assert_true(w->start_count < sizeof w->starts / sizeof w->starts[0]);
        saga_note_message(SAGA_SLICE("in"), 4, &facts.items[i], w->entry, &w->arena,
                          &w->starts[w->start_count++]);
    }
}

static void deploy(struct world *w, const struct saga_definition *definition)
{
    struct saga_message message;
    struct saga_event event;
    struct saga_slice id;
    struct saga_diagnostic diagnostic = { 0 };
    saga_schedule_message(SAGA_SLICE("in"), 4, definition->name, definition->version,
                          SAGA_SLICE("deploy-1"), &w->arena, &message);
    if (saga_note_open(&message, &w->arena, &id, &event, &diagnostic) < 0)
        fail_msg("%.*s", SAGA_SLICE_ARG(diagnostic.what));
    assert_true(saga_slice_is(id, "report~schedule/report"));
    decide(w, definition, event);
}

static void ring(struct world *w, const struct saga_definition *definition, const char *at)
{
    const struct saga_timer *timer = saga_state_timer(w->entry, SAGA_SLICE("tick"));
    assert_non_null(timer);
    w->time_ms = ms(at);
    decide(w, definition,
           (struct saga_event){
               .kind = SAGA_EVENT_TIMER, .timer = SAGA_SLICE("tick"), .armed = timer->armed });
}

static void expect(struct world *w, const char *told)
{
    struct saga_slice got = saga_buffer_slice(&w->told);
    if (!saga_slice_is(got, told)) fail_msg("\n  %.*s, not\n  %s", SAGA_SLICE_ARG(got), told);
    w->told.size = 0;
}

static void test_tick(void **state)
{
    struct world *w = *state;
    struct saga_definition *d = load(w, HOURLY);
    deploy(w, d);
    expect(w, "EntryStarted; ScheduleSet next 2030-01-01T07:00");
    ring(w, d, "2030-01-01T07:00:00.020Z");
    expect(w, "ScheduleTicked 2030-01-01T07:00:00Z started next 2030-01-01T08:00");
    ring(w, d, "2030-01-01T08:00:00Z");
    expect(w, "ScheduleTicked 2030-01-01T08:00:00Z started next 2030-01-01T09:00");
    assert_int_equal(w->start_count, 2);
}

/* What a tick sends begins a saga that is nobody's child, and twice is once. */
static void test_start(void **state)
{
    struct world *w = *state;
    struct saga_definition *d = load(w, HOURLY);
    struct saga_event event;
    struct saga_slice id;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_facts facts = { 0 }, second = { 0 };
    struct saga_state *saga = saga_state_new();
    deploy(w, d);
    ring(w, d, "2030-01-01T07:00:00Z");
    assert_int_equal(w->start_count, 1);
    assert_int_equal(saga_note_open(&w->starts[0], &w->arena, &id, &event, &diagnostic), 0);
    assert_true(saga_slice_is(id, "report/2030-01-01T07:00:00Z"));
    event.time_ms = w->time_ms;
    saga_decide(d, saga, &event, &w->arena, &facts);
    assert_true(saga_slice_is(saga->key, "2030-01-01T07:00:00Z"));
    assert_true(saga_slice_is(saga->input, "{\"tick\":\"2030-01-01T07:00:00Z\"}"));
    assert_int_equal(saga->parent_id.size, 0);
    assert_int_equal(saga->status, SAGA_RUNNING);
    saga_decide(d, saga, &event, &w->arena, &second);
    assert_int_equal(second.count, 1);
    assert_int_equal(second.items[0].kind, SAGA_FACT_START_IGNORED);
    saga_state_free(saga);
}

static void test_missed(void **state)
{
    struct world *w = *state;
    struct saga_definition *once = load(w, HOURLY);
    deploy(w, once);
    w->told.size = 0;
    ring(w, once, "2030-01-01T11:20:00Z"); /* 7, 8, 9, 10, 11: one run for the newest */
    expect(w, "ScheduleTicked 2030-01-01T11:00:00Z started missed 4 next 2030-01-01T12:00");
    ring(w, once, "2031-01-01T00:30:00Z");
    expect(w, "ScheduleTicked 2031-01-01T00:00:00Z started missed 1000 next 2031-01-01T01:00");
    assert_int_equal(w->start_count, 2);
}

static void test_skipped(void **state)
{
    struct world *w = *state;
    struct saga_definition *skip =
        load(w, HEAD("1") "start: { cron: 0 * * * *, missed: skip }\n" STEPS);
    deploy(w, skip);
    w->told.size = 0;
    ring(w, skip, "2030-01-01T11:20:00Z");
    expect(w, "ScheduleTicked 2030-01-01T11:00:00Z skipped missed 5 next 2030-01-01T12:00");
    assert_int_equal(w->start_count, 0);
    /* those before it were missed, it itself is not: a coordinator took over within a minute */
    ring(w, skip, "2030-01-01T14:01:00Z");
    expect(w, "ScheduleTicked 2030-01-01T14:00:00Z started missed 2 next 2030-01-01T15:00");
    ring(w, skip, "2030-01-01T15:01:00.001Z");
    expect(w, "ScheduleTicked 2030-01-01T15:00:00Z skipped missed 1 next 2030-01-01T16:00");
    assert_int_equal(w->start_count, 1);
}

/* Two schedules that tick at the same time start one run; each misses by its own rule. */
static void test_several(void **state)
{
    struct world *w = *state;
    struct saga_definition *d =
        load(w, HEAD("1") "start:\n  - { topic: t, event: Go, key: .k }\n  - { every: 1h, missed: "
                          "skip }\n  - { cron: '0,30 8 * * *' }\n" STEPS);
    deploy(w, d);
    expect(w, "EntryStarted; ScheduleSet next 2030-01-01T07:00");
    ring(w, d, "2030-01-01T07:00:00Z");
    ring(w, d, "2030-01-01T08:00:00Z");
    expect(w, "ScheduleTicked 2030-01-01T07:00:00Z started next 2030-01-01T08:00; "
              "ScheduleTicked 2030-01-01T08:00:00Z started next 2030-01-01T08:30");
    assert_int_equal(w->start_count, 2);
    ring(w, d, "2030-01-01T10:45:00Z");
    expect(w, "ScheduleTicked 2030-01-01T08:30:00Z started missed 2 next 2030-01-01T11:00; "
              "ScheduleTicked 2030-01-01T10:00:00Z skipped next 2030-01-01T11:00");
    assert_int_equal(w->start_count, 3);
}

static void test_versions(void **state)
{
    struct world *w = *state;
    struct saga_definition *one = load(w, HOURLY);
    struct saga_definition *two = load(w, HEAD("2") "start: { every: 30m }\n" STEPS);
    struct saga_definition *three =
        load(w, HEAD("3") "start: { topic: t, event: G, key: .k }\n" STEPS);
    struct saga_definition *four = load(w, HEAD("4") "start: { every: 2h }\n" STEPS);
    deploy(w, one);
    deploy(w, one);
    expect(w, "EntryStarted; ScheduleSet next 2030-01-01T07:00; NoteIgnored unchanged");
    deploy(w, two);
    expect(w, "ScheduleSet next 2030-01-01T07:00");
    deploy(w, one);
    expect(w, "NoteIgnored older");
    assert_int_equal(w->entry->version, 2);
    assert_true(saga_slice_is(w->entry->sha256, two->sha256));
    deploy(w, three);
    deploy(w, three);
    deploy(w, two);
    expect(w, "ScheduleEnded; NoteIgnored unchanged; NoteIgnored older");
    assert_null(saga_state_timer(w->entry, SAGA_SLICE("tick")));
    deploy(w, four);
    expect(w, "ScheduleSet next 2030-01-01T08:00");
}

/* A version comes into force when a tick is due that has not rung yet. */
static void test_changed_while_due(void **state)
{
    struct world *w = *state;
    struct saga_definition *one = load(w, HOURLY);
    struct saga_definition *two = load(w, HEAD("2") "start: { every: 1h }\nkeep: 1h\n" STEPS);
    deploy(w, one);
    const struct saga_timer *timer = saga_state_timer(w->entry, SAGA_SLICE("tick"));
    uint64_t old = timer->armed;
    w->time_ms = ms("2030-01-01T07:00:00.500Z");
    deploy(w, two);
    decide(
        w, two,
        (struct saga_event){ .kind = SAGA_EVENT_TIMER, .timer = SAGA_SLICE("tick"), .armed = old });
    ring(w, two, "2030-01-01T07:00:00.700Z");
    expect(w, "EntryStarted; ScheduleSet next 2030-01-01T07:00; ScheduleSet next 2030-01-01T07:00; "
              "TimerIgnored stale; ScheduleTicked 2030-01-01T07:00:00Z started next "
              "2030-01-01T08:00");
    assert_int_equal(w->start_count, 1);
}

/* The newest version has no schedule, and is told before the one that has. */
static void test_ended_before_it_began(void **state)
{
    struct world *w = *state;
    struct saga_definition *one = load(w, HOURLY);
    struct saga_definition *two =
        load(w, HEAD("2") "start: { topic: t, event: G, key: .k }\n" STEPS);
    deploy(w, two);
    deploy(w, one);
    expect(w, "EntryStarted; ScheduleEnded; NoteIgnored older");
    assert_null(saga_state_timer(w->entry, SAGA_SLICE("tick")));
}

/* What says no version that could be had leaves no entry. */
static void test_never_scheduled(void **state)
{
    struct world *w = *state;
    struct saga_message message;
    struct saga_event event;
    struct saga_slice id;
    struct saga_diagnostic diagnostic = { 0 };
    saga_schedule_message(SAGA_SLICE("in"), 4, SAGA_SLICE("report"), 1, SAGA_SLICE("deploy-1"),
                          &w->arena, &message);
    assert_int_equal(saga_note_open(&message, &w->arena, &id, &event, &diagnostic), 0);
    decide(w, NULL, event);
    expect(w, "EntryStarted; NoteIgnored no-definition; SagaForgotten");
}

static void ring_again(struct world *w, const struct saga_definition *definition, const char *at)
{
    const struct saga_timer *timer = saga_state_timer(w->entry, SAGA_SLICE("again"));
    assert_non_null(timer);
    w->time_ms = ms(at);
    decide(w, definition,
           (struct saga_event){
               .kind = SAGA_EVENT_TIMER, .timer = SAGA_SLICE("again"), .armed = timer->armed });
}

/* R19: the definition is gone, and comes back by itself: the tick was not forgotten. */
static void test_definition_back(void **state)
{
    struct world *w = *state;
    struct saga_definition *d = load(w, HOURLY);
    deploy(w, d);
    w->told.size = 0;
    ring(w, NULL, "2030-01-01T07:00:00Z");
    expect(w, "TimerHeld; TimerArmed next 2030-01-01T07:01; TimerIgnored no-definition");
    ring_again(w, NULL, "2030-01-01T07:01:00Z");
    expect(w, "TimerArmed next 2030-01-01T07:02; TimerIgnored no-definition");
    ring_again(w, d, "2030-01-01T08:02:00Z");
    expect(w, "ScheduleTicked 2030-01-01T08:00:00Z started missed 1 next 2030-01-01T09:00");
    assert_null(saga_state_timer(w->entry, SAGA_SLICE("again")));
    ring(w, d, "2030-01-01T09:00:00Z");
    expect(w, "ScheduleTicked 2030-01-01T09:00:00Z started next 2030-01-01T10:00");
}

/* The same; a deploy brings it back. */
static void test_definition_gone(void **state)
{
    struct world *w = *state;
    struct saga_definition *d = load(w, HOURLY);
    deploy(w, d);
    w->told.size = 0;
    ring(w, NULL, "2030-01-01T07:00:00Z");
    expect(w, "TimerHeld; TimerArmed next 2030-01-01T07:01; TimerIgnored no-definition");
    w->time_ms = ms("2030-01-01T07:10:00Z");
    deploy(w, d);
    expect(w, "ScheduleSet next 2030-01-01T07:00");
    ring(w, d, "2030-01-01T07:10:01Z");
    expect(w, "ScheduleTicked 2030-01-01T07:00:00Z started next 2030-01-01T08:00");
}

/* Another coordinator has armed it by another version of the zone database: for this one there is no such tick. */
static void test_no_such_tick(void **state)
{
    struct world *w = *state;
    struct saga_definition *armed = load(w, HOURLY);
    struct saga_definition *mine = load(w, HEAD("1") "start: { cron: 15 * * * * }\n" STEPS);
    deploy(w, armed);
    w->told.size = 0;
    ring(w, mine, "2030-01-01T07:00:00Z");
    expect(w, "ScheduleSet next 2030-01-01T07:15");
    assert_int_equal(w->start_count, 0);
}

static void test_operator(void **state)
{
    struct world *w = *state;
    struct saga_definition *d = load(w, HOURLY);
    deploy(w, d);
    w->told.size = 0;
    decide(w, d, (struct saga_event){ .kind = SAGA_EVENT_OPERATOR, .verb = SAGA_VERB_CANCEL });
    expect(w, "OperatorRefused no-saga");
    assert_non_null(saga_state_timer(w->entry, SAGA_SLICE("tick")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_tick),
        TEST(test_start),
        TEST(test_missed),
        TEST(test_skipped),
        TEST(test_several),
        TEST(test_versions),
        TEST(test_changed_while_due),
        TEST(test_ended_before_it_began),
        TEST(test_never_scheduled),
        TEST(test_definition_gone),
        TEST(test_operator),
        TEST(test_no_such_tick),
        TEST(test_definition_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
