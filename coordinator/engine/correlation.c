/* Correlation entries (R21): who waits for an event of one value, and which events came before anybody asked. An entry
 * lives in the lane of the value. Each event is for one saga: for the one that has waited longest. */
#include "base/error.h"
#include "base/limits.h"
#include "base/mutation.h"
#include "engine/engine_internal.h"

/* What tells an event from others: its id, or where it was read. */
static struct saga_slice event_id(struct saga_decision *d)
{
    const struct saga_position *source = &d->event->source;
    if (d->event->id.size) return saga_slice_clip(d->event->id, SAGA_MESSAGE_BYTES_MAX);
    return saga_arena_printf(d->arena, "%.*s/%d/%lld", SAGA_SLICE_ARG(source->topic),
                             source->partition, (long long)source->offset);
}

static void begin(struct saga_decision *d)
{
    struct saga_slice id = d->event->target, name = id, key = id;
    for (size_t i = 0; i < id.size && key.size == id.size; i++)
        if (id.data[i] == '/') key = saga_slice_skip(id, i + 1);
    for (size_t i = 0; i < id.size && name.size == id.size; i++)
        if (id.data[i] == SAGA_ENTRY_MARK) name.size = i;
    SAGA_ASSERT(name.size < id.size && key.size < id.size);
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_ENTRY_STARTED,
                                     .entry = SAGA_KIND_CORRELATION,
                                     .id = id,
                                     .run = saga_entry_run(d),
                                     .key = key,
                                     .name = name });
}

/* ---- who gets what ---- */

static const struct saga_waiter *first_free(const struct saga_state *state)
{
    for (size_t i = 0; i < state->waiter_count; i++)
        if (state->waiters[i].offered.size == 0) return &state->waiters[i];
    return NULL;
}

static const struct saga_kept_event *first_early(const struct saga_state *state)
{
    for (size_t i = 0; i < state->kept_count; i++)
        if (state->kept[i].status == SAGA_KEPT_EARLY) return &state->kept[i];
    return NULL;
}

static void offer(struct saga_decision *d)
{
    const struct saga_waiter *waiter;
    const struct saga_kept_event *event;
    while ((waiter = first_free(d->state)) && (event = first_early(d->state))) {
        struct saga_waiter to = *waiter;
        struct saga_kept_event what = *event;
        bool just_came =
            d->event->note == SAGA_NOTE_AWAIT_EVENT && saga_slice_equal(what.id, event_id(d));
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_EVENT_OFFERED,
                                         .text = what.id,
                                         .id = to.id,
                                         .run = to.run,
                                         .step = to.step });
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_NOTE_SENT,
                                         .note = SAGA_NOTE_AWAIT_MATCH,
                                         .id = to.id,
                                         .run = to.run,
                                         .step = to.step,
                                         .type = what.type,
                                         .text = what.id,
                                         .value = what.body,
                                         .value_from_cause = just_came });
    }
}

static void drop_expired(struct saga_decision *d)
{
    for (size_t i = 0; i < d->state->kept_count;) {
        const struct saga_kept_event *event = &d->state->kept[i];
        bool expired = event->status != SAGA_KEPT_OFFERED && event->expires_ms <= d->event->time_ms;
        if (!expired) {
            i++;
            continue;
        }
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_EVENT_DROPPED,
                                         .text = saga_arena_copy(d->arena, event->id),
                                         .reason = event->status == SAGA_KEPT_TAKEN
                                                       ? SAGA_SLICE("taken")
                                                       : SAGA_SLICE("nobody-asked") });
    }
}

static void end_if_unneeded(struct saga_decision *d)
{
    if (d->state->waiter_count + d->state->kept_count == 0)
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SAGA_FORGOTTEN });
}

/* ---- what comes ---- */

static void event_came(struct saga_decision *d)
{
    struct saga_slice id = event_id(d), message;
    if (saga_state_kept_event(d->state, id)) {
        saga_ignore_note(d, "duplicate", "this event has come before");
        return;
    }
    if (saga_is_over_limit(d, d->event->body.size + id.size, &message)) {
        saga_ignore_note(d, SAGA_REASON_OVER_A_LIMIT,
                         "more events of this value are kept than a state may hold");
        return;
    }
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_EVENT_KEPT,
                                     .text = id,
                                     .type = d->event->type,
                                     .value = d->event->body,
                                     .value_from_cause = true,
                                     .due_ms = d->event->time_ms + d->event->keep_ms });
    offer(d);
}

static struct saga_waiter *sender(const struct saga_decision *d)
{
    return saga_state_waiter(d->state, d->event->from_id, d->event->from_run, d->event->from_step);
}

/* A saga that is not told would wait for what can never come to it. */
static void refuse_waiter(struct saga_decision *d)
{
    saga_ignore_note(d, SAGA_REASON_OVER_A_LIMIT,
                     "more sagas wait for this value than a state may hold");
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_NOTE_SENT,
                                     .note = SAGA_NOTE_AWAIT_REFUSED,
                                     .id = d->event->from_id,
                                     .run = d->event->from_run,
                                     .step = d->event->from_step });
}

static void open_came(struct saga_decision *d)
{
    struct saga_slice message;
    if (sender(d)) {
        saga_ignore_note(d, "duplicate", "the saga waits already");
    } else if (saga_is_over_limit(d, d->event->from_id.size + d->event->from_step.size, &message)) {
        refuse_waiter(d);
    } else {
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_WAITER_ADDED,
                                         .id = d->event->from_id,
                                         .run = d->event->from_run,
                                         .step = d->event->from_step });
        offer(d);
    }
}

static void remove_waiter(struct saga_decision *d, const char *reason)
{
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_WAITER_REMOVED,
                                     .id = d->event->from_id,
                                     .run = d->event->from_run,
                                     .step = d->event->from_step,
                                     .reason = saga_slice_of(reason) });
}

static void taken_came(struct saga_decision *d)
{
    const struct saga_waiter *waiter = sender(d);
    if (!waiter || waiter->offered.size == 0 || !saga_slice_equal(waiter->offered, d->event->id)) {
        saga_ignore_note(d, "not-offered", "the event was not offered to this saga");
        return;
    }
    remove_waiter(d, "taken");
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_EVENT_TAKEN, .text = d->event->id });
    if (SAGA_WITHOUT(TAKEN_EVENTS))
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_EVENT_DROPPED, .text = d->event->id });
}

/* It does not wait any more: what it was sent and has not taken is for the next. */
static void waiter_left(struct saga_decision *d, const char *reason)
{
    const struct saga_waiter *waiter = sender(d);
    if (!waiter) {
        saga_ignore_note(d, "not-waiting", "the saga does not wait here any more");
        return;
    }
    struct saga_slice offered = saga_arena_copy(d->arena, waiter->offered);
    remove_waiter(d, reason);
    if (offered.size && !SAGA_WITHOUT(GIVING_BACK))
        saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_EVENT_RETURNED, .text = offered });
    offer(d);
}

static void note_came(struct saga_decision *d)
{
    switch (d->event->note) {
    case SAGA_NOTE_AWAIT_EVENT: event_came(d); return;
    case SAGA_NOTE_AWAIT_OPEN: open_came(d); return;
    case SAGA_NOTE_AWAIT_TAKEN: taken_came(d); return;
    case SAGA_NOTE_AWAIT_RETURNED: waiter_left(d, "returned"); return;
    case SAGA_NOTE_AWAIT_CLOSE: waiter_left(d, "closed"); return;
    default: saga_ignore_note(d, "unknown-note", "no entry takes a note of this kind"); return;
    }
}

void saga_decide_correlation(struct saga_decision *d)
{
    if (d->state->status == SAGA_STATUS_NONE) begin(d);
    if (d->event->kind == SAGA_EVENT_NOTE) {
        drop_expired(d);
        note_came(d);
    } else if (d->event->kind == SAGA_EVENT_TIMER) {
        const struct saga_timer *timer = saga_state_timer(d->state, d->event->timer);
        if (timer && timer->armed == d->event->armed) drop_expired(d); /* R16 */
        if (d->facts->count == 0)
            saga_emit(d,
                      (struct saga_fact){ .kind = SAGA_FACT_TIMER_IGNORED,
                                          .reason = SAGA_SLICE("stale"),
                                          .message = SAGA_SLICE("an alarm of something older") });
    } else {
        saga_ignore_note(d, "no-saga", "this is where events are matched, no saga");
    }
    end_if_unneeded(d);
}
