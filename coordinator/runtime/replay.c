#include "runtime/replay.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "engine/fits.h"
#include "runtime/replay_internal.h"

const char *saga_difference_name(enum saga_difference_kind kind)
{
    static const char *const names[SAGA_DIFFERENCE_KIND_COUNT] = {
        [SAGA_DIFFERENCE_UNREADABLE] = "unreadable",
        [SAGA_DIFFERENCE_CHAIN] = "chain",
        [SAGA_DIFFERENCE_SEQUENCE] = "sequence",
        [SAGA_DIFFERENCE_FACTS] = "facts",
        [SAGA_DIFFERENCE_DEFINITION] = "definition",
        [SAGA_DIFFERENCE_REDIS] = "redis",
        [SAGA_DIFFERENCE_SNAPSHOT] = "snapshot",
        [SAGA_DIFFERENCE_OPENING] = "opening",
        [SAGA_DIFFERENCE_LANE] = "lane",
        [SAGA_DIFFERENCE_KEY] = "key",
        [SAGA_DIFFERENCE_ANCHOR] = "anchor",
    };
    SAGA_ASSERT(kind < SAGA_DIFFERENCE_KIND_COUNT);
    return names[kind];
}

void saga_replay_differ(struct saga_replay *replay, enum saga_difference_kind kind, int64_t offset,
                        struct saga_slice saga_id, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct saga_difference difference = { kind, replay->lane, offset, saga_id,
                                          saga_arena_vprintf(&replay->arena, format, arguments) };
    va_end(arguments);
    replay->differences[kind]++;
    replay->report(&difference, replay->context);
}

int saga_replay_new(struct saga_codec *codec, struct saga_catalog *catalog, uint32_t lane,
                    void (*report)(const struct saga_difference *difference, void *context),
                    void *context, struct saga_replay **ret)
{
    struct saga_replay *replay = saga_memory_zeroed(1, sizeof *replay);
    SAGA_ASSERT(report);
    replay->codec = codec;
    replay->catalog = catalog;
    replay->lane = lane;
    replay->report = report;
    replay->context = context;
    replay->log.from = -1;
    saga_arena_init(&replay->arena);
    *ret = replay;
    return SAGA_OK;
}

void saga_replay_free(struct saga_replay *replay)
{
    if (!replay) return;
    saga_replay_table_free(&replay->sagas);
    saga_replay_log_free(&replay->log);
    while (replay->spare_count) saga_state_free(replay->spare[--replay->spare_count]);
    saga_arena_free(&replay->arena);
    free(replay);
}

struct saga_replayed *saga_replay_find(const struct saga_replay *replay, struct saga_slice id)
{
    return saga_replay_table_find(&replay->sagas, id, saga_replay_hash(id));
}

static struct saga_state *new_state(struct saga_replay *replay)
{
    if (replay->spare_count == 0) return saga_state_new();
    return saga_state_renew(replay->spare[--replay->spare_count]);
}

/* A state that is not needed any more. */
static void spare(struct saga_replay *replay, struct saga_state *state)
{
    if (replay->spare_count < SAGA_REPLAY_SPARE_MAX &&
        saga_arena_capacity(&state->arena) <= SAGA_REPLAY_SPARE_BYTES_MAX)
        replay->spare[replay->spare_count++] = state;
    else
        saga_state_free(state);
}

struct saga_replayed *saga_replay_find_or_add(struct saga_replay *replay, struct saga_slice id,
                                              uint32_t hash)
{
    struct saga_replayed *saga = saga_replay_table_find(&replay->sagas, id, hash);
    if (saga) return saga;
    saga = saga_replay_table_add(&replay->sagas, id, hash);
    saga->at.state = new_state(replay);
    return saga;
}

/* ---- sagas that rest ---- */

static void lay_at_rest(struct saga_replay *replay, struct saga_replayed *saga)
{
    struct saga_state *state = saga_resting_lay(&saga->at, replay->codec, &replay->arena);
    if (state) spare(replay, state);
}

struct saga_state *saga_replay_wake(struct saga_replay *replay, struct saga_replayed *saga)
{
    struct saga_diagnostic diagnostic = { 0 };
    int error = saga_resting_wake(&saga->at, replay->codec, &replay->arena, &diagnostic);
    if (error < 0) { /* facts before it were not ours, and have made a state that is none */
        saga_replay_differ(
            replay, SAGA_DIFFERENCE_FACTS, -1, (struct saga_slice){ saga->id, saga->id_size },
            "they add up to a state that cannot be: %.*s", SAGA_SLICE_ARG(diagnostic.what));
        saga_resting_set(&saga->at, saga_state_new());
    }
    return saga->at.state;
}

const struct saga_state *saga_replay_state(struct saga_replay *replay, struct saga_slice saga_id)
{
    struct saga_replayed *saga = saga_replay_find(replay, saga_id);
    return saga ? saga_replay_wake(replay, saga) : NULL;
}

/* ---- one record ---- */

static void check_chain(struct saga_replay *replay, const struct saga_message *message,
                        const struct saga_journal_record *record)
{
    uint8_t chain[SAGA_SHA256_BYTES];
    saga_journal_chain(message->value, replay->chain, chain);
    if (memcmp(chain, record->chain, sizeof chain) != 0)
        saga_replay_differ(
            replay, SAGA_DIFFERENCE_CHAIN, message->offset, record->saga_id,
            "the record does not follow on the one before it: one of them was changed, taken "
            "out or put in");
    memcpy(replay->chain, record->chain, sizeof chain); /* so that one fault is reported once */
}

static bool may_be_decided(const struct saga_event *cause, const struct saga_state *state)
{
    if (cause->kind == SAGA_EVENT_LANE) return false;
    if (state->status != SAGA_STATUS_NONE) return true;
    return saga_event_begins(cause) &&
           (cause->kind == SAGA_EVENT_START ? cause->key.size : cause->target.size) > 0;
}

/* R15: does a start that says which run it begins say the one of its place in this journal? A run that it does not say follows
 * from the place when it is decided again. Not asked where the lane's first record is not there to name the journal. */
static bool begins_its_run(struct saga_replay *replay, const struct saga_journal_record *record,
                           struct saga_slice *ret_run)
{
    const struct saga_event *cause = &record->cause;
    if (cause->kind != SAGA_EVENT_START || cause->run.size == 0 || !replay->journal[0]) return true;
    *ret_run = saga_run_of(&replay->arena, saga_slice_of(replay->journal), &cause->source);
    return saga_slice_equal(cause->run, *ret_run);
}

/* A record's head repeats what its saga's state says. */
static bool is_of_run(const struct saga_journal_record *record, const struct saga_state *state)
{
    return saga_slice_equal(record->run, state->run) && saga_slice_equal(record->key, state->key);
}

/* Does it name the definition that its saga is on? An entry's may change, and no block of it is looked at. */
static bool is_of_definition(const struct saga_journal_record *record,
                             const struct saga_state *state)
{
    return state->status == SAGA_STATUS_NONE || state->kind != SAGA_KIND_SAGA ||
           (record->version == state->version && saga_slice_equal(record->name, state->name));
}

/* Does deciding the cause again give this record, byte for byte? `ret_chain`: the chain's value that it then must have. */
static bool decides_the_same(struct saga_replay *replay, const struct saga_message *message,
                             const struct saga_journal_record *record,
                             const struct saga_state *state,
                             const struct saga_definition *definition,
                             const struct saga_schemas *schemas, const uint8_t *chain,
                             uint8_t ret_chain[SAGA_SHA256_BYTES])
{
    struct saga_definition used = definition ? *definition : (struct saga_definition){ 0 };
    struct saga_state *working = saga_state_clone(state);
    struct saga_facts facts = { 0 };
    struct saga_journal_record again = *record;
    struct saga_slice bytes;
    used.schemas = schemas;
    saga_decide(definition ? &used : NULL, working, &record->cause, &replay->arena, &facts);
    again.facts = facts.items;
    again.fact_count = facts.count;
    int error =
        saga_journal_encode(replay->codec, &again, chain, &replay->arena, &bytes, ret_chain);
    size_t body = message->value.size - SAGA_SHA256_BYTES;
    bool same = error == SAGA_OK && bytes.size == message->value.size &&
                memcmp(bytes.data, message->value.data, body) == 0;
    saga_state_free(working);
    return same;
}

/* Are the values of the record's saga sealed? */
static bool is_sealed(const struct saga_journal_record *record, const struct saga_state *state)
{
    return saga_state_is_sealed(state) || saga_is_sealed(record->cause.body);
}

/* Does the chain go on with the record? */
static bool follows(const struct saga_replay *replay, const struct saga_message *message,
                    const struct saga_replay_ahead *ahead)
{
    uint8_t anew[SAGA_SHA256_BYTES];
    const uint8_t *chain = ahead->chain;
    if (memcmp(ahead->before, replay->chain, sizeof ahead->before) != 0) {
        saga_journal_chain(message->value, replay->chain, anew);
        chain = anew;
    }
    return memcmp(chain, ahead->record.chain, sizeof anew) == 0;
}

/* How it is with nearly every record: deciding its cause on the saga itself gives the very bytes of its facts, which need
 * not be read then, and the chain goes on. False: all is as it was before. */
static bool is_proved(struct saga_replay *replay, const struct saga_message *message,
                      const struct saga_replay_ahead *ahead, struct saga_state *state)
{
    const struct saga_journal_record *record = &ahead->record;
    const struct saga_definition *definition =
        saga_catalog_find(replay->catalog, record->name, record->version);
    struct saga_facts facts = { 0 };
    struct saga_slice run;
    if (is_sealed(record, state) || !saga_event_fits(&record->cause)) return false;
    if (!begins_its_run(replay, record, &run)) return false;
    if (!definition || !saga_slice_is(record->sha256, definition->sha256)) return false;
    if (record->sequence != state->sequence + 1 || !may_be_decided(&record->cause, state) ||
        !is_of_definition(record, state))
        return false;
    if (!follows(replay, message, ahead)) return false;
    struct saga_definition used = *definition;
    used.schemas = NULL; /* the causes' bodies have been read by them */
    const struct saga_state_mark *mark = saga_state_mark(state, &replay->arena);
    saga_decide(&used, state, &record->cause, &replay->arena, &facts);
    if (!saga_journal_are_facts(replay->codec, &facts, ahead->facts) || !is_of_run(record, state)) {
        saga_state_go_back(state, mark);
        return false;
    }
    memcpy(replay->chain, record->chain, sizeof replay->chain);
    return true;
}

/* Can it have been decided by the definition that it names? `definition`: what is there of that name, or NULL. */
static bool names_definition(struct saga_replay *replay, const struct saga_message *message,
                             const struct saga_journal_record *record,
                             const struct saga_state *state,
                             const struct saga_definition *definition)
{
    bool told = definition || !record->sha256.size; /* else deciding may do without */
    if (told && !saga_replay_has_definition(replay, message, record)) return false;
    if (is_of_definition(record, state)) return true;
    saga_replay_differ(replay, SAGA_DIFFERENCE_DEFINITION, message->offset, record->saga_id,
                       "it says definition %.*s version %u, but its saga is on %.*s version %u",
                       SAGA_SLICE_ARG(record->name), record->version, SAGA_SLICE_ARG(state->name),
                       state->version);
    return false;
}

static bool is_decided_so(struct saga_replay *replay, const struct saga_message *message,
                          const struct saga_journal_record *record, const struct saga_state *state,
                          const struct saga_definition *definition, const uint8_t *chain)
{
    uint8_t ignored[SAGA_SHA256_BYTES];
    if (definition &&
        decides_the_same(replay, message, record, state, definition, NULL, chain, ignored))
        return true;
    /* a body that did not fit its schema: by the schemas that are there now, as well as can be */
    const struct saga_schemas *schemas = saga_catalog_schemas(replay->catalog);
    if (definition && schemas &&
        decides_the_same(replay, message, record, state, definition, schemas, chain, ignored))
        return true;
    /* an entry needs none; R19: it was decided while the definition was nowhere to be had */
    bool without = state->status != SAGA_STATUS_NONE || record->cause.kind != SAGA_EVENT_START;
    return without && decides_the_same(replay, message, record, state, NULL, NULL, chain, ignored);
}

bool saga_replay_decide_again(struct saga_replay *replay, const struct saga_message *message,
                              const struct saga_journal_record *record,
                              const struct saga_state *state, const uint8_t *chain)
{
    const struct saga_definition *definition =
        saga_catalog_find(replay->catalog, record->name, record->version);
    if (!saga_event_fits(&record->cause)) {
        saga_replay_differ(replay, SAGA_DIFFERENCE_FACTS, message->offset, record->saga_id,
                           "its cause is no event that a saga can be told of");
        return false;
    }
    if (!names_definition(replay, message, record, state, definition)) return false;
    if (!replay->doubted && is_decided_so(replay, message, record, state, definition, chain))
        return true;
    if (!definition)
        saga_replay_differ(
            replay, SAGA_DIFFERENCE_DEFINITION, message->offset, record->saga_id,
            "definition %.*s version %u is not to be had, so it cannot be decided again",
            SAGA_SLICE_ARG(record->name), record->version);
    else if (!replay->doubted)
        saga_replay_differ(replay, SAGA_DIFFERENCE_FACTS, message->offset, record->saga_id,
                           "deciding its cause again gives other facts");
    return false;
}

static void evolve(struct saga_replay *replay, const struct saga_message *message,
                   const struct saga_journal_record *record, struct saga_replayed *saga)
{
    struct saga_slice run;
    saga_evolve_begin(saga->at.state, &record->cause);
    if (!begins_its_run(replay, record, &run))
        saga_replay_differ(replay, SAGA_DIFFERENCE_SEQUENCE, message->offset, record->saga_id,
                           "it begins the run %.*s where %.*s belongs",
                           SAGA_SLICE_ARG(record->cause.run), SAGA_SLICE_ARG(run));
    if (saga->at.state->sequence != record->sequence) {
        saga_replay_differ(replay, SAGA_DIFFERENCE_SEQUENCE, message->offset, record->saga_id,
                           "sequence %llu where %llu belongs", (unsigned long long)record->sequence,
                           (unsigned long long)saga->at.state->sequence);
        saga->at.state->sequence = record->sequence;
    }
    for (size_t i = 0; i < record->fact_count; i++) {
        if (saga_evolve(saga->at.state, &record->facts[i]) == SAGA_OK) continue;
        saga_replay_differ(replay, SAGA_DIFFERENCE_FACTS, message->offset, record->saga_id,
                           "%s cannot follow on the saga's state",
                           saga_fact_types[record->facts[i].kind].name);
        return;
    }
    if (!saga_slice_equal(record->run, saga->at.state->run))
        saga_replay_differ(replay, SAGA_DIFFERENCE_SEQUENCE, message->offset, record->saga_id,
                           "run %.*s where %.*s belongs", SAGA_SLICE_ARG(record->run),
                           SAGA_SLICE_ARG(saga->at.state->run));
    else if (!is_of_run(record, saga->at.state))
        saga_replay_differ(replay, SAGA_DIFFERENCE_SEQUENCE, message->offset, record->saga_id,
                           "key %.*s where %.*s belongs", SAGA_SLICE_ARG(record->key),
                           SAGA_SLICE_ARG(saga->at.state->key));
}

/* ---- what is not as nearly all are ---- */

/* Proves a record of a saga that is not as nearly all are, and takes its facts. */
static void prove(struct saga_replay *replay, const struct saga_message *message,
                  const struct saga_journal_record *record, struct saga_replayed *saga)
{
    uint8_t chain[SAGA_SHA256_BYTES];
    memcpy(chain, replay->chain, sizeof chain);
    check_chain(replay, message, record);
    if (!may_be_decided(&record->cause, saga->at.state)) {
        saga_replay_differ(replay, SAGA_DIFFERENCE_FACTS, message->offset, record->saga_id,
                           "an event of kind %s cannot come at this place",
                           saga_event_kind_name(record->cause.kind));
        return;
    }
    bool sealed = is_sealed(record, saga->at.state);
    replay->doubted = saga->doubted;
    bool proved = sealed ? saga_replay_decide_sealed(replay, message, record, saga->at.state, chain)
                         : saga_replay_decide_again(replay, message, record, saga->at.state, chain);
    saga->doubted = saga->doubted || !proved;
    evolve(replay, message, record, saga);
    if (proved && sealed && saga_status_has_ended(saga->at.state->status) &&
        !saga->at.state->forgotten)
        lay_at_rest(replay, saga);
    if (proved || saga->at.state->status == SAGA_STATUS_NONE) return;
    /* facts that were not ours may make a state that is none: it is read as one that comes from outside */
    lay_at_rest(replay, saga);
    saga_replay_wake(replay, saga);
}

/* Is the saga to be kept, after a record of it? */
static void keep_or_free(struct saga_replay *replay, struct saga_replayed *saga, bool proved)
{
    if (!saga->at.state) return; /* it rests already */
    if (!saga->at.state->forgotten && saga->at.state->status != SAGA_STATUS_NONE) {
        if (proved && saga_status_has_ended(saga->at.state->status)) lay_at_rest(replay, saga);
        return;
    }
    replay->forgotten += saga->at.state->forgotten && saga->at.state->kind == SAGA_KIND_SAGA;
    saga_replay_table_remove(&replay->sagas, saga);
}

/* All of the record is read, and whatever there is to be said is said. */
static void take_whole(struct saga_replay *replay, const struct saga_message *message)
{
    struct saga_journal_record record;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_journal_decode(replay->codec, message->value, &replay->arena, &record, &diagnostic) <
        0) {
        saga_replay_differ(replay, SAGA_DIFFERENCE_UNREADABLE, message->offset, SAGA_SLICE_NONE,
                           "%.*s", SAGA_SLICE_ARG(diagnostic.what));
        return;
    }
    saga_replay_look_at(replay, message, &record);
    if (record.cause.kind == SAGA_EVENT_LANE) {
        check_chain(replay, message, &record);
        return;
    }
    struct saga_replayed *saga =
        saga_replay_find_or_add(replay, record.saga_id, saga_replay_hash(record.saga_id));
    if (message->offset <
        saga->as_of) { /* a snapshot has it already, or nobody knows what was before it */
        check_chain(replay, message, &record);
        (void)saga_replay_has_definition(replay, message, &record);
        return;
    }
    saga->as_of = 0;
    saga_replay_wake(replay, saga);
    prove(replay, message, &record, saga);
    keep_or_free(replay, saga, false);
}

static void take(struct saga_replay *replay, const struct saga_message *message,
                 const struct saga_replay_ahead *ahead)
{
    const struct saga_journal_record *record = &ahead->record;
    saga_arena_reset(&replay->arena);
    replay->records++;
    if (saga_codec_is_encoded(message->value)) replay->applied = message->offset + 1;
    struct saga_replayed *saga =
        ahead->common ? saga_replay_find_or_add(replay, record->saga_id, ahead->hash) : NULL;
    if (saga && message->offset >= saga->as_of && !saga->doubted &&
        is_proved(replay, message, ahead, saga_replay_wake(replay, saga))) {
        saga_replay_look_at(replay, message, record);
        saga->as_of = 0;
        keep_or_free(replay, saga, true);
        return;
    }
    if (saga && saga->at.state && saga->at.state->status == SAGA_STATUS_NONE && saga->as_of == 0)
        saga_replay_table_remove(&replay->sagas, saga); /* it may be none at all */
    take_whole(replay, message);
}

void saga_replay_records(struct saga_replay *replay, const struct saga_message *messages,
                         size_t count)
{
    struct saga_replay_ahead aheads[SAGA_REPLAY_AHEAD_MAX];
    for (size_t from = 0, portion; from < count; from += portion) {
        portion = count - from < SAGA_REPLAY_AHEAD_MAX ? count - from : SAGA_REPLAY_AHEAD_MAX;
        saga_replay_look_ahead(replay, messages + from, portion, aheads);
        for (size_t i = 0; i < portion; i++) take(replay, &messages[from + i], &aheads[i]);
    }
}

void saga_replay_record(struct saga_replay *replay, const struct saga_message *message)
{
    saga_replay_records(replay, message, 1);
}

int64_t saga_replay_applied(const struct saga_replay *replay)
{
    return replay->applied;
}

void saga_replay_count(const struct saga_replay *replay, struct saga_replay_counts *ret)
{
    *ret =
        (struct saga_replay_counts){ .records = replay->records, .forgotten = replay->forgotten };
    const struct saga_replayed *saga;
    for (size_t place = 0; (saga = saga_replay_table_next(&replay->sagas, &place));) {
        enum saga_status status = saga_resting_status(&saga->at);
        if (status == SAGA_STATUS_NONE) continue; /* left while its snapshot was taken */
        if (saga->at.state && saga->at.state->kind != SAGA_KIND_SAGA) {
            ret->entries++;
            continue;
        }
        ret->sagas++;
        ret->by_status[status]++;
    }
    memcpy(ret->differences, replay->differences, sizeof ret->differences);
    ret->unproved_forgotten = replay->unproved_forgotten;
    ret->unproved_sealed = replay->unproved_sealed;
}
