/* The coordinator's own topics: names, partitions, settings (architecture.md, Topics). */
#ifndef SAGA_RUNTIME_TOPICS_H
#define SAGA_RUNTIME_TOPICS_H

#include "base/arena.h"
#include "bus/client.h"

struct saga_topics {
    struct saga_slice inbox, journal, snapshots, definitions, dead_letters; /* terminated */
};
/* Names with the prefix in front. */
void saga_topics_name(const char *prefix, struct saga_arena *arena, struct saga_topics *ret);
/* How each is made; `*ret` has `*ret_count` of them, in `arena`. */
void saga_topics_specs(const struct saga_topics *topics, uint32_t lanes, struct saga_arena *arena,
                       struct saga_topic_spec **ret, size_t *ret_count);

#endif
