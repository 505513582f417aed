/* States that were read from Redis, a snapshot or the journal, and are to be decided on for the first time: do they fit their
 * definition (engine/fits.h)? One that does not is treated as one that cannot be read: the lane is built anew from its
 * snapshot and journal. When these say the same, what is for the saga is put aside, and the lane's other sagas go on. */
#include "engine/fits.h"
#include "runtime/batch_internal.h"

enum { UNFIT_LOG_MS = 5000 };

static bool values_fit(struct saga_batch *b, const struct saga_state *state,
                       const struct saga_sealing *sealing, struct saga_diagnostic *ret)
{
    if (sealing->kind == SAGA_SEALING_BLIND) return true; /* they are not looked at */
    if (sealing->kind == SAGA_SEALING_NONE) return saga_state_values_fit(state, b->arena, ret);
    struct saga_state *opened = saga_state_clone(state);
    bool fits = true;
    if (saga_open_state(&sealing->key, opened) < 0)
        fits = saga_fits_not(b->arena, ret, "what is sealed in it was changed, or is another's");
    fits = fits && saga_state_values_fit(opened, b->arena, ret);
    saga_state_free(opened);
    return fits;
}

static bool fits(struct saga_batch *b, const struct saga_resident *resident,
                 const struct saga_state *state, const struct saga_definition *definition,
                 const struct saga_sealing *sealing, struct saga_diagnostic *ret)
{
    return saga_state_fits_as(state, resident->id, definition, b->arena, ret) &&
           values_fit(b, state, sealing, ret);
}

/* The lane is built anew, or, if it was, what is for this saga has to wait. */
static int refuse(struct saga_batch *b, struct saga_lane *lane, const struct saga_intake_item *in,
                  const struct saga_diagnostic *why)
{
    SAGA_COUNT(b->w, unfit, 1);
    if (lane->unfit_rebuilds < SAGA_UNFIT_REBUILDS_MAX) {
        lane->unfit_rebuilds++;
        lane->distrusted = true;
        saga_log(SAGA_LOG_WARNING, "a state does not fit its definition: its lane is built anew",
                 "lane=%u saga=%.*s words=\"%.*s\"", lane->number, SAGA_SLICE_ARG(in->saga_id),
                 SAGA_SLICE_ARG(why->what));
        saga_worker_note(b->w, "lane %u: the state of %.*s does not fit its definition",
                         lane->number, SAGA_SLICE_ARG(in->saga_id));
        return SAGA_E_CONFLICT;
    }
    saga_log_seldom(
        &b->w->last_unfit_ms, UNFIT_LOG_MS, SAGA_LOG_ERROR,
        "a saga cannot go on: its state, built from the journal, does not fit its definition",
        "lane=%u saga=%.*s words=\"%.*s\" why=\"%.*s\" mend=\"`saga replay --verify` says where "
        "the journal was changed; `saga definitions` whether the version has another content\"",
        lane->number, SAGA_SLICE_ARG(in->saga_id), SAGA_SLICE_ARG(why->what),
        SAGA_SLICE_ARG(why->why));
    saga_batch_leave_aside(b, lane, in, SAGA_LETTER_STATE_DOES_NOT_FIT, why->what);
    return SAGA_OK;
}

int saga_batch_look_at(struct saga_batch *b, struct saga_lane *lane, struct saga_resident *resident,
                       const struct saga_intake_item *in, const struct saga_state *before,
                       const struct saga_definition *definition, const struct saga_sealing *sealing,
                       bool *ret_fits)
{
    struct saga_diagnostic why = { 0 };
    *ret_fits = true;
    if (!before) resident->foreign = false; /* what begins now is made here */
    if (!resident->foreign) return SAGA_OK;
    *ret_fits = fits(b, resident, before, definition, sealing, &why);
    if (!*ret_fits) return refuse(b, lane, in, &why);
    /* without its definition nothing was said of its places: it is looked at again */
    resident->foreign = !definition && before->kind != SAGA_KIND_CORRELATION;
    return SAGA_OK;
}
