#include "runtime/batch_figures.h"

#include "engine/places.h"

/* What is not named counts nothing. */
static const unsigned char counter_of_fact[SAGA_FACT_KIND_COUNT] = {
    [SAGA_FACT_SAGA_STARTED] = SAGA_COUNTS_STARTED,
    [SAGA_FACT_SAGA_COMPLETED] = SAGA_COUNTS_COMPLETED,
    [SAGA_FACT_SAGA_COMPENSATED] = SAGA_COUNTS_COMPENSATED,
    [SAGA_FACT_SAGA_ABANDONED] = SAGA_COUNTS_ABANDONED,
    [SAGA_FACT_SAGA_STUCK] = SAGA_COUNTS_STUCK,
    [SAGA_FACT_STEP_SENT] = SAGA_COUNTS_COMMANDS,
    [SAGA_FACT_COMPENSATION_SENT] = SAGA_COUNTS_COMPENSATION_COMMANDS,
    [SAGA_FACT_EVENT_PUBLISHED] = SAGA_COUNTS_PUBLISHED,
    [SAGA_FACT_STEP_SUCCEEDED] = SAGA_COUNTS_STEP_SUCCEEDED,
    [SAGA_FACT_STEP_FAILED] = SAGA_COUNTS_STEP_FAILED,
    [SAGA_FACT_STEP_UNKNOWN] = SAGA_COUNTS_STEP_UNKNOWN,
    [SAGA_FACT_STEP_SKIPPED] = SAGA_COUNTS_STEP_SKIPPED,
    [SAGA_FACT_STEP_RETRY_SCHEDULED] = SAGA_COUNTS_STEP_RETRIES,
    [SAGA_FACT_COMPENSATION_SUCCEEDED] = SAGA_COUNTS_COMPENSATION_SUCCEEDED,
    [SAGA_FACT_COMPENSATION_FAILED] = SAGA_COUNTS_COMPENSATION_FAILED,
    [SAGA_FACT_COMPENSATION_EXHAUSTED] = SAGA_COUNTS_COMPENSATION_EXHAUSTED,
    [SAGA_FACT_COMPENSATION_SKIPPED] = SAGA_COUNTS_COMPENSATION_SKIPPED,
    [SAGA_FACT_COMPENSATION_RETRY_SCHEDULED] = SAGA_COUNTS_COMPENSATION_RETRIES,
};

/* Many events behind one another are of one definition. */
static size_t row_of(struct saga_batch_figures *figures, struct saga_slice name)
{
    if (figures->count && saga_slice_equal(figures->rows[figures->last].name, name))
        return figures->last;
    for (size_t i = 0; i < figures->count; i++)
        if (saga_slice_equal(figures->rows[i].name, name)) return figures->last = i;
    SAGA_PUSH(figures->arena, figures->rows, figures->count, figures->capacity,
              (struct saga_figures_row){ .name = saga_arena_copy(figures->arena, name) });
    return figures->last = figures->count - 1;
}

static void note_end(struct saga_batch_figures *figures, size_t row,
                     enum saga_definition_counter counter, int64_t duration_ms)
{
    enum saga_outcome outcome = counter == SAGA_COUNTS_COMPLETED     ? SAGA_OUTCOME_COMPLETED
                                : counter == SAGA_COUNTS_COMPENSATED ? SAGA_OUTCOME_COMPENSATED
                                                                     : SAGA_OUTCOME_ABANDONED;
    SAGA_PUSH(figures->arena, figures->ends, figures->end_count, figures->end_capacity,
              (struct saga_figures_end){ row, outcome, duration_ms });
}

/* Steps of a definition are few, and rounds of a loop end one behind the other. */
static size_t step_of(struct saga_batch_figures *figures, struct saga_figures_row *row,
                      struct saga_slice name)
{
    for (size_t i = row->step_count; i-- > 0;)
        if (saga_slice_equal(row->steps[i], name)) return i;
    SAGA_PUSH(figures->arena, row->steps, row->step_count, row->step_capacity,
              saga_arena_copy(figures->arena, name));
    return row->step_count - 1;
}

/* As long as the views have it (VIEWS.md): from sending the newest attempt to the outcome. */
static void note_step(struct saga_batch_figures *figures, size_t row, const struct saga_fact *fact,
                      enum saga_definition_counter counter, int64_t now_ms)
{
    if (!fact->before || !fact->before->sent_ms) return;
    enum saga_step_outcome outcome =
        counter == SAGA_COUNTS_STEP_SUCCEEDED ? SAGA_STEP_OUTCOME_SUCCEEDED
        : counter == SAGA_COUNTS_STEP_FAILED  ? SAGA_STEP_OUTCOME_FAILED
                                              : SAGA_STEP_OUTCOME_UNKNOWN;
    size_t step = step_of(figures, &figures->rows[row], saga_place_of(fact->step));
    SAGA_PUSH(figures->arena, figures->steps, figures->step_count, figures->step_capacity,
              (struct saga_figures_step){ row, step, outcome, now_ms - fact->before->sent_ms });
}

void saga_batch_figures_event(struct saga_batch_figures *figures, const struct saga_state *state,
                              const struct saga_event *event, const struct saga_facts *facts)
{
    size_t row = row_of(figures, state->name);
    figures->rows[row].events[event->kind]++;
    for (size_t i = 0; i < facts->count; i++) {
        enum saga_definition_counter counter = counter_of_fact[facts->items[i].kind];
        figures->rows[row].counters[counter]++;
        if (counter >= SAGA_COUNTS_COMPLETED && counter <= SAGA_COUNTS_ABANDONED)
            note_end(figures, row, counter, event->time_ms - state->started_ms);
        if (counter >= SAGA_COUNTS_STEP_SUCCEEDED && counter <= SAGA_COUNTS_STEP_UNKNOWN)
            note_step(figures, row, &facts->items[i], counter, event->time_ms);
    }
}

void saga_batch_figures_alarm(struct saga_batch_figures *figures, int64_t due_ms, int64_t now_ms)
{
    SAGA_PUSH(figures->arena, figures->late_ms, figures->late_count, figures->late_capacity,
              now_ms - due_ms);
}

void saga_batch_figures_dead_letter(struct saga_batch_figures *figures,
                                    enum saga_letter_reason reason)
{
    figures->dead_letters[reason]++;
}

/* Returns how many events it had. */
static uint64_t commit_row(struct saga_figures_row *row, struct saga_worker_metrics *metrics)
{
    uint64_t events = 0;
    row->place = saga_metric_names_place(metrics->definition_names, row->name);
    struct saga_definition_metrics *definition = &metrics->definitions[row->place];
    for (size_t k = 0; k < SAGA_EVENT_KIND_COUNT; k++) {
        saga_metrics_add(&definition->events[k], row->events[k]);
        events += row->events[k];
    }
    for (size_t c = 0; c < SAGA_DEFINITION_COUNTERS; c++)
        saga_metrics_add(&definition->counters[c], row->counters[c]);
    return events;
}

static void commit_steps(struct saga_batch_figures *figures, struct saga_worker_metrics *metrics)
{
    unsigned **places = SAGA_NEW_ARRAY(figures->arena, unsigned *, figures->count);
    for (size_t i = 0; i < figures->count; i++) {
        const struct saga_figures_row *row = &figures->rows[i];
        places[i] = SAGA_NEW_ARRAY(figures->arena, unsigned, row->step_count);
        for (size_t k = 0; k < row->step_count; k++)
            places[i][k] = saga_metric_names_place(
                metrics->step_names,
                saga_arena_join(figures->arena, row->name, '/', row->steps[k]));
    }
    for (size_t i = 0; i < figures->step_count; i++) {
        const struct saga_figures_step *step = &figures->steps[i];
        saga_metric_histogram_observe(
            &metrics->steps[places[step->row][step->step]].durations[step->outcome],
            &saga_scale_steps, step->duration_ms * 1000);
    }
}

void saga_batch_figures_commit(struct saga_batch_figures *figures,
                               struct saga_worker_metrics *metrics)
{
    uint64_t events = 0;
    if (!metrics) return;
    for (size_t i = 0; i < figures->count; i++) events += commit_row(&figures->rows[i], metrics);
    if (events)
        saga_metric_histogram_observe(&metrics->batch_events, &saga_scale_events, (int64_t)events);
    for (size_t i = 0; i < figures->end_count; i++) {
        const struct saga_figures_end *end = &figures->ends[i];
        saga_metric_histogram_observe(
            &metrics->definitions[figures->rows[end->row].place].durations[end->outcome],
            &saga_scale_sagas, end->duration_ms * 1000);
    }
    commit_steps(figures, metrics);
    for (size_t i = 0; i < figures->late_count; i++)
        saga_metric_histogram_observe(&metrics->late, &saga_scale_late, figures->late_ms[i] * 1000);
    for (size_t i = 0; i < SAGA_LETTER_REASON_COUNT; i++)
        saga_metrics_add(&metrics->dead_letters[i], figures->dead_letters[i]);
}
