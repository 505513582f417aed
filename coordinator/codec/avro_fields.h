/* Between C structs and Avro records by tables: a row a field, in the order of the schema. */
#ifndef SAGA_CODEC_AVRO_FIELDS_H
#define SAGA_CODEC_AVRO_FIELDS_H

#include <avro.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"

enum saga_avro_kind {
    SAGA_AVRO_STRING, /* struct saga_slice; absent is written as "" and read as absent */
    SAGA_AVRO_BYTES,  /* struct saga_slice, ["null","bytes"] */
    SAGA_AVRO_INT,    /* uint32_t or int32_t */
    SAGA_AVRO_LONG,   /* int64_t or uint64_t */
    SAGA_AVRO_BOOL,   /* bool */
    SAGA_AVRO_NAME    /* an enum, written as the name that `name` gives for 0 .. names-1 */
};

struct saga_avro_field {
    enum saga_avro_kind kind;
    size_t offset;
    const char *(*name)(int value);
    int names;
};

/* Writes fields of the struct at `from` into the record, beginning at its field `first`. Slices are not copied: they must
 * live until the value was written out. */
void saga_avro_put(avro_value_t *record, size_t first, const struct saga_avro_field *fields,
                   size_t count, const void *from);
/* The other way; slices are copied into `arena`. Errors: SAGA_E_INVALID (a name that is none). */
int saga_avro_get(avro_value_t *record, size_t first, const struct saga_avro_field *fields,
                  size_t count, struct saga_arena *arena, void *to);

void saga_avro_put_string(avro_value_t *value, struct saga_slice text);

/* Single-object encoding: C3 01, fingerprint (little endian), the datum. */
enum { SAGA_AVRO_HEAD_BYTES = 10 };
/* The value's bytes behind their head, in `arena`; more than `bytes_max` in all is SAGA_E_LIMIT. */
int saga_avro_encode(avro_value_t *value, uint64_t fingerprint, size_t bytes_max,
                     struct saga_arena *arena, struct saga_slice *ret);
/* Checks head and datum, then reads it into `value`. Errors: SAGA_E_INVALID with words in `*ret_words` (arena). */
int saga_avro_decode(struct saga_slice bytes, uint64_t fingerprint, avro_schema_t schema,
                     avro_value_t *value, struct saga_arena *arena, struct saga_slice *ret_words);

#endif
