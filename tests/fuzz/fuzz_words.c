/* Durations, times and ids, as people type them: what is read and written again is read as the same. */
#include <string.h>

#include "base/assert.h"
#include "base/time.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[SAGA_TIME_TEXT_BYTES];
    int64_t ms, again;
    if (saga_duration_parse(fuzz_slice(data, size), &ms) == 0) saga_duration_format(ms, text);
    if (saga_time_parse(fuzz_slice(data, size), &ms) == 0) {
        saga_time_format(ms, text);
        if (saga_time_parse(saga_slice_of(text), &again) == 0) SAGA_ASSERT(again == ms);
    }
    return 0;
}
