/* A state at hand, or at rest: as the bytes that Redis has of it. Most sagas of a journal have ended, and at rest they take a
 * quarter of the memory. */
#ifndef SAGA_RUNTIME_RESTING_H
#define SAGA_RUNTIME_RESTING_H

#include "codec/codec.h"

/* Begins zeroed. */
struct saga_resting {
    struct saga_state *state; /* NULL: it rests, or there is none */
    struct saga_slice bytes;  /* at rest; else absent */
    enum saga_status status;  /* then */
};

/* Takes over `state`, which may be NULL, and frees what was there. */
void saga_resting_set(struct saga_resting *resting, struct saga_state *state);
/* The status of what is there, SAGA_STATUS_NONE where that is nothing. */
enum saga_status saga_resting_status(const struct saga_resting *resting);
/* Lays the state at rest, which must be at hand; one that cannot be encoded stays there. `arena` is for the while. Gives back
 * the state that is not needed any more, the caller's to free; NULL: it stayed. */
struct saga_state *saga_resting_lay(struct saga_resting *resting, struct saga_codec *codec,
                                    struct saga_arena *arena);
/* Has it at hand again, where it rests. Errors: SAGA_E_INVALID with words (arena): facts that were not ours have made a
 * state that is none; it goes on resting. */
int saga_resting_wake(struct saga_resting *resting, struct saga_codec *codec,
                      struct saga_arena *arena, struct saga_diagnostic *diagnostic);

#endif
