/* How many requests a second of one subject, by token buckets. A fixed number of places: whoever shares one with others
 * shares its rate, so that memory is bounded whatever names come. */
#ifndef SAGA_HTTP_RATE_H
#define SAGA_HTTP_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { SAGA_RATE_PLACES = 1024 };

struct saga_rate {
    double a_second, burst;
    struct {
        double tokens;
        int64_t filled_ms;
    } places[SAGA_RATE_PLACES];
};

void saga_rate_init(struct saga_rate *rate, double a_second, double burst);
/* Takes one. False: there is none, and it takes `*ret_wait_s` seconds until there is. The time never goes back. */
bool saga_rate_take(struct saga_rate *rate, struct saga_slice who, int64_t now_ms,
                    unsigned *ret_wait_s);

#endif
