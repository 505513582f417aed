/* A saga's story for people: an event a line, what followed from it below. */
#include "base/time.h"
#include "operate/history.h"
#include "operate/output.h"
#include "operate/teller.h"
#include "operate/words.h"

struct telling {
    const struct saga_history *history;
    const struct saga_history_view *view;
    struct saga_buffer *out;
    struct saga_teller teller;
};

static const char *printable(struct telling *t, struct saga_slice text)
{
    return saga_printable(t->history->arena, text);
}

static void tell_body(struct telling *t, struct saga_slice body)
{
    if (t->view->bodies && body.size)
        saga_buffer_printf(t->out, "%29s%s\n", "", printable(t, body));
}

static void tell_head(struct telling *t, const struct saga_told_run *run)
{
    const struct saga_journal_record *first = &run->records[0].record;
    char time_text[SAGA_TIME_TEXT_BYTES];
    saga_time_format(first->cause.time_ms, time_text);
    saga_buffer_printf(t->out, "%s  run %s, version %u, %.10s\n", printable(t, first->saga_id),
                       printable(t, first->run), first->version, time_text);
    saga_teller_begin(&t->teller, first->sequence == 1, t->history->arena);
}

static void tell_cause(struct telling *t, const struct saga_told_run *run, size_t index)
{
    const struct saga_told_record *told = &run->records[index];
    char clock[SAGA_TIME_TEXT_BYTES], gap[SAGA_TIME_TEXT_BYTES] = "";
    struct saga_buffer position;
    saga_time_format_clock(told->record.cause.time_ms, clock);
    if (index) saga_duration_format(saga_told_gap_ms(run, index), gap);
    saga_buffer_printf(t->out, "%s  %s%-*s  ", clock, index ? "+" : " ", 10, gap);
    saga_cause_words(&told->record, t->out);
    saga_buffer_init(&position, t->history->arena);
    saga_told_position(t->history, told, &position);
    saga_buffer_printf(t->out, "  (%s)\n", printable(t, saga_buffer_slice(&position)));
    tell_body(t, told->record.cause.body);
}

static void tell_facts(struct telling *t, const struct saga_journal_record *record)
{
    for (size_t i = 0; i < record->fact_count; i++) {
        const struct saga_fact *fact = &record->facts[i];
        struct saga_buffer words;
        saga_buffer_init(&words, t->history->arena);
        if (saga_teller_tell(&t->teller, fact, record->cause.time_ms, &words))
            saga_buffer_printf(t->out, "%25s-> %.*s\n", "",
                               SAGA_SLICE_ARG(saga_buffer_slice(&words)));
        if (!fact->value_from_cause) tell_body(t, fact->value);
    }
}

static void tell_run(struct telling *t, const struct saga_told_run *run)
{
    tell_head(t, run);
    for (size_t i = 0; i < run->count; i++) {
        tell_cause(t, run, i);
        tell_facts(t, &run->records[i].record);
    }
    struct saga_buffer end;
    saga_buffer_init(&end, t->history->arena);
    saga_told_end(run, &end);
    saga_buffer_printf(t->out, "%12s= %s\n", "", printable(t, saga_buffer_slice(&end)));
}

void saga_history_text(const struct saga_history *history, const struct saga_history_view *view,
                       struct saga_buffer *out)
{
    struct telling t = { .history = history, .view = view, .out = out };
    struct saga_told_run *runs;
    size_t count;
    saga_history_runs(history, &runs, &count);
    for (size_t i = 0; i < count; i++) {
        if (i) saga_buffer_add_char(out, '\n');
        tell_run(&t, &runs[i]);
    }
    saga_history_runs_free(runs, count);
}
