#include "http/rate.h"

#include "base/hash.h"

void saga_rate_init(struct saga_rate *rate, double a_second, double burst)
{
    *rate = (struct saga_rate){ .a_second = a_second, .burst = burst };
    for (int i = 0; i < SAGA_RATE_PLACES; i++) rate->places[i].tokens = burst;
}

static double *fill(struct saga_rate *rate, struct saga_slice who, int64_t now_ms)
{
    unsigned place = saga_murmur2(who) % SAGA_RATE_PLACES;
    double *tokens = &rate->places[place].tokens;
    int64_t passed_ms = now_ms - rate->places[place].filled_ms;
    if (passed_ms > 0) *tokens += (double)passed_ms / 1000 * rate->a_second;
    if (*tokens > rate->burst) *tokens = rate->burst;
    rate->places[place].filled_ms = now_ms;
    return tokens;
}

bool saga_rate_take(struct saga_rate *rate, struct saga_slice who, int64_t now_ms,
                    unsigned *ret_wait_s)
{
    double *tokens = fill(rate, who, now_ms);
    if (*tokens >= 1) {
        *tokens -= 1;
        return true;
    }
    *ret_wait_s = (unsigned)((1 - *tokens) / rate->a_second) + 1;
    return false;
}
