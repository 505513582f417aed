/* Keys of a lane's sagas, as saga.keys has them: wrapped, or destroyed. Opened one by one as they are needed. A worker keeps
 * those of the runs that stand in its lane (keys.c); who looks at a journal takes all. */
#ifndef SAGA_RUNTIME_KEYRING_H
#define SAGA_RUNTIME_KEYRING_H

#include "base/message.h"
#include "runtime/wrapping.h"

struct saga_keyring;
/* `wrapping` is the caller's and may be NULL: then no key can be opened. */
struct saga_keyring *saga_keyring_new(const struct saga_wrapping *wrapping);
void saga_keyring_free(struct saga_keyring *ring);

/* Who asks for a run that is not there has `refill` put in what saga.keys has by now, as long as that helps: for who reads a
 * journal that grows. */
void saga_keyring_refill_by(struct saga_keyring *ring, void (*refill)(void *context),
                            void *context);

/* The key of a record in saga.keys, in `arena`: <saga id>/<run>. */
struct saga_slice saga_keyring_record_key(struct saga_slice saga_id, struct saga_slice run,
                                          struct saga_arena *arena);

/* Puts a key in the place of an earlier one of that run; copied. */
void saga_keyring_put(struct saga_keyring *ring, const struct saga_key_record *record);
/* All keys of a saga go but the one of this run; absent: that one too. */
void saga_keyring_keep(struct saga_keyring *ring, struct saga_slice saga_id, struct saga_slice run);
/* Reads a record of saga.keys; slices live in `arena` and in the message. Errors: as of saga_keyring_take. */
int saga_keyring_read(struct saga_codec *codec, const struct saga_message *message,
                      struct saga_arena *arena, struct saga_key_record *ret,
                      struct saga_diagnostic *diagnostic);
/* Takes a record of saga.keys. Errors: SAGA_E_INVALID with words: it is none of ours, and is left out. */
int saga_keyring_take(struct saga_keyring *ring, struct saga_codec *codec,
                      const struct saga_message *message, struct saga_arena *arena,
                      struct saga_diagnostic *diagnostic);

/* NULL: this run never had one. The ring's, until it is put anew. */
const struct saga_key_record *saga_keyring_find(const struct saga_keyring *ring,
                                                struct saga_slice saga_id, struct saga_slice run,
                                                struct saga_arena *arena);
/* Opens the key of a run. Errors: SAGA_E_NOT_FOUND (there is none: destroyed, never there, or wrapped with a key that is not
 * here), SAGA_E_INVALID (it does not open). */
int saga_keyring_open(const struct saga_keyring *ring, struct saga_slice saga_id,
                      struct saga_slice run, struct saga_arena *arena, struct saga_data_key *ret);

/* All runs of a saga, in the order in which they came; of all sagas where the id is absent. */
void saga_keyring_each(const struct saga_keyring *ring, struct saga_slice saga_id,
                       void (*visit)(const struct saga_key_record *record, void *context),
                       void *context);
size_t saga_keyring_count(const struct saga_keyring *ring);

#endif
