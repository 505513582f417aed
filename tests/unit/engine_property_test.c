/* Properties of the engine over generated definitions and events. A failing seed is printed;
 * SAGA_SEED=n runs that one alone, SAGA_SEEDS=n as many. What must hold after each event:
 *   - the state is a valid one, and evolving all recorded facts, read back from the journal,
 *     gives the same state;
 *   - deciding the same event again, on the state read back from its stored form, gives the same
 *     record;
 *   - no command id is used twice; nothing is sent while paused or after the end; one command is
 *     open at a time;
 *   - once a saga compensates it sends no forward step; behind the pivot nothing is compensated;
 *   - compensations go in the reverse order of completion, by the test's own book of what
 *     happened;
 *   - a saga that ends compensated (not by an operator's word) has taken back all that was done
 *     or is unknown;
 *   - every saga can be driven to its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "codec/codec.h"
#include "engine/engine.h"
#include "engine/fits.h"

enum {
    SEEDS = 3000,
    SAGAS_EACH = 20,
    EVENTS_MAX = 80,
    DRIVE_MAX = 600,
    IDS_MAX = 2048,
    STEPS_MAX = 6
};

struct world {
    uint64_t random;
    unsigned seed;
    struct saga_arena arena;
    struct saga_codec *codec;
    struct saga_definition *definition;
    struct saga_state *state;    /* as decide leaves it */
    struct saga_state *replayed; /* as the facts alone give it */
    int64_t time_ms, offset;
    const char *ids[IDS_MAX];
    size_t id_count;
    struct book {      /* of a step, from the facts alone */
        unsigned done; /* 1, 2, 3 ... in which steps succeeded or became unknown; 0: neither */
        bool undone;
        bool open;
    } book[STEPS_MAX];
    unsigned done_count;
    bool went_back;
    bool definition_may_miss;
    unsigned calm; /* the higher, the fewer cancels */
};

static unsigned dice(struct world *w, unsigned sides)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (unsigned)(w->random >> 11) % sides;
}

/* ---- a definition ---- */

static void write_step(struct world *w, struct saga_buffer *yaml, unsigned i, unsigned pivot)
{
    saga_buffer_printf(yaml, "  - step: s%u\n    send: p/C%u\n    success: D%u\n    timeout: %us\n",
                       i, i, i, 1 + dice(w, 20));
    if (i <= pivot || dice(w, 4) == 0) saga_buffer_printf(yaml, "    failure: F%u\n", i);
    if (i <= pivot && dice(w, 2))
        saga_buffer_printf(yaml, "    retry: { attempts: %u, backoff: %us }\n", 1 + dice(w, 3),
                           1 + dice(w, 5));
    if (i > pivot && dice(w, 3) == 0)
        saga_buffer_printf(yaml, "    retry: { attempts: %u }\n", 1 + dice(w, 2));
    if (dice(w, 3) == 0)
        saga_buffer_printf(yaml, "    body: '{a: .input.a, b: .steps.s0.x}'\n");
    else if (dice(w, 30) == 0)
        saga_buffer_printf(yaml, "    body: '.input.a | keys'\n"); /* cannot be made */
    if (dice(w, 10) == 0)
        saga_buffer_printf(yaml, "    keep: '.reply.x + 1'\n"); /* nor of a text */
    if (i == pivot) {
        saga_buffer_printf(yaml, "    pivot: true\n");
    } else if (i < pivot && dice(w, 4) == 0) {
        saga_buffer_printf(yaml, "    compensate: none\n");
    } else if (i < pivot) {
        saga_buffer_printf(yaml, "    compensate: { send: p/U%u, failure: G%u", i, i);
        if (dice(w, 2)) saga_buffer_printf(yaml, ", retry: { attempts: %u }", 1 + dice(w, 3));
        saga_buffer_printf(yaml, " }\n");
    }
}

/* Blocks between the steps, that wait for no service. */
static void write_blocks(struct world *w, struct saga_buffer *yaml)
{
    static const char *const blocks[] = {
        "set: { a: .input.a, b: 2 }",
        "set: { a: '.input.a | keys' }", /* cannot be made */
        "publish: e/Told",
        "publish: e/Told\n    body: .input",
        "wait: 3s",
        "wait: 2m",
        "wait-until: '1000'",
        "wait-until: '\"2100-01-01T00:00:00Z\"'",
        "wait-until: .input.a",
    };
    for (unsigned i = dice(w, 6); i < 2; i++)
        saga_buffer_printf(yaml, "  - %s\n", blocks[dice(w, sizeof blocks / sizeof *blocks)]);
}

static void make_definition(struct world *w)
{
    struct saga_buffer yaml;
    struct saga_diagnostics findings;
    unsigned steps = 1 + dice(w, STEPS_MAX), pivot = dice(w, 2) ? dice(w, steps) : steps;
    saga_buffer_init(&yaml, &w->arena);
    saga_buffer_printf(&yaml,
                       "saga: made\nversion: 1\nparticipants: { p: { commands: c, replies: r } }\n"
                       "start: { topic: t, event: Go, key: .k }\n");
    if (dice(w, 2)) saga_buffer_printf(&yaml, "deadline: %um\n", 1 + dice(w, 5));
    if (dice(w, 2))
        saga_buffer_printf(&yaml, "on-compensated: { publish: e/Undone, body: '{e: .error}' }\n");
    if (dice(w, 2))
        saga_buffer_printf(&yaml, "on-completed: { publish: e/Done, body: '%s' }\n",
                           dice(w, 8) ? ".input" : ".input.a | keys");
    saga_buffer_printf(&yaml, "steps:\n");
    for (unsigned i = 0; i < steps; i++) {
        write_blocks(w, &yaml);
        write_step(w, &yaml, i, pivot);
    }
    write_blocks(w, &yaml);
    if (pivot == steps && dice(w, 5) == 0)
        saga_buffer_printf(&yaml, "  - fail: { type: Enough, message: so it is }\n");
    struct saga_slice text = saga_buffer_slice(&yaml);
    /* the body may read a step that has not run: the loader says so, then it is left out */
    saga_diagnostics_init(&findings, &w->arena);
    if (saga_definition_load(text, "made", &findings, &w->definition) == 0) return;
    char *again = saga_arena_string(&w->arena, text);
    for (char *at; (at = strstr(again, ", b: .steps.s0.x"));)
        memset(at, ' ', strlen(", b: .steps.s0.x"));
    saga_diagnostics_init(&findings, &w->arena);
    if (saga_definition_load(saga_slice_of(again), "made", &findings, &w->definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("seed %u: %s", w->seed, again);
    }
}

/* ---- checking ---- */

static struct saga_slice encoded(struct world *w, const struct saga_state *state)
{
    struct saga_slice bytes;
    assert_int_equal(saga_state_encode(w->codec, state, &w->arena, &bytes), 0);
    return bytes;
}

static void note_id(struct world *w, struct saga_slice id)
{
    for (size_t i = 0; i < w->id_count; i++)
        if (saga_slice_is(id, w->ids[i]))
            fail_msg("seed %u: command %s was sent twice", w->seed, w->ids[i]);
    assert_true(w->id_count < IDS_MAX);
    w->ids[w->id_count++] = saga_arena_string(&w->arena, id);
}

#define MUST(w, holds, ...)                                                                        \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            print_error("seed %u: ", (w)->seed);                                                   \
            fail_msg(__VA_ARGS__);                                                                 \
        }                                                                                          \
    } while (0)

static struct book *book_of(struct world *w, struct saga_slice path)
{
    assert_true(path.size == 2 && path.data[0] == 's');
    return &w->book[path.data[1] - '0'];
}

/* Everything done after this step must have been taken back, or need nothing, before it is its
 * turn. */
static void check_order(struct world *w, struct saga_slice path)
{
    const struct book *book = book_of(w, path);
    MUST(w, book->done > 0, "%.*s was not done", SAGA_SLICE_ARG(path));
    for (unsigned i = 0; i < STEPS_MAX; i++)
        MUST(w, w->book[i].done <= book->done || w->book[i].undone, "%.*s is taken back before s%u",
             SAGA_SLICE_ARG(path), i);
}

static void note_forward(struct world *w, const struct saga_fact *fact)
{
    struct book *book = book_of(w, fact->step);
    if (fact->kind == SAGA_FACT_STEP_SENT) {
        MUST(w, !w->went_back, "%.*s is sent by a saga that compensates",
             SAGA_SLICE_ARG(fact->step));
        for (unsigned i = 0; i < STEPS_MAX; i++)
            MUST(w, !w->book[i].open || &w->book[i] == book, "s%u is still open", i);
        book->open = true;
        book->done = 0; /* an unknown pivot that is asked again */
        note_id(w, saga_command_id(&w->arena, w->state, fact->step, false, fact->attempt));
        return;
    }
    book->open = false;
    if (fact->kind == SAGA_FACT_STEP_FAILED || fact->kind == SAGA_FACT_STEP_SKIPPED)
        book->done = 0;
    else if (book->done == 0)
        book->done = ++w->done_count;
}

static void note_backward(struct world *w, const struct saga_fact *fact)
{
    MUST(w, w->went_back && !w->state->pivoted, "%.*s is taken back on the forward way",
         SAGA_SLICE_ARG(fact->step));
    check_order(w, fact->step);
    if (fact->kind == SAGA_FACT_COMPENSATION_SENT)
        note_id(w, saga_command_id(&w->arena, w->state, fact->step, true, fact->attempt));
    else
        book_of(w, fact->step)->undone = true;
}

static void note_fact(struct world *w, const struct saga_fact *fact, bool is_paused, bool had_ended)
{
    switch (fact->kind) {
    case SAGA_FACT_STEP_SENT:
    case SAGA_FACT_STEP_SUCCEEDED:
    case SAGA_FACT_STEP_FAILED:
    case SAGA_FACT_STEP_UNKNOWN:
    case SAGA_FACT_STEP_SKIPPED: note_forward(w, fact); break;
    case SAGA_FACT_COMPENSATION_STARTED: w->went_back = true; break;
    case SAGA_FACT_COMPENSATION_SENT:
    case SAGA_FACT_COMPENSATION_SUCCEEDED:
    case SAGA_FACT_COMPENSATION_SKIPPED:
    case SAGA_FACT_COMPENSATION_NOT_NEEDED: note_backward(w, fact); break;
    default: break;
    }
    bool sends = fact->kind == SAGA_FACT_STEP_SENT || fact->kind == SAGA_FACT_COMPENSATION_SENT;
    MUST(w, !sends || !is_paused, "a command is sent while the saga is paused");
    MUST(w, !had_ended || (!sends && fact->kind != SAGA_FACT_EVENT_PUBLISHED),
         "something is sent by a saga that has ended");
}

static void check_end(struct world *w)
{
    bool by_word = w->state->resolved;
    MUST(w, w->state->status != SAGA_COMPLETED || !w->went_back || by_word,
         "it completed after it began to compensate");
    if (w->state->status != SAGA_COMPENSATED || by_word) return;
    for (unsigned i = 0; i < STEPS_MAX; i++)
        MUST(w, w->book[i].done == 0 || w->book[i].undone, "s%u was not taken back", i);
}

static struct saga_slice journaled(struct world *w, const struct saga_state *state,
                                   const struct saga_event *event, const struct saga_facts *facts)
{
    static const uint8_t zero[SAGA_SHA256_BYTES];
    struct saga_journal_record record = saga_journal_record_of(state, event, facts);
    struct saga_slice bytes;
    uint8_t chain[SAGA_SHA256_BYTES];
    assert_int_equal(saga_journal_encode(w->codec, &record, zero, &w->arena, &bytes, chain), 0);
    return bytes;
}

/* The state as a worker would find it in Redis. */
static struct saga_state *read_back(struct world *w)
{
    struct saga_state *state;
    struct saga_diagnostic diagnostic = { 0 };
    if (w->state->status == SAGA_STATUS_NONE) return saga_state_new();
    MUST(w, saga_state_decode(w->codec, encoded(w, w->state), &w->arena, &state, &diagnostic) == 0,
         "the state cannot be read back: %.*s", SAGA_SLICE_ARG(diagnostic.what));
    return state;
}

/* The event is tried and taken back: nothing of it is left. */
static void try(struct world *w, const struct saga_definition *definition, struct saga_state *state,
                const struct saga_event *event)
{
    struct saga_facts facts = { 0 };
    const struct saga_state_mark *mark = saga_state_mark(state, &w->arena);
    saga_decide(definition, state, event, &w->arena, &facts);
    saga_state_go_back(state, mark);
}

static void replay(struct world *w, struct saga_slice record, const struct saga_facts *facts)
{
    struct saga_journal_record read, cause;
    struct saga_slice fact_bytes;
    struct saga_diagnostic diagnostic = { 0 };
    MUST(w,
         saga_journal_decode_cause(w->codec, record, &w->arena, &cause, &fact_bytes, &diagnostic) ==
             0,
         "the record's cause cannot be read: %.*s", SAGA_SLICE_ARG(diagnostic.what));
    MUST(w, saga_journal_are_facts(w->codec, facts, fact_bytes), "its facts are others");
    MUST(w, saga_journal_decode(w->codec, record, &w->arena, &read, &diagnostic) == 0,
         "the record cannot be read: %.*s", SAGA_SLICE_ARG(diagnostic.what));
    saga_evolve_begin(w->replayed, &read.cause);
    for (size_t i = 0; i < read.fact_count; i++)
        MUST(w, saga_evolve(w->replayed, &read.facts[i]) == 0, "%s cannot follow",
             saga_fact_types[read.facts[i].kind].name);
    MUST(w, saga_slice_equal(encoded(w, w->state), encoded(w, w->replayed)),
         "the facts give another state");
}

static void decide(struct world *w, struct saga_event *event)
{
    struct saga_facts facts = { 0 }, again = { 0 };
    bool had_ended = saga_status_has_ended(w->state->status);
    bool missing = w->definition_may_miss && dice(w, 12) == 0; /* R19 */
    const struct saga_definition *definition = missing ? NULL : w->definition;
    struct saga_state *other = read_back(w);
    event->time_ms = w->time_ms;
    event->source = (struct saga_position){ SAGA_SLICE("t"), 0, w->offset++ };
    struct saga_diagnostic misfit = { 0 };
    bool began = w->state->status != SAGA_STATUS_NONE;
    MUST(w,
         !began || (saga_state_fits(w->state, definition, &w->arena, &misfit) &&
                    saga_state_values_fit(w->state, &w->arena, &misfit)),
         "the state does not fit: %.*s", SAGA_SLICE_ARG(misfit.what));
    saga_decide(definition, w->state, event, &w->arena, &facts);
    try(w, definition, other, event);
    saga_decide(definition, other, event, &w->arena, &again);
    struct saga_slice record = journaled(w, w->state, event, &facts);
    MUST(w, saga_slice_equal(record, journaled(w, other, event, &again)),
         "decided again it is something else");
    saga_state_free(other);
    replay(w, record, &facts);
    for (size_t i = 0; i < facts.count; i++)
        note_fact(w, &facts.items[i], w->state->paused, had_ended);
    check_end(w);
}

/* ---- events ---- */

static struct saga_slice a_body(struct world *w)
{
    static const char *const bodies[] = { NULL, "{\"x\":1}", "{\"x\":2}", "{\"x\":\"one\"}", "[]" };
    return saga_slice_of(bodies[dice(w, sizeof bodies / sizeof bodies[0])]);
}

static void reply(struct world *w, unsigned step, char letter, uint32_t attempt, bool compensation)
{
    struct saga_event event = { .kind = SAGA_EVENT_REPLY,
                                .attempt = attempt,
                                .compensation = compensation };
    event.type = letter == 'X' ? SAGA_SLICE("Unavailable")
                               : saga_arena_printf(&w->arena, "%c%u", letter, step);
    event.step = dice(w, 10) ? saga_arena_printf(&w->arena, "s%u", step) : SAGA_SLICE_NONE;
    event.body = a_body(w);
    event.run = dice(w, 20) ? w->state->run : SAGA_SLICE_NONE;
    decide(w, &event);
}

/* Steps are called s0, s1 ... in their order, whatever stands between them. */
static unsigned number_in_name(const struct saga_step_state *step)
{
    return (unsigned)strtoul(step->path.data + 1, NULL, 10);
}

/* Mostly what a service would say of a step that was begun, now and then of one long ago. */
static void likely_reply(struct world *w)
{
    unsigned newest = (unsigned)w->state->step_count - 1;
    const struct saga_step_state *step =
        &w->state->steps[dice(w, 5) ? newest : dice(w, newest + 1)];
    bool back = step->compensation_attempt > 0 && dice(w, 5);
    if (!back && w->went_back && dice(w, 3)) { /* what is being taken back is not the newest */
        for (size_t i = 0; i < w->state->step_count; i++)
            if (w->state->steps[i].compensation == SAGA_COMPENSATION_SENT)
                step = &w->state->steps[i], back = true;
    }
    uint32_t attempt = back ? step->compensation_attempt : step->attempt;
    if (dice(w, 4) == 0) attempt = dice(w, attempt + 2);
    reply(w, number_in_name(step), (back ? "UUUUGX" : "DDDDDDFX")[dice(w, back ? 6 : 8)], attempt,
          back);
}

static void ring(struct world *w, const struct saga_timer *timer, uint64_t armed)
{
    struct saga_event event = { .kind = SAGA_EVENT_TIMER,
                                .timer = saga_arena_copy(&w->arena, timer->name),
                                .armed = armed };
    if (timer->due_ms > w->time_ms) w->time_ms = timer->due_ms;
    decide(w, &event);
}

static void say(struct world *w, enum saga_verb verb, const char *as)
{
    struct saga_event event = { .kind = SAGA_EVENT_OPERATOR,
                                .verb = verb,
                                .as = saga_slice_of(as) };
    decide(w, &event);
}

static void anything(struct world *w)
{
    static const char *const outcomes[] = { "succeeded", "failed", "completed", "compensated",
                                            "nonsense" };
    w->time_ms += dice(w, 3000);
    if (dice(w, 2) && w->state->step_count) {
        likely_reply(w);
    } else if (dice(w, 6) == 0) {
        reply(w, dice(w, STEPS_MAX), "DDDFFXGUZ"[dice(w, 9)], dice(w, 4), dice(w, 3) == 0);
    } else if (dice(w, 2) && w->state->timer_count) {
        const struct saga_timer *timer =
            &w->state->timers[dice(w, (unsigned)w->state->timer_count)];
        if (!saga_slice_is(timer->name, "keep"))
            ring(w, timer, dice(w, 5) ? timer->armed : timer->armed + 1);
    } else if (dice(w, w->calm) == 0) {
        say(w, SAGA_VERB_CANCEL, NULL);
    } else if (dice(w, 3) == 0) {
        say(w, dice(w, 2) ? SAGA_VERB_PAUSE : SAGA_VERB_RESUME, NULL);
    } else if (dice(w, 3)) {
        say(w, dice(w, 2) ? SAGA_VERB_RETRY : SAGA_VERB_SKIP, NULL);
    } else if (dice(w, 4) == 0) {
        say(w, SAGA_VERB_RESOLVE, outcomes[dice(w, 5)]);
    }
}

/* Answers everything that is open, rings what is armed, mends what is stuck. */
static void drive(struct world *w)
{
    if (w->state->paused) {
        say(w, SAGA_VERB_RESUME, NULL);
        return;
    }
    if (w->state->status == SAGA_STUCK) {
        if (w->state->stuck_on == SAGA_STUCK_ON_PIVOT)
            say(w, SAGA_VERB_RESOLVE, dice(w, 2) ? "succeeded" : "failed");
        else
            say(w, dice(w, 2) ? SAGA_VERB_RETRY : SAGA_VERB_SKIP, NULL);
        return;
    }
    for (size_t i = 0; i < w->state->step_count; i++) {
        const struct saga_step_state *step = &w->state->steps[i];
        if (step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF) {
            reply(w, number_in_name(step), 'D', step->attempt, false);
            return;
        }
        if (step->compensation == SAGA_COMPENSATION_SENT ||
            step->compensation == SAGA_COMPENSATION_BACKOFF) {
            reply(w, number_in_name(step), 'Z', step->compensation_attempt, true);
            return;
        }
    }
    if (w->state->timer_count) ring(w, &w->state->timers[0], w->state->timers[0].armed);
}

static void live(struct world *w)
{
    struct saga_event start = { .kind = SAGA_EVENT_START,
                                .key = SAGA_SLICE("a/b"),
                                .body = SAGA_SLICE("{\"k\":\"a/b\",\"a\":7}") };
    decide(w, &start);
    unsigned events = dice(w, EVENTS_MAX);
    w->definition_may_miss = dice(w, 4) == 0;
    w->calm = 1 + dice(w, 40);
    for (unsigned i = 0; i < events; i++) {
        anything(w);
        if (saga_status_has_ended(w->state->status) && dice(w, 4) == 0) break;
    }
    w->definition_may_miss = false;
    for (unsigned i = 0; i < DRIVE_MAX && !saga_status_has_ended(w->state->status); i++) drive(w);
    if (!saga_status_has_ended(w->state->status))
        fail_msg("seed %u: the saga does not end, it is %s", w->seed,
                 saga_status_name(w->state->status));
    struct saga_timer keep = w->state->timers[0];
    assert_int_equal(w->state->timer_count, 1);
    ring(w, &keep, keep.armed);
    assert_true(w->state->forgotten);
}

/* Compiling a definition takes longer than a saga, so each has several to live. */
static struct saga_definition *definition_of(unsigned seed)
{
    struct world w = { .random = (seed / SAGAS_EACH) * 0xD1B54A32D192ED03ULL + 1, .seed = seed };
    saga_arena_init(&w.arena);
    make_definition(&w);
    saga_arena_free(&w.arena);
    return w.definition;
}

static void run_seed(struct saga_codec *codec, struct saga_definition *definition, unsigned seed)
{
    struct world w = { .random = seed * 0x9E3779B97F4A7C15ULL + 1,
                       .seed = seed,
                       .codec = codec,
                       .definition = definition,
                       .time_ms = 1000000 };
    saga_arena_init(&w.arena);
    w.state = saga_state_new();
    w.replayed = saga_state_new();
    live(&w);
    saga_state_free(w.state);
    saga_state_free(w.replayed);
    saga_arena_free(&w.arena);
}

static unsigned number_of(const char *variable, unsigned otherwise)
{
    const char *text = getenv(variable);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void properties_hold(void **state)
{
    struct saga_codec *codec;
    unsigned first = number_of("SAGA_SEED", 0);
    unsigned seeds = getenv("SAGA_SEED") ? 1 : number_of("SAGA_SEEDS", SEEDS);
    (void)state;
    assert_int_equal(saga_codec_new(&codec), 0);
    for (unsigned seed = first; seed < first + seeds;) {
        struct saga_definition *definition = definition_of(seed);
        unsigned next = (seed / SAGAS_EACH + 1) * SAGAS_EACH;
        for (; seed < next && seed < first + seeds; seed++) run_seed(codec, definition, seed);
        saga_definition_free(definition);
    }
    saga_codec_free(codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(properties_hold) };
    return cmocka_run_group_tests_name("properties of the engine", tests, NULL, NULL);
}
