/* From a record that was read to the events that it means, and the lanes that they belong to. A record is one
 * event for one saga as a rule; a start event may start several definitions, each with its own key. */
#ifndef SAGA_RUNTIME_INTAKE_H
#define SAGA_RUNTIME_INTAKE_H

#include "base/arena.h"
#include "base/message.h"
#include "definition/catalog.h"
#include "engine/event.h"
#include "runtime/letter_reasons.h"

struct saga_intake {
    struct saga_catalog *catalog;
    struct saga_slice inbox; /* topic */
    uint32_t lanes;
    struct saga_arena *arena;
};

enum saga_intake_fate {
    SAGA_INTAKE_EVENT,       /* decide it (or pass it on) */
    SAGA_INTAKE_DEAD_LETTER, /* cannot be read, or belongs to nobody: `reason` and `words` say why */
    SAGA_INTAKE_NOTHING, /* concerns no saga: other types on a topic of the outside world; `words` where it says none */
    SAGA_INTAKE_DEFINITION_MISSING /* names a definition that this process has not read yet (R19) */
};

/* One thing that a record means. */
struct saga_intake_item {
    enum saga_intake_fate fate;
    uint32_t lane;
    struct saga_event event;   /* all but its time */
    struct saga_slice saga_id; /* whose event it is */
    const struct saga_slice *
        candidates; /* a reply that names only a key: sagas that it may be for; Forget: the saga, and its entry */
    size_t candidate_count;
    struct saga_definition *definition; /* of a start: what it starts */
    enum saga_letter_reason reason;     /* of a dead letter */
    struct saga_slice words;
    struct saga_message record; /* as it was read at its source: a hop is opened */
    bool from_inbox;            /* it came through the inbox of `inbox_lane` */
    uint32_t inbox_lane;
};

/* Reads a record. `*ret` is in the intake's arena, at least one item. */
void saga_intake_read(const struct saga_intake *intake, const struct saga_message *record,
                      struct saga_intake_item **ret, size_t *ret_count);

#endif
