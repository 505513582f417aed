/* Counts and durations of a real coordinator: what the commands tell of them, that a journal proves them, also when Redis was lost,
 * and that one that was changed is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "harness/cluster.h"
#include "harness/process.h"

enum { LANES = 2, ORDERS = 12, WAIT_MS = 240000, STEP_MS = 200 };

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"

static char words[65536];

static void expect(struct saga_test_cluster *cluster, int code, const char *said,
                   const char *arguments)
{
    int got = saga_test_cli(cluster, words, sizeof words, "%s", arguments);
    if (got != code || !strstr(words, said))
        fail_msg("saga %s: exit %d, expected %d and %s in\n%s", arguments, got, code, said, words);
}

/* The last saga of a lane that is built anew is there a moment before the lane is whole: until then there is a warning. */
static void wait_whole(struct saga_test_cluster *cluster)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        if (saga_test_cli(cluster, words, sizeof words, "list") == 0 && !strstr(words, "warning:"))
            return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the lanes never are whole; logs in %s\n%s", cluster->folder, words);
}

static void check_told(struct saga_test_cluster *cluster)
{
    expect(cluster, 0, "\"completed\": 12", "definitions -o json");
    assert_non_null(strstr(words, "\"outcome\": \"succeeded\""));
    assert_null(strstr(words, "\"sagas\": null"));
    expect(cluster, 0, "12 completed", "list");
    expect(cluster, 0, "no such sagas", "list --step ship");
    expect(cluster, 0, "order-fulfilment/order-1", "list --definition order-fulfilment@1");
    expect(cluster, 2, "is not a version", "list --definition order-fulfilment@x");
}

/* Some field of the lane is one too high. */
static void change_a_duration(struct saga_test_cluster *cluster, int by)
{
    char field[256];
    snprintf(field, sizeof field, "%s",
             saga_test_redis_ask(cluster->redis, "HRANDFIELD saga:{0}:durations"));
    saga_test_redis_ask(cluster->redis, "HINCRBY saga:{0}:durations %s %d", field, by);
}

static void counts_and_durations_are_what_the_journal_gives(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    saga_test_cluster_start(&cluster, PATIENT, LANES);
    saga_test_participants(&cluster, NULL, 0);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_send_orders(&cluster, "order-", ORDERS);
    saga_test_wait_status(&cluster, "completed", ORDERS, WAIT_MS);
    check_told(&cluster);
    expect(&cluster, 0, "", "replay --verify");
    saga_test_redis_flushall(cluster.redis);
    saga_test_wait_status(&cluster, "completed", ORDERS, WAIT_MS);
    wait_whole(&cluster);
    check_told(&cluster);
    expect(&cluster, 0, "", "replay --verify");
    change_a_duration(&cluster, 1);
    expect(&cluster, 1, "Redis' durations say", "replay --verify");
    saga_test_cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(
        counts_and_durations_are_what_the_journal_gives) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
