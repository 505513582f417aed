/* Sealed values (coordinator/PRIVACY.md): what a saga of a definition with `redact:` is about stands encrypted in its facts,
 * its causes and its state, under a key of its own. Evolving copies a sealed value as any other, so that replaying, rebuilding
 * and snapshots need no key; only deciding and showing do.
 *
 * All values of such a saga are sealed, and all words about it that come from them: what was computed from a value, or said
 * back by a service, is as personal as the value. Names, types, times, numbers and reasons in one word stand as they are.
 *
 * A sealed value begins with a NUL, which no JSON does:
 *     00 01, sequence (8 bytes), place in the record (4 bytes), nonce (12), text, tag (16)
 * A sealed text is the same in base64 behind SAGA_SEALED_TEXT. Both are authenticated with the saga's id and run. */
#ifndef SAGA_CODEC_SEALED_H
#define SAGA_CODEC_SEALED_H

#include "base/seal.h"
#include "codec/codec.h"

#define SAGA_SEALED_TEXT "sealed:"

/* A saga's key: what texts are sealed with, and what their nonces are made with. */
struct saga_data_key {
    uint8_t cipher[SAGA_SEAL_KEY_BYTES];
    uint8_t nonce[SAGA_SEAL_KEY_BYTES];
};

static inline bool saga_is_sealed(struct saga_slice value)
{
    return value.size > 0 && value.data[0] == '\0';
}
/* Is it a saga whose values are sealed? Its input always is, also where there was none. */
static inline bool saga_state_is_sealed(const struct saga_state *state)
{
    return saga_is_sealed(state->input);
}
/* Does the record hold anything sealed? */
bool saga_record_is_sealed(const struct saga_journal_record *record);

/* Seals the values of a record's cause and facts, in place; id, run and sequence are the record's. Slices live in `arena`. The
 * same record under the same key gives the same bytes. */
void saga_seal_record(const struct saga_data_key *key, struct saga_journal_record *record,
                      struct saga_arena *arena);

/* The other way, in place; facts whose value is the cause's body get that. What is not sealed stays as it is. Errors:
 * SAGA_E_INVALID (another key, or changed). */
int saga_open_record(const struct saga_data_key *key, struct saga_journal_record *record,
                     struct saga_arena *arena);
/* Opens the values of a state that is the caller's alone; they live in the state's arena. Errors: SAGA_E_INVALID. */
int saga_open_state(const struct saga_data_key *key, struct saga_state *state);

/* For who has no key: puts `json` (a JSON text) in the place of every sealed value, and `words` in that of sealed texts. */
void saga_veil_record(struct saga_journal_record *record, struct saga_slice json,
                      struct saga_slice words);
void saga_veil_state(struct saga_state *state, struct saga_slice json, struct saga_slice words);

/* ---- saga.keys ---- */

/* A record of saga.keys, under the key <saga id>/<run>: a saga's key, wrapped, or who had it destroyed. */
struct saga_key_record {
    struct saga_slice saga_id, run;
    int64_t created_ms;
    struct saga_slice wrapped_by; /* id of the key that it is wrapped with */
    struct saga_slice wrapped;    /* absent: destroyed */
    int64_t forgotten_ms;         /* then; 0: it is there */
    struct saga_slice who, from, reason;
};
/* As the other records (codec.h). */
int saga_key_encode(struct saga_codec *codec, const struct saga_key_record *record,
                    struct saga_arena *arena, struct saga_slice *ret_bytes);
int saga_key_decode(struct saga_codec *codec, struct saga_slice bytes, struct saga_arena *arena,
                    struct saga_key_record *ret, struct saga_diagnostic *diagnostic);

#endif
