/* Single records of a partition, picked by their offsets. One consumer jumps from one to the next: it fetches little at a
 * time, for what stands between two of them is nobody's concern. A broker gives whole batches, so a record often brings its
 * neighbours along; those are looked through before the consumer jumps. The consumer is kept for the next picker: making one, with
 * its threads and connections, costs several times what picking a few records does. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "bus/client_internal.h"

/* So many records on may still be among those that came along: the largest batch of a coordinator. */
enum { NEIGHBOURS_MAX = 2000, STEP_MS = 100 };

struct saga_picker {
    struct saga_client *client;
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    rd_kafka_topic_partition_list_t *list; /* the one partition */
    int64_t position; /* behind the last record that came; -1: none is read yet */
    bool end;
    bool failed; /* its consumer is not kept */
    int error;
};

static rd_kafka_t *make_consumer(struct saga_client *client)
{
    const char *const own[] = {
        "group.id", "saga-reads", "enable.auto.commit", "false", "enable.auto.offset.store",
        "false", "auto.offset.reset", "error", "isolation.level",
        client->config.mock ? "read_uncommitted" : "read_committed", "enable.partition.eof", "true",
        "fetch.wait.max.ms", "10", "fetch.error.backoff.ms", "10",
        /* a broker gives one batch at least, however large that is */
        "fetch.message.max.bytes", "16384",
        /* never full: librdkafka before 2.2 would look again at a full queue only after a whole second, also after a
         * jump */
        "queued.min.messages", "10000000", "queued.max.messages.kbytes", "1048576", NULL
    };
    return saga_kafka_client(
        RD_KAFKA_CONSUMER,
        saga_kafka_conf(&client->config, own, client->problem, sizeof client->problem),
        client->problem, sizeof client->problem);
}

/* Errors: as of watermarks. */
static int begin(struct saga_picker *picker, struct saga_slice topic, int32_t partition,
                 int timeout_ms, int64_t *ret_low, int64_t *ret_high)
{
    struct saga_position position = { topic, partition, SAGA_OFFSET_NONE };
    rd_kafka_poll_set_consumer(picker->consumer);
    picker->queue = rd_kafka_queue_get_consumer(picker->consumer);
    picker->list = saga_kafka_list(&position, 1, false);
    /* also makes the partition's leader known, which a new consumer looks for only half a second later */
    rd_kafka_resp_err_t code = saga_kafka_query_watermarks(
        picker->consumer, picker->list->elems[0].topic, partition, timeout_ms, ret_low, ret_high);
    return code ? saga_client_fail(picker->client, code, picker->list->elems[0].topic) : SAGA_OK;
}

int saga_picker_open(struct saga_client *client, struct saga_slice topic, int32_t partition,
                     int timeout_ms, struct saga_picker **ret, int64_t *ret_low, int64_t *ret_high)
{
    int error;
    bool kept = client->picking != NULL;
    struct saga_picker *picker = saga_memory_zeroed(1, sizeof *picker);
    *picker = (struct saga_picker){ .client = client, .position = -1, .consumer = client->picking };
    client->picking = NULL;
    if (!kept) picker->consumer = make_consumer(client);
    if (!picker->consumer) {
        free(picker);
        return SAGA_E_STOP;
    }
    error = begin(picker, topic, partition, timeout_ms, ret_low, ret_high);
    if (error == SAGA_OK) {
        *ret = picker;
        return SAGA_OK;
    }
    picker->failed = true;
    saga_picker_close(picker);
    /* what a kept consumer knows of the topic may be old */
    return kept ? saga_picker_open(client, topic, partition, timeout_ms, ret, ret_low, ret_high)
                : error;
}

static void on_error(rd_kafka_message_t *message, void *context)
{
    struct saga_picker *picker = context;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        picker->end = true;
    else
        picker->error =
            saga_client_fail(picker->client, message->err,
                             message->rkt ? rd_kafka_topic_name(message->rkt) : "reading");
}

/* The next record, or none. */
static int next(struct saga_picker *picker, int timeout_ms, struct saga_bus_records *ret)
{
    rd_kafka_message_t *message = rd_kafka_consume_queue(picker->queue, timeout_ms);
    picker->error = SAGA_OK;
    saga_kafka_records(&message, message != NULL, ret, on_error, picker);
    if (ret->count) picker->position = ret->items[0].offset + 1;
    if (picker->error < 0) saga_kafka_release(ret);
    return picker->error;
}

/* Is the record among those that have come? If so it is the next one. */
static int look_through(struct saga_picker *picker, int64_t offset, struct saga_bus_records *ret)
{
    while (picker->position >= 0 && picker->position <= offset &&
           offset - picker->position <= NEIGHBOURS_MAX) {
        int error = next(picker, 0, ret);
        if (error < 0) return error;
        if (ret->count && ret->items[0].offset >= offset) return SAGA_OK;
        bool none = ret->count == 0;
        saga_kafka_release(ret);
        if (none) break;
    }
    return SAGA_OK;
}

/* A seek is not waited for (librdkafka 2.0.2 says at times at once that its time is over): what still comes of the place
 * before has lower offsets. */
static int jump(struct saga_picker *picker, int64_t offset)
{
    rd_kafka_topic_partition_t *place = &picker->list->elems[0];
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_error_t *error = NULL;
    place->offset = offset;
    if (picker->position < 0)
        code = rd_kafka_assign(picker->consumer, picker->list);
    else
        error = rd_kafka_seek_partitions(picker->consumer, picker->list, 0);
    if (error) code = rd_kafka_error_code(error);
    if (error) rd_kafka_error_destroy(error);
    picker->position = offset;
    picker->end = false;
    return code ? saga_client_fail(picker->client, code, place->topic) : SAGA_OK;
}

static int pick(struct saga_picker *picker, int64_t offset, int timeout_ms,
                struct saga_bus_records *ret)
{
    *ret = (struct saga_bus_records){ 0 };
    int error = look_through(picker, offset, ret);
    if (error < 0 || ret->count) return error;
    error = jump(picker, offset);
    for (int waited_ms = 0; error == SAGA_OK && waited_ms < timeout_ms && !picker->end;) {
        error = next(picker, STEP_MS, ret);
        if (error == SAGA_OK && ret->count && ret->items[0].offset >= offset) return SAGA_OK;
        if (error == SAGA_OK && ret->count == 0) waited_ms += STEP_MS;
        if (error == SAGA_OK) saga_kafka_release(ret); /* of the place before, on its way already */
    }
    if (error < 0 || picker->end) return error;
    snprintf(picker->client->problem, sizeof picker->client->problem,
             "the broker at %s gave no record in %d ms: is it running and not overloaded?",
             picker->client->config.bootstrap_servers, timeout_ms);
    return SAGA_E_AGAIN;
}

int saga_picker_read(struct saga_picker *picker, int64_t offset, int timeout_ms,
                     struct saga_bus_records *ret)
{
    int error = pick(picker, offset, timeout_ms, ret);
    if (error < 0) picker->failed = true;
    return error;
}

void saga_picker_release(struct saga_picker *picker, struct saga_bus_records *records)
{
    (void)picker;
    saga_kafka_release(records);
}

/* Nothing is fetched for nobody meanwhile. What came already is of an assignment that is over: librdkafka drops it. */
static bool put_by(struct saga_picker *picker)
{
    if (picker->failed || picker->client->picking) return false;
    if (picker->position >= 0 && saga_kafka_stop_fetching(picker->consumer)) return false;
    picker->client->picking = picker->consumer;
    return true;
}

void saga_picker_close(struct saga_picker *picker)
{
    if (!picker) return;
    bool kept = put_by(picker);
    rd_kafka_topic_partition_list_destroy(picker->list);
    rd_kafka_queue_destroy(picker->queue);
    if (!kept) rd_kafka_destroy(picker->consumer);
    free(picker);
}
