#include "api_beside.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "api_wrk.h"
#include "bench_records.h"
#include "bench_support.h"
#include "harness/process.h"

/* Connections of the load; the start of a stretch does not count, as what was before it is still told to Redis then. */
enum { CONNECTIONS = 8, SETTLE_MS = 500, WARM_SAGAS = 60000, STRETCHES_MAX = 96 };
enum { STALL_MS = 60000, LOOK_MS = 50 };

enum { WRK_REQUESTS = 10000 };

enum load { ALONE, AT_RATE, WITHOUT_PAUSE, BY_WRK, LOADS };
static const char *const load_names[LOADS] = { "alone", "beside", "beside_flood", "beside_wrk" };

struct stretch {
    enum load load;
    int64_t from_ms, to_ms;
    double asked_per_s, p50_ms, p99_ms;
    size_t refused;
};

struct measurement {
    struct bench_wrk wrk;
    struct stretch stretches[STRETCHES_MAX];
    size_t count;
};

static void send_sagas(const char *prefix, unsigned count)
{
    const struct bench_starts starts = { .topic = "bench.starts",
                                         .type = "Asked",
                                         .prefix = prefix,
                                         .count = count,
                                         .lane = BENCH_ANY_LANE };
    bench_say("%u sagas", count);
    bench_send_starts(&starts);
}

static void await_commands(uint64_t wanted)
{
    double moved_ms = bench_now_ms();
    uint64_t before = 0, answered;
    while ((answered = saga_participants_answered(bench_cluster.participants)) < wanted) {
        if (answered != before) moved_ms = bench_now_ms();
        if (bench_now_ms() - moved_ms > STALL_MS) bench_stop("nothing moves any more");
        before = answered;
        saga_test_sleep_ms(LOOK_MS);
    }
}

/* Sagas that are not measured, for the broker's sake; gives how many a second there were. */
static double warm_up(struct bench_client *client, const struct bench_beside *beside)
{
    double began_ms = bench_now_ms();
    uint64_t before = saga_participants_answered(bench_cluster.participants);
    send_sagas("warm-", WARM_SAGAS);
    (void)bench_client_ask(client, beside->make, CONNECTIONS, beside->rate, beside->seconds);
    await_commands(before + (uint64_t)WARM_SAGAS * 3);
    return WARM_SAGAS / (bench_now_ms() - began_ms) * 1000;
}

static void run_stretch(struct bench_client *client, const struct bench_beside *beside,
                        struct measurement *m, enum load load)
{
    if (m->count == STRETCHES_MAX) bench_stop("too many rounds");
    struct stretch *stretch = &m->stretches[m->count++];
    *stretch = (struct stretch){ .load = load, .from_ms = bench_clock_ms() + SETTLE_MS };
    if (load == ALONE) {
        saga_test_sleep_ms((int)beside->seconds * 1000);
    } else if (load == BY_WRK) {
        struct bench_wrk_asked asked = bench_wrk_ask(&m->wrk, beside->seconds);
        stretch->asked_per_s = asked.per_s;
        stretch->p50_ms = asked.p50_ms;
        stretch->p99_ms = asked.p99_ms;
        stretch->refused = asked.refused;
    } else {
        double took_s = bench_client_ask(client, beside->make, CONNECTIONS,
                                         load == AT_RATE ? beside->rate : 0, beside->seconds);
        stretch->asked_per_s = (double)client->count / took_s;
        stretch->p50_ms = bench_client_quantile(client, 0.5);
        stretch->p99_ms = bench_client_quantile(client, 0.99);
        stretch->refused = client->refused;
    }
    stretch->to_ms = bench_clock_ms();
}

/* ---- figures ---- */

static double rate_of(const struct stretch *stretch, const struct bench_times *commands)
{
    return (double)bench_times_between(commands, stretch->from_ms, stretch->to_ms) * 1000 /
           (double)(stretch->to_ms - stretch->from_ms);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, bench_by_value);
    return count ? values[count / 2] : 0;
}

/* Each stretch with load by the mean of those on both sides of it. */
static void print_load(const struct measurement *m, const double *rates, enum load load)
{
    double ratios[STRETCHES_MAX], asked[STRETCHES_MAX], p50[STRETCHES_MAX], p99[STRETCHES_MAX];
    size_t count = 0, refused = 0;
    for (size_t i = 1; i + 1 < m->count; i++) {
        const struct stretch *stretch = &m->stretches[i];
        if (stretch->load != load) continue;
        asked[count] = stretch->asked_per_s;
        p50[count] = stretch->p50_ms;
        p99[count] = stretch->p99_ms;
        refused += stretch->refused;
        ratios[count++] = 2 * rates[i] / (rates[i - 1] + rates[i + 1]);
    }
    double middle = median(ratios, count);
    printf("%s_ratio %10.3f  lowest %.3f, highest %.3f\n", load_names[load], middle, ratios[0],
           ratios[count - 1]);
    printf("%s_asked_per_s %6.0f\n", load_names[load], median(asked, count));
    printf("%s_p50_ms %9.1f\n", load_names[load], median(p50, count));
    printf("%s_p99_ms %9.1f\n", load_names[load], median(p99, count));
    if (refused) printf("%s_refused %8zu\n", load_names[load], refused);
}

static void print(const struct measurement *m, const struct bench_times *commands)
{
    double rates[STRETCHES_MAX], alone[STRETCHES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < m->count; i++) {
        rates[i] = rate_of(&m->stretches[i], commands);
        if (m->stretches[i].load == ALONE) alone[count++] = rates[i];
    }
    if (commands->last_ms < m->stretches[m->count - 1].to_ms)
        bench_stop("the sagas ended before all was measured");
    printf("alone_steps_per_s %5.0f  middle of %zu times\n", median(alone, count), count);
    print_load(m, rates, AT_RATE);
    print_load(m, rates, WITHOUT_PAUSE);
    print_load(m, rates, BY_WRK);
    fflush(stdout);
}

void bench_beside(struct bench_client *client, const struct bench_beside *beside)
{
    struct measurement m = { .count = 0 };
    double all_s = beside->seconds * (6.0 * beside->rounds + 1);
    bench_wrk_init(&m.wrk, client->port, CONNECTIONS, bench_cluster.folder, beside->make,
                   WRK_REQUESTS);
    unsigned sagas = (unsigned)(warm_up(client, beside) * all_s * 2);
    struct bench_mark mark = bench_mark_now("bench.commands");
    uint64_t before = saga_participants_answered(bench_cluster.participants);
    send_sagas("beside-", sagas);
    await_commands(before + 1000);
    for (unsigned round = 0; round < beside->rounds; round++) {
        run_stretch(client, beside, &m, ALONE);
        run_stretch(client, beside, &m, AT_RATE);
        run_stretch(client, beside, &m, ALONE);
        run_stretch(client, beside, &m, WITHOUT_PAUSE);
        run_stretch(client, beside, &m, ALONE);
        run_stretch(client, beside, &m, BY_WRK);
    }
    run_stretch(client, beside, &m, ALONE);
    saga_test_sleep_ms(SETTLE_MS);
    struct bench_times commands = bench_times_since("bench.commands", &mark);
    print(&m, &commands);
    bench_times_free(&commands);
}
