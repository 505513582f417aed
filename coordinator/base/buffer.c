#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"

void saga_buffer_init(struct saga_buffer *buffer, struct saga_arena *arena)
{
    *buffer = (struct saga_buffer){ .arena = arena };
}

void saga_buffer_append(struct saga_buffer *buffer, const void *bytes, size_t size)
{
    if (buffer->capacity - buffer->size < size + 1) {
        size_t capacity = buffer->capacity ? buffer->capacity * 2 : 128;
        while (capacity - buffer->size < size + 1) capacity *= 2;
        if (!saga_arena_extend(buffer->arena, buffer->data, buffer->capacity, capacity)) {
            char *grown = saga_arena_take(buffer->arena, capacity);
            if (buffer->size) memcpy(grown, buffer->data, buffer->size);
            buffer->data = grown;
        }
        buffer->capacity = capacity;
    }
    if (size) memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
}

void saga_buffer_add(struct saga_buffer *buffer, struct saga_slice s)
{
    saga_buffer_append(buffer, s.data, s.size);
}

void saga_buffer_add_char(struct saga_buffer *buffer, char c)
{
    saga_buffer_append(buffer, &c, 1);
}

void saga_buffer_printf(struct saga_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    saga_buffer_add(buffer, saga_arena_vprintf(buffer->arena, format, arguments));
    va_end(arguments);
}

void saga_buffer_add_json_string(struct saga_buffer *buffer, struct saga_slice text)
{
    static const char hex[] = "0123456789abcdef";
    saga_buffer_add_char(buffer, '"');
    for (size_t i = 0; i < text.size;) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\') {
            saga_buffer_append(buffer, (char[]){ '\\', (char)c }, 2);
            i++;
        } else if (c == '\n') {
            saga_buffer_append(buffer, "\\n", 2);
            i++;
        } else if (c < 0x20 || c == 0x7F) {
            char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
            saga_buffer_append(buffer, escape, sizeof escape);
            i++;
        } else {
            size_t length = saga_utf8_sequence(text.data + i, text.size - i);
            if (length == 0) {
                saga_buffer_append(buffer, "\xEF\xBF\xBD", 3);
                i++;
            } else {
                saga_buffer_append(buffer, text.data + i, length);
                i += length;
            }
        }
    }
    saga_buffer_add_char(buffer, '"');
}

struct saga_slice saga_buffer_slice(struct saga_buffer *buffer)
{
    saga_buffer_append(buffer, "", 0);
    buffer->data[buffer->size] = '\0';
    return (struct saga_slice){ buffer->data, buffer->size };
}
