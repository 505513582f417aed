/* Topics that nobody has made: deploying refuses, and where somebody insists, what is to go there waits until they are
 * made (R24, R25). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/cluster.h"
#include "harness/process.h"

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"

enum {
    LANES = 4,
    WAIT_MS = 120000,
    STEP_MS = 100,
    LONGER_MS =
        100000 /* than what it takes until the broker's answer is taken as a refusal three times */
};

static const char *const order_topics[] = { "inventory.commands", "payments.commands",
                                            "shipping.commands", NULL };

static bool log_says(const struct saga_test_cluster *cluster, const char *words)
{
    char path[512], line[4096];
    bool found = false;
    snprintf(path, sizeof path, "%s/coordinator-0.log", cluster->folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (!found && fgets(line, sizeof line, file)) found = strstr(line, words) != NULL;
    fclose(file);
    return found;
}

static void wait_log(const struct saga_test_cluster *cluster, const char *words)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        if (log_says(cluster, words)) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the coordinator never said \"%s\"; logs in %s", words, cluster->folder);
}

static void make_topic(struct saga_test_cluster *cluster, const char *name)
{
    struct saga_topic_spec spec = { .name = name, .partitions = LANES };
    bool created;
    assert_int_equal(saga_client_create_topic(cluster->client, &spec, WAIT_MS, &created), 0);
}

static void what_has_no_topic_waits_for_it(void **state)
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
    for (size_t i = 0; order_topics[i]; i++) assert_non_null(strstr(words, order_topics[i]));
    assert_non_null(strstr(words, "saga topics create FILE"));
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "definitions"), 0);
    assert_non_null(strstr(words, "nothing is deployed yet"));
    assert_int_equal(saga_test_cli(&cluster, NULL, 0, "deploy --allow-missing-topics %s", PATIENT),
                     0);

    for (size_t i = 0; i < sizeof read / sizeof read[0]; i++) make_topic(&cluster, read[i]);
    saga_test_coordinator_start(&cluster, 0);
    wait_log(&cluster, "is ready");
    saga_test_send_orders(&cluster, "a-", 3);
    wait_log(&cluster, "there is no topic inventory.commands");
    saga_test_sleep_ms(LONGER_MS);
    assert_int_equal(saga_test_count_records(&cluster, "saga.dead-letters"), 0);

    assert_int_equal(saga_test_cli(&cluster, NULL, 0, "topics create %s", PATIENT), 0);
    saga_test_participants(&cluster, NULL, 0);
    saga_test_wait_status(&cluster, "completed", 3, WAIT_MS);
    assert_int_equal(saga_test_count_records(&cluster, "saga.dead-letters"), 0);
    saga_test_check_books(&cluster, order_topics);
    saga_test_cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_has_no_topic_waits_for_it) };
    return cmocka_run_group_tests_name("topics that are not there", tests, NULL, NULL);
}
