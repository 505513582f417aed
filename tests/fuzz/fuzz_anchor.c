/* A line of a file of anchors. What is taken can be written again, and gives the same. */
#include "base/assert.h"
#include "fuzz.h"
#include "runtime/anchor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saga_anchor anchor, again;
    struct saga_arena arena;
    const char *why;
    saga_arena_init(&arena);
    if (saga_anchor_parse(fuzz_slice(data, size), &arena, &anchor, &why) == 0) {
        struct saga_slice line = saga_anchor_json(&anchor, &arena);
        int error = saga_anchor_parse(line, &arena, &again, &why);
        SAGA_ASSERT(error == 0 && saga_slice_equal(saga_anchor_json(&again, &arena), line));
    }
    saga_arena_free(&arena);
    return 0;
}
