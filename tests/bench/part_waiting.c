/* Sagas that wait: what a million of them cost those that work, and how soon many timers that are due together ring. */
#include <stdio.h>

#include "bench_run.h"
#include "bench_support.h"
#include "harness/process.h"

enum {
    FEW = 1000,
    DUE_SHARE = 20, /* every 20th timer of `timers` is due */
    DUE_WITHIN_MS = 1000,
    LATE_MS = 86400000, /* the others' */
    LEAD_MS = 4000,     /* others work so long before */
    SETTLE_MS = 3000,   /* for arming, beside twice what it should take */
    BURST_MS = 10000,   /* others work so long */
    LOOK_MS = 50
};

static const struct bench_setup held = { .saga = "three-steps.yaml",
                                         .name = "three-steps",
                                         .also = "rebuild.yaml" };
static const struct bench_setup alarms = { .saga = "three-steps.yaml",
                                           .name = "three-steps",
                                           .also = "timers.yaml" };

static double running(const char *name)
{
    double sum = 0;
    for (int lane = 0; lane < bench_lanes; lane++)
        sum += bench_redis_number("HGET saga:{%d}:counts %s@1:running", lane, name);
    return sum;
}

/* Until so many of that saga are open, or no more than that. */
static void wait_until_running(const char *name, double wanted, bool or_fewer)
{
    double moved_ms = bench_now_ms(), before = -1;
    for (double now; now = running(name), or_fewer ? now > wanted : now < wanted; before = now) {
        if (now != before) moved_ms = bench_now_ms();
        if (bench_now_ms() - moved_ms > BENCH_STALL_MS)
            bench_stop("nothing moves any more: %.0f sagas wait instead of %.0f", now, wanted);
        saga_test_sleep_ms(LOOK_MS);
    }
}

/* Sends the starts and waits until so many of that saga are open. Returns how long it took, in ms. */
static double start_waiting(const struct bench_starts *starts, const char *name, double open)
{
    double begin_ms = bench_now_ms();
    bench_say("%u sagas that wait", starts->count);
    bench_send_starts(starts);
    wait_until_running(name, open, false);
    return bench_now_ms() - begin_ms;
}

/* ---- open sagas ---- */

static double speed_beside(const char *prefix)
{
    struct bench_burst burst;
    bench_say("%u sagas beside them", bench_options.sagas);
    bench_burst_begin(&burst, prefix, bench_options.sagas);
    bench_burst_wait(&burst);
    bench_burst_count(&burst);
    bench_burst_free(&burst);
    return burst.steps_per_s;
}

static void start_held(const char *prefix, unsigned count, double open)
{
    const struct bench_starts starts = { .topic = "bench.held",
                                         .type = "Held",
                                         .prefix = prefix,
                                         .count = count,
                                         .lane = BENCH_ANY_LANE };
    start_waiting(&starts, "held", open);
}

void bench_open(json_t *figures)
{
    unsigned many = bench_options.waiting, few = many < 2 * FEW ? many / 2 : FEW;
    bench_servers(&held);
    bench_coordinator();
    speed_beside("first-"); /* the broker's and the coordinator's beginnings count for neither */
    start_held("few-", few, few);
    double with_few = speed_beside("a-");
    start_held("many-", many - few, many);
    double with_many = speed_beside("b-");
    pid_t coordinator = bench_cluster.coordinators[0];
    bench_set(figures, "few_open", few);
    bench_set(figures, "few_steps_per_s", with_few);
    bench_set(figures, "open", many);
    bench_set(figures, "steps_per_s", with_many);
    bench_set(figures, "ratio", with_many / with_few);
    bench_set(figures, "rss_open_mb", (double)bench_status(coordinator, "VmRSS") * 1024 / 1e6);
    bench_coordinator_stop();
}

/* ---- timers ---- */

struct due {
    double from_ms, every_ms; /* since 1970 */
};

static struct saga_slice alarm_body(struct saga_slice key, unsigned number, void *context,
                                    struct saga_arena *arena)
{
    const struct due *due = context;
    return saga_arena_printf(arena, "{\"id\":\"%.*s\",\"at\":%.4f}", SAGA_SLICE_ARG(key),
                             (due->from_ms + number * due->every_ms) / 1e3);
}

/* Returns how long it took, in ms. */
static double arm(const char *prefix, unsigned count, struct due due, double open)
{
    const struct bench_starts starts = { .topic = "bench.alarms",
                                         .type = "Set",
                                         .prefix = prefix,
                                         .count = count,
                                         .lane = BENCH_ANY_LANE,
                                         .body = alarm_body,
                                         .context = &due };
    return start_waiting(&starts, "alarm", open);
}

static void run_burst(struct bench_burst *burst, const char *prefix, unsigned sagas)
{
    bench_burst_begin(burst, prefix, sagas);
    bench_burst_wait(burst);
    bench_burst_count(burst);
}

/* As many sagas as take long enough for what shall happen meanwhile. */
static void run_long_burst(struct bench_burst *burst)
{
    static const char *const prefixes[] = { "quiet-", "longer-", "longest-" };
    enum { TRIES = sizeof prefixes / sizeof prefixes[0] };
    double sagas = bench_options.sagas;
    for (int i = 0;; i++) {
        bench_say("%.0f sagas, no timer being due", sagas);
        run_burst(burst, prefixes[i], (unsigned)sagas);
        double took_ms = (double)(burst->done.last_ms - burst->commands.first_ms);
        if (took_ms >= BURST_MS || i + 1 == TRIES) return;
        sagas *= 1.25 * BURST_MS / took_ms;
        bench_burst_free(burst);
    }
}

/* Arms timers that are due in one second and runs a burst that begins before it. */
static void run_burst_over(struct bench_burst *burst, unsigned sagas, struct due soon,
                           unsigned due_count, unsigned armed)
{
    arm("soon-", due_count, soon, armed);
    double left_ms = soon.from_ms - LEAD_MS - (double)bench_clock_ms();
    if (left_ms < 0) bench_stop("arming %u timers took too long", due_count);
    saga_test_sleep_ms((int)left_ms);
    bench_say("%u sagas, %u timers being due in one second", sagas, due_count);
    run_burst(burst, "beside-", sagas);
    wait_until_running("alarm", armed - due_count, true);
}

/* Steps a second of a burst in `took_ms`, which begin `behind_ms` behind its first. */
static double speed_within(const struct bench_burst *burst, int64_t behind_ms, int64_t took_ms)
{
    int64_t from_ms = burst->commands.first_ms + behind_ms;
    return (double)bench_times_between(&burst->commands, from_ms, from_ms + took_ms) * 1e3 /
           (double)took_ms;
}

/* The speeds of both bursts in the time in which the timers ring, counted from the bursts' beginnings. */
static void set_timer_figures(json_t *figures, const struct bench_burst *quiet,
                              const struct bench_burst *beside, const struct bench_times *rung,
                              int64_t due_ms)
{
    int64_t behind_ms = due_ms - beside->commands.first_ms, took_ms = rung->last_ms - due_ms;
    int64_t within_ms = quiet->commands.last_ms - quiet->commands.first_ms - behind_ms;
    if (behind_ms < 0 || within_ms < DUE_WITHIN_MS)
        bench_stop("the others did not work while the timers rang: too busy a machine");
    if (within_ms > took_ms) within_ms = took_ms;
    double with = speed_within(beside, behind_ms, within_ms);
    double without = speed_within(quiet, behind_ms, within_ms);
    bench_set(figures, "fired_s", ((double)took_ms - DUE_WITHIN_MS) / 1e3);
    bench_set(figures, "quiet_steps_per_s", without);
    bench_set(figures, "steps_per_s", with);
    bench_set(figures, "ratio", without > 0 ? with / without : 0);
}

void bench_timers(json_t *figures)
{
    unsigned armed = bench_options.waiting, due_count = armed / DUE_SHARE;
    struct bench_burst quiet, beside;
    bench_servers(&alarms);
    bench_coordinator();
    struct due late = { (double)bench_clock_ms() + LATE_MS, 1 };
    double arming_ms = arm("late-", armed - due_count, late, armed - due_count);
    run_long_burst(&quiet);
    struct bench_mark mark = bench_mark_now("bench.rung");
    struct due soon = { (double)bench_clock_ms() + SETTLE_MS + LEAD_MS + 2 * arming_ms / DUE_SHARE,
                        (double)DUE_WITHIN_MS / due_count };
    run_burst_over(&beside, quiet.sagas, soon, due_count, armed);
    struct bench_times rung = bench_times_since("bench.rung", &mark);
    if (rung.count != due_count) bench_stop("%zu of %u timers rang", rung.count, due_count);
    bench_set(figures, "armed", armed);
    bench_set(figures, "due", due_count);
    set_timer_figures(figures, &quiet, &beside, &rung, (int64_t)soon.from_ms);
    bench_times_free(&rung);
    bench_burst_free(&quiet);
    bench_burst_free(&beside);
    bench_coordinator_stop();
}
