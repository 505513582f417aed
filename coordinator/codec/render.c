/* Records, facts and states as JSON, for people and scripts. */
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/time.h"
#include "base/trace_context.h"
#include "codec/codec.h"

/* An object that is being written: knows whether a comma is due. */
struct object {
    struct saga_buffer *out;
    bool first;
};

static struct object open_object(struct saga_buffer *out)
{
    saga_buffer_add_char(out, '{');
    return (struct object){ out, true };
}

static void name(struct object *o, const char *text)
{
    saga_buffer_printf(o->out, "%s\"%s\":", o->first ? "" : ",", text);
    o->first = false;
}

static void add_text(struct object *o, const char *member, struct saga_slice text)
{
    if (text.size == 0) return;
    name(o, member);
    saga_buffer_add_json_string(o->out, text);
}

static void add_number(struct object *o, const char *member, int64_t number)
{
    name(o, member);
    saga_buffer_printf(o->out, "%lld", (long long)number);
}

static void add_time(struct object *o, const char *member, int64_t time_ms)
{
    char text[SAGA_TIME_TEXT_BYTES];
    if (time_ms == 0) return;
    saga_time_format(time_ms, text);
    name(o, member);
    saga_buffer_printf(o->out, "\"%s\"", text);
}

static void add_true(struct object *o, const char *member, bool value)
{
    if (!value) return;
    name(o, member);
    saga_buffer_add(o->out, SAGA_SLICE("true"));
}

/* A body is JSON that was checked when it came in; what was not (in a journal from elsewhere) is shown as a text. */
static void add_body(struct object *o, const char *member, struct saga_slice body)
{
    if (!body.data) return;
    name(o, member);
    if (saga_json_validate(body, NULL, NULL) == 0)
        saga_buffer_add(o->out, saga_json_trim(body));
    else
        saga_buffer_add_json_string(o->out, body);
}

static void close_object(struct object *o)
{
    saga_buffer_add_char(o->out, '}');
}

/* ---- facts ---- */

static void add_field(struct object *o, const struct saga_fact *fact,
                      const struct saga_fact_field *field, bool bodies)
{
    const void *at = (const char *)fact + field->offset;
    switch (field->type) {
    case SAGA_FIELD_STRING: add_text(o, field->name, *(const struct saga_slice *)at); return;
    case SAGA_FIELD_BYTES:
        if (bodies) add_body(o, field->name, *(const struct saga_slice *)at);
        return;
    case SAGA_FIELD_INT: add_number(o, field->name, *(const uint32_t *)at); return;
    case SAGA_FIELD_BOOL: add_true(o, field->name, *(const bool *)at); return;
    case SAGA_FIELD_TIME: add_time(o, field->name, *(const int64_t *)at); return;
    case SAGA_FIELD_STATUS:
        add_text(o, field->name, saga_slice_of(saga_status_name(*(const enum saga_status *)at)));
        return;
    case SAGA_FIELD_STUCK_ON:
        add_text(o, field->name,
                 saga_slice_of(saga_stuck_on_name(*(const enum saga_stuck_on *)at)));
        return;
    case SAGA_FIELD_NOTE:
        add_text(o, field->name, saga_slice_of(saga_note_name(*(const enum saga_note *)at)));
        return;
    case SAGA_FIELD_ENTRY:
        add_text(o, field->name,
                 saga_slice_of(saga_state_kind_name(*(const enum saga_state_kind *)at)));
        return;
    }
}

void saga_fact_json(const struct saga_fact *fact, bool bodies, struct saga_buffer *buffer)
{
    const struct saga_fact_type *type = &saga_fact_types[fact->kind];
    struct object o = open_object(buffer);
    add_text(&o, "fact", saga_slice_of(type->name));
    for (size_t i = 0; i < type->field_count; i++) add_field(&o, fact, &type->fields[i], bodies);
    close_object(&o);
}

/* ---- journal records ---- */

static void add_trace_context(struct object *o, struct saga_slice text)
{
    struct saga_trace_context context;
    bool both = saga_trace_context_split(text, &context) && context.state.size > 0;
    add_text(o, "traceparent", both ? saga_slice_clip(text, SAGA_TRACEPARENT_BYTES) : text);
    if (both) add_text(o, "tracestate", context.state);
}

static void add_cause(struct object *parent, const struct saga_event *cause, bool bodies)
{
    name(parent, "cause");
    struct object o = open_object(parent->out);
    add_text(&o, "kind", saga_slice_of(saga_event_kind_name(cause->kind)));
    add_text(&o, "topic", cause->source.topic);
    if (cause->source.topic.size) {
        add_number(&o, "partition", cause->source.partition);
        add_number(&o, "offset", cause->source.offset);
    }
    add_text(&o, "type", cause->type);
    add_text(&o, "id", cause->id);
    add_text(&o, "contentType", cause->content_type);
    if (bodies) add_body(&o, "body", cause->body);
    add_trace_context(&o, cause->traceparent);
    add_text(&o, "key", cause->key);
    add_text(&o, "run", cause->run);
    add_text(&o, "step", cause->step);
    if (cause->attempt) add_number(&o, "attempt", cause->attempt);
    add_true(&o, "compensation", cause->compensation);
    add_text(&o, "timer", cause->timer);
    if (cause->armed) add_number(&o, "armed", (int64_t)cause->armed);
    if (cause->verb != SAGA_VERB_NONE)
        add_text(&o, "verb", saga_slice_of(saga_verb_name(cause->verb)));
    add_text(&o, "as", cause->as);
    add_text(&o, "who", cause->who);
    add_text(&o, "from", cause->from);
    add_text(&o, "reason", cause->reason);
    if (cause->note != SAGA_NOTE_NONE)
        add_text(&o, "note", saga_slice_of(saga_note_name(cause->note)));
    add_text(&o, "fromId", cause->from_id);
    add_text(&o, "fromRun", cause->from_run);
    add_text(&o, "fromStep", cause->from_step);
    add_text(&o, "target", cause->target);
    if (cause->keep_ms) add_number(&o, "keepMs", cause->keep_ms);
    close_object(&o);
}

struct saga_slice saga_journal_json(const struct saga_journal_record *record, bool bodies,
                                    struct saga_arena *arena)
{
    char chain[2 * SAGA_SHA256_BYTES + 1];
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    struct object o = open_object(&out);
    add_text(&o, "sagaId", record->saga_id);
    add_text(&o, "run", record->run);
    add_text(&o, "key", record->key);
    add_text(&o, "definition", record->name);
    add_number(&o, "version", record->version);
    add_text(&o, "sha256", record->sha256);
    add_number(&o, "sequence", (int64_t)record->sequence);
    add_time(&o, "time", record->cause.time_ms);
    add_cause(&o, &record->cause, bodies);
    name(&o, "facts");
    saga_buffer_add_char(&out, '[');
    for (size_t i = 0; i < record->fact_count; i++) {
        if (i) saga_buffer_add_char(&out, ',');
        saga_fact_json(&record->facts[i], bodies, &out);
    }
    saga_buffer_add_char(&out, ']');
    saga_hex(record->chain, sizeof record->chain, chain);
    add_text(&o, "chain", saga_slice_of(chain));
    close_object(&o);
    return saga_buffer_slice(&out);
}

/* ---- states ---- */

static void add_error(struct object *parent, const char *member,
                      const struct saga_error_value *error)
{
    name(parent, member);
    struct object o = open_object(parent->out);
    add_text(&o, "step", error->step);
    add_text(&o, "type", error->type);
    add_text(&o, "message", error->message);
    close_object(&o);
}

static void write_step(struct saga_buffer *out, const struct saga_step_state *step, bool bodies)
{
    struct object o = open_object(out);
    add_text(&o, "path", step->path);
    add_number(&o, "block", step->block);
    if (step->kind != SAGA_STEP_COMMAND)
        add_text(&o, "kind", saga_slice_of(saga_step_kind_name(step->kind)));
    add_text(&o, "status", saga_slice_of(saga_step_status_name(step->status)));
    add_number(&o, "attempt", step->attempt);
    add_true(&o, "pivot", step->pivot);
    add_true(&o, "unanswered", step->unanswered);
    if (step->ended_order) add_number(&o, "endedOrder", (int64_t)step->ended_order);
    if (step->sent_ms) add_time(&o, "sent", step->sent_ms);
    if (step->answered_ms) add_time(&o, "answered", step->answered_ms);
    add_text(&o, "topic", step->topic);
    add_text(&o, "type", step->type);
    add_text(&o, "replyTopic", step->reply_topic);
    add_text(&o, "target", step->target);
    add_text(&o, "errorType", step->error_type);
    add_text(&o, "errorMessage", step->error_message);
    if (bodies) add_body(&o, "body", step->body);
    if (bodies) add_body(&o, "result", step->result);
    if (step->compensation != SAGA_COMPENSATION_NONE) {
        add_text(&o, "compensation",
                 saga_slice_of(saga_compensation_status_name(step->compensation)));
        add_number(&o, "compensationAttempt", step->compensation_attempt);
        add_text(&o, "compensationTopic", step->compensation_topic);
        add_text(&o, "compensationType", step->compensation_type);
        if (bodies) add_body(&o, "compensationBody", step->compensation_body);
    }
    close_object(&o);
}

static void add_steps(struct object *o, const struct saga_state *state, bool bodies)
{
    name(o, "steps");
    saga_buffer_add_char(o->out, '[');
    for (size_t i = 0; i < state->step_count; i++) {
        if (i) saga_buffer_add_char(o->out, ',');
        write_step(o->out, &state->steps[i], bodies);
    }
    saga_buffer_add_char(o->out, ']');
}

static void add_timers(struct object *parent, const struct saga_state *state)
{
    name(parent, "timers");
    saga_buffer_add_char(parent->out, '[');
    for (size_t i = 0; i < state->timer_count; i++) {
        if (i) saga_buffer_add_char(parent->out, ',');
        struct object o = open_object(parent->out);
        add_text(&o, "name", state->timers[i].name);
        add_time(&o, "due", state->timers[i].due_ms);
        add_number(&o, "armed", (int64_t)state->timers[i].armed);
        add_true(&o, "held", state->timers[i].held);
        close_object(&o);
    }
    saga_buffer_add_char(parent->out, ']');
}

/* Of a correlation entry: who waits, and what came early. */
static void add_correlation(struct object *parent, const struct saga_state *state, bool bodies)
{
    if (state->kind != SAGA_KIND_CORRELATION) return;
    name(parent, "waiters");
    saga_buffer_add_char(parent->out, '[');
    for (size_t i = 0; i < state->waiter_count; i++) {
        if (i) saga_buffer_add_char(parent->out, ',');
        struct object o = open_object(parent->out);
        add_text(&o, "id", state->waiters[i].id);
        add_text(&o, "step", state->waiters[i].step);
        add_text(&o, "offered", state->waiters[i].offered);
        close_object(&o);
    }
    saga_buffer_add_char(parent->out, ']');
    name(parent, "events");
    saga_buffer_add_char(parent->out, '[');
    for (size_t i = 0; i < state->kept_count; i++) {
        const struct saga_kept_event *event = &state->kept[i];
        if (i) saga_buffer_add_char(parent->out, ',');
        struct object o = open_object(parent->out);
        add_text(&o, "id", event->id);
        add_text(&o, "type", event->type);
        add_text(&o, "status", saga_slice_of(saga_kept_status_name(event->status)));
        add_time(&o, "expires", event->expires_ms);
        if (bodies) add_body(&o, "body", event->body);
        close_object(&o);
    }
    saga_buffer_add_char(parent->out, ']');
}

static void add_search(struct object *parent, const struct saga_state *state)
{
    if (state->search_count == 0) return;
    name(parent, "search");
    struct object o = open_object(parent->out);
    for (size_t i = 0; i < state->search_count; i++) {
        saga_buffer_printf(o.out, "%s", o.first ? "" : ",");
        saga_buffer_add_json_string(o.out, state->search[i].name);
        saga_buffer_add_char(o.out, ':');
        saga_buffer_add_json_string(o.out, state->search[i].value);
        o.first = false;
    }
    close_object(&o);
}

struct saga_slice saga_state_json(const struct saga_state *state, bool bodies,
                                  struct saga_arena *arena)
{
    struct saga_buffer out;
    saga_buffer_init(&out, arena);
    struct object o = open_object(&out);
    add_text(&o, "id", state->id);
    add_text(&o, "run", state->run);
    add_text(&o, "key", state->key);
    add_text(&o, "definition", state->name);
    add_number(&o, "version", state->version);
    add_text(&o, "sha256", state->sha256);
    add_text(&o, "trace", state->trace);
    if (state->kind != SAGA_KIND_SAGA)
        add_text(&o, "kind", saga_slice_of(saga_state_kind_name(state->kind)));
    add_text(&o, "parentId", state->parent_id);
    add_text(&o, "parentStep", state->parent_step);
    add_number(&o, "sequence", (int64_t)state->sequence);
    add_text(&o, "status", saga_slice_of(saga_status_name(state->status)));
    add_true(&o, "paused", state->paused);
    add_true(&o, "pivoted", state->pivoted);
    add_true(&o, "deadlinePassed", state->deadline_passed);
    add_true(&o, "resolved", state->resolved);
    add_time(&o, "started", state->started_ms);
    add_time(&o, "changed", state->changed_ms);
    add_time(&o, "ended", state->ended_ms);
    if (bodies) add_body(&o, "input", state->input);
    if (bodies) add_body(&o, "vars", state->vars);
    if (state->has_error) add_error(&o, "error", &state->error);
    if (state->has_deferred) add_error(&o, "deferred", &state->deferred);
    if (state->stuck_on != SAGA_STUCK_ON_NOTHING) {
        add_text(&o, "stuckOn", saga_slice_of(saga_stuck_on_name(state->stuck_on)));
        add_text(&o, "stuckStep", state->stuck_step);
        add_text(&o, "stuckMessage", state->stuck_message);
    }
    add_steps(&o, state, bodies);
    add_timers(&o, state);
    add_search(&o, state);
    add_correlation(&o, state, bodies);
    close_object(&o);
    return saga_buffer_slice(&out);
}
