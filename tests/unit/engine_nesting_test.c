/* Properties of the engine over generated families of definitions (made/made.h): blocks of every kind inside of each other,
 * awaited events, child sagas and their children. A post office holds all sagas and entries and brings their notes: those
 * from one lane to another in their order, else in any. A failing seed is printed; SAGA_SEED=n runs that one alone,
 * SAGA_SEEDS=n as many, SAGA_TELL=1 tells what is decided. What must hold after each event, beside what engine_property_test.c says of lists of steps:
 *   - the state is a valid one; evolving the facts, read back from the journal, gives the same; deciding again, on the
 *     state read back from its stored form, gives the same record;
 *   - no command's id is used twice, no two steps have one path, no more rounds of a loop are open than may be;
 *   - once a saga compensates it sends nothing forward, and takes nothing back while something is in flight; behind the
 *     pivot nothing is taken back;
 *   - what is taken back goes in the reverse order of completion, but for branches of one `parallel`;
 *   - an event from outside is taken by one saga;
 * and in the end, after enough kind answers:
 *   - every saga has ended; what was done by one that was compensated is taken back, its children with it;
 *   - every child was let go, every saga and every entry is forgotten, and nobody waits at an entry. */
#include "unit/engine_family.h"

enum {
    SEEDS = 1500,
    WORLDS_EACH = 15,
    EVENTS_MAX = 160,
    DRIVE_MAX = 4000,
    IDLE_MAX = 200,
    STARTS_MAX = 4
};

#define HEAD                                                                                       \
    "participants: { p: { commands: c, replies: r } }\n"                                           \
    "start: { topic: t, event: Go, key: .k }\nkeep: 1h\n"

/* ---- definitions ---- */

static struct saga_definition *make(struct made *made, struct saga_arena *arena, unsigned seed)
{
    for (int attempt = 0; attempt < 50; attempt++) {
        struct saga_buffer yaml;
        struct saga_diagnostics findings;
        struct saga_definition *definition;
        struct made again = *made; /* the dice go on, the bounds are those of the beginning */
        saga_buffer_init(&yaml, arena);
        made_definition(&again, &yaml);
        made->random = again.random;
        saga_diagnostics_init(&findings, arena);
        struct saga_slice text = saga_buffer_slice(&yaml);
        if (saga_definition_load(text, "made", &findings, &definition) == 0) return definition;
    }
    fail_msg("seed %u: no legal definition in 50", seed);
    return NULL;
}

/* Grandparent, parent, child; who calls somebody may call a saga that there is not. */
static void make_family(unsigned seed, struct saga_definition *ret[FAMILY])
{
    static const char *const below_first[] = { "second", "third", "second", "nobody", NULL };
    static const char *const below_second[] = { "third", "third", "nobody", NULL };
    static const char *const names[] = { "first", "second", "third" };
    static const char *const prefixes[] = { "a", "b", "c" };
    static const char *const *const below[] = { below_first, below_second, NULL };
    struct saga_arena arena;
    struct made made = { .random = (seed / WORLDS_EACH) * 0xD1B54A32D192ED03ULL + 1 };
    saga_arena_init(&arena);
    for (unsigned i = 0; i < FAMILY; i++) {
        bool deadline = made_dice(&made.random, 3) == 0;
        made.name = names[i];
        made.prefix = prefixes[i];
        made.children = below[i];
        made.head = deadline ? HEAD "deadline: 3m\n" : HEAD;
        made.events = "ev";
        made.keep_early = "10m";
        made.blocks = i == 0 ? 14 : 7;
        made.depth = i == 0 ? 3 : 2;
        made.wrong = made_dice(&made.random, 3) == 0;
        ret[i] = make(&made, &arena, seed);
    }
    saga_arena_free(&arena);
}

/* ---- events ---- */

static void start(struct family *f, unsigned definition, unsigned key)
{
    static const char *const lists[] = { "[]", "[1]", "[1,2,3]", "[\"a\",null,{\"b\":2},4]" };
    struct saga_event event = { .kind = SAGA_EVENT_START };
    event.key = saga_arena_printf(&f->arena, "%u", key);
    event.body =
        saga_arena_printf(&f->arena, "{\"k\":\"%u\",\"v\":\"v%u\",\"list\":%s,\"n\":%u,\"kid\":%u}",
                          key, dice(f, 2), lists[dice(f, 4)], dice(f, 6), dice(f, 4));
    decide(f,
           saga_arena_printf(&f->arena, "%.*s/%u", SAGA_SLICE_ARG(f->definitions[definition]->name),
                             key),
           &event);
}

/* The family's definition that a saga is of, as the letter of its types. */
static char letter_of(const struct family *f, const struct box *box)
{
    for (int i = 0; i < FAMILY; i++)
        if (saga_slice_equal(f->definitions[i]->name, box->state->name)) return (char)('a' + i);
    fail_msg("%s is of no definition", box->id);
    return 0;
}

static void reply(struct family *f, const struct box *box, const struct saga_step_state *step,
                  char answer, uint32_t attempt, bool back)
{
    static const char *const bodies[] = { NULL, "{\"x\":1}", "{\"x\":\"one\"}", "[]" };
    struct saga_event event = { .kind = SAGA_EVENT_REPLY,
                                .attempt = attempt,
                                .compensation = back };
    event.type = answer == 'X' ? SAGA_SLICE("Unavailable")
                               : saga_arena_printf(&f->arena, "%c%c%lu", answer, letter_of(f, box),
                                                   strtoul(step->path.data + 1, NULL, 10));
    event.step = dice(f, 12) ? saga_arena_copy(&f->arena, step->path) : SAGA_SLICE_NONE;
    event.body = saga_slice_of(bodies[dice(f, 4)]);
    event.run = dice(f, 20) ? box->state->run : SAGA_SLICE_NONE;
    decide(f, saga_slice_of(box->id), &event);
}

static bool is_open(const struct saga_step_state *step)
{
    return step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF;
}

static bool is_taken_back(const struct saga_step_state *step)
{
    return step->compensation == SAGA_COMPENSATION_SENT ||
           step->compensation == SAGA_COMPENSATION_BACKOFF;
}

/* Mostly what a service would say of what is open, now and then of something long ago. */
static void likely_reply(struct family *f, const struct box *box)
{
    size_t count = box->state->step_count, from = count ? dice(f, (unsigned)count) : 0;
    const struct saga_step_state *step = NULL;
    for (size_t i = 0; i < count && !step; i++) {
        const struct saga_step_state *at = &box->state->steps[(from + i) % count];
        bool waits = is_open(at) || is_taken_back(at);
        if (at->kind == SAGA_STEP_COMMAND && (waits || dice(f, 20) == 0)) step = at;
    }
    if (!step) return;
    bool back = is_taken_back(step) || (step->compensation_attempt && dice(f, 2));
    uint32_t attempt = back ? step->compensation_attempt : step->attempt;
    if (dice(f, 6) == 0) attempt = dice(f, attempt + 2);
    reply(f, box, step, (back ? "UUUUGX" : "DDDDDDDFFX")[dice(f, back ? 6 : 10)], attempt, back);
}

static void ring(struct family *f, const struct box *box, const struct saga_timer *timer,
                 uint64_t armed)
{
    struct saga_event event = { .kind = SAGA_EVENT_TIMER,
                                .timer = saga_arena_copy(&f->arena, timer->name),
                                .armed = armed };
    if (timer->due_ms > f->time_ms) f->time_ms = timer->due_ms;
    decide(f, saga_slice_of(box->id), &event);
}

static void ring_any(struct family *f, const struct box *box)
{
    const struct saga_timer *timer =
        &box->state->timers[dice(f, (unsigned)box->state->timer_count)];
    ring(f, box, timer, dice(f, 6) ? timer->armed : timer->armed + 1);
}

static void say(struct family *f, const struct box *box, enum saga_verb verb, const char *as)
{
    struct saga_event event = { .kind = SAGA_EVENT_OPERATOR,
                                .verb = verb,
                                .as = saga_slice_of(as) };
    if (box->state->status != SAGA_STATUS_NONE && box->state->kind == SAGA_KIND_SAGA)
        decide(f, saga_slice_of(box->id), &event);
}

/* An event of the outside, now and then twice. */
static void event_comes(struct family *f, unsigned definition, unsigned type, unsigned value)
{
    static const char *const types[] = { "Told", "Said" };
    struct saga_event event = { .kind = SAGA_EVENT_NOTE,
                                .note = SAGA_NOTE_AWAIT_EVENT,
                                .type = saga_slice_of(types[type]),
                                .keep_ms = 600000 };
    event.target =
        saga_correlation_id(&f->arena, f->definitions[definition]->name, SAGA_SLICE("ev"),
                            event.type, saga_arena_printf(&f->arena, "v%u", value));
    event.id = saga_arena_printf(&f->arena, "x%lld", (long long)f->offset);
    event.body = saga_arena_printf(&f->arena, "{\"v\":\"v%u\"}", value);
    if (dice(f, 4) == 0) event.id = SAGA_SLICE_NONE;
    decide(f, event.target, &event);
    if (event.id.size && dice(f, 6) == 0) decide(f, event.target, &event);
}

static void interfere(struct family *f, const struct box *box)
{
    static const char *const outcomes[] = { "succeeded", "failed", "completed", "compensated",
                                            "abandoned" };
    switch (dice(f, 6)) {
    case 0: say(f, box, SAGA_VERB_CANCEL, NULL); return;
    case 1: say(f, box, SAGA_VERB_PAUSE, NULL); return;
    case 2: say(f, box, SAGA_VERB_RESUME, NULL); return;
    case 3: say(f, box, SAGA_VERB_RETRY, NULL); return;
    case 4: say(f, box, SAGA_VERB_SKIP, NULL); return;
    default:
        if (dice(f, 4) == 0) say(f, box, SAGA_VERB_RESOLVE, outcomes[dice(f, 5)]);
    }
}

static void anything(struct family *f, unsigned starts)
{
    const struct box *box = &f->boxes[dice(f, (unsigned)f->box_count)];
    f->time_ms += dice(f, 1000);
    unsigned what = dice(f, 20);
    if (what < 8 && f->note_count)
        deliver_one(f);
    else if (what < 14)
        likely_reply(f, box);
    else if (what < 16 && box->state->timer_count)
        ring_any(f, box);
    else if (what == 16)
        event_comes(f, dice(f, FAMILY), dice(f, 2), dice(f, 2));
    else if (what == 17 && dice(f, 2))
        interfere(f, box);
    else if (what == 18 && dice(f, 8) == 0)
        start(f, dice(f, FAMILY), 1 + dice(f, starts));
}

/* ---- to the end ---- */

/* Answers what is open, rings what is armed, mends what is stuck. False: there is nothing to do. */
static bool drive_saga(struct family *f, const struct box *box)
{
    const struct saga_state *state = box->state;
    if (state->paused) {
        say(f, box, SAGA_VERB_RESUME, NULL);
        return true;
    }
    if (state->status == SAGA_STUCK) {
        if (state->stuck_on == SAGA_STUCK_ON_PIVOT)
            say(f, box, SAGA_VERB_RESOLVE, dice(f, 2) ? "succeeded" : "failed");
        else
            say(f, box, dice(f, 2) ? SAGA_VERB_RETRY : SAGA_VERB_SKIP, NULL);
        return true;
    }
    for (size_t i = 0; i < state->step_count; i++) {
        const struct saga_step_state *step = &state->steps[i];
        if (step->kind != SAGA_STEP_COMMAND || !(is_open(step) || is_taken_back(step))) continue;
        bool back = is_taken_back(step);
        reply(f, box, step, back ? 'Z' : 'D', back ? step->compensation_attempt : step->attempt,
              back);
        return true;
    }
    for (size_t i = 0; i < state->timer_count; i++) {
        if (saga_slice_is(state->timers[i].name, "deadline")) continue;
        ring(f, box, &state->timers[i], state->timers[i].armed);
        return true;
    }
    return false;
}

static bool drive(struct family *f)
{
    bool moved = false, all_ended = true;
    if (f->note_count) {
        deliver_one(f);
        return true;
    }
    for (size_t i = 0; i < f->box_count && !f->note_count; i++) {
        const struct box *box = &f->boxes[i];
        if (box->state->kind != SAGA_KIND_SAGA || box->state->status == SAGA_STATUS_NONE ||
            saga_status_has_ended(box->state->status))
            continue;
        all_ended = false;
        moved = drive_saga(f, box) || moved;
    }
    if (moved || f->note_count) return true;
    if (all_ended) return false;
    /* only events are awaited any more, without a timeout */
    if (++f->idle > IDLE_MAX) return false;
    for (unsigned i = 0; i < FAMILY * 4; i++) event_comes(f, i / 4, i % 2, i / 2 % 2);
    return true;
}

static const struct box *parent_of(struct family *f, const struct saga_state *child)
{
    for (size_t i = 0; i < f->box_count; i++)
        if (saga_slice_is(child->parent_id, f->boxes[i].id) &&
            saga_slice_equal(child->parent_run, f->boxes[i].state->run))
            return &f->boxes[i];
    return NULL;
}

/* What became of a child fits what became of its parent. */
static void check_child(struct family *f, const struct box *box)
{
    const struct saga_state *child = box->state;
    MUST(f, child->released, "%s was not let go by %.*s", box->id,
         SAGA_SLICE_ARG(child->parent_id));
    const struct box *parent = parent_of(f, child);
    if (!parent || parent->state->status != SAGA_COMPENSATED || parent->state->resolved) return;
    const struct saga_step_state *step = saga_state_step(parent->state, child->parent_step);
    MUST(f,
         child->status != SAGA_COMPLETED || child->resolved ||
             (step && step->compensation == SAGA_COMPENSATION_SKIPPED),
         "%s stayed completed, its parent %s was compensated", box->id, parent->id);
}

static void forget(struct family *f, const struct box *box)
{
    for (int i = 0; i < 100 && !box->state->forgotten; i++) {
        MUST(f, box->state->timer_count > 0, "%s is not forgotten, and %zu wait there", box->id,
             box->state->waiter_count);
        ring(f, box, &box->state->timers[0], box->state->timers[0].armed);
    }
    MUST(f, box->state->forgotten, "%s is not forgotten", box->id);
}

static void check_end(struct family *f)
{
    for (size_t i = 0; i < f->box_count; i++) {
        const struct saga_state *state = f->boxes[i].state;
        if (state->status == SAGA_STATUS_NONE || state->forgotten) continue;
        MUST(f, state->kind != SAGA_KIND_SAGA || saga_status_has_ended(state->status),
             "%s does not end, it is %s", f->boxes[i].id, saga_status_name(state->status));
        MUST(f, state->waiter_count == 0, "%s: somebody still waits there", f->boxes[i].id);
        if (state->parent_id.size) check_child(f, &f->boxes[i]);
    }
    for (size_t i = 0; i < f->box_count; i++)
        if (f->boxes[i].state->status != SAGA_STATUS_NONE) forget(f, &f->boxes[i]);
    assert_int_equal(f->note_count, 0);
}

static void live(struct family *f)
{
    unsigned events = dice(f, EVENTS_MAX), starts = 1 + dice(f, STARTS_MAX);
    for (unsigned i = 1; i <= starts; i++) start(f, dice(f, 4) ? 0 : dice(f, FAMILY), i);
    f->definition_may_miss = dice(f, 4) == 0;
    for (unsigned i = 0; i < events; i++) anything(f, starts);
    f->definition_may_miss = false;
    for (unsigned i = 0; i < DRIVE_MAX && drive(f); i++) {
    }
    check_end(f);
}

static void run_seed(struct saga_codec *codec, struct saga_definition **definitions, unsigned seed)
{
    static struct family f; /* large */
    f = (struct family){ .random = seed * 0x9E3779B97F4A7C15ULL + 1,
                         .seed = seed,
                         .codec = codec,
                         .definitions = definitions,
                         .time_ms = 1000000,
                         .tells = getenv("SAGA_TELL") != NULL };
    saga_arena_init(&f.arena);
    live(&f);
    for (size_t i = 0; i < f.box_count; i++) {
        saga_state_free(f.boxes[i].state);
        saga_state_free(f.boxes[i].replayed);
    }
    HASH_CLEAR(hh, f.command_ids);
    HASH_CLEAR(hh, f.taken_events);
    saga_arena_free(&f.arena);
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
        struct saga_definition *definitions[FAMILY];
        unsigned next = (seed / WORLDS_EACH + 1) * WORLDS_EACH;
        make_family(seed, definitions);
        for (; seed < next && seed < first + seeds; seed++) run_seed(codec, definitions, seed);
        for (int i = 0; i < FAMILY; i++) saga_definition_free(definitions[i]);
    }
    saga_codec_free(codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(properties_hold) };
    return cmocka_run_group_tests_name("properties of families of sagas", tests, NULL, NULL);
}
