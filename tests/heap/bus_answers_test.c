/* The bus and a command's client on librdkafka's mock cluster. Each request of a transaction is answered with each error that
 * a broker may give, once, and those that pass several times too. The bus must say one of what bus.h knows, with words; and
 * when the worker has done what it then has to do, the next transaction succeeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* in this order: the second needs the first */
#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "bus/client.h"
#include "bus/kafka.h"

enum { OPEN_MS = 120000, POLL_MS = 200, TRIES_MAX = 1000, OFTEN = 4, PASSING = 6 };

static const struct request {
    const char *name;
    int16_t key;           /* of Kafka's protocol */
    bool of_new_producers; /* which wait half a second before each further try */
} requests[] = { { "Produce", 0, false },
                 { "InitProducerId", 22, true },
                 { "AddPartitionsToTxn", 24, false },
                 { "AddOffsetsToTxn", 25, false },
                 { "EndTxn", 26, false },
                 { "TxnOffsetCommit", 28, false } };

static const struct code {
    rd_kafka_resp_err_t code;
    bool final; /* STOP is a right answer */
} codes[] = {
    { RD_KAFKA_RESP_ERR__TRANSPORT, false }, /* the connection breaks; up to PASSING, they pass */
    { RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, false },
    { RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, false },
    { RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, false },
    { RD_KAFKA_RESP_ERR_NOT_COORDINATOR, false },
    { RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, false },
    { RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, false },
    { RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, false },
    { RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, false },
    { RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, false },
    { RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, false },
    { RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, false },
    { RD_KAFKA_RESP_ERR_PRODUCER_FENCED, false },
    { RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, true },
    { RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, true },
};

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster;
static struct saga_arena arena;
static struct saga_bus bus;
static struct saga_kafka_config config;
static bool assigned;

static void on_assigned(void *context, const struct saga_position *partitions, size_t count)
{
    (void)context;
    (void)partitions;
    assigned = count > 0;
}

static void on_revoked(void *context, bool lost)
{
    (void)context;
    (void)lost;
    assigned = false;
}

/* ---- a worker's way ---- */

static struct {
    const struct request *request;
    const struct code *code;
    size_t times;
} fault;

static int answer(const char *call, int error, const int *allowed)
{
    if (error == SAGA_OK) return error;
    bool right = error == SAGA_E_STOP && fault.code->final;
    for (size_t i = 0; allowed[i]; i++) right = right || allowed[i] == error;
    if (!right || !*bus.problem(bus.self))
        fail_msg("%s %zu times for %s: %s said %s: '%s'", rd_kafka_err2name(fault.code->code),
                 fault.times, fault.request->name, call, saga_error_name(error),
                 bus.problem(bus.self));
    return error;
}
#define ANSWER(call, ...) answer(#call, bus.call, (const int[]){ __VA_ARGS__, 0 })

static void have_assignment(void)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        struct saga_bus_records records;
        if (bus.poll(bus.self, i ? POLL_MS : 0, 10, &records) == SAGA_OK)
            bus.release(bus.self, &records);
        if (assigned) return;
    }
    fail_msg("no assignment comes: %s", bus.problem(bus.self));
}

static int transact(void)
{
    struct saga_message message = { .topic = SAGA_SLICE("out"), .value = SAGA_SLICE("x") };
    struct saga_position position = { SAGA_SLICE("in"), 0, 1 };
    int64_t offset = -1;
    int error = ANSWER(begin(bus.self), SAGA_E_AGAIN, SAGA_E_RECOVER);
    if (error == SAGA_E_AGAIN) return error;
    if (error == SAGA_OK)
        error =
            ANSWER(send(bus.self, &message, &offset), SAGA_E_ABORT, SAGA_E_INVALID, SAGA_E_RECOVER);
    if (error == SAGA_OK)
        error = ANSWER(flush(bus.self), SAGA_E_ABORT, SAGA_E_INVALID, SAGA_E_RECOVER);
    if (error == SAGA_OK)
        error = ANSWER(send_offsets(bus.self, &position, 1), SAGA_E_ABORT, SAGA_E_FENCED,
                       SAGA_E_RECOVER);
    if (error == SAGA_OK)
        error =
            ANSWER(commit(bus.self), SAGA_E_ABORT, SAGA_E_INVALID, SAGA_E_FENCED, SAGA_E_RECOVER);
    if (error == SAGA_OK) {
        if (offset < 0) fail_msg("it is committed, and no offset is told");
        return error;
    }
    if (error != SAGA_E_RECOVER && error != SAGA_E_STOP) {
        int aborted = ANSWER(abort(bus.self), SAGA_E_RECOVER);
        if (aborted < 0) error = aborted;
    }
    return error;
}

/* What has to be done after an error, until the producers are there. */
static void mend(int error)
{
    if (error != SAGA_E_RECOVER && error != SAGA_E_STOP) return;
    for (int i = 0; i < TRIES_MAX; i++) {
        /* the fault may meet this too; it does not stay */
        if (ANSWER(renew(bus.self), SAGA_E_AGAIN, SAGA_E_RECOVER) == SAGA_OK) return;
    }
    fail_msg("the producers cannot be made anew: %s", bus.problem(bus.self));
}

/* Until both producers have had a transaction that succeeded: a record that was refused aborts its producer's next one
 * too. */
static void settle(void)
{
    int in_a_row = 0;
    for (int i = 0; i < TRIES_MAX && in_a_row < 2; i++) {
        have_assignment();
        int error = transact();
        in_a_row = error == SAGA_OK ? in_a_row + 1 : 0;
        mend(error);
    }
    if (in_a_row < 2)
        fail_msg("%s for %s: no transaction succeeds any more: %s",
                 rd_kafka_err2name(fault.code->code), fault.request->name, bus.problem(bus.self));
}

static unsigned counts[12];

static void answer_with(const struct request *request, const struct code *code, size_t times)
{
    rd_kafka_resp_err_t errors[OFTEN];
    fault.request = request;
    fault.code = code;
    fault.times = times;
    for (size_t i = 0; i < times; i++) errors[i] = code->code;
    rd_kafka_mock_push_request_errors_array(cluster, request->key, times, errors);
    int error = request->of_new_producers ? SAGA_E_RECOVER : transact();
    counts[-error]++;
    /* a producer remembers for a minute that a topic is forbidden: started anew it does not */
    mend(code->final ? SAGA_E_STOP : error);
    rd_kafka_mock_clear_request_errors(cluster, request->key);
    settle();
}

static void every_answer_has_a_meaning(void **state)
{
    (void)state;
    fault.request = requests;
    fault.code = codes;
    settle();
    for (size_t r = 0; r < sizeof requests / sizeof *requests; r++)
        for (size_t c = 0; c < sizeof codes / sizeof *codes; c++) {
            answer_with(&requests[r], &codes[c], 1);
            if (!requests[r].of_new_producers && c < PASSING)
                answer_with(&requests[r], &codes[c], OFTEN);
        }
    for (int i = 0; i < 12; i++)
        if (counts[i]) print_message("%s: %u\n", saga_error_name(-i), counts[i]);
    assert_true(counts[-SAGA_E_ABORT] > 0 && counts[-SAGA_E_FENCED] > 0);
    assert_true(counts[-SAGA_E_RECOVER] > 0 && counts[0] > 0);
}

/* Catches a command that fails because the partition is led by another broker in a moment. */
static void the_next_leader_is_waited_for(void **state)
{
    enum { LIST_OFFSETS = 2, TIMES = 6 };
    struct saga_client *client;
    struct saga_diagnostic diagnostic = { 0 };
    rd_kafka_resp_err_t errors[TIMES];
    int64_t low, high;
    (void)state;
    for (int i = 0; i < TIMES; i++) errors[i] = RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    assert_int_equal(saga_client_new(&config, &arena, &client, &diagnostic), 0);
    rd_kafka_mock_push_request_errors_array(cluster, LIST_OFFSETS, TIMES, errors);
    assert_int_equal(saga_client_watermarks(client, SAGA_SLICE("out"), 0, OPEN_MS, &low, &high), 0);
    saga_client_free(client);
}

static int start(void **state)
{
    char words[256];
    struct saga_slice source = SAGA_SLICE("in");
    struct saga_diagnostic diagnostic = { 0 };
    (void)state;
    saga_arena_init(&arena);
    host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), words, sizeof words);
    cluster = rd_kafka_mock_cluster_new(host, 1);
    rd_kafka_mock_topic_create(cluster, "in", 1, 1);
    rd_kafka_mock_topic_create(cluster, "out", 1, 1);
    config =
        (struct saga_kafka_config){ .bootstrap_servers = rd_kafka_mock_cluster_bootstraps(cluster),
                                    .group = "g",
                                    .instance = "i",
                                    .session_timeout_ms = 6000,
                                    .transaction_timeout_ms = 10000,
                                    .mock = true };
    if (saga_kafka_open(&config, 0, OPEN_MS, &arena, &bus, &diagnostic) < 0) return -1;
    bus.listen(bus.self, (struct saga_bus_listener){ NULL, on_assigned, on_revoked });
    return bus.subscribe(bus.self, &source, 1, 0);
}

static int stop(void **state)
{
    (void)state;
    bus.close(bus.self);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    saga_arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_next_leader_is_waited_for),
                                        cmocka_unit_test(every_answer_has_a_meaning) };
    return cmocka_run_group_tests_name("a broker's answers", tests, start, stop);
}
