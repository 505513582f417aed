/* What was played (explore/play.h) as a story: every event, what the engine decided, where the saga stands then. The form of
 * golden traces.
 *
 *   > start o-1 {"orderId":"o-1"}
 *     ReserveStock sent to inventory.commands for reserve-stock, answer expected until 08:00:02.000 {"orderId":"o-1"}
 *     = running; timers: step/reserve-stock at +2s
 */
#ifndef SAGA_OPERATE_STORY_H
#define SAGA_OPERATE_STORY_H

#include "base/buffer.h"
#include "explore/play.h"
#include "operate/teller.h"

/* The whole play; text that begins with `> `, or is empty. */
void saga_story_tell(const struct saga_play *play, struct saga_buffer *out);
/* What one event led to: lines that begin with two spaces. Times are told from `begin_ms` on. */
void saga_story_tell_record(struct saga_teller *teller, const struct saga_play_record *record,
                            int64_t begin_ms, struct saga_buffer *out);

/* The first line that is not the same in two texts, and the lines around it: lines of both with `-` (expected) and `+`
 * (came). Empty: they are the same. */
struct saga_slice saga_story_difference(struct saga_slice expected, struct saga_slice came,
                                        struct saga_arena *arena);

#endif
