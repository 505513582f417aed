/* Writing records at the very offsets that they had in another cluster, for an import of a journal: anchors, snapshots and
 * histories name records by their offsets. What stood between two records there (ends of transactions, records of
 * transactions that were aborted) took offsets and was no record; here the end of a transaction, or records of one that is
 * aborted, take them again. Who reads committed records sees those that were placed, and no others. */
#ifndef SAGA_BUS_PLACER_H
#define SAGA_BUS_PLACER_H

#include "base/arena.h"
#include "bus/bus.h"
#include "bus/kafka.h"

struct saga_placer;
/* Its transactional ids are <group>-<instance>-import-<0|1>: a second one ends the first one's transactions. The config's
 * strings must outlive it. Freed with saga_placer_close. Errors: SAGA_E_AGAIN (no broker), SAGA_E_STOP; words and mend in
 * `diagnostic`. */
int saga_placer_open(const struct saga_kafka_config *config, int timeout_ms,
                     struct saga_arena *arena, struct saga_placer **ret,
                     struct saga_diagnostic *diagnostic);
void saga_placer_close(struct saga_placer *placer);
/* Words for the last error, until the next call. Every error of the functions below is the end: what was written stays. */
const char *saga_placer_problem(const struct saga_placer *placer);

/* Begins with a partition that never had a record. Nothing else may write to it. `topic` must live until the end. */
void saga_placer_begin(struct saga_placer *placer, const char *topic, int32_t partition);
/* The partition begins at this offset, as one whose beginning was deleted. Before the first record. */
int saga_placer_skip(struct saga_placer *placer, int64_t offset);
/* The next record, at message->offset, with message->timestamp_ms, key and value; headers are left out. It is copied.
 * SAGA_E_INVALID: it cannot stand there (offset 1 cannot be the first, and offsets only rise). */
int saga_placer_put(struct saga_placer *placer, const struct saga_message *message);
/* There are no more of this partition: all are where they belong. */
int saga_placer_end(struct saga_placer *placer);

/* A record that may stand anywhere, with its headers, to message->topic and message->partition; it is copied. */
int saga_placer_send(struct saga_placer *placer, const struct saga_message *message);
/* All of those stand. */
int saga_placer_flush(struct saga_placer *placer);

#endif
