/* What handlers of one saga share. */
#ifndef SAGA_HTTP_STORY_H
#define SAGA_HTTP_STORY_H

#include "engine/state.h"
#include "http/exchange.h"
#include "operate/reading.h"

/* The saga that the path names. False: it has answered. */
bool saga_exchange_address(struct saga_exchange *x, struct saga_address *ret);
/* Its state, for saga_state_free; `values`: sealed ones are opened for who may see them, else covered. False: it has
 * answered. */
bool saga_exchange_state(struct saga_exchange *x, const struct saga_address *address, bool values,
                         struct saga_state **ret);
/* Ends the JSON object of a state, which `out` holds but for its last brace, with what is told in words. */
void saga_state_add_words(struct saga_exchange *x, const struct saga_state *state,
                          struct saga_buffer *out);

#endif
