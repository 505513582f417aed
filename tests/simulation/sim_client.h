/* What the two halves of the simulated Kafka client share: consuming (sim_bus.c) and producing (sim_producer.c). */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "sim_worker.h"

enum {
    CALL_US = 3000000,   /* how long a request is tried */
    COMMIT_US = 5000000, /* how long the end of a transaction is */
    RETRY_US = 20000
};

int sim_bus_say(struct sim_worker *w, int error, const char *words);
/* Waits until a request reaches the broker. Errors: AGAIN, STOP (crashed). */
int sim_bus_reach(struct sim_worker *w, int64_t timeout_us);
/* Waits until an answer comes back. Errors as above. */
int sim_bus_hear(struct sim_worker *w, int64_t timeout_us);

/* As in bus/bus.h. */
int sim_bus_begin(void *self);
int sim_bus_send(void *self, const struct saga_message *message, int64_t *ret_offset);
int sim_bus_flush(void *self);
int sim_bus_send_offsets(void *self, const struct saga_position *positions, size_t count);
int sim_bus_commit(void *self);
int sim_bus_abort(void *self);
int sim_bus_renew(void *self);
int sim_bus_warm(void *self, const struct saga_slice *topics, size_t count);
int sim_bus_commit_positions(void *self, const struct saga_position *positions, size_t count,
                             int timeout_ms);

#endif
