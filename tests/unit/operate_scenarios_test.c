/* `saga test`: no build is green where a file could not be played, and traces go where they are to
 * go. */
#include "unit/operate_run.h"

static char folder[] = "/tmp/saga-scenarios-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    char line[128];
    (void)state;
    snprintf(line, sizeof line, "rm -r %s", folder);
    return system(line);
}

static const char definition[] =
    "saga: order\nversion: 1\n"
    "participants: { stock: { commands: stock.commands, replies: stock.replies } }\n"
    "start: { topic: orders, event: Placed, key: .id }\ndeadline: 1h\n"
    "steps:\n  - { step: reserve, send: stock/Reserve, success: Reserved, compensate: none }\n";
static const char scenarios[] =
    "saga: order.yaml\nstart: { body: { id: o-1 } }\nanswers: { Reserve: Reserved }\n"
    "scenarios:\n  - { name: it, end: completed, trace: new/traces/it.txt }\n";

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int test(const char *options, const char *name)
{
    char line[256];
    snprintf(line, sizeof line, "test %s %s/%s", options, folder, name);
    return saga(line);
}

static void a_file_that_cannot_be_played_is_an_error_everywhere(void **state)
{
    (void)state;
    assert_int_equal(test("-o junit", "nothing.test.yaml"), SAGA_EXIT_FAILED);
    assert_says("<testsuites tests=\"1\" failures=\"0\" errors=\"1\">");
    assert_says("<error message=\"the file cannot be read: No such file or directory\">");
    assert_int_equal(test("-o jsonl", "nothing.test.yaml"), SAGA_EXIT_FAILED);
    assert_says("\"scenario\":null,\"failed\":true");
    assert_int_equal(test("", "nothing.test.yaml"), SAGA_EXIT_FAILED);
    assert_says("0 scenarios, 0 failed; not all could be played: 1 error\n");
    assert_true(strstr(output, "No such file") < strstr(output, "0 scenarios"));
}

static void the_folders_of_a_trace_are_made(void **state)
{
    char path[128];
    (void)state;
    write_file("order.yaml", definition);
    write_file("order.test.yaml", scenarios);
    assert_int_equal(test("--update", "order.test.yaml"), SAGA_EXIT_DONE);
    assert_says("its trace was written");
    snprintf(path, sizeof path, "%s/new/traces/it.txt", folder);
    assert_int_equal(access(path, R_OK), 0);
    assert_int_equal(test("-o junit", "order.test.yaml"), SAGA_EXIT_DONE);
    assert_says("<testsuites tests=\"1\" failures=\"0\" errors=\"0\">");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_cannot_be_played_is_an_error_everywhere),
        cmocka_unit_test(the_folders_of_a_trace_are_made),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
