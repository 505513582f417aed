/* Sends records from many threads by one producer that puts them together (the HTTP API's starts): idempotent, acks=all.
 * Beside bus/client.h, which waits for each record alone. */
#ifndef SAGA_BUS_SENDER_H
#define SAGA_BUS_SENDER_H

#include "base/arena.h"
#include "base/diagnostic.h"
#include "bus/bus.h"
#include "bus/kafka.h"

struct saga_sender;

/* Connects by itself. The strings of `config` must outlive it. Errors: SAGA_E_STOP with words. */
int saga_sender_new(const struct saga_kafka_config *config, struct saga_arena *arena,
                    struct saga_sender **ret, struct saga_diagnostic *diagnostic);
/* Waits a moment for what is under way; what is not delivered then is reported as failed. NULL is fine. */
void saga_sender_free(struct saga_sender *sender);

/* What became of a record, from the sender's own thread: SAGA_OK once all replicas in sync have it; else it is not known
 * whether it stands, and `words` say why. */
typedef void saga_sent(void *context, int error, const char *words);
/* Takes a copy of the record; `done` is called once. Errors, without a call: SAGA_E_AGAIN (too much is under way, or the
 * broker does not know the topic), with words for as long as the process lives. */
int saga_sender_send(struct saga_sender *sender, const struct saga_message *message,
                     saga_sent *done, void *context, const char **ret_words);

#endif
