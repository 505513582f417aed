/* What reading and writing of bodies share: where in a body one is, and what is said when something does not fit. */
#ifndef SAGA_SCHEMA_SCHEMA_INTERNAL_H
#define SAGA_SCHEMA_SCHEMA_INTERNAL_H

#include "base/buffer.h"
#include "schema/schema.h"

/* The way to a value, from the inside out. On the stack of whoever walks. */
struct saga_place_in_body {
    const struct saga_place_in_body *up;
    struct saga_slice name; /* of a field or a map's key; absent: an element */
    size_t index;
};

/* One body that is read or written. */
struct saga_body_walk {
    struct saga_arena *arena;
    struct saga_buffer out;
    size_t out_max; /* bytes */
    size_t values;  /* that may still be looked at (SAGA_BODY_VALUES_MAX) */
    unsigned depth;
    bool as_default; /* writing: the JSON is a default of a schema */
    bool holes;      /* writing: what is SAGA_SCHEMA_HOLE fits everything */
    bool quiet;      /* an attempt of which only the outcome counts: no words are made */
    int error;
    struct saga_slice words; /* of the first error */
};

void saga_body_walk_init(struct saga_body_walk *walk, struct saga_arena *arena);
/* Notes what does not fit and where ("field lines[2].quantity: ..."); the first stands. Always false. */
bool saga_body_refuse(struct saga_body_walk *walk, int error,
                      const struct saga_place_in_body *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* One more value is looked at, one level deeper; it counts as `cost` values. False with words past a limit. Leave it
 * again where it was true. */
bool saga_body_enter(struct saga_body_walk *walk, const struct saga_place_in_body *place,
                     size_t cost);
void saga_body_leave(struct saga_body_walk *walk);

/* ---- match.c: which types go together (specification, Schema Resolution) ---- */

/* How well a writer's type is read as a reader's: 0 not at all; the best is the highest. Looks at names and kinds
 * only, not inside. Unions match nothing: their branches do. */
int saga_schema_match(const struct saga_schema *writer, const struct saga_schema *reader);
/* The reader's field that a writer's field is, by name or by the reader's aliases; NULL: none. */
const struct saga_schema_field *saga_schema_field_read(const struct saga_schema *reader,
                                                       struct saga_slice writers_name);

/* ---- decode.c, encode.c, defaults.c ---- */

/* One datum of `writer` at the front of `*bytes`, read as `reader`: its JSON in `arena`, the bytes are taken off. */
int saga_schema_decode(const struct saga_schema *writer, const struct saga_schema *reader,
                       struct saga_slice *bytes, struct saga_arena *arena,
                       struct saga_slice *ret_json, struct saga_slice *ret_words);
/* JSON to a datum. `as_default`: by the rules of a field's default (bytes as a text of code points, no logical types). */
int saga_schema_encode(const struct saga_schema *schema, struct saga_slice json, bool as_default,
                       size_t bytes_max, struct saga_arena *arena, struct saga_slice *ret_bytes,
                       struct saga_slice *ret_words);
/* Does it fit, as far as it is known (SAGA_SCHEMA_HOLE)? */
int saga_schema_check(const struct saga_schema *schema, struct saga_slice json,
                      struct saga_arena *arena, struct saga_slice *ret_words);
/* The bytes of a field's default, made when they are first asked for. Errors: SAGA_E_INVALID, SAGA_E_LIMIT. */
int saga_schema_field_default(struct saga_schema_field *field, struct saga_arena *arena,
                              struct saga_slice *ret_words);

#endif
