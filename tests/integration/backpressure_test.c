/* Services that are slower than the starts: the sagas that are open pile up in Redis, and the coordinator's memory does
 * not grow with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster.h"
#include "harness/process.h"

#define SILENT SAGA_SOURCE_DIR "/tests/integration/sagas/silent-order.yaml"

enum {
    LANES = 4,
    WAIT_MS = SAGA_TEST_WAIT_MS,
    NOTE_BYTES = 30000,
    FIRST = 1500,
    ALL = 4500,
    /* As much as may be fetched ahead and under way, 3 MB: for the first as for all, also where starts come faster than they are
     * taken. */
    PORTION = 100,
    /* What came after the first, kept once and without any overhead, would be 90 MB. */
    GROWTH_KB_MAX = 60000
};

static const struct saga_answer_rule rules[] = { { "open-*", "ReserveStock", "silent" } };

static void start_open_ones(struct saga_test_cluster *cluster, unsigned from, unsigned to)
{
    static char body[NOTE_BYTES + 256], note[NOTE_BYTES + 1];
    memset(note, 'n', NOTE_BYTES);
    for (unsigned i = from; i < to; i++) {
        char key[64];
        snprintf(key, sizeof key, "open-%u", i);
        snprintf(
            body, sizeof body,
            "{\"orderId\":\"%s\",\"customerId\":\"c\",\"total\":1,\"lines\":[],\"note\":\"%s\"}",
            key, note);
        saga_test_send(cluster, "shop.orders", key, "OrderPlaced", body, NULL);
        if ((i + 1) % PORTION == 0) saga_test_wait_status(cluster, "running", i + 1, WAIT_MS);
    }
}

static void memory_does_not_grow_with_open_sagas(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    saga_test_cluster_start(&cluster, SILENT, LANES);
    saga_test_participants(&cluster, rules, sizeof rules / sizeof rules[0]);
    saga_test_coordinators_ready(&cluster, 1);
    start_open_ones(&cluster, 0, FIRST);
    long first_kb = saga_test_status(cluster.coordinators[0], "VmRSS");
    start_open_ones(&cluster, FIRST, ALL);
    long all_kb = saga_test_status(cluster.coordinators[0], "VmRSS");
    assert_true(first_kb > 0 && all_kb > 0);
    print_message("%d open: %ld kB; %d open: %ld kB\n", FIRST, first_kb, ALL, all_kb);
    assert_true(all_kb - first_kb < GROWTH_KB_MAX);
    /* others pass between them */
    saga_test_send_orders(&cluster, "quick-", 50);
    saga_test_wait_status(&cluster, "completed", 50, WAIT_MS);
    saga_test_coordinator_signal(&cluster, 0, SIGTERM);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(memory_does_not_grow_with_open_sagas) };
    setenv("SAGA_CACHE", "1MiB", 1);
    return cmocka_run_group_tests_name("backpressure", tests, NULL, NULL);
}
