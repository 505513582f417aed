/* A batch (architecture.md, A batch): records and due timers in, one transaction out, then Redis.
 *
 * Everything is built in the worker's arena on working copies, so that whatever goes wrong before a definite commit
 * leaves nothing behind: the batch is simply run again, or dropped. */
#include <stdlib.h>
#include <string.h>

#include "base/mutation.h"
#include "runtime/batch_internal.h"
#include "runtime/operations.h"

enum { UNEXPECTED_LOG_MS = 5000 };

/* ---- loading ---- */

static int by_lane(const void *left, const void *right)
{
    const struct saga_item *a = left, *b = right;
    if (a->in->lane != b->in->lane) return a->in->lane < b->in->lane ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static int load_lane(struct saga_batch *b, struct saga_lane *lane, const struct saga_item *items,
                     size_t count, size_t *room)
{
    struct saga_slice *ids = NULL;
    size_t id_count = 0, id_capacity = 0;
    struct saga_diagnostic diagnostic = { 0 };
    for (size_t i = 0; i < count; i++) {
        SAGA_PUSH(b->arena, ids, id_count, id_capacity, items[i].in->saga_id);
        for (size_t c = 1; c < items[i].in->candidate_count; c++)
            SAGA_PUSH(b->arena, ids, id_count, id_capacity, items[i].in->candidates[c]);
    }
    memcpy(lane->working_chain, lane->chain, sizeof lane->chain);
    int error = saga_lane_load(lane, &b->w->config.store, b->w->codec, ids, id_count, room,
                               b->arena, &diagnostic);
    if (error < 0)
        saga_worker_note(b->w, "lane %u: %.*s", lane->number, SAGA_SLICE_ARG(diagnostic.what));
    if (error != SAGA_E_INVALID) return error;
    lane->distrusted = true; /* a state that is damaged: the lane is built anew */
    return SAGA_E_CONFLICT;
}

/* What is alone is taken whatever it comes to. */
static int load(struct saga_batch *b)
{
    size_t room = b->w->config.load_bytes;
    bool alone = b->to - b->from + b->timers <= 1;
    if (b->item_count == 0) return SAGA_OK;
    qsort(b->items, b->item_count, sizeof *b->items, by_lane);
    for (size_t i = 0, end; i < b->item_count; i = end) {
        uint32_t number = b->items[i].in->lane;
        for (end = i + 1; end < b->item_count && b->items[end].in->lane == number; end++) {
        }
        int error = load_lane(b, saga_batch_owned_lane(b, number), b->items + i, end - i,
                              alone ? NULL : &room);
        if (error < 0) return error;
    }
    return SAGA_OK;
}

/* ---- deciding ---- */

static const struct saga_state *current(const struct saga_resident *resident)
{
    const struct saga_state *state = resident->working ? resident->working : resident->clean;
    bool there = state && state->status != SAGA_STATUS_NONE && !state->forgotten;
    return there ? state : NULL;
}

/* Of the sagas that a correlated reply may be for, the one that has something open, else one that is there at all. */
static void choose_candidate(struct saga_batch *b, struct saga_lane *lane,
                             struct saga_intake_item *in)
{
    const struct saga_state *best = NULL;
    for (size_t i = 0; i < in->candidate_count; i++) {
        const struct saga_state *state = current(saga_lane_find(lane, in->candidates[i]));
        if (!state || (best && saga_status_has_ended(state->status))) continue;
        best = state;
    }
    if (best) in->saga_id = saga_arena_copy(b->arena, best->id);
}

/* A saga that is still at work refuses to be forgotten; else its entry takes the act. */
static void forget_or_refuse(struct saga_lane *lane, struct saga_intake_item *in)
{
    const struct saga_state *state =
        in->candidate_count == 2 ? current(saga_lane_find(lane, in->candidates[0])) : NULL;
    if (in->candidate_count != 2 || (state && !saga_status_has_ended(state->status))) return;
    in->saga_id = in->event.target = in->candidates[1];
}

static bool still_rings(const struct saga_state *state, const struct saga_event *event)
{
    const struct saga_timer *timer = state ? saga_state_timer(state, event->timer) : NULL;
    return timer && timer->armed == event->armed && !timer->held;
}

static void note_orphan(struct saga_batch *b, struct saga_lane *lane,
                        const struct saga_intake_item *in)
{
    SAGA_PUSH(
        b->arena, b->orphans, b->orphan_count, b->orphan_capacity,
        (struct saga_orphan){ lane, in->saga_id, { in->event.timer, in->event.armed, 0 }, false });
}

/* R21: the event was for a saga that has been forgotten meanwhile; the entry offers it to the next. */
static void give_back(struct saga_batch *b, const struct saga_event *event)
{
    const struct saga_state gone = { .id = event->target, .run = event->run };
    struct saga_message message;
    struct saga_fact fact = { .kind = SAGA_FACT_NOTE_SENT,
                              .note = SAGA_NOTE_AWAIT_RETURNED,
                              .id = event->from_id,
                              .from_step = event->step,
                              .text = event->id };
    saga_note_message(b->w->config.inbox, b->w->config.lanes, &fact, &gone, b->arena, &message);
    saga_batch_send(b, &message, NULL);
}

/* An event for a saga that there is not. */
static void for_nobody(struct saga_batch *b, struct saga_lane *lane,
                       const struct saga_intake_item *in)
{
    if (in->event.kind == SAGA_EVENT_TIMER) {
        note_orphan(b, lane, in);
        return;
    }
    struct saga_slice words =
        saga_arena_printf(b->arena, "there is no saga %.*s", SAGA_SLICE_ARG(in->saga_id));
    enum saga_note note = in->event.kind == SAGA_EVENT_NOTE ? in->event.note : SAGA_NOTE_NONE;
    if (note == SAGA_NOTE_AWAIT_MATCH)
        give_back(b, &in->event);
    else if (note == SAGA_NOTE_CHILD_CANCEL)
        saga_batch_answer_for_nobody(b, &in->event, SAGA_NOTE_CHILD_ENDED, "NoSuchSaga", words);
    else if (note == SAGA_NOTE_CHILD_COMPENSATE)
        saga_batch_answer_for_nobody(b, &in->event, SAGA_NOTE_CHILD_REFUSED, "NoSuchSaga", words);
    saga_batch_put_aside(b, &in->record, SAGA_LETTER_NO_SUCH_SAGA, words); /* R13 */
}

static int journal(struct saga_batch *b, struct saga_lane *lane, struct saga_resident *resident,
                   const struct saga_event *event, struct saga_facts *facts)
{
    const struct saga_state *state = resident->working;
    struct saga_journal_record record = saga_journal_record_of(state, event, facts);
    struct saga_slice bytes;
    int error = saga_journal_encode(b->w->codec, &record, lane->working_chain, b->arena, &bytes,
                                    lane->working_chain);
    if (error < 0) return error;
    SAGA_PUSH(
        b->arena, b->noted, b->noted_count, b->noted_capacity,
        (struct saga_noted){ lane, resident, state, -1, saga_operation_entry(&record, b->arena) });
    struct saga_message message = { .topic = b->w->config.journal,
                                    .partition = (int32_t)lane->number,
                                    .key = state->key,
                                    .value = bytes };
    saga_batch_send(b, &message,
                    NULL); /* its place is wired up when all are known, see wire_offsets */
    return SAGA_OK;
}

/* As a rule a participant that says something else than the definition: its saga would seem to meet silence. */
static void note_unexpected(struct saga_batch *b, const struct saga_state *state,
                            const struct saga_event *event, const struct saga_fact *fact)
{
    if (fact->kind != SAGA_FACT_REPLY_IGNORED || !saga_slice_is(fact->reason, "unexpected-type"))
        return;
    saga_log_seldom(&b->w->last_unexpected_ms, UNEXPECTED_LOG_MS, SAGA_LOG_WARNING,
                    "a reply of a type that its step does not expect", "saga=%.*s type=%.*s",
                    SAGA_SLICE_ARG(state->id), SAGA_SLICE_ARG(saga_slice_clip(event->type, 100)));
}

static void count_facts(struct saga_batch *b, const struct saga_state *state,
                        const struct saga_event *event, const struct saga_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++) {
        enum saga_fact_kind kind = facts->items[i].kind;
        b->started += kind == SAGA_FACT_SAGA_STARTED;
        b->ended += kind == SAGA_FACT_SAGA_COMPLETED || kind == SAGA_FACT_SAGA_COMPENSATED ||
                    kind == SAGA_FACT_SAGA_ABANDONED;
        b->ignored += kind == SAGA_FACT_REPLY_IGNORED || kind == SAGA_FACT_START_IGNORED;
        note_unexpected(b, state, event, &facts->items[i]);
    }
}

/* Spans are made now, as long as the state is what the facts have left, and are handed over after the commit (R6). */
static void make_spans(struct saga_batch *b, const struct saga_state *state,
                       const struct saga_event *event, const struct saga_facts *facts)
{
    struct saga_tracing *tracing = b->w->config.tracing;
    if (!tracing) return;
    if (!b->spans) {
        b->spans = saga_spans_new();
        b->spans->full = saga_tracing_is_full(tracing);
    }
    saga_spans_add(b->spans, state, event, facts, saga_tracing_threshold(tracing));
}

/* A trace that this coordinator does not record is not to be recorded by others without its beginning. */
static bool is_left_out(const struct saga_batch *b, const struct saga_state *state)
{
    const struct saga_tracing *tracing = b->w->config.tracing;
    return tracing && !saga_trace_is_sampled(state, saga_tracing_threshold(tracing));
}

static void send_messages(struct saga_batch *b, const struct saga_state *state,
                          const struct saga_facts *facts)
{
    bool left_out = is_left_out(b, state);
    for (size_t i = 0; i < facts->count; i++) {
        const struct saga_fact *fact = &facts->items[i];
        struct saga_message message;
        if (fact->kind == SAGA_FACT_NOTE_SENT)
            saga_note_message(b->w->config.inbox, b->w->config.lanes, fact, state, b->arena,
                              &message);
        else if (saga_fact_is_message(fact))
            saga_fact_message(fact, state, b->time_ms, b->arena, &message);
        else
            continue;
        if (left_out) saga_message_unsample(&message, b->arena);
        saga_batch_send(b, &message, NULL);
        b->commands += fact->kind != SAGA_FACT_NOTE_SENT;
    }
}

/* Does it begin a saga, and no entry? */
static bool begins_a_saga(const struct saga_event *event)
{
    return event->kind == SAGA_EVENT_START;
}

static int find_definition(struct saga_batch *b, const struct saga_intake_item *in,
                           const struct saga_state *state, struct saga_definition **ret)
{
    bool given = !state || in->event.note == SAGA_NOTE_SCHEDULE_SET;
    *ret = given ? in->definition : saga_catalog_find(b->w->catalog, state->name, state->version);
    bool unneeded = state ? state->kind == SAGA_KIND_CORRELATION : !begins_a_saga(&in->event);
    if (*ret || unneeded) return SAGA_OK;
    /* an ended saga needs none, except a child that is let go, or compensated after all (R22) */
    if (saga_status_has_ended(state->status) && in->event.kind != SAGA_EVENT_NOTE) return SAGA_OK;
    return saga_batch_wait_for_definition(b); /* R19: stuck only when it is not there at all */
}

/* R13: an awaited event that its entry has no room for is nobody's; it is not lost. */
static void put_unkept_aside(struct saga_batch *b, const struct saga_intake_item *in,
                             const struct saga_facts *facts)
{
    if (in->event.note != SAGA_NOTE_AWAIT_EVENT) return;
    for (size_t i = 0; i < facts->count; i++)
        if (facts->items[i].kind == SAGA_FACT_NOTE_IGNORED &&
            saga_slice_is(facts->items[i].reason, SAGA_REASON_OVER_A_LIMIT))
            saga_batch_put_aside(b, &in->record, SAGA_LETTER_OVER_A_LIMIT, facts->items[i].message);
}

/* A child that has ended, and whose values nobody can read any more, cannot be taken back by them (R22). */
static void refuse_blindly(struct saga_batch *b, const struct saga_intake_item *in)
{
    struct saga_slice words = SAGA_SLICE("the child's values are sealed, and their key is gone");
    saga_batch_answer_for_nobody(b, &in->event, SAGA_NOTE_CHILD_REFUSED, "Sealed", words);
    saga_batch_put_aside(b, &in->record, SAGA_LETTER_SEALED, words);
}

/* R15: a place comes again where topics are made anew, and services would take the commands of whatever starts there for those
 * that they have done; the same place in another journal is another run. What a sender says of it counts for nothing. */
static void name_run(struct saga_batch *b, const struct saga_lane *lane, struct saga_event *event,
                     bool begins)
{
    event->run = SAGA_SLICE_NONE;
    if (begins && !SAGA_WITHOUT(RUNS_OF_JOURNALS))
        event->run = saga_run_of(b->arena, saga_slice_of(lane->journal), &event->source);
}

static int decide(struct saga_batch *b, struct saga_lane *lane, struct saga_intake_item *in)
{
    struct saga_definition *definition;
    bool forgets = in->event.kind == SAGA_EVENT_OPERATOR && in->event.verb == SAGA_VERB_FORGET;
    if (forgets)
        forget_or_refuse(lane, in);
    else if (in->candidate_count > 1)
        choose_candidate(b, lane, in);
    struct saga_resident *resident = saga_lane_find(lane, in->saga_id);
    const struct saga_state *before = current(resident);
    if (!before && !saga_event_begins(&in->event)) {
        for_nobody(b, lane, in);
        return SAGA_OK;
    }
    int error = find_definition(b, in, before, &definition);
    if (error < 0) return error;
    struct saga_sealing sealing;
    bool fits;
    if (!saga_batch_find_key(b, lane, in, before, definition, &sealing)) return SAGA_OK;
    error = saga_batch_look_at(b, lane, resident, in, before, definition, &sealing, &fits);
    if (error < 0 || !fits) return error;
    if (sealing.kind == SAGA_SEALING_BLIND && in->event.note == SAGA_NOTE_CHILD_COMPENSATE) {
        refuse_blindly(b, in);
        return SAGA_OK;
    }
    struct saga_state *state = saga_lane_work_on(lane, resident);
    struct saga_decided decided = { .state = state };
    in->event.time_ms = b->time_ms;
    if (begins_a_saga(&in->event)) name_run(b, lane, &in->event, !before);
    if (sealing.kind == SAGA_SEALING_NONE) {
        saga_decide(definition, state, &in->event, b->arena, &decided.said);
        decided.kept = decided.said;
        decided.cause = in->event;
    } else {
        saga_batch_decide_sealed(b, lane, &in->event, state, definition, &sealing, &decided);
    }
    error = journal(b, lane, resident, &decided.cause, &decided.kept);
    if (error == SAGA_OK && saga_event_begins(&in->event) && forgets)
        error = saga_batch_destroy_keys(b, lane, in->candidates[0], &in->event);
    if (error < 0) return error;
    if (in->event.kind == SAGA_EVENT_TIMER && !still_rings(resident->clean, &in->event))
        note_orphan(b, lane, in);
    send_messages(b, decided.state, &decided.said);
    make_spans(b, decided.state, &in->event, &decided.said);
    put_unkept_aside(b, in, &decided.said);
    count_facts(b, state, &in->event, &decided.said);
    saga_batch_figures_event(&b->figures, state, &in->event, &decided.said);
    b->written[lane->number] = true;
    b->events++;
    return SAGA_OK;
}

/* INVALID: something in it comes to more than the limits allow. What makes it so is found by halving, and put aside (R24). */
static int decide_all(struct saga_batch *b)
{
    for (size_t i = 0; i < b->item_count; i++) {
        int error = decide(b, saga_batch_owned_lane(b, b->items[i].in->lane), b->items[i].in);
        if (error < 0) return error == SAGA_E_LIMIT ? SAGA_E_INVALID : error;
    }
    for (uint32_t n = 0; n < b->w->config.lanes; n++) {
        struct saga_resident *culprit;
        if (!b->written[n]) continue;
        int error = saga_lane_check(&b->w->lanes[n], &culprit);
        if (error == SAGA_OK) continue;
        saga_worker_note(b->w, "the state of saga %.*s is over the limit",
                         SAGA_SLICE_ARG(culprit->id));
        return SAGA_E_INVALID;
    }
    return SAGA_OK;
}

int64_t saga_worker_next_due(const struct saga_worker *w)
{
    int64_t next = SAGA_TIMER_NEVER;
    for (uint32_t n = 0; n < w->config.lanes; n++)
        if (w->lanes[n].ready && w->lanes[n].next_due_ms < next) next = w->lanes[n].next_due_ms;
    return next;
}

/* What was read of it leaves the memory again: it is run again, smaller. */
static void give_up_states(struct saga_worker *w)
{
    for (uint32_t n = 0; n < w->config.lanes; n++)
        if (w->lanes[n].ready) saga_lane_cut(&w->lanes[n], w->config.cache_bytes / w->own_lanes);
}

int saga_batch_run(struct saga_worker *w)
{
    int64_t jump_ms;
    saga_arena_reset(&w->arena);
    struct saga_batch b = { .w = w, .arena = &w->arena, .figures.arena = &w->arena };
    b.time_ms = saga_clock_guard_look(&w->guard, &w->config.clock, &jump_ms);
    if (jump_ms)
        saga_log(SAGA_LOG_WARNING, "the clock jumped, timers wait for a while", "by_ms=%lld",
                 (long long)jump_ms);
    if (b.time_ms < w->time_ms && !SAGA_WITHOUT(MONOTONIC_TIME)) b.time_ms = w->time_ms; /* R17 */
    b.written = SAGA_NEW_ARRAY(b.arena, bool, w->config.lanes);
    saga_worker_take_schemas(w);
    int error = saga_batch_take(&b);
    if (error == SAGA_OK && b.to == b.from && b.item_count == 0) return SAGA_OK;
    if (error == SAGA_OK) error = load(&b);
    if (error == SAGA_OK) error = decide_all(&b);
    if (error == SAGA_OK) {
        error = saga_batch_commit(&b);
    } else {
        saga_batch_abandon(w);
        if (error == SAGA_E_LIMIT) give_up_states(w);
    }
    saga_batch_close_opened(&b);
    saga_spans_free(b.spans); /* of what was not committed */
    return error;
}
