/* Recovery (R8 to R11): from an assignment to lanes that may be decided for.
 *
 * All partitions of the worker are recovered together and nothing is fetched until all are done: a reply can then
 * never meet a lane that is still behind. The order is the one of R8: committed offsets (which waits for pending
 * transactions), then the journal's high watermark, then reading up to it. */
#include <stdlib.h>
#include <string.h>

#include "base/mutation.h"
#include "runtime/worker_internal.h"

enum { CALL_TIMEOUT_MS = 1000, READ_TIMEOUT_MS = 100, CHUNK_RECORDS = 1000, RETRY_MS = 200 };

static int again(struct saga_worker *w, int error)
{
    w->recovery.not_before_ms = saga_worker_monotonic(w) + RETRY_MS;
    return error;
}

/* An error of the bus with its words. */
static int bus_error(struct saga_worker *w, int error)
{
    saga_worker_note(w, "%s", w->config.bus.problem(w->config.bus.self));
    return again(w, error);
}

static void close_reader(struct saga_worker *w)
{
    if (w->recovery.reading) w->config.bus.reader_close(w->config.bus.self);
    w->recovery.reading = false;
}

/* Whatever went wrong with a lane: it is looked at from the beginning, because what was learned of it may be over. */
static int lane_again(struct saga_worker *w, int error)
{
    close_reader(w);
    w->recovery.stage = SAGA_RECOVERY_LANE;
    return again(w, error);
}

static int store_error(struct saga_worker *w, const struct saga_lane *lane, int error)
{
    saga_worker_note(w, "lane %u: %s", lane->number, w->config.store.problem(w->config.store.self));
    return lane_again(w, error);
}

void saga_recovery_begin(struct saga_worker *w, bool renew)
{
    close_reader(w);
    w->recovery.renew = w->recovery.renew || renew;
    w->recovery.stage = SAGA_RECOVERY_PRODUCERS;
    w->recovery.next = 0;
    w->recovery.records = 0;
    w->recovery.not_before_ms = 0;
}

void saga_recovery_end(struct saga_worker *w)
{
    close_reader(w);
    saga_arena_free(&w->recovery.arena);
}

/* ---- producers and positions ---- */

static int renew_producers(struct saga_worker *w)
{
    if (w->recovery.renew) {
        int error = w->config.bus.renew(w->config.bus.self);
        if (error < 0) return bus_error(w, error);
        w->recovery.renew = false;
    }
    w->recovery.stage = SAGA_RECOVERY_OFFSETS;
    return SAGA_OK;
}

static int ask_offsets(struct saga_worker *w)
{
    if (w->assigned_count) {
        int error = w->config.bus.committed(w->config.bus.self, w->assigned, w->assigned_count,
                                            CALL_TIMEOUT_MS);
        if (error < 0) return bus_error(w, error);
    }
    w->recovery.stage = SAGA_RECOVERY_BEGINNINGS;
    return SAGA_OK;
}

/* R20: where a partition begins that was never read. Committed at once, so that it is resolved only once. */
static int resolve_beginnings(struct saga_worker *w)
{
    struct saga_bus *bus = &w->config.bus;
    struct saga_position *fresh =
        SAGA_NEW_ARRAY(&w->recovery.arena, struct saga_position, w->assigned_count);
    size_t count = 0;
    for (size_t i = 0; i < w->assigned_count; i++) {
        struct saga_position *position = &w->assigned[i];
        const struct saga_catalog_topic *topic = saga_catalog_topic(w->catalog, position->topic);
        int64_t low, high;
        if (position->offset != SAGA_OFFSET_NONE) continue;
        int error = bus->watermarks(bus->self, position->topic, position->partition,
                                    CALL_TIMEOUT_MS, &low, &high);
        if (error < 0) return bus_error(w, error);
        bool latest = topic && !topic->replies && topic->from == SAGA_BEGIN_LATEST;
        fresh[count] = *position;
        fresh[count++].offset = latest || SAGA_WITHOUT(BEGINNINGS) ? high : low;
    }
    if (count) {
        int error = bus->commit_positions(bus->self, fresh, count, CALL_TIMEOUT_MS);
        if (error < 0) return bus_error(w, error);
        for (size_t f = 0; f < count; f++)
            for (size_t i = 0; i < w->assigned_count; i++)
                if (w->assigned[i].partition == fresh[f].partition &&
                    saga_slice_equal(w->assigned[i].topic, fresh[f].topic))
                    w->assigned[i].offset = fresh[f].offset;
    }
    w->recovery.stage = SAGA_RECOVERY_LANE;
    return SAGA_OK;
}

/* ---- a lane ---- */

static struct saga_lane *next_lane(struct saga_worker *w)
{
    for (; w->recovery.next < w->assigned_count; w->recovery.next++) {
        const struct saga_position *position = &w->assigned[w->recovery.next];
        if (saga_slice_equal(position->topic, w->config.inbox))
            return &w->lanes[position->partition];
    }
    return NULL;
}

static int reader_error(struct saga_worker *w, int error)
{
    return lane_again(w, bus_error(w, error));
}

static int open_reader(struct saga_worker *w, const struct saga_lane *lane, int64_t offset)
{
    struct saga_bus *bus = &w->config.bus;
    close_reader(w);
    int error = bus->reader_open(bus->self, w->config.journal, (int32_t)lane->number, offset);
    if (error < 0) return bus_error(w, error);
    w->recovery.reading = true;
    w->recovery.position = offset;
    return SAGA_OK;
}

static int begin_lane(struct saga_worker *w)
{
    struct saga_recovery *r = &w->recovery;
    struct saga_bus *bus = &w->config.bus;
    struct saga_lane *lane = next_lane(w);
    if (!lane) {
        r->stage = SAGA_RECOVERY_FETCH;
        return SAGA_OK;
    }
    saga_arena_reset(&r->arena);
    saga_lane_clear(lane);
    lane->apply_pending = false;
    r->from_redis = false;
    int error = bus->watermarks(bus->self, w->config.journal, (int32_t)lane->number,
                                CALL_TIMEOUT_MS, &r->low, &r->high);
    if (error < 0) return bus_error(w, error);
    error = w->config.store.lane_read(w->config.store.self, lane->number, &r->arena, &r->status);
    if (error < 0) return store_error(w, lane, error);
    error = open_reader(w, lane, r->low);
    if (error < 0) return error;
    r->stage = SAGA_RECOVERY_FIRST_RECORD;
    return SAGA_OK;
}

static void next_after(struct saga_worker *w)
{
    close_reader(w);
    w->recovery.next++;
    w->recovery.stage = SAGA_RECOVERY_LANE;
}

static void lane_done(struct saga_worker *w, struct saga_lane *lane)
{
    lane->ready = true;
    lane->distrusted = false;
    lane->next_due_ms = 0; /* ask */
    lane->last_contact_ms = saga_worker_monotonic(w);
    if (lane->time_ms > w->time_ms) w->time_ms = lane->time_ms; /* R17 */
    next_after(w);
}

/* What was read does not follow on what is there. If that came from Redis, the lane is built from the journal alone; if
 * the journal itself cannot be believed, this lane waits for an operator and the others go on. */
static int damaged(struct saga_worker *w, struct saga_lane *lane, int64_t offset,
                   struct saga_slice words)
{
    struct saga_recovery *r = &w->recovery;
    if (r->from_redis) {
        saga_log(SAGA_LOG_WARNING, "what Redis holds does not fit the journal",
                 "lane=%u offset=%lld words=\"%.*s\"", lane->number, (long long)offset,
                 SAGA_SLICE_ARG(words));
        lane->distrusted = true;
        return lane_again(w, SAGA_E_AGAIN);
    }
    saga_log(SAGA_LOG_ERROR, "a journal cannot be read: the sagas of its lane wait",
             "lane=%u offset=%lld words=\"%.*s\" mend=\"`saga replay --verify` says more; mend the "
             "topic, then restart the coordinator\"",
             lane->number, (long long)offset, SAGA_SLICE_ARG(words));
    saga_worker_note(w, "the journal of lane %u cannot be read at offset %lld", lane->number,
                     (long long)offset);
    saga_lane_clear(lane);
    next_after(w);
    return SAGA_E_INVALID;
}

/* Empties the lane in Redis and opens it behind the record at `first`. */
static int reset_lane(struct saga_worker *w, struct saga_lane *lane, int64_t first)
{
    struct saga_store *store = &w->config.store;
    int error = store->lane_reset(store->self, lane->number, saga_slice_of(lane->journal),
                                  first + 1, w->config.lanes);
    if (error < 0) return store_error(w, lane, error);
    lane->applied = first + 1;
    memcpy(lane->working_chain, lane->chain, sizeof lane->chain);
    error = saga_lane_apply(lane, store, w->config.owner, first + 1, lane->time_ms, NULL,
                            0); /* the chain */
    if (error == SAGA_OK) error = saga_lane_settle(lane, store);
    return error < 0 ? store_error(w, lane, error) : SAGA_OK;
}

/* A journal without a record: its first one names it and pins the number of lanes. */
static int open_journal(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_arena *arena = &w->recovery.arena;
    uint8_t id[16], zero[SAGA_SHA256_BYTES] = { 0 };
    int64_t offset = -1;
    struct saga_slice bytes;
    w->config.random_bytes(w->config.random_context, id, sizeof id);
    saga_hex(id, sizeof id, lane->journal);
    int64_t jump_ms, now_ms = saga_clock_guard_look(&w->guard, &w->config.clock, &jump_ms);
    struct saga_fact fact = { .kind = SAGA_FACT_LANE_OPENED,
                              .lanes = w->config.lanes,
                              .text = saga_slice_of(lane->journal) };
    struct saga_journal_record record = { .cause = { .kind = SAGA_EVENT_LANE,
                                                     .time_ms = now_ms,
                                                     .source = { SAGA_SLICE_NONE, -1, -1 } },
                                          .facts = &fact,
                                          .fact_count = 1 };
    int error = saga_journal_encode(w->codec, &record, zero, arena, &bytes, lane->chain);
    SAGA_ASSERT(error == SAGA_OK);
    struct saga_outgoing outgoing = {
        { .topic = w->config.journal, .partition = (int32_t)lane->number, .value = bytes }, &offset
    };
    error = saga_transact(w, &outgoing, 1, &w->assigned[w->recovery.next], 1); /* R2: inbox[p] */
    if (error == SAGA_E_ABORT || error == SAGA_E_INVALID) return lane_again(w, SAGA_E_AGAIN);
    if (error < 0) return error;
    lane->time_ms = now_ms;
    error = reset_lane(w, lane, offset);
    if (error < 0) return error;
    saga_log(SAGA_LOG_INFO, "lane opened", "lane=%u journal=%s", lane->number, lane->journal);
    lane_done(w, lane);
    return SAGA_OK;
}

static bool redis_is_usable(const struct saga_recovery *r, const struct saga_lane *lane,
                            int64_t first)
{
    return r->status.present && saga_slice_is(r->status.journal, lane->journal) &&
           r->status.applied > first && r->status.applied <= r->high &&
           r->status.chain.size == 2 * SAGA_SHA256_BYTES;
}

static void read_hex(struct saga_slice hex, uint8_t *ret)
{
    for (size_t i = 0; i < hex.size / 2; i++) {
        char digits[3] = { hex.data[2 * i], hex.data[2 * i + 1], '\0' };
        ret[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

/* R11: where Redis has nothing, or something else than this journal says, the lane is built anew. */
static int choose_start(struct saga_worker *w, struct saga_lane *lane, int64_t first,
                        uint8_t *chain)
{
    struct saga_recovery *r = &w->recovery;
    r->from_redis = !lane->distrusted && redis_is_usable(r, lane, first);
    if (r->from_redis) {
        lane->applied = r->status.applied;
        lane->time_ms = r->status.heartbeat_ms;
        read_hex(r->status.chain, lane->chain);
    } else {
        saga_log(SAGA_LOG_WARNING, "lane is rebuilt from its journal",
                 "lane=%u reason=\"%s\" records_up_to=%lld", lane->number,
                 lane->distrusted     ? "what Redis holds does not fit it"
                 : !r->status.present ? "Redis has nothing of it"
                 : saga_slice_is(r->status.journal, lane->journal)
                     ? "Redis stands outside of the journal"
                     : "Redis belongs to another journal",
                 (long long)r->high);
        memcpy(lane->chain, chain, sizeof lane->chain);
        int error = reset_lane(w, lane, first);
        if (error < 0) return error;
    }
    w->recovery.stage = SAGA_RECOVERY_JOURNAL;
    return open_reader(w, lane, lane->applied);
}

static int check_first_record(struct saga_worker *w, struct saga_lane *lane,
                              const struct saga_message *message, uint8_t *ret_chain)
{
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_journal_decode(w->codec, message->value, &w->recovery.arena, &record, &diagnostic) < 0)
        return damaged(w, lane, message->offset, diagnostic.what);
    if (record.fact_count != 1 || record.facts[0].kind != SAGA_FACT_LANE_OPENED ||
        record.facts[0].text.size != sizeof lane->journal - 1)
        return damaged(w, lane, message->offset,
                       SAGA_SLICE("it does not begin with the record that opens a journal"));
    if (record.facts[0].lanes != w->config.lanes) {
        saga_worker_note(
            w,
            "the journal was begun with %u lanes and %u are configured: a saga's lane would be "
            "another one. Set lanes to %u",
            record.facts[0].lanes, w->config.lanes, record.facts[0].lanes);
        return SAGA_E_STOP;
    }
    memcpy(lane->journal, record.facts[0].text.data, sizeof lane->journal - 1);
    memcpy(ret_chain, record.chain, SAGA_SHA256_BYTES);
    lane->time_ms = record.cause.time_ms;
    return SAGA_OK;
}

static int read_first_record(struct saga_worker *w)
{
    struct saga_recovery *r = &w->recovery;
    struct saga_bus *bus = &w->config.bus;
    struct saga_lane *lane = next_lane(w);
    struct saga_bus_records records = { 0 };
    uint8_t chain[SAGA_SHA256_BYTES];
    if (r->low == r->high) return open_journal(w, lane);
    int error = bus->reader_read(bus->self, READ_TIMEOUT_MS, 1, &records, &r->position);
    if (error < 0) return reader_error(w, error);
    if (records.count == 0) {
        bus->release(bus->self, &records);
        return r->position >= r->high ? open_journal(w, lane) : SAGA_OK;
    }
    int64_t first = records.items[0].offset;
    error = check_first_record(w, lane, &records.items[0], chain);
    bus->release(bus->self, &records);
    return error < 0 ? error : choose_start(w, lane, first, chain);
}

/* ---- replaying what Redis has not got ---- */

static int replay_record(struct saga_worker *w, struct saga_lane *lane,
                         const struct saga_message *message, struct saga_journal_record *record)
{
    uint8_t chain[SAGA_SHA256_BYTES];
    saga_journal_chain(message->value, lane->working_chain, chain);
    if (memcmp(chain, record->chain, sizeof chain) != 0)
        return damaged(w, lane, message->offset, SAGA_SLICE("the hash chain is broken there"));
    memcpy(lane->working_chain, chain, sizeof chain);
    struct saga_resident *resident = saga_lane_find(lane, record->saga_id);
    struct saga_state *state = saga_lane_work_on(lane, resident);
    saga_evolve_begin(state, record->cause.time_ms);
    if (state->sequence != record->sequence)
        return damaged(w, lane, message->offset,
                       saga_arena_printf(&w->arena, "sequence %llu of saga %.*s follows on %llu",
                                         (unsigned long long)record->sequence,
                                         SAGA_SLICE_ARG(record->saga_id),
                                         (unsigned long long)state->sequence - 1));
    for (size_t i = 0; i < record->fact_count; i++)
        if (saga_evolve(state, &record->facts[i]) < 0)
            return damaged(w, lane, message->offset,
                           saga_arena_printf(&w->arena,
                                             "%s cannot follow on the state of saga %.*s",
                                             saga_fact_types[record->facts[i].kind].name,
                                             SAGA_SLICE_ARG(record->saga_id)));
    saga_lane_note_history(resident, &w->arena, message->offset);
    lane->time_ms = record->cause.time_ms;
    return SAGA_OK;
}

static int apply_chunk(struct saga_worker *w, struct saga_lane *lane, int64_t applied)
{
    struct saga_store *store = &w->config.store;
    struct saga_state_write *writes;
    struct saga_resident *culprit;
    size_t count;
    int error = saga_lane_encode(lane, w->codec, &w->arena, &culprit);
    if (error < 0)
        return damaged(w, lane, applied,
                       SAGA_SLICE("a state that follows from it is over the limit"));
    saga_lane_writes(lane, &w->arena, &writes, &count);
    error = saga_lane_apply(lane, store, w->config.owner, applied, lane->time_ms, writes, count);
    if (error == SAGA_OK) error = saga_lane_settle(lane, store);
    if (error < 0) return error;
    saga_lane_publish(lane, w->config.cache_bytes / w->config.lanes);
    return SAGA_OK;
}

static int replay_chunk(struct saga_worker *w, struct saga_lane *lane,
                        const struct saga_bus_records *records)
{
    struct saga_journal_record *decoded =
        SAGA_NEW_ARRAY(&w->arena, struct saga_journal_record, records->count);
    struct saga_slice *ids = SAGA_NEW_ARRAY(&w->arena, struct saga_slice, records->count);
    struct saga_diagnostic diagnostic = { 0 };
    for (size_t i = 0; i < records->count; i++) {
        const struct saga_message *message = &records->items[i];
        if (saga_journal_decode(w->codec, message->value, &w->arena, &decoded[i], &diagnostic) < 0)
            return damaged(w, lane, message->offset, diagnostic.what);
        ids[i] = decoded[i].saga_id;
    }
    memcpy(lane->working_chain, lane->chain, sizeof lane->chain);
    int error = saga_lane_load(lane, &w->config.store, w->codec, ids, records->count, &w->arena,
                               &diagnostic);
    if (error == SAGA_E_INVALID) return damaged(w, lane, records->items[0].offset, diagnostic.what);
    for (size_t i = 0; i < records->count && error == SAGA_OK; i++)
        error = replay_record(w, lane, &records->items[i], &decoded[i]);
    if (error == SAGA_OK)
        error = apply_chunk(w, lane, records->items[records->count - 1].offset + 1);
    if (error < 0) saga_lane_abandon(lane);
    w->recovery.records += records->count;
    return error;
}

static int read_journal(struct saga_worker *w)
{
    struct saga_recovery *r = &w->recovery;
    struct saga_bus *bus = &w->config.bus;
    struct saga_lane *lane = next_lane(w);
    struct saga_bus_records records = { 0 };
    if (r->position >= r->high || SAGA_WITHOUT(CATCHING_UP)) {
        saga_log(SAGA_LOG_INFO, "lane recovered", "lane=%u applied=%lld", lane->number,
                 (long long)lane->applied);
        lane_done(w, lane);
        return SAGA_OK;
    }
    int error = bus->reader_read(bus->self, READ_TIMEOUT_MS, CHUNK_RECORDS, &records, &r->position);
    if (error < 0) return reader_error(w, error);
    saga_arena_reset(&w->arena);
    if (records.count) error = replay_chunk(w, lane, &records);
    bus->release(bus->self, &records);
    if (error == SAGA_E_INVALID || r->stage != SAGA_RECOVERY_JOURNAL) return error;
    return error < 0 ? store_error(w, lane, error) : SAGA_OK; /* a conflict: somebody was there */
}

/* The inbox of a lane that cannot go on is not read: what is for it waits there. */
static int begin_fetching(struct saga_worker *w)
{
    struct saga_position *positions =
        SAGA_NEW_ARRAY(&w->recovery.arena, struct saga_position, w->assigned_count);
    size_t count = 0;
    for (size_t i = 0; i < w->assigned_count; i++) {
        bool inbox = saga_slice_equal(w->assigned[i].topic, w->config.inbox);
        if (!inbox || w->lanes[w->assigned[i].partition].ready) positions[count++] = w->assigned[i];
    }
    int error = w->config.bus.fetch(w->config.bus.self, positions, count);
    if (error < 0) return bus_error(w, error);
    w->phase = SAGA_WORKER_RUNNING;
    w->problem[0] = '\0';
    return SAGA_OK;
}

int saga_recovery_step(struct saga_worker *w)
{
    switch (w->recovery.stage) {
    case SAGA_RECOVERY_PRODUCERS: return renew_producers(w);
    case SAGA_RECOVERY_OFFSETS: return ask_offsets(w);
    case SAGA_RECOVERY_BEGINNINGS: return resolve_beginnings(w);
    case SAGA_RECOVERY_LANE: return begin_lane(w);
    case SAGA_RECOVERY_FIRST_RECORD: return read_first_record(w);
    case SAGA_RECOVERY_JOURNAL: return read_journal(w);
    case SAGA_RECOVERY_FETCH: return begin_fetching(w);
    }
    SAGA_ASSERT(!"a stage of recovery");
    return SAGA_E_STOP;
}
