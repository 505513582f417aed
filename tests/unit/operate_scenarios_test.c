/* `saga test`: no build is green where a file could not be played, traces go where they are to go,
 * and a saga that goes in circles is not told as a whole. */
#include "unit/operate_run.h"

#include "operate/story.h"

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

static void a_long_play_is_told_from_both_ends(void **state)
{
    struct saga_arena arena;
    struct saga_diagnostics findings;
    struct saga_definition *loaded;
    struct saga_play play;
    struct saga_buffer all, ends;
    (void)state;
    saga_arena_init(&arena);
    saga_diagnostics_init(&findings, &arena);
    assert_int_equal(saga_definition_load(saga_slice_of(definition), "order", &findings, &loaded),
                     0);
    saga_play_begin(&play, loaded, SAGA_PLAY_BEGIN_MS, &arena);
    for (int i = 0; i < 10; i++)
        saga_play_note(&play, (struct saga_event){ .kind = SAGA_EVENT_START,
                                                   .key = saga_arena_printf(&arena, "k-%d", i) });
    saga_buffer_init(&all, &arena);
    saga_buffer_init(&ends, &arena);
    saga_story_tell_ends(&play, 2, &ends);
    const char *text = saga_arena_string(&arena, saga_buffer_slice(&ends));
    assert_non_null(strstr(text, "> start k-1\n"));
    assert_null(strstr(text, "k-2"));
    assert_non_null(strstr(text, "... 6 events that are not told ...\n> start k-8\n"));
    saga_story_tell(&play, &all);
    ends.size = 0;
    saga_story_tell_ends(&play, 5, &ends);
    assert_true(saga_slice_equal(saga_buffer_slice(&all), saga_buffer_slice(&ends)));
    saga_play_end(&play);
    saga_definition_free(loaded);
    saga_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_cannot_be_played_is_an_error_everywhere),
        cmocka_unit_test(the_folders_of_a_trace_are_made),
        cmocka_unit_test(a_long_play_is_told_from_both_ends),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
