#include "store/connection.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/reader.h"
#include "store/tls.h"

extern const char saga_lua_timers_due[], saga_lua_heartbeat[], saga_lua_reset_begin[],
    saga_lua_reset_portion[], saga_lua_built[];

static const char *const sources[SAGA_SCRIPTS] = {
    [SAGA_SCRIPT_TIMERS_DUE] = saga_lua_timers_due,
    [SAGA_SCRIPT_HEARTBEAT] = saga_lua_heartbeat,
    [SAGA_SCRIPT_RESET_BEGIN] = saga_lua_reset_begin,
    [SAGA_SCRIPT_RESET_PORTION] = saga_lua_reset_portion,
    [SAGA_SCRIPT_BUILT] = saga_lua_built,
};

/* What Redis answers when it does not do what was asked, by the beginning of the answer. */
static const struct answer {
    const char *code;
    int error;
    const char *words;
} answers[] = {
    { "OOM", SAGA_E_AGAIN,
      "it has no memory left and takes no writes; sagas wait until it has: raise maxmemory" },
    { "LOADING", SAGA_E_AGAIN, "it is still loading its data" },
    { "BUSY", SAGA_E_AGAIN, "it is busy with somebody's long script" },
    { "READONLY", SAGA_E_AGAIN,
      "it is a replica and takes no writes: give the address of the master" },
    { "MASTERDOWN", SAGA_E_AGAIN, "it is a replica that has lost its master" },
    { "MISCONF", SAGA_E_AGAIN,
      "it cannot save to its disk and refuses writes: look for room on its disk, and into its "
      "log" },
    { "NOREPLICAS", SAGA_E_AGAIN,
      "it refuses writes because it has too few replicas (min-replicas-to-write)" },
    { "CLUSTERDOWN", SAGA_E_AGAIN, "its cluster is down" },
    { "TRYAGAIN", SAGA_E_AGAIN, "its cluster is moving keys" },
    { "MOVED", SAGA_E_STOP,
      "it is one node of a cluster and does not hold all lanes: one that does is needed" },
    { "ASK", SAGA_E_AGAIN, "its cluster is moving keys" },
    { "NOAUTH", SAGA_E_STOP, "it wants a password: set redis.password or redis.password-file" },
    { "WRONGPASS", SAGA_E_STOP,
      "it does not take this user and password: look at redis.username, redis.password and "
      "redis.password-file" },
    { "DENIED", SAGA_E_STOP,
      "it takes connections from its own machine only (protected mode): give it a password" },
    { "NOPERM", SAGA_E_STOP,
      "this user may not do what is needed: allow it the commands and keys that SECURITY.md lists "
      "(ACL SETUSER)" },
    { "WRONGTYPE", SAGA_E_STOP,
      "somebody else's data is under our names: give this coordinator a prefix or a database of "
      "its own" },
    { "ERR DB index", SAGA_E_STOP, "it has no such database: look at redis.db" },
    { "ERR SELECT", SAGA_E_STOP, "a cluster has no database but 0: look at redis.db" },
    { "ERR AUTH", SAGA_E_STOP, "it has no password but was given one: look at redis.password" },
    { "ERR unknown command", SAGA_E_STOP,
      "it does not know a command that is needed: 6.2 or later is" },
};

void saga_connection_init(struct saga_connection *c, const struct saga_redis_config *config,
                          bool scripted)
{
    *c = (struct saga_connection){ .config = *config, .scripted = scripted };
    if (!c->config.host) c->config.host = "127.0.0.1";
    if (c->config.port == 0) c->config.port = 6379;
    if (c->config.timeout_ms <= 0) c->config.timeout_ms = 2000;
    if (!c->config.prefix) c->config.prefix = "saga:";
}

void saga_connection_close(struct saga_connection *c)
{
    saga_tls_free(c->tls);
    if (c->context) redisFree(c->context);
    c->tls = NULL;
    c->context = NULL;
}

void saga_connection_complain(struct saga_connection *c, const char *format, ...)
{
    int size = c->config.unix_socket
                   ? snprintf(c->problem, sizeof c->problem, "Redis at %s: ", c->config.unix_socket)
                   : snprintf(c->problem, sizeof c->problem, "Redis at %s:%d: ", c->config.host,
                              c->config.port);
    if (size < 0 || (size_t)size >= sizeof c->problem) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->problem + size, sizeof c->problem - (size_t)size, format, arguments);
    va_end(arguments);
}

int saga_connection_puzzled(struct saga_connection *c, const char *asked)
{
    saga_connection_complain(c, "its answer to %s cannot be understood; is it a Redis?", asked);
    return SAGA_E_STOP;
}

/* ---- trouble ---- */

static int lost(struct saga_connection *c)
{
    int number = errno;
    const redisContext *context = c->context;
    const char *refusal = c->tls ? saga_tls_refusal(c->tls) : NULL;
    if (context->err == REDIS_ERR_OOM && !c->refused) saga_memory_exhausted("hiredis");
    bool late = context->err == REDIS_ERR_IO &&
                (number == EAGAIN || number == EWOULDBLOCK || number == ETIMEDOUT);
    c->hung_up = context->err == REDIS_ERR_EOF ||
                 (context->err == REDIS_ERR_IO && (number == ECONNRESET || number == EPIPE));
    if (late)
        saga_connection_complain(c, "no answer within %d ms", c->config.timeout_ms);
    else if (c->hung_up)
        saga_connection_complain(c, "it closed the connection");
    else if (c->refused)
        saga_connection_complain(c, "its answer announces more elements than any answer has; is it "
                                    "a Redis?");
    else
        saga_connection_complain(c, "%s", refusal ? refusal : context->errstr);
    saga_connection_close(c);
    return refusal ? SAGA_E_STOP : SAGA_E_AGAIN;
}

/* Redis 6.2 wraps what goes wrong within a script, newer ones put it first. So does a
 * transaction that is not begun. */
static bool says(const redisReply *reply, const char *code)
{
    static const char *const wrappers[] = { "ERR Error running script", "EXECABORT" };
    if (strncmp(reply->str, code, strlen(code)) == 0) return true;
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
        if (strncmp(reply->str, wrappers[i], strlen(wrappers[i])) == 0)
            return strstr(reply->str, code) != NULL;
    return false;
}

int saga_connection_judge(struct saga_connection *c, const struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR) return SAGA_OK;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (!says(reply, answers[i].code)) continue;
        saga_connection_complain(c, "%s (it says: %.200s)", answers[i].words, reply->str);
        return answers[i].error;
    }
    saga_connection_complain(c, "it refuses: %.300s", reply->str);
    return SAGA_E_AGAIN;
}

bool saga_connection_is_unscripted(const struct redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0;
}

/* ---- connecting ---- */

/* One command of connecting: it is not sent again, and any error answer ends the attempt. */
static int introduce(struct saga_connection *c, int count, const char **words,
                     struct redisReply **ret)
{
    char *bytes;
    redisReply *reply = NULL;
    int size = redisFormatCommandArgv(&bytes, count, words, NULL);
    if (size < 0) saga_memory_exhausted("hiredis");
    int error = saga_connection_append(c, bytes, (size_t)size);
    redisFreeCommand(bytes);
    if (error == SAGA_OK) error = saga_connection_receive(c, &reply);
    if (error == SAGA_E_AGAIN && c->hung_up && !c->config.tls.enabled)
        saga_connection_complain(c, "it closed the connection before it answered anything: does it "
                                    "want TLS on this port? set redis.tls.enabled");
    if (error < 0) return error;
    error = saga_connection_judge(c, reply);
    if (error < 0 || !ret)
        freeReplyObject(reply);
    else
        *ret = reply;
    return error;
}

static int log_in(struct saga_connection *c)
{
    const struct saga_redis_config *config = &c->config;
    char db[16];
    int error = SAGA_OK;
    if (config->password && config->username)
        error =
            introduce(c, 3, (const char *[]){ "AUTH", config->username, config->password }, NULL);
    else if (config->password)
        error = introduce(c, 2, (const char *[]){ "AUTH", config->password }, NULL);
    if (error < 0 || config->db == 0) return error;
    snprintf(db, sizeof db, "%d", config->db);
    return introduce(c, 2, (const char *[]){ "SELECT", db }, NULL);
}

int saga_connection_load_scripts(struct saga_connection *c)
{
    for (size_t i = 0; i < SAGA_SCRIPTS; i++) {
        redisReply *reply;
        int error = introduce(c, 3, (const char *[]){ "SCRIPT", "LOAD", sources[i] }, &reply);
        if (error < 0) return error;
        bool hash = reply->type == REDIS_REPLY_STRING && reply->len == sizeof c->hashes[i] - 1;
        if (hash) memcpy(c->hashes[i], reply->str, sizeof c->hashes[i]);
        freeReplyObject(reply);
        if (!hash) return saga_connection_puzzled(c, "SCRIPT LOAD");
    }
    return SAGA_OK;
}

/* The socket alone. */
static int reach(struct saga_connection *c)
{
    struct timeval limit = { .tv_sec = c->config.timeout_ms / 1000,
                             .tv_usec = (c->config.timeout_ms % 1000) * 1000 };
    c->context = c->config.unix_socket
                     ? redisConnectUnixWithTimeout(c->config.unix_socket, limit)
                     : redisConnectWithTimeout(c->config.host, c->config.port, limit);
    if (!c->context || c->context->err == REDIS_ERR_OOM) saga_memory_exhausted("hiredis");
    if (c->context->err) {
        saga_connection_complain(c, "cannot be reached: %s", c->context->errstr);
        saga_connection_close(c);
        return SAGA_E_AGAIN;
    }
    saga_reader_guard(c->context, &c->refused);
    if (redisSetTimeout(c->context, limit) != REDIS_OK) return lost(c);
    if (!c->config.unix_socket && redisEnableKeepAlive(c->context) != REDIS_OK) return lost(c);
    return SAGA_OK;
}

static int begin_tls(struct saga_connection *c)
{
    char words[sizeof c->problem - 100];
    int error =
        saga_tls_open(&c->config.tls, c->config.host, c->context, words, sizeof words, &c->tls);
    if (error < 0) saga_connection_complain(c, "%s", words);
    return error;
}

int saga_connection_open(struct saga_connection *c)
{
    if (c->context) return SAGA_OK;
    int error = reach(c);
    if (error == SAGA_OK && c->config.tls.enabled) error = begin_tls(c);
    if (error == SAGA_OK) error = log_in(c);
    if (error == SAGA_OK && c->scripted) error = saga_connection_load_scripts(c);
    if (error < 0) saga_connection_close(c);
    return error;
}

/* ---- asking ---- */

int saga_connection_append(struct saga_connection *c, const char *bytes, size_t size)
{
    if (c->tls) {
        saga_tls_append(c->tls, bytes, size);
        return SAGA_OK;
    }
    return redisAppendFormattedCommand(c->context, bytes, size) == REDIS_OK ? SAGA_OK : lost(c);
}

int saga_connection_flush(struct saga_connection *c)
{
    int done = 0;
    if (c->tls) return saga_tls_flush(c->tls) ? SAGA_OK : lost(c);
    while (!done)
        if (redisBufferWrite(c->context, &done) != REDIS_OK) return lost(c);
    return SAGA_OK;
}

int saga_connection_receive(struct saga_connection *c, struct redisReply **ret)
{
    void *reply = NULL;
    if (c->tls ? !saga_tls_receive(c->tls, &reply) : redisGetReply(c->context, &reply) != REDIS_OK)
        return lost(c);
    *ret = reply;
    return SAGA_OK;
}

bool saga_connection_has_ended(const struct saga_connection *c)
{
    char byte;
    if (!c->context) return false;
    if (c->tls) return saga_tls_has_ended(c->tls);
    ssize_t size = recv(c->context->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static int ask_all(struct saga_connection *c, const struct saga_command *commands, size_t count,
                   struct redisReply **ret)
{
    size_t got = 0;
    int error = SAGA_OK;
    for (size_t i = 0; i < count && error == SAGA_OK; i++) {
        char *bytes;
        size_t size;
        if (saga_command_format(&commands[i], &bytes, &size) < 0) {
            saga_connection_complain(c, "one command would have more arguments than it takes");
            saga_connection_close(c); /* what was queued before must not be sent later */
            return SAGA_E_STOP;
        }
        error = saga_connection_append(c, bytes, size);
        redisFreeCommand(bytes);
    }
    while (error == SAGA_OK && got < count) {
        error = saga_connection_receive(c, &ret[got]);
        if (error == SAGA_OK) got++;
    }
    if (error < 0)
        while (got > 0) freeReplyObject(ret[--got]);
    return error;
}

int saga_connection_call_all(struct saga_connection *c, const struct saga_command *commands,
                             size_t count, struct redisReply **ret)
{
    bool of_before = c->context != NULL;
    int error = saga_connection_open(c);
    if (error < 0) return error;
    error = ask_all(c, commands, count, ret);
    if (error == SAGA_E_AGAIN && of_before && c->hung_up) {
        error = saga_connection_open(c);
        if (error == SAGA_OK) error = ask_all(c, commands, count, ret);
    }
    if (error < 0) return error;
    for (size_t i = 0; i < count && error == SAGA_OK; i++)
        if (!saga_connection_is_unscripted(ret[i])) error = saga_connection_judge(c, ret[i]);
    if (error < 0)
        for (size_t i = 0; i < count; i++) freeReplyObject(ret[i]);
    return error;
}

int saga_connection_call(struct saga_connection *c, const struct saga_command *command,
                         struct redisReply **ret)
{
    return saga_connection_call_all(c, command, 1, ret);
}
