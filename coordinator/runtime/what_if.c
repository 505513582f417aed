/* Record by record: which saga it is of, and whether that goes on as recorded. */
#include "runtime/what_if.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "engine/fits.h"
#include "runtime/what_if_internal.h"

/* A recorded state is packed anew when it has taken so many times what it then took. */
enum { PACK_FACTOR = 4, PACK_BYTES_MIN = 64 * 1024 };

/* Does it send anything whose body has a schema? */
static bool has_schemas(const struct saga_definition *definition)
{
    for (size_t i = 0; i < definition->participant_count; i++)
        if (definition->participants[i].format != SAGA_FORMAT_JSON) return true;
    for (size_t i = 0; i < definition->block_count; i++)
        if (definition->blocks[i]->kind == SAGA_BLOCK_PUBLISH &&
            definition->blocks[i]->publish.format != SAGA_FORMAT_JSON)
            return true;
    return definition->on_completed.format != SAGA_FORMAT_JSON ||
           definition->on_compensated.format != SAGA_FORMAT_JSON;
}

void saga_what_if_new(struct saga_codec *codec, const struct saga_definition *definition,
                      const struct saga_what_if_options *options, struct saga_what_if **ret)
{
    struct saga_what_if *w = saga_memory_zeroed(1, sizeof *w);
    w->codec = codec;
    w->definition = *definition;
    w->definition.name = options->name;
    w->definition.schemas = NULL;
    w->options = *options;
    if (!has_schemas(definition)) w->options.schemas = NULL;
    saga_arena_init(&w->arena);
    saga_arena_init(&w->groups.arena);
    *ret = w;
}

void saga_what_if_free(struct saga_what_if *w)
{
    if (!w) return;
    saga_what_if_drop_all(w);
    saga_arena_free(&w->arena);
    saga_arena_free(&w->groups.arena);
    free(w);
}

static const struct saga_state *recorded_of(const struct saga_what_if_saga *saga)
{
    return saga->recorded ? saga->recorded : saga->state;
}

static void part(struct saga_what_if *w, struct saga_what_if_saga *saga,
                 const struct saga_parting *parting, struct saga_slice run, int64_t offset,
                 int64_t time_ms)
{
    struct saga_slice id = { saga->id, saga->id_size };
    saga_what_if_add(w, parting, id, run, offset, time_ms);
    saga->judged = true;
    saga_what_if_free_states(saga);
}

static void part_here(struct saga_what_if *w, struct saga_what_if_saga *saga,
                      const struct saga_parting *parting, const struct saga_message *message,
                      const struct saga_journal_record *record)
{
    part(w, saga, parting, record->run, message->offset, record->cause.time_ms);
}

static void cannot_judge(struct saga_what_if *w, struct saga_what_if_saga *saga, const char *what,
                         const struct saga_message *message,
                         const struct saga_journal_record *record)
{
    struct saga_parting parting = { .class = SAGA_WHAT_IF_NOT_JUDGED, .what = saga_slice_of(what) };
    part_here(w, saga, &parting, message, record);
}

/* ---- one event, decided anew ---- */

/* R19: its definition was not to be had when this was decided. Then it would not have been for the new version either. */
static bool is_without_definition(const struct saga_what_if_saga *saga,
                                  const struct saga_journal_record *record)
{
    const struct saga_state *recorded = recorded_of(saga);
    bool stuck = recorded->stuck_on == SAGA_STUCK_ON_DEFINITION;
    if (recorded->status == SAGA_STATUS_NONE) return false;
    for (size_t i = 0; i < record->fact_count; i++) {
        const struct saga_fact *fact = &record->facts[i];
        if (fact->kind == SAGA_FACT_SAGA_CONTINUED) return false;
        if (fact->kind == SAGA_FACT_SAGA_STUCK) return fact->stuck_on == SAGA_STUCK_ON_DEFINITION;
    }
    return stuck;
}

/* An event decided on a copy of the saga's state. */
struct attempt {
    struct saga_state *state;
    struct saga_facts facts;
};

static struct attempt decide(struct saga_what_if *w, const struct saga_what_if_saga *saga,
                             const struct saga_event *event, bool without,
                             const struct saga_schemas *schemas)
{
    struct attempt attempt = { .state = saga_state_clone(saga->state) };
    w->definition.schemas = schemas;
    saga_decide(without ? NULL : &w->definition, attempt.state, event, &w->arena, &attempt.facts);
    return attempt;
}

/* Takes the recorded facts. False: they cannot follow on the state. */
static bool evolve(struct saga_what_if_saga *saga, const struct saga_journal_record *record)
{
    struct saga_state *recorded = saga->recorded;
    size_t before = saga_arena_capacity(&recorded->arena);
    saga_evolve_begin(recorded, &record->cause);
    for (size_t i = 0; i < record->fact_count; i++)
        if (saga_evolve(recorded, &record->facts[i]) < 0) return false;
    if (saga_arena_capacity(&recorded->arena) == before || before < PACK_BYTES_MIN) return true;
    size_t packed = saga_state_bytes(recorded);
    if (before < PACK_FACTOR * packed) return true;
    saga->recorded = saga_state_clone(recorded);
    saga_state_free(recorded);
    return true;
}

/* ---- what follows from it ---- */

/* Has the recorded saga come to its end, so that nothing can happen to it any more? A child may yet be compensated as long
 * as its parent keeps it. */
static bool is_final(const struct saga_journal_record *record)
{
    for (size_t i = 0; i < record->fact_count; i++) {
        const struct saga_fact *fact = &record->facts[i];
        bool ends =
            fact->kind == SAGA_FACT_SAGA_COMPLETED || fact->kind == SAGA_FACT_SAGA_COMPENSATED ||
            fact->kind == SAGA_FACT_SAGA_ABANDONED || fact->kind == SAGA_FACT_CHILD_RELEASED;
        if ((ends && fact->due_ms) || fact->kind == SAGA_FACT_SAGA_FORGOTTEN) return true;
    }
    return false;
}

/* What follows when a saga that has ended, or does not wait for it, is told something. */
static bool is_echo(enum saga_fact_kind kind)
{
    return kind == SAGA_FACT_START_IGNORED || kind == SAGA_FACT_REPLY_IGNORED ||
           kind == SAGA_FACT_TIMER_IGNORED || kind == SAGA_FACT_NOTE_IGNORED ||
           kind == SAGA_FACT_NOTE_SENT || kind == SAGA_FACT_OPERATOR_REFUSED ||
           kind == SAGA_FACT_OPERATOR_IGNORED || kind == SAGA_FACT_SAGA_FORGOTTEN;
}

static bool moves(const struct saga_journal_record *record)
{
    for (size_t i = 0; i < record->fact_count; i++)
        if (!is_echo(record->facts[i].kind)) return true;
    return false;
}

static bool has_ended(const struct saga_state *state)
{
    return saga_status_has_ended(state->status);
}

static struct saga_parting other_status(struct saga_what_if *w, enum saga_what_if_class class,
                                        const struct saga_state *state,
                                        const struct saga_state *recorded)
{
    const char *is = saga_status_name(state->status), *was = saga_status_name(recorded->status);
    return (struct saga_parting){
        .class = class,
        .what = saga_arena_printf(&w->arena, "%s instead of %s", is, was),
        .recorded.words = saga_slice_of(was),
        .instead.words = saga_slice_of(is),
    };
}

/* At the end of what is recorded of the saga: the same commands were sent, the same events taken. */
static struct saga_parting outcome(struct saga_what_if *w, const struct saga_what_if_saga *saga,
                                   int64_t time_ms)
{
    const struct saga_state *state = saga->state, *recorded = recorded_of(saga);
    struct saga_parting parting = { .class = SAGA_WHAT_IF_SAME };
    if (!saga->recorded) return parting;
    if (recorded->status == SAGA_STUCK && state->status != SAGA_STUCK)
        return other_status(w, SAGA_WHAT_IF_ENDED_OTHERWISE, state, recorded);
    if (has_ended(recorded) != has_ended(state))
        return other_status(w, SAGA_WHAT_IF_OTHER_TIME, state, recorded);
    if (recorded->ended_ms != state->ended_ms) {
        parting.class = SAGA_WHAT_IF_OTHER_TIME;
        parting.what = SAGA_SLICE("ends earlier, with the same commands");
    } else if (!has_ended(state)) {
        (void)saga_what_if_rings_before(saga, time_ms, &w->arena, &parting);
    }
    return parting;
}

/* Did the ways part with this event? `ahead`: the new version had ended before; what it does not take then is no wonder. */
static bool parts(struct saga_what_if *w, const struct saga_journal_record *record,
                  const struct attempt *attempt, const struct saga_state *recorded, bool ahead,
                  struct saga_parting *ret)
{
    const struct saga_state *state = attempt->state;
    const struct saga_facts *facts = &attempt->facts;
    struct saga_arena *arena = &w->arena;
    if (saga_what_if_stuck(state, recorded, arena, ret) ||
        (!ahead && saga_what_if_unhandled(record, facts, arena, ret)) ||
        saga_what_if_other_messages(record, facts, false, arena, ret))
        return true;
    if (!has_ended(state) || !has_ended(recorded)) return false;
    if (state->status != recorded->status) {
        *ret = other_status(w, SAGA_WHAT_IF_ENDED_OTHERWISE, state, recorded);
        return true;
    }
    return !ahead && saga_what_if_other_messages(record, facts, true, arena, ret);
}

static void end_saga(struct saga_what_if *w, struct saga_what_if_saga *saga,
                     const struct saga_message *message, const struct saga_journal_record *record)
{
    if (!saga->judged) {
        struct saga_parting parting = outcome(w, saga, record->cause.time_ms);
        part_here(w, saga, &parting, message, record);
    }
    saga_what_if_drop(w, saga);
}

static bool may_follow(const struct saga_what_if_saga *saga,
                       const struct saga_journal_record *record)
{
    const struct saga_event *cause = &record->cause;
    if (cause->kind == SAGA_EVENT_LANE || saga->state->forgotten) return false;
    if (saga->state->sequence + 1 != record->sequence) return false;
    if (!saga_event_fits(cause)) return false;
    if (saga->state->status != SAGA_STATUS_NONE) return true;
    return cause->kind == SAGA_EVENT_START && cause->key.size > 0;
}

static void take_state(struct saga_what_if_saga *saga, struct saga_state *state)
{
    saga_state_free(saga->state);
    saga->state = state;
}

/* Decides the event once more under other circumstances, in which the ways may not part. */
static bool parts_too(struct saga_what_if *w, const struct saga_what_if_saga *saga,
                      const struct saga_journal_record *record, const struct saga_event *event,
                      bool without, const struct saga_schemas *schemas, bool ahead,
                      struct attempt *attempt, struct saga_parting *ret)
{
    saga_state_free(attempt->state);
    *attempt = decide(w, saga, event, without, schemas);
    return parts(w, record, attempt, saga->recorded, ahead, ret);
}

/* The facts are others: from here on there are two states. Where the ways would part, it is asked what is not known of then: the
 * schemas, by which a body that does not fit is a failure of its step (those of now are asked), and whether an operator's
 * act found the definition that the saga is stuck without. False: it was given up. */
static bool compare(struct saga_what_if *w, struct saga_what_if_saga *saga,
                    const struct saga_message *message, const struct saga_journal_record *record,
                    const struct saga_event *event, struct attempt attempt)
{
    struct saga_parting parting = { 0 };
    bool without = is_without_definition(saga, record);
    bool missed = recorded_of(saga)->stuck_on == SAGA_STUCK_ON_DEFINITION;
    bool ahead = has_ended(saga->state) && !has_ended(recorded_of(saga));
    const struct saga_schemas *schemas = w->options.schemas;
    if (!saga->recorded) saga->recorded = saga_state_clone(saga->state);
    if (!evolve(saga, record)) {
        saga_state_free(attempt.state);
        cannot_judge(w, saga, "a record's facts cannot follow on those before", message, record);
        return true;
    }
    bool parted = parts(w, record, &attempt, saga->recorded, ahead, &parting);
    if (parted && schemas)
        parted = parts_too(w, saga, record, event, without, schemas, ahead, &attempt, &parting);
    if (parted && missed)
        parted = parts_too(w, saga, record, event, !without, NULL, ahead, &attempt, &parting);
    if (saga_expression_gave_up()) {
        saga_state_free(attempt.state);
        saga_state_free(saga->recorded); /* it is a record further */
        saga->recorded = NULL;
        return false;
    }
    take_state(saga, attempt.state);
    if (parted) part_here(w, saga, &parting, message, record);
    return true;
}

/* False: it was given up. */
static bool judge(struct saga_what_if *w, struct saga_what_if_saga *saga,
                  const struct saga_message *message, const struct saga_journal_record *record)
{
    struct saga_event event = record->cause;
    struct saga_parting parting = { 0 };
    if (!may_follow(saga, record)) {
        cannot_judge(w, saga, "a record is missing before this one, or does not follow on it",
                     message, record);
        return true;
    }
    bool ahead = has_ended(saga->state) && !has_ended(recorded_of(saga));
    if (saga->recorded && !ahead && saga_what_if_other_time(saga, &event, &w->arena, &parting)) {
        part_here(w, saga, &parting, message, record);
        return true;
    }
    struct attempt attempt = decide(w, saga, &event, is_without_definition(saga, record), NULL);
    bool whole = !saga_expression_gave_up();
    if (!whole) {
        saga_state_free(attempt.state);
    } else if (!saga_slice_equal(attempt.state->id, record->saga_id)) {
        saga_state_free(attempt.state);
        cannot_judge(w, saga, "its start's key is another than its own", message, record);
    } else if (!saga->recorded && saga_what_if_same_facts(record, &attempt.facts)) {
        take_state(saga, attempt.state);
    } else {
        whole = compare(w, saga, message, record, &event, attempt);
    }
    w->counts.decided += whole;
    return whole;
}

/* ---- whose record it is ---- */

static bool begins(const struct saga_journal_record *record)
{
    return record->sequence == 1 && record->fact_count > 0 &&
           record->facts[0].kind == SAGA_FACT_SAGA_STARTED;
}

/* A saga that is not looked at is held too, so that its later records are known to be its. */
static struct saga_what_if_saga *pass_over(struct saga_what_if *w,
                                           const struct saga_journal_record *record)
{
    struct saga_what_if_saga *saga = saga_what_if_hold(w, record->saga_id);
    saga->judged = saga->passed_over = true;
    return saga;
}

static struct saga_what_if_saga *begin_saga(struct saga_what_if *w,
                                            const struct saga_message *message,
                                            const struct saga_journal_record *record, bool sealed)
{
    struct saga_parting parting = { .class = SAGA_WHAT_IF_NOT_STARTED };
    if (record->cause.time_ms < w->options.since_ms) return pass_over(w, record);
    struct saga_what_if_saga *saga = saga_what_if_hold(w, record->saga_id);
    w->counts.sagas++;
    saga->state = saga_state_new();
    bool looked_at = !sealed && saga_event_fits(&record->cause); /* else it is not judged */
    if (!looked_at || saga_what_if_starts(w, &record->cause, &w->arena, &parting.what) ||
        saga_expression_gave_up())
        return saga;
    w->counts.decided++;
    part_here(w, saga, &parting, message, record);
    return saga;
}

/* Its beginning is not there. Nothing is asked of one of which nothing but echoes is left. */
static struct saga_what_if_saga *find_lost(struct saga_what_if *w,
                                           const struct saga_message *message,
                                           const struct saga_journal_record *record)
{
    if (!moves(record)) return NULL;
    if (w->first_ms < w->options.since_ms) return pass_over(w, record); /* it is older */
    struct saga_what_if_saga *saga = saga_what_if_hold(w, record->saga_id);
    w->counts.sagas++;
    cannot_judge(w, saga, "its beginning is not in the journal", message, record);
    return saga;
}

/* One that begins with the record was not there. */
static void take_back(struct saga_what_if *w, struct saga_what_if_saga *saga)
{
    if (saga->state->sequence > 0) return;
    saga_what_if_drop(w, saga);
    w->counts.sagas--;
}

/* `sealed`: why its values cannot be opened; NULL: they are open. */
static void take_saga(struct saga_what_if *w, const struct saga_message *message,
                      const struct saga_journal_record *record, const char *sealed)
{
    struct saga_what_if_saga *saga = saga_what_if_find(w, record->saga_id);
    if (begins(record)) {
        if (saga && !saga->judged)
            cannot_judge(w, saga, "it begins anew before its end", message, record);
        if (saga) saga_what_if_drop(w, saga);
        saga = begin_saga(w, message, record, sealed != NULL);
    } else if (!saga) {
        saga = find_lost(w, message, record);
    }
    if (!saga) return;
    if (!saga->judged && sealed)
        cannot_judge(w, saga, sealed, message, record);
    else if (!saga->judged && !judge(w, saga, message, record)) {
        take_back(w, saga);
        return;
    }
    if (!saga->passed_over) w->counts.events++;
    if (is_final(record))
        end_saga(w, saga, message, record);
    else
        saga_what_if_weigh(w, saga);
}

/* Opens what is sealed. Gives back why it cannot be; a record that holds nothing sealed is as open as any. */
static const char *open_values(struct saga_what_if *w, struct saga_journal_record *record)
{
    struct saga_data_key key;
    const struct saga_key_record *found =
        saga_keyring_find(w->keys, record->saga_id, record->run, &w->arena);
    if (saga_keyring_open(w->keys, record->saga_id, record->run, &w->arena, &key) == SAGA_OK)
        return saga_open_record(&key, record, &w->arena) == SAGA_OK
                   ? NULL
                   : "its sealed values do not open";
    if (!saga_record_is_sealed(record)) return NULL;
    return found && !found->wrapped.data ? "its values were forgotten"
                                         : "its values are sealed, and its key is not to be had";
}

static void take_record(struct saga_what_if *w, const struct saga_message *message)
{
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    saga_arena_reset(&w->arena);
    if (saga_journal_decode(w->codec, message->value, &w->arena, &record, &diagnostic) < 0) {
        saga_what_if_add_unreadable(w, message->offset, diagnostic.what);
        return;
    }
    if (w->first_ms < 0) w->first_ms = record.cause.time_ms;
    w->last_ms = record.cause.time_ms;
    if (record.cause.kind == SAGA_EVENT_LANE || saga_id_is_entry(record.saga_id) ||
        !saga_slice_equal(record.name, w->options.name))
        return;
    take_saga(w, message, &record, open_values(w, &record));
}

bool saga_what_if_record(struct saga_what_if *w, const struct saga_message *message)
{
    take_record(w, message);
    bool taken = !saga_expression_gave_up();
    w->counts.records += taken;
    return taken;
}

/* ---- lanes ---- */

void saga_what_if_lane_begin(struct saga_what_if *w, uint32_t lane)
{
    SAGA_ASSERT(!w->sagas);
    w->lane = lane;
    w->keys = NULL;
    w->first_ms = w->last_ms = -1;
}

void saga_what_if_keys(struct saga_what_if *w, const struct saga_keyring *keys)
{
    w->keys = keys;
}

void saga_what_if_skipped(struct saga_what_if *w)
{
    w->first_ms = w->options.since_ms - 1;
}

size_t saga_what_if_held_bytes(const struct saga_what_if *w)
{
    return w->held_bytes;
}

void saga_what_if_lane_end(struct saga_what_if *w)
{
    struct saga_what_if_saga *saga, *next;
    HASH_ITER(hh, w->sagas, saga, next)
    {
        saga_arena_reset(&w->arena);
        if (!saga->judged) {
            struct saga_parting parting = outcome(w, saga, w->last_ms);
            struct saga_slice run = saga_arena_copy(&w->arena, saga->state->run);
            w->counts.open += parting.class == SAGA_WHAT_IF_SAME && !has_ended(recorded_of(saga));
            part(w, saga, &parting, run, -1, w->last_ms);
        }
        saga_what_if_drop(w, saga);
    }
    SAGA_ASSERT(!w->sagas);
}
