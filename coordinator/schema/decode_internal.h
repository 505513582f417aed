/* What the files that read bodies share. */
#ifndef SAGA_SCHEMA_DECODE_INTERNAL_H
#define SAGA_SCHEMA_DECODE_INTERNAL_H

#include "schema/schema_internal.h"

typedef const struct saga_schema *schema_t;
typedef const struct saga_place_in_body *place_t;

struct decoding {
    struct saga_body_walk walk;
    const uint8_t *at, *end;
};

/* Always false; said in a way that the compiler sees. */
#define REFUSE(d, place, ...)                                                                      \
    (saga_body_refuse(&(d)->walk, SAGA_E_INVALID, (place), __VA_ARGS__), false)

/* Each takes what it reads off the bytes. False with words where they hold no such thing. */
bool saga_decode_long(struct decoding *d, place_t place, int64_t *ret);
bool saga_decode_int(struct decoding *d, place_t place, int64_t *ret);
bool saga_decode_boolean(struct decoding *d, place_t place, bool *ret);
/* `size` bytes: as they are, and as a number, the lowest first. */
bool saga_decode_bytes(struct decoding *d, place_t place, size_t size, struct saga_slice *ret);
bool saga_decode_bits(struct decoding *d, place_t place, size_t size, uint64_t *ret);
/* Bytes behind their length. */
bool saga_decode_sized(struct decoding *d, place_t place, struct saga_slice *ret);
/* A number below `count`, of a `what` of the writer's schema. */
bool saga_decode_index(struct decoding *d, place_t place, size_t count, const char *what,
                       size_t *ret);
/* How many items the next block of an array or map has; 0: there is none. */
bool saga_decode_block(struct decoding *d, place_t place, uint64_t *ret_count);

#endif
