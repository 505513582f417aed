/* The clients and topics of the plain loop (raw_loop.c): librdkafka as the coordinator sets it up, and nothing of the
 * coordinator's. Any error ends the program with words. */
#ifndef SAGA_BENCH_RAW_CLIENTS_H
#define SAGA_BENCH_RAW_CLIENTS_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { RAW_CALL_MS_MAX = 60000 };

/* Of this run alone. */
extern char raw_group[64], raw_events_topic[80], raw_journal_topic[80], raw_commands_topic[80];
/* Records of producers that did not get to stand. */
extern atomic_ulong raw_failed_deliveries;

_Noreturn void raw_stop(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends with words if it is one. */
void raw_check(rd_kafka_error_t *error, const char *what);
double raw_now_s(void);       /* monotonic */
double raw_processor_s(void); /* of this process, all its threads */

/* For qsort of doubles. */
int raw_by_value(const void *a, const void *b);

/* Names the topics; before everything else. */
void raw_clients_init(const char *bootstrap);
void raw_create_topics(rd_kafka_t *rk, int partitions);
void raw_delete_topics(rd_kafka_t *rk);

/* What all clients are set to, and these names and values. The caller's, or raw_client's. */
rd_kafka_conf_t *raw_settings(const char *const (*pairs)[2], size_t count);
rd_kafka_t *raw_client(rd_kafka_type_t type, rd_kafka_conf_t *conf);
/* Delivery reports, which count into raw_failed_deliveries. */
void raw_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque);

/* A topic whose metadata the client has: its first record would take a second otherwise. */
rd_kafka_topic_t *raw_topic(rd_kafka_t *rk, const char *name);
struct raw_record {
    const void *key, *value;
    size_t key_size, size;
    int headers; /* so many, each as large as one of a command's */
};
/* The record is copied. */
void raw_produce(rd_kafka_t *rk, rd_kafka_topic_t *topic, int32_t partition,
                 const struct raw_record *record);
/* Looks at each header, as the coordinator does. */
void raw_read_headers(rd_kafka_message_t *message);

/* Reads the first partitions of the commands from where they end now, without a group; the caller's. */
rd_kafka_t *raw_reader_at_the_end(rd_kafka_t *admin, int partitions);
/* As participants send their replies; the caller's. `linger_ms`: "0" where one is sent at a time; of many a second each would be
 * a request of its own then, which takes the broker more than all else. */
rd_kafka_t *raw_plain_producer(const char *linger_ms);

/* A transactional producer of a worker; two of them are used in turn. */
struct raw_producer {
    rd_kafka_t *rk;
    rd_kafka_topic_t *journal, *commands;
};
struct raw_producer raw_producer_new(int worker, int which);
void raw_producer_free(struct raw_producer *producer);

#endif
