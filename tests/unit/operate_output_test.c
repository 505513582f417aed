/* What commands print: tables that line up, JSON that stays JSON whatever comes from outside,
 * health lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "in_arena.h"
#include "operate/health.h"
#include "operate/output.h"

static char printed[8192];

static FILE *capture;
static int standard_output;

static void begin(void)
{
    capture = tmpfile();
    assert_non_null(capture);
    fflush(stdout);
    standard_output = dup(STDOUT_FILENO);
    dup2(fileno(capture), STDOUT_FILENO);
}

static const char *end(void)
{
    fflush(stdout);
    dup2(standard_output, STDOUT_FILENO);
    close(standard_output);
    rewind(capture);
    printed[fread(printed, 1, sizeof printed - 1, capture)] = '\0';
    fclose(capture);
    return printed;
}

static void columns_line_up_by_characters(void **state)
{
    (void)state;
    struct saga_table table;
    saga_table_init(&table, &arena, "NAME", "AGE", "TROUBLE", NULL);
    saga_table_add(&table, "h\xc3\xa4hnchen", "1s", NULL);
    saga_table_add(&table, "b", NULL, "x\ny");
    begin();
    saga_table_print(&table, stdout);
    assert_string_equal(end(), "NAME      AGE  TROUBLE\n"
                               "h\xc3\xa4hnchen  1s\n"
                               "b              x\\x0ay\n");
}

static void control_characters_are_written_out(void **state)
{
    (void)state;
    assert_string_equal(saga_printable(&arena, SAGA_SLICE("a\033]0;t\007")), "a\\x1b]0;t\\x07");
    /* U+009B is a terminal's escape too, and a lone continuation byte is nothing */
    assert_string_equal(saga_printable(&arena, SAGA_SLICE("\xc2\x9b\x80")), "\\xc2\\x9b\\x80");
    assert_string_equal(saga_printable(&arena, SAGA_SLICE("gr\xc3\xbc\xc3\x9f")),
                        "gr\xc3\xbc\xc3\x9f");
}

static void bytes_that_are_no_text_stay_json(void **state)
{
    (void)state;
    json_t *string = saga_json_string(SAGA_SLICE("a\xff"
                                                 "b"));
    assert_string_equal(json_string_value(string), "a\xef\xbf\xbd"
                                                   "b");
    json_decref(string);
    string = saga_json_string(SAGA_SLICE_NONE);
    assert_string_equal(json_string_value(string), "");
    json_decref(string);
}

static void rows_are_one_document_or_a_line_each(void **state)
{
    (void)state;
    struct saga_call call = { .output = SAGA_OUTPUT_JSONL };
    begin();
    saga_print_rows(&call, json_pack("[{s:i}, {s:i}]", "a", 1, "a", 2));
    assert_string_equal(end(), "{\"a\":1}\n{\"a\":2}\n");
    call.output = SAGA_OUTPUT_JSON;
    begin();
    saga_print_rows(&call, json_pack("[{s:i}]", "a", 1));
    assert_string_equal(end(), "[\n  {\n    \"a\": 1\n  }\n]\n");
    struct saga_slice items[] = { SAGA_SLICE("{\"n\":12345678901234567890}"), SAGA_SLICE("{}") };
    begin();
    saga_print_json_slices(&call, items, 2);
    assert_string_equal(end(), "[\n{\"n\":12345678901234567890},\n{}\n]\n");
    begin();
    saga_print_json_slices(&call, items, 0);
    assert_string_equal(end(), "[]\n");
}

static void ages_and_sizes_are_short(void **state)
{
    (void)state;
    assert_string_equal(saga_age(&arena, 0, 119999), "119s");
    assert_string_equal(saga_age(&arena, 0, 120000), "2m");
    assert_string_equal(saga_age(&arena, 0, 86400000), "24h");
    assert_string_equal(saga_age(&arena, 0, 172800000), "2d");
    assert_string_equal(saga_age(&arena, 5000, 0), "0s");
    assert_string_equal(saga_size(&arena, 1023), "1023 B");
    assert_string_equal(saga_size(&arena, 3500), "3.4 KiB");
}

/* ---- topics ---- */

static const struct saga_kafka_setting journal_settings[] = {
    { "cleanup.policy", "delete" },
    { "retention.ms", "-1" },
    { "max.message.bytes", "8388608" },
};
static const struct saga_topic_spec journal = { "saga.journal", 8, journal_settings, 3 };

static int64_t spared_ms;

static struct saga_health_line judge(const struct saga_topic_spec *spec, bool own,
                                     struct saga_topic_state topic)
{
    struct saga_health health;
    saga_health_init(&health, &arena);
    saga_health_topic(&health, spec, &topic, own, 8, spared_ms);
    assert_int_equal(health.count, 1);
    return health.lines[0];
}

static struct saga_topic_state good_journal(struct saga_kafka_setting settings[4])
{
    settings[0] = (struct saga_kafka_setting){ "cleanup.policy", "delete" };
    settings[1] = (struct saga_kafka_setting){ "retention.ms", "-1" };
    settings[2] = (struct saga_kafka_setting){ "max.message.bytes", "10000000" };
    settings[3] = (struct saga_kafka_setting){ "min.insync.replicas", "2" };
    return (struct saga_topic_state){ true, 8, 3, settings, 4 };
}

static void a_good_topic_is_ok(void **state)
{
    (void)state;
    struct saga_kafka_setting settings[4];
    assert_int_equal(judge(&journal, true, good_journal(settings)).level, SAGA_HEALTH_OK);
}

static void a_missing_topic_fails(void **state)
{
    (void)state;
    struct saga_health_line line = judge(&journal, true, (struct saga_topic_state){ 0 });
    assert_int_equal(line.level, SAGA_HEALTH_FAILED);
    assert_string_equal(line.mend, "saga topics create");
    struct saga_health health;
    saga_health_init(&health, &arena);
    health.create = "saga topics create order.yaml";
    saga_health_topic(&health, &journal, &(struct saga_topic_state){ 0 }, true, 8, 0);
    assert_string_equal(health.lines[0].mend, "saga topics create order.yaml");
}

static void another_count_fails_for_a_lane_and_warns_for_a_reply_topic(void **state)
{
    (void)state;
    struct saga_kafka_setting settings[4];
    struct saga_topic_state topic = good_journal(settings);
    struct saga_topic_spec replies = { "payments.replies", 8, NULL, 0 };
    topic.partitions = 12;
    struct saga_health_line line = judge(&journal, true, topic);
    assert_int_equal(line.level, SAGA_HEALTH_FAILED);
    assert_non_null(strstr(line.what, "12 partitions, but the setting lanes is 8: "));
    assert_non_null(strstr(line.mend, "set lanes to 12 "));
    line = judge(&replies, false, topic);
    assert_int_equal(line.level, SAGA_HEALTH_WARNING);
    assert_non_null(strstr(line.what, "12 partitions, not 8: correct, "));
    assert_null(strstr(line.mend, "--partitions")); /* they are never taken away again */
    topic.partitions = 4;
    line = judge(&replies, false, topic);
    assert_non_null(strstr(line.mend, "--topic payments.replies --partitions 8"));
}

/* What was said of the setting then is not said again, and nothing against it. */
static void another_count_than_the_journal_has_is_no_matter_of_the_setting(void **state)
{
    (void)state;
    struct saga_kafka_setting settings[4];
    struct saga_topic_state topic = good_journal(settings);
    struct saga_topic_spec inbox = { "saga.inbox", 8, NULL, 0 };
    struct saga_health health;
    saga_health_init(&health, &arena);
    health.lanes_of = "saga.journal";
    topic.partitions = 12;
    saga_health_topic(&health, &inbox, &topic, true, 8, 0);
    assert_int_equal(health.count, 1);
    assert_int_equal(health.lines[0].level, SAGA_HEALTH_FAILED);
    assert_non_null(strstr(health.lines[0].what, "12 partitions, but saga.journal has 8: "));
    assert_null(strstr(health.lines[0].mend, "set lanes"));
}

static void settings_that_lose_records_fail_with_their_mend(void **state)
{
    (void)state;
    static const struct {
        size_t setting;
        const char *value, *mend;
    } wrong[] = { { 0, "compact", "cleanup.policy=delete" },
                  { 1, "604800000", "retention.ms=-1" },
                  { 2, "1048588", "max.message.bytes=8388608" } };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct saga_kafka_setting settings[4];
        struct saga_topic_state topic = good_journal(settings);
        settings[wrong[i].setting].value = wrong[i].value;
        struct saga_health_line line = judge(&journal, true, topic);
        assert_int_equal(line.level, SAGA_HEALTH_FAILED);
        assert_non_null(strstr(line.mend, wrong[i].mend));
    }
}

/* With snapshots the journal may be deleted, but not before they have it. */
static void a_journal_with_snapshots_may_be_short_but_not_too_short(void **state)
{
    static const struct saga_kafka_setting by_size[] = { { "retention.bytes", "-1" } };
    static const struct saga_topic_spec spec = { "saga.journal", 8, by_size, 1 };
    (void)state;
    struct saga_kafka_setting settings[4];
    struct saga_topic_state topic = good_journal(settings);
    spared_ms = 6000000;
    settings[1].value = "6000000";
    assert_int_equal(judge(&journal, true, topic).level, SAGA_HEALTH_OK);
    settings[1].value = "5999999";
    struct saga_health_line line = judge(&journal, true, topic);
    assert_int_equal(line.level, SAGA_HEALTH_FAILED);
    assert_non_null(strstr(line.what, "less than 6000000"));
    settings[1] = (struct saga_kafka_setting){ "retention.bytes", "1000000" };
    line = judge(&spec, true, topic);
    assert_int_equal(line.level, SAGA_HEALTH_FAILED);
    assert_non_null(strstr(line.what, "limit it by retention.ms"));
    spared_ms = 0;
}

static void copies_that_may_all_be_away_warn(void **state)
{
    (void)state;
    struct saga_kafka_setting settings[4];
    struct saga_topic_state topic = good_journal(settings);
    settings[3].value = "1";
    struct saga_health_line line = judge(&journal, true, topic);
    assert_int_equal(line.level, SAGA_HEALTH_WARNING);
    assert_non_null(strstr(line.mend, "min.insync.replicas=2"));
}

static void only_failures_are_unhealthy(void **state)
{
    (void)state;
    struct saga_call call = { .output = SAGA_OUTPUT_JSONL };
    struct saga_health health;
    saga_health_init(&health, &arena);
    saga_health_add(&health, SAGA_HEALTH_WARNING, "a", NULL, "b");
    begin();
    int code = saga_health_print(&call, &health);
    assert_string_equal(end(), "{\"level\":\"warning\",\"subject\":\"a\",\"what\":\"b\","
                               "\"mend\":null}\n");
    assert_int_equal(code, SAGA_EXIT_DONE);
    saga_health_add(&health, SAGA_HEALTH_FAILED, "a", "c", "b");
    begin();
    code = saga_health_print(&call, &health);
    end();
    assert_int_equal(code, SAGA_EXIT_UNHEALTHY);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(columns_line_up_by_characters),
        TEST(control_characters_are_written_out),
        TEST(bytes_that_are_no_text_stay_json),
        TEST(rows_are_one_document_or_a_line_each),
        TEST(ages_and_sizes_are_short),
        TEST(a_good_topic_is_ok),
        TEST(a_missing_topic_fails),
        TEST(another_count_fails_for_a_lane_and_warns_for_a_reply_topic),
        TEST(another_count_than_the_journal_has_is_no_matter_of_the_setting),
        TEST(settings_that_lose_records_fail_with_their_mend),
        TEST(a_journal_with_snapshots_may_be_short_but_not_too_short),
        TEST(copies_that_may_all_be_away_warn),
        TEST(only_failures_are_unhealthy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
