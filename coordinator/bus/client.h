/* Kafka for the commands and the daemon's surroundings, beside the worker's bus: looking at and making topics,
 * sending single records and waiting for them, reading a partition from an offset. */
#ifndef SAGA_BUS_CLIENT_H
#define SAGA_BUS_CLIENT_H

#include "base/arena.h"
#include "bus/bus.h"
#include "bus/kafka.h"

struct saga_client;
/* Connects lazily. Freed with saga_client_free. Errors: SAGA_E_STOP with words (a setting that librdkafka refuses). */
int saga_client_new(const struct saga_kafka_config *config, struct saga_arena *arena,
                    struct saga_client **ret, struct saga_diagnostic *diagnostic);
void saga_client_free(struct saga_client *client);
const char *saga_client_problem(const struct saga_client *client);

/* Reaches the broker and asks what it can do: Kafka >= 3.7 (the mock is taken as it is).
 * Errors: SAGA_E_AGAIN (not there), SAGA_E_STOP (too old, not authorised); what and mend in `diagnostic`. */
int saga_client_check_broker(struct saga_client *client, int timeout_ms, struct saga_arena *arena,
                             struct saga_diagnostic *diagnostic);

struct saga_topic_spec {
    const char *name;
    int32_t partitions;
    const struct saga_kafka_setting *settings; /* "retention.ms", "max.message.bytes", ... */
    size_t setting_count;
};
struct saga_topic_state {
    bool exists;
    int32_t partitions;
    int32_t replication;
    struct saga_kafka_setting *settings; /* those that were asked for, as they are at the broker */
    size_t setting_count;
};
/* Makes a topic with the broker's default replication; one that exists is left as it is (SAGA_OK,
 * `*ret_created` false). Waits until it can be used. */
int saga_client_create_topic(struct saga_client *client, const struct saga_topic_spec *spec,
                             int timeout_ms, bool *ret_created);
/* What exists; settings named in `spec` are read back. */
int saga_client_describe_topic(struct saga_client *client, const struct saga_topic_spec *spec,
                               int timeout_ms, struct saga_arena *arena,
                               struct saga_topic_state *ret);

/* Deletes a topic with all that is in it, and waits until it is gone; none of that name is SAGA_OK. */
int saga_client_delete_topic(struct saga_client *client, const char *name, int timeout_ms);

/* Sends one record (idempotent producer, acks=all) and waits until it stands; `ret` gets where. */
int saga_client_send(struct saga_client *client, const struct saga_message *message, int timeout_ms,
                     struct saga_position *ret);

/* Deletes the records of a topic that the consumer group has consumed: those before its committed offsets. The broker
 * removes their files when their segments are closed, and a while later. `*ret_partitions`: in how many of the topic's
 * partitions. Errors: as classified, with words. */
int saga_client_delete_consumed(struct saga_client *client, const char *group, const char *topic,
                                int32_t partitions, int timeout_ms, int32_t *ret_partitions);

/* Deletes the records of a partition before an offset. Errors: as classified, with words. */
int saga_client_delete_before(struct saga_client *client, const char *topic, int32_t partition,
                              int64_t offset, int timeout_ms);

/* Where a partition begins and ends (read_uncommitted). A change of its leader is waited for, for as long as `timeout_ms`. Errors: as
 * classified, NOT_FOUND, with words. */
int saga_client_watermarks(struct saga_client *client, struct saga_slice topic, int32_t partition,
                           int timeout_ms, int64_t *ret_low, int64_t *ret_high);

/* The first record whose time is `time_ms` or later: its offset, INT64_MAX where there is none. A broker that keeps no times
 * (the mock) tells the beginning, SAGA_READ_BEGINNING. Errors: as of watermarks. */
int saga_client_offset_at(struct saga_client *client, struct saga_slice topic, int32_t partition,
                          int64_t time_ms, int timeout_ms, int64_t *ret);

/* What a consumer group has committed of the partitions 0 to count - 1 of a topic; -1: nothing. */
int saga_client_committed(struct saga_client *client, const char *group, struct saga_slice topic,
                          uint32_t count, int timeout_ms, int64_t *ret);

/* Reads one partition from an offset (or SAGA_READ_BEGINNING, SAGA_READ_END), read_committed. Several may be open. */
#define SAGA_READ_BEGINNING (-2)
#define SAGA_READ_END (-1)
struct saga_reader;
/* How many KiB are read ahead by readers that are opened from now on; else SAGA_READ_AHEAD_KIB. */
#define SAGA_READ_AHEAD_KIB 262144
void saga_client_read_ahead(struct saga_client *client, unsigned kib);
int saga_reader_open(struct saga_client *client, struct saga_slice topic, int32_t partition,
                     int64_t offset, struct saga_reader **ret);
/* As reader_read of the bus: up to `max` records, and where the reader stands; `*ret_end` is true when
 * that is the partition's end. Records are released with saga_reader_release. */
int saga_reader_read(struct saga_reader *reader, int timeout_ms, size_t max,
                     struct saga_bus_records *ret, int64_t *ret_position, bool *ret_end);
void saga_reader_release(struct saga_reader *reader, struct saga_bus_records *records);
void saga_reader_close(struct saga_reader *reader);

/* Picks single records of a partition by their offsets, read_committed, without reading what stands between them. Opening
 * tells where the partition begins and ends. Errors: as of watermarks. */
struct saga_picker;
int saga_picker_open(struct saga_client *client, struct saga_slice topic, int32_t partition,
                     int timeout_ms, struct saga_picker **ret, int64_t *ret_low, int64_t *ret_high);
/* The record at `offset`, each time a higher one; or the next behind it, or none, where no record stands there. It is
 * released with saga_picker_release. Errors: SAGA_E_AGAIN (no answer in `timeout_ms`), as classified. */
int saga_picker_read(struct saga_picker *picker, int64_t offset, int timeout_ms,
                     struct saga_bus_records *ret);
void saga_picker_release(struct saga_picker *picker, struct saga_bus_records *records);
void saga_picker_close(struct saga_picker *picker);

#endif
