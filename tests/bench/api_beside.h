/* What asking the API costs the sagas that run meanwhile. */
#ifndef SAGA_BENCH_API_BESIDE_H
#define SAGA_BENCH_API_BESIDE_H

#include "api_client.h"

struct bench_beside {
    bench_request *make; /* what is asked */
    double rate;         /* requests a second */
    unsigned rounds;     /* how often it is measured */
    unsigned seconds;    /* each time, with and without */
};
/* As many sagas of three steps as there is time for, all of them started before; while they go, the API is asked and left alone
 * in turn, and prints how many steps were sent in a second with and without. The definition is deployed, the coordinator runs,
 * and so do its participants. */
void bench_beside(struct bench_client *client, const struct bench_beside *beside);

#endif
