/* Where sagas stood (runtime/as_of.h). That it is so at every offset of random journals, cut ones too, the simulation looks
 * at; here: moments of time, what is not known, and what is told of two moments. */
#include "runtime_recorded.h"

#include "runtime/as_of.h"

#define DEFINITION                                                                                 \
    "saga: s\nversion: 1\nparticipants: { p: { commands: c, replies: r } }\nstart: { topic: t, "   \
    "event: Go, key: .k }\nkeep: 1h\nsteps:\n"                                                     \
    "  - { step: a, send: p/A, success: ADone, failure: ANo, compensate: none }\n"                 \
    "  - { step: b, send: p/B, success: BDone, failure: BNo, compensate: none }\n"

static struct recorded r;
static struct saga_as_of *as_of;
static struct saga_state *found;
static struct saga_as_of_counts counts;
static const char journal[] = "0123456789abcdef0123456789abcdef";
static size_t changes, begun, gone;

static int set_up(void **state)
{
    (void)state;
    recorded_begin(&r, DEFINITION);
    saga_as_of_new(r.codec, SAGA_SLICE_NONE, &as_of);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    saga_state_free(found);
    found = NULL;
    saga_as_of_free(as_of);
    recorded_end(&r);
    return 0;
}

/* From the record `first` on, up to the moment; returns how many were taken. */
static size_t read_to(size_t first, int64_t time_ms, int64_t offset)
{
    size_t taken = first;
    saga_as_of_set(as_of, (struct saga_as_of_moment){ time_ms, offset });
    while (taken < r.count && saga_as_of_record(as_of, &r.records[taken])) taken++;
    saga_as_of_stand(as_of);
    saga_as_of_count(as_of, &counts);
    return taken - first;
}

/* Valid until it is asked for another. */
static const struct saga_state *stands(const char *id)
{
    bool unknown;
    saga_state_free(found);
    found = saga_as_of_find(as_of, saga_slice_of(id), &unknown);
    assert_false(unknown);
    return found;
}

static void assert_unknown(const char *id)
{
    bool unknown;
    saga_state_free(found);
    found = saga_as_of_find(as_of, saga_slice_of(id), &unknown);
    assert_true(unknown);
}

/* One saga that completes; a second later each. */
static void record_saga(const char *key)
{
    start(&r, key, "{}");
    pass(&r, 1000);
    reply(&r, "ADone", "a", "{\"x\":1}");
    pass(&r, 1000);
    reply(&r, "BDone", "b", "{}");
    pass(&r, 1000);
}

static void a_time_takes_what_was_decided_by_then(void **state)
{
    (void)state;
    int64_t begin_ms = r.time_ms;
    record_saga("k");
    assert_int_equal(read_to(0, begin_ms - 1, INT64_MAX), 0);
    assert_null(stands("s/k"));
    assert_int_equal(read_to(0, begin_ms + 1000, INT64_MAX), 2);
    assert_int_equal(stands("s/k")->status, SAGA_RUNNING);
    assert_int_equal(stands("s/k")->step_count, 2);
    assert_int_equal(saga_as_of_time(as_of), begin_ms + 1000);
    assert_int_equal(read_to(2, INT64_MAX, INT64_MAX), 1);
    assert_int_equal(stands("s/k")->status, SAGA_COMPLETED);
    assert_int_equal(counts.by_status[SAGA_COMPLETED], 1);
}

static void who_has_left_is_not_there(void **state)
{
    (void)state;
    record_saga("k");
    ring(&r, "keep");
    read_to(0, INT64_MAX, 2);
    assert_non_null(stands("s/k"));
    read_to(3, INT64_MAX, INT64_MAX);
    assert_null(stands("s/k"));
    assert_int_equal(counts.sagas + counts.unknown, 0);
}

/* Catches facts that end a saga in a state that cannot be, and end the program with it when it is read back. */
static void a_state_that_cannot_be_is_not_known(void **state)
{
    struct saga_fact ended[] = { { .kind = SAGA_FACT_COMPENSATION_STARTED },
                                 { .kind = SAGA_FACT_SAGA_COMPENSATED } };
    struct saga_fact ignored = { .kind = SAGA_FACT_REPLY_IGNORED };
    (void)state;
    start(&r, "k", "{}");
    reply(&r, "ADone", "a", "{\"x\":1}");
    reply(&r, "BDone", "b", "{}");
    r.count--; /* b is open: a is done, and not taken back */
    r.state->sequence--;
    recorded_forge(&r, ended, 2);
    recorded_forge(&r, &ignored, 1);
    assert_int_equal(read_to(0, INT64_MAX, INT64_MAX), 4);
    assert_unknown("s/k");
    assert_int_equal(counts.unknown, 1);
    assert_int_equal(counts.sagas, 0);
}

static void one_saga_is_looked_at_alone(void **state)
{
    (void)state;
    record_saga("k");
    record_saga("l");
    saga_as_of_free(as_of);
    saga_as_of_new(r.codec, SAGA_SLICE("s/l"), &as_of);
    read_to(0, INT64_MAX, INT64_MAX);
    assert_null(stands("s/k"));
    assert_non_null(stands("s/l"));
    assert_int_equal(counts.sagas, 1);
}

/* ---- what is not known ---- */

static void snapshot(const char *key, const struct saga_state *state, int64_t at)
{
    struct saga_message message = { .key = saga_slice_of(key) };
    struct saga_snapshot made = { saga_slice_of(journal), at, 1, SAGA_SLICE_NONE };
    assert_int_equal(saga_state_encode(r.codec, state, &r.arena, &made.state), SAGA_OK);
    assert_int_equal(saga_snapshot_encode(r.codec, &made, &r.arena, &message.value), SAGA_OK);
    saga_as_of_snapshot(as_of, &message);
}

static bool mark_snapshot(int64_t at, int64_t series, int64_t low)
{
    static const char chain[] = "0000000000000000000000000000000000000000000000000000000000000000";
    struct saga_message message = { .key = SAGA_MARKER_KEY };
    const struct saga_marker marker = { saga_slice_of(journal), 1, at, series,
                                        saga_slice_of(chain),   0 };
    assert_int_equal(saga_marker_encode(r.codec, &marker, &r.arena, &message.value), SAGA_OK);
    saga_as_of_snapshot(as_of, &message);
    return saga_as_of_begin(as_of, low);
}

static void a_saga_whose_beginning_was_cut_is_unknown(void **state)
{
    (void)state;
    record_saga("k");
    record_saga("l");
    read_to(1, INT64_MAX, INT64_MAX);
    assert_unknown("s/k");
    assert_non_null(stands("s/l"));
    assert_int_equal(counts.unknown, 1);
}

static void a_snapshot_of_before_tells_it(void **state)
{
    (void)state;
    start(&r, "k", "{}");
    reply(&r, "ADone", "a", "{\"x\":1}");
    snapshot("s/k", r.state, 2);
    reply(&r, "BDone", "b", "{}");
    assert_true(mark_snapshot(2, 1, 1));
    read_to(1, INT64_MAX, 1); /* the snapshot has this one already */
    assert_int_equal(stands("s/k")->status, SAGA_RUNNING);
    assert_int_equal(stands("s/k")->sequence, 2);
    read_to(2, INT64_MAX, INT64_MAX);
    assert_int_equal(stands("s/k")->status, SAGA_COMPLETED);
}

static void a_snapshot_of_later_does_not(void **state)
{
    (void)state;
    start(&r, "k", "{}");
    reply(&r, "ADone", "a", "{\"x\":1}");
    reply(&r, "BDone", "b", "{}");
    snapshot("s/k", r.state, 3);
    assert_true(mark_snapshot(3, 1, 1));
    read_to(1, INT64_MAX, 1);
    assert_unknown("s/k");
}

static void a_snapshot_that_does_not_reach_the_journal_is_worth_nothing(void **state)
{
    (void)state;
    start(&r, "k", "{}");
    snapshot("s/k", r.state, 1);
    reply(&r, "ADone", "a", "{\"x\":1}");
    reply(&r, "BDone", "b", "{}");
    assert_false(mark_snapshot(1, 1, 2));
    read_to(2, INT64_MAX, INT64_MAX);
    assert_unknown("s/k");
}

static void a_snapshot_of_another_series_neither(void **state)
{
    (void)state;
    start(&r, "k", "{}");
    snapshot("s/k", r.state, 1);
    reply(&r, "ADone", "a", "{\"x\":1}");
    assert_true(mark_snapshot(1, 2, 1));
    read_to(1, INT64_MAX, INT64_MAX);
    assert_unknown("s/k");
}

static void a_record_that_cannot_be_read_leaves_its_saga_unknown(void **state)
{
    (void)state;
    record_saga("k");
    record_saga("l");
    r.records[1].value = SAGA_SLICE("somebody's");
    read_to(0, INT64_MAX, INT64_MAX);
    assert_unknown("s/k");
    assert_non_null(stands("s/l"));
    assert_int_equal(counts.unreadable, 1);
}

/* ---- two moments ---- */

static void count_change(const struct saga_state *before, const struct saga_state *after,
                         void *context)
{
    (void)context;
    changes++;
    begun += !before;
    gone += !after;
    if (before && after) assert_true(before->sequence < after->sequence);
}

static void what_changed_between_is_told(void **state)
{
    (void)state;
    record_saga("stays");
    start(&r, "goes-on", "{}");
    size_t first = r.count;
    reply(&r, "ADone", "a", "{}");
    start(&r, "new", "{}");
    read_to(0, INT64_MAX, (int64_t)first - 1);
    saga_as_of_mark(as_of);
    read_to(first, INT64_MAX, INT64_MAX);
    changes = begun = gone = 0;
    saga_as_of_changes(as_of, count_change, NULL);
    assert_int_equal(changes, 2);
    assert_int_equal(begun, 1);
    assert_int_equal(gone, 0);
}

static void who_has_left_between_is_told(void **state)
{
    (void)state;
    record_saga("k");
    ring(&r, "keep");
    read_to(0, INT64_MAX, 2);
    saga_as_of_mark(as_of);
    read_to(3, INT64_MAX, INT64_MAX);
    changes = begun = gone = 0;
    saga_as_of_changes(as_of, count_change, NULL);
    assert_int_equal(changes, 1);
    assert_int_equal(gone, 1);
}

static void who_began_later_than_a_time_before_the_journal_was_not_there(void **state)
{
    (void)state;
    int64_t begin_ms = r.time_ms;
    start(&r, "k", "{}");
    reply(&r, "ADone", "a", "{}");
    snapshot("s/k", r.state, 2);
    assert_true(mark_snapshot(2, 1, 1));
    assert_int_equal(read_to(1, begin_ms - 1, INT64_MAX), 0);
    assert_null(stands("s/k"));
    assert_int_equal(counts.unknown, 0);
}

static void what_is_unknown_at_either_is_not_told(void **state)
{
    (void)state;
    int64_t begin_ms = r.time_ms;
    start(&r, "k", "{}");
    pass(&r, 1000);
    reply(&r, "ADone", "a", "{}");
    snapshot("s/k", r.state, 2);
    start(&r, "l", "{}");
    assert_true(mark_snapshot(2, 1, 1));
    assert_int_equal(read_to(1, begin_ms + 500, INT64_MAX), 0);
    assert_int_equal(counts.unknown, 1);
    saga_as_of_mark(as_of);
    read_to(1, INT64_MAX, INT64_MAX);
    assert_unknown("s/k");
    changes = begun = gone = 0;
    saga_as_of_changes(as_of, count_change, NULL);
    assert_int_equal(changes, 1);
    assert_int_equal(begun, 1);
}

/* It takes no record between, and yet it is not as it was: that nobody knows. */
static void what_a_snapshot_between_tells_was_unknown_before(void **state)
{
    (void)state;
    start(&r, "k", "{}");
    reply(&r, "ADone", "a", "{}");
    snapshot("s/k", r.state, 4);
    start(&r, "l", "{}");
    start(&r, "m", "{}");
    assert_true(mark_snapshot(4, 1, 2));
    read_to(2, INT64_MAX, 2);
    assert_unknown("s/k");
    saga_as_of_mark(as_of);
    read_to(3, INT64_MAX, INT64_MAX);
    assert_unknown("s/k");
    assert_int_equal(counts.unknown, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_time_takes_what_was_decided_by_then),
        TEST(who_has_left_is_not_there),
        TEST(a_state_that_cannot_be_is_not_known),
        TEST(one_saga_is_looked_at_alone),
        TEST(a_saga_whose_beginning_was_cut_is_unknown),
        TEST(a_snapshot_of_before_tells_it),
        TEST(a_snapshot_of_later_does_not),
        TEST(a_snapshot_that_does_not_reach_the_journal_is_worth_nothing),
        TEST(a_snapshot_of_another_series_neither),
        TEST(a_record_that_cannot_be_read_leaves_its_saga_unknown),
        TEST(what_changed_between_is_told),
        TEST(who_has_left_between_is_told),
        TEST(who_began_later_than_a_time_before_the_journal_was_not_there),
        TEST(what_is_unknown_at_either_is_not_told),
        TEST(what_a_snapshot_between_tells_was_unknown_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
