/* A note came, from another saga or an entry. */
#include "engine/engine_internal.h"

void saga_ignore_note(struct saga_decision *d, const char *reason, const char *message)
{
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_NOTE_IGNORED,
                                     .reason = saga_slice_of(reason),
                                     .message = saga_slice_of(message) });
}

void saga_decide_note(struct saga_decision *d)
{
    struct saga_step_state *step = saga_state_step(d->state, d->event->step);
    switch (d->event->note) {
    case SAGA_NOTE_CHILD_CANCEL: saga_child_cancel(d); return;
    case SAGA_NOTE_CHILD_COMPENSATE: saga_child_compensate(d); return;
    case SAGA_NOTE_CHILD_RELEASE: saga_child_release(d); return;
    case SAGA_NOTE_CHILD_ENDED: saga_child_ended(d, step); return;
    case SAGA_NOTE_CHILD_COMPENSATED:
    case SAGA_NOTE_CHILD_REFUSED: saga_child_compensated(d, step); return;
    case SAGA_NOTE_AWAIT_MATCH: saga_await_matched(d, saga_await_waiting(d)); return;
    case SAGA_NOTE_AWAIT_REFUSED: saga_await_refused(d, saga_await_waiting(d)); return;
    default: saga_ignore_note(d, "unknown-note", "no saga takes a note of this kind"); return;
    }
}
