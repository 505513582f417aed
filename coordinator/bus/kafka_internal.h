/* What the files of the real bus share. */
#ifndef SAGA_BUS_KAFKA_INTERNAL_H
#define SAGA_BUS_KAFKA_INTERNAL_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/arena.h"
#include "bus/kafka.h"

enum { SAGA_PRODUCERS = 2, SAGA_PROBLEM_BYTES = 512 };

/* One record under way: where its offset goes. In the bus's own list, since librdkafka hands back a pointer. */
struct saga_delivery {
    struct saga_kafka *kafka;
    int64_t *offset;
};

struct saga_kafka {
    struct saga_kafka_config config;
    unsigned worker;
    char problem[SAGA_PROBLEM_BYTES];
    struct saga_bus_listener listener; /* is told of rebalances */

    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    rd_kafka_queue_t *patient_queue;          /* of topics whose records wait for others */
    rd_kafka_topic_partition_list_t *patient; /* these topics; NULL: none */
    pthread_mutex_t arrival_lock;
    pthread_cond_t arrival; /* something came into an empty queue; from librdkafka's threads */
    bool arrived;           /* since it was expected */
    rd_kafka_consumer_group_metadata_t *metadata; /* of the assignment (R4); NULL: no transaction */
    unsigned rebalances; /* counted: records of an earlier assignment are dropped */
    int trouble;         /* came together with records: told by the next poll */
    char trouble_words[SAGA_PROBLEM_BYTES];
    rd_kafka_t *looker; /* read_uncommitted: high watermarks; made when first needed */

    rd_kafka_t *producers[SAGA_PRODUCERS];
    rd_kafka_topic_t *compressed[SAGA_PRODUCERS]; /* keeps that topic's own settings; may be NULL */
    unsigned turn;                                /* whose the next transaction is */
    bool open;                                    /* between begin and the end of a transaction */
    size_t failed;                                /* deliveries of this transaction */
    bool refused; /* one of them by the broker, as it would be again (R24) */
    bool missing; /* one of them because its topic is not there */
    struct saga_arena deliveries;
    struct saga_outlet *outlets; /* by topic: kafka_send.c */

    rd_kafka_t *reader;        /* kept from lane to lane */
    enum saga_reading reading; /* what it was made for */
    rd_kafka_queue_t *reader_queue;
    int64_t reader_position;
    int reader_trouble; /* as `trouble` */
    char *reader_topic; /* NULL: closed */
    int32_t reader_partition;
};

/* Sets the settings that every client of ours has, then `own` (name, value, ..., NULL), then the user's. NULL with
 * words in `problem` when librdkafka refuses one. */
rd_kafka_conf_t *saga_kafka_conf(const struct saga_kafka_config *config, const char *const *own,
                                 char *problem, size_t problem_size);
/* A client of that configuration; takes it over. NULL with words. */
rd_kafka_t *saga_kafka_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *problem,
                              size_t problem_size);

/* A line of librdkafka's that tells nobody anything. */
bool saga_kafka_log_is_noise(const char *facility, const char *text);
/* Is this a line about a connection, and was another written less than 5 s before `now_ms` (monotonic)? Else it is noted
 * in `*last_ms` (0: none yet). From any thread. */
bool saga_kafka_log_is_repeated(const char *facility, int64_t now_ms, _Atomic int64_t *last_ms);
/* Hands a line of librdkafka's to config->log, unless it is noise or repeated; `config` may be NULL. */
void saga_kafka_log(const struct saga_kafka_config *config, int level, const char *facility,
                    const char *text);

/* Up to `max` messages: what is there; if that is nothing, waits at most `timeout_ms` for the first. (A batch call of
 * librdkafka's waits for all of them.) */
size_t saga_kafka_take(rd_kafka_queue_t *queue, int timeout_ms, rd_kafka_message_t **messages,
                       size_t max);
/* ---- kafka_queues.c: which records a poll gives first ---- */
void saga_kafka_queues_open(struct saga_kafka *k);
/* Before the consumer is closed. */
void saga_kafka_queues_close(struct saga_kafka *k);
/* After it was: until then its threads may still tell of something. */
void saga_kafka_queues_free(struct saga_kafka *k);
/* The topics that wait; taken over. */
void saga_kafka_set_patient(struct saga_kafka *k, rd_kafka_topic_partition_list_t *topics);
/* Leads these partitions to the queue that they are read from. */
void saga_kafka_lead(struct saga_kafka *k, const rd_kafka_topic_partition_list_t *partitions);
/* Serves rebalances; gives what is there, at most `max`, and waits at most `timeout_ms` for it. */
size_t saga_kafka_take_in_turn(struct saga_kafka *k, int timeout_ms, rd_kafka_message_t **messages,
                               size_t max);

/* Turns librdkafka's messages into records. Takes the messages over; errors among them are left out and `on_error` is
 * told of each (may be NULL). The records are released with saga_kafka_release. */
void saga_kafka_records(rd_kafka_message_t **messages, size_t count, struct saga_bus_records *ret,
                        void (*on_error)(rd_kafka_message_t *message, void *context),
                        void *context);
void saga_kafka_release(struct saga_bus_records *records);

rd_kafka_topic_partition_list_t *saga_kafka_list(const struct saga_position *positions,
                                                 size_t count, bool with_offsets);

/* Ends all fetching and waits until librdkafka's main thread has done so. Without that, an assignment that takes away a
 * partition whose stop is still under way stops it twice, and librdkafka aborts the process ("rktp_started",
 * librdkafka #5573, in every version up to 2.15). The consumer is assigned nothing then. */
rd_kafka_resp_err_t saga_kafka_stop_fetching(rd_kafka_t *consumer);

/* Asks the brokers for a topic: from then on the client knows who leads its partitions. */
rd_kafka_resp_err_t saga_kafka_look_up(rd_kafka_t *client, const char *topic, int timeout_ms,
                                       int32_t *ret_partitions);
/* Where a partition begins and ends, also when its leader has just changed. May take five times `timeout_ms`. */
rd_kafka_resp_err_t saga_kafka_query_watermarks(rd_kafka_t *client, const char *topic,
                                                int32_t partition, int timeout_ms, int64_t *ret_low,
                                                int64_t *ret_high);
/* The offset of the first record whose time is `time_ms` or later; below 0: there is none. */
rd_kafka_resp_err_t saga_kafka_query_time(rd_kafka_t *client, const char *topic, int32_t partition,
                                          int64_t time_ms, int timeout_ms, int64_t *ret);

/* The functions of struct saga_bus, by file. */
int saga_kafka_consumer_open(struct saga_kafka *k);
void saga_kafka_consumer_close(struct saga_kafka *k);
int saga_kafka_subscribe(void *self, const struct saga_slice *topics, size_t count, size_t patient);
int saga_kafka_poll(void *self, int timeout_ms, size_t max, struct saga_bus_records *ret);
int saga_kafka_fetch(void *self, const struct saga_position *positions, size_t count);
int saga_kafka_committed(void *self, struct saga_position *positions, size_t count, int timeout_ms);
int saga_kafka_watermarks(void *self, struct saga_slice topic, int32_t partition, int timeout_ms,
                          int64_t *ret_low, int64_t *ret_high);
int saga_kafka_partition_count(void *self, struct saga_slice topic, int timeout_ms,
                               int32_t *ret_count);

int saga_kafka_producers_open(struct saga_kafka *k, int timeout_ms);
void saga_kafka_producers_close(struct saga_kafka *k);
int saga_kafka_begin(void *self);
/* Whose transaction is open, or was the last. */
rd_kafka_t *saga_kafka_current(struct saga_kafka *k);
/* After RECOVER and STOP there is no transaction to be aborted any more: the producers are made anew (R5). Returns `error`. */
int saga_kafka_end_if_lost(struct saga_kafka *k, int error);
/* ---- kafka_send.c ---- */
void saga_kafka_on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque);
/* All that was queued has been delivered, or never will be. */
void saga_kafka_outlets_are_empty(struct saga_kafka *k);
/* Before the producers are closed. */
void saga_kafka_free_outlets(struct saga_kafka *k);
int saga_kafka_send(void *self, const struct saga_message *message, int64_t *ret_offset);
int saga_kafka_flush(void *self);
int saga_kafka_send_offsets(void *self, const struct saga_position *positions, size_t count);
int saga_kafka_commit(void *self);
int saga_kafka_commit_positions(void *self, const struct saga_position *positions, size_t count,
                                int timeout_ms);
int saga_kafka_abort(void *self);
int saga_kafka_renew(void *self);
int saga_kafka_warm(void *self, const struct saga_slice *topics, size_t count);

int saga_kafka_reader_open(void *self, struct saga_slice topic, int32_t partition, int64_t offset,
                           enum saga_reading reading);
int saga_kafka_reader_read(void *self, int timeout_ms, size_t max, struct saga_bus_records *ret,
                           int64_t *ret_position);
void saga_kafka_reader_close(void *self);
/* Gives up the client that is kept. */
void saga_kafka_reader_free(struct saga_kafka *k);

#endif
