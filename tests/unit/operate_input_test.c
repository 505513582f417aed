/* What is given to `start` and `send`: refused with words before anything is sent, where it is too
 * large or no JSON; and the dead letter that it became. */
#include "unit/operate_run.h"

#include "base/limits.h"
#include "operate/answer.h"
#include "operate/input.h"

static char path[] = "/tmp/saga-input-XXXXXX";

static int setup(void **state)
{
    (void)state;
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

/* A file of `before`, so many `x`, and `after`. */
static void write_input(const char *before, size_t count, const char *after)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(before, file);
    for (size_t i = 0; i < count; i++) fputc('x', file);
    fputs(after, file);
    assert_int_equal(fclose(file), 0);
}

static void give(const char *format, int code, const char *words)
{
    char line[256];
    snprintf(line, sizeof line, format, path);
    assert_int_equal(saga(line), code);
    assert_says(words);
}

static void a_start_has_a_limit_of_its_own(void **state)
{
    (void)state;
    write_input("{\"a\":\"", SAGA_INPUT_BYTES_MAX, "\"}");
    give("start order --input %s", SAGA_EXIT_FAILED, "the input is larger than 256.0 KiB");
    write_input("{\"a\":\"", SAGA_PAYLOAD_BYTES_MAX, "\"}");
    give("send t T --body %s", SAGA_EXIT_FAILED, "the input is larger than 1.0 MiB");
}

static void where_it_is_no_json_is_told_by_line_and_column(void **state)
{
    (void)state;
    write_input("{\n  \"h\303\251\": nope}", 0, "");
    give("start order --input %s", SAGA_EXIT_FAILED, "line 2, column 9");
    assert_says("mend: write it as {");
    write_input("", 0, "");
    give("start order --input %s", SAGA_EXIT_FAILED, "it is empty");
}

static void who_gives_the_text_itself_is_shown_how(void **state)
{
    (void)state;
    assert_int_equal(saga("send t T --body {\"a\":1}"), SAGA_EXIT_FAILED);
    assert_says("saga send ... --body -");
}

static void a_place_counts_characters(void **state)
{
    unsigned line, column;
    (void)state;
    saga_input_place(SAGA_SLICE("ab\n\303\251cd"), 6, &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 3);
    saga_input_place(SAGA_SLICE("ab"), 0, &line, &column);
    assert_int_equal(line, 1);
    assert_int_equal(column, 1);
}

static void a_letter_is_known_by_where_it_stood(void **state)
{
    struct saga_header headers[] = { { SAGA_SLICE("saga_source_topic"), SAGA_SLICE("saga.inbox") },
                                     { SAGA_SLICE("saga_source_partition"), SAGA_SLICE("3") },
                                     { SAGA_SLICE("saga_source_offset"), SAGA_SLICE("17") } };
    const struct saga_message letter = { .headers = headers, .header_count = 3 };
    struct saga_position sent = { SAGA_SLICE("saga.inbox"), 3, 17 };
    (void)state;
    assert_true(saga_answer_is_letter_of(&letter, &sent));
    sent.offset = 18;
    assert_false(saga_answer_is_letter_of(&letter, &sent));
    sent = (struct saga_position){ SAGA_SLICE("saga.inbox"), 2, 17 };
    assert_false(saga_answer_is_letter_of(&letter, &sent));
    sent = (struct saga_position){ SAGA_SLICE("other"), 3, 17 };
    assert_false(saga_answer_is_letter_of(&letter, &sent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_has_a_limit_of_its_own),
        cmocka_unit_test(where_it_is_no_json_is_told_by_line_and_column),
        cmocka_unit_test(who_gives_the_text_itself_is_shown_how),
        cmocka_unit_test(a_place_counts_characters),
        cmocka_unit_test(a_letter_is_known_by_where_it_stood),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
