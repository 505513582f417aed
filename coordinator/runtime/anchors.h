/* A file of anchors (anchor.h), one a line: read, and held against their keys. */
#ifndef SAGA_RUNTIME_ANCHORS_H
#define SAGA_RUNTIME_ANCHORS_H

#include "runtime/anchor.h"

struct saga_anchors {
    struct saga_anchor
        *items; /* signed by one of the keys; sorted by lane, then offset, then line */
    size_t count, capacity;
    size_t
        repeated; /* lines that are there already, byte for byte: they say nothing and do no harm */
};
/* A line that is not to be believed. */
struct saga_anchor_fault {
    unsigned line;
    const struct saga_anchor *anchor; /* NULL: it cannot be read */
    struct saga_slice words;
};

/* Reads a file; `report` is called for each line that cannot be read, that none of the keys has signed, or that
 * contradicts another. In `arena`. Errors: SAGA_E_INVALID with words (the file cannot be read), SAGA_E_LIMIT with words
 * (over SAGA_ANCHORS_MAX lines). */
int saga_anchors_read(const char *path, struct saga_anchor_key *const *keys, size_t key_count,
                      void (*report)(const struct saga_anchor_fault *fault, void *context),
                      void *context, struct saga_arena *arena, struct saga_anchors *ret,
                      struct saga_diagnostic *diagnostic);

/* Those of a lane: the first of them and how many. */
size_t saga_anchors_of_lane(const struct saga_anchors *anchors, uint32_t lane,
                            const struct saga_anchor **ret);

#endif
