/* A state as Redis holds it: what is taken can be written again, and gives the same bytes. */
#include "base/assert.h"
#include "codec/codec.h"
#include "engine/engine.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct saga_codec *codec;
    struct saga_arena arena;
    struct saga_state *state, *again;
    struct saga_slice bytes, twice;
    struct saga_diagnostic diagnostic = { 0 };
    if (!codec) saga_codec_new(&codec);
    saga_arena_init(&arena);
    if (saga_state_decode(codec, fuzz_slice(data, size), &arena, &state, &diagnostic) == 0) {
        saga_state_json(state, true, &arena);
        if (saga_state_encode(codec, state, &arena, &bytes) == 0) {
            int error = saga_state_decode(codec, bytes, &arena, &again, &diagnostic);
            SAGA_ASSERT(error == 0);
            error = saga_state_encode(codec, again, &arena, &twice);
            SAGA_ASSERT(error == 0 && saga_slice_equal(bytes, twice));
            saga_state_free(again);
        }
        saga_state_free(state);
    }
    saga_arena_free(&arena);
    return 0;
}
