/* Between C structs and Avro's binary encoding by tables: a row a field, in the order of the schema. What is written are
 * the bytes that avro-c writes for the same values; what is read is checked on the way, so bytes may come from anywhere.
 * There is no value tree between: a worker does this several times for every event (coordinator/README.md). */
#ifndef SAGA_CODEC_AVRO_FIELDS_H
#define SAGA_CODEC_AVRO_FIELDS_H

#include <avro.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "codec/avro_names.h"

enum saga_avro_kind {
    SAGA_AVRO_STRING, /* struct saga_slice; absent is written as "" and read as absent */
    SAGA_AVRO_BYTES,  /* struct saga_slice, ["null","bytes"] */
    SAGA_AVRO_INT,    /* uint32_t or int32_t */
    SAGA_AVRO_LONG,   /* int64_t or uint64_t */
    SAGA_AVRO_BOOL,   /* bool */
    SAGA_AVRO_NAME    /* an enum, a string of `names` */
};

struct saga_avro_field {
    enum saga_avro_kind kind;
    uint32_t offset; /* in the struct */
    const struct saga_avro_names *names;
};

/* Asserts that the rows say what the record's schema says from its field `first` on. */
void saga_avro_check(avro_schema_t record, size_t first, const struct saga_avro_field *fields,
                     size_t count);
/* The same for all of a record; a link stands for what it names. */
void saga_avro_check_all(avro_schema_t record, const struct saga_avro_field *fields, size_t count);

/* Single-object encoding: C3 01, fingerprint (little endian), the datum. */
enum { SAGA_AVRO_HEAD_BYTES = 10 };

/* ---- writing (avro_out.c) ---- */

/* What is being written, used again and again: it grows to the longest. Begins zeroed, `bytes` is freed by its owner. */
struct saga_avro_out {
    char *bytes;
    size_t size, capacity, bytes_max;
    bool over; /* more than bytes_max: nothing is written any more */
};

/* Forgets what was written before, and writes the head. More than `bytes_max` in all will be SAGA_E_LIMIT. */
void saga_avro_begin(struct saga_avro_out *out, uint64_t fingerprint, size_t bytes_max);
/* Fields of the struct at `from`, one behind the other. */
void saga_avro_put(struct saga_avro_out *out, const struct saga_avro_field *fields, size_t count,
                   const void *from);
/* An int, a long, an array's count (0 behind its items, and where it has none), a union's branch. */
void saga_avro_put_long(struct saga_avro_out *out, int64_t value);
/* A fixed. */
void saga_avro_put_fixed(struct saga_avro_out *out, const void *bytes, size_t size);
/* A copy of the whole in `arena`. Errors: SAGA_E_LIMIT. */
int saga_avro_end(struct saga_avro_out *out, struct saga_arena *arena, struct saga_slice *ret);

/* ---- reading (avro_in.c) ---- */

/* Where reading stands. Lengths, indexes, counts and numbers are within bounds, or `why` is set and everything that is
 * read from then on fails. A name that is none is no fault of the encoding: `unnamed` remembers it, and reading goes on,
 * so that bytes that do not fit are always told as that. */
struct saga_avro_in {
    const unsigned char *from, *at, *end;
    const char *why; /* a static phrase; NULL: all has fitted so far */
    bool unnamed;
};

/* Does it begin as single-object encoding does? */
bool saga_avro_is_single_object(struct saga_slice bytes);
/* Checks the head. Errors: SAGA_E_INVALID with words in `*ret_words` (arena). */
int saga_avro_open(struct saga_avro_in *in, struct saga_slice bytes, uint64_t fingerprint,
                   struct saga_arena *arena, struct saga_slice *ret_words);
/* Fields into the struct at `to`, which is zeroed. Slices point into the bytes. False: they do not fit. */
bool saga_avro_get(struct saga_avro_in *in, const struct saga_avro_field *fields, size_t count,
                   void *to);
/* Which of a union's `count` branches. */
bool saga_avro_get_branch(struct saga_avro_in *in, size_t count, size_t *ret);
bool saga_avro_get_fixed(struct saga_avro_in *in, void *ret, size_t size);

/* An array's items, as far as they have been read; zeroed but for the size of one. None: `items` is NULL. */
struct saga_avro_items {
    size_t item_size;
    void *items;
    size_t count, capacity;
    int64_t left; /* in its block */
};
/* Makes the next item, zeroed, in `arena`. NULL: there is none, or the bytes do not fit. */
void *saga_avro_next(struct saga_avro_in *in, struct saga_avro_items *items,
                     struct saga_arena *arena);

/* Nothing may be left. Errors: SAGA_E_INVALID with words in `*ret_words` (arena), also of what did not fit before. */
int saga_avro_close(struct saga_avro_in *in, struct saga_arena *arena,
                    struct saga_slice *ret_words);

#endif
