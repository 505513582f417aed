#include "runtime/worker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/mutation.h"
#include "runtime/worker_internal.h"

enum {
    HEARTBEAT_MS = 1000,
    WAIT_MS_MAX = 1000,
    READ_TIMEOUT_MS = 100,
    RECOVER_WAIT_MS = 50, /* doubled with each recovery that no batch followed */
    RECOVER_DOUBLINGS = 6,
    PENDING_POLL_MS = 2,
    LOG_EVERY_MS = 5000
};

void saga_worker_note(struct saga_worker *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(w->problem, sizeof w->problem, format, arguments);
    va_end(arguments);
}

void saga_worker_take_schemas(struct saga_worker *w)
{
    const struct saga_schemas *before = w->schemas;
    if (!w->config.schemas) return;
    saga_schema_store_take(w->config.schemas, &w->schemas);
    if (w->schemas != before) saga_catalog_use_schemas(w->catalog, w->schemas);
}

/* ---- the reader beside the group ---- */

int saga_worker_read_from(struct saga_worker *w, struct saga_slice topic, uint32_t lane,
                          int64_t offset)
{
    struct saga_bus *bus = &w->config.bus;
    saga_worker_end_reading(w);
    int error =
        bus->reader_open(bus->self, topic, (int32_t)lane, offset,
                         saga_recovery_is_done(w) ? SAGA_READING_BESIDE : SAGA_READING_WAITED_FOR);
    if (error < 0) {
        saga_worker_note(w, "%s", bus->problem(bus->self));
        return error;
    }
    w->reading = true;
    w->position = offset;
    return SAGA_OK;
}

void saga_worker_end_reading(struct saga_worker *w)
{
    if (w->reading) w->config.bus.reader_close(w->config.bus.self);
    w->reading = false;
}

int saga_worker_read(struct saga_worker *w, size_t max, struct saga_bus_records *ret)
{
    struct saga_bus *bus = &w->config.bus;
    /* Once all lanes are ready it is a snapshot that reads: events do not wait for what it has not been sent yet. */
    int timeout_ms = saga_recovery_is_done(w) ? 0 : READ_TIMEOUT_MS;
    int error = bus->reader_read(bus->self, timeout_ms, max, ret, &w->position);
    if (error < 0) saga_worker_note(w, "%s", bus->problem(bus->self));
    return error;
}

int64_t saga_worker_monotonic(struct saga_worker *w)
{
    return w->config.clock.monotonic_ms(w->config.clock.context);
}

enum saga_worker_phase saga_worker_phase(const struct saga_worker *w)
{
    return w->phase;
}

const char *saga_worker_problem(const struct saga_worker *w)
{
    return w->problem;
}

/* ---- what is in hand, and letting go of it ---- */

void saga_retained_drop(struct saga_worker *w)
{
    if (w->retained.records.items) w->config.bus.release(w->config.bus.self, &w->retained.records);
    w->retained = (struct saga_retained){ 0 };
    w->record_window.definition_round = 0;
}

static void give_up_lanes(struct saga_worker *w)
{
    saga_snapshots_drop(w);
    w->alarm_window.definition_round = 0;
    for (uint32_t n = 0; n < w->config.lanes; n++) {
        struct saga_lane *lane = &w->lanes[n];
        lane->ready = false;
        saga_lane_settle(lane, &w->config.store); /* so that no answer is left on the connection */
        saga_lane_clear(lane);
        saga_keys_drop(w, lane);
    }
    saga_retained_drop(w);
}

void saga_worker_recover(struct saga_worker *w, bool renew)
{
    give_up_lanes(w);
    w->config.bus.fetch(w->config.bus.self, NULL, 0);
    w->phase = SAGA_WORKER_RECOVERING;
    SAGA_COUNT(w, recoveries, 1);
    saga_recovery_begin(w, renew);
    unsigned doublings =
        w->recoveries_in_row < RECOVER_DOUBLINGS ? w->recoveries_in_row : RECOVER_DOUBLINGS;
    if (w->recoveries_in_row++)
        w->recovery.not_before_ms = saga_worker_monotonic(w) + (RECOVER_WAIT_MS << doublings);
}

static void free_assigned(struct saga_worker *w)
{
    for (size_t i = 0; i < w->assigned_count; i++) free((char *)w->assigned[i].topic.data);
    free(w->assigned);
    w->assigned = NULL;
    w->assigned_count = 0;
    w->own_lanes = 0;
}

void saga_worker_wait_for_assignment(struct saga_worker *w)
{
    give_up_lanes(w);
    saga_recovery_begin(w, false);
    free_assigned(w);
    w->phase = SAGA_WORKER_JOINING;
}

static void on_assigned(void *context, const struct saga_position *partitions, size_t count)
{
    struct saga_worker *w = context;
    free_assigned(w);
    w->assigned = saga_memory_zeroed(count, sizeof *w->assigned);
    for (size_t i = 0; i < count; i++) {
        char *topic = saga_memory_text(partitions[i].topic.data, partitions[i].topic.size);
        w->assigned[i] = (struct saga_position){ saga_slice_of(topic), partitions[i].partition,
                                                 SAGA_OFFSET_NONE };
        bool inbox = saga_slice_equal(partitions[i].topic, w->config.inbox);
        SAGA_ASSERT(!inbox || (uint32_t)partitions[i].partition < w->config.lanes);
        if (inbox) w->own_lanes++;
        if (inbox) w->lanes[partitions[i].partition].unfit_rebuilds = 0;
    }
    w->assigned_count = count;
    give_up_lanes(w);
    w->phase = SAGA_WORKER_RECOVERING;
    saga_recovery_begin(w, false);
    saga_log(SAGA_LOG_INFO, "partitions assigned", "worker=%.*s partitions=%zu",
             SAGA_SLICE_ARG(w->config.owner), count);
}

/* R4: what is buffered is dropped; it was not committed, so the next owner reads it again. */
static void on_revoked(void *context, bool lost)
{
    struct saga_worker *w = context;
    saga_worker_wait_for_assignment(w);
    saga_log(lost ? SAGA_LOG_WARNING : SAGA_LOG_INFO,
             lost ? "partitions lost" : "partitions revoked", "worker=%.*s",
             SAGA_SLICE_ARG(w->config.owner));
}

int saga_worker_new(const struct saga_worker_config *config, struct saga_worker **ret)
{
    struct saga_worker *w = saga_memory_zeroed(1, sizeof *w);
    SAGA_ASSERT(config->lanes > 0 && config->batch_max > 0);
    SAGA_ASSERT(config->snapshot_portion > 0 &&
                config->snapshot_portion <= SAGA_SNAPSHOT_PORTION_MAX);
    w->config = *config;
    w->lanes = saga_memory_zeroed(config->lanes, sizeof *w->lanes);
    w->keyrings = saga_memory_zeroed(config->lanes, sizeof *w->keyrings);
    for (uint32_t n = 0; n < config->lanes; n++) saga_lane_init(&w->lanes[n], n);
    saga_refusals_init(w);
    saga_arena_init(&w->arena);
    saga_arena_init(&w->recovery.arena);
    saga_arena_init(&w->recovery.rebuild.arena);
    saga_arena_init(&w->snapshots.arena);
    int error = saga_codec_new(&w->codec);
    if (error == SAGA_OK) error = saga_catalog_new(&w->catalog);
    SAGA_ASSERT(error == SAGA_OK);
    w->config.bus.listen(w->config.bus.self,
                         (struct saga_bus_listener){ w, on_assigned, on_revoked });
    *ret = w;
    return SAGA_OK;
}

void saga_worker_free(struct saga_worker *w)
{
    if (!w) return;
    if (saga_worker_has_unstored(w) && !SAGA_WITHOUT(TELLING_AT_END))
        saga_worker_store_all(w); /* R27; else the next owner reads it from the journal */
    give_up_lanes(w);
    saga_recovery_end(w);
    saga_arena_free(&w->snapshots.arena);
    w->config.bus.close(w->config.bus.self);
    w->config.store.close(w->config.store.self);
    free_assigned(w);
    free(w->keyrings);
    free(w->lanes);
    saga_catalog_free(w->catalog);
    saga_schemas_free(w->schemas);
    saga_codec_free(w->codec);
    saga_arena_free(&w->arena);
    free(w);
}

/* ---- definitions and topics ---- */

/* Adds the topics that only start sagas, or the others. */
static size_t add_topics(const struct saga_catalog_topic *topics, size_t count, bool only_starts,
                         struct saga_slice *names)
{
    size_t added = 0;
    for (size_t i = 0; i < count; i++) {
        bool others = topics[i].replies || topics[i].awaits;
        if (only_starts ? topics[i].starts && !others : others) names[added++] = topics[i].topic;
    }
    return added;
}

/* Subscribes to the inbox and to every topic that the definitions name; again when there are new ones (R7), and then only:
 * each time the whole group gives its lanes out anew. */
static int subscribe(struct saga_worker *w)
{
    const struct saga_catalog_topic *topics;
    size_t count = saga_catalog_topics(w->catalog, &topics);
    struct saga_slice *names = SAGA_NEW_ARRAY(&w->arena, struct saga_slice, count + 1);
    names[0] = w->config.inbox;
    size_t total = 1 + add_topics(topics, count, false, names + 1);
    size_t starts = add_topics(topics, count, true, names + total);
    total += starts;
    if (total == w->subscribed) return SAGA_OK; /* topics only come: as many are the same ones */
    int error = w->config.bus.subscribe(w->config.bus.self, names, total, starts);
    if (error < 0) {
        saga_worker_note(w, "%s", w->config.bus.problem(w->config.bus.self));
        return error;
    }
    struct saga_slice own[] = { w->config.journal, w->config.dead_letters, w->config.inbox,
                                w->config.keys };
    w->config.bus.warm(w->config.bus.self, own, w->config.keys.size ? 4 : 3);
    w->subscribed = total;
    return SAGA_OK;
}

static void warm_command_topic(struct saga_slice topic, enum saga_topic_use use, void *context)
{
    struct saga_worker *w = context;
    if (use == SAGA_TOPIC_COMMANDS || use == SAGA_TOPIC_PUBLISHED)
        w->config.bus.warm(w->config.bus.self, &topic, 1);
}

static int read_definitions(struct saga_worker *w)
{
    size_t added =
        saga_registry_update(w->config.registry, w->catalog, &w->catalog_seen, &w->catalog_rounds);
    if (added)
        for (size_t i = 0; i < saga_catalog_count(w->catalog); i++)
            saga_definition_topics(saga_catalog_at(w->catalog, i), warm_command_topic, w);
    if (w->subscribed && added == 0) return SAGA_OK;
    if (w->catalog_rounds == 0) return SAGA_OK; /* not read to the end yet */
    saga_arena_reset(&w->arena);
    return subscribe(w);
}

/* ---- what comes of a batch ---- */

/* What aborted for another reason than a refusal (a broker that is away, a transaction that timed out) is tried again for
 * ever: no record is to blame. */
static void note_abort(struct saga_worker *w, bool refused)
{
    struct saga_retained *retained = &w->retained;
    retained->aborts++;
    int64_t wait_ms = 20LL << (retained->aborts < 6 ? retained->aborts : 6);
    retained->not_before_ms =
        saga_worker_monotonic(w) + (wait_ms < WAIT_MS_MAX ? wait_ms : WAIT_MS_MAX);
    if (refused) saga_refusals_note(w);
}

static void end_window(struct saga_worker *w)
{
    struct saga_retained *retained = &w->retained;
    if (w->taken_records) {
        w->recoveries_in_row = 0;
        retained->last_is_poison = false;
        w->record_window.definition_round = 0;
    }
    /* while they are taken apart, what the one waits for is not over because the other is done */
    if (w->taken_alarms || !w->taken_records) w->alarm_window.definition_round = 0;
    retained->aborts = 0;
    w->problem[0] = '\0';
    saga_refusals_end(w);
    if (retained->done >= retained->records.count) saga_retained_drop(w);
}

static int after_batch(struct saga_worker *w, int result)
{
    switch (result) {
    case SAGA_OK: end_window(w); return SAGA_OK;
    case SAGA_E_INVALID: note_abort(w, true); break;
    case SAGA_E_ABORT: note_abort(w, false); break;
    case SAGA_E_LIMIT: saga_refusals_too_large(w); return SAGA_OK;
    case SAGA_E_AGAIN: /* a definition or the broker is waited for; what was read stays in hand */
        w->retained.not_before_ms = saga_worker_monotonic(w) + 50;
        break;
    case SAGA_E_FENCED: saga_worker_wait_for_assignment(w); break;
    case SAGA_E_STOP: return SAGA_E_STOP;
    default: saga_worker_recover(w, result == SAGA_E_RECOVER); break; /* R5, R9 */
    }
    saga_log_seldom(&w->last_logged_ms, LOG_EVERY_MS, SAGA_LOG_WARNING, "batch not committed",
                    "worker=%.*s outcome=\"%s\" words=\"%s\"", SAGA_SLICE_ARG(w->config.owner),
                    saga_error_name(result), w->problem);
    return SAGA_OK;
}

/* ---- running ---- */

static int confirm_idle_lanes(struct saga_worker *w)
{
    struct saga_store *store = &w->config.store;
    int64_t now_ms = saga_worker_monotonic(w);
    for (uint32_t n = 0; n < w->config.lanes; n++) {
        struct saga_lane *lane = &w->lanes[n];
        if (!lane->ready || now_ms - lane->last_contact_ms < HEARTBEAT_MS) continue;
        int error = saga_lane_settle(lane, store);
        int64_t wall_ms = w->config.clock.wall_ms(w->config.clock.context);
        if (wall_ms < w->time_ms) wall_ms = w->time_ms;
        if (error == SAGA_OK)
            error = store->heartbeat(store->self, n, lane->applied, w->config.owner, wall_ms);
        if (error < 0) {
            saga_worker_note(w, "lane %u: %s", n, store->problem(store->self));
            return error == SAGA_E_STOP ? SAGA_E_STOP : SAGA_E_CONFLICT;
        }
        lane->last_contact_ms = now_ms;
    }
    return SAGA_OK;
}

static int poll_timeout(struct saga_worker *w, int timeout_ms)
{
    int64_t until_due = saga_worker_next_due(w) - w->config.clock.wall_ms(w->config.clock.context);
    for (uint32_t n = 0; n < w->config.lanes; n++)
        if (w->lanes[n].ready && w->lanes[n].apply_pending && until_due > PENDING_POLL_MS)
            until_due = PENDING_POLL_MS; /* its answer says when the next timer rings */
    if (until_due < 0 || !saga_recovery_is_done(w)) until_due = 0;
    return until_due < timeout_ms ? (int)until_due : timeout_ms;
}

static int poll_group(struct saga_worker *w, int timeout_ms)
{
    struct saga_bus *bus = &w->config.bus;
    struct saga_bus_records records = { 0 };
    int error = bus->poll(bus->self, timeout_ms, w->config.batch_max, &records);
    if (error < 0) {
        saga_worker_note(w, "%s", bus->problem(bus->self));
        saga_log_seldom(&w->last_logged_ms, LOG_EVERY_MS, SAGA_LOG_WARNING, "nothing can be read",
                        "worker=%.*s words=\"%s\"", SAGA_SLICE_ARG(w->config.owner), w->problem);
        return error;
    }
    if (records.count == 0 || w->phase != SAGA_WORKER_RUNNING) {
        bus->release(bus->self, &records);
        return SAGA_OK;
    }
    w->retained.records = records;
    w->retained.done = 0;
    return SAGA_OK;
}

/* An error of what goes on beside the batches, a lane's recovery or a snapshot. */
static int after_piece(struct saga_worker *w, int error)
{
    switch (error) {
    case SAGA_OK:
    case SAGA_E_AGAIN:
    case SAGA_E_ABORT:
    case SAGA_E_INVALID:
    case SAGA_E_NOT_FOUND: return SAGA_OK; /* it is tried again, and batches need not wait for it */
    case SAGA_E_STOP: return error;
    case SAGA_E_FENCED: saga_worker_wait_for_assignment(w); return SAGA_OK;
    default: saga_worker_recover(w, error == SAGA_E_RECOVER); return SAGA_OK;
    }
}

/* What goes on beside the batches: a piece of a snapshot, or the recovery of a lane. A batch mostly waits for the broker,
 * and takes as many events as have come meanwhile: with fewer and larger batches the lane is back sooner, the others get
 * as much done, and each of their events waits `beside_ms` at most. */
static int run_beside(struct saga_worker *w)
{
    int error = SAGA_OK;
    int64_t until_ms = saga_worker_monotonic(w) + w->config.beside_ms;
    if (saga_recovery_is_done(w)) return after_piece(w, saga_snapshots_step(w));
    do {
        if (saga_worker_monotonic(w) < w->recovery.not_before_ms) break;
        error = after_piece(w, saga_recovery_step(w));
    } while (error == SAGA_OK && w->phase == SAGA_WORKER_RUNNING && !saga_recovery_is_done(w) &&
             saga_worker_monotonic(w) < until_ms);
    return error;
}

/* Nothing is in hand between two batches: a lane's chain is that of its last committed record. */
static void offer_heads(struct saga_worker *w)
{
    struct saga_lane_heads *heads = w->config.heads;
    if (!heads || saga_worker_monotonic(w) < w->anchors_due_ms) return;
    w->anchors_due_ms = saga_worker_monotonic(w) + saga_lane_heads_every_ms(heads);
    for (uint32_t n = 0; n < w->config.lanes; n++) {
        const struct saga_lane *lane = &w->lanes[n];
        struct saga_lane_head head = { .lane = n, .offset = lane->position - 1 };
        if (!lane->ready) continue;
        memcpy(head.journal, lane->journal, sizeof head.journal);
        memcpy(head.chain, lane->chain, sizeof head.chain);
        saga_lane_heads_offer(heads, &head);
    }
}

static int run(struct saga_worker *w, int timeout_ms)
{
    offer_heads(w);
    int error = confirm_idle_lanes(w);
    if (error < 0) return after_batch(w, error);
    if (w->retained.records.items == NULL) {
        bool unstored = saga_worker_has_unstored(w);
        error = poll_group(w, unstored ? 0 : poll_timeout(w, timeout_ms));
        if (error == SAGA_E_NOT_FOUND) { /* R20: stays in words until somebody sets the position */
            saga_worker_recover(w, false);
            w->recovery.not_before_ms = saga_worker_monotonic(w) + LOG_EVERY_MS;
            return SAGA_OK;
        }
        if (error == SAGA_E_STOP) return error;
        if (w->phase != SAGA_WORKER_RUNNING) return SAGA_OK;
        /* before it waits for more */
        error = unstored && !w->retained.records.items ? saga_worker_store_all(w) : SAGA_OK;
        if (error < 0) return after_batch(w, error);
    }
    error = run_beside(w);
    if (error < 0 || w->phase != SAGA_WORKER_RUNNING) return error;
    if (saga_worker_monotonic(w) < w->retained.not_before_ms) return SAGA_E_AGAIN;
    return after_batch(w, saga_batch_run(w));
}

/* Polling goes on while a lane is recovered (R8): a rebalance may end it. */
static int recover(struct saga_worker *w, int timeout_ms)
{
    int64_t wait_ms = w->recovery.not_before_ms - saga_worker_monotonic(w);
    int error = poll_group(w, wait_ms <= 0 ? 0 : wait_ms < timeout_ms ? (int)wait_ms : timeout_ms);
    if (error == SAGA_E_STOP) return error;
    if (w->phase != SAGA_WORKER_RECOVERING || wait_ms > 0) return SAGA_OK;
    error = saga_recovery_step(w);
    if (error == SAGA_OK || error == SAGA_E_INVALID) return SAGA_OK;
    if (error == SAGA_E_STOP) return error;
    if (error == SAGA_E_FENCED) saga_worker_wait_for_assignment(w);
    if (error == SAGA_E_RECOVER) saga_recovery_begin(w, true);
    saga_log_seldom(&w->last_logged_ms, LOG_EVERY_MS, SAGA_LOG_WARNING, "lanes wait",
                    "worker=%.*s words=\"%s\"", SAGA_SLICE_ARG(w->config.owner), w->problem);
    return SAGA_OK;
}

static void take_live_settings(struct saga_worker *w)
{
    const struct saga_live_settings *live = w->config.live;
    if (!live) return;
    w->config.batch_max = atomic_load(&live->batch_max);
    w->config.cache_bytes = atomic_load(&live->cache_bytes);
    w->config.snapshot_records = atomic_load(&live->snapshot_records);
    w->config.snapshot_interval_ms = atomic_load(&live->snapshot_interval_ms);
}

int saga_worker_step(struct saga_worker *w, int timeout_ms)
{
    take_live_settings(w);
    if (w->config.standing) saga_standing_say(w->config.standing, w, saga_worker_monotonic(w));
    int error = read_definitions(w);
    if (error == SAGA_E_STOP) return error;
    switch (w->phase) {
    case SAGA_WORKER_JOINING:
        error = poll_group(w, timeout_ms);
        return error == SAGA_E_STOP ? error : SAGA_OK;
    case SAGA_WORKER_RECOVERING: return recover(w, timeout_ms);
    case SAGA_WORKER_RUNNING: return run(w, timeout_ms);
    }
    SAGA_ASSERT(!"a phase of a worker");
    return SAGA_E_STOP;
}
