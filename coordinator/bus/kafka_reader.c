/* Reading one partition beside the group, for recovery (R8). One consumer, kept from lane to lane. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "bus/kafka_error.h"
#include "bus/kafka_internal.h"

static int fail(struct saga_kafka *k, rd_kafka_resp_err_t code)
{
    snprintf(k->problem, sizeof k->problem, "%s [%d]: %s", k->reader_topic, k->reader_partition,
             rd_kafka_err2str(code));
    return saga_kafka_classify(code);
}

int saga_kafka_reader_open(void *self, struct saga_slice topic, int32_t partition, int64_t offset)
{
    struct saga_kafka *k = self;
    const char *const own[] = {
        "group.id",
        "saga-recovery",
        "enable.auto.commit",
        "false",
        "enable.auto.offset.store",
        "false",
        "auto.offset.reset",
        "error",
        "isolation.level",
        k->config.mock ? "read_uncommitted" : "read_committed",
        "enable.partition.eof",
        "true",
        "fetch.wait.max.ms",
        "10",
        "fetch.error.backoff.ms",
        "10",
        "queued.min.messages",
        "10000",
        "check.crcs",
        "true",
        NULL,
    };
    saga_kafka_reader_close(k);
    k->reader = saga_kafka_client(RD_KAFKA_CONSUMER,
                                  saga_kafka_conf(&k->config, own, k->problem, sizeof k->problem),
                                  k->problem, sizeof k->problem);
    if (!k->reader) return SAGA_E_STOP;
    rd_kafka_poll_set_consumer(k->reader);
    k->reader_queue = rd_kafka_queue_get_consumer(k->reader);
    k->reader_topic = strndup(topic.data, topic.size);
    SAGA_ASSERT(k->reader_topic);
    k->reader_partition = partition;
    k->reader_position = offset;
    struct saga_position position = { topic, partition, offset };
    rd_kafka_topic_partition_list_t *list = saga_kafka_list(&position, 1, true);
    rd_kafka_resp_err_t code = rd_kafka_assign(k->reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? fail(k, code) : SAGA_OK;
}

struct read_errors {
    struct saga_kafka *k;
    int error;
};

static void on_read_error(rd_kafka_message_t *message, void *context)
{
    struct read_errors *errors = context;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (message->offset > errors->k->reader_position)
            errors->k->reader_position = message->offset;
        return;
    }
    errors->error = fail(errors->k, message->err);
}

int saga_kafka_reader_read(void *self, int timeout_ms, size_t max, struct saga_bus_records *ret,
                           int64_t *ret_position)
{
    struct saga_kafka *k = self;
    struct read_errors errors = { k, SAGA_OK };
    SAGA_ASSERT(k->reader);
    rd_kafka_message_t **messages = calloc(max + 1, sizeof(rd_kafka_message_t *));
    SAGA_ASSERT(messages);
    /* waits for the first, takes what is there: a batch call would wait for all of them */
    ssize_t count = rd_kafka_consume_batch_queue(k->reader_queue, 0, messages, max);
    if (count <= 0) count = rd_kafka_consume_batch_queue(k->reader_queue, timeout_ms, messages, 1);
    saga_kafka_records(messages, count > 0 ? (size_t)count : 0, ret, on_read_error, &errors);
    free(messages);
    if (ret->count) {
        int64_t behind = ret->items[ret->count - 1].offset + 1;
        if (behind > k->reader_position) k->reader_position = behind;
    }
    *ret_position = k->reader_position;
    if (errors.error < 0 && ret->count == 0) {
        saga_kafka_release(ret);
        return errors.error;
    }
    return SAGA_OK;
}

void saga_kafka_reader_close(void *self)
{
    struct saga_kafka *k = self;
    if (k->reader_queue) rd_kafka_queue_destroy(k->reader_queue);
    if (k->reader) rd_kafka_destroy(k->reader);
    free(k->reader_topic);
    k->reader = NULL;
    k->reader_queue = NULL;
    k->reader_topic = NULL;
}
