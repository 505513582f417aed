/* What others send: CloudEvents in binary and structured mode, and plain records. */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/trace_context.h"
#include "codec/message.h"

static int check_json(struct saga_slice json, struct saga_arena *arena,
                      struct saga_diagnostic *diagnostic)
{
    size_t offset;
    const char *why;
    int error = saga_json_validate(json, &offset, &why);
    if (error < 0)
        saga_diagnostic_set(diagnostic, arena,
                            "the body is no JSON that can be taken: %s at byte %zu", why, offset);
    return error;
}

static int check_text(struct saga_slice *text, size_t bytes_max, const char *name,
                      struct saga_arena *arena, struct saga_diagnostic *diagnostic)
{
    if (text->size <= bytes_max) {
        if (saga_utf8_valid(*text) == text->size) return SAGA_OK;
        saga_diagnostic_set(diagnostic, arena, "header %s is not UTF-8", name);
        return SAGA_E_INVALID;
    }
    saga_diagnostic_set(diagnostic, arena, "header %s has %zu bytes, the limit is %zu", name,
                        text->size, bytes_max);
    return SAGA_E_LIMIT;
}

static struct saga_slice text_member(struct saga_slice json, const char *name,
                                     struct saga_arena *arena)
{
    struct saga_slice value, text;
    if (saga_json_member(json, saga_slice_of(name), &value) < 0 ||
        saga_json_text(value, arena, &text) < 0)
        return SAGA_SLICE_NONE;
    return text;
}

/* Structured mode: the envelope is the value, the body its `data`. */
static int open_envelope(struct saga_event *event, struct saga_arena *arena,
                         struct saga_diagnostic *diagnostic)
{
    struct saga_slice envelope = event->body, data;
    if (!envelope.data || saga_json_kind(envelope) != SAGA_JSON_OBJECT) {
        saga_diagnostic_set(diagnostic, arena, "a structured CloudEvent that is no JSON object");
        return SAGA_E_INVALID;
    }
    if (saga_json_member(envelope, SAGA_SLICE("data_base64"), &data) == SAGA_OK) {
        diagnostic->what = SAGA_SLICE("a structured CloudEvent with data_base64: only JSON in "
                                      "`data` is understood");
        return SAGA_E_INVALID;
    }
    event->type = text_member(envelope, "type", arena);
    event->id = text_member(envelope, "id", arena);
    event->content_type = text_member(envelope, "datacontenttype", arena);
    event->traceparent = saga_trace_context_join(text_member(envelope, "traceparent", arena),
                                                 text_member(envelope, "tracestate", arena), arena);
    event->body =
        saga_json_member(envelope, SAGA_SLICE("data"), &data) == SAGA_OK ? data : SAGA_SLICE_NONE;
    return SAGA_OK;
}

/* The body of a record that has one: JSON as it is, Avro as JSON. */
static int open_body(const struct saga_message *record, const struct saga_schemas *schemas,
                     struct saga_arena *arena, struct saga_event *event,
                     struct saga_diagnostic *diagnostic)
{
    struct saga_slice type;
    if (saga_body_format_by_bytes(record->value) == SAGA_FORMAT_JSON) {
        event->body = record->value;
        return check_json(record->value, arena, diagnostic);
    }
    int error =
        saga_body_from_avro(schemas, record->value, arena, &event->body, &type, &diagnostic->what);
    if (error == SAGA_OK && event->type.size == 0) event->type = type;
    return error;
}

int saga_event_open(const struct saga_message *record, const struct saga_schemas *schemas,
                    struct saga_arena *arena, struct saga_event *ret,
                    struct saga_diagnostic *diagnostic)
{
    struct saga_event event = { .source = { record->topic, record->partition, record->offset },
                                .type = saga_message_header(record, "ce_type"),
                                .id = saga_message_header(record, "ce_id"),
                                .content_type = saga_message_header(record, "content-type"),
                                .traceparent = saga_trace_context_join(
                                    saga_message_header(record, "traceparent"),
                                    saga_message_header(record, "tracestate"), arena) };
    if (record->header_count > SAGA_HEADERS_MAX) {
        saga_diagnostic_set(diagnostic, arena, "%zu headers, the limit is %d", record->header_count,
                            SAGA_HEADERS_MAX);
        return SAGA_E_LIMIT;
    }
    if (record->value.size > SAGA_PAYLOAD_BYTES_MAX) {
        saga_diagnostic_set(diagnostic, arena, "the body has %zu bytes, the limit is %d",
                            record->value.size, SAGA_PAYLOAD_BYTES_MAX);
        return SAGA_E_LIMIT;
    }
    int error = SAGA_OK;
    if (record->value.size) error = open_body(record, schemas, arena, &event, diagnostic);
    if (error == SAGA_OK &&
        saga_slice_starts_with(event.content_type, "application/cloudevents+json"))
        error = open_envelope(&event, arena, diagnostic);
    if (error == SAGA_OK)
        error = check_text(&event.type, SAGA_NAME_BYTES_MAX, "ce_type", arena, diagnostic);
    if (error == SAGA_OK)
        error = check_text(&event.id, 2 * SAGA_MESSAGE_BYTES_MAX, "ce_id", arena, diagnostic);
    if (error == SAGA_OK)
        error =
            check_text(&event.content_type, SAGA_NAME_BYTES_MAX, "content-type", arena, diagnostic);
    if (error == SAGA_OK) *ret = event;
    return error;
}

/* An attribute that we defined: a header, or in structured mode a member of the envelope. */
static struct saga_slice attribute(const struct saga_message *record, const char *header,
                                   const char *member, struct saga_arena *arena)
{
    struct saga_slice value = saga_message_header(record, header);
    bool structured = saga_slice_starts_with(saga_message_header(record, "content-type"),
                                             "application/cloudevents+json");
    return value.size || !structured ? value : text_member(record->value, member, arena);
}

int saga_reply_address(const struct saga_message *record, struct saga_arena *arena,
                       struct saga_event *event, struct saga_slice *ret_saga_id,
                       struct saga_diagnostic *diagnostic)
{
    struct saga_command_parts parts;
    struct saga_slice id = attribute(record, "ce_sagacommandid", "sagacommandid", arena);
    struct saga_slice subject = attribute(record, "ce_subject", "subject", arena);
    if (id.size == 0 && subject.size == 0) return SAGA_E_NOT_FOUND;
    if (id.size == 0) {
        if (check_text(&subject, 2 * SAGA_MESSAGE_BYTES_MAX, "ce_subject", arena, diagnostic) < 0)
            return SAGA_E_INVALID;
        *ret_saga_id = subject;
        return SAGA_OK;
    }
    if (check_text(&id, 2 * SAGA_MESSAGE_BYTES_MAX, "ce_sagacommandid", arena, diagnostic) < 0)
        return SAGA_E_INVALID;
    if (saga_command_id_parse(id, &parts) < 0) {
        diagnostic->what =
            SAGA_SLICE("ce_sagacommandid is no id of a command: copy the command's ce_id");
        return SAGA_E_INVALID;
    }
    event->run = parts.run;
    event->step = parts.step;
    event->attempt = parts.attempt;
    event->compensation = parts.compensation;
    *ret_saga_id = parts.saga_id;
    return SAGA_OK;
}
