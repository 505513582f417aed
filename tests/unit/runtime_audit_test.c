/* Proving a lane with its snapshots (runtime/audit.h): what they lack. What else it finds, tests/audit looks at. */
#include "runtime_recorded.h"

#include "definition/catalog.h"
#include "runtime/audit.h"

#define DEFINITION                                                                                 \
    "saga: s\nversion: 1\nparticipants: { p: { commands: c, replies: r } }\nstart: { topic: t, "   \
    "event: Go, key: .k }\nkeep: 1h\nsteps:\n"                                                     \
    "  - { step: a, send: p/A, success: ADone, failure: ANo, compensate: none }\n"
#define JOURNAL "0123456789abcdef0123456789abcdef"

static struct recorded r;
static struct saga_catalog *catalog;
static struct saga_audit *audit;
static unsigned told;
static char saga[64];

static void note(const struct saga_difference *difference, void *context)
{
    (void)context;
    if (difference->kind != SAGA_DIFFERENCE_SNAPSHOT)
        fail_msg("offset %lld: %.*s", (long long)difference->offset,
                 SAGA_SLICE_ARG(difference->words));
    assert_non_null(strstr(saga_arena_string(&r.arena, difference->words), "lack the saga"));
    snprintf(saga, sizeof saga, "%.*s", SAGA_SLICE_ARG(difference->saga_id));
    told++;
}

static void open_lane(void)
{
    struct saga_fact fact = { .kind = SAGA_FACT_LANE_OPENED,
                              .lanes = 1,
                              .text = SAGA_SLICE(JOURNAL) };
    const struct saga_journal_record record = {
        .cause = { .kind = SAGA_EVENT_LANE, .time_ms = r.time_ms }, .facts = &fact, .fact_count = 1
    };
    struct saga_slice bytes;
    assert_int_equal(saga_journal_encode(r.codec, &record, r.chain, &r.arena, &bytes, r.chain),
                     SAGA_OK);
    recorded_push(&r, bytes);
}

static int set_up(void **state)
{
    (void)state;
    recorded_begin(&r, DEFINITION);
    assert_int_equal(saga_catalog_new(&catalog), SAGA_OK);
    assert_int_equal(saga_catalog_add(catalog, recorded_load(DEFINITION)), SAGA_OK);
    const struct saga_audit_config config = {
        .codec = r.codec, .catalog = catalog, .lanes = 1, .report = note
    };
    audit = saga_audit_new(&config);
    told = 0;
    open_lane();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    saga_audit_free(audit);
    saga_catalog_free(catalog);
    recorded_end(&r);
    return 0;
}

/* The saga's state of now is in the snapshots. */
static void snapshot(const char *id, int64_t series)
{
    struct saga_message message = { .key = saga_slice_of(id) };
    struct saga_snapshot made = { SAGA_SLICE(JOURNAL), r.offset, series, SAGA_SLICE_NONE };
    assert_int_equal(saga_state_encode(r.codec, r.state, &r.arena, &made.state), SAGA_OK);
    assert_int_equal(saga_snapshot_encode(r.codec, &made, &r.arena, &message.value), SAGA_OK);
    saga_audit_snapshot(audit, &message);
}

static void take_out(const char *id)
{
    const struct saga_message message = { .key = saga_slice_of(id) };
    saga_audit_snapshot(audit, &message);
}

static void mark(void)
{
    char chain[2 * SAGA_SHA256_BYTES + 1];
    struct saga_message message = { .key = SAGA_MARKER_KEY };
    saga_hex(r.chain, sizeof r.chain, chain);
    const struct saga_marker marker = {
        SAGA_SLICE(JOURNAL), 1, r.offset, 0, saga_slice_of(chain), 0
    };
    assert_int_equal(saga_marker_encode(r.codec, &marker, &r.arena, &message.value), SAGA_OK);
    saga_audit_snapshot(audit, &message);
}

static void prove(void)
{
    for (size_t i = 0; i < r.count; i++) saga_audit_record(audit, &r.records[i]);
    saga_audit_end(audit, true);
}

static void all_of_them_are_there(void **state)
{
    struct saga_audit_counts counts;
    (void)state;
    start(&r, "k", "{}");
    snapshot("s/k", 0);
    start(&r, "l", "{}");
    snapshot("s/l", 0);
    mark();
    start(&r, "m", "{}"); /* later than the snapshot */
    prove();
    saga_audit_count(audit, &counts);
    assert_int_equal(told, 0);
    assert_int_equal(counts.snapshots, 3); /* with the marker */
}

/* Catches a saga that somebody takes out of the snapshots: it would be lost with the next journal that is cut. */
static void one_that_was_taken_out_is_lacking(void **state)
{
    (void)state;
    start(&r, "k", "{}");
    snapshot("s/k", 0);
    start(&r, "l", "{}");
    snapshot("s/l", 0);
    mark();
    take_out("s/k");
    prove();
    assert_int_equal(told, 1);
    assert_string_equal(saga, "s/k");
}

static void one_of_another_series_is_lacking(void **state)
{
    (void)state;
    start(&r, "k", "{}");
    snapshot("s/k", 7);
    mark();
    prove();
    assert_int_equal(told, 1);
    assert_string_equal(saga, "s/k");
}

/* Catches one that is missed because it is not there any more, and its next run that is taken for it. */
static void who_has_left_since_may_be_gone(void **state)
{
    (void)state;
    start(&r, "k", "{}");
    reply(&r, "ADone", "a", "{}");
    mark();
    ring(&r, "keep");
    start(&r, "k", "{}");
    prove();
    assert_int_equal(told, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_of_them_are_there),
        TEST(one_that_was_taken_out_is_lacking),
        TEST(one_of_another_series_is_lacking),
        TEST(who_has_left_since_may_be_gone),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
