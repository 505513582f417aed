/* The coordinator's own records in the inbox: hops, starts, operators' commands, notes. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "codec/message.h"
#include "codec/trace.h"

enum { OWN_HEADERS = 10, NOTE_HEADERS = 14 };

static void add(struct saga_message *message, const char *name, struct saga_slice value)
{
    message->headers[message->header_count++] = (struct saga_header){ saga_slice_of(name), value };
}

static int refuse(struct saga_diagnostic *diagnostic, const char *what)
{
    diagnostic->what = saga_slice_of(what);
    return SAGA_E_INVALID;
}

enum saga_inbox_kind saga_inbox_kind_of(const struct saga_message *message)
{
    struct saga_slice kind = saga_message_header(message, "saga_kind");
    if (saga_slice_is(kind, "hop")) return SAGA_INBOX_HOP;
    if (saga_slice_is(kind, "start")) return SAGA_INBOX_START;
    if (saga_slice_is(kind, "operator")) return SAGA_INBOX_OPERATOR;
    if (saga_slice_is(kind, "note")) return SAGA_INBOX_NOTE;
    return SAGA_INBOX_UNKNOWN;
}

/* ---- hops ---- */

void saga_hop_message(const struct saga_message *record, struct saga_slice inbox_topic,
                      uint32_t lane, struct saga_slice key, struct saga_arena *arena,
                      struct saga_message *ret)
{
    *ret = (struct saga_message){ .topic = inbox_topic,
                                  .partition = (int32_t)lane,
                                  .key = record->key.data ? record->key : key,
                                  .value = record->value };
    ret->headers = SAGA_NEW_ARRAY(arena, struct saga_header, record->header_count + OWN_HEADERS);
    if (record->header_count)
        memcpy(ret->headers, record->headers, record->header_count * sizeof *ret->headers);
    ret->header_count = record->header_count;
    add(ret, "saga_kind", SAGA_SLICE("hop"));
    add(ret, "saga_source_topic", record->topic);
    add(ret, "saga_source_partition", saga_arena_printf(arena, "%d", record->partition));
    add(ret, "saga_source_offset", saga_arena_printf(arena, "%lld", (long long)record->offset));
}

int saga_hop_open(const struct saga_message *message, struct saga_arena *arena,
                  struct saga_message *ret, struct saga_diagnostic *diagnostic)
{
    unsigned long long partition, offset;
    struct saga_slice topic = saga_message_header(message, "saga_source_topic");
    if (topic.size == 0 || topic.size > SAGA_NAME_BYTES_MAX ||
        saga_slice_to_u64(saga_message_header(message, "saga_source_partition"), &partition) < 0 ||
        saga_slice_to_u64(saga_message_header(message, "saga_source_offset"), &offset) < 0 ||
        partition > INT32_MAX || offset > INT64_MAX)
        return refuse(diagnostic, "a hop that does not say where it comes from");
    *ret = *message;
    ret->topic = topic;
    ret->partition = (int32_t)partition;
    ret->offset = (int64_t)offset;
    ret->headers = SAGA_NEW_ARRAY(arena, struct saga_header, message->header_count);
    ret->header_count = 0;
    for (size_t i = 0; i < message->header_count; i++)
        if (!saga_slice_starts_with(message->headers[i].name, "saga_"))
            ret->headers[ret->header_count++] = message->headers[i];
    return SAGA_OK;
}

/* ---- starts ---- */

void saga_start_message(struct saga_slice inbox_topic, uint32_t lane, struct saga_slice definition,
                        struct saga_slice key, struct saga_slice id, struct saga_slice input,
                        struct saga_arena *arena, struct saga_message *ret)
{
    *ret = (struct saga_message){
        .topic = inbox_topic, .partition = (int32_t)lane, .key = key, .value = input
    };
    ret->headers = SAGA_NEW_ARRAY(arena, struct saga_header, OWN_HEADERS);
    add(ret, "saga_kind", SAGA_SLICE("start"));
    add(ret, "saga_definition", definition);
    add(ret, "ce_specversion", SAGA_SLICE("1.0"));
    add(ret, "ce_id", id);
    add(ret, "ce_type", SAGA_SLICE("StartRequested"));
    add(ret, "content-type", SAGA_SLICE("application/json"));
}

void saga_start_message_by(struct saga_message *message, struct saga_slice who,
                           struct saga_slice from)
{
    add(message, "saga_who", who);
    add(message, "saga_from", from);
}

void saga_start_message_trace(struct saga_message *message, struct saga_slice trace)
{
    struct saga_trace_context context;
    if (!saga_trace_context_split(trace, &context)) return;
    add(message, "traceparent", saga_slice_clip(trace, SAGA_TRACEPARENT_BYTES));
    if (context.state.size) add(message, "tracestate", context.state);
}

int saga_start_open(const struct saga_message *message, struct saga_arena *arena,
                    struct saga_slice *ret_definition, struct saga_event *ret,
                    struct saga_diagnostic *diagnostic)
{
    struct saga_event event;
    int error = saga_event_open(message, NULL, arena, &event, diagnostic);
    if (error < 0) return error;
    struct saga_slice definition = saga_message_header(message, "saga_definition");
    if (definition.size == 0) return refuse(diagnostic, "a start that names no definition");
    event.kind = SAGA_EVENT_START;
    event.key = message->key;
    event.who = saga_message_header(message, "saga_who");
    event.from = saga_message_header(message, "saga_from");
    *ret_definition = definition;
    *ret = event;
    return SAGA_OK;
}

/* ---- operators ---- */

static void add_member(struct saga_buffer *json, const char *name, struct saga_slice value)
{
    if (value.size == 0) return;
    saga_buffer_printf(json, "%s\"%s\":", json->size > 1 ? "," : "", name);
    saga_buffer_add_json_string(json, value);
}

static void add_runs(struct saga_buffer *json, const struct saga_event *event)
{
    if (event->run_count == 0) return;
    SAGA_ASSERT(event->run_count <= SAGA_FORGET_RUNS_MAX);
    saga_buffer_printf(json, "%s\"runs\":{", json->size > 1 ? "," : "");
    for (size_t i = 0; i < event->run_count; i++) {
        if (i) saga_buffer_add_char(json, ',');
        saga_buffer_add_json_string(json, event->runs[i].run);
        saga_buffer_printf(json, ":%lld", (long long)event->runs[i].created_ms);
    }
    saga_buffer_add_char(json, '}');
}

void saga_operator_message(struct saga_slice inbox_topic, uint32_t lane, struct saga_slice saga_id,
                           struct saga_slice key, const struct saga_event *event,
                           struct saga_arena *arena, struct saga_message *ret)
{
    struct saga_buffer json;
    saga_buffer_init(&json, arena);
    saga_buffer_add_char(&json, '{');
    add_member(&json, "verb", saga_slice_of(saga_verb_name(event->verb)));
    add_member(&json, "saga", saga_id);
    add_member(&json, "as", event->as);
    add_member(&json, "who", event->who);
    add_member(&json, "from", event->from);
    add_member(&json, "reason", event->reason);
    add_runs(&json, event);
    saga_buffer_add_char(&json, '}');
    *ret = (struct saga_message){ .topic = inbox_topic,
                                  .partition = (int32_t)lane,
                                  .key = key,
                                  .value = saga_buffer_slice(&json) };
    ret->headers = SAGA_NEW_ARRAY(arena, struct saga_header, OWN_HEADERS);
    add(ret, "saga_kind", SAGA_SLICE("operator"));
    add(ret, "ce_specversion", SAGA_SLICE("1.0"));
    add(ret, "ce_id", event->id);
    add(ret, "ce_type", saga_slice_of(saga_verb_name(event->verb)));
    add(ret, "content-type", SAGA_SLICE("application/json"));
}

static struct saga_slice text_member(struct saga_slice json, const char *name,
                                     struct saga_arena *arena)
{
    struct saga_slice value, text;
    if (saga_json_member(json, saga_slice_of(name), &value) < 0 ||
        saga_json_text(value, arena, &text) < 0)
        return SAGA_SLICE_NONE;
    return saga_slice_clip(text, SAGA_MESSAGE_BYTES_MAX);
}

/* A run's name ends the name of its key, <saga id>/<run>, and ids may hold slashes: one in a run would make it another saga's. */
static bool open_run(struct saga_slice name, struct saga_slice created, struct saga_arena *arena,
                     struct saga_named_run *ret)
{
    unsigned long long created_ms;
    if (saga_json_text(name, arena, &ret->run) < 0 || saga_slice_to_u64(created, &created_ms) < 0 ||
        created_ms > INT64_MAX)
        return false;
    ret->created_ms = (int64_t)created_ms;
    return ret->run.size > 0 && ret->run.size <= SAGA_RUN_BYTES_MAX &&
           !memchr(ret->run.data, '/', ret->run.size);
}

/* False: they are not as `saga audit forget` writes them, and none is believed. */
static bool open_runs(struct saga_slice json, struct saga_arena *arena, struct saga_event *event)
{
    struct saga_slice value, name, created;
    struct saga_json_walk walk;
    struct saga_named_run *runs = NULL;
    size_t count = 0, capacity = 0;
    if (saga_json_member(json, SAGA_SLICE("runs"), &value) < 0) return true;
    if (saga_json_kind(value) != SAGA_JSON_OBJECT) return false;
    saga_json_walk_init(&walk, value);
    while (saga_json_walk_next(&walk, &name, &created)) {
        struct saga_named_run run;
        if (count == SAGA_FORGET_RUNS_MAX || !open_run(name, created, arena, &run)) return false;
        SAGA_PUSH(arena, runs, count, capacity, run);
    }
    event->runs = runs;
    event->run_count = count;
    return true;
}

int saga_operator_open(const struct saga_message *message, struct saga_arena *arena,
                       struct saga_slice *ret_saga_id, struct saga_event *ret,
                       struct saga_diagnostic *diagnostic)
{
    struct saga_event event;
    int error = saga_event_open(message, NULL, arena, &event, diagnostic);
    if (error < 0) return error;
    if (!event.body.data || saga_json_kind(event.body) != SAGA_JSON_OBJECT)
        return refuse(diagnostic, "an operator's command that is no JSON object");
    event.kind = SAGA_EVENT_OPERATOR;
    event.verb = saga_verb_of(text_member(event.body, "verb", arena));
    event.type = text_member(event.body, "verb", arena);
    event.as = text_member(event.body, "as", arena);
    event.who = text_member(event.body, "who", arena);
    event.from = text_member(event.body, "from", arena);
    event.reason = text_member(event.body, "reason", arena);
    struct saga_slice id = text_member(event.body, "saga", arena);
    bool runs = open_runs(event.body, arena, &event);
    event.body = SAGA_SLICE_NONE; /* all of it stands in the members */
    if (event.verb == SAGA_VERB_COUNT)
        return refuse(diagnostic, "an operator's command with an unknown verb");
    if (id.size == 0) return refuse(diagnostic, "an operator's command that names no saga");
    if (!runs) return refuse(diagnostic, "an operator's command that names runs which are none");
    *ret_saga_id = id;
    *ret = event;
    return SAGA_OK;
}

/* ---- notes ---- */

static void add_if(struct saga_message *message, const char *name, struct saga_slice value)
{
    if (value.size) add(message, name, value);
}

/* A child's trace is its parent's, and the step that asks for it is what causes it. */
static struct saga_span_id sender(const struct saga_fact *fact, const struct saga_state *state,
                                  struct saga_arena *arena)
{
    const struct saga_step_state *step = saga_state_step(state, fact->from_step);
    if (fact->note != SAGA_NOTE_CHILD_START || !step) return saga_span_of_saga(state, arena);
    return saga_span_of_step(state, step->path, false, step->first_attempt, arena);
}

void saga_note_message(struct saga_slice inbox_topic, uint32_t lanes, const struct saga_fact *fact,
                       const struct saga_state *state, struct saga_arena *arena,
                       struct saga_message *ret)
{
    struct saga_slice name, key;
    int error = saga_id_parse(fact->id, &name, &key);
    SAGA_ASSERT(error == SAGA_OK); /* ids are made by the engine, or were read as such */
    *ret = (struct saga_message){ .topic = inbox_topic,
                                  .partition = (int32_t)saga_lane_of_key(key, lanes),
                                  .key = key,
                                  .value = fact->value };
    ret->headers = SAGA_NEW_ARRAY(arena, struct saga_header, NOTE_HEADERS);
    add(ret, "saga_kind", SAGA_SLICE("note"));
    add(ret, "saga_note", saga_slice_of(saga_note_name(fact->note)));
    add(ret, "saga_to", fact->id);
    add_if(ret, "saga_to_run", fact->run);
    add_if(ret, "saga_to_step", fact->step);
    add(ret, "saga_from", state->id);
    add(ret, "saga_from_run", state->run);
    add_if(ret, "saga_from_step", fact->from_step);
    add(ret, "ce_specversion", SAGA_SLICE("1.0"));
    add_if(ret, "ce_id", fact->text);
    add(ret, "ce_type", fact->type.size ? fact->type : saga_slice_of(saga_note_name(fact->note)));
    add(ret, "content-type", SAGA_SLICE("application/json"));
    saga_message_add_trace(ret, state, sender(fact, state, arena), arena);
}

/* Some notes begin an entry, so that they must not reach what cannot be one. */
static bool is_for_entry(enum saga_note note)
{
    return note == SAGA_NOTE_AWAIT_OPEN || note == SAGA_NOTE_AWAIT_CLOSE ||
           note == SAGA_NOTE_AWAIT_TAKEN || note == SAGA_NOTE_AWAIT_RETURNED ||
           note == SAGA_NOTE_SCHEDULE_SET;
}

int saga_note_open(const struct saga_message *message, struct saga_arena *arena,
                   struct saga_slice *ret_saga_id, struct saga_event *ret,
                   struct saga_diagnostic *diagnostic)
{
    struct saga_event event;
    struct saga_slice name, key;
    int error = saga_event_open(message, NULL, arena, &event, diagnostic);
    if (error < 0) return error;
    event.note = saga_note_of(saga_message_header(message, "saga_note"));
    event.target = saga_message_header(message, "saga_to");
    if (event.note == SAGA_NOTE_COUNT || event.note == SAGA_NOTE_AWAIT_EVENT)
        return refuse(diagnostic, "a note of a kind that this version does not know");
    if (saga_id_parse(event.target, &name, &key) < 0)
        return refuse(diagnostic, "a note that does not say whom it is for");
    if (saga_id_is_entry(event.target) != is_for_entry(event.note))
        return refuse(diagnostic, "a note that is for no saga or entry of that kind");
    event.from_id = saga_message_header(message, "saga_from");
    event.from_run = saga_message_header(message, "saga_from_run");
    event.from_step = saga_message_header(message, "saga_from_step");
    if (saga_id_parse(event.from_id, &name, &name) < 0 || event.from_run.size == 0)
        return refuse(diagnostic, "a note that does not say whom it is from");
    event.run = saga_message_header(message, "saga_to_run");
    event.step = saga_message_header(message, "saga_to_step");
    if (event.note == SAGA_NOTE_SCHEDULE_START) /* nobody's child */
        event.from_id = event.from_run = event.from_step = SAGA_SLICE_NONE;
    bool starts = event.note == SAGA_NOTE_CHILD_START || event.note == SAGA_NOTE_SCHEDULE_START;
    event.kind = starts ? SAGA_EVENT_START : SAGA_EVENT_NOTE;
    if (starts) event.key = key;
    if (starts && saga_key_fault(key))
        return refuse(diagnostic, "a note that starts a saga under a key that cannot be one");
    *ret_saga_id = event.target;
    *ret = event;
    return SAGA_OK;
}

void saga_schedule_message(struct saga_slice inbox_topic, uint32_t lanes,
                           struct saga_slice definition, uint32_t version, struct saga_slice id,
                           struct saga_arena *arena, struct saga_message *ret)
{
    struct saga_slice entry = saga_schedule_id(arena, definition);
    const struct saga_state deploy = { .id = entry, .run = SAGA_SLICE("deploy") };
    const struct saga_fact fact = { .kind = SAGA_FACT_NOTE_SENT,
                                    .note = SAGA_NOTE_SCHEDULE_SET,
                                    .id = entry,
                                    .text = id,
                                    .value =
                                        saga_arena_printf(arena, "{\"version\":%u}", version) };
    saga_note_message(inbox_topic, lanes, &fact, &deploy, arena, ret);
}
