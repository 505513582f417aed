/* What the targets share. Each target is one function that libFuzzer calls with bytes; it must neither crash nor leak nor
 * take for ever, whatever they are. */
#ifndef SAGA_FUZZ_H
#define SAGA_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct saga_slice fuzz_slice(const uint8_t *data, size_t size)
{
    return (struct saga_slice){ (const char *)data, size };
}

/* Takes the input's next line off its front: what stands before the newline, or all that is left. */
static inline struct saga_slice fuzz_line(struct saga_slice *input)
{
    size_t size = 0;
    while (size < input->size && input->data[size] != '\n') size++;
    struct saga_slice line = { input->data, size };
    *input = saga_slice_skip(*input, size < input->size ? size + 1 : size);
    return line;
}

#endif
