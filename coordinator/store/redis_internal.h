/* What the parts of the real store share. Private to the store. */
#ifndef SAGA_STORE_REDIS_INTERNAL_H
#define SAGA_STORE_REDIS_INTERNAL_H

#include "store/connection.h"
#include "store/store.h"

struct redisReply;

/* A lane's last apply. Sent and waiting for its answer -> answered -> nothing. */
struct saga_redis_apply {
    char *
        command; /* as sent, kept until it is answered: sent again when Redis has lost the script */
    size_t size;
    bool under_way;
    bool unscripted; /* answered NOSCRIPT: nothing was done */
    int64_t expected;
    bool answered;
    int error;
    int64_t next_due_ms;
    char *problem; /* NULL without an error */
};

struct saga_redis {
    struct saga_connection connection;
    struct saga_arena scratch; /* of one call */
    uint32_t lanes;
    struct saga_redis_apply *applies; /* one a lane */
    uint32_t *sent;                   /* lanes whose answers are still to come, in their order */
    size_t sent_count;
};

/* The apply script's call. Slices are in `command`'s arena or belong to `apply`. */
void saga_redis_apply_command(struct saga_command *command, const char *prefix, const char *hash,
                              const struct saga_apply *apply);

/* store.h's apply and apply_wait. */
int saga_redis_apply(void *self, const struct saga_apply *apply);
int saga_redis_apply_wait(void *self, uint32_t lane, int64_t *ret_next_due_ms);
/* Takes every answer that is still to come and keeps it with its lane: whoever else uses the
 * connection calls this first. */
void saga_redis_collect(struct saga_redis *redis);
void saga_redis_free_applies(struct saga_redis *redis);

/* Reads a script's {1, ...} or {0, journal, applied}. Errors: CONFLICT with words, STOP
 * (puzzled). */
int saga_redis_verdict(struct saga_redis *redis, uint32_t lane, int64_t expected,
                       const struct redisReply *reply);
/* When the next timer rings, as the scripts say it: '' is never. False: neither. */
bool saga_redis_next_due(const struct redisReply *reply, int64_t *ret_ms);

#endif
