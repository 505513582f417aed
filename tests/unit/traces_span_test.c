/* Spans of recorded facts: each story of a saga is told in tests/golden/spans/<name>.jsonl, a span a line as it is sent. Run with
 * SAGA_GOLDEN_UPDATE=1 to write them anew, then read what changed. What must hold of all of them is looked at beside. */
#include "unit/engine_world.h"

#include <stdlib.h>

#include "base/limits.h"
#include "codec/message.h"
#include "traces/otlp.h"

#define GOLDEN SAGA_SOURCE_DIR "/tests/golden/spans/"
#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "00-" TRACE "-b7ad6b7169203331-"
#define CATCHING                                                                                   \
    HEAD RETRY "steps:\n"                                                                          \
               "  - { step: a, send: p/A, success: ADone, failure: ANo, compensate: none }\n"

struct told {
    struct world *w;
    struct saga_spans *spans;
    uint64_t threshold;
};

/* The spans of what the world has decided last; `cause`: what of. */
static void note(struct told *t, struct saga_event cause)
{
    cause.time_ms = t->w->time_ms;
    saga_spans_add(t->spans, t->w->state, &cause, &t->w->facts, t->threshold);
    t->w->time_ms += 100;
}

static void begin(struct told *t, void **state, const char *yaml, const char *traceparent)
{
    *t = (struct told){ define(state, yaml), saga_spans_new(), SAGA_TRACE_ALL };
    struct saga_event event = { .kind = SAGA_EVENT_START,
                                .type = SAGA_SLICE("Go"),
                                .key = SAGA_SLICE("k/1"),
                                .traceparent = saga_slice_of(traceparent),
                                .body = SAGA_SLICE("{\"k\":\"k/1\",\"n\":7}") };
    decide(t->w, event);
    note(t, event);
}

static void answer(struct told *t, const char *type, const char *step, uint32_t attempt)
{
    struct saga_event event = a_reply(t->w, type, step, attempt, "{\"id\":\"i-1\"}");
    event.traceparent =
        SAGA_SLICE("00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01 vendor=1");
    decide(t->w, event);
    note(t, event);
}

static void answer_back(struct told *t, const char *type, const char *step, uint32_t attempt)
{
    struct saga_event event = a_reply(t->w, type, step, attempt, NULL);
    event.compensation = true;
    decide(t->w, event);
    note(t, event);
}

static void rings(struct told *t, const char *name)
{
    ring(t->w, name);
    note(t, (struct saga_event){ .kind = SAGA_EVENT_TIMER });
}

static void says(struct told *t, enum saga_verb verb, const char *as)
{
    say_as(t->w, verb, as);
    note(t, (struct saga_event){ .kind = SAGA_EVENT_OPERATOR });
}

/* ---- what must hold ---- */

static const struct saga_span *find(const struct told *t, struct saga_slice id)
{
    for (size_t i = 0; i < t->spans->count; i++)
        if (saga_slice_equal(id, (struct saga_slice){ t->spans->items[i].id.digits, 16 }))
            return &t->spans->items[i];
    return NULL;
}

/* Catches two spans of one id, a parent that is never sent, a child that began before its parent, and time that runs back. */
static void assert_sound(const struct told *t)
{
    for (size_t i = 0; i < t->spans->count; i++) {
        const struct saga_span *span = &t->spans->items[i];
        struct saga_slice id = { span->id.digits, sizeof span->id.digits };
        if (find(t, id) != span) fail_msg("%.*s has another's id", SAGA_SLICE_ARG(span->name));
        assert_true(span->start_ms <= span->end_ms && span->start_ms >= world_begin_ms);
        assert_true(saga_slice_equal(span->trace, t->w->state->trace));
        if (span->parent.size == 0 || span->parent_is_remote) continue;
        const struct saga_span *parent = find(t, span->parent);
        if (!parent) fail_msg("%.*s has no parent", SAGA_SLICE_ARG(span->name));
        assert_true(parent->start_ms <= span->start_ms);
    }
}

static struct saga_slice lines_of(struct told *t)
{
    struct saga_buffer out;
    saga_buffer_init(&out, &t->w->arena);
    for (size_t i = 0; i < t->spans->count; i++) {
        saga_otlp_add(&out, &t->spans->items[i], true);
        saga_buffer_add_char(&out, '\n');
    }
    return saga_buffer_slice(&out);
}

static void assert_golden(struct told *t, const char *name)
{
    char path[512], kept[65536];
    struct saga_slice told = lines_of(t);
    assert_sound(t);
    snprintf(path, sizeof path, "%s%s.jsonl", GOLDEN, name);
    if (getenv("SAGA_GOLDEN_UPDATE")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(told.data, 1, told.size, file), told.size);
        fclose(file);
    }
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(kept, 1, sizeof kept, file);
    fclose(file);
    if (!saga_slice_equal(told, (struct saga_slice){ kept, size }))
        fail_msg("%s is told otherwise:\n%.*s", name, SAGA_SLICE_ARG(told));
    saga_spans_free(t->spans);
}

/* ---- stories ---- */

static void a_saga_completes(void **state)
{
    struct told t;
    begin(&t, state, THREE, PARENT "01 vendor=x");
    answer(&t, "ADone", "a", 1);
    answer(&t, "BDone", "b", 1);
    answer(&t, "CDone", "c", 1);
    assert_golden(&t, "completes");
}

static void a_step_is_tried_again(void **state)
{
    struct told t;
    begin(&t, state, CATCHING, NULL);
    rings(&t, "step/a");
    rings(&t, "step/a");
    answer(&t, "ADone", "a", 2);
    assert_golden(&t, "tried-again");
}

static void an_older_attempt_is_answered_while_the_next_waits(void **state)
{
    struct told t;
    begin(&t, state, CATCHING, NULL);
    rings(&t, "step/a");
    answer(&t, "ADone", "a", 1);
    assert_golden(&t, "answered-while-it-waits");
}

static void a_failure_is_taken_back(void **state)
{
    struct told t;
    begin(&t, state, THREE, NULL);
    answer(&t, "ADone", "a", 1);
    answer(&t, "BNo", "b", 1);
    answer_back(&t, "AUndone", "a", 1);
    assert_golden(&t, "taken-back");
}

static void an_unknown_step_is_compensated(void **state)
{
    struct told t;
    begin(&t, state, THREE, NULL);
    answer(&t, "ADone", "a", 1);
    rings(&t, "step/b");
    rings(&t, "step/b");
    rings(&t, "step/b");
    rings(&t, "compensation/b");
    answer_back(&t, "BUndone", "b", 1);
    answer_back(&t, "AUndone", "a", 1);
    assert_golden(&t, "unknown");
}

/* Its step's span has been sent when the step was given up. */
static void a_late_answer_has_a_span_of_its_own(void **state)
{
    struct told t;
    begin(&t, state, PIVOTED, NULL);
    answer(&t, "ADone", "a", 1);
    rings(&t, "step/v");
    rings(&t, "step/v");
    rings(&t, "step/v");
    answer(&t, "VDone", "v", 2);
    answer(&t, "ZDone", "z", 1);
    assert_golden(&t, "late");
}

static void a_stuck_saga_is_tried_again_by_an_operator(void **state)
{
    struct told t;
    begin(&t, state, PIVOTED, NULL);
    answer(&t, "ADone", "a", 1);
    answer(&t, "VDone", "v", 1);
    answer(&t, "ZNo", "z", 1);
    says(&t, SAGA_VERB_RETRY, NULL);
    answer(&t, "ZDone", "z", 2);
    assert_golden(&t, "stuck-and-tried-again");
}

static void a_compensation_is_refused_and_the_saga_abandoned(void **state)
{
    struct told t;
    begin(&t, state, THREE, NULL);
    answer(&t, "ADone", "a", 1);
    answer(&t, "BNo", "b", 1);
    answer_back(&t, "ACannot", "a", 1);
    says(&t, SAGA_VERB_RESOLVE, "abandoned");
    assert_golden(&t, "abandoned");
}

/* What is in flight when an operator ends the saga. */
static void steps_in_flight_end_with_the_saga(void **state)
{
    struct told t;
    begin(&t, state,
          HEAD RETRY "steps:\n" PIVOT "  - parallel:\n      one:\n      - { step: x, send: p/X, "
                     "success: XDone, failure: XNo }\n      two:\n      - { step: y, send: p/Y, "
                     "success: YDone, failure: YNo }\n",
          NULL);
    answer(&t, "VDone", "v", 1);
    answer(&t, "XNo", "x", 1);
    says(&t, SAGA_VERB_RESOLVE, "completed");
    assert_golden(&t, "left-open");
}

static void loops_do_not_make_names(void **state)
{
    struct told t;
    begin(&t, state,
          HEAD RETRY "steps:\n  - for-each: { in: '[1,2]', at-once: 2 }\n    steps:\n"
                     "      - { step: a, send: p/A, success: ADone, compensate: none }\n",
          NULL);
    answer(&t, "ADone", "a[0]", 1);
    answer(&t, "ADone", "a[1]", 1);
    assert_golden(&t, "loop");
}

/* The child's trace goes on under the step that asks for it. Catches a child whose parent is never sent. */
static void a_child_is_caused_by_its_step(void **state)
{
    struct told t;
    struct saga_message message;
    struct saga_trace_context context;
    begin(&t, state, HEAD "steps:\n  - { saga: other, as: b }\n", PARENT "01 vendor=x");
    saga_note_message(SAGA_SLICE("in"), 1, fact_of(t.w, SAGA_FACT_NOTE_SENT), t.w->state,
                      &t.w->arena, &message);
    assert_true(saga_traceparent_read(saga_message_header(&message, "traceparent"), &context));
    EXPECT_TEXT(context.trace, TRACE);
    EXPECT_TEXT(saga_message_header(&message, "tracestate"), "vendor=x");
    struct saga_event ended = { .kind = SAGA_EVENT_NOTE,
                                .note = SAGA_NOTE_CHILD_ENDED,
                                .from_id = step_of(t.w, "b")->target,
                                .run = t.w->state->run,
                                .step = SAGA_SLICE("b"),
                                .type = SAGA_SLICE("completed") };
    decide(t.w, ended);
    note(&t, ended);
    const struct saga_span *span = find(&t, context.parent);
    assert_non_null(span);
    EXPECT_TEXT(span->name, "step b");
    assert_golden(&t, "child");
}

/* ---- what is not sent ---- */

/* Catches a flag that is not looked at, in spans and on commands. */
static void what_the_start_does_not_record_is_not_recorded(void **state)
{
    struct told t;
    struct saga_message message;
    begin(&t, state, CATCHING, PARENT "00 vendor=x");
    saga_fact_message(fact_of(t.w, SAGA_FACT_STEP_SENT), t.w->state, t.w->time_ms, &t.w->arena,
                      &message);
    struct saga_slice parent = saga_message_header(&message, "traceparent");
    assert_true(saga_slice_equal(saga_slice_clip(parent, 36), SAGA_SLICE("00-" TRACE "-")));
    assert_true(saga_slice_is(saga_slice_skip(parent, 52), "-00"));
    assert_true(saga_slice_is(saga_message_header(&message, "tracestate"), "vendor=x"));
    answer(&t, "ADone", "a", 1);
    assert_int_equal(t.spans->count, 0);
    saga_spans_free(t.spans);
}

static void a_share_is_taken_of_those_that_begin_their_trace(void **state)
{
    struct saga_arena arena;
    unsigned taken = 0;
    (void)state;
    saga_arena_init(&arena);
    for (int i = 0; i < 1000; i++) {
        char trace[32];
        saga_sha256_digits(saga_arena_printf(&arena, "%d", i), sizeof trace, trace);
        struct saga_state saga = { .trace = { trace, sizeof trace } };
        taken += saga_trace_is_sampled(&saga, SAGA_TRACE_ALL / 4);
        assert_true(saga_trace_is_sampled(&saga, SAGA_TRACE_ALL));
        assert_false(saga_trace_is_sampled(&saga, 0));
        /* of a trace that the start names, the start decides */
        saga.trace_parent = SAGA_SLICE("b7ad6b7169203331");
        assert_true(saga_trace_is_sampled(&saga, 0));
        saga.trace_unsampled = true;
        assert_false(saga_trace_is_sampled(&saga, SAGA_TRACE_ALL));
    }
    assert_in_range(taken, 200, 300);
    saga_arena_free(&arena);
}

/* Catches a batch's spans that grow without bound. */
static void there_is_a_limit(void **state)
{
    struct told t;
    begin(&t, state, CATCHING, NULL);
    struct saga_event cause = a_reply(t.w, "ADone", "a", 1, "{}");
    decide(t.w, cause);
    for (int i = 0; i < 20000; i++)
        saga_spans_add(t.spans, t.w->state, &cause, &t.w->facts, SAGA_TRACE_ALL);
    assert_in_range(t.spans->arena.used_bytes, 1, SAGA_SPANS_BYTES_MAX + 10 * 1024 * 1024);
    assert_true(t.spans->dropped > 1000);
    saga_spans_free(t.spans);
    t.spans = saga_spans_new();
    t.spans->full = true;
    saga_spans_add(t.spans, t.w->state, &cause, &t.w->facts, SAGA_TRACE_ALL);
    assert_int_equal(t.spans->count, 0);
    assert_int_equal(t.spans->dropped, 2);
    saga_spans_free(t.spans);
}

/* Catches a command whose traceparent names no span. */
static void a_command_names_the_span_of_its_attempt(void **state)
{
    struct told t;
    struct saga_message message;
    begin(&t, state, CATCHING, NULL);
    saga_fact_message(fact_of(t.w, SAGA_FACT_STEP_SENT), t.w->state, t.w->time_ms, &t.w->arena,
                      &message);
    struct saga_trace_context context;
    assert_true(saga_traceparent_read(saga_message_header(&message, "traceparent"), &context));
    assert_true(context.sampled);
    answer(&t, "ADone", "a", 1);
    const struct saga_span *span = find(&t, context.parent);
    assert_non_null(span);
    EXPECT_TEXT(span->name, "send c");
    saga_message_unsample(&message, &t.w->arena);
    assert_true(saga_traceparent_read(saga_message_header(&message, "traceparent"), &context));
    assert_false(context.sampled);
    saga_spans_free(t.spans);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_saga_completes),
        WORLD_TEST(a_step_is_tried_again),
        WORLD_TEST(an_older_attempt_is_answered_while_the_next_waits),
        WORLD_TEST(a_failure_is_taken_back),
        WORLD_TEST(an_unknown_step_is_compensated),
        WORLD_TEST(a_late_answer_has_a_span_of_its_own),
        WORLD_TEST(a_child_is_caused_by_its_step),
        WORLD_TEST(a_stuck_saga_is_tried_again_by_an_operator),
        WORLD_TEST(a_compensation_is_refused_and_the_saga_abandoned),
        WORLD_TEST(steps_in_flight_end_with_the_saga),
        WORLD_TEST(loops_do_not_make_names),
        WORLD_TEST(what_the_start_does_not_record_is_not_recorded),
        cmocka_unit_test(a_share_is_taken_of_those_that_begin_their_trace),
        WORLD_TEST(there_is_a_limit),
        WORLD_TEST(a_command_names_the_span_of_its_attempt),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("spans", tests, NULL, NULL);
}
