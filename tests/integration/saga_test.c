/* Sagas on a real broker and a real Redis: the example in all its endings, with coordinators, Redis and broker that are
 * killed, stopped and come back in the middle. After each the books must balance. */
/* clang-format off: cmocka wants its headers in this order */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/cluster.h"
#include "harness/process.h"

#define ORDER SAGA_SOURCE_DIR "/sagas/order-fulfilment.yaml"

enum { LANES = 4, WAIT_MS = 120000 };

static const char *const order_topics[] = { "inventory.commands", "payments.commands", "shipping.commands", NULL };

static const struct saga_answer_rule rules[] = {
    { "stock-*", "ReserveStock", "OutOfStock" },     { "fraud-*", "CheckFraud", "FraudSuspected" },
    { "card-*", "ChargeCard", "CardDeclined" },      { "courier-*", "BookCourier", "NoCourier" },
    { "unknown-*", "BookCourier", "silent" },        { "once-*", "ChargeCard", "silent-once" },
    { "refused-*", "HandOver", "HandOverRefused" },  { "busy-*", "ChargeCard", "Unavailable" },
};
enum { RULES = sizeof rules / sizeof rules[0] };

static void start_order(struct saga_test_cluster *cluster)
{
    saga_test_cluster_start(cluster, ORDER, LANES);
    saga_test_participants(cluster, rules, RULES);
}

/* The starts' topic begins at its end (from: latest): nothing is sent before somebody reads it. */
static void start_first_coordinator(struct saga_test_cluster *cluster)
{
    saga_test_coordinator_start(cluster, 0);
    for (int i = 0; i < 600; i++) {
        char words[4096];
        int code = saga_test_cli(cluster, words, sizeof words, "doctor");
        if (code == 0 && strstr(words, "c0/")) return;
        saga_test_sleep_ms(100);
    }
    char words[8192];
    saga_test_cli(cluster, words, sizeof words, "doctor");
    fail_msg("the coordinator does not get ready; logs in %s\n%s", cluster->folder, words);
}

static void all_endings_of_1000_sagas(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start_order(&cluster);
    start_first_coordinator(&cluster);
    saga_test_send_orders(&cluster, "good-", 600);
    saga_test_send_orders(&cluster, "stock-", 60);
    saga_test_send_orders(&cluster, "fraud-", 60);
    saga_test_send_orders(&cluster, "card-", 60);
    saga_test_send_orders(&cluster, "courier-", 60);
    saga_test_send_orders(&cluster, "unknown-", 50);
    saga_test_send_orders(&cluster, "once-", 50);
    saga_test_send_orders(&cluster, "refused-", 30);
    saga_test_send_orders(&cluster, "busy-", 30);
    saga_test_wait_status(&cluster, "completed", 650, WAIT_MS);
    saga_test_wait_status(&cluster, "compensated", 350, WAIT_MS);
    saga_test_check_books(&cluster, order_topics);
    assert_int_equal(saga_test_count_records(&cluster, "saga.dead-letters"), 0);
    assert_int_equal(saga_test_count_records(&cluster, "shop.order-events"), 1000);
    int status = saga_test_coordinator_signal(&cluster, 0, SIGTERM);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0); /* R27 */
    saga_test_cluster_stop(&cluster);
}

static void coordinators_come_go_and_are_killed_under_load(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start_order(&cluster);
    start_first_coordinator(&cluster);
    saga_test_send_orders(&cluster, "a-", 150);
    saga_test_coordinator_start(&cluster, 1);
    saga_test_send_orders(&cluster, "b-", 150);
    saga_test_coordinator_start(&cluster, 2);
    saga_test_send_orders(&cluster, "c-", 150);
    saga_test_coordinator_signal(&cluster, 1, SIGKILL);
    saga_test_send_orders(&cluster, "courier-", 100);
    saga_test_coordinator_signal(&cluster, 0, SIGTERM);
    saga_test_coordinator_start(&cluster, 1);
    saga_test_send_orders(&cluster, "d-", 150);
    /* all of them at once */
    saga_test_coordinator_signal(&cluster, 1, SIGKILL);
    saga_test_coordinator_signal(&cluster, 2, SIGKILL);
    saga_test_coordinator_start(&cluster, 1);
    saga_test_coordinator_start(&cluster, 2);
    saga_test_wait_status(&cluster, "completed", 600, WAIT_MS);
    saga_test_wait_status(&cluster, "compensated", 100, WAIT_MS);
    saga_test_check_books(&cluster, order_topics);
    assert_int_equal(saga_test_count_records(&cluster, "shop.order-events"), 700);
    saga_test_cluster_stop(&cluster);
}

static void a_zombie_does_nothing(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start_order(&cluster);
    start_first_coordinator(&cluster);
    saga_test_coordinator_start(&cluster, 1);
    saga_test_send_orders(&cluster, "a-", 200);
    saga_test_coordinator_signal(&cluster, 0, SIGSTOP);
    saga_test_send_orders(&cluster, "b-", 200);
    saga_test_sleep_ms(14000); /* beyond session (6 s) and transaction timeout (10 s) */
    saga_test_coordinator_signal(&cluster, 0, SIGCONT);
    saga_test_send_orders(&cluster, "c-", 100);
    saga_test_wait_status(&cluster, "completed", 500, WAIT_MS);
    saga_test_check_books(&cluster, order_topics);
    assert_int_equal(saga_test_count_records(&cluster, "shop.order-events"), 500);
    saga_test_cluster_stop(&cluster);
}

static void redis_is_killed_and_loses_everything(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start_order(&cluster);
    start_first_coordinator(&cluster);
    saga_test_send_orders(&cluster, "a-", 100);
    saga_test_redis_kill(cluster.redis);
    saga_test_send_orders(&cluster, "b-", 100);
    saga_test_redis_restart(cluster.redis);
    saga_test_send_orders(&cluster, "c-", 100);
    saga_test_redis_flushall(cluster.redis);
    saga_test_send_orders(&cluster, "d-", 100);
    saga_test_wait_status(&cluster, "completed", 400, WAIT_MS);
    saga_test_redis_flushall(cluster.redis); /* while all lanes are idle: the heartbeat notices (R9) */
    saga_test_wait_status(&cluster, "completed", 400, WAIT_MS);
    saga_test_check_books(&cluster, order_topics);
    saga_test_cluster_stop(&cluster);
}

static void the_broker_is_killed_under_load(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start_order(&cluster);
    start_first_coordinator(&cluster);
    saga_test_coordinator_start(&cluster, 1);
    saga_test_send_orders(&cluster, "a-", 200);
    saga_test_kafka_kill(&cluster.kafka);
    saga_test_sleep_ms(1000);
    assert_int_equal(saga_test_kafka_restart(&cluster.kafka), 0);
    saga_test_send_orders(&cluster, "b-", 200);
    saga_test_kafka_kill(&cluster.kafka);
    assert_int_equal(saga_test_kafka_restart(&cluster.kafka), 0);
    saga_test_wait_status(&cluster, "completed", 400, WAIT_MS);
    saga_test_check_books(&cluster, order_topics);
    saga_test_cluster_stop(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_endings_of_1000_sagas),
        cmocka_unit_test(coordinators_come_go_and_are_killed_under_load),
        cmocka_unit_test(a_zombie_does_nothing),
        cmocka_unit_test(redis_is_killed_and_loses_everything),
        cmocka_unit_test(the_broker_is_killed_under_load),
    };
    return cmocka_run_group_tests_name("sagas on real servers", tests, NULL, NULL);
}
