/* Anchors: signed statements of what a lane's hash chain was at a time. Who keeps them where nobody else writes can prove
 * later that nothing before them was changed, also by somebody who may write to Kafka and Redis and makes the whole chain
 * anew. AUDIT.md has the form. Signatures are Ed25519 (RFC 8032), keys PEM files as openssl makes them. */
#ifndef SAGA_RUNTIME_ANCHOR_H
#define SAGA_RUNTIME_ANCHOR_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/hash.h"
#include "base/time.h"

enum { SAGA_ANCHOR_SIGNATURE_BYTES = 64, SAGA_JOURNAL_ID_DIGITS = 32 };

struct saga_anchor {
    uint32_t lane;
    char journal[SAGA_JOURNAL_ID_DIGITS + 1];
    int64_t offset; /* of the last record that it is about */
    uint8_t chain[SAGA_SHA256_BYTES];
    char time[SAGA_TIME_TEXT_BYTES];     /* RFC 3339 */
    char key[2 * SAGA_SHA256_BYTES + 1]; /* id of the key that signed */
    uint8_t signature[SAGA_ANCHOR_SIGNATURE_BYTES];
    unsigned line; /* of the file that it was read from, from 1 */
};

/* A key; its id is the SHA-256 of its public half (DER, SubjectPublicKeyInfo), hexadecimal. */
struct saga_anchor_key;
enum saga_anchor_key_kind { SAGA_ANCHOR_KEY_PRIVATE, SAGA_ANCHOR_KEY_PUBLIC };
/* Reads a PEM file; freed with saga_anchor_key_free. Errors: SAGA_E_INVALID with words in `arena` (no such file, no key of
 * that kind, not Ed25519). */
int saga_anchor_key_read(const char *path, enum saga_anchor_key_kind kind, struct saga_arena *arena,
                         struct saga_anchor_key **ret, struct saga_diagnostic *diagnostic);
void saga_anchor_key_free(struct saga_anchor_key *key);
const char *saga_anchor_key_id(const struct saga_anchor_key *key);

/* Sets key id and signature; the other fields are there. */
void saga_anchor_sign(struct saga_anchor *anchor, const struct saga_anchor_key *key);
/* Is it this key's signature? */
bool saga_anchor_is_signed(const struct saga_anchor *anchor, const struct saga_anchor_key *key);

/* One JSON object, without a newline. */
struct saga_slice saga_anchor_json(const struct saga_anchor *anchor, struct saga_arena *arena);
/* The same back. Errors: SAGA_E_INVALID, `*ret_why` a phrase. */
int saga_anchor_parse(struct saga_slice line, struct saga_arena *arena, struct saga_anchor *ret,
                      const char **ret_why);

#endif
