/* A million sagas, as they lie in Redis after some days: three definitions of two versions. Of a hundred nine in ten have
 * completed; most of the others wait at a step, and some are being compensated, hang, or were compensated. */
#ifndef SAGA_BENCH_MANY_H
#define SAGA_BENCH_MANY_H

#include "store_lanes.h"

struct bench_many {
    unsigned sagas;
    unsigned running;  /* of a thousand: as many fewer have completed */
    int64_t newest_ms; /* when the newest changed; each before it a millisecond earlier */
    bool keep_offsets; /* the lanes stay where they stand: somebody else reads a journal */
};
void bench_many_fill(struct bench_store *store, const struct bench_many *many);
/* The id of one of them: below `sagas`. */
int bench_many_id(char *room, size_t size, unsigned number);

/* The step that one in a thousand of the running ones is at. */
#define BENCH_MANY_SELDOM "approve"

#endif
