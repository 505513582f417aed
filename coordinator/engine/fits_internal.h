/* What fits.c (a state by itself) and fits_places.c (a state in its definition) share. */
#ifndef SAGA_ENGINE_FITS_INTERNAL_H
#define SAGA_ENGINE_FITS_INTERNAL_H

#include "engine/engine_internal.h"
#include "engine/fits.h"

/* One state that is looked at. */
struct saga_fitting {
    const struct saga_state *state;
    const struct saga_definition *definition; /* NULL: not to be had */
    struct saga_arena *arena;
    struct saga_diagnostic *ret;
    uint32_t *open; /* by index of a scope: how many that it opened have not ended */
};

/* Says what does not fit, and is false. */
#define NOT(f, ...) saga_fits_not((f)->arena, (f)->ret, __VA_ARGS__)

/* Was the step's compensation sent? */
static inline bool saga_was_sent_back(const struct saga_step_state *step)
{
    return step->compensation == SAGA_COMPENSATION_SENT ||
           step->compensation == SAGA_COMPENSATION_BACKOFF ||
           step->compensation == SAGA_COMPENSATION_DONE ||
           step->compensation == SAGA_COMPENSATION_FAILED ||
           step->compensation == SAGA_COMPENSATION_EXHAUSTED;
}

/* ---- fits_places.c ---- */
/* Do its lists and steps stand where the definition, which is there, has them? They fit by themselves. */
bool saga_places_fit(struct saga_fitting *f);

#endif
