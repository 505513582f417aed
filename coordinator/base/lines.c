#include "base/lines.h"

#include <stdlib.h>

#include "base/memory.h"

enum { FIRST_BYTES = 4096 };

void saga_lines_init(struct saga_lines *lines, FILE *file, size_t size_max)
{
    *lines = (struct saga_lines){ .file = file, .size_max = size_max };
}

void saga_lines_free(struct saga_lines *lines)
{
    free(lines->bytes);
    *lines = (struct saga_lines){ 0 };
}

static void make_room(struct saga_lines *lines)
{
    lines->capacity = lines->capacity ? 2 * lines->capacity : FIRST_BYTES;
    lines->bytes = saga_memory_grow(lines->bytes, lines->capacity);
}

bool saga_lines_next(struct saga_lines *lines, struct saga_slice *ret, bool *ret_whole)
{
    size_t size = 0;
    bool whole = true;
    int c = getc_unlocked(lines->file);
    if (c == EOF) return false;
    for (; c != EOF && c != '\n'; c = getc_unlocked(lines->file)) {
        if (size == lines->size_max) {
            whole = false;
            continue;
        }
        if (size == lines->capacity) make_room(lines);
        lines->bytes[size++] = (char)c;
    }
    lines->line++;
    *ret = (struct saga_slice){ lines->bytes ? lines->bytes : "", size };
    *ret_whole = whole;
    return true;
}
