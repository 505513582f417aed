/* What `saga dev` prints for the terminal beside it can be pasted, and says what a body must have. */
#include "unit/operate_run.h"

#include "operate/dev_hints.h"

static const char *hints(struct saga_arena *arena, const char *key, const char *steps)
{
    struct saga_diagnostics findings;
    struct saga_definition *definition;
    char *text = NULL;
    size_t size = 0;
    saga_diagnostics_init(&findings, arena);
    struct saga_slice yaml = saga_arena_printf(
        arena,
        "saga: order\nversion: 1\nparticipants: { s: { commands: c, replies: r } }\n"
        "start: { topic: t, event: E, key: %s }\ndeadline: 1d\nsteps:\n%s",
        key, steps);
    if (saga_definition_load(yaml, "order", &findings, &definition) < 0) {
        saga_diagnostics_print(&findings, stderr);
        fail_msg("the definition does not load");
    }
    FILE *out = open_memstream(&text, &size);
    saga_dev_hints(definition, "saga", arena, out);
    fclose(out);
    const char *copy = saga_arena_string(arena, (struct saga_slice){ text, size });
    free(text);
    saga_definition_free(definition);
    return copy;
}

#define STEP                                                                                       \
    "  - { step: a, send: s/A, body: '{x: .input.total, y: .input.id}', success: Ok, "             \
    "compensate: none }\n"

static void a_start_has_what_gives_the_key(void **state)
{
    struct saga_arena arena;
    (void)state;
    saga_arena_init(&arena);
    assert_string_equal(hints(&arena, ".id", STEP),
                        "  echo '{\"id\": \"K-1\"}' | saga start order --input -   # of it are "
                        "read: total\n");
    assert_string_equal(hints(&arena, "'.a + .b'", STEP),
                        "  echo '{}' | saga start order --key K-1 --input -   # of it are read: "
                        "total, id\n");
    saga_arena_free(&arena);
}

static void an_event_has_what_it_is_matched_by(void **state)
{
    struct saga_arena arena;
    (void)state;
    saga_arena_init(&arena);
    const char *text = hints(&arena, ".id",
                             "  - { await: paid, topic: bank, event: Paid, match: .order, with: "
                             ".input.id, timeout: 1h }\n"
                             "  - { await: again, topic: bank, event: Paid, match: .order, with: "
                             ".input.id, timeout: 1h }\n");
    assert_non_null(strstr(text, "\n  echo '{\"order\": \"...\"}' | saga send bank Paid --body -   "
                                 "# .order must be what .input.id is in the saga\n"));
    assert_null(strstr(strstr(text, "saga send") + 1, "saga send"));
    saga_arena_free(&arena);
}

static void no_flag_names_servers_that_are_not_used(void **state)
{
    (void)state;
    assert_int_equal(saga("dev --help"), SAGA_EXIT_DONE);
    assert_null(strstr(output, "--bootstrap-servers"));
    assert_null(strstr(output, "--redis-host"));
    assert_says("are not used");
    assert_int_equal(saga("list --help"), SAGA_EXIT_DONE);
    assert_says("--bootstrap-servers");
}

/* The command fails behind the warning: there is no such file. */
static void settings_that_are_not_used_are_said(void **state)
{
    (void)state;
    setenv("SAGA_KAFKA_BOOTSTRAP_SERVERS", "broker:9092", 1);
    assert_int_equal(saga("dev /nowhere.yaml --lanes 3"), SAGA_EXIT_FAILED);
    unsetenv("SAGA_KAFKA_BOOTSTRAP_SERVERS");
    assert_says("kafka.bootstrap.servers is not used (SAGA_KAFKA_BOOTSTRAP_SERVERS)");
    assert_says("lanes is not used (--lanes)");
    assert_null(strstr(output, "workers is not used"));
    assert_says("nothing is done while one of the files is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_has_what_gives_the_key),
        cmocka_unit_test(an_event_has_what_it_is_matched_by),
        cmocka_unit_test(no_flag_names_servers_that_are_not_used),
        cmocka_unit_test(settings_that_are_not_used_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
