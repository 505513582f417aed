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

enum {
    BLOCK_BYTES_MIN = 4096,
    BLOCK_BYTES_GROWTH_MAX = 1024 * 1024,
    KEPT_BYTES_MAX = 16 * 1024 * 1024, /* by an arena that was reset */
    FIRST_ITEMS_MAX = 8,
    FIRST_ITEMS_BYTES = 1536
};

void saga_arena_init(struct saga_arena *arena)
{
    *arena = (struct saga_arena){ 0 };
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

/* One block as large as all together takes their place, so that an arena that is filled again and again, as a worker's for
 * every batch, asks for memory no more. */
void saga_arena_reset(struct saga_arena *arena)
{
    size_t all = 0, largest = 0;
    for (struct saga_arena_block *block = arena->blocks; block; block = block->next) {
        all += block->capacity;
        if (block->capacity > largest) largest = block->capacity;
    }
    arena->used_bytes = 0;
    if (arena->blocks && !arena->blocks->next) {
        arena->blocks->used = 0;
        return;
    }
    if (all > KEPT_BYTES_MAX) all = largest > KEPT_BYTES_MAX ? largest : KEPT_BYTES_MAX;
    saga_arena_free(arena);
    if (all) add_block(arena, all);
}

/* From the next place of that alignment on, a power of 2. */
static inline void *take(struct saga_arena *arena, size_t size, size_t alignment)
{
    SAGA_ASSERT(size < SIZE_MAX / 2);
    struct saga_arena_block *block = arena->blocks;
    size_t from = block ? (block->used + alignment - 1) & ~(alignment - 1) : 0;
    if (!block || from > block->capacity || block->capacity - from < size) {
        block = add_block(arena, size);
        from = 0;
    }
    arena->used_bytes += size;
    block->used = from + size;
    return block->bytes + from;
}

void *saga_arena_take(struct saga_arena *arena, size_t size)
{
    return take(arena, size, alignof(max_align_t));
}

bool saga_arena_extend(struct saga_arena *arena, const void *piece, size_t size, size_t wanted)
{
    struct saga_arena_block *block = arena->blocks;
    size_t more = wanted - size;
    if (!block || !piece) return false;
    if ((const char *)piece + size != block->bytes + block->used) return false;
    if (block->capacity - block->used < more) return false;
    block->used += more;
    arena->used_bytes += more;
    return true;
}

/* Texts stand close together: what is read and copied of a state is mostly that. */
static char *take_text(struct saga_arena *arena, size_t size)
{
    return take(arena, size + 1, 1);
}

void *saga_arena_alloc(struct saga_arena *arena, size_t size)
{
    return memset(saga_arena_take(arena, size), 0, size);
}

char *saga_arena_string(struct saga_arena *arena, struct saga_slice s)
{
    char *copy = take_text(arena, s.size);
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
    char *text = take_text(arena, size);
    if (left.size) memcpy(text, left.data, left.size);
    text[left.size] = between;
    if (right.size) memcpy(text + left.size + 1, right.data, right.size);
    text[size] = '\0';
    return (struct saga_slice){ text, size };
}

struct saga_slice saga_arena_concat(struct saga_arena *arena, const struct saga_slice *parts,
                                    size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += parts[i].size;
    char *text = take_text(arena, size), *at = text;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size) memcpy(at, parts[i].data, parts[i].size);
        at += parts[i].size;
    }
    *at = '\0';
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
    char *text = take_text(arena, (size_t)size);
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

/* Of an array of large items few come mostly, and room that is left between is memory that the processor has to fetch. */
static size_t first_capacity(size_t item_size)
{
    size_t fit = FIRST_ITEMS_BYTES / item_size;
    return fit < 1 ? 1 : fit < FIRST_ITEMS_MAX ? fit : FIRST_ITEMS_MAX;
}

size_t saga_arena_capacity(const struct saga_arena *arena)
{
    size_t all = 0;
    for (const struct saga_arena_block *block = arena->blocks; block; block = block->next)
        all += sizeof *block + block->capacity;
    return all;
}

void saga_arena_grow(struct saga_arena *arena, void **items, size_t count, size_t *capacity,
                     size_t item_size)
{
    SAGA_ASSERT(count <= *capacity);
    if (count < *capacity) return;
    size_t wanted = *capacity ? *capacity * 2 : first_capacity(item_size);
    if (!saga_arena_extend(arena, *items, count * item_size, wanted * item_size)) {
        void *grown = saga_arena_take(arena, wanted * item_size);
        if (count) memcpy(grown, *items, count * item_size);
        *items = grown;
    }
    *capacity = wanted;
}
