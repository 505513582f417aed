/* Topics that nobody has made: deploying refuses, and where somebody insists, what is to go there is put aside with words
 * that name the topic (R24), and the lanes go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/error.h"
#include "harness/bus.h"
#include "harness/cluster.h"
#include "harness/process.h"
#include "runtime/letter_reasons.h"

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"

enum { LANES = 4, WAIT_MS = 240000, STEP_MS = 100, ORDERS = 3, TRIES = 20 };

static void wait_ready(struct saga_test_cluster *cluster)
{
    char path[512], line[4096];
    snprintf(path, sizeof path, "%s/coordinator-0.log", cluster->folder);
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        FILE *file = fopen(path, "r");
        bool ready = false;
        while (file && !ready && fgets(line, sizeof line, file))
            ready = strstr(line, "is ready") != NULL;
        if (file) fclose(file);
        if (ready) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the coordinator does not get ready; logs in %s", cluster->folder);
}

static void wait_letters(struct saga_test_cluster *cluster, uint64_t count)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        if (saga_test_count_records(cluster, "saga.dead-letters") >= count) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("what cannot be sent is not put aside; logs in %s", cluster->folder);
}

static void make_topic(struct saga_test_cluster *cluster, const char *name)
{
    struct saga_topic_spec spec = { .name = name, .partitions = LANES };
    bool created;
    assert_int_equal(saga_client_create_topic(cluster->client, &spec, WAIT_MS, &created), 0);
}

/* `list` is what `saga dead-letters list` printed: a line of headings, then a letter each, by its place. */
static void show_says_what_to_do(struct saga_test_cluster *cluster, const char *list)
{
    char words[4096];
    int partition, offset;
    const char *first = strchr(list, '\n');
    assert_non_null(first);
    assert_int_equal(sscanf(first, " %d/%d", &partition, &offset), 2);
    assert_int_equal(
        saga_test_cli(cluster, words, sizeof words, "dead-letters show %d/%d", partition, offset),
        0);
    assert_non_null(strstr(words, saga_letter_reasons[SAGA_LETTER_CANNOT_BE_COMMITTED].means));
    assert_non_null(strstr(words, saga_letter_reasons[SAGA_LETTER_CANNOT_BE_COMMITTED].mend));
}

static void what_has_no_topic_is_put_aside(void **state)
{
    struct saga_test_cluster cluster;
    struct saga_diagnostics findings;
    char words[4096];
    static const char *const read[] = { "shop.orders", "inventory.replies", "payments.replies",
                                        "shipping.replies" };
    (void)state;
    saga_test_cluster_start(&cluster, NULL, LANES);
    saga_diagnostics_init(&findings, &cluster.arena);
    assert_int_equal(saga_definition_load_file(PATIENT, NULL, &findings, &cluster.definition), 0);
    assert_int_equal(saga_test_cli(&cluster, NULL, 0, "topics create"), 0);

    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "deploy %s", PATIENT), 1);
    for (size_t i = 0; saga_test_order_topics[i]; i++)
        assert_non_null(strstr(words, saga_test_order_topics[i]));
    assert_non_null(strstr(words, "saga topics create FILE"));
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "definitions"), 0);
    assert_non_null(strstr(words, "nothing is deployed yet"));
    assert_int_equal(saga_test_cli(&cluster, NULL, 0, "deploy --allow-missing-topics %s", PATIENT),
                     0);

    for (size_t i = 0; i < sizeof read / sizeof read[0]; i++) make_topic(&cluster, read[i]);
    saga_test_coordinator_start(&cluster, 0);
    wait_ready(&cluster);
    saga_test_send_orders(&cluster, "a-", ORDERS);
    wait_letters(&cluster, ORDERS);
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "dead-letters list"), 0);
    assert_non_null(strstr(words, "there is no topic inventory.commands"));
    assert_non_null(strstr(words, "cannot-be-committed"));
    show_says_what_to_do(&cluster, words);

    assert_int_equal(saga_test_cli(&cluster, NULL, 0, "topics create %s", PATIENT), 0);
    saga_test_participants(&cluster, NULL, 0);
    saga_test_send_orders(&cluster, "b-", ORDERS);
    saga_test_wait_status(&cluster, "completed", ORDERS, WAIT_MS);
    assert_int_equal(saga_test_count_records(&cluster, "saga.dead-letters"), ORDERS);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_cluster_stop(&cluster);
}

/* Both producers in turn have heard of the broker, and remember, that there is no such topic. */
static void learn_that_it_is_missing(struct saga_test_bus *b)
{
    unsigned known = 0;
    for (int tries = 0; known < 2 && tries < TRIES; tries++) {
        assert_bus(b, b->bus.begin(b->bus.self), SAGA_OK);
        int error = saga_test_bus_send(b, "nowhere", 0, "a", 1, NULL);
        known = error == SAGA_OK ? 0 : known + 1; /* taken: it has not asked yet */
        if (error == SAGA_OK) error = b->bus.flush(b->bus.self);
        assert_bus(b, error, SAGA_E_INVALID);
        assert_non_null(strstr(b->bus.problem(b->bus.self), "there is no topic nowhere"));
        assert_bus(b, b->bus.abort(b->bus.self), SAGA_OK);
    }
    assert_int_equal(known, 2);
}

/* Catches a record that is put aside (R24) for a topic of which only the client remembers that it was not there: the broker does
 * not answer, and it may have been made since. */
static void a_broker_that_is_silent_says_nothing_of_a_topic(void **state)
{
    struct saga_test_kafka kafka;
    struct saga_test_bus b;
    (void)state;
    assert_int_equal(saga_test_kafka_start(&kafka), 0);
    saga_test_bus_open(&b, kafka.servers, "silent", "a", NULL, 0);
    learn_that_it_is_missing(&b);
    saga_test_kafka_freeze(&kafka);
    assert_bus(&b, b.bus.begin(b.bus.self), SAGA_OK);
    assert_bus(&b, saga_test_bus_send(&b, "nowhere", 0, "a", 2, NULL), SAGA_E_ABORT);
    assert_non_null(strstr(b.bus.problem(b.bus.self), "cannot be learned"));
    saga_test_kafka_thaw(&kafka);
    assert_bus(&b, b.bus.abort(b.bus.self), SAGA_OK);
    saga_test_bus_close(&b);
    saga_test_kafka_stop(&kafka);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_topic_is_put_aside),
        cmocka_unit_test(a_broker_that_is_silent_says_nothing_of_a_topic),
    };
    return cmocka_run_group_tests_name("topics that are not there", tests, NULL, NULL);
}
