/* The store on a real Redis, where each system call that it makes fails once with each error that it may have. What is
 * asked goes on until it has succeeded, as a worker does it; meanwhile nothing is told to be done that is not, nothing that
 * may pass is called final, and what Redis holds is always what so many applies have made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "calls.h"
#include "harness/lane.h"
#include "harness/redis.h"
#include "store/instance.h"
#include "store/redis.h"

enum { LANES = 2, APPLIES = 3, TRIES_MAX = 20, FIRST_OFFSET = 1, NEVER = 1000000 };

static struct saga_test_redis *redis;

/* What is being tried, for the words of a failure. */
static struct {
    enum call call;
    unsigned nth, times;
    enum fault_kind kind;
    int error;
} fault;

#define fail_with(...)                                                                             \
    do {                                                                                           \
        calls_heal();                                                                              \
        static const char *const kinds[] = { "instead", "after", "short", "lost" };                \
        print_error("%s no. %u (%u times), %s: %s\n", call_names[fault.call], fault.nth,           \
                    fault.times, kinds[fault.kind], strerror(fault.error));                        \
        fail_msg(__VA_ARGS__);                                                                     \
    } while (0)

/* ---- a look past the faults ---- */

/* Faults rest while others are asked. */
static unsigned rest(void)
{
    return calls_heal();
}

static int64_t applied_in_redis(uint32_t lane)
{
    const char *text = saga_test_redis_ask(redis, "HGET saga:{%" PRIu32 "}:lane applied", lane);
    return *text >= '0' && *text <= '9' ? strtoll(text, NULL, 10) : -1;
}

/* The state is the one of the last apply, and the history has one entry for each. */
static void check_prefix(uint32_t lane)
{
    char expected[32];
    int64_t applied = applied_in_redis(lane);
    if (applied < 0) return; /* emptied, or being emptied */
    snprintf(expected, sizeof expected, applied == FIRST_OFFSET ? "(nil)" : "v%" PRId64, applied);
    const char *state = saga_test_redis_ask(redis, "GET saga:{%" PRIu32 "}:state:order/1", lane);
    if (strcmp(state, expected) != 0)
        fail_with("lane %u stands at %" PRId64 " with the state %s", lane, applied, state);
    const char *count = saga_test_redis_ask(redis, "LLEN saga:{%" PRIu32 "}:history:order/1", lane);
    if (strtoll(count, NULL, 10) != applied - FIRST_OFFSET)
        fail_with("lane %u stands at %" PRId64 " with a history of %s", lane, applied, count);
}

/* ---- a small worker ---- */

struct work {
    struct saga_store store;
    struct saga_arena arena;
    int64_t applied[LANES]; /* as the worker knows it */
    unsigned failures;
};

/* An error that passes, with words; false when it was none. */
static bool failed(struct work *w, int error)
{
    if (error == SAGA_OK) return false;
    const char *words = w->store.problem(w->store.self);
    if (error != SAGA_E_AGAIN) fail_with("%s: %s", saga_error_name(error), words);
    if (!strstr(words, "Redis at ")) fail_with("no words: '%s'", words);
    if (++w->failures > TRIES_MAX) fail_with("it does not get on: %s", words);
    return true;
}

/* Finds out where a lane stands; empties it first where it is not there. */
static void recover(struct work *w, uint32_t lane)
{
    struct saga_lane_status status = { 0 };
    for (;;) {
        if (failed(w, w->store.lane_read(w->store.self, lane, &w->arena, &status))) continue;
        if (status.present) break;
        int error = w->store.lane_reset(w->store.self, lane, &status, SAGA_SLICE(SAGA_TEST_JOURNAL),
                                        FIRST_OFFSET, LANES);
        /* look again, store.h says: its last step is asked once more where the answer was lost */
        if (error != SAGA_E_CONFLICT) failed(w, error);
    }
    if (status.applied != w->applied[lane] && status.applied != w->applied[lane] + 1)
        fail_with("lane %u stands at %" PRId64 ", was at %" PRId64, lane, status.applied,
                  w->applied[lane]);
    w->applied[lane] = status.applied;
}

static int send_apply(struct work *w, uint32_t lane)
{
    char text[32];
    int64_t next = w->applied[lane] + 1;
    snprintf(text, sizeof text, "v%" PRId64, next);
    struct saga_timer_write timer = { SAGA_SLICE("deadline"), 1, 5000 };
    struct saga_state_write write = saga_test_start_of("order/1", text, "running", 1000 + next);
    if (next > FIRST_OFFSET + 1) write.status_before = SAGA_SLICE("running");
    write.timers_added = &timer;
    write.timers_added_count = 1;
    write.history = &next;
    write.history_count = 1;
    struct saga_apply apply = { .lane = lane,
                                .journal = SAGA_SLICE(SAGA_TEST_JOURNAL),
                                .expected = w->applied[lane],
                                .applied = next,
                                .chain = SAGA_SLICE(SAGA_TEST_CHAIN),
                                .owner = SAGA_SLICE("worker-1"),
                                .now_ms = 1700000000000,
                                .writes = &write,
                                .write_count = 1 };
    return w->store.apply(w->store.self, &apply);
}

/* One batch for every lane, sent one behind the other and then awaited. */
static void apply_all(struct work *w, int64_t until)
{
    bool sent[LANES] = { false };
    for (uint32_t lane = 0; lane < LANES; lane++) {
        while (w->applied[lane] < until && !sent[lane]) {
            sent[lane] = !failed(w, send_apply(w, lane));
            if (!sent[lane]) recover(w, lane);
        }
    }
    for (uint32_t lane = 0; lane < LANES; lane++) {
        int64_t next_due_ms;
        while (w->applied[lane] < until) {
            if (!sent[lane] && failed(w, send_apply(w, lane))) {
                recover(w, lane);
                continue;
            }
            sent[lane] = false;
            if (failed(w, w->store.apply_wait(w->store.self, lane, &next_due_ms)))
                recover(w, lane);
            else
                w->applied[lane]++;
        }
    }
}

static void ask(struct work *w, uint32_t lane)
{
    struct saga_slice id = SAGA_SLICE("order/1"), state;
    struct saga_due_timer *due;
    int64_t next_due_ms;
    size_t count;
    char expected[32];
    snprintf(expected, sizeof expected, "v%" PRId64, w->applied[lane]);
    while (failed(w, w->store.states_read(w->store.self, lane, w->applied[lane], &id, 1, &w->arena,
                                          &state))) {
    }
    if (!saga_slice_is(state, expected))
        fail_with("it reads the state %.*s", SAGA_SLICE_ARG(state));
    while (failed(w, w->store.timers_due(w->store.self, lane, w->applied[lane], 9000, 10, &w->arena,
                                         &due, &count, &next_due_ms))) {
    }
    if (count != 1) fail_with("%zu timers are due", count);
    while (failed(w, w->store.heartbeat(w->store.self, lane, w->applied[lane],
                                        SAGA_SLICE("worker-1"), 1700000001000))) {
    }
}

static void look_at_the_server(struct work *w)
{
    const struct saga_redis_config *config = saga_test_redis_config(redis);
    struct saga_diagnostic diagnostic = { 0 };
    int error = saga_redis_check(config, &w->arena, &diagnostic);
    if (error != SAGA_OK && (error != SAGA_E_AGAIN || !diagnostic.what.size))
        fail_with("check: %s: %.*s", saga_error_name(error), SAGA_SLICE_ARG(diagnostic.what));
    error = saga_instance_hold(config, "g", "i", "host 1 x", 60000, &w->arena, &diagnostic);
    if (error != SAGA_OK && (error != SAGA_E_AGAIN || !diagnostic.what.size))
        fail_with("name: %s: %.*s", saga_error_name(error), SAGA_SLICE_ARG(diagnostic.what));
    saga_instance_release(config, "g", "i", "host 1 x");
}

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

/* All of it under the fault; how many calls of its kind were made. */
static unsigned work_under(void)
{
    struct work w = { .applied = { FIRST_OFFSET, FIRST_OFFSET } };
    unsigned counted = 0, files = open_files();
    saga_test_redis_flushall(redis);
    saga_arena_init(&w.arena);
    calls_fail(fault.call, fault.nth, fault.times, fault.kind, fault.error);
    assert_int_equal(saga_redis_open(saga_test_redis_config(redis), LANES, &w.store), SAGA_OK);
    for (uint32_t lane = 0; lane < LANES; lane++) recover(&w, lane);
    for (int64_t n = FIRST_OFFSET + 1; n <= FIRST_OFFSET + APPLIES; n++) {
        apply_all(&w, n);
        /* done is done, whoever looks; the count of calls goes on behind the look */
        counted += rest();
        for (uint32_t lane = 0; lane < LANES; lane++) {
            if (applied_in_redis(lane) != n)
                fail_with("lane %u: told to stand at %" PRId64, lane, n);
            check_prefix(lane);
        }
        unsigned nth = fault.nth > counted ? fault.nth - counted : NEVER;
        calls_fail(fault.call, nth, fault.times, fault.kind, fault.error);
    }
    for (uint32_t lane = 0; lane < LANES; lane++) ask(&w, lane);
    look_at_the_server(&w);
    w.store.close(w.store.self);
    counted += calls_heal();
    saga_arena_free(&w.arena);
    if (open_files() != files) fail_with("%u files stay open", open_files() - files);
    return counted;
}

static unsigned runs;

/* hiredis asks for a socket's error up to 0.14; later ones connect a second time to hear it. */
static bool may_be_unused(enum call call)
{
    return call == CALL_GETSOCKOPT && HIREDIS_MAJOR >= 1;
}

/* Every call of one kind, one after the other. */
static void fail_each(enum call call, enum fault_kind kind, int error, unsigned times)
{
    unsigned counted = 1;
    fault.call = call;
    fault.kind = kind;
    fault.error = error;
    fault.times = times;
    for (fault.nth = 1; fault.nth <= counted; fault.nth++) {
        counted = work_under();
        runs++;
    }
    if (counted == 0 && !may_be_unused(call))
        fail_with("no such call is made, or it cannot be made to fail");
}

static void fail_all_of(enum call call)
{
    bool moves_bytes = call == CALL_READ || call == CALL_WRITE;
    runs = 0;
    for (size_t i = 0; call_errors[call][i]; i++) {
        fail_each(call, FAULT_INSTEAD, call_errors[call][i], 1);
        bool nothing_was_done = call_errors[call][i] == EINTR || call_errors[call][i] == EAGAIN;
        if (call == CALL_WRITE && !nothing_was_done)
            fail_each(call, FAULT_AFTER, call_errors[call][i], 1);
    }
    fail_each(call, FAULT_INSTEAD, call_errors[call][0], 3);
    if (call == CALL_WRITE) fail_each(call, FAULT_LOST, 0, 1);
    if (moves_bytes) fail_each(call, FAULT_SHORT, 0, 1);
    if (moves_bytes) fail_each(call, FAULT_SHORT, 0, NEVER);
    print_message("%s: %u runs\n", call_names[call], runs);
    assert_true(runs > 0);
}

#define TEST_OF(name, call)                                                                        \
    static void name##_fails(void **state)                                                         \
    {                                                                                              \
        (void)state;                                                                               \
        fail_all_of(call);                                                                         \
    }
TEST_OF(socket, CALL_SOCKET)
TEST_OF(connect, CALL_CONNECT)
TEST_OF(poll, CALL_POLL)
TEST_OF(read, CALL_READ)
TEST_OF(write, CALL_WRITE)
TEST_OF(getsockopt, CALL_GETSOCKOPT)
TEST_OF(setsockopt, CALL_SETSOCKOPT)
TEST_OF(fcntl, CALL_FCNTL)
TEST_OF(close, CALL_CLOSE)
TEST_OF(getrandom, CALL_GETRANDOM)

static int start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    redis = saga_test_redis_start(NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    saga_test_redis_free(redis);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socket_fails),     cmocka_unit_test(connect_fails),
        cmocka_unit_test(poll_fails),       cmocka_unit_test(read_fails),
        cmocka_unit_test(write_fails),      cmocka_unit_test(getsockopt_fails),
        cmocka_unit_test(setsockopt_fails), cmocka_unit_test(fcntl_fails),
        cmocka_unit_test(close_fails),      cmocka_unit_test(getrandom_fails),
    };
    return cmocka_run_group_tests_name("the store's system calls", tests, start, stop);
}
