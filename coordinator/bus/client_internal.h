/* What client.c, client_pick.c, client_topics.c and client_delete.c share. */
#ifndef SAGA_BUS_CLIENT_INTERNAL_H
#define SAGA_BUS_CLIENT_INTERNAL_H

#include "bus/client.h"
#include "bus/kafka_internal.h"

struct saga_client_delivery {
    bool done;
    rd_kafka_resp_err_t code;
    int32_t partition;
    int64_t offset;
};

struct saga_client {
    struct saga_kafka_config config;
    rd_kafka_t *producer;
    rd_kafka_t *looker;  /* read_uncommitted, for watermarks; made when first needed */
    rd_kafka_t *asker;   /* for what a group has committed; made when first needed */
    rd_kafka_t *picking; /* a consumer that the last picker left, which has nothing assigned */
    unsigned ahead_kib;
    char problem[SAGA_PROBLEM_BYTES];
};

/* Notes librdkafka's error down as the client's problem, with what it is about; gives our error for it. */
int saga_client_fail(struct saga_client *client, rd_kafka_resp_err_t code, const char *what);

/* ---- client_topics.c: administration ---- */
rd_kafka_AdminOptions_t *saga_client_options(struct saga_client *client, rd_kafka_admin_op_t op,
                                             int timeout_ms);
/* Waits for the answer to an admin call about `name`; NULL with the error set, and words noted. */
rd_kafka_event_t *saga_client_wait_for(struct saga_client *client, rd_kafka_queue_t *queue,
                                       int timeout_ms, const char *name, int *ret_error);

/* Kafka 3.7 or newer? SAGA_E_STOP if older, SAGA_E_AGAIN if it did not say. */
int saga_client_check_version(struct saga_client *client, int timeout_ms);

#endif
