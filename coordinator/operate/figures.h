/* How many sagas of a definition stand where, and how long they and their steps took: what `saga definitions` tells of Redis'
 * counts (store/views.h), and what an API may. Of the sagas that Redis holds: those that are open, and those that ended
 * within `keep`. */
#ifndef SAGA_OPERATE_FIGURES_H
#define SAGA_OPERATE_FIGURES_H

#include <jansson.h>

#include "store/views.h"

struct saga_figures {
    const struct saga_view_standing *standings;
    size_t standing_count;
    const struct saga_view_duration *durations;
    size_t duration_count;
};

/* Reads them for what the filter's name and version let through; NULL: all. Errors: as of the views. */
int saga_figures_read(struct saga_views *views, uint32_t lanes,
                      const struct saga_view_filter *filter, struct saga_arena *arena,
                      struct saga_figures *ret);

/* Sagas of one version that have not ended, and that have. */
void saga_figures_totals(const struct saga_figures *figures, struct saga_slice name,
                         uint32_t version, uint64_t *ret_open, uint64_t *ret_ended);
/* How long its sagas took that completed; NULL: there is none. */
const struct saga_histogram *saga_figures_completed(const struct saga_figures *figures,
                                                    struct saga_slice name, uint32_t version);
/* {"counts": {STATUS: N}, "steps": [{"step", "status", "count"}], "durations": [{"step": null for the whole saga, "outcome",
 * "count", "p50Ms", "p90Ms", "p99Ms", "buckets": [{"fromMs", "toMs", "count"}]}]} of one version. */
json_t *saga_figures_json(const struct saga_figures *figures, struct saga_slice name,
                          uint32_t version);

#endif
