/* Spans of real sagas, on a real broker and a real Redis, sent to a small collector that is strict about their form
 * (tests/traces); and collectors that are away, slow, or answer anything. */
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
#include <unistd.h>

#include "harness/cluster.h"
#include "harness/process.h"

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"
#define COLLECTOR SAGA_SOURCE_DIR "/tests/traces/collector.py"
#define CHECK SAGA_SOURCE_DIR "/tests/traces/check.py"
#define SPAN "b7ad6b7169203331"

enum { LANES = 2, WAIT_MS = 180000, STEP_MS = 200, DONE = 8, BACK = 4, TRACED = 3, SILENT = 2 };

struct collector {
    int port;
    pid_t pid;
    char file[512];
};

static void collect(struct saga_test_cluster *cluster, struct collector *c, const char *be)
{
    char port[16], log[512], url[64];
    c->port = saga_test_free_port();
    assert_true(c->port > 0);
    snprintf(port, sizeof port, "%d", c->port);
    snprintf(c->file, sizeof c->file, "%s/spans-%s.jsonl", cluster->folder, be);
    snprintf(log, sizeof log, "%s/collector.log", cluster->folder);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", c->port);
    setenv("SAGA_TRACES_ENDPOINT", url, 1);
    char *const argv[] = {
        "python3", "-B",     COLLECTOR, port, c->file, "--be", (char *)(uintptr_t)be,
        "--token", "s3cret", NULL
    };
    assert_int_equal(saga_test_spawn(argv, log, &c->pid), 0);
    assert_int_equal(saga_test_wait_port(c->port, WAIT_MS), 0);
}

/* `timeout`: of one request. A collector that has taken one and answers later than that is sent it again; a quarter of
 * `stop_timeout` is how long the last ones may take. */
static void start(struct saga_test_cluster *cluster, const char *timeout, const char *stop_timeout)
{
    char path[512];
    saga_test_cluster_start(cluster, PATIENT, LANES);
    snprintf(path, sizeof path, "%s/headers", cluster->folder);
    assert_int_equal(saga_test_shell("echo 'Authorization: Bearer s3cret' > %s", path), 0);
    setenv("SAGA_TRACES_HEADERS_FILE", path, 1);
    setenv("SAGA_TRACES_TIMEOUT", timeout, 1);
    setenv("SAGA_STOP_TIMEOUT", stop_timeout, 1);
}

/* An order whose event belongs to a trace. */
static void send_traced(struct saga_test_cluster *cluster, const char *prefix, unsigned number,
                        const char *flags)
{
    char key[64], body[256], parent[96];
    snprintf(key, sizeof key, "%s%u", prefix, number);
    snprintf(body, sizeof body,
             "{\"orderId\":\"%s\",\"customerId\":\"c\",\"total\":10.5,\"lines\":[]}", key);
    snprintf(parent, sizeof parent, "traceparent=00-%031x%x-" SPAN "-%s", 7, number, flags);
    saga_test_send(cluster, "shop.orders", key, "OrderPlaced", body, parent, "tracestate=vendor=x",
                   NULL);
}

static void write_message(const struct saga_message *record, void *context)
{
    static const char *const names[] = { "ce_id", "ce_time", "traceparent", "tracestate" };
    FILE *file = context;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        fprintf(file, "%.*s\t", SAGA_SLICE_ARG(saga_message_header(record, names[i])));
    fprintf(file, "%.*s\n", SAGA_SLICE_ARG(record->key));
}

static void write_messages(struct saga_test_cluster *cluster, const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; saga_test_order_topics[i]; i++)
        saga_test_visit_topic(cluster, saga_test_order_topics[i], write_message, file);
    saga_test_visit_topic(cluster, "shop.order-events", write_message, file);
    fclose(file);
}

static void wait_sent(struct saga_test_cluster *cluster, const char *topic, uint64_t count)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        if (saga_test_count_records(cluster, topic) >= count) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("%s does not get its commands; logs in %s", topic, cluster->folder);
}

/* The first owner is killed while all first steps are in flight. Catches a span that is lost, sent twice, of another id than its
 * command says, without its parent, or that begins when the second owner met it. */
static void another_owner_sends_the_same_spans(void **state)
{
    static const struct saga_answer_rule rules[] = { { "back-*", "BookCourier", "NoCourier" } };
    struct saga_test_cluster cluster;
    struct collector c;
    char messages[512];
    (void)state;
    start(&cluster, "1m", "2m");
    collect(&cluster, &c, "good");
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_send_orders(&cluster, "done-", DONE);
    saga_test_send_orders(&cluster, "back-", BACK);
    for (unsigned i = 1; i <= TRACED; i++) send_traced(&cluster, "traced-", i, "01");
    for (unsigned i = 1; i <= SILENT; i++) send_traced(&cluster, "silent-", i + TRACED, "00");
    wait_sent(&cluster, "inventory.commands", DONE + BACK + TRACED + SILENT);
    saga_test_coordinator_signal(&cluster, 0, SIGKILL);
    saga_test_coordinator_start(&cluster, 1);
    saga_test_participants(&cluster, rules, 1);
    saga_test_wait_status(&cluster, "completed", DONE + TRACED + SILENT, WAIT_MS);
    saga_test_wait_status(&cluster, "compensated", BACK, WAIT_MS);
    saga_test_coordinator_stop(&cluster, 1);
    snprintf(messages, sizeof messages, "%s/messages.tsv", cluster.folder);
    write_messages(&cluster, messages);
    int bad = saga_test_shell("python3 -B %s %s %s --outcome completed=%d --outcome compensated=%d "
                              "--parents order-fulfilment/traced- " SPAN,
                              CHECK, c.file, messages, DONE + TRACED, BACK);
    if (bad) fail_msg("logs in %s", cluster.folder);
    saga_test_stop(c.pid, SIGKILL, WAIT_MS);
    saga_test_cluster_stop(&cluster);
}

/* Catches a lane that waits for a collector, a coordinator that cannot be stopped for it, an operator who is not told, and a
 * secret in the log. */
static void lanes_do_not_notice(void **state)
{
    static const char *const ways[] = { "rubbish", "endless", "deaf", "refusing", "away" };
    enum { WAYS = sizeof ways / sizeof ways[0] };
    struct saga_test_cluster cluster;
    (void)state;
    start(&cluster, "1s", "20s");
    saga_test_participants(&cluster, NULL, 0);
    for (unsigned i = 0; i < WAYS; i++) {
        char prefix[32];
        struct collector c;
        collect(&cluster, &c, ways[i]);
        if (strcmp(ways[i], "away") == 0) saga_test_stop(c.pid, SIGKILL, WAIT_MS);
        saga_test_coordinators_ready(&cluster, 1);
        snprintf(prefix, sizeof prefix, "%s-", ways[i]);
        saga_test_send_orders(&cluster, prefix, DONE);
        saga_test_wait_status(&cluster, "completed", (i + 1) * DONE, WAIT_MS);
        saga_test_coordinator_stop(&cluster, 0);
        if (strcmp(ways[i], "away") != 0) saga_test_stop(c.pid, SIGKILL, WAIT_MS);
        /* each has a log of its own, so that none passes for what another said */
        int said = saga_test_shell("cd %s && mv coordinator-0.log %s.log && "
                                   "grep -q 'spans are not sent' %s.log",
                                   cluster.folder, ways[i], ways[i]);
        if (said) fail_msg("%s: nothing is said; logs in %s", ways[i], cluster.folder);
        assert_int_equal(access(c.file, F_OK), -1);
    }
    assert_int_equal(saga_test_shell("grep -q s3cret %s/*.log", cluster.folder), 1);
    saga_test_cluster_stop(&cluster);
}

/* A collector that asks to come again later gets everything in the end. */
static void what_is_refused_for_now_is_sent_again(void **state)
{
    struct saga_test_cluster cluster;
    struct collector c;
    char messages[512];
    (void)state;
    start(&cluster, "1m", "2m");
    collect(&cluster, &c, "unavailable");
    saga_test_participants(&cluster, NULL, 0);
    saga_test_coordinators_ready(&cluster, 1);
    saga_test_send_orders(&cluster, "done-", DONE);
    saga_test_wait_status(&cluster, "completed", DONE, WAIT_MS);
    for (int waited_ms = 0;
         waited_ms < WAIT_MS &&
         saga_test_shell("[ \"$(grep -c '\"name\": \"saga ' %s 2>/dev/null)\" = %d ]", c.file,
                         DONE);
         waited_ms += STEP_MS)
        saga_test_sleep_ms(STEP_MS);
    saga_test_coordinator_stop(&cluster, 0);
    snprintf(messages, sizeof messages, "%s/messages.tsv", cluster.folder);
    write_messages(&cluster, messages);
    if (saga_test_shell("python3 -B %s %s %s --outcome completed=%d", CHECK, c.file, messages,
                        DONE))
        fail_msg("logs in %s", cluster.folder);
    saga_test_stop(c.pid, SIGKILL, WAIT_MS);
    saga_test_cluster_stop(&cluster);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_owner_sends_the_same_spans),
        cmocka_unit_test(lanes_do_not_notice),
        cmocka_unit_test(what_is_refused_for_now_is_sent_again),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("traces", tests, NULL, NULL);
}
