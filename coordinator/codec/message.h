/* Records on topics: commands and published events out (CloudEvents 1.0, Kafka binary mode), the coordinator's
 * own inbox records both ways, replies and outside events in (sagas/MESSAGES.md). */
#ifndef SAGA_CODEC_MESSAGE_H
#define SAGA_CODEC_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/message.h"
#include "engine/engine.h"

/* Does this fact go out as a record to a topic of the outside? (StepSent, CompensationSent, EventPublished) */
bool saga_fact_is_message(const struct saga_fact *fact);

/* The record that such a fact sends, key = the saga's business key, partition by key. Slices point into
 * `arena`, the fact and the state. `time_ms` is the record's time of decision (ce_time). A command's body is what
 * the fact has as `encoded` (application/avro), else its value, or where that is absent (a further attempt) the one that
 * the state keeps for the step.
 * Headers as in sagas/MESSAGES.md: ce_specversion, ce_id, ce_source, ce_type, ce_subject, ce_time,
 * ce_sagaidempotencykey, ce_sagakind, ce_sagacompensates, ce_sagareplyto, ce_sagaexpires (RFC 3339), content-type,
 * traceparent (00-<state's trace>-<first 16 hexadecimal digits of SHA-256 of the command's id>-<01, or the start's flag>),
 * tracestate (the start's).
 * A published event has ce_id <saga id>/<run>/event/<sequence> and no ce_saga* headers but none of a command. */
void saga_fact_message(const struct saga_fact *fact, const struct saga_state *state,
                       int64_t time_ms, struct saga_arena *arena, struct saga_message *ret);

/* The ce_id of an event that a saga publishes: <saga id>/<run>/event/<the block's label, at the saga's end its sequence>. */
struct saga_slice saga_published_id(const struct saga_fact *fact, const struct saga_state *state,
                                    struct saga_arena *arena);

/* ---- the inbox ---- */

enum saga_inbox_kind {
    SAGA_INBOX_HOP,      /* a record of another topic, passed on by the worker that read it */
    SAGA_INBOX_START,    /* a start by command line or API */
    SAGA_INBOX_OPERATOR, /* cancel, retry, ... */
    SAGA_INBOX_NOTE,     /* from another saga or entry (R21, R22) */
    SAGA_INBOX_UNKNOWN
};
enum saga_inbox_kind saga_inbox_kind_of(const struct saga_message *message);

/* A record for the inbox of `lane` that carries `record` on: its key (or `key` if the record has none), its value
 * and headers as they are, and beside them saga_kind=hop, saga_source_topic/_partition/_offset. */
void saga_hop_message(const struct saga_message *record, struct saga_slice inbox_topic,
                      uint32_t lane, struct saga_slice key, struct saga_arena *arena,
                      struct saga_message *ret);
/* Takes a hop apart again: `*ret` is the record as it was read at its source (topic, partition, offset,
 * key, value, headers without the saga_* ones). Errors: SAGA_E_INVALID with words. */
int saga_hop_open(const struct saga_message *message, struct saga_arena *arena,
                  struct saga_message *ret, struct saga_diagnostic *diagnostic);

/* A start from outside Kafka's events: saga_kind=start, saga_definition=name, ce_id=`id`, ce_type=StartRequested,
 * value the input. Who starts twice with one key starts once. */
void saga_start_message(struct saga_slice inbox_topic, uint32_t lane, struct saga_slice definition,
                        struct saga_slice key, struct saga_slice id, struct saga_slice input,
                        struct saga_arena *arena, struct saga_message *ret);
/* Beside it, who asked for the start and from where: journaled with it. The message is one of saga_start_message's. */
void saga_start_message_by(struct saga_message *message, struct saga_slice who,
                           struct saga_slice from);
/* Beside it, the trace that the start belongs to, as saga_trace_context_join gives it; absent: none. */
void saga_start_message_trace(struct saga_message *message, struct saga_slice trace);
/* `*ret_definition` names the definition. The event's key, id, body, type and source are set, not its time. */
int saga_start_open(const struct saga_message *message, struct saga_arena *arena,
                    struct saga_slice *ret_definition, struct saga_event *ret,
                    struct saga_diagnostic *diagnostic);

/* An operator's command: saga_kind=operator; value JSON {"verb","saga","as","who","from","reason"};
 * `event` gives verb, as, who, from, reason and id (absent members are left out). */
void saga_operator_message(struct saga_slice inbox_topic, uint32_t lane, struct saga_slice saga_id,
                           struct saga_slice key, const struct saga_event *event,
                           struct saga_arena *arena, struct saga_message *ret);
int saga_operator_open(const struct saga_message *message, struct saga_arena *arena,
                       struct saga_slice *ret_saga_id, struct saga_event *ret,
                       struct saga_diagnostic *diagnostic);

/* What a NoteSent tells another saga or entry: saga_kind=note, saga_note=its name, saga_to* whom (its key is the record's),
 * saga_from* who; ce_id the id of an event that is told of, ce_type and the value what is said. `lanes`: how many there
 * are. Slices point into `arena`, the fact and the state. */
void saga_note_message(struct saga_slice inbox_topic, uint32_t lanes, const struct saga_fact *fact,
                       const struct saga_state *state, struct saga_arena *arena,
                       struct saga_message *ret);
/* Tells a definition's schedule which version is in force, as of a deploy. `id`: of the note. */
void saga_schedule_message(struct saga_slice inbox_topic, uint32_t lanes,
                           struct saga_slice definition, uint32_t version, struct saga_slice id,
                           struct saga_arena *arena, struct saga_message *ret);
/* `*ret_saga_id`: whom it is for. A child's start and a schedule's are starts (event kind, key). Errors: SAGA_E_INVALID with words. */
int saga_note_open(const struct saga_message *message, struct saga_arena *arena,
                   struct saga_slice *ret_saga_id, struct saga_event *ret,
                   struct saga_diagnostic *diagnostic);

/* ---- what others send ---- */

/* Fills the event with what the record's headers and value say: source, type (ce_type, may be absent), id,
 * content type, traceparent, body (checked: JSON, UTF-8, at most SAGA_PAYLOAD_BYTES_MAX; an empty value is null). A body
 * in Avro, which is told by its first bytes, becomes JSON by `schemas` (NULL: there are none), and where there is no
 * ce_type the record's name is the type.
 * Structured mode (content-type application/cloudevents+json) is understood too: its attributes and `data`.
 * Kind and time are the caller's. Errors: SAGA_E_INVALID, SAGA_E_LIMIT, SAGA_E_NOT_FOUND (no such schema) with words for
 * the dead letter. */
int saga_event_open(const struct saga_message *record, const struct saga_schemas *schemas,
                    struct saga_arena *arena, struct saga_event *ret,
                    struct saga_diagnostic *diagnostic);

/* Which saga a reply is for, by its headers: ce_sagacommandid (sets run, step, compensation and attempt of
 * `event` too), else ce_subject. Errors: SAGA_E_NOT_FOUND (neither header), SAGA_E_INVALID (a broken id). */
int saga_reply_address(const struct saga_message *record, struct saga_arena *arena,
                       struct saga_event *event, struct saga_slice *ret_saga_id,
                       struct saga_diagnostic *diagnostic);

/* `<definition>/<key>` taken apart at its first slash. Errors: SAGA_E_INVALID. */
int saga_id_parse(struct saga_slice saga_id, struct saga_slice *ret_name,
                  struct saga_slice *ret_key);
struct saga_slice saga_id_make(struct saga_arena *arena, struct saga_slice name,
                               struct saga_slice key);

/* The record as it was, for the dead letters of `lane`, with saga_reason (one word), saga_message (for people)
 * and saga_source_topic/_partition/_offset. */
void saga_dead_letter_message(const struct saga_message *record,
                              struct saga_slice dead_letters_topic, uint32_t lane,
                              struct saga_slice reason, struct saga_slice words,
                              struct saga_arena *arena, struct saga_message *ret);

#endif
