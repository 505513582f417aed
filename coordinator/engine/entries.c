/* Entries: what is journaled and kept beside sagas. */
#include <string.h>

#include "engine/engine_internal.h"

struct saga_slice saga_entry_run(struct saga_decision *d)
{
    return saga_run_of(d->arena, SAGA_SLICE_NONE, &d->event->source);
}

/* That a saga's values were forgotten is an act of its own, since its saga has ended, and may have left long ago. All that is
 * worth telling stands in the cause: who, from where and why. */
static void decide_forgetting(struct saga_decision *d)
{
    struct saga_slice id = d->event->target;
    const char *slash = memchr(id.data, '/', id.size);
    SAGA_ASSERT(slash); /* it was made of a saga's id */
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_ENTRY_STARTED,
                                     .entry = SAGA_KIND_FORGETTING,
                                     .id = id,
                                     .run = saga_entry_run(d),
                                     .key = saga_slice_skip(id, (size_t)(slash - id.data) + 1),
                                     .name = saga_id_entry_name(id) });
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_SAGA_FORGOTTEN });
}

void saga_decide_entry(struct saga_decision *d)
{
    if (d->state->status == SAGA_STATUS_NONE && d->event->kind == SAGA_EVENT_OPERATOR) {
        decide_forgetting(d);
        return;
    }
    bool schedule =
        d->state->kind == SAGA_KIND_SCHEDULE ||
        (d->state->status == SAGA_STATUS_NONE && d->event->note == SAGA_NOTE_SCHEDULE_SET);
    if (schedule)
        saga_decide_schedule(d);
    else
        saga_decide_correlation(d);
}
