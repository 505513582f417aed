/* The file of tokens. A line is a name, a role and how its bearer is known:
 *
 *     ci     deployer  sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *     anna   operator  certificate:anna@example.org
 *
 * A token is kept as its SHA-256 alone: it is random and long (`saga token`), so that nobody finds it by trying. */
#ifndef SAGA_HTTP_TOKENS_H
#define SAGA_HTTP_TOKENS_H

#include "base/diagnostic.h"
#include "base/hash.h"
#include "http/exchange.h"

struct saga_token {
    struct saga_slice name;
    enum saga_http_role role;
    bool is_certificate;
    uint8_t sha256[SAGA_SHA256_BYTES];
    struct saga_slice common_name; /* of a certificate */
};
struct saga_tokens {
    struct saga_token *items;
    size_t count, capacity;
};

/* Everything is in `arena`. Errors: SAGA_E_INVALID with the line and words; a token never stands in them. */
int saga_tokens_parse(struct saga_slice text, struct saga_arena *arena, struct saga_tokens *ret,
                      struct saga_diagnostic *diagnostic);
/* NULL: there is none. Takes as long whichever it is. */
const struct saga_token *saga_tokens_find(const struct saga_tokens *tokens,
                                          struct saga_slice token);
const struct saga_token *saga_tokens_find_certificate(const struct saga_tokens *tokens,
                                                      struct saga_slice common_name);

#endif
