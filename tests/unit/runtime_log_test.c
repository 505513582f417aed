/* The log's lines: what is written at which level, in which form, and that foreign text keeps to
 * its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "runtime/log.h"

static FILE *capture;
static int standard_error;
static char line[4096];

static void begin(enum saga_log_format format, enum saga_log_level level)
{
    capture = tmpfile();
    assert_non_null(capture);
    fflush(stderr);
    standard_error = dup(STDERR_FILENO);
    dup2(fileno(capture), STDERR_FILENO);
    saga_log_open(format, level);
}

static const char *written(void)
{
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    rewind(capture);
    size_t size = fread(line, 1, sizeof line - 1, capture);
    line[size] = '\0';
    fclose(capture);
    return line;
}

static void assert_json_has(const char *text, const char *name, const char *value)
{
    size_t offset;
    const char *why;
    struct saga_slice found, json = saga_slice_of(text);
    assert_int_equal(saga_json_validate(json, &offset, &why), SAGA_OK);
    assert_int_equal(saga_json_member(json, saga_slice_of(name), &found), SAGA_OK);
    if (!saga_slice_is(found, value))
        fail_msg("%s is %.*s, not %s", name, SAGA_SLICE_ARG(found), value);
}

static void text_has_time_level_words_and_pairs(void **state)
{
    (void)state;
    begin(SAGA_LOG_TEXT, SAGA_LOG_INFO);
    saga_log(SAGA_LOG_INFO, "lane recovered", "lane=%u records=%d", 3U, 12);
    const char *text = written();
    assert_non_null(strstr(text, "Z info    lane recovered lane=3 records=12\n"));
}

static void a_level_hides_what_is_below(void **state)
{
    (void)state;
    begin(SAGA_LOG_TEXT, SAGA_LOG_WARNING);
    saga_log(SAGA_LOG_INFO, "hidden", NULL);
    saga_log(SAGA_LOG_ERROR, "shown", NULL);
    const char *text = written();
    assert_null(strstr(text, "hidden"));
    assert_non_null(strstr(text, "error   shown\n"));
}

static void json_takes_the_pairs_apart(void **state)
{
    (void)state;
    begin(SAGA_LOG_JSON, SAGA_LOG_INFO);
    saga_log(SAGA_LOG_WARNING, "broker away", "attempt=%d what=\"%s\" host=%s last=%s", 7,
             "said \"no\" to us", "b:9092", "0x1");
    const char *text = written();
    assert_json_has(text, "level", "\"warning\"");
    assert_json_has(text, "event", "\"broker away\"");
    assert_json_has(text, "attempt", "7");
    assert_json_has(text, "what", "\"said \\\"no\\\" to us\"");
    assert_json_has(text, "host", "\"b:9092\"");
    assert_json_has(text, "last", "\"0x1\"");
}

static void json_keeps_words_without_a_name(void **state)
{
    (void)state;
    begin(SAGA_LOG_JSON, SAGA_LOG_INFO);
    saga_log(SAGA_LOG_INFO, "kafka", "lane=1 %s", "and then some words");
    const char *text = written();
    assert_json_has(text, "lane", "1");
    assert_json_has(text, "text", "\"and then some words\"");
}

static void foreign_text_stays_on_its_line(void **state)
{
    (void)state;
    begin(SAGA_LOG_TEXT, SAGA_LOG_INFO);
    saga_log(SAGA_LOG_INFO, "reply", "what=\"%s\"", "a\nb\x1b[31mc");
    const char *text = written();
    assert_non_null(strstr(text, "what=\"a\\nb\\x1b[31mc\"\n"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

/* Words of a broker or a service that look like quotes, pairs, or no text at all. */
static const char *const foreign[] = {
    ".orderId gives {\"a\":1}, which is no text",
    "no\" lane=7 other=\"yes",
    "a backslash \\ and one at the end \\",
    "\xff\xc3 is no UTF-8\x1e\x1f\x01",
    "level=\"fake\"",
    "\"",
    "",
};

static void quotes_in_words_do_not_end_them(void **state)
{
    (void)state;
    begin(SAGA_LOG_TEXT, SAGA_LOG_INFO);
    saga_log(SAGA_LOG_INFO, "reply", "words=\"%s\" saga=%s lane=%d", foreign[0], "order/a b", 3);
    assert_non_null(strstr(written(), "words=\".orderId gives {\\\"a\\\":1}, which is no text\" "
                                      "saga=\"order/a b\" lane=3\n"));
    begin(SAGA_LOG_TEXT, SAGA_LOG_INFO);
    saga_log(SAGA_LOG_INFO, "reply", "words=\"%s\" lane=%d", foreign[2], 3);
    assert_non_null(strstr(written(), "a backslash \\\\ and one at the end \\\\\" lane=3\n"));
}

static void json_is_json_whatever_is_in_the_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        struct saga_buffer want;
        struct saga_arena arena;
        saga_arena_init(&arena);
        saga_buffer_init(&want, &arena);
        saga_buffer_add_json_string(&want, saga_slice_of(foreign[i]));
        begin(SAGA_LOG_JSON, SAGA_LOG_INFO);
        saga_log(SAGA_LOG_INFO, "reply", "words=\"%s\" saga=%s lane=%d", foreign[i], foreign[i], 3);
        const char *text = written();
        assert_json_has(text, "lane", "3");
        if (!strchr(foreign[i], 0x1e)) /* which is never written as it is */
            assert_json_has(text, "words", saga_buffer_slice(&want).data);
        saga_arena_free(&arena);
    }
}

/* What the log marks pairs with may come with a request too. */
static void marks_in_words_make_no_pairs(void **state)
{
    (void)state;
    begin(SAGA_LOG_JSON, SAGA_LOG_INFO);
    saga_log(SAGA_LOG_WARNING, "request refused", "path=\"%s\" status=%d subject=\"%s\"",
             "/x\x1elevel=info\x1estatus=200\x1f", 400, "\x1f\x1e");
    const char *text = written();
    assert_json_has(text, "path", "\"/x?level=info?status=200?\"");
    assert_json_has(text, "status", "400");
    assert_json_has(text, "subject", "\"??\"");
    assert_null(strstr(strstr(text, "\"level\"") + 1, "\"level\""));
}

static void seldom_is_once_in_its_time(void **state)
{
    (void)state;
    int64_t last_ms = 0;
    begin(SAGA_LOG_TEXT, SAGA_LOG_INFO);
    for (int i = 0; i < 3; i++)
        saga_log_seldom(&last_ms, 3600000, SAGA_LOG_INFO, "away", "time=%d", i);
    const char *text = written();
    assert_non_null(strstr(text, "away time=0\n"));
    assert_null(strstr(text, "time=1"));
    last_ms -= 3600000; /* the hour is over */
    begin(SAGA_LOG_TEXT, SAGA_LOG_INFO);
    saga_log_seldom(&last_ms, 3600000, SAGA_LOG_INFO, "away", NULL);
    assert_non_null(strstr(written(), "away\n"));
}

static void levels_have_names(void **state)
{
    (void)state;
    enum saga_log_level level;
    assert_int_equal(saga_log_level_of("debug", &level), SAGA_OK);
    assert_int_equal(level, SAGA_LOG_DEBUG);
    assert_int_equal(saga_log_level_of("loud", &level), SAGA_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_time_level_words_and_pairs),
        cmocka_unit_test(a_level_hides_what_is_below),
        cmocka_unit_test(json_takes_the_pairs_apart),
        cmocka_unit_test(json_keeps_words_without_a_name),
        cmocka_unit_test(foreign_text_stays_on_its_line),
        cmocka_unit_test(quotes_in_words_do_not_end_them),
        cmocka_unit_test(json_is_json_whatever_is_in_the_words),
        cmocka_unit_test(marks_in_words_make_no_pairs),
        cmocka_unit_test(seldom_is_once_in_its_time),
        cmocka_unit_test(levels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
