/* The metrics: what a batch counts, that definitions beyond the limit share one series, and the text that is printed. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "runtime/batch_figures.h"
#include "runtime/metrics_print.h"

static struct saga_arena arena;
static struct saga_metrics *metrics;

static int begin(void **state)
{
    (void)state;
    saga_arena_init(&arena);
    metrics = saga_metrics_new(2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    saga_metrics_free(metrics);
    saga_arena_free(&arena);
    return 0;
}

/* One event of a saga that began at 1000, which leads to the facts named. */
static void take(struct saga_batch_figures *figures, const char *definition,
                 enum saga_event_kind kind, int64_t now_ms, size_t count, ...)
{
    struct saga_state state = { .name = saga_slice_of(definition), .started_ms = 1000 };
    struct saga_event event = { .kind = kind, .time_ms = now_ms };
    struct saga_fact items[8] = { 0 };
    va_list kinds;
    va_start(kinds, count);
    for (size_t i = 0; i < count; i++) items[i].kind = (enum saga_fact_kind)va_arg(kinds, int);
    va_end(kinds);
    struct saga_facts facts = { items, count, count };
    saga_batch_figures_event(figures, &state, &event, &facts);
}

static const char *print(void)
{
    struct saga_buffer out;
    struct saga_metrics_figures figures = { .metrics = metrics, .lanes = 8 };
    figures.process = (struct saga_process_figures){ -1, -1, -1, -1, -1, -1 };
    saga_buffer_init(&out, &arena);
    saga_metrics_print(&figures, &out);
    return saga_buffer_slice(&out).data;
}

/* Is this line, whole, in the text? */
static bool has_line(const char *text, const char *line)
{
    size_t size = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at += size)
        if ((at == text || at[-1] == '\n') && at[size] == '\n') return true;
    return false;
}

#define assert_line(line)                                                                          \
    do {                                                                                           \
        const char *text_ = print();                                                               \
        if (!has_line(text_, line)) fail_msg("no line %s in\n%s", line, text_);                    \
    } while (0)

static void a_committed_batch_counts_by_definition_and_outcome(void **state)
{
    (void)state;
    struct saga_batch_figures figures = { .arena = &arena };
    take(&figures, "order", SAGA_EVENT_START, 1000, 2, SAGA_FACT_SAGA_STARTED, SAGA_FACT_STEP_SENT);
    take(&figures, "trip", SAGA_EVENT_START, 1000, 1, SAGA_FACT_SAGA_STARTED);
    take(&figures, "order", SAGA_EVENT_REPLY, 4000, 2, SAGA_FACT_STEP_SUCCEEDED,
         SAGA_FACT_SAGA_COMPLETED);
    take(&figures, "order", SAGA_EVENT_REPLY, 1200, 2, SAGA_FACT_COMPENSATION_EXHAUSTED,
         SAGA_FACT_SAGA_STUCK);
    saga_batch_figures_dead_letter(&figures, SAGA_LETTER_UNREADABLE);
    saga_batch_figures_alarm(&figures, 1000, 1020);
    saga_batch_figures_commit(&figures, &metrics->workers[1]);
    assert_line("saga_sagas_started_total{definition=\"order\"} 1");
    assert_line("saga_sagas_started_total{definition=\"trip\"} 1");
    assert_line("saga_sagas_ended_total{definition=\"order\",outcome=\"completed\"} 1");
    assert_line("saga_sagas_ended_total{definition=\"order\",outcome=\"abandoned\"} 0");
    assert_line("saga_sagas_stuck_total{definition=\"order\"} 1");
    assert_line("saga_steps_total{definition=\"order\",outcome=\"succeeded\"} 1");
    assert_line("saga_compensations_total{definition=\"order\",outcome=\"exhausted\"} 1");
    assert_line("saga_commands_total{definition=\"order\",direction=\"step\"} 1");
    assert_line(
        "saga_duration_seconds_bucket{definition=\"order\",outcome=\"completed\",le=\"2.5\"} 0");
    assert_line(
        "saga_duration_seconds_bucket{definition=\"order\",outcome=\"completed\",le=\"5\"} 1");
    assert_line(
        "saga_duration_seconds_bucket{definition=\"order\",outcome=\"completed\",le=\"60\"} 1");
    assert_line("saga_duration_seconds_sum{definition=\"order\",outcome=\"completed\"} 3");
    assert_line("saga_events_total{definition=\"order\",kind=\"start\"} 1");
    assert_line("saga_events_total{definition=\"order\",kind=\"reply\"} 2");
    assert_line("saga_events_total{definition=\"trip\",kind=\"start\"} 1");
    assert_line("saga_dead_letters_total{reason=\"unreadable\"} 1");
    assert_line("saga_dead_letters_total{reason=\"no-such-saga\"} 0"); /* its beginning is seen */
    assert_line("saga_batch_events_bucket{le=\"2\"} 0");
    assert_line("saga_batch_events_bucket{le=\"5\"} 1");
    assert_line("saga_timer_late_seconds_bucket{le=\"0.01\"} 0");
    assert_line("saga_timer_late_seconds_bucket{le=\"0.05\"} 1");
}

static void what_is_not_committed_counts_nothing(void **state)
{
    (void)state;
    struct saga_batch_figures figures = { .arena = &arena };
    take(&figures, "order", SAGA_EVENT_START, 1000, 1, SAGA_FACT_SAGA_STARTED);
    assert_null(strstr(print(), "order"));
    saga_batch_figures_commit(&figures, NULL); /* nobody keeps metrics */
    assert_null(strstr(print(), "order"));
}

static void workers_are_added_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct saga_batch_figures figures = { .arena = &arena };
        take(&figures, "order", SAGA_EVENT_START, 1000, 1, SAGA_FACT_SAGA_STARTED);
        saga_batch_figures_commit(&figures, &metrics->workers[i]);
    }
    assert_line("saga_sagas_started_total{definition=\"order\"} 2");
    assert_line("saga_events_total{definition=\"order\",kind=\"start\"} 2");
    assert_line("saga_batch_events_count 2");
}

static size_t occurrences(const char *text, const char *what)
{
    size_t count = 0;
    while ((text = strstr(text, what))) {
        count++;
        text += strlen(what);
    }
    return count;
}

static void definitions_beyond_the_limit_share_one_series(void **state)
{
    (void)state;
    enum { MORE = 7 };
    for (unsigned i = 0; i < SAGA_METRICS_DEFINITIONS_MAX + MORE; i++) {
        struct saga_batch_figures figures = { .arena = &arena };
        char name[32];
        snprintf(name, sizeof name, "d%u", i);
        take(&figures, name, SAGA_EVENT_START, 1000, 1, SAGA_FACT_SAGA_STARTED);
        saga_batch_figures_commit(&figures, &metrics->workers[i % 2]);
    }
    assert_line("saga_sagas_started_total{definition=\"other\"} 7");
    assert_line("saga_sagas_started_total{definition=\"d99\"} 1");
    assert_int_equal(occurrences(print(), "saga_sagas_started_total{"),
                     SAGA_METRICS_DEFINITIONS_MAX + 1);
}

/* A step that was last sent at 3000 has an outcome now. */
static void end_step(struct saga_batch_figures *figures, const char *path, int64_t now_ms,
                     enum saga_fact_kind kind)
{
    const struct saga_step_state before = { .begun_ms = 1000, .sent_ms = 3000 };
    struct saga_state state = { .name = SAGA_SLICE("order"), .started_ms = 1000 };
    struct saga_event event = { .kind = SAGA_EVENT_REPLY, .time_ms = now_ms };
    struct saga_fact fact = { .kind = kind, .step = saga_slice_of(path), .before = &before };
    struct saga_facts facts = { &fact, 1, 1 };
    saga_batch_figures_event(figures, &state, &event, &facts);
}

static void steps_have_durations_by_name_and_outcome(void **state)
{
    (void)state;
    struct saga_batch_figures figures = { .arena = &arena };
    end_step(&figures, "pack[0]", 3020, SAGA_FACT_STEP_SUCCEEDED); /* rounds of a loop are one */
    end_step(&figures, "charge", 4000, SAGA_FACT_STEP_FAILED);
    end_step(&figures, "pack[17]", 3600, SAGA_FACT_STEP_SUCCEEDED);
    end_step(&figures, "charge", 4000, SAGA_FACT_STEP_SKIPPED);
    saga_batch_figures_commit(&figures, &metrics->workers[0]);
    assert_line("saga_step_duration_seconds_bucket{definition=\"order\",step=\"pack\",outcome="
                "\"succeeded\",le=\"0.025\"} 1");
    assert_line("saga_step_duration_seconds_count{definition=\"order\",step=\"pack\",outcome="
                "\"succeeded\"} 2");
    assert_line("saga_step_duration_seconds_sum{definition=\"order\",step=\"charge\",outcome="
                "\"failed\"} 1");
    assert_null(strstr(print(), "skipped\",le"));
    assert_null(strstr(print(), "pack["));
}

static void steps_beyond_the_limit_share_one_series(void **state)
{
    (void)state;
    struct saga_batch_figures figures = { .arena = &arena };
    for (unsigned i = 0; i < SAGA_METRICS_STEPS_MAX + 5; i++)
        end_step(&figures, saga_arena_printf(&arena, "s%u", i).data, 4000,
                 SAGA_FACT_STEP_SUCCEEDED);
    saga_batch_figures_commit(&figures, &metrics->workers[0]);
    assert_line("saga_step_duration_seconds_count{definition=\"other\",step=\"other\",outcome="
                "\"succeeded\"} 5");
    assert_int_equal(occurrences(print(), "saga_step_duration_seconds_count{"),
                     SAGA_METRICS_STEPS_MAX + 1);
}

enum { THREADS = 4, ROUNDS = 1000, NAMES = 8 };

struct meeting {
    struct saga_metric_names names;
    pthread_barrier_t barrier;
    atomic_uint next, wrong;
};

/* Each thread adds all names, beginning with another. */
static void *add_names(void *context)
{
    struct meeting *meeting = context;
    unsigned first = atomic_fetch_add(&meeting->next, 1);
    pthread_barrier_wait(&meeting->barrier);
    for (unsigned i = 0; i < NAMES; i++) {
        char name[32];
        snprintf(name, sizeof name, "d%u", (first + i) % NAMES);
        unsigned place = saga_metric_names_place(&meeting->names, saga_slice_of(name));
        if (strcmp(atomic_load(&meeting->names.items[place]), name) != 0)
            atomic_fetch_add(&meeting->wrong, 1);
    }
    return NULL;
}

static void meet(struct meeting *meeting)
{
    pthread_t threads[THREADS];
    saga_metric_names_init(&meeting->names, SAGA_METRICS_DEFINITIONS_MAX);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_names, meeting), 0);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&meeting->wrong), 0);
    assert_null(atomic_load(&meeting->names.items[NAMES])); /* none has two places */
    saga_metric_names_free(&meeting->names);
}

static void threads_that_meet_names_at_once_give_each_one_place(void **state)
{
    (void)state;
    struct meeting meeting = { 0 };
    assert_int_equal(pthread_barrier_init(&meeting.barrier, NULL, THREADS), 0);
    for (unsigned i = 0; i < ROUNDS; i++) meet(&meeting);
    pthread_barrier_destroy(&meeting.barrier);
}

static void what_stands_is_printed_and_what_is_not_known_is_left_out(void **state)
{
    (void)state;
    struct saga_view_count sagas[] = {
        { SAGA_SLICE("order"), SAGA_SLICE("stuck"), 3 },
        { SAGA_SLICE("order"), SAGA_SLICE("running"), 5 },
        { SAGA_SLICE("odd \"name\"\\\n"), SAGA_SLICE("running"), 1 },
        { SAGA_SLICE("order"), SAGA_SLICE("from-the-future"), 9 },
    };
    int64_t lags[] = { 17, -1, 0 };
    struct saga_metrics_figures figures = {
        .metrics = metrics,
        .known = { lags, 3, sagas, 4 },
        .ready = true,
        .lanes = 3,
        .lanes_ready = 2,
        .workers = { [SAGA_WORKER_RUNNING] = 2 },
        .reload_failed = true,
        .counts = { .aborts = 4, .recoveries = 1 },
    };
    struct saga_buffer out;
    saga_process_figures_read(&figures.process);
    saga_buffer_init(&out, &arena);
    saga_metrics_print(&figures, &out);
    const char *text = saga_buffer_slice(&out).data;
    assert_true(has_line(text, "saga_sagas{definition=\"order\",status=\"stuck\"} 3"));
    assert_true(
        has_line(text, "saga_sagas{definition=\"odd \\\"name\\\"\\\\\\n\",status=\"running\"} 1"));
    assert_null(strstr(text, "} 9\n"));
    assert_true(has_line(text, "saga_lane_lag_records{lane=\"0\"} 17"));
    assert_true(has_line(text, "saga_lane_lag_records{lane=\"2\"} 0"));
    assert_null(strstr(text, "lane=\"1\""));
    assert_true(has_line(text, "saga_ready 1"));
    assert_true(has_line(text, "saga_workers{phase=\"running\"} 2"));
    assert_true(has_line(text, "saga_config_last_reload_successful 0"));
    assert_true(has_line(text, "saga_transactions_aborted_total 4"));
    assert_true(has_line(text, "saga_recoveries_total 1"));
    assert_non_null(strstr(text, "\nprocess_resident_memory_bytes "));
    assert_non_null(strstr(text, "\nprocess_open_fds "));
}

static void a_histogram_counts_on_the_right_side_of_a_bound(void **state)
{
    (void)state;
    struct saga_metric_histogram histogram = { 0 };
    saga_metric_histogram_observe(&histogram, &saga_scale_events, 10); /* le is: not more than */
    saga_metric_histogram_observe(&histogram, &saga_scale_events, 11);
    saga_metric_histogram_observe(&histogram, &saga_scale_events,
                                  -5); /* a clock that was set back */
    saga_metric_histogram_observe(&histogram, &saga_scale_events, 1000000);
    assert_int_equal(histogram.buckets[0], 1);
    assert_int_equal(histogram.buckets[3], 1);
    assert_int_equal(histogram.buckets[4], 1);
    assert_int_equal(histogram.buckets[saga_scale_events.count], 1);
    assert_int_equal(histogram.sum, 10 + 11 + 1000000);
}

static void scales_rise(void **state)
{
    (void)state;
    const struct saga_scale *scales[] = { &saga_scale_calls, &saga_scale_late, &saga_scale_sagas,
                                          &saga_scale_steps, &saga_scale_events };
    for (size_t s = 0; s < sizeof scales / sizeof scales[0]; s++)
        for (unsigned i = 1; i < scales[s]->count; i++)
            assert_true(scales[s]->bounds[i - 1] < scales[s]->bounds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_committed_batch_counts_by_definition_and_outcome, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_is_not_committed_counts_nothing, begin, end),
        cmocka_unit_test_setup_teardown(workers_are_added_up, begin, end),
        cmocka_unit_test_setup_teardown(definitions_beyond_the_limit_share_one_series, begin, end),
        cmocka_unit_test_setup_teardown(steps_have_durations_by_name_and_outcome, begin, end),
        cmocka_unit_test_setup_teardown(steps_beyond_the_limit_share_one_series, begin, end),
        cmocka_unit_test_setup_teardown(threads_that_meet_names_at_once_give_each_one_place, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_stands_is_printed_and_what_is_not_known_is_left_out,
                                        begin, end),
        cmocka_unit_test(a_histogram_counts_on_the_right_side_of_a_bound),
        cmocka_unit_test(scales_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
