/* Anchors (anchor.h) on a schedule. Each worker says from time to time where its own lanes stand: what it has committed itself,
 * not what somebody may have written since; whoever is assigned a lane says it of that lane, so that nobody has to be chosen.
 * A thread of its own signs that and writes it, so that no disk and no broker holds a lane up. */
#ifndef SAGA_RUNTIME_ANCHORING_H
#define SAGA_RUNTIME_ANCHORING_H

#include "bus/client.h"
#include "runtime/anchor.h"
#include "runtime/config.h"
#include "runtime/lane_heads.h"

struct saga_anchoring;
/* The schedule's texts are the caller's. Freed with saga_anchoring_free. */
struct saga_anchoring *saga_anchoring_new(const struct saga_anchor_schedule *schedule,
                                          uint32_t lanes);
void saga_anchoring_free(struct saga_anchoring *anchoring);

/* Where the workers say how far their lanes are; the anchoring's own. NULL for NULL. */
struct saga_lane_heads *saga_anchoring_heads(struct saga_anchoring *anchoring);

/* Can anchors be written: is the key one, can the file be appended to, is the topic there? Logs what is so. `client` may be NULL
 * where there is no topic. From the writing thread, as the next one. */
void saga_anchoring_look(struct saga_anchoring *anchoring, struct saga_client *client);
/* Signs and writes what has moved on since it was last written, some lanes at a time. What cannot be written is logged, kept and
 * tried again by a later call: SAGA_E_AGAIN. The key is read each time, so that it can be exchanged. */
int saga_anchoring_write(struct saga_anchoring *anchoring, struct saga_client *client);

#endif
