/* A saga, or an entry, that somebody has changed in Redis. The bytes are a course of events and of changes to the state between
 * them: after changes the state is written, read and looked at as a worker does; where it is taken for one that fits its
 * definition, deciding on it must neither crash nor lead to one that does not fit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "codec/codec.h"
#include "codec/message.h"
#include "engine/fits.h"
#include "engine/places.h"
#include "fuzz.h"
#include "made/made.h"

enum { DEFINITIONS = 128, LANES = 4, BEGUN_MS = 1000 };

static const char schedule_yaml[] =
    "saga: made\nversion: 1\nparticipants: { p: { commands: c, replies: r } }\n"
    "start: { every: 1h }\nsteps:\n"
    "  - { step: s1, send: p/C1, success: D1, compensate: none }\n";
static const char head[] = "participants: { p: { commands: c, replies: r } }\n"
                           "start: { topic: t, event: Go, key: .k }\ndeadline: 5m\n"
                           "on-completed: { publish: e/Done, body: .input }\n"
                           "defaults: { timeout: 10s, retry: { attempts: 2, backoff: 1s } }\n";
static const char input[] = "{\"k\":\"k1\",\"v\":\"v1\",\"list\":[1,2],\"n\":1,\"kid\":\"x\","
                            "\"yes\":true,\"no\":false}";

struct course {
    const uint8_t *at, *end;
    struct saga_arena arena;
    struct saga_codec *codec;
    const struct saga_definition *definition;
    struct saga_state *state;
    int64_t time_ms;
    bool changed;    /* since it was looked at */
    const char *why; /* it was not taken */
};

static unsigned take(struct course *c, unsigned below)
{
    unsigned byte = c->at < c->end ? *c->at++ : 0;
    return below ? byte % below : 0;
}

/* ---- definitions ---- */

static struct saga_definition *load(struct saga_slice yaml, struct saga_arena *arena)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    saga_diagnostics_init(&findings, arena);
    return saga_definition_load(yaml, "made", &findings, &definition) < 0 ? NULL : definition;
}

/* The first ones cost nothing to be told apart by a byte; some seeds give what does not load. */
static const struct saga_definition *definition_of(unsigned seed)
{
    static struct saga_definition *known[DEFINITIONS];
    static const char *const children[] = { "other", NULL };
    struct saga_arena arena;
    if (known[seed]) return known[seed];
    saga_arena_init(&arena);
    known[seed] = seed == 0 ? load(saga_slice_of(schedule_yaml), &arena) : NULL;
    for (uint64_t random = seed * 1000 + 1; !known[seed]; random++) {
        struct saga_buffer yaml;
        struct made made = { .random = random,
                             .name = "made",
                             .head = head,
                             .prefix = "",
                             .events = "told",
                             .keep_early = "1h",
                             .children = children,
                             .blocks = 4 + seed % 8,
                             .depth = 3,
                             .plain = true };
        saga_buffer_init(&yaml, &arena);
        made_definition(&made, &yaml);
        known[seed] = load(saga_buffer_slice(&yaml), &arena);
    }
    saga_arena_free(&arena);
    return known[seed];
}

/* ---- events ---- */

static const struct saga_step_state *some_step(struct course *c)
{
    static const struct saga_step_state none = { .path = { "none", 4 }, .target = { "s/1", 3 } };
    size_t count = c->state->step_count;
    return count ? &c->state->steps[take(c, 256) % count] : &none;
}

static struct saga_slice some_body(struct course *c)
{
    static const char *const bodies[] = { NULL, "{\"x\":1}", "[1]", "\"x\"",
                                          "{\"message\":\"m\"}" };
    return saga_slice_of(bodies[take(c, sizeof bodies / sizeof *bodies)]);
}

static struct saga_slice some_type(struct course *c, const struct saga_step_state *step)
{
    const struct saga_block *block =
        step->block < c->definition->block_count ? c->definition->blocks[step->block] : NULL;
    const bool is_step = block && block->kind == SAGA_BLOCK_STEP;
    switch (take(c, 6)) {
    case 0: return SAGA_SLICE("Unavailable");
    case 1: return SAGA_SLICE("completed");
    case 2:
        return is_step && block->step.failure.count ? block->step.failure.items[0]
                                                    : SAGA_SLICE("compensated");
    case 3:
        return is_step && block->step.compensate.failure.count
                   ? block->step.compensate.failure.items[0]
                   : SAGA_SLICE("Ok");
    default: return is_step ? block->step.success.items[0] : SAGA_SLICE("Told");
    }
}

static struct saga_event a_note(struct course *c)
{
    const struct saga_step_state *step = some_step(c);
    struct saga_event event = { .kind = SAGA_EVENT_NOTE,
                                .note = (enum saga_note)(1 + take(c, SAGA_NOTE_COUNT - 1)),
                                .run = c->state->run,
                                .step = step->path,
                                .from_id = step->target,
                                .from_run = SAGA_SLICE("r"),
                                .from_step = SAGA_SLICE("x"),
                                .target = c->state->id,
                                .id = SAGA_SLICE("e1"),
                                .keep_ms = 1000 };
    bool entry = c->state->kind != SAGA_KIND_SAGA;
    if (c->state->parent_id.size && take(c, 2)) {
        event.from_id = c->state->parent_id;
        event.from_run = c->state->parent_run;
        event.from_step = c->state->parent_step;
    }
    if (entry && c->state->waiter_count && take(c, 4)) {
        const struct saga_waiter *waiter =
            &c->state->waiters[take(c, 256) % c->state->waiter_count];
        event.from_id = waiter->id;
        event.from_run = waiter->run;
        event.from_step = waiter->step;
        if (waiter->offered.size && take(c, 2)) event.id = waiter->offered;
    } else if (entry) {
        event.from_id = saga_arena_printf(&c->arena, "s/%u", take(c, 4));
        event.id = saga_arena_printf(&c->arena, "e%u", take(c, 4));
    }
    if (!saga_is_id(event.from_id)) event.from_id = SAGA_SLICE("s/1"); /* its reader has looked */
    event.type = some_type(c, step);
    event.body =
        event.note == SAGA_NOTE_SCHEDULE_SET ? SAGA_SLICE("{\"version\":1}") : some_body(c);
    if (event.note == SAGA_NOTE_CHILD_START || event.note == SAGA_NOTE_SCHEDULE_START) {
        event.kind = SAGA_EVENT_START;
        event.key = c->state->key;
    }
    return event;
}

static struct saga_event an_event(struct course *c)
{
    static const char *const outcomes[] = { "completed", "compensated", "abandoned", "succeeded",
                                            "failed" };
    const struct saga_step_state *step;
    const struct saga_timer *timer;
    switch (take(c, 4)) {
    case 0:
        step = some_step(c);
        return (struct saga_event){ .kind = SAGA_EVENT_REPLY,
                                    .type = some_type(c, step),
                                    .run = c->state->run,
                                    .step = take(c, 4) ? step->path : SAGA_SLICE_NONE,
                                    .attempt = take(c, 3),
                                    .compensation = take(c, 2),
                                    .body = some_body(c) };
    case 1:
        timer = c->state->timer_count
                    ? &c->state->timers[take(c, 256) % c->state->timer_count]
                    : &(struct saga_timer){ .name = SAGA_SLICE("deadline"), .armed = 1 };
        return (struct saga_event){ .kind = SAGA_EVENT_TIMER,
                                    .timer = timer->name,
                                    .armed = timer->armed };
    case 2: {
        enum saga_verb verb = (enum saga_verb)(SAGA_VERB_CANCEL + take(c, SAGA_VERB_RESUME));
        return (struct saga_event){ .kind = SAGA_EVENT_OPERATOR,
                                    .verb = verb,
                                    .type = saga_slice_of(saga_verb_name(verb)),
                                    .as = saga_slice_of(outcomes[take(c, 5)]),
                                    .who = SAGA_SLICE("who"),
                                    .reason = SAGA_SLICE("why") };
    }
    default: return a_note(c);
    }
}

/* ---- changes ---- */

enum change_kind { INT, LONG, BOOL, TEXT, NAME };
struct change {
    enum change_kind kind;
    size_t offset;
    int count; /* of a name's values */
};
#define OF(type, member, ...)                                                                      \
    {                                                                                              \
        __VA_ARGS__, offsetof(struct type, member), 0                                              \
    }
#define NAMED(type, member, count)                                                                 \
    {                                                                                              \
        NAME, offsetof(struct type, member), count                                                 \
    }

static const struct change of_state[] = {
    OF(saga_state, id, TEXT),
    OF(saga_state, run, TEXT),
    OF(saga_state, key, TEXT),
    OF(saga_state, version, INT),
    OF(saga_state, sequence, LONG),
    OF(saga_state, paused, BOOL),
    OF(saga_state, pivoted, BOOL),
    OF(saga_state, resolved, BOOL),
    OF(saga_state, released, BOOL),
    OF(saga_state, reported, BOOL),
    OF(saga_state, has_error, BOOL),
    OF(saga_state, has_deferred, BOOL),
    OF(saga_state, started_ms, LONG),
    OF(saga_state, ended_ms, LONG),
    OF(saga_state, input, TEXT),
    OF(saga_state, vars, TEXT),
    OF(saga_state, parent_id, TEXT),
    OF(saga_state, parent_run, TEXT),
    OF(saga_state, stuck_step, TEXT),
    OF(saga_state, stuck_scope, INT),
    OF(saga_state, stuck_forward, BOOL),
    OF(saga_state, ended_steps, LONG),
    OF(saga_state, scope_ids, INT),
    OF(saga_state, trace, TEXT),
    NAMED(saga_state, status, SAGA_STATUS_COUNT),
    NAMED(saga_state, stuck_on, SAGA_STUCK_ON_COUNT),
    NAMED(saga_state, kind, SAGA_KIND_COUNT),
};
static const struct change of_scope[] = {
    OF(saga_scope, id, INT),     OF(saga_scope, parent, INT),   OF(saga_scope, block, INT),
    OF(saga_scope, index, INT),  OF(saga_scope, position, INT), OF(saga_scope, entered, BOOL),
    OF(saga_scope, ended, BOOL), OF(saga_scope, loop, BOOL),    OF(saga_scope, open, INT),
    OF(saga_scope, next, INT),   OF(saga_scope, total, INT),    OF(saga_scope, items, TEXT),
};
static const struct change of_step[] = {
    NAMED(saga_step_state, kind, SAGA_STEP_KIND_COUNT),
    NAMED(saga_step_state, status, SAGA_STEP_STATUS_COUNT),
    NAMED(saga_step_state, compensation, SAGA_COMPENSATION_STATUS_COUNT),
    OF(saga_step_state, path, TEXT),
    OF(saga_step_state, scope, INT),
    OF(saga_step_state, block, INT),
    OF(saga_step_state, attempt, INT),
    OF(saga_step_state, pivot, BOOL),
    OF(saga_step_state, unanswered, BOOL),
    OF(saga_step_state, ended_order, LONG),
    OF(saga_step_state, target, TEXT),
    OF(saga_step_state, topic, TEXT),
    OF(saga_step_state, body, TEXT),
    OF(saga_step_state, result, TEXT),
    OF(saga_step_state, compensation_attempt, INT),
    OF(saga_step_state, compensation_topic, TEXT),
    OF(saga_step_state, compensation_body, TEXT),
    OF(saga_step_state, sent_ms, LONG),
};
static const struct change of_timer[] = { OF(saga_timer, name, TEXT), OF(saga_timer, due_ms, LONG),
                                          OF(saga_timer, armed, LONG), OF(saga_timer, held, BOOL) };
static const struct change of_waiter[] = { OF(saga_waiter, id, TEXT), OF(saga_waiter, run, TEXT),
                                           OF(saga_waiter, step, TEXT),
                                           OF(saga_waiter, offered, TEXT) };
static const struct change of_kept[] = { OF(saga_kept_event, id, TEXT),
                                         OF(saga_kept_event, body, TEXT),
                                         OF(saga_kept_event, expires_ms, LONG),
                                         NAMED(saga_kept_event, status, SAGA_KEPT_STATUS_COUNT) };

static struct saga_slice some_text(struct course *c)
{
    static const char *const texts[] = { "",       "x",     "{}",   "[1,2]",    "{\"a\":1",
                                         "s/1",    "e1",    "keep", "deadline", "go-on",
                                         "tick",   "again", "null", "expire",   "step/s1",
                                         "wait/x", "c",     "[1]" };
    const unsigned count = sizeof texts / sizeof *texts;
    unsigned chosen = take(c, count + 6);
    const struct saga_step_state *step = some_step(c);
    switch (chosen) {
    case 0: return SAGA_SLICE_NONE;
    case 1: return step->path;
    case 2: return step->target;
    case 3: return saga_arena_printf(&c->arena, "step/%.*s", SAGA_SLICE_ARG(step->path));
    case 4: return saga_arena_printf(&c->arena, "compensation/%.*s", SAGA_SLICE_ARG(step->path));
    case 5: return saga_arena_printf(&c->arena, "wait/%.*s", SAGA_SLICE_ARG(step->path));
    default: return saga_slice_of(texts[chosen - 6]);
    }
}

static int64_t some_number(struct course *c)
{
    static const int64_t numbers[] = { INT32_MAX, INT32_MAX / 2, INT64_MAX, INT64_MIN, -1, 99 };
    unsigned byte = take(c, 256);
    return byte >= 250 ? numbers[byte - 250] : byte % 8;
}

static void change(struct course *c, void *item, const struct change *changes, size_t count)
{
    const struct change *one = &changes[take(c, 256) % count];
    char *at = (char *)item + one->offset;
    int64_t number = one->kind == TEXT || one->kind == BOOL ? 0 : some_number(c);
    struct saga_slice text = SAGA_SLICE_NONE;
    switch (one->kind) {
    case INT: memcpy(at, &(uint32_t){ (uint32_t)number }, sizeof(uint32_t)); return;
    case LONG: memcpy(at, &number, sizeof number); return;
    case BOOL: *(bool *)(void *)at = !*(bool *)(void *)at; return;
    case NAME:
        memcpy(at, &(int){ (int)((uint64_t)number % (uint64_t)one->count) }, sizeof(int));
        return;
    case TEXT:
        text = some_text(c);
        memcpy(at, &text, sizeof text);
        return;
    }
}

#define CHANGE_ONE(items, count, changes)                                                          \
    if (c->state->count)                                                                           \
    change(c, &c->state->items[take(c, 256) % c->state->count], changes,                           \
           sizeof(changes) / sizeof *(changes))
/* One of a list is there twice, or the last is not there any more. */
#define CHANGE_LIST(items, count, capacity)                                                        \
    if (c->state->count && take(c, 2)) {                                                           \
        __typeof__(*c->state->items) item = c->state->items[take(c, 256) % c->state->count];       \
        SAGA_PUSH(&c->state->arena, c->state->items, c->state->count, c->state->capacity, item);   \
    } else if (c->state->count) {                                                                  \
        c->state->count--;                                                                         \
    }                                                                                              \
    return

static void change_state(struct course *c)
{
    c->changed = true;
    switch (take(c, 11)) {
    case 0: change(c, c->state, of_state, sizeof of_state / sizeof *of_state); return;
    case 1:
    case 2: CHANGE_ONE(scopes, scope_count, of_scope); return;
    case 3:
    case 4: CHANGE_ONE(steps, step_count, of_step); return;
    case 5: CHANGE_ONE(timers, timer_count, of_timer); return;
    case 6: CHANGE_ONE(waiters, waiter_count, of_waiter); return;
    case 7: CHANGE_ONE(kept, kept_count, of_kept); return;
    case 8: CHANGE_LIST(scopes, scope_count, scope_capacity);
    case 9: CHANGE_LIST(steps, step_count, step_capacity);
    default: CHANGE_LIST(timers, timer_count, timer_capacity);
    }
}

/* ---- deciding ---- */

static bool is_taken(struct course *c)
{
    struct saga_diagnostic diagnostic = { 0 };
    bool fits = saga_state_fits(c->state, c->definition, &c->arena, &diagnostic) &&
                saga_state_values_fit(c->state, &c->arena, &diagnostic);
    if (!fits) c->why = saga_arena_string(&c->arena, diagnostic.what);
    return fits;
}

/* As it would be found in Redis. False: nobody takes it. */
static bool read_back(struct course *c)
{
    struct saga_slice bytes;
    struct saga_state *again;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_state_encode(c->codec, c->state, &c->arena, &bytes) < 0 ||
        saga_state_decode(c->codec, bytes, &c->arena, &again, &diagnostic) < 0)
        return false;
    saga_state_free(c->state);
    c->state = again;
    c->changed = false;
    return !again->forgotten && is_taken(c);
}

/* What a worker does with a decision. */
static void use(struct course *c, const struct saga_event *event, const struct saga_facts *facts)
{
    uint8_t chain[SAGA_SHA256_BYTES] = { 0 };
    struct saga_slice bytes;
    struct saga_message message;
    struct saga_journal_record record = saga_journal_record_of(c->state, event, facts);
    saga_journal_encode(c->codec, &record, chain, &c->arena, &bytes, chain);
    for (size_t i = 0; i < facts->count; i++) {
        if (facts->items[i].kind == SAGA_FACT_NOTE_SENT)
            saga_note_message(SAGA_SLICE("in"), LANES, &facts->items[i], c->state, &c->arena,
                              &message);
        else if (saga_fact_is_message(&facts->items[i]))
            saga_fact_message(&facts->items[i], c->state, c->time_ms, &c->arena, &message);
    }
    saga_state_json(c->state, true, &c->arena);
    for (size_t at = 0; saga_place_next(c->state, &at).data;) continue;
}

static bool decide(struct course *c, struct saga_event event)
{
    struct saga_facts facts = { 0 };
    bool missing = c->state->status != SAGA_STATUS_NONE && take(c, 16) == 15; /* R19 */
    if (c->state->status == SAGA_STATUS_NONE && !saga_event_begins(&event)) return false;
    event.time_ms = c->time_ms += 1000;
    event.source = (struct saga_position){ SAGA_SLICE("t"), 0, c->time_ms };
    if (!saga_event_fits(&event)) return true;
    saga_decide(missing ? NULL : c->definition, c->state, &event, &c->arena, &facts);
    use(c, &event, &facts);
    if (c->state->forgotten) return false;
    bool fits = is_taken(c);
    if (!fits) fprintf(stderr, "it led to a state of which is said: %s\n", c->why);
    SAGA_ASSERT(fits);
    return true;
}

static struct saga_event the_first(struct course *c)
{
    switch (take(c, 4)) {
    case 0:
        return (struct saga_event){ .kind = SAGA_EVENT_NOTE,
                                    .note = SAGA_NOTE_AWAIT_OPEN,
                                    .target = SAGA_SLICE("made~told~Told/v1"),
                                    .from_id = SAGA_SLICE("s/1"),
                                    .from_run = SAGA_SLICE("r"),
                                    .from_step = SAGA_SLICE("x") };
    case 1:
        return (struct saga_event){ .kind = SAGA_EVENT_NOTE,
                                    .note = SAGA_NOTE_SCHEDULE_SET,
                                    .target = SAGA_SLICE("made~schedule/made"),
                                    .from_id = SAGA_SLICE("made~schedule/made"),
                                    .body = SAGA_SLICE("{\"version\":1}") };
    case 2:
        return (struct saga_event){ .kind = SAGA_EVENT_START,
                                    .note = SAGA_NOTE_CHILD_START,
                                    .key = SAGA_SLICE("k1"),
                                    .body = saga_slice_of(input),
                                    .from_id = SAGA_SLICE("parent/1"),
                                    .from_run = SAGA_SLICE("r"),
                                    .from_step = SAGA_SLICE("x") };
    default:
        return (struct saga_event){ .kind = SAGA_EVENT_START,
                                    .type = SAGA_SLICE("Go"),
                                    .key = SAGA_SLICE("k1"),
                                    .body = saga_slice_of(input) };
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct saga_codec *codec;
    if (!codec) saga_codec_new(&codec);
    struct course c = { .at = data, .end = data + size, .codec = codec, .time_ms = BEGUN_MS };
    saga_arena_init(&c.arena);
    c.state = saga_state_new();
    c.definition = definition_of(take(&c, DEFINITIONS));
    bool goes_on = decide(&c, the_first(&c));
    while (goes_on && c.at < c.end) {
        if (take(&c, 3) == 0)
            change_state(&c);
        else
            goes_on = (!c.changed || read_back(&c)) && decide(&c, an_event(&c));
    }
    saga_state_free(c.state);
    saga_arena_free(&c.arena);
    return 0;
}
