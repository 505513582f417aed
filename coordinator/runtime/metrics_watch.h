/* What the metrics must ask for: how far the lanes of this process are behind (the broker knows), and how many sagas of theirs
 * there are in each status (Redis knows). Asked for every 10 s, some at a time, by the thread that looks after the
 * surroundings; a request for the metrics waits for nobody. What cannot be had is left out, not guessed.
 *
 * Every process tells of its own lanes alone, so that the sum over all processes is right. */
#ifndef SAGA_RUNTIME_METRICS_WATCH_H
#define SAGA_RUNTIME_METRICS_WATCH_H

#include "bus/client.h"
#include "runtime/config.h"
#include "runtime/standing.h"
#include "store/views.h"

struct saga_metrics_watch;

/* `standings`, the workers', outlive it. Never NULL. */
struct saga_metrics_watch *saga_metrics_watch_new(const struct saga_config *config,
                                                  struct saga_standing *standings);
void saga_metrics_watch_free(struct saga_metrics_watch *watch);
/* Asks for what is due; may take as long as one call to the broker and one to Redis. By one thread. */
void saga_metrics_watch_look(struct saga_metrics_watch *watch, struct saga_client *client,
                             int64_t now_ms);

/* What was last known. */
struct saga_metrics_known {
    int64_t *lags; /* records by lane; below 0: not known, or another process's */
    uint32_t lanes;
    struct saga_view_count *sagas;
    size_t saga_count;
};
/* Copies it into `arena`. From any thread. */
void saga_metrics_watch_known(struct saga_metrics_watch *watch, struct saga_arena *arena,
                              struct saga_metrics_known *ret);

#endif
