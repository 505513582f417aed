/* Anchors (anchor.h), one a line, in a file or a topic: read, held against their keys, and written. */
#ifndef SAGA_RUNTIME_ANCHORS_H
#define SAGA_RUNTIME_ANCHORS_H

#include "bus/client.h"
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

/* Taking anchors line by line, from wherever they come: `report` is called for each line that cannot be read, that none of the
 * keys has signed, or that contradicts another. All of it in `arena`. */
struct saga_anchors_intake;
struct saga_anchors_intake *
saga_anchors_begin(struct saga_anchor_key *const *keys, size_t key_count,
                   void (*report)(const struct saga_anchor_fault *fault, void *context),
                   void *context, struct saga_arena *arena, struct saga_anchors *ret);
/* The next line, without its newline; `whole`: no byte of it is missing. SAGA_E_LIMIT: over SAGA_ANCHORS_MAX of them. */
int saga_anchors_take(struct saga_anchors_intake *intake, struct saga_slice line, bool whole);
/* There are no more; to be called also after an error. */
void saga_anchors_end(struct saga_anchors_intake *intake);

/* The lines of a file. Errors: SAGA_E_INVALID with words (the file cannot be read), SAGA_E_LIMIT with words. */
int saga_anchors_read(const char *path, struct saga_anchors_intake *intake,
                      struct saga_arena *arena, struct saga_diagnostic *diagnostic);

/* Appends lines to a file, which is made, and brings them onto the disk. Errors: SAGA_E_INVALID with words. */
int saga_anchors_append(const char *path, struct saga_slice lines, struct saga_arena *arena,
                        struct saga_diagnostic *diagnostic);
/* Sends lines to the first partition of a topic, one record each. Errors: those of saga_client_send, with words. */
int saga_anchors_send(struct saga_client *client, const char *topic, const struct saga_slice *lines,
                      size_t count, int timeout_ms, struct saga_arena *arena,
                      struct saga_diagnostic *diagnostic);

/* Those of a lane: the first of them and how many. */
size_t saga_anchors_of_lane(const struct saga_anchors *anchors, uint32_t lane,
                            const struct saga_anchor **ret);

#endif
