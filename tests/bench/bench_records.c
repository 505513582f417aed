#include "bench_records.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "bench_support.h"

int bench_lanes = BENCH_LANES;

enum { BODY_TEXT_BYTES = 200, READ_MS = 1000, READ_MAX = 2000 };

static void *allocated(void *memory)
{
    if (!memory) bench_stop("out of memory");
    return memory;
}

/* Ends the program where librdkafka does not take a setting or makes no client. */
static rd_kafka_t *make_client(rd_kafka_type_t type, const char *const (*settings)[2], size_t count,
                               void *opaque)
{
    char words[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bench_cluster.kafka.servers, NULL, 0);
    rd_kafka_conf_set(conf, "socket.nagle.disable", "true", NULL, 0);
    rd_kafka_conf_set_opaque(conf, opaque);
    for (size_t i = 0; i < count; i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], words, sizeof words))
            bench_stop("%s", words);
    rd_kafka_t *client = rd_kafka_new(type, conf, words, sizeof words);
    if (!client) bench_stop("no client: %s", words);
    return client;
}

/* ---- sending ---- */

struct bench_sender {
    rd_kafka_t *producer;
    rd_kafka_topic_t *topic;
    char *type;
};

struct bench_sender *bench_sender_open(const char *topic, const char *type, bool many)
{
    const char *const settings[][2] = { { "enable.idempotence", "true" },
                                        { "linger.ms", many ? "5" : "0" },
                                        { "compression.type", many ? "lz4" : "none" },
                                        { "partitioner", "murmur2_random" },
                                        { "queue.buffering.max.messages", "200000" } };
    const struct rd_kafka_metadata *metadata;
    struct bench_sender *sender = allocated(calloc(1, sizeof *sender));
    sender->producer =
        make_client(RD_KAFKA_PRODUCER, settings, sizeof settings / sizeof settings[0], NULL);
    sender->topic = rd_kafka_topic_new(sender->producer, topic, NULL);
    sender->type = allocated(strdup(type));
    /* beforehand: the first record would take a second otherwise */
    if (rd_kafka_metadata(sender->producer, 0, sender->topic, &metadata, BENCH_CALL_MS))
        bench_stop("%s is not known to the broker", topic);
    rd_kafka_metadata_destroy(metadata);
    return sender;
}

void bench_sender_send(struct bench_sender *sender, struct saga_slice key, struct saga_slice body)
{
    rd_kafka_resp_err_t error;
    do {
        error = rd_kafka_producev(sender->producer, RD_KAFKA_V_RKT(sender->topic),
                                  RD_KAFKA_V_KEY(key.data, key.size),
                                  RD_KAFKA_V_VALUE((void *)(uintptr_t)body.data, body.size),
                                  RD_KAFKA_V_HEADER("ce_type", sender->type, -1),
                                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) rd_kafka_poll(sender->producer, 100);
    } while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    if (error) bench_stop("a start cannot be sent: %s", rd_kafka_err2str(error));
}

void bench_sender_close(struct bench_sender *sender)
{
    /* an idempotent producer loses none but by a fatal error, which flush then waits out */
    if (rd_kafka_flush(sender->producer, 6 * BENCH_CALL_MS)) bench_stop("starts were not stored");
    rd_kafka_topic_destroy(sender->topic);
    rd_kafka_destroy(sender->producer);
    free(sender->type);
    free(sender);
}

/* Text that compresses neither to nothing nor not at all. */
struct saga_slice bench_plain_body(struct saga_slice key, unsigned text_bytes,
                                   struct saga_arena *arena)
{
    char *text = saga_arena_alloc(arena, text_bytes + 1);
    for (unsigned i = 0; i < text_bytes; i++) text[i] = (char)('a' + (i * 7 + i / 26) % 26);
    text[text_bytes] = '\0';
    return saga_arena_printf(arena, "{\"id\":\"%.*s\",\"text\":\"%s\"}", SAGA_SLICE_ARG(key), text);
}

void bench_send_starts(const struct bench_starts *starts)
{
    struct saga_arena arena;
    struct bench_sender *sender = bench_sender_open(starts->topic, starts->type, true);
    unsigned text_bytes = starts->text_bytes ? starts->text_bytes : BODY_TEXT_BYTES;
    saga_arena_init(&arena);
    for (unsigned sent = 0, number = 0; sent < starts->count; number++) {
        char text[BENCH_KEY_BYTES];
        snprintf(text, sizeof text, "%s%u", starts->prefix, number);
        struct saga_slice key = saga_slice_of(text);
        if (starts->lane != BENCH_ANY_LANE &&
            saga_lane_of_key(key, (uint32_t)bench_lanes) != (uint32_t)starts->lane)
            continue;
        bench_sender_send(sender, key,
                          starts->body ? starts->body(key, number, starts->context, &arena)
                                       : bench_plain_body(key, text_bytes, &arena));
        if (++sent % 1000 == 0) saga_arena_reset(&arena);
    }
    bench_sender_close(sender);
    saga_arena_free(&arena);
}

/* ---- reading ---- */

struct bench_reader {
    rd_kafka_t *consumer;
};

struct bench_mark bench_mark_now(const char *topic)
{
    struct bench_mark mark;
    for (int32_t lane = 0; lane < bench_lanes; lane++) {
        int64_t low;
        if (saga_client_watermarks(bench_cluster.client, saga_slice_of(topic), lane, BENCH_CALL_MS,
                                   &low, &mark.offsets[lane]) < 0)
            bench_stop("%s", saga_client_problem(bench_cluster.client));
    }
    return mark;
}

struct bench_reader *bench_reader_open(const char *topic)
{
    const char *const settings[][2] = { { "group.id", "bench-reader" },
                                        { "enable.auto.commit", "false" },
                                        { "auto.offset.reset", "error" },
                                        { "isolation.level", "read_committed" } };
    struct bench_reader *reader = allocated(calloc(1, sizeof *reader));
    struct bench_mark mark = bench_mark_now(topic);
    rd_kafka_topic_partition_list_t *lanes = rd_kafka_topic_partition_list_new(bench_lanes);
    reader->consumer =
        make_client(RD_KAFKA_CONSUMER, settings, sizeof settings / sizeof settings[0], NULL);
    rd_kafka_poll_set_consumer(reader->consumer);
    for (int32_t lane = 0; lane < bench_lanes; lane++)
        rd_kafka_topic_partition_list_add(lanes, topic, lane)->offset = mark.offsets[lane];
    if (rd_kafka_assign(reader->consumer, lanes)) bench_stop("%s cannot be read", topic);
    rd_kafka_topic_partition_list_destroy(lanes);
    return reader;
}

bool bench_reader_next(struct bench_reader *reader, int timeout_ms, char key[BENCH_KEY_BYTES])
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->consumer, timeout_ms);
    if (!message) return false;
    if (message->err) bench_stop("reading: %s", rd_kafka_message_errstr(message));
    snprintf(key, BENCH_KEY_BYTES, "%.*s", (int)message->key_len, (const char *)message->key);
    rd_kafka_message_destroy(message);
    return true;
}

void bench_reader_close(struct bench_reader *reader)
{
    rd_kafka_consumer_close(reader->consumer);
    rd_kafka_destroy(reader->consumer);
    free(reader);
}

/* ---- when records were written ---- */

static void add_time(struct bench_times *times, int64_t at_ms)
{
    if (times->count == times->capacity) {
        times->capacity = times->capacity ? 2 * times->capacity : 4096;
        times->ms = allocated(realloc(times->ms, times->capacity * sizeof *times->ms));
    }
    if (times->count == 0 || at_ms < times->first_ms) times->first_ms = at_ms;
    if (at_ms > times->last_ms) times->last_ms = at_ms;
    times->ms[times->count++] = at_ms;
}

static void add_lane(struct bench_times *times, const char *topic, int32_t lane, int64_t offset)
{
    struct saga_reader *reader;
    int64_t position;
    if (saga_reader_open(bench_cluster.client, saga_slice_of(topic), lane, offset, &reader) < 0)
        bench_stop("%s", saga_client_problem(bench_cluster.client));
    for (bool end = false; !end;) {
        struct saga_bus_records records = { 0 };
        if (saga_reader_read(reader, READ_MS, READ_MAX, &records, &position, &end) < 0) continue;
        for (size_t i = 0; i < records.count; i++) add_time(times, records.items[i].timestamp_ms);
        saga_reader_release(reader, &records);
    }
    saga_reader_close(reader);
}

struct bench_times bench_times_since(const char *topic, const struct bench_mark *mark)
{
    struct bench_times times = { 0 };
    for (int32_t lane = 0; lane < bench_lanes; lane++)
        add_lane(&times, topic, lane, mark->offsets[lane]);
    return times;
}

size_t bench_times_between(const struct bench_times *times, int64_t from_ms, int64_t to_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < times->count; i++)
        count += times->ms[i] >= from_ms && times->ms[i] < to_ms;
    return count;
}

void bench_times_free(struct bench_times *times)
{
    free(times->ms);
    *times = (struct bench_times){ 0 };
}
