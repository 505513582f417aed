/* Avro: what was written is read again, whatever it was. Worth most under the address sanitizer. */
#include "base/json.h"
#include "base/limits.h"
#include "codec_avro_records.h"

static void assert_slices(struct saga_slice a, struct saga_slice b)
{
    assert_int_equal(a.data == NULL, b.data == NULL);
    assert_true(saga_slice_equal(a, b));
}

static void assert_same_field(const struct saga_fact *a, const struct saga_fact *b,
                              const struct saga_fact_field *field)
{
    const void *x = (const char *)a + field->offset, *y = (const char *)b + field->offset;
    switch (field->type) {
    case SAGA_FIELD_STRING:
    case SAGA_FIELD_BYTES:
        assert_slices(*(const struct saga_slice *)x, *(const struct saga_slice *)y);
        return;
    case SAGA_FIELD_INT: assert_int_equal(*(const uint32_t *)x, *(const uint32_t *)y); return;
    case SAGA_FIELD_BOOL: assert_int_equal(*(const bool *)x, *(const bool *)y); return;
    case SAGA_FIELD_TIME: assert_int_equal(*(const int64_t *)x, *(const int64_t *)y); return;
    case SAGA_FIELD_STATUS:
        assert_int_equal(*(const enum saga_status *)x, *(const enum saga_status *)y);
        return;
    case SAGA_FIELD_STUCK_ON:
        assert_int_equal(*(const enum saga_stuck_on *)x, *(const enum saga_stuck_on *)y);
        return;
    case SAGA_FIELD_NOTE:
        assert_int_equal(*(const enum saga_note *)x, *(const enum saga_note *)y);
        return;
    case SAGA_FIELD_ENTRY:
        assert_int_equal(*(const enum saga_state_kind *)x, *(const enum saga_state_kind *)y);
        return;
    }
    fail();
}

static void assert_same_cause(const struct saga_event *a, const struct saga_event *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_slices(a->source.topic, b->source.topic);
    assert_int_equal(a->source.partition, b->source.partition);
    assert_int_equal(a->source.offset, b->source.offset);
    const struct saga_slice x[] = { a->type, a->id,   a->content_type, a->body,  a->traceparent,
                                    a->key,  a->run,  a->step,         a->timer, a->as,
                                    a->who,  a->from, a->reason };
    const struct saga_slice y[] = { b->type, b->id,   b->content_type, b->body,  b->traceparent,
                                    b->key,  b->run,  b->step,         b->timer, b->as,
                                    b->who,  b->from, b->reason };
    for (size_t i = 0; i < COUNT(x); i++) assert_slices(x[i], y[i]);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->compensation, b->compensation);
    assert_int_equal(a->armed, b->armed);
    assert_int_equal(a->verb, b->verb);
}

static void assert_same_record(const struct saga_journal_record *a,
                               const struct saga_journal_record *b)
{
    assert_slices(a->saga_id, b->saga_id);
    assert_slices(a->run, b->run);
    assert_slices(a->key, b->key);
    assert_slices(a->name, b->name);
    assert_slices(a->sha256, b->sha256);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->sequence, b->sequence);
    assert_same_cause(&a->cause, &b->cause);
    assert_int_equal(a->fact_count, b->fact_count);
    for (size_t i = 0; i < a->fact_count; i++) {
        const struct saga_fact_type *type = &saga_fact_types[a->facts[i].kind];
        assert_int_equal(a->facts[i].kind, b->facts[i].kind);
        for (size_t j = 0; j < type->field_count; j++)
            assert_same_field(&a->facts[i], &b->facts[i], &type->fields[j]);
    }
}

/* ---- records ---- */

static void every_kind_of_fact_is_read_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct saga_fact facts[SAGA_FACT_KIND_COUNT];
    struct saga_journal_record record = full_record(facts), got;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice bytes = encode(f, &record);
    assert_int_equal(saga_journal_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_same_record(&record, &got);
    /* the same again gives the same bytes, from values that were used before */
    assert_true(saga_slice_equal(encode(f, &got), bytes));
    struct saga_slice json = saga_journal_json(&got, true, &f->arena);
    assert_int_equal(saga_json_validate(json, NULL, NULL), SAGA_OK);
}

static void what_is_absent_stays_absent(void **state)
{
    struct fixture *f = *state;
    struct saga_fact facts[SAGA_FACT_KIND_COUNT] = { { .kind = SAGA_FACT_LANE_OPENED } };
    struct saga_journal_record record = { .facts = facts, .fact_count = SAGA_FACT_KIND_COUNT }, got;
    struct saga_diagnostic diagnostic = { 0 };
    record.cause.source = (struct saga_position){ SAGA_SLICE_NONE, -1, -1 };
    record.cause.type = SAGA_SLICE(""); /* read as absent */
    record.cause.body = SAGA_SLICE(""); /* bytes know the difference */
    for (int i = 0; i < SAGA_FACT_KIND_COUNT; i++) facts[i].kind = (enum saga_fact_kind)i;
    struct saga_slice bytes = encode(f, &record);
    record.cause.type = SAGA_SLICE_NONE;
    assert_int_equal(saga_journal_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_same_record(&record, &got);
    record.facts = NULL;
    record.fact_count = 0;
    bytes = encode(f, &record);
    assert_int_equal(saga_journal_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_int_equal(got.fact_count, 0);
}

static void a_value_that_is_the_causes_is_written_once(void **state)
{
    struct fixture *f = *state;
    char body[5000] = "\"";
    memset(body + 1, 'x', sizeof body - 3);
    body[sizeof body - 2] = '"';
    struct saga_slice value = { body, sizeof body - 1 };
    struct saga_fact fact = { .kind = SAGA_FACT_STEP_SUCCEEDED,
                              .step = SAGA_SLICE("a"),
                              .value = value,
                              .value_from_cause = true };
    struct saga_journal_record record = { .cause = { .kind = SAGA_EVENT_REPLY, .body = value },
                                          .facts = &fact,
                                          .fact_count = 1 };
    struct saga_journal_record got;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_slice bytes = encode(f, &record);
    assert_true(bytes.size > value.size && bytes.size < value.size + 300);
    assert_int_equal(saga_journal_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_same_record(&record, &got);
    assert_true(fact.value.data == body); /* the caller's fact is as it was */
}

static void a_record_over_the_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    static const uint8_t zero[SAGA_SHA256_BYTES];
    uint8_t chain[SAGA_SHA256_BYTES] = { 1 };
    struct saga_slice bytes = SAGA_SLICE("untouched");
    char *body = calloc(1, SAGA_JOURNAL_RECORD_BYTES_MAX);
    assert_non_null(body);
    struct saga_journal_record record = { .cause.body = { body, SAGA_JOURNAL_RECORD_BYTES_MAX } };
    assert_int_equal(saga_journal_encode(f->codec, &record, zero, &f->arena, &bytes, chain),
                     SAGA_E_LIMIT);
    assert_true(saga_slice_is(bytes, "untouched"));
    assert_int_equal(chain[0], 1);
    free(body);
}

static void a_record_of_just_the_limit_is_taken(void **state)
{
    struct fixture *f = *state;
    static const uint8_t zero[SAGA_SHA256_BYTES];
    uint8_t chain[SAGA_SHA256_BYTES];
    struct saga_slice bytes;
    char *body = calloc(1, SAGA_JOURNAL_RECORD_BYTES_MAX);
    assert_non_null(body);
    struct saga_journal_record record = { .cause.body = { body,
                                                          SAGA_JOURNAL_RECORD_BYTES_MAX / 2 } };
    size_t frame = encode(f, &record).size - record.cause.body.size; /* its length has 4 bytes */
    record.cause.body.size = SAGA_JOURNAL_RECORD_BYTES_MAX - frame;
    assert_int_equal(encode(f, &record).size, SAGA_JOURNAL_RECORD_BYTES_MAX);
    record.cause.body.size++;
    assert_int_equal(saga_journal_encode(f->codec, &record, zero, &f->arena, &bytes, chain),
                     SAGA_E_LIMIT);
    record.cause.body.size = 3; /* and what comes behind it is as ever */
    assert_int_equal(encode(f, &record).size, frame);
    free(body);
}

/* ---- the chain ---- */

static void each_record_is_chained_to_the_one_before(void **state)
{
    struct fixture *f = *state;
    struct saga_fact facts[SAGA_FACT_KIND_COUNT];
    struct saga_journal_record record = full_record(facts), got;
    struct saga_diagnostic diagnostic = { 0 };
    uint8_t chains[3][SAGA_SHA256_BYTES] = { { 0 } }, want[SAGA_SHA256_BYTES];
    struct saga_slice bytes;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            saga_journal_encode(f->codec, &record, chains[i], &f->arena, &bytes, chains[i + 1]),
            SAGA_OK);
        /* SHA-256 over the chain before and all but the chain field, which stands last */
        saga_sha256((struct saga_slice){ (const char *)chains[i], SAGA_SHA256_BYTES },
                    (struct saga_slice){ bytes.data, bytes.size - SAGA_SHA256_BYTES }, want);
        assert_memory_equal(chains[i + 1], want, sizeof want);
        assert_memory_equal(bytes.data + bytes.size - sizeof want, want, sizeof want);
        assert_int_equal(saga_journal_decode(f->codec, bytes, &f->arena, &got, &diagnostic),
                         SAGA_OK);
        assert_memory_equal(got.chain, want, sizeof want);
        uint8_t again[SAGA_SHA256_BYTES];
        assert_int_equal(saga_journal_chain(bytes, chains[i], again), SAGA_OK);
        assert_memory_equal(again, want, sizeof want);
    }
    assert_memory_not_equal(chains[1], chains[2], SAGA_SHA256_BYTES);
    /* the new chain may be written where the old one is read */
    uint8_t own[SAGA_SHA256_BYTES];
    memcpy(own, chains[1], sizeof own);
    assert_int_equal(saga_journal_encode(f->codec, &record, own, &f->arena, &bytes, own), SAGA_OK);
    assert_memory_equal(own, chains[2], sizeof own);
    assert_int_equal(saga_journal_chain(SAGA_SLICE("short"), own, own), SAGA_E_INVALID);
}

/* ---- states ---- */

static void assert_same_step(const struct saga_step_state *a, const struct saga_step_state *b)
{
    const struct saga_slice x[] = { a->path,
                                    a->topic,
                                    a->type,
                                    a->reply_topic,
                                    a->body,
                                    a->result,
                                    a->compensation_topic,
                                    a->compensation_type,
                                    a->compensation_reply_topic,
                                    a->compensation_body };
    const struct saga_slice y[] = { b->path,
                                    b->topic,
                                    b->type,
                                    b->reply_topic,
                                    b->body,
                                    b->result,
                                    b->compensation_topic,
                                    b->compensation_type,
                                    b->compensation_reply_topic,
                                    b->compensation_body };
    for (size_t i = 0; i < COUNT(x); i++) assert_slices(x[i], y[i]);
    assert_int_equal(a->scope, b->scope);
    assert_int_equal(a->block, b->block);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->pivot, b->pivot);
    assert_int_equal(a->unanswered, b->unanswered);
    assert_int_equal(a->ended_order, b->ended_order);
    assert_int_equal(a->answered_ms, b->answered_ms);
    assert_int_equal(a->compensation, b->compensation);
    assert_int_equal(a->compensation_attempt, b->compensation_attempt);
    assert_int_equal(a->first_attempt, b->first_attempt);
    assert_int_equal(a->begun_ms, b->begun_ms);
    assert_int_equal(a->sent_ms, b->sent_ms);
    assert_int_equal(a->compensation_first_attempt, b->compensation_first_attempt);
    assert_int_equal(a->compensation_begun_ms, b->compensation_begun_ms);
    assert_int_equal(a->compensation_sent_ms, b->compensation_sent_ms);
}

static void assert_same_head(const struct saga_state *a, const struct saga_state *b)
{
    const struct saga_slice x[] = { a->id,
                                    a->run,
                                    a->key,
                                    a->name,
                                    a->sha256,
                                    a->trace,
                                    a->trace_parent,
                                    a->trace_state,
                                    a->input,
                                    a->vars,
                                    a->error.step,
                                    a->error.type,
                                    a->error.message,
                                    a->deferred.step,
                                    a->deferred.type,
                                    a->deferred.message,
                                    a->stuck_step,
                                    a->stuck_message };
    const struct saga_slice y[] = { b->id,
                                    b->run,
                                    b->key,
                                    b->name,
                                    b->sha256,
                                    b->trace,
                                    b->trace_parent,
                                    b->trace_state,
                                    b->input,
                                    b->vars,
                                    b->error.step,
                                    b->error.type,
                                    b->error.message,
                                    b->deferred.step,
                                    b->deferred.type,
                                    b->deferred.message,
                                    b->stuck_step,
                                    b->stuck_message };
    for (size_t i = 0; i < COUNT(x); i++) assert_slices(x[i], y[i]);
    const int64_t n[] = {
        a->version,        (int64_t)a->sequence, a->status,        a->paused,
        a->pivoted,        a->deadline_passed,   a->forgotten,     a->resolved,
        a->has_error,      a->has_deferred,      a->started_ms,    a->changed_ms,
        a->ended_ms,       a->stuck_on,          a->stuck_forward, (int64_t)a->ended_steps,
        a->trace_unsampled
    };
    const int64_t m[] = {
        b->version,        (int64_t)b->sequence, b->status,        b->paused,
        b->pivoted,        b->deadline_passed,   b->forgotten,     b->resolved,
        b->has_error,      b->has_deferred,      b->started_ms,    b->changed_ms,
        b->ended_ms,       b->stuck_on,          b->stuck_forward, (int64_t)b->ended_steps,
        b->trace_unsampled
    };
    assert_memory_equal(n, m, sizeof n);
}

static void assert_same_state(const struct saga_state *a, const struct saga_state *b)
{
    assert_same_head(a, b);
    assert_int_equal(a->scope_count, b->scope_count);
    assert_int_equal(a->step_count, b->step_count);
    assert_int_equal(a->timer_count, b->timer_count);
    assert_int_equal(a->search_count, b->search_count);
    for (size_t i = 0; i < a->scope_count; i++) {
        const struct saga_scope *x = &a->scopes[i], *y = &b->scopes[i];
        const uint32_t n[] = { x->id, x->parent, x->block, x->index, x->position, x->entered };
        const uint32_t m[] = { y->id, y->parent, y->block, y->index, y->position, y->entered };
        assert_memory_equal(n, m, sizeof n);
    }
    for (size_t i = 0; i < a->step_count; i++) assert_same_step(&a->steps[i], &b->steps[i]);
    for (size_t i = 0; i < a->timer_count; i++) {
        assert_slices(a->timers[i].name, b->timers[i].name);
        assert_int_equal(a->timers[i].due_ms, b->timers[i].due_ms);
        assert_int_equal(a->timers[i].armed, b->timers[i].armed);
        assert_int_equal(a->timers[i].held, b->timers[i].held);
    }
    for (size_t i = 0; i < a->search_count; i++) {
        assert_slices(a->search[i].name, b->search[i].name);
        assert_slices(a->search[i].value, b->search[i].value);
    }
}

static void a_state_is_read_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_state *rich = rich_state(), *got = NULL, *clone = saga_state_clone(rich);
    struct saga_slice bytes = encode_state(f, rich);
    assert_int_equal(saga_state_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_same_state(rich, got);
    assert_true(saga_slice_equal(encode_state(f, got), bytes));
    assert_true(saga_slice_equal(encode_state(f, clone), bytes));
    struct saga_slice json = saga_state_json(got, true, &f->arena);
    assert_int_equal(saga_json_validate(json, NULL, NULL), SAGA_OK);
    saga_state_free(clone);
    saga_state_free(got);
    /* other flags and a state with little in it: nothing stays from the one before */
    rich->status = SAGA_RUNNING;
    rich->pivoted = true;
    rich->paused = rich->forgotten = rich->has_error = rich->has_deferred = false;
    rich->stuck_on = SAGA_STUCK_ON_NOTHING;
    rich->step_count = rich->timer_count = rich->search_count = 0;
    rich->error = rich->deferred = (struct saga_error_value){ .step = SAGA_SLICE_NONE };
    rich->input = rich->vars = SAGA_SLICE_NONE;
    bytes = encode_state(f, rich);
    assert_int_equal(saga_state_decode(f->codec, bytes, &f->arena, &got, &diagnostic), SAGA_OK);
    assert_same_state(rich, got);
    saga_state_free(got);
    saga_state_free(rich);
}

static void a_glance_shows_what_stands_before_the_lists(void **state)
{
    struct fixture *f = *state;
    struct saga_diagnostic diagnostic = { 0 };
    struct saga_state *rich = rich_state(), head;
    struct saga_slice bytes = encode_state(f, rich);
    assert_int_equal(saga_state_glance(f->codec, bytes, &f->arena, &head, &diagnostic), SAGA_OK);
    assert_same_head(rich, &head);
    assert_int_equal(head.step_count, 0);
    for (size_t size = 0; size < 60; size++) { /* within what stands in front */
        struct saga_slice cut = { bytes.data, size };
        assert_int_equal(saga_state_glance(f->codec, cut, &f->arena, &head, &diagnostic),
                         SAGA_E_INVALID);
    }
    saga_state_free(rich);
}

static void a_state_that_no_saga_can_be_in_is_refused(void **state)
{
    struct fixture *f = *state;
    struct saga_state *rich = rich_state(), *got = NULL;
    const struct saga_state kept = *rich;
    for (int i = 0; i < 8; i++) {
        struct saga_diagnostic diagnostic = { 0 };
        *rich = kept;
        if (i == 0) rich->status = SAGA_STATUS_NONE;
        if (i == 1) rich->run = SAGA_SLICE_NONE;
        if (i == 2) rich->scope_count = 0;
        if (i == 3) rich->stuck_on = SAGA_STUCK_ON_NOTHING;
        if (i == 4) rich->ended_ms = 1;
        if (i == 5) rich->sequence = 39; /* before a timer's */
        if (i == 6) rich->ended_steps = 1;
        if (i == 7) rich->timers[0].name = SAGA_SLICE_NONE;
        int error =
            saga_state_decode(f->codec, encode_state(f, rich), &f->arena, &got, &diagnostic);
        if (error != SAGA_E_INVALID || got || diagnostic.what.size == 0) fail_msg("case %d", i);
    }
    *rich = kept;
    saga_state_free(rich);
}

static void codecs_are_freed_whole(void **state)
{
    (void)state;
    saga_codec_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_of_fact_is_read_as_it_was_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_absent_stays_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_value_that_is_the_causes_is_written_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_over_the_limit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_of_just_the_limit_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_record_is_chained_to_the_one_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_state_is_read_as_it_was_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_glance_shows_what_stands_before_the_lists, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_state_that_no_saga_can_be_in_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test(codecs_are_freed_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
