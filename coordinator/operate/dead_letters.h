/* What a dead letter tells beside why it is one. */
#ifndef SAGA_OPERATE_DEAD_LETTERS_H
#define SAGA_OPERATE_DEAD_LETTERS_H

#include "base/arena.h"
#include "base/message.h"

/* The saga that the record was meant for, by its ce_sagacommandid or ce_subject; whether there is one is another question.
 * Absent where it names none. In `arena`. */
struct saga_slice saga_letter_saga(const struct saga_message *record, struct saga_arena *arena);

#endif
