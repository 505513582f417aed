/* What a batch counts, for the metrics: kept beside the batch, in its arena, until it is committed; an aborted batch leaves
 * nothing. Per event it costs some additions; the place of a name is looked up once a batch. */
#ifndef SAGA_RUNTIME_BATCH_FIGURES_H
#define SAGA_RUNTIME_BATCH_FIGURES_H

#include "base/arena.h"
#include "engine/fact.h"
#include "runtime/metrics.h"

/* One definition's part of the batch. */
struct saga_figures_row {
    struct saga_slice name; /* in the batch's arena */
    unsigned place;         /* of it in the metrics; known when the batch is committed */
    uint32_t events[SAGA_EVENT_KIND_COUNT];
    uint32_t counters[SAGA_DEFINITION_COUNTERS];
    struct saga_slice
        *steps; /* that ended, each once, without loop indexes; in the batch's arena */
    size_t step_count, step_capacity;
};

struct saga_figures_end {
    size_t row;
    enum saga_outcome outcome;
    int64_t duration_ms;
};

/* A step that ended. */
struct saga_figures_step {
    size_t row, step;
    enum saga_step_outcome outcome;
    int64_t duration_ms;
};

/* Begins as { .arena = ... }. */
struct saga_batch_figures {
    struct saga_arena *arena;
    struct saga_figures_row *rows;
    size_t count, capacity, last; /* `last`: the row that was counted in */
    struct saga_figures_end *ends;
    size_t end_count, end_capacity;
    struct saga_figures_step *steps;
    size_t step_count, step_capacity;
    int64_t *late_ms; /* of alarms */
    size_t late_count, late_capacity;
    uint32_t dead_letters[SAGA_LETTER_REASON_COUNT];
};

/* An event was decided to these facts; `state` is the saga's behind it. */
void saga_batch_figures_event(struct saga_batch_figures *figures, const struct saga_state *state,
                              const struct saga_event *event, const struct saga_facts *facts);
/* An alarm of `due_ms` is taken at `now_ms`. */
void saga_batch_figures_alarm(struct saga_batch_figures *figures, int64_t due_ms, int64_t now_ms);
/* A record is put aside. */
void saga_batch_figures_dead_letter(struct saga_batch_figures *figures,
                                    enum saga_letter_reason reason);
/* The batch is committed: by the worker's own thread. `metrics` may be NULL. */
void saga_batch_figures_commit(struct saga_batch_figures *figures,
                               struct saga_worker_metrics *metrics);

#endif
