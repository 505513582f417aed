/* Deciding for sagas whose values are sealed (codec/sealed.h). The state at hand, in Redis and in the journal has only sealed
 * values; they are opened for as long as an event is decided, and what is sent is made of them. */
#include "runtime/batch_internal.h"

enum { LATER_MS = 60000, MISSING_LOG_MS = 5000 };

/* ---- is there a key ---- */

static struct saga_slice why_not(struct saga_batch *b, const struct saga_lane *lane,
                                 const struct saga_state *before)
{
    const struct saga_key_record *record =
        saga_keyring_find(b->w->keyrings[lane->number], before->id, before->run, b->arena);
    if (!record) return SAGA_SLICE("saga.keys has no key of it");
    if (!record->wrapped.data) return SAGA_SLICE("its key was destroyed");
    return saga_arena_printf(b->arena,
                             "its key is wrapped with the key %.*s, which is not among those of "
                             "privacy.key-file or privacy.key-command, or was changed",
                             SAGA_SLICE_ARG(record->wrapped_by));
}

void saga_batch_leave_aside(struct saga_batch *b, struct saga_lane *lane,
                            const struct saga_intake_item *in, enum saga_letter_reason reason,
                            struct saga_slice words)
{
    if (in->event.kind == SAGA_EVENT_TIMER)
        SAGA_PUSH(b->arena, b->orphans, b->orphan_count, b->orphan_capacity,
                  (struct saga_orphan){ lane,
                                        in->saga_id,
                                        { in->event.timer, in->event.armed, b->time_ms + LATER_MS },
                                        true });
    else
        saga_batch_put_aside(b, &in->record, reason, words);
}

static void leave_aside(struct saga_batch *b, struct saga_lane *lane,
                        const struct saga_intake_item *in, enum saga_letter_reason reason,
                        struct saga_slice words)
{
    saga_log_seldom(&b->w->last_sealed_ms, MISSING_LOG_MS, SAGA_LOG_ERROR,
                    "a saga whose values are sealed cannot go on", "saga=%.*s words=\"%.*s\"",
                    SAGA_SLICE_ARG(in->saga_id), SAGA_SLICE_ARG(words));
    saga_batch_leave_aside(b, lane, in, reason, words);
}

static bool find_for_new(struct saga_batch *b, struct saga_lane *lane,
                         const struct saga_intake_item *in, struct saga_sealing *ret)
{
    ret->kind = SAGA_SEALING_FRESH;
    if (b->w->config.wrapping) return true;
    leave_aside(b, lane, in, SAGA_LETTER_NO_PRIVACY_KEY,
                SAGA_SLICE("its definition says `redact`, and this coordinator has no key: set "
                           "privacy.key-file or privacy.key-command, start it again, and resend "
                           "this"));
    return false;
}

bool saga_batch_find_key(struct saga_batch *b, struct saga_lane *lane, struct saga_intake_item *in,
                         const struct saga_state *before, const struct saga_definition *definition,
                         struct saga_sealing *ret)
{
    bool starts = in->event.kind == SAGA_EVENT_START;
    ret->kind = SAGA_SEALING_NONE;
    if (!before) return !starts || !definition->redact_count || find_for_new(b, lane, in, ret);
    if (!saga_state_is_sealed(before)) {
        /* of an older version that says no `redact`: it ignores the start, whose body is nobody's to keep */
        if (starts && in->definition && in->definition->redact_count)
            in->event.body = SAGA_SLICE_NONE;
        return true;
    }
    ret->kind = SAGA_SEALING_KEYED;
    if (saga_keyring_open(b->w->keyrings[lane->number], before->id, before->run, b->arena,
                          &ret->key) == SAGA_OK)
        return true;
    ret->kind = SAGA_SEALING_BLIND;
    if (saga_status_has_ended(before->status)) return true;
    leave_aside(b, lane, in, SAGA_LETTER_SEALED, why_not(b, lane, before));
    return false;
}

/* ---- deciding ---- */

static void make_key(struct saga_batch *b, struct saga_lane *lane, const struct saga_state *state,
                     struct saga_data_key *ret)
{
    struct saga_worker *w = b->w;
    uint8_t random[SAGA_KEY_RANDOM_BYTES];
    struct saga_key_record record;
    struct saga_slice bytes;
    w->config.random_bytes(w->config.random_context, random, sizeof random);
    saga_wrapping_make(w->config.wrapping, random, state->id, state->run, b->arena, &record, ret);
    record.created_ms = b->time_ms;
    int error = saga_key_encode(w->codec, &record, b->arena, &bytes);
    SAGA_ASSERT(error == SAGA_OK); /* ids have a limit */
    /* a batch that aborts is decided again and makes another key, which takes this one's place */
    saga_keyring_put(saga_keys_of_lane(w, lane), &record);
    const struct saga_message message = { .topic = w->config.keys,
                                          .partition = (int32_t)lane->number,
                                          .key = saga_keyring_record_key(state->id, state->run,
                                                                         b->arena),
                                          .value = bytes };
    saga_batch_send(b, &message, NULL);
}

static struct saga_facts copy_of(const struct saga_facts *facts, struct saga_arena *arena)
{
    struct saga_facts copy = { SAGA_NEW_ARRAY(arena, struct saga_fact, facts->count), facts->count,
                               facts->count };
    memcpy(copy.items, facts->items, facts->count * sizeof *copy.items);
    return copy;
}

/* A saga that has ended decides by what it is, not by its values: those stay sealed. What the event says is not kept. */
static void decide_blind(struct saga_batch *b, const struct saga_event *event,
                         struct saga_state *working, const struct saga_definition *definition,
                         struct saga_decided *ret)
{
    ret->cause = *event;
    ret->cause.body = SAGA_SLICE_NONE;
    saga_decide(definition, working, &ret->cause, b->arena, &ret->said);
    ret->kept = ret->said;
    ret->state = working;
}

void saga_batch_decide_sealed(struct saga_batch *b, struct saga_lane *lane,
                              const struct saga_event *event, struct saga_state *working,
                              const struct saga_definition *definition,
                              struct saga_sealing *sealing, struct saga_decided *ret)
{
    if (sealing->kind == SAGA_SEALING_BLIND) {
        decide_blind(b, event, working, definition, ret);
        return;
    }
    struct saga_state *opened = saga_state_clone(working);
    SAGA_PUSH(b->arena, b->opened, b->opened_count, b->opened_capacity, opened);
    int error = saga_open_state(&sealing->key, opened);
    SAGA_ASSERT(error == SAGA_OK || sealing->kind == SAGA_SEALING_FRESH);
    saga_decide(definition, opened, event, b->arena, &ret->said);
    if (sealing->kind == SAGA_SEALING_FRESH) make_key(b, lane, opened, &sealing->key);
    struct saga_facts kept = copy_of(&ret->said, b->arena);
    struct saga_journal_record record = saga_journal_record_of(opened, event, &kept);
    saga_seal_record(&sealing->key, &record, b->arena);
    saga_evolve_begin(working, event);
    for (size_t i = 0; i < kept.count; i++) {
        error = saga_evolve(working, &kept.items[i]);
        SAGA_ASSERT(error == SAGA_OK); /* it evolved the same state, but for its values */
    }
    ret->cause = record.cause;
    ret->kept = kept;
    ret->state = opened;
}

void saga_batch_close_opened(struct saga_batch *b)
{
    for (size_t i = 0; i < b->opened_count; i++) saga_state_free(b->opened[i]);
    b->opened_count = 0;
}

/* ---- forgetting ---- */

struct destroying {
    struct saga_batch *b;
    struct saga_lane *lane;
    const struct saga_event *event;
    int error;
};

static void send_tombstone(struct destroying *d, const struct saga_key_record *record)
{
    struct saga_batch *b = d->b;
    struct saga_slice bytes;
    const struct saga_key_record gone = { .saga_id = saga_arena_copy(b->arena, record->saga_id),
                                          .run = saga_arena_copy(b->arena, record->run),
                                          .created_ms = record->created_ms,
                                          .forgotten_ms = b->time_ms,
                                          .who = d->event->who,
                                          .from = d->event->from,
                                          .reason = d->event->reason };
    d->error = saga_key_encode(b->w->codec, &gone, b->arena, &bytes);
    if (d->error < 0) return;
    const struct saga_message message = { .topic = b->w->config.keys,
                                          .partition = (int32_t)d->lane->number,
                                          .key = saga_keyring_record_key(gone.saga_id, gone.run,
                                                                         b->arena),
                                          .value = bytes };
    saga_batch_send(b, &message, NULL);
    if (!record->wrapped.data) return; /* no key of that run is held */
    SAGA_PUSH(b->arena, b->destroyed, b->destroyed_count, b->destroyed_capacity,
              (struct saga_destroyed){ d->lane, gone });
}

static void destroy_held(const struct saga_key_record *record, void *context)
{
    struct destroying *d = context;
    if (record->wrapped.data && d->error == SAGA_OK) send_tombstone(d, record);
}

/* Of those that have left whoever asks has found the keys: here nothing is known of them. Their names were looked at when the
 * event was read, so that they are runs of this saga and of no other. */
static void destroy_named(struct destroying *d, struct saga_slice saga_id)
{
    const struct saga_keyring *ring = d->b->w->keyrings[d->lane->number];
    for (size_t i = 0; i < d->event->run_count && d->error == SAGA_OK; i++) {
        const struct saga_named_run *named = &d->event->runs[i];
        const struct saga_key_record run = { .saga_id = saga_id,
                                             .run = named->run,
                                             .created_ms = named->created_ms };
        if (!saga_keyring_find(ring, saga_id, named->run, d->b->arena)) send_tombstone(d, &run);
    }
}

int saga_batch_destroy_keys(struct saga_batch *b, struct saga_lane *lane, struct saga_slice saga_id,
                            const struct saga_event *event)
{
    struct destroying d = { b, lane, event, SAGA_OK };
    saga_keyring_each(b->w->keyrings[lane->number], saga_id, destroy_held, &d);
    destroy_named(&d, saga_id);
    return d.error;
}

void saga_batch_keys_destroyed(struct saga_batch *b)
{
    for (size_t i = 0; i < b->destroyed_count; i++)
        saga_keyring_put(saga_keys_of_lane(b->w, b->destroyed[i].lane), &b->destroyed[i].record);
}
