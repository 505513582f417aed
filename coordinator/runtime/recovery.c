/* Recovery (R8 to R12): from an assignment to lanes that may be decided for.
 *
 * All partitions of the worker are recovered together and nothing is fetched until all are done: a reply can then
 * never meet a lane that is still behind. The order is the one of R8: committed offsets (which waits for pending
 * transactions), then the journal's high watermark, then reading up to it. A lane that takes long is put off: the others
 * begin to work, what comes for it meanwhile is passed on to its inbox, which is not read, and it is recovered between
 * their batches. */
#include <string.h>

#include "base/mutation.h"
#include "runtime/recovery_internal.h"

enum { RETRY_MS = 200 };

int saga_recovery_again(struct saga_worker *w, int error)
{
    w->recovery.not_before_ms = saga_worker_monotonic(w) + RETRY_MS;
    return error;
}

/* An error of the bus with its words. */
static int bus_error(struct saga_worker *w, int error)
{
    saga_worker_note(w, "%s", w->config.bus.problem(w->config.bus.self));
    return saga_recovery_again(w, error);
}

/* Whatever went wrong with a lane: it is looked at from the beginning, because what was learned of it may be over. */
int saga_recovery_lane_again(struct saga_worker *w, int error)
{
    saga_worker_end_reading(w);
    w->recovery.stage = SAGA_RECOVERY_LANE;
    return saga_recovery_again(w, error);
}

int saga_recovery_store_error(struct saga_worker *w, const struct saga_lane *lane, int error)
{
    saga_worker_note(w, "lane %u: %s", lane->number, w->config.store.problem(w->config.store.self));
    return saga_recovery_lane_again(w, error);
}

void saga_recovery_begin(struct saga_worker *w, bool renew)
{
    saga_worker_end_reading(w);
    w->recovery.renew = w->recovery.renew || renew;
    w->recovery.stage = SAGA_RECOVERY_PRODUCERS;
    w->recovery.next = 0;
    w->recovery.records = 0;
    w->recovery.not_before_ms = 0;
    w->recovery.beside = false;
    saga_rebuild_drop(w);
    for (uint32_t n = 0; n < w->config.lanes; n++) {
        w->lanes[n].deferred = false;
        w->lanes[n].marker.known = false; /* others may have owned it */
    }
}

void saga_recovery_end(struct saga_worker *w)
{
    saga_worker_end_reading(w);
    saga_rebuild_drop(w);
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
                                            SAGA_RECOVERY_CALL_MS);
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
                                    SAGA_RECOVERY_CALL_MS, &low, &high);
        if (error < 0) return bus_error(w, error);
        bool latest = topic && !topic->replies && topic->from == SAGA_BEGIN_LATEST;
        fresh[count] = *position;
        fresh[count++].offset = latest || SAGA_WITHOUT(BEGINNINGS) ? high : low;
    }
    if (count) {
        int error = bus->commit_positions(bus->self, fresh, count, SAGA_RECOVERY_CALL_MS);
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
        if (!saga_slice_equal(position->topic, w->config.inbox)) continue;
        struct saga_lane *lane = &w->lanes[position->partition];
        if (!w->recovery.beside || lane->deferred) return lane;
    }
    return NULL;
}

static int read_journal_from(struct saga_worker *w, const struct saga_lane *lane, int64_t offset)
{
    int error = saga_worker_read_from(w, w->config.journal, lane->number, offset);
    return error < 0 ? saga_recovery_again(w, error) : SAGA_OK;
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
    saga_rebuild_drop(w);
    saga_lane_clear(lane);
    saga_lane_settle(lane, &w->config.store); /* no answer is left on the connection */
    lane->building[0] = '\0';
    r->from_redis = false;
    r->first = -1;
    /* Redis before the journal: a former owner may still be applying, and what it applied must not seem to lie beyond
     * the journal's end. */
    int error =
        w->config.store.lane_read(w->config.store.self, lane->number, &r->arena, &r->status);
    if (error < 0) return saga_recovery_store_error(w, lane, error);
    error = bus->watermarks(bus->self, w->config.journal, (int32_t)lane->number,
                            SAGA_RECOVERY_CALL_MS, &r->low, &r->high);
    if (error < 0) return bus_error(w, error);
    error = read_journal_from(w, lane, r->low);
    if (error < 0) return error;
    r->stage = SAGA_RECOVERY_FIRST_RECORD;
    return SAGA_OK;
}

static void next_after(struct saga_worker *w)
{
    saga_worker_end_reading(w);
    w->recovery.next++;
    w->recovery.stage = SAGA_RECOVERY_LANE;
}

void saga_recovery_lane_done(struct saga_worker *w, struct saga_lane *lane)
{
    lane->ready = true;
    lane->distrusted = false;
    lane->deferred = false;
    lane->next_due_ms = 0; /* ask */
    lane->last_contact_ms = saga_worker_monotonic(w);
    if (lane->time_ms > w->time_ms) w->time_ms = lane->time_ms; /* R17 */
    next_after(w);
    if (w->recovery.beside) w->recovery.stage = SAGA_RECOVERY_FETCH; /* it works from now on */
}

int saga_recovery_damaged(struct saga_worker *w, struct saga_lane *lane, int64_t offset,
                          struct saga_slice words)
{
    struct saga_recovery *r = &w->recovery;
    if (r->from_redis || lane->building[0]) {
        saga_log(SAGA_LOG_WARNING,
                 r->from_redis ? "what Redis holds does not fit the journal"
                               : "a snapshot does not fit the journal",
                 "lane=%u offset=%lld words=\"%.*s\"", lane->number, (long long)offset,
                 SAGA_SLICE_ARG(words));
        if (r->from_redis)
            lane->distrusted = true;
        else
            lane->marker.distrusted = true;
        return saga_recovery_lane_again(w, SAGA_E_AGAIN);
    }
    saga_log(SAGA_LOG_ERROR, "a journal cannot be read: the sagas of its lane wait",
             "lane=%u offset=%lld words=\"%.*s\" mend=\"`saga replay --verify` says more; mend the "
             "topic, then restart the coordinator\"",
             lane->number, (long long)offset, SAGA_SLICE_ARG(words));
    saga_worker_note(w, "the journal of lane %u cannot be read at offset %lld", lane->number,
                     (long long)offset);
    saga_lane_clear(lane);
    lane->deferred = false;
    next_after(w);
    return SAGA_E_INVALID;
}

int saga_recovery_reset_lane(struct saga_worker *w, struct saga_lane *lane, int64_t applied)
{
    struct saga_store *store = &w->config.store;
    struct saga_slice id = saga_slice_of(lane->building[0] ? lane->building : lane->journal);
    lane->position = lane->applied = applied;
    int error = store->lane_reset(store->self, lane->number, &w->recovery.status, id,
                                  saga_lane_applied_in_redis(lane), w->config.lanes);
    if (error < 0) return saga_recovery_store_error(w, lane, error);
    error =
        saga_lane_apply(lane, store, w->config.owner, lane->time_ms, NULL, 0, NULL); /* the chain */
    if (error == SAGA_OK) error = saga_lane_settle(lane, store);
    return error < 0 ? saga_recovery_store_error(w, lane, error) : SAGA_OK;
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
    if (error == SAGA_E_ABORT || error == SAGA_E_INVALID)
        return saga_recovery_lane_again(w, SAGA_E_AGAIN);
    if (error < 0) return error;
    lane->time_ms = now_ms;
    error = saga_recovery_reset_lane(w, lane, offset + 1);
    if (error < 0) return error;
    saga_log(SAGA_LOG_INFO, "lane opened", "lane=%u journal=%s", lane->number, lane->journal);
    return saga_keys_begin(w, lane);
}

/* ---- from where ---- */

/* Redis' part of the lane is of this journal, and the journal goes on from there. */
static bool redis_is_usable(const struct saga_recovery *r, struct saga_lane *lane)
{
    if (lane->distrusted || !r->status.present || r->status.applied < r->low) return false;
    return saga_slice_is(r->status.journal, lane->journal) && r->status.applied > r->first &&
           r->status.applied <= r->high &&
           saga_unhex(r->status.chain, lane->chain, sizeof lane->chain) == SAGA_OK;
}

static bool snapshot_is_usable(const struct saga_recovery *r, const struct saga_lane *lane)
{
    const struct saga_lane_marker *marker = &lane->marker;
    return marker->present && !marker->distrusted && strcmp(marker->journal, lane->journal) == 0 &&
           marker->offset >= r->low && marker->offset <= r->high;
}

static const char *why_not_from_redis(const struct saga_recovery *r, const struct saga_lane *lane)
{
    if (lane->distrusted) return "what Redis holds does not fit it";
    if (!r->status.present) return "Redis has nothing of it";
    return saga_slice_is(r->status.journal, lane->journal) ? "Redis stands outside of the journal"
                                                           : "Redis belongs to another journal";
}

bool saga_recovery_put_off(struct saga_worker *w, struct saga_lane *lane, int64_t records)
{
    if (w->recovery.beside || records <= w->config.long_recovery) return false;
    saga_log(SAGA_LOG_INFO, "a lane will take long to recover: the others work meanwhile",
             "lane=%u records=%lld", lane->number, (long long)records);
    lane->deferred = true;
    next_after(w);
    return true;
}

/* R11: where Redis has nothing, or something else than this journal says, the lane is built anew. */
static int rebuild(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_recovery *r = &w->recovery;
    bool snapshot = snapshot_is_usable(r, lane);
    if (!snapshot && r->first < 0)
        return saga_recovery_damaged(
            w, lane, r->low,
            SAGA_SLICE("its beginning was deleted, no snapshot reaches what is left, and Redis "
                       "does not hold what came before"));
    /* The lane in Redis is about to be emptied: what replaces it must still be there. */
    int64_t low, high, from = snapshot ? lane->marker.offset : r->first;
    int error = w->config.bus.watermarks(w->config.bus.self, w->config.journal,
                                         (int32_t)lane->number, SAGA_RECOVERY_CALL_MS, &low, &high);
    if (error < 0) return bus_error(w, error);
    if (low > from) return saga_recovery_lane_again(w, SAGA_E_AGAIN);
    int64_t states = snapshot ? lane->marker.high - lane->marker.low : 0;
    if (saga_recovery_put_off(w, lane, states + r->high - from)) return SAGA_OK;
    saga_log(SAGA_LOG_WARNING,
             snapshot ? "lane is rebuilt from its snapshot" : "lane is rebuilt from its journal",
             "lane=%u reason=\"%s\" records_up_to=%lld", lane->number, why_not_from_redis(r, lane),
             (long long)r->high);
    if (snapshot) return saga_rebuild_begin(w, lane);
    memcpy(lane->chain, r->first_chain, sizeof lane->chain);
    error = saga_recovery_reset_lane(w, lane, r->first + 1);
    if (error < 0) return error;
    r->stage = SAGA_RECOVERY_JOURNAL;
    return read_journal_from(w, lane, lane->applied);
}

/* Without its first record a journal is known by its last snapshot, or else by what Redis says. */
static int identify(struct saga_worker *w, struct saga_lane *lane)
{
    const struct saga_recovery *r = &w->recovery;
    const struct saga_lane_marker *marker = &lane->marker;
    if (marker->present) {
        memcpy(lane->journal, marker->journal, sizeof lane->journal);
        lane->time_ms = marker->time_ms;
        if (marker->lanes == w->config.lanes) return SAGA_OK;
        saga_worker_note(w,
                         "the journal was begun with %u lanes and %u are configured: a saga's "
                         "lane would be another one. Set lanes to %u",
                         marker->lanes, w->config.lanes, marker->lanes);
        return SAGA_E_STOP;
    }
    if (r->status.present && r->status.journal.size == sizeof lane->journal - 1) {
        memcpy(lane->journal, r->status.journal.data, sizeof lane->journal - 1);
        return SAGA_OK;
    }
    return saga_recovery_damaged(
        w, lane, r->low,
        SAGA_SLICE("its beginning was deleted, and neither a snapshot nor Redis says what it was"));
}

static int choose_start(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_recovery *r = &w->recovery;
    bool usable = r->first >= 0 && redis_is_usable(r, lane);
    if (!usable && !lane->marker.known) {
        saga_worker_end_reading(w);
        r->search = (struct saga_marker_search){ 0 };
        r->stage = SAGA_RECOVERY_MARKER;
        return SAGA_OK;
    }
    if (r->first < 0) {
        int error = identify(w, lane);
        if (error < 0) return error;
        usable = redis_is_usable(r, lane);
    }
    if (!usable) return rebuild(w, lane);
    if (saga_recovery_put_off(w, lane, r->high - r->status.applied)) return SAGA_OK;
    r->from_redis = true;
    lane->position = lane->applied = r->status.applied;
    memcpy(lane->applied_chain, lane->chain, sizeof lane->chain);
    lane->time_ms = r->status.heartbeat_ms;
    r->stage = SAGA_RECOVERY_JOURNAL;
    return read_journal_from(w, lane, lane->applied);
}

static int look_for_marker(struct saga_worker *w)
{
    struct saga_lane *lane = next_lane(w);
    bool done;
    int error = saga_marker_find(w, lane, &w->recovery.search, &done);
    if (error < 0) return saga_recovery_lane_again(w, error);
    return done ? choose_start(w, lane) : SAGA_OK;
}

/* Takes the journal's first record if it is one that opens a journal; a later one, where the beginning was cut off, says
 * nothing of the lane. */
static int take_first_record(struct saga_worker *w, struct saga_lane *lane,
                             const struct saga_message *message)
{
    struct saga_recovery *r = &w->recovery;
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_journal_decode(w->codec, message->value, &r->arena, &record, &diagnostic) < 0)
        return saga_recovery_damaged(w, lane, message->offset, diagnostic.what);
    if (record.fact_count != 1 || record.facts[0].kind != SAGA_FACT_LANE_OPENED ||
        record.facts[0].text.size != sizeof lane->journal - 1) {
        if (r->low > 0) return SAGA_OK;
        return saga_recovery_damaged(
            w, lane, message->offset,
            SAGA_SLICE("it does not begin with the record that opens a journal"));
    }
    if (record.facts[0].lanes != w->config.lanes) {
        saga_worker_note(
            w,
            "the journal was begun with %u lanes and %u are configured: a saga's lane would be "
            "another one. Set lanes to %u",
            record.facts[0].lanes, w->config.lanes, record.facts[0].lanes);
        return SAGA_E_STOP;
    }
    r->first = message->offset;
    memcpy(lane->journal, record.facts[0].text.data, sizeof lane->journal - 1);
    memcpy(r->first_chain, record.chain, SAGA_SHA256_BYTES);
    lane->time_ms = record.cause.time_ms;
    return SAGA_OK;
}

static int read_first_record(struct saga_worker *w)
{
    struct saga_recovery *r = &w->recovery;
    struct saga_lane *lane = next_lane(w);
    struct saga_bus_records records = { 0 };
    int error = SAGA_OK;
    if (r->low < r->high) error = saga_worker_read_journal(w, 1, &records);
    if (error < 0) return saga_recovery_lane_again(w, error);
    bool any = records.count > 0, end = w->position >= r->high;
    if (any) error = take_first_record(w, lane, &records.items[0]);
    w->config.bus.release(w->config.bus.self, &records);
    if (error < 0) return error;
    if (!any && !end) return SAGA_OK;
    if (!any && r->low == 0) return open_journal(w, lane);
    return choose_start(w, lane);
}

/* The inbox of a lane that cannot go on is not read: what is for it waits there. */
static int begin_fetching(struct saga_worker *w)
{
    struct saga_recovery *r = &w->recovery;
    struct saga_position *positions =
        SAGA_NEW_ARRAY(&r->arena, struct saga_position, w->assigned_count);
    size_t count = 0;
    bool deferred = false;
    for (size_t i = 0; i < w->assigned_count; i++) {
        bool inbox = saga_slice_equal(w->assigned[i].topic, w->config.inbox);
        const struct saga_lane *lane = inbox ? &w->lanes[w->assigned[i].partition] : NULL;
        if (!lane || lane->ready) positions[count++] = w->assigned[i];
        if (lane && lane->deferred) deferred = true;
    }
    if (r->beside) saga_retained_drop(w); /* it is fetched again, with what is new */
    int error = w->config.bus.fetch(w->config.bus.self, positions, count);
    if (error < 0) return bus_error(w, error);
    w->phase = SAGA_WORKER_RUNNING;
    w->problem[0] = '\0';
    r->stage = deferred ? SAGA_RECOVERY_LANE : SAGA_RECOVERY_DONE;
    r->beside = true;
    r->next = 0;
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
    case SAGA_RECOVERY_MARKER: return look_for_marker(w);
    case SAGA_RECOVERY_SNAPSHOT: return saga_rebuild_step(w, next_lane(w));
    case SAGA_RECOVERY_JOURNAL: return saga_catch_up_step(w, next_lane(w));
    case SAGA_RECOVERY_KEYS: return saga_keys_step(w, next_lane(w));
    case SAGA_RECOVERY_FETCH: return begin_fetching(w);
    case SAGA_RECOVERY_DONE: return SAGA_OK;
    }
    SAGA_ASSERT(!"a stage of recovery");
    return SAGA_E_STOP;
}

bool saga_recovery_is_done(const struct saga_worker *w)
{
    return w->recovery.stage == SAGA_RECOVERY_DONE;
}
