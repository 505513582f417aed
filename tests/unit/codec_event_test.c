/* What others send: events in both modes of CloudEvents, and answers that say whom they answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "codec_reply.h"

#define TRACEPARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static int open_event(const char *content_type, struct saga_slice value, struct saga_event *ret,
                      struct saga_diagnostic *diagnostic)
{
    static struct saga_header own[4];
    struct saga_message message = reply();
    own[0] = (struct saga_header){ SAGA_SLICE("content-type"), saga_slice_of(content_type) };
    own[1] = (struct saga_header){ SAGA_SLICE("ce_type"), SAGA_SLICE("CardCharged") };
    own[2] = (struct saga_header){ SAGA_SLICE("ce_id"), SAGA_SLICE("e-1") };
    own[3] = (struct saga_header){ SAGA_SLICE("traceparent"), SAGA_SLICE(TRACEPARENT) };
    message.headers = own;
    message.header_count = COUNT(own);
    message.value = value;
    *diagnostic = (struct saga_diagnostic){ 0 };
    return saga_event_open(&message, NULL, &arena, ret, diagnostic);
}

static void an_event_in_binary_mode_is_its_headers_and_its_value(void **state)
{
    (void)state;
    struct saga_event event;
    struct saga_diagnostic diagnostic;
    assert_int_equal(open_event("application/json", SAGA_SLICE(" {\"a\":1} "), &event, &diagnostic),
                     SAGA_OK);
    assert_is(event.type, "CardCharged");
    assert_is(event.id, "e-1");
    assert_is(event.content_type, "application/json");
    assert_is(event.traceparent, TRACEPARENT);
    assert_is(saga_json_trim(event.body), "{\"a\":1}");
    assert_is(event.source.topic, "payments.replies");
    assert_int_equal(event.source.partition, 5);
    assert_int_equal(event.source.offset, 8000000000);
    /* nothing at all is null */
    assert_int_equal(open_event(NULL, SAGA_SLICE_NONE, &event, &diagnostic), SAGA_OK);
    assert_null(event.body.data);
    assert_int_equal(open_event(NULL, SAGA_SLICE(""), &event, &diagnostic), SAGA_OK);
    assert_null(event.body.data);
    const struct saga_message bare = { .topic = SAGA_SLICE("t"), .value = SAGA_SLICE("1") };
    assert_int_equal(saga_event_open(&bare, NULL, &arena, &event, &diagnostic), SAGA_OK);
    assert_null(event.type.data);
}

static void an_event_in_structured_mode_is_its_envelope(void **state)
{
    (void)state;
    static const char envelope[] =
        "{\"specversion\":\"1.0\",\"type\":\"Stock\\u0052eserved\",\"id\":\"e-2\","
        "\"datacontenttype\":\"application/json\",\"traceparent\":\"" TRACEPARENT
        "\",\"tracestate\":\"a=1\","
        "\"sagacommandid\":\"order/o/1/run/reserve/2\",\"data\":{\"n\":9007199254740993}}";
    static const char *const types[] = { "application/cloudevents+json",
                                         "application/cloudevents+json; charset=UTF-8" };
    struct saga_event event;
    struct saga_diagnostic diagnostic;
    for (size_t i = 0; i < COUNT(types); i++) {
        assert_int_equal(open_event(types[i], saga_slice_of(envelope), &event, &diagnostic),
                         SAGA_OK);
        assert_is(event.type, "StockReserved");
        assert_is(event.id, "e-2");
        assert_is(event.content_type, "application/json");
        assert_is(event.traceparent, TRACEPARENT " a=1");
        assert_is(event.body, "{\"n\":9007199254740993}");
    }
    assert_int_equal(open_event(types[0], SAGA_SLICE("{\"type\":\"T\"}"), &event, &diagnostic),
                     SAGA_OK);
    assert_null(event.body.data);
    assert_null(event.id.data);
    static const char *const broken[] = { "[]", "", "7", "{\"data\":",
                                          /* bytes that nobody here reads must not become null */
                                          "{\"type\":\"T\",\"data_base64\":\"AAEC\"}" };
    for (size_t i = 0; i < COUNT(broken); i++) {
        if (open_event(types[0], saga_slice_of(broken[i]), &event, &diagnostic) != SAGA_E_INVALID)
            fail_msg("taken: %s", broken[i]);
        assert_true(diagnostic.what.size > 0);
    }
}

static void what_cannot_be_read_is_refused_with_words(void **state)
{
    (void)state;
    struct saga_event event;
    struct saga_diagnostic diagnostic;
    char *large = calloc(1, SAGA_PAYLOAD_BYTES_MAX + 1);
    assert_non_null(large);
    memset(large, ' ', SAGA_PAYLOAD_BYTES_MAX + 1);
    large[0] = '1';
    static const char *const broken[] = {
        "{", "{\"a\":1}x", "nul", "\"\xff\"", "'a'", "{\"a\":01}"
    };
    for (size_t i = 0; i < COUNT(broken); i++) {
        assert_int_equal(open_event(NULL, saga_slice_of(broken[i]), &event, &diagnostic),
                         SAGA_E_INVALID);
        assert_non_null(strstr(saga_arena_string(&arena, diagnostic.what), "at byte"));
    }
    struct saga_slice value = { large, SAGA_PAYLOAD_BYTES_MAX };
    assert_int_equal(open_event(NULL, value, &event, &diagnostic), SAGA_OK);
    value.size++;
    assert_int_equal(open_event(NULL, value, &event, &diagnostic), SAGA_E_LIMIT);
    assert_true(diagnostic.what.size > 0);
    char deep[2 * SAGA_JSON_DEPTH_MAX + 4];
    memset(deep, '[', SAGA_JSON_DEPTH_MAX + 1);
    memset(deep + SAGA_JSON_DEPTH_MAX + 1, ']', SAGA_JSON_DEPTH_MAX + 1);
    value = (struct saga_slice){ deep, 2 * (SAGA_JSON_DEPTH_MAX + 1) };
    assert_int_equal(open_event(NULL, value, &event, &diagnostic), SAGA_E_LIMIT);
    free(large);
}

static void headers_have_their_limits(void **state)
{
    (void)state;
    static const char *const names[] = { "ce_type", "ce_id", "content-type" };
    char large[2 * SAGA_MESSAGE_BYTES_MAX + 1];
    memset(large, 'x', sizeof large);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct saga_header own = { saga_slice_of(names[i]), { large, sizeof large } };
        struct saga_message message = { .headers = &own, .header_count = 1 };
        struct saga_event event;
        struct saga_diagnostic diagnostic = { 0 };
        assert_int_equal(saga_event_open(&message, NULL, &arena, &event, &diagnostic),
                         SAGA_E_LIMIT);
        assert_non_null(strstr(saga_arena_string(&arena, diagnostic.what), names[i]));
        own.value = SAGA_SLICE("a\xff");
        assert_int_equal(saga_event_open(&message, NULL, &arena, &event, &diagnostic),
                         SAGA_E_INVALID);
        assert_non_null(strstr(saga_arena_string(&arena, diagnostic.what), names[i]));
    }
    struct saga_header many[SAGA_HEADERS_MAX + 1];
    for (size_t i = 0; i < COUNT(many); i++) many[i] = headers[1];
    struct saga_message message = { .headers = many, .header_count = SAGA_HEADERS_MAX };
    struct saga_event event;
    struct saga_diagnostic diagnostic = { 0 };
    assert_int_equal(saga_event_open(&message, NULL, &arena, &event, &diagnostic), SAGA_OK);
    message.header_count++;
    assert_int_equal(saga_event_open(&message, NULL, &arena, &event, &diagnostic), SAGA_E_LIMIT);
}

static int address(const char *header, struct saga_slice value, struct saga_event *event,
                   struct saga_slice *ret_id)
{
    struct saga_header own[] = { { saga_slice_of(header), value },
                                 { SAGA_SLICE("ce_subject"), SAGA_SLICE("order/subject") } };
    const struct saga_message message = { .value = SAGA_SLICE("{}"),
                                          .headers = own,
                                          .header_count = 1 + (strcmp(header, "ce_subject") != 0) };
    struct saga_diagnostic diagnostic = { 0 };
    *event = (struct saga_event){ .attempt = 0 };
    int error = saga_reply_address(&message, &arena, event, ret_id, &diagnostic);
    if (error == SAGA_E_INVALID) assert_true(diagnostic.what.size > 0);
    return error;
}

static void a_reply_says_whom_it_answers(void **state)
{
    (void)state;
    struct saga_event event;
    struct saga_slice id = SAGA_SLICE_NONE;
    /* the command's id stands above the subject */
    assert_int_equal(address("ce_sagacommandid", SAGA_SLICE(ID "/charge[2]/4"), &event, &id), 0);
    assert_is(id, "order-fulfilment/o/1");
    assert_is(event.run, "r9f2a71c0d3e");
    assert_is(event.step, "charge[2]");
    assert_int_equal(event.attempt, 4);
    assert_false(event.compensation);
    assert_int_equal(
        address("ce_sagacommandid", SAGA_SLICE(ID "/charge[2]/compensate/1"), &event, &id), 0);
    assert_is(id, "order-fulfilment/o/1");
    assert_is(event.step, "charge[2]");
    assert_true(event.compensation);
    assert_int_equal(event.attempt, 1);
    assert_int_equal(address("ce_subject", SAGA_SLICE("order/o/1"), &event, &id), SAGA_OK);
    assert_is(id, "order/o/1");
    assert_null(event.step.data);
    assert_int_equal(event.attempt, 0);
    assert_int_equal(address("ce_sagacommandid", SAGA_SLICE(""), &event, &id), SAGA_OK);
    assert_is(id, "order/subject");
    assert_int_equal(address("ce_subject", SAGA_SLICE(""), &event, &id), SAGA_E_NOT_FOUND);
    static const char *const broken[] = {
        "nonsense",   "order/o/run/step",   "order/o/run/step/0", "order/run/step/1",
        "o/k/r/s/-1", "o/k/r/s/4294967296", "o/k/r//1",           "o/k//s/1",
        "o/k/r/s/1/", "o/k/r/compensate/1", "o/k/r/s/1\xff",      "/////1",
    };
    for (size_t i = 0; i < COUNT(broken); i++)
        if (address("ce_sagacommandid", saga_slice_of(broken[i]), &event, &id) != SAGA_E_INVALID)
            fail_msg("taken: %s", broken[i]);
    char large[4096];
    memset(large, '/', sizeof large);
    struct saga_slice value = { large, sizeof large };
    assert_int_equal(address("ce_sagacommandid", value, &event, &id), SAGA_E_INVALID);
    assert_int_equal(address("ce_subject", value, &event, &id), SAGA_E_INVALID);
}

static void a_structured_reply_says_it_in_its_envelope(void **state)
{
    (void)state;
    struct saga_header own = { SAGA_SLICE("content-type"),
                               SAGA_SLICE("application/cloudevents+json") };
    struct saga_message message = { .headers = &own, .header_count = 1 };
    struct saga_event event = { .attempt = 0 };
    struct saga_slice id;
    struct saga_diagnostic diagnostic = { 0 };
    message.value = SAGA_SLICE("{\"sagacommandid\":\"order\\/o/1/run/reserve/2\"}");
    assert_int_equal(saga_reply_address(&message, &arena, &event, &id, &diagnostic), SAGA_OK);
    assert_is(id, "order/o/1");
    assert_is(event.step, "reserve");
    message.value = SAGA_SLICE("{\"subject\":\"order/o/2\"}");
    assert_int_equal(saga_reply_address(&message, &arena, &event, &id, &diagnostic), SAGA_OK);
    assert_is(id, "order/o/2");
    message.value = SAGA_SLICE("{\"subject\":7}");
    assert_int_equal(saga_reply_address(&message, &arena, &event, &id, &diagnostic),
                     SAGA_E_NOT_FOUND);
    /* in binary mode the body is the service's own */
    own.value = SAGA_SLICE("application/json");
    message.value = SAGA_SLICE("{\"subject\":\"order/o/2\"}");
    assert_int_equal(saga_reply_address(&message, &arena, &event, &id, &diagnostic),
                     SAGA_E_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_in_binary_mode_is_its_headers_and_its_value),
        TEST(an_event_in_structured_mode_is_its_envelope),
        TEST(what_cannot_be_read_is_refused_with_words),
        TEST(headers_have_their_limits),
        TEST(a_reply_says_whom_it_answers),
        TEST(a_structured_reply_says_it_in_its_envelope),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
