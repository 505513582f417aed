/* Definitions made from a seed: lists of blocks inside of blocks, of every kind, as far as they are legal. The engine's
 * property tests and the simulation let sagas of them live.
 *
 * Names: steps s1, s2 ..., awaited events e1 ..., children k1 ...; step sN sends C<prefix>N, which is answered with D or F,
 * and is taken back by U, which may be refused with G (all with prefix and number). Awaited events are of the types Told
 * and Said on one topic, and are matched by `.v`, which must be the saga's `.input.v`. What a saga is started with:
 * {"k": its key, "v": a value, "list": a list, "n": a number, "kid": the key of a child, "yes": true, "no": false}. */
#ifndef SAGA_TESTS_MADE_MADE_H
#define SAGA_TESTS_MADE_MADE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct made {
    uint64_t random;
    /* how the file begins: its participants, start and defaults, whole lines of YAML; participants are called p */
    const char *name, *head;
    const char *prefix;          /* of the types of commands and answers */
    const char *events;          /* topic of awaited events */
    const char *keep_early;      /* of them */
    const char *const *children; /* definitions that may be called; NULL behind the last */
    unsigned blocks, depth;      /* at most about as many blocks, so deep */
    bool wrong;                  /* some expressions cannot be evaluated */
    bool plain; /* expressions are plain paths, which cost little, and waits are short */
    /* while it is made */
    struct saga_buffer *yaml;
    unsigned steps, events_awaited, children_called;
};

/* A number below `sides`. */
unsigned made_dice(uint64_t *random, unsigned sides);
/* Appends the definition's YAML. Mostly it is legal; a few have an error in them (an expression that reads a step which
 * cannot have run): who loads it makes another then. */
void made_definition(struct made *made, struct saga_buffer *yaml);

#endif
