/* Lanes of the journal, read up to one moment, or to one and then to another: for `saga replay --at` and `--diff`. */
#ifndef SAGA_OPERATE_PAST_H
#define SAGA_OPERATE_PAST_H

#include "operate/lane_reading.h"
#include "operate/moment.h"
#include "operate/reading.h"
#include "runtime/as_of.h"

struct saga_past {
    struct saga_call *call;
    struct saga_lane_reading reading;
    struct saga_moment moments[2];
    size_t moment_count;
    bool has_address; /* one saga alone is looked at */
    struct saga_address address;
    uint32_t lane, lane_count; /* those that are read */
    struct saga_as_of **lanes; /* what they gave, `lane` first */
    uint32_t cut_lanes;        /* whose journals do not begin at their beginning */
    uint32_t bare_lanes;       /* of them: no snapshot reaches to where they begin */
};

/* Reads what `moments` (one, or two of which the second is not before the first) and `id` (NULL: all sagas) ask for. An
 * exit code, words said; to be freed in any case. */
int saga_past_read(struct saga_call *call, const char *const *moments, size_t count, const char *id,
                   struct saga_past *ret);
void saga_past_free(struct saga_past *past);

/* The moment in words: "2026-11-23T12:13:14.015Z", "lane 3, offset 17". In the call's arena. */
const char *saga_past_words(const struct saga_past *past, size_t moment);
/* The time of it; of a place when the last record up to it was decided. */
int64_t saga_past_time(const struct saga_past *past, size_t moment);
/* What all lanes count, together. */
void saga_past_count(const struct saga_past *past, struct saga_as_of_counts *ret);
/* Says on standard error what is not known. */
void saga_past_warn(const struct saga_past *past);

#endif
