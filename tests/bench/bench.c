/* The benchmark (./dev bench): a real broker, a real Redis, the coordinator as a process of its own and participants that
 * only answer, all on one machine. Its parts are in part_*.c; what they have in common is in bench_run.c, what is said
 * of it in bench_report.c. What the figures mean stands in tests/bench/README.md. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_report.h"
#include "bench_run.h"
#include "bench_support.h"
#include "count.h"

enum { SAGAS_MAX = 10000000, ALONE_MAX = 100000, REPEAT_MAX = 1000, PARTS_MAX = 16 };
enum { KEY_QUICK = 256, KEY_REPEAT, KEY_COMPARE, KEY_OPEN, KEY_RATE, KEY_LANES };

const struct bench_part bench_parts[] = {
    { .name = "throughput",
      .words = "sagas of three steps, all starts there at the beginning",
      .in_quick = true,
      .run = bench_throughput },
    { .name = "latency", .words = "a saga alone", .in_quick = true, .run = bench_latency },
    { .name = "load",
      .words = "sagas started evenly, at half of what throughput found",
      .after_throughput = true,
      .run = bench_load },
    { .name = "replay",
      .words = "the journal of that proved, decided anew, and asked for one saga",
      .after_throughput = true,
      .run = bench_replay },
    { .name = "open", .words = "speed beside sagas that wait", .run = bench_open },
    { .name = "timers", .words = "many timers due together", .run = bench_timers },
    { .name = "avro", .words = "throughput with bodies in Avro", .run = bench_avro },
    { .name = "jq", .words = "throughput with bodies that jq computes", .run = bench_jq },
    { .name = "engine", .words = "the engine alone, in one thread", .run = bench_engine },
    { .name = "rebuild",
      .words = "a lane of many sagas, built from its snapshot",
      .not_by_default = true,
      .run = bench_rebuild },
    { 0 },
};

struct bench_options bench_options = {
    .sagas = 100000,
    .workers = 2,
    .alone = 200,
    .round_trips = 600,
    .waiting = 1000000,
    .seconds = 20,
};

static struct {
    bool chosen[PARTS_MAX], any, quick, json;
    unsigned repeat;
    const char *compare;
} command = { .repeat = 1 };

/* ---- the command line ---- */

static double read_rate(const char *text, struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 1 && value <= SAGAS_MAX))
        argp_error(state, "'%s' is not a number from 1 to %d", text, SAGAS_MAX);
    return value;
}

static void choose(const char *name, struct argp_state *state)
{
    for (size_t i = 0; bench_parts[i].name; i++)
        if (strcmp(bench_parts[i].name, name) == 0) {
            command.chosen[i] = command.any = true;
            return;
        }
    argp_error(state, "there is no part '%s'", name);
}

static void be_quick(void)
{
    command.quick = true;
    bench_options.sagas = 10000;
    bench_options.alone = 100;
    bench_options.round_trips = 300;
    bench_options.waiting = 20000;
    bench_options.seconds = 5;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case 'n': bench_options.sagas = read_count(argument, 10, SAGAS_MAX, state); break;
    case 'w': bench_options.workers = read_count(argument, 1, BENCH_LANES_MAX, state); break;
    case KEY_LANES: bench_lanes = (int)read_count(argument, 1, BENCH_LANES_MAX, state); break;
    case 'a': bench_options.alone = read_count(argument, 1, ALONE_MAX, state); break;
    case 'o':
        if (strcmp(argument, "json") != 0 && strcmp(argument, "text") != 0)
            argp_error(state, "-o takes text or json");
        command.json = strcmp(argument, "json") == 0;
        break;
    case KEY_QUICK: be_quick(); break;
    case KEY_REPEAT: command.repeat = read_count(argument, 1, REPEAT_MAX, state); break;
    case KEY_COMPARE: command.compare = argument; break;
    case KEY_OPEN: bench_options.waiting = read_count(argument, 100, SAGAS_MAX, state); break;
    case KEY_RATE: bench_options.rate = read_rate(argument, state); break;
    case ARGP_KEY_ARG: choose(argument, state); break;
    case ARGP_KEY_END:
        if (bench_options.workers > (unsigned)bench_lanes)
            argp_error(state, "%u workers cannot share %d lanes", bench_options.workers,
                       bench_lanes);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* Without a name all of them but those that take very long; and throughput where others need what it finds. */
static void complete_choice(void)
{
    bool needs_throughput = false;
    for (size_t i = 0; bench_parts[i].name; i++) {
        const struct bench_part *part = &bench_parts[i];
        if (!command.any)
            command.chosen[i] = command.quick ? part->in_quick : !part->not_by_default;
        if (command.chosen[i] && part->after_throughput &&
            !(part->run == bench_load && bench_options.rate > 0))
            needs_throughput = true;
    }
    if (needs_throughput) command.chosen[0] = true;
}

/* ---- the runs ---- */

/* Each round begins with new servers. */
static json_t *run_round(void)
{
    json_t *round = json_object();
    for (size_t i = 0; bench_parts[i].name; i++) {
        if (!command.chosen[i]) continue;
        json_t *figures = json_object();
        bench_say("-- %s", bench_parts[i].name);
        bench_parts[i].run(figures);
        json_object_set_new(round, bench_parts[i].name, figures);
    }
    bench_servers_leave();
    return round;
}

static json_t *settings(void)
{
    return json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:I}", "sagas", (json_int_t)bench_options.sagas,
        "workers", (json_int_t)bench_options.workers, "lanes", (json_int_t)bench_lanes, "alone",
        (json_int_t)bench_options.alone, "roundTrips", (json_int_t)bench_options.round_trips,
        "open", (json_int_t)bench_options.waiting, "seconds", (json_int_t)bench_options.seconds,
        "rate", bench_options.rate, "repeat", (json_int_t)command.repeat);
}

static void print(json_t *report, const json_t *old)
{
    json_t *comparison = old ? bench_report_compare(old, report) : NULL;
    if (command.json) {
        if (comparison) json_object_set(report, "compare", comparison);
        json_dumpf(report, stdout, JSON_REAL_PRECISION(7) | JSON_INDENT(2));
        printf("\n");
    } else {
        bench_report_print(report, stdout);
        if (comparison) bench_report_print_comparison(comparison, old, report, stdout);
    }
    json_decref(comparison);
}

static const struct argp_option rows[] = {
    { "sagas", 'n', "NUMBER", 0, "of each measurement of speed (100000)", 0 },
    { "workers", 'w', "NUMBER", 0, "of the coordinator and of the plain loop (2)", 0 },
    { "lanes", KEY_LANES, "NUMBER", 0, "of the coordinator, and partitions of each topic (4)", 0 },
    { "alone", 'a', "NUMBER", 0, "sagas of latency (200)", 0 },
    { "open", KEY_OPEN, "NUMBER", 0, "sagas that wait, of open, timers and rebuild (1000000)", 0 },
    { "rate", KEY_RATE, "NUMBER", 0,
      "sagas that load starts a second (half of what throughput finds)", 0 },
    { "quick", KEY_QUICK, NULL, 0,
      "small numbers; without a PART throughput and latency. Options behind it change them", 0 },
    { "repeat", KEY_REPEAT, "N", 0, "so many rounds: medians and spreads", 0 },
    { "compare", KEY_COMPARE, "FILE", 0, "beside what -o json printed earlier", 0 },
    { "output", 'o', "FORMAT", 0, "text or json", 0 },
    { 0 },
};

int main(int argc, char **argv)
{
    const struct argp argp = {
        .options = rows,
        .parser = parse,
        .args_doc = "[PART...]",
        .doc = "Measures the coordinator, beside a plain loop on the same broker.\v"
               "Parts: throughput latency load replay open timers avro jq engine, which are all of "
               "them that run without a name; and rebuild, which takes very long. load and replay "
               "need throughput, which is run with them. tests/bench/README.md says what the "
               "figures mean.",
    };
    char words[512];
    argp_parse(&argp, argc, argv, 0, NULL, NULL);
    complete_choice();
    json_t *old = NULL, *rounds = json_array();
    if (command.compare && !(old = bench_report_read(command.compare, words, sizeof words))) {
        fprintf(stderr, "bench: %s\n", words);
        return 2;
    }
    snprintf(words, sizeof words, "%u", bench_options.workers);
    setenv("SAGA_WORKERS", words, 1);
    bench_begin(command.json && !isatty(STDERR_FILENO));
    for (unsigned i = 0; i < command.repeat; i++) {
        if (command.repeat > 1) bench_say("---- round %u of %u", i + 1, command.repeat);
        json_array_append_new(rounds, run_round());
    }
    bench_done();
    json_t *set = settings(), *report = bench_report_make(rounds, set);
    print(report, old);
    json_decref(report);
    json_decref(set);
    json_decref(rounds);
    json_decref(old);
    return 0;
}
