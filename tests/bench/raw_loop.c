/* The yardstick of the benchmark: what librdkafka and the broker give to a loop that does a coordinator's
 * transactional work and nothing else. It takes events from a topic in batches and writes, for each event, a
 * record as large as a journal record and one as large as a command, with the offsets in the same transaction;
 * two producers a worker, in turn. A second part measures one transaction's round trip: one record, commit,
 * until a read_committed consumer has it.
 *
 * It makes its own topics, fills the first one before the clock starts, and deletes them at the end. Any error
 * ends it: numbers of a run with hiccups would say nothing. */
#include <argp.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENT_BYTES = 250,
    JOURNAL_BYTES = 500,
    COMMAND_BYTES = 300,
    KEY_BYTES_MAX = 32,
    WORKERS_MAX = 64,
    BATCH_MAX = 100000,
    CALL_MS_MAX = 60000
};

static struct {
    const char *bootstrap;
    int events, partitions, workers, batch, round_trips;
} options = { .events = 400000, .partitions = 8, .workers = 2, .batch = 1000, .round_trips = 500 };

static char group[64], events_topic[80], journal_topic[80], commands_topic[80];

static _Noreturn void stop(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("raw_loop: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void check(rd_kafka_error_t *error, const char *what)
{
    if (error) stop("%s: %s", what, rd_kafka_error_string(error));
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- clients ---- */

static rd_kafka_conf_t *settings(const char *const (*pairs)[2], size_t count)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", options.bootstrap, why, sizeof why))
        stop("%s", why);
    rd_kafka_conf_set(conf, "socket.nagle.disable", "true", NULL, 0);
    for (size_t i = 0; i < count; i++)
        if (rd_kafka_conf_set(conf, pairs[i][0], pairs[i][1], why, sizeof why)) stop("%s", why);
    return conf;
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[256];
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (!rk) stop("%s", why);
    return rk;
}

static atomic_ulong failed_deliveries;

/* Also makes flush return at once, where it would otherwise look every 10 ms. */
static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    (void)opaque;
    if (message->err) failed_deliveries++;
}

/* A client asks for a topic's metadata once beforehand: its first record takes a second otherwise. */
static rd_kafka_topic_t *topic_of(rd_kafka_t *rk, const char *name)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    if (!topic) stop("topic %s: %s", name, rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, topic, &metadata, CALL_MS_MAX);
    if (error) stop("metadata of %s: %s", name, rd_kafka_err2str(error));
    rd_kafka_metadata_destroy(metadata);
    return topic;
}

struct producer {
    rd_kafka_t *rk;
    rd_kafka_topic_t *journal, *commands;
};

static struct producer transactional_producer(int worker, int which)
{
    char id[128];
    snprintf(id, sizeof id, "%s-%d-%d", group, worker, which);
    const char *const pairs[][2] = { { "transactional.id", id },
                                     { "linger.ms", "1000" },
                                     { "compression.type", "lz4" },
                                     { "retry.backoff.ms", "1" },
                                     { "queue.buffering.max.messages", "1000000" },
                                     { "queue.buffering.max.kbytes", "1048576" } };
    rd_kafka_conf_t *conf = settings(pairs, sizeof pairs / sizeof pairs[0]);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    struct producer made = { .rk = client(RD_KAFKA_PRODUCER, conf) };
    check(rd_kafka_init_transactions(made.rk, CALL_MS_MAX), "init_transactions");
    made.journal = topic_of(made.rk, journal_topic);
    made.commands = topic_of(made.rk, commands_topic);
    return made;
}

static void producer_destroy(struct producer *producer)
{
    rd_kafka_topic_destroy(producer->journal);
    rd_kafka_topic_destroy(producer->commands);
    rd_kafka_destroy(producer->rk);
}

static void produce(rd_kafka_topic_t *topic, int32_t partition, const void *key, size_t key_size,
                    const void *value, size_t size)
{
    if (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)value, size, key,
                         key_size, NULL))
        stop("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
}

/* ---- topics and the events that wait in them ---- */

static void admin_result(rd_kafka_queue_t *queue, const char *what)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CALL_MS_MAX);
    if (!event || rd_kafka_event_error(event))
        stop("%s: %s", what, event ? rd_kafka_event_error_string(event) : "no answer");
    size_t count = 0;
    const rd_kafka_CreateTopics_result_t *created = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **results =
        created ? rd_kafka_CreateTopics_result_topics(created, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        if (rd_kafka_topic_result_error(results[i]))
            stop("%s: %s", what, rd_kafka_topic_result_error_string(results[i]));
    rd_kafka_event_destroy(event);
}

static void create_topics(rd_kafka_t *rk)
{
    const char *const names[] = { events_topic, journal_topic, commands_topic };
    rd_kafka_NewTopic_t *topics[3];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    for (int i = 0; i < 3; i++)
        topics[i] = rd_kafka_NewTopic_new(names[i], options.partitions, 1, NULL, 0);
    rd_kafka_CreateTopics(rk, topics, 3, NULL, queue);
    admin_result(queue, "creating topics");
    rd_kafka_NewTopic_destroy_array(topics, 3);
    rd_kafka_queue_destroy(queue);
}

static void delete_topics(rd_kafka_t *rk)
{
    const char *const names[] = { events_topic, journal_topic, commands_topic };
    rd_kafka_DeleteTopic_t *topics[3];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    for (int i = 0; i < 3; i++) topics[i] = rd_kafka_DeleteTopic_new(names[i]);
    rd_kafka_DeleteTopics(rk, topics, 3, NULL, queue);
    admin_result(queue, "deleting topics");
    rd_kafka_DeleteTopic_destroy_array(topics, 3);
    rd_kafka_queue_destroy(queue);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Half of a body compresses well and half hardly, as a business event's does. */
static void fill_event(char event[EVENT_BYTES], uint64_t *state)
{
    static const char fixed[] =
        "{\"customerId\":\"customer-\",\"currency\":\"EUR\",\"country\":\"DE\","
        "\"lines\":[{\"article\":\"\",\"quantity\":1}],\"note\":\"\"}";
    for (int i = 0; i < EVENT_BYTES; i++)
        event[i] = i < (int)sizeof fixed - 1 ? fixed[i] : (char)('0' + next_random(state) % 64);
}

static void fill(rd_kafka_t *rk)
{
    rd_kafka_topic_t *topic = topic_of(rk, events_topic);
    uint64_t state = 88172645463325252ULL;
    for (int i = 0; i < options.events; i++) {
        char key[KEY_BYTES_MAX], event[EVENT_BYTES];
        int key_size = snprintf(key, sizeof key, "order-%d", i);
        fill_event(event, &state);
        produce(topic, i % options.partitions, key, (size_t)key_size, event, sizeof event);
        if (i % 10000 == 9999 && rd_kafka_flush(rk, CALL_MS_MAX))
            stop("filling: no answer in time");
    }
    if (rd_kafka_flush(rk, CALL_MS_MAX) || failed_deliveries) stop("the events were not stored");
    rd_kafka_topic_destroy(topic);
}

/* ---- the loop ---- */

struct worker {
    pthread_t thread;
    int number;
    rd_kafka_t *consumer;
    rd_kafka_consumer_group_metadata_t *metadata; /* of the assignment */
    atomic_int partitions;
    struct producer producers[2];
    double first_s, last_s; /* first batch taken, last commit */
    uint64_t transactions;
};

static struct worker workers[WORKERS_MAX];
static atomic_int events_done;
static atomic_bool running;

/* Partitions stay paused until every worker has its share, so that no rebalance falls into the measurement. */
static void rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t error,
                       rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct worker *worker = opaque;
    if (error != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        if (running && events_done < options.events) stop("a rebalance during the measurement");
        worker->partitions = 0;
        rd_kafka_assign(rk, NULL);
        return;
    }
    rd_kafka_assign(rk, partitions);
    rd_kafka_pause_partitions(rk, partitions);
    if (worker->metadata) rd_kafka_consumer_group_metadata_destroy(worker->metadata);
    worker->metadata = rd_kafka_consumer_group_metadata(rk);
    worker->partitions = partitions->cnt;
}

static void worker_open(struct worker *worker, int number)
{
    const char *const pairs[][2] = { { "group.id", group },
                                     { "enable.auto.commit", "false" },
                                     { "auto.offset.reset", "earliest" },
                                     { "isolation.level", "read_committed" },
                                     { "partition.assignment.strategy", "range" },
                                     { "queued.min.messages", "100000" } };
    rd_kafka_conf_t *conf = settings(pairs, sizeof pairs / sizeof pairs[0]);
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    rd_kafka_conf_set_opaque(conf, worker);
    worker->number = number;
    worker->consumer = client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(worker->consumer);
    for (int i = 0; i < 2; i++) worker->producers[i] = transactional_producer(number, i);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, events_topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t error = rd_kafka_subscribe(worker->consumer, topics);
    if (error) stop("subscribe: %s", rd_kafka_err2str(error));
    rd_kafka_topic_partition_list_destroy(topics);
}

static bool all_have_their_share(void)
{
    int partitions = 0;
    for (int i = 0; i < options.workers; i++) {
        if (workers[i].partitions == 0) return false;
        partitions += workers[i].partitions;
    }
    return partitions == options.partitions;
}

static void transaction(struct worker *worker, rd_kafka_message_t **messages, size_t count)
{
    struct producer *producer = &worker->producers[worker->transactions++ % 2];
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(8);
    char journal[JOURNAL_BYTES] = "", command[COMMAND_BYTES] = "";
    check(rd_kafka_begin_transaction(producer->rk), "begin_transaction");
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_message_t *event = messages[i];
        if (event->err) stop("an event: %s", rd_kafka_message_errstr(event));
        memcpy(journal, event->payload, EVENT_BYTES);
        memcpy(command, event->payload, EVENT_BYTES);
        produce(producer->journal, event->partition, event->key, event->key_len, journal,
                sizeof journal);
        produce(producer->commands, event->partition, event->key, event->key_len, command,
                sizeof command);
        rd_kafka_topic_partition_t *offset =
            rd_kafka_topic_partition_list_find(offsets, events_topic, event->partition);
        if (!offset)
            offset = rd_kafka_topic_partition_list_add(offsets, events_topic, event->partition);
        offset->offset = event->offset + 1;
    }
    if (rd_kafka_flush(producer->rk, CALL_MS_MAX) || failed_deliveries)
        stop("records were not stored");
    check(
        rd_kafka_send_offsets_to_transaction(producer->rk, offsets, worker->metadata, CALL_MS_MAX),
        "send_offsets_to_transaction");
    check(rd_kafka_commit_transaction(producer->rk, CALL_MS_MAX), "commit_transaction");
    rd_kafka_topic_partition_list_destroy(offsets);
}

static void *work(void *opaque)
{
    struct worker *worker = opaque;
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(worker->consumer);
    rd_kafka_message_t **messages = calloc((size_t)options.batch, sizeof(rd_kafka_message_t *));
    rd_kafka_topic_partition_list_t *mine;
    if (!messages) stop("out of memory");
    while (!running) rd_kafka_consume_batch_queue(queue, 10, messages, (size_t)options.batch);
    rd_kafka_assignment(worker->consumer, &mine);
    worker->first_s = now_s();
    rd_kafka_resume_partitions(worker->consumer, mine);
    while (events_done < options.events) {
        /* what is there, as the coordinator takes it: never waiting to fill a batch */
        ssize_t count = rd_kafka_consume_batch_queue(queue, 0, messages, (size_t)options.batch);
        if (count == 0) count = rd_kafka_consume_batch_queue(queue, 10, messages, 1);
        if (count <= 0) continue;
        transaction(worker, messages, (size_t)count);
        worker->last_s = now_s();
        events_done += (int)count;
        for (ssize_t i = 0; i < count; i++) rd_kafka_message_destroy(messages[i]);
    }
    rd_kafka_topic_partition_list_destroy(mine);
    rd_kafka_queue_destroy(queue);
    free(messages);
    return NULL;
}

/* Returns the seconds from the first batch to the last commit. */
static double measure_throughput(uint64_t *ret_transactions)
{
    double first_s = 0, last_s = 0;
    for (int i = 0; i < options.workers; i++) worker_open(&workers[i], i);
    for (int i = 0; i < options.workers; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) stop("no thread");
    for (double since_s = now_s(); !all_have_their_share();) {
        if ((now_s() - since_s) * 1000 > CALL_MS_MAX)
            stop("the workers did not get their partitions");
        usleep(20000);
    }
    running = true;
    *ret_transactions = 0;
    for (int i = 0; i < options.workers; i++) {
        struct worker *worker = &workers[i];
        pthread_join(worker->thread, NULL);
        if (i == 0 || worker->first_s < first_s) first_s = worker->first_s;
        if (worker->last_s > last_s) last_s = worker->last_s;
        *ret_transactions += worker->transactions;
    }
    for (int i = 0; i < options.workers; i++) {
        rd_kafka_consumer_close(workers[i].consumer);
        rd_kafka_consumer_group_metadata_destroy(workers[i].metadata);
        rd_kafka_destroy(workers[i].consumer);
        for (int j = 0; j < 2; j++) producer_destroy(&workers[i].producers[j]);
    }
    return last_s - first_s;
}

/* ---- one round trip ---- */

static rd_kafka_t *reader_at_the_end(rd_kafka_t *admin)
{
    const char *const pairs[][2] = { { "group.id", group },
                                     { "enable.auto.commit", "false" },
                                     { "auto.offset.reset", "error" },
                                     { "isolation.level", "read_committed" } };
    int64_t low, high;
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, settings(pairs, sizeof pairs / sizeof pairs[0]));
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_resp_err_t error =
        rd_kafka_query_watermark_offsets(admin, commands_topic, 0, &low, &high, CALL_MS_MAX);
    if (error) stop("watermark: %s", rd_kafka_err2str(error));
    rd_kafka_topic_partition_list_t *partition = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(partition, commands_topic, 0)->offset = high;
    rd_kafka_assign(rk, partition);
    rd_kafka_topic_partition_list_destroy(partition);
    return rk;
}

static void read_one(rd_kafka_t *consumer)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, CALL_MS_MAX);
    if (!message || message->err)
        stop("reading: %s", message ? rd_kafka_message_errstr(message) : "nothing came");
    rd_kafka_message_destroy(message);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_round_trip(rd_kafka_t *admin, double *ret_p50_ms, double *ret_p99_ms)
{
    enum { WARM_UP = 20 };
    rd_kafka_t *consumer = reader_at_the_end(admin);
    struct producer producers[2] = { transactional_producer(WORKERS_MAX, 0),
                                     transactional_producer(WORKERS_MAX, 1) };
    double *took_ms = calloc((size_t)options.round_trips, sizeof *took_ms);
    char command[COMMAND_BYTES] = "";
    if (!took_ms) stop("out of memory");
    for (int i = -WARM_UP; i < options.round_trips; i++) {
        struct producer *producer = &producers[i & 1];
        double begin_s = now_s();
        check(rd_kafka_begin_transaction(producer->rk), "begin_transaction");
        produce(producer->commands, 0, "key", 3, command, sizeof command);
        if (rd_kafka_flush(producer->rk, CALL_MS_MAX) || failed_deliveries)
            stop("a record was lost");
        check(rd_kafka_commit_transaction(producer->rk, CALL_MS_MAX), "commit_transaction");
        read_one(consumer);
        if (i >= 0) took_ms[i] = (now_s() - begin_s) * 1000;
    }
    qsort(took_ms, (size_t)options.round_trips, sizeof *took_ms, by_value);
    *ret_p50_ms = took_ms[options.round_trips / 2];
    *ret_p99_ms = took_ms[options.round_trips * 99 / 100];
    free(took_ms);
    for (int i = 0; i < 2; i++) producer_destroy(&producers[i]);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
}

/* ---- the command ---- */

static int read_count(const char *text, int max, struct argp_state *state)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*end || value < 1 || value > max)
        argp_error(state, "'%s' is not a number from 1 to %d", text, max);
    return (int)value;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    switch (key) {
    case 'b': options.bootstrap = text; break;
    case 'e': options.events = read_count(text, 100000000, state); break;
    case 'p': options.partitions = read_count(text, 1000, state); break;
    case 'w': options.workers = read_count(text, WORKERS_MAX, state); break;
    case 'n': options.batch = read_count(text, BATCH_MAX, state); break;
    case 'r': options.round_trips = read_count(text, 1000000, state); break;
    case ARGP_KEY_ARG: argp_error(state, "what is '%s' for?", text); break;
    case ARGP_KEY_END:
        if (!options.bootstrap) argp_error(state, "--bootstrap is missing");
        if (options.workers > options.partitions) argp_error(state, "more workers than partitions");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp_option flags[] = {
        { "bootstrap", 'b', "HOST:PORT", 0, "the broker", 0 },
        { "events", 'e', "COUNT", 0, "events to take, 250 B each (400000)", 0 },
        { "partitions", 'p', "COUNT", 0, "partitions of each topic (8)", 0 },
        { "workers", 'w', "COUNT", 0, "threads, each with its own consumer (2)", 0 },
        { "batch", 'n', "COUNT", 0, "events of one transaction at most (1000)", 0 },
        { "round-trips", 'r', "COUNT", 0, "transactions of one record to time (500)", 0 },
        { 0 }
    };
    static const struct argp argp = {
        flags, parse, NULL, "The plain transactional loop; prints one JSON object.",
        NULL,  NULL,  NULL
    };
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    snprintf(group, sizeof group, "raw-%ld-%ld", (long)time(NULL), (long)getpid());
    snprintf(events_topic, sizeof events_topic, "%s.e", group);
    snprintf(journal_topic, sizeof journal_topic, "%s.j", group);
    snprintf(commands_topic, sizeof commands_topic, "%s.c", group);

    const char *const pairs[][2] = { { "compression.type", "lz4" } };
    rd_kafka_conf_t *conf = settings(pairs, 1);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *admin = client(RD_KAFKA_PRODUCER, conf);
    uint64_t transactions;
    double p50_ms, p99_ms;
    create_topics(admin);
    fill(admin);
    double seconds = measure_throughput(&transactions);
    measure_round_trip(admin, &p50_ms, &p99_ms);
    delete_topics(admin);
    rd_kafka_destroy(admin);
    printf("{\"raw_events_per_s\":%.0f,\"raw_round_trip_ms\":%.2f,\"raw_round_trip_p99_ms\":%.2f,"
           "\"events\":%d,\"partitions\":%d,\"workers\":%d,\"batch\":%d,\"transactions\":%" PRIu64
           ",\"seconds\":%.3f}\n",
           options.events / seconds, p50_ms, p99_ms, options.events, options.partitions,
           options.workers, options.batch, transactions, seconds);
    return 0;
}
