/* Tells the facts of one saga, in their order, in words that stand on those before: which part of a block has ended is
 * known from the fact that began it, and a child that is asked for is said once, not again by the note that asks. */
#ifndef SAGA_OPERATE_TELLER_H
#define SAGA_OPERATE_TELLER_H

#include "base/buffer.h"
#include "engine/fact.h"

struct saga_told_part;

struct saga_teller {
    struct saga_arena *arena; /* not owned: holds the parts */
    struct saga_told_part *parts;
    size_t part_count, part_capacity;
    struct saga_slice child; /* that was asked for by the fact before */
    bool whole;              /* it has seen all facts of the saga's run, from the first */
};

/* Begins with a saga's first fact: `whole`; or later, then parts are not told apart. */
void saga_teller_begin(struct saga_teller *teller, bool whole, struct saga_arena *arena);
/* Adds the words of the next fact (words.h). False: it says nothing that has not been said, and nothing is added. The
 * fact's texts must live as long as the teller. */
bool saga_teller_tell(struct saga_teller *teller, const struct saga_fact *fact, int64_t time_ms,
                      struct saga_buffer *buffer);

#endif
