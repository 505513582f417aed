/* What many histories came to. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include "sim_world.h"

enum { SIM_FAILING_MAX = 16 };

/* Sent through a pipe as it is. */
struct sim_totals {
    uint64_t histories, failed, orders;
    uint64_t counts[SIM_COUNTS];
    uint64_t failing[SIM_FAILING_MAX]; /* seeds */
    char violation[1024];              /* the first one's */
    double virtual_s;
};

void sim_totals_add(struct sim_totals *totals, const struct sim_history *history,
                    const struct sim_result *result);
void sim_totals_merge(struct sim_totals *totals, const struct sim_totals *share);
/* Prints all that was counted. False: something was violated, a kind never happened though there were many histories, or
 * there were too few faults. */
bool sim_totals_print(const struct sim_totals *totals);

#endif
