#include "explore/moves.h"

#include "explore/play.h"

struct finding_moves {
    const struct saga_definition *definition;
    const struct saga_state *state;
    struct saga_arena *arena;
    struct saga_moves *moves;
    uint64_t closed; /* of what is added now */
};

static void add(struct finding_moves *f, struct saga_event event)
{
    event.time_ms = SAGA_PLAY_BEGIN_MS;
    event.run = f->state->run;
    SAGA_PUSH(f->arena, f->moves->items, f->moves->count, f->moves->capacity,
              (struct saga_move){ event, f->closed });
}

/* FNV-1a over a name, how what it names has ended, and how far the saga is. */
static uint64_t closed_hash(const struct saga_state *state, struct saga_slice name, uint64_t how)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < name.size; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * 0x100000001b3ULL;
    hash = (hash ^ how) * 0x100000001b3ULL;
    hash = (hash ^ (uint64_t)state->status << 2 ^ (uint64_t)state->paused << 1 ^
            (uint64_t)state->pivoted) *
           0x100000001b3ULL;
    return hash ? hash : 1;
}

/* An answer to a step whose outcome is known, or that is being taken back, should change nothing. */
static uint64_t forward_closed(const struct saga_state *state, const struct saga_step_state *step)
{
    bool open = step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF ||
                (step->status == SAGA_STEP_UNKNOWN && step->compensation == SAGA_COMPENSATION_NONE);
    return open ? 0
                : closed_hash(state, step->path, (uint64_t)step->status << 8 | step->compensation);
}

static uint64_t backward_closed(const struct saga_state *state, const struct saga_step_state *step)
{
    bool open = step->compensation == SAGA_COMPENSATION_SENT ||
                step->compensation == SAGA_COMPENSATION_BACKOFF ||
                step->compensation == SAGA_COMPENSATION_EXHAUSTED;
    return open ? 0
                : closed_hash(state, step->path,
                              1 << 16 | (uint64_t)step->status << 8 | step->compensation);
}

/* ---- answers of services ---- */

static void add_reply(struct finding_moves *f, const struct saga_step_state *step,
                      struct saga_slice type, bool compensation, uint32_t attempt)
{
    add(f, (struct saga_event){ .kind = SAGA_EVENT_REPLY,
                                .type = type,
                                .step = step->path,
                                .attempt = attempt,
                                .compensation = compensation,
                                .body = SAGA_SLICE("{}") });
}

/* Where none is named: of a compensation any other answer is one, of a command none is. */
static struct saga_slice success_of(const struct saga_names *success)
{
    return success->count ? success->items[0] : SAGA_SLICE("Done");
}

static void add_command_replies(struct finding_moves *f, const struct saga_step_state *step)
{
    const struct saga_step *declared = &f->definition->blocks[step->block]->step;
    bool open = step->status == SAGA_STEP_SENT || step->status == SAGA_STEP_BACKOFF;
    struct saga_slice success = success_of(&declared->success);
    if (step->attempt == 0) return; /* skipped before anything was sent */
    add_reply(f, step, success, false, step->attempt);
    for (size_t i = 0; i < declared->failure.count; i++)
        add_reply(f, step, declared->failure.items[i], false, step->attempt);
    if (step->status == SAGA_STEP_SENT && declared->retry.on.count)
        add_reply(f, step, declared->retry.on.items[0], false, step->attempt);
    if (!open || step->attempt == 1) return;
    add_reply(f, step, success, false, step->attempt - 1);
    if (declared->failure.count)
        add_reply(f, step, declared->failure.items[0], false, step->attempt - 1);
}

static void add_compensation_replies(struct finding_moves *f, const struct saga_step_state *step)
{
    const struct saga_compensate *declared = &f->definition->blocks[step->block]->step.compensate;
    struct saga_slice success = success_of(&declared->success);
    if (step->compensation_attempt == 0) return;
    add_reply(f, step, success, true, step->compensation_attempt);
    for (size_t i = 0; i < declared->failure.count; i++)
        add_reply(f, step, declared->failure.items[i], true, step->compensation_attempt);
    if (step->compensation == SAGA_COMPENSATION_SENT && declared->retry.on.count)
        add_reply(f, step, declared->retry.on.items[0], true, step->compensation_attempt);
    if (step->compensation == SAGA_COMPENSATION_SENT && step->compensation_attempt > 1)
        add_reply(f, step, success, true, step->compensation_attempt - 1);
}

/* ---- children and awaited events ---- */

static void add_note(struct finding_moves *f, const struct saga_step_state *step,
                     enum saga_note note, const char *type)
{
    add(f, (struct saga_event){ .kind = SAGA_EVENT_NOTE,
                                .note = note,
                                .type = saga_slice_of(type),
                                .step = step->path,
                                .from_id = step->target,
                                .id = SAGA_SLICE("event"),
                                .body = SAGA_SLICE("{}") });
}

static void add_child_notes(struct finding_moves *f, const struct saga_step_state *step)
{
    static const char *const ends[] = { "completed", "compensated", "abandoned", "AlreadyExists",
                                        "NoSuchSaga" };
    bool open = step->status == SAGA_STEP_SENT;
    f->closed = forward_closed(f->state, step);
    for (size_t i = 0; i < (open ? sizeof ends / sizeof ends[0] : 1); i++)
        add_note(f, step, SAGA_NOTE_CHILD_ENDED, ends[i]);
    f->closed = backward_closed(f->state, step);
    if (step->compensation != SAGA_COMPENSATION_NONE)
        add_note(f, step, SAGA_NOTE_CHILD_COMPENSATED, "compensated");
    if (step->compensation == SAGA_COMPENSATION_SENT)
        add_note(f, step, SAGA_NOTE_CHILD_REFUSED, "refused");
    f->closed = 0;
}

static void add_answers(struct finding_moves *f, const struct saga_step_state *step)
{
    switch (step->kind) {
    case SAGA_STEP_COMMAND:
        f->closed = forward_closed(f->state, step);
        add_command_replies(f, step);
        f->closed = backward_closed(f->state, step);
        add_compensation_replies(f, step);
        f->closed = 0;
        return;
    case SAGA_STEP_AWAIT:
        f->closed = forward_closed(f->state, step);
        add(f, (struct saga_event){ .kind = SAGA_EVENT_NOTE,
                                    .note = SAGA_NOTE_AWAIT_MATCH,
                                    .type = f->definition->blocks[step->block]->await.event,
                                    .step = step->path,
                                    .from_id = step->target,
                                    .id = SAGA_SLICE("event"),
                                    .body = SAGA_SLICE("{}") });
        f->closed = 0;
        return;
    case SAGA_STEP_CHILD: add_child_notes(f, step); return;
    case SAGA_STEP_KIND_COUNT: return;
    }
}

/* ---- time and people ---- */

static void add_alarms(struct finding_moves *f)
{
    for (size_t i = 0; i < f->state->timer_count; i++) {
        const struct saga_timer *timer = &f->state->timers[i];
        if (!timer->held)
            add(f, (struct saga_event){
                       .kind = SAGA_EVENT_TIMER, .timer = timer->name, .armed = timer->armed });
    }
    f->closed = closed_hash(f->state, SAGA_SLICE("stale"), 0);
    if (f->state->timer_count) /* an alarm of what was armed before */
        add(f, (struct saga_event){ .kind = SAGA_EVENT_TIMER,
                                    .timer = f->state->timers[0].name,
                                    .armed = f->state->timers[0].armed - 1 });
    f->closed = 0;
}

static void add_verb(struct finding_moves *f, enum saga_verb verb)
{
    add(f, (struct saga_event){ .kind = SAGA_EVENT_OPERATOR,
                                .type = saga_slice_of(saga_verb_name(verb)),
                                .verb = verb,
                                .who = SAGA_SLICE("operator"),
                                .reason = SAGA_SLICE("because") });
}

static void add_outcome(struct finding_moves *f, const char *as)
{
    add_verb(f, SAGA_VERB_RESOLVE);
    f->moves->items[f->moves->count - 1].event.as = saga_slice_of(as);
}

static void add_verbs(struct finding_moves *f, bool pauses)
{
    const struct saga_state *state = f->state;
    if (saga_status_has_ended(state->status)) return;
    add_verb(f, SAGA_VERB_CANCEL);
    if (state->status == SAGA_STUCK) {
        add_verb(f, SAGA_VERB_RETRY);
        add_verb(f, SAGA_VERB_SKIP);
        if (state->stuck_on == SAGA_STUCK_ON_PIVOT) {
            add_outcome(f, "succeeded");
            add_outcome(f, "failed");
        }
    }
    if (pauses) add_verb(f, state->paused ? SAGA_VERB_RESUME : SAGA_VERB_PAUSE);
}

static void add_start(struct finding_moves *f, struct saga_slice input)
{
    struct saga_slice type = SAGA_SLICE_NONE;
    if (f->definition->start_count) type = f->definition->starts[0].event;
    add(f, (struct saga_event){ .kind = SAGA_EVENT_START,
                                .type = type,
                                .key = SAGA_SLICE("k"),
                                .body = input.data ? input : SAGA_SLICE("{}"),
                                .source = { SAGA_SLICE("topic"), 0, 0 } });
    f->moves->items[f->moves->count - 1].event.run = SAGA_SLICE_NONE;
}

void saga_moves_of(const struct saga_definition *definition, const struct saga_state *state,
                   struct saga_slice input, bool pauses, struct saga_arena *arena,
                   struct saga_moves *ret)
{
    struct finding_moves f = { definition, state, arena, ret, 0 };
    *ret = (struct saga_moves){ 0 };
    if (state->forgotten) return;
    if (state->status != SAGA_STATUS_NONE) f.closed = closed_hash(state, SAGA_SLICE("start"), 0);
    add_start(&f, input);
    f.closed = 0;
    if (state->status == SAGA_STATUS_NONE) return;
    for (size_t i = 0; i < state->step_count; i++) add_answers(&f, &state->steps[i]);
    add_alarms(&f);
    add_verbs(&f, pauses);
}
