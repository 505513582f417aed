/* Forgetting on a real broker and a real Redis: of a saga that was forgotten no byte of its values is left in the log files of
 * the coordinator's own topics or in Redis' dump, nor of its key once saga.keys is compacted; the saga beside it is whole, also
 * when Redis is lost; and whoever proves, looks back or asks what would have been is told what was forgotten. */
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

#include "codec/sealed.h"
#include "harness/cluster.h"
#include "harness/expect.h"
#include "harness/process.h"

#define SAGAS SAGA_SOURCE_DIR "/tests/integration/sagas"
#define VERIFIER SAGA_SOURCE_DIR "/tools/verify-journal.py"
#define KEY_ONE "1b9f6e3c5a7d2840c1e6f7a8b9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192"

enum { LANES = 1, WAIT_MS = 240000, STEP_MS = 250, WORDS = 262144, KEY_BYTES = 16 };

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* What must not be found, and what must. */
#define GONE "SECRET-OF-ADA"
#define KEPT "SECRET-OF-BOB"
#define OPEN "IN-THE-OPEN"
#define LEFT "SECRET-OF-EVA"

static const struct saga_answer_rule rules[] = { { NULL, "Enrol", "silent" },
                                                 { NULL, "Greet", "silent" } };
static char said[WORDS];

static void expect_said(const char *words)
{
    if (!strstr(saga_test_said(), words))
        fail_msg("\"%s\" is not said in\n%s", words, saga_test_said());
}

static void expect_not_said(const char *words)
{
    if (strstr(saga_test_said(), words)) fail_msg("\"%s\" is said in\n%s", words, saga_test_said());
}

/* ---- surroundings ---- */

/* The broker closes, compacts and removes what it may within seconds, and stores what it gets as it is, so that a search in its
 * files finds what is there. */
static void make_topics(struct saga_test_cluster *cluster)
{
    static const struct saga_kafka_setting common[] = {
        { "segment.ms", "1000" },
        { "file.delete.delay.ms", "0" },
        { "compression.type", "uncompressed" },
        { "cleanup.policy", "delete" },
        { "retention.ms", "-1" },
        { "max.message.bytes", "8388608" },
    },
                                           compacted[] = {
                                               { "segment.ms", "1000" },
                                               { "file.delete.delay.ms", "0" },
                                               { "compression.type", "uncompressed" },
                                               { "cleanup.policy", "compact" },
                                               { "max.compaction.lag.ms", "1000" },
                                               { "min.cleanable.dirty.ratio", "0.01" },
                                               { "max.message.bytes", "8388608" },
                                           };
    static const char *const names[] = { "saga.inbox", "saga.journal", "saga.snapshots",
                                         "saga.keys", "saga.dead-letters" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool compact = i == 2 || i == 3, created;
        const struct saga_topic_spec spec = { names[i], LANES, compact ? compacted : common,
                                              compact ? SIZE(compacted) : SIZE(common) };
        assert_int_equal(saga_client_create_topic(cluster->client, &spec, WAIT_MS, &created), 0);
        assert_true(created);
    }
}

static void start(struct saga_test_cluster *cluster)
{
    saga_test_cluster_start(cluster, NULL, LANES);
    assert_int_equal(
        saga_test_shell("printf 'log.retention.check.interval.ms=500\\n"
                        "log.cleaner.backoff.ms=500\\nlog.initial.task.delay.ms=500\\n' >> "
                        "%s/server.properties && printf '# the test'\"'\"'s\\n" KEY_ONE
                        "\\n' > %s/privacy.key",
                        cluster->kafka.folder, cluster->folder),
        0);
    saga_test_kafka_halt(&cluster->kafka);
    assert_int_equal(saga_test_kafka_restart(&cluster->kafka), 0);
    make_topics(cluster);
    saga_test_cluster_deploy(cluster, SAGAS "/private-order.yaml");
    saga_test_expect(cluster, 0, "", "topics create %s/open-order.yaml", SAGAS);
    saga_test_expect(cluster, 0, "", "deploy %s/open-order.yaml", SAGAS);
    saga_test_expect(cluster, 0, "", "topics create %s/brief-order.yaml", SAGAS);
    saga_test_expect(cluster, 0, "", "deploy %s/brief-order.yaml", SAGAS);
    char path[512];
    snprintf(path, sizeof path, "%s/privacy.key", cluster->folder);
    setenv("SAGA_PRIVACY_KEY_FILE", path, 1);
    saga_test_participants(cluster, rules, 2);
    saga_test_coordinators_ready(cluster, 1);
}

static void finish(struct saga_test_cluster *cluster)
{
    saga_test_coordinator_stop(cluster, 0);
    saga_test_cluster_stop(cluster);
    unsetenv("SAGA_PRIVACY_KEY_FILE");
}

static void begin_saga(struct saga_test_cluster *cluster, const char *definition, const char *key,
                       const char *secret)
{
    assert_int_equal(
        saga_test_shell("echo '{\"id\":\"%s\",\"email\":\"%s@mail\",\"name\":\"%s-name\"}' > "
                        "%s/input.json",
                        key, secret, secret, cluster->folder),
        0);
    saga_test_expect(cluster, 0, "", "start %s --key %s --input %s/input.json --timeout 200s",
                     definition, key, cluster->folder);
}

static void answer(struct saga_test_cluster *cluster, const char *topic, const char *key,
                   const char *type, const char *body)
{
    char subject[128];
    snprintf(subject, sizeof subject, "ce_subject=private-order/%s", key);
    saga_test_send(cluster, topic, key, type, body, subject, NULL);
}

/* Waits until `saga show` says so, and no more what it `first` may have said (NULL: nothing). */
static void wait_shown(struct saga_test_cluster *cluster, const char *id, const char *words,
                       const char *first)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        if (saga_test_cli(cluster, said, sizeof said, "show %s", id) == 0 && strstr(said, words) &&
            !(first && strstr(said, first)))
            return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("%s never comes to \"%s\":\n%s", id, words, said);
}

/* What answers its last step finds it open: answers of two topics come in any order. */
static void wait_enrolling(struct saga_test_cluster *cluster, const char *id)
{
    wait_shown(cluster, id, "club.commands/Enrol", "to come");
}

/* A saga that leaves a moment after it has ended. */
static void brief_run(struct saga_test_cluster *cluster)
{
    char subject[] = "ce_subject=brief-order/eva";
    begin_saga(cluster, "brief-order", "eva", LEFT);
    saga_test_send(cluster, "post.replies", "eva", "Greeted", "{\"card\":\"" LEFT "-card\"}",
                   subject, NULL);
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        if (saga_test_cli(cluster, said, sizeof said, "show brief-order/eva") == 3) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("eva's saga never leaves:\n%s", said);
}

/* ---- what the disks hold ---- */

/* Does any file of the coordinator's own topics hold these words? `which`: "saga.*", or one of them. */
static bool log_holds(const struct saga_test_cluster *cluster, const char *which, const char *words)
{
    return saga_test_shell("grep -raqF -e '%s' %s/data/%s-[0-9]* 2>/dev/null", words,
                           cluster->kafka.folder, which) == 0;
}

static bool redis_holds(struct saga_test_cluster *cluster, const char *words)
{
    char folder[512];
    const char *found = saga_test_redis_ask(cluster->redis, "CONFIG GET dir");
    snprintf(folder, sizeof folder, "%s", strchr(found, '\n') + 1);
    assert_string_equal(saga_test_redis_ask(cluster->redis, "CONFIG SET rdbcompression no"), "OK");
    assert_string_equal(saga_test_redis_ask(cluster->redis, "SAVE"), "OK");
    return saga_test_shell("grep -aqF -e '%s' %s/dump.rdb", words, folder) == 0;
}

struct wanted_key {
    struct saga_codec *codec;
    struct saga_arena arena;
    const char *saga;
    char hex[2 * KEY_BYTES + 1]; /* the beginning of the wrapped key, as a text to look for */
};

static void note_key(const struct saga_message *message, void *context)
{
    struct wanted_key *wanted = context;
    struct saga_key_record record;
    struct saga_diagnostic diagnostic;
    struct saga_slice bytes = saga_arena_copy(&wanted->arena, message->value);
    assert_int_equal(saga_key_decode(wanted->codec, bytes, &wanted->arena, &record, &diagnostic),
                     0);
    if (saga_slice_is(record.saga_id, wanted->saga) && record.wrapped.data)
        saga_hex((const uint8_t *)record.wrapped.data, KEY_BYTES, wanted->hex);
}

/* As digits, for a key may have any byte, and grep goes line by line. */
static bool keys_hold(const struct saga_test_cluster *cluster, const char *hex)
{
    return saga_test_shell("cat %s/data/saga.keys-0/*.log 2>/dev/null | od -An -v -tx1 | "
                           "tr -d ' \\n' | grep -qF -e '%s'",
                           cluster->kafka.folder, hex) == 0;
}

/* The broker may just be putting a compacted file in the place of another. */
static void wait_keys_hold(const struct saga_test_cluster *cluster, const char *hex)
{
    for (int waited_ms = 0; !keys_hold(cluster, hex); waited_ms += STEP_MS) {
        if (waited_ms >= WAIT_MS) fail_msg("no file of saga.keys holds the key");
        saga_test_sleep_ms(STEP_MS);
    }
}

struct wanted_state {
    const char *saga;
    bool found;
};

static void note_state(const struct saga_message *message, void *context)
{
    struct wanted_state *wanted = context;
    if (message->value.data && saga_slice_is(message->key, wanted->saga)) wanted->found = true;
}

/* What is not in the snapshots must not be there although the saga is. */
static void wait_in_snapshots(struct saga_test_cluster *cluster, const char *saga)
{
    struct wanted_state wanted = { .saga = saga };
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        saga_test_visit_topic(cluster, "saga.snapshots", note_state, &wanted);
        if (wanted.found) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("%s does not come to the snapshots; logs in %s", saga, cluster->folder);
}

/* The broker removes in its own time. Whatever is sent meanwhile closes the segments. */
static void wait_gone(struct saga_test_cluster *cluster, const char *key_hex)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += 2000) {
        char name[32];
        snprintf(name, sizeof name, "later-%d", waited_ms);
        begin_saga(cluster, "private-order", name, "SECRET-OF-LATER");
        saga_test_sleep_ms(2000);
        if (!log_holds(cluster, "saga.*", GONE) && !keys_hold(cluster, key_hex)) return;
    }
    saga_test_shell("grep -racF -e '" GONE "' %s/data/saga.* >&2", cluster->kafka.folder);
    fail_msg("the values or the key are still there: key %d", keys_hold(cluster, key_hex));
}

/* ---- the test ---- */

/* Ada is refused by the club, with words about her; Bob is still waited for. */
static void live(struct saga_test_cluster *cluster)
{
    begin_saga(cluster, "open-order", "o", OPEN);
    begin_saga(cluster, "private-order", "ada", GONE);
    begin_saga(cluster, "private-order", "bob", KEPT);
    answer(cluster, "post.replies", "ada", "Greeted", "{\"card\":\"" GONE "-card\"}");
    answer(cluster, "post.replies", "bob", "Greeted", "{\"card\":\"" KEPT "-card\"}");
    wait_enrolling(cluster, "private-order/ada");
    wait_enrolling(cluster, "private-order/bob");
    answer(cluster, "club.replies", "ada", "Unwelcome", "{\"message\":\"not " GONE "\"}");
    wait_shown(cluster, "private-order/ada", "compensated", "compensating");
    saga_test_expect(cluster, 0, GONE "-card", "show private-order/ada --bodies");
    saga_test_expect(cluster, 0, GONE "@mail", "history private-order/ada --bodies");
    saga_test_expect(cluster, 0, "not " GONE, "history private-order/ada");
}

static void before(struct saga_test_cluster *cluster)
{
    /* a search that finds nothing would prove nothing */
    assert_true(log_holds(cluster, "saga.journal", OPEN));
    assert_true(redis_holds(cluster, OPEN));
    assert_true(log_holds(cluster, "saga.inbox", GONE));
    assert_true(log_holds(cluster, "post.commands", GONE));
    /* sealed from the first byte on */
    assert_false(log_holds(cluster, "saga.journal", GONE));
    assert_false(log_holds(cluster, "saga.snapshots", GONE));
    assert_false(log_holds(cluster, "saga.keys", GONE));
    assert_false(redis_holds(cluster, GONE));
    saga_test_expect(cluster, 0, "verified", "replay --verify");
    expect_not_said("not decided again");
    saga_test_expect(cluster, 0, "", "audit verify");
    expect_not_said("not decided again");
    saga_test_expect(cluster, 0, "", "replay --with %s/private-order.yaml", SAGAS);
    expect_not_said("sealed");
    saga_test_expect(cluster, 1, "until it has ended",
                     "audit forget private-order/bob --reason test");
    saga_test_expect(cluster, 3, "no key", "audit forget open-order/o --reason test");
    saga_test_expect(cluster, 3, "no key", "audit forget private-order/nobody --reason test");
    saga_test_expect(cluster, 2, "--reason", "audit forget private-order/ada");
}

static void after(struct saga_test_cluster *cluster)
{
    const char *folder = cluster->folder;
    assert_false(redis_holds(cluster, GONE));
    saga_test_expect(cluster, 0, "forgotten before",
                     "audit forget private-order/ada --reason again");
    saga_test_expect(cluster, 0, "(forgotten)", "show private-order/ada --bodies");
    expect_not_said(GONE);
    expect_said("request-17");
    saga_test_expect(cluster, 0, "(forgotten)", "show private-order/ada --bodies -o json");
    saga_test_expect(cluster, 0, "(forgotten)", "history private-order/ada --bodies");
    expect_said("request-17");
    saga_test_expect(cluster, 0, "StepFailed", "history private-order/ada --bodies -o jsonl");
    saga_test_expect(cluster, 0, "request-17", "history private-order~forget/ada --scan");
    saga_test_expect(cluster, 0, "verified", "replay --verify");
    expect_said("forgotten (chain and sequence hold)");
    saga_test_expect(cluster, 0, "were forgotten", "audit verify");
    saga_test_expect(cluster, 0, "values were forgotten",
                     "replay --accept not-judged --with %s/private-order.yaml", SAGAS);
    saga_test_expect(cluster, 0, "(forgotten)", "replay --at 0s private-order/ada --bodies");
    saga_test_expect(cluster, 0, "exported", "audit export %s/export", folder);
    saga_test_expect(cluster, 0, "not decided again", "audit verify %s/export", folder);
    assert_int_equal(
        saga_test_shell("python3 -B %s %s/export > %s/verifier.out 2>&1", VERIFIER, folder, folder),
        0);
    assert_int_equal(saga_test_shell("grep -rqF -e " GONE " %s/export", folder), 1);
    /* without the key nothing is shown, and nothing is taken for a fault */
    setenv("SAGA_PRIVACY_KEY_FILE", "", 1);
    saga_test_expect(cluster, 0, "(sealed)", "show private-order/bob --bodies");
    expect_not_said(KEPT);
    saga_test_expect(cluster, 0, "key is not here", "replay --verify");
    char path[512];
    snprintf(path, sizeof path, "%s/privacy.key", folder);
    setenv("SAGA_PRIVACY_KEY_FILE", path, 1);
}

/* ---- dead letters ---- */

static void wait_aside(struct saga_test_cluster *cluster, const char *reason)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
        if (saga_test_cli(cluster, said, sizeof said, "dead-letters list") == 0 &&
            strstr(said, reason))
            return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("nothing is put aside as %s:\n%s", reason, said);
}

/* An answer to a saga that is not there. */
static void late_answer(struct saga_test_cluster *cluster, const char *key, const char *secret)
{
    char subject[128], body[128];
    snprintf(subject, sizeof subject, "ce_subject=brief-order/%s", key);
    snprintf(body, sizeof body, "{\"card\":\"%s-late\"}", secret);
    saga_test_send(cluster, "post.replies", key, "Greeted", body, subject, NULL);
    snprintf(subject, sizeof subject, "there is no saga brief-order/%s", key);
    wait_aside(cluster, subject);
}

/* Eva's saga has left: what comes for it now is put aside as it is. Somebody else's letter stands in front. */
static void dead_letters_go_too(struct saga_test_cluster *cluster)
{
    late_answer(cluster, "nobody", OPEN);
    late_answer(cluster, "eva", LEFT);
    assert_true(log_holds(cluster, "saga.dead-letters", LEFT));
    saga_test_expect(cluster, 0, "1 dead letter of it, or under its key, is still there: 0/",
                     "audit forget brief-order/eva --reason again");
    saga_test_expect(cluster, 1, "1 of other sagas stand in front of them",
                     "audit forget brief-order/eva --reason again --dead-letters");
    saga_test_expect(cluster, 0, "", "dead-letters list -o jsonl");
    unsigned long long offset;
    const char *at = strstr(saga_test_said(), "\"offset\":");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\"offset\": %llu", &offset), 1);
    saga_test_expect(cluster, 0, "", "dead-letters drop 0/%llu --reason nobody", offset);
    saga_test_expect(cluster, 0, "1 dead letter of it, or under its key, is deleted",
                     "audit forget brief-order/eva --reason again --dead-letters");
    saga_test_expect(cluster, 0, "forgotten before", "audit forget brief-order/eva --reason again");
    expect_not_said("dead letter");
    for (int waited_ms = 0; log_holds(cluster, "saga.dead-letters", LEFT); waited_ms += 2000) {
        char name[32];
        if (waited_ms >= WAIT_MS) fail_msg("the dead letter is still on the disk");
        /* Later than segment.ms, so that it opens a segment: within it, it would stand in Eva's own and keep that. */
        saga_test_sleep_ms(2000);
        snprintf(name, sizeof name, "nobody-%d", waited_ms);
        late_answer(cluster, name, OPEN);
    }
}

/* The key of a saga that has left is in nobody's memory. One of two runs of an id leaves, then the other; the coordinator that
 * forgets them was started after the first had left, and had the key of the second until it left. */
static void what_has_left_is_forgotten_too(struct saga_test_cluster *cluster)
{
    brief_run(cluster);
    saga_test_coordinator_stop(cluster, 0);
    saga_test_coordinators_ready(cluster, 1);
    brief_run(cluster);
    saga_test_expect(cluster, 0, LEFT, "history brief-order/eva --scan --bodies");
    saga_test_expect(cluster, 0, "the key of 2 runs is destroyed",
                     "audit forget brief-order/eva --reason request-18 --timeout 200s");
    saga_test_expect(cluster, 0, "forgotten before", "audit forget brief-order/eva --reason again");
    saga_test_expect(cluster, 0, "request-18", "history brief-order/eva --scan --bodies");
    expect_not_said(LEFT);
    saga_test_expect(cluster, 0, "verified", "replay --verify");
}

/* Bob's saga goes on, from saga.keys and the journal alone. */
static void the_other_is_whole(struct saga_test_cluster *cluster)
{
    saga_test_expect(cluster, 0, KEPT "-card", "show private-order/bob --bodies");
    saga_test_coordinator_signal(cluster, 0, SIGKILL);
    saga_test_redis_flushall(cluster->redis);
    saga_test_coordinators_ready(cluster, 1);
    answer(cluster, "club.replies", "bob", "Enrolled", "{\"number\":\"" KEPT "-number\"}");
    wait_shown(cluster, "private-order/bob", "completed", NULL);
    saga_test_expect(cluster, 0, KEPT "-number", "show private-order/bob --bodies");
    assert_false(log_holds(cluster, "saga.journal", KEPT));
    assert_false(redis_holds(cluster, KEPT));
    saga_test_expect(cluster, 0, "verified", "replay --verify");
}

/* A coordinator without the key puts aside what it cannot decide, and goes on with the rest. */
static void without_a_key_the_others_go_on(struct saga_test_cluster *cluster)
{
    saga_test_coordinator_stop(cluster, 0);
    setenv("SAGA_PRIVACY_KEY_FILE", "", 1);
    saga_test_coordinators_ready(cluster, 1);
    saga_test_expect(cluster, 1, "no-privacy-key",
                     "start private-order --key eve --input %s/input.json --timeout 200s",
                     cluster->folder);
    answer(cluster, "post.replies", "later-0", "Greeted", "{\"card\":\"x\"}");
    wait_aside(cluster, "sealed");
    begin_saga(cluster, "open-order", "p", "x");
    wait_shown(cluster, "open-order/p", "running", NULL);
    saga_test_expect(cluster, 0, "verified", "replay --verify");
}

/* Catches a value that is not sealed, one that is kept in the inbox, a key that is not destroyed or not compacted, and
 * everything that would take what was forgotten for a fault, or fall over it. */
static void what_is_forgotten_is_gone(void **state)
{
    struct saga_test_cluster cluster;
    struct wanted_key wanted = { .saga = "private-order/ada" };
    (void)state;
    start(&cluster);
    live(&cluster);
    saga_arena_init(&wanted.arena);
    assert_int_equal(saga_codec_new(&wanted.codec), 0);
    saga_test_visit_topic(&cluster, "saga.keys", note_key, &wanted);
    wait_keys_hold(&cluster, wanted.hex);
    wait_in_snapshots(&cluster, "private-order/ada");
    before(&cluster);
    saga_test_expect(&cluster, 0, "destroyed",
                     "audit forget private-order/ada --reason request-17 --timeout 200s");
    wait_gone(&cluster, wanted.hex);
    after(&cluster);
    the_other_is_whole(&cluster);
    what_has_left_is_forgotten_too(&cluster);
    dead_letters_go_too(&cluster);
    without_a_key_the_others_go_on(&cluster);
    saga_codec_free(wanted.codec);
    saga_arena_free(&wanted.arena);
    finish(&cluster);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_forgotten_is_gone) };
    setenv("SAGA_SNAPSHOT_RECORDS", "5", 1);
    setenv("SAGA_SNAPSHOT_INTERVAL", "1s", 1);
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("forget", tests, NULL, NULL);
}
