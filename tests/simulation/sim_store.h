/* The simulated Redis: lanes behind scripts that are atomic, and the connections to it. It may lose everything, lose its
 * newest writes, be away, be slow, and carry out what was sent by a worker that is gone. */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include "sim_core.h"
#include "store/store.h"

struct sim_saga {
    char *id;
    char *state;
    size_t state_bytes;
    bool changed; /* since it was last held against the journal */
};

/* A field of the lane's tables; or a saga in a list, which is a field of its own and counts 1. */
struct sim_sum {
    enum saga_tally_table table;
    char *field;
    int64_t value; /* never 0 */
};

/* An entry of the lane's log of what operators said. */
struct sim_operation {
    int64_t offset, time_ms;
    char *entry;
};

struct sim_timer {
    char *saga_id;
    char *name;
    uint64_t armed;
    int64_t due_ms;
};

struct sim_lane {
    bool present;
    char journal[64];
    int64_t applied;
    char chain[65];
    char owner[32];
    int64_t heartbeat_ms;
    uint64_t token; /* of who empties it; 0: nobody */
    struct sim_saga *sagas;
    size_t saga_count;
    struct sim_timer *timers;
    size_t timer_count;
    struct sim_sum *sums;
    size_t sum_count;
    struct sim_operation *operations;
    size_t operation_count;
    bool log_known; /* from where on they are all there: */
    int64_t log_from, log_from_ms;
};

struct sim_redis {
    struct sim *sim;
    struct sim_lane lanes[SIM_LANES];
    struct sim_lane kept[SIM_LANES]; /* what a replica had a while ago */
    bool back_to_building;           /* goes back to a lane half-built, once there was one */
    bool kept_building;
    uint64_t tokens;
    struct sim_request *requests; /* every apply that is not done with */
    int64_t away_until_us, slow_until_us;
    unsigned losses; /* how often it lost something */
    /* An apply was carried out: for the invariants. */
    void (*applied)(void *context, uint32_t lane);
    void *context;
};

void sim_redis_init(struct sim_redis *redis, struct sim *sim);
void sim_redis_free(struct sim_redis *redis);
/* Loses everything. */
void sim_redis_empty(struct sim_redis *redis);
/* Notes what a replica has, and goes back to it. */
void sim_redis_keep(struct sim_redis *redis);
void sim_redis_go_back(struct sim_redis *redis);
const struct sim_saga *sim_lane_saga(const struct sim_lane *lane, struct saga_slice id);

/* The field of a saga in the list of a field. */
struct saga_slice sim_list_field(struct saga_arena *arena, struct saga_slice field,
                                 const struct saga_tally_member *member);

/* The scripts. False: the lane is not where the caller believes, and nothing was written. */
bool sim_lane_apply(struct sim_redis *redis, const struct saga_apply *apply);
bool sim_lane_is_at(const struct sim_lane *lane, int64_t expected);
int64_t sim_lane_next_due(const struct sim_lane *lane);
/* Emptying a lane takes several scripts; who began last has the token. */
/* 0: the lane is not as it was found. */
uint64_t sim_lane_reset_begin(struct sim_redis *redis, uint32_t number,
                              const struct saga_lane_status *found);
bool sim_lane_reset_end(struct sim_redis *redis, uint32_t number, uint64_t token,
                        struct saga_slice journal, int64_t applied);
/* A lane that is being built from a snapshot belongs to a made-up journal. */
bool sim_lane_is_whole(const struct sim_lane *lane);
bool sim_lane_built(struct sim_redis *redis, uint32_t number, struct saga_slice token,
                    int64_t expected, struct saga_slice journal, int64_t applied);

/* A worker's connection: one apply a lane is under way at most. */
struct sim_request;
void sim_store_free_requests(struct sim_redis *redis);
struct sim_connection {
    char problem[160];
    unsigned losses;      /* how often an answer was not waited for any longer */
    bool lost[SIM_LANES]; /* the connection was lost before the answer came; it is told once */
    struct sim_request *under_way[SIM_LANES]; /* shared with the event that carries it out */
};

#endif
