/* `saga audit import` on a real broker and a real Redis: an export becomes a cluster to look at, in which everything stands where
 * it stood and no coordinator runs; one that was tampered with, in which each kind is found and named. */
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

#include "codec/codec.h"
#include "harness/cluster.h"
#include "harness/expect.h"
#include "harness/process.h"

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"
#define VERIFIER SAGA_SOURCE_DIR "/tools/verify-journal.py"
#define TAMPER SAGA_SOURCE_DIR "/tests/audit/tamper.py"

enum { LANES = 2, WAIT_MS = 240000, DONE = 24, WORDS = 65536 };

static const struct saga_answer_rule rules[] = { { "open-*", "ChargeCard", "silent" } };

/* ---- surroundings ---- */

/* Two sagas are open, with their timers, the others have ended. */
static void start(struct saga_test_cluster *cluster)
{
    saga_test_cluster_start(cluster, PATIENT, LANES);
    saga_test_anchor_keys(cluster);
    saga_test_participants(cluster, rules, 1);
    saga_test_coordinators_ready(cluster, 1);
    saga_test_send_orders(cluster, "open-", 2);
    saga_test_send_orders(cluster, "done-", DONE);
    saga_test_wait_status(cluster, "completed", DONE, WAIT_MS);
}

static void write_said(struct saga_test_cluster *cluster, const char *name, const char *said)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", cluster->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(said, file) >= 0 && fclose(file) == 0);
}

/* `saga ARGUMENTS` says the same of the journal and of its import under the prefix `copy`. */
static void expect_same(struct saga_test_cluster *cluster, const char *arguments)
{
    static char here[WORDS], there[WORDS];
    assert_int_equal(saga_test_cli(cluster, here, sizeof here, "%s", arguments), 0);
    assert_int_equal(
        saga_test_cli(cluster, there, sizeof there,
                      "%s --set topics.prefix=copy. --set redis.prefix=copy:", arguments),
        0);
    assert_true(here[0] != '\0');
    write_said(cluster, "here", here);
    write_said(cluster, "there", there);
    /* that nobody works on it is said after some seconds, and how long ago is another number each second */
    if (saga_test_shell("diff -I '^warning: ' -I '^  mend: .saga doctor. ' %s/here %s/there",
                        cluster->folder, cluster->folder) != 0)
        fail_msg("saga %s does not say the same of the import", arguments);
}

static void export_all(struct saga_test_cluster *cluster)
{
    const char *folder = cluster->folder;
    saga_test_expect(cluster, 0, "2 anchors",
                     "audit anchor --key %s/anchor.key --to %s/anchors.jsonl", folder, folder);
    saga_test_expect(cluster, 0, "exported", "audit export %s/all --anchors %s/anchors.jsonl",
                     folder, folder);
}

/* ---- looking at it ---- */

static void nobody_works_on_it(struct saga_test_cluster *cluster)
{
    saga_test_expect(cluster, 1, "the timers of the imported sagas would send commands",
                     "run --instance=other --set topics.prefix=copy. --set redis.prefix=copy:");
    saga_test_expect(cluster, 1, "no coordinator works on them",
                     "cancel order-fulfilment/open-1 --reason none --set topics.prefix=copy. --set "
                     "redis.prefix=copy:");
    saga_test_expect(
        cluster, 1, "no coordinator works on them",
        "start order-fulfilment --key x --set topics.prefix=copy. --set redis.prefix=copy:");
}

static void it_is_refused(struct saga_test_cluster *cluster)
{
    const char *folder = cluster->folder;
    saga_test_expect(cluster, 1, "topic saga.journal has records", "audit import %s/all", folder);
    saga_test_expect(cluster, 1, "Redis has something of lane 0",
                     "audit import %s/all --set topics.prefix=new.", folder);
    saga_test_expect(
        cluster, 1, "set lanes to 2",
        "audit import %s/all --set topics.prefix=new. --set redis.prefix=new: --set lanes=3",
        folder);
    saga_test_expect(
        cluster, 1, "there is an import already, which was done",
        "audit import %s/all --set topics.prefix=copy. --set redis.prefix=copy:", folder);
    saga_test_expect(cluster, 0, "exported", "audit export %s/part --saga order-fulfilment/done-3",
                     folder);
    saga_test_expect(
        cluster, 1, "is a part",
        "audit import %s/part --set topics.prefix=new. --set redis.prefix=new:", folder);
}

/* What was broken off: the mark says that it began, and topics have some of it. */
static void it_is_begun_anew(struct saga_test_cluster *cluster)
{
    const char *folder = cluster->folder, *prefix = "--set topics.prefix=half. --set "
                                                    "redis.prefix=half:";
    const struct saga_topic_spec spec = { .name = "half.imported", .partitions = 1 };
    const struct saga_message mark = { .topic = SAGA_SLICE("half.imported"),
                                       .value = SAGA_SLICE("{\"state\":\"begun\"}") };
    struct saga_message record = { .topic = SAGA_SLICE("half.journal"),
                                   .value = SAGA_SLICE("half of it") };
    struct saga_position position;
    bool created;
    assert_int_equal(saga_client_create_topic(cluster->client, &spec, WAIT_MS, &created), 0);
    assert_int_equal(saga_client_send(cluster->client, &mark, WAIT_MS, &position), 0);
    saga_test_expect(cluster, 0, "made", "topics create %s", prefix);
    assert_int_equal(saga_client_send(cluster->client, &record, WAIT_MS, &position), 0);
    saga_test_expect(cluster, 1, "did not come to its end", "audit import %s/all %s", folder,
                     prefix);
    saga_test_expect(cluster, 0, "imported, at the offsets", "audit import %s/all --anew %s",
                     folder, prefix);
    saga_test_expect(cluster, 0, "verified", "audit verify %s", prefix);
    saga_test_expect(cluster, 0, "imported, at the offsets", "audit import %s/all --anew %s",
                     folder, prefix);
    saga_test_expect(cluster, 0, "states equal those in Redis", "audit verify %s", prefix);
}

/* Catches a record that does not stand where it stood, a state or a view that is another, an import that is mixed with
 * something, and timers of the past that a coordinator hears. */
static void an_export_is_looked_at(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start(&cluster);
    saga_test_coordinator_stop(&cluster, 0);
    const char *folder = cluster.folder;
    export_all(&cluster);
    saga_test_expect(&cluster, 0, "2 anchors in topic copy.anchors",
                     "audit import %s/all --key %s/anchor.pub --set topics.prefix=copy. --set "
                     "redis.prefix=copy:",
                     folder, folder);
    expect_same(&cluster, "list -o json");
    expect_same(&cluster, "show order-fulfilment/open-1 -o json");
    expect_same(&cluster, "history order-fulfilment/done-7 -o json");
    expect_same(&cluster, "definitions -o json");
    saga_test_expect(&cluster, 0, "states equal those in Redis",
                     "replay --verify --set topics.prefix=copy. --set redis.prefix=copy:");
    saga_test_expect(
        &cluster, 0, "2 anchors hold",
        "audit verify --anchors %s/anchors.jsonl --key %s/anchor.pub --set topics.prefix=copy. "
        "--set redis.prefix=copy:",
        folder, folder);
    saga_test_expect(&cluster, 0, "complete: every lane",
                     "audit export %s/again --set topics.prefix=copy.", folder);
    for (int lane = 0; lane < LANES; lane++)
        assert_int_equal(
            saga_test_shell("cmp %s/all/journal-000%d.jsonl %s/again/journal-000%d.jsonl", folder,
                            lane, folder, lane),
            0);
    nobody_works_on_it(&cluster);
    it_is_refused(&cluster);
    it_is_begun_anew(&cluster);
    saga_test_cluster_stop(&cluster);
}

/* ---- a journal that was cut ---- */

/* Catches a journal whose beginning is gone that is put elsewhere than it was, or without what its snapshots say. */
static void a_cut_journal_is_looked_at(void **state)
{
    struct saga_test_cluster cluster;
    int64_t places[LANES];
    (void)state;
    start(&cluster);
    const char *folder = cluster.folder;
    saga_test_wait_snapshots(&cluster, 20, places);
    saga_test_coordinator_stop(&cluster, 0);
    for (int32_t lane = 0; lane < LANES; lane++)
        assert_int_equal(
            saga_test_kafka_cut(&cluster.kafka, "saga.journal", lane, places[lane] - 5), 0);
    export_all(&cluster);
    saga_test_expect(&cluster, 0, "imported, at the offsets",
                     "audit import %s/all --key %s/anchor.pub --set topics.prefix=copy. --set "
                     "redis.prefix=copy:",
                     folder, folder);
    expect_same(&cluster, "list -o json");
    saga_test_expect(
        &cluster, 0, "2 anchors hold",
        "audit verify --anchors %s/anchors.jsonl --key %s/anchor.pub --set topics.prefix=copy. "
        "--set redis.prefix=copy:",
        folder, folder);
    assert_int_equal(saga_test_shell("python3 -B %s %s/all --key %s/anchor.pub >/dev/null",
                                     VERIFIER, folder, folder),
                     0);
    saga_test_cluster_stop(&cluster);
}

/* ---- tampering ---- */

static const struct {
    const char *kind;
    const char
        *words; /* that `audit verify` says of the topic, without anchors; NULL: it cannot tell */
    const char *anchored;
} tampering[] = {
    { "altered", "(chain): lane 0", "(chain): lane 0" },
    { "removed", "(chain): lane 0", "(chain): lane 0" },
    { "inserted", "it is a copy of the record at offset", "it is a copy of the record" },
    { "reordered", "have changed places", "have changed places" },
    { "truncated", NULL, "the journal's end was cut off" },
    { "altered-anew", "(facts): lane 0", "what stands up to this record was changed since" },
    { "removed-anew", "(sequence): lane 0", "what stands up to this record was changed since" },
    { "inserted-anew", "(sequence): lane 0", "what stands up to this record was changed since" },
    { "reordered-anew", NULL, "what stands up to this record was changed since" },
};

/* Catches a kind of tampering that is not found on a real topic, or not named, or not by the independent verifier; and an
 * import of it that says nothing. */
static void tampering_is_found(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    start(&cluster);
    saga_test_coordinator_stop(&cluster, 0);
    const char *folder = cluster.folder;
    export_all(&cluster);
    for (size_t i = 0; i < sizeof tampering / sizeof tampering[0]; i++) {
        const char *kind = tampering[i].kind, *words = tampering[i].words;
        assert_int_equal(
            saga_test_shell("python3 -B %s %s/all %s %s/%s", TAMPER, folder, kind, folder, kind),
            0);
        if (words)
            saga_test_expect(&cluster, 1, "nothing was imported",
                             "audit import %s/%s --set topics.prefix=%s. --set redis.prefix=%s:",
                             folder, kind, kind, kind);
        int code = saga_test_cli(&cluster, NULL, 0,
                                 "audit import %s/%s --unverified --set topics.prefix=%s. --set "
                                 "redis.prefix=%s:",
                                 folder, kind, kind, kind);
        assert_true(code == 0 || code == 1); /* 1: a lane that cannot be believed has no states */
        if (words)
            saga_test_expect(&cluster, 1, words,
                             "audit verify --from-journal --set topics.prefix=%s.", kind);
        saga_test_expect(
            &cluster, 1, tampering[i].anchored,
            "audit verify --from-journal --set topics.prefix=%s. --anchors %s/anchors.jsonl "
            "--key %s/anchor.pub",
            kind, folder, folder);
        if (words && strncmp(words, "(facts)", 7) != 0)
            assert_int_equal(
                saga_test_shell("python3 -B %s %s/%s > /dev/null", VERIFIER, folder, kind), 1);
        assert_int_equal(saga_test_shell("python3 -B %s %s/%s --key %s/anchor.pub > /dev/null",
                                         VERIFIER, folder, kind, folder),
                         1);
    }
    saga_test_cluster_stop(&cluster);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_export_is_looked_at),
        cmocka_unit_test(a_cut_journal_is_looked_at),
        cmocka_unit_test(tampering_is_found),
    };
    setenv("SAGA_SNAPSHOT_RECORDS", "25", 1);
    setenv("SAGA_SNAPSHOT_INTERVAL", "1s", 1);
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("audit_import", tests, NULL, NULL);
}
