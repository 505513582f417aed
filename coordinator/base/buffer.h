/* A growing run of bytes in an arena: for JSON, records and messages that are built piece by piece. */
#ifndef SAGA_BASE_BUFFER_H
#define SAGA_BASE_BUFFER_H

#include "base/arena.h"
#include "base/slice.h"

struct saga_buffer {
    struct saga_arena *arena;
    char *data;
    size_t size;
    size_t capacity;
};

void saga_buffer_init(struct saga_buffer *buffer, struct saga_arena *arena);
void saga_buffer_append(struct saga_buffer *buffer, const void *bytes, size_t size);
void saga_buffer_add(struct saga_buffer *buffer, struct saga_slice s);
void saga_buffer_add_char(struct saga_buffer *buffer, char c);
void saga_buffer_printf(struct saga_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Appends a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void saga_buffer_add_json_string(struct saga_buffer *buffer, struct saga_slice text);
/* What was built, terminated behind its last byte; valid until the next append. */
struct saga_slice saga_buffer_slice(struct saga_buffer *buffer);

#endif
