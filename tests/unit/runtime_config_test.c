/* The configuration: what overrides what, what is refused and how, what `saga config` is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/nearest.h"
#include "runtime/config.h"
#include "runtime/settings.h"

struct fixture {
    struct saga_arena arena;
    struct saga_diagnostics diagnostics;
    char path[32];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    saga_arena_init(&f->arena);
    saga_diagnostics_init(&f->diagnostics, &f->arena);
    strcpy(f->path, "/tmp/saga-config-XXXXXX");
    int fd = mkstemp(f->path);
    if (fd < 0) return -1;
    close(fd);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    saga_arena_free(&f->arena);
    free(f);
    return 0;
}

static void write_file(struct fixture *f, const char *text)
{
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static char *no_variables[] = { NULL };

static int load(struct fixture *f, const char *text, char *const *variables,
                const struct saga_config_flag *flags, size_t flag_count, struct saga_config *ret)
{
    write_file(f, text);
    return saga_config_load(f->path, variables, flags, flag_count, &f->arena, &f->diagnostics, ret);
}

/* Everything that was found, as it is printed. */
static const char *findings(struct fixture *f)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    saga_diagnostics_print(&f->diagnostics, out);
    fclose(out);
    const char *copy = saga_arena_string(&f->arena, saga_slice_of(text));
    free(text);
    return copy;
}

static void assert_finds(struct fixture *f, const char *text, const char *expected)
{
    struct saga_config config;
    assert_int_equal(load(f, text, no_variables, NULL, 0, &config), SAGA_E_INVALID);
    const char *found = findings(f);
    if (!strstr(found, expected)) fail_msg("expected \"%s\" in:\n%s", expected, found);
}

static void nothing_given_is_all_defaults(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    assert_int_equal(load(f, "", no_variables, NULL, 0, &config), SAGA_OK);
    assert_string_equal(config.kafka.bootstrap_servers, "localhost:9092");
    assert_string_equal(config.kafka.group, "saga");
    assert_true(strlen(config.kafka.instance) > 0);
    assert_int_equal(config.kafka.session_timeout_ms, 6000);
    assert_int_equal(config.kafka.transaction_timeout_ms, 10000);
    assert_string_equal(config.redis.host, "127.0.0.1");
    assert_int_equal(config.redis.port, 6379);
    assert_null(config.redis.password);
    assert_int_equal(config.redis.timeout_ms, 2000);
    assert_string_equal(config.redis.prefix, "saga:");
    assert_string_equal(config.topic_prefix, "saga.");
    assert_int_equal(config.lanes, 8);
    assert_int_equal(config.workers, 2);
    assert_int_equal(config.batch_max, 2000);
    assert_int_equal(config.stop_timeout_ms, 10000);
    assert_int_equal(config.cache_bytes, 32 << 20);
    assert_string_equal(config.log_level, "info");
    assert_int_equal(config.log_format, SAGA_LOG_AUTO);
    assert_int_equal(config.kafka.setting_count, 0);
    assert_int_equal(f->diagnostics.count, 0);
}

static void nested_and_flat_names_are_the_same(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    assert_int_equal(load(f,
                          "kafka:\n"
                          "  bootstrap.servers: [one:9092, two:9092]\n"
                          "  linger: {ms: 7}\n"
                          "kafka.client.id: shop\n"
                          "redis: {host: r, db: 3, unix-socket: /run/r.sock}\n"
                          "stop-timeout: 1m\n"
                          "cache: 1 GiB\n"
                          "topics:\n",
                          no_variables, NULL, 0, &config),
                     SAGA_OK);
    assert_string_equal(config.kafka.bootstrap_servers, "one:9092,two:9092");
    assert_string_equal(config.redis.host, "r");
    assert_string_equal(config.redis.unix_socket, "/run/r.sock");
    assert_int_equal(config.redis.db, 3);
    assert_int_equal(config.stop_timeout_ms, 60000);
    assert_int_equal(config.cache_bytes, 1 << 30);
    assert_int_equal(config.kafka.setting_count, 2);
    assert_string_equal(config.kafka.settings[0].name, "linger.ms");
    assert_string_equal(config.kafka.settings[0].value, "7");
    assert_string_equal(config.kafka.settings[1].name, "client.id");
}

static void flags_go_over_variables_over_the_file(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    char *variables[] = { "SAGA_WORKERS=3", "SAGA_LANES=16", "SAGA_KAFKA_SASL_USERNAME=bob",
                          "HOME=/root", NULL };
    struct saga_config_flag flags[] = { { "workers", "4", "--workers" },
                                        { "kafka.linger.ms", "9", "-X linger.ms" } };
    assert_int_equal(load(f, "workers: 2\nlanes: 4\nredis.db: 5\n", variables, flags, 2, &config),
                     SAGA_OK);
    assert_int_equal(config.workers, 4);
    assert_int_equal(config.lanes, 16);
    assert_int_equal(config.redis.db, 5);
    assert_int_equal(config.kafka.setting_count, 2);
    assert_string_equal(config.kafka.settings[0].name, "sasl.username");
    assert_string_equal(config.kafka.settings[1].name, "linger.ms");
}

static void a_value_that_is_overridden_is_not_judged(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    struct saga_config_flag flags[] = { { "workers", "4", "--workers" } };
    assert_int_equal(load(f, "workers: many\n", no_variables, flags, 1, &config), SAGA_OK);
}

static const struct saga_setting_source *source_of(const struct saga_setting_source *sources,
                                                   size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(sources[i].name, name) == 0) return &sources[i];
    fail_msg("no source of %s", name);
    return NULL;
}

/* Would fail if a line's end became part of a password, or if what a file holds were shown. */
static void a_password_may_stand_in_a_file_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    char path[] = "/tmp/saga-password-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "hush \r\n", 7), 7);
    close(fd);
    struct saga_config_flag flags[] = { { "redis.password-file", path, "--redis-password-file" },
                                        { "kafka.sasl.password-file", path, "-X" } };
    assert_int_equal(load(f, "", no_variables, flags, 2, &config), SAGA_OK);
    assert_string_equal(config.redis.password, "hush ");
    assert_int_equal(config.kafka.setting_count, 1);
    assert_string_equal(config.kafka.settings[0].name, "sasl.password");
    assert_string_equal(config.kafka.settings[0].value, "hush ");

    assert_int_equal(load(f, "redis.password: open\n", no_variables, flags, 1, &config),
                     SAGA_E_INVALID);
    assert_non_null(strstr(findings(f), "is given already"));
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(load(f, "", no_variables, flags, 1, &config), SAGA_E_INVALID);
    assert_non_null(strstr(findings(f), "there is no password in it"));
    unlink(path);
    assert_int_equal(load(f, "", no_variables, flags, 2, &config), SAGA_E_INVALID);
    assert_non_null(strstr(findings(f), "No such file"));
    assert_null(strstr(findings(f), "hush"));
}

static void tls_with_redis_is_on_or_off_as_a_whole(void **state)
{
    static const struct {
        const char *file, *words;
    } cases[] = {
        { "redis.tls.ca: /ca.pem\n", "TLS with Redis is off" },
        { "redis: {tls: {enabled: true, key: /k.pem}}\n", "but not redis.tls.certificate" },
        { "redis: {tls: {enabled: true, certificate: /c.pem}}\n", "but not redis.tls.key" },
        { "redis: {tls: {enabled: true}, unix-socket: /s}\n", "no TLS over redis.unix-socket" },
        { "redis.tls.enabled: yes\n", "true or false" },
    };
    struct fixture *f = *state;
    struct saga_config config;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(load(f, cases[i].file, no_variables, NULL, 0, &config), SAGA_E_INVALID);
        assert_non_null(strstr(findings(f), cases[i].words));
    }
    assert_int_equal(load(f,
                          "redis: {tls: {enabled: true, ca: /ca, certificate: /c, key: /k, "
                          "server-name: r.example}}\n",
                          no_variables, NULL, 0, &config),
                     SAGA_OK);
    assert_true(config.redis.tls.enabled);
    assert_string_equal(config.redis.tls.server_name, "r.example");
}

static void every_value_says_where_it_came_from(void **state)
{
    struct fixture *f = *state;
    struct saga_setting_source *sources;
    size_t count;
    char *variables[] = { "SAGA_REDIS_PASSWORD=hush", NULL };
    struct saga_config_flag flags[] = { { "batch-max", "5", "--batch-max" } };
    write_file(f, "# ours\nworkers: 3\nkafka: {ssl.key.pem: k}\n");
    assert_int_equal(saga_config_sources(f->path, variables, flags, 1, &f->arena, &f->diagnostics,
                                         &sources, &count),
                     SAGA_OK);
    const char *line2 = saga_arena_printf(&f->arena, "%s:2", f->path).data;
    assert_string_equal(source_of(sources, count, "workers")->source, line2);
    assert_string_equal(source_of(sources, count, "batch-max")->source, "--batch-max");
    assert_string_equal(source_of(sources, count, "lanes")->source, "default");
    assert_string_equal(source_of(sources, count, "redis.password")->source, "SAGA_REDIS_PASSWORD");
    assert_true(source_of(sources, count, "redis.password")->secret);
    assert_true(source_of(sources, count, "kafka.ssl.key.pem")->secret);
    assert_false(source_of(sources, count, "redis.host")->secret);
    for (size_t i = 1; i < count; i++)
        assert_true(strcmp(sources[i - 1].name, sources[i].name) < 0);
}

static void an_unknown_name_gets_the_nearest_and_its_line(void **state)
{
    struct fixture *f = *state;
    assert_finds(f, "# a\nredis: {hosst: r}\n", "there is no setting \"redis.hosst\"");
    const char *found = findings(f);
    assert_non_null(strstr(found, saga_arena_printf(&f->arena, "%s:2:9: error", f->path).data));
    assert_non_null(strstr(found, "did you mean \"redis.host\"?"));
}

static void a_far_name_gets_no_guess(void **state)
{
    struct fixture *f = *state;
    assert_finds(f, "zzzzzzzz: 1\n", "`saga config` lists all settings");
    assert_null(strstr(findings(f), "did you mean"));
}

static void a_bad_value_says_what_it_must_be(void **state)
{
    struct fixture *f = *state;
    assert_finds(f, "redis.port: 70000\n", "it must be a port from 1 to 65535");
}

/* Catches anchors that nobody signs, or that go nowhere or into the journal, and a schedule that is none. */
static void anchors_have_a_key_and_a_place(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    assert_finds(f, "audit.anchor-every: 1h\n", "but not audit.anchor-key");
    assert_finds(f, "audit: {anchor-every: 1h, anchor-key: k}\n", "but not audit.anchor-file or");
    assert_finds(f, "audit.anchor-every: 10ms\n", "a duration from 1s to 30d");
    assert_finds(f, "audit: {anchor-every: 1h, anchor-key: k, anchor-topic: saga.journal}\n",
                 "the coordinator's own");
    assert_finds(f, "topics.prefix: x.\naudit.anchor-topic: x.dead-letters\n",
                 "the coordinator's own");
    assert_int_equal(load(f, "audit.anchor-topic: saga.anchors\n", no_variables, NULL, 0, &config),
                     SAGA_OK); /* where an import puts them */
    assert_int_equal(load(f, "audit: {anchor-every: 1h, anchor-key: k, anchor-topic: t}\n",
                          no_variables, NULL, 0, &config),
                     SAGA_OK);
    assert_int_equal(config.anchors.every_ms, 3600000);
    assert_false(saga_setting_is_secret("audit.anchor-key")); /* it is where the key is */
    assert_true(saga_setting_is_secret("kafka.ssl.key.pem"));
}

/* Catches a collector that cannot be one, and a share that is none. */
static void traces_have_an_endpoint(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    assert_int_equal(load(f, "traces: {endpoint: 'http://a:4318', sample: 0.25, timeout: 5s}\n",
                          no_variables, NULL, 0, &config),
                     SAGA_OK);
    assert_string_equal(config.traces.endpoint, "http://a:4318");
    assert_true(config.traces.threshold == 1ULL << 54);
    assert_int_equal(config.traces.timeout_ms, 5000);
    assert_string_equal(config.traces.service, "saga");
    assert_int_equal(load(f, "", no_variables, NULL, 0, &config), SAGA_OK);
    assert_null(config.traces.endpoint);
    assert_true(config.traces.threshold == 1ULL << 56);
    assert_finds(f, "traces.endpoint: a:4318\n", "it must be an address");
    assert_finds(f, "traces.sample: 1.5\n", "a share from 0 to 1");
    assert_finds(f, "traces.sample: 0.5.5\n", "a share from 0 to 1");
    assert_finds(f, "traces.sample: -1\n", "a share from 0 to 1");
    assert_finds(f, "traces.timeout: 2h\n", "a duration from 100ms to 1m");
}

static void a_password_in_an_address_is_not_repeated(void **state)
{
    struct fixture *f = *state;
    assert_finds(f, "traces.endpoint: 'https://u:hush@a'\n", "without a password");
    for (size_t i = 0; i < f->diagnostics.count; i++) {
        const struct saga_diagnostic *finding = &f->diagnostics.items[i];
        assert_null(strstr(saga_arena_string(&f->arena, finding->what), "hush"));
        assert_int_equal(finding->source_line.size, 0);
    }
}

static void all_bad_values_are_found_at_once(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    assert_int_equal(load(f,
                          "lanes: 0\nworkers: 65\nstop-timeout: 10\nbatch-max: -1\nlog: xml\n"
                          "log-level: loud\ncache: 12 parsec\nredis.prefix: '{x}'\n"
                          "instance: a b\n",
                          no_variables, NULL, 0, &config),
                     SAGA_E_INVALID);
    assert_int_equal(f->diagnostics.errors, 9);
}

static void a_mistyped_secret_is_not_repeated(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    struct saga_config_flag flags[] = { { "redis.pasword", "hush", "--set" } };
    assert_int_equal(
        load(f, "redis: {pasword: hush}\nredis.hots: h\n", no_variables, flags, 1, &config),
        SAGA_E_INVALID);
    assert_null(strstr(findings(f), "hush"));
    assert_non_null(strstr(findings(f), "did you mean \"redis.password\"?"));
    assert_non_null(strstr(findings(f), "| redis.hots: h")); /* other lines are shown */
}

static void a_broken_line_with_a_secret_is_not_repeated(void **state)
{
    struct fixture *f = *state;
    assert_finds(f, "redis: {password: [hush\n", "this is not YAML");
    assert_null(strstr(findings(f), "hush"));
}

static void what_fencing_rests_on_cannot_be_set(void **state)
{
    struct fixture *f = *state;
    assert_finds(f, "kafka: {isolation.level: read_uncommitted}\n", "must not be read");
}

static void broken_yaml_is_a_finding_with_its_place(void **state)
{
    struct fixture *f = *state;
    assert_finds(f, "workers: 2\nredis: {host: [\n", "this is not YAML");
    assert_non_null(strstr(findings(f), f->path));
}

static void a_setting_without_a_value_is_a_finding(void **state)
{
    struct fixture *f = *state;
    assert_finds(f, "workers:\n", "this setting has no value");
}

static void a_setting_twice_is_a_finding(void **state)
{
    struct fixture *f = *state;
    assert_finds(f, "kafka.bootstrap.servers: a:1\nkafka:\n  bootstrap:\n    servers: b:2\n",
                 ":4:5: error: \"kafka.bootstrap.servers\" is set twice, on line 1 and on line 4");
    assert_finds(f, "kafka: {linger.ms: 5}\nworkers: 2\nkafka.linger.ms: 6\n",
                 "\"kafka.linger.ms\" is set twice, on line 1 and on line 3");
    assert_finds(f, "workers: 2\n\"workers\": 3\n",
                 "error: \"workers\" is set twice, on line 1 and on line 2");
    assert_finds(f, "redis: {host: a}\nlanes: 4\nredis: {port: 1}\n",
                 "error: \"redis\" is set twice, on line 1 and on line 3");
}

/* Else `saga config` would show as in force what no client can be made with. */
static void an_option_that_librdkafka_has_not_is_a_finding(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    static const struct saga_config_flag good[] = {
        { "kafka.sasl.mechanism", "PLAIN", "-X" }, /* an alias of sasl.mechanisms */
        { "kafka.compression.type", "lz4", "-X" }, /* of topics */
        { "kafka.ssl.ca.location", "/none", "-X" },
    };
    assert_finds(f, "workers: 2\nkafka:\n  group.idd: x\n",
                 ":3:3: error: librdkafka has no option \"group.idd\"");
    char *variables[] = { "SAGA_KAFKA_LINGERS_MS=3", NULL };
    assert_int_equal(load(f, "", variables, NULL, 0, &config), SAGA_E_INVALID);
    assert_non_null(strstr(findings(f), "\"lingers.ms\", given by SAGA_KAFKA_LINGERS_MS"));
    assert_int_equal(load(f, "", no_variables, good, sizeof good / sizeof good[0], &config),
                     SAGA_OK);
}

static void a_missing_file_is_a_finding(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    assert_int_equal(saga_config_load("/nowhere/saga.yaml", no_variables, NULL, 0, &f->arena,
                                      &f->diagnostics, &config),
                     SAGA_E_INVALID);
    assert_non_null(strstr(findings(f), "/nowhere/saga.yaml: error: cannot be read"));
}

static void foreign_variables_warn_and_service_links_are_passed_over(void **state)
{
    struct fixture *f = *state;
    struct saga_config config;
    char *variables[] = { "SAGA_REDIS_PORT=tcp://10.0.0.1:6379", "SAGA_KAFKA_SERVICE_HOST=10.0.0.2",
                          "SAGA_KAFKA_PORT_9092_TCP_ADDR=10.0.0.2", "SAGA_WROKERS=3", NULL };
    assert_int_equal(load(f, "", variables, NULL, 0, &config), SAGA_OK);
    assert_int_equal(config.redis.port, 6379);
    assert_int_equal(config.kafka.setting_count, 0);
    assert_int_equal(f->diagnostics.count, 1);
    assert_non_null(strstr(findings(f), "SAGA_WROKERS"));
}

static void the_table_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < saga_settings_count; i++) {
        const struct saga_setting *s = &saga_settings[i];
        struct saga_config config = { 0 };
        assert_ptr_equal(saga_setting_find(s->name), s); /* no name twice */
        assert_null(strchr(s->flag, '.'));
        assert_true(strlen(s->summary) > 0 && strlen(s->argument) > 0);
        if (s->default_value) assert_null(s->read(s->default_value, &config));
    }
}

static void nearest_counts_letters(void **state)
{
    (void)state;
    assert_int_equal(saga_edit_distance(SAGA_SLICE("kitten"), SAGA_SLICE("sitting")), 3);
    assert_int_equal(saga_edit_distance(SAGA_SLICE(""), SAGA_SLICE("abc")), 3);
    assert_int_equal(saga_edit_distance(SAGA_SLICE("list"), SAGA_SLICE("list")), 0);
    static const char *const names[] = { "list", "show", "watch" };
    assert_string_equal(saga_nearest(SAGA_SLICE("wacth"), names, 3), "watch");
    assert_null(saga_nearest(SAGA_SLICE("frobnicate"), names, 3));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_given_is_all_defaults),
        TEST(nested_and_flat_names_are_the_same),
        TEST(flags_go_over_variables_over_the_file),
        TEST(a_value_that_is_overridden_is_not_judged),
        TEST(a_password_may_stand_in_a_file_of_its_own),
        TEST(tls_with_redis_is_on_or_off_as_a_whole),
        TEST(every_value_says_where_it_came_from),
        TEST(an_unknown_name_gets_the_nearest_and_its_line),
        TEST(a_far_name_gets_no_guess),
        TEST(a_bad_value_says_what_it_must_be),
        TEST(anchors_have_a_key_and_a_place),
        TEST(traces_have_an_endpoint),
        TEST(a_password_in_an_address_is_not_repeated),
        TEST(all_bad_values_are_found_at_once),
        TEST(a_mistyped_secret_is_not_repeated),
        TEST(a_broken_line_with_a_secret_is_not_repeated),
        TEST(what_fencing_rests_on_cannot_be_set),
        TEST(broken_yaml_is_a_finding_with_its_place),
        TEST(a_setting_without_a_value_is_a_finding),
        TEST(a_missing_file_is_a_finding),
        TEST(a_setting_twice_is_a_finding),
        TEST(an_option_that_librdkafka_has_not_is_a_finding),
        TEST(foreign_variables_warn_and_service_links_are_passed_over),
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(nearest_counts_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
