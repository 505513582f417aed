/* A schedule on a real broker and a real Redis, with two coordinators of which one is killed, then the other, then all of
 * them, and Redis loses everything. The journal must have each tick once: started, or counted as missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/time.h"
#include "codec/codec.h"
#include "engine/engine.h"
#include "harness/cluster.h"
#include "harness/process.h"

#define TICKING SAGA_SOURCE_DIR "/tests/integration/sagas/every-two-seconds.yaml"
#define NO_MORE SAGA_SOURCE_DIR "/tests/integration/sagas/every-two-seconds-no-more.yaml"

enum { LANES = 4, PERIOD_MS = 2000, TICKS_MAX = 1000, WAIT_MS = SAGA_TEST_WAIT_MS };

static const char *const command_topics[] = { "clock.commands", NULL };

struct tick {
    int64_t time_ms;
    unsigned ticked, started, completed;
};

struct diary {
    struct saga_codec *codec;
    struct saga_arena arena;
    struct tick ticks[TICKS_MAX];
    size_t count;
    int64_t first_ms, newest_ms; /* by the schedule's own facts */
    unsigned missed, sets, ends, unchanged;
};

static struct tick *tick_of(struct diary *d, struct saga_slice text)
{
    int64_t time_ms;
    assert_int_equal(saga_time_parse(text, &time_ms), 0);
    assert_int_equal(time_ms % PERIOD_MS, 0);
    for (size_t i = 0; i < d->count; i++)
        if (d->ticks[i].time_ms == time_ms) return &d->ticks[i];
    assert_true(d->count < TICKS_MAX);
    d->ticks[d->count] = (struct tick){ .time_ms = time_ms };
    return &d->ticks[d->count++];
}

static void note_schedule(struct diary *d, const struct saga_fact *fact)
{
    switch (fact->kind) {
    case SAGA_FACT_SCHEDULE_SET:
        if (d->sets++ == 0) d->first_ms = fact->due_ms;
        return;
    case SAGA_FACT_SCHEDULE_ENDED: d->ends++; return;
    case SAGA_FACT_NOTE_IGNORED: d->unchanged++; return;
    case SAGA_FACT_SCHEDULE_TICKED:
        assert_true(saga_slice_is(fact->reason, "started"));
        tick_of(d, fact->text)->ticked++;
        d->missed += fact->total;
        if (tick_of(d, fact->text)->time_ms <= d->newest_ms) fail_msg("ticks go back");
        d->newest_ms = tick_of(d, fact->text)->time_ms;
        return;
    default: return;
    }
}

static void note_record(const struct saga_message *message, void *context)
{
    struct diary *d = context;
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_reset(&d->arena);
    assert_int_equal(saga_journal_decode(d->codec, message->value, &d->arena, &record, &diagnostic),
                     0);
    bool entry = saga_id_is_entry(record.saga_id);
    for (size_t i = 0; i < record.fact_count; i++) {
        const struct saga_fact *fact = &record.facts[i];
        if (entry) note_schedule(d, fact);
        if (fact->kind == SAGA_FACT_SAGA_STARTED) tick_of(d, record.key)->started++;
        if (fact->kind == SAGA_FACT_SAGA_COMPLETED) tick_of(d, record.key)->completed++;
        assert_int_not_equal(fact->kind, SAGA_FACT_START_IGNORED); /* no tick is sent twice */
    }
}

static void read_journal(struct saga_test_cluster *cluster, struct diary *d)
{
    *d = (struct diary){ 0 };
    saga_arena_init(&d->arena);
    assert_int_equal(saga_codec_new(&d->codec), 0);
    saga_test_visit_topic(cluster, "saga.journal", note_record, d);
    saga_codec_free(d->codec);
    saga_arena_free(&d->arena);
}

static unsigned completed(struct saga_test_cluster *cluster, struct diary *d)
{
    unsigned sum = 0;
    read_journal(cluster, d);
    for (size_t i = 0; i < d->count; i++) sum += d->ticks[i].completed;
    return sum;
}

/* Waits for so many runs more. */
static void wait_for_runs(struct saga_test_cluster *cluster, unsigned more)
{
    struct diary *d = malloc(sizeof *d);
    assert_non_null(d);
    unsigned before = completed(cluster, d), now = before;
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    while (now < before + more && saga_test_now_ms() < until_ms) {
        saga_test_sleep_ms(500);
        now = completed(cluster, d);
    }
    if (now < before + more) fail_msg("%u runs, then %u; logs in %s", before, now, cluster->folder);
    free(d);
}

static void check_ticks(const struct diary *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct tick *tick = &d->ticks[i];
        if (tick->ticked != 1 || tick->started != 1 || tick->completed != 1)
            fail_msg("the tick %lld ticked %u times, started %u, completed %u",
                     (long long)tick->time_ms, tick->ticked, tick->started, tick->completed);
    }
    assert_int_equal((d->newest_ms - d->first_ms) / PERIOD_MS + 1, d->count + d->missed);
}

static void one_run_a_tick(void **state)
{
    struct saga_test_cluster cluster;
    struct diary *d = malloc(sizeof *d);
    (void)state;
    assert_non_null(d);
    saga_test_cluster_start(&cluster, TICKING, LANES);
    saga_test_participants(&cluster, NULL, 0);
    saga_test_coordinator_start(&cluster, 0);
    saga_test_coordinator_start(&cluster, 1);
    wait_for_runs(&cluster, 4);
    assert_int_equal(saga_test_cli(&cluster, NULL, 0, "deploy %s", TICKING), 0); /* twice is once */
    saga_test_coordinator_signal(&cluster, 0, SIGKILL);
    wait_for_runs(&cluster, 3);
    saga_test_coordinator_start(&cluster, 0);
    wait_for_runs(&cluster, 1);
    saga_test_coordinator_signal(&cluster, 1, SIGKILL);
    wait_for_runs(&cluster, 3);
    saga_test_redis_flushall(cluster.redis);
    wait_for_runs(&cluster, 3);
    saga_test_coordinator_signal(&cluster, 0, SIGKILL);
    saga_test_sleep_ms(3 * PERIOD_MS); /* nobody is there: these are missed */
    saga_test_coordinator_start(&cluster, 1);
    wait_for_runs(&cluster, 3);
    assert_int_equal(saga_test_cli(&cluster, NULL, 0, "topics create %s", NO_MORE), 0);
    assert_int_equal(saga_test_cli(&cluster, NULL, 0, "deploy %s", NO_MORE), 0);
    int64_t until_ms = saga_test_now_ms() + WAIT_MS;
    for (read_journal(&cluster, d); !d->ends && saga_test_now_ms() < until_ms;
         read_journal(&cluster, d))
        saga_test_sleep_ms(200);
    assert_int_equal(d->ends, 1);
    saga_test_sleep_ms(2 * PERIOD_MS);
    size_t count = d->count;
    while (completed(&cluster, d) < count && saga_test_now_ms() < until_ms) saga_test_sleep_ms(200);
    assert_int_equal(d->count, count);
    assert_int_equal(d->sets, 1);
    assert_true(d->unchanged >= 1); /* a deploy that was not answered in time was done again */
    assert_true(d->missed >= 2);
    check_ticks(d);
    saga_test_check_books(&cluster, command_topics);
    saga_test_cluster_stop(&cluster);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(one_run_a_tick) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
