#include "operate/figures.h"

#include "base/error.h"
#include "engine/state.h"
#include "operate/output.h"

int saga_figures_read(struct saga_views *views, uint32_t lanes,
                      const struct saga_view_filter *filter, struct saga_arena *arena,
                      struct saga_figures *ret)
{
    struct saga_view_standing *standings = NULL;
    struct saga_view_duration *durations = NULL;
    struct saga_figures figures = { 0 };
    int error =
        saga_views_standings(views, lanes, filter, arena, &standings, &figures.standing_count);
    if (error == SAGA_OK)
        error =
            saga_views_durations(views, lanes, filter, arena, &durations, &figures.duration_count);
    if (error < 0) return error;
    figures.standings = standings;
    figures.durations = durations;
    *ret = figures;
    return SAGA_OK;
}

static bool is_of(const struct saga_view_standing *standing, struct saga_slice name,
                  uint32_t version)
{
    return standing->version == version && saga_slice_equal(standing->name, name);
}

static bool took(const struct saga_view_duration *duration, struct saga_slice name,
                 uint32_t version)
{
    return duration->version == version && saga_slice_equal(duration->name, name);
}

void saga_figures_totals(const struct saga_figures *figures, struct saga_slice name,
                         uint32_t version, uint64_t *ret_open, uint64_t *ret_ended)
{
    *ret_open = *ret_ended = 0;
    for (size_t i = 0; i < figures->standing_count; i++) {
        const struct saga_view_standing *standing = &figures->standings[i];
        if (standing->step.data || !is_of(standing, name, version)) continue;
        bool ended = saga_status_has_ended(saga_status_of(standing->status));
        *(ended ? ret_ended : ret_open) += standing->count;
    }
}

const struct saga_histogram *saga_figures_completed(const struct saga_figures *figures,
                                                    struct saga_slice name, uint32_t version)
{
    for (size_t i = 0; i < figures->duration_count; i++) {
        const struct saga_view_duration *duration = &figures->durations[i];
        if (!duration->step.data && took(duration, name, version) &&
            saga_slice_is(duration->outcome, saga_status_name(SAGA_COMPLETED)))
            return duration->histogram;
    }
    return NULL;
}

/* ---- JSON ---- */

/* The last bucket has no end. */
static json_t *buckets_json(const struct saga_histogram *histogram)
{
    json_t *buckets = json_array();
    for (unsigned i = 0; i < SAGA_HISTOGRAM_BUCKETS; i++) {
        if (!histogram->buckets[i]) continue;
        int64_t greatest_ms = saga_histogram_greatest_ms(i);
        json_t *bucket = json_pack("{s:I, s:I}", "fromMs", (json_int_t)saga_histogram_least_ms(i),
                                   "count", (json_int_t)histogram->buckets[i]);
        json_object_set_new(bucket, "toMs",
                            greatest_ms == INT64_MAX ? json_null()
                                                     : json_integer((json_int_t)greatest_ms));
        json_array_append_new(buckets, bucket);
    }
    return buckets;
}

static json_t *duration_json(const struct saga_view_duration *duration)
{
    const struct saga_histogram *h = duration->histogram;
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:o}", "step",
                     duration->step.data ? saga_json_string(duration->step) : json_null(),
                     "outcome", saga_json_string(duration->outcome), "count", (json_int_t)h->count,
                     "p50Ms", (json_int_t)saga_histogram_quantile_ms(h, 500), "p90Ms",
                     (json_int_t)saga_histogram_quantile_ms(h, 900), "p99Ms",
                     (json_int_t)saga_histogram_quantile_ms(h, 990), "buckets", buckets_json(h));
}

json_t *saga_figures_json(const struct saga_figures *figures, struct saga_slice name,
                          uint32_t version)
{
    json_t *counts = json_object(), *steps = json_array(), *durations = json_array();
    for (size_t i = 0; i < figures->standing_count; i++) {
        const struct saga_view_standing *s = &figures->standings[i];
        json_t *count = json_integer((json_int_t)s->count);
        if (!is_of(s, name, version))
            json_decref(count);
        else if (s->step.data)
            json_array_append_new(steps,
                                  json_pack("{s:o, s:o, s:o}", "step", saga_json_string(s->step),
                                            "status", saga_json_string(s->status), "count", count));
        else
            json_object_setn_new(counts, s->status.data, s->status.size, count);
    }
    for (size_t i = 0; i < figures->duration_count; i++)
        if (took(&figures->durations[i], name, version))
            json_array_append_new(durations, duration_json(&figures->durations[i]));
    return json_pack("{s:o, s:o, s:o}", "counts", counts, "steps", steps, "durations", durations);
}
