#include "raw_paced.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "raw_clients.h"
#include "raw_events.h"

enum { WARM_UP_S = 2, BATCH = 1000, BEGIN_MS = 100 };

struct paced {
    const struct raw_pace *pace;
    int count;
    double begin_s;
};

static double due_s(const struct paced *paced, int number)
{
    return paced->begin_s + (double)number / paced->pace->rate;
}

static void *send_evenly(void *opaque)
{
    const struct paced *paced = opaque;
    struct raw_events events;
    rd_kafka_t *sender = raw_plain_producer("5");
    rd_kafka_topic_t *topic = raw_topic(sender, raw_events_topic);
    raw_events_init(&events, paced->pace->headers);
    for (int i = 0; i < paced->count; i++) {
        while (raw_now_s() < due_s(paced, i)) {
            rd_kafka_poll(sender, 0);
            usleep(1000);
        }
        raw_events_send(&events, sender, topic, i % paced->pace->partitions, i);
    }
    if (rd_kafka_flush(sender, RAW_CALL_MS_MAX) || raw_failed_deliveries)
        raw_stop("the events were not stored");
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(sender);
    return NULL;
}

/* Until all have come; gives how many of them count. */
static size_t read_commands(const struct paced *paced, rd_kafka_t *consumer, double *took_ms)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    rd_kafka_message_t *records[BATCH];
    size_t counted = 0;
    for (int read = 0; read < paced->count;) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, 0, records, BATCH);
        if (count == 0) count = rd_kafka_consume_batch_queue(queue, RAW_CALL_MS_MAX, records, 1);
        if (count <= 0) raw_stop("nothing moves any more");
        for (ssize_t i = 0; i < count; i++, read++) {
            int number = records[i]->err ? -1 : raw_event_number(records[i]);
            if (number < 0) raw_stop("reading: %s", rd_kafka_message_errstr(records[i]));
            if (number >= WARM_UP_S * paced->pace->rate)
                took_ms[counted++] = (raw_now_s() - due_s(paced, number)) * 1000;
            rd_kafka_message_destroy(records[i]);
        }
    }
    rd_kafka_queue_destroy(queue);
    return counted;
}

struct raw_hop raw_paced(rd_kafka_t *admin, const struct raw_pace *pace)
{
    pthread_t thread;
    struct paced paced = { .pace = pace, .count = pace->rate * (WARM_UP_S + pace->seconds) };
    rd_kafka_t *consumer = raw_reader_at_the_end(admin, pace->partitions);
    double *took_ms = calloc((size_t)paced.count, sizeof *took_ms);
    if (!took_ms) raw_stop("out of memory");
    paced.begin_s = raw_now_s() + BEGIN_MS / 1e3;
    if (pthread_create(&thread, NULL, send_evenly, &paced)) raw_stop("no thread");
    size_t counted = read_commands(&paced, consumer, took_ms);
    pthread_join(thread, NULL);
    qsort(took_ms, counted, sizeof *took_ms, raw_by_value);
    struct raw_hop hop = { took_ms[counted / 2], took_ms[counted * 99 / 100] };
    free(took_ms);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return hop;
}
