#include "operate/screen.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <unistd.h>

/* Where the terminal does not say how large it is. */
enum { ROWS_DEFAULT = 24, COLUMNS_DEFAULT = 80, FOOT_NEEDS_ROWS = 3 };

/* ---- fitting ---- */

static size_t count_lines(struct saga_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) count += text.data[i] == '\n';
    return count;
}

static struct saga_slice take_line(struct saga_slice *text)
{
    const char *end = text->size ? memchr(text->data, '\n', text->size) : NULL;
    struct saga_slice line = { text->data, end ? (size_t)(end - text->data) : text->size };
    *text = saga_slice_skip(*text, line.size + (end ? 1 : 0));
    return line;
}

/* The bytes of the first `columns` code points. */
static size_t bytes_of(struct saga_slice line, size_t columns)
{
    size_t at = 0;
    for (; at < line.size; at++) {
        bool begins = ((unsigned char)line.data[at] & 0xc0) != 0x80;
        if (begins && columns-- == 0) break;
    }
    return at;
}

struct drawing {
    struct saga_buffer *buffer;
    struct saga_screen_size size;
    size_t drawn;
};

/* Erases first and writes then: behind a line that fills its row the cursor stands on the last
 * character, and erasing would take it. */
static void draw_line(struct drawing *d, struct saga_slice line)
{
    if (d->drawn++) saga_buffer_add(d->buffer, SAGA_SLICE("\r\n"));
    saga_buffer_add(d->buffer, SAGA_SLICE("\033[K"));
    if (bytes_of(line, d->size.columns) == line.size) {
        saga_buffer_add(d->buffer, line);
        return;
    }
    saga_buffer_add(d->buffer, saga_slice_clip(line, bytes_of(line, d->size.columns - 1)));
    saga_buffer_add_char(d->buffer, '>');
}

static void draw_lines(struct drawing *d, struct saga_slice *text, size_t count)
{
    for (; count; count--) draw_line(d, take_line(text));
}

static void draw_more(struct drawing *d, size_t hidden, const char *noun)
{
    char words[80];
    snprintf(words, sizeof words, "%zu more %s: make the window higher", hidden, noun);
    draw_line(d, saga_slice_of(words));
}

void saga_screen_fit(const struct saga_picture *picture, struct saga_screen_size size,
                     struct saga_buffer *buffer)
{
    struct drawing d = { .buffer = buffer, .size = size };
    struct saga_slice body = picture->body, foot = picture->foot;
    size_t body_lines = count_lines(body), foot_lines = count_lines(foot);
    /* a character that takes two places may still reach over the edge: no wrapping meanwhile */
    saga_buffer_add(buffer, SAGA_SLICE("\033[?7l\033[H"));
    if (body_lines + foot_lines > size.rows && foot_lines + FOOT_NEEDS_ROWS > size.rows)
        foot_lines = 0;
    if (body_lines + foot_lines > size.rows) {
        size_t room = size.rows - foot_lines - 1;
        draw_lines(&d, &body, room);
        draw_more(&d, body_lines - room, picture->noun);
    } else {
        draw_lines(&d, &body, body_lines);
    }
    draw_lines(&d, &foot, foot_lines);
    if (d.drawn < size.rows)
        saga_buffer_add(buffer, d.drawn ? SAGA_SLICE("\r\n\033[J") : SAGA_SLICE("\033[J"));
    saga_buffer_add(buffer, SAGA_SLICE("\033[?7h"));
}

/* ---- the terminal ---- */

static sigset_t mask_while_waiting;

static void on_resize(int signal_number)
{
    (void)signal_number; /* it ends the waiting, and that is all that is wanted of it */
}

bool saga_screen_is_there(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

/* The signal is let through only while nothing is under way that it could interrupt. */
void saga_screen_open(void)
{
    struct sigaction action = { .sa_handler = on_resize };
    sigset_t resize;
    sigaction(SIGWINCH, &action, NULL);
    sigemptyset(&resize);
    sigaddset(&resize, SIGWINCH);
    sigprocmask(SIG_BLOCK, &resize, &mask_while_waiting);
    sigdelset(&mask_while_waiting, SIGWINCH);
    fputs("\033[2J", stdout);
}

static struct saga_screen_size size_now(void)
{
    struct winsize window;
    struct saga_screen_size size = { ROWS_DEFAULT, COLUMNS_DEFAULT };
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) < 0) return size;
    if (window.ws_row) size.rows = window.ws_row;
    if (window.ws_col) size.columns = window.ws_col;
    return size;
}

void saga_screen_draw(const struct saga_picture *picture, struct saga_arena *arena)
{
    struct saga_buffer buffer;
    saga_buffer_init(&buffer, arena);
    saga_screen_fit(picture, size_now(), &buffer);
    struct saga_slice bytes = saga_buffer_slice(&buffer);
    fwrite(bytes.data, 1, bytes.size, stdout);
    fflush(stdout);
}

void saga_screen_wait(int ms)
{
    struct timespec time = { ms / 1000, (ms % 1000) * 1000000L };
    pselect(0, NULL, NULL, NULL, &time, &mask_while_waiting);
}

void saga_screen_close(void)
{
    fputs("\033[H\033[J", stdout);
    fflush(stdout);
}
