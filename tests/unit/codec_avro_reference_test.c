/* Avro: the same bytes as avro-c, which knows the schemas and not the codec's tables. Random records and states, from a
 * seed that is always the same. */
#include "codec_avro_named.h"

extern const char saga_schema_journal[], saga_schema_state[];

enum { ROUNDS = 400, FACTS_MAX = 6, HEAD_BYTES = 10 };

/* ---- avro-c ---- */

struct reference {
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_value_t value;
};

static void open_reference(struct reference *r, const char *text)
{
    assert_int_equal(avro_schema_from_json_length(text, strlen(text), &r->schema), 0);
    r->iface = avro_generic_class_from_schema(r->schema);
    assert_int_equal(avro_generic_value_new(r->iface, &r->value), 0);
}

static void close_reference(struct reference *r)
{
    avro_value_decref(&r->value);
    avro_value_iface_decref(r->iface);
    avro_schema_decref(r->schema);
}

static struct saga_slice written(struct fixture *f, avro_value_t *value)
{
    size_t size;
    assert_int_equal(avro_value_sizeof(value, &size), 0);
    char *bytes = saga_arena_take(&f->arena, size + 1);
    avro_writer_t writer = avro_writer_memory(bytes, (int64_t)size);
    assert_int_equal(avro_value_write(writer, value), 0);
    avro_writer_free(writer);
    return (struct saga_slice){ bytes, size };
}

static void read_datum(struct reference *r, struct saga_slice bytes)
{
    struct saga_slice datum = saga_slice_skip(bytes, HEAD_BYTES);
    avro_reader_t reader = avro_reader_memory(datum.data, (int64_t)datum.size);
    avro_value_reset(&r->value);
    assert_int_equal(avro_value_read(reader, &r->value), 0);
    avro_reader_free(reader);
}

/* avro-c reads what was written, and writes the same. */
static void assert_as_reference(struct fixture *f, struct reference *r, struct saga_slice bytes)
{
    read_datum(r, bytes);
    assert_true(saga_slice_equal(written(f, &r->value), saga_slice_skip(bytes, HEAD_BYTES)));
}

static avro_value_t item_of(avro_value_t *array, size_t index)
{
    avro_value_t item;
    assert_int_equal(avro_value_get_by_index(array, index, &item, NULL), 0);
    return item;
}

static size_t size_of(avro_value_t *array)
{
    size_t size;
    assert_int_equal(avro_value_get_size(array, &size), 0);
    return size;
}

/* ---- records ---- */

static struct saga_fact any_fact(struct fixture *f, enum saga_fact_kind kind)
{
    struct saga_fact fact = { .kind = kind };
    const struct saga_fact_type *type = &saga_fact_types[kind];
    for (size_t i = 0; i < type->field_count; i++) {
        void *at = (char *)&fact + type->fields[i].offset;
        switch (type->fields[i].type) {
        case SAGA_FIELD_STRING:
        case SAGA_FIELD_BYTES: *(struct saga_slice *)at = any_text(&f->arena); break;
        case SAGA_FIELD_INT: *(uint32_t *)at = (uint32_t)any_number(); break;
        case SAGA_FIELD_BOOL: *(bool *)at = below(2); break;
        case SAGA_FIELD_TIME: *(int64_t *)at = any_number(); break;
        case SAGA_FIELD_STATUS:
            *(enum saga_status *)at = (enum saga_status)below(SAGA_STATUS_COUNT);
            break;
        case SAGA_FIELD_STUCK_ON:
            *(enum saga_stuck_on *)at = (enum saga_stuck_on)below(SAGA_STUCK_ON_COUNT);
            break;
        case SAGA_FIELD_NOTE: *(enum saga_note *)at = (enum saga_note)below(SAGA_NOTE_COUNT); break;
        case SAGA_FIELD_ENTRY:
            *(enum saga_state_kind *)at = (enum saga_state_kind)below(SAGA_KIND_COUNT);
            break;
        }
    }
    return fact;
}

/* Of every kind in turn. */
static struct saga_journal_record any_record(struct fixture *f, size_t round)
{
    struct saga_journal_record record = { .fact_count = below(FACTS_MAX + 1) };
    record.facts = SAGA_NEW_ARRAY(&f->arena, struct saga_fact, record.fact_count);
    fill_named(&record, record_fields, COUNT(record_fields), &f->arena);
    fill_named(&record.cause, cause_fields, COUNT(cause_fields), &f->arena);
    record.cause.kind = (enum saga_event_kind)below(SAGA_EVENT_KIND_COUNT);
    record.cause.verb = (enum saga_verb)below(SAGA_VERB_COUNT);
    record.cause.note = (enum saga_note)below(SAGA_NOTE_COUNT);
    for (size_t i = 0; i < record.fact_count; i++)
        record.facts[i] =
            any_fact(f, (enum saga_fact_kind)((round * FACTS_MAX + i) % SAGA_FACT_KIND_COUNT));
    return record;
}

static void assert_fact(avro_value_t *value, const struct saga_fact *fact)
{
    const struct saga_fact_type *type = &saga_fact_types[fact->kind];
    avro_value_t record;
    assert_int_equal(avro_value_get_current_branch(value, &record), 0);
    assert_string_equal(avro_schema_name(avro_value_get_schema(&record)), type->name);
    for (size_t i = 0; i < type->field_count; i++) {
        const void *at = (const char *)fact + type->fields[i].offset;
        const struct saga_slice *slice = at;
        const char *name = type->fields[i].name;
        switch (type->fields[i].type) {
        case SAGA_FIELD_STRING: assert_text(&record, name, *slice); break;
        case SAGA_FIELD_BYTES:
            assert_bytes(&record, name, fact->value_from_cause ? SAGA_SLICE_NONE : *slice);
            break;
        case SAGA_FIELD_INT: assert_number(&record, name, *(const int32_t *)at); break;
        case SAGA_FIELD_BOOL: assert_number(&record, name, *(const bool *)at); break;
        case SAGA_FIELD_TIME: assert_number(&record, name, *(const int64_t *)at); break;
        case SAGA_FIELD_STATUS:
            assert_text(&record, name,
                        saga_slice_of(saga_status_name(*(const enum saga_status *)at)));
            break;
        case SAGA_FIELD_STUCK_ON:
            assert_text(&record, name,
                        saga_slice_of(saga_stuck_on_name(*(const enum saga_stuck_on *)at)));
            break;
        case SAGA_FIELD_NOTE:
            assert_text(&record, name, saga_slice_of(saga_note_name(*(const enum saga_note *)at)));
            break;
        case SAGA_FIELD_ENTRY:
            assert_text(&record, name,
                        saga_slice_of(saga_state_kind_name(*(const enum saga_state_kind *)at)));
            break;
        }
    }
}

static void assert_record(avro_value_t *value, const struct saga_journal_record *record)
{
    avro_value_t cause = field_of(value, "cause"), facts = field_of(value, "facts");
    assert_named(value, record_fields, COUNT(record_fields), record);
    assert_named(&cause, cause_fields, COUNT(cause_fields), &record->cause);
    assert_text(&cause, "kind", saga_slice_of(saga_event_kind_name(record->cause.kind)));
    assert_text(&cause, "verb", saga_slice_of(saga_verb_name(record->cause.verb)));
    assert_text(&cause, "note", saga_slice_of(saga_note_name(record->cause.note)));
    assert_int_equal(size_of(&facts), record->fact_count);
    for (size_t i = 0; i < record->fact_count; i++) {
        avro_value_t fact = item_of(&facts, i);
        assert_fact(&fact, &record->facts[i]);
    }
}

/* What is decoded is encoded to the same bytes, chain and all. */
static void assert_same_again(struct fixture *f, struct saga_slice bytes, struct saga_slice want)
{
    static const uint8_t zero[SAGA_SHA256_BYTES];
    uint8_t chain[SAGA_SHA256_BYTES];
    struct saga_journal_record got;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice again;
    if (saga_journal_decode(f->codec, bytes, &f->arena, &got, &diagnostic) < 0)
        fail_msg("%.*s", SAGA_SLICE_ARG(diagnostic.what));
    assert_int_equal(saga_journal_encode(f->codec, &got, zero, &f->arena, &again, chain), 0);
    assert_true(saga_slice_equal(again, want));
}

static void add_long(struct saga_buffer *out, int64_t value)
{
    uint64_t rest = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
    for (; rest > 0x7f; rest >>= 7) saga_buffer_add_char(out, (char)(rest & 0x7f) | (char)0x80);
    saga_buffer_add_char(out, (char)rest);
}

/* The record with its facts in blocks of one or two, most of which say their size: other writers may do so. */
static struct saga_slice in_blocks(struct fixture *f, struct reference *r, struct saga_slice bytes,
                                   size_t fact_count)
{
    struct saga_buffer out;
    avro_value_t facts = field_of(&r->value, "facts");
    size_t behind = fact_count ? 1 : 0; /* the count's own byte */
    for (size_t i = 0; i < fact_count; i++) {
        avro_value_t fact = item_of(&facts, i);
        behind += written(f, &fact).size;
    }
    saga_buffer_init(&out, &f->arena);
    saga_buffer_append(&out, bytes.data, bytes.size - SAGA_SHA256_BYTES - 1 - behind);
    for (size_t i = 0; i < fact_count;) {
        size_t count = fact_count - i > 1 && below(2) ? 2 : 1;
        struct saga_buffer block;
        saga_buffer_init(&block, &f->arena);
        for (size_t end = i + count; i < end; i++) {
            avro_value_t fact = item_of(&facts, i);
            saga_buffer_add(&block, written(f, &fact));
        }
        bool sized = below(3);
        add_long(&out, sized ? -(int64_t)count : (int64_t)count);
        if (sized) add_long(&out, (int64_t)block.size);
        saga_buffer_add(&out, saga_buffer_slice(&block));
    }
    saga_buffer_append(&out, bytes.data + bytes.size - SAGA_SHA256_BYTES - 1,
                       SAGA_SHA256_BYTES + 1);
    return saga_buffer_slice(&out);
}

static void records_are_those_of_avro_c(void **state)
{
    struct fixture *f = *state;
    struct reference journal;
    open_reference(&journal, saga_schema_journal);
    for (size_t round = 0; round < ROUNDS; round++) {
        struct saga_journal_record record = any_record(f, round);
        struct saga_slice bytes = encode(f, &record);
        assert_as_reference(f, &journal, bytes);
        assert_record(&journal.value, &record);
        assert_same_again(f, bytes, bytes);
        struct saga_slice blocks = in_blocks(f, &journal, bytes, record.fact_count);
        assert_same_again(f, blocks, bytes);
        read_datum(&journal, blocks);
        assert_record(&journal.value, &record);
        saga_arena_reset(&f->arena);
    }
    close_reference(&journal);
}

/* ---- states ---- */

static struct saga_slice must(struct saga_slice text)
{
    return text.size ? text : SAGA_SLICE("x");
}

/* Filled anew, but for what must fit together. */
static void fill_state(struct saga_state *s, struct saga_arena *arena)
{
    fill_named(s, state_fields, COUNT(state_fields), arena);
    s->id = must(any_text(arena));
    s->run = must(any_text(arena));
    s->name = must(any_text(arena));
    s->has_error = below(2);
    s->has_deferred = below(2);
    fill_named(&s->error, error_fields, COUNT(error_fields), arena);
    fill_named(&s->deferred, error_fields, COUNT(error_fields), arena);
    s->kind = (enum saga_state_kind)below(SAGA_KIND_COUNT);
    s->stuck_on = (enum saga_stuck_on)(1 + below(SAGA_STUCK_ON_COUNT - 1));
    for (size_t i = 0; i < s->scope_count; i++) {
        fill_named(&s->scopes[i], scope_fields, COUNT(scope_fields), arena);
        if (s->scopes[i].ended) s->scopes[i].open = 0;
    }
    for (size_t i = 0; i < s->step_count; i++) {
        struct saga_step_state *step = &s->steps[i];
        fill_named(step, step_fields, COUNT(step_fields), arena);
        if (step->compensation != SAGA_COMPENSATION_NONE) step->pivot = false;
        step->kind = below(2) ? SAGA_STEP_COMMAND : SAGA_STEP_CHILD;
    }
    for (size_t i = 0; i < s->timer_count; i++)
        fill_named(&s->timers[i], timer_fields, COUNT(timer_fields), arena);
    for (size_t i = 0; i < s->search_count; i++)
        fill_named(&s->search[i], search_fields, COUNT(search_fields), arena);
    for (size_t i = 0; i < s->waiter_count; i++)
        fill_named(&s->waiters[i], waiter_fields, COUNT(waiter_fields), arena);
    for (size_t i = 0; i < s->kept_count; i++) {
        fill_named(&s->kept[i], kept_fields, COUNT(kept_fields), arena);
        s->kept[i].status = (enum saga_kept_status)below(SAGA_KEPT_STATUS_COUNT);
    }
}

static void assert_error(avro_value_t *record, const char *name, bool present,
                         const struct saga_error_value *want)
{
    avro_value_t field = field_of(record, name), branch;
    int discriminant;
    assert_int_equal(avro_value_get_discriminant(&field, &discriminant), 0);
    assert_int_equal(discriminant, present);
    if (!present) return;
    assert_int_equal(avro_value_get_current_branch(&field, &branch), 0);
    assert_named(&branch, error_fields, COUNT(error_fields), want);
}

static void assert_array(avro_value_t *record, const char *name, const struct named *fields,
                         size_t field_count, const void *items, size_t count, size_t item_size)
{
    avro_value_t array = field_of(record, name);
    assert_int_equal(size_of(&array), count);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item = item_of(&array, i);
        assert_named(&item, fields, field_count, (const char *)items + i * item_size);
    }
}

static void assert_steps(avro_value_t *value, const struct saga_state *s)
{
    avro_value_t steps = field_of(value, "steps");
    for (size_t i = 0; i < s->step_count; i++) {
        const struct saga_step_state *want = &s->steps[i];
        avro_value_t step = item_of(&steps, i);
        assert_text(&step, "path", want->path);
        assert_text(&step, "kind", saga_slice_of(saga_step_kind_name(want->kind)));
        assert_text(&step, "status", saga_slice_of(saga_step_status_name(want->status)));
        assert_text(&step, "compensation",
                    saga_slice_of(saga_compensation_status_name(want->compensation)));
        assert_number(&step, "scope", want->scope);
        assert_number(&step, "attempt", want->attempt);
        assert_number(&step, "endedOrder", (int64_t)want->ended_order);
        assert_number(&step, "sent", want->sent_ms);
        assert_number(&step, "answered", want->answered_ms);
    }
}

static void assert_state(avro_value_t *value, const struct saga_state *s)
{
#define ARRAY(name, fields, items, count)                                                          \
    assert_array(value, name, fields, COUNT(fields), s->items, s->count, sizeof s->items[0])
    assert_named(value, state_fields, COUNT(state_fields), s);
    assert_text(value, "id", s->id);
    assert_text(value, "run", s->run);
    assert_text(value, "definition", s->name);
    assert_text(value, "status", saga_slice_of(saga_status_name(s->status)));
    assert_text(value, "kind", saga_slice_of(saga_state_kind_name(s->kind)));
    assert_text(value, "stuckOn", saga_slice_of(saga_stuck_on_name(s->stuck_on)));
    assert_number(value, "sequence", (int64_t)s->sequence);
    assert_number(value, "ended", s->ended_ms);
    assert_number(value, "endedSteps", (int64_t)s->ended_steps);
    assert_number(value, "scopeIds", s->scope_ids);
    assert_error(value, "error", s->has_error, &s->error);
    assert_error(value, "deferred", s->has_deferred, &s->deferred);
    ARRAY("scopes", scope_fields, scopes, scope_count);
    ARRAY("steps", step_fields, steps, step_count);
    ARRAY("timers", timer_fields, timers, timer_count);
    ARRAY("search", search_fields, search, search_count);
    ARRAY("waiters", waiter_fields, waiters, waiter_count);
    ARRAY("kept", kept_fields, kept, kept_count);
    assert_steps(value, s);
#undef ARRAY
}

static void states_are_those_of_avro_c(void **state)
{
    struct fixture *f = *state;
    struct reference reference;
    struct saga_state *rich = rich_state();
    open_reference(&reference, saga_schema_state);
    for (size_t round = 0; round < ROUNDS; round++) {
        struct saga_diagnostic diagnostic = { 0 };
        struct saga_state *got;
        fill_state(rich, &f->arena);
        struct saga_slice bytes = encode_state(f, rich);
        assert_as_reference(f, &reference, bytes);
        assert_state(&reference.value, rich);
        if (saga_state_decode(f->codec, bytes, &f->arena, &got, &diagnostic) < 0)
            fail_msg("%.*s", SAGA_SLICE_ARG(diagnostic.what));
        assert_state(&reference.value, got);
        assert_true(saga_slice_equal(encode_state(f, got), bytes));
        saga_state_free(got);
        saga_arena_reset(&f->arena);
    }
    saga_state_free(rich);
    close_reference(&reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_those_of_avro_c, set_up, tear_down),
        cmocka_unit_test_setup_teardown(states_are_those_of_avro_c, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
