#include "store/instance.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "store/connection.h"

struct holding {
    struct saga_connection connection;
    struct saga_arena *arena;
    struct saga_slice key;
    const char *holder;
    int64_t hold_ms;
};

static int ask(struct holding *h, const char *verb, bool with_value, bool only_if_free,
               redisReply **ret)
{
    struct saga_command command;
    saga_command_init(&command, h->arena);
    saga_command_add_text(&command, verb);
    saga_command_add(&command, h->key);
    if (with_value) {
        saga_command_add_text(&command, h->holder);
        if (only_if_free) saga_command_add_text(&command, "NX");
        saga_command_add_text(&command, "PX");
        saga_command_add_number(&command, h->hold_ms);
    }
    return saga_connection_call(&h->connection, &command, ret);
}

static int take(struct holding *h, bool only_if_free, bool *ret_taken)
{
    redisReply *reply;
    int error = ask(h, "SET", true, only_if_free, &reply);
    if (error < 0) return error;
    *ret_taken = reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    return SAGA_OK;
}

/* "<host> <pid> ...", in words for people. */
static struct saga_slice words_of_holder(struct saga_slice holder, struct saga_arena *arena)
{
    const char *host_end = holder.size ? memchr(holder.data, ' ', holder.size) : NULL;
    if (!host_end) return holder;
    struct saga_slice host = { holder.data, (size_t)(host_end - holder.data) };
    struct saga_slice rest = saga_slice_skip(holder, host.size + 1);
    const char *pid_end = memchr(rest.data, ' ', rest.size);
    if (pid_end) rest.size = (size_t)(pid_end - rest.data);
    return saga_arena_printf(arena, "process %.*s on host %.*s", SAGA_SLICE_ARG(rest),
                             SAGA_SLICE_ARG(host));
}

/* Who holds the name; absent: nobody any more. */
static int look(struct holding *h, struct saga_slice *ret_holder)
{
    redisReply *reply;
    int error = ask(h, "GET", false, false, &reply);
    if (error < 0) return error;
    *ret_holder = SAGA_SLICE_NONE;
    if (reply->type == REDIS_REPLY_STRING)
        *ret_holder =
            saga_arena_copy(h->arena, (struct saga_slice){ reply->str, (size_t)reply->len });
    freeReplyObject(reply);
    return SAGA_OK;
}

/* "<host> <pid> ...": a process of this host that there is no more? */
static bool is_gone(const char *holder)
{
    char host[256];
    const char *space = strchr(holder, ' ');
    if (!space || gethostname(host, sizeof host) != 0) return false;
    host[sizeof host - 1] = '\0';
    if (strlen(host) != (size_t)(space - holder) || strncmp(host, holder, strlen(host)) != 0)
        return false;
    long pid = strtol(space + 1, NULL, 10);
    if (pid == (long)getpid())
        return true; /* a container that began again: its number is ours now */
    return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static int hold(struct holding *h, struct saga_slice *ret_other)
{
    bool taken;
    struct saga_slice other;
    int error = take(h, true, &taken);
    if (error < 0 || taken) return error;
    error = look(h, &other);
    if (error < 0) return error;
    bool ours = saga_slice_is(other, h->holder);
    if (ours || !other.data || is_gone(other.data)) return take(h, false, &taken);
    *ret_other = other;
    return SAGA_E_CONFLICT;
}

static void open_holding(struct holding *h, const struct saga_redis_config *config,
                         const char *group, const char *instance, const char *holder,
                         struct saga_arena *arena)
{
    *h = (struct holding){ .arena = arena, .holder = holder };
    h->key = saga_arena_printf(arena, "%sinstance:%s:%s",
                               config->prefix ? config->prefix : "saga:", group, instance);
    saga_connection_init(&h->connection, config, false);
}

int saga_instance_hold(const struct saga_redis_config *config, const char *group,
                       const char *instance, const char *holder, int64_t hold_ms,
                       struct saga_arena *arena, struct saga_diagnostic *diagnostic)
{
    struct holding h;
    struct saga_slice other = SAGA_SLICE_NONE;
    open_holding(&h, config, group, instance, holder, arena);
    h.hold_ms = hold_ms;
    int error = hold(&h, &other);
    saga_connection_close(&h.connection);
    if (error == SAGA_E_CONFLICT) {
        saga_diagnostic_set(diagnostic, arena,
                            "another process runs under the instance name %s: %.*s", instance,
                            SAGA_SLICE_ARG(words_of_holder(other, arena)));
        saga_diagnostic_mend(
            diagnostic, arena,
            "give every process an `instance` name of its own, the same each time it starts");
    } else if (error < 0) {
        saga_diagnostic_set(diagnostic, arena, "%s", h.connection.problem);
    }
    return error;
}

void saga_instance_release(const struct saga_redis_config *config, const char *group,
                           const char *instance, const char *holder)
{
    struct holding h;
    struct saga_arena arena;
    struct saga_slice other;
    redisReply *reply;
    saga_arena_init(&arena);
    open_holding(&h, config, group, instance, holder, &arena);
    if (look(&h, &other) == SAGA_OK && saga_slice_is(other, holder) &&
        ask(&h, "DEL", false, false, &reply) == SAGA_OK)
        freeReplyObject(reply);
    saga_connection_close(&h.connection);
    saga_arena_free(&arena);
}
