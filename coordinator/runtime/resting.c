#include "runtime/resting.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"

void saga_resting_set(struct saga_resting *resting, struct saga_state *state)
{
    saga_state_free(resting->state);
    free((char *)(uintptr_t)resting->bytes.data);
    *resting = (struct saga_resting){ .state = state };
}

enum saga_status saga_resting_status(const struct saga_resting *resting)
{
    return resting->state ? resting->state->status : resting->status;
}

struct saga_state *saga_resting_lay(struct saga_resting *resting, struct saga_codec *codec,
                                    struct saga_arena *arena)
{
    struct saga_slice bytes;
    struct saga_state *state = resting->state;
    SAGA_ASSERT(state);
    if (saga_state_encode(codec, state, arena, &bytes) < 0) return NULL;
    char *kept = memcpy(saga_memory_take(bytes.size), bytes.data, bytes.size);
    *resting = (struct saga_resting){ .bytes = { kept, bytes.size }, .status = state->status };
    return state;
}

int saga_resting_wake(struct saga_resting *resting, struct saga_codec *codec,
                      struct saga_arena *arena, struct saga_diagnostic *diagnostic)
{
    struct saga_state *state;
    if (!resting->bytes.data) return SAGA_OK;
    int error = saga_state_decode(codec, resting->bytes, arena, &state, diagnostic);
    if (error == SAGA_OK) saga_resting_set(resting, state);
    return error;
}
