/* What the parts of the real store share. Private to the store. */
#ifndef SAGA_STORE_REDIS_INTERNAL_H
#define SAGA_STORE_REDIS_INTERNAL_H

#include "store/connection.h"
#include "store/store.h"
#include "store/wire.h"

struct redisReply;

/* One transaction, ready to be sent. */
struct saga_transaction {
    struct saga_wire wire; /* MULTI, what is queued, EXEC */
    size_t queued;         /* commands between the two; the last is the script */
};

/* A lane's way to Redis for its applies, and its last apply. Each lane has a connection of its own,
 * as it is a connection that WATCHes: the answer to one lane's EXEC ends the watch over all that it
 * watches.
 *
 * A lane is armed when its hash is watched and was read since: what is sent now takes effect
 * only if the hash still is as it was read (R9). Every apply arms the lane for the next one,
 * behind its EXEC. */
struct saga_redis_lane {
    struct saga_connection connection;
    bool armed;
    char *found_journal; /* armed: how the lane stood; NULL: there was nothing of it */
    int64_t found_applied;

    /* the last apply: sent and waiting for its answer -> answered -> nothing */
    struct saga_transaction
        transaction; /* kept until it is answered: sent again where only a heartbeat came between */
    char *journal;
    int64_t expected;
    bool under_way;
    bool answered;
    int error;
    int64_t next_due_ms;
    char *problem; /* NULL without an error */
};

/* Parts of the apply script's call, kept from batch to batch for their memory. */
struct saga_apply_wires {
    struct saga_wire keys, steps, arguments;
};

struct saga_redis {
    struct saga_connection connection; /* for all but applies */
    struct saga_arena scratch;         /* of one call */
    uint32_t lane_count;
    struct saga_redis_lane *lanes;
    struct saga_apply_wires wires;
};

/* Writes what carries `apply` out, the lane being armed. Errors: SAGA_E_LIMIT (more than one
 * command takes). */
int saga_redis_apply_transaction(struct saga_transaction *t, struct saga_apply_wires *wires,
                                 struct saga_arena *arena, const char *prefix,
                                 const struct saga_apply *apply);

/* store.h's apply and apply_wait. */
int saga_redis_apply(void *self, const struct saga_apply *apply);
int saga_redis_apply_wait(void *self, uint32_t lane, int64_t *ret_next_due_ms);
/* Takes the lane's answer, if one is still to come, and keeps it: whoever else asks about the
 * lane calls this first. */
void saga_redis_collect(struct saga_redis *redis, uint32_t lane);
/* Somebody writes the lane's hash beside the applies. */
void saga_redis_disarm(struct saga_redis *redis, uint32_t lane);
void saga_redis_open_lanes(struct saga_redis *redis, const struct saga_redis_config *config,
                           uint32_t count);
void saga_redis_close_lanes(struct saga_redis *redis);

/* Reads a script's {1, ...} or {0, journal, applied}. Errors: CONFLICT with words, STOP
 * (puzzled). */
int saga_redis_verdict(struct saga_connection *c, uint32_t lane, int64_t expected,
                       const struct redisReply *reply);
/* Says that the lane stands elsewhere; NULL journal: there is nothing of it. Returns CONFLICT. */
int saga_redis_conflict(struct saga_connection *c, uint32_t lane, int64_t expected,
                        const char *journal, int64_t applied);
/* When the next timer rings, as the scripts say it: '' is never. False: neither. */
bool saga_redis_next_due(const struct redisReply *reply, int64_t *ret_ms);

#endif
