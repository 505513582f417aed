/* Entries: what is journaled and kept beside sagas. */
#include "engine/engine_internal.h"

void saga_decide_entry(struct saga_decision *d)
{
    bool schedule =
        d->state->kind == SAGA_KIND_SCHEDULE ||
        (d->state->status == SAGA_STATUS_NONE && d->event->note == SAGA_NOTE_SCHEDULE_SET);
    if (schedule)
        saga_decide_schedule(d);
    else
        saga_decide_correlation(d);
}
