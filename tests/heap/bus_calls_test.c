/* The bus on a real broker while the socket calls of all its threads fail at random, drawn from a seed (threads take turns
 * as they like, so a seed is a kind of weather, no replay). Whatever the bus then says of a transaction must be true when
 * the weather has cleared: committed stands once, aborted is not there, and only what it called unknown may be either. The
 * group's offset stands where the last transaction that is there has put it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "calls.h"
#include "harness/bus.h"
#include "harness/kafka.h"
#include "harness/process.h"

enum { TRANSACTIONS = 30, TRIES_MAX = 2000, SHORT_MS = 200, CALL_MS = 2000 };

static struct saga_test_kafka kafka;
static struct saga_client *client;
static struct saga_arena arena;

enum outcome { COMMITTED, GONE, UNKNOWN };

struct weather {
    struct saga_test_bus b;
    char topic[32], source[32];
    enum outcome outcomes[TRANSACTIONS + 1];
    unsigned counts[UNKNOWN + 1];
};

static void check_words(struct weather *w, int error, const char *call)
{
    if (error != SAGA_OK && !*w->b.bus.problem(w->b.bus.self))
        fail_msg("%s: %s without words", call, saga_error_name(error));
}

/* Fails the test for an error that bus.h does not know here. */
static int answer(struct weather *w, const char *call, int error, const int *allowed)
{
    check_words(w, error, call);
    if (error == SAGA_OK) return error;
    for (size_t i = 0; allowed[i]; i++)
        if (allowed[i] == error) return error;
    fail_msg("%s: %s: %s", call, saga_error_name(error), w->b.bus.problem(w->b.bus.self));
    return error;
}
#define ANSWER(w, call, ...) answer((w), #call, (w)->b.bus.call, (const int[]){ __VA_ARGS__, 0 })

static void renew(struct weather *w)
{
    void *self = w->b.bus.self;
    for (int i = 0; i < TRIES_MAX; i++)
        if (ANSWER(w, renew(self), SAGA_E_AGAIN, SAGA_E_RECOVER) == SAGA_OK) return;
    fail_msg("the producers cannot be made anew: %s", w->b.bus.problem(self));
}

/* Serves the group until this worker has its partition. */
static void have_assignment(struct weather *w)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        saga_test_bus_poll(&w->b, i ? SHORT_MS : 0);
        if (saga_test_bus_owns(&w->b, w->source, 0)) return;
    }
    fail_msg("no assignment comes");
}

static void ask(struct weather *w)
{
    void *self = w->b.bus.self;
    struct saga_position position = { saga_slice_of(w->source), 0, 0 };
    int64_t low, high;
    int32_t count;
    ANSWER(w, committed(self, &position, 1, CALL_MS), SAGA_E_AGAIN);
    if (ANSWER(w, watermarks(self, position.topic, 0, CALL_MS, &low, &high), SAGA_E_AGAIN) == 0 &&
        (low != 0 || high != 0))
        fail_msg("%s reaches from %" PRId64 " to %" PRId64, w->source, low, high);
    if (ANSWER(w, partition_count(self, position.topic, CALL_MS, &count), SAGA_E_AGAIN) == 0 &&
        count != 1)
        fail_msg("%s has %d partitions", w->source, count);
}

static enum outcome transact(struct weather *w, unsigned number)
{
    void *self = w->b.bus.self;
    char value[32];
    snprintf(value, sizeof value, "x%u", number);
    struct saga_message message = { .topic = saga_slice_of(w->topic),
                                    .value = saga_slice_of(value) };
    struct saga_position position = { saga_slice_of(w->source), 0, number };
    int64_t offset = -1;
    int error = ANSWER(w, begin(self), SAGA_E_AGAIN, SAGA_E_RECOVER);
    if (error == SAGA_E_AGAIN) return GONE;
    if (error == SAGA_OK)
        error = ANSWER(w, send(self, &message, &offset), SAGA_E_ABORT, SAGA_E_RECOVER);
    if (error == SAGA_OK) error = ANSWER(w, flush(self), SAGA_E_ABORT, SAGA_E_RECOVER);
    if (error == SAGA_OK && offset < 0) fail_msg("flushed, and no offset is told");
    if (error == SAGA_OK)
        error = ANSWER(w, send_offsets(self, &position, 1), SAGA_E_ABORT, SAGA_E_FENCED,
                       SAGA_E_RECOVER);
    if (error == SAGA_OK && number % 7 == 0)
        error = SAGA_E_ABORT; /* changes its mind */
    else if (error == SAGA_OK)
        error = ANSWER(w, commit(self), SAGA_E_ABORT, SAGA_E_FENCED, SAGA_E_RECOVER);
    if (error == SAGA_OK) return COMMITTED;
    if (error != SAGA_E_RECOVER) error = ANSWER(w, abort(self), SAGA_E_RECOVER);
    if (error == SAGA_OK) return GONE;
    renew(w);
    return UNKNOWN;
}

/* ---- when it has cleared ---- */

static unsigned count_of(const char *content, unsigned number)
{
    char value[32];
    unsigned count = 0;
    snprintf(value, sizeof value, "x%u", number);
    for (const char *at = content; *at;) {
        size_t size = strcspn(at, " ");
        count += size == strlen(value) && strncmp(at, value, size) == 0;
        at += size + (at[size] != '\0');
    }
    return count;
}

static void check_what_was_said(struct weather *w)
{
    static const char *const names[] = { "committed", "gone", "unknown" };
    const char *content = saga_test_content(client, &arena, w->topic, 0);
    int64_t last = SAGA_OFFSET_NONE;
    for (unsigned n = 1; n <= TRANSACTIONS; n++) {
        unsigned count = count_of(content, n);
        bool right = w->outcomes[n] == COMMITTED ? count == 1
                     : w->outcomes[n] == GONE    ? count == 0
                                                 : count <= 1;
        if (!right)
            fail_msg("x%u was said to be %s and is there %u times", n, names[w->outcomes[n]],
                     count);
        if (count) last = n;
    }
    assert_int_equal(saga_test_bus_committed(&w->b, w->source, 0), last);
}

static void weather_of(uint64_t seed, unsigned one_in)
{
    struct weather w = { 0 };
    snprintf(w.topic, sizeof w.topic, "out-%" PRIu64, seed);
    snprintf(w.source, sizeof w.source, "in-%" PRIu64, seed);
    saga_test_topic(client, w.topic, 1);
    saga_test_topic(client, w.source, 1);
    saga_test_bus_open(&w.b, kafka.servers, w.source, "a", NULL, 0);
    saga_test_bus_join(&w.b, w.source);
    unsigned before = calls_failed_at_random();
    calls_fail_at_random(seed, one_in);
    for (unsigned n = 1; n <= TRANSACTIONS; n++) {
        have_assignment(&w);
        if (n % 5 == 0) ask(&w);
        w.outcomes[n] = transact(&w, n);
        w.counts[w.outcomes[n]]++;
    }
    calls_fail_at_random(0, 0);
    unsigned failed = calls_failed_at_random() - before;
    print_message("seed %" PRIu64 ", one call in %u: %u calls failed; %u committed, %u gone, %u "
                  "unknown\n",
                  seed, one_in, failed, w.counts[COMMITTED], w.counts[GONE], w.counts[UNKNOWN]);
    check_what_was_said(&w);
    assert_true(failed > 0);
    assert_true(w.counts[COMMITTED] > 0);
    saga_test_bus_close(&w.b);
}

static void what_is_said_in_a_drizzle_is_true(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1; seed++) weather_of(seed, 100);
}

static void what_is_said_in_a_storm_is_true(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 12; seed++) weather_of(seed, 25);
}

static int start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    saga_arena_init(&arena);
    if (saga_test_kafka_start(&kafka) != 0) return -1;
    client = saga_test_client(kafka.servers, &arena);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    calls_fail_at_random(0, 0);
    saga_client_free(client);
    saga_test_kafka_stop(&kafka);
    saga_arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_in_a_drizzle_is_true),
        cmocka_unit_test(what_is_said_in_a_storm_is_true),
    };
    return cmocka_run_group_tests_name("the bus's system calls", tests, start, stop);
}
