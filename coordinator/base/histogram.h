/* Durations in buckets of a log-linear scale, as HdrHistogram has them: exact below 8 ms, and above that eight buckets
 * from each power of two to the next, so that a value is known to within an eighth of itself. Sums of histograms
 * are histograms of all their values. */
#ifndef SAGA_BASE_HISTOGRAM_H
#define SAGA_BASE_HISTOGRAM_H

#include <stdint.h>

/* Up to 2^40 ms, which is 34 years; what took longer counts in the last one. */
#define SAGA_HISTOGRAM_BUCKETS 304u

struct saga_histogram {
    uint64_t count; /* of all buckets */
    uint64_t buckets[SAGA_HISTOGRAM_BUCKETS];
};

/* Below 0, as clocks of two machines may have it, counts as 0. */
unsigned saga_histogram_bucket(int64_t ms);
/* The least and the greatest value of a bucket, milliseconds; of the last bucket INT64_MAX is the greatest. */
int64_t saga_histogram_least_ms(unsigned bucket);
int64_t saga_histogram_greatest_ms(unsigned bucket);
void saga_histogram_add(struct saga_histogram *histogram, unsigned bucket, uint64_t count);
void saga_histogram_merge(struct saga_histogram *to, const struct saga_histogram *from);
/* The value that so many of a thousand do not pass: the greatest of its bucket, of the last bucket the least. Of an
 * empty histogram 0. */
int64_t saga_histogram_quantile_ms(const struct saga_histogram *histogram, unsigned of_a_thousand);

#endif
