/* What a lane does when what it reads cannot be believed or Redis does not take it: that lane waits or is built anew, the
 * others go on, and somebody is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/hash.h"
#include "base/limits.h"
#include "harness/cluster.h"
#include "harness/expect.h"
#include "harness/process.h"

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"

enum { LANES = 4, WAIT_MS = SAGA_TEST_WAIT_MS, CALL_MS = 60000, STEP_MS = 100, ORDERS = 60 };

/* How often the first coordinator's log says this. */
static unsigned log_says(const struct saga_test_cluster *cluster, const char *words)
{
    char path[512], line[4096];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/coordinator-0.log", cluster->folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) count += strstr(line, words) != NULL;
    fclose(file);
    return count;
}

static void wait_log(const struct saga_test_cluster *cluster, const char *words, unsigned count)
{
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (saga_test_now_ms() < until_ms) {
        if (log_says(cluster, words) >= count) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the coordinator never said \"%s\"; logs in %s", words, cluster->folder);
}

static void work(struct saga_test_cluster *cluster)
{
    saga_test_participants(cluster, NULL, 0);
    saga_test_coordinators_ready(cluster, 1);
    saga_test_send_orders(cluster, "a-", ORDERS);
    saga_test_wait_status(cluster, "completed", ORDERS, WAIT_MS);
}

static void start(struct saga_test_cluster *cluster)
{
    saga_test_cluster_start(cluster, PATIENT, LANES);
    work(cluster);
}

/* Catches a rebuild that goes on where it was interrupted and takes the second record for the first. */
static void redis_is_full_while_lanes_are_built(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start(&cluster);
    int64_t since_ms = saga_test_now_ms();
    saga_test_redis_ask(cluster.redis, "CONFIG SET maxmemory 1");
    saga_test_redis_flushall(cluster.redis);
    wait_log(&cluster, "raise maxmemory", 1);
    saga_test_sleep_ms(3000); /* many attempts */
    /* waiting for memory is no reason to hurry: each worker waits 200 ms from one to the next */
    unsigned attempts = log_says(&cluster, "lane is rebuilt");
    assert_true(attempts < 100 + (saga_test_now_ms() - since_ms) / 50);
    saga_test_redis_ask(cluster.redis, "CONFIG SET maxmemory 0");
    saga_test_send_orders(&cluster, "b-", ORDERS);
    saga_test_wait_status(&cluster, "completed", 2 * ORDERS, WAIT_MS);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_cluster_stop(&cluster);
}

static void write_journal(struct saga_test_cluster *cluster, struct saga_slice value)
{
    struct saga_message message = { .topic = SAGA_SLICE("saga.journal"),
                                    .partition = 0,
                                    .value = value };
    struct saga_position position;
    assert_int_equal(saga_client_send(cluster->client, &message, CALL_MS, &position), 0);
}

/* Catches a lane that is never built again because somebody else has written into its journal, and a proof that does not say so. */
static void a_foreign_record_holds_up_nothing(void **state)
{
    struct saga_test_cluster cluster;
    char words[16384];
    (void)state;
    saga_test_cluster_start(&cluster, PATIENT, LANES);
    write_journal(&cluster, SAGA_SLICE("before the record that opens the journal"));
    work(&cluster);
    write_journal(&cluster, SAGA_SLICE("this is no record"));
    saga_test_redis_flushall(cluster.redis);
    wait_log(&cluster, "none of the coordinator's: it is passed over", 1);
    saga_test_send_orders(&cluster, "b-", ORDERS);
    saga_test_wait_status(&cluster, "completed", 2 * ORDERS, WAIT_MS);
    write_journal(&cluster, SAGA_SLICE("behind what Redis was told of"));
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "replay --verify"), 1);
    assert_non_null(strstr(words, "lane 0, offset 0: it is not in Avro's single-object encoding"));
    assert_non_null(strstr(words, "NOT verified: 3 differences"));
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_anchor_keys(&cluster);
    saga_test_expect(&cluster, 0, "", "audit anchor --key %s/anchor.key --to %s/anchors",
                     cluster.folder, cluster.folder);
    saga_test_redis_ask(cluster.redis, "DEL saga:{0}:lane");
    saga_test_expect(&cluster, 10, "a coordinator that runs builds it anew", "doctor");
    assert_null(strstr(saga_test_said(), "cannot be read"));
    saga_test_cluster_stop(&cluster);
}

/* Catches a worker that stands still with all its lanes because of one. */
static void a_journal_that_cannot_be_read_holds_up_its_lane_only(void **state)
{
    struct saga_test_cluster cluster;
    char words[16384];
    (void)state;
    start(&cluster);
    write_journal(&cluster, SAGA_SLICE("\xC3\x01 as if it were a record"));
    saga_test_redis_flushall(cluster.redis);
    wait_log(&cluster, "a journal cannot be read: the sagas of its lane wait", 1);
    saga_test_send_orders(&cluster, "b-", ORDERS);
    /* those of the three other lanes come to their end, which Kafka tells: Redis may have a part of lane 0 */
    uint64_t others = 0;
    for (unsigned i = 1; i <= ORDERS; i++) {
        char key[32];
        snprintf(key, sizeof key, "b-%u", i);
        if (saga_lane_of_key(saga_slice_of(key), LANES) != 0) others++;
    }
    assert_true(others > 0 && others < ORDERS);
    saga_test_wait_records(&cluster, "shop.order-events", ORDERS + others);
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "replay --verify --from-journal"),
                     1);
    assert_non_null(strstr(words, "lane 0"));
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_cluster_stop(&cluster);
}

/* The saga is asked for once more, which shows what is in its place in Redis; its lane is built anew, and all goes on. */
static void is_built_anew(struct saga_test_cluster *cluster)
{
    saga_test_coordinator_start(cluster, 0);
    saga_test_send_orders(cluster, "a-", 1);
    wait_log(cluster, "what Redis holds does not fit it", 1);
    saga_test_send_orders(cluster, "b-", ORDERS);
    saga_test_wait_status(cluster, "completed", 2 * ORDERS, WAIT_MS);
    saga_test_check_books(cluster, saga_test_order_topics);
}

/* Catches a damaged state that makes its lane recover for ever instead of being built anew. */
static void a_damaged_state_is_built_anew(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start(&cluster);
    saga_test_coordinator_stop(&cluster, 0);
    uint32_t lane = saga_lane_of_key(SAGA_SLICE("a-1"), LANES);
    assert_string_equal(saga_test_redis_ask(cluster.redis,
                                            "SET saga:{%u}:state:order-fulfilment/a-1 garbage",
                                            lane),
                        "OK");
    is_built_anew(&cluster);
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_cluster_stop(&cluster);
}

/* Another order of the same lane as a-1. */
static unsigned neighbour(void)
{
    uint32_t lane = saga_lane_of_key(SAGA_SLICE("a-1"), LANES);
    for (unsigned i = 2; i <= ORDERS; i++) {
        char key[32];
        snprintf(key, sizeof key, "a-%u", i);
        if (saga_lane_of_key(saga_slice_of(key), LANES) == lane) return i;
    }
    fail_msg("no other order is in the lane of a-1");
    return 0;
}

/* Catches a state that can be read, but is not its saga's, and is decided on; or makes the coordinator start again and
 * again. */
static void a_state_that_does_not_fit_is_built_anew(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start(&cluster);
    saga_test_coordinator_stop(&cluster, 0);
    uint32_t lane = saga_lane_of_key(SAGA_SLICE("a-1"), LANES);
    assert_string_equal(saga_test_redis_ask(cluster.redis,
                                            "COPY saga:{%u}:state:order-fulfilment/a-%u "
                                            "saga:{%u}:state:order-fulfilment/a-1 REPLACE",
                                            lane, neighbour(), lane),
                        "1");
    is_built_anew(&cluster);
    wait_log(&cluster, "a state does not fit its definition: its lane is built anew", 1);
    /* once, or again where the group has taken the lane away before it was built */
    assert_true(log_says(&cluster, "its lane is built anew") <= SAGA_UNFIT_REBUILDS_MAX);
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_cluster_stop(&cluster);
}

/* Version 1 of a saga with one step, behind these blocks. */
static void deploy_behind(struct saga_test_cluster *cluster, const char *blocks)
{
    char path[512];
    snprintf(path, sizeof path, "%s/shifted.yaml", cluster->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(
        file,
        "saga: shifted\nversion: 1\n"
        "participants: { desk: { commands: desk.commands, replies: desk.replies } }\n"
        "start: { topic: shop.shifts, event: Shifted, key: .k, from: earliest }\n"
        "steps:\n%s"
        "  - { step: ask, send: desk/Ask, success: Answered, timeout: 10m, compensate: none }\n",
        blocks);
    assert_int_equal(fclose(file), 0);
    saga_test_cluster_deploy(cluster, path);
}

/* Catches a state of another content of its version that ends the coordinator, or holds up its lane for ever. */
static void a_saga_whose_version_has_another_content_is_put_aside(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    saga_test_cluster_start(&cluster, NULL, 1);
    deploy_behind(&cluster, "");
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_send(&cluster, "shop.shifts", "one", "Shifted", "{\"k\":\"one\"}", NULL);
    saga_test_wait_status(&cluster, "running", 1, WAIT_MS);
    saga_test_coordinator_stop(&cluster, 0);
    assert_int_equal(saga_client_delete_topic(cluster.client, "saga.definitions", CALL_MS), 0);
    deploy_behind(&cluster, "  - set: { a: .input.k }\n");
    saga_test_coordinator_start(&cluster, 0);
    saga_test_send(&cluster, "shop.shifts", "two", "Shifted", "{\"k\":\"two\"}", NULL);
    saga_test_wait_status(&cluster, "running", 2, WAIT_MS);
    saga_test_send(&cluster, "desk.replies", "one", "Answered", "{}", "ce_subject=shifted/one",
                   NULL);
    wait_log(&cluster, "its state, built from the journal, does not fit its definition", 1);
    saga_test_send(&cluster, "desk.replies", "two", "Answered", "{}", "ce_subject=shifted/two",
                   NULL);
    saga_test_wait_status(&cluster, "completed", 1, WAIT_MS);
    /* so often, and again where the group took the lane away meanwhile */
    assert_true(log_says(&cluster, "its lane is built anew") >= SAGA_UNFIT_REBUILDS_MAX);
    saga_test_wait_records(&cluster, "saga.dead-letters", 1);
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_cluster_stop(&cluster);
}

/* Catches a coordinator that works on while Redis may throw its sagas away. */
static void a_policy_that_evicts_stops_the_coordinator(void **state)
{
    struct saga_test_cluster cluster;
    int status = 0;
    (void)state;
    start(&cluster);
    saga_test_redis_ask(cluster.redis, "CONFIG SET maxmemory-policy allkeys-lru");
    wait_log(&cluster, "maxmemory-policy is allkeys-lru", 1);
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (saga_test_running(cluster.coordinators[0]) && saga_test_now_ms() < until_ms)
        saga_test_sleep_ms(STEP_MS);
    status = saga_test_coordinator_signal(&cluster, 0, SIGTERM);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    saga_test_redis_ask(cluster.redis, "CONFIG SET maxmemory-policy noeviction");
    saga_test_coordinator_start(&cluster, 0);
    saga_test_send_orders(&cluster, "b-", ORDERS);
    saga_test_wait_status(&cluster, "completed", 2 * ORDERS, WAIT_MS);
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_cluster_stop(&cluster);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redis_is_full_while_lanes_are_built),
        cmocka_unit_test(a_foreign_record_holds_up_nothing),
        cmocka_unit_test(a_journal_that_cannot_be_read_holds_up_its_lane_only),
        cmocka_unit_test(a_damaged_state_is_built_anew),
        cmocka_unit_test(a_state_that_does_not_fit_is_built_anew),
        cmocka_unit_test(a_saga_whose_version_has_another_content_is_put_aside),
        cmocka_unit_test(a_policy_that_evicts_stops_the_coordinator),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("lanes in trouble", tests, NULL, NULL);
}
