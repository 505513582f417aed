/* The business key of a start that names none: what the definition takes from such an event. */
#ifndef SAGA_OPERATE_START_KEY_H
#define SAGA_OPERATE_START_KEY_H

#include "definition/definition.h"

/* By the first start that is no schedule. Errors: SAGA_E_INVALID with words (`.orderId gives null`), or none where there are
 * schedules only. Texts are in `arena`. */
int saga_start_key(const struct saga_definition *definition, struct saga_slice input,
                   struct saga_arena *arena, struct saga_slice *ret, struct saga_slice *ret_words);

#endif
