/* The audit on a real broker and a real Redis: a journal is proved, exported and anchored while its coordinator works;
 * copies of it that were tampered with, each in its way, are told from it, by `saga audit verify` in Kafka and as an
 * export, and by tools/verify-journal.py. */
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
#include "runtime/chain.h"

#define PATIENT SAGA_SOURCE_DIR "/tests/integration/sagas/patient-order.yaml"
#define VERIFIER SAGA_SOURCE_DIR "/tools/verify-journal.py"

enum { LANES = 2, WAIT_MS = 240000, DONE = 16, MORE = 4 };
/* Where lane 0 is tampered with: far enough from both ends. */
enum { PLACE = 20 };

static const struct saga_answer_rule rules[] = { { "open-*", "ChargeCard", "silent" } };

/* ---- surroundings ---- */

static void make_keys(const struct saga_test_cluster *cluster)
{
    saga_test_anchor_keys(cluster);
    assert_int_equal(saga_test_shell("openssl genpkey -algorithm ed25519 2>/dev/null |"
                                     "openssl pkey -pubout -out %s/other.pub",
                                     cluster->folder),
                     0);
}

static void start(struct saga_test_cluster *cluster)
{
    saga_test_cluster_start(cluster, PATIENT, LANES);
    make_keys(cluster);
    saga_test_participants(cluster, rules, 1);
    saga_test_coordinators_ready(cluster, 1);
    saga_test_send_orders(cluster, "open-", 2);
    saga_test_send_orders(cluster, "done-", DONE);
    saga_test_wait_status(cluster, "completed", DONE, WAIT_MS);
}

static void finish(struct saga_test_cluster *cluster)
{
    saga_test_coordinator_stop(cluster, 0);
    saga_test_cluster_stop(cluster);
}

/* Both verifiers say of an export: `code`. With the cluster's anchors where `anchored`. */
static void expect_export(struct saga_test_cluster *cluster, int code, const char *name,
                          bool anchored, const char *words)
{
    char options[512] = "";
    const char *folder = cluster->folder;
    if (anchored)
        snprintf(options, sizeof options, "--anchors %s/anchors.jsonl --key %s/anchor.pub", folder,
                 folder);
    saga_test_expect(cluster, code, words, "audit verify %s/%s %s", folder, name, options);
    int exited = saga_test_shell("python3 -B %s %s/%s %s > %s/verifier.out 2>&1", VERIFIER, folder,
                                 name, options, folder);
    if (exited != code) {
        saga_test_shell("cat %s/verifier.out", folder);
        fail_msg("verify-journal.py %s: exit %d, not %d", name, exited, code);
    }
}

/* ---- parts ---- */

static void parts(struct saga_test_cluster *cluster)
{
    const char *folder = cluster->folder;
    saga_test_expect(cluster, 0, "NOT complete",
                     "audit export %s/saga --saga order-fulfilment/done-3", folder);
    expect_export(cluster, 0, "saga", false, "1 saga, 1 completed");
    saga_test_expect(cluster, 0, "NOT complete", "audit export %s/search --search customer=c-12",
                     folder);
    expect_export(cluster, 0, "search", false, "1 saga, 1 completed");
    saga_test_expect(cluster, 0, "exported",
                     "audit export %s/lane --search customer=c-12 --whole-lane", folder);
    expect_export(cluster, 0, "lane", true, "of 1 lane");
    saga_test_expect(cluster, 0, "0 records exported",
                     "audit export %s/since --since 2100-01-01T00:00:00Z", folder);
    saga_test_expect(cluster, 0, "exported", "audit export %s/until --until 0s", folder);
    expect_export(cluster, 0, "until", true, "2 anchors hold");
    saga_test_expect(cluster, 3, "no such saga", "audit export %s/none --saga nobody/x", folder);
    saga_test_expect(cluster, 2, "cannot be read", "audit export %s/none --anchors %s/nowhere",
                     folder, folder);
    saga_test_expect(cluster, 2, "there is no topic",
                     "audit export %s/none --anchors kafka:nowhere", folder);
    saga_test_expect(cluster, 2, "nothing is from", "audit export %s/none --since 1h --until 2h",
                     folder);
    assert_int_not_equal(saga_test_shell("test -e %s/none", folder), 0); /* it can be tried again */
    saga_test_expect(cluster, 2, "there is no topic",
                     "audit verify --anchors kafka:nowhere --key %s/anchor.pub", folder);
    saga_test_expect(cluster, 2, "the coordinator's own",
                     "audit anchor --key %s/anchor.key --topic saga.journal", folder);
    saga_test_expect(cluster, 1, "is not empty", "audit export %s/saga", folder);
    saga_test_expect(cluster, 2, "is not a time", "audit export %s/when --since yesterday", folder);
    saga_test_expect(cluster, 1, "--complete asks for", "audit verify %s/saga --complete", folder);
}

/* ---- snapshots ---- */

/* Two states of sagas of lane 0 in the snapshots. */
struct states {
    struct saga_arena arena;
    struct saga_message items[2];
    size_t count;
};

static void note_state(const struct saga_message *record, void *context)
{
    struct states *states = context;
    if (record->partition != 0 || !record->value.data || states->count == 2 ||
        saga_slice_equal(record->key, SAGA_MARKER_KEY) ||
        saga_slice_equal(record->key, SAGA_LOG_KEY))
        return;
    if (states->count && saga_slice_equal(record->key, states->items[0].key)) return;
    struct saga_message *to = &states->items[states->count++];
    *to = (struct saga_message){ .topic = SAGA_SLICE("saga.snapshots"), .partition = 0 };
    to->key = saga_arena_copy(&states->arena, record->key);
    to->value = saga_arena_copy(&states->arena, record->value);
}

/* One saga's state is put in another's place, and then that saga is taken out. */
static void forge_snapshot(struct saga_test_cluster *cluster, bool take_out)
{
    struct states states = { .count = 0 };
    struct saga_position position;
    saga_arena_init(&states.arena);
    saga_test_visit_topic(cluster, "saga.snapshots", note_state, &states);
    assert_int_equal(states.count, 2);
    states.items[0].key = states.items[1].key;
    if (take_out) states.items[0].value = SAGA_SLICE_NONE;
    assert_int_equal(saga_client_send(cluster->client, &states.items[0], WAIT_MS, &position), 0);
    saga_arena_free(&states.arena);
}

/* ---- what Redis has beside the states ---- */

/* One after the other, so that each is seen by itself: a saga's first lack is told. */
static void lose_views(struct saga_test_cluster *cluster)
{
    for (unsigned lane = 0; lane < LANES; lane++)
        saga_test_redis_ask(cluster->redis,
                            "ZREM saga:{%u}:index:order-fulfilment@1:completed "
                            "order-fulfilment/done-2",
                            lane);
    saga_test_expect(cluster, 1,
                     "saga order-fulfilment/done-2: Redis does not have it in the index",
                     "audit verify");
    saga_test_redis_ask(cluster->redis, "DEL saga:{0}:search:customer:c-12 "
                                        "saga:{1}:search:customer:c-12");
    saga_test_expect(cluster, 1, "Redis does not find it by its search values", "audit verify");
    saga_test_expect(cluster, 0, "verified", "audit verify --from-journal");
    saga_test_redis_ask(cluster->redis, "DEL saga:{0}:timers saga:{1}:timers");
    saga_test_expect(cluster, 1, "saga order-fulfilment/open-1: Redis has lost an alarm of it",
                     "audit verify");
}

/* ---- a journal as it is, and one that was cut ---- */

/* Catches a proof that a living coordinator disturbs, an export that cannot be proved, a part that passes for all, and
 * anchors of one moment that do not hold later. */
static void a_living_journal_is_proved(void **state)
{
    struct saga_test_cluster cluster;
    int64_t places[LANES];
    (void)state;
    start(&cluster);
    const char *folder = cluster.folder;
    saga_test_expect(&cluster, 0, "verified", "audit verify --complete");
    saga_test_expect(&cluster, 0, "2 anchors",
                     "audit anchor --key %s/anchor.key --to %s/anchors.jsonl", folder, folder);
    saga_test_send_orders(&cluster, "more-", MORE);
    saga_test_wait_status(&cluster, "completed", DONE + MORE, WAIT_MS);
    saga_test_expect(&cluster, 0, "2 anchors hold",
                     "audit verify --anchors %s/anchors.jsonl --key %s/anchor.pub", folder, folder);
    saga_test_expect(&cluster, 1, "another key",
                     "audit verify --anchors %s/anchors.jsonl --key %s/other.pub", folder, folder);
    saga_test_expect(&cluster, 2, "is no public key",
                     "audit verify --anchors %s/anchors.jsonl --key %s/anchor.key", folder, folder);
    saga_test_expect(&cluster, 0, "complete: every lane",
                     "audit export %s/all --anchors %s/anchors.jsonl", folder, folder);
    saga_test_expect(&cluster, 0, "2 anchors hold",
                     "audit verify %s/all --complete --key %s/anchor.pub", folder, folder);
    expect_export(&cluster, 0, "all", true, "2 anchors hold");
    parts(&cluster);

    lose_views(&cluster);
    const char *keys = saga_test_redis_ask(cluster.redis, "KEYS saga:{*}:state:*done-1");
    assert_non_null(strstr(keys, "done-1"));
    saga_test_redis_ask(cluster.redis, "DEL %s", keys);
    saga_test_expect(&cluster, 1, "Redis has lost the saga", "audit verify");
    saga_test_expect(&cluster, 0, "not compared with Redis", "audit verify --from-journal");
    saga_test_wait_snapshots(&cluster, PLACE, places);
    int status = saga_test_coordinator_signal(&cluster, 0, SIGTERM); /* it would mend them */
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    forge_snapshot(&cluster, false);
    saga_test_expect(&cluster, 1, "the snapshots have another state than the journal gives",
                     "audit verify --from-journal");
    forge_snapshot(&cluster, true);
    saga_test_expect(&cluster, 1, "the snapshots lack the saga", "audit verify --from-journal");
    saga_test_cluster_stop(&cluster);
}

/* Catches snapshots that are not looked at, and a journal without its beginning that is not proved, or passes for all. */
static void a_cut_journal_is_proved_from_its_snapshots(void **state)
{
    struct saga_test_cluster cluster;
    int64_t places[LANES];
    (void)state;
    start(&cluster);
    const char *folder = cluster.folder;
    saga_test_wait_snapshots(&cluster, PLACE, places);
    saga_test_expect(&cluster, 0, "of the snapshots are as the journal gives them", "audit verify");
    saga_test_expect(&cluster, 0, "2 anchors",
                     "audit anchor --key %s/anchor.key --to %s/anchors.jsonl", folder, folder);
    for (int32_t lane = 0; lane < LANES; lane++)
        assert_int_equal(
            saga_test_kafka_cut(&cluster.kafka, "saga.journal", lane, places[lane] - 5), 0);
    saga_test_expect(&cluster, 0, "journals of 2 lanes were cut",
                     "audit verify --anchors %s/anchors.jsonl --key %s/anchor.pub", folder, folder);
    saga_test_expect(&cluster, 1, "2 of its lanes do not begin with their first record",
                     "audit verify --complete");
    saga_test_expect(&cluster, 0, "NOT complete", "audit export %s/cut", folder);
    expect_export(&cluster, 0, "cut", true, "2 anchors hold");
    assert_int_equal(saga_test_shell("rm %s/cut/snapshots-0000.jsonl", folder), 0);
    expect_export(&cluster, 1, "cut", true, "it is missing");
    finish(&cluster);
}

/* ---- copies ---- */

/* The records of both lanes, to be written under another prefix, where offsets count from 0 without gaps. */
struct copy {
    struct saga_arena *arena;
    struct saga_message *items[LANES];
    size_t count[LANES], capacity[LANES];
    struct saga_message *definitions;
    size_t definition_count, definition_capacity;
};

static struct saga_message kept(struct saga_arena *arena, const struct saga_message *record)
{
    struct saga_message copy = { .partition = record->partition };
    copy.key = saga_arena_copy(arena, record->key);
    copy.value = saga_arena_copy(arena, record->value);
    copy.headers = SAGA_NEW_ARRAY(arena, struct saga_header, record->header_count);
    for (size_t i = 0; i < record->header_count; i++)
        copy.headers[copy.header_count++] =
            (struct saga_header){ saga_arena_copy(arena, record->headers[i].name),
                                  saga_arena_copy(arena, record->headers[i].value) };
    return copy;
}

static void note_record(const struct saga_message *record, void *context)
{
    struct copy *copy = context;
    int32_t p = record->partition;
    SAGA_PUSH(copy->arena, copy->items[p], copy->count[p], copy->capacity[p],
              kept(copy->arena, record));
}

static void note_definition(const struct saga_message *record, void *context)
{
    struct copy *copy = context;
    SAGA_PUSH(copy->arena, copy->definitions, copy->definition_count, copy->definition_capacity,
              kept(copy->arena, record));
}

static void send(struct saga_test_cluster *cluster, const char *prefix, const char *topic,
                 const struct saga_message *record)
{
    char name[64];
    struct saga_message message = *record;
    struct saga_position position;
    snprintf(name, sizeof name, "%s.%s", prefix, topic);
    message.topic = saga_slice_of(name);
    assert_int_equal(saga_client_send(cluster->client, &message, WAIT_MS, &position), 0);
}

static void write_copy(struct saga_test_cluster *cluster, const struct copy *copy,
                       const char *prefix)
{
    assert_int_equal(
        saga_test_cli(cluster, NULL, 0, "topics create --set topics.prefix=%s.", prefix), 0);
    for (size_t i = 0; i < copy->definition_count; i++)
        send(cluster, prefix, "definitions", &copy->definitions[i]);
    for (int lane = 0; lane < LANES; lane++)
        for (size_t i = 0; i < copy->count[lane]; i++)
            send(cluster, prefix, "journal", &copy->items[lane][i]);
}

static struct saga_message altered(struct copy *copy, const struct saga_message *record)
{
    struct saga_message message = *record;
    char *bytes = saga_arena_string(copy->arena, record->value);
    bytes[record->value.size - SAGA_SHA256_BYTES - 4] ^= 1;
    message.value.data = bytes;
    return message;
}

static void alter(struct copy *copy)
{
    copy->items[0][PLACE] = altered(copy, &copy->items[0][PLACE]);
}

static void take_out(struct copy *copy)
{
    struct saga_message *at = &copy->items[0][PLACE];
    memmove(at, at + 1, (copy->count[0] - PLACE - 1) * sizeof *at);
    copy->count[0]--;
}

static void put_in(struct copy *copy)
{
    struct saga_message again = copy->items[0][PLACE - 3];
    SAGA_PUSH(copy->arena, copy->items[0], copy->count[0], copy->capacity[0], again);
    struct saga_message *at = &copy->items[0][PLACE];
    memmove(at + 1, at, (copy->count[0] - PLACE - 1) * sizeof *at);
    *at = again;
}

static void swap(struct copy *copy)
{
    struct saga_message *at = &copy->items[0][PLACE], first = at[0];
    at[0] = at[1];
    at[1] = first;
}

static void cut_off(struct copy *copy)
{
    copy->count[0] -= 2;
}

/* With a chain that holds. */
static void rewrite(struct copy *copy)
{
    uint8_t chain[SAGA_SHA256_BYTES];
    alter(copy);
    memcpy(chain, saga_chain_of(copy->items[0][PLACE - 1].value), sizeof chain);
    for (size_t i = PLACE; i < copy->count[0]; i++) {
        struct saga_slice value = copy->items[0][i].value;
        char *bytes = saga_arena_string(copy->arena, value);
        saga_journal_chain(value, chain, chain);
        memcpy(bytes + value.size - sizeof chain, chain, sizeof chain);
        copy->items[0][i].value.data = bytes;
    }
}

static void add_foreign(struct copy *copy)
{
    SAGA_PUSH(copy->arena, copy->items[0], copy->count[0], copy->capacity[0],
              (struct saga_message){ .value = SAGA_SLICE("hello") });
}

static void forget_definitions(struct copy *copy)
{
    copy->definition_count = 0;
}

/* A comment more; its hash in the header stays. */
static void exchange_definition(struct copy *copy)
{
    struct saga_message *items = SAGA_NEW_ARRAY(copy->arena, struct saga_message, 1);
    items[0] = copy->definitions[0];
    items[0].value = SAGA_CONCAT(copy->arena, items[0].value, SAGA_SLICE("# more\n"));
    copy->definitions = items;
}

static const struct {
    const char *prefix;
    void (*act)(struct copy *copy);
    const char *words; /* what is found, without anchors or (`anchored`) with them */
    bool anchored;
} tampering[] = {
    { "altered", alter, "(chain): lane 0, offset 20", false },
    { "removed", take_out, "(chain): lane 0, offset 20", false },
    { "inserted", put_in, "it is a copy of the record at offset 17", false },
    { "reordered", swap, "changed places", false },
    { "truncated", cut_off, "the journal's end was cut off", true },
    { "rewritten", rewrite, "what stands up to this record was changed since", true },
    { "foreign", add_foreign, "(unreadable): lane 0", false },
    { "exchanged", exchange_definition, "another content than", false },
    { "undefined", forget_definitions, "is not to be had", false },
};

/* Catches a kind of tampering that is not found in Kafka, or not in an export, or not named. */
static void tampering_is_found_and_named(void **state)
{
    struct saga_test_cluster cluster;
    struct saga_arena arena;
    struct copy copy = { .arena = &arena };
    (void)state;
    start(&cluster);
    const char *folder = cluster.folder;
    saga_arena_init(&arena);
    saga_test_visit_topic(&cluster, "saga.journal", note_record, &copy);
    saga_test_visit_topic(&cluster, "saga.definitions", note_definition, &copy);
    assert_true(copy.count[0] > PLACE + 4);
    write_copy(&cluster, &copy, "same");
    saga_test_expect(
        &cluster, 0, "2 anchors",
        "audit anchor --set topics.prefix=same. --key %s/anchor.key --to %s/anchors.jsonl", folder,
        folder);
    saga_test_expect(
        &cluster, 0, "2 anchors hold",
        "audit verify --from-journal --set topics.prefix=same. --anchors %s/anchors.jsonl --key "
        "%s/anchor.pub",
        folder, folder);
    for (size_t i = 0; i < sizeof tampering / sizeof tampering[0]; i++) {
        const char *prefix = tampering[i].prefix;
        struct copy evil = copy;
        for (int lane = 0; lane < LANES; lane++) {
            evil.items[lane] = SAGA_NEW_ARRAY(&arena, struct saga_message, copy.count[lane]);
            memcpy(evil.items[lane], copy.items[lane], copy.count[lane] * sizeof *evil.items[lane]);
            evil.capacity[lane] = copy.count[lane];
        }
        tampering[i].act(&evil);
        write_copy(&cluster, &evil, prefix);
        if (!tampering[i].anchored)
            saga_test_expect(&cluster, 1, tampering[i].words,
                             "audit verify --from-journal --set topics.prefix=%s.", prefix);
        saga_test_expect(
            &cluster, 1, tampering[i].words,
            "audit verify --from-journal --set topics.prefix=%s. --anchors %s/anchors.jsonl --key "
            "%s/anchor.pub",
            prefix, folder, folder);
        saga_test_expect(&cluster, 0, "exported", "audit export --set topics.prefix=%s. %s/%s",
                         prefix, folder, prefix);
        expect_export(&cluster, 1, prefix, true, tampering[i].words);
    }
    finish(&cluster);
    saga_arena_free(&arena);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_living_journal_is_proved),
        cmocka_unit_test(a_cut_journal_is_proved_from_its_snapshots),
        cmocka_unit_test(tampering_is_found_and_named),
    };
    setenv("SAGA_SNAPSHOT_RECORDS", "25", 1);
    setenv("SAGA_SNAPSHOT_INTERVAL", "1s", 1);
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
