/* Bodies in scenarios: written as YAML, compared as JSON. */
#ifndef SAGA_EXPLORE_BODY_H
#define SAGA_EXPLORE_BODY_H

#include "base/buffer.h"
#include "definition/yaml.h"

/* A YAML value as JSON: plain words that JSON knows as numbers, true, false and null (~ too) are these; numbers keep
 * their digits; everything else is a text. */
void saga_body_of_yaml(struct fy_node *node, struct saga_buffer *out);

/* Where `came` is not as `expected`: one line a difference, `.path: expected X, came Y`, at most SAGA_DIFFERENCES_MAX.
 * Unless `exactly`, members that `expected` does not name may be there. Numbers are compared by value, lists element
 * by element. Empty: it is as expected. Both are valid JSON; text in `arena`. */
#define SAGA_DIFFERENCES_MAX 10
struct saga_slice saga_body_differences(struct saga_slice expected, struct saga_slice came,
                                        bool exactly, struct saga_arena *arena);

#endif
