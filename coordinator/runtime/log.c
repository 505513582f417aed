#include "runtime/log.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/monotonic.h"
#include "base/time.h"

enum line_form { FORM_TEXT, FORM_JOURNAL, FORM_JSON };

/* Set before threads are started; atomic, so that a test may change it while they run. */
static _Atomic int form_now = FORM_TEXT;
static _Atomic int level_now = SAGA_LOG_INFO;

static const struct {
    const char *name;
    char priority; /* as in syslog, for the journal of systemd */
} levels[] = {
    [SAGA_LOG_ERROR] = { "error", '3' },
    [SAGA_LOG_WARNING] = { "warning", '4' },
    [SAGA_LOG_INFO] = { "info", '6' },
    [SAGA_LOG_DEBUG] = { "debug", '7' },
};

static bool writes_to_journal(void)
{
    return getenv("JOURNAL_STREAM") && !isatty(STDERR_FILENO);
}

void saga_log_open(enum saga_log_format format, enum saga_log_level level)
{
    int form = format == SAGA_LOG_JSON                          ? FORM_JSON
               : format == SAGA_LOG_AUTO && writes_to_journal() ? FORM_JOURNAL
                                                                : FORM_TEXT;
    atomic_store(&form_now, form);
    atomic_store(&level_now, (int)level);
}

int saga_log_level_of(const char *name, enum saga_log_level *ret)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(levels[i].name, name) != 0) continue;
        *ret = (enum saga_log_level)i;
        return SAGA_OK;
    }
    return SAGA_E_INVALID;
}

/* ---- pairs ---- */

/* A line's format is marked before it is filled in: what stands between pairs and around values then differs from the spaces
 * and quotes that are in the values, which come from brokers and services too. */
enum { BETWEEN = 0x1e, AROUND = 0x1f };

static const char *mark(const char *format, struct saga_arena *arena)
{
    bool inside = false;
    char *marked = saga_arena_string(arena, saga_slice_of(format));
    for (char *c = marked; *c; c++) {
        if (*c == '"') {
            inside = !inside;
            *c = AROUND;
        } else if (*c == ' ' && !inside) {
            *c = BETWEEN;
        }
    }
    return marked;
}

/* Marks that come with a value, from whoever sent it, would make a pair of their own. They are told from ours by filling in the
 * format without marks as well: both texts are of one size, and differ where ours are. */
static struct saga_slice fill_in(const char *format, va_list arguments, struct saga_arena *arena)
{
    va_list again;
    va_copy(again, arguments);
    struct saga_slice marked = saga_arena_vprintf(arena, mark(format, arena), arguments);
    struct saga_slice plain = saga_arena_vprintf(arena, format, again);
    va_end(again);
    char *text = saga_arena_string(arena, marked);
    for (size_t i = 0; i < marked.size; i++)
        if (text[i] == plain.data[i] && (text[i] == BETWEEN || text[i] == AROUND)) text[i] = '?';
    return (struct saga_slice){ text, marked.size };
}

struct pair {
    struct saga_slice name; /* empty: words without a name */
    struct saga_slice value;
    bool quoted;
};

static size_t name_size(struct saga_slice text)
{
    size_t size = 0;
    while (size < text.size && (isalnum((unsigned char)text.data[size]) || text.data[size] == '_'))
        size++;
    return size && size < text.size && text.data[size] == '=' ? size : 0;
}

static struct pair take_pair(struct saga_slice *pairs)
{
    struct saga_slice text = *pairs;
    const char *end = text.size ? memchr(text.data, BETWEEN, text.size) : NULL;
    if (end) text.size = (size_t)(end - text.data);
    *pairs = saga_slice_skip(*pairs, text.size + (end != NULL));
    struct pair pair = { .name = { text.data, name_size(text) } };
    if (pair.name.size) text = saga_slice_skip(text, pair.name.size + 1);
    pair.quoted = text.size >= 2 && text.data[0] == AROUND && text.data[text.size - 1] == AROUND;
    pair.value = pair.quoted ? (struct saga_slice){ text.data + 1, text.size - 2 } : text;
    return pair;
}

/* One line stays one line, and a value in quotes ends where they end. */
static void add_printable(struct saga_buffer *line, struct saga_slice text, bool quoted)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '\n')
            saga_buffer_add(line, SAGA_SLICE("\\n"));
        else if (c < 0x20 || c == 0x7f)
            saga_buffer_printf(line, "\\x%02x", c);
        else if (quoted && (c == '"' || c == '\\'))
            saga_buffer_printf(line, "\\%c", c);
        else
            saga_buffer_add_char(line, (char)c);
    }
}

static void add_text_pairs(struct saga_buffer *line, struct saga_slice pairs)
{
    while (pairs.size) {
        struct pair pair = take_pair(&pairs);
        bool splits = memchr(pair.value.data, ' ', pair.value.size) ||
                      memchr(pair.value.data, '"', pair.value.size);
        bool quoted = pair.quoted || (pair.name.size && splits);
        saga_buffer_add_char(line, ' ');
        if (pair.name.size) saga_buffer_printf(line, "%.*s=", SAGA_SLICE_ARG(pair.name));
        if (quoted) saga_buffer_add_char(line, '"');
        add_printable(line, pair.value, quoted);
        if (quoted) saga_buffer_add_char(line, '"');
    }
}

static bool is_json_number(struct saga_slice value)
{
    size_t offset;
    const char *why;
    return value.size && saga_json_validate(value, &offset, &why) == SAGA_OK &&
           saga_json_kind(value) == SAGA_JSON_NUMBER;
}

static void add_json_pairs(struct saga_buffer *line, struct saga_slice pairs)
{
    while (pairs.size) {
        struct pair pair = take_pair(&pairs);
        saga_buffer_add_char(line, ',');
        saga_buffer_add_json_string(line, pair.name.size ? pair.name : SAGA_SLICE("text"));
        saga_buffer_add_char(line, ':');
        if (!pair.quoted && is_json_number(pair.value))
            saga_buffer_add(line, pair.value);
        else
            saga_buffer_add_json_string(line, pair.value);
    }
}

static void add_line(struct saga_buffer *line, enum line_form form, enum saga_log_level level,
                     const char *what, struct saga_slice pairs)
{
    struct timespec now;
    char time_text[SAGA_TIME_TEXT_BYTES];
    clock_gettime(CLOCK_REALTIME, &now);
    saga_time_format((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, time_text);
    if (form == FORM_JSON) {
        saga_buffer_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", time_text,
                           levels[level].name);
        saga_buffer_add_json_string(line, saga_slice_of(what));
        add_json_pairs(line, pairs);
        saga_buffer_add_char(line, '}');
    } else {
        if (form == FORM_JOURNAL)
            saga_buffer_printf(line, "<%c>", levels[level].priority);
        else
            saga_buffer_printf(line, "%s %-7s ", time_text, levels[level].name);
        saga_buffer_add(line, saga_slice_of(what));
        add_text_pairs(line, pairs);
    }
    saga_buffer_add_char(line, '\n');
}

static void write_all(struct saga_slice line)
{
    while (line.size) {
        ssize_t written = write(STDERR_FILENO, line.data, line.size);
        if (written <= 0) return; /* nowhere left to say so */
        line = saga_slice_skip(line, (size_t)written);
    }
}

static void write_line(enum saga_log_level level, const char *what, const char *pairs_format,
                       va_list arguments)
{
    struct saga_arena arena;
    struct saga_buffer line;
    struct saga_slice pairs = SAGA_SLICE_NONE;
    saga_arena_init(&arena);
    saga_buffer_init(&line, &arena);
    if (pairs_format) pairs = fill_in(pairs_format, arguments, &arena);
    add_line(&line, (enum line_form)atomic_load(&form_now), level, what, pairs);
    /* one write a line: lines of several threads do not run into each other */
    write_all(saga_buffer_slice(&line));
    saga_arena_free(&arena);
}

static bool is_written(enum saga_log_level level)
{
    return (int)level <= atomic_load(&level_now);
}

void saga_log(enum saga_log_level level, const char *what, const char *pairs_format, ...)
{
    if (!is_written(level)) return;
    va_list arguments;
    va_start(arguments, pairs_format);
    write_line(level, what, pairs_format, arguments);
    va_end(arguments);
}

void saga_log_seldom(int64_t *last_ms, int64_t every_ms, enum saga_log_level level,
                     const char *what, const char *pairs_format, ...)
{
    int64_t now_ms = saga_monotonic_ms();
    bool too_soon = *last_ms != 0 && now_ms - *last_ms < every_ms;
    if (!is_written(level) || too_soon) return;
    *last_ms = now_ms;
    va_list arguments;
    va_start(arguments, pairs_format);
    write_line(level, what, pairs_format, arguments);
    va_end(arguments);
}
