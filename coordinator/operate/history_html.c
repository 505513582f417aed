/* A saga's story as a page by itself: where it stands, its steps with how long they took, and every event.
 *
 * Nothing runs in it and nothing is loaded: there is no script and no address, and its policy forbids both, should a text
 * from outside ever come through as more than text. Every such text is written by add_text, which leaves no character that
 * HTML knows. */
#include <inttypes.h>
#include <string.h>

#include "base/time.h"
#include "operate/history.h"
#include "operate/history_steps.h"
#include "operate/output.h"
#include "operate/teller.h"
#include "operate/words.h"

extern const char saga_css_history[];

/* A page is so many units wide where time is drawn; what is shorter than one can be seen is drawn so wide. */
enum { WIDTH = 1000, WIDTH_MIN = 4 };

struct page {
    const struct saga_history *history;
    const struct saga_history_view *view;
    struct saga_buffer *out;
    struct saga_teller teller;
};

/* ---- text ---- */

static void add(struct page *p, const char *html)
{
    saga_buffer_add(p->out, saga_slice_of(html));
}

static void add_text(struct page *p, struct saga_slice text)
{
    for (const char *c = saga_printable(p->history->arena, text); *c; c++) {
        switch (*c) {
        case '&': add(p, "&amp;"); break;
        case '<': add(p, "&lt;"); break;
        case '>': add(p, "&gt;"); break;
        case '"': add(p, "&quot;"); break;
        case '\'': add(p, "&#39;"); break;
        default: saga_buffer_add_char(p->out, *c);
        }
    }
}

static void add_duration(struct page *p, int64_t ms)
{
    char text[SAGA_TIME_TEXT_BYTES];
    saga_duration_format(ms, text);
    add(p, text);
}

static void add_time(struct page *p, int64_t time_ms, bool whole)
{
    char text[SAGA_TIME_TEXT_BYTES], clock[SAGA_TIME_TEXT_BYTES];
    saga_time_format(time_ms, text);
    saga_time_format_clock(time_ms, clock);
    saga_buffer_printf(p->out, "<time datetime=\"%s\">%s</time>", text, whole ? text : clock);
}

static void add_body(struct page *p, const char *what, struct saga_slice body)
{
    if (!p->view->bodies || !body.size) return;
    saga_buffer_printf(p->out, "<details><summary>%s</summary><pre>", what);
    add_text(p, body);
    add(p, "</pre></details>\n");
}

/* ---- time, drawn ---- */

static int64_t first_ms(const struct saga_told_run *run)
{
    return run->records[0].record.cause.time_ms;
}

static int64_t last_ms(const struct saga_told_run *run)
{
    return run->records[run->count - 1].record.cause.time_ms;
}

static int place_of(const struct saga_told_run *run, int64_t time_ms)
{
    double all_ms = (double)last_ms(run) - (double)first_ms(run);
    double part = all_ms > 0 ? ((double)time_ms - (double)first_ms(run)) / all_ms : 0;
    part = part < 0 ? 0 : part > 1 ? 1 : part; /* a damaged journal says whatever it likes */
    return (int)(part * (WIDTH - WIDTH_MIN));
}

static void add_rect(struct page *p, const struct saga_told_run *run, const char *kind,
                     int64_t from_ms, int64_t to_ms)
{
    int from = place_of(run, from_ms), width = place_of(run, to_ms) - from;
    saga_buffer_printf(p->out, "<rect class=\"%s\" x=\"%d\" width=\"%d\" height=\"10\"/>", kind,
                       from, width < WIDTH_MIN ? WIDTH_MIN : width);
}

static void begin_bar(struct page *p)
{
    saga_buffer_printf(p->out,
                       "<svg class=\"bar\" viewBox=\"0 0 %d 10\" preserveAspectRatio=\"none\" "
                       "aria-hidden=\"true\"><rect class=\"track\" width=\"%d\" height=\"10\"/>",
                       WIDTH, WIDTH);
}

/* ---- where it stands ---- */

static const char *class_of_state(const struct saga_state *state)
{
    return state ? saga_status_name(state->status) : "unknown";
}

static void add_row(struct page *p, const char *name, struct saga_slice value)
{
    if (!value.size) return;
    saga_buffer_printf(p->out, "<dt>%s</dt><dd>", name);
    add_text(p, value);
    add(p, "</dd>\n");
}

static void add_timers(struct page *p, const struct saga_state *state)
{
    if (saga_status_has_ended(state->status)) return;
    for (size_t i = 0; i < state->timer_count; i++) {
        add(p, "<dt>timer</dt><dd>");
        add_text(p, state->timers[i].name);
        add(p, " rings at ");
        add_time(p, state->timers[i].due_ms, true);
        add(p, state->timers[i].held ? ", held by the pause</dd>\n" : "</dd>\n");
    }
}

static void add_standing(struct page *p, const struct saga_told_run *run, size_t number)
{
    const struct saga_journal_record *first = &run->records[0].record;
    struct saga_arena *arena = p->history->arena;
    struct saga_buffer end;
    saga_buffer_init(&end, arena);
    saga_told_end(run, &end);
    saga_buffer_printf(p->out,
                       "<h3 id=\"r%zu-state\">Where it stands</h3>\n<p class=\"%s\"><strong>",
                       number, class_of_state(run->state));
    add_text(p, saga_buffer_slice(&end));
    add(p, "</strong></p>\n<dl>\n");
    add_row(
        p, "definition",
        saga_arena_printf(arena, "%.*s, version %u", SAGA_SLICE_ARG(first->name), first->version));
    add_row(p, "its SHA-256", first->sha256);
    add_row(p, "business key", first->key);
    add_row(p, "run", first->run);
    add_row(p, "journal",
            saga_arena_printf(arena, "%.*s[%u], %zu records, from offset %" PRId64 " to %" PRId64,
                              SAGA_SLICE_ARG(p->history->topic), p->history->lane, run->count,
                              run->records[0].offset, run->records[run->count - 1].offset));
    if (run->state) {
        add_row(p, "trace", run->state->trace);
        add_row(p, "child of", run->state->parent_id);
        add_timers(p, run->state);
    }
    add(p, "</dl>\n");
    if (run->state) {
        add_body(p, "input", run->state->input);
        add_body(p, "variables", run->state->vars);
    }
}

/* ---- steps ---- */

static const char *class_of_step(const struct saga_told_step *step)
{
    if (step->outcome == SAGA_TOLD_SUCCEEDED && step->compensation) return "compensation";
    return saga_told_outcome_name(step->outcome);
}

static void add_step(struct page *p, const struct saga_told_run *run, size_t number,
                     const struct saga_told_step *step)
{
    const char *kind = class_of_step(step);
    const char *outcome = saga_told_outcome_name(step->outcome);
    if (step->compensation && step->outcome == SAGA_TOLD_SUCCEEDED) outcome = "taken back";
    saga_buffer_printf(p->out, "<tr><td><a href=\"#r%zu-e%zu\">", number, step->first + 1);
    add_text(p, step->path);
    add(p, step->compensation ? "</a> (compensation)</td><td>" : "</a></td><td>");
    add_text(p, step->what);
    saga_buffer_printf(p->out, "</td><td class=\"%s\">%s", kind, outcome);
    if (step->attempts > 1) saga_buffer_printf(p->out, ", %u attempts", step->attempts);
    add(p, "</td><td class=\"number\">+");
    add_duration(p, saga_time_between(first_ms(run), step->begin_ms));
    add(p, "</td><td class=\"number\">");
    add_duration(p, saga_time_between(step->begin_ms, step->end_ms));
    add(p, "</td><td class=\"drawn\">");
    begin_bar(p);
    add_rect(p, run, kind, step->begin_ms, step->end_ms);
    add(p, "</svg></td></tr>\n");
}

static void add_steps(struct page *p, const struct saga_told_run *run, size_t number)
{
    struct saga_told_step *steps;
    size_t count;
    saga_told_steps(p->history, run, &steps, &count);
    saga_buffer_printf(p->out, "<h3 id=\"r%zu-steps\">Steps</h3>\n", number);
    if (count == 0) {
        add(p, "<p class=\"quiet\">None has begun.</p>\n");
        return;
    }
    add(p, "<table class=\"steps\"><thead><tr><th>step</th><th>what</th><th>outcome</th>"
           "<th class=\"number\">began</th><th class=\"number\">took</th><th>when</th></tr></thead>"
           "<tbody>\n");
    for (size_t i = 0; i < count; i++) add_step(p, run, number, &steps[i]);
    add(p, "</tbody></table>\n");
}

/* ---- events ---- */

static const char *class_of_fact(const struct saga_fact *fact)
{
    switch (fact->kind) {
    case SAGA_FACT_STEP_SUCCEEDED:
    case SAGA_FACT_SAGA_COMPLETED: return "succeeded";
    case SAGA_FACT_STEP_FAILED:
    case SAGA_FACT_COMPENSATION_FAILED:
    case SAGA_FACT_COMPENSATION_EXHAUSTED:
    case SAGA_FACT_SAGA_STUCK:
    case SAGA_FACT_SAGA_ABANDONED:
    case SAGA_FACT_DEADLINE_PASSED: return "failed";
    case SAGA_FACT_STEP_UNKNOWN: return "unknown";
    case SAGA_FACT_COMPENSATION_STARTED:
    case SAGA_FACT_COMPENSATION_SENT:
    case SAGA_FACT_COMPENSATION_SUCCEEDED:
    case SAGA_FACT_SAGA_COMPENSATED: return "compensation";
    default: return NULL;
    }
}

static void add_facts(struct page *p, const struct saga_journal_record *record)
{
    add(p, "<ul>\n");
    for (size_t i = 0; i < record->fact_count; i++) {
        const struct saga_fact *fact = &record->facts[i];
        const char *kind = class_of_fact(fact);
        struct saga_buffer words;
        saga_buffer_init(&words, p->history->arena);
        if (!saga_teller_tell(&p->teller, fact, record->cause.time_ms, &words)) continue;
        saga_buffer_printf(p->out, kind ? "<li class=\"%s\">" : "<li>", kind);
        add_text(p, saga_buffer_slice(&words));
        if (!fact->value_from_cause) add_body(p, "body", fact->value);
        add(p, "</li>\n");
    }
    add(p, "</ul>");
}

static void add_event(struct page *p, const struct saga_told_run *run, size_t number, size_t index)
{
    const struct saga_told_record *told = &run->records[index];
    const struct saga_event *cause = &told->record.cause;
    struct saga_buffer words;
    saga_buffer_init(&words, p->history->arena);
    saga_cause_words(&told->record, &words);
    saga_buffer_printf(p->out, "<li id=\"r%zu-e%zu\"%s>", number, index + 1,
                       cause->kind == SAGA_EVENT_OPERATOR ? " class=\"operator\"" : "");
    add_time(p, cause->time_ms, false);
    if (index) {
        add(p, " <span class=\"since\">+");
        add_duration(p, saga_told_gap_ms(run, index));
        add(p, "</span>");
    }
    add(p, " <strong>");
    add_text(p, saga_buffer_slice(&words));
    add(p, "</strong>\n");
    begin_bar(p);
    if (index)
        add_rect(p, run, "gap", run->records[index - 1].record.cause.time_ms, cause->time_ms);
    add_rect(p, run, "mark", cause->time_ms, cause->time_ms);
    add(p, "</svg>\n<div class=\"position\">");
    saga_buffer_init(&words, p->history->arena);
    saga_told_position(p->history, told, &words);
    add_text(p, saga_buffer_slice(&words));
    add(p, "</div>\n");
    add_body(p, "body of the event", cause->body);
    add_facts(p, &told->record);
    add(p, "</li>\n");
}

static void add_events(struct page *p, const struct saga_told_run *run, size_t number)
{
    saga_buffer_printf(p->out,
                       "<h3 id=\"r%zu-events\">Events</h3>\n<p class=\"quiet\">Times are UTC. A "
                       "bar is the whole life of the saga: grey is the time since the event "
                       "before.</p>\n<ol class=\"events\">\n",
                       number);
    saga_teller_begin(&p->teller, run->records[0].record.sequence == 1, p->history->arena);
    for (size_t i = 0; i < run->count; i++) add_event(p, run, number, i);
    add(p, "</ol>\n");
}

/* ---- the whole ---- */

static void add_warnings(struct page *p, const struct saga_told_run *run)
{
    if (run->cut)
        saga_buffer_printf(p->out,
                           "<p class=\"warning\">The %" PRIu64 " records before these were deleted "
                           "from the journal by its retention.</p>\n",
                           run->cut);
    if (run->holes)
        saga_buffer_printf(p->out,
                           "<p class=\"warning\">%" PRIu64 " of the records between these are "
                           "missing: the journal was changed, and the story is not whole.</p>\n",
                           run->holes);
}

static void add_run_title(struct page *p, const struct saga_told_run *run)
{
    add(p, "Run ");
    add_text(p, run->records[0].record.run);
    add(p, ", ");
    add_time(p, first_ms(run), true);
}

static void add_contents(struct page *p, const struct saga_told_run *runs, size_t count)
{
    add(p, "<nav aria-label=\"Contents\"><ol>\n");
    for (size_t i = 0; i < count; i++) {
        saga_buffer_printf(p->out, "<li><a href=\"#r%zu\">", i + 1);
        add_run_title(p, &runs[i]);
        saga_buffer_printf(p->out,
                           "</a>: <a href=\"#r%zu-state\">where it stands</a>, "
                           "<a href=\"#r%zu-steps\">steps</a>, <a href=\"#r%zu-events\">%zu "
                           "events</a></li>\n",
                           i + 1, i + 1, i + 1, runs[i].count);
    }
    add(p, "</ol></nav>\n");
}

static void add_head(struct page *p)
{
    add(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
           "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta name=\"referrer\" content=\"no-referrer\">\n"
           "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    add_text(p, p->history->saga_id);
    add(p, "</title>\n<style>\n");
    add(p, saga_css_history);
    add(p, "</style>\n</head>\n<body>\n<h1>");
    add_text(p, p->history->saga_id);
    add(p, "</h1>\n");
    if (p->history->unreadable)
        saga_buffer_printf(p->out,
                           "<p class=\"warning\">%u more under this key could not be read.</p>\n",
                           p->history->unreadable);
}

void saga_history_html(const struct saga_history *history, const struct saga_history_view *view,
                       struct saga_buffer *out)
{
    struct page page = { .history = history, .view = view, .out = out };
    struct saga_told_run *runs;
    size_t count;
    saga_history_runs(history, &runs, &count);
    add_head(&page);
    add_contents(&page, runs, count);
    for (size_t i = 0; i < count; i++) {
        saga_buffer_printf(out, "<section id=\"r%zu\">\n<h2>", i + 1);
        add_run_title(&page, &runs[i]);
        add(&page, "</h2>\n");
        add_warnings(&page, &runs[i]);
        add_standing(&page, &runs[i], i + 1);
        add_steps(&page, &runs[i], i + 1);
        add_events(&page, &runs[i], i + 1);
        add(&page, "</section>\n");
    }
    add(&page, "</body>\n</html>\n");
    saga_history_runs_free(runs, count);
}
