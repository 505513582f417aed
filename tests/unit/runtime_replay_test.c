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

/* Catches facts that end a saga in a state that cannot be, and the program with the next event of that saga. */
static void a_state_that_cannot_be_is_a_difference(void **state)
{
    struct saga_fact ended[] = { { .kind = SAGA_FACT_COMPENSATION_STARTED },
                                 { .kind = SAGA_FACT_SAGA_COMPENSATED } };
    struct saga_fact ignored = { .kind = SAGA_FACT_REPLY_IGNORED };
    uint64_t differences[SAGA_DIFFERENCE_KIND_COUNT] = { 0 };
    struct saga_replay_counts counts;
    struct saga_catalog *catalog;
    struct saga_replay *replay;
    struct recorded r;
    (void)state;
    recorded_begin(&r, DEFINITION);
    assert_int_equal(saga_catalog_new(&catalog), 0);
    start(&r, "k", "{}");
    reply(&r, "ADone", "a", "{}");
    recorded_forge(&r, ended, 2);
    recorded_forge(&r, &ignored, 1);
    assert_int_equal(saga_catalog_add(catalog, recorded_load(DEFINITION)), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_state_that_cannot_be_is_a_difference) };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
