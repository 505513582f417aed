/* Which records a poll gives first. Starts wait for whatever else there is: a saga that has begun is ended before another
 * begins, so that under load as few as possible are open, and their states are at hand.
 *
 * librdkafka serves rebalances from the consumer's queue alone; a partition's own queue can be led elsewhere. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/memory.h"
#include "bus/kafka_internal.h"

/* Of a batch, so much is for starts even when there is more than enough else: they are late then, and not for ever. */
enum { SHARE_OF_PATIENT = 8 };

static void wake(rd_kafka_t *client, void *opaque)
{
    struct saga_kafka *k = opaque;
    (void)client;
    pthread_mutex_lock(&k->arrival_lock);
    k->arrived = true;
    pthread_cond_signal(&k->arrival);
    pthread_mutex_unlock(&k->arrival_lock);
}

void saga_kafka_queues_open(struct saga_kafka *k)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&k->arrival_lock, NULL);
    pthread_cond_init(&k->arrival, &attributes);
    pthread_condattr_destroy(&attributes);
    k->queue = rd_kafka_queue_get_consumer(k->consumer);
    k->patient_queue = rd_kafka_queue_new(k->consumer);
    rd_kafka_queue_cb_event_enable(k->queue, wake, k);
    rd_kafka_queue_cb_event_enable(k->patient_queue, wake, k);
}

static void forget_patient(struct saga_kafka *k)
{
    if (k->patient) rd_kafka_topic_partition_list_destroy(k->patient);
    k->patient = NULL;
}

void saga_kafka_queues_close(struct saga_kafka *k)
{
    if (!k->queue) return;
    rd_kafka_queue_cb_event_enable(k->queue, NULL, NULL);
    rd_kafka_queue_cb_event_enable(k->patient_queue, NULL, NULL);
    rd_kafka_queue_destroy(k->patient_queue);
    rd_kafka_queue_destroy(k->queue);
    k->queue = k->patient_queue = NULL;
    forget_patient(k);
}

void saga_kafka_queues_free(struct saga_kafka *k)
{
    pthread_cond_destroy(&k->arrival);
    pthread_mutex_destroy(&k->arrival_lock);
}

void saga_kafka_set_patient(struct saga_kafka *k, rd_kafka_topic_partition_list_t *topics)
{
    forget_patient(k);
    k->patient = topics;
}

/* Before they are assigned: what the application has led somewhere stays there. */
void saga_kafka_lead(struct saga_kafka *k, const rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; i < partitions->cnt; i++) {
        const rd_kafka_topic_partition_t *partition = &partitions->elems[i];
        bool waits = k->patient && rd_kafka_topic_partition_list_find(k->patient, partition->topic,
                                                                      RD_KAFKA_PARTITION_UA);
        rd_kafka_queue_t *own =
            rd_kafka_queue_get_partition(k->consumer, partition->topic, partition->partition);
        SAGA_ASSERT(own);
        rd_kafka_queue_forward(own, waits ? k->patient_queue : k->queue);
        rd_kafka_queue_destroy(own);
    }
}

static size_t take_from(rd_kafka_queue_t *queue, rd_kafka_message_t **messages, size_t max)
{
    ssize_t count = max ? rd_kafka_consume_batch_queue(queue, 0, messages, max) : 0;
    return count > 0 ? (size_t)count : 0;
}

static size_t take_what_is_there(struct saga_kafka *k, rd_kafka_message_t **messages, size_t max)
{
    size_t count = take_from(k->queue, messages, max - max / SHARE_OF_PATIENT);
    count += take_from(k->patient_queue, messages + count, max - count);
    return count + take_from(k->queue, messages + count, max - count);
}

static struct timespec in_ms(int ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

static void await_arrival(struct saga_kafka *k, const struct timespec *until)
{
    pthread_mutex_lock(&k->arrival_lock);
    while (!k->arrived)
        if (pthread_cond_timedwait(&k->arrival, &k->arrival_lock, until) == ETIMEDOUT) break;
    pthread_mutex_unlock(&k->arrival_lock);
}

static void expect_arrival(struct saga_kafka *k)
{
    pthread_mutex_lock(&k->arrival_lock);
    k->arrived = false;
    pthread_mutex_unlock(&k->arrival_lock);
}

size_t saga_kafka_take_in_turn(struct saga_kafka *k, int timeout_ms, rd_kafka_message_t **messages,
                               size_t max)
{
    struct timespec until = in_ms(timeout_ms);
    expect_arrival(k); /* before looking: what comes between looking and waiting wakes too */
    size_t count = take_what_is_there(k, messages, max);
    if (count > 0 || timeout_ms <= 0) return count;
    await_arrival(k, &until);
    return take_what_is_there(k, messages, max);
}
