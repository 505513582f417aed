/* JSON as slices: the hot path finds members in a body without making a tree of it.
 * Validation follows RFC 8259; a number keeps its digits, because only its bytes are ever copied. */
#ifndef SAGA_BASE_JSON_H
#define SAGA_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"

enum saga_json_kind {
    SAGA_JSON_NULL,
    SAGA_JSON_FALSE,
    SAGA_JSON_TRUE,
    SAGA_JSON_NUMBER,
    SAGA_JSON_STRING,
    SAGA_JSON_ARRAY,
    SAGA_JSON_OBJECT
};

/* Length of the valid UTF-8 sequence at `bytes` (1 to 4), 0 if there is none (RFC 3629). */
size_t saga_utf8_sequence(const char *bytes, size_t size);
/* How many bytes of the text are valid UTF-8: all, or those before the first that is not. */
size_t saga_utf8_valid(struct saga_slice text);

/* Is the whole slice one JSON value (white space around it allowed), at most SAGA_JSON_DEPTH_MAX deep?
 * On failure `*ret_offset` is the byte where it stops being JSON and `*ret_why` a static phrase.
 * Errors: SAGA_E_INVALID, SAGA_E_LIMIT (too deep). */
int saga_json_validate(struct saga_slice json, size_t *ret_offset, const char **ret_why);

/* The functions below take valid JSON only (see saga_json_validate). */

/* What kind of value it is. */
enum saga_json_kind saga_json_kind(struct saga_slice json);
/* The value without the white space around it. */
struct saga_slice saga_json_trim(struct saga_slice json);
/* Value of the member `name` of an object; of two with that name the last, as jq does it.
 * Returns SAGA_E_NOT_FOUND for other kinds of values and where there is no such member. */
int saga_json_member(struct saga_slice json, struct saga_slice name, struct saga_slice *ret_value);
/* The same of several names in one pass; absent where there is none. False for other kinds of values. */
bool saga_json_members(struct saga_slice json, const struct saga_slice *names, size_t count,
                       struct saga_slice *ret_values);
/* Element of an array; negative counts from the end. Errors: SAGA_E_NOT_FOUND. */
int saga_json_element(struct saga_slice json, long index, struct saga_slice *ret_value);

/* Walks the members of an object or the elements of an array. */
struct saga_json_walk {
    const char *at;
    const char *end;
    bool object;
};
void saga_json_walk_init(struct saga_json_walk *walk, struct saga_slice json);
/* Next entry: `*ret_name` is the member's name as written, with its quotes (absent in an array).
 * False at the end. */
bool saga_json_walk_next(struct saga_json_walk *walk, struct saga_slice *ret_name,
                         struct saga_slice *ret_value);
/* How many there are. */
size_t saga_json_count(struct saga_slice json);

/* The text of a JSON string, escapes resolved, in the arena. Errors: SAGA_E_INVALID (not a string). */
int saga_json_text(struct saga_slice json, struct saga_arena *arena, struct saga_slice *ret_text);

/* Does the value hold a number that libjq 1.6 would change silently: a whole number beyond 2^53, or one that is
 * not the shortest text of its double (too many digits, too large, too small)? `*ret_number` is the first one. */
bool saga_json_has_unsafe_number(struct saga_slice json, struct saga_slice *ret_number);

#endif
