/* A Kafka record as the core sees it: what codec makes and reads, and bus carries. No Kafka type in here. */
#ifndef SAGA_BASE_MESSAGE_H
#define SAGA_BASE_MESSAGE_H

#include <stdint.h>

#include "base/slice.h"

struct saga_header {
    struct saga_slice name;
    struct saga_slice value;
};

/* Where a record stands. */
struct saga_position {
    struct saga_slice topic;
    int32_t partition;
    int64_t offset;
};

/* partition of a message that goes where the hash of its key says (murmur2, as Java's clients do it) */
#define SAGA_PARTITION_BY_KEY (-1)

/* One record to send, or one that was read. Slices belong to whoever made it. */
struct saga_message {
    struct saga_slice topic;
    int32_t partition;     /* or SAGA_PARTITION_BY_KEY when sending */
    int64_t offset;        /* of a record that was read */
    int64_t timestamp_ms;  /* of a record that was read */
    struct saga_slice key; /* absent: none */
    struct saga_slice value;
    struct saga_header *headers;
    size_t header_count;
};

/* Value of the last header of that name, absent where there is none. */
struct saga_slice saga_message_header(const struct saga_message *message, const char *name);

#endif
