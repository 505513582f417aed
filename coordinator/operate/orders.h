/* What an operator's command led to, as the commands and the HTTP API tell it. */
#ifndef SAGA_OPERATE_ORDERS_H
#define SAGA_OPERATE_ORDERS_H

#include <jansson.h>

#include "codec/codec.h"
#include "operate/left.h"

/* "done", "nothing to do" or "refused", by the facts of its record. */
const char *saga_order_outcome(const struct saga_journal_record *record);
/* What was decided, in words: a line a fact. In `arena`. */
struct saga_slice saga_order_words(const struct saga_journal_record *record, size_t fact,
                                   struct saga_arena *arena);
/* {"saga", "verb", "outcome", "facts", "says"}; `record` NULL: it was only sent. */
json_t *saga_order_json(struct saga_slice saga_id, enum saga_verb verb,
                        const struct saga_journal_record *record, struct saga_arena *arena);
/* What is left as it is, as the member "left" of that. */
json_t *saga_left_json(const struct saga_left *items, size_t count);

#endif
