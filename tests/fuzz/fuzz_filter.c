/* Filters, as people type them: what is read means something of any saga; what is refused is shown harmlessly. */
#include "base/assert.h"
#include "fuzz.h"
#include "runtime/filter.h"

static void check_fault(struct saga_slice text, const struct saga_filter_fault *fault,
                        struct saga_arena *arena)
{
    const char *words = saga_filter_fault_words(text, fault, arena);
    SAGA_ASSERT(fault->what && fault->offset <= text.size &&
                fault->size <= text.size - fault->offset);
    SAGA_ASSERT(saga_filter_fault_column(text, fault) <= text.size + 1);
    for (const char *at = words; *at; at++)
        SAGA_ASSERT(((unsigned char)*at >= ' ' && *at != 0x7f) || *at == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saga_slice text = fuzz_slice(data, size);
    struct saga_arena arena;
    struct saga_filter filter;
    struct saga_filter_fault fault;
    saga_arena_init(&arena);
    if (saga_filter_parse(text, 1000000000, &arena, &filter, &fault) < 0) {
        check_fault(text, &fault, &arena);
    } else {
        struct saga_view_page page = { .until_ms = INT64_MAX };
        struct saga_state *state = saga_state_new();
        state->stuck_step = SAGA_SLICE("pay[2]");
        state->stuck_message = SAGA_SLICE("no answer");
        SAGA_ASSERT(filter.count >= 1 && filter.count <= SAGA_FILTER_TERMS_MAX);
        (void)saga_filter_matches(&filter, state);
        (void)saga_filter_narrow(&filter, &arena, &page);
        saga_state_free(state);
    }
    saga_arena_free(&arena);
    return 0;
}
