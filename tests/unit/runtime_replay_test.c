/* Proving a lane (runtime/replay.h). What it finds in journals that were tampered with, tests/audit looks at, and that it is
 * content with what workers write, the simulation; here: that it comes to its end whatever the facts are. */
#include "runtime_recorded.h"

#include "definition/catalog.h"
#include "runtime/replay.h"

#define DEFINITION                                                                                 \
    "saga: s\nversion: 1\nparticipants: { p: { commands: c, replies: r } }\nstart: { topic: t, "   \
    "event: Go, key: .k }\nkeep: 1h\nsteps:\n"                                                     \
    "  - { step: a, send: p/A, success: ADone, failure: ANo, compensate: none }\n"                 \
    "  - { step: b, send: p/B, success: BDone, failure: BNo, compensate: none }\n"

static void count_difference(const struct saga_difference *difference, void *context)
{
    uint64_t *counts = context;
    counts[difference->kind]++;
}

/* The definition that the sagas are recorded by, and no other. */
static struct saga_catalog *its_catalog(void)
{
    struct saga_catalog *catalog;
    assert_int_equal(saga_catalog_new(&catalog), 0);
    assert_int_equal(saga_catalog_add(catalog, recorded_load(DEFINITION)), 0);
    return catalog;
}

/* Catches facts that end a saga in a state that cannot be, and the program with the next event of that saga. */
static void a_state_that_cannot_be_is_a_difference(void **state)
{
    struct saga_fact ended[] = { { .kind = SAGA_FACT_COMPENSATION_STARTED },
                                 { .kind = SAGA_FACT_SAGA_COMPENSATED } };
    struct saga_fact ignored = { .kind = SAGA_FACT_REPLY_IGNORED };
    uint64_t differences[SAGA_DIFFERENCE_KIND_COUNT] = { 0 };
    struct saga_replay_counts counts;
    struct saga_replay *replay;
    struct recorded r;
    (void)state;
    recorded_begin(&r, DEFINITION);
    struct saga_catalog *catalog = its_catalog();
    start(&r, "k", "{}");
    reply(&r, "ADone", "a", "{}");
    recorded_forge(&r, ended, 2);
    recorded_forge(&r, &ignored, 1);
    saga_replay_new(r.codec, catalog, 0, count_difference, differences, &replay);
    for (size_t i = 0; i < 2; i++) saga_replay_record(replay, &r.records[i]);
    assert_int_equal(differences[SAGA_DIFFERENCE_FACTS], 0);
    for (size_t i = 2; i < r.count; i++) saga_replay_record(replay, &r.records[i]);
    assert_true(differences[SAGA_DIFFERENCE_FACTS] >= 2);
    saga_replay_count(replay, &counts);
    assert_int_equal(counts.records, 4);
    assert_int_equal(counts.sagas, 0);
    saga_replay_free(replay);
    saga_catalog_free(catalog);
    recorded_end(&r);
}

static void replay_by(const struct recorded *r, struct saga_catalog *catalog, size_t at_once,
                      uint64_t ret_differences[SAGA_DIFFERENCE_KIND_COUNT],
                      struct saga_replay_counts *ret)
{
    struct saga_replay *replay;
    memset(ret_differences, 0, SAGA_DIFFERENCE_KIND_COUNT * sizeof *ret_differences);
    saga_replay_new(r->codec, catalog, 0, count_difference, ret_differences, &replay);
    for (size_t from = 0; from < r->count; from += at_once)
        saga_replay_records(replay, r->records + from,
                            r->count - from < at_once ? r->count - from : at_once);
    saga_replay_count(replay, ret);
    saga_replay_free(replay);
}

/* Catches a record that is proved by what was looked ahead at, and not by what the record in front of it has made of the chain
 * and of its saga: each byte of a journal is changed in turn, and looking ahead finds the same as going step by step. */
static void looking_ahead_changes_nothing(void **state)
{
    uint64_t one[SAGA_DIFFERENCE_KIND_COUNT], many[SAGA_DIFFERENCE_KIND_COUNT], found = 0;
    struct saga_replay_counts by_one, by_many;
    struct recorded r;
    (void)state;
    recorded_begin(&r, DEFINITION);
    struct saga_catalog *catalog = its_catalog();
    start(&r, "k", "{}");
    reply(&r, "ADone", "a", "{}");
    reply(&r, "ADone", "a", "{}"); /* a duplicate */
    reply(&r, "BDone", "b", "{}");
    for (size_t i = 0; i < r.count; i++) {
        struct saga_slice value = r.records[i].value;
        for (size_t at = 0; at < value.size; at++) {
            ((char *)(uintptr_t)value.data)[at] ^= 1;
            replay_by(&r, catalog, 1, one, &by_one);
            replay_by(&r, catalog, r.count, many, &by_many);
            ((char *)(uintptr_t)value.data)[at] ^= 1;
            assert_memory_equal(one, many, sizeof one);
            assert_memory_equal(&by_one, &by_many, sizeof by_one);
            for (int kind = 0; kind < SAGA_DIFFERENCE_KIND_COUNT; kind++) found += one[kind];
        }
    }
    assert_true(found > r.count);
    saga_catalog_free(catalog);
    recorded_end(&r);
}

/* What the lane's snapshots say of the saga, as of the records that there are: its state and the marker. */
static void read_snapshot(struct recorded *r, struct saga_replay *replay)
{
    char chain[2 * SAGA_SHA256_BYTES + 1];
    const struct saga_slice journal = SAGA_SLICE("0123456789abcdef0123456789abcdef");
    struct saga_snapshot snapshot = { .journal = journal, .as_of = r->offset };
    struct saga_marker marker = { .journal = journal, .offset = r->offset, .lanes = 1 };
    struct saga_slice bytes;
    saga_hex(r->chain, sizeof r->chain, chain);
    marker.chain = saga_slice_of(chain);
    assert_int_equal(saga_state_encode(r->codec, r->state, &r->arena, &snapshot.state), 0);
    assert_int_equal(saga_snapshot_encode(r->codec, &snapshot, &r->arena, &bytes), 0);
    saga_replay_snapshot(replay, &(struct saga_message){ .key = r->state->id, .value = bytes });
    assert_int_equal(saga_marker_encode(r->codec, &marker, &r->arena, &bytes), 0);
    saga_replay_snapshot(replay, &(struct saga_message){ .key = SAGA_MARKER_KEY, .value = bytes });
    assert_int_equal(saga_replay_begin(replay, r->offset), r->offset);
}

/* Catches deciding on a block that the definition does not have: it ends the process. */
static void a_snapshot_that_does_not_fit_is_a_difference(void **state)
{
    (void)state;
    for (int forged = 0; forged < 2; forged++) {
        uint64_t differences[SAGA_DIFFERENCE_KIND_COUNT] = { 0 };
        struct recorded r;
        struct saga_replay *replay;
        struct saga_catalog *catalog = its_catalog();
        recorded_begin(&r, DEFINITION);
        start(&r, "k1", "{\"k\":\"k1\"}");
        assert_true(r.state->step_count > 0);
        saga_replay_new(r.codec, catalog, 0, count_difference, differences, &replay);
        uint32_t block = r.state->steps[0].block;
        if (forged) r.state->steps[0].block = 77;
        read_snapshot(&r, replay);
        r.state->steps[0].block = block;
        size_t from = r.count;
        reply(&r, "Unavailable", "a", NULL);
        saga_replay_record(replay, &r.records[from]);
        assert_int_equal(differences[SAGA_DIFFERENCE_SNAPSHOT], forged);
        assert_int_equal(differences[SAGA_DIFFERENCE_FACTS], 0);
        saga_replay_free(replay);
        saga_catalog_free(catalog);
        recorded_end(&r);
    }
}

/* Catches reading behind the end of a body that is no JSON. */
static void a_cause_that_is_no_event_is_a_difference(void **state)
{
    uint64_t differences[SAGA_DIFFERENCE_KIND_COUNT];
    struct saga_replay_counts counts;
    struct recorded r;
    (void)state;
    struct saga_catalog *catalog = its_catalog();
    recorded_begin(&r, DEFINITION);
    start(&r, "k1", "{\"k\":\"k1\"}");
    r.time_ms += 1000;
    r.state->sequence++;
    struct saga_fact nothing = { .kind = SAGA_FACT_REPLY_IGNORED, .reason = SAGA_SLICE("late") };
    struct saga_facts facts = { .items = &nothing, .count = 1 };
    struct saga_event cause = { .kind = SAGA_EVENT_REPLY,
                                .time_ms = r.time_ms,
                                .type = SAGA_SLICE("Nonsense"),
                                .body = SAGA_SLICE("{\"a") };
    struct saga_journal_record record = saga_journal_record_of(r.state, &cause, &facts);
    struct saga_slice bytes;
    assert_int_equal(saga_journal_encode(r.codec, &record, r.chain, &r.arena, &bytes, r.chain),
                     SAGA_OK);
    recorded_push(&r, bytes);
    replay_by(&r, catalog, 1, differences, &counts);
    assert_int_equal(differences[SAGA_DIFFERENCE_FACTS], 1);
    saga_catalog_free(catalog);
    recorded_end(&r);
}

/* Catches a run that is proved whatever journal it is of, and one that is refused though its record says none: such are older. */
static void a_run_of_another_journal_is_a_difference(void **state)
{
    static const char journal[] = "00112233445566778899aabbccddeeff";
    static const char *const runs_of[] = { journal, "", "ffeeddccbbaa99887766554433221100" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint64_t differences[SAGA_DIFFERENCE_KIND_COUNT];
        struct saga_replay_counts counts;
        struct recorded r;
        struct saga_catalog *catalog = its_catalog();
        recorded_begin(&r, DEFINITION);
        recorded_open(&r, journal);
        struct saga_event event = recorded_start(&r, "k1", "{\"k\":\"k1\"}");
        struct saga_slice run = saga_run_of(&r.arena, saga_slice_of(runs_of[i]), &event.source);
        if (runs_of[i][0]) event.run = run;
        recorded_take(&r, event);
        assert_true(saga_slice_equal(r.state->run, run));
        reply(&r, "ADone", "a", "{}");
        replay_by(&r, catalog, r.count, differences, &counts);
        assert_int_equal(counts.records, 3);
        for (int kind = 0; kind < SAGA_DIFFERENCE_KIND_COUNT; kind++)
            assert_int_equal(differences[kind], i == 2 && kind == SAGA_DIFFERENCE_SEQUENCE);
        saga_catalog_free(catalog);
        recorded_end(&r);
    }
}

/* Catches a replay that waits for Redis to stand behind what somebody else has written at the journal's end, where it never will. */
static void redis_is_not_expected_behind_a_foreign_record(void **state)
{
    uint64_t differences[SAGA_DIFFERENCE_KIND_COUNT] = { 0 };
    struct saga_replay *replay;
    struct recorded r;
    (void)state;
    recorded_begin(&r, DEFINITION);
    struct saga_catalog *catalog = its_catalog();
    recorded_push(&r, SAGA_SLICE("from elsewhere"));
    start(&r, "k", "{}");
    recorded_push(&r, SAGA_SLICE("from elsewhere"));
    recorded_push(&r, SAGA_SLICE_NONE);
    saga_replay_new(r.codec, catalog, 0, count_difference, differences, &replay);
    saga_replay_records(replay, r.records, r.count);
    assert_int_equal(saga_replay_applied(replay), 2);
    assert_int_equal(differences[SAGA_DIFFERENCE_UNREADABLE], 3);
    saga_replay_free(replay);
    saga_catalog_free(catalog);
    recorded_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_that_cannot_be_is_a_difference),
        cmocka_unit_test(looking_ahead_changes_nothing),
        cmocka_unit_test(a_snapshot_that_does_not_fit_is_a_difference),
        cmocka_unit_test(a_cause_that_is_no_event_is_a_difference),
        cmocka_unit_test(a_run_of_another_journal_is_a_difference),
        cmocka_unit_test(redis_is_not_expected_behind_a_foreign_record),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
