/* The command line: which command is meant, what is refused with which exit code, that every
 * command explains itself. Each run is a child process, for argp leaves by itself. */
#include "unit/operate_run.h"

#include "operate/reading.h"
#include "runtime/letter_reasons.h"

static void no_command_is_wrong_usage(void **state)
{
    (void)state;
    assert_int_equal(saga(""), SAGA_EXIT_USAGE);
    assert_says("Usage: saga COMMAND");
}

static void help_lists_every_command(void **state)
{
    (void)state;
    assert_int_equal(saga("help"), SAGA_EXIT_DONE);
    for (size_t g = 0; g < saga_subcommand_group_count; g++) {
        assert_says(saga_subcommand_groups[g].title);
        for (size_t i = 0; i < saga_subcommand_groups[g].count; i++)
            assert_says(saga_subcommand_groups[g].commands[i]->name);
    }
    assert_says("Example");
}

static void every_command_explains_itself_with_an_example(void **state)
{
    (void)state;
    for (size_t g = 0; g < saga_subcommand_group_count; g++)
        for (size_t i = 0; i < saga_subcommand_groups[g].count; i++) {
            const struct saga_subcommand *command = saga_subcommand_groups[g].commands[i];
            char line[128], example[128];
            snprintf(line, sizeof line, "%s --help", command->name);
            assert_int_equal(saga(line), SAGA_EXIT_DONE);
            snprintf(example, sizeof example, "saga %s", command->name);
            assert_says("Examples:");
            assert_non_null(strstr(command->examples, example));
            assert_true(strlen(command->summary) > 0 && strlen(command->summary) <= 80);
            snprintf(line, sizeof line, "help %s", command->name);
            assert_int_equal(saga(line), SAGA_EXIT_DONE);
        }
}

static void an_unknown_command_gets_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(saga("depoly x.yaml"), SAGA_EXIT_USAGE);
    assert_says("there is no command \"depoly\"; did you mean \"deploy\"?");
    assert_int_equal(saga("frobnicate"), SAGA_EXIT_USAGE);
    assert_null(strstr(output, "did you mean"));
}

static void half_a_command_lists_its_other_halves(void **state)
{
    (void)state;
    assert_int_equal(saga("topics"), SAGA_EXIT_USAGE);
    assert_says("saga topics create");
    assert_says("saga topics check");
    assert_int_equal(saga("topics chekc"), SAGA_EXIT_USAGE);
    assert_says("there is no command \"topics chekc\"");
}

static void every_reason_of_a_dead_letter_can_be_asked_for(void **state)
{
    (void)state;
    assert_int_equal(saga("dead-letters list --help"), SAGA_EXIT_DONE);
    for (size_t i = 0; i < SAGA_LETTER_REASON_COUNT; i++) assert_says(saga_letter_reasons[i].word);
}

static void an_unknown_reason_gets_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(saga("dead-letters list --reason toolarge"), SAGA_EXIT_USAGE);
    assert_says("did you mean \"too-large\"?");
    assert_int_equal(saga("dead-letters list --reason whatever"), SAGA_EXIT_USAGE);
    assert_says("one of no-type, unreadable, ");
}

static void the_list_is_watched_on_a_terminal_only(void **state)
{
    (void)state;
    assert_int_equal(saga("watch"), SAGA_EXIT_USAGE);
    assert_says("`saga list` prints it once");
}

static void options_come_behind_the_command(void **state)
{
    (void)state;
    assert_int_equal(saga("--config x list"), SAGA_EXIT_USAGE);
    assert_says("there is no option --config here");
    assert_says("options come behind the command");
    assert_int_equal(saga("-h"), SAGA_EXIT_DONE);
    assert_says("saga COMMAND --help");
}

static void version_is_an_option_too(void **state)
{
    (void)state;
    assert_int_equal(saga("--version"), SAGA_EXIT_DONE);
    assert_says("saga " SAGA_VERSION);
    assert_int_equal(saga("version -o json"), SAGA_EXIT_DONE);
    assert_says("\"saga\": \"" SAGA_VERSION "\"");
}

static void wrong_usage_is_2(void **state)
{
    (void)state;
    assert_int_equal(saga("check"), SAGA_EXIT_USAGE);
    assert_says("it takes FILE...");
    assert_int_equal(saga("version extra"), SAGA_EXIT_USAGE);
    assert_int_equal(saga("version --frobnicate"), SAGA_EXIT_USAGE);
    assert_int_equal(saga("config -o xml"), SAGA_EXIT_USAGE);
    assert_says("-o takes text, json or jsonl");
    assert_int_equal(saga("config --set lanes"), SAGA_EXIT_USAGE);
    assert_int_equal(saga("config --set lnes=3"), SAGA_EXIT_USAGE);
    assert_says("did you mean \"lanes\"?");
    assert_int_equal(saga("config --lanes 0"), SAGA_EXIT_USAGE);
    assert_int_equal(saga("cancel a/b"), SAGA_EXIT_USAGE);
    assert_says("it needs --reason");
    assert_int_equal(saga("resolve a/b --reason x"), SAGA_EXIT_USAGE);
    assert_says("it needs --as");
    assert_int_equal(saga("resolve a/b --reason x --as won"), SAGA_EXIT_USAGE);
    assert_int_equal(saga("cancel a/b --reason x --wait soon"), SAGA_EXIT_USAGE);
    assert_says("\"soon\" is not a duration");
    assert_int_equal(saga("cancel a/b --reason x --timeout soon"), SAGA_EXIT_USAGE);
    assert_says("\"soon\" is not a duration"); /* as `start` calls it */
    assert_int_equal(saga("dead-letters show 3"), SAGA_EXIT_USAGE);
    assert_says("PARTITION/OFFSET");
    assert_int_equal(saga("history noslash"), SAGA_EXIT_USAGE);
    assert_says("DEFINITION/KEY");
}

static void every_setting_is_a_flag(void **state)
{
    (void)state;
    assert_int_equal(saga("config --lanes 16 --set workers=3 -X linger.ms=5 "
                          "--bootstrap-servers b:1 -X kafka.client.id=c -o jsonl"),
                     SAGA_EXIT_DONE);
    assert_says("{\"name\":\"lanes\",\"value\":\"16\",\"source\":\"--lanes\",\"secret\":false}");
    assert_says("\"name\":\"workers\",\"value\":\"3\",\"source\":\"--set\"");
    assert_says("\"name\":\"kafka.linger.ms\",\"value\":\"5\",\"source\":\"-X\"");
    assert_says("\"name\":\"kafka.client.id\",\"value\":\"c\"");
    assert_says("\"name\":\"kafka.bootstrap.servers\",\"value\":\"b:1\"");
}

static void secrets_are_masked(void **state)
{
    (void)state;
    assert_int_equal(saga("config --redis-password hush -X sasl.password=hush -X ssl.key.pem=hush"),
                     SAGA_EXIT_DONE);
    assert_null(strstr(output, "hush"));
    assert_says("********");
}

static void a_file_that_is_not_there_fails(void **state)
{
    (void)state;
    assert_int_equal(saga("check /nowhere.yaml"), SAGA_EXIT_FAILED);
    assert_says("/nowhere.yaml");
    assert_int_equal(saga("graph /nowhere.yaml"), SAGA_EXIT_FAILED);
}

static void a_definition_may_come_from_standard_input(void **state)
{
    (void)state;
    standard_input = SAGA_SOURCE_DIR "/sagas/bank-transfer.yaml";
    assert_int_equal(saga("check -"), SAGA_EXIT_DONE);
    standard_input = "/dev/null";
    assert_says("bank-transfer version 1 is good");
}

static void an_id_is_taken_apart_at_its_first_slash(void **state)
{
    (void)state;
    static const struct saga_subcommand command = { .name = "test" };
    struct saga_call call = { .command = &command };
    struct saga_address address;
    assert_int_equal(saga_address_parse(&call, "order-fulfilment/o/1", 8, &address),
                     SAGA_EXIT_DONE);
    assert_true(saga_slice_is(address.name, "order-fulfilment"));
    assert_true(saga_slice_is(address.key, "o/1"));
    assert_int_equal(address.lane, saga_lane_of_key(address.key, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_command_is_wrong_usage),
        cmocka_unit_test(help_lists_every_command),
        cmocka_unit_test(every_command_explains_itself_with_an_example),
        cmocka_unit_test(an_unknown_command_gets_the_nearest),
        cmocka_unit_test(half_a_command_lists_its_other_halves),
        cmocka_unit_test(every_reason_of_a_dead_letter_can_be_asked_for),
        cmocka_unit_test(an_unknown_reason_gets_the_nearest),
        cmocka_unit_test(the_list_is_watched_on_a_terminal_only),
        cmocka_unit_test(options_come_behind_the_command),
        cmocka_unit_test(version_is_an_option_too),
        cmocka_unit_test(wrong_usage_is_2),
        cmocka_unit_test(every_setting_is_a_flag),
        cmocka_unit_test(secrets_are_masked),
        cmocka_unit_test(a_file_that_is_not_there_fails),
        cmocka_unit_test(a_definition_may_come_from_standard_input),
        cmocka_unit_test(an_id_is_taken_apart_at_its_first_slash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
