/* Avro both ways with the stock Java library: the example sagas/invoice.yaml, of which every body is Avro, with services
 * that decode and compare what they get and encode what they answer (tests/participants/java/AvroParticipants.java). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/cluster.h"
#include "harness/process.h"

#define INVOICE SAGA_SOURCE_DIR "/sagas/invoice.yaml"
#define SCHEMAS SAGA_SOURCE_DIR "/schemas"

enum { LANES = 4, WAIT_MS = 400000, SAGAS = 35, REFUSED = 7, NO_ADDRESS = 5, NEITHER = 1 };

static const char *const topics[] = { "invoicing.commands", "mailroom.commands", NULL };

static void read_log(const char *path, char *ret, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t got = file ? fread(ret, 1, size - 1, file) : 0;
    ret[got] = '\0';
    if (file) fclose(file);
}

/* Its first body cannot be made: it ends at once, and nothing was sent. */
static void start_what_does_not_fit(struct saga_test_cluster *cluster)
{
    char path[512];
    snprintf(path, sizeof path, "%s/input.json", cluster->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("{\"deliveryId\":\"X-1\"}", file);
    fclose(file);
    assert_int_equal(
        saga_test_cli(cluster, NULL, 0, "start invoice --key X-1 --input %s --timeout 200s", path),
        0);
}

static void java_and_the_coordinator_read_each_other(void **state)
{
    struct saga_test_cluster cluster;
    char log[512], words[8192];
    pid_t java;
    (void)state;
    setenv("SAGA_SCHEMAS", SCHEMAS, 1);
    saga_test_cluster_start(&cluster, INVOICE, LANES);
    saga_test_coordinator_start(&cluster, 0);
    snprintf(log, sizeof log, "%s/java.log", cluster.folder);
    char *arguments[] = { "java",
                          "-XX:+UseSerialGC",
                          "-cp",
                          (char *)(uintptr_t)saga_test_kafka_classpath(),
                          SAGA_SOURCE_DIR "/tests/participants/java/AvroParticipants.java",
                          cluster.kafka.servers,
                          SCHEMAS,
                          "35",
                          NULL };
    assert_int_equal(saga_test_spawn(arguments, log, &java), 0);
    int status = saga_test_stop(java, 0, WAIT_MS);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        read_log(log, words, sizeof words);
        fail_msg("the services ended with %d; logs in %s\n%s", status, cluster.folder, words);
    }
    start_what_does_not_fit(&cluster);
    /* every fifth and every seventh is taken back; the 35th is one of both */
    saga_test_wait_status(&cluster, "compensated", REFUSED + NO_ADDRESS - NEITHER + 1, WAIT_MS);
    saga_test_wait_status(&cluster, "completed", SAGAS - REFUSED - NO_ADDRESS + NEITHER, WAIT_MS);
    saga_test_check_books(&cluster, topics);
    /* the reply that was no Avro: put aside with the place in it where it stops fitting, and D-1 completed */
    assert_int_equal(saga_test_count_records(&cluster, "saga.dead-letters"), 1);
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "dead-letters list"), 0);
    assert_non_null(strstr(words, "does not fit the schema of shop.invoicing.InvoiceCreated"));
    /* numbers beyond 2^53 and decimals, digit for digit */
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "history invoice/D-1 --bodies"),
                     0);
    assert_non_null(strstr(words, "\"customerNumber\":9007199254740993,"));
    assert_non_null(strstr(words, "\"amount\":1.90,"));
    assert_non_null(strstr(words, "\"due\":\"2028-02-29\""));
    assert_non_null(strstr(words, "\"sentAt\":\"2026-11-23T12:13:14.015926Z\""));
    /* written by the schema's first version, read as its second */
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "history invoice/D-3 --bodies"),
                     0);
    assert_non_null(strstr(words, "\"invoiceNumber\":3,"));
    assert_non_null(strstr(words, "\"remark\":null"));
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "history invoice/X-1"), 0);
    assert_non_null(strstr(words, "field customerNumber: must be a long, is null"));
    saga_test_cluster_stop(&cluster);
    unsetenv("SAGA_SCHEMAS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(java_and_the_coordinator_read_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
