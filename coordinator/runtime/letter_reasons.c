#include "runtime/letter_reasons.h"

#define KIND(name, word, means, mend) [SAGA_LETTER_##name] = { word, means, mend },
const struct saga_letter_reason_kind saga_letter_reasons[SAGA_LETTER_REASON_COUNT] = {
    SAGA_LETTER_REASONS(KIND, KIND)
};
#undef KIND

const struct saga_letter_reason_kind *saga_letter_reason_find(struct saga_slice word)
{
    for (size_t i = 0; i < SAGA_LETTER_REASON_COUNT; i++)
        if (saga_slice_is(word, saga_letter_reasons[i].word)) return &saga_letter_reasons[i];
    return NULL;
}
