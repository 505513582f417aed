/* A journal record: decoded, rendered, evolved over an empty state. */
#include "codec/codec.h"
#include "engine/engine.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct saga_codec *codec;
    struct saga_arena arena;
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    uint8_t previous[SAGA_SHA256_BYTES] = { 0 }, chain[SAGA_SHA256_BYTES];
    if (!codec) saga_codec_new(&codec);
    saga_arena_init(&arena);
    if (saga_journal_decode(codec, fuzz_slice(data, size), &arena, &record, &diagnostic) == 0) {
        struct saga_state *state = saga_state_new();
        saga_journal_chain(fuzz_slice(data, size), previous, chain);
        saga_journal_json(&record, true, &arena);
        saga_evolve_begin(state, &record.cause);
        for (size_t i = 0; i < record.fact_count; i++)
            if (saga_evolve(state, &record.facts[i]) < 0) break;
        saga_state_free(state);
    }
    saga_arena_free(&arena);
    return 0;
}
