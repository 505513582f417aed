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

/* Most of a text is that. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* How many bytes from the beginning of `text` are written as `escape`, if any. */
static size_t escape_one(struct saga_slice text, char escape[6], size_t *ret_size)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)text.data[0];
    *ret_size = 2;
    escape[0] = '\\';
    escape[1] = c == '\n' ? 'n' : (char)c;
    if (c == '"' || c == '\\' || c == '\n') return 1;
    if (c < 0x20 || c == 0x7F) {
        memcpy(escape, "\\u00", 4);
        escape[4] = hex[c >> 4];
        escape[5] = hex[c & 15];
        *ret_size = 6;
        return 1;
    }
    size_t length = saga_utf8_sequence(text.data, text.size);
    memcpy(escape, length ? text.data : "\xEF\xBF\xBD", length ? length : 3);
    *ret_size = length ? length : 3;
    return length ? length : 1;
}

void saga_buffer_add_json_string(struct saga_buffer *buffer, struct saga_slice text)
{
    saga_buffer_add_char(buffer, '"');
    while (text.size) {
        char escape[6];
        size_t size, plain = 0;
        while (plain < text.size && is_plain((unsigned char)text.data[plain])) plain++;
        saga_buffer_append(buffer, text.data, plain);
        text = saga_slice_skip(text, plain);
        if (!text.size) break;
        text = saga_slice_skip(text, escape_one(text, escape, &size));
        saga_buffer_append(buffer, escape, size);
    }
    saga_buffer_add_char(buffer, '"');
}

struct saga_slice saga_buffer_slice(struct saga_buffer *buffer)
{
    saga_buffer_append(buffer, "", 0);
    buffer->data[buffer->size] = '\0';
    return (struct saga_slice){ buffer->data, buffer->size };
}
