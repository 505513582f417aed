#include "engine/body.h"

#include "base/error.h"
#include "base/limits.h"

/* Who only decides, and sends nothing, has no schemas: every body is taken to fit. */
static bool is_made(const struct saga_decision *d, enum saga_body_format format)
{
    return format != SAGA_FORMAT_JSON && d->definition->schemas;
}

int saga_body_evaluate(struct saga_decision *d, const struct saga_scope *scope,
                       struct saga_expression *expression, enum saga_body_format format,
                       struct saga_slice type, struct saga_slice *ret_json,
                       struct saga_slice *ret_encoded, struct saga_slice *ret_message)
{
    struct saga_slice json, encoded = SAGA_SLICE_NONE;
    int error = saga_evaluate(d, scope, expression, SAGA_SLICE_NONE, &json, ret_message);
    if (error == SAGA_OK && is_made(d, format))
        error = saga_body_make(d->definition->schemas, format, type, json, d->arena, &encoded,
                               ret_message);
    if (error < 0) return error;
    *ret_json = json;
    *ret_encoded = encoded;
    return SAGA_OK;
}

int saga_body_again(struct saga_decision *d, enum saga_body_format format, struct saga_slice type,
                    struct saga_slice json, struct saga_slice *ret_encoded,
                    struct saga_slice *ret_message)
{
    *ret_encoded = SAGA_SLICE_NONE;
    if (!is_made(d, format)) return SAGA_OK;
    return saga_body_make_as_before(d->definition->schemas, format, type, json, d->arena,
                                    ret_encoded, ret_message);
}

void saga_step_cannot_be_sent(struct saga_decision *d, const struct saga_step_state *step,
                              struct saga_slice message)
{
    struct saga_slice path = step->path;
    if (!saga_step_is_open(step)) {
        bool pivot = step->pivot && step->status == SAGA_STEP_UNKNOWN;
        saga_stick(d, pivot ? SAGA_STUCK_ON_PIVOT : SAGA_STUCK_ON_STEP, step->scope, path, message);
        return;
    }
    saga_emit(d, (struct saga_fact){ .kind = SAGA_FACT_STEP_UNKNOWN,
                                     .step = path,
                                     .attempt = step->attempt,
                                     .type = SAGA_SLICE("BodyDoesNotFit"),
                                     .message = saga_slice_clip(message, SAGA_MESSAGE_BYTES_MAX) });
    saga_step_not_succeeded(d, path);
}

void saga_compensation_cannot_be_sent(struct saga_decision *d, const struct saga_step_state *step,
                                      struct saga_slice message)
{
    struct saga_slice path = step->path;
    if (step->compensation == SAGA_COMPENSATION_BACKOFF)
        saga_emit(
            d, (struct saga_fact){ .kind = SAGA_FACT_COMPENSATION_FAILED,
                                   .step = path,
                                   .attempt = step->compensation_attempt,
                                   .type = SAGA_SLICE("BodyDoesNotFit"),
                                   .message = saga_slice_clip(message, SAGA_MESSAGE_BYTES_MAX) });
    saga_stick_on_compensation(d, path, message);
}
