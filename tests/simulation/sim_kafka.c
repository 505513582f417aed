#include "sim_kafka.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"

void sim_kafka_init(struct sim_kafka *kafka, struct sim *sim)
{
    memset(kafka, 0, sizeof *kafka);
    kafka->sim = sim;
    saga_arena_init(&kafka->arena);
}

void sim_kafka_free(struct sim_kafka *kafka)
{
    for (size_t t = 0; t < kafka->topic_count; t++)
        for (int32_t p = 0; p < kafka->topics[t].partition_count; p++)
            free(kafka->topics[t].partitions[p].entries);
    sim_group_free(kafka);
    saga_arena_free(&kafka->arena);
}

struct sim_topic *sim_kafka_add_topic(struct sim_kafka *kafka, const char *name, int32_t partitions)
{
    SAGA_ASSERT(kafka->topic_count < SIM_TOPICS_MAX && partitions <= SIM_PARTITIONS_MAX);
    struct sim_topic *topic = &kafka->topics[kafka->topic_count++];
    topic->name = saga_arena_copy(&kafka->arena, saga_slice_of(name));
    topic->partition_count = partitions;
    for (int32_t p = 0; p < partitions; p++) {
        for (int i = 0; i < SIM_PRODUCERS; i++) topic->partitions[p].first_open[i] = -1;
        topic->partitions[p].committed = topic->partitions[p].first_committed = -1;
    }
    return topic;
}

struct sim_topic *sim_kafka_topic(struct sim_kafka *kafka, struct saga_slice name)
{
    for (size_t t = 0; t < kafka->topic_count; t++) /* mostly it is the topic's own copy */
        if (kafka->topics[t].name.data == name.data && kafka->topics[t].name.size == name.size)
            return &kafka->topics[t];
    for (size_t t = 0; t < kafka->topic_count; t++)
        if (saga_slice_equal(kafka->topics[t].name, name)) return &kafka->topics[t];
    return NULL;
}

int64_t sim_last_stable(const struct sim_partition *partition)
{
    int64_t stable = sim_high(partition);
    for (int i = 0; i < SIM_PRODUCERS; i++)
        if (partition->first_open[i] >= 0 && partition->first_open[i] < stable)
            stable = partition->first_open[i];
    return stable;
}

static struct sim_partition *at(struct sim_place place)
{
    return &place.topic->partitions[place.partition];
}

/* ---- records ---- */

static struct sim_entry *add_entry(struct sim_partition *partition)
{
    if (partition->count == partition->capacity) {
        partition->capacity = partition->capacity ? 2 * partition->capacity : 64;
        partition->entries =
            realloc(partition->entries, partition->capacity * sizeof *partition->entries);
        SAGA_ASSERT(partition->entries);
    }
    return &partition->entries[partition->count++];
}

int32_t sim_kafka_partition(const struct sim_topic *topic, const struct saga_message *message)
{
    if (message->partition != SAGA_PARTITION_BY_KEY) return message->partition;
    return (int32_t)(saga_murmur2(message->key) % (uint32_t)topic->partition_count);
}

static int64_t append(struct sim_kafka *kafka, struct sim_place place,
                      const struct saga_message *message, int producer)
{
    struct sim_partition *partition = at(place);
    struct saga_arena *arena = &kafka->arena;
    int64_t offset = sim_high(partition);
    struct sim_entry *entry = add_entry(partition);
    *entry =
        (struct sim_entry){ *message, producer,
                            producer == SIM_NO_PRODUCER ? SIM_ENTRY_COMMITTED : SIM_ENTRY_OPEN };
    struct saga_message *copy = &entry->message;
    copy->topic = place.topic->name;
    copy->partition = place.partition;
    copy->offset = offset;
    copy->timestamp_ms = kafka->sim->now_us / 1000;
    copy->key = saga_arena_copy(arena, message->key);
    copy->value = saga_arena_copy(arena, message->value);
    copy->headers = SAGA_NEW_ARRAY(arena, struct saga_header, message->header_count);
    for (size_t i = 0; i < message->header_count; i++)
        copy->headers[i] =
            (struct saga_header){ saga_arena_copy(arena, message->headers[i].name),
                                  saga_arena_copy(arena, message->headers[i].value) };
    return offset;
}

static void note_change(struct sim_kafka *kafka)
{
    kafka->changed = true;
    if (kafka->wake) kafka->wake(kafka->context);
}

int64_t sim_kafka_append(struct sim_kafka *kafka, const struct saga_message *message)
{
    struct sim_topic *topic = sim_kafka_topic(kafka, message->topic);
    SAGA_ASSERT(topic);
    struct sim_place place = { topic, sim_kafka_partition(topic, message) };
    int64_t offset = append(kafka, place, message, SIM_NO_PRODUCER);
    note_change(kafka);
    return offset;
}

/* ---- the end of a transaction ---- */

static void resolve_entries(struct sim_partition *partition, int id, bool commit)
{
    if (partition->first_open[id] < 0) return;
    for (size_t i = (size_t)partition->first_open[id]; i < partition->count; i++) {
        struct sim_entry *entry = &partition->entries[i];
        if (entry->producer == id && entry->state == SIM_ENTRY_OPEN)
            entry->state = commit ? SIM_ENTRY_COMMITTED : SIM_ENTRY_ABORTED;
    }
    partition->first_open[id] = -1;
}

/* `which`: the place; behind the last place stands the group's partition of offsets. */
static void write_marker(void *context, uint64_t id_and_number, uint64_t which)
{
    struct sim_kafka *kafka = context;
    int id = (int)(id_and_number % SIM_PRODUCERS);
    struct sim_producer *producer = &kafka->producers[id];
    SAGA_ASSERT(producer->number == id_and_number / SIM_PRODUCERS && producer->markers_left);
    bool commit = producer->state == SIM_COMMITTING;
    if (which < producer->place_count) {
        struct sim_partition *partition = at(producer->places[which]);
        resolve_entries(partition, id, commit);
        struct sim_entry *marker = add_entry(partition);
        *marker = (struct sim_entry){ .producer = id, .state = SIM_ENTRY_MARKER };
    } else {
        sim_group_settle(kafka, producer, commit);
    }
    if (--producer->markers_left == 0) {
        producer->last_committed = commit;
        producer->state = SIM_EMPTY;
        producer->place_count = 0;
        producer->offsets = false;
    }
    note_change(kafka);
}

static void end_transaction(struct sim_kafka *kafka, int id, bool commit)
{
    struct sim_producer *producer = &kafka->producers[id];
    bool slow = kafka->sim->now_us < kafka->markers_slow_until_us;
    producer->state = commit ? SIM_COMMITTING : SIM_ABORTING;
    producer->markers_left = producer->place_count + (producer->offsets ? 1 : 0);
    SAGA_ASSERT(producer->markers_left);
    for (size_t i = 0; i < producer->markers_left; i++) {
        int64_t in_us = sim_between(kafka->sim, 0, slow ? 2 * SIM_SECOND : 8 * SIM_MS);
        size_t which = i < producer->place_count ? i : SIZE_MAX;
        sim_plan(kafka->sim, in_us, write_marker, kafka,
                 producer->number * SIM_PRODUCERS + (uint64_t)id, which);
    }
}

/* ---- requests of producers ---- */

int32_t sim_kafka_fence(struct sim_kafka *kafka, int id)
{
    struct sim_producer *producer = &kafka->producers[id];
    if (kafka->sim->mutation == SIM_MUTATION_RENEW_UNFENCED) return producer->epoch;
    producer->epoch++;
    if (producer->state == SIM_ONGOING) {
        sim_count(kafka->sim, INIT_ABORTED);
        end_transaction(kafka, id, false);
    }
    return producer->epoch;
}

bool sim_kafka_is_settled(const struct sim_kafka *kafka, int id)
{
    enum sim_transaction state = kafka->producers[id].state;
    if (kafka->sim->mutation == SIM_MUTATION_RENEW_UNFENCED) return true;
    return state == SIM_EMPTY;
}

/* Makes the producer's transaction ready to take something. */
static int enter_transaction(struct sim_kafka *kafka, int id, int32_t epoch)
{
    struct sim_producer *producer = &kafka->producers[id];
    if (epoch != producer->epoch) {
        sim_count(kafka->sim, PRODUCER_FENCED);
        return SAGA_E_RECOVER;
    }
    if (producer->state == SIM_COMMITTING || producer->state == SIM_ABORTING) return SAGA_E_AGAIN;
    if (producer->state == SIM_EMPTY) {
        producer->state = SIM_ONGOING;
        producer->began_us = kafka->sim->now_us;
        producer->number++;
    }
    return SAGA_OK;
}

static void add_place(struct sim_producer *producer, struct sim_place place)
{
    for (size_t i = 0; i < producer->place_count; i++)
        if (producer->places[i].topic == place.topic &&
            producer->places[i].partition == place.partition)
            return;
    producer->places[producer->place_count++] = place;
}

int sim_kafka_produce(struct sim_kafka *kafka, int id, int32_t epoch, struct sim_place place,
                      const struct saga_message *message, int64_t *ret_offset)
{
    int error = enter_transaction(kafka, id, epoch);
    if (error < 0) return error;
    add_place(&kafka->producers[id], place);
    *ret_offset = append(kafka, place, message, id);
    if (at(place)->first_open[id] < 0) at(place)->first_open[id] = *ret_offset;
    return SAGA_OK;
}

int sim_kafka_send_offsets(struct sim_kafka *kafka, int id, int32_t epoch, int32_t generation,
                           int32_t member, const struct saga_position *positions, size_t count)
{
    struct sim_producer *producer = &kafka->producers[id];
    int error = enter_transaction(kafka, id, epoch);
    if (error < 0) return error;
    producer->offsets = true;
    bool known = sim_group_member(kafka, member) && generation == kafka->group.generation;
    if (!known && kafka->sim->mutation != SIM_MUTATION_OFFSETS_UNFENCED) {
        sim_count(kafka->sim, OFFSETS_FENCED);
        return SAGA_E_FENCED;
    }
    for (size_t i = 0; i < count; i++) {
        struct sim_topic *topic = sim_kafka_topic(kafka, positions[i].topic);
        struct sim_pending pending = { { topic, positions[i].partition },
                                       positions[i].offset,
                                       ++kafka->group.order };
        SAGA_ASSERT(topic && producer->pending_count < SIM_TOPICS_MAX * SIM_PARTITIONS_MAX);
        if (kafka->sim->mutation == SIM_MUTATION_OFFSETS_AT_ONCE)
            sim_group_commit(kafka, &pending);
        else
            producer->pending[producer->pending_count++] = pending;
    }
    return SAGA_OK;
}

int sim_kafka_end(struct sim_kafka *kafka, int id, int32_t epoch, bool commit)
{
    struct sim_producer *producer = &kafka->producers[id];
    if (epoch != producer->epoch) {
        sim_count(kafka->sim, PRODUCER_FENCED);
        return SAGA_E_RECOVER;
    }
    switch (producer->state) {
    case SIM_EMPTY: /* ended already, and this is the same request once more */
        return producer->last_committed == commit || !commit ? SAGA_OK : SAGA_E_RECOVER;
    case SIM_ONGOING: end_transaction(kafka, id, commit); return SAGA_OK;
    case SIM_COMMITTING: return commit ? SAGA_OK : SAGA_E_RECOVER;
    case SIM_ABORTING: return commit ? SAGA_E_RECOVER : SAGA_OK;
    }
    return SAGA_E_RECOVER;
}

void sim_kafka_tick(struct sim_kafka *kafka)
{
    int64_t now_us = kafka->sim->now_us;
    if (now_us < kafka->away_until_us) return;
    for (int id = 0; id < SIM_PRODUCERS; id++) {
        struct sim_producer *producer = &kafka->producers[id];
        if (producer->state != SIM_ONGOING || now_us - producer->began_us < SIM_TRANSACTION_US)
            continue;
        sim_count(kafka->sim, TRANSACTION_TIMED_OUT);
        sim_tell(kafka->sim, "broker: transaction of producer %d timed out", id);
        producer->epoch++;
        end_transaction(kafka, id, false);
    }
    sim_group_tick(kafka);
}

/* ---- what goes ---- */

void sim_kafka_cut(struct sim_partition *partition, int64_t low)
{
    if (low > partition->low) partition->low = low;
}

void sim_kafka_compact(struct sim_partition *partition)
{
    int64_t stable = sim_last_stable(partition);
    for (int64_t i = 0; i < stable; i++) {
        struct sim_entry *entry = &partition->entries[i];
        for (int64_t j = i + 1; entry->state == SIM_ENTRY_COMMITTED && j < stable; j++)
            if (partition->entries[j].state == SIM_ENTRY_COMMITTED &&
                saga_slice_equal(partition->entries[j].message.key, entry->message.key))
                entry->state = SIM_ENTRY_GONE;
    }
}
