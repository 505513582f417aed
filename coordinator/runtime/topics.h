/* The coordinator's own topics: names, partitions, settings (architecture.md, Topics). */
#ifndef SAGA_RUNTIME_TOPICS_H
#define SAGA_RUNTIME_TOPICS_H

#include "base/arena.h"
#include "bus/client.h"

struct saga_topics {
    struct saga_slice inbox, journal, snapshots, keys, definitions, dead_letters; /* terminated */
    /* Is there only where `saga audit import` has made the others: no coordinator may run on them (operate/imported.h). */
    struct saga_slice imported;
    struct saga_slice anchors; /* where an import puts those of an export */
    struct saga_slice jobs;    /* and the lists of their sagas */
};
/* Names with the prefix in front. */
void saga_topics_name(const char *prefix, struct saga_arena *arena, struct saga_topics *ret);
/* How each is made; `*ret` has `*ret_count` of them, in `arena`. */
void saga_topics_specs(const struct saga_topics *topics, uint32_t lanes, struct saga_arena *arena,
                       struct saga_topic_spec **ret, size_t *ret_count);
/* Is it one of those in which the coordinator alone may write? What others put there, it could not read any more. */
bool saga_topics_is_own(const struct saga_topics *topics, const char *name);
/* Can sagas do without it? One that came with a later version may not be there yet. */
bool saga_topics_is_optional(const struct saga_topics *topics, const char *name);

#endif
