/* Proving records of sagas whose values are sealed (codec/sealed.h). Their chain, their sequence and the states that they lead
 * to are proved as they stand, as evolving needs no key. Deciding does: with the saga's key the record is opened and decided
 * again as any other; without it is counted that it was not. */
#include "base/error.h"
#include "engine/fits.h"
#include "runtime/replay_internal.h"

static bool holds_sealed_text(const struct saga_journal_record *record)
{
    for (size_t i = 0; i < record->fact_count; i++)
        if (saga_slice_starts_with(record->facts[i].message, SAGA_SEALED_TEXT)) return true;
    return false;
}

/* A saga that has ended decides what is said to it by what it is, not by its values; so it was decided too, if the key was gone
 * by then. Only taking it back needs them (R22). */
static bool needs_no_key(const struct saga_journal_record *record, const struct saga_state *state)
{
    return saga_status_has_ended(state->status) && !saga_record_is_sealed(record) &&
           !holds_sealed_text(record) && record->cause.note != SAGA_NOTE_CHILD_COMPENSATE;
}

static bool without_key(struct saga_replay *replay, const struct saga_message *message,
                        const struct saga_journal_record *record, const struct saga_state *state,
                        const uint8_t *chain)
{
    const struct saga_key_record *key =
        saga_keyring_find(replay->keys, record->saga_id, record->run, &replay->arena);
    if (needs_no_key(record, state))
        return saga_replay_decide_again(replay, message, record, state, chain);
    if (!saga_replay_has_definition(replay, message, record)) return false;
    if (key && !key->wrapped.data)
        replay->unproved_forgotten++;
    else
        replay->unproved_sealed++;
    return true;
}

/* The record as it was decided, in bytes: what deciding again must give. */
static bool prove_opened(struct saga_replay *replay, const struct saga_message *message,
                         const struct saga_journal_record *opened, const struct saga_state *state,
                         const uint8_t *chain)
{
    struct saga_message plain = *message;
    uint8_t ignored[SAGA_SHA256_BYTES];
    if (saga_journal_encode(replay->codec, opened, chain, &replay->arena, &plain.value, ignored) <
        0)
        return false;
    return saga_replay_decide_again(replay, &plain, opened, state, chain);
}

bool saga_replay_decide_sealed(struct saga_replay *replay, const struct saga_message *message,
                               const struct saga_journal_record *record,
                               const struct saga_state *state, const uint8_t *chain)
{
    struct saga_data_key key;
    struct saga_journal_record opened = *record;
    struct saga_diagnostic diagnostic = { 0 };
    if (saga_keyring_open(replay->keys, record->saga_id, record->run, &replay->arena, &key) < 0)
        return without_key(replay, message, record, state, chain);
    opened.facts = SAGA_NEW_ARRAY(&replay->arena, struct saga_fact, record->fact_count);
    memcpy(opened.facts, record->facts, record->fact_count * sizeof *opened.facts);
    struct saga_state *plain = saga_state_clone(state);
    bool fits = saga_open_record(&key, &opened, &replay->arena) == SAGA_OK &&
                saga_open_state(&key, plain) == SAGA_OK &&
                saga_state_values_fit(plain, &replay->arena, &diagnostic);
    if (!fits)
        saga_replay_differ(replay, SAGA_DIFFERENCE_FACTS, message->offset, record->saga_id,
                           "what is sealed in it, or in its saga's state, was changed, or is "
                           "another saga's");
    bool proved = fits && prove_opened(replay, message, &opened, plain, chain);
    saga_state_free(plain);
    return proved;
}
