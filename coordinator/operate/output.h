/* What commands print: tables for people, JSON for scripts. */
#ifndef SAGA_OPERATE_OUTPUT_H
#define SAGA_OPERATE_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "operate/command.h"

#define SAGA_COLUMNS_MAX 10

/* A table of texts. The first row holds the titles. */
struct saga_table {
    struct saga_arena *arena;
    size_t columns;
    const char *(*rows)[SAGA_COLUMNS_MAX];
    size_t count;
    size_t capacity;
};
/* The titles, NULL at the end. */
void saga_table_init(struct saga_table *table, struct saga_arena *arena, ...);
/* A row: as many `const char *` as there are columns; NULL is an empty cell. Texts are copied. */
void saga_table_add(struct saga_table *table, ...);
void saga_table_print(const struct saga_table *table, FILE *out);

/* Prints the array as the call's output wants it: one indented document, or a line an element.
 * Takes over the reference. */
void saga_print_rows(const struct saga_call *call, json_t *rows);
/* The same for texts that are JSON already; they keep every digit. */
void saga_print_json_slices(const struct saga_call *call, const struct saga_slice *items,
                            size_t count);
/* One object; in JSON as in JSON lines. Takes over the reference. */
void saga_print_object(const struct saga_call *call, json_t *object);

/* The text itself where it is UTF-8, else a copy in the arena with U+FFFD for each byte that is none. */
struct saga_slice saga_text_mended(struct saga_slice text, struct saga_arena *arena);
/* A JSON string of bytes from outside: what is not UTF-8 becomes U+FFFD. */
json_t *saga_json_string(struct saga_slice text);
json_t *saga_json_time(int64_t time_ms);

/* Printable, on one line: control characters are written out, so that foreign text cannot steer a
 * terminal. */
const char *saga_printable(struct saga_arena *arena, struct saga_slice text);

/* Wall clock, milliseconds. */
int64_t saga_now_ms(void);
/* "12s", "3m", "5h", "2d": how long ago, in one unit. */
const char *saga_age(struct saga_arena *arena, int64_t since_ms, int64_t now_ms);
/* "812 B", "3.4 KiB" */
const char *saga_size(struct saga_arena *arena, size_t bytes);

#endif
