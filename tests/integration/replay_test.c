/* `saga replay --with` and `--at` on the journal of a coordinator that has worked: whole, with a record that is nobody's, and
 * cut as its retention would cut it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/cluster.h"

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"

enum { LANES = 2, ORDERS = 20, WAIT_MS = 240000, WORDS = 65536 };

static char words[WORDS];
static char changed[512]; /* path: the same, with another body of one command */

static void write_changed(const struct saga_test_cluster *cluster)
{
    char line[1024];
    FILE *from = fopen(PATIENT, "r");
    snprintf(changed, sizeof changed, "%s/changed.yaml", cluster->folder);
    FILE *to = fopen(changed, "w");
    assert_true(from && to);
    while (fgets(line, sizeof line, from)) {
        char *amount = strstr(line, "amount: .input.total}'");
        if (strncmp(line, "version:", 8) == 0)
            fputs("version: 2\n", to);
        else if (amount)
            fprintf(to, "%.*samount: .input.total, currency: \"EUR\"}'\n", (int)(amount - line),
                    line);
        else
            fputs(line, to);
    }
    fclose(from);
    fclose(to);
}

static void expect(struct saga_test_cluster *cluster, int code, const char *said,
                   const char *arguments)
{
    int got = saga_test_cli(cluster, words, sizeof words, "replay %s", arguments);
    if (got != code || !strstr(words, said))
        fail_msg("saga replay %s: exit %d, expected %d and %s in\n%s", arguments, got, code, said,
                 words);
}

/* A number of the JSON that was printed last. */
static long number(const char *name)
{
    char member[64];
    snprintf(member, sizeof member, "\"%s\":", name);
    const char *at = strstr(words, member);
    if (!at) fail_msg("there is no %s in\n%s", name, words);
    return strtol(at + strlen(member), NULL, 10);
}

static void check_whole(struct saga_test_cluster *cluster)
{
    char with[1024];
    expect(cluster, 0, "\"passed\": true", "--with " PATIENT " -o json");
    assert_int_equal(number("same"), ORDERS);
    assert_int_equal(number("eventsUnknown"), 0);
    snprintf(with, sizeof with, "--with %s -o json", changed);
    expect(cluster, 1, "sends another body of CheckFraud", with);
    assert_int_equal(number("other-commands"), ORDERS);
    snprintf(with, sizeof with, "--with %s --accept other-commands", changed);
    expect(cluster, 0, "send other commands  (other-commands, accepted)", with);
    snprintf(with, sizeof with, "--with %s --saga nothing", changed);
    expect(cluster, 3, "no saga of a definition nothing", with);
    expect(cluster, 3, "that was started since", "--with " PATIENT " --since 0s");
    expect(cluster, 2, "cannot be used",
           "--with /nowhere.yaml"); /* no difference, for who goes by the exit code */
    expect(cluster, 0, "20 sagas, 20 completed", "--at 0s");
    expect(cluster, 0, "0 sagas", "--at 1h");
    expect(cluster, 0, "\"status\":\"completed\"", "--at 0s order-fulfilment/order-3 -o json");
    expect(cluster, 3, "there was no saga", "--at 1h order-fulfilment/order-3");
    expect(cluster, 0, "20 new, 0 changed, 0 gone", "--diff 1h 0s");
}

static void check_damaged(struct saga_test_cluster *cluster)
{
    saga_test_send(cluster, "saga.journal", "somebody", "Nonsense", "{\"not\":\"ours\"}", NULL);
    expect(cluster, 1, "\"unreadable\": 1", "--with " PATIENT " -o json");
    assert_int_equal(number("same"), ORDERS);
    expect(cluster, 0, "\"passed\": true", "--with " PATIENT " --accept unreadable -o json");
    expect(cluster, 0, "cannot be read", "--at 0s");
}

struct places {
    int64_t offsets
        [2]; /* of lane 0's first records: the one that opens it, the start of its first saga */
    size_t count;
};

static void note_place(const struct saga_message *record, void *context)
{
    struct places *places = context;
    if (record->partition == 0 && places->count < 2)
        places->offsets[places->count++] = record->offset;
}

/* Lane 0 loses the beginning of its first saga; there is no snapshot. */
static void check_cut(struct saga_test_cluster *cluster)
{
    struct places places = { .count = 0 };
    saga_test_visit_topic(cluster, "saga.journal", note_place, &places);
    assert_int_equal(places.count, 2);
    assert_int_equal(saga_test_kafka_cut(&cluster->kafka, "saga.journal", 0, places.offsets[1] + 1),
                     0);
    expect(cluster, 1, "\"lanesCut\": 1", "--with " PATIENT " --accept unreadable -o json");
    long lost = number("not-judged");
    assert_int_equal(lost, 1);
    assert_int_equal(number("sagas"), ORDERS);
    assert_int_equal(number("same"), ORDERS - lost);
    expect(cluster, 0, "the journal of 1 lane was cut", "--at 0s");
    expect(cluster, 0, "is not known", "--at 0s");
}

/* Catches a proof that waits for ever: for a Redis that is not there, and for records that a Redis claims to have which the
 * journal does not have. */
static void check_redis(struct saga_test_cluster *cluster)
{
    expect(cluster, 0, "verified", "--verify");
    expect(cluster, 1, "cannot be reached", "--verify --redis-port 1");
    expect(cluster, 0, "verified", "--verify --from-journal --redis-port 1");
    saga_test_redis_ask(cluster->redis, "HINCRBY saga:{0}:lane applied 100000");
    expect(cluster, 1, "difference (redis): lane 0: Redis stands at offset 100", "--verify");
    saga_test_redis_ask(cluster->redis, "HINCRBY saga:{0}:lane applied -100000");
    expect(cluster, 0, "verified", "--verify");
}

static void recorded_sagas_are_looked_at(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    saga_test_cluster_start(&cluster, PATIENT, LANES);
    write_changed(&cluster);
    saga_test_participants(&cluster, NULL, 0);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_send_orders(&cluster, "order-", ORDERS);
    saga_test_wait_status(&cluster, "completed", ORDERS, WAIT_MS);
    check_whole(&cluster);
    saga_test_coordinator_stop(&cluster, 0);
    check_redis(&cluster);
    check_damaged(&cluster);
    check_cut(&cluster);
    saga_test_cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(recorded_sagas_are_looked_at) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
