/* Memory that lives and dies together: one arena a batch, one a loaded definition, one a cached state.
 *
 * Allocation never returns NULL: where memory ends, the process does (base/memory.h). So what builds a batch needs
 * no error path for every string, and a batch that runs out of memory is dropped as a whole, never torn. */
#ifndef SAGA_BASE_ARENA_H
#define SAGA_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct saga_arena_block;

struct saga_arena {
    struct saga_arena_block *blocks; /* newest first */
    size_t used_bytes;               /* handed out since init or reset */
    size_t first_block_bytes;        /* size of the first block; 0: 4 KiB */
};

/* Makes an empty arena; takes no memory until the first allocation. */
void saga_arena_init(struct saga_arena *arena);
/* Forgets everything handed out, keeps the largest block for the next round. */
void saga_arena_reset(struct saga_arena *arena);
/* Gives all memory back. The arena is empty then and may be used again. */
void saga_arena_free(struct saga_arena *arena);

/* `size` zeroed bytes, aligned for any type; size 0 gives a valid pointer. */
void *saga_arena_alloc(struct saga_arena *arena, size_t size);
/* The same, with whatever was there before in it: for what is written at once. */
void *saga_arena_take(struct saga_arena *arena, size_t size);
#define SAGA_NEW(arena, type) ((type *)saga_arena_alloc((arena), sizeof(type)))
#define SAGA_NEW_ARRAY(arena, type, count)                                                         \
    ((type *)saga_arena_alloc((arena), sizeof(type) * (size_t)(count)))

/* Makes a piece of `size` bytes larger where it stands, with whatever was there before in what is new. False: something was
 * handed out behind it, or the block ends. */
bool saga_arena_extend(struct saga_arena *arena, const void *piece, size_t size, size_t wanted);

/* Copies of bytes; an absent slice stays absent. The copy is terminated behind its last byte. */
struct saga_slice saga_arena_copy(struct saga_arena *arena, struct saga_slice s);
char *saga_arena_string(struct saga_arena *arena, struct saga_slice s);

/* Two texts with a character between them: ids and names that are made for every event. */
struct saga_slice saga_arena_join(struct saga_arena *arena, struct saga_slice left, char between,
                                  struct saga_slice right);

/* As many texts as there are, one behind the other. Several times as fast as printf. */
#define SAGA_CONCAT(arena, ...)                                                                    \
    saga_arena_concat((arena), (const struct saga_slice[]){ __VA_ARGS__ },                         \
                      sizeof((const struct saga_slice[]){ __VA_ARGS__ }) /                         \
                          sizeof(struct saga_slice))
struct saga_slice saga_arena_concat(struct saga_arena *arena, const struct saga_slice *parts,
                                    size_t count);

/* printf into the arena. */
struct saga_slice saga_arena_printf(struct saga_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct saga_slice saga_arena_vprintf(struct saga_arena *arena, const char *format,
                                     va_list arguments);

/* How many bytes of memory it has, used or not. */
size_t saga_arena_capacity(const struct saga_arena *arena);

/* Grows an array by doubling: makes room for one more of `item_size` behind `count` items, copying when it
 * must. `*items` and `*capacity` change. Use through SAGA_PUSH. */
void saga_arena_grow(struct saga_arena *arena, void **items, size_t count, size_t *capacity,
                     size_t item_size);
/* Appends a value to the arena array `items` with its `count` and `capacity` (lvalues). */
#define SAGA_PUSH(arena, items, count, capacity, ...)                                              \
    do {                                                                                           \
        void *saga_push_items = (items);                                                           \
        saga_arena_grow((arena), &saga_push_items, (count), &(capacity), sizeof(*(items)));        \
        (items) = saga_push_items;                                                                 \
        (items)[(count)++] = (__VA_ARGS__);                                                        \
    } while (0)

#endif
