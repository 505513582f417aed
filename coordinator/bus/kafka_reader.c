/* Reading one partition beside the group, for recovery (R8). One consumer, kept from lane to lane. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "bus/kafka_error.h"
#include "bus/kafka_internal.h"

static void say(struct saga_kafka *k, int64_t offset, const char *words)
{
    snprintf(k->problem, sizeof k->problem, "%s [%d] offset %lld: %s", k->reader_topic,
             k->reader_partition, (long long)offset, words);
}

static int make_reader(struct saga_kafka *k, enum saga_reading reading)
{
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
        /* librdkafka before 2.2 looks again at a full queue after a whole second: what it holds is what can be read
         * in a second. What it took stays with the process while there is such a reader: of snapshots, which go on beside
         * the work and may take their time, it is less. */
        "queued.min.messages",
        "100000",
        "queued.max.messages.kbytes",
        reading == SAGA_READING_BESIDE ? "8192" : "32768",
        "check.crcs",
        "true",
        NULL,
    };
    if (k->reader && k->reading == reading) return SAGA_OK;
    saga_kafka_reader_free(k);
    k->reading = reading;
    k->reader = saga_kafka_client(RD_KAFKA_CONSUMER,
                                  saga_kafka_conf(&k->config, own, k->problem, sizeof k->problem),
                                  k->problem, sizeof k->problem);
    if (!k->reader) return SAGA_E_STOP;
    rd_kafka_poll_set_consumer(k->reader);
    k->reader_queue = rd_kafka_queue_get_consumer(k->reader);
    return SAGA_OK;
}

int saga_kafka_reader_open(void *self, struct saga_slice topic, int32_t partition, int64_t offset,
                           enum saga_reading reading)
{
    struct saga_kafka *k = self;
    saga_kafka_reader_close(k);
    if (make_reader(k, reading) < 0) return SAGA_E_STOP;
    k->reader_topic = saga_memory_text(topic.data, topic.size);
    k->reader_partition = partition;
    k->reader_position = offset;
    k->reader_trouble = SAGA_OK;
    struct saga_position position = { topic, partition, offset };
    rd_kafka_topic_partition_list_t *list = saga_kafka_list(&position, 1, true);
    rd_kafka_resp_err_t code = rd_kafka_assign(k->reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (!code) return SAGA_OK;
    say(k, offset, rd_kafka_err2str(code));
    return saga_kafka_classify(code);
}

static void on_read_error(rd_kafka_message_t *message, void *context)
{
    struct saga_kafka *k = context;
    if (message->rkt && (message->partition != k->reader_partition ||
                         strcmp(rd_kafka_topic_name(message->rkt), k->reader_topic) != 0))
        return; /* of the lane before */
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (message->offset > k->reader_position) k->reader_position = message->offset;
        return;
    }
    k->reader_trouble = saga_kafka_classify(message->err);
    say(k, message->offset, rd_kafka_message_errstr(message));
}

/* An error that came together with records is told by the next call, as with poll. */
int saga_kafka_reader_read(void *self, int timeout_ms, size_t max, struct saga_bus_records *ret,
                           int64_t *ret_position)
{
    struct saga_kafka *k = self;
    SAGA_ASSERT(k->reader_topic);
    rd_kafka_message_t **messages = saga_memory_zeroed(max + 1, sizeof(rd_kafka_message_t *));
    size_t count =
        saga_kafka_take(k->reader_queue, k->reader_trouble < 0 ? 0 : timeout_ms, messages, max);
    saga_kafka_records(messages, count, ret, on_read_error, k);
    free(messages);
    if (ret->count) {
        int64_t behind = ret->items[ret->count - 1].offset + 1;
        if (behind > k->reader_position) k->reader_position = behind;
    } else if (k->reader_trouble < 0) {
        int error = k->reader_trouble;
        k->reader_trouble = SAGA_OK;
        saga_kafka_release(ret);
        return error;
    }
    *ret_position = k->reader_position;
    return SAGA_OK;
}

void saga_kafka_reader_close(void *self)
{
    struct saga_kafka *k = self;
    if (!k->reader_topic) return;
    rd_kafka_assign(k->reader, NULL);
    free(k->reader_topic);
    k->reader_topic = NULL;
}

void saga_kafka_reader_free(struct saga_kafka *k)
{
    saga_kafka_reader_close(k);
    if (k->reader_queue) rd_kafka_queue_destroy(k->reader_queue);
    if (k->reader) rd_kafka_destroy(k->reader);
    k->reader = NULL;
    k->reader_queue = NULL;
}
