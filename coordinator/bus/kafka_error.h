/* The one classification of Kafka errors (R26): what a failed call means for a worker. */
#ifndef SAGA_BUS_KAFKA_ERROR_H
#define SAGA_BUS_KAFKA_ERROR_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "base/error.h"

/* A plain code, of a consumer or of an admin call. */
int saga_kafka_classify(rd_kafka_resp_err_t code);

/* What a client's user may not do, and what to do about it, to be put behind the broker's words; "" where `code` says nothing of
 * rights. */
const char *saga_kafka_right_missing(rd_kafka_resp_err_t code);

/* An error object of a transactional call; it is destroyed. NULL gives SAGA_OK. Flags count before codes; an error of
 * a producer without a flag is fatal for it. `problem` gets the words. */
int saga_kafka_classify_transaction(rd_kafka_error_t *error, char *problem, size_t problem_size);

/* Does the broker refuse the record itself, so that it would be refused again (R24)? What failed with it may be sound. */
bool saga_kafka_refuses(rd_kafka_resp_err_t code);
/* Is what the record goes to not there? It is refused too, with other words. */
bool saga_kafka_is_missing(rd_kafka_resp_err_t code);

#endif
