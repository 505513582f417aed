/* The simulated broker: partitions, transactions and their markers (sim_kafka.c), the consumer group and its offsets
 * (sim_group.c). Requests arrive here; that they may be late or lost is sim_bus.c's. */
#ifndef SIM_KAFKA_H
#define SIM_KAFKA_H

#include "base/arena.h"
#include "base/message.h"
#include "sim_core.h"

enum {
    SIM_TOPICS_MAX = 32,
    SIM_PARTITIONS_MAX = 6,
    SIM_MEMBERS_MAX = 32,
    SIM_NO_PRODUCER = -1,
    SIM_SESSION_US = 6000000,
    SIM_REBALANCE_US = 15000000,
    SIM_TRANSACTION_US = 10000000
};

enum sim_entry_state {
    SIM_ENTRY_OPEN,
    SIM_ENTRY_COMMITTED,
    SIM_ENTRY_ABORTED,
    SIM_ENTRY_MARKER,
    SIM_ENTRY_GONE
};

struct sim_entry {
    struct saga_message message; /* slices in the broker's arena */
    int producer;
    enum sim_entry_state state;
};

struct sim_partition {
    struct sim_entry *entries; /* the offset is the index; markers take one too */
    size_t count, capacity;
    int64_t low; /* what was before it is deleted */
    int64_t
        first_open[SIM_PRODUCERS]; /* of its transaction that has no marker here yet; -1: none */
    int64_t committed;             /* the group's offset; -1: none */
    uint64_t committed_order;      /* offsets count in the order of their sending */
    int64_t first_committed;       /* the group's very first offset; -1: none yet */
    int64_t seen;                  /* by the observer (sim_world.c) */
};

struct sim_topic {
    struct saga_slice name;
    int32_t partition_count;
    struct sim_partition partitions[SIM_PARTITIONS_MAX];
};

enum sim_transaction { SIM_EMPTY, SIM_ONGOING, SIM_COMMITTING, SIM_ABORTING };

struct sim_place {
    struct sim_topic *topic;
    int32_t partition;
};

struct sim_pending {
    struct sim_place place;
    int64_t offset;
    uint64_t order;
};

/* What the broker knows of a transactional id. */
struct sim_producer {
    int32_t epoch;
    enum sim_transaction state;
    bool last_committed;
    int64_t began_us;
    uint64_t number; /* of its transactions: late markers belong to one */
    struct sim_place places[SIM_TOPICS_MAX * SIM_PARTITIONS_MAX];
    size_t place_count;
    bool offsets; /* the group's offsets are part of it */
    struct sim_pending pending[SIM_TOPICS_MAX * SIM_PARTITIONS_MAX];
    size_t pending_count;
    size_t markers_left;
};

struct sim_member {
    int32_t id; /* 0: nobody */
    unsigned worker;
    uint32_t topics; /* subscribed: bits */
    int64_t seen_us;
    int64_t notice_us; /* when its client learns that it must rejoin */
    bool joined;       /* for the generation that is being made */
    struct sim_place *assigned;
    size_t assigned_count;
};

struct sim_group {
    int32_t generation;
    bool preparing;
    int64_t preparing_since_us;
    int32_t next_member;
    struct sim_member members[SIM_MEMBERS_MAX];
    uint64_t order;
};

struct sim_kafka {
    struct sim *sim;
    struct saga_arena arena;
    struct sim_topic topics[SIM_TOPICS_MAX];
    size_t topic_count;
    struct sim_producer producers[SIM_PRODUCERS];
    struct sim_group group;
    bool changed; /* something became visible: look */
    int64_t away_until_us, markers_slow_until_us, tight_until_us;
    void (*wake)(void *context); /* whoever polls should look again */
    bool (*is_alive)(void *context, unsigned worker, int32_t member); /* does it send heartbeats? */
    void *context;
};

void sim_kafka_init(struct sim_kafka *kafka, struct sim *sim);
void sim_kafka_free(struct sim_kafka *kafka);
struct sim_topic *sim_kafka_add_topic(struct sim_kafka *kafka, const char *name,
                                      int32_t partitions);
struct sim_topic *sim_kafka_topic(struct sim_kafka *kafka, struct saga_slice name); /* or NULL */
int64_t sim_last_stable(const struct sim_partition *partition);
static inline int64_t sim_high(const struct sim_partition *partition)
{
    return (int64_t)partition->count;
}

/* Retention: what is before `low` goes. Compaction: of each key only the newest record stays. Tombstones too: they stay
 * longer (delete.retention.ms) than anybody reads. */
void sim_kafka_cut(struct sim_partition *partition, int64_t low);
void sim_kafka_compact(struct sim_partition *partition);

/* A record of somebody without transactions; its headers may be changed by nobody afterwards. Returns the offset. */
int64_t sim_kafka_append(struct sim_kafka *kafka, const struct saga_message *message);
/* Which partition a message goes to. */
int32_t sim_kafka_partition(const struct sim_topic *topic, const struct saga_message *message);

/* Errors of all: RECOVER (fenced, or not in that state), AGAIN (the last transaction has markers to come). */
/* Fences whoever has the id and ends what was open. */
int32_t sim_kafka_fence(struct sim_kafka *kafka, int id);
bool sim_kafka_is_settled(const struct sim_kafka *kafka, int id);
int sim_kafka_produce(struct sim_kafka *kafka, int id, int32_t epoch, struct sim_place place,
                      const struct saga_message *message, int64_t *ret_offset);
/* FENCED: not under this generation and member. */
int sim_kafka_send_offsets(struct sim_kafka *kafka, int id, int32_t epoch, int32_t generation,
                           int32_t member, const struct saga_position *positions, size_t count);
int sim_kafka_end(struct sim_kafka *kafka, int id, int32_t epoch, bool commit);
/* Sessions, rebalances and transactions that took too long. */
void sim_kafka_tick(struct sim_kafka *kafka);

/* ---- sim_group.c ---- */
struct sim_member *sim_group_member(struct sim_kafka *kafka, int32_t id); /* NULL: not known */
/* Joins, or rejoins with a member that is known. Returns the member's id. */
int32_t sim_group_join(struct sim_kafka *kafka, int32_t id, unsigned worker, uint32_t topics);
void sim_group_leave(struct sim_kafka *kafka, int32_t id);
void sim_group_tick(struct sim_kafka *kafka);
bool sim_group_is_pending(const struct sim_kafka *kafka, struct sim_place place);
void sim_group_settle(struct sim_kafka *kafka, struct sim_producer *producer, bool commit);
void sim_group_commit(struct sim_kafka *kafka, const struct sim_pending *pending);
void sim_group_free(struct sim_kafka *kafka);

#endif
