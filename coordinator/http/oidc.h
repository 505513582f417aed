/* The keys of an OpenID Connect provider, out of a file or by https, and who a token of it names. */
#ifndef SAGA_HTTP_OIDC_H
#define SAGA_HTTP_OIDC_H

#include "base/diagnostic.h"
#include "http/exchange.h"
#include "runtime/config.h"

struct saga_oidc;

/* A file is read at once; a provider that does not answer yet is asked again later. Errors: SAGA_E_INVALID with words. */
int saga_oidc_new(const struct saga_http_config *config, struct saga_arena *arena,
                  struct saga_oidc **ret, struct saga_diagnostic *diagnostic);
void saga_oidc_free(struct saga_oidc *oidc);
/* Reads the keys again where they changed, are old, or lack one that was asked for. May wait for the provider some seconds. */
void saga_oidc_refresh(struct saga_oidc *oidc);
/* From any thread. Errors: as of saga_jwt_verify. */
int saga_oidc_identify(struct saga_oidc *oidc, struct saga_slice token, struct saga_arena *arena,
                       struct saga_identity *ret, const char **ret_why);

#endif
