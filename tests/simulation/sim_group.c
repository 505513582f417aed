/* The consumer group: members and generations, eager rebalances with range assignment, committed and pending offsets. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "sim_kafka.h"

struct sim_member *sim_group_member(struct sim_kafka *kafka, int32_t id)
{
    for (int i = 0; id && i < SIM_MEMBERS_MAX; i++)
        if (kafka->group.members[i].id == id) return &kafka->group.members[i];
    return NULL;
}

static void remove_member(struct sim_member *member)
{
    free(member->assigned);
    *member = (struct sim_member){ 0 };
}

void sim_group_free(struct sim_kafka *kafka)
{
    for (int i = 0; i < SIM_MEMBERS_MAX; i++) remove_member(&kafka->group.members[i]);
}

/* ---- a generation ---- */

static int by_id(const void *left, const void *right)
{
    const struct sim_member *const *a = left, *const *b = right;
    return (*a)->id < (*b)->id ? -1 : 1;
}

/* Range: the members that read a topic, in order, each get a run of its partitions. */
static void assign_topic(struct sim_topic *topic, uint32_t bit, struct sim_member **members,
                         size_t count)
{
    struct sim_member *readers[SIM_MEMBERS_MAX];
    int32_t reader_count = 0, next = 0;
    for (size_t i = 0; i < count; i++)
        if (members[i]->topics & bit) readers[reader_count++] = members[i];
    for (int32_t i = 0; i < reader_count; i++) {
        int32_t share = topic->partition_count / reader_count +
                        (i < topic->partition_count % reader_count ? 1 : 0);
        for (; share > 0; share--)
            readers[i]->assigned[readers[i]->assigned_count++] =
                (struct sim_place){ topic, next++ };
    }
}

static void complete(struct sim_kafka *kafka)
{
    struct sim_group *group = &kafka->group;
    struct sim_member *members[SIM_MEMBERS_MAX];
    size_t count = 0;
    group->preparing = false;
    group->generation++;
    for (int i = 0; i < SIM_MEMBERS_MAX; i++) {
        struct sim_member *member = &group->members[i];
        if (!member->id) continue;
        free(member->assigned);
        member->assigned = calloc(SIM_TOPICS_MAX * SIM_PARTITIONS_MAX, sizeof *member->assigned);
        SAGA_ASSERT(member->assigned);
        member->assigned_count = 0;
        members[count++] = member;
    }
    qsort(members, count, sizeof *members, by_id);
    for (size_t t = 0; t < kafka->topic_count; t++)
        assign_topic(&kafka->topics[t], 1u << t, members, count);
    sim_count(kafka->sim, REBALANCED);
    sim_tell(kafka->sim, "group: generation %d has %zu members", group->generation, count);
    if (kafka->wake) kafka->wake(kafka->context);
}

static void complete_if_all_joined(struct sim_kafka *kafka)
{
    bool anybody = false;
    for (int i = 0; i < SIM_MEMBERS_MAX; i++) {
        const struct sim_member *member = &kafka->group.members[i];
        if (!member->id) continue;
        if (!member->joined) return;
        anybody = true;
    }
    if (kafka->group.preparing && anybody) complete(kafka);
}

static void prepare(struct sim_kafka *kafka)
{
    struct sim_group *group = &kafka->group;
    if (group->preparing) return;
    group->preparing = true;
    group->preparing_since_us = kafka->sim->now_us;
    for (int i = 0; i < SIM_MEMBERS_MAX; i++) {
        group->members[i].joined = false;
        group->members[i].notice_us = kafka->sim->now_us + sim_between(kafka->sim, 0, 200 * SIM_MS);
    }
}

int32_t sim_group_join(struct sim_kafka *kafka, int32_t id, unsigned worker, uint32_t topics)
{
    struct sim_member *member = sim_group_member(kafka, id);
    prepare(kafka);
    for (int i = 0; !member && i < SIM_MEMBERS_MAX; i++)
        if (!kafka->group.members[i].id) member = &kafka->group.members[i];
    SAGA_ASSERT(member);
    if (!member->id)
        *member = (struct sim_member){ .id = ++kafka->group.next_member, .worker = worker };
    member->topics = topics;
    member->seen_us = kafka->sim->now_us;
    member->joined = true;
    id = member->id;
    complete_if_all_joined(kafka);
    return id;
}

void sim_group_leave(struct sim_kafka *kafka, int32_t id)
{
    struct sim_member *member = sim_group_member(kafka, id);
    if (!member) return;
    remove_member(member);
    prepare(kafka);
    complete_if_all_joined(kafka);
}

void sim_group_tick(struct sim_kafka *kafka)
{
    struct sim_group *group = &kafka->group;
    int64_t now_us = kafka->sim->now_us;
    bool removed = false;
    for (int i = 0; i < SIM_MEMBERS_MAX; i++) {
        struct sim_member *member = &group->members[i];
        if (!member->id) continue;
        if (kafka->is_alive(kafka->context, member->worker, member->id)) member->seen_us = now_us;
        bool expired = now_us - member->seen_us > SIM_SESSION_US;
        bool tardy = group->preparing && !member->joined &&
                     now_us - group->preparing_since_us > SIM_REBALANCE_US;
        if (!expired && !tardy) continue;
        if (expired)
            sim_count(kafka->sim, EXPELLED);
        else
            sim_count(kafka->sim, NOT_REJOINED);
        sim_tell(kafka->sim, "group: member %d of worker %u is %s", member->id, member->worker,
                 expired ? "expelled" : "too slow to rejoin");
        remove_member(member);
        removed = true;
    }
    if (removed) prepare(kafka);
    complete_if_all_joined(kafka);
}

/* ---- offsets ---- */

bool sim_group_is_pending(const struct sim_kafka *kafka, struct sim_place place)
{
    for (int id = 0; id < SIM_PRODUCERS; id++) {
        const struct sim_producer *producer = &kafka->producers[id];
        for (size_t i = 0; i < producer->pending_count; i++)
            if (producer->pending[i].place.topic == place.topic &&
                producer->pending[i].place.partition == place.partition)
                return true;
    }
    return false;
}

void sim_group_commit(struct sim_kafka *kafka, const struct sim_pending *pending)
{
    struct sim_partition *partition = &pending->place.topic->partitions[pending->place.partition];
    (void)kafka;
    if (pending->order < partition->committed_order) return;
    partition->committed_order = pending->order;
    partition->committed = pending->offset;
    if (partition->first_committed < 0) partition->first_committed = pending->offset;
}

void sim_group_settle(struct sim_kafka *kafka, struct sim_producer *producer, bool commit)
{
    for (size_t i = 0; i < producer->pending_count && commit; i++)
        sim_group_commit(kafka, &producer->pending[i]);
    producer->pending_count = 0;
}
