/* What the tests of runtime/what_if.h share: sagas are recorded by one definition, then decided by another. */
#ifndef SAGA_TESTS_UNIT_RUNTIME_TRIAL_H
#define SAGA_TESTS_UNIT_RUNTIME_TRIAL_H

#include "runtime_recorded.h"

#include "runtime/what_if.h"

#define HEAD                                                                                       \
    "saga: s\nparticipants: { p: { commands: c, replies: r } }\nstart: { topic: t, event: Go, "    \
    "key: .k }\nkeep: 1h\ndefaults: { timeout: 10s, retry: { attempts: 2, backoff: 1s, jitter: "   \
    "false } }\n"
#define STEP_A                                                                                     \
    "  - { step: a, send: p/A, body: '{n: .input.n}', success: ADone, failure: ANo,\n"             \
    "      compensate: { send: p/UndoA } }\n"
#define STEP_B                                                                                     \
    "  - { step: b, send: p/B, body: '{a: .steps.a.id}', success: BDone, failure: BNo,\n"          \
    "      compensate: none }\n"
#define OLD HEAD "version: 1\nsteps:\n" STEP_A STEP_B
#define DONE "on-completed: { publish: e/Done, body: '{k: .saga.key}' }\n"

static struct recorded r;
static struct saga_definition *definition;
static struct saga_what_if *what_if;
static struct saga_what_if_counts counts;
static const struct saga_what_if_group *const *groups;
static size_t group_count;

static inline int set_up(void **state)
{
    (void)state;
    definition = NULL;
    what_if = NULL;
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    saga_what_if_free(what_if);
    saga_definition_free(definition);
    recorded_end(&r);
    return 0;
}

static inline void begin(const char *yaml, int64_t since_ms)
{
    const struct saga_what_if_options options = { .name = SAGA_SLICE("s"),
                                                  .since_ms = since_ms,
                                                  .inbox = SAGA_SLICE(RECORDED_INBOX) };
    definition = recorded_load(yaml);
    saga_what_if_new(r.codec, definition, &options, &what_if);
    saga_what_if_lane_begin(what_if, 3);
}

static inline void end(void)
{
    uint64_t sum = 0;
    saga_what_if_lane_end(what_if);
    saga_what_if_count(what_if, &counts);
    group_count = saga_what_if_groups(what_if, &groups);
    for (int i = 0; i < SAGA_WHAT_IF_CLASS_COUNT; i++) sum += counts.by_class[i];
    assert_int_equal(sum, counts.sagas);
}

/* Of the records so far, all but the first `cut`. */
static inline void judge_from(size_t cut, const char *yaml, int64_t since_ms)
{
    begin(yaml, since_ms);
    for (size_t i = cut; i < r.count; i++) saga_what_if_record(what_if, &r.records[i]);
    end();
}

static inline void judge(const char *yaml)
{
    judge_from(0, yaml, 0);
}

/* All sagas are of one class, and of one group. */
static inline const struct saga_what_if_example *all_part(enum saga_what_if_class class,
                                                          const char *step, const char *what)
{
    if (group_count != 1) {
        for (size_t i = 0; i < group_count; i++)
            print_message("%s, step %.*s: %.*s\n", saga_what_if_class_name(groups[i]->class),
                          SAGA_SLICE_ARG(groups[i]->step), SAGA_SLICE_ARG(groups[i]->what));
        for (int i = 0; i < SAGA_WHAT_IF_CLASS_COUNT; i++)
            print_message("%s: %llu\n", saga_what_if_class_name((enum saga_what_if_class)i),
                          (unsigned long long)counts.by_class[i]);
    }
    assert_int_equal(group_count, 1);
    assert_string_equal(saga_what_if_class_name(groups[0]->class), saga_what_if_class_name(class));
    assert_int_equal(counts.by_class[class], counts.sagas);
    assert_int_equal(groups[0]->count, counts.sagas);
    if (!saga_slice_is(groups[0]->what, what) || !saga_slice_is(groups[0]->step, step))
        fail_msg("%.*s: %.*s", SAGA_SLICE_ARG(groups[0]->step), SAGA_SLICE_ARG(groups[0]->what));
    return &groups[0]->examples[0];
}

static inline void all_same(uint64_t sagas)
{
    if (counts.by_class[SAGA_WHAT_IF_SAME] != counts.sagas) all_part(SAGA_WHAT_IF_SAME, "", "");
    assert_int_equal(counts.by_class[SAGA_WHAT_IF_SAME], sagas);
    assert_int_equal(counts.sagas, sagas);
}

static inline void record_one(const char *yaml)
{
    recorded_begin(&r, yaml);
    start(&r, "k1", "{\"k\":\"k1\",\"n\":1}");
}

static inline void completes(void)
{
    reply(&r, "ADone", "a", "{\"id\":7}");
    reply(&r, "BDone", "b", "{}");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
