/* The worker's consumer: the group, its rebalances, positions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "bus/kafka_error.h"
#include "bus/kafka_internal.h"

enum { HEARTBEAT_MS_MAX = 200 };

static int fail(struct saga_kafka *k, rd_kafka_resp_err_t code, const char *what)
{
    snprintf(k->problem, sizeof k->problem, "%s: %s (%s)%s", what, rd_kafka_err2str(code),
             rd_kafka_err2name(code), saga_kafka_right_missing(code));
    return saga_kafka_classify(code);
}

/* ---- rebalances ---- */

/* R4: a generation >= 0 and a member id, else a transaction would not be fenced at all. The form that librdkafka
 * serializes it to: "CGMDv2:", int32 generation (little endian), group id, member id, ... NUL-terminated. */
static bool metadata_fences(const rd_kafka_consumer_group_metadata_t *metadata)
{
    static const char magic[] = "CGMDv2:";
    const size_t head = sizeof magic - 1 + 4;
    void *buffer;
    size_t size;
    bool fences = false;
    rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(metadata, &buffer, &size);
    if (error) {
        rd_kafka_error_destroy(error);
        return false;
    }
    const char *bytes = buffer;
    if (size > head && memcmp(bytes, magic, sizeof magic - 1) == 0) {
        const unsigned char *g = (const unsigned char *)bytes + sizeof magic - 1;
        int32_t generation = (int32_t)((uint32_t)g[0] | (uint32_t)g[1] << 8 | (uint32_t)g[2] << 16 |
                                       (uint32_t)g[3] << 24);
        const char *member = memchr(bytes + head, '\0', size - head);
        fences = generation >= 0 && member && member + 1 < bytes + size && member[1] != '\0';
    }
    rd_kafka_mem_free(NULL, buffer);
    return fences;
}

static void drop_metadata(struct saga_kafka *k)
{
    if (k->metadata) rd_kafka_consumer_group_metadata_destroy(k->metadata);
    k->metadata = NULL;
}

/* Two questions for the assignment pass through the queue that the stop and its answer each pass through once: then both are
 * behind us. */
rd_kafka_resp_err_t saga_kafka_stop_fetching(rd_kafka_t *consumer)
{
    enum { PASSES = 2 };
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(0);
    rd_kafka_resp_err_t code = rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    for (int i = 0; i < PASSES && !code; i++) {
        code = rd_kafka_assignment(consumer, &list);
        if (!code) rd_kafka_topic_partition_list_destroy(list);
    }
    return code;
}

static void on_assigned(struct saga_kafka *k, const rd_kafka_topic_partition_list_t *list)
{
    struct saga_position *positions = saga_memory_zeroed((size_t)list->cnt + 1, sizeof *positions);
    for (int i = 0; i < list->cnt; i++)
        positions[i] = (struct saga_position){ saga_slice_of(list->elems[i].topic),
                                               list->elems[i].partition, SAGA_OFFSET_NONE };
    drop_metadata(k);
    k->metadata = rd_kafka_consumer_group_metadata(k->consumer);
    if (k->metadata && !k->config.mock && !metadata_fences(k->metadata)) drop_metadata(k);
    /* nothing is fetched until the worker has recovered its lanes and says where from (R8) */
    saga_kafka_stop_fetching(k->consumer);
    if (k->listener.assigned)
        k->listener.assigned(k->listener.context, positions, (size_t)list->cnt);
    free(positions);
}

static void on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct saga_kafka *k = opaque;
    k->rebalances++;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        on_assigned(k, list);
        return;
    }
    bool lost = rd_kafka_assignment_lost(consumer);
    drop_metadata(k);
    rd_kafka_assign(consumer, NULL);
    if (k->listener.revoked) k->listener.revoked(k->listener.context, lost);
}

/* ---- opening ---- */

static void on_consumer_log(const rd_kafka_t *client, int level, const char *facility,
                            const char *text)
{
    const struct saga_kafka *k = client ? rd_kafka_opaque(client) : NULL;
    saga_kafka_log(k ? &k->config : NULL, level, facility, text);
}

int saga_kafka_consumer_open(struct saga_kafka *k)
{
    char session[16], heartbeat[16];
    snprintf(session, sizeof session, "%d", k->config.session_timeout_ms);
    /* a member learns of a rebalance with its next heartbeat, and all others wait for it */
    int heartbeat_ms = k->config.session_timeout_ms / 6;
    if (heartbeat_ms > HEARTBEAT_MS_MAX) heartbeat_ms = HEARTBEAT_MS_MAX;
    snprintf(heartbeat, sizeof heartbeat, "%d", heartbeat_ms);
    const char *const own[] = {
        "group.id",
        k->config.group,
        "session.timeout.ms",
        session,
        "heartbeat.interval.ms",
        heartbeat,
        "partition.assignment.strategy",
        "range",
        "enable.auto.commit",
        "false",
        "enable.auto.offset.store",
        "false",
        "auto.offset.reset",
        "error",
        "isolation.level",
        k->config.mock ? "read_uncommitted" : "read_committed",
        "fetch.wait.max.ms",
        "100",
        "fetch.error.backoff.ms",
        "50",
        /* librdkafka before 2.2 looks again at a full queue after a whole second: what it holds is what can be read in a
         * second, of starts and of the rest each. */
        "queued.min.messages",
        "10000",
        "queued.max.messages.kbytes",
        "32768",
        "topic.metadata.refresh.interval.ms",
        "10000",
        NULL,
    };
    rd_kafka_conf_t *conf = saga_kafka_conf(&k->config, own, k->problem, sizeof k->problem);
    if (!conf) return SAGA_E_STOP;
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_log_cb(conf, on_consumer_log);
    rd_kafka_conf_set_opaque(conf, k);
    k->consumer = saga_kafka_client(RD_KAFKA_CONSUMER, conf, k->problem, sizeof k->problem);
    if (!k->consumer) return SAGA_E_STOP;
    rd_kafka_poll_set_consumer(k->consumer);
    saga_kafka_queues_open(k);
    return SAGA_OK;
}

void saga_kafka_consumer_close(struct saga_kafka *k)
{
    drop_metadata(k);
    saga_kafka_queues_close(k);
    if (k->consumer) {
        k->listener = (struct saga_bus_listener){ 0 };
        rd_kafka_consumer_close(k->consumer);
        rd_kafka_destroy(k->consumer);
        saga_kafka_queues_free(k);
    }
    if (k->looker) rd_kafka_destroy(k->looker);
    k->consumer = k->looker = NULL;
}

/* Names, each once. */
static rd_kafka_topic_partition_list_t *topic_list(const struct saga_slice *topics, size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        struct saga_position position = { topics[i], RD_KAFKA_PARTITION_UA, 0 };
        rd_kafka_topic_partition_list_t *one = saga_kafka_list(&position, 1, false);
        if (!rd_kafka_topic_partition_list_find(list, one->elems[0].topic, RD_KAFKA_PARTITION_UA))
            rd_kafka_topic_partition_list_add(list, one->elems[0].topic, RD_KAFKA_PARTITION_UA);
        rd_kafka_topic_partition_list_destroy(one);
    }
    return list;
}

int saga_kafka_subscribe(void *self, const struct saga_slice *topics, size_t count, size_t patient)
{
    struct saga_kafka *k = self;
    SAGA_ASSERT(patient <= count);
    rd_kafka_topic_partition_list_t *list = topic_list(topics, count);
    saga_kafka_set_patient(k, topic_list(topics + count - patient, patient));
    rd_kafka_resp_err_t code = rd_kafka_subscribe(k->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? fail(k, code, "subscribing") : SAGA_OK;
}

/* ---- polling ---- */

/* How much worse than having nothing to read. */
static int weight(int error)
{
    return error == SAGA_OK ? 0 : error == SAGA_E_STOP ? 3 : error == SAGA_E_NOT_FOUND ? 2 : 1;
}

static void on_poll_error(rd_kafka_message_t *message, void *context)
{
    struct saga_kafka *k = context;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return;
    int error = saga_kafka_classify(message->err);
    if (weight(error) <= weight(k->trouble)) return;
    k->trouble = error;
    snprintf(k->trouble_words, sizeof k->trouble_words, "%s [%d] offset %lld: %s%s",
             message->rkt ? rd_kafka_topic_name(message->rkt) : "consumer", message->partition,
             (long long)message->offset, rd_kafka_message_errstr(message),
             message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                 ? "; make it: saga topics create FILE"
                 : saga_kafka_right_missing(message->err));
}

/* librdkafka tells of a position that is gone once and then lets the partition rest, so what came together with records
 * is kept for the next poll (R20). */
int saga_kafka_poll(void *self, int timeout_ms, size_t max, struct saga_bus_records *ret)
{
    struct saga_kafka *k = self;
    unsigned rebalances = k->rebalances;
    SAGA_ASSERT(!k->open); /* R2: never between begin and commit */
    rd_kafka_message_t **messages = saga_memory_zeroed(max + 1, sizeof(rd_kafka_message_t *));
    size_t count = saga_kafka_take_in_turn(k, k->trouble < 0 ? 0 : timeout_ms, messages, max);
    saga_kafka_records(messages, count, ret, on_poll_error, k);
    free(messages);
    if (k->rebalances != rebalances)
        saga_kafka_release(ret); /* read under an assignment that is over */
    if (ret->count) return SAGA_OK;
    saga_kafka_release(ret);
    int error = k->trouble;
    if (error < 0) snprintf(k->problem, sizeof k->problem, "%s", k->trouble_words);
    k->trouble = SAGA_OK;
    return error;
}

int saga_kafka_fetch(void *self, const struct saga_position *positions, size_t count)
{
    struct saga_kafka *k = self;
    rd_kafka_resp_err_t code = saga_kafka_stop_fetching(k->consumer);
    if (!code && count) {
        rd_kafka_topic_partition_list_t *list = saga_kafka_list(positions, count, true);
        saga_kafka_lead(k, list);
        code = rd_kafka_assign(k->consumer, list);
        rd_kafka_topic_partition_list_destroy(list);
    }
    k->trouble = SAGA_OK; /* of positions that nobody asks for any more */
    return code ? fail(k, code, "beginning to fetch") : SAGA_OK;
}

/* ---- positions ---- */

int saga_kafka_committed(void *self, struct saga_position *positions, size_t count, int timeout_ms)
{
    struct saga_kafka *k = self;
    rd_kafka_topic_partition_list_t *list = saga_kafka_list(positions, count, false);
    rd_kafka_resp_err_t code = rd_kafka_committed(k->consumer, list, timeout_ms);
    int error = code ? fail(k, code, "committed offsets") : SAGA_OK;
    for (int i = 0; i < list->cnt && error == SAGA_OK; i++)
        if (list->elems[i].err) error = fail(k, list->elems[i].err, list->elems[i].topic);
    for (int i = 0; i < list->cnt && error == SAGA_OK; i++)
        positions[i].offset = list->elems[i].offset >= 0 ? list->elems[i].offset : SAGA_OFFSET_NONE;
    rd_kafka_topic_partition_list_destroy(list);
    return error == SAGA_E_FENCED || error == SAGA_E_NOT_FOUND ? SAGA_E_AGAIN : error;
}

static rd_kafka_t *looker(struct saga_kafka *k)
{
    const char *const own[] = { "isolation.level", "read_uncommitted", "group.id", "saga-looks",
                                NULL };
    if (!k->looker)
        k->looker = saga_kafka_client(
            RD_KAFKA_CONSUMER, saga_kafka_conf(&k->config, own, k->problem, sizeof k->problem),
            k->problem, sizeof k->problem);
    return k->looker;
}

int saga_kafka_watermarks(void *self, struct saga_slice topic, int32_t partition, int timeout_ms,
                          int64_t *ret_low, int64_t *ret_high)
{
    struct saga_kafka *k = self;
    struct saga_position position = { topic, partition, 0 };
    rd_kafka_t *client = looker(k);
    if (!client) return SAGA_E_STOP;
    rd_kafka_topic_partition_list_t *list = saga_kafka_list(&position, 1, false);
    rd_kafka_resp_err_t code = saga_kafka_query_watermarks(client, list->elems[0].topic, partition,
                                                           timeout_ms, ret_low, ret_high);
    int error = code ? fail(k, code, list->elems[0].topic) : SAGA_OK;
    rd_kafka_topic_partition_list_destroy(list);
    return error;
}

int saga_kafka_partition_count(void *self, struct saga_slice topic, int timeout_ms,
                               int32_t *ret_count)
{
    struct saga_kafka *k = self;
    struct saga_position position = { topic, 0, 0 };
    rd_kafka_topic_partition_list_t *list = saga_kafka_list(&position, 1, false);
    rd_kafka_resp_err_t code =
        saga_kafka_look_up(k->consumer, list->elems[0].topic, timeout_ms, ret_count);
    int error = code ? fail(k, code, list->elems[0].topic) : SAGA_OK;
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) error = SAGA_E_NOT_FOUND;
    rd_kafka_topic_partition_list_destroy(list);
    return error;
}
