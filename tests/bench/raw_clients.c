#include "raw_clients.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char *raw_bootstrap;
char raw_group[64], raw_events_topic[80], raw_journal_topic[80], raw_commands_topic[80];

void raw_clients_init(const char *bootstrap)
{
    raw_bootstrap = bootstrap;
    snprintf(raw_group, sizeof raw_group, "raw-%ld-%ld", (long)time(NULL), (long)getpid());
    snprintf(raw_events_topic, sizeof raw_events_topic, "%s.e", raw_group);
    snprintf(raw_journal_topic, sizeof raw_journal_topic, "%s.j", raw_group);
    snprintf(raw_commands_topic, sizeof raw_commands_topic, "%s.c", raw_group);
}

_Noreturn void raw_stop(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("raw_loop: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void raw_check(rd_kafka_error_t *error, const char *what)
{
    if (error) raw_stop("%s: %s", what, rd_kafka_error_string(error));
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double raw_now_s(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double raw_processor_s(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

int raw_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- clients ---- */

rd_kafka_conf_t *raw_settings(const char *const (*pairs)[2], size_t count)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", raw_bootstrap, why, sizeof why))
        raw_stop("%s", why);
    rd_kafka_conf_set(conf, "socket.nagle.disable", "true", NULL, 0);
    for (size_t i = 0; i < count; i++)
        if (rd_kafka_conf_set(conf, pairs[i][0], pairs[i][1], why, sizeof why)) raw_stop("%s", why);
    return conf;
}

rd_kafka_t *raw_client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[256];
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (!rk) raw_stop("%s", why);
    return rk;
}

atomic_ulong raw_failed_deliveries;

/* Also makes flush return at once, where it would otherwise look every 10 ms. */
void raw_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    (void)opaque;
    if (message->err) raw_failed_deliveries++;
}

/* A client asks for a topic's metadata once beforehand: its first record takes a second otherwise. */
rd_kafka_topic_t *raw_topic(rd_kafka_t *rk, const char *name)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    if (!topic) raw_stop("topic %s: %s", name, rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, topic, &metadata, RAW_CALL_MS_MAX);
    if (error) raw_stop("metadata of %s: %s", name, rd_kafka_err2str(error));
    rd_kafka_metadata_destroy(metadata);
    return topic;
}

struct raw_producer raw_producer_new(int worker, int which)
{
    char id[128];
    snprintf(id, sizeof id, "%s-%d-%d", raw_group, worker, which);
    const char *const pairs[][2] = { { "transactional.id", id },
                                     { "linger.ms", "0" },
                                     { "compression.type", "lz4" },
                                     { "retry.backoff.ms", "1" },
                                     { "queue.buffering.max.messages", "1000000" },
                                     { "queue.buffering.max.kbytes", "1048576" } };
    rd_kafka_conf_t *conf = raw_settings(pairs, sizeof pairs / sizeof pairs[0]);
    rd_kafka_conf_set_dr_msg_cb(conf, raw_delivered);
    struct raw_producer made = { .rk = raw_client(RD_KAFKA_PRODUCER, conf) };
    raw_check(rd_kafka_init_transactions(made.rk, RAW_CALL_MS_MAX), "init_transactions");
    made.journal = raw_topic(made.rk, raw_journal_topic);
    made.commands = raw_topic(made.rk, raw_commands_topic);
    return made;
}

void raw_producer_free(struct raw_producer *producer)
{
    rd_kafka_topic_destroy(producer->journal);
    rd_kafka_topic_destroy(producer->commands);
    rd_kafka_destroy(producer->rk);
}

static rd_kafka_headers_t *make_headers(int count)
{
    static const char name[] = "ce_attribute", value[] = "a-value-of-common-length";
    if (count == 0) return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new((size_t)count);
    for (int i = 0; i < count; i++)
        rd_kafka_header_add(headers, name, sizeof name - 1, value, sizeof value - 1);
    return headers;
}

void raw_produce(rd_kafka_t *rk, rd_kafka_topic_t *topic, int32_t partition,
                 const struct raw_record *record)
{
    rd_kafka_headers_t *headers = make_headers(record->headers);
    const rd_kafka_vu_t arguments[] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic },
        { .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition },
        { .vtype = RD_KAFKA_VTYPE_KEY,
          .u.mem = { (void *)(uintptr_t)record->key, record->key_size } },
        { .vtype = RD_KAFKA_VTYPE_VALUE,
          .u.mem = { (void *)(uintptr_t)record->value, record->size } },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
    };
    size_t count = sizeof arguments / sizeof arguments[0] - (headers ? 0 : 1);
    raw_check(rd_kafka_produceva(rk, arguments, count), "produce");
}

void raw_read_headers(rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    if (rd_kafka_message_headers(message, &headers)) return;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++) {
    }
}

/* ---- who sends events and who reads commands ---- */

/* Of a topic that has just been made a partition may have no leader yet. */
static int64_t end_of(rd_kafka_t *admin, int partition)
{
    enum { TRIES = 100, PAUSE_US = 100000 };
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    int64_t low, high;
    for (int i = 0; i < TRIES; i++) {
        error = rd_kafka_query_watermark_offsets(admin, raw_commands_topic, partition, &low, &high,
                                                 RAW_CALL_MS_MAX);
        if (!error) return high;
        usleep(PAUSE_US);
    }
    raw_stop("watermark: %s", rd_kafka_err2str(error));
}

rd_kafka_t *raw_reader_at_the_end(rd_kafka_t *admin, int partitions)
{
    const char *const pairs[][2] = { { "group.id", raw_group },
                                     { "enable.auto.commit", "false" },
                                     { "auto.offset.reset", "error" },
                                     { "isolation.level", "read_committed" } };
    rd_kafka_t *rk =
        raw_client(RD_KAFKA_CONSUMER, raw_settings(pairs, sizeof pairs / sizeof pairs[0]));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_poll_set_consumer(rk);
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, raw_commands_topic, i)->offset = end_of(admin, i);
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return rk;
}

rd_kafka_t *raw_plain_producer(const char *linger_ms)
{
    const char *const pairs[][2] = { { "linger.ms", linger_ms } };
    rd_kafka_conf_t *conf = raw_settings(pairs, sizeof pairs / sizeof pairs[0]);
    rd_kafka_conf_set_dr_msg_cb(conf, raw_delivered);
    return raw_client(RD_KAFKA_PRODUCER, conf);
}

/* ---- topics and the events that wait in them ---- */

static void admin_result(rd_kafka_queue_t *queue, const char *what)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, RAW_CALL_MS_MAX);
    if (!event || rd_kafka_event_error(event))
        raw_stop("%s: %s", what, event ? rd_kafka_event_error_string(event) : "no answer");
    size_t count = 0;
    const rd_kafka_CreateTopics_result_t *created = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **results =
        created ? rd_kafka_CreateTopics_result_topics(created, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        if (rd_kafka_topic_result_error(results[i]))
            raw_stop("%s: %s", what, rd_kafka_topic_result_error_string(results[i]));
    rd_kafka_event_destroy(event);
}

void raw_create_topics(rd_kafka_t *rk, int partitions)
{
    const char *const names[] = { raw_events_topic, raw_journal_topic, raw_commands_topic };
    rd_kafka_NewTopic_t *topics[3];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    for (int i = 0; i < 3; i++) topics[i] = rd_kafka_NewTopic_new(names[i], partitions, 1, NULL, 0);
    rd_kafka_CreateTopics(rk, topics, 3, NULL, queue);
    admin_result(queue, "creating topics");
    rd_kafka_NewTopic_destroy_array(topics, 3);
    rd_kafka_queue_destroy(queue);
}

void raw_delete_topics(rd_kafka_t *rk)
{
    const char *const names[] = { raw_events_topic, raw_journal_topic, raw_commands_topic };
    rd_kafka_DeleteTopic_t *topics[3];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    for (int i = 0; i < 3; i++) topics[i] = rd_kafka_DeleteTopic_new(names[i]);
    rd_kafka_DeleteTopics(rk, topics, 3, NULL, queue);
    admin_result(queue, "deleting topics");
    rd_kafka_DeleteTopic_destroy_array(topics, 3);
    rd_kafka_queue_destroy(queue);
}
