#include "codec/avro_names.h"

#include <string.h>

#include "base/assert.h"
#include "engine/event.h"
#include "engine/state.h"

struct saga_avro_names saga_avro_event_kinds, saga_avro_verbs, saga_avro_notes, saga_avro_statuses,
    saga_avro_stuck_on, saga_avro_state_kinds, saga_avro_step_statuses, saga_avro_step_kinds,
    saga_avro_compensation_statuses, saga_avro_kept_statuses;

/* The names of an enum, by the function that gives the name of one value. */
#define READ(into, type, name_of, values)                                                          \
    do {                                                                                           \
        (into).count = (values);                                                                   \
        SAGA_ASSERT((into).count <= SAGA_AVRO_NAMES_MAX);                                          \
        for (int i = 0; i < (into).count; i++)                                                     \
            (into).names[i] = saga_slice_of(name_of((enum type)i));                                \
    } while (0)

void saga_avro_names_read(void)
{
    READ(saga_avro_event_kinds, saga_event_kind, saga_event_kind_name, SAGA_EVENT_KIND_COUNT);
    READ(saga_avro_verbs, saga_verb, saga_verb_name, SAGA_VERB_COUNT);
    READ(saga_avro_notes, saga_note, saga_note_name, SAGA_NOTE_COUNT);
    READ(saga_avro_statuses, saga_status, saga_status_name, SAGA_STATUS_COUNT);
    READ(saga_avro_stuck_on, saga_stuck_on, saga_stuck_on_name, SAGA_STUCK_ON_COUNT);
    READ(saga_avro_state_kinds, saga_state_kind, saga_state_kind_name, SAGA_KIND_COUNT);
    READ(saga_avro_step_statuses, saga_step_status, saga_step_status_name, SAGA_STEP_STATUS_COUNT);
    READ(saga_avro_step_kinds, saga_step_kind, saga_step_kind_name, SAGA_STEP_KIND_COUNT);
    READ(saga_avro_compensation_statuses, saga_compensation_status, saga_compensation_status_name,
         SAGA_COMPENSATION_STATUS_COUNT);
    READ(saga_avro_kept_statuses, saga_kept_status, saga_kept_status_name, SAGA_KEPT_STATUS_COUNT);
}

bool saga_avro_name_find(const struct saga_avro_names *names, struct saga_slice name, int *ret)
{
    for (int i = 0; i < names->count; i++) {
        struct saga_slice known = names->names[i];
        if (known.size != name.size || memcmp(known.data, name.data, name.size) != 0) continue;
        *ret = i;
        return true;
    }
    return false;
}
