#include "bus/kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "bus/kafka_internal.h"

enum { TROUBLE_EVERY_MS = 5000 };

/* ---- clients ---- */

/* A setting of the operator's is given to consumers and producers alike, and librdkafka warns of each that concerns only
 * the other kind. */
bool saga_kafka_log_is_noise(const char *facility, const char *text)
{
    return strcmp(facility, "CONFWARN") == 0 &&
           (strstr(text, "is a producer property") || strstr(text, "is a consumer property"));
}

/* Every client of every worker says for itself, again and again, that it has no connection. */
bool saga_kafka_log_is_repeated(const char *facility, int64_t now_ms, _Atomic int64_t *last_ms)
{
    bool trouble = strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0;
    int64_t last = atomic_load(last_ms);
    if (!trouble) return false;
    if (last != 0 && now_ms - last < TROUBLE_EVERY_MS) return true;
    return !atomic_compare_exchange_strong(last_ms, &last, now_ms); /* another thread says it */
}

void saga_kafka_log(const struct saga_kafka_config *config, int level, const char *facility,
                    const char *text)
{
    static _Atomic int64_t last_ms;
    if (!config || !config->log || saga_kafka_log_is_noise(facility, text)) return;
    if (saga_kafka_log_is_repeated(facility, saga_monotonic_ms(), &last_ms)) return;
    config->log(level, text, config->log_context);
}

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    saga_kafka_log(client ? rd_kafka_opaque(client) : NULL, level, facility, text);
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, char *problem,
                size_t size)
{
    return rd_kafka_conf_set(conf, name, value, problem, size) == RD_KAFKA_CONF_OK;
}

bool saga_kafka_knows_option(const char *name)
{
    char value[512];
    size_t size = sizeof value;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t found = rd_kafka_conf_get(conf, name, value, &size);
    if (found == RD_KAFKA_CONF_UNKNOWN) /* an alias can be set and not be asked for */
        found = rd_kafka_conf_set(conf, name, "", value, sizeof value);
    rd_kafka_conf_destroy(conf);
    return found != RD_KAFKA_CONF_UNKNOWN;
}

rd_kafka_conf_t *saga_kafka_conf(const struct saga_kafka_config *config, const char *const *own,
                                 char *problem, size_t problem_size)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool good = set(conf, "bootstrap.servers", config->bootstrap_servers, problem, problem_size) &&
                set(conf, "client.id", "saga", problem, problem_size) &&
                /* looking at a topic must not make it: the broker would choose its partitions */
                set(conf, "allow.auto.create.topics", "false", problem, problem_size) &&
                set(conf, "socket.nagle.disable", "true", problem, problem_size) &&
                set(conf, "reconnect.backoff.ms", "50", problem, problem_size) &&
                set(conf, "reconnect.backoff.max.ms", "200", problem, problem_size) &&
                set(conf, "log.connection.close", "false", problem, problem_size);
    for (size_t i = 0; good && own[i]; i += 2)
        good = set(conf, own[i], own[i + 1], problem, problem_size);
    for (size_t i = 0; good && i < config->setting_count; i++)
        good =
            set(conf, config->settings[i].name, config->settings[i].value, problem, problem_size);
    if (!good) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_opaque(conf, (void *)(uintptr_t)config);
    return conf;
}

rd_kafka_t *saga_kafka_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *problem,
                              size_t problem_size)
{
    if (!conf) return NULL;
    rd_kafka_t *client = rd_kafka_new(type, conf, problem, problem_size);
    if (!client) rd_kafka_conf_destroy(conf);
    return client;
}

/* ---- records ---- */

struct owned_records {
    struct saga_arena arena;
    rd_kafka_message_t **messages;
    size_t count;
};

static void take_headers(const rd_kafka_message_t *message, struct saga_arena *arena,
                         struct saga_message *ret)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    ret->header_count = rd_kafka_header_cnt(headers);
    ret->headers = SAGA_NEW_ARRAY(arena, struct saga_header, ret->header_count);
    for (size_t i = 0; i < ret->header_count; i++) {
        if (rd_kafka_header_get_all(headers, i, &name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        ret->headers[i] = (struct saga_header){ saga_slice_of(name), { value, value ? size : 0 } };
    }
}

static struct saga_message record_of(const rd_kafka_message_t *message, struct saga_arena *arena)
{
    rd_kafka_timestamp_type_t type;
    struct saga_message record = { .topic = saga_slice_of(rd_kafka_topic_name(message->rkt)),
                                   .partition = message->partition,
                                   .offset = message->offset,
                                   .timestamp_ms = rd_kafka_message_timestamp(message, &type),
                                   .key = { message->key, message->key_len },
                                   .value = { message->payload, message->len } };
    take_headers(message, arena, &record);
    return record;
}

size_t saga_kafka_take(rd_kafka_queue_t *queue, int timeout_ms, rd_kafka_message_t **messages,
                       size_t max)
{
    ssize_t count = rd_kafka_consume_batch_queue(queue, 0, messages, max);
    if (count > 0) return (size_t)count;
    if (timeout_ms <= 0) return 0;
    count = rd_kafka_consume_batch_queue(queue, timeout_ms, messages, 1);
    if (count <= 0) return 0;
    ssize_t more = max > 1 ? rd_kafka_consume_batch_queue(queue, 0, messages + 1, max - 1) : 0;
    return 1 + (more > 0 ? (size_t)more : 0);
}

void saga_kafka_records(rd_kafka_message_t **messages, size_t count, struct saga_bus_records *ret,
                        void (*on_error)(rd_kafka_message_t *message, void *context), void *context)
{
    struct owned_records *owned = saga_memory_zeroed(1, sizeof *owned);
    saga_arena_init(&owned->arena);
    owned->arena.first_block_bytes = 256 + count * 512;
    owned->messages = saga_memory_zeroed(count, sizeof *owned->messages);
    struct saga_message *items = SAGA_NEW_ARRAY(&owned->arena, struct saga_message, count);
    for (size_t i = 0; i < count; i++) {
        if (messages[i]->err) {
            if (on_error) on_error(messages[i], context);
            rd_kafka_message_destroy(messages[i]);
            continue;
        }
        items[owned->count] = record_of(messages[i], &owned->arena);
        owned->messages[owned->count++] = messages[i];
    }
    *ret = (struct saga_bus_records){ items, owned->count, owned };
}

void saga_kafka_release(struct saga_bus_records *records)
{
    struct owned_records *owned = records->owner;
    if (owned) {
        for (size_t i = 0; i < owned->count; i++) rd_kafka_message_destroy(owned->messages[i]);
        saga_arena_free(&owned->arena);
        free(owned->messages);
        free(owned);
    }
    *records = (struct saga_bus_records){ 0 };
}

rd_kafka_topic_partition_list_t *saga_kafka_list(const struct saga_position *positions,
                                                 size_t count, bool with_offsets)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        char topic[256];
        SAGA_ASSERT(positions[i].topic.size < sizeof topic);
        memcpy(topic, positions[i].topic.data, positions[i].topic.size);
        topic[positions[i].topic.size] = '\0';
        rd_kafka_topic_partition_t *added =
            rd_kafka_topic_partition_list_add(list, topic, positions[i].partition);
        if (with_offsets) added->offset = positions[i].offset;
    }
    return list;
}

/* ---- the bus ---- */

static const char *problem(void *self)
{
    return ((struct saga_kafka *)self)->problem;
}

static void set_listener(void *self, struct saga_bus_listener listener)
{
    ((struct saga_kafka *)self)->listener = listener;
}

static void release(void *self, struct saga_bus_records *records)
{
    (void)self;
    saga_kafka_release(records);
}

static void close_bus(void *self)
{
    struct saga_kafka *k = self;
    saga_kafka_reader_free(k);
    saga_kafka_abort(k); /* else the next owner waits until the broker gives it up */
    saga_kafka_producers_close(k);
    saga_kafka_consumer_close(k);
    free(k);
}

int saga_kafka_open(const struct saga_kafka_config *config, unsigned worker, int timeout_ms,
                    struct saga_arena *arena, struct saga_bus *ret,
                    struct saga_diagnostic *diagnostic)
{
    struct saga_kafka *k = saga_memory_zeroed(1, sizeof *k);
    k->config = *config;
    k->worker = worker;
    saga_arena_init(&k->deliveries);
    int error = saga_kafka_consumer_open(k);
    if (error == SAGA_OK) error = saga_kafka_producers_open(k, timeout_ms);
    if (error < 0) {
        saga_diagnostic_set(diagnostic, arena, "%s", k->problem);
        saga_diagnostic_mend(diagnostic, arena,
                             "is there a broker at %s, and may this client use it?",
                             config->bootstrap_servers);
        close_bus(k);
        return error;
    }
    *ret = (struct saga_bus){
        .self = k,
        .problem = problem,
        .listen = set_listener,
        .subscribe = saga_kafka_subscribe,
        .poll = saga_kafka_poll,
        .release = release,
        .fetch = saga_kafka_fetch,
        .committed = saga_kafka_committed,
        .commit_positions = saga_kafka_commit_positions,
        .watermarks = saga_kafka_watermarks,
        .partition_count = saga_kafka_partition_count,
        .begin = saga_kafka_begin,
        .send = saga_kafka_send,
        .flush = saga_kafka_flush,
        .send_offsets = saga_kafka_send_offsets,
        .commit = saga_kafka_commit,
        .abort = saga_kafka_abort,
        .renew = saga_kafka_renew,
        .warm = saga_kafka_warm,
        .reader_open = saga_kafka_reader_open,
        .reader_read = saga_kafka_reader_read,
        .reader_close = saga_kafka_reader_close,
        .close = close_bus,
    };
    return SAGA_OK;
}
