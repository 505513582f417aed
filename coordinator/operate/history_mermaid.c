/* A saga's story as a Mermaid sequence diagram: who takes part, what was sent to whom and answered, and beside it what the
 * coordinator made of it.
 *
 * Whatever comes from outside stands in a diagram as text only: everything but letters, digits and what is known to mean
 * nothing to Mermaid is written as an entity (`#59;`), so that no name, reason or body can begin a statement, a comment, a
 * directive or an element of HTML. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "operate/history.h"
#include "operate/output.h"
#include "operate/teller.h"
#include "operate/words.h"

enum { COORDINATOR = 0, OTHERS = SAGA_DIAGRAM_LIFELINES_MAX - 1, LINE_BYTES = 56 };

struct lifeline {
    struct saga_slice name;
    bool person;
};
/* Who was sent a step's command: its answers come from there. The newest of a step stands. */
struct partner {
    struct saga_slice step;
    size_t lifeline;
};

struct diagram {
    const struct saga_history *history;
    const struct saga_history_view *view;
    struct saga_teller teller;
    int64_t begin_ms; /* of the run */
    struct lifeline lifelines[SAGA_DIAGRAM_LIFELINES_MAX];
    size_t lifeline_count;
    struct partner *partners;
    size_t partner_count, partner_capacity;
    struct saga_slice *parts; /* statements, those of a record together */
    size_t part_count, part_capacity;
    struct saga_buffer out;   /* the part that is being written */
    struct saga_buffer notes; /* what is said of the record, in lines */
};

/* ---- text ---- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr(" -_./,()+=!?'", c));
}

static uint32_t code_point(const char *bytes, size_t size)
{
    static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t code = (unsigned char)bytes[0] & first_bits[size];
    for (size_t i = 1; i < size; i++) code = code << 6 | ((unsigned char)bytes[i] & 0x3f);
    return code;
}

static bool is_blank(struct saga_slice text)
{
    while (text.size && text.data[0] == ' ') text = saga_slice_skip(text, 1);
    return text.size == 0;
}

/* In lines of some width, broken at blanks and, as JSON has none, behind commas. No statement of Mermaid's may lack its text. */
static void add_text(struct saga_buffer *out, struct saga_slice text)
{
    if (is_blank(text)) text = SAGA_SLICE("?");
    struct saga_slice clipped = saga_slice_clip(text, SAGA_DIAGRAM_TEXT_BYTES_MAX);
    struct saga_slice rest = saga_slice_of(saga_printable(out->arena, clipped));
    for (size_t column = 0; rest.size; column++) {
        size_t size = saga_utf8_sequence(rest.data, rest.size);
        if (rest.data[0] == ' ' && column >= LINE_BYTES) {
            saga_buffer_add(out, SAGA_SLICE("<br/>"));
            column = 0;
        } else if (is_plain(rest.data[0])) {
            bool breaks = rest.data[0] == ',' && column >= LINE_BYTES;
            saga_buffer_add_char(out, rest.data[0]);
            if (breaks) saga_buffer_add(out, SAGA_SLICE("<br/>"));
            if (breaks) column = 0;
        } else {
            saga_buffer_printf(out, "#%" PRIu32 ";", code_point(rest.data, size));
        }
        rest = saga_slice_skip(rest, size);
    }
    if (clipped.size < text.size) saga_buffer_add(out, SAGA_SLICE("..."));
}

static void add_body(struct diagram *d, struct saga_slice body)
{
    if (!d->view->bodies || !body.size) return;
    saga_buffer_add(&d->out, SAGA_SLICE("<br/>"));
    add_text(&d->out, body);
}

/* ---- lifelines ---- */

static size_t lifeline_of(struct diagram *d, struct saga_slice name, bool person)
{
    for (size_t i = 1; i < d->lifeline_count; i++)
        if (d->lifelines[i].person == person && saga_slice_equal(d->lifelines[i].name, name))
            return i;
    if (d->lifeline_count < OTHERS) {
        d->lifelines[d->lifeline_count] = (struct lifeline){ name, person };
        return d->lifeline_count++;
    }
    d->lifelines[OTHERS] = (struct lifeline){ SAGA_SLICE("others"), false };
    d->lifeline_count = OTHERS + 1;
    return OTHERS;
}

static size_t lifeline_of_party(struct diagram *d, struct saga_slice id)
{
    struct saga_buffer words;
    saga_buffer_init(&words, d->history->arena);
    saga_party_words(id, &words);
    return lifeline_of(d, saga_buffer_slice(&words), false);
}

/* The participant that a topic is, where the definition says so, else the topic itself. */
static size_t lifeline_of_topic(struct diagram *d, struct saga_slice topic)
{
    const struct saga_definition *definition = d->view->definition;
    for (size_t i = 0; definition && i < definition->participant_count; i++) {
        const struct saga_participant *p = &definition->participants[i];
        if (saga_slice_equal(p->commands, topic) || saga_slice_equal(p->replies, topic))
            return lifeline_of(d, p->name, false);
    }
    return lifeline_of(d, topic.size ? topic : SAGA_SLICE("outside"), false);
}

static const struct partner *find_partner(const struct diagram *d, struct saga_slice step)
{
    for (size_t i = d->partner_count; i-- > 0;)
        if (saga_slice_equal(d->partners[i].step, step)) return &d->partners[i];
    return NULL;
}

static size_t remember_partner(struct diagram *d, const struct saga_fact *sent)
{
    size_t lifeline = lifeline_of_topic(d, sent->topic);
    SAGA_PUSH(d->history->arena, d->partners, d->partner_count, d->partner_capacity,
              (struct partner){ sent->step, lifeline });
    return lifeline;
}

static size_t lifeline_of_reply(struct diagram *d, const struct saga_event *reply)
{
    const struct partner *known = find_partner(d, reply->step);
    return known ? known->lifeline : lifeline_of_topic(d, reply->source.topic);
}

/* ---- statements ---- */

static void begin_arrow(struct diagram *d, size_t from, const char *arrow, size_t to)
{
    saga_buffer_printf(&d->out, "    p%zu%sp%zu: ", from, arrow, to);
}

static void end_line(struct diagram *d)
{
    saga_buffer_add_char(&d->out, '\n');
}

static void add_note(struct diagram *d, size_t beside, struct saga_slice text)
{
    saga_buffer_printf(&d->out,
                       beside ? "    Note over p0,p%zu: " : "    Note over p%zu: ", beside);
    saga_buffer_add(&d->out, text);
    end_line(d);
}

/* What has been noted of the record so far comes in front of what follows. */
static void flush_notes(struct diagram *d)
{
    if (d->notes.size) add_note(d, COORDINATOR, saga_buffer_slice(&d->notes));
    saga_buffer_init(&d->notes, d->history->arena);
}

static void note(struct diagram *d, struct saga_slice words)
{
    if (d->notes.size) saga_buffer_add(&d->notes, SAGA_SLICE("<br/>"));
    add_text(&d->notes, words);
}

static void end_part(struct diagram *d)
{
    flush_notes(d);
    SAGA_PUSH(d->history->arena, d->parts, d->part_count, d->part_capacity,
              saga_buffer_slice(&d->out));
    saga_buffer_init(&d->out, d->history->arena);
}

/* ---- events ---- */

static size_t lifeline_of_cause(struct diagram *d, const struct saga_event *cause)
{
    switch (cause->kind) {
    case SAGA_EVENT_START:
        return cause->note == SAGA_NOTE_CHILD_START ? lifeline_of_party(d, cause->from_id)
                                                    : lifeline_of_topic(d, cause->source.topic);
    case SAGA_EVENT_REPLY: return lifeline_of_reply(d, cause);
    case SAGA_EVENT_OPERATOR:
        return lifeline_of(d, cause->who.size ? cause->who : SAGA_SLICE("somebody"), true);
    case SAGA_EVENT_NOTE:
        return cause->from_id.size ? lifeline_of_party(d, cause->from_id)
                                   : lifeline_of_topic(d, cause->source.topic);
    default: return COORDINATOR;
    }
}

static void draw_cause(struct diagram *d, const struct saga_journal_record *record)
{
    const struct saga_event *cause = &record->cause;
    char since[SAGA_TIME_TEXT_BYTES];
    struct saga_buffer words;
    size_t from = lifeline_of_cause(d, cause);
    saga_duration_format(saga_time_between(d->begin_ms, cause->time_ms), since);
    saga_buffer_init(&words, d->history->arena);
    saga_buffer_printf(&words, "+%s ", since);
    saga_cause_words(record, &words);
    if (from == COORDINATOR) {
        note(d, saga_buffer_slice(&words));
        flush_notes(d);
        return;
    }
    begin_arrow(d, from, cause->kind == SAGA_EVENT_REPLY ? "-->>" : "->>", COORDINATOR);
    add_text(&d->out, saga_buffer_slice(&words));
    add_body(d, cause->body);
    end_line(d);
}

/* ---- facts ---- */

static void draw_command(struct diagram *d, const struct saga_fact *fact)
{
    struct saga_buffer words;
    bool back = fact->kind == SAGA_FACT_COMPENSATION_SENT;
    size_t to = remember_partner(d, fact);
    saga_buffer_init(&words, d->history->arena);
    saga_buffer_printf(&words, back ? "%.*s, compensation of %.*s" : "%.*s for %.*s",
                       SAGA_SLICE_ARG(fact->type), SAGA_SLICE_ARG(fact->step));
    if (fact->pivot) saga_buffer_printf(&words, " (pivot)");
    if (fact->attempt > 1) saga_buffer_printf(&words, " (attempt %u)", fact->attempt);
    if (back) saga_buffer_add(&d->out, SAGA_SLICE("    rect rgba(255, 150, 50, 0.2)\n"));
    begin_arrow(d, COORDINATOR, "->>", to);
    add_text(&d->out, saga_buffer_slice(&words));
    add_body(d, fact->value);
    end_line(d);
    if (back) saga_buffer_add(&d->out, SAGA_SLICE("    end\n"));
}

static void draw_told(struct diagram *d, size_t to, const char *arrow, struct saga_slice words,
                      const struct saga_fact *fact)
{
    begin_arrow(d, COORDINATOR, arrow, to);
    add_text(&d->out, words);
    add_body(d, fact->value);
    end_line(d);
}

/* What is of no interest to who looks at a picture, or is drawn as what it leads to. */
static bool is_left_out(const struct saga_fact *fact)
{
    switch (fact->kind) {
    case SAGA_FACT_SEARCH_VALUE_SET:
    case SAGA_FACT_BRANCH_ENDED:
    case SAGA_FACT_GOES_ON_LATER: return true;
    case SAGA_FACT_NOTE_SENT:
        return fact->note == SAGA_NOTE_AWAIT_OPEN || fact->note == SAGA_NOTE_AWAIT_CLOSE ||
               fact->note == SAGA_NOTE_AWAIT_TAKEN;
    default: return false;
    }
}

static void draw_unknown(struct diagram *d, const struct saga_fact *fact, struct saga_slice words)
{
    const struct partner *known = find_partner(d, fact->step);
    struct saga_buffer text;
    saga_buffer_init(&text, d->history->arena);
    add_text(&text, words);
    add_note(d, known ? known->lifeline : COORDINATOR, saga_buffer_slice(&text));
}

static void draw_fact(struct diagram *d, const struct saga_fact *fact, int64_t time_ms)
{
    struct saga_buffer buffer;
    saga_buffer_init(&buffer, d->history->arena);
    if (!saga_teller_tell(&d->teller, fact, time_ms, &buffer) || is_left_out(fact)) return;
    struct saga_slice words = saga_buffer_slice(&buffer);
    bool arrow = fact->kind == SAGA_FACT_STEP_SENT || fact->kind == SAGA_FACT_COMPENSATION_SENT ||
                 fact->kind == SAGA_FACT_EVENT_PUBLISHED || fact->kind == SAGA_FACT_CHILD_STARTED ||
                 fact->kind == SAGA_FACT_NOTE_SENT || fact->kind == SAGA_FACT_STEP_UNKNOWN;
    if (arrow) flush_notes(d);
    switch (fact->kind) {
    case SAGA_FACT_STEP_SENT:
    case SAGA_FACT_COMPENSATION_SENT: draw_command(d, fact); return;
    case SAGA_FACT_EVENT_PUBLISHED:
        draw_told(d, lifeline_of_topic(d, fact->topic), "-)", words, fact);
        return;
    case SAGA_FACT_CHILD_STARTED:
        draw_told(d, lifeline_of_party(d, fact->target), "->>", words, fact);
        return;
    case SAGA_FACT_NOTE_SENT:
        draw_told(d, lifeline_of_party(d, fact->id), "-)", words, fact);
        return;
    case SAGA_FACT_STEP_UNKNOWN: draw_unknown(d, fact, words); return;
    default: note(d, words); return;
    }
}

/* ---- the whole ---- */

static void draw_run(struct diagram *d, const struct saga_told_run *run)
{
    const struct saga_journal_record *first = &run->records[0].record;
    struct saga_buffer words;
    char begin[SAGA_TIME_TEXT_BYTES];
    d->begin_ms = first->cause.time_ms;
    saga_teller_begin(&d->teller, first->sequence == 1, d->history->arena);
    saga_buffer_init(&words, d->history->arena);
    saga_time_format(d->begin_ms, begin);
    saga_buffer_printf(&words, "run %.*s, version %u, %s", SAGA_SLICE_ARG(first->run),
                       first->version, begin);
    note(d, saga_buffer_slice(&words));
    if (run->cut) note(d, SAGA_SLICE("what came before was deleted from the journal"));
    if (run->holes) note(d, SAGA_SLICE("records are missing: the journal was changed"));
    end_part(d);
    for (size_t i = 0; i < run->count; i++) {
        const struct saga_journal_record *record = &run->records[i].record;
        draw_cause(d, record);
        for (size_t k = 0; k < record->fact_count; k++)
            draw_fact(d, &record->facts[k], record->cause.time_ms);
        end_part(d);
    }
    saga_buffer_init(&words, d->history->arena);
    saga_told_end(run, &words);
    note(d, saga_buffer_slice(&words));
    end_part(d);
}

static void add_head(const struct diagram *d, struct saga_buffer *out)
{
    saga_buffer_add(out, SAGA_SLICE("sequenceDiagram\n    title "));
    add_text(out, d->history->saga_id);
    saga_buffer_add_char(out, '\n');
    for (size_t i = 0; i < d->lifeline_count; i++) {
        saga_buffer_printf(out, "    %s p%zu as ", d->lifelines[i].person ? "actor" : "participant",
                           i);
        add_text(out, d->lifelines[i].name);
        saga_buffer_add_char(out, '\n');
    }
}

/* As many parts from the beginning and from the end as there is room for, the end first: it says how it came out. */
static void add_parts(const struct diagram *d, struct saga_buffer *out)
{
    enum { WORDS_BYTES = 100 };
    size_t room = SAGA_DIAGRAM_BYTES_MAX - WORDS_BYTES, first = 0, last = d->part_count;
    room = room > out->size ? room - out->size : 0;
    for (bool more = true; more && first < last;) {
        more = false;
        if (d->parts[last - 1].size <= room) {
            room -= d->parts[--last].size;
            more = true;
        }
        if (first < last && d->parts[first].size <= room) {
            room -= d->parts[first++].size;
            more = true;
        }
    }
    for (size_t i = 0; i < first; i++) saga_buffer_add(out, d->parts[i]);
    if (first < last)
        saga_buffer_printf(out,
                           "    Note over p0: %zu events are left out here<br/>"
                           "saga history tells them all\n",
                           last - first);
    for (size_t i = last; i < d->part_count; i++) saga_buffer_add(out, d->parts[i]);
}

void saga_history_mermaid(const struct saga_history *history, const struct saga_history_view *view,
                          struct saga_buffer *out)
{
    struct diagram d = { .history = history, .view = view };
    struct saga_told_run *runs;
    size_t count;
    d.lifelines[d.lifeline_count++] = (struct lifeline){ SAGA_SLICE("coordinator"), false };
    saga_buffer_init(&d.out, history->arena);
    saga_buffer_init(&d.notes, history->arena);
    saga_history_runs(history, &runs, &count);
    for (size_t i = 0; i < count; i++) draw_run(&d, &runs[i]);
    saga_history_runs_free(runs, count);
    add_head(&d, out);
    add_parts(&d, out);
}
