/* The command line of the simulation: histories by the thousand, one by one, made small, or with a rule switched off. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/log.h"
#include "sim_report.h"
#include "sim_world.h"

enum {
    KEY_SEEDS = 256,
    KEY_FROM,
    KEY_SEED,
    KEY_TRACE,
    KEY_SHRINK,
    KEY_MUTATION,
    KEY_MUTATIONS,
    KEY_WITHOUT,
    KEY_ORDERS,
    KEY_JOBS
};
enum { SEEDS = 1000, MUTATION_SEEDS = 2000, JOBS_MAX = 64 };

struct arguments {
    struct sim_history history;
    uint64_t from, seeds;
    bool one, shrink, mutations;
    unsigned jobs;
};

static uint64_t number(const char *text, struct argp_state *state)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text == '\0' || *text == '-' || *end) argp_error(state, "'%s' is not a number", text);
    return value;
}

static enum sim_mutation mutation_of(const char *name, struct argp_state *state)
{
    for (int m = 0; m < SIM_MUTATION_COUNT; m++)
        if (strcmp(name, sim_mutation_name((enum sim_mutation)m)) == 0) return (enum sim_mutation)m;
    argp_error(state, "'%s' is no mutation", name);
    return SIM_MUTATION_NONE;
}

static uint32_t bits(const char *text, struct argp_state *state)
{
    uint32_t result = 0;
    char *copy = strdup(text), *rest = copy;
    for (char *word; copy && (word = strsep(&rest, ","));) {
        uint64_t bit = number(word, state);
        if (bit >= SIM_FAULTS_MAX) argp_error(state, "there is no fault %s", word);
        result |= 1u << bit;
    }
    free(copy);
    return result;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_SEEDS: a->seeds = number(text, state); return 0;
    case KEY_FROM: a->from = number(text, state); return 0;
    case KEY_SEED:
        a->from = number(text, state);
        a->one = true;
        return 0;
    case KEY_TRACE: a->history.trace = true; return 0;
    case KEY_SHRINK: a->shrink = true; return 0;
    case KEY_MUTATION: a->history.mutation = mutation_of(text, state); return 0;
    case KEY_MUTATIONS: a->mutations = true; return 0;
    case KEY_WITHOUT: a->history.without = bits(text, state); return 0;
    case KEY_ORDERS: a->history.orders = (int)number(text, state); return 0;
    case KEY_JOBS: a->jobs = (unsigned)number(text, state); return 0;
    case ARGP_KEY_ARG: argp_usage(state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    { "seeds", KEY_SEEDS, "N", 0, "how many histories; 1000", 0 },
    { "from", KEY_FROM, "S", 0, "the first seed; 1", 0 },
    { "jobs", KEY_JOBS, "N", 0, "processes at a time; as many as there are processors", 0 },
    { "seed", KEY_SEED, "S", 0, "one history", 0 },
    { "trace", KEY_TRACE, NULL, 0, "tell its story", 0 },
    { "shrink", KEY_SHRINK, NULL, 0, "leave out of a failing history what it fails without", 0 },
    { "without", KEY_WITHOUT, "N,N...", 0, "leave out these faults of the plan", 0 },
    { "orders", KEY_ORDERS, "N", 0, "no more than the first N orders", 0 },
    { "mutation", KEY_MUTATION, "NAME", 0, "switch a rule off", 0 },
    { "mutations", KEY_MUTATIONS, NULL, 0,
      "switch each rule off in turn: a violation must be found within 2000 histories", 0 },
    { 0 },
};

static const struct argp parser = { .options = options,
                                    .parser = parse,
                                    .doc = "Runs the coordinator's workers against a simulated "
                                           "Kafka and Redis, under faults drawn from a seed, and "
                                           "watches that nothing is lost and nothing doubled." };

/* ---- one history ---- */

static void print_history(const struct sim_history *history)
{
    printf("saga_simulate --seed %llu", (unsigned long long)history->seed);
    if (history->mutation) printf(" --mutation %s", sim_mutation_name(history->mutation));
    if (history->orders >= 0) printf(" --orders %d", history->orders);
    const char *separator = " --without ";
    for (unsigned bit = 0; bit < SIM_FAULTS_MAX; bit++) {
        if (!(history->without & (1u << bit))) continue;
        printf("%s%u", separator, bit);
        separator = ",";
    }
    printf("\n");
}

static bool fails(const struct sim_history *history)
{
    struct sim_result result;
    sim_history_run(history, &result);
    return result.violation[0] != '\0';
}

/* Leaves out one fault after the other, then orders, as long as something is violated. */
static struct sim_history shrink(struct sim_history history, const struct sim_result *result)
{
    history.trace = false;
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (unsigned bit = 0; bit < result->faults_planned; bit++) {
            struct sim_history less = history;
            less.without |= 1u << bit;
            if (less.without == history.without || !fails(&less)) continue;
            history = less;
            smaller = true;
        }
    }
    for (int orders = 0; orders < (int)result->orders; orders++) {
        struct sim_history less = history;
        less.orders = orders;
        if (fails(&less)) return less;
    }
    return history;
}

static int run_one(struct arguments *a)
{
    struct sim_result result;
    a->history.seed = a->from;
    sim_history_run(&a->history, &result);
    if (result.violation[0] && a->shrink) {
        a->history = shrink(a->history, &result);
        print_history(&a->history);
        a->history.trace = true;
        sim_history_run(&a->history, &result);
    }
    printf("seed %llu: %u orders, %.1f s, journals %016llx: %s\n",
           (unsigned long long)a->history.seed, result.orders, (double)result.virtual_us / 1e6,
           (unsigned long long)result.digest,
           result.violation[0] ? result.violation : "everything held");
    return result.violation[0] ? 1 : 0;
}

/* ---- many ---- */

static void run_share(const struct arguments *a, unsigned job, int out)
{
    struct sim_totals totals = { 0 };
    struct sim_history history = a->history;
    for (uint64_t i = job; i < a->seeds; i += a->jobs) {
        struct sim_result result;
        history.seed = a->from + i;
        sim_history_run(&history, &result);
        sim_totals_add(&totals, &history, &result);
        if (result.violation[0] && history.mutation) break; /* that is all that was asked */
    }
    ssize_t written = write(out, &totals, sizeof totals);
    _exit(written == (ssize_t)sizeof totals ? 0 : 1);
}

static bool read_share(int in, struct sim_totals *ret)
{
    size_t have = 0;
    ssize_t got;
    while (have < sizeof *ret && (got = read(in, (char *)ret + have, sizeof *ret - have)) > 0)
        have += (size_t)got;
    close(in);
    return have == sizeof *ret;
}

/* Shares the seeds out to processes. False: one of them did not come to its end. */
static bool run_many(const struct arguments *a, struct sim_totals *ret)
{
    int pipes[JOBS_MAX][2];
    bool complete = true;
    *ret = (struct sim_totals){ 0 };
    fflush(stdout);
    for (unsigned job = 0; job < a->jobs; job++) {
        pid_t child = pipe(pipes[job]) == 0 ? fork() : -1;
        if (child < 0) return false;
        if (child == 0) run_share(a, job, pipes[job][1]);
        close(pipes[job][1]);
    }
    for (unsigned job = 0; job < a->jobs; job++) {
        struct sim_totals share;
        int status;
        if (read_share(pipes[job][0], &share))
            sim_totals_merge(ret, &share);
        else
            complete = false;
        if (wait(&status) < 0 || status != 0) complete = false;
    }
    return complete;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_seeds(const struct arguments *a)
{
    struct sim_totals totals;
    double began = seconds();
    bool complete = run_many(a, &totals);
    double took = seconds() - began;
    if (!complete && !totals.failed) {
        fprintf(stderr, "saga_simulate: a process did not come to its end\n");
        return 1;
    }
    printf("%llu histories in %.0f s with %u processes: %.1f a second each\n",
           (unsigned long long)totals.histories, took, a->jobs,
           (double)totals.histories / took / a->jobs);
    bool good = sim_totals_print(&totals);
    return complete && good ? 0 : 1;
}

static int run_mutations(struct arguments *a)
{
    int code = 0;
    a->seeds = MUTATION_SEEDS;
    if (!freopen("/dev/null", "w", stderr))
        return 1; /* what is said for want of a rule is not for people */
    for (int m = SIM_MUTATION_NONE + 1; m < SIM_MUTATION_COUNT; m++) {
        struct sim_totals totals;
        a->history.mutation = (enum sim_mutation)m;
        bool complete = run_many(a, &totals);
        bool found =
            !complete || totals.failed; /* an assertion of the coordinator notices it too */
        printf("%-20s %-60s ", sim_mutation_name((enum sim_mutation)m),
               sim_mutation_words((enum sim_mutation)m));
        if (found && !totals.failed)
            printf("found by an assertion\n");
        else if (found)
            printf("found by seed %llu: %s\n", (unsigned long long)totals.failing[0],
                   totals.violation);
        else
            printf("NOT FOUND in %llu histories\n", (unsigned long long)totals.histories);
        fflush(stdout);
        if (!found) code = 1;
    }
    return code;
}

int main(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct arguments a = { .history = { .orders = -1 },
                           .from = 1,
                           .seeds = SEEDS,
                           .jobs = processors > 0 ? (unsigned)processors : 1 };
    if (argp_parse(&parser, argc, argv, 0, NULL, &a) != 0) return 2;
    if (a.jobs < 1) a.jobs = 1;
    if (a.jobs > JOBS_MAX) a.jobs = JOBS_MAX;
    saga_log_open(SAGA_LOG_TEXT, SAGA_LOG_ERROR);
    if (a.one) return run_one(&a);
    return a.mutations ? run_mutations(&a) : run_seeds(&a);
}
