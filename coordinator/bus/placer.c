#include "bus/placer.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/monotonic.h"
#include "bus/kafka_error.h"
#include "bus/kafka_headers.h"
#include "bus/kafka_internal.h"

/* A run of records without a gap is held until it is known what comes behind it, but no more than this. */
enum { RUN_RECORDS_MAX = 2000, RUN_BYTES_MAX = 4 * 1024 * 1024 };
/* Records of one transaction that is aborted, few enough that it does not take too long on a slow machine either; and of a part of
 * what is deleted. */
enum { FILLERS_MAX = 5000, SKIPPED_MAX = 200000 };
enum { CALL_MS = 5000, TRIES = 12, DELETE_MS = 60000, POLL_MS = 100, END_MS = 60000, WAIT_MS = 1 };
/* Where a record stands may be anywhere. */
static const int64_t anywhere = -1;

struct saga_placer {
    struct saga_kafka_config config;
    rd_kafka_t *plain; /* idempotent, without transactions */
    rd_kafka_t
        *transactional[SAGA_PRODUCERS]; /* in turn: the last one's end is still being written */
    unsigned turn;
    const char *topic;
    int32_t partition;
    int64_t next;             /* offset behind all that was put */
    struct saga_message *run; /* put, and not written yet */
    size_t run_count;
    size_t run_bytes;
    struct saga_arena arena; /* the run's */
    bool failed; /* a delivery of this partition, or of records that may stand anywhere */
    char problem[SAGA_PROBLEM_BYTES];
};

const char *saga_placer_problem(const struct saga_placer *placer)
{
    return placer->problem;
}

/* ---- deliveries ---- */

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct saga_placer *placer = opaque;
    int64_t wanted = (int64_t)(intptr_t)message->_private;
    (void)producer;
    if (placer->failed || (!message->err && (wanted == anywhere || message->offset == wanted)))
        return;
    placer->failed = true;
    if (message->err)
        snprintf(placer->problem, sizeof placer->problem, "a record for %s was not taken: %s",
                 rd_kafka_topic_name(message->rkt), rd_kafka_err2str(message->err));
    else
        snprintf(placer->problem, sizeof placer->problem,
                 "a record of %s [%d] came to offset %lld instead of %lld: somebody else writes "
                 "there",
                 rd_kafka_topic_name(message->rkt), (int)message->partition,
                 (long long)message->offset, (long long)wanted);
}

static int fail(struct saga_placer *placer, rd_kafka_error_t *error)
{
    snprintf(placer->problem, sizeof placer->problem, "%s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return SAGA_E_STOP;
}

static int produce(struct saga_placer *placer, rd_kafka_t *producer, const char *topic,
                   int32_t partition, int64_t wanted, const struct saga_message *message)
{
    rd_kafka_headers_t *headers = saga_kafka_headers(message);
    rd_kafka_resp_err_t code;
    do {
        code = rd_kafka_producev(
            producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_KEY((void *)(uintptr_t)message->key.data, message->key.size),
            RD_KAFKA_V_VALUE((void *)(uintptr_t)message->value.data, message->value.size),
            RD_KAFKA_V_TIMESTAMP(message->timestamp_ms), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_OPAQUE((void *)(intptr_t)wanted), RD_KAFKA_V_HEADERS(headers),
            RD_KAFKA_V_END);
        rd_kafka_poll(producer, code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? POLL_MS : 0);
    } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && !placer->failed);
    if (!code) return SAGA_OK;
    if (headers) rd_kafka_headers_destroy(headers);
    snprintf(placer->problem, sizeof placer->problem, "a record for %s cannot be sent: %s", topic,
             rd_kafka_err2str(code));
    return SAGA_E_STOP;
}

static int flush(struct saga_placer *placer, rd_kafka_t *producer)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (int i = 0; code == RD_KAFKA_RESP_ERR__TIMED_OUT && i < TRIES && !placer->failed; i++)
        code = rd_kafka_flush(producer, CALL_MS);
    if (placer->failed) return SAGA_E_STOP;
    if (!code) return SAGA_OK;
    snprintf(placer->problem, sizeof placer->problem, "the broker took no records for a minute");
    return SAGA_E_STOP;
}

/* ---- opening ---- */

/* `id`: transactional; NULL, which ends the list of settings: none. */
static rd_kafka_t *make_producer(struct saga_placer *placer, const char *id)
{
    char timeout[16];
    snprintf(timeout, sizeof timeout, "%d", placer->config.transaction_timeout_ms);
    const char *const own[] = { "acks",
                                "all",
                                "enable.idempotence",
                                "true",
                                "partitioner",
                                "murmur2_random",
                                "linger.ms",
                                "5",
                                "retry.backoff.ms",
                                "1",
                                "message.max.bytes",
                                "8388608",
                                "compression.type",
                                "lz4",
                                id ? "transactional.id" : NULL,
                                id,
                                "transaction.timeout.ms",
                                timeout,
                                NULL };
    rd_kafka_conf_t *conf =
        saga_kafka_conf(&placer->config, own, placer->problem, sizeof placer->problem);
    if (!conf) return NULL;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    return saga_kafka_client(RD_KAFKA_PRODUCER, conf, placer->problem, sizeof placer->problem);
}

static int open_transactional(struct saga_placer *placer, int index, int timeout_ms)
{
    char id[512];
    snprintf(id, sizeof id, "%s-%s-import-%d", placer->config.group, placer->config.instance,
             index);
    placer->transactional[index] = make_producer(placer, id);
    if (!placer->transactional[index]) return SAGA_E_STOP;
    rd_kafka_error_t *error = rd_kafka_init_transactions(placer->transactional[index], timeout_ms);
    if (!error) return SAGA_OK;
    fail(placer, error);
    return SAGA_E_AGAIN;
}

int saga_placer_open(const struct saga_kafka_config *config, int timeout_ms,
                     struct saga_arena *arena, struct saga_placer **ret,
                     struct saga_diagnostic *diagnostic)
{
    _Static_assert(offsetof(struct saga_placer, config) == 0, "librdkafka's log reads a config");
    struct saga_placer *placer = saga_memory_zeroed(1, sizeof *placer);
    placer->config = *config;
    placer->run = saga_memory_zeroed(RUN_RECORDS_MAX, sizeof *placer->run);
    saga_arena_init(&placer->arena);
    placer->plain = make_producer(placer, NULL);
    int error = placer->plain ? SAGA_OK : SAGA_E_STOP;
    for (int i = 0; i < SAGA_PRODUCERS && error == SAGA_OK; i++)
        error = open_transactional(placer, i, timeout_ms);
    if (error < 0) {
        saga_diagnostic_set(diagnostic, arena, "%s", placer->problem);
        saga_diagnostic_mend(diagnostic, arena,
                             "is there a broker at %s, and may this client write transactions?",
                             config->bootstrap_servers);
        saga_placer_close(placer);
        return error;
    }
    *ret = placer;
    return SAGA_OK;
}

static void close_producer(rd_kafka_t *producer)
{
    if (!producer) return;
    rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(producer, 0);
    rd_kafka_destroy(producer);
}

void saga_placer_close(struct saga_placer *placer)
{
    if (!placer) return;
    close_producer(placer->plain);
    for (int i = 0; i < SAGA_PRODUCERS; i++) close_producer(placer->transactional[i]);
    saga_arena_free(&placer->arena);
    free(placer->run);
    free(placer);
}

/* ---- a transaction ---- */

/* The brokers write the end of a transaction a moment after they have promised it: what comes next must not come before. A
 * producer's handle is told the last stable offset, which is behind that end only when it is there. */
static int await_end(struct saga_placer *placer, int64_t behind)
{
    int64_t low, high = -1;
    for (int waited_ms = 0; waited_ms < END_MS; waited_ms += WAIT_MS) {
        rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
            placer->plain, placer->topic, placer->partition, &low, &high, CALL_MS);
        if (!code && high >= behind) break;
        saga_sleep_ms(WAIT_MS);
    }
    if (high == behind) return SAGA_OK;
    snprintf(placer->problem, sizeof placer->problem,
             "%s [%d] ends at offset %lld instead of %lld: does somebody else write there?",
             placer->topic, (int)placer->partition, (long long)high, (long long)behind);
    return SAGA_E_STOP;
}

/* What can be tried again is: the call goes on where it stood. `behind`: the offset after the end. */
static int end_transaction(struct saga_placer *placer, rd_kafka_t *producer, int64_t behind,
                           rd_kafka_error_t *(*end)(rd_kafka_t *producer, int timeout_ms))
{
    for (int i = 0;; i++) {
        rd_kafka_error_t *error = end(producer, CALL_MS);
        if (!error) return await_end(placer, behind);
        if (i >= TRIES || !rd_kafka_error_is_retriable(error)) return fail(placer, error);
        rd_kafka_error_destroy(error);
    }
}

/* `fillers` records that nobody will see, and the end of their transaction. */
static int fill(struct saga_placer *placer, int64_t from, int fillers)
{
    const struct saga_message filler = { 0 };
    rd_kafka_t *producer = placer->transactional[placer->turn++ % SAGA_PRODUCERS];
    rd_kafka_error_t *begun = rd_kafka_begin_transaction(producer);
    if (begun) return fail(placer, begun);
    int error = SAGA_OK;
    for (int i = 0; i < fillers && error == SAGA_OK; i++)
        error = produce(placer, producer, placer->topic, placer->partition, from + i, &filler);
    if (error == SAGA_OK) error = flush(placer, producer);
    return error < 0
               ? error
               : end_transaction(placer, producer, from + fillers + 1, rd_kafka_abort_transaction);
}

/* Offsets that no record has, two or more. */
static int fill_gap(struct saga_placer *placer, int64_t from, int64_t gap)
{
    int error = SAGA_OK;
    while (gap && error == SAGA_OK) {
        int64_t part = gap <= FILLERS_MAX       ? gap
                       : gap == FILLERS_MAX + 1 ? FILLERS_MAX - 1 /* one alone cannot be filled */
                                                : FILLERS_MAX;
        error = fill(placer, from, (int)part - 1);
        from += part;
        gap -= part;
    }
    return error;
}

/* ---- runs ---- */

static int send_run(struct saga_placer *placer, rd_kafka_t *producer, size_t count)
{
    int error = SAGA_OK;
    for (size_t i = 0; i < count && error == SAGA_OK; i++)
        error = produce(placer, producer, placer->topic, placer->partition, placer->run[i].offset,
                        &placer->run[i]);
    return error < 0 ? error : flush(placer, producer);
}

static void run_is_written(struct saga_placer *placer)
{
    saga_arena_reset(&placer->arena);
    placer->run_count = placer->run_bytes = 0;
}

/* The run, and behind it an offset that the end of its transaction takes. */
static int write_as_transaction(struct saga_placer *placer)
{
    rd_kafka_t *producer = placer->transactional[placer->turn++ % SAGA_PRODUCERS];
    rd_kafka_error_t *begun = rd_kafka_begin_transaction(producer);
    if (begun) return fail(placer, begun);
    int error = send_run(placer, producer, placer->run_count);
    return error < 0
               ? error
               : end_transaction(placer, producer, placer->next + 1, rd_kafka_commit_transaction);
}

/* `gap` offsets without a record follow. */
static int write_run(struct saga_placer *placer, int64_t gap)
{
    int error = gap == 1 && placer->run_count ? write_as_transaction(placer)
                                              : send_run(placer, placer->plain, placer->run_count);
    if (error == SAGA_OK && gap > 1) error = fill_gap(placer, placer->next, gap);
    run_is_written(placer);
    return error;
}

/* All but the last record: what the end of its transaction may have to take an offset behind is held. */
static int write_head(struct saga_placer *placer)
{
    struct saga_arena arena;
    size_t last = placer->run_count - 1;
    int error = send_run(placer, placer->plain, last);
    saga_arena_init(&arena);
    struct saga_message held = placer->run[last];
    held.key = saga_arena_copy(&arena, held.key);
    held.value = saga_arena_copy(&arena, held.value);
    run_is_written(placer);
    placer->run[placer->run_count++] = held;
    placer->run_bytes = held.key.size + held.value.size;
    saga_arena_free(&placer->arena);
    placer->arena = arena;
    return error;
}

void saga_placer_begin(struct saga_placer *placer, const char *topic, int32_t partition)
{
    SAGA_ASSERT(placer->run_count == 0);
    placer->topic = topic;
    placer->partition = partition;
    placer->next = 0;
    placer->failed = false;
    placer->problem[0] = '\0';
}

int saga_placer_put(struct saga_placer *placer, const struct saga_message *message)
{
    int64_t gap = message->offset - placer->next;
    if (gap < 0 || (gap == 1 && placer->next == 0)) {
        snprintf(placer->problem, sizeof placer->problem,
                 gap < 0 ? "offset %lld cannot come behind offset %lld"
                         : "offset %lld cannot be the first: the one before it cannot be left out "
                           "alone",
                 (long long)message->offset, (long long)placer->next - 1);
        return SAGA_E_INVALID;
    }
    int error = SAGA_OK;
    if (gap)
        error = write_run(placer, gap);
    else if (placer->run_count == RUN_RECORDS_MAX || placer->run_bytes >= RUN_BYTES_MAX)
        error = write_head(placer);
    if (error < 0) return error;
    struct saga_message *to = &placer->run[placer->run_count++];
    *to = (struct saga_message){ .offset = message->offset, .timestamp_ms = message->timestamp_ms };
    to->key = saga_arena_copy(&placer->arena, message->key);
    to->value = saga_arena_copy(&placer->arena, message->value);
    placer->run_bytes += message->key.size + message->value.size;
    placer->next = message->offset + 1;
    return SAGA_OK;
}

int saga_placer_end(struct saga_placer *placer)
{
    return write_run(placer, 0);
}

/* ---- a beginning that is gone ---- */

static int delete_before(struct saga_placer *placer, int64_t offset)
{
    char ignored[128];
    const struct saga_position position = { saga_slice_of(placer->topic), placer->partition,
                                            offset };
    rd_kafka_topic_partition_list_t *list = saga_kafka_list(&position, 1, true);
    rd_kafka_DeleteRecords_t *deleted = rd_kafka_DeleteRecords_new(list);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(placer->plain, RD_KAFKA_ADMIN_OP_DELETERECORDS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(placer->plain);
    rd_kafka_AdminOptions_set_request_timeout(options, DELETE_MS, ignored, sizeof ignored);
    rd_kafka_DeleteRecords(placer->plain, &deleted, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, DELETE_MS);
    rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event && !code)
        code = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event))
                   ->elems[0]
                   .err;
    if (code)
        snprintf(placer->problem, sizeof placer->problem,
                 "%s [%d] cannot be made to begin at offset %lld: %s", placer->topic,
                 (int)placer->partition, (long long)offset, rd_kafka_err2str(code));
    if (event) rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteRecords_destroy(deleted);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? SAGA_E_STOP : SAGA_OK;
}

int saga_placer_skip(struct saga_placer *placer, int64_t offset)
{
    const struct saga_message filler = { 0 };
    int error = SAGA_OK;
    SAGA_ASSERT(placer->next == 0 && placer->run_count == 0);
    while (placer->next < offset && error == SAGA_OK) {
        int64_t until = offset - placer->next < SKIPPED_MAX ? offset : placer->next + SKIPPED_MAX;
        for (; placer->next < until && error == SAGA_OK; placer->next++)
            error = produce(placer, placer->plain, placer->topic, placer->partition, placer->next,
                            &filler);
        if (error == SAGA_OK) error = flush(placer, placer->plain);
    }
    return error == SAGA_OK && offset ? delete_before(placer, offset) : error;
}

/* ---- records that may stand anywhere ---- */

int saga_placer_send(struct saga_placer *placer, const struct saga_message *message)
{
    char topic[256];
    SAGA_ASSERT(message->topic.size < sizeof topic);
    memcpy(topic, message->topic.data, message->topic.size);
    topic[message->topic.size] = '\0';
    return produce(placer, placer->plain, topic, message->partition, anywhere, message);
}

int saga_placer_flush(struct saga_placer *placer)
{
    return flush(placer, placer->plain);
}
