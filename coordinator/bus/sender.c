#include "bus/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "bus/kafka_headers.h"
#include "bus/kafka_internal.h"

enum { POLL_MS = 100, LEAVE_MS = 2000 };

struct saga_sender {
    struct saga_kafka_config config; /* first: what a client's opaque points to */
    rd_kafka_t *producer;
    pthread_t thread;
    atomic_bool stopping;
};

struct delivery {
    saga_sent *done;
    void *context;
};

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct delivery *delivery = message->_private;
    (void)producer;
    (void)opaque;
    delivery->done(delivery->context, message->err ? SAGA_E_AGAIN : SAGA_OK,
                   message->err ? rd_kafka_err2str(message->err) : NULL);
    free(delivery);
}

static void *poll_main(void *context)
{
    struct saga_sender *sender = context;
    while (!atomic_load(&sender->stopping)) rd_kafka_poll(sender->producer, POLL_MS);
    return NULL;
}

int saga_sender_new(const struct saga_kafka_config *config, struct saga_arena *arena,
                    struct saga_sender **ret, struct saga_diagnostic *diagnostic)
{
    /* a short linger puts what comes at the same time into one request; who waits for an answer gets it within the
     * timeout, and memory is bounded */
    const char *const own[] = { "acks",
                                "all",
                                "enable.idempotence",
                                "true",
                                "partitioner",
                                "murmur2_random",
                                "linger.ms",
                                "2",
                                "message.max.bytes",
                                "8388608",
                                "message.timeout.ms",
                                "10000",
                                "queue.buffering.max.kbytes",
                                "65536",
                                NULL };
    struct saga_sender *sender = saga_memory_zeroed(1, sizeof *sender);
    char problem[SAGA_PROBLEM_BYTES] = "";
    sender->config = *config;
    rd_kafka_conf_t *conf = saga_kafka_conf(&sender->config, own, problem, sizeof problem);
    if (conf) rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    sender->producer = saga_kafka_client(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
    if (!sender->producer) {
        saga_diagnostic_set(diagnostic, arena, "%s", problem);
        saga_diagnostic_mend(diagnostic, arena, "look at the kafka.* settings: saga config");
        free(sender);
        return SAGA_E_STOP;
    }
    int failed = pthread_create(&sender->thread, NULL, poll_main, sender);
    SAGA_ASSERT(!failed);
    *ret = sender;
    return SAGA_OK;
}

void saga_sender_free(struct saga_sender *sender)
{
    if (!sender) return;
    rd_kafka_flush(sender->producer, LEAVE_MS);
    rd_kafka_purge(sender->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(sender->producer, LEAVE_MS);
    atomic_store(&sender->stopping, true);
    pthread_join(sender->thread, NULL);
    rd_kafka_destroy(sender->producer);
    free(sender);
}

int saga_sender_send(struct saga_sender *sender, const struct saga_message *message,
                     saga_sent *done, void *context, const char **ret_words)
{
    struct delivery *delivery = saga_memory_take(sizeof *delivery);
    *delivery = (struct delivery){ done, context };
    char topic[256];
    snprintf(topic, sizeof topic, "%.*s", SAGA_SLICE_ARG(message->topic));
    rd_kafka_resp_err_t code = saga_kafka_produce(sender->producer, topic, message, delivery);
    if (!code) return SAGA_OK;
    free(delivery);
    *ret_words = rd_kafka_err2str(code);
    return SAGA_E_AGAIN;
}
