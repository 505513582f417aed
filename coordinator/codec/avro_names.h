/* The names of enums as Avro has them: strings, which are written and looked up for every event, so that their lengths
 * are counted once. */
#ifndef SAGA_CODEC_AVRO_NAMES_H
#define SAGA_CODEC_AVRO_NAMES_H

#include <stdbool.h>

#include "base/assert.h"
#include "base/slice.h"

enum { SAGA_AVRO_NAMES_MAX = 24 };

struct saga_avro_names {
    int count;
    struct saga_slice names[SAGA_AVRO_NAMES_MAX]; /* of 0 .. count-1 */
};

extern struct saga_avro_names saga_avro_event_kinds, saga_avro_verbs, saga_avro_notes,
    saga_avro_statuses, saga_avro_stuck_on, saga_avro_state_kinds, saga_avro_step_statuses,
    saga_avro_step_kinds, saga_avro_compensation_statuses, saga_avro_kept_statuses;

/* Fills them in; once, by the first codec. They never change after that. */
void saga_avro_names_read(void);

static inline struct saga_slice saga_avro_name_of(const struct saga_avro_names *names, int value)
{
    SAGA_ASSERT(value >= 0 && value < names->count);
    return names->names[value];
}
/* Which name it is. False: none. */
bool saga_avro_name_find(const struct saga_avro_names *names, struct saga_slice name, int *ret);

#endif
