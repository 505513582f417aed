/* How fast sagas of three steps go, all starts being there before the coordinator begins: with plain bodies, in Avro, and
 * with bodies that jq computes. */
#include <unistd.h>

#include "bench_run.h"
#include "bench_support.h"

double bench_found_steps_per_s;

static const struct bench_setup avro = { .saga = "three-steps-avro.yaml",
                                         .name = "three-steps-avro",
                                         .schemas = "avro" };
static const struct bench_setup jq = { .saga = "three-steps-jq.yaml", .name = "three-steps-jq" };

/* Processor time so far, in seconds. */
struct usage {
    double coordinator_s, broker_s, redis_s, participants_s, machine_s, at_ms;
};

static struct usage usage_now(void)
{
    pid_t coordinator = bench_cluster.coordinators[0];
    return (struct usage){ .coordinator_s = coordinator ? bench_processor_s(coordinator) : 0,
                           .broker_s = bench_processor_s(bench_cluster.kafka.pid),
                           .redis_s = bench_processor_s(saga_test_redis_pid(bench_cluster.redis)),
                           .participants_s = bench_processor_s(getpid()),
                           .machine_s = bench_machine_s(),
                           .at_ms = bench_now_ms() };
}

static double all_of(const struct usage *usage)
{
    return usage->coordinator_s + usage->broker_s + usage->redis_s + usage->participants_s;
}

/* `begin` is from before the coordinator's start, so its own start counts for its steps; `ready` when it began to work. */
static void set_usage(json_t *figures, const struct usage *begin, const struct usage *ready,
                      const struct usage *end, double steps)
{
    double machine_s = (end->at_ms - ready->at_ms) / 1e3 * (double)sysconf(_SC_NPROCESSORS_ONLN);
    double ours_s = all_of(end) - all_of(ready), every_s = end->machine_s - ready->machine_s;
    bench_set(figures, "coordinator_us_per_step",
              (end->coordinator_s - begin->coordinator_s) / steps * 1e6);
    bench_set(figures, "broker_us_per_step", (end->broker_s - begin->broker_s) / steps * 1e6);
    bench_set(figures, "redis_us_per_step", (end->redis_s - begin->redis_s) / steps * 1e6);
    bench_set(figures, "participants_us_per_step",
              (end->participants_s - begin->participants_s) / steps * 1e6);
    bench_set(figures, "busy", ours_s / machine_s);
    bench_set(figures, "busy_others", every_s > ours_s ? (every_s - ours_s) / machine_s : 0);
}

/* What the coordinator is before its first saga. */
static void measure_idle(json_t *figures)
{
    bench_set(figures, "ready_ms", bench_coordinator());
    bench_set(figures, "rss_idle_kb", (double)bench_status(bench_cluster.coordinators[0], "VmRSS"));
    bench_coordinator_stop();
}

/* Without headers, which the goals are by, and with those that the contract with services asks for. */
static void measure_raw(json_t *figures)
{
    unsigned events = bench_options.sagas * (BENCH_STEPS + 1);
    bench_raw_add(figures, &(struct bench_raw){ .events = events });
    bench_raw_add(figures, &(struct bench_raw){ .events = events, .headers = true });
}

static double number_of(const json_t *figures, const char *name)
{
    return json_real_value(json_object_get(figures, name));
}

static void measure(const struct bench_setup *setup, json_t *figures)
{
    struct bench_burst burst;
    bench_servers(setup);
    measure_idle(figures);
    bench_warm_up();
    measure_raw(figures);
    bench_say("%u sagas: all starts are there, then the coordinator begins", bench_options.sagas);
    bench_burst_begin(&burst, "load-", bench_options.sagas);
    struct usage begin = usage_now();
    bench_coordinator();
    struct usage ready = usage_now();
    bench_burst_wait(&burst);
    struct usage end = usage_now();
    bench_set(figures, "rss_peak_kb", (double)bench_status(bench_cluster.coordinators[0], "VmHWM"));
    bench_burst_count(&burst);
    bench_coordinator_stop();
    measure_raw(figures);
    bench_raw_mean(figures);
    bench_set(figures, "steps_per_s", burst.steps_per_s);
    bench_set(figures, "ratio", burst.steps_per_s / number_of(figures, "raw_events_per_s"));
    bench_set(figures, "ratio_with_headers",
              burst.steps_per_s / number_of(figures, "raw_headed_events_per_s"));
    set_usage(figures, &begin, &ready, &end, (double)burst.sagas * BENCH_STEPS);
    bench_burst_free(&burst);
}

void bench_throughput(json_t *figures)
{
    measure(&bench_plain, figures);
    bench_found_steps_per_s = json_real_value(json_object_get(figures, "steps_per_s"));
}

void bench_avro(json_t *figures)
{
    measure(&avro, figures);
}

void bench_jq(json_t *figures)
{
    measure(&jq, figures);
}
