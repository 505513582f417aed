#include "base/histogram.h"

#include "base/assert.h"

enum { PER_OCTAVE_BITS = 3, PER_OCTAVE = 1 << PER_OCTAVE_BITS };

unsigned saga_histogram_bucket(int64_t ms)
{
    if (ms < PER_OCTAVE) return ms < 0 ? 0 : (unsigned)ms;
    unsigned octave = 63 - (unsigned)__builtin_clzll((uint64_t)ms),
             shift = octave - PER_OCTAVE_BITS;
    unsigned bucket = (shift + 1) * PER_OCTAVE + (unsigned)((ms >> shift) & (PER_OCTAVE - 1));
    return bucket < SAGA_HISTOGRAM_BUCKETS ? bucket : SAGA_HISTOGRAM_BUCKETS - 1;
}

int64_t saga_histogram_least_ms(unsigned bucket)
{
    SAGA_ASSERT(bucket < SAGA_HISTOGRAM_BUCKETS);
    if (bucket < PER_OCTAVE) return bucket;
    return (int64_t)(PER_OCTAVE + bucket % PER_OCTAVE) << (bucket / PER_OCTAVE - 1);
}

int64_t saga_histogram_greatest_ms(unsigned bucket)
{
    return bucket + 1 < SAGA_HISTOGRAM_BUCKETS ? saga_histogram_least_ms(bucket + 1) - 1
                                               : INT64_MAX;
}

void saga_histogram_add(struct saga_histogram *histogram, unsigned bucket, uint64_t count)
{
    SAGA_ASSERT(bucket < SAGA_HISTOGRAM_BUCKETS);
    histogram->buckets[bucket] += count;
    histogram->count += count;
}

void saga_histogram_merge(struct saga_histogram *to, const struct saga_histogram *from)
{
    for (unsigned i = 0; i < SAGA_HISTOGRAM_BUCKETS; i++) to->buckets[i] += from->buckets[i];
    to->count += from->count;
}

int64_t saga_histogram_quantile_ms(const struct saga_histogram *histogram, unsigned of_a_thousand)
{
    SAGA_ASSERT(of_a_thousand <= 1000);
    /* rounded up: the first value of one is every quantile of it; parts, as the product may be too large */
    uint64_t count = histogram->count, seen = 0;
    uint64_t rank = count / 1000 * of_a_thousand + (count % 1000 * of_a_thousand + 999) / 1000;
    if (count == 0) return 0;
    if (rank == 0) rank = 1;
    for (unsigned i = 0; i + 1 < SAGA_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank) return saga_histogram_greatest_ms(i);
    }
    return saga_histogram_least_ms(SAGA_HISTOGRAM_BUCKETS - 1);
}
