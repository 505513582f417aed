/* The real store, on hiredis: one connection a worker, and one a lane for its applies; written for
 * Redis 6.2 and later. */
#ifndef SAGA_STORE_REDIS_H
#define SAGA_STORE_REDIS_H

#include "base/diagnostic.h"
#include "store/store.h"
#include "store/views.h"

/* Makes a store. Connects at the first call and again by itself after a loss. `lanes` is noted
 * in every lane's hash, for the views. `*ret` is closed with ret->close(ret->self). The config's
 * strings must outlive it. */
int saga_redis_open(const struct saga_redis_config *config, uint32_t lanes, struct saga_store *ret);

/* Looks at what the settings name, certificates and key; asks no server. Errors: SAGA_E_STOP; words and mend in
 * `diagnostic`. */
int saga_redis_settings_check(const struct saga_redis_config *config, struct saga_arena *arena,
                              struct saga_diagnostic *diagnostic);
/* Looks at the server: reachable, version >= 6.2, password right, maxmemory-policy noeviction.
 * Errors: SAGA_E_AGAIN (not there yet), SAGA_E_STOP (never will do); words and mend in
 * `diagnostic`. */
int saga_redis_check(const struct saga_redis_config *config, struct saga_arena *arena,
                     struct saga_diagnostic *diagnostic);

#endif
