#include "bus/outbox.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "bus/kafka_error.h"
#include "bus/kafka_headers.h"
#include "bus/kafka_internal.h"

enum { CALL_MS = 5000, COMMIT_MS = 15000, FLUSH_MS = 10000, DRAIN_MS = 2000 };

struct saga_outbox {
    struct saga_kafka_config config; /* first: what a client's opaque points to */
    rd_kafka_t *producer;
    size_t failed; /* deliveries of this transaction */
    char problem[SAGA_PROBLEM_BYTES];
};

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct saga_outbox *outbox = message->_private;
    (void)producer;
    (void)opaque;
    if (!message->err) return;
    if (outbox->failed++ == 0)
        snprintf(outbox->problem, sizeof outbox->problem, "a record for %s was not taken: %s",
                 rd_kafka_topic_name(message->rkt), rd_kafka_err2str(message->err));
}

static int judge(struct saga_outbox *outbox, rd_kafka_error_t *error)
{
    return saga_kafka_classify_transaction(error, outbox->problem, sizeof outbox->problem);
}

int saga_outbox_open(const struct saga_kafka_config *config, const char *name, int timeout_ms,
                     struct saga_arena *arena, struct saga_outbox **ret,
                     struct saga_diagnostic *diagnostic)
{
    char id[512], timeout[16];
    snprintf(id, sizeof id, "%s-%s", config->group, name);
    snprintf(timeout, sizeof timeout, "%d", config->transaction_timeout_ms);
    const char *const own[] = {
        "transactional.id",
        id,
        "transaction.timeout.ms",
        timeout,
        "acks",
        "all",
        "partitioner",
        "murmur2_random",
        "linger.ms",
        "5",
        "retry.backoff.ms",
        "10",
        "message.max.bytes",
        "8388608",
        NULL,
    };
    struct saga_outbox *outbox = saga_memory_zeroed(1, sizeof *outbox);
    outbox->config = *config;
    rd_kafka_conf_t *conf =
        saga_kafka_conf(&outbox->config, own, outbox->problem, sizeof outbox->problem);
    if (conf) rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    outbox->producer =
        saga_kafka_client(RD_KAFKA_PRODUCER, conf, outbox->problem, sizeof outbox->problem);
    int error = outbox->producer
                    ? judge(outbox, rd_kafka_init_transactions(outbox->producer, timeout_ms))
                    : SAGA_E_STOP;
    if (error == SAGA_OK) {
        *ret = outbox;
        return SAGA_OK;
    }
    saga_diagnostic_set(diagnostic, arena, "%s", outbox->problem);
    saga_outbox_close(outbox);
    return error == SAGA_E_STOP ? SAGA_E_STOP : SAGA_E_AGAIN;
}

void saga_outbox_close(struct saga_outbox *outbox)
{
    if (!outbox) return;
    if (outbox->producer) {
        rd_kafka_purge(outbox->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(outbox->producer, 0); /* reports of what was purged */
        rd_kafka_destroy(outbox->producer);
    }
    free(outbox);
}

const char *saga_outbox_problem(const struct saga_outbox *outbox)
{
    return outbox->problem;
}

/* ---- a transaction ---- */

static int send_record(struct saga_outbox *outbox, const struct saga_message *message,
                       struct saga_arena *arena)
{
    const char *topic = saga_arena_string(arena, message->topic);
    rd_kafka_resp_err_t code = saga_kafka_produce(outbox->producer, topic, message, outbox);
    if (!code) return SAGA_OK;
    snprintf(outbox->problem, sizeof outbox->problem, "a record for %s cannot be sent: %s", topic,
             rd_kafka_err2str(code));
    bool fatal = rd_kafka_fatal_error(outbox->producer, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR ||
                 saga_kafka_classify(code) == SAGA_E_RECOVER;
    return fatal ? SAGA_E_RECOVER : SAGA_E_ABORT;
}

static int flush(struct saga_outbox *outbox)
{
    int64_t until_ms = saga_monotonic_ms() + FLUSH_MS;
    while (rd_kafka_flush(outbox->producer, 100) == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        if (rd_kafka_fatal_error(outbox->producer, outbox->problem, sizeof outbox->problem))
            return SAGA_E_RECOVER;
        if (saga_monotonic_ms() < until_ms) continue;
        snprintf(outbox->problem, sizeof outbox->problem, "the broker takes no records");
        return SAGA_E_ABORT;
    }
    if (outbox->failed == 0) return SAGA_OK;
    bool fatal = rd_kafka_fatal_error(outbox->producer, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
    return fatal ? SAGA_E_RECOVER : SAGA_E_ABORT;
}

/* While the outcome can be learned it is waited for: the call is the same one, continued. After that it is unknown (R5). */
static int commit(struct saga_outbox *outbox)
{
    int64_t until_ms = saga_monotonic_ms() + COMMIT_MS;
    int error;
    do {
        error = judge(outbox, rd_kafka_commit_transaction(outbox->producer, CALL_MS));
    } while (error == SAGA_E_AGAIN && saga_monotonic_ms() < until_ms);
    return error == SAGA_E_AGAIN || error == SAGA_E_FENCED ? SAGA_E_RECOVER : error;
}

/* Keeps the words of what went wrong before. What is under way is let arrive first: purged, it would leave a gap in the
 * producer's sequence, which aborts the next transaction too. */
static int abort_it(struct saga_outbox *outbox)
{
    char ignored[SAGA_PROBLEM_BYTES];
    int64_t until_ms = saga_monotonic_ms() + CALL_MS;
    int error;
    rd_kafka_flush(outbox->producer, DRAIN_MS);
    do {
        error = saga_kafka_classify_transaction(
            rd_kafka_abort_transaction(outbox->producer, CALL_MS), ignored, sizeof ignored);
    } while (error == SAGA_E_AGAIN && saga_monotonic_ms() < until_ms);
    return error == SAGA_OK ? SAGA_E_ABORT : error == SAGA_E_STOP ? SAGA_E_STOP : SAGA_E_RECOVER;
}

int saga_outbox_commit(struct saga_outbox *outbox, const struct saga_message *messages,
                       size_t count)
{
    struct saga_arena arena;
    int error = judge(outbox, rd_kafka_begin_transaction(outbox->producer));
    if (error < 0) return error == SAGA_E_STOP ? SAGA_E_STOP : SAGA_E_RECOVER;
    outbox->failed = 0;
    saga_arena_init(&arena);
    for (size_t i = 0; i < count && error == SAGA_OK; i++)
        error = send_record(outbox, &messages[i], &arena);
    saga_arena_free(&arena);
    if (error == SAGA_OK) error = flush(outbox);
    if (error == SAGA_OK) error = commit(outbox);
    return error == SAGA_E_ABORT ? abort_it(outbox) : error;
}
