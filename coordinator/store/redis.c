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

int saga_redis_conflict(struct saga_connection *c, uint32_t lane, int64_t expected,
                        const char *journal, int64_t applied)
{
    if (!journal)
        saga_connection_complain(c, "has nothing of lane %" PRIu32 ", not even where it stands",
                                 lane);
    else
        saga_connection_complain(c,
                                 "lane %" PRIu32 " stands at offset %" PRId64
                                 " of journal %s, but %" PRId64 " was expected",
                                 lane, applied, journal, expected);
    return SAGA_E_CONFLICT;
}

int saga_redis_verdict(struct saga_connection *c, uint32_t lane, int64_t expected,
                       const struct redisReply *reply)
{
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
    int64_t applied;
    bool stands = saga_layout_number(reply->element[2], &applied);
    return saga_redis_conflict(c, lane, expected, stands ? reply->element[1]->str : NULL,
                               stands ? applied : 0);
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

/* Begins a call about a lane: what was sent before is done before, then it connects if it must. */
static int begin_call(struct saga_redis *redis, uint32_t lane)
{
    SAGA_ASSERT(lane < redis->lane_count);
    saga_redis_collect(redis, lane);
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
    error = saga_redis_verdict(c, lane, expected, reply);
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

enum { READ_BEFORE, READ_STATES, READ_BEHIND, READ_COMMANDS };

/* Where the lane stands, the states, and where it stands then (R10): `applied` never comes back
 * to where it was, and no state changes without it, so that it being the same twice is as good
 * as a transaction, which a Redis without memory would refuse. Not a script, as Lua would hash
 * every byte of them. */
static size_t ask_states(struct saga_redis *redis, uint32_t lane, const struct saga_slice *ids,
                         size_t count, struct saga_command commands[READ_COMMANDS])
{
    for (size_t i = 0; i < READ_COMMANDS; i++) saga_command_init(&commands[i], &redis->scratch);
    saga_layout_ask_lane(&commands[READ_BEFORE], redis->connection.config.prefix, lane);
    if (count == 0) return 1;
    saga_command_add_text(&commands[READ_STATES], "MGET");
    for (size_t i = 0; i < count; i++)
        saga_command_add(&commands[READ_STATES], lane_key(redis, lane, "state:", ids[i]));
    saga_layout_ask_lane(&commands[READ_BEHIND], redis->connection.config.prefix, lane);
    return READ_COMMANDS;
}

static int check_standing(struct saga_redis *redis, uint32_t lane, int64_t expected,
                          const redisReply *reply)
{
    struct saga_lane_status found;
    struct saga_connection *c = &redis->connection;
    if (saga_layout_lane_status(reply, &redis->scratch, &found) < 0)
        return saga_connection_puzzled(c, "HMGET");
    if (!found.present) return saga_redis_conflict(c, lane, expected, NULL, 0);
    if (found.applied != expected)
        return saga_redis_conflict(c, lane, expected, found.journal.data, found.applied);
    return SAGA_OK;
}

/* `states` has an answer, nil or a string, to each id. */
static bool are_states(const redisReply *states, size_t count)
{
    if (states->type != REDIS_REPLY_ARRAY || states->elements != count) return false;
    for (size_t i = 0; i < count; i++)
        if (states->element[i]->type != REDIS_REPLY_STRING &&
            states->element[i]->type != REDIS_REPLY_NIL)
            return false;
    return true;
}

static int take_states(struct saga_redis *redis, const redisReply *states, size_t count,
                       struct saga_arena *arena, struct saga_slice *ret_states)
{
    if (!are_states(states, count)) return saga_connection_puzzled(&redis->connection, "MGET");
    for (size_t i = 0; i < count; i++) {
        const redisReply *state = states->element[i];
        ret_states[i] = SAGA_SLICE_NONE;
        if (state->type == REDIS_REPLY_STRING)
            ret_states[i] =
                saga_arena_copy(arena, (struct saga_slice){ state->str, (size_t)state->len });
    }
    return SAGA_OK;
}

static int read_portion(struct saga_redis *redis, uint32_t lane, int64_t expected,
                        const struct saga_slice *ids, size_t count, struct saga_arena *arena,
                        struct saga_slice *ret_states)
{
    struct saga_command commands[READ_COMMANDS];
    redisReply *replies[READ_COMMANDS];
    saga_arena_reset(&redis->scratch);
    size_t asked = ask_states(redis, lane, ids, count, commands);
    int error = saga_connection_call_all(&redis->connection, commands, asked, replies);
    if (error < 0) return error;
    error = check_standing(redis, lane, expected, replies[READ_BEFORE]);
    if (error == SAGA_OK && count)
        error = check_standing(redis, lane, expected, replies[READ_BEHIND]);
    if (error == SAGA_OK && count)
        error = take_states(redis, replies[READ_STATES], count, arena, ret_states);
    for (size_t i = 0; i < asked; i++) freeReplyObject(replies[i]);
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

/* ---- the log ---- */

enum { LOG_BEFORE, LOG_BEGIN, LOG_ENTRIES, LOG_BEHIND, LOG_COMMANDS };

static void ask_log(struct saga_redis *redis, uint32_t lane, size_t max,
                    struct saga_command commands[LOG_COMMANDS])
{
    for (size_t i = 0; i < LOG_COMMANDS; i++) saga_command_init(&commands[i], &redis->scratch);
    saga_layout_ask_lane(&commands[LOG_BEFORE], redis->connection.config.prefix, lane);
    saga_command_add_text(&commands[LOG_BEGIN], "HGET");
    saga_command_add(&commands[LOG_BEGIN], lane_key(redis, lane, "lane", SAGA_SLICE_NONE));
    saga_command_add_text(&commands[LOG_BEGIN], "operations");
    saga_command_add_text(&commands[LOG_ENTRIES], "ZREVRANGE");
    saga_command_add(&commands[LOG_ENTRIES], lane_key(redis, lane, "operations", SAGA_SLICE_NONE));
    saga_command_add_number(&commands[LOG_ENTRIES], 0);
    saga_command_add_number(&commands[LOG_ENTRIES], (int64_t)max - 1);
    saga_command_add_text(&commands[LOG_ENTRIES], "WITHSCORES");
    saga_layout_ask_lane(&commands[LOG_BEHIND], redis->connection.config.prefix, lane);
}

static int take_log(const redisReply *begin, const redisReply *entries, size_t max,
                    struct saga_arena *arena, struct saga_lane_log *ret)
{
    struct saga_lane_log log = { .known = begin->type == REDIS_REPLY_STRING };
    if (log.known &&
        saga_layout_log_begin_read((struct saga_slice){ begin->str, (size_t)begin->len }, &log.from,
                                   &log.from_ms) < 0)
        return SAGA_E_INVALID;
    if (entries->type != REDIS_REPLY_ARRAY || entries->elements % 2) return SAGA_E_INVALID;
    log.count = entries->elements / 2;
    log.operations = SAGA_NEW_ARRAY(arena, struct saga_operation_write, log.count);
    for (size_t i = 0; i < log.count; i++) {
        struct saga_operation_write *operation = &log.operations[i];
        const redisReply *member = entries->element[2 * i];
        if (member->type != REDIS_REPLY_STRING ||
            !saga_layout_number(entries->element[2 * i + 1], &operation->time_ms) ||
            saga_layout_operation_split((struct saga_slice){ member->str, (size_t)member->len },
                                        &operation->offset, &operation->entry) < 0)
            return SAGA_E_INVALID;
        operation->entry = saga_arena_copy(arena, operation->entry);
    }
    if (log.count && log.count == max) {
        log.from = log.operations[max - 1].offset;
        log.from_ms = log.operations[max - 1].time_ms;
    }
    *ret = log;
    return SAGA_OK;
}

static int log_read(void *self, uint32_t lane, int64_t expected, size_t max,
                    struct saga_arena *arena, struct saga_lane_log *ret)
{
    struct saga_redis *redis = self;
    struct saga_command commands[LOG_COMMANDS];
    redisReply *replies[LOG_COMMANDS];
    int error = begin_call(redis, lane);
    if (error < 0) return error;
    saga_arena_reset(&redis->scratch);
    ask_log(redis, lane, max, commands);
    error = saga_connection_call_all(&redis->connection, commands, LOG_COMMANDS, replies);
    if (error < 0) return error;
    error = check_standing(redis, lane, expected, replies[LOG_BEFORE]);
    if (error == SAGA_OK) error = check_standing(redis, lane, expected, replies[LOG_BEHIND]);
    if (error == SAGA_OK && take_log(replies[LOG_BEGIN], replies[LOG_ENTRIES], max, arena, ret) < 0)
        error = saga_connection_puzzled(&redis->connection, "ZREVRANGE");
    for (size_t i = 0; i < LOG_COMMANDS; i++) freeReplyObject(replies[i]);
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
    saga_redis_disarm(redis, lane);
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
    saga_redis_close_lanes(redis);
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
    saga_redis_open_lanes(redis, config, lanes);
    *ret = (struct saga_store){ .self = redis,
                                .problem = problem,
                                .lane_read = lane_read,
                                .lane_reset = lane_reset,
                                .lane_built = lane_built,
                                .ids_scan = ids_scan,
                                .states_read = states_read,
                                .log_read = log_read,
                                .apply = saga_redis_apply,
                                .apply_wait = saga_redis_apply_wait,
                                .timers_due = timers_due,
                                .heartbeat = heartbeat,
                                .close = close_store };
    return SAGA_OK;
}
