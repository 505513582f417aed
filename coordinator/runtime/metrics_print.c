/* A family is its name, its help, its type and its samples; each is printed once, also without samples. Names by the
 * conventions of Prometheus: base units, counters end with _total. */
#include "runtime/metrics_print.h"

#include <stdio.h>

#include "engine/state.h"

static void family(struct saga_buffer *out, const char *name, const char *type, const char *help)
{
    saga_buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_label_value(struct saga_buffer *out, struct saga_slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (c == '\n')
            saga_buffer_add(out, SAGA_SLICE("\\n"));
        else if (c == '"' || c == '\\')
            saga_buffer_printf(out, "\\%c", c);
        else
            saga_buffer_add_char(out, c);
    }
}

/* name="value" of some labels, without braces. NULL names end them. */
enum { LABELS_MAX = 3 };
struct labels {
    const char *names[LABELS_MAX];
    struct saga_slice values[LABELS_MAX];
};

static void add_labels(struct saga_buffer *out, const struct labels *labels, const char *le)
{
    const char *between = "{";
    for (size_t i = 0; labels && i < LABELS_MAX && labels->names[i]; i++) {
        saga_buffer_printf(out, "%s%s=\"", between, labels->names[i]);
        add_label_value(out, labels->values[i]);
        saga_buffer_add_char(out, '"');
        between = ",";
    }
    if (le) saga_buffer_printf(out, "%sle=\"%s\"", between, le);
    if (le || *between == ',') saga_buffer_add_char(out, '}');
}

static void sample(struct saga_buffer *out, const char *name, const struct labels *labels,
                   uint64_t value)
{
    saga_buffer_add(out, saga_slice_of(name));
    add_labels(out, labels, NULL);
    saga_buffer_printf(out, " %llu\n", (unsigned long long)value);
}

static void alone(struct saga_buffer *out, const char *name, const char *type, const char *help,
                  uint64_t value)
{
    family(out, name, type, help);
    sample(out, name, NULL, value);
}

static void alone_real(struct saga_buffer *out, const char *name, const char *type,
                       const char *help, double value)
{
    family(out, name, type, help);
    saga_buffer_printf(out, "%s %.3f\n", name, value);
}

/* ---- sums over the workers ---- */

struct histogram_sum {
    uint64_t buckets[SAGA_BOUNDS_MAX + 1], sum, count;
};

static void add_histogram(struct histogram_sum *to, const struct saga_metric_histogram *from)
{
    for (size_t i = 0; i <= SAGA_BOUNDS_MAX; i++) {
        uint64_t count = atomic_load_explicit(&from->buckets[i], memory_order_relaxed);
        to->buckets[i] += count;
        to->count += count;
    }
    to->sum += atomic_load_explicit(&from->sum, memory_order_relaxed);
}

static void print_histogram(struct saga_buffer *out, const char *name, const struct labels *labels,
                            const struct saga_scale *scale, const struct histogram_sum *sum)
{
    uint64_t below = 0;
    for (unsigned i = 0; i <= scale->count; i++) {
        char le[32] = "+Inf";
        below += sum->buckets[i];
        if (i < scale->count)
            snprintf(le, sizeof le, "%.10g", (double)scale->bounds[i] * scale->unit);
        saga_buffer_printf(out, "%s_bucket", name);
        add_labels(out, labels, le);
        saga_buffer_printf(out, " %llu\n", (unsigned long long)below);
    }
    saga_buffer_printf(out, "%s_sum", name);
    add_labels(out, labels, NULL);
    saga_buffer_printf(out, " %.12g\n%s_count", (double)sum->sum * scale->unit, name);
    add_labels(out, labels, NULL);
    saga_buffer_printf(out, " %llu\n", (unsigned long long)sum->count);
}

/* Where in a worker's part a histogram or a counter stands. */
#define AT(worker, offset, type) ((const type *)(const void *)((const char *)(worker) + (offset)))

static struct histogram_sum sum_histogram(const struct saga_metrics *metrics, size_t offset)
{
    struct histogram_sum sum = { 0 };
    for (unsigned i = 0; i < metrics->worker_count; i++)
        add_histogram(&sum, AT(&metrics->workers[i], offset, struct saga_metric_histogram));
    return sum;
}

static uint64_t sum_counter(const struct saga_metrics *metrics, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < metrics->worker_count; i++)
        sum += atomic_load_explicit(AT(&metrics->workers[i], offset, atomic_ullong),
                                    memory_order_relaxed);
    return sum;
}

/* Where in a definition's part a counter stands. */
#define OF(array, index)                                                                           \
    (offsetof(struct saga_definition_metrics, array) + (index) * sizeof(atomic_ullong))

static uint64_t sum_of_definition(const struct saga_metrics *metrics, unsigned place, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < metrics->worker_count; i++)
        sum +=
            atomic_load_explicit(AT(&metrics->workers[i].definitions[place], offset, atomic_ullong),
                                 memory_order_relaxed);
    return sum;
}

/* ---- by definition ---- */

/* A sample of a definition's family: the value of its second label, and what it counts. */
struct member {
    const char *value;
    enum saga_definition_counter counter;
};

static const struct definition_family {
    const char *name, *help;
    const char *label; /* NULL: the definition is the only one */
    struct member members[5];
} definition_families[] = {
    { "saga_sagas_started_total", "Sagas started.", NULL, { { NULL, SAGA_COUNTS_STARTED } } },
    { "saga_sagas_ended_total",
      "Sagas ended, by how.",
      "outcome",
      { { "completed", SAGA_COUNTS_COMPLETED },
        { "compensated", SAGA_COUNTS_COMPENSATED },
        { "abandoned", SAGA_COUNTS_ABANDONED } } },
    { "saga_sagas_stuck_total",
      "Sagas that could not go on and wait for an operator.",
      NULL,
      { { NULL, SAGA_COUNTS_STUCK } } },
    { "saga_commands_total",
      "Commands sent, with those that were sent again.",
      "direction",
      { { "step", SAGA_COUNTS_COMMANDS }, { "compensation", SAGA_COUNTS_COMPENSATION_COMMANDS } } },
    { "saga_published_total", "Events published.", NULL, { { NULL, SAGA_COUNTS_PUBLISHED } } },
    { "saga_steps_total",
      "Steps ended, by how; unknown: no answer in time.",
      "outcome",
      { { "succeeded", SAGA_COUNTS_STEP_SUCCEEDED },
        { "failed", SAGA_COUNTS_STEP_FAILED },
        { "unknown", SAGA_COUNTS_STEP_UNKNOWN },
        { "skipped", SAGA_COUNTS_STEP_SKIPPED } } },
    { "saga_step_retries_total",
      "Attempts of steps that are to be made again.",
      NULL,
      { { NULL, SAGA_COUNTS_STEP_RETRIES } } },
    { "saga_compensations_total",
      "Compensations of steps ended, by how.",
      "outcome",
      { { "succeeded", SAGA_COUNTS_COMPENSATION_SUCCEEDED },
        { "failed", SAGA_COUNTS_COMPENSATION_FAILED },
        { "exhausted", SAGA_COUNTS_COMPENSATION_EXHAUSTED },
        { "skipped", SAGA_COUNTS_COMPENSATION_SKIPPED } } },
    { "saga_compensation_retries_total",
      "Attempts of compensations that are to be made again.",
      NULL,
      { { NULL, SAGA_COUNTS_COMPENSATION_RETRIES } } },
};

static struct saga_slice name_at(const struct saga_metric_names *names, unsigned place)
{
    return saga_slice_of(atomic_load_explicit(&names->items[place], memory_order_acquire));
}

/* Has anything been counted of it? Of "other" mostly nothing. */
static bool is_met(const struct saga_metrics *metrics, unsigned place)
{
    if (!name_at(&metrics->definition_names, place).data) return false;
    for (unsigned k = 0; k < SAGA_EVENT_KIND_COUNT; k++)
        if (sum_of_definition(metrics, place, OF(events, k))) return true;
    return false;
}

static void print_definition(const struct saga_metrics *metrics, unsigned place,
                             const struct definition_family *what, struct saga_buffer *out)
{
    struct saga_slice name = name_at(&metrics->definition_names, place);
    for (size_t m = 0; m < sizeof what->members / sizeof what->members[0]; m++) {
        const struct member *member = &what->members[m];
        if (member->counter == SAGA_COUNTS_NOTHING) break;
        const struct labels labels = { { "definition", what->label },
                                       { name, saga_slice_of(member->value) } };
        sample(out, what->name, &labels,
               sum_of_definition(metrics, place, OF(counters, member->counter)));
    }
}

static void print_durations(const struct saga_metrics *metrics, struct saga_buffer *out)
{
    static const char *const outcomes[] = { [SAGA_OUTCOME_COMPLETED] = "completed",
                                            [SAGA_OUTCOME_COMPENSATED] = "compensated",
                                            [SAGA_OUTCOME_ABANDONED] = "abandoned" };
    family(out, "saga_duration_seconds", "histogram", "From a saga's start to its end.");
    for (unsigned place = 0; place <= SAGA_METRICS_DEFINITIONS_MAX; place++)
        for (unsigned o = 0; o < SAGA_OUTCOMES && is_met(metrics, place); o++) {
            struct histogram_sum sum = { 0 };
            const struct labels labels = { { "definition", "outcome" },
                                           { name_at(&metrics->definition_names, place),
                                             saga_slice_of(outcomes[o]) } };
            for (unsigned i = 0; i < metrics->worker_count; i++)
                add_histogram(&sum, &metrics->workers[i].definitions[place].durations[o]);
            if (sum.count)
                print_histogram(out, "saga_duration_seconds", &labels, &saga_scale_sagas, &sum);
        }
}

/* Of the steps "<definition>/<step>" that have a place, and of all others together. */
static void print_steps(const struct saga_metrics *metrics, struct saga_buffer *out)
{
    static const char *const outcomes[] = { [SAGA_STEP_OUTCOME_SUCCEEDED] = "succeeded",
                                            [SAGA_STEP_OUTCOME_FAILED] = "failed",
                                            [SAGA_STEP_OUTCOME_UNKNOWN] = "unknown" };
    family(out, "saga_step_duration_seconds", "histogram",
           "From sending a step's newest attempt to its outcome.");
    for (unsigned place = 0; place <= SAGA_METRICS_STEPS_MAX; place++) {
        struct saga_slice name = name_at(&metrics->step_names, place);
        const char *slash = name.data ? memchr(name.data, '/', name.size) : NULL;
        struct saga_slice definition = { name.data,
                                         slash ? (size_t)(slash - name.data) : name.size };
        for (unsigned o = 0; o < SAGA_STEP_OUTCOMES && name.data; o++) {
            struct histogram_sum sum = { 0 };
            const struct labels labels = {
                { "definition", "step", "outcome" },
                { definition, slash ? saga_slice_skip(name, definition.size + 1) : name,
                  saga_slice_of(outcomes[o]) }
            };
            for (unsigned i = 0; i < metrics->worker_count; i++)
                add_histogram(&sum, &metrics->workers[i].steps[place].durations[o]);
            if (sum.count)
                print_histogram(out, "saga_step_duration_seconds", &labels, &saga_scale_steps,
                                &sum);
        }
    }
}

static void print_events(const struct saga_metrics *metrics, struct saga_buffer *out)
{
    family(out, "saga_events_total", "counter", "Events that sagas took, by kind.");
    for (unsigned place = 0; place <= SAGA_METRICS_DEFINITIONS_MAX; place++)
        for (unsigned k = SAGA_EVENT_START; k < SAGA_EVENT_KIND_COUNT && is_met(metrics, place);
             k++) {
            enum saga_event_kind kind = (enum saga_event_kind)k;
            const struct labels labels = { { "definition", "kind" },
                                           { name_at(&metrics->definition_names, place),
                                             saga_slice_of(saga_event_kind_name(kind)) } };
            sample(out, "saga_events_total", &labels,
                   sum_of_definition(metrics, place, OF(events, kind)));
        }
}

static void print_definitions(const struct saga_metrics *metrics, struct saga_buffer *out)
{
    print_events(metrics, out);
    for (size_t f = 0; f < sizeof definition_families / sizeof definition_families[0]; f++) {
        const struct definition_family *what = &definition_families[f];
        family(out, what->name, "counter", what->help);
        for (unsigned place = 0; place <= SAGA_METRICS_DEFINITIONS_MAX; place++)
            if (is_met(metrics, place)) print_definition(metrics, place, what, out);
    }
    print_durations(metrics, out);
    print_steps(metrics, out);
}

/* ---- the workers' work ---- */

/* A series that begins with its first letter is one whose beginning nobody saw: an alert that asks by how much it grew is not
 * told. So those of all reasons are there from the start. */
static void print_dead_letters(const struct saga_metrics *metrics, struct saga_buffer *out)
{
    family(out, "saga_dead_letters_total", "counter", "Records put aside, by reason.");
    for (size_t i = 0; i < SAGA_LETTER_REASON_COUNT; i++) {
        size_t offset =
            offsetof(struct saga_worker_metrics, dead_letters) + i * sizeof(atomic_ullong);
        const struct labels labels = { { "reason" },
                                       { saga_slice_of(saga_letter_reasons[i].word) } };
        sample(out, "saga_dead_letters_total", &labels, sum_counter(metrics, offset));
    }
}

static void print_counts(const struct saga_daemon_counts *counts, struct saga_buffer *out)
{
    alone(out, "saga_batches_total", "counter", "Batches committed.", counts->batches);
    alone(out, "saga_batches_made_smaller_total", "counter",
          "Batches that were made smaller because there was no room for their states.",
          counts->made_smaller);
    alone(out, "saga_hops_total", "counter", "Records sent on to the lane of another worker.",
          counts->hops);
    alone(out, "saga_ignored_total", "counter", "Records and replies that changed nothing.",
          counts->ignored);
    alone(out, "saga_transactions_aborted_total", "counter", "Transactions aborted.",
          counts->aborts);
    alone(out, "saga_recoveries_total", "counter",
          "How often a worker had to recover its lanes after trouble.", counts->recoveries);
    alone(out, "saga_states_unfit_total", "counter",
          "States that were read, and do not fit their definition.", counts->unfit);
    alone(
        out, "saga_journal_foreign_total", "counter",
        "Records in the journal that are none of the coordinator's, each time that one was passed "
        "over.",
        counts->foreign);
    alone(out, "saga_snapshots_total", "counter", "Snapshots of lanes written.", counts->snapshots);
    alone(out, "saga_snapshot_states_total", "counter", "States written into snapshots.",
          counts->snapshot_states);
}

static void print_one_histogram(const struct saga_metrics *metrics, const char *name,
                                const char *help, const struct saga_scale *scale, size_t offset,
                                struct saga_buffer *out)
{
    struct histogram_sum sum = sum_histogram(metrics, offset);
    family(out, name, "histogram", help);
    print_histogram(out, name, NULL, scale, &sum);
}

static void print_redis(const struct saga_metrics *metrics, struct saga_buffer *out)
{
    static const char *const calls[] = {
        [SAGA_REDIS_LANE_READ] = "lane_read",   [SAGA_REDIS_STATES_READ] = "states_read",
        [SAGA_REDIS_APPLY] = "apply",           [SAGA_REDIS_APPLY_WAIT] = "apply_wait",
        [SAGA_REDIS_TIMERS_DUE] = "timers_due", [SAGA_REDIS_HEARTBEAT] = "heartbeat",
    };
    family(out, "saga_redis_call_duration_seconds", "histogram",
           "Calls of Redis; apply sends, apply_wait awaits the answer.");
    for (unsigned c = 0; c < SAGA_REDIS_CALLS; c++) {
        const struct labels labels = { { "call" }, { saga_slice_of(calls[c]) } };
        size_t offset =
            offsetof(struct saga_worker_metrics, redis) + c * sizeof(struct saga_metric_histogram);
        struct histogram_sum sum = sum_histogram(metrics, offset);
        print_histogram(out, "saga_redis_call_duration_seconds", &labels, &saga_scale_calls, &sum);
    }
    family(out, "saga_redis_call_errors_total", "counter",
           "Calls of Redis that failed, or found a lane elsewhere than expected.");
    for (unsigned c = 0; c < SAGA_REDIS_CALLS; c++) {
        const struct labels labels = { { "call" }, { saga_slice_of(calls[c]) } };
        size_t offset =
            offsetof(struct saga_worker_metrics, redis_errors) + c * sizeof(atomic_ullong);
        sample(out, "saga_redis_call_errors_total", &labels, sum_counter(metrics, offset));
    }
}

static void print_work(const struct saga_metrics *metrics, struct saga_buffer *out)
{
    print_one_histogram(metrics, "saga_batch_events", "Events in a batch.", &saga_scale_events,
                        offsetof(struct saga_worker_metrics, batch_events), out);
    print_one_histogram(metrics, "saga_transaction_duration_seconds",
                        "From a transaction's beginning to its commit.", &saga_scale_calls,
                        offsetof(struct saga_worker_metrics, transactions), out);
    print_one_histogram(metrics, "saga_timer_late_seconds",
                        "How late alarms were taken after they were due.", &saga_scale_late,
                        offsetof(struct saga_worker_metrics, late), out);
    print_redis(metrics, out);
}

/* ---- how things stand ---- */

/* Definitions that have no series of their own are added up (metrics.h). */
static void print_sagas(const struct saga_metrics_figures *f, struct saga_buffer *out)
{
    uint64_t counts[SAGA_METRICS_DEFINITIONS_MAX + 1][SAGA_STATUS_COUNT] = { { 0 } };
    for (size_t i = 0; i < f->known.saga_count; i++) {
        const struct saga_view_count *row = &f->known.sagas[i];
        enum saga_status status = saga_status_of(row->status);
        if (status == SAGA_STATUS_COUNT) continue;
        counts[saga_metric_names_place(&f->metrics->definition_names, row->name)][status] +=
            row->count;
    }
    family(out, "saga_sagas", "gauge", "Sagas of this process's lanes, by status.");
    for (unsigned place = 0; place <= SAGA_METRICS_DEFINITIONS_MAX; place++)
        for (unsigned s = SAGA_RUNNING; s < SAGA_STATUS_COUNT; s++) {
            const struct labels labels = { { "definition", "status" },
                                           { name_at(&f->metrics->definition_names, place),
                                             saga_slice_of(
                                                 saga_status_name((enum saga_status)s)) } };
            if (counts[place][s]) sample(out, "saga_sagas", &labels, counts[place][s]);
        }
}

static void print_lanes(const struct saga_metrics_figures *f, struct saga_buffer *out)
{
    const struct labels ready = { { "state" }, { SAGA_SLICE("ready") } };
    const struct labels recovering = { { "state" }, { SAGA_SLICE("recovering") } };
    alone(out, "saga_lanes_configured", "gauge", "Lanes, of all processes together.", f->lanes);
    family(out, "saga_lanes", "gauge", "Lanes of this process, by state.");
    sample(out, "saga_lanes", &ready, f->lanes_ready);
    sample(out, "saga_lanes", &recovering, f->lanes_recovering);
    family(
        out, "saga_lane_lag_records", "gauge",
        "Records that this process has still to take for a lane; markers of transactions count.");
    for (uint32_t n = 0; n < f->known.lanes; n++) {
        char number[16];
        snprintf(number, sizeof number, "%u", n);
        const struct labels labels = { { "lane" }, { saga_slice_of(number) } };
        if (f->known.lags[n] >= 0)
            sample(out, "saga_lane_lag_records", &labels, (uint64_t)f->known.lags[n]);
    }
}

static void print_process(const struct saga_process_figures *p, struct saga_buffer *out)
{
    if (p->cpu_seconds >= 0)
        alone_real(out, "process_cpu_seconds_total", "counter", "Processor time used, in seconds.",
                   p->cpu_seconds);
    if (p->start_seconds >= 0)
        alone_real(out, "process_start_time_seconds", "gauge",
                   "When the process began, in seconds since 1970.", p->start_seconds);
    if (p->resident_bytes >= 0)
        alone(out, "process_resident_memory_bytes", "gauge", "Memory in use, in bytes.",
              (uint64_t)p->resident_bytes);
    if (p->virtual_bytes >= 0)
        alone(out, "process_virtual_memory_bytes", "gauge", "Memory reserved, in bytes.",
              (uint64_t)p->virtual_bytes);
    if (p->open_files >= 0)
        alone(out, "process_open_fds", "gauge", "Open files.", (uint64_t)p->open_files);
    if (p->max_files >= 0)
        alone(out, "process_max_fds", "gauge", "How many files may be open.",
              (uint64_t)p->max_files);
}

static void print_state(const struct saga_metrics_figures *f, struct saga_buffer *out)
{
    static const char *const phases[] = { [SAGA_WORKER_JOINING] = "joining",
                                          [SAGA_WORKER_RECOVERING] = "recovering",
                                          [SAGA_WORKER_RUNNING] = "running" };
    const struct labels version = { { "version" }, { SAGA_SLICE(SAGA_VERSION) } };
    family(out, "saga_build_info", "gauge", "1, with the version of the program.");
    sample(out, "saga_build_info", &version, 1);
    alone(out, "saga_ready", "gauge", "1 when all workers are at work.", f->ready);
    family(out, "saga_workers", "gauge", "Workers of this process, by phase.");
    for (unsigned p = 0; p < SAGA_WORKER_PHASES; p++) {
        const struct labels labels = { { "phase" }, { saga_slice_of(phases[p]) } };
        sample(out, "saga_workers", &labels, f->workers[p]);
    }
    alone(out, "saga_cache_bytes", "gauge", "Memory of the states at hand, in bytes.",
          f->cache_bytes);
    alone(out, "saga_redis_behind_sagas", "gauge",
          "Sagas whose last change Redis was not told yet.", f->unstored);
    alone(out, "saga_config_last_reload_successful", "gauge",
          "0 when the configuration could not be read the last time.", !f->reload_failed);
    alone_real(out, "saga_config_last_reload_success_timestamp_seconds", "gauge",
               "When the configuration in force was read, in seconds since 1970.",
               f->reloaded_seconds);
}

static void print_spans(const struct saga_tracing_counts *spans, struct saga_buffer *out)
{
    if (!spans) return;
    alone(out, "saga_spans_sent_total", "counter", "Spans that a collector took.",
          atomic_load(&spans->sent));
    alone(out, "saga_spans_dropped_total", "counter", "Spans that there was no room for.",
          atomic_load(&spans->dropped));
    alone(out, "saga_spans_failed_total", "counter",
          "Spans that a collector refused, or did not take in time.", atomic_load(&spans->failed));
}

void saga_metrics_print(const struct saga_metrics_figures *figures, struct saga_buffer *out)
{
    print_state(figures, out);
    print_lanes(figures, out);
    print_sagas(figures, out);
    print_dead_letters(figures->metrics, out);
    print_counts(&figures->counts, out);
    print_definitions(figures->metrics, out);
    print_work(figures->metrics, out);
    print_spans(figures->spans, out);
    print_process(&figures->process, out);
}
