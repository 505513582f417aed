/* Where the lanes of this process stand: each worker says it of its own from time to time, and whoever writes anchors
 * (anchoring.h) takes it from here. */
#ifndef SAGA_RUNTIME_LANE_HEADS_H
#define SAGA_RUNTIME_LANE_HEADS_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/anchor.h"

/* Where a lane stands between two batches. */
struct saga_lane_head {
    uint32_t lane;
    char journal[SAGA_JOURNAL_ID_DIGITS + 1];
    int64_t offset; /* of its last record */
    uint8_t chain[SAGA_SHA256_BYTES];
};

struct saga_lane_heads;
/* `every_ms`: how often a lane is to be told of. Freed with saga_lane_heads_free, which takes NULL. */
struct saga_lane_heads *saga_lane_heads_new(uint32_t lanes, int64_t every_ms);
void saga_lane_heads_free(struct saga_lane_heads *heads);
int64_t saga_lane_heads_every_ms(const struct saga_lane_heads *heads);

/* The functions below are called from any thread, and none waits for long. */

/* The lane stands there now. */
void saga_lane_heads_offer(struct saga_lane_heads *heads, const struct saga_lane_head *head);
/* Those that have moved on since they were last noted, `most` of them at most. */
size_t saga_lane_heads_take(struct saga_lane_heads *heads, struct saga_lane_head *ret, size_t most);
/* These have been dealt with: each is given again once its lane has moved on. */
void saga_lane_heads_note(struct saga_lane_heads *heads, const struct saga_lane_head *noted,
                          size_t count);

#endif
