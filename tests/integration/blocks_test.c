/* Awaited events (R21), child sagas (R22) and the blocks around them on a real broker and a real Redis: entries and notes
 * between lanes, while a coordinator is killed and Redis loses everything. */
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
#include "harness/cluster.h"
#include "harness/process.h"

#define SAGAS SAGA_SOURCE_DIR "/tests/integration/sagas/"

enum {
    LANES = 4,
    CHECKS_PARTITIONS = 7,
    LEGS = 3,
    AT_ONCE = 2,
    WAIT_MS = SAGA_TEST_WAIT_MS,
    CALL_MS = 60000,
    STEP_MS = 200,
    WORDS = 65536
};

static const char *const trip_topics[] = { "crew.commands", NULL };
static const char *const venue_topics[] = { "owner.commands", NULL };
static const char *const song_topics[] = { "cellar.commands", NULL };

static const struct saga_answer_rule rules[] = {
    { "trip/noseat-*", "Reserve", "NoSeat" }, /* a child's key begins with its parent's id */
    { "nohotel-*", "Book", "NoHotel" },
    { "full-*", "Book", "Full" },
};

static void create_topic(struct saga_test_cluster *cluster, const char *name, int32_t partitions)
{
    bool created;
    struct saga_topic_spec spec = { .name = name, .partitions = partitions };
    assert_int_equal(saga_client_create_topic(cluster->client, &spec, CALL_MS, &created), 0);
}

static struct saga_definition *load(struct saga_test_cluster *cluster, const char *path)
{
    struct saga_definition *definition;
    struct saga_diagnostics findings;
    saga_diagnostics_init(&findings, &cluster->arena);
    assert_int_equal(saga_definition_load_file(path, NULL, &findings, &definition), 0);
    return definition;
}

static void serve(struct saga_test_cluster *cluster, struct saga_definition *const *definitions,
                  size_t count)
{
    struct saga_participants_config config = { .bootstrap_servers = cluster->kafka.servers,
                                               .definitions = definitions,
                                               .definition_count = count,
                                               .rules = rules,
                                               .rule_count = sizeof rules / sizeof rules[0],
                                               .group = "test-participants" };
    assert_int_equal(saga_participants_start(&config, &cluster->participants), 0);
}

/* ---- trips ---- */

/* What becomes of trips whose key begins so. */
struct kind {
    const char *prefix;
    unsigned count;
    bool checked, guided, call;
};
static const struct kind good = { "good-", 16, true, true, true },
                         full = { "full-", 4, true, true, false },
                         no_hotel = { "nohotel-", 4, true, false, false },
                         no_seat = { "noseat-", 4, false, false, false },
                         no_guide = { "noguide-", 4, true, false, false },
                         no_check = { "nocheck-", 4, false, false, false };
static const struct kind *const kinds[] = {
    &good, &full, &no_hotel, &no_seat, &no_guide, &no_check
};
enum { KINDS = sizeof kinds / sizeof kinds[0], COMPLETED = 20, OFF = 16 };

static void ask(struct saga_test_cluster *cluster, const struct kind *kind)
{
    for (unsigned i = 0; i < kind->count; i++) {
        char key[32], body[256];
        snprintf(key, sizeof key, "%s%u", kind->prefix, i);
        int size = snprintf(body, sizeof body,
                            "{\"tripId\":\"%s\",\"region\":\"%s\",\"call\":%s,\"legs\":[", key,
                            kind->prefix, kind->call ? "true" : "false");
        for (unsigned leg = 0; leg < LEGS; leg++)
            size += snprintf(body + size, sizeof body - (size_t)size, "%s\"%s/%u\"", leg ? "," : "",
                             key, leg);
        snprintf(body + size, sizeof body - (size_t)size, "]}");
        saga_test_send(cluster, "trips", key, "TripAsked", body, NULL);
    }
}

static void send_event(struct saga_test_cluster *cluster, const char *topic, const char *type,
                       const char *member, const char *value, const char *id)
{
    char body[128], header[128];
    snprintf(body, sizeof body, "{\"%s\":\"%s\"}", member, value);
    snprintf(header, sizeof header, "ce_id=%s", id);
    saga_test_send(cluster, topic, value, type, body, header, NULL);
}

static void pay(struct saga_test_cluster *cluster, const struct kind *kind)
{
    for (unsigned i = 0; i < kind->count; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s%u", kind->prefix, i);
        send_event(cluster, "trips", "TripPaid", "tripId", key, key);
    }
}

static void check_legs(struct saga_test_cluster *cluster, const struct kind *kind)
{
    for (unsigned i = 0; kind->checked && i < kind->count * LEGS; i++) {
        char leg[48];
        snprintf(leg, sizeof leg, "%s%u/%u", kind->prefix, i / LEGS, i % LEGS);
        send_event(cluster, "leg-checks", "LegChecked", "leg", leg, leg);
    }
}

/* One for each trip to the region; which trip gets which is all the same. */
static void find_guides(struct saga_test_cluster *cluster, const struct kind *kind)
{
    for (unsigned i = 0; kind->guided && i < kind->count; i++) {
        char id[48];
        snprintf(id, sizeof id, "%s-guide-%u", kind->prefix, i);
        send_event(cluster, "guides", "GuideFound", "region", kind->prefix, id);
    }
}

static void cancel(struct saga_test_cluster *cluster, const struct kind *kind)
{
    for (unsigned i = 0; i < kind->count; i++)
        assert_int_equal(saga_test_cli(cluster, NULL, 0,
                                       "cancel trip/%s%u --reason test --timeout 5m", kind->prefix,
                                       i),
                         0);
}

/* Events that were taken are remembered as long as early ones are kept; then nothing is left beside the sagas. */
static void wait_until_no_entries_are_left(struct saga_test_cluster *cluster)
{
    char words[WORDS] = "";
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (saga_test_now_ms() < until_ms) {
        if (saga_test_cli(cluster, words, sizeof words, "replay --verify -o json") == 0 &&
            strstr(words, "\"entries\": 0,"))
            return;
        saga_test_sleep_ms(10 * STEP_MS);
    }
    fail_msg("entries are left; logs in %s\n%s", cluster->folder, words);
}

static void check_commands(struct saga_test_cluster *cluster)
{
    static char words[WORDS];
    assert_int_equal(saga_test_cli(cluster, words, sizeof words, "list --limit 1000"), 0);
    assert_null(strchr(words, '~')); /* entries are nobody's sagas */
    assert_int_equal(saga_test_cli(cluster, words, sizeof words, "history trip/good-0"), 0);
    assert_non_null(strstr(words, "TripPaid of trips with good-0 came"));
    assert_non_null(strstr(words, "ended: completed"));
    assert_null(strchr(words, '~'));
    assert_int_equal(saga_test_cli(cluster, words, sizeof words, "show trip/good-0"), 0);
    assert_non_null(strstr(words, "leg-saga[2]"));
    assert_int_equal(saga_test_cli(cluster, words, sizeof words, "replay --verify --from-journal"),
                     0);
}

/* Catches a note that is lost or doubled on the way between lanes, an entry that a rebuild forgets, an event that two
 * sagas take or none, a child that runs on without its parent. */
static void trips_with_their_legs(void **state)
{
    struct saga_test_cluster cluster;
    (void)state;
    saga_test_cluster_start(&cluster, NULL, LANES);
    create_topic(&cluster, "leg-checks", CHECKS_PARTITIONS);
    saga_test_cluster_deploy(&cluster, SAGAS "leg.yaml");
    struct saga_definition *definitions[] = { cluster.definition,
                                              load(&cluster, SAGAS "trip.yaml") };
    cluster.definition = NULL; /* freed here, with the other */
    saga_test_cluster_deploy(&cluster, SAGAS "trip.yaml");
    serve(&cluster, definitions, 2);
    saga_test_coordinators_ready(&cluster, 2);
    /* early ones, and one of them twice */
    pay(&cluster, &good);
    check_legs(&cluster, &full);
    pay(&cluster, &good);
    for (size_t i = 0; i < KINDS; i++) ask(&cluster, kinds[i]);
    for (size_t i = 1; i < KINDS; i++) pay(&cluster, kinds[i]);
    saga_test_coordinator_signal(&cluster, 1, SIGKILL);
    check_legs(&cluster, &no_hotel);
    saga_test_wait_status(&cluster, "compensated",
                          no_seat.count * (1 + AT_ONCE) + no_hotel.count * (1 + LEGS), WAIT_MS);
    saga_test_redis_flushall(cluster.redis); /* with waiters and early events in it */
    saga_test_coordinator_start(&cluster, 1);
    check_legs(&cluster, &good);
    check_legs(&cluster, &no_guide);
    find_guides(&cluster, &good);
    find_guides(&cluster, &full);
    saga_test_wait_status(&cluster, "completed", COMPLETED * (LEGS + 1) + no_guide.count * LEGS,
                          WAIT_MS);
    cancel(&cluster, &no_guide); /* whose children have completed */
    cancel(&cluster, &no_check); /* whose children run */
    saga_test_wait_status(&cluster, "completed", COMPLETED * (LEGS + 1), WAIT_MS);
    saga_test_wait_records(&cluster, "trip.events", COMPLETED + OFF);
    saga_test_check_books(&cluster, trip_topics);
    saga_test_wait_status(&cluster, "running", 0, WAIT_MS);
    saga_test_wait_status(&cluster, "compensating", 0, WAIT_MS);
    saga_test_wait_status(&cluster, "stuck", 0, WAIT_MS);
    wait_until_no_entries_are_left(&cluster);
    assert_int_equal(saga_test_count_records(&cluster, "saga.dead-letters"), 0);
    check_commands(&cluster);
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_cluster_stop(&cluster);
    for (int i = 0; i < 2; i++) saga_definition_free(definitions[i]);
}

/* ---- a new version ---- */

static void venue_event(struct saga_test_cluster *cluster, const char *topic, const char *type,
                        const char *key)
{
    char id[96];
    snprintf(id, sizeof id, "%s-%s", type, key);
    send_event(cluster, topic, type, "id", key, id);
}

/* Redis may still lack a saga whose start is journaled. */
static bool runs_on_the_second(struct saga_test_cluster *cluster, const char *key)
{
    char words[WORDS];
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    int code;
    while ((code = saga_test_cli(cluster, words, sizeof words, "show venue/%s -o json", key)) !=
               0 &&
           saga_test_now_ms() < until_ms)
        saga_test_sleep_ms(STEP_MS);
    if (code != 0) fail_msg("saga show: exit %d\n%s", code, words);
    return strstr(words, "\"version\":2");
}

/* Starts venues until so many in a row run on the second version that no lane is left out, and sends to each the event that
 * it waits for. Returns how many there were, `*ret_second` of them on the second. */
static unsigned start_until_in_force(struct saga_test_cluster *cluster, unsigned *ret_second)
{
    enum { IN_A_ROW = 4 * LANES, PROBES_MAX = 400 };
    unsigned in_a_row = 0, probes = 0;
    *ret_second = 0;
    for (; in_a_row < IN_A_ROW && probes < PROBES_MAX; probes++) {
        char key[32];
        snprintf(key, sizeof key, "probe-%u", probes);
        assert_int_equal(saga_test_cli(cluster, NULL, 0, "start venue --key %s --timeout 5m", key),
                         0);
        bool second = runs_on_the_second(cluster, key);
        in_a_row = second ? in_a_row + 1 : 0;
        *ret_second += second;
        venue_event(cluster, second ? "venue-contracts" : "venue-answers",
                    second ? "VenueSigned" : "VenueFree", key);
        venue_event(cluster, second ? "venue-answers" : "venue-contracts",
                    second ? "VenueFree" : "VenueSigned", key); /* the other version's */
    }
    if (in_a_row < IN_A_ROW)
        fail_msg("version 2 does not come into force; logs in %s", cluster->folder);
    return probes;
}

/* Catches topics that are read only after a restart, sagas that change their version under way, and a version that some
 * lanes never hear of. */
static void a_version_with_new_topics_is_deployed_while_running(void **state)
{
    enum { OLD = 8 };
    struct saga_test_cluster cluster;
    unsigned second;
    char key[32];
    (void)state;
    saga_test_cluster_start(&cluster, SAGAS "venue.yaml", LANES);
    saga_test_coordinators_ready(&cluster, 2);
    for (unsigned i = 0; i < OLD; i++) {
        snprintf(key, sizeof key, "old-%u", i);
        venue_event(&cluster, "venues", "VenueAsked", key);
    }
    saga_test_wait_status(&cluster, "running", OLD, WAIT_MS);
    struct saga_definition *first = cluster.definition;
    saga_test_cluster_deploy(&cluster, SAGAS "venue-2.yaml");
    serve(&cluster, &cluster.definition, 1);
    unsigned probes = start_until_in_force(&cluster, &second);
    saga_test_wait_status(&cluster, "completed", probes, WAIT_MS);
    for (unsigned i = 0; i < OLD; i++) {
        snprintf(key, sizeof key, "old-%u", i);
        venue_event(&cluster, "venue-answers", "VenueFree", key);
    }
    saga_test_wait_status(&cluster, "completed", OLD + probes, WAIT_MS);
    saga_test_wait_records(&cluster, "owner.commands", second);
    saga_test_check_books(&cluster, venue_topics);
    assert_int_equal(saga_test_count_records(&cluster, "saga.dead-letters"), 0);
    saga_test_cluster_stop(&cluster);
    saga_definition_free(first);
}

/* ---- an expression without an end ---- */

static void ask_for_songs(struct saga_test_cluster *cluster, const char *prefix, unsigned count,
                          int rounds)
{
    for (unsigned i = 0; i < count; i++) {
        char key[32], body[96];
        snprintf(key, sizeof key, "%s%u", prefix, i);
        snprintf(body, sizeof body, "{\"song\":\"%s\",\"rounds\":%d}", key, rounds);
        saga_test_send(cluster, "songs", key, "SongAsked", body, NULL);
    }
}

/* Catches an expression that takes its worker with it, in a loop or out of memory: all are in one lane, and those behind
 * come to their end. */
static void an_expression_without_an_end_holds_up_nobody(void **state)
{
    enum { GOOD = 10, ENDLESS = 2 };
    struct saga_test_cluster cluster;
    char words[WORDS];
    (void)state;
    saga_test_cluster_start(&cluster, SAGAS "greedy.yaml", 1);
    saga_test_participants(&cluster, NULL, 0);
    saga_test_coordinator_start(&cluster, 0);
    ask_for_songs(&cluster, "a-", GOOD, 3);
    ask_for_songs(&cluster, "endless-", ENDLESS, -1);
    ask_for_songs(&cluster, "b-", GOOD, 3);
    saga_test_wait_status(&cluster, "compensated", ENDLESS, WAIT_MS);
    saga_test_wait_status(&cluster, "completed", 2 * GOOD, WAIT_MS);
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "history greedy/endless-0"), 0);
    assert_non_null(strstr(words, "ExpressionFailed at count"));
    assert_non_null(strstr(words, "until(. == 0; . - 1)"));
    saga_test_check_books(&cluster, song_topics);
    assert_int_equal(saga_test_count_records(&cluster, "saga.dead-letters"), 0);
    saga_test_coordinator_stop(&cluster, 0);
    saga_test_cluster_stop(&cluster);
}

/* Catches an event that vanishes because too much came before anybody asked for it. */
static void an_early_event_without_room_is_put_aside(void **state)
{
    enum { EVENTS = 6, BODY = 150000, ROOM = 3 };
    static char value[BODY];
    struct saga_test_cluster cluster;
    char words[WORDS], id[8];
    (void)state;
    saga_test_cluster_start(&cluster, SAGAS "leg.yaml", 1);
    memset(value, 'x', sizeof value - 1);
    static char body[BODY + 64];
    snprintf(body, sizeof body, "{\"leg\":\"A\",\"words\":\"%s\"}", value);
    for (unsigned i = 0; i < EVENTS; i++) {
        snprintf(id, sizeof id, "ce_id=%u", i);
        saga_test_send(&cluster, "leg-checks", "A", "LegChecked", body, id, NULL);
    }
    saga_test_coordinator_start(&cluster, 0);
    saga_test_wait_records(&cluster, "saga.dead-letters", EVENTS - ROOM);
    assert_int_equal(saga_test_cli(&cluster, words, sizeof words, "dead-letters list"), 0);
    assert_non_null(strstr(words, "over-a-limit"));
    assert_non_null(strstr(words, "leg-checks"));
    assert_int_equal(saga_test_cli(&cluster, NULL, 0, "replay --verify"), 0);
    saga_test_cluster_stop(&cluster);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trips_with_their_legs),
        cmocka_unit_test(a_version_with_new_topics_is_deployed_while_running),
        cmocka_unit_test(an_expression_without_an_end_holds_up_nobody),
        cmocka_unit_test(an_early_event_without_room_is_put_aside),
    };
    setenv("SAGA_SNAPSHOT_RECORDS", "25", 1);
    setenv("SAGA_SNAPSHOT_INTERVAL", "1s", 1);
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("blocks on real servers", tests, NULL, NULL);
}
