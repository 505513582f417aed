/* Records on their way: handed to librdkafka, and what it says of each in the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/table.h"
#include "bus/kafka_error.h"
#include "bus/kafka_headers.h"
#include "bus/kafka_internal.h"

/* So much of one topic is queued before a flush: less than `batch.size`, so that a partition's records are one request.
 * librdkafka's thread (2.0.2) waits for room for a second one without a pause, and takes a processor for it. */
enum {
    OUTLET_BYTES_MAX = 900000,
    TOPIC_BYTES_MAX = 250,
    HEADER_BYTES = 4,
    RECORD_BYTES = 32,
    LOOK_UP_MS = 2000
};

/* A topic that was sent to: asking librdkafka for it by name is dear. */
struct saga_outlet {
    UT_hash_handle hh;
    rd_kafka_topic_t *handles[SAGA_PRODUCERS];
    size_t queued_bytes; /* since the last flush */
    size_t name_size;
    char name[TOPIC_BYTES_MAX];
};

/* ---- deliveries ---- */

static void say_missing(struct saga_kafka *k, const char *topic)
{
    k->refused = k->missing = true;
    snprintf(k->problem, sizeof k->problem,
             "there is no topic %s, and a record is to go there: `saga topics create` makes it",
             topic);
}

static void note_failure(struct saga_kafka *k, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    bool late = message->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
    k->failed++;
    if (saga_kafka_refuses(message->err)) k->refused = true;
    if (saga_kafka_is_missing(message->err))
        say_missing(k, topic);
    else if (message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
             message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT && !k->missing)
        snprintf(k->problem, sizeof k->problem, "a record for %s was not taken: %s%s", topic,
                 rd_kafka_err2str(message->err),
                 late || message->err == RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR
                     ? "; is the broker running, and is there room on its disk?"
                     : saga_kafka_right_missing(message->err));
}

void saga_kafka_on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct saga_delivery *delivery = message->_private;
    (void)producer;
    (void)opaque;
    if (!delivery) return;
    if (message->err) {
        note_failure(delivery->kafka, message);
    } else if (delivery->offset && delivery->kafka->open) { /* else its memory may be gone */
        *delivery->offset = message->offset;
    }
}

/* ---- outlets ---- */

void saga_kafka_free_outlets(struct saga_kafka *k)
{
    struct saga_outlet *outlet, *next;
    HASH_ITER(hh, k->outlets, outlet, next)
    {
        HASH_DEL(k->outlets, outlet);
        for (int i = 0; i < SAGA_PRODUCERS; i++)
            if (outlet->handles[i]) rd_kafka_topic_destroy(outlet->handles[i]);
        free(outlet);
    }
}

void saga_kafka_outlets_are_empty(struct saga_kafka *k)
{
    for (struct saga_outlet *outlet = k->outlets; outlet; outlet = outlet->hh.next)
        outlet->queued_bytes = 0;
}

/* NULL with words: librdkafka knows no topic of that name. */
static struct saga_outlet *outlet_of(struct saga_kafka *k, struct saga_slice topic)
{
    struct saga_outlet *outlet;
    SAGA_ASSERT(topic.size < sizeof outlet->name);
    HASH_FIND(hh, k->outlets, topic.data, topic.size, outlet);
    if (!outlet) {
        outlet = saga_memory_zeroed(1, sizeof *outlet);
        memcpy(outlet->name, topic.data, topic.size);
        outlet->name_size = topic.size;
        HASH_ADD_KEYPTR(hh, k->outlets, outlet->name, outlet->name_size, outlet);
    }
    rd_kafka_topic_t **handle = &outlet->handles[k->turn];
    if (!*handle) *handle = rd_kafka_topic_new(saga_kafka_current(k), outlet->name, NULL);
    if (*handle) return outlet;
    snprintf(k->problem, sizeof k->problem, "no record can be sent to a topic %s: %s", outlet->name,
             rd_kafka_err2str(rd_kafka_last_error()));
    return NULL;
}

static size_t bytes_of(const struct saga_message *message)
{
    size_t bytes = RECORD_BYTES + message->key.size + message->value.size;
    for (size_t i = 0; i < message->header_count; i++)
        bytes += HEADER_BYTES + message->headers[i].name.size + message->headers[i].value.size;
    return bytes;
}

/* ---- sending ---- */

static int refused(struct saga_kafka *k, const struct saga_outlet *outlet, rd_kafka_error_t *error)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    snprintf(k->problem, sizeof k->problem, "a record for %s cannot be sent: %s", outlet->name,
             rd_kafka_error_string(error));
    if (saga_kafka_is_missing(code)) say_missing(k, outlet->name);
    bool fatal = rd_kafka_error_is_fatal(error) || code == RD_KAFKA_RESP_ERR__FATAL ||
                 code == RD_KAFKA_RESP_ERR__FENCED ||
                 rd_kafka_fatal_error(saga_kafka_current(k), NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_error_destroy(error);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) return SAGA_E_AGAIN;
    return saga_kafka_end_if_lost(k, fatal                                    ? SAGA_E_RECOVER
                                     : k->missing || saga_kafka_refuses(code) ? SAGA_E_INVALID
                                                                              : SAGA_E_ABORT);
}

/* librdkafka (2.0.2) remembers for a minute that there was no such topic, and it may have been made since: it is asked for
 * before that is believed. A broker that does not answer says neither: no record is to blame for that (R24). */
static rd_kafka_error_t *produce(struct saga_kafka *k, const struct saga_outlet *outlet,
                                 const rd_kafka_vu_t *arguments, size_t count)
{
    int32_t partitions;
    rd_kafka_error_t *error = rd_kafka_produceva(saga_kafka_current(k), arguments, count);
    if (!error || !saga_kafka_is_missing(rd_kafka_error_code(error))) return error;
    rd_kafka_resp_err_t code =
        saga_kafka_look_up(saga_kafka_current(k), outlet->name, LOOK_UP_MS, &partitions);
    if (saga_kafka_is_missing(code) || saga_kafka_classify(code) == SAGA_E_STOP) return error;
    rd_kafka_error_destroy(error);
    if (code)
        return rd_kafka_error_new(code, "whether there is such a topic cannot be learned: %s",
                                  rd_kafka_err2str(code));
    return rd_kafka_produceva(saga_kafka_current(k), arguments, count);
}

int saga_kafka_send(void *self, const struct saga_message *message, int64_t *ret_offset)
{
    struct saga_kafka *k = self;
    SAGA_ASSERT(k->open);
    struct saga_outlet *outlet = outlet_of(k, message->topic);
    if (!outlet) return SAGA_E_INVALID;
    size_t bytes = bytes_of(message);
    if (outlet->queued_bytes && outlet->queued_bytes + bytes > OUTLET_BYTES_MAX)
        return SAGA_E_AGAIN;
    struct saga_delivery *delivery = SAGA_NEW(&k->deliveries, struct saga_delivery);
    *delivery = (struct saga_delivery){ k, ret_offset };
    rd_kafka_headers_t *headers = saga_kafka_headers(message);
    rd_kafka_vu_t arguments[] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = outlet->handles[k->turn] },
        { .vtype = RD_KAFKA_VTYPE_PARTITION,
          .u.i32 = message->partition == SAGA_PARTITION_BY_KEY ? RD_KAFKA_PARTITION_UA
                                                               : message->partition },
        { .vtype = RD_KAFKA_VTYPE_KEY,
          .u.mem = { (void *)(uintptr_t)message->key.data, message->key.size } },
        { .vtype = RD_KAFKA_VTYPE_VALUE,
          .u.mem = { (void *)(uintptr_t)message->value.data, message->value.size } },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
        { .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = delivery },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
    };
    size_t count = sizeof arguments / sizeof arguments[0] - (headers ? 0 : 1);
    rd_kafka_error_t *error = produce(k, outlet, arguments, count);
    if (!error) {
        outlet->queued_bytes += bytes;
        return SAGA_OK;
    }
    if (headers) rd_kafka_headers_destroy(headers);
    return refused(k, outlet, error);
}
