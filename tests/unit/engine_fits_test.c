/* What does not fit a definition is found before it is decided on: each case changes one thing of a state that a saga was in. */
#include "engine_world.h"

#define DEF HEAD RETRY "steps:\n"
#define STEP(name, type)                                                                           \
    "  - { step: " name ", send: p/" type ", success: " type "Done, failure: No, "                 \
    "compensate: { send: p/Undo" type " } }\n"

static const char everything[] = DEF
    "  - parallel:\n      left:\n"
    "        - { step: a, send: p/A, success: ADone, failure: No, compensate: { send: p/UndoA } }\n"
    "      right:\n"
    "        - { step: b, send: p/B, success: BDone, failure: No, compensate: { send: p/UndoB } }\n"
    "  - for-each: { in: .input.list, at-once: 2 }\n    steps:\n"
    "      - { step: c, send: p/C, success: CDone, failure: No, compensate: { send: p/UndoC } "
    "}\n" STEP("d", "D");

/* Both branches have ended, and the loop's rounds are under way. */
static struct world *in_the_loop(void **state)
{
    struct world *w = define(state, everything);
    start(w, "{\"list\":[1,2]}");
    reply(w, "ADone", "a", 1);
    reply(w, "BDone", "b", 1);
    return w;
}

static void refused(struct world *w, const char *words)
{
    struct saga_diagnostic diagnostic = { 0 };
    bool fits = saga_state_fits(w->state, w->definition, &w->arena, &diagnostic) &&
                saga_state_values_fit(w->state, &w->arena, &diagnostic);
    if (fits) fail_msg("it is taken, without: %s", words);
    if (!memmem(diagnostic.what.data, diagnostic.what.size, words, strlen(words)))
        fail_msg("it says: %.*s", SAGA_SLICE_ARG(diagnostic.what));
    assert_true(diagnostic.why.size > 0);
}

static struct saga_step_state *own_step(struct world *w, const char *path)
{
    struct saga_step_state *step = saga_state_step(w->state, saga_slice_of(path));
    assert_non_null(step);
    return step;
}

#define CHANGED(w, lvalue, value, words)                                                           \
    do {                                                                                           \
        __typeof__(lvalue) was = (lvalue);                                                         \
        (lvalue) = (value);                                                                        \
        refused((w), (words));                                                                     \
        (lvalue) = was;                                                                            \
        world_fits((w), (w)->definition);                                                          \
    } while (0)

static void steps_stand_where_the_definition_has_them(void **state)
{
    struct world *w = in_the_loop(state);
    struct saga_step_state *step = own_step(w, "c[0]"), *ended = own_step(w, "a");
    CHANGED(w, step->block, 99, "is block 99, the definition has");
    CHANGED(w, step->block, own_step(w, "a")->block, "stands in a list that does not have it");
    CHANGED(w, step->block, 0, "the definition has parallel");
    CHANGED(w, ended->path, SAGA_SLICE("a[0]"), "is called otherwise");
    CHANGED(w, step->kind, SAGA_STEP_CHILD, "waits for something that can be none");
    CHANGED(w, step->pivot, true, "is no pivot in the definition");
    CHANGED(w, step->topic, SAGA_SLICE("elsewhere"), "was sent elsewhere");
    CHANGED(w, step->attempt, UINT32_MAX, "counts more attempts");
    CHANGED(w, ended->status, SAGA_STEP_SENT, "but its list is elsewhere");
    CHANGED(w, step->status, SAGA_STEP_SUCCEEDED, "is of nothing that waits");
    CHANGED(w, step->sent_ms, INT64_MAX, "at no time");
    CHANGED(w, ended->compensation, SAGA_COMPENSATION_SENT, "than its attempts say");
    CHANGED(w, ended->compensation, SAGA_COMPENSATION_SKIPPED, "goes forward");
    CHANGED(w, ended->path, SAGA_SLICE("b"), "a step twice");
}

static void lists_are_those_that_blocks_open(void **state)
{
    struct world *w = in_the_loop(state);
    struct saga_scope *scopes = w->state->scopes, *loop = scopes;
    while (!loop->loop) loop++;
    struct saga_scope *round = &scopes[w->state->scope_count - 1];
    CHANGED(w, round->block, 1, "is no round of its loop");
    CHANGED(w, round->index, 5, "is no round of its loop");
    CHANGED(w, round->index, 0, "are the same branch");
    CHANGED(w, round->position, 9, "is at block 10 of 1");
    CHANGED(w, round->entered, false, "but its list is elsewhere");
    CHANGED(w, round->id, 0, "are not in order");
    CHANGED(w, round->open, 1, "says that 1 are open");
    CHANGED(w, loop->total, 0, "in no round that it has");
    CHANGED(w, loop->total, 3, "has no list of 3 elements");
    CHANGED(w, loop->items, SAGA_SLICE("[1,2"), "has no list of 2 elements");
    CHANGED(w, loop->block, 1, "is none that a opens there");
    CHANGED(w, loop->open, 1, "says that 1 are open");
    CHANGED(w, scopes[1].block, 500, "belongs to block 500");
    CHANGED(w, scopes[1].index, 2, "is none that parallel#1 opens there");
    CHANGED(w, scopes[0].next, 2, "has opened 2 lists for for-each#");
    CHANGED(w, scopes[0].position, 0, "is not run");
    CHANGED(w, w->state->scope_ids, UINT32_MAX, "counts further");
}

/* A state that was changed so is read all the same, so that it costs its own saga alone; until it is found out, each of its lists
 * is found by its id, in whatever order they stand. */
static void lists_out_of_order_are_found_and_do_not_fit(void **state)
{
    struct world *w = in_the_loop(state);
    struct saga_scope *scopes = w->state->scopes, second = scopes[1];
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice bytes;
    struct saga_state *read = NULL;
    scopes[1] = scopes[2];
    scopes[2] = second;
    for (size_t i = 0; i < w->state->scope_count; i++)
        assert_ptr_equal(saga_state_scope(w->state, scopes[i].id), &scopes[i]);
    assert_int_equal(saga_state_encode(w->codec, w->state, &w->arena, &bytes), 0);
    assert_int_equal(saga_state_decode(w->codec, bytes, &w->arena, &read, &diagnostic), 0);
    saga_state_free(read);
    refused(w, "are not in order");
}

static void the_head_is_that_of_a_saga(void **state)
{
    struct world *w = in_the_loop(state);
    struct saga_state *s = w->state;
    CHANGED(w, s->version, 2, "version 2, not on");
    CHANGED(w, s->id, SAGA_SLICE("other/k/1"), "is not that of its definition and key");
    CHANGED(w, s->key, SAGA_SLICE("k\n1"), "can be none");
    CHANGED(w, s->parent_id, SAGA_SLICE("nobody"), "a parent that is no saga");
    CHANGED(w, s->sequence, (uint64_t)INT64_MAX, "counts further");
    CHANGED(w, s->started_ms, INT64_MIN, "at no time");
    CHANGED(w, s->trace, SAGA_SLICE("abc"), "has 3 digits");
    CHANGED(w, s->has_deferred, s->pivoted = true, "waits for a pivot, and has none");
    s->pivoted = false;
    CHANGED(w, s->input, SAGA_SLICE("{\"list\":"), "are not JSON");
    CHANGED(w, s->vars, SAGA_SLICE("[]"), "are not JSON");
    CHANGED(w, own_step(w, "a")->result, SAGA_SLICE(""), "is not JSON");
    CHANGED(w, s->timers[0].name, SAGA_SLICE("step/a"), "is of nothing that waits");
    CHANGED(w, s->timers[0].name, SAGA_SLICE("keep"), "is of nothing that waits");
    CHANGED(w, s->timers[0].name, s->timers[1].name, "has an alarm twice");
    CHANGED(w, s->timers[0].due_ms, INT64_MAX, "rings at no time");
    CHANGED(w, s->status, SAGA_COMPLETED, "is of nothing that waits");
}

static void what_it_is_stuck_on_is_so(void **state)
{
    struct world *w = in_the_loop(state);
    struct saga_state *s = w->state;
    reply(w, "No", "c[0]", 1);
    reply(w, "CDone", "c[1]", 1);
    reply_back(w, "Ok", "c[1]", 1);
    assert_int_equal(s->status, SAGA_COMPENSATING);
    CHANGED(w, s->pivoted, true, "goes back, and has its pivot behind it");
    CHANGED(w, own_step(w, "b")->compensation_topic, SAGA_SLICE("x"), "was sent elsewhere");
    s->status = SAGA_STUCK;
    s->stuck_on = SAGA_STUCK_ON_COMPENSATION;
    s->stuck_step = SAGA_SLICE("nothing");
    refused(w, "stuck on a compensation that is not so");
    s->stuck_on = SAGA_STUCK_ON_PUBLISH;
    refused(w, "stuck on a publish that is not so");
    s->stuck_on = SAGA_STUCK_ON_BODY;
    s->stuck_scope = 99;
    refused(w, "stuck on a body that is not so");
}

static void without_its_definition_only_places_are_not_looked_at(void **state)
{
    struct world *w = in_the_loop(state);
    struct saga_diagnostic diagnostic = { 0 };
    own_step(w, "c[0]")->block = 99;
    assert_true(saga_state_fits(w->state, NULL, &w->arena, &diagnostic));
    w->state->scopes[0].open = 7;
    assert_false(saga_state_fits(w->state, NULL, &w->arena, &diagnostic));
}

/* ---- entries and causes ---- */

static void an_entry_offers_what_it_keeps(void **state)
{
    struct world *w = define(state, everything);
    struct saga_state *s = w->state;
    const struct saga_slice x = SAGA_SLICE("x");
    struct saga_waiter waiters[] = {
        { SAGA_SLICE("s/1"), x, x, SAGA_SLICE("e1") },
        { SAGA_SLICE("s/2"), x, x, SAGA_SLICE_NONE },
    };
    struct saga_kept_event kept[] = {
        { SAGA_SLICE("e1"), x, SAGA_SLICE("1"), SAGA_KEPT_OFFERED, 5 },
        { SAGA_SLICE("e2"), x, SAGA_SLICE_NONE, SAGA_KEPT_TAKEN, 5 },
    };
    s->kind = SAGA_KIND_CORRELATION;
    s->status = SAGA_RUNNING;
    s->id = SAGA_SLICE("s~t~T/v");
    s->name = SAGA_SLICE("s");
    s->run = SAGA_SLICE("r");
    s->sequence = 1;
    s->waiters = waiters;
    s->kept = kept;
    s->waiter_count = s->kept_count = 2;
    world_fits(w, NULL);
    CHANGED(w, waiters[0].offered, SAGA_SLICE("e2"), "an event that is not kept");
    CHANGED(w, waiters[1].offered, SAGA_SLICE("e1"), "was sent to two sagas");
    CHANGED(w, waiters[1].id, SAGA_SLICE("s"), "is no saga");
    CHANGED(w, kept[1].status, SAGA_KEPT_EARLY, "waits for an event that is there");
    CHANGED(w, kept[1].id, SAGA_SLICE("e1"), "keeps an event twice");
    CHANGED(w, kept[0].body, SAGA_SLICE("{"), "is not JSON");
    CHANGED(w, s->kind, SAGA_KIND_SCHEDULE, "has what others wait for");
    CHANGED(w, s->kind, SAGA_KIND_FORGETTING, "does not stay");
    CHANGED(w, s->id, SAGA_SLICE("s/v"), "is not that of an entry");
    s->waiters = NULL;
    s->kept = NULL;
    s->waiter_count = s->kept_count = 0;
}

static void a_cause_begins_what_it_can(void **state)
{
    struct saga_event event = { .kind = SAGA_EVENT_NOTE, .note = SAGA_NOTE_AWAIT_OPEN };
    (void)state;
    assert_false(saga_event_fits(&event));
    event.target = SAGA_SLICE("s/v");
    assert_false(saga_event_fits(&event));
    event.target = SAGA_SLICE("~t/v");
    assert_false(saga_event_fits(&event));
    event.target = SAGA_SLICE("s~t~T/v");
    assert_true(saga_event_fits(&event));
    event.body = SAGA_SLICE("{\"a\":");
    assert_false(saga_event_fits(&event));
    event.body = SAGA_SLICE("{\"a\":1}");
    assert_true(saga_event_fits(&event));
    event.time_ms = INT64_MAX;
    assert_false(saga_event_fits(&event));
    event = (struct saga_event){ .kind = SAGA_EVENT_START };
    assert_false(saga_event_fits(&event));
}

/* Catches ids of commands that cannot be taken apart, made of a run that somebody wrote into the journal. */
static void a_start_says_a_run_or_none(void **state)
{
    static const char *const not_runs[] = { "264ca98372a", "264ca98372acc", "264ca98372A0",
                                            "264ca/8372ac" };
    struct saga_event event = { .kind = SAGA_EVENT_START, .key = SAGA_SLICE("k") };
    (void)state;
    assert_true(saga_event_fits(&event));
    event.run = SAGA_SLICE("264ca98372ac");
    assert_true(saga_event_fits(&event));
    for (size_t i = 0; i < sizeof not_runs / sizeof not_runs[0]; i++) {
        event.run = saga_slice_of(not_runs[i]);
        assert_false(saga_event_fits(&event));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(steps_stand_where_the_definition_has_them),
        WORLD_TEST(lists_are_those_that_blocks_open),
        WORLD_TEST(lists_out_of_order_are_found_and_do_not_fit),
        WORLD_TEST(the_head_is_that_of_a_saga),
        WORLD_TEST(what_it_is_stuck_on_is_so),
        WORLD_TEST(without_its_definition_only_places_are_not_looked_at),
        WORLD_TEST(an_entry_offers_what_it_keeps),
        WORLD_TEST(a_cause_begins_what_it_can),
        WORLD_TEST(a_start_says_a_run_or_none),
    };
    return cmocka_run_group_tests_name("engine: what fits", tests, NULL, NULL);
}
