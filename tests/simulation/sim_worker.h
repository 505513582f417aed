/* A worker of the coordinator in a fiber of its own: the real code, whose every call of bus and store comes back to the
 * scheduler first, so that everything else may happen between any two calls. */
#ifndef SIM_WORKER_H
#define SIM_WORKER_H

#include "bus/bus.h"
#include "runtime/worker.h"
#include "sim_fiber.h"
#include "sim_kafka.h"
#include "sim_store.h"

/* A partition that is fetched, and from where on. */
struct sim_fetched {
    struct sim_place place;
    int64_t offset;
};

/* What a worker's Kafka client knows. */
struct sim_client {
    struct saga_bus_listener listener;
    char problem[160];
    /* consuming */
    uint32_t topics;                    /* subscribed; 0: not yet */
    bool rejoin;                        /* the subscription changed */
    int32_t member;                     /* 0: none */
    bool joining;                       /* waits for an assignment */
    int32_t joined_generation;          /* of the group when it asked to join */
    int32_t generation, fencing_member; /* of the assignment; member 0: none (R4) */
    int64_t unaware_until_us;           /* a member that was thrown out does not know it yet */
    struct sim_fetched *fetched;
    size_t fetched_count;
    struct sim_fetched *buffer; /* of the mutation that keeps what was fetched */
    size_t buffer_count;
    /* producing */
    int32_t epochs[2];
    bool valid; /* both producers are made */
    int turn;
    bool open, touched; /* a transaction; the broker has heard of it */
    struct saga_arena queued;
    struct sim_queued *queue;
    size_t queue_count, queue_capacity;
    /* reading */
    struct sim_place read;
    int64_t read_position;
    enum saga_reading reading;
};

struct sim_queued {
    struct saga_message message;
    struct sim_place place;
    int64_t *offset;
    bool sent;
};

enum sim_commit_fault { SIM_COMMIT_FINE, SIM_COMMIT_LATE, SIM_COMMIT_GONE, SIM_COMMIT_SILENT };

struct sim_worker {
    struct sim *sim;
    struct sim_kafka *kafka;
    struct sim_redis *redis;
    struct saga_registry *registry;
    unsigned number;
    struct sim_fiber fiber, *scheduler;
    bool alive; /* its process runs */
    bool dead;  /* it crashed: its calls have no effect, until it is unwound */
    bool dies_in_commit;
    bool stopping; /* in order, after this step */
    int64_t wake_us;
    bool polling;           /* waits for records: what becomes visible wakes it */
    int64_t still_until_us; /* the fiber is not resumed */
    bool heartbeats;        /* while it stands still */
    int64_t crash_in;       /* calls; 0: never */
    int64_t wall_offset_ms;
    int64_t kafka_cut_until_us, kafka_deaf_until_us, redis_cut_until_us;
    enum sim_commit_fault commit_fault;
    unsigned deliveries_to_fail;
    struct sim_client client;
    struct sim_connection connection;
    struct saga_worker_counts worker_counts;
    struct saga_worker *worker;
};

extern const int64_t sim_epoch_ms; /* the wall clock at the beginning of a history */

/* Starts its process. */
void sim_worker_start(struct sim_worker *w);
/* Runs it until its next wait. */
void sim_worker_resume(struct sim_worker *w);
/* Its calls have no effect from here on. */
void sim_worker_crash(struct sim_worker *w);
/* When it wants to be resumed; INT64_MAX: not at all. */
int64_t sim_worker_due(const struct sim_worker *w);

/* ---- for bus and store, in the fiber ---- */
/* Lets `us` pass. False: the worker has crashed meanwhile. */
bool sim_worker_wait(struct sim_worker *w, int64_t us);
/* The beginning of every call: something else may happen. False: the worker has crashed, and the call does nothing. */
bool sim_worker_enter(struct sim_worker *w);

/* ---- sim_bus.c ---- */
/* Makes both producers, which fences those of an earlier process. Waits for the broker. */
bool sim_bus_open(struct sim_worker *w, struct saga_bus *ret);
/* ---- sim_store.c ---- */
void sim_store_open(struct sim_worker *w, struct saga_store *ret);

#endif
