/* A batch (architecture.md, A batch): records and due timers in, one transaction out, then Redis.
 *
 * Everything is built in the worker's arena on working copies, so that whatever goes wrong before a definite commit
 * leaves nothing behind: the batch is simply run again, or dropped. */
#include <stdlib.h>
#include <string.h>

#include "runtime/worker_internal.h"

enum { TIMERS_MAX = 1000 }; /* of one lane in one batch */

/* One event to be taken, in the order of its lane. */
struct item {
    struct saga_intake_item in;
    size_t order; /* in which it was read: what sorting by lane keeps */
};

/* A journal record that was sent, and whose history it belongs to. */
struct noted {
    struct saga_lane *lane;
    struct saga_resident *resident;
    int64_t offset; /* set when the flush is over */
};

/* An alarm in Redis that no state knows of: it is taken away, else it would ring for ever. */
struct orphan {
    struct saga_lane *lane;
    struct saga_slice saga_id;
    struct saga_timer_write timer;
};

struct batch {
    struct saga_worker *w;
    struct saga_arena *arena;
    int64_t time_ms;
    size_t from, to; /* window of the retained records */
    struct item *items;
    size_t item_count, item_capacity;
    struct saga_outgoing *outgoing;
    size_t outgoing_count, outgoing_capacity;
    struct noted *noted;
    size_t noted_count, noted_capacity;
    struct orphan *orphans;
    size_t orphan_count, orphan_capacity;
    bool *written; /* by lane: does the transaction write its journal? */
    uint64_t hops, dead_letters, ignored, commands, events, timers, started, ended;
};

static struct saga_lane *owned_lane(struct batch *b, uint32_t number)
{
    SAGA_ASSERT(number < b->w->config.lanes);
    struct saga_lane *lane = &b->w->lanes[number];
    return lane->ready ? lane : NULL;
}

static void send_out(struct batch *b, const struct saga_message *message, int64_t *offset)
{
    SAGA_PUSH(b->arena, b->outgoing, b->outgoing_count, b->outgoing_capacity,
              (struct saga_outgoing){ *message, offset });
}

static void put_aside(struct batch *b, const struct saga_message *record, struct saga_slice reason,
                      struct saga_slice words)
{
    struct saga_message letter;
    uint32_t lane = (uint32_t)record->partition % b->w->config.lanes;
    saga_dead_letter_message(record, b->w->config.dead_letters, lane, reason, words, b->arena,
                             &letter);
    send_out(b, &letter, NULL);
    b->dead_letters++;
    saga_log(SAGA_LOG_WARNING, "record put aside",
             "reason=%.*s topic=%.*s partition=%d offset=%lld words=\"%.*s\"",
             SAGA_SLICE_ARG(reason), SAGA_SLICE_ARG(record->topic), record->partition,
             (long long)record->offset, SAGA_SLICE_ARG(words));
}

/* ---- taking records ---- */

static int note_missing_definition(struct batch *b)
{
    struct saga_retained *retained = &b->w->retained;
    uint64_t rounds = saga_registry_rounds(b->w->config.registry);
    if (retained->definition_round == 0) retained->definition_round = rounds + 2;
    return rounds < retained->definition_round ? SAGA_E_AGAIN : SAGA_OK;
}

static void hop(struct batch *b, const struct saga_intake_item *in,
                const struct saga_message *record)
{
    struct saga_message message;
    struct saga_slice name, key = in->event.key;
    if (key.size == 0 && saga_id_parse(in->saga_id, &name, &key) < 0) key = record->key;
    saga_hop_message(record, b->w->config.inbox, in->lane, key, b->arena, &message);
    send_out(b, &message, NULL);
    b->hops++;
}

static int take_item(struct batch *b, const struct saga_intake_item *in)
{
    switch (in->fate) {
    case SAGA_INTAKE_NOTHING: b->ignored++; return SAGA_OK;
    case SAGA_INTAKE_DEAD_LETTER: put_aside(b, &in->record, in->reason, in->words); return SAGA_OK;
    case SAGA_INTAKE_DEFINITION_MISSING:
        if (note_missing_definition(b) < 0) return SAGA_E_AGAIN; /* R19 */
        put_aside(b, &in->record, in->reason, in->words);
        return SAGA_OK;
    case SAGA_INTAKE_EVENT: break;
    }
    SAGA_PUSH(b->arena, b->items, b->item_count, b->item_capacity,
              (struct item){ *in, b->item_count });
    return SAGA_OK;
}

/* Lanes of other workers that a record was sent on to already: each gets it once. */
static bool was_sent_on(const struct saga_intake_item *items, size_t count, uint32_t lane)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].fate == SAGA_INTAKE_EVENT && items[i].lane == lane) return true;
    return false;
}

static int take_record(struct batch *b, const struct saga_intake *intake,
                       const struct saga_message *record)
{
    struct saga_intake_item *items;
    size_t count;
    saga_intake_read(intake, record, &items, &count);
    for (size_t i = 0; i < count; i++) {
        bool elsewhere = items[i].fate == SAGA_INTAKE_EVENT && !owned_lane(b, items[i].lane);
        if (elsewhere) { /* R13: the hop and its source's offset are one transaction */
            if (!was_sent_on(items, i, items[i].lane)) hop(b, &items[i], &items[i].record);
            continue;
        }
        int error = take_item(b, &items[i]);
        if (error < 0) return error;
    }
    return SAGA_OK;
}

static int take_records(struct batch *b)
{
    struct saga_worker *w = b->w;
    struct saga_retained *retained = &w->retained;
    struct saga_intake intake = { w->catalog, w->config.inbox, w->config.lanes, b->arena };
    b->from = retained->done;
    b->to = b->from + retained->window;
    if (b->to > retained->records.count) b->to = retained->records.count;
    if (retained->last_is_poison) {
        SAGA_ASSERT(b->to == b->from + 1);
        put_aside(b, &retained->records.items[b->from], SAGA_SLICE("cannot-be-committed"),
                  saga_arena_printf(b->arena, "its transaction was aborted again and again: %s",
                                    w->problem));
        return SAGA_OK;
    }
    for (size_t i = b->from; i < b->to; i++) {
        int error = take_record(b, &intake, &retained->records.items[i]);
        if (error < 0) return error;
    }
    return SAGA_OK;
}

static int take_timers(struct batch *b)
{
    struct saga_worker *w = b->w;
    struct saga_store *store = &w->config.store;
    if (!saga_clock_guard_allows_timers(&w->guard, &w->config.clock)) return SAGA_OK; /* R17 */
    for (uint32_t n = 0; n < w->config.lanes; n++) {
        struct saga_lane *lane = owned_lane(b, n);
        struct saga_due_timer *due;
        size_t count;
        if (!lane) continue;
        int error = saga_lane_settle(lane, store);
        if (error == SAGA_OK && lane->next_due_ms > b->time_ms) continue;
        if (error == SAGA_OK)
            error = store->timers_due(store->self, n, lane->applied, b->time_ms, TIMERS_MAX,
                                      b->arena, &due, &count, &lane->next_due_ms);
        if (error < 0) {
            saga_worker_note(w, "lane %u: %s", n, store->problem(store->self));
            return error == SAGA_E_STOP ? SAGA_E_STOP : SAGA_E_CONFLICT;
        }
        for (size_t i = 0; i < count; i++) {
            struct saga_intake_item in = { .fate = SAGA_INTAKE_EVENT, .lane = n };
            in.event.kind = SAGA_EVENT_TIMER;
            in.event.source = (struct saga_position){ SAGA_SLICE_NONE, -1, -1 };
            in.event.timer = due[i].name;
            in.event.armed = due[i].armed;
            in.saga_id = due[i].saga_id;
            take_item(b, &in);
        }
        b->timers += count;
    }
    return SAGA_OK;
}

/* ---- loading ---- */

static int by_lane(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    if (a->in.lane != b->in.lane) return a->in.lane < b->in.lane ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static int load_lane(struct batch *b, struct saga_lane *lane, const struct item *items,
                     size_t count)
{
    struct saga_slice *ids = NULL;
    size_t id_count = 0, id_capacity = 0;
    struct saga_diagnostic diagnostic = { 0 };
    for (size_t i = 0; i < count; i++) {
        SAGA_PUSH(b->arena, ids, id_count, id_capacity, items[i].in.saga_id);
        for (size_t c = 1; c < items[i].in.candidate_count; c++)
            SAGA_PUSH(b->arena, ids, id_count, id_capacity, items[i].in.candidates[c]);
    }
    memcpy(lane->working_chain, lane->chain, sizeof lane->chain);
    int error = saga_lane_load(lane, &b->w->config.store, b->w->codec, ids, id_count, b->arena,
                               &diagnostic);
    if (error < 0)
        saga_worker_note(b->w, "lane %u: %.*s", lane->number, SAGA_SLICE_ARG(diagnostic.what));
    return error == SAGA_E_INVALID ? SAGA_E_CONFLICT
                                   : error; /* a state that is damaged is rebuilt */
}

static int load(struct batch *b)
{
    if (b->item_count == 0) return SAGA_OK;
    qsort(b->items, b->item_count, sizeof *b->items, by_lane);
    for (size_t i = 0, end; i < b->item_count; i = end) {
        uint32_t number = b->items[i].in.lane;
        for (end = i + 1; end < b->item_count && b->items[end].in.lane == number; end++) {
        }
        int error = load_lane(b, owned_lane(b, number), b->items + i, end - i);
        if (error < 0) return error;
    }
    return SAGA_OK;
}

/* ---- deciding ---- */

static const struct saga_state *current(const struct saga_resident *resident)
{
    const struct saga_state *state = resident->working ? resident->working : resident->clean;
    bool there = state && state->status != SAGA_STATUS_NONE && !state->forgotten;
    return there ? state : NULL;
}

/* Of the sagas that a correlated reply may be for, the one that has something open, else one that is there at all. */
static void choose_candidate(struct batch *b, struct saga_lane *lane, struct saga_intake_item *in)
{
    const struct saga_state *best = NULL;
    for (size_t i = 0; i < in->candidate_count; i++) {
        const struct saga_state *state = current(saga_lane_find(lane, in->candidates[i]));
        if (!state || (best && saga_status_has_ended(state->status))) continue;
        best = state;
    }
    if (best) in->saga_id = saga_arena_copy(b->arena, best->id);
}

static bool still_rings(const struct saga_state *state, const struct saga_event *event)
{
    const struct saga_timer *timer = state ? saga_state_timer(state, event->timer) : NULL;
    return timer && timer->armed == event->armed && !timer->held;
}

static void note_orphan(struct batch *b, struct saga_lane *lane, const struct saga_intake_item *in)
{
    SAGA_PUSH(b->arena, b->orphans, b->orphan_count, b->orphan_capacity,
              (struct orphan){ lane, in->saga_id, { in->event.timer, in->event.armed, 0 } });
}

/* An event for a saga that there is not. */
static void for_nobody(struct batch *b, struct saga_lane *lane, const struct saga_intake_item *in)
{
    if (in->event.kind == SAGA_EVENT_TIMER) {
        note_orphan(b, lane, in);
        return;
    }
    put_aside(b, &in->record, SAGA_SLICE("no-such-saga"),
              saga_arena_printf(b->arena, "there is no saga %.*s", SAGA_SLICE_ARG(in->saga_id)));
}

static int journal(struct batch *b, struct saga_lane *lane, struct saga_resident *resident,
                   const struct saga_event *event, struct saga_facts *facts)
{
    const struct saga_state *state = resident->working;
    struct saga_journal_record record = {
        .saga_id = state->id,
        .run = state->run,
        .key = state->key,
        .name = state->name,
        .version = state->version,
        .sha256 = state->sha256,
        .sequence = state->sequence,
        .cause = *event,
        .facts = facts->items,
        .fact_count = facts->count,
    };
    struct saga_slice bytes;
    int error = saga_journal_encode(b->w->codec, &record, lane->working_chain, b->arena, &bytes,
                                    lane->working_chain);
    if (error < 0) return error;
    SAGA_PUSH(b->arena, b->noted, b->noted_count, b->noted_capacity,
              (struct noted){ lane, resident, -1 });
    struct saga_message message = { .topic = b->w->config.journal,
                                    .partition = (int32_t)lane->number,
                                    .key = state->key,
                                    .value = bytes };
    send_out(b, &message, NULL); /* its place is wired up when all are known, see wire_offsets */
    return SAGA_OK;
}

static void count_facts(struct batch *b, const struct saga_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++) {
        enum saga_fact_kind kind = facts->items[i].kind;
        b->started += kind == SAGA_FACT_SAGA_STARTED;
        b->ended += kind == SAGA_FACT_SAGA_COMPLETED || kind == SAGA_FACT_SAGA_COMPENSATED ||
                    kind == SAGA_FACT_SAGA_ABANDONED;
        b->ignored += kind == SAGA_FACT_REPLY_IGNORED || kind == SAGA_FACT_START_IGNORED;
    }
}

static void send_messages(struct batch *b, const struct saga_state *state,
                          const struct saga_facts *facts)
{
    for (size_t i = 0; i < facts->count; i++) {
        struct saga_message message;
        if (!saga_fact_is_message(&facts->items[i])) continue;
        saga_fact_message(&facts->items[i], state, b->time_ms, b->arena, &message);
        send_out(b, &message, NULL);
        b->commands++;
    }
}

static int find_definition(struct batch *b, const struct saga_intake_item *in,
                           const struct saga_state *state, struct saga_definition **ret)
{
    *ret = state ? saga_catalog_find(b->w->catalog, state->name, state->version) : in->definition;
    if (*ret || saga_status_has_ended(state->status)) return SAGA_OK;
    return note_missing_definition(b); /* R19: stuck only when it is not there at all */
}

static int decide(struct batch *b, struct saga_lane *lane, struct saga_intake_item *in)
{
    struct saga_definition *definition;
    struct saga_facts facts = { 0 };
    if (in->candidate_count > 1) choose_candidate(b, lane, in);
    struct saga_resident *resident = saga_lane_find(lane, in->saga_id);
    const struct saga_state *before = current(resident);
    if (!before && in->event.kind != SAGA_EVENT_START) {
        for_nobody(b, lane, in);
        return SAGA_OK;
    }
    int error = find_definition(b, in, before, &definition);
    if (error < 0) return error;
    struct saga_state *state = saga_lane_work_on(lane, resident);
    in->event.time_ms = b->time_ms;
    saga_decide(definition, state, &in->event, b->arena, &facts);
    error = journal(b, lane, resident, &in->event, &facts);
    if (error < 0) return error;
    if (in->event.kind == SAGA_EVENT_TIMER && !still_rings(resident->clean, &in->event))
        note_orphan(b, lane, in);
    send_messages(b, state, &facts);
    count_facts(b, &facts);
    b->written[lane->number] = true;
    b->events++;
    return SAGA_OK;
}

static int decide_all(struct batch *b)
{
    for (size_t i = 0; i < b->item_count; i++) {
        int error = decide(b, owned_lane(b, b->items[i].in.lane), &b->items[i].in);
        if (error < 0) return error;
    }
    for (uint32_t n = 0; n < b->w->config.lanes; n++) {
        struct saga_resident *culprit;
        if (!b->written[n]) continue;
        int error = saga_lane_encode(&b->w->lanes[n], b->w->codec, b->arena, &culprit);
        if (error == SAGA_OK) continue;
        saga_worker_note(b->w, "the state of saga %.*s is over the limit",
                         SAGA_SLICE_ARG(culprit->id));
        return SAGA_E_ABORT; /* what makes it so is found by halving, and put aside (R24) */
    }
    return SAGA_OK;
}

/* The arrays have their final place now: each journal record gets the place where its offset is noted. */
static void wire_offsets(struct batch *b)
{
    size_t next = 0;
    for (size_t i = 0; i < b->outgoing_count; i++)
        if (saga_slice_equal(b->outgoing[i].message.topic, b->w->config.journal))
            b->outgoing[i].offset = &b->noted[next++].offset;
    SAGA_ASSERT(next == b->noted_count);
}

/* ---- committing ---- */

static struct saga_position *find_position(struct saga_worker *w, struct saga_slice topic,
                                           int32_t partition)
{
    for (size_t i = 0; i < w->assigned_count; i++)
        if (w->assigned[i].partition == partition && saga_slice_equal(w->assigned[i].topic, topic))
            return &w->assigned[i];
    return NULL;
}

/* R2: of everything that was consumed, and of the inbox of every lane that is written, moved or not. */
static struct saga_position *positions_of(struct batch *b, size_t *ret_count)
{
    struct saga_worker *w = b->w;
    struct saga_position *positions =
        SAGA_NEW_ARRAY(b->arena, struct saga_position, w->assigned_count);
    bool *touched = SAGA_NEW_ARRAY(b->arena, bool, w->assigned_count);
    size_t count = 0;
    memcpy(positions, w->assigned, w->assigned_count * sizeof *positions);
    for (size_t i = b->from; i < b->to; i++) {
        const struct saga_message *record = &w->retained.records.items[i];
        struct saga_position *position = find_position(w, record->topic, record->partition);
        SAGA_ASSERT(position);
        size_t index = (size_t)(position - w->assigned);
        SAGA_ASSERT(record->offset >= w->assigned[index].offset);
        positions[index].offset = record->offset + 1;
        touched[index] = true;
    }
    for (size_t i = 0; i < w->assigned_count; i++) {
        bool inbox = saga_slice_equal(w->assigned[i].topic, w->config.inbox);
        if (!touched[i] && !(inbox && b->written[w->assigned[i].partition])) continue;
        positions[count++] = positions[i];
    }
    *ret_count = count;
    return positions;
}

static void add_orphans(struct batch *b, struct saga_lane *lane, struct saga_state_write **writes,
                        size_t *count)
{
    struct saga_state_write *all =
        SAGA_NEW_ARRAY(b->arena, struct saga_state_write, *count + b->orphan_count);
    if (*count) memcpy(all, *writes, *count * sizeof *all);
    for (size_t i = 0; i < b->orphan_count; i++) {
        if (b->orphans[i].lane != lane) continue;
        all[(*count)++] = (struct saga_state_write){ .saga_id = b->orphans[i].saga_id,
                                                     .timers_removed = &b->orphans[i].timer,
                                                     .timers_removed_count = 1,
                                                     .timers_only = true };
    }
    *writes = all;
}

static int apply_lane(struct batch *b, struct saga_lane *lane, int64_t applied)
{
    struct saga_worker *w = b->w;
    struct saga_store *store = &w->config.store;
    struct saga_state_write *writes;
    char chain[2 * SAGA_SHA256_BYTES + 1];
    size_t count;
    saga_lane_writes(lane, b->arena, &writes, &count);
    if (b->orphan_count) add_orphans(b, lane, &writes, &count);
    saga_hex(lane->working_chain, sizeof lane->working_chain, chain);
    struct saga_apply apply = { .lane = lane->number,
                                .journal = saga_slice_of(lane->journal),
                                .expected = lane->applied,
                                .applied = applied,
                                .chain = saga_slice_of(chain),
                                .owner = w->config.owner,
                                .now_ms = b->time_ms,
                                .writes = writes,
                                .write_count = count };
    int error = saga_lane_settle(lane, store);
    if (error == SAGA_OK) error = store->apply(store->self, &apply);
    lane->applied = applied;
    memcpy(lane->chain, lane->working_chain, sizeof lane->chain);
    lane->time_ms = b->time_ms;
    lane->apply_pending = error == SAGA_OK;
    lane->last_contact_ms = saga_worker_monotonic(w);
    if (error < 0) saga_worker_note(w, "lane %u: %s", lane->number, store->problem(store->self));
    return error;
}

static void advance_positions(struct batch *b, const struct saga_position *positions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        find_position(b->w, positions[i].topic, positions[i].partition)->offset =
            positions[i].offset;
}

/* R6: the commit is definite; now the working copies count and Redis is told. */
static int publish(struct batch *b)
{
    struct saga_worker *w = b->w;
    int result = SAGA_OK;
    int64_t *applied = SAGA_NEW_ARRAY(b->arena, int64_t, w->config.lanes);
    for (size_t i = 0; i < b->noted_count; i++) {
        SAGA_ASSERT(b->noted[i].offset >= 0);
        saga_lane_note_history(b->noted[i].resident, b->arena, b->noted[i].offset);
        applied[b->noted[i].lane->number] = b->noted[i].offset + 1;
    }
    for (size_t i = 0; i < b->orphan_count; i++) {
        uint32_t n = b->orphans[i].lane->number;
        if (!b->written[n]) applied[n] = b->orphans[i].lane->applied;
        b->written[n] = true;
    }
    for (uint32_t n = 0; n < w->config.lanes; n++) {
        if (!b->written[n]) continue;
        int error = apply_lane(b, &w->lanes[n], applied[n]);
        if (error < 0 && result == SAGA_OK) result = error;
        saga_lane_publish(&w->lanes[n], w->config.cache_bytes / w->config.lanes);
    }
    return result == SAGA_OK ? SAGA_OK
                             : SAGA_E_CONFLICT; /* committed, but Redis is not told: recover */
}

static void count(struct batch *b)
{
    struct saga_worker *w = b->w;
    SAGA_COUNT(w, events, b->events);
    SAGA_COUNT(w, batches, 1);
    SAGA_COUNT(w, commands, b->commands);
    SAGA_COUNT(w, hops, b->hops);
    SAGA_COUNT(w, dead_letters, b->dead_letters);
    SAGA_COUNT(w, ignored, b->ignored);
    SAGA_COUNT(w, timers, b->timers);
    SAGA_COUNT(w, sagas_started, b->started);
    SAGA_COUNT(w, sagas_ended, b->ended);
}

static void abandon(struct saga_worker *w)
{
    for (uint32_t n = 0; n < w->config.lanes; n++) saga_lane_abandon(&w->lanes[n]);
}

static int commit(struct batch *b)
{
    struct saga_position *positions;
    size_t position_count;
    wire_offsets(b);
    positions = positions_of(b, &position_count);
    if (position_count == 0) return publish(b); /* only alarms to be taken away, if anything */
    int error = saga_transact(b->w, b->outgoing, b->outgoing_count, positions, position_count);
    if (error < 0) {
        abandon(b->w);
        return error;
    }
    advance_positions(b, positions, position_count);
    b->w->retained.done = b->to;
    b->w->time_ms = b->time_ms;
    count(b);
    return publish(b);
}

int64_t saga_worker_next_due(const struct saga_worker *w)
{
    int64_t next = SAGA_TIMER_NEVER;
    for (uint32_t n = 0; n < w->config.lanes; n++)
        if (w->lanes[n].ready && w->lanes[n].next_due_ms < next) next = w->lanes[n].next_due_ms;
    return next;
}

int saga_batch_run(struct saga_worker *w)
{
    int64_t jump_ms;
    saga_arena_reset(&w->arena);
    struct batch b = { .w = w, .arena = &w->arena };
    b.time_ms = saga_clock_guard_look(&w->guard, &w->config.clock, &jump_ms);
    if (jump_ms)
        saga_log(SAGA_LOG_WARNING, "the clock jumped, timers wait for a while", "by_ms=%lld",
                 (long long)jump_ms);
    if (b.time_ms < w->time_ms) b.time_ms = w->time_ms; /* R17 */
    b.written = SAGA_NEW_ARRAY(b.arena, bool, w->config.lanes);
    int error = take_records(&b);
    if (error == SAGA_OK && !w->retained.last_is_poison) error = take_timers(&b);
    if (error == SAGA_OK && b.to == b.from && b.item_count == 0) return SAGA_OK;
    if (error == SAGA_OK) error = load(&b);
    if (error == SAGA_OK) error = decide_all(&b);
    if (error == SAGA_OK) return commit(&b);
    if (error == SAGA_E_LIMIT) error = SAGA_E_ABORT;
    abandon(w);
    return error;
}
