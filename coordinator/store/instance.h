/* The name of a process, held in Redis while it runs: two processes of one name would end each other's transactions for
 * ever (they share their transactional ids, R5). */
#ifndef SAGA_STORE_INSTANCE_H
#define SAGA_STORE_INSTANCE_H

#include "base/arena.h"
#include "base/diagnostic.h"
#include "store/views.h"

/* Takes the name, or keeps it, for `hold_ms`. `holder` is this process: "<host> <pid> <something random>". Held by another
 * process of this host that is gone, it is taken over at once.
 * Errors: SAGA_E_CONFLICT (somebody else holds it; `diagnostic` says who), SAGA_E_AGAIN, SAGA_E_STOP as in store.h. */
int saga_instance_hold(const struct saga_redis_config *config, const char *group,
                       const char *instance, const char *holder, int64_t hold_ms,
                       struct saga_arena *arena, struct saga_diagnostic *diagnostic);
/* Gives the name back, if it is ours. */
void saga_instance_release(const struct saga_redis_config *config, const char *group,
                           const char *instance, const char *holder);

#endif
