#include "bench_figures.h"

#include <stddef.h>
#include <string.h>

enum { NO_GOAL = 0 };

/* A part's own stand before those of any. */
static const struct bench_figure figures[] = {
    { "throughput", "ratio", 3, BENCH_MORE, "steps by the plain loop's events", 0.6 },
    { "throughput", "coordinator_us_per_step", 2, BENCH_LESS, "its processor time", 10 },
    { "avro", "ratio", 3, BENCH_MORE, "steps by the plain loop's events", 0.6 },
    { "jq", "ratio", 3, BENCH_MORE, "steps by the plain loop's events", 0.35 },
    { "latency", "saga_p50_ratio", 3, BENCH_LESS, "by three round trips of the plain loop", 1.5 },
    { "latency", "saga_p99_ratio", 3, BENCH_LESS, "by three round trips, p99 both", 2 },
    { "load", "saga_p99_ms", 1, BENCH_LESS, "", 150 },
    { "load", "saga_p50_ms", 1, BENCH_LESS, "from a start's time to reading its last event",
      NO_GOAL },
    { "open", "ratio", 3, BENCH_MORE, "speed with many waiting by speed with few", 0.9 },
    { "open", "rss_open_mb", 0, BENCH_LESS, "memory of the coordinator then, in MB", 300 },
    { "open", "steps_per_s", 0, BENCH_MORE, "with many sagas waiting", NO_GOAL },
    { "replay", "records_per_core_s", 0, BENCH_MORE, "by a second of processor time", 500000 },
    { "replay", "what_if_events_per_core_s", 0, BENCH_MORE, "the same, of what-if", 150000 },
    { "replay", "history_ms", 1, BENCH_LESS, "saga history of one of them, the median", 100 },
    { "timers", "fired_s", 2, BENCH_LESS, "from the last timer's time to the last event of one",
      2 },
    { "timers", "ratio", 3, BENCH_MORE, "speed while timers ring by speed without", 0.8 },
    { "timers", "steps_per_s", 0, BENCH_MORE, "while timers ring", NO_GOAL },
    { "engine", "plain_events_per_s", 0, BENCH_MORE, "bodies that are paths and objects", 1e6 },
    { "rebuild", "rss_peak_kb", 0, BENCH_LESS, "memory of the coordinator, rebuilding", NO_GOAL },
    { "engine", "sagas", 0, BENCH_NEITHER, "of each round", NO_GOAL },
    { "rebuild", "sagas", 0, BENCH_NEITHER, "of the lane, waiting", NO_GOAL },

    { NULL, "raw_events_per_s", 0, BENCH_MORE, "the plain loop, mean of before and after",
      NO_GOAL },
    { NULL, "raw_us_per_event", 2, BENCH_LESS,
      "processor time of the plain loop, which is a client", NO_GOAL },
    { NULL, "raw_headed_events_per_s", 0, BENCH_MORE, "the same with the headers of the contract",
      NO_GOAL },
    { NULL, "raw_headed_us_per_event", 2, BENCH_LESS, "its processor time", NO_GOAL },
    { NULL, "ratio_with_headers", 3, BENCH_MORE, "steps by the plain loop's events with headers",
      NO_GOAL },
    { NULL, "steps_per_s", 0, BENCH_MORE, "from the first command to the last event", NO_GOAL },
    { NULL, "broker_us_per_step", 2, BENCH_LESS, "its processor time", NO_GOAL },
    { NULL, "coordinator_us_per_step", 2, BENCH_LESS, "its processor time", NO_GOAL },
    { NULL, "redis_us_per_step", 2, BENCH_LESS, "its processor time", NO_GOAL },
    { NULL, "participants_us_per_step", 2, BENCH_LESS, "their processor time", NO_GOAL },
    { NULL, "busy", 3, BENCH_NEITHER, "share of the machine that these four used", NO_GOAL },
    { NULL, "busy_others", 3, BENCH_NEITHER, "share that everything else used", NO_GOAL },
    { NULL, "ready_ms", 0, BENCH_LESS, "from the coordinator's start to all its lanes", NO_GOAL },
    { NULL, "rss_idle_kb", 0, BENCH_LESS, "memory before its first saga", NO_GOAL },
    { NULL, "rss_peak_kb", 0, BENCH_LESS, "memory at its most", NO_GOAL },
    { NULL, "saga_p50_ms", 1, BENCH_LESS, "from sending its start to reading its last event",
      NO_GOAL },
    { NULL, "saga_p99_ms", 1, BENCH_LESS, "", NO_GOAL },
    { NULL, "saga_max_ms", 1, BENCH_LESS, "", NO_GOAL },
    { NULL, "raw_round_trip_ms", 2, BENCH_LESS, "the plain loop, from event to command, p50",
      NO_GOAL },
    { NULL, "raw_round_trip_p99_ms", 2, BENCH_LESS, "", NO_GOAL },
    { NULL, "raw_three_p50_ms", 2, BENCH_LESS, "three of them one behind the other", NO_GOAL },
    { NULL, "raw_three_p99_ms", 2, BENCH_LESS, "", NO_GOAL },
    { NULL, "raw_hop_p50_ms", 1, BENCH_LESS,
      "the plain loop at as many events: from one to its command", NO_GOAL },
    { NULL, "raw_hop_p99_ms", 1, BENCH_LESS, "", NO_GOAL },
    { NULL, "raw_four_hops_ms", 1, BENCH_LESS, "four of them, as a saga has, of the middle one",
      NO_GOAL },
    { NULL, "sagas_per_s", 0, BENCH_NEITHER, "started, evenly", NO_GOAL },
    { NULL, "few_open", 0, BENCH_NEITHER, "sagas waiting at first", NO_GOAL },
    { NULL, "few_steps_per_s", 0, BENCH_MORE, "with them", NO_GOAL },
    { NULL, "open", 0, BENCH_NEITHER, "sagas waiting then", NO_GOAL },
    { NULL, "records", 0, BENCH_NEITHER, "of the journal, proved", NO_GOAL },
    { NULL, "records_per_s", 0, BENCH_MORE, "by a second of real time", NO_GOAL },
    { NULL, "armed", 0, BENCH_NEITHER, "timers", NO_GOAL },
    { NULL, "due", 0, BENCH_NEITHER, "of them in one second", NO_GOAL },
    { NULL, "quiet_steps_per_s", 0, BENCH_MORE, "while none is due", NO_GOAL },
    { NULL, "general_events_per_s", 0, BENCH_MORE, "bodies that jq computes", NO_GOAL },
    { NULL, "helper_events_per_s", 0, BENCH_MORE, "bodies in a process of their own, real time",
      NO_GOAL },
    { NULL, "rebuild_s", 1, BENCH_LESS, "from the coordinator's start to the lane's work",
      NO_GOAL },
    { NULL, "state_bytes", 0, BENCH_NEITHER, "of one of them, in Redis", NO_GOAL },
    { NULL, "states_per_s", 0, BENCH_MORE, "", NO_GOAL },
    { NULL, "journal_records", 0, BENCH_NEITHER, "read behind the snapshot", NO_GOAL },
    { NULL, "others_completed_per_s", 1, BENCH_MORE, "sagas of the other lanes, meanwhile",
      NO_GOAL },
};

const struct bench_figure *bench_figure(const char *part, const char *name)
{
    static const struct bench_figure unknown = { .words = "", .decimals = 3 };
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (strcmp(figures[i].name, name) == 0 &&
            (!figures[i].part || strcmp(figures[i].part, part) == 0))
            return &figures[i];
    return &unknown;
}
