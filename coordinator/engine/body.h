/* Bodies as they are sent. The journal and the state hold JSON; what a topic's format makes of it (Avro) is made while
 * deciding, so that a body that does not fit its schema is a failure of its step and not of the worker. */
#ifndef SAGA_ENGINE_BODY_H
#define SAGA_ENGINE_BODY_H

#include "engine/engine_internal.h"

/* Evaluates the body of a message of type `type` at a place (NULL: outside of all blocks). `*ret_json` is for the fact's value, `*ret_encoded` for its `encoded`
 * (absent: the JSON is what is sent). Errors: as saga_evaluate, and where the body does not fit the type's schema; with
 * words in `*ret_message`. */
int saga_body_evaluate(struct saga_decision *d, const struct saga_scope *scope,
                       struct saga_expression *expression, enum saga_body_format format,
                       struct saga_slice type, struct saga_slice *ret_json,
                       struct saga_slice *ret_encoded, struct saga_slice *ret_message);

/* What a further attempt sends of the body that the state keeps. A schema may have changed since: then it is written as
 * an earlier version of it that it fits. */
int saga_body_again(struct saga_decision *d, enum saga_body_format format, struct saga_slice type,
                    struct saga_slice json, struct saga_slice *ret_encoded,
                    struct saga_slice *ret_message);

/* A further attempt cannot be sent because its schema is gone. The step's earlier attempts may have done it: it ends as
 * unknown (R18), or where an operator tries again, the saga is stuck as before. */
void saga_step_cannot_be_sent(struct saga_decision *d, const struct saga_step_state *step,
                              struct saga_slice message);
void saga_compensation_cannot_be_sent(struct saga_decision *d, const struct saga_step_state *step,
                                      struct saga_slice message);

#endif
