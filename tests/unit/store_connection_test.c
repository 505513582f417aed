/* What the answers of Redis mean for the caller, in the words of several releases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

#include "base/error.h"
#include "store/connection.h"

static const struct {
    const char *answer;
    int error;
    const char *words; /* part of what a person is told */
} cases[] = {
    { "OOM command not allowed when used memory > 'maxmemory'.", SAGA_E_AGAIN, "maxmemory" },
    { "OOM command not allowed when used memory > 'maxmemory'. script: 5f, on @user_script:17.",
      SAGA_E_AGAIN, "maxmemory" },
    { "ERR Error running script (call to f_5f): @user_script:17: @user_script: 17: -OOM command "
      "not allowed when used memory > 'maxmemory'.",
      SAGA_E_AGAIN, "maxmemory" },
    { "ERR Error running script (call to f_5f): @user_script:17: -READONLY You can't write against "
      "a read only replica.",
      SAGA_E_AGAIN, "replica" },
    { "ERR Error running script (call to f_5f): @user_script:17: WRONGTYPE Operation against a key",
      SAGA_E_STOP, "prefix" },
    { "LOADING Redis is loading the dataset in memory", SAGA_E_AGAIN, "loading" },
    { "BUSY Redis is busy running a script.", SAGA_E_AGAIN, "busy" },
    { "MASTERDOWN Link with MASTER is down", SAGA_E_AGAIN, "master" },
    { "MISCONF Redis is configured to save RDB snapshots", SAGA_E_AGAIN, "disk" },
    { "NOREPLICAS Not enough good replicas to write.", SAGA_E_AGAIN, "replicas" },
    { "CLUSTERDOWN The cluster is down", SAGA_E_AGAIN, "cluster" },
    { "MOVED 3999 127.0.0.1:6381", SAGA_E_STOP, "cluster" },
    { "NOAUTH Authentication required.", SAGA_E_STOP, "redis.password" },
    { "WRONGPASS invalid username-password pair or user is disabled.", SAGA_E_STOP,
      "redis.username" },
    { "NOPERM this user has no permissions to run the 'evalsha' command", SAGA_E_STOP, "ACL" },
    { "DENIED Redis is running in protected mode", SAGA_E_STOP, "protected mode" },
    { "ERR max number of clients reached", SAGA_E_AGAIN, "max number of clients" },
};

static void every_answer_has_its_meaning(void **state)
{
    struct saga_redis_config config = { .host = "redis.example", .port = 6380 };
    struct saga_connection connection;
    (void)state;
    saga_connection_init(&connection, &config, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        redisReply reply = { .type = REDIS_REPLY_ERROR };
        reply.str = (char *)(uintptr_t)cases[i].answer;
        reply.len = strlen(cases[i].answer);
        assert_int_equal(saga_connection_judge(&connection, &reply), cases[i].error);
        if (!strstr(connection.problem, cases[i].words))
            fail_msg("\"%s\" does not speak of %s", connection.problem, cases[i].words);
        assert_non_null(strstr(connection.problem, "redis.example:6380"));
        assert_false(saga_connection_is_unscripted(&reply));
    }
}

static void what_is_no_error_is_none(void **state)
{
    redisReply reply = { .type = REDIS_REPLY_STRING, .len = 3 };
    struct saga_redis_config config = { 0 };
    struct saga_connection connection;
    (void)state;
    reply.str = (char *)(uintptr_t) "OOM";
    saga_connection_init(&connection, &config, false);
    assert_int_equal(saga_connection_judge(&connection, &reply), SAGA_OK);
    assert_string_equal(connection.problem, "");
}

static void a_long_answer_is_cut(void **state)
{
    struct saga_redis_config config = { .unix_socket = "/run/redis.sock" };
    struct saga_connection connection;
    char text[4096];
    redisReply reply = { .type = REDIS_REPLY_ERROR };
    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    reply.str = text;
    reply.len = sizeof text - 1;
    saga_connection_init(&connection, &config, false);
    assert_int_equal(saga_connection_judge(&connection, &reply), SAGA_E_AGAIN);
    assert_true(strlen(connection.problem) < sizeof connection.problem);
    assert_non_null(strstr(connection.problem, "/run/redis.sock"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_meaning),
        cmocka_unit_test(what_is_no_error_is_none),
        cmocka_unit_test(a_long_answer_is_cut),
    };
    return cmocka_run_group_tests_name("store connection", tests, NULL, NULL);
}
