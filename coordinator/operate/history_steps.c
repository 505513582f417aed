#include "operate/history_steps.h"

#include "base/assert.h"

const char *saga_told_outcome_name(enum saga_told_outcome outcome)
{
    static const char *const names[SAGA_TOLD_OUTCOME_COUNT] = {
        [SAGA_TOLD_OPEN] = "open",           [SAGA_TOLD_SUCCEEDED] = "succeeded",
        [SAGA_TOLD_FAILED] = "failed",       [SAGA_TOLD_UNKNOWN] = "unknown",
        [SAGA_TOLD_SKIPPED] = "skipped",     [SAGA_TOLD_PASSED] = "passed",
        [SAGA_TOLD_WITHDRAWN] = "withdrawn",
    };
    SAGA_ASSERT(outcome < SAGA_TOLD_OUTCOME_COUNT);
    return names[outcome];
}

struct steps {
    struct saga_arena *arena;
    struct saga_told_step *items;
    size_t count, capacity;
    size_t open;
};

/* What a fact says of a step. */
struct turn {
    bool begins, ends, compensation;
    enum saga_told_outcome outcome;
};

static struct turn turn_of(enum saga_fact_kind kind)
{
    switch (kind) {
    case SAGA_FACT_STEP_SENT:
    case SAGA_FACT_AWAIT_OPENED:
    case SAGA_FACT_CHILD_STARTED:
    case SAGA_FACT_WAIT_STARTED: return (struct turn){ .begins = true };
    case SAGA_FACT_COMPENSATION_SENT: return (struct turn){ .begins = true, .compensation = true };
    case SAGA_FACT_STEP_SUCCEEDED:
        return (struct turn){ .ends = true, .outcome = SAGA_TOLD_SUCCEEDED };
    case SAGA_FACT_STEP_FAILED: return (struct turn){ .ends = true, .outcome = SAGA_TOLD_FAILED };
    case SAGA_FACT_STEP_UNKNOWN: return (struct turn){ .ends = true, .outcome = SAGA_TOLD_UNKNOWN };
    case SAGA_FACT_STEP_SKIPPED: return (struct turn){ .ends = true, .outcome = SAGA_TOLD_SKIPPED };
    case SAGA_FACT_AWAIT_CLOSED:
        return (struct turn){ .ends = true, .outcome = SAGA_TOLD_WITHDRAWN };
    case SAGA_FACT_BLOCK_PASSED: return (struct turn){ .ends = true, .outcome = SAGA_TOLD_PASSED };
    case SAGA_FACT_COMPENSATION_SUCCEEDED:
        return (struct turn){ .ends = true, .compensation = true, .outcome = SAGA_TOLD_SUCCEEDED };
    case SAGA_FACT_COMPENSATION_FAILED:
    case SAGA_FACT_COMPENSATION_EXHAUSTED:
        return (struct turn){ .ends = true, .compensation = true, .outcome = SAGA_TOLD_FAILED };
    case SAGA_FACT_COMPENSATION_SKIPPED:
        return (struct turn){ .ends = true, .compensation = true, .outcome = SAGA_TOLD_SKIPPED };
    default: return (struct turn){ 0 };
    }
}

static struct saga_told_step *find(const struct steps *steps, struct saga_slice path,
                                   bool compensation)
{
    for (size_t i = steps->count; i-- > 0;)
        if (steps->items[i].compensation == compensation &&
            saga_slice_equal(steps->items[i].path, path))
            return &steps->items[i];
    return NULL;
}

/* A first attempt is a step that was not there before: loops have many, so nobody looks for it. */
static void begin(struct steps *steps, const struct saga_fact *fact, bool compensation,
                  int64_t time_ms, size_t index)
{
    struct saga_told_step *step = fact->attempt > 1 ? find(steps, fact->step, compensation) : NULL;
    if (!step) {
        struct saga_told_step begun = { .path = fact->step,
                                        .what = fact->type.size ? fact->type : fact->target,
                                        .compensation = compensation,
                                        .outcome = SAGA_TOLD_PASSED,
                                        .begin_ms = time_ms,
                                        .first = index };
        SAGA_PUSH(steps->arena, steps->items, steps->count, steps->capacity, begun);
        step = &steps->items[steps->count - 1];
    }
    if (step->outcome != SAGA_TOLD_OPEN) steps->open++;
    step->outcome = SAGA_TOLD_OPEN;
    step->attempts = fact->attempt ? fact->attempt : 1;
}

static void take(struct steps *steps, const struct saga_fact *fact, int64_t time_ms, size_t index)
{
    struct turn turn = turn_of(fact->kind);
    if (turn.begins) begin(steps, fact, turn.compensation, time_ms, index);
    /* what has come out already may come out otherwise (a late answer), but is not left once more */
    bool left = turn.outcome == SAGA_TOLD_PASSED || turn.outcome == SAGA_TOLD_WITHDRAWN;
    if (!turn.ends || (left && steps->open == 0)) return;
    struct saga_told_step *step = find(steps, fact->step, turn.compensation);
    if (!step || (left && step->outcome != SAGA_TOLD_OPEN)) return;
    if (step->outcome == SAGA_TOLD_OPEN) steps->open--;
    step->outcome = turn.outcome;
    step->end_ms = time_ms;
}

void saga_told_steps(const struct saga_history *history, const struct saga_told_run *run,
                     struct saga_told_step **ret, size_t *ret_count)
{
    struct steps steps = { .arena = history->arena };
    for (size_t i = 0; i < run->count; i++) {
        const struct saga_journal_record *record = &run->records[i].record;
        for (size_t k = 0; k < record->fact_count; k++)
            take(&steps, &record->facts[k], record->cause.time_ms, i);
    }
    for (size_t i = 0; i < steps.count; i++)
        if (steps.items[i].outcome == SAGA_TOLD_OPEN)
            steps.items[i].end_ms = run->records[run->count - 1].record.cause.time_ms;
    *ret = steps.items;
    *ret_count = steps.count;
}
