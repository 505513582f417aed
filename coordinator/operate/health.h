/* A look at the surroundings, line by line: what is well, what is not, and the mend. */
#ifndef SAGA_OPERATE_HEALTH_H
#define SAGA_OPERATE_HEALTH_H

#include "definition/definition.h"
#include "operate/command.h"

enum saga_health_level { SAGA_HEALTH_OK, SAGA_HEALTH_WARNING, SAGA_HEALTH_FAILED };

struct saga_health_line {
    enum saga_health_level level;
    const char *subject; /* "topic saga.inbox" */
    const char *what;
    const char *mend; /* NULL where there is nothing to do */
};

struct saga_health {
    struct saga_arena *arena;
    struct saga_health_line *lines;
    size_t count;
    size_t capacity;
    const char *create; /* the command that makes missing topics; NULL: `saga topics create` */
    const char *
        lanes_of; /* the topic whose partitions are the lanes, where the setting has another number; NULL: it has not */
};

void saga_health_init(struct saga_health *health, struct saga_arena *arena);
/* Adds a line; texts are copied. */
void saga_health_add(struct saga_health *health, enum saga_health_level level, const char *subject,
                     const char *mend, const char *what_format, ...)
    __attribute__((format(printf, 5, 6)));
/* Prints all lines as the call's output wants it. SAGA_EXIT_UNHEALTHY if one failed; warnings do
 * not. */
int saga_health_print(const struct saga_call *call, const struct saga_health *health);

/* Judges a topic as it is against how it must be; `lanes` is the number of the setting, or of `lanes_of`. `spared_ms`: a
 * retention of so much is enough where it should be kept for ever; 0: it is not. */
void saga_health_topic(struct saga_health *health, const struct saga_topic_spec *spec,
                       const struct saga_topic_state *state, bool own, uint32_t lanes,
                       int64_t spared_ms);
/* All topics that the coordinator and these definitions need, as they are at the broker. Where the setting lanes is another number
 * than the journal's topic has, that is said first, and the others are judged by the journal's: it cannot be changed. */
void saga_health_topics(struct saga_call *call, struct saga_definition *const *definitions,
                        size_t count, struct saga_health *health);

#endif
