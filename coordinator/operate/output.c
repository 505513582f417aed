#include "operate/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/time.h"

/* ---- tables ---- */

static void add_row(struct saga_table *table, const char *const *cells)
{
    void *rows = table->rows;
    saga_arena_grow(table->arena, &rows, table->count, &table->capacity, sizeof *table->rows);
    table->rows = rows;
    for (size_t i = 0; i < table->columns; i++)
        table->rows[table->count][i] = saga_printable(table->arena, saga_slice_of(cells[i]));
    table->count++;
}

void saga_table_init(struct saga_table *table, struct saga_arena *arena, ...)
{
    const char *titles[SAGA_COLUMNS_MAX];
    va_list arguments;
    *table = (struct saga_table){ .arena = arena };
    va_start(arguments, arena);
    for (const char *title; (title = va_arg(arguments, const char *));) {
        SAGA_ASSERT(table->columns < SAGA_COLUMNS_MAX);
        titles[table->columns++] = title;
    }
    va_end(arguments);
    add_row(table, titles);
}

void saga_table_add(struct saga_table *table, ...)
{
    const char *cells[SAGA_COLUMNS_MAX];
    va_list arguments;
    va_start(arguments, table);
    for (size_t i = 0; i < table->columns; i++) cells[i] = va_arg(arguments, const char *);
    va_end(arguments);
    add_row(table, cells);
}

/* Places on a terminal, counting every code point as one. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void saga_table_print(const struct saga_table *table, FILE *out)
{
    size_t widths[SAGA_COLUMNS_MAX] = { 0 };
    for (size_t r = 0; r < table->count; r++)
        for (size_t c = 0; c < table->columns; c++) {
            size_t width = width_of(table->rows[r][c]);
            if (width > widths[c]) widths[c] = width;
        }
    for (size_t r = 0; r < table->count; r++) {
        size_t owed = 0; /* blanks are written only in front of something */
        for (size_t c = 0; c < table->columns; c++) {
            const char *cell = table->rows[r][c];
            if (*cell) {
                fprintf(out, "%*s%s", (int)owed, "", cell);
                owed = 0;
            }
            owed += widths[c] - width_of(cell) + 2;
        }
        fputc('\n', out);
    }
}

/* ---- JSON ---- */

void saga_print_rows(const struct saga_call *call, json_t *rows)
{
    size_t index;
    json_t *row;
    if (call->output == SAGA_OUTPUT_JSON) {
        json_dumpf(rows, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        json_array_foreach(rows, index, row)
        {
            json_dumpf(row, stdout, JSON_COMPACT);
            putchar('\n');
        }
    }
    json_decref(rows);
}

void saga_print_json_slices(const struct saga_call *call, const struct saga_slice *items,
                            size_t count)
{
    bool document = call->output == SAGA_OUTPUT_JSON;
    if (document) putchar('[');
    for (size_t i = 0; i < count; i++) {
        if (document) fputs(i ? ",\n" : "\n", stdout);
        fwrite(items[i].data, 1, items[i].size, stdout);
        if (!document) putchar('\n');
    }
    if (document) fputs(count ? "\n]\n" : "]\n", stdout);
}

void saga_print_object(const struct saga_call *call, json_t *object)
{
    json_dumpf(object, stdout, call->output == SAGA_OUTPUT_JSON ? JSON_INDENT(2) : JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

struct saga_slice saga_text_mended(struct saga_slice text, struct saga_arena *arena)
{
    struct saga_buffer buffer;
    if (saga_utf8_valid(text) == text.size) return text;
    saga_buffer_init(&buffer, arena);
    while (text.size) {
        size_t size = saga_utf8_sequence(text.data, text.size);
        if (size)
            saga_buffer_append(&buffer, text.data, size);
        else
            saga_buffer_add(&buffer, SAGA_SLICE("\xef\xbf\xbd"));
        text = saga_slice_skip(text, size ? size : 1);
    }
    return saga_buffer_slice(&buffer);
}

json_t *saga_json_string(struct saga_slice text)
{
    json_t *string = json_stringn(text.data ? text.data : "", text.size);
    if (string) return string;
    struct saga_arena arena;
    saga_arena_init(&arena);
    struct saga_slice mended = saga_text_mended(text, &arena);
    string = json_stringn(mended.data, mended.size);
    saga_arena_free(&arena);
    SAGA_ASSERT(string);
    return string;
}

json_t *saga_json_time(int64_t time_ms)
{
    char text[SAGA_TIME_TEXT_BYTES];
    if (time_ms == 0) return json_null();
    saga_time_format(time_ms, text);
    return json_string(text);
}

/* ---- texts ---- */

const char *saga_printable(struct saga_arena *arena, struct saga_slice text)
{
    struct saga_buffer buffer;
    saga_buffer_init(&buffer, arena);
    while (text.size) {
        unsigned char first = (unsigned char)text.data[0];
        size_t size = saga_utf8_sequence(text.data, text.size);
        /* U+0080 to U+009F steer terminals too */
        bool control = first < 0x20 || first == 0x7f ||
                       (size == 2 && first == 0xc2 && (unsigned char)text.data[1] < 0xa0);
        if (size == 0 || control)
            saga_buffer_printf(&buffer, "\\x%02x", first);
        else
            saga_buffer_append(&buffer, text.data, size);
        text = saga_slice_skip(text, size && !control ? size : 1);
    }
    return saga_buffer_slice(&buffer).data;
}

int64_t saga_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *saga_age(struct saga_arena *arena, int64_t since_ms, int64_t now_ms)
{
    int64_t seconds = now_ms > since_ms ? (now_ms - since_ms) / 1000 : 0;
    if (seconds < 120) return saga_arena_printf(arena, "%" PRId64 "s", seconds).data;
    if (seconds < 7200) return saga_arena_printf(arena, "%" PRId64 "m", seconds / 60).data;
    if (seconds < 172800) return saga_arena_printf(arena, "%" PRId64 "h", seconds / 3600).data;
    return saga_arena_printf(arena, "%" PRId64 "d", seconds / 86400).data;
}

const char *saga_size(struct saga_arena *arena, size_t bytes)
{
    if (bytes < 1024) return saga_arena_printf(arena, "%zu B", bytes).data;
    if (bytes < 1024 * 1024) return saga_arena_printf(arena, "%.1f KiB", (double)bytes / 1024).data;
    return saga_arena_printf(arena, "%.1f MiB", (double)bytes / (1024 * 1024)).data;
}
