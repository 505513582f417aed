/* Snapshots on a real broker and a real Redis (R11, R12): the journal is cut as its retention would cut it, Redis loses
 * everything, and every saga is still there, goes on, and the books balance. */
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

#include "base/error.h"
#include "codec/codec.h"
#include "harness/cluster.h"
#include "harness/process.h"

#define SILENT SAGA_SOURCE_DIR "/tests/integration/sagas/silent-order.yaml"

enum { LANES = 4, WAIT_MS = SAGA_TEST_WAIT_MS, STEP_MS = 200, DONE = 40, OPEN = 6, WORDS = 65536 };

/* For ten minutes: what the open ones are like does not change while it is looked at. */
static const struct saga_answer_rule rules[] = { { "open-*", "CheckFraud", "silent" } };

/* ---- markers ---- */

struct marks {
    struct saga_codec *codec;
    struct saga_arena arena;
    struct saga_marker last[LANES];
    unsigned markers, states, tombstones;
};

static void note(const struct saga_message *record, void *context)
{
    struct marks *marks = context;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_snapshot snapshot;
    if (!record->value.data) {
        marks->tombstones++;
    } else if (saga_slice_equal(record->key, SAGA_MARKER_KEY)) {
        assert_int_equal(saga_marker_decode(marks->codec, record->value, &marks->arena,
                                            &marks->last[record->partition], &diagnostic),
                         SAGA_OK);
        marks->markers++;
    } else {
        assert_int_equal(saga_snapshot_decode(marks->codec, record->value, &marks->arena, &snapshot,
                                              &diagnostic),
                         SAGA_OK);
        marks->states++;
    }
}

static void look(struct saga_test_cluster *cluster, struct marks *marks)
{
    saga_arena_reset(&marks->arena);
    memset(marks->last, 0, sizeof marks->last);
    marks->markers = marks->states = marks->tombstones = 0;
    saga_test_visit_topic(cluster, "saga.snapshots", note, marks);
}

static void note_end(const struct saga_message *record, void *context)
{
    int64_t *ends = context;
    ends[record->partition] = record->offset + 1;
}

/* Behind the last record of each lane's journal; what ends its transaction is no record. */
static void ends_of(struct saga_test_cluster *cluster, int64_t *ends)
{
    memset(ends, 0, LANES * sizeof *ends);
    saga_test_visit_topic(cluster, "saga.journal", note_end, ends);
}

/* Waits until each lane has a snapshot whose beginning is not before these offsets. */
static void wait_snapshots(struct saga_test_cluster *cluster, struct marks *marks,
                           const int64_t *offsets)
{
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (saga_test_now_ms() < until_ms) {
        unsigned lanes = 0;
        look(cluster, marks);
        for (unsigned lane = 0; lane < LANES; lane++)
            lanes += marks->last[lane].lanes == LANES && marks->last[lane].offset >= offsets[lane];
        if (lanes == LANES) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the snapshots do not follow the journal; logs in %s", cluster->folder);
}

/* As if retention had come: each lane's journal begins where its last snapshot began. */
static void cut_to_snapshots(struct saga_test_cluster *cluster, const struct marks *marks)
{
    for (int32_t lane = 0; lane < LANES; lane++)
        assert_int_equal(
            saga_test_kafka_cut(&cluster->kafka, "saga.journal", lane, marks->last[lane].offset),
            0);
}

/* ---- sagas ---- */

static void start(struct saga_test_cluster *cluster, struct marks *marks)
{
    memset(marks, 0, sizeof *marks);
    saga_arena_init(&marks->arena);
    assert_int_equal(saga_codec_new(&marks->codec), SAGA_OK);
    saga_test_cluster_start(cluster, SILENT, LANES);
    saga_test_participants(cluster, rules, 1);
    saga_test_coordinators_ready(cluster, 1);
    saga_test_send_orders(cluster, "open-", OPEN);
    saga_test_send_orders(cluster, "done-", DONE);
    saga_test_wait_status(cluster, "completed", DONE, WAIT_MS);
}

static void finish(struct saga_test_cluster *cluster, struct marks *marks)
{
    saga_test_check_books(cluster, saga_test_order_topics);
    saga_test_coordinator_stop(cluster, 0);
    saga_test_cluster_stop(cluster);
    saga_codec_free(marks->codec);
    saga_arena_free(&marks->arena);
}

/* As soon as its lane is whole again: until then `saga show` warns. */
static void show_one(struct saga_test_cluster *cluster, unsigned number, char *words, size_t size)
{
    int code = -1;
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (saga_test_now_ms() < until_ms) {
        code = saga_test_cli(cluster, words, size, "show order-fulfilment/open-%u --bodies -o json",
                             number);
        if (code == 0 && !strstr(words, "warning:")) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("saga show: exit %d\n%s", code, words);
}

/* All that `saga show` knows of the open sagas, without what Redis alone holds. */
static void show_open(struct saga_test_cluster *cluster, char *ret, size_t size)
{
    size_t used = 0;
    for (unsigned i = 1; i <= OPEN; i++) {
        char words[WORDS];
        show_one(cluster, i, words, sizeof words);
        int more = snprintf(ret + used, size - used, "%s", words);
        assert_true(more > 0 && used + (size_t)more < size);
        used += (size_t)more;
    }
}

/* Open ones are taken back, which begins when what they wait for is answered; new ones come to their end. */
static void go_on(struct saga_test_cluster *cluster, const char *prefix, uint64_t completed,
                  uint64_t compensated)
{
    saga_test_send_orders(cluster, prefix, DONE);
    for (uint64_t number = compensated - OPEN / 2 + 1; number <= compensated; number++) {
        char key[32], subject[64];
        snprintf(key, sizeof key, "open-%u", (unsigned)number);
        snprintf(subject, sizeof subject, "ce_subject=order-fulfilment/%s", key);
        /* its coordinator may have just begun */
        assert_int_equal(saga_test_cli(cluster, NULL, 0,
                                       "cancel order-fulfilment/%s --reason test --timeout 5m",
                                       key),
                         0);
        saga_test_send(cluster, "payments.replies", key, "FraudCleared", "{}", subject, NULL);
    }
    saga_test_wait_status(cluster, "completed", completed, WAIT_MS);
    saga_test_wait_status(cluster, "compensated", compensated, WAIT_MS);
}

/* With the offsets in Redis, and without. */
static void check_that_history_tells_what_was_cut(struct saga_test_cluster *cluster)
{
    char words[WORDS];
    int code = saga_test_cli(cluster, words, sizeof words, "history order-fulfilment/done-1");
    assert_int_equal(code, 0);
    assert_non_null(strstr(words, "deleted from the journal"));
}

/* Catches a snapshot that lacks a saga or has an older state of it, a rebuild that takes a record of the journal twice,
 * and a proof that cannot do without the journal's beginning. */
static void a_lost_redis_is_built_from_snapshots(void **state)
{
    static char before[OPEN * WORDS], after[OPEN * WORDS], words[WORDS];
    struct saga_test_cluster cluster;
    struct marks marks;
    int64_t ends[LANES];
    (void)state;
    start(&cluster, &marks);
    ends_of(&cluster, ends);
    wait_snapshots(&cluster, &marks, ends);
    assert_true(marks.states >= OPEN + DONE);
    cut_to_snapshots(&cluster, &marks);
    check_that_history_tells_what_was_cut(&cluster);
    show_open(&cluster, before, sizeof before);

    saga_test_redis_flushall(cluster.redis); /* under a living owner */
    saga_test_wait_status(&cluster, "running", OPEN, WAIT_MS);
    saga_test_wait_status(&cluster, "completed", DONE, WAIT_MS);
    show_open(&cluster, after, sizeof after);
    assert_string_equal(after, before);
    go_on(&cluster, "more-", 2 * DONE, OPEN / 2);

    saga_test_coordinator_signal(&cluster, 0, SIGKILL);
    saga_test_redis_flushall(cluster.redis); /* and under none */
    saga_test_coordinator_start(&cluster, 0);
    saga_test_wait_status(&cluster, "completed", 2 * DONE, WAIT_MS);
    go_on(&cluster, "again-", 3 * DONE, OPEN);
    check_that_history_tells_what_was_cut(&cluster);
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "replay --verify"), 0);
    assert_non_null(strstr(words, "cut"));
    finish(&cluster, &marks);
}

/* Catches a coordinator that goes on with snapshots that no longer reach the journal, and so could not rebuild. */
static void a_journal_cut_too_far_begins_another_series(void **state)
{
    struct saga_test_cluster cluster;
    struct marks marks;
    int64_t ends[LANES];
    (void)state;
    start(&cluster, &marks);
    ends_of(&cluster, ends);
    wait_snapshots(&cluster, &marks, ends);
    saga_test_coordinator_signal(&cluster, 0, SIGKILL);
    for (int32_t lane = 0; lane < LANES; lane++) /* nothing is left */
        assert_int_equal(saga_test_kafka_cut(&cluster.kafka, "saga.journal", lane, ends[lane]), 0);
    saga_test_coordinator_start(&cluster, 0);
    go_on(&cluster, "more-", 2 * DONE, OPEN / 2);
    ends_of(&cluster, ends);
    for (int32_t lane = 0; lane < LANES; lane++) /* and once more, with Redis as the only witness */
        assert_int_equal(saga_test_kafka_cut(&cluster.kafka, "saga.journal", lane, ends[lane]), 0);
    saga_test_send_orders(&cluster, "again-", DONE);
    saga_test_wait_status(&cluster, "completed", 3 * DONE, WAIT_MS);
    ends_of(&cluster, ends);
    wait_snapshots(&cluster, &marks, ends);
    saga_test_redis_flushall(cluster.redis);
    saga_test_wait_status(&cluster, "completed", 3 * DONE, WAIT_MS);
    go_on(&cluster, "last-", 4 * DONE, OPEN);
    finish(&cluster, &marks);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_redis_is_built_from_snapshots),
        cmocka_unit_test(a_journal_cut_too_far_begins_another_series),
    };
    setenv("SAGA_SNAPSHOT_RECORDS", "25", 1);
    setenv("SAGA_SNAPSHOT_INTERVAL", "1s", 1);
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("snapshots", tests, NULL, NULL);
}
