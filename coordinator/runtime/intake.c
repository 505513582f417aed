#include "runtime/intake.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "codec/message.h"
#include "runtime/intake_internal.h"

struct saga_intake_item *saga_intake_add(struct saga_intake_reading *r, enum saga_intake_fate fate)
{
    SAGA_PUSH(r->intake->arena, r->items, r->count, r->capacity, r->common);
    r->items[r->count - 1].fate = fate;
    return &r->items[r->count - 1];
}

void saga_intake_add_dead_letter(struct saga_intake_reading *r, enum saga_letter_reason reason,
                                 struct saga_slice words)
{
    struct saga_intake_item *item = saga_intake_add(r, SAGA_INTAKE_DEAD_LETTER);
    item->reason = reason;
    item->words = words;
}

/* An event of the outside that cannot be read for one definition may be for others, to whose lanes it hops: it is put
 * aside once, where it was read first. */
static void add_bad_event(struct saga_intake_reading *r, enum saga_letter_reason reason,
                          struct saga_slice words)
{
    if (!r->common.from_inbox) saga_intake_add_dead_letter(r, reason, words);
}

/* ---- keys and types by expressions over the body ---- */

static int eval_text(const struct saga_intake_reading *r, struct saga_expression *expression,
                     struct saga_slice body, struct saga_slice *ret_text,
                     struct saga_slice *ret_message)
{
    struct saga_bindings bindings = { .root = body.data ? body : SAGA_SLICE("null") };
    struct saga_slice json;
    int error = saga_expression_eval(expression, &bindings, r->intake->arena, &json, ret_message);
    if (error < 0) return error;
    enum saga_json_kind kind = saga_json_kind(json);
    if (kind == SAGA_JSON_STRING) return saga_json_text(json, r->intake->arena, ret_text);
    if (kind == SAGA_JSON_NUMBER) {
        *ret_text = saga_json_trim(json);
        return SAGA_OK;
    }
    *ret_message =
        saga_arena_printf(r->intake->arena, "%.*s gives %.*s, which is neither a text nor a number",
                          SAGA_SLICE_ARG(saga_expression_source(expression)),
                          SAGA_SLICE_ARG(saga_slice_clip(json, 80)));
    return SAGA_E_INVALID;
}

int saga_intake_check_key(const struct saga_intake_reading *r, struct saga_slice key,
                          struct saga_slice *ret_message)
{
    const char *fault = saga_key_fault(key);
    if (!fault) return SAGA_OK;
    *ret_message = saga_arena_printf(r->intake->arena, "the business key %s", fault);
    return SAGA_E_INVALID;
}

/* ---- starts ---- */

void saga_intake_add_start(struct saga_intake_reading *r, struct saga_definition *definition,
                           struct saga_slice key)
{
    uint32_t lane = saga_lane_of_key(key, r->intake->lanes);
    if (!saga_intake_is_here(r, lane)) return;
    struct saga_intake_item *item = saga_intake_add(r, SAGA_INTAKE_EVENT);
    item->lane = lane;
    item->event.kind = SAGA_EVENT_START;
    item->event.key = key;
    item->definition = definition;
    item->saga_id = saga_id_make(r->intake->arena, definition->name, key);
}

static bool type_matches(struct saga_intake_reading *r, const struct saga_start *start)
{
    struct saga_slice type = r->common.event.type, message;
    if (type.size == 0 && start->type) {
        if (eval_text(r, start->type, r->common.event.body, &type, &message) < 0) return false;
        r->typed = true;
    }
    return saga_slice_equal(type, start->event);
}

/* Does `when` let it start? Errors give a dead letter. */
static int passes_when(struct saga_intake_reading *r, const struct saga_start *start,
                       bool *ret_passes, struct saga_slice *ret_message)
{
    *ret_passes = true;
    if (!start->when) return SAGA_OK;
    struct saga_bindings bindings = { .root = r->common.event.body.data ? r->common.event.body
                                                                        : SAGA_SLICE("null") };
    struct saga_slice json;
    int error = saga_expression_eval(start->when, &bindings, r->intake->arena, &json, ret_message);
    if (error == SAGA_OK) *ret_passes = saga_json_is_true(json);
    return error;
}

/* True: this start counts for the record, for better or worse. */
static bool read_start(struct saga_intake_reading *r, struct saga_definition *definition,
                       const struct saga_start *start)
{
    struct saga_slice key, message = SAGA_SLICE_NONE;
    bool passes;
    if (!type_matches(r, start)) return false;
    if (passes_when(r, start, &passes, &message) < 0) {
        add_bad_event(r, SAGA_LETTER_WHEN_FAILED, message);
        return true;
    }
    if (!passes) return false;
    if (eval_text(r, start->key, r->common.event.body, &key, &message) < 0 ||
        saga_intake_check_key(r, key, &message) < 0) {
        add_bad_event(r, SAGA_LETTER_BAD_KEY, message);
    } else if (r->common.event.body.size > SAGA_INPUT_BYTES_MAX) {
        add_bad_event(r, SAGA_LETTER_TOO_LARGE,
                      saga_arena_printf(r->intake->arena, "a start of %zu bytes, the limit is %d",
                                        r->common.event.body.size, SAGA_INPUT_BYTES_MAX));
    } else {
        saga_intake_add_start(r, definition, key);
    }
    return true;
}

/* Of several starts the first that counts: a record starts one saga of a definition. */
static void read_starts_of(struct saga_intake_reading *r, struct saga_definition *definition)
{
    for (size_t s = 0; s < definition->start_count; s++)
        if (saga_slice_equal(definition->starts[s].topic, r->common.record.topic) &&
            read_start(r, definition, &definition->starts[s]))
            return;
}

static void read_starts(struct saga_intake_reading *r)
{
    for (size_t i = 0; i < saga_catalog_count(r->intake->catalog); i++) {
        struct saga_definition *definition = saga_catalog_at(r->intake->catalog, i);
        if (definition != saga_catalog_newest(r->intake->catalog, definition->name)) continue;
        read_starts_of(r, definition);
    }
}

/* ---- awaited events (R21) ---- */

static bool await_matches(struct saga_intake_reading *r, const struct saga_await *await)
{
    struct saga_slice type = r->common.event.type, message;
    if (!saga_slice_equal(await->topic, r->common.record.topic)) return false;
    if (type.size == 0 && await->type) {
        if (eval_text(r, await->type, r->common.event.body, &type, &message) < 0) return false;
        r->typed = true;
    }
    return saga_slice_equal(type, await->event);
}

/* Versions of one definition mostly match alike: their sagas wait at one entry, which gets the event once. */
static bool was_added(const struct saga_intake_reading *r, struct saga_slice entry)
{
    for (size_t i = 0; i < r->count; i++)
        if (saga_slice_equal(r->items[i].saga_id, entry)) return true;
    return false;
}

/* False: the body has no value there. */
static bool add_awaited(struct saga_intake_reading *r, const struct saga_definition *definition,
                        const struct saga_await *await, struct saga_slice *ret_message)
{
    struct saga_slice value;
    if (eval_text(r, await->match, r->common.event.body, &value, ret_message) < 0 ||
        saga_intake_check_key(r, value, ret_message) < 0)
        return false;
    uint32_t lane = saga_lane_of_key(value, r->intake->lanes);
    struct saga_slice entry =
        saga_correlation_id(r->intake->arena, definition->name, await->topic, await->event, value);
    if (!saga_intake_is_here(r, lane) || was_added(r, entry)) return true;
    struct saga_intake_item *item = saga_intake_add(r, SAGA_INTAKE_EVENT);
    item->lane = lane;
    item->event.kind = SAGA_EVENT_NOTE;
    item->event.note = SAGA_NOTE_AWAIT_EVENT;
    item->event.target = entry;
    item->event.keep_ms = await->keep_early_ms;
    item->saga_id = entry;
    return true;
}

/* What all versions of a definition wait for. A version may match by what events have no more, or not yet: only an event
 * that no version can match is put aside. */
static void read_awaited_of(struct saga_intake_reading *r, struct saga_slice name)
{
    struct saga_slice message = SAGA_SLICE_NONE;
    bool matched = false;
    for (size_t i = 0; i < saga_catalog_count(r->intake->catalog); i++) {
        const struct saga_definition *definition = saga_catalog_at(r->intake->catalog, i);
        if (!saga_slice_equal(definition->name, name)) continue;
        for (size_t b = 0; b < definition->block_count; b++) {
            const struct saga_block *block = definition->blocks[b];
            if (block->kind != SAGA_BLOCK_AWAIT || !await_matches(r, &block->await)) continue;
            if (add_awaited(r, definition, &block->await, &message)) matched = true;
        }
    }
    if (!matched && message.size) add_bad_event(r, SAGA_LETTER_MATCH_FAILED, message);
}

static void read_awaited(struct saga_intake_reading *r)
{
    for (size_t i = 0; i < saga_catalog_count(r->intake->catalog); i++) {
        const struct saga_definition *definition = saga_catalog_at(r->intake->catalog, i);
        if (definition == saga_catalog_newest(r->intake->catalog, definition->name))
            read_awaited_of(r, definition->name);
    }
}

/* ---- replies ---- */

/* A participant of any definition that answers on this topic and has the expression wanted; NULL if none. */
static const struct saga_participant *answering(const struct saga_definition *definition,
                                                struct saga_slice topic)
{
    for (size_t i = 0; i < definition->participant_count; i++)
        if (saga_slice_equal(definition->participants[i].replies, topic))
            return &definition->participants[i];
    return NULL;
}

/* `*ret_message`: why the last of the expressions found none; absent where there are none. */
static void find_type(struct saga_intake_reading *r, struct saga_slice *ret_message)
{
    for (size_t i = 0; i < saga_catalog_count(r->intake->catalog) && r->common.event.type.size == 0;
         i++) {
        const struct saga_participant *participant =
            answering(saga_catalog_at(r->intake->catalog, i), r->common.record.topic);
        if (!participant || !participant->type) continue;
        struct saga_slice type;
        if (eval_text(r, participant->type, r->common.event.body, &type, ret_message) == SAGA_OK)
            r->common.event.type = type;
    }
}

static void add_reply(struct saga_intake_reading *r, struct saga_slice saga_id,
                      struct saga_slice key)
{
    uint32_t lane = saga_lane_of_key(key, r->intake->lanes);
    if (!saga_intake_is_here(r, lane)) return;
    struct saga_intake_item *item = saga_intake_add(r, SAGA_INTAKE_EVENT);
    item->lane = lane;
    item->event.kind = SAGA_EVENT_REPLY;
    item->saga_id = saga_id;
}

/* The third way of sagas/MESSAGES.md: the participant's `correlate` gives the key. All sagas of a key are in one lane. */
static void read_correlated_reply(struct saga_intake_reading *r)
{
    struct saga_slice *candidates = NULL, key = SAGA_SLICE_NONE, message = SAGA_SLICE_NONE;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < saga_catalog_count(r->intake->catalog); i++) {
        const struct saga_definition *definition = saga_catalog_at(r->intake->catalog, i);
        const struct saga_participant *participant = answering(definition, r->common.record.topic);
        struct saga_slice found;
        if (!participant || !participant->correlate) continue;
        if (eval_text(r, participant->correlate, r->common.event.body, &found, &message) < 0)
            continue;
        if (saga_intake_check_key(r, found, &message) < 0 ||
            (key.size && !saga_slice_equal(key, found)))
            continue;
        key = found;
        struct saga_slice id = saga_id_make(r->intake->arena, definition->name, key);
        if (count == 0 || !saga_slice_equal(candidates[count - 1], id))
            SAGA_PUSH(r->intake->arena, candidates, count, capacity, id);
    }
    if (count == 0) {
        saga_intake_add_dead_letter(
            r, SAGA_LETTER_NO_SAGA_NAMED,
            message.size ? message
                         : SAGA_SLICE("neither ce_sagacommandid nor ce_subject says which "
                                      "saga it answers, and no correlate finds one"));
        return;
    }
    size_t before = r->count;
    add_reply(r, candidates[0], key);
    if (r->count == before) return;
    r->items[r->count - 1].candidates = candidates;
    r->items[r->count - 1].candidate_count = count;
}

/* Events of the outside world: for who starts on them, and for who waits for them. */
static void read_events(struct saga_intake_reading *r, const struct saga_catalog_topic *topic)
{
    if (topic->starts) read_starts(r);
    if (topic->awaits) read_awaited(r);
    r->untyped = r->count == 0 && r->common.event.type.size == 0 && !r->typed;
}

static void read_reply(struct saga_intake_reading *r, const struct saga_catalog_topic *topic)
{
    struct saga_slice saga_id, name, key, message = SAGA_SLICE_NONE;
    struct saga_diagnostic diagnostic = { 0 };
    int error = saga_reply_address(&r->common.record, r->intake->arena, &r->common.event, &saga_id,
                                   &diagnostic);
    if (error == SAGA_E_NOT_FOUND) {
        read_events(r, topic);
        if (r->count) return;
    }
    find_type(r, &message);
    if (r->common.event.type.size == 0) {
        saga_intake_add_dead_letter(
            r, SAGA_LETTER_NO_TYPE,
            message.size
                ? saga_arena_printf(r->intake->arena,
                                    "it says no type: it has no ce_type header, and the "
                                    "participant's `type` finds none: %.*s",
                                    SAGA_SLICE_ARG(message))
                : SAGA_SLICE("it says no type: it has no ce_type header, and no participant that "
                             "answers on this topic has a `type`"));
    } else if (error == SAGA_E_NOT_FOUND) {
        read_correlated_reply(r);
    } else if (error < 0 || saga_id_parse(saga_id, &name, &key) < 0) {
        saga_intake_add_dead_letter(r, SAGA_LETTER_BAD_ADDRESS,
                                    diagnostic.what.size ? diagnostic.what
                                                         : SAGA_SLICE("not the id of a saga"));
    } else {
        add_reply(r, saga_id, key);
    }
}

/* ---- all of it ---- */

static void read_outside(struct saga_intake_reading *r)
{
    struct saga_diagnostic diagnostic = { 0 };
    const struct saga_catalog_topic *topic =
        saga_catalog_topic(r->intake->catalog, r->common.record.topic);
    if (!topic || (!topic->replies && !topic->starts && !topic->awaits)) return;
    int error = saga_event_open(&r->common.record, saga_catalog_schemas(r->intake->catalog),
                                r->intake->arena, &r->common.event, &diagnostic);
    if (error < 0)
        saga_intake_add_dead_letter(
            r, error == SAGA_E_NOT_FOUND ? SAGA_LETTER_NO_SCHEMA : SAGA_LETTER_UNREADABLE,
            diagnostic.what);
    else if (topic->replies)
        read_reply(r, topic);
    else
        read_events(r, topic);
}

static void read_inbox(struct saga_intake_reading *r, const struct saga_message *record)
{
    struct saga_diagnostic diagnostic = { 0 };
    r->common.from_inbox = true;
    r->common.inbox_lane = (uint32_t)record->partition;
    switch (saga_inbox_kind_of(record)) {
    case SAGA_INBOX_HOP:
        if (saga_hop_open(record, r->intake->arena, &r->common.record, &diagnostic) < 0)
            saga_intake_add_dead_letter(r, SAGA_LETTER_UNREADABLE, diagnostic.what);
        else
            read_outside(r);
        return;
    case SAGA_INBOX_START: saga_intake_read_start(r); return;
    case SAGA_INBOX_OPERATOR: saga_intake_read_operator(r); return;
    case SAGA_INBOX_NOTE: saga_intake_read_note(r); return;
    case SAGA_INBOX_UNKNOWN:
        saga_intake_add_dead_letter(r, SAGA_LETTER_UNREADABLE,
                                    SAGA_SLICE("a record in the inbox without a known saga_kind"));
        return;
    }
}

void saga_intake_read(const struct saga_intake *intake, const struct saga_message *record,
                      struct saga_intake_item **ret, size_t *ret_count)
{
    struct saga_intake_reading r = { .intake = intake };
    r.common.record = *record;
    if (saga_slice_equal(record->topic, intake->inbox))
        read_inbox(&r, record);
    else
        read_outside(&r);
    if (r.count == 0 && r.common.from_inbox) {
        /* somebody sent it here for a saga of this lane: a definition that is still to be read may say which */
        struct saga_intake_item *item = saga_intake_add(&r, SAGA_INTAKE_DEFINITION_MISSING);
        item->lane = r.common.inbox_lane;
        item->reason = SAGA_LETTER_NOBODYS;
        item->words = SAGA_SLICE("no deployed definition takes it for a saga of this lane");
    } else if (r.count == 0) {
        struct saga_intake_item *item = saga_intake_add(&r, SAGA_INTAKE_NOTHING);
        if (r.untyped)
            item->words = SAGA_SLICE("it says no type: it has no ce_type header, and no `type` of "
                                     "a `start` or an `await` finds one");
    }
    *ret = r.items;
    *ret_count = r.count;
}
