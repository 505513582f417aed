/* Applies under way: sent without waiting, answered in the order in which they were sent. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "store/layout.h"
#include "store/redis_internal.h"

static void forget(struct saga_redis_apply *apply)
{
    if (apply->command) redisFreeCommand(apply->command);
    free(apply->problem);
    *apply = (struct saga_redis_apply){ 0 };
}

void saga_redis_free_applies(struct saga_redis *redis)
{
    for (uint32_t i = 0; i < redis->lanes; i++) forget(&redis->applies[i]);
    free(redis->applies);
    free(redis->sent);
}

static void answer(struct saga_redis *redis, struct saga_redis_apply *apply, int error)
{
    forget(apply);
    apply->answered = true;
    apply->error = error;
    if (error < 0)
        apply->problem =
            saga_memory_text(redis->connection.problem, sizeof redis->connection.problem);
}

/* The connection is gone: whether Redis has done what was sent, nobody knows; lane_read tells
 * later. */
static void answer_unknown(struct saga_redis *redis)
{
    redis->sent_count = 0;
    for (uint32_t i = 0; i < redis->lanes; i++)
        if (redis->applies[i].under_way) answer(redis, &redis->applies[i], SAGA_E_AGAIN);
}

static void take_answer(struct saga_redis *redis, uint32_t lane, const redisReply *reply)
{
    struct saga_redis_apply *apply = &redis->applies[lane];
    int64_t next_due_ms = SAGA_TIMER_NEVER;
    int error = saga_redis_verdict(redis, lane, apply->expected, reply);
    if (error == SAGA_OK &&
        (reply->elements != 2 || !saga_redis_next_due(reply->element[1], &next_due_ms)))
        error = saga_connection_puzzled(&redis->connection, "the apply script");
    answer(redis, apply, error);
    apply->next_due_ms = next_due_ms;
}

/* Takes the answer that comes next. False: the connection is gone, and with it all that was
 * sent. */
static bool take_next(struct saga_redis *redis, bool again_unscripted)
{
    redisReply *reply;
    uint32_t lane = redis->sent[0];
    if (saga_connection_receive(&redis->connection, &reply) < 0) {
        answer_unknown(redis);
        return false;
    }
    redis->sent_count--;
    memmove(redis->sent, redis->sent + 1, redis->sent_count * sizeof *redis->sent);
    if (saga_connection_is_unscripted(reply) && !again_unscripted)
        redis->applies[lane].unscripted = true;
    else
        take_answer(redis, lane, reply);
    freeReplyObject(reply);
    return true;
}

/* Redis has lost its scripts and did nothing of what these asked: the same once more. Nothing
 * else is under way. */
static void send_unscripted(struct saga_redis *redis)
{
    int error = saga_connection_load_scripts(&redis->connection);
    for (uint32_t i = 0; i < redis->lanes && error == SAGA_OK; i++) {
        struct saga_redis_apply *apply = &redis->applies[i];
        if (!apply->unscripted) continue;
        apply->unscripted = false;
        error = saga_connection_append(&redis->connection, apply->command, apply->size);
        redis->sent[redis->sent_count++] = i;
    }
    if (error < 0) {
        saga_connection_close(&redis->connection);
        answer_unknown(redis);
        return;
    }
    while (redis->sent_count && take_next(redis, true)) {
    }
}

/* Until this lane's answer is there, or all are (NULL). */
static void collect_until(struct saga_redis *redis, const struct saga_redis_apply *wanted)
{
    bool unscripted = false;
    while (redis->sent_count && (unscripted || !wanted || wanted->under_way)) {
        uint32_t lane = redis->sent[0];
        if (!take_next(redis, false)) return;
        unscripted = unscripted || redis->applies[lane].unscripted;
    }
    if (unscripted) send_unscripted(redis);
}

void saga_redis_collect(struct saga_redis *redis)
{
    collect_until(redis, NULL);
}

int saga_redis_apply(void *self, const struct saga_apply *wanted)
{
    struct saga_redis *redis = self;
    struct saga_connection *c = &redis->connection;
    SAGA_ASSERT(wanted->lane < redis->lanes);
    struct saga_redis_apply *apply = &redis->applies[wanted->lane];
    if (apply->under_way) collect_until(redis, apply);
    int error = saga_connection_open(c);
    if (error < 0) return error;

    struct saga_command command;
    saga_arena_reset(&redis->scratch);
    saga_command_init(&command, &redis->scratch);
    saga_redis_apply_command(&command, c->config.prefix, c->hashes[SAGA_SCRIPT_APPLY], wanted);
    forget(apply);
    if (saga_command_format(&command, &apply->command, &apply->size) < 0) {
        /* Recovery takes the same out of the journal in smaller portions. */
        saga_connection_complain(c,
                                 "a batch changes more of lane %u than one command takes: "
                                 "lower batch-max",
                                 wanted->lane);
        return SAGA_E_AGAIN;
    }
    apply->under_way = true;
    apply->expected = wanted->expected;
    redis->sent[redis->sent_count++] = wanted->lane;
    error = saga_connection_append(c, apply->command, apply->size);
    if (error == SAGA_OK) error = saga_connection_flush(c);
    if (error == SAGA_OK) return SAGA_OK;
    answer_unknown(redis);
    forget(apply);
    return error;
}

int saga_redis_apply_wait(void *self, uint32_t lane, int64_t *ret_next_due_ms)
{
    struct saga_redis *redis = self;
    SAGA_ASSERT(lane < redis->lanes);
    struct saga_redis_apply *apply = &redis->applies[lane];
    if (apply->under_way) collect_until(redis, apply);
    if (!apply->answered) return SAGA_OK;
    int error = apply->error;
    if (error == SAGA_OK) *ret_next_due_ms = apply->next_due_ms;
    if (apply->problem)
        snprintf(redis->connection.problem, sizeof redis->connection.problem, "%s", apply->problem);
    forget(apply);
    return error;
}
