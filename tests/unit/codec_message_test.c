/* Records on topics, header by header: what goes out, the inbox both ways, and what becomes of a record
 * that nobody can read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "codec/message.h"
#include "codec_reply.h"

struct expected {
    const char *name, *value;
};

/* Exactly these headers, each once, in any order. */
static void assert_headers(const struct saga_message *message, const struct expected *want,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct saga_slice value = saga_message_header(message, want[i].name);
        if (!value.data) fail_msg("header %s is missing", want[i].name);
        if (!saga_slice_is(value, want[i].value))
            fail_msg("header %s is %.*s", want[i].name, SAGA_SLICE_ARG(value));
    }
    for (size_t i = 0; i < message->header_count; i++) {
        size_t known = 0;
        for (size_t j = 0; j < count; j++)
            known += saga_slice_is(message->headers[i].name, want[j].name);
        if (known != 1) fail_msg("header %.*s", SAGA_SLICE_ARG(message->headers[i].name));
    }
    assert_int_equal(message->header_count, count);
}

/* 00-<trace>-<first 16 hexadecimal digits of SHA-256 of the id>-01 */
static const char *trace_of(const char *id)
{
    char hex[2 * SAGA_SHA256_BYTES + 1];
    saga_sha256_hex(saga_slice_of(id), hex);
    struct saga_slice text =
        saga_arena_printf(&arena, "00-0af7651916cd43dd8448eb211c80319c-%.16s-01", hex);
    return saga_arena_string(&arena, text);
}

/* ---- what goes out ---- */

static const int64_t decided_ms = 1700000000123;

static struct saga_step_state kept = {
    .path = { "charge[2]", 9 },
    .status = SAGA_STEP_UNKNOWN,
    .attempt = 1,
    .body = { "{\"kept\":1}", 10 },
    .compensation = SAGA_COMPENSATION_SENT,
    .compensation_body = { "{\"kept\":2}", 10 },
};

static struct saga_state saga = {
    .id = { "order-fulfilment/o/1", 20 },
    .run = { "r9f2a71c0d3e", 12 },
    .key = { "o/1", 3 },
    .name = { "order-fulfilment", 16 },
    .version = 7,
    .trace = { "0af7651916cd43dd8448eb211c80319c", 32 },
    .sequence = 42,
    .steps = &kept,
    .step_count = 1,
};

static struct saga_fact sent(enum saga_fact_kind kind, uint32_t attempt, const char *value)
{
    return (struct saga_fact){ .kind = kind,
                               .step = SAGA_SLICE("charge[2]"),
                               .attempt = attempt,
                               .topic = SAGA_SLICE("payments.commands"),
                               .type = SAGA_SLICE("ChargeCard"),
                               .reply_topic = SAGA_SLICE("payments.replies"),
                               .value = saga_slice_of(value),
                               .due_ms = decided_ms + 2000 };
}

static void assert_record(const struct saga_message *message, const char *topic, const char *value)
{
    assert_is(message->topic, topic);
    assert_is(message->key, "o/1");
    assert_int_equal(message->partition, SAGA_PARTITION_BY_KEY);
    assert_is(message->value, value);
}

static void a_command_has_the_headers_of_the_contract(void **state)
{
    (void)state;
    struct saga_fact fact = sent(SAGA_FACT_STEP_SENT, 1, "{\"a\":1}");
    struct saga_message message;
    const struct expected want[] = {
        { "ce_specversion", "1.0" },
        { "ce_id", ID "/charge[2]/1" },
        { "ce_source", "/sagas/order-fulfilment/7" },
        { "ce_type", "ChargeCard" },
        { "ce_subject", "order-fulfilment/o/1" },
        { "ce_time", "2023-11-14T22:13:20.123Z" },
        { "ce_sagaidempotencykey", ID "/charge[2]" },
        { "ce_sagakind", "command" },
        { "ce_sagareplyto", "payments.replies" },
        { "ce_sagaexpires", "2023-11-14T22:13:22.123Z" },
        { "content-type", "application/json" },
        { "traceparent", trace_of(ID "/charge[2]/1") },
    };
    assert_true(saga_fact_is_message(&fact));
    saga_fact_message(&fact, &saga, decided_ms, &arena, &message);
    assert_record(&message, "payments.commands", "{\"a\":1}");
    assert_headers(&message, want, COUNT(want));
    /* a further attempt: another id and span, the same key, the body that is kept */
    fact = sent(SAGA_FACT_STEP_SENT, 2, NULL);
    saga_fact_message(&fact, &saga, decided_ms, &arena, &message);
    assert_record(&message, "payments.commands", "{\"kept\":1}");
    assert_is(saga_message_header(&message, "ce_id"), ID "/charge[2]/2");
    assert_is(saga_message_header(&message, "ce_sagaidempotencykey"), ID "/charge[2]");
    assert_is(saga_message_header(&message, "traceparent"), trace_of(ID "/charge[2]/2"));
}

static void a_compensation_names_what_it_takes_back(void **state)
{
    (void)state;
    struct saga_fact fact = sent(SAGA_FACT_COMPENSATION_SENT, 3, NULL);
    struct saga_message message;
    const struct expected want[] = {
        { "ce_specversion", "1.0" },
        { "ce_id", ID "/charge[2]/compensate/3" },
        { "ce_source", "/sagas/order-fulfilment/7" },
        { "ce_type", "ChargeCard" },
        { "ce_subject", "order-fulfilment/o/1" },
        { "ce_time", "2023-11-14T22:13:20.123Z" },
        { "ce_sagaidempotencykey", ID "/charge[2]/compensate" },
        { "ce_sagakind", "compensation" },
        { "ce_sagacompensates", ID "/charge[2]" },
        { "ce_sagareplyto", "payments.replies" },
        { "ce_sagaexpires", "2023-11-14T22:13:22.123Z" },
        { "content-type", "application/json" },
        { "traceparent", trace_of(ID "/charge[2]/compensate/3") },
    };
    saga_fact_message(&fact, &saga, decided_ms, &arena, &message);
    assert_record(&message, "payments.commands", "{\"kept\":2}");
    assert_headers(&message, want, COUNT(want));
}

static void a_published_event_is_no_command(void **state)
{
    (void)state;
    const struct saga_fact fact = { .kind = SAGA_FACT_EVENT_PUBLISHED,
                                    .topic = SAGA_SLICE("shop.events"),
                                    .type = SAGA_SLICE("OrderFulfilled"),
                                    .value = SAGA_SLICE("{}") };
    struct saga_message message;
    const struct expected want[] = {
        { "ce_specversion", "1.0" },
        { "ce_id", ID "/event/42" },
        { "ce_source", "/sagas/order-fulfilment/7" },
        { "ce_type", "OrderFulfilled" },
        { "ce_subject", "order-fulfilment/o/1" },
        { "ce_time", "2023-11-14T22:13:20.123Z" },
        { "content-type", "application/json" },
        { "traceparent", trace_of(ID "/event/42") },
    };
    saga_fact_message(&fact, &saga, decided_ms, &arena, &message);
    assert_record(&message, "shop.events", "{}");
    assert_headers(&message, want, COUNT(want));
    /* without a trace of its own a saga invents none */
    struct saga_state untraced = saga;
    untraced.trace = SAGA_SLICE_NONE;
    saga_fact_message(&fact, &untraced, decided_ms, &arena, &message);
    assert_headers(&message, want, COUNT(want) - 1);
    for (int kind = 0; kind < SAGA_FACT_KIND_COUNT; kind++) {
        const struct saga_fact other = { .kind = (enum saga_fact_kind)kind,
                                         .topic = SAGA_SLICE("t") };
        assert_int_equal(saga_fact_is_message(&other), kind == SAGA_FACT_STEP_SENT ||
                                                           kind == SAGA_FACT_COMPENSATION_SENT ||
                                                           kind == SAGA_FACT_EVENT_PUBLISHED);
    }
    /* a child's compensation is a note */
    const struct saga_fact asked = { .kind = SAGA_FACT_COMPENSATION_SENT };
    assert_false(saga_fact_is_message(&asked));
}

/* ---- ids ---- */

static void a_key_may_hold_slashes(void **state)
{
    (void)state;
    static const struct {
        const char *id, *name, *key;
    } ids[] = {
        { "order/1", "order", "1" },
        { "order/a/b", "order", "a/b" },
        { "order//", "order", "/" },
        { "order/\xc3\xb6 %", "order", "\xc3\xb6 %" },
    };
    static const char *const broken[] = { "", "order", "order/", "/1", "/" };
    struct saga_slice name, key;
    for (size_t i = 0; i < COUNT(ids); i++) {
        assert_int_equal(saga_id_parse(saga_slice_of(ids[i].id), &name, &key), SAGA_OK);
        assert_is(name, ids[i].name);
        assert_is(key, ids[i].key);
        assert_is(saga_id_make(&arena, name, key), ids[i].id);
    }
    for (size_t i = 0; i < COUNT(broken); i++)
        assert_int_equal(saga_id_parse(saga_slice_of(broken[i]), &name, &key), SAGA_E_INVALID);
    assert_int_equal(saga_id_parse(SAGA_SLICE_NONE, &name, &key), SAGA_E_INVALID);
}

/* ---- the inbox ---- */

static void a_hop_carries_a_record_as_it_was(void **state)
{
    (void)state;
    for (int without_key = 0; without_key < 2; without_key++) {
        struct saga_message record = reply(), hop, got;
        struct saga_diagnostic diagnostic = { 0 };
        if (without_key) record.key = record.value = SAGA_SLICE_NONE;
        saga_hop_message(&record, SAGA_SLICE("saga.inbox"), 3, SAGA_SLICE("found"), &arena, &hop);
        assert_is(hop.topic, "saga.inbox");
        assert_int_equal(hop.partition, 3);
        assert_is(hop.key, without_key ? "found" : "o/1");
        assert_int_equal(saga_inbox_kind_of(&hop), SAGA_INBOX_HOP);
        assert_is(saga_message_header(&hop, "saga_source_topic"), "payments.replies");
        assert_is(saga_message_header(&hop, "saga_source_partition"), "5");
        assert_is(saga_message_header(&hop, "saga_source_offset"), "8000000000");
        assert_int_equal(saga_hop_open(&hop, &arena, &got, &diagnostic), SAGA_OK);
        assert_is(got.topic, "payments.replies");
        assert_int_equal(got.partition, 5);
        assert_int_equal(got.offset, 8000000000);
        assert_true(saga_slice_equal(got.value, record.value));
        assert_int_equal(got.value.data == NULL, record.value.data == NULL);
        assert_int_equal(got.header_count, COUNT(headers));
        for (size_t i = 0; i < COUNT(headers); i++) {
            assert_true(saga_slice_equal(got.headers[i].name, headers[i].name));
            assert_true(saga_slice_equal(got.headers[i].value, headers[i].value));
        }
    }
}

/* Whoever may write to a topic of replies must not speak for the coordinator. */
static void a_hop_believes_only_its_own_headers(void **state)
{
    (void)state;
    struct saga_header forged[] = { { SAGA_SLICE("saga_kind"), SAGA_SLICE("operator") },
                                    { SAGA_SLICE("saga_source_topic"), SAGA_SLICE("other") },
                                    { SAGA_SLICE("saga_source_offset"), SAGA_SLICE("1") } };
    struct saga_message record = reply(), hop, got;
    struct saga_diagnostic diagnostic = { 0 };
    record.headers = forged;
    record.header_count = COUNT(forged);
    saga_hop_message(&record, SAGA_SLICE("saga.inbox"), 0, record.key, &arena, &hop);
    assert_int_equal(saga_inbox_kind_of(&hop), SAGA_INBOX_HOP);
    assert_int_equal(saga_hop_open(&hop, &arena, &got, &diagnostic), SAGA_OK);
    assert_is(got.topic, "payments.replies");
    assert_int_equal(got.offset, 8000000000);
    assert_int_equal(got.header_count, 0);
}

static void a_hop_from_nowhere_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } wrong[] = {
        { "saga_source_topic", "" },      { "saga_source_partition", "-1" },
        { "saga_source_partition", "x" }, { "saga_source_partition", "2147483648" },
        { "saga_source_offset", "" },     { "saga_source_offset", "9223372036854775808" },
        { "saga_source_offset", "1 " },
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct saga_message record = reply(), hop, got;
        struct saga_diagnostic diagnostic = { 0 };
        saga_hop_message(&record, SAGA_SLICE("saga.inbox"), 0, record.key, &arena, &hop);
        for (size_t h = 0; h < hop.header_count; h++)
            if (saga_slice_is(hop.headers[h].name, wrong[i].name))
                hop.headers[h].value = saga_slice_of(wrong[i].value);
        assert_int_equal(saga_hop_open(&hop, &arena, &got, &diagnostic), SAGA_E_INVALID);
        assert_true(diagnostic.what.size > 0);
    }
    struct saga_message plain = reply();
    assert_int_equal(saga_inbox_kind_of(&plain), SAGA_INBOX_UNKNOWN);
}

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void a_start_brings_its_trace(void **state)
{
    (void)state;
    static const struct {
        const char *trace, *state;
    } cases[] = {
        { PARENT, NULL }, { PARENT " a=1,b=2", "a=1,b=2" }, { "", NULL }, { "x y=1", NULL }
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct saga_message message;
        struct saga_slice definition, trace = saga_slice_of(cases[i].trace);
        struct saga_event event;
        struct saga_diagnostic diagnostic = { 0 };
        bool some = saga_slice_starts_with(trace, PARENT);
        saga_start_message(SAGA_SLICE("saga.inbox"), 4, SAGA_SLICE("order"), SAGA_SLICE("o/1"),
                           SAGA_SLICE("request-1"), SAGA_SLICE("{}"), &arena, &message);
        saga_start_message_by(&message, SAGA_SLICE("ann"), SAGA_SLICE("::1"));
        saga_start_message_trace(&message, trace);
        assert_is(saga_message_header(&message, "traceparent"), some ? PARENT : "");
        assert_is(saga_message_header(&message, "tracestate"),
                  cases[i].state ? cases[i].state : "");
        assert_int_equal(saga_start_open(&message, &arena, &definition, &event, &diagnostic), 0);
        assert_is(event.traceparent, some ? cases[i].trace : "");
        assert_is(event.who, "ann");
    }
}

static void a_start_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct saga_message message;
    struct saga_slice definition = SAGA_SLICE_NONE;
    struct saga_event event;
    struct saga_diagnostic diagnostic = { 0 };
    const struct expected want[] = {
        { "saga_kind", "start" },        { "saga_definition", "order" },
        { "ce_specversion", "1.0" },     { "ce_id", "request-1" },
        { "ce_type", "StartRequested" }, { "content-type", "application/json" },
    };
    saga_start_message(SAGA_SLICE("saga.inbox"), 4, SAGA_SLICE("order"), SAGA_SLICE("o/1"),
                       SAGA_SLICE("request-1"), SAGA_SLICE("{\"n\":1}"), &arena, &message);
    assert_headers(&message, want, COUNT(want));
    assert_int_equal(message.partition, 4);
    assert_int_equal(saga_inbox_kind_of(&message), SAGA_INBOX_START);
    message.offset = 12;
    assert_int_equal(saga_start_open(&message, &arena, &definition, &event, &diagnostic), SAGA_OK);
    assert_is(definition, "order");
    assert_int_equal(event.kind, SAGA_EVENT_START);
    assert_is(event.key, "o/1");
    assert_is(event.id, "request-1");
    assert_is(event.type, "StartRequested");
    assert_is(event.body, "{\"n\":1}");
    assert_is(event.source.topic, "saga.inbox");
    assert_int_equal(event.source.partition, 4);
    assert_int_equal(event.source.offset, 12);
    assert_null(event.traceparent.data);
    message.value = SAGA_SLICE("{\"n\":");
    assert_int_equal(saga_start_open(&message, &arena, &definition, &event, &diagnostic),
                     SAGA_E_INVALID);
    message.value = SAGA_SLICE("1");
    message.headers[1].value = SAGA_SLICE("");
    assert_int_equal(saga_start_open(&message, &arena, &definition, &event, &diagnostic),
                     SAGA_E_INVALID);
    assert_is(diagnostic.what, "a start that names no definition");
}

static void every_verb_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (int verb = SAGA_VERB_CANCEL; verb < SAGA_VERB_COUNT; verb++) {
        const struct saga_event said = { .verb = (enum saga_verb)verb,
                                         .id = SAGA_SLICE("op-1"),
                                         .as = verb == SAGA_VERB_RESOLVE ? SAGA_SLICE("completed")
                                                                         : SAGA_SLICE_NONE,
                                         .who = SAGA_SLICE("anna \"a\" \xc3\xb6"),
                                         .from = SAGA_SLICE("host-1"),
                                         .reason = SAGA_SLICE("line one\nline two\\") };
        struct saga_message message;
        struct saga_event got;
        struct saga_slice id = SAGA_SLICE_NONE;
        struct saga_diagnostic diagnostic = { 0 };
        saga_operator_message(SAGA_SLICE("saga.inbox"), 2, SAGA_SLICE("order/o/1"),
                              SAGA_SLICE("o/1"), &said, &arena, &message);
        const struct expected want[] = {
            { "saga_kind", "operator" },
            { "ce_specversion", "1.0" },
            { "ce_id", "op-1" },
            { "ce_type", saga_verb_name(said.verb) },
            { "content-type", "application/json" },
        };
        assert_headers(&message, want, COUNT(want));
        assert_is(message.key, "o/1");
        assert_int_equal(saga_json_validate(message.value, NULL, NULL), SAGA_OK);
        assert_int_equal(saga_inbox_kind_of(&message), SAGA_INBOX_OPERATOR);
        assert_int_equal(saga_operator_open(&message, &arena, &id, &got, &diagnostic), SAGA_OK);
        assert_is(id, "order/o/1");
        assert_int_equal(got.kind, SAGA_EVENT_OPERATOR);
        assert_int_equal(got.verb, said.verb);
        assert_is(got.type, saga_verb_name(said.verb));
        assert_is(got.id, "op-1");
        assert_true(saga_slice_equal(got.as, said.as));
        assert_true(saga_slice_equal(got.who, said.who));
        assert_true(saga_slice_equal(got.from, said.from));
        assert_true(saga_slice_equal(got.reason, said.reason));
        assert_null(got.body.data);
    }
}

static void an_operator_who_says_nothing_is_refused(void **state)
{
    (void)state;
    static const char *const values[] = {
        "",
        "[]",
        "{}",
        "{\"verb\":\"cancel\"}",
        "{\"verb\":\"explode\",\"saga\":\"a/b\"}",
        "{\"verb\":7,\"saga\":\"a/b\"}",
        "{\"verb\":\"cancel\",\"saga\":[]}",
        "{\"verb\":\"cancel\",\"saga\":\"a/b\"",
    };
    for (size_t i = 0; i < COUNT(values); i++) {
        const struct saga_message message = { .value = saga_slice_of(values[i]) };
        struct saga_event event;
        struct saga_slice id;
        struct saga_diagnostic diagnostic = { 0 };
        if (saga_operator_open(&message, &arena, &id, &event, &diagnostic) != SAGA_E_INVALID)
            fail_msg("taken: %s", values[i]);
        assert_true(diagnostic.what.size > 0);
    }
}

/* Catches runs that are lost on the way, and a name by which a command about one saga would reach the key of another. */
static void runs_to_be_forgotten_are_read_as_they_were_written(void **state)
{
    const struct saga_named_run runs[] = { { SAGA_SLICE("0123456789ab"), 17 },
                                           { SAGA_SLICE("odd \"run\""), 0 } };
    const struct saga_event said = {
        .verb = SAGA_VERB_FORGET, .id = SAGA_SLICE("op-1"), .runs = runs, .run_count = COUNT(runs)
    };
    struct saga_message message;
    struct saga_event got;
    struct saga_slice id;
    struct saga_diagnostic diagnostic = { 0 };
    (void)state;
    saga_operator_message(SAGA_SLICE("saga.inbox"), 2, SAGA_SLICE("order/o"), SAGA_SLICE("o"),
                          &said, &arena, &message);
    assert_int_equal(saga_operator_open(&message, &arena, &id, &got, &diagnostic), SAGA_OK);
    assert_int_equal(got.run_count, 2);
    for (size_t i = 0; i < COUNT(runs); i++) {
        assert_true(saga_slice_equal(got.runs[i].run, runs[i].run));
        assert_int_equal(got.runs[i].created_ms, runs[i].created_ms);
    }
}

static void runs_that_are_none_are_refused(void **state)
{
    static const char *const values[] = { "[\"r\"]",        "7",
                                          "{\"a/b\":1}",    "{\"\":1}",
                                          "{\"r\":-1}",     "{\"r\":\"x\"}",
                                          "{\"r\":null}",   "{\"r\":99999999999999999999}",
                                          "{\"\\u002f\":1}" };
    struct saga_buffer many;
    struct saga_event event;
    struct saga_slice id;
    (void)state;
    for (size_t i = 0; i <= COUNT(values); i++) {
        struct saga_diagnostic diagnostic = { 0 };
        saga_buffer_init(&many, &arena);
        saga_buffer_printf(&many, "{\"verb\":\"forget\",\"saga\":\"a/b\",\"runs\":%s",
                           i < COUNT(values) ? values[i] : "{\"r\":1");
        for (int n = 0; i == COUNT(values) && n < SAGA_FORGET_RUNS_MAX; n++)
            saga_buffer_printf(&many, ",\"r%d\":1", n);
        saga_buffer_printf(&many, "%s", i < COUNT(values) ? "}" : "}}");
        const struct saga_message message = { .value = saga_buffer_slice(&many) };
        assert_int_equal(saga_operator_open(&message, &arena, &id, &event, &diagnostic),
                         SAGA_E_INVALID);
        if (!strstr(saga_arena_string(&arena, diagnostic.what), "runs"))
            fail_msg("refused for something else: %.*s", SAGA_SLICE_ARG(diagnostic.what));
    }
}

/* ---- dead letters ---- */

static void a_dead_letter_is_the_record_with_a_reason(void **state)
{
    (void)state;
    struct saga_message record = reply(), letter;
    saga_dead_letter_message(&record, SAGA_SLICE("saga.dead-letters"), 6, SAGA_SLICE("unreadable"),
                             SAGA_SLICE("the body is no JSON"), &arena, &letter);
    assert_is(letter.topic, "saga.dead-letters");
    assert_int_equal(letter.partition, 6);
    assert_is(letter.key, "o/1");
    assert_true(saga_slice_equal(letter.value, record.value));
    assert_int_equal(letter.header_count, COUNT(headers) + 5);
    for (size_t i = 0; i < COUNT(headers); i++) {
        assert_true(saga_slice_equal(letter.headers[i].name, headers[i].name));
        assert_true(saga_slice_equal(letter.headers[i].value, headers[i].value));
    }
    assert_is(saga_message_header(&letter, "saga_reason"), "unreadable");
    assert_is(saga_message_header(&letter, "saga_message"), "the body is no JSON");
    assert_is(saga_message_header(&letter, "saga_source_topic"), "payments.replies");
    assert_is(saga_message_header(&letter, "saga_source_partition"), "5");
    assert_is(saga_message_header(&letter, "saga_source_offset"), "8000000000");
    /* a record of nothing at all */
    const struct saga_message nothing = { .topic = SAGA_SLICE("t"), .partition = 1 };
    saga_dead_letter_message(&nothing, SAGA_SLICE("saga.dead-letters"), 0, SAGA_SLICE("no-type"),
                             SAGA_SLICE_NONE, &arena, &letter);
    assert_null(letter.key.data);
    assert_null(letter.value.data);
    assert_non_null(saga_message_header(&letter, "saga_message").data);
    assert_int_equal(letter.header_count, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_command_has_the_headers_of_the_contract),
        TEST(a_compensation_names_what_it_takes_back),
        TEST(a_published_event_is_no_command),
        TEST(a_key_may_hold_slashes),
        TEST(a_hop_carries_a_record_as_it_was),
        TEST(a_hop_believes_only_its_own_headers),
        TEST(a_hop_from_nowhere_is_refused),
        TEST(a_start_is_read_as_it_was_written),
        TEST(a_start_brings_its_trace),
        TEST(every_verb_is_read_as_it_was_written),
        TEST(an_operator_who_says_nothing_is_refused),
        TEST(runs_to_be_forgotten_are_read_as_they_were_written),
        TEST(runs_that_are_none_are_refused),
        TEST(a_dead_letter_is_the_record_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
