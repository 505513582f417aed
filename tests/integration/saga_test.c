/* Sagas on a real broker and a real Redis: the example in all its endings, with coordinators, Redis and broker that are
 * killed, stopped and come back in the middle. After each the books must balance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "codec/codec.h"
#include "harness/cluster.h"
#include "harness/process.h"

#define SILENT SAGA_SOURCE_DIR "/tests/integration/sagas/silent-order.yaml"
#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"

enum { LANES = 4, WAIT_MS = SAGA_TEST_WAIT_MS, CALL_MS = 60000, STEP_MS = 100 };

static const struct saga_answer_rule rules[] = {
    { "stock-*", "ReserveStock", "OutOfStock" },    { "fraud-*", "CheckFraud", "FraudSuspected" },
    { "card-*", "ChargeCard", "CardDeclined" },     { "courier-*", "BookCourier", "NoCourier" },
    { "unknown-*", "BookCourier", "silent" },       { "once-*", "ChargeCard", "silent-once" },
    { "refused-*", "HandOver", "HandOverRefused" }, { "busy-*", "ChargeCard", "Unavailable" },
};
enum { RULES = sizeof rules / sizeof rules[0] };

/* Services that answer late must not look like services that never do: PATIENT, or SILENT where some are not to answer. */
static void start_order(struct saga_test_cluster *cluster, const char *path)
{
    saga_test_cluster_start(cluster, path, LANES);
    saga_test_participants(cluster, rules, RULES);
}

static void all_endings_of_1000_sagas(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start_order(&cluster, SILENT);
    saga_test_coordinators_ready(&cluster, 1);
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
    saga_test_check_books(&cluster, saga_test_order_topics);
    assert_int_equal(saga_test_count_records(&cluster, "saga.dead-letters"), 0);
    saga_test_wait_records(&cluster, "shop.order-events", 1000);
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_cluster_stop(&cluster);
}

static void coordinators_come_go_and_are_killed_under_load(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start_order(&cluster, PATIENT);
    saga_test_coordinators_ready(&cluster, 1);
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
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_wait_records(&cluster, "shop.order-events", 700);
    saga_test_cluster_stop(&cluster);
}

static void a_zombie_does_nothing(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start_order(&cluster, PATIENT);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_coordinator_start(&cluster, 1);
    saga_test_send_orders(&cluster, "a-", 200);
    saga_test_coordinator_signal(&cluster, 0, SIGSTOP);
    saga_test_send_orders(&cluster, "b-", 200);
    saga_test_sleep_ms(14000); /* beyond session (6 s) and transaction timeout (10 s) */
    saga_test_coordinator_signal(&cluster, 0, SIGCONT);
    saga_test_send_orders(&cluster, "c-", 100);
    saga_test_wait_status(&cluster, "completed", 500, WAIT_MS);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_wait_records(&cluster, "shop.order-events", 500);
    saga_test_cluster_stop(&cluster);
}

static void redis_is_killed_and_loses_everything(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start_order(&cluster, PATIENT);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_send_orders(&cluster, "a-", 100);
    saga_test_redis_kill(cluster.redis);
    saga_test_send_orders(&cluster, "b-", 100);
    saga_test_redis_restart(cluster.redis);
    saga_test_send_orders(&cluster, "c-", 100);
    saga_test_redis_flushall(cluster.redis);
    saga_test_send_orders(&cluster, "d-", 100);
    saga_test_wait_status(&cluster, "completed", 400, WAIT_MS);
    saga_test_redis_flushall(
        cluster.redis); /* while all lanes are idle: the heartbeat notices (R9) */
    saga_test_wait_status(&cluster, "completed", 400, WAIT_MS);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_cluster_stop(&cluster);
}

static void the_broker_is_killed_under_load(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start_order(&cluster, PATIENT);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_coordinator_start(&cluster, 1);
    saga_test_send_orders(&cluster, "a-", 200);
    saga_test_kafka_kill(&cluster.kafka);
    saga_test_sleep_ms(1000);
    assert_int_equal(saga_test_kafka_restart(&cluster.kafka), 0);
    saga_test_send_orders(&cluster, "b-", 200);
    saga_test_kafka_kill(&cluster.kafka);
    assert_int_equal(saga_test_kafka_restart(&cluster.kafka), 0);
    saga_test_wait_status(&cluster, "completed", 400, WAIT_MS);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_cluster_stop(&cluster);
}

/* Replies on topics with another number of partitions than the inbox: they reach their lanes by hops (R13). */
static void replies_hop_to_their_lanes(void **state)
{
    struct saga_test_cluster cluster;
    bool created;
    static const char *const reply_topics[] = { "inventory.replies", "payments.replies",
                                                "shipping.replies" };
    (void)state;
    saga_test_cluster_start(&cluster, NULL, LANES);
    for (int i = 0; i < 3; i++) {
        struct saga_topic_spec spec = { .name = reply_topics[i], .partitions = 7 };
        assert_int_equal(saga_client_create_topic(cluster.client, &spec, CALL_MS, &created), 0);
    }
    saga_test_cluster_deploy(&cluster, PATIENT);
    saga_test_participants(&cluster, rules, RULES);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_coordinator_start(&cluster, 1);
    saga_test_send_orders(&cluster, "a-", 200);
    saga_test_send_orders(&cluster, "card-", 50);
    saga_test_wait_status(&cluster, "completed", 200, WAIT_MS);
    saga_test_wait_status(&cluster, "compensated", 50, WAIT_MS);
    saga_test_check_books(&cluster, saga_test_order_topics);
    assert_true(saga_test_count_records(&cluster, "saga.inbox") > 0);
    assert_int_equal(saga_test_count_records(&cluster, "saga.dead-letters"), 0);
    saga_test_cluster_stop(&cluster);
}

/* Waits until a command prints this. */
static void wait_words(struct saga_test_cluster *cluster, const char *line, const char *part)
{
    char words[16384] = "";
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (saga_test_now_ms() < until_ms) {
        if (saga_test_cli(cluster, words, sizeof words, "%s", line) == 0 && strstr(words, part))
            return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("saga %s does not say \"%s\":\n%s", line, part, words);
}

static void strange_records_change_nothing(void **state)
{
    struct saga_test_cluster cluster;
    char words[16384];
    (void)state;
    start_order(&cluster, PATIENT);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_send_orders(&cluster, "x-", 1);
    saga_test_wait_status(&cluster, "completed", 1, WAIT_MS);
    /* a second start, a late duplicate, a contradiction, a reply for a step that was never sent */
    saga_test_send_orders(&cluster, "x-", 1);
    saga_test_send(&cluster, "payments.replies", "x-1", "CardCharged", "{}",
                   "ce_subject=order-fulfilment/x-1", NULL);
    saga_test_send(&cluster, "payments.replies", "x-1", "CardDeclined", "{}",
                   "ce_sagacommandid=order-fulfilment/x-1/000000000000/charge-card/1", NULL);
    /* dead letters: no JSON, no saga, a broken id, no key, a bad event */
    saga_test_send(&cluster, "payments.replies", "x-1", "CardCharged", "{nonsense",
                   "ce_subject=order-fulfilment/x-1", NULL);
    saga_test_send(&cluster, "payments.replies", "nobody", "CardCharged", "{}",
                   "ce_subject=order-fulfilment/nobody", NULL);
    saga_test_send(&cluster, "payments.replies", "x-1", "CardCharged", "{}", "ce_sagacommandid=///",
                   NULL);
    saga_test_send(&cluster, "payments.replies", "x-1", "CardCharged", "{}", NULL);
    saga_test_send(&cluster, "shop.orders", "y", "OrderPlaced", "{\"total\":5}", NULL);
    /* nobody's business: another type, a start that `when` leaves out */
    saga_test_send(&cluster, "shop.orders", "y", "SomethingElse", "{}", NULL);
    saga_test_send(&cluster, "shop.orders", "y", "OrderPlaced", "{\"orderId\":\"y\",\"total\":0}",
                   NULL);
    saga_test_send_orders(&cluster, "z-", 1);
    saga_test_wait_status(&cluster, "completed", 2, WAIT_MS);
    saga_test_wait_records(&cluster, "saga.dead-letters", 5);
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "dead-letters list"), 0);
    assert_non_null(strstr(words, "no-such-saga"));
    assert_non_null(strstr(words, "unreadable"));
    wait_words(&cluster, "history order-fulfilment/x-1", "already"); /* by the second start */
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "show order-fulfilment/nobody"),
                     3);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_cluster_stop(&cluster);
}

static void operators_mend_what_is_stuck(void **state)
{
    struct saga_test_cluster cluster;
    char words[16384];
    static const struct saga_answer_rule silent_pivot[] = { { "s-*", "HandOver", "silent" } };
    (void)state;
    saga_test_cluster_start(&cluster, SILENT, LANES);
    saga_test_participants(&cluster, silent_pivot, 1);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_send_orders(&cluster, "s-", 3);
    saga_test_wait_status(&cluster, "stuck", 3, WAIT_MS);
    assert_int_equal(
        saga_test_cli(&cluster, words, sizeof words, "cancel order-fulfilment/s-1 --reason test"),
        1);
    assert_int_equal(
        saga_test_cli(&cluster, words, sizeof words, "skip order-fulfilment/s-1 --reason test"), 1);
    static const char *const resolved[] = { "s-1 --as succeeded", "s-2 --as failed",
                                            "s-3 --as abandoned" };
    for (int i = 0; i < 3; i++)
        assert_int_equal(saga_test_cli(&cluster, NULL, 0,
                                       "resolve order-fulfilment/%s --reason seen --timeout 5m",
                                       resolved[i]),
                         0);
    saga_test_wait_status(&cluster, "completed", 1, WAIT_MS);
    saga_test_wait_status(&cluster, "compensated", 1, WAIT_MS);
    saga_test_wait_status(&cluster, "abandoned", 1, WAIT_MS);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_cluster_stop(&cluster);
}

/* A service in another language, with the stock client and a ledger of its own (tests/participants/java). */
static void a_java_participant_keeps_its_books(void **state)
{
    struct saga_test_cluster cluster;
    char rules_path[512], ledger[512], log[512];
    pid_t java;
    (void)state;
    saga_test_cluster_start(&cluster, PATIENT, LANES);
    snprintf(rules_path, sizeof rules_path, "%s/rules", cluster.folder);
    snprintf(ledger, sizeof ledger, "%s/ledger", cluster.folder);
    snprintf(log, sizeof log, "%s/java.log", cluster.folder);
    FILE *file = fopen(rules_path, "w");
    assert_non_null(file);
    fputs("ReserveStock answer StockReserved {\"reservationId\":\"r-$key\"}\n"
          "CheckFraud answer FraudCleared\n"
          "ChargeCard key=card- refuse CardDeclined\n"
          "ChargeCard unavailable-once\n"
          "ChargeCard answer CardCharged {\"chargeId\":\"c-$key\"}\n"
          "BookCourier key=courier- refuse NoCourier\n"
          "BookCourier answer CourierBooked {\"bookingId\":\"b-$key\"}\n"
          "HandOver answer HandedOver\nSendReceipt answer ReceiptSent\n"
          "ReleaseStock answer StockReleased\nRefundCard answer CardRefunded\nCancelCourier answer "
          "CourierCancelled\n",
          file);
    fclose(file);
    char *arguments[] = { "java",
                          "-Xmx256m",
                          "-cp",
                          (char *)(uintptr_t)saga_test_kafka_classpath(),
                          SAGA_SOURCE_DIR "/tests/participants/java/Participant.java",
                          cluster.kafka.servers,
                          "java-services",
                          ledger,
                          rules_path,
                          "inventory.commands",
                          "payments.commands",
                          "shipping.commands",
                          NULL };
    assert_int_equal(saga_test_spawn(arguments, log, &java), 0);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_send_orders(&cluster, "good-", 60);
    saga_test_send_orders(&cluster, "card-", 20);
    saga_test_send_orders(&cluster, "courier-", 20);
    saga_test_wait_status(&cluster, "completed", 60, WAIT_MS);
    saga_test_wait_status(&cluster, "compensated", 40, WAIT_MS);
    saga_test_stop(java, SIGTERM, CALL_MS);
    /* effects: 6 for each completed one; reserve, look, release; reserve, look, charge, refund, release */
    unsigned lines = 0;
    int c;
    file = fopen(ledger, "r");
    assert_non_null(file);
    while ((c = fgetc(file)) != EOF) lines += c == '\n';
    fclose(file);
    assert_int_equal(lines, 60 * 6 + 20 * 3 + 20 * 5);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_cluster_stop(&cluster);
}

/* A command that the broker will never take aborts its batch again and again: the record that does it is found and put
 * aside, and everything else goes on (R24). */
static void a_record_that_cannot_be_committed_is_put_aside(void **state)
{
    struct saga_test_cluster cluster;
    static const struct saga_kafka_setting small[] = { { "max.message.bytes", "2000" } };
    struct saga_topic_spec spec = {
        .name = "inventory.commands", .partitions = LANES, .settings = small, .setting_count = 1
    };
    bool created;
    char body[6000], words[16384];
    (void)state;
    saga_test_cluster_start(&cluster, NULL, LANES);
    assert_int_equal(saga_client_create_topic(cluster.client, &spec, CALL_MS, &created), 0);
    saga_test_cluster_deploy(&cluster, PATIENT);
    saga_test_participants(&cluster, NULL, 0);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_send_orders(&cluster, "a-", 20);
    size_t size =
        (size_t)snprintf(body, sizeof body, "{\"orderId\":\"big\",\"total\":1,\"lines\":\"");
    for (unsigned random = 7; size < 5000;
         random = random * 1103515245u + 12345u) /* does not compress */
        body[size++] = (char)('a' + (random >> 16) % 26);
    snprintf(body + size, sizeof body - size, "\"}");
    saga_test_send(&cluster, "shop.orders", "big", "OrderPlaced", body, NULL);
    saga_test_send_orders(&cluster, "b-", 20);
    saga_test_wait_status(&cluster, "completed", 40, WAIT_MS);
    saga_test_wait_records(&cluster, "saga.dead-letters", 1);
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "dead-letters list"), 0);
    assert_non_null(strstr(words, "cannot-be-committed"));
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_cluster_stop(&cluster);
}

static void a_second_process_of_one_name_is_refused(void **state)
{
    struct saga_test_cluster cluster;
    char path[512], line[1024],
        *arguments[] = { SAGA_BINARY_DIR "/saga", "run", "--instance=c0", NULL };
    bool told = false;
    pid_t pid;
    (void)state;
    start_order(&cluster, PATIENT);
    saga_test_coordinators_ready(&cluster, 1);
    snprintf(path, sizeof path, "%s/second.log", cluster.folder);
    assert_int_equal(saga_test_spawn(arguments, path, &pid), 0);
    int status = saga_test_stop(pid, 0, WAIT_MS);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        told = told || strstr(line, "another process runs under the instance name c0");
    fclose(file);
    assert_true(told);
    saga_test_send_orders(&cluster, "a-", 10); /* the first one did not notice */
    saga_test_wait_status(&cluster, "completed", 10, WAIT_MS);
    saga_test_check_books(&cluster, saga_test_order_topics);
    saga_test_cluster_stop(&cluster);
}

static void send_asked(struct saga_test_cluster *cluster, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char key[32], body[64];
        snprintf(key, sizeof key, "k-%u", i);
        snprintf(body, sizeof body, "{\"id\":\"%s\"}", key);
        saga_test_send(cluster, "short.starts", key, "Asked", body, NULL);
    }
}

struct forgotten {
    struct saga_codec *codec;
    struct saga_arena arena;
    unsigned count;
};

static void note_forgotten(const struct saga_message *message, void *context)
{
    struct forgotten *f = context;
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_reset(&f->arena);
    assert_int_equal(saga_journal_decode(f->codec, message->value, &f->arena, &record, &diagnostic),
                     0);
    for (size_t i = 0; i < record.fact_count; i++)
        f->count += record.facts[i].kind == SAGA_FACT_SAGA_FORGOTTEN;
}

/* Waits until the journal says so of so many sagas. Redis could not tell: it has none that is completed also before it is told
 * of the first. */
static void wait_forgotten(struct saga_test_cluster *cluster, unsigned count)
{
    struct forgotten f = { 0 };
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    saga_arena_init(&f.arena);
    assert_int_equal(saga_codec_new(&f.codec), 0);
    while (f.count < count && saga_test_now_ms() < until_ms) {
        saga_test_sleep_ms(STEP_MS);
        f.count = 0;
        saga_test_visit_topic(cluster, "saga.journal", note_forgotten, &f);
    }
    assert_int_equal(f.count, count);
    saga_codec_free(f.codec);
    saga_arena_free(&f.arena);
}

/* A definition is put in force on a coordinator that runs; after `keep` a saga is forgotten and its key is free. */
static void deployed_while_running_and_forgotten_after_keep(void **state)
{
    struct saga_test_cluster cluster;
    static const char *const topics[] = { "short.commands", NULL };
    (void)state;
    saga_test_cluster_start(&cluster, NULL, LANES);
    assert_int_equal(saga_test_cli(&cluster, NULL, 0, "topics create"), 0);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_cluster_deploy(&cluster, SAGA_SOURCE_DIR "/tests/integration/sagas/short-keep.yaml");
    saga_test_participants(&cluster, NULL, 0);
    send_asked(&cluster, 20);
    saga_test_wait_records(&cluster, "short.done", 20);
    wait_forgotten(&cluster, 20);
    send_asked(&cluster, 20); /* a second run of each */
    saga_test_wait_records(&cluster, "short.done", 40);
    saga_test_check_books(&cluster, topics);
    wait_forgotten(&cluster, 40);
    saga_test_wait_status(&cluster, "completed", 0, WAIT_MS);
    saga_test_check_books(&cluster, topics);
    saga_test_cluster_stop(&cluster);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_endings_of_1000_sagas),
        cmocka_unit_test(coordinators_come_go_and_are_killed_under_load),
        cmocka_unit_test(a_zombie_does_nothing),
        cmocka_unit_test(redis_is_killed_and_loses_everything),
        cmocka_unit_test(the_broker_is_killed_under_load),
        cmocka_unit_test(replies_hop_to_their_lanes),
        cmocka_unit_test(strange_records_change_nothing),
        cmocka_unit_test(operators_mend_what_is_stuck),
        cmocka_unit_test(a_java_participant_keeps_its_books),
        cmocka_unit_test(a_record_that_cannot_be_committed_is_put_aside),
        cmocka_unit_test(a_second_process_of_one_name_is_refused),
        cmocka_unit_test(deployed_while_running_and_forgotten_after_keep),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* one of them, by its name */
    return cmocka_run_group_tests_name("sagas on real servers", tests, NULL, NULL);
}
