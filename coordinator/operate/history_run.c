/* What a saga's records add up to: its runs, where each stands behind its last record, and what is missing. */
#include <inttypes.h>

#include "base/error.h"
#include "base/time.h"
#include "engine/engine.h"
#include "operate/history.h"
#include "operate/words.h"

/* NULL where the facts cannot follow one on another: the journal was changed, which `saga replay --verify` tells. */
static struct saga_state *evolve(const struct saga_told_run *run)
{
    struct saga_state *state = saga_state_new();
    for (size_t i = 0; i < run->count; i++) {
        const struct saga_journal_record *record = &run->records[i].record;
        saga_evolve_begin(state, &record->cause);
        for (size_t k = 0; k < record->fact_count; k++) {
            if (saga_evolve(state, &record->facts[k]) == SAGA_OK) continue;
            saga_state_free(state);
            return NULL;
        }
    }
    return state;
}

static void end_run(struct saga_told_run *run)
{
    uint64_t first = run->records[0].record.sequence;
    uint64_t last = run->records[run->count - 1].record.sequence;
    run->cut = first - 1;
    /* a record that stands there twice would count as one missing too many */
    if (last - first + 1 > run->count) run->holes = last - first + 1 - run->count;
    if (first == 1 && last == run->count) run->state = evolve(run);
}

/* A run begins anew with its sequence, and has a name of its own. */
static bool begins_run(const struct saga_history *history, size_t index)
{
    if (index == 0) return true;
    const struct saga_journal_record *before = &history->records[index - 1].record;
    return !saga_slice_equal(before->run, history->records[index].record.run);
}

void saga_history_runs(const struct saga_history *history, struct saga_told_run **ret,
                       size_t *ret_count)
{
    struct saga_told_run *runs = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < history->count; i++) {
        if (begins_run(history, i)) {
            struct saga_told_run run = { .records = &history->records[i] };
            SAGA_PUSH(history->arena, runs, count, capacity, run);
        }
        runs[count - 1].count++;
    }
    for (size_t i = 0; i < count; i++) {
        end_run(&runs[i]);
        if (i == 0) continue;
        runs[i].holes += runs[i].cut; /* retention cuts the beginning of all */
        runs[i].cut = 0;
    }
    *ret = runs;
    *ret_count = count;
}

void saga_history_runs_free(struct saga_told_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) saga_state_free(runs[i].state);
}

int64_t saga_told_gap_ms(const struct saga_told_run *run, size_t index)
{
    if (index == 0) return 0;
    return saga_time_between(run->records[index - 1].record.cause.time_ms,
                             run->records[index].record.cause.time_ms);
}

void saga_told_position(const struct saga_history *history, const struct saga_told_record *told,
                        struct saga_buffer *out)
{
    const struct saga_position *source = &told->record.cause.source;
    if (source->topic.size)
        saga_buffer_printf(out, "%.*s[%d]@%" PRId64 ", ", SAGA_SLICE_ARG(source->topic),
                           (int)source->partition, source->offset);
    saga_buffer_printf(out, "%.*s[%u]@%" PRId64, SAGA_SLICE_ARG(history->topic), history->lane,
                       told->offset);
}

static void add_timers(const struct saga_state *state, int64_t time_ms, struct saga_buffer *out)
{
    char text[SAGA_TIME_TEXT_BYTES];
    for (size_t i = 0; i < state->timer_count; i++) {
        const struct saga_timer *timer = &state->timers[i];
        int64_t left_ms = saga_time_between(time_ms, timer->due_ms);
        saga_duration_format(left_ms < 0 ? -left_ms : left_ms, text);
        saga_buffer_printf(
            out, "%s%.*s %s %s%s", i ? ", " : "; timers: ", SAGA_SLICE_ARG(timer->name), text,
            left_ms < 0 ? "before" : "later", timer->held ? " (held by the pause)" : "");
    }
}

static void add_part(struct saga_buffer *out, const char *before, struct saga_slice text)
{
    if (text.size) saga_buffer_printf(out, "%s%.*s", before, SAGA_SLICE_ARG(text));
}

void saga_told_end(const struct saga_told_run *run, struct saga_buffer *out)
{
    char text[SAGA_TIME_TEXT_BYTES];
    const struct saga_state *state = run->state;
    if (!state) {
        saga_buffer_add(out, SAGA_SLICE("where it stands cannot be told without what is missing"));
        return;
    }
    bool ended = saga_status_has_ended(state->status);
    if (state->kind == SAGA_KIND_SAGA)
        saga_buffer_add(out, saga_slice_of(saga_status_name(state->status)));
    else
        saga_buffer_add(out, state->forgotten ? SAGA_SLICE("ended") : SAGA_SLICE("kept"));
    int64_t last_ms = ended ? state->ended_ms : state->changed_ms;
    saga_duration_format(saga_time_between(state->started_ms, last_ms), text);
    saga_buffer_printf(out, ended ? " after %s" : ", %s after it began", text);
    add_part(out, ": ", saga_standing(state, out->arena));
    add_part(out, "; ", saga_trouble(state, out->arena));
    if (!ended) add_timers(state, state->changed_ms, out);
}
