#include "sim_report.h"

#include <stdio.h>
#include <string.h>

/* So many histories must have seen every kind of fault, and so many every situation. */
enum { ENOUGH_FOR_FAULTS = 500, ENOUGH_FOR_SITUATIONS = 5000, FAULTS_A_HISTORY = 8 };

static void add_failing(struct sim_totals *totals, uint64_t seed, const char *violation)
{
    if (totals->failed == 0 || seed < totals->failing[0]) {
        memmove(totals->failing + 1, totals->failing,
                (SIM_FAILING_MAX - 1) * sizeof totals->failing[0]);
        totals->failing[0] = seed;
        snprintf(totals->violation, sizeof totals->violation, "%s", violation);
    } else if (totals->failed < SIM_FAILING_MAX) {
        totals->failing[totals->failed] = seed;
    }
    totals->failed++;
}

void sim_totals_add(struct sim_totals *totals, const struct sim_history *history,
                    const struct sim_result *result)
{
    totals->histories++;
    totals->orders += result->orders;
    totals->virtual_s += (double)result->virtual_us / 1e6;
    for (int c = 0; c < SIM_COUNTS; c++) totals->counts[c] += result->counts[c];
    if (result->violation[0]) add_failing(totals, history->seed, result->violation);
}

void sim_totals_merge(struct sim_totals *totals, const struct sim_totals *share)
{
    totals->histories += share->histories;
    totals->orders += share->orders;
    totals->virtual_s += share->virtual_s;
    for (int c = 0; c < SIM_COUNTS; c++) totals->counts[c] += share->counts[c];
    uint64_t listed = share->failed < SIM_FAILING_MAX ? share->failed : SIM_FAILING_MAX;
    for (uint64_t i = 0; i < listed; i++) add_failing(totals, share->failing[i], share->violation);
    totals->failed += share->failed - listed;
}

/* Prints a range of counts and returns their sum. `*missing` is set where one that must have occurred did not. */
static uint64_t print_counts(const struct sim_totals *totals, int from, int to, bool enough,
                             bool *missing)
{
    uint64_t sum = 0;
    for (int c = from; c < to; c++) {
        uint64_t count = totals->counts[c];
        printf("%10llu  %s%s\n", (unsigned long long)count, sim_count_words((enum sim_count)c),
               enough && count == 0 ? "  <- NEVER" : "");
        if (enough && count == 0) *missing = true;
        sum += count;
    }
    return sum;
}

static void print_failures(const struct sim_totals *totals)
{
    printf("FAILED: %llu histories: seeds", (unsigned long long)totals->failed);
    for (uint64_t i = 0; i < totals->failed && i < SIM_FAILING_MAX; i++)
        printf(" %llu", (unsigned long long)totals->failing[i]);
    printf("\nseed %llu: %s\nits story: --seed %llu --trace; made small: --seed %llu --shrink\n",
           (unsigned long long)totals->failing[0], totals->violation,
           (unsigned long long)totals->failing[0], (unsigned long long)totals->failing[0]);
}

bool sim_totals_print(const struct sim_totals *totals)
{
    bool missing = false;
    double histories = totals->histories ? (double)totals->histories : 1;
    bool enough = totals->histories >= ENOUGH_FOR_FAULTS;
    printf("\nfaults\n");
    uint64_t faults = print_counts(totals, 0, SIM_FAULTS_END, enough, &missing);
    printf("\nsituations\n");
    print_counts(totals, SIM_SITUATIONS_BEGIN + 1, SIM_COUNTS,
                 totals->histories >= ENOUGH_FOR_SITUATIONS, &missing);
    printf("\na history: %.1f faults, %.1f orders, %.0f s of virtual time\n",
           (double)faults / histories, (double)totals->orders / histories,
           totals->virtual_s / histories);
    bool few = enough && (double)faults < FAULTS_A_HISTORY * histories;
    if (missing) printf("FAILED: something above never happened, so it was not tested\n");
    if (few) printf("FAILED: less than %d faults a history\n", FAULTS_A_HISTORY);
    if (totals->failed) print_failures(totals);
    bool good = !missing && !few && totals->failed == 0;
    if (good) printf("everything held\n");
    return good;
}
