#include "bus/client.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "bus/client_internal.h"
#include "bus/kafka_error.h"
#include "bus/kafka_headers.h"

enum {
    CHECK_TIMEOUT_STEP_MS = 100,
    RESOLVE_TIMEOUT_MS = 1000,
    LEADER_PAUSE_MS = 50,
    ALIVE_MS = 1000,
    PROBE_TIMEOUT_MS = 1500
};

int saga_client_fail(struct saga_client *client, rd_kafka_resp_err_t code, const char *what)
{
    snprintf(client->problem, sizeof client->problem, "%s: %s (%s)%s", what, rd_kafka_err2str(code),
             rd_kafka_err2name(code), saga_kafka_right_missing(code));
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                   code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                   code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION
               ? SAGA_E_NOT_FOUND
               : saga_kafka_classify(code);
}

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct saga_client_delivery *delivery = message->_private;
    (void)producer;
    (void)opaque;
    delivery->done = true;
    delivery->code = message->err;
    delivery->partition = message->partition;
    delivery->offset = message->offset;
}

/* The reason why no broker can be talked to, where it is not that none is there: librdkafka tries
 * again for ever and tells only here. Called while saga_client_check_broker polls. */
static void on_error(rd_kafka_t *producer, int code, const char *words, void *opaque)
{
    _Static_assert(offsetof(struct saga_client, config) == 0, "what a client's opaque points to");
    struct saga_client *client = opaque;
    (void)producer;
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL)
        snprintf(client->problem, sizeof client->problem, "%s: %s",
                 client->config.bootstrap_servers, words);
}

int saga_client_new(const struct saga_kafka_config *config, struct saga_arena *arena,
                    struct saga_client **ret, struct saga_diagnostic *diagnostic)
{
    const char *const own[] = { "acks",      "all",         "enable.idempotence",
                                "true",      "partitioner", "murmur2_random",
                                "linger.ms", "0",           "message.max.bytes",
                                "8388608",   NULL };
    struct saga_client *client = saga_memory_zeroed(1, sizeof *client);
    client->config = *config;
    client->ahead_kib = SAGA_READ_AHEAD_KIB;
    rd_kafka_conf_t *conf =
        saga_kafka_conf(&client->config, own, client->problem, sizeof client->problem);
    if (conf) rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    if (conf) rd_kafka_conf_set_error_cb(conf, on_error);
    client->producer =
        saga_kafka_client(RD_KAFKA_PRODUCER, conf, client->problem, sizeof client->problem);
    if (!client->producer) {
        saga_diagnostic_set(diagnostic, arena, "%s", client->problem);
        saga_diagnostic_mend(diagnostic, arena, "look at the kafka.* settings: saga config");
        free(client);
        return SAGA_E_STOP;
    }
    *ret = client;
    return SAGA_OK;
}

void saga_client_free(struct saga_client *client)
{
    if (!client) return;
    if (client->looker) rd_kafka_destroy(client->looker);
    if (client->asker) rd_kafka_destroy(client->asker);
    if (client->picking) rd_kafka_destroy(client->picking);
    rd_kafka_destroy(client->producer);
    free(client);
}

const char *saga_client_problem(const struct saga_client *client)
{
    return client->problem;
}

/* ---- the broker ---- */

static bool answers(struct saga_client *client, int timeout_ms, bool *ret_refused)
{
    const rd_kafka_metadata_t *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client->producer, 0, NULL, &metadata, timeout_ms);
    if (metadata) rd_kafka_metadata_destroy(metadata);
    if (!code) return true;
    client->problem[0] = '\0';
    rd_kafka_poll(client->producer, 0);
    *ret_refused = client->problem[0] != '\0';
    if (!*ret_refused) saga_client_fail(client, code, client->config.bootstrap_servers);
    return false;
}

/* librdkafka before 2.6.1 says its nonce twice in SCRAM (its pull request 4895), which Kafka 4 refuses as a wrong password. */
static bool says_nonce_twice(const struct saga_kafka_config *config)
{
    const int good = 0x02060100;
    for (size_t i = 0; i < config->setting_count; i++)
        if (strncmp(config->settings[i].name, "sasl.mechanism", strlen("sasl.mechanism")) == 0 &&
            strncmp(config->settings[i].value, "SCRAM", strlen("SCRAM")) == 0)
            return rd_kafka_version() < good;
    return false;
}

static void mend_refusal(struct saga_client *client, struct saga_arena *arena,
                         struct saga_diagnostic *diagnostic)
{
    if (strstr(client->problem, "SASL auth") && says_nonce_twice(&client->config))
        saga_diagnostic_mend(diagnostic, arena,
                             "look at kafka.sasl.username and its password; if they are right, it "
                             "is librdkafka %s: Kafka 4 takes SCRAM of 2.6.1 and newer only, or "
                             "PLAIN over TLS (SECURITY.md)",
                             rd_kafka_version_str());
    else
        saga_diagnostic_mend(diagnostic, arena,
                             "look at the settings kafka.security.protocol, kafka.sasl.* and "
                             "kafka.ssl.*: saga config");
}

int saga_client_check_broker(struct saga_client *client, int timeout_ms, struct saga_arena *arena,
                             struct saga_diagnostic *diagnostic)
{
    int error = SAGA_E_AGAIN;
    bool refused = false;
    if (answers(client, timeout_ms, &refused)) {
        error = client->config.mock ? SAGA_OK : saga_client_check_version(client, timeout_ms);
        if (error == SAGA_OK) return SAGA_OK;
    }
    saga_diagnostic_set(diagnostic, arena, "%s", client->problem);
    if (error == SAGA_E_STOP)
        saga_diagnostic_mend(diagnostic, arena, "use Kafka 3.7 or newer");
    else if (refused)
        mend_refusal(client, arena, diagnostic);
    else
        saga_diagnostic_mend(diagnostic, arena,
                             "is a broker running at %s? if it ended, is there room on its disk? "
                             "if it is elsewhere, set kafka.bootstrap.servers",
                             client->config.bootstrap_servers);
    return error;
}

/* ---- sending ---- */

int saga_client_send(struct saga_client *client, const struct saga_message *message, int timeout_ms,
                     struct saga_position *ret)
{
    struct saga_arena arena;
    saga_arena_init(&arena);
    char *topic = saga_arena_string(&arena, message->topic);
    /* outlives this call when it times out: the report comes when the client is freed */
    struct saga_client_delivery *delivery = saga_memory_zeroed(1, sizeof *delivery);
    rd_kafka_resp_err_t code = saga_kafka_produce(client->producer, topic, message, delivery);
    /* by the clock: a poll comes back early for whatever librdkafka has to say, as of each connection that fails */
    int64_t until_ms = saga_monotonic_ms() + timeout_ms;
    while (!code && !delivery->done && saga_monotonic_ms() < until_ms)
        rd_kafka_poll(client->producer, CHECK_TIMEOUT_STEP_MS);
    if (!code && !delivery->done) { /* purged, so that it is not sent behind the caller's back */
        rd_kafka_purge(client->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(client->producer, 1000);
        if (!delivery->done || delivery->code) code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    if (!code && delivery->done) code = delivery->code;
    int error = code ? saga_client_fail(client, code, topic) : SAGA_OK;
    if (!code)
        *ret = (struct saga_position){ message->topic, delivery->partition, delivery->offset };
    if (delivery->done || code != RD_KAFKA_RESP_ERR__TIMED_OUT) free(delivery);
    saga_arena_free(&arena);
    return error;
}

/* ---- reading ---- */

static rd_kafka_t *make_reader(struct saga_client *client, const char *isolation)
{
    char ahead[16];
    snprintf(ahead, sizeof ahead, "%u", client->ahead_kib);
    const char *const own[] = { "group.id", "saga-reads", "enable.auto.commit", "false",
                                "enable.auto.offset.store", "false", "auto.offset.reset", "error",
                                "isolation.level", isolation, "enable.partition.eof", "true",
                                "fetch.wait.max.ms", "50", "fetch.error.backoff.ms", "20",
                                /* librdkafka before 2.2 looks again at a full queue after a whole
                                 * second: what it holds is what can be read in a second. Taken
                                 * only as there are records to read. */
                                "queued.min.messages", "500000", "queued.max.messages.kbytes",
                                ahead, NULL };
    return saga_kafka_client(
        RD_KAFKA_CONSUMER,
        saga_kafka_conf(&client->config, own, client->problem, sizeof client->problem),
        client->problem, sizeof client->problem);
}

void saga_client_read_ahead(struct saga_client *client, unsigned kib)
{
    client->ahead_kib = kib;
}

/* A consumer that reads nothing: it asks. */
static int make_looker(struct saga_client *client)
{
    if (!client->looker) client->looker = make_reader(client, "read_uncommitted");
    return client->looker ? SAGA_OK : SAGA_E_STOP;
}

/* Another broker is about to lead: there is none for a moment, or who is asked has just ceased to. A command can wait for it. */
static bool is_changing_leaders(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE;
}

int saga_client_watermarks(struct saga_client *client, struct saga_slice topic, int32_t partition,
                           int timeout_ms, int64_t *ret_low, int64_t *ret_high)
{
    int64_t until_ms = saga_monotonic_ms() + timeout_ms, left_ms;
    struct saga_arena arena;
    if (make_looker(client) < 0) return SAGA_E_STOP;
    saga_arena_init(&arena);
    const char *name = saga_arena_string(&arena, topic);
    rd_kafka_resp_err_t code =
        saga_kafka_query_watermarks(client->looker, name, partition, timeout_ms, ret_low, ret_high);
    while (is_changing_leaders(code)) {
        saga_sleep_ms(LEADER_PAUSE_MS);
        left_ms = until_ms - saga_monotonic_ms();
        if (left_ms <= 0) break;
        code = saga_kafka_query_watermarks(client->looker, name, partition, (int)left_ms, ret_low,
                                           ret_high);
    }
    int error = code ? saga_client_fail(client, code, name) : SAGA_OK;
    saga_arena_free(&arena);
    return error;
}

int saga_client_offset_at(struct saga_client *client, struct saga_slice topic, int32_t partition,
                          int64_t time_ms, int timeout_ms, int64_t *ret)
{
    struct saga_arena arena;
    int64_t offset;
    *ret = SAGA_READ_BEGINNING;
    if (client->config.mock) return SAGA_OK;
    if (make_looker(client) < 0) return SAGA_E_STOP;
    saga_arena_init(&arena);
    const char *name = saga_arena_string(&arena, topic);
    rd_kafka_resp_err_t code =
        saga_kafka_query_time(client->looker, name, partition, time_ms, timeout_ms, &offset);
    int error = code ? saga_client_fail(client, code, name) : SAGA_OK;
    if (!code) *ret = offset < 0 ? INT64_MAX : offset;
    saga_arena_free(&arena);
    return error;
}

/* A consumer that subscribes to nothing is no member of its group: it may ask and moves nothing. */
int saga_client_committed(struct saga_client *client, const char *group, struct saga_slice topic,
                          uint32_t count, int timeout_ms, int64_t *ret)
{
    const char *const own[] = { "group.id", group, "enable.auto.commit", "false", NULL };
    if (!client->asker)
        client->asker = saga_kafka_client(
            RD_KAFKA_CONSUMER,
            saga_kafka_conf(&client->config, own, client->problem, sizeof client->problem),
            client->problem, sizeof client->problem);
    if (!client->asker) return SAGA_E_STOP;
    struct saga_arena arena;
    saga_arena_init(&arena);
    const char *name = saga_arena_string(&arena, topic);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (uint32_t i = 0; i < count; i++) rd_kafka_topic_partition_list_add(list, name, (int32_t)i);
    rd_kafka_resp_err_t code = rd_kafka_committed(client->asker, list, timeout_ms);
    for (uint32_t i = 0; i < count && !code; i++)
        ret[i] = list->elems[i].offset >= 0 ? list->elems[i].offset : -1;
    int error = code ? saga_client_fail(client, code, name) : SAGA_OK;
    rd_kafka_topic_partition_list_destroy(list);
    saga_arena_free(&arena);
    return error;
}

struct saga_reader {
    struct saga_client *client;
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    int64_t position;
    int64_t alive_ms; /* monotonic: when the broker last gave a sign of life */
    bool end;
    int error;
};

/* Where "beginning" or "end" is just now. Left to librdkafka, a consumer that is new asks for it
 * only half a second later, since it does not know the partition's leader yet. A broker that does
 * not say is asked by the reading itself. */
static int64_t resolve(struct saga_reader *reader, const char *topic, int32_t partition,
                       int64_t offset)
{
    int64_t low, high;
    if (offset >= 0) return offset;
    if (saga_kafka_query_watermarks(reader->consumer, topic, partition, RESOLVE_TIMEOUT_MS, &low,
                                    &high))
        return offset == SAGA_READ_END ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
    return offset == SAGA_READ_END ? high : low;
}

int saga_reader_open(struct saga_client *client, struct saga_slice topic, int32_t partition,
                     int64_t offset, struct saga_reader **ret)
{
    struct saga_reader *reader = saga_memory_zeroed(1, sizeof *reader);
    reader->client = client;
    reader->consumer =
        make_reader(client, client->config.mock ? "read_uncommitted" : "read_committed");
    if (!reader->consumer) {
        free(reader);
        return SAGA_E_STOP;
    }
    rd_kafka_poll_set_consumer(reader->consumer);
    reader->queue = rd_kafka_queue_get_consumer(reader->consumer);
    struct saga_position position = { topic, partition, SAGA_OFFSET_NONE };
    rd_kafka_topic_partition_list_t *list = saga_kafka_list(&position, 1, false);
    offset = resolve(reader, list->elems[0].topic, partition, offset);
    list->elems[0].offset = offset;
    reader->position = offset >= 0 ? offset : 0;
    reader->alive_ms = saga_monotonic_ms();
    rd_kafka_resp_err_t code = rd_kafka_assign(reader->consumer, list);
    int error = code ? saga_client_fail(client, code, list->elems[0].topic) : SAGA_OK;
    rd_kafka_topic_partition_list_destroy(list);
    if (error < 0) {
        saga_reader_close(reader);
        return error;
    }
    *ret = reader;
    return SAGA_OK;
}

static void on_read_error(rd_kafka_message_t *message, void *context)
{
    struct saga_reader *reader = context;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        reader->end = true;
        if (message->offset > reader->position) reader->position = message->offset;
        return;
    }
    reader->error = saga_client_fail(reader->client, message->err,
                                     message->rkt ? rd_kafka_topic_name(message->rkt) : "reading");
}

/* Where nothing comes there may be nothing, or nobody: librdkafka does not tell, it tries again for
 * ever. */
static int ask_whether_alive(struct saga_reader *reader)
{
    struct saga_client *client = reader->client;
    const rd_kafka_metadata_t *metadata = NULL;
    if (saga_monotonic_ms() - reader->alive_ms < ALIVE_MS) return SAGA_OK;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(reader->consumer, 0, NULL, &metadata, PROBE_TIMEOUT_MS);
    reader->alive_ms = saga_monotonic_ms();
    if (metadata) rd_kafka_metadata_destroy(metadata);
    if (!code) return SAGA_OK;
    /* a broker that is there but slow looks the same: nobody could tell them apart from here */
    bool late = code == RD_KAFKA_RESP_ERR__TIMED_OUT;
    snprintf(client->problem, sizeof client->problem,
             "the broker at %s %s (%s): is it running%s, and is there room on its disk? work goes "
             "on when it %s",
             client->config.bootstrap_servers, late ? "does not answer in time" : "is away",
             rd_kafka_err2str(code), late ? " and not overloaded" : "",
             late ? "answers" : "is back");
    return SAGA_E_AGAIN;
}

int saga_reader_read(struct saga_reader *reader, int timeout_ms, size_t max,
                     struct saga_bus_records *ret, int64_t *ret_position, bool *ret_end)
{
    rd_kafka_message_t **messages = saga_memory_zeroed(max + 1, sizeof(rd_kafka_message_t *));
    ssize_t count = rd_kafka_consume_batch_queue(reader->queue, 0, messages, max);
    if (count <= 0) count = rd_kafka_consume_batch_queue(reader->queue, timeout_ms, messages, 1);
    reader->error = SAGA_OK;
    bool was_at_end = reader->end;
    reader->end = false;
    saga_kafka_records(messages, count > 0 ? (size_t)count : 0, ret, on_read_error, reader);
    free(messages);
    if (count > 0) reader->alive_ms = saga_monotonic_ms();
    if (count <= 0) reader->error = ask_whether_alive(reader);
    if (ret->count) {
        int64_t behind = ret->items[ret->count - 1].offset + 1;
        if (behind > reader->position) reader->position = behind;
    } else if (was_at_end && count <= 0) {
        reader->end = true; /* nothing came since */
    }
    *ret_position = reader->position;
    *ret_end = reader->end;
    if (ret->count || reader->error == SAGA_OK) return SAGA_OK;
    saga_kafka_release(ret);
    return reader->error;
}

void saga_reader_release(struct saga_reader *reader, struct saga_bus_records *records)
{
    (void)reader;
    saga_kafka_release(records);
}

void saga_reader_close(struct saga_reader *reader)
{
    if (!reader) return;
    rd_kafka_queue_destroy(reader->queue);
    rd_kafka_destroy(reader->consumer);
    free(reader);
}
