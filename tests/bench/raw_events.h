/* What the events of the plain loop are (raw_loop.c): as large as those of sagas. */
#ifndef SAGA_BENCH_RAW_EVENTS_H
#define SAGA_BENCH_RAW_EVENTS_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RAW_EVENT_BYTES = 250,
    RAW_KEY_BYTES_MAX = 32,
    RAW_EVENT_HEADERS = 6, /* a reply's, as CloudEvents has them */
    RAW_COMMAND_HEADERS = 12
};

/* Of one series of events. */
struct raw_events {
    uint64_t random;
    int headers; /* of each */
};
void raw_events_init(struct raw_events *events, int headers);
/* The event with that number, sent to that partition. */
void raw_events_send(struct raw_events *events, rd_kafka_t *rk, rd_kafka_topic_t *topic,
                     int32_t partition, int number);

/* Which event a record is of, by its key; -1: none. */
int raw_event_number(const rd_kafka_message_t *record);

#endif
