/* A file of texts, a line each, that may hold anything: NUL bytes, and lines longer than wanted. */
#ifndef SAGA_BASE_LINES_H
#define SAGA_BASE_LINES_H

#include <stdbool.h>
#include <stdio.h>

#include "base/slice.h"

struct saga_lines {
    FILE *file; /* the caller's */
    size_t size_max;
    unsigned line; /* number of the last one, from 1 */
    char *bytes;
    size_t capacity;
};

void saga_lines_init(struct saga_lines *lines, FILE *file, size_t size_max);
/* The next line without its newline, valid until the next call; the last one may lack it. `*ret_whole` is false where it is
 * longer than `size_max` bytes: then this is what fits, and the rest is passed over. False: there are no more (or reading
 * failed: ferror). */
bool saga_lines_next(struct saga_lines *lines, struct saga_slice *ret, bool *ret_whole);
/* Frees what init and next have taken, but not the file. */
void saga_lines_free(struct saga_lines *lines);

#endif
