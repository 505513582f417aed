/* A picture on a terminal that is kept up to date: fitted to the window, never scrolling, never
 * wrapping. */
#ifndef SAGA_OPERATE_SCREEN_H
#define SAGA_OPERATE_SCREEN_H

#include <stdbool.h>

#include "base/buffer.h"

struct saga_screen_size {
    size_t rows, columns; /* at least 1 */
};

/* What is shown: lines, each ended by a newline. */
struct saga_picture {
    struct saga_slice body;
    struct saga_slice foot; /* stays in sight where there is room; may be empty */
    const char *noun;       /* what a line of the body is: "lines", "sagas" */
};

/* Can standard output show pictures? Says no to a pipe, a file and a dumb terminal. */
bool saga_screen_is_there(void);
/* Makes ready to follow the window's size: before any thread is started that waits is well. */
void saga_screen_open(void);
/* Draws a picture over the one before, in one write. */
void saga_screen_draw(const struct saga_picture *picture, struct saga_arena *arena);
/* Waits for so many milliseconds, or until the window has another size. */
void saga_screen_wait(int ms);
/* Takes the last picture away: what is printed next stands alone, as plain lines. */
void saga_screen_close(void);

/* The bytes that draw a picture in a window of that size: lines are cut at its edge, lines beyond
 * its height are counted in the last one (above the foot). */
void saga_screen_fit(const struct saga_picture *picture, struct saga_screen_size size,
                     struct saga_buffer *buffer);

#endif
