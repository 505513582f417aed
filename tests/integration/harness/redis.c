#include "harness/redis.h"

#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/process.h"

#define STEP_TIMEOUT_MS 120000
#define POLL_MS 10

struct saga_test_redis {
    struct saga_test_redis_options options;
    struct saga_redis_config config;
    char *folder;
    char *log;
    char *password;
    pid_t pid; /* 0: not running */
    char *answer;
};

static char *format_new(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *format_new(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) text = NULL;
    va_end(arguments);
    assert_non_null(text);
    return text;
}

static redisContext *connect_to(struct saga_test_redis *redis)
{
    struct timeval limit = { .tv_sec = STEP_TIMEOUT_MS / 1000 };
    redisContext *context = redisConnectWithTimeout(redis->config.host, redis->config.port, limit);

    assert_non_null(context);
    if (!context->err && redis->password) {
        redisReply *reply = redisCommand(context, "AUTH %s", redis->password);
        if (reply) freeReplyObject(reply);
    }
    return context;
}

/* Takes connections, and has loaded what it kept. */
static bool answers(struct saga_test_redis *redis)
{
    redisContext *context = connect_to(redis);
    redisReply *reply = context->err ? NULL : redisCommand(context, "PING");
    bool pong = reply && reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "PONG") == 0;

    if (reply) freeReplyObject(reply);
    redisFree(context);
    return pong;
}

void saga_test_redis_restart(struct saga_test_redis *redis)
{
    char port[16];
    char *argv[] = { "redis-server",
                     "--port",
                     port,
                     "--bind",
                     "127.0.0.1",
                     "--dir",
                     redis->folder,
                     "--save",
                     "",
                     "--appendonly",
                     redis->options.append_only ? "yes" : "no",
                     "--appendfsync",
                     "always",
                     redis->password ? "--requirepass" : NULL,
                     redis->password,
                     NULL };

    assert_int_equal(redis->pid, 0);
    snprintf(port, sizeof(port), "%d", redis->config.port);
    assert_int_equal(saga_test_spawn(argv, redis->log, &redis->pid), 0);
    for (int waited = 0; !answers(redis); waited += POLL_MS) {
        if (waited > STEP_TIMEOUT_MS || !saga_test_running(redis->pid))
            fail_msg("redis-server did not start; its log is %s", redis->log);
        saga_test_sleep_ms(POLL_MS);
    }
}

struct saga_test_redis *saga_test_redis_start(const struct saga_test_redis_options *options)
{
    struct saga_test_redis *redis = calloc(1, sizeof(*redis));

    assert_non_null(redis);
    if (options) redis->options = *options;
    if (redis->options.password) redis->password = format_new("%s", redis->options.password);
    redis->options.password = redis->password;
    redis->folder = saga_test_temp_dir();
    assert_non_null(redis->folder);
    redis->log = format_new("%s/redis.log", redis->folder);
    redis->config = (struct saga_redis_config){
        .host = "127.0.0.1",
        .port = saga_test_free_port(),
        .password = redis->password,
        .timeout_ms = redis->options.timeout_ms ? redis->options.timeout_ms : 30000,
        .prefix = "saga:",
    };
    assert_int_not_equal(redis->config.port, 0);
    saga_test_redis_restart(redis);
    return redis;
}

const struct saga_redis_config *saga_test_redis_config(const struct saga_test_redis *redis)
{
    return &redis->config;
}

pid_t saga_test_redis_pid(const struct saga_test_redis *redis)
{
    return redis->pid;
}

const char *saga_test_redis_log(const struct saga_test_redis *redis)
{
    return redis->log;
}

static void end(struct saga_test_redis *redis, int signal)
{
    if (redis->pid) saga_test_stop(redis->pid, signal, STEP_TIMEOUT_MS);
    redis->pid = 0;
}

void saga_test_redis_stop(struct saga_test_redis *redis)
{
    end(redis, SIGTERM);
}

void saga_test_redis_kill(struct saga_test_redis *redis)
{
    end(redis, SIGKILL);
}

void saga_test_redis_free(struct saga_test_redis *redis)
{
    if (!redis) return;
    end(redis, SIGKILL);
    saga_test_remove_dir(redis->folder);
    free(redis->folder);
    free(redis->log);
    free(redis->password);
    free(redis->answer);
    free(redis);
}

void saga_test_redis_freeze(struct saga_test_redis *redis)
{
    assert_int_equal(kill(redis->pid, SIGSTOP), 0);
}

void saga_test_redis_thaw(struct saga_test_redis *redis)
{
    assert_int_equal(kill(redis->pid, SIGCONT), 0);
}

void saga_test_redis_flushall(struct saga_test_redis *redis)
{
    assert_string_equal(saga_test_redis_ask(redis, "FLUSHALL"), "OK");
}

static char *text_of(const redisReply *reply)
{
    switch (reply->type) {
    case REDIS_REPLY_INTEGER: return format_new("%lld", reply->integer);
    case REDIS_REPLY_NIL: return format_new("(nil)");
    case REDIS_REPLY_ERROR: return format_new("(error) %s", reply->str);
    case REDIS_REPLY_ARRAY: break;
    default: return format_new("%s", reply->str);
    }
    char *all = format_new("%s", "");
    for (size_t i = 0; i < reply->elements; i++) {
        char *element = text_of(reply->element[i]);
        char *longer = format_new("%s%s%s", all, i ? "\n" : "", element);
        free(all);
        free(element);
        all = longer;
    }
    return all;
}

const char *saga_test_redis_ask(struct saga_test_redis *redis, const char *format, ...)
{
    redisContext *context = connect_to(redis);
    va_list arguments;
    char *words = NULL, *rest = NULL;
    const char *argv[32];
    int argc = 0;

    if (context->err) fail_msg("redis-server does not answer: %s", context->errstr);
    va_start(arguments, format);
    if (vasprintf(&words, format, arguments) < 0) words = NULL;
    va_end(arguments);
    assert_non_null(words);
    for (char *word = strtok_r(words, " ", &rest); word && argc < 32;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    redisReply *reply = redisCommandArgv(context, argc, argv, NULL);
    if (!reply) fail_msg("redis-server does not answer to %s: %s", words, context->errstr);
    free(redis->answer);
    redis->answer = text_of(reply);
    freeReplyObject(reply);
    free(words);
    redisFree(context);
    return redis->answer;
}
