/* Where a worker stands, as it says itself once a second: for who looks from another thread. */
#ifndef SAGA_RUNTIME_STANDING_H
#define SAGA_RUNTIME_STANDING_H

#include <pthread.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/message.h"

struct saga_standing {
    pthread_mutex_t lock;
    struct saga_arena arena;         /* owns what follows, anew each time */
    struct saga_position *positions; /* what it reads, with the offset of the next record */
    size_t position_count;
    uint32_t *ready_lanes; /* numbers */
    size_t ready_count;
    uint32_t own_lanes; /* ready or not */
    size_t cache_bytes; /* of states at hand */
    size_t unstored;    /* sagas that Redis is still to be told of */
    int64_t said_ms;    /* monotonic; 0: never yet. Only for the worker */
};

void saga_standing_init(struct saga_standing *standing);
void saga_standing_free(struct saga_standing *standing);

struct saga_worker;
/* Says it, when the last time is a second ago. Called by the worker at every step; costs a look at the clock. */
void saga_standing_say(struct saga_standing *standing, const struct saga_worker *worker,
                       int64_t now_ms);

#endif
