/* What has happened on the ways to each block of a definition: which blocks have run on every way there and which on some,
 * and whether a pivot has. Worked out from the file's structure alone, so an expression's value is never known: each `when`
 * may be true or not. */
#ifndef SAGA_DEFINITION_FLOW_H
#define SAGA_DEFINITION_FLOW_H

#include "base/limits.h"
#include "definition/definition.h"

enum { SAGA_FLOW_WORDS = (SAGA_DEFINITION_BLOCKS_MAX + 63) / 64 };

/* What holds at one place. Bits are blocks by their ids. */
struct saga_flow {
    bool reached;    /* some way leads here */
    bool pivot_must; /* a pivot has been done on every way here */
    bool pivot_may;  /* on some */
    uint64_t must[SAGA_FLOW_WORDS];
    uint64_t may[SAGA_FLOW_WORDS];
};

struct saga_flows {
    struct saga_flow *entries; /* by block: before it */
    struct saga_flow *exits;   /* by block: behind it; of `repeat` this is what `until` sees */
    struct saga_flow *ends;    /* by block: of a step or a child, behind its `catch` branches */
    struct saga_flow end;      /* of the saga */
};

/* Works it out for all blocks, in `arena`. */
void saga_flow_find(const struct saga_definition *definition, struct saga_arena *arena,
                    struct saga_flows *ret);

bool saga_flow_must(const struct saga_flow *flow, const struct saga_block *block);
bool saga_flow_may(const struct saga_flow *flow, const struct saga_block *block);

/* Does the block stand in `outer`, in its branch `branch` (SAGA_ANY_BRANCH: any)? */
#define SAGA_ANY_BRANCH UINT32_MAX
bool saga_block_is_in(const struct saga_block *block, const struct saga_block *outer,
                      uint32_t branch);
/* The innermost block that both stand in (one of the two itself is none); NULL: the saga's own list. */
const struct saga_block *saga_block_common(const struct saga_block *a, const struct saga_block *b);

#endif
