/* Tokens of an OpenID Connect provider: JWTs (RFC 7519) signed with RS256 or ES256. cjose takes them apart and checks the
 * signature; what a token must say is checked here. Pure: time and keys are given. */
#ifndef SAGA_HTTP_JWT_H
#define SAGA_HTTP_JWT_H

#include "base/arena.h"
#include "base/slice.h"

struct saga_jwt_keys;
/* A JSON Web Key Set (RFC 7517). Keys that are for something else, or too weak, are passed over. Errors: SAGA_E_INVALID with
 * words (no JSON, no key that is left). */
int saga_jwt_keys_read(struct saga_slice jwks, struct saga_jwt_keys **ret, const char **ret_why);
void saga_jwt_keys_free(struct saga_jwt_keys *keys);

/* What a token must say. */
struct saga_jwt_wanted {
    const char *issuer, *audience; /* of `iss` and `aud` */
    const char *roles;             /* name of the claim, with dots into objects */
    int64_t now_s;                 /* since 1970 */
};
struct saga_jwt_bearer {
    struct saga_slice subject; /* `sub`, in the arena */
    int role; /* the highest of enum saga_http_role; SAGA_ROLE_NONE: none of ours */
};
/* Errors: SAGA_E_INVALID with words (for its bearer and the log: they hold nothing of the token), SAGA_E_NOT_FOUND (signed with a
 * key that is not among these). */
int saga_jwt_verify(const struct saga_jwt_keys *keys, struct saga_slice token,
                    const struct saga_jwt_wanted *wanted, struct saga_arena *arena,
                    struct saga_jwt_bearer *ret, const char **ret_why);

#endif
