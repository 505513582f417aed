/* Who waits for what becomes of a saga. One thread looks for all of them, so that a wait takes no thread of its own. The wait of
 * a client that has gone is over: libmicrohttpd does not look at a connection that waits, and it would be kept until then. */
#ifndef SAGA_HTTP_WAITING_H
#define SAGA_HTTP_WAITING_H

#include "engine/state.h"
#include "http/server.h"
#include "operate/reading.h"

int saga_waiting_new(struct saga_http *http, struct saga_waiting **ret);
/* Answers everybody first. NULL is fine. */
void saga_waiting_free(struct saga_waiting *waiting);

/* Answers the exchange, with `call` at hand in it: `state` is the saga's, NULL where Redis does not know it; `ended` where it
 * has ended or is stuck, else the time is over. */
typedef void saga_answer_end(struct saga_exchange *x, struct saga_state *state, bool ended);
/* False: too many wait, or the server stops; nothing is called then. Else the exchange is not the caller's any more. */
bool saga_waiting_for_end(struct saga_exchange *x, const struct saga_address *address,
                          int64_t wait_ms, saga_answer_end *answer);

/* Gives the exchange back to `handle` on a slow thread, when Redis knows of records of the saga behind the journal's offset
 * `from`, or the time is over (`over`). */
typedef void saga_look_again(struct saga_exchange *x, bool over);
bool saga_waiting_for_record(struct saga_exchange *x, const struct saga_address *address,
                             int64_t from, int64_t until_ms, saga_look_again *look);

#endif
