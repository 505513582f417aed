#include "operate/story.h"

#include <string.h>

#include "base/time.h"
#include "operate/words.h"

/* ---- what an event led to ---- */

static void tell_fact(struct saga_teller *teller, const struct saga_fact *fact, int64_t time_ms,
                      struct saga_buffer *out)
{
    size_t before = out->size;
    saga_buffer_add(out, SAGA_SLICE("  "));
    if (!saga_teller_tell(teller, fact, time_ms, out)) {
        out->size = before;
        return;
    }
    bool sends = fact->kind == SAGA_FACT_STEP_SENT || fact->kind == SAGA_FACT_COMPENSATION_SENT ||
                 fact->kind == SAGA_FACT_EVENT_PUBLISHED;
    if (sends && fact->value.data) saga_buffer_printf(out, " %.*s", SAGA_SLICE_ARG(fact->value));
    saga_buffer_add_char(out, '\n');
}

void saga_story_tell_record(struct saga_teller *teller, const struct saga_play_record *record,
                            int64_t begin_ms, struct saga_buffer *out)
{
    char text[SAGA_TIME_TEXT_BYTES];
    for (size_t i = 0; i < record->facts.count; i++)
        tell_fact(teller, &record->facts.items[i], record->event.time_ms, out);
    saga_buffer_printf(out, "  = %s%s", saga_status_name(record->status),
                       record->paused ? ", paused" : "");
    for (size_t i = 0; i < record->timer_count; i++) {
        saga_duration_format(record->timers[i].due_ms - begin_ms, text);
        saga_buffer_printf(out, "%s %.*s at +%s%s",
                           i ? "," : "; timers:", SAGA_SLICE_ARG(record->timers[i].name), text,
                           record->timers[i].held ? " (held)" : "");
    }
    saga_buffer_add_char(out, '\n');
}

/* ---- events ---- */

static void tell_body(struct saga_slice body, struct saga_buffer *out)
{
    if (body.data) saga_buffer_printf(out, " %.*s", SAGA_SLICE_ARG(body));
}

static void tell_event(const struct saga_event *event, struct saga_buffer *out)
{
    switch (event->kind) {
    case SAGA_EVENT_START:
        saga_buffer_printf(out, "> start %.*s", SAGA_SLICE_ARG(event->key));
        tell_body(event->body, out);
        break;
    case SAGA_EVENT_REPLY:
        saga_buffer_printf(out, "> reply %.*s %.*s%s", SAGA_SLICE_ARG(event->type),
                           SAGA_SLICE_ARG(event->step), event->compensation ? "!" : "");
        if (event->attempt) saga_buffer_printf(out, " attempt %u", event->attempt);
        tell_body(event->body, out);
        break;
    case SAGA_EVENT_TIMER:
        saga_buffer_printf(out, "> timer %.*s", SAGA_SLICE_ARG(event->timer));
        break;
    case SAGA_EVENT_OPERATOR:
        saga_buffer_printf(out, "> operator %s", saga_verb_name(event->verb));
        if (event->as.size) saga_buffer_printf(out, " as %.*s", SAGA_SLICE_ARG(event->as));
        break;
    case SAGA_EVENT_NOTE:
        saga_buffer_printf(out, "> note %s", saga_note_name(event->note));
        if (event->step.size) saga_buffer_printf(out, " %.*s", SAGA_SLICE_ARG(event->step));
        if (event->type.size) saga_buffer_printf(out, " %.*s", SAGA_SLICE_ARG(event->type));
        tell_body(event->body, out);
        break;
    default: saga_buffer_printf(out, "> %s", saga_event_kind_name(event->kind)); break;
    }
    saga_buffer_add_char(out, '\n');
}

/* Time that has passed without anything happening. An alarm moves the clock by itself. */
static void tell_time(const struct saga_play *play, size_t index, struct saga_buffer *out)
{
    const struct saga_play_record *record = &play->records[index];
    const struct saga_play_record *before = index ? record - 1 : NULL;
    int64_t told_ms = before ? before->event.time_ms : play->begin_ms;
    char text[SAGA_TIME_TEXT_BYTES];
    for (size_t i = 0; before && i < before->timer_count; i++)
        if (record->event.kind == SAGA_EVENT_TIMER && before->timers[i].due_ms > told_ms &&
            saga_slice_equal(before->timers[i].name, record->event.timer))
            told_ms = before->timers[i].due_ms;
    if (record->event.time_ms <= told_ms) return;
    saga_duration_format(record->event.time_ms - told_ms, text);
    saga_buffer_printf(out, "> time %s\n", text);
}

/* A saga that was forgotten may start anew: then parts are counted anew too. */
static void begin_anew(struct saga_teller *teller, const struct saga_play_record *record)
{
    if (record->facts.count && record->facts.items[0].kind == SAGA_FACT_SAGA_STARTED)
        saga_teller_begin(teller, true, teller->arena);
}

void saga_story_tell(const struct saga_play *play, struct saga_buffer *out)
{
    struct saga_teller teller;
    saga_teller_begin(&teller, true, out->arena);
    for (size_t i = 0; i < play->count; i++) {
        begin_anew(&teller, &play->records[i]);
        tell_time(play, i, out);
        tell_event(&play->records[i].event, out);
        saga_story_tell_record(&teller, &play->records[i], play->begin_ms, out);
    }
}

/* ---- differences ---- */

enum { LINES_BEFORE = 2, LINES_SHOWN = 6 };

static struct saga_slice next_line(struct saga_slice *rest)
{
    const char *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
    struct saga_slice line = { rest->data, end ? (size_t)(end - rest->data) : rest->size };
    *rest = saga_slice_skip(*rest, line.size + (end ? 1 : 0));
    return line;
}

static void show(struct saga_buffer *out, const char *mark, struct saga_slice rest)
{
    for (int i = 0; i < LINES_SHOWN && rest.size; i++) {
        struct saga_slice line = next_line(&rest);
        saga_buffer_printf(out, "%s%.*s\n", mark, SAGA_SLICE_ARG(line));
    }
    if (rest.size) saga_buffer_printf(out, "%s...\n", mark);
}

struct saga_slice saga_story_difference(struct saga_slice expected, struct saga_slice came,
                                        struct saga_arena *arena)
{
    struct saga_slice before[LINES_BEFORE] = { { 0 } };
    struct saga_buffer out;
    size_t lines = 0;
    saga_buffer_init(&out, arena);
    if (saga_slice_equal(expected, came)) return saga_buffer_slice(&out);
    for (;;) {
        struct saga_slice a = expected, b = came, line = next_line(&a);
        if (!expected.size || !came.size || !saga_slice_equal(line, next_line(&b))) break;
        before[lines++ % LINES_BEFORE] = line;
        expected = a;
        came = b;
    }
    for (size_t i = lines < LINES_BEFORE ? 0 : lines - LINES_BEFORE; i < lines; i++)
        saga_buffer_printf(&out, "  %.*s\n", SAGA_SLICE_ARG(before[i % LINES_BEFORE]));
    show(&out, "- ", expected);
    show(&out, "+ ", came);
    return saga_buffer_slice(&out);
}
