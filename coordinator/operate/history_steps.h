/* How long the steps of a saga took: from when each was first asked for to how it came out, and the same of its
 * compensation. */
#ifndef SAGA_OPERATE_HISTORY_STEPS_H
#define SAGA_OPERATE_HISTORY_STEPS_H

#include "operate/history.h"

enum saga_told_outcome {
    SAGA_TOLD_OPEN,
    SAGA_TOLD_SUCCEEDED,
    SAGA_TOLD_FAILED,
    SAGA_TOLD_UNKNOWN,
    SAGA_TOLD_SKIPPED,
    SAGA_TOLD_PASSED,    /* the time of a wait is over */
    SAGA_TOLD_WITHDRAWN, /* the event is not waited for any more */
    SAGA_TOLD_OUTCOME_COUNT
};
const char *saga_told_outcome_name(enum saga_told_outcome outcome);

struct saga_told_step {
    struct saga_slice path;
    struct saga_slice what; /* the command's type, the awaited event, the child */
    bool compensation;
    enum saga_told_outcome outcome;
    uint32_t attempts;
    int64_t begin_ms, end_ms; /* of an open one the run's last record */
    size_t first;             /* index of the record that began it */
};
/* In the order in which they began; in the history's arena. */
void saga_told_steps(const struct saga_history *history, const struct saga_told_run *run,
                     struct saga_told_step **ret, size_t *ret_count);

#endif
