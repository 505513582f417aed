/* What a batch is made of: records and due timers, each given to its lane, sent on or put aside. */
#include "base/buffer.h"
#include "base/mutation.h"
#include "runtime/batch_internal.h"

enum {
    TIMERS_MAX = 1000, /* in one batch */
    UNTYPED_LOG_MS = 60000
};

struct saga_lane *saga_batch_owned_lane(struct saga_batch *b, uint32_t number)
{
    SAGA_ASSERT(number < b->w->config.lanes);
    struct saga_lane *lane = &b->w->lanes[number];
    return lane->ready || SAGA_WITHOUT(OWNERSHIP) ? lane : NULL;
}

void saga_batch_send(struct saga_batch *b, const struct saga_message *message, int64_t *offset)
{
    SAGA_PUSH(b->arena, b->outgoing, b->outgoing_count, b->outgoing_capacity,
              (struct saga_outgoing){ *message, offset });
}

void saga_batch_put_aside(struct saga_batch *b, const struct saga_message *record,
                          enum saga_letter_reason reason, struct saga_slice words)
{
    struct saga_message letter;
    const char *word = saga_letter_reasons[reason].word;
    uint32_t lane = (uint32_t)record->partition % b->w->config.lanes;
    saga_dead_letter_message(record, b->w->config.dead_letters, lane, saga_slice_of(word), words,
                             b->arena, &letter);
    saga_batch_send(b, &letter, NULL);
    b->dead_letters++;
    saga_batch_figures_dead_letter(&b->figures, reason);
    saga_log(SAGA_LOG_WARNING, "record put aside",
             "reason=%s topic=%.*s partition=%d offset=%lld words=\"%.*s\"", word,
             SAGA_SLICE_ARG(record->topic), record->partition, (long long)record->offset,
             SAGA_SLICE_ARG(words));
}

int saga_batch_wait_for_definition(struct saga_batch *b)
{
    struct saga_worker *w = b->w;
    struct saga_window *window = b->to > b->from ? &w->record_window : &w->alarm_window;
    if (window->definition_round == 0)
        window->definition_round = saga_registry_rounds(w->config.registry) + 2;
    /* by what the catalog has: the registry may have gone on while this batch was held up */
    bool waits =
        w->catalog_rounds < window->definition_round && !SAGA_WITHOUT(WAITING_FOR_DEFINITIONS);
    return waits ? SAGA_E_AGAIN : SAGA_OK;
}

static void hop(struct saga_batch *b, const struct saga_intake_item *in,
                const struct saga_message *record)
{
    struct saga_message message;
    struct saga_slice name, key = in->event.key;
    if (key.size == 0 && saga_id_parse(in->saga_id, &name, &key) < 0) key = record->key;
    saga_hop_message(record, b->w->config.inbox, in->lane, key, b->arena, &message);
    saga_batch_send(b, &message, NULL);
    b->hops++;
}

void saga_batch_answer_for_nobody(struct saga_batch *b, const struct saga_event *asked,
                                  enum saga_note note, const char *type, struct saga_slice words)
{
    const struct saga_state nobody = { .id = asked->target, .run = SAGA_SLICE("none") };
    struct saga_message message;
    struct saga_buffer json;
    saga_buffer_init(&json, b->arena);
    saga_buffer_printf(&json, "{\"message\":");
    saga_buffer_add_json_string(&json, words);
    saga_buffer_add_char(&json, '}');
    struct saga_fact fact = { .kind = SAGA_FACT_NOTE_SENT,
                              .note = note,
                              .id = asked->from_id,
                              .run = asked->from_run,
                              .step = asked->from_step,
                              .type = saga_slice_of(type),
                              .text = asked->id,
                              .value = saga_buffer_slice(&json) };
    saga_note_message(b->w->config.inbox, b->w->config.lanes, &fact, &nobody, b->arena, &message);
    saga_batch_send(b, &message, NULL);
}

/* Events of other types are none of ours, but one without a type starts nothing for want of a header, mostly. */
static void note_untyped(struct saga_batch *b, const struct saga_intake_item *in)
{
    saga_log_seldom(&b->w->last_untyped_ms, UNTYPED_LOG_MS, SAGA_LOG_WARNING,
                    "an event without a type is passed over",
                    "topic=%.*s partition=%d offset=%lld words=\"%.*s\"",
                    SAGA_SLICE_ARG(in->record.topic), in->record.partition,
                    (long long)in->record.offset, SAGA_SLICE_ARG(in->words));
}

static int take_item(struct saga_batch *b, struct saga_intake_item *in)
{
    switch (in->fate) {
    case SAGA_INTAKE_NOTHING:
        if (in->words.size) note_untyped(b, in);
        b->ignored++;
        return SAGA_OK;
    case SAGA_INTAKE_DEAD_LETTER:
        saga_batch_put_aside(b, &in->record, in->reason, in->words);
        return SAGA_OK;
    case SAGA_INTAKE_DEFINITION_MISSING:
        if (saga_batch_wait_for_definition(b) < 0) return SAGA_E_AGAIN; /* R19 */
        if (in->event.note == SAGA_NOTE_CHILD_START)                    /* R22 */
            saga_batch_answer_for_nobody(b, &in->event, SAGA_NOTE_CHILD_ENDED, "NoSuchSaga",
                                         in->words);
        saga_batch_put_aside(b, &in->record, in->reason, in->words);
        return SAGA_OK;
    case SAGA_INTAKE_EVENT: break;
    }
    SAGA_PUSH(b->arena, b->items, b->item_count, b->item_capacity,
              (struct saga_item){ in, b->item_count });
    return SAGA_OK;
}

/* Lanes of other workers that a record was sent on to already: each gets it once. */
static bool was_sent_on(const struct saga_intake_item *items, size_t count, uint32_t lane)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].fate == SAGA_INTAKE_EVENT && items[i].lane == lane) return true;
    return false;
}

/* A schema that is not known may have been put into the folder this very moment. */
static bool look_for_schema(struct saga_batch *b, const struct saga_intake_item *in)
{
    enum { AGE_MS = 1000 };
    struct saga_worker *w = b->w;
    return in->fate == SAGA_INTAKE_DEAD_LETTER && in->reason == SAGA_LETTER_NO_SCHEMA &&
           w->config.schemas && saga_schema_store_look(w->config.schemas, AGE_MS);
}

static int take_record(struct saga_batch *b, const struct saga_intake *intake,
                       const struct saga_message *record)
{
    struct saga_intake_item *items;
    size_t count;
    saga_intake_read(intake, record, &items, &count);
    if (look_for_schema(b, &items[0])) {
        saga_worker_take_schemas(b->w);
        saga_intake_read(intake, record, &items, &count);
    }
    for (size_t i = 0; i < count; i++) {
        bool elsewhere =
            items[i].fate == SAGA_INTAKE_EVENT && !saga_batch_owned_lane(b, items[i].lane);
        if (elsewhere) { /* R13: the hop and its source's offset are one transaction */
            if (!was_sent_on(items, i, items[i].lane)) hop(b, &items[i], &items[i].record);
            continue;
        }
        int error = take_item(b, &items[i]);
        if (error < 0) return error;
    }
    return SAGA_OK;
}

/* R24: the record alone in its window that the broker refuses, as it was read at its source. */
static void put_poison_aside(struct saga_batch *b, const struct saga_intake *intake,
                             const struct saga_message *record)
{
    struct saga_intake_item *items;
    size_t count;
    saga_intake_read(intake, record, &items, &count);
    saga_batch_put_aside(b, &items[0].record, SAGA_LETTER_CANNOT_BE_COMMITTED,
                         saga_arena_printf(b->arena,
                                           "its transaction was aborted again and again: %s",
                                           b->w->problem));
}

static int take_records(struct saga_batch *b)
{
    struct saga_worker *w = b->w;
    struct saga_retained *retained = &w->retained;
    struct saga_intake intake = { w->catalog, w->config.inbox, w->config.lanes, b->arena };
    b->from = retained->done;
    b->to = b->from + w->record_window.size;
    if (b->to > retained->records.count) b->to = retained->records.count;
    if (retained->last_is_poison) {
        SAGA_ASSERT(b->to == b->from + 1);
        put_poison_aside(b, &intake, &retained->records.items[b->from]);
        return SAGA_OK;
    }
    for (size_t i = b->from; i < b->to; i++) {
        int error = take_record(b, &intake, &retained->records.items[i]);
        if (error < 0) return error;
    }
    return SAGA_OK;
}

static void take_alarm(struct saga_batch *b, uint32_t lane, const struct saga_due_timer *alarm,
                       uint64_t fingerprint)
{
    struct saga_intake_item *in = SAGA_NEW(b->arena, struct saga_intake_item);
    *in = (struct saga_intake_item){ .fate = SAGA_INTAKE_EVENT,
                                     .lane = lane,
                                     .saga_id = alarm->saga_id,
                                     .event = { .kind = SAGA_EVENT_TIMER,
                                                .source = { SAGA_SLICE_NONE, -1, -1 },
                                                .timer = alarm->name,
                                                .armed = alarm->armed } };
    take_item(b, in);
    b->w->last_alarm = fingerprint;
    b->timers++;
    saga_batch_figures_alarm(&b->figures, alarm->due_ms, b->time_ms);
}

/* Redis rings for what it was told of. An answer that is still to come is waited for when there is nothing else to do, or
 * when something may be due. */
static int look_for_due(struct saga_batch *b, struct saga_lane *lane, size_t max,
                        struct saga_due_timer **ret, size_t *ret_count)
{
    struct saga_store *store = &b->w->config.store;
    bool rings = lane->next_due_ms <= b->time_ms || lane->unstored_due_ms <= b->time_ms;
    int error = SAGA_OK;
    *ret_count = 0;
    if (rings && lane->unstored) error = saga_worker_store(b->w, lane, NULL, 0, NULL);
    if (error == SAGA_OK && (rings || b->to == b->from)) error = saga_lane_settle(lane, store);
    if (error < 0 || lane->next_due_ms > b->time_ms) return error;
    return store->timers_due(store->self, lane->number, lane->applied, b->time_ms,
                             max + SAGA_SKIPPED_MAX, b->arena, ret, ret_count, &lane->next_due_ms);
}

/* Those of a lane that are due, but no more than `max` in the batch. */
static int take_lane_timers(struct saga_batch *b, struct saga_lane *lane, size_t max)
{
    struct saga_store *store = &b->w->config.store;
    struct saga_due_timer *due;
    size_t count;
    int error = look_for_due(b, lane, max, &due, &count);
    if (error < 0) {
        saga_worker_note(b->w, "lane %u: %s", lane->number, store->problem(store->self));
        return error == SAGA_E_STOP ? SAGA_E_STOP : SAGA_E_CONFLICT;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t fingerprint = saga_alarm_fingerprint(&due[i], b->arena);
        int64_t wait_ms = saga_alarm_skipped_ms(b->w, fingerprint);
        if (wait_ms == 0 && b->timers < max) {
            take_alarm(b, lane->number, &due[i], fingerprint);
            continue;
        }
        int64_t again_ms = b->time_ms + wait_ms; /* it stays in Redis: ask again then */
        if (again_ms < lane->next_due_ms) lane->next_due_ms = again_ms;
    }
    return SAGA_OK;
}

static int take_timers(struct saga_batch *b, size_t max)
{
    struct saga_worker *w = b->w;
    int error = SAGA_OK;
    if (!saga_clock_guard_allows_timers(&w->guard, &w->config.clock)) return SAGA_OK; /* R17 */
    for (uint32_t n = 0; n < w->config.lanes && error == SAGA_OK && b->timers < max; n++)
        if (saga_batch_owned_lane(b, n))
            error = take_lane_timers(b, saga_batch_owned_lane(b, n), max);
    return error;
}

int saga_batch_take(struct saga_batch *b)
{
    struct saga_worker *w = b->w;
    bool apart = saga_refusals_suspected(w) && !SAGA_WITHOUT(TAKING_APART);
    bool poison = w->retained.last_is_poison;
    bool alarms_turn = apart && w->alarms_turn && !poison;
    w->alarms_turn = apart && !w->alarms_turn;
    b->from = b->to = w->retained.done;
    int error = alarms_turn ? SAGA_OK : take_records(b);
    bool with_alarms = !poison && (!apart || b->to == b->from);
    if (error == SAGA_OK && with_alarms)
        error = take_timers(b, apart ? w->alarm_window.size : TIMERS_MAX);
    w->taken_records = b->to - b->from;
    w->taken_alarms = b->timers;
    return error;
}
