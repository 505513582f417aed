/* Taking snapshots (R12), so that a rebuild need not read all of the journal, which may then be cut.
 *
 * Whose states have changed since the last snapshot is not kept anywhere: the journal behind the last marker says it. It
 * is read again, the states of the sagas in it are taken from Redis as they are now and written to saga.snapshots, each
 * with the journal offset as of which it is, in ordinary fenced transactions (R2). The last of them has the marker with the
 * offset up to which the journal was read, and takes away what was forgotten before it: not earlier, because until then
 * a rebuild begins with the marker before, and finds records of those sagas behind that.
 *
 * Where the journal was cut behind the last marker, nothing says what changed in between: then a new series begins with
 * all that Redis has, and what is left of the old one counts for nothing. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mutation.h"
#include "runtime/operations.h"
#include "runtime/worker_internal.h"

enum {
    CALL_TIMEOUT_MS = 1000,
    LOOK_MS = 1000,  /* between two looks at which lane is due */
    RETRY_MS = 5000, /* after trouble */
    READ_RECORDS = 1000,
    REST_FACTOR = 4 /* after each piece it rests for so many times as long as that took */
};

void saga_snapshots_drop(struct saga_worker *w)
{
    struct saga_snapshots *s = &w->snapshots;
    if (s->stage != SAGA_SNAPSHOT_REST) saga_worker_end_reading(w);
    HASH_CLEAR(hh, s->changed);
    s->changed = s->next = NULL;
    s->acted = false;
    saga_arena_reset(&s->arena);
    s->stage = SAGA_SNAPSHOT_REST;
}

static int give_up(struct saga_worker *w, int error)
{
    saga_snapshots_drop(w);
    w->snapshots.not_before_ms = saga_worker_monotonic(w) + RETRY_MS;
    saga_log_seldom(&w->last_snapshot_log_ms, RETRY_MS, SAGA_LOG_WARNING,
                    "a snapshot was not finished: it is tried again", "worker=%.*s words=\"%s\"",
                    SAGA_SLICE_ARG(w->config.owner), w->problem);
    w->problem[0] = '\0';
    return error;
}

/* ---- which lane, and from where ---- */

static bool is_due(struct saga_worker *w, const struct saga_lane *lane)
{
    const struct saga_lane_marker *marker = &lane->marker;
    if (!lane->ready) return false;
    if (!marker->known) return true;
    int64_t grown = lane->applied - marker->offset;
    if (grown >= w->config.snapshot_records) return true;
    return grown > 0 &&
           saga_worker_monotonic(w) - marker->since_ms >= w->config.snapshot_interval_ms;
}

static int choose(struct saga_worker *w)
{
    struct saga_snapshots *s = &w->snapshots;
    for (uint32_t i = 1; i <= w->config.lanes; i++) {
        uint32_t number = (s->lane + i) % w->config.lanes;
        if (!is_due(w, &w->lanes[number])) continue;
        s->lane = number;
        s->search = (struct saga_marker_search){ 0 };
        s->stage = SAGA_SNAPSHOT_FIND;
        return SAGA_OK;
    }
    s->not_before_ms = saga_worker_monotonic(w) + LOOK_MS;
    return SAGA_OK;
}

/* All sagas of the lane, as the journal cannot say any more which have changed. */
static int begin_series(struct saga_worker *w, const struct saga_lane *lane)
{
    struct saga_snapshots *s = &w->snapshots;
    saga_log(SAGA_LOG_WARNING,
             "the journal was cut before a snapshot had it all: one of all of "
             "the lane's sagas is taken from Redis",
             "lane=%u cut_at=%lld mend=\"keep the journal longer than snapshot-interval\"",
             lane->number, (long long)s->marker.offset);
    s->marker.offset = s->marker.series = lane->applied;
    s->marker.time_ms = lane->time_ms;
    memcpy(s->marker.chain, lane->applied_chain, sizeof lane->applied_chain);
    s->scan = (struct saga_scan){ 0 };
    s->whole = s->listing = s->acted = true;
    s->stage = SAGA_SNAPSHOT_LIST;
    return SAGA_OK;
}

static int begin(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_snapshots *s = &w->snapshots;
    struct saga_bus *bus = &w->config.bus;
    int64_t low, high;
    if (!is_due(w, lane)) { /* the marker is known now */
        s->stage = SAGA_SNAPSHOT_REST;
        return SAGA_OK;
    }
    int error = bus->watermarks(bus->self, w->config.journal, (int32_t)lane->number,
                                CALL_TIMEOUT_MS, &low, &high);
    if (error < 0) {
        saga_worker_note(w, "%s", bus->problem(bus->self));
        return error;
    }
    s->marker = lane->marker;
    memcpy(s->marker.journal, lane->journal, sizeof lane->journal);
    s->marker.present = true;
    s->marker.distrusted = false;
    s->marker.lanes = w->config.lanes;
    bool other = lane->marker.present && strcmp(lane->marker.journal, lane->journal) != 0;
    if (other) s->marker.offset = s->marker.series = 0;
    if (low > s->marker.offset || lane->marker.distrusted) return begin_series(w, lane);
    s->whole = s->listing = false;
    s->stage = SAGA_SNAPSHOT_SCAN;
    return saga_worker_read_from(w, w->config.journal, lane->number, s->marker.offset);
}

static int find(struct saga_worker *w, struct saga_lane *lane)
{
    bool done = lane->marker.known;
    if (!done) {
        int error = saga_marker_find(w, lane, &w->snapshots.search, &done);
        if (error < 0) return error;
    }
    return done ? begin(w, lane) : SAGA_OK;
}

/* ---- whose states have changed ---- */

static void note_changed(struct saga_snapshots *s, struct saga_slice id, bool forgotten)
{
    struct saga_changed *changed;
    HASH_FIND(hh, s->changed, id.data, id.size, changed);
    if (!changed) {
        changed = SAGA_NEW(&s->arena, struct saga_changed);
        changed->id = saga_arena_copy(&s->arena, id);
        HASH_ADD_KEYPTR(hh, s->changed, changed->id.data, changed->id.size, changed);
    }
    changed->forgotten = forgotten;
}

static void begin_writing(struct saga_snapshots *s)
{
    s->next = s->changed;
    s->stage = SAGA_SNAPSHOT_WRITE;
}

static int take_record(struct saga_worker *w, const struct saga_message *message)
{
    struct saga_snapshots *s = &w->snapshots;
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_journal_decode(w->codec, message->value, &w->arena, &record, &diagnostic) < 0) {
        saga_worker_note(w, "the journal of lane %u cannot be read at offset %lld: %.*s",
                         (unsigned)message->partition, (long long)message->offset,
                         SAGA_SLICE_ARG(diagnostic.what));
        return SAGA_E_INVALID;
    }
    bool forgotten = record.fact_count > 0 &&
                     record.facts[record.fact_count - 1].kind == SAGA_FACT_SAGA_FORGOTTEN;
    s->acted = s->acted || record.cause.kind == SAGA_EVENT_OPERATOR;
    if (record.saga_id.size) note_changed(s, record.saga_id, forgotten && !s->whole);
    if (s->whole) return SAGA_OK;
    s->marker.offset = message->offset + 1;
    s->marker.time_ms = record.cause.time_ms;
    memcpy(s->marker.chain, record.chain, sizeof record.chain);
    return SAGA_OK;
}

/* Reads on to where the lane was applied, or so far that the changed ones are enough for one snapshot. */
static int scan_journal(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_snapshots *s = &w->snapshots;
    struct saga_bus_records records = { 0 };
    int error = saga_worker_read_journal(w, READ_RECORDS, &records);
    bool end = w->position >= lane->applied;
    saga_arena_reset(&w->arena);
    for (size_t i = 0; i < records.count && error == SAGA_OK; i++) {
        if (records.items[i].offset >= lane->applied) break; /* committed, and not told to Redis */
        error = take_record(w, &records.items[i]);
    }
    w->config.bus.release(w->config.bus.self, &records);
    if (error < 0) return error;
    if (!s->whole && s->marker.offset - lane->marker.offset >= 2 * w->config.snapshot_records)
        end = true;
    if (!end) return SAGA_OK;
    saga_worker_end_reading(w);
    begin_writing(s);
    return SAGA_OK;
}

static int list_sagas(struct saga_worker *w, const struct saga_lane *lane)
{
    struct saga_snapshots *s = &w->snapshots;
    struct saga_store *store = &w->config.store;
    struct saga_slice *ids;
    size_t count;
    saga_arena_reset(&w->arena);
    int error = store->ids_scan(store->self, lane->number, &s->scan, &w->arena, &ids, &count);
    if (error < 0) {
        saga_worker_note(w, "lane %u: %s", lane->number, store->problem(store->self));
        return error;
    }
    for (size_t i = 0; i < count; i++) note_changed(s, ids[i], false);
    if (s->scan.cursor == 0 || HASH_COUNT(s->changed) >= w->config.snapshot_portion)
        begin_writing(s);
    return SAGA_OK;
}

/* Those that were listed are written and need not be remembered: a lane may have very many. After the last, those that
 * left meanwhile: what the journal says of them behind the marker must be passed over. */
static int list_on(struct saga_worker *w, const struct saga_lane *lane)
{
    struct saga_snapshots *s = &w->snapshots;
    HASH_CLEAR(hh, s->changed);
    s->changed = NULL;
    saga_arena_reset(&s->arena);
    s->stage = SAGA_SNAPSHOT_LIST;
    if (s->scan.cursor != 0) return SAGA_OK;
    s->listing = false;
    s->stage = SAGA_SNAPSHOT_SCAN;
    return saga_worker_read_from(w, w->config.journal, lane->number, s->marker.offset);
}

/* ---- writing ---- */

static void add(struct saga_worker *w, const struct saga_lane *lane, struct saga_outgoing *outgoing,
                size_t *count, struct saga_slice key, struct saga_slice value)
{
    outgoing[(*count)++] = (struct saga_outgoing){ .message = { .topic = w->config.snapshots,
                                                                .partition = (int32_t)lane->number,
                                                                .key = key,
                                                                .value = value } };
}

static void add_marker(struct saga_worker *w, const struct saga_lane *lane,
                       const struct saga_lane_marker *from, struct saga_outgoing *outgoing,
                       size_t *count)
{
    struct saga_slice bytes;
    char chain[2 * SAGA_SHA256_BYTES + 1];
    saga_hex(from->chain, sizeof from->chain, chain);
    struct saga_marker marker = { .journal = saga_slice_of(from->journal),
                                  .lanes = from->lanes,
                                  .offset = from->offset,
                                  .series = from->series,
                                  .chain = saga_slice_of(chain),
                                  .time_ms = from->time_ms };
    int error = saga_marker_encode(w->codec, &marker, &w->arena, &bytes);
    SAGA_ASSERT(error == SAGA_OK);
    add(w, lane, outgoing, count, SAGA_MARKER_KEY, bytes);
}

static int transact(struct saga_worker *w, const struct saga_lane *lane,
                    const struct saga_outgoing *outgoing, size_t count)
{
    for (size_t i = 0; i < w->assigned_count; i++)
        if ((uint32_t)w->assigned[i].partition == lane->number &&
            saga_slice_equal(w->assigned[i].topic, w->config.inbox))
            return saga_transact(w, outgoing, count, &w->assigned[i], 1); /* R2 */
    SAGA_ASSERT(!"the inbox of a lane that is ready");
    return SAGA_E_STOP;
}

/* As many as one script reads and one small transaction takes: what is read beyond that is read again for the next. */
static size_t portion_max(const struct saga_worker *w)
{
    size_t mean = w->snapshots.mean_bytes, most = w->config.snapshot_portion;
    size_t fit = mean ? SAGA_SNAPSHOT_PORTION_BYTES / mean + 1 : most;
    return fit < most ? fit : most;
}

static size_t take_portion(struct saga_worker *w, struct saga_changed **portion,
                           struct saga_slice *ids)
{
    size_t count = 0, most = portion_max(w);
    for (struct saga_changed *changed = w->snapshots.next; changed && count < most;
         changed = changed->hh.next) {
        portion[count] = changed;
        ids[count++] = changed->id;
    }
    return count;
}

static int write_portion(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_snapshots *s = &w->snapshots;
    struct saga_store *store = &w->config.store;
    struct saga_changed *portion[SAGA_SNAPSHOT_PORTION_MAX];
    struct saga_slice ids[SAGA_SNAPSHOT_PORTION_MAX], states[SAGA_SNAPSHOT_PORTION_MAX];
    saga_arena_reset(&w->arena);
    size_t count = take_portion(w, portion, ids), out = 0, done = 0, bytes = 0;
    struct saga_outgoing *outgoing = SAGA_NEW_ARRAY(&w->arena, struct saga_outgoing, count + 1);
    int error = saga_lane_settle(lane, store);
    if (error == SAGA_OK)
        error = store->states_read(store->self, lane->number, lane->applied, ids, count, &w->arena,
                                   states);
    if (error < 0) {
        saga_worker_note(w, "lane %u: %s", lane->number, store->problem(store->self));
        return error;
    }
    for (; done < count && bytes < SAGA_SNAPSHOT_PORTION_BYTES; done++) {
        struct saga_snapshot snapshot = { saga_slice_of(lane->journal), lane->applied,
                                          s->marker.series, states[done] };
        struct saga_slice encoded;
        bool early = SAGA_WITHOUT(TOMBSTONES_LAST);
        portion[done]->leaves = !states[done].data && portion[done]->forgotten;
        if (portion[done]->leaves && !early) continue; /* with the marker */
        error = saga_snapshot_encode(w->codec, &snapshot, &w->arena, &encoded);
        SAGA_ASSERT(error == SAGA_OK); /* Redis holds none that is larger */
        add(w, lane, outgoing, &out, ids[done], portion[done]->leaves ? SAGA_SLICE_NONE : encoded);
        bytes += encoded.size;
    }
    if (lane->marker.present) add_marker(w, lane, &lane->marker, outgoing, &out);
    if (out) error = transact(w, lane, outgoing, out);
    if (error < 0) return error;
    s->mean_bytes = bytes / done;
    s->next = done < count ? portion[done] : portion[count - 1]->hh.next;
    SAGA_COUNT(w, snapshot_states, done);
    return SAGA_OK;
}

/* What operators said up to now, where that is more than the last snapshot has. */
static int add_log(struct saga_worker *w, struct saga_lane *lane, struct saga_outgoing *outgoing,
                   size_t *count)
{
    struct saga_store *store = &w->config.store;
    struct saga_lane_log log;
    struct saga_slice bytes;
    if (!w->snapshots.acted) return SAGA_OK;
    int error = saga_lane_settle(lane, store);
    if (error == SAGA_OK)
        error = store->log_read(store->self, lane->number, lane->applied, SAGA_SNAPSHOT_LOG_MAX,
                                &w->arena, &log);
    if (error < 0) {
        saga_worker_note(w, "lane %u: %s", lane->number, store->problem(store->self));
        return error;
    }
    if (!log.known) return SAGA_OK; /* nobody could say what is missing in it */
    struct saga_snapshot snapshot = {
        saga_slice_of(lane->journal), lane->applied, w->snapshots.marker.series,
        saga_operations_write(&log, SAGA_SNAPSHOT_LOG_BYTES, &w->arena)
    };
    error = saga_snapshot_encode(w->codec, &snapshot, &w->arena, &bytes);
    SAGA_ASSERT(error == SAGA_OK); /* it is cut to what fits */
    add(w, lane, outgoing, count, SAGA_LOG_KEY, bytes);
    return SAGA_OK;
}

/* The marker, and what leaves with it. */
static int finish(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_snapshots *s = &w->snapshots;
    saga_arena_reset(&w->arena);
    struct saga_outgoing *outgoing =
        SAGA_NEW_ARRAY(&w->arena, struct saga_outgoing, HASH_COUNT(s->changed) + 2);
    size_t count = 0;
    int error = add_log(w, lane, outgoing, &count);
    if (error < 0) return error;
    for (const struct saga_changed *changed = s->changed; changed; changed = changed->hh.next)
        if (changed->leaves) add(w, lane, outgoing, &count, changed->id, SAGA_SLICE_NONE);
    if (SAGA_WITHOUT(MARKING_BEGIN)) {
        s->marker.offset = lane->applied;
        memcpy(s->marker.chain, lane->applied_chain, sizeof lane->applied_chain);
    }
    add_marker(w, lane, &s->marker, outgoing, &count);
    error = transact(w, lane, outgoing, count);
    if (error < 0) return error;
    saga_log(SAGA_LOG_DEBUG, "snapshot taken", "lane=%u sagas=%u offset=%lld", lane->number,
             HASH_COUNT(s->changed), (long long)s->marker.offset);
    lane->marker = s->marker;
    lane->marker.known = true;
    lane->marker.since_ms = saga_worker_monotonic(w);
    SAGA_COUNT(w, snapshots, 1);
    saga_snapshots_drop(w);
    return SAGA_OK;
}

static int step(struct saga_worker *w, struct saga_lane *lane)
{
    struct saga_snapshots *s = &w->snapshots;
    switch (s->stage) {
    case SAGA_SNAPSHOT_REST: return choose(w);
    case SAGA_SNAPSHOT_FIND: return find(w, lane);
    case SAGA_SNAPSHOT_SCAN: return scan_journal(w, lane);
    case SAGA_SNAPSHOT_LIST: return list_sagas(w, lane);
    case SAGA_SNAPSHOT_WRITE:
        if (s->next) return write_portion(w, lane);
        return s->listing ? list_on(w, lane) : finish(w, lane);
    }
    SAGA_ASSERT(!"a stage of a snapshot");
    return SAGA_E_STOP;
}

int saga_snapshots_step(struct saga_worker *w)
{
    struct saga_snapshots *s = &w->snapshots;
    int64_t begun_ms = saga_worker_monotonic(w);
    if (w->config.snapshot_records == 0 || begun_ms < s->not_before_ms) return SAGA_OK;
    int error = step(w, &w->lanes[s->lane]);
    if (error < 0) return give_up(w, error);
    if (s->stage != SAGA_SNAPSHOT_REST)
        s->not_before_ms =
            saga_worker_monotonic(w) + REST_FACTOR * (saga_worker_monotonic(w) - begun_ms);
    return SAGA_OK;
}
