/* The bus of a simulated worker (bus/bus.h): its Kafka client, and the network between it and the broker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "sim_client.h"

int sim_bus_say(struct sim_worker *w, int error, const char *words)
{
    snprintf(w->client.problem, sizeof w->client.problem, "%s", words);
    return error;
}

/* Waits until a request reaches the broker. Errors: AGAIN, STOP (crashed). */
int sim_bus_reach(struct sim_worker *w, int64_t timeout_us)
{
    int64_t until_us = w->sim->now_us + timeout_us;
    for (;;) {
        int64_t now_us = w->sim->now_us;
        if (w->dead) return SAGA_E_STOP;
        if (now_us >= w->kafka_cut_until_us && now_us >= w->kafka->away_until_us) return SAGA_OK;
        if (now_us >= until_us) return sim_bus_say(w, SAGA_E_AGAIN, "the broker does not answer");
        if (!sim_worker_wait(w, RETRY_US)) return SAGA_E_STOP;
    }
}

/* Waits until an answer comes back. */
int sim_bus_hear(struct sim_worker *w, int64_t timeout_us)
{
    int64_t until_us = w->sim->now_us + timeout_us;
    while (w->sim->now_us < w->kafka_deaf_until_us) {
        if (w->sim->now_us >= until_us) return sim_bus_say(w, SAGA_E_AGAIN, "no answer came");
        if (!sim_worker_wait(w, RETRY_US)) return SAGA_E_STOP;
    }
    return w->dead ? SAGA_E_STOP : SAGA_OK;
}

static const char *problem(void *self)
{
    return ((struct sim_worker *)self)->client.problem;
}

static void set_listener(void *self, struct saga_bus_listener listener)
{
    ((struct sim_worker *)self)->client.listener = listener;
}

/* ---- consuming ---- */

/* In whatever order: what the simulated broker gives is by chance, whether it waits or not. */
static int subscribe(void *self, const struct saga_slice *topics, size_t count, size_t patient)
{
    struct sim_worker *w = self;
    uint32_t bits = 0;
    (void)patient;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    for (size_t i = 0; i < count; i++) {
        struct sim_topic *topic = sim_kafka_topic(w->kafka, topics[i]);
        SAGA_ASSERT(topic);
        bits |= 1u << (topic - w->kafka->topics);
    }
    if (w->client.topics && bits != w->client.topics) w->client.rejoin = true;
    w->client.topics = bits;
    return SAGA_OK;
}

/* Of the mutation: what was fetched is kept. */
static void stop_fetching(struct sim_worker *w)
{
    struct sim_client *c = &w->client;
    if (w->sim->mutation == SIM_MUTATION_BUFFER_SURVIVES && c->fetched_count) {
        free(c->buffer);
        c->buffer = c->fetched;
        c->buffer_count = c->fetched_count;
    } else {
        free(c->fetched);
    }
    c->fetched = NULL;
    c->fetched_count = 0;
}

static void revoke(struct sim_worker *w, bool lost)
{
    struct sim_client *c = &w->client;
    if (lost)
        sim_count(w->sim, LOST);
    else
        sim_count(w->sim, REVOKED);
    sim_tell(w->sim, "worker %u: partitions %s", w->number, lost ? "lost" : "revoked");
    stop_fetching(w);
    c->generation = c->fencing_member = 0;
    c->listener.revoked(c->listener.context, lost);
}

static void assign(struct sim_worker *w, const struct sim_member *member)
{
    struct sim_client *c = &w->client;
    struct saga_position positions[SIM_TOPICS_MAX * SIM_PARTITIONS_MAX];
    size_t count = member->assigned_count;
    for (size_t i = 0; i < count; i++)
        positions[i] = (struct saga_position){ member->assigned[i].topic->name,
                                               member->assigned[i].partition, SAGA_OFFSET_NONE };
    c->joining = false;
    c->generation = w->kafka->group.generation;
    c->fencing_member = member->id;
    sim_tell(w->sim, "worker %u: %zu partitions in generation %d", w->number, count, c->generation);
    c->listener.assigned(c->listener.context, positions, count);
}

/* What the client library does for the group inside of a poll. True: a callback was called. */
static bool serve_group(struct sim_worker *w)
{
    struct sim_client *c = &w->client;
    struct sim_group *group = &w->kafka->group;
    int64_t now_us = w->sim->now_us;
    bool reachable = now_us >= w->kafka_cut_until_us && now_us >= w->kafka_deaf_until_us &&
                     now_us >= w->kafka->away_until_us;
    if (!c->topics || !reachable) return false;
    struct sim_member *member = sim_group_member(w->kafka, c->member);
    if (c->member && !member) {
        if (now_us < c->unaware_until_us) return false;
        if (c->unaware_until_us == 0 && !c->joining) { /* its next heartbeat will say so */
            c->unaware_until_us = now_us + sim_between(w->sim, 0, 200 * SIM_MS);
            return false;
        }
        c->member = 0;
        c->unaware_until_us = 0;
        bool had = c->fencing_member != 0;
        c->joining = false;
        if (had) revoke(w, true);
        return had;
    }
    bool asked = member && group->preparing && !member->joined && now_us >= member->notice_us;
    bool moved_on = member && !c->joining && c->generation != group->generation &&
                    c->fencing_member && !group->preparing;
    if ((asked || c->rejoin || moved_on) && c->fencing_member) {
        revoke(w, false);
        return true;
    }
    if (!c->joining || asked || c->rejoin) {
        if (!member || asked || c->rejoin) {
            c->member = sim_group_join(w->kafka, c->member, w->number, c->topics);
            c->joined_generation = group->generation;
            c->joining = true;
            c->rejoin = false;
            member = sim_group_member(w->kafka, c->member);
        }
    }
    if (c->joining && member && member->joined && !group->preparing && member->assigned) {
        assign(w, member);
        return true;
    }
    return false;
}

static void take(struct sim_fetched *fetched, size_t max, struct saga_bus_records *ret)
{
    const struct sim_partition *partition =
        &fetched->place.topic->partitions[fetched->place.partition];
    if (fetched->offset >= sim_high(partition)) return;
    int64_t stable = sim_last_stable(partition);
    for (; fetched->offset < stable && ret->count < max; fetched->offset++)
        if (partition->entries[fetched->offset].state == SIM_ENTRY_COMMITTED)
            ret->items[ret->count++] = partition->entries[fetched->offset].message;
}

static bool is_assigned(const struct sim_client *c, struct sim_place place)
{
    for (size_t i = 0; i < c->fetched_count; i++)
        if (c->fetched[i].place.topic == place.topic &&
            c->fetched[i].place.partition == place.partition)
            return true;
    return false;
}

static void take_all(struct sim_worker *w, size_t max, struct saga_bus_records *ret)
{
    struct sim_client *c = &w->client;
    for (size_t i = 0; i < c->buffer_count && c->fetched_count; i++)
        if (is_assigned(c, c->buffer[i].place)) take(&c->buffer[i], max, ret);
    if (c->fetched_count) c->buffer_count = 0;
    size_t first = c->fetched_count ? sim_below(w->sim, c->fetched_count) : 0;
    for (size_t n = 0; n < c->fetched_count; n++)
        take(&c->fetched[(first + n) % c->fetched_count], max, ret);
}

static int poll_bus(void *self, int timeout_ms, size_t max, struct saga_bus_records *ret)
{
    struct sim_worker *w = self;
    int64_t until_us = w->sim->now_us + timeout_ms * SIM_MS;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    SAGA_ASSERT(!w->client.open); /* R2 */
    *ret = (struct saga_bus_records){ malloc(max * sizeof *ret->items), 0, NULL };
    SAGA_ASSERT(ret->items);
    ret->owner = ret->items;
    for (;;) {
        int64_t now_us = w->sim->now_us;
        if (serve_group(w)) break;
        if (now_us >= w->kafka_cut_until_us && now_us >= w->kafka_deaf_until_us &&
            now_us >= w->kafka->away_until_us)
            take_all(w, max, ret);
        if (ret->count || now_us >= until_us) break;
        w->polling = true;
        int64_t left_us = until_us - now_us;
        bool waits_for_group = !w->client.fencing_member || w->client.joining;
        int64_t look_us = waits_for_group ? 20 * SIM_MS : 100 * SIM_MS;
        bool alive = sim_worker_wait(w, left_us < look_us ? left_us : look_us);
        w->polling = false;
        if (!alive) break;
    }
    if (ret->count) return SAGA_OK;
    free(ret->items);
    *ret = (struct saga_bus_records){ 0 };
    return w->dead ? SAGA_E_STOP : SAGA_OK;
}

static void release(void *self, struct saga_bus_records *records)
{
    (void)self;
    free(records->owner);
    *records = (struct saga_bus_records){ 0 };
}

static int fetch(void *self, const struct saga_position *positions, size_t count)
{
    struct sim_worker *w = self;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    stop_fetching(w);
    if (count == 0) return SAGA_OK;
    w->client.fetched = calloc(count, sizeof *w->client.fetched);
    SAGA_ASSERT(w->client.fetched);
    for (size_t i = 0; i < count; i++)
        w->client.fetched[i] =
            (struct sim_fetched){ { sim_kafka_topic(w->kafka, positions[i].topic),
                                    positions[i].partition },
                                  positions[i].offset };
    w->client.fetched_count = count;
    return SAGA_OK;
}

static int committed(void *self, struct saga_position *positions, size_t count, int timeout_ms)
{
    struct sim_worker *w = self;
    int64_t until_us = w->sim->now_us + timeout_ms * SIM_MS;
    bool waits = w->sim->mutation != SIM_MUTATION_OFFSETS_UNSTABLE, pending;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    do {
        int error = sim_bus_reach(w, until_us - w->sim->now_us);
        if (error < 0) return error;
        pending = false;
        for (size_t i = 0; i < count && !pending; i++) {
            struct sim_place place = { sim_kafka_topic(w->kafka, positions[i].topic),
                                       positions[i].partition };
            pending = sim_group_is_pending(w->kafka, place);
        }
        if (!pending || !waits) break;
        sim_count(w->sim, OFFSETS_PENDING);
        if (w->sim->now_us >= until_us) return sim_bus_say(w, SAGA_E_AGAIN, "offsets are pending");
    } while (sim_worker_wait(w, RETRY_US));
    if (w->dead) return SAGA_E_STOP;
    int64_t *answer = calloc(count + 1, sizeof *answer);
    SAGA_ASSERT(answer);
    for (size_t i = 0; i < count; i++)
        answer[i] = sim_kafka_topic(w->kafka, positions[i].topic)
                        ->partitions[positions[i].partition]
                        .committed;
    int error = sim_bus_hear(w, CALL_US);
    for (size_t i = 0; i < count && error == SAGA_OK; i++) positions[i].offset = answer[i];
    free(answer);
    return error;
}

static int watermarks(void *self, struct saga_slice name, int32_t partition, int timeout_ms,
                      int64_t *ret_low, int64_t *ret_high)
{
    struct sim_worker *w = self;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    int error = sim_bus_reach(w, timeout_ms * SIM_MS);
    if (error < 0) return error;
    const struct sim_partition *p = &sim_kafka_topic(w->kafka, name)->partitions[partition];
    int64_t high = sim_high(p), stable = sim_last_stable(p);
    if (stable < high) sim_count(w->sim, UNSTABLE_JOURNAL);
    if (w->sim->mutation == SIM_MUTATION_WATERMARK_STABLE) high = stable;
    error = sim_bus_hear(w, timeout_ms * SIM_MS);
    if (error < 0) return error;
    *ret_low = p->low;
    *ret_high = high;
    return SAGA_OK;
}

static int partition_count(void *self, struct saga_slice name, int timeout_ms, int32_t *ret_count)
{
    struct sim_worker *w = self;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    int error = sim_bus_reach(w, timeout_ms * SIM_MS);
    if (error < 0) return error;
    struct sim_topic *topic = sim_kafka_topic(w->kafka, name);
    if (!topic) return SAGA_E_NOT_FOUND;
    *ret_count = topic->partition_count;
    return SAGA_OK;
}

/* ---- reading beside the group ---- */

static int reader_open(void *self, struct saga_slice name, int32_t partition, int64_t offset,
                       enum saga_reading reading)
{
    struct sim_worker *w = self;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    w->client.reading = reading;
    w->client.read = (struct sim_place){ sim_kafka_topic(w->kafka, name), partition };
    w->client.read_position = offset;
    return SAGA_OK;
}

static int reader_read(void *self, int timeout_ms, size_t max, struct saga_bus_records *ret,
                       int64_t *ret_position)
{
    struct sim_worker *w = self;
    struct sim_client *c = &w->client;
    int64_t until_us = w->sim->now_us + timeout_ms * SIM_MS;
    bool dirty = w->sim->mutation == SIM_MUTATION_READ_UNCOMMITTED;
    if (!sim_worker_enter(w)) return SAGA_E_STOP;
    SAGA_ASSERT(c->reading == SAGA_READING_WAITED_FOR || timeout_ms == 0); /* events would wait */
    if (max > 16) max = 16; /* so that much may happen between two portions */
    int error = sim_bus_reach(w, timeout_ms * SIM_MS);
    if (error < 0) return error;
    const struct sim_partition *p = &c->read.topic->partitions[c->read.partition];
    while (c->read_position >= sim_last_stable(p) && !dirty && w->sim->now_us < until_us)
        if (!sim_worker_wait(w, RETRY_US)) return SAGA_E_STOP;
    if (c->read_position < p->low) {
        c->read_position = p->low;
        return sim_bus_say(w, SAGA_E_NOT_FOUND, "the offset is gone");
    }
    *ret = (struct saga_bus_records){ malloc(max * sizeof *ret->items), 0, NULL };
    SAGA_ASSERT(ret->items);
    ret->owner = ret->items;
    int64_t end = dirty ? sim_high(p) : sim_last_stable(p);
    for (; c->read_position < end && ret->count < max; c->read_position++) {
        const struct sim_entry *entry = &p->entries[c->read_position];
        if (entry->state == SIM_ENTRY_COMMITTED || (dirty && entry->state < SIM_ENTRY_MARKER))
            ret->items[ret->count++] = entry->message;
    }
    *ret_position = c->read_position;
    return SAGA_OK;
}

static void reader_close(void *self)
{
    struct sim_worker *w = self;
    w->client.read = (struct sim_place){ 0 };
}

static void close_bus(void *self)
{
    struct sim_worker *w = self;
    struct sim_client *c = &w->client;
    if (!w->dead) {
        sim_bus_abort(w);
        sim_group_leave(w->kafka, c->member);
    }
    free(c->fetched);
    free(c->buffer);
    saga_arena_free(&c->queued);
    memset(c, 0, sizeof *c);
}

bool sim_bus_open(struct sim_worker *w, struct saga_bus *ret)
{
    saga_arena_init(&w->client.queued);
    while (sim_bus_renew(w) < 0)
        if (!sim_worker_wait(w, 100 * SIM_MS)) return false;
    *ret = (struct saga_bus){ .self = w,
                              .problem = problem,
                              .listen = set_listener,
                              .subscribe = subscribe,
                              .poll = poll_bus,
                              .release = release,
                              .fetch = fetch,
                              .committed = committed,
                              .commit_positions = sim_bus_commit_positions,
                              .watermarks = watermarks,
                              .partition_count = partition_count,
                              .begin = sim_bus_begin,
                              .send = sim_bus_send,
                              .flush = sim_bus_flush,
                              .send_offsets = sim_bus_send_offsets,
                              .commit = sim_bus_commit,
                              .abort = sim_bus_abort,
                              .renew = sim_bus_renew,
                              .warm = sim_bus_warm,
                              .reader_open = reader_open,
                              .reader_read = reader_read,
                              .reader_close = reader_close,
                              .close = close_bus };
    return true;
}
