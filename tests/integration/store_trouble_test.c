/* The store when Redis is away, has forgotten, refuses or is set wrongly: what is reported, and
 * that it goes on by itself afterwards (R9, R25). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "harness/lane.h"
#include "harness/process.h"

static struct saga_test_redis *redis;
static struct saga_test_lane lane;

static int begin(void **state)
{
    (void)state;
    redis = saga_test_redis_start(NULL);
    saga_test_lane_open(&lane, redis, NULL, 0);
    return 0;
}

static int begin_append_only(void **state)
{
    struct saga_test_redis_options options = { .append_only = true };
    (void)state;
    redis = saga_test_redis_start(&options);
    saga_test_lane_open(&lane, redis, NULL, 0);
    return 0;
}

static int begin_impatient(void **state)
{
    struct saga_test_redis_options options = { .timeout_ms = 3000 };
    (void)state;
    redis = saga_test_redis_start(&options);
    saga_test_lane_open(&lane, redis, NULL, 0);
    return 0;
}

static int begin_locked(void **state)
{
    struct saga_test_redis_options options = { .password = "s3cret" };
    (void)state;
    redis = saga_test_redis_start(&options);
    saga_test_lane_open(&lane, redis, NULL, 0);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    saga_test_lane_close(&lane);
    saga_test_redis_free(redis);
    return 0;
}

static const char *words(void)
{
    return lane.store.problem(lane.store.self);
}

static int apply_one(const char *state)
{
    struct saga_state_write write = saga_test_start_of("order/1", state, "running", 10);
    return saga_test_lane_apply(&lane, &write, 1);
}

static struct saga_lane_status status(void)
{
    struct saga_lane_status found;
    int error = lane.store.lane_read(lane.store.self, 0, &lane.arena, &found);
    if (error < 0) fail_msg("the lane cannot be read: %s", words());
    return found;
}

static int check(const struct saga_redis_config *config, struct saga_diagnostic *diagnostic)
{
    return saga_redis_check(config, &lane.arena, diagnostic);
}

#define assert_says(text, part)                                                                    \
    do {                                                                                           \
        const char *text_ = (text);                                                                \
        if (!text_ || !strstr(text_, part)) fail_msg("\"%s\" does not say %s", text_, part);       \
    } while (0)

/* ---- forgotten ---- */

static void scripts_are_loaded_again_without_a_word(void **state)
{
    struct saga_store *store = &lane.store;
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    int64_t next_due_ms;
    (void)state;
    saga_test_redis_ask(redis, "SCRIPT FLUSH");
    assert_null(saga_test_lane_state(&lane, SAGA_SLICE("order/1")).data);
    for (uint32_t n = 1; n < 3; n++)
        assert_int_equal(store->lane_reset(store->self, n, &(struct saga_lane_status){ 0 },
                                           SAGA_SLICE(SAGA_TEST_JOURNAL), 1, 4),
                         0);
    saga_test_redis_ask(redis, "SCRIPT FLUSH");
    for (uint32_t n = 0; n < 3; n++) {
        struct saga_apply apply = saga_test_lane_apply_of(&lane, 2, &write, 1);
        apply.lane = n;
        assert_int_equal(store->apply(store->self, &apply), SAGA_OK);
    }
    for (uint32_t n = 3; n-- > 0;)
        assert_int_equal(store->apply_wait(store->self, n, &next_due_ms), SAGA_OK);
    assert_string_equal(saga_test_redis_ask(redis, "GET saga:{2}:state:order/1"), "s1");
    assert_string_equal(saga_test_redis_ask(redis, "HGET saga:{0}:lane applied"), "2");
}

static void an_emptied_redis_is_a_conflict(void **state)
{
    (void)state;
    assert_int_equal(apply_one("s1"), SAGA_OK);
    saga_test_redis_flushall(redis);
    assert_int_equal(lane.store.heartbeat(lane.store.self, 0, 2, SAGA_SLICE("w"), 1),
                     SAGA_E_CONFLICT);
    assert_int_equal(apply_one("s2"), SAGA_E_CONFLICT);
    assert_says(words(), "has nothing of lane 0");
    assert_string_equal(saga_test_redis_ask(redis, "DBSIZE"), "0");
}

static void a_redis_that_lost_all_in_a_restart_is_a_conflict(void **state)
{
    (void)state;
    assert_int_equal(apply_one("s1"), SAGA_OK);
    saga_test_redis_kill(redis);
    assert_int_equal(apply_one("s2"), SAGA_E_AGAIN);
    assert_int_equal(apply_one("s2"), SAGA_E_AGAIN);
    assert_says(words(), "cannot be reached");
    saga_test_redis_restart(redis);
    assert_int_equal(apply_one("s2"), SAGA_E_CONFLICT);
    assert_false(status().present);
}

static void a_redis_that_kept_all_goes_on(void **state)
{
    (void)state;
    assert_int_equal(apply_one("s1"), SAGA_OK);
    saga_test_redis_kill(redis);
    saga_test_redis_restart(redis);
    assert_int_equal(status().applied, 2); /* over a connection that is gone */
    assert_int_equal(apply_one("s2"), SAGA_OK);
    saga_test_redis_stop(redis);
    saga_test_redis_restart(redis);
    struct saga_slice found = saga_test_lane_state(&lane, SAGA_SLICE("order/1"));
    assert_true(saga_slice_is(found, "s2"));
}

static void an_idle_connection_that_redis_closed_is_no_trouble(void **state)
{
    (void)state;
    saga_test_redis_ask(redis, "CLIENT KILL TYPE normal");
    assert_int_equal(lane.store.heartbeat(lane.store.self, 0, 1, SAGA_SLICE("w"), 1), SAGA_OK);
}

/* ---- away ---- */

static void what_was_sent_to_a_frozen_redis_is_not_known(void **state)
{
    struct saga_store *store = &lane.store;
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    struct saga_lane_status found;
    int64_t next_due_ms;
    (void)state;
    assert_int_equal(apply_one("s0"), SAGA_OK); /* so that the next one needs no answer first */
    struct saga_apply apply = saga_test_lane_apply_of(&lane, 3, &write, 1);
    saga_test_redis_freeze(redis);
    assert_int_equal(store->apply(store->self, &apply), SAGA_OK);
    assert_int_equal(store->lane_read(store->self, 0, &lane.arena, &found), SAGA_E_AGAIN);
    assert_int_equal(store->apply_wait(store->self, 0, &next_due_ms), SAGA_E_AGAIN);
    assert_says(words(), "no answer within 3000 ms");
    saga_test_redis_thaw(redis);
    for (int tries = 0; status().applied != 3; tries++) { /* it arrived, late */
        assert_true(tries < 6000);
        saga_test_sleep_ms(10);
    }
    assert_int_equal(store->apply(store->self, &apply), SAGA_OK);
    assert_int_equal(store->apply_wait(store->self, 0, &next_due_ms), SAGA_E_CONFLICT);
    assert_string_equal(saga_test_redis_ask(redis, "LLEN saga:{0}:history:order/1"), "0");
    lane.applied = 3;
    assert_int_equal(apply_one("s2"), SAGA_OK);
}

/* An owner that is held up between two applies, while another has taken the lane and gone on (R9). */
static void a_late_owner_writes_nothing_at_all(void **state)
{
    struct saga_test_lane next = { .config = lane.config, .applied = 2 };
    (void)state;
    assert_int_equal(apply_one("s1"), SAGA_OK); /* it has seen the lane at 2 */
    assert_int_equal(saga_redis_open(&next.config, SAGA_TEST_LANES, &next.store), SAGA_OK);
    saga_arena_init(&next.arena);
    struct saga_state_write write = saga_test_start_of("order/1", "of the next", "running", 10);
    assert_int_equal(saga_test_lane_apply(&next, &write, 1), SAGA_OK);
    assert_int_equal(apply_one("late"), SAGA_E_CONFLICT);
    assert_says(words(), "stands at offset 3 of journal 4f1c0e7a, but 2 was expected");
    assert_string_equal(saga_test_redis_ask(redis, "GET saga:{0}:state:order/1"), "of the next");
    saga_test_lane_close(&next);
}

/* What somebody else writes to the lane's hash without moving it is no reason to recover. */
static void a_late_heartbeat_holds_nobody_up(void **state)
{
    (void)state;
    assert_int_equal(apply_one("s1"), SAGA_OK);
    saga_test_redis_ask(redis, "HSET saga:{0}:lane owner somebody");
    assert_int_equal(apply_one("s2"), SAGA_OK);
    assert_string_equal(saga_test_redis_ask(redis, "GET saga:{0}:state:order/1"), "s2");
    assert_string_equal(saga_test_redis_ask(redis, "HGET saga:{0}:lane owner"), "worker-1");
}

/* ---- refused ---- */

static void without_memory_nothing_is_written(void **state)
{
    struct saga_lane_status before, after;
    struct saga_state_write write = saga_test_leave_of("order/1", "running");
    (void)state;
    assert_int_equal(apply_one("s1"), SAGA_OK);
    before = status();
    saga_test_redis_ask(redis, "CONFIG SET maxmemory 1");
    assert_int_equal(apply_one("s2"), SAGA_E_AGAIN);
    assert_says(words(), "no memory left");
    assert_int_equal(saga_test_lane_apply(&lane, &write, 1), SAGA_E_AGAIN);
    after = status();
    assert_int_equal(before.applied, after.applied);
    assert_int_equal(before.heartbeat_ms, after.heartbeat_ms);
    assert_true(saga_slice_is(saga_test_lane_state(&lane, SAGA_SLICE("order/1")), "s1"));
    saga_test_redis_ask(redis, "CONFIG SET maxmemory 0");
    assert_int_equal(apply_one("s2"), SAGA_OK);
}

static void a_replica_takes_no_writes(void **state)
{
    (void)state;
    /* port 1, which is nobody's: at a free one another test's Redis may come up, and be copied */
    saga_test_redis_ask(redis, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(apply_one("s1"), SAGA_E_AGAIN);
    assert_says(words(), "replica");
    saga_test_redis_ask(redis, "CONFIG SET replica-serve-stale-data no");
    assert_int_equal(apply_one("s1"), SAGA_E_AGAIN);
    assert_int_equal(lane.store.heartbeat(lane.store.self, 0, 1, SAGA_SLICE("w"), 1), SAGA_E_AGAIN);
    assert_says(words(), "lost its master");
    saga_test_redis_ask(redis, "REPLICAOF NO ONE");
    assert_int_equal(apply_one("s1"), SAGA_OK);
}

static void foreign_data_under_our_names_stops_and_moves_nothing(void **state)
{
    struct saga_timer_write timer = { SAGA_SLICE("t"), 1, 5 };
    struct saga_state_write write = saga_test_start_of("order/1", "s1", "running", 10);
    (void)state;
    write.timers_added = &timer;
    write.timers_added_count = 1;
    saga_test_redis_ask(redis, "SET saga:{0}:timers x");
    assert_int_equal(saga_test_lane_apply(&lane, &write, 1), SAGA_E_STOP);
    assert_says(words(), "prefix");
    assert_int_equal(status().applied, 1);
}

static void a_wrong_password_stops(void **state)
{
    struct saga_redis_config config = lane.config;
    struct saga_diagnostic diagnostic;
    struct saga_lane_status found;
    struct saga_store store;
    (void)state;
    assert_int_equal(check(&config, &diagnostic), SAGA_OK);
    config.username = "default";
    assert_int_equal(check(&config, &diagnostic), SAGA_OK);
    config.password = "guess";
    assert_int_equal(check(&config, &diagnostic), SAGA_E_STOP);
    assert_says(diagnostic.what.data, "redis.password");
    assert_null(strstr(diagnostic.what.data, "guess"));
    config.username = config.password = NULL;
    assert_int_equal(check(&config, &diagnostic), SAGA_E_STOP);
    assert_says(diagnostic.what.data, "wants a password");
    assert_int_equal(saga_redis_open(&config, 4, &store), SAGA_OK);
    assert_int_equal(store.lane_read(store.self, 0, &lane.arena, &found), SAGA_E_STOP);
    assert_says(store.problem(store.self), "wants a password");
    store.close(store.self);
}

static void a_password_for_a_redis_without_one_stops(void **state)
{
    struct saga_redis_config config = lane.config;
    struct saga_diagnostic diagnostic;
    (void)state;
    config.password = "guess";
    assert_int_equal(check(&config, &diagnostic), SAGA_E_STOP);
    assert_says(diagnostic.what.data, "has no password");
}

static void an_acl_decides_what_may_be_done(void **state)
{
    struct saga_redis_config config = lane.config;
    struct saga_diagnostic diagnostic;
    (void)state;
    saga_test_redis_ask(redis, "ACL SETUSER saga on >pw ~saga:* +@all -config");
    config.username = "saga";
    config.password = "pw";
    assert_int_equal(check(&config, &diagnostic), SAGA_OK);
    saga_test_redis_ask(redis, "CONFIG SET maxmemory-policy volatile-ttl");
    assert_int_equal(check(&config, &diagnostic), SAGA_E_STOP);
    assert_says(diagnostic.what.data, "volatile-ttl");
    saga_test_redis_ask(redis, "ACL SETUSER saga -@scripting");
    assert_int_equal(check(&config, &diagnostic), SAGA_E_STOP);
    assert_says(diagnostic.what.data, "may not do");
}

/* ---- set wrongly ---- */

static void a_redis_that_evicts_is_refused(void **state)
{
    struct saga_diagnostic diagnostic;
    (void)state;
    assert_int_equal(check(&lane.config, &diagnostic), SAGA_OK);
    saga_test_redis_ask(redis, "CONFIG SET maxmemory-policy allkeys-lru");
    assert_int_equal(check(&lane.config, &diagnostic), SAGA_E_STOP);
    assert_says(diagnostic.what.data, "allkeys-lru");
    assert_says(diagnostic.mend.data, "noeviction");
}

static void a_redis_that_is_not_there_may_come(void **state)
{
    struct saga_diagnostic diagnostic;
    (void)state;
    saga_test_redis_stop(redis);
    assert_int_equal(check(&lane.config, &diagnostic), SAGA_E_AGAIN);
    assert_says(diagnostic.what.data, "127.0.0.1:");
    assert_says(diagnostic.mend.data, "redis-server");
    saga_test_redis_restart(redis);
    assert_int_equal(check(&lane.config, &diagnostic), SAGA_OK);
}

static void a_database_that_is_not_there_stops(void **state)
{
    struct saga_redis_config config = lane.config;
    struct saga_diagnostic diagnostic;
    struct saga_test_lane other;
    (void)state;
    config.db = 99;
    assert_int_equal(check(&config, &diagnostic), SAGA_E_STOP);
    assert_says(diagnostic.what.data, "redis.db");
    config.db = 3;
    saga_test_redis_flushall(redis);
    saga_test_lane_open(&other, redis, &config, 0);
    saga_test_lane_close(&other);
    assert_says(saga_test_redis_ask(redis, "INFO keyspace"), "db3:keys=1");
}

int main(void)
{
#define TEST(function, setup) cmocka_unit_test_setup_teardown(function, setup, finish)
    const struct CMUnitTest tests[] = {
        TEST(scripts_are_loaded_again_without_a_word, begin),
        TEST(an_emptied_redis_is_a_conflict, begin),
        TEST(a_redis_that_lost_all_in_a_restart_is_a_conflict, begin),
        TEST(a_redis_that_kept_all_goes_on, begin_append_only),
        TEST(an_idle_connection_that_redis_closed_is_no_trouble, begin),
        TEST(what_was_sent_to_a_frozen_redis_is_not_known, begin_impatient),
        TEST(a_late_owner_writes_nothing_at_all, begin),
        TEST(a_late_heartbeat_holds_nobody_up, begin),
        TEST(without_memory_nothing_is_written, begin),
        TEST(a_replica_takes_no_writes, begin),
        TEST(foreign_data_under_our_names_stops_and_moves_nothing, begin),
        TEST(a_wrong_password_stops, begin_locked),
        TEST(a_password_for_a_redis_without_one_stops, begin),
        TEST(an_acl_decides_what_may_be_done, begin),
        TEST(a_redis_that_evicts_is_refused, begin),
        TEST(a_redis_that_is_not_there_may_come, begin),
        TEST(a_database_that_is_not_there_stops, begin),
    };
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    return cmocka_run_group_tests_name("store in trouble", tests, NULL, NULL);
}
