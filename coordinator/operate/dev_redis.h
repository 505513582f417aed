/* The redis-server of `saga dev`: a child process on a free port with a temporary folder, gone when we are. */
#ifndef SAGA_OPERATE_DEV_REDIS_H
#define SAGA_OPERATE_DEV_REDIS_H

#include "base/arena.h"
#include "base/diagnostic.h"

struct saga_dev_redis;

/* Starts it and waits until it answers. Errors: SAGA_E_NOT_FOUND (no redis-server to be run), SAGA_E_STOP; words
 * and mend in `diagnostic`. */
int saga_dev_redis_start(struct saga_arena *arena, struct saga_dev_redis **ret,
                         struct saga_diagnostic *diagnostic);
int saga_dev_redis_port(const struct saga_dev_redis *redis);
/* Stops it and removes its folder. NULL is fine. */
void saga_dev_redis_stop(struct saga_dev_redis *redis);

#endif
