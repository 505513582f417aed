/* Anchors that a coordinator writes by itself, to a file and to a topic, on a real broker; and what is in its way. */
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
#include "harness/expect.h"
#include "harness/process.h"

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"
#define VERIFIER SAGA_SOURCE_DIR "/tools/verify-journal.py"

enum { LANES = 2, WAIT_MS = 240000, STEP_MS = 200, DONE = 12, WORDS = 65536 };

static void set(const struct saga_test_cluster *cluster, const char *name, const char *file)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", cluster->folder, file);
    setenv(name, path, 1);
}

static void start(struct saga_test_cluster *cluster)
{
    saga_test_cluster_start(cluster, PATIENT, LANES);
    saga_test_anchor_keys(cluster);
    set(cluster, "SAGA_AUDIT_ANCHOR_KEY", "anchor.key");
    set(cluster, "SAGA_AUDIT_ANCHOR_FILE", "anchors.jsonl");
    setenv("SAGA_AUDIT_ANCHOR_TOPIC", "audit.anchors", 1);
    setenv("SAGA_AUDIT_ANCHOR_EVERY", "1s", 1);
    setenv("SAGA_WORKERS", "1",
           1); /* two processes of one worker each, so that each has one of the two lanes */
    saga_test_participants(cluster, NULL, 0);
}

/* Until the anchors of both lanes reach to the journal's end, which does not move any more. */
static void wait_anchored(struct saga_test_cluster *cluster)
{
    const char *folder = cluster->folder;
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        if (saga_test_shell("chains=$(%s/saga audit anchor --key %s/anchor.key 2>/dev/null |"
                            "grep -o '\"chain\":\"[0-9a-f]*\"'); set -- $chains; [ $# = 2 ] &&"
                            "grep -q $1 %s/anchors.jsonl && grep -q $2 %s/anchors.jsonl",
                            SAGA_BINARY_DIR, folder, folder, folder) == 0)
            return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the anchors do not come; logs in %s", folder);
}

/* What the file has comes to the topic a moment later. */
static void wait_in_topic(struct saga_test_cluster *cluster)
{
    static char said[WORDS];
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        if (saga_test_cli(cluster, said, sizeof said,
                          "audit verify --anchors kafka:audit.anchors --key %s/anchor.pub",
                          cluster->folder) == 0 &&
            strstr(said, "anchors hold: lane 0"))
            return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the anchors do not come to the topic; logs in %s\n%s", cluster->folder, said);
}

/* Catches an anchor of what is not so, a lane that has none, a topic from which they cannot be read, and an export without them. */
static void anchors_come_by_themselves(void **state)
{
    struct saga_test_cluster cluster;
    const struct saga_topic_spec topic = { .name = "audit.anchors", .partitions = 1 };
    bool created;
    (void)state;
    start(&cluster);
    const char *folder = cluster.folder;
    assert_int_equal(saga_client_create_topic(cluster.client, &topic, WAIT_MS, &created), 0);
    saga_test_coordinators_ready(&cluster, 2);
    saga_test_send_orders(&cluster, "done-", DONE);
    saga_test_wait_status(&cluster, "completed", DONE, WAIT_MS);
    wait_anchored(&cluster);
    wait_in_topic(&cluster);
    for (unsigned i = 0; i < 2; i++) {
        saga_test_coordinator_stop(&cluster, i);
    }
    saga_test_expect(&cluster, 0, "anchors hold: lane 0",
                     "audit verify --anchors %s/anchors.jsonl --key %s/anchor.pub", folder, folder);
    saga_test_expect(&cluster, 0, "anchors hold: lane 0",
                     "audit verify --anchors kafka:audit.anchors --key %s/anchor.pub", folder);
    saga_test_expect(&cluster, 2, "there is no topic \"nowhere\"",
                     "audit verify --anchors kafka:nowhere --key %s/anchor.pub", folder);
    saga_test_expect(&cluster, 0, "complete", "audit export %s/all --anchors kafka:audit.anchors",
                     folder);
    saga_test_expect(&cluster, 0, "anchors hold: lane 0", "audit verify %s/all --key %s/anchor.pub",
                     folder, folder);
    assert_int_equal(saga_test_shell("python3 -B %s %s/all --key %s/anchor.pub >/dev/null",
                                     VERIFIER, folder, folder),
                     0);
    saga_test_cluster_stop(&cluster);
}

static bool log_says(const struct saga_test_cluster *cluster, const char *words)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        if (saga_test_shell("grep -q '%s' %s/coordinator-0.log", words, cluster->folder) == 0)
            return true;
        saga_test_sleep_ms(STEP_MS);
    }
    return false;
}

/* Catches a lane that stands still for want of a key, a topic or a file, and an operator who is not told. */
static void lanes_go_on_without_anchors(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start(&cluster);
    saga_test_coordinators_ready(&cluster, 1);
    assert_true(log_says(&cluster, "there is no topic audit.anchors for anchors"));
    saga_test_send_orders(&cluster, "done-", DONE);
    saga_test_wait_status(&cluster, "completed", DONE, WAIT_MS);
    saga_test_coordinator_stop(&cluster, 0);
    set(&cluster, "SAGA_AUDIT_ANCHOR_KEY", "nowhere.key");
    saga_test_coordinators_ready(&cluster, 1);
    assert_true(log_says(&cluster, "nowhere.key is no private key for anchors"));
    saga_test_send_orders(&cluster, "more-", DONE);
    saga_test_wait_status(&cluster, "completed", 2 * DONE, WAIT_MS);
    saga_test_cluster_stop(&cluster);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors_come_by_themselves),
        cmocka_unit_test(lanes_go_on_without_anchors),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("audit_schedule", tests, NULL, NULL);
}
