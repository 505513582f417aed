/* Journal records as Avro (schemas/journal.avsc). The tables below are in the order of the schema. */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/limits.h"
#include "codec/codec_internal.h"

#define HEAD(member, kind)                                                                         \
    {                                                                                              \
        kind, offsetof(struct saga_journal_record, member), NULL                                   \
    }
static const struct saga_avro_field head_fields[] = {
    HEAD(saga_id, SAGA_AVRO_STRING), HEAD(run, SAGA_AVRO_STRING),
    HEAD(key, SAGA_AVRO_STRING),     HEAD(name, SAGA_AVRO_STRING),
    HEAD(version, SAGA_AVRO_INT),    HEAD(sha256, SAGA_AVRO_STRING),
    HEAD(sequence, SAGA_AVRO_LONG),  HEAD(cause.time_ms, SAGA_AVRO_LONG),
};

#define CAUSE(member, kind)                                                                        \
    {                                                                                              \
        kind, offsetof(struct saga_event, member), NULL                                            \
    }
static const struct saga_avro_field cause_fields[] = {
    { SAGA_AVRO_NAME, offsetof(struct saga_event, kind), &saga_avro_event_kinds },
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
    { SAGA_AVRO_NAME, offsetof(struct saga_event, verb), &saga_avro_verbs },
    CAUSE(as, SAGA_AVRO_STRING),
    CAUSE(who, SAGA_AVRO_STRING),
    CAUSE(from, SAGA_AVRO_STRING),
    CAUSE(reason, SAGA_AVRO_STRING),
    { SAGA_AVRO_NAME, offsetof(struct saga_event, note), &saga_avro_notes },
    CAUSE(from_id, SAGA_AVRO_STRING),
    CAUSE(from_run, SAGA_AVRO_STRING),
    CAUSE(from_step, SAGA_AVRO_STRING),
    CAUSE(target, SAGA_AVRO_STRING),
    CAUSE(keep_ms, SAGA_AVRO_LONG),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What the engine calls a field's type. */
static const struct {
    enum saga_avro_kind kind;
    const struct saga_avro_names *names;
} fact_fields[] = {
    [SAGA_FIELD_STRING] = { SAGA_AVRO_STRING, NULL },
    [SAGA_FIELD_BYTES] = { SAGA_AVRO_BYTES, NULL },
    [SAGA_FIELD_INT] = { SAGA_AVRO_INT, NULL },
    [SAGA_FIELD_BOOL] = { SAGA_AVRO_BOOL, NULL },
    [SAGA_FIELD_TIME] = { SAGA_AVRO_LONG, NULL },
    [SAGA_FIELD_STATUS] = { SAGA_AVRO_NAME, &saga_avro_statuses },
    [SAGA_FIELD_STUCK_ON] = { SAGA_AVRO_NAME, &saga_avro_stuck_on },
    [SAGA_FIELD_NOTE] = { SAGA_AVRO_NAME, &saga_avro_notes },
    [SAGA_FIELD_ENTRY] = { SAGA_AVRO_NAME, &saga_avro_state_kinds },
};

enum { FACT_FIELDS_MAX = 24 };

/* The rows of each kind's fields, made once of the table that the engine keeps. */
static struct saga_avro_field fact_rows[SAGA_FACT_KIND_COUNT][FACT_FIELDS_MAX];

/* ---- writing ---- */

static void put_fact(struct saga_avro_out *out, const struct saga_fact *fact)
{
    const struct saga_fact_type *type = &saga_fact_types[fact->kind];
    struct saga_fact written;
    saga_avro_put_long(out, fact->kind);
    if (fact->value_from_cause) {
        written = *fact;
        written.value = SAGA_SLICE_NONE; /* it stands in the cause */
        fact = &written;
    }
    saga_avro_put(out, fact_rows[fact->kind], type->field_count, fact);
}

static void put_facts(struct saga_avro_out *out, const struct saga_fact *facts, size_t count)
{
    if (count) saga_avro_put_long(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) put_fact(out, &facts[i]);
    saga_avro_put_long(out, 0);
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
    struct saga_avro_out *out = &codec->out;
    uint8_t next[SAGA_SHA256_BYTES] = { 0 };
    struct saga_slice bytes;
    saga_avro_begin(out, codec->fingerprints.journal, SAGA_JOURNAL_RECORD_BYTES_MAX);
    saga_avro_put(out, head_fields, COUNT(head_fields), record);
    saga_avro_put(out, cause_fields, COUNT(cause_fields), &record->cause);
    put_facts(out, record->facts, record->fact_count);
    saga_avro_put_fixed(out, next, sizeof next);
    int error = saga_avro_end(out, arena, &bytes);
    if (error < 0) return error;
    saga_journal_chain(bytes, chain, next);
    memcpy((char *)(uintptr_t)bytes.data + bytes.size - sizeof next, next, sizeof next);
    memcpy(ret_chain, next, sizeof next);
    *ret_bytes = bytes;
    return SAGA_OK;
}

bool saga_journal_are_facts(struct saga_codec *codec, const struct saga_facts *facts,
                            struct saga_slice bytes)
{
    struct saga_avro_out *out = &codec->out;
    saga_avro_begin(out, codec->fingerprints.journal, SAGA_JOURNAL_RECORD_BYTES_MAX);
    put_facts(out, facts->items, facts->count);
    size_t size = out->size - SAGA_AVRO_HEAD_BYTES;
    return !out->over && size == bytes.size &&
           memcmp(out->bytes + SAGA_AVRO_HEAD_BYTES, bytes.data, size) == 0;
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

static bool get_fact(struct saga_avro_in *in, const struct saga_event *cause, struct saga_fact *ret)
{
    size_t kind;
    if (!saga_avro_get_branch(in, SAGA_FACT_KIND_COUNT, &kind)) return false;
    const struct saga_fact_type *type = &saga_fact_types[kind];
    ret->kind = (enum saga_fact_kind)kind;
    if (!saga_avro_get(in, fact_rows[kind], type->field_count, ret)) return false;
    if (ret->value_from_cause) ret->value = cause->body;
    return true;
}

static bool get_facts(struct saga_avro_in *in, struct saga_arena *arena,
                      struct saga_journal_record *ret)
{
    struct saga_avro_items facts = { .item_size = sizeof *ret->facts };
    struct saga_fact *fact;
    while ((fact = saga_avro_next(in, &facts, arena)))
        if (!get_fact(in, &ret->cause, fact)) return false;
    ret->facts = facts.items;
    ret->fact_count = facts.count;
    return !in->why;
}

/* Of the facts, which stand between the cause and the chain, there is nothing to be read but where they are. */
static void pass_facts(struct saga_avro_in *in, struct saga_slice *ret)
{
    size_t left = (size_t)(in->end - in->at);
    size_t size = left > SAGA_SHA256_BYTES ? left - SAGA_SHA256_BYTES : 0;
    *ret = (struct saga_slice){ (const char *)in->at, size };
    in->at += size;
}

/* `ret_facts`: NULL to read them. */
static int decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                  struct saga_journal_record *ret, struct saga_slice *ret_facts,
                  struct saga_diagnostic *diagnostic)
{
    struct saga_journal_record record = { 0 };
    struct saga_avro_in in;
    int error = saga_avro_open(&in, bytes, codec->fingerprints.journal, arena, &diagnostic->what);
    if (error < 0) return error;
    bool fits = saga_avro_get(&in, head_fields, COUNT(head_fields), &record) &&
                saga_avro_get(&in, cause_fields, COUNT(cause_fields), &record.cause);
    if (fits && ret_facts) pass_facts(&in, ret_facts);
    if (fits && !ret_facts) fits = get_facts(&in, arena, &record);
    if (fits) saga_avro_get_fixed(&in, record.chain, sizeof record.chain);
    error = saga_avro_close(&in, arena, &diagnostic->what);
    if (error < 0) return error;
    if (in.unnamed) {
        diagnostic->what = SAGA_SLICE("it names a kind, a verb or a status that there is not");
        return SAGA_E_INVALID;
    }
    *ret = record;
    return SAGA_OK;
}

int saga_journal_decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                        struct saga_journal_record *ret, struct saga_diagnostic *diagnostic)
{
    return decode(codec, bytes, arena, ret, NULL, diagnostic);
}

int saga_journal_decode_cause(struct saga_codec *codec, struct saga_slice bytes,
                              struct saga_arena *arena, struct saga_journal_record *ret,
                              struct saga_slice *ret_facts, struct saga_diagnostic *diagnostic)
{
    return decode(codec, bytes, arena, ret, ret_facts, diagnostic);
}

/* ---- the schema ---- */

static void take_fact(avro_schema_t record, enum saga_fact_kind kind)
{
    const struct saga_fact_type *type = &saga_fact_types[kind];
    struct saga_avro_field *rows = fact_rows[kind];
    SAGA_ASSERT(type->field_count <= FACT_FIELDS_MAX);
    SAGA_ASSERT(strcmp(avro_schema_name(record), type->name) == 0);
    for (size_t i = 0; i < type->field_count; i++) {
        const struct saga_fact_field *field = &type->fields[i];
        rows[i] = (struct saga_avro_field){ fact_fields[field->type].kind, (uint32_t)field->offset,
                                            fact_fields[field->type].names };
        SAGA_ASSERT(strcmp(avro_schema_record_field_name(record, (int)i), field->name) == 0);
    }
    saga_avro_check_all(record, rows, type->field_count);
}

void saga_journal_take_schema(avro_schema_t schema)
{
    const int cause = COUNT(head_fields), facts = cause + 1, chain = facts + 1;
    SAGA_ASSERT(avro_schema_record_size(schema) == (size_t)chain + 1);
    saga_avro_check(schema, 0, head_fields, COUNT(head_fields));
    saga_avro_check_all(avro_schema_record_field_get_by_index(schema, cause), cause_fields,
                        COUNT(cause_fields));
    avro_schema_t list = avro_schema_record_field_get_by_index(schema, facts);
    SAGA_ASSERT(avro_typeof(list) == AVRO_ARRAY);
    avro_schema_t kinds = avro_schema_array_items(list);
    SAGA_ASSERT(avro_typeof(kinds) == AVRO_UNION &&
                avro_schema_union_size(kinds) == SAGA_FACT_KIND_COUNT);
    for (int kind = 0; kind < SAGA_FACT_KIND_COUNT; kind++)
        take_fact(avro_schema_union_branch(kinds, kind), (enum saga_fact_kind)kind);
    avro_schema_t last = avro_schema_record_field_get_by_index(schema, chain);
    SAGA_ASSERT(avro_typeof(last) == AVRO_FIXED &&
                avro_schema_fixed_size(last) == SAGA_SHA256_BYTES);
}
