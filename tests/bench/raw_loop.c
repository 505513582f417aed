/* The yardstick of the benchmark: what librdkafka and the broker give to a loop that does a coordinator's
 * transactional work and nothing else. It takes events from a topic in batches and writes, for each event, a
 * record as large as a journal record and one as large as a command, with the offsets in the same transaction;
 * two producers a worker, in turn. A second part measures round trips of that loop one at a time, each what a step of
 * a saga needs at least: a plain producer sends an event, the loop takes it and commits its transaction, and a
 * read_committed consumer has the command. A third part does the same while events come evenly, many a second.
 *
 * It makes its own topics, fills the first one before the clock starts, and deletes them at the end. Any error
 * ends it: numbers of a run with hiccups would say nothing. */
#include <argp.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "count.h"
#include "raw_clients.h"
#include "raw_events.h"
#include "raw_paced.h"

enum {
    JOURNAL_BYTES = 500,
    COMMAND_BYTES = 300,
    WORKERS_MAX = 64,
    BATCH_MAX = 100000,
    STEPS = 3 /* of the saga that round trips are compared with */
};

static struct {
    const char *bootstrap;
    int events, partitions, workers, batch, round_trips, rate, seconds;
    bool headers;
} options = { .events = 400000,
              .partitions = 8,
              .workers = 2,
              .batch = 1000,
              .round_trips = 600,
              .seconds = 20 };

/* ---- the events ---- */

static int event_headers(void)
{
    return options.headers ? RAW_EVENT_HEADERS : 0;
}

static void fill(rd_kafka_t *rk)
{
    struct raw_events events;
    rd_kafka_topic_t *topic = raw_topic(rk, raw_events_topic);
    raw_events_init(&events, event_headers());
    for (int i = 0; i < options.events; i++) {
        raw_events_send(&events, rk, topic, i % options.partitions, i);
        if (i % 10000 == 9999 && rd_kafka_flush(rk, RAW_CALL_MS_MAX))
            raw_stop("filling: no answer in time");
    }
    if (rd_kafka_flush(rk, RAW_CALL_MS_MAX) || raw_failed_deliveries)
        raw_stop("the events were not stored");
    rd_kafka_topic_destroy(topic);
}

/* ---- the loop ---- */

struct worker {
    pthread_t thread;
    int number;
    rd_kafka_t *consumer;
    rd_kafka_consumer_group_metadata_t *metadata; /* of the assignment */
    atomic_int partitions;
    struct raw_producer producers[2];
    double first_s, last_s; /* first batch taken, last commit */
    uint64_t transactions;
};

static struct worker workers[WORKERS_MAX];
static atomic_int events_done;
static atomic_bool running, ending;

/* Partitions stay paused until every worker has its share, so that no rebalance falls into the measurement. */
static void rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t error,
                       rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct worker *worker = opaque;
    if (error != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        if (running && !ending) raw_stop("a rebalance during the measurement");
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
    const char *const pairs[][2] = { { "group.id", raw_group },
                                     { "enable.auto.commit", "false" },
                                     { "auto.offset.reset", "earliest" },
                                     { "isolation.level", "read_committed" },
                                     { "partition.assignment.strategy", "range" },
                                     { "queued.min.messages", "100000" } };
    rd_kafka_conf_t *conf = raw_settings(pairs, sizeof pairs / sizeof pairs[0]);
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    rd_kafka_conf_set_opaque(conf, worker);
    worker->number = number;
    worker->consumer = raw_client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(worker->consumer);
    for (int i = 0; i < 2; i++) worker->producers[i] = raw_producer_new(number, i);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, raw_events_topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t error = rd_kafka_subscribe(worker->consumer, topics);
    if (error) raw_stop("subscribe: %s", rd_kafka_err2str(error));
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
    struct raw_producer *producer = &worker->producers[worker->transactions++ % 2];
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(8);
    char journal[JOURNAL_BYTES] = "", command[COMMAND_BYTES] = "";
    raw_check(rd_kafka_begin_transaction(producer->rk), "begin_transaction");
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_message_t *event = messages[i];
        if (event->err) raw_stop("an event: %s", rd_kafka_message_errstr(event));
        raw_read_headers(messages[i]);
        memcpy(journal, event->payload, RAW_EVENT_BYTES);
        memcpy(command, event->payload, RAW_EVENT_BYTES);
        struct raw_record record = { event->key, journal, event->key_len, sizeof journal, 0 };
        raw_produce(producer->rk, producer->journal, event->partition, &record);
        record = (struct raw_record){ event->key, command, event->key_len, sizeof command,
                                      options.headers ? RAW_COMMAND_HEADERS : 0 };
        raw_produce(producer->rk, producer->commands, event->partition, &record);
        rd_kafka_topic_partition_t *offset =
            rd_kafka_topic_partition_list_find(offsets, raw_events_topic, event->partition);
        if (!offset)
            offset = rd_kafka_topic_partition_list_add(offsets, raw_events_topic, event->partition);
        offset->offset = event->offset + 1;
    }
    if (rd_kafka_flush(producer->rk, RAW_CALL_MS_MAX) || raw_failed_deliveries)
        raw_stop("records were not stored");
    raw_check(rd_kafka_send_offsets_to_transaction(producer->rk, offsets, worker->metadata,
                                                   RAW_CALL_MS_MAX),
              "send_offsets_to_transaction");
    raw_check(rd_kafka_commit_transaction(producer->rk, RAW_CALL_MS_MAX), "commit_transaction");
    rd_kafka_topic_partition_list_destroy(offsets);
}

static void *work(void *opaque)
{
    struct worker *worker = opaque;
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(worker->consumer);
    rd_kafka_message_t **messages = calloc((size_t)options.batch, sizeof(rd_kafka_message_t *));
    rd_kafka_topic_partition_list_t *mine;
    if (!messages) raw_stop("out of memory");
    while (!running) rd_kafka_consume_batch_queue(queue, 10, messages, (size_t)options.batch);
    rd_kafka_assignment(worker->consumer, &mine);
    worker->first_s = raw_now_s();
    rd_kafka_resume_partitions(worker->consumer, mine);
    while (!ending) {
        /* what is there, as the coordinator takes it: never waiting to fill a batch */
        ssize_t count = rd_kafka_consume_batch_queue(queue, 0, messages, (size_t)options.batch);
        if (count == 0) count = rd_kafka_consume_batch_queue(queue, 10, messages, 1);
        if (count <= 0) continue;
        transaction(worker, messages, (size_t)count);
        worker->last_s = raw_now_s();
        events_done += (int)count;
        for (ssize_t i = 0; i < count; i++) rd_kafka_message_destroy(messages[i]);
    }
    rd_kafka_topic_partition_list_destroy(mine);
    rd_kafka_queue_destroy(queue);
    free(messages);
    return NULL;
}

static void workers_start(void)
{
    for (int i = 0; i < options.workers; i++) worker_open(&workers[i], i);
    for (int i = 0; i < options.workers; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) raw_stop("no thread");
    for (double since_s = raw_now_s(); !all_have_their_share();) {
        if ((raw_now_s() - since_s) * 1000 > RAW_CALL_MS_MAX)
            raw_stop("the workers did not get their partitions");
        usleep(20000);
    }
}

static void workers_stop(void)
{
    ending = true;
    for (int i = 0; i < options.workers; i++) pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < options.workers; i++) {
        rd_kafka_consumer_close(workers[i].consumer);
        rd_kafka_consumer_group_metadata_destroy(workers[i].metadata);
        rd_kafka_destroy(workers[i].consumer);
        for (int j = 0; j < 2; j++) raw_producer_free(&workers[i].producers[j]);
    }
}

/* Returns the seconds from the first batch to the last commit, and those of the processor. The workers stay, with
 * nothing to do. */
static double measure_throughput(uint64_t *ret_transactions, double *ret_processor_s)
{
    double first_s = 0, last_s = 0, before_s = raw_processor_s();
    *ret_transactions = 0;
    running = true;
    for (double moved_s = raw_now_s(); events_done < options.events; usleep(1000)) {
        static int before;
        if (events_done != before) moved_s = raw_now_s();
        before = events_done;
        if ((raw_now_s() - moved_s) * 1000 > RAW_CALL_MS_MAX) raw_stop("nothing moves any more");
    }
    *ret_processor_s = raw_processor_s() - before_s;
    for (int i = 0; i < options.workers; i++) {
        struct worker *worker = &workers[i];
        if (worker->transactions == 0) continue;
        if (first_s == 0 || worker->first_s < first_s) first_s = worker->first_s;
        if (worker->last_s > last_s) last_s = worker->last_s;
        *ret_transactions += worker->transactions;
    }
    return last_s - first_s;
}

/* ---- round trips ---- */

/* Reads on to the command of this event: what a watermark does not cover yet may stand before it. */
static void read_command(rd_kafka_t *consumer, int number)
{
    for (bool found = false; !found;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, RAW_CALL_MS_MAX);
        if (!message || message->err)
            raw_stop("reading: %s", message ? rd_kafka_message_errstr(message) : "nothing came");
        found = raw_event_number(message) == number;
        rd_kafka_message_destroy(message);
    }
}

/* How long each took, in ms, one behind the other. */
static void measure_round_trips(rd_kafka_t *admin, double *took_ms)
{
    enum { WARM_UP = 20 };
    rd_kafka_t *consumer = raw_reader_at_the_end(admin, 1), *sender = raw_plain_producer("0");
    rd_kafka_topic_t *topic = raw_topic(sender, raw_events_topic);
    struct raw_events events;
    raw_events_init(&events, event_headers());
    for (int i = -WARM_UP; i < options.round_trips; i++) {
        int number = options.events + WARM_UP + i;
        double begin_s = raw_now_s();
        raw_events_send(&events, sender, topic, 0, number);
        read_command(consumer, number);
        if (i >= 0) took_ms[i] = (raw_now_s() - begin_s) * 1000;
        rd_kafka_poll(sender, 0);
    }
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(sender);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
}

/* Of one round trip, and of as many one behind the other as a saga has steps. */
static void print_round_trips(double *took_ms)
{
    int count = options.round_trips, sums = count / STEPS;
    double *sum_ms = calloc((size_t)sums, sizeof *sum_ms);
    if (!sum_ms) raw_stop("out of memory");
    for (int i = 0; i < sums * STEPS; i++) sum_ms[i / STEPS] += took_ms[i];
    qsort(took_ms, (size_t)count, sizeof *took_ms, raw_by_value);
    qsort(sum_ms, (size_t)sums, sizeof *sum_ms, raw_by_value);
    printf(",\"raw_round_trip_ms\":%.3f,\"raw_round_trip_p99_ms\":%.3f,"
           "\"raw_three_p50_ms\":%.3f,\"raw_three_p99_ms\":%.3f",
           took_ms[count / 2], took_ms[count * 99 / 100], sum_ms[sums / 2],
           sum_ms[sums * 99 / 100]);
    free(sum_ms);
}

/* ---- the command ---- */

static error_t parse(int key, char *text, struct argp_state *state)
{
    switch (key) {
    case 'b': options.bootstrap = text; break;
    case 'e': options.events = (int)read_count(text, 0, 100000000, state); break;
    case 'p': options.partitions = (int)read_count(text, 1, 1000, state); break;
    case 'w': options.workers = (int)read_count(text, 1, WORKERS_MAX, state); break;
    case 'n': options.batch = (int)read_count(text, 1, BATCH_MAX, state); break;
    case 'h': options.headers = true; break;
    case 'r': options.round_trips = (int)read_count(text, 0, 1000000, state); break;
    case 'R': options.rate = (int)read_count(text, 0, 1000000, state); break;
    case 's': options.seconds = (int)read_count(text, 1, 600, state); break;
    case ARGP_KEY_ARG: argp_error(state, "what is '%s' for?", text); break;
    case ARGP_KEY_END:
        if (!options.bootstrap) argp_error(state, "--bootstrap is missing");
        if (options.round_trips > 0 && options.round_trips < STEPS)
            argp_error(state, "fewer round trips than steps");
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
        { "events", 'e', "COUNT", 0, "events to take, 250 B each (400000); 0: none", 0 },
        { "partitions", 'p', "COUNT", 0, "partitions of each topic (8)", 0 },
        { "workers", 'w', "COUNT", 0, "threads, each with its own consumer (2)", 0 },
        { "batch", 'n', "COUNT", 0, "events of one transaction at most (1000)", 0 },
        { "headers", 'h', NULL, 0, "with as many headers as replies and commands have", 0 },
        { "round-trips", 'r', "COUNT", 0, "round trips to time (600); 0: none", 0 },
        { "rate", 'R', "COUNT", 0, "events a second of a steady load, each timed; 0: none", 0 },
        { "seconds", 's', "COUNT", 0, "of it (20)", 0 },
        { 0 }
    };
    static const struct argp argp = {
        flags, parse, NULL, "The plain transactional loop; prints one JSON object.",
        NULL,  NULL,  NULL
    };
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    raw_clients_init(options.bootstrap);
    const char *const pairs[][2] = { { "compression.type", "lz4" } };
    rd_kafka_conf_t *conf = raw_settings(pairs, 1);
    rd_kafka_conf_set_dr_msg_cb(conf, raw_delivered);
    rd_kafka_t *admin = raw_client(RD_KAFKA_PRODUCER, conf);
    double *took_ms = calloc((size_t)options.round_trips + 1, sizeof *took_ms);
    if (!took_ms) raw_stop("out of memory");
    raw_create_topics(admin, options.partitions);
    fill(admin);
    workers_start();
    printf("{\"partitions\":%d,\"workers\":%d,\"batch\":%d", options.partitions, options.workers,
           options.batch);
    if (options.events > 0) {
        uint64_t transactions;
        double processor_s, seconds = measure_throughput(&transactions, &processor_s);
        const char *name = options.headers ? "raw_headed" : "raw";
        printf(",\"%s_events_per_s\":%.0f,\"%s_us_per_event\":%.3f,\"events\":%d,\"transactions\":"
               "%" PRIu64 ",\"seconds\":%.3f",
               name, options.events / seconds, name, processor_s / options.events * 1e6,
               options.events, transactions, seconds);
    }
    running = true;
    if (options.round_trips > 0) {
        measure_round_trips(admin, took_ms);
        print_round_trips(took_ms);
    }
    if (options.rate > 0) {
        const struct raw_pace pace = { options.partitions, options.rate, options.seconds,
                                       event_headers() };
        struct raw_hop hop = raw_paced(admin, &pace);
        printf(",\"raw_hop_p50_ms\":%.3f,\"raw_hop_p99_ms\":%.3f", hop.p50_ms, hop.p99_ms);
    }
    workers_stop();
    raw_delete_topics(admin);
    rd_kafka_destroy(admin);
    free(took_ms);
    printf("}\n");
    return 0;
}
