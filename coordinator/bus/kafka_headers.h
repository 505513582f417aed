/* A message's headers as librdkafka has them, and a message handed to a producer by its topic's name. */
#ifndef SAGA_BUS_KAFKA_HEADERS_H
#define SAGA_BUS_KAFKA_HEADERS_H

#include <librdkafka/rdkafka.h>

#include "base/message.h"

/* A copy that whoever sends it gives away, or destroys when sending failed; NULL where there are no headers. */
static inline rd_kafka_headers_t *saga_kafka_headers(const struct saga_message *message)
{
    if (message->header_count == 0) return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(message->header_count);
    for (size_t i = 0; i < message->header_count; i++) {
        struct saga_slice name = message->headers[i].name, value = message->headers[i].value;
        rd_kafka_header_add(headers, name.data, (ssize_t)name.size, value.data,
                            (ssize_t)value.size);
    }
    return headers;
}

/* Hands a copy of the message to a producer, to `topic`, which is message->topic. What the delivery report gets is `opaque`.
 * For who sends seldom, or to ever new topics: kafka_send.c keeps handles. */
static inline rd_kafka_resp_err_t saga_kafka_produce(rd_kafka_t *producer, const char *topic,
                                                     const struct saga_message *message,
                                                     void *opaque)
{
    rd_kafka_headers_t *headers = saga_kafka_headers(message);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic),
        RD_KAFKA_V_PARTITION(message->partition == SAGA_PARTITION_BY_KEY ? RD_KAFKA_PARTITION_UA
                                                                         : message->partition),
        RD_KAFKA_V_KEY((void *)(uintptr_t)message->key.data, message->key.size),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)message->value.data, message->value.size),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(opaque),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (code && headers) rd_kafka_headers_destroy(headers);
    return code;
}

#endif
