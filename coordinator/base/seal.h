/* AES-256-GCM (NIST SP 800-38D) by OpenSSL: a text that only the holder of a key can read, and nobody can change. */
#ifndef SAGA_BASE_SEAL_H
#define SAGA_BASE_SEAL_H

#include <stdint.h>

#include "base/slice.h"

#define SAGA_SEAL_KEY_BYTES 32
#define SAGA_SEAL_NONCE_BYTES 12
#define SAGA_SEAL_TAG_BYTES 16

/* Encrypts `plain` into `ret`, which has room for plain.size + SAGA_SEAL_TAG_BYTES: the tag stands behind the text. `about` is
 * not encrypted but authenticated: a text that is moved to another place does not open. A nonce must never be used for two
 * texts under one key. */
void saga_seal(const uint8_t key[SAGA_SEAL_KEY_BYTES], const uint8_t nonce[SAGA_SEAL_NONCE_BYTES],
               struct saga_slice about, struct saga_slice plain, uint8_t *ret);

/* The other way, into `ret`, which has room for sealed.size - SAGA_SEAL_TAG_BYTES. Errors: SAGA_E_INVALID (another key, another
 * place, or changed); what `ret` holds then is worth nothing. */
int saga_unseal(const uint8_t key[SAGA_SEAL_KEY_BYTES], const uint8_t nonce[SAGA_SEAL_NONCE_BYTES],
                struct saga_slice about, struct saga_slice sealed, uint8_t *ret);

/* A nonce that follows from the text and its place: the beginning of HMAC-SHA-256 over both. The same text at the same place is
 * sealed to the same bytes, so that deciding an event again gives its record again; any other gets another nonce. The idea is
 * that of RFC 5297 and RFC 8452. `key` is another one than the text is sealed with. */
void saga_seal_nonce(const uint8_t key[SAGA_SEAL_KEY_BYTES], struct saga_slice about,
                     struct saga_slice plain, uint8_t ret[SAGA_SEAL_NONCE_BYTES]);

#endif
