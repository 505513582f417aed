/* Journal records as Avro (schemas/journal.avsc). The tables below are in the order of the schema. */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "codec/codec_internal.h"

enum { CAUSE_FIELD = 8, FACTS_FIELD = 9, CHAIN_FIELD = 10 };

static const char *kind_name(int kind)
{
    return saga_event_kind_name((enum saga_event_kind)kind);
}

static const char *verb_name(int verb)
{
    return saga_verb_name((enum saga_verb)verb);
}

static const char *note_name(int note)
{
    return saga_note_name((enum saga_note)note);
}

#define HEAD(member, kind)                                                                         \
    {                                                                                              \
        kind, offsetof(struct saga_journal_record, member), NULL, 0                                \
    }
static const struct saga_avro_field head_fields[] = {
    HEAD(saga_id, SAGA_AVRO_STRING), HEAD(run, SAGA_AVRO_STRING),
    HEAD(key, SAGA_AVRO_STRING),     HEAD(name, SAGA_AVRO_STRING),
    HEAD(version, SAGA_AVRO_INT),    HEAD(sha256, SAGA_AVRO_STRING),
    HEAD(sequence, SAGA_AVRO_LONG),  HEAD(cause.time_ms, SAGA_AVRO_LONG),
};

#define CAUSE(member, kind)                                                                        \
    {                                                                                              \
        kind, offsetof(struct saga_event, member), NULL, 0                                         \
    }
static const struct saga_avro_field cause_fields[] = {
    { SAGA_AVRO_NAME, offsetof(struct saga_event, kind), kind_name, SAGA_EVENT_KIND_COUNT },
    CAUSE(source.topic, SAGA_AVRO_STRING),
    CAUSE(source.partition, SAGA_AVRO_INT),
    CAUSE(source.offset, SAGA_AVRO_LONG),
    CAUSE(type, SAGA_AVRO_STRING),
    CAUSE(id, SAGA_AVRO_STRING),
    CAUSE(content_type, SAGA_AVRO_STRING),
    CAUSE(body, SAGA_AVRO_BYTES),
    CAUSE(traceparent, SAGA_AVRO_STRING),
    CAUSE(key, SAGA_AVRO_STRING),
    CAUSE(run, SAGA_AVRO_STRING),
    CAUSE(step, SAGA_AVRO_STRING),
    CAUSE(attempt, SAGA_AVRO_INT),
    CAUSE(compensation, SAGA_AVRO_BOOL),
    CAUSE(timer, SAGA_AVRO_STRING),
    CAUSE(armed, SAGA_AVRO_LONG),
    { SAGA_AVRO_NAME, offsetof(struct saga_event, verb), verb_name, SAGA_VERB_COUNT },
    CAUSE(as, SAGA_AVRO_STRING),
    CAUSE(who, SAGA_AVRO_STRING),
    CAUSE(from, SAGA_AVRO_STRING),
    CAUSE(reason, SAGA_AVRO_STRING),
    { SAGA_AVRO_NAME, offsetof(struct saga_event, note), note_name, SAGA_NOTE_COUNT },
    CAUSE(from_id, SAGA_AVRO_STRING),
    CAUSE(from_run, SAGA_AVRO_STRING),
    CAUSE(from_step, SAGA_AVRO_STRING),
    CAUSE(target, SAGA_AVRO_STRING),
    CAUSE(keep_ms, SAGA_AVRO_LONG),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *status_name(int status)
{
    return saga_status_name((enum saga_status)status);
}

static const char *stuck_on_name(int on)
{
    return saga_stuck_on_name((enum saga_stuck_on)on);
}

static const char *entry_name(int kind)
{
    return saga_state_kind_name((enum saga_state_kind)kind);
}

/* The same row for a field of a fact, by the table that the engine keeps. */
static struct saga_avro_field fact_field(const struct saga_fact_field *field)
{
    struct saga_avro_field row = { SAGA_AVRO_STRING, field->offset, NULL, 0 };
    switch (field->type) {
    case SAGA_FIELD_STRING: break;
    case SAGA_FIELD_BYTES: row.kind = SAGA_AVRO_BYTES; break;
    case SAGA_FIELD_INT: row.kind = SAGA_AVRO_INT; break;
    case SAGA_FIELD_BOOL: row.kind = SAGA_AVRO_BOOL; break;
    case SAGA_FIELD_TIME: row.kind = SAGA_AVRO_LONG; break;
    case SAGA_FIELD_STATUS:
        row = (struct saga_avro_field){ SAGA_AVRO_NAME, field->offset, status_name,
                                        SAGA_STATUS_COUNT };
        break;
    case SAGA_FIELD_STUCK_ON:
        row = (struct saga_avro_field){ SAGA_AVRO_NAME, field->offset, stuck_on_name,
                                        SAGA_STUCK_ON_COUNT };
        break;
    case SAGA_FIELD_NOTE:
        row = (struct saga_avro_field){ SAGA_AVRO_NAME, field->offset, note_name, SAGA_NOTE_COUNT };
        break;
    case SAGA_FIELD_ENTRY:
        row =
            (struct saga_avro_field){ SAGA_AVRO_NAME, field->offset, entry_name, SAGA_KIND_COUNT };
        break;
    }
    return row;
}

static void put_fact(avro_value_t *value, const struct saga_fact *fact)
{
    const struct saga_fact_type *type = &saga_fact_types[fact->kind];
    struct saga_fact written = *fact;
    avro_value_t record;
    if (written.value_from_cause) written.value = SAGA_SLICE_NONE; /* it stands in the cause */
    int failed = avro_value_set_branch(value, (int)fact->kind, &record);
    SAGA_ASSERT(!failed);
    for (size_t i = 0; i < type->field_count; i++) {
        struct saga_avro_field row = fact_field(&type->fields[i]);
        saga_avro_put(&record, i, &row, 1, &written);
    }
}

struct saga_journal_record saga_journal_record_of(const struct saga_state *state,
                                                  const struct saga_event *cause,
                                                  const struct saga_facts *facts)
{
    return (struct saga_journal_record){ .saga_id = state->id,
                                         .run = state->run,
                                         .key = state->key,
                                         .name = state->name,
                                         .version = state->version,
                                         .sha256 = state->sha256,
                                         .sequence = state->sequence,
                                         .cause = *cause,
                                         .facts = facts->items,
                                         .fact_count = facts->count };
}

int saga_journal_encode(struct saga_codec *codec, const struct saga_journal_record *record,
                        const uint8_t chain[SAGA_SHA256_BYTES], struct saga_arena *arena,
                        struct saga_slice *ret_bytes, uint8_t ret_chain[SAGA_SHA256_BYTES])
{
    avro_value_t *value = &codec->journal.writing, field, item;
    uint8_t zero[SAGA_SHA256_BYTES] = { 0 };
    struct saga_slice bytes;
    avro_value_reset(value);
    saga_avro_put(value, 0, head_fields, COUNT(head_fields), record);
    int failed = avro_value_get_by_index(value, CAUSE_FIELD, &field, NULL);
    SAGA_ASSERT(!failed);
    saga_avro_put(&field, 0, cause_fields, COUNT(cause_fields), &record->cause);
    failed = avro_value_get_by_index(value, FACTS_FIELD, &field, NULL);
    for (size_t i = 0; i < record->fact_count && !failed; i++) {
        failed = avro_value_append(&field, &item, NULL);
        if (!failed) put_fact(&item, &record->facts[i]);
    }
    failed |= avro_value_get_by_index(value, CHAIN_FIELD, &field, NULL);
    failed |= avro_value_set_fixed(&field, zero, sizeof zero);
    SAGA_ASSERT(!failed);
    int error = saga_avro_encode(value, codec->journal.fingerprint, SAGA_JOURNAL_RECORD_BYTES_MAX,
                                 arena, &bytes);
    if (error < 0) return error;
    uint8_t next[SAGA_SHA256_BYTES];
    saga_journal_chain(bytes, chain, next);
    memcpy((char *)(uintptr_t)bytes.data + bytes.size - sizeof next, next, sizeof next);
    memcpy(ret_chain, next, sizeof next);
    *ret_bytes = bytes;
    return SAGA_OK;
}

int saga_journal_chain(struct saga_slice bytes, const uint8_t previous[SAGA_SHA256_BYTES],
                       uint8_t ret[SAGA_SHA256_BYTES])
{
    if (bytes.size < SAGA_SHA256_BYTES) return SAGA_E_INVALID;
    struct saga_slice before = { (const char *)previous, SAGA_SHA256_BYTES };
    uint8_t digest[SAGA_SHA256_BYTES];
    saga_sha256(before, (struct saga_slice){ bytes.data, bytes.size - SAGA_SHA256_BYTES }, digest);
    memcpy(ret, digest, sizeof digest);
    return SAGA_OK;
}

/* ---- reading ---- */

static int get_fact(avro_value_t *value, const struct saga_event *cause, struct saga_arena *arena,
                    struct saga_fact *ret)
{
    avro_value_t record;
    int discriminant;
    int failed = avro_value_get_discriminant(value, &discriminant) |
                 avro_value_get_current_branch(value, &record);
    SAGA_ASSERT(!failed && discriminant >= 0 && discriminant < SAGA_FACT_KIND_COUNT);
    const struct saga_fact_type *type = &saga_fact_types[discriminant];
    ret->kind = (enum saga_fact_kind)discriminant;
    for (size_t i = 0; i < type->field_count; i++) {
        struct saga_avro_field row = fact_field(&type->fields[i]);
        if (saga_avro_get(&record, i, &row, 1, arena, ret) < 0) return SAGA_E_INVALID;
    }
    if (ret->value_from_cause) ret->value = cause->body;
    return SAGA_OK;
}

static int get_facts(avro_value_t *record, struct saga_arena *arena,
                     struct saga_journal_record *ret)
{
    avro_value_t facts, item;
    int failed = avro_value_get_by_index(record, FACTS_FIELD, &facts, NULL) |
                 avro_value_get_size(&facts, &ret->fact_count);
    SAGA_ASSERT(!failed);
    ret->facts = SAGA_NEW_ARRAY(arena, struct saga_fact, ret->fact_count);
    for (size_t i = 0; i < ret->fact_count; i++) {
        failed = avro_value_get_by_index(&facts, i, &item, NULL);
        SAGA_ASSERT(!failed);
        if (get_fact(&item, &ret->cause, arena, &ret->facts[i]) < 0) return SAGA_E_INVALID;
    }
    return SAGA_OK;
}

int saga_journal_decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                        struct saga_journal_record *ret, struct saga_diagnostic *diagnostic)
{
    avro_value_t *value = &codec->journal.reading, field;
    struct saga_journal_record record = { 0 };
    const void *chain;
    size_t size;
    if (saga_avro_decode(bytes, codec->journal.fingerprint, codec->journal.schema, value, arena,
                         &diagnostic->what) < 0)
        return SAGA_E_INVALID;
    int failed = avro_value_get_by_index(value, CAUSE_FIELD, &field, NULL);
    SAGA_ASSERT(!failed);
    if (saga_avro_get(value, 0, head_fields, COUNT(head_fields), arena, &record) < 0 ||
        saga_avro_get(&field, 0, cause_fields, COUNT(cause_fields), arena, &record.cause) < 0 ||
        get_facts(value, arena, &record) < 0) {
        diagnostic->what = SAGA_SLICE("it names a kind, a verb or a status that there is not");
        return SAGA_E_INVALID;
    }
    failed = avro_value_get_by_index(value, CHAIN_FIELD, &field, NULL) |
             avro_value_get_fixed(&field, &chain, &size);
    SAGA_ASSERT(!failed && size == sizeof record.chain);
    memcpy(record.chain, chain, size);
    *ret = record;
    return SAGA_OK;
}
