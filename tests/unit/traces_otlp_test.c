/* OTLP/HTTP: a request's form, what is read of an answer, and the file of headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "traces/otlp.h"
#include "traces/post.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
static struct saga_arena arena;

static void a_request_is_json_of_the_protocol(void **state)
{
    struct saga_buffer out;
    const struct saga_otlp_resource resource = { SAGA_SLICE("sh\"op"), SAGA_SLICE("c0"),
                                                 SAGA_SLICE("0.1.0") };
    struct saga_span span = { .trace = SAGA_SLICE("0af7651916cd43dd8448eb211c80319c"),
                              .name = SAGA_SLICE("step \"a\"\n\xff"),
                              .kind = SAGA_SPAN_INTERNAL,
                              .start_ms = 1700000000001,
                              .end_ms = 1700000000002 };
    size_t offset;
    const char *why;
    (void)state;
    memcpy(span.id.digits, "b7ad6b7169203331", sizeof span.id.digits);
    saga_buffer_init(&out, &arena);
    saga_otlp_begin(&out, &resource);
    saga_otlp_add(&out, &span, true);
    saga_otlp_add(&out, &span, false);
    saga_otlp_end(&out);
    struct saga_slice body = saga_buffer_slice(&out);
    assert_int_equal(saga_json_validate(body, &offset, &why), SAGA_OK);
    assert_string_equal(
        body.data,
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
        "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"sh\\\"op\"}},"
        "{\"key\":\"service.version\",\"value\":{\"stringValue\":\"0.1.0\"}},"
        "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"c0\"}}]},"
        "\"scopeSpans\":[{\"scope\":{\"name\":\"saga\",\"version\":\"0.1.0\"},\"spans\":["
        "{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\","
        "\"name\":\"step \\\"a\\\"\\n\xef\xbf\xbd\",\"kind\":1,\"flags\":257,"
        "\"startTimeUnixNano\":\"1700000000001000000\",\"endTimeUnixNano\":"
        "\"1700000000002000000\",\"attributes\":[]},"
        "{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\","
        "\"name\":\"step \\\"a\\\"\\n\xef\xbf\xbd\",\"kind\":1,\"flags\":257,"
        "\"startTimeUnixNano\":\"1700000000001000000\",\"endTimeUnixNano\":"
        "\"1700000000002000000\",\"attributes\":[]}]}]}]}");
}

static void an_answer_says_how_many_were_rejected(void **state)
{
    static const struct {
        const char *body;
        uint64_t rejected;
        const char *words;
    } cases[] = {
        { "{}", 0, NULL },
        { "", 0, NULL },
        { "<html>", 0, NULL },
        { "[1]", 0, NULL },
        { "{\"partialSuccess\":null}", 0, NULL },
        { "{\"partialSuccess\":{}}", 0, NULL },
        { "{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"too old\"}}", 3,
          "too old" },
        { "{\"partialSuccess\":{\"rejectedSpans\":4}}", 4, NULL },
        { "{\"partialSuccess\":{\"rejectedSpans\":-4}}", 0, NULL },
        { "{\"partialSuccess\":{\"rejectedSpans\":[],\"errorMessage\":7}}", 0, NULL },
        { "{\"partialSuccess\":{\"errorMessage\":\"by the way\"}}", 0, "by the way" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct saga_slice words;
        assert_int_equal(saga_otlp_rejected(saga_slice_of(cases[i].body), &arena, &words),
                         cases[i].rejected);
        assert_true(saga_slice_is(words, cases[i].words));
    }
}

static void what_may_be_sent_again_is_what_the_protocol_says(void **state)
{
    (void)state;
    for (long status = 100; status < 600; status++)
        assert_int_equal(saga_otlp_may_retry(status),
                         status == 429 || status == 502 || status == 503 || status == 504);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    const int64_t now_s = 784111770;
    static const struct {
        const char *value;
        int64_t ms;
    } cases[] = { { "0", 0 },
                  { "7", 7000 },
                  { " 7 ", 7000 },
                  { "99999999999", 2147483647000 },
                  { "Sun, 06 Nov 1994 08:49:37 GMT", 7000 },
                  { "Sun, 06 Nov 1994 08:40:00 GMT", 0 },
                  { "Sun, 06 Nov 1994 08:49:37 CET", -1 },
                  { "Sun, 06 ovN 1994 08:49:37 GMT", -1 },
                  { "soon", -1 },
                  { "-1", -1 },
                  { "", -1 } };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(saga_otlp_retry_after_ms(saga_slice_of(cases[i].value), now_s),
                         cases[i].ms);
    assert_int_equal(saga_otlp_retry_after_ms(SAGA_SLICE_NONE, now_s), -1);
}

static void an_endpoint_is_an_address_without_secrets(void **state)
{
    static const char *const good[] = { "http://localhost:4318", "https://otel.example/v1/traces",
                                        "http://[::1]:4318/", "https://a.example/x?y=1" };
    static const char *const bad[] = { "localhost:4318",       "ftp://a.example",
                                       "file:///etc/passwd",   "http://",
                                       "http://u:p@a.example", "http://u@a.example",
                                       "http://a.example/#x",  "http://a b",
                                       "http://a\r\nX: y",     "http://a.example:99999" };
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) assert_null(saga_post_endpoint_fault(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++)
        if (!saga_post_endpoint_fault(bad[i])) fail_msg("%s is taken", bad[i]);
}

/* ---- the file of headers ---- */

static int read_headers(const char *text, size_t size, struct saga_slice **lines, size_t *count,
                        struct saga_diagnostic *diagnostic)
{
    char path[] = "/tmp/saga-headers-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, size), (ssize_t)size);
    close(file);
    *diagnostic = (struct saga_diagnostic){ 0 };
    int error = saga_post_headers_read(path, &arena, lines, count, diagnostic);
    unlink(path);
    return error;
}

static void headers_are_lines_and_their_values_are_never_shown(void **state)
{
    static const char text[] = "# what gives access\n\nAuthorization: Bearer s3cret\r\nX-Org:7  ";
    static const char *const bad[] = { "s3cret\n",
                                       ": s3cret\n",
                                       "A B: s3cret\n",
                                       "Content-Type: s3cret\n",
                                       "HOST: s3cret\n",
                                       "content-length: s3cret",
                                       "X: s3cret\rY: s3cret\n",
                                       "X: s3cret\x7f\n" };
    char large[SAGA_TRACES_HEADERS_BYTES_MAX + 2];
    struct saga_slice *lines;
    size_t count;
    struct saga_diagnostic diagnostic;
    (void)state;
    assert_int_equal(read_headers(text, sizeof text - 1, &lines, &count, &diagnostic), SAGA_OK);
    assert_int_equal(count, 2);
    assert_true(saga_slice_is(lines[0], "Authorization: Bearer s3cret"));
    assert_true(saga_slice_is(lines[1], "X-Org:7"));
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(read_headers(bad[i], strlen(bad[i]), &lines, &count, &diagnostic),
                         SAGA_E_INVALID);
        assert_true(diagnostic.what.size > 0);
        assert_null(strstr(saga_arena_string(&arena, diagnostic.what), "s3cret"));
    }
    assert_int_equal(read_headers("", 0, &lines, &count, &diagnostic), SAGA_OK);
    assert_int_equal(count, 0);
    memset(large, 'x', sizeof large);
    assert_int_equal(read_headers(large, sizeof large, &lines, &count, &diagnostic),
                     SAGA_E_INVALID);
    assert_int_equal(
        saga_post_headers_read("/nowhere/headers", &arena, &lines, &count, &diagnostic),
        SAGA_E_INVALID);
}

static int set_up(void **state)
{
    (void)state;
    saga_arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    saga_arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_json_of_the_protocol),
        cmocka_unit_test(an_answer_says_how_many_were_rejected),
        cmocka_unit_test(what_may_be_sent_again_is_what_the_protocol_says),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(an_endpoint_is_an_address_without_secrets),
        cmocka_unit_test(headers_are_lines_and_their_values_are_never_shown),
    };
    return cmocka_run_group_tests_name("otlp", tests, set_up, tear_down);
}
