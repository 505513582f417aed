/* What differs between two JSON documents of one kind, member by member. */
#ifndef SAGA_OPERATE_JSON_DIFF_H
#define SAGA_OPERATE_JSON_DIFF_H

#include "base/arena.h"

struct saga_json_change {
    struct saga_slice path;          /* `steps[reserve].status` */
    struct saga_slice before, after; /* JSON; absent: there is none */
};

/* In the order of `before`, then what only `after` has. Elements of a list that is a member of the document itself, as of
 * saga_state_json, are known by their first member if that is a text; all others by their place. Both must be valid JSON; paths are
 * in the arena, values slices of what was given. */
void saga_json_diff(struct saga_slice before, struct saga_slice after, struct saga_arena *arena,
                    struct saga_json_change **ret, size_t *ret_count);

#endif
