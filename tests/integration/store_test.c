/* The store on a real Redis: what is written is what is read, and a batch is written whole or
 * not at all (R9, R10). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

#include "base/error.h"
#include "harness/lane.h"

extern const char saga_lua_reset_portion[];

static struct saga_test_redis *redis;

static int start_redis(void **state)
{
    (void)state;
    redis = saga_test_redis_start(NULL);
    return 0;
}

static int stop_redis(void **state)
{
    (void)state;
    saga_test_redis_free(redis);
    return 0;
}

static int begin(void **state)
{
    static struct saga_test_lane lane;
    saga_test_redis_flushall(redis);
    saga_test_lane_open(&lane, redis, NULL, 0);
    *state = &lane;
    return 0;
}

static int finish(void **state)
{
    saga_test_lane_close(*state);
    return 0;
}

#define assert_slice(slice, text)                                                                  \
    do {                                                                                           \
        struct saga_slice slice_ = (slice);                                                        \
        assert_non_null(slice_.data);                                                              \
        assert_int_equal(slice_.size, strlen(text));                                               \
        assert_memory_equal(slice_.data, text, slice_.size);                                       \
    } while (0)

static struct saga_lane_status status_of(struct saga_test_lane *lane, uint32_t number)
{
    struct saga_lane_status status;
    assert_int_equal(lane->store.lane_read(lane->store.self, number, &lane->arena, &status), 0);
    return status;
}

/* ---- lanes ---- */

static void a_lane_is_absent_until_it_is_opened(void **state)
{
    struct saga_test_lane *lane = *state;
    assert_false(status_of(lane, 3).present);
    struct saga_lane_status status = status_of(lane, 0);
    assert_true(status.present);
    assert_slice(status.journal, SAGA_TEST_JOURNAL);
    assert_int_equal(status.applied, 1);
    assert_null(status.chain.data);
    assert_string_equal(saga_test_redis_ask(redis, "HGET saga:{0}:lane lanes"), "4");
    assert_string_equal(saga_test_redis_ask(redis, "HLEN saga:{0}:lane"), "3");
}

static void an_apply_moves_the_lane_on(void **state)
{
    struct saga_test_lane *lane = *state;
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_OK);
    struct saga_lane_status status = status_of(lane, 0);
    assert_int_equal(status.applied, 2);
    assert_slice(status.chain, SAGA_TEST_CHAIN);
    assert_slice(status.owner, "worker-1");
    assert_int_equal(status.heartbeat_ms, 1700000000000);
    assert_slice(saga_test_lane_state(lane, SAGA_SLICE("order/1")), "s1");
    assert_null(saga_test_lane_state(lane, SAGA_SLICE("order/2")).data);
}

/* Everything that Redis holds, as one text. */
static void dump(char *ret, size_t size)
{
    static const char *const questions[] = {
        "HGETALL saga:{0}:lane",
        "ZRANGE saga:{0}:timers 0 -1 WITHSCORES",
        "GET saga:{0}:state:order/1",
        "ZRANGE saga:{0}:index:order@1:running 0 -1 WITHSCORES",
        "LRANGE saga:{0}:history:order/1 0 -1",
        "HGETALL saga:{0}:counts",
        "HGETALL saga:{0}:durations",
        "DBSIZE"
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        used += (size_t)snprintf(ret + used, size - used, "%s\n",
                                 saga_test_redis_ask(redis, questions[i], NULL));
    assert_true(used < size);
}

static void a_conflict_leaves_no_trace(void **state)
{
    struct saga_test_lane *lane = *state;
    struct saga_store *store = &lane->store;
    char before[4096], after[4096];
    int64_t next_due_ms = 77, offset = 1;
    struct saga_timer_write timer = { SAGA_SLICE("t"), 1, 500 };
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_OK);
    write = saga_test_start_of("order/1", "other", "completed", 20);
    write.status_before = SAGA_SLICE("running");
    write.timers_added = &timer;
    write.timers_added_count = 1;
    write.history = &offset;
    write.history_count = 1;
    dump(before, sizeof before);

    struct saga_apply apply = saga_test_lane_apply_of(lane, 9, &write, 1);
    apply.expected = 1; /* a late apply of an earlier owner */
    assert_int_equal(store->apply(store->self, &apply), SAGA_OK);
    assert_int_equal(store->apply_wait(store->self, 0, &next_due_ms), SAGA_E_CONFLICT);
    assert_int_equal(next_due_ms, 77);
    assert_non_null(strstr(store->problem(store->self), "offset 2 of journal " SAGA_TEST_JOURNAL));
    assert_non_null(strstr(store->problem(store->self), "1 was expected"));

    apply = saga_test_lane_apply_of(lane, 9, &write, 1);
    apply.journal = SAGA_SLICE("another");
    assert_int_equal(store->apply(store->self, &apply), SAGA_OK);
    assert_int_equal(store->apply_wait(store->self, 0, &next_due_ms), SAGA_E_CONFLICT);

    apply = saga_test_lane_apply_of(lane, 9, &write, 1);
    apply.lane = 2; /* never opened */
    assert_int_equal(store->apply(store->self, &apply), SAGA_OK);
    assert_int_equal(store->apply_wait(store->self, 2, &next_due_ms), SAGA_E_CONFLICT);
    dump(after, sizeof after);
    assert_string_equal(before, after);
}

static void readers_are_told_of_a_conflict(void **state)
{
    struct saga_test_lane *lane = *state;
    struct saga_store *store = &lane->store;
    struct saga_slice id = SAGA_SLICE("order/1"), found = SAGA_SLICE("untouched");
    struct saga_due_timer *due = NULL;
    size_t count = 5;
    int64_t next_due_ms = 7;
    assert_int_equal(store->states_read(store->self, 0, 2, &id, 1, &lane->arena, &found),
                     SAGA_E_CONFLICT);
    assert_slice(found, "untouched");
    assert_int_equal(store->states_read(store->self, 0, 2, NULL, 0, &lane->arena, NULL),
                     SAGA_E_CONFLICT);
    assert_int_equal(
        store->timers_due(store->self, 0, 2, 100, 10, &lane->arena, &due, &count, &next_due_ms),
        SAGA_E_CONFLICT);
    assert_int_equal(count, 5);
    assert_int_equal(store->heartbeat(store->self, 0, 2, SAGA_SLICE("w"), 5), SAGA_E_CONFLICT);
    assert_null(status_of(lane, 0).owner.data);
    assert_int_equal(store->heartbeat(store->self, 0, 1, SAGA_SLICE("w"), 5), SAGA_OK);
    assert_slice(status_of(lane, 0).owner, "w");
    assert_int_equal(status_of(lane, 0).heartbeat_ms, 5);
}

static void applies_of_several_lanes_are_under_way_together(void **state)
{
    struct saga_test_lane *lane = *state;
    struct saga_store *store = &lane->store;
    struct saga_timer_write timer = { SAGA_SLICE("t"), 1, 500 };
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    int64_t next_due_ms[3] = { 0 };
    write.timers_added = &timer;
    write.timers_added_count = 1;
    for (uint32_t n = 1; n < 3; n++)
        assert_int_equal(store->lane_reset(store->self, n, &(struct saga_lane_status){ 0 },
                                           SAGA_SLICE(SAGA_TEST_JOURNAL), 1, 4),
                         0);
    for (uint32_t n = 0; n < 3; n++) {
        struct saga_apply apply = saga_test_lane_apply_of(lane, 2, &write, n == 1 ? 0 : 1);
        apply.lane = n;
        assert_int_equal(store->apply(store->self, &apply), SAGA_OK);
    }
    lane->applied = 2;
    assert_slice(saga_test_lane_state(lane, SAGA_SLICE("order/1")),
                 "s1"); /* with all on their way */
    assert_int_equal(store->apply_wait(store->self, 2, &next_due_ms[2]), SAGA_OK);
    assert_int_equal(store->apply_wait(store->self, 0, &next_due_ms[0]), SAGA_OK);
    assert_int_equal(store->apply_wait(store->self, 1, &next_due_ms[1]), SAGA_OK);
    assert_int_equal(next_due_ms[0], 500);
    assert_true(next_due_ms[1] == SAGA_TIMER_NEVER);
    assert_int_equal(next_due_ms[2], 500);
    next_due_ms[0] = 3;
    assert_int_equal(store->apply_wait(store->self, 0, &next_due_ms[0]), SAGA_OK);
    assert_int_equal(next_due_ms[0], 3); /* none under way */
}

/* ---- sagas ---- */

static void an_index_changes_with_the_status_only(void **state)
{
    struct saga_test_lane *lane = *state;
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_OK);
    write = saga_test_start_of("order/1", "s2", "running", 20);
    write.status_before = SAGA_SLICE("running");
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_OK);
    assert_string_equal(
        saga_test_redis_ask(redis, "ZRANGE saga:{0}:index:order@1:running 0 -1 WITHSCORES"),
        "order/1\n10");
    write = saga_test_start_of("order/1", "s3", "compensating", 30);
    write.status_before = SAGA_SLICE("running");
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_OK);
    assert_string_equal(saga_test_redis_ask(redis, "ZCARD saga:{0}:index:order@1:running"), "0");
    assert_string_equal(saga_test_redis_ask(redis, "HGETALL saga:{0}:counts"),
                        "order@1:compensating\n1");
    assert_string_equal(
        saga_test_redis_ask(redis, "ZRANGE saga:{0}:index:order@1:compensating 0 -1 WITHSCORES"),
        "order/1\n30");
    assert_slice(saga_test_lane_state(lane, SAGA_SLICE("order/1")), "s3");
}

static void leaving_removes_everything(void **state)
{
    struct saga_test_lane *lane = *state;
    struct saga_timer_write timer = { SAGA_SLICE("t"), 4, 500 };
    struct saga_slice search[] = { SAGA_SLICE("customer:c 1"), SAGA_SLICE("sku:a:b") };
    int64_t history[] = { 1, 5 };
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    write.timers_added = &timer;
    write.timers_added_count = 1;
    write.search = search;
    write.search_count = 2;
    write.history = history;
    write.history_count = 2;
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_OK);
    assert_int_equal(lane->next_due_ms, 500);
    assert_string_equal(saga_test_redis_ask(redis, "SMEMBERS saga:{0}:search:sku:a:b"), "order/1");
    assert_string_equal(saga_test_redis_ask(redis, "LRANGE saga:{0}:history:order/1 0 -1"), "1\n5");

    write = saga_test_leave_of("order/1", "running");
    write.timers_removed = &timer;
    write.timers_removed_count = 1;
    write.search = search;
    write.search_count = 2;
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_OK);
    assert_true(lane->next_due_ms == SAGA_TIMER_NEVER);
    assert_string_equal(saga_test_redis_ask(redis, "DBSIZE"), "1"); /* the lane's hash */
    assert_null(saga_test_lane_state(lane, SAGA_SLICE("order/1")).data);
}

static void a_saga_leaves_and_starts_again_in_one_batch(void **state)
{
    struct saga_test_lane *lane = *state;
    struct saga_timer_write timer = { SAGA_SLICE("t"), 1, 500 },
                            later = { SAGA_SLICE("t"), 1, 900 };
    struct saga_slice search = SAGA_SLICE("customer:1");
    int64_t offsets[] = { 1, 2 };
    struct saga_state_write first = saga_test_start_of("order/1", "s1", "completed", 10);
    first.timers_added = &timer;
    first.history = &offsets[0];
    first.search = &search;
    first.timers_added_count = first.history_count = first.search_count = 1;
    assert_int_equal(saga_test_lane_apply(lane, &first, 1), SAGA_OK);
    struct saga_state_write both[] = { saga_test_leave_of("order/1", "completed"),
                                       saga_test_start_of("order/1", "s2", "completed", 20) };
    both[0].timers_removed = &timer;
    both[1].timers_added = &later;
    both[1].history = &offsets[1];
    both[0].search = both[1].search = &search;
    both[0].timers_removed_count = both[1].timers_added_count = both[1].history_count = 1;
    both[0].search_count = both[1].search_count = 1;
    assert_int_equal(saga_test_lane_apply(lane, both, 2), SAGA_OK);
    assert_slice(saga_test_lane_state(lane, SAGA_SLICE("order/1")), "s2");
    assert_int_equal(lane->next_due_ms, 900);
    assert_string_equal(saga_test_redis_ask(redis, "LRANGE saga:{0}:history:order/1 0 -1"), "2");
    assert_string_equal(saga_test_redis_ask(redis, "SCARD saga:{0}:search:customer:1"), "1");
    assert_string_equal(
        saga_test_redis_ask(redis, "ZRANGE saga:{0}:index:order@1:completed 0 -1 WITHSCORES"),
        "order/1\n20");
}

static void two_thousand_sagas_in_one_apply(void **state)
{
    enum { SAGAS = 2000, TIMERS = 5 }; /* 10,000 members for one command: more than Lua unpacks */
    struct saga_test_lane *lane = *state;
    struct saga_arena *arena = &lane->arena;
    struct saga_state_write *writes = SAGA_NEW_ARRAY(arena, struct saga_state_write, SAGAS);
    struct saga_slice *ids = SAGA_NEW_ARRAY(arena, struct saga_slice, SAGAS);
    struct saga_slice *found = SAGA_NEW_ARRAY(arena, struct saga_slice, SAGAS);
    static const int64_t offsets[2] = { 1, 2 };
    static struct saga_timer_write timers[TIMERS];
    for (int t = 0; t < TIMERS; t++)
        timers[t] = (struct saga_timer_write){ SAGA_SLICE("t"), (uint64_t)t, 100 + t };
    for (int i = 0; i < SAGAS; i++) {
        ids[i] = saga_arena_printf(arena, "order/%d", i);
        writes[i] = saga_test_start_of(ids[i].data, ids[i].data, "running", i);
        writes[i].timers_added = timers;
        writes[i].timers_added_count = TIMERS;
        writes[i].history = offsets;
        writes[i].history_count = 2;
    }
    assert_int_equal(saga_test_lane_apply(lane, writes, SAGAS), SAGA_OK);
    assert_int_equal(lane->next_due_ms, 100);
    assert_string_equal(saga_test_redis_ask(redis, "ZCARD saga:{0}:timers"), "10000");
    assert_string_equal(saga_test_redis_ask(redis, "ZCARD saga:{0}:index:order@1:running"), "2000");
    assert_string_equal(saga_test_redis_ask(redis, "HGET saga:{0}:counts order@1:running"), "2000");
    assert_string_equal(saga_test_redis_ask(redis, "LLEN saga:{0}:history:order/1999"), "2");
    assert_int_equal(lane->store.states_read(lane->store.self, 0, 2, ids, SAGAS, arena, found), 0);
    for (int i = 0; i < SAGAS; i++) assert_true(saga_slice_equal(ids[i], found[i]));

    for (int i = 0; i < SAGAS; i++) {
        writes[i] = saga_test_leave_of(ids[i].data, "running");
        writes[i].timers_removed = timers;
        writes[i].timers_removed_count = TIMERS;
    }
    assert_int_equal(saga_test_lane_apply(lane, writes, SAGAS), SAGA_OK);
    assert_string_equal(saga_test_redis_ask(redis, "DBSIZE"), "1");
}

static void hostile_ids_come_back_as_they_were(void **state)
{
    static const char *const ids[] = { "order/a b",
                                       "order/{7}:x",
                                       "order/1:2:3",
                                       "order/\r\n$3\r\nGET",
                                       "order/\xc3\xa4\xe2\x82\xac",
                                       "order/*?[a]",
                                       "order/\"'\\",
                                       "order/",
                                       "order/1:4:order/" };
    enum { IDS = sizeof ids / sizeof *ids };
    struct saga_test_lane *lane = *state;
    struct saga_state_write writes[IDS];
    struct saga_timer_write timers[IDS];
    struct saga_due_timer *due;
    size_t count;
    for (size_t i = 0; i < IDS; i++) {
        writes[i] = saga_test_start_of(ids[i], ids[i], "running", 10);
        timers[i] = (struct saga_timer_write){ saga_slice_of(ids[i]), UINT64_MAX - i, (int64_t)i };
        writes[i].timers_added = &timers[i];
        writes[i].timers_added_count = 1;
    }
    assert_int_equal(saga_test_lane_apply(lane, writes, IDS), SAGA_OK);
    for (size_t i = 0; i < IDS; i++)
        assert_slice(saga_test_lane_state(lane, saga_slice_of(ids[i])), ids[i]);
    assert_int_equal(lane->store.timers_due(lane->store.self, 0, 2, 1000, 100, &lane->arena, &due,
                                            &count, &lane->next_due_ms),
                     SAGA_OK);
    assert_int_equal(count, IDS);
    for (size_t i = 0; i < IDS; i++) {
        assert_slice(due[i].saga_id, ids[i]);
        assert_slice(due[i].name, ids[i]);
        assert_true(due[i].armed == UINT64_MAX - i);
    }
}

static void a_state_may_hold_any_byte(void **state)
{
    struct saga_test_lane *lane = *state;
    struct saga_state_write write = saga_test_start_of("order/1", "", "running", 10);
    char bytes[256];
    for (int i = 0; i < 256; i++) bytes[i] = (char)i;
    write.state = (struct saga_slice){ bytes, sizeof bytes };
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_OK);
    struct saga_slice found = saga_test_lane_state(lane, SAGA_SLICE("order/1"));
    assert_int_equal(found.size, sizeof bytes);
    assert_memory_equal(found.data, bytes, sizeof bytes);
}

/* ---- timers ---- */

static void timers_come_in_their_order_and_go_when_applied(void **state)
{
    struct saga_test_lane *lane = *state;
    struct saga_store *store = &lane->store;
    const int64_t far = 1700000000000; /* newer servers write such scores as 1.7e+12 */
    struct saga_timer_write timers[] = { { SAGA_SLICE("b"), 2, 300 },
                                         { SAGA_SLICE("a"), 1, 100 },
                                         { SAGA_SLICE("c"), 3, far } };
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    struct saga_due_timer *due;
    size_t count;
    int64_t next_due_ms;
    write.timers_added = timers;
    write.timers_added_count = 3;
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_OK);
    assert_int_equal(lane->next_due_ms, 100);
    assert_int_equal(
        store->timers_due(store->self, 0, 2, 99, 10, &lane->arena, &due, &count, &next_due_ms),
        SAGA_OK);
    assert_int_equal(count, 0);
    assert_int_equal(next_due_ms, 100);
    assert_int_equal(
        store->timers_due(store->self, 0, 2, 300, 1, &lane->arena, &due, &count, &next_due_ms),
        SAGA_OK);
    assert_int_equal(count, 1);
    assert_slice(due[0].name, "a");
    assert_int_equal(next_due_ms, 300);       /* due, but more than was asked for */
    for (int twice = 0; twice < 2; twice++) { /* reading takes nothing away */
        assert_int_equal(
            store->timers_due(store->self, 0, 2, 300, 10, &lane->arena, &due, &count, &next_due_ms),
            SAGA_OK);
        assert_int_equal(count, 2);
        assert_slice(due[0].name, "a");
        assert_int_equal(due[0].due_ms, 100);
        assert_slice(due[1].name, "b");
        assert_true(due[1].armed == 2);
        assert_true(next_due_ms == far);
    }
    struct saga_state_write orphans = { .saga_id = SAGA_SLICE("order/1"),
                                        .timers_removed = timers,
                                        .timers_removed_count = 2,
                                        .timers_only = true };
    assert_int_equal(saga_test_lane_apply(lane, &orphans, 1), SAGA_OK);
    assert_true(lane->next_due_ms == far);
    assert_slice(saga_test_lane_state(lane, SAGA_SLICE("order/1")), "s1");
    assert_string_equal(saga_test_redis_ask(redis, "ZCARD saga:{0}:index:order@1:running"), "1");
}

/* ---- emptying ---- */

static void fill(const char *prefix, uint32_t lane, int keys)
{
    saga_test_redis_ask(redis,
                        "EVAL for\ti=1,ARGV[2]\tdo\tredis.call('SET',ARGV[1]..i,'x')\tend 0 "
                        "%s{%u}:state:order/ %d",
                        prefix, lane, keys);
}

static void a_reset_empties_its_lane_and_no_other(void **state)
{
    static const char *const prefixes[] = { "saga:", "a*b?[c]\\d:" };
    struct saga_test_lane *lane = *state;
    for (size_t i = 0; i < 2; i++) {
        struct saga_redis_config config = *saga_test_redis_config(redis);
        struct saga_test_lane emptied;
        config.prefix = prefixes[i];
        saga_test_redis_flushall(redis);
        fill(prefixes[i], 1, 10000);
        fill(prefixes[i], 11, 10);
        fill("aXbYc\\d:", 1, 10);
        saga_test_lane_open(&emptied, redis, &config, 1);
        assert_string_equal(saga_test_redis_ask(redis, "DBSIZE"), "21");
        assert_int_equal(status_of(&emptied, 1).applied, 1);
        saga_test_lane_close(&emptied);
    }
    assert_false(status_of(lane, 1).present); /* that was another prefix */
}

static void a_lane_that_is_being_emptied_is_absent(void **state)
{
    struct saga_test_lane *lane = *state;
    saga_test_redis_ask(redis, "DEL saga:{0}:lane");
    saga_test_redis_ask(redis, "HSET saga:{0}:lane reset somebody");
    assert_false(status_of(lane, 0).present);
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_E_CONFLICT);
    assert_int_equal(lane->store.lane_reset(lane->store.self, 0, &(struct saga_lane_status){ 0 },
                                            SAGA_SLICE("j2"), 7, 4),
                     SAGA_OK);
    assert_slice(status_of(lane, 0).journal, "j2");
    assert_string_equal(saga_test_redis_ask(redis, "HEXISTS saga:{0}:lane reset"), "0");
}

/* An owner that was held up between looking at the lane and emptying it must not empty what the next has built. */
static void a_reset_empties_only_what_was_looked_at(void **state)
{
    struct saga_test_lane *lane = *state;
    struct saga_store *store = &lane->store;
    struct saga_lane_status found = status_of(lane, 0), absent = { 0 };
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_OK);
    struct saga_slice journal = SAGA_SLICE("j2");
    assert_int_equal(store->lane_reset(store->self, 0, &found, journal, 7, 4), SAGA_E_CONFLICT);
    assert_int_equal(store->lane_reset(store->self, 0, &absent, journal, 7, 4), SAGA_E_CONFLICT);
    found = status_of(lane, 0);
    found.journal = SAGA_SLICE("another");
    assert_int_equal(store->lane_reset(store->self, 0, &found, journal, 7, 4), SAGA_E_CONFLICT);
    assert_slice(saga_test_lane_state(lane, SAGA_SLICE("order/1")), "s1");
    found = status_of(lane, 0);
    assert_int_equal(store->lane_reset(store->self, 0, &found, journal, 7, 4), SAGA_OK);
    assert_slice(status_of(lane, 0).journal, "j2");
    saga_test_redis_ask(redis, "HSET saga:{0}:lane applied damaged"); /* as good as absent */
    assert_int_equal(store->lane_reset(store->self, 0, &absent, journal, 7, 4), SAGA_OK);
}

static void a_lane_is_built_under_a_name_of_its_own(void **state)
{
    struct saga_test_lane *lane = *state;
    struct saga_store *store = &lane->store;
    struct saga_slice token = SAGA_SLICE("built-1"), journal = SAGA_SLICE("j2");
    struct saga_lane_status found = status_of(lane, 0);
    assert_int_equal(store->lane_reset(store->self, 0, &found, token, -2, 4), SAGA_OK);
    assert_int_equal(store->lane_built(store->self, 0, token, -3, journal, 9), SAGA_E_CONFLICT);
    assert_int_equal(store->lane_built(store->self, 0, journal, -2, journal, 9), SAGA_E_CONFLICT);
    assert_slice(status_of(lane, 0).journal, "built-1");
    assert_int_equal(store->lane_built(store->self, 0, token, -2, journal, 9), SAGA_OK);
    found = status_of(lane, 0);
    assert_slice(found.journal, "j2");
    assert_int_equal(found.applied, 9);
}

static void the_ids_of_a_lane_are_its_own_and_all_of_them(void **state)
{
    enum { SAGAS = 2500 };
    struct saga_test_lane *lane = *state;
    struct saga_arena arena;
    struct saga_scan scan = { 0 };
    static bool seen[SAGAS];
    saga_arena_init(&arena);
    saga_test_redis_ask(redis, "SET saga:{1}:state:order/0 other");
    saga_test_redis_ask(redis, "SET saga:{0}:history:order/0 other");
    for (int i = 0; i < SAGAS; i++) {
        char command[64];
        snprintf(command, sizeof command, "SET saga:{0}:state:order/%d s", i);
        saga_test_redis_ask(redis, command);
    }
    memset(seen, 0, sizeof seen);
    do {
        struct saga_slice *ids;
        size_t count;
        assert_int_equal(lane->store.ids_scan(lane->store.self, 0, &scan, &arena, &ids, &count),
                         SAGA_OK);
        for (size_t i = 0; i < count; i++) {
            int number = -1;
            char id[32];
            snprintf(id, sizeof id, "%.*s", SAGA_SLICE_ARG(ids[i]));
            assert_int_equal(sscanf(id, "order/%d", &number), 1);
            assert_in_range(number, 0, SAGAS - 1);
            seen[number] = true;
        }
    } while (scan.cursor != 0);
    for (int i = 0; i < SAGAS; i++) assert_true(seen[i]);
    saga_arena_free(&arena);
}

/* Deleting goes on for a while, and an owner may be held up in it until the next has rebuilt the
 * lane. */
static void a_reset_that_was_overtaken_deletes_nothing_more(void **state)
{
    struct saga_test_lane *lane = *state;
    const struct saga_redis_config *config = &lane->config;
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    assert_int_equal(saga_test_lane_apply(lane, &write, 1), SAGA_OK);
    redisContext *late = redisConnect(config->host, config->port);
    redisReply *reply = redisCommand(late, "EVAL %s 2 saga:{0}:lane saga:{0}:state:order/1 late",
                                     saga_lua_reset_portion);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    assert_int_equal(reply->element[0]->integer, 0);
    freeReplyObject(reply);
    redisFree(late);
    assert_slice(saga_test_lane_state(lane, SAGA_SLICE("order/1")), "s1");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_lane_is_absent_until_it_is_opened),
        TEST(an_apply_moves_the_lane_on),
        TEST(a_conflict_leaves_no_trace),
        TEST(readers_are_told_of_a_conflict),
        TEST(applies_of_several_lanes_are_under_way_together),
        TEST(an_index_changes_with_the_status_only),
        TEST(leaving_removes_everything),
        TEST(a_saga_leaves_and_starts_again_in_one_batch),
        TEST(two_thousand_sagas_in_one_apply),
        TEST(hostile_ids_come_back_as_they_were),
        TEST(a_state_may_hold_any_byte),
        TEST(timers_come_in_their_order_and_go_when_applied),
        TEST(a_reset_empties_its_lane_and_no_other),
        TEST(a_lane_that_is_being_emptied_is_absent),
        TEST(a_reset_that_was_overtaken_deletes_nothing_more),
        TEST(a_reset_empties_only_what_was_looked_at),
        TEST(a_lane_is_built_under_a_name_of_its_own),
        TEST(the_ids_of_a_lane_are_its_own_and_all_of_them),
    };
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    return cmocka_run_group_tests_name("store", tests, start_redis, stop_redis);
}
