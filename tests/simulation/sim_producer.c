/* The producing half of the simulated Kafka client: two transactional producers, used in turn. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "sim_client.h"

static int id_of(const struct sim_worker *w)
{
    return 2 * (int)w->number + w->client.turn;
}

static int32_t epoch_of(const struct sim_worker *w)
{
    return w->client.epochs[w->client.turn];
}

static int lose(struct sim_worker *w, const char *words)
{
    w->client.open = false;
    return sim_bus_say(w, SAGA_E_RECOVER, words);
}

static int refuse(struct sim_worker *w, const char *words)
{
    return sim_bus_say(w, SAGA_E_ABORT, words);
}

int sim_bus_begin(void *self)
{
    struct sim_worker *w = self;
    struct sim_client *c = &w->client;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    SAGA_ASSERT(!c->open);
    if (!c->valid) return sim_bus_say(w, SAGA_E_RECOVER, "the producers are not made yet");
    c->turn = 1 - c->turn;
    c->open = true;
    c->touched = false;
    c->queue_count = c->queue_capacity = 0;
    c->queue = NULL;
    saga_arena_reset(&c->queued);
    return SAGA_OK;
}

int sim_bus_send(void *self, const struct saga_message *message, int64_t *ret_offset)
{
    struct sim_worker *w = self;
    struct sim_client *c = &w->client;
    struct saga_arena *arena = &c->queued;
    if (w->dead) return SAGA_E_STOP; /* only queues: nothing happens in between */
    SAGA_ASSERT(c->open);
    struct sim_topic *topic = sim_kafka_topic(w->kafka, message->topic);
    SAGA_ASSERT(topic);
    struct sim_queued queued = {
        *message, { topic, sim_kafka_partition(topic, message) }, ret_offset, false
    };
    queued.message.key = saga_arena_copy(arena, message->key);
    queued.message.value = saga_arena_copy(arena, message->value);
    queued.message.headers = SAGA_NEW_ARRAY(arena, struct saga_header, message->header_count);
    for (size_t i = 0; i < message->header_count; i++)
        queued.message.headers[i] =
            (struct saga_header){ saga_arena_copy(arena, message->headers[i].name),
                                  saga_arena_copy(arena, message->headers[i].value) };
    SAGA_PUSH(arena, c->queue, c->queue_count, c->queue_capacity, queued);
    return SAGA_OK;
}

static bool is_unsendable(const struct sim_queued *queued)
{
    static const char word[] = "UNSENDABLE";
    return saga_slice_is(queued->place.topic->name, "saga.journal") &&
           memmem(queued->message.value.data, queued->message.value.size, word, sizeof word - 1);
}

/* A topic whose limit is what one record of the outside leads to there: a batch of several keys' commands is refused
 * (R24). */
static bool is_too_large(const struct sim_worker *w, struct sim_place place)
{
    const struct sim_client *c = &w->client;
    struct saga_slice name = place.topic->name, first = SAGA_SLICE_NONE;
    if (w->sim->now_us >= w->kafka->tight_until_us || name.size < 9 ||
        memcmp(name.data + name.size - 9, ".commands", 9) != 0)
        return false;
    for (size_t i = 0; i < c->queue_count; i++) {
        const struct sim_queued *queued = &c->queue[i];
        if (queued->sent || queued->place.topic != place.topic ||
            queued->place.partition != place.partition)
            continue;
        if (first.data && !saga_slice_equal(first, queued->message.key)) return true;
        first = queued->message.key;
    }
    return false;
}

/* One request: all that goes to one partition. */
static int produce(struct sim_worker *w, struct sim_place place)
{
    struct sim_client *c = &w->client;
    int64_t until_us = w->sim->now_us + CALL_US;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    if (is_too_large(w, place)) {
        sim_count(w->sim, TIGHT);
        return sim_bus_say(w, SAGA_E_INVALID, "a batch is too large for the topic");
    }
    for (size_t i = 0; i < c->queue_count;) {
        struct sim_queued *queued = &c->queue[i];
        int64_t offset;
        bool here = !queued->sent && queued->place.topic == place.topic &&
                    queued->place.partition == place.partition;
        if (!here) {
            i++;
            continue;
        }
        int error = sim_bus_reach(w, until_us - w->sim->now_us);
        if (error == SAGA_E_AGAIN) return refuse(w, "the broker took no records");
        if (error < 0) return error;
        if (is_unsendable(queued))
            return sim_bus_say(w, SAGA_E_INVALID, "a record is too large for the broker");
        error =
            sim_kafka_produce(w->kafka, id_of(w), epoch_of(w), place, &queued->message, &offset);
        if (error == SAGA_E_RECOVER) return lose(w, "the producer is fenced");
        if (error == SAGA_E_AGAIN) { /* markers of the last one are still to come */
            if (w->sim->now_us >= until_us) return refuse(w, "the last transaction does not end");
            if (!sim_worker_wait(w, 2 * SIM_MS)) return SAGA_E_STOP;
            continue;
        }
        queued->sent = c->touched = true;
        if (queued->offset) *queued->offset = offset;
    }
    int error = sim_bus_hear(w, CALL_US);
    return error == SAGA_E_AGAIN ? refuse(w, "no answer came for records") : error;
}

/* Partitions are written in any order, each in its own. */
int sim_bus_flush(void *self)
{
    struct sim_worker *w = self;
    struct sim_client *c = &w->client;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    SAGA_ASSERT(c->open);
    for (;;) {
        size_t left = 0;
        for (size_t i = 0; i < c->queue_count; i++) left += !c->queue[i].sent;
        if (left == 0) return SAGA_OK;
        if (w->deliveries_to_fail) {
            w->deliveries_to_fail--;
            sim_count(w->sim, DELIVERY_FAILED);
            sim_tell(w->sim, "worker %u: records are refused", w->number);
            return refuse(w, "the broker refused records");
        }
        size_t chosen = sim_below(w->sim, left), at = 0;
        while (c->queue[at].sent || chosen-- > 0) at++;
        int error = produce(w, c->queue[at].place);
        if (error < 0) return error;
    }
}

int sim_bus_send_offsets(void *self, const struct saga_position *positions, size_t count)
{
    struct sim_worker *w = self;
    struct sim_client *c = &w->client;
    int64_t until_us = w->sim->now_us + CALL_US;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    SAGA_ASSERT(c->open && count > 0);
    if (!c->fencing_member) return sim_bus_say(w, SAGA_E_FENCED, "there is no assignment"); /* R4 */
    for (;;) {
        int error = sim_bus_reach(w, until_us - w->sim->now_us);
        if (error == SAGA_E_AGAIN) return refuse(w, "the group does not answer");
        if (error < 0) return error;
        error = sim_kafka_send_offsets(w->kafka, id_of(w), epoch_of(w), c->generation,
                                       c->fencing_member, positions, count);
        if (error == SAGA_E_RECOVER) return lose(w, "the producer is fenced");
        c->touched = c->touched || error != SAGA_E_AGAIN;
        if (error == SAGA_E_FENCED) {
            sim_tell(w->sim, "worker %u: offsets of generation %d are refused", w->number,
                     c->generation);
            return sim_bus_say(w, SAGA_E_FENCED, "another generation");
        }
        if (error == SAGA_OK) break;
        if (w->sim->now_us >= until_us) return refuse(w, "the last transaction does not end");
        if (!sim_worker_wait(w, 2 * SIM_MS)) return SAGA_E_STOP;
    }
    int error = sim_bus_hear(w, CALL_US);
    return error == SAGA_E_AGAIN ? refuse(w, "no answer came for offsets") : error;
}

/* ---- the end of a transaction ---- */

/* The end of a transaction that was under way for long. */
static void arrive_late(void *context, uint64_t id, uint64_t epoch)
{
    struct sim_kafka *kafka = context;
    bool ongoing = kafka->producers[id].state == SIM_ONGOING;
    int error = sim_kafka_end(kafka, (int)id, (int32_t)epoch, true);
    sim_tell(kafka->sim, "broker: a late end of producer %d's transaction %s", (int)id,
             error < 0 ? "is refused" : "is taken");
    if (error < 0)
        sim_count(kafka->sim, LATE_END_REFUSED);
    else if (ongoing)
        sim_count(kafka->sim, LATE_END_TOOK);
}

static void send_late(struct sim_worker *w, int64_t max_us)
{
    sim_plan(w->sim, sim_between(w->sim, 0, max_us), arrive_late, w->kafka, (uint64_t)id_of(w),
             (uint64_t)epoch_of(w));
}

static int unknown(struct sim_worker *w)
{
    sim_count(w->sim, OUTCOME_UNKNOWN);
    sim_tell(w->sim, "worker %u: the outcome of its commit is unknown", w->number);
    w->client.open = false;
    if (w->sim->mutation == SIM_MUTATION_UNKNOWN_COMMITTED) return SAGA_OK;
    if (w->sim->mutation == SIM_MUTATION_UNKNOWN_ABORTED)
        return sim_bus_say(w, SAGA_E_ABORT, "taken as aborted");
    return sim_bus_say(w, SAGA_E_RECOVER, "the outcome is not known");
}

/* What was planned for this commit; OK: nothing. */
static int troubled_commit(struct sim_worker *w)
{
    enum sim_commit_fault fault = w->commit_fault;
    w->commit_fault = SIM_COMMIT_FINE;
    if (w->dies_in_commit) {
        if (sim_chance(w->sim, 600)) send_late(w, 3 * SIM_SECOND);
        sim_count(w->sim, CRASH_IN_COMMIT);
        sim_worker_crash(w);
        return SAGA_E_STOP;
    }
    if (fault == SIM_COMMIT_FINE) return SAGA_OK;
    if (fault == SIM_COMMIT_LATE) {
        sim_count(w->sim, COMMIT_DELAYED);
        send_late(w, 14 * SIM_SECOND);
    } else if (fault == SIM_COMMIT_GONE) {
        sim_count(w->sim, COMMIT_LOST);
    } else {
        sim_count(w->sim, COMMIT_UNHEARD);
        if (sim_bus_reach(w, CALL_US) == SAGA_OK)
            sim_kafka_end(w->kafka, id_of(w), epoch_of(w), true);
    }
    if (!sim_worker_wait(w, sim_between(w->sim, 0, 2 * SIM_SECOND))) return SAGA_E_STOP;
    return unknown(w);
}

int sim_bus_commit(void *self)
{
    struct sim_worker *w = self;
    int64_t until_us = w->sim->now_us + COMMIT_US;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    SAGA_ASSERT(w->client.open);
    bool planned = w->dies_in_commit || w->commit_fault != SIM_COMMIT_FINE;
    if (planned) return troubled_commit(w);
    int error = sim_bus_reach(w, until_us - w->sim->now_us);
    if (error == SAGA_OK) {
        error = sim_kafka_end(w->kafka, id_of(w), epoch_of(w), true);
        if (error < 0) return lose(w, "the producer is fenced");
        error = sim_bus_hear(w, until_us - w->sim->now_us);
    }
    if (error == SAGA_E_STOP) return error;
    if (error == SAGA_E_AGAIN) {
        if (sim_chance(w->sim, 300)) send_late(w, 14 * SIM_SECOND);
        return unknown(w);
    }
    w->client.open = false;
    return SAGA_OK;
}

int sim_bus_abort(void *self)
{
    struct sim_worker *w = self;
    if (!w->client.open) return SAGA_OK;
    w->client.open = false;
    if (!w->client.touched) return SAGA_OK; /* the broker has not heard of it */
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    int error = sim_bus_reach(w, CALL_US);
    if (error == SAGA_E_STOP) return error;
    if (error < 0) return sim_bus_say(w, SAGA_E_RECOVER, "the broker does not answer");
    error = sim_kafka_end(w->kafka, id_of(w), epoch_of(w), false);
    if (error == SAGA_OK) error = sim_bus_hear(w, CALL_US);
    if (error == SAGA_OK || error == SAGA_E_STOP) return error;
    return sim_bus_say(w, SAGA_E_RECOVER, "the abort is not certain");
}

int sim_bus_renew(void *self)
{
    struct sim_worker *w = self;
    struct sim_client *c = &w->client;
    int64_t until_us = w->sim->now_us + CALL_US;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    c->open = c->valid = false;
    for (int i = 0; i < 2; i++) {
        int id = 2 * (int)w->number + i;
        int error = sim_bus_reach(w, until_us - w->sim->now_us);
        if (error < 0) return error;
        c->epochs[i] = sim_kafka_fence(w->kafka, id);
        while (!sim_kafka_is_settled(w->kafka, id)) {
            if (w->sim->now_us >= until_us) return sim_bus_say(w, SAGA_E_AGAIN, "still aborting");
            if (!sim_worker_wait(w, 10 * SIM_MS)) return SAGA_E_STOP;
        }
        error = sim_bus_hear(w, CALL_US);
        if (error < 0) return error;
    }
    c->valid = true;
    return SAGA_OK;
}

int sim_bus_warm(void *self, const struct saga_slice *topics, size_t count)
{
    (void)self, (void)topics, (void)count;
    return SAGA_OK;
}

int sim_bus_commit_positions(void *self, const struct saga_position *positions, size_t count,
                             int timeout_ms)
{
    (void)timeout_ms;
    int error = sim_bus_begin(self);
    if (error < 0) return error;
    error = sim_bus_send_offsets(self, positions, count);
    if (error == SAGA_OK) error = sim_bus_commit(self);
    if (error != SAGA_E_ABORT && error != SAGA_E_FENCED) return error;
    int abort_error = sim_bus_abort(self);
    if (abort_error < 0) return abort_error;
    return error == SAGA_E_ABORT ? SAGA_E_AGAIN : error;
}
