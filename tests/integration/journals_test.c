/* A journal with sagas of every ending, on a real broker and a real Redis, written down and replayed without either: what
 * golden/journals keeps of each released format. JOURNALS_FOLDER=FOLDER keeps it in a folder below that one, which is
 * named by the journal's format. Each saga's story is told from it too, in every form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "codec/codec.h"
#include "codec/message.h"
#include "definition/schema_folder.h"
#include "harness/cluster.h"
#include "harness/process.h"
#include "operate/definitions.h"
#include "recorded/recorded.h"

#define SAGAS SAGA_SOURCE_DIR "/tests/integration/sagas/"
#define SCHEMAS SAGA_SOURCE_DIR "/schemas"

enum { LANES = 2, WAIT_MS = SAGA_TEST_WAIT_MS, STEP_MS = 200, WORDS = 131072, TICKS = 2 };

static const char *const files[] = {
    SAGAS "silent-order.yaml",
    SAGAS "leg.yaml",
    SAGAS "trip.yaml",
    SAGAS "every-two-seconds.yaml",
    SAGA_SOURCE_DIR "/sagas/invoice.yaml",
};
enum { FILES = sizeof files / sizeof files[0] };

static const struct saga_answer_rule rules[] = {
    { "nostock-1", "ReserveStock", "OutOfStock" },
    { "declined-1", "ChargeCard", "CardDeclined" },
    { "nocourier-1", "BookCourier", "silent" }, /* its outcome stays unknown */
    { "slow-1", "ChargeCard", "silent-once" },
    { "stuck-*", "HandOver", "silent" },
    { "full-1", "Book", "Full" },
    { "D-2", "SendInvoice", "AddressUnknown" },
};

struct recording {
    struct saga_test_cluster cluster;
    struct saga_definition *definitions[FILES];
    struct saga_schemas *schemas;
};

static void start(struct recording *r)
{
    struct saga_test_cluster *cluster = &r->cluster;
    struct saga_diagnostics findings;
    setenv("SAGA_SCHEMAS", SCHEMAS, 1);
    setenv("USER", "ada", 1); /* who says what operators say */
    saga_test_cluster_start(cluster, NULL, LANES);
    saga_diagnostics_init(&findings, &cluster->arena);
    assert_int_equal(saga_schema_folder_read(SCHEMAS, &findings, &r->schemas), 0);
    for (size_t i = 0; i < FILES; i++) {
        saga_test_cluster_deploy(cluster, files[i]);
        r->definitions[i] = cluster->definition;
    }
    cluster->definition = NULL; /* freed with the others */
    struct saga_participants_config config = { .bootstrap_servers = cluster->kafka.servers,
                                               .definitions = r->definitions,
                                               .definition_count = FILES,
                                               .schemas = r->schemas,
                                               .rules = rules,
                                               .rule_count = sizeof rules / sizeof rules[0],
                                               .group = "test-participants" };
    assert_int_equal(saga_participants_start(&config, &cluster->participants), 0);
    saga_test_coordinators_ready(cluster, 1);
}

static void finish(struct recording *r)
{
    saga_test_cluster_stop(&r->cluster);
    for (size_t i = 0; i < FILES; i++) saga_definition_free(r->definitions[i]);
    saga_schemas_free(r->schemas);
    unsetenv("SAGA_SCHEMAS");
}

/* ---- what happens ---- */

static void say(struct recording *r, const char *line)
{
    assert_int_equal(saga_test_cli(&r->cluster, NULL, 0, "%s --timeout 5m", line), 0);
}

static void start_by_hand(struct recording *r, const char *saga, const char *key, const char *json)
{
    char path[512];
    snprintf(path, sizeof path, "%s/input.json", r->cluster.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(json, file);
    fclose(file);
    assert_int_equal(saga_test_cli(&r->cluster, NULL, 0,
                                   "start %s --key %s --input %s --timeout 5m", saga, key, path),
                     0);
}

static void ask_for_trip(struct recording *r, const char *key)
{
    char body[256];
    snprintf(body, sizeof body,
             "{\"tripId\":\"%s\",\"region\":\"%s\",\"call\":true,\"legs\":[\"%s/0\",\"%s/1\"]}",
             key, key, key, key);
    saga_test_send(&r->cluster, "trips", key, "TripAsked", body, NULL);
}

static void send_event(struct recording *r, const char *topic, const char *type, const char *member,
                       const char *value)
{
    char body[128], header[128];
    snprintf(body, sizeof body, "{\"%s\":\"%s\"}", member, value);
    snprintf(header, sizeof header, "ce_id=%s-%s", type, value);
    saga_test_send(&r->cluster, topic, value, type, body, header, NULL);
}

static void wait_step(struct recording *r, const char *saga, const char *words)
{
    char shown[WORDS / 4] = "";
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (saga_test_now_ms() < until_ms) {
        (void)saga_test_cli(&r->cluster, shown, sizeof shown, "show %s -o json", saga);
        if (strstr(shown, words)) return;
        saga_test_sleep_ms(STEP_MS);
    }
    fail_msg("%s does not come to %s; logs in %s\n%s", saga, words, r->cluster.folder, shown);
}

static void let_orders_live(struct recording *r)
{
    static const char *const prefixes[] = { "ok-", "nostock-", "declined-", "nocourier-", "slow-" };
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        saga_test_send_orders(&r->cluster, prefixes[i], 1);
    saga_test_send_orders(&r->cluster, "stuck-", 3);
    saga_test_wait_status(&r->cluster, "stuck", 3, WAIT_MS);
    say(r, "retry order-fulfilment/stuck-1 --reason once-more");
    say(r, "pause order-fulfilment/stuck-2 --reason wait");
    say(r, "resume order-fulfilment/stuck-2 --reason go-on");
    say(r, "resolve order-fulfilment/stuck-2 --as succeeded --reason seen");
    wait_step(r, "order-fulfilment/stuck-1", "\"attempt\":4"); /* three were made before */
    wait_step(r, "order-fulfilment/stuck-1", "\"status\":\"stuck\"");
    say(r, "resolve order-fulfilment/stuck-3 --as failed --reason gone");
    wait_step(r, "order-fulfilment/stuck-2", "\"status\":\"completed\"");
    wait_step(r, "order-fulfilment/stuck-3", "\"status\":\"compensated\"");
    wait_step(r, "order-fulfilment/nocourier-1", "\"status\":\"compensated\"");
    wait_step(r, "order-fulfilment/slow-1", "\"status\":\"completed\"");
    wait_step(r, "order-fulfilment/ok-1", "\"status\":\"completed\"");
    /* too late, and for nobody */
    saga_test_send(&r->cluster, "payments.replies", "ok-1", "CardCharged", "{\"chargeId\":\"7\"}",
                   "ce_subject=order-fulfilment/ok-1", NULL);
}

static void let_trips_live(struct recording *r)
{
    send_event(r, "trips", "TripPaid", "tripId", "good-1"); /* early */
    ask_for_trip(r, "good-1");
    ask_for_trip(r, "full-1");
    ask_for_trip(r, "off-1");
    send_event(r, "trips", "TripPaid", "tripId", "full-1");
    send_event(r, "trips", "TripPaid", "tripId", "off-1");
    static const char *const legs[] = { "good-1/0", "good-1/1", "full-1/0",
                                        "full-1/1", "off-1/0",  "off-1/1" };
    for (size_t i = 0; i < sizeof legs / sizeof legs[0]; i++)
        send_event(r, "leg-checks", "LegChecked", "leg", legs[i]);
    send_event(r, "guides", "GuideFound", "region", "good-1");
    send_event(r, "guides", "GuideFound", "region", "full-1");
    wait_step(r, "trip/good-1", "\"status\":\"completed\"");
    wait_step(r, "trip/full-1", "\"status\":\"completed\"");
    wait_step(r, "trip/off-1", "\"path\":\"guide\"");
    say(r, "cancel trip/off-1 --reason no-guide"); /* its children have completed */
    wait_step(r, "trip/off-1", "\"status\":\"compensated\"");
}

#define DELIVERY(id)                                                                               \
    "{\"deliveryId\":\"" id "\",\"customerNumber\":9007199254740993,"                              \
    "\"deliveredAt\":\"2026-11-23T12:13:14.015Z\",\"total\":{\"amount\":1.90,"                     \
    "\"currency\":\"EUR\"}}"

static void let_invoices_live(struct recording *r)
{
    start_by_hand(r, "invoice", "D-1", DELIVERY("D-1"));
    start_by_hand(r, "invoice", "D-2", DELIVERY("D-2"));
    start_by_hand(r, "invoice", "X-1", "{\"deliveryId\":\"X-1\"}"); /* fits no schema */
    wait_step(r, "invoice/D-1", "\"status\":\"completed\"");
    wait_step(r, "invoice/D-2", "\"status\":\"compensated\"");
    wait_step(r, "invoice/X-1", "\"status\":\"compensated\"");
}

struct schedule_ends {
    struct saga_codec *codec;
    struct saga_arena arena;
    unsigned count;
};

static void note_schedule_end(const struct saga_message *message, void *context)
{
    struct schedule_ends *ends = context;
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_reset(&ends->arena);
    assert_int_equal(
        saga_journal_decode(ends->codec, message->value, &ends->arena, &record, &diagnostic), 0);
    for (size_t i = 0; i < record.fact_count; i++)
        ends->count += record.facts[i].kind == SAGA_FACT_SCHEDULE_ENDED;
}

/* A coordinator takes up what was deployed a moment later. */
static void wait_for_end_of_schedule(struct recording *r)
{
    struct schedule_ends ends = { 0 };
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    saga_arena_init(&ends.arena);
    assert_int_equal(saga_codec_new(&ends.codec), 0);
    while (!ends.count && saga_test_now_ms() < until_ms) {
        saga_test_sleep_ms(STEP_MS);
        saga_test_visit_topic(&r->cluster, "saga.journal", note_schedule_end, &ends);
    }
    assert_int_equal(ends.count, 1);
    saga_codec_free(ends.codec);
    saga_arena_free(&ends.arena);
}

static void let_the_clock_tick(struct recording *r)
{
    char words[WORDS / 4] = "";
    bool ticked = false;
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (!ticked && saga_test_now_ms() < until_ms) {
        (void)saga_test_cli(&r->cluster, words, sizeof words,
                            "list every-two-seconds --status completed -o jsonl");
        size_t lines = 0;
        for (const char *at = words; (at = strchr(at, '\n')); at++) lines++;
        ticked = lines >= TICKS;
        saga_test_sleep_ms(STEP_MS);
    }
    assert_true(ticked);
    saga_test_cluster_deploy(&r->cluster, SAGAS "every-two-seconds-no-more.yaml");
    saga_definition_free(r->cluster.definition);
    r->cluster.definition = NULL;
    wait_for_end_of_schedule(r);
}

/* ---- writing it down ---- */

static void make_folder(const char *path)
{
    if (mkdir(path, 0755) < 0) assert_int_equal(errno, EEXIST);
}

struct lanes {
    FILE *files[LANES];
};

static void write_record(const struct saga_message *record, void *context)
{
    struct lanes *lanes = context;
    assert_true(record->partition >= 0 && record->partition < LANES);
    recorded_write(lanes->files[record->partition], record);
}

static void write_lanes(struct recording *r, const char *folder)
{
    struct lanes lanes;
    for (unsigned i = 0; i < LANES; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/lane-%u.jsonl", folder, i);
        lanes.files[i] = fopen(path, "w");
        assert_non_null(lanes.files[i]);
    }
    saga_test_visit_topic(&r->cluster, "saga.journal", write_record, &lanes);
    for (unsigned i = 0; i < LANES; i++) assert_int_equal(fclose(lanes.files[i]), 0);
}

struct deployed {
    struct saga_deployment deployment;
    struct saga_arena *arena;
};

static void take_definition(const struct saga_message *record, void *context)
{
    struct deployed *deployed = context;
    saga_deployment_take(&deployed->deployment, record, deployed->arena);
}

static void write_text(const char *path, struct saga_slice text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fwrite(text.data, 1, text.size, file);
    assert_int_equal(fclose(file), 0);
}

static void write_definitions(struct recording *r, const char *folder)
{
    struct deployed deployed = { .arena = &r->cluster.arena };
    char path[1024];
    snprintf(path, sizeof path, "%s/definitions", folder);
    make_folder(path);
    saga_test_visit_topic(&r->cluster, "saga.definitions", take_definition, &deployed);
    for (size_t i = 0; i < deployed.deployment.count; i++) {
        const struct saga_deployed *d = &deployed.deployment.items[i];
        snprintf(path, sizeof path, "%s/definitions/%.*s-%u.yaml", folder, SAGA_SLICE_ARG(d->name),
                 d->version);
        write_text(path, d->source);
    }
}

static void copy_schemas(const char *folder)
{
    static char program[] = "cp", recursive[] = "-r", participants[] = SCHEMAS "/invoicing",
                mailroom[] = SCHEMAS "/mailroom", registry[] = SCHEMAS "/registry.yaml";
    char path[1024];
    pid_t pid;
    snprintf(path, sizeof path, "%s/schemas", folder);
    make_folder(path);
    char *arguments[] = { program, recursive, participants, mailroom, registry, path, NULL };
    assert_int_equal(saga_test_spawn(arguments, NULL, &pid), 0);
    assert_int_equal(saga_test_stop(pid, 0, WAIT_MS), 0);
}

static void write_down(struct recording *r, const char *folder)
{
    struct saga_replay_counts counts;
    char path[1024];
    make_folder(folder);
    write_lanes(r, folder);
    write_definitions(r, folder);
    copy_schemas(folder);
    recorded_replay(folder, &counts);
    char *text = recorded_counts(&counts);
    snprintf(path, sizeof path, "%s/expected.json", folder);
    write_text(path, saga_slice_of(text));
    if (!strstr(text, "\"differences\": 0")) fail_msg("what was recorded differs: %s", text);
    free(text);
}

/* ---- stories ---- */

static void tell(struct recording *r, char words[WORDS], int expected, const char *line)
{
    int code = saga_test_cli(&r->cluster, words, WORDS, "%s", line);
    if (code != expected) fail_msg("saga %s: exit %d\n%s", line, code, words);
}

static void assert_tells(const char *words, const char *part)
{
    if (!strstr(words, part)) fail_msg("\"%s\" is not told in:\n%s", part, words);
}

/* Catches offsets that are not those of the saga, a scan where none is needed, and a story that depends on how it was found. */
static void tell_stories(struct recording *r)
{
    static char words[WORDS], scanned[WORDS];
    tell(r, words, 0, "history order-fulfilment/stuck-2");
    assert_null(strstr(words, "reading all of lane"));
    assert_tells(words, "said resolve as succeeded");
    assert_tells(words, ": seen  (saga.inbox[");
    assert_tells(words, "= completed after ");
    tell(r, scanned, 0, "history order-fulfilment/stuck-2 --scan");
    assert_string_equal(words, scanned);
    tell(r, words, 0, "history order-fulfilment/nocourier-1 -o mermaid");
    assert_tells(words, "sequenceDiagram\n");
    assert_tells(words, " as shipping\n");
    assert_tells(words, "is unknown after attempt 2");
    tell(r, words, 0, "history trip/off-1 --bodies -o html");
    assert_tells(words, "</html>");
    tell(r, words, 3, "history order-fulfilment/nobody");
}

/* Redis knows other offsets, then none; the journal gets a foreign record under the saga's key. */
static void tell_in_trouble(struct recording *r)
{
    static char words[WORDS];
    unsigned lane = saga_lane_of_key(SAGA_SLICE("stuck-2"), LANES);
    struct saga_position position;
    struct saga_message foreign = { .topic = SAGA_SLICE("saga.journal"),
                                    .partition = (int32_t)lane,
                                    .key = SAGA_SLICE("stuck-2"),
                                    .value = SAGA_SLICE("from elsewhere") };
    saga_test_redis_ask(r->cluster.redis, "LSET saga:{%u}:history:order-fulfilment/stuck-2 1 0",
                        lane);
    tell(r, words, 0, "history order-fulfilment/stuck-2");
    assert_tells(words, "the offsets that Redis keeps are not those of this saga");
    assert_tells(words, "= completed after ");
    assert_int_equal(saga_client_send(r->cluster.client, &foreign, WAIT_MS, &position), 0);
    saga_test_redis_flushall(r->cluster.redis);
    tell(r, words, 0, "history order-fulfilment/stuck-2");
    assert_tells(words, "Redis does not know this saga (any more); reading all of lane");
    assert_tells(words, "1 record under this key could not be read");
    assert_tells(words, "= completed after ");
}

static void every_ending_is_recorded_and_told(void **state)
{
    struct recording r = { 0 };
    char folder[512], format[17];
    const char *into = getenv("JOURNALS_FOLDER");
    (void)state;
    start(&r);
    let_orders_live(&r);
    let_trips_live(&r);
    let_invoices_live(&r);
    let_the_clock_tick(&r);
    recorded_format(format);
    snprintf(folder, sizeof folder, "%s/%s", into ? into : r.cluster.folder, format);
    tell_stories(&r);
    saga_test_coordinator_stop(&r.cluster, 0);
    write_down(&r, folder);
    tell_in_trouble(&r);
    finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_ending_is_recorded_and_told) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
