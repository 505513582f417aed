/* The log of what operators did, on a real broker and a real Redis: who said what, in their order, and what became of it; the
 * same after Redis has lost everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "harness/cluster.h"
#include "harness/process.h"

#define CLOG SAGA_SOURCE_DIR "/tests/integration/sagas/clog.yaml"

enum { LANES = 3, SAGAS = 12, WAIT_MS = 240000, STEP_MS = 100, WORDS = 65536 };

static struct saga_test_cluster cluster;
static char words[WORDS];

static int say(const char *who, const char *line)
{
    setenv("USER", who, 1);
    return saga_test_cli(&cluster, words, sizeof words, "%s", line);
}

static void expect(int code, const char *who, const char *line)
{
    int is = say(who, line);
    if (is != code)
        fail_msg("saga %s: exit %d, not %d; logs in %s\n%s", line, is, code, cluster.folder, words);
}

/* A command to sagas, on a machine that may be slow. */
static void tell(int code, const char *who, const char *line)
{
    char whole[256];
    snprintf(whole, sizeof whole, "%s --timeout 200s", line);
    expect(code, who, whole);
}

/* Texts that must be there, in their order. */
static void expect_in_order(const char *const *parts, size_t count)
{
    const char *at = words;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(at, parts[i]);
        if (!found) fail_msg("\"%s\" is not there, or not in its place:\n%s", parts[i], words);
        at = found + strlen(parts[i]);
    }
}

static size_t lines_of(const char *line)
{
    size_t count = 0;
    assert_int_equal(say("anybody", line), 0);
    for (const char *at = words; (at = strstr(at, "{\"time\"")); at++) count++;
    return count;
}

/* Lanes that are built anew are whole a moment later: until then there are warnings. Waits until the log has `last`, as Redis
 * follows the journal a moment later. */
static void read_log(char *ret, const char *last)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        int code = say("anybody", "operations --limit 1000 -o jsonl");
        if (code == 0 && !strstr(words, "warning:") && strstr(words, last)) {
            strcpy(ret, words);
            return;
        }
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the lanes never are whole, or lack \"%s\"; logs in %s\n%s", last, cluster.folder,
             words);
}

static int setup(void **state)
{
    (void)state;
    setenv("USER", "dora", 1);
    saga_test_cluster_start(&cluster, CLOG, LANES);
    saga_test_coordinators_ready(&cluster, 1);
    for (unsigned i = 0; i < SAGAS; i++) {
        char key[32], body[128];
        snprintf(key, sizeof key, "c-%02u", i);
        snprintf(body, sizeof body, "{\"key\":\"%s\",\"amount\":\"much\",\"batch\":\"b\"}", key);
        saga_test_send(&cluster, "clogs", key, "ClogAsked", body, NULL);
    }
    saga_test_wait_status(&cluster, "stuck", SAGAS, WAIT_MS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    saga_test_cluster_stop(&cluster);
    return 0;
}

static void operators_say_this_and_that(void)
{
    tell(0, "ada", "retry clog/c-01 --reason first");
    tell(0, "bob", "pause clog/c-02 --reason second");
    tell(0, "bob", "pause clog/c-02 --reason third");
    tell(0, "ada", "resolve clog/c-03 --as abandoned --reason fourth");
    tell(1, "bob", "cancel clog/c-03 --reason fifth");
    tell(0, "eve", "retry --where status=stuck --where key!=c-02 --yes --reason many");
    tell(0, "ada", "resume clog/c-02 --reason sixth");
}

static void what_was_said_stands_there_in_order(void **state)
{
    static const char *const parts[] = {
        "ada",
        "resume",
        "clog/c-02",
        "sixth",
        "done",
        "eve",
        "retry",
        "job ",
        "many",
        "10 sent",
        "bob",
        "cancel",
        "clog/c-03",
        "fifth",
        "refused: the saga has ended",
        "ada",
        "resolve --as abandoned",
        "clog/c-03",
        "fourth",
        "done",
        "bob",
        "pause",
        "clog/c-02",
        "third",
        "nothing to do: the saga is paused already",
        "bob",
        "pause",
        "clog/c-02",
        "second",
        "done",
        "ada",
        "retry",
        "clog/c-01",
        "first",
        "done",
        "dora",
        "deploy",
        "clog version 1",
    };
    (void)state;
    operators_say_this_and_that();
    /* Redis follows the journal a moment later */
    for (int waited_ms = 0; lines_of("operations -o jsonl") < 8 && waited_ms < WAIT_MS;
         waited_ms += STEP_MS)
        saga_test_sleep_ms(STEP_MS);
    expect(0, "anybody", "operations");
    expect_in_order(parts, sizeof parts / sizeof *parts);
    assert_null(strstr(words, "histories")); /* it has all that the journals have */
    assert_int_equal(lines_of("operations -o jsonl"), 8);
}

static void a_jobs_acts_are_found_by_the_job(void **state)
{
    char line[128], id[64];
    (void)state;
    assert_int_equal(lines_of("operations --by eve -o jsonl"), 1);
    const char *job = strstr(words, "\"job\":\"");
    assert_non_null(job);
    assert_int_equal(sscanf(job, "\"job\":\"%63[^\"]", id), 1);
    snprintf(line, sizeof line, "operations --job %s -o jsonl", id);
    for (int waited_ms = 0; lines_of(line) < 11 && waited_ms < WAIT_MS; waited_ms += STEP_MS)
        saga_test_sleep_ms(STEP_MS);
    assert_int_equal(lines_of(line), 11); /* what the job is, and ten commands */
    for (unsigned i = 0; i < SAGAS; i++) {
        char saga[32];
        snprintf(saga, sizeof saga, "\"saga\":\"clog/c-%02u\"", i);
        assert_int_equal(strstr(words, saga) != NULL, i != 2 && i != 3);
    }
    snprintf(line, sizeof line, "operations --job %s --saga clog/c-07 -o jsonl", id);
    assert_int_equal(lines_of(line), 1);
    assert_non_null(strstr(words, "\"reason\":\"many\""));
    snprintf(line, sizeof line, "operations --job %s --limit 4 -o jsonl", id);
    assert_int_equal(lines_of(line), 4);
    assert_non_null(strstr(words, "there may be more"));
    expect(3, "anybody", "operations --job nobodys");
}

static void filters_narrow_it(void **state)
{
    (void)state;
    assert_int_equal(lines_of("operations --by bob -o jsonl"), 3);
    assert_int_equal(lines_of("operations --by bob --verb pause -o jsonl"), 2);
    assert_int_equal(lines_of("operations --saga clog/c-03 -o jsonl"), 2);
    assert_int_equal(lines_of("operations --definition clog -o jsonl"), 7);
    assert_int_equal(lines_of("operations --definition clog@1 -o jsonl"), 7);
    assert_int_equal(lines_of("operations --definition clog@2 -o jsonl"), 0);
    assert_int_equal(lines_of("operations --definition other -o jsonl"), 0);
    assert_int_equal(lines_of("operations --verb retry -o jsonl"), 2);
    assert_int_equal(lines_of("operations --since 1h -o jsonl"), 8);
    assert_int_equal(lines_of("operations --until 1h -o jsonl"), 0);
    assert_int_equal(lines_of("operations --limit 3 -o jsonl"), 3);
    assert_non_null(strstr(words, "there may be more"));
    expect(2, "anybody", "operations --definition clog@first");
    expect(2, "anybody", "operations --verb retri");
    assert_non_null(strstr(words, "no command \"retri\""));
    expect(2, "anybody", "operations --saga c-03");
    assert_non_null(strstr(words, "\"c-03\" is not a saga's id"));
}

/* ---- held against the journal ---- */

/* An entry of a lane's log, as Redis has it. */
struct held {
    unsigned lane;
    char member[1024], time[32];
};

static void find_held(const char *with, struct held *ret)
{
    for (ret->lane = 0; ret->lane < LANES; ret->lane++) {
        const char *all = saga_test_redis_ask(
            cluster.redis, "ZRANGE saga:{%u}:operations 0 -1 WITHSCORES", ret->lane);
        const char *found = strstr(all, with);
        if (!found) continue;
        while (found > all && found[-1] != '\n') found--;
        assert_int_equal(sscanf(found, "%1023s %31s", ret->member, ret->time), 2);
        return;
    }
    fail_msg("no log has %s", with);
}

static void set_held(const struct held *held, const char *member, const char *time)
{
    saga_test_redis_ask(cluster.redis, "ZADD saga:{%u}:operations %s %s", held->lane, time, member);
}

static void remove_held(const struct held *held, const char *member)
{
    const char *removed =
        saga_test_redis_ask(cluster.redis, "ZREM saga:{%u}:operations %s", held->lane, member);
    assert_string_equal(removed, "1");
}

static void is_named(const char *command, const char *what)
{
    expect(1, "anybody", command);
    if (!strstr(words, what)) fail_msg("\"%s\" is not there:\n%s", what, words);
    if (!strstr(words, "NOT verified: 1 ")) fail_msg("it is not all:\n%s", words);
}

/* Catches a log in Redis that somebody has altered, and one that is not as the journal has it although nobody has. */
static void what_was_tampered_with_is_named(void **state)
{
    struct held held;
    char other[sizeof held.member];
    (void)state;
    expect(0, "anybody", "replay --verify");
    expect(0, "anybody", "audit verify");
    find_held("\"first\"", &held);

    remove_held(&held, held.member);
    is_named("replay --verify", "saga clog/c-01: Redis' log of what operators said has lost");
    is_named("audit verify", "saga clog/c-01: Redis' log of what operators said has lost");

    strcpy(other, held.member);
    memcpy(strstr(other, "ada"), "eve", 3);
    set_held(&held, other, held.time);
    is_named("replay --verify", "has another one than the journal gives: {\"verb\":\"retry\"");
    set_held(&held, held.member, held.time);
    is_named("replay --verify", "has another one than the journal gives");
    remove_held(&held, other);

    set_held(&held, held.member, "1");
    is_named("replay --verify", "has it under another time");
    set_held(&held, held.member, held.time);

    memset(other, '0', 16); /* the record that opens the lane */
    set_held(&held, other, held.time);
    is_named("replay --verify", "has one that no record gives");
    remove_held(&held, other);
    set_held(&held, "nonsense", held.time);
    is_named("replay --verify", "has one that no record gives: nonsense");
    remove_held(&held, "nonsense");
    expect(0, "anybody", "replay --verify");
}

/* Catches a log that is not a function of the journal, or is told twice. */
static void a_lost_redis_has_it_again(void **state)
{
    static char before[WORDS], after[WORDS];
    (void)state;
    read_log(before, "sixth");
    saga_test_redis_flushall(cluster.redis); /* under a living owner */
    saga_test_wait_status(&cluster, "stuck", SAGAS - 1, WAIT_MS);
    read_log(after, "sixth");
    assert_string_equal(after, before);
    saga_test_coordinator_signal(&cluster, 0, SIGKILL);
    saga_test_redis_flushall(cluster.redis); /* and under none */
    saga_test_coordinators_ready(&cluster, 1);
    read_log(after, "sixth");
    assert_string_equal(after, before);
}

/* ---- from a snapshot ---- */

struct marks {
    struct saga_codec *codec;
    struct saga_arena arena;
    int64_t ends[LANES],
        marked[LANES]; /* behind the journal's last record; where the last snapshot began */
};

static void note_end(const struct saga_message *record, void *context)
{
    struct marks *marks = context;
    marks->ends[record->partition] = record->offset + 1;
}

static void note_marker(const struct saga_message *record, void *context)
{
    struct marks *marks = context;
    struct saga_marker marker;
    struct saga_diagnostic diagnostic = { 0 };
    if (!saga_slice_equal(record->key, SAGA_MARKER_KEY)) return;
    assert_int_equal(
        saga_marker_decode(marks->codec, record->value, &marks->arena, &marker, &diagnostic), 0);
    marks->marked[record->partition] = marker.offset;
}

/* Until a snapshot has all that the journals have. */
static void wait_snapshots(struct marks *marks)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        unsigned lanes = 0;
        saga_test_visit_topic(&cluster, "saga.journal", note_end, marks);
        saga_test_visit_topic(&cluster, "saga.snapshots", note_marker, marks);
        for (unsigned lane = 0; lane < LANES; lane++)
            lanes += marks->ends[lane] <= 1 || marks->marked[lane] >= marks->ends[lane];
        if (lanes == LANES) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("the snapshots do not follow the journal; logs in %s", cluster.folder);
}

/* The journal is cut as its retention would cut it. Catches a snapshot that lacks the log, or has a part of it. */
static void a_lost_redis_has_it_from_a_snapshot(void **state)
{
    static char before[WORDS], after[WORDS];
    struct marks marks = { .codec = NULL };
    struct held held;
    (void)state;
    saga_arena_init(&marks.arena);
    assert_int_equal(saga_codec_new(&marks.codec), 0);
    saga_test_coordinator_stop(&cluster, 0);
    setenv("SAGA_SNAPSHOT_RECORDS", "1", 1);
    saga_test_coordinators_ready(&cluster, 1);
    tell(0, "ada", "pause clog/c-05 --reason seventh");
    read_log(before, "seventh");
    wait_snapshots(&marks);
    for (int32_t lane = 0; lane < LANES; lane++)
        if (marks.marked[lane])
            assert_int_equal(
                saga_test_kafka_cut(&cluster.kafka, "saga.journal", lane, marks.marked[lane]), 0);
    saga_test_redis_flushall(cluster.redis);
    saga_test_wait_status(&cluster, "stuck", SAGAS - 1, WAIT_MS);
    read_log(after, "seventh");
    assert_string_equal(after, before);
    assert_null(strstr(after, "histories")); /* and it knows that it has all */
    expect(0, "anybody", "replay --verify"); /* what was cut stands in the snapshot */
    find_held("\"first\"", &held);
    remove_held(&held, held.member);
    is_named("replay --verify", "has lost what the record there says");
    saga_codec_free(marks.codec);
    saga_arena_free(&marks.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_stands_there_in_order),
        cmocka_unit_test(a_jobs_acts_are_found_by_the_job),
        cmocka_unit_test(filters_narrow_it),
        cmocka_unit_test(what_was_tampered_with_is_named),
        cmocka_unit_test(a_lost_redis_has_it_again),
        cmocka_unit_test(a_lost_redis_has_it_from_a_snapshot),
    };
    return cmocka_run_group_tests_name("operations", tests, setup, teardown);
}
