/* What the journal says of sagas, of the events that they await and of their children, and whether it fits together. */
#include <stdio.h>

#include "base/assert.h"
#include "engine/engine.h"
#include "sim_check_internal.h"

/* ---- runs ---- */

static struct run *find_run(const struct sim_check *check, struct saga_slice saga_id,
                            struct saga_slice run)
{
    struct run *found;
    char name[512];
    int size =
        snprintf(name, sizeof name, "%.*s/%.*s", SAGA_SLICE_ARG(saga_id), SAGA_SLICE_ARG(run));
    HASH_FIND(hh, check->runs, name, (size_t)size, found);
    return found;
}

size_t sim_check_run_count(const struct sim_check *check)
{
    return HASH_COUNT(check->runs);
}

struct sim_run *sim_check_run(const struct sim_check *check, size_t index)
{
    struct run *run = check->runs;
    SAGA_ASSERT(index < HASH_COUNT(check->runs));
    while (index-- > 0) run = run->hh.next;
    return &run->told;
}

const struct sim_run *sim_check_find_run(const struct sim_check *check, struct saga_slice saga_id,
                                         struct saga_slice run)
{
    struct run *found = find_run(check, saga_id, run);
    return found ? &found->told : NULL;
}

static struct run *add_run(struct sim_check *check, const struct saga_journal_record *record)
{
    struct saga_arena *arena = &check->arena;
    struct run *run = SAGA_NEW(arena, struct run);
    struct saga_slice name = saga_arena_printf(arena, "%.*s/%.*s", SAGA_SLICE_ARG(record->saga_id),
                                               SAGA_SLICE_ARG(record->run));
    run->name = saga_arena_string(arena, name);
    run->told.saga_id = saga_arena_string(arena, record->saga_id);
    run->told.run = saga_arena_string(arena, record->run);
    run->told.status = SAGA_RUNNING;
    run->told.parent_id = run->told.parent_run = "";
    HASH_ADD_KEYPTR(hh, check->runs, run->name, name.size, run);
    return run;
}

static void take_step(struct sim_check *check, const struct run *run, const struct saga_fact *fact)
{
    struct once *once;
    struct saga_slice key =
        saga_arena_printf(&check->scratch, "%s/%.*s", run->name, SAGA_SLICE_ARG(fact->step));
    HASH_FIND(hh, check->failed, key.data, key.size, once);
    if (fact->kind == SAGA_FACT_STEP_FAILED && !once)
        sim_check_add_once(check, &check->failed, key);
    else if (fact->kind != SAGA_FACT_STEP_FAILED && once)
        HASH_DEL(check->failed, once); /* tried again */
}

bool sim_check_has_failed(const struct sim_check *check, const char *key)
{
    const struct once *once;
    HASH_FIND_STR(check->failed, key, once);
    return once != NULL;
}

static void take_start(struct sim_check *check, struct run *run, const struct saga_fact *fact)
{
    if (fact->parent_id.size == 0) return;
    sim_count(check->sim, CHILD_STARTED);
    run->told.parent_id = saga_arena_string(&check->arena, fact->parent_id);
    run->told.parent_run = saga_arena_string(&check->arena, fact->parent_run);
}

static void take_fact(struct sim_check *check, struct run *run, const struct saga_fact *fact)
{
    switch (fact->kind) {
    case SAGA_FACT_SAGA_STARTED: take_start(check, run, fact); break;
    case SAGA_FACT_STEP_SENT:
    case SAGA_FACT_STEP_SUCCEEDED:
    case SAGA_FACT_STEP_FAILED:
        take_step(check, run, fact);
        if (fact->kind == SAGA_FACT_STEP_FAILED && saga_slice_is(fact->type, "Timeout"))
            sim_count(check->sim, EVENT_TIMED_OUT);
        break;
    case SAGA_FACT_COMPENSATION_STARTED:
        if (run->told.status == SAGA_COMPLETED) sim_count(check->sim, CHILD_TAKEN_BACK);
        break;
    case SAGA_FACT_NOTE_SENT:
        if (fact->note == SAGA_NOTE_CHILD_REFUSED) sim_count(check->sim, CHILD_REFUSED);
        break;
    case SAGA_FACT_BLOCK_PASSED:
        if (saga_slice_is(fact->reason, "caught")) sim_count(check->sim, CAUGHT);
        break;
    case SAGA_FACT_NOTE_IGNORED: sim_count(check->sim, NOTE_IGNORED); break;
    case SAGA_FACT_START_IGNORED: sim_count(check->sim, START_IGNORED); break;
    case SAGA_FACT_REPLY_IGNORED: sim_count(check->sim, REPLY_IGNORED); break;
    case SAGA_FACT_TIMER_IGNORED: sim_count(check->sim, TIMER_IGNORED); break;
    case SAGA_FACT_STEP_UNKNOWN: sim_count(check->sim, STEP_UNKNOWN); break;
    case SAGA_FACT_SAGA_STUCK:
        sim_count(check->sim, STUCK);
        if (fact->stuck_on == SAGA_STUCK_ON_DEFINITION)
            sim_violate(check->sim, "%s is stuck for want of a definition that is there",
                        run->name);
        break;
    case SAGA_FACT_SAGA_COMPLETED: sim_count(check->sim, COMPLETED); break;
    case SAGA_FACT_SAGA_COMPENSATED: sim_count(check->sim, COMPENSATED); break;
    case SAGA_FACT_SAGA_FORGOTTEN: sim_count(check->sim, FORGOTTEN); break;
    case SAGA_FACT_STEP_SKIPPED:
    case SAGA_FACT_COMPENSATION_SKIPPED: run->told.by_hand = true; break;
    default: break;
    }
}

/* ---- awaited events (R21) and children (R22) ---- */

static struct kept *kept_event(struct sim_check *check, struct saga_slice entry,
                               struct saga_slice event)
{
    struct kept *kept;
    struct saga_slice name = saga_arena_printf(&check->scratch, "%.*s %.*s", SAGA_SLICE_ARG(entry),
                                               SAGA_SLICE_ARG(event));
    HASH_FIND(hh, check->kept, name.data, name.size, kept);
    if (kept) return kept;
    kept = SAGA_NEW(&check->arena, struct kept);
    kept->name = saga_arena_string(&check->arena, name);
    HASH_ADD_KEYPTR(hh, check->kept, kept->name, name.size, kept);
    return kept;
}

static void take_entry_fact(struct sim_check *check, const struct saga_journal_record *record,
                            const struct saga_fact *fact)
{
    struct kept *kept;
    switch (fact->kind) {
    case SAGA_FACT_EVENT_KEPT:
        kept = kept_event(check, record->saga_id, fact->text);
        if (record->cause.time_ms < kept->remembered_until_ms)
            sim_violate(check->sim, "%s: the event is kept once more, as if it had not come before",
                        kept->name);
        kept->remembered_until_ms = fact->due_ms;
        break;
    case SAGA_FACT_EVENT_OFFERED:
        if (record->cause.note == SAGA_NOTE_AWAIT_OPEN) sim_count(check->sim, EVENT_EARLY);
        break;
    case SAGA_FACT_EVENT_TAKEN:
        kept_event(check, record->saga_id, fact->text)->taken++;
        sim_count(check->sim, EVENT_TAKEN);
        break;
    case SAGA_FACT_EVENT_RETURNED: sim_count(check->sim, EVENT_RETURNED); break;
    case SAGA_FACT_EVENT_DROPPED:
        if (saga_slice_is(fact->reason, "nobody-asked")) sim_count(check->sim, EVENT_UNASKED);
        break;
    case SAGA_FACT_NOTE_IGNORED:
        sim_count(check->sim, NOTE_IGNORED);
        if (record->cause.note == SAGA_NOTE_AWAIT_EVENT) sim_count(check->sim, EVENT_TWICE);
        break;
    default: break;
    }
}

/* What a note led to. */
static void take_note(struct sim_check *check, const struct saga_journal_record *record)
{
    const struct saga_event *cause = &record->cause;
    for (size_t i = 0; i < record->fact_count; i++) {
        enum saga_fact_kind kind = record->facts[i].kind;
        if (cause->note == SAGA_NOTE_AWAIT_MATCH && kind == SAGA_FACT_STEP_SUCCEEDED)
            kept_event(check, cause->from_id, cause->id)->succeeded++;
        if (cause->note == SAGA_NOTE_CHILD_CANCEL && kind == SAGA_FACT_COMPENSATION_STARTED)
            sim_count(check->sim, CHILD_CANCELLED);
    }
    if (cause->note != SAGA_NOTE_CHILD_ENDED) return;
    if (saga_slice_is(cause->type, "AlreadyExists")) sim_count(check->sim, CHILD_EXISTS);
    if (saga_slice_is(cause->type, "NoSuchSaga")) sim_count(check->sim, CHILD_UNKNOWN);
}

static void check_child(struct sim_check *check, const struct sim_run *child)
{
    const struct sim_run *parent = sim_check_find_run(check, saga_slice_of(child->parent_id),
                                                      saga_slice_of(child->parent_run));
    if (!parent)
        sim_violate(check->sim, "%s is the child of %s, which is not in the journal",
                    child->saga_id, child->parent_id);
    else if (parent->status == SAGA_COMPENSATED && !parent->by_hand &&
             child->status == SAGA_COMPLETED)
        sim_violate(check->sim, "%s stayed completed, its parent %s is compensated", child->saga_id,
                    parent->saga_id);
}

void sim_check_families(struct sim_check *check)
{
    for (const struct run *run = check->runs; run; run = run->hh.next)
        if (run->told.parent_id[0]) check_child(check, &run->told);
    for (const struct kept *kept = check->kept; kept; kept = kept->hh.next)
        if (kept->taken != kept->succeeded)
            sim_violate(check->sim,
                        "%s: its entry says that it was taken %u times, it was %u times",
                        kept->name, kept->taken, kept->succeeded);
}

void sim_check_facts(struct sim_check *check, const struct saga_journal_record *record,
                     const struct saga_state *state)
{
    if (sim_check_schedule(check, record)) return;
    if (saga_id_is_entry(record->saga_id)) {
        for (size_t i = 0; i < record->fact_count; i++)
            take_entry_fact(check, record, &record->facts[i]);
        return;
    }
    struct run *run = find_run(check, record->saga_id, record->run);
    bool refused = false;
    if (record->cause.kind == SAGA_EVENT_NOTE) take_note(check, record);
    if (record->cause.kind == SAGA_EVENT_START) sim_check_scheduled_start(check, record);
    if (!run) run = add_run(check, record);
    for (size_t i = 0; i < record->fact_count; i++) {
        enum saga_fact_kind kind = record->facts[i].kind;
        take_fact(check, run, &record->facts[i]);
        refused =
            refused || kind == SAGA_FACT_OPERATOR_REFUSED || kind == SAGA_FACT_OPERATOR_IGNORED;
    }
    if (record->cause.kind == SAGA_EVENT_TIMER) sim_count(check->sim, TIMER);
    if (record->cause.kind == SAGA_EVENT_OPERATOR && !refused) {
        sim_count(check->sim, OPERATOR_TAKEN);
        run->told.by_hand = run->told.by_hand || record->cause.verb == SAGA_VERB_RESOLVE;
    }
    if (!state) return; /* forgotten: it had ended */
    run->told.status = state->status;
    run->told.paused = state->paused;
}
