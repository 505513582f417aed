/* The keys that the sagas' keys are wrapped with: they come from a file or a command (privacy.key-file, privacy.key-command)
 * and are in memory only. One line each, 64 hexadecimal digits (`openssl rand -hex 32`). New sagas' keys are wrapped with the
 * first; the others open what was wrapped with them before. Never changes once it is read; threads share it. */
#ifndef SAGA_RUNTIME_WRAPPING_H
#define SAGA_RUNTIME_WRAPPING_H

#include "base/diagnostic.h"
#include "codec/sealed.h"

struct saga_wrapping;

/* Reads them; a command is run by the shell, and what it prints is read. Both NULL: `*ret` is NULL, and nothing can be sealed.
 * Errors: SAGA_E_INVALID with words in `diagnostic` (arena), that never show a key. */
int saga_wrapping_read(const char *file, const char *command, struct saga_arena *arena,
                       struct saga_wrapping **ret, struct saga_diagnostic *diagnostic);
/* The same from text, for tests and simulation. */
int saga_wrapping_of(struct saga_slice text, struct saga_arena *arena, struct saga_wrapping **ret,
                     struct saga_diagnostic *diagnostic);
/* Wipes and frees it. */
void saga_wrapping_free(struct saga_wrapping *wrapping);

/* What random bytes a key is made of, and a nonce to wrap it with: from the kernel. */
#define SAGA_KEY_RANDOM_BYTES (sizeof(struct saga_data_key) + SAGA_SEAL_NONCE_BYTES)

/* Makes the key of a run of a saga. Fills in saga_id, run, wrapped_by and wrapped of the record; in `arena`. */
void saga_wrapping_make(const struct saga_wrapping *wrapping,
                        const uint8_t random[SAGA_KEY_RANDOM_BYTES], struct saga_slice saga_id,
                        struct saga_slice run, struct saga_arena *arena,
                        struct saga_key_record *ret_record, struct saga_data_key *ret);
/* Unwraps it. Errors: SAGA_E_NOT_FOUND (wrapped with a key that is not here, or there are none: `wrapping` may be NULL),
 * SAGA_E_INVALID (of another saga, or changed). */
int saga_wrapping_open(const struct saga_wrapping *wrapping, const struct saga_key_record *record,
                       struct saga_arena *arena, struct saga_data_key *ret);

#endif
