/* Services that are slower than the starts: the sagas that are open pile up in Redis, and the coordinator's memory does
 * not grow with them, nor with what many large ones are answered at once. */
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
    GROWTH_KB_MAX = 60000,
    LARGE = 1200,
    LARGE_BYTES = 250000,
    /* Read as one batch they were 2.4 GB: as they come, as they are at hand, and as working copies. */
    LARGE_KB_MAX = 1500000
};

static const struct saga_answer_rule rules[] = { { "open-*", "ReserveStock", "silent" } };

static void start_ones(struct saga_test_cluster *cluster, const char *prefix, size_t bytes,
                       unsigned from, unsigned to)
{
    static char body[LARGE_BYTES + 256], note[LARGE_BYTES + 1];
    memset(note, 'n', bytes);
    note[bytes] = '\0';
    for (unsigned i = from; i < to; i++) {
        char key[64];
        snprintf(key, sizeof key, "%s-%u", prefix, i);
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
    start_ones(&cluster, "open", NOTE_BYTES, 0, FIRST);
    long first_kb = saga_test_status(cluster.coordinators[0], "VmRSS");
    start_ones(&cluster, "open", NOTE_BYTES, FIRST, ALL);
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

/* Their answers are all there before the coordinator is, and would be one batch. */
static void many_large_sagas_are_answered_at_once(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    saga_test_cluster_start(&cluster, SILENT, LANES);
    saga_test_coordinators_ready(&cluster, 1);
    start_ones(&cluster, "large", LARGE_BYTES, 0, LARGE);
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_participants(&cluster, NULL, 0);
    saga_test_wait_records(&cluster, "inventory.replies", LARGE);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_wait_status(&cluster, "completed", LARGE, WAIT_MS);
    long most_kb = saga_test_status(cluster.coordinators[0], "VmHWM");
    print_message("%d of %d B: %ld kB\n", LARGE, LARGE_BYTES, most_kb);
    assert_true(most_kb > 0 && most_kb < LARGE_KB_MAX);
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_cluster_stop(&cluster);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(memory_does_not_grow_with_open_sagas),
                                        cmocka_unit_test(many_large_sagas_are_answered_at_once) };
    setenv("SAGA_CACHE", "1MiB", 1);
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("backpressure", tests, NULL, NULL);
}
