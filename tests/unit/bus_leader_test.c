/* Leaders move: whoever looks at a partition must find the new one at once, not when its memory of the old one ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* in this order: the second needs the first */
#include <librdkafka/rdkafka.h>

#include <librdkafka/rdkafka_mock.h>
#include <string.h>

#include "base/error.h"
#include "bus/client.h"

enum { CALL_MS = 10000, BROKERS = 3 };

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster;

static int begin(void **state)
{
    char words[256];
    (void)state;
    host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), words, sizeof words);
    cluster = rd_kafka_mock_cluster_new(host, BROKERS);
    rd_kafka_mock_topic_create(cluster, "journal", 1, BROKERS);
    rd_kafka_mock_partition_set_leader(cluster, "journal", 0, 1);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    return 0;
}

static void the_ends_of_a_partition_are_found_at_its_new_leader(void **state)
{
    (void)state;
    struct saga_arena arena;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_client *client;
    struct saga_position position;
    int64_t low, high;
    struct saga_kafka_config config = { .bootstrap_servers =
                                            rd_kafka_mock_cluster_bootstraps(cluster),
                                        .mock = true };
    struct saga_message message = { .topic = SAGA_SLICE("journal"),
                                    .partition = 0,
                                    .value = SAGA_SLICE("record") };
    saga_arena_init(&arena);
    assert_int_equal(saga_client_new(&config, &arena, &client, &diagnostic), SAGA_OK);
    assert_int_equal(saga_client_send(client, &message, CALL_MS, &position), SAGA_OK);
    for (int32_t leader = 1; leader <= BROKERS; leader++) {
        rd_kafka_mock_partition_set_leader(cluster, "journal", 0, leader);
        assert_int_equal(
            saga_client_watermarks(client, SAGA_SLICE("journal"), 0, CALL_MS, &low, &high),
            SAGA_OK);
        assert_int_equal(low, 0);
        assert_int_equal(high, 1);
    }
    saga_client_free(client);
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ends_of_a_partition_are_found_at_its_new_leader),
    };
    return cmocka_run_group_tests_name("leaders", tests, begin, finish);
}
