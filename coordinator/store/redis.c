#include "store/redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/layout.h"
#include "store/redis_internal.h"
#include "store/scan.h"

enum {
    READ_IDS_MAX = 1000, /* states of one call: Redis serves others between two */
    SCAN_KEYS = 1000,    /* keys that Redis looks at in one step of a reset */
    TOKEN_BYTES = 16,
    TOKEN_TEXT = 2 * TOKEN_BYTES + 1
};

/* ---- scripts ---- */

int saga_redis_verdict(struct saga_redis *redis, uint32_t lane, int64_t expected,
                       const struct redisReply *reply)
{
    struct saga_connection *c = &redis->connection;
    int error = saga_connection_judge(c, reply);
    if (error < 0) return error;
    if (saga_connection_is_unscripted(reply)) {
        saga_connection_complain(c, "it loses its scripts faster than they can be loaded");
        return SAGA_E_AGAIN;
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
        reply->element[0]->type != REDIS_REPLY_INTEGER)
        return saga_connection_puzzled(c, "a script");
    if (reply->element[0]->integer == 1) return SAGA_OK;
    if (reply->elements != 3 || reply->element[1]->type != REDIS_REPLY_STRING ||
        reply->element[2]->type != REDIS_REPLY_STRING)
        return saga_connection_puzzled(c, "a script");
    if (reply->element[2]->len == 0)
        saga_connection_complain(c, "has nothing of lane %" PRIu32 ", not even where it stands",
                                 lane);
    else
        saga_connection_complain(
            c, "lane %" PRIu32 " stands at offset %s of journal %s, but %" PRId64 " was expected",
            lane, reply->element[2]->str, reply->element[1]->str, expected);
    return SAGA_E_CONFLICT;
}

bool saga_redis_next_due(const struct redisReply *reply, int64_t *ret_ms)
{
    if (reply->type == REDIS_REPLY_STRING && reply->len == 0) {
        *ret_ms = SAGA_TIMER_NEVER;
        return true;
    }
    return saga_layout_number(reply, ret_ms);
}

static struct saga_slice lane_key(struct saga_redis *redis, uint32_t lane, const char *kind,
                                  struct saga_slice rest)
{
    return saga_layout_key(&redis->scratch, redis->connection.config.prefix, lane, kind, rest);
}

/* Begins a call of its own: takes what is still to come on the connection, then connects if it
 * must. */
static int begin_call(struct saga_redis *redis, uint32_t lane)
{
    SAGA_ASSERT(lane < redis->lanes);
    saga_redis_collect(redis);
    saga_arena_reset(&redis->scratch);
    return saga_connection_open(&redis->connection);
}

/* EVALSHA with this many keys, the first of which is the lane's hash. */
static void begin_script(struct saga_redis *redis, struct saga_command *command,
                         enum saga_script script, uint32_t lane, size_t keys)
{
    saga_command_init(command, &redis->scratch);
    saga_command_add_text(command, "EVALSHA");
    saga_command_add_text(command, redis->connection.hashes[script]);
    saga_command_add_number(command, (int64_t)keys);
    saga_command_add(command, lane_key(redis, lane, "lane", SAGA_SLICE_NONE));
}

static int run_script(struct saga_redis *redis, const struct saga_command *command, uint32_t lane,
                      int64_t expected, redisReply **ret)
{
    struct saga_connection *c = &redis->connection;
    redisReply *reply;
    int error = saga_connection_call(c, command, &reply);
    if (error < 0) return error;
    if (saga_connection_is_unscripted(reply)) {
        freeReplyObject(reply);
        error = saga_connection_load_scripts(c);
        if (error == SAGA_OK) error = saga_connection_call(c, command, &reply);
        if (error < 0) return error;
    }
    error = saga_redis_verdict(redis, lane, expected, reply);
    if (error < 0)
        freeReplyObject(reply);
    else
        *ret = reply;
    return error;
}

/* ---- what a worker asks ---- */

static int lane_read(void *self, uint32_t lane, struct saga_arena *arena,
                     struct saga_lane_status *ret)
{
    struct saga_redis *redis = self;
    struct saga_command command;
    redisReply *reply;
    int error = begin_call(redis, lane);
    if (error < 0) return error;
    saga_command_init(&command, &redis->scratch);
    saga_layout_ask_lane(&command, redis->connection.config.prefix, lane);
    error = saga_connection_call(&redis->connection, &command, &reply);
    if (error < 0) return error;
    if (saga_layout_lane_status(reply, arena, ret) < 0)
        error = saga_connection_puzzled(&redis->connection, "HMGET");
    freeReplyObject(reply);
    return error;
}

static int ids_scan(void *self, uint32_t lane, struct saga_scan *scan, struct saga_arena *arena,
                    struct saga_slice **ret_ids, size_t *ret_count)
{
    struct saga_redis *redis = self;
    int error = begin_call(redis, lane);
    if (error < 0) return error;
    return saga_scan_sagas(&redis->connection, scan, lane, arena, ret_ids, ret_count);
}

static int read_portion(struct saga_redis *redis, uint32_t lane, int64_t expected,
                        const struct saga_slice *ids, size_t count, struct saga_arena *arena,
                        struct saga_slice *ret_states)
{
    struct saga_command command;
    redisReply *reply;
    saga_arena_reset(&redis->scratch);
    begin_script(redis, &command, SAGA_SCRIPT_STATES_READ, lane, 1 + count);
    for (size_t i = 0; i < count; i++)
        saga_command_add(&command, lane_key(redis, lane, "state:", ids[i]));
    saga_command_add_number(&command, expected);
    int error = run_script(redis, &command, lane, expected, &reply);
    if (error < 0) return error;
    const redisReply *states = reply->elements == 2 ? reply->element[1] : reply;
    if (states == reply || states->type != REDIS_REPLY_ARRAY || states->elements != count)
        error = saga_connection_puzzled(&redis->connection, "the script that reads states");
    for (size_t i = 0; i < count && error == SAGA_OK; i++) {
        const redisReply *state = states->element[i];
        ret_states[i] = SAGA_SLICE_NONE;
        if (state->type == REDIS_REPLY_STRING)
            ret_states[i] =
                saga_arena_copy(arena, (struct saga_slice){ state->str, (size_t)state->len });
    }
    freeReplyObject(reply);
    return error;
}

static int states_read(void *self, uint32_t lane, int64_t expected, const struct saga_slice *ids,
                       size_t count, struct saga_arena *arena, struct saga_slice *ret_states)
{
    struct saga_redis *redis = self;
    struct saga_slice *states = SAGA_NEW_ARRAY(arena, struct saga_slice, count);
    int error = begin_call(redis, lane);
    size_t from = 0;
    do { /* also without ids: the caller wants to know whether the lane is where it believes */
        size_t portion = count - from < READ_IDS_MAX ? count - from : READ_IDS_MAX;
        if (error == SAGA_OK)
            error = read_portion(redis, lane, expected, ids + from, portion, arena, states + from);
        from += portion;
    } while (error == SAGA_OK && from < count);
    if (error == SAGA_OK && count) memcpy(ret_states, states, count * sizeof *states);
    return error;
}

static int take_due(const redisReply *members, struct saga_arena *arena,
                    struct saga_due_timer **ret, size_t *ret_count)
{
    if (members->type != REDIS_REPLY_ARRAY || members->elements % 2) return SAGA_E_INVALID;
    size_t count = members->elements / 2;
    struct saga_due_timer *due = SAGA_NEW_ARRAY(arena, struct saga_due_timer, count);
    for (size_t i = 0; i < count; i++) {
        const redisReply *member = members->element[2 * i];
        if (member->type != REDIS_REPLY_STRING ||
            !saga_layout_number(members->element[2 * i + 1], &due[i].due_ms))
            return SAGA_E_INVALID;
        struct saga_slice bytes =
            saga_arena_copy(arena, (struct saga_slice){ member->str, (size_t)member->len });
        if (saga_layout_timer_split(bytes, &due[i]) < 0) return SAGA_E_INVALID;
    }
    *ret = due;
    *ret_count = count;
    return SAGA_OK;
}

static int timers_due(void *self, uint32_t lane, int64_t expected, int64_t now_ms, size_t max,
                      struct saga_arena *arena, struct saga_due_timer **ret, size_t *ret_count,
                      int64_t *ret_next_due_ms)
{
    struct saga_redis *redis = self;
    struct saga_command command;
    redisReply *reply;
    int64_t next_due_ms;
    int error = begin_call(redis, lane);
    if (error < 0) return error;
    begin_script(redis, &command, SAGA_SCRIPT_TIMERS_DUE, lane, 2);
    saga_command_add(&command, lane_key(redis, lane, "timers", SAGA_SLICE_NONE));
    saga_command_add_number(&command, expected);
    saga_command_add_number(&command, now_ms);
    saga_command_add_number(&command, max > INT32_MAX ? INT32_MAX : (int64_t)max);
    error = run_script(redis, &command, lane, expected, &reply);
    if (error < 0) return error;
    if (reply->elements != 3 || !saga_redis_next_due(reply->element[1], &next_due_ms) ||
        take_due(reply->element[2], arena, ret, ret_count) < 0)
        error = saga_connection_puzzled(&redis->connection, "the script that reads timers");
    else
        *ret_next_due_ms = next_due_ms;
    freeReplyObject(reply);
    return error;
}

static int heartbeat(void *self, uint32_t lane, int64_t expected, struct saga_slice owner,
                     int64_t now_ms)
{
    struct saga_redis *redis = self;
    struct saga_command command;
    redisReply *reply;
    int error = begin_call(redis, lane);
    if (error < 0) return error;
    begin_script(redis, &command, SAGA_SCRIPT_HEARTBEAT, lane, 1);
    saga_command_add_number(&command, expected);
    saga_command_add(&command, owner);
    saga_command_add_number(&command, now_ms);
    error = run_script(redis, &command, lane, expected, &reply);
    if (error == SAGA_OK) freeReplyObject(reply);
    return error;
}

/* ---- emptying a lane ---- */

static int reset_step(struct saga_redis *redis, const struct saga_command *command, uint32_t lane)
{
    redisReply *reply;
    int error = run_script(redis, command, lane, 0, &reply);
    if (error == SAGA_OK) freeReplyObject(reply);
    if (error == SAGA_E_CONFLICT)
        saga_connection_complain(&redis->connection,
                                 "lane %" PRIu32 " was emptied or written by somebody else "
                                 "meanwhile",
                                 lane);
    return error;
}

/* Everything of the lane but its hash. */
static int delete_all(struct saga_redis *redis, uint32_t lane, const char *token)
{
    const char *prefix = redis->connection.config.prefix;
    struct saga_scan scan = { 0 };
    int error;
    do {
        struct saga_command command;
        struct saga_slice *keys;
        size_t count, others = 0;
        saga_arena_reset(&redis->scratch);
        struct saga_slice hash = lane_key(redis, lane, "lane", SAGA_SLICE_NONE);
        error = saga_scan_step(&redis->connection, &scan,
                               saga_layout_pattern(&redis->scratch, prefix, lane, ""), SCAN_KEYS,
                               &redis->scratch, &keys, &count);
        if (error < 0) return error;
        for (size_t i = 0; i < count; i++)
            if (!saga_slice_equal(keys[i], hash)) keys[others++] = keys[i];
        if (others == 0) continue;
        begin_script(redis, &command, SAGA_SCRIPT_RESET_PORTION, lane, 1 + others);
        for (size_t i = 0; i < others; i++) saga_command_add(&command, keys[i]);
        saga_command_add_text(&command, token);
        error = reset_step(redis, &command, lane);
    } while (error == SAGA_OK && scan.cursor != 0);
    return error;
}

static int lane_reset(void *self, uint32_t lane, const struct saga_lane_status *found,
                      struct saga_slice journal, int64_t applied, uint32_t lanes)
{
    struct saga_redis *redis = self;
    struct saga_command command;
    uint8_t random[TOKEN_BYTES];
    char token[TOKEN_TEXT];
    int error = begin_call(redis, lane);
    if (error < 0) return error;
    if (saga_random(random, sizeof random) < 0) {
        saga_connection_complain(&redis->connection,
                                 "cannot be asked, for this machine gives no random number (%s)",
                                 strerror(errno));
        return SAGA_E_AGAIN;
    }
    saga_hex(random, sizeof random, token);

    begin_script(redis, &command, SAGA_SCRIPT_RESET_BEGIN, lane, 1);
    saga_command_add_text(&command, token);
    saga_command_add(&command, found->present ? found->journal : SAGA_SLICE(""));
    if (found->present)
        saga_command_add_number(&command, found->applied);
    else
        saga_command_add_text(&command, "");
    error = reset_step(redis, &command, lane);
    if (error == SAGA_OK) error = delete_all(redis, lane, token);
    if (error < 0) return error;

    saga_arena_reset(&redis->scratch);
    begin_script(redis, &command, SAGA_SCRIPT_RESET_PORTION, lane, 1);
    saga_command_add_text(&command, token);
    saga_command_add(&command, journal);
    saga_command_add_number(&command, applied);
    saga_command_add_number(&command, lanes);
    return reset_step(redis, &command, lane);
}

static int lane_built(void *self, uint32_t lane, struct saga_slice token, int64_t expected,
                      struct saga_slice journal, int64_t applied)
{
    struct saga_redis *redis = self;
    struct saga_command command;
    redisReply *reply;
    int error = begin_call(redis, lane);
    if (error < 0) return error;
    begin_script(redis, &command, SAGA_SCRIPT_BUILT, lane, 1);
    saga_command_add(&command, token);
    saga_command_add_number(&command, expected);
    saga_command_add(&command, journal);
    saga_command_add_number(&command, applied);
    error = run_script(redis, &command, lane, expected, &reply);
    if (error == SAGA_OK) freeReplyObject(reply);
    return error;
}

/* ---- the store ---- */

static const char *problem(void *self)
{
    return ((struct saga_redis *)self)->connection.problem;
}

static void close_store(void *self)
{
    struct saga_redis *redis = self;
    saga_redis_free_applies(redis);
    saga_connection_close(&redis->connection);
    saga_arena_free(&redis->scratch);
    free(redis);
}

int saga_redis_open(const struct saga_redis_config *config, uint32_t lanes, struct saga_store *ret)
{
    SAGA_ASSERT(lanes > 0);
    struct saga_redis *redis = saga_memory_zeroed(1, sizeof *redis);
    saga_connection_init(&redis->connection, config, true);
    saga_arena_init(&redis->scratch);
    redis->lanes = lanes;
    redis->applies = saga_memory_zeroed(lanes, sizeof *redis->applies);
    redis->sent = saga_memory_zeroed(lanes, sizeof *redis->sent);
    *ret = (struct saga_store){ .self = redis,
                                .problem = problem,
                                .lane_read = lane_read,
                                .lane_reset = lane_reset,
                                .lane_built = lane_built,
                                .ids_scan = ids_scan,
                                .states_read = states_read,
                                .apply = saga_redis_apply,
                                .apply_wait = saga_redis_apply_wait,
                                .timers_due = timers_due,
                                .heartbeat = heartbeat,
                                .close = close_store };
    return SAGA_OK;
}
