/* R27: a worker that ends in order leaves Redis where its lanes' journals stand. */
#ifndef SIM_STOP_H
#define SIM_STOP_H

#include "sim_worker.h"

/* What its lanes have committed, before it ends. */
struct sim_stop {
    bool calm;       /* nothing is wrong that would keep it from telling Redis */
    unsigned losses; /* of Redis, and of its connection to it */
    struct {
        bool ours;
        int64_t position;
        char journal[33];
    } lanes[SIM_LANES];
};

void sim_stop_note(const struct sim_worker *w, struct sim_stop *ret);
/* After it has ended: a violation where Redis has not heard of it all, and nothing was in the way. */
void sim_stop_check(const struct sim_worker *w, const struct sim_stop *stop);

#endif
