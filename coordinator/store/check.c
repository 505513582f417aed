/* Is this a Redis that a coordinator can work with? */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/connection.h"
#include "store/redis.h"
#include "store/tls.h"

enum { VERSION_MAJOR_MIN = 6, VERSION_MINOR_MIN = 2 };

/* A line "field:value" of what INFO says about `section`; absent where there is none. */
static int ask_info(struct saga_connection *c, struct saga_arena *arena, const char *section,
                    const char *field, struct saga_slice *ret)
{
    struct saga_command command;
    redisReply *reply;
    saga_command_init(&command, arena);
    saga_command_add_text(&command, "INFO");
    saga_command_add_text(&command, section);
    int error = saga_connection_call(c, &command, &reply);
    if (error < 0) return error;
    *ret = SAGA_SLICE_NONE;
    size_t size = strlen(field);
    const char *line = reply->type == REDIS_REPLY_STRING ? reply->str : NULL;
    while (line && !(strncmp(line, field, size) == 0 && line[size] == ':')) {
        line = strchr(line, '\n');
        if (line) line++;
    }
    if (line) {
        const char *value = line + size + 1;
        *ret = saga_arena_copy(arena, (struct saga_slice){ value, strcspn(value, "\r\n") });
    }
    freeReplyObject(reply);
    return SAGA_OK;
}

static int check_version(struct saga_connection *c, struct saga_arena *arena,
                         struct saga_diagnostic *diagnostic)
{
    struct saga_slice version;
    unsigned major = 0, minor = 0;
    int error = ask_info(c, arena, "server", "redis_version", &version);
    if (error < 0) return error;
    if (!version.data || sscanf(version.data, "%u.%u", &major, &minor) != 2)
        return saga_connection_puzzled(c, "INFO server");
    if (major > VERSION_MAJOR_MIN || (major == VERSION_MAJOR_MIN && minor >= VERSION_MINOR_MIN))
        return SAGA_OK;
    saga_connection_complain(c, "its version is %s, but %d.%d or later is needed", version.data,
                             VERSION_MAJOR_MIN, VERSION_MINOR_MIN);
    saga_diagnostic_mend(diagnostic, arena, "install Redis 7 or later, or give another address");
    return SAGA_E_STOP;
}

/* INFO has it, and no right is needed that an ACL would rather not give: CONFIG also tells passwords. */
static int ask_policy(struct saga_connection *c, struct saga_arena *arena, struct saga_slice *ret)
{
    int error = ask_info(c, arena, "memory", "maxmemory_policy", ret);
    if (error == SAGA_OK && !ret->data) return saga_connection_puzzled(c, "INFO memory");
    return error;
}

static int check_policy(struct saga_connection *c, struct saga_arena *arena,
                        struct saga_diagnostic *diagnostic)
{
    struct saga_slice policy;
    int error = ask_policy(c, arena, &policy);
    if (error < 0 || saga_slice_is(policy, "noeviction")) return error;
    saga_connection_complain(c, "its maxmemory-policy is %s: it would throw sagas away",
                             policy.data);
    diagnostic->why = SAGA_SLICE("a state that was evicted looks like a saga that never was");
    saga_diagnostic_mend(diagnostic, arena,
                         "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in "
                         "redis.conf; a cache of others belongs into another Redis");
    return SAGA_E_STOP;
}

int saga_redis_settings_check(const struct saga_redis_config *config, struct saga_arena *arena,
                              struct saga_diagnostic *diagnostic)
{
    char problem[512];
    if (!config->tls.enabled ||
        saga_tls_try_files(&config->tls, problem, sizeof problem) == SAGA_OK)
        return SAGA_OK;
    saga_diagnostic_set(diagnostic, arena, "Redis cannot be spoken to: %s", problem);
    saga_diagnostic_mend(diagnostic, arena, "correct the settings redis.tls.*");
    return SAGA_E_STOP;
}

int saga_redis_check(const struct saga_redis_config *config, struct saga_arena *arena,
                     struct saga_diagnostic *diagnostic)
{
    struct saga_connection c;
    *diagnostic = (struct saga_diagnostic){ .severity = SAGA_SEVERITY_ERROR };
    saga_connection_init(&c, config, true); /* loading the scripts shows what an ACL forbids */
    int error = saga_connection_open(&c);
    if (error == SAGA_OK) error = check_version(&c, arena, diagnostic);
    if (error == SAGA_OK) error = check_policy(&c, arena, diagnostic);
    saga_connection_close(&c);
    if (error == SAGA_OK) return SAGA_OK;
    saga_diagnostic_set(diagnostic, arena, "%s", c.problem);
    if (!diagnostic->mend.data && error == SAGA_E_AGAIN)
        saga_diagnostic_mend(diagnostic, arena,
                             "start Redis there (redis-server), or say where it is: redis.host "
                             "and redis.port, or redis.unix-socket");
    if (!diagnostic->mend.data)
        saga_diagnostic_mend(diagnostic, arena,
                             "correct the settings redis.*, or the server as said above; "
                             "`redis-cli` with the same user shows what it allows");
    return error;
}
