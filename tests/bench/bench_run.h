/* What the parts of the benchmark have in common: their options, the servers with a definition deployed, the coordinator
 * and its participants, the plain loop, and a number of sagas that are run and counted. */
#ifndef SAGA_BENCH_RUN_H
#define SAGA_BENCH_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench_records.h"

enum { BENCH_STEPS = 3, BENCH_STALL_MS = 60000 };

struct bench_options {
    unsigned sagas;       /* of each measurement of speed */
    unsigned workers;     /* of the coordinator and of the plain loop */
    unsigned alone;       /* sagas of `latency` */
    unsigned round_trips; /* of the plain loop */
    unsigned waiting;     /* sagas that wait, of `open`, `timers`, `rebuild` */
    unsigned seconds;     /* of `load` */
    double rate; /* sagas started a second, of `load`; 0: half of what `throughput` found */
};
extern struct bench_options bench_options;
/* What `throughput` measured last; 0: nothing. */
extern double bench_found_steps_per_s;

/* One thing that is measured. */
struct bench_part {
    const char *name, *words;
    bool not_by_default;
    bool after_throughput; /* takes what `throughput` found or wrote in the same round */
    bool in_quick;
    void (*run)(json_t *figures); /* sets numbers in it */
};
extern const struct bench_part
    bench_parts[]; /* in the order in which they run; the last has no name */

/* The parts, a file for each kin. */
void bench_throughput(json_t *figures);
void bench_avro(json_t *figures);
void bench_jq(json_t *figures);
void bench_replay(json_t *figures);
void bench_latency(json_t *figures);
void bench_load(json_t *figures);
void bench_open(json_t *figures);
void bench_timers(json_t *figures);
void bench_engine(json_t *figures);
void bench_rebuild(json_t *figures);

static inline void bench_set(json_t *figures, const char *name, double value)
{
    json_object_set_new(figures, name, json_real(value));
}

/* ---- servers ---- */

struct bench_setup {
    const char *saga;    /* its file, below tests/bench */
    const char *name;    /* of the saga */
    const char *also;    /* another one, deployed beside it; may be NULL */
    const char *schemas; /* folder, below tests/bench; NULL: bodies are JSON */
};
extern const struct bench_setup bench_plain;

/* Servers of this setup: those that run if they are of it, else new ones. */
void bench_servers(const struct bench_setup *setup);
/* Stops them, after `saga replay --verify` has been content. */
void bench_servers_leave(void);
/* Runs it with `-o json` over everything that was written and gives what it printed; ends the program if it is not
 * content. */
json_t *bench_verify(void);

/* Starts the coordinator, unless it runs, and waits until it has all its lanes. Returns how long that took, in ms. */
double bench_coordinator(void);
void bench_coordinator_stop(void);

/* Runs a program of tests/ that prints a JSON object at its end; NULL ends `arguments`, whose first is its name. */
json_t *bench_run_program(const char *const *arguments);

/* ---- the plain loop ---- */

/* What it is to do; 0: not that. */
struct bench_raw {
    unsigned events, round_trips;
    unsigned rate, seconds; /* events a second of a steady load, and for how long */
    bool headers;
};
/* Runs it and adds its numbers to `figures`, for bench_raw_mean where it is run twice. */
void bench_raw_add(json_t *figures, const struct bench_raw *raw);
/* Half of each number that was added twice. */
void bench_raw_mean(json_t *figures);

/* ---- sagas of three steps ---- */

struct bench_burst {
    const char *prefix;
    unsigned sagas;
    struct bench_mark commands_mark, done_mark;
    uint64_t answered_before;
    double completed_before;
    struct bench_times commands, done; /* after bench_burst_count */
    double steps_per_s;                /* from the first command to the last published event */
};
/* Sends the starts. `prefix` is used once with the same servers. */
void bench_burst_begin(struct bench_burst *burst, const char *prefix, unsigned sagas);
/* Waits until all have ended, as Redis says. */
void bench_burst_wait(const struct bench_burst *burst);
/* Reads what they sent and looks whether it is what must be, once; ends the program if not. */
void bench_burst_count(struct bench_burst *burst);
void bench_burst_free(struct bench_burst *burst);

/* Events and sagas that are not measured, once for the servers that run: a broker's code is compiled when it has been used
 * for a while, which takes half of the machine meanwhile. The coordinator does not run before and after. */
void bench_warm_up(void);

#endif
