/* Schedules: entries that start a definition at its times. */
#include "engine/engine_internal.h"

void saga_decide_schedule(struct saga_decision *d)
{
    saga_ignore_note(d, "no-schedule", "the definition has no schedule");
}
