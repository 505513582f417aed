/* A message's headers as librdkafka has them. */
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

#endif
