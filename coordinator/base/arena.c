#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/memory.h"

struct saga_arena_block {
    struct saga_arena_block *next;
    size_t capacity; /* bytes behind this header */
    size_t used;
    alignas(max_align_t) char bytes[];
};

enum { BLOCK_BYTES_MIN = 4096, BLOCK_BYTES_GROWTH_MAX = 1024 * 1024 };

void saga_arena_init(struct saga_arena *arena)
{
    *arena = (struct saga_arena){ 0 };
}

void saga_arena_reset(struct saga_arena *arena)
{
    struct saga_arena_block *kept = NULL;
    for (struct saga_arena_block *block = arena->blocks; block;) {
        struct saga_arena_block *next = block->next;
        if (!kept || block->capacity > kept->capacity) {
            free(kept);
            kept = block;
        } else {
            free(block);
        }
        block = next;
    }
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
    }
    arena->blocks = kept;
    arena->used_bytes = 0;
}

void saga_arena_free(struct saga_arena *arena)
{
    for (struct saga_arena_block *block = arena->blocks; block;) {
        struct saga_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->used_bytes = 0;
}

static struct saga_arena_block *add_block(struct saga_arena *arena, size_t size)
{
    size_t capacity = arena->first_block_bytes ? arena->first_block_bytes : BLOCK_BYTES_MIN;
    if (arena->blocks) {
        capacity = arena->blocks->capacity * 2;
        if (capacity > BLOCK_BYTES_GROWTH_MAX) capacity = BLOCK_BYTES_GROWTH_MAX;
    }
    if (capacity < size) capacity = size;
    struct saga_arena_block *block = saga_memory_take(sizeof *block + capacity);
    block->next = arena->blocks;
    block->capacity = capacity;
    block->used = 0;
    arena->blocks = block;
    return block;
}

void *saga_arena_take(struct saga_arena *arena, size_t size)
{
    SAGA_ASSERT(size < SIZE_MAX / 2);
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct saga_arena_block *block = arena->blocks;
    if (!block || block->capacity - block->used < rounded) block = add_block(arena, rounded);
    void *bytes = block->bytes + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
    return bytes;
}

void *saga_arena_alloc(struct saga_arena *arena, size_t size)
{
    return memset(saga_arena_take(arena, size), 0, size);
}

char *saga_arena_string(struct saga_arena *arena, struct saga_slice s)
{
    char *copy = saga_arena_take(arena, s.size + 1);
    if (s.size) memcpy(copy, s.data, s.size);
    copy[s.size] = '\0';
    return copy;
}

struct saga_slice saga_arena_copy(struct saga_arena *arena, struct saga_slice s)
{
    if (!s.data) return s;
    return (struct saga_slice){ saga_arena_string(arena, s), s.size };
}

struct saga_slice saga_arena_join(struct saga_arena *arena, struct saga_slice left, char between,
                                  struct saga_slice right)
{
    size_t size = left.size + 1 + right.size;
    char *text = saga_arena_take(arena, size + 1);
    if (left.size) memcpy(text, left.data, left.size);
    text[left.size] = between;
    if (right.size) memcpy(text + left.size + 1, right.data, right.size);
    text[size] = '\0';
    return (struct saga_slice){ text, size };
}

struct saga_slice saga_arena_vprintf(struct saga_arena *arena, const char *format,
                                     va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    char most[512]; /* what is made for every message fits: it is not formatted twice */
    int size = vsnprintf(most, sizeof most, format, arguments);
    SAGA_ASSERT(size >= 0);
    char *text = saga_arena_take(arena, (size_t)size + 1);
    if ((size_t)size < sizeof most)
        memcpy(text, most, (size_t)size + 1);
    else
        vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return (struct saga_slice){ text, (size_t)size };
}

struct saga_slice saga_arena_printf(struct saga_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct saga_slice text = saga_arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}

void saga_arena_grow(struct saga_arena *arena, void **items, size_t count, size_t *capacity,
                     size_t item_size)
{
    SAGA_ASSERT(count <= *capacity);
    if (count < *capacity) return;
    size_t wanted = *capacity ? *capacity * 2 : 8;
    void *grown = saga_arena_take(arena, wanted * item_size);
    if (count) memcpy(grown, *items, count * item_size);
    *items = grown;
    *capacity = wanted;
}
