/* Reading partitions for the commands: from an offset to what is the end at that moment. */
#ifndef SAGA_OPERATE_READING_H
#define SAGA_OPERATE_READING_H

#include "operate/command.h"

/* Calls `visit` for every committed record from `offset` (or SAGA_READ_BEGINNING) to the
 * partition's end, until it returns false. A record's memory goes after the call. Returns an exit
 * code, with words said. */
typedef bool (*saga_visit_record)(const struct saga_message *record, void *context);
int saga_read_to_end(struct saga_call *call, struct saga_slice topic, int32_t partition,
                     int64_t offset, saga_visit_record visit, void *context);

/* A copy in the arena, to keep. */
struct saga_message saga_message_copy(const struct saga_message *record, struct saga_arena *arena);

/* A saga's name and key out of an id that a person typed, and its lane. */
struct saga_address {
    struct saga_slice saga_id, name, key;
    uint32_t lane;
};
int saga_address_parse(const struct saga_call *call, const char *id, uint32_t lanes,
                       struct saga_address *ret);

#endif
