#include "sim_report.h"

#include <stdio.h>
#include <string.h>

/* So many histories must have seen every kind of fault and every situation. */
enum { ENOUGH_HISTORIES = 500, FAULTS_A_HISTORY = 8 };

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

static uint64_t print_counts(const struct sim_totals *totals, int from, int to, bool *missing)
{
    uint64_t sum = 0;
    for (int c = from; c < to; c++) {
        uint64_t count = totals->counts[c];
        printf("%10llu  %s%s\n", (unsigned long long)count, sim_count_words((enum sim_count)c),
               count ? "" : "  <- NEVER");
        if (count == 0) *missing = true;
        sum += count;
    }
    return sum;
}

bool sim_totals_print(const struct sim_totals *totals)
{
    bool missing = false;
    printf("\nfaults\n");
    uint64_t faults = print_counts(totals, 0, SIM_FAULTS_END, &missing);
    printf("\nsituations\n");
    print_counts(totals, SIM_SITUATIONS_BEGIN + 1, SIM_COUNTS, &missing);
    double histories = totals->histories ? (double)totals->histories : 1;
    printf("\na history: %.1f faults, %.1f orders, %.0f s of virtual time\n",
           (double)faults / histories, (double)totals->orders / histories,
           totals->virtual_s / histories);
    bool enough = totals->histories >= ENOUGH_HISTORIES;
    bool good = totals->failed == 0;
    if (missing && enough) {
        printf("FAILED: something above never happened, so it was not tested\n");
        good = false;
    }
    if (enough && (double)faults < FAULTS_A_HISTORY * histories) {
        printf("FAILED: less than %d faults a history\n", FAULTS_A_HISTORY);
        good = false;
    }
    if (totals->failed) {
        printf("FAILED: %llu histories: seeds", (unsigned long long)totals->failed);
        for (uint64_t i = 0; i < totals->failed && i < SIM_FAILING_MAX; i++)
            printf(" %llu", (unsigned long long)totals->failing[i]);
        printf(
            "\nseed %llu: %s\nits story: --seed %llu --trace; made small: --seed %llu --shrink\n",
            (unsigned long long)totals->failing[0], totals->violation,
            (unsigned long long)totals->failing[0], (unsigned long long)totals->failing[0]);
    }
    if (good) printf("everything held\n");
    return good;
}
