/* Records that stand all or none: transactions of a producer that has an id of its own, beside the workers' (bus.h). Whoever
 * opens it last is the only one: what an earlier holder had under way is ended first, and it commits nothing any more. Used by
 * one thread at a time. */
#ifndef SAGA_BUS_OUTBOX_H
#define SAGA_BUS_OUTBOX_H

#include "base/arena.h"
#include "base/diagnostic.h"
#include "bus/bus.h"
#include "bus/kafka.h"

struct saga_outbox;

/* `name` is what follows the group in the transactional id: `<group>-<name>`. Waits for the broker at most `timeout_ms`. The
 * strings of `config` must outlive it. Errors: SAGA_E_AGAIN (broker not there), SAGA_E_STOP; words in `diagnostic`. */
int saga_outbox_open(const struct saga_kafka_config *config, const char *name, int timeout_ms,
                     struct saga_arena *arena, struct saga_outbox **ret,
                     struct saga_diagnostic *diagnostic);
/* NULL is fine. */
void saga_outbox_close(struct saga_outbox *outbox);
const char *saga_outbox_problem(const struct saga_outbox *outbox);

/* One transaction (R3) of these records, each to the partition that it names; a value that is absent deletes its key. Errors:
 * SAGA_E_ABORT (none of them stands; it may be tried again), SAGA_E_RECOVER (it is not known whether they stand, or somebody
 * else has opened the outbox: close it, open it anew, and read what stands), SAGA_E_STOP. */
int saga_outbox_commit(struct saga_outbox *outbox, const struct saga_message *messages,
                       size_t count);

#endif
