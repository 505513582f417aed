/* Two transactional producers, used in turn: the markers of one's last transaction are still being written while the
 * other begins. Never two transactions open at once, since offsets count in the order of their sending. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/monotonic.h"
#include "bus/kafka_error.h"
#include "bus/kafka_internal.h"

enum {
    COMMIT_TRIES_MS = 60000,
    CALL_MS = 5000,
    FLUSH_MS = 60000,
    ABORT_MS = 10000,
    DRAIN_MS = 2000
};

rd_kafka_t *saga_kafka_current(struct saga_kafka *k)
{
    return k->producers[k->turn];
}

/* After RECOVER and STOP there is no transaction to be aborted any more: the producers are made anew (R5). */
int saga_kafka_end_if_lost(struct saga_kafka *k, int error)
{
    if (error == SAGA_E_RECOVER || error == SAGA_E_STOP) k->open = false;
    return error;
}

static int judge(struct saga_kafka *k, rd_kafka_error_t *error)
{
    return saga_kafka_end_if_lost(
        k, saga_kafka_classify_transaction(error, k->problem, sizeof k->problem));
}

/* ---- opening ---- */

/* A topic's own settings last as long as a handle of it. */
static void compress_topic(struct saga_kafka *k, int index)
{
    char ignored[128];
    if (!k->config.compressed_topic) return;
    for (size_t i = 0; i < k->config.setting_count;
         i++) /* the operator has said what it shall be */
        if (strncmp(k->config.settings[i].name, "compression.", strlen("compression.")) == 0)
            return;
    rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();
    /* a librdkafka that was built without lz4 refuses it: written as it is then */
    rd_kafka_topic_conf_set(conf, "compression.type", "lz4", ignored, sizeof ignored);
    k->compressed[index] =
        rd_kafka_topic_new(k->producers[index], k->config.compressed_topic, conf);
    if (!k->compressed[index]) rd_kafka_topic_conf_destroy(conf);
}

static int open_producer(struct saga_kafka *k, int index, int timeout_ms)
{
    char id[512], timeout[16];
    snprintf(id, sizeof id, "%s-%s-%u-%d", k->config.group, k->config.instance, k->worker, index);
    snprintf(timeout, sizeof timeout, "%d", k->config.transaction_timeout_ms);
    const char *const own[] = {
        "transactional.id",
        id,
        "transaction.timeout.ms",
        timeout,
        "acks",
        "all",
        "partitioner",
        "murmur2_random",
        /* Nothing goes before flush, which ends the wait: one request a partition, and none that has to wait for the one
         * before it, which librdkafka's thread (2.0.2) does without a pause. */
        "linger.ms",
        "1000",
        "retry.backoff.ms",
        "1",
        "topic.metadata.propagation.max.ms", /* well before the transaction runs out of time (R24) */
        "3000",
        "batch.num.messages",
        "100000",
        "queue.buffering.max.messages",
        "1000000",
        "queue.buffering.max.kbytes",
        "1048576",
        "message.max.bytes",
        "8388608",
        "topic.metadata.refresh.interval.ms",
        "60000",
        NULL,
    };
    rd_kafka_conf_t *conf = saga_kafka_conf(&k->config, own, k->problem, sizeof k->problem);
    if (!conf) return SAGA_E_STOP;
    rd_kafka_conf_set_dr_msg_cb(conf, saga_kafka_on_delivery);
    k->producers[index] = saga_kafka_client(RD_KAFKA_PRODUCER, conf, k->problem, sizeof k->problem);
    if (!k->producers[index]) return SAGA_E_STOP;
    compress_topic(k, index);
    int error = judge(k, rd_kafka_init_transactions(k->producers[index], timeout_ms));
    if (error == SAGA_OK) return SAGA_OK;
    return error == SAGA_E_STOP ? SAGA_E_STOP : SAGA_E_AGAIN;
}

int saga_kafka_producers_open(struct saga_kafka *k, int timeout_ms)
{
    int error = SAGA_OK;
    for (int i = 0; i < SAGA_PRODUCERS && error == SAGA_OK; i++)
        error = open_producer(k, i, timeout_ms);
    k->turn = 0;
    k->open = false;
    if (error < 0) saga_kafka_producers_close(k);
    return error;
}

void saga_kafka_producers_close(struct saga_kafka *k)
{
    k->open = false;
    saga_kafka_free_outlets(k);
    for (int i = 0; i < SAGA_PRODUCERS; i++) {
        if (!k->producers[i]) continue;
        rd_kafka_purge(k->producers[i], RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(k->producers[i],
                       0); /* reports of what was purged, while their memory is there */
        if (k->compressed[i]) rd_kafka_topic_destroy(k->compressed[i]);
        k->compressed[i] = NULL;
        rd_kafka_destroy(k->producers[i]);
        k->producers[i] = NULL;
    }
    saga_arena_free(&k->deliveries);
}

int saga_kafka_renew(void *self)
{
    struct saga_kafka *k = self;
    saga_kafka_producers_close(k);
    return saga_kafka_producers_open(k, CALL_MS);
}

int saga_kafka_warm(void *self, const struct saga_slice *topics, size_t count)
{
    struct saga_kafka *k = self;
    int result = SAGA_OK;
    for (size_t i = 0; i < count; i++) {
        struct saga_position position = { topics[i], 0, 0 };
        rd_kafka_topic_partition_list_t *list = saga_kafka_list(&position, 1, false);
        for (int p = 0; p < SAGA_PRODUCERS && k->producers[p]; p++) {
            int32_t partitions;
            rd_kafka_resp_err_t code =
                saga_kafka_look_up(k->producers[p], list->elems[0].topic, CALL_MS, &partitions);
            bool missing = code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE; /* it may come yet */
            if (code && !missing) result = saga_kafka_classify(code);
        }
        rd_kafka_topic_partition_list_destroy(list);
    }
    return result;
}

/* ---- a transaction ---- */

int saga_kafka_begin(void *self)
{
    struct saga_kafka *k = self;
    SAGA_ASSERT(!k->open);
    if (!k->producers[0] || !k->producers[1]) {
        snprintf(k->problem, sizeof k->problem, "the producers are not made yet");
        return SAGA_E_RECOVER;
    }
    k->turn = (k->turn + 1) % SAGA_PRODUCERS;
    int error = judge(k, rd_kafka_begin_transaction(saga_kafka_current(k)));
    if (error < 0) return error == SAGA_E_STOP || error == SAGA_E_AGAIN ? error : SAGA_E_RECOVER;
    k->open = true;
    k->failed = 0;
    k->refused = k->missing = false;
    k->problem[0] = '\0';
    saga_arena_reset(&k->deliveries);
    saga_kafka_outlets_are_empty(k);
    return SAGA_OK;
}

/* A record that the broker refused leaves a gap in its producer's sequence: that producer's next transaction aborts
 * once too, whatever is in it. That is told apart from a refusal (R24). */
int saga_kafka_flush(void *self)
{
    struct saga_kafka *k = self;
    int64_t until_ms = saga_monotonic_ms() + FLUSH_MS;
    SAGA_ASSERT(k->open);
    while (rd_kafka_flush(saga_kafka_current(k), CALL_MS) == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        char words[256];
        if (rd_kafka_fatal_error(saga_kafka_current(k), words, sizeof words)) {
            snprintf(k->problem, sizeof k->problem, "%s", words);
            return saga_kafka_end_if_lost(k, SAGA_E_RECOVER);
        }
        if (saga_monotonic_ms() >= until_ms) {
            snprintf(k->problem, sizeof k->problem, "the broker took no records for a minute");
            return SAGA_E_ABORT;
        }
    }
    saga_kafka_outlets_are_empty(k);
    if (k->failed == 0) return SAGA_OK;
    if (!k->problem[0])
        snprintf(k->problem, sizeof k->problem,
                 "the client library broke off the transaction before its records were taken");
    bool fatal = rd_kafka_fatal_error(saga_kafka_current(k), NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
    return saga_kafka_end_if_lost(k, fatal        ? SAGA_E_RECOVER
                                     : k->refused ? SAGA_E_INVALID
                                                  : SAGA_E_ABORT);
}

/* Takes longer than `within_ms` where a broker freezes between the call's two requests (to the transaction's coordinator, then
 * the group's): librdkafka 2.0.2 was seen to wait then until it goes on. */
static int add_offsets(struct saga_kafka *k, const struct saga_position *positions, size_t count,
                       int within_ms)
{
    SAGA_ASSERT(k->open && count > 0);
    if (!k->metadata) { /* R4 */
        snprintf(k->problem, sizeof k->problem,
                 "this worker has no assignment of the group to commit under");
        return SAGA_E_FENCED;
    }
    rd_kafka_topic_partition_list_t *list = saga_kafka_list(positions, count, true);
    int64_t until_ms = saga_monotonic_ms() + within_ms;
    int call_ms = within_ms < CALL_MS ? within_ms : CALL_MS;
    int error;
    do {
        error = judge(k, rd_kafka_send_offsets_to_transaction(saga_kafka_current(k), list,
                                                              k->metadata, call_ms));
    } while (error == SAGA_E_AGAIN && saga_monotonic_ms() < until_ms);
    rd_kafka_topic_partition_list_destroy(list);
    return error == SAGA_E_AGAIN ? SAGA_E_ABORT : error;
}

int saga_kafka_send_offsets(void *self, const struct saga_position *positions, size_t count)
{
    return add_offsets(self, positions, count, COMMIT_TRIES_MS);
}

/* While the outcome can be learned it is waited for: the call is the same one, continued (kafka: a commit that timed out
 * is resumed). After that it is unknown (R5). */
int saga_kafka_commit(void *self)
{
    struct saga_kafka *k = self;
    int64_t until_ms = saga_monotonic_ms() + COMMIT_TRIES_MS;
    SAGA_ASSERT(k->open);
    for (;;) {
        int error = judge(k, rd_kafka_commit_transaction(saga_kafka_current(k), CALL_MS));
        if (error == SAGA_E_AGAIN && saga_monotonic_ms() < until_ms) continue;
        if (error == SAGA_E_AGAIN || error == SAGA_E_RECOVER) {
            k->open = false;
            return SAGA_E_RECOVER;
        }
        if (error == SAGA_OK) k->open = false;
        return error;
    }
}

/* What is under way is let arrive first. Purged, it would leave a gap in the producer's sequence, which aborts the next
 * transaction too; and an abort that overtakes the registration of its partitions kills the producer. */
int saga_kafka_abort(void *self)
{
    struct saga_kafka *k = self;
    int64_t until_ms = saga_monotonic_ms() + ABORT_MS;
    int error;
    if (!k->open) return SAGA_OK;
    rd_kafka_flush(saga_kafka_current(k), DRAIN_MS);
    do {
        error = judge(k, rd_kafka_abort_transaction(saga_kafka_current(k), CALL_MS));
    } while (error == SAGA_E_AGAIN && saga_monotonic_ms() < until_ms);
    k->open = false;
    return error == SAGA_OK ? SAGA_OK : error == SAGA_E_STOP ? SAGA_E_STOP : SAGA_E_RECOVER;
}

/* A plain commit of the consumer would neither be fenced by the assignment (R4) nor end with the call: one that the client
 * tries again later could set the group back behind what was committed since. */
int saga_kafka_commit_positions(void *self, const struct saga_position *positions, size_t count,
                                int timeout_ms)
{
    struct saga_kafka *k = self;
    char words[SAGA_PROBLEM_BYTES];
    int error = saga_kafka_begin(k);
    if (error < 0) return error;
    error = add_offsets(k, positions, count, timeout_ms);
    if (error == SAGA_OK) error = saga_kafka_commit(k);
    if (error != SAGA_E_ABORT && error != SAGA_E_FENCED) return error;
    memcpy(words, k->problem, sizeof words);
    int abort_error = saga_kafka_abort(k);
    if (abort_error < 0) return abort_error;
    memcpy(k->problem, words, sizeof words);
    return error == SAGA_E_ABORT ? SAGA_E_AGAIN : error;
}
