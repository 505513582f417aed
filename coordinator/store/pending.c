/* Applies: sent without waiting, as a transaction that takes effect only if the lane's hash
 * still is as it was read (R9). */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "store/layout.h"
#include "store/redis_internal.h"

/* How often an apply is sent again because somebody wrote to the lane's hash without moving it:
 * a late heartbeat. */
enum { TRIES_MAX = 3 };

void saga_redis_open_lanes(struct saga_redis *redis, const struct saga_redis_config *config,
                           uint32_t count)
{
    redis->lane_count = count;
    redis->lanes = saga_memory_zeroed(count, sizeof *redis->lanes);
    for (uint32_t i = 0; i < count; i++)
        saga_connection_init(&redis->lanes[i].connection, config, false);
}

static void disarm(struct saga_redis_lane *lane)
{
    free(lane->found_journal);
    lane->found_journal = NULL;
    lane->armed = false;
}

/* The answer was taken, or nothing was sent. */
static void forget(struct saga_redis_lane *lane)
{
    free(lane->problem);
    free(lane->journal);
    lane->problem = lane->journal = NULL;
    lane->under_way = lane->answered = false;
    lane->error = SAGA_OK;
    saga_wire_clear(&lane->transaction.wire);
}

void saga_redis_close_lanes(struct saga_redis *redis)
{
    for (uint32_t i = 0; i < redis->lane_count; i++) {
        struct saga_redis_lane *lane = &redis->lanes[i];
        forget(lane);
        disarm(lane);
        saga_wire_free(&lane->transaction.wire);
        saga_connection_close(&lane->connection);
    }
    free(redis->lanes);
    saga_wire_free(&redis->wires.keys);
    saga_wire_free(&redis->wires.steps);
    saga_wire_free(&redis->wires.arguments);
}

void saga_redis_disarm(struct saga_redis *redis, uint32_t lane)
{
    disarm(&redis->lanes[lane]);
}

/* ---- arming ---- */

enum { ARM_FORGET, ARM_WATCH, ARM_READ, ARM_COMMANDS };

static void ask_to_arm(struct saga_redis *redis, uint32_t lane,
                       struct saga_command commands[ARM_COMMANDS])
{
    const char *prefix = redis->connection.config.prefix;
    for (size_t i = 0; i < ARM_COMMANDS; i++) saga_command_init(&commands[i], &redis->scratch);
    saga_command_add_text(&commands[ARM_FORGET], "UNWATCH"); /* what was touched stays touched */
    saga_command_add_text(&commands[ARM_WATCH], "WATCH");
    saga_command_add(&commands[ARM_WATCH],
                     saga_layout_key(&redis->scratch, prefix, lane, "lane", SAGA_SLICE_NONE));
    saga_layout_ask_lane(&commands[ARM_READ], prefix, lane);
}

/* The lane is watched, and this is how it stands. */
static int arm(struct saga_redis *redis, struct saga_redis_lane *lane, const redisReply *read)
{
    struct saga_lane_status found;
    disarm(lane);
    if (saga_layout_lane_status(read, &redis->scratch, &found) < 0)
        return saga_connection_puzzled(&lane->connection, "HMGET");
    lane->armed = true;
    lane->found_applied = found.applied;
    if (found.present)
        lane->found_journal = saga_memory_text(found.journal.data, found.journal.size);
    return SAGA_OK;
}

static bool watches(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0;
}

static int arm_now(struct saga_redis *redis, uint32_t number)
{
    struct saga_redis_lane *lane = &redis->lanes[number];
    struct saga_command commands[ARM_COMMANDS];
    redisReply *replies[ARM_COMMANDS];
    ask_to_arm(redis, number, commands);
    int error = saga_connection_call_all(&lane->connection, commands, ARM_COMMANDS, replies);
    if (error < 0) return error;
    error = watches(replies[ARM_WATCH]) ? arm(redis, lane, replies[ARM_READ])
                                        : saga_connection_puzzled(&lane->connection, "WATCH");
    for (size_t i = 0; i < ARM_COMMANDS; i++) freeReplyObject(replies[i]);
    return error;
}

/* Is the lane as the apply wants it? */
static bool fits(const struct saga_redis_lane *lane)
{
    return lane->found_journal && strcmp(lane->found_journal, lane->journal) == 0 &&
           lane->found_applied == lane->expected;
}

static int check(struct saga_redis_lane *lane, uint32_t number)
{
    if (fits(lane)) return SAGA_OK;
    return saga_redis_conflict(&lane->connection, number, lane->expected, lane->found_journal,
                               lane->found_applied);
}

/* ---- sending ---- */

static int send_bytes(struct saga_connection *c, struct saga_slice bytes)
{
    return saga_connection_append(c, bytes.data, bytes.size);
}

/* The transaction, and behind it what arms the lane for the next one. The lane is armed and as
 * it should be. */
static int send(struct saga_redis *redis, uint32_t number)
{
    struct saga_redis_lane *lane = &redis->lanes[number];
    struct saga_connection *c = &lane->connection;
    struct saga_command commands[ARM_COMMANDS];
    const struct saga_wire *wire = &lane->transaction.wire;
    disarm(lane);
    int error = send_bytes(c, (struct saga_slice){ wire->data, wire->size });
    ask_to_arm(redis, number, commands);
    for (size_t i = ARM_WATCH; i < ARM_COMMANDS && error == SAGA_OK; i++) {
        char *bytes;
        size_t size;
        if (saga_command_format(&commands[i], &bytes, &size) < 0) SAGA_ASSERT(false);
        error = send_bytes(c, (struct saga_slice){ bytes, size });
        redisFreeCommand(bytes);
    }
    return error == SAGA_OK ? saga_connection_flush(c) : error;
}

/* ---- answers ---- */

static void answer(struct saga_redis_lane *lane, int error)
{
    char *problem = NULL;
    if (error < 0)
        problem = saga_memory_text(lane->connection.problem, sizeof lane->connection.problem);
    if (error == SAGA_E_STOP) { /* who was puzzled does not know what else is still to come */
        saga_connection_close(&lane->connection);
        disarm(lane);
    }
    forget(lane);
    lane->answered = true;
    lane->error = error;
    lane->problem = problem;
}

/* The answer to EXEC: each command's. One that went wrong counts before the script's own. */
static int judge_transaction(struct saga_redis_lane *lane, uint32_t number, const redisReply *reply)
{
    struct saga_connection *c = &lane->connection;
    size_t queued = lane->transaction.queued;
    int error = saga_connection_judge(c, reply);
    if (error == SAGA_OK && (reply->type != REDIS_REPLY_ARRAY || reply->elements != queued))
        error = saga_connection_puzzled(c, "EXEC");
    for (size_t i = 0; i < queued && error == SAGA_OK; i++)
        error = saga_connection_judge(c, reply->element[i]);
    if (error < 0) return error;
    const redisReply *script = reply->element[queued - 1];
    error = saga_redis_verdict(c, number, lane->expected, script);
    if (error < 0) return error;
    if (script->elements != 2 || !saga_redis_next_due(script->element[1], &lane->next_due_ms))
        return saga_connection_puzzled(c, "the apply script");
    return SAGA_OK;
}

static int receive_armed(struct saga_redis *redis, struct saga_redis_lane *lane)
{
    redisReply *watch, *read;
    int error = saga_connection_receive(&lane->connection, &watch);
    if (error < 0) return error;
    error = saga_connection_receive(&lane->connection, &read);
    if (error == SAGA_OK) {
        if (watches(watch)) arm(redis, lane, read);
        freeReplyObject(read);
    }
    freeReplyObject(watch);
    return error;
}

/* Takes all answers to one sending. `*ret_touched`: EXEC did nothing, since somebody wrote to
 * the lane's hash. */
static int take_answers(struct saga_redis *redis, uint32_t number, bool *ret_touched)
{
    struct saga_redis_lane *lane = &redis->lanes[number];
    struct saga_connection *c = &lane->connection;
    redisReply *reply;
    int refused = SAGA_OK; /* the first refusal says why, EXEC's only that there was one */
    char why[sizeof c->problem];
    for (size_t i = 0; i < 1 + lane->transaction.queued; i++) { /* MULTI too */
        int error = saga_connection_receive(c, &reply);
        if (error < 0) return error;
        if (refused == SAGA_OK && (refused = saga_connection_judge(c, reply)) < 0)
            memcpy(why, c->problem, sizeof why);
        freeReplyObject(reply);
    }
    int error = saga_connection_receive(c, &reply);
    if (error < 0) return error;
    *ret_touched = reply->type == REDIS_REPLY_NIL;
    if (!*ret_touched && refused == SAGA_OK) error = judge_transaction(lane, number, reply);
    freeReplyObject(reply);
    if (refused < 0) {
        memcpy(c->problem, why, sizeof why);
        error = refused;
    }
    if (error == SAGA_E_STOP) return error;
    memcpy(why, c->problem, sizeof why);
    receive_armed(redis, lane); /* else the next apply does it */
    memcpy(c->problem, why, sizeof why);
    return error;
}

/* What is under way gets its answer, whatever it is. Where the connection is lost nobody knows
 * whether Redis has done it; lane_read tells later. */
static void take(struct saga_redis *redis, uint32_t number)
{
    struct saga_redis_lane *lane = &redis->lanes[number];
    bool touched = false;
    saga_arena_reset(&redis->scratch);
    int error = take_answers(redis, number, &touched);
    for (int tries = 0; error == SAGA_OK && touched; tries++) {
        if (tries == TRIES_MAX) {
            saga_connection_complain(
                &lane->connection, "somebody else writes to lane %" PRIu32 " all the time", number);
            error = SAGA_E_AGAIN;
            break;
        }
        if (!lane->armed) error = arm_now(redis, number);
        if (error == SAGA_OK) error = check(lane, number);
        if (error == SAGA_OK) error = send(redis, number);
        if (error == SAGA_OK) error = take_answers(redis, number, &touched);
    }
    answer(lane, error);
}

void saga_redis_collect(struct saga_redis *redis, uint32_t lane)
{
    if (redis->lanes[lane].under_way) take(redis, lane);
}

/* ---- the store's ---- */

/* Fails before anything was sent: the words are where the store's `problem` looks. */
static int fail(struct saga_redis *redis, struct saga_redis_lane *lane, int error)
{
    memcpy(redis->connection.problem, lane->connection.problem, sizeof redis->connection.problem);
    forget(lane);
    return error;
}

int saga_redis_apply(void *self, const struct saga_apply *apply)
{
    struct saga_redis *redis = self;
    SAGA_ASSERT(apply->lane < redis->lane_count);
    struct saga_redis_lane *lane = &redis->lanes[apply->lane];
    struct saga_connection *c = &lane->connection;
    saga_redis_collect(redis, apply->lane);
    forget(lane);
    saga_arena_reset(&redis->scratch);
    lane->journal = saga_memory_text(apply->journal.data, apply->journal.size);
    lane->expected = apply->expected;
    if (saga_redis_apply_transaction(&lane->transaction, &redis->wires, &redis->scratch,
                                     c->config.prefix, apply) < 0) {
        /* Recovery takes the same out of the journal in smaller portions. */
        saga_connection_complain(c,
                                 "a batch changes more of lane %u than one command takes: "
                                 "lower batch-max",
                                 apply->lane);
        return fail(redis, lane, SAGA_E_AGAIN);
    }
    if (saga_connection_has_ended(c)) saga_connection_close(c);
    if (!c->context) disarm(lane);
    int error = SAGA_OK;
    if (!lane->armed || !fits(lane)) error = arm_now(redis, apply->lane);
    if (error < 0) return fail(redis, lane, error);
    error = check(lane, apply->lane);
    if (error < 0) {
        answer(lane, error);
        return SAGA_OK;
    }
    error = send(redis, apply->lane);
    if (error < 0) return fail(redis, lane, error);
    lane->under_way = true;
    return SAGA_OK;
}

int saga_redis_apply_wait(void *self, uint32_t number, int64_t *ret_next_due_ms)
{
    struct saga_redis *redis = self;
    SAGA_ASSERT(number < redis->lane_count);
    struct saga_redis_lane *lane = &redis->lanes[number];
    saga_redis_collect(redis, number);
    if (!lane->answered) return SAGA_OK;
    int error = lane->error;
    if (error == SAGA_OK) *ret_next_due_ms = lane->next_due_ms;
    if (lane->problem)
        snprintf(redis->connection.problem, sizeof redis->connection.problem, "%s", lane->problem);
    forget(lane);
    return error;
}
